/* Sound in packets of another size and in the same codec: bytes are cut and joined, nobody decodes them. That can be
 * done with codecs whose bytes are worth the same time wherever they stand: G.711 and G.722, and those of frames that
 * need nothing of each other's packet.
 *
 * A packet of the right size goes on as it is, under its own number. Else numbers go on without a gap; a short gap in
 * the sound is filled with silence where the codec has a byte for that, and else what waits goes on as it is, in a
 * packet that is shorter. */
#include "media/dsp_int.h"

static const struct rf_dsp_unit units[] = {
#define TEXT(lit) { (const uint8_t *)lit, sizeof(lit) - 1 }
	{ TEXT("PCMU"), 8000, 10, 80, true, 0xff }, { TEXT("PCMA"), 8000, 10, 80, true, 0xd5 },
	{ TEXT("G722"), 8000, 10, 80, true, 0xff },
	{ TEXT("G729"), 8000, 10, 10, false, 0 },  /* RFC 3551 4.5.6: frames of ten bytes; a last
						    * one of two is not cut */
	{ TEXT("GSM"), 8000, 20, 33, false, 0 },   /* 4.5.8 */
};

const struct rf_dsp_unit *rf_dsp_unit_of(struct rf_view name, uint32_t clock, unsigned channels)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (channels == 1 && units[i].clock == clock && rf_view_eq_nocase(units[i].name, name))
			return &units[i];
	return NULL;
}

static uint32_t ticks_of(const struct rf_dsp_unit *u, size_t bytes)
{
	return (uint32_t)(bytes / u->bytes) * u->ms * (u->clock / 1000);
}

static void say(struct rf_dsp *d)
{
	struct rf_dsp_cut *x = &d->coder->cut;
	struct rf_rtp_head head = { .type = x->type, .timestamp = x->at, .marker = x->marker };

	if (x->n)
		rf_dsp_insert(d, &head, x->bytes, x->n);
	x->at += ticks_of(x->unit, x->n);
	x->marker = false;
	x->n = 0;
}

void rf_dsp_cut_end(struct rf_dsp *d)
{
	struct rf_dsp_cut *x = &d->coder->cut;

	if (x->unit)
		say(d);
	x->unit = NULL;
}

/* bytes NULL: silence. */
static void add(struct rf_dsp *d, const uint8_t *bytes, size_t n, size_t frame)
{
	struct rf_dsp_cut *x = &d->coder->cut;

	while (n) {
		size_t some = frame - x->n < n ? frame - x->n : n;

		if (bytes)
			memcpy(x->bytes + x->n, bytes, some);
		else
			memset(x->bytes + x->n, x->unit->quiet, some);
		bytes = bytes ? bytes + some : NULL;
		x->n += some;
		n -= some;
		if (x->n == frame)
			say(d);
	}
}

/* Where this packet does not follow on what waits. */
static void join(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint32_t at,
		 size_t frame)
{
	struct rf_dsp_cut *x = &d->coder->cut;
	const struct rf_dsp_unit *u = in->unit;
	bool on = x->unit == u && x->type == head->type;
	int32_t gap = on ? (int32_t)(at - x->at - ticks_of(u, x->n)) / (int32_t)(u->clock / 1000) : 0;

	if (on && gap > -RF_DSP_FILL_MS && gap < u->ms && !head->marker)
		return;
	if (on && u->fills && gap >= u->ms && gap <= RF_DSP_FILL_MS) {
		add(d, NULL, (size_t)gap / u->ms * u->bytes, frame);
		return;
	}
	rf_dsp_cut_end(d);
	*x = (struct rf_dsp_cut){ .unit = u, .type = head->type, .at = at, .marker = head->marker };
}

int rf_dsp_cut(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint32_t at,
	       const uint8_t *payload, size_t n)
{
	const struct rf_dsp_unit *u = in->unit;
	size_t frame = (size_t)d->conf.cut_ms / u->ms * u->bytes;
	struct rf_dsp_stream *s = &d->stream;

	if (n == 0 || n % u->bytes || (!d->coder->cut.n && n == frame)) {
		rf_dsp_cut_end(d); /* the last frame of a pause, perhaps: as it is */
		return RF_FILTER_ON;
	}
	if ((int16_t)(head->seq - s->heard) <= 0)
		return RF_FILTER_HELD; /* late: its place has been filled */
	rf_dsp_leave_out(d, head);
	s->timestamp = at;
	s->clock = in->clock;
	s->at = rf_loop_now(d->loop);
	join(d, in, head, at, frame);
	add(d, payload, n, frame);
	return RF_FILTER_TAKEN;
}

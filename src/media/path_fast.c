/* What may pass through the kernel, and what it did there. A stream goes there after some packets of it went the whole
 * way here; it comes back at once when anything changes: another description, a hold, a filter, a source. What the
 * kernel counted is added to what we counted, whenever somebody asks or a packet of it comes up. */
#include "media/path_int.h"

#include "base/err.h"
#include "base/reader.h"

enum {
	SSRC_AT = 8,
	AFTER_PACKETS = 16,          /* so that short streams cost no system call */
	AGAIN_MS = 10000,            /* after the kernel would not have it, or somebody forged its packets */
};

/* Nothing here has to see its packets: they leave as they came. */
static bool unopened(const struct rf_end *from, const struct rf_end *to)
{
	return !from->carried && !to->carried && from->keying == to->keying &&
	       (from->keying == RF_KEYING_PLAIN || from->keying == RF_KEYING_PASSED) &&
	       !from->holds && !from->filter && !from->taps;
}

/* Payload types that nobody here listens for. */
static void set_types(const struct rf_path *p, const struct rf_end *e, uint64_t types[static 2])
{
	types[0] = e->types_ok[0];
	types[1] = e->types_ok[1];
	for (unsigned i = 0; p->ops->dtmf && i < e->n_types; i++)
		if (e->types[i].flags & RF_TYPE_DTMF)
			types[e->types[i].type >> 6 & 1] &= ~(UINT64_C(1) << (e->types[i].type & 63));
}

static struct rf_addr local_of(const struct rf_path *p, const struct rf_end *e)
{
	struct rf_addr a = p->w->place[e->interface].conf.local;

	a.port = e->port;
	return a;
}

static void enter(struct rf_arrival *a, struct rf_path_ssrc *s, uint16_t seq)
{
	struct rf_path *p = a->p;
	struct rf_end *e = a->e, *to = rf_end_other(p, e);
	const struct rf_peer *at = rf_source_for_media(to, 0);
	uint64_t now_us = rf_loop_now(p->w->loop).us;

	if (s->packets < AFTER_PACKETS || now_us < s->fast_us || !unopened(e, to) || !e->source[0].n || !at)
		return;
	struct rf_fast_stream stream = {
		.in_from = rf_peer_addr(&e->source[0]), .in_to = local_of(p, e), .out_from = local_of(p, to),
		.out_to = rf_peer_addr(at), .ssrc = s->ssrc, .packets_s = e->rate.packets_s, .bytes_s = e->rate.bytes_s,
		.dscp = to->dscp, .seq = a->proven ? seq : s->seq, .seen = a->proven ? 1 : s->seen[0],
	};

	set_types(p, e, stream.types);
	s->fast = rf_fast_add(p->w->conf.fast, &stream, &s->fast_id) == 0;
	if (s->fast) {
		s->fast_was = (struct rf_fast_counts){ .seq = stream.seq, .seen = stream.seen };
		p->w->n_fast++;
	} else {
		s->fast_us = now_us + AGAIN_MS * 1000u;
	}
}

/* ---- what it did */

static void add(struct rf_path *p, struct rf_end *e, struct rf_path_ssrc *s, const struct rf_fast_counts *now)
{
	struct rf_end *to = rf_end_other(p, e);
	uint64_t packets = now->packets - s->fast_was.packets, bytes = now->bytes - s->fast_was.bytes;
	uint64_t repeated = now->repeated - s->fast_was.repeated, over_rate = now->over_rate - s->fast_was.over_rate;
	struct rf_media_totals *t = &p->w->totals;

	rf_quality_passed(&s->quality, now->seq, (uint32_t)packets);
	s->packets += packets;
	s->bytes += bytes;
	e->packets += packets;
	e->bytes += bytes;
	to->sent += packets;
	to->sent_bytes += bytes;
	t->packets += packets;
	t->bytes += bytes;
	t->sent += packets;
	t->kernel_packets += packets;
	t->kernel_bytes += bytes;
	e->drops[RF_DROP_REPLAY] += repeated;
	e->drops[RF_DROP_RATE] += over_rate;
	t->dropped[RF_DROP_REPLAY] += repeated;
	t->dropped[RF_DROP_RATE] += over_rate;
	if (now->last_us > s->last_us)
		s->last_us = now->last_us;
	if (now->last_us > e->last_us)
		e->last_us = now->last_us;
	if (packets) {               /* what is older than the kernel's window counts as seen */
		s->seq = now->seq;
		s->seen[0] = now->seen | ~UINT64_C(0) << RF_FAST_BEHIND;
		s->seen[1] = ~UINT64_C(0);
		s->jumped = false;
	}
	s->fast_was = *now;
}

static void count(struct rf_path *p, struct rf_end *e, struct rf_path_ssrc *s)
{
	struct rf_fast_counts now = rf_fast_read(p->w->conf.fast, s->fast_id);

	add(p, e, s, &now);
}

static void leave(struct rf_path *p, struct rf_end *e, struct rf_path_ssrc *s)
{
	struct rf_fast_counts last = rf_fast_remove(p->w->conf.fast, s->fast_id);

	add(p, e, s, &last);
	s->fast = false;
	p->w->n_fast--;
}

static void each(struct rf_path *p, void (*what)(struct rf_path *p, struct rf_end *e, struct rf_path_ssrc *s))
{
	for (unsigned i = 0; p->w->n_fast && i < RF_PATH_ENDS; i++)
		for (struct rf_path_ssrc *s = p->end[i].ssrcs; s; s = s->next)
			if (s->fast)
				what(p, &p->end[i], s);
}

void rf_path_fast_count(struct rf_path *p)
{
	each(p, count);
}

void rf_path_fast_leave(struct rf_path *p)
{
	each(p, leave);
}

/* Who does not know an SSRC finds no stream in the kernel. Who does, finds none for a while: all that
 * comes is looked at. */
void rf_path_fast_doubt(struct rf_arrival *a)
{
	uint64_t until_us = rf_loop_now(a->p->w->loop).us + AGAIN_MS * 1000u;
	struct rf_reader r = rf_reader_of(rf_view_from(rf_view_of(a->buf, a->n), SSRC_AT));
	uint32_t ssrc = rf_take_be32(&r);
	struct rf_path_ssrc *s = a->e->ssrcs;

	while (s && s->ssrc != ssrc)
		s = s->next;
	if (!a->p->w->conf.fast || r.err || !s)
		return;
	rf_path_fast_leave(a->p);
	for (unsigned i = 0; i < RF_PATH_ENDS; i++)
		for (s = a->p->end[i].ssrcs; s; s = s->next)
			s->fast_us = until_us;
}

void rf_path_fast_leave_idle(struct rf_path *p, struct rf_end *e, uint64_t now_us)
{
	for (struct rf_path_ssrc *s = e->ssrcs; s; s = s->next) {
		if (!s->fast)
			continue;
		count(p, e, s);
		if (now_us - s->last_us >= RF_PATH_SSRC_IDLE_MS * 1000u)
			leave(p, e, s);
	}
}

/* ---- packets that come up */

void rf_path_fast_heard(struct rf_path *p, struct rf_end *e, uint32_t ssrc)
{
	for (struct rf_path_ssrc *s = p->w->n_fast ? e->ssrcs : NULL; s; s = s->next)
		if (s->fast && s->ssrc == ssrc)
			count(p, e, s);
}

void rf_path_fast_passed(struct rf_arrival *a, struct rf_path_ssrc *s, uint16_t seq)
{
	const struct rf_media_conf *conf = &a->p->w->conf;
	uint16_t ahead = (uint16_t)(seq - s->fast_was.seq), behind = (uint16_t)-ahead;

	if (s->fast) {
		/* no packet that is only late */
		if (behind < RF_FAST_BEHIND || (a->proven ? ahead < 0x8000 : s->seq == seq))
			rf_fast_saw(conf->fast, s->fast_id, seq);
		return;
	}
	if (conf->fast)
		enter(a, s, seq);
	if (s->fast)                 /* which sees nothing of what the other program takes before it */
		rf_path_xsk_leave(a->p, a->e);
	else if (conf->xsk)
		rf_path_xsk_passed(a->e);
}

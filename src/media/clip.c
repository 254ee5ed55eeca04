#include "media/clip_int.h"
#include "base/reader.h"
#include "media/pcm.h"

#include <stdatomic.h>
#include <stdlib.h>

struct rf_clip {
	atomic_uint holders;
	uint32_t rate;
	size_t n, n_low;
	int16_t *low;                /* at 8000; samples, where that is their rate */
	int16_t samples[];
};

enum { FORMAT_PCM = 1 };

struct wav {
	uint16_t format, channels, bits;
	uint32_t rate;
	struct rf_view data;
	bool known, found;
};

static uint32_t take_le32(struct rf_reader *r)
{
	return __builtin_bswap32(rf_take_be32(r));
}

static uint16_t take_le16(struct rf_reader *r)
{
	return __builtin_bswap16(rf_take_be16(r));
}

static void take_format(struct rf_view chunk, struct wav *w)
{
	struct rf_reader r = rf_reader_of(chunk);

	w->format = take_le16(&r);
	w->channels = take_le16(&r);
	w->rate = take_le32(&r);
	rf_take(&r, 6);
	w->bits = take_le16(&r);
	w->known = r.err == 0;
}

/* RIFF: chunks with a name and a length, to an even number of bytes. */
static int chunks(struct rf_reader *r, struct wav *w)
{
	while (rf_left(r) >= 8 && !w->found) {
		struct rf_view name = rf_take(r, 4);
		uint32_t n = take_le32(r);
		struct rf_view chunk = rf_take(r, n);

		if (r->err)
			return RF_E_MALFORMED;
		if (n % 2 && rf_left(r))
			rf_take(r, 1);
		if (rf_view_eq(name, RF_V("fmt ")))
			take_format(chunk, w);
		else if (rf_view_eq(name, RF_V("data"))) {
			w->data = chunk;
			w->found = true;
		}
	}
	return w->known && w->found ? 0 : RF_E_MALFORMED;
}

static int make(const struct wav *w, struct rf_clip **ret_clip)
{
	size_t n = w->data.n / 2;
	struct rf_clip *c = malloc(sizeof *c + n * sizeof c->samples[0]);

	if (!c)
		return -ENOMEM;
	atomic_init(&c->holders, 1);
	c->rate = w->rate;
	c->n = c->n_low = n;
	c->low = c->samples;
	for (size_t i = 0; i < n; i++)
		c->samples[i] = (int16_t)(w->data.p[2 * i] | w->data.p[2 * i + 1] << 8);
	if (w->rate == RF_PCM_HIGH) {
		int rc = -ENOMEM;

		c->low = malloc((n + 1) / 2 * sizeof *c->low);
		if (c->low)
			rc = rf_clip_halve(c->samples, n, c->low, &c->n_low);
		if (rc) {
			rf_clip_drop(c);
			return rc;
		}
	}
	*ret_clip = c;
	return 0;
}

static int refuse(const char **ret_why, int rc, const char *why)
{
	*ret_why = why;
	return rc;
}

int rf_clip_parse(struct rf_view bytes, struct rf_clip **ret_clip, const char **ret_why)
{
	struct rf_reader r = rf_reader_of(bytes);
	struct wav w = { 0 };

	if (bytes.n > RF_CLIP_BYTES_MAX)
		return refuse(ret_why, RF_E_LIMIT, "a sound may have 8 MiB");
	struct rf_view riff = rf_take(&r, 4);

	rf_take(&r, 4);
	if (!rf_view_eq(riff, RF_V("RIFF")) || !rf_view_eq(rf_take(&r, 4), RF_V("WAVE")) || chunks(&r, &w) != 0)
		return refuse(ret_why, RF_E_MALFORMED, "not a whole WAV file with a format and data");
	if (w.format != FORMAT_PCM || w.channels != 1 || w.bits != 16 ||
	    (w.rate != RF_PCM_LOW && w.rate != RF_PCM_HIGH))
		return refuse(ret_why, RF_E_UNSUPPORTED,
			      "a WAV file must have one channel of 16 bits at 8000 or 16000 samples a second");
	if (w.data.n < 2)
		return refuse(ret_why, RF_E_MALFORMED, "a WAV file without any sound");
	int rc = make(&w, ret_clip);

	return rc ? refuse(ret_why, rc, "no memory") : 0;
}

struct rf_clip *rf_clip_hold(struct rf_clip *c)
{
	atomic_fetch_add(&c->holders, 1);
	return c;
}

void rf_clip_drop(struct rf_clip *c)
{
	if (!c || atomic_fetch_sub(&c->holders, 1) != 1)
		return;
	if (c->low != c->samples)
		free(c->low);
	free(c);
}

uint32_t rf_clip_rate(const struct rf_clip *c)
{
	return c->rate;
}

uint32_t rf_clip_ms(const struct rf_clip *c)
{
	return (uint32_t)(c->n * 1000 / c->rate);
}

const int16_t *rf_clip_samples(const struct rf_clip *c, uint32_t rate, size_t *ret_n)
{
	*ret_n = rate == c->rate ? c->n : c->n_low;
	return rate == c->rate ? c->samples : c->low;
}

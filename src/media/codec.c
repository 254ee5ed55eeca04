#include "media/codec.h"
#include "media/attribute.h"

/* RFC 3551 6; what is not here needs an rtpmap. */
static const struct {
	struct rf_view name;
	uint32_t clock;
	uint8_t type, channels, flags;
} fixed[] = {
#define FIXED(t, lit, hz, ch, f) { { (const uint8_t *)lit, sizeof(lit) - 1 }, hz, t, ch, f }
	FIXED(0, "PCMU", 8000, 1, 0), FIXED(3, "GSM", 8000, 1, 0), FIXED(4, "G723", 8000, 1, 0), FIXED(5, "DVI4", 8000, 1, 0),
	FIXED(6, "DVI4", 16000, 1, 0), FIXED(7, "LPC", 8000, 1, 0), FIXED(8, "PCMA", 8000, 1, 0),
	FIXED(9, "G722", 8000, 1, 0), FIXED(10, "L16", 44100, 2, 0), FIXED(11, "L16", 44100, 1, 0),
	FIXED(12, "QCELP", 8000, 1, 0), FIXED(13, "CN", 8000, 1, RF_TYPE_COMFORT), FIXED(14, "MPA", 90000, 1, 0),
	FIXED(15, "G728", 8000, 1, 0), FIXED(16, "DVI4", 11025, 1, 0), FIXED(17, "DVI4", 22050, 1, 0),
	FIXED(18, "G729", 8000, 1, 0), FIXED(26, "JPEG", 90000, 1, RF_TYPE_VIDEO),
	FIXED(31, "H261", 90000, 1, RF_TYPE_VIDEO), FIXED(32, "MPV", 90000, 1, RF_TYPE_VIDEO),
	FIXED(34, "H263", 90000, 1, RF_TYPE_VIDEO),
};

static struct rf_view part(struct rf_view *v, uint8_t end)
{
	size_t n = rf_view_find(*v, end);
	struct rf_view got = rf_view_sub(*v, 0, n);

	*v = rf_view_from(*v, n + 1);
	return got;
}

/* "96 opus/48000/2" behind the payload type. */
static bool map(struct rf_codec *c, struct rf_view v)
{
	struct rf_view name = part(&v, '/'), clock = part(&v, '/');
	uint64_t hz, ch = 1;

	if (!rf_attr_word(name) || name.n > 32 || !rf_view_u64(clock, 1000000, &hz) ||
	    (v.n && !rf_view_u64(v, 64, &ch)))
		return false;
	c->name = name;
	c->clock = (uint32_t)hz;
	c->channels = (uint8_t)ch;
	return true;
}

static void note_flags(struct rf_codec *c, const struct rf_sdp_media *m)
{
	if (rf_view_eq_nocase(c->name, RF_V("telephone-event")))
		c->flags = RF_TYPE_DTMF;
	else if (rf_view_eq_nocase(c->name, RF_V("CN")))
		c->flags = RF_TYPE_COMFORT;
	else
		c->flags = m->kind == RF_SDP_VIDEO ? RF_TYPE_VIDEO : 0;
}

static bool known(struct rf_codec *c)
{
	for (size_t i = 0; c->name.n == 0 && i < sizeof fixed / sizeof fixed[0]; i++) {
		if (fixed[i].type != c->type)
			continue;
		c->name = fixed[i].name;
		c->clock = fixed[i].clock;
		c->channels = fixed[i].channels;
	}
	return c->name.n > 0;
}

size_t rf_codec_read(const struct rf_sdp_media *m, struct rf_codec *dst, size_t most)
{
	int16_t at[128];
	size_t n = 0, kept = 0;
	uint64_t pt;

	memset(at, 0xff, sizeof at);
	for (size_t i = 0; i < m->n_formats && n < most; i++) {
		if (!rf_view_u64(m->formats[i], 127, &pt) || at[pt] >= 0)
			continue;
		at[pt] = (int16_t)n;
		dst[n++] = (struct rf_codec){ .type = (uint8_t)pt, .channels = 1 };
	}
	for (size_t i = 0; i < m->n_attrs; i++) {
		const struct rf_sdp_attr *a = &m->attrs[i];
		bool is_map = a->id == RF_SDP_A_RTPMAP;
		int type;

		if (!is_map && !(a->name.n == 4 && rf_view_eq_nocase(a->name, RF_V("fmtp"))))
			continue;
		type = rf_attr_format(a->value);
		if (type < 0 || at[type] < 0)
			continue;
		struct rf_codec *c = &dst[at[type]];
		struct rf_view rest = rf_view_from(a->value, rf_view_find(a->value, ' ') + 1);

		if (!is_map)
			c->fmtp = rest;
		else if (c->name.n || !map(c, rest))
			c->off = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (dst[i].off || !known(&dst[i]))
			continue;
		note_flags(&dst[i], m);
		dst[kept++] = dst[i];
	}
	return kept;
}

bool rf_codec_is(const struct rf_codec *c, struct rf_view word)
{
	struct rf_view name = part(&word, '/'), clock = part(&word, '/'), channels = part(&word, '/');
	uint64_t x;

	if (clock.n == 0 && rf_view_u64(name, 127, &x))
		return x == c->type;
	return rf_view_eq_nocase(name, c->name) &&
	       (clock.n == 0 || (rf_view_u64(clock, UINT32_MAX, &x) && x == c->clock)) &&
	       (channels.n == 0 || (rf_view_u64(channels, 64, &x) && x == c->channels));
}

/* Is it one that a list of the request means? all: "all" and "full" mean every one. */
static bool listed(const struct rf_ng_list *l, const struct rf_codec *c, bool all)
{
	for (size_t i = 0; i < l->n; i++)
		if (rf_codec_is(c, l->v[i]) ||
		    (all && (rf_view_eq(l->v[i], RF_V("all")) || rf_view_eq(l->v[i], RF_V("full")))))
			return true;
	return false;
}

/* By its name, or with all others in a way that no other list takes back. */
static bool listed_hard(const struct rf_ng_list *l, const struct rf_codec *c)
{
	static const struct rf_view full = { (const uint8_t *)"full", 4 };

	for (size_t i = 0; i < l->n; i++)
		if (rf_view_eq(l->v[i], full))
			return true;
	return listed(l, c, false);
}

/* Those of a list come first, in its order. */
static void to_front(struct rf_codec *c, size_t n, const struct rf_ng_list *l)
{
	size_t front = 0;

	for (size_t k = 0; k < l->n; k++)
		for (size_t i = front; i < n; i++) {
			struct rf_codec x = c[i];

			if (x.off || !rf_codec_is(&x, l->v[k]))
				continue;
			memmove(&c[front + 1], &c[front], (i - front) * sizeof c[0]);
			c[front++] = x;
		}
}

static void choose_one(struct rf_codec *c, const struct rf_ng_list *l)
{
	bool strip = listed(&l[RF_NG_STRIP], c, true), mask = listed(&l[RF_NG_MASK], c, true);
	bool consume = listed(&l[RF_NG_CONSUME], c, true);
	bool hard = listed_hard(&l[RF_NG_STRIP], c) || listed_hard(&l[RF_NG_MASK], c);
	bool back = listed(&l[RF_NG_EXCEPT], c, false) || listed(&l[RF_NG_CODEC_OFFER], c, false) ||
		    (listed(&l[RF_NG_TRANSCODE], c, false) && !hard);

	c->off = (strip || mask || consume) && !back;
	c->gone = strip && !back && !listed(&l[RF_NG_CONSUME], c, false);
	c->first = consume && c->off && !c->gone;
	c->heard = (c->off && !c->gone) || listed(&l[RF_NG_ACCEPT], c, true);
}

void rf_codec_choose(struct rf_codec *c, size_t n, const struct rf_ng_request *req)
{
	for (size_t i = 0; i < n; i++)
		choose_one(&c[i], req->codecs);
	to_front(c, n, &req->codecs[RF_NG_TRANSCODE]);
	to_front(c, n, &req->codecs[RF_NG_CODEC_OFFER]);
}

void rf_codec_single(struct rf_codec *c, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (c[i].off || c[i].flags & RF_TYPE_DTMF)
			continue;
		c[i].off = !first;
		first = false;
	}
}

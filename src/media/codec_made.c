/* Codecs that a party did not list and that are said to the other one all the same, because the relay makes one of the
 * other (dsp_code.c). Here is decided which; what becomes of packets follows from these lists (sound.c). */
#include "media/codec.h"
#include "media/pcm.h"

#include <limits.h>

enum { ANY = 0xff, DYNAMIC = 96 };

/* What the relay can make, in the order in which events are looked for. */
static const struct kind {
	struct rf_view name;
	uint32_t clock;
	uint8_t type, channels, flags; /* its payload type of RFC 3551 */
	struct rf_view fmtp;
} kinds[] = {
#define TEXT(lit) { (const uint8_t *)lit, sizeof(lit) - 1 }
	{ TEXT("PCMU"), 8000, 0, 1, 0, TEXT("") },
	{ TEXT("PCMA"), 8000, 8, 1, 0, TEXT("") },
	{ TEXT("G722"), 8000, 9, 1, 0, TEXT("") },
	{ TEXT("opus"), 48000, ANY, 2, 0, TEXT("maxplaybackrate=16000") },
	{ TEXT("telephone-event"), 8000, ANY, 1, RF_TYPE_DTMF, TEXT("0-15") },
	{ TEXT("telephone-event"), 48000, ANY, 1, RF_TYPE_DTMF, TEXT("0-15") },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool is_sound(const struct rf_codec *c)
{
	return rf_pcm_codec_of(c->name, c->clock) != RF_PCM_NONE;
}

static bool is_event(const struct rf_codec *c)
{
	return c->flags & RF_TYPE_DTMF;
}

static bool same(const struct rf_codec *a, const struct rf_codec *b)
{
	return a->clock == b->clock && rf_view_eq_nocase(a->name, b->name);
}

const struct rf_codec *rf_codec_own(const struct rf_codec *c, size_t n, const struct rf_codec *like)
{
	for (size_t i = 0; i < n; i++)
		if (!c[i].made && !c[i].gone && same(&c[i], like))
			return &c[i];
	return NULL;
}

const struct rf_codec *rf_codec_made(const struct rf_codec *c, size_t n, const struct rf_codec *like)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].made && same(&c[i], like))
			return &c[i];
	return NULL;
}

/* ---- payload types */

static bool taken(const struct rf_codec_list *l, unsigned type)
{
	uint64_t pt;

	for (size_t i = 0; i < l->n; i++)
		if (l->c[i].type == type)
			return true;
	for (size_t i = 0; l->m && i < l->m->n_formats; i++)
		if (rf_view_u64(l->m->formats[i], 127, &pt) && pt == type)
			return true;
	return false;
}

/* The other party is told of one codec with this number already. */
static bool told(const struct rf_codec_list *l, unsigned type)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->c[i].type == type && !l->c[i].off)
			return true;
	return false;
}

/* The one that it had; the one wished for; any that is free. -1: none. */
static int number_for(const struct rf_codec_list *l, const struct rf_codec *c, unsigned wish)
{
	const struct rf_codec *before = rf_codec_made(l->before, l->n_before, c);

	if (before && !told(l, before->type))
		return before->type;
	if (wish != ANY && !told(l, wish))
		return (int)wish;
	for (int type = DYNAMIC; type < 128; type++)
		if (!taken(l, (unsigned)type))
			return type;
	return -1;
}

static bool add(struct rf_codec_list *l, struct rf_codec c, unsigned wish)
{
	int type = l->n < l->most ? number_for(l, &c, wish) : -1;

	if (type < 0)
		return false;
	c.type = (uint8_t)type;
	c.made = true;
	c.off = c.gone = c.heard = c.first = false;
	l->c[l->n++] = c;
	return true;
}

static struct rf_codec codec_of(const struct kind *k)
{
	return (struct rf_codec){
		.flags = k->flags, .channels = k->channels, .clock = k->clock, .name = k->name, .fmtp = k->fmtp
	};
}

/* ---- words: name/clock/channels/bits a second */

static struct rf_view part_of(struct rf_view word, unsigned at)
{
	for (; at && word.n; at--)
		word = rf_view_from(word, rf_view_find(word, '/') + 1);
	return rf_view_sub(word, 0, rf_view_find(word, '/'));
}

static uint32_t bits_of(struct rf_view word)
{
	uint64_t bits;

	return rf_view_u64(part_of(word, 3), RF_PCM_BITS_MAX, &bits) && bits >= RF_PCM_BITS_MIN ? (uint32_t)bits : 0;
}

/* What follows the number of channels: a rate of its own has Opus alone, and parameters are the relay's. */
static void check_word(struct rf_view word, const struct rf_ng_request *req, const char *list)
{
	bool opus = rf_view_eq_nocase(part_of(word, 0), RF_V("opus"));

	if ((part_of(word, 3).n && (!opus || !bits_of(word))) || part_of(word, 4).n || part_of(word, 5).n ||
	    part_of(word, 6).n)
		rf_ng_warn(req, "\"%s-%.*s\": behind the channels only the bits a second of opus (%d to %d) are taken",
			   list, RF_VFMT(word), RF_PCM_BITS_MIN, RF_PCM_BITS_MAX);
}

static const struct kind *kind_of(struct rf_view word)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct rf_codec c = codec_of(&kinds[i]);

		/* a word without channels means opus as it always stands in a description */
		if (rf_codec_is(&c, word) && !rf_view_u64(part_of(word, 0), 127, &(uint64_t){ 0 }))
			return &kinds[i];
	}
	return NULL;
}

uint32_t rf_codec_bits_most(const struct rf_codec *c)
{
	static const struct rf_view name = TEXT("maxaveragebitrate=");
	struct rf_view v = c->fmtp;
	uint64_t bits;

	while (v.n) {
		size_t n = rf_view_find(v, ';');
		struct rf_view one = rf_view_trim(rf_view_sub(v, 0, n));

		if (rf_view_starts_nocase(one, name))
			return rf_view_u64(rf_view_from(one, name.n), 1000000, &bits) ? (uint32_t)bits : 0;
		v = rf_view_from(v, n + 1);
	}
	return 0;
}

/* ---- an offer */

static bool any(const struct rf_codec_list *l, bool (*is)(const struct rf_codec *))
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->c[i].made && !l->c[i].gone && is(&l->c[i]))
			return true;
	return false;
}

static const struct rf_codec *shown(const struct rf_codec_list *l, struct rf_view word)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->c[i].off && rf_codec_is(&l->c[i], word))
			return &l->c[i];
	return NULL;
}

/* False: it can not be had, and the request's answer says why. */
static bool make(struct rf_codec_list *l, struct rf_view word, const struct rf_ng_request *req)
{
	const struct kind *k = kind_of(word);
	struct rf_codec c;

	if (!k) {
		rf_ng_warn(req, "\"codec-transcode-%.*s\" is not done: the relay makes PCMU, PCMA, G722, "
				"opus and telephone-event",
			   RF_VFMT(word));
		return false;
	}
	if (!any(l, is_sound)) {
		rf_ng_warn(req,
			   "\"codec-transcode-%.*s\" is not done: of what is offered the relay understands nothing",
			   RF_VFMT(word));
		return false;
	}
	check_word(word, req, "codec-transcode");
	c = codec_of(k);
	c.bits_s = bits_of(word);
	if (add(l, c, k->type))
		return true;
	rf_ng_warn(req, "\"codec-transcode-%.*s\" is not done: there is no room for another codec", RF_VFMT(word));
	return false;
}

static bool says(const struct rf_codec_list *l, const struct rf_codec *like)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->c[i].off && same(&l->c[i], like))
			return true;
	return false;
}

/* Events have the clock of the sound that they stand in (RFC 4733 2.1). */
static bool make_events(struct rf_codec_list *l, bool asked)
{
	bool made = false;

	for (size_t i = 0; i < l->n; i++)
		asked |= !l->c[i].off && is_event(&l->c[i]);
	if (!asked)
		return false;
	for (size_t i = 0, n = l->n; i < n; i++) {
		if (l->c[i].off || !is_sound(&l->c[i]))
			continue;
		for (size_t k = 0; k < KINDS; k++) {
			struct rf_codec c = codec_of(&kinds[k]);

			if (is_event(&c) && c.clock == l->c[i].clock && !says(l, &c))
				made |= add(l, c, ANY);
		}
	}
	return made;
}

static bool wants_events(struct rf_view word)
{
	return rf_view_eq_nocase(part_of(word, 0), RF_V("telephone-event"));
}

static void set_bits(struct rf_codec_list *l, const struct rf_ng_request *req)
{
	const struct rf_ng_list *set = &req->codecs[RF_NG_SET];

	for (size_t k = 0; k < set->n; k++) {
		check_word(set->v[k], req, "codec-set");
		for (size_t i = 0; i < l->n; i++)
			if (rf_codec_is(&l->c[i], set->v[k]) && !l->c[i].made)
				l->c[i].bits_s = bits_of(set->v[k]);
	}
}

bool rf_codec_offer(struct rf_codec_list *l, const struct rf_ng_request *req, bool sound)
{
	const struct rf_ng_list *words = &req->codecs[RF_NG_TRANSCODE];
	bool made = false, events = false, heard = false;
	size_t left = 0;

	for (size_t k = 0; sound && k < words->n; k++) {
		bool event = wants_events(words->v[k]);

		events |= event && any(l, is_sound);
		if (!event && !shown(l, words->v[k]))
			made |= make(l, words->v[k], req);
	}
	for (size_t i = 0; sound && i < l->n; i++)
		heard |= l->c[i].heard && (l->c[i].first || !l->c[i].off) && (is_sound(&l->c[i]) || is_event(&l->c[i]));
	if (made || events)
		made |= make_events(l, events);
	if (sound)
		set_bits(l, req);
	for (size_t i = 0; i < l->n; i++)
		left += !l->c[i].off;
	for (size_t i = 0; left == 0 && i < l->n; i++)
		l->c[i].off = l->c[i].gone = false;
	return made || heard;
}

/* ---- an answer */

static const struct kind *kind_like(const struct rf_codec *c)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct rf_codec k = codec_of(&kinds[i]);

		if (same(&k, c))
			return &kinds[i];
	}
	return NULL;
}

/* Codecs of the offerer's own that it may use although the answerer took none of them. */
static bool add_sound(const struct rf_codec *offer, size_t n, struct rf_codec_list *x, bool all)
{
	size_t was = x->n, front = 0;

	for (size_t i = 0; i < n; i++) {
		struct rf_codec c = offer[i];
		const struct kind *k = kind_like(&c);

		if (!k || c.made || c.gone || !is_sound(&c) || says(x, &c) || !(all || c.heard))
			continue;
		c.fmtp = k->fmtp; /* what the relay wants, not what the offerer does */
		add(x, c, c.type);
	}
	for (size_t i = was; i < x->n; i++) {
		const struct rf_codec *own = rf_codec_own(offer, n, &x->c[i]);
		struct rf_codec c = x->c[i];

		if (!own || !own->first)
			continue;
		memmove(&x->c[front + 1], &x->c[front], (i - front) * sizeof c);
		x->c[front++] = c;
	}
	return x->n > was;
}

static bool clock_is_said(const struct rf_codec_list *x, uint32_t clock)
{
	for (size_t i = 0; i < x->n; i++)
		if (!x->c[i].off && is_sound(&x->c[i]) && x->c[i].clock == clock)
			return true;
	return false;
}

static bool add_events(const struct rf_codec *offer, size_t n, struct rf_codec_list *x, bool coded)
{
	bool done = false;

	for (size_t i = 0; i < n; i++)
		if (!offer[i].made && !offer[i].gone && is_event(&offer[i]) && !says(x, &offer[i]) &&
		    (coded || offer[i].heard) && clock_is_said(x, offer[i].clock))
			done |= add(x, offer[i], offer[i].type);
	return done;
}

bool rf_codec_answer(const struct rf_codec *offer, size_t n, struct rf_codec_list *x)
{
	bool speaks = false, common = false, sound = false, events = false;

	for (size_t i = 0; i < x->n; i++) {
		struct rf_codec *c = &x->c[i];
		const struct rf_codec *own = rf_codec_own(offer, n, c);

		/* What it was not offered it may take all the same; the offerer is not told of that as of its own. */
		c->off = own ? own->off : rf_codec_made(offer, n, c) != NULL;
		speaks |= is_sound(c);
		common |= !c->off && is_sound(c);
		sound |= c->off && is_sound(c);
		events |= c->off && is_event(c);
	}
	if (!speaks)
		return events;
	bool coded = add_sound(offer, n, x, sound && !common) || sound;

	return add_events(offer, n, x, coded) || coded || events;
}

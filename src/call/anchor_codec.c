/* Which codecs may cross between a site and one of its trunks, and in which order, as words for the relay; and whether
 * what it made keeps to that. Without a word of the site file everything may, and nothing is transcoded. */
#include "call/anchor_int.h"

#include "media/attribute.h"
#include "media/said.h"

enum { SDP_BYTES = 256 * 1024 };

/* What the relay knows itself. */
static const struct rf_view spoken[] = {
	{ (const uint8_t *)"PCMA", 4 }, { (const uint8_t *)"PCMU", 4 }, { (const uint8_t *)"G722", 4 },
	{ (const uint8_t *)"opus", 4 },
};
static const struct rf_view events = { (const uint8_t *)"telephone-event", 15 }, noise = { (const uint8_t *)"CN", 2 };
static const struct rf_view all = { (const uint8_t *)"all", 3 }, full = { (const uint8_t *)"full", 4 };

const struct rf_site_trunk *rf_anchor_trunk(const struct rf_anchor *a)
{
	return a->trunk[0] ? rf_site_trunk(rf_core_site(a->core), rf_view_str(a->trunk)) : NULL;
}

int rf_anchor_dtmf(const struct rf_anchor *a)
{
	const struct rf_site_trunk *t = rf_anchor_trunk(a);
	const struct rf_dir_phone *p =
		a->phone[0] ? rf_directory_phone(a->core->directory, rf_view_str(a->phone)) : NULL;

	return t ? t->dtmf : p && p->site ? p->site->dtmf : RF_DTMF_AS_SAID;
}

static bool is_among(const struct rf_view *v, size_t n, struct rf_view name)
{
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq_nocase(v[i], name))
			return true;
	return false;
}

static void add(struct rf_codec_words *w, struct rf_ng_request *req, enum rf_ng_codecs list, struct rf_view word)
{
	struct rf_ng_list *l = &req->codecs[list];

	l->v = w->v[list];
	if (l->n < RF_CODEC_WORDS_MAX)
		w->v[list][l->n++] = word;
}

/* Who takes no events gets none: those of the others become something else. */
static void put_events(const struct rf_anchor *a, bool narrowed, enum rf_towards from, struct rf_codec_words *w,
		       struct rf_ng_request *req)
{
	int dtmf = rf_anchor_dtmf(a);
	bool takes = dtmf == RF_DTMF_AS_SAID || dtmf == RF_DTMF_EVENTS;

	if (takes && narrowed)
		add(w, req, RF_NG_CODEC_OFFER, events);
	if (takes)
		return;
	if (from == RF_TOWARDS_SITE) {
		add(w, req, RF_NG_CONSUME, events);
		return;
	}
	add(w, req, RF_NG_STRIP, events);
	add(w, req, RF_NG_TRANSCODE, events);
}

void rf_codec_put(const struct rf_anchor *a, enum rf_towards from, struct rf_codec_words *w, struct rf_ng_request *req)
{
	const struct rf_site_trunk *t = rf_anchor_trunk(a);

	if (!t) {
		put_events(a, false, from, w, req);
		return;
	}
	if (t->codecs.n)
		add(w, req, from == RF_TOWARDS_SITE && t->transcode ? RF_NG_MASK : RF_NG_STRIP,
		    from == RF_TOWARDS_SITE ? all : full);
	for (size_t i = 0; i < t->codecs.n; i++)
		add(w, req, RF_NG_CODEC_OFFER, t->codecs.v[i]);
	if (t->codecs.n)
		add(w, req, RF_NG_CODEC_OFFER, noise);
	for (size_t i = 0; t->transcode && i < sizeof spoken / sizeof spoken[0]; i++)
		if (from == RF_TOWARDS_TRUNKS || is_among(t->codecs.v, t->codecs.n, spoken[i]))
			add(w, req, RF_NG_TRANSCODE, spoken[i]);
	put_events(a, t->codecs.n > 0, from, w, req);
}

/* ---- what the relay made */

static bool line_is_fine(const struct rf_site_trunk *t, enum rf_towards to, const struct rf_sdp_media *m)
{
	struct rf_codec c[RF_SAID_CODECS_MAX];
	size_t n = rf_codec_read(m, c, RF_SAID_CODECS_MAX);
	bool sound = false;

	for (size_t i = 0; i < n; i++) {
		if (c[i].flags & (RF_TYPE_DTMF | RF_TYPE_COMFORT))
			continue;
		sound = true;
		if (is_among(t->codecs.v, t->codecs.n, c[i].name))
			continue;
		if (!t->transcode || to == RF_TOWARDS_TRUNKS ||
		    !is_among(spoken, sizeof spoken / sizeof spoken[0], c[i].name))
			return false;
	}
	return sound; /* events alone are what is left where everything else was taken away */
}

/* m=audio 30000 RTP/AVP */
static bool has_formats(struct rf_view line)
{
	unsigned words = 0;

	for (struct rf_view v = rf_view_trim(line); v.n; v = rf_view_trim(rf_view_from(v, rf_view_find(v, ' '))))
		words++;
	return words > 3;
}

bool rf_codec_emptied(const struct rf_anchor *a, enum rf_towards to, struct rf_view sdp)
{
	const struct rf_site_trunk *t = rf_anchor_trunk(a);

	if (!t || !t->codecs.n || a->side[to].media.emergency)
		return false;
	while (sdp.n) {
		size_t n = rf_view_find(sdp, '\n');
		struct rf_view line = rf_view_sub(sdp, 0, n);

		if (rf_view_starts(line, RF_V("m=")) && !has_formats(line))
			return true;
		sdp = rf_view_from(sdp, n + 1);
	}
	return false;
}

bool rf_codec_judge(const struct rf_anchor *a, enum rf_towards to, struct rf_view sdp)
{
	const struct rf_site_trunk *t = rf_anchor_trunk(a);
	struct rf_arena arena;
	struct rf_sdp *s;
	bool fine;

	if (!t || !t->codecs.n || a->side[to].media.emergency)
		return true;
	rf_arena_init(&arena, SDP_BYTES);
	fine = rf_sdp_parse(&arena, sdp, NULL, &s, NULL) == 0;
	for (size_t i = 0; fine && i < s->n_media; i++)
		if (s->media[i].kind == RF_SDP_AUDIO && s->media[i].port && rf_sdp_proto_is_rtp(s->media[i].proto))
			fine = line_is_fine(t, to, &s->media[i]);
	rf_arena_fini(&arena);
	return fine;
}

/* What a relay reads of the way there, and answers for itself. */
static bool is_of_transport(struct rf_view name)
{
	static const char *const names[] = {
		"rtcp", "rtcp-mux", "rtcp-mux-only", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite", "candidate",
		"end-of-candidates", "remote-candidates", "path",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (rf_view_eq_nocase(name, rf_view_str(names[i])))
			return true;
	return false;
}

bool rf_codec_crosses(const struct rf_sdp_attr *a)
{
	return is_of_transport(a->name) ||
	       rf_attr_rule(a, RF_ATTR_RTP | RF_ATTR_FAX | RF_ATTR_BFCP | RF_ATTR_MSRP) != NULL;
}

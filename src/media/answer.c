/* An answer: with it the offer comes into force, both ends are set up, and packets may flow. An answer may come again,
 * the same or another one (early media, then the real thing; another phone of the same branch). */
#include "media/session.h"
#include "base/secret.h"
#include "sdp/summary.h"

struct plan {
	struct rf_said said, *kept;
	const struct rf_said *offer;     /* what it answers */
	struct rf_said *merged;          /* offer with the transport of its group; NULL: as it is */
	bool grouped[2];                 /* in the group of that side */
	bool off;
	struct rf_ours ours[2];          /* as they will be, by side; sdes new or NULL */
	bool new_sdes;                   /* towards the offerer */
};

struct job {
	struct rf_turn *t;
	struct rf_pair *p;
	unsigned from, to;               /* the answerer, the offerer */
	const struct rf_sdp *sdp;
	struct rf_sdes_rules rules;
	struct plan *plans;
	size_t tagged[2];                /* whose transport is the group's, by side; n_media: there is no group */
};

static struct rf_path *path_of(const struct rf_line *l)
{
	return l->next ? l->next : l->path;
}

static unsigned kind_of(const struct rf_line *l)
{
	return l->next ? l->next_kind : l->kind;
}

/* What the answerer said must be what it was asked: nothing here may take protection away. */
static int answerer_keys(struct job *j, size_t i, struct plan *pl, const struct rf_sdes_line **ret_taken)
{
	const struct rf_ours *ours = &pl->ours[j->from];
	const struct rf_said *said = &pl->said;

	*ret_taken = NULL;
	switch (ours->keying) {
	case RF_KEYING_DTLS:
		return said->n_prints ? 0 : rf_turn_fail(j->t, RF_E_DENIED,
			"m-line %zu: DTLS-SRTP was offered and is answered without a fingerprint of sha-256 or better",
			i + 1);
	case RF_KEYING_SDES: case RF_KEYING_PASSED:
		*ret_taken = rf_sdes_taken(ours->sdes, said);
		return *ret_taken ? 0 : rf_turn_fail(j->t, RF_E_DENIED,
			"m-line %zu: the answer takes none of the a=crypto lines that were offered, or more than one",
			i + 1);
	default:
		return 0;
	}
}

/* The roles of DTLS (RFC 5763 5). They stay while the association does: same certificate, same ICE credentials. */
static bool begins(const struct rf_line *l, unsigned side, const struct rf_said *now, bool wish)
{
	const struct rf_said *last = l->said[side];

	if (last && last->n_prints && now->n_prints == last->n_prints && rf_view_eq(now->ufrag, last->ufrag) &&
	    memcmp(now->prints, last->prints, now->n_prints * sizeof now->prints[0]) == 0)
		return l->ours[side].active;
	return wish;
}

/* What the offerer is told: its own profile and keying, by what it offered. */
static int offerer_keys(struct job *j, size_t i, struct plan *pl, const struct rf_line *l,
			const struct rf_sdes_line *taken)
{
	struct rf_turn *t = j->t;
	struct rf_ours *ours = &pl->ours[j->to];
	const struct rf_said *offer = pl->offer;
	bool pass = taken && taken->theirs && rf_sdes_key(offer, taken->their_tag);
	int rc;

	ours->keying = offer->keying;
	if (ours->keying == RF_KEYING_DTLS) {
		bool passive =
			t->req->dtls == RF_NG_DTLS_PASSIVE || (l->dtls_passive && t->req->dtls != RF_NG_DTLS_ACTIVE);

		ours->active = begins(l, j->to, offer, offer->setup == RF_SDP_SETUP_PASSIVE ||
				      (offer->setup == RF_SDP_SETUP_ACTPASS && !passive));
		return 0;
	}
	if (ours->keying != RF_KEYING_SDES)
		return 0;
	rc = rf_sdes_answer(&j->rules, offer, l->ours[j->to].sdes, pass ? &pl->said.keys[0] : NULL,
			    pass ? taken->their_tag : 0, t->relay->conf.random, &ours->sdes);
	if (rc)
		return rf_turn_fail(t, rc, rc == RF_E_NOT_FOUND ? "m-line %zu: no suite for the offerer is left" :
				    "m-line %zu: no memory", i + 1);
	pl->new_sdes = true;
	if (pass) {
		ours->keying = RF_KEYING_PASSED;
		pl->ours[j->from].keying = RF_KEYING_PASSED;
	}
	return 0;
}

static bool answers_mux(const struct job *j, const struct rf_line *l, const struct rf_said *offer, bool answerer_does)
{
	unsigned mux = j->t->req->mux, how = l->mux_answer;

	if (!offer->mux)
		return false;
	if (mux & (RF_NG_MUX_ACCEPT | RF_NG_MUX_DEMUX | RF_NG_MUX_REQUIRE))
		how = RF_MUX_ACCEPT;
	else if (mux & RF_NG_MUX_REJECT)
		how = RF_MUX_REJECT;
	if (offer->mux_only)
		return true;
	/* A browser has one port for all, whatever the callee can. */
	return how == RF_MUX_ACCEPT ||
	       (how == RF_MUX_FOLLOW && (answerer_does || (offer->keying == RF_KEYING_DTLS && offer->ice)));
}

static void plan_ice(struct job *j, struct plan *pl, const struct rf_line *l)
{
	struct rf_ours *ours = &pl->ours[j->to];
	const struct rf_said *last = l->said[j->to];

	ours->ice = pl->offer->ice && j->t->req->ice != RF_NG_ICE_REMOVE && !l->no_ice &&
		    !rf_ng_has(j->t->req, RF_NG_REJECT_ICE);
	/* Other credentials than before are a restart: ours must be new, too (RFC 8839 4.4.1.1). */
	if (ours->ice &&
	    (!ours->ice_cred.ufrag[0] || (last && last->ufrag.n && !rf_view_eq(last->ufrag, pl->offer->ufrag))))
		rf_ours_ice(j->t->relay, ours);
}

/* An address that our port can reach, and that is none of this path's own: packets would go round for ever.
 * ICE brings its own. */
static int check_remote(struct job *j, size_t i, const struct rf_line *l, unsigned side, const struct rf_said *said)
{
	struct rf_addr rtp, rtcp, other;
	const char *astray;

	rf_path_local(path_of(l), !side, &other, &rtcp);
	rf_path_local(path_of(l), side, &rtp, &rtcp);
	if (rf_addr_eq(&said->remote, &rtp) || rf_addr_eq(&said->remote, &other))
		return rf_turn_fail(j->t, RF_E_INVALID,
				    "m-line %zu: its address is that of this relay's own port for it", i + 1);
	if ((astray = rf_said_astray(j->p, side, said)))
		return rf_turn_fail(j->t, RF_E_INVALID, "m-line %zu: its address is %s", i + 1, astray);
	if (said->remote.family == 0 || said->ice || said->remote.family == rtp.family)
		return 0;
	return rf_turn_fail(j->t, RF_E_INVALID,
			    "m-line %zu: an IPv%u address, while the port for it is IPv%u (address family, direction)",
			    i + 1, said->remote.family, rtp.family);
}

/* Of an offer that lets nothing be transcoded the answer goes on as it is. */
static int plan_codecs(struct job *j, size_t i, struct plan *pl)
{
	const struct rf_said *before = j->p->lines[i].said[j->from];
	struct rf_codec_list list = { pl->said.codecs, pl->said.n_codecs, RF_SAID_CODECS_MAX, &j->sdp->media[i],
		before ? before->codecs : NULL, before ? before->n_codecs : 0 };

	if (!pl->offer->coded)
		return 0;
	pl->said.coded = rf_codec_answer(pl->offer->codecs, pl->offer->n_codecs, &list);
	pl->said.n_codecs = (uint8_t)list.n;
	for (size_t k = 0; k < list.n; k++)
		if (!list.c[k].off)
			return 0;
	return rf_turn_fail(j->t, RF_E_INVALID,
			    "m-line %zu: the answer takes nothing that the offerer could be told of", i + 1);
}

static int plan_rtp(struct job *j, size_t i, struct plan *pl, struct rf_line *l)
{
	const struct rf_sdes_line *taken;
	struct rf_ours *b = &pl->ours[j->from], *a = &pl->ours[j->to];
	int rc;

	if (b->keying == RF_KEYING_PASSED)
		b->keying = RF_KEYING_SDES;
	rc = answerer_keys(j, i, pl, &taken);
	if (rc == 0)
		rc = offerer_keys(j, i, pl, l, taken);
	if (rc)
		return rc;
	if (pl->said.n_codecs == 0)
		return rf_turn_fail(j->t, RF_E_INVALID, "m-line %zu: no format of the answer is known or has an rtpmap",
				    i + 1);
	rc = plan_codecs(j, i, pl);
	if (rc)
		return rc;
	if (rf_ng_has(j->t->req, RF_NG_SINGLE_CODEC))
		rf_codec_single(pl->said.codecs, pl->said.n_codecs);
	if (b->keying == RF_KEYING_DTLS)
		b->active = begins(l, j->from, &pl->said, pl->said.setup == RF_SDP_SETUP_PASSIVE);
	a->proto = pl->offer->proto;
	if (j->t->req->protocol == RF_NG_PROTOCOL_ACCEPT && rf_sdp_proto_is_rtp((enum rf_sdp_proto)pl->said.proto) &&
	    (pl->said.proto <= RF_SDP_RTP_AVPF) == (pl->offer->proto <= RF_SDP_RTP_AVPF))
		a->proto = pl->said.proto;
	a->mux = answers_mux(j, l, pl->offer, b->mux && (pl->said.mux || l->mux_only));
	plan_ice(j, pl, l);
	return 0;
}

static int read_line(struct job *j, size_t i, const struct rf_said_source *source)
{
	struct plan *pl = &j->plans[i];
	struct rf_line *l = &j->p->lines[i];
	const char *why = "no memory";
	int rc = rf_said_read(j->t->arena, j->sdp, i, source, &pl->said, &why);

	if (rc)
		return rf_turn_fail(j->t, rc, "m-line %zu: %s", i + 1, why);
	/* Where both offered (glare), each waits for its own answer. */
	pl->offer = l->offered && j->p->offerer == j->to ? l->offered : l->said[j->to];
	pl->off = !pl->said.live || !pl->offer || !pl->offer->live || !path_of(l);
	return 0;
}

static struct rf_carrier *carrier_of(const struct rf_line *l, unsigned side)
{
	return l->next ? l->next_carrier[side] : l->carrier[side];
}

/* ---- groups: what of a line's transport is said elsewhere is put in its place */

/* The offerer's: all that was offered in it and is taken. Where the one line with a port is refused,
 * those without have none. */
static int group_offer(struct job *j)
{
	size_t n = j->sdp->n_media;
	const struct rf_said *tagged;

	for (size_t i = 0; i < n; i++) {
		const struct plan *pl = &j->plans[i];

		if (!pl->off && pl->offer->group_at && !pl->offer->bundle_only && carrier_of(&j->p->lines[i], j->to) &&
		    (j->tagged[j->to] == n || pl->offer->group_at < j->plans[j->tagged[j->to]].offer->group_at))
			j->tagged[j->to] = i;
	}
	tagged = j->tagged[j->to] < n ? j->plans[j->tagged[j->to]].offer : NULL;
	for (size_t i = 0; i < n; i++) {
		struct plan *pl = &j->plans[i];
		struct rf_said merged;

		if (pl->off || !pl->offer->group_at)
			continue;
		pl->off = !tagged;
		pl->grouped[j->to] = tagged;
		if (!tagged || pl->offer == tagged)
			continue;
		merged = *pl->offer;
		rf_bundle_transport(&merged, tagged);
		pl->offer = pl->merged = rf_said_keep(&merged);
		if (!pl->merged)
			return rf_turn_fail(j->t, -ENOMEM, "no memory");
	}
	return 0;
}

/* The answerer's: what it has left in the group that it was offered. */
static int group_answer(struct job *j)
{
	size_t n = j->sdp->n_media;
	struct rf_said **said = rf_arena_array(j->t->arena, n + 1, sizeof *said);
	struct rf_said *tagged;

	if (!said)
		return rf_turn_fail(j->t, -ENOMEM, "no memory");
	for (size_t i = 0; i < n; i++)
		said[i] = &j->plans[i].said;
	rf_bundle_read(j->sdp, said, n);
	for (size_t i = 0; i < n; i++)
		if (j->plans[i].off || !j->p->lines[i].bundle_asked || !carrier_of(&j->p->lines[i], j->from))
			said[i]->group_at = 0;
	tagged = rf_bundle_tagged(said, n);
	for (size_t i = 0; i < n; i++) {
		struct plan *pl = &j->plans[i];
		const struct rf_carrier *c = carrier_of(&j->p->lines[i], j->from);

		pl->grouped[j->from] = tagged && said[i]->group_at;
		if (!pl->off && !pl->grouped[j->from] && c && c->lines > 1)
			return rf_turn_fail(j->t, RF_E_INVALID, "m-line %zu: the answer takes it out of the BUNDLE "
					    "group whose port it is on; that takes an offer", i + 1);
		if (said[i] == tagged)
			j->tagged[j->from] = i;
		else if (pl->grouped[j->from])
			rf_bundle_transport(said[i], tagged);
	}
	return 0;
}

/* What is said of a group's transport is said by one of its lines, and is the same for all. */
static void unite(struct job *j)
{
	for (unsigned side = 0; side < 2; side++)
		for (size_t i = 0; i < j->sdp->n_media; i++)
			if (j->plans[i].grouped[side] && !j->plans[i].off && i != j->tagged[side])
				rf_bundle_ours(&j->plans[i].ours[side], &j->plans[j->tagged[side]].ours[side]);
}

static int plan_line(struct job *j, size_t i)
{
	struct rf_turn *t = j->t;
	struct plan *pl = &j->plans[i];
	struct rf_line *l = &j->p->lines[i];
	int rc = 0;

	if (pl->off)
		return 0;
	if (pl->said.kind != pl->offer->kind)
		return rf_turn_fail(t, RF_E_INVALID, "m-line %zu: answered with another kind of media than was offered",
				    i + 1);
	pl->ours[0] = l->ours[0];
	pl->ours[1] = l->ours[1];
	pl->ours[j->to].sdes = NULL;
	if (kind_of(l) == RF_PATH_RTP) {
		rc = plan_rtp(j, i, pl, l);
	} else {
		pl->said.ice = false;
		pl->ours[j->to].proto = pl->offer->proto;
		/* Whoever waits for a connection is connected to (RFC 4145 4). */
		pl->ours[j->to].active =
			pl->offer->setup == RF_SDP_SETUP_PASSIVE ||
			(pl->offer->setup == RF_SDP_SETUP_ACTPASS && pl->said.setup == RF_SDP_SETUP_ACTIVE);
		pl->ours[j->from].active =
			pl->said.setup == RF_SDP_SETUP_PASSIVE || pl->said.setup == RF_SDP_SETUP_NONE;
	}
	if (rc == 0)
		rc = check_remote(j, i, l, j->from, &pl->said);
	if (rc == 0)
		rc = check_remote(j, i, l, j->to, pl->offer);
	pl->kept = rc ? NULL : rf_said_keep(&pl->said);
	return rc ? rc : pl->kept ? 0 : rf_turn_fail(t, -ENOMEM, "no memory");
}

static void drop(struct job *j)
{
	for (size_t i = 0; i < j->sdp->n_media; i++) {
		rf_said_free(j->plans[i].kept);
		rf_said_free(j->plans[i].merged);
		if (j->plans[i].new_sdes)
			rf_sdes_free(j->plans[i].ours[j->to].sdes);
		rf_secret_wipe(j->plans[i].ours, sizeof j->plans[i].ours);
	}
}

/* Nothing flows either way: what one sends the other does not want. */
static bool held(const struct rf_line *l)
{
	return !(l->said[0]->dir & rf_sdp_dir_invert((enum rf_sdp_dir)l->said[1]->dir));
}

static int set_ends(struct job *j, struct rf_line *l)
{
	uint32_t silence = j->t->relay->conf.policy.silence_ms;
	int rc = 0;

	for (unsigned side = 0; rc == 0 && side < 2; side++) {
		struct rf_path_end_conf conf;

		rf_line_conf(j->p, l, side, &conf);
		rc = rf_path_set(l->path, side, &conf);
		rf_secret_wipe(&conf, sizeof conf);
	}
	if (rc)
		return rf_turn_fail_port(j->t, rc);
	rf_path_set_silence(l->path, held(l) ? RF_SESSION_HELD_MS : silence ? silence : 60000);
	if (!l->open)
		rf_path_open(l->path);
	l->open = true;
	return 0;
}

/* The path that waited for the answer takes the place of the other. */
static void go_over(struct rf_relay *r, struct rf_line *l)
{
	rf_path_free(l->path);
	r->media--;
	l->path = l->next;
	l->kind = l->next_kind;
	l->next = NULL;
	l->open = false;
	for (unsigned side = 0; side < 2; side++) {
		rf_carrier_leave(r, &l->carrier[side]);
		l->carrier[side] = l->next_carrier[side];
		l->next_carrier[side] = NULL;
	}
}

/* What the offerer said is in force. */
static void take_offer(struct job *j, struct rf_line *l, struct plan *pl)
{
	bool waited = l->offered && j->p->offerer == j->to;

	if (!waited && !pl->merged)
		return;
	rf_said_free(l->said[j->to]);
	l->said[j->to] = pl->merged ? pl->merged : l->offered;
	if (waited && pl->merged)
		rf_said_free(l->offered);
	if (waited) {
		l->offered = NULL;
		memcpy(l->ptime, l->ptime_offered, sizeof l->ptime);
	}
	pl->merged = NULL;
}

/* Everybody onto the port of the group. */
static int ride(struct job *j, struct rf_line *l, const struct plan *pl, struct rf_carrier *const shared[2])
{
	int rc = 0;

	for (unsigned side = 0; rc == 0 && side < 2; side++) {
		l->bundled[side] = pl->grouped[side];
		if (pl->grouped[side])
			rc = rf_carrier_enter(j->t->relay, &l->carrier[side], shared[side], l->path, side);
	}
	return rc ? rf_turn_fail(j->t, rc, "a port cannot be shared") : 0;
}

static int set_carriers(struct job *j)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < j->p->n_lines; i++)
		for (unsigned side = 0; rc == 0 && side < 2; side++) {
			struct rf_carrier *c = j->p->lines[i].carrier[side];
			struct rf_path_end_conf conf;

			if (!c || !j->p->lines[i].open || !rf_carrier_is_first(j->p, i, side))
				continue;
			rf_line_conf(j->p, &j->p->lines[i], side, &conf);
			rc = rf_path_set(c->path, 0, &conf);
			rf_secret_wipe(&conf, sizeof conf);
			if (rc == 0)
				rf_path_open(c->path);
		}
	return rc ? rf_turn_fail_port(j->t, rc) : 0;
}

static int commit(struct job *j, size_t i, struct rf_carrier *const shared[2])
{
	struct plan *pl = &j->plans[i];
	struct rf_line *l = &j->p->lines[i];
	int rc;

	if (pl->off) {
		rf_said_free(pl->merged);
		rf_line_off(j->t->relay, l);
		return 0;
	}
	if (l->next)
		go_over(j->t->relay, l);
	take_offer(j, l, pl);
	rc = ride(j, l, pl, shared);
	rf_said_free(l->said[j->from]);
	l->said[j->from] = pl->kept;
	rf_line_set_coded(j->t->relay, l, pl->kept->coded);
	rf_sdes_free(l->ours[j->to].sdes);
	l->ours[0] = pl->ours[0];
	l->ours[1] = pl->ours[1];
	rf_secret_wipe(pl->ours, sizeof pl->ours);
	return rc ? rc : set_ends(j, l);
}

static void out_line(struct job *j, size_t i, struct rf_out_line *o)
{
	const struct rf_line *l = &j->p->lines[i];
	const struct plan *pl = &j->plans[i];

	*o = (struct rf_out_line){ .in = &j->sdp->media[i], .said = &pl->said, .ours = &l->ours[j->to], .kind = l->kind,
		.path_id = pl->said.path_id };
	if (pl->off)
		return;
	o->mid = l->said[j->to]->mid;
	o->trickle = l->said[j->to]->trickle;
	o->setup = l->ours[j->to].active ? RF_SDP_SETUP_ACTIVE : RF_SDP_SETUP_PASSIVE;
	o->mux = l->ours[j->to].mux;
	o->ptime = l->ptime_answer;
	if (pl->grouped[j->to]) {
		o->shares = i != j->tagged[j->to];
		o->bundle = o->shares ? (uint8_t)(1 + l->said[j->to]->group_at) : 1;
	}
	rf_path_local(l->path, j->to, &o->rtp, &o->rtcp);
	if (o->mux)
		o->rtcp = o->rtp;
}

int rf_pair_answer(struct rf_turn *t, struct rf_pair *p, unsigned from, const struct rf_sdp *sdp, struct rf_writer *w)
{
	struct job j = { .t = t, .p = p, .from = from, .to = !from, .sdp = sdp,
		.rules = rf_sdes_rules(t->relay->conf.policy.suites, t->req) };
	struct rf_said_source source = rf_turn_source(t->req);
	struct rf_out_line *lines = rf_arena_array(t->arena, sdp->n_media + 1, sizeof *lines);
	const struct rf_media_interface *in = rf_media_interface_at(t->relay->conf.worker, p->interface[!from]);
	struct rf_carrier *shared[2] = { NULL, NULL };
	int rc = 0;

	j.tagged[0] = j.tagged[1] = sdp->n_media;
	j.plans = rf_arena_array(t->arena, sdp->n_media + 1, sizeof *j.plans);
	if (!lines || !j.plans)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	if (sdp->n_media != p->n_lines)
		return rf_turn_fail(t, RF_E_INVALID, "the answer has %u m-lines, the offer %zu", sdp->n_media,
				    p->n_lines);
	for (size_t i = 0; rc == 0 && i < sdp->n_media; i++)
		rc = read_line(&j, i, &source);
	if (rc == 0)
		rc = group_offer(&j);
	if (rc == 0)
		rc = group_answer(&j);
	for (size_t i = 0; rc == 0 && i < sdp->n_media; i++)
		rc = plan_line(&j, i);
	if (rc) {
		drop(&j);
		return rc;
	}
	unite(&j);
	for (unsigned side = 0; side < 2; side++)
		if (j.tagged[side] < sdp->n_media)
			shared[side] = carrier_of(&p->lines[j.tagged[side]], side);
	for (size_t i = 0; i < sdp->n_media; i++) {
		int one = commit(&j, i, shared);

		rc = rc ? rc : one;
	}
	for (size_t i = 0; rc == 0 && i < sdp->n_media; i++)
		out_line(&j, i, &lines[i]);
	if (rc == 0)
		rc = set_carriers(&j);
	p->offered = p->offered && p->offerer != !from;
	p->answered = true;
	if (rc)
		return rc;
	rf_describe(t, &(struct rf_out){ sdp, in->advertised.family ? in->advertised : in->local, &p->spoken[!from], lines,
			sdp->n_media }, w);
	return 0;
}

/* An offer: judged whole, then everything that it needs is taken, and only when all of that is there does anything
 * change. What is said to the answerer is said now; what the offerer said waits for the answer (session.h). */
#include "media/session.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

/* What becomes of one m-line. */
struct plan {
	struct rf_said said, *kept;
	enum rf_path_kind kind;
	bool off;
	bool rides[2];                   /* whether its end at a side is, or may come to be, on a
					  * port that lines share */
	bool next;                       /* that which waits since an earlier offer serves */
	struct rf_path *path;            /* new; NULL: the one that is there serves */
	struct rf_carrier *carrier[2];   /* of path */
	struct rf_ours ours;             /* towards the answerer */
};

struct job {
	struct rf_turn *t;
	struct rf_pair *p;
	unsigned from, to;
	const struct rf_sdp *sdp;
	struct rf_sdes_rules rules;
	struct plan *plans;
	size_t coded;                    /* m-lines that this offer adds to those that are transcoded */
	struct rf_addr local;            /* of the pair's interface towards the answerer */
	struct rf_carrier *shared[2];    /* new, for the offerer's group: of paths in force, of those
					  * that wait; NULL: none */
};

/* The kind of path that a line needs; false: of no use here, to be switched off. */
static bool kind_of(const struct rf_sdp_media *m, enum rf_path_kind *ret_kind)
{
	bool tcp = rf_view_starts_nocase(m->proto_text, RF_V("TCP/"));

	switch (m->proto) {
	case RF_SDP_UDPTL: case RF_SDP_UDPTL_DTLS:
		*ret_kind = RF_PATH_DATAGRAM;
		return true;
	case RF_SDP_BFCP: case RF_SDP_BFCP_TLS:
		*ret_kind = tcp ? RF_PATH_STREAM : RF_PATH_DATAGRAM;
		return true;
	case RF_SDP_MSRP: case RF_SDP_MSRP_TLS:
		*ret_kind = RF_PATH_STREAM;
		return true;
	default:
		*ret_kind = RF_PATH_RTP;
		return rf_sdp_proto_is_rtp(m->proto) && !tcp && m->port_count == 1;
	}
}

static bool protected_end_to_end(unsigned proto)
{
	return proto == RF_SDP_UDPTL_DTLS || proto == RF_SDP_MSRP_TLS || proto == RF_SDP_BFCP_TLS;
}

/* How the answerer is spoken to: as the request says; else as before, while the offerer speaks as before;
 * else as the offerer. */
static unsigned proto_for(const struct job *j, const struct rf_line *l, const struct rf_said *said)
{
	const struct rf_ng_request *q = j->t->req;
	const struct rf_said *last = l ? l->said[j->from] : NULL;

	unsigned asked = rf_turn_proto(q);

	if (asked)
		return asked;
	if (last && last->proto == said->proto && l->ours[j->to].proto)
		return l->ours[j->to].proto;
	return said->proto;
}

static bool offers_ice(const struct job *j, const struct rf_line *l, const struct rf_said *said)
{
	const struct rf_said *peer = l ? l->said[j->to] : NULL;
	bool refused = peer && !peer->ice && !rf_ng_has(j->t->req, RF_NG_RESET);

	switch (j->t->req->ice) {
	case RF_NG_ICE_REMOVE: return false;
	case RF_NG_ICE_FORCE: case RF_NG_ICE_OPTIONAL: return !refused;
	default: return (said->ice || (peer && peer->ice)) && !refused;
	}
}

static bool offers_mux(const struct job *j, const struct rf_said *said)
{
	unsigned mux = j->t->req->mux;

	if (mux & (RF_NG_MUX_OFFER | RF_NG_MUX_REQUIRE))
		return true;
	return said->mux && !(mux & (RF_NG_MUX_DEMUX | RF_NG_MUX_REJECT));
}

static int plan_codecs(struct job *j, size_t i, struct plan *pl, const struct rf_line *l)
{
	const struct rf_ng_request *q = j->t->req;
	const struct rf_relay *r = j->t->relay;
	const struct rf_said *before = !l ? NULL : l->offered && j->p->offerer == j->from ? l->offered : l->said[j->from];
	struct rf_codec_list list = { pl->said.codecs, pl->said.n_codecs, RF_SAID_CODECS_MAX, &j->sdp->media[i],
		before ? before->codecs : NULL, before ? before->n_codecs : 0 };

	rf_codec_choose(list.c, list.n, q);
	pl->said.coded = rf_codec_offer(&list, q, pl->said.kind == RF_SDP_AUDIO);
	pl->said.n_codecs = (uint8_t)list.n;
	if (!pl->said.coded || (l && l->coded))
		return 0;
	if (r->coded + j->coded++ < (r->conf.policy.coded_max ? r->conf.policy.coded_max : RF_RELAY_CODED))
		return 0;
	j->t->full = true;
	return rf_turn_fail(j->t, RF_E_LIMIT, "so much is transcoded already (%zu m-lines) that no more can be",
			    r->coded);
}

/* Packets of another size are made of what is opened here. */
static bool wants_size(const struct rf_ng_request *q, const struct rf_said *said)
{
	return said->kind == RF_SDP_AUDIO && (q->ptime.set || q->ptime_reverse.set);
}

/* The RTP line as it will be said to the answerer. */
static int plan_rtp(struct job *j, size_t i, struct plan *pl, const struct rf_line *l)
{
	struct rf_turn *t = j->t;
	const struct rf_ours *last = l ? &l->ours[j->to] : NULL;
	enum rf_path_keying keying, theirs = RF_KEYING_PLAIN;
	int rc = rf_line_keying(t, &pl->said, &j->rules, t->req->dtls == RF_NG_DTLS_OFF, &theirs);

	pl->said.keying = (uint8_t)theirs;
	pl->ours.proto = (uint8_t)proto_for(j, l, &pl->said);
	if (rc == 0)
		rc = rf_leg_keying(t, pl->ours.proto, &j->rules, &keying);
	if (rc)
		return rc;
	if (pl->said.n_codecs == 0)
		return rf_turn_fail(t, RF_E_INVALID, "no format of an m-line is known or has an rtpmap");
	rc = plan_codecs(j, i, pl, l);
	if (rc)
		return rc;
	pl->ours.keying = (uint8_t)keying;
	pl->ours.ice = offers_ice(j, l, &pl->said);
	pl->ours.mux = offers_mux(j, &pl->said);
	if (last && last->ice_cred.ufrag[0])
		pl->ours.ice_cred = last->ice_cred;
	else if (pl->ours.ice)
		rf_ours_ice(t->relay, &pl->ours);
	if (keying != RF_KEYING_SDES)
		return 0;
	j->rules.pass = theirs == RF_KEYING_SDES && !pl->said.coded && !wants_size(t->req, &pl->said) &&
			!rf_ng_has(t->req, RF_NG_INJECT_DTMF) && !rf_ng_has(t->req, RF_NG_DETECT_DTMF) &&
			!rf_ng_has(t->req, RF_NG_SIPREC) && !j->p->session->recorders;
	pl->ours.sdes = rf_sdes_offer(&j->rules, &pl->said, last ? last->sdes : NULL, t->relay->conf.random);
	return pl->ours.sdes ? 0 : rf_turn_fail(t, -ENOMEM, "no memory");
}

/* T.38, BFCP, MSRP: passed as they are. */
static int plan_other(struct job *j, struct plan *pl)
{
	struct rf_turn *t = j->t;

	pl->ours.proto = pl->said.proto;
	if (!protected_end_to_end(pl->said.proto) && !t->relay->conf.policy.plain_allowed)
		return rf_turn_fail(t, RF_E_DENIED,
				    "the description has %s without encryption, which the site's policy forbids",
				    rf_sdp_proto_text((enum rf_sdp_proto)pl->said.proto));
	if (protected_end_to_end(pl->said.proto) && pl->said.n_prints == 0)
		return rf_turn_fail(t, RF_E_DENIED, "%s without a fingerprint of sha-256 or better",
				    rf_sdp_proto_text((enum rf_sdp_proto)pl->said.proto));
	pl->said.ice = false;
	return 0;
}

/* What is said, and which lines are to share a port. */
static int read_all(struct job *j)
{
	struct rf_said **said = rf_arena_array(j->t->arena, j->sdp->n_media + 1u, sizeof *said);
	struct rf_said_source source = rf_turn_source(j->t->req);

	if (!said)
		return rf_turn_fail(j->t, -ENOMEM, "no memory");
	for (size_t i = 0; i < j->sdp->n_media; i++) {
		const char *why = "no memory";
		int rc = rf_said_read(j->t->arena, j->sdp, i, &source, &j->plans[i].said, &why);

		if (rc)
			return rf_turn_fail(j->t, rc, "m-line %zu: %s", i + 1, why);
		said[i] = &j->plans[i].said;
	}
	rf_bundle_read(j->sdp, said, j->sdp->n_media);
	rf_bundle_offer(said, j->sdp->n_media, rf_relay_has_dtls(j->t->relay) && j->t->req->dtls != RF_NG_DTLS_OFF);
	return 0;
}

static int plan_line(struct job *j, size_t i)
{
	struct rf_turn *t = j->t;
	struct plan *pl = &j->plans[i];
	struct rf_line *l = i < j->p->n_lines ? &j->p->lines[i] : NULL;
	int rc;

	if (!pl->said.live || !kind_of(&j->sdp->media[i], &pl->kind)) {
		pl->off = true;
		return 0;
	}
	rc = pl->kind == RF_PATH_RTP ? plan_rtp(j, i, pl, l) : plan_other(j, pl);
	if (rc != RF_E_DENIED)
		return rc;
	/* One line that may not be, among others that may: it is switched off, and the sender is told why. */
	rf_ng_warn(t->req, "m-line %zu is switched off: %s", i + 1, t->why);
	rf_ours_fini(&pl->ours);
	pl->off = true;
	return 0;
}

/* The line's name towards the answerer: the offerer's, or its own, or one that is made. */
static struct rf_view mid_of(const struct job *j, size_t i)
{
	const struct rf_said *own = i < j->p->n_lines ? j->p->lines[i].said[j->to] : NULL;
	struct rf_view mid = j->plans[i].said.mid;
	char *text;

	if (mid.n == 0 && own)
		mid = own->mid;
	if (mid.n || !rf_ng_has(j->t->req, RF_NG_GENERATE_MID))
		return mid;
	text = rf_arena_alloc(j->t->arena, 4);
	return text ? rf_view_of(text, (size_t)snprintf(text, 4, "%zu", i)) : mid;
}

/* Without a MID in each packet the answerer's lines are told apart by their payload types. */
static bool types_meet(const struct rf_said *a, const struct rf_said *b)
{
	for (size_t i = 0; i < a->n_codecs; i++)
		for (size_t k = 0; k < b->n_codecs; k++)
			if (!a->codecs[i].off && !b->codecs[k].off && a->codecs[i].type == b->codecs[k].type)
				return true;
	return false;
}

/* Who offers a group gets one for what can be bundled; to whom it goes on it is offered where that leg can have it,
 * too, and to one of DTLS-SRTP also when mids are to be made: there are browsers that take no offer without. */
static void plan_bundle(struct job *j, size_t i)
{
	struct plan *pl = &j->plans[i];
	const struct rf_line *l = i < j->p->n_lines ? &j->p->lines[i] : NULL;
	bool already = l && l->bundled[j->to];

	if (pl->off || pl->kind != RF_PATH_RTP) {
		pl->said.group_at = 0;
		return;
	}
	pl->ours.mux |= already && pl->ours.keying == RF_KEYING_DTLS;
	pl->rides[j->from] = pl->said.group_at > 0;
	pl->rides[j->to] = pl->ours.keying == RF_KEYING_DTLS && pl->ours.mux && mid_of(j, i).n &&
			   (pl->said.group_at || already || rf_ng_has(j->t->req, RF_NG_GENERATE_MID));
	for (size_t k = 0; pl->rides[j->to] && !pl->said.group_at && !already && k < i; k++)
		if (j->plans[k].rides[j->to] && types_meet(&pl->said, &j->plans[k].said))
			pl->rides[j->to] = false;
}

static int find_interfaces(struct job *j, unsigned family)
{
	struct rf_turn *t = j->t;
	const struct rf_ng_request *q = t->req;
	unsigned families[2] = { family, q->family == RF_NG_IP4 ? 4 : q->family == RF_NG_IP6 ? 6 : family };

	for (unsigned k = 0; k < 2 && !j->p->placed; k++) {
		int at = rf_media_interface_find(t->relay->conf.worker, q->direction[k], families[k]);

		if (at < 0)
			return rf_turn_fail(t, RF_E_NOT_FOUND, "no interface \"%.*s\" with an IPv%u address",
					    RF_VFMT(q->direction[k]), families[k]);
		j->p->interface[k ? j->to : j->from] = (uint8_t)at;
	}
	const struct rf_media_interface *in =
		rf_media_interface_at(t->relay->conf.worker, j->p->interface[j->to]);

	j->p->placed = true;
	j->local = in->advertised.family ? in->advertised : in->local;
	return 0;
}

static int check_remotes(const struct job *j)
{
	for (size_t i = 0; i < j->sdp->n_media; i++) {
		const char *astray = j->plans[i].off ? NULL : rf_said_astray(j->p, j->from, &j->plans[i].said);

		if (astray)
			return rf_turn_fail(j->t, RF_E_INVALID, "m-line %zu: its address is %s", i + 1, astray);
	}
	return 0;
}

/* With another line of this offer; those that it has no more are gone in a moment. What waits is on other ports than
 * what is in force. */
static bool is_shared(const struct job *j, size_t i, bool next, unsigned side)
{
	const struct rf_line *l = &j->p->lines[i];
	const struct rf_carrier *c = next ? l->next_carrier[side] : l->carrier[side];

	for (size_t k = 0; c && k < j->sdp->n_media && k < j->p->n_lines; k++)
		if (k != i && c == (next ? j->p->lines[k].next_carrier[side] : j->p->lines[k].carrier[side]))
			return true;
	return false;
}

/* An end that shares its port cannot leave it; one that has its own cannot come to another's; and who was on one that
 * could be shared, and is of DTLS-SRTP no more, gets one that cannot. */
static bool fits(const struct job *j, size_t i, bool next)
{
	const struct rf_line *l = &j->p->lines[i];
	const struct plan *pl = &j->plans[i];

	for (unsigned side = 0; side < 2; side++) {
		bool carried = next ? l->next_carrier[side] : l->carrier[side];
		bool dtls = (side == j->to ? pl->ours.keying : pl->said.keying) == RF_KEYING_DTLS;

		if (pl->rides[side] ? !carried : carried && (!dtls || is_shared(j, i, next, side)))
			return false;
	}
	return true;
}

/* One for all that the offerer has bundled: that on which the others are already. */
static int find_shared(struct job *j, bool next, struct rf_carrier **ret_carrier)
{
	for (size_t i = 0; i < j->sdp->n_media && i < j->p->n_lines; i++) {
		const struct rf_line *l = &j->p->lines[i];
		const struct plan *pl = &j->plans[i];

		if (pl->path || pl->next != next || !pl->rides[j->from])
			continue;
		*ret_carrier = next ? l->next_carrier[j->from] : l->carrier[j->from];
		if (*ret_carrier)
			return 0;
	}
	int rc = j->shared[next] ? 0 : rf_carrier_new(j->t, j->p->session, j->p->interface[j->from], &j->shared[next]);

	*ret_carrier = j->shared[next];
	return rc;
}

static int take_carriers(struct job *j, struct plan *pl, bool next)
{
	int rc = pl->rides[j->from] ? find_shared(j, next, &pl->carrier[j->from]) : 0;

	if (rc == 0 && pl->rides[j->to])
		rc = rf_carrier_new(j->t, j->p->session, j->p->interface[j->to], &pl->carrier[j->to]);
	return rc;
}

/* Paths and copies: what may run out. */
static int take(struct job *j, size_t i)
{
	struct plan *pl = &j->plans[i];
	struct rf_line *l = i < j->p->n_lines ? &j->p->lines[i] : NULL;
	const unsigned interface[2] = { pl->rides[0] ? RF_PATH_CARRIED : j->p->interface[0],
		pl->rides[1] ? RF_PATH_CARRIED : j->p->interface[1] };
	const char *what = "memory";
	int rc;

	pl->kept = rf_said_keep(&pl->said);
	if (!pl->kept)
		return rf_turn_fail(j->t, -ENOMEM, "no memory");
	if (pl->off || (l && l->path && l->kind == pl->kind && fits(j, i, false)))
		return 0;
	pl->next = l && l->next && l->next_kind == pl->kind && fits(j, i, true);
	if (pl->next)
		return 0;
	rc = take_carriers(j, pl, l && l->path);
	if (rc)
		return rc;
	rc = rf_path_new(j->t->relay->conf.worker, pl->kind, interface, &rf_session_path_ops, j->p->session, &pl->path,
			 &what);
	if (rc == 0)
		return 0;
	if (rc == RF_E_UNSUPPORTED) {
		rf_ng_warn(j->t->req, "m-line %zu is switched off: %s", i + 1, what);
		pl->off = true;
		rf_carrier_free(j->t->relay, pl->carrier[j->to]);
		pl->carrier[0] = pl->carrier[1] = NULL;
		return 0;
	}
	j->t->full = rc == RF_E_LIMIT;
	return rf_turn_fail(j->t, rc, "%s", rc == RF_E_LIMIT ? what : "no memory");
}

static int grow(struct job *j)
{
	size_t n = j->sdp->n_media, all = n;
	struct rf_line *lines;

	for (const struct rf_pair *p = j->p->session->pairs; p; p = p->next)
		all += p == j->p ? 0 : p->n_lines;
	if (all > RF_SESSION_LINES_MAX)
		return rf_turn_fail(j->t, RF_E_LIMIT, "a session has at most %d m-lines", RF_SESSION_LINES_MAX);
	if (n <= j->p->n_lines)
		return 0;
	lines = realloc(j->p->lines, n * sizeof *lines);
	if (!lines)
		return rf_turn_fail(j->t, -ENOMEM, "no memory");
	memset(lines + j->p->n_lines, 0, (n - j->p->n_lines) * sizeof *lines);
	j->p->lines = lines;
	j->p->n_lines = n;
	return 0;
}

static void drop(struct job *j)
{
	for (size_t i = 0; i < j->sdp->n_media; i++) {
		rf_said_free(j->plans[i].kept);
		rf_path_free(j->plans[i].path);
		rf_ours_fini(&j->plans[i].ours);
		rf_carrier_free(j->t->relay, j->plans[i].carrier[j->to]);
	}
	rf_carrier_free(j->t->relay, j->shared[0]);
	rf_carrier_free(j->t->relay, j->shared[1]);
}

/* What may come to a fresh path before the answer: ICE checks and a DTLS handshake. */
static int begin(struct job *j, const struct rf_line *l, struct rf_path *path)
{
	struct rf_path_end_conf conf;
	int rc;

	rf_line_conf(j->p, l, j->to, &conf);
	rc = rf_path_set(path, j->to, &conf);
	if (rc == 0 && l->carrier[j->to])
		rc = rf_path_set(l->carrier[j->to]->path, 0, &conf);
	rf_secret_wipe(&conf, sizeof conf);
	return rc ? rf_turn_fail_port(j->t, rc) : 0;
}

static uint8_t ptime_of(const struct rf_ng_request *q, const struct rf_ng_int *ptime)
{
	uint8_t ms = ptime->set && (ptime->v % 10 == 0 && ptime->v != 50 && ptime->v <= 60) ? (uint8_t)ptime->v : 0;

	if (ptime->set && !ms)
		rf_ng_warn(q, "packets of %d ms are not made: there are those of 10, 20, 30, 40 and 60", ptime->v);
	return ms;
}

/* In its own codec sound is cut and joined where its bytes allow it; the others, and pictures, go on in the size in
 * which they come. */
static void tell_uncut(const struct rf_ng_request *q, const struct rf_said *said, uint8_t ms)
{
	for (size_t i = 0; ms && i < said->n_codecs; i++) {
		const struct rf_codec *c = &said->codecs[i];

		if (!c->off && !c->made && !(c->flags & (RF_TYPE_DTMF | RF_TYPE_COMFORT)) && !rf_line_cuts(c, ms))
			rf_ng_warn(q, "\"ptime\": packets of %.*s are not cut and joined to %u "
				      "ms; they go on as they come", RF_VFMT(c->name), ms);
	}
}

static void note_wishes(const struct rf_ng_request *q, struct rf_line *l, unsigned to)
{
	bool sound = l->offered->kind == RF_SDP_AUDIO;

	l->ptime_offered[to] = sound ? ptime_of(q, &q->ptime) : 0;
	l->ptime_offered[!to] = sound ? ptime_of(q, &q->ptime_reverse) : 0;
	tell_uncut(q, l->offered, l->ptime_offered[to] ? l->ptime_offered[to] : l->ptime_offered[!to]);
	l->no_ice = rf_ng_has(q, RF_NG_REJECT_ICE);
	l->dtls_passive = q->dtls_reverse == RF_NG_DTLS_PASSIVE;
	l->mux_only = q->mux & RF_NG_MUX_REQUIRE;
	l->ptime_answer = q->ptime_reverse.set ? (uint16_t)q->ptime_reverse.v : 0;
	l->mux_answer = q->mux & (RF_NG_MUX_DEMUX | RF_NG_MUX_ACCEPT) ? RF_MUX_ACCEPT :
			q->mux & RF_NG_MUX_REJECT ? RF_MUX_REJECT : RF_MUX_FOLLOW;
}

/* The new path's ends onto their carriers, which are the line's from now on. */
static int ride(struct job *j, struct plan *pl, struct rf_path *path, struct rf_carrier *at[2])
{
	int rc = 0;

	for (unsigned side = 0; rc == 0 && side < 2; side++)
		if (pl->carrier[side])
			rc = rf_carrier_enter(j->t->relay, &at[side], pl->carrier[side], path, side);
	return rc ? rf_turn_fail(j->t, rc, "a port cannot be shared") : 0;
}

static int commit(struct job *j, size_t i)
{
	struct plan *pl = &j->plans[i];
	struct rf_line *l = &j->p->lines[i];
	struct rf_path *fresh = pl->path;
	int rc = 0;

	rf_said_free(l->offered);
	l->offered = pl->kept;
	l->offered->live = !pl->off;
	if (pl->off) {
		rf_line_drop_next(j->t->relay, l);
	} else {
		if (!pl->next)
			rf_line_drop_next(j->t->relay, l);
		if (fresh && l->path) {
			l->next = fresh;
			l->next_kind = pl->kind;
			rc = ride(j, pl, fresh, l->next_carrier);
		} else if (fresh) {
			l->path = fresh;
			l->kind = pl->kind;
			rc = ride(j, pl, fresh, l->carrier);
		}
		l->bundle_asked = pl->rides[j->to];
		j->t->relay->media += fresh != NULL;
		rf_sdes_free(l->ours[j->to].sdes);
		pl->ours.active = l->ours[j->to].active;
		l->ours[j->to] = pl->ours;
		note_wishes(j->t->req, l, j->to);
		if (l->offered->coded)
			rf_line_set_coded(j->t->relay, l, true);
	}
	pl->kept = NULL;
	pl->path = NULL;
	pl->ours.sdes = NULL;
	return rc == 0 && fresh && fresh == l->path ? begin(j, l, fresh) : rc;
}

static void out_line(struct job *j, size_t i, struct rf_out_line *o)
{
	struct rf_line *l = &j->p->lines[i];
	struct plan *pl = &j->plans[i];

	*o = (struct rf_out_line){ .in = &j->sdp->media[i], .said = &pl->said, .ours = &l->ours[j->to], .kind = pl->kind,
		.setup = RF_SDP_SETUP_ACTPASS, .mid = mid_of(j, i), .path_id = pl->said.path_id };
	if (pl->off)
		return;
	if (l->bundle_asked && o->mid.n) {
		struct rf_carrier *const *at = l->next ? l->next_carrier : l->carrier;

		o->bundle = (uint8_t)(i + 1);
		o->shares = at[j->to]->lines > 1 && !(l->next ? false : rf_carrier_is_first(j->p, i, j->to));
	}
	o->mux = l->ours[j->to].mux;
	o->trickle = l->said[j->to] && l->said[j->to]->trickle;
	o->ptime = j->t->req->ptime.set ? (uint32_t)j->t->req->ptime.v : 0;
	rf_path_local(l->next ? l->next : l->path, j->to, &o->rtp, &o->rtcp);
	if (l->mux_only)
		o->rtcp = o->rtp;
}

static int plan_all(struct job *j)
{
	bool live = false, any = false;
	unsigned family = 0;
	int rc = read_all(j);

	for (size_t i = 0; rc == 0 && i < j->sdp->n_media; i++) {
		rc = plan_line(j, i);
		plan_bundle(j, i);
		if (family == 0 || !(live || j->plans[i].off))
			family = j->plans[i].said.family;
		live |= !j->plans[i].off;
		any |= j->plans[i].said.live;
	}
	if (rc == 0 && any && !live)
		return j->t->why[0] ? RF_E_DENIED :
		       rf_turn_fail(j->t, RF_E_DENIED, "no m-line is of a kind that this relay passes on");
	if (rc == 0)
		rc = find_interfaces(j, family);
	if (rc == 0)
		rc = check_remotes(j);
	for (size_t i = 0; rc == 0 && i < j->sdp->n_media; i++)
		rc = take(j, i);
	return rc ? rc : grow(j);
}

int rf_pair_offer(struct rf_turn *t, struct rf_pair *p, unsigned from, const struct rf_sdp *sdp, struct rf_writer *w)
{
	struct job j = { .t = t, .p = p, .from = from, .to = !from, .sdp = sdp,
		.rules = rf_sdes_rules(t->relay->conf.policy.suites, t->req) };
	struct rf_out_line *lines = rf_arena_array(t->arena, sdp->n_media + 1, sizeof *lines);
	int rc = 0;

	j.plans = rf_arena_array(t->arena, sdp->n_media + 1, sizeof *j.plans);
	if (!lines || !j.plans)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	rc = plan_all(&j);
	if (rc) {
		drop(&j);
		return rc;
	}
	/* Lines that this offer has no more: RFC 3264 8 would have them switched off. */
	while (p->n_lines > sdp->n_media)
		rf_line_off(t->relay, &p->lines[--p->n_lines]);
	for (size_t i = 0; i < sdp->n_media; i++) {
		int one = commit(&j, i);

		rc = rc ? rc : one;
		out_line(&j, i, &lines[i]);
	}
	for (unsigned k = 0; k < 2; k++)
		if (j.shared[k] && j.shared[k]->lines == 0)
			rf_carrier_free(t->relay, j.shared[k]);
	p->offerer = (uint8_t)from;
	p->asked = rf_loop_now(t->relay->conf.loop);
	p->offered = rc == 0 || p->answered; /* one that never came to be leaves no trace */
	if (rc)
		return rc;
	rf_describe(t, &(struct rf_out){ sdp, j.local, &p->spoken[!from], lines, sdp->n_media }, w);
	return 0;
}

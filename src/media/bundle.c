/* BUNDLE (RFC 9143) between sessions and paths: which m-lines of a description stand in its group, and
 * on whose port they are.
 *
 * An m-line that may share its transport rides on a carrier (session.h) from the start: on the side of who
 * offered the group on one for all of them, towards who is offered it each on its own, until the answer says
 * whose is for all. An answer that has no group leaves each where it is. Only DTLS-SRTP with rtcp-mux is bundled:
 * that is what browsers speak. */
#include "media/session.h"

#include <stdlib.h>

/* ---- carriers */

int rf_carrier_new(struct rf_turn *t, struct rf_session *s, unsigned interface, struct rf_carrier **ret_carrier)
{
	const unsigned interfaces[RF_PATH_ENDS] = { interface, RF_PATH_NOBODY };
	struct rf_carrier *c = calloc(1, sizeof *c);
	const char *what = "memory";
	int rc = c ? rf_path_new(t->relay->conf.worker, RF_PATH_RTP, interfaces, &rf_session_path_ops, s, &c->path,
				 &what) :
		     -ENOMEM;

	if (rc) {
		free(c);
		t->full = rc == RF_E_LIMIT;
		return rf_turn_fail(t, rc, "%s", rc == RF_E_LIMIT ? what : "no memory");
	}
	t->relay->media++;
	*ret_carrier = c;
	return 0;
}

void rf_carrier_free(struct rf_relay *r, struct rf_carrier *c)
{
	if (!c)
		return;
	rf_path_free(c->path);
	r->media--;
	free(c);
}

void rf_carrier_leave(struct rf_relay *r, struct rf_carrier **c)
{
	if (*c && --(*c)->lines == 0)
		rf_carrier_free(r, *c);
	*c = NULL;
}

int rf_carrier_enter(struct rf_relay *r, struct rf_carrier **at, struct rf_carrier *c, struct rf_path *p, unsigned side)
{
	int rc = *at == c ? 0 : rf_path_ride(p, side, c->path);

	if (rc || *at == c)
		return rc;
	c->lines++;
	rf_carrier_leave(r, at);
	*at = c;
	return 0;
}

/* ---- groups */

static struct rf_said *with_mid(struct rf_said *const *said, size_t n, struct rf_view mid)
{
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq(said[i]->mid, mid))
			return said[i];
	return NULL;
}

/* The first group counts; a line stands in it once. */
void rf_bundle_read(const struct rf_sdp *sdp, struct rf_said *const *said, size_t n)
{
	uint8_t place = 0;

	for (size_t i = 0; i < sdp->n_attrs; i++) {
		struct rf_view v = sdp->attrs[i].value;

		if (sdp->attrs[i].id != RF_SDP_A_GROUP || !rf_view_starts(v, RF_V("BUNDLE ")))
			continue;
		for (v = rf_view_from(v, 7); v.n; v = rf_view_from(v, rf_view_find(v, ' ') + 1)) {
			struct rf_view mid = rf_view_sub(v, 0, rf_view_find(v, ' '));
			struct rf_said *s = mid.n ? with_mid(said, n, mid) : NULL;

			if (s && !s->group_at && place < UINT8_MAX)
				s->group_at = ++place;
		}
		return;
	}
}

static bool is_media(const struct rf_said *s)
{
	return (s->kind == RF_SDP_AUDIO || s->kind == RF_SDP_VIDEO) && rf_sdp_proto_is_rtp((enum rf_sdp_proto)s->proto);
}

struct rf_said *rf_bundle_tagged(struct rf_said *const *said, size_t n)
{
	struct rf_said *tagged = NULL;

	for (size_t i = 0; i < n; i++)
		if (said[i]->group_at && said[i]->live && !said[i]->bundle_only &&
		    (!tagged || said[i]->group_at < tagged->group_at))
			tagged = said[i];
	return tagged;
}

void rf_bundle_transport(struct rf_said *s, const struct rf_said *from)
{
	s->remote = from->remote;
	s->remote_rtcp = from->remote_rtcp;
	s->family = from->family;
	s->setup = from->setup;
	s->mux = from->mux;
	s->ice = from->ice;
	s->ice_lite = from->ice_lite;
	s->trickle = from->trickle;
	s->learn = from->learn;
	s->waits = from->waits;
	s->ufrag = from->ufrag;
	s->pwd = from->pwd;
	s->n_prints = from->n_prints;
	s->prints = from->prints;
	s->n_candidates = from->n_candidates;
	s->candidates = from->candidates;
}

/* In later offers the lines of a group have one port, and only the first says the rest of its
 * transport (RFC 9143 7.1.3). */
static bool has_none(const struct rf_said *s)
{
	return s->live && s->group_at && s->n_prints == 0 && s->n_keys == 0 && s->ufrag.n == 0 &&
	       (s->proto == RF_SDP_UDP_TLS_RTP_SAVP || s->proto == RF_SDP_UDP_TLS_RTP_SAVPF);
}

void rf_bundle_offer(struct rf_said *const *said, size_t n, bool dtls)
{
	const struct rf_said *tagged;

	for (size_t i = 0; i < n; i++) {
		said[i]->bundle_only |= has_none(said[i]);
		if (!dtls || !is_media(said[i]) ||
		    (!said[i]->bundle_only && (!said[i]->live || !said[i]->mux || !said[i]->n_prints)))
			said[i]->group_at = 0;
	}
	tagged = rf_bundle_tagged(said, n);
	for (size_t i = 0; i < n; i++) {
		if (!tagged)
			said[i]->group_at = 0;
		if (!said[i]->bundle_only || !said[i]->group_at)
			continue;
		rf_bundle_transport(said[i], tagged);
		said[i]->live = true;
	}
}

/* ---- what is said and set */

void rf_bundle_ours(struct rf_ours *o, const struct rf_ours *from)
{
	o->ice = from->ice;
	o->mux = from->mux;
	o->active = from->active;
	o->ice_cred = from->ice_cred;
}

/* Of lines on one carrier the first speaks for it: what their party said of it is the same for all
 * (rf_bundle_transport()). */
bool rf_carrier_is_first(const struct rf_pair *p, size_t at, unsigned side)
{
	for (size_t i = 0; i < at; i++)
		if (p->lines[i].carrier[side] == p->lines[at].carrier[side])
			return false;
	return true;
}

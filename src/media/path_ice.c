#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>

enum { CHECKS_S = 100, CHECK_BYTES_S = 20000 }; /* that name us; only then is it computed whether they are proven */

static struct rf_stun_addr stun_addr(const struct rf_peer *peer)
{
	struct rf_addr a = rf_peer_addr(peer);
	struct rf_stun_addr s = { .port = a.port, .family = a.family };

	memcpy(s.ip, a.ip, sizeof s.ip);
	return s;
}

void rf_end_take_stun(struct rf_path *p, struct rf_end *e, unsigned rtcp, uint8_t *buf, size_t n,
		      const struct rf_peer *from)
{
	struct rf_mono now = rf_loop_now(p->w->loop);
	struct rf_stun_addr at = stun_addr(from);
	struct rf_ice_result result = { 0 };
	uint8_t reply[RF_ICE_REPLY_MAX];

	struct rf_view datagram = rf_view_of(buf, n);
	bool nominated = e->how == RF_SOURCE_ICE && rf_peer_eq(&e->source[rtcp], from);

	if (!e->ice[rtcp] || !rf_ice_means(e->ice[rtcp], datagram, now)) {
		rf_end_drop(p, e, RF_DROP_STUN);
		return;
	}
	if (!rf_check_rate(&e->stun_rate[nominated], n, now.us)) {
		rf_end_drop(p, e, RF_DROP_RATE);
		return;
	}
	if (rf_ice_receive(e->ice[rtcp], datagram, &at, now, reply, &result) != 0) {
		rf_end_drop(p, e, RF_DROP_STUN);
		return;
	}
	if (result.reply.n)
		rf_sock_send(&e->sock[rtcp], result.reply.p, result.reply.n, from);
	if (result.fresh || result.moved)
		e->last_us = now.us;
	/* One who was nominated may have been forgotten here: a description came in between. */
	bool found = result.fresh && !e->source[rtcp].n && !rf_ice_waits(e->ice[rtcp]);

	if ((result.moved || found) && e->how == RF_SOURCE_ICE) {
		rf_source_fix(p, e, rtcp, from);
		rf_end_begin_dtls(p, e);
	}
}

static bool same(const char *a, size_t cap, const char *b)
{
	return strncmp(a, b, cap) == 0;
}

/* From conf's strings, which may fill their place. */
static int cred_of(const struct rf_path_end_conf *c, struct rf_ice_cred *ret)
{
	size_t ufrag = strnlen(c->ufrag, sizeof c->ufrag), pwd = strnlen(c->pwd, sizeof c->pwd);

	if (ufrag != RF_ICE_UFRAG_BYTES || pwd != RF_ICE_PWD_BYTES || !rf_ice_ufrag_ok(rf_view_of(c->ufrag, ufrag)) ||
	    !rf_ice_pwd_ok(rf_view_of(c->pwd, pwd)))
		return RF_E_INVALID;
	*ret = (struct rf_ice_cred){ 0 };
	memcpy(ret->ufrag, c->ufrag, ufrag);
	memcpy(ret->pwd, c->pwd, pwd);
	return 0;
}

int rf_end_ready_ice(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *c)
{
	struct rf_ice_cred cred;
	size_t theirs = strnlen(c->ufrag_peer, sizeof c->ufrag_peer);

	if (!c->ufrag[0])
		return c->source == RF_SOURCE_ICE ? RF_E_INVALID : 0;
	if (cred_of(c, &cred) != 0 || (theirs && !rf_ice_ufrag_ok(rf_view_of(c->ufrag_peer, theirs))))
		return RF_E_INVALID;
	if (c->n_candidates && !e->candidates)
		e->candidates = calloc(RF_PATH_CANDIDATES_MAX, sizeof *e->candidates);
	if (c->n_candidates && !e->candidates)
		return -ENOMEM;
	for (unsigned rtcp = 0; rtcp < (c->rtcp_mux ? 1 : 2); rtcp++) {
		if (e->ice[rtcp])
			continue;
		e->ice[rtcp] = malloc(sizeof *e->ice[rtcp]);
		if (!e->ice[rtcp])
			return -ENOMEM;
		rf_ice_init(e->ice[rtcp], &cred, p->w->conf.random);
	}
	return 0;
}

/* Those that can reach this end. */
static void set_candidates(const struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *c)
{
	e->n_candidates = 0;
	for (unsigned i = 0; i < c->n_candidates; i++)
		if (c->candidates[i].at.family == p->w->place[e->interface].conf.local.family)
			e->candidates[e->n_candidates++] = c->candidates[i];
}

/* All that can fail was in rf_end_ready_ice(). */
void rf_end_set_ice(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *c)
{
	struct rf_view theirs = rf_view_of(c->ufrag_peer, strnlen(c->ufrag_peer, sizeof c->ufrag_peer));
	struct rf_ice_cred cred;

	if (!c->ufrag[0]) {
		rf_end_end_ice(e);
		return;
	}
	cred_of(c, &cred);
	set_candidates(p, e, c);
	for (unsigned i = 0; i < 2; i++) {
		e->stun_rate[i].packets_s = CHECKS_S;
		e->stun_rate[i].bytes_s = CHECK_BYTES_S;
	}
	for (unsigned rtcp = 0; rtcp < (c->rtcp_mux ? 1 : 2); rtcp++) {
		struct rf_ice *ice = e->ice[rtcp];

		if (!same(ice->ours.ufrag, sizeof cred.ufrag, cred.ufrag) ||
		    !same(ice->ours.pwd, sizeof cred.pwd, cred.pwd))
			rf_ice_restart(ice, &cred, p->w->conf.random, rf_loop_now(p->w->loop));
		if (theirs.n)
			rf_ice_set_remote(ice, theirs);
	}
}

void rf_end_end_ice(struct rf_end *e)
{
	for (unsigned i = 0; i < 2; i++) {
		if (e->ice[i])
			rf_ice_fini(e->ice[i]);
		free(e->ice[i]);
		e->ice[i] = NULL;
	}
	free(e->candidates);
	e->candidates = NULL;
	e->n_candidates = 0;
}

#include "media/path_int.h"

#include "base/err.h"
#include "base/secret.h"
#include "base/table.h"

#include <stdlib.h>

static const enum rf_srtp_suite dtls_suites[] = {
	RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80,
	RF_SRTP_AES_CM_128_HMAC_SHA1_32,
};
enum {
	SUITES = sizeof dtls_suites / sizeof *dtls_suites,
	RENEWALS = 8,
	STALL_MS = 2000,             /* a handshake where NAT is declared, before another may take its place */
};

static unsigned suites_mask(void)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < SUITES; i++)
		mask |= 1u << dtls_suites[i];
	return mask;
}

static struct rf_end *end_of(const struct rf_shake *s)
{
	return &s->sock->path->end[s->sock->end];
}

static struct rf_stun_addr stun_addr(const struct rf_peer *peer)
{
	struct rf_addr a = rf_peer_addr(peer);
	struct rf_stun_addr s = { .port = a.port, .family = a.family };

	memcpy(s.ip, a.ip, sizeof s.ip);
	return s;
}

static void send_record(void *arg, struct rf_view datagram)
{
	struct rf_shake *s = arg;

	if (s->to.n)
		rf_sock_send(s->sock, datagram.p, datagram.n, &s->to);
}

static int take_keys(struct rf_shake *s)
{
	struct rf_dtls_keys keys;
	int rc = rf_dtls_take_keys(s->dtls, &keys);

	if (rc)
		return rc;
	rc = rf_crypt_take(&end_of(s)->agreed[s->sock->rtcp], &keys);
	rf_secret_wipe(&keys, sizeof keys);
	return rc;
}

static int make_machine(struct rf_shake *s, bool active, unsigned allowed)
{
	const struct rf_media_conf *conf = &s->sock->path->w->conf;
	enum rf_srtp_suite suites[SUITES];
	struct rf_dtls_params params = { .setup = active ? RF_DTLS_ACTIVE : RF_DTLS_PASSIVE, .suites = suites,
					 .send = send_record, .arg = s };

	for (unsigned i = 0; i < SUITES; i++)
		if (!allowed || allowed & 1u << dtls_suites[i])
			suites[params.suite_count++] = dtls_suites[i];
	return rf_dtls_new(conf->dtls, &params, conf->random, &s->dtls);
}

static void set_prints(struct rf_shake *s, const struct rf_path_print *from, unsigned n)
{
	struct rf_dtls_print prints[RF_PATH_PRINTS_MAX];

	for (unsigned i = 0; i < n; i++) {
		prints[i].n = from[i].n;
		memcpy(prints[i].bytes, from[i].bytes, sizeof prints[i].bytes);
	}
	/* Fixed once the keys are there, and then they are these. */
	if (n)
		rf_dtls_set_peer(s->dtls, prints, n);
}

/* Where NAT is declared anybody may have been first: a handshake that failed with somebody who was not signaled, or
 * does not come to its end, says nothing of the party, which may begin another. */
static bool renew(struct rf_shake *s)
{
	struct rf_end *e = end_of(s);
	struct rf_dtls *old = s->dtls;

	if (e->how != RF_SOURCE_FIRST || e->dtls_active || s->renewed == RENEWALS || e->source[s->sock->rtcp].n ||
	    rf_peer_eq(&s->to, &e->signaled[s->sock->rtcp]) || make_machine(s, false, e->dtls_suites) != 0)
		return false;
	rf_dtls_free(old);
	s->renewed++;
	s->to.n = 0;
	set_prints(s, e->prints, e->n_prints);
	rf_timer_stop(rf_loop_wheel(s->sock->path->w->loop), &s->timer);
	return true;
}

/* Records are in the clear until the handshake is done: once somebody has shown that he gets what is sent to him,
 * nobody else has a part in it. Whose address ICE has proven may move. */
static bool has_a_part(struct rf_shake *s, const struct rf_peer *from, struct rf_mono now)
{
	if (!s->to.n || rf_peer_eq(&s->to, from) || end_of(s)->how == RF_SOURCE_ICE)
		return true;
	return rf_dtls_state(s->dtls) == RF_DTLS_HANDSHAKE && now.us - s->since.us >= STALL_MS * 1000ull && renew(s);
}

/* What came of the last step; and when to look again. */
static void after(struct rf_shake *s)
{
	struct rf_path *p = s->sock->path;
	struct rf_end *e = end_of(s);
	enum rf_dtls_state state = rf_dtls_state(s->dtls);
	struct rf_mono at;
	const char *why = NULL;

	if (rf_dtls_due(s->dtls, &at))
		rf_timer_start_at(rf_loop_wheel(p->w->loop), &s->timer, at);
	else
		rf_timer_stop(rf_loop_wheel(p->w->loop), &s->timer);
	if (s->told || (state != RF_DTLS_READY && state != RF_DTLS_FAILED))
		return;
	if (state == RF_DTLS_FAILED && renew(s))
		return;
	s->told = true;
	if (state == RF_DTLS_FAILED)
		why = rf_dtls_why_name(rf_dtls_why(s->dtls));
	else if (take_keys(s) != 0)
		why = rf_dtls_why_name(RF_DTLS_WHY_LOCAL);
	if (p->ops->dtls)
		p->ops->dtls(p->arg, p, (unsigned)(e - p->end), why);
}

static void tick(struct rf_timer *t)
{
	struct rf_shake *s = rf_container(t, struct rf_shake, timer);

	rf_dtls_tick(s->dtls, rf_loop_now(s->sock->path->w->loop));
	after(s);
}

/* Whose packets these may be is as for media, but that they may come before the answer: a peer that has ours begins. */
void rf_end_take_dtls(struct rf_arrival *a)
{
	struct rf_shake *s = a->e->shake[a->rtcp];
	struct rf_stun_addr at = stun_addr(a->from);

	if (!s) {
		rf_arrival_drop(a, RF_DROP_DTLS);
		return;
	}
	enum rf_source_verdict v = rf_source_judge(a->p, a->e, a->rtcp, a->from);
	if (v == RF_SOURCE_NO || v == RF_SOURCE_LATE) {
		rf_arrival_drop(a, v == RF_SOURCE_NO ? RF_DROP_SOURCE : RF_DROP_WINDOW);
		return;
	}
	struct rf_mono now = rf_loop_now(a->p->w->loop);
	if (!has_a_part(s, a->from, now)) {
		rf_arrival_drop(a, RF_DROP_SOURCE);
		return;
	}
	if (!rf_peer_eq(&s->to, a->from))
		s->since = now;
	s->to = *a->from;
	if (rf_dtls_receive(s->dtls, rf_view_of(a->buf, a->n), &at, a->e->how == RF_SOURCE_ICE, now) != 0)
		rf_arrival_drop(a, RF_DROP_DTLS);
	if (rf_dtls_state(s->dtls) == RF_DTLS_NEW)
		s->to.n = 0; /* asked for a cookie, or nonsense: nothing is known of who it was */
	after(s);
}

void rf_end_begin_dtls(struct rf_path *p, struct rf_end *e)
{
	for (unsigned rtcp = 0; p->open && e->dtls_active && rtcp < 2; rtcp++) {
		struct rf_shake *s = e->shake[rtcp];
		const struct rf_peer *to = s ? rf_source_to(e, rtcp) : NULL;

		if (!to || rf_dtls_state(s->dtls) != RF_DTLS_NEW)
			continue;
		s->to = *to;
		s->since = rf_loop_now(p->w->loop);
		rf_dtls_connect(s->dtls, rf_loop_now(p->w->loop));
		after(s);
	}
}

/* ---- as signaled */

static int make(struct rf_end *e, unsigned rtcp, const struct rf_path_end_conf *c, struct rf_shake **ret)
{
	struct rf_shake *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->sock = &e->sock[rtcp];
	rf_timer_init(&s->timer, tick);
	int rc = make_machine(s, c->dtls_active, c->dtls_suites);

	if (rc) {
		free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

static void end_shake(struct rf_shake *s)
{
	if (!s)
		return;
	rf_timer_stop(rf_loop_wheel(s->sock->path->w->loop), &s->timer);
	rf_dtls_free(s->dtls);
	free(s);
}

/* The same association goes on, or it waited for this description. */
static bool goes_on(const struct rf_end *e, const struct rf_path_end_conf *c, bool moved)
{
	bool prints = e->n_prints == c->n_prints && memcmp(e->prints, c->prints, c->n_prints * sizeof *c->prints) == 0;

	return e->shake[0] && e->dtls_active == c->dtls_active && e->dtls_suites == c->dtls_suites &&
	       (prints || !e->n_prints) && (!moved || !e->set || e->how == RF_SOURCE_ICE);
}

int rf_end_ready_dtls(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *c, bool moved,
		      struct rf_shake *ret_fresh[static 2])
{
	bool all = !goes_on(e, c, moved);

	if (c->keying != RF_KEYING_DTLS)
		return 0;
	if (!p->w->conf.dtls)
		return RF_E_UNSUPPORTED;
	if (c->dtls_suites && !(c->dtls_suites & suites_mask()))
		return RF_E_INVALID;
	for (unsigned i = 0; i < c->n_prints; i++)
		if (c->prints[i].n != 32 && c->prints[i].n != 48 && c->prints[i].n != 64)
			return RF_E_INVALID;
	int rc = all ? make(e, 0, c, &ret_fresh[0]) : 0;

	if (!rc && !c->rtcp_mux && (all || !e->shake[1]))
		rc = make(e, 1, c, &ret_fresh[1]);
	return rc;
}

void rf_end_drop_dtls(struct rf_shake *fresh[static 2])
{
	end_shake(fresh[0]);
	end_shake(fresh[1]);
}

static void replace(struct rf_end *e, unsigned rtcp, struct rf_shake *fresh)
{
	end_shake(e->shake[rtcp]);
	rf_crypt_free(e->agreed[rtcp]);
	e->shake[rtcp] = fresh;
	e->agreed[rtcp] = NULL;
}

void rf_end_set_dtls(struct rf_end *e, const struct rf_path_end_conf *c, struct rf_shake *fresh[static 2])
{
	bool dtls = c->keying == RF_KEYING_DTLS;

	for (unsigned i = 0; i < 2; i++)
		if (fresh[i] || !dtls || (i && c->rtcp_mux))
			replace(e, i, fresh[i]);
	memcpy(e->prints, c->prints, sizeof e->prints);
	e->n_prints = dtls ? c->n_prints : 0;
	e->dtls_active = c->dtls_active;
	e->dtls_suites = c->dtls_suites;
}

void rf_end_show_prints(struct rf_end *e, const struct rf_path_end_conf *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (e->shake[i] && c->n_prints) {
			set_prints(e->shake[i], c->prints, c->n_prints);
			after(e->shake[i]);
		}
}

void rf_end_end_dtls(struct rf_end *e)
{
	replace(e, 0, NULL);
	replace(e, 1, NULL);
}

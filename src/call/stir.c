#include "call/stir_int.h"

#include "ledger/event.h"
#include "sip/build.h"
#include "sip/date.h"
#include "sip/identity_hdr.h"

#include <stdlib.h>

/* ---- the record */

static void record(struct rf_call_core *core, const struct rf_stir_evidence *e)
{
	const struct rf_stir_verdict *v = &e->verdict;
	struct rf_event event;

	if (v->why == RF_STIR_OK)
		core->counters.identities_verified++;
	else if (v->present)
		core->counters.identities_invalid++;
	if (!v->present ||
	    !rf_record_begin(core, v->why ? RF_EVENT_IDENTITY_INVALID : RF_EVENT_IDENTITY_VERIFIED, &event))
		return;
	rf_event_cstr(&event, "rule", v->why ? rf_stir_why_name(v->why) : NULL);
	rf_event_cstr(&event, "from", e->claimed);
	rf_event_cstr(&event, "to", e->dest);
	rf_event_cstr(&event, "signed_for", v->why == RF_STIR_ORIG ? v->orig : NULL);
	rf_event_str(&event, "attest", rf_view_of(&v->attest, v->attest ? 1 : 0));
	rf_event_cstr(&event, "origid", v->origid);
	rf_event_str(&event, "x5u", e->x5u);
	rf_event_cstr(&event, "call_id", e->call_id);
	rf_record_post(core, &event);
}

/* ---- what needs no certificate */

static int64_t now_s(struct rf_stir *s)
{
	return rf_core_wall(s->core).us / 1000000;
}

/* A token in compact form says only what the message says: rebuild it from that (RFC 8225 7). */
static int read_compact(struct rf_stir *s, const struct rf_sip_msg *msg, const struct rf_identity_hdr *h,
			const struct rf_stir_evidence *e)
{
	struct rf_passport_claims claims = {
		.x5u = h->info,
		.orig = { RF_PASSPORT_TN, rf_view_str(e->claimed) },
		.dest = { RF_PASSPORT_TN, rf_view_str(e->dest) },
	};

	if (h->ppt.n) /* their claims are not in the message */
		return RF_E_UNSUPPORTED;
	int rc = rf_sip_date_parse(rf_sip_msg_value(msg, RF_SIP_H_DATE), &claims.iat_s);

	return rc ? rc : rf_passport_compact(h->token, &claims, s->built, sizeof s->built, &s->passport);
}

/* One field into s->passport. RF_STIR_OK, or why it is none that we can judge. */
static enum rf_stir_why read_field(struct rf_stir *s, const struct rf_sip_msg *msg, struct rf_view value,
				   const struct rf_stir_evidence *e)
{
	struct rf_identity_hdr h;

	if (rf_identity_hdr_parse(value, &h))
		return RF_STIR_MALFORMED;
	if (h.alg.n && !rf_view_eq(h.alg, RF_V("ES256")))
		return RF_STIR_TYPE;
	int rc = rf_passport_is_compact(h.token) ? read_compact(s, msg, &h, e) :
						   rf_passport_parse(h.token, &s->passport);

	if (rc)
		return rc == RF_E_UNSUPPORTED ? RF_STIR_TYPE : RF_STIR_MALFORMED;
	if (h.ppt.n && !rf_view_eq(h.ppt, s->passport.ppt))
		return RF_STIR_MALFORMED;
	/* A diversion says who sent the call on, not who calls (RFC 8946 4): it proves nothing alone. */
	if (rf_view_eq(s->passport.ppt, RF_V("div")))
		return RF_STIR_TYPE;
	return rf_view_eq(h.info, s->passport.x5u) ? RF_STIR_OK : RF_STIR_INFO;
}

/* The first field that can be judged; when there is none, what is wrong with the first. */
static enum rf_stir_why find_token(struct rf_stir *s, const struct rf_sip_msg *msg, const struct rf_stir_evidence *e)
{
	enum rf_stir_why first = RF_STIR_OK;
	unsigned n = 0;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(msg, RF_SIP_H_IDENTITY); h && n < RF_STIR_HEADERS;
	     h = rf_sip_msg_hdr_next(msg, h), n++) {
		enum rf_stir_why why = read_field(s, msg, h->value, e);

		if (why == RF_STIR_OK)
			return why;
		first = first ? first : why;
	}
	return first;
}

static bool for_dest(const struct rf_passport *p, const char *dest)
{
	for (unsigned i = 0; i < p->dest_n; i++)
		if (p->dest[i].kind == RF_PASSPORT_TN && rf_view_eq(p->dest[i].text, rf_view_str(dest)))
			return true;
	return false;
}

/* The token in s->passport against the message, and what of it is needed later into *e. */
static enum rf_stir_why examine(struct rf_stir *s, struct rf_stir_evidence *e)
{
	const struct rf_passport *p = &s->passport;
	struct rf_stir_verdict *v = &e->verdict;

	v->attest = p->attest;
	if (p->origid.n < sizeof v->origid)
		rf_view_cstr(p->origid, v->origid, sizeof v->origid);
	if (p->orig.kind == RF_PASSPORT_TN)
		rf_view_cstr(p->orig.text, v->orig, sizeof v->orig);
	memcpy(e->signature, p->signature, sizeof e->signature);
	e->input = p->input;
	e->x5u = p->x5u;
	e->iat_s = p->iat_s;
	if (p->iat_s < now_s(s) - RF_STIR_FRESH_S || p->iat_s > now_s(s) + RF_STIR_FRESH_S)
		return RF_STIR_STALE;
	if (p->orig.kind != RF_PASSPORT_TN || strcmp(v->orig, e->claimed) != 0 || !e->claimed[0])
		return RF_STIR_ORIG;
	return for_dest(p, e->dest) ? RF_STIR_OK : RF_STIR_DEST;
}

/* ---- what does */

enum rf_stir_why rf_stir_judge(struct rf_stir *s, const struct rf_stir_cert *cert, const struct rf_stir_evidence *e)
{
	const struct rf_stir_setup *setup = s->setup;
	uint8_t digest[RF_STIR_DIGEST];

	if (!rf_stir_cert_current(cert, rf_core_wall(s->core)))
		return RF_STIR_CERTIFICATE;
	if (!rf_stir_cert_covers(cert, rf_view_str(e->verdict.orig), setup->providers, setup->provider_count))
		return RF_STIR_AUTHORITY;
	if (rf_stir_cert_verify(cert, e->input, e->signature) || rf_stir_digest(e->input, digest))
		return RF_STIR_SIGNATURE;
	switch (rf_stir_replay_take(rf_call_shared_replay(s->core->shared), digest, e->call, now_s(s),
				    e->iat_s + RF_STIR_FRESH_S)) {
	case 0:
		return RF_STIR_OK;
	case RF_E_EXISTS:
		return RF_STIR_REPLAY;
	default:
		return RF_STIR_BUSY;
	}
}

static void free_check(struct rf_stir_check *check)
{
	rf_timer_stop(rf_loop_wheel(check->stir->core->loop), &check->timer);
	TAILQ_REMOVE(&check->want->checks, check, list);
	check->stir->checks_n--;
	free(check);
}

void rf_stir_drop(struct rf_stir_check *check)
{
	if (check)
		free_check(check);
}

void rf_stir_finish(struct rf_stir_check *check, enum rf_stir_why why)
{
	void (*done)(void *arg, const struct rf_stir_verdict *v) = check->done;
	struct rf_stir_verdict v = check->e.verdict;
	void *arg = check->arg;

	v.why = check->e.verdict.why = why;
	record(check->stir->core, &check->e);
	free_check(check);
	done(arg, &v);
}

static void waited(struct rf_timer *timer)
{
	rf_stir_finish(rf_container(timer, struct rf_stir_check, timer), RF_STIR_FETCH);
}

static enum rf_stir_why wait_for(struct rf_stir *s, const struct rf_stir_evidence *e,
				 void (*done)(void *arg, const struct rf_stir_verdict *v), void *arg,
				 struct rf_stir_check **ret_check)
{
	struct rf_stir_check *c = s->checks_n < RF_STIR_CHECKS_MAX ? malloc(sizeof *c + e->input.n + e->x5u.n) : NULL;

	if (!c)
		return RF_STIR_BUSY;
	*c = (struct rf_stir_check){ .stir = s, .done = done, .arg = arg, .e = *e };
	memcpy(c->bytes, e->input.p, e->input.n);
	memcpy(c->bytes + e->input.n, e->x5u.p, e->x5u.n);
	c->e.input = rf_view_of(c->bytes, e->input.n);
	c->e.x5u = rf_view_of(c->bytes + e->input.n, e->x5u.n);
	s->checks_n++;
	rf_stir_wait(s, c->e.x5u, c);
	rf_timer_init(&c->timer, waited);
	rf_timer_start(rf_loop_wheel(s->core->loop), &c->timer, RF_STIR_WAIT_MS);
	*ret_check = c;
	return RF_STIR_OK;
}

/* Who is asked about: the numbers in the form of tokens, and the dialog. */
static void identify(struct rf_stir *s, const struct rf_sip_msg *msg, const struct rf_stir_claim *claim,
		     struct rf_stir_evidence *e)
{
	if (rf_passport_number(claim->orig, e->claimed))
		e->claimed[0] = '\0';
	if (rf_passport_number(claim->dest, e->dest))
		e->dest[0] = '\0';
	e->call = rf_stir_replay_call(rf_call_shared_replay(s->core->shared), msg);
	rf_view_cstr(rf_view_sub(msg->call_id, 0, sizeof e->call_id - 1), e->call_id, sizeof e->call_id);
}

void rf_stir_verify(struct rf_call_core *core, const struct rf_sip_msg *msg, const struct rf_stir_claim *claim,
		    void (*done)(void *arg, const struct rf_stir_verdict *v), void *arg,
		    struct rf_stir_check **ret_check)
{
	struct rf_stir *s = core->stir;
	struct rf_stir_evidence e = { .input = { NULL, 0 } };
	const struct rf_stir_cert *cert = NULL;
	enum rf_stir_why why;

	*ret_check = NULL;
	e.verdict.present = rf_sip_msg_hdr(msg, RF_SIP_H_IDENTITY) != NULL;
	if (!e.verdict.present) {
		why = RF_STIR_ABSENT;
	} else if (!s || !s->setup || !s->setup->trust) {
		why = RF_STIR_OFF;
	} else {
		identify(s, msg, claim, &e);
		why = find_token(s, msg, &e);
		if (why == RF_STIR_OK)
			why = examine(s, &e);
		if (why == RF_STIR_OK)
			why = rf_stir_cert_at(s, e.x5u, &cert);
		if (why == RF_STIR_OK)
			why = cert ? rf_stir_judge(s, cert, &e) : wait_for(s, &e, done, arg, ret_check);
	}
	if (*ret_check)
		return;
	e.verdict.why = why;
	record(core, &e);
	done(arg, &e.verdict);
}

/* ---- signing */

bool rf_stir_signs(const struct rf_call_core *core)
{
	return core->stir && core->stir->setup && core->stir->setup->x5u.n && core->stir->setup->sign;
}

/* A random name for where the call came from (RFC 8588 5): says nothing about who it was to anybody but our record. */
static void make_origid(struct rf_random *random, char dst[static RF_STIR_ORIGID])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t b[16];
	size_t n = 0;

	rf_random_fill(random, b, sizeof b);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			dst[n++] = '-';
		dst[n++] = hex[b[i] >> 4];
		dst[n++] = hex[b[i] & 15];
	}
	dst[n] = '\0';
}

int rf_stir_sign(struct rf_call_core *core, const struct rf_stir_claim *claim, char attest, struct rf_writer *w,
		 char ret_origid[static RF_STIR_ORIGID])
{
	char orig[16], dest[16];
	uint8_t token[RF_PASSPORT_MAX], digest[RF_STIR_DIGEST], der[144], sig[RF_STIR_SIG];
	struct rf_writer t;
	size_t n;

	if (!rf_stir_signs(core) || rf_passport_number(claim->orig, orig) || rf_passport_number(claim->dest, dest))
		return RF_E_UNSUPPORTED;
	const struct rf_stir_setup *setup = core->stir->setup;

	make_origid(core->random, ret_origid);
	struct rf_passport_claims claims = {
		.x5u = setup->x5u, .ppt = RF_V("shaken"), .iat_s = rf_core_wall(core).us / 1000000,
		.orig = { RF_PASSPORT_TN, rf_view_str(orig) }, .dest = { RF_PASSPORT_TN, rf_view_str(dest) },
		.attest = attest, .origid = rf_view_str(ret_origid),
	};

	rf_writer_init(&t, token, sizeof token);
	int rc = rf_passport_put_input(&t, &claims);
	if (!rc)
		rc = rf_stir_digest(rf_view_of(token, t.n), digest);
	if (!rc)
		rc = setup->sign(setup->sign_arg, rf_view_of(digest, sizeof digest), der, &n);
	if (!rc)
		rc = rf_stir_sig_from_der(rf_view_of(der, n), sig);
	if (rc)
		return rc;
	rf_passport_put_signature(&t, sig);
	rf_identity_hdr_put_params(&t, setup->x5u, claims.ppt);
	if (t.err)
		return t.err;
	rf_sip_put_hdr_name(w, RF_SIP_H_DATE);
	rf_sip_put_date(w, claims.iat_s);
	rf_sip_put_crlf(w);
	rf_sip_put_hdr(w, RF_SIP_H_IDENTITY, rf_view_of(token, t.n));
	core->counters.identities_signed += w->err == 0;
	return w->err;
}

/* ---- life */

int rf_stir_open(struct rf_call_core *core)
{
	struct rf_stir *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->core = core;
	s->fd = -1;
	TAILQ_INIT(&s->wants);
	TAILQ_INIT(&s->invites);
	core->stir = s;
	return 0;
}

void rf_stir_close(struct rf_call_core *core)
{
	if (!core->stir)
		return;
	rf_stir_certs_close(core->stir);
	rf_stir_setup_put(core->stir->setup);
	free(core->stir);
	core->stir = NULL;
}

void rf_call_core_set_stir(struct rf_call_core *core, struct rf_stir_setup *setup)
{
	struct rf_stir_setup *old = core->stir->setup;

	core->stir->setup = rf_stir_setup_get(setup);
	rf_stir_certs_forget(core->stir);
	rf_stir_setup_put(old);
}

int rf_call_core_set_fetcher(struct rf_call_core *core, int fd)
{
	return rf_stir_certs_open(core->stir, fd);
}

size_t rf_stir_waiting(const struct rf_call_core *core)
{
	return core->stir ? core->stir->checks_n : 0;
}

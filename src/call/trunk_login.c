#include "call/trunk_login.h"

#include "base/secret.h"
#include "call/call_int.h"
#include "call/trunk.h"

#include <stdlib.h>

enum { CHALLENGES_MAX = 8, WRONG_MS = 60000 /* a password that is refused is not tried again for so long */ };

struct rf_trunk_login {
	SLIST_ENTRY(rf_trunk_login) list;
	struct rf_digest_login digest;
	bool proxy;       /* 407: Proxy-Authorization */
	bool worked;      /* it was taken since the last challenge */
	struct rf_mono wrong_until;
	size_t name_n;
	uint8_t name[];
};

static struct rf_trunk_login *find(struct rf_call_core *core, const struct rf_site_trunk *t)
{
	struct rf_trunk_login *l;

	SLIST_FOREACH(l, &core->trunk_logins, list)
		if (rf_view_eq(rf_view_of(l->name, l->name_n), t->name))
			return l;
	return NULL;
}

static struct rf_trunk_login *add(struct rf_call_core *core, const struct rf_site_trunk *t)
{
	struct rf_trunk_login *l = calloc(1, sizeof *l + t->name.n);

	if (!l)
		return NULL;
	l->name_n = t->name.n;
	memcpy(l->name, t->name.p, t->name.n);
	SLIST_INSERT_HEAD(&core->trunk_logins, l, list);
	return l;
}

void rf_call_core_renew_logins(struct rf_call_core *core)
{
	rf_trunk_login_free(core);
	core->logins_new = true;
}

void rf_trunk_login_free(struct rf_call_core *core)
{
	struct rf_trunk_login *l;

	while ((l = SLIST_FIRST(&core->trunk_logins))) {
		SLIST_REMOVE_HEAD(&core->trunk_logins, list);
		rf_secret_free(l, sizeof *l + l->name_n);
	}
}

/* --- credentials of a request */

struct asked {
	struct rf_call_core *core;
	const struct rf_site_trunk *trunk;
};

static int respond(void *arg, const struct rf_digest_cred *cred, struct rf_view method, struct rf_view body,
		   char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	const struct asked *a = arg;

	(void)body; /* auth-int is never taken up */
	return a->core->password ? a->core->password(a->core->password_ctx, a->trunk->name, cred, method, ret_hex) :
				   RF_E_UNSUPPORTED;
}

/* "INVITE sip:... SIP/2.0\r\n..." */
static bool request_line(const struct rf_writer *w, struct rf_view *ret_method, struct rf_view *ret_uri)
{
	struct rf_view v = rf_view_of(w->buf, w->n);
	size_t at = rf_view_find(v, ' ');

	*ret_method = rf_view_sub(v, 0, at);
	v = rf_view_from(v, at + 1);
	*ret_uri = rf_view_sub(v, 0, rf_view_find(v, ' '));
	return !w->err && ret_method->n && ret_uri->n;
}

void rf_trunk_login_put(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_writer *w)
{
	struct rf_trunk_login *l = t->login.n ? find(core, t) : NULL;
	struct asked a = { core, t };
	struct rf_view method, uri;
	size_t before = w->n;

	if (!l || !l->digest.begun || !request_line(w, &method, &uri))
		return;
	rf_put(w, l->proxy ? RF_V("Proxy-Authorization: ") : RF_V("Authorization: "));
	if (rf_digest_login_put(&l->digest, t->login, respond, &a, method, uri, RF_V(""), w))
		w->n = before; /* without it the trunk will ask, and refuse; the buffer is wiped by who sends it */
	else
		rf_sip_put_crlf(w);
}

/* --- challenges */

static void record(struct rf_call_core *core, const struct rf_site_trunk *t, const char *why)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_TRUNK_LOGIN, &e))
		return;
	rf_event_str(&e, "trunk", t->name);
	rf_event_cstr(&e, "why", why);
	rf_record_post(core, &e);
}

static size_t challenges(const struct rf_sip_msg *msg, struct rf_digest_challenge *ch)
{
	enum rf_sip_hid id = msg->status == 401 ? RF_SIP_H_WWW_AUTHENTICATE : RF_SIP_H_PROXY_AUTHENTICATE;
	size_t n = 0;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(msg, id); h && n < CHALLENGES_MAX;
	     h = rf_sip_msg_hdr_next(msg, h))
		if (rf_digest_challenge_parse(h->value, &ch[n]) == 0 &&
		    (!ch[n].qops || ch[n].qops & RF_DIGEST_QOP_AUTH))
			n++;
	return n;
}

static bool take_up(struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_sip_msg *msg)
{
	struct rf_trunk_login *l = find(core, t);
	struct rf_digest_challenge ch[CHALLENGES_MAX];
	unsigned allowed = RF_DIGEST_SHA_ONLY | (t->login_md5 ? RF_DIGEST_BIT(RF_DIGEST_MD5) : 0);

	if (!l && !(l = add(core, t)))
		return false;
	if (l->wrong_until.us && !rf_mono_due(l->wrong_until, rf_core_now(core)))
		return false;
	if (l->worked) /* a nonce that has served: another one is no refusal, whether it is called stale or not */
		rf_digest_login_accepted(&l->digest);
	int rc = rf_digest_login_begin(&l->digest, ch, challenges(msg, ch), allowed, core->random);

	l->worked = false;
	l->proxy = msg->status == 407;
	if (rc == RF_E_AUTH)
		l->wrong_until = rf_mono_add_ms(rf_core_now(core), WRONG_MS);
	if (rc) {
		l->digest = (struct rf_digest_login){ 0 };
		record(core, t, rc == RF_E_AUTH ? "its password is refused" :
		       rc == RF_E_LIMIT ? "its challenge is too long" :
		       t->login_md5 ? "it asks for nothing that we can answer" :
				      "it asks for nothing that we can answer; MD5 needs  login_md5: true");
	}
	return rc == 0;
}

bool rf_trunk_login_asked(struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_sip_msg *answer)
{
	struct rf_trunk_login *l;

	if (!t || !t->login.n)
		return false;
	if (answer->status == 401 || answer->status == 407)
		return take_up(core, t, answer);
	l = find(core, t);
	if (l && l->digest.used) {
		l->worked = true;
		rf_digest_login_accepted(&l->digest);
	}
	return false;
}

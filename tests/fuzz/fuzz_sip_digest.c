/* Bytes as a digest header: what is understood is rebuilt, and understood again as the same; what is computed over it
 * must not care how it was written. */
#include "sip/digest.h"

#include "sip/nonce.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool same_cred(const struct rf_digest_cred *a, const struct rf_digest_cred *b)
{
	return rf_view_eq(a->username, b->username) && a->username_ext == b->username_ext && a->userhash == b->userhash &&
	       rf_view_eq(a->realm, b->realm) && rf_view_eq(a->nonce, b->nonce) && rf_view_eq(a->uri, b->uri) &&
	       rf_view_eq(a->response, b->response) && rf_view_eq(a->cnonce, b->cnonce) &&
	       rf_view_eq(a->opaque, b->opaque) && a->nc == b->nc && a->alg == b->alg && a->sess == b->sess &&
	       a->qop == b->qop;
}

static void credentials(struct rf_digest_ctx *ctx, struct rf_view v, uint8_t *buf, size_t cap)
{
	static const struct rf_digest_ha1 ha1;
	struct rf_digest_cred a, b;
	struct rf_writer w;
	char one[2 * RF_DIGEST_HASH_MAX], two[2 * RF_DIGEST_HASH_MAX];
	struct rf_digest_policy policy;

	if (rf_digest_cred_parse(v, &a))
		return;
	rf_writer_init(&w, buf, cap);
	must(rf_digest_put_cred(&w, &a) == 0);
	must(rf_digest_cred_parse(rf_view_of(buf, w.n), &b) == 0);
	must(same_cred(&a, &b));
	must(rf_digest_response(ctx, &a, &ha1, RF_V("REGISTER"), v, one) == 0);
	must(rf_digest_response(ctx, &b, &ha1, RF_V("REGISTER"), v, two) == 0);
	must(memcmp(one, two, 2 * rf_digest_alg_bytes(a.alg)) == 0);
	must(rf_digest_verify(ctx, &a, &ha1, RF_V("REGISTER"), v) == rf_digest_verify(ctx, &b, &ha1, RF_V("REGISTER"), v));
	a.response = rf_view_of(one, 2 * rf_digest_alg_bytes(a.alg));
	must(rf_digest_verify(ctx, &a, &ha1, RF_V("REGISTER"), v) == 0);
	rf_digest_policy_init(&policy, a.realm, RF_DIGEST_ALL);
	rf_digest_cred_check(&a, &policy, RF_V("sip:example.org;transport=tls"));
	must(rf_digest_cred_check(&a, &policy, a.uri) != RF_E_MALFORMED);
	rf_writer_init(&w, buf, cap);
	rf_digest_cred_user(&a, &w);
}

static int answer(void *arg, const struct rf_digest_cred *cred, struct rf_view method, struct rf_view body,
		  char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	static const struct rf_digest_ha1 ha1;

	return rf_digest_response(arg, cred, &ha1, method, body, ret_hex);
}

static void challenge(struct rf_digest_ctx *ctx, struct rf_random *random, struct rf_view v, uint8_t *buf, size_t cap)
{
	static const struct rf_digest_ha1 ha1;
	struct rf_digest_challenge a, b;
	struct rf_digest_login login = { .nc = 0 };
	struct rf_digest_cred cred;
	struct rf_writer w;

	if (rf_digest_challenge_parse(v, &a))
		return;
	rf_writer_init(&w, buf, cap);
	must(rf_digest_put_challenge(&w, &a) == 0);
	must(rf_digest_challenge_parse(rf_view_of(buf, w.n), &b) == 0);
	must(rf_view_eq(a.realm, b.realm) && rf_view_eq(a.nonce, b.nonce) && rf_view_eq(a.opaque, b.opaque) &&
	     rf_view_eq(a.domain, b.domain) && a.alg == b.alg && a.sess == b.sess && a.stale == b.stale &&
	     a.qops == b.qops && a.userhash == b.userhash);
	if (rf_digest_login_begin(&login, &a, 1, ~0u, random))
		return;
	rf_writer_init(&w, buf, cap);
	must(rf_digest_login_put(&login, RF_V("bob"), answer, ctx, RF_V("INVITE"), RF_V("sip:a@b"), v, &w) == 0);
	must(rf_digest_cred_parse(rf_view_of(buf, w.n), &cred) == 0);
	must(rf_digest_verify(ctx, &cred, &ha1, RF_V("INVITE"), v) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rf_digest_ctx *ctx;
	static struct rf_nonce *nonces;
	static struct rf_random random;
	static uint8_t buf[1 << 17];
	const struct rf_nonce_config config = { .worker = 1, .lifetime_ms = 1000, .cap = 4 };
	struct rf_view v = rf_view_of(data, n), realm;

	if (n > 1 << 15)
		return 0;
	if (!ctx) {
		rf_random_system(&random);
		must(rf_digest_ctx_new(&ctx) == 0 && rf_nonce_new(&config, &nonces) == 0);
	}
	credentials(ctx, v, buf, sizeof buf);
	challenge(ctx, &random, v, buf, sizeof buf);
	rf_digest_realm_of(v, &realm);
	must(rf_nonce_check(nonces, v, RF_V("r"), v, (struct rf_mono){ 1 }) == RF_E_AUTH);
	rf_nonce_spend(nonces, v, (uint32_t)n, (struct rf_mono){ 1 });
	return 0;
}

/* Authorization and WWW-Authenticate as they stand on the wire: understood, refused, rebuilt. */
#include "sip/digest.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define H64 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
#define H32 "8ca523f5e9506fed4657c9700eebdbec"
#define BASE "username=\"bob\", realm=\"example.org\", nonce=\"abc\", uri=\"sip:example.org\""
#define GOOD "Digest " BASE ", response=\"" H64 "\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"x\""

static const struct {
	const char *name, *value;
	int rc;
} creds[] = {
	{ "plain", GOOD, 0 },
	{ "scheme in any case", "dIGEST " BASE ", response=\"" H32 "\"", 0 },
	{ "MD5 without a word", "Digest " BASE ", response=\"" H32 "\"", 0 },
	{ "white space around",
	  "  Digest\t username = \"bob\" ,realm=\"example.org\",nonce=\"abc\",uri=\"sip:e\" , response=\"" H32 "\"  ",
	  0 },
	{ "quotes around tokens",
	  "Digest " BASE ", response=\"" H64 "\", algorithm=\"SHA-256\", qop=\"auth\", nc=\"00000001\", cnonce=\"x\"",
	  0 },
	{ "unknown parameters", GOOD ", foo=bar, auth-param=\"a, b=c\"", 0 },
	{ "escaped quote", "Digest username=\"a\\\"b\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"", 0 },
	{ "username*",
	  "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"",
	  0 },
	{ "userhash", GOOD ", userhash=true", 0 },
	{ "userhash false", GOOD ", userhash=false", 0 },
	{ "sess",
	  "Digest " BASE ", response=\"" H64 "\", algorithm=SHA-256-sess, qop=auth-int, nc=0000000F, cnonce=\"x\"", 0 },
	{ "empty realm", "Digest username=\"a\", realm=\"\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"", 0 },
	{ "upper case hex", "Digest " BASE ", response=\"8CA523F5E9506FED4657C9700EEBDBEC\"", 0 },

	{ "nothing", "", RF_E_MALFORMED },
	{ "scheme only", "Digest", RF_E_MALFORMED },
	{ "another scheme", "Basic QWxhZGRpbjpvcGVu", RF_E_UNSUPPORTED },
	{ "no scheme", BASE, RF_E_MALFORMED },
	{ "no username", "Digest realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"", RF_E_MALFORMED },
	{ "no realm", "Digest username=\"a\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"", RF_E_MALFORMED },
	{ "no nonce", "Digest username=\"a\", realm=\"r\", uri=\"u\", response=\"" H32 "\"", RF_E_MALFORMED },
	{ "empty nonce", "Digest username=\"a\", realm=\"r\", nonce=\"\", uri=\"u\", response=\"" H32 "\"",
	  RF_E_MALFORMED },
	{ "no uri", "Digest username=\"a\", realm=\"r\", nonce=\"n\", response=\"" H32 "\"", RF_E_MALFORMED },
	{ "no response", "Digest " BASE, RF_E_MALFORMED },
	{ "short response", "Digest " BASE ", response=\"8ca5\"", RF_E_MALFORMED },
	{ "response of another algorithm", "Digest " BASE ", response=\"" H64 "\"", RF_E_MALFORMED },
	{ "response not hex", "Digest " BASE ", response=\"8ca523f5e9506fed4657c9700eebdbeg\"", RF_E_MALFORMED },
	{ "realm twice", GOOD ", realm=\"example.org\"", RF_E_MALFORMED },
	{ "realm twice in another case", GOOD ", REALM=\"example.org\"", RF_E_MALFORMED },
	{ "unknown twice", GOOD ", foo=1, Foo=2", RF_E_MALFORMED },
	{ "response twice", GOOD ", response=\"" H64 "\"", RF_E_MALFORMED },
	{ "username in both forms", GOOD ", username*=UTF-8''bob", RF_E_MALFORMED },
	{ "username* with control bytes",
	  "Digest username*=UTF-8''\001, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"", RF_E_MALFORMED },
	{ "username* hashed",
	  "Digest username*=UTF-8''b, realm=\"r\", nonce=\"n\", uri=\"u\", userhash=true, response=\"" H32 "\"",
	  RF_E_MALFORMED },
	{ "userhash perhaps", GOOD ", userhash=perhaps", RF_E_MALFORMED },
	{ "unknown algorithm", "Digest " BASE ", response=\"" H64 "\", algorithm=SHA-384", RF_E_UNSUPPORTED },
	{ "unknown qop", "Digest " BASE ", response=\"" H32 "\", qop=auth-conf, nc=00000001, cnonce=\"x\"",
	  RF_E_UNSUPPORTED },
	{ "qop without nc", "Digest " BASE ", response=\"" H32 "\", qop=auth, cnonce=\"x\"", RF_E_MALFORMED },
	{ "qop without cnonce", "Digest " BASE ", response=\"" H32 "\", qop=auth, nc=00000001", RF_E_MALFORMED },
	{ "empty cnonce", "Digest " BASE ", response=\"" H32 "\", qop=auth, nc=00000001, cnonce=\"\"", RF_E_MALFORMED },
	{ "nc zero", "Digest " BASE ", response=\"" H32 "\", qop=auth, nc=00000000, cnonce=\"x\"", RF_E_MALFORMED },
	{ "nc short", "Digest " BASE ", response=\"" H32 "\", qop=auth, nc=1, cnonce=\"x\"", RF_E_MALFORMED },
	{ "nc long", "Digest " BASE ", response=\"" H32 "\", qop=auth, nc=000000001, cnonce=\"x\"", RF_E_MALFORMED },
	{ "sess without qop", "Digest " BASE ", response=\"" H32 "\", algorithm=MD5-sess", RF_E_MALFORMED },
	{ "comma at the end", GOOD ",", RF_E_MALFORMED },
	{ "two commas", "Digest username=\"a\",, realm=\"r\"", RF_E_MALFORMED },
	{ "no comma", "Digest username=\"a\" realm=\"r\"", RF_E_MALFORMED },
	{ "open quote", "Digest username=\"a", RF_E_MALFORMED },
	{ "backslash at the end", "Digest username=\"a\\", RF_E_MALFORMED },
	{ "no value", "Digest username=, realm=\"r\"", RF_E_MALFORMED },
	{ "no equals sign", "Digest username", RF_E_MALFORMED },
	{ "control character", "Digest username=\"a\001b\"", RF_E_MALFORMED },
	{ "a second set of credentials", GOOD ", Digest " BASE, RF_E_MALFORMED },
};

static void test_creds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof creds / sizeof creds[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(creds[i].value));
		struct rf_digest_cred c;
		int rc = rf_digest_cred_parse(v, &c);

		if (rc != creds[i].rc)
			fail_msg("%s: %d, wanted %d", creds[i].name, rc, creds[i].rc);
		guard_free(v);
	}
}

static void test_fields(void **state)
{
	struct rf_digest_cred c;

	(void)state;
	assert_int_equal(rf_digest_cred_parse(RF_V(GOOD ", opaque=\"o\\\"p\", userhash=true"), &c), 0);
	assert_true(rf_view_eq(c.username, RF_V("bob")));
	assert_true(rf_view_eq(c.realm, RF_V("example.org")));
	assert_true(rf_view_eq(c.nonce, RF_V("abc")));
	assert_true(rf_view_eq(c.uri, RF_V("sip:example.org")));
	assert_true(rf_view_eq(c.response, RF_V(H64)));
	assert_true(rf_view_eq(c.cnonce, RF_V("x")));
	assert_true(rf_view_eq(c.opaque, RF_V("o\\\"p")));
	assert_true(c.nc == 1 && c.alg == RF_DIGEST_SHA256 && !c.sess && c.qop == RF_DIGEST_QOP_AUTH && c.userhash);
}

static void test_too_many(void **state)
{
	char text[2048];
	int n = snprintf(text, sizeof text, "Digest ");

	(void)state;
	for (int i = 0; i < RF_DIGEST_PARAMS + 1; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%sp%d=1", i ? "," : "", i);
	struct rf_digest_cred c;
	assert_int_equal(rf_digest_cred_parse(rf_view_of(text, (size_t)n), &c), RF_E_LIMIT);
}

static void test_prefixes(void **state)
{
	const struct rf_view good = RF_V(GOOD ", opaque=\"o\"");

	(void)state;
	for (size_t n = 0; n < good.n; n++) {
		struct rf_view v = guard_copy(rf_view_sub(good, 0, n));
		struct rf_digest_cred c;
		struct rf_digest_challenge ch;
		int rc = rf_digest_cred_parse(v, &c);

		if (rc == 0)
			assert_true(n >= sizeof("Digest " BASE ", response=\"" H64 "\"") - 1);
		rf_digest_challenge_parse(v, &ch);
		guard_free(v);
	}
}

static void test_users(void **state)
{
	static const struct {
		const char *param, *user;
		int rc;
	} users[] = {
		{ "username=\"bob\"", "bob", 0 },
		{ "username=\"b\\o\\\"b\\\\\"", "bo\"b\\", 0 },
		{ "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", "J\xc3\xa4s\xc3\xb8n Doe", 0 },
		{ "username*=utf-8'en'bob", "bob", 0 },
		{ "username*=ISO-8859-1''b%E4r", NULL, RF_E_UNSUPPORTED },
		{ "username*=UTF-8'bob", NULL, RF_E_MALFORMED },
		{ "username*=bob", NULL, RF_E_MALFORMED },
		{ "username*=UTF-8''a%2", NULL, RF_E_MALFORMED },
		{ "username*=UTF-8''a%zz", NULL, RF_E_MALFORMED },
		{ "username*=UTF-8''a'b", NULL, RF_E_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
		char text[256], user[64];
		struct rf_digest_cred c;
		struct rf_writer w;
		struct rf_view v;
		int n = snprintf(text, sizeof text,
				 "Digest %s, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"" H32 "\"",
				 users[i].param);

		assert_int_equal(rf_digest_cred_parse(rf_view_of(text, (size_t)n), &c), 0);
		rf_writer_init(&w, user, sizeof user);
		assert_int_equal(rf_digest_cred_user(&c, &w), users[i].rc);
		if (users[i].rc)
			continue;
		assert_int_equal(rf_writer_done(&w, &v), 0);
		assert_true(rf_view_eq(v, rf_view_str(users[i].user)));
		rf_writer_init(&w, user, v.n - 1);
		assert_int_equal(rf_digest_cred_user(&c, &w), RF_E_SPACE);
	}
}

static bool same_cred(const struct rf_digest_cred *a, const struct rf_digest_cred *b)
{
	return rf_view_eq(a->username, b->username) && a->username_ext == b->username_ext &&
	       a->userhash == b->userhash && rf_view_eq(a->realm, b->realm) && rf_view_eq(a->nonce, b->nonce) &&
	       rf_view_eq(a->uri, b->uri) && rf_view_eq(a->response, b->response) && rf_view_eq(a->cnonce, b->cnonce) &&
	       rf_view_eq(a->opaque, b->opaque) && a->nc == b->nc && a->alg == b->alg && a->sess == b->sess &&
	       a->qop == b->qop;
}

static void test_rebuild(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof creds / sizeof creds[0]; i++) {
		struct rf_digest_cred a, b;
		struct rf_writer w;
		struct rf_view v;
		char text[1024];

		if (rf_digest_cred_parse(rf_view_str(creds[i].value), &a))
			continue;
		rf_writer_init(&w, text, sizeof text);
		assert_int_equal(rf_digest_put_cred(&w, &a), 0);
		assert_int_equal(rf_writer_done(&w, &v), 0);
		assert_int_equal(rf_digest_cred_parse(v, &b), 0);
		if (a.qop == RF_DIGEST_QOP_NONE)
			b.nc = a.nc;
		if (!same_cred(&a, &b))
			fail_msg("%s", creds[i].name);
	}
}

/* Nothing that we are given can break out of its quotes. */
static void test_no_injection(void **state)
{
	static const char *const bad[] = { "a\"b", "a\\", "a\r\nX: y", "a\nb", "\001" };
	struct rf_writer w;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct rf_digest_cred c = { .username = rf_view_str(bad[i]), .realm = RF_V("r"), .nonce = RF_V("n") };
		struct rf_digest_challenge ch = { .realm = rf_view_str(bad[i]), .nonce = RF_V("n") };
		struct rf_digest_policy p;

		rf_writer_init(&w, text, sizeof text);
		assert_int_equal(rf_digest_put_cred(&w, &c), RF_E_MALFORMED);
		assert_int_equal(rf_digest_put_challenge(&w, &ch), RF_E_MALFORMED);
		rf_digest_policy_init(&p, rf_view_str(bad[i]), RF_DIGEST_ALL);
		assert_int_equal(rf_digest_put_challenges(&w, RF_V("WWW-Authenticate"), &p, RF_V("n"), false),
				 RF_E_MALFORMED);
	}
}

static const struct {
	const char *name, *value;
	int rc;
	enum rf_digest_alg alg;
	unsigned qops;
	bool stale;
} challenges[] = {
	{ "RFC 3261 20.44",
	  "Digest realm=\"atlanta.com\", domain=\"sip:boxesbybob.com\", qop=\"auth\", "
	  "nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5",
	  0, RF_DIGEST_MD5, 1, false },
	{ "no qop", "Digest realm=\"r\", nonce=\"n\"", 0, RF_DIGEST_MD5, 0, false },
	{ "both", "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-512-256, stale=true", 0,
	  RF_DIGEST_SHA512_256, 3, true },
	{ "more than we know",
	  "Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf, auth\", algorithm=SHA-256, charset=UTF-8, userhash=true",
	  0, RF_DIGEST_SHA256, 1, false },
	{ "qop that we do not know", "Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf\"", RF_E_UNSUPPORTED, 0, 0,
	  false },
	{ "algorithm that we do not know", "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1", RF_E_UNSUPPORTED, 0, 0,
	  false },
	{ "no nonce", "Digest realm=\"r\"", RF_E_MALFORMED, 0, 0, false },
	{ "no realm", "Digest nonce=\"n\"", RF_E_MALFORMED, 0, 0, false },
	{ "nonce twice", "Digest realm=\"r\", nonce=\"n\", nonce=\"m\"", RF_E_MALFORMED, 0, 0, false },
	{ "another scheme", "Negotiate abc", RF_E_UNSUPPORTED, 0, 0, false },
};

static void test_challenges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof challenges / sizeof challenges[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(challenges[i].value));
		struct rf_digest_challenge a, b;
		struct rf_writer w;
		char text[512];
		int rc = rf_digest_challenge_parse(v, &a);

		if (rc != challenges[i].rc)
			fail_msg("%s: %d", challenges[i].name, rc);
		if (rc == 0) {
			assert_true(a.alg == challenges[i].alg && a.qops == challenges[i].qops &&
				    a.stale == challenges[i].stale);
			rf_writer_init(&w, text, sizeof text);
			assert_int_equal(rf_digest_put_challenge(&w, &a), 0);
			assert_int_equal(rf_digest_challenge_parse(rf_view_of(text, w.n), &b), 0);
			assert_true(rf_view_eq(a.realm, b.realm) && rf_view_eq(a.nonce, b.nonce) &&
				    rf_view_eq(a.opaque, b.opaque) && a.alg == b.alg && a.qops == b.qops &&
				    a.stale == b.stale && a.userhash == b.userhash);
		}
		guard_free(v);
	}
}

/* RFC 8760 2.3: several header fields, the one we like best first. */
static void test_our_challenges(void **state)
{
	struct rf_digest_policy p;
	struct rf_writer w;
	struct rf_view v;
	char text[1024];

	(void)state;
	rf_digest_policy_init(&p, RF_V("voice.example.org"), RF_DIGEST_ALL);
	p.userhash = true;
	rf_writer_init(&w, text, sizeof text);
	assert_int_equal(rf_digest_put_challenges(&w, RF_V("WWW-Authenticate"), &p, RF_V("N"), true), 0);
	assert_int_equal(rf_writer_done(&w, &v), 0);
#define LINE(alg)                                                                                                      \
	"WWW-Authenticate: Digest realm=\"voice.example.org\", nonce=\"N\", stale=true, algorithm=" alg                \
	", qop=\"auth\", userhash=true\r\n"
	assert_true(rf_view_eq(v, RF_V(LINE("SHA-256") LINE("SHA-512-256") LINE("MD5"))));
	rf_digest_policy_init(&p, RF_V("r"), RF_DIGEST_SHA_ONLY);
	rf_writer_init(&w, text, sizeof text);
	assert_int_equal(rf_digest_put_challenges(&w, RF_V("Proxy-Authenticate"), &p, RF_V("N"), false), 0);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_true(
		rf_view_starts(v, RF_V("Proxy-Authenticate: Digest realm=\"r\", nonce=\"N\", algorithm=SHA-256, ")));
	assert_int_equal(rf_digest_put_challenges(&w, RF_V("X"), &p, RF_V("N"), false), 0);
	w.cap = w.n + 20;
	assert_int_equal(rf_digest_put_challenges(&w, RF_V("X"), &p, RF_V("N"), false), RF_E_SPACE);
}

static void test_policy(void **state)
{
	struct rf_digest_policy p;
	struct rf_digest_cred c;
	struct rf_view uri = RF_V("sip:example.org");

	(void)state;
	rf_digest_policy_init(&p, RF_V("example.org"), RF_DIGEST_SHA_ONLY);
	assert_int_equal(rf_digest_cred_parse(RF_V(GOOD), &c), 0);
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), 0);
	assert_int_equal(rf_digest_cred_check(&c, &p, RF_V("sip:EXAMPLE.org")), 0);
	assert_int_equal(rf_digest_cred_check(&c, &p, RF_V("sips:example.org")), RF_E_MALFORMED);
	assert_int_equal(rf_digest_cred_check(&c, &p, RF_V("sip:bob@example.org")), RF_E_MALFORMED);
	assert_int_equal(rf_digest_cred_check(&c, &p, RF_V("")), RF_E_MALFORMED);
	p.realm = RF_V("Example.org");
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), RF_E_NOT_FOUND);
	p.realm = RF_V("example.org");
	c.qop = RF_DIGEST_QOP_AUTH_INT;
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), RF_E_UNSUPPORTED);
	p.auth_int = true;
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), 0);
	c.qop = RF_DIGEST_QOP_NONE;
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), RF_E_UNSUPPORTED);
	c.qop = RF_DIGEST_QOP_AUTH;
	c.alg = RF_DIGEST_MD5;
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), RF_E_UNSUPPORTED);
	rf_digest_policy_init(&p, RF_V("example.org"), RF_DIGEST_BIT(RF_DIGEST_MD5));
	assert_int_equal(p.alg_count, 1);
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), 0);
	c.userhash = true;
	assert_int_equal(rf_digest_cred_check(&c, &p, uri), RF_E_UNSUPPORTED);
}

static void test_realm_of(void **state)
{
	struct rf_view realm;

	(void)state;
	assert_true(rf_digest_realm_of(RF_V("Digest realm=\"a\", algorithm=X"), &realm));
	assert_true(rf_view_eq(realm, RF_V("a")));
	assert_false(rf_digest_realm_of(RF_V("Digest nonce=\"a\""), &realm));
	assert_false(rf_digest_realm_of(RF_V("Basic abc"), &realm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_creds),	       cmocka_unit_test(test_fields),
		cmocka_unit_test(test_too_many),       cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_users),	       cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_no_injection),   cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_our_challenges), cmocka_unit_test(test_policy),
		cmocka_unit_test(test_realm_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

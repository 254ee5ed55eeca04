/* The client against our own server rules: choose, answer, count, stale, wrong password. */
#include "sip/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct rf_digest_ctx *ctx;
static struct rf_random rnd;

#define USER RF_V("bob")
#define REALM RF_V("example.org")
#define URI RF_V("sip:example.org")
#define REGISTER RF_V("REGISTER")
#define EMPTY RF_V("")

enum { ALL = RF_DIGEST_SHA_ONLY | RF_DIGEST_BIT(RF_DIGEST_MD5) };

static struct rf_digest_challenge ch(enum rf_digest_alg alg, const char *nonce, unsigned qops)
{
	return (struct rf_digest_challenge){ .realm = REALM, .nonce = rf_view_str(nonce), .alg = alg, .qops = qops };
}

static int answer(void *arg, const struct rf_digest_cred *cred, struct rf_view method, struct rf_view body,
		  char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	return rf_digest_response(ctx, cred, arg, method, body, ret_hex);
}

/* Write credentials and let the server's side judge them. */
static int serve(struct rf_digest_login *login, uint32_t want_nc, struct rf_view body)
{
	struct rf_digest_ha1 ha1;
	struct rf_digest_cred c;
	struct rf_writer w;
	char text[1024];

	assert_int_equal(rf_digest_ha1(ctx, login->alg, USER, REALM, RF_V("zanzibar"), &ha1), 0);
	rf_writer_init(&w, text, sizeof text);
	int rc = rf_digest_login_put(login, USER, answer, &ha1, REGISTER, URI, body, &w);
	if (rc)
		return rc;
	assert_int_equal(rf_digest_cred_parse(rf_view_of(text, w.n), &c), 0);
	assert_int_equal(c.nc, want_nc);
	assert_true(rf_view_eq(c.nonce, login->nonce) && rf_view_eq(c.username, USER) && rf_view_eq(c.uri, URI));
	return rf_digest_verify(ctx, &c, &ha1, REGISTER, body);
}

static void test_choice(void **state)
{
	struct rf_digest_challenge list[4] = { ch(RF_DIGEST_MD5, "m", 1), ch(RF_DIGEST_SHA512_256, "b", 1),
					       ch(RF_DIGEST_SHA256, "a", 1) };
	struct rf_digest_login l = { 0 };

	(void)state;
	assert_int_equal(rf_digest_login_begin(&l, list, 3, ALL, &rnd), 0);
	assert_int_equal(l.alg, RF_DIGEST_SHA512_256); /* MD5 on top is not followed */
	l = (struct rf_digest_login){ 0 };
	assert_int_equal(rf_digest_login_begin(&l, list, 3, RF_DIGEST_BIT(RF_DIGEST_SHA256), &rnd), 0);
	assert_int_equal(l.alg, RF_DIGEST_SHA256);
	l = (struct rf_digest_login){ 0 };
	assert_int_equal(rf_digest_login_begin(&l, list, 1, RF_DIGEST_SHA_ONLY, &rnd), RF_E_UNSUPPORTED);
	assert_int_equal(rf_digest_login_begin(&l, list, 0, ALL, &rnd), RF_E_UNSUPPORTED);
	assert_int_equal(rf_digest_login_begin(&l, list, 1, ALL, &rnd), 0);
	assert_int_equal(l.alg, RF_DIGEST_MD5);
}

static void test_all_forms(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < RF_DIGEST_ALGS; alg++)
		for (unsigned qops = 0; qops < 4; qops++)
			for (int sess = 0; sess < 2; sess++) {
				struct rf_digest_challenge c = ch((enum rf_digest_alg)alg, "n", qops);
				struct rf_digest_login l = { 0 };

				c.sess = sess;
				c.opaque = RF_V("op");
				int rc = rf_digest_login_begin(&l, &c, 1, ALL, &rnd);
				assert_int_equal(rc, sess && !qops ? RF_E_UNSUPPORTED : 0);
				if (rc)
					continue;
				assert_int_equal(l.qop, qops == 3 ? RF_DIGEST_QOP_AUTH : qops);
				for (uint32_t nc = 1; nc < 4; nc++)
					assert_int_equal(serve(&l, qops ? nc : 0, RF_V("body")), 0);
			}
}

static void test_wrong_password_and_stale(void **state)
{
	struct rf_digest_challenge first = ch(RF_DIGEST_SHA256, "one", 1), second = ch(RF_DIGEST_SHA256, "two", 1);
	struct rf_digest_login l = { 0 };

	(void)state;
	assert_int_equal(serve(&l, 1, EMPTY), RF_E_STATE);
	assert_int_equal(rf_digest_login_begin(&l, &first, 1, ALL, &rnd), 0);
	assert_int_equal(serve(&l, 1, EMPTY), 0);
	/* refused: the same password again would be refused again */
	assert_int_equal(rf_digest_login_begin(&l, &second, 1, ALL, &rnd), RF_E_AUTH);
	second.stale = true;
	assert_int_equal(rf_digest_login_begin(&l, &second, 1, ALL, &rnd), 0);
	assert_int_equal(serve(&l, 1, EMPTY), 0); /* counts begin anew */
	assert_int_equal(serve(&l, 2, EMPTY), 0);
	/* taken, then much later challenged anew */
	rf_digest_login_accepted(&l);
	second.stale = false;
	assert_int_equal(rf_digest_login_begin(&l, &second, 1, ALL, &rnd), 0);
	assert_int_equal(serve(&l, 1, EMPTY), 0);
}

static void test_bounds(void **state)
{
	static uint8_t big[RF_DIGEST_STORE + 1];
	struct rf_digest_challenge c = ch(RF_DIGEST_SHA256, "n", 1);
	struct rf_digest_login l = { 0 };

	(void)state;
	memset(big, 'x', sizeof big);
	c.realm = EMPTY;
	c.nonce = rf_view_of(big, RF_DIGEST_STORE + 1);
	assert_int_equal(rf_digest_login_begin(&l, &c, 1, ALL, &rnd), RF_E_LIMIT);
	c.nonce.n--;
	assert_int_equal(rf_digest_login_begin(&l, &c, 1, ALL, &rnd), 0);
	l.nc = UINT32_MAX;
	assert_int_equal(serve(&l, 0, EMPTY), RF_E_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_all_forms),
		cmocka_unit_test(test_wrong_password_and_stale),
		cmocka_unit_test(test_bounds),
	};

	rf_random_system(&rnd);
	if (rf_digest_ctx_new(&ctx))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rf_digest_ctx_free(ctx);
	return rc;
}

/* The arithmetic, by the published examples and by values worked out apart. */
#include "sip/digest.h"

#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct rf_digest_ctx *ctx;

/* RFC 7616 3.9.1, 3.9.2 with erratum 4897, RFC 2617 3.5, RFC 2069 form. */
static const struct vector {
	const char *name;
	enum rf_digest_alg alg;
	bool sess;
	enum rf_digest_qop qop;
	const char *user, *realm, *password, *method, *uri, *nonce, *nc, *cnonce, *body, *response;
} vectors[] = {
	{ "7616 3.9.1 MD5", RF_DIGEST_MD5, false, RF_DIGEST_QOP_AUTH, "Mufasa", "http-auth@example.org",
	  "Circle of Life", "GET", "/dir/index.html", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "00000001",
	  "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "", "8ca523f5e9506fed4657c9700eebdbec" },
	{ "7616 3.9.1 SHA-256", RF_DIGEST_SHA256, false, RF_DIGEST_QOP_AUTH, "Mufasa", "http-auth@example.org",
	  "Circle of Life", "GET", "/dir/index.html", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "00000001",
	  "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "",
	  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	{ "7616 3.9.2 SHA-512-256", RF_DIGEST_SHA512_256, false, RF_DIGEST_QOP_AUTH, "J\xc3\xa4s\xc3\xb8n Doe",
	  "api@example.org", "Secret, or not?", "GET", "/doe.json", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
	  "00000001", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "",
	  "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5" },
	{ "2617 3.5 MD5", RF_DIGEST_MD5, false, RF_DIGEST_QOP_AUTH, "Mufasa", "testrealm@host.com", "Circle Of Life",
	  "GET", "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "",
	  "6629fae49393a05397450978507c4ef1" },
#define BOB "bob", "biloxi.example.com", "zanzibar", "INVITE", "sip:bob@biloxi.example.com", "abcd"
	{ "auth-int SHA-256", RF_DIGEST_SHA256, false, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01", "v=0\r\n",
	  "30af8f848f57760bbbd4d77bb2dad291db827d85fb04eae96d9d454d23dba78f" },
	{ "auth-int SHA-256-sess", RF_DIGEST_SHA256, true, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01", "v=0\r\n",
	  "23aa11ec2e5fcf0635b5f1492c3b4a7ca264f62a3ce06aff29cf7914c038d634" },
	{ "auth-int SHA-512-256", RF_DIGEST_SHA512_256, false, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01",
	  "v=0\r\n", "4901b85b10720e56affcee172c832f0e428d9e9c0443d3446fedf3365bd5b799" },
	{ "auth-int SHA-512-256-sess", RF_DIGEST_SHA512_256, true, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01",
	  "v=0\r\n", "3f1d83f4e2c78565e7bd2bbf378d747bfdc49ad1a11cf463c74bf3568df64021" },
	{ "auth-int MD5", RF_DIGEST_MD5, false, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01", "v=0\r\n",
	  "83908d750dc55014da683ae13cae4bf6" },
	{ "auth-int MD5-sess", RF_DIGEST_MD5, true, RF_DIGEST_QOP_AUTH_INT, BOB, "0000000a", "ef01", "v=0\r\n",
	  "6eedef61042255b98f4c995dbf0f3651" },
	{ "no qop", RF_DIGEST_MD5, false, RF_DIGEST_QOP_NONE, BOB, "", "", "", "f12188a501eb4006a94486a945a64931" },
};

static struct rf_digest_cred cred_of(const struct vector *v)
{
	return (struct rf_digest_cred){
		.username = rf_view_str(v->user),
		.realm = rf_view_str(v->realm),
		.nonce = rf_view_str(v->nonce),
		.uri = rf_view_str(v->uri),
		.response = rf_view_str(v->response),
		.cnonce = rf_view_str(v->cnonce),
		.nc_text = rf_view_str(v->nc),
		.alg = v->alg,
		.sess = v->sess,
		.qop = v->qop,
	};
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct vector *v = &vectors[i];
		struct rf_digest_cred c = cred_of(v);
		struct rf_digest_ha1 ha1, wrong;
		struct rf_view method = rf_view_str(v->method), body = rf_view_str(v->body);
		char hex[2 * RF_DIGEST_HASH_MAX];

		assert_int_equal(rf_digest_ha1(ctx, v->alg, c.username, c.realm, rf_view_str(v->password), &ha1), 0);
		assert_int_equal(rf_digest_response(ctx, &c, &ha1, method, body, hex), 0);
		if (!rf_view_eq(rf_view_of(hex, 2 * rf_digest_alg_bytes(v->alg)), c.response))
			fail_msg("%s", v->name);
		assert_int_equal(rf_digest_verify(ctx, &c, &ha1, method, body), 0);
		assert_int_equal(rf_digest_verify(ctx, &c, &ha1, RF_V("BYE"), body), RF_E_AUTH);
		wrong = ha1;
		wrong.b[rf_digest_alg_bytes(v->alg) - 1] ^= 1;
		assert_int_equal(rf_digest_verify(ctx, &c, &wrong, method, body), RF_E_AUTH);
		int other_body = rf_digest_verify(ctx, &c, &ha1, method, RF_V("v=1\r\n"));
		assert_int_equal(other_body, v->qop == RF_DIGEST_QOP_AUTH_INT ? RF_E_AUTH : 0);
		c.response.n--;
		assert_int_equal(rf_digest_verify(ctx, &c, &ha1, method, body), RF_E_AUTH);
	}
}

static void test_each_changed_digit(void **state)
{
	const struct vector *v = &vectors[1];
	struct rf_digest_cred c = cred_of(v);
	struct rf_digest_ha1 ha1;
	char response[64];

	(void)state;
	assert_int_equal(rf_digest_ha1(ctx, v->alg, c.username, c.realm, rf_view_str(v->password), &ha1), 0);
	for (size_t i = 0; i < sizeof response; i++) {
		memcpy(response, v->response, sizeof response);
		response[i] = response[i] == '0' ? '1' : '0';
		c.response = rf_view_of(response, sizeof response);
		assert_int_equal(rf_digest_verify(ctx, &c, &ha1, RF_V("GET"), RF_V("")), RF_E_AUTH);
	}
}

static void test_userhash(void **state)
{
	char hex[2 * RF_DIGEST_HASH_MAX];

	(void)state;
	assert_int_equal(rf_digest_userhash(ctx, RF_DIGEST_SHA512_256, RF_V("J\xc3\xa4s\xc3\xb8n Doe"),
					    RF_V("api@example.org"), hex), 0);
	assert_memory_equal(hex, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", 64);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RF_DIGEST_ALGS; i++) {
		enum rf_digest_alg alg = RF_DIGEST_ALGS;
		bool sess = true;

		assert_int_equal(rf_digest_alg_parse(rf_digest_alg_name((enum rf_digest_alg)i), &alg, &sess), 0);
		assert_int_equal(alg, i);
		assert_false(sess);
	}
	enum rf_digest_alg alg;
	bool sess;
	assert_int_equal(rf_digest_alg_parse(RF_V("sha-256-SESS"), &alg, &sess), 0);
	assert_true(alg == RF_DIGEST_SHA256 && sess);
	static const char *const unknown[] = { "", "SHA", "SHA-1", "SHA-2566", "SHA-256-", "MD5-sesss", "token" };
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		assert_int_equal(rf_digest_alg_parse(rf_view_str(unknown[i]), &alg, &sess), RF_E_UNSUPPORTED);
}

static void test_allocations(void **state)
{
	struct rf_digest_ctx *c = NULL;

	(void)state;
	for (unsigned at = 1;; at++) {
		fail_alloc_at(at);
		int rc = rf_digest_ctx_new(&c);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
	rf_digest_ctx_free(c);
	rf_digest_ctx_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_each_changed_digit),
		cmocka_unit_test(test_userhash),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_allocations),
	};

	if (rf_digest_ctx_new(&ctx))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	rf_digest_ctx_free(ctx);
	return rc;
}

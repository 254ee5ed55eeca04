/* Tokens: the example of RFC 8225, every way to be wrong, and that what we write is what we read. */
#include "sip/passport.h"

#include "guard.h"
#include "sip/identity_hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* RFC 8225 appendix A: what is signed there, and the signature that is printed with it. */
#define EXAMPLE_HEAD "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9"
#define EXAMPLE_BODY "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
#define EXAMPLE_SIG "VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw"

static const struct rf_passport_claims example = {
	.x5u = { (const uint8_t *)"https://cert.example.org/passport.cer", 37 },
	.iat_s = 1471375418,
	.orig = { RF_PASSPORT_TN, { (const uint8_t *)"12155551212", 11 } },
	.dest = { RF_PASSPORT_URI, { (const uint8_t *)"sip:alice@example.com", 21 } },
};

static void test_example(void **state)
{
	struct rf_view v = guard_copy(RF_V(EXAMPLE_HEAD "." EXAMPLE_BODY "." EXAMPLE_SIG));
	struct rf_passport p;
	struct rf_writer w;
	uint8_t buf[1024];

	(void)state;
	assert_int_equal(rf_passport_parse(v, &p), 0);
	assert_true(rf_view_eq(p.x5u, example.x5u));
	assert_int_equal(p.iat_s, 1471375418);
	assert_int_equal(p.orig.kind, RF_PASSPORT_TN);
	assert_true(rf_view_eq(p.orig.text, RF_V("12155551212")));
	assert_int_equal(p.dest_n, 1);
	assert_int_equal(p.dest[0].kind, RF_PASSPORT_URI);
	assert_true(rf_view_eq(p.dest[0].text, example.dest.text));
	assert_int_equal(p.ppt.n, 0);
	assert_int_equal(p.attest, 0);
	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_passport_put_input(&w, &example), 0);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V(EXAMPLE_HEAD "." EXAMPLE_BODY)));
	assert_true(rf_view_eq(p.input, rf_view_of(buf, w.n)));
	rf_passport_put_signature(&w, p.signature);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), v));
	for (size_t n = 0; n < v.n; n++) { /* no prefix is a token */
		struct rf_view cut = guard_copy(rf_view_sub(v, 0, n));

		assert_int_not_equal(rf_passport_parse(cut, &p), 0);
		guard_free(cut);
	}
	guard_free(v);
}

static void test_compact(void **state)
{
	struct rf_passport p;
	uint8_t buf[1024];

	(void)state;
	assert_true(rf_passport_is_compact(RF_V(".." EXAMPLE_SIG)));
	assert_false(rf_passport_is_compact(RF_V(EXAMPLE_HEAD ".." EXAMPLE_SIG)));
	assert_int_equal(rf_passport_compact(RF_V(".." EXAMPLE_SIG), &example, buf, sizeof buf, &p), 0);
	assert_true(rf_view_eq(p.input, RF_V(EXAMPLE_HEAD "." EXAMPLE_BODY)));
	assert_int_equal(p.iat_s, 1471375418);
	assert_int_equal(rf_passport_compact(RF_V("." EXAMPLE_SIG), &example, buf, sizeof buf, &p), RF_E_MALFORMED);
	assert_int_equal(rf_passport_compact(RF_V("..." EXAMPLE_SIG), &example, buf, sizeof buf, &p), RF_E_MALFORMED);
	assert_int_equal(rf_passport_compact(RF_V(".." EXAMPLE_SIG), &example, buf, 100, &p), RF_E_SPACE);
}

/* ---- every way to be wrong: JSON as it is, encoded here */

static size_t encode(char *dst, struct rf_view v)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t n = 0;

	for (size_t i = 0; i < v.n * 8; i += 6) {
		unsigned x = 0;

		for (size_t b = i; b < i + 6; b++)
			x = x << 1 | (b < v.n * 8 ? v.p[b / 8] >> (7 - b % 8) & 1u : 0);
		dst[n++] = digits[x];
	}
	return n;
}

static int parse_json(const char *head, const char *body, struct rf_passport *p)
{
	static char token[8192];
	size_t n = encode(token, rf_view_str(head));

	token[n++] = '.';
	n += encode(token + n, rf_view_str(body));
	token[n++] = '.';
	memcpy(token + n, EXAMPLE_SIG, sizeof EXAMPLE_SIG - 1);
	struct rf_view v = guard_copy(rf_view_of(token, n + sizeof EXAMPLE_SIG - 1));
	int rc = rf_passport_parse(v, p);

	guard_free(v);
	return rc;
}

#define H "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}"
#define HS "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}"
#define HD "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}"
#define B "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}"
#define BS "{\"attest\":\"A\",\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"},\"origid\":\"x\"}"

static const struct {
	const char *what, *head, *body;
	int rc;
} rows[] = {
	{ "as it should be", H, B, 0 },
	{ "shaken", HS, BS, 0 },
	{ "div", HD, "{\"dest\":{\"tn\":[\"12\"]},\"div\":{\"tn\":\"9\",\"hi\":\"x\"},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", 0 },
	{ "white space and another order", " { \"x5u\" : \"https://c.example/c.pem\" ,\n\"typ\":\"passport\",\"alg\":\"ES256\" } ",
	  "{\"orig\":{\"tn\":\"34\"},\"iat\":1 , \"dest\":{ \"tn\" : [ \"12\" , \"13\" ] } }", 0 },
	{ "an escaped slash", "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https:\\/\\/c.example\\/c.pem\"}", B, 0 },
	{ "unknown claims of all kinds", H, "{\"a\":[1,-2.5e+3,{\"b\":null}],\"c\":true,\"d\":\"\\u00e9\\ud83d\\ude00\",\"dest\":"
	  "{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"},\"e\":false}", 0 },
	{ "another algorithm", "{\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}", B, RF_E_UNSUPPORTED },
	{ "RS256", "{\"alg\":\"RS256\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}", B, RF_E_UNSUPPORTED },
	{ "another type", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\"https://c.example/c.pem\"}", B, RF_E_UNSUPPORTED },
	{ "another extension", "{\"alg\":\"ES256\",\"ppt\":\"rcd\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}", B,
	  RF_E_UNSUPPORTED },
	{ "no alg", "{\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}", B, RF_E_MALFORMED },
	{ "no x5u", "{\"alg\":\"ES256\",\"typ\":\"passport\"}", B, RF_E_MALFORMED },
	{ "two alg", "{\"alg\":\"ES256\",\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"https://c.example/c.pem\"}", B,
	  RF_E_MALFORMED },
	{ "two iat", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"iat\":2,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "an escaped name", H, "{\"dest\":{\"tn\":[\"12\"]},\"i\\u0061t\":1,\"orig\":{\"tn\":\"34\"}}",
	  RF_E_MALFORMED },
	{ "no iat", H, "{\"dest\":{\"tn\":[\"12\"]},\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "no dest", H, "{\"iat\":1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "no orig", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1}", RF_E_MALFORMED },
	{ "iat as text", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":\"1\",\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "iat below zero", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":-1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "iat with a fraction", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1.5,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "iat over 2^53", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":9007199254740993,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "iat with leading zero", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":01,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "dest no list", H, "{\"dest\":{\"tn\":\"12\"},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "dest empty", H, "{\"dest\":{\"tn\":[]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "dest twice", H, "{\"dest\":{\"tn\":[\"1\"],\"tn\":[\"2\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "eleven dest", H, "{\"dest\":{\"tn\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]},\"iat\":1,"
	  "\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "ten dest", H, "{\"dest\":{\"tn\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]},\"iat\":1,"
	  "\"orig\":{\"tn\":\"34\"}}", 0 },
	{ "orig twice", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\",\"uri\":\"sip:x\"}}", RF_E_MALFORMED },
	{ "a number with a plus", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"+34\"}}", RF_E_MALFORMED },
	{ "a number of 16 digits", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"1234567890123456\"}}",
	  RF_E_MALFORMED },
	{ "a number of 15 digits", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"123456789012345\"}}", 0 },
	{ "an empty number", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"\"}}", RF_E_MALFORMED },
	{ "a control character", H, "{\"dest\":{\"uri\":[\"sip:\\u000ax\"]},\"iat\":1,\"orig\":{\"tn\":\"3\"}}", RF_E_MALFORMED },
	{ "a bare control character", H, "{\"dest\":{\"uri\":[\"sip:\nx\"]},\"iat\":1,\"orig\":{\"tn\":\"3\"}}", RF_E_MALFORMED },
	{ "half a surrogate", H, "{\"a\":\"\\ud83d\",\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", RF_E_MALFORMED },
	{ "shaken without attest", HS, B, RF_E_MALFORMED },
	{ "attest D", HS, "{\"attest\":\"D\",\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"},\"origid\":\"x\"}",
	  RF_E_MALFORMED },
	{ "shaken without origid", HS, "{\"attest\":\"A\",\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}",
	  RF_E_MALFORMED },
	{ "div without div", HD, B, RF_E_MALFORMED },
	{ "something behind", H, B "x", RF_E_MALFORMED },
	{ "no object", "[]", B, RF_E_MALFORMED },
	{ "nothing", "", "", RF_E_MALFORMED },
	{ "nested deep", H, "{\"a\":[[[[[[[[1]]]]]]]],\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}",
	  RF_E_MALFORMED },
	{ "nested to the bound", H,
	  "{\"a\":[[[[[[[1]]]]]]],\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}", 0 },
	{ "a comma too many", H, "{\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"},}", RF_E_MALFORMED },
	{ "a bad number", H, "{\"a\":1.,\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}",
	  RF_E_MALFORMED },
	{ "a bad word", H, "{\"a\":nul,\"dest\":{\"tn\":[\"12\"]},\"iat\":1,\"orig\":{\"tn\":\"34\"}}",
	  RF_E_MALFORMED },
};

static void test_rows(void **state)
{
	struct rf_passport p;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc = parse_json(rows[i].head, rows[i].body, &p);

		if (rc != rows[i].rc)
			fail_msg("%s: %d", rows[i].what, rc);
	}
	assert_int_equal(parse_json("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"https:\\/\\/c.example\\/c.pem\"}", B, &p), 0);
	assert_true(rf_view_eq(p.x5u, RF_V("https://c.example/c.pem")));
	assert_int_equal(parse_json(HS, BS, &p), 0);
	assert_int_equal(p.attest, 'A');
	assert_true(rf_view_eq(p.origid, RF_V("x")));
}

static void test_encoding(void **state)
{
	struct rf_passport p;
	static char longer[RF_PASSPORT_MAX + 2];

	(void)state;
	static const char *const bad[] = {
		EXAMPLE_HEAD "." EXAMPLE_BODY "." EXAMPLE_SIG "=", EXAMPLE_HEAD "." EXAMPLE_BODY "." EXAMPLE_SIG ".",
		EXAMPLE_HEAD "." EXAMPLE_BODY, EXAMPLE_HEAD "." EXAMPLE_BODY ".", "..", ".", "",
		EXAMPLE_HEAD "." EXAMPLE_BODY ".VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ",
		EXAMPLE_HEAD "." EXAMPLE_BODY ".VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cx",
		EXAMPLE_HEAD "." EXAMPLE_BODY ".VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ/iUkqk79UD81fHQ0E1b3/GluIkba7UWYRM47ZbNFdOJquE35cw",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (rf_passport_parse(rf_view_str(bad[i]), &p) == 0)
			fail_msg("\"%s\" passed", bad[i]);
	memset(longer, 'A', sizeof longer);
	assert_int_equal(rf_passport_parse(rf_view_of(longer, RF_PASSPORT_MAX + 1), &p), RF_E_LIMIT);
}

static void test_number(void **state)
{
	char d[16];

	(void)state;
	assert_int_equal(rf_passport_number(RF_V("+1-(215)-555.1212"), d), 0);
	assert_string_equal(d, "12155551212");
	assert_int_equal(rf_passport_number(RF_V("123456789012345"), d), 0);
	assert_int_equal(rf_passport_number(RF_V("1234567890123456"), d), RF_E_INVALID);
	assert_int_equal(rf_passport_number(RF_V(""), d), RF_E_INVALID);
	assert_int_equal(rf_passport_number(RF_V("+"), d), RF_E_INVALID);
	assert_int_equal(rf_passport_number(RF_V("alice"), d), RF_E_INVALID);
	assert_int_equal(rf_passport_number(RF_V("++1"), d), RF_E_INVALID);
}

static void test_claims(void **state)
{
	struct rf_passport_claims c = example;
	struct rf_writer w;
	uint8_t buf[2048];
	struct rf_passport p;

	(void)state;
	c.ppt = RF_V("shaken");
	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_passport_put_input(&w, &c), RF_E_INVALID); /* no attestation */
	c.attest = 'B';
	c.origid = RF_V("123e4567-e89b-42d3-a456-426655440000");
	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_passport_put_input(&w, &c), 0);
	rf_passport_put_signature(&w, (const uint8_t[RF_PASSPORT_SIG]){ 1 });
	assert_int_equal(rf_passport_parse(rf_view_of(buf, w.n), &p), 0);
	assert_int_equal(p.attest, 'B');
	assert_true(rf_view_eq(p.origid, c.origid));
	c.orig.text = RF_V("+1");
	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_passport_put_input(&w, &c), RF_E_INVALID);
	c = example;
	c.ppt = RF_V("rcd");
	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_passport_put_input(&w, &c), RF_E_INVALID);
}

/* ---- the header field */

static const struct {
	const char *value;
	int rc;
	const char *token, *info, *alg, *ppt;
} headers[] = {
	{ "a.b.c;info=<https://x.example/c>;alg=ES256;ppt=shaken", 0, "a.b.c", "https://x.example/c", "ES256", "shaken" },
	{ "a.b.c ; info = <https://x/c> ; ppt=\"shaken\"", 0, "a.b.c", "https://x/c", "", "shaken" },
	{ "..c;info=<https://x/c>", 0, "..c", "https://x/c", "", "" },
	{ "a;INFO=<x>;extra;more=1;q=\"a;b\\\"\";u=<y;z>", 0, "a", "x", "", "" },
	{ "a", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ ";info=<x>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;alg=ES256", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=x", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x y>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;info=<y>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;ppt=a;ppt=b", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;ppt=", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;ppt", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;ppt=\"a", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>,b;info=<y>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a b;info=<x>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "\"a\";info=<x>", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;info=<x>;", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "", RF_E_MALFORMED, 0, 0, 0, 0 },
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct rf_view v = guard_copy(rf_view_str(headers[i].value));
		struct rf_identity_hdr h;
		int rc = rf_identity_hdr_parse(v, &h);

		if (rc != headers[i].rc)
			fail_msg("\"%s\": %d", headers[i].value, rc);
		if (rc == 0 && (!rf_view_eq(h.token, rf_view_str(headers[i].token)) ||
				!rf_view_eq(h.info, rf_view_str(headers[i].info)) ||
				!rf_view_eq(h.alg, rf_view_str(headers[i].alg)) ||
				!rf_view_eq(h.ppt, rf_view_str(headers[i].ppt))))
			fail_msg("\"%s\" was read otherwise", headers[i].value);
		guard_free(v);
	}
}

static void test_info(void **state)
{
	static const struct {
		const char *uri, *host;
	} uris[] = {
		{ "https://cert.example.org/passport.cer", "cert.example.org" },
		{ "HTTPS://Cert.Example.org:8443/a?b=c", "Cert.Example.org" },
		{ "https://10.0.0.1:443/a", "10.0.0.1" },
		{ "http://cert.example.org/a", NULL }, { "https://cert.example.org", NULL }, { "https:///a", NULL },
		{ "https://user@cert.example.org/a", NULL }, { "https://cert.example.org:80/a", NULL },
		{ "https://cert.example.org/a#b", NULL }, { "file:///etc/passwd", NULL },
		{ "https://c.example/\\x", NULL }, { "https://c.example:/a", NULL },
		{ "https://c.example:8443x/a", NULL }, { "", NULL }, { "https://a.example%2f.b.example/", NULL },
		{ "https://a.example?b/c", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
		struct rf_view v = guard_copy(rf_view_str(uris[i].uri)), host;
		int rc = rf_identity_info_host(v, &host);

		if (uris[i].host ? rc || !rf_view_eq(host, rf_view_str(uris[i].host)) : rc == 0)
			fail_msg("\"%s\": %d", uris[i].uri, rc);
		guard_free(v);
	}
}

static void test_put(void **state)
{
	struct rf_writer w;
	char buf[256];
	struct rf_identity_hdr h;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_lit(&w, "a.b.c");
	rf_identity_hdr_put_params(&w, RF_V("https://x.example/c"), RF_V("shaken"));
	assert_int_equal(w.err, 0);
	assert_int_equal(rf_identity_hdr_parse(rf_view_of(buf, w.n), &h), 0);
	assert_true(rf_view_eq(h.info, RF_V("https://x.example/c")));
	rf_writer_init(&w, buf, sizeof buf);
	rf_identity_hdr_put_params(&w, RF_V("https://x.example/c>;x"), RF_V(""));
	assert_int_equal(w.err, RF_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_compact), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_encoding), cmocka_unit_test(test_number), cmocka_unit_test(test_claims),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_info), cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

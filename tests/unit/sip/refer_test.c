/* REFER: who is meant, and what is not taken. */
#include "sip/refer.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define REPLACES "a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy"

static const struct {
	const char *lines;
	unsigned code;
	const char *user, *call_id;
	bool early_only, quiet;
} rows[] = {
	{ "Refer-To: <sip:1003@voice.example.org>\r\n", 0, "1003", NULL, false, false },
	{ "r: sips:1003@voice.example.org\r\n", 0, "1003", NULL, false, false },
	{ "Refer-To: <tel:+4930123>\r\n", 0, "+4930123", NULL, false, false },
	{ "Refer-To: \"A, B\" <sip:1003@voice.example.org;method=INVITE>\r\n", 0, "1003", NULL, false, false },
	{ "Refer-To: <sip:1003@h?Replaces=" REPLACES ">\r\n", 0, "1003", "a@b", false, false },
	{ "Refer-To: <sip:1003@h?Require=replaces&replaces=" REPLACES "%3Bearly-only>\r\n", 0, "1003", "a@b", true, false },
	{ "Refer-To: <sip:1003@h?Subject=x&Route=%3Csip:evil%3E&body=v>\r\n", 0, "1003", NULL, false, false },
	{ "Refer-To: <sip:1003@h>\r\nRefer-Sub: false\r\n", 0, "1003", NULL, false, true },
	{ "Refer-To: <sip:1003@h>\r\nRefer-Sub: TRUE ;x=y\r\n", 0, "1003", NULL, false, false },
	{ "", 400, NULL, NULL, false, false },
	{ "Refer-To:\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h>, <sip:1004@h>\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <1003>\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h?Replaces=a>\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h?Replaces=" REPLACES "&Replaces=" REPLACES ">\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h?Replaces=a%0D%0Ab%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h>\r\nRefer-Sub: maybe\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h>\r\nRefer-Sub: true\r\nRefer-Sub: false\r\n", 400, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h;method=BYE>\r\n", 403, NULL, NULL, false, false },
	{ "Refer-To: <sip:1003@h;method=invite>\r\n", 403, NULL, NULL, false, false },
	{ "Refer-To: <http://h/>\r\n", 416, NULL, NULL, false, false },
	{ "Refer-To: <mailto:a@h>\r\n", 416, NULL, NULL, false, false },
};

static unsigned refer(const char *lines, struct rf_sip_msg *m, struct rf_refer *ret_refer)
{
	char text[2048];
	int n = snprintf(text, sizeof text,
			 "REFER sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
			 "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REFER\r\n%s"
			 "Content-Length: 0\r\n\r\n",
			 lines);
	struct rf_view v = guard_copy(rf_view_of(text, (size_t)n));

	if (rf_sip_msg_parse(m, v, RF_SIP_DATAGRAM, NULL))
		return 400; /* a second Refer-To is refused there */
	return rf_refer_parse(m, ret_refer);
}

static void test_rows(void **state)
{
	struct rf_sip_msg m;
	struct rf_refer r;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned code = refer(rows[i].lines, &m, &r);

		if (code != rows[i].code)
			fail_msg("%s: %u", rows[i].lines, code);
		if (code)
			continue;
		assert_true(rf_view_eq(r.to.user, rf_view_str(rows[i].user)));
		assert_int_equal(r.has_replaces, rows[i].call_id != NULL);
		assert_int_equal(r.quiet, rows[i].quiet);
		if (!r.has_replaces)
			continue;
		assert_true(rf_view_eq(r.replaces.call_id, rf_view_str(rows[i].call_id)));
		assert_true(rf_view_eq(r.replaces.to_tag, RF_V("x")) && rf_view_eq(r.replaces.from_tag, RF_V("y")));
		assert_int_equal(r.replaces.early_only, rows[i].early_only);
	}
}

static void test_long_replaces(void **state)
{
	char lines[1500] = "Refer-To: <sip:1003@h?Replaces=";
	struct rf_sip_msg m;
	struct rf_refer r;

	(void)state;
	for (size_t i = 0; i < RF_REFER_REPLACES_MAX; i++)
		strcat(lines, "a");
	strcat(lines, "%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\r\n");
	assert_int_equal(refer(lines, &m, &r), 400);
}

static void test_frag(void **state)
{
	uint8_t buf[RF_REFER_FRAG_MAX];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_refer_put_frag(&w, 486);
	assert_int_equal(w.err, 0);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("SIP/2.0 486 Busy Here\r\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_long_replaces), cmocka_unit_test(test_frag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

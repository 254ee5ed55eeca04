/* Replaces: the header, and which dialog may be taken over. */
#include "sip/replaces.h"

#include "guard.h"
#include "sip/dialog.h"
#include "sip/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *value;
	int rc;
	const char *call_id, *to_tag, *from_tag;
	bool early_only;
} headers[] = {
	{ "425928@bobster.example.org;to-tag=7743;from-tag=6472", 0, "425928@bobster.example.org", "7743", "6472", false },
	{ " 98asjd8@test.com ; from-tag=1 ;to-tag=2; early-only", 0, "98asjd8@test.com", "2", "1", true },
	{ "a;TO-TAG=x;From-Tag=y;foo=bar;baz", 0, "a", "x", "y", false },
	{ "", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ ";to-tag=x;from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;from-tag=x", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x;from-tag=y;to-tag=z", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x;from-tag=y;from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=;from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=\"x\";from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x;from-tag=y;early-only;early-only", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x;from-tag=y;early-only=yes", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a b;to-tag=x;from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
	{ "a;to-tag=x;from-tag=y, b;to-tag=x;from-tag=y", RF_E_MALFORMED, 0, 0, 0, 0 },
};

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(headers[i].value));
		struct rf_replaces r, again;
		int rc = rf_replaces_parse(v, &r);

		if (rc != headers[i].rc)
			fail_msg("\"%s\": %d", headers[i].value, rc);
		if (rc == 0) {
			char text[256];
			struct rf_writer w;

			assert_true(rf_view_eq(r.call_id, rf_view_str(headers[i].call_id)));
			assert_true(rf_view_eq(r.to_tag, rf_view_str(headers[i].to_tag)));
			assert_true(rf_view_eq(r.from_tag, rf_view_str(headers[i].from_tag)));
			assert_int_equal(r.early_only, headers[i].early_only);
			rf_writer_init(&w, text, sizeof text);
			assert_int_equal(rf_replaces_put(&w, &r), 0);
			assert_int_equal(rf_replaces_parse(rf_view_of(text, w.n), &again), 0);
			assert_true(rf_view_eq(r.call_id, again.call_id) && rf_view_eq(r.to_tag, again.to_tag) &&
				    rf_view_eq(r.from_tag, again.from_tag) && r.early_only == again.early_only);
		}
		guard_free(v);
	}
}

static void test_put_refuses(void **state)
{
	static const struct rf_replaces bad[] = {
		{ { (const uint8_t *)"a\r\nb", 4 }, { (const uint8_t *)"x", 1 }, { (const uint8_t *)"y", 1 }, false },
		{ { (const uint8_t *)"a", 1 }, { (const uint8_t *)"x;y", 3 }, { (const uint8_t *)"y", 1 }, false },
		{ { (const uint8_t *)"a", 1 }, { (const uint8_t *)"x", 1 }, { NULL, 0 }, false },
	};
	char text[64];
	struct rf_writer w;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		rf_writer_init(&w, text, sizeof text);
		assert_int_equal(rf_replaces_put(&w, &bad[i]), RF_E_MALFORMED);
	}
}

static struct rf_dialog *caller(void)
{
	struct rf_dialog_setup s = { .call_id = RF_V("c"), .local = RF_V("<sip:a@b>"), .local_tag = RF_V("ours"),
				     .remote = RF_V("<sip:c@d>"), .target = RF_V("sip:c@d"), .cseq = 1 };
	struct rf_dialog *d = NULL;

	assert_int_equal(rf_dialog_new_uac(&s, &d), 0);
	return d;
}

static void test_matching(void **state)
{
	struct rf_dialog *d = caller(); /* no remote tag: as with an RFC 2543 peer */
	struct rf_replaces r = { RF_V("c"), RF_V("ours"), RF_V("0"), false };

	(void)state;
	assert_true(rf_replaces_matches(&r, d));
	r.from_tag = RF_V("1");
	assert_false(rf_replaces_matches(&r, d));
	r = (struct rf_replaces){ RF_V("c"), RF_V("0"), RF_V("0"), false };
	assert_false(rf_replaces_matches(&r, d));
	r = (struct rf_replaces){ RF_V("C"), RF_V("ours"), RF_V("0"), false };
	assert_false(rf_replaces_matches(&r, d));
	rf_dialog_free(d);
}

static void test_verdicts(void **state)
{
	struct rf_replaces any = { .early_only = false }, early = { .early_only = true };
	struct rf_dialog *d = caller();

	(void)state;
	assert_int_equal(rf_replaces_verdict(&any, NULL), 481);
	assert_int_equal(rf_replaces_verdict(&any, d), 0); /* early, and we began it */
	assert_int_equal(rf_replaces_verdict(&early, d), 0);
	rf_dialog_answered(d, 200);
	assert_int_equal(rf_replaces_verdict(&any, d), 0);
	assert_int_equal(rf_replaces_verdict(&early, d), 486);
	rf_dialog_end(d);
	assert_int_equal(rf_replaces_verdict(&any, d), 603);
	rf_dialog_free(d);
}

/* A dialog that rings here was not begun by us: it cannot be replaced before it is answered. */
static void test_called(void **state)
{
	static const char invite[] = "INVITE sip:us@a SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
				     "From: <sip:b@c>;tag=theirs\r\n"
				     "To: <sip:us@a>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:b@h>\r\n\r\n";
	static struct rf_sip_msg m;
	struct rf_replaces r = { RF_V("c"), RF_V("ours"), RF_V("theirs"), false };
	struct rf_dialog *d;

	(void)state;
	assert_int_equal(rf_sip_msg_parse(&m, rf_view_of(invite, sizeof invite - 1), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_dialog_new_uas(&m, RF_V("ours"), false, &d), 0);
	assert_true(rf_replaces_matches(&r, d));
	rf_dialog_answered(d, 180);
	assert_int_equal(rf_replaces_verdict(&r, d), 481);
	rf_dialog_answered(d, 200);
	assert_int_equal(rf_replaces_verdict(&r, d), 0);
	rf_dialog_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_put_refuses),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Trunk groups in URIs (RFC 4904). */
#include "sip/tgrp.h"

#include "guard.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *uri;
	int rc;
	const char *user, *name, *context, *verstat;
} rows[] = {
	/* the examples of RFC 4904 5 and 6 */
	{ "tel:+14085551212;tgrp=TG-1;trunk-context=example.com", 0, "+14085551212", "TG-1", "example.com", "" },
	{ "sip:+14085551212;tgrp=TG-1;trunk-context=example.com@isp.example.net;user=phone", 0, "+14085551212", "TG-1",
	  "example.com", "" },
	{ "sip:555;TGRP=a.b_c-1;Trunk-Context=+1;phone-context=x@h", 0, "555", "a.b_c-1", "+1", "" },
	{ "sip:+43;verstat=TN-Validation-Passed-A@h", 0, "+43", "", "", "TN-Validation-Passed-A" },
	{ "sip:alice@h;tgrp=x;trunk-context=y", 0, "alice", "", "", "" }, /* a parameter of the URI is not the user's */
	{ "sip:h", 0, "", "", "", "" },
	{ "sip:;tgrp=x;trunk-context=y@h", 0, "", "x", "y", "" },
	{ "sip:1;tgrp=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;trunk-context=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;tgrp=;trunk-context=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;tgrp;trunk-context=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;tgrp=a;tgrp=b;trunk-context=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;tgrp=a;trunk-context=x;trunk-context=x@h", RF_E_MALFORMED, "", "", "", "" },
	{ "sip:1;verstat=a;verstat=b@h", RF_E_MALFORMED, "", "", "", "" },
	{ "mailto:1;tgrp=a;trunk-context=x@h", RF_E_UNSUPPORTED, "", "", "", "" },
};

static void parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view text = guard_copy(rf_view_str(rows[i].uri));
		struct rf_tgrp t = { .name = RF_V("untouched") };
		struct rf_sip_uri uri;

		assert_int_equal(rf_sip_uri_parse(text, &uri), 0);
		if (rf_tgrp_parse(&uri, &t) != rows[i].rc)
			fail_msg("%s", rows[i].uri);
		if (rows[i].rc)
			assert_true(rf_view_eq(t.name, RF_V("untouched")));
		else if (!rf_view_eq(t.user, rf_view_str(rows[i].user)) ||
			 !rf_view_eq(t.name, rf_view_str(rows[i].name)) ||
			 !rf_view_eq(t.context, rf_view_str(rows[i].context)) ||
			 !rf_view_eq(t.verstat, rf_view_str(rows[i].verstat)))
			fail_msg("%s: %.*s %.*s %.*s %.*s", rows[i].uri, RF_VFMT(t.user), RF_VFMT(t.name),
				 RF_VFMT(t.context), RF_VFMT(t.verstat));
		guard_free(text);
	}
}

/* Every prefix of a good one parses or not, and never reads on. */
static void prefixes(void **state)
{
	const struct rf_view all = RF_V("sip:+14085551212;tgrp=TG-1;trunk-context=example.com@h;user=phone");

	(void)state;
	for (size_t n = 0; n <= all.n; n++) {
		struct rf_view text = guard_copy(rf_view_sub(all, 0, n));
		struct rf_sip_uri uri;
		struct rf_tgrp t;

		if (rf_sip_uri_parse(text, &uri) == 0)
			rf_tgrp_parse(&uri, &t);
		guard_free(text);
	}
}

static void put(void **state)
{
	uint8_t buf[200];
	struct rf_writer w;
	struct rf_sip_uri uri;
	struct rf_tgrp t;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_tgrp_put_uri(&w, RF_V("1;x@2"), RF_V("TG"), RF_V("a.example"), RF_V("fd00::1"), 5061);
	assert_true(rf_view_eq(rf_view_of(buf, w.n),
			       RF_V("sip:1%3Bx%402;tgrp=TG;trunk-context=a.example@[fd00::1]:5061;transport=tls")));
	assert_int_equal(rf_sip_uri_parse(rf_view_of(buf, w.n), &uri), 0);
	assert_int_equal(rf_tgrp_parse(&uri, &t), 0);
	assert_true(rf_view_eq(t.user, RF_V("1%3Bx%402")) && rf_view_eq(t.name, RF_V("TG")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parse), cmocka_unit_test(prefixes),
					    cmocka_unit_test(put) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

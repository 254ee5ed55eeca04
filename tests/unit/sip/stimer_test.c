/* Session timers: both ends of a negotiation run against each other under a clock that the test turns. */
#include "sip/stimer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const struct rf_mono t0 = { 1000000 };

#define NONE RF_SIP_REFRESHER_NONE
#define UAC RF_SIP_REFRESHER_UAC
#define UAS RF_SIP_REFRESHER_UAS

/* RFC 4028 9, table 2, and the bounds. */
static const struct {
	const char *name;
	struct rf_stimer_policy p;
	struct rf_stimer_request req;
	unsigned code;
	bool present, require;
	uint32_t interval_s;
	enum rf_sip_refresher refresher;
} answers[] = {
	{ "nobody wants one", { 0, 0, false, false }, { true, false, { 0, NONE }, 0 }, 0, false, false, 0, NONE },
	{ "we want one, caller can",
	  { 1800, 90, false, false },
	  { true, false, { 0, NONE }, 0 },
	  0,
	  true,
	  true,
	  1800,
	  UAC },
	{ "we want one, caller cannot",
	  { 1800, 90, false, false },
	  { false, false, { 0, NONE }, 0 },
	  0,
	  true,
	  false,
	  1800,
	  UAS },
	{ "we like to refresh", { 1800, 90, true, false }, { true, false, { 0, NONE }, 0 }, 0, true, false, 1800, UAS },
	{ "caller says who: uac",
	  { 1800, 90, true, false },
	  { true, true, { 1800, UAC }, 0 },
	  0,
	  true,
	  true,
	  1800,
	  UAC },
	{ "caller says who: uas",
	  { 1800, 90, false, false },
	  { true, true, { 1800, UAS }, 0 },
	  0,
	  true,
	  false,
	  1800,
	  UAS },
	{ "a proxy put it in",
	  { 1800, 90, false, false },
	  { false, true, { 1800, NONE }, 0 },
	  0,
	  true,
	  false,
	  1800,
	  UAS },
	{ "shortened", { 600, 90, false, false }, { true, true, { 1800, UAC }, 0 }, 0, true, true, 600, UAC },
	{ "shortened to the caller's Min-SE",
	  { 600, 90, false, false },
	  { true, true, { 1800, UAC }, 900 },
	  0,
	  true,
	  true,
	  900,
	  UAC },
	{ "never lengthened", { 3600, 90, false, false }, { true, true, { 1800, UAC }, 0 }, 0, true, true, 1800, UAC },
	{ "too small", { 1800, 300, false, false }, { true, true, { 299, UAC }, 0 }, 422, false, false, 0, NONE },
	{ "just enough", { 1800, 300, false, false }, { true, true, { 300, UAC }, 0 }, 0, true, true, 300, UAC },
	{ "too small, but 422 would not be understood",
	  { 1800, 300, false, false },
	  { false, true, { 120, NONE }, 0 },
	  0,
	  true,
	  false,
	  120,
	  UAS },
	{ "under the RFC's floor", { 0, 0, false, false }, { true, true, { 89, UAC }, 0 }, 422, false, false, 0, NONE },
	{ "zero", { 0, 0, false, false }, { false, true, { 0, NONE }, 0 }, 0, true, false, 90, UAS },
	{ "Min-SE above what we want",
	  { 600, 90, false, false },
	  { true, false, { 0, NONE }, 1200 },
	  0,
	  true,
	  true,
	  1200,
	  UAC },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct rf_stimer s;

		rf_stimer_init(&s);
		struct rf_stimer_answer a = rf_stimer_answer(&s, &answers[i].p, &answers[i].req);
		if (a.code != answers[i].code || a.present != answers[i].present || a.require != answers[i].require ||
		    a.se.interval_s != answers[i].interval_s || a.se.refresher != answers[i].refresher)
			fail_msg("%s: %u %d %d %u %d", answers[i].name, a.code, a.present, a.require, a.se.interval_s,
				 (int)a.se.refresher);
		assert_true(a.min_s >= RF_STIMER_FLOOR_S);
	}
}

static void test_refresher_and_watcher(void **state)
{
	struct rf_stimer_policy p = { .want_s = 1800, .min_s = 90, .we_refresh = true };
	struct rf_stimer caller, called;

	(void)state;
	rf_stimer_init(&caller);
	rf_stimer_init(&called);
	struct rf_stimer_ask ask = rf_stimer_ask(&caller, &p);
	assert_true(ask.present && ask.se.interval_s == 1800 && ask.se.refresher == UAC && ask.min_s == 0);
	struct rf_stimer_request req = { .supported = true, .present = true, .se = ask.se };
	struct rf_stimer_answer a = rf_stimer_answer(&called, &p, &req);
	rf_stimer_answered(&called, &a, t0);
	rf_stimer_asked_2xx(&caller, &p, &a.se, t0);
	assert_true(caller.active && caller.we_refresh && called.active && !called.we_refresh);
	assert_true(rf_stimer_next(&caller).us == rf_mono_add_ms(t0, 900000).us);
	assert_true(rf_stimer_next(&called).us == rf_mono_add_ms(t0, 1800000 - 32000).us);
	assert_int_equal(rf_stimer_step(&caller, rf_mono_add_ms(t0, 899999)), RF_STIMER_WAIT);
	assert_int_equal(rf_stimer_step(&caller, rf_mono_add_ms(t0, 900000)), RF_STIMER_REFRESH);
	assert_int_equal(rf_stimer_step(&caller, rf_mono_add_ms(t0, 900001)), RF_STIMER_WAIT); /* one at a time */

	/* the refresh is answered: both start anew */
	struct rf_mono t1 = rf_mono_add_ms(t0, 900100);
	ask = rf_stimer_ask(&caller, &p);
	assert_true(ask.se.refresher == UAC && ask.se.interval_s == 1800);
	req.se = ask.se;
	a = rf_stimer_answer(&called, &p, &req);
	rf_stimer_answered(&called, &a, t1);
	rf_stimer_asked_2xx(&caller, &p, &a.se, t1);
	assert_int_equal(rf_stimer_step(&called, rf_mono_add_ms(t0, 1800000)), RF_STIMER_WAIT);

	/* a re-INVITE from the other side keeps the roles, seen from there */
	ask = rf_stimer_ask(&called, &p);
	assert_int_equal(ask.se.refresher, UAS);
	req.se = (struct rf_session_expires){ 1800, NONE };
	a = rf_stimer_answer(&caller, &p, &req);
	assert_int_equal(a.se.refresher, UAS);

	/* nobody refreshes any more */
	assert_int_equal(rf_stimer_step(&called, rf_mono_add_ms(t1, 1768000)), RF_STIMER_EXPIRED);
	assert_int_equal(rf_stimer_step(&called, rf_mono_add_ms(t1, 1768000)), RF_STIMER_WAIT);
}

static void test_short_interval_ends_a_third_early(void **state)
{
	struct rf_stimer_policy p = { .want_s = 90, .min_s = 90 };
	struct rf_session_expires se = { 90, UAS };
	struct rf_stimer s;

	(void)state;
	rf_stimer_init(&s);
	rf_stimer_asked_2xx(&s, &p, &se, t0);
	assert_true(rf_stimer_next(&s).us == rf_mono_add_ms(t0, 60000).us);
}

static void test_refresh_that_fails(void **state)
{
	struct rf_stimer_policy p = { .want_s = 1000, .min_s = 90, .we_refresh = true };
	struct rf_session_expires se = { 1000, UAC };
	struct rf_stimer s;
	struct rf_mono now = t0;
	unsigned tries = 0;

	(void)state;
	rf_stimer_init(&s);
	rf_stimer_asked_2xx(&s, &p, &se, t0);
	for (;;) {
		assert_true(rf_stimer_next(&s).us > now.us || tries == 0);
		now = rf_stimer_next(&s);
		enum rf_stimer_verdict v = rf_stimer_step(&s, now);
		if (v == RF_STIMER_EXPIRED)
			break;
		assert_int_equal(v, RF_STIMER_REFRESH);
		rf_stimer_asked_failed(&s, now);
		assert_true(++tries < 60);
	}
	assert_true(tries > 3);
	assert_true(now.us == rf_mono_add_ms(t0, 968000).us);
}

static void test_422(void **state)
{
	struct rf_stimer_policy p = { .want_s = 600, .min_s = 90 };
	struct rf_stimer s;

	(void)state;
	rf_stimer_init(&s);
	assert_int_equal(rf_stimer_asked_422(&s, &p, 1800), 0);
	struct rf_stimer_ask ask = rf_stimer_ask(&s, &p);
	assert_true(ask.se.interval_s == 1800 && ask.min_s == 1800);
	assert_int_equal(rf_stimer_asked_422(&s, &p, 1800), RF_E_LIMIT); /* it said that before */
	assert_int_equal(rf_stimer_asked_422(&s, &p, 90), RF_E_LIMIT);
	assert_int_equal(rf_stimer_asked_422(&s, &p, RF_STIMER_CEILING_S + 1), RF_E_LIMIT);
	assert_int_equal(rf_stimer_asked_422(&s, &p, RF_STIMER_CEILING_S), 0);
}

static void test_peer_without_timers(void **state)
{
	struct rf_stimer_policy p = { .want_s = 600, .min_s = 90 };
	struct rf_stimer s;

	(void)state;
	rf_stimer_init(&s);
	rf_stimer_asked_2xx(&s, &p, NULL, t0);
	assert_false(s.active);
	p.alone = true;
	rf_stimer_asked_2xx(&s, &p, NULL, t0);
	assert_true(s.active && s.we_refresh && s.interval_s == 600);
	p.want_s = 0;
	assert_true(rf_stimer_ask(&s, &p).present); /* it runs: a refresh says so */
	rf_stimer_init(&s);
	assert_false(rf_stimer_ask(&s, &p).present);
}

static void test_headers(void **state)
{
	static const struct {
		const char *lines;
		int rc;
		struct rf_stimer_request req;
	} cases[] = {
		{ "", 0, { false, false, { 0, NONE }, 0 } },
		{ "Supported: 100rel, timer\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 120\r\n",
		  0,
		  { true, true, { 1800, UAC }, 120 } },
		{ "Require: timer\r\nx: 90 ; refresher=UAS\r\n", 0, { true, true, { 90, UAS }, 0 } },
		{ "Session-Expires: 1800;foo\r\n", 0, { false, true, { 1800, NONE }, 0 } },
		{ "Session-Expires: -1\r\n", RF_E_MALFORMED, { 0 } },
		{ "Min-SE: x\r\n", RF_E_MALFORMED, { 0 } },
	};
	static struct rf_sip_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[512];
		struct rf_stimer_request req;
		int n = snprintf(
			text, sizeof text,
			"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:c@d>;tag=1\r\n"
			"To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%s\r\n",
			cases[i].lines);

		assert_int_equal(rf_sip_msg_parse(&m, rf_view_of(text, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
		assert_int_equal(rf_stimer_request_of(&m, &req), cases[i].rc);
		if (cases[i].rc)
			continue;
		assert_true(req.supported == cases[i].req.supported && req.present == cases[i].req.present &&
			    req.min_s == cases[i].req.min_s);
		assert_true(!req.present || (req.se.interval_s == cases[i].req.se.interval_s &&
					     req.se.refresher == cases[i].req.se.refresher));
	}
	struct rf_writer w;
	char text[64];
	struct rf_session_expires se = { 1800, UAS };
	rf_writer_init(&w, text, sizeof text);
	rf_session_expires_put(&w, &se);
	assert_true(rf_view_eq(rf_view_of(text, w.n), RF_V("1800;refresher=uas")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refresher_and_watcher),
		cmocka_unit_test(test_short_interval_ends_a_third_early),
		cmocka_unit_test(test_refresh_that_fails),
		cmocka_unit_test(test_422),
		cmocka_unit_test(test_peer_without_timers),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

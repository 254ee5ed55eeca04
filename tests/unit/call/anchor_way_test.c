/* What each leg said about keys, and what the relay is asked because of it. */
#include "call/anchor_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LIVE = RF_SDP_LINE_LIVE, DTLS = RF_SDP_LINE_DTLS, SDES = RF_SDP_LINE_SDES };

static void learned(void **state)
{
	static const struct {
		const char *what;
		struct rf_sdp_line line[2];
		size_t n;
		struct rf_way way;
	} rows[] = {
		{ "a phone", { { .proto = RF_SDP_RTP_SAVP, .flags = LIVE | SDES } }, 1, { false, false } },
		{ "a browser", { { .proto = RF_SDP_UDP_TLS_RTP_SAVPF, .flags = LIVE | DTLS } }, 1, { true, true } },
		{ "a phone with DTLS", { { .proto = RF_SDP_UDP_TLS_RTP_SAVP, .flags = LIVE | DTLS } }, 1, { true, false } },
		{ "the old name", { { .proto = RF_SDP_RTP_SAVPF, .flags = LIVE | DTLS } }, 1, { true, true } },
		{ "both", { { .proto = RF_SDP_RTP_SAVP, .flags = LIVE | DTLS | SDES } }, 1, { false, false } },
		{ "plain", { { .proto = RF_SDP_RTP_AVP, .flags = LIVE } }, 1, { false, false, true } },
		{ "the first is off", { { .proto = RF_SDP_RTP_SAVP }, { .proto = RF_SDP_UDP_TLS_RTP_SAVPF, .flags = LIVE | DTLS } }, 2,
		  { true, true } },
		{ "fax under DTLS says nothing", { { .proto = RF_SDP_UDPTL_DTLS, .flags = LIVE | DTLS } }, 1, { false, false } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_sdp_summary s = { .n_lines = (uint8_t)rows[i].n };
		struct rf_way way = { false, false };

		memcpy(s.lines, rows[i].line, sizeof rows[i].line);
		rf_way_learn(&way, &s);
		if (way.dtls != rows[i].way.dtls || way.feedback != rows[i].way.feedback ||
		    way.plain != rows[i].way.plain)
			fail_msg("%s: dtls %d, feedback %d, plain %d", rows[i].what, way.dtls, way.feedback, way.plain);
	}
}

static void a_line_that_is_off_changes_nothing(void **state)
{
	struct rf_sdp_summary s = { .n_lines = 1, .lines = { { .proto = RF_SDP_RTP_SAVP } } };
	struct rf_way way = { true, true };

	(void)state;
	rf_way_learn(&way, &s);
	assert_true(way.dtls && way.feedback);
}

static void asked(void **state)
{
	static const struct rf_sdp_policy must = { .encrypted_required = true }, may = { .encrypted_required = false };
	static struct rf_sdp_summary before;
	static const struct rf_way keys = { false, false }, browser = { true, true }, phone = { true, false },
				   plain = { .plain = true };
	const struct {
		const char *what;
		const struct rf_sdp_policy *policy;
		struct rf_way from, to;
		bool from_secure, to_secure, before;
		enum rf_ng_protocol protocol;
		enum rf_ng_ice ice;
		enum rf_ng_dtls dtls;
	} rows[] = {
		{ "phone to trunk", &must, keys, keys, true, true, false, RF_NG_RTP_SAVP, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_OFF },
		{ "phone to plain trunk", &must, keys, keys, true, false, false, RF_NG_RTP_AVP, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_OFF },
		{ "plain may be", &may, keys, keys, true, true, false, RF_NG_PROTOCOL_UNSET, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_OFF },
		{ "plain trunk to phone", &may, keys, keys, false, true, false, RF_NG_RTP_SAVP, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_OFF },
		{ "plain trunk to a phone that was plain", &may, keys, plain, false, true, true, RF_NG_RTP_AVP,
		  RF_NG_ICE_REMOVE, RF_NG_DTLS_OFF },
		{ "trunk to a phone that was plain", &may, keys, plain, true, true, true, RF_NG_RTP_AVP,
		  RF_NG_ICE_REMOVE, RF_NG_DTLS_OFF },
		{ "to one that was plain where it must not be", &must, keys, plain, false, true, true, RF_NG_RTP_SAVP,
		  RF_NG_ICE_REMOVE, RF_NG_DTLS_OFF },
		{ "browser to trunk", &must, browser, keys, true, true, false, RF_NG_RTP_SAVP, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_PASSIVE },
		{ "browser to trunk, plain may be", &may, browser, keys, true, true, false, RF_NG_RTP_SAVP,
		  RF_NG_ICE_REMOVE, RF_NG_DTLS_PASSIVE },
		{ "and again", &may, browser, keys, true, true, true, RF_NG_PROTOCOL_UNSET, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_PASSIVE },
		{ "browser to plain trunk", &may, browser, keys, true, false, false, RF_NG_RTP_AVP, RF_NG_ICE_REMOVE,
		  RF_NG_DTLS_PASSIVE },
		{ "trunk to browser", &must, keys, browser, true, true, false, RF_NG_DTLS_SAVPF, RF_NG_ICE_FORCE,
		  RF_NG_DTLS_PASSIVE },
		{ "plain trunk to browser", &may, keys, browser, false, true, true, RF_NG_DTLS_SAVPF, RF_NG_ICE_FORCE,
		  RF_NG_DTLS_PASSIVE },
		{ "trunk to a phone with DTLS", &must, keys, phone, true, true, true, RF_NG_DTLS_SAVP, RF_NG_ICE_FORCE,
		  RF_NG_DTLS_PASSIVE },
		{ "browser to browser", &must, browser, browser, true, true, true, RF_NG_DTLS_SAVPF, RF_NG_ICE_FORCE,
		  RF_NG_DTLS_PASSIVE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_side from = { .way = rows[i].from, .secure = rows[i].from_secure, .policy = *rows[i].policy };
		struct rf_side to = { .way = rows[i].to, .secure = rows[i].to_secure, .policy = *rows[i].policy };
		struct rf_ng_request offer = { .command = RF_NG_OFFER }, answer = { .command = RF_NG_ANSWER };

		to.media.last = rows[i].before ? &before : NULL;
		rf_way_put(&from, &to, &offer);
		rf_way_put(&from, &to, &answer);
		unsigned mux = !to.way.dtls ? 0 : to.way.feedback ? RF_NG_MUX_REQUIRE : RF_NG_MUX_OFFER;

		if (offer.mux != mux || answer.mux || offer.protocol != rows[i].protocol || offer.ice != rows[i].ice ||
		    offer.dtls != rows[i].dtls || answer.protocol != RF_NG_PROTOCOL_UNSET ||
		    answer.ice != rows[i].ice || answer.dtls != rows[i].dtls)
			fail_msg("%s: protocol %d, ice %d, dtls %d", rows[i].what, offer.protocol, offer.ice,
				 offer.dtls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learned),
		cmocka_unit_test(a_line_that_is_off_changes_nothing),
		cmocka_unit_test(asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Keys in the bodies of INFO: what phones and carriers write, every prefix of it, and what is none. */
#include "sip/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RELAY "application/dtmf-relay"
#define PLAIN "application/dtmf"

static void test_parse(void **state)
{
	static const struct {
		const char *type, *body;
		int rc;
		unsigned event, ms;
	} rows[] = {
		{ RELAY, "Signal=5\r\nDuration=160\r\n", 0, 5, 160 },
		{ RELAY, "Signal= #\r\nDuration= 250", 0, 11, 250 },
		{ "Application/DTMF-Relay; x=y", "duration=90\nsignal=*\n", 0, 10, 100 },
		{ RELAY, "Signal=11", 0, 11, 250 },
		{ RELAY, "Signal=d\r\nDuration=99999\r\nOther=1\r\n", 0, 15, 5000 },
		{ RELAY, "Signal=16", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Signal=01", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Signal=55", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Signal=", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Signal=1\r\nSignal=2\r\n", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Signal=1\r\nDuration=x\r\n", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "Duration=100\r\n", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "5", RF_E_MALFORMED, 0, 0 },
		{ RELAY, "", RF_E_MALFORMED, 0, 0 },
		{ PLAIN, "5", 0, 5, 250 },
		{ PLAIN, " 10 \r\n", 0, 10, 250 },
		{ PLAIN, "5\r\n6", RF_E_MALFORMED, 0, 0 },
		{ PLAIN, "x", RF_E_MALFORMED, 0, 0 },
		{ PLAIN, "", RF_E_MALFORMED, 0, 0 },
		{ "application/sdp", "5", RF_E_UNSUPPORTED, 0, 0 },
		{ "", "5", RF_E_UNSUPPORTED, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view body = rf_view_str(rows[i].body);
		struct rf_sip_key key;
		int rc = rf_sip_key_parse(rf_view_str(rows[i].type), body, &key);

		if (rc != rows[i].rc || (rc == 0 && (key.event != rows[i].event || key.ms != rows[i].ms)))
			fail_msg("row %zu: %d, key %u, %u ms", i, rc, key.event, key.ms);
		for (size_t n = 0; n < body.n; n++)
			if (rf_sip_key_parse(rf_view_str(rows[i].type), rf_view_sub(body, 0, n), &key) == 0)
				assert_true(key.event < 16 && key.ms >= RF_SIP_KEY_MS_MIN &&
					    key.ms <= RF_SIP_KEY_MS_MAX);
	}
}

static void test_bounds(void **state)
{
	char body[RF_SIP_KEY_BYTES_MAX + 2];
	struct rf_sip_key key;

	(void)state;
	memset(body, ' ', sizeof body);
	memcpy(body, "Signal=1\n", 9);
	assert_int_equal(rf_sip_key_parse(RF_V(RELAY), rf_view_of(body, RF_SIP_KEY_BYTES_MAX), &key), 0);
	assert_int_equal(rf_sip_key_parse(RF_V(RELAY), rf_view_of(body, RF_SIP_KEY_BYTES_MAX + 1), &key),
			 RF_E_MALFORMED);
	assert_int_equal(rf_sip_key_parse(RF_V(PLAIN), rf_view_of("\0", 1), &key), RF_E_MALFORMED);
}

static void test_put(void **state)
{
	(void)state;
	for (uint8_t event = 0; event < 16; event++) {
		struct rf_sip_key in = { event, 320 }, out;
		uint8_t text[64];
		struct rf_writer w;

		rf_writer_init(&w, text, sizeof text);
		rf_sip_key_put(&w, &in);
		assert_int_equal(w.err, 0);
		assert_int_equal(rf_sip_key_parse(RF_V(RELAY), rf_view_of(text, w.n), &out), 0);
		assert_int_equal(out.event, event);
		assert_int_equal(out.ms, 320);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a text would tell of the inside: addresses in all the ways that they are written, hosts by
 * name, and nothing else. */
#include "kit.h"

#include "call/border.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void tells(void **state)
{
	static const struct {
		const char *text;
		bool address, host;  /* address: or a host by its full name */
	} rows[] = {
		{ "", false, false },
		{ "billing=4711;rate=standard", false, false },
		{ "icid-value=\"a1b2\";icid-generated-at=198.51.100.7", false, false },
		{ "10.1.2.3", true, false },
		{ "x10.1.2.3:5060", true, false },
		{ "<sip:1001@10.1.2.3;transport=tls>", true, false },
		{ "at 172.16.0.1", true, false },
		{ "at 172.32.0.1", false, false },
		{ "192.168.255.255", true, false },
		{ "100.64.0.1", true, false },
		{ "169.254.9.9", true, false },
		{ "127.0.0.1", true, false },
		{ "version 1.2.3", false, false },
		{ "1.10.2.3.4", true, false },
		{ "300.1.2.3", false, false },
		{ "0010.1.2.3", false, false },
		{ "10.1.2.", false, false },
		{ "[fd00::1]:5060", true, false },
		{ "fd12:3456::9", true, false },
		{ "host fe80::1%eth0", true, false },
		{ "::1", true, false },
		{ "a:fd00::1", true, false },
		{ "2001:db8::1", false, false },
		{ "::ffff:10.0.0.1", true, false },
		{ "[::ffff:a14:b]", true, false },
		{ "::ffff:c633:6407", false, false },
		{ "64:ff9b::c0a8:101", true, false },
		{ "::a01:203", true, false },
		{ "12:34:56", false, false },
		{ "ctl", false, true },
		{ "via CTL.voice.example.org", true, true },
		{ "<contact>sip:1001@ctl.voice.example.org:5061</contact>", true, true },
		{ "ctl.voice.example.or", false, true },
		{ "xctl.voice.example.org", false, false },
		{ "1001@voice.example.org", false, false },
		{ "control", false, false },
		{ "ctl-2", false, false },
	};
	struct kit *k = kit_new_with("minimum", "");
	const struct rf_site *site = rf_core_site(k->core);

	(void)state;
	assert_true(site->host_count > 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = rf_view_str(rows[i].text);
		bool host = rows[i].host && rf_view_eq(site->hosts[0].name, RF_V("ctl"));

		if ((rf_border_tells(site, v, false) != NULL) != rows[i].address)
			fail_msg("%s: %s", rows[i].text, rows[i].address ? "passes" : "is held to be an address");
		if (rf_view_eq(site->hosts[0].name, RF_V("ctl")) &&
		    (rf_border_tells(site, v, true) != NULL) != (rows[i].address || host))
			fail_msg("%s, with names", rows[i].text);
		for (size_t n = 0; n < v.n; n++) /* every prefix is read without a step too far */
			rf_border_tells(site, rf_view_sub(v, 0, n), true);
	}
	uint8_t name[64];
	struct rf_writer w;

	rf_writer_init(&w, name, sizeof name);
	rf_put_lit(&w, "at ");
	rf_put(&w, site->hosts[0].name);
	rf_put_lit(&w, ".");
	assert_non_null(rf_border_tells(site, rf_view_of(name, w.n), true));
	assert_null(rf_border_tells(site, rf_view_of(name, w.n), false));
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

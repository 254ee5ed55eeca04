/* Which 5-tuples a border or relay may have opened: all that the site's flows with pinholes permit,
 * and nothing beside. */
#include "role/wall_right.h"
#include "role/wall_line.h"

#include "policy/kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char site_text[] =
	"site: house\ndomain: voice.example.org\nlevel: medium\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24, subnet6: \"fd00:20::/64\" }\n"
	"  phone: { vlan: 30, subnet: 10.30.0.0/24, subnet6: \"fd00:30::/64\" }\n"
	"  admin: { vlan: 50, subnet: 10.50.0.0/24 }\n"
	"  border: { vlan: 60, subnet: 10.60.0.0/24, subnet6: \"fd00:60::/64\" }\n"
	"  internet: { gateway: 192.0.2.1 }\n"
	"hosts:\n"
	"  - { name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller, provision] }\n"
	"  - { name: edge, zone: border, address: 10.60.0.11, address6: \"fd00:60::11\", roles: border }\n"
	"  - { name: relay, zone: border, address: 10.60.0.12, address6: \"fd00:60::12\", roles: relay }\n"
	"  - { name: relay-b, zone: border, address: 10.60.0.13, roles: relay }\n"
	"  - { name: desk, zone: admin, address: 10.50.0.101, services: workstation }\n"
	"routers:\n"
	"  - { name: rt, interfaces: [{ zone: server }, { zone: phone }, { zone: admin }, { zone: border },\n"
	"      { zone: internet, address: 192.0.2.2 }] }\n"
	"trunks:\n"
	"  - { name: carrier, peer: 198.51.100.7, transport: tls, channels: 30 }\n"
	"  - { name: named, peer: sip.named.example, addresses: [\"198.51.100.64/28\"] }\n"
	"limits: { external_calls: 30 }\n";

struct world {
	struct rf_site *site;
	struct rf_flows flows;
};

static int set_up(void **state)
{
	static struct world w;
	struct rf_findings findings;

	rf_findings_init(&findings);
	w.site = kit_site(site_text, &findings);
	assert_non_null(w.site);
	rf_findings_fini(&findings);
	w.flows = kit_flows(w.site);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	rf_flows_fini(&w->flows);
	rf_site_put(w->site);
	return 0;
}

static bool may(const struct world *w, const char *host, const char *tuple, const char **ret_refused)
{
	struct rf_wall_request r;
	const char *rule = "";
	char line[256];
	int n = snprintf(line, sizeof line, "1 close %s", tuple);

	assert_int_equal(rf_wall_line_parse(rf_view_of(line, (size_t)n), &r, &rule), 0);
	*ret_refused = NULL;
	bool is = rf_wall_may_open(&w->flows, rf_site_host(w->site, rf_view_str(host)), &r.tuples[0], ret_refused);
	assert_true(is == !*ret_refused); /* a rule is named for each refusal */
	return is;
}

static void what_is_permitted(void **state)
{
	static const char *const tuples[] = {
		"udp/10.60.0.12/16384/10.30.0.50/32767",  "udp/10.30.0.50/16384/10.60.0.12/16384",
		"udp/10.60.0.12/32767/198.51.100.7/1024", "udp/198.51.100.7/65535/10.60.0.12/16384",
		"udp/fd00:60::12/20000/fd00:30::9/20002", "udp/10.60.0.12/20000/203.0.113.9/30000",
		/* connections: the others have whatever port they like */
		"tcp/10.60.0.12/20000/198.51.100.7/30000", "tcp/198.51.100.7/1024/10.60.0.12/16384",
		"tcp/10.60.0.12/16384/10.30.0.50/65535", "tcp/10.30.0.50/40000/10.60.0.12/20000",
		"tcp/fd00:60::12/20000/fd00:30::9/2855",
		/* openings */
		"tcp/198.51.100.7/any/10.60.0.12/16384",
		"udp/198.51.100.7/any/10.60.0.12/32767",
		"tcp/10.30.0.50/any/10.60.0.12/20000",
		"tcp/fd00:30::9/any/fd00:60::12/20000",
	};
	const char *rule;

	for (size_t i = 0; i < sizeof tuples / sizeof *tuples; i++) {
		if (!may(*state, "relay", tuples[i], &rule))
			fail_msg("%s: %s", tuples[i], rule);
		assert_true(may(*state, "edge", tuples[i], &rule)); /* a border speaks for relays */
		assert_false(may(*state, "relay-b", tuples[i], &rule)); /* a relay for itself */
		assert_non_null(strstr(rule, "the host's own"));
		assert_false(may(*state, "ctl-a", tuples[i], &rule));
	}
}

static void what_is_not(void **state)
{
	static const char *const tuples[] = {
		/* ports at and past their bounds */
		"udp/10.60.0.12/16383/10.30.0.50/20000", "udp/10.60.0.12/20000/10.30.0.50/32768",
		"udp/10.60.0.12/20000/198.51.100.7/1023", "udp/10.60.0.12/32768/198.51.100.7/30000",
		/* protocol, zones, ends */
		"tcp/10.60.0.12/16383/198.51.100.7/30000", "tcp/10.60.0.12/20000/198.51.100.7/1023",
		"tcp/10.60.0.12/20000/10.20.0.11/20000", "udp/10.60.0.12/20000/10.20.0.11/20000",
		/* openings: to what is not ours, past the ports of media, from where no flow comes */
		"tcp/10.60.0.12/any/198.51.100.7/30000", "udp/10.60.0.12/any/10.30.0.50/20000",
		"udp/198.51.100.7/any/10.60.0.12/16383", "tcp/198.51.100.7/any/10.60.0.12/32768",
		"tcp/10.20.0.11/any/10.60.0.12/20000",
		"udp/10.30.0.50/any/198.51.100.7/20000",
		"udp/10.30.0.50/any/10.60.0.12/20000", /* no NAT of others stands inside */
		"udp/0.0.0.0/any/10.60.0.12/20000", "udp/224.0.0.1/any/10.60.0.12/20000",
		"udp/10.60.0.12/20000/10.50.0.101/20000", "udp/10.30.0.50/20000/198.51.100.7/20000",
		"udp/10.60.0.66/20000/198.51.100.7/30000", "udp/10.60.0.12/20000/10.60.0.13/20000",
		"udp/fd00:60::66/20000/fd00:30::9/20002", "udp/fd00:60::12/20000/fd00:20::11/20002",
		/* what no machine has */
		"udp/10.60.0.12/20000/224.0.0.1/30000", "udp/10.60.0.12/20000/239.255.255.255/30000",
		"udp/10.60.0.12/20000/255.255.255.255/30000", "udp/10.60.0.12/20000/127.0.0.1/30000",
		"udp/10.60.0.12/20000/0.0.0.1/30000", "udp/10.60.0.12/20000/169.254.1.1/30000",
		"udp/fd00:60::12/20000/::1/30000", "udp/fd00:60::12/20000/::/30000",
		"udp/fd00:60::12/20000/ff02::1/30000",
		"udp/fd00:60::12/20000/fe80::1/30000",
	};

	const char *rule;

	for (size_t i = 0; i < sizeof tuples / sizeof *tuples; i++) {
		if (may(*state, "relay", tuples[i], &rule) || may(*state, "edge", tuples[i], &rule))
			fail_msg("%s", tuples[i]);
	}
}

static void who_may_be_blocked(void **state)
{
	static const struct {
		const char *host, *address;
		bool may;
	} t[] = {
		{ "edge", "203.0.113.9", true }, { "edge", "2001:db8::9", true },
		{ "relay", "203.0.113.9", false }, { "ctl-a", "203.0.113.9", false },   /* no border */
		/* inside */
		{ "edge", "10.20.0.11", false }, { "edge", "10.60.0.11", false }, { "edge", "fd00:30::9", false },
		{ "edge", "198.51.100.7", false }, { "edge", "198.51.100.65", false },  /* trunks */
		{ "edge", "198.51.100.80", true },
		{ "edge", "192.0.2.1", false },                                         /* the way out */
		{ "edge", "127.0.0.1", false }, { "edge", "0.0.0.0", false }, { "edge", "224.0.0.1", false },
		{ "edge", "::1", false }, { "edge", "fe80::1", false }, { "edge", "ff02::1", false },
	};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct rf_wall_request r;
		const char *rule = "";
		char line[128];
		int n = snprintf(line, sizeof line, "1 block 60 %s", t[i].address);

		assert_int_equal(rf_wall_line_parse(rf_view_of(line, (size_t)n), &r, &rule), 0);
		if (rf_wall_may_block(w->site, rf_site_host(w->site, rf_view_str(t[i].host)), &r.tuples[0]) != t[i].may)
			fail_msg("%s by %s", t[i].address, t[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_permitted), cmocka_unit_test(what_is_not),
					    cmocka_unit_test(who_may_be_blocked) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

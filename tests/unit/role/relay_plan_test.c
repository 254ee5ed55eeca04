/* What a site's host does as a relay, how workers share its ports, and which walls stand around it. */
#include "role/pinhole.h"
#include "role/relay.h"

#include "policy/flow.h"
#include "policy/kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "site: house\ndomain: voice.example.org\n"
#define ZONES \
	"zones:\n" \
	"  server: { vlan: 20, subnet: 10.20.0.0/24 }\n" \
	"  phone: { vlan: 30, subnet: 10.30.0.0/24 }\n" \
	"  admin: { vlan: 50, subnet: 10.50.0.0/24, subnet6: \"fd00:50::/64\" }\n" \
	"  border: { vlan: 60, subnet: 10.60.0.0/24, subnet6: \"fd00:60::/64\" }\n" \
	"  internet: { gateway: 192.0.2.1 }\n"
#define ROUTER \
	"routers:\n" \
	"  - { name: rt, interfaces: [{ zone: server }, { zone: phone }, { zone: admin }, { zone: border },\n" \
	"      { zone: internet, address: 192.0.2.2 }] }\n"

static struct rf_site *site_of(const char *text)
{
	struct rf_findings findings;

	rf_findings_init(&findings);
	struct rf_site *site = kit_site(text, &findings);
	assert_non_null(site);
	rf_findings_fini(&findings);
	return site;
}

static const struct rf_site_host *host_of(const struct rf_site *site, const char *name)
{
	const struct rf_site_host *h = rf_site_host(site, rf_view_str(name));

	assert_non_null(h);
	return h;
}

static void assert_addr(const struct rf_addr *a, const char *text)
{
	char is[RF_ADDR_TEXT];

	assert_string_equal(rf_addr_text(a, is), text);
}

static const char with_all[] = HEAD "level: medium\n" ZONES
	"hosts:\n"
	"  - { name: ctl-a, zone: server, address: 10.20.0.11, roles: controller }\n"
	"  - { name: edge, zone: border, address: 10.60.0.11, roles: border }\n"
	"  - { name: relay, zone: border, address: 10.60.0.12, address6: \"fd00:60::12\", roles: relay,\n"
	"      outside: { address: 10.60.0.112, advertised: 203.0.113.9 } }\n"
	"  - { name: rt, zone: admin, address: 10.50.0.1, address6: \"fd00:50::1\", roles: wall }\n" ROUTER
	"network: { media_ports: 20000-20999 }\n"
	"relay: { workers: 3, ng: [127.0.0.1, 10.60.0.12], ng_port: 22222, peers: 10.60.0.20, silence: 90 }\n";

static void everything_said(void **state)
{
	struct rf_site *site = site_of(with_all);
	struct rf_anchor_plan p;
	struct rf_diag diag;

	(void)state;
	assert_int_equal(rf_anchor_plan_site(site, host_of(site, "relay"), &p, &diag), 0);
	assert_int_equal(p.n_interfaces, 3);
	assert_string_equal(p.interfaces[0].name, "inside");
	assert_addr(&p.interfaces[0].local, "10.60.0.12:0");
	assert_int_equal(p.interfaces[0].advertised.family, 0);
	assert_addr(&p.interfaces[1].local, "[fd00:60::12]:0");
	assert_string_equal(p.interfaces[2].name, "outside");
	assert_true(p.interfaces[2].outer && !p.interfaces[0].outer);
	assert_addr(&p.interfaces[2].local, "10.60.0.112:0");
	assert_addr(&p.interfaces[2].advertised, "203.0.113.9:0");
	assert_int_equal(p.interfaces[2].port_first, 20000);
	assert_int_equal(p.interfaces[2].port_last, 20999);
	assert_int_equal(p.n_tls, 2);
	assert_addr(&p.tls[0], "10.60.0.12:2223");
	assert_addr(&p.tls[1], "[fd00:60::12]:2223");
	assert_int_equal(p.n_udp, 2);
	assert_addr(&p.udp[1], "10.60.0.12:22222");
	assert_int_equal(p.n_peers, 1);
	assert_int_equal(p.workers, 3);
	assert_int_equal(p.policy.silence_ms, 90000);
	assert_false(p.policy.plain_allowed);
	assert_true(p.policy.suites & 1u << RF_SRTP_AEAD_AES_256_GCM);
	assert_false(p.policy.suites & 1u << RF_SRTP_NONE);
	assert_string_equal(p.user, "ringfort");
	rf_site_put(site);
}

/* A border on the same host speaks over the Unix socket; nobody else is heard. */
static void nothing_said(void **state)
{
	struct rf_site *site = site_of(HEAD "level: highest\n" ZONES
		"hosts:\n"
		"  - { name: ctl-a, zone: server, address: 10.20.0.11, roles: controller }\n"
		"  - { name: edge, zone: border, address: 10.60.0.11, roles: [border, relay] }\n");
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];
	struct rf_anchor_plan p;
	struct rf_diag diag;

	(void)state;
	assert_int_equal(rf_anchor_plan_site(site, host_of(site, "edge"), &p, &diag), 0);
	assert_int_equal(p.n_tls + p.n_udp + p.n_tcp, 0);
	assert_int_equal(p.n_interfaces, 2);
	assert_addr(&p.interfaces[1].local, "10.60.0.11:0");
	assert_int_equal(p.policy.silence_ms, 60000);
	assert_int_equal(p.policy.suites & 1u << RF_SRTP_AES_CM_128_HMAC_SHA1_80, 0);
	assert_int_equal(rf_pinholes_walls_of(site, host_of(site, "edge"), walls), 0);
	assert_int_equal(rf_anchor_plan_site(site, NULL, &p, &diag), RF_E_INVALID);
	rf_site_put(site);
}

/* Where a trunk is spoken to in clear, a leg may be plain. */
static void beside_a_plain_trunk(void **state)
{
	struct rf_site *site = site_of(HEAD "level: minimum\n" ZONES
		"hosts: [{ name: edge, zone: border, address: 10.60.0.11, roles: [border, relay] }]\n"
		"trunks: [{ name: old, peer: 192.0.2.7, transport: udp }]\n"
		"deviations: [{ mitigation: pub-encrypt-voip, trunks: [old], reason: \"an old carrier\", approved_by: us, until: 2099-12-31 }]\n");
	struct rf_anchor_plan p;
	struct rf_diag diag;

	(void)state;
	assert_int_equal(rf_anchor_plan_site(site, host_of(site, "edge"), &p, &diag), 0);
	assert_true(site->policy.media_encrypted && p.policy.plain_allowed);
	rf_site_put(site);
}

static void walls_around(void **state)
{
	struct rf_site *site = site_of(with_all);
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];

	(void)state;
	assert_int_equal(rf_pinholes_walls_of(site, host_of(site, "relay"), walls), 1);
	assert_string_equal(walls[0].name, "rt");
	assert_string_equal(walls[0].proves, "10.50.0.1 fd00:50::1");
	assert_addr(&walls[0].at[0], "10.60.0.1:2224");
	assert_addr(&walls[0].at[1], "[fd00:60::1]:2224");
	/* Not in a zone of kind border: no wall listens there. */
	assert_int_equal(rf_pinholes_walls_of(site, host_of(site, "ctl-a"), walls), 0);
	rf_site_put(site);
}

static void more_walls_than_fit(void **state)
{
	static char text[16384];
	size_t n = (size_t)snprintf(text, sizeof text, HEAD "level: minimum\n" ZONES "hosts:\n"
				    "  - { name: relay, zone: border, address: 10.60.0.12, roles: relay }\n");
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];

	(void)state;
	for (unsigned i = 0; i <= RF_PIN_WALLS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "  - { name: rt%u, zone: admin, address: 10.50.0.%u, roles: wall }\n", i, 20 + i);
	n += (size_t)snprintf(text + n, sizeof text - n, "routers:\n");
	for (unsigned i = 0; i <= RF_PIN_WALLS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "  - { name: rt%u, interfaces: [{ zone: admin, address: 10.50.0.%u },"
				      " { zone: border, address: 10.60.0.%u }] }\n",
				      i, 20 + i, 100 + i);
	struct rf_site *site = site_of(text);
	assert_int_equal(rf_pinholes_walls_of(site, host_of(site, "relay"), walls), RF_E_LIMIT);
	rf_site_put(site);
}

static void shares_of_ports(void **state)
{
	static const struct { uint16_t first, last; unsigned n;
	} t[] = {
		{ 30000, 40000, 1 }, { 30000, 40000, 2 }, { 30001, 40000, 3 }, { 1024, 65535, 32 },
		{ 20000, 20003, 2 }, { 20000, 20999, 7 }, { 65534, 65535, 1 },
	};
	uint16_t first, last;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		unsigned next = (t[i].first + 1u) & ~1u, least = 65536, most = 0;

		for (unsigned k = 0; k < t[i].n; k++) {
			assert_true(rf_anchor_ports(t[i].first, t[i].last, k, t[i].n, &first, &last));
			assert_int_equal(first, next); /* none is left out, none belongs to two */
			assert_int_equal(first % 2, 0);
			assert_int_equal(last % 2, 1);
			assert_true(last > first && last <= t[i].last);
			unsigned mine = (unsigned)last - first;
			least = mine < least ? mine : least;
			most = mine > most ? mine : most;
			next = last + 1u;
		}
		assert_true(most - least <= 2);
		assert_true(t[i].last + 1u - next <= 1);
	}
	assert_false(rf_anchor_ports(20000, 20003, 0, 3, &first, &last));
	assert_false(rf_anchor_ports(20001, 20002, 0, 1, &first, &last));
	assert_false(rf_anchor_ports(65535, 65535, 0, 1, &first, &last));
}

static const char with_trunks[] = HEAD "level: medium\n" ZONES
	"trunks: [{ name: pbx, peer: 10.20.0.41, certificate: pbx.example }, "
	"{ name: old, peer: pbx.example, addresses: [10.20.0.42] }]\n";

/* To whom no outer port of a relay sends, whatever a description says. */
static void who_is_inside(void **state)
{
	static const struct {
		const char *at;
		bool inside;
	} t[] = {
		{ "10.20.0.11", true },  { "10.30.0.255", true }, { "10.50.0.1", true },     { "fd00:50::9", true },
		{ "10.60.0.12", false }, { "10.31.0.1", false },  { "fd00:60::12", false },  { "192.0.2.1", false },
		{ "0.0.0.0", false },    { "::", false },         { "203.0.113.9", false },
	};
	struct rf_site *site = site_of(with_all), *same = site_of(with_all), *gateway = site_of(with_trunks);
	struct rf_site *other = site_of(HEAD "level: medium\nzones:\n  server: { vlan: 20, subnet: 10.20.0.0/23 }\n");
	struct rf_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(rf_addr_parse(rf_view_str(t[i].at), 0, &a), 0);
		assert_int_equal(rf_anchor_inside(site, &a), t[i].inside);
	}
	a = (struct rf_addr){ 0 };
	assert_false(rf_anchor_inside(site, &a));
	assert_true(rf_anchor_same_inside(site, same));
	/* a trunk is where it is said to be, and nowhere else */
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(rf_addr_parse(RF_V("10.20.0.40"), 0, &a), 0);
		a.ip[3] = (uint8_t)(a.ip[3] + i);
		assert_int_equal(rf_anchor_inside(gateway, &a), i == 0 || i == 3);
		assert_true(rf_anchor_inside(site, &a));
	}
	assert_false(rf_anchor_same_inside(site, gateway));
	assert_false(rf_anchor_same_inside(gateway, site));
	rf_site_put(gateway);
	assert_false(rf_anchor_same_inside(site, other));
	rf_site_put(other);
	rf_site_put(same);
	rf_site_put(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_said), cmocka_unit_test(beside_a_plain_trunk),
		cmocka_unit_test(nothing_said), cmocka_unit_test(walls_around), cmocka_unit_test(more_walls_than_fit),
		cmocka_unit_test(shares_of_ports), cmocka_unit_test(who_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Switches of three languages from one site: what stands on a port, and what a link carries. */
#include "emit/emit.h"

#include <stdio.h>
#include <stdlib.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static const char yaml[] =
	"site: s\ndomain: s.example\nlevel: medium\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24 }\n"
	"  phone:  { vlan: 30, subnet: 10.30.0.0/24, subnet6: \"2001:db8:30::/64\" }\n"
	"  rooms:  { kind: phone, vlan: 31, subnet: 10.31.0.0/24 }\n"
	"  admin:  { vlan: 50, subnet: 10.50.0.0/24 }\n"
	"  data:   { vlan: 80, subnet: 10.80.0.0/24 }\n"
	"hosts:\n"
	"  - { name: ctl, zone: server, address: 10.20.0.11, roles: controller, mac: \"00:00:5e:00:53:11\", switch: ios, port: Gi1/0/40 }\n"
	"  - { name: log, zone: admin, address: 10.50.0.12, services: log }\n"
	"  - { name: time, zone: admin, address: 10.50.0.13, services: ntp }\n"
	"  - { name: auth, zone: admin, address: 10.50.0.14, services: radius }\n"
	"  - { name: desk, zone: admin, address: 10.50.0.101, services: workstation }\n"
	"routers:\n"
	"  - { name: r, kind: linux, interfaces: [ { zone: server }, { zone: phone }, { zone: rooms }, { zone: admin }, { zone: data } ] }\n"
	"switches:\n"
	"  - { name: ios, kind: ios-xe, zone: admin, address: 10.50.0.31, ports: [ { name: Gi1/0/1-2, zone: phone }, { name: Gi1/0/3, zone: data },\n"
	"      { name: Gi1/0/9, use: unused }, { name: Gi1/0/40, zone: server }, { name: Te1/1/1, to: r }, { name: Te1/1/2, to: eos } ] }\n"
	"  - { name: eos, kind: eos, zone: admin, address: 10.50.0.32, ports: [ { name: Et1-2, zone: rooms }, { name: Et48, to: ios }, { name: Et47, to: junos } ] }\n"
	"  - { name: junos, kind: junos, zone: admin, address: 10.50.0.33, ports: [ { name: ge-0/0/0, zone: phone }, { name: ge-0/0/9, use: unused }, { name: xe-0/2/0, to: eos } ] }\n"
	"locations:\n  here: { building: A, address: B }\n"
	"network: { dot1x: true }\n"
	"phones:\n"
	"  - { name: p1, number: 1001, location: here, mac: \"00:00:5e:00:54:01\", switch: ios, port: Gi1/0/1 }\n"
	"  - { name: p2, number: 1002, location: here, mac: \"00:00:5e:00:54:02\", switch: eos, port: Et1 }\n"
	"  - { name: p3, number: 1003, location: here, mac: \"00:00:5e:00:54:03\", switch: junos, port: ge-0/0/0 }\n";

struct world {
	struct rf_site *site;
	struct rf_flows flows;
	struct rf_bundle bundle;
};

static int begin(void **state)
{
	static rf_emitter *const emitters[] = { rf_emit_ios, rf_emit_eos, rf_emit_junos };
	static const uint8_t seed[RF_EMIT_SEED] = { 1 };
	struct world *w = calloc(1, sizeof *w);
	struct rf_findings f;

	*state = w;
	rf_findings_init(&f);
	int rc = rf_site_parse(rf_view_str(yaml), (struct rf_view){ 0 }, "site.yaml", (struct rf_wall){ 0 }, &f,
			       &w->site);
	if (rc)
		rf_findings_print(&f, stderr);
	rf_findings_fini(&f);
	w->flows.site = w->site;
	return rc ? rc :
		    rf_bundle_make_by(emitters, 3, w->site, &w->flows, NULL, (struct rf_view){ seed, sizeof seed },
				      NULL, NULL, &w->bundle);
}

static int end(void **state)
{
	struct world *w = *state;

	rf_bundle_fini(&w->bundle);
	rf_site_put(w->site);
	free(w);
	return 0;
}

static const char *file(const struct world *w, const char *path)
{
	for (size_t i = 0; i < w->bundle.n; i++)
		if (strcmp(w->bundle.files[i].path, path) == 0)
			return (const char *)w->bundle.files[i].bytes.p;
	fail_msg("no file %s", path);
	return NULL;
}

/* The text from the line `head` to the next line that begins no deeper. */
static bool says(const char *text, const char *head, const char *line)
{
	const char *at = strstr(text, head), *stop = at ? strstr(at, "\n!") : NULL,
		   *found = at ? strstr(at, line) : NULL;

	return found && (!stop || found < stop);
}

static void ios(void **state)
{
	const char *t = file(*state, "switches/ios/ios-xe.cfg");
	const char *port = "\ninterface GigabitEthernet1/0/1\n description phone p1 1001\n";

	assert_true(says(t, port, " switchport access vlan 30\n"));
	assert_true(says(t, port, " switchport port-security mac-address 0000.5e00.5401\n"));
	assert_true(says(t, port, " ip verify source mac-check\n"));
	assert_true(says(t, port, " authentication port-control auto\n"));
	assert_false(says(t, "\ninterface GigabitEthernet1/0/3\n", " authentication port-control auto\n"));
	assert_true(says(t, "\ninterface GigabitEthernet1/0/3\n", " service-policy input rf-data-in\n"));
	assert_true(says(t, "\ninterface GigabitEthernet1/0/9\n", " shutdown\n"));
	assert_true(says(t, "\ninterface TenGigabitEthernet1/1/1\n", " switchport trunk allowed vlan 20,30,31,50,80\n"));
	/* Rooms and phones are on both sides or behind the router; servers and data are on this side only. */
	assert_true(says(t, "\ninterface TenGigabitEthernet1/1/2\n", " switchport trunk allowed vlan 30,31,50\n"));
	assert_non_null(strstr(t, "ip source binding 0000.5e00.5401 vlan 30 10.30.0."));
	assert_non_null(strstr(t, "ip source binding 0000.5e00.5311 vlan 20 10.20.0.11 interface "
				  "GigabitEthernet1/0/40\n"));
	assert_non_null(strstr(t, "logging host 10.50.0.12 transport tls port 6514"));
	assert_non_null(strstr(t, "ip access-list standard rf-desks\n permit host 10.50.0.101\n deny any log\n"));
	assert_null(strstr(t, RF_EMIT_NO_SECRET));
}

static void eos(void **state)
{
	const char *t = file(*state, "switches/eos/eos.cfg");

	assert_true(says(t, "\ninterface Ethernet1\n   description phone p2 1002\n", "   switchport access vlan 31\n"));
	assert_true(says(t, "\ninterface Ethernet1\n", "   dot1x port-control auto\n"));
	assert_true(says(t, "\ninterface Ethernet48\n", "   switchport trunk allowed vlan 30,31,50\n"));
	assert_true(says(t, "\ninterface Ethernet47\n", "   switchport trunk allowed vlan 30,50\n"));
	assert_non_null(strstr(t, "mac address-table static 0000.5e00.5402 vlan 31 interface Ethernet1\n"));
}

static void junos(void **state)
{
	const char *t = file(*state, "switches/junos/junos.set");

	assert_non_null(strstr(t, "set interfaces ge-0/0/0 unit 0 family ethernet-switching vlan members phone\n"));
	assert_non_null(strstr(t, "set interfaces ge-0/0/9 disable\n"));
	assert_non_null(strstr(t, "set switch-options interface ge-0/0/0.0 static-mac 00:00:5e:00:54:03 vlan-id 30\n"));
	assert_non_null(strstr(t, "set interfaces xe-0/2/0 unit 0 family ethernet-switching vlan members admin\n"));
	assert_null(strstr(t, "vlan members rooms\n"));
	assert_non_null(strstr(t, "set firewall family inet filter rf-self term desks from source-address "
				  "10.50.0.101/32\n"));
}

static void secrets(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->bundle.n; i++)
		assert_int_equal(w->bundle.files[i].mode, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ios), cmocka_unit_test(eos), cmocka_unit_test(junos),
					    cmocka_unit_test(secrets) };

	return cmocka_run_group_tests(tests, begin, end);
}

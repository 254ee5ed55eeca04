#include "kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char head[] =
	"site: test\n"
	"domain: voice.example.org\n"
	"level: %s\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24, subnet6: \"2001:db8:0:20::/64\" }\n"
	"  phone: { vlan: 30, subnet: 10.30.0.0/24, subnet6: \"2001:db8:0:30::/64\" }\n"
	"  lobby: { kind: phone, vlan: 31, subnet: 10.31.0.0/24 }\n"
	"  gateway: { vlan: 40, subnet: 10.40.0.0/24 }\n"
	"  admin: { vlan: 50, subnet: 10.50.0.0/24, subnet6: \"2001:db8:0:50::/64\" }\n"
	"  border: { vlan: 60, subnet: 10.60.0.0/24, subnet6: \"2001:db8:0:60::/64\" }\n"
	"%s%s"
	"  data: { vlan: 80, subnet: 10.80.0.0/16 }\n"
	"  internet: {}\n"
	"  pstn: {}\n"
	"  far-phone: { kind: phone, vlan: 130, subnet: 10.130.0.0/24, office: far }\n"
	"  far-gateway: { kind: gateway, vlan: 140, subnet: 10.140.0.0/24, office: far }\n"
	"  far-data: { kind: data, vlan: 180, subnet: 10.180.0.0/16, office: far }\n"
	"hosts:\n"
	"  - { name: ctl-a, zone: server, address: 10.20.0.11, address6: \"2001:db8:0:20::11\", roles: [controller, "
	"provision] }\n"
	"  - { name: ctl-b, zone: server, address: 10.20.0.12, roles: [controller, provision], standby_for: ctl-a }\n"
	"  - { name: svc-a, zone: server, address: 10.20.0.21, address6: \"2001:db8:0:20::21\", services: [dhcp, dns, "
	"ntp] }\n"
	"  - { name: svc-b, zone: server, address: 10.20.0.22, services: [dhcp, dns, ntp], standby_for: svc-a }\n"
	"  - { name: gw-a, zone: gateway, address: 10.40.0.11, roles: gateway }\n"
	"  - { name: gw-far, zone: far-gateway, address: 10.140.0.11, roles: gateway }\n"
	"  - { name: edge-a, zone: border, address: 10.60.0.11, address6: \"2001:db8:0:60::11\", roles: [border, "
	"relay] }\n"
	"  - { name: edge-b, zone: border, address: 10.60.0.12, roles: [border, relay], standby_for: edge-a }\n"
	"  - { name: dmz-a, zone: border, address: 10.60.0.13, services: [proxy, stun, mirror] }\n"
	"%s"
	"  - { name: con-a, zone: admin, address: 10.50.0.11, roles: console }\n"
	"  - { name: log-a, zone: admin, address: 10.50.0.12, services: [log, ntp, radius, directory] }\n"
	"  - { name: desk-a, zone: admin, address: 10.50.0.101, address6: \"2001:db8:0:50::101\", services: "
	"workstation }\n"
	"  - { name: dc-a, zone: data, address: 10.80.0.11, services: [dhcp, dns, ntp, directory, mail] }\n"
	"routers:\n"
	"  - name: rt-a\n"
	"    interfaces: [{ zone: server }, { zone: phone }, { zone: lobby }, { zone: gateway }, { zone: admin },\n"
	"                 { zone: border }, %s { zone: data }, { zone: internet, address: 192.0.2.2 }]\n"
	"  - name: rt-far\n"
	"    office: far\n"
	"    interfaces: [{ zone: far-phone }, { zone: far-gateway }, { zone: far-data },\n"
	"                 { zone: internet, address: 198.51.100.2 }]\n"
	"switches:\n"
	"  - { name: sw-a, kind: ios-xe, zone: admin, address: 10.50.0.31 }\n"
	"offices:\n"
	"  far: { router: rt-far, hub: rt-a, peer: 198.51.100.2, local: 192.0.2.2 }\n"
	"trunks:\n"
	"  - { name: carrier, peer: sip.carrier.example, addresses: [203.0.113.0/28] }\n"
	"limits: { external_calls: 30 }\n"
	"network: { nts: true }\n"
	"%s";

struct rf_site *kit_site(const char *yaml, struct rf_findings *findings)
{
	struct rf_site *site = NULL;

	return rf_site_parse(rf_view_str(yaml), rf_view_str(""), "site.yaml", kit_day, findings, &site) ? NULL : site;
}

struct rf_site *kit_full(enum rf_level level, const char *more, struct rf_findings *findings)
{
	bool soft = level == RF_LEVEL_MINIMUM, conv = level != RF_LEVEL_HIGHEST;
	char yaml[8192];

	int n = snprintf(
		yaml, sizeof yaml, head, rf_level_name(level),
		soft ? "  softphone: { vlan: 35, subnet: 10.35.0.0/24 }\n" : "",
		conv ? "  converged: { vlan: 70, subnet: 10.70.0.0/24 }\n" : "",
		conv ? "  - { name: vm-a, zone: converged, address: 10.70.0.11, roles: voicemail, services: web }\n"
		       "  - { name: vm-b, zone: converged, address: 10.70.0.12, services: [web, mail] }\n"
		     : "",
		soft   ? "{ zone: softphone }, { zone: converged },"
		: conv ? "{ zone: converged },"
		       : "",
		more);
	assert_true(n > 0 && (size_t)n < sizeof yaml);
	return kit_site(yaml, findings);
}

struct rf_site *kit_load(const char *dir)
{
	struct rf_findings f;
	struct rf_site *site = NULL;

	rf_findings_init(&f);
	if (rf_site_load(dir, kit_day, &f, &site)) {
		rf_findings_print(&f, stderr);
		fail_msg("%s is wrong", dir);
	}
	rf_findings_fini(&f);
	return site;
}

struct rf_flows kit_flows(const struct rf_site *site)
{
	struct rf_flows flows = { 0 };
	struct rf_findings f;

	rf_findings_init(&f);
	if (rf_flows_make(site, kit_day, &f, &flows)) {
		rf_findings_print(&f, stderr);
		fail_msg("no flows");
	}
	rf_findings_fini(&f);
	return flows;
}

const struct rf_flow *kit_flow(const struct rf_flows *flows, const char *id)
{
	for (size_t i = 0; i < flows->n; i++)
		if (strcmp(flows->v[i].id, id) == 0)
			return &flows->v[i];
	return NULL;
}

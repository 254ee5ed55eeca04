/* One mistake at a time is planted into an example site, and the check must find it: the mitigation, the line, what to
 * do. The untouched examples must give no finding at all. */
#include "guard.h"
#include "fail_alloc.h"
#include "site/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct rf_wall day = { 1795305600000000 }; /* 2026-11-22 */

enum base { OFFICE, HIGHEST, SMALL, LAB, BASES };
enum { SITE, PHONES, ATTESTED, FILES };

struct edit {
	const char *find, *put; /* find stands there exactly once */
};

struct plant {
	enum base base;
	int file;               /* that is edited, and in which the finding is */
	const char *mitigation; /* "": none */
	const char *text;       /* part of the finding's */
	const char *at;         /* stands in the line that it names */
	struct edit edits[4];
	enum rf_severity severity;
};

/* A site of the kind that a newcomer writes: no routers, no switches. */
static const char small[] =
	"site: small\n"
	"domain: voice.example.org\n"
	"level: medium\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24 }\n"
	"  phone: { vlan: 30, subnet: 10.30.0.0/20 }\n"
	"  border: { vlan: 60, subnet: 10.60.0.0/24 }\n"
	"  admin: { vlan: 50, subnet: 10.50.0.0/24 }\n"
	"  data: { vlan: 80, subnet: 10.80.0.0/16 }\n"
	"hosts:\n"
	"  - { name: ctl-a, zone: server, address: 10.20.0.11, roles: [controller, provision], services: [dhcp, dns, ntp] }\n"
	"  - { name: ctl-b, zone: server, address: 10.20.0.12, roles: [controller, provision], services: [dhcp, dns, ntp], "
	"standby_for: ctl-a }\n"
	"  - { name: edge, zone: border, address: 10.60.0.11, roles: [border, relay] }\n"
	"  - { name: logs, zone: admin, address: 10.50.0.12, services: log }\n"
	"locations: { lobby: { building: Main } }\n"
	"phones:\n"
	"  - { name: lobby-1, number: 1001, location: lobby, switch: sw1, port: Gi1/0/1 }\n"
	"trunks:\n"
	"  - { name: carrier, peer: sip.carrier.example, channels: 30 }\n"
	"emergency: { via: [carrier] }\n"
	"limits: { external_calls: 30 }\n";

static const char lab[] =
	"site: lab\n"
	"domain: voice.example.org\n"
	"level: medium\n"
	"zones: { server: { subnet: 127.0.0.0/8 } }\n"
	"hosts: [{ name: here, zone: server, address: 127.0.0.1, roles: [controller] }]\n";

static const struct plant plants[] = {
	/* zones */
	{ OFFICE, SITE, "arch-zone-addressing", "the subnets of zones \"phone\" and \"phone-rooms\" overlap", "  phone-rooms:",
	  { { "10.30.0.0/22", "10.30.0.0/15" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "the subnets of zones \"phone-branch\" and \"admin-branch\" overlap",
	  "  admin-branch:", { { "2001:db8:1:30::/64", "2001:db8:1::/56" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "the subnets of zones \"data\" and \"phone-branch\" overlap",
	  "  phone-branch:", { { "10.130.0.0/24", "10.80.130.0/24" } } },
	{ OFFICE, SITE, "net-class-vlans", "zones \"phone\" and \"phone-rooms\" share VLAN 30", "  phone-rooms:",
	  { { "vlan: 31", "vlan: 30" } } },
	{ OFFICE, SITE, "net-class-vlans", "zones \"phone\" and \"data\" share VLAN 30", "  data:  ",
	  { { "vlan: 80", "vlan: 30" } } },
	{ OFFICE, SITE, "net-class-vlans", "zones \"phone\" and \"phone-branch\" share VLAN 30", "  phone-branch:",
	  { { "vlan: 130", "vlan: 30" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "10.180.0.0/31, has no room for a gateway and a host", "  data-branch:",
	  { { "10.180.0.0/20", "10.180.0.0/31" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "has 2 addresses, and its devices need 5", "  phone-branch:",
	  { { "10.130.0.0/24", "10.130.0.0/30" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "10.21.0.1 is not in the subnet of zone \"server\"", "  server:  ",
	  { { "vlan: 20,", "vlan: 20, gateway: 10.21.0.1," } } },
	{ OFFICE, SITE, "arch-zone-addressing", "zone \"server\": 10.20.0.255 is the broadcast address", "  server:  ",
	  { { "vlan: 20,", "vlan: 20, gateway: 10.20.0.255," } } },
	{ OFFICE, SITE, "net-class-vlans", "zone \"converged\" has no VLAN, and ports of switch \"sw-room\" are in it",
	  "  converged:", { { "vlan: 70, ", "" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "zone \"data-branch\" has no subnet", "  data-branch:",
	  { { "subnet: 10.180.0.0/20, subnet6: \"2001:db8:1:80::/64\", ", "" } } },
	{ OFFICE, SITE, "", "there is no office \"brunch\"", "  data-branch:",
	  { { "subnet6: \"2001:db8:1:80::/64\", office: branch", "subnet6: \"2001:db8:1:80::/64\", office: brunch" } } },
	{ OFFICE, SITE, "ph-soft-none", "level medium has no zone of kind softphone", "  softphone:",
	  { { "  pstn:         {}", "  softphone: { vlan: 90, subnet: 10.90.0.0/24 }\n  pstn: {}" } } },
	{ OFFICE, SITE, "ph-conv-none", "level highest has no zone of kind converged", "  converged:",
	  { { "level: medium", "level: highest" } } },
	{ HIGHEST, SITE, "ph-soft-none", "level highest has no zone of kind softphone", "  softphone:",
	  { { "  pstn:     {}", "  softphone: { vlan: 90, subnet: 10.90.0.0/24 }" } } },
	{ HIGHEST, SITE, "reg-dhcp-off", "zone \"phone\" has it", "  phone:", { { "vlan: 30,", "vlan: 30, dhcp: true," } } },
	{ OFFICE, SITE, "", "the kind of zone \"printers\" does not follow from its name", "  printers:",
	  { { "  pstn:         {}", "  printers: { vlan: 90, subnet: 10.90.0.0/24 }" } } },
	{ OFFICE, SITE, "", "subnet cannot be \"10.21.0.1/28\"", "  database:", { { "10.21.0.0/28", "10.21.0.1/28" } } },
	{ OFFICE, SITE, "", "vlan cannot be \"4095\"", "  phone-rooms:", { { "vlan: 31", "vlan: 4095" } } },

	/* hosts */
	{ OFFICE, SITE, "arch-zone-addressing", "host \"ctl-a\": 10.30.0.11 is not in the subnet of zone \"server\"",
	  "name: ctl-a", { { "10.20.0.11", "10.30.0.11" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "host \"ctl-a\": 2001:db8:0:30::11 is not in the subnet", "name: ctl-a",
	  { { "2001:db8:0:20::11", "2001:db8:0:30::11" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "hosts \"svc-a\" and \"svc-b\" have one address", "name: svc-b",
	  { { "10.20.0.22", "10.20.0.21" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "hosts \"ctl-a\" and \"ctl-b\" have one address", "name: ctl-b",
	  { { "2001:db8:0:20::12", "2001:db8:0:20::11" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "host \"svc-a\" has the gateway address of zone \"server\"", "name: svc-a",
	  { { "10.20.0.21", "10.20.0.1" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "10.20.0.0 is the address of the subnet itself", "name: svc-a",
	  { { "10.20.0.21", "10.20.0.0" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "10.20.0.255 is the broadcast address", "name: svc-a",
	  { { "10.20.0.21", "10.20.0.255" } } },
	{ OFFICE, SITE, "net-port-security", "MAC address \"00:00:5e:00:53:11\" is there twice", "name: ctl-b",
	  { { "00:00:5e:00:53:12", "00:00:5e:00:53:11" } } },
	{ OFFICE, SITE, "net-port-security", "is the address of a group", "name: ctl-b",
	  { { "00:00:5e:00:53:12", "01:00:5e:00:53:12" } } },
	{ OFFICE, SITE, "", "host \"ctl-a\" is there twice", "10.20.0.12", { { "name: ctl-b", "name: ctl-a" } } },
	{ OFFICE, SITE, "", "there is no zone \"sever\"", "name: log-a",
	  { { "name: log-a, zone: admin", "name: log-a, zone: sever" } } },
	{ OFFICE, SITE, "", "host \"desk-a\" has no role and no service", "name: desk-a",
	  { { "address: 10.50.0.101, services: workstation", "address: 10.50.0.101" } } },
	{ OFFICE, SITE, "", "roles cannot be \"contoller\"", "name: ctl-a",
	  { { "\"2001:db8:0:20::11\", roles: [controller", "\"2001:db8:0:20::11\", roles: [contoller" } } },
	{ OFFICE, SITE, "mal-no-general-internet", "host \"depot-a\" with service web is in zone \"admin\"", "name: depot-a",
	  { { "[mirror, backup, ids]", "[mirror, backup, web]" } } },
	{ OFFICE, SITE, "net-server-gateway-vlans", "host \"dmz-a\" with role gateway is in zone \"border\"", "name: dmz-a",
	  { { "10.60.0.13, services", "10.60.0.13, roles: gateway, services" } } },
	{ OFFICE, SITE, "net-class-vlans", "host \"time-a\" with role controller is in zone \"admin\"", "name: time-a",
	  { { "10.50.0.15, services", "10.50.0.15, roles: controller, services" } } },
	{ OFFICE, SITE, "net-class-vlans", "host \"x\" with service dns is in zone \"phone\", of kind phone", "name: x",
	  { { "hosts:\n", "hosts:\n  - { name: x, zone: phone, address: 10.30.0.9, services: dns }\n" } } },
	{ OFFICE, SITE, "mgmt-admin-network", "host \"mail-a\" with service workstation is in zone \"data\"", "name: mail-a",
	  { { "[mail, web]", "[mail, web, workstation]" } } },
	{ OFFICE, SITE, "log-central-server", "host \"dmz-a\" with service log is in zone \"border\"", "name: dmz-a",
	  { { "[dns, ntp, proxy, stun]", "[dns, ntp, proxy, stun, log]" } } },

	{ OFFICE, SITE, "net-class-vlans", "host \"gw-b\" with service dns is in zone \"gateway\"", "name: gw-b",
	  { { "10.40.0.12, roles: gateway", "10.40.0.12, services: dns, roles: gateway" } } },
	{ OFFICE, SITE, "mgmt-admin-network", "host \"rt-branch\" with role wall is in zone \"data-branch\"",
	  "name: rt-branch, zone: data-branch",
	  { { "zone: admin-branch, address: 10.150.0.1", "zone: data-branch, address: 10.180.0.1" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "has an IPv6 address, and zone \"border\" no subnet of IPv6", "name: edge-a",
	  { { ", subnet6: \"2001:db8:0:60::/64\"", "" } } },
	{ HIGHEST, SITE, "web-local-only", "\"log-a\" is another host", "name: log-a",
	  { { "10.50.0.12, services", "10.50.0.12, roles: console, services" } } },

	/* what the level asks for */
	{ OFFICE, SITE, "ph-dhcp-link-auth", "phones of zone \"phone\" get addresses by DHCP before 802.1X", "  phone:  ",
	  { { "  dot1x: true  ", "  dot1x: false " } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "hw-hot-standby", "controller \"ctl-a\" has no hot standby", "name: ctl-a",
	  { { ", standby_for: ctl-a", "" } } },
	{ OFFICE, SITE, "hw-hot-standby", "border \"edge-a\" has no hot standby", "name: edge-a",
	  { { ", standby_for: edge-a", "" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "hw-hot-standby", "controller \"ctl-a\" has no hot standby", "name: ctl-a",
	  { { ", standby_for: ctl-a", "" }, { "mitigation: ph-mic-no-speakerphone", "mitigation: hw-hot-standby" } },
	  RF_SEV_NOTE },
	{ OFFICE, SITE, "", "host \"ctl-b\" cannot stand by for \"ctl-b\"", "name: ctl-b",
	  { { "standby_for: ctl-a", "standby_for: ctl-b" } } },
	{ OFFICE, SITE, "", "cannot stand by for \"ctl-c\"", "name: ctl-b", { { "standby_for: ctl-a", "standby_for: ctl-c" } } },
	{ OFFICE, SITE, "", "standby \"ctl-b\" lacks a role of \"ctl-a\"", "name: ctl-b",
	  { { "\"2001:db8:0:20::12\", roles: [controller, provision]", "\"2001:db8:0:20::12\", roles: [controller]" } } },
	{ OFFICE, SITE, "", "host \"x\" stands by for \"svc-b\", which stands by itself", "name: x",
	  { { "hosts:\n", "hosts:\n  - { name: x, zone: server, address: 10.20.0.9, services: [dhcp, dns, ntp], "
			  "standby_for: svc-b }\n" } } },
	{ OFFICE, SITE, "net-own-services", "DHCP for zone \"phone\" is only on \"dc-a\", in zone \"data\"", "name: dc-a",
	  { { "\"2001:db8:0:20::21\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::21\", services: [dns, ntp]" },
	    { "\"2001:db8:0:20::22\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::22\", services: [dns, ntp]" } } },
	{ OFFICE, SITE, "net-own-services", "no host gives zone \"phone\" DHCP", "  phone:  ",
	  { { "\"2001:db8:0:20::21\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::21\", services: [dns, ntp]" },
	    { "\"2001:db8:0:20::22\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::22\", services: [dns, ntp]" },
	    { "10.80.0.11, services: [dhcp, dns, ntp, directory]", "10.80.0.11, services: [dns, ntp, directory]" } } },
	{ OFFICE, SITE, "net-own-services", "NTP for zone \"phone\" is only on \"dmz-a\"", "name: dmz-a",
	  { { "\"2001:db8:0:20::21\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::21\", services: [dhcp, dns]" },
	    { "\"2001:db8:0:20::22\", services: [dhcp, dns, ntp]", "\"2001:db8:0:20::22\", services: [dhcp, dns]" } } },
	{ OFFICE, SITE, "net-own-services", "telephony would ask the DNS of the data network", "  dns_forward:",
	  { { "dns_forward: [10.60.0.13]", "dns_forward: [10.80.0.11]" } } },
	{ OFFICE, SITE, "log-central-server", "asks for a log host of telephony", "level: medium",
	  { { "services: log,", "services: ids," } } },
	{ OFFICE, SITE, "pub-sbc", "no session border controller in front of it", "name: carrier",
	  { { "\"2001:db8:0:60::11\", roles: [border, relay]", "\"2001:db8:0:60::11\", roles: [relay]" },
	    { "\"2001:db8:0:60::12\", roles: [border, relay]", "\"2001:db8:0:60::12\", roles: [relay]" } } },
	{ OFFICE, SITE, "pub-sbc", "no relay in a zone of kind border", "name: carrier",
	  { { "\"2001:db8:0:60::11\", roles: [border, relay]", "\"2001:db8:0:60::11\", roles: [border]" },
	    { "\"2001:db8:0:60::12\", roles: [border, relay]", "\"2001:db8:0:60::12\", roles: [border]" } } },
	{ HIGHEST, SITE, "pub-sbc", "no session border controller in front of it", "  internet:",
	  { { "  pstn:     {}", "  internet: {}" } } },
	{ OFFICE, SITE, "dos-external-call-cap", "asks for a bound on outside calls", "name: carrier",
	  { { ", external_calls: 30", "" }, { "channels: 30, ", "" } } },
	{ OFFICE, SITE, "pub-encrypt-voip", "trunk \"carrier\" is not encrypted", "name: carrier",
	  { { "channels: 30", "channels: 30, transport: udp, addresses: [192.0.2.77]" } } },
	{ OFFICE, SITE, "net-8021x", "no host of telephony has the service radius", "  dot1x:",
	  { { "10.50.0.13, services: [radius, directory]", "10.50.0.13, services: [directory]" },
	    { "10.50.0.14, services: [radius, directory]", "10.50.0.14, services: [directory]" } } },
	{ HIGHEST, SITE, "net-8021x", "no host of telephony has the service radius", "level: highest\n",
	  { { "services: radius", "services: directory" } } },
	{ HIGHEST, SITE, "net-8021x", "asks for 802.1X on the ports of telephony", "network:",
	  { { "routers:\n", "network: { dot1x: false }\nrouters:\n" } } },
	{ HIGHEST, SITE, "ph-eth-pcport-off", "port Gi1/0/13 takes 2 stations", "name: Gi1/0/13-36",
	  { { "{ name: Gi1/0/13-36, zone: phone }", "{ name: Gi1/0/13-36, zone: phone, macs: 2 }" } } },
	{ OFFICE, SITE, "db-dedicated-channel", "database \"db-a\" shares zone \"database\" with other servers", "name: db-a",
	  { { "hosts:\n", "hosts:\n  - { name: x, zone: database, address: 10.21.0.9, services: dns }\n" } } },
	{ OFFICE, SITE, "mgmt-admin-ip-limit", "no host is an administrator's workstation", "level: medium",
	  { { "10.50.0.101, services: workstation", "10.50.0.101, services: ids" },
	    { "10.50.0.102, services: workstation", "10.50.0.102, services: ids" } }, RF_SEV_WARNING },

	/* routers */
	{ OFFICE, SITE, "net-inter-vlan-filter", "no router joins zone \"converged\"", "  converged:",
	  { { "      - { zone: converged, address: 10.70.0.2, address6: \"2001:db8:0:70::2\" }\n", "" },
	    { "      - { zone: converged, address: 10.70.0.3, address6: \"2001:db8:0:70::3\" }\n", "" } } },
	{ OFFICE, SITE, "", "standby router \"rt-b\" has other zones than \"rt-a\"", "    standby_for: rt-a\n    interfaces",
	  { { "      - { zone: converged, address: 10.70.0.3, address6: \"2001:db8:0:70::3\" }\n", "" } } },
	{ OFFICE, SITE, "", "router \"rt-b\" cannot stand by for \"rt-b\"", "    standby_for: rt-b\n",
	  { { "    standby_for: rt-a\n    interfaces:", "    standby_for: rt-b\n    interfaces:" } } },
	{ OFFICE, SITE, "", "stands by for \"rt-b\", which stands by itself", "  - { name: rt-c",
	  { { "  - name: rt-branch\n", "  - { name: rt-c, standby_for: rt-b, interfaces: [{ zone: server, address: 10.20.0.4 }] }\n"
	      "  - name: rt-branch\n" } } },
	{ OFFICE, SITE, "net-inter-vlan-filter", "routers \"rt-a\" and \"rt-b\" are both in zone \"server\" and are no pair",
	  "address: 10.20.0.3", { { "    standby_for: rt-a\n    interfaces:", "    interfaces:" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "router \"rt-a\": 10.41.0.2 is not in the subnet of zone \"gateway\"",
	  "10.41.0.2", { { "10.40.0.2", "10.41.0.2" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "router \"rt-a\" has the address of host \"gw-a\"", "      - { zone: gateway, "
	  "address: 10.40.0.11", { { "10.40.0.2,", "10.40.0.11," } } },
	{ OFFICE, SITE, "", "router \"rt-b\": there is no zone \"gate\"", "zone: gate,",
	  { { "zone: gateway, address: 10.40.0.3", "zone: gate, address: 10.40.0.3" } } },
	{ OFFICE, SITE, "", "router \"rt-a\" has two interfaces in zone \"server\"", "address: 10.20.0.7",
	  { { "      - { zone: database, address: 10.21.0.2, address6: \"2001:db8:0:21::2\" }",
	      "      - { zone: server, address: 10.20.0.7 }" } } },
	{ OFFICE, SITE, "arch-avail-failover", "is one of a pair and has no address of its own in zone \"border\"",
	  "{ zone: border, address6: \"2001:db8:0:60::3\"",
	  { { "zone: border, address: 10.60.0.3,", "zone: border," } } },
	{ OFFICE, SITE, "arch-zone-addressing", "router \"rt-branch\" has no address of its own in zone \"internet\"",
	  "{ zone: internet, name: eth0 }", { { "name: eth0, address: 198.51.100.2", "name: eth0" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "arch-zone-addressing", "no router has the gateway address of zone \"phone-branch\"",
	  "10.130.0.2", { { "{ zone: phone-branch }\n", "{ zone: phone-branch, address: 10.130.0.2 }\n" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "router \"rt-branch\" has an interface in zone \"data\", which is in another office",
	  "{ zone: data }", { { "      - { zone: data-branch }", "      - { zone: data }" } } },
	{ OFFICE, SITE, "pstn-terminate-signaling", "which is no IP network", "{ zone: pstn }",
	  { { "      - { zone: data-branch }", "      - { zone: data-branch }\n      - { zone: pstn }" } } },
	{ OFFICE, SITE, "net-inter-vlan-filter", "wall \"rt-x\" is no router of this site", "name: rt-x",
	  { { "name: rt-branch, zone: admin-branch", "name: rt-x, zone: admin-branch" },
	    { "      - { zone: admin-branch }", "      - { zone: admin-branch, address: 10.150.0.2 }" },
	    { "office: branch }\n  data-branch", "office: branch, gateway: 10.150.0.2 }\n  data-branch" } } },

	{ OFFICE, SITE, "net-own-services", "no way of routers leads from zone \"phone\" to a host with a controller",
	  "  phone:  ", { { "      - { zone: phone, address: 10.30.0.2, address6: \"2001:db8:0:30::2\" }\n", "" },
			  { "      - { zone: phone, address: 10.30.0.3, address6: \"2001:db8:0:30::3\" }\n", "" },
			  { "  - name: rt-branch\n", "  - { name: rt-c, interfaces: [{ zone: phone }] }\n  - name: rt-branch\n" } } },
	{ OFFICE, SITE, "net-own-services", "no way of routers leads from zone \"phone-branch\" to a host with a controller",
	  "  phone-branch:", { { "hub: rt-a, ", "" } } },
	{ HIGHEST, SITE, "net-inter-vlan-filter", "no router leads to zone \"internet\"", "  internet:",
	  { { "  pstn:     {}", "  internet: {}" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "", "router \"rt-branch\": phonesofthebranch has 17 characters, and Linux takes 15", "phonesofthebranch",
	  { { "{ zone: phone-branch }\n", "{ zone: phone-branch, name: phonesofthebranch }\n" } } },

	{ OFFICE, SITE, "arch-zone-addressing", "\"rt-branch\" and \"rt-c\" both have the gateway address of zone "
	  "\"phone-branch\"", "name: rt-c", { { "switches:\n", "  - { name: rt-c, office: branch, interfaces: [{ zone: "
							     "phone-branch }] }\nswitches:\n" } } },

	/* offices */
	{ OFFICE, SITE, "wan-vpn-separation", "office \"branch\" has no router", "  branch: { link",
	  { { "router: rt-branch, ", "" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "office \"branch\" has no hub", "  branch: { link", { { "hub: rt-a, ", "" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "office \"branch\" has no peer", "  branch: { link",
	  { { "peer: 198.51.100.2, ", "" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "office \"branch\" has no local", "  branch: { link",
	  { { ", local: 192.0.2.2", "" } } },
	{ OFFICE, SITE, "dos-external-bandwidth", "office \"branch\" has no link", "  branch: { router",
	  { { "link: leased-line, router", "router" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "", "office \"branch\": there is no link \"leased\"", "  branch: { link",
	  { { "link: leased-line, router", "link: leased, router" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "peer 10.130.0.77 is in zone \"phone-branch\"", "  branch: { link",
	  { { "peer: 198.51.100.2", "peer: 10.130.0.77" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "local 192.0.2.9 is no address of router \"rt-a\"", "  branch: { link",
	  { { "local: 192.0.2.2", "local: 192.0.2.9" } } },
	{ OFFICE, SITE, "", "router \"rt-a\" is not in office \"branch\"", "  branch: { link",
	  { { "router: rt-branch, ", "router: rt-a, " } } },
	{ OFFICE, SITE, "", "the hub of office \"branch\" is in office \"branch\"", "  branch: { link",
	  { { "hub: rt-a", "hub: rt-branch" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "no zone is in office \"empty\"", "  empty:",
	  { { "offices:\n", "offices:\n  empty: { link: leased-line, peer: 203.0.113.1 }\n" } }, RF_SEV_WARNING },

	/* switches */
	{ OFFICE, SITE, "", "port Et17 is there twice", "name: Et17-20", { { "name: Et1-16", "name: Et1-17" } } },
	{ OFFICE, SITE, "", "Et44-21 is no range of ports", "Et44-21", { { "Et21-44", "Et44-21" } } },
	{ OFFICE, SITE, "", "switch \"sw-ground\" is there twice", "  - name: sw-ground\n    kind: eos",
	  { { "- name: sw-first\n", "- name: sw-ground\n" } } },
	{ OFFICE, SITE, "", "which is no router and no switch", "to: rt-x", { { "name: swp48, to: rt-b", "name: swp48, to: rt-x" } } },
	{ OFFICE, SITE, "", "uplink swp48 leads nowhere", "name: swp48", { { "swp48, to: rt-b", "swp48, use: uplink" } } },
	{ OFFICE, SITE, "", "what is port swp48 for?", "name: swp48", { { "swp48, to: rt-b", "swp48" } } },
	{ OFFICE, SITE, "net-inter-vlan-filter", "no way leads from switch \"sw-second\" to a router", "  - name: sw-second",
	  { { "      - { name: Et45, to: sw-second }\n", "" }, { "      - { name: xe-0/2/0, to: sw-first }\n", "" } } },
	{ OFFICE, SITE, "net-port-security", "leads to \"sw-first\", which has no uplink back", "xe-0/2/0",
	  { { "      - { name: Et45, to: sw-second }\n", "" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "arch-zone-addressing", "switch \"sw-first\": 10.51.0.33 is not in the subnet", "10.51.0.33",
	  { { "10.50.0.33", "10.51.0.33" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "switch \"sw-first\" has the address of host \"log-a\"", "    address: 10.50.0.12\n",
	  { { "10.50.0.33", "10.50.0.12" } } },
	{ OFFICE, SITE, "mgmt-admin-network", "switch \"sw-first\" is managed in zone \"data\"", "    zone: data\n",
	  { { "    zone: admin\n    address: 10.50.0.33", "    zone: data\n    address: 10.80.0.33" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "switch \"sw-branch\" is managed in zone \"admin\"", "    zone: admin\n    address: 10.50.0.35",
	  { { "    zone: admin-branch\n    address: 10.150.0.5", "    zone: admin\n    address: 10.50.0.35" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "port swp13 is in zone \"data\", which is in another office", "swp13-20",
	  { { "{ name: swp13-20, zone: data-branch }", "{ name: swp13-20, zone: data }" } } },
	{ OFFICE, SITE, "wan-vpn-separation", "leads to router \"rt-a\", which is in another office", "name: swp24",
	  { { "name: swp24, to: rt-branch", "name: swp24, to: rt-a" } } },
	{ OFFICE, SITE, "net-class-vlans", "port swp21 is in zone \"internet\", which is outside", "swp21-24",
	  { { "{ name: swp21-24, zone: converged }", "{ name: swp21-24, zone: internet }" } } },
	{ OFFICE, SITE, "", "switch \"log-a\" has the name of a host", "  - name: log-a",
	  { { "  - name: sw-second\n", "  - name: log-a\n" } } },
	{ OFFICE, SITE, "", "there is no location \"attic\"", "location: attic", { { "location: second-closet", "location: attic" } } },

	/* who is plugged in where */
	{ OFFICE, SITE, "net-class-vlans", "host \"log-a\" is in zone \"admin\", and its port swp5 in zone \"server\"",
	  "name: log-a", { { "port: swp26", "port: swp5" } } },
	{ OFFICE, SITE, "net-port-security", "\"ctl-a\" and \"ctl-b\" are on one port, swp1", "name: ctl-b",
	  { { "switch: sw-room, port: swp2,", "switch: sw-room, port: swp1," } } },
	{ OFFICE, SITE, "net-port-security", "host \"ctl-b\" is on port swp47, which is no access port", "name: ctl-b",
	  { { "switch: sw-room, port: swp2,", "switch: sw-room, port: swp47," } } },
	{ OFFICE, PHONES, "net-port-security", "phone \"first-1\" is on a port that is no access port", "first-1,",
	  { { "sw-first,Et1,", "sw-first,Et45," } } },
	{ OFFICE, PHONES, "net-class-vlans", "phone \"first-1\" is on a port of another class of devices", "first-1,",
	  { { "sw-first,Et1,", "sw-first,Et21," } } },
	{ OFFICE, PHONES, "", "there is no switch \"sw-frist\"", "first-1,", { { "sw-first,Et1,", "sw-frist,Et1," } } },
	{ OFFICE, PHONES, "", "switch \"sw-first\" has no port Et99", "first-1,", { { "sw-first,Et1,", "sw-first,Et99," } } },
	{ OFFICE, PHONES, "net-port-security", "\"first-1\" and \"first-2\" are on one port, Et1", "first-2,",
	  { { "sw-first,Et2,", "sw-first,Et1," } } },
	{ OFFICE, PHONES, "net-class-vlans", "phone \"first-1\" and host \"ctl-a\" are on one port", NULL,
	  { { "sw-first,Et1,", "sw-room,swp1," } } },
	{ OFFICE, PHONES, "eav-port-binding", "phone \"first-1\" is plugged in nowhere that is known", "first-1,",
	  { { "sw-first,Et1,", ",," } } },
	{ OFFICE, PHONES, "", "names a switch without a port", "first-1,", { { "sw-first,Et1,", "sw-first,," } } },
	{ OFFICE, PHONES, "eav-port-binding", "phone \"first-1\" has no MAC address", "first-1,",
	  { { "00:00:5e:00:54:21", "" } } },
	{ OFFICE, PHONES, "net-port-security", "has the MAC address of a group", "first-1,",
	  { { "00:00:5e:00:54:21", "03:00:5e:00:54:21" } } },
	{ OFFICE, PHONES, "net-port-security", "MAC address \"00:00:5e:00:54:21\" is there twice", "first-2,",
	  { { "00:00:5e:00:54:22", "00:00:5e:00:54:21" } } },
	{ OFFICE, PHONES, "net-port-security", "MAC address \"00:00:5e:00:53:11\" is there twice", "first-2,",
	  { { "00:00:5e:00:54:22", "00:00:5e:00:53:11" } } },
	{ OFFICE, PHONES, "emerg-location-record", "phone \"first-1\" has no location", "first-1,",
	  { { "1021,first,", "1021,," } } },
	{ OFFICE, PHONES, "dos-external-bandwidth", "its location is not behind the link of that office", "branch-1,",
	  { { "1041,branch,", "1041,first," } }, RF_SEV_WARNING },
	{ OFFICE, PHONES, "", "there is no location \"frist\"", "first-1,", { { "1021,first,", "1021,frist," } } },
	{ OFFICE, PHONES, "", "phone \"first-1\" is there twice", ",1022,", { { "first-2,1022", "first-1,1022" } } },
	{ OFFICE, PHONES, "", "share number 1021", "first-2,", { { "first-2,1022", "first-2,1021" } }, RF_SEV_WARNING },
	{ OFFICE, PHONES, "", "phone \"first-1\" has emergency number 110", "first-1,", { { "first-1,1021", "first-1,110" } } },
	{ OFFICE, PHONES, "", "unknown key \"loction\"", "name,number", { { "location,mac", "loction,mac" } } },

	/* allow */
	{ OFFICE, SITE, "net-inter-vlan-filter", "allow from \"server\" to \"border\" is there twice", "again and again",
	  { { "allow:\n", "allow:\n  - { from: server, to: border, category: services, protocol: tcp, ports: [53, 4460], "
			  "from_hosts: [svc-a, svc-b], to_hosts: [dmz-a], reason: first }\n" },
	    { "long answers, keys of NTS", "again and again" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "net-ipt-data-appfw", "no deviation from net-ipt-data-appfw holds", "reason: why not",
	  { { "allow:\n", "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: 443, reason: why not, "
			  "deviation: net-ipt-data-appfw }\n" } } },
	{ OFFICE, SITE, "", "there is no mitigation \"net-ipt-data-apfw\"", "reason: why not",
	  { { "allow:\n", "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: 443, reason: why not, "
			  "deviation: net-ipt-data-apfw }\n" } } },
	{ OFFICE, SITE, "net-inter-vlan-filter", "has no reason", "reason: \"...\"",
	  { { "reason: \"long answers, keys of NTS\"", "reason: \"...\"" } } },
	{ OFFICE, SITE, "", "from_hosts: host \"dmz-a\" is not in zone \"server\"", "ports: [53, 4460]",
	  { { "ports: [53, 4460], from_hosts: [svc-a, svc-b]", "ports: [53, 4460], from_hosts: [svc-a, dmz-a]" } } },
	{ OFFICE, SITE, "", "there is no zone \"boarder\"", "to: boarder",
	  { { "{ from: server, to: border, category: services, protocol: tcp", "{ from: server, to: boarder, category: services, "
	      "protocol: tcp" } } },

	/* deviations and attestations */
	{ OFFICE, SITE, "ph-mic-no-speakerphone", "the deviation ended on 2026-06-30", "mitigation: ph-mic-no",
	  { { "until: 2029-06-30", "until: 2026-06-30" } } },
	{ OFFICE, SITE, "", "has no approver", "mitigation: ph-mic-no", { { "A. Example, security officer", "?" } } },
	{ OFFICE, SITE, "", "has no \"approved_by\"", "mitigation: ph-mic-no",
	  { { " approved_by: \"A. Example, security officer\",", "" } } },
	{ OFFICE, SITE, "", "there is no mitigation \"ph-mic-no-speekerphone\"", "mitigation: ph-mic-no",
	  { { "ph-mic-no-speakerphone", "ph-mic-no-speekerphone" } } },
	{ OFFICE, ATTESTED, "hw-ecc", "the attestation of hw-ecc ended on 2026-10-01", "mitigation: hw-ecc",
	  { { "{ mitigation: hw-ecc, by: \"C. Example, servers\", on: 2026-09-14, until: 2027-09-30", "{ mitigation: hw-ecc, "
	      "by: \"C. Example, servers\", on: 2026-09-14, until: 2026-10-01" } } },
	{ OFFICE, ATTESTED, "hw-ecc", "the attestation of hw-ecc ends on 2026-12-01", "mitigation: hw-ecc",
	  { { "{ mitigation: hw-ecc, by: \"C. Example, servers\", on: 2026-09-14, until: 2027-09-30", "{ mitigation: hw-ecc, "
	      "by: \"C. Example, servers\", on: 2026-09-14, until: 2026-12-01" } }, RF_SEV_WARNING },
	{ OFFICE, ATTESTED, "", "there is no mitigation \"hw-eec\"", "mitigation: hw-eec",
	  { { "mitigation: hw-ecc", "mitigation: hw-eec" } } },
	{ OFFICE, ATTESTED, "avail-net-restore-tested", "is from a day to come", "on: 2026-12-02",
	  { { "on: 2026-11-02", "on: 2026-12-02" } } },
	{ OFFICE, ATTESTED, "avail-net-restore-tested", "ends before it was made", "until: 2025-05-31",
	  { { "until: 2027-05-31", "until: 2025-05-31" } } },
	{ OFFICE, ATTESTED, "avail-net-restore-tested", "says neither where", "mitigation: avail-net",
	  { { "\n  text: sw-first and rt-b were restored from their backups in the test room", "" } } },
	{ OFFICE, ATTESTED, "avail-net-restore-tested", "nobody attests", "mitigation: avail-net",
	  { { "by: D. Example, network", "by: \"-\"" } } },

	{ OFFICE, ATTESTED, "hw-ecc", "a second attestation of hw-ecc", "mitigation: hw-ecc, by: \"E",
	  { { "- mitigation: avail-net", "- { mitigation: hw-ecc, by: \"E. Example\", on: 2026-10-01, until: 2027-09-30, "
				       "document: \"sheet 4\" }\n- mitigation: avail-net" } }, RF_SEV_WARNING },
	{ OFFICE, ATTESTED, "avail-net-restore-tested", "runs for more than three years", "until: 2057-05-31",
	  { { "until: 2027-05-31", "until: 2057-05-31" } }, RF_SEV_WARNING },

	/* networks that no host is in, and families that do not meet */
	{ OFFICE, SITE, "arch-zone-addressing", "239.180.0.0/20, is not one for hosts", "  data-branch:",
	  { { "10.180.0.0/20", "239.180.0.0/20" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "127.180.0.0/20, is not one for hosts", "  data-branch:",
	  { { "10.180.0.0/20", "127.180.0.0/20" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "169.254.0.0/20, is not one for hosts", "  data-branch:",
	  { { "10.180.0.0/20", "169.254.0.0/20" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "fe80::/64, is not one for hosts", "  phone-branch:",
	  { { "2001:db8:1:30::/64", "fe80::/64" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "ff02::/64, is not one for hosts", "  phone-branch:",
	  { { "2001:db8:1:30::/64", "ff02::/64" } } },
	{ OFFICE, SITE, "net-own-services", "zone \"phone-branch\" shares neither IPv4 nor IPv6 with a host with a log", "  phone-branch:",
	  { { "subnet: 10.130.0.0/24, ", "" } } },
	{ HIGHEST, SITE, "net-own-services", "zone \"phone\" shares neither IPv4 nor IPv6 with a host with a controller", "  phone:",
	  { { "subnet: 10.30.0.0/24", "subnet6: \"2001:db8:0:30::/64\"" } } },
	{ OFFICE, SITE, "net-protocol-vlans", "\"spi\" is no call protocol", "  server:  ",
	  { { "vlan: 20,", "vlan: 20, protocol: spi," } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "net-protocol-vlans", "zone \"phone-rooms\" is of kind phone", "  phone-rooms:",
	  { { "vlan: 31,", "vlan: 31, protocol: sip," } } },
	{ OFFICE, SITE, "arch-avail-failover", "router \"rt-b\" is one of a pair and has the gateway address of zone \"converged\"",
	  "address: 10.70.0.1,", { { "10.70.0.3", "10.70.0.1" } } },
	{ OFFICE, SITE, "arch-zone-addressing", "router \"rt-a\" has the gateway address of zone \"internet\"", "address: 192.0.2.2, ",
	  { { "gateway: 192.0.2.1", "gateway: 192.0.2.2" } } },
	{ OFFICE, PHONES, "net-port-security", "has the MAC address of a group or of nobody", "first-1,",
	  { { "00:00:5e:00:54:21", "00:00:00:00:00:00" } } },

	/* what comes from outside */
	{ OFFICE, SITE, "net-own-services", "network.dns_forward: no DNS of telephony may ask resolver 1", "  dns_forward:",
	  { { "[10.60.0.13]  ", "[203.0.113.53]" } } },
	{ OFFICE, SITE, "net-own-services", "network.dns_forward: no DNS of telephony may ask resolver 1", "  dns_forward:",
	  { { "protocol: udp, ports: [53, 123], from_hosts: [svc-a, svc-b]", "protocol: udp, ports: [123], from_hosts: [svc-a, svc-b]" } } },
	{ OFFICE, SITE, "net-own-services", "network.ntp_servers: no time server of the perimeter may ask", "  dns_forward:",
	  { { "protocol: udp, ports: [53, 123], from_hosts: [dmz-a]", "protocol: udp, ports: [53], from_hosts: [dmz-a]" } } },
	{ HIGHEST, SITE, "net-own-services", "no time server of the perimeter may ask \"pool.example\"", "network:",
	  { { "routers:\n", "network: { ntp_servers: [pool.example] }\nrouters:\n" } } },
	{ OFFICE, SITE, "net-class-vlans", "the peer of trunk \"carrier\" is in zone \"phone\"", "name: carrier",
	  { { "peer: sip.carrier.example", "peer: 10.30.0.77" } } },
	{ OFFICE, SITE, "pub-sbc", "the addresses of trunk \"carrier\" hold some of zone \"server\"", "name: carrier",
	  { { "channels: 30,", "channels: 30, addresses: [0.0.0.0/0]," } } },
	{ OFFICE, SITE, "net-inter-vlan-filter", "media_ports has 5060 and 5061", "  dns_forward:",
	  { { "media_ports: 16384-32767", "media_ports: 5000-6000" } } },
	{ OFFICE, SITE, "emerg-location-record", "location \"first\" does not say where", "  first:  ",
	  { { "{ building: Main, floor: 1, room: \"1.01 to 1.20\", address: \"1 Example Road\" }", "{}" } },
	  RF_SEV_WARNING },
	{ OFFICE, SITE, "emerg-location-record", "\"lobby\" and \"branch\" have one elin", "  branch:        {",
	  { { "address: \"9 Sample Street\", link", "address: \"9 Sample Street\", elin: 4930123400, link" } },
	  RF_SEV_WARNING },

	/* without routers and switches */
	{ SMALL, SITE, "hw-hot-standby", "controller \"ctl-a\" has no hot standby", "name: ctl-a",
	  { { ", standby_for: ctl-a", "" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "log-central-server", "asks for a log host", "level: medium",
	  { { "services: log", "services: ids" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "pub-sbc", "no session border controller", "name: carrier", { { "[border, relay]", "[relay]" } },
	  RF_SEV_WARNING },
	{ SMALL, SITE, "pub-sbc", "border \"edge\" has no media relay", "name: edge", { { "[border, relay]", "border" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "dos-external-call-cap", "relay \"edge\" has ports for 25 calls, the site for 30", "name: edge",
	  { { "emergency:", "network: { media_ports: 20000-20099 }\nemergency:" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "pub-sbc", "relay.ng: one of its addresses is no relay's", "relay: {",
	  { { "emergency:", "relay: { ng: [127.0.0.1, 10.60.0.11, 10.60.0.77] }\nemergency:" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "pub-sbc", "relay.peers names who may ask, and relay.ng not where", "relay: {",
	  { { "emergency:", "relay: { peers: 10.60.0.20 }\nemergency:" } }, RF_SEV_WARNING },
	{ OFFICE, SITE, "arch-per-sbc-pinholes", "no wall runs on router \"rt-a\" or another of zone \"border\"", "  - { name: edge-a",
	  { { "  - { name: rt-a, zone: admin, address: 10.50.0.2, address6: \"2001:db8:0:50::2\", roles: wall }\n", "" },
	    { "  - { name: rt-b, zone: admin, address: 10.50.0.3, address6: \"2001:db8:0:50::3\", roles: wall, standby_for: rt-a }\n", "" } },
	  RF_SEV_WARNING },
	{ SMALL, SITE, "mgmt-admin-network", "there is no zone of kind admin", "level: medium",
	  { { "  admin: { vlan: 50, subnet: 10.50.0.0/24 }\n", "" },
	    { "  - { name: logs, zone: admin, address: 10.50.0.12, services: log }\n", "" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "emerg-location-record", "phone \"lobby-1\" has no location", "name: lobby-1",
	  { { "location: lobby, ", "" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "net-class-vlans", "host \"edge\" with role controller is in zone \"border\"", "name: edge",
	  { { "[border, relay]", "[border, relay, controller]" } }, RF_SEV_WARNING },
	{ SMALL, SITE, "hw-hot-standby", "controller \"ctl-a\" has no hot standby", "name: ctl-a",
	  { { ", standby_for: ctl-a", "" }, { "level: medium", "level: minimum" } }, RF_SEV_NOTE },
	{ SMALL, SITE, "arch-zone-addressing", "host \"edge\" has the gateway address of zone \"border\"", "name: edge",
	  { { "10.60.0.0/24", "10.60.0.0/24, gateway: 10.60.0.11" } } },
	{ LAB, SITE, "", "one host alone does not meet level medium: hw-hot-standby, log-central-server, mgmt-admin-network",
	  "level: medium", { { "site: lab", "site: lab-2" } }, RF_SEV_WARNING },
};

/* What may well be so: none of these is worth an error or a warning. */
static const struct plant sound[] = {
	/* two machines inside one */
	{ OFFICE, SITE, .text = "guests",
	  .edits = { { "switch: sw-room, port: swp2,", "switch: sw-room, port: swp1," },
		     { "{ name: swp1-8, zone: server }", "{ name: swp1-8, zone: server, macs: 2 }" } } },
	/* a data network that nothing of ours joins */
	{ HIGHEST, SITE, .text = "data alone", .edits = { { ", { zone: data }]", "]" } } },
	/* another router behind a zone, with an address of its own there */
	{ OFFICE, SITE, .text = "a router behind",
	  .edits = { { "switches:\n", "  - { name: rt-c, interfaces: [{ zone: border, "
				      "address: 10.60.0.9 }, { zone: internet, address: 192.0.2.5 }] }\n"
				      "switches:\n" } } },
	/* a zone whose gateway another address than the first is */
	{ OFFICE, SITE, .text = "gateway", .edits = { { "vlan: 20,", "vlan: 20, gateway: 10.20.0.254," } } },
	/* a zone of IPv4 alone, and one of IPv6 alone */
	{ OFFICE, SITE, .text = "v4 alone", .edits = { { ", subnet6: \"2001:db8:1:80::/64\"", "" } } },
	{ OFFICE, SITE, .text = "v6 alone", .edits = { { "subnet: 10.180.0.0/20, ", "" } } },
	/* a PBX beside as a trunk, a gateway's lines, and a second number for help at one address */
	{ OFFICE, SITE, .text = "gateway as trunk",
	  .edits = { { "peer: sip.carrier.example", "peer: 10.40.0.11, addresses: [10.40.0.0/28]" } } },
	{ OFFICE, SITE, .text = "one elin",
	  .edits = { { "second:        { building: Main,", "second:        { building: Main, elin: 4930123400," } } },
	/* bounds by trunk; no DHCP and so no server for it; level minimum */
	{ OFFICE, SITE, .text = "channels", .edits = { { ", external_calls: 30", "" } } },
	/* relays of another make, on the borders' own machine */
	{ SMALL, SITE, .text = "rtpengine",
	  .edits = { { "[border, relay]", "border" },
		     { "emergency:", "media: { relays: [127.0.0.1] }\nemergency:" } } },
	{ OFFICE, SITE, .text = "minimum", .edits = { { "level: medium", "level: minimum" } } },
	{ HIGHEST, SITE, .text = "medium",
	  .edits = { { "level: highest\n", "level: medium\n" },
		     { "vlan: 30,", "vlan: 30, dhcp: false," },
		     { "roles: wall }", "roles: wall, services: workstation }" } } },
	/* a flow that is in two entries, to two hosts */
	{ OFFICE, SITE, .text = "two flows",
	  .edits = { { "allow:\n", "allow:\n  - { from: server, to: border, category: services, "
				   "protocol: tcp, ports: [53, 4460], from_hosts: [svc-a], to_hosts: [dmz-a], "
				   "reason: one }\n" } } },
	{ OFFICE, PHONES, .text = "a line of remarks", .edits = { { "first-1,", "# first floor\nfirst-1," } } },
	{ OFFICE, ATTESTED, .text = "none", .edits = { { "mitigation: hw-ecc", "mitigation: hw-spare-server" } } },
};

/* --- the bases and their edits */

struct bases {
	char *text[BASES][FILES];
};

static char *with_edits(const char *base, const struct edit *edits, const char *what)
{
	char *text = strdup(base);

	assert_non_null(text);
	for (size_t i = 0; i < 4 && edits[i].find; i++) {
		char *at = strstr(text, edits[i].find), *made = NULL;

		if (!at || strstr(at + 1, edits[i].find))
			fail_msg("%s: \"%s\" stands there %s", what, edits[i].find, at ? "twice" : "not at all");
		assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, edits[i].put,
				     at + strlen(edits[i].find)) > 0);
		free(text);
		text = made;
	}
	return text;
}

static unsigned line_of(const char *text, const char *needle, const char *what)
{
	const char *at = strstr(text, needle);
	unsigned line = 1;

	if (!at)
		fail_msg("%s: no line has \"%s\"", what, needle);
	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

static int look(char *const text[FILES], struct rf_findings *findings)
{
	struct rf_site *site = NULL;
	int rc = rf_site_parse_attested(rf_view_str(text[SITE]), rf_view_str(text[PHONES]), rf_view_str(text[ATTESTED]),
					"site.yaml", day, findings, &site);

	if (rc == 0)
		rc = rf_site_check(site, day, findings);
	rf_site_put(site);
	return rc;
}

static bool is_it(const struct rf_finding *f, const struct plant *p, unsigned line)
{
	static const char *const names[FILES] = { "site.yaml", "phones.csv", "attestations.yaml" };

	return f->severity == p->severity && strstr(f->text, p->text) && strcmp(f->mitigation, p->mitigation) == 0 &&
	       (!p->at || (f->line == line && strcmp(f->file, names[p->file]) == 0)) && f->mend[0];
}

static void every_mistake(void **state)
{
	const struct bases *b = *state;
	unsigned missed = 0;

	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
		const struct plant *p = &plants[i];
		struct rf_findings findings;
		char *text[FILES];
		size_t j = 0, told = 0;

		memcpy(text, b->text[p->base], sizeof text);
		text[p->file] = with_edits(text[p->file], p->edits, p->text);
		rf_findings_init(&findings);
		look(text, &findings);
		unsigned line = p->at ? line_of(text[p->file], p->at, p->text) : 0;
		while (j < findings.n && !is_it(&findings.v[j], p, line))
			j++;
		for (size_t k = 0; k < findings.n; k++)
			told += findings.v[k].severity < RF_SEV_NOTE;
		if (j == findings.n || told > 40) {
			rf_findings_print(&findings, stderr);
			print_error("not found as it should be: %s (line %u)\n\n", p->text, line);
			missed++;
		}
		rf_findings_fini(&findings);
		free(text[p->file]);
	}
	assert_int_equal(missed, 0);
}

static void no_false_alarm(void **state)
{
	const struct bases *b = *state;

	for (size_t i = 0; i < LAB; i++) {
		struct rf_findings findings;

		rf_findings_init(&findings);
		assert_int_equal(look(b->text[i], &findings), 0);
		/* A site without a network is told so. */
		if (findings.n != (i == SMALL))
			rf_findings_print(&findings, stderr);
		assert_int_equal(findings.n, i == SMALL);
		rf_findings_fini(&findings);
	}
}

static void no_false_alarm_either(void **state)
{
	const struct bases *b = *state;
	unsigned alarms = 0;

	for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
		struct rf_findings findings;
		char *text[FILES];

		memcpy(text, b->text[sound[i].base], sizeof text);
		text[sound[i].file] = with_edits(text[sound[i].file], sound[i].edits, sound[i].text);
		rf_findings_init(&findings);
		look(text, &findings);
		if (findings.count[RF_SEV_ERROR] + findings.count[RF_SEV_WARNING]) {
			print_error("false alarm: %s\n", sound[i].text);
			rf_findings_print(&findings, stderr);
			alarms++;
		}
		rf_findings_fini(&findings);
		free(text[sound[i].file]);
	}
	assert_int_equal(alarms, 0);
}

/* Nobody is told anything about a laboratory at level minimum. */
static void no_word_to_a_lab(void **state)
{
	const struct bases *b = *state;
	const struct edit edits[4] = { { "level: medium", "level: minimum" } };
	char *text[FILES] = { with_edits(b->text[LAB][SITE], edits, "lab"), b->text[LAB][PHONES],
			      b->text[LAB][ATTESTED] };
	struct rf_findings findings;

	rf_findings_init(&findings);
	assert_int_equal(look(text, &findings), 0);
	assert_int_equal(findings.n, 0);
	rf_findings_fini(&findings);
	free(text[SITE]);
}

static void every_allocation(void **state)
{
	const struct bases *b = *state;
	struct rf_site *site = NULL;
	int rc = -ENOMEM;

	assert_int_equal(rf_site_parse_attested(rf_view_str(b->text[OFFICE][SITE]), rf_view_str(b->text[OFFICE][PHONES]),
						rf_view_str(b->text[OFFICE][ATTESTED]), "site.yaml", day, NULL,
						&site), 0);
	for (unsigned n = 1; rc; n++) {
		fail_alloc_at(n);
		rc = rf_site_check(site, day, NULL);
		assert_true(fail_alloc_off() == (rc == -ENOMEM));
	}
	rf_site_put(site);
}

static char *read_text(const char *folder, const char *site, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s/%s", folder, site, name);
	struct rf_view v = guard_file(path);
	char *text = v.n ? strndup((const char *)v.p, v.n) : strdup("");

	free((void *)(uintptr_t)v.p);
	assert_non_null(text);
	return text;
}

int main(int argc, char **argv)
{
	static const char *const names[FILES] = { "site.yaml", "phones.csv", "attestations.yaml" };
	struct bases b;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(no_false_alarm, &b),
		cmocka_unit_test_prestate(no_false_alarm_either, &b),
		cmocka_unit_test_prestate(every_mistake, &b),
		cmocka_unit_test_prestate(no_word_to_a_lab, &b),
		cmocka_unit_test_prestate(every_allocation, &b),
	};

	if (argc != 2)
		return 2;
	for (int i = 0; i < FILES; i++) {
		b.text[OFFICE][i] = read_text(argv[1], "office", names[i]);
		b.text[HIGHEST][i] = read_text(argv[1], "highest", names[i]);
		b.text[SMALL][i] = strdup(i == SITE ? small : "");
		b.text[LAB][i] = strdup(i == SITE ? lab : "");
	}
	int rc = cmocka_run_group_tests_name("planted mistakes", tests, NULL, NULL);

	for (int i = 0; i < BASES; i++)
		for (int j = 0; j < FILES; j++)
			free(b.text[i][j]);
	return rc;
}

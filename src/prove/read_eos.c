/* Arista EOS: which lines are judged, which cannot change what is filtered; the rest is refused. */
#include "prove/cisco_int.h"

#define S RF_CISCO_SKIP
#define B RF_CISCO_SKIP_BLOCK
#define N RF_CISCO_NOT

static const struct rf_cisco_word top[] = {
	{ "interface", RF_CISCO_INTERFACE, NULL }, { "ip access-list", RF_CISCO_LIST, NULL },
	{ "ipv6 access-list", RF_CISCO_LIST, NULL }, { "banner motd", RF_CISCO_BANNER, NULL },
	{ "banner login", RF_CISCO_BANNER, NULL },

	{ "ip nat", N, "address translation" }, { "vrf", N, "a VRF" }, { "policy-map type pbr", N, "policy routing" },
	{ "class-map type pbr", N, "policy routing" }, { "traffic-policies", N, "a traffic policy" },
	{ "field-set", N, "a field set" }, { "flow-spec", N, "flow specification" },
	{ "router traffic-engineering", N, "traffic engineering" },
	{ "router segment-security", N, "segment security" }, { "ip access-list resequence", N, "resequencing" },
	{ "nat", N, "address translation" }, { "ip security", N, "a tunnel" }, { "mpls", N, "label switching" },
	{ "hardware access-list", N, "a change of how lists work" }, { "event-handler", N, "a script" },
	{ "daemon", N, "a script" }, { "firewall", N, "a firewall" }, { "tap", N, "a tap aggregator" },
	{ "system control-plane", N, "the list of the control plane" }, { "vxlan", N, "a tunnel" },
	{ "patch panel", N, "a pseudowire" },

	{ "hostname", S, NULL }, { "ip domain-name", S, NULL }, { "dns", S, NULL }, { "ip name-server", S, NULL }, { "ip host", S, NULL },
	{ "ip domain", S, NULL }, { "transceiver", S, NULL }, { "service", S, NULL }, { "prompt", S, NULL },
	{ "terminal", S, NULL }, { "boot", S, NULL }, { "agent", S, NULL }, { "platform", S, NULL },
	{ "hardware", S, NULL }, { "queue-monitor", S, NULL }, { "clock", S, NULL }, { "enable", S, NULL },
	{ "username", S, NULL }, { "role", B, NULL }, { "aaa", B, NULL }, { "radius-server", S, NULL },
	{ "tacacs-server", S, NULL }, { "dot1x", B, NULL }, { "logging", S, NULL }, { "errdisable", S, NULL },
	{ "spanning-tree", B, NULL }, { "vlan", B, NULL }, { "vlan internal", S, NULL }, { "lldp", B, NULL },
	{ "lacp", S, NULL }, { "port-channel", S, NULL }, { "mac", B, NULL }, { "mac access-list", B, NULL },
	{ "mac address-table", S, NULL }, { "mlag", B, NULL }, { "qos", B, NULL }, { "class-map", B, NULL },
	{ "policy-map", B, NULL }, { "management", B, NULL }, { "snmp-server", S, NULL }, { "ntp", S, NULL },
	{ "alias", S, NULL }, { "sflow", S, NULL }, { "monitor", B, NULL }, { "redundancy", B, NULL },
	{ "router ospf", B, NULL }, { "router ospf3", B, NULL }, { "router bgp", B, NULL }, { "router rip", B, NULL },
	{ "router isis", B, NULL }, { "router multicast", B, NULL }, { "router bfd", B, NULL },
	{ "route-map", B, NULL }, { "ip prefix-list", B, NULL }, { "ipv6 prefix-list", B, NULL },
	{ "ip as-path", S, NULL }, { "ip community-list", S, NULL }, { "peer-filter", B, NULL },
	{ "ip routing", S, NULL }, { "ip route", S, NULL }, { "ip default-gateway", S, NULL }, { "ip icmp", S, NULL },
	{ "ip virtual-router", S, NULL }, { "ipv6 unicast-routing", S, NULL }, { "ipv6 route", S, NULL },
	{ "ipv6 neighbor", S, NULL }, { "ip dhcp", S, NULL }, { "ipv6 dhcp", S, NULL }, { "dhcp", B, NULL },
	{ "ip arp", S, NULL }, { "arp", S, NULL }, { "ip source", S, NULL }, { "ip verify source", S, NULL },
	{ "ip ssh", S, NULL }, { "ip http", S, NULL }, { "ip radius", S, NULL }, { "ip tacacs", S, NULL },
	{ "ip load-sharing", S, NULL }, { "ip multicast", S, NULL }, { "ip igmp", S, NULL }, { "ip pim", S, NULL },
	{ "switchport", S, NULL }, { "storm-control", S, NULL }, { "schedule", S, NULL }, { "system l1", B, NULL },
	{ "match-list", B, NULL },
	{ "key", B, NULL },
	{ "load-interval", S, NULL },
	{ "environment", S, NULL },
	{ "cvx", B, NULL },
	{ "link tracking", S, NULL },
	{ "track", S, NULL },
	{ NULL, 0, NULL },
};

static const struct rf_cisco_word interface[] = {
	{ "ip access-group", RF_CISCO_BIND4, NULL }, { "ipv6 access-group", RF_CISCO_BIND6, NULL },
	{ "ip verify unicast source reachable-via rx", RF_CISCO_STRICT4, NULL },
	{ "ipv6 verify unicast source reachable-via rx", RF_CISCO_STRICT6, NULL },
	{ "ip verify unicast", N, "checking of sources in another way" },
	{ "ipv6 verify unicast", N, "checking of sources in another way" },
	{ "ip verify source", S, NULL }, { "mac access-group", N, "a list of MAC addresses" },
	{ "ip nat", N, "address translation" }, { "vrf", N, "a VRF" }, { "traffic-policy", N, "a traffic policy" },
	{ "service-policy type", N, "policy routing" }, { "tunnel", N, "a tunnel" }, { "mpls", N, "label switching" },
	{ "tap", N, "a tap aggregator" }, { "segment", N, "segment security" },

	{ "description", S, NULL }, { "ip address", S, NULL }, { "ipv6 address", S, NULL }, { "ipv6 enable", S, NULL },
	{ "ip virtual-router", S, NULL }, { "ipv6 virtual-router", S, NULL }, { "shutdown", S, NULL },
	{ "switchport", S, NULL }, { "spanning-tree", S, NULL }, { "speed", S, NULL }, { "mtu", S, NULL },
	{ "bandwidth", S, NULL }, { "load-interval", S, NULL }, { "encapsulation dot1q", S, NULL },
	{ "channel-group", S, NULL }, { "port-channel", S, NULL }, { "lacp", S, NULL }, { "mlag", S, NULL },
	{ "lldp", S, NULL }, { "vrrp", S, NULL }, { "ip helper-address", S, NULL }, { "ip redirects", S, NULL },
	{ "ip proxy-arp", S, NULL }, { "ip arp", S, NULL }, { "arp", S, NULL }, { "ip dhcp", S, NULL },
	{ "ip ospf", S, NULL }, { "ip pim", S, NULL }, { "ip igmp", S, NULL }, { "ip icmp", S, NULL },
	{ "ip unreachables", S, NULL }, { "ip attached-host", S, NULL }, { "ipv6 nd", S, NULL },
	{ "ipv6 dhcp", S, NULL }, { "ipv6 redirects", S, NULL }, { "ipv6 ospf", S, NULL }, { "ospfv3", S, NULL },
	{ "snmp", S, NULL }, { "logging", S, NULL }, { "storm-control", S, NULL }, { "service-policy", S, NULL },
	{ "dot1x", S, NULL }, { "qos", S, NULL }, { "flowcontrol", S, NULL }, { "sflow", S, NULL },
	{ "phone", S, NULL }, { "poe", S, NULL }, { "error-correction", S, NULL }, { "autostate", S, NULL },
	{ "pvlan", S, NULL }, { "l2", S, NULL }, { "tx-queue", S, NULL }, { "uc-tx-queue", S, NULL },
	{ "bfd", S, NULL }, { "isis", S, NULL },
	{ NULL, 0, NULL },
};

static const struct rf_cisco_dialect eos = {
	.language = "eos", .top = top, .interface = interface, .lengths = true, .neighbours_maybe = true,
	.later_maybe = true,
};

int rf_read_eos(struct rf_view bytes, const char *name, struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	return rf_cisco_read(bytes, name, &eos, ret_rs, diag);
}

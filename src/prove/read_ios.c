/* Cisco IOS and IOS-XE: which lines are judged, which cannot change what is filtered; the rest is refused. */
#include "prove/cisco_int.h"

#define S RF_CISCO_SKIP
#define B RF_CISCO_SKIP_BLOCK
#define N RF_CISCO_NOT

static const struct rf_cisco_word top[] = {
	{ "interface", RF_CISCO_INTERFACE, NULL }, { "ip access-list", RF_CISCO_LIST, NULL },
	{ "ipv6 access-list", RF_CISCO_LIST, NULL }, { "access-list", RF_CISCO_NUMBERED, NULL },
	{ "object-group", RF_CISCO_GROUP, NULL }, { "banner", RF_CISCO_BANNER, NULL },
	{ "banner motd", RF_CISCO_BANNER, NULL }, { "banner login", RF_CISCO_BANNER, NULL },
	{ "banner exec", RF_CISCO_BANNER, NULL }, { "banner incoming", RF_CISCO_BANNER, NULL },
	{ "ip access-list logging", S, NULL }, { "ip access-list log-update", S, NULL }, { "ipv6 access-list log-update", S, NULL },

	{ "ip nat", N, "address translation" }, { "ip vrf", N, "a VRF" }, { "vrf definition", N, "a VRF" },
	{ "ip local policy", N, "policy routing" }, { "zone security", N, "a zone-based firewall" },
	{ "zone-pair", N, "a zone-based firewall" }, { "class-map type", N, "a typed class map" },
	{ "policy-map type", N, "a typed policy map" }, { "parameter-map", N, "a parameter map" },
	{ "ip inspect", N, "inspection" }, { "ipv6 inspect", N, "inspection" }, { "vlan access-map", N, "a VLAN access map" },
	{ "vlan filter", N, "a VLAN access map" }, { "ip access-list role-based", N, "a role-based list" },
	{ "ip access-list fqdn", N, "a list of names" }, { "ip access-list resequence", N, "resequencing" },
	{ "ip access-list match-local-traffic", N, "matching of local traffic" }, { "cts", N, "TrustSec" },
	{ "crypto map", N, "a crypto map" }, { "crypto dynamic-map", N, "a crypto map" },
	{ "crypto gdoi", N, "a crypto map" }, { "ip wccp", N, "redirection to caches" }, { "ip reflexive-list", N, "a reflexive list" },
	{ "ip policy-list", N, "a policy list" }, { "template", N, "an interface template" }, { "macro", N, "a macro" },
	{ "event manager", N, "a script" }, { "time-range", S, NULL }, { "bridge", N, "bridging" }, { "bridge-domain", N, "bridging" },
	{ "mpls", N, "label switching" }, { "l2vpn", N, "a VPN" }, { "service-insertion", N, "service insertion" },
	{ "ip admission", N, "authenticated access" }, { "utd", N, "threat defence" }, { "appqoe", N, "redirection" },

	{ "version", S, NULL }, { "hostname", S, NULL }, { "service", S, NULL }, { "boot-start-marker", S, NULL },
	{ "boot-end-marker", S, NULL }, { "boot", S, NULL }, { "platform", S, NULL }, { "license", S, NULL },
	{ "hw-module", S, NULL }, { "switch", S, NULL }, { "system", S, NULL }, { "memory", S, NULL }, { "diagnostic", S, NULL },
	{ "clock", S, NULL }, { "enable", S, NULL }, { "username", B, NULL }, { "privilege", S, NULL },
	{ "aaa", B, NULL }, { "radius", B, NULL }, { "radius-server", S, NULL }, { "tacacs", B, NULL }, { "tacacs-server", S, NULL },
	{ "dot1x", S, NULL }, { "authentication", S, NULL }, { "login", S, NULL }, { "logging", B, NULL }, { "archive", B, NULL },
	{ "errdisable", S, NULL }, { "spanning-tree", B, NULL }, { "vtp", S, NULL }, { "vlan", B, NULL }, { "vlan internal", S, NULL },
	{ "vlan dot1q", S, NULL }, { "lldp", S, NULL }, { "cdp", S, NULL }, { "udld", S, NULL }, { "lacp", S, NULL }, { "port-channel", S, NULL },
	{ "mac", S, NULL }, { "mac access-list", B, NULL }, { "mls", S, NULL }, { "qos", S, NULL }, { "class-map", B, NULL },
	{ "policy-map", B, NULL }, { "table-map", B, NULL }, { "control-plane", B, NULL }, { "crypto pki", B, NULL },
	{ "crypto ca", B, NULL }, { "crypto key", S, NULL }, { "key", B, NULL }, { "snmp-server", S, NULL }, { "snmp", S, NULL },
	{ "ntp", S, NULL }, { "sntp", S, NULL }, { "line", B, NULL }, { "alias", S, NULL }, { "scheduler", S, NULL },
	{ "process", S, NULL }, { "exception", S, NULL }, { "monitor", B, NULL }, { "flow", B, NULL }, { "sampler", B, NULL },
	{ "call-home", B, NULL }, { "netconf-yang", S, NULL }, { "restconf", S, NULL }, { "transceiver", B, NULL },
	{ "redundancy", B, NULL }, { "track", B, NULL }, { "fhrp", S, NULL }, { "router ospf", B, NULL }, { "router bgp", B, NULL },
	{ "router eigrp", B, NULL }, { "router rip", B, NULL }, { "router isis", B, NULL }, { "ipv6 router", B, NULL }, { "router ospfv3", B, NULL },
	{ "route-map", B, NULL }, { "ip prefix-list", S, NULL }, { "ipv6 prefix-list", S, NULL }, { "ip as-path", S, NULL },
	{ "ip community-list", S, NULL }, { "device-tracking", B, NULL }, { "power", S, NULL }, { "cisp", S, NULL }, { "file", S, NULL },

	{ "ip http", S, NULL }, { "ip ssh", S, NULL }, { "ip scp", S, NULL }, { "ip tftp", S, NULL }, { "ip ftp", S, NULL },
	{ "ip domain", S, NULL }, { "ip domain-name", S, NULL }, { "ip domain-lookup", S, NULL }, { "ip name-server", S, NULL },
	{ "ip host", S, NULL }, { "ip dhcp", B, NULL }, { "ip bootp", S, NULL }, { "ip arp", S, NULL }, { "ip gratuitous-arps", S, NULL },
	{ "ip source", S, NULL }, { "ip source-route", S, NULL }, { "ip verify source", S, NULL }, { "ip routing", S, NULL }, { "ip cef", S, NULL },
	{ "ip subnet-zero", S, NULL }, { "ip classless", S, NULL }, { "ip forward-protocol", S, NULL }, { "ip route", S, NULL },
	{ "ip default-gateway", S, NULL }, { "ip default-network", S, NULL }, { "ip multicast-routing", S, NULL }, { "ip pim", S, NULL },
	{ "ip igmp", S, NULL }, { "ip tcp", S, NULL }, { "ip icmp", S, NULL }, { "ip finger", S, NULL }, { "ip radius", S, NULL },
	{ "ip tacacs", S, NULL }, { "ip sla", B, NULL }, { "ip options", S, NULL }, { "ip device", S, NULL }, { "ip identd", S, NULL },
	{ "ipv6 unicast-routing", S, NULL }, { "ipv6 cef", S, NULL }, { "ipv6 route", S, NULL }, { "ipv6 nd", B, NULL },
	{ "ipv6 dhcp", B, NULL }, { "ipv6 source-guard", B, NULL }, { "ipv6 source-route", S, NULL }, { "ipv6 neighbor", S, NULL }, { "ipv6 snooping", B, NULL },
	{ "ipv6 icmp", S, NULL }, { "ipv6 multicast-routing", S, NULL }, { "ipv6 host", S, NULL }, { "ipv6 hop-limit", S, NULL },
	{ NULL, 0, NULL },
};

static const struct rf_cisco_word interface[] = {
	{ "ip access-group", RF_CISCO_BIND4, NULL }, { "ipv6 traffic-filter", RF_CISCO_BIND6, NULL },
	{ "ip verify unicast source reachable-via rx", RF_CISCO_STRICT4, NULL },
	{ "ipv6 verify unicast source reachable-via rx", RF_CISCO_STRICT6, NULL },
	{ "ip verify unicast", N, "checking of sources in another way" }, { "ipv6 verify unicast", N, "checking of sources in another way" },
	{ "ip verify source", S, NULL }, { "mac access-group", N, "a list of MAC addresses" },
	{ "ip policy", N, "policy routing" }, { "ipv6 policy", N, "policy routing" }, { "ip nat", N, "address translation" },
	{ "ipv6 nat", N, "address translation" }, { "nat64", N, "address translation" }, { "vrf", N, "a VRF" }, { "ip vrf", N, "a VRF" },
	{ "zone-member", N, "a zone-based firewall" }, { "ip inspect", N, "inspection" }, { "ipv6 inspect", N, "inspection" },
	{ "crypto", N, "a crypto map" }, { "bridge-group", N, "bridging" }, { "service instance", N, "bridging" },
	{ "xconnect", N, "a pseudowire" }, { "tunnel", N, "a tunnel" }, { "mpls", N, "label switching" }, { "ip wccp", N, "redirection to caches" },
	{ "source template", N, "an interface template" }, { "cts", N, "TrustSec" }, { "ip admission", N, "authenticated access" },
	{ "service-policy type", N, "a typed policy map" }, { "ip unnumbered", S, NULL },

	{ "description", S, NULL }, { "ip address", S, NULL }, { "ipv6 address", S, NULL }, { "ipv6 enable", S, NULL },
	{ "shutdown", S, NULL }, { "switchport", S, NULL }, { "spanning-tree", S, NULL }, { "speed", S, NULL }, { "duplex", S, NULL },
	{ "negotiation", S, NULL }, { "mtu", S, NULL }, { "ip mtu", S, NULL }, { "ipv6 mtu", S, NULL }, { "bandwidth", S, NULL }, { "delay", S, NULL },
	{ "load-interval", S, NULL }, { "carrier-delay", S, NULL }, { "keepalive", S, NULL }, { "media-type", S, NULL },
	{ "mdix", S, NULL }, { "power", S, NULL }, { "encapsulation dot1q", S, NULL }, { "encapsulation dot1Q", S, NULL },
	{ "channel-group", S, NULL }, { "channel-protocol", S, NULL }, { "lacp", S, NULL }, { "udld", S, NULL }, { "cdp", S, NULL },
	{ "lldp", S, NULL }, { "vrrp", S, NULL }, { "standby", S, NULL }, { "address", S, NULL }, { "priority", S, NULL },
	{ "preempt", S, NULL }, { "timers", S, NULL }, { "track", S, NULL }, { "vrrpv2", S, NULL }, { "exit-vrrp", S, NULL },
	{ "ip helper-address", S, NULL }, { "ip redirects", S, NULL }, { "ip proxy-arp", S, NULL }, { "ip unreachables", S, NULL },
	{ "ip mask-reply", S, NULL }, { "ip directed-broadcast", S, NULL }, { "ip route-cache", S, NULL }, { "ip tcp", S, NULL }, { "ip arp", S, NULL },
	{ "ip dhcp", S, NULL }, { "ip ospf", S, NULL }, { "ospfv3", S, NULL }, { "ip pim", S, NULL }, { "ip igmp", S, NULL },
	{ "ip flow", S, NULL }, { "ip local-proxy-arp", S, NULL }, { "ip device", S, NULL },
	{ "ipv6 nd", S, NULL }, { "ipv6 dhcp", S, NULL }, { "ipv6 redirects", S, NULL }, { "ipv6 unreachables", S, NULL },
	{ "ipv6 ospf", S, NULL }, { "ipv6 source-guard", S, NULL }, { "ipv6 pim", S, NULL }, { "ipv6 mld", S, NULL }, { "ipv6 tcp", S, NULL },
	{ "arp", S, NULL }, { "snmp", S, NULL }, { "logging", S, NULL }, { "storm-control", S, NULL }, { "service-policy", S, NULL },
	{ "authentication", S, NULL }, { "dot1x", S, NULL }, { "mab", S, NULL }, { "access-session", S, NULL }, { "device-tracking", S, NULL },
	{ "port-security", S, NULL }, { "auto", S, NULL }, { "trust", S, NULL }, { "mls", S, NULL }, { "qos", S, NULL }, { "priority-queue", S, NULL },
	{ "srr-queue", S, NULL }, { "flowcontrol", S, NULL }, { "hold-queue", S, NULL }, { "macsec", S, NULL }, { "mka", S, NULL },
	{ NULL, 0, NULL },
};

static const struct rf_cisco_dialect ios = {
	.language = "ios", .top = top, .interface = interface, .empty_permits = true, .neighbours = true,
};

int rf_read_ios(struct rf_view bytes, const char *name, struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	return rf_cisco_read(bytes, name, &ios, ret_rs, diag);
}

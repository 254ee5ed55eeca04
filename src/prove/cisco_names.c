/* Names of IOS and EOS. */
#include "prove/cisco_int.h"

#include <stdio.h>

enum { ANY_PROTOCOL = 256 };

const struct rf_word_number rf_cisco_protocols[] = {
	{ "ip", ANY_PROTOCOL, 0 }, { "ipv4", ANY_PROTOCOL, 0 }, { "ipv6", ANY_PROTOCOL, 0 }, { "icmp", 1, 0 },
	{ "igmp", 2, 0 }, { "ipinip", 4, 0 }, { "tcp", 6, 0 }, { "udp", 17, 0 }, { "gre", 47, 0 }, { "esp", 50, 0 },
	{ "ahp", 51, 0 }, { "icmpv6", 58, 0 }, { "eigrp", 88, 0 }, { "ospf", 89, 0 }, { "nos", 94, 0 },
	{ "pim", 103, 0 }, { "pcp", 108, 0 }, { "vrrp", 112, 0 }, { "sctp", 132, 0 }, { NULL, 0, 0 },
};

const struct rf_word_number rf_cisco_tcp[] = {
	{ "bgp", 179, 0 }, { "chargen", 19, 0 }, { "cmd", 514, 0 }, { "daytime", 13, 0 }, { "discard", 9, 0 },
	{ "domain", 53, 0 }, { "drip", 3949, 0 }, { "echo", 7, 0 }, { "exec", 512, 0 }, { "finger", 79, 0 },
	{ "ftp", 21, 0 }, { "ftp-data", 20, 0 }, { "gopher", 70, 0 }, { "hostname", 101, 0 }, { "https", 443, 0 },
	{ "ident", 113, 0 }, { "irc", 194, 0 }, { "klogin", 543, 0 }, { "kshell", 544, 0 }, { "login", 513, 0 },
	{ "lpd", 515, 0 }, { "msrpc", 135, 0 }, { "nntp", 119, 0 }, { "pim-auto-rp", 496, 0 }, { "pop2", 109, 0 },
	{ "pop3", 110, 0 }, { "smtp", 25, 0 }, { "ssh", 22, 0 }, { "sunrpc", 111, 0 }, { "syslog", 514, 0 },
	{ "tacacs", 49, 0 }, { "tacacs-ds", 65, 0 }, { "talk", 517, 0 }, { "telnet", 23, 0 }, { "time", 37, 0 },
	{ "uucp", 540, 0 }, { "whois", 43, 0 }, { "www", 80, 0 }, { NULL, 0, 0 },
};

const struct rf_word_number rf_cisco_udp[] = {
	{ "biff", 512, 0 }, { "bootpc", 68, 0 }, { "bootps", 67, 0 }, { "discard", 9, 0 }, { "dnsix", 195, 0 },
	{ "domain", 53, 0 }, { "echo", 7, 0 }, { "isakmp", 500, 0 }, { "mobile-ip", 434, 0 }, { "nameserver", 42, 0 },
	{ "netbios-dgm", 138, 0 }, { "netbios-ns", 137, 0 }, { "netbios-ss", 139, 0 }, { "non500-isakmp", 4500, 0 },
	{ "ntp", 123, 0 }, { "pim-auto-rp", 496, 0 }, { "rip", 520, 0 }, { "snmp", 161, 0 }, { "snmptrap", 162, 0 },
	{ "sunrpc", 111, 0 }, { "syslog", 514, 0 }, { "tacacs", 49, 0 }, { "talk", 517, 0 }, { "tftp", 69, 0 },
	{ "time", 37, 0 }, { "who", 513, 0 }, { "xdmcp", 177, 0 }, { NULL, 0, 0 },
};

/* A code is written one higher: 0 means that there is none. */
const struct rf_word_number rf_cisco_icmp[] = {
	{ "administratively-prohibited", 3, 14 }, { "alternate-address", 6, 0 }, { "conversion-error", 31, 0 },
	{ "dod-host-prohibited", 3, 11 }, { "dod-net-prohibited", 3, 10 }, { "echo", 8, 0 }, { "echo-reply", 0, 0 },
	{ "general-parameter-problem", 12, 1 }, { "host-isolated", 3, 9 }, { "host-precedence-unreachable", 3, 15 },
	{ "host-redirect", 5, 2 }, { "host-tos-redirect", 5, 4 }, { "host-tos-unreachable", 3, 13 },
	{ "host-unknown", 3, 8 }, { "host-unreachable", 3, 2 }, { "information-reply", 16, 0 },
	{ "information-request", 15, 0 }, { "mask-reply", 18, 0 }, { "mask-request", 17, 0 },
	{ "mobile-redirect", 32, 0 }, { "net-redirect", 5, 1 }, { "net-tos-redirect", 5, 3 },
	{ "net-tos-unreachable", 3, 12 }, { "net-unreachable", 3, 1 }, { "network-unknown", 3, 7 },
	{ "no-room-for-option", 12, 3 }, { "option-missing", 12, 2 }, { "packet-too-big", 3, 5 },
	{ "parameter-problem", 12, 0 }, { "port-unreachable", 3, 4 }, { "precedence-unreachable", 3, 16 },
	{ "protocol-unreachable", 3, 3 }, { "reassembly-timeout", 11, 2 }, { "redirect", 5, 0 },
	{ "router-advertisement", 9, 0 }, { "router-solicitation", 10, 0 }, { "source-quench", 4, 0 },
	{ "source-route-failed", 3, 6 }, { "time-exceeded", 11, 0 }, { "timestamp-reply", 14, 0 },
	{ "timestamp-request", 13, 0 }, { "traceroute", 30, 0 }, { "ttl-exceeded", 11, 1 }, { "unreachable", 3, 0 },
	{ NULL, 0, 0 },
};

const struct rf_word_number rf_cisco_icmp6[] = {
	{ "beyond-scope", 1, 3 }, { "destination-unreachable", 1, 4 }, { "echo-reply", 129, 0 },
	{ "echo-request", 128, 0 }, { "header", 4, 1 }, { "hop-limit", 3, 1 }, { "mld-query", 130, 0 },
	{ "mld-reduction", 132, 0 }, { "mld-report", 131, 0 }, { "nd-na", 136, 0 }, { "nd-ns", 135, 0 },
	{ "neighbor-advertisement", 136, 0 }, { "neighbor-solicitation", 135, 0 }, { "next-header", 4, 2 },
	{ "no-admin", 1, 2 }, { "no-route", 1, 1 }, { "packet-too-big", 2, 0 }, { "parameter-option", 4, 3 },
	{ "parameter-problem", 4, 0 }, { "port-unreachable", 1, 5 }, { "reassembly-timeout", 3, 2 },
	{ "redirect", 137, 0 }, { "redirect-message", 137, 0 }, { "router-advertisement", 134, 0 },
	{ "router-renumbering", 138, 0 }, { "router-solicitation", 133, 0 }, { "time-exceeded", 3, 0 },
	{ "unreachable", 1, 0 }, { NULL, 0, 0 },
};

void rf_cisco_interface(struct rf_view name, char *buf, size_t cap)
{
	static const struct { const char *brief, *full; } names[] = {
		{ "Fa", "FastEthernet" }, { "Gi", "GigabitEthernet" }, { "Tw", "TwoGigabitEthernet" },
		{ "Fi", "FiveGigabitEthernet" }, { "Te", "TenGigabitEthernet" }, { "Twe", "TwentyFiveGigE" },
		{ "Fo", "FortyGigabitEthernet" }, { "Hu", "HundredGigE" }, { "Et", "Ethernet" }, { "Ma", "Management" },
		{ "Po", "Port-channel" }, { "Vl", "Vlan" }, { "Lo", "Loopback" }, { "BV", "BVI" },
	};
	size_t letters = 0;

	name = rf_view_trim(name);
	while (letters < name.n && (name.p[letters] < '0' || name.p[letters] > '9'))
		letters++;
	struct rf_view kind = rf_view_trim(rf_view_sub(name, 0, letters)), number = rf_view_from(name, letters);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (rf_view_eq_nocase(kind, rf_view_str(names[i].brief)) ||
		    rf_view_eq_nocase(kind, rf_view_str(names[i].full)))
			kind = rf_view_str(names[i].full);
	snprintf(buf, cap, "%.*s%.*s", RF_VFMT(kind), RF_VFMT(number));
}

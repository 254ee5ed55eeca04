/* Names of Junos. */
#include "prove/junos_int.h"

#include <stdio.h>

const struct rf_word_number rf_junos_ports[] = {
	{ "afs", 1483, 0 }, { "bgp", 179, 0 }, { "biff", 512, 0 }, { "bootpc", 68, 0 }, { "bootps", 67, 0 },
	{ "cmd", 514, 0 }, { "cvspserver", 2401, 0 }, { "dhcp", 67, 0 }, { "domain", 53, 0 }, { "eklogin", 2105, 0 },
	{ "ekshell", 2106, 0 }, { "exec", 512, 0 }, { "finger", 79, 0 }, { "ftp", 21, 0 }, { "ftp-data", 20, 0 },
	{ "http", 80, 0 }, { "https", 443, 0 }, { "ident", 113, 0 }, { "imap", 143, 0 }, { "kerberos-sec", 88, 0 },
	{ "klogin", 543, 0 }, { "kpasswd", 761, 0 }, { "krb-prop", 754, 0 }, { "krbupdate", 760, 0 },
	{ "kshell", 544, 0 }, { "ldap", 389, 0 }, { "ldp", 646, 0 }, { "login", 513, 0 }, { "mobileip-agent", 434, 0 },
	{ "mobilip-mn", 435, 0 }, { "msdp", 639, 0 }, { "netbios-dgm", 138, 0 }, { "netbios-ns", 137, 0 },
	{ "netbios-ssn", 139, 0 }, { "nfsd", 2049, 0 }, { "nntp", 119, 0 }, { "ntalk", 518, 0 }, { "ntp", 123, 0 },
	{ "pop3", 110, 0 }, { "pptp", 1723, 0 }, { "printer", 515, 0 }, { "radacct", 1813, 0 }, { "radius", 1812, 0 },
	{ "rip", 520, 0 }, { "rkinit", 2108, 0 }, { "smtp", 25, 0 }, { "snmp", 161, 0 }, { "snmp-trap", 162, 0 },
	{ "snmptrap", 162, 0 }, { "snpp", 444, 0 }, { "socks", 1080, 0 }, { "ssh", 22, 0 }, { "sunrpc", 111, 0 },
	{ "syslog", 514, 0 }, { "tacacs", 49, 0 }, { "tacacs-ds", 65, 0 }, { "talk", 517, 0 }, { "telnet", 23, 0 },
	{ "tftp", 69, 0 }, { "timed", 525, 0 }, { "who", 513, 0 }, { "xdmcp", 177, 0 }, { "zephyr-clt", 2103, 0 },
	{ "zephyr-hm", 2104, 0 }, { NULL, 0, 0 },
};

const struct rf_word_number rf_junos_protocols[] = {
	{ "ah", 51, 0 }, { "dstopts", 60, 0 }, { "egp", 8, 0 }, { "esp", 50, 0 }, { "fragment", 44, 0 },
	{ "gre", 47, 0 }, { "hop-by-hop", 0, 0 }, { "icmp", 1, 0 }, { "icmp6", 58, 0 }, { "icmpv6", 58, 0 },
	{ "igmp", 2, 0 }, { "ipip", 4, 0 }, { "ipv6", 41, 0 }, { "no-next-header", 59, 0 }, { "ospf", 89, 0 },
	{ "pim", 103, 0 }, { "routing", 43, 0 }, { "rsvp", 46, 0 }, { "sctp", 132, 0 }, { "tcp", 6, 0 },
	{ "udp", 17, 0 }, { "vrrp", 112, 0 }, { NULL, 0, 0 },
};

const struct rf_word_number rf_junos_icmp[] = {
	{ "echo-reply", 0, 0 }, { "echo-request", 8, 0 }, { "info-reply", 16, 0 }, { "info-request", 15, 0 },
	{ "mask-reply", 18, 0 }, { "mask-request", 17, 0 }, { "parameter-problem", 12, 0 }, { "redirect", 5, 0 },
	{ "router-advertisement", 9, 0 }, { "router-solicit", 10, 0 }, { "source-quench", 4, 0 },
	{ "time-exceeded", 11, 0 }, { "timestamp", 13, 0 }, { "timestamp-reply", 14, 0 }, { "unreachable", 3, 0 },
	{ NULL, 0, 0 },
};

const struct rf_word_number rf_junos_icmp6[] = {
	{ "certificate-path-advertisement", 149, 0 }, { "certificate-path-solicitation", 148, 0 },
	{ "destination-unreachable", 1, 0 }, { "echo-reply", 129, 0 }, { "echo-request", 128, 0 },
	{ "inverse-neighbor-discovery-advertisement", 142, 0 }, { "inverse-neighbor-discovery-solicitation", 141, 0 },
	{ "membership-query", 130, 0 }, { "membership-report", 131, 0 }, { "membership-termination", 132, 0 },
	{ "neighbor-advertisement", 136, 0 }, { "neighbor-solicit", 135, 0 }, { "node-information-reply", 140, 0 },
	{ "node-information-request", 139, 0 }, { "packet-too-big", 2, 0 }, { "parameter-problem", 4, 0 },
	{ "redirect", 137, 0 }, { "router-advertisement", 134, 0 }, { "router-renumbering", 138, 0 },
	{ "router-solicit", 133, 0 }, { "time-exceeded", 3, 0 }, { NULL, 0, 0 },
};

void rf_junos_interface(struct rf_view name, char *buf, size_t cap)
{
	snprintf(buf, cap, "%.*s%s", RF_VFMT(name), rf_view_find(name, '.') < name.n ? "" : ".0");
}

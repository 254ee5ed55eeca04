/* Access switches that are Linux bridges: what each port may send, as nftables of the bridge family, one chain a port.
 *
 *	known station        the site file says who stands there: its hardware address, the addresses of policy/lease.h, and
 *	                     nothing else. DHCP, ARP and neighbour discovery are held to the same three, field by field, so
 *	                     nothing has to be snooped
 *	unknown station      on a port of a data zone: so many hardware addresses (`macs`), addresses of the zone without its
 *	                     gateway's
 *	nobody               a telephony port whose station the file does not name: everything is dropped, and linux_switch.c
 *	                     keeps the port down
 *
 * nft cannot compare two fields of a packet; here it need not, since every port has its own station. Link-local IPv6
 * addresses are those that follow from the hardware address (RFC 4291 Appendix A), as Linux makes them. */
#include "emit/access.h"

#include <stdio.h>

struct bridge {
	struct rf_emit *e;
	struct rf_emit_out *o;
	const struct rf_access *a;
	uint64_t storm_bytes;      /* a second, of broadcast and multicast, for a port */
};

/* Duties, each with a counter; refused packets of those marked are logged. */
enum duty { TAGGED, CONTROL, FOREIGN, STORM, DHCP_SERVER, ROUTER, ARP_FORGED, ARP_GRATUITOUS, NEIGHBOUR, SOURCE,
	    NO_STATION, DUTIES };

static const struct { const char *name, *mitigation; bool log; } duties[DUTIES] = {
	[TAGGED] = { "tagged", "eav-switched-lan", false },
	[CONTROL] = { "switch-control", "eav-switched-lan", false },
	[FOREIGN] = { "foreign-mac", "net-port-security", true },
	[STORM] = { "storm", "eav-switched-lan", false },
	[DHCP_SERVER] = { "dhcp-server", "ph-dhcp-antispoof", true },
	[ROUTER] = { "router-advertisement", "ph-dhcp-antispoof", true },
	[ARP_FORGED] = { "arp-forged", "eav-port-binding", true },
	[ARP_GRATUITOUS] = { "arp-gratuitous", "arch-l2-no-gratuitous-arp", false },
	[NEIGHBOUR] = { "neighbour-forged", "eav-port-binding", true },
	[SOURCE] = { "source-forged", "eav-port-binding", true },
	[NO_STATION] = { "no-station", "eav-port-binding", true },
};

#define LINE(b, ...) rf_emit_line((b)->o, __VA_ARGS__)

/* match, with a blank behind when it is not empty. */
static void drop(const struct bridge *b, const char *match, enum duty d)
{
	if (duties[d].log)
		LINE(b, "\t\t%slimit rate 5/second burst 10 packets log prefix \"%s\" group %d snaplen 128\n", match,
		     duties[d].name, RF_EMIT_LOG_GROUP);
	LINE(b, "\t\t%scounter name %s drop comment \"%s\"\n", match, duties[d].name, duties[d].mitigation);
}

/* --- on every access port */

static void put_common(const struct bridge *b)
{
	LINE(b, "\tchain every-port {\n"
		"\t\tether type 0x888e ether daddr 01:80:c2:00:00:03 accept comment \"802.1X\"\n");
	drop(b, "ether type { 8021q, 8021ad } ", TAGGED);
	drop(b, "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 ", CONTROL); /* spanning tree, LACP, LLDP */
	drop(b, "ether daddr { 01:00:0c:cc:cc:cc, 01:00:0c:cc:cc:cd } ", CONTROL); /* the same of others */
	drop(b, "icmpv6 type { 134, 137 } ", ROUTER);
	LINE(b, "\t}\n\tchain no-server {\n");
	drop(b, "udp sport 67 ", DHCP_SERVER);
	drop(b, "udp sport 547 ", DHCP_SERVER);
	LINE(b, "\t}\n");
}

static void put_storm(const struct bridge *b)
{
	char match[160];

	snprintf(match, sizeof match,
		 "meta pkttype { broadcast, multicast } limit rate over %llu bytes/second burst %llu bytes ",
		 (unsigned long long)b->storm_bytes, (unsigned long long)b->storm_bytes / 4 + 65536);
	drop(b, match, STORM);
}

static void put_beginning(const struct bridge *b, bool dhcp_server)
{
	LINE(b, "\t\tjump every-port\n");
	if (!dhcp_server)
		LINE(b, "\t\tjump no-server\n");
	put_storm(b);
}

/* --- a known station */

struct station {
	char mac[18], mac_hex[13];
	char ip4[RF_EMIT_IP], ip6[RF_EMIT_IP], link6[RF_EMIT_IP];
	struct rf_site_ip six, link;
	bool dhcp_server;
};

static void know(const struct rf_access_port *p, struct station *ret)
{
	const uint8_t *m = p->mac;

	*ret = (struct station){ .six = p->address6, .dhcp_server = p->host && (p->host->services & RF_SERVICE_DHCP) };
	snprintf(ret->mac, sizeof ret->mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	snprintf(ret->mac_hex, sizeof ret->mac_hex, "%02x%02x%02x%02x%02x%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	rf_emit_ip(&p->address, ret->ip4);
	rf_emit_ip(&p->address6, ret->ip6);
	ret->link = (struct rf_site_ip){
		6, 128, { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] }
	};
	rf_emit_ip(&ret->link, ret->link6);
}

/* DHCP of a client: RFC 2131; op is BOOTREQUEST, and chaddr, 28 bytes into the message, the station's own. */
static void put_ipv4(const struct bridge *b, const struct station *s)
{
	LINE(b, "\t\tip saddr 0.0.0.0 udp sport 68 udp dport 67 @th,64,8 1 @th,288,48 0x%s limit rate 5/second burst "
		"10 packets accept\n", s->mac_hex);
	if (!s->ip4[0]) {
		drop(b, "ether type { arp, ip } ", SOURCE);
		return;
	}
	char match[160];
	snprintf(match, sizeof match, "arp saddr ip %s arp daddr ip %s ", s->ip4, s->ip4);
	drop(b, match, ARP_GRATUITOUS);
	LINE(b, "\t\tarp operation { request, reply } arp saddr ether %s arp saddr ip %s limit rate 30/second burst 60 "
		"packets accept\n",
	     s->mac, s->ip4);
	LINE(b, "\t\tarp operation request arp saddr ether %s arp saddr ip 0.0.0.0 arp daddr ip %s accept\n", s->mac,
	     s->ip4);
	drop(b, "ether type arp ", ARP_FORGED);
	LINE(b, "\t\tip saddr %s accept\n", s->ip4);
}

/* "0x" and 32 digits: nft compares raw payload with a number. */
static void put_target(const struct bridge *b, const struct rf_site_ip *target)
{
	LINE(b, " @th,64,128 0x");
	for (unsigned i = 0; i < 16; i++)
		LINE(b, "%02x", target->b[i]);
	LINE(b, " accept\n");
}

/* Neighbour discovery (RFC 4861): who answers, answers for its own address; who asks whether an address is free
 * (RFC 4862), asks for its own. */
static void put_ipv6(const struct bridge *b, const struct station *s)
{
	const struct rf_site_ip *own[] = { &s->link, &s->six };

	for (size_t i = 0; i < 2; i++) {
		if (!own[i]->family)
			continue;
		LINE(b, "\t\tip6 saddr :: icmpv6 type 135");
		put_target(b, own[i]);
		LINE(b, "\t\tip6 saddr { %s%s%s } icmpv6 type 136", s->link6, s->ip6[0] ? ", " : "", s->ip6);
		put_target(b, own[i]);
	}
	LINE(b, "\t\tip6 saddr :: icmpv6 type 143 accept\n");
	drop(b, "icmpv6 type 136 ", NEIGHBOUR);
	LINE(b, s->ip6[0] ? "\t\tip6 saddr { %s, %s } accept\n" : "\t\tip6 saddr %s accept\n", s->link6, s->ip6);
}

static void put_known(const struct bridge *b, const struct rf_access_port *p)
{
	struct station s;
	char match[48];

	know(p, &s);
	put_beginning(b, s.dhcp_server);
	snprintf(match, sizeof match, "ether saddr != %s ", s.mac);
	drop(b, match, FOREIGN);
	put_ipv4(b, &s);
	put_ipv6(b, &s);
	drop(b, "", SOURCE);
}

/* --- an unknown one, of a data zone */

static void put_unknown_set(const struct bridge *b, const struct rf_access_port *p)
{
	LINE(b, "\tset seen/%s {\n\t\ttype ether_addr\n\t\tsize %u\n\t\tflags dynamic,timeout\n\t\ttimeout 5m\n\t}\n",
	     rf_site_cstr(p->port->name), p->port->macs ? p->port->macs : 1);
}

static void put_unknown_ipv4(const struct bridge *b, const struct rf_site_zone *z)
{
	char subnet[RF_EMIT_IP], gateway[RF_EMIT_IP], match[160];

	LINE(b,
	     "\t\tip saddr 0.0.0.0 udp sport 68 udp dport 67 @th,64,8 1 limit rate 5/second burst 10 packets accept\n");
	if (!z->subnet.family)
		return;
	rf_emit_ip(&z->subnet, subnet);
	if (z->gateway.family) {
		snprintf(match, sizeof match, "arp saddr ip %s ", rf_emit_ip(&z->gateway, gateway));
		drop(b, match, ARP_FORGED);
		snprintf(match, sizeof match, "ip saddr %s ", gateway);
		drop(b, match, SOURCE);
	}
	LINE(b, "\t\tarp operation { request, reply } arp saddr ip { 0.0.0.0, %s } limit rate 30/second burst 60 "
		"packets accept\n",
	     subnet);
	drop(b, "ether type arp ", ARP_FORGED);
	LINE(b, "\t\tip saddr %s accept\n", subnet);
}

static void put_unknown(const struct bridge *b, const struct rf_access_port *p)
{
	const struct rf_site_zone *z = p->port->zone;
	char match[64], six[RF_EMIT_IP];

	put_beginning(b, false);
	/* Learned or seen again; in a full set this does nothing, and the next line drops. */
	LINE(b, "\t\tupdate @seen/%s { ether saddr }\n", rf_site_cstr(p->port->name));
	snprintf(match, sizeof match, "ether saddr != @seen/%s ", rf_site_cstr(p->port->name));
	drop(b, match, FOREIGN);
	put_unknown_ipv4(b, z);
	if (z->subnet6.family)
		LINE(b, "\t\tip6 saddr { ::, fe80::/10, %s } accept\n", rf_emit_ip(&z->subnet6, six));
	drop(b, "", SOURCE);
}

/* --- the table */

static bool is_known(const struct rf_access_port *p)
{
	return p->port->use == RF_PORT_ACCESS && p->mac;
}

static bool is_unknown(const struct rf_access_port *p)
{
	return p->port->use == RF_PORT_ACCESS && !p->mac && p->port->zone && p->port->zone->kind == RF_ZONE_DATA;
}

static void put_ports(const struct bridge *b)
{
	for (size_t i = 0; i < b->a->port_count; i++)
		if (is_unknown(&b->a->ports[i]))
			put_unknown_set(b, &b->a->ports[i]);
	for (size_t i = 0; i < b->a->port_count; i++) {
		const struct rf_access_port *p = &b->a->ports[i];

		if (!is_known(p) && !is_unknown(p))
			continue;
		LINE(b, "\tchain port/%s {   # %s\n", rf_site_cstr(p->port->name), rf_access_label(b->e, p));
		if (is_known(p))
			put_known(b, p);
		else
			put_unknown(b, p);
		LINE(b, "\t}\n");
	}
}

static void put_ingress(const struct bridge *b)
{
	bool more = false;

	LINE(b, "\tchain ingress {\n\t\ttype filter hook prerouting priority -300; policy drop;\n\t\tiifname vmap {");
	for (size_t i = 0; i < b->a->port_count; i++) {
		const struct rf_access_port *p = &b->a->ports[i];
		const char *name = rf_site_cstr(p->port->name);

		if (p->port->use == RF_PORT_UPLINK)
			LINE(b, "%s\n\t\t\t\"%s\" : accept", more ? "," : "", name);
		else if (is_known(p) || is_unknown(p))
			LINE(b, "%s\n\t\t\t\"%s\" : goto port/%s", more ? "," : "", name, name);
		else
			continue;
		more = true;
	}
	LINE(b, "\n\t\t}\n");
	drop(b, "", NO_STATION);
	LINE(b, "\t}\n");
}

static void put_table(const struct bridge *b)
{
	LINE(b, "\ntable bridge ringfort\ndelete table bridge ringfort\ntable bridge ringfort {\n");
	for (size_t i = 0; i < DUTIES; i++)
		LINE(b, "\tcounter %s { }\n", duties[i].name);
	put_common(b);
	put_ports(b);
	put_ingress(b);
	LINE(b, "}\n");
}

static bool has_port(const struct rf_access *a)
{
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].port->use == RF_PORT_UPLINK || is_known(&a->ports[i]) || is_unknown(&a->ports[i]))
			return true;
	return false;
}

/* Names of ports stand in rules and in names of chains. */
static bool names_ok(struct rf_emit *e, const struct rf_access *a)
{
	for (size_t i = 0; i < a->port_count; i++)
		if (!rf_emit_ifname_ok(a->ports[i].port->name)) {
			rf_emit_find(e, RF_SEV_ERROR, a->ports[i].port->pos, NULL,
				     "name it as Linux does, in at most 15 letters, digits, - _ .",
				     "\"%.*s\" is no name of an interface on Linux", RF_VFMT(a->ports[i].port->name));
			return false;
		}
	return true;
}

void rf_emit_bridge(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->switch_count && !e->err; i++) {
		const struct rf_site_switch *sw = &e->site->switches[i];
		struct bridge b = { .e = e, .storm_bytes = (uint64_t)e->site->network.storm_percent * 1250000 };
		struct rf_access a;

		if (sw->kind != RF_DEVICE_LINUX || !rf_access_make(e, sw, &a) || !names_ok(e, &a) || !has_port(&a))
			continue;
		b.a = &a;
		if (rf_emit_begin(e, &b.o, 0644, "# ", "switches/%s/ringfort.nft", rf_site_cstr(sw->name)))
			return;
		put_table(&b);
		rf_emit_switch_own(b.o, &a);
		rf_emit_end(b.o);
		rf_emit_switch_net(e, &a);
	}
}

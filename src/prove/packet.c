/* Packets for people. */
#include "base/writer.h"
#include "prove/space.h"

#include <arpa/inet.h>
#include <stdio.h>

const char *rf_packet_address(uint8_t family, const uint8_t *b, char *buf, size_t cap)
{
	if (!inet_ntop(family == 6 ? AF_INET6 : AF_INET, b, buf, (socklen_t)cap))
		snprintf(buf, cap, "?");
	return buf;
}

const char *rf_packet_protocol(uint8_t family, uint8_t proto, char *buf, size_t cap)
{
	static const struct { uint8_t proto; const char *name; } names[] = {
		{ IPPROTO_ICMP, "icmp" }, { IPPROTO_IGMP, "igmp" }, { IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
		{ IPPROTO_GRE, "gre" }, { IPPROTO_ESP, "esp" }, { IPPROTO_AH, "ah" }, { IPPROTO_ICMPV6, "icmpv6" },
		{ 112, "vrrp" }, { IPPROTO_SCTP, "sctp" },
	};

	(void)family;
	snprintf(buf, cap, "protocol %u", proto);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].proto == proto)
			snprintf(buf, cap, "%s", names[i].name);
	return buf;
}

const char *rf_packet_state(uint8_t state)
{
	static const char *const names[RF_RS_STATES] = { "new", "established", "related", "invalid", "untracked" };

	return state < RF_RS_STATES ? names[state] : "?";
}

static void put_flags(struct rf_writer *w, uint8_t flags)
{
	static const char *const names[8] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr" };
	const char *between = " ";

	for (unsigned i = 0; i < 8; i++)
		if (flags >> i & 1) {
			rf_put_fmt(w, "%s%s", between, names[i]);
			between = "+";
		}
	if (!flags)
		rf_put_lit(w, " no flags");
}

static void put_end(struct rf_writer *w, const struct rf_packet *p, const uint8_t *address, bool ports, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	rf_packet_address(p->family, address, text, sizeof text);
	if (!ports)
		rf_put_fmt(w, "%s", text);
	else if (p->family == 6)
		rf_put_fmt(w, "[%s]:%u", text, port);
	else
		rf_put_fmt(w, "%s:%u", text, port);
}

const char *rf_packet_text(const struct rf_packet *p, char *buf, size_t cap)
{
	char proto[24];
	bool ports = !p->fragment && (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP || p->proto == IPPROTO_SCTP
				      || p->proto == IPPROTO_UDPLITE || p->proto == IPPROTO_DCCP);
	struct rf_writer w;

	rf_writer_init(&w, buf, cap - 1);
	rf_put_fmt(&w, "%s ", rf_packet_protocol(p->family, p->proto, proto, sizeof proto));
	put_end(&w, p, p->src, ports, p->sport);
	rf_put_lit(&w, " > ");
	put_end(&w, p, p->dst, ports, p->dport);
	if (p->fragment)
		rf_put_lit(&w, " later fragment");
	else if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		rf_put_fmt(&w, " type %u code %u", p->icmp_type, p->icmp_code);
	else if (p->proto == IPPROTO_TCP)
		put_flags(&w, p->tcp_flags);
	rf_put_fmt(&w, ", %s", rf_packet_state(p->state));
	if (p->pinhole)
		rf_put_lit(&w, ", in the pinhole set");
	if (p->from_any || p->to_any)
		rf_put_fmt(&w, ", in the set of openings%s", p->to_any ? ", turned round" : "");
	buf[w.n] = 0;
	return buf;
}

/* What a switch that is a Linux bridge takes and sends itself: administration from the desks, its log, time and logins,
 * and nothing else. It forwards no IP. */
#include "emit/access.h"

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static bool has(const struct rf_access_hosts *hosts, uint8_t family)
{
	for (size_t i = 0; i < hosts->n; i++)
		if ((family == 4 ? hosts->v[i]->address : hosts->v[i]->address6).family)
			return true;
	return false;
}

/* One rule a family: these hosts, as source or destination, with what follows. */
static void put_rule(struct rf_emit_out *o, const char *field, const struct rf_access_hosts *hosts, const char *what)
{
	char text[RF_EMIT_IP];

	for (unsigned family = 4; family <= 6; family += 2) {
		bool more = false;

		if (!has(hosts, (uint8_t)family))
			continue;
		LINE(o, "\t\t%s %s { ", family == 4 ? "ip" : "ip6", field);
		for (size_t i = 0; i < hosts->n; i++) {
			const struct rf_site_ip *ip = family == 4 ? &hosts->v[i]->address : &hosts->v[i]->address6;

			if (!ip->family)
				continue;
			LINE(o, "%s%s", more ? ", " : "", rf_emit_ip(ip, text));
			more = true;
		}
		LINE(o, " } %s ct state new accept\n", what);
	}
}

static void put_end(struct rf_emit_out *o, const char *chain)
{
	LINE(o, "\t\tlimit rate 5/second burst 10 packets log prefix \"no-rule-%s\" group %d snaplen 128\n"
		"\t\tcounter name no-rule-%s drop\n\t}\n", chain, RF_EMIT_LOG_GROUP, chain);
}

void rf_emit_switch_own(struct rf_emit_out *o, const struct rf_access *a)
{
	LINE(o, "\ntable inet ringfort\ndelete table inet ringfort\ntable inet ringfort {\n"
		"\tcounter no-rule-input { }\n"
		"\tcounter no-rule-output { }\n\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy drop;\n"
		"\t\tiifname \"lo\" accept\n\t\tct state established,related accept\n"
		"\t\ticmpv6 type { 135, 136 } accept\n");
	put_rule(o, "saddr", &a->desks, "tcp dport 22");
	put_end(o, "input");
	LINE(o, "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n"
		/* Where br_netfilter shows us bridged packets in spite of sysctl.conf. */
		"\t\tiifname \"br0\" oifname \"br0\" accept\n\t}\n"
		"\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n"
		"\t\toifname \"lo\" accept\n\t\tct state established,related accept\n"
		"\t\ticmpv6 type { 133, 135, 136, 143 } accept\n");
	put_rule(o, "daddr", &a->log, "tcp dport 6514");
	put_rule(o, "daddr", &a->ntp, "udp dport 123");
	put_rule(o, "daddr", &a->ntp, "tcp dport 4460");
	put_rule(o, "daddr", &a->radius, "udp dport 1812-1813");
	put_end(o, "output");
	LINE(o, "}\n");
}

/* Names that nft prints instead of numbers, from `nft describe` (nftables 1.0.6) and the protocol numbers of IANA. */
#include "prove/nft_int.h"

struct name {
	const char *name;
	uint32_t value;
};

static const struct name protocols[] = {
	{ "icmp", 1 }, { "igmp", 2 }, { "ipencap", 4 }, { "tcp", 6 }, { "egp", 8 }, { "igp", 9 }, { "udp", 17 },
	{ "dccp", 33 }, { "ipv6", 41 }, { "ipv6-route", 43 }, { "ipv6-frag", 44 }, { "rsvp", 46 }, { "gre", 47 },
	{ "esp", 50 }, { "ah", 51 }, { "ipv6-icmp", 58 }, { "icmpv6", 58 }, { "ipv6-nonxt", 59 }, { "ipv6-opts", 60 },
	{ "eigrp", 88 }, { "ospf", 89 }, { "pim", 103 }, { "ipcomp", 108 }, { "comp", 108 }, { "vrrp", 112 },
	{ "l2tp", 115 }, { "sctp", 132 }, { "mobility-header", 135 }, { "udplite", 136 }, { "hopopt", 0 }, { "ip", 0 }, { 0 },
};
static const struct name families[] = {
	{ "ipv4", 4 }, { "ipv6", 6 }, { "ip", 4 }, { "ip6", 6 }, { "arp", 5 }, { "vlan", 5 }, { 0 },
};
static const struct name icmp_types[] = {
	{ "echo-reply", 0 }, { "destination-unreachable", 3 }, { "source-quench", 4 }, { "redirect", 5 },
	{ "echo-request", 8 }, { "router-advertisement", 9 }, { "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 }, { "timestamp-request", 13 }, { "timestamp-reply", 14 }, { "info-request", 15 },
	{ "info-reply", 16 }, { "address-mask-request", 17 }, { "address-mask-reply", 18 }, { 0 },
};
static const struct name icmp_codes[] = {
	{ "net-unreachable", 0 }, { "host-unreachable", 1 }, { "prot-unreachable", 2 }, { "port-unreachable", 3 },
	{ "frag-needed", 4 }, { "net-prohibited", 9 }, { "host-prohibited", 10 }, { "admin-prohibited", 13 }, { 0 },
};
static const struct name icmpv6_types[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 }, { "time-exceeded", 3 }, { "parameter-problem", 4 },
	{ "echo-request", 128 }, { "echo-reply", 129 }, { "mld-listener-query", 130 }, { "mld-listener-report", 131 },
	{ "mld-listener-done", 132 }, { "mld-listener-reduction", 132 }, { "nd-router-solicit", 133 },
	{ "nd-router-advert", 134 }, { "nd-neighbor-solicit", 135 }, { "nd-neighbor-advert", 136 },
	{ "nd-redirect", 137 }, { "router-renumbering", 138 }, { "ind-neighbor-solicit", 141 },
	{ "ind-neighbor-advert", 142 }, { "mld2-listener-report", 143 }, { 0 },
};
static const struct name icmpv6_codes[] = {
	{ "no-route", 0 }, { "admin-prohibited", 1 }, { "addr-unreachable", 3 }, { "port-unreachable", 4 },
	{ "policy-fail", 5 }, { "reject-route", 6 }, { 0 },
};
static const struct name flags[] = {
	{ "fin", 1 }, { "syn", 2 }, { "rst", 4 }, { "psh", 8 }, { "ack", 16 }, { "urg", 32 }, { "ecn", 64 },
	{ "cwr", 128 },
	{ 0 },
};
static const struct name states[] = {
	{ "new", RF_RS_NEW }, { "established", RF_RS_ESTABLISHED }, { "related", RF_RS_RELATED },
	{ "invalid", RF_RS_INVALID }, { "untracked", RF_RS_UNTRACKED }, { 0 },
};
static const struct name directions[] = {
	{ "original", 0 }, { "reply", 1 }, { 0 },
};
static const struct name dscps[] = {
	{ "cs0", 0 }, { "cs1", 8 }, { "cs2", 16 }, { "cs3", 24 }, { "cs4", 32 }, { "cs5", 40 }, { "cs6", 48 },
	{ "cs7", 56 }, { "df", 0 }, { "be", 0 }, { "lephb", 1 }, { "le", 1 }, { "af11", 10 }, { "af12", 12 },
	{ "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 },
	{ "af41", 34 }, { "af42", 36 }, { "af43", 38 }, { "va", 44 }, { "ef", 46 }, { 0 },
};
static const struct name pkttypes[] = {
	{ "host", 0 }, { "unicast", 0 }, { "broadcast", 1 }, { "multicast", 2 }, { "other", 3 }, { 0 },
};

static const struct name *const tables[RF_RS_FIELDS][2] = {
	[RF_RS_PROTO] = { protocols, protocols }, [RF_RS_FAMILY] = { families, families },
	[RF_RS_ICMP_TYPE] = { icmp_types, icmpv6_types }, [RF_RS_ICMP_CODE] = { icmp_codes, icmpv6_codes },
	[RF_RS_TCP_FLAGS] = { flags, flags }, [RF_RS_STATE] = { states, states },
	[RF_RS_DIRECTION] = { directions, directions }, [RF_RS_DSCP] = { dscps, dscps },
	[RF_RS_PKTTYPE] = { pkttypes, pkttypes },
};

bool rf_nftj_number(unsigned field, bool v6, const char *name, uint32_t *ret)
{
	uint64_t x;

	if (rf_view_u64(rf_view_str(name), UINT32_MAX, &x)) { /* `nft -n` prints some numbers as strings */
		*ret = (uint32_t)x;
		return field != RF_RS_STATE && field != RF_RS_FAMILY;
	}
	for (const struct name *n = tables[field][v6]; n && n->name; n++)
		if (strcmp(n->name, name) == 0) {
			*ret = n->value;
			return true;
		}
	return false;
}

/* Access lists of routers that filter packet by packet (IOS-XE, EOS, Junos): one list for each foot and family, on what
 * comes in there. Private to this room.
 *
 * Such a list knows no connections. What the rules open for new connections is open here for their packets; the answers
 * are lines of their own: of TCP only with ACK or RST set (`established`), of UDP by port. A rule that asks for a state
 * which no packet shows (a pinhole) cannot be written: the bundle is refused, with the mend. */
#ifndef RF_EMIT_ACL_H
#define RF_EMIT_ACL_H

#include "emit/emit.h"

struct rf_acl_line {
	const struct rf_rule *rule;
	bool permit;
	bool answer;                 /* to what the rule opens: ends and ports are changed about */
	uint8_t family;              /* 4 or 6 */
	struct rf_site_ip src, dst;  /* family 0: any */
	int protocol;                /* 0: any; of family 6 IPPROTO_ICMPV6 */
	struct rf_site_ports sport, dport; /* 0..65535: any */
	int icmp_type;               /* -1: any */
	bool established;
};

typedef void rf_acl_put(void *ctx, const struct rf_acl_line *line);

/* The lines of a foot's list, in order; what fits none is denied. */
void rf_acl_lines(const struct rf_site *site, const struct rf_point *point, const struct rf_site_interface *foot,
		  uint8_t family, rf_acl_put *put, void *ctx);
/* Findings about what these lists cannot hold. false: an error among them. */
bool rf_acl_fits(struct rf_emit *e, const struct rf_point *point);
/* Where requests for addresses that come in from a zone go: servers of DHCP, by the flows. NULL past the last. */
const struct rf_site_host *rf_acl_dhcp(const struct rf_emit *e, const struct rf_site_zone *zone, size_t i);

static inline bool rf_acl_any_port(struct rf_site_ports p)
{
	return p.first == 0 && p.last == 65535;
}

/* The interfaces with their addresses and lists. */
void rf_acl_ios(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point);
void rf_acl_eos(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point);
void rf_acl_junos(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point);

#endif

#include "policy/rules_int.h"

#include <netinet/in.h>

/* Router and neighbour solicitations and advertisements (RFC 4861), multicast listeners (RFC 3810). Redirects nobody
 * believes; advertisements of routers only routers send, and nobody takes: addresses and gateways
 * come from the site. */
static const uint8_t router_takes[] = { 133, 135, 136, 131, 132, 143 },
		     router_sends[] = { 134, 135, 136, 130, 131, 132, 143 };
static const uint8_t host_takes[] = { 135, 136, 130 }, host_sends[] = { 133, 135, 136, 131, 132, 143 };
/* Destination unreachable with "fragmentation needed", packet too big, time exceeded, parameter problem. */
static const uint8_t errors4[] = { 3, 11, 12 }, errors6[] = { 1, 2, 3, 4 };

void rf_duty_loopback(struct rf_draft *d, enum rf_chain chain)
{
	rf_draft_add(d, &(struct rf_rule){ .id = "loopback",
					   .mitigation = "svc-disable-unused",
					   .chain = chain,
					   .action = RF_ACTION_ACCEPT,
					   .loopback = true });
}

void rf_duty_states(struct rf_draft *d, enum rf_chain chain)
{
	rf_draft_add(d, &(struct rf_rule){ .id = "state-invalid",
					   .mitigation = "arch-zone-stateful-core",
					   .chain = chain,
					   .action = RF_ACTION_DROP,
					   .states = RF_STATE_INVALID,
					   .log = true });
	rf_draft_add(d, &(struct rf_rule){ .id = "state-known",
					   .mitigation = "arch-zone-stateful-core",
					   .chain = chain,
					   .action = RF_ACTION_ACCEPT,
					   .states = RF_STATE_ESTABLISHED | RF_STATE_RELATED });
}

static bool has_ipv6(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].subnet6.family)
			return true;
	return false;
}

void rf_duty_neighbours(struct rf_draft *d, enum rf_chain chain, bool router)
{
	struct rf_rule r = { .id = "neighbours",
			     .mitigation = "arch-zone-filter",
			     .chain = chain,
			     .action = RF_ACTION_ACCEPT,
			     .family = 6,
			     .protocol = IPPROTO_ICMPV6 };

	if (!has_ipv6(d->site))
		return;
	if (chain == RF_CHAIN_INPUT) {
		r.icmp_types = router ? router_takes : host_takes;
		r.icmp_n = router ? sizeof router_takes : sizeof host_takes;
	} else {
		r.icmp_types = router ? router_sends : host_sends;
		r.icmp_n = router ? sizeof router_sends : sizeof host_sends;
	}
	rf_draft_add(d, &r);
}

void rf_duty_errors_out(struct rf_draft *d)
{
	struct rf_rule r = { .id = "errors",
			     .mitigation = "arch-zone-filter",
			     .chain = RF_CHAIN_OUTPUT,
			     .action = RF_ACTION_ACCEPT,
			     .family = 4,
			     .protocol = IPPROTO_ICMP,
			     .icmp_types = errors4,
			     .icmp_n = sizeof errors4 };

	rf_draft_add(d, &r);
	if (!has_ipv6(d->site))
		return;
	r.id = "errors6";
	r.family = 6;
	r.protocol = IPPROTO_ICMPV6;
	r.icmp_types = errors6;
	r.icmp_n = sizeof errors6;
	rf_draft_add(d, &r);
}

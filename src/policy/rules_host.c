/* The filter of a host: the same flows as the router's, once more where they end. */
#include "policy/rules_int.h"

#include <netinet/in.h>

static const struct rf_site_ip loopback4 = { .family = 4, .prefix = 8, .b = { 127 } };
static const struct rf_site_ip loopback6 = { .family = 6, .prefix = 128, .b = { [15] = 1 } };
static const struct rf_site_ip nobody4 = { .family = 4, .prefix = 32 };
static const struct rf_site_ip everybody4 = { .family = 4, .prefix = 32, .b = { 255, 255, 255, 255 } };

static struct rf_ips own_ips(struct rf_draft *d, const struct rf_site_host *h)
{
	struct rf_ips ips = rf_draft_ips(d, 4);

	if (!ips.v)
		return ips;
	if (h->address.family)
		ips.v[ips.n++] = h->address;
	if (h->address6.family)
		ips.v[ips.n++] = h->address6;
	return ips;
}

/* Nobody but the host itself has its addresses, or those of loopback. */
static void sources(struct rf_draft *d, const struct rf_ips *own)
{
	struct rf_ips ips = rf_draft_ips(d, own->n + 2);

	if (!ips.v)
		return;
	for (size_t i = 0; i < own->n; i++)
		ips.v[ips.n++] = own->v[i];
	ips.v[ips.n++] = loopback4;
	ips.v[ips.n++] = loopback6;
	rf_draft_add(d, &(struct rf_rule){ .id = "source-own",
					   .mitigation = "arch-zone-addressing",
					   .chain = RF_CHAIN_INPUT,
					   .action = RF_ACTION_DROP,
					   .src = ips.v,
					   .src_n = ips.n,
					   .log = true });
}

/* The host's addresses that an end means. An end of the whole zone means them all. */
static struct rf_ips meant(struct rf_draft *d, const struct rf_site_host *h, const struct rf_ips *own,
			   const struct rf_end *end)
{
	struct rf_ips ips = rf_draft_ips(d, own->n);

	for (size_t i = 0; ips.v && i < own->n && end->zone == h->zone; i++) {
		bool has = end->n == 0;

		for (size_t k = 0; k < end->n && !has; k++)
			has = memcmp(&end->v[k], &own->v[i], sizeof own->v[i]) == 0;
		if (has)
			ips.v[ips.n++] = own->v[i];
	}
	return ips;
}

/* All that is in no zone: a host has no foot in the internet that would tell. */
static void outside(struct rf_draft *d, const struct rf_site_ip **ret_v, size_t *ret_n, bool *ret_not)
{
	struct rf_ips ips = rf_draft_ips(d, d->site->zone_count * 2);

	for (size_t i = 0; ips.v && i < d->site->zone_count; i++) {
		const struct rf_site_zone *z = &d->site->zones[i];

		if (z->subnet.family)
			ips.v[ips.n++] = z->subnet;
		if (z->subnet6.family)
			ips.v[ips.n++] = z->subnet6;
	}
	*ret_v = ips.v;
	*ret_n = ips.n;
	*ret_not = true;
}

static void pass(struct rf_draft *d, const struct rf_flow *f, const struct rf_ips *own, const struct rf_end *other,
		 enum rf_chain chain, bool backwards)
{
	struct rf_rule rule = { .chain = chain };

	if (chain == RF_CHAIN_INPUT) {
		rf_draft_end(d, other, &rule.src, &rule.src_n);
		rule.dst = own->v;
		rule.dst_n = own->n;
		if (!rule.src_n)
			outside(d, &rule.src, &rule.src_n, &rule.src_not);
	} else {
		rule.src = own->v;
		rule.src_n = own->n;
		rf_draft_end(d, other, &rule.dst, &rule.dst_n);
		if (!rule.dst_n)
			outside(d, &rule.dst, &rule.dst_n, &rule.dst_not);
	}
	rf_draft_flow(d, f, &rule, backwards, false);
}

static void flows_of(struct rf_draft *d, const struct rf_site_host *h, const struct rf_ips *own, enum rf_chain chain)
{
	for (size_t i = 0; i < d->flows->n; i++) {
		const struct rf_flow *f = &d->flows->v[i];
		bool in = chain == RF_CHAIN_INPUT;
		struct rf_ips here = meant(d, h, own, in ? &f->to : &f->from);

		if (here.n)
			pass(d, f, &here, in ? &f->from : &f->to, chain, false);
		if (!rf_flow_untracked_here(f, false) || rf_flow_mirrored(d->flows, f))
			continue;
		here = meant(d, h, own, in ? &f->from : &f->to);
		if (here.n)
			pass(d, f, &here, in ? &f->to : &f->from, chain, true);
	}
}

/* Who gives addresses in its own zone hears those that have none yet. */
static void dhcp_on_link(struct rf_draft *d, const struct rf_site_host *h)
{
	for (size_t i = 0; i < d->flows->n; i++) {
		const struct rf_flow *f = &d->flows->v[i];

		if (f->from.zone != h->zone || f->to.zone != h->zone || f->protocol != IPPROTO_UDP ||
		    f->sport.first != 68 || f->dport.first != 67 || !(h->services & RF_SERVICE_DHCP))
			continue;
		rf_draft_add(d, &(struct rf_rule){ .id = rf_draft_text(d, "%s-link", f->id),
						   .flow = f,
						   .mitigation = f->mitigation,
						   .chain = RF_CHAIN_INPUT,
						   .action = RF_ACTION_ACCEPT,
						   .family = 4,
						   .protocol = IPPROTO_UDP,
						   .sport = f->sport,
						   .dport = f->dport,
						   .src = &nobody4,
						   .src_n = 1,
						   .dst = &everybody4,
						   .dst_n = 1 });
	}
}

void rf_rules_host(struct rf_draft *d, const struct rf_site_host *h)
{
	struct rf_ips own = own_ips(d, h);

	rf_duty_loopback(d, RF_CHAIN_INPUT);
	rf_duty_neighbours(d, RF_CHAIN_INPUT, false);
	dhcp_on_link(d, h);
	sources(d, &own);
	rf_duty_states(d, RF_CHAIN_INPUT);
	flows_of(d, h, &own, RF_CHAIN_INPUT);

	rf_duty_loopback(d, RF_CHAIN_OUTPUT);
	rf_duty_neighbours(d, RF_CHAIN_OUTPUT, false);
	rf_duty_states(d, RF_CHAIN_OUTPUT);
	flows_of(d, h, &own, RF_CHAIN_OUTPUT);
}

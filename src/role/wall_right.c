#include "role/wall_right.h"

#include "role/block_right.h"

static struct rf_site_ip ip_of(uint8_t family, const uint8_t b[static 16])
{
	struct rf_site_ip ip = { .family = family, .prefix = family == 4 ? 32 : 128 };

	memcpy(ip.b, b, 16);
	return ip;
}

static bool in_end(const struct rf_site *site, const struct rf_end *e, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < e->n; i++)
		if (rf_site_ip_in(ip, &e->v[i]))
			return true;
	if (e->n)
		return false;
	if (e->zone->subnet.family || e->zone->subnet6.family)
		return rf_ip_in_zone(e->zone, ip);
	return rf_ip_in_no_zone(site, ip);
}

static bool in_ports(struct rf_site_ports p, uint16_t port)
{
	return port >= p.first && port <= p.last;
}

struct port_at { const struct rf_site_ip *ip; uint16_t port; bool any; };

static bool fits(const struct rf_site *site, const struct rf_flow *f, const struct port_at *a, const struct port_at *b)
{
	return (a->any || in_ports(f->sport, a->port)) && (b->any || in_ports(f->dport, b->port)) &&
	       in_end(site, &f->from, a->ip) && in_end(site, &f->to, b->ip);
}

/* Ahead or as an answer. */
static bool fits_either(const struct rf_site *site, const struct rf_flow *f, const struct rf_tuple *t,
			const struct rf_site_ip *src, const struct rf_site_ip *dst)
{
	bool any = rf_tuple_is_opening(t);
	const struct port_at a = { src, t->sport, any }, b = { dst, t->dport, false };

	return ((!any || rf_flow_opens_at(f, &f->to)) && fits(site, f, &a, &b)) ||
	       ((!any || rf_flow_opens_at(f, &f->from)) && fits(site, f, &b, &a));
}

/* On either side. */
static bool is_address(const struct rf_site_host *h, const struct rf_site_ip *ip)
{
	return rf_ip_same(ip->family == 4 ? &h->address : &h->address6, ip) ||
	       rf_ip_same(rf_site_outside_ip(h, ip->family), ip);
}

static bool speaks_for(const struct rf_site *site, const struct rf_site_host *host, const struct rf_site_ip *ip)
{
	if (is_address(host, ip))
		return true;
	for (size_t i = 0; host->roles & RF_ROLE_BORDER && i < site->host_count; i++)
		if (site->hosts[i].roles & RF_ROLE_RELAY && is_address(&site->hosts[i], ip))
			return true;
	return false;
}

static bool no(const char **ret_rule, const char *rule)
{
	*ret_rule = rule;
	return false;
}

bool rf_wall_may_open(const struct rf_flows *flows, const struct rf_site_host *host, const struct rf_tuple *t,
		      const char **ret_rule)
{
	const struct rf_site_ip src = ip_of(t->family, t->src), dst = ip_of(t->family, t->dst);

	if (!rf_ip_is_ordinary(&src) || !rf_ip_is_ordinary(&dst))
		return no(ret_rule, "no machine has such an address");
	if (!speaks_for(flows->site, host, &dst) && (rf_tuple_is_opening(t) || !speaks_for(flows->site, host, &src)))
		return no(ret_rule, rf_tuple_is_opening(t) ? "an opening is to an address of the host's own" :
							     "neither end is the host's own");
	for (size_t i = 0; i < flows->n; i++) {
		const struct rf_flow *f = &flows->v[i];

		if (f->how == RF_FLOW_PINHOLE && f->protocol == t->protocol &&
		    fits_either(flows->site, f, t, &src, &dst))
			return true;
	}
	return no(ret_rule, "no flow of the site permits it");
}

bool rf_wall_may_block(const struct rf_site *site, const struct rf_site_host *host, const struct rf_tuple *t)
{
	const struct rf_site_ip ip = ip_of(t->family, t->src);

	return host->roles & RF_ROLE_BORDER && rf_may_block(site, &ip);
}

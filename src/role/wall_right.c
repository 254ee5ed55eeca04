#include "role/wall_right.h"

static struct rf_site_ip ip_of(uint8_t family, const uint8_t b[static 16])
{
	struct rf_site_ip ip = { .family = family, .prefix = family == 4 ? 32 : 128 };

	memcpy(ip.b, b, 16);
	return ip;
}

/* An address that one machine has, and that a router may send on. */
static bool is_ordinary(const struct rf_site_ip *ip)
{
	static const uint8_t loopback6[16] = { [15] = 1 }, none[16] = { 0 };

	if (ip->family == 4)
		return ip->b[0] != 0 && ip->b[0] != 127 && ip->b[0] < 224 && !(ip->b[0] == 169 && ip->b[1] == 254);
	return memcmp(ip->b, none, 16) != 0 && memcmp(ip->b, loopback6, 16) != 0 && ip->b[0] != 0xff &&
	       !(ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

static bool in_zone(const struct rf_site_zone *z, const struct rf_site_ip *ip)
{
	return rf_site_ip_in(ip, ip->family == 4 ? &z->subnet : &z->subnet6);
}

/* The internet is what no zone is. */
static bool in_no_zone(const struct rf_site *site, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < site->zone_count; i++)
		if (in_zone(&site->zones[i], ip))
			return false;
	return true;
}

static bool in_end(const struct rf_site *site, const struct rf_end *e, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < e->n; i++)
		if (rf_site_ip_in(ip, &e->v[i]))
			return true;
	if (e->n)
		return false;
	if (e->zone->subnet.family || e->zone->subnet6.family)
		return in_zone(e->zone, ip);
	return in_no_zone(site, ip);
}

static bool in_ports(struct rf_site_ports p, uint16_t port)
{
	return port >= p.first && port <= p.last;
}

static bool fits(const struct rf_site *site, const struct rf_flow *f, const struct rf_site_ip *a, uint16_t a_port,
		 const struct rf_site_ip *b, uint16_t b_port)
{
	return in_ports(f->sport, a_port) && in_ports(f->dport, b_port) && in_end(site, &f->from, a) && in_end(site, &f->to, b);
}

static bool same(const struct rf_site_ip *own, const struct rf_site_ip *ip)
{
	return own->family == ip->family && memcmp(own->b, ip->b, ip->family == 4 ? 4 : 16) == 0;
}

/* On either side. */
static bool is_address(const struct rf_site_host *h, const struct rf_site_ip *ip)
{
	return same(ip->family == 4 ? &h->address : &h->address6, ip) || same(rf_site_outside_ip(h, ip->family), ip);
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

bool rf_wall_may_open(const struct rf_flows *flows, const struct rf_site_host *host, const struct rf_tuple *t)
{
	const struct rf_site_ip src = ip_of(t->family, t->src), dst = ip_of(t->family, t->dst);

	if (!is_ordinary(&src) || !is_ordinary(&dst) ||
	    (!speaks_for(flows->site, host, &src) && !speaks_for(flows->site, host, &dst)))
		return false;
	for (size_t i = 0; i < flows->n; i++) {
		const struct rf_flow *f = &flows->v[i];

		if (f->how == RF_FLOW_PINHOLE && f->protocol == t->protocol &&
		    (fits(flows->site, f, &src, t->sport, &dst, t->dport) || fits(flows->site, f, &dst, t->dport, &src, t->sport)))
			return true;
	}
	return false;
}

/* A trunk by its address in the file; one that is found by name is protected by `addresses`. */
static bool of_trunk(const struct rf_site *site, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < site->trunk_count; i++) {
		const struct rf_site_trunk *t = &site->trunks[i];
		struct rf_site_ip peer;

		if (rf_site_ip_parse(t->peer, false, &peer) && same(&peer, ip))
			return true;
		for (size_t k = 0; k < t->addresses.n; k++)
			if (rf_site_ip_in(ip, &t->addresses.v[k]))
				return true;
	}
	return false;
}

static bool is_gateway(const struct rf_site *site, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < site->zone_count; i++)
		if (same(ip->family == 4 ? &site->zones[i].gateway : &site->zones[i].gateway6, ip))
			return true;
	return false;
}

bool rf_wall_may_block(const struct rf_site *site, const struct rf_site_host *host, const struct rf_tuple *t)
{
	const struct rf_site_ip ip = ip_of(t->family, t->src);

	return host->roles & RF_ROLE_BORDER && is_ordinary(&ip) && in_no_zone(site, &ip) && !is_gateway(site, &ip) &&
	       !of_trunk(site, &ip);
}

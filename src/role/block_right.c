#include "role/block_right.h"

/* An address that one machine has, and that a router may send on. */
bool rf_ip_is_ordinary(const struct rf_site_ip *ip)
{
	static const uint8_t loopback6[16] = { [15] = 1 }, none[16] = { 0 };

	if (ip->family == 4)
		return ip->b[0] != 0 && ip->b[0] != 127 && ip->b[0] < 224 && !(ip->b[0] == 169 && ip->b[1] == 254);
	return memcmp(ip->b, none, 16) != 0 && memcmp(ip->b, loopback6, 16) != 0 && ip->b[0] != 0xff &&
	       !(ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
}

bool rf_ip_in_zone(const struct rf_site_zone *z, const struct rf_site_ip *ip)
{
	return rf_site_ip_in(ip, ip->family == 4 ? &z->subnet : &z->subnet6);
}

/* The internet is what no zone is. */
bool rf_ip_in_no_zone(const struct rf_site *site, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < site->zone_count; i++)
		if (rf_ip_in_zone(&site->zones[i], ip))
			return false;
	return true;
}

bool rf_ip_same(const struct rf_site_ip *own, const struct rf_site_ip *ip)
{
	return own->family == ip->family && memcmp(own->b, ip->b, ip->family == 4 ? 4 : 16) == 0;
}

/* A trunk by its address in the file; one that is found by name is protected by `addresses`. */
static bool of_trunk(const struct rf_site *site, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < site->trunk_count; i++) {
		const struct rf_site_trunk *t = &site->trunks[i];
		struct rf_site_ip peer;

		if (rf_site_ip_parse(t->peer, false, &peer) && rf_ip_same(&peer, ip))
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
		if (rf_ip_same(ip->family == 4 ? &site->zones[i].gateway : &site->zones[i].gateway6, ip))
			return true;
	return false;
}

bool rf_may_block(const struct rf_site *site, const struct rf_site_ip *ip)
{
	return rf_ip_is_ordinary(ip) && rf_ip_in_no_zone(site, ip) && !is_gateway(site, ip) && !of_trunk(site, ip);
}

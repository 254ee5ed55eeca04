#include "policy/lease.h"

#include "base/err.h"

#include <openssl/evp.h>

#include <stdlib.h>

enum {
	CHOICES = 32,           /* places that a name hashes to, before every place is tried in turn */
	PLACES_MAX = 1 << 20,   /* of one subnet that are used */
	PLACES6 = 1 << 16,      /* in a zone without an IPv4 subnet */
};

/* The places of one zone. */
struct zone {
	const struct rf_site_zone *zone;
	uint32_t first, end;    /* numbers behind the network's address that a phone may have: first..end-1 */
	uint32_t low;           /* from here on they are preferred */
	uint8_t *taken;         /* a bit each */
	uint32_t full_until;    /* every place from first up to here is taken (for the search in turn) */
};

static bool is_taken(const struct zone *z, uint32_t n)
{
	return z->taken[n / 8] >> (n % 8) & 1;
}

static void take(struct zone *z, uint32_t n)
{
	z->taken[n / 8] |= (uint8_t)(1u << (n % 8));
}

/* --- what is not a phone's */

static uint32_t last_bits(const struct rf_site_ip *ip)
{
	const uint8_t *b = ip->b + (ip->family == 4 ? 0 : 12);

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t host_mask(const struct rf_site_ip *subnet)
{
	unsigned bits = (subnet->family == 4 ? 32 : 128) - subnet->prefix;

	return bits >= 32 ? UINT32_MAX : (1u << bits) - 1;
}

/* An address of a device: its number is taken, when it lies among the places. */
static void exclude(struct zone *z, const struct rf_site_ip *subnet, const struct rf_site_ip *ip)
{
	struct rf_site_ip address = *ip;

	address.prefix = ip->family == 4 ? 32 : 128; /* an interface's address may come with its network's prefix */
	if (!ip->family || ip->family != subnet->family || !rf_site_ip_in(&address, subnet))
		return;
	uint32_t n = last_bits(ip) & host_mask(subnet);
	bool near = ip->family == 4 || last_bits(subnet) == (last_bits(ip) & ~host_mask(subnet));
	if (near && n < z->end)
		take(z, n);
}

static void exclude_both(struct zone *z, const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	exclude(z, &z->zone->subnet, a);
	exclude(z, &z->zone->subnet6, b);
}

static void exclude_devices(const struct rf_site *site, struct zone *z)
{
	exclude_both(z, &z->zone->gateway, &z->zone->gateway6);
	for (size_t i = 0; i < site->host_count; i++)
		exclude_both(z, &site->hosts[i].address, &site->hosts[i].address6);
	for (size_t i = 0; i < site->router_count; i++)
		for (size_t k = 0; k < site->routers[i].interface_count; k++)
			exclude_both(z, &site->routers[i].interfaces[k].address,
				     &site->routers[i].interfaces[k].address6);
	for (size_t i = 0; i < site->switch_count; i++)
		exclude_both(z, &site->switches[i].address, &site->switches[i].address);
}

static void bounds(struct zone *z)
{
	const struct rf_site_ip *four = &z->zone->subnet, *six = &z->zone->subnet6;
	uint32_t mask = four->family ? host_mask(four) : PLACES6 - 1;

	if (!four->family && six->family && host_mask(six) < mask)
		mask = host_mask(six);
	if (mask >= PLACES_MAX)
		mask = PLACES_MAX; /* the broadcast address of a network that large is far away */
	z->first = 1;
	z->end = mask;             /* without the last: broadcast */
	z->low = mask / 8 + 1;
}

static int open_zone(const struct rf_site *site, const struct rf_site_zone *zone, struct rf_arena *arena,
		     struct zone *z)
{
	*z = (struct zone){ .zone = zone };
	bounds(z);
	z->taken = rf_arena_zalloc(arena, z->end / 8 + 1);
	if (!z->taken)
		return -ENOMEM;
	z->full_until = z->low;
	exclude_devices(site, z);
	return 0;
}

/* --- a place for a phone */

/* The numbers that a name hashes to: eight from each SHA-256 of name and round. */
static int choices(struct rf_view name, uint32_t ret[static CHOICES])
{
	uint8_t text[RF_SITE_NAME_MAX + 2], sum[32];

	if (name.n > RF_SITE_NAME_MAX)
		return RF_E_CRYPTO;
	memcpy(text, name.p, name.n);
	text[name.n] = 0;
	for (unsigned round = 0; round < CHOICES / 8; round++) {
		text[name.n + 1] = (uint8_t)round;
		if (EVP_Digest(text, name.n + 2, sum, NULL, EVP_sha256(), NULL) != 1)
			return RF_E_CRYPTO;
		for (unsigned i = 0; i < 8; i++)
			ret[round * 8 + i] = (uint32_t)sum[i * 4] << 24 | (uint32_t)sum[i * 4 + 1] << 16 |
					     (uint32_t)sum[i * 4 + 2] << 8 | sum[i * 4 + 3];
	}
	return 0;
}

/* The number of the place, 0: none is left. */
static int find_place(struct zone *z, struct rf_view name, uint32_t *ret)
{
	uint32_t wish[CHOICES], span = z->end > z->low ? z->end - z->low : 0;
	int rc = choices(name, wish);

	*ret = 0;
	for (unsigned i = 0; !rc && i < CHOICES && span; i++)
		if (!is_taken(z, z->low + wish[i] % span)) {
			*ret = z->low + wish[i] % span;
			return 0;
		}
	while (!rc && z->full_until < z->end && is_taken(z, z->full_until))
		z->full_until++;
	if (!rc && z->full_until < z->end)
		*ret = z->full_until;
	for (uint32_t n = z->first; !rc && !*ret && n < z->low && n < z->end; n++)
		if (!is_taken(z, n))
			*ret = n;
	return rc;
}

/* subnet with this number behind it. */
static struct rf_site_ip numbered(const struct rf_site_ip *subnet, uint32_t n)
{
	struct rf_site_ip ip = *subnet;
	uint8_t *b = ip.b + (ip.family == 4 ? 0 : 12);

	if (!ip.family)
		return ip;
	ip.prefix = ip.family == 4 ? 32 : 128;
	b[0] |= (uint8_t)(n >> 24);
	b[1] |= (uint8_t)(n >> 16);
	b[2] |= (uint8_t)(n >> 8);
	b[3] |= (uint8_t)n;
	return ip;
}

static int lease(struct zone *z, const struct rf_site_phone *phone, struct rf_lease *ret)
{
	uint32_t n;
	int rc = find_place(z, phone->name, &n);

	if (rc || !n)
		return rc;
	take(z, n);
	ret->address = numbered(&z->zone->subnet, n);
	if (z->zone->subnet6.family && n <= host_mask(&z->zone->subnet6))
		ret->address6 = numbered(&z->zone->subnet6, n);
	return 0;
}

int rf_leases_make(const struct rf_site *site, struct rf_arena *arena, const struct rf_lease **ret_leases)
{
	struct rf_lease *v = rf_arena_array(arena, site->phone_count + 1, sizeof *v);
	struct zone *zones = rf_arena_array(arena, site->zone_count + 1, sizeof *zones);
	int rc = v && zones ? 0 : -ENOMEM;

	for (size_t i = 0; i < site->phone_count && !rc; i++) {
		const struct rf_site_zone *zone = site->phones[i].zone;
		struct zone *z = zone ? &zones[zone - site->zones] : NULL;

		v[i].zone = zone;
		if (!z || (!zone->subnet.family && !zone->subnet6.family))
			continue;
		if (!z->zone)
			rc = open_zone(site, zone, arena, z);
		if (!rc)
			rc = lease(z, &site->phones[i], &v[i]);
	}
	if (!rc)
		*ret_leases = v;
	return rc;
}

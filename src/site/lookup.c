/* Questions to a snapshot. */
#include "site/site_int.h"
#include "site/tz.h"

#include <openssl/evp.h>

#include <stdio.h>

const struct rf_site_phone *rf_site_phone(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->phones, &all->hash_key, name);
}

const struct rf_site_host *rf_site_host(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->hosts, &all->hash_key, name);
}

const struct rf_site_ip *rf_site_outside_ip(const struct rf_site_host *host, unsigned family)
{
	const struct rf_site_outside *o = &host->outside;
	bool said = o->address.family || o->address6.family;

	if (family == 6)
		return said ? &o->address6 : &host->address6;
	return said ? &o->address : &host->address;
}

bool rf_site_has_role(const struct rf_site *site, unsigned roles)
{
	for (size_t i = 0; i < site->host_count; i++)
		if (site->hosts[i].roles & roles)
			return true;
	return false;
}

size_t rf_site_hosts_of(const struct rf_site *site, unsigned role, const struct rf_site_host **v, size_t cap)
{
	size_t n = 0;

	for (unsigned standby = 0; standby < 2; standby++)
		for (size_t i = 0; i < site->host_count && n < cap; i++)
			if (site->hosts[i].roles & role && (site->hosts[i].standby_for.n > 0) == standby)
				v[n++] = &site->hosts[i];
	return n;
}

const struct rf_site_location *rf_site_location(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->locations, &all->hash_key, name);
}

bool rf_site_has_network(const struct rf_site *site)
{
	return site->router_count || site->switch_count;
}

const struct rf_site_zone *rf_site_zone(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->zones, &all->hash_key, name);
}

const struct rf_site_router *rf_site_router(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->routers, &all->hash_key, name);
}

const struct rf_site_switch *rf_site_switch(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->switches, &all->hash_key, name);
}

const struct rf_site_port *rf_site_port(const struct rf_site *site, const struct rf_site_switch *sw,
					struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);
	uint8_t buf[RF_PORT_KEY_MAX];

	return name.n > RF_SITE_PORT_NAME_MAX ? NULL :
	       rf_index_find(&all->ports, &all->hash_key, rf_port_key(sw->name, name, buf));
}

static bool holds(const struct rf_site_deviation *d, const char *mitigation, struct rf_wall now)
{
	return rf_view_eq(d->mitigation, rf_view_str(mitigation)) && now.us / 1000000 <= d->until_s;
}

const struct rf_site_deviation *rf_site_deviation(const struct rf_site *site, const char *mitigation,
						  struct rf_wall now)
{
	for (size_t i = 0; i < site->deviation_count; i++) {
		const struct rf_site_deviation *d = &site->deviations[i];

		if (holds(d, mitigation, now) && !d->trunks.n)
			return d;
	}
	return NULL;
}

bool rf_site_deviation_names(const struct rf_site_deviation *d, struct rf_view trunk)
{
	for (size_t i = 0; i < d->trunks.n; i++)
		if (rf_view_eq(d->trunks.v[i], trunk))
			return true;
	return false;
}

const struct rf_site_deviation *rf_site_trunk_deviation(const struct rf_site *site, const struct rf_site_trunk *trunk,
							const char *mitigation, struct rf_wall now)
{
	for (size_t i = 0; i < site->deviation_count; i++)
		if (holds(&site->deviations[i], mitigation, now) &&
		    rf_site_deviation_names(&site->deviations[i], trunk->name))
			return &site->deviations[i];
	return NULL;
}

static bool is_holiday(const struct rf_site *site, int64_t day)
{
	for (size_t i = 0; i < site->tel.holidays.n; i++)
		if (site->tel.holidays.v[i] == day)
			return true;
	return false;
}

static bool day_in(const struct rf_site *site, const struct rf_site_time *t, int64_t day)
{
	if (is_holiday(site, day))
		return t->days & RF_DAY_HOLIDAY;
	return t->days & 1u << (unsigned)(((day + 4) % 7 + 7) % 7);
}

bool rf_site_in_hours(const struct rf_site *site, const struct rf_site_times *t, struct rf_wall now)
{
	struct rf_local local = rf_tz_local(site->tel.tz, now.us / 1000000);

	for (size_t i = 0; i < t->n; i++) {
		const struct rf_site_time *w = &t->v[i];

		if (w->from_min < w->to_min) {
			if (local.min >= w->from_min && local.min < w->to_min && day_in(site, w, local.day))
				return true;
		} else if ((local.min >= w->from_min && day_in(site, w, local.day)) ||
			   (local.min < w->to_min && day_in(site, w, local.day - 1))) {
			return true;
		}
	}
	return t->n == 0;
}

bool rf_site_is_emergency(const struct rf_site *site, struct rf_view number)
{
	static const char *const everywhere[] = { "911", "112", "000" };

	for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
		if (rf_view_eq(number, rf_view_str(everywhere[i])))
			return true;
	for (size_t i = 0; i < site->emergency.numbers.n; i++)
		if (rf_view_eq(site->emergency.numbers.v[i], number))
			return true;
	return false;
}

const struct rf_site_trunk *rf_site_trunk(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->trunks, &all->hash_key, name);
}

const struct rf_site_cos *rf_site_cos(const struct rf_site *site, struct rf_view name)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->classes, &all->hash_key, name);
}

const struct rf_site_group *rf_site_group(const struct rf_site *site, struct rf_view number)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->groups, &all->hash_key, number);
}

const struct rf_site_numbering *rf_site_numbering(const struct rf_site *site, struct rf_view number)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->numberings, &all->hash_key, number);
}

const struct rf_site_speed *rf_site_speed(const struct rf_site *site, struct rf_view number)
{
	const struct rf_site_all *all = rf_site_all(site);

	return rf_index_find(&all->speeds, &all->hash_key, number);
}

void rf_site_urn(const struct rf_site *site, struct rf_view phone_name, char ret_urn[static RF_SITE_URN])
{
	uint8_t bytes[256 + 1 + RF_SITE_NAME_MAX], h[EVP_MAX_MD_SIZE] = { 0 };
	struct rf_view domain = rf_view_sub(site->domain, 0, 256), name = rf_view_sub(phone_name, 0, RF_SITE_NAME_MAX);

	memcpy(bytes, domain.p, domain.n);
	bytes[domain.n] = '/'; /* in neither of the two */
	if (name.n)
		memcpy(bytes + domain.n + 1, name.p, name.n);
	EVP_Digest(bytes, domain.n + 1 + name.n, h, NULL, EVP_sha256(), NULL);
	h[6] = (uint8_t)((h[6] & 0x0f) | 0x80); /* version 8 */
	h[8] = (uint8_t)((h[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
	snprintf(ret_urn, RF_SITE_URN, "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
}

const struct rf_site_listen *rf_site_roaming_browsers(const struct rf_site *site)
{
	for (size_t i = 0; site->roaming.browsers && site->roaming.phones.n && i < site->sip.listens; i++)
		if (site->sip.listen[i].transport == RF_TRANSPORT_WSS)
			return &site->sip.listen[i];
	return NULL;
}

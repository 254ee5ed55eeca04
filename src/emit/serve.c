#include "emit/serve.h"

bool rf_end_has(const struct rf_end *end, const struct rf_site_host *host)
{
	if (end->zone != host->zone)
		return false;
	for (size_t i = 0; i < end->n; i++)
		if (memcmp(&end->v[i], &host->address, sizeof host->address) == 0 ||
		    memcmp(&end->v[i], &host->address6, sizeof host->address6) == 0)
			return true;
	return end->n == 0;
}

bool rf_serves(const struct rf_site_host *h, unsigned service)
{
	return (h->services & service) && h->zone && h->zone->kind != RF_ZONE_DATA &&
	       h->zone->kind != RF_ZONE_SOFTPHONE && h->zone->kind != RF_ZONE_INTERNET;
}

const struct rf_flow *rf_serve_flow(const struct rf_emit *e, const struct rf_site_zone *zone,
				    const struct rf_site_host *host, int protocol, uint16_t port, size_t *at)
{
	while (*at < e->flows->n) {
		const struct rf_flow *f = &e->flows->v[(*at)++];

		if (f->protocol == protocol && f->dport.first <= port && port <= f->dport.last &&
		    (!zone || f->from.zone == zone) && (!host || rf_end_has(&f->to, host)))
			return f;
	}
	return NULL;
}

bool rf_serve_zones(struct rf_emit *e, const struct rf_site_host *host, int protocol, uint16_t port,
		    const struct rf_site_zone *const **ret_zones, size_t *ret_n)
{
	const struct rf_site_zone **v =
		rf_arena_array(e->arena, e->site->zone_count + 1, sizeof(struct rf_site_zone *));
	size_t n = 0;

	for (size_t i = 0; v && i < e->site->zone_count; i++) {
		size_t at = 0;

		if (rf_serve_flow(e, &e->site->zones[i], host, protocol, port, &at))
			v[n++] = &e->site->zones[i];
	}
	if (!v)
		e->err = -ENOMEM;
	*ret_zones = v;
	*ret_n = n;
	return v != NULL;
}

bool rf_serve_hosts(struct rf_emit *e, const struct rf_site_zone *zone, int protocol, uint16_t port,
		    const struct rf_site_host *const **ret_hosts, size_t *ret_n)
{
	const struct rf_site_host **v =
		rf_arena_array(e->arena, e->site->host_count + 1, sizeof(struct rf_site_host *));
	size_t n = 0;

	for (size_t i = 0; v && i < e->site->host_count; i++) {
		const struct rf_site_host *h = &e->site->hosts[i];
		const struct rf_flow *f;
		size_t at = 0;

		while ((f = rf_serve_flow(e, zone, h, protocol, port, &at)))
			if (f->to.n)
				break;
		if (f)
			v[n++] = h;
	}
	if (!v)
		e->err = -ENOMEM;
	*ret_hosts = v;
	*ret_n = n;
	return v != NULL;
}

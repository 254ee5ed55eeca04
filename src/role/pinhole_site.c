#include "role/pinhole.h"

#include "policy/flow.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct rf_addr addr_of(const struct rf_site_ip *own, const struct rf_site_ip *gateway)
{
	const struct rf_site_ip *ip = own->family ? own : gateway;
	struct rf_addr a = { .family = ip->family, .port = ip->family ? RF_PORT_WALL : 0 };

	memcpy(a.ip, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
	return a;
}

/* What a host's certificate names beside the domain that all share: its addresses. */
static void proofs_of(const struct rf_site_host *h, char *dst, size_t cap)
{
	const struct rf_site_ip *ips[] = { &h->address, &h->address6 };
	size_t n = 0;

	dst[0] = 0;
	for (unsigned i = 0; i < 2; i++) {
		char text[INET6_ADDRSTRLEN];

		if (ips[i]->family && inet_ntop(ips[i]->family == 4 ? AF_INET : AF_INET6, ips[i]->b, text, sizeof text))
			n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? " " : "", text);
	}
}

static const struct rf_site_interface *foot_in(const struct rf_site_router *r, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < r->interface_count; i++)
		if (r->interfaces[i].zone == zone)
			return &r->interfaces[i];
	return NULL;
}

int rf_pinholes_walls_of(const struct rf_site *site, const struct rf_site_host *host,
			 struct rf_pinholes_wall walls[static RF_PIN_WALLS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < site->router_count; i++) {
		const struct rf_site_router *r = &site->routers[i];
		const struct rf_site_interface *foot = host->zone ? foot_in(r, host->zone) : NULL;

		/* Walls listen on feet in zones of kind border (wall_open.c). */
		if (!foot || !r->host || host->zone->kind != RF_ZONE_BORDER)
			continue;
		if (n == RF_PIN_WALLS_MAX)
			return RF_E_LIMIT;
		struct rf_pinholes_wall *w = &walls[n];
		*w = (struct rf_pinholes_wall){ .at = { addr_of(&foot->address, &foot->zone->gateway),
							addr_of(&foot->address6, &foot->zone->gateway6) } };
		(void)rf_view_cstr(r->host->name, w->name, sizeof w->name); /* names are short: RF_SITE_NAME_MAX */
		proofs_of(r->host, w->proves, sizeof w->proves);
		n += (w->at[0].family || w->at[1].family) && w->proves[0];
	}
	return n;
}

/* Router advertisements by radvd on Linux routers, in zones of phones: who the gateway is, and that nobody makes an
 * address of the prefix by itself (AdvAutonomous off), so that an address still speaks for a phone. Phones are not sent
 * to DHCPv6, which is not relayed (docs/guide.md): their addresses of IPv6 are those of `policy/lease.h`, set in the
 * phone. Of a pair only the router that leads advertises: the source is the shared link-local address, and radvd is
 * silent without it. */
#include "emit/emit.h"

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static bool is_advertised(const struct rf_site_interface *foot)
{
	const struct rf_site_zone *z = foot->zone;

	return z->subnet6.family && (z->kind == RF_ZONE_PHONE || z->kind == RF_ZONE_SOFTPHONE);
}

static void put_foot(struct rf_emit_out *o, const struct rf_site_router *r, const struct rf_site_interface *foot)
{
	const struct rf_site_zone *z = foot->zone;
	char ip[RF_EMIT_IP];

	LINE(o, "interface %s\n{\n\tAdvSendAdvert on;\n\tMinRtrAdvInterval 3;\n\tMaxRtrAdvInterval 10;\n"
	     "\tAdvDefaultLifetime 30;\n"
	     "\tAdvManagedFlag off;\n\tAdvOtherConfigFlag off;\n", rf_site_cstr(foot->name));
	if (r->main || r->standby)
		LINE(o, "\tAdvRASrcAddress {\n\t\tfe80::%x;\n\t};\n", rf_emit_vrid(z));
	LINE(o, "\tprefix %s\n\t{\n\t\tAdvOnLink on;\n\t\tAdvAutonomous off;\n\t};\n};\n", rf_emit_ip(&z->subnet6, ip));
}

static void put_router(struct rf_emit *e, const struct rf_site_router *r)
{
	struct rf_emit_out *o;
	size_t n = 0;

	for (size_t i = 0; i < r->interface_count; i++)
		n += is_advertised(&r->interfaces[i]);
	if (!n || rf_emit_begin(e, &o, 0644, "# ", "routers/%s/radvd.conf", rf_site_cstr(r->name)))
		return;
	for (size_t i = 0; i < r->interface_count; i++)
		if (is_advertised(&r->interfaces[i]))
			put_foot(o, r, &r->interfaces[i]);
	rf_emit_end(o);
}

void rf_emit_radvd(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].kind == RF_DEVICE_LINUX)
			put_router(e, &e->site->routers[i]);
}

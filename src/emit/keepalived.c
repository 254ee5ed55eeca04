/* Shared gateways of a pair of Linux routers by keepalived: VRRP version 3 (RFC 9568), one instance a zone and
 * family, all of them in one group, so that the pair never leads half here and half there. A router whose rules are
 * not loaded leads nowhere. */
#include "emit/emit.h"

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static bool is_shared(const struct rf_site_interface *foot, uint8_t family)
{
	const struct rf_site_zone *z = foot->zone;

	return family == 4 ?
		       z->gateway.family && foot->address.family && z->subnet.family && z->kind != RF_ZONE_INTERNET :
		       z->gateway6.family && foot->address6.family && z->subnet6.family && z->kind != RF_ZONE_INTERNET;
}

static void put_group(struct rf_emit_out *o, const struct rf_site_router *r)
{
	LINE(o, "vrrp_sync_group ringfort {\n\tgroup {\n");
	for (size_t i = 0; i < r->interface_count; i++)
		for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
			if (is_shared(&r->interfaces[i], family))
				LINE(o, "\t\t%s-%u\n", rf_site_cstr(r->interfaces[i].zone->name), family);
	LINE(o, "\t}\n\ttrack_script {\n\t\trules\n\t}\n}\n");
}

static void put_instance(struct rf_emit_out *o, const struct rf_site_router *r, const struct rf_site_interface *foot,
			 uint8_t family)
{
	const struct rf_site_zone *z = foot->zone;
	char ip[RF_EMIT_IP];

	LINE(o, "vrrp_instance %s-%u {\n\tstate BACKUP\n\tinterface %s\n\tvirtual_router_id %u\n\tpriority %u\n"
	     "\tadvert_int 0.3\n"
	     "\tpreempt_delay 30\n",
	     rf_site_cstr(z->name), family, rf_site_cstr(foot->name), rf_emit_vrid(z), r->main ? 100u : 150u);
	if (family == 4)
		LINE(o, "\tvirtual_ipaddress {\n\t\t%s/%u dev %s\n\t}\n}\n", rf_emit_ip(&z->gateway, ip),
		     z->subnet.prefix, rf_site_cstr(foot->name));
	else
		/* The first address of an IPv6 instance is a link-local one (RFC 9568 5.2.9). */
		LINE(o, "\tnative_ipv6\n\tvirtual_ipaddress {\n\t\tfe80::%x/64 dev %s\n\t\t%s/%u dev %s\n\t}\n}\n",
		     rf_emit_vrid(z), rf_site_cstr(foot->name), rf_emit_ip(&z->gateway6, ip), z->subnet6.prefix,
		     rf_site_cstr(foot->name));
}

static void put_router(struct rf_emit *e, const struct rf_site_router *r)
{
	struct rf_emit_out *o;

	if (rf_emit_begin(e, &o, 0644, "# ", "routers/%s/keepalived.conf", rf_site_cstr(r->name)))
		return;
	LINE(o, "global_defs {\n\trouter_id %s\n\tvrrp_version 3\n\tenable_script_security\n\tscript_user root\n"
	     "\tvrrp_garp_master_delay 1\n\tvrrp_garp_master_refresh 60\n}\n"
	     "vrrp_script rules {\n\tscript \"/usr/sbin/nft list table inet ringfort\"\n\tinterval "
	     "1\n\tfall 1\n\trise 1\n}\n",
	     rf_site_cstr(r->name));
	put_group(o, r);
	for (size_t i = 0; i < r->interface_count; i++)
		for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
			if (is_shared(&r->interfaces[i], family))
				put_instance(o, r, &r->interfaces[i], family);
	rf_emit_end(o);
}

void rf_emit_keepalived(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->router_count; i++) {
		const struct rf_site_router *r = &e->site->routers[i];

		if (r->kind == RF_DEVICE_LINUX && (r->main || r->standby))
			put_router(e, r);
	}
}

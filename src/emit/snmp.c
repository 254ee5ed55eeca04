/* SNMP by Net-SNMP on routers and switches of Linux, where the site wants it: version 3 with SHA-256 and AES,
 * reading only; the rules lead to it from listed workstations alone. Where the site does not, no agent is configured
 * and no flow is there. */
#include "emit/access.h"

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static void put_device(struct rf_emit *e, const char *folder, const char *name, const struct rf_site_ip *address)
{
	char auth[RF_EMIT_SECRET], priv[RF_EMIT_SECRET], ip[RF_EMIT_IP];
	struct rf_emit_out *o;

	if (!address->family || rf_emit_begin(e, &o, 0600, "# ", "%s/%s/snmpd.conf", folder, name))
		return;
	LINE(o, "agentAddress udp:%s:161\ncreateUser ringfort SHA-256 \"%.32s\" AES \"%.32s\"\n"
		"rouser ringfort priv .1\nsysServices 72\n",
	     rf_emit_ip(address, ip), rf_access_snmp(e, "auth", name, auth), rf_access_snmp(e, "priv", name, priv));
	rf_emit_end(o);
}

static const struct rf_site_ip *managed_at(const struct rf_site_router *r)
{
	static const struct rf_site_ip none = { 0 };

	if (r->host)
		return &r->host->address;
	for (size_t i = 0; i < r->interface_count; i++)
		if (r->interfaces[i].zone->kind == RF_ZONE_ADMIN)
			return r->interfaces[i].address.family ? &r->interfaces[i].address :
								 &r->interfaces[i].zone->gateway;
	return &none;
}

void rf_emit_snmp(struct rf_emit *e)
{
	if (!e->site->network.snmp)
		return;
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].kind == RF_DEVICE_LINUX)
			put_device(e, "routers", rf_site_cstr(e->site->routers[i].name),
				   managed_at(&e->site->routers[i]));
	for (size_t i = 0; i < e->site->switch_count; i++)
		if (e->site->switches[i].kind == RF_DEVICE_LINUX)
			put_device(e, "switches", rf_site_cstr(e->site->switches[i].name),
				   &e->site->switches[i].address);
}

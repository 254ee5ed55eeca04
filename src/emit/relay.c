/* Requests for addresses from zones whose servers stand elsewhere, handed on by the Linux routers: dnsmasq as a relay
 * and nothing else, no names and no leases. It asks from the router's own address in the zone, which tells the server
 * the subnet, and the rules let nobody but those servers answer. Both of a pair relay: a request that comes twice gets
 * the same answer twice. */
#include "emit/serve.h"

#include <netinet/in.h>

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static const struct rf_site_ip *own_ip(const struct rf_site_interface *f)
{
	return f->address.family ? &f->address : &f->zone->gateway;
}

/* False: nobody in this zone asks past a router. */
static bool servers_of(struct rf_emit *e, const struct rf_site_interface *f,
		       const struct rf_site_host *const **ret_hosts, size_t *ret_n)
{
	*ret_n = 0;
	return f->zone->subnet.family && own_ip(f)->family &&
	       rf_serve_hosts(e, f->zone, IPPROTO_UDP, 67, ret_hosts, ret_n) && *ret_n;
}

static size_t put_foot(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_interface *f)
{
	const struct rf_site_host *const *hosts;
	char here[RF_EMIT_IP], there[RF_EMIT_IP];
	size_t n, put = 0;

	if (!servers_of(e, f, &hosts, &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (rf_serves(hosts[i], RF_SERVICE_DHCP) && hosts[i]->zone != f->zone && hosts[i]->address.family) {
			LINE(o, "dhcp-relay=%s,%s\n", rf_emit_ip(own_ip(f), here),
			     rf_emit_ip(&hosts[i]->address, there));
			put++;
		}
	return put;
}

static void put_router(struct rf_emit *e, const struct rf_site_router *r)
{
	struct rf_emit_out *o;
	size_t n = 0;

	for (size_t i = 0; i < r->interface_count; i++)
		n += put_foot(e, NULL, &r->interfaces[i]);
	if (!n || rf_emit_begin(e, &o, 0644, "# ", "routers/%s/dhcp-relay.conf", rf_site_cstr(r->name)))
		return;
	LINE(o, "port=0\nno-resolv\nno-hosts\nbind-dynamic\n");
	for (size_t i = 0; i < r->interface_count; i++)
		put_foot(e, o, &r->interfaces[i]);
	rf_emit_end(o);
}

void rf_emit_relay(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].kind == RF_DEVICE_LINUX)
			put_router(e, &e->site->routers[i]);
}

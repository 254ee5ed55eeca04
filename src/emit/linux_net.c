/* How a Linux router's and host's kernel is set (sysctl), and a router's interfaces, addresses and routes for
 * systemd-networkd, which Debian has by default and which takes files that can be compared and replaced.
 *
 * A foot named "vlan30" is VLAN 30 on the port "trunk"; one named "eth1.30" is VLAN 30 on "eth1"; any other is a port
 * of its own. "trunk" is the port towards the switches: which it is, only a look at the machine tells (a .link file
 * that names it by its MAC address). */
#include "emit/emit.h"

#include <stdio.h>

/* --- sysctl */

static const char *const everywhere[] = {
	"net.ipv4.conf.all.accept_redirects = 0", "net.ipv4.conf.default.accept_redirects = 0",
	"net.ipv4.conf.all.secure_redirects = 0", "net.ipv4.conf.default.secure_redirects = 0",
	"net.ipv4.conf.all.send_redirects = 0", "net.ipv4.conf.default.send_redirects = 0",
	"net.ipv4.conf.all.accept_source_route = 0", "net.ipv4.conf.default.accept_source_route = 0",
	"net.ipv4.conf.all.rp_filter = 1", "net.ipv4.conf.default.rp_filter = 1",
	"net.ipv4.conf.all.arp_ignore = 1", "net.ipv4.conf.all.arp_announce = 2",
	"net.ipv4.conf.all.route_localnet = 0",
	"net.ipv4.icmp_echo_ignore_broadcasts = 1", "net.ipv4.icmp_ignore_bogus_error_responses = 1",
	"net.ipv4.tcp_syncookies = 1",
	"net.ipv6.conf.all.accept_redirects = 0", "net.ipv6.conf.default.accept_redirects = 0",
	"net.ipv6.conf.all.accept_source_route = 0", "net.ipv6.conf.default.accept_source_route = 0",
	"net.ipv6.conf.all.accept_ra = 0", "net.ipv6.conf.default.accept_ra = 0",
	"net.ipv6.conf.all.autoconf = 0", "net.ipv6.conf.default.autoconf = 0",
};

static const char *const of_routers[] = {
	"net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.default.forwarding = 1",
};

static const char *const of_hosts[] = {
	"net.ipv4.ip_forward = 0", "net.ipv6.conf.all.forwarding = 0", "net.ipv6.conf.default.forwarding = 0",
};

/* Bridged packets are the bridge family's rules' matter, and those of IP must not see them ("-": where the module is
 * not loaded there is no such key). */
static const char *const of_switches[] = {
	"net.ipv4.ip_forward = 0", "net.ipv6.conf.all.forwarding = 0", "net.ipv6.conf.default.forwarding = 0",
	"-net.bridge.bridge-nf-call-iptables = 0", "-net.bridge.bridge-nf-call-ip6tables = 0",
	"-net.bridge.bridge-nf-call-arptables = 0",
};

static void put_sysctl(struct rf_emit *e, const char *folder, const char *name, const char *const *own, size_t n)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, "# ", "%s/%s/sysctl.conf", folder, name);
	for (size_t i = 0; i < n; i++)
		rf_emit_line(o, "%s\n", own[i]);
	for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
		rf_emit_line(o, "%s\n", everywhere[i]);
	rf_emit_end(o);
}

/* --- interfaces */

#define TRUNK "trunk"

/* The port under a VLAN's interface; false when it is a port of its own. */
static bool parent_of(const struct rf_site_interface *f, char dst[static RF_EMIT_IFNAME])
{
	char end[16];

	if (!f->zone->vlan || f->name.n >= RF_EMIT_IFNAME)
		return false;
	snprintf(end, sizeof end, "vlan%u", f->zone->vlan);
	if (rf_view_eq(f->name, rf_view_str(end))) {
		snprintf(dst, RF_EMIT_IFNAME, TRUNK);
		return true;
	}
	snprintf(end, sizeof end, ".%u", f->zone->vlan);
	if (!rf_view_ends(f->name, rf_view_str(end)) || f->name.n == strlen(end))
		return false;
	snprintf(dst, RF_EMIT_IFNAME, "%.*s", (int)(f->name.n - strlen(end)), rf_site_cstr(f->name));
	return true;
}

static struct rf_emit_out *begin(struct rf_emit *e, const struct rf_site_router *r, unsigned order, const char *name,
				 const char *kind)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, "# ", "routers/%s/networkd/%u-%s.%s", rf_site_cstr(r->name), order, name, kind);
	return o;
}

/* The router's address with its network's prefix; without a subnet (the outside) it stands alone and the gateway is
 * told to be on the link. */
static void put_address(struct rf_emit_out *o, const struct rf_site_ip *own, const struct rf_site_ip *gateway,
			const struct rf_site_ip *subnet, bool outside)
{
	struct rf_site_ip ip = own->family ? *own : outside ? (struct rf_site_ip){ 0 } : *gateway;
	char text[RF_EMIT_IP];

	if (!ip.family)
		return;
	ip.prefix = ip.family == 4 ? 32 : 128;
	rf_emit_ip(&ip, text);
	rf_emit_line(o, "Address=%s/%u\n", text, subnet->family ? subnet->prefix : ip.prefix);
}

static void put_default_route(struct rf_emit_out *o, const struct rf_site_ip *gateway)
{
	char text[RF_EMIT_IP];

	if (gateway->family)
		rf_emit_line(o, "\n[Route]\nGateway=%s\nGatewayOnLink=yes\n", rf_emit_ip(gateway, text));
}

static void put_foot(struct rf_emit *e, const struct rf_site_router *r, const struct rf_site_interface *f)
{
	const struct rf_site_zone *z = f->zone;
	bool outside = z->kind == RF_ZONE_INTERNET || z->kind == RF_ZONE_WAN;
	char parent[RF_EMIT_IFNAME];
	const char *name = rf_site_cstr(f->name);
	struct rf_emit_out *o;

	if (parent_of(f, parent)) {
		o = begin(e, r, 20, name, "netdev");
		rf_emit_line(o, "[NetDev]\nName=%s\nKind=vlan\n\n[VLAN]\nId=%u\n", name, z->vlan);
		rf_emit_end(o);
	}
	o = begin(e, r, 30, name, "network");
	rf_emit_line(o, "[Match]\nName=%s\n\n[Network]\nDescription=zone %s\nDHCP=no\nIPv6AcceptRA=no\nLLMNR=no\n"
			"MulticastDNS=no\n"
			"LLDP=no\nIPForward=yes\n", name, rf_site_cstr(z->name));
	put_address(o, &f->address, &z->gateway, &z->subnet, outside);
	put_address(o, &f->address6, &z->gateway6, &z->subnet6, outside);
	if (outside) {
		put_default_route(o, &z->gateway);
		put_default_route(o, &z->gateway6);
	}
	rf_emit_end(o);
}

/* One file for each port that carries VLANs. */
static void put_trunks(struct rf_emit *e, const struct rf_site_router *r)
{
	char mine[RF_EMIT_IFNAME], other[RF_EMIT_IFNAME];

	for (size_t i = 0; i < r->interface_count; i++) {
		bool first = parent_of(&r->interfaces[i], mine);

		for (size_t k = 0; first && k < i; k++)
			first = !parent_of(&r->interfaces[k], other) || strcmp(mine, other) != 0;
		if (!first)
			continue;
		struct rf_emit_out *o = begin(e, r, 10, mine, "network");
		rf_emit_line(o, "[Match]\nName=%s\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=no\nLLDP=no\n", mine);
		for (size_t k = i; k < r->interface_count; k++)
			if (parent_of(&r->interfaces[k], other) && strcmp(mine, other) == 0)
				rf_emit_line(o, "VLAN=%s\n", rf_site_cstr(r->interfaces[k].name));
		rf_emit_end(o);
	}
}

/* --- tunnels of remote offices: one interface a zone */

static void put_route(struct rf_emit_out *o, const struct rf_site_ip *subnet, unsigned table)
{
	char text[RF_EMIT_IP];

	if (!subnet->family)
		return;
	rf_emit_line(o, "\n[Route]\nDestination=%s\n", rf_emit_ip(subnet, text));
	if (table)
		rf_emit_line(o, "Table=%u\n", table);
}

static void put_rule(struct rf_emit_out *o, const struct rf_site_ip *subnet, unsigned table)
{
	char text[RF_EMIT_IP];

	if (subnet->family)
		rf_emit_line(o, "\n[RoutingPolicyRule]\nFrom=%s\nTable=%u\nPriority=%u\n", rf_emit_ip(subnet, text),
			     table, table);
}

/* In the office, what comes from the zone goes into the zone's own tunnel: routes by source. */
static void put_office_routes(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_zone *z)
{
	unsigned table = 1000 + (unsigned)(z - e->site->zones);

	put_rule(o, &z->subnet, table);
	put_rule(o, &z->subnet6, table);
	for (size_t i = 0; i < e->site->zone_count; i++) {
		const struct rf_site_zone *there = &e->site->zones[i];

		if (there->office == z->office)
			continue;
		put_route(o, &there->subnet, table);
		put_route(o, &there->subnet6, table);
	}
}

static bool is_like(const struct rf_site_router *r, const struct rf_site_router *other)
{
	return other && (r == other || r->main == other || other->main == r);
}

static void put_tunnel(struct rf_emit *e, const struct rf_site_router *r, const struct rf_site_zone *z)
{
	bool there = is_like(r, z->office->router), here = is_like(r, z->office->hub);
	char name[RF_EMIT_IFNAME];
	uint32_t if_id;

	if (!there && !here)
		return;
	rf_emit_tunnel(z, name, &if_id);
	struct rf_emit_out *o = begin(e, r, 40, name, "netdev");
	rf_emit_line(o, "[NetDev]\nName=%s\nKind=xfrm\nMTUBytes=1400\n\n[Xfrm]\nInterfaceId=%u\nIndependent=yes\n",
		     name, if_id);
	rf_emit_end(o);
	o = begin(e, r, 40, name, "network");
	rf_emit_line(o, "[Match]\nName=%s\n\n[Network]\nDescription=tunnel of zone %s\nDHCP=no\nIPv6AcceptRA=no\n"
			"LinkLocalAddressing=no\nIPForward=yes\n", name, rf_site_cstr(z->name));
	if (here) {
		put_route(o, &z->subnet, 0);
		put_route(o, &z->subnet6, 0);
	} else {
		put_office_routes(e, o, z);
	}
	rf_emit_end(o);
}

/* --- */

static bool names_ok(struct rf_emit *e, const struct rf_site_router *r)
{
	for (size_t i = 0; i < r->interface_count; i++)
		if (!rf_emit_ifname_ok(r->interfaces[i].name)) {
			rf_emit_find(e, RF_SEV_ERROR, r->interfaces[i].pos, NULL,
				     "name it as Linux does, in at most 15 letters, digits, - _ .",
				     "\"%.*s\" is no name of an interface on Linux", RF_VFMT(r->interfaces[i].name));
			return false;
		}
	return true;
}

void rf_emit_linux(struct rf_emit *e)
{
	const struct rf_site *s = e->site;

	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_router *r = &s->routers[i];

		if (r->kind != RF_DEVICE_LINUX)
			continue;
		if (!names_ok(e, r))
			return;
		put_sysctl(e, "routers", rf_site_cstr(r->name), of_routers, sizeof of_routers / sizeof *of_routers);
		put_trunks(e, r);
		for (size_t k = 0; k < r->interface_count; k++)
			put_foot(e, r, &r->interfaces[k]);
		for (size_t k = 0; k < s->zone_count; k++)
			if (s->zones[k].office)
				put_tunnel(e, r, &s->zones[k]);
	}
	for (size_t i = 0; i < s->switch_count; i++)
		if (s->switches[i].kind == RF_DEVICE_LINUX)
			put_sysctl(e, "switches", rf_site_cstr(s->switches[i].name), of_switches,
				   sizeof of_switches / sizeof *of_switches);
	for (size_t i = 0; i < e->book->n; i++)
		if (e->book->points[i].kind == RF_POINT_HOST && !rf_emit_is_router(e, e->book->points[i].host))
			put_sysctl(e, "hosts", e->book->points[i].name, of_hosts, sizeof of_hosts / sizeof *of_hosts);
}

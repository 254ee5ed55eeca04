/* Firewall filters as Junos writes them, and the interfaces that they are on. */
#include "emit/access.h"
#include "emit/acl.h"

#include <netinet/in.h>
#include <stdio.h>

struct junos {
	struct rf_emit *e;
	struct rf_emit_out *o;
	const char *family, *filter;
	unsigned term;
};

#define SET(w, ...) (rf_emit_line((w)->o, "set " __VA_ARGS__), rf_emit_line((w)->o, "\n"))

/* One condition of the term. */
#define FROM(w, l, ...) \
	(rf_emit_line((w)->o, "set firewall family %s filter %s term %s%s-%u from ", (w)->family, (w)->filter, (l)->rule->id, \
		      (l)->answer ? "-answer" : "", (w)->term), \
	 rf_emit_line((w)->o, __VA_ARGS__), rf_emit_line((w)->o, "\n"))

static void put_ip(struct junos *w, const struct rf_acl_line *l, const char *what, const struct rf_site_ip *ip)
{
	char text[RF_EMIT_IP];
	struct rf_site_ip bare = *ip;

	if (!ip->family)
		return;
	bare.prefix = ip->family == 4 ? 32 : 128;
	FROM(w, l, "%s %s/%u", what, rf_emit_ip(&bare, text), ip->prefix);
}

static void put_ports(struct junos *w, const struct rf_acl_line *l, const char *what, struct rf_site_ports p)
{
	if ((l->protocol != IPPROTO_TCP && l->protocol != IPPROTO_UDP) || rf_acl_any_port(p))
		return;
	if (p.first == p.last)
		FROM(w, l, "%s %u", what, p.first);
	else
		FROM(w, l, "%s %u-%u", what, p.first, p.last);
}

static void put_line(void *ctx, const struct rf_acl_line *l)
{
	struct junos *w = ctx;
	const char *name = l->protocol == IPPROTO_TCP ? "tcp" : l->protocol == IPPROTO_UDP ? "udp" :
			   l->protocol == IPPROTO_ICMP ? "icmp" : l->protocol == IPPROTO_ICMPV6 ? "icmp6" :
			   l->protocol == IPPROTO_ESP ? "esp" : l->protocol == RF_VRRP ? "vrrp" : NULL;

	w->term++;
	put_ip(w, l, "source-address", &l->src);
	put_ip(w, l, "destination-address", &l->dst);
	if (name)
		FROM(w, l, "%s %s", l->family == 4 ? "protocol" : "next-header", name);
	else if (l->protocol)
		FROM(w, l, "%s %d", l->family == 4 ? "protocol" : "next-header", l->protocol);
	put_ports(w, l, "source-port", l->sport);
	put_ports(w, l, "destination-port", l->dport);
	if (l->icmp_type >= 0)
		FROM(w, l, "icmp-type %d", l->icmp_type);
	if (l->established)
		FROM(w, l, "tcp-established");
	SET(w, "firewall family %s filter %s term %s%s-%u then %s", w->family, w->filter, l->rule->id,
	    l->answer ? "-answer" : "", w->term, l->permit ? "accept" : "discard");
}

static void put_filter(struct junos *w, const struct rf_point *point, const struct rf_site_interface *foot,
		       uint8_t family)
{
	char filter[RF_SITE_NAME_MAX + 8];

	snprintf(filter, sizeof filter, "rf-%s%s", rf_site_cstr(foot->zone->name), family == 6 ? "-6" : "");
	w->family = family == 6 ? "inet6" : "inet";
	w->filter = filter;
	w->term = 0;
	rf_acl_lines(w->e->site, point, foot, family, put_line, w);
	SET(w, "firewall family %s filter %s term rest then count %s-rest", w->family, filter, filter);
	SET(w, "firewall family %s filter %s term rest then log", w->family, filter);
	SET(w, "firewall family %s filter %s term rest then discard", w->family, filter);
}

/* "irb.30" is unit 30 of irb. */
static void split_unit(struct rf_view name, char dst[static RF_ACCESS_PORT])
{
	size_t dot = rf_view_find(name, '.');

	if (dot < name.n)
		snprintf(dst, RF_ACCESS_PORT, "%.*s unit %.*s", (int)dot, (const char *)name.p, (int)(name.n - dot - 1),
			 (const char *)name.p + dot + 1);
	else
		snprintf(dst, RF_ACCESS_PORT, "%.*s unit 0", RF_VFMT(name));
}

static void put_address(struct junos *w, const struct rf_point *point, const struct rf_site_interface *foot,
			const char *unit, uint8_t family)
{
	const struct rf_site_zone *z = foot->zone;
	const struct rf_site_ip *own = family == 4 ? (foot->address.family ? &foot->address : &z->gateway) :
				       (foot->address6.family ? &foot->address6 : &z->gateway6);
	const struct rf_site_ip *net = family == 4 ? &z->subnet : &z->subnet6;
	const struct rf_site_router *r = point->router;
	char ip[RF_EMIT_IP], gateway[RF_EMIT_IP];

	if (!own->family || !net->family)
		return;
	rf_emit_ip(own, ip);
	SET(w, "interfaces %s family %s address %s/%u", unit, family == 4 ? "inet" : "inet6", ip, net->prefix);
	if (family == 4 && (r->main || r->standby) && foot->address.family && z->gateway.family)
		SET(w, "interfaces %s family inet address %s/%u vrrp-group %u virtual-address %s priority %u", unit, ip,
		    net->prefix, rf_emit_vrid(z), rf_emit_ip(&z->gateway, gateway), r->main ? 100 : 150);
}

static void put_foot(struct junos *w, const struct rf_point *point, const struct rf_site_interface *foot)
{
	const char *zone = rf_site_cstr(foot->zone->name);
	char unit[RF_ACCESS_PORT], ip[RF_EMIT_IP];
	const struct rf_site_host *h;

	split_unit(foot->name, unit);
	put_filter(w, point, foot, 4);
	put_filter(w, point, foot, 6);
	SET(w, "interfaces %s description \"zone %s\"", unit, zone);
	put_address(w, point, foot, unit, 4);
	put_address(w, point, foot, unit, 6);
	SET(w, "interfaces %s family inet filter input rf-%s", unit, zone);
	SET(w, "interfaces %s family inet rpf-check", unit);
	SET(w, "interfaces %s family inet no-redirects", unit);
	SET(w, "interfaces %s family inet6 filter input rf-%s-6", unit, zone);
	SET(w, "interfaces %s family inet6 rpf-check", unit);
	if (foot->zone->vlan) {
		SET(w, "vlans %s vlan-id %u", zone, foot->zone->vlan);
		SET(w, "vlans %s l3-interface %s", zone, rf_site_cstr(foot->name));
	}
	for (size_t i = 0; (h = rf_acl_dhcp(w->e, foot->zone, i)); i++)
		SET(w, "forwarding-options dhcp-relay server-group ringfort %s", rf_emit_ip(&h->address, ip));
	if (rf_acl_dhcp(w->e, foot->zone, 0)) {
		SET(w, "forwarding-options dhcp-relay group rf-%s active-server-group ringfort", zone);
		SET(w, "forwarding-options dhcp-relay group rf-%s interface %s", zone, rf_site_cstr(foot->name));
	}
}

void rf_acl_junos(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point)
{
	struct junos w = { .e = e, .o = o };

	if (!rf_acl_fits(e, point))
		return;
	for (size_t i = 0; i < point->router->interface_count; i++)
		put_foot(&w, point, &point->router->interfaces[i]);
}

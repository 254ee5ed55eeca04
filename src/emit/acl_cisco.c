/* Access lists as IOS-XE and EOS write them, and the interfaces that they are on. */
#include "emit/access.h"
#include "emit/acl.h"

#include <netinet/in.h>
#include <stdio.h>

struct cisco {
	struct rf_emit *e;
	struct rf_emit_out *o;
	enum rf_device_kind kind;
	const char *last;          /* id of the rule of the line before */
	bool last_answer;
};

#define LINE(w, ...) rf_emit_line((w)->o, __VA_ARGS__)
/* EOS shows its own configuration with three blanks, IOS-XE with one. */
#define IN(w) ((w)->kind == RF_DEVICE_EOS ? "   " : " ")

static void put_ip(struct cisco *w, const struct rf_site_ip *ip)
{
	char text[RF_EMIT_IP], mask[RF_ACCESS_MASK];
	struct rf_site_ip bare = *ip;

	if (!ip->family) {
		LINE(w, " any");
		return;
	}
	bare.prefix = ip->family == 4 ? 32 : 128;
	if (ip->prefix == bare.prefix)
		LINE(w, " host %s", rf_emit_ip(ip, text));
	else if (ip->family == 6 || w->kind == RF_DEVICE_EOS)
		LINE(w, " %s", rf_emit_ip(ip, text));
	else
		LINE(w, " %s %s", rf_emit_ip(&bare, text), rf_access_mask(ip->prefix, true, mask));
}

static void put_port(struct cisco *w, int protocol, struct rf_site_ports p)
{
	if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || rf_acl_any_port(p))
		return;
	if (p.first == p.last)
		LINE(w, " eq %u", p.first);
	else
		LINE(w, " range %u %u", p.first, p.last);
}

static void put_protocol(struct cisco *w, const struct rf_acl_line *l)
{
	const char *name = l->protocol == 0 ? (l->family == 4 ? "ip" : "ipv6") : l->protocol == IPPROTO_TCP ? "tcp" :
			   l->protocol == IPPROTO_UDP ? "udp" : l->protocol == IPPROTO_ICMP ? "icmp" :
			   l->protocol == IPPROTO_ICMPV6 ? (w->kind == RF_DEVICE_EOS ? "icmpv6" : "icmp") :
			   l->protocol == IPPROTO_ESP ? "esp" : NULL;

	LINE(w, "%s%s ", IN(w), l->permit ? "permit" : "deny");
	if (name)
		LINE(w, "%s", name);
	else
		LINE(w, "%d", l->protocol);
}

static void put_line(void *ctx, const struct rf_acl_line *l)
{
	struct cisco *w = ctx;

	if (!w->last || strcmp(w->last, l->rule->id) != 0 || w->last_answer != l->answer)
		LINE(w, "%sremark %s%s (%s)\n", IN(w), l->answer ? "answers to " : "", l->rule->id,
		     l->rule->mitigation);
	w->last = l->rule->id;
	w->last_answer = l->answer;
	put_protocol(w, l);
	put_ip(w, &l->src);
	put_port(w, l->protocol, l->sport);
	put_ip(w, &l->dst);
	put_port(w, l->protocol, l->dport);
	if (l->icmp_type >= 0)
		LINE(w, " %d", l->icmp_type);
	if (l->established)
		LINE(w, " established");
	LINE(w, "%s\n", l->permit ? "" : " log");
}

static void put_list(struct cisco *w, const struct rf_point *point, const struct rf_site_interface *foot,
		     uint8_t family)
{
	const char *zone = rf_site_cstr(foot->zone->name);

	if (family == 6)
		LINE(w, "ipv6 access-list rf-%s-6\n", zone);
	else
		LINE(w, "ip access-list %srf-%s\n", w->kind == RF_DEVICE_IOS_XE ? "extended " : "", zone);
	w->last = NULL;
	rf_acl_lines(w->e->site, point, foot, family, put_line, w);
	LINE(w, "%sremark nothing else\n%sdeny %s any any log\n!\n", IN(w), IN(w), family == 6 ? "ipv6" : "ip");
}

/* The pair's shared gateway: VRRP version 3 (RFC 9568), the first router of the pair leads. */
static void put_vrrp(struct cisco *w, const struct rf_point *point, const struct rf_site_interface *foot)
{
	const struct rf_site_router *r = point->router;
	const struct rf_site_zone *z = foot->zone;
	char ip[RF_EMIT_IP];
	unsigned id = rf_emit_vrid(z), priority = r->main ? 100 : 150;

	if ((!r->main && !r->standby) || !z->gateway.family || z->kind == RF_ZONE_INTERNET || z->kind == RF_ZONE_WAN)
		return;
	if (w->kind == RF_DEVICE_IOS_XE)
		LINE(w, " vrrp %u address-family ipv4\n  address %s primary\n  priority %u\n  exit-vrrp\n", id,
		     rf_emit_ip(&z->gateway, ip), priority);
	else
		LINE(w, "   vrrp %u ipv4 %s\n   vrrp %u ipv4 version 3\n   vrrp %u priority-level %u\n", id,
		     rf_emit_ip(&z->gateway, ip), id, id, priority);
}

static void put_addresses(struct cisco *w, const struct rf_site_interface *foot)
{
	const struct rf_site_zone *z = foot->zone;
	const struct rf_site_ip *four = foot->address.family ? &foot->address : &z->gateway;
	const struct rf_site_ip *six = foot->address6.family ? &foot->address6 : &z->gateway6;
	char ip[RF_EMIT_IP], mask[RF_ACCESS_MASK];

	if (four->family && z->subnet.family && w->kind == RF_DEVICE_IOS_XE)
		LINE(w, " ip address %s %s\n", rf_emit_ip(four, ip), rf_access_mask(z->subnet.prefix, false, mask));
	else if (four->family && z->subnet.family)
		LINE(w, "   ip address %s/%u\n", rf_emit_ip(four, ip), z->subnet.prefix);
	if (six->family && z->subnet6.family)
		LINE(w, "%sipv6 address %s/%u\n%sipv6 nd ra %s\n", IN(w), rf_emit_ip(six, ip), z->subnet6.prefix, IN(w),
		     w->kind == RF_DEVICE_IOS_XE ? "suppress all" : "disabled all");
}

static void put_foot(struct cisco *w, const struct rf_point *point, const struct rf_site_interface *foot)
{
	const char *zone = rf_site_cstr(foot->zone->name);
	char name[RF_ACCESS_PORT], ip[RF_EMIT_IP];
	const struct rf_site_host *h;

	put_list(w, point, foot, 4);
	put_list(w, point, foot, 6);
	LINE(w, "interface %s\n%sdescription zone %s\n", rf_access_interface(w->kind, foot->name, name), IN(w), zone);
	put_addresses(w, foot);
	put_vrrp(w, point, foot);
	for (size_t i = 0; (h = rf_acl_dhcp(w->e, foot->zone, i)); i++)
		LINE(w, "%sip helper-address %s\n", IN(w), rf_emit_ip(&h->address, ip));
	LINE(w, "%sno ip redirects\n%sno ip proxy-arp\n%sip access-group rf-%s in\n", IN(w), IN(w), IN(w), zone);
	if (w->kind == RF_DEVICE_IOS_XE)
		LINE(w, " ip verify unicast source reachable-via rx\n no ipv6 redirects\n"
		     " ipv6 verify unicast source reachable-via rx\n"
		     " ipv6 traffic-filter rf-%s-6 in\n", zone);
	else
		LINE(w, "   ip verify unicast source reachable-via rx\n   ipv6 access-group rf-%s-6 in\n", zone);
	LINE(w, "%sno shutdown\n!\n", IN(w));
}

static void put_router(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point, enum rf_device_kind kind)
{
	struct cisco w = { .e = e, .o = o, .kind = kind };

	if (!rf_acl_fits(e, point))
		return;
	LINE(&w, "ip routing\nipv6 unicast-routing\n!\n");
	for (size_t i = 0; i < point->router->interface_count; i++)
		put_foot(&w, point, &point->router->interfaces[i]);
}

void rf_acl_ios(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point)
{
	put_router(e, o, point, RF_DEVICE_IOS_XE);
}

void rf_acl_eos(struct rf_emit *e, struct rf_emit_out *o, const struct rf_point *point)
{
	put_router(e, o, point, RF_DEVICE_EOS);
}

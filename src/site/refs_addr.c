/* Whose address is whose: no two zones overlap or share a VLAN, each address lies in its zone and is one device's only.
 * Sorting and hashing keep all of it near linear in the size of the site. */
#include "site/site_int.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define BREACH RF_LOOK_BREACH

enum { ADDRESS_BYTES = 1 + 16 }; /* family and bytes of struct rf_site_ip, for the index */

/* --- gateways */

/* The first address behind the subnet's own; none where there is no room for it. */
static void fill_gateway(struct rf_look *k, const struct rf_site_ip *net, struct rf_site_ip *ip, struct rf_view *text)
{
	unsigned bits = net->family == 6 ? 128 : 32;
	char s[INET6_ADDRSTRLEN];

	if (!net->family || ip->family || net->prefix + 2u > bits)
		return;
	struct rf_site_ip made = *net;
	made.prefix = (uint8_t)bits;
	made.b[bits / 8 - 1] |= 1;
	if (!inet_ntop(net->family == 6 ? AF_INET6 : AF_INET, made.b, s, sizeof s))
		return;
	char *copy = rf_arena_cstr(&k->all->arena, rf_view_str(s));
	if (!copy) {
		k->rc = -ENOMEM;
		return;
	}
	*ip = made;
	*text = rf_view_str(copy);
}

void rf_look_fill_gateways(struct rf_look *k, struct rf_site_zone *z)
{
	if (z->gateway.family == 6)
		RF_LOOK_ERROR(k, z->gateway_pos, "write it as gateway6", "the gateway of zone \"%.*s\" is IPv6",
			      RF_VFMT(z->name));
	if (z->gateway6.family == 4)
		RF_LOOK_ERROR(k, z->gateway6_pos, "write it as gateway", "the gateway6 of zone \"%.*s\" is IPv4",
			      RF_VFMT(z->name));
	z->gateway_said = z->gateway.family;
	z->gateway6_said = z->gateway6.family;
	fill_gateway(k, &z->subnet, &z->gateway, &z->gateway_text);
	fill_gateway(k, &z->subnet6, &z->gateway6, &z->gateway6_text);
}

/* --- subnets and VLANs of zones */

static int by_subnet(const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	int order = (int)a->family - (int)b->family;

	if (!order)
		order = memcmp(a->b, b->b, sizeof a->b);
	return order ? order : (int)a->prefix - (int)b->prefix;
}

static int order4(const void *a, const void *b)
{
	return by_subnet(&(*(const struct rf_site_zone *const *)a)->subnet,
		      &(*(const struct rf_site_zone *const *)b)->subnet);
}

static int order6(const void *a, const void *b)
{
	return by_subnet(&(*(const struct rf_site_zone *const *)a)->subnet6,
			 &(*(const struct rf_site_zone *const *)b)->subnet6);
}

static int order_vlan(const void *a, const void *b)
{
	const struct rf_site_zone *x = *(const struct rf_site_zone *const *)a,
				  *y = *(const struct rf_site_zone *const *)b;

	return x->vlan != y->vlan ? (x->vlan < y->vlan ? -1 : 1) : x < y ? -1 : x > y;
}

/* The one further down in the file is the one to mend. */
static const struct rf_site_zone *later(const struct rf_site_zone **a, const struct rf_site_zone **b)
{
	if (*a > *b) {
		const struct rf_site_zone *swap = *a;

		*a = *b;
		*b = swap;
	}
	return *b;
}

/* Subnets are prefixes: two overlap when one holds the other, and sorted it stands right behind what holds it. */
static void look_overlaps(struct rf_look *k, const struct rf_site_zone **v, size_t n, size_t at,
			  size_t pos_at)
{
	const struct rf_site_zone *top = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct rf_site_ip *net = (const struct rf_site_ip *)(const void *)((const char *)v[i] + at);
		const struct rf_site_zone *a = top, *b = v[i];

		if (!net->family)
			continue;
		if (!top || !rf_site_ip_in(net, (const struct rf_site_ip *)(const void *)((const char *)top + at))) {
			top = v[i];
			continue;
		}
		const char *last = (const char *)later(&a, &b);
		BREACH(k, *(const struct rf_site_pos *)(const void *)(last + pos_at), "arch-zone-addressing",
			      "give each zone addresses of its own",
		       "the subnets of zones \"%.*s\" and \"%.*s\" overlap", RF_VFMT(a->name), RF_VFMT(b->name));
	}
}

static void look_zone_addresses(struct rf_look *k)
{
	const struct rf_site *s = &k->all->pub;
	const struct rf_site_zone **v = rf_arena_array(&k->all->arena, s->zone_count, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < s->zone_count; i++)
		v[i] = &s->zones[i];
	if (s->zone_count < 2)
		return;
	qsort(v, s->zone_count, sizeof *v, order4);
	look_overlaps(k, v, s->zone_count, offsetof(struct rf_site_zone, subnet),
		      offsetof(struct rf_site_zone, subnet_pos));
	qsort(v, s->zone_count, sizeof *v, order6);
	look_overlaps(k, v, s->zone_count, offsetof(struct rf_site_zone, subnet6),
		      offsetof(struct rf_site_zone, subnet6_pos));
	qsort(v, s->zone_count, sizeof *v, order_vlan);
	for (size_t i = 1; i < s->zone_count; i++)
		if (v[i]->vlan && v[i]->vlan == v[i - 1]->vlan)
			BREACH(k, v[i]->vlan_pos, "net-class-vlans", "give each zone a VLAN of its own",
			       "zones \"%.*s\" and \"%.*s\" share VLAN %u", RF_VFMT(v[i - 1]->name),
			       RF_VFMT(v[i]->name), v[i]->vlan);
}

/* --- addresses of devices */

/* Who has an address. */
struct owner {
	struct rf_site_pos pos, pos6;   /* of its addresses */
	const char *what;
	struct rf_view name;
	const struct rf_site_zone *zone;
	bool shared;                /* a gateway, which the interfaces of its routers may share */
};

struct owners {
	struct rf_look *k;
	struct rf_index index;
	struct owner *v;
	uint8_t (*keys)[ADDRESS_BYTES];
	size_t n;
};

static bool is_router(const struct owner *o)
{
	return o->what[0] == 'r';
}

/* A router and the host of the same name are one device; the only router of a zone has its gateway's address. */
static bool may_share(const struct rf_look *k, const struct owner *first, const struct owner *o)
{
	if (first->shared)
		return first->zone == o->zone && !o->shared &&
		       (is_router(o) || rf_index_find(&k->all->routers, &k->all->hash_key, o->name));
	return is_router(first) != is_router(o) && rf_view_eq(first->name, o->name);
}

static void complain(struct rf_look *k, const struct owner *first, const struct owner *o, struct rf_site_pos pos)
{
	if (first->shared)
		BREACH(k, pos, "arch-zone-addressing", "choose another address",
		       "%s \"%.*s\" has the gateway address of zone \"%.*s\"", o->what, RF_VFMT(o->name),
		       RF_VFMT(first->name));
	else if (strcmp(first->what, o->what) == 0 && strcmp(o->what, "host") == 0)
		BREACH(k, pos, "arch-zone-addressing", "give each host its own",
		       "hosts \"%.*s\" and \"%.*s\" have one address", RF_VFMT(first->name), RF_VFMT(o->name));
	else
		BREACH(k, pos, "arch-zone-addressing", "give each its own",
		       "%s \"%.*s\" has the address of %s \"%.*s\"", o->what, RF_VFMT(o->name), first->what,
		       RF_VFMT(first->name));
}

static void own(struct owners *all, struct owner o, const struct rf_site_ip *ip)
{
	uint8_t *key = all->keys[all->n];

	if (!ip->family || all->k->rc)
		return;
	key[0] = ip->family;
	memcpy(key + 1, ip->b, sizeof ip->b);
	all->v[all->n] = o;
	const struct owner *first = rf_look_add(all->k, &all->index, rf_view_of(key, ADDRESS_BYTES), &all->v[all->n]);
	all->n++;
	if (first && !may_share(all->k, first, &o))
		complain(all->k, first, &o, ip->family == 6 ? o.pos6 : o.pos);
}

static bool is_end(const struct rf_site_ip *ip, const struct rf_site_ip *net, bool ones)
{
	unsigned bits = net->family == 6 ? 128 : 32;

	for (unsigned i = net->prefix; i < bits; i++)
		if (!(ip->b[i / 8] & 0x80 >> i % 8) == ones)
			return false;
	return net->prefix + 2u <= bits;
}

/* Inside the subnet, and neither the subnet itself nor its broadcast address. */
static void look_place(struct rf_look *k, const struct owner *o, const struct rf_site_ip *ip, struct rf_view text)
{
	const struct rf_site_ip *net = ip->family == 6 ? &o->zone->subnet6 : &o->zone->subnet;
	struct rf_site_pos pos = ip->family == 6 ? o->pos6 : o->pos;

	if (!ip->family || !net->family)
		return;
	if (!rf_site_ip_in(ip, net))
		BREACH(k, pos, "arch-zone-addressing", "correct the address or the zone",
		       "%s \"%.*s\": %.*s is not in the subnet of zone \"%.*s\"", o->what, RF_VFMT(o->name),
		       RF_VFMT(text), RF_VFMT(o->zone->name));
	else if (is_end(ip, net, false))
		BREACH(k, pos, "arch-zone-addressing", "choose another address",
		       "%s \"%.*s\": %.*s is the address of the subnet itself", o->what, RF_VFMT(o->name),
		       RF_VFMT(text));
	else if (ip->family == 4 && is_end(ip, net, true))
		BREACH(k, pos, "arch-zone-addressing", "choose another address",
		       "%s \"%.*s\": %.*s is the broadcast address of its subnet", o->what, RF_VFMT(o->name),
		       RF_VFMT(text));
}

/* The zone of kind border that it lies in, else the one of another kind, NULL: in none. */
static const struct rf_site_zone *border_of(const struct rf_site *s, const struct rf_site_ip *ip)
{
	const struct rf_site_zone *found = NULL;

	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_ip *net = ip->family == 6 ? &s->zones[i].subnet6 : &s->zones[i].subnet;

		if (net->family && rf_site_ip_in(ip, net) && (!found || s->zones[i].kind == RF_ZONE_BORDER))
			found = &s->zones[i];
	}
	return found;
}

/* What the outside reaches stands in a zone of kind border: the flows of the site are made so. An address that is the
 * host's own is no other one. */
static void own_outside_ip(struct owners *all, const struct rf_site_host *h, const struct rf_site_ip *ip,
			   const struct rf_site_ip *inside, struct rf_view text, struct rf_site_pos pos)
{
	const struct rf_site_zone *z = border_of(&all->k->all->pub, ip);
	const struct owner o = { pos, pos, "host", h->name, z, false };

	if (!ip->family || (ip->family == inside->family && !memcmp(ip->b, inside->b, sizeof ip->b)))
		return;
	own(all, o, ip);
	if (z && z->kind == RF_ZONE_BORDER)
		look_place(all->k, &o, ip, text);
	else
		BREACH(all->k, pos, "arch-zone-addressing", "give it an address in a zone of kind border",
		       "the outside of host \"%.*s\", %.*s, is in no zone of kind border", RF_VFMT(h->name),
		       RF_VFMT(text));
}

static void own_outside(struct owners *all, const struct rf_site_host *h)
{
	const struct rf_site_outside *o = &h->outside;

	own_outside_ip(all, h, &o->address, &h->address, o->address_text, o->address_pos);
	own_outside_ip(all, h, &o->address6, &h->address6, o->address6_text, o->address6_pos);
}

static void own_hosts(struct owners *all)
{
	const struct rf_site *s = &all->k->all->pub;

	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];
		const struct owner o = { h->address_pos, rf_site_pos_or(h->address6_pos, h->address_pos), "host",
			      h->name, h->zone, false };

		if (!h->zone)
			continue;
		own(all, o, &h->address);
		own(all, o, &h->address6);
		look_place(all->k, &o, &h->address, h->address_text);
		look_place(all->k, &o, &h->address6, h->address6_text);
		own_outside(all, h);
	}
}

static void own_devices(struct owners *all)
{
	const struct rf_site *s = &all->k->all->pub;

	for (size_t i = 0; i < s->router_count; i++)
		for (size_t j = 0; j < s->routers[i].interface_count; j++) {
			const struct rf_site_interface *f = &s->routers[i].interfaces[j];
			const struct owner o = { rf_site_pos_or(f->address_pos, f->pos), rf_site_pos_or(f->address6_pos, f->pos),
						 "router", s->routers[i].name, f->zone, false };

			if (!f->zone)
				continue;
			own(all, o, &f->address);
			own(all, o, &f->address6);
			look_place(all->k, &o, &f->address, f->address_text);
			look_place(all->k, &o, &f->address6, f->address6_text);
		}
	for (size_t i = 0; i < s->switch_count; i++) {
		const struct rf_site_switch *sw = &s->switches[i];
		const struct owner o = { sw->address_pos, sw->address_pos, "switch", sw->name, sw->zone, false };

		if (!sw->zone)
			continue;
		own(all, o, &sw->address);
		look_place(all->k, &o, &sw->address, sw->address_text);
	}
}

/* A small site says nothing of gateways, and its only host may well have the first address. Gateways come first, so
 * that who has the address of one is always the second. */
static void own_gateways(struct owners *all)
{
	const struct rf_site *s = &all->k->all->pub;

	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_zone *z = &s->zones[i];
		const struct owner o = { rf_site_pos_or(z->gateway_pos, z->pos), rf_site_pos_or(z->gateway6_pos, z->pos),
					 "zone", z->name, z, true };

		if (z->gateway_said || rf_site_has_network(s)) {
			own(all, o, &z->gateway);
			look_place(all->k, &o, &z->gateway, z->gateway_text);
		}
		if (z->gateway6_said || rf_site_has_network(s)) {
			own(all, o, &z->gateway6);
			look_place(all->k, &o, &z->gateway6, z->gateway6_text);
		}
	}
}

void rf_look_addresses(struct rf_look *k)
{
	const struct rf_site *s = &k->all->pub;
	struct owners all = { .k = k };
	size_t n = 2 * s->zone_count + 4 * s->host_count + s->switch_count;

	for (size_t i = 0; i < s->router_count; i++)
		n += 2 * s->routers[i].interface_count;
	all.v = rf_arena_array(&k->all->arena, n, sizeof *all.v);
	all.keys = rf_arena_array(&k->all->arena, n, sizeof *all.keys);
	if (!all.v || !all.keys || rf_index_init(&all.index, &k->all->arena, n)) {
		k->rc = -ENOMEM;
		return;
	}
	look_zone_addresses(k);
	own_gateways(&all);
	own_hosts(&all);
	own_devices(&all);
	rf_index_fini(&all.index);
}

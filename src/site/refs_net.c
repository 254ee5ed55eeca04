/* What the part of a site about its network names: offices, routers, flows. Switches are refs_port.c's matter,
 * addresses refs_addr.c's. */
#include "site/site_int.h"

#include <stdarg.h>
#include <stdio.h>

#define ERROR RF_LOOK_ERROR

static const void *find(struct rf_look *k, const struct rf_index *x, struct rf_view name)
{
	return rf_index_find(x, &k->all->hash_key, name);
}

struct rf_view rf_look_text(struct rf_look *k, const char *fmt, ...)
{
	char buf[RF_SITE_NAME_MAX + 8];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	char *text = rf_arena_cstr(&k->all->arena, rf_view_str(buf));
	if (!text)
		k->rc = -ENOMEM;
	return rf_view_str(text);
}

void *rf_look_writable(struct rf_look *k, const void *v, size_t n, size_t size)
{
	void *copy = rf_arena_array(&k->all->arena, n, size);

	if (!copy)
		k->rc = -ENOMEM;
	else if (n)
		memcpy(copy, v, n * size);
	return copy;
}

/* --- offices, first step: their names */

void rf_look_offices(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	k->offices = rf_look_writable(k, s->offices, s->office_count, sizeof *k->offices);
	if (!k->offices)
		return;
	for (size_t i = 0; i < s->office_count; i++)
		rf_look_add(k, &k->all->offices, k->offices[i].name, &k->offices[i]);
	s->offices = k->offices;
}

const struct rf_site_office *rf_look_office(struct rf_look *k, struct rf_site_pos pos, const char *what,
					    struct rf_view who, struct rf_view name)
{
	const struct rf_site_office *office = name.n ? find(k, &k->all->offices, name) : NULL;

	if (name.n && !office)
		ERROR(k, pos, "name one of `offices`", "%s \"%.*s\": there is no office \"%.*s\"", what, RF_VFMT(who),
		      RF_VFMT(name));
	return office;
}

const struct rf_site_zone *rf_look_zone(struct rf_look *k, struct rf_site_pos pos, const char *what,
					struct rf_view who, struct rf_view name)
{
	const struct rf_site_zone *zone = find(k, &k->all->zones, name);

	if (!zone)
		ERROR(k, pos, "name one of `zones`", "%s \"%.*s\": there is no zone \"%.*s\"", what, RF_VFMT(who),
		      RF_VFMT(name));
	return zone;
}

/* --- routers */

static struct rf_view interface_name(struct rf_look *k, const struct rf_site_router *r, const struct rf_site_zone *zone)
{
	if (!zone->vlan)
		return zone->name;
	switch (r->kind) {
	case RF_DEVICE_JUNOS:
		return rf_look_text(k, "irb.%u", zone->vlan);
	case RF_DEVICE_LINUX:
		return rf_look_text(k, "vlan%u", zone->vlan);
	default:
		return rf_look_text(k, "Vlan%u", zone->vlan);
	}
}

static void look_families(struct rf_look *k, const char *what, struct rf_view who,
			  const struct rf_site_interface *f)
{
	if (f->address.family == 6)
		ERROR(k, f->address_pos, "write it as address6", "the address of %s \"%.*s\" is IPv6", what,
		      RF_VFMT(who));
	if (f->address6.family == 4)
		ERROR(k, f->address6_pos, "write it as address", "the address6 of %s \"%.*s\" is IPv4", what,
		      RF_VFMT(who));
}

static void look_interfaces(struct rf_look *k, struct rf_site_router *r)
{
	struct rf_site_interface *v = rf_look_writable(k, r->interfaces, r->interface_count, sizeof *v);

	for (size_t i = 0; v && i < r->interface_count; i++) {
		v[i].zone = rf_look_zone(k, v[i].zone_pos, "router", r->name, v[i].zone_name);
		if (!v[i].zone)
			continue;
		if (!v[i].name.n)
			v[i].name = interface_name(k, r, v[i].zone);
		rf_look_port_name(k, v[i].pos, "router", r->name, r->kind, v[i].name);
		look_families(k, "router", r->name, &v[i]);
		for (size_t j = 0; j < i; j++) {
			if (v[j].zone == v[i].zone)
				ERROR(k, v[i].pos, "keep one of them",
				      "router \"%.*s\" has two interfaces in zone \"%.*s\"", RF_VFMT(r->name),
				      RF_VFMT(v[i].zone->name));
			else if (rf_view_eq(v[j].name, v[i].name))
				ERROR(k, v[i].pos, "give each its own", "router \"%.*s\" has two interfaces named %.*s",
				      RF_VFMT(r->name), RF_VFMT(v[i].name));
		}
	}
	if (!r->interface_count)
		ERROR(k, r->pos, "add  interfaces: [{ zone: phone }, { zone: server }]",
		      "router \"%.*s\" has no interfaces", RF_VFMT(r->name));
	r->interfaces = v;
}

static void look_routers(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	k->routers = rf_look_writable(k, s->routers, s->router_count, sizeof *k->routers);
	for (size_t i = 0; k->rc == 0 && i < s->router_count; i++) {
		struct rf_site_router *r = &k->routers[i];
		const struct rf_site_router *other = rf_look_add(k, &k->all->routers, r->name, r);

		if (other)
			rf_look_twice(k, r->pos, other->pos, "router", r->name);
		r->office = rf_look_office(k, r->office_pos, "router", r->name, r->office_name);
		look_interfaces(k, r);
	}
	if (k->rc == 0)
		s->routers = k->routers;
}

static bool same_zones(const struct rf_site_router *a, const struct rf_site_router *b)
{
	for (size_t i = 0; i < a->interface_count; i++) {
		size_t j = 0;

		while (j < b->interface_count && b->interfaces[j].zone != a->interfaces[i].zone)
			j++;
		if (j == b->interface_count)
			return false;
	}
	return true;
}

static void look_router_pair(struct rf_look *k, struct rf_site_router *r)
{
	struct rf_site_router *main;

	if (!r->standby_for.n)
		return;
	main = (struct rf_site_router *)(uintptr_t)find(k, &k->all->routers, r->standby_for);
	if (!main || main == r)
		ERROR(k, r->standby_pos, "name another router", "router \"%.*s\" cannot stand by for \"%.*s\"",
			      RF_VFMT(r->name),
		      RF_VFMT(r->standby_for));
	else if (main->standby_for.n)
		ERROR(k, r->standby_pos, "name the first of the chain",
			      "router \"%.*s\" stands by for \"%.*s\", which stands by itself",
		      RF_VFMT(r->name), RF_VFMT(main->name));
	else if (main->standby)
		ERROR(k, r->standby_pos, "keep one of them", "routers \"%.*s\" and \"%.*s\" both stand by for \"%.*s\"",
		      RF_VFMT(main->standby->name), RF_VFMT(r->name), RF_VFMT(main->name));
	else if (!same_zones(r, main) || !same_zones(main, r))
		ERROR(k, r->standby_pos, "give both an interface in each zone",
		      "standby router \"%.*s\" has other zones than \"%.*s\"", RF_VFMT(r->name), RF_VFMT(main->name));
	else if (r->office != main->office)
		ERROR(k, r->standby_pos, "put both into one office",
			      "standby router \"%.*s\" is in another office than \"%.*s\"",
		      RF_VFMT(r->name), RF_VFMT(main->name));
	if (!main || main == r)
		return;
	r->main = main;
	if (!main->standby)
		main->standby = r;
}

/* --- offices, second step: who joins them to the main site */

static const struct rf_site_router *look_end(struct rf_look *k, const struct rf_site_office *o, const char *key,
					     struct rf_view name, struct rf_site_pos pos)
{
	const struct rf_site_router *r = name.n ? find(k, &k->all->routers, name) : NULL;

	if (name.n && !r)
		ERROR(k, pos, "name one of `routers`", "office \"%.*s\": there is no %s \"%.*s\"", RF_VFMT(o->name),
		      key, RF_VFMT(name));
	return r;
}

static void look_office_ends(struct rf_look *k, struct rf_site_office *o)
{
	o->link = rf_look_link(k, o->link_pos, "office", o->name, o->link_name);
	o->router = look_end(k, o, "router", o->router_name, o->router_pos);
	o->hub = look_end(k, o, "hub", o->hub_name, o->hub_pos);
	if (o->router && o->router->office != o)
		ERROR(k, o->router_pos, "name a router that has  office:  likewise",
			      "router \"%.*s\" is not in office \"%.*s\"",
		      RF_VFMT(o->router->name), RF_VFMT(o->name));
	if (o->hub && o->hub->office)
		ERROR(k, o->hub_pos, "name a router of the main site",
		      "the hub of office \"%.*s\" is in office \"%.*s\"", RF_VFMT(o->name),
		      RF_VFMT(o->hub->office->name));
	if (o->peer.family && o->local.family && o->peer.family != o->local.family)
		ERROR(k, o->local_pos, "write both as IPv4 or both as IPv6",
		      "office \"%.*s\": peer and local are of two families", RF_VFMT(o->name));
}

/* --- allow */

static size_t count_ips(struct rf_look *k, const struct rf_site_list *ends)
{
	size_t n = 0;

	for (size_t i = 0; i < ends->n; i++) {
		const struct rf_site_host *h = find(k, &k->all->hosts, ends->v[i]);

		n += h && h->address6.family ? 2 : 1;
	}
	return n;
}

static void look_ends(struct rf_look *k, struct rf_site_pos pos, const char *key,
		      const struct rf_site_list *ends, const struct rf_site_zone *zone, const struct rf_site_ip **ret_v,
		      size_t *ret_n)
{
	struct rf_site_ip *v = rf_arena_array(&k->all->arena, count_ips(k, ends), sizeof *v);
	size_t n = 0;

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < ends->n; i++) {
		const struct rf_site_host *h = find(k, &k->all->hosts, ends->v[i]);
		struct rf_site_ip ip;

		if (h && h->zone == zone) {
			v[n++] = h->address;
			if (h->address6.family)
				v[n++] = h->address6;
		} else if (h) {
			ERROR(k, pos, "name hosts of that zone", "%s: host \"%.*s\" is not in zone \"%.*s\"", key,
			      RF_VFMT(h->name), RF_VFMT(zone->name));
		} else if (!rf_site_ip_parse(ends->v[i], false, &ip) && !rf_site_ip_parse(ends->v[i], true, &ip)) {
			ERROR(k, pos, "name one of `hosts`, or write an address", "%s: there is no host \"%.*s\"", key,
			      RF_VFMT(ends->v[i]));
		} else {
			const struct rf_site_ip *net = ip.family == 6 ? &zone->subnet6 : &zone->subnet;

			if (net->family && !rf_site_ip_in(&ip, net))
				ERROR(k, pos, "correct the address or the zone", "%s: %.*s is not in zone \"%.*s\"",
				      key, RF_VFMT(ends->v[i]), RF_VFMT(zone->name));
			v[n++] = ip;
		}
	}
	*ret_v = v;
	*ret_n = n;
}

static void look_allow(struct rf_look *k, struct rf_site_allow *a)
{
	a->from = find(k, &k->all->zones, a->from_name);
	a->to = find(k, &k->all->zones, a->to_name);
	if (!a->from || !a->to) {
		ERROR(k, a->from ? a->to_pos : a->from_pos, "name one of `zones`", "allow: there is no zone \"%.*s\"",
		      RF_VFMT(a->from ? a->to_name : a->from_name));
		return;
	}
	if (!a->port_count)
		ERROR(k, a->ports_pos, "add  ports: [443]", "allow from \"%.*s\" to \"%.*s\" names no ports",
			      RF_VFMT(a->from_name),
		      RF_VFMT(a->to_name));
	look_ends(k, a->from_hosts_pos, "from_hosts", &a->from_hosts, a->from, &a->from_ips, &a->from_ip_count);
	look_ends(k, a->to_hosts_pos, "to_hosts", &a->to_hosts, a->to, &a->to_ips, &a->to_ip_count);
}

static void look_allows(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_allow *v = rf_look_writable(k, s->allows, s->allow_count, sizeof *v);

	for (size_t i = 0; k->rc == 0 && i < s->allow_count; i++)
		look_allow(k, &v[i]);
	if (k->rc == 0)
		s->allows = v;
}

void rf_look_devices(struct rf_look *k)
{
	look_routers(k);
	if (k->rc == 0)
		rf_look_switches(k);
}

void rf_look_network(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	for (size_t i = 0; i < s->switch_count; i++) {
		const struct rf_site_switch *sw = &s->switches[i];

		if (find(k, &k->all->routers, sw->name) || find(k, &k->all->hosts, sw->name))
			ERROR(k, sw->pos, "give each device a name of its own", "switch \"%.*s\" has the name of a %s",
			      RF_VFMT(sw->name), find(k, &k->all->routers, sw->name) ? "router" : "host");
	}
	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_host *h = find(k, &k->all->hosts, k->routers[i].name);

		if (h && h->roles & RF_ROLE_WALL)
			k->routers[i].host = h;
		look_router_pair(k, &k->routers[i]);
	}
	rf_look_uplinks(k);
	for (size_t i = 0; i < s->office_count; i++)
		look_office_ends(k, &k->offices[i]);
	look_allows(k);
}

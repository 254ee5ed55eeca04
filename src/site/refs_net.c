/* What the part of a site about its network names: offices, routers, switches and their ports, and who is plugged in
 * where. Addresses are refs_addr.c's matter. */
#include "site/chars.h"
#include "site/site_int.h"

#include <stdarg.h>
#include <stdio.h>

#define ERROR RF_LOOK_ERROR

static const void *find(struct rf_look *k, const struct rf_index *x, struct rf_view name)
{
	return rf_index_find(x, &k->all->hash_key, name);
}

/* A text of ours into the arena; empty, and k->rc set, when there is no room. */
static struct rf_view text_of(struct rf_look *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static struct rf_view text_of(struct rf_look *k, const char *fmt, ...)
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

/* A copy of a list that may be written to; NULL and k->rc set when there is no room. */
static void *writable(struct rf_look *k, const void *v, size_t n, size_t size)
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

	k->offices = writable(k, s->offices, s->office_count, sizeof *k->offices);
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

static const struct rf_site_zone *look_zone(struct rf_look *k, struct rf_site_pos pos, const char *what,
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
		return text_of(k, "irb.%u", zone->vlan);
	case RF_DEVICE_LINUX:
		return text_of(k, "vlan%u", zone->vlan);
	default:
		return text_of(k, "Vlan%u", zone->vlan);
	}
}

static void look_families(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
			  const struct rf_site_ip *v4, const struct rf_site_ip *v6)
{
	if (v4->family == 6)
		ERROR(k, pos, "write it as address6", "the address of %s \"%.*s\" is IPv6", what, RF_VFMT(who));
	if (v6->family == 4)
		ERROR(k, pos, "write it as address", "the address6 of %s \"%.*s\" is IPv4", what, RF_VFMT(who));
}

static void look_interfaces(struct rf_look *k, struct rf_site_router *r)
{
	struct rf_site_interface *v = writable(k, r->interfaces, r->interface_count, sizeof *v);

	for (size_t i = 0; v && i < r->interface_count; i++) {
		v[i].zone = look_zone(k, v[i].pos, "router", r->name, v[i].zone_name);
		if (!v[i].zone)
			continue;
		if (!v[i].name.n)
			v[i].name = interface_name(k, r, v[i].zone);
		look_families(k, v[i].pos, "router", r->name, &v[i].address, &v[i].address6);
		for (size_t j = 0; j < i; j++) {
			if (v[j].zone == v[i].zone)
				ERROR(k, v[i].pos, "keep one of them", "router \"%.*s\" has two interfaces in zone \"%.*s\"",
				      RF_VFMT(r->name), RF_VFMT(v[i].zone->name));
			else if (rf_view_eq(v[j].name, v[i].name))
				ERROR(k, v[i].pos, "give each its own", "router \"%.*s\" has two interfaces named %.*s",
				      RF_VFMT(r->name), RF_VFMT(v[i].name));
		}
	}
	if (!r->interface_count)
		ERROR(k, r->pos, "add  interfaces: [{ zone: phone }, { zone: server }]", "router \"%.*s\" has no interfaces",
		      RF_VFMT(r->name));
	r->interfaces = v;
}

static void look_routers(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	k->routers = writable(k, s->routers, s->router_count, sizeof *k->routers);
	for (size_t i = 0; k->rc == 0 && i < s->router_count; i++) {
		struct rf_site_router *r = &k->routers[i];
		const struct rf_site_router *other = rf_look_add(k, &k->all->routers, r->name, r);

		if (other)
			rf_look_twice(k, r->pos, other->pos, "router", r->name);
		r->office = rf_look_office(k, r->pos, "router", r->name, r->office_name);
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
		ERROR(k, r->pos, "name another router", "router \"%.*s\" cannot stand by for \"%.*s\"", RF_VFMT(r->name),
		      RF_VFMT(r->standby_for));
	else if (main->standby_for.n)
		ERROR(k, r->pos, "name the first of the chain", "router \"%.*s\" stands by for \"%.*s\", which stands by itself",
		      RF_VFMT(r->name), RF_VFMT(main->name));
	else if (main->standby)
		ERROR(k, r->pos, "keep one of them", "routers \"%.*s\" and \"%.*s\" both stand by for \"%.*s\"",
		      RF_VFMT(main->standby->name), RF_VFMT(r->name), RF_VFMT(main->name));
	else if (!same_zones(r, main) || !same_zones(main, r))
		ERROR(k, r->pos, "give both an interface in each zone",
		      "standby router \"%.*s\" has other zones than \"%.*s\"", RF_VFMT(r->name), RF_VFMT(main->name));
	else if (r->office != main->office)
		ERROR(k, r->pos, "put both into one office", "standby router \"%.*s\" is in another office than \"%.*s\"",
		      RF_VFMT(r->name), RF_VFMT(main->name));
	if (!main || main == r)
		return;
	r->main = main;
	if (!main->standby)
		main->standby = r;
}

/* --- switches */

/* "Gi1/0/1-24": the name before the last number and the two numbers; a name without is a range of one. "ge-0/0/0" is
 * none, for what is before its - does not end in a digit; "et-0/0/0-47" is. False: a range that goes nowhere. */
static bool read_range(struct rf_view name, struct rf_view *ret_stem, uint32_t *ret_first, uint32_t *ret_last)
{
	size_t dash = name.n, digits;
	uint64_t first, last;

	while (dash > 0 && rf_is_digit(name.p[dash - 1]))
		dash--;
	*ret_stem = name;
	*ret_first = *ret_last = 0;
	if (dash == name.n || dash < 2 || name.p[dash - 1] != '-' || !rf_is_digit(name.p[dash - 2]))
		return true;
	for (digits = dash - 1; digits > 0 && rf_is_digit(name.p[digits - 1]); digits--)
		;
	if (!rf_view_u64(rf_view_sub(name, digits, dash - 1 - digits), 99999, &first) ||
	    !rf_view_u64(rf_view_from(name, dash), 99999, &last) || last <= first ||
	    (name.p[digits] == '0' && dash - 1 - digits > 1) || last - first >= RF_SITE_SWITCH_PORTS_MAX)
		return false;
	*ret_stem = rf_view_sub(name, 0, digits);
	*ret_first = (uint32_t)first;
	*ret_last = (uint32_t)last;
	return true;
}

struct rf_view rf_port_key(struct rf_view sw, struct rf_view port, uint8_t buf[static RF_PORT_KEY_MAX])
{
	struct rf_view a = rf_view_sub(sw, 0, RF_SITE_NAME_MAX), b = rf_view_sub(port, 0, RF_SITE_PORT_NAME_MAX);

	if (a.n)
		memcpy(buf, a.p, a.n);
	buf[a.n] = ' '; /* in neither of the two */
	if (b.n)
		memcpy(buf + a.n + 1, b.p, b.n);
	return rf_view_of(buf, a.n + 1 + b.n);
}

static void add_port(struct rf_look *k, const struct rf_site_switch *sw, struct rf_site_port *p)
{
	uint8_t buf[RF_PORT_KEY_MAX];
	struct rf_view key;

	if (rf_view_dup(&k->all->arena, rf_port_key(sw->name, p->name, buf), &key)) {
		k->rc = -ENOMEM;
		return;
	}
	const struct rf_site_port *other = rf_look_add(k, &k->all->ports, key, p);
	if (other)
		ERROR(k, p->pos, "keep one of them", "switch \"%.*s\": port %.*s is there twice, first at %s:%u",
		      RF_VFMT(sw->name), RF_VFMT(p->name), rf_site_place(k->all, other->pos).file, other->pos.line);
}

static void look_port(struct rf_look *k, const struct rf_site_switch *sw, struct rf_site_port *p)
{
	if (p->use == RF_PORT_USES)
		p->use = p->to.n ? RF_PORT_UPLINK : p->zone_name.n ? RF_PORT_ACCESS : RF_PORT_USES;
	if (p->use == RF_PORT_USES)
		ERROR(k, p->pos, "add  zone: phone , to: SWITCH , or use: unused", "switch \"%.*s\": what is port %.*s for?",
		      RF_VFMT(sw->name), RF_VFMT(p->name));
	if (p->use == RF_PORT_ACCESS && !p->zone_name.n)
		ERROR(k, p->pos, "add  zone: phone", "switch \"%.*s\": access port %.*s has no zone", RF_VFMT(sw->name),
		      RF_VFMT(p->name));
	if (p->use == RF_PORT_UPLINK && !p->to.n)
		ERROR(k, p->pos, "add  to: SWITCH  or  to: ROUTER", "switch \"%.*s\": uplink %.*s leads nowhere",
		      RF_VFMT(sw->name), RF_VFMT(p->name));
	if (p->use != RF_PORT_ACCESS && p->use != RF_PORT_USES && p->zone_name.n)
		ERROR(k, p->pos, "remove the zone, or make it an access port",
		      "switch \"%.*s\": port %.*s is no access port and has a zone", RF_VFMT(sw->name), RF_VFMT(p->name));
	if (p->use != RF_PORT_UPLINK && p->use != RF_PORT_USES && p->to.n)
		ERROR(k, p->pos, "remove `to`, or make it an uplink",
		      "switch \"%.*s\": port %.*s is no uplink and leads to \"%.*s\"", RF_VFMT(sw->name), RF_VFMT(p->name),
		      RF_VFMT(p->to));
	if (p->use == RF_PORT_ACCESS && p->zone_name.n)
		p->zone = look_zone(k, p->pos, "switch", sw->name, p->zone_name);
}

/* One entry of the file into as many ports as its range has. */
static size_t look_entry(struct rf_look *k, const struct rf_site_switch *sw, const struct rf_site_port *entry,
			 struct rf_site_port *out)
{
	struct rf_site_port made = *entry;
	struct rf_view stem;
	uint32_t first, last;

	look_port(k, sw, &made);
	if (!read_range(entry->name, &stem, &first, &last))
		return 0;
	for (uint32_t n = first; k->rc == 0 && n <= last; n++) {
		out[n - first] = made;
		out[n - first].ranged = last > first;
		if (last > first)
			out[n - first].name = text_of(k, "%.*s%u", RF_VFMT(stem), n);
		if (k->rc == 0)
			add_port(k, sw, &out[n - first]);
	}
	return last - first + 1;
}

static void look_ports(struct rf_look *k, struct rf_site_switch *sw)
{
	size_t n = 0;

	for (size_t i = 0; i < sw->port_count; i++) {
		struct rf_view stem;
		uint32_t first, last;

		if (read_range(sw->ports[i].name, &stem, &first, &last))
			n += last - first + 1;
		else
			ERROR(k, sw->ports[i].pos, "write the first and the last number, like Gi1/0/1-24",
			      "switch \"%.*s\": %.*s is no range of ports", RF_VFMT(sw->name), RF_VFMT(sw->ports[i].name));
	}
	if (n > RF_SITE_SWITCH_PORTS_MAX) {
		ERROR(k, sw->pos, "at most 1024", "switch \"%.*s\" has %zu ports", RF_VFMT(sw->name), n);
		n = 0;
	}
	struct rf_site_port *v = rf_arena_array(&k->all->arena, n, sizeof *v), *at = v;
	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; n && k->rc == 0 && i < sw->port_count; i++)
		at += look_entry(k, sw, &sw->ports[i], at);
	sw->ports = v;
	sw->port_count = n;
}

/* Room for all ports, ranges counted out. */
static int init_ports(struct rf_look *k)
{
	const struct rf_site *s = &k->all->pub;
	size_t n = 0;

	for (size_t i = 0; i < s->switch_count; i++)
		for (size_t j = 0; j < s->switches[i].port_count; j++) {
			struct rf_view stem;
			uint32_t first, last;

			if (read_range(s->switches[i].ports[j].name, &stem, &first, &last))
				n += last - first + 1;
		}
	if (n > RF_SITE_PORTS_MAX) {
		ERROR(k, s->switches[0].pos, "at most 262144 in one site", "the switches have %zu ports", n);
		return k->rc = RF_E_INVALID;
	}
	return k->rc = rf_index_init(&k->all->ports, &k->all->arena, n);
}

static void look_switch(struct rf_look *k, struct rf_site_switch *sw)
{
	const struct rf_site_switch *other = rf_look_add(k, &k->all->switches, sw->name, sw);

	if (other)
		rf_look_twice(k, sw->pos, other->pos, "switch", sw->name);
	sw->zone = look_zone(k, sw->pos, "switch", sw->name, sw->zone_name);
	sw->office = rf_look_office(k, sw->pos, "switch", sw->name, sw->office_name);
	if (sw->location_name.n) {
		sw->location = find(k, &k->all->locations, sw->location_name);
		if (!sw->location)
			ERROR(k, sw->pos, "name one of `locations`", "switch \"%.*s\": there is no location \"%.*s\"",
			      RF_VFMT(sw->name), RF_VFMT(sw->location_name));
	}
	look_ports(k, sw);
}

static void look_switches(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	if (init_ports(k))
		return;
	k->switches = writable(k, s->switches, s->switch_count, sizeof *k->switches);
	for (size_t i = 0; k->rc == 0 && i < s->switch_count; i++)
		look_switch(k, &k->switches[i]);
	if (k->rc == 0)
		s->switches = k->switches;
}

static void look_uplink(struct rf_look *k, const struct rf_site_switch *sw, struct rf_site_port *p)
{
	p->to_router = find(k, &k->all->routers, p->to);
	p->to_switch = p->to_router ? NULL : find(k, &k->all->switches, p->to);
	if (!p->to_router && !p->to_switch)
		ERROR(k, p->pos, "name one of `routers` or `switches`",
		      "switch \"%.*s\": uplink %.*s leads to \"%.*s\", which is no router and no switch", RF_VFMT(sw->name),
		      RF_VFMT(p->name), RF_VFMT(p->to));
	else if (p->to_switch == sw)
		ERROR(k, p->pos, "name another switch", "switch \"%.*s\": uplink %.*s leads to the switch itself",
		      RF_VFMT(sw->name), RF_VFMT(p->name));
}

void rf_look_plug(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who, struct rf_view sw,
		  struct rf_view port, const struct rf_site_switch **ret_switch, const struct rf_site_port **ret_port)
{
	uint8_t buf[RF_PORT_KEY_MAX];

	if (!k->all->pub.switch_count || (!sw.n && !port.n))
		return; /* nothing is known of switches: the words are for people */
	if (!sw.n || !port.n) {
		ERROR(k, pos, "name the switch and the port", "%s \"%.*s\" names a %s without a %s", what, RF_VFMT(who),
		      sw.n ? "switch" : "port", sw.n ? "port" : "switch");
		return;
	}
	*ret_switch = find(k, &k->all->switches, sw);
	if (!*ret_switch) {
		ERROR(k, pos, "name one of `switches`", "%s \"%.*s\": there is no switch \"%.*s\"", what, RF_VFMT(who),
		      RF_VFMT(sw));
		return;
	}
	if (port.n <= RF_SITE_PORT_NAME_MAX)
		*ret_port = find(k, &k->all->ports, rf_port_key(sw, port, buf));
	if (!*ret_port)
		ERROR(k, pos, "write it as `ports` of the switch has it", "%s \"%.*s\": switch \"%.*s\" has no port %.*s", what,
		      RF_VFMT(who), RF_VFMT(sw), RF_VFMT(port));
}

/* --- offices, second step: who joins them to the main site */

static const struct rf_site_router *look_end(struct rf_look *k, const struct rf_site_office *o, const char *key,
					     struct rf_view name)
{
	const struct rf_site_router *r = name.n ? find(k, &k->all->routers, name) : NULL;

	if (name.n && !r)
		ERROR(k, o->pos, "name one of `routers`", "office \"%.*s\": there is no %s \"%.*s\"", RF_VFMT(o->name), key,
		      RF_VFMT(name));
	return r;
}

static void look_office_ends(struct rf_look *k, struct rf_site_office *o)
{
	o->link = rf_look_link(k, o->pos, "office", o->name, o->link_name);
	o->router = look_end(k, o, "router", o->router_name);
	o->hub = look_end(k, o, "hub", o->hub_name);
	if (o->router && o->router->office != o)
		ERROR(k, o->pos, "name a router that has  office:  likewise", "router \"%.*s\" is not in office \"%.*s\"",
		      RF_VFMT(o->router->name), RF_VFMT(o->name));
	if (o->hub && o->hub->office)
		ERROR(k, o->pos, "name a router of the main site", "the hub of office \"%.*s\" is in office \"%.*s\"",
		      RF_VFMT(o->name), RF_VFMT(o->hub->office->name));
	if (o->peer.family && o->local.family && o->peer.family != o->local.family)
		ERROR(k, o->pos, "write both as IPv4 or both as IPv6",
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

static void look_ends(struct rf_look *k, const struct rf_site_allow *a, const char *key,
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
			ERROR(k, a->pos, "name hosts of that zone", "%s: host \"%.*s\" is not in zone \"%.*s\"", key,
			      RF_VFMT(h->name), RF_VFMT(zone->name));
		} else if (!rf_site_ip_parse(ends->v[i], false, &ip) && !rf_site_ip_parse(ends->v[i], true, &ip)) {
			ERROR(k, a->pos, "name one of `hosts`, or write an address", "%s: there is no host \"%.*s\"", key,
			      RF_VFMT(ends->v[i]));
		} else {
			const struct rf_site_ip *net = ip.family == 6 ? &zone->subnet6 : &zone->subnet;

			if (net->family && !rf_site_ip_in(&ip, net))
				ERROR(k, a->pos, "correct the address or the zone", "%s: %.*s is not in zone \"%.*s\"", key,
				      RF_VFMT(ends->v[i]), RF_VFMT(zone->name));
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
		ERROR(k, a->pos, "name one of `zones`", "allow: there is no zone \"%.*s\"",
		      RF_VFMT(a->from ? a->to_name : a->from_name));
		return;
	}
	if (!a->port_count)
		ERROR(k, a->pos, "add  ports: [443]", "allow from \"%.*s\" to \"%.*s\" names no ports", RF_VFMT(a->from_name),
		      RF_VFMT(a->to_name));
	look_ends(k, a, "from_hosts", &a->from_hosts, a->from, &a->from_ips, &a->from_ip_count);
	look_ends(k, a, "to_hosts", &a->to_hosts, a->to, &a->to_ips, &a->to_ip_count);
}

static void look_allows(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_allow *v = writable(k, s->allows, s->allow_count, sizeof *v);

	for (size_t i = 0; k->rc == 0 && i < s->allow_count; i++)
		look_allow(k, &v[i]);
	if (k->rc == 0)
		s->allows = v;
}

void rf_look_devices(struct rf_look *k)
{
	look_routers(k);
	if (k->rc == 0)
		look_switches(k);
}

void rf_look_network(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_host *h = find(k, &k->all->hosts, k->routers[i].name);

		if (h && h->roles & RF_ROLE_WALL)
			k->routers[i].host = h;
		look_router_pair(k, &k->routers[i]);
	}
	for (size_t i = 0; i < s->switch_count; i++)
		for (size_t j = 0; j < s->switches[i].port_count; j++) {
			struct rf_site_port *p = (struct rf_site_port *)(uintptr_t)&s->switches[i].ports[j];

			if (p->use == RF_PORT_UPLINK && p->to.n)
				look_uplink(k, &s->switches[i], p);
		}
	for (size_t i = 0; i < s->office_count; i++)
		look_office_ends(k, &k->offices[i]);
	look_allows(k);
}

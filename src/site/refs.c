/* Names in a site that stand for other items, and what items must not say about each other. */
#include "site/chars.h"
#include "site/site_int.h"

#include <stdio.h>

#define ERROR RF_LOOK_ERROR
#define WARNING RF_LOOK_WARNING
#define add rf_look_add
#define twice rf_look_twice

int rf_index_init(struct rf_index *x, struct rf_arena *arena, size_t n)
{
	rf_table_init(&x->table, n);
	x->v = rf_arena_array(arena, n, sizeof *x->v);
	return x->v ? 0 : -ENOMEM;
}

void rf_index_fini(struct rf_index *x)
{
	rf_table_fini(&x->table);
}

const void *rf_index_find(const struct rf_index *x, const struct rf_hash_key *key, struct rf_view name)
{
	for (struct rf_node *n = rf_table_first(&x->table, rf_hash(key, name)); n; n = rf_table_next(n)) {
		const struct rf_index_entry *e = rf_container(n, struct rf_index_entry, node);

		if (rf_view_eq(e->name, name))
			return e->item;
	}
	return NULL;
}

int rf_index_add(struct rf_index *x, const struct rf_hash_key *key, struct rf_view name, const void *item,
		 const void **ret_other)
{
	struct rf_index_entry *e = &x->v[x->table.count];

	*ret_other = rf_index_find(x, key, name);
	*e = (struct rf_index_entry){ .name = name, .item = item };
	return rf_table_add(&x->table, &e->node, rf_hash(key, name));
}

struct rf_place rf_site_place(const struct rf_site_all *all, struct rf_site_pos pos)
{
	const struct rf_view *const files[] = { &all->pub.file, &all->pub.phones_file, &all->pub.attestations_file };

	return (struct rf_place){ rf_site_cstr(*files[pos.file]), pos.line, pos.column };
}

const void *rf_look_add(struct rf_look *k, struct rf_index *x, struct rf_view name, const void *item)
{
	const void *other = NULL;

	if (k->rc == 0)
		k->rc = rf_index_add(x, &k->all->hash_key, name, item, &other);
	return other;
}

void rf_look_twice(struct rf_look *k, struct rf_site_pos pos, struct rf_site_pos first, const char *what,
		   struct rf_view name)
{
	struct rf_place at = rf_site_place(k->all, first);

	ERROR(k, pos, "give each its own", "%s \"%.*s\" is there twice, first at %s:%u", what, RF_VFMT(name), at.file,
	      at.line);
}

/* Zones */

/* The kind that a zone's name begins with, alone or before a '-', '_' or digit: server, phone-2. */
static enum rf_zone_kind kind_by_name(struct rf_view name)
{
	static const char *const names[RF_ZONE_KINDS] = {
		"server", "phone", "softphone", "gateway", "border", "admin", "converged", "data", "wan", "internet",
		"pstn",
	};

	for (unsigned i = 0; i < RF_ZONE_KINDS; i++) {
		struct rf_view kind = rf_view_str(names[i]);

		if (rf_view_starts(name, kind) && (name.n == kind.n || !rf_is_letter(name.p[kind.n])))
			return (enum rf_zone_kind)i;
	}
	return RF_ZONE_KINDS;
}

static void look_zones(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_zone *zones = rf_arena_array(&k->all->arena, s->zone_count, sizeof *zones);

	if (!zones) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		zones[i] = s->zones[i];
		if (zones[i].kind == RF_ZONE_KINDS)
			zones[i].kind = kind_by_name(zones[i].name);
		if (zones[i].kind == RF_ZONE_KINDS)
			ERROR(k, zones[i].pos, "add  kind: server  (or phone, border, admin, data, ...)",
			      "the kind of zone \"%.*s\" does not follow from its name", RF_VFMT(zones[i].name));
		if (zones[i].subnet.family == 6)
			ERROR(k, zones[i].subnet_pos, "write it as subnet6", "the subnet of zone \"%.*s\" is IPv6",
			      RF_VFMT(zones[i].name));
		if (zones[i].subnet6.family == 4)
			ERROR(k, zones[i].subnet6_pos, "write it as subnet", "the subnet6 of zone \"%.*s\" is IPv4",
			      RF_VFMT(zones[i].name));
		zones[i].office = rf_look_office(k, zones[i].office_pos, "zone", zones[i].name, zones[i].office_name);
		rf_look_fill_gateways(k, &zones[i]);
		add(k, &k->all->zones, zones[i].name, &zones[i]);
	}
	s->zones = zones;
}

/* Hosts */

/* The outside sees borders and relays, by addresses of their own or by the host's. */
static void look_outside(struct rf_look *k, const struct rf_site_host *h)
{
	const struct rf_site_outside *o = &h->outside;

	if (!o->pos.line)
		return;
	if (!(h->roles & (RF_ROLE_BORDER | RF_ROLE_RELAY)))
		ERROR(k, o->pos, "give `outside` to hosts with the role border or relay",
		      "host \"%.*s\" has an outside and no role there", RF_VFMT(h->name));
	if (!o->address.family && !o->address6.family)
		ERROR(k, o->pos, "add  address: ADDRESS", "`outside` of host \"%.*s\" has no address",
		      RF_VFMT(h->name));
	if (o->address.family == 6)
		ERROR(k, o->address_pos, "write it as address6", "the outside address of host \"%.*s\" is IPv6",
		      RF_VFMT(h->name));
	if (o->address6.family == 4)
		ERROR(k, o->address6_pos, "write it as address", "the outside address6 of host \"%.*s\" is IPv4",
		      RF_VFMT(h->name));
	if (o->advertised.family == 6 || (o->advertised.family && !o->address.family))
		ERROR(k, o->advertised_pos, "give the IPv4 address by which peers reach `address`",
		      "`advertised` of host \"%.*s\" stands for no IPv4 address", RF_VFMT(h->name));
}

static void look_host(struct rf_look *k, struct rf_site_host *h)
{
	const struct rf_site_host *other = add(k, &k->all->hosts, h->name, h);

	if (other)
		twice(k, h->pos, other->pos, "host", h->name);
	h->zone = rf_index_find(&k->all->zones, &k->all->hash_key, h->zone_name);
	if (!h->zone) {
		ERROR(k, h->zone_pos, "name one of `zones`", "host \"%.*s\": there is no zone \"%.*s\"",
		      RF_VFMT(h->name), RF_VFMT(h->zone_name));
		return;
	}
	if (h->address6.family == 4)
		ERROR(k, h->address6_pos, "write it as address", "address6 of host \"%.*s\" is IPv4", RF_VFMT(h->name));
	look_outside(k, h);
	if (!h->roles && !h->services)
		ERROR(k, h->pos, "add  roles: [controller]  or  services: [dhcp, dns, ntp]",
		      "host \"%.*s\" has no role and no service", RF_VFMT(h->name));
	rf_look_plug(k, rf_site_pos_or(h->port_pos, rf_site_pos_or(h->switch_pos, h->pos)),
		     "host", h->name, h->switch_name, h->port, &h->on_switch, &h->on_port);
}

static void look_pairs(struct rf_look *k, const struct rf_site_host *hosts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rf_site_host *h = &hosts[i], *main;

		if (!h->standby_for.n)
			continue;
		main = rf_index_find(&k->all->hosts, &k->all->hash_key, h->standby_for);
		if (!main || main == h)
			ERROR(k, h->standby_pos, "name another host", "host \"%.*s\" cannot stand by for \"%.*s\"",
			      RF_VFMT(h->name), RF_VFMT(h->standby_for));
		else if (main->roles & ~h->roles)
			ERROR(k, h->standby_pos, "give it the same roles", "standby \"%.*s\" lacks a role of \"%.*s\"",
			      RF_VFMT(h->name), RF_VFMT(main->name));
		else if (main->services & ~h->services)
			ERROR(k, h->standby_pos, "give it the same services",
			      "standby \"%.*s\" lacks a service of \"%.*s\"", RF_VFMT(h->name), RF_VFMT(main->name));
		else if (main->standby_for.n)
			ERROR(k, h->standby_pos, "name the first of the chain",
			      "host \"%.*s\" stands by for \"%.*s\", which stands by itself", RF_VFMT(h->name),
			      RF_VFMT(main->name));
	}
}

static void look_hosts(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_host *hosts = rf_arena_array(&k->all->arena, s->host_count, sizeof *hosts);
	unsigned roles = 0;

	if (!hosts) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < s->host_count; i++) {
		hosts[i] = s->hosts[i];
		roles |= hosts[i].roles;
		look_host(k, &hosts[i]);
	}
	look_pairs(k, hosts, s->host_count);
	s->hosts = hosts;
	if (!(roles & RF_ROLE_CONTROLLER))
		WARNING(k, ((struct rf_site_pos){ 0 }), "give one host  roles: [controller]",
			"no host has the role controller, so nothing can register");
}

/* Locations, phones */

static void look_location(struct rf_look *k, struct rf_site_location *l)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;

	add(k, &k->all->locations, l->name, l);
	l->plan = tel->plan;
	if (l->dial_plan_name.n) {
		l->plan = rf_index_find(&k->all->plans, &k->all->hash_key, l->dial_plan_name);
		if (!l->plan)
			ERROR(k, l->pos, "name one of `dial_plans`",
			      "location \"%.*s\": there is no dial plan \"%.*s\"", RF_VFMT(l->name),
			      RF_VFMT(l->dial_plan_name));
	}
	l->cos = rf_look_class(k, l->pos, "location", l->name, l->class_name);
	l->link = rf_look_link(k, l->pos, "location", l->name, l->link_name);
}

static void look_locations(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_location *v = rf_arena_array(&k->all->arena, s->location_count, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < s->location_count; i++) {
		v[i] = s->locations[i];
		look_location(k, &v[i]);
	}
	s->locations = v;
}

/* The zone that phones are in which do not say where they are plugged in. */
static const struct rf_site_zone *only_phone_zone(const struct rf_site *s)
{
	const struct rf_site_zone *found = NULL;

	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_PHONE) {
			if (found)
				return NULL;
			found = &s->zones[i];
		}
	return found;
}

/* Places, since who has a MAC address may be a phone or a host. */
static void look_mac(struct rf_look *k, struct rf_index *macs, const uint8_t mac[static 6], struct rf_view text,
		     const struct rf_site_pos *pos)
{
	const struct rf_site_pos *first = rf_look_add(k, macs, rf_view_of(mac, 6), pos);
	struct rf_place at = first ? rf_site_place(k->all, *first) : (struct rf_place){ 0 };

	if (first)
		RF_LOOK_BREACH(k, *pos, "net-port-security", "give each its own",
			       "MAC address \"%.*s\" is there twice, first at %s:%u", RF_VFMT(text), at.file, at.line);
}

static void look_host_macs(struct rf_look *k, struct rf_index *macs)
{
	const struct rf_site *s = &k->all->pub;

	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].has_mac)
			look_mac(k, macs, s->hosts[i].mac, s->hosts[i].mac_text, &s->hosts[i].mac_pos);
}

static void look_phone(struct rf_look *k, struct rf_site_phone *p, struct rf_index *macs)
{
	const struct rf_site_phone *other = add(k, &k->all->phones, p->name, p);

	if (other)
		twice(k, p->pos, other->pos, "phone", p->name);
	other = add(k, &k->all->numbers, p->number, p);
	if (other)
		WARNING(k, p->pos, "both will ring; give it a number of its own if that is not meant",
			"phones \"%.*s\" and \"%.*s\" share number %.*s", RF_VFMT(other->name), RF_VFMT(p->name),
			RF_VFMT(p->number));
	if (p->has_mac)
		look_mac(k, macs, p->mac, p->mac_text, p->mac_pos.line ? &p->mac_pos : &p->pos);
	if (rf_site_is_emergency(&k->all->pub, p->number))
		ERROR(k, p->pos, "give the phone another number", "phone \"%.*s\" has emergency number %.*s",
		      RF_VFMT(p->name), RF_VFMT(p->number));
	p->cos = rf_look_class(k, p->pos, "phone", p->name, p->class_name);
	rf_look_plug(k, rf_site_pos_or(p->port_pos, rf_site_pos_or(p->switch_pos, p->pos)),
		     "phone", p->name, p->switch_name, p->port, &p->on_switch, &p->on_port);
	if (p->on_port)
		p->zone = p->on_port->zone;
	if (!p->location_name.n)
		return;
	p->location = rf_index_find(&k->all->locations, &k->all->hash_key, p->location_name);
	if (!p->location)
		ERROR(k, rf_site_pos_or(p->location_pos, p->pos), "name one of `locations`",
			      "phone \"%.*s\": there is no location \"%.*s\"",
		      RF_VFMT(p->name), RF_VFMT(p->location_name));
}

static void look_roaming(struct rf_look *k, struct rf_site_phone *phones)
{
	struct rf_site_roaming *r = &k->all->pub.roaming;

	for (size_t i = 0; i < r->phones.n; i++) {
		const struct rf_site_phone *p = rf_index_find(&k->all->phones, &k->all->hash_key, r->phones.v[i]);

		if (p)
			phones[p - phones].roams = true;
		else
			ERROR(k, r->pos, "name one of `phones`, or of the phones file",
			      "roaming.phones: there is no phone \"%.*s\"", RF_VFMT(r->phones.v[i]));
	}
	r->cos = rf_look_class(k, r->pos, "roaming", RF_V("class"), r->class_name);
}

static void look_phones(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_phone *phones = rf_arena_array(&k->all->arena, s->phone_count, sizeof *phones);
	const struct rf_site_zone *zone = only_phone_zone(s);
	struct rf_index macs;

	if (!phones || rf_index_init(&macs, &k->all->arena, s->phone_count + s->host_count)) {
		k->rc = -ENOMEM;
		return;
	}
	look_host_macs(k, &macs);
	for (size_t i = 0; i < s->phone_count; i++) {
		phones[i] = s->phones[i];
		phones[i].zone = zone;
		look_phone(k, &phones[i], &macs);
	}
	rf_index_fini(&macs);
	look_roaming(k, phones);
	s->phones = phones;
}

/* Emergency */

static void look_emergency(struct rf_look *k)
{
	const struct rf_site_emergency *e = &k->all->pub.emergency;

	for (size_t i = 0; i < e->via.n; i++)
		if (!rf_index_find(&k->all->trunks, &k->all->hash_key, e->via.v[i]))
			ERROR(k, e->pos, "name one of `trunks`", "emergency.via: there is no trunk \"%.*s\"",
			      RF_VFMT(e->via.v[i]));
	for (size_t i = 0; i < e->notify.n; i++)
		if (!rf_index_find(&k->all->numbers, &k->all->hash_key, e->notify.v[i]))
			WARNING(k, e->pos, "add a phone with it, or a user",
				"emergency.notify: no phone has number %.*s", RF_VFMT(e->notify.v[i]));
}

int rf_site_resolve(struct rf_site_all *all, struct rf_findings *findings)
{
	struct rf_look k = { .all = all, .f = findings };
	struct rf_site *s = &all->pub;

	const struct { struct rf_index *x; size_t n; } index[] = {
		{ &all->zones, s->zone_count }, { &all->hosts, s->host_count }, { &all->locations, s->location_count },
		{ &all->phones, s->phone_count }, { &all->numbers, s->phone_count }, { &all->trunks, s->trunk_count },
		{ &all->plans, s->tel.plan_count }, { &all->classes, s->tel.class_count },
		{ &all->links, s->tel.link_count }, { &all->groups, s->tel.group_count },
		{ &all->numberings, s->tel.number_count }, { &all->speeds, s->tel.speed_count },
		{ &all->offices, s->office_count }, { &all->routers, s->router_count },
		{ &all->switches, s->switch_count },
	};
	static void (*const step[])(struct rf_look *k) = {
		rf_look_offices, look_zones, rf_look_plans, look_locations, rf_look_devices, look_hosts,
		rf_look_network, rf_look_addresses, look_phones, rf_look_calls, look_emergency,
	};

	for (size_t i = 0; i < sizeof index / sizeof *index; i++)
		if (rf_index_init(index[i].x, &all->arena, index[i].n))
			return -ENOMEM;
	for (size_t i = 0; i < sizeof step / sizeof *step && k.rc == 0; i++)
		step[i](&k);
	return k.rc;
}

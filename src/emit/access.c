#include "emit/access.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

/* --- which VLANs a link carries */

struct reach {
	const struct rf_site *site;
	bool *seen;      /* of switches, by index */
	size_t *stack;
	bool *zones;     /* by index */
};

static size_t index_of(const struct rf_site *s, const struct rf_site_switch *sw)
{
	return (size_t)(sw - s->switches);
}

static void take_zone(struct reach *r, const struct rf_site_zone *z)
{
	if (z && z->vlan)
		r->zones[z - r->site->zones] = true;
}

static void take_router(struct reach *r, const struct rf_site_router *router)
{
	for (size_t i = 0; i < router->interface_count; i++)
		take_zone(r, router->interfaces[i].zone);
}

static void push(struct reach *r, size_t *depth, const struct rf_site_switch *sw)
{
	size_t i = index_of(r->site, sw);

	if (r->seen[i])
		return;
	r->seen[i] = true;
	r->stack[(*depth)++] = i;
}

/* The zones of sw and of every switch and router that is reached from it, not going over the link between a and b.
 * Routers are where a VLAN ends: nothing is looked for behind them. */
static void walk(struct reach *r, const struct rf_site_switch *sw, const void *a, const void *b, bool routers)
{
	size_t depth = 0;

	push(r, &depth, sw);
	while (depth) {
		const struct rf_site_switch *at = &r->site->switches[r->stack[--depth]];

		take_zone(r, at->zone);
		for (size_t i = 0; i < at->port_count; i++) {
			const struct rf_site_port *p = &at->ports[i];
			const void *other = p->to_router ? (const void *)p->to_router : p->to_switch;

			if (other && ((at == a && other == b) || (at == b && other == a)))
				continue;
			take_zone(r, p->zone);
			if (p->to_router && routers)
				take_router(r, p->to_router);
			else if (p->to_switch)
				push(r, &depth, p->to_switch);
		}
	}
}

static bool begin_reach(struct rf_emit *e, struct reach *r)
{
	const struct rf_site *s = e->site;

	*r = (struct reach){
		.site = s,
		.seen = calloc(s->switch_count + 1, sizeof *r->seen),
		.stack = calloc(s->switch_count + 1, sizeof *r->stack),
		.zones = calloc(s->zone_count + 1, sizeof *r->zones),
	};
	if (!r->seen || !r->stack || !r->zones)
		e->err = -ENOMEM;
	return r->seen && r->stack && r->zones;
}

static void end_reach(struct reach *r)
{
	free(r->seen);
	free(r->stack);
	free(r->zones);
}

static bool list_zones(struct rf_emit *e, const bool *a, const bool *b, struct rf_access_zones *ret)
{
	const struct rf_site_zone **v =
		rf_arena_array(e->arena, e->site->zone_count + 1, sizeof(struct rf_site_zone *));
	size_t n = 0;

	if (!v) {
		e->err = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < e->site->zone_count; i++)
		if (a[i] && (!b || b[i]))
			v[n++] = &e->site->zones[i];
	*ret = (struct rf_access_zones){ v, n };
	return true;
}

/* An uplink carries what both of its sides use. */
static bool carried(struct rf_emit *e, const struct rf_site_switch *sw, const struct rf_site_port *p,
		    struct rf_access_zones *ret)
{
	const void *other = p->to_router ? (const void *)p->to_router : p->to_switch;
	struct reach near, far = { 0 };
	bool ok = begin_reach(e, &near) && begin_reach(e, &far);

	if (ok) {
		walk(&near, sw, sw, other, true);
		if (p->to_router)
			take_router(&far, p->to_router);
		else
			walk(&far, p->to_switch, sw, other, true);
		ok = list_zones(e, near.zones, far.zones, ret);
	}
	end_reach(&near);
	end_reach(&far);
	return ok;
}

/* --- who stands on which port */

bool rf_access_dot1x(const struct rf_site *s)
{
	return s->network.dot1x == 1 || (s->network.dot1x == 0 && s->level == RF_LEVEL_HIGHEST);
}

/* Printers and computers of the data side are not ours to know; telephony ports know who they wait for. */
static bool takes_dot1x(const struct rf_access *a, const struct rf_site_port *p)
{
	return a->dot1x && p->use == RF_PORT_ACCESS && p->zone && p->zone->kind != RF_ZONE_DATA;
}

static void put_phones(struct rf_emit *e, const struct rf_access *a, struct rf_access_port *ports)
{
	for (size_t i = 0; i < e->site->phone_count; i++) {
		const struct rf_site_phone *phone = &e->site->phones[i];

		if (phone->on_switch != a->sw || !phone->on_port)
			continue;
		struct rf_access_port *p = &ports[phone->on_port - a->sw->ports];
		p->phone = phone;
		p->mac = phone->has_mac ? phone->mac : NULL;
		p->address = e->leases[i].address;
		p->address6 = e->leases[i].address6;
	}
}

static void put_hosts(struct rf_emit *e, const struct rf_access *a, struct rf_access_port *ports)
{
	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *h = &e->site->hosts[i];

		if (h->on_switch != a->sw || !h->on_port)
			continue;
		struct rf_access_port *p = &ports[h->on_port - a->sw->ports];
		p->host = h;
		p->mac = h->has_mac ? h->mac : NULL;
		p->address = h->address;
		p->address6 = h->address6;
	}
}

static bool make_ports(struct rf_emit *e, struct rf_access *a)
{
	const struct rf_site_switch *sw = a->sw;
	struct rf_access_port *ports = rf_arena_array(e->arena, sw->port_count + 1, sizeof *ports);

	if (!ports) {
		e->err = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < sw->port_count; i++) {
		ports[i] = (struct rf_access_port){ .port = &sw->ports[i], .dot1x = takes_dot1x(a, &sw->ports[i]) };
		if (sw->ports[i].use == RF_PORT_UPLINK && !carried(e, sw, &sw->ports[i], &ports[i].carried))
			return false;
	}
	put_phones(e, a, ports);
	put_hosts(e, a, ports);
	a->ports = ports;
	a->port_count = sw->port_count;
	return true;
}

static bool make_zones(struct rf_emit *e, struct rf_access *a)
{
	struct reach r;
	bool ok = begin_reach(e, &r);

	if (ok) {
		take_zone(&r, a->sw->zone);
		for (size_t i = 0; i < a->port_count; i++) {
			take_zone(&r, a->ports[i].port->zone);
			for (size_t j = 0; j < a->ports[i].carried.n; j++)
				take_zone(&r, a->ports[i].carried.v[j]);
		}
		ok = list_zones(e, r.zones, NULL, &a->zones);
		/* Only zones with access ports here, where an address speaks for a station; data keeps its own DHCP. */
		memset(r.zones, 0, e->site->zone_count * sizeof *r.zones);
		for (size_t i = 0; i < a->port_count; i++)
			if (a->ports[i].port->use == RF_PORT_ACCESS)
				take_zone(&r, a->ports[i].port->zone);
		ok = ok && list_zones(e, r.zones, NULL, &a->watched);
	}
	end_reach(&r);
	return ok;
}

/* Where devices are administered from: the admin zones, or the servers' where a site has none. */
static enum rf_zone_kind home_kind(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_ADMIN)
			return RF_ZONE_ADMIN;
	return RF_ZONE_SERVER;
}

static bool hosts_with(struct rf_emit *e, unsigned services, unsigned roles, struct rf_access_hosts *ret)
{
	const struct rf_site_host **v =
		rf_arena_array(e->arena, e->site->host_count + 1, sizeof(struct rf_site_host *));
	size_t n = 0;

	if (!v) {
		e->err = -ENOMEM;
		return false;
	}
	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *h = &e->site->hosts[i];

		if (h->zone && h->zone->kind == home_kind(e->site) && ((h->services & services) || (h->roles & roles)))
			v[n++] = h;
	}
	*ret = (struct rf_access_hosts){ v, n };
	return true;
}

/* Hosts that a router or switch of office (NULL: the main site) sends to or hears. */
static bool servers(struct rf_emit *e, struct rf_access *ret)
{
	return hosts_with(e, RF_SERVICE_LOG, 0, &ret->log) && hosts_with(e, RF_SERVICE_NTP, 0, &ret->ntp) &&
	       hosts_with(e, RF_SERVICE_RADIUS, 0, &ret->radius) &&
	       hosts_with(e, RF_SERVICE_WORKSTATION, RF_ROLE_CONSOLE, &ret->desks);
}

bool rf_access_make(struct rf_emit *e, const struct rf_site_switch *sw, struct rf_access *ret)
{
	*ret = (struct rf_access){
		.sw = sw,
		.bind = e->site->level >= RF_LEVEL_MEDIUM,
		.dot1x = rf_access_dot1x(e->site),
	};
	return !e->err && make_ports(e, ret) && make_zones(e, ret) && servers(e, ret);
}

/* --- devices of one language */

static unsigned mode_of(const struct rf_device *w)
{
	return w->a.ntp.n || w->e->site->network.snmp ? 0600 : 0644;
}

static void each_router(struct rf_emit *e, const struct rf_device_language *l)
{
	for (size_t i = 0; e->book && i < e->book->n; i++) {
		const struct rf_point *p = &e->book->points[i];
		struct rf_device w = { .e = e, .point = p, .name = p->name };

		if (p->kind != RF_POINT_ROUTER || p->device != l->kind || !servers(e, &w.a) ||
		    rf_emit_begin(e, &w.o, mode_of(&w), l->comment, "routers/%s/%s", w.name, l->file))
			continue;
		l->put_router(&w);
		rf_emit_end(w.o);
	}
}

void rf_device_each(struct rf_emit *e, const struct rf_device_language *l)
{
	each_router(e, l);
	for (size_t i = 0; i < e->site->switch_count; i++) {
		const struct rf_site_switch *sw = &e->site->switches[i];
		struct rf_device w = { .e = e, .name = rf_site_cstr(sw->name) };

		if (sw->kind != (int)l->kind || !rf_access_make(e, sw, &w.a) ||
		    rf_emit_begin(e, &w.o, mode_of(&w), l->comment, "switches/%s/%s", w.name, l->file))
			continue;
		l->put_switch(&w);
		rf_emit_end(w.o);
	}
}

/* --- words */

static int by_vlan(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

const char *rf_access_vlans(struct rf_emit *e, struct rf_access_zones zones)
{
	uint32_t *v = rf_arena_array(e->arena, zones.n + 1, sizeof *v);
	char *text = rf_arena_array(e->arena, zones.n * 5 + 1, 1);
	size_t n = 0;

	if (!v || !text) {
		e->err = -ENOMEM;
		return "";
	}
	for (size_t i = 0; i < zones.n; i++)
		v[i] = zones.v[i]->vlan;
	qsort(v, zones.n, sizeof *v, by_vlan);
	text[0] = 0;
	for (size_t i = 0; i < zones.n; i++)
		if (!i || v[i] != v[i - 1])
			n += (size_t)snprintf(text + n, zones.n * 5 + 1 - n, "%s%u", n ? "," : "", v[i]);
	return text;
}

const char *rf_access_label(struct rf_emit *e, const struct rf_access_port *p)
{
	const struct rf_view name = p->phone ? p->phone->name : p->host ? p->host->name : p->port->to;
	const char *what = p->phone ? "phone " : p->host ? "host " : p->port->to.n ? "to " : "";
	size_t room = strlen(what) + name.n + 48;
	char *text = rf_arena_array(e->arena, room, 1);

	if (!text) {
		e->err = -ENOMEM;
		return "";
	}
	/* Names of ours have no character that a language gives a meaning to (rf_site_name_ok()). */
	if (p->phone)
		snprintf(text, room, "%s%s %s", what, rf_site_cstr(name), rf_site_cstr(p->phone->number));
	else if (name.n)
		snprintf(text, room, "%s%s", what, rf_site_cstr(name));
	else
		snprintf(text, room, "%s", p->port->zone ? rf_site_cstr(p->port->zone->name) : "unused");
	return text;
}

const char *rf_access_mac(const uint8_t m[6], char dst[static 15])
{
	snprintf(dst, 15, "%02x%02x.%02x%02x.%02x%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return dst;
}

const char *rf_access_snmp(struct rf_emit *e, const char *what, const char *device, char dst[static RF_EMIT_SECRET])
{
	char label[RF_SITE_NAME_MAX + 24];

	snprintf(label, sizeof label, "snmp %s %s", what, device);
	return rf_emit_secret(e, label, dst);
}

const char *rf_access_mask(unsigned prefix, bool wild, char dst[static RF_ACCESS_MASK])
{
	uint32_t mask = prefix ? (uint32_t)(UINT64_C(0xffffffff) << (32 - prefix)) : 0;

	mask = wild ? ~mask : mask;
	snprintf(dst, RF_ACCESS_MASK, "%u.%u.%u.%u", mask >> 24, (mask >> 16) & 255, (mask >> 8) & 255, mask & 255);
	return dst;
}

struct long_name {
	const char *brief, *full;
};

static const struct long_name ios_names[] = {
	{ "Fa", "FastEthernet" }, { "Gi", "GigabitEthernet" }, { "Tw", "TwoGigabitEthernet" },
	{ "Fi", "FiveGigabitEthernet" }, { "Te", "TenGigabitEthernet" }, { "Twe", "TwentyFiveGigE" },
	{ "Fo", "FortyGigabitEthernet" }, { "Hu", "HundredGigE" }, { "Po", "Port-channel" }, { "Vl", "Vlan" }, { 0 },
};

static const struct long_name eos_names[] = {
	{ "Et", "Ethernet" }, { "Ma", "Management" }, { "Po", "Port-Channel" }, { "Vl", "Vlan" }, { 0 },
};

const char *rf_access_interface(enum rf_device_kind kind, struct rf_view name, char dst[static RF_ACCESS_PORT])
{
	const struct long_name *names = kind == RF_DEVICE_IOS_XE ? ios_names : kind == RF_DEVICE_EOS ? eos_names : NULL;
	size_t letters = 0;

	while (letters < name.n && (name.p[letters] < '0' || name.p[letters] > '9'))
		letters++;
	for (; names && names->brief; names++)
		if (strlen(names->brief) == letters && memcmp(names->brief, name.p, letters) == 0) {
			snprintf(dst, RF_ACCESS_PORT, "%s%.*s", names->full, (int)(name.n - letters),
				 (const char *)name.p + letters);
			return dst;
		}
	snprintf(dst, RF_ACCESS_PORT, "%.*s", RF_VFMT(name));
	return dst;
}

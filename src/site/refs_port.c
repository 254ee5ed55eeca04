/* Switches and their ports, ranges counted out; uplinks; and who is plugged in where. */
#include "site/chars.h"
#include "site/site_int.h"

#define ERROR RF_LOOK_ERROR

static const void *find(struct rf_look *k, const struct rf_index *x, struct rf_view name)
{
	return rf_index_find(x, &k->all->hash_key, name);
}

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

void rf_look_port_name(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who, int kind,
		       struct rf_view name)
{
	if (kind == RF_DEVICE_LINUX && name.n > 15)
		ERROR(k, pos, "give it a shorter name", "%s \"%.*s\": %.*s has %zu characters, and Linux takes 15",
		      what, RF_VFMT(who), RF_VFMT(name), name.n);
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
		ERROR(k, p->pos, "add  zone: phone , to: SWITCH , or use: unused",
		      "switch \"%.*s\": what is port %.*s for?", RF_VFMT(sw->name), RF_VFMT(p->name));
	if (p->use == RF_PORT_ACCESS && !p->zone_name.n)
		ERROR(k, p->pos, "add  zone: phone", "switch \"%.*s\": access port %.*s has no zone", RF_VFMT(sw->name),
		      RF_VFMT(p->name));
	if (p->use == RF_PORT_UPLINK && !p->to.n)
		ERROR(k, p->pos, "add  to: SWITCH  or  to: ROUTER", "switch \"%.*s\": uplink %.*s leads nowhere",
		      RF_VFMT(sw->name), RF_VFMT(p->name));
	if (p->use != RF_PORT_ACCESS && p->use != RF_PORT_USES && p->zone_name.n)
		ERROR(k, p->pos, "remove the zone, or make it an access port",
		      "switch \"%.*s\": port %.*s is no access port and has a zone", RF_VFMT(sw->name),
		      RF_VFMT(p->name));
	if (p->use != RF_PORT_UPLINK && p->use != RF_PORT_USES && p->to.n)
		ERROR(k, p->pos, "remove `to`, or make it an uplink",
		      "switch \"%.*s\": port %.*s is no uplink and leads to \"%.*s\"", RF_VFMT(sw->name),
		      RF_VFMT(p->name), RF_VFMT(p->to));
	if (p->use == RF_PORT_ACCESS && p->zone_name.n)
		p->zone = rf_look_zone(k, p->zone_pos, "switch", sw->name, p->zone_name);
}

/* One entry of the file into as many ports as its range has. */
static size_t look_entry(struct rf_look *k, const struct rf_site_switch *sw, const struct rf_site_port *entry,
			 struct rf_site_port *out)
{
	struct rf_site_port made = *entry;
	struct rf_view stem;
	uint32_t first, last;

	look_port(k, sw, &made);
	rf_look_port_name(k, entry->pos, "switch", sw->name, sw->kind, rf_view_sub(entry->name, 0,
		      rf_view_find(entry->name, '-')));
	if (!read_range(entry->name, &stem, &first, &last))
		return 0;
	for (uint32_t n = first; k->rc == 0 && n <= last; n++) {
		out[n - first] = made;
		out[n - first].ranged = last > first;
		if (last > first)
			out[n - first].name = rf_look_text(k, "%.*s%u", RF_VFMT(stem), n);
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
			      "switch \"%.*s\": %.*s is no range of ports", RF_VFMT(sw->name),
			      RF_VFMT(sw->ports[i].name));
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
	sw->zone = rf_look_zone(k, sw->zone_pos, "switch", sw->name, sw->zone_name);
	sw->office = rf_look_office(k, sw->office_pos, "switch", sw->name, sw->office_name);
	if (sw->location_name.n) {
		sw->location = find(k, &k->all->locations, sw->location_name);
		if (!sw->location)
			ERROR(k, sw->location_pos, "name one of `locations`",
			      "switch \"%.*s\": there is no location \"%.*s\"", RF_VFMT(sw->name),
			      RF_VFMT(sw->location_name));
	}
	look_ports(k, sw);
}

void rf_look_switches(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;

	if (init_ports(k))
		return;
	k->switches = rf_look_writable(k, s->switches, s->switch_count, sizeof *k->switches);
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
		ERROR(k, p->to_pos, "name one of `routers` or `switches`",
		      "switch \"%.*s\": uplink %.*s leads to \"%.*s\", which is no router and no switch",
		      RF_VFMT(sw->name), RF_VFMT(p->name), RF_VFMT(p->to));
	else if (p->to_switch == sw)
		ERROR(k, p->to_pos, "name another switch", "switch \"%.*s\": uplink %.*s leads to the switch itself",
		      RF_VFMT(sw->name), RF_VFMT(p->name));
}

void rf_look_uplinks(struct rf_look *k)
{
	const struct rf_site *s = &k->all->pub;

	for (size_t i = 0; i < s->switch_count; i++)
		for (size_t j = 0; j < s->switches[i].port_count; j++) {
			struct rf_site_port *p = (struct rf_site_port *)(uintptr_t)&s->switches[i].ports[j];

			if (p->use == RF_PORT_UPLINK && p->to.n)
				look_uplink(k, &s->switches[i], p);
		}
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
		ERROR(k, pos, "write it as `ports` of the switch has it",
		      "%s \"%.*s\": switch \"%.*s\" has no port %.*s", what, RF_VFMT(who), RF_VFMT(sw), RF_VFMT(port));
}

/* Phones and hosts on their ports: on an access port of their own zone, alone, and known where. */
#include "site/check_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* --- phones */

/* A fault that many phones may have: the first are named, the others counted. */
struct fault {
	const char *mitigation, *mend, *text;
	enum { BREACH, MISSING, UNWISE } how;
	size_t n;
	struct rf_site_pos pos;
};

enum { NO_LOCATION, NO_PORT, NO_MAC, GROUP_MAC, NOT_ACCESS, OTHER_ZONE, OTHER_LINK, FAULTS };

__attribute__((format(printf, 4, 5)))
static void tell(struct rf_check *c, const struct fault *f, struct rf_site_pos pos, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (f->how == MISSING)
		rf_check_missing(c, pos, f->mitigation, f->mend, "%s", text);
	else if (f->how == BREACH)
		rf_check_breach(c, pos, f->mitigation, f->mend, "%s", text);
	else
		rf_check_say(c, RF_SEV_WARNING, pos, f->mitigation, f->mend, "%s", text);
}

static void blame(struct rf_check *c, struct fault *f, const struct rf_site_phone *p, struct rf_site_pos value)
{
	struct rf_site_pos pos = rf_site_pos_or(value, p->pos);

	if (f->n++ >= RF_CHECK_NAMED_MAX) {
		f->pos = pos;
		return;
	}
	tell(c, f, pos, "phone \"%.*s\" %s", RF_VFMT(p->name), f->text);
}

static void look_phone(struct rf_check *c, struct fault *v, const struct rf_site_phone *p)
{
	/* A phone that is a computer's program has no port of its own. */
	bool soft = c->s->policy.softphones && !p->switch_name.n && !p->has_mac;
	bool binding = c->s->switch_count && !soft && rf_check_asked(c, "eav-port-binding");

	if (!p->location && rf_check_asked(c, "emerg-location-record"))
		blame(c, &v[NO_LOCATION], p, p->location_pos);
	if (binding && !p->on_port)
		blame(c, &v[NO_PORT], p, p->port_pos);
	if (binding && !p->has_mac)
		blame(c, &v[NO_MAC], p, p->mac_pos);
	if (p->has_mac && (p->mac[0] & 1 || memcmp(p->mac, "\0\0\0\0\0", 6) == 0))
		blame(c, &v[GROUP_MAC], p, p->mac_pos);
	if (p->on_port && p->on_port->use != RF_PORT_ACCESS)
		blame(c, &v[NOT_ACCESS], p, p->port_pos);
	else if (p->on_port && p->on_port->zone->kind != RF_ZONE_PHONE && p->on_port->zone->kind != RF_ZONE_SOFTPHONE)
		blame(c, &v[OTHER_ZONE], p, p->port_pos);
	/* Calls are counted on the link of the location, and cross that of the office. */
	if (p->zone && p->zone->office && p->zone->office->link && p->location &&
	    p->location->link != p->zone->office->link)
		blame(c, &v[OTHER_LINK], p, p->location_pos);
}

static void look_phones(struct rf_check *c)
{
	struct fault v[FAULTS] = {
		[NO_LOCATION] = { "emerg-location-record", "add  location: , one of `locations`", "has no location",
				  MISSING },
		[NO_PORT] = { "eav-port-binding", "add  switch:  and  port:", "is plugged in nowhere that is known",
			      MISSING },
		[NO_MAC] = { "eav-port-binding", "add  mac: , so that its port takes no other", "has no MAC address",
			     MISSING },
		[GROUP_MAC] = { "net-port-security", "write the phone's own",
				"has the MAC address of a group or of nobody" },
		[NOT_ACCESS] = { "net-port-security", "plug it into an access port of a zone of kind phone",
				 "is on a port that is no access port" },
		[OTHER_ZONE] = { "net-class-vlans", "plug it into a port of a zone of kind phone",
				 "is on a port of another class of devices" },
		[OTHER_LINK] = { "dos-external-bandwidth", "give the location the link of the office",
				 "is in an office, and its location is not behind the link of that office", UNWISE },
	};

	for (size_t i = 0; i < c->s->phone_count; i++)
		look_phone(c, v, &c->s->phones[i]);
	for (size_t i = 0; i < FAULTS; i++) {
		size_t more = v[i].n > RF_CHECK_NAMED_MAX ? v[i].n - RF_CHECK_NAMED_MAX : 0;

		if (more)
			tell(c, &v[i], v[i].pos, "%zu more phones, up to this one: %s", more, v[i].text);
	}
}

/* --- locations: where help would go */

static bool says_where(const struct rf_site_location *l)
{
	return l->building.n || l->floor.n || l->room.n || l->address.n || l->street.n || l->city.n;
}

static void look_locations(struct rf_check *c)
{
	const struct rf_site_location *v = c->s->locations;

	for (size_t i = 0; i < c->s->location_count; i++) {
		size_t j = 0;

		if (!says_where(&v[i]) && rf_check_asked(c, "emerg-location-record"))
			rf_check_say(c, RF_SEV_WARNING, v[i].pos, "emerg-location-record",
				     "add  building: , floor: , room: , address:",
				     "location \"%.*s\" does not say where it is", RF_VFMT(v[i].name));
		while (j < i &&
		       !(v[i].elin.n && rf_view_eq(v[i].elin, v[j].elin) && !rf_view_eq(v[i].address, v[j].address)))
			j++;
		if (j < i)
			rf_check_say(c, RF_SEV_WARNING, v[i].pos, "emerg-location-record",
				     "give each address a number of its own",
				     "locations \"%.*s\" and \"%.*s\" have one elin and not one address",
				     RF_VFMT(v[j].name), RF_VFMT(v[i].name));
	}
}

/* --- who shares a port */

struct plug {
	const struct rf_site_port *port;
	const struct rf_site_switch *sw;
	struct rf_view name;
	struct rf_site_pos pos;
	bool host;
	size_t order;
};

static int by_port(const void *a, const void *b)
{
	const struct plug *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* v[0..n) are on one port. */
static void look_shared(struct rf_check *c, const struct plug *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (v[i].host != v[0].host)
			rf_check_breach(c, v[i].pos, "net-class-vlans", "give each a port of its own",
					"%s \"%.*s\" and %s \"%.*s\" are on one port, %.*s of switch \"%.*s\"",
					v[0].host ? "host" : "phone", RF_VFMT(v[0].name), v[i].host ? "host" : "phone",
					RF_VFMT(v[i].name), RF_VFMT(v[0].port->name), RF_VFMT(v[0].sw->name));
		else if (i >= v[0].port->macs)
			rf_check_breach(c, v[i].pos, "net-port-security",
					"give each a port of its own, or the port  macs: 2",
					"\"%.*s\" and \"%.*s\" are on one port, %.*s of switch \"%.*s\"",
					RF_VFMT(v[0].name), RF_VFMT(v[i].name), RF_VFMT(v[0].port->name),
					RF_VFMT(v[0].sw->name));
}

static int look_plugs(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	struct plug *v = calloc(s->host_count + s->phone_count + 1, sizeof *v);
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->phone_count; i++) {
		const struct rf_site_phone *p = &s->phones[i];

		if (p->on_port) {
			v[n] = (struct plug){ p->on_port, p->on_switch, p->name, rf_site_pos_or(p->port_pos, p->pos), false, n };
			n++;
		}
	}
	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		if (h->on_port) {
			v[n] = (struct plug){ h->on_port, h->on_switch, h->name, h->port_pos, true, n };
			n++;
		}
	}
	qsort(v, n, sizeof *v, by_port);
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && v[i + run].port == v[i].port; run++)
			;
		look_shared(c, v + i, run);
	}
	free(v);
	return 0;
}

static void look_host(struct rf_check *c, const struct rf_site_host *h)
{
	const struct rf_site_port *p = h->on_port;

	if (!p)
		return;
	if (p->use != RF_PORT_ACCESS)
		rf_check_breach(c, h->port_pos, "net-port-security", "plug it into an access port of its zone",
				"host \"%.*s\" is on port %.*s, which is no access port", RF_VFMT(h->name),
				RF_VFMT(p->name));
	else if (p->zone != h->zone)
		rf_check_breach(c, h->port_pos, "net-class-vlans", "plug it into a port of its zone",
				"host \"%.*s\" is in zone \"%.*s\", and its port %.*s in zone \"%.*s\"",
				RF_VFMT(h->name), RF_VFMT(h->zone->name), RF_VFMT(p->name), RF_VFMT(p->zone->name));
}

int rf_check_phones(struct rf_check *c)
{
	look_locations(c);
	look_phones(c);
	for (size_t i = 0; i < c->s->host_count; i++)
		look_host(c, &c->s->hosts[i]);
	return look_plugs(c);
}

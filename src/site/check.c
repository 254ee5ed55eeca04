#include "site/check_int.h"

#include "site/site_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool rf_check_asked(const struct rf_check *c, const char *mitigation)
{
	unsigned levels = 0;

	return rf_mitigation_known(rf_view_str(mitigation), &levels) && levels & 1u << c->s->level;
}

bool rf_check_deviates(const struct rf_check *c, const char *mitigation)
{
	return rf_site_deviation(c->s, mitigation, c->now) != NULL;
}

__attribute__((format(printf, 6, 0)))
static void add(struct rf_check *c, enum rf_severity severity, struct rf_site_pos pos, const char *mitigation,
		const char *mend, const char *fmt, va_list ap)
{
	char text[400];

	vsnprintf(text, sizeof text, fmt, ap);
	rf_finding_add(c->f, rf_check_deviates(c, mitigation) ? RF_SEV_NOTE : severity,
		       rf_site_place(rf_site_all(c->s), pos), mitigation, mend, "%s", text);
}

void rf_check_say(struct rf_check *c, enum rf_severity severity, struct rf_site_pos pos, const char *mitigation,
		  const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, severity, pos, mitigation, mend, fmt, ap);
	va_end(ap);
}

void rf_check_breach(struct rf_check *c, struct rf_site_pos pos, const char *mitigation, const char *mend,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, c->network ? RF_SEV_ERROR : RF_SEV_WARNING, pos, mitigation, mend, fmt, ap);
	va_end(ap);
}

/* Names it once. */
static void remember(struct rf_check *c, const char *mitigation)
{
	size_t n = strlen(c->missing);

	if (!strstr(c->missing, mitigation) && !rf_check_deviates(c, mitigation))
		snprintf(c->missing + n, sizeof c->missing - n, "%s%s", n ? ", " : "", mitigation);
}

void rf_check_missing(struct rf_check *c, struct rf_site_pos pos, const char *mitigation, const char *mend,
		      const char *fmt, ...)
{
	va_list ap;

	if (c->alone) {
		remember(c, mitigation);
		return;
	}
	va_start(ap, fmt);
	add(c, c->network ? RF_SEV_ERROR : c->s->level == RF_LEVEL_MINIMUM ? RF_SEV_NOTE : RF_SEV_WARNING, pos, mitigation,
	    mend, fmt, ap);
	va_end(ap);
}

static void count_foot(struct rf_check *c, const struct rf_site_router *r, const struct rf_site_interface *f)
{
	struct rf_check_zone *z = rf_check_zone(c, f->zone);
	bool paired = r->main || r->standby;

	if (z->routers++ == 0) {
		z->router = r;
		z->foot = f;
	}
	z->held |= paired || !f->address.family || rf_site_ip_in(&f->address, &f->zone->gateway);
	z->held6 |= paired || !f->address6.family || rf_site_ip_in(&f->address6, &f->zone->gateway6);
	z->devices += r->main ? 2 : 1; /* a pair has a third address, the gateway's */
}

static void count(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->host_count; i++)
		rf_check_zone(c, s->hosts[i].zone)->hosts++;
	for (size_t i = 0; i < s->phone_count; i++)
		if (s->phones[i].zone)
			rf_check_zone(c, s->phones[i].zone)->phones++;
	for (size_t i = 0; i < s->router_count; i++)
		for (size_t j = 0; j < s->routers[i].interface_count; j++)
			count_foot(c, &s->routers[i], &s->routers[i].interfaces[j]);
	for (size_t i = 0; i < s->switch_count; i++) {
		const struct rf_site_switch *sw = &s->switches[i];

		rf_check_zone(c, sw->zone)->devices++;
		for (size_t j = 0; j < sw->port_count; j++) {
			struct rf_check_zone *z = sw->ports[j].zone ? rf_check_zone(c, sw->ports[j].zone) : NULL;

			if (z && !z->carrier) {
				z->carrier = sw;
				z->carried = sw->ports[j].pos;
			}
		}
	}
}

static void sum_up(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	if (c->network || s->level == RF_LEVEL_MINIMUM)
		return;
	if (c->missing[0])
		rf_finding_add(c->f, RF_SEV_WARNING, rf_site_place(rf_site_all(s), s->level_pos), NULL,
			       "well enough for a first site; `man ringfort-site` has what describes a whole one",
			       "one host alone does not meet level %s: %s", rf_level_name(s->level), c->missing);
	else
		rf_finding_add(c->f, RF_SEV_NOTE, rf_site_place(rf_site_all(s), s->level_pos), NULL,
			       "describe routers and switches", "the network is not described, and was not checked");
}

int rf_site_check(const struct rf_site *site, struct rf_wall now, struct rf_findings *findings)
{
	struct rf_check c = {
		.s = site, .f = findings, .now = now, .network = rf_site_has_network(site),
		.alone = !rf_site_has_network(site) && site->host_count <= 1,
		.zones = calloc(site->zone_count + 1, sizeof *c.zones),
	};

	if (!c.zones)
		return -ENOMEM;
	count(&c);
	rf_check_zones(&c);
	rf_check_hosts(&c);
	rf_check_roles(&c);
	rf_check_relays(&c);
	rf_check_routers(&c);
	rf_check_offices(&c);
	rf_check_outside(&c);
	rf_check_attestations(&c);
	int rc = rf_check_reach(&c);
	if (rc == 0)
		rc = rf_check_switches(&c);
	if (rc == 0)
		rc = rf_check_phones(&c);
	if (rc == 0)
		rc = rf_check_allows(&c);
	sum_up(&c);
	free(c.zones);
	return rc;
}

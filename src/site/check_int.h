/* What the files of the check share (private to this room). */
#ifndef RF_SITE_CHECK_INT_H
#define RF_SITE_CHECK_INT_H

#include "site/check.h"

enum { RF_CHECK_NAMED_MAX = 20 }; /* of phones with one fault; the others are counted */

/* What is known of a zone, by its index in site->zones. */
struct rf_check_zone {
	size_t hosts, phones, devices; /* addresses that it needs; devices: routers, switches, a shared gateway */
	size_t routers;                /* feet of routers in it */
	const struct rf_site_router *router; /* the first of them, and its foot */
	const struct rf_site_interface *foot;
	bool held, held6;              /* some router has the gateway's address, or a pair shares it */
	const struct rf_site_switch *carrier; /* a switch with ports in it; NULL: none */
	struct rf_site_pos carried;    /* where that says so */
};

struct rf_check {
	const struct rf_site *s;
	struct rf_findings *f;
	struct rf_wall now;
	bool network, alone;           /* describes a network; is one host without */
	struct rf_check_zone *zones;
	char missing[400];             /* mitigations that a host alone does not meet */
};

/* What the level asks for and the site has not; what the site has and the level does not. Mitigation: a literal. */
void rf_check_missing(struct rf_check *c, struct rf_site_pos pos, const char *mitigation, const char *mend,
		      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void rf_check_breach(struct rf_check *c, struct rf_site_pos pos, const char *mitigation, const char *mend,
		     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A finding as grave as it says; a deviation makes a note of it all the same. */
void rf_check_say(struct rf_check *c, enum rf_severity severity, struct rf_site_pos pos, const char *mitigation,
		  const char *mend, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Does the guidance ask for this mitigation at the site's level? */
bool rf_check_asked(const struct rf_check *c, const char *mitigation);
bool rf_check_deviates(const struct rf_check *c, const char *mitigation);

static inline struct rf_check_zone *rf_check_zone(const struct rf_check *c, const struct rf_site_zone *zone)
{
	return &c->zones[zone - c->s->zones];
}

/* Zones of ours, that routers join: not the outside. */
static inline bool rf_check_inside(const struct rf_site_zone *z)
{
	return z->kind != RF_ZONE_INTERNET && z->kind != RF_ZONE_WAN && z->kind != RF_ZONE_PSTN;
}

void rf_check_zones(struct rf_check *c);
void rf_check_hosts(struct rf_check *c);
void rf_check_roles(struct rf_check *c);
void rf_check_relays(struct rf_check *c);
void rf_check_routers(struct rf_check *c);
int rf_check_reach(struct rf_check *c);
int rf_check_switches(struct rf_check *c);
int rf_check_phones(struct rf_check *c);
void rf_check_outside(struct rf_check *c);
void rf_check_offices(struct rf_check *c);
int rf_check_allows(struct rf_check *c);
void rf_check_attestations(struct rf_check *c);

#endif

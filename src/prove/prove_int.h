/* For the files of the proof: prove.c, station.c, intent.c, pair.c, own.c, breach.c, idle.c. */
#ifndef RF_PROVE_PROVE_INT_H
#define RF_PROVE_PROVE_INT_H

#include "policy/path.h"
#include "prove/prove.h"
#include "prove/trace.h"

/* A way into a router. */
struct rf_foot {
	struct rf_hop hop;
	const char *name;
	struct rf_region back;       /* what may lie behind it */
	bool *zones;                 /* by index: this zone may */
};

/* A router or host, with rules or without. */
struct rf_station {
	const char *name;
	const struct rf_site_router *router; /* one of them */
	const struct rf_site_host *host;
	struct rf_device *device;    /* NULL: no rules were given */
	const struct rf_ruleset *rules;
	struct rf_foot *feet;
	size_t foot_count;
	struct rf_region own;        /* its addresses */
	bool doubted;                /* somebody's way leads over it, and it has no rules */
};

struct rf_prover {
	const struct rf_prove_ask *ask;
	const struct rf_site *site;
	struct rf_sets *s;
	struct rf_arena *arena;      /* the proof's */
	struct rf_paths paths;
	struct rf_station *stations; /* routers in the file's order, then hosts with rules */
	size_t station_count;
	struct rf_region *zones;     /* addresses of each zone */
	int no_source, no_target;    /* never forwarded: multicast, loopback, link-local... */
	int public_source, public_target; /* addresses that a flow of "everybody" needs */
	struct rf_proof *proof;
	size_t breach_room, assumed_room;
	int err;
};

/* What a packet of these kinds is: new ones, those that follow, all. */
int rf_states_new(struct rf_sets *s);
int rf_states_all(struct rf_sets *s);
int rf_states_of(struct rf_sets *s, enum rf_rs_state state, bool reply);

/* station.c */
int rf_stations_make(struct rf_prover *p, struct rf_diag *diag);
void rf_stations_fini(struct rf_prover *p);
bool rf_zone_outside(const struct rf_site_zone *zone);

/* intent.c: which packets a flow is about. turned: its answers. */
struct rf_flow_part {
	bool turned;
	bool needed;    /* the packets that must pass; else all that may */
};
int rf_flow_set(struct rf_prover *p, const struct rf_flow *f, struct rf_flow_part part);
/* The flow that such a packet belongs to, or an answer of it; NULL. */
const struct rf_flow *rf_flow_of(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
				 const struct rf_packet *packet, bool answer);
/* What a device may take without a flow: errors, neighbours, what joins it with its like. */
int rf_duties(struct rf_prover *p);
int rf_martians(struct rf_sets *s, enum rf_rs_field field);
int rf_everybody(struct rf_sets *s, enum rf_rs_field field);

/* pair.c, own.c, idle.c */
void rf_prove_pair(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to);
void rf_prove_own(struct rf_prover *p, struct rf_station *st);
void rf_prove_host(struct rf_prover *p, struct rf_station *st);
void rf_find_idle(struct rf_prover *p);

/* breach.c */
struct rf_breach_at {
	enum rf_breach_kind kind;
	const struct rf_site_zone *from, *to;
	const struct rf_station *station;
	const struct rf_way *way;
};
/* Report members of x, one for each rule that decides about some of them, a few at most. */
void rf_breaches(struct rf_prover *p, const struct rf_breach_at *at, int x);
/* The friendliest member of x: addresses of hosts and zones that people know, where they are in it. */
bool rf_nice_member(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to, int x,
		    struct rf_packet *ret_packet);
const char *rf_rule_place(struct rf_prover *p, const struct rf_ruleset *rs, const struct rf_rs_rule *r);
const char *rf_prover_text(struct rf_prover *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

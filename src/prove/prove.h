/* The proof: do the rules of these devices permit exactly the flows of the site?
 *
 * Between every two zones, along the way that the site's routers give it (policy/path.h), for IPv4 and IPv6:
 *	nothing but the flows   a packet that may be accepted, now or when some bound is not reached, belongs to a flow
 *	                        of these zones, or is an answer of one that is kept without state
 *	all of the flows        the first packet of each flow, those that follow, and their answers pass at rest
 * Also what a device takes for itself, and hosts whose rules are given: see docs/decisions/0045. */
#ifndef RF_PROVE_PROVE_H
#define RF_PROVE_PROVE_H

#include "policy/flow.h"
#include "prove/ruleset.h"
#include "prove/space.h"

enum { RF_BREACHES_MAX = 200, RF_BREACHES_OF_PAIR = 4 };

/* Rules of one router or host of the site. */
struct rf_prove_rules {
	const char *name;
	const struct rf_ruleset *rules;
};

struct rf_prove_ask {
	const struct rf_flows *flows;
	const struct rf_prove_rules *rules;
	size_t n;
	/* The name of the interface that a remote office's zone arrives by; NULL: offices have none. */
	void (*tunnel)(const struct rf_site_zone *zone, char *ret_name, size_t cap);
	/* Called as zone pairs are done; may be NULL. */
	void (*progress)(void *ctx, size_t done, size_t of);
	void *ctx;
	unsigned nodes_max;          /* 0: RF_SETS_NODES_MAX */
};

enum rf_breach_kind {
	RF_BREACH_LEAK,      /* passes, and no flow permits it */
	RF_BREACH_STOPPED,   /* a flow needs it, and it may be stopped */
	RF_BREACH_ANSWER,    /* an answer of a flow may be stopped */
	RF_BREACH_TAKEN,     /* a device takes it for itself, and neither flow nor duty permits it */
	RF_BREACH_KINDS,
};

struct rf_breach {
	enum rf_breach_kind kind;
	const struct rf_site_zone *from, *to; /* where the packet comes from and goes to; NULL
					       * where that is the device */
	struct rf_packet packet;
	const char *device;
	const char *in, *out;        /* interfaces there, NULL: none */
	const char *place;           /* of what decided: "rules.json: handle 12", "line 5", "" */
	const char *text;            /* the rule, "policy drop of inet t forward", "no rule is asked" */
	const char *comment;         /* the rule's, "" */
	const struct rf_flow *flow;  /* that needs it; NULL for a leak */
};

/* A rule that no packet of the site ever reaches. */
struct rf_idle {
	const char *device;
	const struct rf_rs_rule *rule;
	const struct rf_rs_rule *by; /* one before it that takes a packet of it; NULL: no packet
				      * fits it where it stands */
	const char *place, *by_place;
};

struct rf_proof {
	bool proven;
	struct rf_breach *breaches;  /* at most RF_BREACHES_MAX */
	size_t breach_count;
	struct rf_idle *idle;
	size_t idle_count;
	const char **assumed;        /* sentences */
	size_t assumed_count;
	size_t pairs, unjudged;      /* ordered pairs of zones that were looked at; and those on whose
				      * way no rules are known */
	size_t rules, flows;
	unsigned nodes;              /* of decision diagrams at the end */
	struct rf_arena arena;       /* owned */
};

/* 0: see ret_proof, to be ended with rf_proof_fini(). RF_E_NOT_FOUND: no such router or host; RF_E_LIMIT: the sets grow
 * over their bound; -ENOMEM, RF_E_BUSY. The flows and rulesets must outlive the proof. */
int rf_prove(const struct rf_prove_ask *ask, struct rf_proof *ret_proof, struct rf_diag *diag);
void rf_proof_fini(struct rf_proof *p);
const char *rf_breach_name(enum rf_breach_kind kind);

#endif

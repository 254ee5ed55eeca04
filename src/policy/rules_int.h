/* How rules are made (private to this room).
 *
 *	path.c           which routers lie between two zones
 *	rules.c          the book and its points; from a flow to rules
 *	rules_router.c   a router: what it forwards, what it takes and sends itself
 *	rules_host.c     a host
 *	rules_duty.c     what every device does for itself, whatever the site: states, spoofing, neighbour discovery */
#ifndef RF_POLICY_RULES_INT_H
#define RF_POLICY_RULES_INT_H

#include "base/arena.h"
#include "policy/path.h"
#include "policy/rules.h"

#include <netinet/in.h>

struct rf_draft {
	const struct rf_flows *flows;
	const struct rf_site *site;
	struct rf_arena *arena;
	struct rf_paths paths;
	struct rf_rule *v;             /* of the point being made */
	size_t n, room;
	int rc;
};

/* Addresses as they are collected. */
struct rf_ips {
	struct rf_site_ip *v;
	size_t n;
};

/* Append a rule; NULL without memory. */
struct rf_rule *rf_draft_add(struct rf_draft *d, const struct rf_rule *rule);
const char *rf_draft_text(struct rf_draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n addresses, none in it yet. */
struct rf_ips rf_draft_ips(struct rf_draft *d, size_t n);
/* The addresses of an end as a rule has them: its own, else its zone's subnets, else (the internet)
 * none, which is any. */
void rf_draft_end(struct rf_draft *d, const struct rf_end *end, const struct rf_site_ip **ret_v, size_t *ret_n);

/* The rules of a flow at one place. `base` has id, chain, interfaces, addresses; what the flow says is added: protocol,
 * ports, state, marks. backwards: for answers of what is not tracked. */
void rf_draft_flow(struct rf_draft *d, const struct rf_flow *f, const struct rf_rule *base, bool backwards,
		   bool router);
/* Has the flow a twin in the other direction, so that it needs no rule backwards? */
bool rf_flow_mirrored(const struct rf_flows *flows, const struct rf_flow *f);
static inline bool rf_flow_untracked(const struct rf_flow *f)
{
	return f->how == RF_FLOW_STATELESS || f->how == RF_FLOW_PINHOLE;
}
/* Where there is no pinhole to close, a connection is tracked as any other. */
static inline bool rf_flow_untracked_here(const struct rf_flow *f, bool router)
{
	return rf_flow_untracked(f) && (router || f->protocol != IPPROTO_TCP);
}

void rf_rules_router(struct rf_draft *d, const struct rf_site_router *router);
void rf_rules_host(struct rf_draft *d, const struct rf_site_host *host);

/* rules_duty.c */
void rf_duty_loopback(struct rf_draft *d, enum rf_chain chain);
void rf_duty_states(struct rf_draft *d, enum rf_chain chain);
void rf_duty_neighbours(struct rf_draft *d, enum rf_chain chain, bool router);
void rf_duty_errors_out(struct rf_draft *d);

#endif

/* One packet's way through the rules, rule by rule, without sets: names the rule that decided, and is a second opinion
 * on what the sets said. */
#ifndef RF_PROVE_TRACE_H
#define RF_PROVE_TRACE_H

#include "prove/device.h"

/* Who decided. rule NULL: the end of the hook's chain (hook->policy); both NULL: nothing stopped it, there is no hook;
 * strict: the device drops it before any rule (rf_ruleset.strict). */
struct rf_decision {
	bool possible;
	bool strict;
	const struct rf_rs_hook *hook;
	const struct rf_rs_rule *rule;
};

struct rf_trace {
	struct rf_decision accept, drop; /* where rules leave it to chance, both may be possible */
};

/* p->state is what connection tracking says of it. RF_E_LIMIT: too many ways that chance could take. */
int rf_trace(const struct rf_device *d, const struct rf_way *way, const struct rf_packet *p,
	     struct rf_trace *ret_trace);

#endif

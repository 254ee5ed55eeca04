/* For the files of the device: match.c, device.c. */
#ifndef RF_PROVE_DEVICE_INT_H
#define RF_PROVE_DEVICE_INT_H

#include "prove/device.h"

/* A set that was looked up once. */
struct rf_known {
	struct rf_known *next;
	const struct rf_rs_set *set;
	uint8_t fields[RF_RS_FIELDS_MAX];
	bool negate;
	int x;
};

struct rf_device {
	struct rf_sets *s;
	const struct rf_ruleset *rs;
	struct rf_device_rule *rules;        /* by id */
	const struct rf_rs_hook **hooks[RF_RS_HOOK_KINDS]; /* by priority, each ends with NULL */
	struct rf_known *known;
};

bool rf_hull_meet(const struct rf_hull *a, const struct rf_hull *b);
bool rf_match_names(const struct rf_rs_match *m);
bool rf_match_is_fixed(const struct rf_rs_match *m);
void rf_device_rule_look(struct rf_device_rule *r, const struct rf_rs_rule *rule);

#endif

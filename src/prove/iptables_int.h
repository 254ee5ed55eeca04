/* Inside of the reader of iptables' rules: iptables.c reads lines, iptables_rule.c the words of a rule. */
#ifndef RF_PROVE_IPTABLES_INT_H
#define RF_PROVE_IPTABLES_INT_H

#include "prove/ruleset.h"

enum { RF_IPTABLES_WORDS = 256, RF_IPTABLES_LINE = 16384 };

struct rf_iptables {
	struct rf_ruleset *rs;
	uint8_t family;
	char table[32];
	uint32_t line;
	struct rf_rs_rule *rule;
	struct rf_view words[RF_IPTABLES_WORDS];
	size_t n, at;
	bool negate;
	char text[RF_IPTABLES_LINE];      /* words without their quotes */
};

/* The chain of that name in the table that is being read; NULL: there are too many, said. */
struct rf_rs_chain *rf_iptables_chain(struct rf_iptables *r, struct rf_view name);
/* The words of a rule ("-A" first), line as it was written. What is wrong is said in r->rs. */
void rf_iptables_rule(struct rf_iptables *r, struct rf_view line);
int rf_iptables_fail(struct rf_iptables *r, const char *what, struct rf_view word);

#endif

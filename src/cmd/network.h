/* The network of the site for commands: flows, rules, and the bundle made from them. */
#ifndef RF_CMD_NETWORK_H
#define RF_CMD_NETWORK_H

#include "cmd/cmd.h"
#include "emit/emit.h"

struct rf_cmd_network {
	struct rf_site *site;
	struct rf_flows flows;
	struct rf_rulebook book;
};

/* Load the site and make its flows and rules. Errors are told to the user, each with its place; warnings on stderr.
 * 0, or the exit status. End with rf_cmd_network_end(). */
int rf_cmd_network(const struct rf_cmd_ctx *c, struct rf_cmd_network *ret_net);
void rf_cmd_network_end(struct rf_cmd_network *net);
/* Its bundle; likewise. The site's seed is used when it is there, made when make_seed and there is a pki folder. */
int rf_cmd_bundle(const struct rf_cmd_ctx *c, const struct rf_cmd_network *net, const char *only, bool make_seed,
		  struct rf_bundle *ret_bundle);

#endif

/* Where `ringfort prove` has its rules from. */
#ifndef RF_CMD_PROVE_INPUT_H
#define RF_CMD_PROVE_INPUT_H

#include "cmd/network.h"
#include "prove/prove.h"

struct rf_prove_input {
	struct rf_prove_rules *rules;
	size_t n, room;
};

/* By the command's options and arguments. RF_EXIT_YES, or the status after telling the user. End it in any case. */
int rf_prove_input(struct rf_cmd_ctx *c, const struct rf_cmd_network *net, struct rf_prove_input *ret);
void rf_prove_input_fini(struct rf_prove_input *in);

#endif

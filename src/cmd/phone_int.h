/* Between the files of `ringfort phone`. */
#ifndef RF_CMD_PHONE_INT_H
#define RF_CMD_PHONE_INT_H

#include "cmd/cmd.h"

struct rf_ca;

struct rf_phone_cmd {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_store *store;
	struct rf_ca *ca;           /* when asked for */
	struct rf_view name;
	const struct rf_site_phone *phone; /* NULL: the site has none of that name */
};

/* The site and the directory, for a command with a phone's name or without. 0 or an exit status after telling the user;
 * then there is nothing to end. */
int rf_phone_begin(const struct rf_cmd_ctx *c, bool with_ca, struct rf_phone_cmd *ret_p);
/* Answers status. */
int rf_phone_end(struct rf_phone_cmd *p, int status);
/* Tells the user that there is no such phone; an exit status. */
int rf_phone_missing(const struct rf_phone_cmd *p);

int rf_phone_list(struct rf_cmd_ctx *c);
int rf_phone_show(struct rf_cmd_ctx *c);
int rf_phone_config_run(struct rf_cmd_ctx *c);

#endif

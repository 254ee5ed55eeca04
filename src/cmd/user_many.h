/* ringfort user add --file. */
#ifndef RF_CMD_USER_MANY_H
#define RF_CMD_USER_MANY_H

#include "cmd/cmd.h"
#include "store/store.h"

/* Everybody of the file named by --file, or nobody. The exit status. */
int rf_user_add_file(struct rf_cmd_ctx *c);
/* The hashes of user->name's password into user: both SHA-2 always, so that a later choice of algorithm needs no new
 * passwords; MD5 only where the site allows it. Errors as rf_digest_ha1(). */
int rf_user_hash(struct rf_digest_ctx *digest, const struct rf_site *site, struct rf_view password,
		 struct rf_store_user *user);

#endif

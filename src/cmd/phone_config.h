/* Configuration directories for phones that people have: written whole, with copies of the phone's certificate and key
 * and of the site's CA, so that the directory can be carried to the phone. */
#ifndef RF_CMD_PHONE_CONFIG_H
#define RF_CMD_PHONE_CONFIG_H

#include "cmd/cmd.h"
#include "cmd/password.h"

struct rf_phone_config {
	const struct rf_cmd_ctx *c;
	const struct rf_site *site;
	const struct rf_site_phone *phone;
	const char *out;                 /* the directory to write */
	char *real_out;                  /* its absolute path */
	const char *address;             /* the controller's */
	unsigned port, transport;
	const char *user;                /* NULL: no digest */
	struct rf_password password;
};

/* "baresip", "linphone"; false: unknown. */
bool rf_phone_config_kind(const char *kind);
/* 0 or an exit status after telling the user. */
int rf_phone_config_write(struct rf_phone_config *p, const char *kind);

#endif

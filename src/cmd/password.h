/* A password from a person: from the terminal without echo, twice, or from standard input. Never from argv, where any
 * process on the host could read it. */
#ifndef RF_CMD_PASSWORD_H
#define RF_CMD_PASSWORD_H

#include "cmd/cmd.h"

enum { RF_PASSWORD_MAX = 256 };

/* Wipe it with rf_secret_wipe() when done. */
struct rf_password {
	char text[RF_PASSWORD_MAX + 2];
	size_t n;
};

/* from_stdin: one line of standard input; else the terminal, asked twice when confirm. At least min characters (bytes
 * of UTF-8 that begin one). Returns 0 or an exit status after telling the user. */
int rf_cmd_password(const struct rf_cmd_ctx *c, bool from_stdin, bool confirm, unsigned min,
		    struct rf_password *ret_password);

#endif

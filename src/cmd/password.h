/* A password from a person: from the terminal without echo, twice, or from standard input. Never from argv, where any
 * process on the host could read it. */
#ifndef RF_CMD_PASSWORD_H
#define RF_CMD_PASSWORD_H

#include "base/random.h"
#include "cmd/cmd.h"

enum { RF_PASSWORD_MAX = 256 };

/* Wipe it with rf_secret_wipe() when done. */
struct rf_password {
	char text[RF_PASSWORD_MAX + 2];
	size_t n;
};

/* What is wrong with a password of at least min characters (bytes of UTF-8 that begin one): NULL, or the rest of a
 * sentence that begins "the password". */
const char *rf_password_fault(struct rf_view password, unsigned min);
/* One that nobody needs to think of: 100 bits of chance or more, of characters that are not mistaken for others. */
void rf_password_make(struct rf_random *random, unsigned min, struct rf_password *ret_password);

/* from_stdin: one line of standard input; else the terminal, asked twice when confirm. At least min characters.
 * Returns 0 or an exit status after telling the user. */
int rf_cmd_password(const struct rf_cmd_ctx *c, bool from_stdin, bool confirm, unsigned min,
		    struct rf_password *ret_password);

#endif

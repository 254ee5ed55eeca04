/* The keeper's passwords: read once, used to answer challenges. In the keeper's process only. */
#ifndef RF_ROLE_KEEPER_LOGIN_H
#define RF_ROLE_KEEPER_LOGIN_H

#include "role/keeper.h"

struct rf_keeper_passwords {
	unsigned n;
	const char *user[RF_KEEPER_LOGINS_MAX];
	struct rf_view password[RF_KEEPER_LOGINS_MAX]; /* in OpenSSL's locked memory, as long as the process */
};

/* Take up one more. -errno, RF_E_DENIED (others can read the file), RF_E_INVALID, RF_E_LIMIT. */
int rf_keeper_login_read(struct rf_keeper_passwords *p, const char *user, const char *file, struct rf_diag *diag);
/* Once on each thread, before its system calls are filtered. */
int rf_keeper_login_prepare(struct rf_digest_ctx **ret_digest);
/* question: RF_KEEPER_LOGIN_SIZE bytes. enum rf_keeper_status; the response in hex goes to out, 64 bytes at most. */
int rf_keeper_login_answer(const struct rf_keeper_passwords *p, struct rf_digest_ctx *digest, const uint8_t *question,
			   uint8_t *out, size_t *ret_n);

#endif

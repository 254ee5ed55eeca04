/* The keeper's passwords: used to answer challenges, read again when it is told to. In the keeper's process only. */
#ifndef RF_ROLE_KEEPER_LOGIN_H
#define RF_ROLE_KEEPER_LOGIN_H

#include "role/keeper.h"

#include <pthread.h>

struct rf_keeper_passwords {
	pthread_mutex_t lock;        /* over password, while one is used or replaced */
	unsigned n;
	const char *user[RF_KEEPER_LOGINS_MAX];
	char *text[RF_KEEPER_LOGINS_MAX]; /* RF_KEEPER_PASSWORD_MAX bytes in OpenSSL's locked memory, as
					   * long as the process */
	size_t text_n[RF_KEEPER_LOGINS_MAX]; /* 0: there is none */
};

/* A file's password, in locked memory: give it back with rf_keeper_login_free(), which wipes it. -errno, RF_E_DENIED
 * (others can read the file), RF_E_INVALID. */
int rf_keeper_login_read(const char *file, char **ret_text, size_t *ret_n, struct rf_diag *diag);
void rf_keeper_login_free(char *text); /* NULL is fine */
/* Take up one more. As above, RF_E_LIMIT, -ENOMEM. */
int rf_keeper_login_add(struct rf_keeper_passwords *p, const char *user, const char *file, struct rf_diag *diag);
/* This one in the place of the one before, which is wiped; text NULL: none. */
void rf_keeper_login_set(struct rf_keeper_passwords *p, unsigned login, const char *text, size_t n);
uint32_t rf_keeper_login_there(struct rf_keeper_passwords *p); /* a bit for each that has one */
void rf_keeper_login_wipe(struct rf_keeper_passwords *p);
/* Once on each thread, before its system calls are filtered. */
int rf_keeper_login_prepare(struct rf_digest_ctx **ret_digest);
/* question: RF_KEEPER_LOGIN_SIZE bytes. enum rf_keeper_status (RF_KEEPER_NO_KEY: there is no password); the response in
 * hex goes to out, 64 bytes at most. */
int rf_keeper_login_answer(struct rf_keeper_passwords *p, struct rf_digest_ctx *digest, const uint8_t *question,
			   uint8_t *out, size_t *ret_n);

#endif

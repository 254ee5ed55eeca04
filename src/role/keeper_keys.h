/* The keeper's private keys by their numbers, and its files, which it reads again when it is told to. In the
 * keeper's process only. */
#ifndef RF_ROLE_KEEPER_KEYS_H
#define RF_ROLE_KEEPER_KEYS_H

#include "role/keeper_login.h"
#include "role/keeper_wire.h"
#include "role/sandbox.h"

#include <pthread.h>

struct evp_pkey_st;

enum { RF_KEEPER_FILES_MAX = RF_KEEPER_ONE_KEY + RF_KEEPER_LOGINS_MAX };

/* How far a file can be reached once the keeper is confined. */
enum rf_keeper_reach {
	RF_KEEPER_REACH_ALL,  /* whatever is put into its place */
	RF_KEEPER_REACH_FILE, /* as long as it is written in place: its folder has more in it than is the keeper's */
	RF_KEEPER_REACH_NONE, /* not again */
};

struct rf_keeper_file {
	const char *path; /* NULL: not given */
	enum rf_keeper_reach reach;
	ino_t ino;        /* at the start */
};

struct rf_keeper_keys {
	pthread_mutex_t lock;          /* over what follows but file, which is as it was at the start */
	uint32_t order;                /* the last one that was begun */
	struct evp_pkey_st *key[RF_KEEPER_KEYS]; /* NULL: free */
	struct rf_keeper_passwords passwords;
	struct rf_keeper_file file[RF_KEEPER_FILES_MAX]; /* of TLS, of caller identity, then of the passwords */
};

void rf_keeper_keys_init(struct rf_keeper_keys *k);
/* Everything for the first time, at the places that the keeper is told of. Errors say what is wrong with which file. */
int rf_keeper_keys_start(struct rf_keeper_keys *k, const char *tls, const char *stir, char **logins,
			 struct rf_diag *diag);
/* What of the files may be opened from now on goes to ll; rf_keeper_keys_reads() then tells whether root's right to
 * read came along. Errors as rf_sandbox_landlock_open(). */
int rf_keeper_keys_landlock(struct rf_keeper_keys *k, struct rf_sandbox_landlock *ret_ll, struct rf_diag *diag);
/* reads: whatever the modes of a file say, or as their owner; else nothing can be counted on. */
void rf_keeper_keys_reads(struct rf_keeper_keys *k, bool landlock, bool reads);
/* A reference, so that another thread may forget it meanwhile: the last one wipes it. NULL: no such key. */
struct evp_pkey_st *rf_keeper_keys_take(struct rf_keeper_keys *k, unsigned key);
/* The orders of keeper_wire.h. enum rf_keeper_status, with what is to be said. */
int rf_keeper_keys_again(struct rf_keeper_keys *k, const uint8_t *question, uint8_t *said, size_t *ret_n);
int rf_keeper_keys_keep(struct rf_keeper_keys *k, const uint8_t *question, uint8_t *said, size_t *ret_n);
/* At the end of a start that failed. */
void rf_keeper_keys_fini(struct rf_keeper_keys *k);

#endif

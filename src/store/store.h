/* The directory on disk: state/directory.db, an SQLite database with what an administrator's commands change: users and
 * the hashes of their passwords, certificates issued and revoked, locks. Intent (which phones exist) is in the site
 * file, not here. The schema has a version and is brought forward by steps at open.
 *
 * Processes: the commands write, the controller reads; both at once is fine (WAL, busy timeout 5 s). Threads: one
 * struct rf_store is for one thread at a time. */
#ifndef RF_STORE_STORE_H
#define RF_STORE_STORE_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"
#include "sip/digest.h"

struct rf_store;

enum { RF_STORE_NAME_MAX = 63, RF_STORE_USERS_MAX = 200000, RF_STORE_CERTS_MAX = 1000000 };

struct rf_store_user {
	struct rf_view name, number;
	bool locked;
	unsigned algs;                           /* RF_DIGEST_BIT()s that have an HA1 */
	struct rf_digest_ha1 ha1[RF_DIGEST_ALGS];
	struct rf_wall created, changed;         /* changed: the password */
	struct rf_view class_name;               /* class of service, "": none of their own */
	int64_t class_until_s;                   /* seconds since 1970; 0: no end */
	struct rf_view precedence;               /* a grant of site/precedence.h, "": none */
};

struct rf_store_cert {
	struct rf_view serial;                   /* octets */
	struct rf_view phone;                    /* the phone's or host's name */
	struct rf_view subject;                  /* what was certified: the sip URI, or the DNS name */
	uint8_t sha256[32];
	bool host;                               /* a server's, not a phone's */
	bool revoked;
	struct rf_wall not_before, not_after, revoked_at;
};

/* Open, creating it (mode 0600) when create. Runs an integrity check and the migrations.
 * -ENOENT and other -errno; RF_E_CORRUPT: damaged; RF_E_UNSUPPORTED: written by a newer ringfort; RF_E_BUSY: locked for
 * longer than the timeout; -ENOSPC, -EIO. diag says which file and what to do. */
int rf_store_open(const char *path, bool create, struct rf_store **ret_store, struct rf_diag *diag);
void rf_store_close(struct rf_store *s);

/* Users. Errors: RF_E_EXISTS, RF_E_NOT_FOUND, and those of the database as for open. */
int rf_store_user_add(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag);
int rf_store_user_passwd(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag);
int rf_store_user_lock(struct rf_store *s, struct rf_view name, bool locked, struct rf_diag *diag);
/* What a user may: name, class_name and class_until_s of u, or name and precedence. */
int rf_store_user_class(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag);
int rf_store_user_precedence(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag);
int rf_store_user_remove(struct rf_store *s, struct rf_view name, struct rf_diag *diag);
/* Views are borrowed for the visit; a non-zero return ends the walk and is returned. Ordered by name. */
int rf_store_users(struct rf_store *s, int (*visit)(void *ctx, const struct rf_store_user *u), void *ctx,
		   struct rf_diag *diag);

/* Certificates. */
int rf_store_cert_add(struct rf_store *s, const struct rf_store_cert *c, struct rf_diag *diag);
/* Every certificate of that phone, or host, that is not revoked yet; *ret_n how many. RF_OK with 0
 * when there are none. */
int rf_store_cert_revoke(struct rf_store *s, bool host, struct rf_view name, struct rf_wall when, size_t *ret_n,
			 struct rf_diag *diag);
int rf_store_certs(struct rf_store *s, int (*visit)(void *ctx, const struct rf_store_cert *c), void *ctx,
		   struct rf_diag *diag);

/* Phones can be locked without being removed. */
int rf_store_phone_lock(struct rf_store *s, struct rf_view phone, bool locked, struct rf_diag *diag);
int rf_store_phone_locks(struct rf_store *s, int (*visit)(void *ctx, struct rf_view phone), void *ctx,
			 struct rf_diag *diag);

/* Several changes as one: all are on disk after the commit; none after a rollback, or when the process dies before.
 * While it is open others who write wait for up to 5 seconds. */
int rf_store_begin(struct rf_store *s, struct rf_diag *diag);
int rf_store_commit(struct rf_store *s, struct rf_diag *diag);
void rf_store_rollback(struct rf_store *s);

/* Did another process change the database since the last call (or since open)? *ret_changed; cheap, for polling. */
int rf_store_changed(struct rf_store *s, bool *ret_changed);

#endif

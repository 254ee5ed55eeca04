/* Inside of caller identity, for call/stir*.c and their tests. */
#ifndef RF_CALL_STIR_INT_H
#define RF_CALL_STIR_INT_H

#include "call/core_int.h"
#include "call/stir.h"
#include "call/stir_setup.h"
#include "call/stir_wire.h"
#include "sip/passport.h"

#include <stdatomic.h>

enum {
	RF_STIR_CACHE_MAX = 256,     /* fetched certificates, per core */
	RF_STIR_WANTS_MAX = 64,      /* certificates that are on their way, per core */
	RF_STIR_KEEP_S = 86400,      /* a fetched certificate is fetched again after this */
	RF_STIR_RETRY_S = 30,        /* and one that could not be had after this */
	RF_STIR_REPLAY_MAX = 65536,  /* tokens remembered, of all cores */
};

/* A certificate of the store. */
struct rf_stir_known {
	struct rf_view url;
	struct rf_stir_cert *cert;
};

struct rf_stir_setup {
	atomic_uint references;
	struct rf_stir_trust *trust;     /* NULL: verifies nothing */
	struct rf_stir_known *known;
	size_t known_count;
	struct rf_view *hosts, *providers;
	size_t host_count, provider_count;
	struct rf_view x5u;
	rf_stir_sign_fn *sign;
	void *sign_arg;
	void (*sign_gone)(void *arg);
	struct rf_arena texts;
};

/* What is left to be judged when the certificate is there. */
struct rf_stir_evidence {
	struct rf_stir_verdict verdict;
	uint8_t signature[RF_PASSPORT_SIG];
	struct rf_view input;
	struct rf_view x5u;
	int64_t iat_s;
	uint64_t call;           /* a hash of the dialog that it came in */
	char dest[RF_STIR_NUMBER_MAX + 1], claimed[RF_STIR_NUMBER_MAX + 1];
	char call_id[128];       /* for the record, maybe cut */
};

struct rf_stir_want;

/* A verification that waits for a certificate. */
struct rf_stir_check {
	TAILQ_ENTRY(rf_stir_check) list;
	struct rf_stir *stir;
	struct rf_stir_want *want;
	struct rf_timer timer;
	void (*done)(void *arg, const struct rf_stir_verdict *v);
	void *arg;
	struct rf_stir_evidence e;
	uint8_t bytes[];         /* e.input, e.x5u */
};
TAILQ_HEAD(rf_stir_check_list, rf_stir_check);

/* A certificate on its way. */
struct rf_stir_want {
	TAILQ_ENTRY(rf_stir_want) list;
	struct rf_stir_check_list checks; /* may become empty: the answer is then only kept */
	uint32_t id;
	struct rf_mono until;
	size_t url_n;
	uint8_t url[RF_PASSPORT_X5U_MAX];
};
TAILQ_HEAD(rf_stir_want_list, rf_stir_want);

struct rf_stir_cached {
	uint64_t hash;
	uint8_t *url;
	size_t url_n;
	struct rf_stir_cert *cert;   /* NULL: could not be had, or is not believed */
	enum rf_stir_why why;        /* then */
	struct rf_mono until, used;
};

/* One per core. */
struct rf_stir {
	struct rf_call_core *core;
	struct rf_stir_setup *setup;     /* NULL: nothing is signed or verified */
	struct rf_stir_cached *cache;    /* RF_STIR_CACHE_MAX, at the first fetch */
	size_t cache_n;
	struct rf_stir_want_list wants;
	size_t wants_n, checks_n;
	TAILQ_HEAD(, rf_trunk_wait) invites; /* of trunks, that wait (trunk_stir.c) */
	int fd;                          /* the fetcher, -1 */
	struct rf_watch *watch;
	uint32_t next_id;
	struct rf_passport passport;     /* the token being read */
	uint8_t built[RF_PASSPORT_MAX];  /* one that was sent in compact form */
	uint8_t in[RF_FETCH_HEAD + RF_FETCH_BODY_MAX]; /* an answer of the fetcher */
};

/* --- stir.c */

/* Judge with the certificate. */
enum rf_stir_why rf_stir_judge(struct rf_stir *s, const struct rf_stir_cert *cert, const struct rf_stir_evidence *e);
/* A check ends: recorded, told, freed. */
void rf_stir_finish(struct rf_stir_check *check, enum rf_stir_why why);

/* --- stir_certs.c */

/* The certificate at a URL. RF_STIR_OK with *ret_cert NULL: it is on its way. Else why not. */
enum rf_stir_why rf_stir_cert_at(struct rf_stir *s, struct rf_view url, const struct rf_stir_cert **ret_cert);
/* Wait for the want that rf_stir_cert_at() just made or found. */
void rf_stir_wait(struct rf_stir *s, struct rf_view url, struct rf_stir_check *check);
int rf_stir_certs_open(struct rf_stir *s, int fd);
void rf_stir_certs_close(struct rf_stir *s);
void rf_stir_certs_forget(struct rf_stir *s); /* another trust: what was believed may not be any more */

/* --- stir_replay.c: any thread */

struct rf_stir_replay;
struct rf_stir_replay *rf_stir_replay_new(struct rf_random *random); /* NULL: no memory */
void rf_stir_replay_free(struct rf_stir_replay *r);
/* A name for the dialog of a request, that nobody outside can aim at. */
uint64_t rf_stir_replay_call(const struct rf_stir_replay *r, const struct rf_sip_msg *msg);
/* Remember this token, which is good until until_s, in this call. RF_E_EXISTS: it was in another; RF_E_LIMIT. */
int rf_stir_replay_take(struct rf_stir_replay *r, const uint8_t digest[static RF_STIR_DIGEST], uint64_t call,
			int64_t now_s, int64_t until_s);

/* --- life, for core.c */

int rf_stir_open(struct rf_call_core *core);
void rf_stir_close(struct rf_call_core *core);
/* Verifications that wait, for the census. */
size_t rf_stir_waiting(const struct rf_call_core *core);

#endif

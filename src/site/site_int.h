/* The snapshot with what only this room needs (private). */
#ifndef RF_SITE_SITE_INT_H
#define RF_SITE_SITE_INT_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/table.h"
#include "site/site.h"

#include <assert.h>
#include <stdatomic.h>

enum rf_asked { RF_ASKED_NOT, RF_ASKED_YES, RF_ASKED_NO };

/* What the file asks for where the level has the last word; rules.c makes struct rf_policy of both. */
struct rf_site_asked {
	int client_certificate;  /* enum rf_asked: required, optional */
	bool require_user;
	unsigned digests, suites; /* 0: not said */
	int media_encryption;    /* enum rf_asked: required, optional */
	int dtls_srtp;           /* enum rf_asked */
	int profile;             /* 1 + enum rf_crypto_profile, 0: not said */
	struct rf_site_pos client_certificate_pos, require_user_pos, digests_pos, suites_pos, media_pos, dtls_pos,
		profile_pos, sip_pos, register_pos, session_pos, name_pos, domain_pos, phones_file_pos;
};

/* Items by name. */
struct rf_index {
	struct rf_table table;
	struct rf_index_entry *v;
};

struct rf_index_entry {
	struct rf_node node;
	struct rf_view name;
	const void *item;
};

struct rf_site_all {
	struct rf_site pub;
	struct rf_site_asked asked;
	struct rf_arena arena;
	atomic_uint refs;
	struct rf_hash_key hash_key;
	struct rf_index phones, numbers, locations, zones, hosts, trunks;
};

static inline const struct rf_site_all *rf_site_all(const struct rf_site *site)
{
	static_assert(offsetof(struct rf_site_all, pub) == 0, "a pointer to one is a pointer to the other");
	return (const struct rf_site_all *)(const void *)site;
}

/* Room for n entries. -ENOMEM. */
int rf_index_init(struct rf_index *x, struct rf_arena *arena, size_t n);
void rf_index_fini(struct rf_index *x);
/* Add; an entry of that name that is there already is returned in *ret_other (the new one is added all the same). */
int rf_index_add(struct rf_index *x, const struct rf_hash_key *key, struct rf_view name, const void *item,
		 const void **ret_other);
const void *rf_index_find(const struct rf_index *x, const struct rf_hash_key *key, struct rf_view name);

struct rf_load;

/* csv.c: the phones file; appends to *ret_v. The first row names the columns. */
void rf_phones_csv(struct rf_load *l, struct rf_view bytes, struct rf_site_phone **ret_v, size_t *ret_n);
/* refs.c: build the indexes, resolve names, check what items say about each other. */
int rf_site_resolve(struct rf_site_all *all, struct rf_findings *findings);
/* rules.c: level, asked, deviations -> policy. */
void rf_site_rules(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings);

/* A place for findings. */
struct rf_place rf_site_place(const struct rf_site_all *all, struct rf_site_pos pos);

#endif

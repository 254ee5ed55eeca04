/* The directory in memory: an immutable snapshot that merges the site's phones with the database's users and
 * certificates, for look-ups by workers. Built by one thread, read by any, counted references; after a change of the
 * site or of the database the next one is built and swapped in.
 *
 * Password hashes lie in locked memory that is left out of core dumps and wiped at the end. */
#ifndef RF_STORE_DIRECTORY_H
#define RF_STORE_DIRECTORY_H

#include "pki/id.h"
#include "sip/digest.h"
#include "site/site.h"
#include "store/store.h"

struct rf_directory;

struct rf_dir_phone {
	struct rf_view name, number;
	char urn[RF_SITE_URN];
	bool locked;
	const struct rf_site_phone *site; /* its entry in the site: location, mac, ... */
};

struct rf_dir_user {
	struct rf_view name, number;
	bool locked;
	unsigned algs;                    /* RF_DIGEST_BIT()s that have an HA1 */
	const struct rf_digest_ha1 *ha1;  /* [RF_DIGEST_ALGS] */
	struct rf_view class_name;        /* class of service, "": none of their own */
	const struct rf_site_cos *cos;    /* of that name in the site; NULL: none */
	int64_t class_until_s;            /* 0: no end */
	struct rf_view precedence;        /* granted, site/precedence.h; "": none */
};

/* Keeps a reference on site; store is read and not kept. -ENOMEM, errors of the database. */
int rf_directory_new(struct rf_site *site, struct rf_store *store, struct rf_directory **ret_dir, struct rf_diag *diag);
/* One that knows the site's phones, no users, and of certificates only which are revoked: for who has no database. To
 * it a certificate of the site's authority with a phone's names is that phone's, and no phone is locked. */
int rf_directory_new_bare(struct rf_site *site, const struct rf_view *revoked, size_t n, struct rf_directory **ret_dir,
			  struct rf_diag *diag);
struct rf_directory *rf_directory_get(struct rf_directory *d);
void rf_directory_put(struct rf_directory *d); /* the last frees; NULL is fine */

/* The site it was built from: borrowed, lives as long as the directory. */
const struct rf_site *rf_directory_site(const struct rf_directory *d);

/* All results are borrowed from the snapshot. NULL: none. */
const struct rf_dir_phone *rf_directory_phone(const struct rf_directory *d, struct rf_view name);
const struct rf_dir_phone *rf_directory_phone_by_urn(const struct rf_directory *d, struct rf_view urn);
const struct rf_dir_user *rf_directory_user(const struct rf_directory *d, struct rf_view name);
/* By H(username:realm) in lower case hex of the given algorithm (RFC 7616 3.4.4 userhash). */
const struct rf_dir_user *rf_directory_user_by_hash(const struct rf_directory *d, enum rf_digest_alg alg,
						    struct rf_view hex);

/* Phones and users of a number: *ret_list has n pointers; 0 when the number is nobody's. */
size_t rf_directory_phones_of(const struct rf_directory *d, struct rf_view number,
			      const struct rf_dir_phone *const **ret_list);
size_t rf_directory_users_of(const struct rf_directory *d, struct rf_view number,
			     const struct rf_dir_user *const **ret_list);
/* The number has a phone or a user. */
bool rf_directory_number(const struct rf_directory *d, struct rf_view number);
/* Could a reader take text for the name of somebody here: a phone's label or name, a user's name, by rf_clean_key()? */
bool rf_directory_is_name(const struct rf_directory *d, struct rf_view text);
bool rf_directory_revoked(const struct rf_directory *d, struct rf_view serial);

/* Which phone does this certificate prove? 0 and the phone; else why not, with *ret_why (static text; may be NULL):
 * RF_E_AUTH: no certificate; RF_E_NOT_FOUND: no phone of this site (unknown URN, or a serial that was not issued here);
 * RF_E_STALE: revoked or out of its dates at now; RF_E_DENIED: the phone is locked, or the URI in the certificate is
 * no longer the phone's number. */
int rf_directory_prove(const struct rf_directory *d, const struct rf_pki_id *id, struct rf_wall now,
		       const struct rf_dir_phone **ret_phone, const char **ret_why);

struct rf_directory_counts { size_t phones, users, certificates, revoked; };
void rf_directory_counts(const struct rf_directory *d, struct rf_directory_counts *ret_counts);

#endif

/* What a wall has loaded, on disk: DIR/wall, a folder of the hand's own (mode 0700).
 *
 *	state                           text, replaced whole: every change of what is true is one rename
 *	N.manifest N.sig N.nft          the bundle with that number, as far as this router needs it
 *	incoming.manifest .sig .nft     what `ringfort apply` put there for the hand to look at
 *
 * state:
 *
 *	ringfort-wall 1
 *	confirmed N                     0: none
 *	candidate N MICROSECONDS        when it would be taken back; 0 0: none
 *	reverted N MICROSECONDS WHY     the last one taken back that the front has not been told of; 0 0: none
 *
 * The candidate is written before it is loaded and confirmed after: whoever finds a candidate loads the confirmed one
 * again and has lost nothing. */
#ifndef RF_ROLE_HAND_STORE_H
#define RF_ROLE_HAND_STORE_H

#include "base/arena.h"
#include "role/hand.h"

struct rf_hand_store {
	int dir;                     /* of DIR/wall */
	uint64_t confirmed, candidate, reverted;
	int64_t deadline_us, reverted_us;
	char reverted_why[96];
};

/* Read state; none is an empty store. RF_E_CORRUPT: it is not as we write it. -errno. */
int rf_hand_store_open(int dir, struct rf_hand_store *ret_store, struct rf_diag *diag);
/* Write state, and remove bundles that it does not name. */
int rf_hand_store_write(const struct rf_hand_store *s, struct rf_diag *diag);

/* A bundle as far as one router needs it. */
struct rf_hand_bundle {
	struct rf_view manifest, sig, rules;
	struct rf_wall signed_at;
	char bundle[65], site[65];   /* hexadecimal: SHA-256 of manifest; the site's digest */
};

/* What a bundle must be to be loaded here. */
struct rf_hand_want {
	const char *ca_file;
	const char *site, *router;
};

enum { RF_HAND_BUNDLE_MAX = 128 * 1024 * 1024 }; /* for the arena that one is read into */

/* name: "incoming", or a number. Views in the arena, verified: signed by the CA for a bundle, of this site, the rules
 * with the hash that MANIFEST has for this router. RF_E_NOT_FOUND, RF_E_AUTH, RF_E_CORRUPT, RF_E_INVALID (another
 * site's or router's), with diag. */
int rf_hand_bundle_read(int dir, const char *name, const struct rf_hand_want *want, struct rf_arena *arena,
			struct rf_hand_bundle *ret_bundle, struct rf_diag *diag);
/* Write it under a number, to the disk. */
int rf_hand_bundle_write(int dir, uint64_t number, const struct rf_hand_bundle *b, struct rf_diag *diag);

#endif

/* SDES (RFC 4568) between two parties through the relay: which a=crypto lines are said to a party,
 * and which keys follow.
 *
 * A line that came from the other party is said on with its key, so that both sides may come to share their keys and
 * packets pass unopened (PASSED); behind those stand lines with keys of ours. If one of ours is taken, or the other
 * side is no SDES, each leg has keys of its own and packets are opened and sealed again. */
#ifndef RF_MEDIA_SDES_H
#define RF_MEDIA_SDES_H

#include "base/random.h"
#include "media/said.h"

struct rf_sdes_line {
	struct rf_said_key key;   /* its tag is the line's */
	bool theirs;              /* the other party's key */
	uint32_t their_tag;       /* theirs: the tag it had there */
};

/* What is said to one party in one m-line; secret. Keys of ours stay the same as long as it lives. */
struct rf_sdes {
	bool lifetime;            /* `SDES=lifetime` */
	uint8_t n, room;          /* lines; what there is room for */
	struct rf_sdes_line lines[];
};

/* What a request and the site's policy allow. */
struct rf_sdes_rules {
	unsigned suites;          /* 1u << enum rf_srtp_suite */
	bool pass;                /* the other party's keys may be said on */
	bool lifetime;
};
/* The rules for this request: policy less what SDES-no-x and SDES-only-x take away. */
struct rf_sdes_rules rf_sdes_rules(unsigned policy, const struct rf_ng_request *req);

/* The lines of an offer. from: what the other party said (its keys are used where rules.pass); last: what was said to
 * this party before, NULL: nothing: its own keys are used again. NULL without memory. n may be 0: no suite is left. */
struct rf_sdes *rf_sdes_offer(const struct rf_sdes_rules *rules, const struct rf_said *from, const struct rf_sdes *last,
			      struct rf_random *random);
/* The line of an offer that this answer took: NULL when it took none, or says another suite than that tag had. */
const struct rf_sdes_line *rf_sdes_taken(const struct rf_sdes *offered, const struct rf_said *answer);
/* The one line of an answer to what `offer` said: the strongest suite that rules allow (that of the last answer
 * where it is there again), or, where key is not NULL, the line with this tag and the other party's key.
 * RF_E_NOT_FOUND: none. */
int rf_sdes_answer(const struct rf_sdes_rules *rules, const struct rf_said *offer, const struct rf_sdes *last,
		   const struct rf_said_key *key, uint32_t tag, struct rf_random *random, struct rf_sdes **ret_sdes);
/* The key of an offer with this suite and tag, NULL: none. */
const struct rf_said_key *rf_sdes_key(const struct rf_said *said, uint32_t tag);

/* "a=crypto:..." lines. */
void rf_sdes_put(struct rf_writer *w, const struct rf_sdes *s);
void rf_sdes_path_key(const struct rf_said_key *from, struct rf_path_key *ret_key);
/* Wiped. NULL is fine. */
void rf_sdes_free(struct rf_sdes *s);

#endif

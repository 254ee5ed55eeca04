/* Sources outside that do what no peer does: points for each offence, and past a bound a time in which nothing of the
 * source is looked at. The time doubles with every penalty and is forgotten as slowly as it grew. Whoever asks learns
 * of it before any byte is parsed.
 *
 * One object for a process. A source is an IPv4 address or an IPv6 /64. Bounded: sources without a penalty that have
 * been quiet longest leave first; when all that are known have one, newcomers are not counted (and their bytes are
 * refused one by one, as ever). Asking whether a source is blocked takes no lock. Threads: any. */
#ifndef RF_NET_PENALTY_H
#define RF_NET_PENALTY_H

#include "base/clock.h"
#include "net/addr.h"

struct rf_penalties;

enum rf_offence {
	RF_OFFENCE_MALFORMED,   /* bytes that are no message */
	RF_OFFENCE_RATE,        /* more than its rate */
	RF_OFFENCE_HANDSHAKE,   /* TLS without a certificate that we know */
	RF_OFFENCE_STRANGER,    /* a request of nobody whom we know */
	RF_OFFENCE_PASSWORD,    /* a wrong one */
	RF_OFFENCE_SCANNER,     /* a program that looks for servers to break into, by its own words */
	RF_OFFENCES,
};
/* "malformed", "scanner", ... */
const char *rf_offence_name(enum rf_offence o);

enum {
	RF_PENALTY_POINTS = 100,          /* a penalty begins */
	RF_PENALTY_DECAY_MS = 2000,       /* a point is forgotten */
	RF_PENALTY_FIRST_S = 60,          /* the first one; each next one is twice as long */
	RF_PENALTY_MOST_S = 86400,
	RF_PENALTY_FORGET_S = 86400,      /* without offences, and the next one is one step shorter */
	RF_PENALTY_SOURCES = 16384,
	RF_PENALTY_BLOCKED = 8192,        /* at once */
};

struct rf_penalty {
	struct rf_addr source;            /* without port; of an IPv6 /64 the address that offended last */
	enum rf_offence offence;          /* the last one */
	uint32_t seconds;                 /* how long, from now */
	uint32_t count;                   /* penalties of this source so far */
};

struct rf_penalties_conf {
	struct rf_hash_key hash_key;      /* random */
	/* A penalty begins; on the thread that reported the offence, without a lock held. May be NULL. */
	void (*began)(void *ctx, const struct rf_penalty *p);
	/* A source that is never punished: trunks, inside. May be NULL. */
	bool (*spared)(void *ctx, const struct rf_addr *source);
	void *ctx;
};

struct rf_penalties_stats {
	uint64_t offences[RF_OFFENCES], penalties, refused /* rf_penalty_blocked() said yes */, unknown /* no place for them */;
	uint32_t sources, blocked;
};

int rf_penalties_new(const struct rf_penalties_conf *conf, struct rf_penalties **ret_p);
void rf_penalties_free(struct rf_penalties *p); /* NULL is fine */

/* Is it to be passed over now? p NULL: no. */
bool rf_penalty_blocked(struct rf_penalties *p, const struct rf_addr *source, struct rf_mono now);
/* It did that. p NULL: nothing. */
void rf_penalty_offend(struct rf_penalties *p, const struct rf_addr *source, enum rf_offence o, struct rf_mono now);
/* A person forgives it. RF_E_NOT_FOUND: it has no penalty. */
int rf_penalty_lift(struct rf_penalties *p, const struct rf_addr *source);
/* Those that are blocked now, at most n; returns how many there are. seconds: that are left. */
size_t rf_penalties_list(struct rf_penalties *p, struct rf_mono now, struct rf_penalty *ret, size_t n);
void rf_penalties_stats(struct rf_penalties *p, struct rf_mono now, struct rf_penalties_stats *ret);

#endif

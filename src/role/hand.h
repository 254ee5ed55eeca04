/* The hand: the one process of a wall that may change the kernel's rules. It has CAP_NET_ADMIN and no other right, no
 * network connection, and no bytes of strangers reach a parser in it.
 *
 *	front (wall.c)  --SEQPACKET, records of fixed sizes-->  hand  --fork-->  nft -f -      rules, one transaction
 *	  TLS, ledger                                             |--netlink-->  elements of the sets, counters
 *	                                                          |<-nflog-----  refused packets, 128 bytes each
 *	                                                          `--> DIR/wall  what is loaded, on disk (hand_store.h)
 *
 * It believes nothing of the front, which may have been taken over: no path, no rule and no text crosses the socket.
 * What it loads it reads itself, out of DIR/wall (its own folder), and loads only when MANIFEST is signed by the site's
 * CA for a bundle, names this site, and has the hash of the file for this router. A front that was taken over can
 * therefore load what an administrator signed and put there, confirm it, open pinholes and block addresses; it cannot
 * write a rule.
 *
 * Above it sits a guard, the same program and nothing but waiting: when the hand dies while a bundle is unconfirmed,
 * the guard takes it back. When the front dies, the hand does. When all are killed at once, the state on disk says so
 * to whoever starts next. */
#ifndef RF_ROLE_HAND_H
#define RF_ROLE_HAND_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>

#define RF_HAND_ROLE "hand" /* the hidden role: `ringfort hand ...` */
#define RF_HAND_DIR "wall"  /* in the site directory; belongs to the hand */

/* Bounds, also in docs/security.md. */
enum {
	RF_HAND_ELEMENTS_MAX = 512,  /* of one order */
	RF_HAND_COUNTERS_MAX = 512,  /* rules whose drops are reported; those behind are not told apart */
	RF_HAND_ID = 64,             /* a rule's id, with a NUL */
	RF_HAND_PACKET = 128,        /* bytes of a refused packet */
	RF_HAND_DROPS_PER_SECOND = 200,
	RF_HAND_NFT_SECONDS = 30,    /* for nft; past it, it is killed and nothing has changed */
	RF_HAND_CONFIRM_MAX_S = 3600,
	RF_HAND_GRACE_MS = 5000,     /* what the kernel keeps an element beyond its time: the front
				      * ends it, not the kernel */
};

enum rf_hand_what {
	RF_HAND_ELEMENTS = 1, /* -> n elements; <- a bit for each that could not be done */
	RF_HAND_APPLY,        /* -> an order; <- the state */
	RF_HAND_CONFIRM,      /* <- the state */
	RF_HAND_STATE,        /* <- the state; with id 0 unasked: it is ready, or took a bundle back */
	RF_HAND_COUNTERS,     /* <- n counters */
	RF_HAND_DROP,         /* <- unasked: a refused packet */
};

/* Every datagram begins with it. Both ends are one program on one machine: native order. */
struct rf_hand_head {
	uint32_t what, id;
	int32_t err;
	uint32_t n;
};

enum rf_hand_op { RF_HAND_OPEN, RF_HAND_REFRESH, RF_HAND_CLOSE };
enum rf_hand_set {
	RF_HAND_PINHOLES,
	RF_HAND_BLOCKED,             /* of its tuple family and src count */
	RF_HAND_OPENINGS,            /* all of its tuple but sport counts */
	RF_HAND_SETS
};

/* A 5-tuple. Ports in host order; IPv4 in the first four bytes, the rest zero. sport 0: an opening (policy/flow.h), for
 * any port of src, and for the way back. */
struct rf_tuple {
	uint8_t family, protocol;
	uint16_t sport, dport;
	uint16_t zero;
	uint8_t src[16], dst[16];
};

static inline bool rf_tuple_is_opening(const struct rf_tuple *t)
{
	return !t->sport;
}

struct rf_hand_element {
	uint16_t op, set;            /* enum rf_hand_op, enum rf_hand_set */
	uint32_t timeout_ms;
	struct rf_tuple tuple;
};

struct rf_hand_order {
	uint32_t confirm_s;
	uint32_t older;              /* take one that was signed before the one that is loaded */
};

struct rf_hand_state {
	uint64_t confirmed, candidate; /* numbers of bundles, counted up; 0: none */
	int64_t loaded_us, signed_us;  /* of the one that is loaded; 0: none */
	int64_t deadline_us;           /* of the candidate */
	uint64_t reverted;             /* the last one that was taken back and not yet told of; 0: none */
	int64_t reverted_us;
	char reverted_why[96];
	char bundle[65];               /* SHA-256 of the loaded MANIFEST */
	char site[65];                 /* digest of the site that it was compiled from */
	char why[400];                 /* with an error: what was wrong */
};

struct rf_hand_counter {
	char id[RF_HAND_ID];
	uint64_t packets, bytes;
};

struct rf_hand_drop {
	char id[RF_HAND_ID];
	uint32_t n;
	uint8_t bytes[RF_HAND_PACKET];
};

/* An answer or news, as large as the largest of them. */
struct rf_hand_message {
	struct rf_hand_head head;
	union {
		uint8_t failed[RF_HAND_ELEMENTS_MAX / 8];
		struct rf_hand_state state;
		struct rf_hand_counter counters[RF_HAND_COUNTERS_MAX];
		struct rf_hand_drop drop;
	} u;
};

/* ---- the front's side (hand.c) */

struct rf_hand;

struct rf_hand_options {
	const char *exe;             /* what to execute: "/proc/self/exe"; it must pass
				      * RF_HAND_ROLE to rf_hand_main() */
	const char *site, *router;   /* names; what is loaded is routers/ROUTER/ringfort.nft of bundles of this site */
};

/* Start it in the present directory, which is the site's, and wait until the last confirmed bundle is loaded (or there
 * is none). Forks: the process must have one thread. Whatever was unconfirmed has been taken back then: ret_state says.
 * RF_E_CLOSED or what it answered, with diag. */
int rf_hand_new(const struct rf_hand_options *opt, struct rf_hand **ret_hand, struct rf_hand_state *ret_state,
		struct rf_diag *diag);
/* Closes the socket, upon which an unconfirmed bundle is taken back, and waits. NULL is fine. */
void rf_hand_free(struct rf_hand *h);
int rf_hand_fd(const struct rf_hand *h);
/* Never block. RF_E_BUSY: its queue is full; RF_E_CLOSED: it is gone. */
int rf_hand_elements(struct rf_hand *h, uint32_t id, const struct rf_hand_element *v, size_t n);
int rf_hand_apply(struct rf_hand *h, uint32_t id, const struct rf_hand_order *order);
int rf_hand_ask(struct rf_hand *h, uint32_t id, enum rf_hand_what what); /* CONFIRM, STATE, COUNTERS */
/* The next message, whole and of a size that fits its kind. RF_E_BUSY: none now; RF_E_CLOSED. */
int rf_hand_receive(struct rf_hand *h, struct rf_hand_message *ret_message);

/* ---- the hidden role's main() */
int rf_hand_main(int argc, char **argv);

#endif

/* ICE as a lite agent (RFC 8445 2.5), for one component: a port of ours and whoever may send to it. It answers the
 * checks of the other side and never sends one. When both sides are lite nobody checks, and the addresses are those of
 * the descriptions (RFC 8445 6.1.1): then there is nothing to do here.
 *
 * Where the other side is, is learned only from a check that (1) proves our password, (2) names both user name
 * fragments and (3) nominates. A captured check is worth nothing from elsewhere: a transaction that was answered once
 * never moves the address again, for as long as the credentials live (a filter without false negatives). What is not
 * proven is not answered at all, with no error either (RFC 8489 9.1.3 would have 400 and 401): a port says nothing to
 * strangers.
 *
 * A machine: a datagram and a time in, an answer and a state out. Rate limits are the caller's. Wire room: no socket,
 * clock or log. One thread at a time. */
#ifndef RF_RTP_ICE_H
#define RF_RTP_ICE_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "rtp/stun.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_ICE_UFRAG_MAX = 256, RF_ICE_PWD_MAX = 256, /* RFC 8839 5.4 */
	RF_ICE_UFRAG_BYTES = 8, RF_ICE_PWD_BYTES = 24, /* of those we make: 48 and 144 random bits */
	RF_ICE_REPLY_MAX = 96,
	RF_ICE_SEEN_BYTES = 1024,
	RF_ICE_GRACE_MS = 30000,   /* the credentials before a restart still keep consent for so long */
	RF_ICE_YIELD_MS = 4000,    /* an address that nobody nominated for so long yields to one of lower priority */
	RF_ICE_CONSENT_MS = 30000, /* RFC 7675 5.1 */
	RF_ICE_MOVE_MS = 1000, RF_ICE_MOVES_AHEAD = 16, /* the address moves once in so long, and so often at once */
};

/* Our part of a session's credentials, as SDP says it: ice-chars and a NUL. */
struct rf_ice_cred {
	char ufrag[RF_ICE_UFRAG_BYTES + 1];
	char pwd[RF_ICE_PWD_BYTES + 1];
};
void rf_ice_cred_make(struct rf_random *r, struct rf_ice_cred *ret_cred);
/* ice-chars only, 4 to 256 of them (ufrag) or 22 to 256 (pwd). */
bool rf_ice_ufrag_ok(struct rf_view ufrag);
bool rf_ice_pwd_ok(struct rf_view pwd);

/* RFC 8445 5.1.2.1 for a host candidate; component 1 (RTP) or 2 (RTCP), local 65535 for the only address. */
uint32_t rf_ice_priority(uint16_t local, unsigned component);
/* The value of a=candidate (RFC 8839 5.1) for a host candidate: "1 1 UDP 2130706431 192.0.2.1 10000 typ host".
 * address: as SDP writes it. */
void rf_ice_put_candidate(struct rf_writer *w, unsigned foundation, unsigned component, uint16_t local,
			  struct rf_view address, uint16_t port);

/* In the caller's storage; all fields are ice.c's own. */
struct rf_ice {
	struct rf_ice_cred ours, before;     /* before a restart; ufrag "": none */
	struct rf_mono before_until;
	uint16_t theirs_n;                   /* 0: not known yet, any is taken */
	char theirs[RF_ICE_UFRAG_MAX];
	bool selected;
	struct rf_stun_addr remote;
	uint32_t priority;                   /* that the nominating check said */
	struct rf_mono nominated, checked;   /* the last nominating check, the last check, from remote */
	uint64_t moves_us;                   /* moves so far are worth the time until then */
	bool outdated;                       /* selected under the credentials before a restart */
	struct rf_hash_key salt;
	uint8_t seen[RF_ICE_SEEN_BYTES];     /* transactions that were answered: a Bloom filter under salt */
};

void rf_ice_init(struct rf_ice *ice, const struct rf_ice_cred *ours, struct rf_random *r);
/* Wiped. */
void rf_ice_fini(struct rf_ice *ice);
/* What the other side's description said. RF_E_INVALID: no such fragment. One that differs from the last: what was
 * selected stays until a check under the new one nominates (RFC 8445 9). */
int rf_ice_set_remote(struct rf_ice *ice, struct rf_view ufrag);
/* New credentials of ours: checks under them are to come; those under the last ones are answered for RF_ICE_GRACE_MS
 * and select nothing any more. The address that was selected stays until one under the new ones nominates. The other
 * side's fragment is not known again. */
void rf_ice_restart(struct rf_ice *ice, const struct rf_ice_cred *ours, struct rf_random *r, struct rf_mono now);

struct rf_ice_result {
	struct rf_view reply;  /* in the caller's buffer: to be sent to where the check came from; empty: nothing */
	bool moved;            /* the remote address is another one now */
	bool fresh;            /* a check from the remote address: it is there and wants packets */
	uint16_t error;        /* what the reply says: 0 success, 487 role conflict, 420 unknown attributes */
};
/* Does it name our credentials, is there anything to be computed? Who floods with what does not costs next to nothing;
 * the caller asks its rate between this and rf_ice_receive(). */
bool rf_ice_means(const struct rf_ice *ice, struct rf_view datagram, struct rf_mono now);
/* A datagram that is STUN. 0: a proven check, *ret says what follows. Everything else is to be dropped and counted:
 * RF_E_AUTH: not proven; RF_E_UNSUPPORTED: no Binding request (indications are keep-alives: nothing to do, nothing
 * proven); as rf_stun_parse(). */
int rf_ice_receive(struct rf_ice *ice, struct rf_view datagram, const struct rf_stun_addr *from, struct rf_mono now,
		   uint8_t buf[static RF_ICE_REPLY_MAX], struct rf_ice_result *ret);

/* Checks may be about to come from anywhere: nobody nominated yet, or not since a restart. */
bool rf_ice_waits(const struct rf_ice *ice);
/* Where to send: false when nobody nominated yet. */
bool rf_ice_remote(const struct rf_ice *ice, struct rf_stun_addr *ret_addr);
/* A check came from the remote address within RF_ICE_CONSENT_MS. A lite agent asks for no consent of its own
 * (RFC 7675 4); a full agent that is alive checks, so its silence says that it is gone. */
bool rf_ice_consent(const struct rf_ice *ice, struct rf_mono now);

#endif

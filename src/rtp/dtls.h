/* DTLS-SRTP (RFC 5763, 5764, 8122, 8842) as a machine: datagrams and times in, datagrams and a state out. It carries no
 * data: once the keys are exported, all that is left is to answer a peer that lost our last flight, and close_notify.
 *
 * DTLS 1.2 is OpenSSL's, whose object, 75 KiB, is freed then (docs/decisions/0050). 1.3 (RFC 9147) no library of the
 * distribution has: one shape of its handshake is in dtls13*.c, on OpenSSL's primitives (docs/decisions/0073). A server
 * takes what the ClientHello names, 1.3 first; a client begins with one of them and takes no other, because a handshake
 * that was begun cannot be turned from one to the other.
 *
 * ECDHE with AES-GCM only, no renegotiation, resumption or tickets. Both sides show a certificate, and the peer's is
 * compared with the fingerprints of its description before any key is given out.
 *
 *	NEW -> HANDSHAKE -> [UNPROVEN] -> READY -> CLOSED         NEW, HANDSHAKE, UNPROVEN -> FAILED, with a reason
 *
 * UNPROVEN: the handshake came before the description that says whose certificate it must be; there are no keys yet.
 *
 * One clock is not the caller's: OpenSSL times retransmissions of 1.2 by gettimeofday(). The caller is told in his own
 * time when to call again (rf_dtls_due()); that the whole handshake ends is decided by his clock alone. When the
 * system's date is set back in mid-handshake nothing is sent again, and the handshake fails by that end.
 *
 * A failed association stays failed. Where a stranger may have been first (no ICE), the caller makes another.
 * Wire room: no socket or log of its own. An association: one thread at a time; the context: any. */
#ifndef RF_RTP_DTLS_H
#define RF_RTP_DTLS_H

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "rtp/srtp.h"
#include "rtp/stun.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_DTLS_MTU = 1200,            /* of a datagram of ours, without IP and UDP */
	RF_DTLS_PRINTS_MAX = 8,        /* fingerprints of a peer */
	RF_DTLS_SUITES_MAX = 4,
	RF_DTLS_HANDSHAKE_MS = 20000,  /* from the first datagram or rf_dtls_connect() to READY or FAILED */
	RF_DTLS_RESEND_MS = 250,       /* first retransmission; doubled each time */
	RF_DTLS_RESEND_MAX_MS = 4000,
	RF_DTLS_BYTES_MAX = 65536,     /* that a handshake takes in */
	RF_DTLS_CERT_MAX = 8192,       /* certificates of the peer */
	RF_DTLS_FINAL_MAX = 16,        /* times the last flight, or an acknowledgement, is sent again */
	RF_DTLS_FORGED_MAX = 4,        /* records of one datagram that are not authentic, after the handshake:
				        * the rest is not opened */
	RF_DTLS_OUT_MAX = 16,          /* datagrams that one call sends at most */
};

/* A fingerprint (RFC 8122): its length tells the hash. 32 sha-256, 48 sha-384, 64 sha-512; others are not taken. */
struct rf_dtls_print {
	uint8_t bytes[64];
	uint8_t n;
};
enum { RF_DTLS_PRINT_TEXT = 104 }; /* "sha-256 " and 32 pairs with colons; a NUL */
/* The value of a=fingerprint. RF_E_UNSUPPORTED: another hash (sha-1, md5); RF_E_MALFORMED. */
int rf_dtls_print_parse(struct rf_view text, struct rf_dtls_print *ret_print);

/* Per process: an ECDSA P-256 key and a certificate that names nobody, made here, never stored. Rotation: make a new
 * one and free the old; associations that began with the old keep it. */
struct rf_dtls_ctx;
/* It is valid from a day before now for so many days. RF_E_CRYPTO, -ENOMEM. */
int rf_dtls_ctx_new(struct rf_wall now, unsigned days, struct rf_dtls_ctx **ret_ctx);
void rf_dtls_ctx_free(struct rf_dtls_ctx *ctx); /* NULL is fine; associations may still be there */
/* For a=fingerprint: "sha-256 AB:CD:..."; as long as the context lives. */
const char *rf_dtls_ctx_print(const struct rf_dtls_ctx *ctx);

/* RFC 4145, 5763 5. */
enum rf_dtls_setup { RF_DTLS_ACTPASS, RF_DTLS_ACTIVE, RF_DTLS_PASSIVE };
/* What to answer to an offer: the opposite of theirs, to actpass what we prefer (active: media is there half a round
 * trip earlier, RFC 5763 5). */
enum rf_dtls_setup rf_dtls_setup_answer(enum rf_dtls_setup theirs, enum rf_dtls_setup preferred);

enum rf_dtls_state {
	RF_DTLS_NEW,
	RF_DTLS_HANDSHAKE,
	RF_DTLS_UNPROVEN,
	RF_DTLS_READY,
	RF_DTLS_CLOSED,   /* the peer said so (authentic), or rf_dtls_close() */
	RF_DTLS_FAILED,
};

enum rf_dtls_why {
	RF_DTLS_WHY_NONE,
	RF_DTLS_WHY_FINGERPRINT,     /* the certificate is not the one that was signaled */
	RF_DTLS_WHY_NO_CERTIFICATE,
	RF_DTLS_WHY_PROFILE,         /* no SRTP suite in common, or no use_srtp */
	RF_DTLS_WHY_VERSION,
	RF_DTLS_WHY_CIPHER,
	RF_DTLS_WHY_ALERT,           /* the peer gave up; rf_dtls_alert() has its number */
	RF_DTLS_WHY_TIMEOUT,
	RF_DTLS_WHY_LIMIT,           /* more bytes than a handshake needs */
	RF_DTLS_WHY_PROTOCOL,        /* messages that break the grammar or the order, wrong signatures */
	RF_DTLS_WHY_LOCAL,           /* memory, randomness: ours */
	RF_DTLS_WHYS,
};
/* "fingerprint", "no-certificate", ...: for records and counters. */
const char *rf_dtls_why_name(enum rf_dtls_why why);

struct rf_dtls;

struct rf_dtls_params {
	/* ACTPASS: whoever begins: the peer's first message makes us the server, rf_dtls_connect() the client. */
	enum rf_dtls_setup setup;
	/* Those that are offered or taken, best first: AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80 and
	 * _32. As the server ours is the order. RF_E_INVALID for others. Copied. */
	const enum rf_srtp_suite *suites;
	size_t suite_count;
	/* A datagram to the peer, at most RF_DTLS_OUT_MAX of them in one call; from within rf_dtls_receive() it goes to
	 * where the datagram at hand came from. Called from within the functions below; must not call them. */
	void (*send)(void *arg, struct rf_view datagram);
	void *arg;
	/* As the client: 1.3 and nothing else; without it 1.2 and nothing else. The server takes
	 * what the client offers. */
	bool client_13;
};

/* Costs 1.6 KiB; OpenSSL's object, or ours of 1.3 (4 KiB), comes with the first message that begins a handshake.
 * RF_E_INVALID, -ENOMEM. */
int rf_dtls_new(struct rf_dtls_ctx *ctx, const struct rf_dtls_params *params, struct rf_random *r,
		struct rf_dtls **ret_dtls);
/* Without a word to the peer; wiped. NULL is fine. */
void rf_dtls_free(struct rf_dtls *d);

/* Whose certificate it must be: of the strongest hash among prints, one must fit (RFC 8122 5). Before the handshake or
 * in it; UNPROVEN becomes READY or FAILED here. RF_E_INVALID: none, or one of a length that is no hash's; RF_E_STATE:
 * they are fixed once the state is READY. */
int rf_dtls_set_peer(struct rf_dtls *d, const struct rf_dtls_print *prints, size_t count);
/* Begin as the client. RF_E_STATE: PASSIVE, or not NEW. */
int rf_dtls_connect(struct rf_dtls *d, struct rf_mono now);
/* A datagram that is DTLS. Once the state is not NEW the caller passes only what comes from where the peer is: the
 * handshake itself is in the clear, and who sends into it can break it. proven: its source has shown that it gets
 * what is sent there (ICE); if not, a client must show it first with a cookie, until then gets nothing bigger than
 * it sent, and the state stays NEW. Alerts that are not authentic (in the clear) are noted and end nothing before 3
 * s have passed without success (RFC 6347 4.1.2.7). 0, or the datagram was no use and changed nothing:
 * RF_E_MALFORMED (no DTLS records), RF_E_STATE (nothing of this kind is expected now), RF_E_LIMIT. What came of it,
 * FAILED included, is in the state. */
int rf_dtls_receive(struct rf_dtls *d, struct rf_view datagram, const struct rf_stun_addr *from, bool proven,
		    struct rf_mono now);
/* When rf_dtls_tick() is to be called: false: not at all. Look again after each call of the others. */
bool rf_dtls_due(const struct rf_dtls *d, struct rf_mono *ret_at);
void rf_dtls_tick(struct rf_dtls *d, struct rf_mono now);
/* close_notify to the peer where there is one. Then CLOSED. */
void rf_dtls_close(struct rf_dtls *d);

enum rf_dtls_state rf_dtls_state(const struct rf_dtls *d);
/* Of a handshake that is done: 12 or 13; 0: there is none. */
unsigned rf_dtls_version(const struct rf_dtls *d);
enum rf_dtls_why rf_dtls_why(const struct rf_dtls *d);
/* The last alert from the peer: level << 8 | description, -1: none. */
int rf_dtls_alert(const struct rf_dtls *d);

/* The keys (RFC 5764 4.2): master key and behind it the salt, as rf_srtp_new() takes them; n of both. */
struct rf_dtls_keys {
	enum rf_srtp_suite suite;
	size_t n;
	uint8_t in[RF_SRTP_KEY_MAX];  /* of what comes from the peer */
	uint8_t out[RF_SRTP_KEY_MAX]; /* of what we send */
};
/* Once: they are wiped here when they were taken; the caller wipes his. RF_E_STATE: not READY, or taken. */
int rf_dtls_take_keys(struct rf_dtls *d, struct rf_dtls_keys *ret_keys);

#endif

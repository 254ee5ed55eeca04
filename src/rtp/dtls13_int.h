/* DTLS 1.3 (RFC 9147, 8446) as far as keys for media need it: one shape of handshake, on OpenSSL's primitives, because
 * no library of the distribution speaks it (docs/decisions/0073). Both sides show a certificate; ECDHE on X25519, P-256
 * or P-384; AES-GCM; no resumption, no early data, no tickets, no connection ids, no keys that change afterwards.
 *
 *	dtls13_wire.c    records: heads, sealing, numbers under their mask, acknowledgements
 *	dtls13_keys.c    the transcript and the secrets that come of it
 *	dtls13_hello.c   ClientHello, ServerHello, HelloRetryRequest: read and written
 *	dtls13_proof.c   certificates and the signatures over the transcript
 *	dtls13_flight.c  fragments into messages, messages into flights, what comes too early
 *	dtls13_server.c  a ClientHello and its answer
 *	dtls13_client.c  the other side
 *	dtls13.c         the machine: which message when, and what follows
 *
 * Every function gets views of what came and answers with values; none keeps a view of a datagram. */
#ifndef RF_RTP_DTLS13_INT_H
#define RF_RTP_DTLS13_INT_H

#include "base/reader.h"
#include "base/writer.h"
#include "rtp/dtls_int.h"

enum {
	RF_DTLS13_VERSION = 0xfefc,
	RF_DTLS13_LEGACY = 0xfefd,       /* what the heads say: 1.2 */
	RF_DTLS13_MESSAGE_MAX = RF_DTLS_CERT_MAX + 1024, /* one message of a handshake */
	RF_DTLS13_RECORD_MAX = 4096,     /* sealed */
	RF_DTLS13_HELD_MAX = 8,          /* datagrams that came too early */
	RF_DTLS13_HELD_BYTES = 12288,
	RF_DTLS13_AHEAD_MAX = 8,         /* messages that one may be too early */
	RF_DTLS13_ACKS_MAX = 32,         /* record numbers in an acknowledgement */
	RF_DTLS13_HASH_MAX = 48,
	RF_DTLS13_SHARE_MAX = 97,        /* a point of P-384 */
	RF_DTLS13_COOKIE_MAX = 80,       /* ours */
	RF_DTLS13_PLAIN_MAX = 1024,      /* our hellos */
	RF_DTLS13_INNER_MAX = 1100,      /* our sealed messages */
};

enum rf_dtls13_type {
	RF_DTLS13_CLIENT_HELLO = 1,
	RF_DTLS13_SERVER_HELLO = 2,
	RF_DTLS13_VERIFY_REQUEST = 3, /* of 1.2 */
	RF_DTLS13_EXTENSIONS = 8,
	RF_DTLS13_CERTIFICATE = 11,
	RF_DTLS13_CERTIFICATE_REQUEST = 13,
	RF_DTLS13_CERTIFICATE_VERIFY = 15,
	RF_DTLS13_FINISHED = 20,
	RF_DTLS13_MESSAGE_HASH = 254,
};

enum { /* extensions */
	RF_DTLS13_X_GROUPS = 10,
	RF_DTLS13_X_SIGNATURES = 13,
	RF_DTLS13_X_SRTP = 14,
	RF_DTLS13_X_VERSIONS = 43,
	RF_DTLS13_X_COOKIE = 44,
	RF_DTLS13_X_SHARE = 51,
};

/* A verdict on what came: 0, or why it is over, and the alert that says so to the peer. */
struct rf_dtls13_verdict {
	enum rf_dtls_why why;
	uint8_t alert;
};
#define RF_DTLS13_FINE ((struct rf_dtls13_verdict){ RF_DTLS_WHY_NONE, 0 })

static inline struct rf_dtls13_verdict rf_dtls13_verdict(enum rf_dtls_why why, uint8_t alert)
{
	return (struct rf_dtls13_verdict){ why, alert };
}

/* Of what went wrong on our side. */
static inline struct rf_dtls13_verdict rf_dtls13_ours(int rc)
{
	return rc ? rf_dtls13_verdict(RF_DTLS_WHY_LOCAL, SSL_AD_INTERNAL_ERROR) : RF_DTLS13_FINE;
}

/* --- dtls13_wire.c */

/* A record that is sealed, as it came. */
struct rf_dtls13_sealed {
	struct rf_view head, body;
	unsigned epoch;            /* its two low bits */
};
/* Does a datagram, or what is left of one, begin with a sealed record? Then the next of them;
 * false: none, or broken. */
bool rf_dtls13_sealed_next(struct rf_view *datagram, struct rf_dtls13_sealed *ret_sealed);
/* md, secret: of a direction and stage. RF_E_CRYPTO. */
int rf_dtls13_seal_make(const EVP_MD *md, size_t key_n, const uint8_t *secret, struct rf_dtls13_seal *ret_seal);
/* A record behind what is in w. RF_E_SPACE, RF_E_CRYPTO, RF_E_LIMIT (numbers are used up). */
int rf_dtls13_seal_put(struct rf_dtls13_seal *s, unsigned epoch, uint8_t type, struct rf_view content,
		       struct rf_writer *w);
struct rf_dtls13_opened {
	uint8_t type;
	uint64_t number;
	struct rf_view content; /* in plain */
};
/* plain: as big as the body. RF_E_AUTH: not authentic; RF_E_MALFORMED: authentic, and nothing in it. */
int rf_dtls13_open(struct rf_dtls13_seal *s, const struct rf_dtls13_sealed *r, uint8_t *plain,
		   struct rf_dtls13_opened *ret_opened);
void rf_dtls13_plain_put(uint64_t number, uint8_t type, struct rf_view content, struct rf_writer *w);
/* The body of an acknowledgement: numbers of one epoch. */
void rf_dtls13_ack_put(unsigned epoch, const uint64_t *numbers, size_t count, struct rf_writer *w);
/* Is a record of this epoch, from number 0 to before end, among those that an acknowledgement names? RF_E_MALFORMED. */
int rf_dtls13_ack_names(struct rf_view body, unsigned epoch, uint64_t end, bool *ret_named);
void rf_dtls13_put_be(struct rf_writer *w, uint64_t x, unsigned bytes);

/* --- dtls13_keys.c */

struct rf_dtls13_keys {
	const EVP_MD *md;
	size_t n, key_n;              /* of a hash, of a key for AES */
	EVP_MD_CTX *transcript;
	uint8_t secret[RF_DTLS13_HASH_MAX];                                 /* of the stage */
	uint8_t client[RF_DTLS13_HASH_MAX], server[RF_DTLS13_HASH_MAX];     /* traffic secrets of the handshake */
	uint8_t client_3[RF_DTLS13_HASH_MAX], server_3[RF_DTLS13_HASH_MAX]; /* behind it: epoch 3 */
	uint8_t exporter[RF_DTLS13_HASH_MAX];
};
/* All below: RF_E_CRYPTO. */
int rf_dtls13_keys_begin(struct rf_dtls13_keys *k, uint16_t suite);
void rf_dtls13_keys_end(struct rf_dtls13_keys *k); /* wiped */
/* A message as TLS 1.3 counts it: without number and fragments. */
int rf_dtls13_keys_add(struct rf_dtls13_keys *k, uint8_t type, struct rf_view body);
int rf_dtls13_keys_hash(const struct rf_dtls13_keys *k, uint8_t *hash);
/* Behind the ServerHello; behind the server's Finished. */
int rf_dtls13_keys_handshake(struct rf_dtls13_keys *k, struct rf_view shared);
int rf_dtls13_keys_traffic(struct rf_dtls13_keys *k);
/* verify_data of who has this traffic secret (of the handshake's stage). */
int rf_dtls13_keys_finished(const struct rf_dtls13_keys *k, const uint8_t *secret, uint8_t *mac);
int rf_dtls13_keys_export(const struct rf_dtls13_keys *k, const char *label, uint8_t *out, size_t n);
int rf_dtls13_expand(const EVP_MD *md, const uint8_t *secret, const char *label, struct rf_view context, uint8_t *out,
		     size_t n);

/* --- dtls13_hello.c */

enum { RF_DTLS13_SUITES = 2, RF_DTLS13_GROUPS = 3 }; /* in our order, best first; masks have a bit for each */
extern const uint16_t rf_dtls13_suites[RF_DTLS13_SUITES];
extern const uint16_t rf_dtls13_groups[RF_DTLS13_GROUPS];

/* A ClientHello, views into it. */
struct rf_dtls13_offer {
	bool knows_13, empty_cookie, plain_compression;
	bool has_groups, has_shares, has_signatures, has_srtp, has_cookie;
	bool signs;                                  /* it takes what we sign with */
	unsigned suites, groups;
	struct rf_view shares[RF_DTLS13_GROUPS];
	struct rf_view profiles, cookie;
};
/* RF_E_MALFORMED: its grammar, or an extension twice. What it lacks is said in the offer. */
int rf_dtls13_client_hello_read(struct rf_view body, struct rf_dtls13_offer *ret_offer);
/* Ours; cookie: empty or what a HelloRetryRequest had. */
void rf_dtls13_client_hello_put(const struct rf_dtls *d, const uint8_t random[static 32], unsigned group,
				struct rf_view share, struct rf_view cookie, struct rf_writer *w);

/* A ServerHello or HelloRetryRequest. */
struct rf_dtls13_answer {
	bool retry;
	bool is_13;             /* false: the server speaks 1.2 */
	int suite, group;       /* indices; -1: none of ours, or none named */
	struct rf_view share, cookie;
};
int rf_dtls13_server_hello_read(struct rf_view body, struct rf_dtls13_answer *ret_answer);
/* share: empty in a HelloRetryRequest. group: -1: not named. random: NULL: a HelloRetryRequest. */
void rf_dtls13_server_hello_put(const uint8_t *random, unsigned suite, int group, struct rf_view share,
				struct rf_view cookie, struct rf_writer *w);

/* use_srtp in EncryptedExtensions, and nothing that was not offered. */
void rf_dtls13_extensions_put(enum rf_srtp_suite suite, struct rf_writer *w);
struct rf_dtls13_verdict rf_dtls13_extensions_read(const struct rf_dtls *d, struct rf_view body,
						   enum rf_srtp_suite *ret_suite);
/* The first of ours that is in profiles; RF_SRTP_NONE. */
enum rf_srtp_suite rf_dtls13_choose(const struct rf_dtls *d, struct rf_view profiles);
/* The next extension; sticky errors are in r. */
bool rf_dtls13_extension_next(struct rf_reader *r, uint16_t *ret_type, struct rf_view *ret_data);

EVP_PKEY *rf_dtls13_share_make(unsigned group); /* NULL */
/* As the peer gets it; false also of NULL. */
bool rf_dtls13_share_show(EVP_PKEY *own, unsigned group, uint8_t share[static RF_DTLS13_SHARE_MAX], size_t *ret_n);
/* The shared secret; wipe it. RF_E_MALFORMED: no point of the group. */
int rf_dtls13_share_meet(EVP_PKEY *own, unsigned group, struct rf_view theirs, uint8_t shared[static 48],
			 size_t *ret_n);

/* --- dtls13_proof.c */

void rf_dtls13_signatures_put(struct rf_writer *w); /* signature_algorithms: what we verify */
void rf_dtls13_request_put(struct rf_writer *w);    /* CertificateRequest */
struct rf_dtls13_verdict rf_dtls13_request_read(struct rf_view body);
int rf_dtls13_certificate_put(const struct rf_dtls *d, struct rf_writer *w); /* RF_E_CRYPTO */
/* Judged by the fingerprints of the description; *ret_key is the caller's. */
struct rf_dtls13_verdict rf_dtls13_certificate_read(struct rf_dtls *d, struct rf_view body, EVP_PKEY **ret_key);
/* Over the transcript so far; server: whose it is. */
int rf_dtls13_verify_put(const struct rf_dtls *d, const struct rf_dtls13_keys *k, bool server, struct rf_writer *w);
struct rf_dtls13_verdict rf_dtls13_verify_read(const struct rf_dtls13_keys *k, EVP_PKEY *key, bool server,
					       struct rf_view body);

/* --- the handshake */

struct rf_dtls13_held {
	size_t n;
	uint8_t *bytes;
};

struct rf_dtls13_message {
	uint8_t type;
	uint32_t n, have;
	uint8_t *bytes;            /* NULL: none is under way; behind them a bit for each */
};

/* What is waited for. */
enum rf_dtls13_stage {
	RF_DTLS13_AWAIT_CLIENT_HELLO,
	RF_DTLS13_AWAIT_CLIENT_CERTIFICATE,
	RF_DTLS13_AWAIT_CLIENT_VERIFY,
	RF_DTLS13_AWAIT_CLIENT_FINISHED,
	RF_DTLS13_AWAIT_SERVER_HELLO,
	RF_DTLS13_AWAIT_EXTENSIONS,
	RF_DTLS13_AWAIT_REQUEST,
	RF_DTLS13_AWAIT_SERVER_CERTIFICATE,
	RF_DTLS13_AWAIT_SERVER_VERIFY,
	RF_DTLS13_AWAIT_SERVER_FINISHED,
	RF_DTLS13_AWAIT_ACK, /* the client: its keys are out, its last flight may be lost */
};

struct rf_dtls13 {
	enum rf_dtls13_stage stage;
	bool retried;              /* the client: a HelloRetryRequest came */
	/* in */
	uint16_t next_in;
	struct rf_dtls13_message message;
	struct rf_dtls13_held held[RF_DTLS13_HELD_MAX];
	size_t held_count, held_bytes;
	bool early, moved;         /* of the datagram at hand: something in it is for later; something went on */
	uint64_t acks[RF_DTLS13_ACKS_MAX];
	size_t ack_count;
	/* out: the flight, as it is sent again */
	uint16_t next_out;
	uint64_t plain_number;
	size_t plain_n, inner_n;
	uint8_t plain[RF_DTLS13_PLAIN_MAX], inner[RF_DTLS13_INNER_MAX];
	unsigned wait_ms;
	/* what was agreed */
	struct rf_dtls13_keys keys;
	struct rf_dtls13_seal in, out; /* epoch 2 */
	EVP_PKEY *share, *peer;
	unsigned group;
	int suite;                 /* the client: of the HelloRetryRequest; -1: none */
	enum rf_srtp_suite srtp;
	uint8_t random[32];
};

/* --- dtls13_flight.c */

struct rf_dtls13 *rf_dtls13_new(void);
void rf_dtls13_free(struct rf_dtls13 *h); /* wiped; NULL is fine */
/* A handshake message of ours behind what the flight has: begin, write the body into w, end. */
void rf_dtls13_message_begin(struct rf_dtls13 *h, uint8_t type, struct rf_writer *w);
struct rf_view rf_dtls13_message_end(struct rf_writer *w, size_t from);
/* The sealed messages of our side, each counted in the transcript. RF_E_CRYPTO, RF_E_SPACE. */
int rf_dtls13_put_flight(struct rf_dtls *d);
/* Once more, under new numbers. */
int rf_dtls13_flight_send(struct rf_dtls *d);
/* A fragment: NULL: nothing is whole yet; else the message, to be dropped when it is done. epoch:
 * that the stage wants. */
const struct rf_dtls13_message *rf_dtls13_fragment(struct rf_dtls13 *h, struct rf_reader *r);
void rf_dtls13_message_drop(struct rf_dtls13 *h);
void rf_dtls13_hold(struct rf_dtls13 *h, struct rf_view datagram);
void rf_dtls13_note_ack(struct rf_dtls13 *h, uint64_t number);

/* --- dtls13.c */

void rf_dtls13_arm(struct rf_dtls *d); /* a new flight is to be sent again, if nothing comes */
/* The secrets behind the server's Finished. RF_E_CRYPTO. */
int rf_dtls13_traffic(struct rf_dtls *d);
/* The handshake is done: keys out, what is left of it sealed for later. */
int rf_dtls13_done(struct rf_dtls *d);
struct rf_dtls13_verdict rf_dtls13_take_finished(struct rf_dtls *d, struct rf_view body);

/* --- dtls13_server.c, dtls13_client.c: what comes. The handshake may be over then, and h13 gone. */

struct rf_dtls13_verdict rf_dtls13_take_client_hello(struct rf_dtls *d, struct rf_view body);
struct rf_dtls13_verdict rf_dtls13_take_client_finished(struct rf_dtls *d, struct rf_view body);
int rf_dtls13_put_client_hello(struct rf_dtls *d, struct rf_view cookie);
struct rf_dtls13_verdict rf_dtls13_take_server_hello(struct rf_dtls *d, struct rf_view body);
struct rf_dtls13_verdict rf_dtls13_take_extensions(struct rf_dtls *d, struct rf_view body);
struct rf_dtls13_verdict rf_dtls13_take_request(struct rf_dtls *d, struct rf_view body);
struct rf_dtls13_verdict rf_dtls13_take_server_finished(struct rf_dtls *d, struct rf_view body);

#endif

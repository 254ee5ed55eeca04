/* Shared by the files of DTLS-SRTP. */
#ifndef RF_RTP_DTLS_INT_H
#define RF_RTP_DTLS_INT_H

#include "rtp/dtls.h"

#include <openssl/ssl.h>

struct rf_dtls_ctx {
	SSL_CTX *ssl_ctx;
	char print[RF_DTLS_PRINT_TEXT];
};

enum {
	RF_DTLS_FINAL_BYTES = 192,    /* our last flight as a server: ChangeCipherSpec and Finished, 75 bytes */
	RF_DTLS_CLOSING_BYTES = 64,   /* a sealed alert: 39 */
	RF_DTLS_MATERIAL_BYTES = 2 * RF_SRTP_KEY_MAX,
};

/* What is left of the record layer after OpenSSL's: enough to open an alert of the peer's. */
struct rf_dtls_opener {
	size_t key_n;    /* 16 or 32; 0: none */
	uint8_t key[32];
	uint8_t salt[4]; /* of the nonce */
};

/* DTLS 1.3: one direction of an epoch. */
struct rf_dtls13_seal {
	size_t key_n;           /* 16 or 32; 0: none yet */
	uint8_t key[32], iv[12];
	uint8_t number[32];     /* key of the mask over numbers */
	uint64_t next;          /* the number of the next record; of those that come: behind the highest */
};

struct rf_dtls13;
struct rf_dtls_record;

struct rf_dtls {
	SSL_CTX *ssl_ctx;
	struct rf_dtls13 *h13;       /* a handshake of 1.3: in place of OpenSSL's object */
	SSL *ssl;                    /* in the handshake only; so the BIO's method */
	BIO_METHOD *method;
	enum rf_dtls_setup setup;
	enum rf_srtp_suite suites[RF_DTLS_SUITES_MAX];
	size_t suite_count;
	void (*send)(void *arg, struct rf_view datagram);
	void *arg;

	enum rf_dtls_state state;
	enum rf_dtls_why why;        /* set before FAILED where the reason is known better than OpenSSL's error says */
	int alert;
	bool server, listening;      /* listening: the client has not shown a cookie yet */
	bool timing;
	struct rf_mono deadline, resend;

	uint8_t cookie_key[32];
	struct rf_stun_addr from;    /* of the datagram at hand */
	struct rf_view in;           /* what is left of it */
	size_t in_bytes, out_bytes;  /* of this call */
	unsigned out_count;
	struct rf_mono now;
	uint32_t taken;              /* bytes of the handshake so far */

	size_t print_count;
	struct rf_dtls_print prints[RF_DTLS_PRINTS_MAX];
	bool shown;                  /* the peer's certificate is known: its digests */
	struct rf_dtls_print digests[3];

	bool has_keys;
	struct rf_dtls_keys keys;
	bool is_13, client_13;
	struct rf_dtls13_seal in13, out13; /* epoch 3: after a handshake of 1.3 */
	struct rf_dtls_opener opener;
	bool keeping;                /* what is written now is kept in closing, not sent */
	size_t closing_n, final_n;   /* final_n: past its size: it did not fit */
	uint8_t closing[RF_DTLS_CLOSING_BYTES];
	uint8_t final[RF_DTLS_FINAL_BYTES]; /* datagrams, each behind two bytes of length */
	unsigned final_sent;
	struct rf_mono final_at;
};

/* --- dtls_ctx.c */
/* Of a certificate that a peer shows; its digests are noted, and with them why it is not the right one. */
bool rf_dtls_judge(struct rf_dtls *d, const X509 *cert);
/* A cookie for the source of the datagram at hand: over it and more. */
enum { RF_DTLS_COOKIE_BYTES = 16 };
bool rf_dtls_cookie_make(const struct rf_dtls *d, struct rf_view more, uint8_t cookie[static RF_DTLS_COOKIE_BYTES]);
/* Do prints allow a certificate with these digests? Constant time. */
bool rf_dtls_print_fits(const struct rf_dtls_print *prints, size_t count, const struct rf_dtls_print digests[static 3]);

/* --- dtls_words.c */
/* As the registry of use_srtp has them, 0 and RF_SRTP_NONE: none; and as OpenSSL calls them. */
uint16_t rf_dtls_profile_of(enum rf_srtp_suite suite);
enum rf_srtp_suite rf_dtls_suite_of(uint16_t profile);
const char *rf_dtls_profile_name(enum rf_srtp_suite suite);
/* RFC 5764 4.2: the client's key, the server's, the client's salt, the server's. */
void rf_dtls_split_keys(struct rf_dtls *d, enum rf_srtp_suite suite, const uint8_t *material);

/* --- dtls.c */
void rf_dtls_fail(struct rf_dtls *d, enum rf_dtls_why why);
/* What a handshake holds, of either version. */
void rf_dtls_drop_handshake(struct rf_dtls *d);
/* May something be sent again that anybody can ask for? Counted. */
bool rf_dtls_may_repeat(struct rf_dtls *d);

/* As if nothing had come: a cookie was asked for, or nothing came of it. */
void rf_dtls_back_to_new(struct rf_dtls *d);
/* The ClientHello is one of 1.2 after all: OpenSSL gets it, as one record. */
void rf_dtls_turn_to_12(struct rf_dtls *d, uint16_t number, struct rf_view body);
/* The keys are out, the handshake is done. */
void rf_dtls_settled(struct rf_dtls *d);

/* --- dtls12.c: OpenSSL's handshake; what follows is in the state of d */
/* As the server or the client that d is. -ENOMEM: d has failed. */
int rf_dtls12_begin(struct rf_dtls *d);
/* With what is in d->in. */
void rf_dtls12_go_on(struct rf_dtls *d);
void rf_dtls12_resend(struct rf_dtls *d);

/* --- dtls13.c: a handshake in OpenSSL's place; what follows is in the state of d */
/* Is this ClientHello one for 1.3? -1: the fragment does not say. */
int rf_dtls13_wants(const struct rf_dtls_record *r);
/* Begin, as the server with the ClientHello at hand, or a part of it; as the client. d->listening: its source is not
 * proven. */
void rf_dtls13_accept(struct rf_dtls *d, const struct rf_dtls_record *first, struct rf_view datagram);
void rf_dtls13_connect(struct rf_dtls *d);
void rf_dtls13_receive(struct rf_dtls *d, struct rf_view datagram);
void rf_dtls13_resend(struct rf_dtls *d);
void rf_dtls13_drop(struct rf_dtls *d);
/* When the keys are out. RF_E_STATE: it was of no use; RF_E_BUSY: the peer lacks our last flight. */
int rf_dtls13_after(struct rf_dtls *d, struct rf_view datagram);
/* Does a datagram begin with a sealed record of 1.3? */
bool rf_dtls13_is_sealed(struct rf_view datagram);

/* --- dtls_bio.c: datagrams between an association and OpenSSL */
BIO_METHOD *rf_dtls_bio_method(void); /* NULL: no memory */
/* A datagram out, within the bounds of one call; kept: as part of the last flight, too. */
void rf_dtls_out(struct rf_dtls *d, struct rf_view datagram);
void rf_dtls_out_kept(struct rf_dtls *d, struct rf_view datagram);

/* --- dtls_record.c */
enum { RF_DTLS_CHANGE = 20, RF_DTLS_ALERT_RECORD = 21, RF_DTLS_HANDSHAKE_RECORD = 22 };
struct rf_dtls_record {
	struct rf_view bytes, body;
	uint8_t type;
	uint16_t epoch;
};
/* The next record of a datagram; false: none, or what follows is none. */
bool rf_dtls_record_next(struct rf_view *datagram, struct rf_dtls_record *ret_record);
/* From a handshake that is done (RFC 5246 6.3). RF_E_CRYPTO. */
int rf_dtls_opener_make(SSL *ssl, bool server, struct rf_dtls_opener *ret_opener);
/* The alert in a sealed record: level << 8 | description; -1: it is none, or not authentic. */
int rf_dtls_open_alert(const struct rf_dtls_opener *o, const struct rf_dtls_record *r);

#endif

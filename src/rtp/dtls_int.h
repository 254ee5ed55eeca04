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

struct rf_dtls {
	SSL_CTX *ssl_ctx;
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
	struct rf_dtls_opener opener;
	bool keeping;                /* what is written now is kept in closing, not sent */
	size_t closing_n, final_n;   /* final_n: past its size: it did not fit */
	uint8_t closing[RF_DTLS_CLOSING_BYTES];
	uint8_t final[RF_DTLS_FINAL_BYTES]; /* datagrams, each behind two bytes of length */
	unsigned final_sent;
	struct rf_mono final_at;
};

/* --- dtls_ctx.c */
/* Do prints allow a certificate with these digests? Constant time. */
bool rf_dtls_print_fits(const struct rf_dtls_print *prints, size_t count, const struct rf_dtls_print digests[static 3]);

/* --- dtls_bio.c: datagrams between an association and OpenSSL */
BIO_METHOD *rf_dtls_bio_method(void); /* NULL: no memory */
/* A datagram out, within the bounds of one call. */
void rf_dtls_out(struct rf_dtls *d, struct rf_view datagram);

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

/* STUN messages (RFC 8489): what ICE and a Binding server need of them. A message is parsed into views and values; what
 * it says is worth nothing before rf_stun_check(). Messages of RFC 3489 (no magic cookie) are not STUN here.
 * Wire room: no socket, clock or log. Threads: any. */
#ifndef RF_RTP_STUN_H
#define RF_RTP_STUN_H

#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_STUN_HEAD_BYTES = 20,
	RF_STUN_BYTES_MAX = 1500,    /* of a message */
	RF_STUN_ATTRS_MAX = 32,
	RF_STUN_UNKNOWN_MAX = 8,     /* of the unknown ones that an answer names */
	RF_STUN_USERNAME_MAX = 513,  /* RFC 8489 14.3: less than 514 */
};

enum rf_stun_class { RF_STUN_REQUEST, RF_STUN_INDICATION, RF_STUN_SUCCESS, RF_STUN_ERROR };
enum { RF_STUN_BINDING = 1 };

/* A transport address. IPv4 in the first four bytes of ip, the rest zero. */
struct rf_stun_addr {
	uint8_t ip[16];  /* network order */
	uint16_t port;   /* host order */
	uint8_t family;  /* 0 (none), 4 or 6 */
};
bool rf_stun_addr_eq(const struct rf_stun_addr *a, const struct rf_stun_addr *b);

struct rf_stun {
	struct rf_view bytes;        /* the whole message */
	enum rf_stun_class class;
	uint16_t method;
	uint8_t id[12];              /* of the transaction */
	/* Attributes that are understood, the first of each; behind the integrity they do not count (RFC 8489 14.5). */
	struct rf_view username;     /* p is NULL when there is none; so below */
	struct rf_view integrity;    /* HMAC-SHA1 */
	struct rf_view integrity256; /* HMAC-SHA256, 16 to 32 bytes */
	bool fingerprint;            /* there is one; that it is right is part of parsing */
	bool use_candidate, controlling, controlled, mapped;
	uint32_t priority;           /* 0: none */
	uint64_t tie_breaker;        /* of controlling or controlled */
	struct rf_stun_addr mapped_address; /* XOR-MAPPED-ADDRESS */
	uint16_t error;              /* ERROR-CODE: 300..699, 0: none */
	uint16_t unknown[RF_STUN_UNKNOWN_MAX]; /* attributes that must be understood and are not: the first of them */
	size_t unknown_count;        /* of all of them; may be more than the array holds */
};

/* bytes stay borrowed. RF_E_UNSUPPORTED: not STUN (first bits, cookie); RF_E_MALFORMED: lengths, an attribute of the
 * wrong size, a FINGERPRINT that is wrong; RF_E_LIMIT. */
int rf_stun_parse(struct rf_view bytes, struct rf_stun *ret_stun);
/* Was it made by one who knows the key (short-term credentials: the password itself)? By HMAC-SHA256 when that is
 * there, else by HMAC-SHA1, which ICE asks for. 0; RF_E_AUTH: no, or nothing that proves it; RF_E_CRYPTO. Constant
 * time. */
int rf_stun_check(const struct rf_stun *m, struct rf_view key);

/* Build: begin, attributes, integrity, fingerprint, done; the writer's error is sticky (base/writer.h). */
void rf_stun_begin(struct rf_writer *w, enum rf_stun_class class, uint16_t method, const uint8_t id[static 12]);
void rf_stun_put_mapped(struct rf_writer *w, const struct rf_stun_addr *a);
void rf_stun_put_error(struct rf_writer *w, uint16_t code); /* without a phrase: 8 bytes */
/* What it had of them, as far as the array goes. */
void rf_stun_put_unknown(struct rf_writer *w, const struct rf_stun *request);
/* MESSAGE-INTEGRITY over all that is there. */
void rf_stun_put_integrity(struct rf_writer *w, struct rf_view key);
void rf_stun_put_fingerprint(struct rf_writer *w);
/* The length field is right at any time: each put mends it. Nothing else ends a message but rf_writer_done(). */

#endif

/* Shared by the files of SRTP, and by its tests, whose vectors begin at session keys.
 *
 *	srtp_suite.c   what the suites are, session keys from a master key
 *	srtp_key.c     a key in force: its OpenSSL contexts; seal and open one packet
 *	srtp_mac.c     HMAC-SHA1 of one packet
 *	srtp_track.c   which indexes of an SSRC were there
 *	srtp_in.c, srtp_out.c   packets: where things stand in them, which key, which index */
#ifndef RF_RTP_SRTP_INT_H
#define RF_RTP_SRTP_INT_H

#include "rtp/srtp.h"

#include <openssl/types.h>

enum {
	RF_SRTP_CIPHER_KEY_MAX = 32,
	RF_SRTP_SALT_BYTES = 14,     /* of AES-CM; GCM uses the first twelve */
	RF_SRTP_AUTH_KEY_BYTES = 20,
	RF_SRTP_MAC_BYTES = 20,
	RF_SRTP_MAC_WORDS = RF_SRTP_MAC_BYTES / 4,
	RF_SRTP_KNOWN_MAX = 1024,    /* keys of a direction that are remembered */
	RF_SRTP_KNOWN_FEW = 4,
	RF_SRTCP_HEAD_BYTES = 8,     /* what stays readable of a compound */
	RF_SRTCP_WORD_BYTES = 4,     /* the E flag and the index */
};

struct rf_srtp_params {
	const char *name;
	const char *cipher;     /* as OpenSSL calls it */
	const char *derivation; /* the block cipher of the key derivation, in counter mode */
	uint8_t key_n, salt_n;
	uint8_t tag_n[2];       /* of SRTP, of SRTCP */
	bool aead;
};
/* NULL for RF_SRTP_NONE and what is no suite. */
const struct rf_srtp_params *rf_srtp_params(enum rf_srtp_suite suite);

enum rf_srtp_kind { RF_SRTP_RTP, RF_SRTP_RTCP };

struct rf_srtp_session {
	uint8_t cipher[RF_SRTP_CIPHER_KEY_MAX];
	uint8_t salt[RF_SRTP_SALT_BYTES];
	uint8_t auth[RF_SRTP_AUTH_KEY_BYTES];
};
/* RFC 3711 4.3.1, for RTP and for RTCP; RF_E_CRYPTO. master: p->key_n and p->salt_n bytes. */
int rf_srtp_derive(const struct rf_srtp_params *p, const uint8_t *master, struct rf_srtp_session ret_session[static 2]);

/* ---- HMAC-SHA1 */

/* SHA-1 after the key's pads. A secret, as the key is. */
struct rf_srtp_mac {
	uint32_t inner[RF_SRTP_MAC_WORDS], outer[RF_SRTP_MAC_WORDS];
};
/* False: OpenSSL cannot. */
bool rf_srtp_mac_init(struct rf_srtp_mac *m, const uint8_t key[static RF_SRTP_AUTH_KEY_BYTES]);
/* Of the text and what stands behind it. */
bool rf_srtp_mac_of(const struct rf_srtp_mac *m, struct rf_view text, struct rf_view behind,
		    uint8_t ret[static RF_SRTP_MAC_BYTES]);

/* ---- a key in force */

struct rf_srtp_key {
	const struct rf_srtp_params *p;
	EVP_CIPHER_CTX *cipher;              /* with one of the session keys in it; NULL: nothing was
					      * encrypted or opened yet */
	enum rf_srtp_kind loaded;            /* which session key the context holds */
	enum rf_srtp_suite suite;
	uint32_t generation;                 /* counts the rekeyings; from 1 */
	bool again;                          /* it was in force before, as far as we know */
	bool sealing;
	bool ready;                          /* session and mac are there: a packet came */
	uint8_t mki_n;
	uint64_t left[2];                    /* packets until it is used up */
	struct rf_srtp_mac mac[2];           /* not of an AEAD */
	struct rf_srtp_session session[2];
	uint8_t master[RF_SRTP_KEY_MAX];     /* and salt: what the key is known by */
	uint8_t mki[];
};

/* Errors as rf_srtp_in_new(). */
int rf_srtp_key_new(const struct rf_srtp_master *master, bool sealing, struct rf_srtp_key **ret_key);
/* Its session keys: derived ones with its first packet, those of a test's vectors. RF_E_CRYPTO. */
int rf_srtp_key_begin(struct rf_srtp_key *key, const struct rf_srtp_session session[static 2]);
/* The same key: suite, master key and salt, MKI. */
bool rf_srtp_key_is(const struct rf_srtp_key *key, const struct rf_srtp_master *master);
struct rf_srtp_master rf_srtp_key_master(const struct rf_srtp_key *key);
void rf_srtp_key_free(struct rf_srtp_key *key);
/* step 0: itself, 1: what OpenSSL has of it (rf_srtp_in_fetch()). */
void rf_srtp_key_fetch(const struct rf_srtp_key *key, unsigned step);

/* Keys that were in force once, by 32 bits of a hash of them. Under one that comes back nothing may begin anew:
 * what it sealed before could be played again, and what we send would have an index twice. */
struct rf_srtp_known {
	uint32_t *id;                        /* few, or on the heap */
	uint16_t n, cap;
	uint32_t few[RF_SRTP_KNOWN_FEW];
};
void rf_srtp_known_init(struct rf_srtp_known *known);
void rf_srtp_known_fini(struct rf_srtp_known *known);
/* Room for so many more, where that is below the bound. -ENOMEM. */
int rf_srtp_known_reserve(struct rf_srtp_known *known, size_t more);
/* Note it, and in it whether it may have been there before: that is taken for granted past the bound. */
void rf_srtp_known_add(struct rf_srtp_known *known, struct rf_srtp_key *key);

/* A packet as the crypto sees it. */
struct rf_srtp_text {
	enum rf_srtp_kind kind;
	uint32_t ssrc;
	uint64_t index;
	uint8_t *buf;
	size_t head, n;     /* text is buf[head..n); what is before it is authenticated only */
	uint8_t word[4];    /* SRTCP: E and index, authenticated too */
};
/* Encrypt the text and write its tag. The two may not overlap. RF_E_CRYPTO. */
int rf_srtp_seal(struct rf_srtp_key *key, const struct rf_srtp_text *text, uint8_t *ret_tag);
/* RF_E_AUTH: the text is as it was. RF_E_CRYPTO. */
int rf_srtp_open(struct rf_srtp_key *key, const struct rf_srtp_text *text, const uint8_t *tag);
/* Is it authentic? Nothing is opened. Not of an AEAD. RF_E_AUTH, RF_E_CRYPTO. */
int rf_srtp_check(struct rf_srtp_key *key, const struct rf_srtp_text *text, const uint8_t *tag);

/* ---- indexes */

struct rf_srtp_track {
	uint64_t top;        /* highest index */
	uint64_t seen[2];    /* of the RF_SRTP_WINDOW up to it; the top is bit 0 of the first */
	uint32_t generation; /* of the newest key that a packet came with; 0: none came yet */
	uint32_t floor;      /* keys older than this one are over: the counter began anew under it */
};
/* 0; RF_E_EXISTS; RF_E_STALE. */
int rf_srtp_track_check(const struct rf_srtp_track *t, uint64_t index);
void rf_srtp_track_take(struct rf_srtp_track *t, uint64_t index);
/* RFC 3711 3.3.1: what index a sequence number stands for. RF_E_STALE: one before the first; RF_E_LIMIT: over 2^48. */
int rf_srtp_track_index(const struct rf_srtp_track *t, uint16_t seq, uint64_t *ret_index);

struct rf_srtp_stream {
	uint32_t ssrc;
	bool doubtful;                 /* it may have been there before, and been forgotten */
	struct rf_srtp_track track[2]; /* RTP, RTCP */
};
struct rf_srtp_streams {
	struct rf_srtp_stream *at;     /* &one, or on the heap */
	uint8_t count, cap, last;
	bool forgot;                   /* one that was there is not any more */
	struct rf_srtp_stream one;     /* most have no second */
};
void rf_srtp_streams_init(struct rf_srtp_streams *s);
void rf_srtp_streams_fini(struct rf_srtp_streams *s);
struct rf_srtp_stream *rf_srtp_streams_find(struct rf_srtp_streams *s, uint32_t ssrc); /* NULL: none */
/* May it have been used before, with what was kept of it forgotten? stream: NULL when it is none that is there. */
bool rf_srtp_streams_doubt(const struct rf_srtp_streams *s, const struct rf_srtp_stream *stream);
/* No place for this SSRC, unless one whose keys were all older than this generation is forgotten? */
bool rf_srtp_streams_full(struct rf_srtp_streams *s, uint32_t ssrc, uint32_t generation);
/* When there is no place those are forgotten. RF_E_LIMIT, -ENOMEM. Others may have moved. */
int rf_srtp_streams_add(struct rf_srtp_streams *s, uint32_t ssrc, uint32_t generation,
			struct rf_srtp_stream **ret_stream);

/* ---- for tests, which cannot wait for 2^31 packets */

struct rf_srtp_in {
	struct rf_srtp_key *key[2 * RF_SRTP_KEYS_MAX]; /* those in force, then the old ones */
	uint8_t current, keys, last;   /* how many are in force; in all; which fitted last */
	uint32_t generation;
	struct rf_srtp_known known;
	struct rf_srtp_streams streams;
};
struct rf_srtp_out {
	struct rf_srtp_key *key;
	struct rf_srtp_known known;
	struct rf_srtp_streams streams;
};

#endif

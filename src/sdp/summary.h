/* What an offer or an answer came to, without a key in it: small, kept by a leg as long as it lives. It feeds the
 * call record and `calls show`, and the check of the answer and of the next offer against it (RFC 3264). */
#ifndef RF_SDP_SUMMARY_H
#define RF_SDP_SUMMARY_H

#include "sdp/crypto.h"
#include "sdp/sdp.h"

enum {
	RF_SDP_LINE_LIVE = 1,  /* port set after policing */
	RF_SDP_LINE_DTLS = 2,  /* keyed by DTLS-SRTP or itself over TLS/DTLS */
	RF_SDP_LINE_SDES = 4,  /* keyed by a=crypto */
	RF_SDP_LINE_ZERO = 8,  /* connection 0.0.0.0 or :: */
	RF_SDP_LINE_REFUSED = 16, /* was live, switched off by policy */
};

struct rf_sdp_line {
	uint8_t kind;      /* enum rf_sdp_kind */
	uint8_t proto;     /* enum rf_sdp_proto */
	uint8_t dir;       /* enum rf_sdp_dir, as its sender sees it */
	uint8_t flags;     /* RF_SDP_LINE_x */
	uint8_t setup;     /* enum rf_sdp_setup */
	uint8_t n_crypto;  /* 0, or in an answer 1 */
	uint8_t suites[RF_SDP_CRYPTO_MAX]; /* enum rf_sdp_suite, in the order sent on */
	uint32_t tags[RF_SDP_CRYPTO_MAX];
};

struct rf_sdp_summary {
	uint8_t n_lines;
	uint8_t answer;     /* 1 for an answer */
	uint16_t removed;   /* crypto and other attributes taken out */
	struct rf_sdp_line lines[RF_SDP_MEDIA_MAX];
};

/* The bytes of s that are in use: a leg may keep only so many of them. */
static inline size_t rf_sdp_summary_bytes(const struct rf_sdp_summary *s)
{
	return offsetof(struct rf_sdp_summary, lines) + s->n_lines * sizeof s->lines[0];
}

/* Is everything that flows protected: at least one live line, each keyed by SDES or DTLS. */
bool rf_sdp_summary_secure(const struct rf_sdp_summary *s);
/* Does the sender of s put the other side on hold: it has live audio or video, and will receive on none of it
 * (sendonly, inactive, or connection 0.0.0.0; RFC 3264 8.4). */
bool rf_sdp_summary_held(const struct rf_sdp_summary *s);
/* The suite of the first live line of this kind for a record: "AEAD_AES_256_GCM", "DTLS-SRTP", "TLS", "none" for
 * unprotected media, "" when there is no such live line. In an offer the first suite offered. Static storage. */
const char *rf_sdp_summary_suite(const struct rf_sdp_summary *s, enum rf_sdp_kind kind);
/* "audio RTP/SAVP AES_CM_128_HMAC_SHA1_80 sendrecv, video off" */
void rf_sdp_summary_text(struct rf_writer *w, const struct rf_sdp_summary *s);

/* The direction as the other side sees it: sendonly <-> recvonly. */
static inline enum rf_sdp_dir rf_sdp_dir_invert(enum rf_sdp_dir d)
{
	return (enum rf_sdp_dir)(((d & 1) << 1) | ((d & 2) >> 1));
}
/* What may be answered to an offered direction by one who wants `wish` (RFC 3264 6.1). */
static inline enum rf_sdp_dir rf_sdp_dir_answer(enum rf_sdp_dir offered, enum rf_sdp_dir wish)
{
	return (enum rf_sdp_dir)(rf_sdp_dir_invert(offered) & wish);
}

#endif

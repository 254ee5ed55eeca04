/* What each robustness level means for signalling and media: one table (level.c). Everything that a level decides by
 * default is a column there; a site file may ask for more than its level, and for less only by a deviation. */
#ifndef RF_SITE_LEVEL_H
#define RF_SITE_LEVEL_H

#include "base/view.h"

enum rf_level { RF_LEVEL_MINIMUM, RF_LEVEL_MEDIUM, RF_LEVEL_HIGHEST, RF_LEVELS };

/* Transports of SIP, as bits. */
enum {
	RF_TRANSPORT_TLS = 1,
	RF_TRANSPORT_TCP = 2,
	RF_TRANSPORT_UDP = 4,
	RF_TRANSPORT_WS = 8,  /* RFC 7118 */
	RF_TRANSPORT_WSS = 16,
};

/* Digest algorithms, as bits; the same numbers as RF_DIGEST_BIT(enum rf_digest_alg) of sip/digest.h. */
enum {
	RF_SITE_DIGEST_SHA256 = 1,
	RF_SITE_DIGEST_SHA512_256 = 2,
	RF_SITE_DIGEST_MD5 = 4,
};

/* SRTP suites, strongest first (RFC 7714, RFC 6188, RFC 4568). */
enum rf_site_suite {
	RF_SITE_AEAD_AES_256_GCM,
	RF_SITE_AEAD_AES_128_GCM,
	RF_SITE_AES_256_CM_HMAC_SHA1_80,
	RF_SITE_AES_CM_128_HMAC_SHA1_80,
	RF_SITE_AES_CM_128_HMAC_SHA1_32,
	RF_SITE_SUITES,
};

enum rf_crypto_profile { RF_CRYPTO_STANDARD, RF_CRYPTO_CNSA };

/* The rules that hold: level, site file and deviations taken together. */
struct rf_policy {
	unsigned transports;      /* RF_TRANSPORT_* that may listen */
	bool ask_certificate;     /* the TLS server asks for a client certificate */
	bool require_certificate; /* and ends the handshake without one; requests need the identity it proves */
	bool require_user;        /* a digest is required from everyone */
	bool media_encrypted;     /* media without SRTP is refused */
	bool keys_need_tls;       /* SDES keys only when both legs are TLS */
	bool dtls_srtp;           /* DTLS-SRTP is let through as well as SDES */
	unsigned digests;         /* RF_SITE_DIGEST_* */
	unsigned suites;          /* bits 1u << enum rf_site_suite */
	enum rf_crypto_profile profile;
	bool softphones;          /* wss may listen (a zone of kind softphone is there) */
	unsigned password_min;    /* characters of a user's password */
};

/* Mitigations (ids of the catalogue) that the rules stand for, for errors and deviations. */
#define RF_MIT_SIGNALING "ph-auth-signaling-encryption"
#define RF_MIT_MEDIA "ph-auth-media-encryption"
#define RF_MIT_MUTUAL "ph-auth-mutual-server"
#define RF_MIT_SOFTPHONES "ph-soft-none"
#define RF_MIT_PASSWORD "ph-auth-digest"
#define RF_MIT_OUTSIDE "pub-encrypt-voip"   /* of a trunk: its signaling, its media */
#define RF_MIT_BORDER "pub-sbc"             /* of a trunk: what a border takes from it */

/* "minimum", "medium", "highest". */
const char *rf_level_name(enum rf_level level);
/* The level's own rules, before site file and deviations. */
const struct rf_policy *rf_level_policy(enum rf_level level);
/* "AEAD_AES_256_GCM" and so on, as RFC 4568 spells it in SDP. */
const char *rf_site_suite_name(enum rf_site_suite suite);
const char *rf_transport_name(unsigned bit);

/* Is id a mitigation of the catalogue (data copied into catalogue.c)? *ret_levels gets bits 1u << level at which the
 * guidance asks for it; 0 when it names no level. ret_levels may be NULL. */
bool rf_mitigation_known(struct rf_view id, unsigned *ret_levels);
/* The same id as a text that lasts, for findings; NULL when it is not known. */
const char *rf_mitigation_id(struct rf_view id);
/* The known id with the smallest edit distance, NULL when none is near. */
const char *rf_mitigation_near(struct rf_view id);

#endif

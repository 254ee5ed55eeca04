/* SDP security descriptions: a=crypto (RFC 4568, suites also of RFC 6188 and 7714), and a=fingerprint (RFC 8122). */
#ifndef RF_SDP_CRYPTO_H
#define RF_SDP_CRYPTO_H

#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"

/* Stronger first: a smaller number is preferred where nobody says otherwise. */
enum rf_sdp_suite {
	RF_SDP_SUITE_NONE,
	RF_SDP_AEAD_AES_256_GCM,
	RF_SDP_AEAD_AES_128_GCM,
	RF_SDP_AES_256_CM_HMAC_SHA1_80,
	RF_SDP_AES_192_CM_HMAC_SHA1_80,
	RF_SDP_AES_CM_128_HMAC_SHA1_80,
	RF_SDP_AES_256_CM_HMAC_SHA1_32, /* a 32-bit tag: one forged packet in four thousand million passes */
	RF_SDP_AES_192_CM_HMAC_SHA1_32,
	RF_SDP_AES_CM_128_HMAC_SHA1_32,
	RF_SDP_SUITE_COUNT,
};
#define RF_SDP_SUITE_BIT(s) (1u << (s))

/* The registered name; "none" for NONE. */
const char *rf_sdp_suite_text(enum rf_sdp_suite suite);
/* By registered name, or a spelling in use for it (AES_CM_256_HMAC_SHA1_80); RF_SDP_SUITE_NONE when we have no such
 * suite. F8_128_HMAC_SHA1_80 and the null ciphers are not among ours. */
enum rf_sdp_suite rf_sdp_suite_of(struct rf_view name);
/* Bytes of master key and salt together, 0 for NONE. */
size_t rf_sdp_suite_key_bytes(enum rf_sdp_suite suite);

enum { RF_SDP_KEYS_MAX = 4 };

struct rf_sdp_key {
	struct rf_view inline_key; /* base64 of key and salt: secret, never to be logged */
	struct rf_view lifetime;   /* "2^31" or decimal, empty when absent */
	struct rf_view mki;        /* "1:4", empty when absent */
};

struct rf_sdp_crypto {
	uint32_t tag;              /* at most 9 digits */
	enum rf_sdp_suite suite;
	struct rf_view suite_name; /* as spelt by the peer */
	uint8_t n_keys;
	struct rf_sdp_key keys[RF_SDP_KEYS_MAX];
	struct rf_view params;     /* session parameters, all understood; empty when there are none */
};

/* Parse the value of a=crypto. Checked: the grammar of RFC 4568 9.2, the key's length for its suite, that the key is
 * not one byte repeated, lifetime from 1 to 2^48, MKI of 1 to 128 bytes, and that every key has an MKI of one length
 * when there are several. Errors: RF_E_MALFORMED; RF_E_UNSUPPORTED for a suite that is not ours or a session parameter
 * that takes protection away (UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP) or is not known;
 * ret_crypto->suite_name is set in that case too. */
int rf_sdp_crypto_parse(struct rf_view value, struct rf_sdp_crypto *ret_crypto);
/* The value again, without "a=crypto:". */
void rf_sdp_crypto_build(struct rf_writer *w, const struct rf_sdp_crypto *c);

/* Is this a=fingerprint well formed and made with SHA-256, SHA-384 or SHA-512. */
bool rf_sdp_fingerprint_strong(struct rf_view value);

enum rf_sdp_setup {
	RF_SDP_SETUP_NONE, RF_SDP_SETUP_ACTIVE, RF_SDP_SETUP_PASSIVE, RF_SDP_SETUP_ACTPASS, RF_SDP_SETUP_HOLDCONN,
};
/* a=setup (RFC 4145 4); NONE when it is none of these. */
enum rf_sdp_setup rf_sdp_setup_of(struct rf_view value);

#endif

#include "rtp/dtls_int.h"

/* Names and numbers of DTLS-SRTP, and what its keys are cut from: the same for both versions. */

static const struct {
	enum rf_srtp_suite suite;
	unsigned long id;
	const char *name; /* as OpenSSL calls it */
} profiles[] = {
	{ RF_SRTP_AEAD_AES_256_GCM, SRTP_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM" },
	{ RF_SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM" },
	{ RF_SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES128_CM_SHA1_80, "SRTP_AES128_CM_SHA1_80" },
	{ RF_SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AES128_CM_SHA1_32, "SRTP_AES128_CM_SHA1_32" },
};
enum { PROFILES = sizeof profiles / sizeof *profiles };

const char *rf_dtls_why_name(enum rf_dtls_why why)
{
	static const char *const names[RF_DTLS_WHYS] = {
		"none", "fingerprint", "no-certificate", "profile", "version", "cipher", "alert", "timeout", "limit",
		"protocol", "local",
	};

	return why < RF_DTLS_WHYS ? names[why] : "none";
}

enum rf_dtls_setup rf_dtls_setup_answer(enum rf_dtls_setup theirs, enum rf_dtls_setup preferred)
{
	if (theirs != RF_DTLS_ACTPASS)
		return theirs == RF_DTLS_ACTIVE ? RF_DTLS_PASSIVE : RF_DTLS_ACTIVE;
	return preferred == RF_DTLS_PASSIVE ? RF_DTLS_PASSIVE : RF_DTLS_ACTIVE;
}

uint16_t rf_dtls_profile_of(enum rf_srtp_suite suite)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (profiles[i].suite == suite)
			return (uint16_t)profiles[i].id;
	return 0;
}

enum rf_srtp_suite rf_dtls_suite_of(uint16_t profile)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (profiles[i].id == profile)
			return profiles[i].suite;
	return RF_SRTP_NONE;
}

const char *rf_dtls_profile_name(enum rf_srtp_suite suite)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (profiles[i].suite == suite)
			return profiles[i].name;
	return "";
}

void rf_dtls_split_keys(struct rf_dtls *d, enum rf_srtp_suite suite, const uint8_t *material)
{
	size_t n = rf_srtp_key_bytes(suite), key_n = suite == RF_SRTP_AEAD_AES_256_GCM ? 32 : 16, salt_n = n - key_n;
	uint8_t *client = d->server ? d->keys.in : d->keys.out, *server = d->server ? d->keys.out : d->keys.in;

	memcpy(client, material, key_n);
	memcpy(server, material + key_n, key_n);
	memcpy(client + key_n, material + 2 * key_n, salt_n);
	memcpy(server + key_n, material + 2 * key_n + salt_n, salt_n);
	d->keys.suite = suite;
	d->keys.n = n;
	d->has_keys = true;
}

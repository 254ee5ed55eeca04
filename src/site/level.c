#include "site/level.h"

#include "site/catalogue.h"
#include "site/near.h"

#define ALL_SUITES ((1u << RF_SITE_SUITES) - 1)
#define SHA2 (RF_SITE_DIGEST_SHA256 | RF_SITE_DIGEST_SHA512_256)

/* minimum: the server proves itself, a password is enough for the phone (ph-auth-digest).
 * medium: the phone proves itself by its certificate (ph-auth-mutual-server, ph-auth-signaling-encryption).
 * highest: the person as well, and only what the CNSA suite names. Under DTLS-SRTP the two phones agree on a suite
 * that no server sees, so it cannot be held to that suite and is off there. */
static const struct rf_policy policies[RF_LEVELS] = {
	[RF_LEVEL_MINIMUM] = {
		.transports = RF_TRANSPORT_TLS, .ask_certificate = true,
		.media_encrypted = true, .keys_need_tls = true, .dtls_srtp = true, .digests = SHA2,
		.suites = ALL_SUITES, .profile = RF_CRYPTO_STANDARD,
		.softphones = true, .password_min = 10,
	},
	[RF_LEVEL_MEDIUM] = {
		.transports = RF_TRANSPORT_TLS, .ask_certificate = true, .require_certificate = true,
		.media_encrypted = true, .keys_need_tls = true, .dtls_srtp = true, .digests = SHA2,
		.suites = ALL_SUITES & ~(1u << RF_SITE_AES_CM_128_HMAC_SHA1_32), .profile = RF_CRYPTO_STANDARD,
		.password_min = 12,
	},
	[RF_LEVEL_HIGHEST] = {
		.transports = RF_TRANSPORT_TLS, .ask_certificate = true, .require_certificate = true,
		.require_user = true, .media_encrypted = true, .keys_need_tls = true, .digests = SHA2,
		.suites = 1u << RF_SITE_AEAD_AES_256_GCM, .profile = RF_CRYPTO_CNSA, .password_min = 15,
	},
};

const char *rf_level_name(enum rf_level level)
{
	static const char *const names[RF_LEVELS] = { "minimum", "medium", "highest" };

	return (unsigned)level < RF_LEVELS ? names[level] : "?";
}

const struct rf_policy *rf_level_policy(enum rf_level level)
{
	return &policies[(unsigned)level < RF_LEVELS ? level : RF_LEVEL_HIGHEST];
}

const char *rf_site_suite_name(enum rf_site_suite suite)
{
	static const char *const names[RF_SITE_SUITES] = {
		"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80",
		"AES_CM_128_HMAC_SHA1_32",
	};

	return (unsigned)suite < RF_SITE_SUITES ? names[suite] : "?";
}

const char *rf_transport_name(unsigned bit)
{
	switch (bit) {
	case RF_TRANSPORT_TLS:
		return "tls";
	case RF_TRANSPORT_TCP:
		return "tcp";
	case RF_TRANSPORT_UDP:
		return "udp";
	case RF_TRANSPORT_WS:
		return "ws";
	case RF_TRANSPORT_WSS:
		return "wss";
	default:
		return "?";
	}
}

static const struct rf_mitigation *find_mitigation(struct rf_view id)
{
	size_t low = 0, high = rf_catalogue_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = rf_view_cmp(id, rf_view_str(rf_catalogue[mid].id));

		if (order == 0)
			return &rf_catalogue[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

bool rf_mitigation_known(struct rf_view id, unsigned *ret_levels)
{
	const struct rf_mitigation *m = find_mitigation(id);

	if (m && ret_levels)
		*ret_levels = m->levels;
	return m != NULL;
}

const char *rf_mitigation_id(struct rf_view id)
{
	const struct rf_mitigation *m = find_mitigation(id);

	return m ? m->id : NULL;
}

const char *rf_mitigation_near(struct rf_view id)
{
	const char *near = NULL;
	unsigned best = RF_NEAR_MAX;

	for (size_t i = 0; i < rf_catalogue_count; i++) {
		unsigned d = rf_near_distance(id, rf_view_str(rf_catalogue[i].id));

		if (d < best) {
			best = d;
			near = rf_catalogue[i].id;
		}
	}
	return near && rf_near_enough(best, id.n) ? near : NULL;
}

#include "base/reader.h"
#include "base/secret.h"
#include "sdp/chars.h"
#include "sdp/crypto.h"

struct suite {
	struct rf_view name;
	enum rf_sdp_suite suite;
	uint8_t key_bytes; /* master key and master salt */
};
#define SUITE(lit, s, n) { { (const uint8_t *)lit, sizeof(lit) - 1 }, s, n }

/* RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2: key 16, 24 or 32 bytes; salt 14, with GCM 12. By enum rf_sdp_suite; other
 * spellings in use come after. */
static const struct suite suites[] = {
	SUITE("none", RF_SDP_SUITE_NONE, 0),
	SUITE("AEAD_AES_256_GCM", RF_SDP_AEAD_AES_256_GCM, 44),
	SUITE("AEAD_AES_128_GCM", RF_SDP_AEAD_AES_128_GCM, 28),
	SUITE("AES_256_CM_HMAC_SHA1_80", RF_SDP_AES_256_CM_HMAC_SHA1_80, 46),
	SUITE("AES_192_CM_HMAC_SHA1_80", RF_SDP_AES_192_CM_HMAC_SHA1_80, 38),
	SUITE("AES_CM_128_HMAC_SHA1_80", RF_SDP_AES_CM_128_HMAC_SHA1_80, 30),
	SUITE("AES_256_CM_HMAC_SHA1_32", RF_SDP_AES_256_CM_HMAC_SHA1_32, 46),
	SUITE("AES_192_CM_HMAC_SHA1_32", RF_SDP_AES_192_CM_HMAC_SHA1_32, 38),
	SUITE("AES_CM_128_HMAC_SHA1_32", RF_SDP_AES_CM_128_HMAC_SHA1_32, 30),
	SUITE("AES_CM_256_HMAC_SHA1_80", RF_SDP_AES_256_CM_HMAC_SHA1_80, 46),
	SUITE("AES_CM_192_HMAC_SHA1_80", RF_SDP_AES_192_CM_HMAC_SHA1_80, 38),
	SUITE("AES_CM_256_HMAC_SHA1_32", RF_SDP_AES_256_CM_HMAC_SHA1_32, 46),
	SUITE("AES_CM_192_HMAC_SHA1_32", RF_SDP_AES_192_CM_HMAC_SHA1_32, 38),
};
enum { KEY_BYTES_MAX = 46, LIFETIME_MAX_BITS = 48, MKI_BYTES_MAX = 128 };

const char *rf_sdp_suite_text(enum rf_sdp_suite suite)
{
	return (const char *)suites[suite < RF_SDP_SUITE_COUNT ? suite : 0].name.p;
}

size_t rf_sdp_suite_key_bytes(enum rf_sdp_suite suite)
{
	return suite < RF_SDP_SUITE_COUNT ? suites[suite].key_bytes : 0;
}

enum rf_sdp_suite rf_sdp_suite_of(struct rf_view name)
{
	for (size_t i = 1; i < sizeof suites / sizeof suites[0]; i++)
		if (suites[i].name.n == name.n && rf_view_eq_nocase(suites[i].name, name))
			return suites[i].suite;
	return RF_SDP_SUITE_NONE;
}

static int base64_value(uint8_t c)
{
	if ((uint8_t)(c - 'A') < 26)
		return c - 'A';
	if ((uint8_t)(c - 'a') < 26)
		return c - 'a' + 26;
	if ((uint8_t)(c - '0') < 10)
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode v into exactly want bytes. The padding may be missing: RFC 4568 asks for it, some phones leave it out. */
static bool decode_key(struct rf_view v, uint8_t *dst, size_t want)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0, pad = 0;

	while (v.n && v.p[v.n - 1] == '=' && pad < 2) {
		v.n--;
		pad++;
	}
	if (pad && (v.n + pad) % 4)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		int x = base64_value(v.p[i]);

		if (x < 0)
			return false;
		bits = (bits << 6 | (uint32_t)x) & 0xffffff;
		have += 6;
		if (have >= 8) {
			if (n == want)
				return false;
			have -= 8;
			dst[n++] = (uint8_t)(bits >> have);
		}
	}
	return n == want && have < 6 && (bits & ((1u << have) - 1)) == 0;
}

/* Of the right length for the suite, and not one byte over and over: what a phone without randomness sends. */
static bool key_usable(struct rf_view v, size_t want)
{
	uint8_t key[KEY_BYTES_MAX], differ = 0;
	bool ok = decode_key(v, key, want);

	for (size_t i = 1; ok && i < want; i++)
		differ |= key[i] ^ key[0];
	rf_secret_wipe(key, sizeof key);
	return ok && differ;
}

static bool lifetime_valid(struct rf_view v)
{
	uint64_t x;

	if (rf_view_starts(v, RF_V("2^")))
		return rf_view_u64(rf_view_from(v, 2), LIFETIME_MAX_BITS, &x);
	return rf_view_u64(v, 1ull << LIFETIME_MAX_BITS, &x) && x > 0;
}

/* "value:length": a number and how many bytes it takes in the packet. */
static bool mki_valid(struct rf_view v, uint64_t *ret_bytes)
{
	size_t colon = rf_view_find(v, ':');
	struct rf_view digits = rf_view_sub(v, 0, colon);
	uint64_t x, bytes;

	if (colon == v.n || !rf_view_u64(rf_view_from(v, colon + 1), MKI_BYTES_MAX, &bytes) || bytes == 0 ||
	    !rf_sdp_all(digits, rf_sdp_is_digit))
		return false;
	if (bytes < 8 && (!rf_view_u64(digits, UINT64_MAX, &x) || x >> (8 * bytes)))
		return false;
	*ret_bytes = bytes;
	return true;
}

/* inline:KEY["|"lifetime]["|"MKI:length]; what has a colon is the MKI (RFC 4568 9.2). */
static bool parse_key(struct rf_view v, size_t want, struct rf_sdp_key *k, uint64_t *ret_mki_bytes)
{
	struct rf_reader r;
	struct rf_view part;

	if (!rf_view_starts_nocase(v, RF_V("inline:")))
		return false;
	r = rf_reader_of(rf_view_from(v, 7));
	*k = (struct rf_sdp_key){ .inline_key = rf_take_until(&r, '|') };
	*ret_mki_bytes = 0;
	if (!key_usable(k->inline_key, want))
		return false;
	if (v.p[v.n - 1] == '|')
		return false;
	while (rf_left(&r)) {
		part = rf_take_until(&r, '|');
		if (rf_view_find(part, ':') < part.n) {
			if (k->mki.n || !mki_valid(part, ret_mki_bytes))
				return false;
			k->mki = part;
		} else {
			if (k->lifetime.n || k->mki.n || !lifetime_valid(part))
				return false;
			k->lifetime = part;
		}
	}
	return true;
}

static bool parse_keys(struct rf_view v, struct rf_sdp_crypto *c)
{
	size_t want = rf_sdp_suite_key_bytes(c->suite);
	uint64_t mki_bytes = 0, first = 0;

	while (v.n) {
		size_t n = rf_view_find(v, ';');

		if (c->n_keys == RF_SDP_KEYS_MAX ||
		    !parse_key(rf_view_sub(v, 0, n), want, &c->keys[c->n_keys], &mki_bytes) || n + 1 == v.n)
			return false;
		if (c->n_keys == 0)
			first = mki_bytes;
		c->n_keys++;
		v = rf_view_from(v, n + 1);
		/* Several keys need an MKI each, all of one length, to be told apart (RFC 4568 6.1). */
		if (mki_bytes != first || (mki_bytes == 0 && (c->n_keys > 1 || v.n)))
			return false;
	}
	return c->n_keys > 0;
}

/* Parameters that change nothing about the protection: KDR=n, WSH=n, FEC_ORDER=x (RFC 4568 6.3). FEC_KEY would bring
 * keys that are not looked at here, the UN... ones take protection away, others we cannot judge. */
static bool param_harmless(struct rf_view v)
{
	size_t eq = rf_view_find(v, '=');
	struct rf_view name = rf_view_sub(v, 0, eq), value = rf_view_from(v, eq + 1);
	uint64_t x;

	if (rf_view_eq_nocase(name, RF_V("KDR")))
		return rf_view_u64(value, 24, &x);
	if (rf_view_eq_nocase(name, RF_V("WSH")))
		return rf_view_u64(value, 1u << 20, &x) && x >= 64;
	return rf_view_eq_nocase(name, RF_V("FEC_ORDER")) &&
	       (rf_view_eq(value, RF_V("FEC_SRTP")) || rf_view_eq(value, RF_V("SRTP_FEC")));
}

static bool params_harmless(struct rf_view v)
{
	while (v.n) {
		size_t n = rf_view_find(v, ' ');

		if (!param_harmless(rf_view_sub(v, 0, n)))
			return false;
		v = rf_view_from(v, n + 1);
	}
	return true;
}

int rf_sdp_crypto_parse(struct rf_view value, struct rf_sdp_crypto *ret_crypto)
{
	struct rf_view v = rf_view_trim(value);
	struct rf_reader r = rf_reader_of(v);
	struct rf_view tag = rf_take_until(&r, ' '), keys;
	struct rf_sdp_crypto c = { 0 };
	uint64_t number;

	if (!rf_view_u64(tag, 999999999, &number) || tag.n > 9)
		return RF_E_MALFORMED;
	c.tag = (uint32_t)number;
	c.suite_name = rf_take_until(&r, ' ');
	keys = rf_take_until(&r, ' ');
	c.params = rf_take(&r, rf_left(&r));
	ret_crypto->suite_name = c.suite_name;
	if (!rf_sdp_all(c.suite_name, rf_sdp_is_token))
		return RF_E_MALFORMED;
	c.suite = rf_sdp_suite_of(c.suite_name);
	if (c.suite == RF_SDP_SUITE_NONE)
		return RF_E_UNSUPPORTED;
	if (!parse_keys(keys, &c))
		return RF_E_MALFORMED;
	if (!params_harmless(c.params))
		return RF_E_UNSUPPORTED;
	*ret_crypto = c;
	return 0;
}

void rf_sdp_crypto_build(struct rf_writer *w, const struct rf_sdp_crypto *c)
{
	rf_put_u64(w, c->tag);
	rf_put_byte(w, ' ');
	rf_put(w, c->suite_name);
	for (size_t i = 0; i < c->n_keys; i++) {
		const struct rf_sdp_key *k = &c->keys[i];

		rf_put_byte(w, i ? ';' : ' ');
		rf_put_lit(w, "inline:");
		rf_put(w, k->inline_key);
		if (k->lifetime.n) {
			rf_put_byte(w, '|');
			rf_put(w, k->lifetime);
		}
		if (k->mki.n) {
			rf_put_byte(w, '|');
			rf_put(w, k->mki);
		}
	}
	if (c->params.n) {
		rf_put_byte(w, ' ');
		rf_put(w, c->params);
	}
}

/* "sha-256 AA:BB:...": as many pairs as the hash has bytes. */
bool rf_sdp_fingerprint_strong(struct rf_view value)
{
	static const struct {
		struct rf_view name;
		size_t bytes;
	} hashes[] = {
		{ { (const uint8_t *)"sha-256", 7 }, 32 },
		{ { (const uint8_t *)"sha-384", 7 }, 48 },
		{ { (const uint8_t *)"sha-512", 7 }, 64 },
	};
	struct rf_view v = rf_view_trim(value), hex, name;
	size_t space = rf_view_find(v, ' '), bytes = 0;

	name = rf_view_sub(v, 0, space);
	hex = rf_view_from(v, space + 1);
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		if (rf_view_eq_nocase(hashes[i].name, name))
			bytes = hashes[i].bytes;
	if (bytes == 0 || hex.n != 3 * bytes - 1)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		bool digit = rf_sdp_is_digit(hex.p[i]) || (uint8_t)(rf_lower(hex.p[i]) - 'a') < 6;

		if (i % 3 == 2 ? hex.p[i] != ':' : !digit)
			return false;
	}
	return true;
}

enum rf_sdp_setup rf_sdp_setup_of(struct rf_view value)
{
	struct rf_view v = rf_view_trim(value);

	if (rf_view_eq_nocase(v, RF_V("active")))
		return RF_SDP_SETUP_ACTIVE;
	if (rf_view_eq_nocase(v, RF_V("passive")))
		return RF_SDP_SETUP_PASSIVE;
	if (rf_view_eq_nocase(v, RF_V("actpass")))
		return RF_SDP_SETUP_ACTPASS;
	return rf_view_eq_nocase(v, RF_V("holdconn")) ? RF_SDP_SETUP_HOLDCONN : RF_SDP_SETUP_NONE;
}

#include "rtp/stun_int.h"

#include "base/reader.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

bool rf_stun_addr_eq(const struct rf_stun_addr *a, const struct rf_stun_addr *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

uint32_t rf_stun_crc(struct rf_view v)
{
	/* Half a byte at a time: a table of sixteen is enough for messages of a hundred bytes. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < v.n; i++) {
		crc ^= v.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc ^ 0x5354554e;
}

int rf_stun_hmac(struct rf_view message, size_t n, bool sha256, size_t mac_n, struct rf_view key,
		 uint8_t ret_mac[static 32])
{
	size_t says = n - RF_STUN_HEAD_BYTES + 4 + mac_n;
	uint8_t copy[RF_STUN_BYTES_MAX];
	unsigned out;

	if (n > sizeof copy || key.n > INT32_MAX)
		return RF_E_LIMIT;
	memcpy(copy, message.p, n);
	copy[2] = (uint8_t)(says >> 8);
	copy[3] = (uint8_t)says;
	return HMAC(sha256 ? EVP_sha256() : EVP_sha1(), key.p ? key.p : copy, (int)key.n, copy, n, ret_mac, &out) ?
	       0 : RF_E_CRYPTO;
}

/* --- attributes */

static int take_username(struct rf_stun *m, struct rf_view v)
{
	m->username = v;
	return v.n <= RF_STUN_USERNAME_MAX ? 0 : RF_E_LIMIT;
}

static int take_integrity(struct rf_stun *m, struct rf_view v)
{
	m->integrity = v;
	return v.n == 20 ? 0 : RF_E_MALFORMED;
}

static int take_integrity256(struct rf_stun *m, struct rf_view v)
{
	m->integrity256 = v;
	return v.n >= 16 && v.n <= 32 && v.n % 4 == 0 ? 0 : RF_E_MALFORMED;
}

static int take_mapped(struct rf_stun *m, struct rf_view v)
{
	struct rf_reader r = rf_reader_of(v);
	struct rf_stun_addr *a = &m->mapped_address;
	uint8_t family;
	struct rf_view ip;

	rf_take_u8(&r);
	family = rf_take_u8(&r);
	a->port = rf_take_be16(&r) ^ (uint16_t)(RF_STUN_COOKIE >> 16);
	ip = rf_take(&r, family == 1 ? 4 : 16);
	if (rf_reader_end(&r) || (family != 1 && family != 2))
		return RF_E_MALFORMED;
	a->family = family == 1 ? 4 : 6;
	/* Laid over with cookie and transaction, which stand one behind the other in the head. */
	for (size_t i = 0; i < ip.n; i++)
		a->ip[i] = ip.p[i] ^ m->bytes.p[4 + i];
	m->mapped = true;
	return 0;
}

static int take_error(struct rf_stun *m, struct rf_view v)
{
	if (v.n < 4 || (v.p[2] & 7) < 3 || (v.p[2] & 7) > 6 || v.p[3] > 99)
		return RF_E_MALFORMED;
	m->error = (uint16_t)((v.p[2] & 7) * 100 + v.p[3]);
	return 0;
}

static int take_priority(struct rf_stun *m, struct rf_view v)
{
	struct rf_reader r = rf_reader_of(v);

	m->priority = rf_take_be32(&r);
	return rf_reader_end(&r);
}

static int take_use_candidate(struct rf_stun *m, struct rf_view v)
{
	m->use_candidate = true;
	return v.n == 0 ? 0 : RF_E_MALFORMED;
}

static int take_role(struct rf_stun *m, struct rf_view v, bool *ret_role)
{
	struct rf_reader r = rf_reader_of(v);
	uint64_t high = rf_take_be32(&r);

	m->tie_breaker = high << 32 | rf_take_be32(&r);
	*ret_role = true;
	return rf_reader_end(&r);
}

static int take_controlling(struct rf_stun *m, struct rf_view v)
{
	return take_role(m, v, &m->controlling);
}

static int take_controlled(struct rf_stun *m, struct rf_view v)
{
	return take_role(m, v, &m->controlled);
}

static int take_fingerprint(struct rf_stun *m, struct rf_view v)
{
	struct rf_reader r = rf_reader_of(v);
	uint32_t crc = rf_take_be32(&r);

	m->fingerprint = true;
	/* The last one, over all before it. */
	if (rf_reader_end(&r) || v.p + v.n != m->bytes.p + m->bytes.n)
		return RF_E_MALFORMED;
	return crc == rf_stun_crc(rf_view_sub(m->bytes, 0, m->bytes.n - 8)) ? 0 : RF_E_MALFORMED;
}

static int take_nothing(struct rf_stun *m, struct rf_view v)
{
	(void)m;
	(void)v;
	return 0;
}

static const struct {
	uint16_t type;
	bool signs; /* counts even behind the integrity */
	int (*take)(struct rf_stun *m, struct rf_view value);
} known[] = {
	{ RF_STUN_USERNAME, false, take_username },
	{ RF_STUN_INTEGRITY, false, take_integrity },
	{ RF_STUN_ERROR_CODE, false, take_error },
	{ RF_STUN_UNKNOWN_ATTRIBUTES, false, take_nothing },
	{ RF_STUN_INTEGRITY_SHA256, true, take_integrity256 },
	{ RF_STUN_XOR_MAPPED_ADDRESS, false, take_mapped },
	{ RF_STUN_PRIORITY, false, take_priority },
	{ RF_STUN_USE_CANDIDATE, false, take_use_candidate },
	{ RF_STUN_FINGERPRINT, true, take_fingerprint },
	{ RF_STUN_ICE_CONTROLLED, false, take_controlled },
	{ RF_STUN_ICE_CONTROLLING, false, take_controlling },
};
enum { KNOWN = sizeof known / sizeof *known };

static int take_unknown(struct rf_stun *m, uint16_t type)
{
	if (type >= 0x8000) /* may be passed over (RFC 8489 14) */
		return 0;
	if (m->unknown_count < RF_STUN_UNKNOWN_MAX)
		m->unknown[m->unknown_count] = type;
	m->unknown_count++;
	return 0;
}

static int take_attr(struct rf_stun *m, uint32_t *seen, uint16_t type, struct rf_view value)
{
	bool signed_yet = m->integrity.p || m->integrity256.p;

	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].type != type)
			continue;
		if ((signed_yet && !known[i].signs) || *seen & 1u << i)
			return 0;
		*seen |= 1u << i;
		return known[i].take(m, value);
	}
	return signed_yet ? 0 : take_unknown(m, type);
}

static int take_attrs(struct rf_stun *m, struct rf_reader *r)
{
	uint32_t seen = 0;
	int rc = 0;

	for (unsigned count = 0; !rc && !r->err && rf_left(r); count++) {
		uint16_t type = rf_take_be16(r), n = rf_take_be16(r);
		struct rf_view value = rf_take(r, n);

		rf_take(r, -(size_t)n & 3);
		if (count == RF_STUN_ATTRS_MAX)
			return RF_E_LIMIT;
		if (m->fingerprint)
			return RF_E_MALFORMED;
		if (!r->err)
			rc = take_attr(m, &seen, type, value);
	}
	return rc ? rc : rf_reader_end(r);
}

int rf_stun_parse(struct rf_view bytes, struct rf_stun *ret_stun)
{
	struct rf_reader r = rf_reader_of(bytes);
	struct rf_stun m = { .bytes = bytes };
	uint16_t type = rf_take_be16(&r), n = rf_take_be16(&r);
	uint32_t cookie = rf_take_be32(&r);
	struct rf_view id = rf_take(&r, sizeof m.id);

	if (r.err || type >= 0x4000 || cookie != RF_STUN_COOKIE)
		return RF_E_UNSUPPORTED;
	if (bytes.n > RF_STUN_BYTES_MAX)
		return RF_E_LIMIT;
	if (n % 4 || n != rf_left(&r))
		return RF_E_MALFORMED;
	memcpy(m.id, id.p, sizeof m.id);
	/* RFC 8489 5: the class's two bits stand within the method's. */
	m.class = (enum rf_stun_class)((type >> 4 & 1) | (type >> 7 & 2));
	m.method = (uint16_t)((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
	int rc = take_attrs(&m, &r);

	if (!rc)
		*ret_stun = m;
	return rc;
}

int rf_stun_check(const struct rf_stun *m, struct rf_view key)
{
	struct rf_view given = m->integrity256.p ? m->integrity256 : m->integrity;
	uint8_t mac[32];

	if (!given.p)
		return RF_E_AUTH;
	int rc = rf_stun_hmac(m->bytes, (size_t)(given.p - m->bytes.p) - 4, m->integrity256.p, given.n, key, mac);

	if (!rc && !rf_secret_eq(rf_view_of(mac, given.n), given))
		rc = RF_E_AUTH;
	rf_secret_wipe(mac, sizeof mac);
	return rc;
}

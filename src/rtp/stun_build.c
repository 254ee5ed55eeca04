#include "rtp/stun_int.h"

static void put_be16(struct rf_writer *w, uint16_t x)
{
	rf_put_byte(w, (uint8_t)(x >> 8));
	rf_put_byte(w, (uint8_t)x);
}

static void put_be32(struct rf_writer *w, uint32_t x)
{
	put_be16(w, (uint16_t)(x >> 16));
	put_be16(w, (uint16_t)x);
}

/* What the head says is what is there. */
static void mend_length(struct rf_writer *w)
{
	size_t n = w->n - RF_STUN_HEAD_BYTES;

	if (w->err)
		return;
	w->buf[2] = (uint8_t)(n >> 8);
	w->buf[3] = (uint8_t)n;
}

static void put_attr(struct rf_writer *w, uint16_t type, struct rf_view value)
{
	static const uint8_t zero[3];

	put_be16(w, type);
	put_be16(w, (uint16_t)value.n);
	rf_put(w, value);
	rf_put(w, rf_view_of(zero, -value.n & 3));
	mend_length(w);
}

void rf_stun_begin(struct rf_writer *w, enum rf_stun_class class, uint16_t method, const uint8_t id[static 12])
{
	put_be16(w, (uint16_t)((method & 0xf) | (method & 0x70) << 1 | (method & 0xf80) << 2 |
			       ((unsigned)class & 1) << 4 | ((unsigned)class & 2) << 7));
	put_be16(w, 0);
	put_be32(w, RF_STUN_COOKIE);
	rf_put(w, rf_view_of(id, 12));
}

void rf_stun_put_mapped(struct rf_writer *w, const struct rf_stun_addr *a)
{
	uint16_t port = a->port ^ (uint16_t)(RF_STUN_COOKIE >> 16);
	uint8_t value[20] = { 0, a->family == 4 ? 1 : 2, (uint8_t)(port >> 8), (uint8_t)port };
	size_t n = a->family == 4 ? 4 : 16;

	for (size_t i = 0; !w->err && i < n; i++)
		value[4 + i] = a->ip[i] ^ w->buf[4 + i];
	put_attr(w, RF_STUN_XOR_MAPPED_ADDRESS, rf_view_of(value, 4 + n));
}

void rf_stun_put_error(struct rf_writer *w, uint16_t code)
{
	uint8_t value[4] = { 0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100) };

	put_attr(w, RF_STUN_ERROR_CODE, rf_view_of(value, sizeof value));
}

void rf_stun_put_unknown(struct rf_writer *w, const struct rf_stun *request)
{
	size_t n = request->unknown_count < RF_STUN_UNKNOWN_MAX ? request->unknown_count : RF_STUN_UNKNOWN_MAX;
	uint8_t value[2 * RF_STUN_UNKNOWN_MAX];

	for (size_t i = 0; i < n; i++) {
		value[2 * i] = (uint8_t)(request->unknown[i] >> 8);
		value[2 * i + 1] = (uint8_t)request->unknown[i];
	}
	put_attr(w, RF_STUN_UNKNOWN_ATTRIBUTES, rf_view_of(value, 2 * n));
}

void rf_stun_put_integrity(struct rf_writer *w, struct rf_view key)
{
	uint8_t mac[32];

	if (!w->err)
		w->err = rf_stun_hmac(rf_view_of(w->buf, w->n), w->n, false, 20, key, mac);
	if (!w->err)
		put_attr(w, RF_STUN_INTEGRITY, rf_view_of(mac, 20));
}

/* The sum covers a head that counts the fingerprint already (RFC 8489 14.7). */
void rf_stun_put_fingerprint(struct rf_writer *w)
{
	size_t before = w->n;
	uint8_t value[4] = { 0 };

	put_attr(w, RF_STUN_FINGERPRINT, rf_view_of(value, sizeof value));
	if (w->err)
		return;
	uint32_t crc = rf_stun_crc(rf_view_of(w->buf, before));

	for (size_t i = 0; i < 4; i++)
		w->buf[before + 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

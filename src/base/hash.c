#include "base/hash.h"

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = rotl(s->b, 13) ^ s->a;
	s->a = rotl(s->a, 32);
	s->c += s->d;
	s->d = rotl(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = rotl(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = rotl(s->b, 17) ^ s->c;
	s->c = rotl(s->c, 32);
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->d ^= m;
	sip_round(s);
	s->a ^= m;
}

static inline uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)p[i] << (8 * i);
	return m;
}

/* Eight bytes at once: 'A'..'Z' to small letters, everything else as it was. */
static inline uint64_t lower8(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t seven = x & (ones * 0x7f);
	uint64_t ge_a = seven + ones * (0x80 - 'A');
	uint64_t gt_z = seven + ones * (0x80 - 'Z' - 1);
	uint64_t upper = ge_a & ~gt_z & ~x & (ones * 0x80);

	return x | upper >> 2;
}

static inline uint64_t siphash13(const struct rf_hash_key *key, struct rf_view v, bool nocase)
{
	struct sip s = { key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du, key->k0 ^ 0x6c7967656e657261u,
			 key->k1 ^ 0x7465646279746573u };
	size_t i = 0;

	for (; v.n - i >= 8; i += 8) {
		uint64_t m = load_le(v.p + i, 8);

		sip_word(&s, nocase ? lower8(m) : m);
	}
	uint64_t last = v.n > i ? load_le(v.p + i, v.n - i) : 0;
	sip_word(&s, (nocase ? lower8(last) : last) | (uint64_t)v.n << 56);
	s.c ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t rf_hash(const struct rf_hash_key *key, struct rf_view v)
{
	return siphash13(key, v, false);
}

uint64_t rf_hash_nocase(const struct rf_hash_key *key, struct rf_view v)
{
	return siphash13(key, v, true);
}

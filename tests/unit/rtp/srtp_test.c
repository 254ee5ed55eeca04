/* What SRTP does with packets, for every suite: nothing twice, nothing that is not authentic, nothing learned from
 * it. */
#include "rtp/srtp_int.h"

#include "fail_alloc.h"
#include "guard.h"
#include "rtp/rtp.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { TEXT = 20, CAP = 512, BYTES = RF_RTP_HEAD_BYTES + TEXT };

#define EACH_SUITE(suite) (enum rf_srtp_suite suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++)

static uint8_t key_bytes[256][RF_SRTP_KEY_MAX];

/* The n-th key. */
static struct rf_srtp_master master(enum rf_srtp_suite suite, uint8_t n, struct rf_view mki)
{
	memset(key_bytes[n], n, sizeof key_bytes[n]);
	return (struct rf_srtp_master){ suite, rf_view_of(key_bytes[n], rf_srtp_key_bytes(suite)), mki, 0 };
}

struct pair {
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
};

static struct pair pair(enum rf_srtp_suite suite)
{
	struct rf_srtp_master m = master(suite, 1, RF_V(""));
	struct pair p;

	assert_int_equal(rf_srtp_out_new(&m, &p.out), 0);
	assert_int_equal(rf_srtp_in_new(&m, 1, &p.in), 0);
	return p;
}

static void unpair(struct pair *p)
{
	rf_srtp_out_free(p->out);
	rf_srtp_in_free(p->in);
}

struct bytes {
	uint8_t at[CAP];
	size_t n;
};

static struct bytes rtp(uint32_t ssrc, uint16_t seq)
{
	struct rf_rtp_head head = { .seq = seq, .ssrc = ssrc };
	struct bytes b = { .n = BYTES };

	rf_rtp_head_put(&head, b.at);
	for (uint8_t i = 0; i < TEXT; i++)
		b.at[RF_RTP_HEAD_BYTES + i] = i;
	return b;
}

static struct bytes rtcp(uint32_t ssrc)
{
	struct bytes b = { { 0x80, RF_SRTP_RTCP + 200, 0, 6, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16),
			     (uint8_t)(ssrc >> 8), (uint8_t)ssrc, 1, 2, 3 },
			   28 };

	return b;
}

static struct bytes seal_rtp(struct rf_srtp_out *out, uint32_t ssrc, uint16_t seq)
{
	struct bytes b = rtp(ssrc, seq);

	assert_int_equal(rf_srtp_out_rtp(out, b.at, b.n, CAP, &b.n), 0);
	return b;
}

static struct bytes seal_rtcp(struct rf_srtp_out *out, uint32_t ssrc)
{
	struct bytes b = rtcp(ssrc);

	assert_int_equal(rf_srtp_out_rtcp(out, b.at, b.n, CAP, &b.n), 0);
	return b;
}

static int open_rtp(struct rf_srtp_in *in, struct bytes b)
{
	size_t n = 0;
	int rc = rf_srtp_in_rtp(in, b.at, b.n, &n);
	struct bytes want = rtp(0, 0);

	if (rc == 0) {
		assert_int_equal(n, BYTES);
		assert_memory_equal(b.at + RF_RTP_HEAD_BYTES, want.at + RF_RTP_HEAD_BYTES, TEXT);
	}
	return rc;
}

static int open_rtcp(struct rf_srtp_in *in, struct bytes b)
{
	size_t n = 0;
	int rc = rf_srtp_in_rtcp(in, b.at, b.n, &n);
	struct bytes want = rtcp(0);

	if (rc == 0) {
		assert_int_equal(n, want.n);
		assert_memory_equal(b.at + 8, want.at + 8, want.n - 8);
	}
	return rc;
}

static int send_rtp(struct rf_srtp_out *out, uint32_t ssrc, uint16_t seq)
{
	struct bytes b = rtp(ssrc, seq);

	return rf_srtp_out_rtp(out, b.at, b.n, CAP, &b.n);
}

/* --- a packet goes through, and no more than that */

static void test_round(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		const struct rf_srtp_params *params = rf_srtp_params(suite);

		assert_int_equal(rf_srtp_in_suite(p.in), suite);
		for (uint16_t seq = 100; seq < 110; seq++) {
			struct bytes b = seal_rtp(p.out, 7, seq), c = seal_rtcp(p.out, 7);

			assert_int_equal(b.n, BYTES + (size_t)params->tag_n[RF_SRTP_RTP]);
			assert_int_equal(c.n, 28 + 4 + (params->aead ? 16u : 10u));
			assert_memory_not_equal(b.at + 12, rtp(7, seq).at + 12, TEXT);
			assert_memory_not_equal(c.at + 8, rtcp(7).at + 8, 20);
			assert_int_equal(open_rtcp(p.in, c), 0);
			assert_int_equal(open_rtp(p.in, b), 0);
			assert_int_equal(open_rtp(p.in, b), RF_E_EXISTS);
			assert_int_equal(open_rtcp(p.in, c), RF_E_EXISTS);
		}
		unpair(&p);
	}
}

/* A header with sources and an extension stays readable; a packet without payload is signed like any other. */
static void test_heads(void **state)
{
	static const uint8_t rows[][24] = {
		{ 0x80, 0, 0, 1 }, { 0x81, 0, 0, 2 }, { 0x90, 0, 0, 3, [12] = 0xbe, 0xde, 0, 1 },
		{ 0x91, 0, 0, 4, [16] = 0xbe, 0xde, 0, 1 },
	};
	static const size_t sizes[] = { 12, 16, 20, 24 };

	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);

		for (size_t i = 0; i < 4; i++)
			for (size_t text = 0; text <= 1; text++) {
				uint8_t buf[64], clear[64] = { 0 };
				size_t n = sizes[i] + text, got;

				memcpy(clear, rows[i], sizes[i]);
				clear[11] = (uint8_t)(text + 1);
				memcpy(buf, clear, n);
				assert_int_equal(rf_srtp_out_rtp(p.out, buf, n, sizeof buf, &got), 0);
				assert_memory_equal(buf, clear, sizes[i]);
				assert_int_equal(rf_srtp_in_rtp(p.in, buf, got, &got), 0);
				assert_int_equal(got, n);
				assert_memory_equal(buf, clear, n);
			}
		unpair(&p);
	}
}

/* Only looked at: refused or taken as if it were opened, and as it came. */
static int check_rtp(struct rf_srtp_in *in, struct bytes b)
{
	uint8_t room[CAP];
	struct rf_view copy = guard_copy(rf_view_of(b.at, b.n));
	size_t n = 0;
	int rc = rf_srtp_in_check_rtp(in, (uint8_t *)(uintptr_t)copy.p, copy.n, room, &n);

	assert_memory_equal(copy.p, b.at, b.n);
	assert_int_equal(n, rc ? 0 : BYTES);
	guard_free(copy);
	return rc;
}

/* Every prefix, every bit; two keys, the first of which does not fit; and both ways know what the other has taken. */
static void test_check(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct rf_srtp_master m[2] = { master(suite, 9, RF_V("")), master(suite, 1, RF_V("")) };
		struct pair p = pair(suite);
		struct bytes one = seal_rtp(p.out, 7, 100), two = seal_rtp(p.out, 7, 101),
			     three = seal_rtp(p.out, 7, 102);

		rf_srtp_in_free(p.in);
		assert_int_equal(rf_srtp_in_new(m, 2, &p.in), 0);
		for (int round = 0; round < 2; round++) {
			struct rf_srtp_in before = *p.in;
			struct bytes bad = one;

			for (bad.n = 0; bad.n < one.n; bad.n++)
				assert_true(check_rtp(p.in, bad) != 0);
			for (size_t bit = 0; bit < 8 * one.n; bit++) {
				bad = one;
				bad.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_true(check_rtp(p.in, bad) != 0);
			}
			assert_memory_equal(&before, p.in, sizeof before);
			assert_int_equal(round ? open_rtp(p.in, three) : check_rtp(p.in, two), 0);
		}
		assert_int_equal(check_rtp(p.in, one), 0);
		assert_int_equal(check_rtp(p.in, one), RF_E_EXISTS);
		assert_int_equal(open_rtp(p.in, two), RF_E_EXISTS);
		assert_int_equal(check_rtp(p.in, three), RF_E_EXISTS);
		unpair(&p);
	}
}

static void refuse(struct rf_srtp_in *in, struct rf_view bad, bool is_rtp)
{
	struct rf_srtp_in before = *in;
	struct rf_view copy = guard_copy(bad);
	size_t n = 0;
	int rc = (is_rtp ? rf_srtp_in_rtp : rf_srtp_in_rtcp)(in, (uint8_t *)(uintptr_t)copy.p, copy.n, &n);

	assert_true(rc == RF_E_AUTH || rc == RF_E_MALFORMED || rc == RF_E_UNSUPPORTED || rc == RF_E_STALE ||
		    rc == RF_E_DENIED || rc == RF_E_NOT_FOUND || rc == RF_E_EXISTS);
	assert_memory_equal(copy.p, bad.p, bad.n);
	assert_int_equal(n, 0);
	assert_memory_equal(&before, in, sizeof before);
	guard_free(copy);
}

/* Every prefix, every bit: refused, the packet as it came, nothing learned; then the good one is still good. Both for
 * somebody who was never heard and for one who was. */
static void test_forged(void **state)
{
	(void)state;
	for EACH_SUITE (suite)
		for (int round = 0; round < 4; round++) {
			struct pair p = pair(suite);
			bool is_rtp = round & 1, heard = round & 2;

			if (heard)
				assert_int_equal(is_rtp ? open_rtp(p.in, seal_rtp(p.out, 7, 40000)) :
							  open_rtcp(p.in, seal_rtcp(p.out, 7)), 0);
			struct bytes good = is_rtp ? seal_rtp(p.out, 7, 40001) : seal_rtcp(p.out, 7);

			for (size_t n = 0; n < good.n; n++)
				refuse(p.in, rf_view_of(good.at, n), is_rtp);
			for (size_t bit = 0; bit < 8 * good.n; bit++) {
				struct bytes bad = good;

				bad.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
				refuse(p.in, rf_view_of(bad.at, bad.n), is_rtp);
			}
			assert_int_equal(is_rtp ? open_rtp(p.in, good) : open_rtcp(p.in, good), 0);
			unpair(&p);
		}
}

/* --- indexes */

/* Around every edge of the window: behind it nothing, in it once, before it always. */
static void test_window(void **state)
{
	enum { TOP = 1000 };

	(void)state;
	for (unsigned back = 0; back < RF_SRTP_WINDOW + 3; back++) {
		struct pair p = pair(RF_SRTP_AEAD_AES_128_GCM);
		struct bytes old = seal_rtp(p.out, 7, (uint16_t)(TOP - back)), top;

		if (back)
			top = seal_rtp(p.out, 7, TOP);
		else
			top = old;
		assert_int_equal(open_rtp(p.in, top), 0);
		assert_int_equal(open_rtp(p.in, old), back == 0 ? RF_E_EXISTS : back < RF_SRTP_WINDOW ? 0 : RF_E_STALE);
		assert_int_equal(open_rtp(p.in, old), back < RF_SRTP_WINDOW ? RF_E_EXISTS : RF_E_STALE);
		assert_int_equal(open_rtp(p.in, top), RF_E_EXISTS);
		assert_int_equal(send_rtp(p.out, 7, (uint16_t)(TOP - back)), RF_E_STATE);
		assert_int_equal(send_rtp(p.out, 7, TOP), RF_E_STATE);
		if (back)
			assert_int_equal(send_rtp(p.out, 7, TOP - 1), back == 1 ? RF_E_STATE : 0);
		unpair(&p);
	}
}

/* What goes out in any order comes in in any order, each once, round the corner and back. */
static void test_reorder(void **state)
{
	enum { PACKETS = 600, SPAN = 50 };

	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		static struct bytes sealed[PACKETS];
		uint16_t first = (uint16_t)(65536 - PACKETS / 2);

		for (unsigned i = 0; i < PACKETS; i++) /* by groups, each from its end */
			sealed[i] = seal_rtp(p.out, 7, (uint16_t)(first + i / SPAN * SPAN + SPAN - 1 - i % SPAN));
		for (unsigned i = 0; i < PACKETS; i++)
			assert_int_equal(open_rtp(p.in, sealed[i / SPAN * SPAN + i * 7 % SPAN]), 0);
		for (unsigned i = PACKETS - 2 * SPAN; i < PACKETS; i++)
			assert_int_equal(open_rtp(p.in, sealed[i]), RF_E_EXISTS);
		assert_int_equal(open_rtp(p.in, sealed[0]), RF_E_STALE);
		assert_int_equal(p.in->streams.one.track[RF_SRTP_RTP].top >> 16, 1);
		unpair(&p);
	}
}

/* The same sequence number in another round has another index: neither key stream nor signature fits. */
static void test_rounds(void **state)
{
	static const uint16_t steps[] = { 10, 30000, 60000, 20000, 50000, 10, 30000, 60000, 10 };

	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		struct bytes first = seal_rtp(p.out, 7, steps[0]), again = first;

		for (size_t i = 1; i < sizeof steps / sizeof *steps; i++) {
			again = seal_rtp(p.out, 7, steps[i]);
			assert_int_equal(open_rtp(p.in, again), 0);
		}
		assert_int_equal(p.in->streams.one.track[RF_SRTP_RTP].top, 3 << 16 | 10);
		assert_memory_not_equal(first.at + 12, again.at + 12, TEXT);
		assert_int_equal(open_rtp(p.in, first), RF_E_EXISTS); /* taken for the newest, which was there */
		unpair(&p);
	}
}

/* RFC 3711 3.3.1, by its own words, beside ours. */
static void test_estimate(void **state)
{
	static const struct {
		uint64_t top;
		uint16_t seq;
		int rc;
		uint64_t index;
	} rows[] = {
		{ 0, 1, 0, 1 }, { 5, 4, 0, 4 }, { 0, 0x8000, 0, 0x8000 }, { 0, 0x8001, RF_E_STALE, 0 },
		{ 0x7fff, 0xffff, 0, 0xffff }, { 0x7ffe, 0xffff, RF_E_STALE, 0 }, { 0x8000, 0, 0, 0 },
		{ 0x8001, 0, 0, 0x10000 }, { 0x8001, 1, 0, 1 }, { 0xffff, 0, 0, 0x10000 },
		{ 0xffff, 0x7ffe, 0, 0x17ffe }, { 0xffff, 0x7fff, 0, 0x7fff }, { 0x10000, 0xffff, 0, 0xffff },
		{ 0x10000, 0x8001, 0, 0x8001 }, { 0x10000, 0x8000, 0, 0x18000 },
		{ 0xffffffffffff, 0xfffe, 0, 0xfffffffffffe }, { 0xffffffffffff, 0, RF_E_LIMIT, 0 },
		{ 0xffffffff8001, 0, RF_E_LIMIT, 0 },
		{ 0xffffffff8000, 0, 0, 0xffffffff0000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_srtp_track t = { .top = rows[i].top, .generation = 1 };
		uint64_t index = 0;

		assert_int_equal(rf_srtp_track_index(&t, rows[i].seq, &index), rows[i].rc);
		assert_int_equal(index, rows[i].index);
	}
}

/* All packets before the wrap were lost: the first one that comes is of the second round. */
static void test_begun_late(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		struct bytes lost = seal_rtp(p.out, 7, 65535), next = seal_rtp(p.out, 7, 0),
			     after = seal_rtp(p.out, 7, 1);

		assert_int_equal(open_rtp(p.in, next), 0);
		assert_int_equal(open_rtp(p.in, next), RF_E_EXISTS);
		assert_int_equal(open_rtp(p.in, after), 0);
		assert_int_equal(open_rtp(p.in, lost), 0);
		unpair(&p);
	}
}

/* --- the ends of counters */

static void test_used_up(void **state)
{
	struct pair p = pair(RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	struct bytes b = seal_rtp(p.out, 7, 1), c;

	(void)state;
	assert_int_equal(open_rtp(p.in, b), 0);
	p.out->streams.one.track[RF_SRTP_RTP].top = p.in->streams.one.track[RF_SRTP_RTP].top = 0xfffffffffffe;
	b = seal_rtp(p.out, 7, 65535);
	assert_int_equal(open_rtp(p.in, b), 0);
	assert_int_equal(send_rtp(p.out, 7, 0), RF_E_LIMIT);

	p.out->streams.one.track[RF_SRTP_RTCP] = (struct rf_srtp_track){ .top = 0x7ffffffe, .generation = 1 };
	c = seal_rtcp(p.out, 7);
	assert_int_equal(open_rtcp(p.in, c), 0);
	assert_int_equal(open_rtcp(p.in, c), RF_E_EXISTS);
	c = rtcp(7);
	assert_int_equal(rf_srtp_out_rtcp(p.out, c.at, c.n, CAP, &c.n), RF_E_LIMIT);
	unpair(&p);
}

static void test_lifetime(void **state)
{
	struct rf_srtp_master m = master(RF_SRTP_AEAD_AES_256_GCM, 1, RF_V("")),
			      fresh = master(RF_SRTP_AEAD_AES_256_GCM, 2, RF_V(""));
	struct pair p = pair(m.suite), longer = pair(m.suite);
	struct bytes c;

	(void)state;
	unpair(&p);
	m.lifetime = 4;
	assert_int_equal(rf_srtp_out_new(&m, &p.out), 0);
	assert_int_equal(rf_srtp_in_new(&m, 1, &p.in), 0);
	for (uint16_t i = 0; i < 5; i++) {
		assert_int_equal(send_rtp(p.out, i, i), i < 4 ? 0 : RF_E_LIMIT);
		assert_int_equal(open_rtp(p.in, seal_rtp(longer.out, i, i)), i < 4 ? 0 : RF_E_LIMIT);
		c = rtcp(i);
		assert_int_equal(rf_srtp_out_rtcp(p.out, c.at, c.n, CAP, &c.n), i < 4 ? 0 : RF_E_LIMIT);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(longer.out, i)), i < 4 ? 0 : RF_E_LIMIT);
	}
	assert_int_equal(rf_srtp_out_rekey(p.out, &fresh), 0);
	assert_int_equal(send_rtp(p.out, 1, 100), 0);
	unpair(&p);
	unpair(&longer);
}

/* So many SSRCs and no more; strangers take no place; keys that are gone make room. */
static void test_sources(void **state)
{
	struct pair p = pair(RF_SRTP_AEAD_AES_128_GCM), stranger;
	struct rf_srtp_master fresh = master(RF_SRTP_AEAD_AES_128_GCM, 2, RF_V("")),
			      other = master(RF_SRTP_AEAD_AES_128_GCM, 3, RF_V(""));
	struct bytes late;

	(void)state;
	assert_int_equal(rf_srtp_out_new(&other, &stranger.out), 0);
	assert_int_equal(rf_srtp_in_new(&other, 1, &stranger.in), 0);
	for (uint16_t i = 0; i < RF_SRTP_SSRCS_MAX; i++) {
		struct rf_srtp_in *in = p.in;

		assert_int_equal(open_rtp(in, seal_rtp(stranger.out, 1000u + i, 1)), RF_E_AUTH);
		assert_int_equal(in->streams.count, i);
		assert_int_equal(i & 1 ? open_rtp(in, seal_rtp(p.out, i, 1)) : open_rtcp(in, seal_rtcp(p.out, i)), 0);
		assert_int_equal(in->streams.count, i + 1);
	}
	assert_int_equal(send_rtp(p.out, 99, 1), RF_E_LIMIT);
	assert_int_equal(open_rtp(p.in, rtp(99, 1)), RF_E_LIMIT);
	assert_int_equal(open_rtcp(p.in, rtcp(99)), RF_E_LIMIT);
	for (uint16_t i = 0; i < RF_SRTP_SSRCS_MAX; i++) {
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, i, 2)), 0);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, i)), 0);
	}
	late = seal_rtp(p.out, 5, 3);
	assert_int_equal(rf_srtp_out_rekey(p.out, &fresh), 0);
	assert_int_equal(rf_srtp_in_rekey(p.in, &fresh, 1), 0);
	assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 3, 3)), 0);
	assert_int_equal(open_rtp(p.in, rtp(99, 1)), RF_E_LIMIT); /* what the old key sealed may still come */
	assert_int_equal(open_rtp(p.in, late), 0);
	rf_srtp_in_drop_old(p.in);
	assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 99, 1)), 0);
	assert_int_equal(p.in->streams.count, 2);
	assert_int_equal(p.out->streams.count, 2);
	assert_int_equal(open_rtp(p.in, late), RF_E_AUTH);
	assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 3, 4)), 0);
	unpair(&p);
	unpair(&stranger);
}

/* --- keys */

static void test_mki(void **state)
{
	static const uint8_t mkis[3][RF_SRTP_MKI_MAX] = { { 1 }, { 2 }, { 3 } };
	static const size_t lengths[] = { 1, 2, 4, 127, 128 };

	(void)state;
	for EACH_SUITE (suite)
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
			struct rf_srtp_master m[3];
			struct rf_srtp_out *out[3];
			struct rf_srtp_in *in;

			for (uint8_t i = 0; i < 3; i++) {
				m[i] = master(suite, i + 1, rf_view_of(mkis[i], lengths[l]));
				assert_int_equal(rf_srtp_out_new(&m[i], &out[i]), 0);
			}
			assert_int_equal(rf_srtp_in_new(m, 2, &in), 0);
			for (uint32_t i = 0; i < 6; i++) {
				struct bytes b = seal_rtp(out[i % 3], i % 3, (uint16_t)i),
					     c = seal_rtcp(out[i % 3], i % 3);
				int want = i % 3 == 2 ? RF_E_NOT_FOUND : 0;

				assert_int_equal(b.n, BYTES + rf_srtp_params(suite)->tag_n[RF_SRTP_RTP] + lengths[l]);
				assert_int_equal(open_rtp(in, b), want);
				assert_int_equal(open_rtcp(in, c), want);
				b.at[15]++;
				assert_int_equal(open_rtp(in, b), want ? want : RF_E_EXISTS);
				for (size_t n = 0; n < b.n; n++)
					refuse(in, rf_view_of(b.at, n), true);
			}
			for (size_t i = 0; i < 3; i++)
				rf_srtp_out_free(out[i]);
			rf_srtp_in_free(in);
		}
}

/* An offerer's keys, until one is known to be the one: each is tried. */
static void test_several(void **state)
{
	struct rf_srtp_master m[RF_SRTP_KEYS_MAX] = {
		master(RF_SRTP_AEAD_AES_256_GCM, 1, RF_V("")),
		master(RF_SRTP_AEAD_AES_128_GCM, 2, RF_V("")),
		master(RF_SRTP_AES_256_CM_HMAC_SHA1_80, 3, RF_V("")),
		master(RF_SRTP_AES_CM_128_HMAC_SHA1_32, 4, RF_V("")),
	};

	(void)state;
	for (uint8_t which = 0; which < RF_SRTP_KEYS_MAX; which++) {
		struct rf_srtp_out *out;
		struct rf_srtp_in *in;

		assert_int_equal(rf_srtp_in_new(m, RF_SRTP_KEYS_MAX, &in), 0);
		assert_int_equal(rf_srtp_out_new(&m[which], &out), 0);
		for (uint16_t seq = 0; seq < 3; seq++) {
			struct bytes b = seal_rtp(out, 7, seq), bad = b;

			bad.at[14] ^= 1;
			assert_int_equal(open_rtp(in, bad), RF_E_AUTH);
			assert_int_equal(open_rtp(in, b), 0);
			assert_int_equal(open_rtp(in, b), RF_E_EXISTS);
			assert_int_equal(rf_srtp_in_suite(in), m[which].suite);
			assert_int_equal(open_rtcp(in, seal_rtcp(out, 7)), 0);
		}
		rf_srtp_out_free(out);
		rf_srtp_in_free(in);
	}
}

/* Another key while packets are on their way: the counter goes on, what the old key sealed is good until it is
 * dropped. */
static void test_rekey(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		struct rf_srtp_master second = master(suite, 2, RF_V("")), third = master(suite, 3, RF_V("m"));
		struct bytes late[4], late_rtcp;

		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 65535)), 0);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, 7)), 0);
		for (uint16_t i = 0; i < 4; i++)
			late[i] = seal_rtp(p.out, 7, i);
		late_rtcp = seal_rtcp(p.out, 7);
		assert_int_equal(open_rtp(p.in, late[0]), 0);
		assert_int_equal(rf_srtp_out_rekey(p.out, &second), 0);
		assert_int_equal(rf_srtp_in_rekey(p.in, &second, 1), 0);
		assert_int_equal(send_rtp(p.out, 7, 2), RF_E_STATE);
		assert_int_equal(open_rtp(p.in, late[1]), 0); /* before the new one was heard */
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 4)), 0);
		assert_int_equal(open_rtp(p.in, late[2]), 0); /* and after */
		assert_int_equal(open_rtp(p.in, late[2]), RF_E_EXISTS);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, 7)), 0);
		assert_int_equal(open_rtcp(p.in, late_rtcp), 0);
		assert_int_equal(open_rtcp(p.in, late_rtcp), RF_E_EXISTS);
		assert_int_equal(p.in->streams.one.track[RF_SRTP_RTP].top, 1 << 16 | 4);
		rf_srtp_in_drop_old(p.in);
		assert_int_equal(open_rtp(p.in, late[3]), RF_E_AUTH);
		assert_int_equal(rf_srtp_in_rekey(p.in, &third, 1), 0);
		assert_int_equal(rf_srtp_out_rekey(p.out, &third), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 5)), 0);
		assert_int_equal(rf_srtp_in_rekey(p.in, &second, 1), 0);
		assert_int_equal(p.in->keys, 2);
		unpair(&p);
	}
}

/* An offer that names the key in force among new ones: it is the same key still, and nothing of it can come twice. */
static void test_rekey_same(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		struct rf_srtp_master m[] = { master(suite, 4, RF_V("")), master(suite, 1, RF_V("")),
					      master(suite, 5, RF_V("")) };
		struct bytes first = seal_rtp(p.out, 7, 40000), last;

		assert_int_equal(open_rtp(p.in, first), 0);
		assert_int_equal(open_rtp(p.in, last = seal_rtp(p.out, 7, 65000)), 0);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(rf_srtp_in_rekey(p.in, &m[i % 2], 2), 0);
			assert_true(open_rtp(p.in, first) < 0);
			assert_true(open_rtp(p.in, last) < 0);
			assert_int_equal(open_rtp(p.in, last = seal_rtp(p.out, 7, (uint16_t)(65500 + 20 * i))), 0);
		}
		rf_srtp_in_drop_old(p.in);
		assert_int_equal(p.in->keys, 2);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 10)), 0);
		m[0] = m[1];
		assert_int_equal(rf_srtp_in_rekey(p.in, m, 2), RF_E_INVALID); /* one of them twice */
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 11)), 0);
		unpair(&p);
	}
}

/* A peer that begins its counters anew with the new key: believed when it is authentic, and then nothing that was
 * sealed with the old key is, which could be played again into the empty window. */
static void test_rekey_anew(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite), q;
		struct rf_srtp_master second = master(suite, 2, RF_V(""));
		struct bytes first = seal_rtp(p.out, 7, 40000), first_rtcp = seal_rtcp(p.out, 7), b, c;

		assert_int_equal(open_rtp(p.in, first), 0);
		assert_int_equal(open_rtcp(p.in, first_rtcp), 0);
		for (unsigned i = 0; i < 200; i++)
			assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, 7)), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 65000)), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 20000)), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 40100)), 0);

		assert_int_equal(rf_srtp_out_new(&second, &q.out), 0);
		assert_int_equal(rf_srtp_in_rekey(p.in, &second, 1), 0);
		assert_int_equal(open_rtp(p.in, first), RF_E_AUTH);
		b = seal_rtp(q.out, 7, 40050);
		c = seal_rtcp(q.out, 7);
		assert_int_equal(open_rtp(p.in, b), 0);
		assert_int_equal(open_rtp(p.in, b), RF_E_EXISTS);
		assert_int_equal(open_rtp(p.in, first), RF_E_AUTH);
		assert_int_equal(open_rtcp(p.in, first_rtcp), RF_E_AUTH);
		assert_int_equal(open_rtcp(p.in, c), 0);
		assert_int_equal(open_rtcp(p.in, c), RF_E_EXISTS);
		assert_int_equal(open_rtcp(p.in, first_rtcp), RF_E_EXISTS);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, 7)), RF_E_AUTH);
		assert_int_equal(open_rtp(p.in, seal_rtp(q.out, 7, 40051)), 0);
		rf_srtp_out_free(q.out);
		unpair(&p);
	}
}

/* A key that comes back: what it sealed before is not believed again, and no index is sent twice, not even when
 * all places for SSRCs are taken. */
static void test_key_again(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct pair p = pair(suite);
		struct rf_srtp_master first = master(suite, 1, RF_V("")), second = master(suite, 2, RF_V(""));
		struct bytes old = seal_rtp(p.out, 7, 100), old_rtcp = seal_rtcp(p.out, 7), next;

		assert_int_equal(open_rtp(p.in, old), 0);
		assert_int_equal(open_rtcp(p.in, old_rtcp), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 30000)), 0);
		assert_int_equal(rf_srtp_in_rekey(p.in, &first, 1), 0);
		assert_int_equal(rf_srtp_out_rekey(p.out, &first), 0);
		assert_int_equal(open_rtp(p.in, old), RF_E_STALE);
		assert_int_equal(open_rtcp(p.in, old_rtcp), RF_E_EXISTS);
		assert_int_equal(send_rtp(p.out, 7, 30000), RF_E_STATE);
		for (uint8_t i = 0; i < 2; i++) {
			assert_int_equal(rf_srtp_in_rekey(p.in, i ? &first : &second, 1), 0);
			assert_int_equal(rf_srtp_out_rekey(p.out, i ? &first : &second), 0);
			next = seal_rtp(p.out, 7, (uint16_t)(30001 + i));
			assert_int_equal(open_rtp(p.in, old), i ? RF_E_STALE : RF_E_AUTH);
			assert_int_equal(open_rtp(p.in, next), 0);
			rf_srtp_in_drop_old(p.in);
		}
		for (uint32_t ssrc = 100; ssrc < 99 + RF_SRTP_SSRCS_MAX; ssrc++)
			assert_int_equal(open_rtp(p.in, seal_rtp(p.out, ssrc, 1)), 0);
		assert_int_equal(rf_srtp_in_rekey(p.in, &second, 1), 0);
		assert_int_equal(rf_srtp_out_rekey(p.out, &second), 0);
		rf_srtp_in_drop_old(p.in);
		assert_int_equal(send_rtp(p.out, 1, 1), RF_E_LIMIT);
		assert_int_equal(open_rtp(p.in, rtp(1, 1)), RF_E_LIMIT);
		unpair(&p);
	}
}

/* More keys than are remembered: counters go on, and begin anew under none of them. */
static void test_many_keys(void **state)
{
	static uint8_t bytes[RF_SRTP_KEY_MAX];
	struct pair p = pair(RF_SRTP_AEAD_AES_128_GCM), anew;
	struct rf_srtp_master m = master(RF_SRTP_AEAD_AES_128_GCM, 1, RF_V(""));

	(void)state;
	m.key.p = bytes;
	assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 1000)), 0);
	for (unsigned i = 2; i < RF_SRTP_KNOWN_MAX + 4; i++) {
		memcpy(bytes, &i, sizeof i);
		assert_int_equal(rf_srtp_in_rekey(p.in, &m, 1), 0);
		assert_int_equal(rf_srtp_out_rekey(p.out, &m), 0);
		rf_srtp_in_drop_old(p.in);
		assert_int_equal(p.in->key[0]->again, i > RF_SRTP_KNOWN_MAX);
		assert_int_equal(rf_srtp_out_new(&m, &anew.out), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, (uint16_t)(1000 + i))), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(anew.out, 7, 1)), RF_E_STALE);
		rf_srtp_out_free(anew.out);
	}
	unpair(&p);
}

/* A key that comes back is over for an SSRC whose counters began anew under another, and for those
 * that may be forgotten. */
static void test_forgotten(void **state)
{
	struct pair p = pair(RF_SRTP_AEAD_AES_128_GCM), anew;
	struct rf_srtp_master first = master(RF_SRTP_AEAD_AES_128_GCM, 1, RF_V(""));
	struct rf_srtp_master second = master(RF_SRTP_AEAD_AES_128_GCM, 2, RF_V(""));
	struct bytes old = seal_rtp(p.out, 7, 30000), forgotten = seal_rtp(p.out, 8, 100);

	(void)state;
	assert_int_equal(open_rtp(p.in, old), 0);
	assert_int_equal(open_rtp(p.in, forgotten), 0);
	assert_int_equal(rf_srtp_in_rekey(p.in, &second, 1), 0);
	assert_int_equal(rf_srtp_out_rekey(p.out, &second), 0);
	rf_srtp_in_drop_old(p.in);
	assert_int_equal(rf_srtp_out_new(&second, &anew.out), 0);
	assert_int_equal(open_rtp(p.in, seal_rtp(anew.out, 7, 1)), 0);
	for (uint32_t ssrc = 100; ssrc < 100 + RF_SRTP_SSRCS_MAX - 1; ssrc++)
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, ssrc, 1)), 0);
	assert_true(p.in->streams.forgot && p.out->streams.forgot);
	assert_int_equal(rf_srtp_in_rekey(p.in, &first, 1), 0);
	assert_int_equal(rf_srtp_out_rekey(p.out, &first), 0);
	assert_int_equal(open_rtp(p.in, old), RF_E_AUTH); /* by the second key; over by the first */
	assert_int_equal(open_rtp(p.in, forgotten), RF_E_LIMIT);
	assert_int_equal(send_rtp(p.out, 8, 100), RF_E_LIMIT);
	rf_srtp_out_free(anew.out);
	unpair(&p);
}

/* --- refusals */

static void test_refusals(void **state)
{
	static const uint8_t long_mki[RF_SRTP_MKI_MAX + 1];
	struct rf_srtp_master m[5] = { { .suite = RF_SRTP_NONE } };
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
	struct bytes b;

	(void)state;
	assert_int_equal(rf_srtp_key_bytes(RF_SRTP_NONE), 0);
	assert_int_equal(rf_srtp_key_bytes(RF_SRTP_SUITES), 0);
	assert_int_equal(rf_srtp_out_new(&m[0], &out), RF_E_INVALID);
	for EACH_SUITE (suite)
		for (size_t n = 0; n <= sizeof long_mki; n++) {
			m[0] = (struct rf_srtp_master){ .suite = suite, .key = rf_view_of(long_mki, n) };
			if (n == rf_srtp_key_bytes(suite))
				continue;
			assert_int_equal(rf_srtp_out_new(&m[0], &out), RF_E_INVALID);
			assert_int_equal(rf_srtp_in_new(m, 1, &in), RF_E_INVALID);
		}
	for (size_t i = 0; i < 5; i++)
		m[i] = master(RF_SRTP_AEAD_AES_128_GCM, (uint8_t)i, RF_V("1"));
	assert_int_equal(rf_srtp_in_new(m, 0, &in), RF_E_INVALID);
	assert_int_equal(rf_srtp_in_new(m, 5, &in), RF_E_INVALID);
	m[1].mki = RF_V("12");
	assert_int_equal(rf_srtp_in_new(m, 2, &in), RF_E_INVALID);
	m[0].mki = rf_view_of(long_mki, sizeof long_mki);
	assert_int_equal(rf_srtp_out_new(&m[0], &out), RF_E_INVALID);
	assert_int_equal(rf_srtp_suite_of(RF_V("AEAD_AES_256_GCM")), RF_SRTP_AEAD_AES_256_GCM);
	assert_int_equal(rf_srtp_suite_of(RF_V("aes_cm_128_hmac_sha1_32")), RF_SRTP_AES_CM_128_HMAC_SHA1_32);
	assert_int_equal(rf_srtp_suite_of(RF_V("F8_128_HMAC_SHA1_80")), RF_SRTP_NONE);
	assert_int_equal(rf_srtp_suite_of(RF_V("")), RF_SRTP_NONE);

	struct pair p = pair(RF_SRTP_AEAD_AES_128_GCM);

	b = rtp(7, 1);
	assert_int_equal(rf_srtp_out_rtp(p.out, b.at, b.n, b.n + 15, &b.n), RF_E_SPACE);
	assert_int_equal(rf_srtp_out_rtp(p.out, b.at, 11, CAP, &b.n), RF_E_MALFORMED);
	assert_int_equal(rf_srtp_out_rtp(p.out, b.at, b.n, b.n + 16, &b.n), 0);
	b.at[0] = 0x40;
	assert_int_equal(rf_srtp_out_rtp(p.out, b.at, 12, CAP, &b.n), RF_E_UNSUPPORTED);
	assert_int_equal(rf_srtp_in_rtp(p.in, b.at, 12, &b.n), RF_E_UNSUPPORTED);
	b = rtcp(7);
	assert_int_equal(rf_srtp_out_rtcp(p.out, b.at, b.n, b.n + 19, &b.n), RF_E_SPACE);
	assert_int_equal(rf_srtp_out_rtcp(p.out, b.at, 7, CAP, &b.n), RF_E_MALFORMED);
	b.at[0] = 0;
	assert_int_equal(rf_srtp_out_rtcp(p.out, b.at, b.n, CAP, &b.n), RF_E_UNSUPPORTED);
	assert_int_equal(rf_srtp_in_rtcp(p.in, b.at, b.n, &b.n), RF_E_UNSUPPORTED);

	static uint8_t big[RF_RTP_BYTES_MAX + 100] = { 0x80 };

	assert_int_equal(rf_srtp_out_rtp(p.out, big, RF_RTP_BYTES_MAX + 1, sizeof big, &b.n), RF_E_LIMIT);
	assert_int_equal(rf_srtp_out_rtcp(p.out, big, RF_RTP_BYTES_MAX + 1, sizeof big, &b.n), RF_E_LIMIT);
	assert_int_equal(rf_srtp_in_rtp(p.in, big, RF_RTP_BYTES_MAX + 1, &b.n), RF_E_LIMIT);
	assert_int_equal(rf_srtp_in_rtcp(p.in, big, RF_RTP_BYTES_MAX + 1, &b.n), RF_E_LIMIT);
	unpair(&p);
	rf_srtp_out_free(NULL);
	rf_srtp_in_free(NULL);
}

static void test_no_memory(void **state)
{
	struct rf_srtp_master m[2] = { master(RF_SRTP_AEAD_AES_256_GCM, 1, RF_V("1")),
				       master(RF_SRTP_AEAD_AES_256_GCM, 2, RF_V("2")) };
	bool again = true;

	(void)state;
	for (unsigned n = 1; again; n++) {
		struct rf_srtp_out *out = NULL;
		struct rf_srtp_in *in = NULL;

		fail_alloc_at(n);
		int rc = rf_srtp_out_new(&m[0], &out);

		rc = rc ? rc : rf_srtp_in_new(m, 2, &in);
		rc = rc ? rc : rf_srtp_out_rekey(out, &m[1]);
		rc = rc ? rc : rf_srtp_in_rekey(in, m, 2);
		for (uint32_t ssrc = 0; !rc && ssrc < RF_SRTP_SSRCS_MAX; ssrc++) {
			struct bytes b = rtp(ssrc, 1);

			rc = rf_srtp_out_rtp(out, b.at, b.n, CAP, &b.n);
			rc = rc ? rc : rf_srtp_in_rtp(in, b.at, b.n, &b.n);
		}
		again = fail_alloc_off();
		assert_int_equal(rc, again ? -ENOMEM : 0);
		rf_srtp_out_free(out);
		rf_srtp_in_free(in);
	}
}

/* What a packet needs is made with the first one: the session keys, whoever sent it; the cipher when something is
 * encrypted or opened. */
static void test_first_packet(void **state)
{
	(void)state;
	for EACH_SUITE(suite) {
		bool aead = rf_srtp_params(suite)->aead;
		struct pair p = pair(suite);
		uint8_t room[CAP];
		size_t n;

		assert_false(p.out->key->ready || p.in->key[0]->ready);
		struct bytes b = seal_rtp(p.out, 7, 1), forged = b;

		assert_true(p.out->key->ready && p.out->key->cipher);
		forged.at[BYTES] ^= 1;
		assert_int_equal(open_rtp(p.in, forged), RF_E_AUTH);
		assert_true(p.in->key[0]->ready);
		assert_int_equal(rf_srtp_in_check_rtp(p.in, b.at, b.n, room, &n), 0);
		assert_int_equal(p.in->key[0]->cipher != NULL, aead);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 2)), 0);
		assert_non_null(p.in->key[0]->cipher);
		unpair(&p);
		/* RTCP alone, its own session key first. */
		p = pair(suite);
		assert_int_equal(open_rtcp(p.in, seal_rtcp(p.out, 7)), 0);
		assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, 1)), 0);
		unpair(&p);
	}
}

/* A key is known by what it was made of, before its first packet and after. */
static void test_has(void **state)
{
	(void)state;
	for EACH_SUITE(suite) {
		enum rf_srtp_suite other = suite == RF_SRTP_AES_CM_128_HMAC_SHA1_80 ? RF_SRTP_AES_CM_128_HMAC_SHA1_32 :
										      RF_SRTP_AES_CM_128_HMAC_SHA1_80;
		struct rf_srtp_master m[] = { master(suite, 1, RF_V("")), master(suite, 2, RF_V("")),
					      master(other, 1, RF_V("")), master(suite, 1, RF_V("1")),
					      master(suite, 3, RF_V("")) };
		struct pair p = pair(suite);

		for (unsigned packets = 0; packets < 2; packets++) {
			assert_true(rf_srtp_out_has(p.out, &m[0]) && rf_srtp_in_has(p.in, m, 1));
			for (unsigned i = 1; i < 5; i++)
				assert_false(rf_srtp_out_has(p.out, &m[i]) || rf_srtp_in_has(p.in, &m[i], 1));
			assert_false(rf_srtp_in_has(p.in, m, 2));
			assert_int_equal(open_rtp(p.in, seal_rtp(p.out, 7, (uint16_t)packets)), 0);
		}
		/* Of several each; those that are old are none of them. */
		assert_int_equal(rf_srtp_in_rekey(p.in, &m[1], 1), 0);
		assert_true(rf_srtp_in_has(p.in, &m[1], 1));
		assert_false(rf_srtp_in_has(p.in, m, 1));
		assert_int_equal(rf_srtp_in_rekey(p.in, m, 2), 0);
		assert_true(rf_srtp_in_has(p.in, m, 2) && rf_srtp_in_has(p.in, &m[1], 1));
		unpair(&p);
	}
}

/* ---- OpenSSL without memory */

static unsigned fails_at; /* its n-th allocation from now; 0: none */

static bool fails(void)
{
	return fails_at && --fails_at == 0;
}

static void *its_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : reallocarray(NULL, n, 1); /* which fail_alloc does not count */
}

static void *its_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : reallocarray(p, n, 1);
}

static void its_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* The first packet gets nothing then, and the next one is as if it were the first: no index goes twice,
 * nothing is learned. */
static void test_first_without_memory(void **state)
{
	(void)state;
	for EACH_SUITE(suite) {
		bool reached = true, failed = false;

		for (unsigned n = 1; reached; n++) {
			struct pair p = pair(suite);
			struct bytes b = rtp(7, 1), first;

			fails_at = n;
			int rc = rf_srtp_out_rtp(p.out, b.at, b.n, CAP, &b.n);
			bool sealed = fails_at == 0;

			fails_at = 0;
			assert_true(rc == 0 || rc == RF_E_CRYPTO);
			failed |= rc != 0;
			if (rc) {
				assert_false(p.out->key->cipher && p.out->key->loaded != RF_SRTP_RTP);
				assert_int_equal(send_rtp(p.out, 7, 1), RF_E_STATE);
				b = seal_rtp(p.out, 7, 2);
			}
			first = b;
			fails_at = n;
			rc = open_rtp(p.in, b);
			reached = sealed || fails_at == 0;
			fails_at = 0;
			assert_true(rc == 0 || rc == RF_E_CRYPTO);
			assert_int_equal(p.in->streams.count, rc == 0);
			assert_int_equal(open_rtp(p.in, first), rc ? 0 : RF_E_EXISTS);
			unpair(&p);
		}
		assert_true(failed);
	}
}

int main(void)
{
	if (CRYPTO_set_mem_functions(its_malloc, its_realloc, its_free) != 1)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_heads), cmocka_unit_test(test_check),
		cmocka_unit_test(test_forged), cmocka_unit_test(test_window), cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_rounds), cmocka_unit_test(test_estimate), cmocka_unit_test(test_begun_late),
		cmocka_unit_test(test_used_up), cmocka_unit_test(test_lifetime), cmocka_unit_test(test_sources),
		cmocka_unit_test(test_mki), cmocka_unit_test(test_several), cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_rekey_same),
		cmocka_unit_test(test_rekey_anew),
		cmocka_unit_test(test_key_again), cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_first_packet), cmocka_unit_test(test_has),
		cmocka_unit_test(test_first_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

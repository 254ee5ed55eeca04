/* Nothing twice, whatever happens: peers that seal under several keys, begin their counters anew and change keys, an
 * attacker who has every packet and plays them in any order, keys that come, go and come back. One packet is taken at
 * most once, and none under a key that is not in force. By a fixed seed. */
#include "rtp/rtp.h"
#include "rtp/srtp_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { KEYS = 20, SSRCS = 40, KEPT = 512, STEPS = 60000, SIZE = 20, CAP = SIZE + RF_SRTP_GROW_RTCP, ROUNDS = 6 };

struct kept {
	uint8_t bytes[CAP];
	size_t n;
	unsigned key;
	bool rtcp, taken;
};

struct world {
	uint32_t random;
	struct rf_srtp_in *in;
	struct rf_srtp_out *out[KEYS];
	bool current[KEYS], old[KEYS];
	uint16_t seq[KEYS][SSRCS];
	struct kept kept[KEPT];
	unsigned sealed, taken, refused;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 8) % below;
}

static struct rf_srtp_master master(uint8_t bytes[RF_SRTP_KEY_MAX], unsigned key)
{
	enum rf_srtp_suite suite = key & 1 ? RF_SRTP_AEAD_AES_128_GCM : RF_SRTP_AES_CM_128_HMAC_SHA1_80;

	memset(bytes, (int)key + 1, RF_SRTP_KEY_MAX);
	return (struct rf_srtp_master){ .suite = suite, .key = rf_view_of(bytes, rf_srtp_key_bytes(suite)) };
}

/* A peer begins with this key, perhaps once more: from index 0, or far into a sequence. */
static void begin(struct world *w, unsigned key)
{
	uint8_t bytes[RF_SRTP_KEY_MAX];
	struct rf_srtp_master m = master(bytes, key);

	rf_srtp_out_free(w->out[key]);
	assert_int_equal(rf_srtp_out_new(&m, &w->out[key]), 0);
	for (unsigned i = 0; i < SSRCS; i++)
		w->seq[key][i] = (uint16_t)(draw(w, 4) * 20000);
}

static void seal(struct world *w, unsigned key)
{
	unsigned who = draw(w, draw(w, 10) ? 3 : SSRCS);
	struct kept *k = &w->kept[draw(w, KEPT)];
	struct rf_rtp_head head = { .ssrc = who, .seq = w->seq[key][who] };

	w->seq[key][who] = (uint16_t)(w->seq[key][who] + 1 + (draw(w, 20) ? 0 : draw(w, 30000)));
	*k = (struct kept){ .key = key, .rtcp = draw(w, 4) == 0 };
	rf_rtp_head_put(&head, k->bytes);
	if (k->rtcp)
		memcpy(k->bytes, (uint8_t[]){ 0x80, 200, 0, 4, 0, 0, 0, (uint8_t)who }, 8);
	memcpy(k->bytes + RF_RTP_HEAD_BYTES, &w->sealed, sizeof w->sealed); /* no two packets are alike */
	if ((k->rtcp ? rf_srtp_out_rtcp : rf_srtp_out_rtp)(w->out[key], k->bytes, SIZE, CAP, &k->n))
		k->n = 0;
	w->sealed++;
}

static void play(struct world *w)
{
	struct kept *k = &w->kept[draw(w, KEPT)];
	uint8_t buf[CAP];
	size_t n;

	memcpy(buf, k->bytes, sizeof buf);
	if (k->n == 0 || (k->rtcp ? rf_srtp_in_rtcp : rf_srtp_in_rtp)(w->in, buf, k->n, &n)) {
		w->refused++;
		return;
	}
	assert_false(k->taken);
	assert_true(w->current[k->key] || w->old[k->key]);
	k->taken = true;
	w->taken++;
}

static void drop_old(struct world *w)
{
	rf_srtp_in_drop_old(w->in);
	memset(w->old, 0, sizeof w->old);
}

/* Other keys, one or two, some of which may be there or have been there. */
static void rekey(struct world *w)
{
	uint8_t bytes[2][RF_SRTP_KEY_MAX];
	struct rf_srtp_master m[2];
	unsigned which[2] = { draw(w, KEYS), draw(w, KEYS) };
	size_t n = which[0] == which[1] ? 1 : 1 + draw(w, 2);

	for (size_t i = 0; i < n; i++) {
		m[i] = master(bytes[i], which[i]);
		if (draw(w, 3) == 0)
			begin(w, which[i]);
	}
	assert_int_equal(rf_srtp_in_rekey(w->in, m, n), 0);
	memcpy(w->old, w->current, sizeof w->old);
	memset(w->current, 0, sizeof w->current);
	for (size_t i = 0; i < n; i++)
		w->current[which[i]] = true;
}

static void test_nothing_twice(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t bytes[RF_SRTP_KEY_MAX];
		struct rf_srtp_master m = master(bytes, 0);

		w = (struct world){ .random = 77 + round, .current = { true } };
		for (unsigned key = 0; key < KEYS; key++)
			begin(&w, key);
		assert_int_equal(rf_srtp_in_new(&m, 1, &w.in), 0);
		for (unsigned i = 0; i < STEPS; i++) {
			unsigned what = draw(&w, 1000);

			if (what < 2)
				rekey(&w);
			else if (what < 5)
				drop_old(&w);
			else if (what < 400)
				seal(&w, draw(&w, KEYS));
			else
				play(&w);
		}
		assert_true(w.taken > 100 && w.refused > w.taken);
		for (unsigned key = 0; key < KEYS; key++)
			rf_srtp_out_free(w.out[key]);
		rf_srtp_in_free(w.in);
	}
}

/* --- what we send */

enum { USED = 1 << 18, SENT_STEPS = 60000 };

/* True: it was there already. */
static bool use(uint64_t used[static USED], uint64_t what)
{
	size_t at = what * 0x9e3779b97f4a7c15 >> 46;

	while (used[at] && used[at] != what + 1)
		at = (at + 1) % USED;
	bool there = used[at];

	used[at] = what + 1;
	return there;
}

/* One direction, any order, keys that change and come back, more SSRCs than there are places: no index twice under one
 * key. */
static void test_no_index_twice(void **state)
{
	static uint64_t used[USED];
	uint8_t bytes[RF_SRTP_KEY_MAX];
	struct rf_srtp_master m = master(bytes, 0);
	struct world *w = calloc(1, sizeof *w);
	struct rf_srtp_out *out;
	uint64_t key = 0, sent = 0;

	(void)state;
	assert_non_null(w);
	w->random = 4;
	assert_int_equal(rf_srtp_out_new(&m, &out), 0);
	for (unsigned i = 0; i < SENT_STEPS; i++) {
		uint64_t ssrc = draw(w, draw(w, 10) ? 3 : SSRCS), index;
		struct rf_rtp_head head = { .ssrc = (uint32_t)ssrc, .seq = (uint16_t)(w->seq[0][ssrc] + draw(w, 200)) };
		uint8_t buf[CAP];
		size_t n;

		if (draw(w, 1000) < 3) {
			key = draw(w, 6);
			m = master(bytes, (unsigned)key);
			assert_int_equal(rf_srtp_out_rekey(out, &m), 0);
		}
		w->seq[0][ssrc] = (uint16_t)(w->seq[0][ssrc] + (draw(w, 50) ? draw(w, 30) : draw(w, 32000)));
		rf_rtp_head_put(&head, buf);
		if (rf_srtp_out_rtp(out, buf, SIZE, CAP, &n))
			continue;
		struct rf_srtp_stream *s = rf_srtp_streams_find(&out->streams, head.ssrc);

		assert_int_equal(rf_srtp_track_index(&s->track[RF_SRTP_RTP], head.seq, &index), 0);
		assert_false(use(used, key << 56 | ssrc << 48 | index));
		sent++;
		if (draw(w, 10))
			continue;
		memcpy(buf, (uint8_t[]){ 0x80, 200, 0, 4, 0, 0, 0, (uint8_t)ssrc }, 8);
		assert_int_equal(rf_srtp_out_rtcp(out, buf, SIZE, CAP, &n), 0);
		assert_false(use(used, UINT64_C(1) << 62 | key << 56 | ssrc << 48 | s->track[RF_SRTP_RTCP].top));
	}
	assert_in_range(sent, SENT_STEPS / 10, SENT_STEPS);
	rf_srtp_out_free(out);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_twice),
					    cmocka_unit_test(test_no_index_twice) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

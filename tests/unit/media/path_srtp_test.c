/* Keys: what is authentic goes on under the other side's keys, everything else gets nothing. RTCP on all its ways. */
#include "path_kit.h"

#include "base/err.h"
#include "base/table.h"
#include "fail_alloc.h"
#include "rtp/rtcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

#define EACH_SUITE(suite) (enum rf_srtp_suite suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++)

/* Two parties that speak SRTP: a with key 1 and hears key 2, b with key 3 and hears key 4. */
struct scene {
	struct kit k;
	struct party at[2], near, far;
	struct rf_path *p;
	struct rf_path_end_conf conf[2];
	struct rf_srtp_out *out[2];
	struct rf_srtp_in *in[2];
};

static void keys(struct scene *s, unsigned i, enum rf_srtp_suite suite)
{
	struct rf_path_end_conf *c = &s->conf[i];

	c->keying = suite == RF_SRTP_NONE ? RF_KEYING_PLAIN : RF_KEYING_SDES;
	rf_srtp_out_free(s->out[i]);
	rf_srtp_in_free(s->in[i]);
	s->out[i] = NULL;
	s->in[i] = NULL;
	c->n_keys_in = 0;
	if (suite == RF_SRTP_NONE)
		return;
	c->n_keys_in = 1;
	c->keys_in[0] = kit_key(suite, (uint8_t)(1 + 2 * i));
	c->key_out = kit_key(suite, (uint8_t)(2 + 2 * i));
	struct rf_srtp_master in = kit_master(&c->key_out), out = kit_master(&c->keys_in[0]);
	assert_int_equal(rf_srtp_out_new(&out, &s->out[i]), 0);
	assert_int_equal(rf_srtp_in_new(&in, 1, &s->in[i]), 0);
}

static void begin(struct scene *s, enum rf_srtp_suite a, enum rf_srtp_suite b)
{
	*s = (struct scene){ 0 };
	kit_begin(&s->k);
	for (unsigned i = 0; i < 2; i++) {
		party_open(&s->at[i], "127.0.0.1");
		s->conf[i] = kit_conf(&s->at[i]);
		keys(s, i, i ? b : a);
	}
	party_open(&s->near, "127.0.0.1");
	party_open(&s->far, "127.0.0.2");
	s->p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4_OTHER);
}

static void set(struct scene *s, unsigned i)
{
	assert_int_equal(rf_path_set(s->p, i, &s->conf[i]), 0);
}

static void begin_open(struct scene *s, enum rf_srtp_suite a, enum rf_srtp_suite b)
{
	begin(s, a, b);
	set(s, 0);
	set(s, 1);
	rf_path_open(s->p);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	for (unsigned i = 0; i < 2; i++) {
		party_close(&s->at[i]);
		rf_srtp_out_free(s->out[i]);
		rf_srtp_in_free(s->in[i]);
	}
	party_close(&s->near);
	party_close(&s->far);
	kit_end(&s->k);
}

struct packet { uint8_t buf[512]; size_t n; };

static struct packet sealed(struct scene *s, unsigned i, uint16_t seq)
{
	struct packet q;

	q.n = kit_rtp(q.buf, 0x1000 + i, seq, 0, 160);
	if (s->out[i])
		assert_int_equal(rf_srtp_out_rtp(s->out[i], q.buf, q.n, sizeof q.buf, &q.n), 0);
	return q;
}

/* From `from`; it comes to the other party in the clear as party i said it: 1, not at all: 0. */
static int arrives_from(struct scene *s, unsigned i, struct party *from, const struct packet *q, uint16_t seq)
{
	struct rf_addr to = kit_local(s->p, i, 0);
	uint8_t got[512], plain[256];
	size_t n = kit_rtp(plain, 0x1000 + i, seq, 0, 160), m;

	party_send(&s->k, from, 0, &to, q->buf, q->n);
	ssize_t r = party_recv(&s->at[!i], 0, got, sizeof got, NULL);
	if (r < 0)
		return 0;
	m = (size_t)r;
	if (s->in[!i]) {
		assert_true(m > n && memcmp(got + RF_RTP_HEAD_BYTES, plain + RF_RTP_HEAD_BYTES, 16) != 0);
		assert_int_equal(rf_srtp_in_rtp(s->in[!i], got, m, &m), 0);
	}
	assert_int_equal(m, n);
	assert_memory_equal(got, plain, n);
	return 1;
}

static int passes(struct scene *s, unsigned i, uint16_t seq)
{
	struct packet q = sealed(s, i, seq);

	return arrives_from(s, i, &s->at[i], &q, seq);
}

/* RTCP of party i arrives at the other with this much of it; 0: not at all. */
static size_t rtcp_passes(struct scene *s, unsigned i, const uint8_t *bytes, size_t n, uint8_t *got, size_t cap)
{
	uint8_t buf[512];
	size_t m;

	memcpy(buf, bytes, n);
	if (s->out[i])
		assert_int_equal(rf_srtp_out_rtcp(s->out[i], buf, n, sizeof buf, &n), 0);
	struct rf_addr to = kit_local(s->p, i, 1);
	party_send(&s->k, &s->at[i], !s->conf[i].rtcp_mux, &to, buf, n);
	assert_int_equal(party_recv(&s->at[!i], s->conf[!i].rtcp_mux, got, cap, NULL), -1); /* not on the other port */
	ssize_t r = party_recv(&s->at[!i], !s->conf[!i].rtcp_mux, got, cap, NULL);
	if (r < 0)
		return 0;
	m = (size_t)r;
	if (s->in[!i])
		assert_int_equal(rf_srtp_in_rtcp(s->in[!i], got, m, &m), 0);
	return m;
}

/* ---- */

static void between_all_suites(void **state)
{
	struct rf_path_end_stats stats;

	(void)state;
	for (enum rf_srtp_suite a = RF_SRTP_NONE; a < RF_SRTP_SUITES; a++)
		for (enum rf_srtp_suite b = RF_SRTP_NONE; b < RF_SRTP_SUITES; b++) {
			struct scene s;
			uint8_t rtcp[256], got[512];

			begin_open(&s, a, b);
			for (uint16_t i = 0; i < 4; i++) {
				assert_int_equal(passes(&s, 0, (uint16_t)(65534 + i)), 1);
				assert_int_equal(passes(&s, 1, i), 1);
			}
			for (unsigned i = 0; i < 2; i++) {
				size_t n = kit_rtcp(rtcp, 0x1000 + i, 0x1001 - i, 1, 0, 0, "me@10.1.2.3");

				n = rtcp_passes(&s, i, rtcp, n, got, sizeof got);
				assert_true(n > 52);
				assert_memory_equal(got, rtcp, 52);
				assert_null(memmem(got, n, "10.1.2.3", 8));
			}
			rf_path_stats(s.p, 0, &stats);
			assert_int_equal(stats.suite, a);
			assert_int_equal(stats.packets, 4);
			assert_int_equal(stats.rtcp_packets, 1);
			assert_int_equal(stats.rtcp_sent, 1);
			assert_int_equal(kit_drops_all(s.p), 0);
			end(&s);
		}
}

static void what_is_not_authentic(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct scene s;
		struct rf_path_end_stats stats;
		uint64_t n = 0;

		begin(&s, suite, RF_SRTP_NONE);
		s.conf[0].source = RF_SOURCE_FIRST; /* anybody may come first, who has the key */
		set(&s, 0);
		set(&s, 1);
		rf_path_open(s.p);
		struct packet q = sealed(&s, 0, 100), plain = { .n = kit_rtp(plain.buf, 0x1000, 100, 0, 160) };
		for (size_t at = 0; at < q.n; at += at < 16 || at > q.n - 20 ? 1 : 13) {
			struct packet bad = q;

			bad.buf[at] ^= at == 0 || at == 1 ? 0x01 : 0x40; /* still looks like RTP */
			assert_int_equal(arrives_from(&s, 0, at % 2 ? &s.near : &s.at[0], &bad, 100), 0);
			n++;
		}
		for (size_t less = 0; less < q.n; less++) {
			struct packet bad = q;

			bad.n = less;
			assert_int_equal(arrives_from(&s, 0, &s.far, &bad, 100), 0);
			n++;
		}
		assert_int_equal(arrives_from(&s, 0, &s.near, &plain, 100), 0);
		n++;
		rf_path_stats(s.p, 0, &stats);
		assert_int_equal(stats.remote.family, 0);
		assert_int_equal(stats.packets, 0);
		assert_int_equal(stats.n_streams, 0);
		assert_int_equal(kit_drops_all(s.p), n);
		assert_int_equal(stats.drops[RF_DROP_AUTH] + stats.drops[RF_DROP_MALFORMED], n);
		/* The real one, from wherever NAT has put it; then the same again from anywhere. */
		assert_int_equal(arrives_from(&s, 0, &s.far, &q, 100), 1);
		assert_int_equal(arrives_from(&s, 0, &s.far, &q, 100), 0);
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 1);
		assert_int_equal(arrives_from(&s, 0, &s.at[0], &q, 100), 0);
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 1);
		rf_path_stats(s.p, 0, &stats);
		assert_true(rf_addr_eq(&stats.remote, &s.far.at[0]));
		end(&s);
	}
}

static void a_replay_does_not_win_the_window(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_NONE);
	s.conf[0].source = RF_SOURCE_FIRST;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	struct packet q = sealed(&s, 0, 1);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &q, 1), 1);
	/* It moves as signaled: a new window, and the old packets of the same keys are worth nothing in it. */
	s.conf[0].remote = s.near.at[0];
	set(&s, 0);
	assert_int_equal(arrives_from(&s, 0, &s.far, &q, 1), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 1);
	q = sealed(&s, 0, 2);
	assert_int_equal(arrives_from(&s, 0, &s.near, &q, 2), 1);
	end(&s);
}

static void keys_stay(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct scene s;
		struct packet old;

		begin_open(&s, suite, suite);
		assert_int_equal(passes(&s, 0, 65535), 1);
		assert_int_equal(passes(&s, 0, 0), 1); /* both counters are at 1 now */
		old = sealed(&s, 0, 1);
		assert_int_equal(arrives_from(&s, 0, &s.at[0], &old, 1), 1);
		for (unsigned i = 0; i < 2; i++) {
			set(&s, 0);
			set(&s, 1);
			assert_int_equal(arrives_from(&s, 0, &s.at[0], &old, 1), 0);
			assert_int_equal(passes(&s, 0, (uint16_t)(2 + i)), 1);
		}
		/* In the clear for a while, and back: no index is used a second time, in or out. */
		struct rf_path_end_conf plain[2] = { kit_conf(&s.at[0]), kit_conf(&s.at[1]) };
		assert_int_equal(rf_path_set(s.p, 0, &plain[0]), 0);
		assert_int_equal(rf_path_set(s.p, 1, &plain[1]), 0);
		set(&s, 0);
		set(&s, 1);
		assert_int_equal(arrives_from(&s, 0, &s.at[0], &old, 1), 0);
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 3);
		assert_int_equal(passes(&s, 0, 9), 1);
		uint8_t buf[512];
		size_t n = kit_rtp(buf, 0x1000, 9, 0, 20);
		assert_int_equal(rf_path_send(s.p, 1, buf, n, sizeof buf), RF_E_STATE); /* that index was sent */
		end(&s);
	}
}

static void several_keys_until_the_answer(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_NONE);
	struct rf_path_key took = s.conf[0].keys_in[0];
	s.conf[0].n_keys_in = 3;
	s.conf[0].keys_in[0] = kit_key(RF_SRTP_AEAD_AES_256_GCM, 77);
	s.conf[0].keys_in[1] = kit_key(RF_SRTP_AEAD_AES_128_GCM, 78);
	s.conf[0].keys_in[2] = took;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	assert_int_equal(passes(&s, 0, 1), 1);
	struct packet q = sealed(&s, 0, 2);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &q, 2), 1);
	s.conf[0].n_keys_in = 1;
	s.conf[0].keys_in[0] = took;
	set(&s, 0);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &q, 2), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 1);
	assert_int_equal(passes(&s, 0, 3), 1);
	end(&s);
}

static void another_key(void **state)
{
	struct scene s;
	struct packet late[3];

	(void)state;
	begin_open(&s, RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(passes(&s, 0, 1), 1);
	for (uint16_t i = 0; i < 3; i++)
		late[i] = sealed(&s, 0, (uint16_t)(2 + i));
	s.conf[0].keys_in[0] = kit_key(RF_SRTP_AES_256_CM_HMAC_SHA1_80, 9);
	s.conf[0].key_out = kit_key(RF_SRTP_AES_256_CM_HMAC_SHA1_80, 10);
	struct rf_srtp_master out = kit_master(&s.conf[0].keys_in[0]), in = kit_master(&s.conf[0].key_out);
	assert_int_equal(rf_srtp_out_rekey(s.out[0], &out), 0);
	assert_int_equal(rf_srtp_in_rekey(s.in[0], &in, 1), 0);
	set(&s, 0);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &late[0], 2), 1); /* it was on its way */
	assert_int_equal(passes(&s, 0, 10), 1);
	assert_int_equal(passes(&s, 1, 10), 1);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &late[1], 3), 1);
	kit_wait_ms(&s.k, 10000);
	assert_int_equal(passes(&s, 0, 11), 1);
	assert_int_equal(arrives_from(&s, 0, &s.at[0], &late[2], 4), 0); /* the old key is over */
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_AUTH), 1);
	end(&s);
}

static void no_keys(void **state)
{
	struct scene s;
	uint8_t rtcp[256], got[256];

	(void)state;
	begin(&s, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_AEAD_AES_128_GCM);
	s.conf[0].n_keys_in = 0;
	s.conf[0].key_out.suite = RF_SRTP_NONE;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	assert_int_equal(passes(&s, 0, 1), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_KEYS), 1);
	assert_int_equal(passes(&s, 1, 1), 0); /* never in the clear to a party that has keys */
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_NO_KEYS), 1);
	size_t n = kit_rtcp(rtcp, 0x1001, 1, 1, 0, 0, "x");
	assert_int_equal(rtcp_passes(&s, 1, rtcp, n, got, sizeof got), 0);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_NO_KEYS), 2);
	end(&s);
}

/* ---- keys that both ends share */

static void passed_with_keys(void **state)
{
	(void)state;
	for EACH_SUITE (suite) {
		struct scene s;
		uint8_t got[512], rtcp[512];

		begin(&s, suite, suite);
		for (unsigned i = 0; i < 2; i++)
			s.conf[i].keying = RF_KEYING_PASSED;
		set(&s, 0);
		set(&s, 1);
		rf_path_open(s.p);
		for (uint16_t seq = 1; seq < 4; seq++) {
			struct packet q = sealed(&s, 0, seq), bad = q;
			struct rf_addr to = kit_local(s.p, 0, 0);

			bad.buf[40] ^= 1;
			party_send(&s.k, &s.at[0], 0, &to, bad.buf, bad.n);
			assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1);
			party_send(&s.k, &s.at[0], 0, &to, q.buf, q.n);
			assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), q.n);
			assert_memory_equal(got, q.buf, q.n); /* as it came */
			party_send(&s.k, &s.at[0], 0, &to, q.buf, q.n);
			assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1);
		}
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_AUTH), 3);
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 3);
		size_t n = kit_rtcp(rtcp, 0x1000, 1, 1, 0, 0, "me@10.1.2.3");
		assert_int_equal(rf_srtp_out_rtcp(s.out[0], rtcp, n, sizeof rtcp, &n), 0);
		struct rf_addr to = kit_local(s.p, 0, 1);
		party_send(&s.k, &s.at[0], 1, &to, rtcp, n);
		assert_int_equal(party_recv(&s.at[1], 1, got, sizeof got, NULL), n);
		assert_memory_equal(got, rtcp, n);
		rtcp[10] ^= 1;
		party_send(&s.k, &s.at[0], 1, &to, rtcp, n);
		assert_int_equal(party_recv(&s.at[1], 1, got, sizeof got, NULL), -1);
		n = kit_rtp(rtcp, 5, 5, 0, 20);
		assert_int_equal(rf_path_send(s.p, 1, rtcp, n, sizeof rtcp), RF_E_STATE);
		rf_path_hold(s.p, 0, RF_HOLD_SILENCE);
		struct packet q = sealed(&s, 0, 20);
		assert_int_equal(arrives_from(&s, 0, &s.at[0], &q, 20), 0);
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_HELD), 1);
		end(&s);
	}
}

struct ear {
	struct rf_path_tap tap;
	unsigned packets, keys;
	uint8_t got[256];
	size_t n;
};

static void heard(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n)
{
	struct ear *ear = (struct ear *)t;

	assert_false(rtcp);
	assert_true(n <= sizeof ear->got);
	memcpy(ear->got, packet, n);
	ear->n = n;
	ear->packets++;
}

static void pressed(void *arg, struct rf_path *p, unsigned end, unsigned event, unsigned ms)
{
	struct ear *ear = arg;

	(void)p;
	(void)ms;
	assert_int_equal(end, 0);
	assert_int_equal(event, 5);
	ear->keys++;
}

/* Where nobody listens packets are only looked at; who listens hears them in the clear, keys that are pressed too. */
static void passed_and_heard(void **state)
{
	static const uint8_t five[4] = { 5, 0x80 | 10, 0, 160 };

	(void)state;
	for EACH_SUITE (suite) {
		static const struct rf_path_ops ops = { .dtmf = pressed };
		struct ear ear = { .tap = { .heard = heard } };
		struct scene s;
		uint8_t plain[256], got[512];

		begin(&s, suite, suite);
		rf_path_free(s.p);
		const char *what;

		assert_int_equal(rf_path_new(s.k.w, RF_PATH_RTP, (unsigned[]){ KIT_V4, KIT_V4_OTHER }, &ops, &ear, &s.p, &what), 0);
		for (unsigned i = 0; i < 2; i++) {
			s.conf[i].keying = RF_KEYING_PASSED;
			s.conf[i].n_types = 2;
			s.conf[i].types[0] = (struct rf_path_type){ .type = 0, .clock = 8000 };
			s.conf[i].types[1] = (struct rf_path_type){ .type = 101, .flags = RF_TYPE_DTMF, .clock = 8000 };
			set(&s, i);
		}
		rf_path_open(s.p);
		for (uint16_t seq = 1; seq < 5; seq++) {
			struct packet q = sealed(&s, 0, seq);
			struct rf_addr to = kit_local(s.p, 0, 0);
			size_t n = kit_rtp(plain, 0x1000, seq, 0, 160);

			if (seq == 2)
				rf_path_add_tap(s.p, 0, &ear.tap);
			if (seq == 4)
				rf_path_drop_tap(s.p, 0, &ear.tap);
			party_send(&s.k, &s.at[0], 0, &to, q.buf, q.n);
			assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), q.n);
			assert_memory_equal(got, q.buf, q.n);
			assert_int_equal(ear.packets, seq < 2 ? 0 : seq < 4 ? seq - 1 : 2);
			if (seq == 2 || seq == 3) {
				assert_int_equal(ear.n, n);
				assert_memory_equal(ear.got, plain, n);
			}
		}
		struct packet key = { .n = kit_rtp(key.buf, 0x1000, 5, 101, sizeof five) };
		struct rf_addr to = kit_local(s.p, 0, 0);

		memcpy(key.buf + RF_RTP_HEAD_BYTES, five, sizeof five);
		assert_int_equal(rf_srtp_out_rtp(s.out[0], key.buf, key.n, sizeof key.buf, &key.n), 0);
		party_send(&s.k, &s.at[0], 0, &to, key.buf, key.n);
		assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), key.n);
		assert_memory_equal(got, key.buf, key.n);
		assert_int_equal(ear.keys, 1);
		assert_int_equal(kit_drops_all(s.p), 0);
		end(&s);
	}
}

static void passed_without_keys(void **state)
{
	static const uint8_t records[][14] = { { 22, 254, 253, [12] = 1 },
					       { 20, 254, 253, [12] = 1 },
					       { 23, 254, 253, [12] = 1 } };
	struct scene s;
	uint8_t got[512];

	(void)state;
	begin(&s, RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AEAD_AES_256_GCM);
	for (unsigned i = 0; i < 2; i++) {
		s.conf[i].keying = RF_KEYING_PASSED;
		s.conf[i].n_keys_in = 0;
		s.conf[i].rtcp_mux = true;
	}
	set(&s, 0);
	set(&s, 1);
	struct rf_addr to = kit_local(s.p, 0, 0);
	party_send(&s.k, &s.at[0], 0, &to, records[0], 14);
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1); /* nothing before the answer */
	rf_path_open(s.p);
	for (unsigned i = 0; i < 3; i++) {
		party_send(&s.k, &s.near, 0, &to, records[i], 14);
		party_send(&s.k, &s.at[0], 0, &to, records[i], 14);
		assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), 14);
		assert_memory_equal(got, records[i], 14);
		assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 3);
	struct packet q = sealed(&s, 0, 7);
	for (unsigned i = 0; i < 2; i++)
		party_send(&s.k, &s.at[0], 0, &to, q.buf, q.n);
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), q.n);
	assert_memory_equal(got, q.buf, q.n);
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY), 1); /* its number is in the clear */
	party_send(&s.k, &s.at[0], 0, &to, "\x80\xc8\0\1abcdabcdabcd", 16);
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), 16);
	party_send(&s.k, &s.at[0], 0, &to, "\0\1\0\0\x21\x12\xa4\x42............", 20);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_STUN), 1);
	/* One end alone: nothing goes. */
	keys(&s, 1, RF_SRTP_NONE);
	set(&s, 1);
	q = sealed(&s, 0, 8);
	party_send(&s.k, &s.at[0], 0, &to, q.buf, q.n);
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), -1);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_KEYS), 1);
	end(&s);
}

/* ---- RTCP */

static void rtcp_on_all_its_ways(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 8; way++) {
		struct scene s;
		uint8_t rtcp[256], got[512];

		begin(&s, way & 4 ? RF_SRTP_AEAD_AES_128_GCM : RF_SRTP_NONE, RF_SRTP_NONE);
		s.conf[0].rtcp_mux = way & 1;
		s.conf[1].rtcp_mux = way & 2;
		set(&s, 0);
		set(&s, 1);
		size_t n = kit_rtcp(rtcp, 0x1000, 1, 1, 0, 0, "me");
		assert_int_equal(rtcp_passes(&s, 0, rtcp, n, got, sizeof got), 0);
		rf_path_open(s.p);
		assert_int_equal(rf_media_census(s.k.w).sockets, 4 - (way & 1) - (way >> 1 & 1));
		for (unsigned i = 0; i < 2; i++) {
			n = kit_rtcp(rtcp, 0x1000 + i, 1, 1, 0, 0, "me");
			assert_true(rtcp_passes(&s, i, rtcp, n, got, sizeof got) > 52);
			/* Nobody else may. */
			struct rf_addr to = kit_local(s.p, i, 1);
			party_send(&s.k, &s.near, 0, &to, rtcp, n);
			party_send(&s.k, &s.far, 0, &to, rtcp, n);
			assert_int_equal(kit_drops(s.p, i, RF_DROP_SOURCE), 2);
			/* On the port of the other kind it is none. */
			to.port ^= s.conf[i].rtcp_mux ? 0 : 1;
			if (!s.conf[i].rtcp_mux) {
				party_send(&s.k, &s.at[i], 0, &to, rtcp, n);
				assert_int_equal(kit_drops(s.p, i, RF_DROP_TYPE), 1);
			}
			for (unsigned j = 0; j < 2; j++)
				assert_int_equal(party_recv(&s.at[!i], j, got, sizeof got, NULL), -1);
		}
		assert_int_equal(passes(&s, 0, 1), 1);
		end(&s);
	}
}

static void rtcp_that_is_none(void **state)
{
	struct scene s;
	uint8_t rtcp[256], got[512];

	(void)state;
	begin_open(&s, RF_SRTP_NONE, RF_SRTP_NONE);
	struct rf_addr to = kit_local(s.p, 0, 1);
	size_t n = kit_rtcp(rtcp, 0x1000, 1, 1, 0, 0, "me");
	for (size_t less = 2; less < n; less++) {
		if (less == 52)
			continue; /* the report alone is whole */
		party_send(&s.k, &s.at[0], 1, &to, rtcp, less);
		assert_int_equal(party_recv(&s.at[1], 1, got, sizeof got, NULL), -1);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_MALFORMED), n - 3);
	/* RTP on this port; an APP, which does not cross. */
	n = kit_rtp(rtcp, 1, 1, 0, 20);
	party_send(&s.k, &s.at[0], 1, &to, rtcp, n);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_TYPE), 1);
	party_send(&s.k, &s.at[0], 1, &to, "\x80\xcc\0\2\0\0\0\1abcd", 12);
	assert_int_equal(party_recv(&s.at[1], 1, got, sizeof got, NULL), -1);
	/* A flood of it. */
	n = kit_rtcp(rtcp, 0x1000, 1, 1, 0, 0, "me");
	unsigned passed = 0;
	for (unsigned i = 0; i < 500; i++) {
		party_send(&s.k, &s.at[0], 1, &to, rtcp, n);
		passed += party_recv(&s.at[1], 1, got, sizeof got, NULL) > 0;
	}
	assert_in_range(passed, 198, 202);
	end(&s);
}

static void one_name_for_one_party(void **state)
{
	struct scene s;
	uint8_t rtcp[256], got[4][512];
	size_t n[4];

	(void)state;
	begin(&s, RF_SRTP_NONE, RF_SRTP_NONE);
	s.conf[0].sync = 4711;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	struct rf_path *video = kit_path(&s.k, RF_PATH_RTP, KIT_V4, KIT_V4), *audio = s.p;
	assert_int_equal(rf_path_set(video, 0, &s.conf[0]), 0);
	assert_int_equal(rf_path_set(video, 1, &s.conf[1]), 0);
	rf_path_open(video);
	size_t m = kit_rtcp(rtcp, 0x1000, 1, 1, 0, 0, "me@10.1.2.3");
	for (unsigned i = 0; i < 4; i++) {
		s.p = i < 2 ? audio : video;
		if (i == 3) { /* another party's */
			s.conf[0].sync = 4712;
			assert_int_equal(rf_path_set(video, 0, &s.conf[0]), 0);
		}
		n[i] = rtcp_passes(&s, 0, rtcp, m, got[i], sizeof got[i]);
		assert_int_equal(n[i], n[0]);
	}
	s.p = audio;
	assert_memory_equal(got[0], got[1], n[0]);
	assert_memory_equal(got[0], got[2], n[0]);
	assert_memory_not_equal(got[0], got[3], n[0]);
	rf_path_free(video);
	end(&s);
}

static void round_trip(void **state)
{
	struct scene s;
	uint8_t rtcp[256], got[512];
	struct rf_path_end_stats stats;

	(void)state;
	begin_open(&s, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_NONE);
	for (uint16_t i = 0; i < 50; i++) {
		kit_wait_ms(&s.k, 20);
		if (i % 10 != 9)
			assert_int_equal(passes(&s, 0, i), 1);
	}
	assert_int_equal(passes(&s, 0, 50), 1);
	uint64_t ntp = UINT64_C(0x1122334455667788);
	size_t n = kit_rtcp(rtcp, 0x1000, 0x1001, ntp, 0, 0, "a");
	assert_true(rtcp_passes(&s, 0, rtcp, n, got, sizeof got) > 0);
	kit_wait_ms(&s.k, 130);
	/* It kept the report for 100 ms before it spoke: 30 ms is the way there and back. */
	n = kit_rtcp(rtcp, 0x1001, 0x1000, 1, (uint32_t)(ntp >> 16), 65536 / 10, "b");
	assert_true(rtcp_passes(&s, 1, rtcp, n, got, sizeof got) > 0);
	rf_path_stats(s.p, 0, &stats);
	assert_in_range(stats.streams[0].rtt_us, 29900, 30200);
	assert_int_equal(stats.streams[0].lost, 5);
	assert_in_range(stats.streams[0].mos_100, 100, 450);
	end(&s);
}

/* ---- keys that are pressed */

static void events(void **state)
{
	struct scene s;
	uint8_t buf[64];
	size_t n;

	(void)state;
	begin_open(&s, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_NONE);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (uint16_t i = 0; i < 8; i++) {
		struct rf_rtp_head head = { .timestamp = 8000, .ssrc = 0x1000, .seq = (uint16_t)(1 + i), .type = 101 };
		uint16_t duration = (uint16_t)(160 * (i < 6 ? i + 1 : 6));

		rf_rtp_head_put(&head, buf);
		memcpy(buf + RF_RTP_HEAD_BYTES,
		       (uint8_t[]){ 11, i >= 5 ? 0x8a : 0x0a, (uint8_t)(duration >> 8), (uint8_t)duration }, 4);
		n = 16;
		assert_int_equal(rf_srtp_out_rtp(s.out[0], buf, n, sizeof buf, &n), 0);
		party_send(&s.k, &s.at[0], 0, &to, buf, n);
		assert_int_equal(party_recv(&s.at[1], 0, buf, sizeof buf, NULL), 16);
	}
	assert_int_equal(s.k.dtmfs, 1);
	assert_int_equal(s.k.dtmf_code, 11);
	assert_int_equal(s.k.dtmf_ms, 120);
	end(&s);
}

static void memory_ends(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_path_set(s.p, 0, &s.conf[0]);
		if (!fail_alloc_off())
			break;
		assert_true(rc == -ENOMEM || rc == RF_E_CRYPTO);
	}
	set(&s, 1);
	rf_path_open(s.p);
	assert_int_equal(passes(&s, 0, 1), 1);
	assert_int_equal(passes(&s, 1, 1), 1);
	/* Other keys for which there is no room: the old ones stay. */
	struct rf_path_end_conf other = s.conf[0];
	other.keys_in[0] = kit_key(RF_SRTP_AEAD_AES_128_GCM, 200);
	other.key_out = kit_key(RF_SRTP_AEAD_AES_128_GCM, 201);
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_path_set(s.p, 0, &other);
		if (!fail_alloc_off())
			break;
		assert_true(rc == -ENOMEM || rc == RF_E_CRYPTO);
		kit_wait_ms(&s.k, 20000);
		assert_int_equal(passes(&s, 0, (uint16_t)(10 + n)), 1);
		assert_int_equal(passes(&s, 1, (uint16_t)(10 + n)), 1);
	}
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_all_suites),
		cmocka_unit_test(what_is_not_authentic),
		cmocka_unit_test(a_replay_does_not_win_the_window),
		cmocka_unit_test(keys_stay),
		cmocka_unit_test(several_keys_until_the_answer),
		cmocka_unit_test(another_key),
		cmocka_unit_test(no_keys),
		cmocka_unit_test(passed_with_keys), cmocka_unit_test(passed_and_heard),
		cmocka_unit_test(passed_without_keys),
		cmocka_unit_test(rtcp_on_all_its_ways),
		cmocka_unit_test(rtcp_that_is_none),
		cmocka_unit_test(one_name_for_one_party),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(events),
		cmocka_unit_test(memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Calls that pass through one relay twice, and calls that were made to name each other. */
#include "path_kit.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* a - [0 p 1] - [0 q 1] - b, where end 1 of p and end 0 of q are each other's party. */
struct scene {
	struct kit k;
	struct party a, b;
	struct rf_path *p, *q;
};

static void set(struct rf_path *p, unsigned i, const struct rf_addr *remote, enum rf_path_keying keying, uint8_t in,
		uint8_t out)
{
	struct party there = { .at = { *remote } };
	struct rf_path_end_conf c = kit_conf(&there);

	c.remote_rtcp = (struct rf_addr){ 0 };
	c.keying = keying;
	c.n_keys_in = keying == RF_KEYING_SDES;
	c.keys_in[0] = kit_key(RF_SRTP_AES_CM_128_HMAC_SHA1_80, in);
	c.key_out = kit_key(RF_SRTP_AES_CM_128_HMAC_SHA1_80, out);
	assert_int_equal(rf_path_set(p, i, &c), 0);
}

static struct rf_addr real(struct rf_path *p, unsigned end)
{
	return kit_local(p, end, 0);
}

static void join(struct scene *s, enum rf_path_kind kind, bool round, enum rf_path_keying keying)
{
	*s = (struct scene){ 0 };
	kit_begin(&s->k);
	party_open(&s->a, "127.0.0.1");
	party_open(&s->b, "127.0.0.1");
	s->p = kit_path(&s->k, kind, KIT_V4, KIT_V4);
	s->q = kit_path(&s->k, kind, KIT_V4, KIT_V4);
	struct rf_addr p0 = real(s->p, 0), p1 = real(s->p, 1), q0 = real(s->q, 0), q1 = real(s->q, 1);
	enum rf_path_keying outer = round ? keying : RF_KEYING_PLAIN;

	set(s->p, 0, round ? &q1 : &s->a.at[0], outer, 3, 4);
	set(s->p, 1, &q0, keying, 1, 2);
	set(s->q, 0, &p1, keying, 2, 1);
	set(s->q, 1, round ? &p0 : &s->b.at[0], outer, 4, 3);
	rf_path_open(s->p);
	rf_path_open(s->q);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	rf_path_free(s->q);
	party_close(&s->a);
	party_close(&s->b);
	kit_end(&s->k);
}

static uint64_t sent(const struct scene *s)
{
	struct rf_media_totals t;

	rf_media_totals(s->k.w, &t);
	return t.sent;
}

/* Both ways, reports and repeated datagrams too. */
static void twice_through_one_relay(void **state)
{
	struct scene s;
	uint8_t buf[512], got[512];

	(void)state;
	for (unsigned keying = RF_KEYING_PLAIN; keying <= RF_KEYING_SDES; keying++) {
		join(&s, RF_PATH_RTP, false, keying);
		struct rf_addr to = real(s.p, 0), rtcp = to;
		rtcp.port++;
		for (uint16_t i = 0; i < 20; i++) {
			size_t n = kit_rtp(buf, 7, i, 0, 20);
			party_send(&s.k, &s.a, 0, &to, buf, n);
			kit_wait_ms(&s.k, 1);
			assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), n);
			n = kit_rtcp(buf, 7, 8, i, 0, 0, "a");
			party_send(&s.k, &s.a, 1, &rtcp, buf, n);
			kit_wait_ms(&s.k, 1);
			assert_true(party_recv(&s.b, 1, got, sizeof got, NULL) > 0);
		}
		assert_int_equal(kit_drops_all(s.p) + kit_drops_all(s.q), 0);
		end(&s);
	}
	join(&s, RF_PATH_DATAGRAM, false, RF_KEYING_PLAIN);
	struct rf_addr to = real(s.p, 0);
	for (unsigned i = 0; i < 5; i++) { /* BFCP says again what nobody answered, half a second later */
		party_send(&s.k, &s.a, 0, &to, "again", 5);
		kit_wait_ms(&s.k, 1);
		assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), 5);
		kit_wait_ms(&s.k, 500);
	}
	end(&s);
}

/* One packet is let in, as it may be when a call is turned round while it is under way: it does not run for ever. */
static void what_comes_round_is_stopped(void **state)
{
	struct scene s;
	uint8_t buf[512];

	(void)state;
	for (unsigned keying = RF_KEYING_PLAIN; keying <= RF_KEYING_SDES; keying++)
		for (unsigned what = 0; what < 3; what++) {
			join(&s, what == 2 ? RF_PATH_DATAGRAM : RF_PATH_RTP, true,
			     what == 2 ? RF_KEYING_PLAIN : keying);
			struct rf_end *e = &s.p->end[1];
			bool rtcp = what == 1;
			size_t n = rtcp ? kit_rtcp(buf, 7, 8, 1, 2, 3, "a") : kit_rtp(buf, 7, 1, 0, 20), m = n;
			if (what < 2 && keying == RF_KEYING_SDES) {
				struct rf_srtp_out *out = rf_end_crypt_out(e, rtcp);
				assert_int_equal(rtcp ? rf_srtp_out_rtcp(out, buf, n, sizeof buf, &m) :
						 rf_srtp_out_rtp(out, buf, n, sizeof buf, &m), 0);
			}
			assert_true(rf_sock_send(&e->sock[rtcp], buf, m, &e->signaled[rtcp]));
			for (unsigned i = 0; i < 1000; i++)
				kit_turn(&s.k);
			assert_in_range(sent(&s), 1, 4);
			assert_int_equal(kit_drops_all(s.p) + kit_drops_all(s.q), 1);
			end(&s);
		}
}

/* Reports alone that were made to name each other: the media goes elsewhere. */
static void reports_that_come_round(void **state)
{
	struct scene s = { 0 };
	uint8_t buf[512];

	(void)state;
	kit_begin(&s.k);
	party_open(&s.a, "127.0.0.1");
	party_open(&s.b, "127.0.0.1");
	s.p = kit_path(&s.k, RF_PATH_RTP, KIT_V4, KIT_V4);
	for (unsigned i = 0; i < 2; i++) {
		struct rf_path_end_conf c = kit_conf(i ? &s.b : &s.a);

		c.remote_rtcp = kit_local(s.p, i, 1); /* our own: what is sent there comes back as if
						       * that party had sent it */
		assert_int_equal(rf_path_set(s.p, i, &c), 0);
	}
	rf_path_open(s.p);
	struct rf_end *e = &s.p->end[0];

	assert_true(rf_sock_send(&e->sock[1], buf, kit_rtcp(buf, 7, 8, 1, 2, 3, "a"), &e->signaled[1]));
	for (unsigned i = 0; i < 1000; i++)
		kit_turn(&s.k);
	assert_in_range(sent(&s), 1, 4);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_REPLAY) + kit_drops(s.p, 1, RF_DROP_REPLAY), 1);
	rf_path_free(s.p);
	party_close(&s.a);
	party_close(&s.b);
	kit_end(&s.k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_through_one_relay),
		cmocka_unit_test(what_comes_round_is_stopped),
		cmocka_unit_test(reports_that_come_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

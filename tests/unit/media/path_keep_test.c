/* Sockets that stay open between two calls: the next call has them, and nothing of the last one. */
#include "path_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 2 }; /* of KIT_V4: one path has all, so the next has those of the last */

struct scene {
	struct kit k;
	struct party a, b;
};

static void begin_with(struct scene *s, unsigned pairs)
{
	kit_begin_with(&s->k, pairs, NULL, NULL);
	s->k.w->conf.keep_max = 8;
	party_open(&s->a, "127.0.0.1");
	party_open(&s->b, "127.0.0.1");
}

static void begin(struct scene *s)
{
	begin_with(s, PAIRS);
}

/* A relay without calls holds no socket: none was asked for for two seconds. */
static void end(struct scene *s)
{
	kit_wait_ms(&s->k, 2001);
	kit_wait_ms(&s->k, 1001);
	assert_int_equal(rf_media_census(s->k.w).kept, 0);
	party_close(&s->a);
	party_close(&s->b);
	kit_end(&s->k);
}

static struct rf_path *call(struct scene *s, bool mux, uint8_t dscp)
{
	struct rf_path *p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf a = kit_conf(&s->a), b = kit_conf(&s->b);

	a.rtcp_mux = b.rtcp_mux = mux;
	a.dscp = b.dscp = dscp;
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_path_set(p, 1, &b), 0);
	rf_path_open(p);
	return p;
}

static void sends(struct scene *s, const struct rf_addr *to, uint32_t ssrc, uint16_t seq)
{
	uint8_t buf[256];
	struct rf_peer peer;
	size_t n = kit_rtp(buf, ssrc, seq, 0, 160);

	rf_peer_of(to, &peer);
	assert_int_equal(sendto(s->a.fd[0], buf, n, 0, &peer.sa, peer.n), n);
}

static void the_next_call_has_them(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	for (unsigned i = 0; i < 4; i++) {
		bool mux = i == 2; /* its odd ports' sockets go on waiting */
		struct rf_path *p = call(&s, mux, i == 3 ? 46 : 0);
		int fds[] = { p->end[0].sock[0].fd, p->end[1].sock[0].fd };

		assert_int_equal(rf_media_census(s.k.w).sockets, mux ? 2 : 4);
		assert_int_equal(rf_media_census(s.k.w).kept, mux ? 2 : 0);
		assert_int_equal(kit_passes(&s.k, p, 0, &s.a, &s.b, 1), 1);
		assert_int_equal(kit_passes(&s.k, p, 1, &s.b, &s.a, 1), 1);
		rf_path_free(p);
		assert_int_equal(rf_media_census(s.k.w).sockets, 0);
		assert_int_equal(rf_media_census(s.k.w).kept, 4);
		for (unsigned k = 0; k < 2; k++) {
			int tos = -1;
			socklen_t size = sizeof tos;

			assert_int_equal(getsockopt(fds[k], IPPROTO_IP, IP_TOS, &tos, &size), 0);
			assert_int_equal(tos, i == 3 ? 46 << 2 : 0);
		}
	}
	/* The mark of the last call is not the next one's. */
	struct rf_path *p = call(&s, false, 0);
	for (unsigned i = 0; i < 4; i++) {
		int tos = -1;
		socklen_t size = sizeof tos;

		assert_int_equal(getsockopt(p->end[i & 1].sock[i >> 1].fd, IPPROTO_IP, IP_TOS, &tos, &size), 0);
		assert_int_equal(tos, 0);
	}
	rf_path_free(p);
	end(&s);
}

static void nothing_of_the_last_call_comes_to_the_next(void **state)
{
	struct scene s;
	struct rf_addr at[2];
	uint64_t *dropped;

	(void)state;
	begin(&s);
	dropped = &s.k.w->totals.dropped[RF_DROP_UNANSWERED];
	struct rf_path *p = call(&s, false, 0);
	at[0] = kit_local(p, 0, 0);
	at[1] = kit_local(p, 1, 0);
	assert_int_equal(kit_passes(&s.k, p, 0, &s.a, &s.b, 1), 1);
	/* What lies in its socket when it ends is taken out as nobody's, and so is what comes while the port rests. */
	sends(&s, &at[0], 1, 2);
	rf_path_free(p);
	kit_turn(&s.k);
	assert_int_equal(*dropped, 1);
	sends(&s, &at[0], 1, 3);
	sends(&s, &at[1], 1, 4);
	kit_turn(&s.k);
	assert_int_equal(*dropped, 3);
	/* And what came just before the next call begins: it has not been looked at when the call takes the socket. */
	for (uint16_t i = 0; i < 10; i++)
		sends(&s, &at[0], 1, (uint16_t)(5 + i));
	p = call(&s, false, 0);
	assert_int_equal(*dropped, 13);
	kit_turn(&s.k);
	assert_int_equal(kit_drops_all(p), 0);
	assert_int_equal(p->end[0].packets + p->end[1].packets, 0);
	assert_int_equal(kit_passes(&s.k, p, 0, &s.a, &s.b, 1), 1);
	rf_path_free(p);
	end(&s);
}

/* Whoever floods a waiting port gains nothing: the socket is closed, and the call has another one on the same port. */
static void a_flooded_one_is_closed(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	struct rf_path *p = call(&s, true, 0);
	struct rf_addr at = kit_local(p, 0, 0);
	rf_path_free(p);
	for (uint16_t i = 0; i < 100; i++)
		sends(&s, &at, 1, i);
	p = call(&s, true, 0);
	kit_turn(&s.k);
	assert_int_equal(kit_drops_all(p), 0);
	assert_int_equal(rf_media_census(s.k.w).kept, 0);
	assert_int_equal(kit_passes(&s.k, p, 0, &s.a, &s.b, 1), 1);
	rf_path_free(p);
	end(&s);
}

static void no_more_than_may_wait(void **state)
{
	struct scene s;
	struct rf_path *p[4];

	(void)state;
	begin_with(&s, 8);
	for (unsigned i = 0; i < 4; i++)
		p[i] = call(&s, false, 0);
	for (unsigned i = 0; i < 4; i++)
		rf_path_free(p[i]);
	assert_int_equal(rf_media_census(s.k.w).kept, 8);
	assert_int_equal(rf_media_census(s.k.w).ports, 0);
	end(&s);
}

/* While calls come, those that nobody needs go by themselves. */
static void old_ones_go(void **state)
{
	struct scene s;

	(void)state;
	begin_with(&s, 400);
	rf_path_free(call(&s, true, 0));
	for (unsigned i = 0; i < 9; i++) {
		/* asks for ports, leaves nothing */
		rf_path_free(kit_path(&s.k, RF_PATH_STREAM, KIT_V4_OTHER, KIT_V4_OTHER));
		kit_wait_ms(&s.k, 1000);
	}
	assert_int_equal(rf_media_census(s.k.w).kept, 2);
	for (unsigned i = 0; i < 22; i++) {
		rf_path_free(kit_path(&s.k, RF_PATH_STREAM, KIT_V4_OTHER, KIT_V4_OTHER));
		kit_wait_ms(&s.k, 1000);
	}
	assert_int_equal(rf_media_census(s.k.w).kept, 0);
	end(&s);
}

/* A stream's port has no use for the datagrams' socket. */
static void another_kind_has_its_own(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	rf_path_free(call(&s, false, 0));
	assert_int_equal(rf_media_census(s.k.w).kept, 4);
	kit_wait_ms(&s.k, 1000);
	struct rf_path *p = kit_path(&s.k, RF_PATH_STREAM, KIT_V4, KIT_V4);
	assert_int_equal(rf_media_census(s.k.w).kept, 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 2);
	rf_path_free(p);
	end(&s);
}

/* Of an end that moves to another interface, and of one that has no use for its second port any more. */
static void ends_that_change(void **state)
{
	struct scene s;
	const char *what;

	(void)state;
	begin(&s);
	rf_path_free(call(&s, false, 0));
	struct rf_path *p = kit_path(&s.k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf a = kit_conf(&s.a);
	assert_int_equal(rf_media_census(s.k.w).kept, 2); /* the odd ones wait in it */
	assert_int_equal(rf_path_move(p, 0, KIT_V4_OTHER, &what), 0);
	assert_int_equal(rf_media_census(s.k.w).kept, 1);
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 3);
	a.rtcp_mux = true;
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 2);
	assert_int_equal(rf_media_census(s.k.w).kept, 2);
	a.rtcp_mux = false;
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 3);
	assert_int_equal(rf_media_census(s.k.w).kept, 1);
	rf_path_free(p);
	end(&s);
}

/* A call that finds no descriptor has those that wait. */
static void they_make_room(void **state)
{
	struct scene s;
	struct rlimit was, few;

	(void)state;
	begin_with(&s, 400);
	rf_path_free(call(&s, false, 0));
	assert_int_equal(rf_media_census(s.k.w).kept, 4);
	int next = dup(0);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ (rlim_t)next, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct rf_path *p = kit_path(&s.k, RF_PATH_RTP, KIT_V4_OTHER, KIT_V4_OTHER);
	assert_int_equal(rf_media_census(s.k.w).kept, 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 2);
	/* For its RTCP, too; and then there are none left. */
	struct rf_path_end_conf a = kit_conf(&s.a);
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_path_set(p, 1, &a), 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 4);
	struct rf_path *q = NULL;
	const char *what = "";
	assert_int_equal(rf_path_new(s.k.w, RF_PATH_RTP, (unsigned[]){ KIT_V4, KIT_V4 }, p->ops, &s.k, &q, &what),
			 RF_E_LIMIT);
	assert_string_equal(what, "descriptors are exhausted");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	rf_path_free(p);
	end(&s);
}

/* Also when it is the second port that there is no descriptor for. */
static void they_make_room_for_rtcp(void **state)
{
	struct scene s;
	struct rlimit was, few;

	(void)state;
	begin_with(&s, 400);
	struct rf_path *old = call(&s, false, 0), *p = kit_path(&s.k, RF_PATH_RTP, KIT_V4_OTHER, KIT_V4_OTHER);
	struct rf_path_end_conf a = kit_conf(&s.a);

	rf_path_free(old);
	assert_int_equal(rf_media_census(s.k.w).kept, 4);
	int next = dup(0);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ (rlim_t)next, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(rf_path_set(p, 0, &a), 0);
	assert_int_equal(rf_path_set(p, 1, &a), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(rf_media_census(s.k.w).sockets, 4);
	rf_path_free(p);
	end(&s);
}

enum { PLACES = 3 };

/* Sockets are there before the first call, and again after a time without calls. */
static void a_stock_waits(void **state)
{
	struct scene s;

	(void)state;
	begin_with(&s, 400);
	s.k.w->conf.keep_max = 40;
	s.k.w->conf.stock = 4 * PLACES + 1;
	rf_kept_fill(s.k.w);
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES);
	assert_int_equal(rf_media_census(s.k.w).ports, 0);
	struct rf_path *p[3];
	for (unsigned i = 0; i < 3; i++) { /* two of KIT_V4's four pairs each, then none is left */
		p[i] = call(&s, false, 0);
		assert_int_equal(kit_passes(&s.k, p[i], 0, &s.a, &s.b, 1), 1);
		assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES - (i < 2 ? 4 * (i + 1) : 8));
	}
	kit_wait_ms(&s.k, 1001); /* calls come: nobody makes sockets in advance */
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES - 8);
	kit_wait_ms(&s.k, 1001);
	kit_wait_ms(&s.k, 1001);
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES);
	/* Those of the calls wait, too, until it is quiet. */
	for (unsigned i = 0; i < 3; i++)
		rf_path_free(p[i]);
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES + 12);
	kit_wait_ms(&s.k, 1001);
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES);
	kit_wait_ms(&s.k, 60000);
	kit_wait_ms(&s.k, 1001);
	assert_int_equal(rf_media_census(s.k.w).kept, 8 * PLACES);
	s.k.w->conf.stock = 0;
	end(&s);
}

/* At most a quarter of the ports, what may be kept, and what there are descriptors for; what
 * comes to it is nobody's. */
static void how_much_is_in_stock(void **state)
{
	static const struct { size_t stock, keep_max, kept; } cases[] = {
		{ 3, 40, 2 + 4 }, { 900, 40, 40 }, { 900, 0, 0 }, { 6, 9, 2 + 4 + 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene s;

		begin_with(&s, 4); /* one pair is its share */
		s.k.w->conf.keep_max = cases[i].keep_max;
		s.k.w->conf.stock = cases[i].stock;
		rf_kept_fill(s.k.w);
		assert_int_equal(rf_media_census(s.k.w).kept, cases[i].kept);
		s.k.w->conf.stock = 0;
		end(&s);
	}
	struct scene s;
	struct rlimit was, few;

	begin_with(&s, 400);
	s.k.w->conf.keep_max = 40;
	s.k.w->conf.stock = 4 * PLACES;
	int next = dup(0);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ (rlim_t)next + 3, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rf_kept_fill(s.k.w);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(rf_media_census(s.k.w).kept, 2);
	s.k.w->conf.stock = 0;
	end(&s);
}

static void a_stock_hears_nobody(void **state)
{
	struct scene s;

	(void)state;
	begin_with(&s, 4);
	s.k.w->conf.stock = 3;
	rf_kept_fill(s.k.w);
	struct rf_addr at = s.k.w->place[KIT_V4].conf.local;
	for (at.port = 20000; at.port < 20008; at.port++)
		sends(&s, &at, 1, 1);
	kit_turn(&s.k);
	assert_int_equal(s.k.w->totals.dropped[RF_DROP_UNANSWERED], 2);
	s.k.w->conf.stock = 0;
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_call_has_them),
		cmocka_unit_test(nothing_of_the_last_call_comes_to_the_next),
		cmocka_unit_test(a_flooded_one_is_closed),
		cmocka_unit_test(no_more_than_may_wait),
		cmocka_unit_test(old_ones_go),
		cmocka_unit_test(another_kind_has_its_own),
		cmocka_unit_test(ends_that_change),
		cmocka_unit_test(they_make_room),
		cmocka_unit_test(they_make_room_for_rtcp),
		cmocka_unit_test(a_stock_waits),
		cmocka_unit_test(how_much_is_in_stock),
		cmocka_unit_test(a_stock_hears_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

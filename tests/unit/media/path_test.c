/* Plain RTP through real sockets: what goes on, and what gets nothing. */
#include "path_kit.h"

#include "base/err.h"
#include "base/table.h"
#include "fail_alloc.h"
#include "rtp/rtcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two parties, and a stranger on the same host with another port, and one on another host. */
struct scene {
	struct kit k;
	struct party a, b, near, far;
	struct rf_path *p;
};

static void begin(struct scene *s)
{
	kit_begin(&s->k);
	party_open(&s->a, "127.0.0.1");
	party_open(&s->b, "127.0.0.1");
	party_open(&s->near, "127.0.0.1");
	party_open(&s->far, "127.0.0.2");
	s->p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4_OTHER);
}

static void set(struct scene *s, unsigned end, struct rf_path_end_conf conf)
{
	assert_int_equal(rf_path_set(s->p, end, &conf), 0);
}

static void begin_open(struct scene *s)
{
	begin(s);
	set(s, 0, kit_conf(&s->a));
	set(s, 1, kit_conf(&s->b));
	rf_path_open(s->p);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	party_close(&s->a);
	party_close(&s->b);
	party_close(&s->near);
	party_close(&s->far);
	kit_end(&s->k);
}

static void goes_both_ways(void **state)
{
	struct scene s;
	struct rf_path_end_stats stats;

	(void)state;
	begin_open(&s);
	for (uint16_t i = 0; i < 50; i++) {
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, (uint16_t)(65500 + i)), 1);
		assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, i), 1);
	}
	assert_int_equal(kit_drops_all(s.p), 0);
	rf_path_stats(s.p, 0, &stats);
	assert_int_equal(stats.packets, 50);
	assert_int_equal(stats.bytes, 50 * 172);
	assert_int_equal(stats.sent, 50);
	assert_int_equal(stats.sent_bytes, 50 * 172);
	assert_int_equal(stats.n_streams, 1);
	assert_int_equal(stats.streams[0].ssrc, 0x1000);
	assert_int_equal(stats.streams[0].packets, 50);
	assert_int_equal(stats.streams[0].lost, 0);
	assert_true(rf_addr_eq(&stats.remote, &s.a.at[0]));
	struct rf_media_totals totals;
	rf_media_totals(s.k.w, &totals);
	assert_int_equal(totals.packets, 100);
	assert_int_equal(totals.sent, 100);
	assert_int_equal(totals.ended.streams, 0);
	rf_path_free(s.p);
	s.p = NULL;
	rf_media_totals(s.k.w, &totals);
	assert_int_equal(totals.ended.streams, 2);
	assert_int_equal(totals.ended.received, 100);
	assert_int_equal(totals.ended.lost, 0);
	assert_int_equal(totals.ended.mos[RF_TALLY_STEPS - 2], 0); /* nothing was lost: above 4.0 */
	end(&s);
}

static void advertises(void **state)
{
	struct scene s;
	struct rf_addr rtp, rtcp;
	char text[RF_ADDR_TEXT];

	(void)state;
	begin(&s);
	rf_path_local(s.p, 1, &rtp, &rtcp);
	assert_true(strncmp(rf_addr_text(&rtp, text), "192.0.2.9:4", 11) == 0);
	assert_int_equal(rtp.port % 2, 0);
	assert_int_equal(rtcp.port, rtp.port + 1);
	struct rf_path_end_conf conf = kit_conf(&s.b);
	conf.rtcp_mux = true;
	set(&s, 1, conf);
	rf_path_local(s.p, 1, &rtp, &rtcp);
	assert_int_equal(rtcp.port, rtp.port);
	end(&s);
}

static void nothing_before_the_answer(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 0); /* neither end is set */
	set(&s, 0, kit_conf(&s.a));
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 2), 0);
	set(&s, 1, kit_conf(&s.b));
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 3), 0);
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 3), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_UNANSWERED), 3);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_UNANSWERED), 1);
	struct rf_path_end_stats stats;
	rf_path_stats(s.p, 0, &stats);
	assert_int_equal(stats.remote.family, 0); /* and nothing was learned */
	assert_int_equal(stats.n_streams, 0);
	rf_path_open(s.p);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 4), 1);
	end(&s);
}

static void one_end_is_not_known(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	set(&s, 0, kit_conf(&s.a));
	rf_path_open(s.p);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_DIRECTION), 1); /* that party said nothing of what it takes */
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), 0);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_UNANSWERED), 1);
	struct rf_path_end_conf conf = kit_conf(&s.b);
	conf.remote.family = 0;
	set(&s, 1, conf);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 2), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_REMOTE), 1);
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), 0);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_SOURCE), 1);
	end(&s);
}

/* ---- where packets may come from */

enum who { A, NEAR, FAR };
struct step { enum who who; unsigned wait_ms; bool passes; enum rf_path_drop why; };

static struct party *who(struct scene *s, enum who w)
{
	return w == A ? &s->a : w == NEAR ? &s->near : &s->far;
}

/* Party A is signaled with the address of `signaled` and the source `how`; then these send one after the other. */
static void run_steps(enum rf_path_source how, bool no_address, const struct step *steps, size_t n)
{
	struct scene s;

	begin(&s);
	struct rf_path_end_conf conf = kit_conf(&s.a);
	conf.source = how;
	conf.window_ms = 2000;
	if (no_address)
		conf.remote.family = 0;
	if (how == RF_SOURCE_ICE) {
		memcpy(conf.ufrag, "abcdEFGH", 9);
		memcpy(conf.pwd, "abcdefghijklmnopqrstuvwx", 25);
	}
	set(&s, 0, conf);
	set(&s, 1, kit_conf(&s.b));
	rf_path_open(s.p);
	for (size_t i = 0; i < n; i++) {
		uint64_t before = steps[i].passes ? 0 : kit_drops(s.p, 0, steps[i].why);

		kit_wait_ms(&s.k, steps[i].wait_ms);
		if (kit_passes(&s.k, s.p, 0, who(&s, steps[i].who), &s.b, (uint16_t)(100 + i)) != steps[i].passes)
			fail_msg("source %d, step %zu: %s", how, i, steps[i].passes ? "it did not pass" : "it passed");
		if (!steps[i].passes && kit_drops(s.p, 0, steps[i].why) != before + 1)
			fail_msg("source %d, step %zu: not counted as %s", how, i, rf_path_drop_name(steps[i].why));
	}
	end(&s);
}

#define STEPS(how, any, ...) \
	run_steps(how, any, (const struct step[])__VA_ARGS__, sizeof (const struct step[])__VA_ARGS__ / sizeof(struct step))

static void sources(void **state)
{
	(void)state;
	STEPS(RF_SOURCE_SIGNALED, false, { { NEAR, 0, false, RF_DROP_SOURCE }, { FAR, 0, false, RF_DROP_SOURCE }, { A, 0, true },
		{ NEAR, 0, false, RF_DROP_SOURCE }, { FAR, 60000, false, RF_DROP_SOURCE }, { A, 0, true } });
	/* NAT: another port of the same host, and then no other. */
	STEPS(RF_SOURCE_FIRST, false, { { FAR, 0, false, RF_DROP_SOURCE }, { NEAR, 100, true }, { A, 0, false, RF_DROP_SOURCE },
		{ FAR, 0, false, RF_DROP_SOURCE }, { NEAR, 60000, true }, { A, 0, false, RF_DROP_SOURCE } });
	/* The window is over: what was signaled, exactly. */
	STEPS(RF_SOURCE_FIRST, false,
	      { { NEAR, 2001, false, RF_DROP_WINDOW },
		{ FAR, 0, false, RF_DROP_SOURCE },
		{ A, 0, true },
		{ NEAR, 0, false, RF_DROP_SOURCE } });
	STEPS(RF_SOURCE_FIRST, true, { { FAR, 0, true }, { A, 0, false, RF_DROP_SOURCE }, { FAR, 0, true } });
	STEPS(RF_SOURCE_FIRST, true, { { FAR, 2001, false, RF_DROP_WINDOW }, { A, 0, false, RF_DROP_WINDOW } });
	STEPS(RF_SOURCE_SIGNALED, true, { { A, 0, false, RF_DROP_SOURCE } });
	STEPS(RF_SOURCE_ICE, false, { { A, 0, false, RF_DROP_SOURCE }, { NEAR, 0, false, RF_DROP_SOURCE } });
}

static void nothing_is_learned_from_what_was_not_negotiated(void **state)
{
	struct scene s;
	uint8_t buf[256];
	struct rf_path_end_stats stats;

	(void)state;
	begin(&s);
	struct rf_path_end_conf conf = kit_conf(&s.a);
	conf.source = RF_SOURCE_FIRST;
	set(&s, 0, conf);
	set(&s, 1, kit_conf(&s.b));
	rf_path_open(s.p);
	struct rf_addr to = kit_local(s.p, 0, 0);
	party_send(&s.k, &s.near, 0, &to, buf, kit_rtp(buf, 1, 1, 8, 160)); /* PCMA was not negotiated */
	party_send(&s.k, &s.near, 0, &to, "\x80\0", 2);
	party_send(&s.k, &s.near, 0, &to, "hello", 5);
	party_send(&s.k, &s.near, 0, &to, "", 0);
	rf_path_stats(s.p, 0, &stats);
	assert_int_equal(stats.remote.family, 0);
	assert_int_equal(stats.n_streams, 0);
	assert_int_equal(stats.drops[RF_DROP_TYPE], 1);
	assert_int_equal(stats.drops[RF_DROP_MALFORMED], 3);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
	end(&s);
}

/* Who stands behind a NAT may be promised silence until its first packet: media, reports and what is ours;
 * then all of it comes. */
static void nothing_before_its_first_packet(void **state)
{
	struct scene s;
	uint8_t buf[512], got[512];

	(void)state;
	for (unsigned waits = 0; waits < 2; waits++) {
		begin(&s);
		struct rf_path_end_conf conf = kit_conf(&s.a);
		struct rf_addr to = kit_local(s.p, 1, 1);

		conf.source = RF_SOURCE_FIRST;
		conf.nat_waits = waits;
		set(&s, 0, conf);
		set(&s, 1, kit_conf(&s.b));
		rf_path_open(s.p);
		to = kit_local(s.p, 1, 1);
		assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), !waits);
		party_send(&s.k, &s.b, 1, &to, buf, kit_rtcp(buf, 1, 2, 7, 0, 0, "bob"));
		assert_int_equal(party_recv(&s.a, 1, got, sizeof got, NULL) > 0, !waits);
		assert_int_equal(rf_path_send(s.p, 0, buf, kit_rtp(buf, 5, 1, 0, 160), sizeof buf),
				 waits ? RF_E_STATE : 0);
		assert_int_equal(kit_drops(s.p, 1, RF_DROP_NO_REMOTE), 2 * waits);
		party_recv(&s.a, 0, got, sizeof got, NULL);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
		assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 2), 1);
		party_send(&s.k, &s.b, 1, &to, buf, kit_rtcp(buf, 1, 2, 8, 0, 0, "bob"));
		assert_true(party_recv(&s.a, 1, got, sizeof got, NULL) > 0);
		end(&s);
	}
}

static void moves_as_signaled(void **state)
{
	static const enum rf_path_source hows[] = { RF_SOURCE_SIGNALED, RF_SOURCE_FIRST };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct scene s;
		struct rf_path_end_conf conf;

		begin_open(&s);
		conf = kit_conf(&s.a);
		conf.source = hows[i];
		set(&s, 0, conf);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
		kit_wait_ms(&s.k, 60000);
		/* The same again, a hold for example, moves nothing and opens no window. */
		set(&s, 0, conf);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.near, &s.b, 2), 0);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 3), 1);
		conf.remote = s.far.at[0];
		unsigned flows = s.k.flows;
		set(&s, 0, conf);
		assert_true(s.k.flows > flows);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 4), 0);
		assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.far, 1), 1); /* at once, before it sends itself */
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.far, &s.b, 5), 1);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 6), 0);
		end(&s);
	}
}

static void strangers_get_nothing_at_any_moment(void **state)
{
	struct scene s;
	uint8_t buf[2048];

	(void)state;
	begin(&s);
	for (int moment = 0; moment < 6; moment++) {
		struct rf_addr at[2] = { kit_local(s.p, 0, 0), kit_local(s.p, 1, 0) };
		uint16_t seq = 77;

		if (moment == 1)
			set(&s, 0, kit_conf(&s.a));
		if (moment == 2)
			set(&s, 1, kit_conf(&s.b));
		if (moment == 3)
			rf_path_open(s.p);
		if (moment == 4)
			assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 76), 1);
		if (moment == 5)
			set(&s, 0, kit_conf(&s.a));
		for (unsigned e = 0; e < 2; e++) /* even with the right SSRC and number */
			for (unsigned w = 0; w < 2; w++)
				party_send(&s.k, w ? &s.far : &s.near, 0, &at[e], buf,
					   kit_rtp(buf, 0x1000 + e, seq, 0, 160));
		struct party *all[] = { &s.a, &s.b, &s.near, &s.far };
		for (unsigned i = 0; i < 4; i++)
			if (party_recv(all[i], 0, buf, sizeof buf, NULL) >= 0)
				fail_msg("moment %d: party %u got something", moment, i);
	}
	assert_int_equal(kit_drops_all(s.p), 24);
	end(&s);
}

/* ---- what was negotiated */

static void types(void **state)
{
	struct scene s;
	uint8_t buf[256], got[256];

	(void)state;
	begin_open(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);
	unsigned passed = 0;
	for (unsigned type = 0; type < 128; type++) {
		if (type >= 64 && type < 96)
			continue; /* RTCP's, with the marker */
		party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 7, (uint16_t)type, (uint8_t)type, 4));
		if (party_recv(&s.b, 0, got, sizeof got, NULL) >= 0) {
			assert_true(type == 0 || type == 101);
			passed++;
		}
	}
	assert_int_equal(passed, 2);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_TYPE), 94);
	/* No list: any. */
	struct rf_path_end_conf conf = kit_conf(&s.a);
	conf.n_types = 0;
	set(&s, 0, conf);
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 7, 102, 99, 4));
	assert_true(party_recv(&s.b, 0, got, sizeof got, NULL) > 0);
	end(&s);
}

static void sequences(void **state)
{
	/* Every number goes through; what is said is whether it passed. */
	static const struct { uint16_t seq; enum rf_path_drop why; } cases[] = {
		{ 65530, RF_DROPS }, { 65531, RF_DROPS }, { 65531, RF_DROP_REPLAY }, { 65530, RF_DROP_REPLAY },
		{ 65534, RF_DROPS }, { 65533, RF_DROPS }, { 65533, RF_DROP_REPLAY }, { 1, RF_DROPS },
		{ 65535, RF_DROPS }, { 0, RF_DROPS }, { 0, RF_DROP_REPLAY },
		{ 3000, RF_DROPS },                           /* 2999 ahead: lost ones */
		{ 2901, RF_DROPS }, { 2901, RF_DROP_REPLAY },  /* 99 behind: late */
		{ 2900, RF_DROP_SEQUENCE },                   /* 100 behind */
		{ 6000, RF_DROP_SEQUENCE },                   /* 3000 ahead */
		{ 9000, RF_DROP_SEQUENCE }, { 9002, RF_DROP_SEQUENCE }, { 9003, RF_DROPS }, { 9004, RF_DROPS },
		{ 9003, RF_DROP_REPLAY }, { 9002, RF_DROPS },
		{ 40000, RF_DROP_SEQUENCE }, { 9005, RF_DROPS }, { 40001, RF_DROP_SEQUENCE },
		{ 9005 + 63, RF_DROPS }, { 9005 + 127, RF_DROPS }, { 9005 + 63, RF_DROP_REPLAY },
		{ 9005 + 62, RF_DROPS }, { 9005 + 255, RF_DROPS }, { 9005 + 159, RF_DROPS },
		{ 9005 + 159, RF_DROP_REPLAY },
	};
	struct scene s;

	(void)state;
	begin_open(&s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t before = cases[i].why == RF_DROPS ? 0 : kit_drops(s.p, 0, cases[i].why);
		int passed = kit_passes(&s.k, s.p, 0, &s.a, &s.b, cases[i].seq);

		if (passed != (cases[i].why == RF_DROPS))
			fail_msg("case %zu, %u: passed %d", i, cases[i].seq, passed);
		if (!passed && kit_drops(s.p, 0, cases[i].why) != before + 1)
			fail_msg("case %zu, %u: not counted as %s", i, cases[i].seq, rf_path_drop_name(cases[i].why));
	}
	end(&s);
}

static void ssrcs(void **state)
{
	struct scene s;
	uint8_t buf[256], got[256];

	(void)state;
	begin_open(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t ssrc = 0; ssrc < RF_PATH_SSRCS_MAX + 1; ssrc++) {
			party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, ssrc, (uint16_t)round, 0, 4));
			bool passed = party_recv(&s.b, 0, got, sizeof got, NULL) > 0;
			assert_int_equal(passed, ssrc < RF_PATH_SSRCS_MAX);
		}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SSRC), 2);
	/* The one that was silent longest makes room. */
	kit_wait_ms(&s.k, RF_PATH_SSRC_IDLE_MS);
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 1, 2, 0, 4));
	assert_true(party_recv(&s.b, 0, got, sizeof got, NULL) > 0);
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 100, 2, 0, 4));
	assert_true(party_recv(&s.b, 0, got, sizeof got, NULL) > 0);
	struct rf_path_end_stats stats;
	rf_path_stats(s.p, 0, &stats);
	assert_int_equal(stats.n_streams, RF_PATH_SSRCS_MAX);
	assert_int_equal(stats.streams[0].ssrc, 100);
	assert_int_equal(stats.streams[1].ssrc, 1);
	end(&s);
}

static void rates(void **state)
{
	struct scene s;
	unsigned passed = 0;

	(void)state;
	begin(&s);
	struct rf_path_end_conf conf = kit_conf(&s.a);
	conf.packets_s = 50;
	set(&s, 0, conf);
	set(&s, 1, kit_conf(&s.b));
	rf_path_open(s.p);
	for (uint16_t i = 0; i < 200; i++) /* at once: what a second is worth */
		passed += (unsigned)kit_passes(&s.k, s.p, 0, &s.a, &s.b, i);
	assert_in_range(passed, 50, 52);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_RATE), 200 - passed);
	for (uint16_t i = 200; i < 300; i++) { /* and then as agreed */
		kit_wait_ms(&s.k, 20);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, i), 1);
	}
	conf.packets_s = 1000;
	conf.bytes_s = 172 * 10;
	set(&s, 0, conf);
	kit_wait_ms(&s.k, 5000);
	passed = 0;
	for (uint16_t i = 300; i < 350; i++)
		passed += (unsigned)kit_passes(&s.k, s.p, 0, &s.a, &s.b, i);
	assert_in_range(passed, 10, 12);
	end(&s);
}

static void a_stranger_does_not_use_up_the_rate(void **state)
{
	struct scene s;
	uint8_t buf[256];

	(void)state;
	begin_open(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (unsigned i = 0; i < 2000; i++)
		party_send(&s.k, &s.near, 0, &to, buf, kit_rtp(buf, 0x1000, (uint16_t)(20000 + i), 0, 160));
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 2000);
	end(&s);
}

static void directions(void **state)
{
	static const struct { enum rf_sdp_dir a, b; bool a_to_b, b_to_a; } cases[] = {
		{ RF_SDP_SENDRECV, RF_SDP_SENDRECV, true, true }, { RF_SDP_SENDONLY, RF_SDP_RECVONLY, true, false },
		{ RF_SDP_SENDONLY, RF_SDP_SENDRECV, true, false }, { RF_SDP_SENDRECV, RF_SDP_RECVONLY, true, false },
		{ RF_SDP_SENDRECV, RF_SDP_SENDONLY, false, true }, { RF_SDP_INACTIVE, RF_SDP_SENDRECV, false, false },
		{ RF_SDP_INACTIVE, RF_SDP_INACTIVE, false, false }, { RF_SDP_RECVONLY, RF_SDP_RECVONLY, false, false },
		{ RF_SDP_SENDONLY, RF_SDP_SENDONLY, false, false },
	};
	struct scene s;

	(void)state;
	begin_open(&s);
	for (uint16_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_path_end_conf conf = kit_conf(&s.a);

		conf.dir = cases[i].a;
		set(&s, 0, conf);
		conf = kit_conf(&s.b);
		conf.dir = cases[i].b;
		set(&s, 1, conf);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, i), cases[i].a_to_b);
		assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, i), cases[i].b_to_a);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_DIRECTION), 5);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_DIRECTION), 7);
	end(&s);
}

static void holds(void **state)
{
	static const struct { unsigned holds; uint8_t type; int passes; int byte; } cases[] = {
		{ 0, 0, 1, -1 }, { 0, 101, 1, -1 },
		{ RF_HOLD_MEDIA, 0, 0, 0 }, { RF_HOLD_MEDIA, 101, 0, 0 },
		{ RF_HOLD_DTMF, 0, 1, -1 }, { RF_HOLD_DTMF, 101, 0, 0 },
		{ RF_HOLD_SILENCE, 0, 1, 0xff }, { RF_HOLD_SILENCE, 8, 1, 0xd5 }, { RF_HOLD_SILENCE, 101, 1, -1 },
		{ RF_HOLD_SILENCE, 96, 0, 0 }, { RF_HOLD_SILENCE, 34, 1, -1 }, /* a codec without such words; video */
	};
	struct scene s;
	uint8_t buf[256], got[256];

	(void)state;
	begin(&s);
	struct rf_path_end_conf conf = kit_conf(&s.a);
	conf.n_types = 5;
	conf.types[2] = (struct rf_path_type){ 8, 0, 8000 };
	conf.types[3] = (struct rf_path_type){ 96, 0, 48000 };
	conf.types[4] = (struct rf_path_type){ 34, RF_TYPE_VIDEO, 90000 };
	set(&s, 0, conf);
	set(&s, 1, kit_conf(&s.b));
	rf_path_open(s.p);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (uint16_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n = kit_rtp(buf, 1, i, cases[i].type, 20);

		rf_path_hold(s.p, 0, cases[i].holds);
		party_send(&s.k, &s.a, 0, &to, buf, n);
		ssize_t m = party_recv(&s.b, 0, got, sizeof got, NULL);
		if ((m >= 0) != cases[i].passes)
			fail_msg("case %u: %zd", i, m);
		if (m < 0)
			continue;
		assert_int_equal(m, n);
		assert_memory_equal(buf, got, RF_RTP_HEAD_BYTES);
		for (size_t at = RF_RTP_HEAD_BYTES; at < n; at++)
			assert_int_equal(got[at], cases[i].byte < 0 ? buf[at] : cases[i].byte);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_HELD), 4);
	end(&s);
}

struct changer {
	struct rf_path_filter filter;
	struct rf_path_tap tap;
	unsigned heard, rtcp, gone, result;
	uint8_t last;
};

static int change(struct rf_path_filter *f, uint8_t *packet, size_t *n, size_t cap)
{
	struct changer *c = rf_container(f, struct changer, filter);

	assert_true(cap >= *n + 10);
	memset(packet + RF_RTP_HEAD_BYTES, 0x42, *n + 10 - RF_RTP_HEAD_BYTES);
	*n += 10;
	return (int)c->result;
}

static void hear(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n)
{
	struct changer *c = rf_container(t, struct changer, tap);

	assert_int_equal(rtcp, rf_rtcp_check(rf_view_of(packet, n), true) == 0);
	c->heard++;
	c->rtcp += rtcp;
	c->last = packet[n - 1];
}

static void gone(struct rf_path_tap *t)
{
	rf_container(t, struct changer, tap)->gone++;
}

static void filters_and_taps(void **state)
{
	struct scene s;
	struct changer c = { .filter = { change }, .tap = { .heard = hear } };
	uint8_t buf[256], got[256];

	(void)state;
	begin_open(&s);
	rf_path_set_filter(s.p, 0, &c.filter);
	rf_path_add_tap(s.p, 0, &c.tap);
	struct rf_addr to = kit_local(s.p, 0, 0);
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 1, 1, 0, 160));
	assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), 182);
	assert_int_equal(got[181], 0x42);
	assert_int_equal(c.heard, 1);
	assert_int_equal(c.last, buf[171]);
	c.result = 1;
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 1, 2, 0, 160));
	assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), -1);
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), 1); /* of this party's alone */
	rf_path_set_filter(s.p, 0, NULL);
	rf_path_drop_tap(s.p, 0, &c.tap);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 3), 1);
	assert_int_equal(c.heard, 2);
	end(&s);
}

/* What one party says is copied to a recorder, at a path with one end. */
struct copier {
	struct rf_path_tap tap;
	struct rf_path *to;
	unsigned gone;
};

static void copy(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n)
{
	struct copier *c = rf_container(t, struct copier, tap);
	uint8_t buf[RF_PATH_ROOM];

	memcpy(buf, packet, n);
	assert_int_equal((rtcp ? rf_path_send_rtcp : rf_path_send)(c->to, 0, buf, n, sizeof buf), 0);
}

static void copier_gone(struct rf_path_tap *t)
{
	rf_container(t, struct copier, tap)->gone++;
}

static void begin_copy(struct scene *s, struct party *to, struct copier *c)
{
	struct rf_path_end_conf conf;

	c->tap = (struct rf_path_tap){ .heard = copy, .gone = copier_gone };
	c->to = kit_path(&s->k, RF_PATH_RTP, KIT_V4, RF_PATH_NOBODY);
	party_open(to, "127.0.0.1");
	conf = kit_conf(to);
	conf.dir = RF_SDP_RECVONLY;
	assert_int_equal(rf_path_set(c->to, 0, &conf), 0);
	rf_path_open(c->to);
	rf_path_add_tap(s->p, 0, &c->tap);
}

/* Party a says a packet: how many bytes come at b and at the recorder. */
static void say(struct scene *s, struct party *to, uint16_t seq, uint8_t type, ssize_t at_b, ssize_t at_recorder)
{
	uint8_t buf[256], got[256];
	struct rf_addr port = kit_local(s->p, 0, 0);

	party_send(&s->k, &s->a, 0, &port, buf, kit_rtp(buf, 1, seq, type, 160));
	assert_int_equal(party_recv(&s->b, 0, got, sizeof got, NULL), at_b);
	assert_int_equal(party_recv(to, 0, got, sizeof got, NULL), at_recorder);
	if (at_recorder > 0)
		assert_int_equal(got[2] << 8 | got[3], seq);
}

static void copies_for_a_recorder(void **state)
{
	struct rf_path_tuple tuples[RF_PATH_TUPLES_MAX];
	struct rf_path_end_stats stats;
	struct copier c[2] = { 0 };
	struct party to[2];
	struct scene s;
	uint8_t buf[256], got[256];

	(void)state;
	begin_open(&s);
	begin_copy(&s, &to[0], &c[0]);
	begin_copy(&s, &to[1], &c[1]);
	say(&s, &to[0], 1, 0, 172, 172);
	assert_int_equal(party_recv(&to[1], 0, got, sizeof got, NULL), 172);
	rf_path_drop_tap(s.p, 0, &c[1].tap);
	rf_path_drop_tap(s.p, 0, &c[1].tap);
	say(&s, &to[0], 2, 0, 172, 172);
	assert_int_equal(party_recv(&to[1], 0, got, sizeof got, NULL), -1);
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), 1); /* of this party's alone */
	assert_int_equal(party_recv(&to[0], 0, got, sizeof got, NULL), -1);

	/* its reports, as the other party gets them */
	struct rf_addr port = kit_local(s.p, 0, 1);
	party_send(&s.k, &s.a, 1, &port, buf, kit_rtcp(buf, 1, 2, 7, 0, 0, "alice@10.0.0.1"));
	ssize_t n = party_recv(&s.b, 1, buf, sizeof buf, NULL);
	assert_true(n > 0);
	assert_int_equal(party_recv(&to[0], 1, got, sizeof got, NULL), n);
	assert_memory_equal(buf, got, (size_t)n);
	assert_null(memmem(got, (size_t)n, "alice", 5));

	/* what the recorder sends reaches nobody, and moves nothing */
	port = kit_local(c[0].to, 0, 0);
	party_send(&s.k, &to[0], 0, &port, buf, kit_rtp(buf, 9, 1, 0, 160));
	assert_int_equal(kit_drops(c[0].to, 0, RF_DROP_DIRECTION), 1);
	party_send(&s.k, &s.near, 0, &port, buf, kit_rtp(buf, 9, 2, 0, 160));
	assert_int_equal(kit_drops(c[0].to, 0, RF_DROP_SOURCE), 1);
	port = kit_local(c[0].to, 0, 1);
	party_send(&s.k, &to[0], 1, &port, buf, kit_rtcp(buf, 9, 1, 7, 0, 0, "recorder"));
	rf_path_stats(c[0].to, 0, &stats);
	assert_int_equal(stats.rtcp_packets, 1);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(kit_drops_all(c[0].to), 2);

	/* but that it asks for a picture is told; nobody else may */
	static const uint8_t pli[] = "\x80\xc9\0\1" "\0\0\0\x09" "\x81\xce\0\2" "\0\0\0\x09" "\0\0\0\1";
	for (unsigned i = 0; i < 2; i++) {
		memcpy(buf, pli, sizeof pli - 1);
		party_send(&s.k, i ? &s.near : &to[0], 1, &port, buf, sizeof pli - 1);
		assert_int_equal(s.k.pictures, 1);
	}
	port = kit_local(s.p, 0, 1);
	memcpy(buf, pli, sizeof pli - 1);
	party_send(&s.k, &s.a, 1, &port, buf, sizeof pli - 1); /* a party's goes to the other one */
	assert_int_equal(s.k.pictures, 1);
	assert_true(party_recv(&s.b, 1, got, sizeof got, NULL) > 0);
	assert_true(party_recv(&to[0], 1, got, sizeof got, NULL) > 0);
	assert_int_equal(party_recv(&s.a, 0, got, sizeof got, NULL), -1);
	assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), -1);
	assert_int_equal(party_recv(&s.a, 1, got, sizeof got, NULL), -1);
	assert_int_equal(party_recv(&s.b, 1, got, sizeof got, NULL), -1);
	assert_int_equal(rf_path_flows(c[0].to, tuples), 4);

	/* what does not go on is not copied, silence is as silence, and keys are held back here, too */
	rf_path_hold(s.p, 0, RF_HOLD_MEDIA);
	say(&s, &to[0], 3, 0, -1, -1);
	rf_path_hold(s.p, 0, RF_HOLD_DTMF);
	say(&s, &to[0], 4, 101, -1, -1);
	say(&s, &to[0], 5, 0, 172, 172);
	rf_path_hold(s.p, 0, RF_HOLD_SILENCE);
	port = kit_local(s.p, 0, 0);
	party_send(&s.k, &s.a, 0, &port, buf, kit_rtp(buf, 1, 6, 0, 160));
	assert_int_equal(party_recv(&to[0], 0, got, sizeof got, NULL), 172);
	assert_int_equal(got[171], 0xff);
	assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL), 172);

	rf_path_add_tap(s.p, 0, &c[1].tap);
	rf_path_free(s.p);
	s.p = NULL;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(c[i].gone, 1);
		rf_path_free(c[i].to);
		party_close(&to[i]);
	}
	end(&s);
}

/* While keys are blocked the copy is what the filter made of it. */
static void copies_behind_a_block(void **state)
{
	struct changer c = { .filter = { change }, .tap = { .heard = hear, .gone = gone } };
	struct rf_addr to;
	struct scene s;
	uint8_t buf[256];

	(void)state;
	begin_open(&s);
	to = kit_local(s.p, 0, 0);
	rf_path_set_filter(s.p, 0, &c.filter);
	rf_path_add_tap(s.p, 0, &c.tap);
	rf_path_hold(s.p, 0, RF_HOLD_DTMF);
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 1, 1, 0, 160));
	assert_int_equal(c.heard, 1);
	assert_int_equal(c.last, 0x42);
	c.result = 1;
	party_send(&s.k, &s.a, 0, &to, buf, kit_rtp(buf, 1, 2, 0, 160));
	assert_int_equal(c.heard, 1);
	rf_path_set_filter(s.p, 0, NULL);
	rf_path_free(s.p);
	s.p = NULL;
	assert_int_equal(c.gone, 1);
	end(&s);
}

static void sends_of_its_own(void **state)
{
	struct scene s;
	uint8_t buf[512], got[256];

	(void)state;
	begin(&s);
	size_t n = kit_rtp(buf, 9, 9, 0, 160);
	assert_int_equal(rf_path_send(s.p, 0, buf, n, sizeof buf), RF_E_STATE);
	set(&s, 0, kit_conf(&s.a));
	assert_int_equal(rf_path_send(s.p, 0, buf, n, sizeof buf), RF_E_STATE); /* nothing before the answer */
	rf_path_open(s.p);
	assert_int_equal(rf_path_send(s.p, 0, buf, n, sizeof buf), 0);
	assert_int_equal(rf_path_send(s.p, 1, buf, n, sizeof buf), RF_E_STATE);
	assert_int_equal(party_recv(&s.a, 0, got, sizeof got, NULL), 172);
	end(&s);
}

static void families_meet(void **state)
{
	struct kit k;
	struct party a, b;

	(void)state;
	kit_begin(&k);
	party_open(&a, "127.0.0.1");
	party_open(&b, "::1");
	struct rf_path *p = kit_path(&k, RF_PATH_RTP, KIT_V4, KIT_V6);
	struct rf_path_end_conf conf = kit_conf(&b);
	assert_int_equal(rf_path_set(p, 0, &conf), RF_E_INVALID); /* there it could never send */
	assert_int_equal(rf_path_set(p, 1, &conf), 0);
	conf = kit_conf(&a);
	assert_int_equal(rf_path_set(p, 0, &conf), 0);
	rf_path_open(p);
	for (uint16_t i = 0; i < 5; i++) {
		assert_int_equal(kit_passes(&k, p, 0, &a, &b, i), 1);
		assert_int_equal(kit_passes(&k, p, 1, &b, &a, i), 1);
	}
	rf_path_free(p);
	party_close(&a);
	party_close(&b);
	kit_end(&k);
}

static void moves_to_another_interface(void **state)
{
	struct scene s;
	const char *what;

	(void)state;
	begin(&s);
	struct rf_addr before = kit_local(s.p, 0, 0);
	assert_int_equal(rf_path_move(s.p, 0, KIT_V4, &what), 0);
	struct rf_addr now = kit_local(s.p, 0, 0);
	assert_true(rf_addr_eq(&before, &now));
	assert_int_equal(rf_path_move(s.p, 0, 99, &what), RF_E_INVALID);
	set(&s, 0, kit_conf(&s.a));
	assert_int_equal(rf_path_move(s.p, 0, KIT_V4_OTHER, &what), 0);
	now = kit_local(s.p, 0, 0);
	assert_true(now.port >= 40000);
	set(&s, 1, kit_conf(&s.b));
	rf_path_open(s.p);
	assert_int_equal(rf_path_move(s.p, 0, KIT_V4, &what), RF_E_STATE);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
	assert_int_equal(kit_passes(&s.k, s.p, 1, &s.b, &s.a, 1), 1);
	end(&s);
}

/* ---- bad input */

static void every_prefix(void **state)
{
	struct scene s;
	uint8_t buf[256], got[256];

	(void)state;
	begin_open(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (size_t n = 0; n < 40; n++) {
		size_t whole = kit_rtp(buf, 1, (uint16_t)n, 0, 28);

		assert_true(n <= whole);
		buf[0] |= 0x11; /* one contributing source, and an extension of two words */
		memcpy(buf + 16, "\xbe\xde\0\2", 4);
		party_send(&s.k, &s.a, 0, &to, buf, n);
		bool passed = party_recv(&s.b, 0, got, sizeof got, NULL) >= 0;
		assert_int_equal(passed, n >= 28);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_MALFORMED), 28);
	end(&s);
}

static void what_is_too_long(void **state)
{
	static const struct { size_t n; bool passes; } cases[] = {
		{ 1499, true }, { 1500, true }, { 1501, false }, { 2048, false }, { 2049, false }, { 9000, false },
		{ 60000, false },
	};
	struct scene s;
	static uint8_t buf[65536], got[65536];

	(void)state;
	begin_open(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);
	for (uint16_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		kit_rtp(buf, 1, i, 0, cases[i].n - RF_RTP_HEAD_BYTES);
		party_send(&s.k, &s.a, 0, &to, buf, cases[i].n);
		assert_int_equal(party_recv(&s.b, 0, got, sizeof got, NULL) >= 0, cases[i].passes);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_MALFORMED), 5);
	end(&s);
}

static void wrong_confs(void **state)
{
	struct scene s;

	(void)state;
	begin_open(&s);
	for (unsigned i = 0; i < 6; i++) {
		struct rf_path_end_conf conf = kit_conf(&s.near);

		switch (i) {
		case 0: conf.dscp = 64; break;
		case 1: conf.n_types = RF_PATH_TYPES_MAX + 1; break;
		case 2: conf.types[1].type = 128; break;
		case 3: conf.remote = (struct rf_addr){ .ip = { 239, 1, 2, 3 }, .port = 5000, .family = 4 }; break;
		case 4: conf.n_keys_in = RF_PATH_KEYS_MAX + 1; break;
		default: conf.n_prints = RF_PATH_PRINTS_MAX + 1; break;
		}
		assert_int_equal(rf_path_set(s.p, 0, &conf), RF_E_INVALID);
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, (uint16_t)i), 1); /* the old one stays */
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.near, &s.b, (uint16_t)(i + 100)), 0);
	}
	end(&s);
}

/* ---- ends */

static void ports_end(void **state)
{
	struct kit k;
	struct rf_path *p[4];
	const char *what = NULL;

	(void)state;
	kit_begin_with(&k, 8, NULL, NULL);
	for (unsigned i = 0; i < 4; i++)
		p[i] = kit_path(&k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path *one = NULL;
	assert_int_equal(rf_path_new(k.w, RF_PATH_RTP, (unsigned[]){ KIT_V4_OTHER, KIT_V4 }, p[0]->ops, &k, &one,
				     &what),
			 RF_E_LIMIT);
	assert_string_equal(what, "ports are exhausted");
	assert_null(one);
	rf_path_free(p[0]);
	p[0] = kit_path(&k, RF_PATH_RTP, KIT_V4, KIT_V4); /* nothing else is free: those that rest */
	for (unsigned i = 0; i < 4; i++)
		rf_path_free(p[i]);
	kit_end(&k);
}

static void descriptors_end(void **state)
{
	struct scene s;
	struct rlimit was, now;
	struct rf_path *one = NULL;
	const char *what = NULL;

	(void)state;
	begin_open(&s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	struct rf_media_census before = rf_media_census(s.k.w);
	for (rlim_t more = 0; more < 4; more++) {
		int fd = dup(0); /* the lowest one that is free */

		close(fd);
		now = was;
		now.rlim_cur = (rlim_t)fd + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
		int rc = rf_path_new(s.k.w, RF_PATH_RTP, (unsigned[]){ KIT_V4, KIT_V4 }, s.p->ops, &s.k, &one, &what);
		assert_int_equal(rc, more < 2 ? RF_E_LIMIT : 0);
		if (rc) {
			assert_string_equal(what, "descriptors are exhausted");
		} else {
			struct rf_path_end_conf conf = kit_conf(&s.near);

			assert_int_equal(rf_path_set(one, 0, &conf), more < 3 ? RF_E_LIMIT : 0);
			conf.rtcp_mux = true;
			assert_int_equal(rf_path_set(one, 0, &conf), 0);
		}
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		/* nobody else is disturbed */
		assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, (uint16_t)more), 1);
		rf_path_free(one);
		one = NULL;
		struct rf_media_census after = rf_media_census(s.k.w);
		assert_memory_equal(&before, &after, sizeof after);
	}
	end(&s);
}

static void memory_ends(void **state)
{
	struct scene s;

	(void)state;
	begin_open(&s);
	for (unsigned n = 1;; n++) {
		struct rf_path *one = NULL;
		const char *what;

		fail_alloc_at(n);
		int rc = rf_path_new(s.k.w, RF_PATH_RTP, (unsigned[]){ KIT_V4, KIT_V4 }, s.p->ops, &s.k, &one, &what);
		bool failed = fail_alloc_off();
		rf_path_free(one);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	/* No room for an SSRC: its packet is dropped, the next one passes. */
	fail_alloc_at(1);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 0);
	assert_true(fail_alloc_off());
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SSRC), 1);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 2), 1);
	end(&s);
}

static void goes_while_others_are_ready(void **state)
{
	struct scene s;
	uint8_t buf[256];

	(void)state;
	begin_open(&s);
	/* Datagrams lie in its sockets when it is freed: nobody looks at them any more. */
	struct rf_path *other = kit_path(&s.k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_addr to = kit_local(other, 0, 0);
	struct rf_peer peer;
	rf_peer_of(&to, &peer);
	size_t n = kit_rtp(buf, 1, 1, 0, 160);
	assert_int_equal(sendto(s.near.fd[0], buf, n, 0, &peer.sa, peer.n), n);
	rf_path_free(other);
	kit_turn(&s.k);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
	end(&s);
}

static void silence_is_told(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	rf_path_set_silence(s.p, 5000);
	set(&s, 0, kit_conf(&s.a));
	set(&s, 1, kit_conf(&s.b));
	kit_wait_ms(&s.k, 20000);
	assert_int_equal(s.k.silent, 0); /* it is not open */
	rf_path_open(s.p);
	kit_wait_ms(&s.k, 4000);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.a, &s.b, 1), 1);
	kit_wait_ms(&s.k, 4000);
	assert_int_equal(kit_passes(&s.k, s.p, 0, &s.near, &s.b, 2), 0); /* a stranger does not keep it alive */
	assert_int_equal(s.k.silent, 0);
	kit_wait_ms(&s.k, 1001);
	assert_int_equal(s.k.silent, 1);
	kit_wait_ms(&s.k, 5001);
	assert_int_equal(s.k.silent, 2);
	rf_path_set_silence(s.p, 0);
	kit_wait_ms(&s.k, 60000);
	assert_int_equal(s.k.silent, 2);
	rf_path_set_silence(s.p, 1000);
	end(&s);
}

static void five_thousand(void **state)
{
	enum { N = 5000 };
	static struct rf_path *p[N];
	struct kit k;
	struct party a, b;

	(void)state;
	kit_begin_with(&k, 2 * N, NULL, NULL);
	party_open(&a, "127.0.0.1");
	party_open(&b, "127.0.0.1");
	struct rf_path_end_conf ca = kit_conf(&a), cb = kit_conf(&b);
	ca.rtcp_mux = cb.rtcp_mux = true;
	for (unsigned i = 0; i < N; i++) {
		p[i] = kit_path(&k, RF_PATH_RTP, KIT_V4, KIT_V4);
		assert_int_equal(rf_path_set(p[i], 0, &ca), 0);
		assert_int_equal(rf_path_set(p[i], 1, &cb), 0);
		rf_path_open(p[i]);
	}
	assert_int_equal(rf_media_census(k.w).paths, N);
	assert_int_equal(rf_media_census(k.w).sockets, 2 * N);
	assert_int_equal(rf_media_census(k.w).ports_free, 2 * 1000); /* of the other interfaces */
	for (unsigned i = 0; i < N; i += 50)
		assert_int_equal(kit_passes(&k, p[i], 0, &a, &b, (uint16_t)i), 1);
	for (unsigned i = 0; i < N; i++)
		rf_path_free(p[i]);
	party_close(&a);
	party_close(&b);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_both_ways),
		cmocka_unit_test(advertises),
		cmocka_unit_test(nothing_before_the_answer),
		cmocka_unit_test(one_end_is_not_known),
		cmocka_unit_test(sources),
		cmocka_unit_test(nothing_is_learned_from_what_was_not_negotiated),
		cmocka_unit_test(nothing_before_its_first_packet),
		cmocka_unit_test(moves_as_signaled),
		cmocka_unit_test(strangers_get_nothing_at_any_moment),
		cmocka_unit_test(types),
		cmocka_unit_test(sequences),
		cmocka_unit_test(ssrcs),
		cmocka_unit_test(rates),
		cmocka_unit_test(a_stranger_does_not_use_up_the_rate),
		cmocka_unit_test(directions),
		cmocka_unit_test(holds),
		cmocka_unit_test(filters_and_taps),
		cmocka_unit_test(copies_for_a_recorder),
		cmocka_unit_test(copies_behind_a_block),
		cmocka_unit_test(sends_of_its_own),
		cmocka_unit_test(families_meet),
		cmocka_unit_test(moves_to_another_interface),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(what_is_too_long),
		cmocka_unit_test(wrong_confs),
		cmocka_unit_test(ports_end),
		cmocka_unit_test(descriptors_end),
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(goes_while_others_are_ready),
		cmocka_unit_test(silence_is_told),
		cmocka_unit_test(five_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

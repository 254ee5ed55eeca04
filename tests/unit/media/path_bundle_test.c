/* Several m-lines on one port: told apart by MID, SSRC and payload type, under the keys of the one; and each
 * to its own far side. */
#include "path_kit.h"

#include "base/err.h"
#include "base/table.h"
#include "fail_alloc.h"
#include "rtp/rtcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

enum { AUDIO, VIDEO, LINES, MID_EXT = 4 };
static const enum rf_srtp_suite SUITE = RF_SRTP_AEAD_AES_128_GCM;

/* One party whose two lines share a port and keys; at the other side each has its own, in the clear. */
struct scene {
	struct kit k;
	struct party one, far[LINES], stranger;
	struct rf_path *carrier, *p[LINES];
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
};

static struct rf_path_end_conf line_conf(unsigned i)
{
	struct rf_path_end_conf c = { .dir = RF_SDP_SENDRECV, .mid_ext = MID_EXT, .mid_n = 1, .mid = { i ? 'v' : 'a' }, .n_types = 1,
		.types = { i ? (struct rf_path_type){ 96, RF_TYPE_VIDEO, 90000, 0 } : (struct rf_path_type){ 0, 0, 8000, 0 } } };

	return c;
}

static void begin(struct scene *s)
{
	struct rf_path_end_conf conf;
	struct rf_srtp_master in, out;

	*s = (struct scene){ 0 };
	kit_begin(&s->k);
	party_open(&s->one, "127.0.0.1");
	party_open(&s->stranger, "127.0.0.1");
	s->carrier = kit_path(&s->k, RF_PATH_RTP, KIT_V4, RF_PATH_NOBODY);
	conf = kit_conf(&s->one);
	conf.rtcp_mux = true;
	conf.keying = RF_KEYING_SDES;
	conf.n_keys_in = 1;
	conf.keys_in[0] = kit_key(SUITE, 1);
	conf.key_out = kit_key(SUITE, 2);
	in = kit_master(&conf.key_out);
	out = kit_master(&conf.keys_in[0]);
	assert_int_equal(rf_srtp_out_new(&out, &s->out), 0);
	assert_int_equal(rf_srtp_in_new(&in, 1, &s->in), 0);
	assert_int_equal(rf_path_set(s->carrier, 0, &conf), 0);
	for (unsigned i = 0; i < LINES; i++) {
		party_open(&s->far[i], "127.0.0.1");
		s->p[i] = kit_path(&s->k, RF_PATH_RTP, RF_PATH_CARRIED, KIT_V4_OTHER);
		assert_int_equal(rf_path_ride(s->p[i], 0, s->carrier), 0);
		conf = line_conf(i);
		assert_int_equal(rf_path_set(s->p[i], 0, &conf), 0);
		conf = line_conf(i);
		conf.remote = s->far[i].at[0];
		conf.remote_rtcp = s->far[i].at[1];
		assert_int_equal(rf_path_set(s->p[i], 1, &conf), 0);
		rf_path_open(s->p[i]);
	}
	rf_path_open(s->carrier);
}

static void end(struct scene *s)
{
	for (unsigned i = 0; i < LINES; i++) {
		rf_path_free(s->p[i]);
		party_close(&s->far[i]);
	}
	rf_path_free(s->carrier);
	rf_srtp_out_free(s->out);
	rf_srtp_in_free(s->in);
	party_close(&s->one);
	party_close(&s->stranger);
	kit_end(&s->k);
}

/* A packet with this MID in its header (0: none). */
static size_t packet_with(uint8_t *buf, uint32_t ssrc, uint16_t seq, uint8_t type, char mid)
{
	size_t n = kit_rtp(buf, ssrc, seq, type, 100);

	if (!mid)
		return n;
	memmove(buf + 20, buf + 12, n - 12);
	memcpy(buf + 12, (uint8_t[]){ 0xbe, 0xde, 0, 1, MID_EXT << 4, (uint8_t)mid, 0, 0 }, 8);
	buf[0] |= 0x10;
	return n + 8;
}

/* It says this; at which far side does it come out, -1: nowhere. */
static int says(struct scene *s, uint32_t ssrc, uint16_t seq, uint8_t type, char mid)
{
	struct rf_addr to = kit_local(s->carrier, 0, 0);
	uint8_t buf[512], got[512];
	size_t n = packet_with(buf, ssrc, seq, type, mid);
	int at = -1;

	assert_int_equal(rf_srtp_out_rtp(s->out, buf, n, sizeof buf, &n), 0);
	party_send(&s->k, &s->one, 0, &to, buf, n);
	for (int i = 0; i < LINES; i++)
		if (party_recv(&s->far[i], 0, got, sizeof got, NULL) > 0) {
			assert_int_equal(at, -1);
			at = i;
		}
	return at;
}

static void told_apart(void **state)
{
	static const struct {
		uint32_t ssrc;
		uint8_t type;
		char mid;
		int at;
	} rows[] = {
		{ 1, 0, 0, AUDIO },     /* by its type, and known from now on */
		{ 2, 96, 'v', VIDEO },
		{ 1, 0, 0, AUDIO },
		{ 3, 96, 0, VIDEO },
		{ 3, 96, 'a', -1 },     /* a type that this line does not have */
		{ 4, 8, 0, -1 },        /* nobody's */
		{ 5, 0, 'x', AUDIO },   /* a MID that is not there says nothing */
	};
	struct scene s;
	uint16_t seq = 1;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(says(&s, rows[i].ssrc, seq++, rows[i].type, rows[i].mid), rows[i].at);
	assert_int_equal(kit_drops(s.p[AUDIO], 0, RF_DROP_TYPE), 1);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_SSRC), 1);
	struct rf_path_end_stats st;
	rf_path_stats(s.p[VIDEO], 0, &st);
	assert_int_equal(st.packets, 2);
	assert_int_equal(st.n_streams, 1); /* the third was said to be audio's since */
	assert_int_equal(st.suite, SUITE);
	assert_true(rf_addr_eq(&st.remote, &s.one.at[0]));
	end(&s);
}

/* Two lines with one payload type: only what says whose it is goes anywhere, and then what follows of it. */
static void one_type_for_both(void **state)
{
	struct rf_path_end_conf conf = line_conf(VIDEO);
	struct scene s;

	(void)state;
	begin(&s);
	conf.types[0] = line_conf(AUDIO).types[0];
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_path_set(s.p[VIDEO], i, &(struct rf_path_end_conf){ .dir = RF_SDP_SENDRECV, .mid_ext = MID_EXT, .mid_n = 1,
			.mid = { 'v' }, .n_types = 1, .types = { conf.types[0] }, .remote = s.far[VIDEO].at[0] }), 0);
	assert_int_equal(says(&s, 1, 1, 0, 0), -1);
	assert_int_equal(says(&s, 1, 2, 0, 'v'), VIDEO);
	assert_int_equal(says(&s, 1, 3, 0, 0), VIDEO);
	assert_int_equal(says(&s, 1, 4, 0, 'a'), AUDIO); /* it says itself that it belongs there now */
	assert_int_equal(says(&s, 1, 5, 0, 0), AUDIO);
	end(&s);
}

static void nothing_of_strangers(void **state)
{
	struct rf_addr to;
	struct scene s;
	uint8_t buf[512], got[512];
	size_t n;

	(void)state;
	begin(&s);
	assert_int_equal(says(&s, 1, 1, 0, 0), AUDIO);
	to = kit_local(s.carrier, 0, 0);
	n = packet_with(buf, 2, 1, 96, 'v');
	party_send(&s.k, &s.stranger, 0, &to, buf, n);
	party_send(&s.k, &s.one, 0, &to, buf, n); /* not sealed */
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_SOURCE), 1);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_AUTH), 1);
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(party_recv(&s.far[i], 0, got, sizeof got, NULL), -1);
	struct rf_path_end_stats st;
	rf_path_stats(s.p[VIDEO], 0, &st);
	assert_int_equal(st.n_streams, 0); /* nothing was learned of it */
	end(&s);
}

/* The other way: from each far side through the one port, under the one key. */
static void both_to_one_port(void **state)
{
	struct scene s;
	uint8_t buf[512], got[512];

	(void)state;
	begin(&s);
	for (unsigned i = 0; i < LINES; i++) {
		struct rf_addr to = kit_local(s.p[i], 1, 0), from;
		size_t n = kit_rtp(buf, 10 + i, 1, i ? 96 : 0, 100), m;

		party_send(&s.k, &s.far[i], 0, &to, buf, n);
		ssize_t len = party_recv(&s.one, 0, got, sizeof got, &from);
		assert_true(len > (ssize_t)n);
		to = kit_local(s.carrier, 0, 0);
		assert_true(rf_addr_eq(&from, &to));
		assert_int_equal(rf_srtp_in_rtp(s.in, got, (size_t)len, &m), 0);
		assert_int_equal(m, n);
		assert_memory_equal(got, buf, n);
		to = kit_local(s.p[i], 0, 0);
		assert_true(rf_addr_eq(&from, &to)); /* that is what is said of it */
	}
	end(&s);
}

static size_t sealed(struct scene *s, uint8_t *buf, size_t n)
{
	assert_int_equal(rf_srtp_out_rtcp(s->out, buf, n, 512, &n), 0);
	return n;
}

/* The number of the RTCP packets of a type that came out there. */
static unsigned came(struct scene *s, unsigned i, uint8_t type)
{
	struct rf_rtcp_packet packet;
	uint8_t got[512];
	ssize_t n = party_recv(&s->far[i], 1, got, sizeof got, NULL);
	struct rf_reader r = rf_reader_of(rf_view_of(got, n > 0 ? (size_t)n : 0));
	unsigned found = 0;

	while (n > 0 && rf_rtcp_next(&r, &packet) == 0)
		found += packet.type == type;
	return found;
}

static void reports(void **state)
{
	struct scene s;
	struct rf_addr to;
	uint8_t buf[512];
	size_t n;

	(void)state;
	begin(&s);
	assert_int_equal(says(&s, 1, 1, 0, 'a'), AUDIO);
	assert_int_equal(says(&s, 2, 1, 96, 'v'), VIDEO);
	for (unsigned i = 0; i < LINES; i++) {
		struct rf_addr at = kit_local(s.p[i], 1, 0);

		party_send(&s.k, &s.far[i], 0, &at, buf, kit_rtp(buf, 10 + i, 1, i ? 96 : 0, 100));
		party_recv(&s.one, 0, buf, sizeof buf, NULL);
	}
	to = kit_local(s.carrier, 0, 0);
	/* a report of each stream in one compound: to each its own */
	n = kit_rtcp(buf, 1, 10, 7, 0, 0, "alice");
	n += kit_rtcp(buf + n, 2, 11, 8, 0, 0, "alice");
	party_send(&s.k, &s.one, 0, &to, buf, sealed(&s, buf, n));
	assert_int_equal(came(&s, AUDIO, RF_RTCP_SR), 1);
	assert_int_equal(came(&s, VIDEO, RF_RTCP_SR), 1);
	/* a whole picture is asked of who sends pictures: PLI about 11, by whoever */
	memcpy(buf, (uint8_t[]){ 0x81, 206, 0, 2, 0, 0, 0, 99, 0, 0, 0, 11 }, 12);
	party_send(&s.k, &s.one, 0, &to, buf, sealed(&s, buf, 12));
	assert_int_equal(came(&s, VIDEO, RF_RTCP_PSFB), 1);
	assert_int_equal(came(&s, AUDIO, RF_RTCP_PSFB), 0);
	/* FIR names it behind: sender 99, nobody, then 11 with its number */
	memcpy(buf, (uint8_t[]){ 0x84, 206, 0, 4, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 11, 1, 0, 0, 0 }, 20);
	party_send(&s.k, &s.one, 0, &to, buf, sealed(&s, buf, 20));
	assert_int_equal(came(&s, VIDEO, RF_RTCP_PSFB), 1);
	assert_int_equal(came(&s, AUDIO, RF_RTCP_PSFB), 0);
	/* about nobody's: to the first alone */
	memcpy(buf, (uint8_t[]){ 0x80, 201, 0, 1, 0, 0, 0, 99 }, 8);
	party_send(&s.k, &s.one, 0, &to, buf, sealed(&s, buf, 8));
	assert_int_equal(came(&s, AUDIO, RF_RTCP_RR), 1);
	assert_int_equal(came(&s, VIDEO, RF_RTCP_RR), 0);
	end(&s);
}

/* A report whose SDES says of which line this SSRC is. */
static void name(struct scene *s, uint32_t ssrc, char mid)
{
	struct rf_addr to = kit_local(s->carrier, 0, 0);
	uint8_t buf[512] = { 0x80, 201, 0, 1, [7] = (uint8_t)ssrc, 0x81, 202, 0, 2, [15] = (uint8_t)ssrc, 15, 1, (uint8_t)mid, 0 };

	party_send(&s->k, &s->one, 0, &to, buf, sealed(s, buf, 20));
}

/* Reports say it, too: of streams of which no packet says anything, before the first of them, and of others anew. */
static void named_by_reports(void **state)
{
	struct rf_path_end_conf conf = line_conf(VIDEO);
	struct scene s;
	uint16_t seq = 1;

	(void)state;
	begin(&s);
	conf.types[0] = line_conf(AUDIO).types[0]; /* one payload type for both */
	assert_int_equal(rf_path_set(s.p[VIDEO], 0, &conf), 0);
	assert_int_equal(says(&s, 1, seq++, 0, 0), -1);
	name(&s, 1, 'v');
	assert_int_equal(came(&s, AUDIO, RF_RTCP_RR), 0);
	assert_int_equal(came(&s, VIDEO, RF_RTCP_RR), 1); /* the report itself, too */
	assert_int_equal(says(&s, 1, seq++, 0, 0), VIDEO);
	name(&s, 1, 'x'); /* a line that is not there */
	assert_int_equal(says(&s, 1, seq++, 0, 0), VIDEO);
	name(&s, 1, 'a');
	assert_int_equal(says(&s, 1, seq++, 0, 0), AUDIO);
	assert_int_equal(says(&s, 1, seq++, 0, 'v'), VIDEO);
	assert_int_equal(says(&s, 1, seq++, 0, 0), VIDEO);
	/* the last sixteen are remembered */
	for (uint32_t ssrc = 10; ssrc < 30; ssrc++)
		name(&s, ssrc, 'a');
	assert_int_equal(says(&s, 10, 1, 0, 0), -1);
	assert_int_equal(says(&s, 29, 1, 0, 0), AUDIO);
	/* nothing of whoever has no key, nor of a line that has left */
	struct rf_addr to = kit_local(s.carrier, 0, 0);
	uint8_t buf[64] = { 0x80, 201, 0, 1, [7] = 40, 0x81, 202, 0, 2, [15] = 40, 15, 1, 'a', 0 };
	party_send(&s.k, &s.one, 0, &to, buf, 20);
	assert_int_equal(says(&s, 40, 1, 0, 0), -1);
	name(&s, 41, 'v');
	assert_int_equal(rf_path_ride(s.p[VIDEO], 0, NULL), 0);
	assert_int_equal(says(&s, 41, 1, 0, 0), AUDIO); /* the only line with this type now */
	/* without memory RTP alone says it */
	end(&s);
	begin(&s);
	assert_int_equal(rf_path_set(s.p[VIDEO], 0, &conf), 0);
	fail_alloc_at(1);
	name(&s, 1, 'v');
	fail_alloc_off();
	assert_int_equal(says(&s, 1, 1, 0, 'v'), VIDEO);
	end(&s);
}

/* Onto another port, off it, and who carries may end first. */
static void moves(void **state)
{
	struct rf_path_tuple flows[RF_PATH_TUPLES_MAX];
	struct rf_path *other;
	struct scene s;

	(void)state;
	begin(&s);
	assert_int_equal(rf_path_flows(s.carrier, flows), 2);
	assert_int_equal(rf_path_flows(s.p[AUDIO], flows), 4); /* those of its far side */
	other = kit_path(&s.k, RF_PATH_RTP, KIT_V4, RF_PATH_NOBODY);
	assert_int_equal(rf_path_ride(s.p[VIDEO], 0, other), 0);
	assert_int_equal(says(&s, 2, 1, 96, 'v'), -1);
	assert_int_equal(rf_path_ride(s.p[VIDEO], 0, s.carrier), 0);
	assert_int_equal(rf_path_ride(s.p[VIDEO], 0, s.carrier), 0);
	assert_int_equal(says(&s, 2, 2, 96, 'v'), VIDEO);
	assert_int_equal(rf_path_ride(s.p[VIDEO], 1, s.carrier), RF_E_INVALID); /* it has a port of its own */
	assert_int_equal(rf_path_ride(s.p[VIDEO], 0, s.p[AUDIO]), RF_E_INVALID);
	assert_int_equal(rf_path_ride(s.p[AUDIO], 0, NULL), 0);
	assert_int_equal(says(&s, 1, 3, 0, 0), -1);
	rf_path_free(s.carrier);
	s.carrier = other;
	uint8_t buf[512];
	struct rf_addr to = kit_local(s.p[VIDEO], 1, 0);
	party_send(&s.k, &s.far[VIDEO], 0, &to, buf, kit_rtp(buf, 11, 1, 96, 100));
	assert_int_equal(kit_drops(s.p[VIDEO], 1, RF_DROP_NO_REMOTE), 1);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_apart), cmocka_unit_test(one_type_for_both),
		cmocka_unit_test(nothing_of_strangers), cmocka_unit_test(both_to_one_port), cmocka_unit_test(reports),
		cmocka_unit_test(named_by_reports),
		cmocka_unit_test(moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Paths whose packets go past the sockets: two parties behind two interfaces of ours, plain RTP on one side, SRTP on
 * the other. Skipped with a reason where that is not permitted. */
#include "media/xsk_int.h"
#include "path_kit.h"
#include "veth_kit.h"

#include "frame_kit.h"

#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { NEAR4, FAR4, NEAR6, FAR6, PLACES, ENTERS_AFTER = 16, WAIT_MS = 3000, SSRC = 0x1000 };

static const struct { const char *ours, *theirs; } place_at[PLACES] = {
	[NEAR4] = { "10.1.0.1", "10.1.0.2" }, [FAR4] = { "10.2.0.1", "10.2.0.2" },
	[NEAR6] = { "2001:db8:1::1", "2001:db8:1::2" }, [FAR6] = { "2001:db8:2::1", "2001:db8:2::2" },
};
static const char *const devices[] = { "inside", "outside" };
static struct veth_kit net;
static struct rf_xsk *xsk;
static struct rf_fast *fast;

struct scene {
	struct kit k;
	struct party at[2];
	struct rf_path_end_conf conf[2];
	struct rf_path *p;
	struct rf_srtp_out *out;     /* what party 1 seals with, and what it opens with */
	struct rf_srtp_in *in;
};

static struct rf_addr addr(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_of(text, strlen(text)), 0, &a), 0);
	return a;
}

static void begin_worker(struct kit *k, bool with_fast)
{
	struct rf_media_interface places[PLACES];

	for (unsigned i = 0; i < PLACES; i++)
		places[i] = (struct rf_media_interface){ .local = addr(place_at[i].ours),
							 .port_first = (uint16_t)(20000 + 1000 * i),
							 .port_last = (uint16_t)(20999 + 1000 * i) };
	kit_begin_on(k, (struct rf_media_conf){ .xsk = rf_xsk_part(xsk, 0),
						.fast = with_fast ? fast : NULL,
						.interfaces = places,
						.n_interfaces = PLACES });
}

static void party_at(struct party *p, unsigned place, struct rf_path_end_conf *conf)
{
	veth_go_away(&net);
	party_open(p, place_at[place].theirs);
	veth_go_home(&net);
	*conf = kit_conf(p);
	conf->rtcp_mux = true;
	conf->dscp = 46;
	conf->packets_s = 1000000; /* the clock of the loop stands still */
	conf->bytes_s = 1000000000;
}

static void with_keys(struct rf_path_end_conf *conf, struct rf_srtp_out **ret_out, struct rf_srtp_in **ret_in)
{
	struct rf_path_key in = kit_key(RF_SRTP_AEAD_AES_128_GCM, 7), out = kit_key(RF_SRTP_AEAD_AES_128_GCM, 9);
	struct rf_srtp_master m_in = kit_master(&in), m_out = kit_master(&out);

	conf->keying = RF_KEYING_SDES;
	conf->n_keys_in = 1;
	conf->keys_in[0] = in;
	conf->key_out = out;
	assert_int_equal(rf_srtp_out_new(&m_in, ret_out), 0);
	assert_int_equal(rf_srtp_in_new(&m_out, 1, ret_in), 0);
}

/* Party 0 plain, party 1 with keys; sealed 0: both plain. */
static void begin(struct scene *s, unsigned a, unsigned b, bool sealed, bool with_fast)
{
	const unsigned at[2] = { a, b };

	*s = (struct scene){ .out = NULL };
	begin_worker(&s->k, with_fast);
	for (unsigned i = 0; i < 2; i++)
		party_at(&s->at[i], at[i], &s->conf[i]);
	if (sealed)
		with_keys(&s->conf[1], &s->out, &s->in);
	s->p = kit_path(&s->k, RF_PATH_RTP, a, b);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_path_set(s->p, i, &s->conf[i]), 0);
	rf_path_open(s->p);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
	assert_int_equal(rf_media_census(s->k.w).in_xdp, 0);
	rf_srtp_out_free(s->out);
	rf_srtp_in_free(s->in);
	party_close(&s->at[0]);
	party_close(&s->at[1]);
	kit_end(&s->k);
}

static uint64_t past_sockets_of(struct kit *k)
{
	struct rf_media_totals t;

	rf_media_totals(k->w, &t);
	return t.xsk_packets;
}

static uint64_t past_sockets(struct scene *s)
{
	return past_sockets_of(&s->k);
}

/* Turns until something is at a party; the number of bytes. */
static size_t hear_at(struct kit *k, struct party *at, uint8_t *got, size_t cap, struct rf_addr *from)
{
	struct pollfd p = { .fd = at->fd[0], .events = POLLIN };

	for (unsigned i = 0; i < WAIT_MS; i++) {
		kit_turn(k);
		if (poll(&p, 1, i ? 1 : 0) == 1)
			return (size_t)party_recv(at, 0, got, cap, from);
	}
	fail_msg("nothing came");
	return 0;
}

static size_t hear(struct scene *s, unsigned party, uint8_t *got, size_t cap, struct rf_addr *from)
{
	return hear_at(&s->k, &s->at[party], got, cap, from);
}

static void say_to(const struct party *p, const struct rf_path *path, unsigned end, const void *bytes, size_t n)
{
	struct rf_addr to = kit_local(path, end, 0);
	struct rf_peer peer;

	rf_peer_of(&to, &peer);
	assert_int_equal(sendto(p->fd[0], bytes, n, 0, &peer.sa, peer.n), n);
}

static void say(struct scene *s, unsigned party, const void *bytes, size_t n)
{
	say_to(&s->at[party], s->p, party, bytes, n);
}

/* A packet of party goes through, whole, from the right port. True: past the sockets. */
static bool goes(struct scene *s, unsigned party, uint16_t seq)
{
	uint64_t before = past_sockets(s);
	uint8_t text[256], sent[300], got[2048];
	size_t n = kit_rtp(text, SSRC + party, seq, 0, 160), sent_n = n;
	struct rf_addr from, out = kit_local(s->p, !party, 0);

	memcpy(sent, text, n);
	if (party && s->out)
		assert_int_equal(rf_srtp_out_rtp(s->out, sent, n, sizeof sent, &sent_n), 0);
	say(s, party, sent, sent_n);
	size_t m = hear(s, !party, got, sizeof got, &from);

	if (!party && s->in) {
		assert_int_equal(m, n + 16);
		assert_int_equal(rf_srtp_in_rtp(s->in, got, m, &m), 0);
	}
	assert_int_equal(m, n);
	assert_memory_equal(got, text, n);
	assert_true(rf_addr_eq(&from, &out));
	return past_sockets(s) != before;
}

static void both_enter(struct scene *s)
{
	for (unsigned party = 0; party < 2; party++) {
		for (uint16_t i = 0; i < ENTERS_AFTER; i++)
			assert_false(goes(s, party, (uint16_t)(100 + i)));
		assert_true(goes(s, party, 100 + ENTERS_AFTER));
	}
	assert_int_equal(rf_media_census(s->k.w).in_xdp, 2);
	assert_int_equal(rf_xsk_totals(xsk).flows, 2);
}

/* ---- tests */

static void test_both_ways(void **state)
{
	static const unsigned at[][2] = {
		{ NEAR4, FAR4 }, { NEAR6, FAR6 }, { NEAR4, FAR6 }, { NEAR6, FAR4 }, { NEAR4, NEAR4 }
	};
	struct rf_path_end_stats a, b;
	struct scene s;

	(void)state;
	for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
		begin(&s, at[i][0], at[i][1], true, false);
		both_enter(&s);
		for (uint16_t seq = 200; seq < 300; seq++) {
			assert_true(goes(&s, 0, seq));
			assert_true(goes(&s, 1, seq));
		}
		rf_path_stats(s.p, 0, &a);
		rf_path_stats(s.p, 1, &b);
		assert_true(a.in_xdp && b.in_xdp && !a.in_kernel);
		assert_int_equal(a.packets, 117);
		assert_int_equal(a.sent, 117);
		assert_int_equal(b.packets, 117);
		assert_int_equal(b.sent, 117);
		assert_int_equal(kit_drops_all(s.p), 0);
		end(&s);
	}
}

/* More at once than a batch has. */
static void test_many_at_once(void **state)
{
	enum { MANY = 100 }; /* a socket of the far end has room for them */
	uint8_t packet[256], got[512];
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	for (uint16_t i = 0; i < MANY; i++)
		say(&s, 0, packet, kit_rtp(packet, SSRC, (uint16_t)(1000 + i), 0, 160));
	for (uint16_t i = 0; i < MANY; i++) {
		size_t n = hear(&s, 1, got, sizeof got, NULL);

		assert_int_equal(rf_srtp_in_rtp(s.in, got, n, &n), 0);
		assert_int_equal(got[2] << 8 | got[3], 1000 + i); /* in order */
	}
	end(&s);
}

/* What is refused is refused as at a socket. */
static void test_refuses(void **state)
{
	struct rf_path_end_stats a, b;
	uint8_t packet[300];
	struct scene s;
	size_t n;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	uint64_t before = past_sockets(&s);

	say(&s, 0, packet, kit_rtp(packet, SSRC, 110, 0, 160));   /* repeated */
	say(&s, 0, packet, kit_rtp(packet, SSRC, 120, 77, 160));  /* a type that was not negotiated */
	say(&s, 0, packet, kit_rtp(packet, SSRC, 30000, 0, 160)); /* far away */
	say(&s, 0, "\x80", 1);
	say(&s, 0, packet, 0);
	memset(packet, 0xff, sizeof packet);
	say(&s, 0, packet, sizeof packet);
	n = kit_rtp(packet, SSRC + 1, 130, 0, 160);
	say(&s, 1, packet, n);                                    /* in the clear */
	assert_int_equal(rf_srtp_out_rtp(s.out, packet, n, sizeof packet, &n), 0);
	packet[60] ^= 1;
	say(&s, 1, packet, n);                                    /* touched on the way */
	packet[60] ^= 1;
	say(&s, 1, packet, n);
	say(&s, 1, packet, n);                                    /* once too often */
	assert_int_equal(hear(&s, 0, packet, sizeof packet, NULL), n - 16);
	assert_true(goes(&s, 0, 140));
	assert_true(goes(&s, 1, 140));
	assert_int_equal(past_sockets(&s) - before, 12);
	rf_path_stats(s.p, 0, &a);
	rf_path_stats(s.p, 1, &b);
	assert_int_equal(a.drops[RF_DROP_REPLAY], 1);
	assert_int_equal(a.drops[RF_DROP_TYPE], 1);
	assert_int_equal(a.drops[RF_DROP_SEQUENCE], 1);
	assert_int_equal(a.drops[RF_DROP_MALFORMED], 3);
	assert_int_equal(b.drops[RF_DROP_AUTH], 2);
	assert_int_equal(b.drops[RF_DROP_REPLAY], 1);
	assert_int_equal(a.packets, 18);
	assert_int_equal(b.packets, 19);
	end(&s);
}

/* A frame as it is, by a socket that may send any: what an enemy on the link can. */
static void inject(const struct frame *f)
{
	veth_go_away(&net);
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("near") };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, f->b, f->n, 0, (struct sockaddr *)&at, sizeof at), f->n);
	close(fd);
	veth_go_home(&net);
}

static void test_an_enemy_on_the_link(void **state)
{
	static const struct { const char *what; size_t at; uint8_t byte; bool sealed; } rows[] = {
		{ "from another host", 29, 66, true }, { "from another port", 35, 9, true },
		{ "a wrong checksum", 41, 0x12, false }, { "a changed byte", 60, 0x12, false },
		{ "a fragment", 20, 0x20, true }, { "another fragment", 21, 0x10, true }, { "options", 14, 0x46, true },
		{ "IP too long", 16, 2, true }, { "IP too short", 17, 30, true }, { "UDP too long", 38, 2, false },
		{ "UDP too short", 39, 30, false }, { "a tag", 12, 0x81, false },
		{ "for somebody else", 5, 0x77, false },
		{ "another port of ours", 37, 0x51, true },
	};
	static struct frame f;
	uint8_t mac[6];
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	struct rf_addr to = kit_local(s.p, 0, 0);

	veth_mac("inside", mac);
	for (uint16_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t before = past_sockets(&s);

		frame_make(&f, mac, &s.at[0].at[0], &to, 0, 172);
		kit_rtp(f.b + FRAME_V4_UDP + 8, SSRC, (uint16_t)(2000 + 2 * i), 0, 160);
		frame_seal(&f);
		f.b[rows[i].at] = rows[i].byte ^ (f.b[rows[i].at] == rows[i].byte ? 0x40 : 0); /* never as it was */
		if (rows[i].sealed)
			frame_seal(&f);
		inject(&f);
		/* The next packet comes out, so this one did not. */
		assert_true(goes(&s, 0, (uint16_t)(2001 + 2 * i)));
		if (past_sockets(&s) - before != 1)
			fail_msg("%s: it came past the sockets", rows[i].what);
	}
	assert_true(kit_drops(s.p, 0, RF_DROP_SOURCE) >= 1);
	/* And the same frame untouched is the party's packet. */
	frame_make(&f, mac, &s.at[0].at[0], &to, 0, 172);
	kit_rtp(f.b + FRAME_V4_UDP + 8, SSRC, 2100, 0, 160);
	frame_seal(&f);
	inject(&f);
	assert_int_equal(hear(&s, 1, f.b, sizeof f.b, NULL), 172 + 16);
	end(&s);
}

/* A sender on this machine that leaves checksums to its card: the stack knows, the program does not. */
static void test_checksums_left_to_a_card(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	assert_true(veth_leave_checksums(&net, true));
	for (uint16_t seq = 200; seq < 220; seq++)
		assert_false(goes(&s, 0, seq));
	assert_true(veth_leave_checksums(&net, false));
	assert_true(goes(&s, 0, 230));
	end(&s);
}

/* While the kernel does not know who is next, the socket makes it ask; then frames again. */
static void test_a_neighbour_that_is_forgotten(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	for (uint16_t round = 0; round < 3; round++) {
		assert_true(veth_run(&net, false, "ip neigh flush dev outside; ip -6 neigh flush dev outside"));
		kit_wait_ms(&s.k, 600);
		for (uint16_t i = 0; i < 5; i++)
			assert_true(goes(&s, 0, (uint16_t)(300 + 10 * round + i)));
		kit_wait_ms(&s.k, 600);
		assert_true(goes(&s, 0, (uint16_t)(300 + 10 * round + 7)));
	}
	end(&s);
}

/* What does not fit a frame that every link carries goes by the socket, and in order. */
static void test_long_ones(void **state)
{
	uint8_t packet[1500], got[2048];
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	for (uint16_t i = 0; i < 20; i++)
		say(&s, 0, packet, kit_rtp(packet, SSRC, (uint16_t)(1000 + i), 0, i % 3 ? 160 : 1400));
	for (uint16_t i = 0; i < 20; i++) {
		size_t n = hear(&s, 1, got, sizeof got, NULL);

		assert_int_equal(n, (i % 3 ? 172 : 1412) + 16);
		assert_int_equal(got[2] << 8 | got[3], 1000 + i);
	}
	assert_int_equal(past_sockets(&s), 2 + 20);
	end(&s);
}

static void test_another_source(void **state)
{
	struct party other;
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, true, false);
	both_enter(&s);
	veth_go_away(&net);
	party_open(&other, place_at[NEAR4].theirs);
	veth_go_home(&net);
	s.conf[0].remote = other.at[0];
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), 0);
	assert_int_equal(rf_xsk_totals(xsk).flows, 1);
	party_close(&s.at[0]);
	s.at[0] = other;
	assert_false(goes(&s, 0, 400));
	assert_true(goes(&s, 0, 401)); /* where it is now */
	assert_true(goes(&s, 1, 401));
	assert_int_equal(rf_xsk_totals(xsk).flows, 2);
	/* A change that is none of the source leaves it. */
	s.conf[0].dscp = 0;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), 0);
	assert_true(goes(&s, 0, 402));
	assert_true(goes(&s, 1, 402));
	end(&s);
}

/* RTCP of the same port comes with it; the path's own sounds and reports leave by sockets. */
static void test_rtcp(void **state)
{
	uint8_t compound[256], got[512];
	struct scene s;

	(void)state;
	begin(&s, NEAR4, FAR4, false, false);
	both_enter(&s);
	uint64_t before = past_sockets(&s);
	size_t n = kit_rtcp(compound, SSRC, 0, 1, 0, 0, "somebody@somewhere");

	say(&s, 0, compound, n);
	size_t m = hear(&s, 1, got, sizeof got, NULL);
	assert_true(m > 8 && got[1] == 200);
	assert_int_equal(past_sockets(&s) - before, 1);
	end(&s);
}

/* Streams that the kernel passes on are not taken from it; and one that goes there later is given up here. */
static void test_beside_the_kernels_way(void **state)
{
	uint8_t packet[256], got[512];
	struct scene s;

	(void)state;
	if (!fast)
		skip();
	begin(&s, NEAR4, FAR4, false, true);
	for (uint16_t i = 0; i < ENTERS_AFTER; i++)
		assert_false(goes(&s, 0, (uint16_t)(100 + i)));
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 1);
	assert_int_equal(rf_media_census(s.k.w).in_xdp, 0);
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
	say(&s, 0, packet, kit_rtp(packet, SSRC, 200, 0, 160));
	struct pollfd p = { .fd = s.at[1].fd[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1); /* without a turn of ours */
	assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), 172);
	rf_path_hold(s.p, 0, RF_HOLD_DTMF); /* has to be looked at: past the sockets then */
	assert_false(goes(&s, 0, 201));
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 0);
	assert_true(goes(&s, 0, 202));
	rf_path_hold(s.p, 0, 0);
	assert_true(goes(&s, 0, 203)); /* and with that it is the kernel's again */
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 1);
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
	end(&s);
}

/* ---- lines that share a port */

enum { LINES = 2, MID_EXT = 4, LINE_SSRC = 0x2000 };

/* Both lines of one party are on one port of ours, under one pair of keys; at the other side each has
 * its own, in the clear. */
struct shared {
	struct kit k;
	struct party one, far[LINES];
	struct rf_path *carrier, *p[LINES];
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
};

static void begin_shared(struct shared *s)
{
	struct rf_path_end_conf one, far, line;

	*s = (struct shared){ .out = NULL };
	begin_worker(&s->k, fast != NULL); /* which has no part in these */
	party_at(&s->one, FAR4, &one);
	with_keys(&one, &s->out, &s->in);
	s->carrier = kit_path(&s->k, RF_PATH_RTP, FAR4, RF_PATH_NOBODY);
	assert_int_equal(rf_path_set(s->carrier, 0, &one), 0);
	for (unsigned i = 0; i < LINES; i++) {
		party_at(&s->far[i], NEAR4, &far);
		line = far;
		line.mid_ext = MID_EXT;
		line.mid_n = 1;
		line.mid[0] = i ? 'v' : 'a';
		s->p[i] = kit_path(&s->k, RF_PATH_RTP, RF_PATH_CARRIED, NEAR4);
		assert_int_equal(rf_path_ride(s->p[i], 0, s->carrier), 0);
		assert_int_equal(rf_path_set(s->p[i], 0, &line), 0);
		assert_int_equal(rf_path_set(s->p[i], 1, &far), 0);
		rf_path_open(s->p[i]);
	}
	rf_path_open(s->carrier);
}

static void end_shared(struct shared *s)
{
	for (unsigned i = 0; i < LINES; i++) {
		rf_path_free(s->p[i]);
		party_close(&s->far[i]);
	}
	rf_path_free(s->carrier);
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
	assert_int_equal(rf_media_census(s->k.w).in_xdp, 0);
	rf_srtp_out_free(s->out);
	rf_srtp_in_free(s->in);
	party_close(&s->one);
	kit_end(&s->k);
}

/* A packet of a line in the clear, with its MID; and as the one party seals it. */
static size_t packet_of(unsigned line, uint16_t seq, uint8_t *buf)
{
	size_t n = kit_rtp(buf, LINE_SSRC + line, seq, 0, 160);

	memmove(buf + 20, buf + 12, n - 12);
	memcpy(buf + 12, (uint8_t[]){ 0xbe, 0xde, 0, 1, MID_EXT << 4, line ? 'v' : 'a', 0, 0 }, 8);
	buf[0] |= 0x10;
	return n + 8;
}

static size_t sealed_of(struct shared *s, unsigned line, uint16_t seq, uint8_t *buf, size_t cap)
{
	size_t n = packet_of(line, seq, buf);

	assert_int_equal(rf_srtp_out_rtp(s->out, buf, n, cap, &n), 0);
	return n;
}

/* From the one party to the line's far side. True: past the sockets. */
static bool line_goes(struct shared *s, unsigned line, uint16_t seq)
{
	uint64_t before = past_sockets_of(&s->k);
	uint8_t text[256], sent[300], got[2048];
	size_t n = packet_of(line, seq, text);

	say_to(&s->one, s->carrier, 0, sent, sealed_of(s, line, seq, sent, sizeof sent));
	assert_int_equal(hear_at(&s->k, &s->far[line], got, sizeof got, NULL), n);
	assert_memory_equal(got, text, n);
	return past_sockets_of(&s->k) != before;
}

static bool line_comes(struct shared *s, unsigned line, uint16_t seq)
{
	uint64_t before = past_sockets_of(&s->k);
	uint8_t text[256], got[2048];
	size_t n = kit_rtp(text, 0x3000 + line, seq, 0, 160), m;
	struct rf_addr from, ours = kit_local(s->carrier, 0, 0);

	say_to(&s->far[line], s->p[line], 1, text, n);
	m = hear_at(&s->k, &s->one, got, sizeof got, &from);
	assert_int_equal(rf_srtp_in_rtp(s->in, got, m, &m), 0);
	assert_int_equal(m, n);
	assert_memory_equal(got, text, n);
	assert_true(rf_addr_eq(&from, &ours));
	return past_sockets_of(&s->k) != before;
}

static bool way_of(const struct rf_path *p, unsigned end)
{
	struct rf_path_end_stats st;

	rf_path_stats(p, end, &st);
	assert_false(st.in_kernel);
	return st.in_xdp;
}

static void all_enter(struct shared *s)
{
	for (uint16_t i = 0; i < ENTERS_AFTER; i++)
		assert_false(line_goes(s, 0, (uint16_t)(100 + i)));
	assert_true(line_goes(s, 1, 100)); /* one line's packets bring the port, and so all of them */
	assert_true(way_of(s->p[0], 0) && way_of(s->p[1], 0) && !way_of(s->p[0], 1));
	for (unsigned line = 0; line < LINES; line++) {
		for (uint16_t i = 0; i < ENTERS_AFTER; i++)
			assert_false(line_comes(s, line, (uint16_t)(100 + i)));
		assert_true(line_comes(s, line, 100 + ENTERS_AFTER));
	}
	assert_int_equal(rf_media_census(s->k.w).in_xdp, 1 + LINES);
	assert_int_equal(rf_xsk_totals(xsk).flows, 1 + LINES);
}

static void test_lines_that_share_a_port(void **state)
{
	struct rf_path_end_stats st;
	struct shared s;

	(void)state;
	begin_shared(&s);
	all_enter(&s);
	for (uint16_t seq = 200; seq < 220; seq++)
		for (unsigned line = 0; line < LINES; line++)
			assert_true(line_goes(&s, line, seq) && line_comes(&s, line, seq));
	for (unsigned line = 0; line < LINES; line++) {
		assert_true(way_of(s.p[line], 0) && way_of(s.p[line], 1));
		assert_int_equal(kit_drops_all(s.p[line]), 0);
		rf_path_stats(s.p[line], 0, &st);
		assert_int_equal(st.packets, 20 + (line ? 1 : ENTERS_AFTER));
		assert_int_equal(st.n_streams, 1);
		assert_int_equal(st.sent, 20 + ENTERS_AFTER + 1);
	}
	assert_int_equal(kit_drops_all(s.carrier), 0);
	/* One line ends; the others stay on their port. */
	rf_path_free(s.p[0]);
	s.p[0] = NULL;
	assert_int_equal(rf_xsk_totals(xsk).flows, LINES);
	assert_true(line_goes(&s, 1, 300));
	/* The port ends before its lines. */
	rf_path_free(s.carrier);
	s.carrier = NULL;
	assert_false(way_of(s.p[1], 0));
	assert_true(way_of(s.p[1], 1));
	assert_int_equal(rf_xsk_totals(xsk).flows, 1);
	end_shared(&s);
}

/* What comes past the sockets to a shared port is judged as at a socket, and told apart only when it is authentic. */
static void test_a_shared_port_refuses(void **state)
{
	uint8_t packet[300], again[300], got[512];
	struct shared s;
	size_t n, m;

	(void)state;
	begin_shared(&s);
	all_enter(&s);
	uint64_t before = past_sockets_of(&s.k);

	say_to(&s.one, s.carrier, 0, packet, packet_of(1, 200, packet)); /* in the clear */
	n = sealed_of(&s, 1, 201, packet, sizeof packet);
	packet[17] = 'a';                                                /* another line's name, written over */
	say_to(&s.one, s.carrier, 0, packet, n);
	packet[17] = 'v';
	say_to(&s.one, s.carrier, 0, packet, n);
	say_to(&s.one, s.carrier, 0, packet, n);                         /* once too often */
	m = kit_rtp(again, LINE_SSRC + 7, 1, 77, 160);                   /* nobody's */
	assert_int_equal(rf_srtp_out_rtp(s.out, again, m, sizeof again, &m), 0);
	say_to(&s.one, s.carrier, 0, again, m);
	say_to(&s.one, s.carrier, 0, "\x80", 1);
	assert_int_equal(hear_at(&s.k, &s.far[1], got, sizeof got, NULL), n - 16);
	assert_true(line_goes(&s, 1, 210));
	assert_true(line_goes(&s, 0, 210));
	assert_int_equal(past_sockets_of(&s.k) - before, 8);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_AUTH), 2);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_REPLAY), 1);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_SSRC), 1);
	assert_int_equal(kit_drops(s.carrier, 0, RF_DROP_MALFORMED), 1);
	assert_int_equal(kit_drops_all(s.p[0]), 0);
	assert_int_equal(kit_drops_all(s.p[1]), 0);
	end_shared(&s);
}

/* The party that has the port goes elsewhere: sockets, until packets have come from there. */
static void test_a_shared_port_with_another_source(void **state)
{
	struct rf_path_end_conf one;
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
	struct party other;
	struct shared s;

	(void)state;
	begin_shared(&s);
	all_enter(&s);
	party_at(&other, FAR4, &one);
	with_keys(&one, &out, &in); /* the same ones */
	assert_int_equal(rf_path_set(s.carrier, 0, &one), 0);
	assert_int_equal(rf_xsk_totals(xsk).flows, LINES);
	assert_false(way_of(s.p[0], 0) || way_of(s.p[1], 0));
	party_close(&s.one);
	s.one = other;
	assert_false(line_goes(&s, 0, 400));
	assert_true(line_goes(&s, 0, 401)); /* where it is now */
	assert_true(line_goes(&s, 1, 401));
	assert_true(line_comes(&s, 1, 401));
	rf_srtp_out_free(out);
	rf_srtp_in_free(in);
	end_shared(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_many_at_once), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_an_enemy_on_the_link), cmocka_unit_test(test_checksums_left_to_a_card),
		cmocka_unit_test(test_a_neighbour_that_is_forgotten), cmocka_unit_test(test_long_ones),
		cmocka_unit_test(test_another_source), cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_beside_the_kernels_way), cmocka_unit_test(test_lines_that_share_a_port),
		cmocka_unit_test(test_a_shared_port_refuses),
		cmocka_unit_test(test_a_shared_port_with_another_source),
	};
	char why_not[700] = "";
	struct rf_diag d;
	bool there = veth_begin(&net, why_not, sizeof why_not);

	if (there && (!veth_strip_tags(&net, false) || !veth_leave_checksums(&net, false)))
		snprintf(why_not, sizeof why_not, "the interfaces do not let their cards' help be turned off");
	else if (there && rf_xsk_open(devices, 2, 1, &xsk, &d))
		snprintf(why_not, sizeof why_not, "%s", d.text);
	if (!xsk) {
		printf("SKIP: %s\n", why_not);
		veth_end(&net);
		return 77; /* Meson's word for it */
	}
	if (rf_fast_open(devices, 2, 64, &fast, &d))
		printf("without the kernel's way: %s\n", d.text);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	rf_fast_close(fast);
	rf_xsk_close(xsk);
	veth_end(&net);
	return rc;
}

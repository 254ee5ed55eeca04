/* Streams of a path that go into the kernel and come back. What arrives while the loop stands still came through the
 * kernel. In a network namespace of the test; skipped with a reason where that is not permitted. */
#include "path_kit.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { SSRC = 0x1000, ENTERS_AFTER = 16, AGAIN_AFTER_MS = 10000 };

static struct rf_fast *fast;
static char why_not[600];

struct scene {
	struct kit k;
	struct party at[2];
	struct rf_path_end_conf conf[2];
	struct rf_path *p;
	struct rf_srtp_out *out;     /* what party 0 seals with; NULL: plain */
};

static void begin(struct scene *s, bool passed)
{
	struct rf_path_key key = kit_key(RF_SRTP_AES_CM_128_HMAC_SHA1_80, 7);
	struct rf_srtp_master master = kit_master(&key);

	*s = (struct scene){ .out = NULL };
	kit_begin_with(&s->k, 500, NULL, fast);
	for (unsigned i = 0; i < 2; i++) {
		party_open(&s->at[i], "127.0.0.1");
		s->conf[i] = kit_conf(&s->at[i]);
		s->conf[i].dscp = 46;
		s->conf[i].packets_s = 1000000; /* the clock of the loop stands still */
		s->conf[i].bytes_s = 1000000000;
		if (passed) {
			s->conf[i].keying = RF_KEYING_PASSED;
			s->conf[i].n_keys_in = 1;
			s->conf[i].keys_in[0] = key;
		}
	}
	if (passed)
		assert_int_equal(rf_srtp_out_new(&master, &s->out), 0);
	s->p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4_OTHER);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_path_set(s->p, i, &s->conf[i]), 0);
	rf_path_open(s->p);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	assert_int_equal(rf_fast_totals(fast).streams, 0);
	assert_int_equal(rf_media_census(s->k.w).in_kernel, 0);
	rf_srtp_out_free(s->out);
	party_close(&s->at[0]);
	party_close(&s->at[1]);
	kit_end(&s->k);
}

/* Party 0 sends it; how it came to party 1. */
enum way { NOT, KERNEL, USER };

static enum way way_of(struct scene *s, uint8_t *packet, size_t n)
{
	struct rf_addr to = kit_local(s->p, 0, 0), out = kit_local(s->p, 1, 0), from;
	struct pollfd readable = { .fd = s->at[1].fd[0], .events = POLLIN };
	enum way way = KERNEL;
	struct rf_peer peer;
	uint8_t got[512];

	rf_peer_of(&to, &peer);
	assert_int_equal(sendto(s->at[0].fd[0], packet, n, 0, &peer.sa, peer.n), n);
	if (poll(&readable, 1, 0) == 0) {
		way = USER;
		kit_turn(&s->k);
	}
	if (poll(&readable, 1, 0) == 0)
		return NOT;
	assert_int_equal(party_recv(&s->at[1], 0, got, sizeof got, &from), n);
	assert_memory_equal(got, packet, n);
	assert_true(rf_addr_eq(&from, &out));
	return way;
}

static enum way way_of_seq(struct scene *s, uint16_t seq, uint8_t type, bool spoiled)
{
	uint8_t packet[512];
	size_t n = kit_rtp(packet, SSRC, seq, type, 160);

	if (s->out)
		assert_int_equal(rf_srtp_out_rtp(s->out, packet, n, sizeof packet, &n), 0);
	packet[40] ^= spoiled;
	return way_of(s, packet, n);
}

static void enters(struct scene *s, uint16_t from)
{
	for (uint16_t i = 0; i < ENTERS_AFTER; i++)
		assert_int_equal(way_of_seq(s, (uint16_t)(from + i), 0, false), USER);
	assert_int_equal(rf_media_census(s->k.w).in_kernel, 1);
	assert_int_equal(way_of_seq(s, (uint16_t)(from + ENTERS_AFTER), 0, false), KERNEL);
}

static void counts_as_one(void **state)
{
	struct rf_path_end_stats a, b;
	struct rf_media_totals totals;
	struct scene s;

	(void)state;
	begin(&s, false);
	enters(&s, 4000);
	for (uint16_t seq = 4017; seq < 4200; seq++) {
		assert_int_equal(way_of_seq(&s, seq, 0, false), seq == 4096 ? USER : KERNEL);
		if (seq == 4100)     /* what came up is known afterwards */
			assert_int_equal(way_of_seq(&s, 4096, 0, false), NOT);
	}
	assert_int_equal(way_of_seq(&s, 4199, 0, false), NOT);
	assert_int_equal(way_of_seq(&s, 4096, 0, false), NOT); /* comes up, and is long over */
	rf_path_stats(s.p, 0, &a);
	rf_path_stats(s.p, 1, &b);
	assert_true(a.in_kernel && !b.in_kernel);
	assert_int_equal(a.packets, 200);
	assert_int_equal(a.bytes, 200 * 172);
	assert_int_equal(b.sent, 200);
	assert_int_equal(b.sent_bytes, 200 * 172);
	assert_int_equal(a.drops[RF_DROP_REPLAY], 2);
	assert_int_equal(a.drops[RF_DROP_SEQUENCE], 1);
	assert_int_equal(a.streams[0].packets, 200);
	assert_int_equal(a.streams[0].lost, 0);
	assert_true(a.last_us > 0);
	rf_media_totals(s.k.w, &totals);
	assert_int_equal(totals.packets, 200);
	assert_int_equal(totals.sent, 200);
	assert_int_equal(totals.kernel_packets, 200 - ENTERS_AFTER - 1);
	end(&s);
}

static void loss_is_seen(void **state)
{
	struct rf_path_end_stats a;
	struct scene s;

	(void)state;
	begin(&s, false);
	enters(&s, 100);
	for (uint16_t seq = 120; seq < 200; seq += 2)
		assert_int_equal(way_of_seq(&s, seq, 0, false), KERNEL);
	rf_path_stats(s.p, 0, &a);
	assert_int_equal(a.streams[0].lost, 3 + 39);
	end(&s);
}

/* Nothing of the session may have changed unseen. */
static void comes_back(void **state)
{
	static struct rf_path_filter filter;
	static struct rf_path_tap tap;
	struct scene s;

	(void)state;
	for (unsigned change = 0; change < 5; change++) {
		begin(&s, false);
		enters(&s, 100);
		switch (change) {
		case 0: rf_path_hold(s.p, 0, RF_HOLD_MEDIA); break;
		case 1: rf_path_set_filter(s.p, 0, &filter); break;
		case 2: rf_path_add_tap(s.p, 0, &tap); break;
		case 3: assert_int_equal(rf_path_set(s.p, 1, &s.conf[1]), 0); break;
		case 4:
			s.conf[0].remote.port ^= 2;
			assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), 0);
			break;
		}
		assert_int_equal(rf_media_census(s.k.w).in_kernel, 0);
		if (change == 0 || change == 4)
			assert_int_equal(way_of_seq(&s, 150, 0, false), NOT);
		if (change == 3)
			assert_int_equal(way_of_seq(&s, 150, 0, false), USER);
		if (change == 3)
			assert_int_equal(way_of_seq(&s, 151, 0, false), KERNEL); /* and goes there again */
		rf_path_set_filter(s.p, 0, NULL);
		rf_path_drop_tap(s.p, 0, &tap);
		if (change == 1 || change == 2) {
			assert_int_equal(way_of_seq(&s, 150, 0, false), USER);
			assert_int_equal(way_of_seq(&s, 151, 0, false), KERNEL); /* nobody listens any more */
		}
		end(&s);
	}
}

static void keys_that_are_pressed(void **state)
{
	static const uint8_t event[] = { 5, 0x80 | 10, 0x03, 0x20 };
	struct scene s;
	uint8_t packet[64];

	(void)state;
	begin(&s, false);
	enters(&s, 100);
	size_t n = kit_rtp(packet, SSRC, 117, 101, sizeof event);
	memcpy(packet + RF_RTP_HEAD_BYTES, event, sizeof event);
	assert_int_equal(way_of(&s, packet, n), USER);
	assert_true(s.k.dtmfs == 1 && s.k.dtmf_code == 5);
	assert_int_equal(way_of_seq(&s, 118, 0, false), KERNEL);
	end(&s);
}

static void jumps(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	enters(&s, 100);
	assert_int_equal(way_of_seq(&s, 1000, 0, false), USER);   /* further than the kernel would go */
	assert_int_equal(way_of_seq(&s, 1001, 0, false), KERNEL); /* from there on */
	assert_int_equal(way_of_seq(&s, 30000, 0, false), NOT);   /* a source that begins anew: two in order */
	assert_int_equal(way_of_seq(&s, 30001, 0, false), USER);
	assert_int_equal(way_of_seq(&s, 30002, 0, false), KERNEL);
	assert_int_equal(way_of_seq(&s, 1002, 0, false), NOT);
	end(&s);
}

static void passed(void **state)
{
	struct rf_path_end_stats a;
	struct scene s;

	(void)state;
	begin(&s, true);
	enters(&s, 4000);
	/* More than half of the sequence numbers: only because some come up is their rollover known. */
	for (unsigned seq = 4017; seq < 4017 + 70000; seq++)
		assert_int_equal(way_of_seq(&s, (uint16_t)seq, 0, false), seq % RF_FAST_LOOK ? KERNEL : USER);
	rf_path_stats(s.p, 0, &a);
	assert_int_equal(a.packets, 70017);
	assert_int_equal(a.streams[0].lost, 0);
	assert_int_equal(a.drops[RF_DROP_AUTH], 0);
	/* One that comes up and is not authentic: from now on all are looked at. */
	assert_int_equal(way_of_seq(&s, (uint16_t)77824, 0, true), NOT);
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 0);
	rf_path_stats(s.p, 0, &a);
	assert_int_equal(a.drops[RF_DROP_AUTH], 1);
	assert_int_equal(way_of_seq(&s, (uint16_t)77825, 0, true), NOT);
	for (uint16_t i = 0; i < 3 * ENTERS_AFTER; i++)
		assert_int_equal(way_of_seq(&s, (uint16_t)(77826 + i), 0, false), USER);
	kit_wait_ms(&s.k, AGAIN_AFTER_MS);
	assert_int_equal(way_of_seq(&s, (uint16_t)77880, 0, false), USER);
	assert_int_equal(way_of_seq(&s, (uint16_t)77881, 0, false), KERNEL);
	/* Who does not know the SSRC finds nothing in the kernel, and brings nothing up. */
	uint8_t packet[512];
	size_t n = kit_rtp(packet, SSRC + 1, 12346, 0, 170);

	assert_int_equal(way_of(&s, packet, n), NOT);
	rf_path_stats(s.p, 0, &a);
	assert_int_equal(a.drops[RF_DROP_AUTH], 3);
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 1);
	end(&s);
}

static void not_at_all(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false); /* one end opens what the other sends sealed */
	s.conf[1].keying = RF_KEYING_SDES;
	s.conf[1].n_keys_in = 1;
	s.conf[1].keys_in[0] = s.conf[1].key_out = kit_key(RF_SRTP_AEAD_AES_128_GCM, 3);
	assert_int_equal(rf_path_set(s.p, 1, &s.conf[1]), 0);
	uint8_t packet[512], got[512];
	struct rf_addr to = kit_local(s.p, 0, 0);

	for (uint16_t seq = 1; seq < 40; seq++) {
		size_t n = kit_rtp(packet, SSRC, seq, 0, 160);

		party_send(&s.k, &s.at[0], 0, &to, packet, n);
		assert_int_equal(party_recv(&s.at[1], 0, got, sizeof got, NULL), n + 16);
	}
	assert_int_equal(rf_media_census(s.k.w).in_kernel, 0);
	end(&s);
}

/* lo is up and has the address that the kit binds. */
static int prepare(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP }, alias = { .ifr_name = "lo:1" };
	struct sockaddr_in *sin = (struct sockaddr_in *)&alias.ifr_addr;
	unsigned pid = (unsigned)getpid();
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr =
					     htonl(127u << 24 | (1 + pid % 251) << 16 | pid / 251 << 8 | 1) };
	int rc = ioctl(s, SIOCSIFFLAGS, &up) || ioctl(s, SIOCSIFADDR, &alias) ? -errno : 0;

	close(s);
	return rc;
}

int main(void)
{
	static const char *const lo[] = { "lo" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_as_one), cmocka_unit_test(loss_is_seen), cmocka_unit_test(comes_back),
		cmocka_unit_test(keys_that_are_pressed), cmocka_unit_test(jumps), cmocka_unit_test(passed),
		cmocka_unit_test(not_at_all),
	};
	struct rf_diag d;

	if (unshare(CLONE_NEWNET))
		snprintf(why_not, sizeof why_not, "no network namespace: %s", strerror(errno));
	else if (prepare())
		snprintf(why_not, sizeof why_not, "no address for lo");
	else if (rf_fast_open(lo, 1, 16, &fast, &d))
		snprintf(why_not, sizeof why_not, "%s", d.text);
	if (!fast) {
		printf("SKIP: %s\n", why_not);
		return 77; /* Meson's word for it */
	}
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	rf_fast_close(fast);
	return rc;
}

/* Handshakes and checks over a path's sockets: keys by DTLS, addresses by ICE, and strangers in between. */
#include "path_kit.h"

#include "base/err.h"
#include "base/table.h"
#include "fail_alloc.h"
#include "rtp/stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

/* OpenSSL asks for the date; it stands as our clock does. */
static struct kit *the_kit;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	(void)zone;
	tv->tv_sec = the_kit ? (time_t)(the_kit->now.us / 1000000) : 1;
	tv->tv_usec = the_kit ? (suseconds_t)(the_kit->now.us % 1000000) : 0;
	return 0;
}

/* A party that speaks DTLS-SRTP. */
struct peer {
	struct party at;
	unsigned rtcp;               /* which of its ports */
	struct rf_addr to;           /* where its datagrams go */
	struct rf_dtls_ctx *ctx;
	struct rf_dtls *dtls;
	struct rf_srtp_in *in;
	struct rf_srtp_out *out;
};

struct scene {
	struct kit k;
	struct rf_dtls_ctx *ctx;
	struct peer a, b, stranger;
	struct rf_path *p;
	struct rf_path_end_conf conf[2];
};

static bool modern; /* peers that begin speak 1.3 */

static void send_record(void *arg, struct rf_view v)
{
	struct peer *peer = arg;
	struct rf_peer to;

	rf_peer_of(&peer->to, &to);
	assert_int_equal(sendto(peer->at.fd[peer->rtcp], v.p, v.n, 0, &to.sa, to.n), v.n);
}

static void shake_anew(struct scene *s, struct peer *p, bool active, const struct rf_dtls_ctx *expects)
{
	static const enum rf_srtp_suite suites[] = { RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80 };
	struct rf_dtls_params params = { active ? RF_DTLS_ACTIVE : RF_DTLS_PASSIVE, suites, 2, send_record, p, modern };
	struct rf_dtls_print print;

	rf_dtls_free(p->dtls);
	rf_srtp_in_free(p->in);
	rf_srtp_out_free(p->out);
	p->in = NULL;
	p->out = NULL;
	assert_int_equal(rf_dtls_new(p->ctx, &params, &s->k.random, &p->dtls), 0);
	assert_int_equal(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(expects)), &print), 0);
	assert_int_equal(rf_dtls_set_peer(p->dtls, &print, 1), 0);
}

static void open_peer(struct peer *p, const char *ip)
{
	*p = (struct peer){ 0 };
	party_open(&p->at, ip);
	assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1795300000000000 }, 30, &p->ctx), 0);
}

static void close_peer(struct peer *p)
{
	party_close(&p->at);
	rf_dtls_free(p->dtls);
	rf_dtls_ctx_free(p->ctx);
	rf_srtp_in_free(p->in);
	rf_srtp_out_free(p->out);
}

static struct rf_path_print print_of(const struct rf_dtls_ctx *ctx)
{
	struct rf_dtls_print print;
	struct rf_path_print ret;

	assert_int_equal(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(ctx)), &print), 0);
	memcpy(ret.bytes, print.bytes, sizeof ret.bytes);
	ret.n = print.n;
	return ret;
}

/* End 0 is peer a's, by DTLS; end 1 is plain. */
static void begin(struct scene *s, bool we_begin)
{
	*s = (struct scene){ 0 };
	the_kit = &s->k;
	s->k.now.us = 1000000000;
	assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1795300000000000 }, 30, &s->ctx), 0);
	kit_begin_with(&s->k, 500, s->ctx, NULL);
	open_peer(&s->a, "127.0.0.1");
	open_peer(&s->b, "127.0.0.1");
	open_peer(&s->stranger, "127.0.0.1");
	s->p = kit_path(&s->k, RF_PATH_RTP, KIT_V4, KIT_V4_OTHER);
	s->conf[0] = kit_conf(&s->a.at);
	s->conf[0].rtcp_mux = true;
	s->conf[0].keying = RF_KEYING_DTLS;
	s->conf[0].dtls_active = we_begin;
	s->conf[0].n_prints = 1;
	s->conf[0].prints[0] = print_of(s->a.ctx);
	s->conf[1] = kit_conf(&s->b.at);
	s->a.to = s->stranger.to = kit_local(s->p, 0, 0);
	shake_anew(s, &s->a, !we_begin, s->ctx);
	shake_anew(s, &s->stranger, true, s->ctx);
}

static void set(struct scene *s, unsigned i)
{
	assert_int_equal(rf_path_set(s->p, i, &s->conf[i]), 0);
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	close_peer(&s->a);
	close_peer(&s->b);
	close_peer(&s->stranger);
	kit_end(&s->k);
	rf_dtls_ctx_free(s->ctx);
	the_kit = NULL;
}

static void take_keys(struct peer *p)
{
	struct rf_dtls_keys keys;

	assert_int_equal(rf_dtls_state(p->dtls), RF_DTLS_READY);
	assert_int_equal(rf_dtls_take_keys(p->dtls, &keys), 0);
	struct rf_srtp_master in = { .suite = keys.suite, .key = rf_view_of(keys.in, keys.n) };
	struct rf_srtp_master out = { .suite = keys.suite, .key = rf_view_of(keys.out, keys.n) };
	assert_int_equal(rf_srtp_in_new(&in, 1, &p->in), 0);
	assert_int_equal(rf_srtp_out_new(&out, &p->out), 0);
}

/* Datagrams to and fro until nothing comes any more. */
static void exchange(struct scene *s, struct peer *p)
{
	struct rf_stun_addr at = { .family = 4, .port = 1 };
	uint8_t buf[2048];
	ssize_t n;

	for (unsigned i = 0; i < 64; i++) {
		bool some = false;

		kit_turn(&s->k);
		while ((n = party_recv(&p->at, p->rtcp, buf, sizeof buf, NULL)) >= 0) {
			some = true;
			rf_dtls_receive(p->dtls, rf_view_of(buf, (size_t)n), &at, true, s->k.now);
		}
		if (!some)
			return;
	}
	fail_msg("they do not stop");
}

static int passes_in(struct scene *s, uint16_t seq)
{
	uint8_t buf[512], plain[256], got[512];
	size_t n = kit_rtp(plain, 0x1000, seq, 0, 160), m = n;

	memcpy(buf, plain, n);
	assert_int_equal(rf_srtp_out_rtp(s->a.out, buf, m, sizeof buf, &m), 0);
	party_send(&s->k, &s->a.at, 0, &s->a.to, buf, m);
	ssize_t r = party_recv(&s->b.at, 0, got, sizeof got, NULL);
	if (r < 0)
		return 0;
	assert_int_equal(r, n);
	assert_memory_equal(got, plain, n);
	return 1;
}

static int passes_out(struct scene *s, uint16_t seq)
{
	uint8_t plain[256], got[512];
	size_t n = kit_rtp(plain, 0x1001, seq, 0, 160), m;
	struct rf_addr to = kit_local(s->p, 1, 0);

	party_send(&s->k, &s->b.at, 0, &to, plain, n);
	ssize_t r = party_recv(&s->a.at, 0, got, sizeof got, NULL);
	if (r < 0)
		return 0;
	m = (size_t)r;
	assert_int_equal(rf_srtp_in_rtp(s->a.in, got, m, &m), 0);
	assert_int_equal(m, n);
	assert_memory_equal(got, plain, n);
	return 1;
}

static void connect_peer(struct scene *s, struct peer *p)
{
	assert_int_equal(rf_dtls_connect(p->dtls, s->k.now), 0);
	exchange(s, p);
}

/* ---- */

static void keys_by_handshake(void **state)
{
	(void)state;
	for (unsigned row = 0; row < 3; row++) {
		struct scene s;
		struct rf_path_end_stats stats;
		unsigned we_begin = row == 1;

		modern = row == 2;

		begin(&s, we_begin);
		set(&s, 0);
		set(&s, 1);
		if (!we_begin)
			connect_peer(&s, &s.a); /* before the answer */
		assert_int_equal(s.k.dtls[0], !we_begin);
		rf_path_open(s.p);
		exchange(&s, &s.a);
		assert_int_equal(s.k.dtls[0], 1);
		assert_null(s.k.why[0]);
		take_keys(&s.a);
		for (uint16_t i = 0; i < 3; i++) {
			assert_int_equal(passes_in(&s, i), 1);
			assert_int_equal(passes_out(&s, i), 1);
		}
		rf_path_stats(s.p, 0, &stats);
		assert_int_equal(stats.suite, RF_SRTP_AEAD_AES_256_GCM);
		assert_int_equal(stats.dtls, modern ? 13 : 12);
		/* The same description again, as with a hold: the association goes on. */
		set(&s, 0);
		assert_int_equal(passes_in(&s, 10), 1);
		assert_int_equal(passes_out(&s, 10), 1);
		assert_int_equal(s.k.dtls[0], 1);
		assert_int_equal(kit_drops_all(s.p), 0);
		end(&s);
	}
}

static void nothing_before_the_answer(void **state)
{
	struct scene s;
	uint8_t buf[2048];

	(void)state;
	begin(&s, true);
	set(&s, 0);
	kit_wait_ms(&s.k, 5000);
	assert_int_equal(party_recv(&s.a.at, 0, buf, sizeof buf, NULL), -1); /* we do not begin */
	set(&s, 1);
	/* Media of the other side before keys are there. */
	rf_path_open(s.p);
	struct rf_addr to = kit_local(s.p, 1, 0);
	size_t n = kit_rtp(buf, 1, 1, 0, 20);
	party_send(&s.k, &s.b.at, 0, &to, buf, n);
	assert_int_equal(kit_drops(s.p, 1, RF_DROP_NO_KEYS), 1);
	n = kit_rtp(buf, 1, 1, 0, 20);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_KEYS), 1);
	end(&s);
}

static void another_certificate(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		struct scene s;

		begin(&s, way == 1);
		s.conf[0].prints[0] = print_of(s.stranger.ctx);
		if (way == 2)
			s.conf[0].n_prints = 0; /* its description comes later */
		set(&s, 0);
		set(&s, 1);
		rf_path_open(s.p);
		if (way == 1)
			exchange(&s, &s.a);
		else
			connect_peer(&s, &s.a);
		if (way == 2) {
			assert_int_equal(s.k.dtls[0], 0);
			s.conf[0].n_prints = 1;
			set(&s, 0);
		}
		assert_int_equal(s.k.dtls[0], 1);
		assert_string_equal(s.k.why[0], "fingerprint");
		uint8_t buf[64];
		struct rf_addr to = kit_local(s.p, 1, 0);
		size_t n = kit_rtp(buf, 1, 1, 0, 20);
		party_send(&s.k, &s.b.at, 0, &to, buf, n);
		assert_int_equal(kit_drops(s.p, 1, RF_DROP_NO_KEYS), 1);
		end(&s);
	}
}

static void the_description_comes_later(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	s.conf[0].n_prints = 0;
	set(&s, 0);
	connect_peer(&s, &s.a);
	assert_int_equal(s.k.dtls[0], 0); /* no keys without it */
	s.conf[0].n_prints = 1;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	assert_int_equal(s.k.dtls[0], 1);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	end(&s);
}

static void strangers_in_a_handshake(void **state)
{
	(void)state;
	for (unsigned we_begin = 0; we_begin < 2; we_begin++) {
		struct scene s;
		uint8_t buf[64];

		begin(&s, we_begin);
		set(&s, 0);
		set(&s, 1);
		rf_path_open(s.p);
		connect_peer(&s, &s.stranger); /* from where nobody was signaled */
		assert_true(kit_drops(s.p, 0, RF_DROP_SOURCE) > 0);
		assert_int_equal(s.k.dtls[0], 0);
		size_t n = kit_rtp(buf, 1, 1, 0, 20);
		party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n); /* in the clear */
		assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_KEYS), 1);
		if (we_begin)
			exchange(&s, &s.a);
		else
			connect_peer(&s, &s.a);
		assert_int_equal(s.k.dtls[0], 1);
		assert_null(s.k.why[0]);
		take_keys(&s.a);
		assert_int_equal(passes_in(&s, 1), 1);
		end(&s);
	}
}

static void a_stranger_first_where_nat_is_declared(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	s.conf[0].source = RF_SOURCE_FIRST;
	s.conf[0].remote.port ^= 0x1000; /* as NAT has it */
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	connect_peer(&s, &s.stranger);
	assert_int_equal(s.k.dtls[0], 0); /* it says nothing of the party */
	assert_int_equal(s.p->end[0].source[0].n, 0);
	connect_peer(&s, &s.a);
	assert_int_equal(s.k.dtls[0], 1);
	assert_null(s.k.why[0]);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	assert_int_equal(passes_out(&s, 1), 1);
	/* And then nobody else. */
	shake_anew(&s, &s.stranger, true, s.ctx);
	connect_peer(&s, &s.stranger);
	assert_true(kit_drops(s.p, 0, RF_DROP_SOURCE) > 0);
	assert_int_equal(passes_in(&s, 2), 1);
	end(&s);
}

/* What has come to a peer's socket is for its machine. */
static unsigned take_in(struct scene *s, struct peer *p)
{
	struct rf_stun_addr at = { .family = 4, .port = 1 };
	uint8_t buf[2048];
	unsigned came = 0;
	ssize_t n;

	for (; (n = party_recv(&p->at, p->rtcp, buf, sizeof buf, NULL)) >= 0; came++)
		rf_dtls_receive(p->dtls, rf_view_of(buf, (size_t)n), &at, true, s->k.now);
	return came;
}

static void begin_behind_nat(struct scene *s)
{
	begin(s, false);
	s->conf[0].source = RF_SOURCE_FIRST;
	s->conf[0].remote.port ^= 0x1000; /* as NAT has it */
	set(s, 0);
	set(s, 1);
	rf_path_open(s->p);
}

/* Up to where the party has shown that it gets what is sent there, and our flight is on its way to it. */
static void half_a_handshake(struct scene *s, struct peer *p)
{
	assert_int_equal(rf_dtls_connect(p->dtls, s->k.now), 0);
	kit_turn(&s->k);
	assert_int_equal(take_in(s, p), 1);
	kit_turn(&s->k);
}

/* A stranger's hello in mid-handshake: nothing goes to the stranger, neither at once nor again, and the
 * handshake ends well. */
static void a_stranger_in_the_middle_where_nat_is_declared(void **state)
{
	uint8_t buf[2048];
	struct scene s;

	(void)state;
	begin_behind_nat(&s);
	half_a_handshake(&s, &s.a);
	while (party_recv(&s.a.at, 0, buf, sizeof buf, NULL) >= 0) /* our flight is lost */
		;
	assert_int_equal(rf_dtls_connect(s.stranger.dtls, s.k.now), 0);
	kit_turn(&s.k);
	assert_true(kit_drops(s.p, 0, RF_DROP_SOURCE) > 0);
	kit_wait_ms(&s.k, 500);
	assert_int_equal(party_recv(&s.stranger.at, 0, buf, sizeof buf, NULL), -1);
	assert_true(take_in(&s, &s.a) > 0); /* again, to the party */
	for (unsigned i = 0; i < 4; i++) { /* what was lost of either side comes again */
		exchange(&s, &s.a);
		kit_wait_ms(&s.k, 1000);
		rf_dtls_tick(s.a.dtls, s.k.now);
	}
	assert_int_equal(s.k.dtls[0], 1);
	assert_null(s.k.why[0]);
	take_keys(&s.a);
	/* Nor do its records afterwards turn anything round. */
	shake_anew(&s, &s.stranger, true, s.ctx);
	assert_int_equal(rf_dtls_connect(s.stranger.dtls, s.k.now), 0);
	kit_turn(&s.k);
	assert_int_equal(party_recv(&s.stranger.at, 0, buf, sizeof buf, NULL), -1);
	assert_int_equal(passes_in(&s, 1), 1);
	assert_int_equal(passes_out(&s, 1), 1);
	end(&s);
}

/* One who shows a cookie and says no more holds the place for two seconds, not for the time of a handshake. Who was
 * signaled to be there is not put out. */
static void a_stranger_who_stalls(void **state)
{
	(void)state;
	for (unsigned signaled = 0; signaled < 2; signaled++) {
		struct scene s;

		begin_behind_nat(&s);
		if (signaled) {
			s.conf[0].remote = s.stranger.at.at[0];
			set(&s, 0);
		}
		half_a_handshake(&s, &s.stranger);
		assert_int_equal(rf_dtls_connect(s.a.dtls, s.k.now), 0);
		kit_turn(&s.k);
		assert_int_equal(take_in(&s, &s.a), 0);
		kit_wait_ms(&s.k, 2100);
		shake_anew(&s, &s.a, true, s.ctx);
		connect_peer(&s, &s.a);
		assert_int_equal(s.k.dtls[0], !signaled);
		if (!signaled) {
			take_keys(&s.a);
			assert_int_equal(passes_in(&s, 1), 1);
		}
		end(&s);
	}
}

static void another_handshake(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	connect_peer(&s, &s.a);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	/* Somebody else answers the call now: other keys, nothing of the old ones. */
	struct peer first = s.a;
	s.conf[0].remote = s.stranger.at.at[0];
	s.conf[0].prints[0] = print_of(s.stranger.ctx);
	set(&s, 0);
	s.a = s.stranger;
	s.a.out = first.out;
	assert_int_equal(passes_in(&s, 2), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_NO_KEYS), 1);
	s.a.out = NULL;
	connect_peer(&s, &s.a);
	assert_int_equal(s.k.dtls[0], 2);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	assert_int_equal(passes_out(&s, 1), 1);
	s.stranger = first;
	end(&s);
}

static void two_handshakes_without_mux(void **state)
{
	struct scene s;
	uint8_t rtcp[256], got[512];

	(void)state;
	begin(&s, false);
	s.conf[0].rtcp_mux = false;
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	connect_peer(&s, &s.a);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	struct rf_srtp_in *in = s.a.in;
	struct rf_srtp_out *out = s.a.out;
	s.a.in = NULL;
	s.a.out = NULL;
	s.a.rtcp = 1;
	s.a.to.port++;
	shake_anew(&s, &s.a, true, s.ctx);
	size_t n = kit_rtcp(rtcp, 0x1001, 1, 1, 0, 0, "b");
	struct rf_addr to = kit_local(s.p, 1, 1);
	party_send(&s.k, &s.b.at, 1, &to, rtcp, n);
	assert_int_equal(party_recv(&s.a.at, 1, got, sizeof got, NULL), -1);
	connect_peer(&s, &s.a);
	take_keys(&s.a);
	assert_int_equal(s.k.dtls[0], 2);
	party_send(&s.k, &s.b.at, 1, &to, rtcp, n);
	ssize_t m = party_recv(&s.a.at, 1, got, sizeof got, NULL);
	assert_true(m > 0);
	n = (size_t)m;
	assert_int_equal(rf_srtp_in_rtcp(s.a.in, got, n, &n), 0);
	rf_srtp_in_free(in);
	rf_srtp_out_free(out);
	end(&s);
}

static void it_ends_in_time(void **state)
{
	struct scene s;
	uint8_t buf[2048];
	unsigned sent = 0;

	(void)state;
	begin(&s, true);
	set(&s, 0);
	set(&s, 1);
	rf_path_open(s.p);
	for (unsigned i = 0; i < 300; i++) {
		kit_wait_ms(&s.k, 100);
		while (party_recv(&s.a.at, 0, buf, sizeof buf, NULL) >= 0)
			sent++;
	}
	assert_in_range(sent, 3, 40);
	assert_int_equal(s.k.dtls[0], 1);
	assert_string_equal(s.k.why[0], "timeout");
	end(&s);
}

static void without_dtls(void **state)
{
	struct kit k;
	struct party a;

	(void)state;
	kit_begin(&k);
	party_open(&a, "127.0.0.1");
	struct rf_path *p = kit_path(&k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf conf = kit_conf(&a);
	conf.keying = RF_KEYING_DTLS;
	assert_int_equal(rf_path_set(p, 0, &conf), RF_E_UNSUPPORTED);
	conf.keying = RF_KEYING_PLAIN;
	assert_int_equal(rf_path_set(p, 0, &conf), 0);
	struct rf_addr to = kit_local(p, 0, 0);
	party_send(&k, &a, 0, &to, "\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\0", 13);
	assert_int_equal(kit_drops(p, 0, RF_DROP_DTLS), 1);
	party_close(&a);
	rf_path_free(p);
	kit_end(&k);
}

static void wrong_confs(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	s.conf[0].prints[0].n = 20; /* sha-1 */
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), RF_E_INVALID);
	s.conf[0].prints[0].n = 32;
	s.conf[0].dtls_suites = 1u << RF_SRTP_AES_192_CM_HMAC_SHA1_80;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), RF_E_INVALID);
	s.conf[0].dtls_suites = 1u << RF_SRTP_AES_CM_128_HMAC_SHA1_80;
	set(&s, 0);
	connect_peer(&s, &s.a);
	struct rf_path_end_stats stats;
	rf_path_stats(s.p, 0, &stats);
	assert_int_equal(stats.suite, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	end(&s);
}

static void memory_ends(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, false);
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, "abcdefghijklmnopqrstuvwx", 25);
	s.conf[0].rtcp_mux = false;
	s.conf[0].n_candidates = 1;
	s.conf[0].candidates[0].at = s.a.at.at[0];
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_path_set(s.p, 0, &s.conf[0]);
		if (!fail_alloc_off())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(s.p->end[0].ice[0]);
		assert_null(s.p->end[0].shake[0]);
		assert_int_equal(s.p->end[0].sock[1].fd, -1);
	}
	end(&s);
}

/* ---- ICE */

static size_t check(uint8_t *buf, size_t cap, const char *username, const char *pwd, uint8_t id, bool nominates)
{
	uint8_t tid[12] = { id };
	struct rf_writer w;
	struct rf_view v;
	size_t n = strlen(username);

	rf_writer_init(&w, buf, cap);
	rf_stun_begin(&w, RF_STUN_REQUEST, RF_STUN_BINDING, tid);
	/* USERNAME, PRIORITY, ICE-CONTROLLING, USE-CANDIDATE */
	rf_put(&w, rf_view_of((uint8_t[]){ 0, 6, 0, (uint8_t)n }, 4));
	rf_put(&w, rf_view_of(username, n));
	rf_put(&w, rf_view_of("\0\0\0", -n & 3));
	rf_put(&w, rf_view_of("\0\x24\0\4\x6e\0\0\xff", 8));
	rf_put(&w, rf_view_of("\x80\x2a\0\x08tiebreak", 12));
	if (nominates)
		rf_put(&w, rf_view_of("\0\x25\0\0", 4));
	rf_stun_put_integrity(&w, rf_view_str(pwd));
	rf_stun_put_fingerprint(&w);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	return v.n;
}

static void checks(void **state)
{
	static const char user[] = "abcdEFGH:theirs", pwd[] = "abcdefghijklmnopqrstuvwx";
	struct scene s;
	uint8_t buf[512], got[512];
	size_t n;

	(void)state;
	begin(&s, true);
	s.conf[0].source = RF_SOURCE_ICE;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), RF_E_INVALID); /* without credentials */
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, pwd, 25);
	memcpy(s.conf[0].ufrag_peer, "theirs", 7);
	set(&s, 0);
	set(&s, 1);
	struct { const char *user, *pwd; bool nominates; } bad[] = {
		{ "abcdEFGH:other", pwd, true }, { user, "abcdefghijklmnopqrstuvwX", true },
		{ "theirs:abcdEFGH", pwd, true },
	};
	for (unsigned i = 0; i < 3; i++) { /* no answer to strangers */
		n = check(buf, sizeof buf, bad[i].user, bad[i].pwd, (uint8_t)i, true);
		party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, n);
		assert_int_equal(party_recv(&s.stranger.at, 0, got, sizeof got, NULL), -1);
	}
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_STUN), 3);
	/* Answered before the session is; nothing but an answer. */
	n = check(buf, sizeof buf, user, pwd, 10, false);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_true(party_recv(&s.a.at, 0, got, sizeof got, NULL) > 0);
	assert_int_equal(s.p->end[0].source[0].n, 0);
	size_t captured = check(buf, sizeof buf, user, pwd, 11, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, captured);
	assert_true(party_recv(&s.a.at, 0, got, sizeof got, NULL) > 0);
	assert_int_equal(party_recv(&s.a.at, 0, got, sizeof got, NULL), -1);
	/* The same, replayed by another: it moves nothing. */
	party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, captured);
	struct rf_path_end_stats stats;
	rf_path_stats(s.p, 0, &stats);
	assert_true(rf_addr_eq(&stats.remote, &s.a.at.at[0]));
	rf_path_open(s.p);
	exchange(&s, &s.a);
	assert_int_equal(s.k.dtls[0], 1);
	assert_null(s.k.why[0]);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	assert_int_equal(passes_out(&s, 1), 1);
	/* It moves to another port by a new check, and takes its keys with it. */
	n = check(buf, sizeof buf, user, pwd, 12, true);
	party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, n);
	kit_wait_ms(&s.k, 5000);
	n = check(buf, sizeof buf, user, pwd, 13, true);
	party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, n);
	rf_path_stats(s.p, 0, &stats);
	assert_true(rf_addr_eq(&stats.remote, &s.stranger.at.at[0]));
	assert_int_equal(passes_in(&s, 2), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 1);
	end(&s);
}

static void every_prefix_of_a_check(void **state)
{
	struct scene s;
	uint8_t buf[512], got[64];

	(void)state;
	begin(&s, false);
	s.conf[0].source = RF_SOURCE_ICE;
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, "abcdefghijklmnopqrstuvwx", 25);
	set(&s, 0);
	size_t n = check(buf, sizeof buf, "abcdEFGH:theirs", s.conf[0].pwd, 1, true);
	for (size_t less = 0; less < n; less++) {
		party_send(&s.k, &s.a.at, 0, &s.a.to, buf, less);
		assert_int_equal(party_recv(&s.a.at, 0, got, sizeof got, NULL), -1);
	}
	assert_int_equal(kit_drops_all(s.p), n);
	/* More than a party could want: not answered. */
	unsigned answered = 0;
	for (unsigned i = 0; i < 250; i++) {
		n = check(buf, sizeof buf, "abcdEFGH:theirs", s.conf[0].pwd, (uint8_t)i, true);
		party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
		answered += party_recv(&s.a.at, 0, got, sizeof got, NULL) > 0;
	}
	assert_in_range(answered, 99, 102);
	end(&s);
}

/* Whoever has seen the user name makes us compute no more than so many times a second; who was
 * nominated is not hindered. */
static void forged_checks(void **state)
{
	static const char user[] = "abcdEFGH:theirs", pwd[] = "abcdefghijklmnopqrstuvwx",
			  wrong[] = "abcdefghijklmnopqrstuvwX";
	struct scene s;
	uint8_t buf[512], got[512];

	(void)state;
	begin(&s, false);
	s.conf[0].source = RF_SOURCE_ICE;
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, pwd, 25);
	memcpy(s.conf[0].ufrag_peer, "theirs", 7);
	set(&s, 0);
	size_t n = check(buf, sizeof buf, user, pwd, 1, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_true(party_recv(&s.a.at, 0, got, sizeof got, NULL) > 0);
	n = check(buf, sizeof buf, "abcdEFGX:theirs", wrong, 2, true);
	for (unsigned i = 0; i < 300; i++) /* who does not know it costs nothing */
		party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, n);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_STUN), 300);
	n = check(buf, sizeof buf, user, wrong, 3, true);
	for (unsigned i = 0; i < 300; i++)
		party_send(&s.k, &s.stranger.at, 0, &s.a.to, buf, n);
	assert_in_range(kit_drops(s.p, 0, RF_DROP_STUN), 399, 402);
	assert_in_range(kit_drops(s.p, 0, RF_DROP_RATE), 198, 201);
	assert_int_equal(party_recv(&s.stranger.at, 0, got, sizeof got, NULL), -1);
	n = check(buf, sizeof buf, user, pwd, 4, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_true(party_recv(&s.a.at, 0, got, sizeof got, NULL) > 0);
	end(&s);
}

static bool has_flow(const struct rf_path *p, const struct rf_addr *from, const struct rf_addr *to, size_t n)
{
	struct rf_path_tuple tuples[RF_PATH_TUPLES_MAX];
	bool found = false;

	assert_int_equal(rf_path_flows(p, tuples), n);
	for (size_t i = 0; i < n; i++)
		found |= rf_addr_eq(&tuples[i].from, from) && rf_addr_eq(&tuples[i].to, to);
	return found;
}

/* Pinholes are for the candidates until one is nominated, then for that alone, and after a restart for both. */
static void flows_of_candidates(void **state)
{
	static const char user[] = "abcdEFGH:theirs", pwd[] = "abcdefghijklmnopqrstuvwx";
	struct scene s;
	uint8_t buf[512];

	(void)state;
	begin(&s, false);
	struct rf_addr other = { .family = 4, .ip = { 192, 0, 2, 77 }, .port = 4000 },
		       six = { .family = 6, .ip = { 0x20 }, .port = 4 };
	s.conf[0].source = RF_SOURCE_ICE;
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, pwd, 25);
	memcpy(s.conf[0].ufrag_peer, "theirs", 7);
	s.conf[0].n_candidates = 4;
	s.conf[0].candidates[0].at = s.a.at.at[0];
	s.conf[0].candidates[1].at = other;
	s.conf[0].candidates[2].at = six; /* cannot reach this end */
	s.conf[0].candidates[3] = (struct rf_path_candidate){ .at = other, .rtcp = 1 }; /* there is rtcp-mux */
	set(&s, 0);
	assert_true(has_flow(s.p, &other, &s.a.to, 4));
	assert_true(has_flow(s.p, &s.a.to, &s.a.at.at[0], 4));
	size_t n = check(buf, sizeof buf, user, pwd, 1, false);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n); /* no nomination yet */
	assert_true(has_flow(s.p, &other, &s.a.to, 4));
	unsigned told = s.k.flows;
	n = check(buf, sizeof buf, user, pwd, 2, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_int_equal(s.k.flows, told + 1);
	assert_true(has_flow(s.p, &s.a.at.at[0], &s.a.to, 2));
	assert_false(has_flow(s.p, &other, &s.a.to, 2));
	memcpy(s.conf[0].ufrag, "abcdEFGX", 9); /* anew */
	set(&s, 0);
	assert_true(has_flow(s.p, &other, &s.a.to, 4));
	s.conf[0].n_candidates = 1;
	set(&s, 0);
	assert_false(has_flow(s.p, &other, &s.a.to, 2));
	end(&s);
}

/* A description that comes after the checks, or another one with the same credentials, names another default address:
 * who was nominated stays. */
static void a_description_after_the_checks(void **state)
{
	static const char user[] = "abcdEFGH:theirs", pwd[] = "abcdefghijklmnopqrstuvwx";
	struct scene s;
	uint8_t buf[512];

	(void)state;
	begin(&s, true);
	struct rf_addr told = s.conf[0].remote;
	s.conf[0].source = RF_SOURCE_ICE;
	memcpy(s.conf[0].ufrag, "abcdEFGH", 9);
	memcpy(s.conf[0].pwd, pwd, 25);
	s.conf[0].remote = (struct rf_addr){ 0 };
	set(&s, 0);
	set(&s, 1);
	size_t n = check(buf, sizeof buf, user, pwd, 1, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_int_equal(s.p->end[0].source[0].n > 0, 1);
	memcpy(s.conf[0].ufrag_peer, "theirs", 7);
	s.conf[0].remote = told;
	set(&s, 0);
	rf_path_open(s.p);
	exchange(&s, &s.a);
	take_keys(&s.a);
	assert_int_equal(passes_in(&s, 1), 1);
	assert_int_equal(passes_out(&s, 1), 1);
	s.conf[0].remote = s.stranger.at.at[0];
	set(&s, 0);
	assert_int_equal(passes_in(&s, 2), 1);
	assert_int_equal(passes_out(&s, 2), 1);
	/* Another phone that answers: what was nominated is not its, until it is, be it from the same address. */
	memcpy(s.conf[0].ufrag_peer, "others", 7);
	s.conf[0].prints[0] = print_of(s.stranger.ctx);
	set(&s, 0);
	assert_int_equal(passes_in(&s, 3), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 1);
	n = check(buf, sizeof buf, user, pwd, 2, true); /* of who was there before */
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_int_equal(passes_in(&s, 4), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 2);
	n = check(buf, sizeof buf, "abcdEFGH:others", pwd, 3, true);
	party_send(&s.k, &s.a.at, 0, &s.a.to, buf, n);
	assert_int_equal(passes_in(&s, 5), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 2);
	/* With ICE no more it is where its description says. */
	s.conf[0].source = RF_SOURCE_SIGNALED;
	s.conf[0].ufrag[0] = 0;
	s.conf[0].remote = s.stranger.at.at[0];
	set(&s, 0);
	assert_int_equal(passes_in(&s, 6), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 3);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_by_handshake),
		cmocka_unit_test(nothing_before_the_answer),
		cmocka_unit_test(another_certificate),
		cmocka_unit_test(the_description_comes_later),
		cmocka_unit_test(strangers_in_a_handshake),
		cmocka_unit_test(a_stranger_first_where_nat_is_declared),
		cmocka_unit_test(a_stranger_in_the_middle_where_nat_is_declared),
		cmocka_unit_test(a_stranger_who_stalls),
		cmocka_unit_test(another_handshake),
		cmocka_unit_test(two_handshakes_without_mux),
		cmocka_unit_test(it_ends_in_time),
		cmocka_unit_test(without_dtls),
		cmocka_unit_test(wrong_confs),
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(checks),
		cmocka_unit_test(every_prefix_of_a_check),
		cmocka_unit_test(forged_checks),
		cmocka_unit_test(flows_of_candidates),
		cmocka_unit_test(a_description_after_the_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

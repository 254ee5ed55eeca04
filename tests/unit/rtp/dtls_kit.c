#include "dtls_kit.h"

#include <sys/time.h>

/* The date that OpenSSL asks for goes with our clock: libssl's calls end here. */
struct rf_mono now = { 1000000000 };
bool modern;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	(void)zone;
	tv->tv_sec = (time_t)(now.us / 1000000);
	tv->tv_usec = (suseconds_t)(now.us % 1000000);
	return 0;
}

const struct rf_stun_addr here = { .family = 4, .port = 1000, .ip = { 192, 0, 2, 1 } };
const struct rf_stun_addr there = { .family = 4, .port = 2000, .ip = { 192, 0, 2, 2 } };
const enum rf_srtp_suite all_suites[4] = { RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AEAD_AES_128_GCM,
						 RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_AES_CM_128_HMAC_SHA1_32 };

/* --- two associations and what is between them */

struct end {
	struct net *net;
	unsigned index;
};
static struct end ends[2];

static void send_to(void *arg, struct rf_view v)
{
	struct end *e = arg;
	struct packet *p = &e->net->queue[e->net->count];

	assert_true(v.n <= RF_DTLS_MTU && e->net->count < 64);
	e->net->sent++;
	e->net->sent_bytes[e->index] += (unsigned)v.n;
	p->to = !e->index;
	p->n = v.n;
	memcpy(p->bytes, v.p, v.n);
	if (!e->net->lost || !e->net->lost(e->net, p))
		e->net->count++;
}

struct rf_dtls *make(struct net *net, unsigned i, enum rf_dtls_setup setup, const enum rf_srtp_suite *suites, size_t n)
{
	struct rf_dtls_params params = { setup, suites, n, send_to, &ends[i], modern };
	struct rf_random r;
	struct rf_dtls *d;

	rf_random_system(&r);
	ends[i] = (struct end){ net, i };
	assert_int_equal(rf_dtls_new(net->ctx[i], &params, &r, &d), 0);
	return d;
}

void expect_peer(struct net *net, unsigned i)
{
	struct rf_dtls_print print;

	assert_int_equal(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(net->ctx[!i])), &print), 0);
	assert_int_equal(rf_dtls_set_peer(net->d[i], &print, 1), 0);
}

/* 0 is the server, 1 the client. */
void open_net(struct net *net)
{
	*net = (struct net){ .proven = true };
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1700000000000000 }, 30, &net->ctx[i]), 0);
	net->d[0] = make(net, 0, RF_DTLS_PASSIVE, all_suites, 4);
	net->d[1] = make(net, 1, RF_DTLS_ACTIVE, all_suites, 4);
	expect_peer(net, 0);
	expect_peer(net, 1);
}

void close_net(struct net *net)
{
	for (unsigned i = 0; i < 2; i++) {
		rf_dtls_free(net->d[i]);
		rf_dtls_ctx_free(net->ctx[i]);
	}
}

void deliver(struct net *net, size_t at)
{
	struct packet p = net->queue[at];

	memmove(&net->queue[at], &net->queue[at + 1], (net->count - at - 1) * sizeof p);
	net->count--;
	rf_dtls_receive(net->d[p.to], rf_view_of(p.bytes, p.n), p.to ? &here : &there, net->proven, now);
}

/* The next timer, if there is one. */
bool pass_time(struct net *net)
{
	struct rf_mono at, first = { UINT64_MAX };

	for (unsigned i = 0; i < 2; i++)
		if (rf_dtls_due(net->d[i], &at) && at.us < first.us)
			first = at;
	if (first.us == UINT64_MAX)
		return false;
	now = first.us > now.us ? first : now;
	for (unsigned i = 0; i < 2; i++)
		rf_dtls_tick(net->d[i], now);
	return true;
}

void run(struct net *net)
{
	for (unsigned turn = 0; turn < 400; turn++) {
		if (net->count)
			deliver(net, 0);
		else if (!pass_time(net))
			return;
	}
	fail_msg("no end");
}

bool settled(const struct net *net)
{
	return rf_dtls_state(net->d[0]) == RF_DTLS_READY && rf_dtls_state(net->d[1]) == RF_DTLS_READY;
}

/* Both have the same keys, each the other way round. */
void check_keys(struct net *net, enum rf_srtp_suite suite)
{
	struct rf_dtls_keys a, b;

	assert_int_equal(rf_dtls_take_keys(net->d[0], &a), 0);
	assert_int_equal(rf_dtls_take_keys(net->d[1], &b), 0);
	assert_int_equal(a.suite, suite);
	assert_int_equal(b.suite, suite);
	assert_int_equal(a.n, rf_srtp_key_bytes(suite));
	assert_memory_equal(a.in, b.out, a.n);
	assert_memory_equal(a.out, b.in, a.n);
	assert_memory_not_equal(a.in, a.out, a.n);
	assert_int_equal(rf_dtls_take_keys(net->d[0], &a), RF_E_STATE); /* once */
}

bool one_in_three(struct net *net, const struct packet *p)
{
	(void)p;
	net->dice = net->dice * 1664525 + 1013904223;
	return net->dice >> 16 & 1 && net->dice >> 18 & 1;
}

bool lose_all(struct net *net, const struct packet *p)
{
	(void)net;
	(void)p;
	return true;
}

/* Any datagrams at the ends of a path, as the socket would hand them over: in the clear, under SDES keys nobody told, passed
 * with keys and without, in a DTLS handshake, behind ICE, on a port that two m-lines share. The first byte says which; then each record is where it comes
 * from, how long it is, and the datagram. Nothing leaves of a keyed end, nothing of a stranger, nothing before the
 * answer; and in the end all that was taken is given back. */
#include "media/path_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum { PLAIN, NAT, SDES, PASSED, OPAQUE, DTLS, ICE, DATAGRAM, SHUT, BUNDLE, MODES };

struct world {
	struct rf_mono now;
	struct rf_random random;
	struct rf_loop *loop;
	struct rf_media_worker *w;
	struct rf_dtls_ctx *dtls;
};

static struct rf_mono mono(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static struct rf_wall wall(void *ctx)
{
	(void)ctx;
	return (struct rf_wall){ 1795300000000000 };
}

static void zeros(struct rf_random *r, void *p, size_t n)
{
	(void)r;
	memset(p, 7, n); /* the same run for the same input */
}

static void open_world(struct world *x)
{
	struct rf_media_interface here = { .name = "lo", .local = { .ip = { 127, 0, 0, 1 }, .family = 4 },
					   .port_first = 20000, .port_last = 60001 };
	struct rf_loop_conf loop = { .clock = { mono, wall, x } };

	here.local.ip[1] = (uint8_t)(1 + getpid() % 251); /* nobody else's ports are in the way */
	here.local.ip[2] = (uint8_t)(getpid() / 251);
	x->now.us = 1000000000;
	x->random.fill = zeros;
	MUST(rf_loop_new(&loop, &x->loop) == 0);
	MUST(rf_dtls_ctx_new((struct rf_wall){ 1795300000000000 }, 30, &x->dtls) == 0);
	struct rf_media_conf conf = { .loop = x->loop, .random = &x->random, .dtls = x->dtls, .interfaces = &here,
				      .n_interfaces = 1 };
	MUST(rf_media_worker_new(&conf, &x->w) == 0);
}

static struct rf_path_end_conf conf_of(unsigned mode, unsigned end)
{
	static const enum rf_path_keying keyings[MODES] = { [SDES] = RF_KEYING_SDES, [PASSED] = RF_KEYING_PASSED,
		[OPAQUE] = RF_KEYING_PASSED, [DTLS] = RF_KEYING_DTLS, [ICE] = RF_KEYING_DTLS };
	struct rf_path_end_conf c = { .remote = { .ip = { 127, 0, 0, 1 }, .port = (uint16_t)(9 + end), .family = 4 },
		.rtcp_mux = mode != PLAIN, .dir = RF_SDP_SENDRECV, .keying = keyings[mode], .n_types = 2,
		.types = { { 0, 0, 8000 }, { 101, RF_TYPE_DTMF, 8000 } } };

	if (mode == NAT)
		c.source = RF_SOURCE_FIRST;
	if (mode == SDES || mode == PASSED)
		c.n_keys_in = 1;
	c.keys_in[0] = (struct rf_path_key){ .suite = RF_SRTP_AEAD_AES_128_GCM, .key = { 1, 2, 3 } };
	c.key_out = (struct rf_path_key){ .suite = RF_SRTP_AES_CM_128_HMAC_SHA1_80, .key = { 4, 5, 6 } };
	if (mode == DTLS || mode == ICE)
		c.prints[c.n_prints++] = (struct rf_path_print){ .bytes = { 1 }, .n = 32 };
	if (mode == ICE) {
		c.source = RF_SOURCE_ICE;
		memcpy(c.ufrag, "abcdEFGH", 9);
		memcpy(c.pwd, "abcdefghijklmnopqrstuvwx", 25);
	}
	return c;
}

static void dtmf(void *arg, struct rf_path *p, unsigned end, unsigned code, unsigned ms)
{
	(void)arg;
	(void)p;
	MUST(end < RF_PATH_ENDS && code < 16);
	(void)ms;
}

/* Two lines of one party at one end of a path of its own; at the other side each has a port. */
struct bundle {
	struct rf_path *carrier, *lines[2];
};

static void open_bundle(struct world *x, const struct rf_path_ops *ops, struct bundle *b)
{
	struct rf_path_end_conf c = conf_of(PLAIN, 0);
	const char *what;

	c.rtcp_mux = true;
	MUST(rf_path_new(x->w, RF_PATH_RTP, (unsigned[]){ 0, RF_PATH_NOBODY }, ops, NULL, &b->carrier, &what) == 0);
	MUST(rf_path_set(b->carrier, 0, &c) == 0);
	rf_path_open(b->carrier);
	for (unsigned i = 0; i < 2; i++) {
		MUST(rf_path_new(x->w, RF_PATH_RTP, (unsigned[]){ RF_PATH_CARRIED, 0 }, ops, NULL, &b->lines[i], &what) == 0);
		MUST(rf_path_ride(b->lines[i], 0, b->carrier) == 0);
		for (unsigned end = 0; end < RF_PATH_ENDS; end++) {
			c = conf_of(PLAIN, end + i);
			c.types[0].type = (uint8_t)(i ? 96 : 0);
			c.mid_ext = 4;
			c.mid_n = 1;
			c.mid[0] = (char)('a' + i);
			MUST(rf_path_set(b->lines[i], end, &c) == 0);
		}
		rf_path_open(b->lines[i]);
	}
}

static void close_bundle(struct bundle *b)
{
	uint64_t in = 0, out = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct rf_path_end_stats stats;

		rf_path_stats(b->lines[i], 0, &stats);
		in += stats.packets;
		rf_path_stats(b->lines[i], 1, &stats);
		out += stats.sent;
		rf_path_free(b->lines[i]);
	}
	MUST(out <= in); /* nobody's packet went anywhere, none twice */
	rf_path_free(b->carrier);
}

static void feed(struct world *x, struct rf_path *p, const uint8_t *data, size_t n)
{
	while (n >= 3) {
		unsigned how = data[0];
		size_t m = (size_t)(data[1] << 8 | data[2]) % (RF_PATH_DATAGRAM_MAX + 1);
		struct rf_end *e = &p->end[how & 1];
		struct rf_sock *s = &e->sock[how >> 1 & 1];
		struct rf_peer from;
		struct rf_addr at = e->remote[how >> 1 & 1];

		data += 3;
		n -= 3;
		m = m < n ? m : n;
		if (how & 4)
			at.port ^= 0x100;
		if (how & 8)
			at.ip[3] = 2;
		at.family = 4;
		rf_peer_of(&at, &from);
		memcpy(x->w->buf, data, m);
		if (s->fd >= 0)
			rf_path_take(s, x->w->buf, m, &from);
		x->now.us += (uint64_t)(how >> 4) * 1000;
		rf_loop_turn(x->loop, 0);
		data += m;
		n -= m;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct world *x; /* made once: that costs more than what is tried */
	static const struct rf_path_ops ops = { .dtmf = dtmf };
	struct rf_path *p = NULL;
	const char *what;

	if (n < 1)
		return 0;
	if (!x) {
		x = calloc(1, sizeof *x);
		MUST(x);
		open_world(x);
	}
	unsigned mode = data[0] % MODES;
	if (mode == BUNDLE) {
		struct bundle b;

		open_bundle(x, &ops, &b);
		feed(x, b.carrier, data + 1, n - 1);
		close_bundle(&b);
		mode = PLAIN;
		n = 1;
	}
	MUST(rf_path_new(x->w, mode == DATAGRAM ? RF_PATH_DATAGRAM : RF_PATH_RTP, (unsigned[]){ 0, 0 }, &ops, NULL, &p, &what) == 0);
	for (unsigned end = 0; end < RF_PATH_ENDS; end++) {
		struct rf_path_end_conf c = conf_of(mode, end);

		MUST(rf_path_set(p, end, &c) == 0);
	}
	if (mode != SHUT)
		rf_path_open(p);
	feed(x, p, data + 1, n - 1);
	for (unsigned end = 0; end < RF_PATH_ENDS; end++) {
		struct rf_path_end_stats stats;

		rf_path_stats(p, end, &stats);
		if (mode == SDES || mode == PASSED || mode == DTLS || mode == ICE || mode == SHUT)
			MUST(stats.packets == 0 && stats.sent == 0 && stats.rtcp_packets == 0 && stats.rtcp_sent == 0);
		if (mode == PLAIN && stats.remote.family)
			MUST(rf_addr_eq(&stats.remote, &p->end[end].remote[0]));
	}
	rf_path_free(p);
	struct rf_media_census c = rf_media_census(x->w);
	MUST(c.paths == 0 && c.ports == 0 && c.sockets == 0);
	MUST(rf_loop_wheel(x->loop)->count == 0);
	return 0;
}

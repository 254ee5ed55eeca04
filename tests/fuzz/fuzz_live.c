/* A path in the middle of its life: what parties send is sealed with their keys and their checks are signed, so that it is authentic,
 * while descriptions, holds, listeners and time change between two packets as they like. The bytes say what happens next. Nothing leaves
 * before the answer, a stranger's packet counts nowhere, and in the end all that was taken is given back. */
#include "media/path_int.h"
#include "rtp/stun.h"

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

enum { KEYS = 3, STEPS_MAX = 256, LINES = 2 };
static const char pwd[] = "abcdefghijklmnopqrstuvwx";

struct world {
	struct rf_mono now;
	struct rf_random random;
	struct rf_loop *loop;
	struct rf_media_worker *w;
	struct rf_dtls_ctx *dtls;
};

/* One scene: a path with two ends, or lines that share one. */
struct scene {
	struct world *x;
	struct rf_path *p[1 + LINES];        /* the first is the carrier where there is one */
	unsigned n;
	bool bundle;
	struct rf_srtp_out *out[KEYS];
	struct rf_path_tap tap;
	bool tapped;
	uint8_t id;
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

static void sevens(struct rf_random *r, void *p, size_t n)
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
	x->random.fill = sevens;
	MUST(rf_loop_new(&loop, &x->loop) == 0);
	MUST(rf_dtls_ctx_new((struct rf_wall){ 1795300000000000 }, 30, &x->dtls) == 0);
	struct rf_media_conf conf = { .loop = x->loop, .random = &x->random, .dtls = x->dtls, .interfaces = &here,
				      .n_interfaces = 1, .keep_max = 8 };
	MUST(rf_media_worker_new(&conf, &x->w) == 0);
}

static struct rf_path_key key_of(unsigned i)
{
	static const enum rf_srtp_suite suites[KEYS] = { RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80,
							 RF_SRTP_AES_256_CM_HMAC_SHA1_32 };

	return (struct rf_path_key){ .suite = suites[i % KEYS], .key = { (uint8_t)(1 + i), 2, 3 } };
}

/* Party addresses: a few that descriptions name. */
static struct rf_addr address(unsigned i)
{
	return (struct rf_addr){ .family = 4, .ip = { 127, 0, 0, (uint8_t)(1 + (i >> 1 & 1)) }, .port = (uint16_t)(9 + (i & 1)) };
}

static struct rf_path_end_conf conf_of(unsigned a, unsigned b)
{
	static const enum rf_path_keying keyings[] = { RF_KEYING_PLAIN, RF_KEYING_SDES, RF_KEYING_DTLS, RF_KEYING_PASSED };
	struct rf_path_end_conf c = { .remote = address(a), .rtcp_mux = a & 4, .dir = b & 0x40 ? RF_SDP_SENDONLY : RF_SDP_SENDRECV,
		.keying = keyings[a >> 3 & 3], .n_types = 2, .types = { { 0, 0, 8000, 0 }, { 101, RF_TYPE_DTMF, 8000, 0 } },
		.source = (enum rf_path_source)((a >> 5 & 3) % 3), .dtls_active = b & 0x20, .nat_waits = b & 0x10, .mid_ext = 4, .mid_n = 1,
		.dscp = b & 0x80 ? 46 : 0 };

	c.mid[0] = 'a';
	if (c.keying == RF_KEYING_SDES || c.keying == RF_KEYING_PASSED)
		c.n_keys_in = (uint8_t)(b & 3);
	for (unsigned i = 0; i < c.n_keys_in; i++)
		c.keys_in[i] = key_of(i + (b >> 2));
	if (!(b & 8))
		c.key_out = key_of(5 + (b & 3));
	if (c.keying == RF_KEYING_DTLS)
		c.prints[c.n_prints++] = (struct rf_path_print){ .bytes = { (uint8_t)(b & 1) }, .n = 32 };
	if (c.source == RF_SOURCE_ICE) {
		memcpy(c.ufrag, b & 4 ? "abcdEFGH" : "abcdEFGX", 9);
		memcpy(c.pwd, pwd, 25);
		memcpy(c.ufrag_peer, b & 2 ? "thea" : "theb", 5);
		c.n_candidates = 1;
		c.candidates[0].at = address(b);
	}
	return c;
}

static void heard(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n)
{
	(void)t;
	(void)rtcp;
	MUST(packet && n <= RF_PATH_DATAGRAM_MAX);
}

static void gone(struct rf_path_tap *t)
{
	((struct scene *)(void *)((char *)t - offsetof(struct scene, tap)))->tapped = false;
}

static void count_flows(void *arg, struct rf_path *p)
{
	struct rf_path_tuple tuples[RF_PATH_TUPLES_MAX];

	(void)arg;
	MUST(rf_path_flows(p, tuples) <= RF_PATH_TUPLES_MAX);
}

/* ---- what parties send */

static void deliver(struct scene *s, struct rf_path *p, unsigned how, const uint8_t *bytes, size_t n)
{
	struct rf_end *e = &p->end[how & 1];
	struct rf_sock *sock = &e->sock[how >> 1 & 1];
	struct rf_addr at = address(how >> 2);
	struct rf_peer from;
	uint64_t before = e->packets + e->rtcp_packets;
	bool stranger;

	rf_peer_of(&at, &from);
	if (sock->fd < 0)
		return;
	stranger = e->how == RF_SOURCE_SIGNALED && !rf_peer_eq(&e->signaled[how >> 1 & 1], &from);
	memcpy(s->x->w->buf, bytes, n);
	rf_path_take(sock, s->x->w->buf, n, &from);
	MUST(!stranger || e->packets + e->rtcp_packets == before);
}

static size_t make_rtp(const uint8_t *v, uint8_t *buf)
{
	size_t n = 12 + v[3] % 64u;

	memset(buf, v[2], n);
	buf[0] = 0x80;
	buf[1] = v[3] & 0x80 ? 101 : 0;
	buf[2] = v[1];
	buf[3] = v[2];
	memcpy(buf + 8, (uint8_t[]){ 0, 0, 0, (uint8_t)(1 + (v[3] >> 6 & 1)) }, 4);
	return n;
}

static size_t make_rtcp(const uint8_t *v, uint8_t *buf)
{
	uint8_t report[] = { 0x81, 201, 0, 7, 0, 0, 0, (uint8_t)(1 + (v[1] & 1)), 0, 0, 0, v[2], v[3], 0, 0, 0, 0, 0, 0, 0,
			     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, v[2] };

	memcpy(buf, report, sizeof report);
	return sizeof report;
}

static void send_media(struct scene *s, struct rf_path *p, const uint8_t *v, bool rtcp)
{
	uint8_t buf[RF_PATH_ROOM];
	size_t n = rtcp ? make_rtcp(v, buf) : make_rtp(v, buf);
	struct rf_srtp_out *out = v[0] >> 4 & 3 ? s->out[(v[0] >> 4 & 3) - 1] : NULL;

	if (out && (rtcp ? rf_srtp_out_rtcp(out, buf, n, sizeof buf, &n) : rf_srtp_out_rtp(out, buf, n, sizeof buf, &n)))
		return;
	deliver(s, p, v[0] & 0xf, buf, n);
	if (v[0] & 0x80) /* and once more */
		deliver(s, p, v[0] & 0xf, buf, n);
}

static void send_check(struct scene *s, struct rf_path *p, const uint8_t *v)
{
	const char *user = v[1] & 1 ? "abcdEFGH:thea" : v[1] & 2 ? "abcdEFGH:theb" : "abcdEFGX:thea";
	uint8_t buf[256], id[12] = { s->id++, v[2] };
	struct rf_writer w;
	struct rf_view m;

	rf_writer_init(&w, buf, sizeof buf);
	rf_stun_begin(&w, RF_STUN_REQUEST, RF_STUN_BINDING, id);
	rf_put(&w, rf_view_of((uint8_t[]){ 0, 6, 0, 13 }, 4));
	rf_put(&w, rf_view_of(user, 13));
	rf_put(&w, rf_view_of("\0\0\0", 3));
	rf_put(&w, rf_view_of((uint8_t[]){ 0, 0x24, 0, 4, 0x6e, 0, 0, v[3] }, 8));
	if (v[1] & 4)
		rf_put(&w, rf_view_of("\0\x25\0\0", 4));
	rf_stun_put_integrity(&w, rf_view_str(pwd));
	rf_stun_put_fingerprint(&w);
	MUST(rf_writer_done(&w, &m) == 0);
	deliver(s, p, v[0] & 0xf, m.p, m.n);
}

/* ---- what else happens */

static void set(struct rf_path *p, const uint8_t *v)
{
	struct rf_path_end_conf c = conf_of(v[1], v[2]);
	uint8_t packet[RF_PATH_ROOM];

	if (p->end[v[0] & 1].nobody)
		return;
	c.mid[0] = (char)('a' + (v[3] & 1));
	rf_path_set(p, v[0] & 1, &c);
	rf_path_send(p, v[0] & 1, packet, make_rtp(v, packet), sizeof packet);
}

static void listen_to(struct scene *s, struct rf_path *p, const uint8_t *v)
{
	struct rf_path *at = s->p[s->n - 1];

	(void)p;
	rf_path_drop_tap(at, 0, &s->tap);
	s->tapped = v[1] & 1;
	s->tap = (struct rf_path_tap){ .heard = heard, .gone = gone };
	if (s->tapped)
		rf_path_add_tap(at, 0, &s->tap);
}

static void step(struct scene *s, const uint8_t *v, unsigned what)
{
	struct rf_path *p = s->p[(v[3] >> 2) % s->n];

	switch (what) {
	case 0:
		set(p, v);
		break;
	case 1:
		s->x->now.us += v[1] * 20000u;
		rf_loop_turn(s->x->loop, 0);
		break;
	case 2: case 3: case 4:
		send_media(s, s->p[0], v, what == 4);
		break;
	case 5:
		send_check(s, s->p[0], v);
		break;
	case 6:
		rf_path_open(p);
		break;
	case 7:
		rf_path_hold(p, v[0] & 1, v[1] & 7);
		break;
	case 8:
		listen_to(s, p, v);
		break;
	case 9:
		if (s->bundle)
			rf_path_ride(s->p[1 + (v[1] & 1)], 0, v[2] & 1 ? s->p[0] : NULL);
		break;
	default:
		deliver(s, s->p[0], v[0] & 0xf, v + 1, 3);
	}
}

static void begin(struct scene *s, const struct rf_path_ops *ops)
{
	const char *what;

	s->n = s->bundle ? 1 + LINES : 1;
	MUST(rf_path_new(s->x->w, RF_PATH_RTP, (unsigned[]){ 0, s->bundle ? RF_PATH_NOBODY : 0 }, ops, NULL, &s->p[0], &what) == 0);
	for (unsigned i = 1; i < s->n; i++)
		MUST(rf_path_new(s->x->w, RF_PATH_RTP, (unsigned[]){ RF_PATH_CARRIED, 0 }, ops, NULL, &s->p[i], &what) == 0 &&
		     rf_path_ride(s->p[i], 0, s->p[0]) == 0);
	for (unsigned i = 0; i < KEYS; i++) {
		struct rf_path_key k = key_of(i);
		struct rf_srtp_master m = { .suite = k.suite, .key = rf_view_of(k.key, rf_srtp_key_bytes(k.suite)) };

		MUST(rf_srtp_out_new(&m, &s->out[i]) == 0);
	}
}

static void end(struct scene *s, bool carrier_first)
{
	for (unsigned i = 0; i < KEYS; i++)
		rf_srtp_out_free(s->out[i]);
	for (unsigned i = 0; i < s->n; i++)
		rf_path_free(s->p[carrier_first ? i : s->n - 1 - i]);
	MUST(!s->tapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct world *x; /* made once: that costs more than what is tried */
	static const struct rf_path_ops ops = { .flows = count_flows };
	struct scene s = { .bundle = n && data[0] & 1 };

	if (n < 1)
		return 0;
	if (!x) {
		x = calloc(1, sizeof *x);
		MUST(x);
		open_world(x);
	}
	s.x = x;
	begin(&s, &ops);
	for (size_t at = 1, steps = 0; n - at >= 5 && steps < STEPS_MAX; at += 5, steps++) {
		bool open = s.p[0]->open;
		uint64_t sent = x->w->totals.sent;

		step(&s, data + at + 1, data[at] % 11u);
		MUST(open || s.bundle || x->w->totals.sent == sent || s.p[0]->open);
	}
	end(&s, data[0] & 2);
	x->now.us += 10000000;
	rf_loop_turn(x->loop, 0);
	struct rf_media_census c = rf_media_census(x->w);

	MUST(c.paths == 0 && c.ports == 0 && c.sockets == 0);
	return 0;
}

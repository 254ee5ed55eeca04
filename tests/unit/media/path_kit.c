#include "path_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct rf_mono kit_mono(void *ctx)
{
	return ((struct kit *)ctx)->now;
}

static struct rf_wall kit_wall(void *ctx)
{
	(void)ctx;
	return (struct rf_wall){ 1795300000000000 };
}

static size_t count_fds(void)
{
	struct rf_loop *loop; /* the first one opens what libuv keeps */
	size_t n = 0;

	assert_int_equal(rf_loop_new(NULL, &loop), 0);
	rf_loop_free(loop);
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct rf_addr addr_of(const char *text, uint16_t port)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_str(text), port, &a), 0);
	return a;
}

void kit_begin_on(struct kit *k, struct rf_media_conf conf)
{
	*k = (struct kit){ .now = { 1000000000 }, .fds = count_fds() };
	rf_random_system(&k->random);
	struct rf_loop_conf loop = { .clock = { kit_mono, kit_wall, k } };
	assert_int_equal(rf_loop_new(&loop, &k->loop), 0);
	conf.loop = k->loop;
	conf.random = &k->random;
	assert_int_equal(rf_media_worker_new(&conf, &k->w), 0);
}

void kit_begin_with(struct kit *k, unsigned pairs, struct rf_dtls_ctx *dtls, struct rf_fast *fast)
{
	struct rf_addr own = addr_of("127.0.0.1", 0); /* of this process: nobody else's ports are in the way */

	own.ip[1] = (uint8_t)(1 + getpid() % 251);
	own.ip[2] = (uint8_t)(getpid() / 251);
	struct rf_media_interface places[] = {
		[KIT_V4] = { .name = "inside", .local = own, .port_first = 20000,
			     .port_last = (uint16_t)(20000 + 2 * pairs - 1) },
		[KIT_V6] = { .name = "inside", .local = addr_of("::1", 0), .port_first = 20000, .port_last = 20999 },
		[KIT_V4_OTHER] = { .name = "outside", .local = own, .advertised = addr_of("192.0.2.9", 0),
				   .port_first = 40000, .port_last = 40999 },
	};

	kit_begin_on(k, (struct rf_media_conf){ .dtls = dtls, .fast = fast, .interfaces = places,
						.n_interfaces = sizeof places / sizeof *places });
}

void kit_begin(struct kit *k)
{
	kit_begin_with(k, 500, NULL, NULL);
}

void kit_end(struct kit *k)
{
	struct rf_media_census c = rf_media_census(k->w);

	assert_int_equal(c.paths, 0);
	assert_int_equal(c.ports, 0);
	assert_int_equal(c.sockets, 0);
	assert_int_equal(rf_loop_wheel(k->loop)->count, 0);
	rf_media_worker_free(k->w);
	rf_loop_free(k->loop);
	assert_int_equal(count_fds(), k->fds);
}

void kit_turn(struct kit *k)
{
	rf_loop_turn(k->loop, 0);
}

void kit_wait_ms(struct kit *k, unsigned ms)
{
	k->now.us += (uint64_t)ms * 1000;
	kit_turn(k);
	kit_turn(k);
}

static void on_flows(void *arg, struct rf_path *p)
{
	(void)p;
	((struct kit *)arg)->flows++;
}

static void on_dtls(void *arg, struct rf_path *p, unsigned end, const char *why)
{
	struct kit *k = arg;

	(void)p;
	k->dtls[end]++;
	k->why[end] = why;
}

static void on_silent(void *arg, struct rf_path *p)
{
	(void)p;
	((struct kit *)arg)->silent++;
}

static void on_dtmf(void *arg, struct rf_path *p, unsigned end, unsigned code, unsigned ms)
{
	struct kit *k = arg;

	(void)p;
	(void)end;
	k->dtmf_code = code;
	k->dtmf_ms = ms;
	k->dtmfs++;
}

static void on_picture(void *arg, struct rf_path *p)
{
	(void)p;
	((struct kit *)arg)->pictures++;
}

static const struct rf_path_ops ops = { on_flows, on_dtls, on_silent, on_dtmf, on_picture };

struct rf_path *kit_path(struct kit *k, enum rf_path_kind kind, unsigned a, unsigned b)
{
	struct rf_path *p = NULL;
	const char *what = "";
	int rc = rf_path_new(k->w, kind, (unsigned[]){ a, b }, &ops, k, &p, &what);

	if (rc)
		fail_msg("path: %s (%s)", rf_err_text(rc), what);
	return p;
}

/* ---- parties */

static int bound(const struct rf_addr *at)
{
	struct rf_peer peer;

	rf_peer_of(at, &peer);
	int fd = socket(peer.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (bind(fd, &peer.sa, peer.n) == 0)
		return fd;
	close(fd);
	return -1;
}

void party_open(struct party *p, const char *ip)
{
	for (int i = 0; i < 100; i++) {
		struct rf_peer got = { .n = sizeof got.in6 };

		p->at[0] = addr_of(ip, 0);
		p->fd[0] = bound(&p->at[0]);
		assert_true(p->fd[0] >= 0 && getsockname(p->fd[0], &got.sa, &got.n) == 0);
		p->at[0] = p->at[1] = rf_peer_addr(&got);
		p->at[1].port++;
		p->fd[1] = bound(&p->at[1]);
		if (p->fd[1] >= 0)
			return;
		close(p->fd[0]);
	}
	fail_msg("no two ports in a row");
}

void party_close(struct party *p)
{
	close(p->fd[0]);
	close(p->fd[1]);
}

void party_send(struct kit *k, struct party *p, unsigned rtcp, const struct rf_addr *to, const void *bytes, size_t n)
{
	struct rf_peer peer;

	rf_peer_of(to, &peer);
	assert_int_equal(sendto(p->fd[rtcp], bytes, n, 0, &peer.sa, peer.n), n);
	kit_turn(k);
}

ssize_t party_recv(struct party *p, unsigned rtcp, uint8_t *buf, size_t cap, struct rf_addr *from)
{
	struct rf_peer peer = { .n = sizeof peer.in6 };
	ssize_t n = recvfrom(p->fd[rtcp], buf, cap, MSG_DONTWAIT, &peer.sa, &peer.n);

	if (n >= 0 && from)
		*from = rf_peer_addr(&peer);
	return n;
}

struct rf_path_end_conf kit_conf(const struct party *p)
{
	return (struct rf_path_end_conf){ .remote = p->at[0], .source = RF_SOURCE_SIGNALED, .dir = RF_SDP_SENDRECV,
		.n_types = 2, .types = { { 0, 0, 8000 }, { 101, RF_TYPE_DTMF, 8000 } } };
}

struct rf_addr kit_local(const struct rf_path *p, unsigned end, unsigned rtcp)
{
	struct rf_addr at[2];

	rf_path_local(p, end, &at[0], &at[1]);
	if (rf_addr_eq(&at[0], &at[1]))
		rtcp = 0;
	/* What is advertised may be elsewhere. */
	struct rf_addr local = rf_media_interface_at(p->w, p->end[end].interface)->local;
	local.port = at[rtcp].port;
	return local;
}

size_t kit_rtp(uint8_t *buf, uint32_t ssrc, uint16_t seq, uint8_t type, size_t payload)
{
	struct rf_rtp_head head = { .timestamp = 160u * seq, .ssrc = ssrc, .seq = seq, .type = type };

	rf_rtp_head_put(&head, buf);
	for (size_t i = 0; i < payload; i++)
		buf[RF_RTP_HEAD_BYTES + i] = (uint8_t)(seq + i);
	return RF_RTP_HEAD_BYTES + payload;
}

int kit_passes(struct kit *k, struct rf_path *p, unsigned end, struct party *from, struct party *to, uint16_t seq)
{
	uint8_t sent[256], got[2048];
	size_t n = kit_rtp(sent, 0x1000 + end, seq, 0, 160);
	struct rf_addr local = kit_local(p, end, 0), out = kit_local(p, !end, 0), came;

	party_send(k, from, 0, &local, sent, n);
	ssize_t m = party_recv(to, 0, got, sizeof got, &came);
	if (m < 0)
		return 0;
	assert_int_equal(m, n);
	assert_memory_equal(sent, got, n);
	assert_true(rf_addr_eq(&came, &out));
	assert_int_equal(party_recv(to, 0, got, sizeof got, NULL), -1);
	return 1;
}

struct rf_path_key kit_key(enum rf_srtp_suite suite, uint8_t n)
{
	struct rf_path_key k = { .suite = suite };

	memset(k.key, n, sizeof k.key);
	return k;
}

struct rf_srtp_master kit_master(const struct rf_path_key *k)
{
	return (struct rf_srtp_master){ .suite = k->suite, .key = rf_view_of(k->key, rf_srtp_key_bytes(k->suite)),
					.mki = rf_view_of(k->mki, k->mki_n) };
}

static void put32(uint8_t *p, uint32_t x)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

size_t kit_rtcp(uint8_t *buf, uint32_t ssrc, uint32_t about, uint64_t ntp, uint32_t lsr, uint32_t dlsr,
		const char *cname)
{
	size_t c = strlen(cname), sdes = (4 + 4 + 2 + c + 1 + 3) / 4 * 4;

	memset(buf, 0, 52 + sdes);
	memcpy(buf, "\x81\xc8\0\x0c", 4);
	put32(buf + 4, ssrc);
	put32(buf + 8, (uint32_t)(ntp >> 32));
	put32(buf + 12, (uint32_t)ntp);
	put32(buf + 28, about);
	put32(buf + 44, lsr);
	put32(buf + 48, dlsr);
	memcpy(buf + 52, "\x81\xca", 2);
	buf[55] = (uint8_t)(sdes / 4 - 1);
	put32(buf + 56, ssrc);
	buf[60] = 1;
	buf[61] = (uint8_t)c;
	memcpy(buf + 62, cname, c);
	return 52 + sdes;
}

uint64_t kit_drops(const struct rf_path *p, unsigned end, enum rf_path_drop d)
{
	return p->end[end].drops[d];
}

uint64_t kit_drops_all(const struct rf_path *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < RF_PATH_ENDS; i++)
		for (unsigned d = 0; d < RF_DROPS; d++)
			n += p->end[i].drops[d];
	return n;
}

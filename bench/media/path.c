/* The engine of media/ alone, in this process: paths with real sockets on loopback, a relay thread on core 0, one socket that
 * sends and one that takes on core 1. Tells packets a second when the relay has always something to do, its processor
 * time a packet at a load of 50 packets a second and stream, what a path costs to set up and in memory.
 *
 *	path [-n STREAMS] [-s SECONDS] [-m plain|pass|gcm|cm|cross] [-l]     -l: the load of 50 a second, else as fast as it can */
#include "media/path.h"
#include "media/worker.h"
#include "rtp/rtp.h"

#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 172, IN_FLIGHT = 1000, BATCH = 32 };

struct stream {
	struct rf_path *p;
	struct sockaddr_in to;
	struct rf_srtp_out *out;
	uint16_t seq;
};

static struct {
	unsigned n, seconds;
	const char *mode;
	bool load;
	struct rf_loop *loop;
	struct rf_media_worker *w;
	struct stream *streams;
	int tx, rx;
	atomic_bool go;
	clockid_t relay_clock;
} b = { .n = 1000, .seconds = 3, .mode = "plain" };

static double now_s(clockid_t c)
{
	struct timespec ts;

	clock_gettime(c, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "path: %s\n", what);
	exit(3);
}

static size_t rss_kib(void)
{
	size_t pages = 0, size;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%zu %zu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4;
}

static int udp(struct rf_addr *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof in;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 64 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) || getsockname(fd, (struct sockaddr *)&in, &n))
		die("no socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	rf_addr_from_sockaddr((struct sockaddr *)&in, sizeof in, ret);
	return fd;
}

static struct rf_path_key key_of(enum rf_srtp_suite suite, unsigned i, uint8_t salt)
{
	struct rf_path_key k = { .suite = suite };

	memset(k.key, salt, sizeof k.key);
	memcpy(k.key, &i, sizeof i);
	return k;
}

static void set_keys(struct rf_path_end_conf *c, struct stream *s, unsigned i, unsigned end, enum rf_srtp_suite suite, bool passed)
{
	if (suite == RF_SRTP_NONE)
		return;
	c->keying = passed ? RF_KEYING_PASSED : RF_KEYING_SDES;
	c->n_keys_in = 1;
	c->keys_in[0] = key_of(suite, i, (uint8_t)(1 + 2 * end));
	c->key_out = key_of(suite, i, (uint8_t)(2 + 2 * end));
	if (end)
		return;
	struct rf_srtp_master m = { suite, rf_view_of(c->keys_in[0].key, rf_srtp_key_bytes(suite)), RF_V(""), 0 };
	if (rf_srtp_out_new(&m, &s->out))
		die("no keys");
}

static void make(struct stream *s, unsigned i, const struct rf_addr *a, const struct rf_addr *bb)
{
	static const struct { const char *name; enum rf_srtp_suite in, out; bool passed; } modes[] = {
		{ "plain", RF_SRTP_NONE, RF_SRTP_NONE, false },
		{ "pass", RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_AES_CM_128_HMAC_SHA1_80, true },
		{ "gcm", RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_NONE, false },
		{ "cm", RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_NONE, false },
		{ "cross", RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_AEAD_AES_128_GCM, false },
	};
	static const struct rf_path_ops none;
	struct rf_path_end_conf c = { .source = RF_SOURCE_SIGNALED, .rtcp_mux = true, .dir = RF_SDP_SENDRECV, .n_types = 1,
				      .types = { { 0, 0, 8000 } }, .packets_s = 1000000, .bytes_s = 1000000000 }, d = c;
	const char *what = "";
	unsigned m = 0;

	while (m < sizeof modes / sizeof *modes && strcmp(modes[m].name, b.mode))
		m++;
	if (m == sizeof modes / sizeof *modes)
		die("no such mode");
	c.remote = *a;
	d.remote = *bb;
	set_keys(&c, s, i, 0, modes[m].in, modes[m].passed);
	set_keys(&d, s, i, 1, modes[m].out, modes[m].passed);
	if (rf_path_new(b.w, RF_PATH_RTP, (unsigned[]){ 0, 0 }, &none, NULL, &s->p, &what) || rf_path_set(s->p, 0, &c) ||
	    rf_path_set(s->p, 1, &d))
		die(what);
	rf_path_open(s->p);
	struct rf_addr rtp, rtcp;
	rf_path_local(s->p, 0, &rtp, &rtcp);
	struct sockaddr_storage sa;
	rf_addr_to_sockaddr(&rtp, &sa);
	memcpy(&s->to, &sa, sizeof s->to);
}

static void *relay(void *arg)
{
	(void)arg;
	pin(0);
	pthread_getcpuclockid(pthread_self(), &b.relay_clock);
	b.go = true;
	rf_loop_run(b.loop);
	return NULL;
}

static size_t drain(void)
{
	static uint8_t buf[64][2048];
	static struct mmsghdr m[64];
	static struct iovec iov[64];
	size_t all = 0;
	int n;

	for (unsigned i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ buf[i], sizeof buf[i] };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while ((n = recvmmsg(b.rx, m, 64, MSG_DONTWAIT, NULL)) > 0)
		all += (size_t)n;
	return all;
}

static void send_batch(unsigned *at, unsigned count)
{
	static uint8_t buf[BATCH][PACKET + RF_SRTP_GROW_RTP];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];

	for (unsigned i = 0; i < count; i++) {
		struct stream *s = &b.streams[*at];
		struct rf_rtp_head head = { .timestamp = 160u * s->seq, .ssrc = 1 + *at, .seq = s->seq };
		size_t n = PACKET;

		s->seq++;
		*at = (*at + 1) % b.n;
		rf_rtp_head_put(&head, buf[i]);
		if (s->out && rf_srtp_out_rtp(s->out, buf[i], n, sizeof buf[i], &n))
			die("cannot protect");
		iov[i] = (struct iovec){ buf[i], n };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &s->to, .msg_namelen = sizeof s->to, .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	sendmmsg(b.tx, m, count, 0);
}

static void run(void)
{
	size_t sent = 0, got = 0;
	unsigned at = 0;
	double start = now_s(CLOCK_MONOTONIC), cpu = now_s(b.relay_clock), t = start;

	while ((t = now_s(CLOCK_MONOTONIC)) - start < b.seconds) {
		size_t due = b.load ? (size_t)((t - start) * 50 * b.n) : got + IN_FLIGHT;

		while (sent + (b.load ? 1 : BATCH) <= due) {
			unsigned k = due - sent < BATCH ? (unsigned)(due - sent) : BATCH;

			send_batch(&at, k);
			sent += k;
		}
		got += drain();
		if (b.load)
			usleep(200);
	}
	double took = t - start, used = now_s(b.relay_clock) - cpu;
	usleep(200000);
	got += drain();
	printf("%-6s %6u streams: %8.0f packets/s, %5.2f us a packet, %4.0f %% of a core, lost %zu of %zu\n", b.mode, b.n,
	       (double)got / took, used * 1e6 / (double)got, 100 * used / took, sent - got, sent);
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "n:s:m:l")) != -1;)
		if (c == 'n')
			b.n = (unsigned)atoi(optarg);
		else if (c == 's')
			b.seconds = (unsigned)atoi(optarg);
		else if (c == 'm')
			b.mode = optarg;
		else if (c == 'l')
			b.load = true;
		else
			return 2;
	struct rlimit all = { 1 << 17, 1 << 17 };
	setrlimit(RLIMIT_NOFILE, &all);
	struct rf_addr a, d;
	b.tx = udp(&a);
	b.rx = udp(&d);
	struct rf_random random;
	rf_random_system(&random);
	struct rf_media_interface here = { .name = "lo", .local = { .ip = { 127, 0, 0, 9 }, .family = 4 },
					   .port_first = 1024, .port_last = 65535 };
	if (rf_loop_new(NULL, &b.loop))
		die("no loop");
	struct rf_media_conf conf = { .loop = b.loop, .random = &random, .interfaces = &here, .n_interfaces = 1, .paths_max = 40000 };
	if (rf_media_worker_new(&conf, &b.w))
		die("no worker");
	b.streams = calloc(b.n, sizeof *b.streams);
	size_t rss = rss_kib();
	double cpu = now_s(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned i = 0; i < b.n; i++)
		make(&b.streams[i], i, &a, &d);
	printf("%-6s %6u paths: %5.1f us each to make and open, %5.2f KiB each (before media)\n", b.mode, b.n,
	       (now_s(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e6 / b.n, (double)(rss_kib() - rss) / b.n);
	pthread_t thread;
	pthread_create(&thread, NULL, relay, NULL);
	while (!b.go)
		usleep(1000);
	pin(1);
	run();
	printf("%-6s %6u paths: %5.2f KiB each with media\n", b.mode, b.n, (double)(rss_kib() - rss) / b.n);
	rf_loop_stop(b.loop);
	pthread_join(thread, NULL);
	cpu = now_s(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned i = 0; i < b.n; i++)
		rf_path_free(b.streams[i].p);
	printf("%-6s %6u paths: %5.1f us each to end\n", b.mode, b.n, (now_s(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e6 / b.n);
	return 0;
}

/* The announcer as a real process (this program executes itself), and a phone that listens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/announcer.h"

#include "rtp/rtp.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
	struct rf_announcer *a;
	int phone;
	uint16_t port;
	uint32_t next_id;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct rf_addr local[2] = { { .family = 4, .ip = { 127, 0, 0, 1 } }, { .family = 6, .ip = { [15] = 1 } } };
	struct rf_announcer_options opt = { .exe = "/proc/self/exe", .channels = 2, .local = local, .locals = 2 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof in;
	struct rf_diag diag = { 0 };
	int on = 1;

	if (rf_announcer_new(&opt, &w->a, &diag))
		fail_msg("%s", diag.text);
	w->phone = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(w->phone, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(getsockname(w->phone, (struct sockaddr *)&in, &n), 0);
	setsockopt(w->phone, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
	w->port = ntohs(in.sin_port);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rf_announcer_free(w->a);
	close(w->phone);
	free(w);
	return 0;
}

static struct rf_announce_order order(struct world *w)
{
	return (struct rf_announce_order){
		.what = RF_ANNOUNCE_PLAY, .id = ++w->next_id, .tone = RF_TONE_PREEMPTION, .code = RF_TONE_PCMU,
		.type = 0, .dscp = 44, .family = 4, .ip = { 127, 0, 0, 1 }, .port = w->port, .ms = 60, .seq = 65534,
		.timestamp = 1000,
		.ssrc = 0xdeadbeef,
	};
}

static void tell(struct world *w, unsigned channel, const struct rf_announce_order *o)
{
	uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES];

	rf_announce_put_order(o, bytes);
	assert_int_equal(send(rf_announcer_fd(w->a, channel), bytes, sizeof bytes, 0), sizeof bytes);
}

static struct rf_announce_report hear(struct world *w, unsigned channel, int ms)
{
	struct pollfd p = { .fd = rf_announcer_fd(w->a, channel), .events = POLLIN };
	struct rf_announce_report r = { .why = 99 };
	uint8_t bytes[64];

	if (poll(&p, 1, ms) == 1) {
		ssize_t n = recv(p.fd, bytes, sizeof bytes, 0);

		assert_int_equal(rf_announce_parse_report(rf_view_of(bytes, n > 0 ? (size_t)n : 0), &r), 0);
	}
	return r;
}

/* The next packet and its mark; 0: none within the time. */
static size_t packet(struct world *w, uint8_t buf[static RF_RTP_BYTES_MAX], int ms, unsigned *ret_dscp)
{
	struct pollfd p = { .fd = w->phone, .events = POLLIN };
	uint8_t control[64];
	struct iovec part = { buf, RF_RTP_BYTES_MAX };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};

	if (poll(&p, 1, ms) != 1)
		return 0;
	ssize_t n = recvmsg(w->phone, &m, 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	*ret_dscp = c && c->cmsg_type == IP_TOS ? *CMSG_DATA(c) >> 2 : 99;
	return n > 0 ? (size_t)n : 0;
}

/* What every suite sends is what we make of the same tone with the same key. */
static void plays(void **state)
{
	struct world *w = *state;

	for (unsigned suite = RF_SRTP_NONE; suite < RF_SRTP_SUITES; suite++) {
		struct rf_announce_order o = order(w);
		struct rf_srtp_master master = { .suite = (enum rf_srtp_suite)suite };
		struct rf_srtp_out *srtp = NULL;
		struct rf_tone_wave wave;
		unsigned dscp;

		o.suite = (uint8_t)suite;
		o.code = suite & 1 ? RF_TONE_PCMA : RF_TONE_PCMU;
		o.type = suite & 1 ? RF_RTP_PCMA : RF_RTP_PCMU;
		for (size_t i = 0; i < sizeof o.key; i++)
			o.key[i] = (uint8_t)(i + suite);
		master.key = rf_view_of(o.key, rf_srtp_key_bytes(master.suite));
		if (suite)
			assert_int_equal(rf_srtp_out_new(&master, &srtp), 0);
		rf_tone_make(RF_TONE_PREEMPTION, (enum rf_tone_code)o.code, &wave);
		tell(w, suite & 1, &o);
		for (unsigned i = 0; i < 3; i++) {
			struct rf_rtp_head head = { .marker = i == 0, .type = o.type, .seq = (uint16_t)(o.seq + i),
						    .timestamp = 1000 + 160 * i, .ssrc = 0xdeadbeef };
			uint8_t got[RF_RTP_BYTES_MAX], want[RF_RTP_BYTES_MAX];
			size_t n = RF_RTP_HEAD_BYTES + RF_TONE_FRAME;

			rf_rtp_head_put(&head, want);
			rf_tone_frame(&wave, 160 * i, want + RF_RTP_HEAD_BYTES);
			if (srtp)
				assert_int_equal(rf_srtp_out_rtp(srtp, want, n, sizeof want, &n), 0);
			assert_int_equal(packet(w, got, 2000, &dscp), n);
			assert_memory_equal(got, want, n);
			assert_int_equal(dscp, 44);
		}
		struct rf_announce_report r = hear(w, suite & 1, 2000);

		assert_true(r.id == o.id && r.why == RF_ANNOUNCE_DONE && r.packets == 3);
		rf_srtp_out_free(srtp);
	}
}

static void stops(void **state)
{
	struct world *w = *state;
	struct rf_announce_order o = order(w);
	uint8_t got[RF_RTP_BYTES_MAX];
	unsigned dscp;

	o.ms = RF_ANNOUNCE_MS_MAX;
	tell(w, 0, &o);
	assert_int_not_equal(packet(w, got, 2000, &dscp), 0);
	o.what = RF_ANNOUNCE_STOP;
	tell(w, 1, &o); /* another worker's number is another stream */
	tell(w, 0, &o);
	struct rf_announce_report r = hear(w, 0, 2000);

	assert_true(r.id == o.id && r.why == RF_ANNOUNCE_STOPPED && r.packets > 0);
	while (packet(w, got, 50, &dscp))
		;
}

static void refuses(void **state)
{
	struct world *w = *state;
	struct rf_announce_order o = order(w);

	o.socket = 2; /* there is none */
	tell(w, 0, &o);
	assert_int_equal(hear(w, 0, 2000).why, RF_ANNOUNCE_BAD);
	o = order(w);
	o.family = 6; /* not by a socket of IPv4 */
	tell(w, 0, &o);
	assert_int_equal(hear(w, 0, 2000).why, RF_ANNOUNCE_BAD);
	assert_int_equal(send(rf_announcer_fd(w->a, 0), "?", 1, 0), 1);
	assert_int_equal(hear(w, 0, 2000).why, RF_ANNOUNCE_BAD);
}

static void only_so_many(void **state)
{
	struct world *w = *state;
	unsigned done = 0, full = 0;

	for (unsigned i = 0; i < RF_ANNOUNCER_STREAMS + 10; i++) {
		struct rf_announce_order o = order(w);

		o.ms = 600; /* none ends before all were told, on a busy machine too */
		tell(w, 0, &o);
	}
	for (unsigned i = 0; i < RF_ANNOUNCER_STREAMS + 10; i++) {
		struct rf_announce_report r = hear(w, 0, 2000);

		done += r.why == RF_ANNOUNCE_DONE;
		full += r.why == RF_ANNOUNCE_FULL;
	}
	assert_int_equal(done, RF_ANNOUNCER_STREAMS);
	assert_int_equal(full, 10);
}

/* A channel's child: the one of our children's children that speaks. */
static pid_t child_of(pid_t parent)
{
	DIR *d = opendir("/proc");
	pid_t found = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		char path[64], line[256];
		int ppid;

		snprintf(path, sizeof path, "/proc/%.20s/stat", e->d_name);
		FILE *f = e->d_name[0] >= '0' && e->d_name[0] <= '9' ? fopen(path, "r") : NULL;

		if (f && fgets(line, sizeof line, f) && strrchr(line, ')') &&
		    sscanf(strrchr(line, ')'), ") %*c %d", &ppid) == 1 && ppid == parent)
			found = (pid_t)atoi(e->d_name);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

static void comes_again(void **state)
{
	struct world *w = *state;
	struct rf_announce_order o = order(w);
	pid_t waits = child_of(getpid()), speaks = child_of(waits);
	uint8_t got[RF_RTP_BYTES_MAX];
	unsigned dscp;

	assert_true(waits > 0 && speaks > 0);
	assert_int_equal(kill(speaks, SIGKILL), 0);
	tell(w, 0, &o); /* waits in the channel for the next one */
	assert_int_not_equal(packet(w, got, 5000, &dscp), 0);
	assert_int_equal(hear(w, 0, 2000).why, RF_ANNOUNCE_DONE);
	assert_int_not_equal(child_of(waits), speaks);
}

/* Nobody reads at the announcer's port, so nothing may be kept there. */
static void hears_nothing(void **state)
{
	struct world *w = *state;
	size_t n;
	const struct rf_addr *local = rf_announcer_locals(w->a, &n);
	struct sockaddr_storage sa;
	size_t len = rf_addr_to_sockaddr(&local[0], &sa);
	char path[32], line[256];
	unsigned queued = 1;

	assert_int_equal(n, 2);
	for (int i = 0; i < 100; i++)
		assert_int_equal(sendto(w->phone, "x", 1, 0, (struct sockaddr *)&sa, (socklen_t)len), 1);
	snprintf(path, sizeof path, ":%04X 00000000:0000", local[0].port);
	FILE *f = fopen("/proc/net/udp", "r");

	while (f && fgets(line, sizeof line, f))
		if (strstr(line, path))
			assert_int_equal(sscanf(strstr(line, path) + strlen(path), " %*x %*x:%x", &queued), 1);
	if (f)
		fclose(f);
	assert_int_equal(queued, 0);
}

static void not_by_hand(void **state)
{
	struct rf_addr taken = { .family = 4, .ip = { 127, 0, 0, 1 } };
	struct rf_announcer_options opt = { .exe = "/proc/self/exe", .channels = 1, .local = &taken, .locals = 1 };
	struct world *w = *state;
	struct rf_announcer *a = NULL;
	struct rf_diag diag = { 0 };

	taken.port = w->port;
	assert_int_equal(rf_announcer_new(&opt, &a, &diag), -EADDRINUSE);
	opt.locals = 0;
	assert_int_equal(rf_announcer_new(&opt, &a, &diag), RF_E_LIMIT);
	opt.locals = 1;
	taken.port = 0;
	opt.exe = "/nonexistent";
	assert_int_equal(rf_announcer_new(&opt, &a, &diag), RF_E_CLOSED);
	assert_null(a);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plays), cmocka_unit_test(stops), cmocka_unit_test(refuses),
		cmocka_unit_test(only_so_many), cmocka_unit_test(comes_again), cmocka_unit_test(hears_nothing),
		cmocka_unit_test(not_by_hand),
	};

	if (argc > 1 && strcmp(argv[1], RF_ANNOUNCER_ROLE) == 0)
		return rf_announcer_main(argc, argv);
	return cmocka_run_group_tests(tests, setup, teardown);
}

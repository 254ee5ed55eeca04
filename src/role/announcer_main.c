/* The announcer's own side. One process waits for the other; that one has a thread, orders come in by the channels, and
 * every 20 ms each stream sends a packet. */
#include "role/announcer.h"

#include "base/clock.h"
#include "base/secret.h"
#include "rtp/rtp.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_FD = 3,
	ARGS = 6,
	FRAME_MS = 20,
	LATE_MS = 200,          /* later than this, and a stream goes on from now instead of sending all it owes */
	ORDERS_PER_TURN = 64,   /* of one channel */
};

struct stream {
	unsigned channel;
	uint32_t id;
	const struct rf_tone_wave *wave; /* NULL: free */
	struct rf_srtp_out *srtp;        /* NULL: plain */
	struct rf_rtp_head head;         /* of the next packet */
	struct sockaddr_storage to;
	socklen_t to_n;
	int fd;
	uint8_t dscp;
	bool six;                        /* the address is one of IPv6 */
	uint32_t at;                     /* sample of the tone */
	uint16_t sent, left;             /* packets */
	struct rf_mono due;
};

struct announcer {
	struct rf_clock clock;
	unsigned channels, sockets, streams;
	int family[RF_ANNOUNCE_SOCKETS];
	struct rf_tone_wave wave[RF_TONES][RF_TONE_CODES];
	struct stream stream[RF_ANNOUNCER_STREAMS];
};

static struct rf_mono now(const struct announcer *a)
{
	return a->clock.mono(a->clock.ctx);
}

static void report(unsigned channel, uint32_t id, enum rf_announce_why why, uint16_t packets)
{
	struct rf_announce_report r = { .id = id, .why = (uint8_t)why, .packets = packets };
	uint8_t bytes[RF_ANNOUNCE_REPORT_BYTES];

	rf_announce_put_report(&r, bytes);
	/* A worker that does not read loses the news, nothing else. */
	(void)send(FIRST_FD + (int)channel, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void end_stream(struct announcer *a, struct stream *s, enum rf_announce_why why)
{
	report(s->channel, s->id, why, s->sent);
	rf_srtp_out_free(s->srtp);
	*s = (struct stream){ .wave = NULL };
	a->streams--;
}

/* --- orders */

static struct stream *find(struct announcer *a, unsigned channel, uint32_t id)
{
	for (size_t i = 0; i < RF_ANNOUNCER_STREAMS; i++)
		if (a->stream[i].wave && a->stream[i].channel == channel && a->stream[i].id == id)
			return &a->stream[i];
	return NULL;
}

static struct stream *find_free(struct announcer *a)
{
	for (size_t i = 0; i < RF_ANNOUNCER_STREAMS; i++)
		if (!a->stream[i].wave)
			return &a->stream[i];
	return NULL;
}

/* A socket of IPv6 takes an IPv4 address in its mapped form (RFC 4291 2.5.5.2). */
static bool set_target(const struct announcer *a, const struct rf_announce_order *o, struct stream *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(o->port), .sin6_scope_id = o->scope };
	int socket_family = o->socket < a->sockets ? a->family[o->socket] : 0;

	s->six = o->family == 6;
	if (socket_family == AF_INET && o->family == 4) {
		memcpy(&in.sin_addr, o->ip, 4);
		memcpy(&s->to, &in, s->to_n = sizeof in);
	} else if (socket_family == AF_INET6) {
		uint8_t *ip = in6.sin6_addr.s6_addr;

		if (s->six) {
			memcpy(ip, o->ip, 16);
		} else {
			ip[10] = ip[11] = 0xff;
			memcpy(ip + 12, o->ip, 4);
		}
		memcpy(&s->to, &in6, s->to_n = sizeof in6);
	} else {
		return false;
	}
	s->fd = FIRST_FD + (int)a->channels + o->socket;
	return true;
}

static void play(struct announcer *a, unsigned channel, const struct rf_announce_order *o)
{
	struct stream *s = find_free(a);
	struct rf_srtp_master master = { .suite = (enum rf_srtp_suite)o->suite };

	if (!s || find(a, channel, o->id)) {
		report(channel, o->id, s ? RF_ANNOUNCE_BAD : RF_ANNOUNCE_FULL, 0);
		return;
	}
	*s = (struct stream){
		.channel = channel, .id = o->id, .dscp = o->dscp, .due = now(a), .left = o->ms / FRAME_MS,
		.head = { .type = o->type, .marker = true, .seq = o->seq, .timestamp = o->timestamp, .ssrc = o->ssrc },
	};
	master.key = rf_view_of(o->key, rf_srtp_key_bytes(master.suite));
	if (!set_target(a, o, s) || (master.suite && rf_srtp_out_new(&master, &s->srtp))) {
		report(channel, o->id, RF_ANNOUNCE_BAD, 0);
		return;
	}
	s->wave = &a->wave[o->tone][o->code];
	a->streams++;
}

/* False: the controller has closed its end. */
static bool take_orders(struct announcer *a, unsigned channel)
{
	for (int i = 0; i < ORDERS_PER_TURN; i++) {
		uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES + 1];
		struct rf_announce_order o;
		struct stream *s;
		ssize_t n = recv(FIRST_FD + (int)channel, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (rf_announce_parse_order(rf_view_of(bytes, (size_t)n), &o))
			report(channel, o.id, RF_ANNOUNCE_BAD, 0);
		else if (o.what == RF_ANNOUNCE_PLAY)
			play(a, channel, &o);
		else if ((s = find(a, channel, o.id)))
			end_stream(a, s, RF_ANNOUNCE_STOPPED);
		rf_secret_wipe(bytes, sizeof bytes);
		rf_secret_wipe(&o, sizeof o);
	}
	return true;
}

/* --- packets */

static void send_marked(const struct stream *s, uint8_t *bytes, size_t n)
{
	union {
		struct cmsghdr head;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = n };
	struct sockaddr_storage to = s->to;
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = s->to_n, .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control,
	};
	int mark = s->dscp << 2;

	memset(&control, 0, sizeof control);
	control.head = (struct cmsghdr){
		.cmsg_level = s->six ? IPPROTO_IPV6 : IPPROTO_IP, .cmsg_type = s->six ? IPV6_TCLASS : IP_TOS,
		.cmsg_len = CMSG_LEN(sizeof mark),
	};
	memcpy(CMSG_DATA(&control.head), &mark, sizeof mark);
	/* One that the network does not take is lost, as any other would be on its way. */
	(void)sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool send_frame(struct stream *s)
{
	uint8_t packet[RF_RTP_HEAD_BYTES + RF_TONE_FRAME + RF_SRTP_TAG_MAX];
	size_t n = RF_RTP_HEAD_BYTES + RF_TONE_FRAME;

	rf_rtp_head_put(&s->head, packet);
	rf_tone_frame(s->wave, s->at, packet + RF_RTP_HEAD_BYTES);
	if (s->srtp && rf_srtp_out_rtp(s->srtp, packet, n, sizeof packet, &n))
		return false;
	send_marked(s, packet, n);
	s->head.marker = false;
	s->head.seq++;
	s->head.timestamp += RF_TONE_FRAME;
	s->at += RF_TONE_FRAME;
	s->sent++;
	return true;
}

static void send_due(struct announcer *a)
{
	struct rf_mono at = now(a);

	for (size_t i = 0; a->streams && i < RF_ANNOUNCER_STREAMS; i++) {
		struct stream *s = &a->stream[i];

		while (s->wave && s->due.us <= at.us) {
			if (s->left == 0) {
				end_stream(a, s, RF_ANNOUNCE_DONE);
				break;
			}
			s->left--;
			if (!send_frame(s)) {
				end_stream(a, s, RF_ANNOUNCE_BAD);
				break;
			}
			if (rf_mono_add_ms(s->due, LATE_MS).us < at.us)
				s->due = at;
			s->due = rf_mono_add_ms(s->due, FRAME_MS);
		}
	}
}

/* Until a stream wants to be served again. */
static int wait_ms(const struct announcer *a)
{
	struct rf_mono first = { UINT64_MAX }, at = now(a);

	if (!a->streams)
		return -1;
	for (size_t i = 0; i < RF_ANNOUNCER_STREAMS; i++)
		if (a->stream[i].wave && a->stream[i].due.us < first.us)
			first = a->stream[i].due;
	return first.us <= at.us ? 0 : (int)((first.us - at.us + 999) / 1000);
}

static void serve(struct announcer *a)
{
	for (;;) {
		struct pollfd p[RF_ANNOUNCER_CHANNELS_MAX];

		for (unsigned i = 0; i < a->channels; i++)
			p[i] = (struct pollfd){ .fd = FIRST_FD + (int)i, .events = POLLIN };
		if (poll(p, a->channels, wait_ms(a)) < 0 && errno != EINTR)
			return;
		for (unsigned i = 0; i < a->channels; i++)
			if (p[i].revents && !take_orders(a, i))
				return;
		send_due(a);
	}
}

/* --- start */

/* Everything that OpenSSL reads and looks up happens here, while it may. */
static int warm_up(struct announcer *a, struct rf_diag *diag)
{
	static const uint8_t key[RF_SRTP_KEY_MAX] = { 1 };
	int rc = 0;

	for (unsigned suite = RF_SRTP_NONE + 1; !rc && suite < RF_SRTP_SUITES; suite++) {
		struct rf_srtp_master master = { .suite = (enum rf_srtp_suite)suite };
		struct rf_srtp_out *out = NULL;

		master.key = rf_view_of(key, rf_srtp_key_bytes(master.suite));
		rc = rf_srtp_out_new(&master, &out);
		rf_srtp_out_free(out);
	}
	for (unsigned t = 0; t < RF_TONES; t++)
		for (unsigned c = 0; c < RF_TONE_CODES; c++)
			rf_tone_make((enum rf_tone)t, (enum rf_tone_code)c, &a->wave[t][c]);
	for (unsigned i = 0; i < a->sockets; i++) {
		socklen_t n = sizeof a->family[i];

		if (getsockopt(FIRST_FD + (int)(a->channels + i), SOL_SOCKET, SO_DOMAIN, &a->family[i], &n) < 0)
			return rf_diag_set(diag, -errno, "a socket: %s", strerror(errno));
	}
	return rc ? rf_diag_set(diag, rc, "OpenSSL cannot be used: %s", rf_err_text(rc)) : 0;
}

static int confine(char **argv, struct rf_diag *diag)
{
	struct rf_sandbox_landlock ll = { .fd = -1 };
	struct rf_sandbox_user user = { 0 };
	int rc = rf_sandbox_landlock_open(NULL, 0, &ll, diag);

	if (argv[2][0] != '-')
		user = (struct rf_sandbox_user){ (uid_t)strtoul(argv[2], NULL, 10), (gid_t)strtoul(argv[3], NULL, 10) };
	if (rc && rc != RF_E_UNSUPPORTED)
		return rc;
	rc = rf_sandbox_drop_user(argv[2][0] != '-' ? &user : NULL, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	return !rc && ll.abi ? rf_sandbox_landlock_apply(&ll, diag) : rc;
}

static void work(struct announcer *a, bool first)
{
	struct rf_diag diag = { 0 };
	bool on;
	int rc = rf_sandbox_syscalls(RF_SANDBOX_ANNOUNCER, &on, &diag);

	if ((first || rc) && send(FIRST_FD, diag.text, rc ? strlen(diag.text) : 1, MSG_NOSIGNAL) < 0)
		_exit(0);
	if (!rc)
		serve(a);
	_exit(0);
}

/* It reads nothing from anybody. The worker ends with status 0 when the controller is gone. */
static int watch_over(struct announcer *a)
{
	for (bool first = true;; first = false) {
		static const struct timespec pause = { .tv_nsec = RF_ANNOUNCER_AGAIN_MS * 1000000L };
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			work(a, first);
		while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
}

int rf_announcer_main(int argc, char **argv)
{
	struct announcer *a = calloc(1, sizeof *a);
	struct rf_diag diag = { 0 };
	struct stat st;

	if (a) {
		a->clock = rf_clock_system();
		a->channels = argc == ARGS ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
		a->sockets = argc == ARGS ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
	}
	if (!a || a->channels < 1 || a->channels > RF_ANNOUNCER_CHANNELS_MAX || a->sockets < 1 ||
	    a->sockets > RF_ANNOUNCE_SOCKETS || fstat(FIRST_FD, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "ringfort: %s is started by the controller\n", RF_ANNOUNCER_ROLE);
		free(a);
		return 2;
	}
	signal(SIGINT, SIG_IGN); /* it ends when its channels do */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "ringfort-tone", 0, 0, 0);
	int rc = warm_up(a, &diag);

	if (!rc)
		rc = confine(argv, &diag);
	if (rc && send(FIRST_FD, diag.text, strlen(diag.text), MSG_NOSIGNAL) < 0)
		rc = 1;
	if (!rc)
		watch_over(a);
	free(a);
	return rc ? 1 : 0;
}

/* An end of DTLS-SRTP on a UDP socket, for the tests against programs that others wrote: it opens the socket, keeps the
 * time, and prints what the machines say. Media that is authentic goes back to where it came from. Ends with its input,
 * after close_notify.
 *
 *	dtls_peer active|active13|passive LOCAL-PORT REMOTE-PORT SUITE[,SUITE] [FINGERPRINT [UFRAG PWD THEIR-UFRAG]]
 *
 * All on 127.0.0.1. With ICE nothing but checks is taken before one nominates, and the remote port does not matter.
 * Lines: "print FINGERPRINT" (ours), then "nominated", "unproven", "version 12" or 13, "ready SUITE in HEX out HEX", "failed WHY", "media"
 * (the first ten packets were authentic), "closed". */
#include "rtp/demux.h"
#include "rtp/dtls.h"
#include "rtp/ice.h"
#include "rtp/rtp.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
	int fd;
	struct sockaddr_in to;
	struct rf_dtls *dtls;
	enum rf_dtls_state said;
	bool active, with_ice;
	struct rf_ice ice;
	struct rf_srtp_in *in;
	struct rf_srtp_out *out;
	unsigned authentic;
};

static void send_to(void *arg, struct rf_view v)
{
	struct peer *p = arg;

	if (p->to.sin_port)
		sendto(p->fd, v.p, v.n, 0, (const struct sockaddr *)&p->to, sizeof p->to);
}

static void put_hex(const char *word, const uint8_t *p, size_t n)
{
	printf(" %s ", word);
	for (size_t i = 0; i < n; i++)
		printf("%02X", p[i]);
}

static void say_ready(struct peer *p)
{
	struct rf_dtls_keys keys;

	if (rf_dtls_take_keys(p->dtls, &keys))
		return;
	struct rf_srtp_master in = { .suite = keys.suite, .key = rf_view_of(keys.in, keys.n) };
	struct rf_srtp_master out = { .suite = keys.suite, .key = rf_view_of(keys.out, keys.n) };
	if (rf_srtp_in_new(&in, 1, &p->in) || rf_srtp_out_new(&out, &p->out))
		exit(2);
	printf("version %u\n", rf_dtls_version(p->dtls));
	printf("ready %d", (int)keys.suite);
	put_hex("in", keys.in, keys.n);
	put_hex("out", keys.out, keys.n);
	printf("\n");
}

static void say(struct peer *p)
{
	enum rf_dtls_state state = rf_dtls_state(p->dtls);

	fflush(stdout);
	if (state == p->said)
		return;
	p->said = state;
	if (state == RF_DTLS_READY)
		say_ready(p);
	else if (state == RF_DTLS_FAILED)
		printf("failed %s\n", rf_dtls_why_name(rf_dtls_why(p->dtls)));
	else if (state == RF_DTLS_UNPROVEN || state == RF_DTLS_CLOSED)
		printf("%s\n", state == RF_DTLS_CLOSED ? "closed" : "unproven");
	fflush(stdout);
}

static void check(struct peer *p, struct rf_view datagram, const struct sockaddr_in *sa, const struct rf_stun_addr *from,
		  struct rf_mono now)
{
	uint8_t reply[RF_ICE_REPLY_MAX];
	struct rf_ice_result result;

	if (!p->with_ice || rf_ice_receive(&p->ice, datagram, from, now, reply, &result))
		return;
	sendto(p->fd, result.reply.p, result.reply.n, 0, (const struct sockaddr *)sa, sizeof *sa);
	if (!result.moved)
		return;
	p->to = *sa;
	printf("nominated\n");
	if (p->active)
		rf_dtls_connect(p->dtls, now);
}

/* Back to where it came from, as another source. */
static void echo(struct peer *p, uint8_t *packet, size_t n, size_t cap)
{
	if (!p->in || rf_srtp_in_rtp(p->in, packet, n, &n))
		return;
	if (++p->authentic == 10)
		printf("media\n");
	packet[8] ^= 0x55;
	if (rf_srtp_out_rtp(p->out, packet, n, cap, &n) == 0)
		send_to(p, rf_view_of(packet, n));
}

static void receive(struct peer *p, struct rf_mono now)
{
	struct rf_stun_addr from = { .family = 4 };
	struct sockaddr_in sa = { .sin_port = 0 };
	socklen_t size = sizeof sa;
	uint8_t buf[RF_RTP_BYTES_MAX + RF_SRTP_GROW_RTP];
	ssize_t got = recvfrom(p->fd, buf, RF_RTP_BYTES_MAX, 0, (struct sockaddr *)&sa, &size);

	if (got <= 0)
		return;
	struct rf_view v = rf_view_of(buf, (size_t)got);
	memcpy(from.ip, &sa.sin_addr, 4);
	from.port = ntohs(sa.sin_port);
	if (!p->with_ice)
		p->to = sa;
	switch (rf_demux_of(v)) {
	case RF_DEMUX_STUN:
		check(p, v, &sa, &from, now);
		break;
	case RF_DEMUX_DTLS:
		if (!p->with_ice || (p->ice.selected && rf_stun_addr_eq(&p->ice.remote, &from)))
			rf_dtls_receive(p->dtls, v, &from, p->with_ice, now);
		break;
	case RF_DEMUX_RTP:
		echo(p, buf, v.n, sizeof buf);
		break;
	default:
		break;
	}
}

static void serve(struct peer *p)
{
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN }, { .fd = p->fd, .events = POLLIN } };
	struct rf_clock clock = rf_clock_system();
	struct rf_mono at;
	char byte;

	for (;;) {
		struct rf_mono now = clock.mono(clock.ctx);
		int wait = -1;

		if (rf_dtls_due(p->dtls, &at))
			wait = at.us > now.us ? (int)((at.us - now.us + 999) / 1000) : 0;
		poll(fds, 2, wait);
		now = clock.mono(clock.ctx);
		if (fds[1].revents)
			receive(p, now);
		rf_dtls_tick(p->dtls, now);
		say(p);
		if (fds[0].revents && read(0, &byte, 1) <= 0)
			break;
	}
	rf_dtls_close(p->dtls);
	say(p);
}

static int open_socket(struct peer *p, const char *local, const char *remote)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(local)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	p->to = at;
	p->to.sin_port = htons((uint16_t)atoi(remote));
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return p->fd >= 0 ? bind(p->fd, (const struct sockaddr *)&at, sizeof at) : -1;
}

static size_t read_suites(char *text, enum rf_srtp_suite *suites)
{
	size_t n = 0;

	for (char *word = strtok(text, ","); word && n < RF_DTLS_SUITES_MAX; word = strtok(NULL, ","))
		suites[n++] = rf_srtp_suite_of(rf_view_str(word));
	return n;
}

static int begin_ice(struct peer *p, char **words, struct rf_random *r)
{
	struct rf_ice_cred cred = { .pwd = "" };

	if (!rf_view_cstr(rf_view_str(words[0]), cred.ufrag, sizeof cred.ufrag) ||
	    !rf_view_cstr(rf_view_str(words[1]), cred.pwd, sizeof cred.pwd))
		return RF_E_INVALID;
	p->with_ice = true;
	p->to.sin_port = 0;
	rf_ice_init(&p->ice, &cred, r);
	return rf_ice_set_remote(&p->ice, rf_view_str(words[2]));
}

int main(int argc, char **argv)
{
	struct rf_clock clock = rf_clock_system();
	enum rf_srtp_suite suites[RF_DTLS_SUITES_MAX];
	struct rf_dtls_print print;
	struct rf_dtls_ctx *ctx;
	struct peer p = { .fd = -1 };
	struct rf_random r;

	if (argc < 5 || open_socket(&p, argv[2], argv[3]) || rf_dtls_ctx_new(clock.wall(clock.ctx), 1, &ctx))
		return 2;
	rf_random_system(&r);
	struct rf_dtls_params params = { *argv[1] == 'a' ? RF_DTLS_ACTIVE : RF_DTLS_PASSIVE, suites,
					 read_suites(argv[4], suites), send_to, &p, strcmp(argv[1], "active13") == 0 };
	if (rf_dtls_new(ctx, &params, &r, &p.dtls))
		return 2;
	if (argc > 5 && (rf_dtls_print_parse(rf_view_str(argv[5]), &print) || rf_dtls_set_peer(p.dtls, &print, 1)))
		return 2;
	if (argc > 8 && begin_ice(&p, argv + 6, &r))
		return 2;
	printf("print %s\n", rf_dtls_ctx_print(ctx));
	fflush(stdout);
	p.active = *argv[1] == 'a';
	if (p.active && !p.with_ice)
		rf_dtls_connect(p.dtls, clock.mono(clock.ctx));
	serve(&p);
	rf_dtls_free(p.dtls);
	rf_dtls_ctx_free(ctx);
	rf_srtp_in_free(p.in);
	rf_srtp_out_free(p.out);
	rf_ice_fini(&p.ice);
	return 0;
}

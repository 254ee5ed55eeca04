#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: mediaload --prepare DEV | --echo DEV | --dev DEV --from ADDRESS --ng ADDRESS:PORT --mode MODE [options]\n"
	"  --prepare DEV     receive as a driver does (GRO), checksums whole, tags of VLANs where they were; then ends\n"
	"  --echo DEV        send back what comes, until stdin ends: the link without a relay\n"
	"  --dev DEV         a veth, its peer is the relay's     --from ADDRESS     ours\n"
	"  --mac OWN,PEER    of the two ends                     --calls N          at most (5000)\n"
	"  --packets N       room for so many of a run (1500000)  --mux             rtcp-mux on both sides\n"
	"  --senders N       1, here, or 2, on cores 0 and 1, each with half of the streams (1)\n"
	"  --priority N      of the senders, real-time; below this process's own, which has to end them (none)\n"
	"  --mode            plain, pass-cm, pass-gcm, cross (AES_CM_128 and AES-128-GCM), srtp-cm, srtp-gcm (RTP on one side),\n"
	"                    wire (no relay: --echo at the other end), kernel (streams that fast_pass was told of)\n"
	"Commands on stdin, one JSON line each on stdout: up N (calls that stay), cycle N AT_ONCE (calls that end at once),\n"
	"run STREAMS SECONDS GATHER (two streams a call, 50 packets a second each; what is due within so many microseconds goes at\n"
	"once), down. Example: bench/media/run.py\n";

#define CM RF_SRTP_AES_CM_128_HMAC_SHA1_80
#define GCM RF_SRTP_AEAD_AES_128_GCM
static const struct mode modes[] = {
	{ "wire", { RF_SRTP_NONE, RF_SRTP_NONE }, "", "", false },
	{ "kernel", { RF_SRTP_NONE, RF_SRTP_NONE }, "", "", false },
	{ "plain", { RF_SRTP_NONE, RF_SRTP_NONE }, "RTP/AVP", "RTP/AVP", false },
	{ "pass-cm", { CM, CM }, "RTP/SAVP", "RTP/SAVP", true },
	{ "pass-gcm", { GCM, GCM }, "RTP/SAVP", "RTP/SAVP", true },
	{ "cross", { CM, GCM }, "RTP/SAVP", "RTP/SAVP", false },
	{ "srtp-cm", { RF_SRTP_NONE, CM }, "RTP/SAVP", "RTP/AVP", false },
	{ "srtp-gcm", { RF_SRTP_NONE, GCM }, "RTP/SAVP", "RTP/AVP", false },
};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void fail(struct load *l, const char *fmt, ...)
{
	va_list ap;

	l->failed++;
	if (l->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	for (char *p = l->why; *p; p++)
		if (*p < ' ' || *p == '"' || *p == '\\')
			*p = ' ';
}

static int prepare(const char *dev)
{
	static const uint32_t what[][2] = { { ETHTOOL_SGRO, 1 }, { ETHTOOL_STXCSUM, 0 }, { ETHTOOL_SFLAGS, ETH_FLAG_TXVLAN } };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	for (unsigned i = 0; i < sizeof what / sizeof *what; i++) {
		struct ethtool_value v = { .cmd = what[i][0], .data = what[i][1] };
		struct ifreq r = { .ifr_data = (void *)&v };

		snprintf(r.ifr_name, sizeof r.ifr_name, "%s", dev);
		rc |= ioctl(s, SIOCETHTOOL, &r);
	}
	if (rc)
		perror(dev);
	close(s);
	return rc ? 1 : 0;
}

static void tell(struct load *l, const char *at, unsigned done, uint64_t began)
{
	printf("{\"at\":\"%s\",\"done\":%u,\"failed\":%u,\"seconds\":%.4f,\"why\":\"%s\"}\n", at, done, l->failed,
	       (double)(now_ns() - began) / 1e9, l->why);
	fflush(stdout);
	l->failed = 0;
	l->why[0] = '\0';
}

enum { WIRE, KERNEL }; /* the first of modes: nobody to talk to */

/* On the wire each stream comes back to where it was sent from; in the kernel the ports are agreed upon. */
static void silent_up(struct load *l, unsigned n)
{
	for (unsigned i = 2 * n; i < 2 * n + 2; i++) {
		uint16_t in = (uint16_t)(FIRST_PORT + 2 * i);
		uint16_t out = l->mode == &modes[WIRE] ? in : i & 1 ? in - 2 : in + 2;

		l->ways[i] = (struct way){ .relay_in = l->ng.sin_addr, .relay_out = l->ng.sin_addr, .port_in = in,
					   .port_out = out, .from = in, .to = out, .seq = 1 };
	}
}

static void up(struct load *l, unsigned n)
{
	uint64_t began = now_ns();
	bool silent = l->mode <= &modes[KERNEL];

	for (n += l->calls; l->calls < n && l->calls < l->calls_max; l->calls++) {
		if (silent)
			silent_up(l, l->calls);
		else if (!ng_up(l, l->calls))
			break;
		if (!packet_keys(&l->ways[2 * l->calls]) || !packet_keys(&l->ways[2 * l->calls + 1]))
			fail(l, "keys");
	}
	tell(l, "up", l->calls, began);
}

static void cycle(struct load *l, unsigned n, unsigned at_once)
{
	uint64_t began = now_ns();
	unsigned room = l->calls_max - l->calls;

	at_once = at_once < AT_ONCE_MAX ? at_once : AT_ONCE_MAX;
	tell(l, "cycle", ng_cycle(l, l->calls, n, at_once < room ? at_once : room), began);
}

static void down(struct load *l)
{
	uint64_t began = now_ns();
	unsigned done = 0;

	for (; l->calls; done++) {
		l->calls--;
		if (l->mode > &modes[KERNEL])
			ng_down(l, l->calls);
	}
	tell(l, "down", done, began);
}

static bool numbers(struct load *l, const char *ng, const char *from, const char *macs)
{
	char addr[32];
	unsigned port, m[12];

	if (sscanf(ng, "%31[0-9.]:%u", addr, &port) != 2 || !inet_aton(addr, &l->ng.sin_addr) ||
	    !inet_aton(from, &l->own.sin_addr) ||
	    sscanf(macs, "%x:%x:%x:%x:%x:%x,%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5, m + 6, m + 7, m + 8,
		   m + 9, m + 10, m + 11) != 12)
		return false;
	l->ng.sin_family = l->own.sin_family = AF_INET;
	l->ng.sin_port = htons((uint16_t)port);
	for (unsigned i = 0; i < 12; i++)
		l->mac[i / 6][i % 6] = (uint8_t)m[i];
	return true;
}

static void serve(struct load *l, struct fly *f)
{
	char line[128];
	unsigned n, at_once, gather;
	double seconds;

	tell(l, "ready", 0, now_ns());
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "up %u", &n) == 1)
			up(l, n);
		else if (sscanf(line, "cycle %u %u", &n, &at_once) == 2)
			cycle(l, n, at_once);
		else if (sscanf(line, "run %u %lf %u", &n, &seconds, &gather) == 3) {
			if (!fly_run(f, l, n, seconds, gather))
				return;
		} else if (!strncmp(line, "down", 4))
			down(l);
		else
			return;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "prepare", 1, NULL, 'p' }, { "echo", 1, NULL, 'e' }, { "dev", 1, NULL, 'd' }, { "from", 1, NULL, 'f' },
		{ "ng", 1, NULL, 'n' }, { "mode", 1, NULL, 'm' }, { "mac", 1, NULL, 'a' }, { "calls", 1, NULL, 'c' },
		{ "packets", 1, NULL, 'k' }, { "mux", 0, NULL, 'x' }, { "senders", 1, NULL, 's' }, { "priority", 1, NULL, 'r' },
		{ "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct load l = { .calls_max = 5000 };
	const char *dev = "", *from = "", *ng = "", *macs = "02:00:00:00:00:01,02:00:00:00:00:02", *mode = "";
	unsigned packets = 1500000, senders = 1;
	int priority = 0;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) >= 0;)
		switch (o) {
		case 'p': return prepare(optarg);
		case 'e': return fly_echo(optarg) ? 0 : 3;
		case 'd': dev = optarg; break;
		case 'f': from = optarg; break;
		case 'n': ng = optarg; break;
		case 'm': mode = optarg; break;
		case 'a': macs = optarg; break;
		case 'c': l.calls_max = (unsigned)atoi(optarg); break;
		case 'k': packets = (unsigned)atoi(optarg); break;
		case 's': senders = (unsigned)atoi(optarg); break;
		case 'r': priority = atoi(optarg); break;
		case 'x': l.mux = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(modes[i].name, mode))
			l.mode = &modes[i];
	if (!l.mode || !numbers(&l, ng, from, macs) || l.calls_max > (65536 - FIRST_PORT) / 4 || !senders || senders > SENDERS_MAX) {
		fputs(usage, stderr);
		return 2;
	}
	snprintf(l.run, sizeof l.run, "%x", (unsigned)getpid());
	l.ways = calloc(2 * (size_t)l.calls_max, sizeof *l.ways);
	struct fly *f = fly_open(dev, packets, 2 * l.calls_max, senders, priority);

	if (!l.ways || !f || !ng_open(&l)) {
		perror("mediaload");
		return 3;
	}
	serve(&l, f);
	fly_close(f);
	for (unsigned i = 0; i < 2 * l.calls_max; i++)
		rf_srtp_out_free(l.ways[i].srtp);
	free(l.ways);
	return 0;
}

#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>
#include <stdarg.h>
#include <time.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
	"usage: sipload --server ADDRESS:PORT --via udp|tcp|tls --mode register|calls|hold|idle|avalanche|flood [options]\n"
	"  --domain NAME     SIP domain (voice.example.org)      --pki DIR       NUMBER.crt, NUMBER.key (tls)\n"
	"  --first NUMBER    first phone's number (1001)         --phones N      how many (100)\n"
	"  --password PREFIX digest, password PREFIX+number      --sockets N     sockets that UDP phones share (16)\n"
	"  --count N         registrations or calls (1000)       --window N      at once (16)\n"
	"  --rate N          starts a second, 0 as fast as it goes   --hold-ms N     length of a call (0)\n"
	"  --seconds N       give up after (120)                 --step          wait for a line on stdin at each mark\n"
	"  --keep-login      use a nonce again; otherwise each registration and call is challenged anew\n"
	"  --to NUMBER       what is dialled by all              --header LINE   one more in each INVITE\n"
	"  --sources N       addresses of the strangers (1000)   --own-address   each phone has one: 127.16.0.1 on\n"
	"  --may-refuse      503 with Retry-After is no failure, but counted\n"
	"register: all phones once, then --count more. calls: first half calls second half. hold: --count calls up at\n"
	"once. avalanche (tls): all connect and register at once, then break off and come again with their sessions; after\n"
	"a mark once more, for a server that was started anew.\n"
	"flood: INVITEs of strangers, some broken, --rate a second for --seconds, from addresses of 127.1.0.0/16 on.\n"
	"idle: register, then stay. --contacts N: then all once more with N contacts each. Prints one JSON line at\n"
	"each mark: ready, bound, held, done. Example:\n"
	"  sipload --server 127.0.0.1:5060 --via udp --mode calls --phones 200 --count 10000 --window 32\n";

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
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
}

/* Sixteen buckets to a doubling: within six percent. */
static unsigned bucket_of(uint64_t us)
{
	if (us < 16)
		return (unsigned)us;
	unsigned top = 63 - (unsigned)__builtin_clzll(us);
	unsigned b = (top - 3) * 16 + (unsigned)(us >> (top - 4) & 15);

	return b < BUCKETS ? b : BUCKETS - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->bucket[bucket_of(us)]++;
	h->n++;
}

static uint64_t quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0;

	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += h->bucket[b];
		if (h->n && (double)seen >= q * (double)h->n)
			return b < 16 ? b : (uint64_t)(16 + b % 16) << (b / 16 - 1);
	}
	return 0;
}

/* Say where we are, and wait for the measurer when it asked for that. */
static void mark(struct load *l, const char *at, double seconds)
{
	printf("{\"at\":\"%s\",\"seconds\":%.3f,\"done\":%u,\"failed\":%u,\"repeats\":%u,\"held\":%u,\"refused\":%u,\"p50_us\":%llu,"
	       "\"p99_us\":%llu,\"max_us\":%llu,\"again\":%u,\"handshakes\":%u,\"resumed\":%u,\"why\":\"%s\"}\n", at, seconds, l->done, l->failed, l->repeats,
	       l->held, l->refused,
	       (unsigned long long)quantile(&l->answer, 0.5), (unsigned long long)quantile(&l->answer, 0.99),
	       (unsigned long long)quantile(&l->answer, 1), l->again, l->shaken,
	       l->resumed, l->why);
	fflush(stdout);
	if (l->opt.step) {
		char line[16];

		if (!fgets(line, sizeof line, stdin))
			exit(1);
	}
	l->answer = (struct histogram){ 0 };
	l->done = l->refused = 0;
}

static unsigned in_flight(const struct load *l)
{
	return l->started - l->done;
}

/* May another one start now? */
static bool may_start(const struct load *l, uint64_t began_us, unsigned total)
{
	if (l->started >= total || in_flight(l) >= l->opt.window)
		return false;
	return !l->opt.rate || (uint64_t)l->started * 1000000 < (l->now_us - began_us) * l->opt.rate;
}

static void register_next(struct load *l)
{
	unsigned i = l->started % l->opt.phones;

	for (unsigned k = 0; k < l->opt.phones && l->phones[i].reg_sent_us; k++)
		i = (i + 1) % l->opt.phones;
	l->started++;
	if (!l->opt.keep_login)
		l->phones[i].login = (struct rf_digest_login){ 0 };
	phone_register(&l->phones[i]);
}

static void call_next(struct load *l)
{
	unsigned half = l->opt.phones / 2, i = l->started % half;

	for (unsigned k = 0; k < l->opt.window; k++) {
		struct call *c = &l->calls[(l->next_call + k) % l->opt.window];

		if (c->state != CALL_FREE)
			continue;
		l->next_call = (l->next_call + k + 1) % l->opt.window;
		l->started++;
		char to[24];

		snprintf(to, sizeof to, "%u", l->opt.first + half + i);
		call_start(l, c, &l->phones[i], l->opt.to ? l->opt.to : to);
		return;
	}
}

/* Run until total have ended, or time is up. */
static double run(struct load *l, unsigned total, void (*next)(struct load *l))
{
	uint64_t began = l->now_us = now_us(), tick = began, end = began + (uint64_t)l->opt.seconds * 1000000;

	l->started = l->done = 0;
	while (l->done < total && l->now_us < end) {
		while (may_start(l, began, total))
			next(l);
		wires_poll(l, l->opt.rate ? 1 : 20);
		if (l->now_us - tick > (l->opt.hold_ms ? 5000u : 100000u)) {
			tick = l->now_us;
			phones_repeat(l);
			calls_tick(l);
		}
	}
	if (l->done < total)
		fail(l, "only %u of %u ended in %u s", l->done, total, l->opt.seconds);
	return (double)(l->now_us - began) / 1e6;
}

/* Place calls until all are up; they are hung up after the mark. */
static void hold(struct load *l)
{
	uint64_t began = l->now_us = now_us(), end = began + (uint64_t)l->opt.seconds * 1000000;

	l->opt.hold_ms = l->opt.seconds * 1000;
	l->started = l->done = 0;
	while (l->held + l->done < l->opt.count && l->now_us < end) {
		if (l->started < l->opt.count && l->started - l->held - l->done < 32)
			call_next(l);
		wires_poll(l, 1);
	}
	mark(l, "held", (double)(l->now_us - began) / 1e6);
	/* A few at a time: datagrams that overrun the server's socket would measure the socket. */
	l->now_us = now_us();
	end = l->now_us + (uint64_t)l->opt.seconds * 1000000;
	for (unsigned next = 0, up = l->held; l->held > 0 && l->now_us < end;) {
		for (; next < l->opt.window && up - l->held + 16 > next; next++)
			l->calls[next].act_us = l->now_us;
		calls_tick(l);
		wires_poll(l, 1);
	}
}

static int parse_server(const char *text, struct sockaddr_in *ret)
{
	char host[64];
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof host)
		return RF_E_INVALID;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 ? 0 : RF_E_INVALID;
}

static const struct option long_options[] = {
	{ "server", 1, NULL, 's' }, { "via", 1, NULL, 'v' }, { "mode", 1, NULL, 'm' }, { "domain", 1, NULL, 'd' },
	{ "pki", 1, NULL, 'p' }, { "first", 1, NULL, 'f' }, { "phones", 1, NULL, 'n' }, { "password", 1, NULL, 'w' },
	{ "sockets", 1, NULL, 'k' }, { "count", 1, NULL, 'c' }, { "window", 1, NULL, 'i' }, { "rate", 1, NULL, 'r' },
	{ "hold-ms", 1, NULL, 'h' }, { "seconds", 1, NULL, 't' }, { "step", 0, NULL, 'S' }, { "keep-login", 0, NULL, 'K' },
	{ "contacts", 1, NULL, 'C' }, { "to", 1, NULL, 'T' }, { "header", 1, NULL, 'H' }, { "sources", 1, NULL, 'o' },
	{ "own-address", 0, NULL, 'A' }, { "may-refuse", 0, NULL, 'R' },
	{ NULL, 0, NULL, 0 },
};

static unsigned *number_option(struct options *o, int c)
{
	switch (c) {
	case 'f': return &o->first;
	case 'n': return &o->phones;
	case 'k': return &o->sockets;
	case 'c': return &o->count;
	case 'i': return &o->window;
	case 'r': return &o->rate;
	case 'h': return &o->hold_ms;
	case 't': return &o->seconds;
	case 'C': return &o->contacts;
	case 'o': return &o->sources;
	default: return NULL;
	}
}

static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){ .domain = "voice.example.org", .pki = ".", .mode = "", .first = 1001, .phones = 100,
			       .sockets = 16, .count = 1000, .window = 16, .seconds = 120, .contacts = 1, .sources = 1000 };
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		unsigned *n = number_option(o, c);

		if (n)
			*n = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's' && parse_server(optarg, &o->server) == 0)
			continue;
		else if (c == 'v' && (o->via = rf_sip_transport_of(rf_view_str(optarg))) != RF_SIP_TRANSPORT_OTHER)
			continue;
		else if (c == 'm')
			o->mode = optarg;
		else if (c == 'd')
			o->domain = optarg;
		else if (c == 'p')
			o->pki = optarg;
		else if (c == 'w')
			o->password = optarg;
		else if (c == 'T')
			o->to = optarg;
		else if (c == 'H')
			o->header = optarg;
		else if (c == 'S')
			o->step = true;
		else if (c == 'K')
			o->keep_login = true;
		else if (c == 'A')
			o->own_address = true;
		else if (c == 'R')
			o->may_refuse = true;
		else
			return RF_E_INVALID;
	}
	if (strcmp(o->mode, "avalanche") == 0 && o->via != RF_SIP_TLS)
		return RF_E_INVALID;
	return o->server.sin_port && o->via && o->phones > 1 && o->window && o->sockets && o->sources ? 0 : RF_E_INVALID;
}

static bool is_flood(const struct load *l)
{
	return strcmp(l->opt.mode, "flood") == 0;
}

static bool is_avalanche(const struct load *l)
{
	return strcmp(l->opt.mode, "avalanche") == 0;
}

static int start(struct load *l)
{
	l->phones = calloc(l->opt.phones, sizeof *l->phones);
	l->calls = calloc(l->opt.window, sizeof *l->calls);
	l->msg = malloc(sizeof *l->msg);
	l->scratch = malloc(SCRATCH);
	rf_random_system(&l->random);
	if (!l->phones || !l->calls || !l->msg || !l->scratch || rf_digest_ctx_new(&l->digest))
		return -ENOMEM;
	if (l->opt.via == RF_SIP_TLS) {
		char ca[512];

		l->tls = SSL_CTX_new(TLS_client_method());
		snprintf(ca, sizeof ca, "%s/ca.pem", l->opt.pki);
		if (!l->tls || SSL_CTX_load_verify_locations(l->tls, ca, NULL) != 1) {
			fail(l, "cannot read %s", ca);
			return RF_E_CRYPTO;
		}
		SSL_CTX_set_verify(l->tls, is_flood(l) ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_mode(l->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
						 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		if (is_avalanche(l))
			avalanche_prepare(l);
	}
	if (is_flood(l))
		return 0;
	int rc = wires_open(l);
	for (unsigned i = 0; !rc && i < l->opt.phones; i++) {
		l->phones[i].number = l->opt.first + i;
		l->phones[i].wire = &l->wires[i % l->wire_count];
	}
	return rc;
}

static void waves(struct load *l)
{
	l->contacts = 1;
	mark(l, "ready", 0);
	mark(l, "in", avalanche(l));
	mark(l, "again", avalanche(l));
	mark(l, "done", avalanche(l));
}

static void work(struct load *l)
{
	l->contacts = 1;
	double s = run(l, l->opt.phones, register_next);

	mark(l, "ready", s);
	if (l->opt.contacts > 1) {
		l->contacts = l->opt.contacts;
		s = run(l, l->opt.phones, register_next);
		mark(l, "bound", s);
	}
	if (strcmp(l->opt.mode, "register") == 0)
		s = run(l, l->opt.count, register_next);
	else if (strcmp(l->opt.mode, "calls") == 0)
		s = run(l, l->opt.count, call_next);
	else if (strcmp(l->opt.mode, "hold") == 0)
		hold(l);
	mark(l, "done", s);
}

static void stop(struct load *l)
{
	wires_close(l);
	rf_digest_ctx_free(l->digest);
	SSL_CTX_free(l->tls);
	for (unsigned i = 0; i < l->opt.window && l->calls; i++)
		rf_dialog_free(l->calls[i].dialog);
	free(l->phones);
	free(l->calls);
	free(l->msg);
	free(l->scratch);
}

/* A phone has a descriptor, so many that the usual bound is too low. What the system does not allow is left as it is. */
static void raise_descriptors(unsigned want)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur >= want)
		return;
	lim.rlim_cur = want;
	lim.rlim_max = lim.rlim_max < want ? want : lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) == 0 || getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

int main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof *l);

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without saying that it wants none */
	if (!l || parse_options(argc, argv, &l->opt)) {
		fputs(usage, stderr);
		free(l);
		return 2;
	}
	raise_descriptors(l->opt.phones + l->opt.sockets + l->opt.sources + 100);
	if (start(l) == 0)
		is_flood(l) ? (void)flood(l) : is_avalanche(l) ? waves(l) : work(l);
	else
		fprintf(stderr, "sipload: %s\n", l->why[0] ? l->why : "cannot start");
	stop(l);
	unsigned failed = l->failed;
	free(l);
	return failed ? 1 : 0;
}

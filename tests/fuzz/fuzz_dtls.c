/* DTLS from strangers. The first byte says what is tried: bits 0-1: (0) the datagrams that follow, each behind two bytes of
 * length, at a server that nobody has spoken to, (1) at a client that waits for its server, (2) at a server whose handshake
 * is done, (3) a whole handshake in which the bytes change datagrams on their way: number, place, place, what is turned.
 * Bit 2: the source is proven. Bit 3: the client speaks 1.3.
 *
 * Whatever comes: who has not shown his address gets no more than he sent; nobody is READY but the two who know each
 * other's certificates, and then with the same keys. */
#include "rtp/dtls.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum { SERVER, CLIENT, QUEUE = 64 };

struct pair {
	struct rf_dtls *d[2];
	struct end {
		struct pair *pair;
		unsigned to;
	} ends[2];
	struct {
		unsigned to;
		size_t n;
		uint8_t bytes[RF_DTLS_MTU];
	} queue[QUEUE];
	size_t first, count;
	size_t sent; /* bytes since the last datagram came in */
};

static const struct rf_stun_addr from = { .family = 4, .port = 5000, .ip = { 192, 0, 2, 1 } };

static struct rf_dtls_ctx *context(void)
{
	static struct rf_dtls_ctx *ctx; /* a key costs more than all that is tried with it */

	if (!ctx)
		MUST(rf_dtls_ctx_new((struct rf_wall){ 1700000000000000 }, 30, &ctx) == 0);
	return ctx;
}

static void send_to(void *arg, struct rf_view v)
{
	struct end *e = arg;
	struct pair *p = e->pair;

	MUST(v.n <= RF_DTLS_MTU);
	p->sent += v.n;
	if (p->count == QUEUE)
		return;
	p->queue[p->count].to = e->to;
	p->queue[p->count].n = v.n;
	memcpy(p->queue[p->count++].bytes, v.p, v.n);
}

static void open_pair(struct pair *p, bool modern)
{
	static const enum rf_srtp_suite suites[] = { RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80 };
	struct rf_dtls_print print;
	struct rf_random r;

	rf_random_system(&r);
	p->first = p->count = 0;
	MUST(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(context())), &print) == 0);
	for (unsigned i = 0; i < 2; i++) {
		struct rf_dtls_params params = { i == CLIENT ? RF_DTLS_ACTIVE : RF_DTLS_PASSIVE, suites, 2, send_to, &p->ends[i],
						 modern };

		p->ends[i] = (struct end){ p, !i };
		MUST(rf_dtls_new(context(), &params, &r, &p->d[i]) == 0);
		MUST(rf_dtls_set_peer(p->d[i], &print, 1) == 0);
	}
}

static void close_pair(struct pair *p)
{
	rf_dtls_close(p->d[SERVER]);
	rf_dtls_free(p->d[SERVER]);
	rf_dtls_free(p->d[CLIENT]);
}

static void receive(struct pair *p, unsigned at, struct rf_view v, bool proven)
{
	bool new = rf_dtls_state(p->d[at]) == RF_DTLS_NEW;

	p->sent = 0;
	rf_dtls_receive(p->d[at], v, &from, proven, (struct rf_mono){ 1 });
	MUST(proven || at != SERVER || !new || p->sent <= v.n || rf_dtls_state(p->d[at]) != RF_DTLS_NEW);
}

/* change: four bytes each. */
static void handshake(struct pair *p, struct rf_view change, bool proven)
{
	rf_dtls_connect(p->d[CLIENT], (struct rf_mono){ 1 });
	for (; p->first < p->count; p->first++) {
		uint8_t *bytes = p->queue[p->first].bytes;
		size_t n = p->queue[p->first].n;

		for (size_t i = 0; i + 4 <= change.n; i += 4)
			if (change.p[i] == p->first)
				bytes[(change.p[i + 1] << 8 | change.p[i + 2]) % n] ^= change.p[i + 3];
		receive(p, p->queue[p->first].to, rf_view_of(bytes, n), proven);
	}
}

static void feed(struct pair *p, unsigned at, struct rf_view v, bool proven)
{
	for (unsigned count = 0; v.n >= 2 && count < 16; count++) {
		struct rf_view datagram = rf_view_sub(v, 2, (size_t)(v.p[0] << 8 | v.p[1]));
		uint8_t *copy = malloc(datagram.n + 1);

		MUST(copy);
		memcpy(copy, datagram.p, datagram.n);
		receive(p, at, rf_view_of(copy, datagram.n), proven);
		free(copy);
		v = rf_view_from(v, 2 + datagram.n);
	}
	rf_dtls_tick(p->d[at], (struct rf_mono){ 2000000 });
}

static void check_both(struct pair *p)
{
	struct rf_dtls_keys a, b;

	if (rf_dtls_take_keys(p->d[SERVER], &a) || rf_dtls_take_keys(p->d[CLIENT], &b))
		return;
	MUST(a.suite == b.suite && a.n == b.n && memcmp(a.in, b.out, a.n) == 0 && memcmp(a.out, b.in, a.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view v = rf_view_of(data, n), nothing = { NULL, 0 };
	bool proven = n && data[0] & 4;
	struct rf_dtls_print print;
	static struct pair p;

	if (!n || rf_dtls_print_parse(v, &print) == 0)
		return 0;
	open_pair(&p, data[0] & 8);
	switch (data[0] & 3) {
	case 0:
		feed(&p, SERVER, rf_view_from(v, 1), proven);
		MUST(rf_dtls_state(p.d[SERVER]) != RF_DTLS_READY);
		break;
	case 1:
		rf_dtls_connect(p.d[CLIENT], (struct rf_mono){ 1 });
		feed(&p, CLIENT, rf_view_from(v, 1), proven);
		MUST(rf_dtls_state(p.d[CLIENT]) != RF_DTLS_READY);
		break;
	case 2:
		handshake(&p, nothing, proven);
		MUST(rf_dtls_state(p.d[SERVER]) == RF_DTLS_READY && rf_dtls_state(p.d[CLIENT]) == RF_DTLS_READY);
		feed(&p, SERVER, rf_view_from(v, 1), proven);
		MUST(rf_dtls_state(p.d[SERVER]) == RF_DTLS_READY);
		break;
	default:
		handshake(&p, rf_view_from(v, 1), proven);
		check_both(&p);
	}
	close_pair(&p);
	return 0;
}

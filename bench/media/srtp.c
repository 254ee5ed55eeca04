/* What SRTP costs: nanoseconds a packet of 172 bytes (20 ms of G.711) for every suite, sealing and opening, with
 * one stream and with a thousand in turn, whose contexts do not all stay in the caches; what a stream takes of
 * memory and of time to make. In this process, without a network: ninja bench/srtp && bench/srtp */
#include "rtp/rtp.h"
#include "rtp/srtp_int.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STREAMS_MAX = 1000, PACKETS = 400000, BYTES = 172, CAP = BYTES + RF_SRTP_GROW_RTCP, ROUNDS = 3 };

struct stream {
	struct rf_srtp_in *in;
	struct rf_srtp_out *out;
	uint16_t seq;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "%s: %s\n", what, rf_err_text(rc));
		exit(3);
	}
}

static size_t put_packet(uint8_t *buf, uint16_t seq, uint32_t ssrc)
{
	struct rf_rtp_head head = { .seq = seq, .ssrc = ssrc };

	rf_rtp_head_put(&head, buf);
	return BYTES;
}

static void make(struct stream *s, enum rf_srtp_suite suite, unsigned at)
{
	uint8_t key[RF_SRTP_KEY_MAX] = { (uint8_t)at, (uint8_t)(at >> 8) };
	struct rf_srtp_master master = { .suite = suite, .key = rf_view_of(key, rf_srtp_key_bytes(suite)) };

	must(rf_srtp_in_new(&master, 1, &s->in), "in");
	must(rf_srtp_out_new(&master, &s->out), "out");
	s->seq = 2;
	/* What a packet needs is made with the first one. */
	uint8_t first[CAP];
	size_t n;

	put_packet(first, 1, at);
	must(rf_srtp_out_rtp(s->out, first, BYTES, CAP, &n), "first");
	must(rf_srtp_in_rtp(s->in, first, n, &n), "first");
}

static void end(struct stream *s)
{
	rf_srtp_in_free(s->in);
	rf_srtp_out_free(s->out);
}

/* Sealed packets are made beforehand, a window of them for each stream, and opened afterwards. */
static void run(struct stream *streams, unsigned count, double *ret_seal, double *ret_open)
{
	unsigned each = PACKETS / count > 30000 ? 30000 : PACKETS / count, total = each * count;
	uint8_t (*packets)[CAP] = calloc(total, CAP);
	uint16_t *lengths = calloc(total, sizeof *lengths);

	if (!packets || !lengths)
		must(-ENOMEM, "packets");
	for (unsigned i = 0; i < total; i++)
		put_packet(packets[i], (uint16_t)(streams[i % count].seq + i / count), i % count);
	double begun = now_ns();

	for (unsigned i = 0; i < total; i++) {
		size_t n;

		must(rf_srtp_out_rtp(streams[i % count].out, packets[i], BYTES, CAP, &n), "seal");
		lengths[i] = (uint16_t)n;
	}
	double sealed = now_ns();

	for (unsigned i = 0; i < total; i++) {
		size_t n;

		must(rf_srtp_in_rtp(streams[i % count].in, packets[i], lengths[i], &n), "open");
	}
	*ret_seal = (sealed - begun) / total;
	*ret_open = (now_ns() - sealed) / total;
	for (unsigned i = 0; i < count; i++)
		streams[i].seq = (uint16_t)(streams[i].seq + each);
	free(packets);
	free(lengths);
}

static void best(struct stream *streams, unsigned count)
{
	double seal = 1e9, open = 1e9;

	for (unsigned i = 0; i < ROUNDS; i++) {
		double a, b;

		run(streams, count, &a, &b);
		seal = a < seal ? a : seal;
		open = b < open ? b : open;
	}
	printf(" %8.0f %8.0f", seal, open);
}

static void bench(enum rf_srtp_suite suite)
{
	static struct stream streams[STREAMS_MAX];
	size_t before = mallinfo2().uordblks;
	double begun = now_ns();

	for (unsigned i = 0; i < STREAMS_MAX; i++)
		make(&streams[i], suite, i);
	double took = now_ns() - begun;
	size_t bytes = mallinfo2().uordblks - before;

	printf("%-25s", rf_srtp_params(suite)->name);
	best(streams, 1);
	best(streams, STREAMS_MAX);
	printf(" %10zu %10.1f\n", bytes / STREAMS_MAX / 2, took / STREAMS_MAX / 2 / 1000);
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		end(&streams[i]);
}

int main(void)
{
	struct stream warm;

	printf("ns a packet of %d bytes         1 stream      %d streams        bytes    us to\n", BYTES, STREAMS_MAX);
	printf("%-25s %8s %8s %8s %8s %10s %10s\n", "suite", "seal", "open", "seal", "open", "a direction", "make one");
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	for (unsigned suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++) {
		make(&warm, (enum rf_srtp_suite)suite, 0);
		end(&warm);
		bench((enum rf_srtp_suite)suite);
	}
	return 0;
}

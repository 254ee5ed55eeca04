/* A run: packets made, handed to the kernel's sender, and what its sink noted. */
#include "load.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* made by bpftool */
#include "load.skel.h"
#pragma GCC diagnostic pop

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct fly {
	struct load_bpf *bpf;
	unsigned packets_max, streams_max, index;
	struct packet *packets;
	struct stream *streams;
	struct load_bpf__bss *now;
	struct { uint32_t packet, n; unsigned char bytes[FRAME_BYTES + 2]; } *samples;
	size_t sizes[3];
};

static void *map_of(struct bpf_map *m, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool sink_at(const struct fly *f)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)f->index, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(f->bpf->progs.sink));

	return !bpf_tc_hook_create(&hook) && !bpf_tc_attach(&hook, &opts);
}

static void sink_away(const struct fly *f)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)f->index, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}

struct fly *fly_open(const char *dev, unsigned packets_max, unsigned streams_max)
{
	struct fly *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->packets_max = packets_max;
	f->streams_max = streams_max;
	f->index = if_nametoindex(dev);
	f->bpf = load_bpf__open();
	if (f->bpf) {
		bpf_map__set_max_entries(f->bpf->maps.packets, packets_max);
		bpf_map__set_max_entries(f->bpf->maps.streams, streams_max);
	}
	if (!f->bpf || load_bpf__load(f->bpf) || !sink_at(f)) {
		fprintf(stderr, "load: %s: the kernel does not take the programs: %s\n", dev, strerror(errno));
		fly_close(f);
		return NULL;
	}
	f->sizes[0] = sizeof *f->packets * packets_max;
	f->sizes[1] = sizeof *f->streams * streams_max;
	f->sizes[2] = sizeof *f->samples * SAMPLES;
	f->packets = map_of(f->bpf->maps.packets, f->sizes[0]);
	f->streams = map_of(f->bpf->maps.streams, f->sizes[1]);
	f->samples = map_of(f->bpf->maps.samples, f->sizes[2]);
	f->now = f->bpf->bss;
	if (f->packets && f->streams && f->samples)
		return f;
	perror("load: maps");
	fly_close(f);
	return NULL;
}

void fly_close(struct fly *f)
{
	if (!f)
		return;
	void *const maps[] = { f->packets, f->streams, f->samples };

	sink_away(f);
	for (unsigned i = 0; i < 3; i++)
		if (maps[i])
			munmap(maps[i], f->sizes[i]);
	load_bpf__destroy(f->bpf);
	free(f);
}

bool fly_echo(const char *dev)
{
	struct load_bpf *bpf = load_bpf__open();
	char c;
	bool ok = bpf && !load_bpf__load(bpf) && bpf_program__attach_xdp(bpf->progs.echo, (int)if_nametoindex(dev));

	if (ok) {
		puts("{\"at\":\"ready\"}");
		fflush(stdout);
		while (read(0, &c, 1) > 0)
			;
	}
	load_bpf__destroy(bpf);
	return ok;
}

/* Packet i is number i / streams of stream i % streams: all evenly apart, as those of many phones are. */
static bool make(struct fly *f, struct load *l, unsigned streams, unsigned count)
{
	for (unsigned n = 0; n < streams; n++) {
		struct way *w = &l->ways[n];

		f->streams[n] = (struct stream){
			.saddr = w->relay_out.s_addr, .daddr = l->own.sin_addr.s_addr, .sport = htons(w->port_out),
			.dport = htons(w->to), .bytes_n = (unsigned short)packet_out_bytes(w), .base = w->seq,
		};
	}
	for (unsigned i = 0; i < count; i++)
		if (!packet_make(l, i % streams, &f->packets[i]))
			return false;
	memset(f->samples, 0, f->sizes[2]);
	return true;
}

enum { BATCH = 16 }; /* frames that are handed over together, when they are due */

/* A call to the kernel gives its sender frames of one size, the longest of this run; the program shortens the others. It is
 * one call for the whole run, because each begins with tens of milliseconds of making room; so a thread of its own, and
 * a signal that ends it. */
struct sender {
	int fd;
	unsigned size;
};

static void *send_all(void *arg)
{
	const struct sender *s = arg;
	uint8_t frame[FRAME_BYTES] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = s->size, .repeat = 1 << 30,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(s->fd, &opts) && errno != EINTR)
		perror("load: sending");
	return NULL;
}

static void stop_sending(int signal)
{
	(void)signal;
}

/* Until all came back, or 300 ms after the last that did. */
static bool send_and_wait(struct fly *f, unsigned size)
{
	struct sender s = { .fd = bpf_program__fd(f->bpf->progs.send), .size = size };
	volatile const struct load_bpf__bss *now = f->now;
	struct sigaction stop = { .sa_handler = stop_sending };
	uint64_t end = now_ns() + 2000000000, came = 0, next = 0;
	pthread_t thread;

	sigaction(SIGUSR1, &stop, NULL);
	if (pthread_create(&thread, NULL, send_all, &s))
		return false;
	while ((now->came < now->count || now->next < now->count) && now_ns() < end) {
		poll(NULL, 0, 10);
		if (came != now->came || next != now->next)
			end = now_ns() + 300000000;
		came = now->came;
		next = now->next;
	}
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	return next == now->count;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A run in slices of 20 ms: how many there are, and in how many packets were lost. A relay that cannot keep up loses in all
 * of them; a machine that stands still for 10 ms, as virtual ones do, in the one in which it did. */
static unsigned slices(const struct packet *packets, unsigned count, unsigned *ret_with_loss)
{
	uint64_t end = 0;
	unsigned n = 0, with_loss = 0;
	bool lost = false;

	for (unsigned i = 0; i < count; i++) {
		if (packets[i].sent >= end) {
			with_loss += lost;
			lost = false;
			n++;
			end = packets[i].sent + 20000000;
		}
		lost = lost || !packets[i].copies;
	}
	*ret_with_loss = with_loss + lost;
	return n;
}

static void report(struct fly *f, const struct load *l, unsigned streams, unsigned count)
{
	uint64_t *late = malloc(sizeof *late * (count + 1)), n = 0;
	unsigned bad = 0, checked = 0, with_loss, n_slices = slices(f->packets, count, &with_loss);
	double span = (double)(f->packets[count - 1].sent - f->packets[0].sent) / 1e9;

	for (unsigned i = 0; late && i < count; i++)
		if (f->packets[i].copies)
			late[n++] = f->packets[i].got - f->packets[i].sent;
	for (unsigned i = 0; i < SAMPLES; i++) {
		unsigned k = f->samples[i].packet;

		if (!f->samples[i].n)
			continue;
		checked++;
		bad += !packet_right(l, k % streams, (uint16_t)(f->streams[k % streams].base + k / streams),
				     f->samples[i].bytes, f->samples[i].n);
	}
	if (!late)
		return;
	qsort(late, n, sizeof *late, by_size);
	printf("{\"at\":\"run\",\"streams\":%u,\"sent\":%u,\"came\":%llu,\"lost\":%lld,\"slices\":%u,\"slices_with_loss\":%u,\"again\":%llu,\"stray\":%llu,"
	       "\"address\":%llu,\"length\":%llu,\"head\":%llu,\"checked\":%u,\"bad\":%u,\"seconds\":%.4f,\"per_second\":%.0f,"
	       "\"behind_us\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", streams, count,
	       f->now->came, (long long)(count - f->now->came), n_slices, with_loss, f->now->again, f->now->wrong[WRONG_STRAY],
	       f->now->wrong[WRONG_ADDRESS], f->now->wrong[WRONG_LENGTH], f->now->wrong[WRONG_HEAD], checked, bad, span,
	       span > 0 ? (count - 1) / span : 0, (double)f->now->behind_ns / 1e3, n ? (double)late[n / 2] / 1e3 : 0,
	       n ? (double)late[n - 1 - n / 100] / 1e3 : 0, n ? (double)late[n - 1] / 1e3 : 0);
	fflush(stdout);
	free(late);
}

bool fly_run(struct fly *f, struct load *l, unsigned streams, double seconds, unsigned gather_us)
{
	unsigned count = (unsigned)(seconds * 50) * streams;

	if (!streams || !count || count > f->packets_max || streams > f->streams_max || streams > 2 * l->calls) {
		fprintf(stderr, "load: %u streams, %u packets: there are %u calls and room for %u\n", streams, count, l->calls,
			f->packets_max);
		return false;
	}
	unsigned size = 0;

	memset(f->now, 0, sizeof *f->now);
	if (!make(f, l, streams, count))
		return false;
	for (unsigned i = 0; i < streams; i++)
		size = f->packets[i].bytes_n > size ? f->packets[i].bytes_n : size;
	f->now->active = streams;
	f->now->every = count / SAMPLES + 1;
	f->now->out_index = f->index;
	f->now->frame_n = size;
	f->now->gather_ns = gather_us * 1000ULL;
	f->now->interval_fs = (uint64_t)(1e15 / (50.0 * streams));
	f->now->start_ns = now_ns() + 100000000;
	f->now->count = count;
	if (!send_and_wait(f, size)) {
		fprintf(stderr, "load: sent %llu of %u\n", f->now->next, count);
		return false;
	}
	report(f, l, streams, count);
	return true;
}

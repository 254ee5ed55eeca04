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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct fly {
	struct load_bpf *bpf;
	unsigned packets_max, streams_max, index, senders;
	int priority;
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

struct fly *fly_open(const char *dev, unsigned packets_max, unsigned streams_max, unsigned senders, int priority)
{
	struct fly *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->packets_max = packets_max;
	f->streams_max = streams_max;
	f->senders = senders;
	f->priority = priority;
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

/* A call to the kernel gives its sender frames of one size, the longest of this run; the program shortens the others. It is
 * one call for the whole run, because each begins with tens of milliseconds of making room; so a thread of its own, and
 * a signal that ends it. */
struct thread {
	pthread_t id;
	int fd, core, priority;      /* core -1: where the process is; priority 0: as the process */
	unsigned size;
	uint64_t waited_ns;          /* others had its core */
};

/* Before other processes, as a card's interrupt is: else one that takes its core looks like a machine that stands still. */
static void take_place(const struct thread *t)
{
	struct sched_param priority = { .sched_priority = t->priority };
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET((unsigned)t->core, &cores);
	if (t->core >= 0 && sched_setaffinity(0, sizeof cores, &cores))
		perror("load: a core of its own");
	if (t->priority && sched_setscheduler(0, SCHED_FIFO, &priority))
		perror("load: real-time priority");
}

static uint64_t waited_ns(void)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "re");
	unsigned long ns = 0;

	if (f && fscanf(f, "%*u %lu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static void *send_all(void *arg)
{
	struct thread *t = arg;
	uint8_t frame[FRAME_BYTES] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = t->size, .repeat = 1 << 30,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	take_place(t);
	if (bpf_prog_test_run_opts(t->fd, &opts) && errno != EINTR)
		perror("load: sending");
	t->waited_ns = waited_ns();
	return NULL;
}

static void stop_sending(int signal)
{
	(void)signal;
}

struct sums {
	uint64_t next, came, again, wrong[WRONGS], unsent, overrun, behind_ns, stills, still_ns;
	bool done;
};

static struct sums sums_of(const struct fly *f)
{
	volatile const struct load_bpf__bss *b = f->now;
	struct sums s = { .done = true };

	for (unsigned i = 0; i < SENDERS_MAX; i++) {
		volatile const struct sender *q = &b->senders[i];
		volatile const struct tally *t = &b->tallies[i];

		s.came += t->came;
		s.again += t->again;
		for (unsigned w = 0; w < WRONGS; w++)
			s.wrong[w] += t->wrong[w];
		if (i >= b->senders_n)
			continue;
		s.next += q->next;
		s.unsent += q->unsent;
		s.overrun += q->overrun;
		s.stills += q->stills;
		s.still_ns += q->still_ns;
		s.behind_ns = q->behind_ns > s.behind_ns ? q->behind_ns : s.behind_ns;
		s.done = s.done && q->next >= b->count;
	}
	return s;
}

/* Until all came back, or 300 ms after the last that did; the sender itself may stand still for longer. */
static bool send_and_wait(struct fly *f, unsigned size, uint64_t *ret_waited_ns)
{
	struct thread threads[SENDERS_MAX];
	struct sigaction stop = { .sa_handler = stop_sending };
	uint64_t end = now_ns() + 2000000000;
	struct sums s = { .done = false }, was = s;
	unsigned n = 0;

	sigaction(SIGUSR1, &stop, NULL);
	for (; n < f->senders; n++) {
		threads[n] = (struct thread){ .fd = bpf_program__fd(f->bpf->progs.send), .size = size,
					      .core = f->senders > 1 ? (int)n : -1, .priority = f->priority };
		if (pthread_create(&threads[n].id, NULL, send_all, &threads[n]))
			break;
	}
	while (n == f->senders && (!s.done || s.came + s.unsent + s.overrun < f->now->count) && now_ns() < end) {
		poll(NULL, 0, 10);
		s = sums_of(f);
		if (s.came != was.came || s.next != was.next)
			end = now_ns() + (s.done ? 300000000 : 5000000000);
		was = s;
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_kill(threads[i].id, SIGUSR1);
		pthread_join(threads[i].id, NULL);
		*ret_waited_ns += threads[i].waited_ns;
	}
	return s.done;
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
		if (!packets[i].sent)
			continue;
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

/* Some of the packets that came back, byte by byte. Returns how many are wrong. */
static unsigned compare(const struct fly *f, const struct load *l, unsigned streams, unsigned *ret_checked)
{
	unsigned bad = 0;

	*ret_checked = 0;
	for (unsigned i = 0; i < SAMPLES; i++) {
		unsigned k = f->samples[i].packet;

		if (!f->samples[i].n)
			continue;
		++*ret_checked;
		bad += !packet_right(l, k % streams, (uint16_t)(f->streams[k % streams].base + k / streams),
				     f->samples[i].bytes, f->samples[i].n);
	}
	return bad;
}

static double at(const uint64_t *sorted, uint64_t n, unsigned of_1000)
{
	return n ? (double)sorted[n - 1 - (n - 1) * (1000 - of_1000) / 1000] / 1e3 : 0;
}

static void say_times(const struct fly *f, unsigned count, uint64_t sent, uint64_t *times)
{
	uint64_t n = 0, first = UINT64_MAX, last = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct packet *p = &f->packets[i];

		if (p->sent && p->sent < first)
			first = p->sent;
		if (p->sent > last)
			last = p->sent;
		if (p->copies)
			times[n++] = p->got - p->sent;
	}
	qsort(times, n, sizeof *times, by_size);
	double span = last > first ? (double)(last - first) / 1e9 : 0;

	printf("\"seconds\":%.4f,\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,", span,
	       span > 0 ? (double)(sent - 1) / span : 0, at(times, n, 500),
	       at(times, n, 990), at(times, n, 999), at(times, n, 1000));
}

static void report(struct fly *f, const struct load *l, unsigned streams, unsigned count, uint64_t waited_ns, uint64_t *times)
{
	unsigned checked, with_loss, n_slices = slices(f->packets, count, &with_loss), bad = compare(f, l, streams, &checked);
	struct sums s = sums_of(f);
	uint64_t sent = count - s.unsent - s.overrun;

	printf("{\"at\":\"run\",\"streams\":%u,\"due\":%u,\"unsent\":%lu,\"overrun\":%lu,\"sent\":%lu,\"came\":%lu,\"lost\":%ld,"
	       "\"slices\":%u,\"slices_with_loss\":%u,\"again\":%lu,\"stray\":%lu,\"address\":%lu,\"length\":%lu,\"head\":%lu,"
	       "\"checked\":%u,\"bad\":%u,\"behind_us\":%.0f,\"stills\":%lu,\"still_ms\":%.1f,\"waited_ms\":%.1f,", streams,
	       count, s.unsent, s.overrun, sent, s.came, (long)(sent - s.came), n_slices, with_loss, s.again, s.wrong[WRONG_STRAY],
	       s.wrong[WRONG_ADDRESS], s.wrong[WRONG_LENGTH], s.wrong[WRONG_HEAD], checked, bad, (double)s.behind_ns / 1e3,
	       s.stills, (double)s.still_ns / 1e6, (double)waited_ns / 1e6);
	say_times(f, count, sent, times);
	printf("\"busy_ms\":[");
	for (unsigned i = 0; i < f->senders; i++)
		printf("%s%.1f", i ? "," : "", (double)f->now->senders[i].busy_ns / 1e6);
	puts("]}");
	fflush(stdout);
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

	uint64_t *times = malloc(sizeof *times * count);

	memset(f->now, 0, sizeof *f->now);
	if (!times || !make(f, l, streams, count)) {
		free(times);
		return false;
	}
	for (unsigned i = 0; i < streams; i++)
		size = f->packets[i].bytes_n > size ? f->packets[i].bytes_n : size;
	f->now->active = streams;
	f->now->every = count / SAMPLES + 1;
	f->now->out_index = f->index;
	f->now->frame_n = size;
	f->now->gather_ns = gather_us * 1000ULL;
	f->now->interval_fs = (uint64_t)(1e15 / (50.0 * streams));
	f->now->senders_n = f->senders;
	for (unsigned i = 0; i < f->senders; i++)
		f->now->senders[i].next = i;
	if (f->senders > 1)
		f->now->card_ns = (uint64_t)(CARD_FRAMES * f->senders * 1e9 / (50.0 * streams));
	f->now->start_ns = now_ns() + 100000000;
	f->now->count = count;
	uint64_t waited = 0;
	bool ok = send_and_wait(f, size, &waited);

	if (ok)
		report(f, l, streams, count, waited, times);
	else
		fprintf(stderr, "load: sent %lu of %u\n", sums_of(f).next, count);
	free(times);
	return ok;
}

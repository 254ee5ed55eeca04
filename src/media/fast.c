/* Userspace's half of the kernel's way: the program is put onto interfaces, streams are put into its map.
 *
 * A stream has a slot in the array of states, which is mapped here: counters and the window of sequence numbers
 * are read and written as memory. The way itself, looked up by what a packet shows, is in a hash that only
 * system calls change. */
#include "media/fast_int.h"

#include <inttypes.h>
#include "media/fast_shape.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* made by bpftool */
#include "media/fast.skel.h"
#pragma GCC diagnostic pop

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert((int)RF_FAST_VERDICTS == (int)FAST_VERDICTS && (int)RF_FAST_LOOKED == (int)FAST_LOOKED, "one order");
_Static_assert((int)RF_FAST_BYTES_MAX == (int)FAST_BYTES_MAX && (int)RF_FAST_AHEAD == (int)FAST_AHEAD &&
	       (int)RF_FAST_BEHIND == (int)FAST_WINDOW && (int)RF_FAST_LOOK == (int)FAST_LOOK, "one bound");

enum {
	STREAMS_DEFAULT = 65536,
	ADDRS_MAX = 64,                  /* of all devices */
	TCX_INGRESS = 46,                /* enum bpf_attach_type of Linux 6.6, which Debian's headers do not have yet */
};
#define SECOND_NS UINT64_C(1000000000)

struct device {
	unsigned index;
	int link;                        /* the program on it; it is gone with the last descriptor */
};

struct home {                            /* an address of ours */
	struct rf_addr addr;
	const struct device *device;
};

struct rf_fast {
	struct fast_bpf *bpf;
	unsigned n_devices, n_homes;
	struct device devices[RF_FAST_DEVICES_MAX];
	struct home homes[ADDRS_MAX];
	int ask[2];                      /* IPv4, IPv6: which way leads to an address? */
	struct fast_state *states;
	const struct fast_row *rows;
	size_t streams_max;
	pthread_mutex_t lock;            /* for what follows */
	size_t streams, free_first, free_n;
	uint32_t *free_slots;            /* a ring: one that was given back waits longest, for a packet may
					  * be on its way through */
	struct fast_key *keys;           /* by slot; family 0: not taken */
};

/* ---- opening */

static int refused(struct rf_diag *d, int rc, const char *what)
{
	if (rc == -EPERM || rc == -EACCES)
		return rf_diag_set(d, -EPERM, "%s: not permitted: CAP_BPF and CAP_NET_ADMIN are needed", what);
	return rf_diag_set(d, rc, "%s: %s", what, rf_err_text(rc));
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int load(struct rf_fast *f, struct rf_diag *d)
{
	int rc;

	libbpf_set_print(say_nothing); /* its words would go to stderr; what matters is in the code */
	f->bpf = fast_bpf__open();
	if (!f->bpf)
		return refused(d, -errno, "the kernel's program");
	bpf_map__set_max_entries(f->bpf->maps.ways, (uint32_t)f->streams_max);
	bpf_map__set_max_entries(f->bpf->maps.states, (uint32_t)f->streams_max);
	rc = fast_bpf__load(f->bpf);
	return rc ? refused(d, rc, "the kernel does not take the program") : 0;
}

static int map_of(const struct bpf_map *m, size_t size, int prot, void **ret_p)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, bpf_map__fd(m), 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret_p = p;
	return 0;
}

static size_t states_bytes(const struct rf_fast *f)
{
	return f->streams_max * sizeof *f->states;
}

static int map_all(struct rf_fast *f, struct rf_diag *d)
{
	void *states = NULL, *rows = NULL;
	int rc = map_of(f->bpf->maps.states, states_bytes(f), PROT_READ | PROT_WRITE, &states);

	f->states = states;
	if (!rc)
		rc = map_of(f->bpf->maps.verdicts, FAST_CPUS * sizeof *f->rows, PROT_READ, &rows);
	f->rows = rows;
	return rc ? refused(d, rc, "counters of the kernel's program") : 0;
}

static int attach(struct rf_fast *f, const char *name, struct rf_diag *d)
{
	struct device *dev = &f->devices[f->n_devices];

	*dev = (struct device){ .index = if_nametoindex(name), .link = -1 };
	if (!dev->index)
		return rf_diag_set(d, RF_E_NOT_FOUND, "%s: no such interface", name);
	for (unsigned i = 0; i < f->n_devices; i++)
		if (f->devices[i].index == dev->index)
			return 0;
	f->n_devices++;
	dev->link = bpf_link_create(rf_fast_program(f), (int)dev->index, (enum bpf_attach_type)TCX_INGRESS, NULL);
	if (dev->link == -EINVAL)
		return rf_diag_set(d, RF_E_UNSUPPORTED, "%s: the kernel has no links for tc: Linux 6.6 does", name);
	return dev->link < 0 ? refused(d, dev->link, name) : 0;
}

/* Which of our addresses is on which device. */
static int find_homes(struct rf_fast *f, struct rf_diag *d)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all))
		return refused(d, -errno, "addresses of this host");
	for (const struct ifaddrs *a = all; a && f->n_homes < ADDRS_MAX; a = a->ifa_next) {
		struct home *h = &f->homes[f->n_homes];
		unsigned index = if_nametoindex(a->ifa_name);

		if (!a->ifa_addr || rf_addr_from_sockaddr(a->ifa_addr, sizeof(struct sockaddr_in6), &h->addr))
			continue;
		for (unsigned i = 0; i < f->n_devices; i++)
			if (f->devices[i].index == index) {
				h->device = &f->devices[i];
				f->n_homes++;
				break;
			}
	}
	freeifaddrs(all);
	return 0;
}

static int make_slots(struct rf_fast *f)
{
	f->keys = calloc(f->streams_max, sizeof *f->keys);
	f->free_slots = calloc(f->streams_max, sizeof *f->free_slots);
	if (!f->keys || !f->free_slots)
		return -ENOMEM;
	for (size_t i = 0; i < f->streams_max; i++)
		f->free_slots[i] = (uint32_t)i;
	f->free_n = f->streams_max;
	return 0;
}

static int open_all(struct rf_fast *f, const char *const *devices, unsigned n_devices, struct rf_diag *d)
{
	int rc = make_slots(f);

	if (rc)
		return rf_diag_set(d, rc, "room for %zu streams: %s", f->streams_max, rf_err_text(rc));
	rc = load(f, d);
	if (!rc)
		rc = map_all(f, d);
	for (unsigned i = 0; i < n_devices && !rc; i++)
		rc = attach(f, devices[i], d);
	for (unsigned i = 0; i < 2 && !rc; i++) { /* a kernel may have no IPv6 */
		f->ask[i] = socket(i ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (f->ask[i] < 0 && errno != EAFNOSUPPORT)
			rc = refused(d, -errno, "a socket");
	}
	return rc ? rc : find_homes(f, d);
}

int rf_fast_open(const char *const *devices, unsigned n_devices, size_t streams_max, struct rf_fast **ret_fast,
		 struct rf_diag *d)
{
	if (!n_devices || n_devices > RF_FAST_DEVICES_MAX || streams_max > RF_FAST_STREAMS_MAX)
		return rf_diag_set(d, RF_E_INVALID, "1 to %d interfaces and at most %d streams", RF_FAST_DEVICES_MAX,
				   RF_FAST_STREAMS_MAX);
	struct rf_fast *f = calloc(1, sizeof *f);

	if (!f)
		return rf_diag_set(d, -ENOMEM, "%s", rf_err_text(-ENOMEM));
	f->streams_max = streams_max ? streams_max : STREAMS_DEFAULT;
	f->ask[0] = f->ask[1] = -1;
	pthread_mutex_init(&f->lock, NULL);
	int rc = open_all(f, devices, n_devices, d);

	if (rc) {
		rf_fast_close(f);
		return rc;
	}
	*ret_fast = f;
	return 0;
}

void rf_fast_close(struct rf_fast *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n_devices; i++)
		if (f->devices[i].link >= 0)
			close(f->devices[i].link);
	for (unsigned i = 0; i < 2; i++)
		if (f->ask[i] >= 0)
			close(f->ask[i]);
	if (f->states)
		munmap(f->states, states_bytes(f));
	if (f->rows)
		munmap((void *)(uintptr_t)f->rows, FAST_CPUS * sizeof *f->rows);
	fast_bpf__destroy(f->bpf);
	pthread_mutex_destroy(&f->lock);
	free(f->keys);
	free(f->free_slots);
	free(f);
}

int rf_fast_program(const struct rf_fast *f)
{
	return bpf_program__fd(f->bpf->progs.fast);
}

/* ---- streams */

static const struct device *device_of(const struct rf_fast *f, const struct rf_addr *a)
{
	for (unsigned i = 0; i < f->n_homes; i++)
		if (rf_addr_same_ip(&f->homes[i].addr, a))
			return f->homes[i].device;
	return NULL;
}

/* Does the way to it lead out of this device? Connecting a UDP socket asks the kernel for the route and sends nothing;
 * then it has that route's address of ours. */
static bool leads_to(const struct rf_fast *f, const struct device *dev, const struct rf_addr *to)
{
	static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage sa;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(to, &sa);
	int fd = f->ask[to->family == 6];
	struct rf_addr own;

	if (fd < 0 || connect(fd, &nowhere, sizeof nowhere) || connect(fd, (struct sockaddr *)&sa, n))
		return false;
	n = sizeof sa;
	return !getsockname(fd, (struct sockaddr *)&sa, &n) &&
	       !rf_addr_from_sockaddr((struct sockaddr *)&sa, n, &own) && device_of(f, &own) == dev;
}

static void fill_key(const struct rf_fast_stream *s, const struct device *dev, struct fast_key *ret_key)
{
	*ret_key = (struct fast_key){
		.sport = htons(s->in_from.port), .dport = htons(s->in_to.port), .ssrc = htonl(s->ssrc),
		.device = dev->index,
		.family = s->in_from.family,
	};
	memcpy(ret_key->src, s->in_from.ip, sizeof ret_key->src);
	memcpy(ret_key->dst, s->in_to.ip, sizeof ret_key->dst);
}

static void fill_way(const struct rf_fast_stream *s, const struct device *dev, uint32_t slot, struct fast_way *ret_way)
{
	*ret_way = (struct fast_way){
		.types = { s->types[0], s->types[1] }, .packet_ns = SECOND_NS / s->packets_s,
		.byte_ps = SECOND_NS * 1000 / s->bytes_s, .slot = slot, .device = dev->index,
		.sport = htons(s->out_from.port), .dport = htons(s->out_to.port),
		.traffic_class = (uint32_t)(s->dscp & 63) << 2,
	};
	memcpy(ret_way->src, s->out_from.ip, sizeof ret_way->src);
	memcpy(ret_way->dst, s->out_to.ip, sizeof ret_way->dst);
}

static uint64_t window_of(uint16_t seq, uint64_t seen)
{
	return (uint64_t)seq << FAST_WINDOW | ((seen | 1) & ((UINT64_C(1) << FAST_WINDOW) - 1));
}

static bool one_family(const struct rf_fast_stream *s)
{
	uint8_t family = s->in_from.family;

	return family && s->in_to.family == family && s->out_from.family == family && s->out_to.family == family;
}

int rf_fast_add(struct rf_fast *f, const struct rf_fast_stream *s, uint32_t *ret_id)
{
	if (!s->packets_s || !s->bytes_s)
		return RF_E_INVALID;
	const struct device *in = device_of(f, &s->in_to), *out = device_of(f, &s->out_from);
	struct fast_key key;
	struct fast_way way;
	int rc = RF_E_LIMIT;

	if (!one_family(s) || !in || !out)
		return RF_E_UNSUPPORTED;
	pthread_mutex_lock(&f->lock);
	if (!leads_to(f, out, &s->out_to)) {
		rc = RF_E_UNSUPPORTED;
	} else if (f->free_n) {
		uint32_t slot = f->free_slots[f->free_first];

		fill_key(s, in, &key);
		fill_way(s, out, slot, &way);
		f->states[slot] = (struct fast_state){ .window = window_of(s->seq, s->seen) };
		rc = bpf_map_update_elem(bpf_map__fd(f->bpf->maps.ways), &key, &way, BPF_NOEXIST);
		if (!rc) {
			f->keys[slot] = key;
			f->free_first = (f->free_first + 1) % f->streams_max;
			f->free_n--;
			f->streams++;
			*ret_id = slot;
		}
	}
	pthread_mutex_unlock(&f->lock);
	return rc == -EEXIST ? RF_E_EXISTS : rc == -E2BIG ? RF_E_LIMIT : rc;
}

static uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

struct rf_fast_counts rf_fast_read(const struct rf_fast *f, uint32_t id)
{
	const struct fast_state *st = &f->states[id];
	uint64_t window = get(&st->window);

	return (struct rf_fast_counts){
		.packets = get(&st->packets), .bytes = get(&st->bytes), .repeated = get(&st->repeated),
		.over_rate = get(&st->over_rate), .last_us = get(&st->last_ns) / 1000,
		.seq = (uint16_t)(window >> FAST_WINDOW),
		.seen = window & ((UINT64_C(1) << FAST_WINDOW) - 1),
	};
}

static uint64_t window_with(uint64_t window, uint16_t seq)
{
	uint64_t seen = window & ((UINT64_C(1) << FAST_WINDOW) - 1);
	uint16_t top = (uint16_t)(window >> FAST_WINDOW), ahead = (uint16_t)(seq - top), behind = (uint16_t)(top - seq);

	if (behind < FAST_WINDOW)
		return window | UINT64_C(1) << behind;
	return window_of(seq, ahead < FAST_WINDOW ? seen << ahead : 0);
}

void rf_fast_saw(struct rf_fast *f, uint32_t id, uint16_t seq)
{
	uint64_t *window = &f->states[id].window, old = get(window);

	while (!__atomic_compare_exchange_n(window, &old, window_with(old, seq), false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

struct rf_fast_counts rf_fast_remove(struct rf_fast *f, uint32_t id)
{
	pthread_mutex_lock(&f->lock);
	bpf_map_delete_elem(bpf_map__fd(f->bpf->maps.ways), &f->keys[id]);
	struct rf_fast_counts counts = rf_fast_read(f, id);

	f->keys[id].family = 0;
	f->free_slots[(f->free_first + f->free_n) % f->streams_max] = id;
	f->free_n++;
	f->streams--;
	pthread_mutex_unlock(&f->lock);
	return counts;
}

struct rf_fast_totals rf_fast_totals(const struct rf_fast *f)
{
	struct rf_fast_totals t = { .streams = __atomic_load_n(&f->streams, __ATOMIC_RELAXED),
				    .streams_max = f->streams_max };

	for (unsigned cpu = 0; cpu < FAST_CPUS; cpu++)
		for (unsigned v = 0; v < RF_FAST_VERDICTS; v++)
			t.verdicts[v] += get(&f->rows[cpu].n[v]);
	return t;
}

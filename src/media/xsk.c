/* Opening, flows, the way to a party. Frames are moved in xsk_ring.c. */
#include "media/xsk_int.h"

#include <inttypes.h>
#include "media/xsk_shape.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* made by bpftool */
#include "media/xsk.skel.h"
#pragma GCC diagnostic pop

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert((int)RF_XSK_VERDICTS == (int)XSK_VERDICTS && (int)RF_XSK_CHECKSUM == (int)XSK_CHECKSUM, "one order");
_Static_assert((int)RF_LINK_DATAGRAM_MAX == (int)XSK_DATAGRAM_MAX, "one bound");

enum { HOP_US = 500000 };            /* routes and neighbours are asked for again after so long */

/* ---- opening */

static int refused(struct rf_diag *d, int rc, const char *what)
{
	if (rc == -EPERM || rc == -EACCES)
		return rf_diag_set(d, -EPERM, "%s: not permitted: CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW are needed",
				   what);
	if (rc == -ENOBUFS)
		return rf_diag_set(d, rc, "%s: no room for its frames: CAP_IPC_LOCK is needed, or more "
					  "memory that may be locked",
				   what);
	return rf_diag_set(d, rc, "%s: %s", what, rf_err_text(rc));
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static size_t flows_bytes(const struct rf_xsk *x)
{
	return x->n_places * XSK_PORTS * sizeof *x->flows;
}

static int map_of(const struct bpf_map *m, size_t size, int prot, void **ret_p)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, bpf_map__fd(m), 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret_p = p;
	return 0;
}

static int put_homes(struct rf_xsk *x, struct rf_diag *d)
{
	int rc = 0;

	for (unsigned i = 0; i < x->n_places && !rc; i++) {
		const struct xsk_place *place = &x->places[i];
		const struct xsk_device *dev = &x->devices[place->device];
		struct xsk_at at = { .device = dev->index, .family = place->addr.family };
		struct xsk_home home = { .first = i * XSK_PORTS, .queues = (uint16_t)dev->queues };

		memcpy(at.ip, place->addr.ip, sizeof at.ip);
		memcpy(home.mac, dev->mac, sizeof home.mac);
		rc = bpf_map_update_elem(bpf_map__fd(x->bpf->maps.homes), &at, &home, BPF_ANY);
	}
	return rc ? refused(d, rc, "addresses of this host") : 0;
}

static int load(struct rf_xsk *x, struct rf_diag *d)
{
	libbpf_set_print(say_nothing); /* its words would go to stderr; what matters is in the code */
	x->bpf = xsk_bpf__open();
	if (!x->bpf)
		return refused(d, -errno, "the kernel's program");
	bpf_map__set_max_entries(x->bpf->maps.homes, x->n_places);
	bpf_map__set_max_entries(x->bpf->maps.flows, x->n_places * XSK_PORTS);
	bpf_map__set_max_entries(x->bpf->maps.socks, x->n_pools * x->n_parts);
	x->bpf->rodata->stride = x->n_parts;
	int rc = xsk_bpf__load(x->bpf);

	if (rc)
		return refused(d, rc, "the kernel does not take the program");
	void *rows = NULL, *flows = NULL;

	rc = map_of(x->bpf->maps.verdicts, XSK_CPUS * sizeof *x->rows, PROT_READ, &rows);
	x->rows = rows;
	if (!rc)
		rc = map_of(x->bpf->maps.flows, flows_bytes(x), PROT_READ | PROT_WRITE, &flows);
	x->flows = flows;
	return rc ? refused(d, rc, "memory of the kernel's program") : put_homes(x, d);
}

static int ask_driver(int s, const char *name, void *what)
{
	struct ifreq r = { .ifr_data = what };

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	return ioctl(s, SIOCETHTOOL, &r) ? -errno : 0;
}

/* How many queues it has, and what it hides from the program. */
static int look_at(int s, const char *name, struct xsk_device *dev, struct rf_diag *d)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq r = { .ifr_ifindex = 0 };

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if (ioctl(s, SIOCGIFHWADDR, &r))
		return refused(d, -errno, name);
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return rf_diag_set(d, RF_E_UNSUPPORTED, "%s: is not Ethernet", name);
	memcpy(dev->mac, r.ifr_hwaddr.sa_data, sizeof dev->mac);
	if (!ask_driver(s, name, &flags) && flags.data & ETH_FLAG_RXVLAN)
		return rf_diag_set(d, RF_E_UNSUPPORTED,
				   "%s: it takes tags of VLANs off before the program sees them, "
				   "and a tagged datagram could pass for an untagged one: ethtool -K %s rxvlan off",
				   name, name);
	dev->queues = dev->sending_queues = 1;
	if (!ask_driver(s, name, &ch) && ch.rx_count + ch.combined_count && ch.tx_count + ch.combined_count) {
		dev->queues = ch.rx_count + ch.combined_count;
		dev->sending_queues = ch.tx_count + ch.combined_count;
	}
	if (dev->sending_queues > dev->queues)
		dev->sending_queues = dev->queues;
	return 0;
}

static int add_device(struct rf_xsk *x, int s, const char *name, struct rf_diag *d)
{
	struct xsk_device *dev = &x->devices[x->n_devices];

	*dev = (struct xsk_device){ .index = if_nametoindex(name), .link = -1, .first_pool = x->n_pools };
	if (!dev->index)
		return rf_diag_set(d, RF_E_NOT_FOUND, "%s: no such interface", name);
	for (unsigned i = 0; i < x->n_devices; i++)
		if (x->devices[i].index == dev->index)
			return 0;
	int rc = look_at(s, name, dev, d);

	if (rc)
		return rc;
	if (dev->queues > RF_XSK_QUEUES_MAX - x->n_pools || (x->n_pools + dev->queues) * x->n_parts > RF_XSK_SOCKS_MAX)
		return rf_diag_set(d, RF_E_LIMIT, "%s: too many queues: at most %d in all, times workers %d: "
				   "ethtool -L %s combined N", name, RF_XSK_QUEUES_MAX, RF_XSK_SOCKS_MAX, name);
	for (unsigned q = 0; q < dev->queues; q++)
		x->pools[x->n_pools++] = (struct xsk_pool){ .device = x->n_devices, .queue = q };
	x->n_devices++;
	return 0;
}

/* Which of our addresses is on which device. */
static int find_places(struct rf_xsk *x, struct rf_diag *d)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all))
		return refused(d, -errno, "addresses of this host");
	for (const struct ifaddrs *a = all; a && x->n_places < RF_XSK_ADDRS_MAX; a = a->ifa_next) {
		struct xsk_place *place = &x->places[x->n_places];
		unsigned index = if_nametoindex(a->ifa_name);

		if (!a->ifa_addr || rf_addr_from_sockaddr(a->ifa_addr, sizeof(struct sockaddr_in6), &place->addr) ||
		    place->addr.scope)
			continue;
		for (unsigned i = 0; i < x->n_devices; i++)
			if (x->devices[i].index == index) {
				place->device = (uint8_t)i;
				x->n_places++;
				break;
			}
	}
	freeifaddrs(all);
	return x->n_places ? 0 : rf_diag_set(d, RF_E_NOT_FOUND, "no address is on these interfaces");
}

/* By the driver where it can, else where every device can, later and dearer. */
static int attach(struct rf_xsk *x, struct xsk_device *dev, struct rf_diag *d)
{
	static const uint32_t modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
	char name[IF_NAMESIZE] = "";

	for (unsigned i = 0; i < 2 && dev->link < 0; i++) {
		LIBBPF_OPTS(bpf_link_create_opts, o, .flags = modes[i]);

		dev->link = bpf_link_create(rf_xsk_program(x), (int)dev->index, BPF_XDP, &o);
		if (dev->link == -EBUSY || dev->link == -EEXIST || dev->link == -EPERM)
			break;
	}
	if (dev->link >= 0)
		return 0;
	if_indextoname(dev->index, name);
	if (dev->link == -EBUSY || dev->link == -EEXIST)
		return rf_diag_set(d, dev->link, "%s: it has an XDP program of somebody else's", name);
	return refused(d, dev->link, name);
}

static int open_sockets(struct rf_xsk *x, struct xsk_pool *pool, struct rf_diag *d)
{
	unsigned at = (unsigned)(pool - x->pools), index = x->devices[pool->device].index;
	char name[IF_NAMESIZE] = "";
	int rc = xsk_pool_make(pool);

	for (unsigned i = 0; i < x->n_parts && !rc; i++) {
		rc = xsk_sock_open(&x->parts[i].socks[at], pool, index, i ? x->parts[0].socks[at].fd : -1);
		uint32_t key = at * x->n_parts + i;

		if (!rc)
			rc = bpf_map_update_elem(bpf_map__fd(x->bpf->maps.socks), &key, &x->parts[i].socks[at].fd,
						 BPF_ANY);
	}
	if (!rc) {
		xsk_pool_fill(pool);
		return 0;
	}
	if_indextoname(index, name);
	return refused(d, rc, name);
}

static int make_parts(struct rf_xsk *x)
{
	x->parts = calloc(x->n_parts, sizeof *x->parts);
	if (!x->parts)
		return -ENOMEM;
	for (unsigned i = 0; i < x->n_parts; i++) {
		x->parts[i].x = x;
		x->parts[i].index = i;
		x->parts[i].netlink = -1;
		for (unsigned k = 0; k < RF_XSK_QUEUES_MAX; k++)
			x->parts[i].socks[k].fd = -1;
	}
	for (unsigned i = 0; i < x->n_parts; i++) {
		x->parts[i].hops = calloc(XSK_HOPS, sizeof *x->parts[i].hops);
		int rc = x->parts[i].hops ? rf_hop_open(&x->parts[i].netlink) : -ENOMEM;

		if (rc)
			return rc;
	}
	return 0;
}

static int open_all(struct rf_xsk *x, const char *const *devices, unsigned n_devices, struct rf_diag *d)
{
	int rc = make_parts(x), s;

	if (rc)
		return refused(d, rc, "a worker's share");
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return refused(d, -errno, "a socket");
	for (unsigned i = 0; i < n_devices && !rc; i++)
		rc = add_device(x, s, devices[i], d);
	close(s);
	if (!rc)
		rc = find_places(x, d);
	if (!rc)
		rc = load(x, d);
	for (unsigned i = 0; i < x->n_devices && !rc; i++)
		rc = attach(x, &x->devices[i], d);
	for (unsigned i = 0; i < x->n_pools && !rc; i++)
		rc = open_sockets(x, &x->pools[i], d);
	return rc;
}

int rf_xsk_open(const char *const *devices, unsigned n_devices, unsigned parts, struct rf_xsk **ret_xsk,
		struct rf_diag *d)
{
	if (!n_devices || n_devices > RF_XSK_DEVICES_MAX || !parts || parts > RF_XSK_SOCKS_MAX)
		return rf_diag_set(d, RF_E_INVALID, "1 to %d interfaces and 1 to %d workers", RF_XSK_DEVICES_MAX,
				   RF_XSK_SOCKS_MAX);
	struct rf_xsk *x = calloc(1, sizeof *x);

	if (!x)
		return rf_diag_set(d, -ENOMEM, "%s", rf_err_text(-ENOMEM));
	x->n_parts = parts;
	int rc = open_all(x, devices, n_devices, d);

	if (rc) {
		rf_xsk_close(x);
		return rc;
	}
	*ret_xsk = x;
	return 0;
}

void rf_xsk_close(struct rf_xsk *x)
{
	if (!x)
		return;
	for (unsigned i = 0; i < x->n_devices; i++)
		if (x->devices[i].link >= 0)
			close(x->devices[i].link);
	for (unsigned i = 0; x->parts && i < x->n_parts; i++) {
		for (unsigned k = 0; k < x->n_pools; k++)
			xsk_sock_close(&x->parts[i].socks[k]);
		if (x->parts[i].netlink >= 0)
			close(x->parts[i].netlink);
		free(x->parts[i].hops);
	}
	for (unsigned i = 0; i < x->n_pools; i++)
		xsk_pool_end(&x->pools[i]);
	if (x->rows)
		munmap((void *)(uintptr_t)x->rows, XSK_CPUS * sizeof *x->rows);
	if (x->flows)
		munmap(x->flows, flows_bytes(x));
	xsk_bpf__destroy(x->bpf);
	free(x->parts);
	free(x);
}

struct rf_xsk_part *rf_xsk_part(struct rf_xsk *x, unsigned index)
{
	return &x->parts[index];
}

int rf_xsk_program(const struct rf_xsk *x)
{
	return bpf_program__fd(x->bpf->progs.xsk);
}

/* ---- flows */

static const struct xsk_place *place_of(const struct rf_xsk *x, const struct rf_addr *a)
{
	for (unsigned i = 0; i < x->n_places; i++)
		if (rf_addr_same_ip(&x->places[i].addr, a))
			return &x->places[i];
	return NULL;
}

static const struct xsk_device *device_of(const struct rf_xsk *x, const struct rf_addr *a)
{
	const struct xsk_place *place = place_of(x, a);

	return place ? &x->devices[place->device] : NULL;
}

/* NULL: there can be no such flow. */
static const struct xsk_place *place_for(const struct rf_xsk *x, const struct rf_addr *from, const struct rf_addr *to)
{
	return from->family != to->family || from->scope || to->port & 1 ? NULL : place_of(x, to);
}

static struct xsk_flow *flow_at(const struct rf_xsk *x, const struct xsk_place *place, uint16_t port)
{
	return &x->flows[(size_t)(place - x->places) * XSK_PORTS + port / 2];
}

static void set_live(struct xsk_flow *f, bool live)
{
	__atomic_store_n(&f->live, live, __ATOMIC_RELEASE);
}

int rf_xsk_admit(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to)
{
	struct rf_xsk *x = part->x;
	const struct xsk_place *place = place_for(x, from, to);

	if (!place)
		return RF_E_UNSUPPORTED;
	struct xsk_flow *f = flow_at(x, place, to->port);

	if (!f->live)
		__atomic_fetch_add(&x->n_flows, 1, __ATOMIC_RELAXED);
	set_live(f, false);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(f->src, from->ip, sizeof f->src);
	f->sport = htons(from->port);
	f->sock = x->devices[place->device].first_pool * x->n_parts + part->index;
	set_live(f, true);
	return 0;
}

void rf_xsk_dismiss(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to)
{
	struct rf_xsk *x = part->x;
	const struct xsk_place *place = place_for(x, from, to);
	struct xsk_flow *f = place ? flow_at(x, place, to->port) : NULL;

	if (!f || !f->live || f->sport != htons(from->port) || memcmp(f->src, from->ip, sizeof f->src) != 0)
		return;
	set_live(f, false);
	__atomic_fetch_sub(&x->n_flows, 1, __ATOMIC_RELAXED);
}

/* ---- the way to a party */

/* What is known of it for now: asked anew when that is old. *ret_asked: it was. */
static const struct xsk_hop *hop_to(struct rf_xsk_part *part, const struct xsk_device *dev, const struct rf_addr *from,
				    const struct rf_addr *to, uint64_t now_us, bool *ret_asked)
{
	static const struct rf_hash_key no_secret; /* a place that is shared costs questions, no more */
	struct rf_addr host = *to, own = *from;

	host.port = own.port = 0;
	struct xsk_hop *h = &part->hops[rf_addr_hash(&no_secret, &host) % XSK_HOPS];

	*ret_asked = !h->asked_us || now_us - h->asked_us >= HOP_US || !rf_addr_eq(&h->to, &host) ||
		     !rf_addr_eq(&h->from, &own);
	if (*ret_asked) {
		*h = (struct xsk_hop){ .from = own, .to = host, .asked_us = now_us };
		h->rc = rf_hop_ask(part->netlink, dev->index, &own, &host, &h->hop);
	}
	return h;
}

int rf_xsk_find_way(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to, uint8_t dscp,
		    uint64_t now_us, struct rf_xsk_way *ret_way, bool *ret_touch)
{
	const struct xsk_device *dev = device_of(part->x, from);
	bool asked;

	if (!dev || from->family != to->family || to->scope)
		return RF_E_UNSUPPORTED;
	const struct xsk_hop *h = hop_to(part, dev, from, to, now_us, &asked);

	if (h->rc)
		return h->rc;
	ret_way->device = (uint8_t)(dev - part->x->devices);
	rf_link_head_make(dev->mac, h->hop.mac, from, to, dscp, &ret_way->head);
	*ret_touch = asked && !h->hop.fresh;
	return 0;
}

struct rf_xsk_totals rf_xsk_totals(const struct rf_xsk *x)
{
	struct rf_xsk_totals t = { .flows = __atomic_load_n(&x->n_flows, __ATOMIC_RELAXED), .queues = x->n_pools,
				   .bytes = (size_t)x->n_pools * RF_XSK_FRAMES * RF_XSK_FRAME_BYTES };

	for (unsigned i = 0; i < x->n_pools; i++)
		t.copied += x->pools[i].copied;
	for (unsigned cpu = 0; cpu < XSK_CPUS; cpu++)
		for (unsigned v = 0; v < RF_XSK_VERDICTS; v++)
			t.verdicts[v] += __atomic_load_n(&x->rows[cpu].n[v], __ATOMIC_RELAXED);
	return t;
}

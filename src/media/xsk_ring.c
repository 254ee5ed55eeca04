/* Frames between us and the kernel. A queue's memory has two halves: one to receive into, whose frames go round through
 * the fill ring and sockets' receive rings; one to send from, whose frames go round through sockets' send rings and the
 * ring of what is done. Fill, done and the list of free frames are shared by all workers, under the pool's lock, taken
 * once for a batch. */
#include "media/xsk_int.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TRIES = 256,                 /* pushes at a send ring in one go; the kernel may take 32 frames at a time */
	SEND_BUFFER = 16 << 20,
	BUDGET_OPTION = 9,           /* XDP_MAX_TX_SKB_BUDGET of Linux 6.16: frames at a time */
	BUDGET = 256,
};

/* ---- rings */

static uint32_t theirs(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void tell(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static uint64_t *address_at(const struct xsk_ring *r, uint32_t i)
{
	return (uint64_t *)r->entries + (i & r->mask);
}

static struct xdp_desc *desc_at(const struct xsk_ring *r, uint32_t i)
{
	return (struct xdp_desc *)r->entries + (i & r->mask);
}

static bool wants_waking(const struct xsk_ring *r)
{
	return __atomic_load_n(r->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

static int ring_map(struct xsk_ring *r, int fd, const struct xdp_ring_offset *off, uint32_t n, size_t entry_n,
		    off_t where)
{
	size_t size = off->desc + n * entry_n;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, where);

	if (p == MAP_FAILED)
		return -errno;
	*r = (struct xsk_ring){
		.producer = (uint32_t *)(void *)(p + off->producer),
		.consumer = (uint32_t *)(void *)(p + off->consumer),
		.flags = (uint32_t *)(void *)(p + off->flags), .entries = p + off->desc, .mask = n - 1, .map = p,
		.map_n = size,
	};
	return 0;
}

static void ring_unmap(struct xsk_ring *r)
{
	if (r->map)
		munmap(r->map, r->map_n);
	r->map = NULL;
}

/* ---- opening */

int xsk_pool_make(struct xsk_pool *pool)
{
	size_t size = (size_t)RF_XSK_FRAMES * RF_XSK_FRAME_BYTES;
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return -errno;
	madvise(area, size, MADV_DONTDUMP);
	pool->area = area;
	pthread_mutex_init(&pool->lock, NULL);
	for (uint32_t i = 0; i < XSK_TX_FRAMES; i++)
		pool->free[i] = XSK_RX_FRAMES + i;
	pool->n_free = XSK_TX_FRAMES;
	return 0;
}

void xsk_pool_end(struct xsk_pool *pool)
{
	if (!pool->area)
		return;
	ring_unmap(&pool->fill);
	ring_unmap(&pool->done);
	munmap(pool->area, (size_t)RF_XSK_FRAMES * RF_XSK_FRAME_BYTES);
	pthread_mutex_destroy(&pool->lock);
	pool->area = NULL;
}

static int set(int fd, int option, const void *value, size_t n)
{
	return setsockopt(fd, SOL_XDP, option, value, (socklen_t)n) ? -errno : 0;
}

static int own_memory(int fd, const struct xsk_pool *pool)
{
	struct xdp_umem_reg reg = { .addr = (uintptr_t)pool->area, .len = (uint64_t)RF_XSK_FRAMES * RF_XSK_FRAME_BYTES,
				    .chunk_size = RF_XSK_FRAME_BYTES };
	int rx = XSK_RX_FRAMES, tx = XSK_TX_FRAMES, rc = set(fd, XDP_UMEM_REG, &reg, sizeof reg);

	if (!rc)
		rc = set(fd, XDP_UMEM_FILL_RING, &rx, sizeof rx);
	return rc ? rc : set(fd, XDP_UMEM_COMPLETION_RING, &tx, sizeof tx);
}

static int make_rings(struct xsk_sock *s, bool first)
{
	int rx = XSK_RX_FRAMES, tx = XSK_TX_FRAMES, rc = set(s->fd, XDP_RX_RING, &rx, sizeof rx);
	struct xdp_mmap_offsets off;
	socklen_t n = sizeof off;

	if (!rc)
		rc = set(s->fd, XDP_TX_RING, &tx, sizeof tx);
	if (!rc && (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &n) || n != sizeof off))
		rc = n == sizeof off ? -errno : RF_E_UNSUPPORTED;
	if (!rc)
		rc = ring_map(&s->rx, s->fd, &off.rx, XSK_RX_FRAMES, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	if (!rc)
		rc = ring_map(&s->tx, s->fd, &off.tx, XSK_TX_FRAMES, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	if (!rc && first)
		rc = ring_map(&s->pool->fill, s->fd, &off.fr, XSK_RX_FRAMES, sizeof(uint64_t),
			      XDP_UMEM_PGOFF_FILL_RING);
	if (!rc && first)
		rc = ring_map(&s->pool->done, s->fd, &off.cr, XSK_TX_FRAMES, sizeof(uint64_t),
			      XDP_UMEM_PGOFF_COMPLETION_RING);
	return rc;
}

static bool copies(int fd)
{
	struct xdp_options o = { 0 };
	socklen_t n = sizeof o;

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &o, &n) || !(o.flags & XDP_OPTIONS_ZEROCOPY);
}

int xsk_sock_open(struct xsk_sock *s, struct xsk_pool *pool, unsigned device_index, int shared_fd)
{
	bool first = shared_fd < 0;
	struct sockaddr_xdp at = { .sxdp_family = AF_XDP, .sxdp_ifindex = device_index, .sxdp_queue_id = pool->queue,
				   .sxdp_flags = first ? XDP_USE_NEED_WAKEUP : XDP_SHARED_UMEM,
				   .sxdp_shared_umem_fd = first ? 0 : (uint32_t)shared_fd };
	int size = SEND_BUFFER, budget = BUDGET;

	s->pool = pool;
	s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return errno == EAFNOSUPPORT ? RF_E_UNSUPPORTED : -errno;
	setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	int rc = first ? own_memory(s->fd, pool) : 0;

	if (!rc)
		rc = make_rings(s, first);
	if (!rc)
		set(s->fd, BUDGET_OPTION, &budget, sizeof budget); /* older kernels take 32 at a time */
	if (!rc && bind(s->fd, (struct sockaddr *)&at, sizeof at))
		rc = -errno;
	if (!rc && first)
		pool->copied = copies(s->fd);
	return rc;
}

void xsk_sock_close(struct xsk_sock *s)
{
	ring_unmap(&s->rx);
	ring_unmap(&s->tx);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void xsk_pool_fill(struct xsk_pool *pool)
{
	for (uint32_t i = 0; i < XSK_RX_FRAMES; i++)
		*address_at(&pool->fill, i) = (uint64_t)i * RF_XSK_FRAME_BYTES;
	pool->fill.ours = XSK_RX_FRAMES;
	tell(pool->fill.producer, pool->fill.ours);
}

/* ---- receiving */

unsigned rf_xsk_fds(const struct rf_xsk_part *part, int fds[static RF_XSK_QUEUES_MAX])
{
	for (unsigned i = 0; i < part->x->n_pools; i++)
		fds[i] = part->socks[i].fd;
	return part->x->n_pools;
}

/* The kernel wrote the descriptor; what it says is held against the memory all the same. */
static struct rf_view frame_of(const struct xsk_pool *pool, const struct xdp_desc *d)
{
	uint64_t size = (uint64_t)XSK_RX_FRAMES * RF_XSK_FRAME_BYTES;

	if (d->addr >= size || d->len > RF_XSK_FRAME_BYTES || d->len > size - d->addr)
		return (struct rf_view){ NULL, 0 };
	return rf_view_of(pool->area + d->addr, d->len);
}

unsigned rf_xsk_take(struct rf_xsk_part *part, struct rf_view frames[static RF_XSK_BATCH])
{
	for (unsigned tried = 0; tried < part->x->n_pools; tried++) {
		unsigned at = part->next;
		struct xsk_sock *s = &part->socks[at];
		uint32_t n = theirs(s->rx.producer) - s->rx.ours;

		part->next = at + 1 == part->x->n_pools ? 0 : at + 1;
		if (!n)
			continue;
		n = n > RF_XSK_BATCH ? RF_XSK_BATCH : n;
		for (uint32_t i = 0; i < n; i++)
			frames[i] = frame_of(s->pool, desc_at(&s->rx, s->rx.ours + i));
		part->taken_of = at;
		part->taken = n;
		return n;
	}
	return 0;
}

void rf_xsk_give_back(struct rf_xsk_part *part)
{
	struct xsk_sock *s = &part->socks[part->taken_of];
	struct xsk_pool *pool = s->pool;

	pthread_mutex_lock(&pool->lock);
	/* No more frames go round than the ring has room for. */
	for (unsigned i = 0; i < part->taken; i++)
		*address_at(&pool->fill, pool->fill.ours++) =
			desc_at(&s->rx, s->rx.ours + i)->addr & ~(uint64_t)(RF_XSK_FRAME_BYTES - 1);
	tell(pool->fill.producer, pool->fill.ours);
	pthread_mutex_unlock(&pool->lock);
	s->rx.ours += part->taken;
	tell(s->rx.consumer, s->rx.ours);
	part->taken = 0;
	if (wants_waking(&pool->fill))
		recvfrom(s->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* ---- sending */

/* Frames that the kernel is done with are free, whoever's they were; some of them are ours now. */
static bool get_spares(struct xsk_sock *s)
{
	struct xsk_pool *pool = s->pool;
	struct xsk_ring *done = &pool->done;

	pthread_mutex_lock(&pool->lock);
	uint32_t end = theirs(done->producer);

	for (; done->ours != end; done->ours++) {
		uint64_t frame = *address_at(done, done->ours) / RF_XSK_FRAME_BYTES;

		if (frame >= XSK_RX_FRAMES && frame < RF_XSK_FRAMES && pool->n_free < XSK_TX_FRAMES)
			pool->free[pool->n_free++] = (uint32_t)frame;
	}
	tell(done->consumer, done->ours);
	while (s->n_spare < RF_XSK_BATCH && pool->n_free)
		s->spare[s->n_spare++] = pool->free[--pool->n_free];
	pthread_mutex_unlock(&pool->lock);
	return s->n_spare;
}

static void push(struct xsk_sock *s)
{
	tell(s->tx.producer, s->tx.ours);
	for (unsigned i = 0; i < TRIES && wants_waking(&s->tx); i++) {
		ssize_t rc = sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);

		/* EAGAIN: it took as many as it takes at a time. */
		if (rc >= 0 || errno != EAGAIN || theirs(s->tx.consumer) == s->tx.ours)
			break;
	}
	s->pending = wants_waking(&s->tx) && theirs(s->tx.consumer) != s->tx.ours;
}

/* The queue of the device that frames of this turn came by, if it has that one. */
static struct xsk_sock *sock_towards(struct rf_xsk_part *part, unsigned device)
{
	const struct xsk_device *d = &part->x->devices[device];

	return &part->socks[d->first_pool + part->x->pools[part->taken_of].queue % d->sending_queues];
}

bool rf_xsk_send(struct rf_xsk_part *part, const struct rf_xsk_way *way, struct rf_view payload)
{
	struct xsk_sock *s = sock_towards(part, way->device);

	if (rf_link_ip_bytes(&way->head, payload.n) > RF_XSK_SENT_MAX)
		return false;
	if (!s->n_spare && !get_spares(s)) {
		push(s);
		if (!get_spares(s))
			return false;
	}
	/* The ring has as many places as there are frames. */
	uint64_t at = (uint64_t)s->spare[--s->n_spare] * RF_XSK_FRAME_BYTES;
	size_t n = rf_link_write(&way->head, payload, s->pool->area + at);

	*desc_at(&s->tx, s->tx.ours++) = (struct xdp_desc){ .addr = at, .len = (uint32_t)n };
	s->pending = true;
	return true;
}

void rf_xsk_flush(struct rf_xsk_part *part)
{
	for (unsigned i = 0; i < part->x->n_pools; i++) {
		struct xsk_sock *s = &part->socks[i];

		if (s->pending)
			push(s);
	}
}

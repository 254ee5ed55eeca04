#include "net/net_int.h"

#include "base/err.h"
#include "base/secret.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,
	BATCHES_PER_TURN = 4,        /* then timers and streams have their turn */
	DATAGRAM_MAX = 65507,
	/* Not a power of two: batches whose buffers all began at one offset of a page would share a few cache sets. */
	RX_STRIDE = 65536 + 704,
	QUEUE_ENTRIES = 1024,
	QUEUE_BYTES = 1 << 20,
	RECEIVE_BYTES = 4 << 20,
	SEND_BYTES = 1 << 20,
};

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage peer[BATCH];
	union control control[BATCH];
};

/* One receive and one send, shared by the sockets of a loop: most of the 4 MiB is never touched. */
struct rf_udp_rx {
	struct batch in, out;
	uint8_t bytes[BATCH * RX_STRIDE];
};

struct entry {
	uint32_t at, n;              /* in bytes[] */
	struct rf_addr to, from;
};

struct rf_udp {
	struct rf_net *net;
	struct rf_watch *watch;
	struct rf_udp *next, **link;
	struct rf_defer defer;
	const struct rf_udp_ops *ops;
	void *arg;
	int fd;
	struct rf_addr local;
	bool any;                    /* bound to any address: each datagram says where it came in */
	bool blocked, flushing, freed;
	struct entry *entry;         /* head..tail wait to be sent, bytes[0..used) is theirs */
	uint8_t *bytes;
	uint32_t head, tail, used, cap;
};

static int make_rx(struct rf_net *net)
{
	if (net->rx)
		return 0;
	struct rf_udp_rx *rx = mmap(NULL, sizeof *rx, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rx == MAP_FAILED)
		return -errno;
	madvise(rx, sizeof *rx, MADV_NOHUGEPAGE); /* small datagrams touch a page each, not the whole */
	for (unsigned i = 0; i < BATCH; i++) {
		rx->in.iov[i] = (struct iovec){ rx->bytes + (size_t)i * RX_STRIDE, 65536 };
		rx->in.msg[i].msg_hdr = (struct msghdr){ .msg_name = &rx->in.peer[i], .msg_iov = &rx->in.iov[i],
							 .msg_iovlen = 1 };
	}
	net->rx = rx;
	return 0;
}

void rf_udp_rx_free(struct rf_udp_rx *rx)
{
	if (rx)
		munmap(rx, sizeof *rx);
}

/* The address a datagram was sent to, from the kernel's note. */
static struct rf_addr came_to(const struct rf_udp *udp, struct msghdr *h)
{
	struct rf_addr to = udp->local;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			struct sockaddr_in in = { .sin_family = AF_INET };

			memcpy(&info, CMSG_DATA(c), sizeof info);
			in.sin_addr = info.ipi_addr;
			rf_addr_from_sockaddr((const struct sockaddr *)(const void *)&in, sizeof in, &to);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

			memcpy(&info, CMSG_DATA(c), sizeof info);
			in6.sin6_addr = info.ipi6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				in6.sin6_scope_id = info.ipi6_ifindex;
			rf_addr_from_sockaddr((const struct sockaddr *)(const void *)&in6, sizeof in6, &to);
		}
	}
	to.port = udp->local.port;
	return to;
}

static void deliver(struct rf_udp *udp, unsigned i)
{
	struct rf_udp_rx *rx = udp->net->rx;
	struct rf_net_stats *stats = &udp->net->stats;
	struct mmsghdr *m = &rx->in.msg[i];
	struct rf_addr from, to;

	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		stats->udp_truncated++;
		return;
	}
	const struct sockaddr *peer = (const struct sockaddr *)(const void *)&rx->in.peer[i];
	if (rf_addr_from_sockaddr(peer, m->msg_hdr.msg_namelen, &from) != 0)
		return;
	to = udp->any ? came_to(udp, &m->msg_hdr) : udp->local;
	stats->udp_in++;
	stats->udp_in_bytes += m->msg_len;
	udp->ops->on_datagram(udp->arg, udp, rf_view_of(rx->in.iov[i].iov_base, m->msg_len), &from, &to);
	rf_secret_wipe(rx->in.iov[i].iov_base, m->msg_len); /* keys of media, passwords: the buffer is everybody's */
}

/* False when the socket is drained (or freed by a callback). */
static bool receive(struct rf_udp *udp)
{
	struct rf_udp_rx *rx = udp->net->rx;

	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *h = &rx->in.msg[i].msg_hdr;

		h->msg_namelen = sizeof rx->in.peer[i];
		h->msg_control = udp->any ? &rx->in.control[i] : NULL;
		h->msg_controllen = udp->any ? sizeof rx->in.control[i] : 0;
		h->msg_flags = 0;
	}
	int got = recvmmsg(udp->fd, rx->in.msg, BATCH, MSG_DONTWAIT, NULL);
	udp->net->stats.udp_recv_calls++;
	for (int i = 0; i < got && !udp->freed; i++)
		deliver(udp, (unsigned)i);
	return got == BATCH && !udp->freed;
}

static void ready(void *arg, unsigned events)
{
	struct rf_udp *udp = arg;

	if (events & RF_WATCH_WRITE) {
		udp->blocked = false;
		rf_watch_set(udp->watch, RF_WATCH_READ);
		rf_udp_flush(udp);
	}
	if (events & RF_WATCH_READ)
		for (int i = 0; i < BATCHES_PER_TURN && receive(udp); i++)
			;
}

int rf_udp_open(const struct rf_udp_conf *conf, int *ret_fd)
{
	return rf_socket_bound(&conf->local, SOCK_DGRAM, conf->reuse_port, conf->v6_also_v4, ret_fd);
}

static void set_options(const struct rf_udp *udp, const struct rf_udp_conf *conf)
{
	int in = conf->receive_bytes ? (int)conf->receive_bytes : RECEIVE_BYTES;
	int out = conf->send_bytes ? (int)conf->send_bytes : SEND_BYTES;
	int on = 1;

	/* The kernel bounds the sizes by its own settings; FORCE needs a capability that may be there at start-up. */
	if (setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUFFORCE, &in, sizeof in) != 0)
		setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof in);
	if (setsockopt(udp->fd, SOL_SOCKET, SO_SNDBUFFORCE, &out, sizeof out) != 0)
		setsockopt(udp->fd, SOL_SOCKET, SO_SNDBUF, &out, sizeof out);
	if (udp->any && udp->local.family == 6)
		setsockopt(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	else if (udp->any)
		setsockopt(udp->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	rf_socket_dscp(udp->fd, udp->local.family, udp->net->conf.dscp);
}

static void release(struct rf_defer *defer)
{
	struct rf_udp *udp = rf_container(defer, struct rf_udp, defer);

	free(udp->entry);
	rf_secret_wipe(udp->bytes, udp->used);
	free(udp->bytes);
	free(udp);
}

static int start(struct rf_udp *udp, const struct rf_udp_conf *conf)
{
	int rc = rf_socket_local(udp->fd, &udp->local);

	if (!rc)
		rc = make_rx(udp->net);
	if (rc)
		return rc;
	udp->any = rf_addr_is_any(&udp->local);
	set_options(udp, conf);
	udp->cap = conf->queue_bytes ? conf->queue_bytes : QUEUE_BYTES;
	udp->entry = malloc(QUEUE_ENTRIES * sizeof *udp->entry);
	udp->bytes = malloc(udp->cap);
	if (!udp->entry || !udp->bytes)
		return -ENOMEM;
	rc = rf_watch_new(udp->net->loop, udp->fd, ready, udp, &udp->watch);
	return rc ? rc : rf_watch_set(udp->watch, RF_WATCH_READ);
}

int rf_udp_new_fd(struct rf_net *net, const struct rf_udp_conf *conf, int fd, struct rf_udp **ret_udp)
{
	struct rf_udp *udp = calloc(1, sizeof *udp);

	if (!udp)
		return -ENOMEM;
	*udp = (struct rf_udp){ .net = net, .ops = conf->ops, .arg = conf->arg, .fd = fd };
	rf_defer_init(&udp->defer, release);
	int rc = start(udp, conf);
	if (rc) {
		rf_watch_free(udp->watch);
		release(&udp->defer);
		return rc;
	}
	udp->next = net->udps;
	udp->link = &net->udps;
	if (udp->next)
		udp->next->link = &udp->next;
	net->udps = udp;
	*ret_udp = udp;
	return 0;
}

int rf_udp_new(struct rf_net *net, const struct rf_udp_conf *conf, struct rf_udp **ret_udp)
{
	int fd, rc = rf_udp_open(conf, &fd);

	if (rc)
		return rc;
	rc = rf_udp_new_fd(net, conf, fd, ret_udp);
	if (rc)
		close(fd);
	return rc;
}

void rf_udp_free(struct rf_udp *udp)
{
	if (!udp || udp->freed)
		return;
	rf_udp_flush(udp);
	udp->freed = true;
	*udp->link = udp->next;
	if (udp->next)
		udp->next->link = udp->link;
	rf_watch_free(udp->watch);
	close(udp->fd);
	rf_loop_defer(udp->net->loop, &udp->defer);
}

/* ---- sending */

/* Move what waits to the front, once some of it has left. */
static void compact(struct rf_udp *udp)
{
	if (udp->head == 0)
		return;
	uint32_t from = udp->head < udp->tail ? udp->entry[udp->head].at : udp->used;

	memmove(udp->bytes, udp->bytes + from, udp->used - from);
	memmove(udp->entry, udp->entry + udp->head, (udp->tail - udp->head) * sizeof *udp->entry);
	udp->tail -= udp->head;
	udp->used -= from;
	rf_secret_wipe(udp->bytes + udp->used, from);
	udp->head = 0;
	for (uint32_t i = 0; i < udp->tail; i++)
		udp->entry[i].at -= from;
}

static bool fits(const struct rf_udp *udp, size_t n)
{
	return udp->tail < QUEUE_ENTRIES && n <= udp->cap - udp->used;
}

static bool address_fits(const struct rf_udp *udp, const struct rf_addr *to)
{
	return to->port && (to->family == udp->local.family || (to->family == 4 && udp->local.family == 6));
}

int rf_udp_send(struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *to, const struct rf_addr *from)
{
	if (udp->freed || bytes.n > DATAGRAM_MAX || !address_fits(udp, to))
		return udp->freed ? RF_E_CLOSED : RF_E_INVALID;
	if (!fits(udp, bytes.n))
		compact(udp);
	if (!fits(udp, bytes.n)) {
		udp->net->stats.udp_dropped++;
		return RF_E_LIMIT;
	}
	struct entry *e = &udp->entry[udp->tail++];
	e->at = udp->used;
	e->n = (uint32_t)bytes.n;
	e->to = *to;
	e->from.family = 0;
	if (udp->any && from && !rf_addr_is_any(from))
		e->from = *from;
	if (bytes.n)
		memcpy(udp->bytes + e->at, bytes.p, bytes.n);
	udp->used += e->n;
	if (udp->tail - udp->head >= BATCH && !udp->blocked)
		rf_udp_flush(udp);
	return 0;
}

static size_t put_from(union control *control, const struct rf_addr *from)
{
	if (from->family == 4) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, from->ip, 4);
		control->align = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
						   .cmsg_len = CMSG_LEN(sizeof info) };
		memcpy(CMSG_DATA(&control->align), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	struct in6_pktinfo info = { .ipi6_ifindex = from->scope };
	memcpy(&info.ipi6_addr, from->ip, 16);
	control->align = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO,
					   .cmsg_len = CMSG_LEN(sizeof info) };
	memcpy(CMSG_DATA(&control->align), &info, sizeof info);
	return CMSG_SPACE(sizeof info);
}

/* Hand over up to a batch. Returns what sendmmsg does, with -errno. */
static int send_batch(struct rf_udp *udp)
{
	struct batch *b = &udp->net->rx->out;
	unsigned n = 0;

	for (; n < BATCH && udp->head + n < udp->tail; n++) {
		struct entry *e = &udp->entry[udp->head + n];
		struct msghdr *h = &b->msg[n].msg_hdr;

		b->iov[n] = (struct iovec){ udp->bytes + e->at, e->n };
		*h = (struct msghdr){ .msg_name = &b->peer[n], .msg_iov = &b->iov[n], .msg_iovlen = 1 };
		h->msg_namelen = (socklen_t)rf_addr_to_sockaddr(&e->to, &b->peer[n]);
		if (e->from.family) {
			h->msg_control = &b->control[n];
			h->msg_controllen = put_from(&b->control[n], &e->from);
		}
	}
	int sent = sendmmsg(udp->fd, b->msg, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	udp->net->stats.udp_send_calls++;
	return sent < 0 ? -errno : sent;
}

static void sent_first(struct rf_udp *udp, int n)
{
	for (int i = 0; i < n; i++)
		udp->net->stats.udp_out_bytes += udp->entry[udp->head++].n;
	udp->net->stats.udp_out += (unsigned)n;
}

/* The kernel refuses the first one: it is dropped and the others go on. */
static void refused_first(struct rf_udp *udp, int err)
{
	struct rf_addr to = udp->entry[udp->head++].to;

	udp->net->stats.udp_errors++;
	if (udp->ops->on_error && !udp->freed)
		udp->ops->on_error(udp->arg, udp, &to, err);
}

void rf_udp_flush(struct rf_udp *udp)
{
	/* on_error may queue more: that waits for the next flush, so that two who fail each other end. */
	uint32_t most = udp->tail - udp->head;

	if (udp->flushing)
		return;
	udp->flushing = true;
	while (most && udp->head < udp->tail && !udp->blocked && !udp->freed) {
		int rc = send_batch(udp);

		if (rc > 0) {
			sent_first(udp, rc);
			most -= (uint32_t)rc < most ? (uint32_t)rc : most;
		} else if (rc == -EAGAIN) {
			udp->blocked = true;
			rf_watch_set(udp->watch, RF_WATCH_READ | RF_WATCH_WRITE);
		} else if (rc != -EINTR) {
			refused_first(udp, rc);
			most--;
		}
	}
	udp->flushing = false;
	if (udp->head == udp->tail) {
		rf_secret_wipe(udp->bytes, udp->used);
		udp->head = udp->tail = udp->used = 0;
	}
}

void rf_udp_flush_all(struct rf_net *net)
{
	for (struct rf_udp *udp = net->udps, *next; udp; udp = next) {
		next = udp->next;
		if (udp->head < udp->tail && !udp->blocked)
			rf_udp_flush(udp);
	}
}

void rf_udp_backlog(const struct rf_net *net, struct rf_udp_backlog *ret_b)
{
	struct rf_udp_backlog b = { 0 };

	for (const struct rf_udp *udp = net->udps; udp; udp = udp->next) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t n = sizeof info;

		if (getsockopt(udp->fd, SOL_SOCKET, SO_MEMINFO, info, &n) != 0)
			continue;
		b.dropped += info[SK_MEMINFO_DROPS];
		if (!b.room ||
		    (uint64_t)info[SK_MEMINFO_RMEM_ALLOC] * b.room > (uint64_t)b.bytes * info[SK_MEMINFO_RCVBUF]) {
			b.bytes = info[SK_MEMINFO_RMEM_ALLOC];
			b.room = info[SK_MEMINFO_RCVBUF];
		}
	}
	*ret_b = b;
}

const struct rf_addr *rf_udp_local(const struct rf_udp *udp)
{
	return &udp->local;
}

int rf_udp_fd(const struct rf_udp *udp)
{
	return udp->fd;
}

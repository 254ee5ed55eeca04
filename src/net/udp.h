/* A UDP socket on a loop: receives up to 64 datagrams with one system call and sends what one turn queued with one
 * (recvmmsg, sendmmsg). */
#ifndef RF_NET_UDP_H
#define RF_NET_UDP_H

#include "net/addr.h"
#include "net/net.h"

struct rf_udp;

struct rf_udp_ops {
	/* One datagram. to is the local address that it was sent to, also when the socket is bound to any address. */
	void (*on_datagram)(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			    const struct rf_addr *to);
	/* A send that the kernel refused at once: err is -errno (e.g. -ENETUNREACH, -EMSGSIZE). May be NULL. */
	void (*on_error)(void *arg, struct rf_udp *udp, const struct rf_addr *to, int err);
};

struct rf_udp_conf {
	struct rf_addr local;            /* port 0: the kernel chooses */
	bool reuse_port;                 /* several workers on one address: the kernel spreads the sources */
	bool v6_also_v4;                 /* "::" takes IPv4 too; otherwise IPv6 only */
	uint32_t queue_bytes;            /* bound on what waits to be sent, 0: 1 MiB */
	uint32_t receive_bytes, send_bytes; /* the kernel's buffers, 0: 4 MiB and 1 MiB, as far as it allows */
	const struct rf_udp_ops *ops;    /* must outlive the socket */
	void *arg;
};

/* -errno of the bind and the like. The caller ends it with rf_udp_free(). */
int rf_udp_new(struct rf_net *net, const struct rf_udp_conf *conf, struct rf_udp **ret_udp);
/* Sends what is queued as far as the kernel takes it. Safe from its own callbacks. NULL is fine. */
void rf_udp_free(struct rf_udp *udp);
/* Adopt a bound socket that the caller opened (e.g. before dropping privileges); conf->local is then ignored. On
 * success the socket owns fd. */
int rf_udp_new_fd(struct rf_net *net, const struct rf_udp_conf *conf, int fd, struct rf_udp **ret_udp);
/* Open and bind only: for rf_udp_new_fd() on another thread. */
int rf_udp_open(const struct rf_udp_conf *conf, int *ret_fd);

/* Copy bytes into the socket's queue, sent at the end of the turn at the latest. from: the local address to send from
 * (port ignored), NULL or any: the kernel's choice. RF_E_LIMIT: no room, dropped and counted; RF_E_INVALID: the address
 * has another family, no port, or bytes.n is over 65,507. */
int rf_udp_send(struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *to, const struct rf_addr *from);
/* Hand over what is queued now. */
void rf_udp_flush(struct rf_udp *udp);

/* What has come for the sockets of a loop and was not read yet. */
struct rf_udp_backlog {
	uint32_t bytes, room;            /* as the kernel counts them (with its own part), of the fullest socket */
	uint32_t dropped;                /* datagrams for which there was no room, of all sockets since
					  * they were made; wraps */
};
void rf_udp_backlog(const struct rf_net *net, struct rf_udp_backlog *ret_b);

const struct rf_addr *rf_udp_local(const struct rf_udp *udp); /* as bound, with the port */
int rf_udp_fd(const struct rf_udp *udp);

#endif

#include "net/net_int.h"

#include "base/err.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	KEEP_IDLE_S = 120,        /* a vanished phone is found in some minutes, also without outbound keep-alives */
	KEEP_EACH_S = 30,
	KEEP_COUNT = 3,
	USER_TIMEOUT_MS = 64000,  /* longer than any transaction (64*T1, RFC 3261 17) has use for the bytes */
};

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) ? -errno : 0;
}

int rf_socket_bound(const struct rf_addr *local, int type, bool reuse_port, bool v6_also_v4, int *ret_fd)
{
	struct sockaddr_storage sa;
	size_t len = rf_addr_to_sockaddr(local, &sa);

	if (!len)
		return -EAFNOSUPPORT;
	int fd = socket(sa.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = 0;
	if (fd < 0)
		return -errno;
	if (local->family == 6)
		rc = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !v6_also_v4);
	if (!rc && type == SOCK_STREAM)
		rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!rc && reuse_port)
		rc = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!rc && bind(fd, (const struct sockaddr *)&sa, (socklen_t)len) != 0)
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int rf_socket_local(int fd, struct rf_addr *ret_addr)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return -errno;
	if (sa.ss_family == AF_UNIX) {
		*ret_addr = (struct rf_addr){ .family = 0 };
		return 0;
	}
	return rf_addr_from_sockaddr((const struct sockaddr *)&sa, len, ret_addr);
}

void rf_socket_dscp(int fd, unsigned family, uint8_t dscp)
{
	if (!dscp)
		return;
	/* Refused, or of no use in this network: packets still arrive. A socket of IPv6 may carry IPv4 as well. */
	if (family == 6)
		set(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2);
	set(fd, IPPROTO_IP, IP_TOS, dscp << 2);
}

void rf_socket_tcp_options(int fd)
{
	/* A kernel without one of these still carries calls: not an error. */
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EACH_S);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
}

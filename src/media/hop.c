#include "media/hop.h"

#include "base/err.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 8192 };

int rf_hop_open(int *ret_fd)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* One question, its answer. Answers to questions before it, if one was ever left, are passed over. */
static int ask(int fd, struct nlmsghdr *h, uint32_t number, char answer[static ANSWER_MAX],
	       struct nlmsghdr **ret_answer)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = number;
	if (sendto(fd, h, h->nlmsg_len, MSG_DONTWAIT, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, answer, ANSWER_MAX, MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0)
			return -errno;
		struct nlmsghdr *a = (struct nlmsghdr *)(void *)answer;

		if (!mnl_nlmsg_ok(a, left) || a->nlmsg_seq != number)
			continue;
		if (a->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(a);

			return a->nlmsg_len < NLMSG_LENGTH(sizeof *e) ? RF_E_MALFORMED : e->error ? e->error : RF_E_MALFORMED;
		}
		*ret_answer = a;
		return 0;
	}
}

struct route {
	unsigned device;
	const uint8_t *gateway;      /* NULL: it is a neighbour itself */
	bool odd;
};

static size_t ip_bytes(const struct rf_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

static int read_route(const struct nlmsghdr *h, size_t ip_n, struct route *ret)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct nlattr *a;

	*ret = (struct route){ 0 };
	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof *rt))
		return RF_E_MALFORMED;
	if (rt->rtm_type != RTN_UNICAST)
		return RF_E_UNSUPPORTED;
	mnl_attr_for_each(a, h, sizeof *rt) {
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			ret->device = mnl_attr_get_payload_len(a) == 4 ? mnl_attr_get_u32(a) : 0;
			break;
		case RTA_GATEWAY:
			ret->gateway = mnl_attr_get_payload(a);
			ret->odd = ret->odd || mnl_attr_get_payload_len(a) != ip_n;
			break;
		case RTA_VIA:            /* a gateway of the other family */
		case RTA_ENCAP:
			ret->odd = true;
			break;
		}
	}
	return ret->odd ? RF_E_UNSUPPORTED : 0;
}

static int find_route(int fd, uint32_t number, const struct rf_addr *from, const struct rf_addr *to,
		      char answer[static ANSWER_MAX], struct route *ret)
{
	char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf), *a;
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);
	size_t n = ip_bytes(to);

	h->nlmsg_type = RTM_GETROUTE;
	rt->rtm_family = to->family == 4 ? AF_INET : AF_INET6;
	rt->rtm_dst_len = rt->rtm_src_len = (uint8_t)(8 * n);
	mnl_attr_put(h, RTA_DST, n, to->ip);
	mnl_attr_put(h, RTA_SRC, n, from->ip);
	int rc = ask(fd, h, number, answer, &a);

	return rc ? rc : read_route(a, n, ret);
}

static int read_neighbour(const struct nlmsghdr *h, struct rf_hop *ret)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct nlattr *a;
	bool known = false;

	if (h->nlmsg_type != RTM_NEWNEIGH || h->nlmsg_len < NLMSG_LENGTH(sizeof *nd))
		return RF_E_MALFORMED;
	if (!(nd->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
		return RF_E_NOT_FOUND;
	mnl_attr_for_each(a, h, sizeof *nd)
		if (mnl_attr_get_type(a) == NDA_LLADDR && mnl_attr_get_payload_len(a) == sizeof ret->mac) {
			memcpy(ret->mac, mnl_attr_get_payload(a), sizeof ret->mac);
			known = true;
		}
	ret->fresh = nd->ndm_state & (NUD_REACHABLE | NUD_PERMANENT);
	return known ? 0 : RF_E_NOT_FOUND;
}

static int find_neighbour(int fd, uint32_t number, unsigned device, uint8_t family, const uint8_t *ip,
			  char answer[static ANSWER_MAX], struct rf_hop *ret)
{
	char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf), *a;
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(h, sizeof *nd);

	h->nlmsg_type = RTM_GETNEIGH;
	nd->ndm_family = family == 4 ? AF_INET : AF_INET6;
	nd->ndm_ifindex = (int)device;
	mnl_attr_put(h, NDA_DST, family == 4 ? 4 : 16, ip);
	int rc = ask(fd, h, number, answer, &a);

	return rc == -ENOENT ? RF_E_NOT_FOUND : rc ? rc : read_neighbour(a, ret);
}

int rf_hop_ask(int fd, unsigned device, const struct rf_addr *from, const struct rf_addr *to, struct rf_hop *ret_hop)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	struct route route;
	struct rf_hop hop;
	uint8_t next[16];
	int rc = find_route(fd, 1, from, to, answer, &route);

	if (rc)
		return rc;
	if (route.device != device)
		return RF_E_UNSUPPORTED;
	memcpy(next, route.gateway ? route.gateway : to->ip, ip_bytes(to));
	rc = find_neighbour(fd, 2, device, to->family, next, answer, &hop);
	if (!rc)
		*ret_hop = hop;
	return rc;
}

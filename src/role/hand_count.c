#include "role/hand_int.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <sys/socket.h>

/* --- which counters count drops */

static void add_once(struct rf_hand_drops *d, struct rf_view id)
{
	for (size_t i = 0; i < d->n; i++)
		if (rf_view_eq(rf_view_str(d->id[i]), id))
			return;
	if (d->n < RF_HAND_COUNTERS_MAX && rf_view_cstr(id, d->id[d->n], RF_HAND_ID))
		d->n++;
}

void rf_hand_drops_of(struct rf_view rules, struct rf_hand_drops *ret)
{
	static const struct rf_view before = { (const uint8_t *)"counter name ", 13 };
	static const struct rf_view behind = { (const uint8_t *)" drop", 5 };

	ret->n = 0;
	for (struct rf_view rest = rules; rest.n;) {
		const uint8_t *at = rest.p ? memmem(rest.p, rest.n, before.p, before.n) : NULL;

		if (!at)
			return;
		rest = rf_view_from(rest, (size_t)(at - rest.p) + before.n);
		size_t n = 0;
		while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\n')
			n++;
		if (rf_view_starts(rf_view_from(rest, n), behind))
			add_once(ret, rf_view_sub(rest, 0, n));
	}
}

/* --- what they have counted */

struct reading {
	const struct rf_hand_drops *drops;
	struct rf_hand_counter *v;
};

static void put_counts(struct rf_hand_counter *c, const struct nlattr *data)
{
	struct nlattr *a;

	mnl_attr_for_each_nested(a, data) {
		if (mnl_attr_get_type(a) == NFTA_COUNTER_PACKETS)
			c->packets = be64toh(mnl_attr_get_u64(a));
		else if (mnl_attr_get_type(a) == NFTA_COUNTER_BYTES)
			c->bytes = be64toh(mnl_attr_get_u64(a));
	}
}

static void take_counter(const struct nlmsghdr *h, void *arg)
{
	const struct reading *r = arg;
	const struct nlattr *data = NULL;
	struct nlattr *a;
	const char *name = NULL;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(a) == NFTA_OBJ_NAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			name = mnl_attr_get_str(a);
		else if (mnl_attr_get_type(a) == NFTA_OBJ_DATA)
			data = a;
	}
	for (size_t i = 0; name && data && i < r->drops->n; i++)
		if (strcmp(r->v[i].id, name) == 0)
			put_counts(&r->v[i], data);
}

int rf_hand_counters(struct rf_hand_net *n, const struct rf_hand_drops *drops, struct rf_hand_counter *v, size_t *ret_n)
{
	struct reading r = { drops, v };
	struct nlmsghdr *h = mnl_nlmsg_put_header(n->buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);

	for (size_t i = 0; i < drops->n; i++) {
		v[i] = (struct rf_hand_counter){ 0 };
		memcpy(v[i].id, drops->id[i], RF_HAND_ID);
	}
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = n->seq++;
	*g = (struct nfgenmsg){ .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	mnl_attr_put_strz(h, NFTA_OBJ_TABLE, RF_HAND_TABLE);
	mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	int rc = drops->n ? rf_hand_net_dump(n, h, take_counter, &r) : 0;
	if (!rc)
		*ret_n = drops->n;
	return rc;
}

/* --- refused packets */

static int configure(struct mnl_socket *nl, unsigned group, uint16_t attr, const void *p, size_t n)
{
	uint8_t buf[256], in[512];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);

	h->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	*g = (struct nfgenmsg){ .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons((uint16_t)group) };
	mnl_attr_put(h, attr, n, p);
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	ssize_t got = recv(mnl_socket_get_fd(nl), in, sizeof in, 0);
	const struct nlmsghdr *answer = (const struct nlmsghdr *)(const void *)in;
	if (got < 0)
		return -errno;
	if (!mnl_nlmsg_ok(answer, (int)got) || answer->nlmsg_type != NLMSG_ERROR)
		return 0; /* a packet came already: then it is bound */
	return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(answer))->error;
}

int rf_hand_log_open(unsigned group, struct mnl_socket **ret_nl)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(RF_HAND_PACKET), .copy_mode = NFULNL_COPY_PACKET };
	const uint32_t at_once = htonl(1);
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int rc = nl ? 0 : -errno;

	if (!rc && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	if (!rc)
		rc = configure(nl, group, NFULA_CFG_CMD, &bind, sizeof bind);
	if (!rc)
		rc = configure(nl, group, NFULA_CFG_MODE, &mode, sizeof mode);
	if (!rc) /* each at once: they are few, the rules see to that */
		rc = configure(nl, group, NFULA_CFG_QTHRESH, &at_once, sizeof at_once);
	if (rc) {
		rf_hand_log_close(nl);
		return rc;
	}
	*ret_nl = nl;
	return 0;
}

int rf_hand_log_fd(const struct mnl_socket *nl)
{
	return mnl_socket_get_fd(nl);
}

void rf_hand_log_close(struct mnl_socket *nl)
{
	if (nl)
		mnl_socket_close(nl);
}

static void one_packet(const struct nlmsghdr *h, void (*take)(const struct rf_hand_drop *drop, void *arg), void *arg)
{
	struct rf_hand_drop d = { 0 };
	struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(a) == NFULA_PREFIX && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0) {
			strncpy(d.id, mnl_attr_get_str(a), sizeof d.id - 1);
		} else if (mnl_attr_get_type(a) == NFULA_PAYLOAD) {
			d.n = mnl_attr_get_payload_len(a);
			if (d.n > RF_HAND_PACKET)
				d.n = RF_HAND_PACKET;
			memcpy(d.bytes, mnl_attr_get_payload(a), d.n);
		}
	}
	take(&d, arg);
}

void rf_hand_log_read(struct mnl_socket *nl, void (*take)(const struct rf_hand_drop *drop, void *arg), void *arg)
{
	uint8_t in[65536];
	ssize_t got = recv(mnl_socket_get_fd(nl), in, sizeof in, MSG_DONTWAIT);
	int left = (int)got;

	if (got <= 0)
		return;
	for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
		if (h->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			one_packet(h, take, arg);
}

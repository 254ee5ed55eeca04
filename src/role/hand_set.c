#include "role/hand_int.h"

#include "policy/flow.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The longest order, as refreshes one by one: two messages of some 170 bytes each. */
enum { BUFFER = 512 * 1024, KEY_MAX = 44, SAVED_LINE = 256 };

/* --- keys: each part of a concatenation is filled up to four bytes */

static size_t put_part(uint8_t *key, size_t at, const void *p, size_t n)
{
	memcpy(key + at, p, n);
	return at + (n + 3) / 4 * 4;
}

static size_t key_of(const struct rf_hand_element *e, uint8_t key[static KEY_MAX])
{
	const struct rf_tuple *t = &e->tuple;
	size_t n = t->family == 4 ? 4 : 16, at = 0;
	uint16_t sport = htons(t->sport), dport = htons(t->dport);

	memset(key, 0, KEY_MAX);
	if (e->set == RF_HAND_BLOCKED)
		return put_part(key, at, t->src, n);
	at = put_part(key, at, &t->protocol, 1);
	at = put_part(key, at, t->src, n);
	if (e->set == RF_HAND_PINHOLES)
		at = put_part(key, at, &sport, 2);
	at = put_part(key, at, t->dst, n);
	return put_part(key, at, &dport, 2);
}

/* --- messages */

static const char *set_name(unsigned set, uint8_t family)
{
	static const char *const names[RF_HAND_SETS][2] = {
		[RF_HAND_PINHOLES] = { RF_PINHOLE_SET4, RF_PINHOLE_SET6 },
		[RF_HAND_BLOCKED] = { RF_BLOCKED_SET4, RF_BLOCKED_SET6 },
		[RF_HAND_OPENINGS] = { RF_OPENING_SET4, RF_OPENING_SET6 },
	};

	return names[set][family == 6];
}

static struct nlmsghdr *begin_message(struct rf_hand_net *n, size_t at, uint16_t type, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(n->buf + at);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = n->seq++;
	*g = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id) };
	return h;
}

static uint16_t nft_type(unsigned what)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | what);
}

static void put_element(struct nlmsghdr *h, const struct rf_hand_element *e, bool add)
{
	uint8_t key[KEY_MAX];
	size_t n = key_of(e, key);
	struct nlattr *item = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	struct nlattr *k = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);

	mnl_attr_put(h, NFTA_DATA_VALUE, n, key);
	mnl_attr_nest_end(h, k);
	if (add)
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)e->timeout_ms + RF_HAND_GRACE_MS));
	mnl_attr_nest_end(h, item);
}

static size_t put_list(struct rf_hand_net *n, size_t at, const struct rf_hand_element *v, size_t count, bool add,
		       struct nlmsghdr **ret_last)
{
	struct nlmsghdr *h =
		begin_message(n, at, nft_type(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM), NFPROTO_INET, 0);

	if (add)
		h->nlmsg_flags |= NLM_F_CREATE;
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, RF_HAND_TABLE);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set_name(v->set, v->tuple.family));
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++)
		put_element(h, &v[i], add);
	mnl_attr_nest_end(h, list);
	*ret_last = h;
	return at + h->nlmsg_len;
}

/* --- one transaction */

/* Whatever the kernel has to say to it was said while we sent it. 0 when it was the one answer that we asked for. */
static int read_answers(struct rf_hand_net *n, uint32_t last)
{
	uint8_t in[16384];
	int err = 0;
	bool done = false;

	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(n->nl), in, sizeof in, MSG_DONTWAIT);
		int left = (int)got;

		if (got < 0)
			return err ? err : done ? 0 : -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)in; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error && !err)
				err = e->error;
			done |= h->nlmsg_seq == last;
		}
	}
}

static int transact(struct rf_hand_net *n, const struct rf_hand_element *v, size_t count)
{
	struct nlmsghdr *last = NULL;
	size_t at = begin_message(n, 0, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;

	for (size_t i = 0, to; i < count; i = to) {
		for (to = i + 1; to < count && v[to].op == v[i].op && v[to].set == v[i].set &&
				     v[to].tuple.family == v[i].tuple.family;)
			to++;
		if (v[i].op != RF_HAND_OPEN)
			at = put_list(n, at, &v[i], to - i, false, &last);
		if (v[i].op != RF_HAND_CLOSE)
			at = put_list(n, at, &v[i], to - i, true, &last);
	}
	last->nlmsg_flags |= NLM_F_ACK;
	at += begin_message(n, at, NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	if (mnl_socket_sendto(n->nl, n->buf, at) < 0)
		return -errno;
	return read_answers(n, last->nlmsg_seq);
}

/* One that was not to be done together with the others. */
static int alone(struct rf_hand_net *n, const struct rf_hand_element *e)
{
	struct rf_hand_element again = *e;
	int rc = transact(n, e, 1);

	if (rc != -ENOENT || e->op == RF_HAND_OPEN)
		return rc;
	if (e->op == RF_HAND_CLOSE)
		return 0;
	again.op = RF_HAND_OPEN; /* it went while we were about to refresh it, or the whole table is not there */
	return transact(n, &again, 1);
}

size_t rf_hand_net_elements(struct rf_hand_net *n, const struct rf_hand_element *v, size_t count,
			    uint8_t ret_failed[static RF_HAND_ELEMENTS_MAX / 8])
{
	size_t failed = 0;

	memset(ret_failed, 0, RF_HAND_ELEMENTS_MAX / 8);
	if (!count || !transact(n, v, count))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (alone(n, &v[i])) {
			ret_failed[i / 8] |= (uint8_t)(1u << i % 8);
			failed++;
		}
	return failed;
}

/* --- what is there */

int rf_hand_net_dump(struct rf_hand_net *n, struct nlmsghdr *req, void (*take)(const struct nlmsghdr *h, void *arg),
		     void *arg)
{
	uint8_t *in = malloc(65536);
	int rc = in ? 0 : -ENOMEM;
	bool end = false;

	req->nlmsg_flags |= NLM_F_DUMP;
	if (!rc && mnl_socket_sendto(n->nl, req, req->nlmsg_len) < 0)
		rc = -errno;
	while (!rc && !end) {
		ssize_t got = recv(mnl_socket_get_fd(n->nl), in, 65536, 0);
		int left = (int)got;

		if (got < 0) {
			rc = errno == EINTR ? 0 : -errno;
			continue;
		}
		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)in; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != req->nlmsg_seq)
				continue;
			if (h->nlmsg_type == NLMSG_ERROR)
				rc = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
			end |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
			if (h->nlmsg_type >= NLMSG_MIN_TYPE)
				take(h, arg);
		}
	}
	free(in);
	return rc;
}

struct saved {
	char *text;
	size_t n, cap;
	uint8_t family, set;
	int err;
};

/* "6 . 10.1.2.3 . 5060 . 10.1.2.4 . 5060", of an opening "17 . 10.1.2.3 . 10.1.2.4 . 20000", or an address alone. */
static void save_key(const struct saved *s, const uint8_t *key, char dst[static SAVED_LINE / 2])
{
	char src[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	size_t n = s->family == 4 ? 4 : 16;
	int af = s->family == 4 ? AF_INET : AF_INET6;
	uint16_t sport, dport;

	if (s->set == RF_HAND_BLOCKED) {
		inet_ntop(af, key, dst, SAVED_LINE / 2);
		return;
	}
	inet_ntop(af, key + 4, src, sizeof src);
	if (s->set == RF_HAND_OPENINGS) {
		memcpy(&dport, key + 4 + 2 * n, 2);
		inet_ntop(af, key + 4 + n, to, sizeof to);
		snprintf(dst, SAVED_LINE / 2, "%u . %s . %s . %u", (unsigned)key[0], src, to, (unsigned)ntohs(dport));
		return;
	}
	memcpy(&sport, key + 4 + n, 2);
	memcpy(&dport, key + 8 + 2 * n, 2);
	inet_ntop(af, key + 8 + n, to, sizeof to);
	snprintf(dst, SAVED_LINE / 2, "%u . %s . %u . %s . %u", (unsigned)key[0], src, (unsigned)ntohs(sport), to,
		 (unsigned)ntohs(dport));
}

static void save_line(struct saved *s, const uint8_t *key, uint64_t left_ms)
{
	char text[SAVED_LINE / 2];

	if (s->cap - s->n < SAVED_LINE) {
		size_t cap = s->cap ? s->cap * 2 : 65536;
		char *more = realloc(s->text, cap);

		if (!more) {
			s->err = -ENOMEM;
			return;
		}
		s->text = more;
		s->cap = cap;
	}
	save_key(s, key, text);
	s->n += (size_t)snprintf(s->text + s->n, SAVED_LINE,
				 "add element inet " RF_HAND_TABLE " %s { %s timeout %llums }\n",
				 set_name(s->set, s->family), text, (unsigned long long)left_ms);
}

static const struct nlattr *child_of(const struct nlattr *nest, uint16_t type)
{
	struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

static size_t key_length(unsigned set, uint8_t family)
{
	size_t n = family == 4 ? 4 : 16;

	return set == RF_HAND_BLOCKED ? n : set == RF_HAND_OPENINGS ? 8 + 2 * n : 12 + 2 * n;
}

static void save_elements(const struct nlmsghdr *h, void *arg)
{
	struct saved *s = arg;
	struct nlattr *list, *item;

	mnl_attr_for_each(list, h, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(item, list) {
			const struct nlattr *key = child_of(item, NFTA_SET_ELEM_KEY);
			const struct nlattr *value = key ? child_of(key, NFTA_DATA_VALUE) : NULL;
			const struct nlattr *left = child_of(item, NFTA_SET_ELEM_EXPIRATION);

			if (value && left && mnl_attr_get_payload_len(value) == key_length(s->set, s->family) &&
			    be64toh(mnl_attr_get_u64(left)) && !s->err)
				save_line(s, mnl_attr_get_payload(value), be64toh(mnl_attr_get_u64(left)));
		}
	}
}

/* Rules of an older ringfort may lack a set; what was in it ends with them. */
static bool has_set(struct rf_view rules, const char *name)
{
	char text[64];
	int n = snprintf(text, sizeof text, "\tset %s {", name);

	return rules.p && memmem(rules.p, rules.n, text, (size_t)n);
}

int rf_hand_net_saved(struct rf_hand_net *n, struct rf_view rules, char **ret_text, size_t *ret_n)
{
	struct saved s = { 0 };
	int rc = 0;

	for (unsigned i = 0; i < 2 * RF_HAND_SETS && !rc; i++) {
		struct nlmsghdr *h = begin_message(n, 0, nft_type(NFT_MSG_GETSETELEM), NFPROTO_INET, 0);

		s.family = i % 2 ? 6 : 4;
		s.set = (uint8_t)(i / 2);
		if (!has_set(rules, set_name(s.set, s.family)))
			continue;
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, RF_HAND_TABLE);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set_name(s.set, s.family));
		rc = rf_hand_net_dump(n, h, save_elements, &s);
		if (rc == -ENOENT)
			rc = 0;
		rc = rc ? rc : s.err;
	}
	if (rc) {
		free(s.text);
		return rc;
	}
	*ret_text = s.text;
	*ret_n = s.n;
	return 0;
}

/* --- the socket */

int rf_hand_net_open(struct rf_hand_net *n, struct rf_diag *diag)
{
	int bytes = 4 * 1024 * 1024;

	*n = (struct rf_hand_net){ .nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC), .cap = BUFFER, .seq = 1 };
	int rc = n->nl ? 0 : -errno;
	if (!rc && mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	n->buf = rc ? NULL : malloc(BUFFER);
	if (!rc && !n->buf)
		rc = -ENOMEM;
	if (rc) {
		rf_hand_net_close(n);
		return rf_diag_set(diag, rc, "netlink: %s", rf_err_text(rc));
	}
	setsockopt(mnl_socket_get_fd(n->nl), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
	setsockopt(mnl_socket_get_fd(n->nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
	return 0;
}

void rf_hand_net_close(struct rf_hand_net *n)
{
	if (n->nl)
		mnl_socket_close(n->nl);
	free(n->buf);
	*n = (struct rf_hand_net){ 0 };
}

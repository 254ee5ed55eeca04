/* What a match of nftables looks at. */
#include "prove/nft_int.h"

#include <netinet/in.h>

struct look {
	const char *of, *key;   /* "tcp", "dport" */
	uint8_t field;
	uint8_t family, proto;  /* implied; 0: nothing */
	uint8_t chance;         /* of what sets do not know: rest + 1 */
};

#define YES (RF_RS_REST_YES + 1)
#define NO (RF_RS_REST_NO + 1)
#define EITHER (RF_RS_REST_EITHER + 1)

/* NO: an ordinary packet has none of it, so a match is nothing that a flow needs. */
static const struct look payloads[] = {
	{ "ip", "saddr", RF_RS_SRC, 4 }, { "ip", "daddr", RF_RS_DST, 4 }, { "ip", "protocol", RF_RS_PROTO, 4 },
	{ "ip", "dscp", RF_RS_DSCP, 4 }, { "ip", "length", 0, 4, 0, EITHER }, { "ip", "ttl", 0, 4, 0, EITHER },
	{ "ip", "id", 0, 4, 0, EITHER }, { "ip", "ecn", 0, 4, 0, EITHER }, { "ip", "version", RF_RS_FAMILY },
	{ "ip6", "saddr", RF_RS_SRC, 6 }, { "ip6", "daddr", RF_RS_DST, 6 }, { "ip6", "dscp", RF_RS_DSCP, 6 },
	{ "ip6", "length", 0, 6, 0, EITHER }, { "ip6", "hoplimit", 0, 6, 0, EITHER },
	{ "ip6", "flowlabel", 0, 6, 0, EITHER }, { "ip6", "ecn", 0, 6, 0, EITHER },
	{ "tcp", "sport", RF_RS_SPORT, 0, IPPROTO_TCP }, { "tcp", "dport", RF_RS_DPORT, 0, IPPROTO_TCP },
	{ "tcp", "flags", RF_RS_TCP_FLAGS, 0, IPPROTO_TCP }, { "tcp", "window", 0, 0, IPPROTO_TCP, EITHER },
	{ "udp", "sport", RF_RS_SPORT, 0, IPPROTO_UDP }, { "udp", "dport", RF_RS_DPORT, 0, IPPROTO_UDP },
	{ "udp", "length", 0, 0, IPPROTO_UDP, EITHER },
	{ "sctp", "sport", RF_RS_SPORT, 0, IPPROTO_SCTP }, { "sctp", "dport", RF_RS_DPORT, 0, IPPROTO_SCTP },
	{ "dccp", "sport", RF_RS_SPORT, 0, IPPROTO_DCCP }, { "dccp", "dport", RF_RS_DPORT, 0, IPPROTO_DCCP },
	{ "udplite", "sport", RF_RS_SPORT, 0, IPPROTO_UDPLITE },
	{ "udplite", "dport", RF_RS_DPORT, 0, IPPROTO_UDPLITE },
	{ "th", "sport", RF_RS_SPORT }, { "th", "dport", RF_RS_DPORT },
	{ "icmp", "type", RF_RS_ICMP_TYPE, 4, IPPROTO_ICMP }, { "icmp", "code", RF_RS_ICMP_CODE, 4, IPPROTO_ICMP },
	{ "icmpv6", "type", RF_RS_ICMP_TYPE, 6, IPPROTO_ICMPV6 },
	{ "icmpv6", "code", RF_RS_ICMP_CODE, 6, IPPROTO_ICMPV6 },
	{ "ether", "saddr", 0, 0, 0, EITHER }, { "ether", "daddr", 0, 0, 0, EITHER }, { 0 },
};
static const struct look metas[] = {
	{ "", "nfproto", RF_RS_FAMILY }, { "", "protocol", RF_RS_FAMILY }, { "", "l4proto", RF_RS_PROTO },
	{ "", "iifname", RF_RS_IN }, { "", "iif", RF_RS_IN }, { "", "oifname", RF_RS_OUT }, { "", "oif", RF_RS_OUT },
	{ "", "mark", RF_RS_MARK }, { "", "pkttype", RF_RS_PKTTYPE }, { "", "length", 0, 0, 0, EITHER },
	{ "", "hour", 0, 0, 0, EITHER }, { "", "day", 0, 0, 0, EITHER }, { "", "time", 0, 0, 0, EITHER },
	{ "", "skuid", 0, 0, 0, EITHER }, { "", "skgid", 0, 0, 0, EITHER }, { "", "cgroup", 0, 0, 0, EITHER },
	{ "", "cpu", 0, 0, 0, EITHER }, { "", "priority", 0, 0, 0, EITHER }, { 0 },
};
static const struct look cts[] = {
	{ "", "state", RF_RS_STATE }, { "", "direction", RF_RS_DIRECTION }, { "", "status", 0, 0, 0, EITHER },
	{ "", "mark", 0, 0, 0, EITHER }, { "", "expiration", 0, 0, 0, EITHER }, { "", "bytes", 0, 0, 0, EITHER },
	{ "", "packets", 0, 0, 0, EITHER }, { "", "label", 0, 0, 0, EITHER }, { 0 },
};

static const struct look *find(const struct look *t, const char *of, const char *key)
{
	for (; t->key; t++)
		if (strcmp(t->of, of) == 0 && strcmp(t->key, key) == 0)
			return t;
	return NULL;
}

static int imply(struct rf_nftj *n, struct rf_rs_rule *r, const struct look *l)
{
	if (l->family)
		rf_rs_match_num(n->rs, r, RF_RS_FAMILY, l->family, l->family, false);
	if (l->proto)
		rf_rs_match_num(n->rs, r, RF_RS_PROTO, l->proto, l->proto, false);
	return n->rs->err;
}

static int add(struct rf_nftj *n, struct rf_rs_rule *r, const struct look *l, struct rf_nftj_left *left)
{
	if (left->n == RF_RS_FIELDS_MAX)
		return rf_nftj_fail(n, RF_E_LIMIT, "more than %d fields in one look-up", RF_RS_FIELDS_MAX);
	if (l->chance) {
		left->kind = RF_NFTJ_CHANCE;
		left->rest = (uint8_t)(l->chance - 1);
		left->what = l->key;
	}
	left->v6[left->n] = l->family == 6;
	left->fields[left->n++] = l->field;
	return imply(n, r, l);
}

/* The first next header is the transport's only where no extension headers are between. */
static int nexthdr(struct rf_nftj *n, struct rf_rs_rule *r, struct rf_nftj_left *left)
{
	static const struct look l = { "ip6", "nexthdr", RF_RS_PROTO, 6 };

	rf_rs_match_sometimes(n->rs, r, RF_RS_REST_YES, "ip6 nexthdr (no extension header between)");
	return add(n, r, &l, left);
}

static bool has_flags(json_t *flags, const char *a, const char *b)
{
	bool has_a = false, has_b = !b;
	size_t i;
	json_t *x;

	json_array_foreach(flags, i, x) {
		const char *s = json_string_value(x);

		has_a |= s && strcmp(s, a) == 0;
		has_b |= s && b && strcmp(s, b) == 0;
	}
	return has_a && has_b && json_array_size(flags) == (b ? 2 : 1);
}

static int fib(struct rf_nftj *n, json_t *j, struct rf_nftj_left *left)
{
	const char *result = rf_nftj_str(j, "result");
	json_t *flags = json_object_get(j, "flags");

	if (strncmp(result, "oif", 3) == 0 && has_flags(flags, "saddr", "iif"))
		left->kind = RF_NFTJ_RPF;
	else if (strcmp(result, "type") == 0 && has_flags(flags, "daddr", NULL))
		left->kind = RF_NFTJ_TYPE;
	else
		return rf_nftj_fail(n, RF_E_UNSUPPORTED,
				    "fib is understood as `fib saddr . iif oif` and `fib daddr type` only");
	return 0;
}

static int loopback(struct rf_nftj *n, json_t *j, const char *key, struct rf_nftj_left *left)
{
	(void)j;
	left->fields[left->n++] = key[0] == 'i' ? RF_RS_IN : RF_RS_OUT;
	left->what = "type"; /* values are types of interfaces */
	return n->rs->err;
}

static int one(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j, struct rf_nftj_left *left)
{
	const char *kind = json_object_iter_key(json_object_iter(j));
	json_t *x = kind ? json_object_get(j, kind) : NULL;
	const struct look *l = NULL;
	char what[160];

	if (!kind)
		return rf_nftj_fail(n, RF_E_MALFORMED, "a left side that is no object: %s",
				    rf_nftj_short(j, what, sizeof what));
	const char *key = rf_nftj_str(x, "key");
	if (strcmp(kind, "payload") == 0 && strcmp(rf_nftj_str(x, "field"), "nexthdr") == 0)
		return nexthdr(n, r, left);
	if (strcmp(kind, "payload") == 0)
		l = find(payloads, rf_nftj_str(x, "protocol"), rf_nftj_str(x, "field"));
	else if (strcmp(kind, "meta") == 0 && (strcmp(key, "iiftype") == 0 || strcmp(key, "oiftype") == 0))
		return loopback(n, x, key, left);
	else if (strcmp(kind, "meta") == 0)
		l = find(metas, "", key);
	else if (strcmp(kind, "ct") == 0 && !json_object_get(x, "dir"))
		l = find(cts, "", key);
	else if (strcmp(kind, "fib") == 0)
		return fib(n, x, left);
	else if (strcmp(kind, "exthdr") == 0 || strcmp(kind, "tcp option") == 0 || strcmp(kind, "ip option") == 0) {
		left->kind = RF_NFTJ_CHANCE;
		/* An ordinary packet has no extension header, but every SYN has options of TCP. */
		left->rest = kind[0] == 't' ? RF_RS_REST_EITHER : RF_RS_REST_NO;
		left->what = kind;
		left->n = 1;
		return 0;
	}
	if (!l)
		return rf_nftj_fail(n, RF_E_UNSUPPORTED, "the prover does not know what this looks at: %s",
				   rf_nftj_short(j, what, sizeof what));
	return add(n, r, l, left);
}

/* ip frag-off & 0x1fff: is it a later piece? */
static bool is_offset(json_t *j, json_t *mask)
{
	json_t *p = json_object_get(j, "payload");

	return p && strcmp(rf_nftj_str(p, "protocol"), "ip") == 0 && strcmp(rf_nftj_str(p, "field"), "frag-off") == 0
	       && json_integer_value(mask) == 0x1fff;
}

int rf_nftj_left(struct rf_nftj *n, struct rf_rs_rule *r, json_t *j, struct rf_nftj_left *ret_left)
{
	static const struct look offset = { "ip", "frag-off", RF_RS_FRAGMENT, 4 };
	json_t *parts = json_object_get(j, "concat"), *masked = json_object_get(j, "&"), *x;
	size_t i;

	*ret_left = (struct rf_nftj_left){ 0 };
	if (masked && json_array_size(masked) == 2 && is_offset(json_array_get(masked, 0), json_array_get(masked, 1)))
		return add(n, r, &offset, ret_left);
	if (masked && json_array_size(masked) == 2) {
		ret_left->mask = json_array_get(masked, 1);
		return one(n, r, json_array_get(masked, 0), ret_left);
	}
	if (!parts)
		return one(n, r, j, ret_left);
	json_array_foreach(parts, i, x) {
		one(n, r, x, ret_left);
		if (n->rs->err)
			return n->rs->err;
		if (ret_left->kind != RF_NFTJ_FIELDS || ret_left->what)
			return rf_nftj_fail(n, RF_E_UNSUPPORTED,
					    "a concatenation with something that sets of packets do not know");
	}
	return 0;
}

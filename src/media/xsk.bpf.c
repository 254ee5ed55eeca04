/* Datagrams of admitted flows go past the stack, to the socket that the worker of the flow has at this queue (xsk.h
 * says which). All else passes: what is not a whole, right, plain UDP datagram is the stack's to judge.
 *
 * The checksum is looked at here and not above, because a wrong one may be right: a sender on this machine leaves it to
 * a card that never comes, and only the stack knows that. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef __u64 uint64_t;
typedef __u32 uint32_t;
typedef __u16 uint16_t;
typedef __u8 uint8_t;
#include "xsk_shape.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 stride = 1; /* sockets of one queue: a worker's each */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct xsk_at);
	__type(value, struct xsk_home);
} homes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xsk_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} socks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XSK_CPUS);
	__type(key, __u32);
	__type(value, struct xsk_row);
} verdicts SEC(".maps");

static __always_inline void count(enum xsk_verdict v)
{
	__u32 cpu = bpf_get_smp_processor_id() % XSK_CPUS;
	struct xsk_row *row = bpf_map_lookup_elem(&verdicts, &cpu);

	if (row)
		__sync_fetch_and_add(&row->n[v], 1);
}

static __always_inline int pass(enum xsk_verdict v)
{
	count(v);
	return XDP_PASS;
}

static __always_inline __u64 in_32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

static __always_inline bool all_ones(__u64 sum)
{
	sum = in_32(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum == 0xffff;
}

static __always_inline bool head_sums_up(const struct iphdr *ip)
{
	const __u16 *p = (const __u16 *)ip;
	__u64 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += p[i];
	return all_ones(sum);
}

#define STEP(size, times) \
	for (int i = 0; i < (times) && left >= (size); i++) { \
		if (p + (size) > (__u8 *)end) \
			return false; \
		sum = (__u32)bpf_csum_diff(NULL, 0, (void *)p, (size), (__u32)sum); \
		p += (size); \
		left -= (size); \
	}

/* pseudo: the sum of what stands before UDP. */
static __always_inline bool sums_up(void *udp, __u32 left, void *end, __u64 sum)
{
	__u8 *p = udp;

	sum = in_32(sum);
	STEP(256, XSK_DATAGRAM_MAX / 256)
	STEP(64, 3)
	STEP(16, 3)
	STEP(4, 3)
	if (left >= 2) {
		if (p + 2 > (__u8 *)end)
			return false;
		sum += *(__u16 *)p;
		p += 2;
		left -= 2;
	}
	if (left) {
		if (p + 1 > (__u8 *)end)
			return false;
		sum += bpf_htons((__u16)*p << 8);
	}
	return all_ones(sum);
}

struct seen {
	struct xsk_at to;
	__u32 src[4];
	__u32 at, size;              /* of the UDP datagram */
	__u64 sum;                   /* of the pseudo header */
	__u16 sport, dport, check;
};

static __always_inline bool read_v4(struct seen *s, void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
	    ip->frag_off & bpf_htons(0xbfff) || bpf_ntohs(ip->tot_len) < sizeof *ip || !head_sums_up(ip))
		return false;
	s->src[0] = ip->saddr;
	s->to.ip[0] = ip->daddr;
	s->to.family = 4;
	s->at = ETH_HLEN + sizeof *ip;
	s->size = bpf_ntohs(ip->tot_len) - sizeof *ip;
	s->sum = (__u64)ip->saddr + ip->daddr;
	return s->size <= XSK_DATAGRAM_MAX - sizeof *ip;
}

static __always_inline bool read_v6(struct seen *s, void *data, void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
		return false;
	__builtin_memcpy(s->src, &ip->saddr, 16);
	__builtin_memcpy(s->to.ip, &ip->daddr, 16);
	s->to.family = 6;
	s->at = ETH_HLEN + sizeof *ip;
	s->size = bpf_ntohs(ip->payload_len);
	for (int i = 0; i < 4; i++)
		s->sum += (__u64)s->src[i] + s->to.ip[i];
	return s->size <= XSK_DATAGRAM_MAX - sizeof *ip;
}

/* The length that UDP says is that of IP: what lies behind it, if anything, is not part of either. */
static __always_inline bool read_udp(struct seen *s, void *data, void *end)
{
	struct udphdr *udp = data + (s->at & 63); /* the verifier wants a bound where it can see it */

	if ((void *)(udp + 1) > end || s->size < sizeof *udp || bpf_ntohs(udp->len) != s->size ||
	    (void *)udp + s->size > end)
		return false;
	s->sport = udp->source;
	s->dport = bpf_ntohs(udp->dest);
	s->check = udp->check;
	s->sum += bpf_htons(IPPROTO_UDP) + udp->len;
	return udp->check || s->to.family == 4;
}

static __always_inline bool for_us(const struct xsk_home *h, const struct ethhdr *eth)
{
	const __u16 *to = (const __u16 *)eth->h_dest;

	return to[0] == h->mac[0] && to[1] == h->mac[1] && to[2] == h->mac[2];
}

static __always_inline bool admitted(const struct xsk_flow *f, const struct seen *s)
{
	return f->live && f->sport == s->sport && f->src[0] == s->src[0] && f->src[1] == s->src[1] &&
	       f->src[2] == s->src[2] && f->src[3] == s->src[3];
}

SEC("xdp")
int xsk(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct seen s = { .to.device = ctx->ingress_ifindex };
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP) ? !read_v4(&s, data, end) :
	    eth->h_proto == bpf_htons(ETH_P_IPV6) ? !read_v6(&s, data, end) : true)
		return XDP_PASS;
	if (!read_udp(&s, data, end) || s.dport & 1)
		return XDP_PASS;
	struct xsk_home *h = bpf_map_lookup_elem(&homes, &s.to);

	if (!h || !for_us(h, eth))
		return XDP_PASS;
	__u32 index = h->first + s.dport / 2;
	struct xsk_flow *f = bpf_map_lookup_elem(&flows, &index);

	if (!f || !admitted(f, &s))
		return pass(XSK_NO_FLOW);
	if (s.check && !sums_up(data + (s.at & 63), s.size, end, s.sum))
		return pass(XSK_CHECKSUM);
	if (ctx->rx_queue_index >= h->queues)
		return pass(XSK_NO_QUEUE);
	int action = (int)bpf_redirect_map(&socks, f->sock + ctx->rx_queue_index * stride, XDP_PASS);

	count(action == XDP_PASS ? XSK_NO_QUEUE : XSK_TAKEN);
	return action;
}

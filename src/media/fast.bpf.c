/* The kernel's way of a stream (fast.h says what passes): a classifier at the receiving side of an interface. It reads,
 * then decides, then writes: what goes up has not been touched.
 *
 * No structure of the kernel is used, only packets and __sk_buff, so it loads on any kernel that has the hook. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef __u64 uint64_t;
typedef __u32 uint32_t;
typedef __u16 uint16_t;
#include "fast_shape.h"

#define UP TC_ACT_UNSPEC /* the next program, and then the stack */
#define SECOND_NS 1000000000ULL

enum { TRIES = 4, RTP_HEAD = 12, UDP_V4 = ETH_HLEN + 20, UDP_V6 = ETH_HLEN + 40, HOPS = 64 };

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct fast_key);
	__type(value, struct fast_way);
} ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fast_state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FAST_CPUS);
	__type(key, __u32);
	__type(value, struct fast_row);
} verdicts SEC(".maps");

static __always_inline int verdict(enum fast_verdict v, int action)
{
	__u32 cpu = bpf_get_smp_processor_id() % FAST_CPUS;
	struct fast_row *row = bpf_map_lookup_elem(&verdicts, &cpu);

	if (row)
		__sync_fetch_and_add(&row->n[v], 1);
	return action;
}

/* A packet as far as it was read. */
struct seen {
	struct fast_key key;
	__u32 udp;                   /* offset of the UDP header */
	__u32 size;                  /* of the frame without padding behind the datagram */
	__u16 check, seq;
	__u8 type;
};

static __always_inline bool sums_up(const struct iphdr *ip)
{
	const __u16 *p = (const __u16 *)ip;
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (__u16)sum == 0xffff;
}

/* A whole IPv4 datagram without options that carries UDP. */
static __always_inline bool read_v4(struct seen *s, void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
	    ip->frag_off & bpf_htons(0xbfff) || ip->ttl < 2 || !sums_up(ip))
		return false;
	s->key.src[0] = ip->saddr;
	s->key.dst[0] = ip->daddr;
	s->key.family = 4;
	s->udp = UDP_V4;
	s->size = ETH_HLEN + bpf_ntohs(ip->tot_len);
	return true;
}

static __always_inline bool read_v6(struct seen *s, void *data, void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;

	if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP || ip->hop_limit < 2)
		return false;
	__builtin_memcpy(s->key.src, &ip->saddr, 16);
	__builtin_memcpy(s->key.dst, &ip->daddr, 16);
	s->key.family = 6;
	s->udp = UDP_V6;
	s->size = UDP_V6 + bpf_ntohs(ip->payload_len);
	return true;
}

/* All of the RTP header is there: contributing sources and an extension, too. */
static __always_inline bool whole_rtp(struct __sk_buff *skb, const struct seen *s, __u8 first)
{
	__u32 at = s->udp + sizeof(struct udphdr) + RTP_HEAD + (first & 15) * 4;
	__be16 extension[2];

	if (!(first & 0x10))
		return at <= s->size;
	if (at + 4 > s->size || bpf_skb_load_bytes(skb, at, extension, 4))
		return false;
	return at + 4 + 4 * (__u32)bpf_ntohs(extension[1]) <= s->size;
}

/* RTP of version 2 in UDP, lengths agreeing; payload types 64 to 95 with what stands for the marker
 * are RTCP (RFC 5761 4). */
static __always_inline bool read_rtp(struct __sk_buff *skb, struct seen *s)
{
	struct {
		__be16 sport, dport, size;
		__u16 check;
		__u8 first, second;
		__be16 seq;
		__be32 timestamp;
		__u32 ssrc;
	} h;

	if (bpf_skb_load_bytes(skb, s->udp, &h, sizeof h) || bpf_ntohs(h.size) != s->size - s->udp ||
	    (h.first & 0xc0) != 0x80 || (h.second >= 192 && h.second <= 223) || (!h.check && s->key.family == 6))
		return false;
	s->key.sport = h.sport;
	s->key.dport = h.dport;
	s->key.ssrc = h.ssrc;
	s->check = h.check;
	s->seq = bpf_ntohs(h.seq);
	s->type = h.second & 127;
	return whole_rtp(skb, s, h.first);
}

enum place { NEW, REPEATED, FAR };

/* Where seq lies, and from now on it has been there. */
static __always_inline enum place place_of(struct fast_state *st, __u16 seq)
{
	for (int i = 0; i < TRIES; i++) {
		__u64 old = st->window, bits = old & ((1ULL << FAST_WINDOW) - 1), now;
		__u16 top = (__u16)(old >> FAST_WINDOW), ahead = seq - top, behind = top - seq;

		if (ahead && ahead <= FAST_AHEAD) {
			bits = ahead < FAST_WINDOW ? bits << ahead & ((1ULL << FAST_WINDOW) - 1) : 0;
			now = (__u64)seq << FAST_WINDOW | bits | 1;
		} else if (behind < FAST_WINDOW) {
			now = old | 1ULL << behind;
			if (now == old)
				return REPEATED;
		} else {
			return FAR;
		}
		if (__sync_val_compare_and_swap(&st->window, old, now) == old)
			return NEW;
	}
	return FAR;
}

/* Tokens as time. Whoever loses the race so often comes too often. */
static __always_inline bool within(__u64 *until, __u64 cost, __u64 now)
{
	for (int i = 0; i < TRIES; i++) {
		__u64 old = *until, next = (old > now ? old : now) + cost;

		if (next > now + SECOND_NS)
			return false;
		if (__sync_val_compare_and_swap(until, old, next) == old)
			return true;
	}
	return false;
}

static __always_inline int write_ports(struct __sk_buff *skb, const struct seen *s, const struct fast_way *w,
				       __s64 addresses)
{
	__u32 old[1], new[1], at = s->udp + __builtin_offsetof(struct udphdr, check);

	if (!s->check)
		return bpf_skb_store_bytes(skb, s->udp, &w->sport, 4, 0);
	__builtin_memcpy(old, &s->key.sport, 4);
	__builtin_memcpy(new, &w->sport, 4);
	if (bpf_l4_csum_replace(skb, at, 0, addresses, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) ||
	    bpf_l4_csum_replace(skb, at, old[0], new[0], BPF_F_MARK_MANGLED_0 | 4))
		return -1;
	return bpf_skb_store_bytes(skb, s->udp, new, 4, 0);
}

static __always_inline int write_v4(struct __sk_buff *skb, const struct seen *s, const struct fast_way *w)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .tos = w->traffic_class, .tot_len = bpf_htons(s->size - ETH_HLEN),
		.frag_off = bpf_htons(0x4000), .ttl = HOPS, .protocol = IPPROTO_UDP, .saddr = w->src[0],
		.daddr = w->dst[0],
	};
	__u32 old[2] = { s->key.src[0], s->key.dst[0] }, new[2] = { w->src[0], w->dst[0] }, sum = 0;
	const __u16 *p = (const __u16 *)&ip;
	__s64 diff = bpf_csum_diff(old, sizeof old, new, sizeof new, 0);

	for (int i = 0; i < 10; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	ip.check = ~sum;
	if (diff < 0 || write_ports(skb, s, w, diff))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof ip, 0);
}

static __always_inline int write_v6(struct __sk_buff *skb, const struct seen *s, const struct fast_way *w)
{
	struct {
		__be32 first;
		__be16 size;
		__u8 next, hops;
	} head = { bpf_htonl(6U << 28 | w->traffic_class << 20), bpf_htons(s->size - UDP_V6), IPPROTO_UDP, HOPS };
	__u32 old[8], new[8];

	__builtin_memcpy(old, s->key.src, 32);
	__builtin_memcpy(new, w->src, 32);
	__s64 diff = bpf_csum_diff(old, sizeof old, new, sizeof new, 0);

	if (diff < 0 || write_ports(skb, s, w, diff) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &head, sizeof head, BPF_F_RECOMPUTE_CSUM))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN + 8, new, sizeof new, 0);
}

static __always_inline int forward(struct __sk_buff *skb, const struct seen *s, const struct fast_way *w)
{
	if (skb->len > s->size && bpf_skb_change_tail(skb, s->size, 0)) /* a short frame was filled up */
		return -1;
	return s->key.family == 4 ? write_v4(skb, s, w) : write_v6(skb, s, w);
}

/* A whole datagram of ours, not one that a card pieced together, or that was meant for somebody else. */
static __always_inline bool read_packet(struct __sk_buff *skb, struct seen *s)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if (skb->pkt_type != 0 || skb->vlan_present || skb->gso_size || (void *)(eth + 1) > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP) ? !read_v4(s, data, end) :
	    eth->h_proto == bpf_htons(ETH_P_IPV6) ? !read_v6(s, data, end) : true)
		return false;
	return s->size <= skb->len && s->size <= ETH_HLEN + FAST_BYTES_MAX &&
	       s->size >= s->udp + sizeof(struct udphdr) + RTP_HEAD;
}

SEC("tc")
int fast(struct __sk_buff *skb)
{
	struct seen s = { .key.device = skb->ifindex };
	__u64 now;

	if (!read_packet(skb, &s))
		return UP;
	if (!read_rtp(skb, &s))
		return verdict(FAST_NO_RTP, UP);
	struct fast_way *w = bpf_map_lookup_elem(&ways, &s.key);

	if (!w)
		return verdict(FAST_NO_STREAM, UP);
	if (!(w->types[s.type >> 6 & 1] >> (s.type & 63) & 1))
		return verdict(FAST_TYPE, UP);
	if (!(s.seq & (FAST_LOOK - 1)))
		return verdict(FAST_LOOKED, UP);
	struct fast_state *st = bpf_map_lookup_elem(&states, &w->slot);

	if (!st)
		return verdict(FAST_FAILED, UP);
	switch (place_of(st, s.seq)) {
	case FAR:
		return verdict(FAST_SEQUENCE, UP);
	case REPEATED:
		__sync_fetch_and_add(&st->repeated, 1);
		return verdict(FAST_REPEATED, TC_ACT_SHOT);
	case NEW:
		break;
	}
	now = bpf_ktime_get_ns();
	__u32 bytes = s.size - s.udp - sizeof(struct udphdr);

	if (!within(&st->packets_until_ns, w->packet_ns, now) ||
	    !within(&st->bytes_until_ns, bytes * w->byte_ps / 1000, now)) {
		__sync_fetch_and_add(&st->over_rate, 1);
		return verdict(FAST_RATE, TC_ACT_SHOT);
	}
	if (forward(skb, &s, w))
		return verdict(FAST_FAILED, TC_ACT_SHOT);
	__sync_fetch_and_add(&st->packets, 1);
	__sync_fetch_and_add(&st->bytes, bytes);
	st->last_ns = now;
	verdict(FAST_SENT, 0);
	return (int)bpf_redirect_neigh(w->device, NULL, 0, 0);
}

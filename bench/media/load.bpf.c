/* The two ends of the load in the kernel, so that one core sends and checks more than a relay on the other can carry.
 * send: run by BPF_PROG_TEST_RUN on frames of its own; each frame becomes the next packet when that is due, and enters the
 * link as what a driver received. sink: tc on the same link, which takes a relay's packets as they come, from a socket or
 * from XDP; notes when each packet came back, and what was wrong. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "shape.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stream);
} streams SEC(".maps");

struct sample {
	__u32 packet, n;
	unsigned char bytes[FRAME_BYTES + 2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SAMPLES);
	__type(key, __u32);
	__type(value, struct sample);
} samples SEC(".maps");

__u64 start_ns, interval_fs; /* the first packet, and from one to the next in millionths of a nanosecond */
__u64 gather_ns;             /* packets that are due within so long go at once, as a network card tells of them */
__u64 count, card_ns;        /* of packets; what a card keeps, as time. 0: all */
__u32 active, every, out_index, frame_n; /* frame_n: bytes of the frames that the kernel gives us, the longest */
__u32 senders_n;             /* 1: on whatever core; 2: on cores 0 and 1, the core's number is theirs */
struct sender senders[SENDERS_MAX];
struct tally tallies[SENDERS_MAX];

/* The next that is due from now on, or after what a card would have kept. */
static __always_inline __u64 leave_out(struct sender *s, __u64 since)
{
	__u64 due = since > start_ns ? (since - start_ns) * 1000000 / interval_fs : 0, n;

	if (due > count)
		due = count;
	if (due <= s->next)
		return 0;
	n = (due - s->next + senders_n - 1) / senders_n;
	s->next += n * senders_n;
	return n;
}

/* How the time since the last call went. Between batches the last one's packets are dealt with. */
static __always_inline void account(struct sender *s, __u64 now)
{
	__u64 gap = now - s->last_ns;
	int between = !(s->calls++ % BATCH), busy = between ? s->sent != 0 : !s->waits;

	if (s->last_ns && gap > STILL_NS) {
		s->stills++;
		s->still_ns += gap;
		s->unsent += leave_out(s, now);
	} else if (busy) {
		s->busy_ns += gap;
	}
	if (between)
		s->sent = 0;
	s->last_ns = now;
	s->waits = 0;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct sender *s = &senders[bpf_get_smp_processor_id() & (senders_n - 1) & (SENDERS_MAX - 1)];
	struct packet *p;
	__u64 now, due;
	__u32 i, n;

	if (s->next >= count)
		return XDP_DROP;
	now = bpf_ktime_get_ns();
	account(s, now);
	due = s->next * interval_fs / 1000000;
	if (gather_ns)
		due = (due / gather_ns + 1) * gather_ns;
	due += start_ns;
	if (now < due) {
		s->waits = 1;
		return XDP_DROP;
	}
	if (now - due > s->behind_ns)
		s->behind_ns = now - due;
	if (card_ns && now - due > card_ns)
		s->overrun += leave_out(s, now - card_ns);
	i = (__u32)s->next;
	p = bpf_map_lookup_elem(&packets, &i);
	if (!p || i >= count)
		return XDP_DROP;
	n = p->bytes_n;
	asm volatile("" : "+r"(n)); /* one value: the verifier wants its bounds in the register that is passed on */
	if (n < 64 || n > FRAME_BYTES)
		return XDP_ABORTED;
	if (n != frame_n && bpf_xdp_adjust_tail(ctx, (int)n - (int)frame_n))
		return XDP_ABORTED;
	if (bpf_xdp_store_bytes(ctx, 0, p->bytes, n))
		return XDP_ABORTED;
	p->sent = now;
	s->next += senders_n;
	s->sent++;
	return bpf_redirect(out_index, 0);
}

struct heads {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 first, type;
	__be16 seq;
	__be32 timestamp, ssrc;
} __attribute__((packed));

static __always_inline struct tally *tally(void)
{
	return &tallies[bpf_get_smp_processor_id() & (SENDERS_MAX - 1)];
}

static __always_inline int fault(enum wrong w)
{
	tally()->wrong[w]++;
	return TC_ACT_SHOT;
}

SEC("tc")
int sink(struct __sk_buff *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct heads *h = data;
	struct heads *was;
	__u64 now = bpf_ktime_get_ns();
	__u32 n, i;

	if ((void *)(h + 1) > end || h->eth.h_proto != bpf_htons(ETH_P_IP) || h->ip.protocol != IPPROTO_UDP || h->ip.ihl != 5)
		return TC_ACT_OK;
	if (h->ip.frag_off & bpf_htons(0x3fff) || bpf_ntohs(h->udp.dest) < FIRST_PORT || bpf_ntohs(h->udp.source) < FIRST_PORT)
		return TC_ACT_OK;
	n = bpf_ntohl(h->ssrc) - SSRC_BASE;
	struct stream *s = bpf_map_lookup_elem(&streams, &n);

	if (!s || n >= active)
		return fault(WRONG_STRAY);
	i = (__u16)(bpf_ntohs(h->seq) - s->base);
	if (i > 0x7fff)
		return fault(LATE);
	i = i * active + n;
	struct packet *p = bpf_map_lookup_elem(&packets, &i);

	if (!p || i >= count || !p->sent)
		return fault(WRONG_STRAY);
	was = (struct heads *)p->bytes;
	if (h->ip.saddr != s->saddr || h->ip.daddr != s->daddr || h->udp.source != s->sport || h->udp.dest != s->dport)
		return fault(WRONG_ADDRESS);
	if (bpf_ntohs(h->ip.tot_len) + ETH_HLEN != s->bytes_n)
		return fault(WRONG_LENGTH);
	if (h->first != was->first || h->type != was->type || h->timestamp != was->timestamp)
		return fault(WRONG_HEAD);
	if (p->copies++) {
		tally()->again++;
		return TC_ACT_SHOT;
	}
	p->got = now;
	tally()->came++;
	if (every && i % every == 0) {
		__u32 k = i / every, size = s->bytes_n;
		struct sample *keep = bpf_map_lookup_elem(&samples, &k);

		asm volatile("" : "+r"(size));
		if (keep && size >= 64 && size <= FRAME_BYTES && !bpf_skb_load_bytes(ctx, 0, keep->bytes, size)) {
			keep->packet = i;
			keep->n = size;
		}
	}
	return TC_ACT_SHOT;
}

/* The link alone, as a relay that does nothing: what comes goes back to where it came from. */
SEC("xdp")
int echo(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct heads *h = data;
	__u8 mac[ETH_ALEN];
	__be32 a;
	__be16 p;

	if ((void *)(h + 1) > end || h->eth.h_proto != bpf_htons(ETH_P_IP) || h->ip.protocol != IPPROTO_UDP ||
	    bpf_ntohs(h->udp.dest) < FIRST_PORT)
		return XDP_PASS;
	__builtin_memcpy(mac, h->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(h->eth.h_dest, h->eth.h_source, ETH_ALEN);
	__builtin_memcpy(h->eth.h_source, mac, ETH_ALEN);
	a = h->ip.saddr;
	h->ip.saddr = h->ip.daddr;
	h->ip.daddr = a;
	p = h->udp.source;
	h->udp.source = h->udp.dest;
	h->udp.dest = p;
	return (int)bpf_redirect(ctx->ingress_ifindex, 0);
}

#include "media/link.h"

#include <arpa/inet.h>

enum {
	ETHER = 14, V4 = 20, V6 = 40, UDP = 8,
	ETHER_V4 = 0x0800, ETHER_V6 = 0x86dd, PROTO_UDP = 17,
	HOPS = 64,
};

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* ---- reading */

static int read_udp(struct rf_view udp, struct rf_link_datagram *d)
{
	if (udp.n < UDP || get16(udp.p + 4) != udp.n)
		return RF_E_MALFORMED;
	memcpy(&d->from_port, udp.p, 2);
	memcpy(&d->to_port, udp.p + 2, 2);
	d->payload = rf_view_from(udp, UDP);
	return 0;
}

static int read_v4(struct rf_view ip, struct rf_link_datagram *d)
{
	if (ip.n < V4)
		return RF_E_MALFORMED;
	size_t size = get16(ip.p + 2);

	if (ip.p[0] != 0x45 || ip.p[9] != PROTO_UDP || get16(ip.p + 6) & 0xbfff || size > RF_LINK_DATAGRAM_MAX)
		return RF_E_UNSUPPORTED;
	if (size < V4 || size > ip.n)
		return RF_E_MALFORMED;
	*d = (struct rf_link_datagram){ .family = 4, .from = ip.p + 12, .to = ip.p + 16 };
	return read_udp(rf_view_sub(ip, V4, size - V4), d);
}

static int read_v6(struct rf_view ip, struct rf_link_datagram *d)
{
	if (ip.n < V6)
		return RF_E_MALFORMED;
	size_t size = V6 + get16(ip.p + 4);

	if (ip.p[0] >> 4 != 6 || ip.p[6] != PROTO_UDP || size > RF_LINK_DATAGRAM_MAX)
		return RF_E_UNSUPPORTED;
	if (size > ip.n)
		return RF_E_MALFORMED;
	*d = (struct rf_link_datagram){ .family = 6, .from = ip.p + 8, .to = ip.p + 24 };
	return read_udp(rf_view_sub(ip, V6, size - V6), d);
}

int rf_link_read(struct rf_view frame, struct rf_link_datagram *ret_datagram)
{
	struct rf_link_datagram d;

	if (frame.n < ETHER)
		return RF_E_MALFORMED;
	unsigned type = get16(frame.p + 12);
	struct rf_view ip = rf_view_from(frame, ETHER);
	int rc = type == ETHER_V4 ? read_v4(ip, &d) : type == ETHER_V6 ? read_v6(ip, &d) : RF_E_UNSUPPORTED;

	if (!rc)
		*ret_datagram = d;
	return rc;
}

/* ---- writing: sums are of words as they lie in memory, whatever the order of this machine is (RFC 1071 2.B) */

static uint64_t plus(uint64_t sum, uint64_t v)
{
	sum += v;
	return sum + (sum < v);
}

static uint64_t sum_of(const uint8_t *p, size_t n, uint64_t sum)
{
	uint64_t v;

	for (; n >= sizeof v; p += sizeof v, n -= sizeof v) {
		memcpy(&v, p, sizeof v);
		sum = plus(sum, v);
	}
	v = 0;
	memcpy(&v, p, n);
	return plus(sum, v);
}

static uint16_t folded(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void make_v4(uint8_t *ip, const struct rf_addr *from, const struct rf_addr *to, uint8_t dscp)
{
	ip[0] = 0x45;
	ip[1] = (uint8_t)(dscp << 2);
	ip[6] = 0x40;
	ip[8] = HOPS;
	ip[9] = PROTO_UDP;
	memcpy(ip + 12, from->ip, 4);
	memcpy(ip + 16, to->ip, 4);
}

static void make_v6(uint8_t *ip, const struct rf_addr *from, const struct rf_addr *to, uint8_t dscp)
{
	ip[0] = (uint8_t)(0x60 | dscp >> 2);
	ip[1] = (uint8_t)(dscp << 6);
	ip[6] = PROTO_UDP;
	ip[7] = HOPS;
	memcpy(ip + 8, from->ip, 16);
	memcpy(ip + 24, to->ip, 16);
}

void rf_link_head_make(const uint8_t mac_from[static 6], const uint8_t mac_to[static 6], const struct rf_addr *from,
		       const struct rf_addr *to, uint8_t dscp, struct rf_link_head *ret_head)
{
	struct rf_link_head h = { .n = (uint8_t)(ETHER + (from->family == 4 ? V4 : V6) + UDP) };
	uint8_t *ip = h.bytes + ETHER, *udp = h.bytes + h.n - UDP;

	memcpy(h.bytes, mac_to, 6);
	memcpy(h.bytes + 6, mac_from, 6);
	put16(h.bytes + 12, from->family == 4 ? ETHER_V4 : ETHER_V6);
	if (from->family == 4)
		make_v4(ip, from, to, dscp);
	else
		make_v6(ip, from, to, dscp);
	put16(udp, from->port);
	put16(udp + 2, to->port);
	h.ip_sum = from->family == 4 ? sum_of(ip, V4, 0) : 0;
	/* Addresses and ports lie together; the protocol is a word of the pseudo header, the length comes twice. */
	h.udp_sum =
		from->family == 4 ? sum_of(ip + 12, 8 + 4, htons(PROTO_UDP)) : sum_of(ip + 8, 32 + 4, htons(PROTO_UDP));
	*ret_head = h;
}

size_t rf_link_write(const struct rf_link_head *h, struct rf_view payload, uint8_t *frame)
{
	bool v4 = h->n == ETHER + V4 + UDP;
	uint8_t *ip = frame + ETHER, *udp = frame + h->n - UDP;
	size_t udp_n = UDP + payload.n;
	uint16_t sum;

	memcpy(frame, h->bytes, h->n);
	memcpy(frame + h->n, payload.p, payload.n);
	put16(udp + 4, udp_n);
	sum = folded(sum_of(frame + h->n, payload.n, plus(h->udp_sum, 2u * htons((uint16_t)udp_n))));
	if (!sum)
		sum = 0xffff; /* 0: there is none */
	memcpy(udp + 6, &sum, 2);
	put16(ip + (v4 ? 2 : 4), v4 ? V4 + udp_n : udp_n);
	if (v4) {
		sum = folded(plus(h->ip_sum, htons((uint16_t)(V4 + udp_n))));
		memcpy(ip + 10, &sum, 2);
	}
	return h->n + payload.n;
}

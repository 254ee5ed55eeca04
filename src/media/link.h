/* A UDP datagram as it is on Ethernet: read from a frame, or written into one. Bytes alone: no socket, no device. IPv4
 * without options, IPv6 without extension headers; no fragments, no tags. */
#ifndef RF_MEDIA_LINK_H
#define RF_MEDIA_LINK_H

#include "base/err.h"
#include "net/addr.h"

enum {
	RF_LINK_HEAD_MAX = 14 + 40 + 8,
	RF_LINK_DATAGRAM_MAX = 1500, /* of an IP datagram that is read */
};

struct rf_link_datagram {
	uint8_t family;              /* 4, 6 */
	const uint8_t *from, *to;    /* 4 or 16 bytes */
	uint16_t from_port, to_port; /* network order */
	struct rf_view payload;
};

/* Views point into frame; bytes behind the datagram are ignored, for short frames are filled up. Every length is
 * compared with every other; checksums are not looked at, they were where the frame came from (xsk.bpf.c).
 * RF_E_MALFORMED: lengths that lie. RF_E_UNSUPPORTED: something else than what is said above. */
int rf_link_read(struct rf_view frame, struct rf_link_datagram *ret_datagram);

/* What stands before every datagram of one flow. */
struct rf_link_head {
	uint8_t bytes[RF_LINK_HEAD_MAX];
	uint8_t n;
	uint64_t ip_sum, udp_sum;    /* of what is known of them: without lengths and payload */
};

/* from and to: of one family, with ports. Hop limit 64, no fragments, no identification, no flow label. */
void rf_link_head_make(const uint8_t mac_from[static 6], const uint8_t mac_to[static 6], const struct rf_addr *from,
		       const struct rf_addr *to, uint8_t dscp, struct rf_link_head *ret_head);
/* Of the IP datagram with a payload of n bytes. */
static inline size_t rf_link_ip_bytes(const struct rf_link_head *h, size_t n)
{
	return h->n - 14u + n;
}
/* The whole frame, checksums right. frame has room for h->n + n bytes, n is at most 65,000. Returns its size. */
size_t rf_link_write(const struct rf_link_head *h, struct rf_view payload, uint8_t *frame);

#endif

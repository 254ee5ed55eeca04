/* Frames of Ethernet as others make them, checksums by the slow way. */
#ifndef RF_TEST_FRAME_KIT_H
#define RF_TEST_FRAME_KIT_H

#include "net/addr.h"

struct frame {
	uint8_t b[1700];
	size_t n;
};

enum { FRAME_V4_UDP = 14 + 20, FRAME_V6_UDP = 14 + 40 };

void frame_put16(uint8_t *p, unsigned v);
size_t frame_udp_at(const struct frame *f);
/* From and to of one family; a payload of n bytes, counted up from first; hop limit 33. */
void frame_make(struct frame *f, const uint8_t to_mac[6], const struct rf_addr *from, const struct rf_addr *to,
		uint8_t first, size_t n);
/* Checksums as the frame's bytes are now, lengths as they say. */
void frame_seal(struct frame *f);
/* The checksum of UDP that belongs there. */
unsigned frame_udp_sum(const struct frame *f);

#endif

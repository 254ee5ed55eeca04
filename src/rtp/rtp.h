/* The fixed header of an RTP packet (RFC 3550 5.1) and how far everything before the payload reaches. Only the header
 * is looked at: under SRTP what follows it, padding included, means nothing before it is decrypted.
 * Wire room: no socket, clock or log. Threads: any. */
#ifndef RF_RTP_RTP_H
#define RF_RTP_RTP_H

#include "base/err.h"
#include "base/view.h"

enum {
	RF_RTP_HEAD_BYTES = 12,
	RF_RTP_BYTES_MAX = 1500, /* of a packet that we make or take */
	RF_RTP_PCMU = 0,         /* payload types of RFC 3551 6 */
	RF_RTP_PCMA = 8,
	RF_RTP_G722 = 9,
};

struct rf_rtp_head {
	uint32_t timestamp, ssrc;
	uint16_t seq;
	uint8_t type;    /* payload type */
	uint8_t csrcs;   /* contributing sources behind the fixed header */
	bool marker, padding, extension;
	uint16_t size;   /* offset of the payload */
};

/* RF_E_UNSUPPORTED: not version 2; RF_E_MALFORMED: it ends within the header or its extension; RF_E_LIMIT: longer than
 * RF_RTP_BYTES_MAX. */
int rf_rtp_head_parse(struct rf_view packet, struct rf_rtp_head *ret_head);
/* The header extension with this identifier (RFC 8285, in one or two bytes) of a packet whose head was read;
 * empty: it has none. */
struct rf_view rf_rtp_extension(struct rf_view packet, const struct rf_rtp_head *head, uint8_t id);
/* A header of ours: without sources, padding and extension, whatever those fields say. */
void rf_rtp_head_put(const struct rf_rtp_head *head, uint8_t dst[static RF_RTP_HEAD_BYTES]);

#endif

#include "rtp/rtp.h"

#include "base/reader.h"

enum { VERSION = 2 };

int rf_rtp_head_parse(struct rf_view packet, struct rf_rtp_head *ret_head)
{
	struct rf_reader r = rf_reader_of(packet);
	uint8_t first = rf_take_u8(&r), second = rf_take_u8(&r);
	struct rf_rtp_head head = {
		.csrcs = first & 0x0f, .extension = first & 0x10, .padding = first & 0x20,
		.marker = second & 0x80, .type = second & 0x7f,
	};

	if (packet.n > RF_RTP_BYTES_MAX)
		return RF_E_LIMIT;
	if (!r.err && first >> 6 != VERSION)
		return RF_E_UNSUPPORTED;
	head.seq = rf_take_be16(&r);
	head.timestamp = rf_take_be32(&r);
	head.ssrc = rf_take_be32(&r);
	rf_take(&r, 4u * head.csrcs);
	if (head.extension) {
		rf_take_be16(&r); /* defined by the profile */
		rf_take(&r, 4u * rf_take_be16(&r));
	}
	if (r.err)
		return RF_E_MALFORMED;
	head.size = (uint16_t)(packet.n - rf_left(&r));
	*ret_head = head;
	return 0;
}

struct rf_view rf_rtp_extension(struct rf_view packet, const struct rf_rtp_head *head, uint8_t id)
{
	enum { ONE_BYTE = 0xbede, TWO_BYTES = 0x1000, END = 15 };
	struct rf_reader r =
		rf_reader_of(rf_view_from(rf_view_sub(packet, 0, head->size), RF_RTP_HEAD_BYTES + 4u * head->csrcs));
	uint16_t form = rf_take_be16(&r);

	rf_take_be16(&r);
	if (!head->extension || (form != ONE_BYTE && (form & 0xfff0) != TWO_BYTES) || !id)
		return rf_view_of(NULL, 0);
	while (!r.err && rf_left(&r)) {
		uint8_t first = rf_take_u8(&r), at = form == ONE_BYTE ? first >> 4 : first;

		if (at == 0)
			continue; /* padding */
		if (form == ONE_BYTE && at == END)
			break;
		struct rf_view data = rf_take(&r, form == ONE_BYTE ? (first & 15u) + 1u : rf_take_u8(&r));

		if (at == id && !r.err)
			return data;
	}
	return rf_view_of(NULL, 0);
}

static void put_be32(uint8_t *dst, uint32_t x)
{
	dst[0] = (uint8_t)(x >> 24);
	dst[1] = (uint8_t)(x >> 16);
	dst[2] = (uint8_t)(x >> 8);
	dst[3] = (uint8_t)x;
}

void rf_rtp_head_put(const struct rf_rtp_head *head, uint8_t dst[static RF_RTP_HEAD_BYTES])
{
	dst[0] = VERSION << 6;
	dst[1] = (uint8_t)((head->marker ? 0x80 : 0) | (head->type & 0x7f));
	dst[2] = (uint8_t)(head->seq >> 8);
	dst[3] = (uint8_t)head->seq;
	put_be32(dst + 4, head->timestamp);
	put_be32(dst + 8, head->ssrc);
}

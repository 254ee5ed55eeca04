/* RTP from any bytes: what the header says lies within the packet, and a packet that is taken can be protected, in its
 * place, by every suite: its header stays, it grows by the tag and no byte more, and the same index is refused after.
 * As an order to the announcer: what is understood is written again as it was. */
#include "rtp/announce.h"
#include "rtp/rtp.h"
#include "rtp/srtp.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static void protect(enum rf_srtp_suite suite, struct rf_view packet, const struct rf_rtp_head *head)
{
	static const uint8_t key[RF_SRTP_KEY_MAX] = { 1, 2, 3 };
	struct rf_srtp_master master = { .suite = suite, .key = rf_view_of(key, rf_srtp_key_bytes(suite)) };
	size_t cap = packet.n + RF_SRTP_TAG_MAX, n = 0;
	uint8_t *buf = malloc(cap);
	struct rf_srtp_out *s;

	MUST(buf && rf_srtp_out_new(&master, &s) == 0);
	memcpy(buf, packet.p, packet.n);
	MUST(rf_srtp_out_rtp(s, buf, packet.n, cap, &n) == 0);
	MUST(n > packet.n && n <= cap && memcmp(buf, packet.p, head->size) == 0);
	memcpy(buf, packet.p, packet.n);
	MUST(rf_srtp_out_rtp(s, buf, packet.n, cap, &n) == RF_E_STATE);
	rf_srtp_out_free(s);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view packet = rf_view_of(data, n);
	uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES];
	struct rf_announce_order order;
	struct rf_rtp_head head;

	if (rf_announce_parse_order(packet, &order) == 0) {
		rf_announce_put_order(&order, bytes);
		MUST(memcmp(bytes, data, sizeof bytes) == 0);
	}
	if (rf_rtp_head_parse(packet, &head))
		return 0;
	MUST(head.size >= RF_RTP_HEAD_BYTES && head.size <= n && head.type < 128 && head.csrcs < 16);
	for (unsigned id = 0; id < 256; id++) {
		struct rf_view v = rf_rtp_extension(packet, &head, (uint8_t)id);

		MUST(v.n == 0 || (v.p >= data + RF_RTP_HEAD_BYTES && v.p + v.n <= data + head.size && head.extension && id));
	}
	for (unsigned suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++)
		protect((enum rf_srtp_suite)suite, packet, &head);
	return 0;
}

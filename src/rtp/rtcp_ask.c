#include "rtp/rtcp_ask.h"

enum { VERSION = 2 << 6, SDES_CNAME = 1, ASKED_MAX = 31, CNAME_MAX = 255, TIMESTAMP_AT = 12 };

static void put_be(struct rf_writer *w, uint32_t x, unsigned bytes)
{
	uint8_t *p = rf_put_space(w, bytes);

	while (p && bytes--)
		*p++ = (uint8_t)(x >> 8 * bytes);
}

static void put_head(struct rf_writer *w, unsigned count, enum rf_rtcp_type type, size_t words)
{
	put_be(w, VERSION | count, 1);
	put_be(w, type, 1);
	put_be(w, (uint32_t)words, 2);
}

static void put_name(struct rf_writer *w, const struct rf_rtcp_picture *p)
{
	size_t item = 2 + p->cname.n, pad = 4 - item % 4; /* one null byte at least */

	put_head(w, 1, RF_RTCP_SDES, 1 + (item + pad) / 4);
	put_be(w, p->sender, 4);
	put_be(w, SDES_CNAME, 1);
	put_be(w, (uint32_t)p->cname.n, 1);
	rf_put(w, p->cname);
	put_be(w, 0, (unsigned)pad);
}

void rf_rtcp_put_picture(struct rf_writer *w, const struct rf_rtcp_picture *p)
{
	if (!p->n || p->n > ASKED_MAX || !p->cname.n || p->cname.n > CNAME_MAX) {
		w->err = w->err ? w->err : RF_E_INVALID;
		return;
	}
	put_head(w, 0, RF_RTCP_RR, 1);
	put_be(w, p->sender, 4);
	put_name(w, p);
	if (p->fir) {
		put_head(w, RF_PSFB_FIR, RF_RTCP_PSFB, 2 + 2 * p->n);
		put_be(w, p->sender, 4);
		put_be(w, 0, 4);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (!p->fir) {
			put_head(w, RF_PSFB_PLI, RF_RTCP_PSFB, 2);
			put_be(w, p->sender, 4);
		}
		put_be(w, p->ssrcs[i], 4);
		if (p->fir)
			put_be(w, (uint32_t)p->fir_seq << 24, 4);
	}
}

bool rf_rtcp_asks_picture(struct rf_view compound)
{
	struct rf_reader r = rf_reader_of(compound);
	struct rf_rtcp_packet packet;

	while (rf_rtcp_next(&r, &packet) == 0)
		if (packet.type == RF_RTCP_PSFB && (packet.count == RF_PSFB_PLI || packet.count == RF_PSFB_FIR))
			return true;
	return false;
}

void rf_rtcp_set_clock(uint8_t *compound, size_t n, const struct rf_rtcp_clock *clock)
{
	struct rf_reader r = rf_reader_of(rf_view_of(compound, n));
	struct rf_rtcp_packet packet;

	while (rf_rtcp_next(&r, &packet) == 0) {
		struct rf_rtcp_report report;

		if (packet.type != RF_RTCP_SR || rf_rtcp_report_parse(&packet, &report) || report.ssrc != clock->ssrc ||
		    !clock->from_hz)
			continue;
		uint32_t at = clock->to + (uint32_t)((int64_t)(int32_t)(report.timestamp - clock->from) * clock->to_hz /
						     clock->from_hz);
		uint8_t *p = compound + (packet.body.p - compound) + TIMESTAMP_AT;

		for (unsigned i = 0; i < 4; i++)
			p[i] = (uint8_t)(at >> 8 * (3 - i));
	}
}

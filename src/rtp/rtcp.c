#include "rtp/rtcp.h"

enum { VERSION = 2, PADDING = 0x20, SR_BYTES = 20, BLOCK_BYTES = 24, SDES_END = 0, SDES_CNAME = 1, SDES_MID = 15 };

int rf_rtcp_next(struct rf_reader *r, struct rf_rtcp_packet *ret_packet)
{
	if (rf_left(r) == 0)
		return RF_E_NOT_FOUND;
	uint8_t first = rf_take_u8(r), type = rf_take_u8(r);
	struct rf_view body = rf_take(r, 4u * rf_take_be16(r));

	if (r->err)
		return RF_E_MALFORMED;
	if (first >> 6 != VERSION)
		return RF_E_UNSUPPORTED;
	if (first & PADDING) { /* RFC 3550 6.4.1: of the last packet, whole words, and it counts itself */
		size_t pad = body.n ? body.p[body.n - 1] : 0;

		if (rf_left(r) || pad == 0 || pad % 4 || pad > body.n)
			return RF_E_MALFORMED;
		body.n -= pad;
	}
	*ret_packet = (struct rf_rtcp_packet){ .type = type, .count = first & 0x1f, .body = body };
	return 0;
}

int rf_rtcp_report_parse(const struct rf_rtcp_packet *packet, struct rf_rtcp_report *ret_report)
{
	struct rf_reader r = rf_reader_of(packet->body);
	struct rf_rtcp_report report = { .sender = packet->type == RF_RTCP_SR, .count = packet->count };

	report.ssrc = rf_take_be32(&r);
	if (report.sender) {
		report.ntp = (uint64_t)rf_take_be32(&r) << 32;
		report.ntp |= rf_take_be32(&r);
		report.timestamp = rf_take_be32(&r);
		report.packets = rf_take_be32(&r);
		report.bytes = rf_take_be32(&r);
	}
	report.blocks = rf_take(&r, (size_t)BLOCK_BYTES * packet->count);
	if (r.err)
		return RF_E_MALFORMED;
	*ret_report = report;
	return 0;
}

struct rf_rtcp_block rf_rtcp_block_at(const struct rf_rtcp_report *report, unsigned at)
{
	struct rf_reader r = rf_reader_of(rf_view_sub(report->blocks, (size_t)BLOCK_BYTES * at, BLOCK_BYTES));
	struct rf_rtcp_block b = { .ssrc = rf_take_be32(&r) };
	uint32_t lost = rf_take_be32(&r);

	b.fraction = (uint8_t)(lost >> 24);
	b.lost = (int32_t)(lost << 8) >> 8; /* 24 bits, signed */
	b.highest = rf_take_be32(&r);
	b.jitter = rf_take_be32(&r);
	b.lsr = rf_take_be32(&r);
	b.dlsr = rf_take_be32(&r);
	return b;
}

/* RFC 3550 6.5: a list of items that ends with a null byte, then as many as there must be to a whole word. */
int rf_rtcp_source_next(struct rf_reader *r, struct rf_rtcp_source *ret_source)
{
	if (rf_left(r) == 0)
		return RF_E_NOT_FOUND;
	const uint8_t *begin = r->p;
	struct rf_rtcp_source s = { .ssrc = rf_take_be32(r) };
	uint8_t type;

	while ((type = rf_take_u8(r)) != SDES_END) {
		struct rf_view text = rf_take(r, rf_take_u8(r));

		if (type == SDES_MID && !s.mid.n)
			s.mid = text;
		if (type == SDES_CNAME && !s.cname.n)
			s.cname = text;
		else
			s.others++;
	}
	while (!r->err && (r->p - begin) % 4)
		if (rf_take_u8(r) != 0)
			return RF_E_MALFORMED;
	if (r->err)
		return RF_E_MALFORMED;
	*ret_source = s;
	return 0;
}

/* What the control information of each format is made of: a part that comes once, and units. */
static const struct format {
	uint8_t type, format, head, unit, units_min;
} formats[] = {
	{ RF_RTCP_RTPFB, RF_RTPFB_NACK, 0, 4, 1 },
	{ RF_RTCP_RTPFB, RF_RTPFB_TMMBR, 0, 8, 1 },
	{ RF_RTCP_RTPFB, RF_RTPFB_TMMBN, 0, 8, 0 },
	{ RF_RTCP_RTPFB, RF_RTPFB_CC, 8, 4, 0 },
	{ RF_RTCP_PSFB, RF_PSFB_PLI, 0, 0, 0 },
	{ RF_RTCP_PSFB, RF_PSFB_FIR, 0, 8, 1 },
	{ RF_RTCP_PSFB, RF_PSFB_REMB, 8, 4, 0 },
};

static const struct format *format_of(const struct rf_rtcp_packet *packet)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i].type == packet->type && formats[i].format == packet->count)
			return &formats[i];
	return NULL;
}

/* Feedback of an application: only that which is named so, and lists as many sources as it says. */
static int check_remb(struct rf_view control)
{
	if (!rf_view_starts(control, RF_V("REMB")))
		return RF_E_UNSUPPORTED;
	return control.p[4] == (control.n - 8) / 4 ? 0 : RF_E_MALFORMED;
}

int rf_rtcp_feedback_parse(const struct rf_rtcp_packet *packet, struct rf_rtcp_feedback *ret_feedback)
{
	struct rf_reader r = rf_reader_of(packet->body);
	const struct format *f = format_of(packet);
	struct rf_rtcp_feedback fb = { .sender = rf_take_be32(&r), .media = rf_take_be32(&r) };

	fb.control = rf_take(&r, rf_left(&r));
	if (r.err)
		return RF_E_MALFORMED;
	if (!f)
		return RF_E_UNSUPPORTED;
	size_t units = fb.control.n < f->head ? 0 : fb.control.n - f->head;

	if (fb.control.n < f->head || (f->unit ? units % f->unit != 0 || units / f->unit < f->units_min : units != 0))
		return RF_E_MALFORMED;
	int rc = packet->type == RF_RTCP_PSFB && packet->count == RF_PSFB_REMB ? check_remb(fb.control) : 0;

	if (!rc)
		*ret_feedback = fb;
	return rc;
}

/* --- the whole */

static int check_report(const struct rf_rtcp_packet *packet)
{
	struct rf_rtcp_report report;

	return rf_rtcp_report_parse(packet, &report);
}

static int check_sources(const struct rf_rtcp_packet *packet)
{
	struct rf_reader r = rf_reader_of(packet->body);
	struct rf_rtcp_source source;
	int rc = 0;

	for (uint8_t i = 0; !rc && i < packet->count; i++)
		rc = rf_rtcp_source_next(&r, &source);
	return rc || rf_left(&r) ? RF_E_MALFORMED : 0;
}

/* RFC 3550 6.6: sources, then perhaps a text with its length. */
static int check_bye(const struct rf_rtcp_packet *packet)
{
	struct rf_reader r = rf_reader_of(packet->body);

	rf_take(&r, 4u * packet->count);
	if (rf_left(&r))
		rf_take(&r, rf_take_u8(&r));
	return r.err;
}

static int check_feedback(const struct rf_rtcp_packet *packet)
{
	struct rf_rtcp_feedback feedback;
	int rc = rf_rtcp_feedback_parse(packet, &feedback);

	return rc == RF_E_UNSUPPORTED ? 0 : rc;
}

static int check_packet(const struct rf_rtcp_packet *packet)
{
	static const struct {
		uint8_t type;
		int (*check)(const struct rf_rtcp_packet *packet);
	} checks[] = {
		{ RF_RTCP_SR, check_report }, { RF_RTCP_RR, check_report }, { RF_RTCP_SDES, check_sources },
		{ RF_RTCP_BYE, check_bye }, { RF_RTCP_RTPFB, check_feedback }, { RF_RTCP_PSFB, check_feedback },
	};

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		if (checks[i].type == packet->type)
			return checks[i].check(packet);
	return 0;
}

int rf_rtcp_check(struct rf_view compound, bool reduced)
{
	struct rf_reader r = rf_reader_of(compound);
	struct rf_rtcp_packet packet;
	unsigned n = 0;
	int rc;

	while ((rc = rf_rtcp_next(&r, &packet)) == 0) {
		if (n == 0 && !reduced && packet.type != RF_RTCP_SR && packet.type != RF_RTCP_RR)
			return RF_E_DENIED;
		if (++n > RF_RTCP_PACKETS_MAX)
			return RF_E_LIMIT;
		rc = check_packet(&packet);
		if (rc)
			return rc;
	}
	return rc == RF_E_NOT_FOUND && n ? 0 : rc == RF_E_NOT_FOUND ? RF_E_MALFORMED : rc;
}

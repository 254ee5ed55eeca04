/* A compound said anew: nothing received is copied but numbers whose meaning is known here. */
#include "rtp/rtcp.h"

#include "base/writer.h"

enum { VERSION = 2 << 6, SDES_CNAME = 1 };

struct job {
	struct rf_writer w;
	const struct rf_rtcp_rewrite *how;
	struct rf_rtcp_left_out left_out;
};

static void put_be(struct rf_writer *w, uint64_t x, unsigned bytes)
{
	uint8_t *p = rf_put_space(w, bytes);

	while (p && bytes--)
		*p++ = (uint8_t)(x >> 8 * bytes);
}

static void put_ssrc(struct job *j, uint32_t ssrc)
{
	for (size_t i = 0; i < j->how->n_pairs; i++)
		if (j->how->pairs[i].from == ssrc) {
			ssrc = j->how->pairs[i].to;
			break;
		}
	put_be(&j->w, ssrc, 4);
}

/* The length is said at the end. */
static size_t begin(struct job *j, const struct rf_rtcp_packet *packet)
{
	put_be(&j->w, VERSION | packet->count, 1);
	put_be(&j->w, packet->type, 1);
	put_be(&j->w, 0, 2);
	return j->w.n;
}

static void end(struct job *j, size_t begun)
{
	size_t words = (j->w.n - begun) / 4;

	if (j->w.err)
		return;
	j->w.buf[begun - 2] = (uint8_t)(words >> 8);
	j->w.buf[begun - 1] = (uint8_t)words;
}

static uint32_t timestamp_of(const struct rf_rtcp_clock *c, uint32_t ssrc, uint32_t timestamp)
{
	if (c->from_hz == 0 || c->ssrc != ssrc)
		return timestamp;
	return c->to + (uint32_t)((int64_t)(int32_t)(timestamp - c->from) * c->to_hz / c->from_hz);
}

static uint32_t jitter_of(const struct rf_rtcp_clock *c, uint32_t ssrc, uint32_t jitter)
{
	return c->from_hz == 0 || c->ssrc != ssrc ? jitter : (uint32_t)((uint64_t)jitter * c->from_hz / c->to_hz);
}

static void put_report(struct job *j, const struct rf_rtcp_packet *packet)
{
	struct rf_rtcp_report report;
	size_t begun = begin(j, packet);

	if (rf_rtcp_report_parse(packet, &report))
		return;
	put_ssrc(j, report.ssrc);
	if (report.sender) {
		put_be(&j->w, report.ntp, 8);
		put_be(&j->w, timestamp_of(&j->how->sent, report.ssrc, report.timestamp), 4);
		put_be(&j->w, report.packets, 4);
		put_be(&j->w, report.bytes, 4);
	}
	for (unsigned i = 0; i < report.count; i++) {
		struct rf_rtcp_block b = rf_rtcp_block_at(&report, i);

		put_ssrc(j, b.ssrc);
		put_be(&j->w, b.fraction, 1);
		put_be(&j->w, (uint32_t)b.lost & 0xffffff, 3);
		put_be(&j->w, b.highest, 4);
		put_be(&j->w, jitter_of(&j->how->heard, b.ssrc, b.jitter), 4);
		put_be(&j->w, b.lsr, 4);
		put_be(&j->w, b.dlsr, 4);
	}
	end(j, begun);
}

static void put_sources(struct job *j, const struct rf_rtcp_packet *packet)
{
	struct rf_reader r = rf_reader_of(packet->body);
	struct rf_view cname = j->how->cname;
	struct rf_rtcp_source source;
	size_t begun = begin(j, packet);

	for (uint8_t i = 0; i < packet->count && rf_rtcp_source_next(&r, &source) == 0; i++) {
		put_ssrc(j, source.ssrc);
		put_be(&j->w, SDES_CNAME, 1);
		put_be(&j->w, cname.n, 1);
		rf_put(&j->w, cname);
		put_be(&j->w, 0, 4 - (2 + cname.n) % 4); /* one null byte at least */
		j->left_out.items = (uint16_t)(j->left_out.items + source.others);
	}
	end(j, begun);
}

static void put_bye(struct job *j, const struct rf_rtcp_packet *packet)
{
	struct rf_reader r = rf_reader_of(packet->body);
	size_t begun = begin(j, packet);

	for (uint8_t i = 0; i < packet->count; i++)
		put_ssrc(j, rf_take_be32(&r));
	j->left_out.reasons += rf_left(&r) > 0;
	end(j, begun);
}

/* Control information by format: units that begin with an SSRC and have something of their own behind it, or words. */
static void put_control(struct job *j, const struct rf_rtcp_packet *packet, struct rf_view control)
{
	struct rf_reader r = rf_reader_of(control);
	bool psfb = packet->type == RF_RTCP_PSFB, fir = psfb && packet->count == RF_PSFB_FIR;
	bool rate = !psfb && (packet->count == RF_RTPFB_TMMBR || packet->count == RF_RTPFB_TMMBN);

	if (psfb && packet->count == RF_PSFB_REMB) {
		rf_put(&j->w, rf_take(&r, 8)); /* the name, how many, the rate */
		while (rf_left(&r))
			put_ssrc(j, rf_take_be32(&r));
	} else if (fir || rate) {
		while (rf_left(&r)) {
			put_ssrc(j, rf_take_be32(&r));
			put_be(&j->w, rf_take_be32(&r) & (fir ? 0xff000000 : 0xffffffff), 4);
		}
	} else {
		rf_put(&j->w, control);
	}
}

static void put_feedback(struct job *j, const struct rf_rtcp_packet *packet)
{
	struct rf_rtcp_feedback feedback;

	if (rf_rtcp_feedback_parse(packet, &feedback)) {
		j->left_out.feedback++;
		return;
	}
	size_t begun = begin(j, packet);

	put_ssrc(j, feedback.sender);
	put_ssrc(j, feedback.media);
	put_control(j, packet, feedback.control);
	end(j, begun);
}

static void leave_out(struct job *j, const struct rf_rtcp_packet *packet)
{
	uint16_t *count = packet->type == RF_RTCP_APP ? &j->left_out.app :
			  packet->type == RF_RTCP_XR ? &j->left_out.xr : &j->left_out.other;

	(*count)++;
}

static void put_packet(struct job *j, const struct rf_rtcp_packet *packet)
{
	static const struct {
		uint8_t type;
		void (*put)(struct job *j, const struct rf_rtcp_packet *packet);
	} puts[] = {
		{ RF_RTCP_SR, put_report }, { RF_RTCP_RR, put_report }, { RF_RTCP_SDES, put_sources },
		{ RF_RTCP_BYE, put_bye }, { RF_RTCP_RTPFB, put_feedback }, { RF_RTCP_PSFB, put_feedback },
	};

	for (size_t i = 0; i < sizeof puts / sizeof *puts; i++)
		if (puts[i].type == packet->type) {
			puts[i].put(j, packet);
			return;
		}
	leave_out(j, packet);
}

int rf_rtcp_rewrite(struct rf_view in, bool reduced, const struct rf_rtcp_rewrite *how, uint8_t *buf, size_t cap,
		    size_t *ret_n, struct rf_rtcp_left_out *ret_left_out)
{
	struct job j = { .how = how };
	struct rf_reader r = rf_reader_of(in);
	struct rf_rtcp_packet packet;
	int rc = how->cname.n == 0 || how->cname.n > RF_RTCP_CNAME_MAX ? RF_E_INVALID : rf_rtcp_check(in, reduced);

	if (rc)
		return rc;
	rf_writer_init(&j.w, buf, cap);
	while (rf_rtcp_next(&r, &packet) == 0)
		put_packet(&j, &packet);
	*ret_left_out = j.left_out;
	if (j.w.err)
		return j.w.err;
	if (j.w.n == 0)
		return RF_E_NOT_FOUND;
	*ret_n = j.w.n;
	return 0;
}

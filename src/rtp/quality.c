#include "rtp/quality.h"

enum {
	BEGIN = 1 << 16,           /* so that what comes before the first packet has a number, too */
	DROPOUT = 3000, MISORDER = 100, /* RFC 3550 A.1 */
	SEEN = 64,
	RTT_MAX_US = 10000000,
	STEP_MAX_S = 3,            /* a jump of the timestamp, not jitter */
};

void rf_quality_init(struct rf_quality *q, uint32_t clock)
{
	*q = (struct rf_quality){ .clock = clock };
}

/* --- sequence numbers */

static void begin_run(struct rf_quality *q, uint16_t seq)
{
	if (q->received)
		q->expected += q->highest - q->first + 1;
	q->first = q->highest = BEGIN + seq;
	q->seen = 1;
	q->received++;
}

static void take_late(struct rf_quality *q, uint32_t back)
{
	if (back < SEEN && q->seen >> back & 1) {
		q->doubles++;
		return;
	}
	if (back < SEEN)
		q->seen |= UINT64_C(1) << back;
	if (q->highest - back < q->first)
		q->first = q->highest - back;
	q->received++;
	q->reordered++;
}

/* --- jitter: RFC 3550 A.8 */

/* The difference of two packets is what their ways took more or less. Packets with one timestamp, as those of a picture
 * or of a key that is held, say nothing: they were not made apart. */
static void take_time(struct rf_quality *q, uint32_t timestamp, struct rf_mono now, bool first)
{
	uint32_t transit = (uint32_t)(now.us * q->clock / 1000000) - timestamp;
	int32_t d = (int32_t)(transit - q->transit);
	uint32_t step = d < 0 ? -(uint32_t)d : (uint32_t)d;

	if (!first && timestamp == q->timestamp)
		return;
	if (!first && step < STEP_MAX_S * q->clock)
		q->jitter += step - ((q->jitter + 8) >> 4);
	q->timestamp = timestamp;
	q->transit = transit;
}

void rf_quality_packet(struct rf_quality *q, uint16_t seq, uint32_t timestamp, struct rf_mono now)
{
	uint16_t ahead = (uint16_t)(seq - (uint16_t)q->highest), back = (uint16_t)-ahead;
	bool first = q->received == 0;

	if (!first && ahead > 0 && ahead < DROPOUT) {
		q->seen = ahead < SEEN ? q->seen << ahead | 1 : 1;
		q->highest += ahead;
		q->received++;
	} else if (!first && back < MISORDER) {
		take_late(q, back);
	} else {
		begin_run(q, seq);
	}
	if (q->clock)
		take_time(q, timestamp, now, first);
}

void rf_quality_passed(struct rf_quality *q, uint16_t seq, uint32_t packets)
{
	if (!packets)
		return;
	q->highest += (uint16_t)(seq - (uint16_t)q->highest);
	q->received += packets;
	q->seen = 1;
}

/* --- round trip */

void rf_quality_sent_report(struct rf_quality *q, uint64_t ntp, struct rf_mono now)
{
	q->lsr = (uint32_t)(ntp >> 16);
	q->lsr_us = now.us;
}

void rf_quality_heard_report(struct rf_quality *q, uint32_t lsr, uint32_t dlsr, struct rf_mono now)
{
	uint64_t held = (uint64_t)dlsr * 1000000 >> 16, passed = now.us - q->lsr_us;

	if (lsr == 0 || lsr != q->lsr || now.us < q->lsr_us || passed < held || passed - held > RTT_MAX_US)
		return;
	q->rtt_us = (uint32_t)(passed - held) + (passed == held);
}

/* --- what people would say */

struct rf_quality_codec rf_quality_codec_of(struct rf_view encoding)
{
	static const struct {
		const char *name;
		struct rf_quality_codec codec;
	} codecs[] = {
		{ "G729", { 11, 190 } }, { "G723", { 15, 161 } }, { "GSM-EFR", { 5, 100 } }, { "AMR", { 5, 100 } },
	};

	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (rf_view_eq_nocase(encoding, rf_view_str(codecs[i].name)))
			return codecs[i].codec;
	return (struct rf_quality_codec){ 0, 251 };
}

static double r_factor(const struct rf_quality_sum *s, struct rf_quality_codec codec)
{
	double ppl = s->loss_100 / 100.0, delay_ms = s->rtt_us / 2000.0 + 20 + 2 * (s->jitter_us / 1000.0);
	double id = 0.024 * delay_ms + (delay_ms > 177.3 ? 0.11 * (delay_ms - 177.3) : 0);
	double ie = codec.ie + (95.0 - codec.ie) * ppl / (ppl + codec.bpl_10 / 10.0);
	double r = 93.2 - id - ie;

	return r < 0 ? 0 : r;
}

static double mos(double r)
{
	double m = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;

	return m < 1 ? 1 : m;
}

struct rf_quality_sum rf_quality_sum(const struct rf_quality *q, struct rf_quality_codec codec)
{
	struct rf_quality_sum s = {
		.received = q->received, .reordered = q->reordered, .doubles = q->doubles, .rtt_us = q->rtt_us,
	};

	if (q->received == 0)
		return s;
	s.expected = q->expected + (q->highest - q->first + 1);
	s.lost = s.expected > s.received ? s.expected - s.received : 0;
	s.loss_100 = (uint16_t)((uint64_t)s.lost * 10000 / s.expected);
	s.jitter_us = q->clock ? (uint32_t)((uint64_t)(q->jitter >> 4) * 1000000 / q->clock) : 0;
	double r = r_factor(&s, codec);

	s.r_10 = (uint16_t)(10 * r + 0.5);
	s.mos_100 = (uint16_t)(100 * mos(r) + 0.5);
	return s;
}

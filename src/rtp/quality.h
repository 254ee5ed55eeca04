/* How well a stream arrives: loss, order, doubles, jitter (RFC 3550 A.3, A.8), round trip, and what people would
 * say of it (ITU-T G.107). One for each stream; a packet costs a few additions. Give it authentic packets only.
 *
 * The estimate is the E-model cut down to what a relay sees: everything else at its default, which makes R 93.2; less
 *   Id      of delay: 0.024 d + 0.11 (d - 177.3) above 177.3 ms, the well known fit of G.107's curve (Cole and Rosenbluth,
 *           2001) for one-way delay d without echo. d is half the round trip, a packet of 20 ms, and twice the jitter,
 *           for the buffer at the receiver;
 *   Ie,eff  of codec and loss: Ie + (95 - Ie) Ppl / (Ppl + Bpl), loss taken as random (BurstR 1), Ie and Bpl from G.113.
 * MOS follows by G.107 annex B. It knows no echo, no loudness and no bandwidth: wide-band codecs count as G.711,
 * so it tells what the network did to a call rather than how good it sounded.
 * Wire room: no socket, clock or log; whoever calls says what time it is. One thread at a time. */
#ifndef RF_RTP_QUALITY_H
#define RF_RTP_QUALITY_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"

struct rf_quality {
	uint64_t seen;             /* which of the 64 sequence numbers up to the highest have come */
	uint32_t first, highest;   /* sequence numbers, extended */
	uint32_t expected;         /* in runs before this one */
	uint32_t received;         /* doubles are not among them */
	uint32_t reordered, doubles;
	uint32_t timestamp;        /* of the packet before */
	uint32_t transit, jitter;  /* of it; sixteen times the estimate: in units of the clock */
	uint32_t clock;            /* Hz */
	uint32_t rtt_us;           /* 0: not known */
	uint32_t lsr;              /* of the last SR that went on */
	uint64_t lsr_us;           /* when */
};

/* clock: of the RTP timestamp, Hz; 0: jitter is not told. */
void rf_quality_init(struct rf_quality *q, uint32_t clock);
/* A packet has come. A jump of 3000 or more forwards or 100 or more back (RFC 3550 A.1) begins another run of sequence
 * numbers; what was counted stays. */
void rf_quality_packet(struct rf_quality *q, uint16_t seq, uint32_t timestamp, struct rf_mono now);
/* So many packets up to seq have passed without us: less than 2^16 sequence numbers. Of their
 * jitter nothing is known. */
void rf_quality_passed(struct rf_quality *q, uint16_t seq, uint32_t packets);
/* An SR of the stream's sender has gone on to its receiver: ntp, as it says. */
void rf_quality_sent_report(struct rf_quality *q, uint64_t ntp, struct rf_mono now);
/* A block of its receiver about it: the round trip from here to there. */
void rf_quality_heard_report(struct rf_quality *q, uint32_t lsr, uint32_t dlsr, struct rf_mono now);

/* What a codec stands for in G.113 appendix I. */
struct rf_quality_codec {
	uint16_t ie;               /* impairment by the codec itself */
	uint16_t bpl_10;           /* how well it bears loss at random, times 10 */
};
/* By encoding name (RFC 4855), as in SDP; unknown ones count as G.711 with concealment of loss. */
struct rf_quality_codec rf_quality_codec_of(struct rf_view encoding);

struct rf_quality_sum {
	uint32_t expected, received, lost, reordered, doubles;
	uint32_t jitter_us, rtt_us;
	uint16_t loss_100;         /* per cent, times 100 */
	uint16_t r_10;             /* R factor times 10, 0..932 */
	uint16_t mos_100;          /* 100..441; 0: nothing has come */
};
struct rf_quality_sum rf_quality_sum(const struct rf_quality *q, struct rf_quality_codec codec);

#endif

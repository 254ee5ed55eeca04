/* How well a stream arrives: loss, order, doubles, jitter (RFC 3550 A.3, A.8), round trip, and what people would say of it
 * (ITU-T G.107). One per stream and direction, 64 bytes; a packet costs a few additions. Give it authentic packets only.
 * Wire room: no socket, clock or log; whoever calls says what time it is. One thread at a time. */
#ifndef RF_RTP_QUALITY_H
#define RF_RTP_QUALITY_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"

struct rf_quality {
	uint64_t seen;             /* which of the 64 sequence numbers up to the highest have come */
	uint32_t first, highest;   /* sequence numbers, extended */
	uint32_t received;         /* doubles are not among them */
	uint32_t reordered, doubles;
	uint32_t transit, jitter;  /* of the packet before; sixteen times the estimate: in units of the clock */
	uint32_t clock;            /* Hz; 0: no packet yet, or not known */
	uint32_t lsr;              /* of the last SR that passed to the stream's receiver */
	uint32_t rtt_us;           /* 0: not known */
	uint64_t lsr_us;           /* when */
};

/* clock: of the RTP timestamp, Hz; 0: jitter is not told. */
void rf_quality_init(struct rf_quality *q, uint32_t clock);
/* A packet has come. A jump of 3000 or more forwards or 100 or more back begins the count of sequence numbers anew
 * (RFC 3550 A.1); what was counted before stays lost or received. */
void rf_quality_packet(struct rf_quality *q, uint16_t seq, uint32_t timestamp, struct rf_mono now);
/* An SR of the stream's sender has gone to its receiver: ntp, as it says. */
void rf_quality_sent_report(struct rf_quality *q, uint64_t ntp, struct rf_mono now);
/* A block of its receiver about it. */
void rf_quality_heard_report(struct rf_quality *q, uint32_t lsr, uint32_t dlsr, struct rf_mono now);

/* What a codec stands for in G.107 and G.113 appendix I. */
struct rf_quality_codec {
	uint8_t ie;                /* impairment by the codec itself */
	uint8_t bpl;               /* how well it bears loss at random */
};
/* By encoding name (RFC 4855), as in SDP; unknown ones count as G.711 with concealment of loss. */
struct rf_quality_codec rf_quality_codec_of(struct rf_view encoding);

struct rf_quality_sum {
	uint32_t expected, received, lost, reordered, doubles;
	uint32_t jitter_us, rtt_us;
	uint16_t loss_100;         /* per cent, times 100 */
	uint16_t r_10;             /* R factor times 10, 0..932 */
	uint16_t mos_100;          /* 100..450; 0: nothing has come */
};
struct rf_quality_sum rf_quality_sum(const struct rf_quality *q, struct rf_quality_codec codec);

#endif

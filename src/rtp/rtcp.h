/* RTCP (RFC 3550 6): what is in a compound packet, as views with bounds, and the same said anew for the other side
 * of a relay. Reduced-size packets (RFC 5506), feedback (RFC 4585, 5104; REMB). What is RTCP on a port of both
 * says rtp/demux.h.
 * Wire room: no socket, clock or log. Threads: any. */
#ifndef RF_RTP_RTCP_H
#define RF_RTP_RTCP_H

#include "base/err.h"
#include "base/reader.h"

enum rf_rtcp_type {
	RF_RTCP_SR = 200,
	RF_RTCP_RR = 201,
	RF_RTCP_SDES = 202,
	RF_RTCP_BYE = 203,
	RF_RTCP_APP = 204,
	RF_RTCP_RTPFB = 205, /* feedback of the transport */
	RF_RTCP_PSFB = 206,  /* feedback of a payload */
	RF_RTCP_XR = 207,
};

enum { /* formats of feedback: what RTPFB and PSFB have in the place of a count */
	RF_RTPFB_NACK = 1,   /* RFC 4585 */
	RF_RTPFB_TMMBR = 3,  /* RFC 5104 */
	RF_RTPFB_TMMBN = 4,
	RF_RTPFB_CC = 15,    /* transport-wide congestion control */
	RF_PSFB_PLI = 1,     /* RFC 4585 */
	RF_PSFB_FIR = 4,     /* RFC 5104 */
	RF_PSFB_REMB = 15,   /* of the application layer, named REMB */
};

enum {
	RF_RTCP_HEAD_BYTES = 4,
	RF_RTCP_PACKETS_MAX = 32,  /* in one compound */
	RF_RTCP_BLOCKS_MAX = 31,
	RF_RTCP_CNAME_MAX = 255,
};

/* ---- reading */

struct rf_rtcp_packet {
	uint8_t type;        /* enum rf_rtcp_type, or something else */
	uint8_t count;       /* blocks, sources, format: five bits whose meaning is the type's */
	struct rf_view body; /* behind the four bytes of the head, without padding */
};

/* The whole compound: every packet within it and of version 2, padding in the last one only, each of a known type as
 * long as what it counts. RF_E_MALFORMED;
 * RF_E_UNSUPPORTED: not version 2; RF_E_LIMIT: more than RF_RTCP_PACKETS_MAX; RF_E_DENIED: it does not begin with a
 * report, and reduced says that it must. */
int rf_rtcp_check(struct rf_view compound, bool reduced);
/* The next packet of a compound: begin with rf_reader_of() it. RF_E_NOT_FOUND: that was the last; else as
 * rf_rtcp_check(). */
int rf_rtcp_next(struct rf_reader *r, struct rf_rtcp_packet *ret_packet);

struct rf_rtcp_report {           /* SR, RR */
	uint32_t ssrc;
	bool sender;                  /* the next four are there */
	uint64_t ntp;
	uint32_t timestamp, packets, bytes;
	uint8_t count;
	struct rf_view blocks;        /* count of 24 bytes; behind them extensions of a profile, not in the view */
};
struct rf_rtcp_block {            /* RFC 3550 6.4.1 */
	uint32_t ssrc;
	uint8_t fraction;             /* lost, of 256, since the report before */
	int32_t lost;                 /* in all */
	uint32_t highest;             /* sequence number, extended */
	uint32_t jitter;              /* in units of the RTP clock */
	uint32_t lsr, dlsr;           /* the middle of the last SR's NTP time; how long ago it came, in 1/65536 s */
};
/* Of a packet of type SR or RR. RF_E_MALFORMED: it ends before what it counts. */
int rf_rtcp_report_parse(const struct rf_rtcp_packet *packet, struct rf_rtcp_report *ret_report);
/* at < report->count. */
struct rf_rtcp_block rf_rtcp_block_at(const struct rf_rtcp_report *report, unsigned at);

/* The next source of an SDES packet's body: begin with rf_reader_of() it. RF_E_NOT_FOUND: that was the last;
 * RF_E_MALFORMED. */
struct rf_rtcp_source {
	uint32_t ssrc;
	struct rf_view cname;         /* empty: none */
	struct rf_view mid;           /* the m-line that it is of (RFC 9143 15.1); empty: none */
	unsigned others;              /* items that are no CNAME */
};
int rf_rtcp_source_next(struct rf_reader *r, struct rf_rtcp_source *ret_source);

/* Feedback: who says it, and about whom (0 where that stands in the control information, as in FIR). */
struct rf_rtcp_feedback {
	uint32_t sender, media;
	struct rf_view control;       /* whole units of what the format has, as many as there are */
};
/* Of a packet of type RTPFB or PSFB. RF_E_MALFORMED: too short, not of whole units, none where one must be;
 * RF_E_UNSUPPORTED: a format that is not among those above. */
int rf_rtcp_feedback_parse(const struct rf_rtcp_packet *packet, struct rf_rtcp_feedback *ret_feedback);

/* ---- writing anew */

struct rf_rtcp_pair { uint32_t from, to; };
/* A stream whose packets have another clock on the other side: from_hz ticks since `from` are to_hz ticks since `to`.
 * hz 0: it is the same there. */
struct rf_rtcp_clock { uint32_t ssrc, from, to, from_hz, to_hz; };
struct rf_rtcp_rewrite {
	const struct rf_rtcp_pair *pairs; /* SSRCs that are other ones on the other side; the others stay */
	size_t n_pairs;                   /* looked through for each SSRC: a few */
	struct rf_view cname;             /* of every source, 1..255 bytes; what came carries user@host */
	struct rf_rtcp_clock sent;        /* whose sender reports are in it */
	struct rf_rtcp_clock heard;       /* of the other side's, of which its blocks tell: their jitter is in to_hz */
};
/* What does not cross: packets of these kinds; items of SDES other than CNAME; reasons of BYE. */
struct rf_rtcp_left_out {
	uint16_t app, xr, feedback, other, items, reasons;
};
/* A compound that says to the other side what `in` said: SR and RR (without extensions of a profile), SDES with nothing
 * but the CNAME above, known feedback, BYE without its reason. APP, XR and what is not known is left out and counted.
 * RF_E_NOT_FOUND: nothing is left; RF_E_SPACE: over cap; RF_E_INVALID: the CNAME's length; as rf_rtcp_check(). */
int rf_rtcp_rewrite(struct rf_view in, bool reduced, const struct rf_rtcp_rewrite *how, uint8_t *buf, size_t cap,
		    size_t *ret_n, struct rf_rtcp_left_out *ret_left_out);

#endif

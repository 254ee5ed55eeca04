/* Keys pressed, as events in RTP (RFC 4733): packets in, events out, and the other way.
 *
 * An event is told again and again while it lasts, each time with its whole duration so far; packets are lost and
 * doubled, the last one is sent three times, and an event longer than 65535 units is told in segments. What comes
 * out of here is one begin and one end for each event, whatever happened in between.
 * Wire room: no socket, clock or log. One thread at a time. */
#ifndef RF_RTP_DTMF_H
#define RF_RTP_DTMF_H

#include "base/clock.h"
#include "base/err.h"
#include "rtp/rtp.h"

enum {
	RF_DTMF_BYTES = 4,         /* of a payload */
	RF_DTMF_EVENTS = 16,       /* 0..9 * # A..D; others (flash, fax, ...) are not ours */
	RF_DTMF_QUIET_MS = 200,    /* nothing was heard of an event for so long: its end was lost */
	RF_DTMF_LATE_MS = 5000,    /* an older packet than the newest one is late only within so long */
	RF_DTMF_LAST_TIMES = 3,    /* RFC 4733 2.5.1.4 */
	RF_DTMF_DURATION_MAX = 60 * 48000,
};

/* '0'..'9' '*' '#' 'A'..'D'; -1: none. */
int rf_dtmf_event_of(char key);

/* ---- reading: one for each SSRC and payload type */

struct rf_dtmf_in {
	bool open, known;          /* an event goes on; there was one before */
	uint8_t event, volume;
	uint32_t timestamp;        /* of the segment that goes on, or of the last event */
	uint32_t before;           /* duration of the segments before it */
	uint16_t duration;         /* of this one so far */
	uint16_t seq;              /* of the newest packet */
	struct rf_mono heard;
};

struct rf_dtmf_news {
	bool end;                  /* else: begin */
	uint8_t event, volume;     /* volume: dBm0 below zero, 0..63 */
	uint32_t duration;         /* of an end: in units of the clock */
};
enum { RF_DTMF_NEWS_MAX = 3 };

/* A packet with a payload of type telephone-event. Returns how many news, in order: none; a begin; an end; the end
 * of the one before, whose last packets were lost, and a begin; with an end, too, when the first packet that comes
 * is the last. RF_E_MALFORMED: not of four bytes, or with the reserved bit; RF_E_UNSUPPORTED: an event that is not
 * ours. */
int rf_dtmf_in_take(struct rf_dtmf_in *d, const struct rf_rtp_head *head, struct rf_view payload, struct rf_mono now,
		    struct rf_dtmf_news ret_news[static RF_DTMF_NEWS_MAX]);
/* Time went by. True: the event that went on has ended, since nothing was heard of it for RF_DTMF_QUIET_MS. */
bool rf_dtmf_in_quiet(struct rf_dtmf_in *d, struct rf_mono now, struct rf_dtmf_news *ret_news);

/* ---- sending */

struct rf_dtmf_out {
	uint8_t event, volume, times; /* times: how often the last one was sent */
	bool begun;
	uint32_t timestamp;        /* of the segment */
	uint32_t left;             /* of the duration, from the beginning of the segment */
	uint32_t at;               /* told so far in this segment */
	uint32_t step;             /* between packets */
};

/* timestamp: when the key is pressed. duration and step: in units of the clock; step 1..8000, duration at least a step
 * and at most RF_DTMF_DURATION_MAX. RF_E_INVALID. */
int rf_dtmf_out_begin(struct rf_dtmf_out *d, unsigned event, unsigned volume, uint32_t timestamp, uint32_t duration,
		      uint32_t step);
/* The next packet, one every step: its timestamp, marker and payload; type, seq and ssrc are the caller's. False:
 * there is none any more. */
bool rf_dtmf_out_next(struct rf_dtmf_out *d, struct rf_rtp_head *ret_head, uint8_t ret_payload[static RF_DTMF_BYTES]);

#endif

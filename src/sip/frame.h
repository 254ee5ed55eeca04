/* Cutting a byte stream into SIP messages (RFC 3261 18.3, RFC 5626 3.5.1). The owner keeps the bytes that were not
 * consumed; the frame remembers how far it has looked, so each byte is looked at once however slowly they come.
 *
 *	for (;;) {
 *		size_t n;
 *		switch (rf_sip_frame_next(&f, unconsumed, lim, &n)) {
 *		case RF_SIP_FRAME_MORE:    keep the bytes (never more than lim->message_bytes), read on
 *		case RF_SIP_FRAME_PING:    consume n, answer CR LF
 *		case RF_SIP_FRAME_PONG:    consume n
 *		case RF_SIP_FRAME_MESSAGE: rf_sip_msg_parse() the first n with RF_SIP_STREAM, consume n
 *		case RF_SIP_FRAME_ERROR:   rf_sip_msg_parse_refused() the first n with f.rule, send the answer if
 *		                           there is one, close: where the next message begins cannot be known
 *		}
 *	}
 */
#ifndef RF_SIP_FRAME_H
#define RF_SIP_FRAME_H

#include "base/view.h"
#include "sip/limits.h"
#include "sip/rule.h"

enum rf_sip_frame_result {
	RF_SIP_FRAME_MORE,
	RF_SIP_FRAME_PING,    /* CR LF CR LF: the peer wants to know that we are there */
	RF_SIP_FRAME_PONG,    /* CR LF: the answer to our ping, or a stray one before a message */
	RF_SIP_FRAME_MESSAGE,
	RF_SIP_FRAME_ERROR,
};

/* All zero is a fresh one (rf_sip_frame_init() does that). One per connection, 24 bytes. */
struct rf_sip_frame {
	uint32_t line;       /* where the line in hand begins */
	uint32_t scanned;    /* bytes already looked at */
	uint32_t head_n;     /* length of the head once it is whole, else 0 */
	uint32_t need;       /* MORE: bytes that must be there before asking again helps; 0 when not known yet */
	uint32_t length;     /* Content-Length */
	uint8_t rule;        /* ERROR: enum rf_sip_rule */
	bool has_length;
	uint8_t pongs_due;   /* pings of ours without an answer yet: tells a pong from the first half of a ping */
};

static inline void rf_sip_frame_init(struct rf_sip_frame *f)
{
	*f = (struct rf_sip_frame){ 0 };
}

/* We have sent CR LF CR LF on this connection. */
static inline void rf_sip_frame_pinged(struct rf_sip_frame *f)
{
	if (f->pongs_due < UINT8_MAX)
		f->pongs_due++;
}

/* bytes: everything received and not consumed, beginning where the last consumed piece ended; after MORE the same
 * bytes with new ones behind them (they may have moved in memory). *ret_n is written for all but MORE.
 * After PING, PONG and MESSAGE the frame is ready for what follows. After ERROR it must not be used again. */
enum rf_sip_frame_result rf_sip_frame_next(struct rf_sip_frame *f, struct rf_view bytes,
					   const struct rf_sip_limits *lim, size_t *ret_n);

#endif

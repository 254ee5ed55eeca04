/* RTCP of our own: a whole picture is asked for, by PLI (RFC 4585 6.3.1) or FIR (RFC 5104 4.3.1), in a compound that is
 * one (an empty report, our name). And the clock of a compound that was said anew already. Wire room: no socket, clock
 * or log. Threads: any. */
#ifndef RF_RTP_RTCP_ASK_H
#define RF_RTP_RTCP_ASK_H

#include "base/writer.h"
#include "rtp/rtcp.h"

struct rf_rtcp_picture {
	uint32_t sender;             /* our own SSRC */
	struct rf_view cname;        /* 1..255 bytes */
	const uint32_t *ssrcs;       /* of whose streams */
	size_t n;
	bool fir;                    /* else PLI */
	uint8_t fir_seq;             /* one more for each new question */
};
/* w->err: RF_E_SPACE; RF_E_INVALID: nobody is asked, or too many (31), or no name. */
void rf_rtcp_put_picture(struct rf_writer *w, const struct rf_rtcp_picture *p);

/* Does it ask whoever gets it for a whole picture? Bytes that are no compound ask for nothing. */
bool rf_rtcp_asks_picture(struct rf_view compound);

/* Sender reports of clock->ssrc in a compound of ours have the other clock from now on, in place. */
void rf_rtcp_set_clock(uint8_t *compound, size_t n, const struct rf_rtcp_clock *clock);

#endif

/* A STUN server for whoever asks: Binding requests only, without credentials, nothing kept between two of them. Rate
 * limits are the caller's.
 *
 * As a mirror it is worth little: an answer is at most RF_STUN_SERVER_GROWTH bytes longer than its request (over IPv4,
 * with IP and UDP headers, 60 bytes for 48), and nothing else than a well-formed request is answered at all. One with
 * attributes that must be understood and are not is told so (420), under the same bound. */
#ifndef RF_RTP_STUN_SERVER_H
#define RF_RTP_STUN_SERVER_H

#include "rtp/stun.h"

enum {
	RF_STUN_SERVER_REPLY_MAX = 52, /* head, an IPv6 address, fingerprint */
	RF_STUN_SERVER_GROWTH = 24,
};

/* 0 and the answer, in buf, to go back to where the request came from; RF_E_UNSUPPORTED: nothing that is answered here;
 * else as rf_stun_parse(). A FINGERPRINT is answered with one. */
int rf_stun_server_answer(struct rf_view request, const struct rf_stun_addr *from,
			  uint8_t buf[static RF_STUN_SERVER_REPLY_MAX], struct rf_view *ret_reply);

#endif

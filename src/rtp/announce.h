/* What the controller and the announcer (role/announcer.h) say to each other, each one datagram of a fixed size, field
 * by field in network order. An order holds the key of the stream: whoever had it in memory wipes it.
 *
 *	order   what:1 id:4 tone:1 code:1 type:1 dscp:1 socket:1 family:1 ip:16 scope:4 port:2 ms:2 seq:2 timestamp:4 ssrc:4
 *	        suite:1 key:46 (zero behind the suite's)
 *	report  what:1 id:4 why:1 packets:2
 *
 * Wire room. Threads: any. */
#ifndef RF_RTP_ANNOUNCE_H
#define RF_RTP_ANNOUNCE_H

#include "rtp/srtp.h"
#include "rtp/tone.h"

enum rf_announce_what {
	RF_ANNOUNCE_PLAY = 1,
	RF_ANNOUNCE_STOP = 2,  /* only its id counts; unknown ones are passed over */
	RF_ANNOUNCE_ENDED = 3, /* a report */
};

enum rf_announce_why {
	RF_ANNOUNCE_DONE,    /* all of it was sent */
	RF_ANNOUNCE_STOPPED, /* as ordered */
	RF_ANNOUNCE_FULL,    /* too many streams at once */
	RF_ANNOUNCE_BAD,     /* the order could not be understood or carried out */
	RF_ANNOUNCE_WHYS,
};

enum {
	RF_ANNOUNCE_ORDER_BYTES = 92,
	RF_ANNOUNCE_REPORT_BYTES = 8,
	RF_ANNOUNCE_MS_MAX = 10000, /* of one tone: what plays ends by itself */
	RF_ANNOUNCE_SOCKETS = 16,
};

struct rf_announce_order {
	uint8_t what;            /* enum rf_announce_what */
	uint8_t tone;            /* enum rf_tone */
	uint8_t code;            /* enum rf_tone_code */
	uint8_t type;            /* payload type, 0..127 */
	uint8_t dscp;            /* 0..63 */
	uint8_t socket;          /* index of ours */
	uint8_t family;          /* of the address that it goes to: 4, 6 */
	uint8_t suite;           /* enum rf_srtp_suite; RF_SRTP_NONE: plain RTP */
	uint32_t id;
	uint8_t ip[16];
	uint32_t scope;          /* of a link-local IPv6 address */
	uint16_t port;
	uint16_t ms;
	uint16_t seq;            /* of the first packet, and its timestamp */
	uint32_t timestamp, ssrc;
	uint8_t key[RF_SRTP_KEY_MAX]; /* master key and salt */
};

struct rf_announce_report {
	uint32_t id;
	uint8_t why;             /* enum rf_announce_why */
	uint16_t packets;        /* sent */
};

void rf_announce_put_order(const struct rf_announce_order *o, uint8_t dst[static RF_ANNOUNCE_ORDER_BYTES]);
/* RF_E_MALFORMED: not of that size, or a field is outside its range; its id is set when it could be read. */
int rf_announce_parse_order(struct rf_view bytes, struct rf_announce_order *ret_o);
void rf_announce_put_report(const struct rf_announce_report *r, uint8_t dst[static RF_ANNOUNCE_REPORT_BYTES]);
int rf_announce_parse_report(struct rf_view bytes, struct rf_announce_report *ret_r);

#endif

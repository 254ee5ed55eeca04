/* What a datagram on a media port is, by its first byte (RFC 7983 7; RFC 5761 4 for RTCP among RTP). Only narrows: each
 * parser then decides for itself. Wire room: no socket, clock or log. Threads: any. */
#ifndef RF_RTP_DEMUX_H
#define RF_RTP_DEMUX_H

#include "base/view.h"

enum rf_demux {
	RF_DEMUX_OTHER,   /* nothing that we take: empty, ZRTP, QUIC, too short for what it says it is */
	RF_DEMUX_STUN,
	RF_DEMUX_DTLS,
	RF_DEMUX_TURN,    /* channel data: we are no TURN client and no server */
	RF_DEMUX_RTP,
	RF_DEMUX_RTCP,    /* packet types 192 to 223, whether on a port of its own or with RTP on one */
};

enum rf_demux rf_demux_of(struct rf_view datagram);

#endif

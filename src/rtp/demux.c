#include "rtp/demux.h"

/* First bytes, and the shortest thing that each can be: STUN's head, a DTLS record's head, channel data's, RTP's. */
static const struct {
	uint8_t first, last, least;
	enum rf_demux is;
} ranges[] = {
	{ 0, 3, 20, RF_DEMUX_STUN },
	{ 20, 63, 13, RF_DEMUX_DTLS },
	{ 64, 79, 4, RF_DEMUX_TURN },
	{ 128, 191, 8, RF_DEMUX_RTP },
};

/* RFC 5761 4: payload types 64 to 95 are not given to RTP, so that with the marker bit they can be RTCP's. */
static enum rf_demux rtp_or_rtcp(struct rf_view v)
{
	if (v.p[1] >= 192 && v.p[1] <= 223)
		return RF_DEMUX_RTCP;
	return v.n >= 12 ? RF_DEMUX_RTP : RF_DEMUX_OTHER;
}

enum rf_demux rf_demux_of(struct rf_view v)
{
	for (size_t i = 0; v.n && i < sizeof ranges / sizeof *ranges; i++)
		if (v.p[0] >= ranges[i].first && v.p[0] <= ranges[i].last && v.n >= ranges[i].least)
			return ranges[i].is == RF_DEMUX_RTP ? rtp_or_rtcp(v) : ranges[i].is;
	return RF_DEMUX_OTHER;
}

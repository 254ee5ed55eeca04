#include "media/fast.h"

const char *rf_fast_verdict_name(enum rf_fast_verdict v)
{
	static const char *const names[RF_FAST_VERDICTS] = {
		[RF_FAST_SENT] = "sent", [RF_FAST_REPEATED] = "repeated", [RF_FAST_RATE] = "rate",
		[RF_FAST_FAILED] = "failed", [RF_FAST_NO_STREAM] = "no-stream", [RF_FAST_NO_RTP] = "no-rtp",
		[RF_FAST_TYPE] = "type", [RF_FAST_SEQUENCE] = "sequence", [RF_FAST_LOOKED] = "looked-at",
	};

	return names[v];
}

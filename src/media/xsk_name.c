#include "media/xsk.h"

const char *rf_xsk_verdict_name(enum rf_xsk_verdict v)
{
	static const char *const names[RF_XSK_VERDICTS] = {
		[RF_XSK_TAKEN] = "taken", [RF_XSK_NO_FLOW] = "no-flow", [RF_XSK_NO_QUEUE] = "no-queue",
		[RF_XSK_CHECKSUM] = "checksum",
	};

	return names[v];
}

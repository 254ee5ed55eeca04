#include "sip/limits.h"

const struct rf_sip_limits rf_sip_limits_default = {
	.message_bytes = 65536,
	.head_bytes = 49152,
	.start_bytes = 4096,
	.line_bytes = 8192,
	.headers = RF_SIP_HEADERS_MAX,
	.vias = 70,
};

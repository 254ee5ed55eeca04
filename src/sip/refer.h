/* REFER (RFC 3515): what a request of it asks for, read strictly, and the bodies that its subscription reports with
 * (message/sipfrag, RFC 3420). Whether the one who asks may is the call's question, not this one. */
#ifndef RF_SIP_REFER_H
#define RF_SIP_REFER_H

#include "base/writer.h"
#include "sip/msg.h"
#include "sip/replaces.h"

enum {
	RF_REFER_REPLACES_MAX = 512, /* bytes of the Replaces in a Refer-To, escapes undone */
	RF_REFER_FRAG_MAX = 128,
};

struct rf_refer {
	struct rf_sip_uri to;        /* of Refer-To: sip, sips or tel */
	struct rf_replaces replaces; /* views into text */
	bool has_replaces;
	bool quiet;                  /* Refer-Sub: false (RFC 4488): no subscription, please */
	uint8_t text[RF_REFER_REPLACES_MAX];
};

/* 0, or the code to refuse with:
 * 400: no Refer-To or one that cannot be read, more than one value, a Replaces in it that is malformed, a Refer-Sub
 * that is neither true nor false. 403: it asks for another method than INVITE. 416: another scheme.
 * Of the header fields that a URI may carry (RFC 3261 19.1.5) only Replaces is taken; all others, and a body, are as if
 * they were not there: what we send we write ourselves. */
unsigned rf_refer_parse(const struct rf_sip_msg *msg, struct rf_refer *ret_refer);

/* "SIP/2.0 180 Ringing" with its end of line. */
void rf_refer_put_frag(struct rf_writer *w, unsigned code);

#endif

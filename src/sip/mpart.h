/* Multipart bodies (RFC 2046 5.1, RFC 5621): the parts as views. */
#ifndef RF_SIP_MPART_H
#define RF_SIP_MPART_H

#include "sip/msg.h"

struct rf_sip_part {
	struct rf_view head;         /* header lines of the part, each with its CR LF */
	struct rf_view type;         /* Content-Type, "text/plain" when absent */
	struct rf_view disposition;  /* Content-Disposition, empty when absent */
	struct rf_view id;           /* Content-ID */
	struct rf_view body;
};

struct rf_sip_mpart {
	struct rf_view boundary;
	struct rf_view rest;
	uint16_t seen;
	bool done;
};

/* content_type as in the message. RF_E_UNSUPPORTED when it is not multipart, RF_E_MALFORMED without a boundary or
 * when the body has no part. */
int rf_sip_mpart_init(struct rf_sip_mpart *it, struct rf_view content_type, struct rf_view body);
/* 1 and *ret_part, 0 behind the closing delimiter, RF_E_MALFORMED, RF_E_LIMIT past RF_SIP_PARTS_MAX. */
int rf_sip_mpart_next(struct rf_sip_mpart *it, struct rf_sip_part *ret_part);
/* The body of that media type, in the message itself or in one of its parts (nested multiparts are not entered).
 * 0, RF_E_NOT_FOUND, RF_E_MALFORMED, RF_E_LIMIT. */
int rf_sip_msg_find_body(const struct rf_sip_msg *m, struct rf_view media_type, struct rf_view *ret_body);
/* Is content_type (with parameters) of this media type, without case? */
bool rf_sip_is_media_type(struct rf_view content_type, struct rf_view media_type);

#endif

/* What of a trunk's messages a border looks at, as the site file says it: the optional part of the border's own list
 * (call/border_list.c), which a site makes narrower for all trunks (trunk_defaults) and a trunk for itself. What no
 * message can do without is not among it. A trunk that takes more than trunk_defaults needs a deviation from
 * RF_MIT_BORDER that names it. Behind a load every field of a trunk's list says something. */
#ifndef RF_SITE_ACCEPT_H
#define RF_SITE_ACCEPT_H

#include "site/types.h"

/* INVITE, ACK, CANCEL, BYE and PRACK make a call. */
enum rf_accept_method { RF_ACCEPT_OPTIONS, RF_ACCEPT_UPDATE, RF_ACCEPT_INFO, RF_ACCEPT_METHODS };

/* application/sdp and what may hold it beside other parts, multipart/mixed, are a call's. */
enum rf_accept_body {
	RF_ACCEPT_DTMF_RELAY, RF_ACCEPT_DTMF, RF_ACCEPT_TELEPHONE_EVENT, RF_ACCEPT_MEDIA_CONTROL, RF_ACCEPT_BODIES,
};

enum { RF_ACCEPT_HEADERS = 18, RF_ACCEPT_PARAMETERS = 26, RF_ACCEPT_RULES = 8, RF_ACCEPT_MESSAGE_BYTES = 32768,
       RF_ACCEPT_HEADER_FIELDS = 256 };

/* A header that only this trunk's network knows: carried as it is in the INVITE of a call, both ways. */
struct rf_site_further {
	struct rf_site_pos pos, name_pos;
	struct rf_view name;         /* P-... or X-..., and rf_accept_further_refusal() has nothing against it */
	uint32_t bytes;              /* the longest value; 128 */
};

enum { RF_ACCEPT_FURTHER = 8, RF_ACCEPT_FURTHER_BYTES = 512 };

/* Bits in the order of the names below; *_pos.line 0: not in the file. */
struct rf_site_accept {
	struct rf_site_pos pos;
	unsigned methods, headers, parameters, bodies;
	unsigned refuse;             /* rules by which a request is refused of which only a part
				      * would be dropped; none */
	uint32_t message_bytes;      /* RF_ACCEPT_MESSAGE_BYTES */
	uint32_t header_fields;      /* RF_ACCEPT_HEADER_FIELDS */
	const struct rf_site_further *further;
	size_t further_count;
	struct rf_site_pos methods_pos, headers_pos, parameters_pos, bodies_pos, refuse_pos, message_pos, fields_pos;
};

/* As the site file and messages spell them; NULL behind the last. */
const char *rf_accept_method_name(unsigned i);
const char *rf_accept_header_name(unsigned i);
const char *rf_accept_parameter_name(unsigned i);
const char *rf_accept_body_name(unsigned i);   /* "application/dtmf" */
/* The rules of call/border.h that concern a part of a message: "body", "remote-control", ... */
const char *rf_accept_rule_name(unsigned i);

/* Why a header of this name is never carried, for people: "it makes a phone do something", ... NULL: it may be. */
const char *rf_accept_further_refusal(struct rf_view name);

#endif

/* name-addr and addr-spec with header parameters: From, To, Contact, Route, Record-Route, P-Asserted-Identity,
 * Refer-To, ... (RFC 3261 20.10). Outside angle brackets a ";" always begins a header parameter. */
#ifndef RF_SIP_ADDR_H
#define RF_SIP_ADDR_H

#include "sip/params.h"
#include "sip/uri.h"

struct rf_sip_addr {
	struct rf_view text;      /* the whole value */
	struct rf_view display;   /* as written: tokens, or the inside of a quoted string (then display_quoted) */
	struct rf_sip_uri uri;
	struct rf_view params;    /* header parameters, from the first ";" */
	struct rf_view tag;       /* empty when there is none */
	bool display_quoted;
	bool bracketed;           /* the URI stands in <> */
	bool star;                /* Contact: *  -- the URI is empty then */
};

/* One value: no comma outside quotes and brackets. RF_E_MALFORMED, RF_E_LIMIT; *ret_addr is undefined then. "*" is
 * taken only by rf_sip_contact_parse(). */
int rf_sip_addr_parse(struct rf_view value, struct rf_sip_addr *ret_addr);
int rf_sip_contact_parse(struct rf_view value, struct rf_sip_addr *ret_addr);

static inline bool rf_sip_addr_param(const struct rf_sip_addr *a, struct rf_view name, struct rf_sip_param *ret_p)
{
	return rf_sip_params_find(a->params, name, ret_p);
}

/* The display name for people: escapes undone, folds and runs of white space as one space. a->display.n suffices. */
int rf_sip_addr_display(const struct rf_sip_addr *a, void *buf, size_t cap, struct rf_view *ret_v);

/* q of a Contact in thousandths: 1000 when absent or not a qvalue. */
unsigned rf_sip_addr_q(const struct rf_sip_addr *a);
/* expires of a Contact in seconds: false when absent. More than 2^32-1 reads as 2^32-1, anything else that is not a
 * number as 3600 (RFC 3261 10.2.1.1). */
bool rf_sip_addr_expires(const struct rf_sip_addr *a, uint32_t *ret_s);

#endif

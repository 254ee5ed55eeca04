/* The parameters behind a header value or a URI: ";name=value;flag". Walking is lazy: nothing is stored.
 *
 *	struct rf_sip_params it = rf_sip_params_of(addr.params);
 *	struct rf_sip_param p;
 *	while (rf_sip_params_next(&it, &p) > 0)
 *		...
 */
#ifndef RF_SIP_PARAMS_H
#define RF_SIP_PARAMS_H

#include "base/err.h"
#include "base/view.h"

struct rf_sip_param {
	struct rf_view name;
	struct rf_view value;  /* without the quotes when quoted, its escapes still in it (rf_sip_unquote()) */
	bool has_value;        /* there was a "=" */
	bool quoted;
	bool token;            /* the value is a token */
};

struct rf_sip_params {
	struct rf_view rest;
	uint16_t seen;
};

/* params: everything behind the value, with or without the first ";". May be empty. */
static inline struct rf_sip_params rf_sip_params_of(struct rf_view params)
{
	return (struct rf_sip_params){ params, 0 };
}

/* 1 and *ret_p (undefined otherwise); 0 at the end; RF_E_MALFORMED on an empty parameter, an open quote or a byte that
 * cannot stand there; RF_E_LIMIT past RF_SIP_PARAMS_MAX. White space and folds around ";" and "=" are passed over. */
int rf_sip_params_next(struct rf_sip_params *it, struct rf_sip_param *ret_p);
/* 0 when all of params is well formed. */
int rf_sip_params_check(struct rf_view params);
/* The first parameter of that name, without case; false when there is none or something before it is malformed. */
bool rf_sip_params_find(struct rf_view params, struct rf_view name, struct rf_sip_param *ret_p);

/* The characters of a quoted string without their backslashes, into buf. v is the inside, without the quotes.
 * RF_E_SPACE when cap is too small; v.n bytes always suffice. May hold any byte but CR and LF. */
int rf_sip_unquote(struct rf_view v, void *buf, size_t cap, struct rf_view *ret_v);

/* delta-seconds of an expires: more than 2^32-1 reads as 2^32-1, anything but digits as 3600 (RFC 3261 10.2.1.1). */
uint32_t rf_sip_delta_seconds(struct rf_view v);

/* True when v is 1*tokenchar (RFC 3261 25.1). */
bool rf_sip_is_token(struct rf_view v);

#endif

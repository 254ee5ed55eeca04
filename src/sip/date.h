/* SIP-date (RFC 3261 20.17): "Sat, 13 Nov 2010 23:29:00 GMT", always GMT. */
#ifndef RF_SIP_DATE_H
#define RF_SIP_DATE_H

#include "base/writer.h"

/* Strict; the day of the week must be one, and is not compared. RF_E_MALFORMED. */
int rf_sip_date_parse(struct rf_view v, int64_t *ret_s);
/* seconds since 1970, years 1970 to 9999. RF_E_INVALID in the writer otherwise. */
void rf_sip_put_date(struct rf_writer *w, int64_t s);

#endif

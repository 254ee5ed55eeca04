/* One certificate over HTTPS, blocking. Private to role/fetcher*.c and its test. */
#ifndef RF_ROLE_FETCHER_HTTP_H
#define RF_ROLE_FETCHER_HTTP_H

#include "base/view.h"

struct ssl_ctx_st;

enum { RF_HTTP_HEAD_MAX = 8192 };

/* url is "https://host[:port]/path", checked by the caller. The body of a 200 into body (cap bytes). Negative: it could
 * not be had, or is longer. deadline_ms in all. */
int rf_fetch_https(struct ssl_ctx_st *ctx, struct rf_view url, unsigned deadline_ms, uint8_t *body, size_t cap,
		   size_t *ret_n);
/* The body of a whole response, as it was read to the end of the connection: a 200 without transfer coding, as long as
 * it says it is; when the end was not the proper one of TLS (ended), it must say. RF_E_MALFORMED, RF_E_UNSUPPORTED,
 * RF_E_NOT_FOUND (another status), RF_E_LIMIT. */
int rf_fetch_body(struct rf_view response, bool ended, size_t most, struct rf_view *ret_body);

#endif

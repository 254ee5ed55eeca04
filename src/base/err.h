/* One int space for results: 0 is success, system errors are -errno, ours start at -1000. The number tells the
 * program what happened; the words for people travel apart, in a struct rf_diag that the caller may pass. */
#ifndef RF_BASE_ERR_H
#define RF_BASE_ERR_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum rf_err {
	RF_OK = 0,
	RF_E_MORE = -1000,        /* not an error: the input ends before the thing does */
	RF_E_MALFORMED = -1001,   /* the bytes break the grammar */
	RF_E_LIMIT = -1002,       /* a bound of ours (docs/security.md) */
	RF_E_STATE = -1003,       /* not in this state */
	RF_E_DENIED = -1004,      /* proven identity, not permitted */
	RF_E_AUTH = -1005,        /* identity not proven */
	RF_E_BUSY = -1006,        /* later, perhaps */
	RF_E_NOT_FOUND = -1007,
	RF_E_EXISTS = -1008,
	RF_E_UNSUPPORTED = -1009, /* well formed, not something we do */
	RF_E_SPACE = -1010,       /* the output buffer is too small */
	RF_E_CRYPTO = -1011,      /* OpenSSL said no */
	RF_E_STALE = -1012,       /* was valid once */
	RF_E_CLOSED = -1013,      /* the peer or the object is gone */
	RF_E_CORRUPT = -1014,     /* our own stored data fails its check */
	RF_E_TIMEOUT = -1015,
	RF_E_INVALID = -1016,     /* well formed, but what it says cannot be (a site file, a command line) */
};

/* A short English text for any code, -errno included. Static storage; threads: any. */
const char *rf_err_text(int code);

/* Why, for people. line and column count from 1, 0 when there is none. */
struct rf_diag {
	int code;
	uint32_t line, column;
	size_t offset;        /* byte offset in the input, when that is what is known */
	char file[256];       /* "" when there is none */
	char text[512];
};

/* Fill d (may be NULL) and return code, so that `return rf_diag_set(d, RF_E_X, "...")` reads well. */
int rf_diag_set(struct rf_diag *d, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with a place in a file. */
int rf_diag_at(struct rf_diag *d, int code, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Put "prefix: " before the text that is there. */
void rf_diag_while(struct rf_diag *d, const char *prefix);

#endif

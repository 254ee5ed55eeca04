#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
	[-1000 - RF_E_MORE] = "more input needed",
	[-1000 - RF_E_MALFORMED] = "malformed",
	[-1000 - RF_E_LIMIT] = "over a limit",
	[-1000 - RF_E_STATE] = "not in this state",
	[-1000 - RF_E_DENIED] = "not permitted",
	[-1000 - RF_E_AUTH] = "identity not proven",
	[-1000 - RF_E_BUSY] = "busy",
	[-1000 - RF_E_NOT_FOUND] = "not found",
	[-1000 - RF_E_EXISTS] = "exists already",
	[-1000 - RF_E_UNSUPPORTED] = "not supported",
	[-1000 - RF_E_SPACE] = "output buffer too small",
	[-1000 - RF_E_CRYPTO] = "cryptographic operation failed",
	[-1000 - RF_E_STALE] = "stale",
	[-1000 - RF_E_CLOSED] = "closed",
	[-1000 - RF_E_CORRUPT] = "stored data is damaged",
	[-1000 - RF_E_TIMEOUT] = "timed out",
	[-1000 - RF_E_INVALID] = "invalid",
};

const char *rf_err_text(int code)
{
	if (code == 0)
		return "success";
	if (code <= -1000) {
		size_t i = (size_t)(-1000 - (long)code);

		return i < sizeof texts / sizeof *texts ? texts[i] : "unknown error";
	}
	if (code < 0) {
		const char *s = strerrordesc_np(-code);

		return s ? s : "unknown error";
	}
	return "unknown error";
}

__attribute__((format(printf, 6, 0)))
static void fill(struct rf_diag *d, int code, const char *file, uint32_t line, uint32_t column, const char *fmt,
		 va_list ap)
{
	d->code = code;
	d->line = line;
	d->column = column;
	d->offset = 0;
	snprintf(d->file, sizeof d->file, "%s", file ? file : "");
	vsnprintf(d->text, sizeof d->text, fmt, ap);
}

int rf_diag_set(struct rf_diag *d, int code, const char *fmt, ...)
{
	if (d) {
		va_list ap;

		va_start(ap, fmt);
		fill(d, code, NULL, 0, 0, fmt, ap);
		va_end(ap);
	}
	return code;
}

int rf_diag_at(struct rf_diag *d, int code, const char *file, uint32_t line, uint32_t column, const char *fmt, ...)
{
	if (d) {
		va_list ap;

		va_start(ap, fmt);
		fill(d, code, file, line, column, fmt, ap);
		va_end(ap);
	}
	return code;
}

void rf_diag_while(struct rf_diag *d, const char *prefix)
{
	char old[sizeof d->text];

	if (!d)
		return;
	memcpy(old, d->text, sizeof old);
	int n = snprintf(d->text, sizeof d->text, "%s: ", prefix);
	if (n >= 0 && (size_t)n < sizeof d->text)
		snprintf(d->text + n, sizeof d->text - (size_t)n, "%.*s", (int)(sizeof d->text - (size_t)n - 1), old);
}

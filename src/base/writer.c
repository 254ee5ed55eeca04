#include "base/writer.h"

#include "base/clean.h"

#include <stdarg.h>
#include <stdio.h>

void rf_put_u64(struct rf_writer *w, uint64_t x)
{
	uint8_t d[20];
	size_t i = sizeof d;

	if (x < 10) { /* most are lengths and counts */
		rf_put_byte(w, (uint8_t)('0' + x));
		return;
	}
	do {
		d[--i] = (uint8_t)('0' + x % 10);
		x /= 10;
	} while (x);
	rf_put(w, rf_view_of(d + i, sizeof d - i));
}

static const char digits[16] = "0123456789abcdef";

void rf_put_hex(struct rf_writer *w, const void *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;

	for (size_t i = 0; i < n; i++) {
		uint8_t *d = rf_put_space(w, 2);

		if (!d)
			return;
		d[0] = (uint8_t)digits[b[i] >> 4];
		d[1] = (uint8_t)digits[b[i] & 15];
	}
}

void rf_put_hex64(struct rf_writer *w, uint64_t x)
{
	uint8_t *d = rf_put_space(w, 16);

	for (int i = 15; d && i >= 0; i--, x >>= 4)
		d[i] = (uint8_t)digits[x & 15];
}

static void put_unit(struct rf_writer *w, uint32_t unit)
{
	uint8_t b[2] = { (uint8_t)(unit >> 8), (uint8_t)unit };

	rf_put_lit(w, "\\u");
	rf_put_hex(w, b, sizeof b);
}

/* What a reader would not see is seen in the record, and does nothing on a terminal. */
static void put_escaped(struct rf_writer *w, uint32_t c)
{
	if (c < 0x10000) {
		put_unit(w, c);
		return;
	}
	put_unit(w, 0xd800 + ((c - 0x10000) >> 10));
	put_unit(w, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

void rf_put_json(struct rf_writer *w, struct rf_view v)
{
	while (v.n) {
		uint8_t c = v.p[0];
		size_t n = rf_view_utf8(v);

		if (n == 0) {
			rf_put_lit(w, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			rf_put_byte(w, '\\');
			rf_put_byte(w, c);
		} else if (c < 0x20 || c == 0x7f) {
			rf_put_lit(w, "\\u00");
			rf_put_hex(w, &c, 1);
		} else if (n > 1 && rf_clean_is_hidden(rf_clean_character(v, n))) {
			put_escaped(w, rf_clean_character(v, n));
		} else {
			rf_put(w, rf_view_sub(v, 0, n));
		}
		v = rf_view_from(v, n);
	}
}

void rf_put_fmt(struct rf_writer *w, const char *fmt, ...)
{
	va_list ap;
	char tmp[1024];

	va_start(ap, fmt);
	int n = vsnprintf(tmp, sizeof tmp, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof tmp) {
		w->err = RF_E_SPACE;
		return;
	}
	rf_put(w, rf_view_of(tmp, (size_t)n));
}

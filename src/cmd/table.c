#include "cmd/table.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#define CELL 256
#define COLUMNS_MAX 16

/* ASCII and C1 control characters out; bytes above 0x9f belong to UTF-8 sequences, which jansson has checked. */
static void put_clean(char *dst, size_t cap, const char *s)
{
	size_t n = 0;

	for (; *s && n + 2 < cap; s++) {
		uint8_t c = (uint8_t)*s;

		if (c < 0x20 || c == 0x7f) {
			dst[n++] = '?';
		} else if (c == 0xc2 && (uint8_t)s[1] < 0xa0) { /* U+0080..U+009F */
			dst[n++] = '?';
			s++;
		} else {
			dst[n++] = *s;
		}
	}
	dst[n] = 0;
}

void rf_cmd_cell(const struct json_t *value, char *dst, size_t cap)
{
	dst[0] = 0;
	if (json_is_string(value))
		put_clean(dst, cap, json_string_value(value));
	else if (json_is_integer(value))
		snprintf(dst, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(dst, cap, "%.1f", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(dst, cap, "%s", json_is_true(value) ? "yes" : "no");
}

static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((uint8_t)*s & 0xc0) != 0x80; /* continuation bytes take no place */
	return n;
}

static void cell(const json_t *row, const struct rf_cmd_column *c, char *dst, size_t cap)
{
	size_t most = c->most ? c->most : 40;

	rf_cmd_cell(json_object_get(row, c->key), dst, cap);
	if (width_of(dst) <= most)
		return;
	size_t at = 0, seen = 0;
	while (dst[at] && (seen < most - 2 || ((uint8_t)dst[at] & 0xc0) == 0x80))
		seen += ((uint8_t)dst[at++] & 0xc0) != 0x80;
	snprintf(dst + at, cap - at, "..");
}

static void put_padded(FILE *out, const char *s, size_t width, int last)
{
	fputs(s, out);
	for (size_t i = width_of(s); !last && i < width + 2; i++)
		fputc(' ', out);
}

void rf_cmd_table(FILE *out, const struct json_t *rows, const struct rf_cmd_column *columns, size_t n)
{
	size_t width[COLUMNS_MAX];
	char text[CELL];

	if (n > COLUMNS_MAX)
		n = COLUMNS_MAX;
	for (size_t i = 0; i < n; i++) {
		width[i] = width_of(columns[i].title);
		for (size_t r = 0; r < json_array_size(rows); r++) {
			cell(json_array_get(rows, r), &columns[i], text, sizeof text);
			width[i] = width_of(text) > width[i] ? width_of(text) : width[i];
		}
	}
	for (size_t i = 0; i < n; i++)
		put_padded(out, columns[i].title, width[i], i + 1 == n);
	fputc('\n', out);
	for (size_t r = 0; r < json_array_size(rows); r++) {
		const json_t *row = json_array_get(rows, r);

		if (!json_is_object(row))
			continue;
		for (size_t i = 0; i < n; i++) {
			cell(row, &columns[i], text, sizeof text);
			put_padded(out, text, width[i], i + 1 == n);
		}
		fputc('\n', out);
	}
}

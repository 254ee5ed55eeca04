#include "cmd/table.h"

#include "base/clean.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#define CELL 256
#define COLUMNS_MAX 16

/* What steers a terminal, turns words around or hides in them is shown as "?". */
static void put_clean(char *dst, size_t cap, const char *s)
{
	struct rf_view v = rf_view_str(s);
	size_t n = 0;

	while (v.n) {
		size_t one = rf_view_utf8(v);
		bool shown = one && !rf_clean_is_hidden(rf_clean_character(v, one));

		if (n + (shown ? one : 1) >= cap)
			break;
		if (shown)
			memcpy(dst + n, v.p, one);
		else
			dst[n] = '?';
		n += shown ? one : 1;
		v = rf_view_from(v, one ? one : 1);
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

#include "site/csv_row.h"

void rf_csv_init(struct rf_csv *c, struct rf_view bytes)
{
	*c = (struct rf_csv){ .rest = bytes };
	if (rf_view_starts(c->rest, RF_V("\xef\xbb\xbf")))
		c->rest = rf_view_from(c->rest, 3);
}

bool rf_csv_line(struct rf_csv *c, struct rf_view *ret_line)
{
	while (c->rest.n) {
		size_t n = rf_view_find(c->rest, '\n');
		struct rf_view line = rf_view_sub(c->rest, 0, n);

		c->rest = rf_view_from(c->rest, n + 1);
		c->line++;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!rf_view_trim(line).n || line.p[0] == '#')
			continue;
		*ret_line = line;
		return true;
	}
	return false;
}

/* From the opening quote at `at`; the text without quotes goes to buf. Returns the offset behind the closing quote, 0
 * when there is none. */
static size_t unquote(struct rf_view line, size_t at, uint8_t *buf, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = at + 1; i < line.n; i++) {
		if (line.p[i] == '"' && (i + 1 == line.n || line.p[i + 1] != '"')) {
			*ret_n = n;
			return i + 1;
		}
		if (line.p[i] == '"')
			i++;
		if (n < RF_SITE_TEXT_MAX + 1)
			buf[n++] = line.p[i];
	}
	return 0;
}

enum rf_csv_result rf_csv_field(struct rf_view line, size_t *at, struct rf_csv_field *f)
{
	size_t n, end;

	f->column = (uint32_t)*at + 1;
	f->last = true;
	if (*at < line.n && line.p[*at] == '"') {
		end = unquote(line, *at, f->buf, &n);
		if (!end || (end < line.n && line.p[end] != ','))
			return RF_CSV_OPEN;
		f->text = rf_view_of(f->buf, n);
	} else {
		struct rf_view rest = rf_view_from(line, *at);

		f->text = rf_view_trim(rf_view_sub(rest, 0, rf_view_find(rest, ',')));
		end = *at + rf_view_find(rest, ',');
	}
	if (f->text.n > RF_SITE_TEXT_MAX)
		return RF_CSV_LONG;
	f->last = end >= line.n;
	*at = end + 1;
	return RF_CSV_OK;
}

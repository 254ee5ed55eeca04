/* The phones file: comma-separated values as RFC 4180 has them (quotes, doubled quotes; no line end inside quotes). The
 * first row names the columns, by the same names as in site.yaml. Empty lines and lines that begin with # are passed
 * over. */
#include "site/schema.h"
#include "site/site_int.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 32 };

struct csv {
	struct rf_load *l;
	struct rf_view rest;   /* not yet read */
	uint32_t line;
	const struct rf_key *column[COLUMNS_MAX];
	size_t columns;
	struct rf_site_phone *v; /* malloc'd while it grows, then copied */
	size_t n, room;
};

struct field {
	struct rf_view text;
	uint32_t column;
	bool last, bad;
};

static struct rf_view next_line(struct csv *c)
{
	size_t n = rf_view_find(c->rest, '\n');
	struct rf_view line = rf_view_sub(c->rest, 0, n);

	c->rest = rf_view_from(c->rest, n + 1);
	c->line++;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Keep text with a NUL behind it. */
static struct rf_view keep(struct csv *c, struct rf_view v)
{
	char *s = rf_arena_cstr(c->l->arena, v);

	if (!s) {
		c->l->rc = -ENOMEM;
		return (struct rf_view){ 0 };
	}
	return rf_view_of(s, v.n);
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

static struct field next_field(struct csv *c, struct rf_view line, size_t *at)
{
	struct field f = { .column = (uint32_t)*at + 1 };
	uint8_t buf[RF_SITE_TEXT_MAX + 1];
	size_t n, end;

	if (*at < line.n && line.p[*at] == '"') {
		end = unquote(line, *at, buf, &n);
		if (!end || (end < line.n && line.p[end] != ',')) {
			rf_load_error(c->l, c->line, f.column, "close the quotes; write \"\" for a quote inside them",
				      "a quoted field does not end");
			f.bad = f.last = true;
			return f;
		}
		f.text = rf_view_of(buf, n);
	} else {
		struct rf_view rest = rf_view_from(line, *at);

		f.text = rf_view_trim(rf_view_sub(rest, 0, rf_view_find(rest, ',')));
		end = *at + rf_view_find(rest, ',');
	}
	if (f.text.n > RF_SITE_TEXT_MAX) {
		rf_load_error(c->l, c->line, f.column, "shorten it to 1024 bytes", "this text is too long");
		f.bad = f.last = true;
		return f;
	}
	f.text = keep(c, f.text);
	f.last = end >= line.n;
	*at = end + 1;
	return f;
}

static void read_header(struct csv *c, struct rf_view line)
{
	size_t at = 0;
	struct field f;

	do {
		f = next_field(c, line, &at);
		if (f.bad)
			return;
		if (c->columns == COLUMNS_MAX) {
			rf_load_error(c->l, c->line, f.column, "at most 32", "too many columns");
			return;
		}
		const struct rf_key *key = rf_load_key(c->l, &rf_phone_keys, f.text, c->line, f.column);
		for (size_t i = 0; key && i < c->columns; i++)
			if (c->column[i] == key)
				rf_load_error(c->l, c->line, f.column, "keep one of them", "column \"%s\" is given twice",
					      key->name);
		c->column[c->columns++] = key;
	} while (!f.last);
	for (size_t i = 0; i < rf_phone_keys.n; i++) {
		bool given = !rf_phone_keys.v[i].required;

		for (size_t j = 0; j < c->columns; j++)
			given |= c->column[j] == &rf_phone_keys.v[i];
		if (!given)
			rf_load_error(c->l, c->line, 1, "the first line names the columns, like name,number,location",
				      "there is no column \"%s\"", rf_phone_keys.v[i].name);
	}
}

static struct rf_site_phone *new_phone(struct csv *c)
{
	if (c->n == RF_SITE_PHONES_MAX) {
		rf_load_error(c->l, c->line, 1, "at most 200000 phones in one site", "too many phones");
		return NULL;
	}
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct rf_site_phone *v = reallocarray(c->v, room, sizeof *v);

		if (!v) {
			c->l->rc = -ENOMEM;
			return NULL;
		}
		c->v = v;
		c->room = room;
	}
	c->v[c->n] = (struct rf_site_phone){ .pos = { c->line, 1, c->l->file } };
	return &c->v[c->n++];
}

static void read_row(struct csv *c, struct rf_view line)
{
	struct rf_site_phone *phone = new_phone(c);
	size_t at = 0, i = 0;
	struct field f = { .last = true };

	if (!phone)
		return;
	for (; i < c->columns; i++) {
		f = next_field(c, line, &at);
		if (f.bad)
			return;
		if (!f.text.n && c->column[i]->required)
			rf_load_error(c->l, c->line, f.column, "fill it in, or remove the line", "this phone has no %s",
				      c->column[i]->name);
		else if (f.text.n)
			rf_load_scalar(c->l, c->column[i], f.text, c->line, f.column, phone);
		if (f.last)
			break;
	}
	if (!f.last)
		rf_load_error(c->l, c->line, (uint32_t)at + 1, "put quotes around a text that has a comma",
			      "more fields than the first line has columns");
	for (i++; i < c->columns; i++)
		if (c->column[i]->required)
			rf_load_error(c->l, c->line, (uint32_t)line.n + 1, "fill it in, or remove the line",
				      "this phone has no %s", c->column[i]->name);
}

void rf_phones_csv(struct rf_load *l, struct rf_view bytes, struct rf_site_phone **ret_v, size_t *ret_n)
{
	struct csv c = { .l = l, .rest = bytes };
	bool header = false;

	if (rf_view_starts(c.rest, RF_V("\xef\xbb\xbf")))
		c.rest = rf_view_from(c.rest, 3); /* a spreadsheet's byte order mark */
	while (c.rest.n && l->rc != -ENOMEM && c.n < RF_SITE_PHONES_MAX) {
		struct rf_view line = next_line(&c);

		if (!rf_view_trim(line).n || line.p[0] == '#')
			continue;
		if (header) {
			read_row(&c, line);
			continue;
		}
		int before = l->rc;
		l->rc = 0;
		read_header(&c, line);
		header = true;
		if (l->rc)
			break; /* without columns every row would be an error */
		l->rc = before;
	}
	*ret_v = c.v;
	*ret_n = c.n;
}

/* The phones file: rows as csv_row.h cuts them. The first names the columns, by the same names as in site.yaml. */
#include "site/csv_row.h"
#include "site/schema.h"
#include "site/site_int.h"

#include <stdlib.h>

enum { COLUMNS_MAX = 32 };

struct csv {
	struct rf_load *l;
	struct rf_csv rows;
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

static struct field next_field(struct csv *c, struct rf_view line, size_t *at)
{
	struct rf_csv_field got;
	enum rf_csv_result r = rf_csv_field(line, at, &got);

	if (r == RF_CSV_OPEN)
		rf_load_error(c->l, c->rows.line, got.column, "close the quotes; write \"\" for a quote inside them",
			      "a quoted field does not end");
	else if (r == RF_CSV_LONG)
		rf_load_error(c->l, c->rows.line, got.column, "shorten it to 1024 bytes", "this text is too long");
	if (r != RF_CSV_OK)
		return (struct field){ .column = got.column, .last = true, .bad = true };
	return (struct field){ .text = keep(c, got.text), .column = got.column, .last = got.last };
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
			rf_load_error(c->l, c->rows.line, f.column, "at most 32", "too many columns");
			return;
		}
		const struct rf_key *key = rf_load_key(c->l, &rf_phone_keys, f.text, c->rows.line, f.column);
		for (size_t i = 0; key && i < c->columns; i++)
			if (c->column[i] == key)
				rf_load_error(c->l, c->rows.line, f.column, "keep one of them",
					      "column \"%s\" is given twice", key->name);
		c->column[c->columns++] = key;
	} while (!f.last);
	for (size_t i = 0; i < rf_phone_keys.n; i++) {
		bool given = !rf_phone_keys.v[i].required;

		for (size_t j = 0; j < c->columns; j++)
			given |= c->column[j] == &rf_phone_keys.v[i];
		if (!given)
			rf_load_error(c->l, c->rows.line, 1,
				      "the first line names the columns, like name,number,location",
				      "there is no column \"%s\"", rf_phone_keys.v[i].name);
	}
}

static struct rf_site_phone *new_phone(struct csv *c)
{
	if (c->n == RF_SITE_PHONES_MAX) {
		rf_load_error(c->l, c->rows.line, 1, "at most 200000 phones in one site", "too many phones");
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
	c->v[c->n] = (struct rf_site_phone){ .pos = { c->rows.line, 1, c->l->file } };
	return &c->v[c->n++];
}

/* False: there is no room for this one or any other. */
static bool read_row(struct csv *c, struct rf_view line)
{
	struct rf_site_phone *phone = new_phone(c);
	size_t at = 0, i = 0;
	struct field f = { .last = true };

	if (!phone)
		return false;
	for (; i < c->columns; i++) {
		f = next_field(c, line, &at);
		if (f.bad)
			return true;
		if (!f.text.n && c->column[i]->required)
			rf_load_error(c->l, c->rows.line, f.column, "fill it in, or remove the line",
				      "this phone has no %s", c->column[i]->name);
		else if (f.text.n)
			rf_load_scalar(c->l, c->column[i], f.text, c->rows.line, f.column, phone);
		if (f.last)
			break;
	}
	if (!f.last)
		rf_load_error(c->l, c->rows.line, (uint32_t)at + 1, "put quotes around a text that has a comma",
			      "more fields than the first line has columns");
	for (i++; i < c->columns; i++)
		if (c->column[i]->required)
			rf_load_error(c->l, c->rows.line, (uint32_t)line.n + 1, "fill it in, or remove the line",
				      "this phone has no %s", c->column[i]->name);
	return true;
}

void rf_phones_csv(struct rf_load *l, struct rf_view bytes, struct rf_site_phone **ret_v, size_t *ret_n)
{
	struct csv c = { .l = l };
	struct rf_view line;
	bool header = false;

	rf_csv_init(&c.rows, bytes);
	while (l->rc != -ENOMEM && rf_csv_line(&c.rows, &line)) {
		if (header) {
			if (!read_row(&c, line))
				break;
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

const char *rf_site_phone_column(size_t i)
{
	return i < rf_phone_keys.n ? rf_phone_keys.v[i].name : NULL;
}

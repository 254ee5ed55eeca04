#include "cmd/bulk.h"

#include "base/secret.h"
#include "site/near.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

/* Into b->bytes, which may hold passwords: whatever is left behind is wiped. */
static int read_all(struct rf_bulk *b, int fd)
{
	for (;;) {
		if (b->n == b->room) {
			size_t room = b->room ? b->room * 2 : 64 * 1024;
			uint8_t *bytes = malloc(room);

			if (!bytes)
				return -ENOMEM;
			if (b->n)
				memcpy(bytes, b->bytes, b->n);
			rf_secret_wipe(b->bytes, b->n);
			free(b->bytes);
			b->bytes = bytes;
			b->room = room;
		}
		ssize_t got = read(fd, b->bytes + b->n, b->room - b->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		b->n += (size_t)got;
		if (b->n > RF_SITE_CSV_MAX)
			return RF_E_LIMIT;
	}
}

struct rf_place rf_bulk_place(const struct rf_bulk *b, size_t row, int column)
{
	return (struct rf_place){ b->name, b->line[row], column < 0 ? 1 : b->at[row * b->columns + (size_t)column] };
}

#define LINE_ERROR(b, line, column, mend, ...) \
	rf_finding_add(&(b)->findings, RF_SEV_ERROR, (struct rf_place){ (b)->name, line, column }, NULL, mend, __VA_ARGS__)

/* A field of a line: false after telling what is wrong with it. */
static bool next(struct rf_bulk *b, uint32_t at_line, struct rf_view line, size_t *at, struct rf_csv_field *f)
{
	enum rf_csv_result r = rf_csv_field(line, at, f);

	if (r == RF_CSV_OPEN)
		LINE_ERROR(b, at_line, f->column, "close the quotes; write \"\" for a quote inside them",
			   "a quoted field does not end");
	else if (r == RF_CSV_LONG)
		LINE_ERROR(b, at_line, f->column, "shorten it to 1024 bytes", "this text is too long");
	return r == RF_CSV_OK;
}

static void unknown_column(struct rf_bulk *b, struct rf_view name, uint32_t at, const char *const *columns)
{
	unsigned best = RF_NEAR_MAX;
	const char *near = NULL;
	char mend[64] = "remove it";

	for (; *columns; columns++) {
		unsigned d = rf_near_distance(name, rf_view_str(*columns));

		if (d < best) {
			best = d;
			near = *columns;
		}
	}
	if (near && rf_near_enough(best, name.n))
		snprintf(mend, sizeof mend, "did you mean \"%s\"?", near);
	LINE_ERROR(b, b->header_line, at, mend, "unknown column \"%.*s\"", (int)(name.n > 80 ? 80 : name.n),
		   (const char *)name.p);
}

static void read_header(struct rf_bulk *b, struct rf_view line, const char *const *columns, size_t required)
{
	struct rf_csv_field f;
	size_t at = 0;

	do {
		const char *const *known = columns;

		if (!next(b, b->header_line, line, &at, &f))
			return;
		while (*known && !rf_view_eq(f.text, rf_view_str(*known)))
			known++;
		if (!*known)
			unknown_column(b, f.text, f.column, columns);
		else if (rf_bulk_column(b, *known) >= 0)
			LINE_ERROR(b, b->header_line, f.column, "keep one of them", "column \"%s\" is given twice",
				   *known);
		else if (b->columns < RF_BULK_COLUMNS_MAX)
			snprintf(b->column[b->columns++], sizeof *b->column, "%s", *known);
	} while (!f.last);
	for (size_t i = 0; i < required; i++)
		if (rf_bulk_column(b, columns[i]) < 0)
			LINE_ERROR(b, b->header_line, 1, "the first line names the columns, like name,number",
				   "there is no column \"%s\"", columns[i]);
}

/* A text that the reader took out of its quotes, in place: with quotes it was longer. */
static struct rf_view keep(struct rf_view line, const struct rf_csv_field *f)
{
	if (f->text.p != f->buf)
		return f->text;
	uint8_t *to = (uint8_t *)(uintptr_t)line.p + f->column - 1;
	memcpy(to, f->text.p, f->text.n);
	return rf_view_of(to, f->text.n);
}

static void read_row(struct rf_bulk *b, uint32_t at_line, struct rf_view line, const char *const *columns,
		     size_t required)
{
	size_t row = b->rows++, at = 0, i = 0;
	struct rf_csv_field f = { .last = false };

	b->line[row] = at_line;
	for (; i < b->columns && !f.last; i++) {
		if (!next(b, at_line, line, &at, &f))
			return;
		b->field[row * b->columns + i] = keep(line, &f);
		b->at[row * b->columns + i] = f.column;
	}
	if (!f.last)
		LINE_ERROR(b, at_line, (uint32_t)at + 1, "put quotes around a text that has a comma",
			   "more fields than the first line has columns");
	for (; i < b->columns; i++)
		b->at[row * b->columns + i] = (uint32_t)line.n + 1;
	for (i = 0; i < required; i++) {
		int column = rf_bulk_column(b, columns[i]);

		if (!rf_bulk_get(b, row, column).n)
			rf_bulk_error(b, row, column, "fill it in, or remove the line", "there is no %s", columns[i]);
	}
	rf_secret_wipe(f.buf, sizeof f.buf);
}

static int make_room(struct rf_bulk *b)
{
	struct rf_csv csv;
	struct rf_view line;
	size_t rows = 0;

	rf_csv_init(&csv, rf_view_of(b->bytes, b->n));
	while (rf_csv_line(&csv, &line))
		rows++;
	if (rows > RF_BULK_ROWS_MAX + 1)
		return RF_E_LIMIT;
	b->field = calloc(rows * RF_BULK_COLUMNS_MAX + 1, sizeof *b->field);
	b->at = calloc(rows * RF_BULK_COLUMNS_MAX + 1, sizeof *b->at);
	b->line = calloc(rows + 1, sizeof *b->line);
	return b->field && b->at && b->line ? 0 : -ENOMEM;
}

static void read_rows(struct rf_bulk *b, const char *const *columns, size_t required)
{
	struct rf_csv csv;
	struct rf_view line;

	rf_csv_init(&csv, rf_view_of(b->bytes, b->n));
	if (!rf_csv_line(&csv, &line)) {
		LINE_ERROR(b, 0, 0, "the first line names the columns, like name,number", "the file is empty");
		return;
	}
	b->header_line = csv.line;
	read_header(b, line, columns, required);
	if (b->findings.count[RF_SEV_ERROR])
		return; /* without columns every row would be an error */
	while (rf_csv_line(&csv, &line))
		read_row(b, csv.line, line, columns, required);
}

int rf_bulk_open(const struct rf_cmd_ctx *c, const char *path, const char *const *columns, size_t required,
		 struct rf_bulk *b)
{
	bool from_stdin = strcmp(path, "-") == 0;

	*b = (struct rf_bulk){ .c = c, .name = from_stdin ? "standard input" : path };
	rf_findings_init(&b->findings);
	int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rf_cmd_error(c, RF_EXIT_USAGE, "cannot read %s: %s", path, rf_err_text(-errno));
	int rc = read_all(b, fd);
	if (!from_stdin)
		close(fd);
	if (rc == 0)
		rc = make_room(b);
	if (rc == RF_E_LIMIT)
		return rf_cmd_error(c, RF_EXIT_USAGE, "%s is too large: at most 64 MiB and 200000 rows; split it",
				    b->name);
	if (rc)
		return rf_cmd_error(c, RF_EXIT_FAILED, "cannot read %s: %s", b->name, rf_err_text(rc));
	read_rows(b, columns, required);
	return 0;
}

void rf_bulk_close(struct rf_bulk *b)
{
	rf_secret_wipe(b->bytes, b->n);
	free(b->bytes);
	free(b->field);
	free(b->at);
	free(b->line);
	rf_findings_fini(&b->findings);
	*b = (struct rf_bulk){ 0 };
}

int rf_bulk_column(const struct rf_bulk *b, const char *column)
{
	for (size_t i = 0; i < b->columns; i++)
		if (strcmp(b->column[i], column) == 0)
			return (int)i;
	return -1;
}

struct rf_view rf_bulk_get(const struct rf_bulk *b, size_t row, int column)
{
	return column < 0 ? (struct rf_view){ 0 } : b->field[row * b->columns + (size_t)column];
}

struct named {
	struct rf_view text;
	size_t row;
};

static int by_text(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
	int cmp = n ? memcmp(x->text.p, y->text.p, n) : 0;

	if (cmp || x->text.n != y->text.n)
		return cmp ? cmp : x->text.n < y->text.n ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

int rf_bulk_once(struct rf_bulk *b, int column, const char *what)
{
	struct named *v = calloc(b->rows + 1, sizeof *v);

	if (!v)
		return rf_cmd_error(b->c, RF_EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < b->rows; i++)
		v[i] = (struct named){ rf_bulk_get(b, i, column), i };
	qsort(v, b->rows, sizeof *v, by_text);
	for (size_t i = 1; i < b->rows; i++)
		if (v[i].text.n && rf_view_eq(v[i].text, v[i - 1].text))
			rf_bulk_error(b, v[i].row, column, "give each its own",
				      "%s \"%.*s\" is there twice, first in line %u", what, RF_VFMT(v[i].text),
				      b->line[v[i - 1].row]);
	free(v);
	return 0;
}

static json_t *findings_json(const struct rf_findings *f)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(rows, json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", f->v[i].file, "line",
						      (int)f->v[i].line, "column", (int)f->v[i].column, "error",
						      f->v[i].text, "mend", f->v[i].mend));
	return rows;
}

int rf_bulk_verdict(struct rf_bulk *b)
{
	size_t n = b->findings.count[RF_SEV_ERROR];

	if (!n)
		return b->findings.err ? rf_cmd_error(b->c, RF_EXIT_FAILED, "out of memory") : 0;
	rf_findings_sort(&b->findings);
	if (!b->c->json) {
		rf_findings_print(&b->findings, b->c->err);
		return rf_cmd_error(b->c, RF_EXIT_USAGE, "%zu error%s, so nothing was added", n, n == 1 ? "" : "s");
	}
	json_t *j = json_pack("{s:s, s:s, s:i, s:I, s:o}", "error", "the file has errors, so nothing was added", "code",
			      "usage", "status", RF_EXIT_USAGE, "errors", (json_int_t)n, "findings",
			      findings_json(&b->findings));
	if (!j || json_dumpf(j, b->c->err, JSON_COMPACT))
		fputs("{\"error\":\"out of memory\"}", b->c->err);
	fputc('\n', b->c->err);
	json_decref(j);
	return RF_EXIT_USAGE;
}

#include "emit/diff.h"

#include "base/clean.h"
#include "base/err.h"

#include <stdlib.h>

/* One text as lines; a line keeps its end, so that a missing last one is a difference. */
struct lines {
	struct rf_view *v;
	size_t n;
};

/* Where the two texts are alike in the middle part: a[i] has a twin where keep_a[i], and as many
 * lines of b, in order. */
struct match {
	bool *a, *b;
};

static int split(struct rf_view text, struct lines *ret)
{
	size_t n = text.n ? 1 : 0, k = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n' && i + 1 < text.n;
	ret->v = calloc(n + 1, sizeof *ret->v);
	if (!ret->v)
		return -ENOMEM;
	while (text.n) {
		size_t len = rf_view_find(text, '\n');

		len += len < text.n;
		ret->v[k++] = rf_view_sub(text, 0, len);
		text = rf_view_from(text, len);
	}
	ret->n = k;
	return 0;
}

/* --- the shortest way from a to b */

struct way {
	const struct rf_view *a, *b;
	int n, m;
	int *trace; /* the furthest x of each diagonal, a row of 2 * d + 1 for each number of edits d */
	size_t room;
};

/* Rows 0..d-1 take d * d cells. */
static int *row(const struct way *w, int d)
{
	return w->trace + (size_t)d * (size_t)d + (size_t)d;
}

static int furthest(const struct way *w, int d, int k)
{
	const int *before = d ? row(w, d - 1) : NULL;
	int x;

	if (!d)
		x = 0;
	else if (k == -d || (k != d && before[k - 1] < before[k + 1]))
		x = before[k + 1];      /* down: a line of b is added */
	else
		x = before[k - 1] + 1;  /* right: a line of a goes */
	while (x < w->n && x - k < w->m && x - k >= 0 && rf_view_eq(w->a[x], w->b[x - k]))
		x++;
	return x;
}

static int grow_trace(struct way *w, int d)
{
	size_t need = (size_t)(d + 1) * (size_t)(d + 1);

	if (need <= w->room)
		return 0;
	size_t room = w->room ? w->room * 2 : 1024;
	while (room < need)
		room *= 2;
	int *trace = reallocarray(w->trace, room, sizeof *trace);
	if (!trace)
		return -ENOMEM;
	w->trace = trace;
	w->room = room;
	return 0;
}

/* The number of edits, or -1 when there are too many, or -ENOMEM. */
static int search(struct way *w)
{
	for (int d = 0; d <= RF_DIFF_EDITS_MAX && d <= w->n + w->m; d++) {
		if (grow_trace(w, d))
			return -ENOMEM;
		int *v = row(w, d);
		for (int k = -d; k <= d; k++)
			v[k] = -1;
		for (int k = -d; k <= d; k += 2) {
			v[k] = furthest(w, d, k);
			if (v[k] >= w->n && v[k] - k >= w->m)
				return d;
		}
	}
	return -1;
}

static void walk_back(const struct way *w, int edits, struct match *same)
{
	int x = w->n, y = w->m;

	for (int d = edits; d >= 0; d--) {
		int k = x - y;
		const int *before = d ? row(w, d - 1) : NULL;
		bool down = d && (k == -d || (k != d && before[k - 1] < before[k + 1]));
		int from_k = down ? k + 1 : k - 1;
		int from_x = d ? before[from_k] : 0, start = d ? (down ? from_x : from_x + 1) : 0;

		for (; x > start; x--, y--)
			same->a[x - 1] = same->b[y - 1] = true;
		x = from_x;
		y = d ? from_x - from_k : 0;
	}
}

static int compare(const struct lines *a, const struct lines *b, struct match *same)
{
	size_t head = 0, tail = 0;

	while (head < a->n && head < b->n && rf_view_eq(a->v[head], b->v[head])) {
		same->a[head] = same->b[head] = true;
		head++;
	}
	while (tail < a->n - head && tail < b->n - head && rf_view_eq(a->v[a->n - 1 - tail], b->v[b->n - 1 - tail])) {
		same->a[a->n - 1 - tail] = same->b[b->n - 1 - tail] = true;
		tail++;
	}
	struct way w = { a->v + head, b->v + head, (int)(a->n - head - tail), (int)(b->n - head - tail), NULL, 0 };
	struct match middle = { same->a + head, same->b + head };
	int edits = search(&w);
	if (edits >= 0)
		walk_back(&w, edits, &middle);
	free(w.trace);
	return edits == -ENOMEM ? -ENOMEM : 0;
}

/* --- print */

struct show {
	const struct lines *a, *b;
	const struct match *same;
	FILE *out;
	struct rf_diff_count count;
};

/* A file changed by hand may hold anything: what steers a terminal or hides is shown as "?". */
static void put_line(const struct show *s, char sign, struct rf_view line)
{
	struct rf_view rest = line;

	fputc(sign, s->out);
	while (rest.n) {
		size_t n = rf_view_utf8(rest);
		bool plain = n && (rest.p[0] == '\n' || rest.p[0] == '\t' ||
				   !rf_clean_is_hidden(rf_clean_character(rest, n)));

		if (plain)
			fwrite(rest.p, 1, n, s->out);
		else
			fputc('?', s->out);
		rest = rf_view_from(rest, n ? n : 1);
	}
	if (!line.n || line.p[line.n - 1] != '\n')
		fputs("\n\\ no line end at the end of the file\n", s->out);
}

/* From (x, y), which is at a change or inside one: over lines removed and added. */
static void over_change(const struct show *s, size_t *x, size_t *y)
{
	while (*x < s->a->n && !s->same->a[*x])
		++*x;
	while (*y < s->b->n && !s->same->b[*y])
		++*y;
}

static bool at_change(const struct show *s, size_t x, size_t y)
{
	return (x < s->a->n && !s->same->a[x]) || (y < s->b->n && !s->same->b[y]);
}

/* Lines alike from (x, y) to the next change or the end. */
static size_t quiet_run(const struct show *s, size_t x, size_t y)
{
	size_t n = 0;

	while (x + n < s->a->n && y + n < s->b->n && !at_change(s, x + n, y + n))
		n++;
	return n;
}

/* The end of the hunk that begins with a change at (x, y): changes that are near are one hunk. */
static void hunk_end(const struct show *s, size_t *x, size_t *y)
{
	for (;;) {
		over_change(s, x, y);
		size_t quiet = quiet_run(s, *x, *y);
		bool last = !at_change(s, *x + quiet, *y + quiet);
		size_t more = !last && quiet <= 2 * RF_DIFF_CONTEXT ? quiet : quiet < RF_DIFF_CONTEXT ? quiet : RF_DIFF_CONTEXT;

		*x += more;
		*y += more;
		if (last || quiet > 2 * RF_DIFF_CONTEXT)
			return;
	}
}

static void put_hunk(const struct show *s, size_t x, size_t y, size_t end_x, size_t end_y)
{
	fprintf(s->out, "@@ -%zu,%zu +%zu,%zu @@\n", end_x > x ? x + 1 : x, end_x - x, end_y > y ? y + 1 : y,
		end_y - y);
	while (x < end_x || y < end_y) {
		for (; x < end_x && !s->same->a[x]; x++)
			put_line(s, '-', s->a->v[x]);
		for (; y < end_y && !s->same->b[y]; y++)
			put_line(s, '+', s->b->v[y]);
		for (; x < end_x && y < end_y && s->same->a[x] && s->same->b[y]; x++, y++)
			put_line(s, ' ', s->a->v[x]);
	}
}

static void put_hunks(const struct show *s)
{
	size_t x = 0, y = 0;

	while (x < s->a->n || y < s->b->n) {
		if (!at_change(s, x, y)) {
			x++;
			y++;
			continue;
		}
		size_t before = x < RF_DIFF_CONTEXT ? x : RF_DIFF_CONTEXT, end_x = x, end_y = y;
		if (before > y)
			before = y;
		hunk_end(s, &end_x, &end_y);
		put_hunk(s, x - before, y - before, end_x, end_y);
		x = end_x;
		y = end_y;
	}
}

static void count(struct show *s)
{
	for (size_t i = 0; i < s->a->n; i++)
		s->count.removed += !s->same->a[i];
	for (size_t i = 0; i < s->b->n; i++)
		s->count.added += !s->same->b[i];
}

int rf_diff(struct rf_view old, struct rf_view new, FILE *out, struct rf_diff_count *ret_count)
{
	struct lines a = { 0 }, b = { 0 };
	struct match same = { 0 };
	int rc = split(old, &a);

	if (!rc)
		rc = split(new, &b);
	if (!rc) {
		same.a = calloc(a.n + 1, sizeof *same.a);
		same.b = calloc(b.n + 1, sizeof *same.b);
		rc = same.a && same.b ? compare(&a, &b, &same) : -ENOMEM;
	}
	if (!rc) {
		struct show s = { &a, &b, &same, out, { 0 } };

		if (out)
			put_hunks(&s);
		count(&s);
		*ret_count = s.count;
	}
	free(same.a);
	free(same.b);
	free(a.v);
	free(b.v);
	return rc;
}

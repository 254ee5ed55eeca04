#include "ledger/cdr.h"

#include <stdlib.h>

enum { ARENA_BYTES = 64 * 1024 };

/* The last so many records, kept as lines. */
struct ring {
	uint8_t **lines;
	size_t *sizes;
	size_t n, at, cap;
};

struct query {
	const struct rf_cdr_filter *filter;
	struct rf_arena arena;
	struct ring ring;
	int (*visit)(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line);
	void *arg;
	uint64_t damaged;
};

/* "sip:1001@example.org" -> "1001"; what has no scheme is taken as a number itself. */
static struct rf_view user_part(struct rf_view v)
{
	if (rf_view_starts_nocase(v, RF_V("sips:")))
		v = rf_view_from(v, 5);
	else if (rf_view_starts_nocase(v, RF_V("sip:")) || rf_view_starts_nocase(v, RF_V("tel:")))
		v = rf_view_from(v, 4);
	return rf_view_sub(v, 0, rf_view_find(v, '@'));
}

static bool passes(const struct rf_cdr_filter *f, const struct rf_cdr *c)
{
	char start[RF_WALL_TEXT];

	rf_wall_text(c->start.us ? c->start : c->end, start);
	if ((f->since && strcmp(start, f->since) < 0) || (f->until && strcmp(start, f->until) >= 0))
		return false;
	if (f->session.n && !rf_view_eq(f->session, c->session))
		return false;
	return f->number.n == 0 || rf_view_eq(f->number, c->number) || rf_view_eq(f->number, user_part(c->from)) ||
	       rf_view_eq(f->number, user_part(c->to));
}

static int ring_add(struct ring *r, struct rf_view text)
{
	uint8_t *copy = malloc(text.n);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text.p, text.n);
	free(r->lines[r->at]);
	r->lines[r->at] = copy;
	r->sizes[r->at] = text.n;
	r->at = (r->at + 1) % r->cap;
	if (r->n < r->cap)
		r->n++;
	return 0;
}

static int ring_play(struct query *q)
{
	struct ring *r = &q->ring;
	int rc = 0;

	for (size_t i = 0; i < r->n && rc == 0; i++) {
		size_t at = (r->at + r->cap - r->n + i) % r->cap;
		struct rf_ledger_line line;
		struct rf_cdr cdr;

		rf_arena_reset(&q->arena);
		rc = rf_ledger_line_parse(rf_view_of(r->lines[at], r->sizes[at]), &line);
		if (rc == 0)
			rc = rf_cdr_parse(&q->arena, &line, &cdr);
		if (rc == 0)
			rc = q->visit(q->arg, &cdr, &line);
	}
	return rc;
}

static void ring_fini(struct ring *r)
{
	for (size_t i = 0; r->lines && i < r->cap; i++)
		free(r->lines[i]);
	free(r->lines);
	free(r->sizes);
}

static int one_line(struct query *q, const struct rf_ledger_line *line)
{
	struct rf_cdr cdr;
	int rc;

	if (!rf_view_eq(line->kind, rf_view_str(rf_event_kind_name(RF_EVENT_CDR))))
		return 0;
	rf_arena_reset(&q->arena);
	rc = rf_cdr_parse(&q->arena, line, &cdr);
	if (rc == RF_E_CORRUPT) {
		q->damaged++;
		return 0;
	}
	if (rc || !passes(q->filter, &cdr))
		return rc;
	return q->ring.cap ? ring_add(&q->ring, line->text) : q->visit(q->arg, &cdr, line);
}

static int all_lines(struct query *q, struct rf_ledger_reader *r)
{
	struct rf_ledger_line line;
	int rc = 0;

	while (rc == 0) {
		rc = rf_ledger_reader_next(r, &line);
		if (rc == 0) {
			rc = one_line(q, &line);
		} else if (rc == RF_E_CORRUPT) {
			q->damaged++;
			rc = 0;
		}
	}
	return rc == RF_E_MORE ? 0 : rc;
}

int rf_cdr_query(const char *dir, const struct rf_cdr_filter *filter,
	int (*visit)(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line), void *arg,
	uint64_t *ret_damaged, struct rf_diag *diag)
{
	struct query q = { .filter = filter, .visit = visit, .arg = arg };
	struct rf_ledger_reader *r;
	int rc = rf_ledger_reader_new(dir, &r, diag);

	if (rc)
		return rc;
	rf_arena_init(&q.arena, ARENA_BYTES);
	if (filter->limit) {
		q.ring.cap = filter->limit < RF_CDR_LAST_MAX ? (size_t)filter->limit : RF_CDR_LAST_MAX;
		q.ring.lines = calloc(q.ring.cap, sizeof q.ring.lines[0]);
		q.ring.sizes = calloc(q.ring.cap, sizeof q.ring.sizes[0]);
		if (!q.ring.lines || !q.ring.sizes)
			rc = -ENOMEM;
	}
	if (rc == 0)
		rc = all_lines(&q, r);
	if (rc == 0)
		rc = ring_play(&q);
	if (rc < 0)
		rf_diag_set(diag, rc, "%s: cannot read the call records: %s", dir, rf_err_text(rc));
	ring_fini(&q.ring);
	rf_arena_fini(&q.arena);
	rf_ledger_reader_free(r);
	if (rc == 0 && ret_damaged)
		*ret_damaged = q.damaged;
	return rc;
}

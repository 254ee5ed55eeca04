/* The two ways in which Junos shows a configuration, as statements. */
#include "prove/junos_int.h"

enum kind { WORD, OPEN, CLOSE, SEMICOLON, LIST_OPEN, LIST_CLOSE, LINE_END, END, BAD };

struct text {
	struct rf_junos *j;
	struct rf_view rest;
	uint32_t line;
	struct rf_view word;         /* of WORD */
	bool replaces;               /* "replace:" stood before the statement at hand */
};

static void step(struct text *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t->line += t->rest.p[i] == '\n';
	t->rest = rf_view_from(t->rest, n);
}

/* To the end of a comment; false: there is none. */
static bool comment(struct text *t)
{
	size_t n = 0;

	if (t->rest.p[0] == '#') {
		step(t, rf_view_find(t->rest, '\n'));
		return true;
	}
	if (!rf_view_starts(t->rest, RF_V("/*")))
		return false;
	for (n = 2; n + 1 < t->rest.n && !(t->rest.p[n] == '*' && t->rest.p[n + 1] == '/'); n++)
		;
	if (n + 1 >= t->rest.n)
		rf_rs_fail(t->j->rs, RF_E_MALFORMED, t->line, "a comment does not end");
	step(t, n + 1 < t->rest.n ? n + 2 : t->rest.n);
	return true;
}

static enum kind quoted(struct text *t)
{
	size_t n = 1;

	while (n < t->rest.n && t->rest.p[n] != '"' && t->rest.p[n] != '\n')
		n += t->rest.p[n] == '\\' && n + 1 < t->rest.n ? 2 : 1;
	if (n >= t->rest.n || t->rest.p[n] != '"') {
		rf_rs_fail(t->j->rs, RF_E_MALFORMED, t->line, "a quoted text does not end on its line");
		return BAD;
	}
	t->word = rf_view_sub(t->rest, 1, n - 1);
	step(t, n + 1);
	return WORD;
}

static bool ends_word(uint8_t c)
{
	return c <= ' ' || c == '{' || c == '}' || c == ';' || c == '[' || c == ']' || c == '"';
}

static enum kind token(struct text *t, bool lines)
{
	static const char marks[] = "{};[]";
	static const enum kind kinds[] = { OPEN, CLOSE, SEMICOLON, LIST_OPEN, LIST_CLOSE };
	size_t n = 0;

	while (t->rest.n && !t->j->rs->err) {
		uint8_t c = t->rest.p[0];

		if (c == '\n' && lines) {
			step(t, 1);
			return LINE_END;
		}
		if (c <= ' ')
			step(t, 1);
		else if (!comment(t))
			break;
	}
	if (t->j->rs->err || !t->rest.n)
		return t->j->rs->err ? BAD : END;
	for (size_t i = 0; i < 5; i++)
		if (t->rest.p[0] == marks[i]) {
			step(t, 1);
			return kinds[i];
		}
	if (t->rest.p[0] == '"')
		return quoted(t);
	while (n < t->rest.n && !ends_word(t->rest.p[n]))
		n++;
	t->word = rf_view_sub(t->rest, 0, n);
	step(t, n);
	return WORD;
}

static int wrong(struct text *t)
{
	return rf_rs_fail(t->j->rs, RF_E_MALFORMED, t->line,
			  "this is neither `set` lines nor a configuration in braces");
}

static bool add(struct text *t)
{
	struct rf_words *w = &t->j->w;

	if (w->n == RF_WORDS_MAX) {
		rf_rs_fail(t->j->rs, RF_E_LIMIT, t->line, "a statement has more than %d words", RF_WORDS_MAX);
		return false;
	}
	w->v[w->n++] = t->word;
	return true;
}

static void say(struct text *t, uint32_t line, bool delete)
{
	t->j->w.at = 0;
	t->j->line = line;
	if (!t->j->rs->err)
		rf_junos_statement(t->j, delete);
}

/* "[ a b c ]": a statement for each. */
static void list(struct text *t, uint32_t line, bool lines, bool silent, bool delete)
{
	unsigned base = t->j->w.n;
	enum kind k;

	while ((k = token(t, lines)) == WORD) {
		if (add(t) && !silent)
			say(t, line, delete);
		t->j->w.n = base;
	}
	if (k != LIST_CLOSE)
		wrong(t);
}

/* --- set lines */

static void set_line(struct text *t, struct rf_view verb)
{
	bool delete = !rf_word_is(verb, "set"), listed = false;
	uint32_t line = t->line;
	enum kind k;

	if (!rf_word_is(verb, "set") && !rf_word_is(verb, "delete")) {
		char shown[RF_WORDS_SHOWN + 4];

		rf_rs_fail(t->j->rs, RF_E_UNSUPPORTED, line, "\"%s\" is not understood: lines begin with set",
			   rf_words_shown(verb, shown));
		return;
	}
	t->j->w.n = 0;
	while ((k = token(t, true)) == WORD || k == LIST_OPEN) {
		if (listed) {
			wrong(t);
			return;
		}
		if (k == LIST_OPEN)
			list(t, line, true, false, delete);
		else
			add(t);
		listed = k == LIST_OPEN;
	}
	if (k != LINE_END && k != END)
		wrong(t);
	else if (!listed)
		say(t, line, delete);
}

/* --- braces */

struct level {
	unsigned words;              /* of the statement that it stands in */
	bool said;                   /* something stands in it */
	bool silent;                 /* inactive */
};

/* "inactive: term x": as if it were not there. */
static bool tag(struct text *t, bool first, bool *silent)
{
	char shown[RF_WORDS_SHOWN + 4];

	if (!first || !t->word.n || t->word.p[t->word.n - 1] != ':')
		return false;
	if (rf_word_is(t->word, "inactive:"))
		*silent = true;
	else if (rf_word_is(t->word, "replace:"))
		t->replaces = true;
	else if (!rf_word_is(t->word, "protect:"))
		rf_rs_fail(t->j->rs, RF_E_UNSUPPORTED, t->line, "\"%s\" is not understood",
			   rf_words_shown(t->word, shown));
	return true;
}

static void close_level(struct text *t, struct level *v, unsigned *depth)
{
	struct level *l = &v[*depth];

	if (!*depth || t->j->w.n != l->words) {
		wrong(t);
		return;
	}
	if (!l->said && !l->silent)
		say(t, t->line, false);
	(*depth)--;
	t->j->w.n = v[*depth].words;
	v[*depth].said = true;
}

/* Whatever the device had by that name goes; a filter that this file has twice would be another matter. */
static void replaced(struct text *t)
{
	const struct rf_words *w = &t->j->w;
	bool filter = w->n >= 2 && rf_word_is(w->v[w->n - 2], "filter");

	t->replaces = false;
	for (const struct rf_junos_filter *f = t->j->filters; f && filter; f = f->next)
		filter = !rf_view_eq(f->name, w->v[w->n - 1]);
	if (!filter)
		rf_rs_fail(t->j->rs, RF_E_UNSUPPORTED, t->line,
			   "\"replace:\" is understood of a filter that stands here once");
}

static void open_level(struct text *t, struct level *v, unsigned *depth, bool silent)
{
	if (t->replaces)
		replaced(t);
	if (t->j->w.n == v[*depth].words || *depth + 1 == RF_WORDS_NEST_MAX) {
		wrong(t);
		return;
	}
	v[++*depth] = (struct level){ .words = t->j->w.n, .silent = silent };
}

static void braces(struct text *t, bool have_word)
{
	struct level v[RF_WORDS_NEST_MAX] = { { 0 } };
	unsigned depth = 0;
	bool silent = false, listed = false, after = false; /* after: a list ended, only its semicolon may follow */
	uint32_t line = t->line;

	t->j->w.n = 0;
	for (enum kind k = have_word ? WORD : token(t, false); k != END && !t->j->rs->err; k = token(t, false)) {
		bool first = t->j->w.n == v[depth].words && !listed;

		if (first)
			line = t->line;
		if (after && k != SEMICOLON)
			wrong(t);
		else if (k == WORD && !tag(t, first, &silent))
			add(t);
		else if (k == LIST_OPEN) {
			list(t, line, false, silent, false);
			listed = after = true;
		} else if (k == OPEN) {
			open_level(t, v, &depth, silent);
		} else if (k == CLOSE) {
			close_level(t, v, &depth);
			silent = v[depth].silent;
		} else if (k == SEMICOLON) {
			if (first || t->replaces)
				wrong(t);
			else if (!listed && !silent)
				say(t, line, false);
			t->j->w.n = v[depth].words;
			v[depth].said = true;
			silent = v[depth].silent;
			listed = after = false;
		} else if (k != WORD) {
			wrong(t);
		}
	}
	if (!t->j->rs->err && (depth || t->j->w.n))
		rf_rs_fail(t->j->rs, RF_E_MALFORMED, t->line, "the configuration ends within a statement");
}

static bool is_verb(struct rf_view v)
{
	static const char *const verbs[] = { "set", "delete", "activate", "deactivate", "edit", "top", "up", "insert", "rename",
					     "copy", "replace", "protect", "annotate" };

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (rf_word_is(v, verbs[i]))
			return true;
	return false;
}

void rf_junos_walk(struct rf_junos *j, struct rf_view bytes)
{
	struct text t = { .j = j, .rest = bytes, .line = 1 };
	enum kind k = token(&t, false);

	if (k != WORD || !is_verb(t.word)) {
		if (k == WORD)
			braces(&t, true);
		else if (k != END)
			wrong(&t);
		return;
	}
	while (k != END && !j->rs->err) {
		if (k == WORD)
			set_line(&t, t.word);
		else if (k != LINE_END)
			wrong(&t);
		k = token(&t, true);
	}
}

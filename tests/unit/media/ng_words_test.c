/* docs/relay.md shows the tables of commands and words: what stands there between the marks is what the tables say. Run
 * with --write as a second argument it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "media/ng_words.h"

static const char *path;
static bool rewrite;

static const char *const fates[] = {
	[RF_NG_DONE] = "done",
	[RF_NG_ACCEPTED] = "so anyway",
	[RF_NG_IGNORED] = "warning",
	[RF_NG_REFUSED] = "**refused**",
};

static void put(struct rf_writer *w, const char *s)
{
	rf_put(w, rf_view_str(s));
}

/* "a|b" as `a`, `b` */
static void put_names(struct rf_writer *w, const char *before, const char *names)
{
	for (const char *p = names; p;) {
		size_t n = strcspn(p, "|");

		rf_put_fmt(w, "%s`%s%.*s`", p == names ? "" : ", ", before, (int)n, p);
		if (n && p[n - 1] == '-') {
			w->n--;
			put(w, "...`");
		}
		p = p[n] ? p + n + 1 : NULL;
	}
}

static void put_row_end(struct rf_writer *w, enum rf_ng_fate fate, const char *reason)
{
	rf_put_fmt(w, " | %s | %s |\n", fates[fate], reason ? reason : "");
}

static void put_commands(struct rf_writer *w)
{
	put(w, "| command | | why |\n|---|---|---|\n");
	for (unsigned i = 0; i < RF_NG_COMMANDS; i++) {
		put(w, "| ");
		put_names(w, "", rf_ng_commands[i].name);
		put_row_end(w, rf_ng_commands[i].fate, rf_ng_commands[i].reason);
	}
}

static void put_what(struct rf_writer *w, const struct rf_ng_word *x)
{
	static const char *const what[] = {
		[RF_NG_FORM_FLAG] = "flag",
		[RF_NG_FORM_ENUM] = "one of those below",
		[RF_NG_FORM_BITS] = "list of those below",
		[RF_NG_FORM_ADDRESS] = "address",
		[RF_NG_FORM_SOURCE] = "family and address",
		[RF_NG_FORM_CODE] = "0-15, or a key",
		[RF_NG_FORM_CODECS] = "dictionary of the lists `codec-...`",
		[RF_NG_FORM_FLAGS] = "list",
		[RF_NG_FORM_COMMAND] = "see above",
		[RF_NG_FORM_SAME] = "flag",
		[RF_NG_FORM_NONE] = "any",
	};

	switch (x->form) {
	case RF_NG_FORM_TEXT:
	case RF_NG_FORM_BYTES:
		rf_put_fmt(w, "%s, %d bytes", x->form == RF_NG_FORM_TEXT ? "text" : "bytes", (int)x->y);
		return;
	case RF_NG_FORM_LIST:
		rf_put_fmt(w, "list of texts, %d bytes", (int)x->y);
		return;
	case RF_NG_FORM_PAIR:
		rf_put_fmt(w, "two texts, %d bytes", (int)x->y);
		return;
	case RF_NG_FORM_INT:
		rf_put_fmt(w, "%d to %d", (int)x->x, (int)x->y);
		return;
	default:
		put(w, what[x->form]);
	}
}

static void put_words(struct rf_writer *w)
{
	put(w, "| word | what | | why |\n|---|---|---|---|\n");
	for (size_t i = 0; i < rf_ng_words_n; i++) {
		const struct rf_ng_word *x = &rf_ng_words[i];

		put(w, "| ");
		put_names(w, "", x->name);
		if (x->also) {
			put(w, ", ");
			put_names(w, "", x->also);
		}
		put(w, " | ");
		put_what(w, x);
		put_row_end(w, x->fate, x->reason);
		for (const struct rf_ng_choice *c = x->choices; c && c->name; c++) {
			char before[64];

			snprintf(before, sizeof before, "%s=", x->name);
			put(w, "| ");
			put_names(w, before, c->name);
			put(w, " | ");
			put_row_end(w, c->fate, c->reason);
		}
	}
}

/* What stands between the marks of name; *ret_from and *ret_to: offsets in the page. */
static void find_marks(struct rf_view page, const char *name, size_t *ret_from, size_t *ret_to)
{
	char mark[64];

	snprintf(mark, sizeof mark, "<!-- %s -->\n", name);
	const uint8_t *from = memmem(page.p, page.n, mark, strlen(mark));
	assert_non_null(from);
	*ret_from = (size_t)(from - page.p) + strlen(mark);
	snprintf(mark, sizeof mark, "<!-- end of %s -->\n", name);
	const uint8_t *to = memmem(page.p, page.n, mark, strlen(mark));
	assert_non_null(to);
	*ret_to = (size_t)(to - page.p);
	assert_true(*ret_from <= *ret_to);
}

static void holds(const char *name, void (*fill)(struct rf_writer *w))
{
	static uint8_t buf[65536];
	struct rf_view page = guard_file(path);
	struct rf_writer w;
	struct rf_view want;
	size_t from, to;

	assert_non_null(page.p);
	rf_writer_init(&w, buf, sizeof buf);
	fill(&w);
	assert_int_equal(rf_writer_done(&w, &want), 0);
	find_marks(page, name, &from, &to);
	if (rewrite) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fwrite(page.p, 1, from, f);
		fwrite(want.p, 1, want.n, f);
		fwrite(page.p + to, 1, page.n - to, f);
		fclose(f);
	} else if (!rf_view_eq(rf_view_sub(page, from, to - from), want)) {
		fail_msg("%s: the table of %s is not what src/media/ng_words.c says: run this test with the argument "
			 "--write",
			 path, name);
	}
	free((void *)(uintptr_t)page.p);
}

static void commands(void **state)
{
	(void)state;
	holds("commands", put_commands);
}

static void words(void **state)
{
	(void)state;
	holds("words", put_words);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(commands), cmocka_unit_test(words) };

	if (argc < 2)
		return 2;
	path = argv[1];
	rewrite = argc > 2 && strcmp(argv[2], "--write") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The book of pinholes against a wall that is written here: whatever happens, in the end the wall
 * has what is wanted. */
#include "role/pinbook.h"

#include "fail_alloc.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = 400 };

/* A wall that understands what ours understands: all of a request, or nothing. */
struct wall {
	bool has[ALL], deny[ALL];
	uint64_t until[ALL];
	size_t n;
	const char *mood;            /* what it says to everything, NULL: what is right */
	unsigned lines, tuples, most;
	enum rf_wall_verb last;
	uint64_t blocked[8];         /* until, by the last octet of the address */
};

struct bench {
	struct rf_pinbook *book;
	struct rf_mono now;
	struct wall wall[2];
	unsigned walls, refusals;
	char why[16];
};

static struct rf_tuple tuple(unsigned i)
{
	struct rf_tuple t = { .family = 4, .protocol = IPPROTO_UDP, .sport = (uint16_t)(20000 + i), .dport = 30000,
			      .src = { 10, 60, 0, 12 }, .dst = { 198, 51, 100, 7 } };
	return t;
}

static void on_refused(void *arg, unsigned wall, const char *why, const struct rf_tuple *t)
{
	struct bench *x = arg;

	(void)wall;
	assert_true(t->sport >= 20000 && t->sport < 20000 + ALL);
	x->refusals++;
	snprintf(x->why, sizeof x->why, "%s", why);
}

static void start(struct bench *x, unsigned walls, size_t most)
{
	struct rf_pinbook_conf conf = { .walls = walls, .hash_key = { 1, 2 }, .lease_s = 60, .tuples_max = most,
					.refused = on_refused, .arg = x };

	*x = (struct bench){ .walls = walls, .now = { 5000000 } };
	assert_int_equal(rf_pinbook_new(&conf, &x->book), 0);
}

static int reply(struct bench *x, unsigned i, uint32_t id, const char *text)
{
	char line[80];
	int n = snprintf(line, sizeof line, "%u %s", id, text);

	return rf_pinbook_answer(x->book, i, rf_view_of(line, (size_t)n), x->now);
}

/* What a wall does with a line; its answer. */
static void obey(struct wall *w, const struct rf_wall_request *r, uint64_t now, char *dst, size_t cap)
{
	w->lines++;
	w->tuples += (unsigned)r->n;
	w->last = r->verb;
	w->most = r->n > w->most ? (unsigned)r->n : w->most;
	if (w->mood) {
		snprintf(dst, cap, "%s", w->mood);
		return;
	}
	if (r->verb == RF_WALL_BLOCK || r->verb == RF_WALL_UNBLOCK) {
		assert_true(r->n == 1 && r->tuples[0].src[0] == 203 && r->tuples[0].src[3] < 8);
		w->blocked[r->tuples[0].src[3]] = r->verb == RF_WALL_BLOCK ? now + r->seconds * 1000000ull : 0;
		snprintf(dst, cap, "ok");
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		unsigned k = r->tuples[i].sport - 20000u;
		bool known = w->has[k] && w->until[k] > now;

		if (r->verb != RF_WALL_CLOSE && w->deny[k]) {
			snprintf(dst, cap, "no denied %zu", i);
			return;
		}
		if (r->verb != RF_WALL_OPEN && !known) {
			snprintf(dst, cap, "no unknown %zu", i);
			return;
		}
	}
	for (size_t i = 0; i < r->n; i++) {
		unsigned k = r->tuples[i].sport - 20000u;

		w->has[k] = r->verb != RF_WALL_CLOSE;
		w->until[k] = now + r->seconds * 1000000ull;
	}
	snprintf(dst, cap, "ok");
}

static bool one_line(struct bench *x, unsigned i)
{
	char line[RF_WALL_LINE_MAX], answer[80];
	struct rf_wall_request r;
	const char *rule;
	size_t n = rf_pinbook_line(x->book, i, x->now, line);

	if (!n)
		return false;
	assert_int_equal(line[n - 1], '\n');
	assert_int_equal(rf_wall_line_parse(rf_view_of(line, n - 1), &r, &rule), 0);
	obey(&x->wall[i], &r, x->now.us, answer, sizeof answer);
	assert_int_equal(reply(x, i, r.id, answer), 0);
	return true;
}

static void run(struct bench *x)
{
	for (unsigned i = 0; i < x->walls; i++)
		while (one_line(x, i))
			;
}

static void pass(struct bench *x, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 100) {
		x->now = rf_mono_add_ms(x->now, 100);
		for (unsigned i = 0; i < x->walls; i++)
			assert_false(rf_pinbook_lost(x->book, i, x->now));
		run(x);
	}
}

static size_t has(const struct bench *x, unsigned i)
{
	size_t n = 0;

	for (unsigned k = 0; k < ALL; k++)
		n += x->wall[i].has[k] && x->wall[i].until[k] > x->now.us;
	return n;
}

static int want(struct bench *x, uint64_t session, unsigned first, unsigned n)
{
	struct rf_tuple v[ALL];

	for (unsigned i = 0; i < n; i++)
		v[i] = tuple(first + i);
	return rf_pinbook_want(x->book, session, v, n);
}

static struct rf_pinbook_wall stats(const struct bench *x, unsigned i)
{
	struct rf_pinbook_wall s;

	rf_pinbook_wall_stats(x->book, i, &s);
	return s;
}

static struct rf_pinbook_stats all(const struct bench *x)
{
	struct rf_pinbook_stats s;

	rf_pinbook_stats(x->book, &s);
	return s;
}

static void opened_and_closed(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	assert_false(one_line(&x, 0));
	assert_int_equal(want(&x, 7, 0, 4), 0);
	x.now = rf_mono_add_ms(x.now, 3);
	run(&x);
	assert_int_equal(has(&x, 0), 4);
	assert_int_equal(x.wall[0].lines, 1);
	assert_int_equal(stats(&x, 0).opened, 4);
	assert_int_equal(want(&x, 7, 2, 4), 0);     /* two stay, two go, two come */
	run(&x);
	assert_int_equal(has(&x, 0), 4);
	assert_true(x.wall[0].has[5] && !x.wall[0].has[1]);
	assert_int_equal(x.wall[0].tuples, 8);      /* those that stay were not spoken of */
	assert_int_equal(want(&x, 7, 0, 0), 0);
	run(&x);
	assert_int_equal(has(&x, 0), 0);
	assert_int_equal(all(&x).held, 0);
	assert_int_equal(all(&x).sessions, 0);
	rf_pinbook_free(x.book);
}

static void in_batches(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(want(&x, i, i * 4, 4), 0);
	run(&x);
	assert_int_equal(x.wall[0].lines, 3);
	assert_int_equal(x.wall[0].most, RF_WALL_LINE_TUPLES);
	assert_int_equal(has(&x, 0), 160);
	rf_pinbook_free(x.book);
}

static void two_sessions_one_tuple(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	want(&x, 1, 0, 2);
	want(&x, 2, 1, 2);
	run(&x);
	assert_int_equal(has(&x, 0), 3);
	want(&x, 1, 0, 0);
	run(&x);
	assert_int_equal(has(&x, 0), 2);
	want(&x, 2, 0, 0);
	run(&x);
	assert_int_equal(has(&x, 0), 0);
	rf_pinbook_free(x.book);
}

static void refreshed_in_time(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	want(&x, 1, 0, 100);
	for (unsigned i = 0; i < 40; i++) {
		pass(&x, 10000);
		assert_int_equal(has(&x, 0), 100);
	}
	assert_true(stats(&x, 0).refreshed >= 12 * 100);
	assert_true(x.wall[0].lines < 60);
	rf_pinbook_free(x.book);
}

/* The next line is this, behind its number. */
static void says(struct bench *x, const char *text, const char *answer)
{
	char line[RF_WALL_LINE_MAX];
	size_t n = rf_pinbook_line(x->book, 0, x->now, line);
	const char *behind = n ? strchr(line, ' ') : NULL;

	assert_true(behind && n < sizeof line);
	line[n - 1] = '\0';
	assert_string_equal(behind + 1, text);
	assert_int_equal(reply(x, 0, (uint32_t)strtoul(line, NULL, 10), answer), 0);
}

static void says_nothing(struct bench *x)
{
	char line[RF_WALL_LINE_MAX];

	assert_int_equal(rf_pinbook_line(x->book, 0, x->now, line), 0);
}

/* An opening for UDP is asked for once, for half a minute, beside the others; one for TCP like any pinhole. */
static void openings(void **state)
{
	struct rf_tuple t[3] = {
		{ .family = 4, .protocol = IPPROTO_UDP, .dport = 20000, .src = { 198, 51, 100, 7 }, .dst = { 10, 60, 0, 12 } },
		{ .family = 4, .protocol = IPPROTO_TCP, .dport = 20002, .src = { 198, 51, 100, 7 }, .dst = { 10, 60, 0, 12 } },
		tuple(1),
	};
	struct rf_pinbook_stats s;
	struct rf_pinbook_wall w;
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	rf_pinbook_now(x.book, x.now);
	assert_int_equal(rf_pinbook_want(x.book, 1, t, 3), 0);
	says(&x, "open 30 udp/198.51.100.7/any/10.60.0.12/20000", "ok");
	says(&x, "open 60 tcp/198.51.100.7/any/10.60.0.12/20002 udp/10.60.0.12/20001/198.51.100.7/30000", "ok");
	says_nothing(&x);
	rf_pinbook_wall_stats(x.book, 0, &w);
	assert_int_equal(w.open, 3);
	x.now = rf_mono_add_ms(x.now, 30000);
	says(&x, "refresh 60 tcp/198.51.100.7/any/10.60.0.12/20002 udp/10.60.0.12/20001/198.51.100.7/30000", "ok");
	x.now = rf_mono_add_ms(x.now, 30000);
	says(&x, "refresh 60 tcp/198.51.100.7/any/10.60.0.12/20002 udp/10.60.0.12/20001/198.51.100.7/30000", "ok");
	/* The port is known: the exact one is there, the opening goes, which the wall has ended already. */
	assert_int_equal(rf_pinbook_want(x.book, 1, t + 1, 2), 0);
	says(&x, "close udp/198.51.100.7/any/10.60.0.12/20000", "no unknown 0");
	rf_pinbook_drop_all(x.book);
	says(&x, "close tcp/198.51.100.7/any/10.60.0.12/20002 udp/10.60.0.12/20001/198.51.100.7/30000", "ok");
	says_nothing(&x);
	rf_pinbook_stats(x.book, &s);
	assert_true(!s.held && !s.tuples);
	rf_pinbook_free(x.book);
}

static void wanted_again_while_it_closes(void **state)
{
	char line[RF_WALL_LINE_MAX];
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	want(&x, 1, 0, 1);
	run(&x);
	want(&x, 1, 0, 0);
	assert_true(rf_pinbook_line(x.book, 0, x.now, line) > 0); /* the close is on its way */
	assert_non_null(strstr(line, "close"));
	want(&x, 2, 0, 1);
	assert_int_equal(rf_pinbook_line(x.book, 0, x.now, line), 0); /* nothing overtakes it */
	x.wall[0].has[0] = false;
	assert_int_equal(reply(&x, 0, 2, "ok"), 0);
	run(&x);
	assert_int_equal(has(&x, 0), 1);
	rf_pinbook_free(x.book);
}

static void one_denied(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	x.wall[0].deny[3] = true;
	rf_pinbook_up(x.book, 0, x.now);
	want(&x, 1, 0, 10);
	run(&x);
	assert_int_equal(has(&x, 0), 9);
	assert_string_equal(x.why, "denied");
	assert_int_equal(x.refusals, 1);
	pass(&x, 5000);
	assert_int_equal(x.refusals, 1);             /* not asked for without end */
	x.wall[0].deny[3] = false;
	pass(&x, RF_PIN_LATER_MS);
	assert_int_equal(has(&x, 0), 10);
	/* What may not be kept open any more ends with its lease. */
	x.wall[0].deny[5] = true;
	pass(&x, 70000);
	assert_int_equal(has(&x, 0), 9);
	want(&x, 1, 0, 0);
	run(&x);
	assert_int_equal(has(&x, 0), 0);
	assert_int_equal(all(&x).held, 0);
	rf_pinbook_free(x.book);
}

static void moods(void **state)
{
	static const struct { const char *mood; uint64_t ms; } t[] = {
		{ "no busy", RF_PIN_SOON_MS }, { "no limit", RF_PIN_LATER_MS }, { "no kernel 0", RF_PIN_LATER_MS },
		{ "no unknown 0", 0 }, { "no denied 0", RF_PIN_LATER_MS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		for (unsigned when = 0; when < 3; when++) { /* it says so to opening, refreshing, closing */
			struct bench x;

			start(&x, 1, 0);
			rf_pinbook_up(x.book, 0, x.now);
			x.wall[0].mood = when == 0 && i != 3 ? t[i].mood : NULL;
			want(&x, 1, 0, 5);
			run(&x);
			assert_int_equal(has(&x, 0), when == 0 && i != 3 ? 0 : 5);
			x.wall[0].mood = NULL;
			pass(&x, t[i].ms + 200);
			assert_int_equal(has(&x, 0), 5);
			x.now = rf_mono_add_ms(x.now, 30000);
			if (when == 1 && i != 3) {
				x.wall[0].mood = t[i].mood;
				one_line(&x, 0);
				x.wall[0].mood = NULL;
			}
			pass(&x, 35000);
			assert_int_equal(has(&x, 0), 5);
			want(&x, 1, 0, 0);
			x.wall[0].mood = when == 2 && i != 4 ? t[i].mood : NULL;
			one_line(&x, 0);
			x.wall[0].mood = NULL;
			pass(&x, t[i].ms + 200);
			assert_int_equal(all(&x).held, 0);
			assert_int_equal(has(&x, 0), i == 3 && when == 2 ? 1 : 0); /* it said that it had it not */
			rf_pinbook_free(x.book);
		}
}

static void a_wall_that_was_away(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 2, 0);
	rf_pinbook_up(x.book, 0, x.now);
	want(&x, 1, 0, 4);
	want(&x, 2, 10, 4);
	run(&x);
	assert_int_equal(has(&x, 0), 8);
	assert_int_equal(has(&x, 1), 0);
	rf_pinbook_up(x.book, 1, x.now);             /* comes later: gets all */
	run(&x);
	assert_int_equal(has(&x, 1), 8);
	rf_pinbook_down(x.book, 0, x.now);
	want(&x, 1, 0, 0);                           /* closed behind its back */
	want(&x, 3, 20, 2);
	run(&x);
	assert_int_equal(has(&x, 0), 8);
	assert_int_equal(has(&x, 1), 6);
	rf_pinbook_up(x.book, 0, x.now);
	run(&x);
	assert_int_equal(has(&x, 0), 6);
	assert_false(x.wall[0].has[0]);
	rf_pinbook_down(x.book, 0, x.now);
	memset(&x.wall[0], 0, sizeof x.wall[0]);     /* it started anew: closing what it knows nothing of is no harm */
	want(&x, 2, 0, 0);
	rf_pinbook_up(x.book, 0, x.now);
	run(&x);
	assert_int_equal(has(&x, 0), 2);
	assert_int_equal(all(&x).held, 2);
	rf_pinbook_down(x.book, 0, x.now);           /* and never comes back */
	want(&x, 3, 0, 0);
	run(&x);
	assert_int_equal(all(&x).held, 2);
	x.now = rf_mono_add_ms(x.now, 70000);
	assert_false(rf_pinbook_lost(x.book, 0, x.now));
	assert_int_equal(all(&x).held, 0);
	rf_pinbook_free(x.book);
}

static void nobody_answers(void **state)
{
	char line[RF_WALL_LINE_MAX];
	struct bench x;
	unsigned lines = 0;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	for (unsigned i = 0; i < ALL; i++) {
		want(&x, i, i, 1);
		lines += rf_pinbook_line(x.book, 0, x.now, line) > 0;
	}
	assert_int_equal(lines, RF_PIN_FLYING);      /* the rest waits here */
	assert_false(rf_pinbook_lost(x.book, 0, x.now));
	x.now = rf_mono_add_ms(x.now, RF_PIN_ANSWER_MS);
	assert_true(rf_pinbook_lost(x.book, 0, x.now));
	rf_pinbook_down(x.book, 0, x.now);
	assert_false(rf_pinbook_lost(x.book, 0, x.now));
	rf_pinbook_up(x.book, 0, x.now);
	run(&x);
	assert_int_equal(has(&x, 0), ALL);
	x.now = rf_mono_add_ms(x.now, 1);
	assert_int_equal(rf_pinbook_line(x.book, 0, x.now, line), 0);
	rf_pinbook_free(x.book);
}

static void asked_whether_it_is_there(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	rf_pinbook_up(x.book, 0, x.now);
	pass(&x, 100000);
	assert_int_equal(x.wall[0].lines, 3);
	assert_int_equal(x.wall[0].last, RF_WALL_PING);
	rf_pinbook_free(x.book);
}

static void lines_that_are_none(void **state)
{
	static const char *const t[] = {
		"", "x", "1", "1 ", "1 OK", "1 ok x", "2 ok", "0 ok", "1 no", "1 no ", "1 no x", "1 no denied",
		"1 no denied 1", "1 no denied -1", "1 no unknown 64", "1 no malformed tuple", "99999999999 ok", "1 yes",
		"1 no kernel x",
		" 1 ok",
	};
	char line[RF_WALL_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct bench x;

		start(&x, 1, 0);
		rf_pinbook_up(x.book, 0, x.now);
		want(&x, 1, 0, 1);
		assert_true(rf_pinbook_line(x.book, 0, x.now, line) > 0);
		assert_int_equal(rf_pinbook_answer(x.book, 0, rf_view_str(t[i]), x.now), RF_E_MALFORMED);
		rf_pinbook_free(x.book);
	}
}

static void bounds(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 10);
	rf_pinbook_up(x.book, 0, x.now);
	assert_int_equal(want(&x, 1, 0, 8), 0);
	assert_int_equal(want(&x, 2, 8, 3), RF_E_LIMIT);
	run(&x);
	assert_int_equal(has(&x, 0), 10);
	assert_int_equal(all(&x).full, 1);
	assert_int_equal(want(&x, 1, 0, 0), 0);
	assert_int_equal(want(&x, 2, 8, 3), 0);
	run(&x);
	assert_int_equal(has(&x, 0), 3);
	rf_pinbook_free(x.book);
	start(&x, 1, 0);
	static struct rf_tuple many[RF_PIN_OF_SESSION_MAX + 1];
	for (unsigned i = 0; i <= RF_PIN_OF_SESSION_MAX; i++)
		many[i] = tuple(i);
	assert_int_equal(rf_pinbook_want(x.book, 1, many, RF_PIN_OF_SESSION_MAX), 0);
	assert_int_equal(rf_pinbook_want(x.book, 1, many, RF_PIN_OF_SESSION_MAX + 1), RF_E_LIMIT);
	assert_int_equal(all(&x).tuples, RF_PIN_OF_SESSION_MAX);
	rf_pinbook_free(x.book);
}

/* Sessions come, change and go; connections break; a wall is busy, denies, has restarted. */
static void anything(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct bench x;

		srand(seed);
		start(&x, 2, 200);
		for (unsigned step = 0; step < 400; step++) {
			unsigned i = (unsigned)rand() % 2, what = (unsigned)rand() % 16;
			static const char *const moods_of[] = { "no busy", "no limit", "no kernel 0", "no unknown 0" };

			x.now = rf_mono_add_ms(x.now, (unsigned)rand() % 500);
			if (what < 9)
				want(&x, (unsigned)rand() % 12, (unsigned)rand() % (ALL - 20), (unsigned)rand() % 20);
			else if (what == 9)
				rf_pinbook_down(x.book, i, x.now);
			else if (what == 10)
				rf_pinbook_up(x.book, i, x.now);
			else if (what == 11 && !stats(&x, i).up)
				memset(x.wall[i].has, 0, sizeof x.wall[i].has);
			else if (what == 12)
				x.wall[i].deny[rand() % ALL] ^= true;
			else if (what == 13 && rand() % 3 == 0) {
				x.wall[i].mood = moods_of[rand() % 3];
				one_line(&x, i);
				x.wall[i].mood = NULL;
			} else if (what > 13 && rand() % 2) {
				char line[RF_WALL_LINE_MAX];

				if (rf_pinbook_line(x.book, i, x.now, line)) /* lost with its connection */
					rf_pinbook_down(x.book, i, x.now);
			}
			if (rand() % 3)
				run(&x);
		}
		memset(x.wall[0].deny, 0, sizeof x.wall[0].deny);
		memset(x.wall[1].deny, 0, sizeof x.wall[1].deny);
		rf_pinbook_up(x.book, 0, x.now);
		rf_pinbook_up(x.book, 1, x.now);
		pass(&x, 61000);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(has(&x, i), all(&x).tuples);
			assert_int_equal(stats(&x, i).open, all(&x).tuples);
			assert_int_equal(stats(&x, i).waiting, 0);
		}
		assert_int_equal(all(&x).held, all(&x).tuples);
		for (unsigned s = 0; s < 12; s++)
			want(&x, s, 0, 0);
		run(&x);
		assert_int_equal(all(&x).held, 0);
		assert_int_equal(has(&x, 0) + has(&x, 1), 0);
		rf_pinbook_free(x.book);
	}
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct bench x;

		start(&x, 1, 0);
		rf_pinbook_up(x.book, 0, x.now);
		assert_int_equal(want(&x, 1, 0, 3), 0);
		run(&x);
		fail_alloc_at(n);
		int rc = want(&x, 1, 2, 3);
		bool failed = fail_alloc_off();
		run(&x);
		assert_true(failed ? rc == -ENOMEM : rc == 0);
		assert_false(x.wall[0].has[0]);      /* what is gone is closed all the same */
		assert_true(failed || has(&x, 0) == 3);
		assert_int_equal(want(&x, 1, 0, 0), 0);
		run(&x);
		assert_int_equal(has(&x, 0), 0);
		assert_int_equal(all(&x).held, 0);
		rf_pinbook_free(x.book);
		if (!failed)
			break;
	}
}

static struct rf_tuple bad(unsigned i)
{
	return (struct rf_tuple){ .family = 4, .src = { 203, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

/* Each wall is told once; one that was away is told what is left; what is lifted is lifted everywhere. */
static void addresses(void **state)
{
	struct bench x;
	struct rf_tuple one = bad(1), two = bad(2);

	(void)state;
	start(&x, 2, 0);
	rf_pinbook_up(x.book, 0, x.now);
	assert_int_equal(rf_pinbook_block(x.book, &one, 0, x.now), 0); /* nobody knows it */
	assert_int_equal(rf_pinbook_block(x.book, &one, 60, x.now), 0);
	assert_int_equal(want(&x, 7, 0, 3), 0); /* pinholes go on beside */
	run(&x);
	assert_int_equal(x.wall[0].blocked[1], x.now.us + 60000000);
	assert_int_equal(has(&x, 0), 3);
	unsigned lines = x.wall[0].lines;
	run(&x);
	assert_int_equal(x.wall[0].lines, lines);
	pass(&x, 20000);
	rf_pinbook_up(x.book, 1, x.now);
	run(&x);
	assert_int_equal(x.wall[1].blocked[1], x.now.us + 40000000);
	rf_pinbook_down(x.book, 0, x.now);
	x.wall[0].blocked[1] = 0;
	rf_pinbook_up(x.book, 0, x.now);
	run(&x);
	assert_int_equal(x.wall[0].blocked[1], x.now.us + 40000000);
	/* for longer, and lifted */
	assert_int_equal(rf_pinbook_block(x.book, &one, 600, x.now), 0);
	assert_int_equal(rf_pinbook_block(x.book, &two, 5, x.now), 0);
	run(&x);
	assert_int_equal(x.wall[1].blocked[1], x.now.us + 600000000);
	assert_int_equal(rf_pinbook_block(x.book, &one, 0, x.now), 0);
	run(&x);
	assert_true(x.wall[0].blocked[1] == 0 && x.wall[1].blocked[1] == 0);
	/* one whose time is over is nothing to speak of */
	pass(&x, 6000);
	rf_pinbook_down(x.book, 0, x.now);
	rf_pinbook_up(x.book, 0, x.now);
	lines = x.wall[0].lines;
	run(&x);
	assert_int_equal(x.wall[0].last, RF_WALL_OPEN);
	/* a wall that has too much to do is told again, one that refuses is not */
	x.wall[0].mood = "no busy";
	assert_int_equal(rf_pinbook_block(x.book, &two, 60, x.now), 0);
	one_line(&x, 0);
	x.wall[0].mood = NULL;
	run(&x);
	assert_int_equal(x.wall[0].blocked[2], x.now.us + 60000000);
	x.wall[0].mood = "no denied 0";
	assert_int_equal(rf_pinbook_block(x.book, &two, 70, x.now), 0);
	assert_true(one_line(&x, 0));
	lines = x.wall[0].lines;
	assert_false(one_line(&x, 0));
	assert_true(stats(&x, 0).block_refused == 2 && stats(&x, 0).blocked >= 5);
	rf_pinbook_free(x.book);
}

static void many_addresses(void **state)
{
	struct bench x;

	(void)state;
	start(&x, 1, 0);
	for (unsigned i = 0; i < RF_PIN_BLOCKS_MAX; i++) {
		struct rf_tuple t = bad(i);

		assert_int_equal(rf_pinbook_block(x.book, &t, 1 + i % 2 * 100, x.now), 0);
	}
	struct rf_tuple more = bad(RF_PIN_BLOCKS_MAX);
	assert_int_equal(rf_pinbook_block(x.book, &more, 60, x.now), RF_E_LIMIT);
	x.now = rf_mono_add_ms(x.now, 2000); /* every other one is over */
	assert_int_equal(rf_pinbook_block(x.book, &more, 60, x.now), 0);
	rf_pinbook_free(x.book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opened_and_closed), cmocka_unit_test(in_batches),
		cmocka_unit_test(two_sessions_one_tuple), cmocka_unit_test(refreshed_in_time),
		cmocka_unit_test(openings), cmocka_unit_test(wanted_again_while_it_closes),
		cmocka_unit_test(one_denied), cmocka_unit_test(moods), cmocka_unit_test(a_wall_that_was_away),
		cmocka_unit_test(nobody_answers), cmocka_unit_test(asked_whether_it_is_there),
		cmocka_unit_test(lines_that_are_none), cmocka_unit_test(bounds), cmocka_unit_test(anything),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(addresses),
		cmocka_unit_test(many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

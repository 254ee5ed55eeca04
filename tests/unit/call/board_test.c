/* The board alone: who is told, what is kept, and threads that all write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/board.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <pthread.h>
#include <stdio.h>

#include <cmocka.h>

static const struct rf_hash_key key = { 3, 4 };

static struct rf_board *board(size_t lines)
{
	struct rf_board_limits limits = { lines, 2, 3 };
	struct rf_board *b;

	assert_int_equal(rf_board_new(&limits, &key, &b), 0);
	return b;
}

static struct rf_board_dialog dialog(unsigned id, uint8_t state)
{
	struct rf_board_dialog d = {
		.state = state, .call_id = RF_V("c"), .local_tag = RF_V("l"), .remote_tag = RF_V("r"),
		.remote_number = RF_V("1009"),
	};

	snprintf((char *)d.id.text, sizeof d.id.text, "%u", id);
	return d;
}

static rf_workers put(struct rf_board *b, const char *number, unsigned id, uint8_t state)
{
	struct rf_board_dialog d = dialog(id, state);

	return rf_board_dialog(b, rf_view_str(number), &d);
}

static struct rf_board_line look(struct rf_board *b, const char *number, struct rf_arena *arena)
{
	struct rf_board_line line;

	rf_arena_reset(arena);
	assert_int_equal(rf_board_read(b, rf_view_str(number), arena, &line), 0);
	return line;
}

static void who_is_told(void **state)
{
	struct rf_board *b = board(10);
	bool fresh;

	(void)state;
	assert_false(rf_board_any(b));
	assert_int_equal(put(b, "1001", 1, RF_LINE_EARLY), 0);
	assert_int_equal(rf_board_watch(b, RF_V("1001"), 3, &fresh), 0);
	assert_true(fresh);
	assert_true(rf_board_watched(b, RF_V("1001")));
	assert_int_equal(rf_board_watch(b, RF_V("1001"), 0, &fresh), 0);
	assert_false(fresh);
	assert_int_equal(put(b, "1001", 1, RF_LINE_EARLY), 1 << 3 | 1);
	assert_int_equal(put(b, "1001", 1, RF_LINE_EARLY), 0);     /* the same */
	assert_int_equal(put(b, "1001", 1, RF_LINE_CONFIRMED), 0); /* they know that there is news */
	rf_board_heard(b, RF_V("1001"), 3);
	assert_int_equal(put(b, "1001", 1, RF_LINE_TERMINATED), 1 << 3);
	assert_int_equal(put(b, "1001", 1, RF_LINE_TERMINATED), 0);
	assert_int_equal(put(b, "1001", 7, RF_LINE_TERMINATED), 0); /* never heard of it */
	assert_int_equal(put(b, "1002", 1, RF_LINE_EARLY), 0);
	rf_board_unwatch(b, RF_V("1001"), 3);
	rf_board_unwatch(b, RF_V("1001"), 3);
	assert_true(rf_board_any(b));
	rf_board_unwatch(b, RF_V("1001"), 0);
	assert_false(rf_board_any(b));
	assert_false(rf_board_watched(b, RF_V("1001")));
	struct rf_board_counts c;

	rf_board_counts(b, &c);
	assert_int_equal(c.lines, 0);
	rf_board_put(b);
}

static void dialogs(void **state)
{
	struct rf_board *b = board(10);
	struct rf_board_counts c;
	struct rf_arena arena;
	bool fresh;

	(void)state;
	rf_arena_init(&arena, 1 << 16);
	rf_board_watch(b, RF_V("1001"), 0, &fresh);
	for (unsigned i = 0; i < RF_BOARD_DIALOGS + 2; i++)
		put(b, "1001", i, RF_LINE_EARLY);
	struct rf_board_line line = look(b, "1001", &arena);

	assert_int_equal(line.dialogs, RF_BOARD_DIALOGS);
	assert_int_equal(line.gone, 0);
	assert_true(rf_view_eq(line.dialog[0].remote_number, RF_V("1009")));
	rf_board_counts(b, &c);
	assert_int_equal(c.dialogs_refused, 2);
	uint32_t before = line.version;

	for (unsigned i = 0; i < RF_BOARD_DIALOGS; i++)
		put(b, "1001", i, RF_LINE_TERMINATED);
	line = look(b, "1001", &arena);
	assert_int_equal(line.dialogs, 4); /* the last that ended */
	assert_int_equal(line.gone, line.version - 4);
	assert_int_equal(line.version, before + RF_BOARD_DIALOGS);
	for (unsigned i = 20; i < 20 + RF_BOARD_DIALOGS; i++)
		put(b, "1001", i, RF_LINE_CONFIRMED);
	line = look(b, "1001", &arena);
	assert_int_equal(line.dialogs, RF_BOARD_DIALOGS); /* what ended makes room */
	for (size_t i = 0; i < line.dialogs; i++)
		assert_int_equal(line.dialog[i].state, RF_LINE_CONFIRMED);
	rf_board_unwatch(b, RF_V("1001"), 0);
	assert_int_equal(look(b, "1001", &arena).dialogs, 0);
	rf_arena_fini(&arena);
	rf_board_put(b);
}

static void bounds(void **state)
{
	struct rf_board *b = board(2);
	struct rf_board_counts c;
	rf_workers tell;
	bool fresh;

	(void)state;
	assert_int_equal(rf_board_subscribe(b), 0);
	assert_int_equal(rf_board_subscribe(b), 0);
	assert_int_equal(rf_board_subscribe(b), RF_E_LIMIT);
	rf_board_unsubscribe(b);
	assert_int_equal(rf_board_subscribe(b), 0);
	rf_board_counts(b, &c);
	assert_int_equal(c.subscriptions, 2);
	assert_int_equal(c.subscriptions_refused, 1);
	assert_int_equal(rf_board_watch(b, RF_V("1"), 0, &fresh), 0);
	assert_int_equal(rf_board_mwi(b, RF_V("2"), 1, 0, &tell), 0);
	assert_int_equal(rf_board_watch(b, RF_V("3"), 0, &fresh), RF_E_LIMIT);
	assert_int_equal(rf_board_mwi(b, RF_V("3"), 1, 0, &tell), RF_E_LIMIT);
	rf_board_unwatch(b, RF_V("1"), 0);
	assert_int_equal(rf_board_watch(b, RF_V("3"), 0, &fresh), 0);
	assert_int_equal(rf_board_watch(b, RF_V(""), 0, &fresh), RF_E_LIMIT);
	uint8_t longest[65] = "1";

	assert_int_equal(rf_board_watch(b, rf_view_of(longest, 65), 0, &fresh), RF_E_LIMIT);
	rf_board_put(b);
}

static void count_gone(void *ctx, struct rf_view number, rf_workers tell)
{
	(void)number;
	(void)tell;
	++*(unsigned *)ctx;
}

static void publications(void **state)
{
	struct rf_board *b = board(10);
	struct rf_presence p = { .open = true };
	struct rf_id one = { "one" }, two = { "two" };
	struct rf_board_counts c;
	struct rf_arena arena;
	rf_workers tell;
	unsigned gone = 0;

	(void)state;
	rf_arena_init(&arena, 1 << 16);
	assert_int_equal(rf_board_publish(b, RF_V("1"), rf_id_view(&one), &two, &p, (struct rf_mono){ 9 }, &tell),
			 RF_E_NOT_FOUND);
	assert_int_equal(rf_board_publish(b, RF_V("1"), RF_V(""), &one, &p, (struct rf_mono){ 9 }, &tell), 0);
	assert_int_equal(rf_board_publish(b, RF_V("1"), rf_id_view(&two), &two, &p, (struct rf_mono){ 9 }, &tell),
			 RF_E_NOT_FOUND);
	assert_int_equal(rf_board_publish(b, RF_V("1"), rf_id_view(&one), &two, NULL, (struct rf_mono){ 20 }, &tell), 0);
	assert_int_equal(look(b, "1", &arena).presences, 1);
	assert_int_equal(rf_board_publish(b, RF_V("1"), RF_V(""), &one, &p, (struct rf_mono){ 9 }, &tell), 0);
	assert_int_equal(rf_board_publish(b, RF_V("2"), RF_V(""), &one, &p, (struct rf_mono){ 9 }, &tell), 0);
	assert_int_equal(rf_board_publish(b, RF_V("3"), RF_V(""), &one, &p, (struct rf_mono){ 9 }, &tell), RF_E_LIMIT);
	rf_board_counts(b, &c);
	assert_int_equal(c.publications, 3);
	assert_int_equal(c.lines, 2);
	rf_board_expire(b, (struct rf_mono){ 8 }, count_gone, &gone);
	assert_int_equal(gone, 0);
	rf_board_expire(b, (struct rf_mono){ 9 }, count_gone, &gone);
	assert_int_equal(gone, 2);
	assert_int_equal(look(b, "1", &arena).presences, 1);
	assert_int_equal(rf_board_publish(b, RF_V("1"), rf_id_view(&two), &two, NULL, (struct rf_mono){ 0 }, &tell), 0);
	rf_board_counts(b, &c);
	assert_int_equal(c.publications, 0);
	assert_int_equal(c.lines, 0);
	rf_arena_fini(&arena);
	rf_board_put(b);
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_board_limits limits = { 10, 10, 10 };
		struct rf_presence p = { .open = true };
		struct rf_id one = { "one" };
		struct rf_board_line line;
		struct rf_board *b = NULL;
		struct rf_arena arena;
		rf_workers tell;
		bool fresh;

		rf_arena_init(&arena, 1 << 16);
		fail_alloc_at(n);
		if (rf_board_new(&limits, &key, &b) == 0) {
			rf_board_watch(b, RF_V("1001"), 0, &fresh);
			put(b, "1001", 1, RF_LINE_EARLY);
			put(b, "1001", 1, RF_LINE_CONFIRMED);
			rf_board_mwi(b, RF_V("1002"), 1, 1, &tell);
			rf_board_publish(b, RF_V("1003"), RF_V(""), &one, &p, (struct rf_mono){ 9 }, &tell);
			rf_board_read(b, RF_V("1001"), &arena, &line);
		}
		bool failed = fail_alloc_off();

		rf_arena_fini(&arena);
		rf_board_put(b);
		if (!failed)
			break;
	}
}

/* --- threads */

struct writer {
	pthread_t thread;
	struct rf_board *board;
	unsigned seed;
};

static void *write_much(void *arg)
{
	static const char *const numbers[] = { "1001", "1002", "1003" };
	struct writer *w = arg;
	struct rf_arena arena;
	struct rf_board_line line;
	bool fresh;

	rf_arena_init(&arena, 1 << 16);
	for (unsigned i = 0; i < 20000; i++) {
		const char *number = numbers[i % 3];

		if (rf_board_watched(w->board, rf_view_str(number)))
			put(w->board, number, w->seed * 100 + i % 5, (uint8_t)(RF_LINE_TRYING + i % 4));
		if (i % 7 == 0)
			rf_board_watch(w->board, rf_view_str(number), w->seed, &fresh);
		if (i % 11 == 0)
			rf_board_unwatch(w->board, rf_view_str(number), w->seed);
		if (i % 5 == 0) {
			rf_board_heard(w->board, rf_view_str(number), w->seed);
			rf_board_read(w->board, rf_view_str(number), &arena, &line);
			rf_arena_reset(&arena);
		}
	}
	for (unsigned i = 0; i < 3; i++)
		rf_board_unwatch(w->board, rf_view_str(numbers[i]), w->seed);
	rf_arena_fini(&arena);
	return NULL;
}

static void many_writers(void **state)
{
	struct rf_board *b = board(100);
	struct rf_board_counts c;
	struct writer w[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		w[i].board = b;
		w[i].seed = i;
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_much, &w[i]), 0);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(w[i].thread, NULL);
	assert_false(rf_board_any(b));
	rf_board_counts(b, &c);
	assert_int_equal(c.lines, 0);
	rf_board_put(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_told), cmocka_unit_test(dialogs), cmocka_unit_test(bounds),
		cmocka_unit_test(publications), cmocka_unit_test(without_memory), cmocka_unit_test(many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

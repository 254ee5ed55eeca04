/* A visit goes through all workers and ends at main's loop, also where mailboxes are full. */
#include "role/relay_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORKERS = 3 };

struct trip {
	struct anchor_visit visit;
	struct anchor *anchor;
	unsigned seen, done;
	int err;
};

struct stone {                       /* what fills a mailbox */
	struct rf_mail mail;
	unsigned *fallen;
};

static void at(struct anchor_visit *v, struct anchor_worker *w)
{
	struct trip *t = rf_container(v, struct trip, visit);

	assert_int_equal(w->index, t->seen);
	t->seen++;
}

static void done(struct anchor_visit *v, int err)
{
	struct trip *t = rf_container(v, struct trip, visit);

	t->done++;
	t->err = err;
}

static void fall(struct rf_mail *mail, int status)
{
	(void)status;
	(*rf_container(mail, struct stone, mail)->fallen)++;
}

static void open_loops(struct anchor *a)
{
	const struct rf_loop_conf conf = { .mail_cap = 1 };

	*a = (struct anchor){ .workers = WORKERS };
	a->worker = calloc(WORKERS, sizeof *a->worker);
	assert_non_null(a->worker);
	assert_int_equal(rf_loop_new(&conf, &a->loop), 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		a->worker[i].anchor = a;
		a->worker[i].index = i;
		assert_int_equal(rf_loop_new(&conf, &a->worker[i].loop), 0);
	}
}

static void close_loops(struct anchor *a)
{
	for (unsigned i = 0; i < WORKERS; i++)
		rf_loop_free(a->worker[i].loop);
	rf_loop_free(a->loop);
	free(a->worker);
}

/* Which of the loops (main's last) is full when the visit comes to it. */
static void a_full_mailbox(void **state)
{
	(void)state;
	for (unsigned full = 1; full <= WORKERS; full++) {
		unsigned fallen = 0;
		struct anchor a;
		struct stone stone = { .mail.deliver = fall, .fallen = &fallen };
		struct trip t = { .visit = { .at = at, .done = done } };

		open_loops(&a);
		assert_int_equal(anchor_visit(&a, &t.visit), 0);
		assert_int_equal(rf_mail_post(full < WORKERS ? a.worker[full].loop : a.loop, &stone.mail), 0);
		for (unsigned i = 0; i < WORKERS; i++) {
			rf_loop_turn(a.worker[i].loop, 100);
			assert_int_equal(t.done, 0); /* nothing of main's on a worker's thread */
		}
		rf_loop_turn(a.loop, 100);
		assert_int_equal(t.seen, WORKERS);
		assert_int_equal(t.done, 1);
		assert_int_equal(t.err, 0);
		assert_int_equal(fallen, 1);
		close_loops(&a);
	}
}

static void no_way_in(void **state)
{
	unsigned fallen = 0;
	struct anchor a;
	struct stone stone = { .mail.deliver = fall, .fallen = &fallen };
	struct trip t = { .visit = { .at = at, .done = done } };

	(void)state;
	open_loops(&a);
	assert_int_equal(rf_mail_post(a.worker[0].loop, &stone.mail), 0);
	assert_int_equal(anchor_visit(&a, &t.visit), RF_E_LIMIT);
	rf_loop_turn(a.worker[0].loop, 100);
	assert_int_equal(t.seen + t.done, 0);
	close_loops(&a);
}

/* The loops end while it is under way: it is told so, once. */
static void the_end(void **state)
{
	struct anchor a;
	struct trip t = { .visit = { .at = at, .done = done } };

	(void)state;
	open_loops(&a);
	assert_int_equal(anchor_visit(&a, &t.visit), 0);
	rf_loop_turn(a.worker[0].loop, 100);
	close_loops(&a);
	assert_int_equal(t.seen, 1);
	assert_int_equal(t.done, 1);
	assert_int_equal(t.err, RF_E_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_mailbox),
		cmocka_unit_test(no_way_in),
		cmocka_unit_test(the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "loop/loop.h"
#include "loop/mail.h"

#include "base/err.h"
#include "base/table.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake {
	struct rf_mono now;
};

static struct rf_mono fake_mono(void *ctx)
{
	return ((struct fake *)ctx)->now;
}

static struct rf_wall fake_wall(void *ctx)
{
	return (struct rf_wall){ (int64_t)((struct fake *)ctx)->now.us };
}

static struct rf_loop *new_loop(struct fake *fake, struct rf_loop_conf conf)
{
	struct rf_loop *loop;

	if (fake)
		conf.clock = (struct rf_clock){ fake_mono, fake_wall, fake };
	assert_int_equal(rf_loop_new(&conf, &loop), 0);
	return loop;
}

/* ---- descriptors */

struct pair {
	struct rf_loop *loop;
	int fd[2];
	struct rf_watch *watch;
	unsigned seen;
	int calls;
	bool free_inside;
};

static void pair_ready(void *arg, unsigned events)
{
	struct pair *p = arg;
	char c;

	p->calls++;
	p->seen |= events;
	if (events & RF_WATCH_READ && read(p->fd[0], &c, 1) < 0)
		fail();
	if (p->free_inside) {
		rf_watch_free(p->watch);
		close(p->fd[0]);
	}
}

static void new_pair(struct pair *p, struct rf_loop *loop)
{
	*p = (struct pair){ .loop = loop };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
	assert_int_equal(rf_watch_new(loop, p->fd[0], pair_ready, p, &p->watch), 0);
}

static void watches(void **state)
{
	struct rf_loop *loop = new_loop(NULL, (struct rf_loop_conf){ 0 });
	struct pair p;

	(void)state;
	new_pair(&p, loop);
	assert_int_equal(write(p.fd[1], "ab", 2), 2);
	rf_loop_turn(loop, 0);
	assert_int_equal(p.calls, 0); /* nothing asked for yet */
	rf_watch_set(p.watch, RF_WATCH_READ);
	rf_loop_turn(loop, 100);
	rf_loop_turn(loop, 100);
	assert_int_equal(p.calls, 2); /* level-triggered */
	assert_int_equal(p.seen, RF_WATCH_READ);
	rf_watch_set(p.watch, RF_WATCH_WRITE);
	rf_loop_turn(loop, 100);
	assert_true(p.seen & RF_WATCH_WRITE);
	rf_watch_set(p.watch, 0);
	int calls = p.calls;
	assert_int_equal(write(p.fd[1], "c", 1), 1);
	rf_loop_turn(loop, 0);
	assert_int_equal(p.calls, calls);
	rf_watch_set(p.watch, RF_WATCH_READ);
	p.free_inside = true;
	rf_loop_turn(loop, 100);
	assert_int_equal(p.calls, calls + 1);
	close(p.fd[1]);
	rf_loop_free(loop);
}

/* Two watches are ready in one turn and the first one's callback frees the second. */
struct killer {
	struct pair *victim;
	struct pair own;
};

static void killer_ready(void *arg, unsigned events)
{
	struct killer *k = arg;

	(void)events;
	rf_watch_free(k->victim->watch);
	close(k->victim->fd[0]);
	k->victim->watch = NULL;
}

static void freed_by_another(void **state)
{
	struct rf_loop *loop = new_loop(NULL, (struct rf_loop_conf){ 0 });
	struct killer k = { 0 };
	struct pair victim;
	struct rf_watch *watch;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, k.own.fd), 0);
	assert_int_equal(rf_watch_new(loop, k.own.fd[0], killer_ready, &k, &watch), 0);
	new_pair(&victim, loop);
	k.victim = &victim;
	rf_watch_set(watch, RF_WATCH_WRITE); /* ready at once, and first in line */
	rf_loop_turn(loop, 0);
	assert_null(victim.watch);
	assert_int_equal(victim.calls, 0);
	rf_watch_free(watch);
	close(k.own.fd[0]);
	close(k.own.fd[1]);
	close(victim.fd[1]);
	rf_loop_free(loop);
}

/* ---- timers and the end of the turn */

struct ending {
	struct rf_timer timer;
	struct rf_defer defer, again;
	struct rf_hook hook;
	struct rf_loop *loop;
	char order[64];
	int hooks;
};

static void note(struct ending *e, const char *what)
{
	strcat(e->order, what);
}

static void on_timer(struct rf_timer *t)
{
	struct ending *e = rf_container(t, struct ending, timer);

	note(e, "t");
	rf_loop_defer(e->loop, &e->defer);
	rf_loop_defer(e->loop, &e->defer); /* once */
}

static void on_defer(struct rf_defer *d)
{
	note(rf_container(d, struct ending, defer), "d");
}

static void on_again(struct rf_defer *d)
{
	note(rf_container(d, struct ending, again), "a");
}

static void on_hook(struct rf_hook *h)
{
	struct ending *e = rf_container(h, struct ending, hook);

	if (!e->order[0])
		return;
	note(e, "h");
	if (e->hooks++ == 0)
		rf_loop_defer(e->loop, &e->again);
}

static void order_of_a_turn(void **state)
{
	struct fake fake = { { 1000000 } };
	struct rf_loop *loop = new_loop(&fake, (struct rf_loop_conf){ 0 });
	struct ending e = { .loop = loop };

	(void)state;
	rf_timer_init(&e.timer, on_timer);
	rf_defer_init(&e.defer, on_defer);
	rf_defer_init(&e.again, on_again);
	rf_loop_hook_add(loop, &e.hook, on_hook);
	rf_timer_start(rf_loop_wheel(loop), &e.timer, 500);
	rf_loop_turn(loop, 0);
	assert_string_equal(e.order, "");
	fake.now.us += 499000;
	rf_loop_turn(loop, 0);
	assert_string_equal(e.order, "");
	fake.now.us += 1000;
	rf_loop_turn(loop, 0);
	assert_string_equal(e.order, "tdhah");
	assert_int_equal(rf_loop_now(loop).us, 1500000);
	assert_int_equal(rf_loop_wall(loop).us, 1500000);
	rf_loop_hook_del(&e.hook);
	rf_loop_hook_del(&e.hook);
	rf_loop_turn(loop, 0);
	assert_string_equal(e.order, "tdhah");
	rf_loop_free(loop);
}

/* What was queued outside a turn is done before the loop waits. */
static void queued_before_the_wait(void **state)
{
	struct rf_loop *loop = new_loop(NULL, (struct rf_loop_conf){ 0 });
	struct ending e = { .loop = loop };

	(void)state;
	rf_defer_init(&e.defer, on_defer);
	rf_loop_defer(loop, &e.defer);
	rf_loop_turn(loop, 1);
	assert_string_equal(e.order, "d");
	rf_loop_free(loop);
}

struct stopper {
	struct rf_timer timer;
	struct rf_loop *loop;
};

static void on_stopper(struct rf_timer *t)
{
	rf_loop_stop(rf_container(t, struct stopper, timer)->loop);
}

static void runs_on_the_real_clock(void **state)
{
	struct rf_loop *loop = new_loop(NULL, (struct rf_loop_conf){ .name = "a test" });
	struct stopper s = { .loop = loop };
	struct rf_loop_stats stats;

	(void)state;
	rf_timer_init(&s.timer, on_stopper);
	uint64_t before = rf_loop_now(loop).us;
	rf_timer_start(rf_loop_wheel(loop), &s.timer, 30);
	assert_int_equal(rf_loop_run(loop), 0);
	assert_true(rf_loop_now(loop).us - before >= 30000);
	rf_loop_stats(loop, &stats);
	assert_true(stats.turns < 20); /* it slept */
	assert_int_equal(stats.timers, 1);
	rf_timer_start(rf_loop_wheel(loop), &s.timer, 1);
	assert_int_equal(rf_loop_run(loop), 0);
	rf_loop_free(loop);
}

struct sleeper {
	struct rf_timer timer;
	struct fake *fake;
};

static void on_sleeper(struct rf_timer *t)
{
	rf_container(t, struct sleeper, timer)->fake->now.us += 80000;
}

static void slow_callbacks_are_told(void **state)
{
	struct fake fake = { { 1000000 } };
	int fd[2];
	char text[512];

	(void)state;
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	struct rf_log log = { .fd = fd[1], .most = RF_LOG_WARN };
	struct rf_loop *loop = new_loop(&fake, (struct rf_loop_conf){ .log = &log, .name = "worker 3" });
	struct sleeper s = { .fake = &fake };
	struct rf_loop_stats stats;

	rf_timer_init(&s.timer, on_sleeper);
	for (int i = 0; i < 3; i++) {
		rf_timer_start(rf_loop_wheel(loop), &s.timer, 1);
		fake.now.us += 10000;
		rf_loop_turn(loop, 0);
	}
	rf_loop_stats(loop, &stats);
	assert_int_equal(stats.slow, 3);
	ssize_t n = read(fd[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "worker 3: timers 1 took 80 ms"));
	assert_ptr_equal(strchr(text, '\n'), strrchr(text, '\n')); /* one line a second */
	rf_loop_free(loop);
	close(fd[0]);
	close(fd[1]);
}

struct ticker {
	struct rf_timer timer;
	struct rf_loop *loop;
	int left;
};

static void on_ticker(struct rf_timer *t)
{
	struct ticker *k = rf_container(t, struct ticker, timer);
	struct rf_clock clock = rf_clock_system();
	uint64_t end = clock.mono(NULL).us + 1500;

	while (clock.mono(NULL).us < end)
		; /* so the next alarm is due before the loop comes to wait */
	if (--k->left)
		rf_timer_start(rf_loop_wheel(k->loop), t, 1);
	else
		rf_loop_stop(k->loop);
}

/* An alarm, or a bound of rf_loop_turn(), that passes between the end of a turn and the wait: the wait must not begin
 * without one. */
static void no_alarm_is_lost(void **state)
{
	struct rf_loop *loop = new_loop(NULL, (struct rf_loop_conf){ 0 });
	struct ticker k = { .loop = loop, .left = 300 };

	(void)state;
	rf_timer_init(&k.timer, on_ticker);
	rf_timer_start(rf_loop_wheel(loop), &k.timer, 1);
	alarm(30); /* a lost one would wait for ever */
	assert_int_equal(rf_loop_run(loop), 0);
	for (int i = 0; i < 300; i++)
		rf_loop_turn(loop, 1);
	alarm(0);
	assert_int_equal(k.left, 0);
	rf_loop_free(loop);
}

/* ---- mail */

enum { SENDERS = 4, LETTERS = 20000 };

struct letter {
	struct rf_mail mail;
	struct office *office;
	unsigned sender, number;
};

struct office {
	struct rf_loop *loop;
	unsigned next[SENDERS], all, closed, expect;
};

struct sender {
	pthread_t thread;
	struct office *office;
	unsigned number;
};

static void letter_in(struct rf_mail *mail, int status)
{
	struct letter *l = rf_container(mail, struct letter, mail);
	struct office *o = l->office;

	if (status == RF_E_CLOSED) {
		o->closed++;
	} else {
		assert_int_equal(o->next[l->sender], l->number);
		o->next[l->sender]++;
		if (++o->all == o->expect)
			rf_loop_stop(o->loop);
	}
	free(l);
}

static struct letter *new_letter(struct office *o, unsigned sender, unsigned number)
{
	struct letter *l = calloc(1, sizeof *l);

	*l = (struct letter){ .mail.deliver = letter_in, .office = o, .sender = sender, .number = number };
	return l;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		struct letter *l = new_letter(s->office, s->number, i);

		while (rf_mail_post(s->office->loop, &l->mail) == RF_E_LIMIT)
			sched_yield();
	}
	return NULL;
}

static void mail_from_threads(void **state)
{
	struct office o = { .expect = SENDERS * LETTERS };
	struct sender s[SENDERS];

	(void)state;
	o.loop = new_loop(NULL, (struct rf_loop_conf){ .mail_cap = 100 });
	for (unsigned i = 0; i < SENDERS; i++) {
		s[i] = (struct sender){ .office = &o, .number = i };
		assert_int_equal(pthread_create(&s[i].thread, NULL, send_all, &s[i]), 0);
	}
	rf_loop_run(o.loop);
	for (unsigned i = 0; i < SENDERS; i++) {
		pthread_join(s[i].thread, NULL);
		assert_int_equal(o.next[i], LETTERS);
	}
	rf_loop_free(o.loop);
}

static void mail_cap_and_close(void **state)
{
	struct office o = { .loop = new_loop(NULL, (struct rf_loop_conf){ .mail_cap = 2 }) };
	struct rf_loop_stats stats;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rf_mail_post(o.loop, &new_letter(&o, 0, i)->mail), 0);
	struct letter *third = new_letter(&o, 0, 2);
	assert_int_equal(rf_mail_post(o.loop, &third->mail), RF_E_LIMIT);
	rf_loop_stats(o.loop, &stats);
	assert_int_equal(stats.mail_refused, 1);
	rf_loop_turn(o.loop, 100);
	assert_int_equal(o.all, 2);
	assert_int_equal(rf_mail_post(o.loop, &third->mail), 0);
	rf_loop_free(o.loop);
	assert_int_equal(o.closed, 1);
}

/* What was let in once goes on past the cap of another loop. */
static void mail_forward(void **state)
{
	struct office o = { .loop = new_loop(NULL, (struct rf_loop_conf){ .mail_cap = 1 }) };
	struct rf_loop_stats stats;

	(void)state;
	assert_int_equal(rf_mail_post(o.loop, &new_letter(&o, 0, 0)->mail), 0);
	rf_mail_forward(o.loop, &new_letter(&o, 0, 1)->mail);
	rf_mail_forward(o.loop, &new_letter(&o, 0, 2)->mail);
	struct letter *fourth = new_letter(&o, 0, 3);
	assert_int_equal(rf_mail_post(o.loop, &fourth->mail), RF_E_LIMIT);
	rf_loop_turn(o.loop, 100);
	assert_int_equal(o.all, 3);
	assert_int_equal(rf_mail_post(o.loop, &fourth->mail), 0);
	rf_loop_turn(o.loop, 100);
	assert_int_equal(o.all, 4);
	rf_loop_stats(o.loop, &stats);
	assert_int_equal(stats.mail_refused, 1);
	rf_loop_free(o.loop);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_loop *loop = NULL;

		fail_alloc_at(n);
		int rc = rf_loop_new(NULL, &loop);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			rf_loop_free(loop);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watches),
		cmocka_unit_test(freed_by_another),
		cmocka_unit_test(order_of_a_turn),
		cmocka_unit_test(queued_before_the_wait),
		cmocka_unit_test(runs_on_the_real_clock),
		cmocka_unit_test(slow_callbacks_are_told),
		cmocka_unit_test(no_alarm_is_lost),
		cmocka_unit_test(mail_from_threads),
		cmocka_unit_test(mail_cap_and_close),
		cmocka_unit_test(mail_forward),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Datagrams that are fetched: all arrive, a quiet worker sleeps, and nothing is left of one that is freed meanwhile.
 * Sockets of the loopback have no driver; what asking one brings is measured (bench/media). */
#include "path_kit.h"

#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

enum { BUSY = 150, MANY = 400 };

static void begin(struct kit *k, bool poll)
{
	struct rf_media_interface here = { .name = "here", .local = { .ip = { 127, (uint8_t)(1 + getpid() % 251),
		(uint8_t)(getpid() / 251), 1 }, .family = 4 }, .port_first = 20000, .port_last = 20999 };

	kit_begin_on(k, (struct rf_media_conf){ .interfaces = &here, .n_interfaces = 1, .poll = poll });
}

static bool asks(const struct kit *k)
{
	return k->w->poll && k->w->poll->again.queued;
}

static void all_arrive(void **state)
{
	(void)state;
	for (unsigned poll = 0; poll < 2; poll++) {
		struct party at[2];
		struct kit k;
		uint8_t buf[256], got[256];

		begin(&k, poll);
		assert_true(poll || !rf_media_polls(k.w));
		struct rf_path *p = kit_path(&k, RF_PATH_RTP, 0, 0);
		for (unsigned i = 0; i < 2; i++) {
			party_open(&at[i], "127.0.0.1");
			struct rf_path_end_conf c = kit_conf(&at[i]);
			c.packets_s = 1000000;
			c.bytes_s = 100000000;
			assert_int_equal(rf_path_set(p, i, &c), 0);
		}
		rf_path_open(p);
		struct rf_addr to = kit_local(p, 0, 0);
		for (unsigned i = 0; i < MANY; i++) {
			size_t n = kit_rtp(buf, 0x1000, (uint16_t)i, 0, 160);

			party_send(&k, &at[0], 0, &to, buf, n);
			assert_int_equal(party_recv(&at[1], 0, got, sizeof got, NULL), n);
			assert_memory_equal(got, buf, n);
		}
		assert_int_equal(kit_drops_all(p), 0);
		for (unsigned i = 0; i < 3; i++)
			rf_loop_turn(k.loop, 0);
		assert_false(asks(&k));
		rf_path_free(p);
		party_close(&at[0]);
		party_close(&at[1]);
		kit_end(&k);
	}
}

static void when_it_is_worth_it(void **state)
{
	static const struct { unsigned n, after_ms; bool asks; } rows[] = {
		{ 1, 0, false }, { BUSY - 1, 0, false }, { 1, 0, true },          /* so many at once */
		{ 1, 10, true }, { 1, 5, true }, { 1, 5, false },                 /* the window before
										   * counts; then no more */
		{ BUSY, 100, false }, { BUSY, 9, true },                          /* over a tenth of a second it is not
										   * many */
	};
	struct kit k;

	(void)state;
	begin(&k, true);
	if (!rf_media_polls(k.w)) {
		kit_end(&k);
		skip(); /* the kernel has no busy polling of epoll sets */
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		kit_wait_ms(&k, rows[i].after_ms);
		rf_worker_poll_on(k.w, rows[i].n);
		if (asks(&k) != rows[i].asks)
			fail_msg("row %zu", i);
		rf_loop_turn(k.loop, 0);
		assert_false(asks(&k)); /* nothing came */
	}
	kit_end(&k);
}

/* It would have asked at the end of the turn. */
static void freed_meanwhile(void **state)
{
	struct kit k;

	(void)state;
	begin(&k, true);
	rf_worker_poll_on(k.w, BUSY);
	kit_end(&k);
}

static void no_memory(void **state)
{
	struct rf_media_interface here = { .name = "here", .local = { .ip = { 127, 0, 0, 1 }, .family = 4 },
					   .port_first = 20000, .port_last = 20999 };
	struct kit k;
	bool again = true;

	(void)state;
	begin(&k, false);
	for (unsigned n = 1; again; n++) {
		struct rf_media_conf conf = {
			.loop = k.loop, .random = &k.random, .interfaces = &here, .n_interfaces = 1, .poll = true
		};
		struct rf_media_worker *w = NULL;

		fail_alloc_at(n);
		int rc = rf_media_worker_new(&conf, &w);
		again = fail_alloc_off();
		assert_int_equal(rc, again ? -ENOMEM : 0);
		rf_media_worker_free(w);
	}
	rf_loop_turn(k.loop, 0);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrive), cmocka_unit_test(when_it_is_worth_it), cmocka_unit_test(freed_meanwhile),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

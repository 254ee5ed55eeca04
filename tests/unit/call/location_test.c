#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/location.h"

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

static const struct rf_hash_key key = { 3, 4 };

static struct rf_mono at(uint64_t s)
{
	return (struct rf_mono){ s * 1000000 };
}

static struct rf_binding binding(const char *contact, uint64_t refreshed, uint64_t expires)
{
	return (struct rf_binding){
		.contact = rf_view_str(contact), .since = at(refreshed), .refreshed = at(refreshed),
		.expires = at(expires),
		.q_milli = 1000,
	};
}

static struct rf_location *make(size_t aors, size_t per)
{
	struct rf_location_limits limits = { aors, per };
	struct rf_location *l;

	assert_int_equal(rf_location_new(&limits, &key, &l), 0);
	rf_location_enter(l);
	return l;
}

static void done(struct rf_location *l)
{
	rf_location_leave(l);
	rf_location_free(l);
}

static size_t count(struct rf_location *l, const char *aor, uint64_t now)
{
	struct rf_binding *b;
	struct rf_arena a;
	size_t n;

	rf_arena_init(&a, 1 << 20);
	assert_int_equal(rf_location_get(l, rf_view_str(aor), at(now), &a, &b, &n), 0);
	rf_arena_fini(&a);
	return n;
}

static void same_contact(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "sip:1@h", "sip:1@h", true },
		{ "sip:1@H", "sip:1@h", true },
		{ "sip:%31@h", "sip:1@h", true },
		{ "sip:1@h:5060", "sip:1@h", false },
		{ "sip:1@h;transport=tcp", "sip:1@h", false },
		{ "sip:1@h", "sip:2@h", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_binding a = binding(rows[i].a, 1, 2), b = binding(rows[i].b, 1, 2);

		assert_int_equal(rf_binding_same(&a, &b), rows[i].same);
	}
	struct rf_binding a = binding("sip:1@h", 1, 2), b = binding("sip:2@g", 1, 2);

	a.instance = b.instance = RF_V("urn:uuid:x");
	a.reg_id = b.reg_id = 1;
	assert_true(rf_binding_same(&a, &b));
	b.reg_id = 2;
	assert_false(rf_binding_same(&a, &b));
}

static void put_get_order_expire(void **state)
{
	struct rf_location *l = make(10, 4);
	struct rf_view aor = RF_V("1@d");
	struct rf_binding *b;
	struct rf_arena a;
	size_t n;

	(void)state;
	for (int i = 0; i < 4; i++) {
		char contact[16];

		snprintf(contact, sizeof contact, "sip:%d@h", i);
		struct rf_binding x = binding(contact, (uint64_t)i + 1, 100 + (uint64_t)i);

		x.q_milli = i == 1 ? 1000 : 500;
		assert_int_equal(rf_location_put(l, aor, &x, at(1)), 0);
	}
	rf_arena_init(&a, 1 << 20);
	assert_int_equal(rf_location_get(l, aor, at(50), &a, &b, &n), 0);
	assert_int_equal(n, 4);
	assert_true(rf_view_eq(b[0].contact, RF_V("sip:1@h"))); /* best q */
	assert_true(rf_view_eq(b[1].contact, RF_V("sip:3@h"))); /* then the newest */
	struct rf_binding fifth = binding("sip:5@h", 60, 200);

	assert_int_equal(rf_location_put(l, aor, &fifth, at(60)), 0);
	assert_int_equal(rf_location_get(l, aor, at(60), &a, &b, &n), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_false(rf_view_eq(b[i].contact, RF_V("sip:0@h"))); /* the oldest gave way */
	assert_int_equal(count(l, "1@d", 102), 2);
	assert_int_equal(count(l, "2@d", 102), 0);
	assert_int_equal(rf_location_remove(l, aor, &fifth), 0);
	assert_int_equal(rf_location_remove(l, aor, &fifth), RF_E_NOT_FOUND);
	assert_int_equal(rf_location_clear(l, aor), 0);
	assert_int_equal(rf_location_clear(l, aor), RF_E_NOT_FOUND);
	rf_arena_fini(&a);
	done(l);
}

static void lost_flow_waits(void **state)
{
	struct rf_location *l = make(10, 4);
	struct rf_binding x = binding("sip:1@h", 1, 100), y = binding("sip:2@h", 1, 100);

	(void)state;
	x.by_flow = true;
	x.flow = (struct rf_flow){ .kind = RF_FLOW_TLS, .stream = 7 };
	y.flow = (struct rf_flow){ .kind = RF_FLOW_UDP };
	rf_location_put(l, RF_V("1@d"), &x, at(1));
	rf_location_put(l, RF_V("1@d"), &y, at(1));
	assert_int_equal(rf_location_flow_lost(l, RF_V("1@d"), &x.flow), 1);
	assert_int_equal(rf_location_flow_lost(l, RF_V("1@d"), &x.flow), 0);
	assert_int_equal(rf_location_flow_lost(l, RF_V("2@d"), &x.flow), 0);
	done(l);
}

static void gone(void *ctx, struct rf_view aor, const struct rf_binding *b)
{
	(void)aor, (void)b;
	++*(size_t *)ctx;
}

static void expiry_in_steps(void **state)
{
	struct rf_location *l = make(1000, 4);
	struct rf_location_counts counts;
	size_t told = 0, total = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct rf_binding x = binding("sip:1@h", 1, i % 2 ? 10 : 1000);
		char aor[16];

		snprintf(aor, sizeof aor, "%d@d", i);
		assert_int_equal(rf_location_put(l, rf_view_str(aor), &x, at(1)), 0);
	}
	for (int i = 0; i < 20; i++)
		total += rf_location_expire(l, at(20), 50, gone, &told);
	assert_int_equal(total, 250);
	assert_int_equal(told, 250);
	rf_location_counts(l, &counts);
	assert_int_equal(counts.aors, 250);
	done(l);
}

static void cap(void **state)
{
	struct rf_location *l = make(2, 4);
	struct rf_binding x = binding("sip:1@h", 1, 100);
	struct rf_location_counts counts;

	(void)state;
	assert_int_equal(rf_location_put(l, RF_V("1@d"), &x, at(1)), 0);
	assert_int_equal(rf_location_put(l, RF_V("2@d"), &x, at(1)), 0);
	assert_int_equal(rf_location_put(l, RF_V("3@d"), &x, at(1)), RF_E_LIMIT);
	assert_int_equal(rf_location_put(l, RF_V("2@d"), &x, at(2)), 0);
	rf_location_counts(l, &counts);
	assert_int_equal(counts.refused, 1);
	done(l);
}

/* Four threads change the same few numbers; each adds its own contacts and takes every second out again. */
struct writer {
	struct rf_location *l;
	int number;
};

static void *write_some(void *arg)
{
	struct writer *w = arg;

	rf_location_enter(w->l);
	for (int round = 0; round < 300; round++)
		for (int i = 0; i < 4; i++) {
			char contact[32], aor[8];

			snprintf(contact, sizeof contact, "sip:%d-%d@h", w->number, i);
			snprintf(aor, sizeof aor, "%d@d", round % 5);
			struct rf_binding x = binding(contact, 1, 100);

			if (rf_location_put(w->l, rf_view_str(aor), &x, at(1)))
				return arg;
			if (i % 2 && rf_location_remove(w->l, rf_view_str(aor), &x))
				return arg;
		}
	rf_location_leave(w->l);
	return NULL;
}

static void writers_lose_nothing(void **state)
{
	struct rf_location *l = make(10, 32);
	struct writer w[4];
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		w[i] = (struct writer){ l, i };
		assert_int_equal(pthread_create(&t[i], NULL, write_some, &w[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	for (int i = 0; i < 5; i++) {
		char aor[8];

		snprintf(aor, sizeof aor, "%d@d", i);
		assert_int_equal(count(l, aor, 2), 8);
	}
	done(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_contact), cmocka_unit_test(put_get_order_expire),
		cmocka_unit_test(lost_flow_waits), cmocka_unit_test(expiry_in_steps), cmocka_unit_test(cap),
		cmocka_unit_test(writers_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

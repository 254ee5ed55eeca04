/* Nonces: live, expired, altered, of another worker; counts spent once, forgotten never twice. */
#include "sip/nonce.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { LIFE_MS = 60000 };

static struct rf_random rnd;
static const struct rf_mono t0 = { 5000000 };

#define REALM RF_V("voice.example.org")
#define NOBODY ((struct rf_view){ 0 })

static struct rf_nonce *make(uint8_t worker, uint32_t cap)
{
	struct rf_nonce_config c = { .key = { 1, 2, 3 }, .worker = worker, .lifetime_ms = LIFE_MS, .cap = cap };
	struct rf_nonce *n = NULL;

	assert_int_equal(rf_nonce_new(&c, &n), 0);
	return n;
}

struct text {
	char c[RF_NONCE_TEXT];
};

static struct text issue(struct rf_nonce *n, struct rf_mono now)
{
	struct text t;

	assert_int_equal(rf_nonce_issue(n, REALM, NOBODY, &rnd, now, t.c), 0);
	return t;
}

static struct rf_view view(const struct text *t)
{
	return rf_view_of(t->c, RF_NONCE_TEXT);
}

static int check(struct rf_nonce *n, const struct text *t, struct rf_mono now)
{
	return rf_nonce_check(n, view(t), REALM, NOBODY, now);
}

static void test_life(void **state)
{
	struct rf_nonce *n = make(1, 8);
	struct text t = issue(n, t0);

	(void)state;
	assert_int_equal(check(n, &t, t0), 0);
	assert_int_equal(check(n, &t, rf_mono_add_ms(t0, LIFE_MS)), 0);
	assert_int_equal(check(n, &t, rf_mono_add_ms(t0, LIFE_MS + 1)), RF_E_STALE);
	assert_int_equal(rf_nonce_stats(n).expired, 1);
	struct text other = issue(n, t0);
	assert_memory_not_equal(t.c, other.c, RF_NONCE_TEXT);
	rf_nonce_free(n);
}

/* Every changed character, every other length, another realm or binding, another key. */
static void test_forged(void **state)
{
	struct rf_nonce *n = make(1, 8);
	struct text good = issue(n, t0);
	uint64_t forged = 0;

	(void)state;
	for (size_t i = 0; i < RF_NONCE_TEXT; i++) {
		static const char others[] = "AZaz09-_+/=\" ";

		for (size_t k = 0; others[k]; k++) {
			struct text bad = good;

			bad.c[i] = others[k];
			if (bad.c[i] == good.c[i])
				continue;
			assert_int_equal(check(n, &bad, t0), RF_E_AUTH);
			forged++;
		}
	}
	for (size_t i = 0; i < RF_NONCE_TEXT; i++) {
		struct rf_view cut = guard_copy(rf_view_of(good.c, i));

		assert_int_equal(rf_nonce_check(n, cut, REALM, NOBODY, t0), RF_E_AUTH);
		guard_free(cut);
		forged++;
	}
	assert_int_equal(rf_nonce_stats(n).forged, forged);
	assert_int_equal(rf_nonce_check(n, view(&good), RF_V("voice.example.or"), NOBODY, t0), RF_E_AUTH);
	assert_int_equal(rf_nonce_check(n, view(&good), REALM, RF_V("x"), t0), RF_E_AUTH);
	/* realm and binding do not run into each other */
	assert_int_equal(rf_nonce_check(n, view(&good), RF_V("voice.example.or"), RF_V("g"), t0), RF_E_AUTH);

	struct rf_nonce_config c = { .key = { 9 }, .worker = 1, .lifetime_ms = LIFE_MS, .cap = 8 };
	struct rf_nonce *stranger;
	assert_int_equal(rf_nonce_new(&c, &stranger), 0);
	assert_int_equal(check(stranger, &good, t0), RF_E_AUTH);
	rf_nonce_free(stranger);
	rf_nonce_free(n);
}

static void test_bound(void **state)
{
	struct rf_nonce *n = make(1, 8);
	struct text t;

	(void)state;
	assert_int_equal(rf_nonce_issue(n, REALM, RF_V("serial 17"), &rnd, t0, t.c), 0);
	assert_int_equal(rf_nonce_check(n, view(&t), REALM, RF_V("serial 17"), t0), 0);
	assert_int_equal(rf_nonce_check(n, view(&t), REALM, RF_V("serial 18"), t0), RF_E_AUTH);
	assert_int_equal(rf_nonce_check(n, view(&t), REALM, NOBODY, t0), RF_E_AUTH);
	rf_nonce_free(n);
}

static void test_other_worker(void **state)
{
	struct rf_nonce *one = make(1, 8), *two = make(2, 8);
	struct text t = issue(one, t0);

	(void)state;
	assert_int_equal(check(two, &t, t0), RF_E_STALE);
	assert_int_equal(rf_nonce_stats(two).elsewhere, 1);
	assert_int_equal(check(one, &t, t0), 0);
	rf_nonce_free(one);
	rf_nonce_free(two);
}

static void test_counts(void **state)
{
	static const struct {
		uint32_t nc;
		int rc;
	} steps[] = {
		{ 1, 0 }, { 1, RF_E_STALE }, { 2, 0 }, { 5, 0 }, { 3, 0 }, { 3, RF_E_STALE }, { 4, 0 },
		{ 4, RF_E_STALE }, { 0, RF_E_STALE }, { 68, 0 }, { 5, RF_E_STALE }, { 4, RF_E_STALE }, { 6, 0 },
		{ 6, RF_E_STALE }, { 67, 0 }, { 67, RF_E_STALE }, { UINT32_MAX, 0 }, { UINT32_MAX, RF_E_STALE },
		{ UINT32_MAX - 63, 0 }, { UINT32_MAX - 64, RF_E_STALE }, { 69, RF_E_STALE },
	};
	struct rf_nonce *n = make(1, 8);
	struct text t = issue(n, t0);

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		assert_int_equal(rf_nonce_spend(n, view(&t), steps[i].nc, t0), steps[i].rc);
	assert_int_equal(rf_nonce_stats(n).entries, 1);
	rf_nonce_free(n);
}

/* A full table drops the oldest; whatever it dropped is stale from then on, however often it is tried. */
static void test_forgets_safely(void **state)
{
	enum { CAP = 4, ALL = 10 };
	struct rf_nonce *n = make(1, CAP);
	struct text t[ALL];

	(void)state;
	for (unsigned i = 0; i < ALL; i++) {
		struct rf_mono now = rf_mono_add_ms(t0, i);

		t[i] = issue(n, now);
		assert_int_equal(check(n, &t[i], now), 0);
		assert_int_equal(rf_nonce_spend(n, view(&t[i]), 1, now), 0);
	}
	assert_int_equal(rf_nonce_stats(n).entries, CAP);
	assert_int_equal(rf_nonce_stats(n).forgotten, ALL - CAP);
	struct rf_mono later = rf_mono_add_ms(t0, ALL);
	for (unsigned i = 0; i < ALL; i++) {
		assert_int_equal(check(n, &t[i], later), i < ALL - CAP ? RF_E_STALE : 0);
		assert_int_equal(rf_nonce_spend(n, view(&t[i]), 1, later), RF_E_STALE);
		assert_int_equal(rf_nonce_spend(n, view(&t[i]), 2, later), i < ALL - CAP ? RF_E_STALE : 0);
	}
	rf_nonce_free(n);
}

/* Expired entries make room without anybody being forgotten. */
static void test_expired_entries_leave(void **state)
{
	struct rf_nonce *n = make(1, 2);
	struct text early = issue(n, t0);

	(void)state;
	assert_int_equal(rf_nonce_spend(n, view(&early), 1, t0), 0);
	for (unsigned i = 1; i < 50; i++) {
		struct rf_mono now = rf_mono_add_ms(t0, i * (LIFE_MS + 1));
		struct text t = issue(n, now);

		assert_int_equal(check(n, &t, now), 0);
		assert_int_equal(rf_nonce_spend(n, view(&t), 1, now), 0);
		assert_int_equal(rf_nonce_stats(n).entries, 1);
	}
	assert_int_equal(rf_nonce_stats(n).forgotten, 0);
	rf_nonce_free(n);
}

/* Random issue and use under a small table: no (nonce, count) pair is ever taken twice. */
static void test_never_twice(void **state)
{
	enum { LIVE = 32, COUNTS = 8, ROUNDS = 50000 };
	static struct text t[LIVE];
	static uint8_t taken[LIVE][COUNTS + 1];
	struct rf_nonce *n = make(1, 7);
	struct rf_mono now = t0;
	unsigned accepted = 0;

	(void)state;
	for (unsigned i = 0; i < LIVE; i++)
		t[i] = issue(n, now);
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t x = rf_random_u64(&rnd);
		unsigned i = x % LIVE, nc = 1 + (x >> 8) % COUNTS;

		now = rf_mono_add_ms(now, (x >> 16) % 40);
		if ((x >> 32) % 10 == 0) {
			t[i] = issue(n, now);
			memset(taken[i], 0, sizeof taken[i]);
		}
		if (check(n, &t[i], now) || rf_nonce_spend(n, view(&t[i]), nc, now))
			continue;
		assert_int_equal(taken[i][nc], 0);
		taken[i][nc] = 1;
		accepted++;
	}
	assert_true(accepted > ROUNDS / 50);
	rf_nonce_free(n);
}

static void test_allocations(void **state)
{
	struct rf_nonce_config c = { .worker = 1, .lifetime_ms = LIFE_MS, .cap = 0 };
	struct rf_nonce *n = NULL;

	(void)state;
	assert_int_equal(rf_nonce_new(&c, &n), RF_E_INVALID);
	c.cap = 4;
	for (unsigned at = 1;; at++) {
		fail_alloc_at(at);
		int rc = rf_nonce_new(&c, &n);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
		assert_null(n);
	}
	rf_nonce_free(n);
	rf_nonce_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_other_worker),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_forgets_safely),
		cmocka_unit_test(test_expired_entries_leave),
		cmocka_unit_test(test_never_twice),
		cmocka_unit_test(test_allocations),
	};

	rf_random_system(&rnd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

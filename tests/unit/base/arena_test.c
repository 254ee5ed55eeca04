#include "base/arena.h"

#include "fail_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_cap(void **state)
{
	struct rf_arena a;
	unsigned got = 0;

	(void)state;
	rf_arena_init(&a, 10000);
	while (rf_arena_alloc(&a, 100))
		got++;
	assert_true(got > 60 && got < 100);
	assert_true(a.used <= a.cap);
	assert_null(rf_arena_alloc(&a, 20000));
	volatile size_t huge = SIZE_MAX;
	assert_null(rf_arena_alloc(&a, huge));
	assert_null(rf_arena_array(&a, SIZE_MAX / 2, 3));
	rf_arena_fini(&a);
	assert_int_equal(a.used, 0);
}

static void test_alignment_and_zero(void **state)
{
	struct rf_arena a;

	(void)state;
	rf_arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = rf_arena_zalloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	rf_arena_fini(&a);
}

/* The block that is kept has nothing of what was in it. */
static void test_wipe(void **state)
{
	static const uint8_t nothing[200];
	struct rf_arena a;

	(void)state;
	rf_arena_init(&a, 4096);
	rf_arena_wipe(&a);
	uint8_t *p = rf_arena_alloc(&a, 200);
	memset(p, 0x5a, 200);
	rf_arena_wipe(&a);
	assert_ptr_equal(rf_arena_alloc(&a, 200), p);
	assert_memory_equal(p, nothing, 200);
	while ((p = rf_arena_alloc(&a, 500)))
		memset(p, 0x5a, 500);
	rf_arena_wipe(&a);
	struct rf_arena_block *kept = a.head;
	while ((p = rf_arena_alloc(&a, 100)) && a.head == kept)
		assert_memory_equal(p, nothing, 100);
	rf_arena_fini(&a);
}

static void test_reset_keeps_one_block(void **state)
{
	struct rf_arena a;

	(void)state;
	rf_arena_init(&a, 4096);
	void *p = rf_arena_alloc(&a, 10);

	rf_arena_reset(&a);
	assert_ptr_equal(rf_arena_alloc(&a, 10), p);
	rf_arena_fini(&a);
	/* Of several the newest; and no more of them is made while that one is enough. */
	rf_arena_init(&a, 16384);
	for (int i = 0; i < 8; i++)
		assert_non_null(rf_arena_alloc(&a, 500));
	struct rf_arena_block *kept = a.head;
	rf_arena_reset(&a);
	assert_ptr_equal(a.head, kept);
	for (int i = 0; i < 3; i++)
		assert_non_null(rf_arena_alloc(&a, 500));
	assert_ptr_equal(a.head, kept);
	/* It takes nothing of the cap from who needs more than it has. */
	rf_arena_reset(&a);
	assert_non_null(rf_arena_alloc(&a, 16000));
	assert_null(rf_arena_alloc(&a, 1000));
	rf_arena_reset(&a);
	assert_non_null(rf_arena_alloc(&a, 16000));
	assert_true(a.used <= 16384);
	rf_arena_fini(&a);
	assert_int_equal(a.used, 0);
}

static void test_copies(void **state)
{
	struct rf_arena a;
	struct rf_view v;

	(void)state;
	rf_arena_init(&a, 4096);
	assert_int_equal(rf_view_dup(&a, RF_V("tag"), &v), 0);
	assert_true(rf_view_eq(v, RF_V("tag")));
	assert_string_equal(rf_arena_cstr(&a, v), "tag");
	assert_null(rf_arena_cstr(&a, RF_V("a\0b")));
	rf_arena_fini(&a);
	for (unsigned n = 1;; n++) {
		rf_arena_init(&a, 4096);
		fail_alloc_at(n);
		int rc = rf_view_dup(&a, RF_V("tag"), &v);
		bool failed = fail_alloc_off();

		rf_arena_fini(&a);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_alignment_and_zero),
		cmocka_unit_test(test_reset_keeps_one_block),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/table.h"

#include "base/err.h"
#include "base/hash.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <cmocka.h>

struct thing {
	struct rf_node node;
	unsigned key;
};

static struct thing *find(const struct rf_table *t, unsigned key, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(t, hash); n; n = rf_table_next(n))
		if (rf_container(n, struct thing, node)->key == key)
			return rf_container(n, struct thing, node);
	return NULL;
}

static void test_add_find_del(void **state)
{
	enum { N = 1000 };
	static struct thing things[N];
	struct rf_table t;

	(void)state;
	rf_table_init(&t, N);
	assert_null(rf_table_first(&t, 1));
	for (unsigned i = 0; i < N; i++) {
		things[i].key = i;
		assert_int_equal(rf_table_add(&t, &things[i].node, i % 100), 0); /* ten share each hash */
	}
	struct thing extra = { .key = N };
	assert_int_equal(rf_table_add(&t, &extra.node, 0), RF_E_LIMIT);
	assert_int_equal(t.refused, 1);
	for (unsigned i = 0; i < N; i += 2)
		rf_table_del(&t, &things[i].node);
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(find(&t, i, i % 100), i % 2 ? &things[i] : NULL);
	assert_int_equal(t.count, N / 2);
	rf_table_fini(&t);
}

static void del_odd(struct rf_node *n, void *arg)
{
	if (rf_container(n, struct thing, node)->key % 2)
		rf_table_del((struct rf_table *)arg, n);
}

static void test_each_may_delete(void **state)
{
	struct thing things[10];
	struct rf_table t;

	(void)state;
	rf_table_init(&t, 10);
	for (unsigned i = 0; i < 10; i++) {
		things[i].key = i;
		rf_table_add(&t, &things[i].node, 7);
	}
	rf_table_each(&t, del_odd, &t);
	assert_int_equal(t.count, 5);
	rf_table_fini(&t);
}

static void test_without_memory(void **state)
{
	struct thing one, many[200];
	struct rf_table t;

	(void)state;
	rf_table_init(&t, 1000);
	fail_alloc_at(1);
	assert_int_equal(rf_table_add(&t, &one.node, 1), -ENOMEM);
	assert_true(fail_alloc_off());
	for (unsigned i = 0; i < 200; i++) { /* growth fails, adding goes on */
		many[i].key = i;
		if (i > 0)
			fail_alloc_at(1);
		assert_int_equal(rf_table_add(&t, &many[i].node, i), 0);
	}
	fail_alloc_off();
	for (unsigned i = 0; i < 200; i++)
		assert_non_null(find(&t, i, i));
	rf_table_fini(&t);
}

/* SipHash-1-3 over 00 01 .. under the key 00 01 .. 0f: the reference program's first two answers. */
static void test_hash(void **state)
{
	struct rf_hash_key k = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	uint8_t in[64];

	(void)state;
	for (unsigned i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	assert_true(rf_hash(&k, rf_view_of(in, 0)) == 0xabac0158050fc4dcu);
	assert_true(rf_hash(&k, rf_view_of(in, 1)) == 0xc9f49bf37d57ca93u);
	assert_true(rf_hash_nocase(&k, RF_V("Voice.Example.ORG")) == rf_hash(&k, RF_V("voice.example.org")));
	assert_true(rf_hash_nocase(&k, RF_V("[@[{`aZ\x80\xc1")) == rf_hash(&k, RF_V("[@[{`az\x80\xc1")));
	assert_true(rf_hash(&k, RF_V("a")) != rf_hash(&k, RF_V("a\0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_find_del),
		cmocka_unit_test(test_each_may_delete),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

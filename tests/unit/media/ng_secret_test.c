/* Keys are in requests and replies of the NG protocol: no memory is given back with one still in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "media/ng_cache.h"
#include "media/ng_client.h"

#define KEY "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

/* The linker sends free here (--wrap); it takes no argument of ours, so this count has to be static. */
static unsigned with_key;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	with_key += p && memmem(p, malloc_usable_size(p), KEY, sizeof KEY - 1);
	__real_free(p);
}

static void send_nowhere(void *arg, unsigned relay, struct rf_view bytes)
{
	(void)relay;
	*(bool *)arg |= rf_view_find(bytes, 'i') < bytes.n && memmem(bytes.p, bytes.n, KEY, sizeof KEY - 1);
}

static void on_done(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	(void)arg;
	(void)err;
	(void)relay;
	(void)reply;
}

static void test_request(void **state)
{
	static const struct rf_ng_client_ops ops = { .send = send_nowhere };
	struct rf_ng_request req = {
		.command = RF_NG_OFFER, .call_id = RF_V("c"), .from_tag = RF_V("a"), .sdp = RF_V(KEY)
	};
	struct rf_wheel wheel;
	bool sent = false;
	struct rf_ng_client_conf conf = { .wheel = &wheel, .ops = &ops, .arg = &sent, .n_relays = 1 };
	struct rf_ng_client *c;

	(void)state;
	rf_wheel_init(&wheel, (struct rf_mono){ 1000000 });
	assert_int_equal(rf_ng_client_new(&conf, &c), 0);
	assert_int_equal(rf_ng_client_ask(c, &req, 0, on_done, NULL), 0);
	assert_true(sent);
	rf_ng_client_free(c);
	assert_int_equal(with_key, 0);
}

static void test_reply(void **state)
{
	struct rf_hash_key key = { 1, 2 };
	struct rf_addr from = { .family = 4, .port = 1 };
	struct rf_ng_cache c;

	(void)state;
	rf_ng_cache_init(&c, &key, 4, 4, 1000, 1000);
	struct rf_ng_kept *k = rf_ng_cache_begin(&c, rf_ng_cache_hash(&c, &from, RF_V("1")), &from, RF_V("1"), 1);

	assert_non_null(k);
	rf_ng_cache_finish(&c, k, RF_V(KEY), (struct rf_mono){ 1000000 });
	rf_ng_cache_expire(&c, (struct rf_mono){ 9000000 });
	rf_ng_cache_fini(&c);
	assert_int_equal(with_key, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_request), cmocka_unit_test(test_reply) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

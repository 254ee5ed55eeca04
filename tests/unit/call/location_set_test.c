/* Sets of bindings as packed: what goes in comes out, whatever repeats. */
#include "call/location_set.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rf_addr address(const char *text)
{
	struct rf_addr a = { .family = 0 };

	if (text[0])
		assert_int_equal(rf_addr_parse(rf_view_str(text), 0, &a), 0);
	return a;
}

static struct rf_binding binding(unsigned i)
{
	static const char *const remote[] = { "192.0.2.1:5061", "[2001:db8::1]:5060", "[fe80::1%3]:1", "" };
	static const char *const local[] = { "192.0.2.9:5061", "192.0.2.9:5061", "[fe80::9%3]:5061" };
	static const char *const text[] = { "sip:1001@192.0.2.1:5061;transport=tls", "", "a", "sip:b@[2001:db8::1]" };

	return (struct rf_binding){
		.contact = rf_view_str(text[i % 4]), .call_id = rf_view_str(text[i / 2 % 4]),
		.instance = rf_view_str(text[i / 3 % 4]), .path = rf_view_str(text[i / 5 % 4]),
		.phone = rf_view_str(text[i / 7 % 4]), .user = rf_view_str(text[i % 3]),
		.agent = rf_view_str(text[i / 11 % 4]), .since = { i }, .refreshed = { UINT64_MAX - i },
		.expires = { 7ull * i << 30 }, .cseq = UINT32_MAX - i, .reg_id = i * 3, .q_milli = (uint16_t)(i % 1001),
		.by_flow = i % 2, .waiting = i % 3 == 0,
		.flow = { .remote = address(remote[i % 4]), .local = address(local[i / 4 % 3]), .stream = 1ull << (i % 64),
			  .kind = (uint8_t)(i % RF_FLOW_KINDS), .worker = (uint8_t)i, .listener = (uint8_t)(255 - i) },
	};
}

static void same(const struct rf_binding *a, const struct rf_binding *b)
{
	struct rf_binding x = *a, y = *b;
	struct rf_view *v[RF_BINDING_STRINGS], *w[RF_BINDING_STRINGS];

	rf_binding_strings(&x, v);
	rf_binding_strings(&y, w);
	for (unsigned i = 0; i < RF_BINDING_STRINGS; i++) {
		assert_true(rf_view_eq(*v[i], *w[i]));
		*v[i] = *w[i] = (struct rf_view){ NULL, 0 };
	}
	assert_memory_equal(&x.flow, &y.flow, sizeof x.flow);
	x.flow = y.flow;
	assert_int_equal(x.since.us, y.since.us);
	assert_int_equal(x.refreshed.us, y.refreshed.us);
	assert_int_equal(x.expires.us, y.expires.us);
	assert_int_equal(x.cseq, y.cseq);
	assert_int_equal(x.reg_id, y.reg_id);
	assert_int_equal(x.q_milli, y.q_milli);
	assert_int_equal(x.by_flow, y.by_flow);
	assert_int_equal(x.waiting, y.waiting);
}

static void round_trip(void **state)
{
	struct rf_binding b[64];

	(void)state;
	for (unsigned first = 0; first < 200; first++)
		for (size_t n = 0; n <= 64; n += n < 4 ? 1 : 20) {
			for (size_t i = 0; i < n; i++)
				b[i] = binding(first + (unsigned)i);
			struct rf_location_set *s = rf_location_set_new(RF_V("1001@voice.example.org"), b, n);

			assert_non_null(s);
			assert_true(rf_view_eq(rf_location_set_aor(s), RF_V("1001@voice.example.org")));
			struct rf_location_at at = rf_location_set_begin(s);
			for (size_t i = 0; i < n; i++)
				same(rf_location_set_next(&at), &b[i]);
			assert_true((size_t)(at.p - (const uint8_t *)s) <= malloc_usable_size(s));
			free(s);
		}
}

static void too_long(void **state)
{
	struct rf_binding b = binding(0);
	uint8_t *text = calloc(1, UINT16_MAX + 1);

	(void)state;
	b.path = rf_view_of(text, UINT16_MAX);
	struct rf_location_set *s = rf_location_set_new(RF_V("a"), &b, 1);
	assert_non_null(s);
	struct rf_location_at at = rf_location_set_begin(s);
	same(rf_location_set_next(&at), &b);
	free(s);
	b.path.n++;
	assert_null(rf_location_set_new(RF_V("a"), &b, 1));
	assert_null(rf_location_set_new(b.path, NULL, 0));
	free(text);
}

/* The promise of the header. */
static void small(void **state)
{
	struct rf_binding b[10];
	char contact[10][64];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(contact[i], sizeof contact[i], "sip:1001@192.0.2.1:506%d;transport=tls", i);
		b[i] = (struct rf_binding){
			.contact = rf_view_str(contact[i]),
			.call_id = RF_V("7e3c1a9f50b1@192.0.2.1"),
			.phone = RF_V("lobby-1"),
			.instance = RF_V("urn:uuid:0f5a3d1e-8a52-4cbe-9a3d-0123456789ab"),
			.agent = RF_V("a phone 1.2.3"),
			.flow = { .remote = address("192.0.2.1:40000"), .local = address("192.0.2.9:5061") },
		};
	}
	struct rf_location_set *one = rf_location_set_new(RF_V("1001@voice.example.org"), b, 1),
			       *ten = rf_location_set_new(RF_V("1001@voice.example.org"), b, 10);
	const size_t n1 = malloc_usable_size(one) + 8, n10 = malloc_usable_size(ten) + 8;

	printf("one binding %zu bytes, each of nine more %zu\n", n1, (n10 - n1) / 9);
	assert_true(n1 <= 300);
	assert_true((n10 - n1) / 9 <= 110);
	free(one);
	free(ten);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(too_long), cmocka_unit_test(small),
	};

	return cmocka_run_group_tests_name("location_set", tests, NULL, NULL);
}

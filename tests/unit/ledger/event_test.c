#include "ledger/event.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static json_t *as_json(const struct rf_event *e)
{
	char *text = malloc(e->w.n + 3);
	json_t *o;

	text[0] = '{';
	memcpy(text + 1, e->bytes + 1, e->w.n - 1);
	text[e->w.n] = '}';
	o = json_loadb(text, e->w.n + 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	free(text);
	assert_non_null(o);
	return o;
}

static void test_fields(void **state)
{
	struct rf_event e;

	(void)state;
	rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
	rf_event_str(&e, "plain", RF_V("a b"));
	rf_event_str(&e, "odd", rf_view_of("q\"b\\n\n\0\xff\xc3\xa9", 10));
	rf_event_str(&e, "none", RF_V(""));
	rf_event_cstr(&e, "null", NULL);
	rf_event_u64(&e, "n", UINT64_MAX);
	rf_event_bool(&e, "yes", true);
	rf_event_bool(&e, "no", false);
	rf_event_time(&e, "never", (struct rf_wall){ 0 });
	rf_event_time(&e, "at", (struct rf_wall){ 1000 });
	static const char want[] = ",\"plain\":\"a b\",\"odd\":\"q\\\"b\\\\n\\u000a\\u0000\xef\xbf\xbd\xc3\xa9\",\"n\":"
		"18446744073709551615,\"yes\":true,\"no\":false,\"at\":\"1970-01-01T00:00:00.001Z\"";
	assert_int_equal(e.w.n, sizeof want - 1);
	assert_memory_equal(e.bytes, want, e.w.n);
	assert_false(e.cut);
}

/* Each byte at each place of a string of plain ones: what comes out is what went in, or the sign
 * for what is no text. */
static void test_every_byte_everywhere(void **state)
{
	uint8_t text[20];
	struct rf_event e;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'x', sizeof text);
			text[at] = (uint8_t)c;
			rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
			rf_event_str(&e, "s", rf_view_of(text, sizeof text));
			json_t *o = as_json(&e), *s = json_object_get(o, "s");
			size_t more = c < 0x80 ? 0 : 2;

			assert_int_equal(json_string_length(s), sizeof text + more);
			const char *got = json_string_value(s);
			assert_memory_equal(got, text, at);
			assert_memory_equal(got + at, more ? "\xef\xbf\xbd" : (char *)text + at, more + 1);
			assert_memory_equal(got + at + more + 1, text + at + 1, sizeof text - at - 1);
			json_decref(o);
		}
	}
}

static void test_long_strings(void **state)
{
	uint8_t text[1000];
	struct rf_event e;

	(void)state;
	for (size_t n = 250; n < 260; n++) {
		memset(text, 'x', sizeof text);
		text[n] = 0xe2; /* a three-byte character around the cut */
		text[n + 1] = 0x82;
		text[n + 2] = 0xac;
		rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
		rf_event_str(&e, "s", rf_view_of(text, sizeof text));
		assert_true(e.cut);
		json_t *o = as_json(&e);
		assert_true(json_is_true(json_object_get(o, "cut")));
		const char *s = json_string_value(json_object_get(o, "s"));
		assert_true(strlen(s) <= RF_EVENT_STR + 3 && strlen(s) >= RF_EVENT_STR - 2 + 3);
		json_decref(o);
	}
	rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
	memset(text, 'x', sizeof text);
	rf_event_str(&e, "s", rf_view_of(text, RF_EVENT_STR));
	assert_false(e.cut);
}

static void test_full(void **state)
{
	struct rf_event e;
	uint8_t odd[RF_EVENT_STR];

	(void)state;
	memset(odd, 1, sizeof odd);
	rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
	rf_event_str(&e, "a", rf_view_of(odd, sizeof odd)); /* 1536 bytes each as JSON */
	rf_event_str(&e, "b", rf_view_of(odd, sizeof odd));
	rf_event_str(&e, "c", RF_V("small"));
	assert_true(e.cut);
	for (int i = 0; i < 1000; i++)
		rf_event_u64(&e, "d", 1);
	assert_true(e.w.n <= sizeof e.bytes);
	assert_int_equal(e.w.err, 0);
	rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
	rf_event_str(&e, "a", rf_view_of(odd, sizeof odd));
	rf_event_str(&e, "b", rf_view_of(odd, sizeof odd));
	json_t *o = as_json(&e);
	assert_non_null(json_object_get(o, "a"));
	assert_null(json_object_get(o, "b"));
	assert_true(json_is_true(json_object_get(o, "cut")));
	json_decref(o);
}

static void test_kinds(void **state)
{
	(void)state;
	for (int k = 0; k < RF_EVENT_KIND_COUNT; k++) {
		const char *name = rf_event_kind_name((enum rf_event_kind)k);

		assert_non_null(name);
		assert_int_equal(rf_event_kind_of(rf_view_str(name)), k);
		assert_true(rf_event_kind_about((enum rf_event_kind)k)[0]);
	}
	assert_int_equal(rf_event_kind_of(RF_V("nothing")), RF_EVENT_KIND_COUNT);
	assert_true(rf_event_kind_alert(RF_EVENT_IDENTITY_REFUSED));
	assert_false(rf_event_kind_alert(RF_EVENT_CALL_END));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_every_byte_everywhere),
		cmocka_unit_test(test_long_strings), cmocka_unit_test(test_full),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

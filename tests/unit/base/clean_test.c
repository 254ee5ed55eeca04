/* What strangers write, and what people see of it. */
#include "base/clean.h"

#include "base/writer.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *what, *in, *out;
} names[] = {
	{ "plain", "Ann Smith", "Ann Smith" },
	{ "letters of others", "J\xc3\xbcrgen \xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xe5\xb1\xb1\xe7\x94\xb0", "J\xc3\xbcrgen \xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xe5\xb1\xb1\xe7\x94\xb0" },
	{ "markup", "<b>&\"'`\\", "\xe2\x80\xb9" "b" "\xe2\x80\xba" "+" "\xe2\x80\x9d" "\xe2\x80\x99" "\xe2\x80\x98" "/" },
	{ "a script", "<script>alert(1)</script>", "\xe2\x80\xb9script\xe2\x80\xba" "alert(1)\xe2\x80\xb9/script\xe2\x80\xba" },
	{ "controls", "a\x01\x1b[31mb\x7f", "a[31mb" },
	{ "C1", "a\xc2\x9b" "31mb", "a31mb" },
	{ "line ends and tabs", "a\r\n\t b", "a b" },
	{ "line separator", "a\xe2\x80\xa8" "b", "a b" },
	{ "space at the ends", "  a \xc2\xa0 ", "a" },
	{ "turned round", "a\xe2\x80\xae" "1001", "a1001" },
	{ "isolates", "\xe2\x81\xa6" "a\xe2\x81\xa9", "a" },
	{ "no width", "a\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf" "b", "ab" },
	{ "soft hyphen", "a\xc2\xad" "b", "ab" },
	{ "tags", "a\xf3\xa0\x81\x81" "b", "ab" },
	{ "variation", "a\xef\xb8\x8f" "b", "ab" },
	{ "Hangul fillers", "a\xe3\x85\xa4" "b", "ab" },
	{ "no UTF-8", "a\xff\xc0\x80" "b", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" "b" },
	{ "a surrogate", "a\xed\xa0\x80", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "private use", "\xee\x80\x80", "\xef\xbf\xbd" },
	{ "an accent", "e\xcc\x81", "e\xcc\x81" },
	{ "a heap of accents", "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81x\xcc\x81", "e\xcc\x81\xcc\x81x\xcc\x81" },
	{ "accents on nothing", "\xcc\x81\xcc\x81" "a", "a" },
	{ "only what is hidden", "\xe2\x80\x8b\x01 ", "" },
	{ "nothing", "", "" },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct rf_view v = guard_copy(rf_view_str(names[i].in));
		uint8_t buf[256];
		struct rf_view out = rf_clean_name(v, 64, buf, sizeof buf);

		if (!rf_view_eq(out, rf_view_str(names[i].out)))
			fail_msg("%s: \"%.*s\"", names[i].what, RF_VFMT(out));
		guard_free(v);
	}
}

static void test_bounds(void **state)
{
	uint8_t buf[8];

	(void)state;
	assert_true(rf_view_eq(rf_clean_name(RF_V("abcdef"), 3, buf, sizeof buf), RF_V("abc")));
	assert_true(rf_view_eq(rf_clean_name(RF_V("ab  cd"), 3, buf, sizeof buf), RF_V("ab")));
	assert_true(rf_view_eq(rf_clean_name(RF_V("ab  cd"), 4, buf, sizeof buf), RF_V("ab c")));
	assert_true(rf_view_eq(rf_clean_name(RF_V("abcdefghij"), 64, buf, sizeof buf), RF_V("abcdefgh")));
	/* never half a character */
	assert_true(rf_view_eq(rf_clean_name(RF_V("abcdefg\xc3\xbc"), 64, buf, sizeof buf), RF_V("abcdefg")));
	assert_int_equal(rf_clean_name(RF_V("abc"), 64, buf, 0).n, 0);
}

static const struct {
	const char *a, *b;
	bool same;
} glances[] = {
	{ "Reception", "reception", true },
	{ "Reception", "R e c e p t i o n", true },
	{ "Reception", "Reception.", true },
	{ "Reception", "R\xd0\xb5\xd1\x81\xd0\xb5\xd1\x80ti\xd0\xben", true }, /* Cyrillic */
	{ "Reception", "Rec\xc3\xa9ption", true }, { "Reception", "Rece\xcc\x81ption", true },
	{ "Reception", "\xef\xbc\xb2\xef\xbd\x85\xef\xbd\x83\xef\xbd\x85\xef\xbd\x90\xef\xbd\x94\xef\xbd\x89\xef\xbd\x8f\xef\xbd\x8e", true },
	{ "Reception", "Rec\xe2\x80\x8b" "eption", true }, { "Reception", "Recepti0n", true },
	{ "Bill", "BiIl", true }, { "Bill", "B1ll", true }, { "M\xc3\xbcller", "Muller", true },
	{ "Reception", "Deception", false }, { "Ann", "Anna", false }, { "\xe5\xb1\xb1", "\xe7\x94\xb0", false },
	{ "1001", "1oo1", true }, { "1001", "\xd9\xa1\xd9\xa0\xd9\xa0\xd9\xa1", true },
};

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof glances / sizeof *glances; i++) {
		uint8_t a[128], b[128];
		struct rf_view va = guard_copy(rf_view_str(glances[i].a)), vb = guard_copy(rf_view_str(glances[i].b));

		if (rf_view_eq(rf_clean_key(va, a, sizeof a), rf_clean_key(vb, b, sizeof b)) != glances[i].same)
			fail_msg("\"%s\" and \"%s\"", glances[i].a, glances[i].b);
		guard_free(va);
		guard_free(vb);
	}
	uint8_t d[16];
	assert_true(rf_view_eq(rf_clean_digits(RF_V("+1 (215) \xef\xbc\x95\xef\xbc\x95-\xd9\xa5"), d, sizeof d),
			       RF_V("1215555")));
	assert_int_equal(rf_clean_key(RF_V(" .-"), d, sizeof d).n, 0);
}

/* Every character: nothing hidden comes out, and what comes out stays as it is. */
static void test_all(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint8_t in[8], one[16], two[16];
		size_t n = 0;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80) {
			in[n++] = (uint8_t)c;
		} else if (c < 0x800) {
			in[n++] = (uint8_t)(0xc0 | c >> 6);
		} else if (c < 0x10000) {
			in[n++] = (uint8_t)(0xe0 | c >> 12);
			in[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		} else {
			in[n++] = (uint8_t)(0xf0 | c >> 18);
			in[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
			in[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		}
		if (c >= 0x80)
			in[n++] = (uint8_t)(0x80 | (c & 0x3f));
		assert_int_equal(rf_view_utf8(rf_view_of(in, n)), n);
		assert_int_equal(rf_clean_character(rf_view_of(in, n), n), c);
		struct rf_view a = rf_clean_name(rf_view_of(in, n), 4, one, sizeof one);
		struct rf_view b = rf_clean_name(a, 4, two, sizeof two);

		if (!rf_view_eq(a, b) || (a.n && rf_clean_is_hidden(rf_clean_character(a, rf_view_utf8(a)))))
			fail_msg("U+%04x", c);
	}
}

static void test_record(void **state)
{
	struct rf_writer w;
	char buf[128];

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_json(&w, RF_V("a\xe2\x80\xae\xc2\x9b\xf3\xa0\x81\x81\xc3\xbc"));
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("a\\u202e\\u009b\\udb40\\udc41\xc3\xbc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_bounds), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_all), cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

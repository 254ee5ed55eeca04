/* Values in both encodings: what is taken and what is refused, at each bound and one past it; every prefix of good
 * ones; what is written is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "fail_alloc.h"
#include "guard.h"
#include "media/limits.h"
#include "media/ng_out.h"

static int parse_as(struct rf_view v, struct rf_arena *a, struct rf_ng_value **ret, enum rf_ng_encoding *ret_enc)
{
	struct rf_diag d = { 0 };
	int err = rf_ng_value_parse(v, a, ret, ret_enc, &d);

	if (err)
		assert_true(d.code == err && d.text[0]);
	return err;
}

/* Write the tree with ng_out, in the order of the tree. */
static void put(struct rf_ng_out *o, const struct rf_ng_value *v)
{
	switch (v->type) {
	case RF_NG_STRING:
		rf_ng_out_str(o, v->str);
		return;
	case RF_NG_INT:
		rf_ng_out_int(o, v->num);
		return;
	default:
		v->type == RF_NG_LIST ? rf_ng_out_list(o) : rf_ng_out_dict(o);
		for (const struct rf_ng_value *x = v->first; x; x = x->next) {
			if (v->type == RF_NG_DICT)
				rf_ng_out_key(o, x->key);
			put(o, x);
		}
		rf_ng_out_end(o);
	}
}

static const struct {
	const char *name, *bytes;
	int err;
	const char *json;  /* the same as JSON; NULL: not looked at */
} table[] = {
	{ "a request", "d7:command4:pinge", 0, "{\"command\":\"ping\"}" },
	{ "all types", "d1:ai-5e1:bli0e0:e1:cdee", 0, "{\"a\":-5,\"b\":[0,\"\"],\"c\":{}}" },
	{ "keys not in order", "d1:bi1e1:ai2e1:ci3ee", 0, "{\"b\":1,\"a\":2,\"c\":3}" },
	{ "the greatest integer", "i9223372036854775807e", 0, "9223372036854775807" },
	{ "the least integer", "i-9223372036854775808e", 0, "-9223372036854775808" },
	{ "an integer past int64", "i9223372036854775808e", RF_E_MALFORMED, NULL },
	{ "an integer past int64 below", "i-9223372036854775809e", RF_E_MALFORMED, NULL },
	{ "an integer past uint64", "i99999999999999999999e", RF_E_MALFORMED, NULL },
	{ "a leading zero", "i01e", RF_E_MALFORMED, NULL },
	{ "minus zero", "i-0e", RF_E_MALFORMED, NULL },
	{ "a plus", "i+1e", RF_E_MALFORMED, NULL },
	{ "an empty integer", "ie", RF_E_MALFORMED, NULL },
	{ "only a minus", "i-e", RF_E_MALFORMED, NULL },
	{ "a blank in an integer", "i 1e", RF_E_MALFORMED, NULL },
	{ "a length with a leading zero", "04:ping", RF_E_MALFORMED, NULL },
	{ "a string over its end", "5:ping", RF_E_MALFORMED, NULL },
	{ "a length of 20 digits", "99999999999999999999:ping", RF_E_MALFORMED, NULL },
	{ "bytes behind the end", "4:pingx", RF_E_MALFORMED, NULL },
	{ "two values", "i1ei2e", RF_E_MALFORMED, NULL },
	{ "a key twice", "d1:ai1e1:ai2ee", RF_E_MALFORMED, NULL },
	{ "a key twice, apart", "d1:ai1e1:bi1e1:ai2ee", RF_E_MALFORMED, NULL },
	{ "a key twice, apart, out of order", "d1:ci1e1:bi1e1:ai2e1:bi1ee", RF_E_MALFORMED, NULL },
	{ "an integer as key", "di1ei2ee", RF_E_MALFORMED, NULL },
	{ "a key without value", "d1:ae", RF_E_MALFORMED, NULL },
	{ "nothing", "", RF_E_MALFORMED, NULL },
	{ "another letter", "x", RF_E_MALFORMED, NULL },
	{ "a list that does not end", "li1e", RF_E_MALFORMED, NULL },
	{ "JSON", "{ \"a\" : [ 1, \"x\\u0041\", {} ], \"b\": -2 }", 0, "{\"a\":[1,\"xA\",{}],\"b\":-2}" },
	{ "JSON: a key twice", "{\"a\":1,\"a\":2}", RF_E_MALFORMED, NULL },
	{ "JSON: a real", "{\"a\":1.5}", RF_E_UNSUPPORTED, NULL },
	{ "JSON: a boolean", "{\"a\":true}", RF_E_UNSUPPORTED, NULL },
	{ "JSON: null", "{\"a\":null}", RF_E_UNSUPPORTED, NULL },
	{ "JSON: an integer past int64", "{\"a\":9223372036854775808}", RF_E_MALFORMED, NULL },
	{ "JSON: bytes behind the end", "{\"a\":1}x", RF_E_MALFORMED, NULL },
	{ "JSON: a NUL", "{\"a\":\"x\\u0000\"}", RF_E_MALFORMED, NULL },
	{ "JSON: not UTF-8", "{\"a\":\"\xff\"}", RF_E_MALFORMED, NULL },
	{ "JSON: brackets in a string", "{\"a\":\"[[[[[[[[[[[[[[[[\\\"[[\"}", 0, NULL },
};

static void reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct rf_view in = guard_copy(rf_view_str(table[i].bytes));
		enum rf_ng_encoding enc, back;
		struct rf_ng_value *v = NULL, *again = NULL;
		struct rf_arena a;

		rf_arena_init(&a, RF_NG_ARENA_BYTES);
		int err = parse_as(in, &a, &v, &enc);
		if (err != table[i].err)
			fail_msg("%s: %d", table[i].name, err);
		for (int json = 0; err == 0 && json < 2; json++) {
			uint8_t buf[512];
			struct rf_writer w;
			struct rf_ng_out o;
			struct rf_view out;

			rf_writer_init(&w, buf, sizeof buf);
			rf_ng_out_init(&o, &w, json ? RF_NG_JSON : RF_NG_BENCODE);
			put(&o, v);
			assert_int_equal(rf_writer_done(&w, &out), 0);
			if (json && table[i].json && !rf_view_eq(out, rf_view_str(table[i].json)))
				fail_msg("%s: %.*s", table[i].name, RF_VFMT(out));
			if (!json && enc == RF_NG_BENCODE)
				assert_true(rf_view_eq(out, in));
			if (v->type == RF_NG_DICT)
				assert_int_equal(parse_as(out, &a, &again, &back), 0);
		}
		/* No prefix of one value is one, and none reads past its end. */
		for (size_t n = 0; err == 0 && n < in.n; n++) {
			struct rf_view part = guard_copy(rf_view_sub(in, 0, n));

			assert_int_not_equal(parse_as(part, &a, &v, &enc), 0);
			guard_free(part);
		}
		rf_arena_fini(&a);
		guard_free(in);
	}
}

static char *room(size_t n)
{
	char *p = malloc(n);

	if (!p) /* assert_non_null() returns, as far as the compiler can see */
		abort();
	return p;
}

/* before times n, then after times n */
static struct rf_view repeated(const char *head, const char *before, const char *after, size_t n, const char *tail)
{
	size_t cap = strlen(head) + n * (strlen(before) + strlen(after)) + strlen(tail) + 1;
	char *p = room(cap), *at = p;

	at += sprintf(at, "%s", head);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s", before);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s", after);
	at += sprintf(at, "%s", tail);
	return rf_view_of(p, (size_t)(at - p));
}

static void takes(struct rf_view v, int want)
{
	struct rf_arena a;
	struct rf_ng_value *ret;
	enum rf_ng_encoding enc;

	rf_arena_init(&a, RF_NG_ARENA_BYTES);
	assert_int_equal(parse_as(v, &a, &ret, &enc), want);
	rf_arena_fini(&a);
	free((void *)(uintptr_t)v.p);
}

static void bounds(void **state)
{
	char head[64], key[512];

	(void)state;
	takes(repeated("", "l", "e", RF_NG_DEPTH_MAX, ""), 0);
	takes(repeated("", "l", "e", RF_NG_DEPTH_MAX + 1, ""), RF_E_LIMIT);
	takes(repeated("{\"\":", "[", "]", RF_NG_DEPTH_MAX - 1, "}"), 0);
	takes(repeated("{\"\":", "[", "]", RF_NG_DEPTH_MAX, "}"), RF_E_LIMIT);
	takes(repeated("l", "i1e", "", RF_NG_VALUES_MAX - 1, "e"), 0);
	takes(repeated("l", "i1e", "", RF_NG_VALUES_MAX, "e"), RF_E_LIMIT);
	takes(repeated("{\"\":[1", ",1", "", RF_NG_VALUES_MAX - 3, "]}"), 0);
	takes(repeated("{\"\":[1", ",1", "", RF_NG_VALUES_MAX, "]}"), RF_E_LIMIT);
	for (unsigned over = 0; over < 2; over++) {
		snprintf(head, sizeof head, "d%u:", RF_NG_KEY_MAX + over);
		takes(repeated(head, "k", "", RF_NG_KEY_MAX + over, "0:e"), over ? RF_E_LIMIT : 0);
		takes(repeated("{\"", "k", "", RF_NG_KEY_MAX + over, "\":\"\"}"), over ? RF_E_LIMIT : 0);
	}
	for (int json = 0; json < 2; json++)
		for (unsigned n = RF_NG_KEYS_MAX; n <= RF_NG_KEYS_MAX + 1; n++) {
			char *p = room(16 * (size_t)n), *at = p;

			at += sprintf(at, json ? "{" : "d");
			for (unsigned i = 0; i < n; i++)
				at += sprintf(at, json ? "%s\"%03u\":1" : "%s3:%03ui1e", json && i ? "," : "",
					      i * 7 % n);
			at += sprintf(at, json ? "}" : "e");
			takes(rf_view_of(p, (size_t)(at - p)), n > RF_NG_KEYS_MAX ? RF_E_LIMIT : 0);
		}
	/* Twelve levels are written, a thirteenth is not. */
	for (unsigned n = RF_NG_DEPTH_MAX; n <= RF_NG_DEPTH_MAX + 1; n++) {
		struct rf_writer w;
		struct rf_ng_out o;

		rf_writer_init(&w, key, sizeof key);
		rf_ng_out_init(&o, &w, RF_NG_JSON);
		for (unsigned i = 0; i < n; i++)
			rf_ng_out_list(&o);
		assert_int_equal(w.err, n > RF_NG_DEPTH_MAX ? RF_E_LIMIT : 0);
	}
}

static void memory_fails(void **state)
{
	static const char *const good[] = { "d1:ai-5e1:bli0e0:e1:cdee", "{\"a\":-5,\"b\":[0,\"x\"],\"c\":{}}" };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (unsigned n = 1;; n++) {
			struct rf_arena a;
			struct rf_ng_value *v;
			enum rf_ng_encoding enc;

			rf_arena_init(&a, RF_NG_ARENA_BYTES);
			fail_alloc_at(n);
			int err = rf_ng_value_parse(rf_view_str(good[i]), &a, &v, &enc, NULL);
			bool failed = fail_alloc_off();
			rf_arena_fini(&a);
			assert_int_equal(err, failed ? -ENOMEM : 0);
			if (!failed)
				break;
		}
}

static void gets(void **state)
{
	struct rf_arena a;
	struct rf_ng_value *v;
	enum rf_ng_encoding enc;

	(void)state;
	rf_arena_init(&a, RF_NG_ARENA_BYTES);
	assert_int_equal(parse_as(RF_V("d1:ai5e1:b1:x1:cle1:ddee"), &a, &v, &enc), 0);
	assert_int_equal(rf_ng_get_int(v, "a"), 5);
	assert_int_equal(rf_ng_get_int(v, "b"), 0);
	assert_true(rf_view_eq(rf_ng_get_str(v, "b"), RF_V("x")));
	assert_int_equal(rf_ng_get_str(v, "a").n, 0);
	assert_non_null(rf_ng_get_list(v, "c"));
	assert_null(rf_ng_get_list(v, "d"));
	assert_non_null(rf_ng_get_dict(v, "d"));
	assert_null(rf_ng_get_dict(v, "none"));
	assert_null(rf_ng_get(NULL, "a"));
	assert_null(rf_ng_get(rf_ng_get(v, "c"), "a"));
	rf_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes), cmocka_unit_test(bounds), cmocka_unit_test(memory_fails),
		cmocka_unit_test(gets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

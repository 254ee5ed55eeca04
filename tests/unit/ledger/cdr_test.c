#include "ledger/cdr.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct rf_wall t0 = { 1790000000000000 };

static struct rf_cdr sample(int64_t seconds, struct rf_view leg, struct rf_view number)
{
	return (struct rf_cdr){
		.session = RF_V("s-1"), .leg = leg, .direction = RF_V("in"), .call_id = RF_V("x@y"),
		.from = RF_V("sip:1001@example.org"), .to = RF_V("sip:1002@example.org"), .number = number,
		.device = RF_V("lobby-1"), .location = RF_V("lobby \"A\""), .transport = RF_V("tls"),
		.cipher = RF_V("TLS_AES_256_GCM_SHA384"), .audio = RF_V("AEAD_AES_256_GCM"),
		.start = { t0.us + seconds * 1000000 }, .answer = { t0.us + seconds * 1000000 + 2500000 },
		.end = { t0.us + seconds * 1000000 + 9750000 }, .outcome = RF_V("answered"), .code = 200,
		.ended_by = RF_V("caller"),
	};
}

struct seen {
	unsigned n;
	struct rf_wall first;
	unsigned stop_at;
};

static int visit(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line)
{
	struct seen *s = (struct seen *)arg;

	assert_true(line->text.n > 0 && line->seq > 0);
	if (s->n++ == 0)
		s->first = cdr->start;
	assert_true(rf_view_eq(cdr->location, RF_V("lobby \"A\"")));
	assert_true(cdr->end.us - cdr->answer.us == 7250000 && cdr->ring.us == 0);
	assert_true(cdr->code == 200 && rf_view_eq(cdr->ended_by, RF_V("caller")) && cdr->video.n == 0);
	return s->stop_at == s->n ? 7 : 0;
}

static unsigned query(struct scratch *s, struct rf_cdr_filter f, int want_rc, struct seen *seen)
{
	uint64_t damaged = 0;

	seen->n = 0;
	assert_int_equal(rf_cdr_query(s->ledger, &f, visit, seen, &damaged, NULL), want_rc);
	assert_int_equal(damaged, 0);
	return seen->n;
}

static void test_query(void **state)
{
	struct rf_ledger *l;
	struct scratch s;
	struct seen seen = { 0 };
	char a[RF_WALL_TEXT], b[RF_WALL_TEXT];

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.segment_bytes = 2000;
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	for (int i = 0; i < 30; i++) {
		struct rf_cdr c = sample(i * 10, i % 2 ? RF_V("b") : RF_V("a"), i % 2 ? RF_V("1002") : RF_V("1001"));

		if (i == 29) {
			c.session = RF_V("s-2");
			c.from = RF_V("sip:2000@example.org");
		}
		assert_int_equal(rf_cdr_post(l, t0, &c), 0);
	}
	assert_int_equal(rf_ledger_stop(l), 0);
	rf_ledger_free(l);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ 0 }, 0, &seen), 30);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .limit = 4 }, 0, &seen), 4);
	assert_int_equal(seen.first.us, t0.us + 260000000);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .limit = 100 }, 0, &seen), 30);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .limit = RF_CDR_LAST_MAX }, 0, &seen), 30);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .session = RF_V("s-2") }, 0, &seen), 1);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .number = RF_V("1002") }, 0, &seen), 30);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .number = RF_V("2000") }, 0, &seen), 1);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .number = RF_V("200") }, 0, &seen), 0);
	rf_wall_text((struct rf_wall){ t0.us + 100000000 }, a);
	rf_wall_text((struct rf_wall){ t0.us + 150000000 }, b);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .since = a }, 0, &seen), 20);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ .since = a, .until = b }, 0, &seen), 5);
	seen.stop_at = 3;
	assert_int_equal(query(&s, (struct rf_cdr_filter){ 0 }, 7, &seen), 3);
	scratch_fini(&s);
	assert_int_equal(query(&s, (struct rf_cdr_filter){ 0 }, RF_E_NOT_FOUND, &seen), 0);
}

/* Records that are no records: told apart, never a crash. */
static void test_odd_lines(void **state)
{
	static const char *const bodies[] = {
		"", ",\"code\":\"x\"", ",\"code\":1000", ",\"from\":5", ",\"start\":\"soon\"",
		",\"from\":\"a\",\"from\":\"b\"", ",\"x\":{", ",\"start\":\"2026-11-22T04:11:00.00xZ\"",
	};
	struct rf_chain chain;
	struct rf_arena a;
	struct rf_sha sha;

	(void)state;
	rf_chain_init(&chain);
	assert_int_equal(rf_sha_init(&sha), 0);
	rf_arena_init(&a, 65536);
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct rf_ledger_line line;
		struct rf_cdr cdr;
		struct rf_writer w;
		uint8_t buf[1024];

		rf_writer_init(&w, buf, sizeof buf);
		assert_int_equal(rf_chain_put(&chain, &sha, &w, t0, RF_V("cdr"), rf_view_str(bodies[i])), 0);
		assert_int_equal(rf_ledger_line_parse(rf_view_of(buf, w.n - 1), &line), 0);
		assert_int_equal(rf_cdr_parse(&a, &line, &cdr), i ? RF_E_CORRUPT : 0);
		for (size_t n = 0; n < w.n - 1; n++)
			assert_int_equal(rf_ledger_line_parse(rf_view_of(buf, n), &line), RF_E_CORRUPT);
	}
	rf_arena_fini(&a);
	rf_sha_fini(&sha);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_query), cmocka_unit_test(test_odd_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

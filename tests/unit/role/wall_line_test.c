/* Requests for pinholes: what is understood, what is refused and by which rule, every prefix, each
 * bound and one past it. */
#include "role/wall_line.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T4 "udp/10.60.0.11/20000/198.51.100.7/30000"
#define T6 "udp/fd00:60::11/20000/fd00:30::50/20002"

static void good_lines(void **state)
{
	static const struct {
		const char *line;
		uint32_t id, seconds;
		enum rf_wall_verb verb;
		size_t n;
	} t[] = {
		{ "7 open 30 " T4, 7, 30, RF_WALL_OPEN, 1 },
		{ "0 open 1 " T4 " " T6, 0, 1, RF_WALL_OPEN, 2 },
		{ "4294967295 refresh 3600 " T6, 4294967295u, 3600, RF_WALL_REFRESH, 1 },
		{ "9 close " T4 " " T4, 9, 0, RF_WALL_CLOSE, 2 },
		{ "10 ping", 10, 0, RF_WALL_PING, 0 },
		{ "11 open 5 tcp/10.0.0.1/1/10.0.0.2/65535", 11, 5, RF_WALL_OPEN, 1 },
		{ "14 open 60 udp/10.0.0.1/any/10.0.0.2/20000 " T4, 14, 60, RF_WALL_OPEN, 2 },
		{ "15 close tcp/fd00::1/any/fd00::2/20000", 15, 0, RF_WALL_CLOSE, 1 },
		{ "12 block 86400 203.0.113.9 2001:db8::9", 12, 86400, RF_WALL_BLOCK, 2 },
		{ "13 unblock 203.0.113.9", 13, 0, RF_WALL_UNBLOCK, 1 },
	};
	struct rf_wall_request r;
	const char *rule;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(rf_wall_line_parse(rf_view_str(t[i].line), &r, &rule), 0);
		assert_int_equal(r.id, t[i].id);
		assert_int_equal(r.seconds, t[i].seconds);
		assert_int_equal(r.verb, t[i].verb);
		assert_int_equal(r.n, t[i].n);
	}
}

static void tuple_values(void **state)
{
	static const uint8_t src[16] = { 10, 60, 0, 11 }, dst[16] = { 198, 51, 100, 7 };
	struct rf_wall_request r;
	const char *rule;

	(void)state;
	assert_int_equal(rf_wall_line_parse(RF_V("7 open 30 " T4), &r, &rule), 0);
	assert_int_equal(r.tuples[0].family, 4);
	assert_int_equal(r.tuples[0].protocol, IPPROTO_UDP);
	assert_int_equal(r.tuples[0].sport, 20000);
	assert_int_equal(r.tuples[0].dport, 30000);
	assert_memory_equal(r.tuples[0].src, src, 16);
	assert_memory_equal(r.tuples[0].dst, dst, 16);
	/* Two spellings of one address are one tuple: it is a key of tables. */
	struct rf_wall_request a, b;
	assert_int_equal(rf_wall_line_parse(RF_V("1 close udp/fd00:0:0::1/5/fd00::2/6"), &a, &rule), 0);
	assert_int_equal(rf_wall_line_parse(RF_V("1 close udp/FD00::1/5/fd00:0::0:2/6"), &b, &rule), 0);
	assert_memory_equal(&a.tuples[0], &b.tuples[0], sizeof a.tuples[0]);
	char text[160];
	assert_string_equal(rf_tuple_text(&b.tuples[0], text, sizeof text),
			    "protocol 17, fd00::1 port 5 > fd00::2 port 6");
	assert_false(rf_tuple_is_opening(&b.tuples[0]));
	assert_int_equal(rf_wall_line_parse(RF_V("1 close tcp/10.0.0.1/any/10.0.0.2/6"), &a, &rule), 0);
	assert_true(rf_tuple_is_opening(&a.tuples[0]) && a.tuples[0].dport == 6 && a.tuples[0].protocol == IPPROTO_TCP);
	assert_string_equal(rf_tuple_text(&a.tuples[0], text, sizeof text),
			    "protocol 6, 10.0.0.1 port any > 10.0.0.2 port 6");
	assert_int_equal(rf_wall_line_parse(RF_V("1 close udp/::ffff:10.0.0.1/5/10.0.0.2/6"), &a, &rule), 0);
	assert_int_equal(rf_wall_line_parse(RF_V("1 close udp/10.0.0.1/5/10.0.0.2/6"), &b, &rule), 0);
	assert_memory_equal(&a.tuples[0], &b.tuples[0], sizeof a.tuples[0]);
}

static void bad_lines(void **state)
{
	static const struct {
		const char *line;
		uint32_t id;
	} t[] = {
		{ "", 0 }, { " ", 0 }, { "x ping", 0 }, { "-1 ping", 0 }, { "4294967296 ping", 0 },
		{ "00000000001 ping", 0 }, { "1", 1 }, { "1 ", 1 }, { "1 Ping", 1 }, { "1  ping", 1 }, { "1 ping ", 1 },
		{ "1 ping x", 1 }, { "1 drop " T4, 1 }, { "1 open", 1 }, { "1 open 30", 1 }, { "1 open 30 ", 1 },
		{ "1 open 0 " T4, 1 }, { "1 open 3601 " T4, 1 }, { "1 open x " T4, 1 }, { "1 open " T4, 1 },
		{ "1 close", 1 }, { "1 close 30 " T4, 1 }, { "1 close " T4 " ", 1 }, { "1 close  " T4, 1 },
		{ "1 close " T4 "  " T4, 1 }, { "1 close " T4 "\r", 1 }, { "1 close icmp/1.1.1.1/1/1.1.1.2/1", 1 },
		{ "1 close UDP/1.1.1.1/1/1.1.1.2/1", 1 }, { "1 close udp/1.1.1.1/0/1.1.1.2/1", 1 },
		{ "1 close udp/1.1.1.1/65536/1.1.1.2/1", 1 }, { "1 close udp/1.1.1.1/1/fd00::1/1", 1 },
		{ "1 close udp/1.1.1.1/1/1.1.1.2", 1 }, { "1 close udp/1.1.1.1/1/1.1.1.2/1/", 1 },
		{ "1 close udp/1.1.1/1/1.1.1.2/1", 1 }, { "1 close udp/[fd00::1]/1/fd00::2/1", 1 },
		{ "1 close udp/fe80::1%2/1/fe80::2/1", 1 }, { "1 block 86401 203.0.113.9", 1 },
		{ "1 block 0 203.0.113.9", 1 }, { "1 block 203.0.113.9", 1 }, { "1 block 60", 1 }, { "1 block 60 ", 1 },
		{ "1 block 60 203.0.113.9/32", 1 }, { "1 block 60 203.0.113.9:5060", 1 }, { "1 block 60 [::1]", 1 },
		{ "1 block 60 " T4, 1 }, { "1 unblock 60 203.0.113.9", 1 }, { "1 unblock x", 1 },
		{ "1 open 30 203.0.113.9", 1 }, { "1 close udp/1.1.1.1/1/1.1.1.2/any", 1 },
		{ "1 close udp/any/1/1.1.1.2/1", 1 }, { "1 close udp/1.1.1.1/an/1.1.1.2/1", 1 },
		{ "1 close any/1.1.1.1/any/1.1.1.2/1", 1 }, { "1 close udp/1.1.1.1/Any/1.1.1.2/1", 1 },
		{ "1 close udp/1.1.1.1/any/1.1.1.2/0", 1 }, { "1 close udp/1.1.1.1:5/1/1.1.1.2/1", 1 },
		{ "1 close udp//1/1.1.1.2/1", 1 }, { "1 close ////", 1 },
	};
	struct rf_wall_request r;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const char *rule = NULL;

		assert_int_equal(rf_wall_line_parse(rf_view_str(t[i].line), &r, &rule), RF_E_MALFORMED);
		assert_non_null(rule);
		assert_int_equal(r.id, t[i].id);
	}
}

static size_t many(char *dst, size_t cap, unsigned n)
{
	size_t at = (size_t)snprintf(dst, cap, "1 close");

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(dst + at, cap - at, " udp/fd00:1111:2222:3333:4444:5555:6666:7777/10000/"
				       "fd00:1111:2222:3333:4444:5555:6666:8888/%u", 10000 + i);
	return at;
}

static void bounds(void **state)
{
	static char text[2 * RF_WALL_LINE_MAX];
	struct rf_wall_request r;
	const char *rule;

	(void)state;
	/* The longest request that there is fits a line. */
	size_t n = many(text, sizeof text, RF_WALL_LINE_TUPLES);
	assert_true(n < RF_WALL_LINE_MAX);
	assert_int_equal(rf_wall_line_parse(rf_view_of(text, n), &r, &rule), 0);
	assert_int_equal(r.n, RF_WALL_LINE_TUPLES);
	n = many(text, sizeof text, RF_WALL_LINE_TUPLES + 1);
	assert_int_equal(rf_wall_line_parse(rf_view_of(text, n), &r, &rule), RF_E_LIMIT);
	memset(text, '1', sizeof text);
	assert_int_equal(rf_wall_line_parse(rf_view_of(text, RF_WALL_LINE_MAX - 1), &r, &rule), RF_E_MALFORMED);
	assert_int_equal(rf_wall_line_parse(rf_view_of(text, RF_WALL_LINE_MAX), &r, &rule), RF_E_LIMIT);
}

static void every_prefix(void **state)
{
	const struct rf_view line = RF_V("12 refresh 60 " T4 " " T6);
	struct rf_wall_request r;
	const char *rule;

	(void)state;
	for (size_t n = 0; n < line.n; n++) {
		/* Flush against its end: a read past it is found by the sanitizers. */
		uint8_t *copy = malloc(n + !n);

		assert_non_null(copy);
		memcpy(copy, line.p, n);
		int rc = rf_wall_line_parse(rf_view_of(copy, n), &r, &rule);
		assert_true(rc == 0 || rc == RF_E_MALFORMED);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines), cmocka_unit_test(tuple_values), cmocka_unit_test(bad_lines),
		cmocka_unit_test(bounds),
		cmocka_unit_test(every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

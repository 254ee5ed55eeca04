/* Candidates of a description: those that a pinhole can be for. */
#include "media/said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"

static int read_from(struct rf_arena *a, const char *attrs, struct rf_said_source source, struct rf_said *ret)
{
	static char text[4096];
	const char *why = NULL;
	struct rf_sdp *sdp;

	snprintf(text, sizeof text, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		 "m=audio 4000 RTP/AVP 8\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n%s", attrs);
	assert_int_equal(rf_sdp_parse(a, rf_view_str(text), NULL, &sdp, NULL), 0);
	return rf_said_read(a, sdp, 0, &source, ret, &why);
}

static int read_said(struct rf_arena *a, const char *attrs, struct rf_said *ret)
{
	return read_from(a, attrs, (struct rf_said_source){ 0 }, ret);
}

/* Where signaling comes from stands for what is said; with ICE not for an address of the other family, which its
 * candidates are of. */
static void where_signaling_comes_from(void **state)
{
	static const struct rf_addr four = { .family = 4, .ip = { 203, 0, 113, 9 } },
				    six = { .family = 6, .ip = { 0x20, 1 } };
	struct rf_arena a;
	struct rf_said s;

	(void)state;
	rf_arena_init(&a, 1 << 20);
	assert_int_equal(read_from(&a, "", (struct rf_said_source){ four, true }, &s), 0);
	assert_true(s.learn && s.family == 4 && s.remote.ip[0] == 203 && s.remote.port == 4000);
	assert_int_equal(read_from(&a, "", (struct rf_said_source){ six, true }, &s), 0);
	assert_true(s.learn && s.family == 4 && s.remote.family == 4 && s.remote.ip[0] == 192);
	rf_arena_fini(&a);
}

static void candidates(void **state)
{
	static const struct { const char *value; const char *at; unsigned rtcp; } cases[] = {
		{ "1 1 UDP 2130706431 198.51.100.7 30000 typ host", "198.51.100.7:30000", 0 },
		{ "a+/ 2 udp 1 198.51.100.7 30001 typ srflx raddr 10.0.0.1 rport 9", "198.51.100.7:30001", 1 },
		{ "1 1 udp 1 2001:db8::7 30000 typ relay", "[2001:db8::7]:30000", 0 },
		{ "1 3 udp 1 198.51.100.7 30000 typ host", NULL, 0 },
		{ "1 0 udp 1 198.51.100.7 30000 typ host", NULL, 0 },
		{ "1 1 tcp 1 198.51.100.7 9 typ host tcptype active", NULL, 0 },
		{ "1 1 udp 1 0a1b2c3d-0000-4000-8000-000000000000.local 30000 typ host", NULL, 0 },
		{ "1 1 udp 1 0.0.0.0 30000 typ host", NULL, 0 },
		{ "1 1 udp 1 224.0.0.1 30000 typ host", NULL, 0 },
		{ "1 1 udp 1 198.51.100.7 0 typ host", NULL, 0 },
		{ "1 1 udp 1 198.51.100.7 65536 typ host", NULL, 0 },
		{ "1 1 udp 1 198.51.100.7 30000", NULL, 0 },
		{ "1 1 udp 1 198.51.100.7", NULL, 0 },
		{ "1", NULL, 0 },
		{ " ", NULL, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[200], text[RF_ADDR_TEXT];
		struct rf_arena a;
		struct rf_said s;

		rf_arena_init(&a, 1 << 20);
		snprintf(line, sizeof line, "a=candidate:%s\r\n", cases[i].value);
		assert_int_equal(read_said(&a, line, &s), 0);
		assert_int_equal(s.n_candidates, cases[i].at != NULL);
		if (cases[i].at) {
			struct rf_said *kept = rf_said_keep(&s);

			assert_string_equal(rf_addr_text(&kept->candidates[0].at, text), cases[i].at);
			assert_int_equal(kept->candidates[0].rtcp, cases[i].rtcp);
			rf_said_free(kept);
		}
		rf_arena_fini(&a);
	}
}

static void no_more_than_it_may(void **state)
{
	char text[2048];
	size_t n = 0;
	struct rf_arena a;
	struct rf_said s;

	(void)state;
	for (unsigned i = 0; i < RF_PATH_CANDIDATES_MAX + 3; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "a=candidate:1 1 udp 1 198.51.100.7 %u typ host\r\n",
				      30000 + i);
	rf_arena_init(&a, 1 << 20);
	assert_int_equal(read_said(&a, text, &s), 0);
	assert_int_equal(s.n_candidates, RF_PATH_CANDIDATES_MAX);
	assert_int_equal(s.candidates[RF_PATH_CANDIDATES_MAX - 1].at.port, 30000 + RF_PATH_CANDIDATES_MAX - 1);
	rf_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(candidates), cmocka_unit_test(where_signaling_comes_from),
					    cmocka_unit_test(no_more_than_it_may) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

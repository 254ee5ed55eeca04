#include "sdp/sdp.h"

#include "fail_alloc.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ARENA = 256 * 1024 };

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static const char full[] =
	"v=0\r\n"
	"o=alice 2890844526 7 IN IP4 host.example.org\r\n"
	"s=A call\r\n"
	"i=about\r\n"
	"u=http://example.org/\r\n"
	"e=a@example.org\r\n"
	"p=+1 555\r\n"
	"c=IN IP6 2001:db8::1\r\n"
	"b=AS:256\r\n"
	"t=10 20\r\n"
	"r=7d 1h 0 25h\r\n"
	"t=30 40\r\n"
	"z=0 0\r\n"
	"a=group:BUNDLE a v\r\n"
	"a=sendonly\r\n"
	"m=audio 49170 RTP/SAVP 0 8 101\r\n"
	"i=voice\r\n"
	"a=mid:a\r\n"
	"a=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-16\r\n"
	"a=x-unknown:with: colons \xc3\xa9\r\n"
	"m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
	"c=IN IP4 0.0.0.0\r\n"
	"b=TIAS:64000\r\n"
	"a=bundle-only\r\n"
	"a=recvonly\r\n"
	"a=mid:v\r\n";

/* What parse and build make of it. */
static const char full_again[] =
	"v=0\r\n"
	"o=alice 2890844526 7 IN IP4 host.example.org\r\n"
	"s=A call\r\n"
	"i=about\r\n"
	"c=IN IP6 2001:db8::1\r\n"
	"b=AS:256\r\n"
	"t=10 20\r\n"
	"a=group:BUNDLE a v\r\n"
	"a=sendonly\r\n"
	"m=audio 49170 RTP/SAVP 0 8 101\r\n"
	"i=voice\r\n"
	"a=mid:a\r\n"
	"a=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-16\r\n"
	"a=x-unknown:with: colons \xc3\xa9\r\n"
	"m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
	"c=IN IP4 0.0.0.0\r\n"
	"b=TIAS:64000\r\n"
	"a=bundle-only\r\n"
	"a=recvonly\r\n"
	"a=mid:v\r\n";

static int parse(struct rf_arena *a, struct rf_view text, struct rf_sdp **ret)
{
	rf_arena_init(a, ARENA);
	return rf_sdp_parse(a, text, NULL, ret, NULL);
}

static void test_values(void **state)
{
	struct rf_view v = guard_copy(rf_view_of(full, sizeof full - 1));
	struct rf_arena a;
	struct rf_sdp *s;

	(void)state;
	assert_int_equal(parse(&a, v, &s), 0);
	assert_true(s->origin.id == 2890844526u && s->origin.version == 7 && !s->origin.ip6);
	assert_true(rf_view_eq(s->origin.addr, RF_V("host.example.org")));
	assert_true(s->conn.present && s->conn.ip6 && !s->conn.zero);
	assert_int_equal(s->n_media, 2);
	assert_int_equal(s->media[0].kind, RF_SDP_AUDIO);
	assert_int_equal(s->media[0].proto, RF_SDP_RTP_SAVP);
	assert_int_equal(s->media[0].port, 49170);
	assert_int_equal(s->media[0].n_formats, 3);
	assert_int_equal(s->media[0].dir, RF_SDP_SENDONLY); /* the session's */
	assert_int_equal(s->media[1].dir, RF_SDP_RECVONLY);
	assert_true(s->media[1].bundle_only && rf_sdp_media_live(&s->media[1]));
	assert_true(rf_sdp_media_conn(s, &s->media[0])->ip6);
	assert_true(rf_sdp_media_conn(s, &s->media[1])->zero);
	assert_int_equal(s->media[0].attrs[3].id, RF_SDP_A_OTHER);
	rf_arena_fini(&a);
	guard_free(v);
}

static void build_is(const char *text, const struct rf_sdp_origin *origin, const char *want)
{
	uint8_t buf[4096];
	struct rf_writer w;
	struct rf_arena a;
	struct rf_sdp *s;

	assert_int_equal(parse(&a, rf_view_str(text), &s), 0);
	rf_writer_init(&w, buf, sizeof buf);
	rf_sdp_build(&w, s, origin);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, strlen(want));
	assert_memory_equal(buf, want, w.n);
	for (size_t cap = 0; cap < strlen(want); cap++) {
		rf_writer_init(&w, buf, cap);
		rf_sdp_build(&w, s, origin);
		assert_int_equal(w.err, RF_E_SPACE);
	}
	rf_arena_fini(&a);
}

static void test_build(void **state)
{
	const struct rf_sdp_origin own = { RF_V("rf"), 5, 9, true, RF_V("2001:db8::5") };

	(void)state;
	build_is(full, NULL, full_again);
	build_is(full_again, NULL, full_again);
	build_is("v=0\no=- 1 2 IN IP4 192.0.2.1\nm=audio 0 RTP/AVP", &own,
		 "v=0\r\no=rf 5 9 IN IP6 2001:db8::5\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n");
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *what, *text;
		int rc;
	} rows[] = {
		{ "least", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n", 0 },
		{ "bare LF", "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\n", 0 },
		{ "no end of the last line", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-", 0 },
		{ "blank lines at the end", HEAD "\r\n\r\n", 0 },
		{ "blank line inside", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n\r\ns=-\r\n", RF_E_MALFORMED },
		{ "nothing", "", RF_E_MALFORMED },
		{ "version 1", "v=1\r\no=- 1 2 IN IP4 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "v not first", "o=- 1 2 IN IP4 192.0.2.1\r\nv=0\r\n", RF_E_MALFORMED },
		{ "no origin", "v=0\r\ns=-\r\n", RF_E_MALFORMED },
		{ "v twice", HEAD "v=0\r\n", RF_E_MALFORMED },
		{ "s twice", HEAD "s=b\r\n", RF_E_MALFORMED },
		{ "c twice", HEAD "c=IN IP4 192.0.2.2\r\n", RF_E_MALFORMED },
		{ "origin without user", "v=0\r\no= 1 2 IN IP4 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "origin id of 64 bits", "v=0\r\no=- 9223372036854775808 2 IN IP4 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "origin id of 63 bits", "v=0\r\no=- 9223372036854775807 2 IN IP4 192.0.2.1\r\n", 0 },
		{ "origin id with letters", "v=0\r\no=- 1x 2 IN IP4 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "origin cut", "v=0\r\no=- 1 2 IN IP4\r\n", RF_E_MALFORMED },
		{ "origin with bad address", "v=0\r\no=- 1 2 IN IP4 192.0.2.\r\n", RF_E_MALFORMED },
		{ "control character", HEAD "a=x\x01\r\n", RF_E_MALFORMED },
		{ "bare CR", HEAD "a=x\ry\r\n", RF_E_MALFORMED },
		{ "DEL", HEAD "a=x\x7f\r\n", RF_E_MALFORMED },
		{ "no equals sign", HEAD "a\r\n", RF_E_MALFORMED },
		{ "space before equals", HEAD "a =x\r\n", RF_E_MALFORMED },
		{ "unknown type", HEAD "x=y\r\n", RF_E_MALFORMED },
		{ "capital type", HEAD "A=y\r\n", RF_E_MALFORMED },
		{ "session line below m", HEAD "m=audio 1 RTP/AVP 0\r\ns=x\r\n", RF_E_MALFORMED },
		{ "network not IN", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=ATM IP4 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "address type IP5", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP5 192.0.2.1\r\n", RF_E_MALFORMED },
		{ "address with five parts", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 1.2.3.4.5\r\n",
		  RF_E_MALFORMED },
		{ "name as address", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 media.example.org\r\n", 0 },
		{ "name with a space", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 media example\r\n",
		  RF_E_MALFORMED },
		{ "IPv6", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP6 ::ffff:192.0.2.1\r\n", 0 },
		{ "origin in brackets", "v=0\r\no=- 1 2 IN IP6 [2001:db8::1]\r\nc=IN IP6 2001:db8::1\r\n", 0 },
		{ "origin in empty brackets", "v=0\r\no=- 1 2 IN IP6 []\r\nc=IN IP6 ::1\r\n", RF_E_MALFORMED },
		{ "IPv6 in brackets", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP6 [2001:db8::1]\r\n", RF_E_MALFORMED },
		{ "IPv6 with zone", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP6 fe80::1%eth0\r\n", RF_E_MALFORMED },
		{ "multicast", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 224.2.36.42/127\r\n", RF_E_UNSUPPORTED },
		{ "multicast without ttl", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 239.1.1.1\r\n",
		  RF_E_UNSUPPORTED },
		{ "broadcast", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 255.255.255.255\r\n", RF_E_UNSUPPORTED },
		{ "multicast v6", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP6 ff02::1\r\n", RF_E_UNSUPPORTED },
		{ "time of words", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nt=now later\r\n", RF_E_MALFORMED },
		{ "bandwidth without number", HEAD "b=AS:\r\n", RF_E_MALFORMED },
		{ "bandwidth without type", HEAD "b=:1\r\n", RF_E_MALFORMED },
		{ "attribute without name", HEAD "a=:x\r\n", RF_E_MALFORMED },
		{ "attribute with empty value", HEAD "a=x:\r\n", 0 },
		{ "two directions", HEAD "a=sendonly\r\na=recvonly\r\n", RF_E_MALFORMED },
		{ "one direction twice", HEAD "a=sendonly\r\na=SendOnly\r\n", 0 },
		{ "m without port", HEAD "m=audio RTP/AVP 0\r\n", RF_E_MALFORMED },
		{ "port 65535", HEAD "m=audio 65535 RTP/AVP 0\r\n", 0 },
		{ "port 65536", HEAD "m=audio 65536 RTP/AVP 0\r\n", RF_E_MALFORMED },
		{ "negative port", HEAD "m=audio -1 RTP/AVP 0\r\n", RF_E_MALFORMED },
		{ "port count 0", HEAD "m=audio 4000/0 RTP/AVP 0\r\n", RF_E_MALFORMED },
		{ "port count 2", HEAD "m=audio 4000/2 RTP/AVP 0\r\n", 0 },
		{ "no format", HEAD "m=audio 4000 RTP/AVP\r\n", RF_E_MALFORMED },
		{ "payload type 128", HEAD "m=audio 4000 RTP/AVP 128\r\n", RF_E_MALFORMED },
		{ "payload type of letters", HEAD "m=audio 4000 RTP/AVP pcmu\r\n", RF_E_MALFORMED },
		{ "two spaces between formats", HEAD "m=audio 4000 RTP/AVP 0  8 \r\n", 0 },
		{ "t38", HEAD "m=image 4000 udptl t38\r\n", 0 },
		{ "message", HEAD "m=message 4000 TCP/TLS/MSRP *\r\n", 0 },
		{ "no connection", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n", RF_E_MALFORMED },
		{ "connection below m only", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
			"c=IN IP4 192.0.2.1\r\n", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));
		struct rf_arena a;
		struct rf_sdp *s;
		int rc = parse(&a, v, &s);

		if (rc != rows[i].rc)
			fail_msg("%s: %d, wanted %d", rows[i].what, rc, rows[i].rc);
		rf_arena_fini(&a);
		guard_free(v);
	}
	struct rf_arena a;
	struct rf_sdp *s;
	assert_int_equal(parse(&a, RF_V("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=a\0b\r\n"), &s), RF_E_MALFORMED);
	rf_arena_fini(&a);
}

/* At each bound, and one past it. */
static int with(const char *what, size_t n, const char *head)
{
	size_t len = strlen(what), at = strlen(head);
	char *text = malloc(at + n * len + 1);
	struct rf_arena a;
	struct rf_sdp *s;

	memcpy(text, head, at);
	for (size_t i = 0; i < n; i++)
		memcpy(text + at + i * len, what, len);
	int rc = parse(&a, rf_view_of(text, at + n * len), &s);
	rf_arena_fini(&a);
	free(text);
	return rc;
}

static int with_line(size_t n)
{
	char *text = malloc(n + 1);
	char all[8192];
	struct rf_arena a;
	struct rf_sdp *s;

	memset(text, 'x', n);
	text[n] = '\0';
	int len = snprintf(all, sizeof all, "%sa=%s\r\n", HEAD, text);
	int rc = parse(&a, rf_view_of(all, (size_t)len), &s);
	rf_arena_fini(&a);
	free(text);
	return rc;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(with("e=x\r\n", 195, HEAD), 0);
	assert_int_equal(with("e=x\r\n", 196, HEAD), RF_E_LIMIT);
	assert_int_equal(with("a=x\r\n", 128, HEAD), 0);
	assert_int_equal(with("a=x\r\n", 129, HEAD), RF_E_LIMIT);
	assert_int_equal(with("a=x\r\n", 129, HEAD "m=audio 1 RTP/AVP 0\r\n"), RF_E_LIMIT);
	assert_int_equal(with("b=AS:1\r\n", 8, HEAD), 0);
	assert_int_equal(with("b=AS:1\r\n", 9, HEAD), RF_E_LIMIT);
	assert_int_equal(with("m=audio 1 RTP/AVP 0\r\n", 16, HEAD), 0);
	assert_int_equal(with("m=audio 1 RTP/AVP 0\r\n", 17, HEAD), RF_E_LIMIT);
	assert_int_equal(with(" 0", 64, HEAD "m=audio 1 RTP/AVP"), 0);
	assert_int_equal(with(" 0", 65, HEAD "m=audio 1 RTP/AVP"), RF_E_LIMIT);
	assert_int_equal(with_line(4094), 0);
	assert_int_equal(with_line(4095), RF_E_LIMIT);
	assert_int_equal(with("e=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 2000, HEAD), RF_E_LIMIT);
}

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof full; n++) {
		struct rf_view v = guard_copy(rf_view_of(full, n));
		struct rf_diag diag = { 0 };
		struct rf_arena a;
		struct rf_sdp *s;

		rf_arena_init(&a, ARENA);
		if (rf_sdp_parse(&a, v, NULL, &s, &diag))
			assert_true(diag.text[0] && diag.line > 0);
		rf_arena_fini(&a);
		guard_free(v);
	}
}

static void test_no_memory(void **state)
{
	struct rf_arena a;
	struct rf_sdp *s;

	(void)state;
	for (size_t cap = 0; cap < 8192; cap += 64) {
		rf_arena_init(&a, cap);
		int rc = rf_sdp_parse(&a, rf_view_of(full, sizeof full - 1), NULL, &s, NULL);
		rf_arena_fini(&a);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	for (unsigned n = 1;; n++) {
		rf_arena_init(&a, ARENA);
		fail_alloc_at(n);
		int rc = rf_sdp_parse(&a, rf_view_of(full, sizeof full - 1), NULL, &s, NULL);
		bool failed = fail_alloc_off();
		rf_arena_fini(&a);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

static void test_off(void **state)
{
	uint8_t buf[2048];
	struct rf_writer w;
	struct rf_arena a;
	struct rf_sdp *s;

	(void)state;
	assert_int_equal(parse(&a, rf_view_of(full, sizeof full - 1), &s), 0);
	rf_sdp_media_off(&s->media[1]);
	rf_writer_init(&w, buf, sizeof buf - 1);
	rf_sdp_build(&w, s, NULL);
	buf[w.n] = 0;
	assert_non_null(strstr((char *)buf, "a=group:BUNDLE a\r\n"));
	assert_null(strstr((char *)buf, "bundle-only"));
	assert_non_null(strstr((char *)buf, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
	assert_non_null(strstr((char *)buf, "a=mid:v\r\n"));
	rf_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_build), cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The handshake of a WebSocket: what is taken, what is refused by which rule, at every bound and one past it, cut off
 * at every byte, against an unmapped page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "net/ws.h"

#include <stdio.h>
#include <stdlib.h>

static const struct rf_view origins[] = {
	{ (const uint8_t *)"https://phone.example.org", 25 }, { (const uint8_t *)"https://a.example:8443", 22 },
};
static const struct rf_ws_site site = { .path = { (const uint8_t *)"/sip", 4 }, .origins = origins, .origin_count = 2 };

#define LINE "GET /sip HTTP/1.1\r\n"
#define HOST "Host: voice.example.org:8443\r\n"
#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VER "Sec-WebSocket-Version: 13\r\n"
#define PROTO "Sec-WebSocket-Protocol: sip\r\n"
#define ORIGIN "Origin: https://phone.example.org\r\n"
#define GOOD LINE HOST UP KEY VER PROTO ORIGIN "\r\n"

/* The rule that refuses these bytes, whether read or judged; RF_WS_RULES: they are not whole. */
static enum rf_ws_rule rule_of(struct rf_view bytes)
{
	struct rf_view copy = guard_copy(bytes);
	enum rf_ws_rule rule = RF_WS_RULE_OK;
	struct rf_ws_request req;
	int rc = rf_ws_request_parse(copy, &req, &rule);

	if (rc == RF_E_MORE)
		rule = RF_WS_RULES;
	else if (rc == 0)
		rule = rf_ws_request_judge(&req, &site);
	else
		assert_int_equal(rc, rule == RF_WS_RULE_HEAD_LONG ? RF_E_LIMIT : RF_E_MALFORMED);
	guard_free(copy);
	return rule;
}

static void test_rules(void **state)
{
	static const struct {
		const char *text;
		enum rf_ws_rule rule;
	} rows[] = {
		{ GOOD, RF_WS_RULE_OK },
		{ LINE HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_OK }, /* no browser */
		{ "GET /sip?x=/%20 HTTP/1.1\r\n" HOST UP KEY VER PROTO ORIGIN "\r\n", RF_WS_RULE_OK },
		{ LINE HOST "upgrade: h2c, WebSocket\r\nCONNECTION:upgrade\r\n" KEY VER
			    "Sec-WebSocket-Protocol: xmpp , sip\r\n"
			    "ORIGIN: https://A.example:8443\r\nContent-Length: 0\r\n\r\n",
		  RF_WS_RULE_OK },
		{ LINE HOST UP KEY VER "Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		  RF_WS_RULE_OK },

		{ "\r\n" GOOD, RF_WS_RULE_LINE },
		{ "get /sip HTTP/1.1\r\n\r\n", RF_WS_RULE_LINE },
		{ "\x16\x03\x01", RF_WS_RULE_LINE },
		{ "GET /sip HTTP/1.0\r\n" HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_LINE },
		{ "GET  /sip HTTP/1.1\r\n\r\n", RF_WS_RULE_LINE },
		{ "GET /sip  HTTP/1.1\r\n\r\n", RF_WS_RULE_LINE },
		{ "GET /sip\r\n\r\n", RF_WS_RULE_LINE },
		{ "GET https://h/sip HTTP/1.1\r\n\r\n", RF_WS_RULE_LINE },
		{ "REGISTER sip:x SIP/2.0\r\nVia: x\r\n\r\n", RF_WS_RULE_LINE },
		{ LINE HOST " folded\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_LINE },
		{ LINE "Host : x\r\n\r\n", RF_WS_RULE_LINE },
		{ LINE ": x\r\n\r\n", RF_WS_RULE_LINE },
		{ LINE "Host\r\n\r\n", RF_WS_RULE_LINE },
		{ LINE HOST "X: a\nUpgrade: websocket\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_LINE },
		{ LINE HOST "X: a\rb\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_LINE },
		{ LINE HOST "X: a\x01\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_LINE },

		{ "POST /sip HTTP/1.1\r\n" HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_METHOD },
		{ "GET / HTTP/1.1\r\n" HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_PATH },
		{ "GET /sip/ HTTP/1.1\r\n" HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_PATH },
		{ "GET /SIP HTTP/1.1\r\n" HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_PATH },
		{ LINE UP KEY VER PROTO "\r\n", RF_WS_RULE_HOST },
		{ LINE HOST HOST UP KEY VER PROTO "\r\n", RF_WS_RULE_HOST },
		{ LINE "Host: a/b\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_HOST },
		{ LINE "Host:\r\n" UP KEY VER PROTO "\r\n", RF_WS_RULE_HOST },
		{ LINE HOST UP KEY VER PROTO "Content-Length: 1\r\n\r\n", RF_WS_RULE_BODY },
		{ LINE HOST UP KEY VER PROTO "Transfer-Encoding: chunked\r\n\r\n", RF_WS_RULE_BODY },
		{ LINE HOST "Connection: Upgrade\r\n" KEY VER PROTO "\r\n", RF_WS_RULE_UPGRADE },
		{ LINE HOST "Upgrade: websocket\r\n" KEY VER PROTO "\r\n", RF_WS_RULE_UPGRADE },
		{ LINE HOST "Upgrade: websockets\r\nConnection: Upgrade\r\n" KEY VER PROTO "\r\n", RF_WS_RULE_UPGRADE },
		{ LINE HOST UP KEY VER PROTO "Origin: https://evil.example\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY VER PROTO "Origin: http://phone.example.org\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY VER PROTO "Origin: https://phone.example.org.evil\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY VER PROTO "Origin: null\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY VER PROTO "Origin:\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY VER PROTO ORIGIN "Origin: https://evil.example\r\n\r\n", RF_WS_RULE_ORIGIN },
		{ LINE HOST UP KEY PROTO "\r\n", RF_WS_RULE_VERSION },
		{ LINE HOST UP KEY VER "Sec-WebSocket-Version: 8\r\n" PROTO "\r\n", RF_WS_RULE_VERSION },
		{ LINE HOST UP KEY "Sec-WebSocket-Version: 8\r\n" VER PROTO "\r\n", RF_WS_RULE_VERSION },
		{ LINE HOST UP VER PROTO "\r\n", RF_WS_RULE_KEY },
		{ LINE HOST UP KEY KEY VER PROTO "\r\n", RF_WS_RULE_KEY },
		{ LINE HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VER PROTO "\r\n", RF_WS_RULE_KEY },
		{ LINE HOST UP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n" VER PROTO "\r\n", RF_WS_RULE_KEY },
		{ LINE HOST UP "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n" VER PROTO "\r\n", RF_WS_RULE_KEY },
		{ LINE HOST UP KEY VER "\r\n", RF_WS_RULE_PROTOCOL },
		{ LINE HOST UP KEY VER "Sec-WebSocket-Protocol: SIP\r\n\r\n", RF_WS_RULE_PROTOCOL },
		{ LINE HOST UP KEY VER "Sec-WebSocket-Protocol: sip2, s ip\r\n\r\n", RF_WS_RULE_PROTOCOL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rule_of(rf_view_str(rows[i].text)) != rows[i].rule)
			fail_msg("row %zu: %s", i, rf_ws_rule_info(rule_of(rf_view_str(rows[i].text)))->name);
}

static void test_every_prefix(void **state)
{
	struct rf_view good = RF_V(GOOD);
	enum rf_ws_rule rule;
	struct rf_ws_request req;

	(void)state;
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(rule_of(rf_view_sub(good, 0, n)), RF_WS_RULES);
	assert_int_equal(rf_ws_request_parse(RF_V(GOOD "\x81\x80"), &req, &rule), 0);
	assert_int_equal(req.size, good.n); /* the first frame is not part of it */
}

static struct rf_view with_filler(char *buf, size_t cap, size_t fields, size_t filler)
{
	size_t n = (size_t)snprintf(buf, cap, "%s", LINE HOST UP KEY VER PROTO);

	for (size_t i = 0; i < fields; i++)
		n += (size_t)snprintf(buf + n, cap - n, "X: y\r\n");
	if (filler) {
		n += (size_t)snprintf(buf + n, cap - n, "Cookie: ");
		memset(buf + n, 'c', filler);
		n += filler;
		n += (size_t)snprintf(buf + n, cap - n, "\r\n");
	}
	n += (size_t)snprintf(buf + n, cap - n, "\r\n");
	return rf_view_of(buf, n);
}

static void test_bounds(void **state)
{
	static char buf[3 * RF_WS_HEAD_BYTES];
	size_t fixed = with_filler(buf, sizeof buf, 0, 0).n;

	(void)state;
	assert_int_equal(rule_of(with_filler(buf, sizeof buf, RF_WS_HEADERS_MAX - 6, 0)), RF_WS_RULE_OK);
	assert_int_equal(rule_of(with_filler(buf, sizeof buf, RF_WS_HEADERS_MAX - 5, 0)), RF_WS_RULE_HEAD_LONG);
	assert_int_equal(rule_of(with_filler(buf, sizeof buf, 0, RF_WS_LINE_BYTES - 8)), RF_WS_RULE_OK);
	assert_int_equal(rule_of(with_filler(buf, sizeof buf, 0, RF_WS_LINE_BYTES - 7)), RF_WS_RULE_HEAD_LONG);
	assert_int_equal(rule_of(with_filler(buf, sizeof buf, 0, RF_WS_HEAD_BYTES - fixed - 10)), RF_WS_RULE_HEAD_LONG);
	struct rf_view whole = with_filler(buf, sizeof buf, 0, 2 * RF_WS_HEAD_BYTES);
	assert_int_equal(rule_of(rf_view_sub(whole, 0, RF_WS_HEAD_BYTES - 1)), RF_WS_RULES);
	assert_int_equal(rule_of(rf_view_sub(whole, 0, RF_WS_HEAD_BYTES)), RF_WS_RULE_HEAD_LONG);
	assert_int_equal(rule_of(whole), RF_WS_RULE_HEAD_LONG);
}

static void test_answers(void **state)
{
	uint8_t out[RF_WS_ANSWER_BYTES + 1];
	enum rf_ws_rule rule;
	struct rf_ws_request req;
	struct rf_writer w;

	(void)state;
	assert_int_equal(rf_ws_request_parse(RF_V(GOOD), &req, &rule), 0);
	for (enum rf_ws_rule r = 0; r < RF_WS_RULES; r++) {
		char begin[32];

		rf_writer_init(&w, out, RF_WS_ANSWER_BYTES);
		assert_int_equal(rf_ws_put_answer(&w, r, &req), 0);
		out[w.n] = '\0';
		snprintf(begin, sizeof begin, "HTTP/1.1 %u ", rf_ws_rule_info(r)->code);
		assert_true(rf_view_starts(rf_view_of(out, w.n), rf_view_str(begin)));
		assert_non_null(strstr((char *)out, "\r\n\r\n"));
	}
	rf_writer_init(&w, out, RF_WS_ANSWER_BYTES);
	assert_int_equal(rf_ws_put_answer(&w, RF_WS_RULE_OK, &req), 0);
	out[w.n] = '\0';
	/* RFC 6455 1.3 */
	assert_non_null(strstr((char *)out, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr((char *)out, "\r\nSec-WebSocket-Protocol: sip\r\n"));
	for (size_t cap = 0; cap < w.n; cap++) {
		struct rf_writer small;

		rf_writer_init(&small, out, cap);
		assert_int_equal(rf_ws_put_answer(&small, RF_WS_RULE_OK, &req), RF_E_SPACE);
	}
	assert_string_equal(rf_ws_rule_info(RF_WS_RULES)->name, "ws-request");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

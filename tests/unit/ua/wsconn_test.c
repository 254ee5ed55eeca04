/* SIP over WebSocket on real sockets: the handshake slow, wrong and byte by byte; messages both ways by their flow;
 * pings; who ends it and how; TLS below; a connection of another worker's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../net/kit.h"
#include "fail_alloc.h"
#include "ua/ua_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WS, WSS };

struct end {
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_ua *ua;
	struct rf_cli *cli;
	size_t requests, responses, failed, gone, open, closed, refused;
	unsigned status, refused_code;
	char refused_what[32], refused_text[400], id_uri[256], label[64];
	struct rf_flow flow;
};

static struct end ends[2];

static void note_peer(struct end *e, const struct rf_peer *peer)
{
	e->flow = peer->flow;
	snprintf(e->id_uri, sizeof e->id_uri, "%s", peer->id ? peer->id->uri : "");
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct end *e = ctx;

	(void)msg;
	e->requests++;
	note_peer(e, from);
	rf_srv_reply_code(srv, 200);
}

static void on_open(void *ctx, const struct rf_peer *peer)
{
	struct end *e = ctx;

	e->open++;
	note_peer(e, peer);
}

static void on_closed(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end)
{
	struct end *e = ctx;

	(void)end;
	e->closed++;
	snprintf(e->label, sizeof e->label, "%.*s", RF_VFMT(peer->label));
}

static void on_refused(void *ctx, const struct rf_ua_refusal *r)
{
	struct end *e = ctx;

	e->refused++;
	e->refused_code = r->code;
	snprintf(e->refused_what, sizeof e->refused_what, "%s", r->what);
	snprintf(e->refused_text, sizeof e->refused_text, "%s", r->text);
}

static const struct rf_ua_user user = {
	.request = on_request, .flow_open = on_open, .flow_closed = on_closed, .refused = on_refused,
};

static void on_cli(void *arg, struct rf_cli *cli, const struct rf_cli_event *event)
{
	struct end *e = arg;

	(void)cli;
	if (event->kind == RF_CLI_RESPONSE) {
		e->responses++;
		e->status = event->msg->status;
	} else if (event->kind == RF_CLI_GONE) {
		e->gone++;
	} else {
		e->failed++;
	}
}

static const struct rf_view origin = { (const uint8_t *)"https://phone.example.org", 25 };

static void make_end(struct end *e, unsigned worker, unsigned workers, struct rf_tls *tls, uint32_t ping_ms)
{
	struct rf_ua_listener listeners[2] = {
		{ .kind = RF_FLOW_WS, .fd = -1 }, { .kind = RF_FLOW_WSS, .fd = -1, .tls = tls },
	};
	struct rf_diag d = { .code = 0 };

	memset(e, 0, sizeof *e);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rf_addr_parse(RF_V("127.0.0.1:0"), 0, &listeners[i].local), 0);
		listeners[i].ws = (struct rf_ws_site){ .path = RF_V("/sip"), .origins = &origin, .origin_count = 1 };
		listeners[i].ws_handshake_ms = 300;
		listeners[i].ws_ping_ms = ping_ms;
	}
	rf_random_system(&e->random);
	assert_int_equal(rf_loop_new(NULL, &e->loop), 0);
	struct rf_ua_config config = {
		.worker = (uint8_t)worker, .workers = workers, .loop = e->loop, .random = &e->random,
		.hash_key = { 3, 4 }, .listeners = listeners, .listener_count = tls ? 2 : 1, .user = &user, .ctx = e,
	};
	if (rf_ua_new(&config, &e->ua, &d))
		fail_msg("%s", d.text);
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		if (!ends[i].ua)
			continue;
		rf_ua_free(ends[i].ua);
		rf_loop_free(ends[i].loop);
		memset(&ends[i], 0, sizeof ends[i]);
	}
	return 0;
}

static void turns(int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			if (ends[k].loop)
				rf_loop_turn(ends[k].loop, 1);
}

static void until(const size_t *what, size_t count)
{
	for (int i = 0; i < 2500 && *what < count; i++)
		turns(1);
	assert_int_equal(*what, count);
}

#define HELLO_WITH(origin) \
	"GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: " origin "\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
#define HELLO HELLO_WITH("https://phone.example.org")

/* A browser: a socket, with TLS when ssl is set. */
struct browser {
	int fd;
	SSL *ssl;
	char in[16384];
	size_t n;
};

static struct browser browser;

static void put(const void *p, size_t n)
{
	if (browser.ssl)
		assert_int_equal(SSL_write(browser.ssl, p, (int)n), (int)n);
	else
		assert_int_equal(send(browser.fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Until text is there, or the end. False at the end. */
static bool get(const char *text)
{
	for (int i = 0; i < 2000; i++) {
		if (text && memmem(browser.in, browser.n, text, strlen(text)))
			return true;
		turns(1);
		char *to = browser.in + browser.n;
		size_t cap = sizeof browser.in - browser.n;
		ssize_t got =
			browser.ssl ? SSL_read(browser.ssl, to, (int)cap) : recv(browser.fd, to, cap, MSG_DONTWAIT);
		if (got > 0)
			browser.n += (size_t)got;
		else if (got == 0 && !browser.ssl)
			return false;
	}
	fail_msg("nothing more came");
	return false;
}

static void put_frame(unsigned first, const char *text)
{
	uint8_t buf[4096 + 8];
	size_t n = strlen(text), at = 0;

	assert_true(n <= 4096);
	buf[at++] = (uint8_t)first;
	buf[at++] = (uint8_t)(0x80 | (n < 126 ? n : 126));
	if (n >= 126) {
		buf[at++] = (uint8_t)(n >> 8);
		buf[at++] = (uint8_t)n;
	}
	memset(buf + at, 0, 4); /* masked with nothing */
	memcpy(buf + at + 4, text, n);
	put(buf, at + 4 + n);
}

static void come(struct end *e, int port)
{
	if (browser.ssl)
		SSL_free(browser.ssl);
	memset(&browser, 0, sizeof browser);
	browser.fd = kit_connect(rf_ua_local(e->ua, (size_t)port));
}

static void leave(void)
{
	close(browser.fd);
	browser.fd = -1;
}

static void shake_hands(struct end *e)
{
	size_t open = e->open;

	put(HELLO, sizeof HELLO - 1);
	assert_true(get("\r\n\r\n"));
	assert_true(rf_view_starts(rf_view_of(browser.in, browser.n), RF_V("HTTP/1.1 101 ")));
	browser.n = 0;
	until(&e->open, open + 1);
}

#define OPTIONS(uri, n, length) \
	"OPTIONS " uri " SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK" n "\r\nFrom: <sip:a@b>;tag=1\r\n" \
	"To: <sip:a@b>\r\nCall-ID: " n "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n" length "\r\n"

static void test_messages(void **state)
{
	(void)state;
	make_end(&ends[0], 0, 1, NULL, 0);
	come(&ends[0], WS);
	for (size_t i = 0; i < sizeof HELLO - 1; i++) {
		put(&HELLO[i], 1);
		turns(1);
	}
	until(&ends[0].open, 1);
	assert_int_equal(ends[0].flow.kind, RF_FLOW_WS);
	assert_true(get("\r\n\r\n"));
	browser.n = 0;
	put_frame(0x81, OPTIONS("sip:a@b", "1", ""));          /* Content-Length may be missing */
	put_frame(0x82, OPTIONS("sip:a@b", "2", "Content-Length: 3\r\n") "abc");
	until(&ends[0].requests, 2);
	assert_true(get("Call-ID: 2"));
	assert_memory_equal(browser.in, "\x81\x7e", 2);
	assert_memory_equal(browser.in + 4, "SIP/2.0 200 ", 12);
	/* two messages in one: the second is not looked at (RFC 7118 5) */
	browser.n = 0;
	put_frame(0x81,
		  OPTIONS("sip:a@b", "3", "Content-Length: 0\r\n") OPTIONS("sip:a@b", "4", "Content-Length: 0\r\n"));
	until(&ends[0].refused, 1);
	assert_string_equal(ends[0].refused_what, "length-long");
	assert_true(get("SIP/2.0 400 "));
	put_frame(0x81, OPTIONS("sips:a@b", "5", ""));
	until(&ends[0].refused, 2);
	assert_string_equal(ends[0].refused_what, "refused-sips");
	/* RFC 5626's keep-alive as a message, and WebSocket's own */
	assert_true(get("SIP/2.0 403 "));
	assert_true(get("Content-Length: 0\r\n\r\n"));
	turns(5);
	get("SIP");
	browser.n = 0;
	put_frame(0x81, "\r\n\r\n");
	assert_true(get("\r\n"));
	assert_int_equal(browser.n, 4);
	assert_memory_equal(browser.in, "\x81\x02\r\n", 4);
	browser.n = 0;
	put_frame(0x89, "you");
	assert_true(get("you"));
	assert_memory_equal(browser.in, "\x8a\x03you", 5);
	put_frame(0x81, "\r\n"); /* the answer to a ping that we never send so */
	put_frame(0x88, "\x0f\xa0");
	until(&ends[0].closed, 1);
	assert_int_equal(ends[0].requests, 2);
	leave();
}

static void test_by_its_flow(void **state)
{
	static const char request[] = "OPTIONS sip:x@y.invalid;transport=ws SIP/2.0\r\nMax-Forwards: 70\r\n"
				      "From: <sip:a@b>;tag=o\r\nTo: <sip:x@y>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
				      "Content-Length: 0\r\n\r\n";
	char answer[1024], branch[128], want[256];
	uint8_t buf[256];
	struct rf_sip_uri uri;
	struct rf_writer w;

	(void)state;
	make_end(&ends[0], 0, 2, NULL, 0);
	make_end(&ends[1], 1, 2, NULL, 0);
	rf_ua_join((struct rf_ua *[]){ ends[0].ua, ends[1].ua }, 2);
	come(&ends[0], WS);
	shake_hands(&ends[0]);
	struct rf_flow flow = ends[0].flow;

	/* what we are called there */
	rf_writer_init(&w, buf, sizeof buf);
	rf_ua_put_contact(ends[0].ua, &flow, RF_V("1"), &w);
	snprintf(want, sizeof want, "sip:1@127.0.0.1:%u;transport=ws", rf_ua_local(ends[0].ua, WS)->port);
	assert_int_equal(w.n, strlen(want));
	assert_memory_equal(buf, want, w.n);
	assert_int_equal(rf_sip_uri_parse(rf_view_of(buf, w.n), &uri), 0);
	assert_true(rf_ua_is_us(ends[0].ua, &uri));
	/* a request by its own worker, and by the other one */
	for (int i = 0; i < 2; i++) {
		struct rf_cli_new conf = { .target = { .flow = flow }, .request = rf_view_str(request), .fn = on_cli,
					   .arg = &ends[i] };

		browser.n = 0;
		assert_true(rf_ua_flow_alive(ends[i].ua, &flow));
		assert_int_equal(rf_cli_new(ends[i].ua, &conf, &ends[i].cli), 0);
		assert_true(get("\r\n\r\n"));
		browser.in[browser.n] = '\0';
		char *via = strstr(browser.in + 4, "Via: SIP/2.0/WS 127.0.0.1:");
		assert_non_null(via);
		assert_int_equal(sscanf(strstr(via, "branch="), "branch=%127[^;\r]", branch), 1);
		snprintf(answer, sizeof answer,
			 "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS 127.0.0.1;branch=%s\r\n"
			 "From: <sip:a@b>;tag=o\r\nTo: <sip:x@y>;tag=p\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n",
			 branch);
		put_frame(0x81, answer);
		until(&ends[i].responses, 1);
		assert_int_equal(ends[i].status, 200);
	}
	/* nobody can be reached at the address of a browser, nor at a URI with transport=ws */
	struct rf_cli_new conf = { .target = { .addr = flow.remote, .kind = RF_FLOW_WS },
				   .request = rf_view_str(request),
				   .fn = on_cli,
				   .arg = &ends[0] };
	assert_int_equal(rf_cli_new(ends[0].ua, &conf, &ends[0].cli), RF_E_INVALID);
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:x@127.0.0.1;transport=ws"), &uri), 0);
	conf.target = (struct rf_target){ .uri = &uri };
	if (rf_cli_new(ends[0].ua, &conf, &ends[0].cli) == 0)
		until(&ends[0].failed, 1);
	/* whose it is comes back at its end */
	assert_int_equal(rf_ua_flow_label(ends[0].ua, &flow, RF_V("somebody")), 0);
	assert_int_equal(rf_ua_flow_label(ends[0].ua, &flow, RF_V("alice@example.org")), 0);
	assert_int_equal(rf_ua_flow_label(ends[0].ua, &flow, RF_V("")), RF_E_INVALID);
	assert_int_equal(rf_ua_flow_label(ends[1].ua, &flow, RF_V("x")), RF_E_INVALID);
	/* closed by the other worker: in order, with a Close frame */
	browser.n = 0;
	rf_ua_flow_close(ends[1].ua, &flow);
	until(&ends[0].closed, 1);
	assert_false(get(NULL));
	assert_int_equal(browser.n, 4);
	assert_memory_equal(browser.in, "\x88\x02\x03\xe8", 4);
	assert_string_equal(ends[0].label, "alice@example.org");
	assert_int_equal(rf_ua_flow_label(ends[0].ua, &flow, RF_V("x")), RF_E_CLOSED);
	assert_false(rf_ua_flow_alive(ends[0].ua, &flow));
	leave();
}

static void refused_as(const char *hello, size_t n, const char *what, const char *status)
{
	size_t before = ends[0].refused;

	come(&ends[0], WS);
	put(hello, n);
	assert_true(get(status));
	assert_false(get(NULL));
	assert_int_equal(ends[0].refused, before + 1);
	assert_string_equal(ends[0].refused_what, what);
	assert_int_equal(ends[0].open, 0);
	assert_int_equal(ends[0].ua->stats.count[RF_UA_REFUSED_WEBSOCKET], before + 1);
	leave();
}

static void test_refused(void **state)
{
	static const char evil[] = HELLO_WITH("https://evil.example"), plain[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char sip[] = OPTIONS("sip:a@b", "1", "");
	char *longest = malloc(RF_WS_HEAD_BYTES);

	(void)state;
	make_end(&ends[0], 0, 1, NULL, 0);
	assert_non_null(longest);
	memset(longest, 'A', RF_WS_HEAD_BYTES);
	refused_as(evil, sizeof evil - 1, "ws-origin", "HTTP/1.1 403 ");
	assert_string_equal(ends[0].refused_text, "pages of https://evil.example may not connect here");
	assert_int_equal(ends[0].refused_code, 403);
	refused_as(plain, sizeof plain - 1, "ws-path", "HTTP/1.1 404 ");
	refused_as(sip, sizeof sip - 1, "ws-request", "HTTP/1.1 400 ");
	refused_as(longest, RF_WS_HEAD_BYTES, "ws-head-long", "HTTP/1.1 431 ");
	refused_as("\x16\x03\x01", 3, "ws-request", "HTTP/1.1 400 ");
	free(longest);
	assert_int_equal(ends[0].ua->stats.flows_now, 0);
	/* who says half of it and waits, and who says nothing */
	for (size_t n = 0; n < 40; n += 20) {
		size_t before = ends[0].refused;

		come(&ends[0], WS);
		put(HELLO, n);
		until(&ends[0].refused, before + 1);
		assert_string_equal(ends[0].refused_what, "ws-slow");
		for (int i = 0; i < 100 && ends[0].ua->stats.flows_now; i++)
			turns(1);
		assert_int_equal(ends[0].ua->stats.flows_now, 0);
		leave();
	}
	assert_int_equal(ends[0].closed, 0);
}

static void test_bad_frames(void **state)
{
	(void)state;
	make_end(&ends[0], 0, 1, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		come(&ends[0], WS);
		shake_hands(&ends[0]);
		if (i) { /* 2 GiB are coming */
			put("\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0x", 15);
		} else {
			put("\x81\x03" "abc", 5);
		}
		assert_false(get(NULL));
		assert_memory_equal(browser.in, i ? "\x88\x02\x03\xf1" : "\x88\x02\x03\xea", 4);
		until(&ends[0].closed, i + 1);
		assert_string_equal(ends[0].refused_what, i ? "ws-limit" : "ws-frame");
		leave();
	}
	assert_int_equal(ends[0].ua->stats.count[RF_UA_REFUSED_FRAME], 2);
}

static void test_pings(void **state)
{
	(void)state;
	make_end(&ends[0], 0, 1, NULL, 20);
	come(&ends[0], WS);
	shake_hands(&ends[0]);
	for (size_t i = 0; i < 3; i++) {
		assert_true(get("\x89"));
		browser.n = 0;
		put_frame(0x8a, "");
		for (int k = 0; k < 500 && ends[0].ua->stats.count[RF_UA_PONGS_IN] <= i; k++)
			turns(1);
		assert_int_equal(ends[0].ua->stats.count[RF_UA_PONGS_IN], i + 1);
	}
	assert_int_equal(rf_ua_flow_keep(ends[0].ua, &ends[0].flow, 0), 0);
	for (int k = 0; k < 60; k++)
		turns(1);
	assert_int_equal(recv(browser.fd, browser.in, sizeof browser.in, MSG_DONTWAIT), -1);
	leave(); /* torn off */
	until(&ends[0].closed, 1);
	assert_int_equal(ends[0].ua->stats.flows_now, 0);
}

static void test_over_tls(void **state)
{
	struct kit_cert ca = kit_make((struct kit_want){ .cn = "ca", .serial = 1 });
	struct kit_cert server = kit_make((struct kit_want){ .issuer = &ca, .cn = "controller", .serial = 2,
							     .san = "DNS:voice.example.org" });
	struct kit_cert phone = kit_make((struct kit_want){ .issuer = &ca, .cn = "phone", .serial = 3,
							    .san = "URI:sip:1001@example.org" });
	struct rf_tls *tls = kit_tls(&server, &ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_OPTIONAL });

	(void)state;
	make_end(&ends[0], 0, 1, tls, 0);
	for (size_t i = 0; i < 2; i++) { /* a browser without a certificate, and one with */
		SSL_CTX *ctx = kit_client_ctx(i ? &phone : NULL);

		come(&ends[0], WSS);
		browser.ssl = SSL_new(ctx);
		SSL_set_fd(browser.ssl, browser.fd);
		SSL_set_connect_state(browser.ssl);
		assert_int_equal(kit_handshake(ends[0].loop, browser.ssl), SSL_ERROR_NONE);
		shake_hands(&ends[0]);
		assert_int_equal(ends[0].flow.kind, RF_FLOW_WSS);
		assert_true(rf_flow_is_secure(ends[0].flow.kind));
		put_frame(0x81, OPTIONS("sips:a@b", "1", ""));
		until(&ends[0].requests, i + 1);
		assert_string_equal(ends[0].id_uri, i ? "sip:1001@example.org" : "");
		assert_true(get("SIP/2.0 200 "));
		leave();
		until(&ends[0].closed, i + 1);
		SSL_CTX_free(ctx);
	}
	come(&ends[0], WSS); /* frees the last SSL */
	leave();
	rf_tls_put(tls);
	teardown(NULL);
	kit_free(&ca);
	kit_free(&server);
	kit_free(&phone);
}

static void test_failed_allocations(void **state)
{
	unsigned n;

	(void)state;
	make_end(&ends[0], 0, 1, NULL, 0);
	for (n = 1; n < 40; n++) { /* wherever it fails, the next one is served */
		come(&ends[0], WS);
		fail_alloc_at(n);
		if (send(browser.fd, HELLO, sizeof HELLO - 1, MSG_NOSIGNAL) > 0)
			turns(5);
		bool failed = fail_alloc_off();
		leave();
		for (int i = 0; i < 200 && ends[0].ua->stats.flows_now; i++)
			turns(1);
		assert_int_equal(ends[0].ua->stats.flows_now, 0);
		if (!failed)
			break;
	}
	assert_true(n > 2 && n < 40);
	come(&ends[0], WS);
	shake_hands(&ends[0]);
	leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_messages, teardown),
		cmocka_unit_test_teardown(test_by_its_flow, teardown),
		cmocka_unit_test_teardown(test_refused, teardown), cmocka_unit_test_teardown(test_bad_frames, teardown),
		cmocka_unit_test_teardown(test_pings, teardown), cmocka_unit_test_teardown(test_over_tls, teardown),
		cmocka_unit_test_teardown(test_failed_allocations, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* uas over real sockets on the loopback: transports, framing, connections that end, TLS identities, and two workers of
 * one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../net/kit.h"
#include "ua/ua_int.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One ua and what its user saw. */
struct end {
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_ua *ua;
	struct rf_srv *srv;
	struct rf_cli *cli;
	size_t requests, responses, failed, timeouts, cli_gone, open, closed, tls_refused, acks;
	unsigned answer, status;
	int err;
	struct rf_flow flow;      /* of the last request, response or flow that opened */
	char id_uri[256], cipher[64];
	enum rf_tls_fail fail;
	size_t strangers, asked_to_end;
	bool shy, busy;           /* admits nobody; lets no connection end */
};

static struct end ends[3];
static uint32_t age_ms;

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct end *e = arg;

	if (event == RF_SRV_GONE && e->srv == srv)
		e->srv = NULL;
}

static void note_peer(struct end *e, const struct rf_peer *peer)
{
	e->flow = peer->flow;
	snprintf(e->id_uri, sizeof e->id_uri, "%s", peer->id ? peer->id->uri : "");
	snprintf(e->cipher, sizeof e->cipher, "%s", peer->tls_cipher ? peer->tls_cipher : "");
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct end *e = ctx;

	(void)msg;
	e->requests++;
	note_peer(e, from);
	e->srv = srv;
	rf_srv_watch(srv, on_srv, e);
	if (e->answer)
		rf_srv_reply_code(srv, e->answer);
}

static bool on_ack(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	(void)msg;
	(void)from;
	((struct end *)ctx)->acks += srv != NULL;
	return true;
}

static void on_flow_open(void *ctx, const struct rf_peer *peer)
{
	struct end *e = ctx;

	e->open++;
	note_peer(e, peer);
}

static void on_flow_closed(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end)
{
	(void)peer;
	(void)end;
	((struct end *)ctx)->closed++;
}

static void on_tls_refused(void *ctx, const struct rf_flow *flow, const struct rf_stream_end *end)
{
	struct end *e = ctx;

	(void)flow;
	e->tls_refused++;
	e->fail = end->fail;
}

static bool on_admit(void *ctx, const struct rf_peer *peer)
{
	struct end *e = ctx;

	(void)peer;
	e->strangers += e->shy;
	return !e->shy;
}

static bool on_may_end(void *ctx, const struct rf_peer *peer)
{
	struct end *e = ctx;

	(void)peer;
	e->asked_to_end++;
	return !e->busy;
}

static const struct rf_ua_user user = {
	.request = on_request, .ack = on_ack, .flow_open = on_flow_open, .flow_closed = on_flow_closed,
	.tls_refused = on_tls_refused, .admit = on_admit, .may_end = on_may_end,
};

static void on_cli(void *arg, struct rf_cli *cli, const struct rf_cli_event *event)
{
	struct end *e = arg;

	switch (event->kind) {
	case RF_CLI_RESPONSE:
		e->responses++;
		e->status = event->msg->status;
		note_peer(e, event->from);
		break;
	case RF_CLI_FAILED:
		e->failed++;
		e->err = event->err;
		break;
	case RF_CLI_TIMEOUT:
		e->timeouts++;
		break;
	case RF_CLI_GONE:
		e->cli_gone++;
		if (e->cli == cli)
			e->cli = NULL;
		break;
	}
}

enum { UDP, TCP, TLS };

/* For ends that are made from here on; NULL: none of their listeners is outside. */
static struct rf_penalties *penalties;

static void make_end(struct end *e, uint8_t worker, unsigned workers, struct rf_tls *server, struct rf_tls *client)
{
	struct rf_ua_listener listeners[3] = {
		{ .kind = RF_FLOW_UDP, .fd = -1 }, { .kind = RF_FLOW_TCP, .fd = -1 },
		{ .kind = RF_FLOW_TLS, .fd = -1, .tls = server },
	};
	struct rf_diag d = { .code = 0 };

	memset(e, 0, sizeof *e);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rf_addr_parse(RF_V("127.0.0.1:0"), 0, &listeners[i].local), 0);
		listeners[i].outside = penalties != NULL;
	}
	rf_random_system(&e->random);
	assert_int_equal(rf_loop_new(NULL, &e->loop), 0);
	struct rf_ua_config config = {
		.worker = worker, .workers = workers, .loop = e->loop, .random = &e->random, .hash_key = { 3, 4 },
		.listeners = listeners, .listener_count = server ? 3 : 2, .tls_client = client, .user = &user, .ctx = e,
		.penalties = penalties,
		.stream_age_ms = age_ms,
	};
	if (rf_ua_new(&config, &e->ua, &d))
		fail_msg("%s", d.text);
	e->answer = 200;
}

static void end_end(struct end *e)
{
	rf_ua_free(e->ua);
	rf_loop_free(e->loop);
	memset(e, 0, sizeof *e);
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		if (ends[i].ua)
			end_end(&ends[i]);
	return 0;
}

/* Turn all loops until *what is count, at most five seconds. */
static void until(const size_t *what, size_t count)
{
	for (int i = 0; i < 2500 && *what < count; i++)
		for (int k = 0; k < 3; k++)
			if (ends[k].loop)
				rf_loop_turn(ends[k].loop, 1);
	assert_int_equal(*what, count);
}

static void turns(int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 3; k++)
			if (ends[k].loop)
				rf_loop_turn(ends[k].loop, 1);
}

static struct rf_view request(char *buf, size_t cap, const char *method, const char *to_tag)
{
	int n = snprintf(buf, cap,
			 "%s sip:x@127.0.0.1 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=o\r\n"
			 "To: <sip:x@y>%s%s\r\nCall-ID: c\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
			 method, to_tag ? ";tag=" : "", to_tag ? to_tag : "", method);
	return rf_view_of(buf, (size_t)n);
}

static void call(struct end *e, const char *method, const struct rf_target *target)
{
	char buf[1024];
	struct rf_cli_new conf = { .target = *target, .request = request(buf, sizeof buf, method, NULL), .fn = on_cli,
				   .arg = e };

	assert_int_equal(rf_cli_new(e->ua, &conf, &e->cli), 0);
}

static struct rf_target to_port(const struct end *e, int port, uint8_t kind)
{
	return (struct rf_target){ .addr = *rf_ua_local(e->ua, (size_t)port), .kind = kind, .tls_name = RF_V("") };
}

/* ---- from ua to ua ---- */

static void test_udp_and_tcp(void **state)
{
	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	make_end(&ends[1], 0, 1, NULL, NULL);
	struct rf_target udp = to_port(&ends[1], UDP, RF_FLOW_UDP), tcp = to_port(&ends[1], TCP, RF_FLOW_TCP);

	call(&ends[0], "OPTIONS", &udp);
	until(&ends[0].responses, 1);
	assert_int_equal(ends[1].flow.kind, RF_FLOW_UDP);
	assert_int_equal(ends[1].flow.remote.port, rf_ua_local(ends[0].ua, UDP)->port);
	call(&ends[0], "OPTIONS", &tcp);
	until(&ends[0].responses, 2);
	assert_int_equal(ends[1].flow.kind, RF_FLOW_TCP);
	/* the next goes over the same connection */
	call(&ends[0], "OPTIONS", &tcp);
	until(&ends[0].responses, 3);
	assert_int_equal(ends[0].ua->stats.flows_now, 1);
	assert_true(rf_ua_flow_alive(ends[0].ua, &ends[0].flow));
	/* and back over it, by its flow */
	struct rf_target back = { .flow = ends[1].flow };
	call(&ends[1], "OPTIONS", &back);
	until(&ends[1].responses, 1);
	assert_int_equal(ends[1].ua->stats.flows_now, 1);
	/* a connection that ended is not another one */
	struct rf_flow flow = ends[0].flow;
	rf_ua_flow_close(ends[0].ua, &flow);
	until(&ends[0].closed, 1);
	until(&ends[1].closed, 1);
	assert_false(rf_ua_flow_alive(ends[0].ua, &flow));
	call(&ends[1], "OPTIONS", &back);
	until(&ends[1].failed, 1);
	assert_int_equal(ends[1].err, RF_E_CLOSED);
}

/* Whom the user does not want to hear is not read: a connection ends, a datagram is dropped. */
static void test_strangers(void **state)
{
	struct rf_ua_stats stats;

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	make_end(&ends[1], 0, 1, NULL, NULL);
	ends[1].shy = true;
	struct rf_target t = to_port(&ends[1], TCP, RF_FLOW_TCP);
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].failed, 1);
	assert_int_equal(ends[1].strangers, 1);
	t = to_port(&ends[1], UDP, RF_FLOW_UDP);
	call(&ends[0], "OPTIONS", &t);
	until(&ends[1].strangers, 2);
	turns(20);
	rf_ua_stats(ends[1].ua, &stats);
	assert_int_equal(ends[1].requests + ends[1].open + ends[1].closed, 0);
	assert_true(stats.count[RF_UA_REFUSED_PEER] >= 2);
	assert_int_equal(stats.count[RF_UA_REQUESTS_IN] + stats.flows_now, 0);
}

/* From an address of ours that is told, and another one makes another connection. */
static void test_from(void **state)
{
	struct rf_addr from[2] = { { .family = 0 } }, other[2] = { { .family = 0 } };

	(void)state;
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.77:0"), 0, &from[0]), 0);
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.78:0"), 0, &other[0]), 0);
	make_end(&ends[0], 0, 1, NULL, NULL);
	make_end(&ends[1], 0, 1, NULL, NULL);
	struct rf_target t = to_port(&ends[1], TCP, RF_FLOW_TCP);
	t.from = from;
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].responses, 1);
	assert_true(rf_addr_same_ip(&ends[1].flow.remote, &from[0]));
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].responses, 2);
	assert_int_equal(ends[1].open, 1);
	t.from = other;
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].responses, 3);
	assert_int_equal(ends[1].open, 2);
	assert_true(rf_addr_same_ip(&ends[1].flow.remote, &other[0]));
}

/* A connection that is old takes no new request, and ends when nobody is in the middle of something. */
static void test_age(void **state)
{
	(void)state;
	make_end(&ends[1], 0, 1, NULL, NULL);
	age_ms = 20;
	make_end(&ends[0], 0, 1, NULL, NULL);
	age_ms = 0;
	ends[0].busy = true;
	struct rf_target t = to_port(&ends[1], TCP, RF_FLOW_TCP);
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].responses, 1);
	until(&ends[0].asked_to_end, 1);
	assert_int_equal(ends[0].closed, 0);
	call(&ends[0], "OPTIONS", &t);
	until(&ends[0].responses, 2);
	assert_int_equal(ends[1].open, 2);
	ends[0].busy = false;
	until(&ends[0].closed, 2);
	until(&ends[1].closed, 2);
}

static void test_refused_connection(void **state)
{
	struct rf_target nobody = { .kind = RF_FLOW_TCP };
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening */
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1:0"), 0, &nobody.addr), 0);
	n = (socklen_t)rf_addr_to_sockaddr(&nobody.addr, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	n = sizeof sa;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, n, &nobody.addr), 0);
	call(&ends[0], "OPTIONS", &nobody);
	until(&ends[0].failed, 1);
	assert_int_equal(ends[0].err, -ECONNREFUSED);
	until(&ends[0].cli_gone, 1);
	assert_int_equal(ends[0].ua->stats.flows_now, 0);
	close(fd);
}

/* ---- a stranger's bytes ---- */

static size_t read_some(int fd, char *buf, size_t cap, const char *until_text)
{
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; i < 2000 && !strstr(buf, until_text); i++) {
		turns(1);
		ssize_t got = recv(fd, buf + n, cap - 1 - n, MSG_DONTWAIT);
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
		buf[n] = '\0';
	}
	return n;
}

static const char two[] =
	"\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
	"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 3\r\n\r\nabc"
	"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=2\r\n"
	"To: <sip:a@b>\r\nCall-ID: 2\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

static void test_byte_by_byte(void **state)
{
	char buf[8192];

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	int fd = kit_connect(rf_ua_local(ends[0].ua, TCP));
	until(&ends[0].open, 1);
	for (size_t i = 0; i < sizeof two - 1; i++) {
		assert_int_equal(send(fd, two + i, 1, 0), 1);
		turns(1);
	}
	until(&ends[0].requests, 2);
	size_t n = read_some(fd, buf, sizeof buf, "Call-ID: 2");
	assert_true(n > 4);
	assert_memory_equal(buf, "\r\nSIP/2.0 200 ", 14); /* the pong first */
	assert_int_equal(ends[0].ua->stats.count[RF_UA_PINGS_IN], 1);
	/* all in one */
	assert_int_equal(send(fd, two, sizeof two - 1, 0), (ssize_t)sizeof two - 1);
	until(&ends[0].requests, 4);
	close(fd);
	until(&ends[0].closed, 1);
}

static void test_lost_framing(void **state)
{
	static const char bad[] =
		"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 1\r\n"
		"Content-Length: 2\r\n\r\nab";
	char buf[8192];

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	int fd = kit_connect(rf_ua_local(ends[0].ua, TCP));
	assert_int_equal(send(fd, bad, sizeof bad - 1, MSG_NOSIGNAL), (ssize_t)sizeof bad - 1);
	read_some(fd, buf, sizeof buf, "\r\n\r\n");
	assert_memory_equal(buf, "SIP/2.0 400 ", 12);
	until(&ends[0].closed, 1);
	assert_int_equal(ends[0].requests, 0);
	assert_int_equal(ends[0].ua->stats.count[RF_UA_REFUSED_FRAME], 1);
	assert_int_equal(ends[0].ua->stats.flows_now, 0);
	close(fd);
	/* nonsense without an end */
	fd = kit_connect(rf_ua_local(ends[0].ua, TCP));
	for (int i = 0; i < 400; i++) {
		char junk[1024];

		memset(junk, 'x', sizeof junk);
		if (send(fd, junk, sizeof junk, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		turns(1);
	}
	until(&ends[0].closed, 2);
	close(fd);
}

static void test_closed_in_the_middle(void **state)
{
	char buf[4096];

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	ends[0].answer = 0;
	int fd = kit_connect(rf_ua_local(ends[0].ua, TCP));
	until(&ends[0].open, 1);
	send(fd, two, sizeof two - 1, 0);
	until(&ends[0].requests, 2);
	struct rf_target back = { .flow = ends[0].flow };
	call(&ends[0], "INVITE", &back);
	turns(2);
	read_some(fd, buf, sizeof buf, "INVITE ");
	close(fd);
	until(&ends[0].failed, 1); /* at once, not after 32 seconds */
	until(&ends[0].cli_gone, 1);
	assert_int_equal(ends[0].closed, 1);
	assert_int_equal(rf_srv_reply_code(ends[0].srv, 200), 0); /* accepted, though nobody will read it */
	turns(2);
	assert_int_equal(ends[0].ua->srv.count, 1);
	assert_int_equal(ends[0].ua->stats.count[RF_UA_SEND_FAILED], 1);
}

static void test_keep(void **state)
{
	char buf[256];

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	int fd = kit_connect(rf_ua_local(ends[0].ua, TCP));
	until(&ends[0].open, 1);
	struct rf_flow udp = { .kind = RF_FLOW_UDP };
	assert_int_equal(rf_ua_flow_keep(ends[0].ua, &udp, 10), RF_E_INVALID);
	assert_int_equal(rf_ua_flow_keep(ends[0].ua, &ends[0].flow, 10), 0);
	assert_int_equal(read_some(fd, buf, sizeof buf, "\r\n\r\n"), 4);
	send(fd, "\r\n", 2, 0);
	size_t pongs = 0;
	for (int i = 0; i < 1000 && !pongs; i++) {
		turns(1);
		pongs = ends[0].ua->stats.count[RF_UA_PONGS_IN];
	}
	assert_int_equal(pongs, 1);
	assert_int_equal(read_some(fd, buf, sizeof buf, "\r\n\r\n"), 4); /* the next */
	assert_int_equal(rf_ua_flow_keep(ends[0].ua, &ends[0].flow, 0), 0);
	close(fd);
	until(&ends[0].closed, 1);
}

/* ---- TLS ---- */

struct pair {
	struct kit_cert ca, server, phone;
	struct rf_tls *server_tls, *phone_tls, *bare_tls;
};

static void make_pair(struct pair *p, enum rf_tls_client client)
{
	p->ca = kit_make((struct kit_want){ .cn = "ca", .serial = 1 });
	p->server = kit_make((struct kit_want){ .issuer = &p->ca, .cn = "controller", .serial = 2,
						.san = "DNS:voice.example.org,IP:127.0.0.1" });
	p->phone = kit_make((struct kit_want){ .issuer = &p->ca, .cn = "phone", .serial = 3,
					       .san = "URI:sip:1001@example.org" });
	p->server_tls = kit_tls(&p->server, &p->ca, (struct rf_tls_conf){ .client = client });
	p->phone_tls = kit_tls(&p->phone, &p->ca, (struct rf_tls_conf){ .client = client });
	p->bare_tls = kit_tls(NULL, &p->ca, (struct rf_tls_conf){ .client = client });
}

static void end_pair(struct pair *p)
{
	rf_tls_put(p->server_tls);
	rf_tls_put(p->phone_tls);
	rf_tls_put(p->bare_tls);
	kit_free(&p->ca);
	kit_free(&p->server);
	kit_free(&p->phone);
}

static void test_tls_identity(void **state)
{
	struct pair p;

	(void)state;
	make_pair(&p, RF_TLS_CLIENT_REQUIRED);
	make_end(&ends[0], 0, 1, p.server_tls, p.server_tls);
	make_end(&ends[1], 0, 1, p.phone_tls, p.phone_tls);
	make_end(&ends[2], 0, 1, p.phone_tls, p.bare_tls);
	struct rf_target tls = to_port(&ends[0], TLS, RF_FLOW_TLS);

	tls.tls_name = RF_V("voice.example.org");
	call(&ends[1], "REGISTER", &tls);
	until(&ends[1].responses, 1);
	assert_string_equal(ends[0].id_uri, "sip:1001@example.org");
	assert_true(strlen(ends[0].cipher) > 0);
	assert_int_equal(ends[0].flow.kind, RF_FLOW_TLS);
	/* a call to the phone goes back over its connection */
	struct rf_target phone = { .flow = ends[0].flow, .secure = true };
	call(&ends[0], "INVITE", &phone);
	until(&ends[0].responses, 1);
	assert_int_equal(ends[0].status, 200);
	assert_int_equal(ends[0].ua->stats.flows_now, 1);
	/* whoever shows no certificate gets nothing */
	call(&ends[2], "REGISTER", &tls);
	until(&ends[2].failed, 1);
	until(&ends[0].tls_refused, 1);
	assert_int_equal(ends[0].fail, RF_TLS_FAIL_NONE_SENT);
	assert_int_equal(ends[0].requests, 1);
	/* and a server with another name is not believed */
	tls.tls_name = RF_V("other.example.org");
	call(&ends[1], "REGISTER", &tls);
	until(&ends[1].failed, 1);
	assert_int_equal(ends[1].err, RF_E_AUTH);
	assert_int_equal(ends[0].requests, 1);
	for (int i = 0; i < 3; i++)
		end_end(&ends[i]);
	end_pair(&p);
}

/* ---- who attacks ---- */

static void shout(const struct end *at, const char *text)
{
	struct sockaddr_storage sa;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(rf_ua_local(at->ua, UDP), &sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sa, n), (ssize_t)strlen(text));
	close(fd);
}

/* Nothing of a source that sends rubbish is looked at, over whatever it comes; who shows a
 * certificate is another matter. */
static void test_penalty(void **state)
{
	const struct rf_addr here = { .family = 4, .ip = { 127, 0, 0, 1 } };
	struct rf_ua_stats st;
	struct pair p;

	(void)state;
	make_pair(&p, RF_TLS_CLIENT_REQUIRED);
	assert_int_equal(rf_penalties_new(&(struct rf_penalties_conf){ .began = NULL }, &penalties), 0);
	make_end(&ends[0], 0, 1, p.server_tls, p.server_tls);
	struct rf_penalties *made = penalties;
	penalties = NULL;
	make_end(&ends[1], 0, 1, p.phone_tls, p.phone_tls);
	struct rf_target udp = to_port(&ends[0], UDP, RF_FLOW_UDP), tcp = to_port(&ends[0], TCP, RF_FLOW_TCP);
	struct rf_target tls = to_port(&ends[0], TLS, RF_FLOW_TLS);

	tls.tls_name = RF_V("voice.example.org");
	call(&ends[1], "REGISTER", &tls);
	until(&ends[1].responses, 1);
	for (int i = 0; i < 19; i++)
		shout(&ends[0], "GET / HTTP/1.1\r\n\r\n");
	call(&ends[1], "OPTIONS", &udp);
	until(&ends[1].responses, 2);
	shout(&ends[0], "GET / HTTP/1.1\r\n\r\n");
	turns(20);
	assert_true(rf_penalty_blocked(made, &here, rf_loop_now(ends[0].loop)));
	shout(&ends[0], "GET / HTTP/1.1\r\n\r\n");
	turns(20);
	call(&ends[1], "OPTIONS", &tcp);
	until(&ends[1].failed, 1);
	rf_ua_stats(ends[0].ua, &st);
	assert_int_equal(st.count[RF_UA_REFUSED_PARSE], 20);
	assert_int_equal(st.count[RF_UA_REFUSED_PENALTY], 2);
	call(&ends[1], "REGISTER", &tls); /* its connection stands since before */
	until(&ends[1].responses, 3);
	assert_int_equal(rf_penalty_lift(made, &here), 0);
	call(&ends[1], "OPTIONS", &udp);
	until(&ends[1].responses, 4);
	end_end(&ends[0]);
	end_end(&ends[1]);
	rf_penalties_free(made);
	end_pair(&p);
}

/* ---- two workers ---- */

static struct pair workers_pair;

static int setup_workers(void **state)
{
	(void)state;
	make_pair(&workers_pair, RF_TLS_CLIENT_OPTIONAL);
	make_end(&ends[0], 0, 2, workers_pair.server_tls, NULL);
	make_end(&ends[1], 1, 2, workers_pair.server_tls, NULL);
	rf_ua_join((struct rf_ua *[]){ ends[0].ua, ends[1].ua }, 2);
	make_end(&ends[2], 0, 1, workers_pair.phone_tls, workers_pair.phone_tls);
	return 0;
}

static int teardown_workers(void **state)
{
	teardown(state);
	end_pair(&workers_pair);
	return 0;
}

static void test_mailed_request(void **state)
{
	char buf[1024];
	struct rf_target tls = to_port(&ends[1], TLS, RF_FLOW_TLS);
	struct rf_id tag;

	(void)state;
	tls.tls_name = RF_V("voice.example.org");
	rf_ua_make_id(ends[0].ua, &tag);
	char text[RF_ID_LEN + 1];
	snprintf(text, sizeof text, "%.*s", RF_ID_LEN, (const char *)tag.text);
	struct rf_cli_new conf = { .target = tls, .request = request(buf, sizeof buf, "BYE", text), .fn = on_cli,
				   .arg = &ends[2] };

	/* it comes in at worker 1, the dialog is worker 0's, and the answer goes back by worker 1 */
	assert_int_equal(rf_cli_new(ends[2].ua, &conf, &ends[2].cli), 0);
	until(&ends[2].responses, 1);
	assert_int_equal(ends[0].requests, 1);
	assert_int_equal(ends[1].requests, 0);
	assert_string_equal(ends[0].id_uri, "sip:1001@example.org");
	assert_true(strlen(ends[0].cipher) > 0);
	assert_int_equal(ends[0].flow.worker, 1);
	assert_int_equal(ends[1].ua->stats.count[RF_UA_MAIL_IN], 1);
	assert_int_equal(__atomic_load_n(&ends[0].ua->mail_waiting, __ATOMIC_RELAXED), 0);
}

static void test_mailed_call(void **state)
{
	struct rf_target tls = to_port(&ends[1], TLS, RF_FLOW_TLS);

	(void)state;
	tls.tls_name = RF_V("voice.example.org");
	call(&ends[2], "REGISTER", &tls);
	until(&ends[2].responses, 1);
	struct rf_target phone = { .flow = ends[1].flow };
	assert_true(rf_ua_flow_alive(ends[0].ua, &phone.flow));

	/* worker 0 calls a phone on worker 1's connection */
	ends[2].answer = 0;
	call(&ends[0], "INVITE", &phone);
	until(&ends[2].requests, 1);
	rf_srv_reply_code(ends[2].srv, 180);
	until(&ends[0].responses, 1);
	rf_srv_reply_code(ends[2].srv, 486);
	until(&ends[0].responses, 2);
	assert_int_equal(ends[0].status, 486);
	assert_int_equal(ends[0].flow.worker, 1);
	/* word of a connection that ends comes over */
	call(&ends[0], "INVITE", &phone);
	until(&ends[2].requests, 2);
	rf_srv_reply_code(ends[2].srv, 180);
	until(&ends[0].responses, 3);
	rf_ua_flow_close(ends[0].ua, &phone.flow); /* also by mail */
	until(&ends[1].closed, 1);
	until(&ends[0].failed, 1);
	assert_int_equal(ends[0].err, RF_E_CLOSED);
	/* and of one that is gone already */
	call(&ends[0], "INVITE", &phone);
	until(&ends[0].failed, 2);
	until(&ends[0].cli_gone, 3);
	assert_int_equal(ends[1].responses, 0);
}

/* A call from one worker to the other: it comes by the inside flow, and its answers too. */
static void test_inside(void **state)
{
	struct rf_target other = { .flow = rf_ua_inside(ends[0].ua, 1) };
	struct rf_flow real = { .kind = RF_FLOW_TLS, .worker = 1, .stream = 1 };

	(void)state;
	assert_true(rf_flow_is_inside(&other.flow) && rf_flow_is_stream(&other.flow));
	assert_false(rf_flow_is_inside(&real) || rf_flow_is_inside(&(struct rf_flow){ .listener = RF_FLOW_INSIDE }));
	assert_true(rf_ua_flow_alive(ends[0].ua, &other.flow));
	ends[1].answer = 0;
	call(&ends[0], "INVITE", &other);
	until(&ends[1].requests, 1);
	assert_true(rf_flow_is_inside(&ends[1].flow));
	assert_int_equal(ends[1].flow.worker, 0);
	rf_srv_reply_code(ends[1].srv, 180);
	until(&ends[0].responses, 1);
	assert_true(rf_flow_is_inside(&ends[0].flow));
	rf_srv_reply_code(ends[1].srv, 486);
	until(&ends[0].responses, 2);
	assert_int_equal(ends[0].status, 486);
	/* a phone's message never has such a flow */
	struct rf_target tls = to_port(&ends[1], TLS, RF_FLOW_TLS);

	tls.tls_name = RF_V("voice.example.org");
	ends[1].answer = 200;
	call(&ends[2], "REGISTER", &tls);
	until(&ends[2].responses, 1);
	assert_false(rf_flow_is_inside(&ends[1].flow));
}

static void test_mail_bound(void **state)
{
	struct rf_peer from = { .flow = { .kind = RF_FLOW_TCP, .worker = 0 } };
	char *bytes = calloc(1, 60000);

	(void)state;
	assert_non_null(bytes);
	for (int i = 0; i < 200; i++) {
		int rc = rf_mail_message(ends[0].ua, 1, &from, rf_view_of(bytes, 60000), RF_SIP_STREAM);

		assert_int_equal(rc, i < 139 ? 0 : RF_E_LIMIT);
	}
	assert_int_equal(ends[0].ua->stats.count[RF_UA_REFUSED_MAIL], 61);
	turns(3);
	assert_int_equal(__atomic_load_n(&ends[1].ua->mail_waiting, __ATOMIC_RELAXED), 0);
	free(bytes);
}

static void test_names(void **state)
{
	uint8_t buf[256];
	char want[256];
	struct rf_writer w;
	struct rf_sip_uri uri;
	struct rf_flow none = { .kind = RF_FLOW_NONE };

	(void)state;
	make_end(&ends[0], 0, 1, NULL, NULL);
	rf_writer_init(&w, buf, sizeof buf);
	rf_ua_put_contact(ends[0].ua, &none, RF_V("10 01"), &w);
	snprintf(want, sizeof want, "sip:10%%2001@127.0.0.1:%u", rf_ua_local(ends[0].ua, UDP)->port);
	assert_int_equal(w.n, strlen(want));
	assert_memory_equal(buf, want, w.n);
	assert_int_equal(rf_sip_uri_parse(rf_view_of(buf, w.n), &uri), 0);
	assert_true(rf_ua_is_us(ends[0].ua, &uri));
	rf_writer_init(&w, buf, sizeof buf);
	struct rf_flow tcp = { .kind = RF_FLOW_TCP, .listener = TCP, .remote = *rf_ua_local(ends[0].ua, TCP) };
	rf_ua_put_contact(ends[0].ua, &tcp, RF_V(""), &w);
	snprintf(want, sizeof want, "sip:127.0.0.1:%u;transport=tcp", tcp.remote.port);
	assert_int_equal(w.n, strlen(want));
	assert_memory_equal(buf, want, w.n);
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:127.0.0.1:1"), &uri), 0);
	assert_false(rf_ua_is_us(ends[0].ua, &uri));
	assert_int_equal(rf_sip_uri_parse(RF_V("tel:1"), &uri), 0);
	assert_false(rf_ua_is_us(ends[0].ua, &uri));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp_and_tcp, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_from, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_age, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_refused_connection, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_lost_framing, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_closed_in_the_middle, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_keep, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_names, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_tls_identity, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_penalty, NULL, teardown),
		cmocka_unit_test_setup_teardown(test_mailed_request, setup_workers, teardown_workers),
		cmocka_unit_test_setup_teardown(test_mailed_call, setup_workers, teardown_workers),
		cmocka_unit_test_setup_teardown(test_inside, setup_workers, teardown_workers),
		cmocka_unit_test_setup_teardown(test_mail_bound, setup_workers, teardown_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

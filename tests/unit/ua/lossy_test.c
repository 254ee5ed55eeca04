/* Two uas over a network that loses, doubles and reorders: every transaction ends, every request reaches the user
 * once, and nothing is left behind. Also what a flood meets. */
#include "stand.h"

#include "net/guard.h"

#include <stdio.h>
#include <stdlib.h>

enum { PACKETS = 4096, CALLS = 150 };

struct packet {
	struct stand *to;
	struct rf_mono at;
	struct rf_flow flow;
	size_t n;
	uint8_t *bytes;
};

static struct stand a, b;
static struct packet packets[PACKETS];
static size_t packet_n;
static uint32_t seed;
static unsigned lost_percent;

static unsigned dice(unsigned sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static void carry(struct stand *to, const struct rf_flow *flow, struct rf_view bytes)
{
	if (packet_n == PACKETS)
		return;
	struct packet *p = &packets[packet_n++];
	*p = (struct packet){ .to = to, .at = rf_mono_add_ms(to->now, dice(400)), .flow = *flow, .n = bytes.n };
	p->bytes = malloc(bytes.n);
	assert_non_null(p->bytes);
	memcpy(p->bytes, bytes.p, bytes.n);
}

static int lossy_send(void *ctx, const struct rf_flow *flow, struct rf_view bytes)
{
	struct stand *to = ctx == &a ? &b : &a;

	(void)flow;
	struct rf_flow from = stand_udp(ctx == &a ? "192.0.2.1:5060" : "192.0.2.2:5060");
	if (dice(100) >= lost_percent)
		carry(to, &from, bytes);
	if (dice(100) < 10)
		carry(to, &from, bytes);
	return 0;
}

static void pass(unsigned ms)
{
	for (unsigned t = 0; t < ms; t += 20) {
		stand_pass(&a, 20);
		stand_pass(&b, 20);
		for (size_t i = 0; i < packet_n;) {
			struct packet p = packets[i];

			if (p.at.us > a.now.us) {
				i++;
				continue;
			}
			packets[i] = packets[--packet_n];
			stand_receive_bytes(p.to, &p.flow, rf_view_of(p.bytes, p.n));
			free(p.bytes);
		}
	}
}

/* What became of each call. */
struct call {
	struct rf_cli *cli;
	unsigned finals, gone, answered_2xx;
};

static struct call calls[CALLS];

static void on_call(void *arg, struct rf_cli *cli, const struct rf_cli_event *event)
{
	struct call *c = arg;
	char ack[512];

	if (event->kind == RF_CLI_GONE) {
		c->gone++;
		return;
	}
	if (event->kind == RF_CLI_RESPONSE && event->msg->status < 200)
		return;
	c->finals++;
	if (event->kind != RF_CLI_RESPONSE || event->msg->status >= 300 || event->msg->cseq_method != RF_SIP_INVITE)
		return;
	c->answered_2xx++;
	int n = snprintf(ack, sizeof ack,
			 "ACK sip:b@192.0.2.2 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:a@a>;tag=a\r\nTo: %.*s\r\n"
			 "Call-ID: %.*s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
			 RF_VFMT(event->msg->to.text), RF_VFMT(event->msg->call_id));
	struct rf_target t = { .flow = stand_udp("192.0.2.2:5060") };
	assert_int_equal(rf_cli_ack(cli, event->msg->to.tag, &t, rf_view_of(ack, (size_t)n)), 0);
}

static void answer_b(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct stand *s = ctx;

	(void)from;
	s->requests++;
	if (msg->method == RF_SIP_INVITE && dice(2))
		assert_int_equal(rf_srv_reply_code(srv, 180), 0);
	assert_int_equal(rf_srv_reply_code(srv, dice(3) ? 200 : 486), 0);
}

static const struct rf_ua_user user_b = { .request = answer_b };

static void start(unsigned i)
{
	char text[512];
	const char *method = i % 2 ? "INVITE" : "OPTIONS";
	int n = snprintf(text, sizeof text,
			 "%s sip:b@192.0.2.2 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:a@a>;tag=a\r\nTo: <sip:b@b>\r\n"
			 "Call-ID: %u\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", method, i, method);
	struct rf_cli_new conf = { .target = { .flow = stand_udp("192.0.2.2:5060") },
				   .request = rf_view_of(text, (size_t)n), .fn = on_call, .arg = &calls[i] };

	calls[i] = (struct call){ 0 };
	assert_int_equal(rf_cli_new(a.ua, &conf, &calls[i].cli), 0);
}

static void run(unsigned loss)
{
	unsigned answered = 0;

	stand_init(&a, NULL, 0, 1);
	stand_init(&b, NULL, 0, 1);
	a.wire.send = b.wire.send = lossy_send;
	a.wire.ctx = &a;
	b.wire.ctx = &b;
	b.ua->user = &user_b;
	lost_percent = loss;
	seed = 4711 + loss;
	for (unsigned i = 0; i < CALLS; i++) {
		start(i);
		pass(40);
	}
	pass(100000);
	for (unsigned i = 0; i < CALLS; i++) /* whose final response was lost for good: only its user can end it */
		if (!calls[i].gone)
			assert_int_equal(rf_cli_cancel(calls[i].cli, RF_V("")), 0);
	pass(70000);
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(calls[i].gone, 1);
		assert_int_equal(calls[i].finals, 1);
		answered += calls[i].answered_2xx;
	}
	assert_true(b.requests <= CALLS);
	if (loss < 50) {
		assert_int_equal(b.requests, CALLS); /* each came through, and once */
		assert_true(answered > 20);
	}
	assert_int_equal(a.ua->stats.cli_now, 0);
	assert_int_equal(b.ua->stats.srv_now, 0);
	assert_int_equal(b.ua->stats.acks_now, 0);
	assert_int_equal(packet_n, 0);
	stand_fini(&a);
	stand_fini(&b);
}

static void test_no_loss(void **state)
{
	(void)state;
	run(0);
}

static void test_a_third_lost(void **state)
{
	(void)state;
	run(33);
}

static void test_nearly_all_lost(void **state)
{
	(void)state;
	run(97);
}

static void test_flood(void **state)
{
	struct rf_guard_conf conf = { .source = { [RF_GUARD_MESSAGE] = { .per_s = 10, .burst = 20 } },
				      .crowd = { [RF_GUARD_MESSAGE] = { .per_s = 10, .burst = 20 } } };
	struct rf_flow flooder = stand_udp("192.0.2.66:5060"), phone = stand_udp("192.0.2.7:5060");
	char buf[2048], branch[32];

	(void)state;
	stand_init(&a, NULL, 0, 1);
	assert_int_equal(rf_guard_new(&conf, &a.ua->guard), 0);
	a.answer = 200;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%u", i);
		stand_receive(&a, &flooder, stand_request(buf, sizeof buf, "OPTIONS", branch, i, NULL));
		stand_receive(&a, &flooder, "nonsense\r\n\r\n");
	}
	assert_true(a.requests <= 20);
	assert_true(stand_count(&a, RF_UA_REFUSED_RATE) > 9900);
	assert_true(a.refusals <= 20); /* the record is not flooded either */
	size_t had = a.requests;
	stand_receive(&a, &phone, stand_request(buf, sizeof buf, "OPTIONS", "z9hG4bKphone", 9999, NULL));
	assert_int_equal(a.requests, had + 1);
	/* stray responses from anywhere */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(buf, sizeof buf,
			 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKrf00%020u\r\nFrom: <sip:a@b>;tag=a\r\n"
			 "To: <sip:a@b>;tag=b\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n", i);
		stand_pass(&a, 200);
		stand_receive(&a, &phone, buf);
	}
	assert_int_equal(stand_count(&a, RF_UA_STRAY_RESPONSE), 100);
	struct rf_ua_stats stats;
	rf_ua_stats(a.ua, &stats);
	assert_int_equal(stats.count[RF_UA_STRAY_RESPONSE], 100);
	for (unsigned i = 0; i < RF_UA_COUNTS; i++)
		assert_true(strlen(rf_ua_count_name((enum rf_ua_count)i)) > 3);
	stand_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_loss),
		cmocka_unit_test(test_a_third_lost),
		cmocka_unit_test(test_nearly_all_lost),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "stand.h"

#include <stdio.h>
#include <stdlib.h>

static struct rf_mono fake_mono(void *ctx)
{
	return ((struct stand *)ctx)->now;
}

static struct rf_wall fake_wall(void *ctx)
{
	return (struct rf_wall){ (int64_t)((struct stand *)ctx)->now.us };
}

/* ---- the wire ---- */

static int wire_send(void *ctx, const struct rf_flow *flow, struct rf_view bytes)
{
	struct stand *s = ctx;

	if (s->send_fails)
		return s->send_fails;
	struct sent *one = &s->sent[s->sent_n++ % STAND_SENT];
	size_t n = bytes.n < sizeof one->text - 1 ? bytes.n : sizeof one->text - 1;
	one->flow = *flow;
	one->n = bytes.n;
	memcpy(one->text, bytes.p, n);
	one->text[n] = '\0';
	return 0;
}

static int wire_dial(void *ctx, const struct rf_hop *hop, struct rf_flow *ret_flow)
{
	struct stand *s = ctx;

	if (s->dial_fails)
		return s->dial_fails;
	s->dials++;
	*ret_flow = (struct rf_flow){ .remote = hop->addr, .kind = hop->kind, .worker = s->ua->worker,
				      .listener = RF_FLOW_OUTBOUND };
	rf_addr_parse(RF_V("192.0.2.1"), 5060, &ret_flow->local);
	if (hop->kind != RF_FLOW_UDP)
		ret_flow->stream = s->dials;
	return 0;
}

/* ---- the user ---- */

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct stand *s = arg;

	switch (event) {
	case RF_SRV_CANCELLED:
		s->cancelled++;
		break;
	case RF_SRV_NO_ACK:
		s->no_ack++;
		break;
	case RF_SRV_NO_PRACK:
		s->no_prack++;
		break;
	case RF_SRV_FAILED:
		s->failed++;
		break;
	case RF_SRV_LATE:
		s->late++;
		break;
	case RF_SRV_GONE:
		s->gone++;
		if (s->srv == srv)
			s->srv = NULL;
		break;
	}
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct stand *s = ctx;
	size_t n = msg->bytes.n < sizeof s->last_request - 1 ? msg->bytes.n : sizeof s->last_request - 1;

	s->requests++;
	s->srv = srv;
	s->last_flow = from->flow;
	memcpy(s->last_request, msg->bytes.p, n);
	s->last_request[n] = '\0';
	rf_srv_watch(srv, on_srv, s);
	if (s->answer)
		assert_int_equal(rf_srv_reply_code(srv, s->answer), 0);
}

static bool on_ack(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct stand *s = ctx;

	(void)msg;
	(void)from;
	s->acks++;
	if (srv)
		s->acked_2xx++;
	return !s->ack_is_strange;
}

static void on_refused(void *ctx, const struct rf_ua_refusal *refusal)
{
	struct stand *s = ctx;

	s->refusals++;
	s->refusal = *refusal;
}

static bool is_urgent(void *ctx, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct stand *s = ctx;

	(void)msg;
	(void)from;
	return s->urgent;
}

static const struct rf_ua_user user = {
	.request = on_request, .urgent = is_urgent, .ack = on_ack, .refused = on_refused,
};

static void on_cli(void *arg, struct rf_cli *cli, const struct rf_cli_event *event)
{
	struct stand *s = arg;

	switch (event->kind) {
	case RF_CLI_RESPONSE:
		s->status[s->responses % 32] = event->msg->status;
		snprintf(s->to_tag[s->responses % 32], sizeof s->to_tag[0], "%.*s", RF_VFMT(event->msg->to.tag));
		s->responses++;
		break;
	case RF_CLI_TIMEOUT:
		s->timeouts++;
		break;
	case RF_CLI_FAILED:
		s->cli_failed++;
		s->err = event->err;
		break;
	case RF_CLI_GONE:
		s->cli_gone++;
		if (s->cli == cli)
			s->cli = NULL;
		break;
	}
}

/* ---- life ---- */

void stand_init(struct stand *s, const struct rf_ua_bounds *bounds, uint8_t worker, unsigned workers)
{
	struct rf_view supported[] = { RF_V("100rel"), RF_V("timer") };

	memset(s, 0, sizeof *s);
	s->now.us = 1000000000;
	rf_random_system(&s->random);
	struct rf_loop_conf loop = { .clock = { .mono = fake_mono, .wall = fake_wall, .ctx = s } };
	assert_int_equal(rf_loop_new(&loop, &s->loop), 0);
	struct rf_ua_config config = {
		.worker = worker,
		.workers = workers,
		.loop = s->loop,
		.random = &s->random,
		.hash_key = { 1, 2 },
		.supported = supported,
		.supported_count = 2,
		.product = RF_V("stand"),
		.user = &user,
		.ctx = s,
	};
	if (bounds)
		config.bounds = *bounds;
	assert_int_equal(rf_ua_new(&config, &s->ua, NULL), 0);
	s->wire = (struct rf_ua_wire){ .send = wire_send, .dial = wire_dial, .ctx = s };
	s->ua->wire = &s->wire;
}

void stand_fini(struct stand *s)
{
	rf_ua_free(s->ua);
	rf_loop_free(s->loop);
}

void stand_turn(struct stand *s)
{
	rf_loop_turn(s->loop, 0);
}

void stand_pass(struct stand *s, unsigned ms)
{
	while (ms) {
		unsigned step = ms < 50 ? ms : 50;

		s->now = rf_mono_add_ms(s->now, step);
		ms -= step;
		rf_loop_turn(s->loop, 0);
	}
	rf_loop_turn(s->loop, 0);
}

/* ---- messages ---- */

struct rf_flow stand_udp(const char *remote)
{
	struct rf_flow f = { .kind = RF_FLOW_UDP };

	assert_int_equal(rf_addr_parse(rf_view_str(remote), 5060, &f.remote), 0);
	assert_int_equal(rf_addr_parse(RF_V("192.0.2.1"), 5060, &f.local), 0);
	return f;
}

struct rf_flow stand_stream(const char *remote, uint8_t kind, uint64_t id)
{
	struct rf_flow f = stand_udp(remote);

	f.kind = kind;
	f.stream = id;
	return f;
}

void stand_receive_bytes(struct stand *s, const struct rf_flow *flow, struct rf_view bytes)
{
	struct rf_peer from = { .flow = *flow };

	rf_ua_receive(s->ua, &from, bytes, rf_flow_is_stream(flow) ? RF_SIP_STREAM : RF_SIP_DATAGRAM);
}

void stand_receive(struct stand *s, const struct rf_flow *flow, const char *text)
{
	stand_receive_bytes(s, flow, rf_view_str(text));
}

const struct sent *stand_last(struct stand *s, size_t back)
{
	assert_true(back < s->sent_n);
	return &s->sent[(s->sent_n - 1 - back) % STAND_SENT];
}

unsigned stand_status(const struct sent *sent)
{
	return strncmp(sent->text, "SIP/2.0 ", 8) == 0 ? (unsigned)strtoul(sent->text + 8, NULL, 10) : 0;
}

const char *stand_hdr(const struct sent *sent, const char *name, char buf[static 512])
{
	char key[64];

	snprintf(key, sizeof key, "\r\n%s: ", name);
	const char *p = strstr(sent->text, key);
	if (!p)
		return NULL;
	p += strlen(key);
	snprintf(buf, 512, "%.*s", (int)strcspn(p, "\r"), p);
	return buf;
}

const char *stand_request(char *buf, size_t cap, const char *method, const char *branch, unsigned cseq,
			  const char *to_tag)
{
	snprintf(buf, cap,
		 "%s sip:1002@example.org SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=%s;rport\r\n"
		 "Max-Forwards: 70\r\n"
		 "From: <sip:1001@example.org>;tag=phone\r\n"
		 "To: <sip:1002@example.org>%s%s\r\n"
		 "Call-ID: call@192.0.2.7\r\n"
		 "CSeq: %u %s\r\n"
		 "Contact: <sip:1001@192.0.2.7>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 method, branch, to_tag ? ";tag=" : "", to_tag ? to_tag : "", cseq, method);
	return buf;
}

const char *stand_response(char *buf, size_t cap, const struct sent *request, unsigned code, const char *to_tag)
{
	char via[512], from[512], to[512], call_id[512], cseq[512];

	assert_non_null(stand_hdr(request, "Via", via));
	assert_non_null(stand_hdr(request, "From", from));
	assert_non_null(stand_hdr(request, "To", to));
	assert_non_null(stand_hdr(request, "Call-ID", call_id));
	assert_non_null(stand_hdr(request, "CSeq", cseq));
	snprintf(buf, cap,
		 "SIP/2.0 %u Whatever\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Content-Length: 0\r\n\r\n",
		 code, via, from, to, to_tag ? ";tag=" : "", to_tag ? to_tag : "", call_id, cseq);
	return buf;
}

int stand_call(struct stand *s, const char *method, const struct rf_target *target, uint32_t timeout_ms)
{
	char text[1024];

	snprintf(text, sizeof text,
		 "%s sip:1002@192.0.2.9 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:1001@example.org>;tag=ours\r\n"
		 "To: <sip:1002@example.org>\r\nCall-ID: ours@example.org\r\nCSeq: 7 %s\r\n"
		 "Route: <sip:192.0.2.9;lr>\r\nContent-Length: 0\r\n\r\n",
		 method, method);
	struct rf_cli_new conf = {
		.target = *target, .request = rf_view_str(text), .timeout_ms = timeout_ms, .fn = on_cli, .arg = s,
	};
	return rf_cli_new(s->ua, &conf, &s->cli);
}

uint64_t stand_count(struct stand *s, enum rf_ua_count what)
{
	return s->ua->stats.count[what];
}

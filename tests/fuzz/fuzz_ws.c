/* WebSockets from any bytes. As a handshake: what is understood lies within the bytes, longer input changes nothing, and
 * every rule has an answer. As frames: the same messages and the same answers come out however the bytes are cut, no
 * message is over the bound, and nothing is held when it is over. */
#include "net/ws.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum { BOUND = 2000 };

static bool within(struct rf_view part, struct rf_view all)
{
	return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void handshake(struct rf_view bytes)
{
	static const struct rf_view origin = { (const uint8_t *)"https://a.example", 17 };
	static const struct rf_ws_site site = { .path = { (const uint8_t *)"/", 1 }, .origins = &origin, .origin_count = 1 };
	uint8_t out[RF_WS_ANSWER_BYTES];
	struct rf_ws_request req, again;
	enum rf_ws_rule rule = RF_WS_RULE_OK, rule2 = RF_WS_RULE_OK;
	struct rf_writer w;
	int rc = rf_ws_request_parse(bytes, &req, &rule);

	if (rc == RF_E_MORE) {
		MUST(bytes.n < RF_WS_HEAD_BYTES);
		return;
	}
	if (rc == 0) {
		struct rf_view head = rf_view_sub(bytes, 0, req.size);

		MUST(req.size <= RF_WS_HEAD_BYTES && req.size <= bytes.n);
		MUST(within(req.path, head) && within(req.host, head) && within(req.origin, head) && within(req.key, head));
		MUST(rf_ws_request_parse(head, &again, &rule2) == 0 && again.size == req.size);
		rule = rf_ws_request_judge(&req, &site);
		MUST(rf_ws_request_judge(&again, &site) == rule);
	} else {
		MUST(rule != RF_WS_RULE_OK && rule < RF_WS_RULES);
	}
	rf_writer_init(&w, out, sizeof out);
	MUST(rf_ws_put_answer(&w, rule, &req) == 0);
}

struct seen {
	struct rf_ws ws;
	uint64_t in, out, pongs;     /* sums over what came out, in order */
	int rc;
};

static uint64_t mix(uint64_t sum, struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		sum = (sum ^ v.p[i]) * 0x100000001b3;
	return (sum ^ 0x1ff) * 0x100000001b3;
}

static int on_send(void *arg, struct rf_view bytes)
{
	struct seen *s = arg;

	s->out = mix(s->out, bytes);
	return 0;
}

static void on_message(void *arg, struct rf_view m)
{
	struct seen *s = arg;

	MUST(m.n <= BOUND && !s->ws.closed);
	s->in = mix(s->in, m);
	MUST(rf_ws_send(&s->ws, rf_view_sub(m, 0, 3)) == 0);
}

static void on_pong(void *arg)
{
	((struct seen *)arg)->pongs++;
}

static const struct rf_ws_ops ops = { .send = on_send, .on_message = on_message, .on_pong = on_pong };

static struct seen frames(struct rf_view bytes, size_t step)
{
	struct seen s = { .ws = { .ops = &ops, .message_bytes = BOUND } };

	s.ws.arg = &s;
	while (bytes.n && !s.rc) {
		s.rc = rf_ws_input(&s.ws, rf_view_sub(bytes, 0, step));
		bytes = rf_view_from(bytes, step);
	}
	MUST(!s.rc == !s.ws.closed);
	MUST(!s.ws.closed || !s.ws.part);
	rf_ws_fini(&s.ws);
	MUST(!s.ws.part);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_view bytes = rf_view_of(data, n);

	handshake(bytes);
	struct seen whole = frames(bytes, n), cut = frames(bytes, n > 4096 ? 61 : 1);
	MUST(whole.in == cut.in && whole.out == cut.out && whole.pongs == cut.pongs && whole.rc == cut.rc);
	return 0;
}

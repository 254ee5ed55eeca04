/* A WebSocket between a stream and the messages (RFC 7118): its handshake first, then one SIP message in each of its
 * messages, and its own pings. Everything else of a connection is conn.c's. */
#include "ua/ua_int.h"

#include <stdlib.h>

struct rf_wsconn {
	struct rf_ws ws;
	struct rf_conn *conn;
	struct rf_timer timer;   /* the end of the handshake; then the next ping, or the end of the wait for its pong */
	uint32_t ping_ms;
	bool open, waiting;      /* waiting: pinged, no pong yet */
};

static const struct rf_port *port_of(const struct rf_conn *c)
{
	return &c->ua->ports[c->listener];
}

static void rest(struct rf_wsconn *w)
{
	w->waiting = false;
	if (w->ping_ms)
		rf_timer_start(w->conn->ua->wheel, &w->timer, w->ping_ms);
	else
		rf_timer_stop(w->conn->ua->wheel, &w->timer);
}

/* ---- what frames bring ---- */

static int to_stream(void *arg, struct rf_view bytes)
{
	struct rf_wsconn *w = arg;

	return rf_stream_send(w->conn->stream, bytes);
}

/* RFC 7118 6: a browser's script cannot ping, so it may send RFC 5626's keep-alive as a message. */
static void on_message(void *arg, struct rf_view message)
{
	struct rf_wsconn *w = arg;
	struct rf_ua *ua = w->conn->ua;

	if (w->conn->doomed)
		return;
	if (rf_view_eq(message, RF_V("\r\n\r\n"))) {
		rf_ua_count(ua, RF_UA_PINGS_IN);
		rf_ws_send(&w->ws, RF_V("\r\n"));
		return;
	}
	rf_ua_receive(ua, rf_conn_peer(w->conn), message, RF_SIP_WHOLE);
}

static void on_pong(void *arg)
{
	struct rf_wsconn *w = arg;

	rf_ua_count(w->conn->ua, RF_UA_PONGS_IN);
	if (w->waiting)
		rest(w);
}

static const struct rf_ws_ops ops = { .send = to_stream, .on_message = on_message, .on_pong = on_pong };

/* ---- the handshake ---- */

static void refused(struct rf_conn *c, const struct rf_ws_rule_info *info, const struct rf_ws_request *req)
{
	char text[RF_WS_ORIGIN_MAX + 80];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text - 1);
	if (info == rf_ws_rule_info(RF_WS_RULE_ORIGIN)) {
		rf_put_lit(&w, "pages of ");
		rf_put(&w, rf_view_sub(req->origin, 0, RF_WS_ORIGIN_MAX));
		rf_put_lit(&w, " may not connect here");
	} else {
		rf_put(&w, rf_view_str(info->text));
	}
	text[w.n] = '\0';
	rf_ua_count(c->ua, RF_UA_REFUSED_WEBSOCKET);
	rf_ua_refused(c->ua, info->name, text, info->code, rf_conn_peer(c));
}

static void timed_out(struct rf_timer *t)
{
	static const struct rf_ws_rule_info slow = { "ws-slow", 0, "the handshake of HTTP did not end in time" };
	struct rf_wsconn *w = rf_container(t, struct rf_wsconn, timer);
	struct rf_conn *c = w->conn;

	if (!w->open)
		refused(c, &slow, NULL);
	if (!w->open || w->waiting) {
		rf_conn_abort(c);
		return;
	}
	w->waiting = true;
	rf_timer_start(c->ua->wheel, t, RF_UA_PONG_MS);
	rf_ws_ping(&w->ws);
}

/* True when bytes begin with a whole request, which was then answered; *ret_used is its length. */
static bool shake_hands(struct rf_conn *c, struct rf_view bytes, size_t *ret_used)
{
	uint8_t answer[RF_WS_ANSWER_BYTES];
	enum rf_ws_rule rule = RF_WS_RULE_OK;
	struct rf_ws_request req;
	struct rf_writer w;
	int rc = rf_ws_request_parse(bytes, &req, &rule);

	if (rc == RF_E_MORE)
		return false;
	if (!rc)
		rule = rf_ws_request_judge(&req, &port_of(c)->ws);
	*ret_used = rule == RF_WS_RULE_OK ? req.size : bytes.n;
	rf_writer_init(&w, answer, sizeof answer);
	rc = rf_ws_put_answer(&w, rule, &req);
	if (!rc)
		rc = rf_stream_send(c->stream, rf_view_of(w.buf, w.n));
	if (rule != RF_WS_RULE_OK)
		refused(c, rf_ws_rule_info(rule), &req);
	if (rule == RF_WS_RULE_OK && !rc) {
		c->ws->open = true;
		c->ws->ping_ms = port_of(c)->ws_ping_ms;
		rest(c->ws);
		rf_conn_opened(c);
	} else {
		c->doomed = true;
		rf_stream_close(c->stream);
	}
	return true;
}

static void broken(struct rf_conn *c, int rc)
{
	rf_ua_count(c->ua, RF_UA_REFUSED_FRAME);
	if (rc == RF_E_LIMIT)
		rf_ua_refused(c->ua, "ws-limit", "a WebSocket message over its bound, or in too many frames", 0,
			      rf_conn_peer(c));
	else
		rf_ua_refused(c->ua, "ws-frame", "frames that break RFC 6455", 0, rf_conn_peer(c));
}

size_t rf_wsconn_data(struct rf_conn *c, struct rf_view bytes)
{
	size_t used = 0;

	if (c->doomed)
		return bytes.n;
	if (!c->ws->open && !shake_hands(c, bytes, &used))
		return 0;
	if (c->doomed)
		return bytes.n;
	bytes = rf_view_from(bytes, used);
	int rc = bytes.n ? rf_ws_input(&c->ws->ws, bytes) : 0;

	if (rc == RF_E_MALFORMED || rc == RF_E_LIMIT)
		broken(c, rc);
	if (rc && !c->doomed)
		rf_conn_close(c);
	return used + bytes.n;
}

/* ---- for conn.c ---- */

int rf_wsconn_make(struct rf_conn *c)
{
	struct rf_wsconn *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	w->ws = (struct rf_ws){ .ops = &ops, .arg = w, .message_bytes = c->ua->limits->message_bytes };
	w->conn = c;
	rf_timer_init(&w->timer, timed_out);
	c->ws = w;
	return 0;
}

void rf_wsconn_free(struct rf_conn *c)
{
	if (!c->ws)
		return;
	rf_timer_stop(c->ua->wheel, &c->ws->timer);
	rf_ws_fini(&c->ws->ws);
	free(c->ws);
}

void rf_wsconn_begin(struct rf_conn *c)
{
	rf_timer_start(c->ua->wheel, &c->ws->timer, port_of(c)->ws_handshake_ms);
}

int rf_wsconn_send(struct rf_conn *c, struct rf_view bytes)
{
	return c->ws->open ? rf_ws_send(&c->ws->ws, bytes) : RF_E_CLOSED;
}

void rf_wsconn_close(struct rf_conn *c)
{
	if (c->ws->open)
		rf_ws_close(&c->ws->ws, RF_WS_NORMAL);
}

void rf_wsconn_keep(struct rf_conn *c, uint32_t interval_ms)
{
	c->ws->ping_ms = interval_ms;
	rest(c->ws);
}

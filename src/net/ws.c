/* Messages in frames. libwslay cuts and writes the frames (RFC 6455 5.2: lengths, masks); what they mean together, and
 * how much of it there may be, is decided here. Its context (4 KiB) is there only while bytes wait in it, so an idle
 * WebSocket costs what an idle TLS connection costs. */
#include "net/ws.h"

#include <stdlib.h>

#include <wslay/wslay.h>

enum { BUFFER_FIRST = 4096 };

struct rf_ws_part {
	wslay_frame_context_ptr frames;
	struct rf_ws *ws;
	struct rf_view in;         /* bytes of rf_ws_input() that libwslay has not read */
	uint64_t given, framed;    /* bytes it has read; those that belong to frames it has told of */
	bool busy;                 /* rf_ws_input() is at work */
	int send_rc;

	uint64_t left;             /* of the frame's payload */
	uint8_t frame;             /* its opcode */
	bool in_frame, fin;

	uint8_t message;           /* opcode of the message under way; 0: none */
	uint8_t frames_n;
	uint8_t *buf;              /* what of it came in frames before, or in pieces */
	uint32_t n, cap;

	uint8_t control_n, control[RF_WS_CONTROL_MAX];
};

/* ---- libwslay's two ends ---- */

static ssize_t give_bytes(uint8_t *buf, size_t cap, int flags, void *user)
{
	struct rf_ws_part *p = user;
	size_t n = p->in.n < cap ? p->in.n : cap;

	(void)flags;
	if (n == 0)
		return -1;
	memcpy(buf, p->in.p, n);
	p->in = rf_view_from(p->in, n);
	p->given += n;
	return (ssize_t)n;
}

static ssize_t take_bytes(const uint8_t *data, size_t n, int flags, void *user)
{
	struct rf_ws_part *p = user;

	(void)flags;
	p->send_rc = p->ws->ops->send(p->ws->arg, rf_view_of(data, n));
	return p->send_rc ? -1 : (ssize_t)n;
}

static const struct wslay_frame_callbacks ends = { .send_callback = take_bytes, .recv_callback = give_bytes };

static struct rf_ws_part *part_of(struct rf_ws *ws)
{
	if (ws->part)
		return ws->part;
	struct rf_ws_part *p = calloc(1, sizeof *p);
	if (!p || wslay_frame_context_init(&p->frames, &ends, p)) {
		free(p);
		return NULL;
	}
	p->ws = ws;
	ws->part = p;
	return p;
}

static void drop_part(struct rf_ws *ws)
{
	struct rf_ws_part *p = ws->part;

	if (!p)
		return;
	wslay_frame_context_free(p->frames);
	free(p->buf);
	free(p);
	ws->part = NULL;
}

/* Nothing is half received: no memory is held. */
static void settle(struct rf_ws *ws)
{
	struct rf_ws_part *p = ws->part;

	if (p && !p->busy && (ws->closed || (!p->in_frame && !p->message && p->given == p->framed)))
		drop_part(ws);
}

/* ---- out ---- */

static int send_frame(struct rf_ws *ws, uint8_t opcode, struct rf_view payload)
{
	struct rf_ws_part *p = ws->closed ? NULL : part_of(ws);
	struct wslay_frame_iocb frame = {
		.fin = 1, .opcode = opcode, .payload_length = payload.n, .data = payload.p, .data_length = payload.n,
	};

	if (!p)
		return ws->closed ? RF_E_CLOSED : -ENOMEM;
	p->send_rc = 0;
	ssize_t n = wslay_frame_send(p->frames, &frame);
	int rc = p->send_rc ? p->send_rc : n < 0 || (size_t)n != payload.n ? RF_E_STATE : 0;
	if (rc)
		ws->closed = true; /* half a frame may be out */
	settle(ws);
	return rc;
}

static bool is_utf8(struct rf_view v)
{
	for (size_t i = 0, n; i < v.n; i += n) {
		n = v.p[i] < 0x80 ? 1 : rf_view_utf8(rf_view_from(v, i));
		if (n == 0)
			return false;
	}
	return true;
}

int rf_ws_send(struct rf_ws *ws, struct rf_view message)
{
	return send_frame(ws, is_utf8(message) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, message);
}

int rf_ws_ping(struct rf_ws *ws)
{
	return send_frame(ws, WSLAY_PING, RF_V(""));
}

static void close_with(struct rf_ws *ws, uint16_t code)
{
	uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	if (ws->closed)
		return;
	send_frame(ws, WSLAY_CONNECTION_CLOSE, rf_view_of(payload, code ? sizeof payload : 0));
	ws->code = code;
	ws->closed = true;
	settle(ws);
}

void rf_ws_close(struct rf_ws *ws, enum rf_ws_code code)
{
	close_with(ws, (uint16_t)code);
}

/* ---- in ---- */

static int fail(struct rf_ws *ws, enum rf_ws_code code, int rc)
{
	rf_ws_close(ws, code);
	return rc;
}

/* RFC 6455 7.4, and what IANA has registered since. */
static bool code_ok(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static int closed_by_peer(struct rf_ws *ws, struct rf_view payload)
{
	if (payload.n == 1)
		return fail(ws, RF_WS_PROTOCOL, RF_E_MALFORMED);
	unsigned code = payload.n ? (unsigned)payload.p[0] << 8 | payload.p[1] : 0;
	if (payload.n && !code_ok(code))
		return fail(ws, RF_WS_PROTOCOL, RF_E_MALFORMED);
	if (!is_utf8(rf_view_from(payload, 2)))
		return fail(ws, RF_WS_NOT_TEXT, RF_E_MALFORMED);
	close_with(ws, (uint16_t)code);
	return RF_E_CLOSED;
}

static int on_control(struct rf_ws_part *p)
{
	struct rf_ws *ws = p->ws;
	struct rf_view payload = { p->control, p->control_n };

	p->control_n = 0;
	if (p->frame == WSLAY_CONNECTION_CLOSE)
		return closed_by_peer(ws, payload);
	if (p->frame == WSLAY_PING)
		return send_frame(ws, WSLAY_PONG, payload);
	ws->ops->on_pong(ws->arg);
	return 0;
}

static int on_whole(struct rf_ws_part *p, struct rf_view message)
{
	struct rf_ws *ws = p->ws;

	if (p->message == WSLAY_TEXT_FRAME && !is_utf8(message))
		return fail(ws, RF_WS_NOT_TEXT, RF_E_MALFORMED);
	p->message = p->frames_n = 0;
	ws->ops->on_message(ws->arg, message);
	free(p->buf);
	p->buf = NULL;
	p->n = p->cap = 0;
	return 0;
}

/* May this frame come now, and is there room for it? RFC 6455 5.1 to 5.5. */
static int begin_frame(struct rf_ws_part *p, const struct wslay_frame_iocb *f)
{
	struct rf_ws *ws = p->ws;
	bool control = wslay_is_ctrl_frame(f->opcode), first = f->opcode != WSLAY_CONTINUATION_FRAME;

	if (f->rsv || !f->mask || (control ? f->opcode > WSLAY_PONG : f->opcode > WSLAY_BINARY_FRAME))
		return fail(ws, RF_WS_PROTOCOL, RF_E_MALFORMED);
	p->in_frame = true;
	p->frame = f->opcode;
	p->fin = f->fin;
	p->left = f->payload_length;
	/* Head, mask and payload: libwslay has refused lengths that are not in their shortest form. */
	p->framed += 6 + (f->payload_length > 65535 ? 8 : f->payload_length > 125 ? 2 : 0) + f->payload_length;
	if (control)
		return 0;
	if (first == (p->message != 0))
		return fail(ws, RF_WS_PROTOCOL, RF_E_MALFORMED);
	if (f->payload_length > ws->message_bytes - p->n)
		return fail(ws, RF_WS_TOO_BIG, RF_E_LIMIT);
	if (p->frames_n == RF_WS_FRAGMENTS_MAX)
		return fail(ws, RF_WS_POLICY, RF_E_LIMIT);
	p->frames_n++;
	if (first)
		p->message = f->opcode;
	return 0;
}

/* Memory grows with what has come, not with what was announced. */
static int append(struct rf_ws_part *p, struct rf_view piece)
{
	struct rf_ws *ws = p->ws;

	if (piece.n > p->cap - p->n) {
		size_t cap = p->cap ? p->cap : BUFFER_FIRST;

		while (cap < p->n + piece.n)
			cap *= 2;
		uint8_t *buf = realloc(p->buf, cap);
		if (!buf)
			return fail(ws, RF_WS_INTERNAL, -ENOMEM);
		p->buf = buf;
		p->cap = (uint32_t)cap;
	}
	if (piece.n)
		memcpy(p->buf + p->n, piece.p, piece.n);
	p->n += (uint32_t)piece.n;
	return 0;
}

static int on_piece(struct rf_ws_part *p, const struct wslay_frame_iocb *f)
{
	struct rf_view piece = { f->data, f->data_length };
	int rc = p->in_frame ? 0 : begin_frame(p, f);

	if (rc)
		return rc;
	p->left -= piece.n;
	p->in_frame = p->left > 0;
	if (wslay_is_ctrl_frame(p->frame)) {
		if (piece.n)
			memcpy(p->control + p->control_n, piece.p, piece.n);
		p->control_n = (uint8_t)(p->control_n + piece.n);
		return p->in_frame ? 0 : on_control(p);
	}
	if (!p->in_frame && p->fin && !p->n)
		return on_whole(p, piece);
	rc = append(p, piece);
	return rc || p->in_frame || !p->fin ? rc : on_whole(p, rf_view_of(p->buf, p->n));
}

int rf_ws_input(struct rf_ws *ws, struct rf_view bytes)
{
	struct rf_ws_part *p = ws->closed ? NULL : part_of(ws);
	int rc = p ? 0 : ws->closed ? RF_E_CLOSED : fail(ws, RF_WS_INTERNAL, -ENOMEM);

	if (!p)
		return rc;
	p->in = bytes;
	p->busy = true;
	while (!rc && !ws->closed) {
		struct wslay_frame_iocb frame = { .fin = 0 };
		ssize_t n = wslay_frame_recv(p->frames, &frame);

		if (n == WSLAY_ERR_WANT_READ)
			break;
		rc = n < 0 ? fail(ws, RF_WS_PROTOCOL, RF_E_MALFORMED) : on_piece(p, &frame);
	}
	p->busy = false;
	p->in = (struct rf_view){ NULL, 0 };
	if (!rc && ws->closed)
		rc = RF_E_CLOSED;
	settle(ws);
	return rc;
}

void rf_ws_fini(struct rf_ws *ws)
{
	ws->closed = true;
	drop_part(ws);
}

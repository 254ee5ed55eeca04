/* WebSockets (RFC 6455) as a server of the subprotocol "sip" (RFC 7118): the handshake of HTTP, and messages in frames.
 * Nothing here knows a socket: bytes come in as views, what is to be sent goes to a callback, so both halves are tested
 * and fuzzed without a network.
 *
 *	rf_ws_request_parse()   ws_http.c: the head of the request, in a bounded buffer of the owner's
 *	rf_ws_request_judge()   may it become a WebSocket? The rule that says no
 *	rf_ws_put_answer()      101, or the refusal in HTTP
 *	rf_ws_input()           ws.c: frames, by libwslay; then on_message() and its like
 *
 * No extension is ever agreed on (no compression), so a reserved bit is an error, as an unmasked frame is. */
#ifndef RF_NET_WS_H
#define RF_NET_WS_H

#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"

/* ---- the handshake ---- */

enum {
	RF_WS_HEAD_BYTES = 8192,   /* request line and headers; past it 431 */
	RF_WS_LINE_BYTES = 4096,   /* one line of them; past it 431 (cookies are thrown away, but they come) */
	RF_WS_HEADERS_MAX = 64,    /* header fields; past it 431 */
	RF_WS_KEY_LEN = 24,        /* base64 of 16 bytes (RFC 6455 4.1) */
	RF_WS_ORIGIN_MAX = 300,    /* bytes of an Origin that is looked at and recorded */
	RF_WS_ANSWER_BYTES = 512,  /* the longest answer of rf_ws_put_answer() */
};

/* Which rule refused a handshake, each with one HTTP status. */
enum rf_ws_rule {
	RF_WS_RULE_OK,
	RF_WS_RULE_LINE,         /* 400: not a request line of HTTP/1.1, or not a header line */
	RF_WS_RULE_HEAD_LONG,    /* 431: over one of the bounds above */
	RF_WS_RULE_METHOD,       /* 405 */
	RF_WS_RULE_PATH,         /* 404: not the path of this listener */
	RF_WS_RULE_HOST,         /* 400: Host is missing, twice or malformed (RFC 7230 5.4) */
	RF_WS_RULE_BODY,         /* 400: a body behind it: where the first frame begins would be a guess */
	RF_WS_RULE_ORIGIN,       /* 403: a page of somebody else's */
	RF_WS_RULE_UPGRADE,      /* 426: no Upgrade: websocket, or Connection does not name it */
	RF_WS_RULE_VERSION,      /* 426: another version than 13 */
	RF_WS_RULE_KEY,          /* 400: Sec-WebSocket-Key missing, twice or not 16 bytes in base64 */
	RF_WS_RULE_PROTOCOL,     /* 400: "sip" is not among the subprotocols (RFC 7118 4.1) */
	RF_WS_RULES
};

struct rf_ws_rule_info {
	const char *name;        /* "ws-origin": for the record */
	uint16_t code;           /* HTTP status */
	const char *text;        /* a sentence: what is wrong */
};

/* Never NULL; static storage. */
const struct rf_ws_rule_info *rf_ws_rule_info(enum rf_ws_rule rule);

/* The request, as views into its bytes. */
struct rf_ws_request {
	struct rf_view path;     /* with its query */
	struct rf_view host, origin, key; /* empty: there was none */
	uint32_t size;           /* bytes of the head, with its empty line */
	bool is_get, upgrade, connection, version_ok, protocol_ok; /* what the fields said */
	uint8_t hosts, origins, keys, versions; /* how often, counted to 2 */
	bool has_body;
};

/* bytes: all that has come. 0: the head is whole and understood. RF_E_MORE: it is not whole yet. RF_E_MALFORMED,
 * RF_E_LIMIT with *ret_rule: refuse it so. Reads no further than RF_WS_HEAD_BYTES. */
int rf_ws_request_parse(struct rf_view bytes, struct rf_ws_request *ret_req, enum rf_ws_rule *ret_rule);

/* What a listener demands. */
struct rf_ws_site {
	struct rf_view path;             /* without query; a query in the request is passed over */
	const struct rf_view *origins;   /* "https://phone.example.org": whose pages may connect (RFC 6454 7) */
	size_t origin_count;
};

/* A program that is no browser may leave Origin away: it guards a person at a browser against other people's pages,
 * and proves nothing about who connects (RFC 6455 10.1, 10.2). */
enum rf_ws_rule rf_ws_request_judge(const struct rf_ws_request *req, const struct rf_ws_site *site);
/* 101 for RF_WS_RULE_OK (req is then needed), otherwise the refusal; w needs RF_WS_ANSWER_BYTES. RF_E_CRYPTO,
 * RF_E_SPACE. */
int rf_ws_put_answer(struct rf_writer *w, enum rf_ws_rule rule, const struct rf_ws_request *req);

/* ---- frames ---- */

enum {
	RF_WS_FRAGMENTS_MAX = 64,  /* frames of one message */
	RF_WS_CONTROL_MAX = 125,   /* RFC 6455 5.5 */
	RF_WS_FRAME_HEAD = 10,     /* the most that a frame of ours is longer than its message */
};

/* Status codes of a close (RFC 6455 7.4.1). */
enum rf_ws_code {
	RF_WS_NORMAL = 1000,
	RF_WS_GOING_AWAY = 1001,
	RF_WS_PROTOCOL = 1002,
	RF_WS_NOT_TEXT = 1007,
	RF_WS_POLICY = 1008,
	RF_WS_TOO_BIG = 1009,
	RF_WS_INTERNAL = 1011,
};

struct rf_ws_part;

struct rf_ws_ops {
	/* All or nothing: 0, or a negative code, after which nothing more is sent. May be called from every function
	 * below but rf_ws_fini(). */
	int (*send)(void *arg, struct rf_view bytes);
	/* A whole message, text (then it is UTF-8) or binary. The view is good for the call. */
	void (*on_message)(void *arg, struct rf_view message);
	void (*on_pong)(void *arg);
};

/* All zero but ops, arg and the bound is a fresh one. While nothing is half received it holds no memory. It must not be
 * freed from inside a callback; rf_ws_close() there is fine, and ends rf_ws_input() after it. */
struct rf_ws {
	const struct rf_ws_ops *ops;
	void *arg;
	uint32_t message_bytes;    /* the bound on a message */
	struct rf_ws_part *part;   /* a frame or message half received */
	uint16_t code;             /* why it is closed: what we sent, or the peer's; 0: it is not, or without a code */
	bool closed;               /* by either side: nothing is sent or taken any more */
};

/* Bytes behind the handshake, in order; all are consumed. 0, or why the WebSocket is over, its Close frame being sent:
 * RF_E_CLOSED (the peer or a callback closed it), RF_E_MALFORMED, RF_E_LIMIT, -ENOMEM. */
int rf_ws_input(struct rf_ws *ws, struct rf_view bytes);
/* One message in one frame: text when it is UTF-8 (what browsers' stacks read best), else binary. RF_E_CLOSED, -ENOMEM,
 * or what send() said. */
int rf_ws_send(struct rf_ws *ws, struct rf_view message);
int rf_ws_ping(struct rf_ws *ws);
/* Send a Close frame, once. */
void rf_ws_close(struct rf_ws *ws, enum rf_ws_code code);
void rf_ws_fini(struct rf_ws *ws);

#endif

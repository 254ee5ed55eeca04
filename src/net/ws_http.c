/* The handshake of HTTP/1.1 that a WebSocket begins with (RFC 6455 4.2): one request, one answer. Only what that needs
 * is understood, and whatever could be read in two ways is refused. */
#include "net/ws.h"

#include <openssl/evp.h>

static const struct rf_ws_rule_info rules[RF_WS_RULES] = {
	[RF_WS_RULE_OK] = { "ws-ok", 101, "Switching Protocols" },
	[RF_WS_RULE_LINE] = { "ws-request", 400, "this is not a request of HTTP/1.1" },
	[RF_WS_RULE_HEAD_LONG] = { "ws-head-long", 431, "the request's head is over its bound" },
	[RF_WS_RULE_METHOD] = { "ws-method", 405, "a WebSocket begins with GET" },
	[RF_WS_RULE_PATH] = { "ws-path", 404, "SIP over WebSocket has another path here" },
	[RF_WS_RULE_HOST] = { "ws-host", 400, "the Host field is missing, stands twice or is malformed" },
	[RF_WS_RULE_BODY] = { "ws-body", 400, "a handshake has no body" },
	[RF_WS_RULE_ORIGIN] = { "ws-origin", 403, "pages of this origin may not connect here" },
	[RF_WS_RULE_UPGRADE] = { "ws-upgrade", 426, "this port speaks SIP over WebSocket only" },
	[RF_WS_RULE_VERSION] = { "ws-version", 426, "version 13 of WebSocket is spoken here" },
	[RF_WS_RULE_KEY] = { "ws-key", 400, "Sec-WebSocket-Key must stand once, with 16 bytes in base64" },
	[RF_WS_RULE_PROTOCOL] = { "ws-protocol", 400, "the subprotocol sip must be offered" },
};

const struct rf_ws_rule_info *rf_ws_rule_info(enum rf_ws_rule rule)
{
	return &rules[rule < RF_WS_RULES ? rule : RF_WS_RULE_LINE];
}

/* ---- reading ---- */

/* RFC 7230 3.2.6. */
static bool is_token(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c <= ' ' || c >= 0x7f || memchr("\"(),/:;<=>?@[\\]{}", c, 17))
			return false;
	}
	return v.n > 0;
}

static bool has_controls(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] < ' ' && v.p[i] != '\t') || v.p[i] == 0x7f)
			return true;
	return false;
}

/* Is word in the list (RFC 7230 7)? */
static bool lists(struct rf_view list, struct rf_view word, bool any_case)
{
	while (list.n) {
		size_t at = rf_view_find(list, ',');
		struct rf_view one = rf_view_trim(rf_view_sub(list, 0, at));

		if (any_case ? rf_view_eq_nocase(one, word) : rf_view_eq(one, word))
			return true;
		list = rf_view_from(list, at + 1);
	}
	return false;
}

static bool request_line(struct rf_view line, struct rf_ws_request *req)
{
	size_t at = rf_view_find(line, ' ');
	struct rf_view method = rf_view_sub(line, 0, at), rest = rf_view_from(line, at + 1);

	at = rf_view_find(rest, ' ');
	req->path = rf_view_sub(rest, 0, at);
	req->is_get = rf_view_eq(method, RF_V("GET"));
	return is_token(method) && req->path.n && req->path.p[0] == '/' &&
	       rf_view_eq(rf_view_from(rest, at + 1), RF_V("HTTP/1.1"));
}

static void count(uint8_t *n)
{
	*n = *n ? 2 : 1;
}

static void take_field(struct rf_ws_request *req, struct rf_view name, struct rf_view value)
{
	if (rf_view_eq_nocase(name, RF_V("Host"))) {
		req->host = value;
		count(&req->hosts);
	} else if (rf_view_eq_nocase(name, RF_V("Origin"))) {
		req->origin = value;
		count(&req->origins);
	} else if (rf_view_eq_nocase(name, RF_V("Upgrade"))) {
		req->upgrade |= lists(value, RF_V("websocket"), true);
	} else if (rf_view_eq_nocase(name, RF_V("Connection"))) {
		req->connection |= lists(value, RF_V("upgrade"), true);
	} else if (rf_view_eq_nocase(name, RF_V("Sec-WebSocket-Key"))) {
		req->key = value;
		count(&req->keys);
	} else if (rf_view_eq_nocase(name, RF_V("Sec-WebSocket-Version"))) {
		req->version_ok = rf_view_eq(value, RF_V("13"));
		count(&req->versions);
	} else if (rf_view_eq_nocase(name, RF_V("Sec-WebSocket-Protocol"))) {
		req->protocol_ok |= lists(value, RF_V("sip"), false);
	} else if (rf_view_eq_nocase(name, RF_V("Transfer-Encoding"))) {
		req->has_body = true;
	} else if (rf_view_eq_nocase(name, RF_V("Content-Length"))) {
		req->has_body |= !rf_view_eq(value, RF_V("0"));
	}
}

static bool field_line(struct rf_view line, struct rf_ws_request *req)
{
	size_t at = rf_view_find(line, ':');
	struct rf_view name = rf_view_sub(line, 0, at);

	if (at == line.n || !is_token(name))
		return false; /* folded lines among them (RFC 7230 3.2.4) */
	take_field(req, name, rf_view_trim(rf_view_from(line, at + 1)));
	return true;
}

static int refuse(enum rf_ws_rule rule, enum rf_ws_rule *ret_rule)
{
	*ret_rule = rule;
	return rule == RF_WS_RULE_HEAD_LONG ? RF_E_LIMIT : RF_E_MALFORMED;
}

/* Bytes of the head with its empty line; 0 when that has not come. */
static size_t head_of(struct rf_view bytes)
{
	const uint8_t *end = bytes.n ? memmem(bytes.p, bytes.n, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - bytes.p) + 4 : 0;
}

static int parse_lines(struct rf_view head, struct rf_ws_request *req, enum rf_ws_rule *ret_rule)
{
	for (unsigned lines = 0; head.n; lines++) {
		size_t at = rf_view_find(head, '\r');
		struct rf_view line = rf_view_sub(head, 0, at);

		if (at + 1 >= head.n || head.p[at + 1] != '\n' || has_controls(line))
			return refuse(RF_WS_RULE_LINE, ret_rule);
		if (line.n > RF_WS_LINE_BYTES || lines > RF_WS_HEADERS_MAX)
			return refuse(RF_WS_RULE_HEAD_LONG, ret_rule);
		if (!(lines ? field_line(line, req) : request_line(line, req)))
			return refuse(RF_WS_RULE_LINE, ret_rule);
		head = rf_view_from(head, at + 2);
	}
	return 0;
}

int rf_ws_request_parse(struct rf_view bytes, struct rf_ws_request *ret_req, enum rf_ws_rule *ret_rule)
{
	struct rf_ws_request req = { .size = 0 };

	/* TLS on the wrong port, or a scan: no need to wait for more. */
	if (bytes.n && (bytes.p[0] < 'A' || bytes.p[0] > 'Z'))
		return refuse(RF_WS_RULE_LINE, ret_rule);
	bytes = rf_view_sub(bytes, 0, RF_WS_HEAD_BYTES);
	req.size = (uint32_t)head_of(bytes);
	if (!req.size)
		return bytes.n < RF_WS_HEAD_BYTES ? RF_E_MORE : refuse(RF_WS_RULE_HEAD_LONG, ret_rule);
	int rc = parse_lines(rf_view_sub(bytes, 0, req.size - 2), &req, ret_rule);
	if (!rc)
		*ret_req = req;
	return rc;
}

/* ---- judging ---- */

static bool host_ok(const struct rf_ws_request *req)
{
	if (req->hosts != 1 || !req->host.n || req->host.n > 262)
		return false;
	for (size_t i = 0; i < req->host.n; i++) {
		uint8_t c = rf_lower(req->host.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr("-._:[]", c, 6)))
			return false;
	}
	return true;
}

static bool key_ok(const struct rf_ws_request *req)
{
	if (req->keys != 1 || req->key.n != RF_WS_KEY_LEN)
		return false;
	for (size_t i = 0; i < RF_WS_KEY_LEN; i++) {
		uint8_t c = req->key.p[i], low = rf_lower(c);
		bool digit = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';

		if (i < RF_WS_KEY_LEN - 2 ? !digit : c != '=')
			return false;
	}
	return true;
}

static bool origin_ok(const struct rf_ws_request *req, const struct rf_ws_site *site)
{
	if (req->origins == 0)
		return true;
	if (req->origins > 1 || req->origin.n > RF_WS_ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < site->origin_count; i++)
		if (rf_view_eq_nocase(req->origin, site->origins[i]))
			return true;
	return false;
}

enum rf_ws_rule rf_ws_request_judge(const struct rf_ws_request *req, const struct rf_ws_site *site)
{
	if (!req->is_get)
		return RF_WS_RULE_METHOD;
	if (!rf_view_eq(rf_view_sub(req->path, 0, rf_view_find(req->path, '?')), site->path))
		return RF_WS_RULE_PATH;
	if (!host_ok(req))
		return RF_WS_RULE_HOST;
	if (req->has_body)
		return RF_WS_RULE_BODY;
	if (!req->upgrade || !req->connection)
		return RF_WS_RULE_UPGRADE;
	if (!origin_ok(req, site))
		return RF_WS_RULE_ORIGIN;
	if (!req->version_ok || req->versions != 1)
		return RF_WS_RULE_VERSION;
	if (!key_ok(req))
		return RF_WS_RULE_KEY;
	return req->protocol_ok ? RF_WS_RULE_OK : RF_WS_RULE_PROTOCOL;
}

/* ---- answering ---- */

/* RFC 6455 4.2.2: SHA-1 of the key and a fixed text; it shows that a WebSocket server answered, and nothing else. */
static int put_accept(struct rf_writer *w, struct rf_view key)
{
	static const char fixed[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[RF_WS_KEY_LEN + sizeof fixed - 1], hash[EVP_MAX_MD_SIZE], base64[32];
	unsigned n = 0;

	memcpy(text, key.p, RF_WS_KEY_LEN);
	memcpy(text + RF_WS_KEY_LEN, fixed, sizeof fixed - 1);
	if (EVP_Digest(text, sizeof text, hash, &n, EVP_sha1(), NULL) != 1 || n != 20)
		return RF_E_CRYPTO;
	rf_put(w, rf_view_of(base64, (size_t)EVP_EncodeBlock(base64, hash, 20)));
	return 0;
}

static int put_101(struct rf_writer *w, const struct rf_ws_request *req)
{
	rf_put_lit(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: ");
	int rc = put_accept(w, req->key);

	rf_put_lit(w, "\r\n\r\n");
	return rc ? rc : w->err;
}

static const char *phrase(unsigned code)
{
	switch (code) {
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 426:
		return "Upgrade Required";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Bad Request";
	}
}

int rf_ws_put_answer(struct rf_writer *w, enum rf_ws_rule rule, const struct rf_ws_request *req)
{
	const struct rf_ws_rule_info *info = rf_ws_rule_info(rule);
	struct rf_view text = rf_view_str(info->text);

	if (rule == RF_WS_RULE_OK)
		return put_101(w, req);
	rf_put_lit(w, "HTTP/1.1 ");
	rf_put_u64(w, info->code);
	rf_put_byte(w, ' ');
	rf_put(w, rf_view_str(phrase(info->code)));
	if (info->code == 426) /* RFC 7231 6.5.15 */
		rf_put_lit(w, "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: upgrade, close");
	else
		rf_put_lit(w, "\r\nConnection: close");
	if (info->code == 405)
		rf_put_lit(w, "\r\nAllow: GET");
	rf_put_lit(w, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ");
	rf_put_u64(w, text.n + 1);
	rf_put_lit(w, "\r\n\r\n");
	rf_put(w, text);
	rf_put_byte(w, '\n');
	return w->err;
}

#include "sip/msg.h"

#include "sip/chars.h"
#include "sip/scan.h"

/* The pass: everything it needs beside the message. */
struct pass {
	struct rf_sip_msg *m;
	const struct rf_sip_limits *lim;
	const uint8_t *start, *p, *end;
	uint64_t length; /* Content-Length */
};

/* The first rule that is broken names the refusal; the pass goes on to find what an answer needs. */
static void refuse(struct rf_sip_msg *m, enum rf_sip_rule rule, struct rf_view offender)
{
	if (m->rule != RF_SIP_RULE_NONE)
		return;
	m->rule = rule;
	m->offender = offender;
}

/* Control characters may stand as quoted pairs inside quoted strings only (RFC 3261 25.1). Called for the rare value
 * that has one; folds are not among them. */
static bool controls_ok(struct rf_view v)
{
	bool quoted = false;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if ((c < 0x20 && !rf_sip_is(c, RF_SIP_C_LWS)) || c == 0x7f)
			return false;
		if (quoted && c == '\\' && i + 1 < v.n)
			i++;
		else if (c == '"')
			quoted = !quoted;
	}
	return true;
}

enum line { LINE_OK, LINE_BAD, LINE_NONE };

/* Find the end of the line that begins at s->p, with its folds when fold. *ret_end is the CR; s->p is set behind the
 * LF. LINE_BAD: refused, but the line ends. LINE_NONE: the bytes end first. */
static enum line take_odd_line(struct pass *s, bool fold, const uint8_t **ret_end, bool *ret_folded)
{
	const uint8_t *from = s->p, *q = s->p;
	enum line result = LINE_OK;
	bool controls = false;

	*ret_folded = false;
	for (;; q++) {
		q = rf_sip_scan(q, s->end);
		if (q == s->end || (*q == '\r' && q + 1 == s->end))
			return LINE_NONE;
		if (*q == '\r' && q[1] == '\n') {
			if (!fold || s->end - q < 3 || (q[2] != ' ' && q[2] != '\t'))
				break;
			*ret_folded = true;
			q += 2;
		} else if (*q == '\r' || *q == '\n') {
			refuse(s->m, RF_SIP_RULE_LINE_END, rf_view_of(from, (size_t)(q - from)));
			result = LINE_BAD;
		} else {
			controls = true;
		}
	}
	*ret_end = q;
	s->p = q + 2;
	if (controls && result == LINE_OK && !controls_ok(rf_view_of(from, (size_t)(q - from)))) {
		refuse(s->m, RF_SIP_RULE_CONTROL, rf_view_of(from, (size_t)(q - from)));
		result = LINE_BAD;
	}
	return result;
}

/* The ordinary line has no control character and no fold; any other is gone over again with care. */
static inline enum line take_line(struct pass *s, bool fold, const uint8_t **ret_end, bool *ret_folded)
{
	const uint8_t *q = rf_sip_scan(s->p, s->end);

	if (s->end - q < 3 || q[0] != '\r' || q[1] != '\n' || q[2] == ' ' || q[2] == '\t')
		return take_odd_line(s, fold, ret_end, ret_folded);
	*ret_folded = false;
	*ret_end = q;
	s->p = q + 2;
	return LINE_OK;
}

/* SIP-Version: "SIP/" digits "." digits without case. */
static enum rf_sip_rule version_rule(struct rf_view v)
{
	if (v.n == 7 && memcmp(v.p, "SIP/2.0", 7) == 0)
		return RF_SIP_RULE_NONE;
	if (!rf_view_starts_nocase(v, RF_V("SIP/")))
		return RF_SIP_RULE_START_LINE;
	struct rf_view number = rf_view_from(v, 4);
	size_t dot = rf_view_find(number, '.');
	struct rf_view major = rf_view_sub(number, 0, dot), minor = rf_view_from(number, dot + 1);
	uint64_t x;

	if (major.n > 9 || minor.n > 9 || !rf_view_u64(major, UINT32_MAX, &x) || !rf_view_u64(minor, UINT32_MAX, &x))
		return RF_SIP_RULE_START_LINE;
	return rf_view_eq(number, RF_V("2.0")) ? RF_SIP_RULE_NONE : RF_SIP_RULE_VERSION;
}

/* line is behind the status line's version and space. The space before an empty phrase may be missing. */
static void parse_status(struct rf_sip_msg *m, struct rf_view line, struct rf_view version)
{
	enum rf_sip_rule rule = version_rule(version);
	struct rf_view code = rf_view_sub(line, 0, rf_view_find(line, ' '));
	uint64_t status;

	m->reason = rf_view_from(line, code.n + 1);
	if (rule != RF_SIP_RULE_NONE)
		refuse(m, rule, version);
	else if (code.n != 3 || !rf_view_u64(code, 699, &status) || status < 100)
		refuse(m, RF_SIP_RULE_STATUS, code);
	else
		m->status = (uint16_t)status;
}

static void check_uri(struct rf_sip_msg *m, int rc)
{
	if (rc)
		refuse(m, RF_SIP_RULE_URI, m->uri.text);
	else if (m->uri.scheme == RF_SIP_SCHEME_OTHER)
		refuse(m, RF_SIP_RULE_SCHEME, m->uri.scheme_name);
	else if (m->uri.headers.n)
		refuse(m, RF_SIP_RULE_URI_HEADERS, m->uri.text);
}

/* Method SP Request-URI SP SIP-Version, single spaces, nothing behind (RFC 3261 7.1). */
static void parse_start(struct rf_sip_msg *m, struct rf_view line)
{
	const uint8_t *p = line.p, *end = p + line.n;
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_TOKEN);

	if (q < end && *q == '/' && rf_view_starts_nocase(line, RF_V("SIP/"))) {
		struct rf_view version = rf_view_sub(line, 0, rf_view_find(line, ' '));

		parse_status(m, rf_view_from(line, version.n + 1), version);
		return;
	}
	if (q == p || q == end || *q != ' ') {
		refuse(m, RF_SIP_RULE_START_LINE, line);
		return;
	}
	m->is_request = true;
	m->method_name = rf_view_of(p, (size_t)(q - p));
	m->method = rf_sip_method_of(m->method_name);
	p = ++q;
	int rc = rf_sip_uri_scan(p, end, &m->uri, &q);
	if (rc == 0 && (q == end || *q != ' '))
		rc = RF_E_MALFORMED;
	if (rc) {
		/* The line may be worse than its URI: find the space that ends whatever stands there. */
		q = p + rf_view_find(rf_view_of(p, (size_t)(end - p)), ' ');
		m->uri.text = rf_view_of(p, (size_t)(q - p));
	}
	enum rf_sip_rule rule = q < end ? version_rule(rf_view_of(q + 1, (size_t)(end - q - 1)))
					: RF_SIP_RULE_START_LINE;
	if (rule != RF_SIP_RULE_NONE)
		refuse(m, rule, line);
	check_uri(m, rc);
}

/* The first Via's first value in full, all others counted. */
static void take_via(struct pass *s, struct rf_view value)
{
	struct rf_sip_msg *m = s->m;
	struct rf_sip_values it = rf_sip_values_in(value);
	struct rf_view v;
	int rc = rf_sip_values_next(&it, &v);

	if (rc <= 0) {
		refuse(m, RF_SIP_RULE_VIA, value);
		m->via_count++; /* the next field is not the topmost */
		return;
	}
	if (m->via_count == 0) {
		rc = rf_sip_via_parse(v, &m->via);
		m->has_via = m->via.sent_by_ok;
		if (rc)
			refuse(m, RF_SIP_RULE_VIA, v);
		else if (m->is_request && m->via.branch.n == sizeof(RF_SIP_COOKIE) - 1 &&
			 rf_view_eq_nocase(m->via.branch, RF_V(RF_SIP_COOKIE)))
			refuse(m, RF_SIP_RULE_BRANCH, v);
	}
	do {
		if (++m->via_count > s->lim->vias) {
			refuse(m, RF_SIP_RULE_VIA_COUNT, (struct rf_view){ NULL, 0 });
			return;
		}
	} while ((rc = rf_sip_values_next(&it, &v)) > 0);
	if (rc < 0)
		refuse(m, RF_SIP_RULE_VIA, value);
}

/* callid = word [ "@" word ] */
static bool is_call_id(struct rf_view v)
{
	const uint8_t *end = v.p + v.n, *q = rf_sip_skip(v.p, end, RF_SIP_C_WORD);

	if (q == v.p || v.n > RF_SIP_CALL_ID_MAX)
		return false;
	if (q == end)
		return true;
	return *q == '@' && q + 1 < end && rf_sip_skip(q + 1, end, RF_SIP_C_WORD) == end;
}

/* 1*DIGIT LWS Method; the number is below 2^31 (RFC 3261 8.1.1.5). */
static bool take_cseq(struct rf_sip_msg *m, struct rf_view v)
{
	const uint8_t *end = v.p + v.n;
	uint64_t x;
	const uint8_t *p = rf_sip_digits(v.p, end, INT32_MAX, &x);

	if (!p)
		return false;
	const uint8_t *q = rf_sip_skip_lws(p, end);
	struct rf_view method = rf_view_of(q, (size_t)(end - q));
	bool same = m->is_request && rf_view_eq(method, m->method_name);
	if (q == p || (!same && !rf_sip_is_token(method)))
		return false;
	m->cseq = (uint32_t)x;
	m->cseq_method_name = method;
	m->cseq_method = same ? m->method : rf_sip_method_of(method);
	return true;
}

/* type "/" subtype, then parameters that are not looked at here. */
static bool is_media_type(struct rf_view v)
{
	const uint8_t *end = v.p + v.n, *q = rf_sip_skip(v.p, end, RF_SIP_C_TOKEN);
	bool type = q > v.p;

	q = rf_sip_skip_lws(q, end);
	if (!type || q == end || *q != '/')
		return false;
	q = rf_sip_skip_lws(q + 1, end);
	return q < end && rf_sip_is(*q, RF_SIP_C_TOKEN);
}

static void take_length(struct pass *s, struct rf_view value)
{
	const uint8_t *end = value.p + value.n;

	s->m->has_length = rf_sip_digits(value.p, end, UINT32_MAX, &s->length) == end && value.n;
	if (!s->m->has_length)
		refuse(s->m, RF_SIP_RULE_LENGTH, value);
}

static void take_max_forwards(struct rf_sip_msg *m, struct rf_view value)
{
	const uint8_t *end = value.p + value.n;
	uint64_t x;

	if (value.n && rf_sip_digits(value.p, end, 255, &x) == end)
		m->max_forwards = (int16_t)x;
	else
		refuse(m, RF_SIP_RULE_MAX_FORWARDS, value);
}

/* The fields that every element needs. */
static void take_core(struct pass *s, enum rf_sip_hid id, struct rf_view value)
{
	struct rf_sip_msg *m = s->m;

	switch (id) {
	case RF_SIP_H_VIA:
		take_via(s, value);
		break;
	case RF_SIP_H_FROM:
		m->has_from = rf_sip_addr_parse(value, &m->from) == 0;
		if (!m->has_from)
			refuse(m, RF_SIP_RULE_FROM, value);
		break;
	case RF_SIP_H_TO:
		m->has_to = rf_sip_addr_parse(value, &m->to) == 0;
		if (!m->has_to)
			refuse(m, RF_SIP_RULE_TO, value);
		break;
	case RF_SIP_H_CALL_ID:
		m->has_call_id = is_call_id(value);
		m->call_id = value;
		if (!m->has_call_id)
			refuse(m, RF_SIP_RULE_CALL_ID, value);
		break;
	case RF_SIP_H_CSEQ:
		m->has_cseq = take_cseq(m, value);
		if (!m->has_cseq)
			refuse(m, RF_SIP_RULE_CSEQ, value);
		break;
	case RF_SIP_H_MAX_FORWARDS:
		take_max_forwards(m, value);
		break;
	case RF_SIP_H_CONTENT_LENGTH:
		take_length(s, value);
		break;
	case RF_SIP_H_CONTENT_TYPE:
		m->content_type = value;
		if (!is_media_type(value))
			refuse(m, RF_SIP_RULE_CONTENT_TYPE, value);
		break;
	case RF_SIP_H_EXPIRES:
		m->has_expires = true;
		m->expires_s = rf_sip_delta_seconds(value);
		break;
	default:
		break;
	}
}

/* Put a field into the array and the chain of its id. False when it may not be there. */
static bool keep(struct pass *s, enum rf_sip_hid id, struct rf_view name, struct rf_view value, bool folded)
{
	struct rf_sip_msg *m = s->m;
	uint16_t at = m->hdr_count;

	if (at >= s->lim->headers || at >= RF_SIP_HEADERS_MAX) {
		refuse(m, RF_SIP_RULE_HEADERS, (struct rf_view){ NULL, 0 });
		return false;
	}
	m->hdr_count++;
	m->hdr[at] = (struct rf_sip_hdr){ name, value, (uint8_t)id, folded, RF_SIP_NO_HDR };
	if (id == RF_SIP_H_OTHER)
		return true;
	if (m->first[id] == RF_SIP_NO_HDR) {
		m->first[id] = m->last[id] = at;
		return true;
	}
	m->hdr[m->last[id]].next = at;
	m->last[id] = at;
	if (!rf_sip_hdr_info(id)->once)
		return true;
	refuse(m, RF_SIP_RULE_DUPLICATE, name);
	return false;
}

/* The name of a header line and its id; behind the ":". NULL when the line has no name or no colon.
 * Most names are known and followed by ":" at once, and a known name need not be checked for being a token. */
static const uint8_t *take_name(const uint8_t *p, const uint8_t *end, struct rf_view *ret_name, enum rf_sip_hid *ret_id)
{
	const uint8_t *q = rf_sip_scan_colon(p, end);

	*ret_name = rf_view_of(p, (size_t)(q - p));
	*ret_id = q < end ? rf_sip_hid_of(*ret_name) : RF_SIP_H_OTHER;
	if (*ret_id != RF_SIP_H_OTHER)
		return q + 1;
	q = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	*ret_name = rf_view_of(p, (size_t)(q - p));
	*ret_id = rf_sip_hid_of(*ret_name);
	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	return q > p && q < end && *q == ':' ? q + 1 : NULL;
}

/* line is "name HCOLON value" (RFC 3261 25.1). */
static void parse_header(struct pass *s, const uint8_t *p, const uint8_t *end, bool folded)
{
	struct rf_view name;
	enum rf_sip_hid id;
	const uint8_t *q = take_name(p, end, &name, &id);

	if (!q || name.n == 0) {
		refuse(s->m, RF_SIP_RULE_HEADER, rf_view_of(p, (size_t)(end - p)));
		return;
	}
	struct rf_view value = rf_sip_trim(rf_view_of(q, (size_t)(end - q)));
	if (keep(s, id, name, value, folded))
		take_core(s, id, value);
}

/* A line that is left out. If it was the topmost Via, the next one must not pass for it. */
static void drop_line(struct pass *s, const uint8_t *p, const uint8_t *end)
{
	struct rf_view name = rf_view_of(p, (size_t)(rf_sip_skip(p, end, RF_SIP_C_TOKEN) - p));

	s->m->via_count += rf_sip_hid_of(name) == RF_SIP_H_VIA;
}

/* All header fields and the empty line behind them. */
static void parse_headers(struct pass *s)
{
	const uint8_t *end;
	bool folded;

	for (;;) {
		const uint8_t *from = s->p;

		if (s->end - from >= 2 && from[0] == '\r' && from[1] == '\n') {
			s->p += 2;
			break;
		}
		enum line line = take_line(s, true, &end, &folded);
		if (line == LINE_NONE) {
			refuse(s->m, RF_SIP_RULE_NO_END, rf_view_of(from, (size_t)(s->end - from)));
			s->p = s->end;
			return;
		}
		if (end - from > (ptrdiff_t)s->lim->line_bytes) {
			refuse(s->m, RF_SIP_RULE_LINE_LONG, rf_view_sub(rf_view_of(from, (size_t)(end - from)), 0, 64));
			line = LINE_BAD;
		}
		if (line == LINE_OK)
			parse_header(s, from, end, folded);
		else
			drop_line(s, from, end);
		if (s->p - s->start > (ptrdiff_t)s->lim->head_bytes || s->m->rule == RF_SIP_RULE_HEADERS) {
			refuse(s->m, RF_SIP_RULE_HEAD_LONG, (struct rf_view){ NULL, 0 });
			s->p = s->end;
			return;
		}
	}
	if (s->p - s->start > (ptrdiff_t)s->lim->head_bytes)
		refuse(s->m, RF_SIP_RULE_HEAD_LONG, (struct rf_view){ NULL, 0 });
}

/* What Content-Length says against what is there (RFC 3261 18.3). */
static void parse_body(struct pass *s, enum rf_sip_carrier carrier)
{
	struct rf_sip_msg *m = s->m;
	size_t left = (size_t)(s->end - s->p);

	m->body = rf_view_of(s->p, left);
	if (!m->has_length) {
		if (carrier == RF_SIP_STREAM)
			refuse(m, RF_SIP_RULE_LENGTH_NONE, (struct rf_view){ NULL, 0 });
		return;
	}
	if (s->length > left) {
		refuse(m, RF_SIP_RULE_LENGTH_SHORT, rf_sip_msg_value(m, RF_SIP_H_CONTENT_LENGTH));
		return;
	}
	if (s->length < left && carrier != RF_SIP_DATAGRAM)
		refuse(m, RF_SIP_RULE_LENGTH_LONG, rf_sip_msg_value(m, RF_SIP_H_CONTENT_LENGTH));
	m->body.n = (size_t)s->length;
	m->extra = left - m->body.n;
}

/* What can be said only when all fields are known. */
static void check_whole(struct rf_sip_msg *m)
{
	static const uint8_t needed[] = { RF_SIP_H_VIA, RF_SIP_H_FROM, RF_SIP_H_TO, RF_SIP_H_CALL_ID, RF_SIP_H_CSEQ };

	for (size_t i = 0; i < sizeof needed; i++)
		if (m->first[needed[i]] == RF_SIP_NO_HDR)
			refuse(m, RF_SIP_RULE_MISSING, rf_sip_hdr_info(needed[i])->name);
	if (m->is_request && m->has_cseq && !rf_view_eq(m->method_name, m->cseq_method_name))
		refuse(m, RF_SIP_RULE_CSEQ_METHOD, m->cseq_method_name);
}

/* Field by field: the header array is 10 KiB, and only hdr_count of it is ever looked at. */
static void clear(struct rf_sip_msg *m, struct rf_view bytes)
{
	const struct rf_view none = { NULL, 0 };

	m->rule = RF_SIP_RULE_NONE;
	m->answer = m->hdr_count = m->status = m->via_count = 0;
	m->is_request = m->has_from = m->has_to = m->has_call_id = m->has_cseq = m->has_via = false;
	m->has_expires = m->has_length = false;
	m->method = m->cseq_method = RF_SIP_UNKNOWN;
	m->bytes = bytes;
	m->offender = m->method_name = m->reason = m->call_id = m->cseq_method_name = none;
	m->content_type = m->body = none;
	m->cseq = m->expires_s = 0;
	m->max_forwards = -1;
	m->extra = 0;
	memset(m->first, 0xff, sizeof m->first);
}

static void parse_all(struct pass *s, enum rf_sip_carrier carrier)
{
	struct rf_sip_msg *m = s->m;
	const uint8_t *end;
	bool folded;

	/* Empty lines before a message are passed over (RFC 3261 7.5). */
	while (s->end - s->p >= 2 && s->p[0] == '\r' && s->p[1] == '\n')
		s->p += 2;
	s->start = s->p;
	if (s->p == s->end) {
		refuse(m, RF_SIP_RULE_EMPTY, (struct rf_view){ NULL, 0 });
		return;
	}
	if ((size_t)(s->end - s->p) > s->lim->message_bytes)
		refuse(m, RF_SIP_RULE_MESSAGE_LONG, (struct rf_view){ NULL, 0 });
	enum line line = take_line(s, false, &end, &folded);
	if (line == LINE_NONE) {
		refuse(m, RF_SIP_RULE_START_LINE, rf_view_sub(m->bytes, 0, 64));
		return;
	}
	if (end - s->start > (ptrdiff_t)s->lim->start_bytes)
		refuse(m, RF_SIP_RULE_START_LONG, rf_view_sub(m->bytes, 0, 64));
	parse_start(m, rf_view_of(s->start, (size_t)(end - s->start)));
	parse_headers(s);
	if (m->rule == RF_SIP_RULE_NONE)
		check_whole(m);
	if (m->rule == RF_SIP_RULE_NONE)
		parse_body(s, carrier);
}

static int result_of(struct rf_sip_msg *m)
{
	uint16_t code = rf_sip_rule_info(m->rule)->code;

	if (m->rule == RF_SIP_RULE_NONE)
		return 0;
	if (m->is_request && m->method != RF_SIP_ACK && m->has_via)
		m->answer = code;
	switch (code) {
	case 414: case 483: case 513:
		return RF_E_LIMIT;
	case 416: case 505:
		return RF_E_UNSUPPORTED;
	default:
		return RF_E_MALFORMED;
	}
}

static int parse(struct rf_sip_msg *m, struct rf_view bytes, enum rf_sip_carrier carrier, enum rf_sip_rule rule,
		 const struct rf_sip_limits *lim)
{
	struct pass s;

	clear(m, bytes);
	m->rule = rule;
	s.m = m;
	s.lim = lim ? lim : &rf_sip_limits_default;
	s.start = s.p = bytes.p;
	s.end = bytes.p + bytes.n;
	s.length = 0;
	parse_all(&s, carrier);
	return result_of(m);
}

int rf_sip_msg_parse(struct rf_sip_msg *ret_m, struct rf_view bytes, enum rf_sip_carrier carrier,
		     const struct rf_sip_limits *lim)
{
	return parse(ret_m, bytes, carrier, RF_SIP_RULE_NONE, lim);
}

int rf_sip_msg_parse_refused(struct rf_sip_msg *ret_m, struct rf_view bytes, enum rf_sip_rule rule,
			     const struct rf_sip_limits *lim)
{
	return parse(ret_m, bytes, RF_SIP_STREAM, rule == RF_SIP_RULE_NONE ? RF_SIP_RULE_START_LINE : rule, lim);
}

#include "sip/msg.h"

#include "sip/chars.h"
#include "sip/scan.h"

/* The pass: everything it needs beside the message. */
struct pass {
	struct rf_sip_msg *m;
	const struct rf_sip_limits *lim;
	const uint8_t *start, *p, *end;
	uint64_t length;                /* Content-Length */
	uint16_t last[RF_SIP_H_COUNT];  /* newest field of each id, valid where m->first is */
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
static enum line take_line(struct pass *s, bool fold, const uint8_t **ret_end, bool *ret_folded)
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

static void parse_uri(struct rf_sip_msg *m, struct rf_view uri)
{
	if (rf_sip_uri_parse(uri, &m->uri))
		refuse(m, RF_SIP_RULE_URI, uri);
	else if (m->uri.scheme == RF_SIP_SCHEME_OTHER)
		refuse(m, RF_SIP_RULE_SCHEME, m->uri.scheme_name);
	else if (m->uri.headers.n)
		refuse(m, RF_SIP_RULE_URI_HEADERS, uri);
}

/* Method SP Request-URI SP SIP-Version, single spaces, nothing behind (RFC 3261 7.1). */
static void parse_start(struct rf_sip_msg *m, struct rf_view line)
{
	const uint8_t *p = line.p, *end = p + line.n;
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	struct rf_view first = rf_view_sub(line, 0, rf_view_find(line, ' '));

	if (rf_view_starts_nocase(line, RF_V("SIP/"))) {
		parse_status(m, rf_view_from(line, first.n + 1), first);
		return;
	}
	if (q == p || q == end || *q != ' ') {
		refuse(m, RF_SIP_RULE_START_LINE, line);
		return;
	}
	m->is_request = true;
	m->method_name = first;
	m->method = rf_sip_method_of(first);
	struct rf_view rest = rf_view_from(line, first.n + 1);
	struct rf_view uri = rf_view_sub(rest, 0, rf_view_find(rest, ' '));
	struct rf_view version = rf_view_from(rest, uri.n + 1);
	enum rf_sip_rule rule = version_rule(version);
	if (rule != RF_SIP_RULE_NONE)
		refuse(m, rule, line);
	parse_uri(m, uri);
}

/* The first Via's first value in full, all others counted. */
static void take_via(struct pass *s, struct rf_view value)
{
	struct rf_sip_msg *m = s->m;
	struct rf_sip_values it = rf_sip_values_in(value);
	struct rf_view v;
	int rc = 1;

	/* Without a comma there is nothing to split. */
	if (rf_view_find(value, ',') == value.n) {
		v = value;
		it.rest = (struct rf_view){ NULL, 0 };
	} else {
		rc = rf_sip_values_next(&it, &v);
	}
	if (rc <= 0 || v.n == 0) {
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
	const uint8_t *p = v.p, *end = p + v.n;
	uint64_t x;

	while (p < end && rf_sip_is_digit(*p))
		p++;
	if (!rf_view_u64(rf_view_of(v.p, (size_t)(p - v.p)), INT32_MAX, &x))
		return false;
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_LWS);
	struct rf_view method = rf_view_of(q, (size_t)(end - q));
	if (q == p || !rf_sip_is_token(method))
		return false;
	m->cseq = (uint32_t)x;
	m->cseq_method_name = method;
	m->cseq_method = rf_sip_method_of(method);
	return true;
}

/* type "/" subtype, then parameters that are not looked at here. */
static bool is_media_type(struct rf_view v)
{
	const uint8_t *end = v.p + v.n, *q = rf_sip_skip(v.p, end, RF_SIP_C_TOKEN);
	bool type = q > v.p;

	q = rf_sip_skip(q, end, RF_SIP_C_LWS);
	if (!type || q == end || *q != '/')
		return false;
	q = rf_sip_skip(q + 1, end, RF_SIP_C_LWS);
	return q < end && rf_sip_is(*q, RF_SIP_C_TOKEN);
}

static void take_length(struct pass *s, struct rf_view value)
{
	s->m->has_length = rf_view_u64(value, UINT32_MAX, &s->length);
	if (!s->m->has_length)
		refuse(s->m, RF_SIP_RULE_LENGTH, value);
}

static void take_max_forwards(struct rf_sip_msg *m, struct rf_view value)
{
	uint64_t x;

	if (rf_view_u64(value, 255, &x))
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
		m->first[id] = s->last[id] = at;
		return true;
	}
	m->hdr[s->last[id]].next = at;
	s->last[id] = at;
	if (!rf_sip_hdr_info(id)->once)
		return true;
	refuse(m, RF_SIP_RULE_DUPLICATE, name);
	return false;
}

/* line is "name HCOLON value" (RFC 3261 25.1). */
static void parse_header(struct pass *s, const uint8_t *p, const uint8_t *end, bool folded)
{
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	struct rf_view name = rf_view_of(p, (size_t)(q - p));

	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	if (name.n == 0 || q == end || *q != ':') {
		refuse(s->m, RF_SIP_RULE_HEADER, rf_view_of(p, (size_t)(end - p)));
		return;
	}
	struct rf_view value = rf_view_trim(rf_view_of(q + 1, (size_t)(end - q - 1)));
	enum rf_sip_hid id = rf_sip_hid_of(name);
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
	if (s->length < left && carrier == RF_SIP_STREAM)
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

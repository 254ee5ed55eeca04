#include "sip/frame.h"

#include "sip/chars.h"
#include "sip/hdr.h"
#include "sip/scan.h"

static enum rf_sip_frame_result fail(struct rf_sip_frame *f, enum rf_sip_rule rule, struct rf_view bytes, size_t *ret_n)
{
	f->rule = (uint8_t)rule;
	*ret_n = f->head_n ? f->head_n : bytes.n;
	return RF_SIP_FRAME_ERROR;
}

/* A message or keep-alive of n bytes is complete: begin anew behind it. */
static enum rf_sip_frame_result done(struct rf_sip_frame *f, enum rf_sip_frame_result what, size_t n, size_t *ret_n)
{
	*f = (struct rf_sip_frame){ .pongs_due = f->pongs_due };
	*ret_n = n;
	return what;
}

/* bytes begins with CR, between messages. A lone CR LF is a pong when one is due; otherwise it may become a ping,
 * and is waited for. Whichever of two crossing keep-alives came first, the sum comes out right. */
static enum rf_sip_frame_result keep_alive(struct rf_sip_frame *f, struct rf_view bytes, size_t *ret_n)
{
	const uint8_t *p = bytes.p;

	if (bytes.n == 1)
		return RF_SIP_FRAME_MORE;
	if (p[1] != '\n')
		return fail(f, RF_SIP_RULE_LINE_END, bytes, ret_n);
	if (f->pongs_due) {
		f->pongs_due--;
		return done(f, RF_SIP_FRAME_PONG, 2, ret_n);
	}
	if (bytes.n == 2 || (bytes.n == 3 && p[2] == '\r'))
		return RF_SIP_FRAME_MORE;
	if (p[2] == '\r' && p[3] == '\n')
		return done(f, RF_SIP_FRAME_PING, 4, ret_n);
	return done(f, RF_SIP_FRAME_PONG, 2, ret_n);
}

/* Take Content-Length out of a whole header line; every other line is left to the parser. */
static enum rf_sip_rule look_at(struct rf_sip_frame *f, struct rf_view line, const struct rf_sip_limits *lim)
{
	const uint8_t *p = line.p, *end = p + line.n;
	uint64_t length;

	if (line.n == 0 || (p[0] | 0x20) < 'c' || (p[0] | 0x20) > 'l')
		return RF_SIP_RULE_NONE;
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	struct rf_view name = rf_view_of(p, (size_t)(q - p));
	if (rf_sip_hid_of(name) != RF_SIP_H_CONTENT_LENGTH)
		return RF_SIP_RULE_NONE;
	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	if (q == end || *q != ':')
		return RF_SIP_RULE_HEADER;
	if (f->has_length)
		return RF_SIP_RULE_DUPLICATE;
	struct rf_view value = rf_view_trim(rf_view_of(q + 1, (size_t)(end - q - 1)));
	if (!rf_view_u64(value, UINT32_MAX, &length))
		return RF_SIP_RULE_LENGTH;
	if (length > lim->message_bytes)
		return RF_SIP_RULE_MESSAGE_LONG;
	f->has_length = true;
	f->length = (uint32_t)length;
	return RF_SIP_RULE_NONE;
}

/* The line in hand runs from f->line to at (its CR, or as far as there is anything). */
static enum rf_sip_rule too_long(const struct rf_sip_frame *f, size_t at, const struct rf_sip_limits *lim)
{
	if (at - f->line > (f->line ? lim->line_bytes : lim->start_bytes))
		return f->line ? RF_SIP_RULE_LINE_LONG : RF_SIP_RULE_START_LONG;
	return at > lim->head_bytes ? RF_SIP_RULE_HEAD_LONG : RF_SIP_RULE_NONE;
}

/* Look at the bytes not looked at yet, up to the end of the head; f->head_n says when that is there. */
static enum rf_sip_rule find_head(struct rf_sip_frame *f, struct rf_view bytes, const struct rf_sip_limits *lim)
{
	const uint8_t *end = bytes.p + bytes.n, *q = bytes.p + f->scanned;
	enum rf_sip_rule rule;

	for (;; q++) {
		q = rf_sip_scan(q, end);
		size_t at = (size_t)(q - bytes.p);
		rule = too_long(f, at, lim);
		if (rule != RF_SIP_RULE_NONE)
			return rule;
		f->scanned = (uint32_t)at;
		if (q == end || (*q == '\r' && end - q < 2))
			return RF_SIP_RULE_NONE;
		if (*q != '\r' && *q != '\n')
			continue; /* the parser decides about other control characters: they end no line */
		if (*q == '\n' || q[1] != '\n')
			return RF_SIP_RULE_LINE_END;
		if (at == f->line) {
			f->head_n = (uint32_t)at + 2;
			return f->has_length ? RF_SIP_RULE_NONE : RF_SIP_RULE_LENGTH_NONE;
		}
		if (end - q < 3)
			return RF_SIP_RULE_NONE; /* does a fold follow? Look at this CR again */
		if (f->line && (q[2] == ' ' || q[2] == '\t')) {
			q++;
			continue;
		}
		if (f->line)
			rule = look_at(f, rf_view_sub(bytes, f->line, at - f->line), lim);
		if (rule != RF_SIP_RULE_NONE)
			return rule;
		f->line = f->scanned = (uint32_t)at + 2;
		q++;
	}
}

enum rf_sip_frame_result rf_sip_frame_next(struct rf_sip_frame *f, struct rf_view bytes,
					   const struct rf_sip_limits *lim, size_t *ret_n)
{
	if (!lim)
		lim = &rf_sip_limits_default;
	if (bytes.n == 0)
		return RF_SIP_FRAME_MORE;
	if (f->head_n == 0) {
		if (f->scanned == 0 && bytes.p[0] == '\r')
			return keep_alive(f, bytes, ret_n);
		/* Not a letter that can begin a message: TLS on the wrong port, a scan. */
		if (f->scanned == 0 && !rf_sip_is(bytes.p[0], RF_SIP_C_TOKEN))
			return fail(f, RF_SIP_RULE_START_LINE, bytes, ret_n);
		enum rf_sip_rule rule = find_head(f, bytes, lim);
		if (rule != RF_SIP_RULE_NONE)
			return fail(f, rule, bytes, ret_n);
		if (f->head_n == 0)
			return RF_SIP_FRAME_MORE;
		if (f->head_n > lim->message_bytes || f->length > lim->message_bytes - f->head_n)
			return fail(f, RF_SIP_RULE_MESSAGE_LONG, bytes, ret_n);
		f->need = f->head_n + f->length;
	}
	if (bytes.n < f->need)
		return RF_SIP_FRAME_MORE;
	return done(f, RF_SIP_FRAME_MESSAGE, f->need, ret_n);
}

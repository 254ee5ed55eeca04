/* Any bytes as a datagram, as a framed message and as a stream. What is understood is written again with the builder,
 * parsed again, and must say the same; the framing must agree with the parser and with itself however the bytes are
 * cut; a refusal must be answerable where it says so, with a response that parses. */
#include "sip/build.h"
#include "sip/frame.h"
#include "sip/mpart.h"

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

/* The second reading has longer names and no folds: bounds that it cannot meet first. */
static const struct rf_sip_limits wide = { 1 << 20, 1 << 20, 1 << 20, 1 << 20, RF_SIP_HEADERS_MAX, 70 };
static const struct rf_sip_source source = { { (const uint8_t *)"2001:db8::5", 11 }, 4711 };

struct work {
	struct rf_sip_msg first, second;
	uint8_t out[1 << 18], scratch[1 << 18];
};

/* Everything that is parsed on demand, for the sanitizers. */
static void look(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;
	struct rf_sip_via via;
	struct rf_view v;
	struct rf_sip_mpart parts;
	struct rf_sip_part part;
	enum rf_sip_refresher who;
	uint32_t x, y;
	uint8_t buf[512];

	for (unsigned id = 1; id < RF_SIP_H_COUNT; id++) {
		struct rf_sip_values it = rf_sip_values_of(m, (enum rf_sip_hid)id);

		for (unsigned i = 0; i < 600 && rf_sip_values_next(&it, &v) > 0; i++) {
			MUST(v.n > 0);
			if (rf_sip_contact_parse(v, &a) == 0 && !a.star) {
				rf_sip_addr_q(&a);
				rf_sip_addr_expires(&a, &x);
				rf_sip_addr_display(&a, buf, sizeof buf, &v);
				rf_sip_uri_aor(&a.uri, buf, sizeof buf, &v);
			}
		}
		rf_sip_msg_number(m, (enum rf_sip_hid)id, &x);
		rf_sip_msg_has_token(m, (enum rf_sip_hid)id, RF_V("timer"));
	}
	for (unsigned i = 0; i < 80 && rf_sip_msg_via(m, i, &via) == 0; i++)
		;
	rf_sip_msg_retry_after(m, &x, &y);
	rf_sip_msg_session_expires(m, &x, &who);
	rf_sip_msg_rack(m, &x, &y, &v);
	rf_sip_msg_accepts(m, RF_V("application/sdp"));
	if (rf_sip_mpart_init(&parts, m->content_type, m->body) == 0)
		while (rf_sip_mpart_next(&parts, &part) > 0)
			;
	rf_sip_msg_find_body(m, RF_V("application/sdp"), &v);
}

static bool eq_but_folds(struct rf_view a, struct rf_view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && !((a.p[i] == '\r' || a.p[i] == '\n') && b.p[i] == ' '))
			return false;
	return true;
}

static void write_again(struct rf_writer *w, const struct rf_sip_msg *m)
{
	if (m->is_request)
		rf_sip_put_request(w, m->method_name, m->uri.text);
	else
		rf_sip_put_status(w, m->status, m->reason);
	for (size_t i = 0; i < m->hdr_count; i++)
		if (m->hdr[i].id != RF_SIP_H_CONTENT_LENGTH)
			rf_sip_put_hdr_copy(w, &m->hdr[i]);
	rf_sip_put_body(w, (struct rf_view){ NULL, 0 }, m->body);
}

static void compare(const struct rf_sip_msg *a, const struct rf_sip_msg *b)
{
	size_t j = 0;

	MUST(a->is_request == b->is_request && a->method == b->method && a->status == b->status);
	MUST(rf_view_eq(a->method_name, b->method_name));
	MUST(!a->is_request || rf_view_eq(a->uri.text, b->uri.text));
	MUST(a->is_request || a->reason.n == 0 || rf_view_eq(a->reason, b->reason));
	for (size_t i = 0; i < a->hdr_count; i++) {
		if (a->hdr[i].id == RF_SIP_H_CONTENT_LENGTH)
			continue;
		MUST(a->hdr[i].id == b->hdr[j].id && eq_but_folds(a->hdr[i].value, b->hdr[j].value));
		MUST(a->hdr[i].id != RF_SIP_H_OTHER || rf_view_eq(a->hdr[i].name, b->hdr[j].name));
		j++;
	}
	MUST(b->hdr_count == j + 1);
	MUST(a->via_count == b->via_count && a->via.transport == b->via.transport && a->via.port == b->via.port);
	MUST(rf_view_eq(a->via.host, b->via.host) && rf_view_eq(a->via.branch, b->via.branch));
	MUST(rf_view_eq(a->from.tag, b->from.tag) && rf_view_eq(a->to.tag, b->to.tag));
	MUST(rf_view_eq(a->from.uri.text, b->from.uri.text) && rf_view_eq(a->to.uri.text, b->to.uri.text));
	MUST(rf_view_eq(a->call_id, b->call_id) && a->cseq == b->cseq && a->cseq_method == b->cseq_method);
	MUST(a->max_forwards == b->max_forwards && a->has_expires == b->has_expires);
	MUST(!a->has_expires || a->expires_s == b->expires_s);
	MUST(rf_view_eq(a->body, b->body));
}

static void check_again(struct work *k)
{
	struct rf_writer w;
	struct rf_view v;

	rf_writer_init(&w, k->out, sizeof k->out);
	write_again(&w, &k->first);
	MUST(rf_writer_done(&w, &v) == 0);
	/* One field more when there was no Content-Length. */
	if (k->first.hdr_count == RF_SIP_HEADERS_MAX && !k->first.has_length)
		return;
	MUST(rf_sip_msg_parse(&k->second, v, RF_SIP_STREAM, &wide) == 0);
	compare(&k->first, &k->second);
}

/* A response to it: the peer finds its own Via, From, Call-ID and CSeq. */
static void check_reply(struct work *k)
{
	struct rf_sip_echo echo;
	struct rf_writer w;
	struct rf_view v;

	if (!k->first.is_request || !k->first.has_via)
		return;
	MUST(rf_sip_echo_make(&k->first, &source, k->scratch, sizeof k->scratch, &echo) == 0);
	rf_writer_init(&w, k->out, sizeof k->out);
	rf_sip_put_response(&w, &echo, 200, (struct rf_view){ NULL, 0 }, RF_V("t"), true);
	rf_sip_put_end(&w);
	MUST(rf_writer_done(&w, &v) == 0);
	int rc = rf_sip_msg_parse(&k->second, v, RF_SIP_STREAM, &wide);
	MUST(k->second.has_via && k->second.answer == 0);
	if (k->first.rule != RF_SIP_RULE_NONE)
		return;
	MUST(rc == 0);
	MUST(k->first.via_count == k->second.via_count && rf_view_eq(k->first.via.branch, k->second.via.branch));
	MUST(k->second.to.tag.n > 0);
	MUST(!k->first.via.has_rport || k->second.via.rport == 4711);
	MUST(rf_view_eq(k->first.call_id, k->second.call_id) && k->first.cseq == k->second.cseq);
}

static void check_datagram(struct work *k, struct rf_view v, const struct rf_sip_limits *lim)
{
	int rc = rf_sip_msg_parse(&k->first, v, RF_SIP_DATAGRAM, lim);

	MUST((rc == 0) == (k->first.rule == RF_SIP_RULE_NONE));
	MUST(rc != 0 || k->first.answer == 0);
	look(&k->first);
	if (rc == 0)
		check_again(k);
	check_reply(k);
}

/* Cut as a stream in pieces of `step` bytes; a digest of all that came out. */
static uint64_t cut(struct work *k, struct rf_view v, size_t step)
{
	struct rf_sip_frame f;
	uint64_t digest = 0;
	size_t have = 0, n;

	rf_sip_frame_init(&f);
	rf_sip_frame_pinged(&f);
	for (;;) {
		enum rf_sip_frame_result what = rf_sip_frame_next(&f, rf_view_sub(v, 0, have), NULL, &n);

		if (what == RF_SIP_FRAME_MORE) {
			MUST(have <= rf_sip_limits_default.message_bytes);
			if (have == v.n)
				return digest;
			have = v.n - have > step ? have + step : v.n;
			continue;
		}
		MUST(n > 0 && n <= have);
		digest = digest * 31 + what + (what == RF_SIP_FRAME_ERROR ? f.rule : n);
		if (what == RF_SIP_FRAME_ERROR) {
			MUST(rf_sip_msg_parse_refused(&k->first, rf_view_sub(v, 0, n), (enum rf_sip_rule)f.rule, NULL));
			return digest;
		}
		if (what == RF_SIP_FRAME_MESSAGE) {
			rf_sip_msg_parse(&k->first, rf_view_sub(v, 0, n), RF_SIP_STREAM, NULL);
			/* Where it ends, parser and framing agree. */
			MUST(k->first.rule != RF_SIP_RULE_LENGTH_SHORT && k->first.rule != RF_SIP_RULE_LENGTH_LONG);
			MUST(k->first.rule != RF_SIP_RULE_LENGTH_NONE && k->first.rule != RF_SIP_RULE_NO_END);
			MUST(k->first.rule != RF_SIP_RULE_LINE_END && k->first.rule != RF_SIP_RULE_HEAD_LONG);
			check_reply(k);
		}
		v = rf_view_from(v, n);
		have -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct rf_sip_limits tight = { 2000, 1500, 100, 200, 20, 4 };
	static struct work *k;
	struct rf_view v = rf_view_of(data, n);

	if (!k)
		k = calloc(1, sizeof *k);
	MUST(k);
	if (n > 70000)
		return 0;
	check_datagram(k, v, NULL);
	check_datagram(k, v, &tight);
	/* By bytes only what is short: each piece is a call. */
	uint64_t whole = cut(k, v, n ? n : 1);
	MUST(cut(k, v, n < 400 ? 1 : 61) == whole);
	MUST(cut(k, v, 7 + n / 16) == whole);
	return 0;
}

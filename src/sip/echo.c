/* What a response repeats from its request. The lines are made once, when the request comes; each response is then a
 * status line, one copy and what is its own. */
#include "sip/build.h"

#include "sip/chars.h"
#include "sip/oc.h"

/* received and rport as the sender wrote them are left out: they are ours to say. So is the answer to oc. */
static void put_via_params(struct rf_writer *w, struct rf_view params, bool without_oc)
{
	struct rf_sip_params it = rf_sip_params_of(params);
	struct rf_sip_param p;
	int rc;

	for (;;) {
		const uint8_t *from = it.rest.p;

		rc = rf_sip_params_next(&it, &p);
		if (rc <= 0)
			break;
		if (rf_view_eq_nocase(p.name, RF_V("received")) || rf_view_eq_nocase(p.name, RF_V("rport")))
			continue;
		if (without_oc && rf_sip_oc_is(p.name))
			continue;
		rf_sip_put_value(w, rf_view_of(from, (size_t)(it.rest.p - from)));
	}
	if (rc < 0)
		rf_sip_put_value(w, it.rest);
}

static void put_top_via(struct rf_writer *w, const struct rf_sip_via *via, const struct rf_sip_source *src)
{
	bool differs = !rf_view_eq_nocase(via->host, src->ip);

	if (differs && via->host_kind == RF_SIP_HOST_IP6)
		differs = !rf_sip_host_eq(via->host, RF_SIP_HOST_IP6, src->ip, RF_SIP_HOST_IP6);
	rf_sip_put_value(w, rf_view_sub(via->text, 0, via->text.n - via->params.n));
	bool tell = via->has_oc && src->oc;

	put_via_params(w, via->params, tell);
	if (tell)
		rf_sip_oc_put(w, src->oc);
	if (differs || via->has_rport) {
		rf_put_lit(w, ";received=");
		rf_sip_put_value(w, src->ip);
	}
	if (via->has_rport)
		rf_sip_put_param_u64(w, RF_V("rport"), src->port);
}

/* The top value is rewritten; the rest of its field and all other fields go out as they came. */
static void put_vias(struct rf_writer *w, const struct rf_sip_msg *req, const struct rf_sip_source *src)
{
	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(req, RF_SIP_H_VIA); h; h = rf_sip_msg_hdr_next(req, h)) {
		struct rf_view value = h->value;

		rf_put_lit(w, "Via: ");
		if (src && h == rf_sip_msg_hdr(req, RF_SIP_H_VIA)) {
			put_top_via(w, &req->via, src);
			value = rf_view_from(value, (size_t)(req->via.text.p + req->via.text.n - value.p));
		}
		rf_sip_put_value(w, value);
		rf_sip_put_crlf(w);
	}
}

/* The field as it came, when it came. */
static void put_as_is(struct rf_writer *w, const struct rf_sip_msg *req, enum rf_sip_hid id)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(req, id);

	if (h)
		rf_sip_put_hdr(w, id, h->value);
}

int rf_sip_echo_make(const struct rf_sip_msg *req, const struct rf_sip_source *src, void *buf, size_t cap,
		     struct rf_sip_echo *ret_echo)
{
	struct rf_sip_echo echo = { .to_tagged = !req->has_to || req->to.tag.n > 0 };
	struct rf_writer w;

	if (!req->has_via)
		return RF_E_STATE;
	rf_writer_init(&w, buf, cap);
	put_vias(&w, req, src);
	put_as_is(&w, req, RF_SIP_H_FROM);
	put_as_is(&w, req, RF_SIP_H_TO);
	echo.to_end = (uint32_t)(w.n - (w.n >= 2 ? 2 : 0));
	put_as_is(&w, req, RF_SIP_H_CALL_ID);
	put_as_is(&w, req, RF_SIP_H_CSEQ);
	echo.routes_at = (uint32_t)w.n;
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(req, RF_SIP_H_RECORD_ROUTE);
	for (; h; h = rf_sip_msg_hdr_next(req, h))
		rf_sip_put_hdr(&w, RF_SIP_H_RECORD_ROUTE, h->value);
	int rc = rf_writer_done(&w, &echo.lines);
	if (rc == 0)
		*ret_echo = echo;
	return rc;
}

void rf_sip_put_response(struct rf_writer *w, const struct rf_sip_echo *echo, unsigned code, struct rf_view reason,
			 struct rf_view to_tag, bool routes)
{
	size_t end = routes ? echo->lines.n : echo->routes_at;

	rf_sip_put_status(w, code, reason);
	if (to_tag.n == 0 || echo->to_tagged) {
		rf_put(w, rf_view_sub(echo->lines, 0, end));
		return;
	}
	rf_put(w, rf_view_sub(echo->lines, 0, echo->to_end));
	rf_sip_put_param(w, RF_V("tag"), to_tag);
	rf_put(w, rf_view_sub(echo->lines, echo->to_end, end - echo->to_end));
}

int rf_sip_put_refusal(struct rf_writer *w, const struct rf_sip_msg *m, const struct rf_sip_source *src,
		       struct rf_view to_tag, void *scratch, size_t scratch_cap)
{
	struct rf_sip_echo echo;

	if (m->answer == 0)
		return RF_E_STATE;
	int rc = rf_sip_echo_make(m, src, scratch, scratch_cap, &echo);
	if (rc)
		return rc;
	rf_sip_put_response(w, &echo, m->answer, (struct rf_view){ NULL, 0 }, to_tag, false);
	rf_sip_put_end(w);
	return w->err;
}

void rf_sip_via_target(const struct rf_sip_via *via, struct rf_view *ret_host, uint16_t *ret_port)
{
	if (via->maddr.n) {
		*ret_host = via->maddr;
		*ret_port = via->port;
	} else if (via->received.n) {
		*ret_host = via->received;
		*ret_port = via->has_rport && via->rport ? via->rport : via->port;
	} else {
		*ret_host = via->host;
		*ret_port = via->port;
	}
}

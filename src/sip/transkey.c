/* Which transaction a message belongs to. A key is its kind, then pieces each with its length before it, so that no two
 * lists of pieces make the same bytes. */
#include "sip/trans.h"

#include "sip/msg.h"

enum kind { SERVER_3261 = 'S', SERVER_2543 = 's', CLIENT = 'C', MERGED = 'M' };

static void piece(struct rf_writer *w, struct rf_view v)
{
	const uint8_t size_be[2] = { (uint8_t)(v.n >> 8), (uint8_t)v.n };

	if (v.n > RF_TRANS_KEY_MAX) { /* would not fit, and its length not either */
		w->err = RF_E_SPACE;
		return;
	}
	rf_put(w, rf_view_of(size_be, sizeof size_be));
	rf_put(w, v);
}

/* Host names are compared without case (RFC 3261 19.1.4). */
static void piece_lower(struct rf_writer *w, struct rf_view v)
{
	size_t at = w->n + 2;

	piece(w, v);
	for (size_t i = 0; !w->err && i < v.n; i++)
		w->buf[at + i] = rf_lower(w->buf[at + i]);
}

static void number(struct rf_writer *w, uint32_t x)
{
	const uint8_t be[4] = { (uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x };

	rf_put(w, rf_view_of(be, sizeof be));
}

bool rf_trans_has_cookie(struct rf_view branch)
{
	return branch.n > sizeof RF_SIP_COOKIE - 1 && rf_view_starts_nocase(branch, RF_V(RF_SIP_COOKIE));
}

/* 17.2.3, first list: the INVITE's method stands for its ACK. */
static void key_3261(const struct rf_sip_msg *m, struct rf_view method, struct rf_writer *w)
{
	rf_put_byte(w, SERVER_3261);
	piece(w, method);
	piece(w, m->via.branch);
	piece_lower(w, m->via.host);
	number(w, m->via.port);
}

/* 17.2.3, second list. The To tag of an INVITE and that of its ACK differ, so it cannot be in that key. */
static void key_2543(const struct rf_sip_msg *m, struct rf_view method, struct rf_writer *w)
{
	rf_put_byte(w, SERVER_2543);
	piece(w, method);
	piece(w, m->uri.text);
	piece(w, m->from.tag);
	piece(w, m->call_id);
	number(w, m->cseq);
	piece(w, m->via.text);
	if (!rf_view_eq(method, RF_V("INVITE")))
		piece(w, m->to.tag);
}

static bool usable(const struct rf_sip_msg *m)
{
	return m->has_via && m->has_from && m->has_to && m->has_call_id && m->has_cseq;
}

static int key_server(const struct rf_sip_msg *m, struct rf_view method, struct rf_writer *w)
{
	if (!m->is_request || !usable(m))
		return RF_E_MALFORMED;
	if (rf_trans_has_cookie(m->via.branch))
		key_3261(m, method, w);
	else
		key_2543(m, method, w);
	return w->err;
}

int rf_trans_key_server(const struct rf_sip_msg *req, struct rf_writer *w)
{
	return key_server(req, req->method == RF_SIP_ACK ? RF_V("INVITE") : req->method_name, w);
}

int rf_trans_key_cancelled(const struct rf_sip_msg *cancel, struct rf_writer *w)
{
	return key_server(cancel, RF_V("INVITE"), w);
}

int rf_trans_key_client_of(struct rf_view branch, struct rf_view method, struct rf_writer *w)
{
	rf_put_byte(w, CLIENT);
	piece(w, branch);
	piece(w, method);
	return w->err;
}

int rf_trans_key_client(const struct rf_sip_msg *resp, struct rf_writer *w)
{
	if (resp->is_request || !resp->has_via || !resp->has_cseq || rf_view_empty(resp->via.branch))
		return RF_E_MALFORMED;
	return rf_trans_key_client_of(resp->via.branch, resp->cseq_method_name, w);
}

int rf_trans_key_merged(const struct rf_sip_msg *req, struct rf_writer *w)
{
	if (!req->is_request || !usable(req))
		return RF_E_MALFORMED;
	if (!rf_view_empty(req->to.tag))
		return RF_E_STATE;
	rf_put_byte(w, MERGED);
	piece(w, req->from.tag);
	piece(w, req->call_id);
	number(w, req->cseq);
	piece(w, req->method_name);
	return w->err;
}

#include "sip/build.h"

#include "sip/chars.h"
#include "sip/reason.h"
#include "sip/scan.h"

static void spoil(struct rf_writer *w)
{
	if (w->err == 0)
		w->err = RF_E_MALFORMED;
}

/* Text that may stand in a line: no control character but HTAB. */
static bool is_line(struct rf_view v)
{
	return v.n == 0 || rf_sip_scan(v.p, v.p + v.n) == v.p + v.n;
}

static void put_line(struct rf_writer *w, struct rf_view v)
{
	if (is_line(v))
		rf_put(w, v);
	else
		spoil(w);
}

static void put_token(struct rf_writer *w, struct rf_view v)
{
	if (rf_sip_is_token(v))
		rf_put(w, v);
	else
		spoil(w);
}

/* A URI between other things: no white space, no brackets, no quotes. */
static void put_uri(struct rf_writer *w, struct rf_view v)
{
	if (v.n == 0)
		spoil(w);
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f || v.p[i] == '<' || v.p[i] == '>' || v.p[i] == '"')
			spoil(w);
	rf_put(w, v);
}

/* Like the parser: control characters stand as quoted pairs only, CR LF only as a fold. */
static bool is_value(struct rf_view v)
{
	bool quoted = false;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (c == '\r') {
			if (v.n - i < 3 || v.p[i + 1] != '\n' || (v.p[i + 2] != ' ' && v.p[i + 2] != '\t'))
				return false;
			i += 2;
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		} else if (quoted && c == '\\' && i + 1 < v.n && v.p[i + 1] != '\r' && v.p[i + 1] != '\n') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		}
	}
	return true;
}

void rf_sip_put_value(struct rf_writer *w, struct rf_view value)
{
	if (is_line(value)) {
		rf_put(w, value);
		return;
	}
	if (!is_value(value)) {
		spoil(w);
		return;
	}
	for (size_t i = 0; i < value.n; i++)
		rf_put_byte(w, value.p[i] == '\r' || value.p[i] == '\n' ? ' ' : value.p[i]);
}

void rf_sip_put_request(struct rf_writer *w, struct rf_view method, struct rf_view uri)
{
	put_token(w, method);
	rf_put_byte(w, ' ');
	put_uri(w, uri);
	rf_put_lit(w, " SIP/2.0\r\n");
}

void rf_sip_put_status(struct rf_writer *w, unsigned code, struct rf_view reason)
{
	if (code < 100 || code > 699)
		spoil(w);
	rf_put_lit(w, "SIP/2.0 ");
	rf_put_u64(w, code);
	rf_put_byte(w, ' ');
	put_line(w, reason.n ? reason : rf_sip_reason(code));
	rf_sip_put_crlf(w);
}

void rf_sip_put_hdr_name(struct rf_writer *w, enum rf_sip_hid id)
{
	struct rf_view name = rf_sip_hdr_info(id)->name;

	if (name.n == 0)
		spoil(w);
	rf_put(w, name);
	rf_put_lit(w, ": ");
}

void rf_sip_put_hdr(struct rf_writer *w, enum rf_sip_hid id, struct rf_view value)
{
	rf_sip_put_hdr_name(w, id);
	rf_sip_put_value(w, value);
	rf_sip_put_crlf(w);
}

void rf_sip_put_hdr_named(struct rf_writer *w, struct rf_view name, struct rf_view value)
{
	put_token(w, name);
	rf_put_lit(w, ": ");
	rf_sip_put_value(w, value);
	rf_sip_put_crlf(w);
}

void rf_sip_put_hdr_u64(struct rf_writer *w, enum rf_sip_hid id, uint64_t value)
{
	rf_sip_put_hdr_name(w, id);
	rf_put_u64(w, value);
	rf_sip_put_crlf(w);
}

void rf_sip_put_hdr_copy(struct rf_writer *w, const struct rf_sip_hdr *h)
{
	if (h->id == RF_SIP_H_OTHER)
		rf_sip_put_hdr_named(w, h->name, h->value);
	else
		rf_sip_put_hdr(w, (enum rf_sip_hid)h->id, h->value);
}

void rf_sip_put_cseq(struct rf_writer *w, uint32_t cseq, struct rf_view method)
{
	rf_sip_put_hdr_name(w, RF_SIP_H_CSEQ);
	rf_put_u64(w, cseq);
	rf_put_byte(w, ' ');
	put_token(w, method);
	rf_sip_put_crlf(w);
}

void rf_sip_put_quoted(struct rf_writer *w, struct rf_view text)
{
	if (!is_line(text)) {
		spoil(w);
		return;
	}
	rf_put_byte(w, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			rf_put_byte(w, '\\');
		rf_put_byte(w, text.p[i]);
	}
	rf_put_byte(w, '"');
}

void rf_sip_put_name_addr(struct rf_writer *w, struct rf_view display, struct rf_view uri)
{
	if (display.n) {
		rf_sip_put_quoted(w, display);
		rf_put_byte(w, ' ');
	}
	rf_put_byte(w, '<');
	put_uri(w, uri);
	rf_put_byte(w, '>');
}

void rf_sip_put_param(struct rf_writer *w, struct rf_view name, struct rf_view value)
{
	rf_put_byte(w, ';');
	put_token(w, name);
	if (!value.p)
		return;
	rf_put_byte(w, '=');
	put_token(w, value);
}

void rf_sip_put_param_u64(struct rf_writer *w, struct rf_view name, uint64_t value)
{
	rf_put_byte(w, ';');
	put_token(w, name);
	rf_put_byte(w, '=');
	rf_put_u64(w, value);
}

void rf_sip_put_hostport(struct rf_writer *w, struct rf_view host, uint16_t port)
{
	enum rf_sip_host_kind kind = RF_SIP_HOST_IP6;
	struct rf_view name = host;
	uint8_t addr[16];

	if (rf_sip_ip6(host, addr)) {
		rf_put_byte(w, '[');
		rf_put(w, host);
		rf_put_byte(w, ']');
	} else if (rf_sip_host_parse(host, &name, &kind) == 0 && kind != RF_SIP_HOST_IP6) {
		rf_put(w, name);
	} else {
		spoil(w);
	}
	if (port) {
		rf_put_byte(w, ':');
		rf_put_u64(w, port);
	}
}

void rf_sip_put_via(struct rf_writer *w, const struct rf_sip_new_via *via)
{
	rf_put_lit(w, "Via: SIP/2.0/");
	put_token(w, rf_sip_transport_name(via->transport));
	rf_put_byte(w, ' ');
	rf_sip_put_hostport(w, via->host, via->port);
	rf_sip_put_param(w, RF_V("branch"), via->branch);
	if (via->rport)
		rf_put_lit(w, ";rport");
	if (via->alias)
		rf_put_lit(w, ";alias");
	if (via->keep)
		rf_put_lit(w, ";keep");
	if (via->oc)
		rf_put_lit(w, ";oc;oc-algo=\"loss\"");
	rf_sip_put_crlf(w);
}

void rf_sip_put_body(struct rf_writer *w, struct rf_view type, struct rf_view body)
{
	if (type.n)
		rf_sip_put_hdr(w, RF_SIP_H_CONTENT_TYPE, type);
	rf_sip_put_hdr_u64(w, RF_SIP_H_CONTENT_LENGTH, body.n);
	rf_sip_put_crlf(w);
	rf_put(w, body);
}

#include "sip/chars.h"
#include "sip/uri.h"

/* May stand unescaped in a user part that we write: the grammar's set without ";", "?" and "/", which a careless
 * reader could take for structure, and without ",", which would have to stand in brackets. */
static bool plain(uint8_t c)
{
	return rf_sip_is(c, RF_SIP_C_USER) && c != ';' && c != '?' && c != '/' && c != ',';
}

void rf_sip_uri_put_user(struct rf_writer *w, struct rf_view raw)
{
	static const uint8_t hex[16] = { '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
					 'A', 'B', 'C', 'D', 'E', 'F' };

	for (size_t i = 0; i < raw.n; i++) {
		uint8_t c = raw.p[i];

		if (plain(c)) {
			rf_put_byte(w, c);
			continue;
		}
		rf_put_byte(w, '%');
		rf_put_byte(w, hex[c >> 4]);
		rf_put_byte(w, hex[c & 15]);
	}
}

static void put_hostport(struct rf_writer *w, struct rf_view host, enum rf_sip_host_kind kind, uint16_t port)
{
	if (kind == RF_SIP_HOST_IP6)
		rf_put_byte(w, '[');
	rf_put(w, host);
	if (kind == RF_SIP_HOST_IP6)
		rf_put_byte(w, ']');
	if (port) {
		rf_put_byte(w, ':');
		rf_put_u64(w, port);
	}
}

void rf_sip_uri_put(struct rf_writer *w, const struct rf_sip_uri *uri)
{
	if (uri->scheme == RF_SIP_SCHEME_OTHER) {
		rf_put(w, uri->text);
		return;
	}
	rf_put(w, uri->scheme_name);
	rf_put_byte(w, ':');
	rf_put(w, uri->user);
	if (uri->password.p) {
		rf_put_byte(w, ':');
		rf_put(w, uri->password);
	}
	if (uri->scheme != RF_SIP_SCHEME_TEL) {
		if (uri->user.n)
			rf_put_byte(w, '@');
		put_hostport(w, uri->host, uri->host_kind, uri->port);
	}
	if (uri->params.n) {
		rf_put_byte(w, ';');
		rf_put(w, uri->params);
	}
	if (uri->headers.n) {
		rf_put_byte(w, '?');
		rf_put(w, uri->headers);
	}
}

void rf_sip_uri_put_new(struct rf_writer *w, bool secure, struct rf_view user, struct rf_view host, uint16_t port)
{
	struct rf_view name = host;
	enum rf_sip_host_kind kind = RF_SIP_HOST_IP6;
	uint8_t addr[16];

	if (!rf_sip_ip6(host, addr) && (rf_sip_host_parse(host, &name, &kind) || kind == RF_SIP_HOST_IP6)) {
		w->err = w->err ? w->err : RF_E_MALFORMED;
		return;
	}
	if (secure)
		rf_put_lit(w, "sips:");
	else
		rf_put_lit(w, "sip:");
	rf_sip_uri_put_user(w, user);
	if (user.n)
		rf_put_byte(w, '@');
	put_hostport(w, name, kind, port);
}

/* SIP, SIPS (RFC 3261 19.1) and tel (RFC 3966) URIs. A parsed URI is views into the text it was parsed from.
 * Escapes are kept as they stand: nobody decodes twice, and "%40" never becomes structure. */
#ifndef RF_SIP_URI_H
#define RF_SIP_URI_H

#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"
#include "sip/params.h"

enum rf_sip_scheme {
	RF_SIP_SCHEME_OTHER, /* well formed, not one of ours: only text and scheme_name are set */
	RF_SIP_SCHEME_SIP,
	RF_SIP_SCHEME_SIPS,
	RF_SIP_SCHEME_TEL,   /* the number is in user, there is no host */
};

enum rf_sip_host_kind { RF_SIP_HOST_NONE, RF_SIP_HOST_NAME, RF_SIP_HOST_IP4, RF_SIP_HOST_IP6 };

struct rf_sip_uri {
	struct rf_view text;        /* all of it */
	struct rf_view scheme_name;
	struct rf_view user;        /* as written, with its escapes; empty when there is none */
	struct rf_view password;    /* as user */
	struct rf_view host;        /* without the brackets of an IPv6 reference */
	struct rf_view params;      /* behind the first ";", up to "?" */
	struct rf_view headers;     /* behind "?" */
	enum rf_sip_scheme scheme;
	enum rf_sip_host_kind host_kind;
	uint16_t port;              /* 0 when none is written */
};

/* The whole of text must be one URI. RF_E_MALFORMED, RF_E_LIMIT (host, number of parameters or headers). */
int rf_sip_uri_parse(struct rf_view text, struct rf_sip_uri *ret_uri);

/* A URI parameter by name, without case. The value is as written (escapes kept). */
bool rf_sip_uri_param(const struct rf_sip_uri *uri, struct rf_view name, struct rf_view *ret_value);
/* Walk the parameters (sep ';', start from uri->params) or the headers (sep '&', start from uri->headers): takes the
 * next name and value off *rest; false at the end. */
bool rf_sip_uri_next(struct rf_view *rest, uint8_t sep, struct rf_view *ret_name, struct rf_view *ret_value);
static inline bool rf_sip_uri_lr(const struct rf_sip_uri *uri)
{
	struct rf_view v;

	return rf_sip_uri_param(uri, RF_V("lr"), &v);
}
/* sip and sips */
static inline bool rf_sip_uri_is_sip(const struct rf_sip_uri *uri)
{
	return uri->scheme == RF_SIP_SCHEME_SIP || uri->scheme == RF_SIP_SCHEME_SIPS;
}

/* Equality of RFC 3261 19.1.4 (tel: RFC 3966 5; any other scheme: byte for byte). */
bool rf_sip_uri_eq(const struct rf_sip_uri *a, const struct rf_sip_uri *b);

/* The canonical address-of-record of RFC 3261 10.3: "user@host", escapes of the user undone, host in lower case,
 * without scheme, password, port, parameters and headers; "host" alone when there is no user. tel: the number without
 * visual separators. The host is what follows the last "@"; the user may hold any byte, NUL too.
 * RF_E_SPACE; RF_E_UNSUPPORTED for other schemes. cap of uri->text.n always suffices. */
int rf_sip_uri_aor(const struct rf_sip_uri *uri, void *buf, size_t cap, struct rf_view *ret_aor);

/* The user part (or any view) with its %HH undone, once. RF_E_SPACE, RF_E_MALFORMED. v.n bytes suffice. */
int rf_sip_uri_unescape(struct rf_view v, void *buf, size_t cap, struct rf_view *ret_v);
/* Write raw bytes as a user part: what the grammar does not let stand is escaped. */
void rf_sip_uri_put_user(struct rf_writer *w, struct rf_view raw);
/* Write the URI from its fields, so that parsing it again gives equal fields. */
void rf_sip_uri_put(struct rf_writer *w, const struct rf_sip_uri *uri);
/* Write "sip:user@host:port" (sips: when secure). user raw, may be empty; host a name or an address without
 * brackets (they are added round an IPv6 address), refused with w->err RF_E_MALFORMED when it is neither;
 * port 0 writes none. Parameters may be written after it by the caller. */
void rf_sip_uri_put_new(struct rf_writer *w, bool secure, struct rf_view user, struct rf_view host, uint16_t port);

/* host is what stands between "@" or " " and ":" or ";"; with brackets for IPv6. On success *ret_host has none. */
int rf_sip_host_parse(struct rf_view text, struct rf_view *ret_host, enum rf_sip_host_kind *ret_kind);
/* Sixteen bytes of an IPv6 address without brackets; tolerates the three colons of RFC 5118 4.10. */
bool rf_sip_ip6(struct rf_view text, uint8_t ret_addr[static 16]);
/* Same host: names without case, IPv6 by value. */
bool rf_sip_host_eq(struct rf_view a, enum rf_sip_host_kind a_kind, struct rf_view b, enum rf_sip_host_kind b_kind);

#endif

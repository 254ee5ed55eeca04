#include "sip/identity_hdr.h"

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/params.h"
#include "sip/passport.h"
#include "sip/scan.h"

/* RFC 8224 has "/" and "+" in its grammar and base64url in its text; either passes here, and is refused where the
 * token is read if it is not base64url. */
static bool is_token_byte(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || rf_sip_is_digit(c) || c == '-' || c == '_' ||
	       c == '.' || c == '/' || c == '+';
}

/* p stands behind "info=": <URI>. */
static const uint8_t *take_info(const uint8_t *p, const uint8_t *end, struct rf_view *ret_uri)
{
	p = rf_sip_skip_lws(p, end);
	if (p == end || *p != '<')
		return NULL;
	const uint8_t *from = ++p;

	while (p < end && *p > ' ' && *p < 0x7f && *p != '<' && *p != '>' && *p != '"')
		p++;
	if (p == end || *p != '>' || p == from)
		return NULL;
	*ret_uri = rf_view_of(from, (size_t)(p - from));
	return p + 1;
}

static const uint8_t *take_word(const uint8_t *p, const uint8_t *end, struct rf_view *ret_v)
{
	p = rf_sip_skip_lws(p, end);
	bool quoted = p < end && *p == '"';
	const uint8_t *from = p += quoted;

	p = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	*ret_v = rf_view_of(from, (size_t)(p - from));
	if (ret_v->n == 0 || (quoted && (p == end || *p != '"')))
		return NULL;
	return p + quoted;
}

/* A value that we do not need: a token, a quoted string or something in <>. */
static const uint8_t *pass_value(const uint8_t *p, const uint8_t *end)
{
	struct rf_view v;

	p = rf_sip_skip_lws(p, end);
	if (p < end && *p == '<')
		return take_info(p, end, &v);
	if (p < end && *p == '"') {
		for (p++; p < end && *p != '"'; p++)
			if (*p == '\\' && ++p == end)
				return NULL;
		return p == end ? NULL : p + 1;
	}
	const uint8_t *from = p;

	p = rf_sip_skip(p, end, RF_SIP_C_VALUE);
	return p == from ? NULL : p;
}

static const uint8_t *take_param(const uint8_t *p, const uint8_t *end, struct rf_identity_hdr *h)
{
	const uint8_t *from = p = rf_sip_skip_lws(p, end);

	p = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	struct rf_view name = rf_view_of(from, (size_t)(p - from));
	struct rf_view *to = rf_view_eq_nocase(name, RF_V("info")) ? &h->info :
			     rf_view_eq_nocase(name, RF_V("alg")) ? &h->alg :
			     rf_view_eq_nocase(name, RF_V("ppt")) ? &h->ppt : NULL;

	p = rf_sip_skip_lws(p, end);
	if (name.n == 0 || (to && to->p))
		return NULL; /* nothing, or a second time */
	if (p == end || *p != '=')
		return to ? NULL : p;
	p++;
	p = to == &h->info ? take_info(p, end, to) : to ? take_word(p, end, to) : pass_value(p, end);
	return p ? rf_sip_skip_lws(p, end) : NULL;
}

int rf_identity_hdr_parse(struct rf_view value, struct rf_identity_hdr *ret_h)
{
	const uint8_t *p = value.p, *end = p + value.n, *from = p;
	struct rf_identity_hdr h = { .token = { NULL, 0 } };
	unsigned seen = 0;

	while (p < end && is_token_byte(*p))
		p++;
	h.token = rf_view_of(from, (size_t)(p - from));
	p = rf_sip_skip_lws(p, end);
	while (p && p < end && *p == ';') {
		if (++seen > RF_SIP_PARAMS_MAX)
			return RF_E_LIMIT;
		p = take_param(p + 1, end, &h);
	}
	if (!p || p != end || h.token.n == 0 || h.info.n == 0)
		return RF_E_MALFORMED;
	if (h.token.n > RF_PASSPORT_MAX || h.info.n > RF_PASSPORT_X5U_MAX)
		return RF_E_LIMIT;
	*ret_h = h;
	return 0;
}

void rf_identity_hdr_put_params(struct rf_writer *w, struct rf_view x5u, struct rf_view ppt)
{
	for (size_t i = 0; i < x5u.n; i++)
		if (x5u.p[i] <= ' ' || x5u.p[i] >= 0x7f || x5u.p[i] == '<' || x5u.p[i] == '>')
			w->err = RF_E_MALFORMED;
	rf_put_lit(w, ";info=<");
	rf_put(w, x5u);
	rf_put_lit(w, ">;alg=ES256");
	if (ppt.n) {
		rf_put_lit(w, ";ppt=");
		rf_put(w, ppt);
	}
}

int rf_identity_info_host(struct rf_view uri, struct rf_view *ret_host)
{
	enum rf_sip_host_kind kind;
	uint64_t port = 443;

	if (!rf_view_starts_nocase(uri, RF_V("https://")) || uri.n > RF_PASSPORT_X5U_MAX)
		return RF_E_INVALID;
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] >= 0x7f || memchr("#<>\"\\^`{|}@", uri.p[i], 11))
			return RF_E_INVALID;
	const uint8_t *end = uri.p + uri.n, *p = rf_sip_host_scan(uri.p + 8, end, ret_host, &kind);

	if (p && p < end && *p == ':')
		p = rf_sip_digits(p + 1, end, 65535, &port);
	if (!p || p == end || *p != '/' || ret_host->n == 0 || (port != 443 && port != 8443))
		return RF_E_INVALID;
	return 0;
}

#include "sip/uri.h"

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/scan.h"

bool rf_sip_uri_next(struct rf_view *rest, uint8_t sep, struct rf_view *ret_name, struct rf_view *ret_value)
{
	if (rest->n == 0)
		return false;
	size_t n = rf_view_find(*rest, sep);
	struct rf_view one = rf_view_sub(*rest, 0, n);
	size_t eq = rf_view_find(one, '=');

	*ret_name = rf_view_sub(one, 0, eq);
	*ret_value = rf_view_from(one, eq < one.n ? eq + 1 : eq);
	*rest = rf_view_from(*rest, n < rest->n ? n + 1 : n);
	return true;
}

/* Names in list before the one that begins at `at` that are the same: a second one would be a second reading. */
static bool seen_before(struct rf_view list, struct rf_view name, uint8_t sep)
{
	struct rf_view rest = rf_view_sub(list, 0, (size_t)(name.p - list.p)), n, v;

	while (rf_sip_uri_next(&rest, sep, &n, &v))
		if (rf_sip_escaped_eq(n, name, true))
			return true;
	return false;
}

/* pname [ "=" pvalue ] over and over, none empty, no name twice; for tel: and sip: alike. p stands behind ";". */
static int scan_params(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *u, const uint8_t **ret_end)
{
	const uint8_t *from = p;

	for (unsigned count = 1;; count++) {
		const uint8_t *name = p;

		if (count > RF_SIP_PARAMS_MAX)
			return RF_E_LIMIT;
		p = rf_sip_skip_escaped(p, end, RF_SIP_C_PARAM);
		size_t n = (size_t)(p - name);
		if (n == 0)
			return RF_E_MALFORMED;
		if (p < end && *p == '=') {
			const uint8_t *value = ++p;

			p = rf_sip_skip_escaped(p, end, RF_SIP_C_PARAM);
			if (p == value)
				return RF_E_MALFORMED;
		}
		if (count > 1 && seen_before(rf_view_of(from, (size_t)(p - from)), rf_view_of(name, n), ';'))
			return RF_E_MALFORMED;
		if (p == end || *p != ';')
			break;
		p++;
	}
	u->params = rf_view_of(from, (size_t)(p - from));
	*ret_end = p;
	return 0;
}

/* hname "=" hvalue over and over. The same name may come again: they become header fields of a request. */
static int scan_headers(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *u, const uint8_t **ret_end)
{
	const uint8_t *from = p;

	for (unsigned count = 1;; count++) {
		const uint8_t *name = p;

		if (count > RF_SIP_PARAMS_MAX)
			return RF_E_LIMIT;
		p = rf_sip_skip_escaped(p, end, RF_SIP_C_HNV);
		if (p == name || p == end || *p != '=')
			return RF_E_MALFORMED;
		p = rf_sip_skip_escaped(p + 1, end, RF_SIP_C_HNV);
		if (p == end || *p != '&')
			break;
		p++;
	}
	u->headers = rf_view_of(from, (size_t)(p - from));
	*ret_end = p;
	return 0;
}

/* Behind the userinfo and its "@", or p when there is none, or NULL. "@" can stand nowhere else in the URI, so
 * whatever is not followed by one is no userinfo. */
static const uint8_t *scan_userinfo(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *u)
{
	const uint8_t *q = rf_sip_skip_escaped(p, end, RF_SIP_C_USER), *r = q;

	if (q < end && *q == ':')
		r = rf_sip_skip_escaped(q + 1, end, RF_SIP_C_USER);
	if (r == end || *r != '@')
		return p;
	u->user = rf_view_of(p, (size_t)(q - p));
	if (r > q)
		u->password = rf_view_of(q + 1, (size_t)(r - q - 1));
	return q > p ? r + 1 : NULL;
}

/* p is behind "sip:". */
static int scan_sip(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *u, const uint8_t **ret_end)
{
	uint64_t port;

	p = scan_userinfo(p, end, u);
	if (p)
		p = rf_sip_host_scan(p, end, &u->host, &u->host_kind);
	if (!p)
		return RF_E_MALFORMED;
	if (p < end && *p == ':') {
		p = rf_sip_digits(p + 1, end, UINT16_MAX, &port);
		if (!p || port == 0)
			return RF_E_MALFORMED;
		u->port = (uint16_t)port;
	}
	if (p < end && *p == ';') {
		int rc = scan_params(p + 1, end, u, &p);
		if (rc)
			return rc;
	}
	if (p < end && *p == '?')
		return scan_headers(p + 1, end, u, ret_end);
	*ret_end = p;
	return 0;
}

static bool is_separator(uint8_t c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 3: a global number is "+" and digits, a local one hexadecimal digits, "*" and "#". */
static int scan_tel(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *u, const uint8_t **ret_end)
{
	const uint8_t *from = p;
	bool global = p < end && *p == '+';
	size_t digits = 0;

	for (p += global; p < end; p++) {
		bool digit = global ? rf_sip_is_digit(*p) : rf_sip_hex(*p) >= 0 || *p == '*' || *p == '#';

		if (!digit && !is_separator(*p))
			break;
		digits += digit;
	}
	if (digits == 0)
		return RF_E_MALFORMED;
	u->user = rf_view_of(from, (size_t)(p - from));
	if (p < end && *p == ';')
		return scan_params(p + 1, end, u, ret_end);
	*ret_end = p;
	return 0;
}

/* A URI that we only carry: RFC 3986's characters, no white space, quotes or angle brackets. */
static int scan_other(const uint8_t *p, const uint8_t *end, const uint8_t **ret_end)
{
	const uint8_t *from = p;

	while (p < end && *p > ' ' && *p < 0x7f && *p != '"' && *p != '<' && *p != '>')
		p++;
	*ret_end = p;
	return p > from ? 0 : RF_E_MALFORMED;
}

static bool is_alpha(uint8_t c)
{
	return (unsigned)(c | 0x20) - 'a' < 26;
}

static bool is_scheme(struct rf_view v)
{
	if (v.n == 0 || !is_alpha(v.p[0]))
		return false;
	for (size_t i = 1; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!is_alpha(c) && !rf_sip_is_digit(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	return true;
}

/* The ":" behind the scheme at p, NULL when there is no scheme. It is "sip" or "sips" nearly always. */
static const uint8_t *scan_scheme(const uint8_t *p, const uint8_t *end, enum rf_sip_scheme *ret_scheme)
{
	static const uint8_t sips[4] = { 's', 'i', 'p', 's' };
	const uint8_t *from = p;

	*ret_scheme = RF_SIP_SCHEME_SIP;
	if (end - p > 3 && p[3] == ':' && rf_sip_token_eq(p, sips, 3))
		return p + 3;
	*ret_scheme = RF_SIP_SCHEME_SIPS;
	if (end - p > 4 && p[4] == ':' && rf_sip_token_eq(p, sips, 4))
		return p + 4;
	p = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	struct rf_view name = rf_view_of(from, (size_t)(p - from));
	*ret_scheme = rf_sip_token_is(name, "tel") ? RF_SIP_SCHEME_TEL : RF_SIP_SCHEME_OTHER;
	return p < end && *p == ':' && is_scheme(name) ? p : NULL;
}

/* Field by field: for a struct of this size the compiler's own clearing is many times slower. */
static void clear(struct rf_sip_uri *u)
{
	const struct rf_view none = { NULL, 0 };

	u->user = u->password = u->host = u->params = u->headers = none;
	u->host_kind = RF_SIP_HOST_NONE;
	u->port = 0;
}

int rf_sip_uri_scan(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *ret_uri, const uint8_t **ret_end)
{
	const uint8_t *from = p;
	int rc;

	p = scan_scheme(p, end, &ret_uri->scheme);
	if (!p)
		return RF_E_MALFORMED;
	clear(ret_uri);
	ret_uri->scheme_name = rf_view_of(from, (size_t)(p - from));
	switch (ret_uri->scheme) {
	case RF_SIP_SCHEME_SIP:
	case RF_SIP_SCHEME_SIPS:
		rc = scan_sip(p + 1, end, ret_uri, &p);
		break;
	case RF_SIP_SCHEME_TEL:
		rc = scan_tel(p + 1, end, ret_uri, &p);
		break;
	default:
		rc = scan_other(p + 1, end, &p);
		break;
	}
	ret_uri->text = rf_view_of(from, (size_t)(p - from));
	*ret_end = p;
	return rc;
}

int rf_sip_uri_parse(struct rf_view text, struct rf_sip_uri *ret_uri)
{
	const uint8_t *end;
	struct rf_sip_uri u;
	int rc = rf_sip_uri_scan(text.p, text.p + text.n, &u, &end);

	if (rc == 0 && end != text.p + text.n)
		rc = RF_E_MALFORMED;
	if (rc == 0)
		*ret_uri = u;
	return rc;
}

bool rf_sip_uri_param(const struct rf_sip_uri *uri, struct rf_view name, struct rf_view *ret_value)
{
	struct rf_view rest = uri->params, n, v;

	while (rf_sip_uri_next(&rest, ';', &n, &v))
		if (rf_view_eq_nocase(n, name)) {
			*ret_value = v;
			return true;
		}
	return false;
}

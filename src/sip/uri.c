#include "sip/uri.h"

#include "sip/chars.h"
#include "sip/limits.h"

/* All of v is of these classes or escapes. */
static bool all_of(struct rf_view v, unsigned classes)
{
	const uint8_t *p = v.p, *end = p + v.n;

	for (;;) {
		/* "%" is in the token class only, which is never asked for here */
		p = rf_sip_skip(p, end, classes);
		if (p == end)
			return true;
		if (*p != '%' || end - p < 3 || rf_sip_hex(p[1]) < 0 || rf_sip_hex(p[2]) < 0)
			return false;
		p += 3;
	}
}

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
		if (rf_view_eq_nocase(n, name))
			return true;
	return false;
}

/* pname [ "=" pvalue ] over and over, none empty; for tel: and sip: alike. */
static int check_params(struct rf_view list)
{
	struct rf_view rest = list, name, value;
	unsigned count = 0;

	if (list.n == 0 || list.p[list.n - 1] == ';')
		return RF_E_MALFORMED;
	while (rf_sip_uri_next(&rest, ';', &name, &value)) {
		bool has_value = value.p > name.p + name.n;

		if (++count > RF_SIP_PARAMS_MAX)
			return RF_E_LIMIT;
		if (name.n == 0 || (has_value && value.n == 0) || !all_of(name, RF_SIP_C_PARAM) ||
		    !all_of(value, RF_SIP_C_PARAM) || (count > 1 && seen_before(list, name, ';')))
			return RF_E_MALFORMED;
	}
	return 0;
}

/* hname "=" hvalue over and over. The same name may come again: they become header fields of a request. */
static int check_headers(struct rf_view list)
{
	struct rf_view rest = list, name, value;
	unsigned count = 0;

	if (list.n == 0 || list.p[list.n - 1] == '&')
		return RF_E_MALFORMED;
	while (rf_sip_uri_next(&rest, '&', &name, &value)) {
		if (++count > RF_SIP_PARAMS_MAX)
			return RF_E_LIMIT;
		if (name.n == 0 || value.p == name.p + name.n || !all_of(name, RF_SIP_C_HNV) ||
		    !all_of(value, RF_SIP_C_HNV))
			return RF_E_MALFORMED;
	}
	return 0;
}

static int parse_userinfo(struct rf_view info, struct rf_sip_uri *u)
{
	size_t colon = rf_view_find(info, ':');

	u->user = rf_view_sub(info, 0, colon);
	if (u->user.n == 0 || !all_of(u->user, RF_SIP_C_USER))
		return RF_E_MALFORMED;
	if (colon < info.n) {
		u->password = rf_view_from(info, colon + 1);
		if (!all_of(u->password, RF_SIP_C_USER))
			return RF_E_MALFORMED;
	}
	return 0;
}

static int parse_hostport(struct rf_view text, struct rf_sip_uri *u)
{
	const uint8_t *p = text.p, *end = p + text.n;

	if (p < end && *p == '[') {
		p += rf_view_find(text, ']');
		if (p < end)
			p++;
	} else {
		p = rf_sip_skip(p, end, RF_SIP_C_HOST);
	}
	int rc = rf_sip_host_parse(rf_view_of(text.p, (size_t)(p - text.p)), &u->host, &u->host_kind);
	if (rc || p == end)
		return rc;
	uint64_t port;
	if (*p != ':' || !rf_view_u64(rf_view_of(p + 1, (size_t)(end - p - 1)), UINT16_MAX, &port) || port == 0)
		return RF_E_MALFORMED;
	u->port = (uint16_t)port;
	return 0;
}

/* rest is behind "sip:". "@" can stand only behind the userinfo, so the first one decides where the host begins. */
static int parse_sip(struct rf_view rest, struct rf_sip_uri *u)
{
	size_t at = rf_view_find(rest, '@'), n;
	int rc;

	if (at < rest.n) {
		rc = parse_userinfo(rf_view_sub(rest, 0, at), u);
		if (rc)
			return rc;
		rest = rf_view_from(rest, at + 1);
	}
	for (n = 0; n < rest.n && rest.p[n] != ';' && rest.p[n] != '?'; n++)
		;
	rc = parse_hostport(rf_view_sub(rest, 0, n), u);
	if (rc || n == rest.n)
		return rc;
	bool params = rest.p[n] == ';';
	rest = rf_view_from(rest, n + 1);
	if (params) {
		n = rf_view_find(rest, '?');
		u->params = rf_view_sub(rest, 0, n);
		rc = check_params(u->params);
		if (rc || n == rest.n)
			return rc;
		rest = rf_view_from(rest, n + 1);
	}
	u->headers = rest;
	return check_headers(rest);
}

static bool is_separator(uint8_t c)
{
	return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 3: a global number is "+" and digits, a local one hexadecimal digits, "*" and "#". */
static int parse_tel(struct rf_view rest, struct rf_sip_uri *u)
{
	size_t n = rf_view_find(rest, ';'), digits = 0;
	bool global = rest.n && rest.p[0] == '+';

	u->user = rf_view_sub(rest, 0, n);
	for (size_t i = global; i < n; i++) {
		uint8_t c = rest.p[i];

		if (is_separator(c))
			continue;
		if (global ? !rf_sip_is_digit(c) : rf_sip_hex(c) < 0 && c != '*' && c != '#')
			return RF_E_MALFORMED;
		digits++;
	}
	if (digits == 0)
		return RF_E_MALFORMED;
	if (n == rest.n)
		return 0;
	u->params = rf_view_from(rest, n + 1);
	return check_params(u->params);
}

/* A URI that we only carry: RFC 3986's characters, no white space, quotes or angle brackets. */
static int parse_other(struct rf_view rest)
{
	if (rest.n == 0)
		return RF_E_MALFORMED;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || rest.p[i] == '"' || rest.p[i] == '<' || rest.p[i] == '>')
			return RF_E_MALFORMED;
	return 0;
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

static enum rf_sip_scheme scheme_of(struct rf_view v)
{
	if (rf_sip_token_is(v, "sip"))
		return RF_SIP_SCHEME_SIP;
	if (rf_sip_token_is(v, "sips"))
		return RF_SIP_SCHEME_SIPS;
	return rf_sip_token_is(v, "tel") ? RF_SIP_SCHEME_TEL : RF_SIP_SCHEME_OTHER;
}

int rf_sip_uri_parse(struct rf_view text, struct rf_sip_uri *ret_uri)
{
	size_t colon = 0;

	while (colon < text.n && text.p[colon] != ':')
		colon++;
	struct rf_view scheme = rf_view_sub(text, 0, colon);
	if (colon == text.n || !is_scheme(scheme))
		return RF_E_MALFORMED;

	struct rf_sip_uri u = { .text = text, .scheme_name = scheme, .scheme = scheme_of(scheme) };
	struct rf_view rest = rf_view_from(text, colon + 1);
	int rc = u.scheme == RF_SIP_SCHEME_TEL ? parse_tel(rest, &u)
	       : u.scheme == RF_SIP_SCHEME_OTHER ? parse_other(rest)
						 : parse_sip(rest, &u);
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

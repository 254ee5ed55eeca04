#include "sip/addr.h"

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/scan.h"

/* Walk the header parameters once: all well formed, at most one tag, a token of bounded length. */
static int parse_params(struct rf_sip_addr *a, struct rf_view params)
{
	struct rf_sip_params it = rf_sip_params_of(params);
	struct rf_sip_param p;
	bool tagged = false;
	int rc;

	while ((rc = rf_sip_params_next(&it, &p)) > 0) {
		if (!rf_sip_token_is(p.name, "tag"))
			continue;
		if (tagged || !p.token)
			return RF_E_MALFORMED;
		if (p.value.n > RF_SIP_TAG_MAX)
			return RF_E_LIMIT;
		tagged = true;
		a->tag = p.value;
	}
	a->params = params;
	return rc;
}

/* What may follow the URI: nothing, or parameters. */
static int parse_tail(struct rf_sip_addr *a, const uint8_t *p, const uint8_t *end)
{
	p = rf_sip_skip_lws(p, end);
	if (p == end)
		return 0;
	return *p == ';' ? parse_params(a, rf_view_of(p, (size_t)(end - p))) : RF_E_MALFORMED;
}

/* p stands behind "<". No white space is let into the brackets (RFC 4475 3.1.2.14). */
static int parse_bracketed(struct rf_sip_addr *a, const uint8_t *p, const uint8_t *end)
{
	a->bracketed = true;
	int rc = rf_sip_uri_scan(p, end, &a->uri, &p);
	if (rc)
		return rc;
	return p < end && *p == '>' ? parse_tail(a, p + 1, end) : RF_E_MALFORMED;
}

/* An addr-spec: a ";" begins a header parameter, "," and "?" must not be there (RFC 3261 20.10). */
static int parse_bare(struct rf_sip_addr *a, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *q = p;

	while (q < end && *q != ';' && *q != ',' && *q != '?' && !rf_sip_is(*q, RF_SIP_C_LWS))
		q++;
	const uint8_t *uri_end;
	int rc = rf_sip_uri_scan(p, q, &a->uri, &uri_end);

	if (rc == 0 && uri_end != q)
		rc = RF_E_MALFORMED;
	return rc ? rc : parse_tail(a, q, end);
}

/* p stands behind the opening quote. */
static int parse_quoted(struct rf_sip_addr *a, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

	while (p < end && *p != '"')
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	if (p == end)
		return RF_E_MALFORMED;
	a->display = rf_view_of(from, (size_t)(p - from));
	a->display_quoted = true;
	p = rf_sip_skip_lws(p + 1, end);
	return p < end && *p == '<' ? parse_bracketed(a, p + 1, end) : RF_E_MALFORMED;
}

int rf_sip_addr_parse(struct rf_view value, struct rf_sip_addr *ret_addr)
{
	value = rf_sip_trim(value);
	const uint8_t *p = value.p, *end = p + value.n;

	/* the URI is written by its own parser */
	ret_addr->text = value;
	ret_addr->display = ret_addr->params = ret_addr->tag = (struct rf_view){ NULL, 0 };
	ret_addr->display_quoted = ret_addr->bracketed = ret_addr->star = false;
	if (p == end)
		return RF_E_MALFORMED;
	if (*p == '"')
		return parse_quoted(ret_addr, p + 1, end);
	const uint8_t *q = rf_sip_skip(p, end, RF_SIP_C_TOKEN | RF_SIP_C_LWS);
	if (q == end || *q != '<')
		return parse_bare(ret_addr, p, end);
	ret_addr->display = rf_sip_trim(rf_view_of(p, (size_t)(q - p)));
	return parse_bracketed(ret_addr, q + 1, end);
}

int rf_sip_contact_parse(struct rf_view value, struct rf_sip_addr *ret_addr)
{
	value = rf_sip_trim(value);
	if (!rf_view_eq(value, RF_V("*")))
		return rf_sip_addr_parse(value, ret_addr);
	*ret_addr = (struct rf_sip_addr){ .text = value, .star = true };
	return 0;
}

int rf_sip_addr_display(const struct rf_sip_addr *a, void *buf, size_t cap, struct rf_view *ret_v)
{
	uint8_t *dst = (uint8_t *)buf;
	struct rf_view v = a->display;
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (a->display_quoted && c == '\\' && i + 1 < v.n) {
			c = v.p[++i];
		} else if (rf_sip_is(c, RF_SIP_C_LWS)) {
			c = ' ';
			if (i && rf_sip_is(v.p[i - 1], RF_SIP_C_LWS))
				continue;
		}
		if (n == cap)
			return RF_E_SPACE;
		dst[n++] = c;
	}
	*ret_v = rf_view_of(dst, n);
	return 0;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool qvalue(struct rf_view v, unsigned *ret_q)
{
	static const unsigned weight[] = { 100, 10, 1 };

	if (v.n == 0 || v.n > 5 || (v.p[0] != '0' && v.p[0] != '1') || (v.n > 1 && v.p[1] != '.'))
		return false;
	unsigned q = v.p[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < v.n; i++) {
		if (!rf_sip_is_digit(v.p[i]))
			return false;
		q += (v.p[i] - (unsigned)'0') * weight[i - 2];
	}
	*ret_q = q;
	return q <= 1000;
}

unsigned rf_sip_addr_q(const struct rf_sip_addr *a)
{
	struct rf_sip_param p;
	unsigned q;

	return rf_sip_addr_param(a, RF_V("q"), &p) && qvalue(p.value, &q) ? q : 1000;
}

bool rf_sip_addr_expires(const struct rf_sip_addr *a, uint32_t *ret_s)
{
	struct rf_sip_param p;

	if (!rf_sip_addr_param(a, RF_V("expires"), &p))
		return false;
	*ret_s = rf_sip_delta_seconds(p.value);
	return true;
}

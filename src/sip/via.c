#include "sip/via.h"

#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/scan.h"

static const struct rf_view names[RF_SIP_TRANSPORTS] = {
	[RF_SIP_UDP] = { (const uint8_t *)"UDP", 3 },
	[RF_SIP_TCP] = { (const uint8_t *)"TCP", 3 },
	[RF_SIP_TLS] = { (const uint8_t *)"TLS", 3 },
	[RF_SIP_SCTP] = { (const uint8_t *)"SCTP", 4 },
	[RF_SIP_WS] = { (const uint8_t *)"WS", 2 },
	[RF_SIP_WSS] = { (const uint8_t *)"WSS", 3 },
};

struct rf_view rf_sip_transport_name(enum rf_sip_transport t)
{
	return (unsigned)t < RF_SIP_TRANSPORTS ? names[t] : (struct rf_view){ NULL, 0 };
}

enum rf_sip_transport rf_sip_transport_of(struct rf_view name)
{
	for (unsigned i = RF_SIP_UDP; i < RF_SIP_TRANSPORTS; i++)
		if (names[i].n == name.n && rf_sip_token_eq(names[i].p, name.p, name.n))
			return (enum rf_sip_transport)i;
	return RF_SIP_TRANSPORT_OTHER;
}

/* A token with white space round it, then c (0: any white space at all must follow). NULL when it is not so. */
static const uint8_t *take_token(const uint8_t *p, const uint8_t *end, uint8_t c, struct rf_view *ret_v)
{
	const uint8_t *from = p = rf_sip_skip_lws(p, end);

	p = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	*ret_v = rf_view_of(from, (size_t)(p - from));
	if (p == from)
		return NULL;
	const uint8_t *q = rf_sip_skip_lws(p, end);
	if (c == 0)
		return q > p ? q : NULL;
	return q < end && *q == c ? q + 1 : NULL;
}

/* sent-protocol: name "/" version "/" transport, white space round the slashes. The version is not looked at here:
 * that of the start line decides. */
static const uint8_t *take_protocol(const uint8_t *p, const uint8_t *end, struct rf_sip_via *via)
{
	struct rf_view name, version;

	if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0) {
		p += 8;
	} else {
		p = take_token(p, end, '/', &name);
		if (!p || !rf_sip_token_is(name, "SIP"))
			return NULL;
		p = take_token(p, end, '/', &version);
		if (!p)
			return NULL;
	}
	p = take_token(p, end, 0, &via->transport_name);
	if (p)
		via->transport = rf_sip_transport_of(via->transport_name);
	return p;
}

/* sent-by: host [ ":" port ], white space allowed round the colon. */
static const uint8_t *take_sent_by(const uint8_t *p, const uint8_t *end, struct rf_sip_via *via)
{
	uint64_t port;

	p = rf_sip_host_scan(p, end, &via->host, &via->host_kind);
	if (!p)
		return NULL;
	p = rf_sip_skip_lws(p, end);
	if (p == end || *p != ':')
		return p;
	p = rf_sip_digits(rf_sip_skip_lws(p + 1, end), end, UINT16_MAX, &port);
	if (!p || port == 0)
		return NULL;
	via->port = (uint16_t)port;
	return rf_sip_skip_lws(p, end);
}

/* One text may come once. */
static int take_text(struct rf_view *slot, const struct rf_sip_param *p)
{
	if (slot->n || p->value.n == 0 || p->quoted)
		return RF_E_MALFORMED;
	*slot = p->value;
	return 0;
}

static struct rf_view without_brackets(struct rf_view v)
{
	return v.n > 2 && v.p[0] == '[' && v.p[v.n - 1] == ']' ? rf_view_sub(v, 1, v.n - 2) : v;
}

static int take_branch(struct rf_sip_via *via, const struct rf_sip_param *p)
{
	const struct rf_view cookie = RF_V(RF_SIP_COOKIE);
	int rc = take_text(&via->branch, p);

	if (rc || !p->token)
		return RF_E_MALFORMED;
	via->rfc3261 = p->value.n > cookie.n && rf_sip_token_eq(p->value.p, cookie.p, cookie.n);
	return p->value.n > RF_SIP_BRANCH_MAX ? RF_E_LIMIT : 0;
}

static int take_received(struct rf_sip_via *via, const struct rf_sip_param *p)
{
	int rc = take_text(&via->received, p);

	via->received = without_brackets(via->received);
	return rc;
}

static int take_rport(struct rf_sip_via *via, const struct rf_sip_param *p)
{
	uint64_t port = 0;

	if (via->has_rport || (p->has_value && (!rf_view_u64(p->value, UINT16_MAX, &port) || port == 0)))
		return RF_E_MALFORMED;
	via->has_rport = true;
	via->rport = (uint16_t)port;
	return 0;
}

static int take_param(struct rf_sip_via *via, const struct rf_sip_param *p)
{
	if (rf_sip_token_is(p->name, "branch"))
		return take_branch(via, p);
	if (rf_sip_token_is(p->name, "rport"))
		return take_rport(via, p);
	if (rf_sip_token_is(p->name, "received"))
		return take_received(via, p);
	if (rf_sip_token_is(p->name, "maddr"))
		return take_text(&via->maddr, p);
	via->has_alias = via->has_alias || rf_sip_token_is(p->name, "alias");
	via->has_oc = via->has_oc || rf_sip_token_is(p->name, "oc");
	return 0;
}

/* Field by field, as in uri.c. */
static void clear(struct rf_sip_via *via, struct rf_view text)
{
	const struct rf_view none = { NULL, 0 };

	via->text = text;
	via->transport_name = via->host = via->params = via->branch = via->received = via->maddr = none;
	via->transport = RF_SIP_TRANSPORT_OTHER;
	via->host_kind = RF_SIP_HOST_NONE;
	via->port = via->rport = 0;
	via->has_rport = via->has_alias = via->has_oc = via->rfc3261 = via->sent_by_ok = false;
}

int rf_sip_via_parse(struct rf_view value, struct rf_sip_via *ret_via)
{
	value = rf_sip_trim(value);
	clear(ret_via, value);
	const uint8_t *p = value.p, *end = p + value.n;

	p = take_protocol(p, end, ret_via);
	if (p)
		p = take_sent_by(p, end, ret_via);
	if (!p || (p < end && *p != ';'))
		return RF_E_MALFORMED;
	ret_via->sent_by_ok = true;
	ret_via->params = rf_view_of(p, (size_t)(end - p));

	struct rf_sip_params it = rf_sip_params_of(ret_via->params);
	struct rf_sip_param param;
	int rc;
	while ((rc = rf_sip_params_next(&it, &param)) > 0) {
		rc = take_param(ret_via, &param);
		if (rc)
			return rc;
	}
	return rc;
}

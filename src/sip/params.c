#include "sip/params.h"

#include "sip/chars.h"
#include "sip/limits.h"

bool rf_sip_is_token(struct rf_view v)
{
	return v.n && rf_sip_skip(v.p, v.p + v.n, RF_SIP_C_TOKEN) == v.p + v.n;
}

/* p stands behind the opening quote. The closing quote, or NULL. */
static const uint8_t *quote_end(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p++) {
		if (*p == '"')
			return p;
		if (*p == '\\' && ++p == end)
			return NULL;
	}
	return NULL;
}

/* p stands behind "=". */
static const uint8_t *take_value(const uint8_t *p, const uint8_t *end, struct rf_sip_param *param)
{
	const uint8_t *from = p = rf_sip_skip_lws(p, end);

	if (p < end && *p == '"') {
		p = quote_end(++from, end);
		if (!p)
			return NULL;
		param->quoted = true;
		param->value = rf_view_of(from, (size_t)(p - from));
		return p + 1;
	}
	unsigned common = RF_SIP_C_TOKEN;
	for (; p < end && rf_sip_is(*p, RF_SIP_C_VALUE); p++)
		common &= rf_sip_chars[*p];
	param->value = rf_view_of(from, (size_t)(p - from));
	param->token = common && p > from;
	return p > from ? p : NULL;
}

int rf_sip_params_next(struct rf_sip_params *it, struct rf_sip_param *ret_p)
{
	if (it->rest.n == 0)
		return 0;
	const uint8_t *p = it->rest.p, *end = p + it->rest.n;

	if (it->seen == RF_SIP_PARAMS_MAX)
		return RF_E_LIMIT;
	p = rf_sip_skip_lws(p, end);
	if (p < end && *p == ';')
		p = rf_sip_skip_lws(p + 1, end);
	else if (p == end && it->seen)
		return 0;

	const uint8_t *from = p;
	p = rf_sip_skip(p, end, RF_SIP_C_TOKEN);
	if (p == from)
		return RF_E_MALFORMED;
	ret_p->name = rf_view_of(from, (size_t)(p - from));
	ret_p->value = (struct rf_view){ NULL, 0 };
	ret_p->has_value = ret_p->quoted = ret_p->token = false;
	p = rf_sip_skip_lws(p, end);
	if (p < end && *p == '=') {
		p = take_value(p + 1, end, ret_p);
		if (!p)
			return RF_E_MALFORMED;
		ret_p->has_value = true;
		p = rf_sip_skip_lws(p, end);
	}
	if (p < end && *p != ';')
		return RF_E_MALFORMED;
	it->rest = rf_view_of(p, (size_t)(end - p));
	it->seen++;
	return 1;
}

int rf_sip_params_check(struct rf_view params)
{
	struct rf_sip_params it = rf_sip_params_of(params);
	struct rf_sip_param p;
	int rc;

	while ((rc = rf_sip_params_next(&it, &p)) > 0)
		;
	return rc;
}

bool rf_sip_params_find(struct rf_view params, struct rf_view name, struct rf_sip_param *ret_p)
{
	struct rf_sip_params it = rf_sip_params_of(params);
	struct rf_sip_param p;

	while (rf_sip_params_next(&it, &p) > 0)
		if (rf_view_eq_nocase(p.name, name)) {
			*ret_p = p;
			return true;
		}
	return false;
}

int rf_sip_unquote(struct rf_view v, void *buf, size_t cap, struct rf_view *ret_v)
{
	uint8_t *dst = (uint8_t *)buf;
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\\' && i + 1 < v.n)
			i++;
		else if (v.p[i] == '\r' || v.p[i] == '\n')
			continue; /* a fold: the white space behind it stays */
		if (n == cap)
			return RF_E_SPACE;
		dst[n++] = v.p[i];
	}
	*ret_v = rf_view_of(dst, n);
	return 0;
}

uint32_t rf_sip_delta_seconds(struct rf_view v)
{
	uint32_t s;

	if (rf_view_u32(v, &s))
		return s;
	for (size_t i = 0; i < v.n; i++)
		if (!rf_sip_is_digit(v.p[i]))
			return 3600;
	return v.n ? UINT32_MAX : 3600;
}

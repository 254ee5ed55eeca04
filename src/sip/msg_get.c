/* Typed access to the headers that not every element needs. */
#include "sip/chars.h"
#include "sip/mpart.h"
#include "sip/msg.h"

const struct rf_sip_hdr *rf_sip_msg_named(const struct rf_sip_msg *m, struct rf_view name,
					  const struct rf_sip_hdr *after)
{
	if (!rf_sip_is_token(name))
		return NULL;
	enum rf_sip_hid id = rf_sip_hid_of(name);

	for (size_t i = after ? (size_t)(after - m->hdr) + 1 : 0; i < m->hdr_count; i++) {
		const struct rf_sip_hdr *h = &m->hdr[i];

		if (h->id == id && (id != RF_SIP_H_OTHER || rf_view_eq_nocase(h->name, name)))
			return h;
	}
	return NULL;
}

/* Value n (from 0) of a list header. */
static int nth_value(const struct rf_sip_msg *m, enum rf_sip_hid id, unsigned n, struct rf_view *ret_v)
{
	struct rf_sip_values it = rf_sip_values_of(m, id);
	int rc;

	do
		rc = rf_sip_values_next(&it, ret_v);
	while (rc > 0 && n--);
	return rc > 0 ? 0 : rc == 0 ? RF_E_NOT_FOUND : rc;
}

int rf_sip_msg_via(const struct rf_sip_msg *m, unsigned n, struct rf_sip_via *ret_via)
{
	struct rf_view v;
	int rc = nth_value(m, RF_SIP_H_VIA, n, &v);

	return rc ? rc : rf_sip_via_parse(v, ret_via);
}

int rf_sip_msg_addr(const struct rf_sip_msg *m, enum rf_sip_hid id, struct rf_sip_addr *ret_addr)
{
	struct rf_view v;
	int rc = nth_value(m, id, 0, &v);

	if (rc)
		return rc;
	return id == RF_SIP_H_CONTACT ? rf_sip_contact_parse(v, ret_addr) : rf_sip_addr_parse(v, ret_addr);
}

/* The next non-empty element of a plain list, parameters cut off: 1, 0 at the end or where it cannot be split. */
static bool next_token(struct rf_view *rest, struct rf_view *ret_v)
{
	while (rest->n) {
		size_t n = rf_view_find(*rest, ',');
		struct rf_view v = rf_view_sub(*rest, 0, n);

		*rest = rf_view_from(*rest, n + 1);
		v = rf_view_trim(rf_view_sub(v, 0, rf_view_find(v, ';')));
		if (v.n == 0)
			continue;
		*ret_v = v;
		return true;
	}
	return false;
}

static bool lists(const struct rf_sip_msg *m, enum rf_sip_hid id, struct rf_view token,
		  bool (*eq)(struct rf_view, struct rf_view))
{
	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id); h; h = rf_sip_msg_hdr_next(m, h)) {
		struct rf_view rest = h->value, v;

		while (next_token(&rest, &v))
			if (eq(v, token))
				return true;
	}
	return false;
}

bool rf_sip_msg_has_token(const struct rf_sip_msg *m, enum rf_sip_hid id, struct rf_view token)
{
	return lists(m, id, token, rf_view_eq_nocase);
}

bool rf_sip_msg_allows(const struct rf_sip_msg *m, enum rf_sip_method method)
{
	return lists(m, RF_SIP_H_ALLOW, rf_sip_method_name(method), rf_view_eq);
}

/* "*" and "*" or equal, for both halves. */
static bool range_admits(struct rf_view range, struct rf_view type)
{
	size_t a = rf_view_find(range, '/'), b = rf_view_find(type, '/');
	struct rf_view major = rf_view_trim(rf_view_sub(range, 0, a));
	struct rf_view minor = rf_view_trim(rf_view_from(range, a + 1));

	if (rf_view_eq(major, RF_V("*")))
		return rf_view_eq(minor, RF_V("*"));
	return rf_view_eq_nocase(major, rf_view_sub(type, 0, b)) &&
	       (rf_view_eq(minor, RF_V("*")) || rf_view_eq_nocase(minor, rf_view_from(type, b + 1)));
}

bool rf_sip_msg_accepts(const struct rf_sip_msg *m, struct rf_view media_type)
{
	if (!rf_sip_msg_hdr(m, RF_SIP_H_ACCEPT))
		return rf_view_eq_nocase(media_type, RF_V("application/sdp"));
	return lists(m, RF_SIP_H_ACCEPT, media_type, range_admits);
}

bool rf_sip_msg_is_type(const struct rf_sip_msg *m, struct rf_view media_type)
{
	return rf_sip_is_media_type(m->content_type, media_type);
}

static bool among(struct rf_view v, const struct rf_view *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq_nocase(v, known[i]))
			return true;
	return false;
}

int rf_sip_msg_unsupported(const struct rf_sip_msg *m, enum rf_sip_hid id, const struct rf_view *known, size_t n,
			   struct rf_writer *w)
{
	int count = 0;

	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id); h; h = rf_sip_msg_hdr_next(m, h)) {
		struct rf_view rest = h->value, v;

		while (next_token(&rest, &v)) {
			if (!rf_sip_is_token(v))
				return RF_E_MALFORMED;
			if (among(v, known, n))
				continue;
			if (count++)
				rf_put_lit(w, ", ");
			rf_put(w, v);
		}
	}
	return count;
}

/* 1*DIGIT at the start of v up to 2^32-1; *ret_rest is what follows it, without white space. */
static bool take_number(struct rf_view v, uint32_t *ret_x, struct rf_view *ret_rest)
{
	size_t n = 0;

	while (n < v.n && rf_sip_is_digit(v.p[n]))
		n++;
	*ret_rest = rf_view_trim(rf_view_from(v, n));
	return rf_view_u32(rf_view_sub(v, 0, n), ret_x);
}

/* delta-seconds, then parameters. */
static int number_and_params(const struct rf_sip_msg *m, enum rf_sip_hid id, uint32_t *ret_x,
			     struct rf_view *ret_params)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id);
	uint32_t x;

	if (!h)
		return RF_E_NOT_FOUND;
	if (!take_number(h->value, &x, ret_params))
		return RF_E_MALFORMED;
	if (ret_params->n && (ret_params->p[0] != ';' || rf_sip_params_check(*ret_params)))
		return RF_E_MALFORMED;
	*ret_x = x;
	return 0;
}

int rf_sip_msg_number(const struct rf_sip_msg *m, enum rf_sip_hid id, uint32_t *ret_x)
{
	struct rf_view params;

	return number_and_params(m, id, ret_x, &params);
}

/* delta-seconds [ comment ] *( ";" retry-param ) */
int rf_sip_msg_retry_after(const struct rf_sip_msg *m, uint32_t *ret_s, uint32_t *ret_duration_s)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, RF_SIP_H_RETRY_AFTER);
	struct rf_sip_param p;
	struct rf_view rest;
	uint32_t s, duration = 0;

	if (!h)
		return RF_E_NOT_FOUND;
	if (!take_number(h->value, &s, &rest))
		return RF_E_MALFORMED;
	unsigned depth = 0;
	while (rest.n && (depth || rest.p[0] == '(')) {
		uint8_t c = rest.p[0];

		depth += (c == '(') - (unsigned)(c == ')');
		rest = rf_view_from(rest, c == '\\' && rest.n > 1 ? 2 : 1);
	}
	rest = rf_view_trim(rest);
	if (depth || (rest.n && (rest.p[0] != ';' || rf_sip_params_check(rest))))
		return RF_E_MALFORMED;
	if (rf_sip_params_find(rest, RF_V("duration"), &p) && !rf_view_u32(p.value, &duration))
		return RF_E_MALFORMED;
	*ret_s = s;
	*ret_duration_s = duration;
	return 0;
}

int rf_sip_msg_session_expires(const struct rf_sip_msg *m, uint32_t *ret_s, enum rf_sip_refresher *ret_refresher)
{
	struct rf_view params;
	struct rf_sip_param p;
	enum rf_sip_refresher refresher = RF_SIP_REFRESHER_NONE;
	uint32_t s;
	int rc = number_and_params(m, RF_SIP_H_SESSION_EXPIRES, &s, &params);

	if (rc)
		return rc;
	if (rf_sip_params_find(params, RF_V("refresher"), &p)) {
		if (rf_view_eq_nocase(p.value, RF_V("uac")))
			refresher = RF_SIP_REFRESHER_UAC;
		else if (rf_view_eq_nocase(p.value, RF_V("uas")))
			refresher = RF_SIP_REFRESHER_UAS;
		else
			return RF_E_MALFORMED;
	}
	*ret_s = s;
	*ret_refresher = refresher;
	return 0;
}

int rf_sip_msg_min_se(const struct rf_sip_msg *m, uint32_t *ret_s)
{
	return rf_sip_msg_number(m, RF_SIP_H_MIN_SE, ret_s);
}

int rf_sip_msg_rack(const struct rf_sip_msg *m, uint32_t *ret_rseq, uint32_t *ret_cseq, struct rf_view *ret_method)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, RF_SIP_H_RACK);
	struct rf_view second, method;
	uint32_t rseq, cseq;

	if (!h)
		return RF_E_NOT_FOUND;
	if (!take_number(h->value, &rseq, &second) || !take_number(second, &cseq, &method) ||
	    !rf_sip_is_token(method))
		return RF_E_MALFORMED;
	/* White space must part the number from a method that could begin with a digit. */
	if (method.p == second.p || !rf_sip_is(method.p[-1], RF_SIP_C_LWS))
		return RF_E_MALFORMED;
	*ret_rseq = rseq;
	*ret_cseq = cseq;
	*ret_method = method;
	return 0;
}

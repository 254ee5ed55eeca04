#include "sip/oc.h"

#include "base/err.h"
#include "sip/build.h"
#include "sip/chars.h"

enum { SEQ_UNIT = 100000, SEQ_DIGITS = 5 };

bool rf_sip_oc_is(struct rf_view name)
{
	return rf_sip_token_is(name, "oc") || rf_sip_token_is(name, "oc-algo") ||
	       rf_sip_token_is(name, "oc-validity") || rf_sip_token_is(name, "oc-seq");
}

/* 1*12DIGIT "." 1*5DIGIT */
static bool take_seq(struct rf_view v, uint64_t *ret_seq)
{
	size_t dot = 0;
	uint64_t whole, part;

	while (dot < v.n && v.p[dot] != '.')
		dot++;
	size_t digits = dot < v.n ? v.n - dot - 1 : 0;
	if (dot == 0 || dot > 12 || digits == 0 || digits > SEQ_DIGITS)
		return false;
	if (!rf_view_u64(rf_view_sub(v, 0, dot), 999999999999u, &whole) ||
	    !rf_view_u64(rf_view_from(v, dot + 1), SEQ_UNIT - 1, &part))
		return false;
	for (; digits < SEQ_DIGITS; digits++)
		part *= 10;
	*ret_seq = whole * SEQ_UNIT + part;
	return true;
}

static bool take(struct rf_sip_oc *oc, const struct rf_sip_param *p, bool *has_oc, bool *other_algo)
{
	uint64_t x;

	if (rf_sip_token_is(p->name, "oc")) {
		if (!p->has_value)
			return true; /* ours came back without a word */
		*has_oc = rf_view_u64(p->value, 100, &x);
		oc->loss_percent = *has_oc ? (uint8_t)x : 0;
		return *has_oc;
	}
	if (rf_sip_token_is(p->name, "oc-validity")) {
		if (!rf_view_u64(p->value, UINT32_MAX, &x))
			return false;
		oc->validity_ms = (uint32_t)x;
		return true;
	}
	if (rf_sip_token_is(p->name, "oc-seq"))
		return take_seq(p->value, &oc->seq);
	if (rf_sip_token_is(p->name, "oc-algo"))
		*other_algo = !rf_view_eq_nocase(p->value, RF_V("loss"));
	return true;
}

int rf_sip_oc_parse(const struct rf_sip_via *via, struct rf_sip_oc *ret_oc)
{
	struct rf_sip_oc oc = { .validity_ms = RF_OC_VALIDITY_MS };
	struct rf_sip_params it = rf_sip_params_of(via->params);
	struct rf_sip_param p;
	bool has_oc = false, other_algo = false;
	int rc;

	if (!via->has_oc)
		return RF_E_NOT_FOUND;
	while ((rc = rf_sip_params_next(&it, &p)) > 0)
		if (!take(&oc, &p, &has_oc, &other_algo))
			return RF_E_MALFORMED;
	if (rc < 0)
		return RF_E_MALFORMED;
	if (!has_oc || other_algo)
		return RF_E_NOT_FOUND;
	*ret_oc = oc;
	return 0;
}

void rf_sip_oc_put(struct rf_writer *w, const struct rf_sip_oc *oc)
{
	uint64_t part = oc->seq % SEQ_UNIT, unit = SEQ_UNIT / 10;

	rf_sip_put_param_u64(w, RF_V("oc"), oc->loss_percent);
	rf_put_lit(w, ";oc-algo=\"loss\"");
	rf_sip_put_param_u64(w, RF_V("oc-validity"), oc->validity_ms);
	rf_sip_put_param_u64(w, RF_V("oc-seq"), oc->seq / SEQ_UNIT);
	rf_put_byte(w, '.');
	for (; unit > 1 && part < unit; unit /= 10)
		rf_put_byte(w, '0');
	rf_put_u64(w, part);
}

void rf_oc_heard(struct rf_oc_client *c, const struct rf_sip_oc *oc, struct rf_mono now)
{
	if (oc->seq < c->seq)
		return;
	uint32_t validity_ms = oc->validity_ms < RF_OC_VALIDITY_MAX_MS ? oc->validity_ms : RF_OC_VALIDITY_MAX_MS;

	c->seq = oc->seq;
	c->loss_percent = oc->loss_percent;
	c->until = rf_mono_add_ms(now, validity_ms);
}

unsigned rf_oc_loss(const struct rf_oc_client *c, struct rf_mono now)
{
	return now.us < c->until.us ? c->loss_percent : 0;
}

bool rf_oc_may_send(const struct rf_oc_client *c, struct rf_mono now, uint32_t random)
{
	return (uint64_t)random * 100 >> 32 >= rf_oc_loss(c, now);
}

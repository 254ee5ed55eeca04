#include "sip/replaces.h"

#include "sip/dialog.h"
#include "sip/params.h"

/* Call-ID: word [ "@" word ] (RFC 3261 25.1); here enough that it cannot break out of the header. */
static bool is_call_id(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f || v.p[i] == ';' || v.p[i] == ',')
			return false;
	return v.n > 0;
}

static int take_param(struct rf_replaces *r, const struct rf_sip_param *p)
{
	if (rf_view_eq_nocase(p->name, RF_V("early-only"))) {
		if (r->early_only || p->has_value)
			return RF_E_MALFORMED;
		r->early_only = true;
		return 0;
	}
	bool to = rf_view_eq_nocase(p->name, RF_V("to-tag"));
	if (!to && !rf_view_eq_nocase(p->name, RF_V("from-tag")))
		return 0;
	struct rf_view *tag = to ? &r->to_tag : &r->from_tag;
	if (!rf_view_empty(*tag) || p->quoted || !rf_sip_is_token(p->value))
		return RF_E_MALFORMED;
	*tag = p->value;
	return 0;
}

int rf_replaces_parse(struct rf_view value, struct rf_replaces *ret_r)
{
	size_t semi = rf_view_find(value, ';');
	struct rf_replaces r = { .call_id = rf_view_trim(rf_view_sub(value, 0, semi)) };
	struct rf_sip_params it = rf_sip_params_of(rf_view_from(value, semi));
	struct rf_sip_param p;
	int rc;

	if (!is_call_id(r.call_id))
		return RF_E_MALFORMED;
	while ((rc = rf_sip_params_next(&it, &p)) > 0) {
		rc = take_param(&r, &p);
		if (rc)
			return rc;
	}
	if (rc < 0)
		return rc;
	if (rf_view_empty(r.to_tag) || rf_view_empty(r.from_tag))
		return RF_E_MALFORMED;
	*ret_r = r;
	return 0;
}

int rf_replaces_put(struct rf_writer *w, const struct rf_replaces *r)
{
	if (!is_call_id(r->call_id) || !rf_sip_is_token(r->to_tag) || !rf_sip_is_token(r->from_tag))
		return RF_E_MALFORMED;
	rf_put(w, r->call_id);
	rf_put_lit(w, ";to-tag=");
	rf_put(w, r->to_tag);
	rf_put_lit(w, ";from-tag=");
	rf_put(w, r->from_tag);
	if (r->early_only)
		rf_put_lit(w, ";early-only");
	return w->err;
}

bool rf_replaces_matches(const struct rf_replaces *r, const struct rf_dialog *dlg)
{
	struct rf_view none = { 0 };

	if (rf_dialog_is(dlg, r->call_id, r->to_tag, r->from_tag))
		return true;
	/* RFC 3891 3: a tag of zero matches a missing one. Ours are never missing. */
	return rf_view_eq(r->from_tag, RF_V("0")) && rf_dialog_is(dlg, r->call_id, r->to_tag, none);
}

unsigned rf_replaces_verdict(const struct rf_replaces *r, const struct rf_dialog *dlg)
{
	if (!dlg)
		return 481;
	switch (rf_dialog_state(dlg)) {
	case RF_DIALOG_ENDED:
		return 603;
	case RF_DIALOG_CONFIRMED:
		return r->early_only ? 486 : 0;
	case RF_DIALOG_EARLY:
	case RF_DIALOG_TRYING:
		break;
	}
	return rf_dialog_is_caller(dlg) ? 0 : 481;
}

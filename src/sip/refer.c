#include "sip/refer.h"

#include "sip/reason.h"

/* The Replaces among the headers of the URI; a second one is as malformed as a second header line would be. */
static bool take_replaces(struct rf_refer *r)
{
	struct rf_view rest = r->to.headers, name, value, text;

	while (rf_sip_uri_next(&rest, '&', &name, &value)) {
		if (!rf_view_eq_nocase(name, RF_V("Replaces")))
			continue;
		if (r->has_replaces || rf_sip_uri_unescape(value, r->text, sizeof r->text, &text) ||
		    rf_replaces_parse(text, &r->replaces))
			return false;
		r->has_replaces = true;
	}
	return true;
}

static bool take_refer_sub(const struct rf_sip_msg *msg, struct rf_refer *r)
{
	const struct rf_sip_hdr *h = rf_sip_msg_named(msg, RF_V("Refer-Sub"), NULL);

	if (!h)
		return true;
	struct rf_view v = rf_view_trim(rf_view_sub(h->value, 0, rf_view_find(h->value, ';')));

	r->quiet = rf_view_eq_nocase(v, RF_V("false"));
	return (r->quiet || rf_view_eq_nocase(v, RF_V("true"))) && !rf_sip_msg_named(msg, RF_V("Refer-Sub"), h);
}

unsigned rf_refer_parse(const struct rf_sip_msg *msg, struct rf_refer *ret_refer)
{
	struct rf_refer *r = ret_refer;
	struct rf_sip_values all = rf_sip_values_of(msg, RF_SIP_H_REFER_TO);
	struct rf_view value, more, method;
	struct rf_sip_addr to;

	r->has_replaces = r->quiet = false;
	if (rf_sip_values_next(&all, &value) != 1 || rf_sip_values_next(&all, &more) != 0 ||
	    rf_sip_addr_parse(value, &to))
		return 400;
	r->to = to.uri;
	if (r->to.scheme == RF_SIP_SCHEME_OTHER)
		return 416;
	if (rf_sip_uri_param(&r->to, RF_V("method"), &method) && !rf_view_eq(method, RF_V("INVITE")))
		return 403;
	return take_replaces(r) && take_refer_sub(msg, r) ? 0 : 400;
}

void rf_refer_put_frag(struct rf_writer *w, unsigned code)
{
	rf_put_lit(w, "SIP/2.0 ");
	rf_put_u64(w, code);
	rf_put_byte(w, ' ');
	rf_put(w, rf_sip_reason(code));
	rf_put_lit(w, "\r\n");
}

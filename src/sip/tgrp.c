#include "sip/tgrp.h"

#include "sip/build.h"

/* One of the parameters that we look for: at most once. */
static int take(struct rf_view *slot, bool *seen, struct rf_view value)
{
	if (*seen)
		return RF_E_MALFORMED;
	*seen = true;
	*slot = value;
	return 0;
}

int rf_tgrp_parse(const struct rf_sip_uri *uri, struct rf_tgrp *ret_tgrp)
{
	bool tel = uri->scheme == RF_SIP_SCHEME_TEL, named = false, placed = false, judged = false;
	struct rf_tgrp t = { .user = uri->user };
	struct rf_view rest = uri->params, name, value;
	int rc = 0;

	if (!tel && !rf_sip_uri_is_sip(uri))
		return RF_E_UNSUPPORTED;
	if (!tel) {
		size_t end = rf_view_find(uri->user, ';');

		t.user = rf_view_sub(uri->user, 0, end);
		rest = rf_view_from(uri->user, end + 1);
	}
	while (!rc && rf_sip_uri_next(&rest, ';', &name, &value))
		if (rf_view_eq_nocase(name, RF_V("tgrp")))
			rc = take(&t.name, &named, value);
		else if (rf_view_eq_nocase(name, RF_V("trunk-context")))
			rc = take(&t.context, &placed, value);
		else if (rf_view_eq_nocase(name, RF_V("verstat")))
			rc = take(&t.verstat, &judged, value);
	if (!rc && (named != placed || (named && (!t.name.n || !t.context.n))))
		rc = RF_E_MALFORMED;
	if (!rc)
		*ret_tgrp = t;
	return rc;
}

/* ";tgrp=NAME;trunk-context=DOMAIN". name: letters, digits, - _ . as the site's names are. */
static void put_tgrp(struct rf_writer *w, struct rf_view name, struct rf_view context)
{
	rf_put_lit(w, ";tgrp=");
	rf_put(w, name);
	rf_put_lit(w, ";trunk-context=");
	rf_put(w, context);
}

void rf_tgrp_put_uri(struct rf_writer *w, struct rf_view user, struct rf_view name, struct rf_view context,
		     struct rf_view host, uint16_t port)
{
	rf_put_lit(w, "sip:");
	rf_sip_uri_put_user(w, user);
	put_tgrp(w, name, context);
	rf_put_byte(w, '@');
	rf_sip_put_hostport(w, host, port);
	rf_put_lit(w, ";transport=tls");
}

/* Headers that only one trunk's network knows (accept.further): carried in the INVITE of a call from it and to it, at
 * both halves of the site. They are the only ones that nobody here reads, so they are held to a form: one of each,
 * printable, as long as the site says, and naming nothing of the inside. */
#include "call/border.h"

#include "call/call_int.h"

#include <stdlib.h>

const struct rf_site_further *rf_border_further(const struct rf_site_trunk *trunk, unsigned id, struct rf_view name)
{
	for (size_t i = 0; id == RF_SIP_H_OTHER && i < trunk->accept.further_count; i++)
		if (rf_view_eq_nocase(trunk->accept.further[i].name, name) &&
		    rf_list_header(id, name) == RF_LIST_HEADER)
			return &trunk->accept.further[i];
	return NULL;
}

enum rf_list_rule rf_border_further_rule(const struct rf_site *site, const struct rf_site_further *f,
					 struct rf_view value)
{
	value = rf_view_trim(value);
	if (value.n > f->bytes)
		return RF_LIST_SIZE;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < ' ' || value.p[i] > '~')
			return RF_LIST_HEADER;
	return rf_border_tells(site, value, true) ? RF_LIST_NAME : RF_LIST_PASS;
}

static void put(struct rf_call_core *core, const struct rf_site_trunk *trunk, const struct rf_sip_msg *msg,
		bool to_trunk, struct rf_writer *w)
{
	for (size_t i = 0; i < trunk->accept.further_count; i++) {
		const struct rf_site_further *f = &trunk->accept.further[i];
		const struct rf_sip_hdr *h = rf_sip_msg_named(msg, f->name, NULL);
		enum rf_list_rule rule;

		if (!h || !rf_border_further(trunk, h->id, h->name))
			continue;
		rule = rf_border_further_rule(rf_core_site(core), f, h->value);
		if (rule == RF_LIST_PASS)
			rf_sip_put_hdr_named(w, f->name, rf_view_trim(h->value));
		else if (to_trunk && core->border) /* of what comes from it rf_border_look() has counted it */
			rf_border_count(core, rule);
	}
}

void rf_border_put_further(const struct rf_pair *pair, struct rf_writer *w)
{
	struct rf_call *call = pair->call;
	bool to_trunk = !pair->a->party->trunk.n;
	struct rf_view name = to_trunk ? pair->b->party->trunk : pair->a->party->trunk;
	const struct rf_site_trunk *trunk = name.n ? rf_site_trunk(rf_core_site(call->core), name) : NULL;

	if (!trunk || !trunk->accept.further_count || !call->kept_n || call->origin != &rf_caller_origin)
		return;
	struct rf_sip_msg *msg = malloc(sizeof *msg);

	if (msg && rf_sip_msg_parse(msg, rf_view_of(call->kept, call->kept_n), RF_SIP_DATAGRAM, NULL) == 0)
		put(call->core, trunk, msg, to_trunk, w);
	free(msg);
}

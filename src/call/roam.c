#include "call/roam.h"

#include "call/border.h"
#include "call/call_int.h"

static bool may_roam(const struct rf_dir_phone *p)
{
	return p && p->site && p->site->roams && !p->locked;
}

const struct rf_dir_phone *rf_roam_peer(struct rf_call_core *core, const struct rf_peer *from)
{
	const struct rf_dir_phone *phone;

	if (!core->border || !rf_core_site(core)->roaming.phones.n || !rf_flow_is_secure(from->flow.kind) ||
	    !rf_border_is_outer(core, &from->flow) || !from->id ||
	    rf_directory_prove(core->directory, from->id, rf_core_wall(core), &phone, NULL))
		return NULL;
	return may_roam(phone) ? phone : NULL;
}

void rf_roam_put_uri(struct rf_writer *w, const struct rf_dir_phone *phone, struct rf_view host, uint16_t port)
{
	rf_sip_uri_put_new(w, false, phone->number, host, port);
	rf_put_lit(w, ";transport=tls;gr=");
	rf_put(w, rf_view_str(phone->urn));
}

const struct rf_dir_phone *rf_roam_named(const struct rf_call_core *core, const struct rf_sip_uri *uri)
{
	struct rf_view urn;

	if (!rf_core_site(core)->roaming.phones.n || !rf_sip_uri_is_sip(uri) ||
	    !rf_sip_uri_param(uri, RF_V("gr"), &urn) || !urn.n)
		return NULL;
	const struct rf_dir_phone *p = rf_directory_phone_by_urn(core->directory, urn);

	return may_roam(p) ? p : NULL;
}

const struct rf_dir_phone *rf_roam_called(const struct rf_call_core *core, const struct rf_in *in)
{
	return core->border && in->proof.host ? rf_roam_named(core, &in->msg->uri) : NULL;
}

bool rf_roam_flow(struct rf_call_core *core, const struct rf_dir_phone *phone, struct rf_flow *ret_flow)
{
	const struct rf_party who = { .number = phone->number, .phone = phone->name };

	return rf_party_flow(core, &who, ret_flow);
}

bool rf_roam_method(const struct rf_call_core *core, unsigned method)
{
	if (!rf_core_site(core)->roaming.phones.n)
		return false;
	return method == RF_SIP_MESSAGE || method == RF_SIP_PUBLISH || method == RF_SIP_SUBSCRIBE ||
	       method == RF_SIP_NOTIFY || method == RF_SIP_REFER;
}

bool rf_roam_reads(unsigned method, unsigned id, struct rf_view name)
{
	static const struct {
		unsigned method, id; /* method RF_SIP_UNKNOWN: all */
	} rows[] = {
		{ RF_SIP_UNKNOWN, RF_SIP_H_ROUTE }, /* the way to us */
		{ RF_SIP_UNKNOWN, RF_SIP_H_PROXY_AUTHORIZATION },
		{ RF_SIP_PUBLISH, RF_SIP_H_EVENT }, { RF_SIP_SUBSCRIBE, RF_SIP_H_EVENT },
		{ RF_SIP_REFER, RF_SIP_H_REFER_TO }, { RF_SIP_PUBLISH, RF_SIP_H_SIP_IF_MATCH },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].id == id && (rows[i].method == RF_SIP_UNKNOWN || rows[i].method == method))
			return true;
	return method == RF_SIP_REFER && id == RF_SIP_H_OTHER && rf_view_eq_nocase(name, RF_V("Refer-Sub"));
}

void rf_roam_put_abilities(struct rf_writer *w)
{
	rf_put_lit(w, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, MESSAGE, SUBSCRIBE, PUBLISH\r\n"
		      "Supported: timer, norefersub\r\n");
}

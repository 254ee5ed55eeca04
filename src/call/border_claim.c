#include "call/border.h"
#include "call/roam.h"

#include "call/call_int.h"
#include "sip/tgrp.h"

static const struct rf_site_trunk *trunk_of(const struct rf_call_core *core, const struct rf_sip_uri *uri)
{
	const struct rf_site *site = rf_core_site(core);
	struct rf_tgrp group;

	if (rf_tgrp_parse(uri, &group) || !group.name.n || !rf_view_eq_nocase(group.context, site->domain))
		return NULL;
	return rf_site_trunk(site, group.name);
}

/* MESSAGE and PUBLISH have no Contact (RFC 3428 4, RFC 3903 4): whom they come from is asserted. */
static struct rf_verdict claim_asserted(struct rf_call_core *core, const struct rf_sip_msg *req, struct rf_proof *proof)
{
	struct rf_sip_values it = rf_sip_values_of(req, RF_SIP_H_P_ASSERTED_IDENTITY);
	struct rf_sip_addr a;
	struct rf_view v;

	if (rf_sip_values_next(&it, &v) <= 0 || rf_sip_addr_parse(v, &a))
		return (struct rf_verdict){ .rule = RF_ID_PHONE_UNKNOWN, .code = 403 };
	return rf_roam_claim(core, &a, proof);
}

struct rf_verdict rf_border_claim(struct rf_call_core *core, const struct rf_sip_msg *req, struct rf_proof *proof)
{
	struct rf_sip_addr contact;
	struct rf_view gr;

	if (req->method == RF_SIP_MESSAGE || req->method == RF_SIP_PUBLISH)
		return claim_asserted(core, req, proof);
	if (req->method != RF_SIP_INVITE && req->method != RF_SIP_REGISTER && req->method != RF_SIP_SUBSCRIBE)
		return (struct rf_verdict){ .rule = RF_ID_OK };
	if (rf_sip_msg_addr(req, RF_SIP_H_CONTACT, &contact) || contact.star)
		return (struct rf_verdict){ .rule = RF_ID_TRUNK_GROUP, .code = 403 };
	if (rf_sip_uri_param(&contact.uri, RF_V("gr"), &gr) || req->method == RF_SIP_SUBSCRIBE)
		return rf_roam_claim(core, &contact, proof);
	proof->trunk = trunk_of(core, &contact.uri);
	return (struct rf_verdict){ .rule = proof->trunk ? RF_ID_OK : RF_ID_TRUNK_GROUP,
				    .code = proof->trunk ? 0 : 403 };
}

/* The words of the record for a caller who is proven, and what crosses in their place (ATIS-1000074). */
static const struct {
	const char *verstat, *identity;
	bool unproven;
} words[] = {
	{ "TN-Validation-Passed-A", "A", false }, { "TN-Validation-Passed-B", "B", false },
	{ "TN-Validation-Passed-C", "C", false }, { "TN-Validation-Passed", "valid", false },
	{ "No-TN-Validation", "absent", true }, { "TN-Validation-Failed", "failed", true },
};

enum { FAILED = sizeof words / sizeof *words - 1 };

void rf_border_believe(struct rf_in *in)
{
	struct rf_sip_values it = rf_sip_values_of(in->msg, RF_SIP_H_P_ASSERTED_IDENTITY);
	struct rf_sip_addr a;
	struct rf_tgrp group;
	struct rf_view v;

	if (rf_sip_values_next(&it, &v) <= 0 || rf_sip_addr_parse(v, &a) || rf_tgrp_parse(&a.uri, &group))
		return;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (rf_view_eq_nocase(group.verstat, rf_view_str(words[i].verstat))) {
			in->identity = words[i].identity;
			in->unproven = words[i].unproven;
		}
}

void rf_border_put_verstat(struct rf_writer *w, const char *identity)
{
	size_t i = 0;

	if (!identity)
		return;
	while (i < FAILED && strcmp(identity, words[i].identity) != 0)
		i++;
	rf_put_lit(w, ";verstat=");
	rf_put(w, rf_view_str(words[i].verstat));
}

#include "call/roam.h"

#include "call/border.h"
#include "call/call_int.h"

/* A border proves by the phone's certificate; whether the phone is locked is known here alone. */
struct rf_verdict rf_roam_claim(struct rf_call_core *core, const struct rf_sip_addr *contact, struct rf_proof *proof)
{
	struct rf_view urn = { NULL, 0 };

	rf_sip_uri_param(&contact->uri, RF_V("gr"), &urn);
	const struct rf_dir_phone *p = rf_directory_phone_by_urn(core->directory, urn);

	if (!p || !p->site || !p->site->roams)
		return (struct rf_verdict){ .rule = RF_ID_PHONE_UNKNOWN, .code = 403 };
	if (p->locked)
		return (struct rf_verdict){ .rule = RF_ID_PHONE_LOCKED, .code = 403 };
	proof->phone = p;
	return (struct rf_verdict){ .rule = RF_ID_OK };
}

static bool is_at(const struct rf_site_ip *ip, const struct rf_addr *a)
{
	return ip->family && ip->family == a->family && memcmp(ip->b, a->ip, a->family == 4 ? 4 : 16) == 0;
}

/* Only a border registers a contact that is not the connection it came by and names the very phone: what a phone
 * writes into its own Contact leads nowhere but back to it. */
const struct rf_site_host *rf_roam_border(const struct rf_call_core *core, const struct rf_binding *b)
{
	const struct rf_site *site = rf_core_site(core);
	const struct rf_dir_phone *p;
	struct rf_sip_uri uri;
	struct rf_addr at;

	if (core->border || b->by_flow || !site->roaming.phones.n || rf_sip_uri_parse(b->contact, &uri))
		return NULL;
	p = rf_roam_named(core, &uri);
	if (!p || !rf_view_eq(p->name, b->phone) || rf_addr_parse(uri.host, uri.port, &at))
		return NULL;
	for (size_t i = 0; i < site->host_count; i++) {
		const struct rf_site_host *h = &site->hosts[i];

		if (h->roles & RF_ROLE_BORDER && uri.port == rf_border_port(h) &&
		    (is_at(&h->address, &at) || is_at(&h->address6, &at)))
			return h;
	}
	return NULL;
}

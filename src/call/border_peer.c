#include "call/border.h"
#include "call/roam.h"

#include "call/call_int.h"
#include "call/trunk.h"

#include <arpa/inet.h>

static unsigned other_half(const struct rf_call_core *core)
{
	return core->border ? RF_ROLE_CONTROLLER : RF_ROLE_BORDER;
}

bool rf_border_between(const struct rf_call_core *core)
{
	return core->border || rf_site_has_role(rf_core_site(core), RF_ROLE_BORDER);
}

/* --- who it is */

static bool is_side(const struct rf_call_core *core, const struct rf_flow *flow, enum rf_towards side)
{
	const struct rf_addr *own = &core->from[side][flow->local.family == 6];

	return !own->family || rf_addr_same_ip(own, &flow->local);
}

bool rf_border_is_outer(const struct rf_call_core *core, const struct rf_flow *flow)
{
	return is_side(core, flow, RF_TOWARDS_TRUNKS);
}

static bool is_from(const struct rf_site_ip *ip, const struct rf_addr *a)
{
	return ip->family == a->family && memcmp(ip->b, a->ip, a->family == 4 ? 4 : 16) == 0;
}

static bool names_ip(const struct rf_pki_id *id, const struct rf_site_ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	return ip->family && inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, text, sizeof text) &&
	       rf_pki_id_names(id, rf_view_str(text));
}

/* All hosts of a site share its domain; what tells them apart in a certificate is their address. A phone's has none and
 * a device URN instead, and a trunk's authority is another. The connection comes from that address, too: a stolen key
 * alone is not enough. */
const struct rf_site_host *rf_border_peer(struct rf_call_core *core, const struct rf_peer *from)
{
	static const uint8_t own_ca[sizeof from->id->authority];
	const struct rf_site *site = rf_core_site(core);
	const struct rf_pki_id *id = from->id;

	if (from->flow.kind != RF_FLOW_TLS || !id || !id->present || id->urn[0] ||
	    memcmp(id->authority, own_ca, sizeof own_ca) != 0 || !is_side(core, &from->flow, RF_TOWARDS_SITE) ||
	    rf_core_wall(core).us / 1000000 > id->not_after_s ||
	    rf_directory_revoked(core->directory, rf_pki_id_serial(id)))
		return NULL;
	for (size_t i = 0; i < site->host_count; i++) {
		const struct rf_site_host *h = &site->hosts[i];

		if (h->roles & other_half(core) &&
		    ((is_from(&h->address, &from->flow.remote) && names_ip(id, &h->address)) ||
		     (is_from(&h->address6, &from->flow.remote) && names_ip(id, &h->address6))))
			return h;
	}
	return NULL;
}

bool rf_border_admit(void *ctx, const struct rf_peer *peer)
{
	struct rf_call_core *core = ctx;

	return !core->border || rf_border_peer(core, peer) || rf_trunk_of(core, peer) || rf_roam_peer(core, peer);
}

bool rf_border_may_end(void *ctx, const struct rf_peer *peer)
{
	struct rf_call_core *core = ctx;
	uint64_t hash = rf_flow_hash(&core->hash_key, &peer->flow);

	for (struct rf_node *n = rf_table_first(&core->flows, hash); n; n = rf_table_next(n)) {
		const struct rf_leg *leg = rf_container(n, struct rf_leg, by_flow);

		if (rf_flow_eq(&leg->flow, &peer->flow) && leg->pair->call->state != RF_CALL_ANSWERED)
			return false;
	}
	return true;
}

/* --- the way to it */

size_t rf_border_others(const struct rf_call_core *core, const struct rf_site_host *v[static RF_BORDER_HOSTS_MAX])
{
	return rf_site_hosts_of(rf_core_site(core), other_half(core), v, RF_BORDER_HOSTS_MAX);
}

uint16_t rf_border_port(const struct rf_site_host *host)
{
	return host->roles & RF_ROLE_CONTROLLER ? RF_BORDER_PORT_BESIDE : RF_BORDER_PORT;
}

/* Where a controller listens over TLS: on an address of its own that the file names, else on the port that it has for
 * every host. */
static uint16_t controller_port(const struct rf_site *site, const struct rf_site_host *host)
{
	const struct rf_site_sip *sip = &site->sip;

	for (size_t i = 0; i < sip->listens; i++)
		if (sip->listen[i].transport == RF_TRANSPORT_TLS &&
		    (!sip->listen[i].address.family ||
		     memcmp(&sip->listen[i].address, &host->address, sizeof host->address) == 0))
			return (uint16_t)sip->listen[i].port;
	return RF_BORDER_PORT;
}

struct rf_view rf_border_address(const struct rf_call_core *core, const struct rf_site_host *host, uint16_t *ret_port)
{
	*ret_port = core->border ? controller_port(rf_core_site(core), host) : rf_border_port(host);
	return host->address_text.n ? host->address_text : host->address6_text;
}

const struct rf_addr *rf_border_from(const struct rf_call_core *core, enum rf_towards side)
{
	const struct rf_addr *own = core->from[side];

	return own[0].family || own[1].family ? own : NULL;
}

int rf_border_aim(const struct rf_call_core *core, const struct rf_site_host *host, struct rf_trunk_way_to *ret_way)
{
	struct rf_trunk_way_to *way = ret_way;
	uint16_t port;
	struct rf_view address = rf_border_address(core, host, &port), text;
	struct rf_writer w;

	rf_writer_init(&w, way->text, sizeof way->text);
	rf_sip_uri_put_new(&w, false, RF_V(""), address, port);
	rf_sip_put_param(&w, RF_V("transport"), RF_V("tls"));
	int rc = rf_writer_done(&w, &text);

	if (!rc)
		rc = rf_sip_uri_parse(text, &way->uri);
	rf_writer_init(&w, way->names, sizeof way->names);
	rf_put(&w, address);
	way->target = (struct rf_target){
		.uri = &way->uri, .secure = true, .tls_name = rf_view_of(way->names, w.n),
		.from = rf_border_from(core, RF_TOWARDS_SITE),
	};
	return rc ? rc : w.err;
}

/* The name of a peer does not say of which family it will be: then the one that we have. */
void rf_border_leave(const struct rf_call_core *core, enum rf_towards side, struct rf_flow *flow)
{
	const struct rf_addr *own = rf_border_from(core, side);

	if (own)
		flow->local = flow->remote.family == 6 || !own[0].family ? own[1] : own[0];
}

void rf_border_flow(const struct rf_call_core *core, const struct rf_site_host *host, struct rf_flow *ret_flow)
{
	uint16_t port;
	struct rf_view address = rf_border_address(core, host, &port);

	*ret_flow = (struct rf_flow){ .listener = RF_FLOW_OUTBOUND, .kind = RF_FLOW_TLS };
	rf_addr_parse(address, port, &ret_flow->remote);
	rf_border_leave(core, RF_TOWARDS_SITE, ret_flow);
}

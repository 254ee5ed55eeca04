/* Tunnels to remote offices by strongSwan (swanctl.conf): one tunnel a zone of the office, each with an interface of
 * its own at both ends, so that the rules know which zone a packet came from (wan-vpn-separation). Both ends prove
 * themselves by certificates of the site's CA. */
#include "emit/emit.h"

#include <stdio.h>

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

struct ipsec {
	struct rf_emit *e;
	struct rf_emit_out *o;
	const struct rf_site_office *office;
	bool hub;                     /* at the main site's end */
};

static void put_net(struct ipsec *w, const struct rf_site_zone *z, size_t *n)
{
	char ip[RF_EMIT_IP];

	if (z->subnet.family)
		LINE(w->o, "%s%s", (*n)++ ? "," : "", rf_emit_ip(&z->subnet, ip));
	if (z->subnet6.family)
		LINE(w->o, "%s%s", (*n)++ ? "," : "", rf_emit_ip(&z->subnet6, ip));
}

/* Zones of elsewhere that a flow joins with this zone of the office. */
static bool talks(const struct ipsec *w, const struct rf_site_zone *z, const struct rf_site_zone *other)
{
	if (other->office == w->office)
		return false;
	for (size_t i = 0; i < w->e->flows->n; i++) {
		const struct rf_flow *f = &w->e->flows->v[i];

		if ((f->from.zone == z && f->to.zone == other) || (f->from.zone == other && f->to.zone == z))
			return true;
	}
	return false;
}

static size_t put_others(struct ipsec *w, const struct rf_site_zone *z)
{
	size_t n = 0;

	for (size_t i = 0; i < w->e->site->zone_count; i++)
		if (talks(w, z, &w->e->site->zones[i]))
			put_net(w, &w->e->site->zones[i], &n);
	return n;
}

static bool has_others(const struct ipsec *w, const struct rf_site_zone *z)
{
	for (size_t i = 0; i < w->e->site->zone_count; i++)
		if (talks(w, z, &w->e->site->zones[i]) &&
		    (w->e->site->zones[i].subnet.family || w->e->site->zones[i].subnet6.family))
			return true;
	return false;
}

static void put_child(struct ipsec *w, const struct rf_site_zone *z)
{
	const bool strong = w->e->site->policy.profile == RF_CRYPTO_CNSA;
	char name[RF_EMIT_IFNAME];
	uint32_t if_id;
	size_t n = 0;

	rf_emit_tunnel(z, name, &if_id);
	LINE(w->o, "      # %s\n      %s {\n        %s = ", name, rf_site_cstr(z->name),
	     w->hub ? "remote_ts" : "local_ts");
	put_net(w, z, &n);
	LINE(w->o, "\n        %s = ", w->hub ? "local_ts" : "remote_ts");
	put_others(w, z);
	LINE(w->o, "\n        if_id_in = %u\n        if_id_out = %u\n        esp_proposals = %s\n"
	     "        rekey_time = 1h\n"
	     "        start_action = trap|start\n        close_action = trap\n        dpd_action = restart\n"
	     "        copy_dscp = out\n"
	     "      }\n", if_id, if_id, strong ? "aes256gcm16-ecp384" : "aes256gcm16-ecp384,aes128gcm16-ecp256");
}

static void put_connection(struct ipsec *w)
{
	const struct rf_site_office *o = w->office;
	const char *domain = rf_site_cstr(w->e->site->domain);
	const char *own = rf_site_cstr(w->hub ? o->hub_name : o->router_name);
	const char *other = rf_site_cstr(w->hub ? o->router_name : o->hub_name);
	const bool strong = w->e->site->policy.profile == RF_CRYPTO_CNSA;
	char a[RF_EMIT_IP], b[RF_EMIT_IP];

	LINE(w->o, "  %s {\n    version = 2\n    local_addrs = %s\n    remote_addrs = %s\n    proposals = %s\n"
	     "    rekey_time = 4h\n    mobike = no\n    dpd_delay = 10s\n    fragmentation = yes\n"
	     "    unique = replace\n"
	     "    send_certreq = yes\n", rf_site_cstr(o->name), rf_emit_ip(w->hub ? &o->local : &o->peer, a),
	     rf_emit_ip(w->hub ? &o->peer : &o->local, b),
	     strong ? "aes256gcm16-prfsha384-ecp384" : "aes256gcm16-prfsha384-ecp384,aes128gcm16-prfsha256-ecp256");
	LINE(w->o, "    local {\n      auth = pubkey\n      certs = %s.pem\n      id = %s.%s\n    }\n"
	     "    remote {\n      auth = pubkey\n      cacerts = ringfort-ca.pem\n      id = %s.%s\n"
	     "      revocation = relaxed\n    }\n"
	     "    children {\n", own, own, domain, other, domain);
	for (size_t i = 0; i < w->e->site->zone_count; i++)
		if (w->e->site->zones[i].office == o && has_others(w, &w->e->site->zones[i]))
			put_child(w, &w->e->site->zones[i]);
	LINE(w->o, "    }\n  }\n");
}

static bool ends_here(const struct rf_site_router *r, const struct rf_site_office *o)
{
	return o->peer.family && o->local.family && o->router && o->hub && (o->router == r || o->hub == r);
}

static void put_router(struct rf_emit *e, const struct rf_site_router *r)
{
	struct ipsec w = { .e = e };
	size_t n = 0;

	for (size_t i = 0; i < e->site->office_count; i++)
		n += ends_here(r, &e->site->offices[i]);
	if (!n || rf_emit_begin(e, &w.o, 0644, "# ", "routers/%s/swanctl.conf", rf_site_cstr(r->name)))
		return;
	LINE(w.o, "connections {\n");
	for (size_t i = 0; i < e->site->office_count; i++) {
		w.office = &e->site->offices[i];
		w.hub = w.office->hub == r;
		if (ends_here(r, w.office))
			put_connection(&w);
	}
	LINE(w.o, "}\n");
	rf_emit_end(w.o);
}

void rf_emit_ipsec(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->router_count; i++)
		if (e->site->routers[i].kind == RF_DEVICE_LINUX)
			put_router(e, &e->site->routers[i]);
}

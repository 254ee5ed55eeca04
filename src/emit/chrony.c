/* Time by chrony: servers that ask further out by NTS (RFC 8915) or with a key, answer only the zones whose flows lead
 * here, and hosts that ask them. Devices that know no NTS authenticate
 * by a key that is derived for this site. */
#include "emit/serve.h"

#include <netinet/in.h>

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

/* A source of the site's own, by name where NTS needs the name that is in its certificate, which the site's CA has
 * signed and no other: set 1. */
static void put_source(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *h)
{
	char ip[RF_EMIT_IP];

	if (e->site->network.nts)
		LINE(o, "server %s.%s iburst nts certset 1\n", rf_site_cstr(h->name), rf_site_cstr(e->site->domain));
	else
		LINE(o, "server %s iburst key 1\n", rf_emit_ip(h->address.family ? &h->address : &h->address6, ip));
}

static bool asks(const struct rf_emit *e, const struct rf_site_host *h, const struct rf_site_host *other)
{
	const struct rf_flow *f;
	size_t at = 0;

	while ((f = rf_serve_flow(e, h->zone, other, IPPROTO_UDP, 123, &at)))
		if (rf_end_has(&f->from, h))
			return true;
	return false;
}

static bool is_own_address(const struct rf_site *s, struct rf_view text)
{
	struct rf_site_ip ip;

	if (!rf_site_ip_parse(text, false, &ip))
		return false;
	for (size_t i = 0; i < s->host_count; i++)
		if (memcmp(ip.family == 4 ? &s->hosts[i].address : &s->hosts[i].address6, &ip, sizeof ip) == 0)
			return true;
	return false;
}

/* Sources: hosts of the site that the rules let it ask, one zone further out than its own clients; and who stands where
 * the outside begins asks the outside. */
static void put_sources(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *h)
{
	const struct rf_site_list *out = &e->site->network.ntp_servers;

	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *other = &e->site->hosts[i];

		if (other != h && other->zone != h->zone && (other->services & RF_SERVICE_NTP) &&
		    other->zone->kind != RF_ZONE_DATA && asks(e, h, other))
			put_source(e, o, other);
	}
	for (size_t i = 0; h->zone->kind == RF_ZONE_BORDER && i < out->n; i++)
		if (!is_own_address(e->site, out->v[i]))
			LINE(o, "server %s iburst%s\n", rf_site_cstr(out->v[i]), e->site->network.nts ? " nts" : "");
}

static void put_common(struct rf_emit *e, struct rf_emit_out *o, const char *host, bool server)
{
	LINE(o, "driftfile /var/lib/chrony/chrony.drift\nmakestep 1.0 3\nrtcsync\nleapsectz right/UTC\ncmdport 0\n"
	     "keyfile /etc/chrony/ringfort.keys\nauthselectmode require\nlogdir /var/log/chrony\nlogchange 0.5\n");
	if (e->site->network.nts)
		LINE(o, "ntstrustedcerts 1 /etc/chrony/ringfort-ca.pem\nntsdumpdir /var/lib/chrony\n");
	if (e->site->network.nts && server)
		LINE(o, "ntsserverkey /etc/chrony/%s.key\nntsservercert /etc/chrony/%s.pem\n", host, host);
	if (!server)
		LINE(o, "port 0\n");
}

static void put_server(struct rf_emit *e, const struct rf_site_host *h)
{
	const struct rf_site_zone *const *zones;
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP];
	size_t n;

	if (!rf_serve_zones(e, h, IPPROTO_UDP, 123, &zones, &n) ||
	    rf_emit_begin(e, &o, 0644, "# ", "services/%s/chrony.conf", rf_site_cstr(h->name)))
		return;
	put_sources(e, o, h);
	put_common(e, o, rf_site_cstr(h->name), true);
	/* When nothing outside answers, the servers still agree among themselves. */
	LINE(o, "local stratum 10 orphan\nratelimit interval 1 burst 16\nntsratelimit interval 3 burst 8\n");
	if (h->address.family)
		LINE(o, "bindaddress %s\n", rf_emit_ip(&h->address, ip));
	if (h->address6.family)
		LINE(o, "bindaddress %s\n", rf_emit_ip(&h->address6, ip));
	for (size_t i = 0; i < n; i++) {
		if (zones[i]->subnet.family)
			LINE(o, "allow %s\n", rf_emit_ip(&zones[i]->subnet, ip));
		if (zones[i]->subnet6.family)
			LINE(o, "allow %s\n", rf_emit_ip(&zones[i]->subnet6, ip));
	}
	rf_emit_end(o);
}

static void put_client(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;

	if (rf_emit_begin(e, &o, 0644, "# ", "services/%s/chrony.conf", rf_site_cstr(h->name)))
		return;
	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *other = &e->site->hosts[i];

		if (other != h && (other->services & RF_SERVICE_NTP) && asks(e, h, other))
			put_source(e, o, other);
	}
	put_common(e, o, rf_site_cstr(h->name), false);
	rf_emit_end(o);
}

static void put_keys(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	char one[RF_EMIT_SECRET], two[RF_EMIT_SECRET];

	if (rf_emit_begin(e, &o, 0600, "# ", "services/%s/chrony.keys", rf_site_cstr(h->name)))
		return;
	/* As text, 32 characters: what all devices take. Key 2 is for those that know SHA-1 only. */
	LINE(o, "1 SHA256 ASCII:%.32s\n2 SHA1 ASCII:%.32s\n", rf_emit_secret(e, "ntp 1", one),
	     rf_emit_secret(e, "ntp 2", two));
	rf_emit_end(o);
}

void rf_emit_chrony(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->host_count; i++) {
		const struct rf_site_host *h = &e->site->hosts[i];

		if (!h->zone || h->zone->kind == RF_ZONE_DATA || !rf_site_has_network(e->site))
			continue;
		if (rf_serves(h, RF_SERVICE_NTP))
			put_server(e, h);
		else if (h->roles || h->services)
			put_client(e, h);
		put_keys(e, h);
	}
}

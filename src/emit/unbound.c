/* DNS by Unbound: the names of the site, and what is outside by resolvers that the site names, validated (DNSSEC). Only
 * zones whose flows lead here are answered, everyone else is refused. Unbound gives no zone away:
 * it knows no transfer. */
#include "emit/serve.h"

#include <netinet/in.h>
#include <stdio.h>

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static void put_clients(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *h)
{
	const struct rf_site_zone *const *zones;
	char ip[RF_EMIT_IP];
	size_t n;

	LINE(o,
	     "\taccess-control: 0.0.0.0/0 refuse\n\taccess-control: ::/0 refuse\n\taccess-control: 127.0.0.0/8 allow\n"
	     "\taccess-control: ::1 allow\n");
	if (!rf_serve_zones(e, h, IPPROTO_UDP, 53, &zones, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		if (zones[i]->subnet.family)
			LINE(o, "\taccess-control: %s allow # %s\n", rf_emit_ip(&zones[i]->subnet, ip),
			     rf_site_cstr(zones[i]->name));
		if (zones[i]->subnet6.family)
			LINE(o, "\taccess-control: %s allow # %s\n", rf_emit_ip(&zones[i]->subnet6, ip),
			     rf_site_cstr(zones[i]->name));
	}
}

static void put_name(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *h)
{
	const char *name = rf_site_cstr(h->name), *domain = rf_site_cstr(e->site->domain);
	char ip[RF_EMIT_IP];

	if (h->address.family) {
		rf_emit_ip(&h->address, ip);
		LINE(o, "\tlocal-data: \"%s.%s. 300 IN A %s\"\n\tlocal-data-ptr: \"%s 300 %s.%s\"\n", name, domain, ip,
		     ip, name, domain);
	}
	if (h->address6.family) {
		rf_emit_ip(&h->address6, ip);
		LINE(o, "\tlocal-data: \"%s.%s. 300 IN AAAA %s\"\n\tlocal-data-ptr: \"%s 300 %s.%s\"\n", name, domain,
		     ip, ip, name, domain);
	}
}

struct transport {
	unsigned bit;
	const char *service, *naptr;
};

/* RFC 3263 4.1, RFC 7118 6. */
static const struct transport transports[] = {
	{ RF_TRANSPORT_TLS, "_sips._tcp", "SIPS+D2T" }, { RF_TRANSPORT_TCP, "_sip._tcp", "SIP+D2T" },
	{ RF_TRANSPORT_UDP, "_sip._udp", "SIP+D2U" },
};

static const struct rf_site_listen *listens_by(const struct rf_site *s, unsigned transport)
{
	for (size_t i = 0; i < s->sip.listens; i++)
		if (s->sip.listen[i].transport == transport)
			return &s->sip.listen[i];
	return NULL;
}

/* How a phone finds the controllers by the domain alone: the first, and who stands by for it (RFC 3263). */
static void put_sip(struct rf_emit *e, struct rf_emit_out *o)
{
	const char *domain = rf_site_cstr(e->site->domain);

	for (size_t t = 0; t < sizeof transports / sizeof *transports; t++) {
		const struct rf_site_listen *l = listens_by(e->site, transports[t].bit);

		if (!l)
			continue;
		LINE(o, "\tlocal-data: '%s. 300 IN NAPTR %zu 10 \"s\" \"%s\" \"\" %s.%s.'\n", domain, (t + 1) * 10,
		     transports[t].naptr, transports[t].service, domain);
		for (size_t i = 0; i < e->site->host_count; i++) {
			const struct rf_site_host *h = &e->site->hosts[i];

			if (h->roles & RF_ROLE_CONTROLLER)
				LINE(o, "\tlocal-data: \"%s.%s. 300 IN SRV %u 10 %u %s.%s.\"\n", transports[t].service,
				     domain, h->standby_for.n ? 20u : 10u, l->port, rf_site_cstr(h->name), domain);
		}
	}
}

static void put_names(struct rf_emit *e, struct rf_emit_out *o)
{
	LINE(o, "\tlocal-zone: \"%s.\" static\n", rf_site_cstr(e->site->domain));
	for (size_t i = 0; i < e->site->host_count; i++)
		if (e->site->hosts[i].zone && e->site->hosts[i].zone->kind != RF_ZONE_DATA)
			put_name(e, o, &e->site->hosts[i]);
	put_sip(e, o);
}

static bool may_ask(const struct rf_emit *e, const struct rf_site_host *h, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < e->flows->n; i++) {
		const struct rf_flow *f = &e->flows->v[i];
		bool there = f->to.n == 0 && !f->to.zone->subnet.family && !f->to.zone->subnet6.family;

		if (f->protocol != IPPROTO_UDP || f->dport.first > 53 || f->dport.last < 53 || !rf_end_has(&f->from, h))
			continue;
		for (size_t k = 0; k < f->to.n && !there; k++)
			there = rf_site_ip_in(ip, &f->to.v[k]);
		if (there)
			return true;
	}
	return false;
}

/* What is not the site's: resolvers that the rules let this host ask; nobody: a host of the perimeter resolves itself,
 * others know the site's own names only. */
static void put_outside(struct rf_emit *e, struct rf_emit_out *o, const struct rf_site_host *h)
{
	const struct rf_site_ips *forward = &e->site->network.dns_forward;
	char ip[RF_EMIT_IP];
	size_t n = 0;

	for (size_t i = 0; i < forward->n; i++) {
		const struct rf_site_ip *own = forward->v[i].family == 4 ? &h->address : &h->address6;

		if (memcmp(own, &forward->v[i], sizeof *own) == 0)
			return; /* it is the resolver that the others ask */
		if (!may_ask(e, h, &forward->v[i]))
			continue;
		LINE(o, "%s\tforward-addr: %s\n", n++ ? "" : "forward-zone:\n\tname: \".\"\n\tforward-first: no\n",
		     rf_emit_ip(&forward->v[i], ip));
	}
	if (!n && h->zone->kind != RF_ZONE_BORDER)
		LINE(o, "server:\n\tlocal-zone: \".\" refuse # no resolver outside is named: network.dns_forward\n");
}

static void put_server(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP];

	if (rf_emit_begin(e, &o, 0644, "# ", "services/%s/unbound.conf", rf_site_cstr(h->name)))
		return;
	LINE(o, "server:\n\tinterface: 127.0.0.1\n");
	if (h->address.family)
		LINE(o, "\tinterface: %s\n", rf_emit_ip(&h->address, ip));
	if (h->address6.family)
		LINE(o, "\tinterface: %s\n", rf_emit_ip(&h->address6, ip));
	LINE(o, "\tdo-ip6: %s\n", h->address6.family ? "yes" : "no");
	put_clients(e, o, h);
	LINE(o, "\tmodule-config: \"validator iterator\"\n\tauto-trust-anchor-file: \"/var/lib/unbound/root.key\"\n"
	     "\tval-permissive-mode: no\n\tharden-dnssec-stripped: yes\n\tharden-below-nxdomain: yes\n"
	     "\tharden-glue: yes\n"
	     "\tharden-algo-downgrade: yes\n\tqname-minimisation: yes\n\tuse-caps-for-id: no\n\thide-identity: yes\n"
	     "\thide-version: yes\n\tminimal-responses: yes\n\taggressive-nsec: yes\n"
	     "\tunwanted-reply-threshold: 10000\n"
	     "\tratelimit: 1000\n\tip-ratelimit: 200\n\tedns-buffer-size: 1232\n\tuse-syslog: yes\n"
	     "\tlog-servfail: yes\n"
	     "\tval-log-level: 2\n\tprivate-domain: \"%s\"\n", rf_site_cstr(e->site->domain));
	LINE(o, "\tprivate-address: 10.0.0.0/8\n\tprivate-address: 172.16.0.0/12\n\tprivate-address: 192.168.0.0/16\n"
	     "\tprivate-address: 169.254.0.0/16\n\tprivate-address: fd00::/8\n\tprivate-address: fe80::/10\n");
	put_names(e, o);
	LINE(o, "remote-control:\n\tcontrol-enable: no\n");
	put_outside(e, o, h);
	rf_emit_end(o);
}

void rf_emit_unbound(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->host_count; i++)
		if (rf_serves(&e->site->hosts[i], RF_SERVICE_DNS))
			put_server(e, &e->site->hosts[i]);
}

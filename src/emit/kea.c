/* DHCP by Kea: a subnet for each zone that asks this server, a reservation for each of its phones, and no pool. A
 * device that nobody added gets no address, at any level. Two servers give the same answers, because an address follows
 * from the site file; they share no leases and need no link between them. */
#include "emit/serve.h"

#include <netinet/in.h>

struct kea {
	struct rf_emit *e;
	struct rf_emit_out *o;
	const struct rf_site_host *host;
	bool six;
};

#define LINE(w, ...) rf_emit_line((w)->o, __VA_ARGS__)

/* A list of addresses as the data of an option; false: there is none. */
static bool put_list(struct kea *w, const char *name, const struct rf_site_host *const *hosts, size_t n)
{
	char ip[RF_EMIT_IP];
	size_t put = 0;

	for (size_t i = 0; i < n; i++) {
		const struct rf_site_ip *a = w->six ? &hosts[i]->address6 : &hosts[i]->address;

		if (!a->family)
			continue;
		if (put++)
			LINE(w, ", %s", rf_emit_ip(a, ip));
		else
			LINE(w, ",\n          { \"name\": \"%s\", \"data\": \"%s", name, rf_emit_ip(a, ip));
	}
	if (put)
		LINE(w, "\" }");
	return put != 0;
}

static void put_options(struct kea *w, const struct rf_site_zone *z)
{
	const struct rf_site_host *const *hosts;
	char ip[RF_EMIT_IP];
	size_t n;

	LINE(w, "        \"option-data\": [\n          { \"name\": \"%s\", \"data\": \"%s\" }",
	     w->six ? "domain-search" : "domain-name", rf_site_cstr(w->e->site->domain));
	if (!w->six && z->gateway.family)
		LINE(w, ",\n          { \"name\": \"routers\", \"data\": \"%s\" }", rf_emit_ip(&z->gateway, ip));
	if (rf_serve_hosts(w->e, z, IPPROTO_UDP, 53, &hosts, &n))
		put_list(w, w->six ? "dns-servers" : "domain-name-servers", hosts, n);
	if (rf_serve_hosts(w->e, z, IPPROTO_UDP, 123, &hosts, &n))
		put_list(w, w->six ? "sntp-servers" : "ntp-servers", hosts, n);
	LINE(w, "\n        ],\n");
}

static void put_reservation(struct kea *w, size_t i, bool first)
{
	const struct rf_site_phone *p = &w->e->site->phones[i];
	const uint8_t *m = p->mac;
	char ip[RF_EMIT_IP];

	/* The comma stands before, so that one phone more is one line more. */
	LINE(w, "\n          %c { \"hw-address\": \"%02x:%02x:%02x:%02x:%02x:%02x\", ", first ? ' ' : ',', m[0], m[1],
	     m[2], m[3], m[4], m[5]);
	if (w->six)
		LINE(w, "\"ip-addresses\": [ \"%s\" ], ", rf_emit_ip(&w->e->leases[i].address6, ip));
	else
		LINE(w, "\"ip-address\": \"%s\", ", rf_emit_ip(&w->e->leases[i].address, ip));
	LINE(w, "\"hostname\": \"%s\" }", rf_site_cstr(p->name));
}

static void put_reservations(struct kea *w, const struct rf_site_zone *z)
{
	bool first = true;

	LINE(w, "        \"reservations\": [");
	for (size_t i = 0; i < w->e->site->phone_count; i++) {
		const struct rf_lease *l = &w->e->leases[i];

		if (l->zone != z || !w->e->site->phones[i].has_mac ||
		    !(w->six ? l->address6.family : l->address.family))
			continue;
		put_reservation(w, i, first);
		first = false;
	}
	LINE(w, "%s],\n", first ? "" : "\n        ");
}

static void put_subnet(struct kea *w, const struct rf_site_zone *z, bool first)
{
	char ip[RF_EMIT_IP];

	LINE(w, "%s\n      { \"id\": %zu, \"subnet\": \"%s\", \"user-context\": { \"zone\": \"%s\" },\n",
	     first ? "" : ",", z->vlan ? (size_t)z->vlan : (size_t)(z - w->e->site->zones) + 5000,
	     rf_emit_ip(w->six ? &z->subnet6 : &z->subnet, ip), rf_site_cstr(z->name));
	put_options(w, z);
	put_reservations(w, z);
	LINE(w, "        \"pools\": [], \"reservations-in-subnet\": true, \"reservations-out-of-pool\": true }");
}

static void put_head(struct kea *w, const char *name)
{
	char ip[RF_EMIT_IP];

	/* Requests come by the relays of routers, as ordinary datagrams to this address. */
	LINE(w, "{\n  \"%s\": {\n    \"interfaces-config\": { \"interfaces\": [ \"*\" ]%s },\n", name,
	     w->six ? "" : ", \"dhcp-socket-type\": \"udp\", \"outbound-interface\": \"use-routing\"");
	LINE(w,
	     "    \"lease-database\": { \"type\": \"memfile\", \"persist\": true, \"lfc-interval\": 3600 },\n"
	     "    \"host-reservation-identifiers\": [ \"hw-address\" ],\n"
	     "    \"valid-lifetime\": %u, \"renew-timer\": %u, \"rebind-timer\": %u,\n",
	     w->e->site->network.dhcp_lease_s, w->e->site->network.dhcp_lease_s / 2,
	     w->e->site->network.dhcp_lease_s / 8 * 7);
	if (!w->six)
		LINE(w, "    \"match-client-id\": false, \"echo-client-id\": true, \"authoritative\": true,\n"
		     "    \"server-tag\": \"%s\", \"next-server\": \"%s\",\n", rf_site_cstr(w->host->name),
		     rf_emit_ip(&w->host->address, ip));
	LINE(w,
	     "    \"loggers\": [ { \"name\": \"kea-dhcp%c\", \"severity\": \"INFO\",\n"
	     "      \"output_options\": [ { \"output\": \"syslog:kea-dhcp%c\" } ] } ],\n    \"subnet%c\": [",
	     w->six ? '6' : '4', w->six ? '6' : '4', w->six ? '6' : '4');
}

static void put_server(struct rf_emit *e, const struct rf_site_host *host, bool six)
{
	struct kea w = { .e = e, .host = host, .six = six };
	const struct rf_site_zone *const *zones;
	bool first = true;
	size_t n;

	if ((six && !host->address6.family) || !rf_serve_zones(e, host, IPPROTO_UDP, six ? 547 : 67, &zones, &n) || !n ||
	    rf_emit_begin(e, &w.o, 0644, "// ", "services/%s/kea-dhcp%c.conf", rf_site_cstr(host->name), six ? '6' : '4'))
		return;
	put_head(&w, six ? "Dhcp6" : "Dhcp4");
	for (size_t i = 0; i < n; i++)
		if (zones[i] != host->zone && (six ? zones[i]->subnet6.family : zones[i]->subnet.family)) {
			put_subnet(&w, zones[i], first);
			first = false;
		}
	LINE(&w, "\n    ]\n  }\n}\n");
	rf_emit_end(w.o);
}

void rf_emit_kea(struct rf_emit *e)
{
	for (size_t i = 0; i < e->site->host_count; i++)
		if (rf_serves(&e->site->hosts[i], RF_SERVICE_DHCP)) {
			put_server(e, &e->site->hosts[i], false);
			put_server(e, &e->site->hosts[i], true);
		}
}

/* Who needs what of whom: everything but calls. A row opens nothing by itself; it becomes a flow where both ends are in
 * the site and the pair's cell has the category: allowed, or, for a row that is implied, optional too. Rows are implied
 * only where the site file asks for the service by naming the one host that gives it, or where a role cannot do its
 * duty without (docs/decisions/0044). */
#include "policy/flow_int.h"

#include "base/err.h"

#define K(kind) (1u << RF_ZONE_##kind)

enum when { ALWAYS, DHCP_ON, NTS, NO_ADMIN_ZONE, SNMP };

struct need {
	const char *service;
	unsigned from, to;             /* kinds of zones, as bits */
	struct rf_who from_who, to_who;
	const char *why;
	bool implied;
	enum when when;
};

#define ALL { .all = true }
#define HOSTS { .hosts = true }
#define MANAGED { .hosts = true, .devices = true }
#define DEVICES { .devices = true }
#define ROLE(r) { .roles = RF_ROLE_##r }
#define SERVES(s) { .services = RF_SERVICE_##s }
#define WORKSTATION SERVES(WORKSTATION)
#define VOICEMAIL_OR(s) { .roles = RF_ROLE_VOICEMAIL, .services = (s) }
#define OUTSIDE_CALLS { .roles = RF_ROLE_BORDER | RF_ROLE_RELAY }

static const struct need needs[] = {
	/* --- management, and the record of it */
	{ "ssh", K(ADMIN), K(SERVER) | K(GATEWAY) | K(BORDER) | K(CONVERGED) | K(ADMIN), WORKSTATION, MANAGED,
	  "Administrators work on hosts and devices over SSH, from listed workstations only." },
	{ "https-admin", K(ADMIN), K(SERVER) | K(GATEWAY) | K(BORDER) | K(CONVERGED) | K(ADMIN), WORKSTATION,
	  { .roles = RF_ROLE_CONSOLE | RF_ROLE_GATEWAY, .devices = true },
	  "Administrators use web interfaces over TLS, from listed workstations only." },
	{ "snmpv3", K(ADMIN), K(SERVER) | K(GATEWAY) | K(BORDER) | K(CONVERGED) | K(ADMIN), WORKSTATION, DEVICES,
	  "Switches and routers are polled by SNMPv3 from listed workstations.", false, SNMP },
	{ "echo", K(ADMIN), K(SERVER) | K(GATEWAY) | K(BORDER) | K(CONVERGED) | K(ADMIN), WORKSTATION, MANAGED,
	  "Administrators see whether a host or device can be reached." },
	{ "ssh", K(ADMIN), K(PHONE), WORKSTATION, DEVICES, "Devices of a remote office are managed over SSH." },
	{ "https-admin", K(ADMIN), K(PHONE), WORKSTATION, ALL,
	  "The phones' web interfaces answer listed workstations only." },
	{ "snmpv3", K(ADMIN), K(PHONE), WORKSTATION, ALL, "Phones are polled by SNMPv3 from listed workstations.",
	  false, SNMP },
	{ "echo", K(ADMIN), K(PHONE), WORKSTATION, ALL, "Administrators see whether a phone can be reached." },
	{ "ssh", K(ADMIN), K(SOFTPHONE), WORKSTATION, ALL, "Computers with softphones are managed over SSH." },
	{ "echo", K(ADMIN), K(SOFTPHONE), WORKSTATION, ALL, "Administrators see whether a softphone can be reached." },
	{ "ssh", K(DATA), K(SERVER), WORKSTATION, HOSTS,
	  "Without an admin zone listed workstations of the data side manage the servers over SSH.", true,
	  NO_ADMIN_ZONE },
	{ "https-admin", K(DATA), K(SERVER), WORKSTATION, ROLE(CONSOLE),
	  "Without an admin zone listed workstations of the data side use the console.", true, NO_ADMIN_ZONE },
	{ "https-admin", K(DATA), K(PHONE), WORKSTATION, ALL,
	  "Without an admin zone listed workstations of the data side see the phones' web interfaces.", true,
	  NO_ADMIN_ZONE },
	{ "provision", K(PHONE) | K(SOFTPHONE), K(SERVER), ALL, ROLE(PROVISION),
	  "Phones fetch signed configuration and firmware over TLS." },
	{ "notice", K(SERVER), K(PHONE) | K(SOFTPHONE), ROLE(PROVISION), ALL,
	  "A phone is told over TLS that new signed files are there." },
	{ "syslog", K(PHONE), K(SERVER), ALL, SERVES(LOG), "Phones log over TLS." },
	{ "syslog", K(SERVER) | K(GATEWAY) | K(BORDER) | K(CONVERGED) | K(ADMIN), K(ADMIN), MANAGED, SERVES(LOG),
	  "Listed senders log over TLS to the central log host." },

	/* --- names, time, addresses, identity */
	{ "dns", K(PHONE), K(SERVER), ALL, SERVES(DNS), "Phones ask their own resolver for names." },
	{ "dns-tcp", K(PHONE), K(SERVER), ALL, SERVES(DNS), "Answers that do not fit into a datagram." },
	{ "dns", K(GATEWAY) | K(SERVER), K(SERVER), MANAGED, SERVES(DNS),
	  "Hosts ask telephony's own resolver for names." },
	{ "dns-tcp", K(GATEWAY) | K(SERVER), K(SERVER), MANAGED, SERVES(DNS),
	  "Answers that do not fit into a datagram." },
	{ "dns", K(BORDER), K(SERVER), OUTSIDE_CALLS, SERVES(DNS),
	  "The session controller asks telephony's own resolver for names.", true },
	{ "dns-tcp", K(BORDER), K(SERVER), OUTSIDE_CALLS, SERVES(DNS), "Answers that do not fit into a datagram.", true },
	{ "dns", K(DATA), K(DATA), ALL, SERVES(DNS), "The data side has a resolver of its own." },
	{ "dns-tcp", K(DATA), K(DATA), ALL, SERVES(DNS), "Answers that do not fit into a datagram." },
	{ "dns", K(ADMIN), K(ADMIN), MANAGED, SERVES(DNS), "The admin zone has a resolver of its own." },
	{ "ntp", K(PHONE), K(SERVER), ALL, SERVES(NTP), "Phones take the time from telephony's own server." },
	{ "ntp", K(GATEWAY) | K(SERVER), K(SERVER), MANAGED, SERVES(NTP),
	  "Hosts take the time from telephony's own server." },
	{ "ntp", K(SERVER) | K(ADMIN), K(ADMIN), MANAGED, SERVES(NTP),
	  "The primary time server stands in the admin zone." },
	{ "ntp", K(BORDER) | K(CONVERGED), K(ADMIN), HOSTS, SERVES(NTP),
	  "A host that checks certificates needs the time: from the primary server.", true },
	{ "ntp", K(DATA), K(DATA), ALL, SERVES(NTP), "The data side has a time server of its own." },
	{ "nts-ke", K(PHONE), K(SERVER), ALL, SERVES(NTP), "Keys for authenticated time.", false, NTS },
	{ "nts-ke", K(GATEWAY) | K(SERVER), K(SERVER), MANAGED, SERVES(NTP), "Keys for authenticated time.", false, NTS },
	{ "nts-ke", K(SERVER) | K(ADMIN), K(ADMIN), MANAGED, SERVES(NTP), "Keys for authenticated time.", false, NTS },
	{ "nts-ke", K(BORDER) | K(CONVERGED), K(ADMIN), HOSTS, SERVES(NTP), "Keys for authenticated time.", true, NTS },
	{ "dhcp", K(PHONE), K(SERVER), ALL, SERVES(DHCP), "Phones renew their addresses.", false, DHCP_ON },
	{ "dhcp-offer", K(SERVER), K(PHONE), SERVES(DHCP), ALL, "Phones get their addresses.", false, DHCP_ON },
	{ "dhcp", K(DATA), K(DATA), ALL, SERVES(DHCP), "The data side has a lease server of its own.", false, DHCP_ON },
	{ "radius", K(SERVER) | K(PHONE) | K(GATEWAY) | K(ADMIN), K(SERVER) | K(ADMIN), DEVICES, SERVES(RADIUS),
	  "Switches ask who may use a port (802.1X), devices who may administer them." },
	{ "radsec", K(SERVER) | K(PHONE) | K(GATEWAY) | K(ADMIN), K(SERVER) | K(ADMIN), DEVICES, SERVES(RADIUS),
	  "The same over TLS." },
	{ "ldaps", K(SERVER) | K(ADMIN), K(SERVER) | K(ADMIN), HOSTS, SERVES(DIRECTORY),
	  "Administrators are authenticated by the directory, over TLS." },
	{ "ldaps", K(DATA), K(DATA), ALL, SERVES(DIRECTORY), "The data side has a directory of its own." },
	{ "stun", K(PHONE), K(BORDER), ALL, SERVES(STUN), "Phones learn their outside address.", true },

	/* --- data */
	{ "web", K(DATA) | K(SOFTPHONE) | K(PHONE), K(CONVERGED), ALL, VOICEMAIL_OR(RF_SERVICE_WEB | RF_SERVICE_MAIL),
	  "The published interfaces of converged services, over TLS with strong authentication." },
	{ "web", K(SERVER), K(CONVERGED), HOSTS, VOICEMAIL_OR(RF_SERVICE_WEB | RF_SERVICE_MAIL),
	  "Servers use the message and directory interfaces of converged services." },
	{ "imaps", K(DATA) | K(SOFTPHONE), K(CONVERGED), ALL, VOICEMAIL_OR(RF_SERVICE_MAIL),
	  "Messages are read over TLS." },
	{ "submission", K(DATA) | K(SERVER), K(CONVERGED), HOSTS, VOICEMAIL_OR(RF_SERVICE_MAIL),
	  "Hosts hand messages to the converged services." },
	{ "smtp", K(CONVERGED), K(DATA), VOICEMAIL_OR(RF_SERVICE_WEB | RF_SERVICE_MAIL), SERVES(MAIL),
	  "Converged services deliver messages to the mail host of the data side." },
	{ "submission", K(CONVERGED), K(DATA), VOICEMAIL_OR(RF_SERVICE_WEB | RF_SERVICE_MAIL), SERVES(MAIL),
	  "The same over TLS." },
	{ "web", K(CONVERGED), K(CONVERGED), HOSTS, VOICEMAIL_OR(RF_SERVICE_WEB | RF_SERVICE_MAIL),
	  "Services of the zone work together." },
	{ "web", K(DATA) | K(SOFTPHONE), K(DATA) | K(SOFTPHONE), ALL, ALL,
	  "Computers of the data side work together." },
	{ "web-plain", K(DATA) | K(SOFTPHONE), K(DATA) | K(SOFTPHONE), ALL, ALL,
	  "Computers of the data side work together." },
	{ "files", K(DATA) | K(SOFTPHONE), K(DATA) | K(SOFTPHONE), ALL, ALL,
	  "Computers of the data side share files." },
	{ "web", K(DATA), K(INTERNET), ALL, ALL, "Ordinary use of the web through the data firewall." },
	{ "web-plain", K(DATA), K(INTERNET), ALL, ALL, "Ordinary use of the web through the data firewall." },
	{ "quic", K(DATA), K(INTERNET), ALL, ALL, "Ordinary use of the web through the data firewall." },
	{ "proxy", K(DATA), K(BORDER), ALL, SERVES(PROXY), "The web through the proxy of the perimeter." },
	{ "web", K(DATA), K(BORDER), ALL, SERVES(WEB), "What the site publishes in the perimeter." },
	{ "mirror", K(SERVER), K(BORDER), HOSTS, SERVES(MIRROR), "Servers take updates from the listed mirror.", true },
	{ "web", K(BORDER), K(INTERNET), { .services = RF_SERVICE_PROXY | RF_SERVICE_MIRROR }, ALL,
	  "The proxy and the update mirror of the perimeter.", true },
	{ "web-plain", K(BORDER), K(INTERNET), { .services = RF_SERVICE_PROXY | RF_SERVICE_MIRROR }, ALL,
	  "The proxy and the update mirror of the perimeter.", true },
};

const char *rf_need_service(size_t i)
{
	return i < sizeof needs / sizeof *needs ? needs[i].service : NULL;
}

static bool dhcp_on(const struct rf_site *s, const struct rf_site_zone *z)
{
	return z->dhcp == 1 || (z->dhcp == 0 && s->level != RF_LEVEL_HIGHEST);
}

static bool has_admin_zone(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_ADMIN)
			return true;
	return false;
}

static bool is_time(const struct rf_make *m, const struct need *n, const struct rf_pair *p)
{
	switch (n->when) {
	case ALWAYS:
		return true;
	case DHCP_ON:
		return dhcp_on(m->site, strcmp(n->service, "dhcp") == 0 ? p->from.zone : p->to.zone);
	case NTS:
		return m->site->network.nts;
	case SNMP:
		return m->site->network.snmp;
	case NO_ADMIN_ZONE:
		return !has_admin_zone(m->site);
	default:
		return false;
	}
}

/* A host alone with itself needs no network. */
static bool same_single(const struct rf_end *from, const struct rf_end *to)
{
	return from->host_count == 1 && to->host_count == 1 && from->hosts[0] == to->hosts[0] && from->n == to->n;
}

/* DHCP is of IPv4: one end's addresses of that family are enough, the other is held to them. */
static void only_ipv4(struct rf_make *m, struct rf_end *end)
{
	struct rf_site_ip *v = rf_arena_array(m->arena, end->n + 1, sizeof *v);
	size_t n = 0;

	if (!v) {
		m->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < end->n; i++)
		if (end->v[i].family == 4)
			v[n++] = end->v[i];
	end->v = v;
	end->n = n;
}

static void try_need(struct rf_make *m, const struct rf_pair *p, const struct need *n)
{
	const struct rf_service *s = rf_service(n->service);
	struct rf_end from, to;

	if (!(n->from & 1u << p->from.kind) || !(n->to & 1u << p->to.kind) ||
	    !rf_pair_opens(p, s->category, n->implied) || !is_time(m, n, p))
		return;
	if (!rf_party_select(m, p->from, n->from_who, &from) || !rf_party_select(m, p->to, n->to_who, &to) ||
	    same_single(&from, &to))
		return;
	if (n->when == DHCP_ON) {
		struct rf_end *servers = to.n ? &to : &from;

		only_ipv4(m, servers);
		if (!servers->n)
			return;
	}
	rf_flow_add(m, p, s, &from, &to, n->why);
}

void rf_needs_of_pair(struct rf_make *m, const struct rf_pair *pair)
{
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		try_need(m, pair, &needs[i]);
}

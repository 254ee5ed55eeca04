/* The network of a site as the file describes it: routers and switches, remote offices, who runs which service, what is
 * opened beyond the matrix's defaults, and what people have attested. Part of struct rf_site (site/site.h); the same
 * rules of lifetime hold. What is made of it (flows, rules, configurations) is policy/'s and emit/'s matter. */
#ifndef RF_SITE_NETWORK_H
#define RF_SITE_NETWORK_H

#include "site/types.h"

struct rf_site_zone;
struct rf_site_host;
struct rf_site_link;
struct rf_site_location;
struct rf_site_office;
struct rf_site_switch;

/* Bounds, beside those of site.h. */
enum {
	RF_SITE_ATTEST_MAX = 1024 * 1024, /* attestations.yaml, bytes */
	RF_SITE_SWITCH_PORTS_MAX = 1024,  /* of one switch, ranges counted out */
	RF_SITE_PORTS_MAX = 262144,       /* of all switches */
	RF_SITE_PORT_NAME_MAX = 31,       /* of a port or an interface */
};

/* Services that a host gives to others and that ringfort configures or opens ports for, as bits. */
enum {
	RF_SERVICE_DHCP = 1 << 0, RF_SERVICE_DNS = 1 << 1, RF_SERVICE_NTP = 1 << 2, RF_SERVICE_LOG = 1 << 3,
	RF_SERVICE_RADIUS = 1 << 4,      /* 802.1X, and the login of administrators on devices */
	RF_SERVICE_DIRECTORY = 1 << 5,   /* LDAP over TLS */
	RF_SERVICE_DATABASE = 1 << 6, RF_SERVICE_CACHE = 1 << 7,
	RF_SERVICE_PROXY = 1 << 8,       /* web proxy of the perimeter */
	RF_SERVICE_MIRROR = 1 << 9,      /* software updates */
	RF_SERVICE_MAIL = 1 << 10, RF_SERVICE_WEB = 1 << 11, RF_SERVICE_STUN = 1 << 12, RF_SERVICE_IDS = 1 << 13,
	RF_SERVICE_WORKSTATION = 1 << 14, /* an administrator's: may open `admin` towards others */
	RF_SERVICE_BACKUP = 1 << 15,
};

/* What a device runs decides the language of its configuration. */
enum rf_device_kind { RF_DEVICE_LINUX, RF_DEVICE_IOS_XE, RF_DEVICE_EOS, RF_DEVICE_JUNOS, RF_DEVICE_KINDS };

/* A router's foot in a zone. */
struct rf_site_interface {
	struct rf_site_pos pos;
	struct rf_view zone_name;
	const struct rf_site_zone *zone;  /* never NULL after loading */
	struct rf_view name;              /* as the device calls it; default "vlan30" on Linux, "Vlan30" on IOS-XE and
					   * EOS, "irb.30" on Junos; the zone's own name where it has no VLAN */
	struct rf_view address_text, address6_text;
	struct rf_site_pos zone_pos, name_pos, address_pos, address6_pos;
	struct rf_site_ip address, address6; /* the router's own; family 0: the zone's gateway address. Routers of a
					      * pair have their own, and so has a foot in a zone of kind wan or
					      * internet, whose gateway is another's */
};

struct rf_site_router {
	struct rf_site_pos pos;
	struct rf_view name;
	int kind;                         /* enum rf_device_kind */
	const struct rf_site_interface *interfaces;
	size_t interface_count;
	struct rf_site_pos standby_pos, office_pos;
	struct rf_view standby_for;       /* of another router with the same zones: VRRP (RFC 9568)
					   * shares the gateways */
	const struct rf_site_router *main; /* the same resolved; NULL: it stands by for none */
	struct rf_view office_name;
	const struct rf_site_office *office; /* NULL: the main site */
	const struct rf_site_host *host;  /* the host of the same name with role wall, NULL: no wall runs on it */
	const struct rf_site_router *standby; /* who stands by for it, NULL: nobody */
};

/* The file may leave `use` out: a port with a zone is an access port, one with `to` an uplink. */
enum rf_port_use { RF_PORT_ACCESS, RF_PORT_UPLINK, RF_PORT_UNUSED, RF_PORT_USES };

/* One port of a switch; a range in the file ("Gi1/0/1-24") is as many of these. */
struct rf_site_port {
	struct rf_site_pos pos;
	struct rf_view name;
	int use;                          /* enum rf_port_use */
	struct rf_view zone_name;         /* of an access port */
	const struct rf_site_zone *zone;  /* NULL on uplinks and unused ports */
	struct rf_site_pos use_pos, zone_pos, to_pos, macs_pos;
	struct rf_view to;                /* of an uplink: the router or switch at its other end */
	const struct rf_site_router *to_router; /* the same resolved: one of the two is not NULL */
	const struct rf_site_switch *to_switch;
	uint32_t macs;                    /* at most so many stations; default 1 */
	bool ranged;                      /* came out of a range */
};

struct rf_site_switch {
	struct rf_site_pos pos;
	struct rf_view name;
	int kind;                         /* enum rf_device_kind */
	struct rf_view zone_name;         /* where it is managed */
	const struct rf_site_zone *zone;
	struct rf_view address_text;
	struct rf_site_ip address;
	struct rf_site_pos zone_pos, address_pos, location_pos, office_pos;
	struct rf_view location_name;
	const struct rf_site_location *location;
	struct rf_view office_name;
	const struct rf_site_office *office;
	const struct rf_site_port *ports; /* ports that the file does not name are unused, and shut down */
	size_t port_count;
};

/* A remote office: zones that name it arrive through its tunnels, one a zone (wan-vpn-separation). */
struct rf_site_office {
	struct rf_site_pos pos;
	struct rf_view name;
	struct rf_view link_name;
	const struct rf_site_link *link;  /* bounds of calls on the way there; NULL: none */
	struct rf_view router_name;       /* its router, and the one of the main site that ends the tunnels */
	struct rf_view hub_name;
	const struct rf_site_router *router, *hub;
	struct rf_site_pos link_pos, router_pos, hub_pos, peer_pos, local_pos;
	struct rf_view peer_text, local_text; /* outer addresses of the tunnels: theirs and ours */
	struct rf_site_ip peer, local;
};

/* Categories of traffic in the zone matrix, as bits where they are sets. */
enum rf_category { RF_CAT_SIGNALING, RF_CAT_MEDIA, RF_CAT_ADMIN, RF_CAT_SERVICES, RF_CAT_DATA, RF_CATEGORIES };

struct rf_site_ports {
	uint16_t first, last;
};

/* A flow that the matrix leaves to the site (optional cells), or, with a deviation, forbids. */
struct rf_site_allow {
	struct rf_site_pos pos;
	struct rf_view from_name, to_name;
	const struct rf_site_zone *from, *to;
	int category;                     /* enum rf_category */
	int protocol;                     /* IPPROTO_TCP, IPPROTO_UDP */
	const struct rf_site_ports *ports; /* at least one */
	size_t port_count;
	struct rf_site_list from_hosts, to_hosts; /* names of hosts, addresses or networks; none: the whole zone */
	const struct rf_site_ip *from_ips, *to_ips; /* the same resolved: a host's addresses of both families */
	size_t from_ip_count, to_ip_count;
	struct rf_site_pos from_pos, to_pos, ports_pos, from_hosts_pos, to_hosts_pos, reason_pos, deviation_pos;
	struct rf_view reason;
	struct rf_view deviation;         /* mitigation of a deviation that permits it; "": the cell does */
};

/* What the services of the site are told. */
struct rf_site_network {
	struct rf_site_pos pos;
	struct rf_site_ips dns_forward;   /* resolvers outside that our DNS asks; none: it resolves
					   * itself or only its own */
	struct rf_site_list ntp_servers;  /* outside sources of the primary time server */
	bool nts;                         /* RFC 8915 towards them and inside */
	uint32_t dhcp_lease_s;            /* 86400 */
	uint32_t media_first, media_last; /* UDP ports of media of phones, gateways and relays: 16384..32767 */
	uint32_t external_kbit_per_call;  /* 100: with limits.external_calls the bandwidth of outside calls */
	bool snmp;                        /* false: no device answers SNMP; true: version 3, authenticated, encrypted */
	uint32_t storm_percent;           /* 1: broadcast and multicast on an access port */
	int dot1x;                        /* 0: as the level says, 1: on, 2: off (by deviation at highest) */
	struct rf_site_pos dot1x_pos;
	uint32_t confirm_s;               /* 60: a new rule set that nobody confirms is taken back */
};

/* attestations.yaml: what only people can confirm. */
struct rf_site_attestation {
	struct rf_site_pos pos;           /* file 2 */
	struct rf_site_pos mitigation_pos, by_pos, on_pos, until_pos;
	struct rf_view mitigation, by, on_text, until_text, document, text;
	int64_t on_s, until_s;            /* the ends of those days, as of a deviation */
};

/* Does the site describe a network, that is, a router or a switch? Where it does not, ringfort knows the hosts and
 * phones and nothing between them. */
struct rf_site;
bool rf_site_has_network(const struct rf_site *site);

const struct rf_site_zone *rf_site_zone(const struct rf_site *site, struct rf_view name);
const struct rf_site_router *rf_site_router(const struct rf_site *site, struct rf_view name);
const struct rf_site_switch *rf_site_switch(const struct rf_site *site, struct rf_view name);
const struct rf_site_port *rf_site_port(const struct rf_site *site, const struct rf_site_switch *sw,
					struct rf_view name);

#endif

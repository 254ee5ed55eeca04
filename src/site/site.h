/* The site: DIR/site.yaml (and its phones file) read into an immutable snapshot.
 *
 * A snapshot is built whole, aside, in one arena, or not at all: rf_site_load() gives a site without errors or a list
 * of findings and no site. Who has a snapshot holds a reference; a reload builds the next one and swaps pointers.
 * After loading nothing in it changes, so any thread may read it.
 *
 * Texts are struct rf_view into the arena, valid UTF-8 without control characters, and always followed by a NUL that
 * the length does not count: rf_site_cstr() makes a C string of one. What the file does not say is the empty view
 * or the default named here. Every item keeps its place in the file. */
#ifndef RF_SITE_SITE_H
#define RF_SITE_SITE_H

#include "base/clock.h"
#include "base/view.h"
#include "site/finding.h"
#include "site/level.h"
#include "site/network.h"
#include "site/telephony.h"

/* Bounds of the file, also listed in docs/security.md. */
enum {
	RF_SITE_FILE_MAX = 4 * 1024 * 1024, /* site.yaml, bytes */
	RF_SITE_CSV_MAX = 64 * 1024 * 1024, /* the phones file, bytes */
	RF_SITE_DEPTH_MAX = 8,              /* nesting in site.yaml */
	RF_SITE_NODES_MAX = 200000,         /* scalars, sequences and mappings in site.yaml */
	RF_SITE_TEXT_MAX = 1024,            /* bytes of one scalar */
	RF_SITE_PHONES_MAX = 200000,
	RF_SITE_ITEMS_MAX = 4096,           /* of zones, hosts, locations, trunks, deviations, switches, ... each */
	RF_SITE_LISTEN_MAX = 16,
	RF_SITE_ORIGINS_MAX = 32,
	RF_SITE_LIST_MAX = 64,              /* of numbers, names in one list */
	RF_SITE_NUMBER_MAX = 32,            /* characters of a number */
	RF_SITE_NAME_MAX = 63,              /* of a name of ours */
	RF_SITE_PATTERN_MAX = 64,           /* characters of a number pattern */
	RF_SITE_PARK_MAX = 1000,            /* slots */
};

enum rf_zone_kind {
	RF_ZONE_SERVER, RF_ZONE_PHONE, RF_ZONE_SOFTPHONE, RF_ZONE_GATEWAY, RF_ZONE_BORDER, RF_ZONE_ADMIN,
	RF_ZONE_CONVERGED, RF_ZONE_DATA, RF_ZONE_WAN, RF_ZONE_INTERNET, RF_ZONE_PSTN, RF_ZONE_KINDS,
};

/* Roles of a host, as bits. */
enum {
	RF_ROLE_CONTROLLER = 1, RF_ROLE_BORDER = 2, RF_ROLE_RELAY = 4, RF_ROLE_GATEWAY = 8, RF_ROLE_PROVISION = 16,
	RF_ROLE_CONSOLE = 32, RF_ROLE_VOICEMAIL = 64, RF_ROLE_WALL = 128,
};

struct rf_site_zone {
	struct rf_site_pos pos;
	struct rf_view name;
	enum rf_zone_kind kind;   /* from `kind`, else the kind that the zone is named after */
	uint32_t vlan;            /* 1..4094, 0: none given */
	struct rf_view subnet_text, subnet6_text;
	struct rf_site_ip subnet, subnet6;
	struct rf_view gateway_text, gateway6_text;
	bool gateway_said, gateway6_said;    /* in the file */
	struct rf_site_ip gateway, gateway6; /* of its hosts; default: the subnet's first address. In a zone of kind wan
					      * or internet that is somebody else's router */
	struct rf_view office_name;
	const struct rf_site_office *office; /* NULL: the main site */
	struct rf_view protocol;  /* call protocol of a server sub-zone (net-protocol-vlans), "": sip */
	int dhcp;                 /* 0: as the level says, 1: on, 2: off */
	/* Of the values; line 0: not in the file. */
	struct rf_site_pos kind_pos, vlan_pos, subnet_pos, subnet6_pos, gateway_pos, gateway6_pos, office_pos, dhcp_pos;
};

/* The side of a host in a border zone that the outside sees. */
struct rf_site_outside {
	struct rf_site_pos pos;           /* line 0: the file has none */
	struct rf_view address_text, address6_text, advertised_text;
	struct rf_site_ip address, address6;
	struct rf_site_ip advertised;     /* what peers are told in place of address, behind a NAT;
					   * family 0: the address */
	struct rf_site_pos address_pos, address6_pos, advertised_pos;
};

struct rf_site_host {
	struct rf_site_pos pos;
	struct rf_view name, zone_name, address_text, address6_text, standby_for;
	const struct rf_site_zone *zone; /* NULL only where the file names none */
	struct rf_site_ip address, address6;
	unsigned roles;
	unsigned services;               /* RF_SERVICE_* */
	struct rf_view mac_text, switch_name, port;
	struct rf_site_pos zone_pos, address_pos, address6_pos, roles_pos, services_pos, standby_pos, mac_pos, switch_pos,
		port_pos;                /* of the values */
	const struct rf_site_switch *on_switch; /* NULL: not said, or the site describes no switches */
	const struct rf_site_port *on_port;
	uint8_t mac[6];
	bool has_mac;
	struct rf_site_outside outside;  /* of a border or relay */
};

struct rf_site_location {
	struct rf_site_pos pos;
	struct rf_view name, building, floor, room, address;
	/* The civic address as RFC 5139 splits it, for emergency calls. country: two capital letters. */
	struct rf_view country, state, county, city, street, house_number, postal_code;
	struct rf_view elin;              /* the caller number of emergency calls from here */
	struct rf_view dial_plan_name, class_name, link_name;
	const struct rf_site_plan *plan;  /* never NULL: its own, else the site's, else the built-in one */
	const struct rf_site_cos *cos;    /* NULL: none of its own */
	const struct rf_site_link *link;  /* NULL: on the site's own network */
};

struct rf_site_phone {
	struct rf_site_pos pos;
	struct rf_view name;
	struct rf_view number;            /* its extension: digits, may begin with + */
	struct rf_view location_name, mac_text, switch_name, port, label, class_name;
	struct rf_view pickup_group;      /* "": in none */
	struct rf_view confirmed_text;    /* the day on which somebody saw that it stands there; "": nobody has */
	int64_t confirmed_s;              /* the end of that day, as of a deviation */
	struct rf_view precedence;        /* "dsn.flash q735.0": rf_precedence_ok(); "": none granted */
	const struct rf_site_location *location; /* NULL: none */
	const struct rf_site_cos *cos;    /* NULL: none of its own */
	const struct rf_site_switch *on_switch; /* NULL: not said, or the site describes no switches */
	const struct rf_site_port *on_port;
	struct rf_site_pos location_pos, mac_pos, switch_pos, port_pos; /* of the values; in site.yaml only */
	const struct rf_site_zone *zone;  /* that of its port; else the only zone of kind phone; else NULL */
	uint8_t mac[6];
	bool has_mac;
	bool roams;                       /* named in roaming.phones */
	int dtmf;                         /* enum rf_trunk_dtmf: how it presses keys, where it comes from outside */
	struct rf_site_pos dtmf_pos;
};

struct rf_site_deviation {
	struct rf_site_pos pos;
	struct rf_view mitigation, reason, approved_by, until_text;
	int64_t until_s;                  /* seconds since 1970: the end of that day in UTC */
	struct rf_site_list trunks;       /* the only ones that it holds for; none: it holds for the
					   * site, and for no trunk */
	struct rf_site_pos mitigation_pos, reason_pos, approved_pos, until_pos, trunks_pos;
};

struct rf_site_listen {
	struct rf_site_pos pos;
	unsigned transport;               /* one RF_TRANSPORT_* */
	struct rf_view address_text;      /* "": the addresses of the host that runs it */
	struct rf_site_ip address;        /* family 0: likewise */
	uint32_t port;                    /* default 5061 for tls, 443 for wss, 80 for ws, 5060 for the others */
	struct rf_view path;              /* of the URI that ws and wss answer on; default "/" */
	struct rf_site_list origins;      /* whose pages may connect there; default "https://DOMAIN" */
};

struct rf_site_sip {
	const struct rf_site_listen *listen; /* without any in the file: TLS on 5061 */
	size_t listens;
	uint32_t workers;                 /* 0: as many as processors; default 0 */
	uint32_t register_min_s;          /* 60 */
	uint32_t register_default_s;      /* 3600 */
	uint32_t register_max_s;          /* 7200 */
	uint32_t bindings_per_number;     /* 8 */
	uint32_t session_expires_s;       /* 1800, RFC 4028 */
	uint32_t session_min_s;           /* 90 */
	bool session_timer;               /* true */
	uint32_t ring_timeout_s;          /* 120 */
	uint32_t keepalive_s;             /* 120: Flow-Timer, RFC 5626; 0: none sent */
	uint32_t dscp;                    /* 40: CS5, signalling (RFC 4594 table 3) */
	uint32_t reauthenticate_s;        /* 3600: the longest that a border keeps a connection */
};

struct rf_site_media {
	struct rf_site_ips relays;        /* that a border asks by the NG protocol over UDP, in order */
	uint32_t relay_port;              /* 2223 */
	uint32_t announce_port;           /* 5004: UDP port that tones to phones come from; 0: none are played */
	struct rf_site_pos announce_pos;  /* line 0: the file does not say */
};

/* Phones that may come from outside, through a border. */
struct rf_site_roaming {
	struct rf_site_pos pos;           /* line 0: the file does not say */
	struct rf_site_list phones;       /* their names */
	struct rf_view class_name;
	const struct rf_site_cos *cos;    /* what they may call from outside; NULL: as from inside */
	bool nat;                         /* true: they may be behind one */
	bool browsers;                    /* in browsers, too: as the first wss entry of sip.listen has it */
};

/* What hosts with the role relay do beside the border's wishes. */
struct rf_site_relay {
	uint32_t workers;                 /* 0: as many as processors */
	struct rf_site_ips ng;            /* addresses of relays on which Kamailio and OpenSIPS may
					   * speak, by UDP; none */
	uint32_t ng_port;                 /* 2223 */
	struct rf_site_ips peers;         /* from which; none: the relay's own host */
	uint32_t silence_s;               /* 60: a session without media ends */
	struct rf_view fast;              /* network interfaces whose media the kernel passes on,
					   * commas between; "": none */
	struct rf_view xdp;               /* and those on which media goes past the sockets (AF_XDP); "": none */
	bool poll;                        /* under load they fetch media from the driver instead of being woken */
	struct rf_view sounds;            /* folder of WAV files that relays may play; "": none */
	uint32_t transcodings;            /* 100: streams of calls (m-lines) at a time whose codec is changed */
	struct rf_site_pos ng_pos, peers_pos, fast_pos, xdp_pos;
};

struct rf_site_limits {
	uint32_t external_calls;          /* 0: no bound of its own */
	uint32_t calls;                   /* 10000: at once */
	uint32_t calls_per_number;        /* 8 */
	uint32_t connections;             /* 50000 */
	uint32_t connections_per_source;  /* 200 */
	uint32_t handshakes_per_second;   /* 50: per source address */
	uint32_t messages_per_second;     /* 200: per source address */
	uint32_t requests_per_second;     /* 50: per number */
	uint32_t transactions;            /* 200000 */
	uint32_t registrations;           /* 200000: numbers with a binding */
	uint32_t emergency_calls;         /* 10: of `calls` and of memory, kept for emergency calls */
	uint32_t subscriptions;           /* 200000 */
	uint32_t messages;                /* 10000: MESSAGE requests under way */
	uint32_t overload_cpu_percent;    /* 85: of one processor per worker */
	uint32_t overload_memory_mb;      /* 0: no bound of its own */
	uint32_t overload_queue;          /* 10000: messages that wait in a worker */
};

struct rf_site_emergency {
	struct rf_site_pos pos;
	struct rf_site_list numbers, via, notify;
	struct rf_view test;              /* reads back what an emergency call would say; "": none */
	struct rf_view hook;              /* path of a program in the site's folder, "": none */
	uint32_t callback_s;              /* 1800: how long a call back reaches the phone */
};

struct rf_site {
	struct rf_view dir;               /* as given to rf_site_load() */
	struct rf_view file, phones_file; /* DIR/site.yaml; path of the phones file, "" when there is none */
	struct rf_view attestations_file; /* DIR/attestations.yaml, "" when there is none */
	struct rf_view name, domain;      /* domain: lower case; also the realm of digest */
	enum rf_level level;
	struct rf_site_pos level_pos;
	struct rf_view run_as;            /* account that a role drops to, default "ringfort" */
	const struct rf_site_zone *zones;           size_t zone_count;
	const struct rf_site_host *hosts;           size_t host_count;
	const struct rf_site_location *locations;   size_t location_count;
	const struct rf_site_phone *phones;         size_t phone_count; /* site.yaml's first, then
									 * the CSV's, in order */
	const struct rf_site_trunk *trunks;         size_t trunk_count;
	struct rf_site_trunk_defaults trunk_defaults;
	const struct rf_site_deviation *deviations; size_t deviation_count;
	struct rf_site_sip sip;
	struct rf_site_media media;
	struct rf_site_relay relay;
	struct rf_site_roaming roaming;
	struct rf_site_limits limits;
	struct rf_site_emergency emergency;
	struct rf_site_telephony tel;
	const struct rf_site_router *routers;       size_t router_count;
	const struct rf_site_switch *switches;      size_t switch_count;
	const struct rf_site_office *offices;       size_t office_count;
	const struct rf_site_allow *allows;         size_t allow_count;
	const struct rf_site_attestation *attestations; size_t attestation_count;
	struct rf_site_network network;
	struct rf_policy policy;          /* what holds: level, file, deviations */
	uint8_t digest[32];               /* SHA-256 over site.yaml and the phones file: names this configuration */
};

/* Where a border listens for phones outside that are browsers; NULL: nowhere. */
const struct rf_site_listen *rf_site_roaming_browsers(const struct rf_site *site);

/* Read DIR/site.yaml and the phones file it names, resolve references, apply the level's rules at `now`.
 * 0 and a site with one reference, or the first finding's code: RF_E_INVALID (the file is wrong: see findings),
 * -ENOENT and other -errno (the file could not be read; said in findings too), -ENOMEM.
 * findings (may be NULL) gets errors, and warnings also on success. */
int rf_site_load(const char *dir, struct rf_wall now, struct rf_findings *findings, struct rf_site **ret_site);
/* The same from memory, for tests and fuzzing: yaml is shown as file `name` in findings; a phones_file is not opened
 * but taken from csv (may be empty), no attestations.yaml is opened, and of time zones only rules are
 * understood, names count as UTC. */
int rf_site_parse(struct rf_view yaml, struct rf_view csv, const char *name, struct rf_wall now,
		  struct rf_findings *findings, struct rf_site **ret_site);
/* The same with the bytes of an attestations.yaml (may be empty). */
int rf_site_parse_attested(struct rf_view yaml, struct rf_view csv, struct rf_view attestations, const char *name,
			   struct rf_wall now, struct rf_findings *findings, struct rf_site **ret_site);

/* A further reference; threads: any. */
struct rf_site *rf_site_get(struct rf_site *site);
/* Drop one; the last frees. NULL is fine. */
void rf_site_put(struct rf_site *site);

static inline const char *rf_site_cstr(struct rf_view v)
{
	return v.n ? (const char *)v.p : "";
}

const struct rf_site_phone *rf_site_phone(const struct rf_site *site, struct rf_view name);
const struct rf_site_host *rf_site_host(const struct rf_site *site, struct rf_view name);
/* The host towards the outside: its own address where the file says nothing else. Family 0: none of that family. */
const struct rf_site_ip *rf_site_outside_ip(const struct rf_site_host *host, unsigned family);
/* Has any host one of these roles (RF_ROLE_*)? */
bool rf_site_has_role(const struct rf_site *site, unsigned roles);
/* The hosts with this role, those that stand by for another behind all others: at most cap of them onto v; how many. */
size_t rf_site_hosts_of(const struct rf_site *site, unsigned role, const struct rf_site_host **v, size_t cap);
const struct rf_site_location *rf_site_location(const struct rf_site *site, struct rf_view name);
/* The deviation that holds at now for a mitigation, NULL when there is none. */
const struct rf_site_deviation *rf_site_deviation(const struct rf_site *site, const char *mitigation,
						  struct rf_wall now);
/* The same of one trunk: a deviation that names it. */
const struct rf_site_deviation *rf_site_trunk_deviation(const struct rf_site *site, const struct rf_site_trunk *trunk,
							const char *mitigation, struct rf_wall now);
/* Does this moment lie in one of the windows, by the site's time zone and holidays? Without windows: always. */
bool rf_site_in_hours(const struct rf_site *site, const struct rf_site_times *t, struct rf_wall now);
/* 911, 112, 000, and the site's own. */
bool rf_site_is_emergency(const struct rf_site *site, struct rf_view number);
const struct rf_site_trunk *rf_site_trunk(const struct rf_site *site, struct rf_view name);
const struct rf_site_cos *rf_site_cos(const struct rf_site *site, struct rf_view name);
const struct rf_site_group *rf_site_group(const struct rf_site *site, struct rf_view number);
const struct rf_site_numbering *rf_site_numbering(const struct rf_site *site, struct rf_view number);
const struct rf_site_speed *rf_site_speed(const struct rf_site *site, struct rf_view number);

/* The columns that a phones file may have, one after the other; NULL behind the last. */
const char *rf_site_phone_column(size_t i);

/* The device URN of a phone: a version 8 UUID (RFC 9562) from SHA-256 over domain and name, so it is the same
 * wherever it is computed: "urn:uuid:...", 45 characters and a NUL. */
#define RF_SITE_URN 46
void rf_site_urn(const struct rf_site *site, struct rf_view phone_name, char ret_urn[static RF_SITE_URN]);

/* Texts that tools share with the loader. */
bool rf_site_name_ok(struct rf_view name);     /* letters, digits, - _ . ; begins with a letter or digit */
bool rf_site_number_ok(struct rf_view number); /* optional +, then digits */
bool rf_site_day(struct rf_view text, int64_t *ret_day); /* "2026-12-25" to days since 1970 */
bool rf_site_mac_parse(struct rf_view text, uint8_t ret_mac[static 6]);
/* "10.0.0.1", "fd00::1", with want_prefix "10.0.0.0/24" whose host bits must be zero. */
bool rf_site_ip_parse(struct rf_view text, bool want_prefix, struct rf_site_ip *ret_ip);
bool rf_site_ip_in(const struct rf_site_ip *address, const struct rf_site_ip *subnet);

#endif

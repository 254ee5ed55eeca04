/* The keys of a site file that are about its network: one row each; and those of attestations.yaml. */
#include "site/schema.h"
#include "site/site_int.h"

#include <netinet/in.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define AT(type, member) offsetof(struct type, member)
#define ALL(member) offsetof(struct rf_site_all, member)

static const struct rf_choice kinds[] = {
	{ "server", RF_ZONE_SERVER }, { "phone", RF_ZONE_PHONE }, { "softphone", RF_ZONE_SOFTPHONE },
	{ "gateway", RF_ZONE_GATEWAY }, { "border", RF_ZONE_BORDER }, { "admin", RF_ZONE_ADMIN },
	{ "converged", RF_ZONE_CONVERGED }, { "data", RF_ZONE_DATA }, { "wan", RF_ZONE_WAN },
	{ "internet", RF_ZONE_INTERNET }, { "pstn", RF_ZONE_PSTN }, { 0 },
};

static const struct rf_choice roles[] = {
	{ "controller", RF_ROLE_CONTROLLER }, { "border", RF_ROLE_BORDER }, { "relay", RF_ROLE_RELAY },
	{ "gateway", RF_ROLE_GATEWAY }, { "provision", RF_ROLE_PROVISION }, { "console", RF_ROLE_CONSOLE },
	{ "voicemail", RF_ROLE_VOICEMAIL }, { "wall", RF_ROLE_WALL }, { 0 },
};

static const struct rf_choice services[] = {
	{ "dhcp", RF_SERVICE_DHCP }, { "dns", RF_SERVICE_DNS }, { "ntp", RF_SERVICE_NTP }, { "log", RF_SERVICE_LOG },
	{ "radius", RF_SERVICE_RADIUS }, { "directory", RF_SERVICE_DIRECTORY }, { "database", RF_SERVICE_DATABASE },
	{ "cache", RF_SERVICE_CACHE }, { "proxy", RF_SERVICE_PROXY }, { "mirror", RF_SERVICE_MIRROR },
	{ "mail", RF_SERVICE_MAIL }, { "web", RF_SERVICE_WEB }, { "stun", RF_SERVICE_STUN }, { "ids", RF_SERVICE_IDS },
	{ "workstation", RF_SERVICE_WORKSTATION }, { "backup", RF_SERVICE_BACKUP }, { 0 },
};

static const struct rf_choice devices[] = {
	{ "linux", RF_DEVICE_LINUX }, { "ios-xe", RF_DEVICE_IOS_XE }, { "eos", RF_DEVICE_EOS },
	{ "junos", RF_DEVICE_JUNOS }, { 0 },
};

static const struct rf_choice uses[] = {
	{ "access", RF_PORT_ACCESS }, { "uplink", RF_PORT_UPLINK }, { "unused", RF_PORT_UNUSED }, { 0 },
};

static const struct rf_choice categories[] = {
	{ "signaling", RF_CAT_SIGNALING }, { "media", RF_CAT_MEDIA }, { "admin", RF_CAT_ADMIN },
	{ "network-services", RF_CAT_SERVICES }, { "services", RF_CAT_SERVICES }, { "data", RF_CAT_DATA }, { 0 },
};

static const struct rf_choice protocols[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { 0 } };

static const struct rf_choice on_off[] = { { "true", RF_ASKED_YES }, { "false", RF_ASKED_NO }, { 0 } };

/* zones */

/* A zone that does not say its kind is of the kind it is named after: refs.c. */
static const struct rf_site_zone zone_defaults = { .kind = RF_ZONE_KINDS };

static const struct rf_key zone_rows[] = {
	{ "kind", RF_KEY_CHOICE, AT(rf_site_zone, kind), .choices = kinds, .place_at = AT(rf_site_zone, kind_pos) },
	{ "vlan", RF_KEY_COUNT, AT(rf_site_zone, vlan), .min = 1, .max = 4094, .place_at = AT(rf_site_zone, vlan_pos) },
	{ "subnet", RF_KEY_SUBNET, AT(rf_site_zone, subnet_text), AT(rf_site_zone, subnet),
	  .place_at = AT(rf_site_zone, subnet_pos) },
	{ "subnet6", RF_KEY_SUBNET, AT(rf_site_zone, subnet6_text), AT(rf_site_zone, subnet6),
	  .place_at = AT(rf_site_zone, subnet6_pos) },
	{ "gateway", RF_KEY_ADDRESS, AT(rf_site_zone, gateway_text), AT(rf_site_zone, gateway),
	  .place_at = AT(rf_site_zone, gateway_pos) },
	{ "gateway6", RF_KEY_ADDRESS, AT(rf_site_zone, gateway6_text), AT(rf_site_zone, gateway6),
	  .place_at = AT(rf_site_zone, gateway6_pos) },
	{ "office", RF_KEY_NAME, AT(rf_site_zone, office_name), .place_at = AT(rf_site_zone, office_pos) },
	{ "protocol", RF_KEY_NAME, AT(rf_site_zone, protocol) },
	{ "dhcp", RF_KEY_CHOICE, AT(rf_site_zone, dhcp), .choices = on_off, .place_at = AT(rf_site_zone, dhcp_pos) },
};

const struct rf_keys rf_zone_keys = {
	"a zone", zone_rows, COUNT(zone_rows), sizeof(struct rf_site_zone), &zone_defaults,
	AT(rf_site_zone, name), true, AT(rf_site_zone, pos),
};

/* hosts */

static const struct rf_key outside_rows[] = {
	{ "address", RF_KEY_ADDRESS, AT(rf_site_host, outside.address_text), AT(rf_site_host, outside.address),
	  .place_at = AT(rf_site_host, outside.address_pos) },
	{ "address6", RF_KEY_ADDRESS, AT(rf_site_host, outside.address6_text), AT(rf_site_host, outside.address6),
	  .place_at = AT(rf_site_host, outside.address6_pos) },
	{ "advertised", RF_KEY_ADDRESS, AT(rf_site_host, outside.advertised_text), AT(rf_site_host, outside.advertised),
	  .place_at = AT(rf_site_host, outside.advertised_pos) },
};

static const struct rf_keys outside_keys = {
	"hosts.outside", outside_rows, COUNT(outside_rows), .has_pos = true, .pos_at = AT(rf_site_host, outside.pos),
};

static const struct rf_key host_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_host, name), .required = true },
	{ "zone", RF_KEY_NAME, AT(rf_site_host, zone_name), .required = true, .place_at = AT(rf_site_host, zone_pos) },
	{ "address", RF_KEY_ADDRESS, AT(rf_site_host, address_text), AT(rf_site_host, address), .required = true,
	  .place_at = AT(rf_site_host, address_pos) },
	{ "address6", RF_KEY_ADDRESS, AT(rf_site_host, address6_text), AT(rf_site_host, address6),
	  .place_at = AT(rf_site_host, address6_pos) },
	{ "roles", RF_KEY_CHOICES, AT(rf_site_host, roles), .choices = roles, .place_at = AT(rf_site_host, roles_pos) },
	{ "services", RF_KEY_CHOICES, AT(rf_site_host, services), .choices = services,
	  .place_at = AT(rf_site_host, services_pos) },
	{ "standby_for", RF_KEY_NAME, AT(rf_site_host, standby_for), .place_at = AT(rf_site_host, standby_pos) },
	{ "mac", RF_KEY_MAC, AT(rf_site_host, mac_text), AT(rf_site_host, mac), AT(rf_site_host, has_mac),
	  .place_at = AT(rf_site_host, mac_pos) },
	{ "switch", RF_KEY_NAME, AT(rf_site_host, switch_name), .place_at = AT(rf_site_host, switch_pos) },
	{ "port", RF_KEY_PORT, AT(rf_site_host, port), .place_at = AT(rf_site_host, port_pos) },
	{ "outside", RF_KEY_PART, 0, .sub = &outside_keys },
};

const struct rf_keys rf_host_keys = {
	"a host", host_rows, COUNT(host_rows), sizeof(struct rf_site_host), NULL, 0, true, AT(rf_site_host, pos),
};

/* routers */

static const struct rf_key interface_rows[] = {
	{ "zone", RF_KEY_NAME, AT(rf_site_interface, zone_name), .required = true,
	  .place_at = AT(rf_site_interface, zone_pos) },
	{ "name", RF_KEY_PORT, AT(rf_site_interface, name), .place_at = AT(rf_site_interface, name_pos) },
	{ "address", RF_KEY_ADDRESS, AT(rf_site_interface, address_text), AT(rf_site_interface, address),
	  .place_at = AT(rf_site_interface, address_pos) },
	{ "address6", RF_KEY_ADDRESS, AT(rf_site_interface, address6_text), AT(rf_site_interface, address6),
	  .place_at = AT(rf_site_interface, address6_pos) },
};

static const struct rf_keys interface_keys = {
	"an interface", interface_rows, COUNT(interface_rows), sizeof(struct rf_site_interface), NULL, 0, true,
	AT(rf_site_interface, pos),
};

static const struct rf_key router_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_router, name), .required = true },
	{ "kind", RF_KEY_CHOICE, AT(rf_site_router, kind), .choices = devices },
	{ "interfaces", RF_KEY_ITEMS, AT(rf_site_router, interfaces), AT(rf_site_router, interface_count),
	  .max = RF_SITE_ITEMS_MAX, .required = true, .sub = &interface_keys },
	{ "standby_for", RF_KEY_NAME, AT(rf_site_router, standby_for), .place_at = AT(rf_site_router, standby_pos) },
	{ "office", RF_KEY_NAME, AT(rf_site_router, office_name), .place_at = AT(rf_site_router, office_pos) },
};

const struct rf_keys rf_router_keys = {
	"a router", router_rows, COUNT(router_rows), sizeof(struct rf_site_router), NULL, 0, true,
	AT(rf_site_router, pos),
};

/* switches */

static const struct rf_site_port port_defaults = { .use = RF_PORT_USES, .macs = 1 };

static const struct rf_key port_rows[] = {
	{ "name", RF_KEY_PORT, AT(rf_site_port, name), .required = true },
	{ "use", RF_KEY_CHOICE, AT(rf_site_port, use), .choices = uses, .place_at = AT(rf_site_port, use_pos) },
	{ "zone", RF_KEY_NAME, AT(rf_site_port, zone_name), .place_at = AT(rf_site_port, zone_pos) },
	{ "to", RF_KEY_NAME, AT(rf_site_port, to), .place_at = AT(rf_site_port, to_pos) },
	{ "macs", RF_KEY_COUNT, AT(rf_site_port, macs), .min = 1, .max = 64, .place_at = AT(rf_site_port, macs_pos) },
};

static const struct rf_keys port_keys = {
	"a port", port_rows, COUNT(port_rows), sizeof(struct rf_site_port), &port_defaults, 0, true,
	AT(rf_site_port, pos),
};

static const struct rf_key switch_rows[] = {
	{ "name", RF_KEY_NAME, AT(rf_site_switch, name), .required = true },
	{ "kind", RF_KEY_CHOICE, AT(rf_site_switch, kind), .choices = devices },
	{ "zone", RF_KEY_NAME, AT(rf_site_switch, zone_name), .required = true,
	  .place_at = AT(rf_site_switch, zone_pos) },
	{ "address", RF_KEY_ADDRESS, AT(rf_site_switch, address_text), AT(rf_site_switch, address), .required = true,
	  .place_at = AT(rf_site_switch, address_pos) },
	{ "location", RF_KEY_NAME, AT(rf_site_switch, location_name), .place_at = AT(rf_site_switch, location_pos) },
	{ "office", RF_KEY_NAME, AT(rf_site_switch, office_name), .place_at = AT(rf_site_switch, office_pos) },
	{ "ports", RF_KEY_ITEMS, AT(rf_site_switch, ports), AT(rf_site_switch, port_count),
	  .max = RF_SITE_SWITCH_PORTS_MAX, .sub = &port_keys },
};

const struct rf_keys rf_switch_keys = {
	"a switch", switch_rows, COUNT(switch_rows), sizeof(struct rf_site_switch), NULL, 0, true,
	AT(rf_site_switch, pos),
};

/* offices */

static const struct rf_key office_rows[] = {
	{ "link", RF_KEY_NAME, AT(rf_site_office, link_name), .place_at = AT(rf_site_office, link_pos) },
	{ "router", RF_KEY_NAME, AT(rf_site_office, router_name), .place_at = AT(rf_site_office, router_pos) },
	{ "hub", RF_KEY_NAME, AT(rf_site_office, hub_name), .place_at = AT(rf_site_office, hub_pos) },
	{ "peer", RF_KEY_ADDRESS, AT(rf_site_office, peer_text), AT(rf_site_office, peer),
	  .place_at = AT(rf_site_office, peer_pos) },
	{ "local", RF_KEY_ADDRESS, AT(rf_site_office, local_text), AT(rf_site_office, local),
	  .place_at = AT(rf_site_office, local_pos) },
};

const struct rf_keys rf_office_keys = {
	"an office", office_rows, COUNT(office_rows), sizeof(struct rf_site_office), NULL, AT(rf_site_office, name),
	true,
	AT(rf_site_office, pos),
};

/* allow */

static const struct rf_key allow_rows[] = {
	{ "from", RF_KEY_NAME, AT(rf_site_allow, from_name), .required = true,
	  .place_at = AT(rf_site_allow, from_pos) },
	{ "to", RF_KEY_NAME, AT(rf_site_allow, to_name), .required = true, .place_at = AT(rf_site_allow, to_pos) },
	{ "category", RF_KEY_CHOICE, AT(rf_site_allow, category), .choices = categories, .required = true },
	{ "protocol", RF_KEY_CHOICE, AT(rf_site_allow, protocol), .choices = protocols, .required = true },
	{ "ports", RF_KEY_PORTS, AT(rf_site_allow, ports), .required = true, .place_at = AT(rf_site_allow, ports_pos) },
	{ "from_hosts", RF_KEY_ENDS, AT(rf_site_allow, from_hosts), .place_at = AT(rf_site_allow, from_hosts_pos) },
	{ "to_hosts", RF_KEY_ENDS, AT(rf_site_allow, to_hosts), .place_at = AT(rf_site_allow, to_hosts_pos) },
	{ "reason", RF_KEY_TEXT, AT(rf_site_allow, reason), .required = true,
	  .place_at = AT(rf_site_allow, reason_pos) },
	{ "deviation", RF_KEY_NAME, AT(rf_site_allow, deviation), .place_at = AT(rf_site_allow, deviation_pos) },
};

const struct rf_keys rf_allow_keys = {
	"an entry of allow", allow_rows, COUNT(allow_rows), sizeof(struct rf_site_allow), NULL, 0, true,
	AT(rf_site_allow, pos),
};

/* network */

static const struct rf_key network_rows[] = {
	{ "dns_forward", RF_KEY_ADDRESSES, AT(rf_site_network, dns_forward) },
	{ "ntp_servers", RF_KEY_DOMAINS, AT(rf_site_network, ntp_servers) },
	{ "nts", RF_KEY_BOOL, AT(rf_site_network, nts) },
	{ "dhcp_lease", RF_KEY_COUNT, AT(rf_site_network, dhcp_lease_s), .min = 300, .max = 2592000 },
	{ "media_ports", RF_KEY_SPAN, AT(rf_site_network, media_first) },
	{ "external_kbit_per_call", RF_KEY_COUNT, AT(rf_site_network, external_kbit_per_call), .min = 10,
	  .max = 100000 },
	{ "snmp", RF_KEY_BOOL, AT(rf_site_network, snmp) },
	{ "storm_percent", RF_KEY_COUNT, AT(rf_site_network, storm_percent), .min = 1, .max = 100 },
	{ "dot1x", RF_KEY_CHOICE, AT(rf_site_network, dot1x), .choices = on_off,
	  .place_at = AT(rf_site_network, dot1x_pos) },
	{ "confirm_seconds", RF_KEY_COUNT, AT(rf_site_network, confirm_s), .min = 10, .max = 3600 },
};

const struct rf_keys rf_network_keys = {
	"network", network_rows, COUNT(network_rows), .has_pos = true, .pos_at = AT(rf_site_network, pos),
};

/* attestations.yaml */

static const struct rf_key attestation_rows[] = {
	{ "mitigation", RF_KEY_NAME, AT(rf_site_attestation, mitigation), .required = true,
	  .place_at = AT(rf_site_attestation, mitigation_pos) },
	{ "by", RF_KEY_TEXT, AT(rf_site_attestation, by), .required = true,
	  .place_at = AT(rf_site_attestation, by_pos) },
	{ "on", RF_KEY_DATE, AT(rf_site_attestation, on_text), AT(rf_site_attestation, on_s), .required = true,
	  .place_at = AT(rf_site_attestation, on_pos) },
	{ "until", RF_KEY_DATE, AT(rf_site_attestation, until_text),
	  AT(rf_site_attestation, until_s), .required = true,
	  .place_at = AT(rf_site_attestation, until_pos) },
	{ "document", RF_KEY_TEXT, AT(rf_site_attestation, document) },
	{ "text", RF_KEY_TEXT, AT(rf_site_attestation, text) },
};

static const struct rf_keys attestation_keys = {
	"an attestation", attestation_rows, COUNT(attestation_rows), sizeof(struct rf_site_attestation), NULL, 0, true,
	AT(rf_site_attestation, pos),
};

const struct rf_key rf_attestations_key = {
	"attestations.yaml", RF_KEY_ITEMS, ALL(pub.attestations), ALL(pub.attestation_count), .max = RF_SITE_ITEMS_MAX,
	.sub = &attestation_keys,
};

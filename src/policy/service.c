#include "policy/service.h"

#include <netinet/in.h>

#define ANY_PORT { 0, 65535 }
#define TCP(name, category, port, mitigation) \
	{ name, category, IPPROTO_TCP, ANY_PORT, { port, port }, mitigation, RF_ICMP_NONE }
#define UDP(name, category, port, mitigation) \
	{ name, category, IPPROTO_UDP, ANY_PORT, { port, port }, mitigation, RF_ICMP_NONE }

static const struct rf_service services[] = {
	TCP("ssh", RF_CAT_ADMIN, 22, "mgmt-encrypted"),                     /* RFC 4253 */
	TCP("https-admin", RF_CAT_ADMIN, 443, "web-tls-only"),              /* RFC 9110 */
	UDP("snmpv3", RF_CAT_ADMIN, 161, "ph-snmp-v3"),                     /* RFC 3414 */
	TCP("provision", RF_CAT_ADMIN, 443, "ph-fw-signed"),
	TCP("notice", RF_CAT_ADMIN, 443, "ph-fw-signed"),
	TCP("syslog", RF_CAT_ADMIN, 6514, "log-authorized-senders"),        /* RFC 5425 */
	/* RFC 792, 4443 */
	{ "echo", RF_CAT_ADMIN, IPPROTO_ICMP, ANY_PORT, ANY_PORT, "mgmt-admin-ip-limit", RF_ICMP_ECHO },

	UDP("dns", RF_CAT_SERVICES, 53, "net-own-services"),                /* RFC 1035 */
	TCP("dns-tcp", RF_CAT_SERVICES, 53, "net-own-services"),            /* RFC 7766 */
	UDP("ntp", RF_CAT_SERVICES, 123, "net-own-services"),               /* RFC 5905 */
	TCP("nts-ke", RF_CAT_SERVICES, 4460, "net-own-services"),           /* RFC 8915 */
	/* RFC 2131 */
	{ "dhcp", RF_CAT_SERVICES, IPPROTO_UDP, { 68, 68 }, { 67, 67 }, "reg-dhcp-antispoof", RF_ICMP_NONE },
	{ "dhcp-offer", RF_CAT_SERVICES, IPPROTO_UDP, { 67, 67 }, { 68, 68 }, "ph-dhcp-client-port-acl", RF_ICMP_NONE },
	{ "dhcp-relay", RF_CAT_SERVICES, IPPROTO_UDP, { 67, 67 }, { 67, 67 }, "reg-dhcp-antispoof", RF_ICMP_NONE },
	{ "radius", RF_CAT_SERVICES, IPPROTO_UDP, ANY_PORT, { 1812, 1813 }, "net-8021x", RF_ICMP_NONE }, /* RFC 2865, 2866 */
	TCP("radsec", RF_CAT_SERVICES, 2083, "net-8021x"),                  /* RFC 6614 */
	TCP("ldaps", RF_CAT_SERVICES, 636, "net-own-services"),             /* RFC 4513 */
	UDP("stun", RF_CAT_SERVICES, 3478, "pub-sbc"),                      /* RFC 8489 */

	TCP("web", RF_CAT_DATA, 443, "ph-conv-strong-auth"),
	TCP("web-plain", RF_CAT_DATA, 80, "net-ipt-data-stateful"),
	UDP("quic", RF_CAT_DATA, 443, "net-ipt-data-stateful"),             /* RFC 9000 */
	TCP("submission", RF_CAT_DATA, 465, "ph-conv-dmz"),                 /* RFC 8314 */
	TCP("imaps", RF_CAT_DATA, 993, "ph-conv-strong-auth"),              /* RFC 8314 */
	TCP("smtp", RF_CAT_DATA, 25, "ph-conv-malware-scan"),               /* RFC 5321 */
	TCP("files", RF_CAT_DATA, 445, "net-ipt-data-stateful"),
	TCP("proxy", RF_CAT_DATA, 3128, "ph-app-no-internet"),
	TCP("mirror", RF_CAT_DATA, 443, "mal-no-general-internet"),
	TCP("database", RF_CAT_DATA, 5432, "db-dedicated-channel"),
	TCP("cache", RF_CAT_DATA, 6379, "db-dedicated-channel"),
	TCP("cache-watch", RF_CAT_DATA, 26379, "db-dedicated-channel"),

	{ "sip", RF_CAT_SIGNALING, IPPROTO_TCP, ANY_PORT, { 5060, 5060 }, "ph-auth-signaling-encryption", RF_ICMP_NONE },
	{ "sip-udp", RF_CAT_SIGNALING, IPPROTO_UDP, ANY_PORT, { 5060, 5060 }, "ph-auth-signaling-encryption", RF_ICMP_NONE },
	{ "sips", RF_CAT_SIGNALING, IPPROTO_TCP, ANY_PORT, { 5061, 5061 }, "ph-auth-signaling-encryption", RF_ICMP_NONE },
	TCP("relay-control", RF_CAT_SIGNALING, RF_PORT_RELAY, "pub-sbc"),
	TCP("pinholes", RF_CAT_SIGNALING, RF_PORT_WALL, "arch-per-sbc-pinholes"),
	{ "h323", RF_CAT_SIGNALING, IPPROTO_TCP, ANY_PORT, { 1720, 1720 }, "net-inter-vlan-filter", RF_ICMP_NONE },
	{ "h323-ras", RF_CAT_SIGNALING, IPPROTO_UDP, ANY_PORT, { 1718, 1719 }, "net-inter-vlan-filter", RF_ICMP_NONE },

	{ "vrrp", RF_CAT_SERVICES, RF_VRRP, ANY_PORT, ANY_PORT, "arch-avail-failover", RF_ICMP_NONE }, /* RFC 9568 */
	UDP("ike", RF_CAT_SERVICES, 500, "wan-vpn-separation"),             /* RFC 7296 */
	UDP("ike-nat", RF_CAT_SERVICES, 4500, "wan-vpn-separation"),        /* RFC 3948 */
	{ "esp", RF_CAT_SERVICES, IPPROTO_ESP, ANY_PORT, ANY_PORT, "wan-vpn-separation", RF_ICMP_NONE }, /* RFC 4303 */
};

enum { SERVICES = sizeof services / sizeof *services };

const struct rf_service *rf_service(const char *name)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return &services[0]; /* a name that no table has; flow_test.c asks for every one that is used */
}

static bool overlap(const struct rf_service *s, int protocol, struct rf_site_ports ports)
{
	return s->protocol == protocol && s->dport.first <= ports.last && ports.first <= s->dport.last;
}

static bool shared(const struct rf_service *s)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (services[i].category != s->category && overlap(&services[i], s->protocol, s->dport))
			return true;
	return false;
}

unsigned rf_service_categories(int protocol, struct rf_site_ports ports)
{
	unsigned seen = 0;

	for (size_t i = 0; i < SERVICES; i++)
		if (overlap(&services[i], protocol, ports) && !shared(&services[i]))
			seen |= 1u << services[i].category;
	return seen;
}

uint8_t rf_category_dscp(enum rf_category category)
{
	static const uint8_t dscp[RF_CATEGORIES] = {
		[RF_CAT_SIGNALING] = 40, /* CS5 */
		[RF_CAT_MEDIA] = 46,     /* EF */
		[RF_CAT_ADMIN] = 16,     /* CS2 */
		[RF_CAT_SERVICES] = 0, [RF_CAT_DATA] = 0, /* default forwarding */
	};

	return (unsigned)category < RF_CATEGORIES ? dscp[category] : 0;
}

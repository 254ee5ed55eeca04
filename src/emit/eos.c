/* Access switches that run Arista EOS: VLANs, ports, what may stand on them, and the switch itself. */
#include "emit/access.h"
#include "emit/acl.h"

#include <stdio.h>

#define LINE(w, ...) rf_emit_line((w)->o, __VA_ARGS__)

/* --- the device */

static void put_device(struct rf_device *w)
{
	LINE(w, "hostname %s\n"
	     "no aaa root\n"
	     "service password-encryption algorithm sha512\n"
	     "no ip icmp redirect\n"
	     "management telnet\n   shutdown\n"
	     "management api http-commands\n   no protocol http\n   shutdown\n"
	     "! The profile \"ringfort\" holds this device's certificate and the site's CA: `ringfort host issue` and `copy` to\n"
	     "! certificate: and sslkey:, once. No key is ever in this file.\n"
	     "management security\n   ssl profile ringfort\n      tls versions 1.2\n"
	     "      certificate ringfort.crt key ringfort.key\n      trust certificate ringfort-ca.crt\n"
	     "!\n", w->name);
}

static void put_radius(struct rf_device *w)
{
	char ip[RF_EMIT_IP];

	for (size_t i = 0; i < w->a.radius.n; i++)
		LINE(w, "radius-server host %s tls ssl-profile ringfort port 2083\n",
		     rf_emit_ip(&w->a.radius.v[i]->address, ip));
	if (w->a.radius.n) {
		LINE(w, "aaa group server radius ringfort\n");
		for (size_t i = 0; i < w->a.radius.n; i++)
			LINE(w, "   server %s tls\n", rf_emit_ip(&w->a.radius.v[i]->address, ip));
	}
	LINE(w, "aaa authentication login default %slocal\naaa authentication login console local\n"
	     "aaa authorization exec default %slocal\n", w->a.radius.n ? "group ringfort " : "",
	     w->a.radius.n ? "group ringfort " : "");
	if (w->a.dot1x && w->a.radius.n)
		LINE(w, "aaa authentication dot1x default group ringfort\ndot1x system-auth-control\n");
	LINE(w, "!\n");
}

static void put_management(struct rf_device *w)
{
	char ip[RF_EMIT_IP];

	LINE(w, "ip access-list standard rf-desks\n");
	for (size_t i = 0; i < w->a.desks.n; i++)
		LINE(w, "   permit host %s\n", rf_emit_ip(&w->a.desks.v[i]->address, ip));
	LINE(w, "   deny any log\nipv6 access-list standard rf-desks6\n");
	for (size_t i = 0; i < w->a.desks.n; i++)
		if (w->a.desks.v[i]->address6.family)
			LINE(w, "   permit host %s\n", rf_emit_ip(&w->a.desks.v[i]->address6, ip));
	LINE(w, "   deny any\n"
	     "management ssh\n   ip access-group rf-desks in\n   ipv6 access-group rf-desks6 in\n   idle-timeout 10\n"
	     "   cipher aes256-gcm@openssh.com aes128-gcm@openssh.com aes256-ctr\n"
	     "   mac hmac-sha2-512 hmac-sha2-256\n   key-exchange ecdh-sha2-nistp384 ecdh-sha2-nistp256\n"
	     "   no shutdown\n"
	     "management console\n   idle-timeout 5\n!\n");
}

static void put_log_and_time(struct rf_device *w)
{
	char ip[RF_EMIT_IP], secret[RF_EMIT_SECRET];

	LINE(w, "logging buffered 65536 informational\nlogging trap informational\n"
		"logging format timestamp high-resolution\n");
	for (size_t i = 0; i < w->a.log.n; i++)
		LINE(w, "logging host %s 6514 protocol tls ssl-profile ringfort\n",
		     rf_emit_ip(&w->a.log.v[i]->address, ip));
	if (w->a.ntp.n)
		LINE(w, "ntp authenticate\nntp authentication-key 2 sha1 0 %.32s\nntp trusted-key 2\n",
		     rf_emit_secret(w->e, "ntp 2", secret));
	for (size_t i = 0; i < w->a.ntp.n; i++)
		LINE(w, "ntp server %s%s key 2\n", rf_emit_ip(&w->a.ntp.v[i]->address, ip), i ? "" : " prefer");
	LINE(w, "!\n");
}

static void put_snmp(struct rf_device *w)
{
	char auth[RF_EMIT_SECRET], priv[RF_EMIT_SECRET];

	if (!w->e->site->network.snmp)
		LINE(w, "no snmp-server\n!\n");
	else
		LINE(w, "snmp-server view ringfort iso included\nsnmp-server group ringfort v3 priv read ringfort\n"
		     "snmp-server ipv4 access-list rf-desks\n"
		     "snmp-server user ringfort ringfort v3 auth sha256 %.32s priv aes128 %.32s\n!\n",
		     rf_access_snmp(w->e, "auth", w->name, auth), rf_access_snmp(w->e, "priv", w->name, priv));
}

/* --- VLANs and what watches them */

static void put_vlans(struct rf_device *w)
{
	for (size_t i = 0; i < w->a.zones.n; i++)
		LINE(w, "vlan %u\n   name %s\n", w->a.zones.v[i]->vlan, rf_site_cstr(w->a.zones.v[i]->name));
	LINE(w, "! A port that this file does not name stays in VLAN 1, which no trunk carries and no address is in.\n"
	     "spanning-tree mode rapid-pvst\nspanning-tree edge-port bpduguard default\n!\n");
}

static void put_snooping(struct rf_device *w)
{
	const char *vlans = rf_access_vlans(w->e, w->a.watched);
	char ip[RF_EMIT_IP], mac[15], name[RF_ACCESS_PORT];

	if (!*vlans)
		return;
	LINE(w, "ip dhcp snooping\nip dhcp snooping vlan %s\nip arp inspection vlan %s\n", vlans, vlans);
	for (size_t i = 0; i < w->a.port_count; i++) {
		const struct rf_access_port *p = &w->a.ports[i];

		if (!p->mac || !p->port->zone || !p->port->zone->vlan)
			continue;
		rf_access_mac(p->mac, mac);
		rf_access_interface(RF_DEVICE_EOS, p->port->name, name);
		if (w->a.bind)
			LINE(w, "mac address-table static %s vlan %u interface %s\n", mac, p->port->zone->vlan, name);
		if (p->address.family)
			LINE(w, "ip source binding %s %s vlan %u interface %s\n", rf_emit_ip(&p->address, ip), mac,
			     p->port->zone->vlan, name);
	}
	LINE(w, "!\n");
}

/* Access lists of ports in front of IPv6, where EOS binds no address to a port: no router, no DHCP server there. */
static void put_guards(struct rf_device *w)
{
	LINE(w, "ipv6 access-list rf-guard6\n"
	     "   deny icmpv6 any any router-advertisement\n"
	     "   deny icmpv6 any any redirect-message\n"
	     "   deny udp any eq 547 any\n"
	     "   permit ipv6 any any\n"
	     "!\n");
}

static void put_qos(struct rf_device *w)
{
	LINE(w, "qos map dscp 44 46 to traffic-class 5\nqos map dscp 40 to traffic-class 4\n"
	     "qos map dscp 16 to traffic-class 2\n"
	     "qos rewrite dscp\n!\n");
}

/* --- ports */

static void put_security(struct rf_device *w, const struct rf_access_port *p)
{
	LINE(w, "   switchport port-security\n   switchport port-security mac-address maximum %u\n"
	     "   switchport port-security violation %s\n   ip verify source\n"
	     "   ip arp inspection limit rate 15\n   ip dhcp snooping limit rate 10\n"
	     "   ipv6 access-group rf-guard6 in\n",
	     p->port->macs, w->e->site->level == RF_LEVEL_HIGHEST ? "shutdown" : "protect");
}

static void put_access(struct rf_device *w, const struct rf_access_port *p)
{
	const struct rf_site_zone *z = p->port->zone;

	LINE(w, "   switchport mode access\n   switchport access vlan %u\n", z->vlan);
	put_security(w, p);
	if (p->dot1x && w->a.radius.n)
		LINE(w, "   dot1x pae authenticator\n   dot1x port-control auto\n   dot1x host-mode single-host\n"
		     "   dot1x reauthentication\n   dot1x timeout reauth-period 3600\n");
	LINE(w, "   storm-control broadcast level %u\n   storm-control multicast level %u\n",
	     w->e->site->network.storm_percent, w->e->site->network.storm_percent);
	LINE(w, z->kind == RF_ZONE_DATA ? "   no qos trust\n   qos dscp 0\n" : "   qos trust dscp\n");
	if (z->kind != RF_ZONE_PHONE)
		LINE(w, "   no lldp transmit\n   no lldp receive\n");
	LINE(w, "   spanning-tree portfast\n   spanning-tree bpduguard enable\n   no shutdown\n");
}

static void put_uplink(struct rf_device *w, const struct rf_access_port *p)
{
	const char *vlans = rf_access_vlans(w->e, p->carried);

	LINE(w, "   switchport mode trunk\n   switchport trunk native vlan tag\n   switchport trunk allowed vlan %s\n"
	     "   ip dhcp snooping trust\n   ip arp inspection trust\n   qos trust dscp\n%s   no shutdown\n",
	     *vlans ? vlans : "none", p->port->to_router ? "   spanning-tree guard root\n" : "");
}

static void put_port(struct rf_device *w, const struct rf_access_port *p)
{
	char name[RF_ACCESS_PORT];

	LINE(w, "interface %s\n   description %s\n", rf_access_interface(RF_DEVICE_EOS, p->port->name, name),
	     rf_access_label(w->e, p));
	if (p->port->use == RF_PORT_UPLINK)
		put_uplink(w, p);
	else if (p->port->use == RF_PORT_ACCESS && p->port->zone && p->port->zone->vlan)
		put_access(w, p);
	else
		LINE(w, "   switchport mode access\n   shutdown\n");
	LINE(w, "!\n");
}

static void put_address(struct rf_device *w)
{
	const struct rf_site_switch *sw = w->a.sw;
	char ip[RF_EMIT_IP];

	if (!sw->zone || !sw->address.family)
		return;
	LINE(w, "interface Vlan%u\n   description management\n   ip address %s/%u\n", sw->zone->vlan,
	     rf_emit_ip(&sw->address, ip), sw->zone->subnet.prefix);
	if (sw->zone->gateway.family)
		LINE(w, "ip route 0.0.0.0/0 %s\n", rf_emit_ip(&sw->zone->gateway, ip));
	LINE(w, "!\n");
}

static void put_switch(struct rf_device *w)
{
	put_device(w);
	put_radius(w);
	put_vlans(w);
	put_guards(w);
	put_snooping(w);
	put_qos(w);
	for (size_t i = 0; i < w->a.port_count; i++)
		put_port(w, &w->a.ports[i]);
	put_address(w);
	put_management(w);
	put_log_and_time(w);
	put_snmp(w);
	LINE(w, "end\n");
}

static void put_router(struct rf_device *w)
{
	put_device(w);
	put_radius(w);
	rf_acl_eos(w->e, w->o, w->point);
	put_management(w);
	put_log_and_time(w);
	put_snmp(w);
	LINE(w, "end\n");
}

void rf_emit_eos(struct rf_emit *e)
{
	static const struct rf_device_language language = { RF_DEVICE_EOS, "! ", "eos.cfg", put_switch, put_router };

	rf_device_each(e, &language);
}

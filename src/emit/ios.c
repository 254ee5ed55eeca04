/* Access switches that run Cisco IOS-XE (Catalyst 9000): VLANs, ports, what may stand on them, and the switch itself.
 * Written to be merged into a device whose other lines are the factory's; section by section in the order in which the
 * device takes them. */
#include "emit/access.h"
#include "emit/acl.h"

#include <stdio.h>

#define LINE(w, ...) rf_emit_line((w)->o, __VA_ARGS__)

/* --- the device */

static void put_services(struct rf_device *w)
{
	LINE(w, "hostname %s\n"
	     "service timestamps log datetime msec show-timezone year\n"
	     "service sequence-numbers\n"
	     "service password-encryption\n"
	     "no service pad\n"
	     "no ip http server\n"
	     "no ip http secure-server\n"
	     "no ip source-route\n"
	     "no ip gratuitous-arps\n"
	     "no ip bootp server\n"
	     "no ip domain lookup\n"
	     "no cdp run\n"
	     "!\n", w->name);
}

/* The switch's own certificate, its key and the site's CA are put in once, by hand: no key is ever in this file. */
static void put_trust(struct rf_device *w)
{
	LINE(w, "! The trustpoint \"ringfort\" holds this device's certificate and the site's CA: `ringfort host issue` and\n"
	     "! `crypto pki import ringfort pkcs12`, once.\n"
	     "crypto pki trustpoint ringfort\n"
	     " revocation-check crl none\n"
	     "!\n");
}

static void put_radius(struct rf_device *w)
{
	char ip[RF_EMIT_IP];

	LINE(w, "aaa new-model\n");
	for (size_t i = 0; i < w->a.radius.n; i++)
		LINE(w, "radius server %s\n address ipv4 %s\n tls port 2083\n tls trustpoint client ringfort\n"
		     " tls trustpoint server ringfort\n", rf_site_cstr(w->a.radius.v[i]->name),
		     rf_emit_ip(&w->a.radius.v[i]->address, ip));
	if (w->a.radius.n) {
		LINE(w, "aaa group server radius ringfort\n");
		for (size_t i = 0; i < w->a.radius.n; i++)
			LINE(w, " server name %s\n", rf_site_cstr(w->a.radius.v[i]->name));
	}
	LINE(w,
	     "aaa authentication login default %slocal\n"
	     "aaa authorization exec default %slocal\n"
	     "aaa authorization console\n",
	     w->a.radius.n ? "group ringfort " : "", w->a.radius.n ? "group ringfort " : "");
	if (w->a.dot1x && w->a.radius.n)
		LINE(w, "aaa authentication dot1x default group ringfort\n"
		     "aaa authorization network default group ringfort\n"
		     "dot1x system-auth-control\n");
	LINE(w, "!\n");
}

static void put_management(struct rf_device *w)
{
	char ip[RF_EMIT_IP];

	LINE(w, "ip ssh version 2\n"
	     "ip ssh time-out 30\n"
	     "ip ssh authentication-retries 3\n"
	     "ip ssh server algorithm encryption aes256-gcm aes128-gcm aes256-ctr\n"
	     "ip ssh server algorithm mac hmac-sha2-512 hmac-sha2-256\n"
	     "ip ssh server algorithm kex ecdh-sha2-nistp384 ecdh-sha2-nistp256\n"
	     "ip access-list standard rf-desks\n");
	for (size_t i = 0; i < w->a.desks.n; i++)
		LINE(w, " permit host %s\n", rf_emit_ip(&w->a.desks.v[i]->address, ip));
	LINE(w, " deny any log\n"
	     "ipv6 access-list rf-desks6\n");
	for (size_t i = 0; i < w->a.desks.n; i++)
		if (w->a.desks.v[i]->address6.family)
			LINE(w, " permit ipv6 host %s any\n", rf_emit_ip(&w->a.desks.v[i]->address6, ip));
	LINE(w, " deny ipv6 any any log\n"
	     "line con 0\n exec-timeout 5 0\n transport output none\n"
	     "line vty 0 15\n access-class rf-desks in vrf-also\n ipv6 access-class rf-desks6 in\n exec-timeout 10 0\n"
	     " transport input ssh\n transport output none\n"
	     "!\n");
}

static void put_log_and_time(struct rf_device *w)
{
	char ip[RF_EMIT_IP], secret[RF_EMIT_SECRET];

	LINE(w, "logging buffered 65536 informational\n"
	     "logging trap informational\n"
	     "logging tls-profile ringfort\n tls-version TLSv1.2\n client-id-trustpoint ringfort\n");
	for (size_t i = 0; i < w->a.log.n; i++)
		LINE(w, "logging host %s transport tls port 6514 profile ringfort\n",
		     rf_emit_ip(&w->a.log.v[i]->address, ip));
	LINE(w, "login on-failure log\nlogin on-success log\n");
	if (w->a.ntp.n)
		LINE(w, "ntp authenticate\nntp authentication-key 1 hmac-sha2-256 %.32s\nntp trusted-key 1\n",
		     rf_emit_secret(w->e, "ntp 1", secret));
	for (size_t i = 0; i < w->a.ntp.n; i++)
		LINE(w, "ntp server %s key 1%s\n", rf_emit_ip(&w->a.ntp.v[i]->address, ip), i ? "" : " prefer");
	LINE(w, "ntp access-group serve-only rf-none\nip access-list standard rf-none\n deny any\n!\n");
}

static void put_snmp(struct rf_device *w)
{
	char auth[RF_EMIT_SECRET], priv[RF_EMIT_SECRET];

	if (!w->e->site->network.snmp)
		LINE(w, "no snmp-server\n!\n");
	else
		/* The device keeps the user and does not show it again. */
		LINE(w, "snmp-server view ringfort iso included\n"
		     "snmp-server group ringfort v3 priv read ringfort access rf-desks\n"
		     "snmp-server user ringfort ringfort v3 auth sha %.32s priv aes 128 %.32s\n!\n",
		     rf_access_snmp(w->e, "auth", w->name, auth), rf_access_snmp(w->e, "priv", w->name, priv));
}

/* --- VLANs and what watches them */

static void put_vlans(struct rf_device *w)
{
	for (size_t i = 0; i < w->a.zones.n; i++)
		LINE(w, "vlan %u\n name %s\n", w->a.zones.v[i]->vlan, rf_site_cstr(w->a.zones.v[i]->name));
	LINE(w, "! A port that this file does not name stays in VLAN 1, which no trunk carries and no address is in.\n"
	     "interface Vlan1\n no ip address\n shutdown\n"
	     "spanning-tree mode rapid-pvst\nspanning-tree portfast bpduguard default\nspanning-tree extend system-id\n"
	     "errdisable recovery cause bpduguard\nerrdisable recovery interval 300\n"
	     "!\n");
}

static void put_bindings(struct rf_device *w)
{
	char ip[RF_EMIT_IP], mac[15], name[RF_ACCESS_PORT];

	for (size_t i = 0; i < w->a.port_count; i++) {
		const struct rf_access_port *p = &w->a.ports[i];

		if (!p->mac || !p->port->zone || !p->port->zone->vlan)
			continue;
		rf_access_mac(p->mac, mac);
		rf_access_interface(RF_DEVICE_IOS_XE, p->port->name, name);
		if (p->address.family)
			LINE(w, "ip source binding %s vlan %u %s interface %s\n", mac, p->port->zone->vlan,
			     rf_emit_ip(&p->address, ip), name);
		if (p->address6.family)
			LINE(w, "ipv6 neighbor binding vlan %u %s interface %s %s\n", p->port->zone->vlan,
			     rf_emit_ip(&p->address6, ip), name, mac);
	}
}

static void put_snooping(struct rf_device *w)
{
	const char *vlans = rf_access_vlans(w->e, w->a.watched);

	if (!*vlans)
		return;
	LINE(w, "ip dhcp snooping\nip dhcp snooping vlan %s\nno ip dhcp snooping information option\n"
	     "ip dhcp snooping verify mac-address\n"
	     "ip arp inspection vlan %s\nip arp inspection validate src-mac dst-mac ip allow zeros\n", vlans, vlans);
	put_bindings(w);
	LINE(w, "ipv6 nd raguard policy rf-host\n device-role host\n"
	     "ipv6 dhcp guard policy rf-client\n device-role client\n"
	     "ipv6 nd raguard policy rf-router\n device-role router\n trusted-port\n"
	     "ipv6 dhcp guard policy rf-server\n device-role server\n trusted-port\n"
	     "ipv6 source-guard policy rf-source\n deny global-autoconf\n"
	     "device-tracking policy rf-track\n security-level guard\n limit address-count 8\n tracking enable\n"
	     "!\n");
}

/* Who is on a port says what its packets are worth: media and signaling only from telephony, nothing from data. */
static void put_qos(struct rf_device *w)
{
	LINE(w, "class-map match-any rf-media\n match dscp 44 46\n"
	     "class-map match-any rf-signaling\n match dscp 40\n"
	     "class-map match-any rf-admin\n match dscp 16\n"
	     "policy-map rf-telephony-in\n class rf-media\n  police cir %u\n   conform-action transmit\n"
	     "   exceed-action drop\n"
	     " class rf-signaling\n  police cir 1000000\n   conform-action transmit\n   exceed-action drop\n"
	     " class class-default\n  set dscp default\n"
	     "policy-map rf-data-in\n class class-default\n  set dscp default\n"
	     "policy-map rf-out\n class rf-media\n  priority level 1 percent 30\n"
	     " class rf-signaling\n  bandwidth remaining percent 20\n class rf-admin\n"
	     "  bandwidth remaining percent 10\n"
	     " class class-default\n  bandwidth remaining percent 70\n!\n", 5000000u);
}

/* --- ports */

static void put_security(struct rf_device *w, const struct rf_access_port *p)
{
	char mac[15];

	LINE(w, " switchport port-security maximum %u\n switchport port-security violation %s\n", p->port->macs,
	     w->e->site->level == RF_LEVEL_HIGHEST ? "shutdown" : "restrict");
	if (w->a.bind && p->mac)
		LINE(w, " switchport port-security mac-address %s\n", rf_access_mac(p->mac, mac));
	else
		LINE(w, " switchport port-security mac-address sticky\n");
	LINE(w, " switchport port-security\n ip verify source mac-check\n ip arp inspection limit rate 15\n"
	     " ip dhcp snooping limit rate 10\n ipv6 nd raguard attach-policy rf-host\n"
	     " ipv6 dhcp guard attach-policy rf-client\n device-tracking attach-policy rf-track\n"
	     " ipv6 source-guard attach-policy rf-source\n");
}

static void put_dot1x(struct rf_device *w)
{
	LINE(w,
	     " authentication host-mode single-host\n authentication order dot1x\n authentication port-control auto\n"
	     " authentication periodic\n authentication timer reauthenticate 3600\n authentication violation restrict\n"
	     " dot1x pae authenticator\n");
}

static void put_access(struct rf_device *w, const struct rf_access_port *p)
{
	const struct rf_site_zone *z = p->port->zone;

	LINE(w, " switchport mode access\n switchport access vlan %u\n switchport nonegotiate\n", z->vlan);
	put_security(w, p);
	if (p->dot1x && w->a.radius.n)
		put_dot1x(w);
	LINE(w,
	     " storm-control broadcast level %u.00\n storm-control multicast level %u.00\n storm-control action trap\n",
	     w->e->site->network.storm_percent, w->e->site->network.storm_percent);
	LINE(w, " service-policy input %s\n service-policy output rf-out\n", z->kind == RF_ZONE_DATA ? "rf-data-in" :
	     "rf-telephony-in");
	if (z->kind != RF_ZONE_PHONE)
		LINE(w, " no lldp transmit\n no lldp receive\n");
	LINE(w, " spanning-tree portfast\n spanning-tree bpduguard enable\n no shutdown\n");
}

static void put_uplink(struct rf_device *w, const struct rf_access_port *p)
{
	const char *vlans = rf_access_vlans(w->e, p->carried);

	LINE(w, " switchport mode trunk\n switchport nonegotiate\n switchport trunk native vlan 1\n"
	     " switchport trunk allowed vlan %s\n ip dhcp snooping trust\n ip arp inspection trust\n"
	     " ipv6 nd raguard attach-policy rf-router\n ipv6 dhcp guard attach-policy rf-server\n"
	     " service-policy output rf-out\n%s no shutdown\n", *vlans ? vlans : "none",
	     p->port->to_router ? " spanning-tree guard root\n" : "");
}

static void put_port(struct rf_device *w, const struct rf_access_port *p)
{
	char name[RF_ACCESS_PORT];

	LINE(w, "interface %s\n description %s\n", rf_access_interface(RF_DEVICE_IOS_XE, p->port->name, name),
	     rf_access_label(w->e, p));
	if (p->port->use == RF_PORT_UPLINK)
		put_uplink(w, p);
	else if (p->port->use == RF_PORT_ACCESS && p->port->zone && p->port->zone->vlan)
		put_access(w, p);
	else
		LINE(w, " switchport mode access\n switchport nonegotiate\n shutdown\n");
	LINE(w, "!\n");
}

static void put_address(struct rf_device *w)
{
	const struct rf_site_switch *sw = w->a.sw;
	char ip[RF_EMIT_IP], mask[RF_ACCESS_MASK];

	if (!sw->zone || !sw->address.family)
		return;
	LINE(w, "interface Vlan%u\n description management\n ip address %s %s\n no ip redirects\n no ip "
		"proxy-arp\n no shutdown\n",
	     sw->zone->vlan, rf_emit_ip(&sw->address, ip), rf_access_mask(sw->zone->subnet.prefix, false, mask));
	if (sw->zone->gateway.family)
		LINE(w, "ip default-gateway %s\n", rf_emit_ip(&sw->zone->gateway, ip));
	LINE(w, "!\n");
}

static void put_switch(struct rf_device *w)
{
	put_services(w);
	put_trust(w);
	put_radius(w);
	put_vlans(w);
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
	put_services(w);
	put_trust(w);
	put_radius(w);
	rf_acl_ios(w->e, w->o, w->point);
	put_management(w);
	put_log_and_time(w);
	put_snmp(w);
	LINE(w, "end\n");
}

void rf_emit_ios(struct rf_emit *e)
{
	static const struct rf_device_language language = { RF_DEVICE_IOS_XE, "! ", "ios-xe.cfg", put_switch, put_router };

	rf_device_each(e, &language);
}

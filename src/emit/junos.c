/* Access switches that run Juniper Junos (EX, ELS style): as `set` commands, one thing a line, for `load set`. */
#include "emit/access.h"
#include "emit/acl.h"

#include <stdio.h>

#define SET(w, ...) (rf_emit_line((w)->o, "set " __VA_ARGS__), rf_emit_line((w)->o, "\n"))

/* --- the device */

static void put_device(struct rf_device *w)
{
	SET(w, "system host-name %s", w->name);
	rf_emit_line(w->o, "delete system services\n");
	SET(w, "system services ssh protocol-version v2");
	SET(w, "system services ssh root-login deny");
	SET(w, "system services ssh ciphers [ aes256-gcm@openssh.com aes128-gcm@openssh.com aes256-ctr ]");
	SET(w, "system services ssh macs [ hmac-sha2-512 hmac-sha2-256 ]");
	SET(w, "system services ssh key-exchange [ ecdh-sha2-nistp384 ecdh-sha2-nistp256 ]");
	SET(w, "system services ssh connection-limit 10");
	SET(w, "system services ssh rate-limit 10");
	rf_emit_line(w->o, "delete snmp\n");
	SET(w, "system no-redirects");
	SET(w, "system no-redirects-ipv6");
	SET(w, "system internet-options no-source-quench");
	SET(w, "system login idle-timeout 10");
	SET(w, "system login retry-options tries-before-disconnect 3");
	SET(w, "system ports console log-out-on-disconnect");
	rf_emit_line(w->o, "# The local certificate \"ringfort\" and the CA profile \"ringfort-ca\" are put in once, by hand: no key is\n"
		     "# ever in this file.\n");
	SET(w, "security pki ca-profile ringfort-ca ca-identity ringfort-ca");
}

static void put_radius(struct rf_device *w)
{
	char ip[RF_EMIT_IP];

	for (size_t i = 0; i < w->a.radius.n; i++) {
		const char *name = rf_site_cstr(w->a.radius.v[i]->name);

		rf_emit_ip(&w->a.radius.v[i]->address, ip);
		SET(w, "access radsec destination %s address %s", name, ip);
		SET(w, "access radsec destination %s port 2083", name);
		SET(w, "access radsec destination %s tls-certificate ringfort", name);
		SET(w, "access radius-server %s radsec-destination %s", ip, name);
		SET(w, "access profile ringfort radius authentication-server %s", ip);
	}
	if (!w->a.radius.n)
		return;
	SET(w, "access profile ringfort authentication-order radius");
	SET(w, "system authentication-order [ radius password ]");
	if (w->a.dot1x)
		SET(w, "protocols dot1x authenticator authentication-profile-name ringfort");
}

/* The filter of the switch's own address: who may log in, whose answers it takes; the rest is counted and dropped. */
static void put_management(struct rf_device *w)
{
	static const char *const terms[] = { "desks", "log", "ntp", "radius" };
	const struct rf_access_hosts *const hosts[] = { &w->a.desks, &w->a.log, &w->a.ntp, &w->a.radius };
	static const char *const match[] = {
		"protocol tcp\0destination-port 22\0", "protocol tcp\0source-port 6514\0tcp-established\0",
		"protocol udp\0source-port 123\0", "protocol tcp\0source-port 2083\0tcp-established\0",
	};
	const struct rf_site_switch *sw = w->a.sw;
	char ip[RF_EMIT_IP];

	for (size_t t = 0; t < sizeof terms / sizeof *terms; t++) {
		if (!hosts[t]->n)
			continue;
		for (size_t i = 0; i < hosts[t]->n; i++)
			SET(w, "firewall family inet filter rf-self term %s from source-address %s/32", terms[t],
			    rf_emit_ip(&hosts[t]->v[i]->address, ip));
		for (const char *m = match[t]; *m; m += strlen(m) + 1)
			SET(w, "firewall family inet filter rf-self term %s from %s", terms[t], m);
		SET(w, "firewall family inet filter rf-self term %s then accept", terms[t]);
	}
	SET(w, "firewall family inet filter rf-self term rest then count rf-self-rest");
	SET(w, "firewall family inet filter rf-self term rest then log");
	SET(w, "firewall family inet filter rf-self term rest then discard");
	if (!sw || !sw->zone || !sw->address.family)
		return;
	SET(w, "interfaces irb unit %u family inet address %s/%u", sw->zone->vlan, rf_emit_ip(&sw->address, ip),
	    sw->zone->subnet.prefix);
	SET(w, "interfaces irb unit %u family inet filter input rf-self", sw->zone->vlan);
	SET(w, "interfaces irb unit %u family inet no-redirects", sw->zone->vlan);
	SET(w, "vlans %s l3-interface irb.%u", rf_site_cstr(sw->zone->name), sw->zone->vlan);
	if (sw->zone->gateway.family)
		SET(w, "routing-options static route 0.0.0.0/0 next-hop %s", rf_emit_ip(&sw->zone->gateway, ip));
}

static void put_log_and_time(struct rf_device *w)
{
	char ip[RF_EMIT_IP], secret[RF_EMIT_SECRET];

	SET(w, "system syslog file messages any notice");
	SET(w, "system syslog file messages authorization info");
	for (size_t i = 0; i < w->a.log.n; i++) {
		rf_emit_ip(&w->a.log.v[i]->address, ip);
		SET(w, "system syslog host %s any info", ip);
		SET(w, "system syslog host %s port 6514", ip);
		SET(w, "system syslog host %s transport tls", ip);
		SET(w, "system syslog host %s tlsdetails trusted-ca-group ringfort ca-profiles ringfort-ca", ip);
		SET(w, "system syslog host %s tlsdetails local-certificate ringfort", ip);
		SET(w, "system syslog host %s structured-data", ip);
	}
	if (w->a.ntp.n) {
		SET(w, "system ntp authentication-key 1 type sha256 value \"%.32s\"",
		    rf_emit_secret(w->e, "ntp 1", secret));
		SET(w, "system ntp trusted-key 1");
	}
	for (size_t i = 0; i < w->a.ntp.n; i++)
		SET(w, "system ntp server %s key 1%s", rf_emit_ip(&w->a.ntp.v[i]->address, ip), i ? "" : " prefer");
}

static void put_snmp(struct rf_device *w)
{
	static const char *const user = "snmp v3 usm local-engine user ringfort";
	static const char *const access =
		"snmp v3 vacm access group ringfort default-context-prefix security-model usm security-level privacy";
	char secret[RF_EMIT_SECRET], ip[RF_EMIT_IP];

	if (!w->e->site->network.snmp)
		return;
	SET(w, "%s authentication-sha256 authentication-password \"%.32s\"", user,
	    rf_access_snmp(w->e, "auth", w->name, secret));
	SET(w, "%s privacy-aes128 privacy-password \"%.32s\"", user, rf_access_snmp(w->e, "priv", w->name, secret));
	SET(w, "snmp v3 vacm security-to-group security-model usm security-name ringfort group ringfort");
	SET(w, "%s read-view ringfort", access);
	SET(w, "snmp view ringfort oid .1 include");
	for (size_t i = 0; i < w->a.desks.n; i++)
		SET(w, "snmp client-list rf-desks %s/32", rf_emit_ip(&w->a.desks.v[i]->address, ip));
}

/* --- VLANs and what watches them */

static void put_vlans(struct rf_device *w)
{
	for (size_t i = 0; i < w->a.zones.n; i++)
		SET(w, "vlans %s vlan-id %u", rf_site_cstr(w->a.zones.v[i]->name), w->a.zones.v[i]->vlan);
	for (size_t i = 0; i < w->a.watched.n; i++) {
		const char *vlan = rf_site_cstr(w->a.watched.v[i]->name);

		SET(w, "vlans %s forwarding-options dhcp-security arp-inspection", vlan);
		SET(w, "vlans %s forwarding-options dhcp-security ip-source-guard", vlan);
		SET(w, "vlans %s forwarding-options dhcp-security neighbor-discovery-inspection", vlan);
		SET(w, "vlans %s forwarding-options dhcp-security ipv6-source-guard", vlan);
	}
	SET(w, "forwarding-options access-security router-advertisement-guard policy rf-block discard");
	SET(w, "forwarding-options storm-control-profiles rf-storm all bandwidth-percentage %u",
	    w->e->site->network.storm_percent);
	SET(w, "protocols rstp bpdu-block-on-edge");
}

static void put_binding(struct rf_device *w, const struct rf_access_port *p)
{
	const char *vlan = rf_site_cstr(p->port->zone->name), *port = rf_site_cstr(p->port->name);
	char ip[RF_EMIT_IP], mac[18];
	const uint8_t *m = p->mac;

	if (!m)
		return;
	snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	if (w->a.bind)
		SET(w, "switch-options interface %s.0 static-mac %s vlan-id %u", port, mac, p->port->zone->vlan);
	if (p->address.family)
		SET(w, "vlans %s forwarding-options dhcp-security group rf-%s interface %s.0 static-ip %s mac %s", vlan,
		    port, port, rf_emit_ip(&p->address, ip), mac);
	if (p->address6.family)
		SET(w, "vlans %s forwarding-options dhcp-security group rf-%s interface %s.0 static-ipv6 %s mac %s",
		    vlan, port, port, rf_emit_ip(&p->address6, ip), mac);
}

static void put_qos(struct rf_device *w)
{
	static const char *const classes[] = { "rf-media", "rf-signaling", "rf-admin" };
	static const char *const points[] = { "[ 101100 101110 ]", "101000", "010000" };
	static const unsigned queues[] = { 5, 4, 2 };
	static const unsigned rates[] = { 30, 20, 10 };

	for (size_t i = 0; i < 3; i++) {
		SET(w, "class-of-service forwarding-classes class %s queue-num %u", classes[i], queues[i]);
		SET(w, "class-of-service classifiers dscp rf-dscp forwarding-class %s loss-priority low code-points %s",
		    classes[i], points[i]);
		SET(w, "class-of-service schedulers %s transmit-rate percent %u", classes[i], rates[i]);
		SET(w, "class-of-service scheduler-maps rf-map forwarding-class %s scheduler %s", classes[i],
		    classes[i]);
	}
	SET(w, "class-of-service schedulers rf-media priority strict-high");
	SET(w, "class-of-service schedulers rf-rest transmit-rate remainder");
	SET(w, "class-of-service scheduler-maps rf-map forwarding-class best-effort scheduler rf-rest");
	SET(w, "class-of-service rewrite-rules dscp rf-clear forwarding-class best-effort "
	       "loss-priority low code-point 000000");
}

/* --- ports */

static void put_access(struct rf_device *w, const struct rf_access_port *p)
{
	const struct rf_site_zone *z = p->port->zone;
	const char *port = rf_site_cstr(p->port->name);

	SET(w, "interfaces %s unit 0 family ethernet-switching interface-mode access", port);
	SET(w, "interfaces %s unit 0 family ethernet-switching vlan members %s", port, rf_site_cstr(z->name));
	SET(w, "interfaces %s unit 0 family ethernet-switching storm-control rf-storm", port);
	SET(w, "switch-options interface %s.0 interface-mac-limit %u", port, p->port->macs);
	SET(w, "switch-options interface %s.0 interface-mac-limit packet-action %s", port,
	    w->e->site->level == RF_LEVEL_HIGHEST ? "shutdown" : "drop-and-log");
	SET(w, "forwarding-options access-security router-advertisement-guard interface %s.0 policy rf-block", port);
	SET(w, "protocols rstp interface %s edge", port);
	put_binding(w, p);
	if (p->dot1x && w->a.radius.n) {
		SET(w, "protocols dot1x authenticator interface %s.0 supplicant single-secure", port);
		SET(w, "protocols dot1x authenticator interface %s.0 reauthentication 3600", port);
		SET(w, "protocols dot1x authenticator interface %s.0 no-mac-table-binding", port);
	}
	if (z->kind != RF_ZONE_DATA)
		SET(w, "class-of-service interfaces %s unit 0 classifiers dscp rf-dscp", port);
	SET(w, "class-of-service interfaces %s scheduler-map rf-map", port);
	if (z->kind != RF_ZONE_PHONE)
		SET(w, "protocols lldp interface %s disable", port);
}

static bool is_watched(const struct rf_device *w, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < w->a.watched.n; i++)
		if (w->a.watched.v[i] == zone)
			return true;
	return false;
}

static void put_uplink(struct rf_device *w, const struct rf_access_port *p)
{
	const char *port = rf_site_cstr(p->port->name);

	SET(w, "interfaces %s unit 0 family ethernet-switching interface-mode trunk", port);
	for (size_t i = 0; i < p->carried.n; i++) {
		const char *vlan = rf_site_cstr(p->carried.v[i]->name);

		SET(w, "interfaces %s unit 0 family ethernet-switching vlan members %s", port, vlan);
		if (!is_watched(w, p->carried.v[i]))
			continue;
		SET(w, "vlans %s forwarding-options dhcp-security group rf-up-%s overrides trusted", vlan, port);
		SET(w, "vlans %s forwarding-options dhcp-security group rf-up-%s interface %s.0", vlan, port, port);
	}
	SET(w, "class-of-service interfaces %s unit 0 classifiers dscp rf-dscp", port);
	SET(w, "class-of-service interfaces %s scheduler-map rf-map", port);
	if (p->port->to_router)
		SET(w, "protocols rstp interface %s no-root-port", port);
}

static void put_port(struct rf_device *w, const struct rf_access_port *p)
{
	const char *port = rf_site_cstr(p->port->name);

	SET(w, "interfaces %s description \"%s\"", port, rf_access_label(w->e, p));
	if (p->port->use == RF_PORT_UPLINK)
		put_uplink(w, p);
	else if (p->port->use == RF_PORT_ACCESS && p->port->zone && p->port->zone->vlan)
		put_access(w, p);
	else
		SET(w, "interfaces %s disable", port);
}

static void put_switch(struct rf_device *w)
{
	put_device(w);
	put_radius(w);
	put_vlans(w);
	put_qos(w);
	for (size_t i = 0; i < w->a.port_count; i++)
		put_port(w, &w->a.ports[i]);
	put_management(w);
	put_log_and_time(w);
	put_snmp(w);
}

static void put_router(struct rf_device *w)
{
	put_device(w);
	put_radius(w);
	rf_acl_junos(w->e, w->o, w->point);
	put_log_and_time(w);
	put_snmp(w);
}

void rf_emit_junos(struct rf_emit *e)
{
	static const struct rf_device_language language = { RF_DEVICE_JUNOS, "# ", "junos.set", put_switch, put_router };

	rf_device_each(e, &language);
}

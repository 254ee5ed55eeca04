/* 802.1X: FreeRADIUS on the hosts with that service, for EAP-TLS with the certificates that the site gave
 * its phones and hosts and for nothing else; and hostapd on each such port of a Linux switch. Switches of
 * vendors ask over TLS (RFC
 * 6614) with their own certificates; hostapd asks over UDP with a secret that is derived for the one switch. */
#include "emit/access.h"
#include "emit/serve.h"

#include "base/secret.h"

#include <stdio.h>

#define LINE(o, ...) rf_emit_line(o, __VA_ARGS__)

static const char *secret_of(struct rf_emit *e, const struct rf_site_switch *sw, char dst[static RF_EMIT_SECRET])
{
	char label[RF_SITE_NAME_MAX + 16];

	snprintf(label, sizeof label, "radius %s", rf_site_cstr(sw->name));
	return rf_emit_secret(e, label, dst);
}

/* --- the server */

static void put_clients(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP], secret[RF_EMIT_SECRET];

	if (rf_emit_begin(e, &o, 0600, "# ", "services/%s/freeradius/clients.conf", rf_site_cstr(h->name)))
		return;
	for (size_t i = 0; i < e->site->switch_count; i++) {
		const struct rf_site_switch *sw = &e->site->switches[i];

		if (sw->kind == RF_DEVICE_LINUX && sw->address.family)
			LINE(o, "client %s {\n\tipaddr = %s\n\tproto = udp\n\tsecret = %s\n"
				"\trequire_message_authenticator = yes\n}\n",
			     rf_site_cstr(sw->name), rf_emit_ip(&sw->address, ip), secret_of(e, sw, secret));
	}
	rf_secret_wipe(secret, sizeof secret);
	rf_emit_end(o);
}

static void put_tls(struct rf_emit *e, struct rf_emit_out *o, const char *host, const char *indent)
{
	const bool strong = e->site->policy.profile == RF_CRYPTO_CNSA;

	/* ringfort-ca.pem is the CA's certificate and its revocation list. A list that has grown old still counts: it
	 * must not take the network from every phone at once. */
	LINE(o, "%sprivate_key_file = /etc/freeradius/3.0/certs/%s.key\n"
	     "%scertificate_file = /etc/freeradius/3.0/certs/%s.pem\n"
	     "%sca_file = /etc/freeradius/3.0/certs/ringfort-ca.pem\n%scipher_list = \"%s\"\n%secdh_curve = \"%s\"\n"
	     "%stls_min_version = \"1.2\"\n%stls_max_version = \"1.2\"\n%scheck_crl = yes\n%sallow_expired_crl = yes\n",
	     indent, host, indent, host, indent, indent,
	     strong ? "ECDHE-ECDSA-AES256-GCM-SHA384" : "ECDHE+AESGCM", indent, strong ? "secp384r1" : "prime256v1",
	     indent, indent,
	     indent, indent);
}

static void put_eap(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;

	if (rf_emit_begin(e, &o, 0644, "# ", "services/%s/freeradius/eap", rf_site_cstr(h->name)))
		return;
	LINE(o, "eap {\n\tdefault_eap_type = tls\n\ttimer_expire = 60\n\tignore_unknown_eap_types = no\n"
	     "\tmax_sessions = 4096\n"
	     "\ttls-config ringfort {\n");
	put_tls(e, o, rf_site_cstr(h->name), "\t\t");
	LINE(o, "\t\tfragment_size = 1024\n\t\tinclude_length = yes\n\t\tcache {\n\t\t\tenable = no\n\t\t}\n\t}\n"
	     "\ttls {\n\t\ttls = ringfort\n\t}\n}\n");
	rf_emit_end(o);
}

/* EAP and nothing else: no password, no MAC address stands for a certificate. */
static void put_site(struct rf_emit *e, const struct rf_site_host *h)
{
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP];

	if (rf_emit_begin(e, &o, 0644, "# ", "services/%s/freeradius/ringfort", rf_site_cstr(h->name)))
		return;
	rf_emit_ip(&h->address, ip);
	LINE(o,
	     "server ringfort {\n\tlisten {\n\t\ttype = auth\n\t\tipaddr = %s\n\t\tport = 1812\n\t\tproto = udp\n\t}\n"
	     "\tlisten {\n\t\ttype = auth\n\t\tipaddr = %s\n\t\tport = 2083\n\t\tproto = tcp\n\t\tclients = radsec\n"
	     "\t\ttls {\n",
	     ip, ip);
	put_tls(e, o, rf_site_cstr(h->name), "\t\t\t");
	LINE(o, "\t\t\trequire_client_cert = yes\n\t\t}\n\t}\n"
	     "\tauthorize {\n\t\tif (!EAP-Message) {\n\t\t\treject\n\t\t}\n\t\teap\n\t}\n"
	     "\tauthenticate {\n\t\teap\n\t}\n"
	     "\tpost-auth {\n\t\tupdate reply {\n\t\t\tSession-Timeout := 3600\n"
	     "\t\t\tTermination-Action := RADIUS-Request\n\t\t}\n\t}\n}\n");
	/* RFC 6614 2.3: over TLS the secret is a fixed word, and proves nothing. */
	LINE(o, "clients radsec {\n");
	for (size_t i = 0; i < e->site->switch_count; i++) {
		const struct rf_site_switch *sw = &e->site->switches[i];

		if (sw->kind != RF_DEVICE_LINUX && sw->address.family)
			LINE(o, "\tclient %s-tls {\n\t\tipaddr = %s\n\t\tproto = tls\n\t\tsecret = radsec\n\t}\n",
			     rf_site_cstr(sw->name), rf_emit_ip(&sw->address, ip));
	}
	LINE(o, "}\n");
	rf_emit_end(o);
}

/* --- the ports of Linux switches */

static void put_port(struct rf_emit *e, const struct rf_access *a, const struct rf_access_port *p, const char *secret)
{
	struct rf_emit_out *o;
	char ip[RF_EMIT_IP];

	if (rf_emit_begin(e, &o, 0600, "# ", "switches/%s/hostapd/%s.conf", rf_site_cstr(a->sw->name),
			  rf_site_cstr(p->port->name)))
		return;
	LINE(o,
	     "interface=%s\ndriver=wired\nieee8021x=1\neapol_version=2\neap_reauth_period=3600\nuse_pae_group_addr=1\n"
	     "own_ip_addr=%s\nnas_identifier=%s\nctrl_interface=/run/hostapd\n",
	     rf_site_cstr(p->port->name), rf_emit_ip(&a->sw->address, ip), rf_site_cstr(a->sw->name));
	for (size_t i = 0; i < a->radius.n; i++)
		LINE(o, "auth_server_addr=%s\nauth_server_port=1812\nauth_server_shared_secret=%s\n",
		     rf_emit_ip(&a->radius.v[i]->address, ip), secret);
	rf_emit_end(o);
}

/* hostapd tells who has shown a certificate; the bridge lets the station through that belongs there. */
static void put_action(struct rf_emit *e, const struct rf_access *a)
{
	const char *name = rf_site_cstr(a->sw->name);
	struct rf_emit_out *o;

	if (rf_emit_begin(e, &o, 0755, NULL, "switches/%s/port-access", name))
		return;
	LINE(o, "#!/bin/sh\n# switches/%s/port-access\n# site %s, level %s, digest %s\n"
	     "# Written by `ringfort compile`; what is changed here is lost.\n"
	     "# hostapd_cli calls it with a port, what happened, and the station's address.\ncase \"$1 $3\" in\n", name,
	     rf_site_cstr(e->site->name), rf_level_name(e->site->level), e->digest_hex);
	for (size_t i = 0; i < a->port_count; i++) {
		const struct rf_access_port *p = &a->ports[i];
		const uint8_t *m = p->mac;

		if (rf_access_asks(a, p))
			LINE(o, "\"%s %02x:%02x:%02x:%02x:%02x:%02x\") vlan=%u ;;\n", rf_site_cstr(p->port->name), m[0],
			     m[1], m[2], m[3], m[4], m[5], p->port->zone->vlan);
	}
	LINE(o, "*) exit 0 ;;\nesac\ncase \"$2\" in\n"
	     "AP-STA-CONNECTED) exec bridge fdb replace \"$3\" dev \"$1\" master static vlan \"$vlan\" ;;\n"
	     "AP-STA-DISCONNECTED) exec bridge fdb del \"$3\" dev \"$1\" master vlan \"$vlan\" ;;\nesac\n");
	rf_emit_end(o);
}

/* What Debian's hostapd@PORT.service does besides: a port without hostapd stays down. */
static void put_unit(struct rf_emit *e, const struct rf_access *a)
{
	struct rf_emit_out *o;

	if (rf_emit_begin(e, &o, 0644, "# ", "switches/%s/hostapd-unit.conf", rf_site_cstr(a->sw->name)))
		return;
	LINE(o, "[Service]\nExecStartPre=bridge link set dev %%i locked on learning off\n"
	     "ExecStartPre=ip link set dev %%i up\n"
	     "ExecStartPost=hostapd_cli -B -i %%i -a /etc/ringfort/port-access\n"
	     "ExecStopPost=-ip link set dev %%i down\n");
	rf_emit_end(o);
}

static void put_switch(struct rf_emit *e, const struct rf_site_switch *sw)
{
	char secret[RF_EMIT_SECRET];
	struct rf_access a;
	size_t n = 0;

	if (!rf_access_make(e, sw, &a) || !a.radius.n || !sw->address.family)
		return;
	secret_of(e, sw, secret);
	for (size_t i = 0; i < a.port_count; i++)
		if (rf_access_asks(&a, &a.ports[i])) {
			put_port(e, &a, &a.ports[i], secret);
			n++;
		}
	rf_secret_wipe(secret, sizeof secret);
	if (n) {
		put_action(e, &a);
		put_unit(e, &a);
	}
}

void rf_emit_dot1x(struct rf_emit *e)
{
	if (!rf_access_dot1x(e->site))
		return;
	for (size_t i = 0; i < e->site->host_count; i++)
		if (rf_serves(&e->site->hosts[i], RF_SERVICE_RADIUS)) {
			put_clients(e, &e->site->hosts[i]);
			put_eap(e, &e->site->hosts[i]);
			put_site(e, &e->site->hosts[i]);
		}
	for (size_t i = 0; i < e->site->switch_count; i++)
		if (e->site->switches[i].kind == RF_DEVICE_LINUX)
			put_switch(e, &e->site->switches[i]);
}

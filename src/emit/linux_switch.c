/* The interfaces of a switch that is a Linux bridge, for systemd-networkd: one bridge that knows VLANs, ports with one
 * VLAN untagged or those of an uplink tagged, ports without a station down. Where the station is known, the bridge
 * learns nothing from the port: its table has one entry there, so a flood of addresses fills nothing. */
#include "emit/access.h"

#include <stdio.h>

#define BRIDGE "br0"

static struct rf_emit_out *begin(struct rf_emit *e, const struct rf_access *a, unsigned order, const char *name,
				 const char *kind)
{
	struct rf_emit_out *o;

	rf_emit_begin(e, &o, 0644, "# ", "switches/%s/networkd/%u-%s.%s", rf_site_cstr(a->sw->name), order, name, kind);
	return o;
}

static void put_bridge(struct rf_emit *e, const struct rf_access *a)
{
	struct rf_emit_out *o = begin(e, a, 10, BRIDGE, "netdev");

	rf_emit_line(o, "[NetDev]\nName=" BRIDGE
			"\nKind=bridge\n\n[Bridge]\nVLANFiltering=yes\nDefaultPVID=none\nSTP=no\n");
	rf_emit_end(o);
	o = begin(e, a, 30, BRIDGE, "network");
	rf_emit_line(o, "[Match]\nName=" BRIDGE
			"\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=no\nLLDP=no\n");
	if (a->sw->zone && a->sw->zone->vlan)
		rf_emit_line(o, "VLAN=" BRIDGE ".%u\n\n[BridgeVLAN]\nVLAN=%u\n", a->sw->zone->vlan, a->sw->zone->vlan);
	rf_emit_end(o);
}

/* Where it is managed: an address of its own in that zone. */
static void put_management(struct rf_emit *e, const struct rf_access *a)
{
	const struct rf_site_zone *z = a->sw->zone;
	struct rf_site_ip address = a->sw->address;
	char name[RF_EMIT_IFNAME], text[RF_EMIT_IP];

	if (!z || !z->vlan || !address.family)
		return;
	snprintf(name, sizeof name, BRIDGE ".%u", z->vlan);
	struct rf_emit_out *o = begin(e, a, 20, name, "netdev");
	rf_emit_line(o, "[NetDev]\nName=%s\nKind=vlan\n\n[VLAN]\nId=%u\n", name, z->vlan);
	rf_emit_end(o);
	const struct rf_site_ip *subnet = address.family == 4 ? &z->subnet : &z->subnet6;
	const struct rf_site_ip *gateway = address.family == 4 ? &z->gateway : &z->gateway6;
	address.prefix = address.family == 4 ? 32 : 128;
	o = begin(e, a, 30, name, "network");
	rf_emit_line(o, "[Match]\nName=%s\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLLMNR=no\nMulticastDNS=no\nLLDP=no\nAddress=%s", name,
		     rf_emit_ip(&address, text));
	rf_emit_line(o, "/%u\n", subnet->family ? subnet->prefix : address.prefix);
	if (gateway->family)
		rf_emit_line(o, "Gateway=%s\n", rf_emit_ip(gateway, text));
	rf_emit_end(o);
}

static bool is_up(const struct rf_access_port *p)
{
	return p->port->use == RF_PORT_UPLINK ||
	       (p->port->use == RF_PORT_ACCESS && p->port->zone && p->port->zone->vlan &&
		(p->mac || p->port->zone->kind == RF_ZONE_DATA));
}

static void put_vlans(struct rf_emit_out *o, const struct rf_access_port *p)
{
	if (p->port->use == RF_PORT_ACCESS) {
		rf_emit_line(o, "\n[BridgeVLAN]\nPVID=%u\nEgressUntagged=%u\n", p->port->zone->vlan,
			     p->port->zone->vlan);
		return;
	}
	for (size_t i = 0; i < p->carried.n; i++)
		rf_emit_line(o, "\n[BridgeVLAN]\nVLAN=%u\n", p->carried.v[i]->vlan);
}

static void put_port(struct rf_emit *e, const struct rf_access *a, const struct rf_access_port *p)
{
	const char *name = rf_site_cstr(p->port->name);
	struct rf_emit_out *o = begin(e, a, 40, name, "network");

	rf_emit_line(o, "[Match]\nName=%s\n\n", name);
	if (!is_up(p)) {
		rf_emit_line(o, "[Link]\nActivationPolicy=always-down\n");
		rf_emit_end(o);
		return;
	}
	/* hostapd's unit locks the port before it brings it up, and who has a certificate gets the entry (dot1x.c). */
	if (rf_access_asks(a, p))
		rf_emit_line(o, "[Link]\nActivationPolicy=manual\n\n");
	rf_emit_line(o,
		     "[Network]\nDescription=%s\nBridge=" BRIDGE "\nLinkLocalAddressing=no\nLLDP=no\nIPv6AcceptRA=no\n",
		     rf_access_label(e, p));
	if (p->mac)
		rf_emit_line(o, "\n[Bridge]\nLearning=no\n");
	put_vlans(o, p);
	if (p->mac && !rf_access_asks(a, p))
		rf_emit_line(o,
			     "\n[BridgeFDB]\nMACAddress=%02x:%02x:%02x:%02x:%02x:%02x\nVLANId=%u\nAssociatedWith=use\n",
			     p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5], p->port->zone->vlan);
	rf_emit_end(o);
}

/* Ports that the file does not name: matched last, by what no other file matches. */
static void put_others(struct rf_emit *e, const struct rf_access *a)
{
	struct rf_emit_out *o = begin(e, a, 90, "others", "network");

	rf_emit_line(o, "[Match]\nType=ether\nKind=!*\n\n[Link]\nActivationPolicy=always-down\n");
	rf_emit_end(o);
}

void rf_emit_switch_net(struct rf_emit *e, const struct rf_access *a)
{
	put_bridge(e, a);
	put_management(e, a);
	for (size_t i = 0; i < a->port_count; i++)
		put_port(e, a, &a->ports[i]);
	put_others(e, a);
}

/* What a switch is to do, in no vendor's language: who stands on which port, which VLANs a port carries, whom the
 * switch itself talks to. Every language of switches writes from this. Private to this room. */
#ifndef RF_EMIT_ACCESS_H
#define RF_EMIT_ACCESS_H

#include "emit/emit.h"

struct rf_access_zones {
	const struct rf_site_zone *const *v; /* in the order of the file, each with a VLAN */
	size_t n;
};

struct rf_access_hosts {
	const struct rf_site_host *const *v; /* in the order of the file */
	size_t n;
};

struct rf_access_port {
	const struct rf_site_port *port;
	const struct rf_site_phone *phone;   /* that the file puts there; at most one of the two */
	const struct rf_site_host *host;
	const uint8_t *mac;                  /* of the station that is known; NULL: none is */
	struct rf_site_ip address, address6; /* the station's; family 0: not known */
	struct rf_access_zones carried;      /* of an uplink: what both sides of it need */
	bool dot1x;
};

struct rf_access {
	const struct rf_site_switch *sw;
	const struct rf_access_port *ports;  /* in the file's order */
	size_t port_count;
	struct rf_access_zones zones;        /* of its ports and of what passes through; its own management */
	/* Zones whose stations get addresses by DHCP or have them written down: there a lease or a binding speaks for a
	 * station (snooping, ARP inspection, source guard). */
	struct rf_access_zones watched;
	bool bind;                           /* known stations only (eav-port-binding); else so many
					      * (net-port-security) */
	bool dot1x;
	struct rf_access_hosts log, ntp, radius, desks; /* desks: who administers it */
};

/* In e's arena. false: the error is in e. */
bool rf_access_make(struct rf_emit *e, const struct rf_site_switch *sw, struct rf_access *ret);
bool rf_access_dot1x(const struct rf_site *site);
/* Does the switch ask a server before it lets anybody through this port? */
static inline bool rf_access_asks(const struct rf_access *a, const struct rf_access_port *p)
{
	return p->dot1x && p->mac && a->radius.n && a->sw->address.family;
}
/* A device being written, and how a language writes one. */
struct rf_device {
	struct rf_emit *e;
	struct rf_emit_out *o;
	struct rf_access a;               /* of a router the servers alone */
	const struct rf_point *point;     /* of a router; NULL: a switch */
	const char *name;
};

struct rf_device_language {
	enum rf_device_kind kind;
	const char *comment, *file;       /* "! ", "ios-xe.cfg" */
	void (*put_switch)(struct rf_device *w);
	void (*put_router)(struct rf_device *w);
};

/* Every router and switch of this kind into a file of its own, which nobody else reads where secrets are in it. */
void rf_device_each(struct rf_emit *e, const struct rf_device_language *language);

/* "30,31,80" for v, in ascending order; in e's arena. "" when there is none. */
const char *rf_access_vlans(struct rf_emit *e, struct rf_access_zones zones);
/* A text for a description: letters, digits and a few marks; others become '-'. In e's arena. */
const char *rf_access_label(struct rf_emit *e, const struct rf_access_port *p);
/* "0000.5e00.5402" as IOS and EOS write it; dst has 15. */
const char *rf_access_mac(const uint8_t mac[6], char dst[static 15]);
/* The password of a device's SNMPv3 user, for what ("auth", "priv"): the device's own. */
const char *rf_access_snmp(struct rf_emit *e, const char *what, const char *device, char dst[static RF_EMIT_SECRET]);
/* "255.255.252.0" of a prefix; wild: "0.0.3.255". */
#define RF_ACCESS_MASK 16
const char *rf_access_mask(unsigned prefix, bool wild, char dst[static RF_ACCESS_MASK]);
/* The long name of an interface: "Gi1/0/1" is "GigabitEthernet1/0/1" on IOS-XE, "Et1" "Ethernet1" on EOS. */
#define RF_ACCESS_PORT 48
const char *rf_access_interface(enum rf_device_kind kind, struct rf_view name, char dst[static RF_ACCESS_PORT]);

/* The interfaces of a switch that is a Linux bridge: which port is up, in which VLAN, who is known behind it. */
void rf_emit_switch_net(struct rf_emit *e, const struct rf_access *a);
/* Its own packets: a table behind the bridge's in the same file. */
void rf_emit_switch_own(struct rf_emit_out *o, const struct rf_access *a);

#endif

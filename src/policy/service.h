/* What runs over the wires between zones: one table of services with protocol, ports, category and mitigation
 * (private to this room). Ports are those of the RFCs; what a site chooses itself (SIP listeners, media) is
 * made where flows are. */
#ifndef RF_POLICY_SERVICE_H
#define RF_POLICY_SERVICE_H

#include "policy/flow.h"

struct rf_service {
	const char *name;               /* last part of a flow's id */
	enum rf_category category;
	int protocol;
	struct rf_site_ports sport, dport;
	const char *mitigation;
	enum rf_icmp icmp;
};

/* By name; the name is one of the table's, never NULL. */
const struct rf_service *rf_service(const char *name);
/* Bits 1u << enum rf_category of those that have a port of their own among these, which no other has (443 is many
 * things). For what a site opens by itself: signaling does not become data by being called so. */
unsigned rf_service_categories(int protocol, struct rf_site_ports ports);
/* What packets of a category are marked with, RFC 4594. */
uint8_t rf_category_dscp(enum rf_category category);

#endif

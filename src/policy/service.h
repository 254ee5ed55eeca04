/* What runs over the wires between zones: one table of services with protocol, ports, category and mitigation (private to
 * this room). Ports are those of the RFCs; what a site chooses itself (SIP listeners, media) is made where flows are. */
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
/* Does a port belong to one category alone? *ret_category is that one. For what a site opens by itself: signaling does not
 * become data by being called so. */
bool rf_service_category(int protocol, struct rf_site_ports ports, enum rf_category *ret_category);
/* What packets of a category are marked with, RFC 4594. */
uint8_t rf_category_dscp(enum rf_category category);

#endif

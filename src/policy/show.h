/* Flows as people read them: a table by pairs of zones, the language of graphviz, a picture, the matrix of the level.
 * All write the same bytes for the same flows; a write that fails shows in ferror(out). */
#ifndef RF_POLICY_SHOW_H
#define RF_POLICY_SHOW_H

#include "policy/flow.h"

#include <stdio.h>

/* What is shown of the flows: NULL everywhere means all of them. */
struct rf_show {
	const struct rf_flows *flows;
	const struct rf_site_zone *from, *to;
	const struct rf_site_host *at;   /* flows that this host opens or takes */
};

enum { RF_SHOW_ZONES_MAX = 64 };         /* that a picture has room for */

bool rf_show_wants(const struct rf_show *show, const struct rf_flow *flow);
/* Who, for people: "all of phone", "ctl-a, ctl-b", "10.20.0.2". Cut off with "..." where it does not fit. */
enum { RF_SHOW_END = 96 };
void rf_show_end(const struct rf_end *end, char ret_text[static RF_SHOW_END]);
/* "tcp 5061", "udp 16384-32767", "icmp echo", "esp". */
enum { RF_SHOW_PORTS = 32 };
void rf_show_ports(const struct rf_flow *flow, char ret_text[static RF_SHOW_PORTS]);
const char *rf_flow_how_name(enum rf_flow_how how);
const char *rf_protocol_name(int protocol);

void rf_show_text(const struct rf_show *show, FILE *out);
void rf_show_dot(const struct rf_show *show, FILE *out);
/* RF_E_LIMIT: more zones than fit; -ENOMEM. */
int rf_show_svg(const struct rf_show *show, FILE *out);
/* Every cell of the matrix between the kinds of zones that the site has, at its level. */
void rf_show_matrix(const struct rf_site *site, FILE *out);

#endif

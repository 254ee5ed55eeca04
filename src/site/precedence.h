/* The namespaces of precedence and their priorities (RFC 4412 10), as data. A grant is a text: values of the form
 * namespace.priority, one for each namespace, separated by spaces: "dsn.flash q735.1". */
#ifndef RF_SITE_PRECEDENCE_H
#define RF_SITE_PRECEDENCE_H

#include "base/view.h"

enum { RF_PRECEDENCE_LEVELS_MAX = 6, RF_PRECEDENCE_TEXT_MAX = 160 };

struct rf_namespace {
	const char *name;
	bool preempts;           /* RFC 4412 4.7.2.1; else it queues (4.7.2.2) */
	unsigned levels;
	const char *level[RF_PRECEDENCE_LEVELS_MAX]; /* lowest first */
};

extern const struct rf_namespace rf_namespaces[];
extern const unsigned rf_namespace_count;

/* "dsn.flash" (letter case does not matter): indexes into the tables. False: no such value. */
bool rf_precedence_find(struct rf_view value, unsigned *ret_namespace, unsigned *ret_level);
/* A grant as above, each namespace at most once. */
bool rf_precedence_ok(struct rf_view grant);
/* The level granted in a namespace; false: none. */
bool rf_precedence_granted(struct rf_view grant, unsigned namespace, unsigned *ret_level);

struct rf_site_dscp;

/* What a server marks the media of a call with: level as in a namespace's table, of any of them, and higher ones as the
 * highest. */
uint8_t rf_precedence_dscp(const struct rf_site_dscp *t, unsigned level, bool emergency);

#endif

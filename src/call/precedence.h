/* What precedence an INVITE asks for (Resource-Priority, RFC 4412), and what of it the caller may have: phones and
 * users have grants in the directory, a trunk is believed where the site says so, nobody else has any. */
#ifndef RF_CALL_PRECEDENCE_H
#define RF_CALL_PRECEDENCE_H

#include "call/resource.h"
#include "sip/msg.h"

struct rf_writer;

/* What the sender was granted: texts of the directory (site/precedence.h). */
struct rf_grants {
	struct rf_view phone, user;
	bool believed;         /* a trunk that the site trusts in this */
};

struct rf_precedence {
	bool given;            /* false: none was asked for, the call is routine */
	bool preempts;         /* of its namespace (RFC 4412 4.7.2) */
	uint8_t namespace, level; /* into rf_namespaces[] */
	uint8_t rank;          /* RF_RANK_ROUTINE ...: levels of all namespaces on one scale */
};

/* The first value of the request in a namespace that we know. 0, or what to refuse it with and the rule for the record:
 * 417 (nothing that we know, and it is required), 403 (not granted), 400. */
unsigned rf_precedence_of(const struct rf_sip_msg *msg, const struct rf_grants *grants, struct rf_precedence *ret_p,
			  const char **ret_rule);
/* Its Resource-Priority line, nothing when none was given. */
void rf_precedence_put(struct rf_writer *w, const struct rf_precedence *p);
/* "Accept-Resource-Priority: dsn.flash, ..." line: what belongs to a 417 and to OPTIONS. */
void rf_precedence_put_accept(struct rf_writer *w);

#endif

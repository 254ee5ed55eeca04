/* The media relays of a border, as one worker speaks with them: the NG protocol (media/ng_client.h) over a UDP socket for each
 * relay, or over the Unix socket of the relay on this machine, which only the service user may open. In the order in which they
 * are asked. Threads: the worker's own. */
#ifndef RF_CALL_RELAYS_H
#define RF_CALL_RELAYS_H

#include "media/ng_client.h"
#include "net/addr.h"

struct rf_call_core;
struct rf_relays;

struct rf_relay_at {
	struct rf_addr addr;         /* by UDP; family 0: path */
	const char *path;            /* a Unix stream socket; outlives it. It need not be there yet */
};

/* -errno of a socket, RF_E_LIMIT, -ENOMEM. */
int rf_relays_new(struct rf_call_core *core, const struct rf_relay_at *at, size_t n, struct rf_relays **ret_relays);
/* What is asked ends with RF_E_CLOSED. NULL is fine. */
void rf_relays_free(struct rf_relays *r);
/* Is any of them well? r NULL: no. */
bool rf_relays_well(const struct rf_relays *r);
struct rf_ng_client *rf_relays_client(struct rf_relays *r);

#endif

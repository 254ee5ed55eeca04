/* The media relays of a border, as one worker speaks with them: the NG protocol (media/ng_client.h) over the Unix
 * socket of the relay on this machine, which only the service user may open; over TLS with relays on other hosts of the
 * site, each side with its certificate; or over UDP, for rtpengine. In the order in which they are asked.
 *
 *	relays.c       all of them; datagrams and the Unix socket
 *	relays_tls.c   connections to hosts of the site
 *
 * Threads: the worker's own. */
#ifndef RF_CALL_RELAYS_H
#define RF_CALL_RELAYS_H

#include "media/ng_client.h"
#include "net/addr.h"

struct rf_call_core;
struct rf_relays;

struct rf_relay_at {
	struct rf_addr addr;         /* by UDP or TLS; family 0: path */
	const char *path;            /* a Unix stream socket; outlives it. It need not be there yet */
	struct rf_tls *tls;          /* with it by TLS: a reference is taken; its certificate names addr */
	struct rf_addr local;        /* TLS: from there; family 0: the kernel chooses */
};

/* -errno of a socket, RF_E_LIMIT, -ENOMEM. */
int rf_relays_new(struct rf_call_core *core, const struct rf_relay_at *at, size_t n, struct rf_relays **ret_relays);
/* What is asked ends with RF_E_CLOSED. NULL is fine. */
void rf_relays_free(struct rf_relays *r);
/* Those that are asked by TLS: connections that are made from now on. */
void rf_relays_set_tls(struct rf_relays *r, struct rf_tls *tls);
/* Is any of them well? r NULL: no. */
bool rf_relays_well(const struct rf_relays *r);
struct rf_ng_client *rf_relays_client(struct rf_relays *r);

#endif

/* The fetcher: a process of its own that brings certificates of callers outside (RFC 8224: info, x5u) over HTTPS. The
 * controller, which parses strangers' bytes, fetches nothing: a URL that a stranger wrote would make it connect where
 * the stranger likes.
 *
 * Forked before the first thread and executed anew under a hidden role name, as the keeper is (keeper.h). It knows from
 * its start the hosts that the site allows, asks nobody else, and follows no redirection. It is the service user, has
 * no rights, reads nothing but what name resolution needs, and makes few system calls. Questions and answers:
 * call/stir_wire.h, one channel for each worker. */
#ifndef RF_ROLE_FETCHER_H
#define RF_ROLE_FETCHER_H

#include "base/err.h"
#include "base/view.h"
#include "role/sandbox.h"

enum {
	RF_FETCHER_HOSTS_MAX = 64,
	RF_FETCHER_CHANNELS_MAX = 64,
	RF_FETCHER_AT_ONCE = 4,     /* for each channel */
	RF_FETCHER_RATE = 50,       /* a second, of all channels */
	RF_FETCHER_MS = 4000,       /* for one certificate, name resolution apart */
};

#define RF_FETCHER_ROLE "fetcher" /* the hidden role: `ringfort fetcher ...` */
#define RF_FETCHER_CA "/etc/ssl/certs/ca-certificates.crt" /* of Debian's ca-certificates */

struct rf_fetcher;

struct rf_fetcher_options {
	const char *exe;             /* "/proc/self/exe"; it must pass RF_FETCHER_ROLE to rf_fetcher_main() */
	const struct rf_sandbox_user *user; /* whom to become, NULL: nobody */
	unsigned channels;           /* 1 .. RF_FETCHER_CHANNELS_MAX */
	const struct rf_view *hosts; /* 1 .. RF_FETCHER_HOSTS_MAX */
	size_t host_count;
	const char *ca_file;         /* authorities of web servers, PEM; NULL: RF_FETCHER_CA */
};

/* Start it and wait until it is ready. Forks: the process must have one thread. */
int rf_fetcher_new(const struct rf_fetcher_options *opt, struct rf_fetcher **ret_fetcher, struct rf_diag *diag);
/* Closes the channels, upon which it ends, and waits for it. NULL is fine. */
void rf_fetcher_free(struct rf_fetcher *fetcher);
/* The channel of a worker: stays the fetcher's. */
int rf_fetcher_fd(const struct rf_fetcher *fetcher, unsigned channel);

/* The hidden role's main(). */
int rf_fetcher_main(int argc, char **argv);

#endif

/* The announcer: a process of its own that plays tones to phones, such as the one that says why a call has ended. The
 * controller, which parses strangers' bytes, sends and receives no media; it orders a tone for a phone
 * (rtp/announce.h), and hears what became of it.
 *
 * Forked before the first thread and executed anew, as the keeper is (keeper.h). Its UDP sockets are opened before
 * that, and the kernel drops whatever arrives on them. It has no key of the site, opens no file, makes few system
 * calls, plays RF_ANNOUNCER_STREAMS tones at once, each for RF_ANNOUNCE_MS_MAX at most. It is two processes: one waits,
 * does nothing else, and starts the other again when that one dies; what was playing then is silent. */
#ifndef RF_ROLE_ANNOUNCER_H
#define RF_ROLE_ANNOUNCER_H

#include "base/err.h"
#include "net/addr.h"
#include "role/sandbox.h"
#include "rtp/announce.h"

enum {
	RF_ANNOUNCER_CHANNELS_MAX = 64,
	RF_ANNOUNCER_STREAMS = 256,
	RF_ANNOUNCER_AGAIN_MS = 200,  /* after one that died, before the next is started */
};

#define RF_ANNOUNCER_ROLE "announcer" /* the hidden role: `ringfort announcer ...` */

struct rf_announcer;

struct rf_announcer_options {
	const char *exe;            /* "/proc/self/exe"; it must pass RF_ANNOUNCER_ROLE to rf_announcer_main() */
	const struct rf_sandbox_user *user; /* whom to become, NULL: nobody */
	unsigned channels;          /* one for each worker, 1 .. RF_ANNOUNCER_CHANNELS_MAX */
	const struct rf_addr *local; /* addresses to send from, with their port; 0: the kernel chooses */
	size_t locals;              /* 1 .. RF_ANNOUNCE_SOCKETS */
};

/* Open the sockets, start it and wait until it is ready. Forks: the process must have one thread. -errno of a bind. */
int rf_announcer_new(const struct rf_announcer_options *opt, struct rf_announcer **ret_announcer, struct rf_diag *diag);
/* Closes the channels, upon which it ends, and waits for it. NULL is fine. */
void rf_announcer_free(struct rf_announcer *announcer);
/* The channel of a worker: stays the announcer's. */
int rf_announcer_fd(const struct rf_announcer *announcer, unsigned channel);
/* The addresses as bound, *ret_n of them, in the order of the orders' `socket`. */
const struct rf_addr *rf_announcer_locals(const struct rf_announcer *announcer, size_t *ret_n);

/* The hidden role's main(). */
int rf_announcer_main(int argc, char **argv);

#endif

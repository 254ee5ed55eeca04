/* The notifier: a process of its own that runs the program which the site names for what people must hear of at once,
 * an emergency call above all (e-mail, a pager, a siren). The controller, which parses strangers' bytes, may run no
 * program and never will; it hands a text over a socket, and this process runs that one program with the text as its
 * standard input, nothing of it in arguments or environment.
 *
 * Forked before the first thread and executed anew, as the keeper is (keeper.h). It is the service user, gains no
 * rights, runs RF_NOTIFIER_AT_ONCE programs at a time, lets each live RF_NOTIFIER_SECONDS, and keeps
 * RF_NOTIFIER_WAITING texts that wait. How each ended comes back. */
#ifndef RF_ROLE_NOTIFIER_H
#define RF_ROLE_NOTIFIER_H

#include "base/err.h"
#include "base/view.h"
#include "role/sandbox.h"

enum {
	RF_NOTIFIER_TEXT_MAX = 8192,
	RF_NOTIFIER_AT_ONCE = 4,
	RF_NOTIFIER_WAITING = 256,
	RF_NOTIFIER_SECONDS = 30,
	RF_NOTIFIER_LINGER_S = 5,  /* when the controller has ended, however it did */
};

#define RF_NOTIFIER_ROLE "notifier" /* the hidden role: `ringfort notifier ...` */

struct rf_notifier;

struct rf_notifier_options {
	const char *exe;      /* what to execute: "/proc/self/exe"; it must pass RF_NOTIFIER_ROLE to
			       * rf_notifier_main() */
	const char *program;  /* path of the program, with a slash in it; must be executable by user */
	const struct rf_sandbox_user *user; /* whom to become, NULL: nobody */
};

/* How a program ended. */
struct rf_notifier_end {
	uint32_t id;          /* as rf_notifier_tell() gave it */
	int status;           /* its exit status; -1: killed by a signal or for its time, -2: it could not be started */
};

/* Forks: the process must have one thread. */
int rf_notifier_new(const struct rf_notifier_options *opt, struct rf_notifier **ret_n, struct rf_diag *diag);
/* Closes the socket and waits for the notifier, which gives what it has RF_NOTIFIER_LINGER_S more. NULL is fine. */
void rf_notifier_free(struct rf_notifier *n);

/* Hand over a text; never blocks. Any thread. 0 and its number; RF_E_LIMIT: longer than RF_NOTIFIER_TEXT_MAX;
 * RF_E_BUSY: too many wait; RF_E_CLOSED: the notifier is gone. */
int rf_notifier_tell(struct rf_notifier *n, struct rf_view text, uint32_t *ret_id);
/* The descriptor that becomes readable when a program ended; for rf_notifier_ended(). */
int rf_notifier_fd(const struct rf_notifier *n);
/* One end, never blocks. RF_E_BUSY: none now; RF_E_CLOSED. One thread. */
int rf_notifier_ended(struct rf_notifier *n, struct rf_notifier_end *ret_end);

/* The hidden role's main(). */
int rf_notifier_main(int argc, char **argv);

#endif

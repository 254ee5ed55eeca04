/* The call server of a site, as one process (and its keeper): a controller, which is registrar and call
 * control, or a border, which speaks with trunks (call/border.h). A border opens no bindings, no settings, no
 * users and no passwords. */
#ifndef RF_ROLE_CONTROLLER_H
#define RF_ROLE_CONTROLLER_H

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>

struct rf_controller_options {
	const char *dir;          /* the site directory */
	const char *host;         /* which of the site's hosts this is; NULL: found by name, then by address */
	bool border;              /* run as a border, else as a controller */
	const struct rf_log *log;
	int ready_fd;             /* gets one JSON line when it is ready, or why it is not; -1: nobody asks. Closed */
};

/* Run until SIGTERM, SIGINT or the order to stop. The process must have one thread, and is not what it was afterwards:
 * another user, fewer rights. 0 after an orderly end; else why it could not start, with diag. */
int rf_controller_run(const struct rf_controller_options *opt, struct rf_diag *diag);

/* Is there a "controller", or "border", for this site directory? It holds a lock as long as it lives: RF_OK: none;
 * RF_E_BUSY: there is (*ret_pid, 0 when unknown); RF_E_NOT_FOUND: no site here; -errno. */
int rf_controller_probe(const char *dir, const char *role, int *ret_pid);

#endif

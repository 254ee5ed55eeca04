/* What every role does before it gives up its rights: find whom to become, hand files over, find
 * the service manager. */
#ifndef RF_ROLE_STARTUP_H
#define RF_ROLE_STARTUP_H

#include "base/log.h"
#include "role/sandbox.h"

#include <jansson.h>

enum { RF_STARTUP_NAME = 64 };

/* Whom to be: the user of that name when this is root, else (and in a user namespace without such a user) whoever we
 * are. ret_name: for people. RF_E_NOT_FOUND. */
int rf_startup_user(const char *name, const struct rf_log *log, struct rf_sandbox_user *ret_user, bool *ret_become,
		    char ret_name[static RF_STARTUP_NAME], struct rf_diag *diag);
/* Give a folder and what is in it to that user. Regular files with a second name are left alone: somebody may have
 * linked one of root's in there. */
int rf_startup_own(const char *path, const struct rf_sandbox_user *user, struct rf_diag *diag);
/* Readable by that user's group, if others do not read it anyway. */
void rf_startup_share(const struct rf_log *log, const struct rf_sandbox_user *user, const char *path);
/* SIGTERM, SIGINT and SIGHUP come by this descriptor from now on; threads made later inherit that.
 * SIGPIPE is nobody's. */
int rf_startup_signals(int *ret_fd, struct rf_diag *diag);
/* systemd's notification socket (sd_notify(3)), connected while that is permitted. -1: nobody asked. */
int rf_startup_notify(void);
/* One JSON line to who started us (`--ready-fd`), then closed and -1; j is consumed. *fd -1: nobody waits. */
void rf_startup_tell(const struct rf_log *log, int *fd, json_t *j);

#endif

/* One process of a role for one site directory: a lock on DIR/state/ROLE.pid, held by an open descriptor, so that it
 * ends with the process however that ends. The file holds the process's number, for people. */
#ifndef RF_ROLE_LOCK_H
#define RF_ROLE_LOCK_H

#include "base/err.h"

/* state: the directory; role: "controller", "wall". RF_E_BUSY with diag when another process holds it.
 * *ret_fd is the lock. */
int rf_lock_take(const char *state, const char *role, int *ret_fd, struct rf_diag *diag);
/* Is it held? RF_OK: no; RF_E_BUSY: yes, by *ret_pid (0: unknown); RF_E_NOT_FOUND: no such directory; -errno. */
int rf_lock_probe(const char *state, const char *role, int *ret_pid);

#endif

/* A process of our own beside a role (keeper, fetcher, notifier, announcer): the program executed anew under a hidden
 * role name, so that it shares no address with the role, with the descriptors it is given and nothing else. */
#ifndef RF_ROLE_CHILD_H
#define RF_ROLE_CHILD_H

#include "base/err.h"
#include "role/sandbox.h"

#include <sys/types.h>

enum { RF_CHILD_FIRST_FD = 3, RF_CHILD_FDS_MAX = 128, RF_CHILD_ID = 16 };

struct rf_child {
	const char *what;        /* "the fetcher": for errors */
	const char *exe;         /* "/proc/self/exe" */
	char *const *argv, *const *env; /* env NULL: the role's own */
	const int *fds;          /* borrowed; become first, first + 1, ... */
	unsigned n;              /* at most RF_CHILD_FDS_MAX */
	int first;               /* RF_CHILD_FIRST_FD; 0: standard input */
};

/* Forks: the process must have one thread. RF_E_LIMIT, -errno. */
int rf_child_start(const struct rf_child *c, pid_t *ret_pid, struct rf_diag *diag);
/* Wait for its first word on fd: an empty text, or why it cannot; ten seconds. RF_E_CLOSED, RF_E_INVALID. */
int rf_child_ready(const char *what, int fd, struct rf_diag *diag);
/* Wait for its end; who asks has closed what it reads from. pid <= 0: there was none. */
void rf_child_wait(pid_t pid);
/* Whom it becomes, as arguments; "-" for nobody. */
void rf_child_user(const struct rf_sandbox_user *user, char uid[static RF_CHILD_ID], char gid[static RF_CHILD_ID]);

#endif

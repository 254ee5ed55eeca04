/* What a role gives up before it reads a byte from the network: its user, its capabilities, the way back to them,
 * the file system but for a few directories, and the system calls that it does not need.
 *
 * The order is part of the contract, because each step needs what the next one takes away:
 *
 *	rf_sandbox_landlock_open()	while paths can still be opened
 *	rf_sandbox_drop_user()		to an ordinary user, no capabilities
 *	rf_sandbox_no_new_privileges()
 *	rf_sandbox_landlock_apply()
 *	rf_sandbox_syscalls()
 *
 * All of them work on the calling thread; threads that exist already keep what they have, so the process must have
 * one thread only (rf_sandbox_one_thread() says whether that is so). Linux-only calls live here and nowhere else. */
#ifndef RF_ROLE_SANDBOX_H
#define RF_ROLE_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* A user to run as. */
struct rf_sandbox_user {
	uid_t uid;
	gid_t gid;
};

/* Look a system user up. RF_E_NOT_FOUND with a text that says how to create it. */
int rf_sandbox_user_find(const char *name, struct rf_sandbox_user *ret_user, struct rf_diag *diag);

/* Does the calling process have exactly one thread? */
bool rf_sandbox_one_thread(void);

/* Is this root, and is there such a user to become? Inside a user namespace there may be none. */
bool rf_sandbox_can_become(const struct rf_sandbox_user *user);
/* Become that user for good (groups, gid, uid; NULL: stay who we are) and drop every capability out of every set. */
int rf_sandbox_drop_user(const struct rf_sandbox_user *user, struct rf_diag *diag);
/* The same, but of all capabilities this one stays; it is not inherited by programs that are executed. */
int rf_sandbox_drop_user_but(const struct rf_sandbox_user *user, int capability, struct rf_diag *diag);
/* May this process use that capability? */
bool rf_sandbox_has(int capability);
/* Stay who we are, with this capability and no other, also in programs that are executed later.
 * -EPERM: we have it not. */
int rf_sandbox_keep(int capability, struct rf_diag *diag);

/* No execve() ever gives more than this process has; no core file and no ptrace by equals shows its memory. */
int rf_sandbox_no_new_privileges(struct rf_diag *diag);

/* Files that stay reachable. */
enum rf_sandbox_access {
	RF_SANDBOX_READ,  /* read files, list directories */
	RF_SANDBOX_RUN,   /* and execute */
	RF_SANDBOX_WRITE, /* read, and create, write, truncate, rename and remove regular files, create sockets */
};

struct rf_sandbox_path {
	const char *path;
	enum rf_sandbox_access access;
	bool must;        /* an error when it is missing; otherwise it is passed over */
};

struct rf_sandbox_landlock {
	int fd;  /* the ruleset, -1 when the kernel has no Landlock */
	int abi; /* what the kernel offers; 0 when it has no Landlock */
};

/* Build the rules: these paths and nothing else; TCP ports may be bound only where the kernel chooses them; no signal
 * and no abstract Unix socket outside this process (each as far as the kernel's ABI goes).
 * RF_E_UNSUPPORTED when the kernel has no Landlock: ret_ll then says abi 0, and whether to go on is the caller's. */
int rf_sandbox_landlock_open(const struct rf_sandbox_path *paths, size_t n, struct rf_sandbox_landlock *ret_ll,
			     struct rf_diag *diag);
/* Those TCP ports may be bound as well. Nothing where the kernel knows no rules of ports. */
int rf_sandbox_landlock_ports(const struct rf_sandbox_landlock *ll, uint16_t first, uint16_t last,
			      struct rf_diag *diag);
/* Apply and close. */
int rf_sandbox_landlock_apply(struct rf_sandbox_landlock *ll, struct rf_diag *diag);

/* Who asks: each role has its own table of system calls. */
enum rf_sandbox_role {
	RF_SANDBOX_CONTROLLER, RF_SANDBOX_KEEPER, RF_SANDBOX_FETCHER, RF_SANDBOX_ANNOUNCER, RF_SANDBOX_RELAY,
	RF_SANDBOX_RELAY_FAST, /* and may change elements of the kernel's maps that are open */
	RF_SANDBOX_ROLES
};

/* Allow the role's table. Any other call fails with EPERM; those that only an intruder makes (execve, ptrace, ...) end
 * the process. Builds with a sanitizer have no filter (its runtime makes calls of its own): *ret_on says which. */
int rf_sandbox_syscalls(enum rf_sandbox_role role, bool *ret_on, struct rf_diag *diag);

#endif

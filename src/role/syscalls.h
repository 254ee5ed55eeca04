/* The system calls a role may make, each with its reason. Private to role/sandbox.c and its test. */
#ifndef RF_ROLE_SYSCALLS_H
#define RF_ROLE_SYSCALLS_H

#include "role/sandbox.h"

#include <stddef.h>

/* How an argument is checked. */
enum rf_syscall_check {
	RF_SYSCALL_ANY,
	RF_SYSCALL_NO_EXEC,   /* argument 2 (protection) without PROT_EXEC */
	RF_SYSCALL_THREAD,    /* clone() with CLONE_THREAD: a thread, never a process */
	RF_SYSCALL_SOCKET,    /* argument 0 is AF_INET, AF_INET6 or AF_UNIX */
	RF_SYSCALL_NAME,      /* prctl(PR_SET_NAME) only, and PR_GET_NAME */
	RF_SYSCALL_MAPS,      /* bpf() on elements of maps that are open already; no map or
			       * program is made or fetched */
	RF_SYSCALL_ABSENT,    /* answered with ENOSYS so that the C library takes its older way */
};

struct rf_syscall {
	const char *name;
	enum rf_syscall_check check;
	const char *why;
};

/* Calls that processes of several kinds need together. */
struct rf_syscall_set {
	const struct rf_syscall *calls;
	size_t n;
};

enum { RF_SYSCALL_SETS_MAX = 8 };
/* What each role may call: its sets, ended by NULL. No call stands twice in one role. */
extern const struct rf_syscall_set *const rf_syscalls[RF_SANDBOX_ROLES][RF_SYSCALL_SETS_MAX];
/* Only an intruder makes these: the process ends. */
extern const char *const rf_syscalls_fatal[];
extern const size_t rf_syscalls_fatal_n;

#endif

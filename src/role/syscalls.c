#include "role/syscalls.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SET(a) { (a), COUNT(a) }

/* Every process, the smallest too. */
static const struct rf_syscall every_process[] = {
	{ "futex", RF_SYSCALL_ANY, "locks and conditions" },
	{ "getrandom", RF_SYSCALL_ANY, "keys, tags, nonces; the memory allocator" },
	{ "getpid", RF_SYSCALL_ANY, "OpenSSL notices a fork" },
	{ "clock_gettime", RF_SYSCALL_ANY, "time where the vDSO has none" },
	{ "rt_sigreturn", RF_SYSCALL_ANY, "signals" },
	{ "restart_syscall", RF_SYSCALL_ANY, "signals" },
	{ "exit", RF_SYSCALL_ANY, "end of a thread" },
	{ "exit_group", RF_SYSCALL_ANY, "end" },
};

/* Memory that grows. */
static const struct rf_syscall memory[] = {
	{ "mmap", RF_SYSCALL_NO_EXEC, "memory; never code" },
	{ "munmap", RF_SYSCALL_ANY, "memory" },
	{ "mremap", RF_SYSCALL_ANY, "memory" },
	{ "madvise", RF_SYSCALL_ANY, "memory given back, secrets kept out of cores" },
	{ "brk", RF_SYSCALL_ANY, "memory" },
};

/* Threads of its own. */
static const struct rf_syscall threads[] = {
	{ "mprotect", RF_SYSCALL_NO_EXEC, "guard pages of stacks; never code" },
	{ "clone", RF_SYSCALL_THREAD, "threads of its own" },
	{ "clone3", RF_SYSCALL_ABSENT, "its flags lie in memory, where no filter sees them" },
	{ "set_robust_list", RF_SYSCALL_ANY, "start of a thread" },
	{ "rseq", RF_SYSCALL_ANY, "start of a thread" },
	{ "rt_sigprocmask", RF_SYSCALL_ANY, "signals" },
	{ "sched_getaffinity", RF_SYSCALL_ANY, "how many cores" },
	{ "gettid", RF_SYSCALL_ANY, "threads" },
	{ "getuid", RF_SYSCALL_ANY, "who we are" },
	{ "geteuid", RF_SYSCALL_ANY, "the same" },
	{ "gettimeofday", RF_SYSCALL_ANY, "time where the vDSO has none" },
};

/* An event loop (libuv, and epoll sets of our own) with sockets of all kinds. */
static const struct rf_syscall loop[] = {
	{ "read", RF_SYSCALL_ANY, "streams, signalfd, eventfd, files" },
	{ "write", RF_SYSCALL_ANY, "streams, the ledger, the log" },
	{ "readv", RF_SYSCALL_ANY, "libuv, OpenSSL BIO" },
	{ "writev", RF_SYSCALL_ANY, "libuv, a stream's queue in one call" },
	{ "recvmsg", RF_SYSCALL_ANY, "datagrams, requests, the keeper's answers" },
	{ "sendmsg", RF_SYSCALL_ANY, "datagrams, replies, questions to the keeper" },
	{ "recvmmsg", RF_SYSCALL_ANY, "datagrams in batches" },
	{ "sendmmsg", RF_SYSCALL_ANY, "datagrams in batches" },
	{ "recvfrom", RF_SYSCALL_ANY, "streams, media, name resolution" },
	{ "sendto", RF_SYSCALL_ANY, "streams, media, name resolution" },
	{ "socket", RF_SYSCALL_SOCKET, "connections to peers, ports of a session, name resolution" },
	{ "socketpair", RF_SYSCALL_SOCKET, "libuv's signal pipe" },
	{ "connect", RF_SYSCALL_ANY, "connections to peers, name resolution" },
	{ "bind", RF_SYSCALL_ANY, "source address of a connection, ports of a session (TCP: Landlock)" },
	{ "listen", RF_SYSCALL_ANY, "a listener resumed after too many connections, ports of MSRP and BFCP" },
	{ "accept4", RF_SYSCALL_ANY, "connections from peers, the control socket" },
	{ "accept", RF_SYSCALL_ANY, "the same on older C libraries" },
	{ "shutdown", RF_SYSCALL_ANY, "an orderly end of a stream" },
	{ "getsockname", RF_SYSCALL_ANY, "which of our addresses and ports it is" },
	{ "getpeername", RF_SYSCALL_ANY, "whose connection it is" },
	{ "getsockopt", RF_SYSCALL_ANY, "result of connect, SO_PEERCRED" },
	{ "setsockopt", RF_SYSCALL_ANY, "TCP_NODELAY, DSCP, buffers, time-outs" },
	{ "epoll_create1", RF_SYSCALL_ANY, "a worker's loop" },
	{ "epoll_ctl", RF_SYSCALL_ANY, "a worker's loop, ports of a session" },
	{ "epoll_wait", RF_SYSCALL_ANY, "a worker's loop" },
	{ "epoll_pwait", RF_SYSCALL_ANY, "a worker's loop" },
	{ "epoll_pwait2", RF_SYSCALL_ANY, "media fetched from the driver" },
	{ "poll", RF_SYSCALL_ANY, "libuv, start-up of threads" },
	{ "ppoll", RF_SYSCALL_ANY, "the same" },
	{ "eventfd2", RF_SYSCALL_ANY, "mail between threads" },
	{ "pipe2", RF_SYSCALL_ANY, "libuv's signal pipe" },
	{ "timerfd_create", RF_SYSCALL_ANY, "a loop's clock" },
	{ "timerfd_settime", RF_SYSCALL_ANY, "a loop's clock" },
	{ "signalfd4", RF_SYSCALL_ANY, "stop and reload" },
	{ "ioctl", RF_SYSCALL_ANY, "FIONBIO, FIONREAD in libuv" },
	{ "fcntl", RF_SYSCALL_ANY, "file locks, O_NONBLOCK" },
	{ "close", RF_SYSCALL_ANY, "everything that was opened" },
};

/* A server that lives long: signals, time, its child processes, secrets in locked pages. */
static const struct rf_syscall server[] = {
	{ "mlock", RF_SYSCALL_ANY, "secrets stay out of swap" },
	{ "mlock2", RF_SYSCALL_ANY, "the same" },
	{ "munlock", RF_SYSCALL_ANY, "the same" },
	{ "sched_yield", RF_SYSCALL_ANY, "userspace-rcu, libuv" },
	{ "getcpu", RF_SYSCALL_ANY, "the memory allocator" },
	{ "getgid", RF_SYSCALL_ANY, "who we are" },
	{ "getegid", RF_SYSCALL_ANY, "the same" },
	{ "tgkill", RF_SYSCALL_ANY, "abort() of this process (others: Landlock)" },
	{ "kill", RF_SYSCALL_ANY, "the keeper at the end (others: Landlock)" },
	{ "wait4", RF_SYSCALL_ANY, "the keeper at the end" },
	{ "rt_sigaction", RF_SYSCALL_ANY, "signals" },
	{ "sigaltstack", RF_SYSCALL_ANY, "signals" },
	{ "prctl", RF_SYSCALL_NAME, "names of threads" },
	{ "clock_getres", RF_SYSCALL_ANY, "time where the vDSO has none" },
	{ "clock_nanosleep", RF_SYSCALL_ANY, "a writer that waits for a full disk" },
	{ "nanosleep", RF_SYSCALL_ANY, "the same" },
	{ "time", RF_SYSCALL_ANY, "time where the vDSO has none" },
	{ "getrusage", RF_SYSCALL_ANY, "status" },
	{ "prlimit64", RF_SYSCALL_ANY, "how many descriptors" },
	{ "sysinfo", RF_SYSCALL_ANY, "how much memory" },
};

/* Files of a ledger's and a site's (paths: Landlock). */
static const struct rf_syscall ledger[] = {
	{ "openat", RF_SYSCALL_ANY, "the ledger, the store, the site file again (paths: Landlock)" },
	{ "open", RF_SYSCALL_ANY, "the same through older libraries" },
	{ "stat", RF_SYSCALL_ANY, "the site file, SQLite" },
	{ "fstat", RF_SYSCALL_ANY, "files" },
	{ "newfstatat", RF_SYSCALL_ANY, "the same" },
	{ "statx", RF_SYSCALL_ANY, "the same" },
	{ "fstatfs", RF_SYSCALL_ANY, "room on the disk" },
	{ "statfs", RF_SYSCALL_ANY, "room on the disk" },
	{ "lseek", RF_SYSCALL_ANY, "the ledger, SQLite" },
	{ "pread64", RF_SYSCALL_ANY, "the ledger, SQLite" },
	{ "pwrite64", RF_SYSCALL_ANY, "the ledger, SQLite" },
	{ "fsync", RF_SYSCALL_ANY, "what is on record survives the power" },
	{ "fdatasync", RF_SYSCALL_ANY, "the same" },
	{ "ftruncate", RF_SYSCALL_ANY, "a torn last line of the ledger, SQLite" },
	{ "fallocate", RF_SYSCALL_ANY, "room for the ledger, SQLite" },
	{ "flock", RF_SYSCALL_ANY, "one process for one role of a site, one writer of a segment" },
	{ "unlink", RF_SYSCALL_ANY, "sockets of ours, SQLite's journal" },
	{ "unlinkat", RF_SYSCALL_ANY, "the same" },
	{ "rename", RF_SYSCALL_ANY, "a file replaced whole, a segment of the ledger" },
	{ "renameat", RF_SYSCALL_ANY, "the same" },
	{ "renameat2", RF_SYSCALL_ANY, "the same" },
	{ "fchmod", RF_SYSCALL_ANY, "files are 0600" },
	{ "umask", RF_SYSCALL_ANY, "the same" },
	{ "access", RF_SYSCALL_ANY, "SQLite" },
	{ "faccessat", RF_SYSCALL_ANY, "the same" },
	{ "faccessat2", RF_SYSCALL_ANY, "the same" },
	{ "readlink", RF_SYSCALL_ANY, "SQLite, real paths" },
	{ "getcwd", RF_SYSCALL_ANY, "SQLite, real paths" },
	{ "getdents64", RF_SYSCALL_ANY, "the ledger's segments" },
};

/* The controller and the border besides: the store of users (SQLite), userspace-rcu. */
static const struct rf_syscall controller[] = {
	{ "close_range", RF_SYSCALL_ANY, "everything that was opened" },
	{ "lstat", RF_SYSCALL_ANY, "SQLite, real paths" },
	{ "dup", RF_SYSCALL_ANY, "descriptors" },
	{ "mkdir", RF_SYSCALL_ANY, "ledger directory" },
	{ "mkdirat", RF_SYSCALL_ANY, "the same" },
	{ "chmod", RF_SYSCALL_ANY, "the control socket is 0600" },
	{ "fchmodat", RF_SYSCALL_ANY, "the same" },
	{ "readlinkat", RF_SYSCALL_ANY, "SQLite, real paths" },
	{ "set_tid_address", RF_SYSCALL_ANY, "start of a thread" },
	{ "membarrier", RF_SYSCALL_ANY, "userspace-rcu" },
	{ "futex_waitv", RF_SYSCALL_ANY, "the same" },
	{ "sched_setaffinity", RF_SYSCALL_ANY, "userspace-rcu's resize threads" },
	{ "getppid", RF_SYSCALL_ANY, "OpenSSL notices a fork" },
	{ "uname", RF_SYSCALL_ANY, "c-ares, SQLite" },
};

/* A relay with a kernel path besides. */
static const struct rf_syscall relay_fast[] = {
	{ "bpf", RF_SYSCALL_MAPS, "which streams the kernel passes on, and how many packets it did" },
};

/* Fetches certificates over HTTPS. */
static const struct rf_syscall fetcher[] = {
	{ "read", RF_SYSCALL_ANY, "TLS, files of name resolution" },
	{ "write", RF_SYSCALL_ANY, "TLS" },
	{ "recvfrom", RF_SYSCALL_ANY, "a question, answers of name servers" },
	{ "sendto", RF_SYSCALL_ANY, "an answer, questions to name servers" },
	{ "recvmsg", RF_SYSCALL_ANY, "name resolution" },
	{ "sendmsg", RF_SYSCALL_ANY, "name resolution" },
	{ "sendmmsg", RF_SYSCALL_ANY, "name resolution: A and AAAA at once" },
	{ "socket", RF_SYSCALL_SOCKET, "web servers, name servers" },
	{ "connect", RF_SYSCALL_ANY, "the same" },
	{ "bind", RF_SYSCALL_ANY, "name resolution (ports: Landlock)" },
	{ "getsockname", RF_SYSCALL_ANY, "which of several addresses to try first" },
	{ "getpeername", RF_SYSCALL_ANY, "the same" },
	{ "getsockopt", RF_SYSCALL_ANY, "result of connect" },
	{ "setsockopt", RF_SYSCALL_ANY, "name resolution" },
	{ "ioctl", RF_SYSCALL_ANY, "FIONREAD in name resolution" },
	{ "poll", RF_SYSCALL_ANY, "waiting" },
	{ "ppoll", RF_SYSCALL_ANY, "the same" },
	{ "openat", RF_SYSCALL_ANY, "files of name resolution (paths: Landlock)" },
	{ "open", RF_SYSCALL_ANY, "the same" },
	{ "close", RF_SYSCALL_ANY, "connections, files" },
	{ "stat", RF_SYSCALL_ANY, "has resolv.conf changed" },
	{ "fstat", RF_SYSCALL_ANY, "the same" },
	{ "newfstatat", RF_SYSCALL_ANY, "the same" },
	{ "statx", RF_SYSCALL_ANY, "the same" },
	{ "lseek", RF_SYSCALL_ANY, "files" },
	{ "fcntl", RF_SYSCALL_ANY, "files" },
	{ "uname", RF_SYSCALL_ANY, "name resolution" },
};

/* Sends tones. */
static const struct rf_syscall announcer[] = {
	{ "recvfrom", RF_SYSCALL_ANY, "an order" },
	{ "sendto", RF_SYSCALL_ANY, "a report" },
	{ "sendmsg", RF_SYSCALL_ANY, "a packet of a tone" },
	{ "poll", RF_SYSCALL_ANY, "waiting" },
	{ "ppoll", RF_SYSCALL_ANY, "the same" },
};

/* Holds the keys and answers. */
static const struct rf_syscall keeper[] = {
	{ "read", RF_SYSCALL_ANY, "a question" },
	{ "write", RF_SYSCALL_ANY, "its answer" },
	{ "openat", RF_SYSCALL_ANY, "the key file again (which: Landlock)" },
	{ "newfstatat", RF_SYSCALL_ANY, "who may read it" },
	{ "fstat", RF_SYSCALL_ANY, "the same" },
	{ "close", RF_SYSCALL_ANY, "it" },
};

static const struct rf_syscall_set of_every_process = SET(every_process), of_memory = SET(memory),
				   of_threads = SET(threads), of_loop = SET(loop), of_server = SET(server),
				   of_ledger = SET(ledger), of_controller = SET(controller),
				   of_relay_fast = SET(relay_fast), of_fetcher = SET(fetcher),
				   of_announcer = SET(announcer), of_keeper = SET(keeper);

const struct rf_syscall_set *const rf_syscalls[RF_SANDBOX_ROLES][RF_SYSCALL_SETS_MAX] = {
	[RF_SANDBOX_CONTROLLER] = { &of_every_process, &of_memory, &of_threads, &of_loop, &of_server, &of_ledger,
				    &of_controller },
	[RF_SANDBOX_RELAY] = { &of_every_process, &of_memory, &of_threads, &of_loop, &of_server, &of_ledger },
	[RF_SANDBOX_RELAY_FAST] = { &of_every_process, &of_memory, &of_threads, &of_loop, &of_server, &of_ledger,
				    &of_relay_fast },
	[RF_SANDBOX_FETCHER] = { &of_every_process, &of_memory, &of_threads, &of_fetcher },
	[RF_SANDBOX_ANNOUNCER] = { &of_every_process, &of_memory, &of_announcer },
	[RF_SANDBOX_KEEPER] = { &of_every_process, &of_keeper },
};

const char *const rf_syscalls_fatal[] = {
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "kexec_load",
	"init_module", "finit_module", "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "keyctl", "add_key", "request_key", "open_by_handle_at",
	"setuid", "setgid", "setresuid", "setresgid", "setreuid", "setregid", "capset", "reboot", "swapon",
};
const size_t rf_syscalls_fatal_n = COUNT(rf_syscalls_fatal);

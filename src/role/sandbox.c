#include "role/sandbox.h"
#include "role/syscalls.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

int rf_sandbox_user_find(const char *name, struct rf_sandbox_user *ret_user, struct rf_diag *diag)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	int rc = getpwnam_r(name, &pw, buf, sizeof buf, &found);

	if (rc)
		return rf_diag_set(diag, -rc, "user %s: %s", name, strerror(rc));
	if (!found)
		return rf_diag_set(diag, RF_E_NOT_FOUND,
				   "there is no user %s to run as: `systemd-sysusers` with the file of "
				   "packaging/sysusers.d, or `useradd --system --no-create-home --home-dir "
				   "/nonexistent --shell /usr/sbin/nologin %s`, creates it", name, name);
	if (pw.pw_uid == 0)
		return rf_diag_set(diag, RF_E_INVALID, "user %s has uid 0: give it an id of its own", name);
	*ret_user = (struct rf_sandbox_user){ pw.pw_uid, pw.pw_gid };
	return 0;
}

bool rf_sandbox_one_thread(void)
{
	unsigned n = 0;
	struct dirent *e;
	DIR *d = opendir("/proc/self/task");

	if (!d)
		return false;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n == 1;
}

/* Inside a user namespace uid 0 may be the only one there is: then there is nobody to become. */
static bool id_mapped(const char *map_file, unsigned id)
{
	FILE *f = fopen(map_file, "re");
	unsigned inside, outside, count;
	bool found = false;

	if (!f)
		return true; /* no namespaces in this kernel */
	while (!found && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		found = id >= inside && id - inside < count;
	fclose(f);
	return found;
}

bool rf_sandbox_can_become(const struct rf_sandbox_user *user)
{
	return geteuid() == 0 && id_mapped("/proc/self/uid_map", user->uid) &&
	       id_mapped("/proc/self/gid_map", user->gid);
}

static int become(const struct rf_sandbox_user *user, struct rf_diag *diag)
{
	if (setgroups(0, NULL) < 0)
		return rf_diag_set(diag, -errno, "leaving root's groups: %s", strerror(errno));
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return rf_diag_set(diag, -errno, "becoming group %u: %s", (unsigned)user->gid, strerror(errno));
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return rf_diag_set(diag, -errno, "becoming user %u: %s", (unsigned)user->uid, strerror(errno));
	if (setuid(0) == 0)
		return rf_diag_set(diag, RF_E_STATE, "root could be had back after leaving it");
	return 0;
}

/* capability -1: none stays. */
static int drop_user(const struct rf_sandbox_user *user, int capability, struct rf_diag *diag)
{
	cap_value_t one = capability;

	/* The bounding set first: it needs CAP_SETPCAP, which the change of user takes away. Without that capability
	 * there is nothing in reach of this process to bound. */
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_KEEPCAPS, capability >= 0, 0, 0, 0);
	int rc = user ? become(user, diag) : 0;
	if (rc)
		return rc;
	cap_t set = cap_init();
	if (!set)
		return rf_diag_set(diag, -ENOMEM, "dropping capabilities: out of memory");
	if (capability >= 0 && (cap_set_flag(set, CAP_PERMITTED, 1, &one, CAP_SET) < 0 ||
				cap_set_flag(set, CAP_EFFECTIVE, 1, &one, CAP_SET) < 0))
		rc = -errno;
	if (!rc)
		rc = cap_set_proc(set) < 0 ? -errno : 0;
	cap_free(set);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return rc ? rf_diag_set(diag, rc, "dropping capabilities: %s", strerror(-rc)) : 0;
}

int rf_sandbox_drop_user(const struct rf_sandbox_user *user, struct rf_diag *diag)
{
	return drop_user(user, -1, diag);
}

int rf_sandbox_drop_user_but(const struct rf_sandbox_user *user, int capability, struct rf_diag *diag)
{
	return drop_user(user, capability, diag);
}

bool rf_sandbox_has(int capability)
{
	cap_flag_value_t has = CAP_CLEAR;
	cap_t set = cap_get_proc();

	if (set && cap_get_flag(set, capability, CAP_PERMITTED, &has) < 0)
		has = CAP_CLEAR;
	cap_free(set);
	return has == CAP_SET;
}

int rf_sandbox_keep(int capability, struct rf_diag *diag)
{
	cap_value_t one = capability;
	cap_t set = cap_init();

	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (c != capability)
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	int rc = !set || cap_set_flag(set, CAP_PERMITTED, 1, &one, CAP_SET) < 0 ||
		 cap_set_flag(set, CAP_EFFECTIVE, 1, &one, CAP_SET) < 0 ||
		 cap_set_flag(set, CAP_INHERITABLE, 1, &one, CAP_SET) < 0 || cap_set_proc(set) < 0 ? -errno : 0;

	cap_free(set);
	if (!rc && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
		rc = -errno;
	return rc ? rf_diag_set(diag, rc, "keeping one capability alone: %s", strerror(-rc)) : 0;
}

int rf_sandbox_no_new_privileges(struct rf_diag *diag)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none); /* an unreadable memory has no core either; refusal is no loss */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rf_diag_set(diag, -errno, "hiding the memory: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rf_diag_set(diag, -errno, "no new privileges: %s", strerror(errno));
	return 0;
}

/* Landlock as the kernel documents it (Documentation/userspace-api/landlock.rst). The headers of a distribution may
 * be older than the kernel, so what later ABIs added is written out here. */
struct landlock_attr {
	uint64_t fs, net, scoped;
};

struct landlock_net {
	uint64_t access, port;
};

#define LL_FS_REFER (1ULL << 13)     /* ABI 2 */
#define LL_FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define LL_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define LL_NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define LL_SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL (1ULL << 1)        /* ABI 6 */
#define LL_RULE_NET_PORT 2

#define LL_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LL_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | \
		 LL_FS_TRUNCATE | LL_FS_IOCTL_DEV)
#define LL_WRITE (LL_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
		  LANDLOCK_ACCESS_FS_REMOVE_FILE | LL_FS_REFER | LL_FS_TRUNCATE)

static uint64_t fs_of_abi(int abi)
{
	uint64_t all = (1ULL << 13) - 1; /* ABI 1: EXECUTE .. MAKE_SYM */

	return all | (abi >= 2 ? LL_FS_REFER : 0) | (abi >= 3 ? LL_FS_TRUNCATE : 0) | (abi >= 5 ? LL_FS_IOCTL_DEV : 0);
}

static int allow_path(int ruleset, const struct rf_sandbox_path *p, uint64_t handled, struct rf_diag *diag)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return p->must ? rf_diag_set(diag, -errno, "Landlock rule for %s: %s", p->path, strerror(errno)) : 0;
	uint64_t access = p->access == RF_SANDBOX_WRITE ? LL_WRITE :
			  p->access == RF_SANDBOX_RUN ? LL_READ | LANDLOCK_ACCESS_FS_EXECUTE : LL_READ;
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		access &= LL_FILE; /* the kernel refuses directory rights on a file */
	struct landlock_path_beneath_attr rule = { .allowed_access = access & handled, .parent_fd = fd };
	int rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
	close(fd);
	return rc ? rf_diag_set(diag, rc, "Landlock rule for %s: %s", p->path, strerror(-rc)) : 0;
}

int rf_sandbox_landlock_open(const struct rf_sandbox_path *paths, size_t n, struct rf_sandbox_landlock *ret_ll,
			     struct rf_diag *diag)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*ret_ll = (struct rf_sandbox_landlock){ .fd = -1, .abi = 0 };
	if (abi < 1)
		return rf_diag_set(diag, RF_E_UNSUPPORTED, "this kernel has no Landlock (%s)", strerror(errno));
	struct landlock_attr attr = {
		.fs = fs_of_abi((int)abi),
		.net = abi >= 4 ? LL_NET_BIND_TCP : 0,
		.scoped = abi >= 6 ? LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL : 0,
	};
	size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? offsetof(struct landlock_attr, scoped) :
		      offsetof(struct landlock_attr, net);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd < 0)
		return rf_diag_set(diag, -errno, "Landlock ruleset: %s", strerror(errno));
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = allow_path(fd, &paths[i], attr.fs, diag);
	/* Listeners are bound already. Port 0 means: bind an address, let the kernel choose the port. */
	struct landlock_net any_port = { .access = LL_NET_BIND_TCP, .port = 0 };
	if (!rc && attr.net && syscall(SYS_landlock_add_rule, fd, LL_RULE_NET_PORT, &any_port, 0) < 0)
		rc = rf_diag_set(diag, -errno, "Landlock rule for ports: %s", strerror(errno));
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_ll = (struct rf_sandbox_landlock){ .fd = fd, .abi = (int)abi };
	return 0;
}

int rf_sandbox_landlock_ports(const struct rf_sandbox_landlock *ll, uint16_t first, uint16_t last, struct rf_diag *diag)
{
	for (uint32_t port = first; ll->fd >= 0 && ll->abi >= 4 && port <= last; port++) {
		struct landlock_net one = { .access = LL_NET_BIND_TCP, .port = port };

		if (syscall(SYS_landlock_add_rule, ll->fd, LL_RULE_NET_PORT, &one, 0) < 0)
			return rf_diag_set(diag, -errno, "Landlock rule for port %u: %s", (unsigned)port,
					   strerror(errno));
	}
	return 0;
}

int rf_sandbox_landlock_apply(struct rf_sandbox_landlock *ll, struct rf_diag *diag)
{
	if (ll->fd < 0)
		return RF_E_UNSUPPORTED;
	int rc = syscall(SYS_landlock_restrict_self, ll->fd, 0) < 0 ? -errno : 0;

	close(ll->fd);
	ll->fd = -1;
	return rc ? rf_diag_set(diag, rc, "Landlock: %s", strerror(-rc)) : 0;
}

static int allow(scmp_filter_ctx f, int nr, enum rf_syscall_check check)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	/* BPF_MAP_LOOKUP_ELEM, UPDATE, DELETE, GET_NEXT_KEY, and the four of batches (linux/bpf.h). */
	static const int map_commands[] = { 1, 2, 3, 4, 24, 25, 26, 27 };
	int rc = 0;

	switch (check) {
	case RF_SYSCALL_ANY:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
	case RF_SYSCALL_NO_EXEC:
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	case RF_SYSCALL_THREAD: /* CLONE_THREAD */
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, 0x10000, 0x10000));
	case RF_SYSCALL_SOCKET:
		for (size_t i = 0; i < COUNT(families) && !rc; i++)
			rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A0(SCMP_CMP_EQ, families[i]));
		return rc;
	case RF_SYSCALL_NAME:
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
		return rc ? rc : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME));
	case RF_SYSCALL_MAPS:
		for (size_t i = 0; i < COUNT(map_commands) && !rc; i++)
			rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_A0(SCMP_CMP_EQ, map_commands[i]));
		return rc;
	case RF_SYSCALL_ABSENT:
		return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	}
	return -EINVAL;
}

static int refuse_fatal(scmp_filter_ctx f, enum rf_sandbox_role role, struct rf_diag *diag)
{
	for (size_t i = 0; i < rf_syscalls_fatal_n; i++) {
		int nr = seccomp_syscall_resolve_name(rf_syscalls_fatal[i]);

		/* What one argument permits cannot end the process with another: there it fails
		 * as all the rest does. */
		if (nr < 0 || (role == RF_SANDBOX_RELAY_FAST && strcmp(rf_syscalls_fatal[i], "bpf") == 0))
			continue;
		int rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, nr, 0);
		if (rc)
			return rf_diag_set(diag, rc, "seccomp rule for %s: %s", rf_syscalls_fatal[i], strerror(-rc));
	}
	return 0;
}

static int fill(scmp_filter_ctx f, const struct rf_syscall_set *set, struct rf_diag *diag)
{
	for (const struct rf_syscall *call = set->calls; call < set->calls + set->n; call++) {
		int nr = seccomp_syscall_resolve_name(call->name);

		if (nr < 0)
			continue; /* not on this machine, or newer than libseccomp: then nobody here can make it */
		int rc = allow(f, nr, call->check);
		if (rc)
			return rf_diag_set(diag, rc, "seccomp rule for %s: %s", call->name, strerror(-rc));
	}
	return 0;
}

int rf_sandbox_syscalls(enum rf_sandbox_role role, bool *ret_on, struct rf_diag *diag)
{

	*ret_on = false;
	if (SANITIZED)
		return 0;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return rf_diag_set(diag, -ENOMEM, "seccomp filter: out of memory");
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: the filter runs on every call */
	int rc = 0;
	for (const struct rf_syscall_set *const *set = rf_syscalls[role]; *set && !rc; set++)
		rc = fill(f, *set, diag);
	if (!rc)
		rc = refuse_fatal(f, role, diag);
	if (!rc && (rc = seccomp_load(f)))
		rf_diag_set(diag, rc, "seccomp: %s", strerror(-rc));
	seccomp_release(f);
	*ret_on = !rc;
	return rc;
}

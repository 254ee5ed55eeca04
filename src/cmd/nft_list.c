#include "cmd/nft_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIST_MAX = 64 * 1024 * 1024, EXIT_NAMESPACE = 100, EXIT_PROGRAM = 101 };

static int write_all(int fd, struct rf_view v)
{
	while (v.n) {
		ssize_t n = write(fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		v = rf_view_from(v, (size_t)n);
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Whoever may not make a network namespace may make one as root of a user namespace. */
static int own_namespace(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -1;
	snprintf(map, sizeof map, "0 %u 1", uid);
	if (put_file("/proc/self/setgroups", "deny") || put_file("/proc/self/uid_map", map))
		return -1;
	snprintf(map, sizeof map, "0 %u 1", gid);
	return put_file("/proc/self/gid_map", map);
}

static int named_namespace(const char *name)
{
	char path[300];

	if (strchr(name, '/') || strlen(name) > 200)
		return -1;
	snprintf(path, sizeof path, "/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWNET) ? -1 : 0;
}

static void run(char *const *argv)
{
	/* A controlled search path: the program is the system's. */
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	static char *const env[] = { path, locale, NULL };

	execvpe("nft", argv, env);
	_exit(EXIT_PROGRAM);
}

static void load(void)
{
	static char nft[] = "nft", f[] = "-f", in[] = "-";
	char *const argv[] = { nft, f, in, NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		run(argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(1);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void child(const char *netns, int in, int out, int err)
{
	static char nft[] = "nft", j[] = "-j", list[] = "list", ruleset[] = "ruleset";
	char *const argv[] = { nft, j, list, ruleset, NULL };

	if (dup2(out, 1) < 0 || dup2(err, 2) < 0 || (in >= 0 && dup2(in, 0) < 0))
		_exit(1);
	if ((in >= 0 && own_namespace()) || (netns && named_namespace(netns)))
		_exit(EXIT_NAMESPACE);
	if (in >= 0)
		load();
	run(argv);
}

/* The whole of a memory file, with room for a NUL. */
static int read_back(int fd, struct rf_view *ret)
{
	off_t end = lseek(fd, 0, SEEK_END);
	uint8_t *p = end >= 0 && end <= LIST_MAX ? malloc((size_t)end + 1) : NULL;

	if (!p)
		return end > LIST_MAX ? RF_E_LIMIT : -ENOMEM;
	ssize_t n = pread(fd, p, (size_t)end, 0);
	if (n < 0) {
		free(p);
		return -EIO;
	}
	p[n] = 0;
	*ret = rf_view_of(p, (size_t)n);
	return 0;
}

static int refused(int status, int err, const char *name, struct rf_diag *diag)
{
	struct rf_view said = { 0 };
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;

	if (code == EXIT_NAMESPACE)
		return rf_diag_set(diag, -EPERM,
				   "%s: this needs root, or user namespaces, and the namespace that was named", name);
	if (code == EXIT_PROGRAM)
		return rf_diag_set(diag, -ENOENT,
				   "the program nft is not there: install the package nftables, or list the rules on "
				   "the router with `nft -j list ruleset`");
	read_back(err, &said);
	struct rf_view first = rf_view_trim(rf_view_sub(said, 0, rf_view_find(said, '\n')));
	rf_diag_set(diag, RF_E_INVALID, "%s: nft says: %.*s", name, (int)(first.n < 300 ? first.n : 300),
		    first.n ? (const char *)first.p : "nothing");
	free((void *)(uintptr_t)said.p);
	return RF_E_INVALID;
}

static int list(const char *netns, int in, const char *name, struct rf_view *ret_json, struct rf_diag *diag)
{
	int out = memfd_create("rules", MFD_CLOEXEC), err = memfd_create("errors", MFD_CLOEXEC), status = 0, rc = 0;
	pid_t pid = out < 0 || err < 0 ? -1 : fork();

	if (pid == 0)
		child(netns, in, out, err);
	if (pid < 0)
		rc = rf_diag_set(diag, -errno, "nft cannot be started");
	while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		rc = refused(status, err, name, diag);
	if (rc == 0 && (rc = read_back(out, ret_json)))
		rf_diag_set(diag, rc, "%s: the list of rules cannot be kept", name);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	return rc;
}

int rf_nft_list_loaded(const char *netns, struct rf_view *ret_json, struct rf_diag *diag)
{
	return list(netns, -1, netns ? netns : "the kernel's rules", ret_json, diag);
}

int rf_nft_list_text(struct rf_view text, const char *name, struct rf_view *ret_json, struct rf_diag *diag)
{
	int in = memfd_create("text", MFD_CLOEXEC);
	int rc = in < 0 ? -errno : write_all(in, text);

	if (rc)
		rf_diag_set(diag, rc, "%s: the rules cannot be handed to nft", name);
	else
		rc = list(NULL, in, name, ret_json, diag);
	if (in >= 0)
		close(in);
	return rc;
}

void rf_nft_list_free(struct rf_view json)
{
	free((void *)(uintptr_t)json.p);
}

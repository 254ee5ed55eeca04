#include "role/lock.h"

#include "base/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int open_lock(const char *state, const char *role, int flags)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof path, "%s/%s.pid", state, role) >= sizeof path)
		return -ENAMETOOLONG;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : fd;
}

static int read_pid(int fd)
{
	char text[16];
	ssize_t n = pread(fd, text, sizeof text, 0);
	uint32_t pid = 0;

	if (n > 0)
		rf_view_u32(rf_view_trim(rf_view_of(text, (size_t)n)), &pid);
	return pid <= INT32_MAX ? (int)pid : 0;
}

int rf_lock_take(const char *state, const char *role, int *ret_fd, struct rf_diag *diag)
{
	int fd = open_lock(state, role, O_RDWR | O_CREAT);
	char text[16];

	if (fd < 0)
		return rf_diag_set(diag, fd, "%s/%s.pid: %s", state, role, rf_err_text(fd));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int pid = read_pid(fd);

		close(fd);
		return rf_diag_set(diag, RF_E_BUSY, "a %s runs already for this site (pid %d)", role, pid);
	}
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		int rc = -errno;

		close(fd);
		return rf_diag_set(diag, rc, "%s/%s.pid: %s", state, role, rf_err_text(rc));
	}
	*ret_fd = fd;
	return 0;
}

int rf_lock_probe(const char *state, const char *role, int *ret_pid)
{
	int fd = open_lock(state, role, O_RDONLY);

	*ret_pid = 0;
	if (fd == -ENOENT)
		return access(state, F_OK) == 0 ? 0 : RF_E_NOT_FOUND;
	if (fd < 0)
		return fd;
	int rc = flock(fd, LOCK_SH | LOCK_NB) < 0 ? RF_E_BUSY : 0;
	if (rc)
		*ret_pid = read_pid(fd);
	close(fd);
	return rc;
}

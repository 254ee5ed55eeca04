#include "role/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int rf_startup_user(const char *name, const struct rf_log *log, struct rf_sandbox_user *ret_user, bool *ret_become,
		    char ret_name[static RF_STARTUP_NAME], struct rf_diag *diag)
{
	struct passwd *pw = getpwuid(geteuid());

	*ret_become = false;
	snprintf(ret_name, RF_STARTUP_NAME, "%s", pw ? pw->pw_name : "?");
	if (geteuid() != 0)
		return 0;
	int rc = rf_sandbox_user_find(name, ret_user, diag);
	if (rc)
		return rc;
	*ret_become = rf_sandbox_can_become(ret_user);
	if (*ret_become)
		snprintf(ret_name, RF_STARTUP_NAME, "%s", name);
	else
		rf_log(log, RF_LOG_WARN, "user %s does not exist in this user namespace: staying %s", name, ret_name);
	return 0;
}

int rf_startup_own(const char *path, const struct rf_sandbox_user *user, struct rf_diag *diag)
{
	char *copy = strdup(path);
	char *const roots[] = { copy, NULL };
	FTS *walk = copy ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	int rc = walk ? 0 : -ENOMEM;

	for (FTSENT *e; walk && !rc && (e = fts_read(walk));) {
		if (e->fts_info == FTS_DP || e->fts_statp->st_uid == user->uid ||
		    (e->fts_info == FTS_F && e->fts_statp->st_nlink > 1))
			continue;
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR ||
		    lchown(e->fts_accpath, user->uid, user->gid) < 0)
			rc = rf_diag_set(diag, -errno, "%s/%s: giving it to the service user: %s", path, e->fts_name,
					 strerror(errno));
	}
	if (walk)
		fts_close(walk);
	free(copy);
	return rc;
}

void rf_startup_share(const struct rf_log *log, const struct rf_sandbox_user *user, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && fstat(fd, &st) == 0) {
		mode_t need = S_ISDIR(st.st_mode) ? 0050 : 0040;

		if ((st.st_mode & (need >> 3)) != (need >> 3) &&
		    (st.st_gid != user->gid || (st.st_mode & need) != need) &&
		    (fchown(fd, (uid_t)-1, user->gid) < 0 || fchmod(fd, (st.st_mode | need) & 07777) < 0))
			rf_log(log, RF_LOG_WARN, "%s: the service user will not be able to read it again", path);
	}
	if (fd >= 0)
		close(fd);
}

int rf_startup_signals(int *ret_fd, struct rf_diag *diag)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? rf_diag_set(diag, -errno, "signals: %s", rf_err_text(-errno)) : 0;
}

int rf_startup_notify(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof a.sun_path || (path[0] != '/' && path[0] != '@'))
		return -1;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void rf_startup_tell(const struct rf_log *log, int *fd, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	if (*fd >= 0 && text && write(*fd, text, strlen(text)) < 0)
		rf_log(log, RF_LOG_DEBUG, "nobody waits for us to be ready");
	free(text);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

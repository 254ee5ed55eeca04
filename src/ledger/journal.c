/* The journal: one directory of segments, written under a lock that is held for a batch at a time. */
#include "base/random.h"
#include "ledger/ledger_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t system_write(void *ctx, int fd, const void *p, size_t n)
{
	(void)ctx;
	return write(fd, p, n);
}

static int system_sync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd);
}

const struct rf_ledger_io rf_ledger_io_system = { system_write, system_sync, NULL };

int rf_journal_init(struct rf_journal *j, const char *path, size_t segment_bytes, struct rf_clock clock)
{
	struct rf_random r;

	j->path = strdup(path);
	j->dir_fd = j->lock_fd = j->seg_fd = -1;
	j->seg_limit = segment_bytes;
	j->clock = clock;
	j->io = rf_ledger_io_system;
	rf_chain_init(&j->chain);
	rf_random_system(&r);
	j->id = rf_random_u64(&r);
	if (j->path && rf_sha_init(&j->sha) == 0)
		return 0;
	free(j->path);
	j->path = NULL;
	return -ENOMEM;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void detach(struct rf_journal *j)
{
	close_fd(&j->seg_fd);
	close_fd(&j->lock_fd);
	close_fd(&j->dir_fd);
	j->seg_name[0] = '\0';
}

void rf_journal_fini(struct rf_journal *j)
{
	detach(j);
	rf_sha_fini(&j->sha);
	free(j->path);
	j->path = NULL;
}

int rf_journal_create(const struct rf_journal *j, const char *name, int flags)
{
	struct stat dir, file;
	int fd = openat(j->dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd < 0)
		return -errno;
	/* A command run by root must leave files that the controller's own user can go on with. */
	if (geteuid() == 0 && fstat(j->dir_fd, &dir) == 0 && fstat(fd, &file) == 0 &&
	    (dir.st_uid != file.st_uid || dir.st_gid != file.st_gid) && fchown(fd, dir.st_uid, dir.st_gid)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int rf_journal_attach(struct rf_journal *j, struct rf_diag *diag)
{
	int rc;

	detach(j);
	if (mkdir(j->path, 0700) && errno != EEXIST)
		return rf_diag_set(diag, -errno, "%s: cannot make the ledger directory: %s", j->path, strerror(errno));
	j->dir_fd = open(j->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir_fd < 0)
		return rf_diag_set(diag, -errno, "%s: cannot open the ledger directory: %s", j->path, strerror(errno));
	j->lock_fd = rf_journal_create(j, "lock", 0);
	if (j->lock_fd < 0)
		return rf_diag_set(diag, j->lock_fd, "%s/lock: cannot open: %s", j->path, strerror(-j->lock_fd));
	rc = rf_journal_lock(j);
	if (rc == RF_E_BUSY)
		return rf_diag_set(diag, rc, "%s: another process is writing the ledger and does not end; "
				   "see who with: fuser %s/lock", j->path, j->path);
	if (rc)
		return rf_diag_set(diag, rc, "%s: cannot read the end of the ledger: %s", j->path, rf_err_text(rc));
	rf_journal_unlock(j);
	return 0;
}

static bool same_file(int fd, int at_fd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(at_fd, name, &b, 0) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

bool rf_journal_attached(const struct rf_journal *j)
{
	return j->dir_fd >= 0 && j->lock_fd >= 0 && same_file(j->dir_fd, AT_FDCWD, j->path) &&
	       same_file(j->lock_fd, j->dir_fd, "lock") &&
	       (j->seg_fd < 0 || same_file(j->seg_fd, j->dir_fd, j->seg_name));
}

/* The lock file holds the number of the last writer: when it is ours, nobody wrote between. */
int rf_journal_lock(struct rf_journal *j)
{
	uint64_t last = 0;
	int tries = 0, rc = 0;

	while (flock(j->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (++tries == 40)
			return RF_E_BUSY;
		usleep(5000);
	}
	if (pread(j->lock_fd, &last, sizeof last, 0) != (ssize_t)sizeof last || last != j->id) {
		rc = rf_journal_scan(j);
		if (rc == 0 && pwrite(j->lock_fd, &j->id, sizeof j->id, 0) != (ssize_t)sizeof j->id)
			rc = -ENOSPC;
	}
	if (rc)
		rf_journal_unlock(j);
	return rc;
}

void rf_journal_unlock(struct rf_journal *j)
{
	if (j->lock_fd >= 0)
		flock(j->lock_fd, LOCK_UN);
}

/* To the disk, and the head after it: never before, so that the head has not seen more than a crash leaves. */
static int sync_to(struct rf_journal *j, const struct rf_chain *end)
{
	struct rf_head head = { .seq = end->seq };

	if (j->seg_fd >= 0 && j->io.sync(j->io.ctx, j->seg_fd))
		return -errno;
	memcpy(head.hash, end->hash, sizeof head.hash);
	return rf_head_write(j, &head);
}

static int next_segment(struct rf_journal *j, const struct rf_chain *before)
{
	int fd, rc = j->seg_fd >= 0 ? sync_to(j, before) : 0;

	if (rc)
		return rc;
	rf_segment_name(j->seg_name, before->seq + 1);
	fd = rf_journal_create(j, j->seg_name, O_EXCL | O_APPEND);
	if (fd < 0) {
		j->seg_name[0] = '\0';
		close_fd(&j->seg_fd);
		return fd;
	}
	close_fd(&j->seg_fd);
	j->seg_fd = fd;
	j->seg_bytes = 0;
	fsync(j->dir_fd); /* best effort: the name is what a power failure may lose, and the scan copes */
	return 0;
}

int rf_journal_append(struct rf_journal *j, struct rf_view lines, const struct rf_chain *before)
{
	size_t done = 0;
	int rc = 0;

	if (j->seg_fd < 0 || j->seg_bytes >= j->seg_limit)
		rc = next_segment(j, before);
	while (rc == 0 && done < lines.n) {
		ssize_t n = j->io.write(j->io.ctx, j->seg_fd, lines.p + done, lines.n - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			rc = -ENOSPC;
		else if (errno != EINTR)
			rc = -errno;
	}
	if (rc == 0) {
		j->seg_bytes += lines.n;
		j->dirty = true;
		return 0;
	}
	/* Whole batches only: half a line would be taken for the trace of a crash. When it cannot be cut off either,
	 * the next writer's scan finds it, this one included. */
	if (j->seg_fd >= 0 && done && ftruncate(j->seg_fd, (off_t)j->seg_bytes)) {
		uint64_t nobody = 0;

		if (pwrite(j->lock_fd, &nobody, sizeof nobody, 0) < 0)
			close_fd(&j->seg_fd);
	}
	return rc;
}

int rf_journal_sync(struct rf_journal *j)
{
	int rc;

	if (!j->dirty)
		return 0;
	rc = sync_to(j, &j->chain);
	if (rc == 0)
		j->dirty = false;
	return rc;
}

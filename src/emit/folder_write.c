/* Writing a bundle (folder.h). The new folder is made whole beside the old one, on disk before it is seen: files that
 * did not change are linked from the old one. Then the two change places in one step, what is somebody else's moves
 * over, and the old one goes. A power cut leaves the old bundle, or the new one; beside it perhaps a folder
 * ".NAME.new-XXXXXX" that the next run does not need. */
#include "emit/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct job {
	const char *dir;          /* without slashes at its end */
	char *beside;             /* the new folder */
	int old, new;             /* -1: there is no old one */
	const struct rf_bundle *bundle;
	struct rf_view signature;
	struct rf_folder was;     /* with an arena when the old one has a MANIFEST */
	struct rf_folder_written written;
	struct rf_diag *diag;
};

static int failed(const struct job *j, const char *path, const char *what)
{
	int rc = -errno;

	return rf_diag_at(j->diag, rc, path, 0, 0, "cannot %s: %s", what, rf_err_text(rc));
}

/* --- what is there */

static int is_empty(int fd, bool *ret)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d)
		return -errno;
	*ret = true;
	while (*ret && (e = readdir(d)))
		*ret = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return 0;
}

static int look_at_old(struct job *j)
{
	bool empty;

	j->old = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->old < 0)
		return errno == ENOENT ? 0 : failed(j, j->dir, "open this folder");
	if (is_empty(j->old, &empty))
		return failed(j, j->dir, "read this folder");
	if (empty)
		return 0;
	int rc = rf_folder_read(j->dir, false, &j->was, j->diag);
	if (rc == RF_E_NOT_FOUND)
		return rf_diag_at(j->diag, RF_E_EXISTS, j->dir, 0, 0,
				  "is not empty and holds no bundle (no MANIFEST in it); choose another folder");
	return rc;
}

/* --- the new folder */

static int make_parents(const struct job *j, const char *path)
{
	char part[RF_EMIT_PATH_MAX + 1];

	for (size_t i = 0; path[i]; i++) {
		part[i] = path[i];
		if (path[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdirat(j->new, part, 0755) && errno != EEXIST)
			return failed(j, path, "make its folder");
		part[i] = '/';
	}
	return 0;
}

static int write_all(int fd, struct rf_view v)
{
	while (v.n) {
		ssize_t n = write(fd, v.p, v.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		v = rf_view_from(v, (size_t)n);
	}
	return fsync(fd);
}

static int put_file(const struct job *j, const char *path, struct rf_view bytes, unsigned mode)
{
	int fd = openat(j->new, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return failed(j, path, "write this file");
	if (fchmod(fd, mode) || write_all(fd, bytes))
		rc = failed(j, path, "write this file");
	close(fd);
	return rc;
}

static bool same_mode(const struct job *j, const char *path, unsigned mode)
{
	struct stat st;

	return fstatat(j->old, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 07777) == mode;
}

/* The old file when it is the same, else written anew. */
static int place(struct job *j, const char *path, struct rf_view bytes, unsigned mode, struct rf_view old)
{
	j->written.files++;
	if (old.p && rf_view_eq(old, bytes) && same_mode(j, path, mode) && linkat(j->old, path, j->new, path, 0) == 0)
		return 0;
	j->written.changed++;
	return put_file(j, path, bytes, mode);
}

static struct rf_view old_bytes(const struct job *j, const char *path)
{
	const struct rf_manifest *m = &j->was.manifest;
	const struct rf_manifest_entry *x = j->was.arena ? rf_manifest_find(m, rf_view_str(path)) : NULL;

	return x ? j->was.files[x - m->v].bytes : (struct rf_view){ 0 };
}

static int fill(struct job *j)
{
	int rc = 0;

	for (size_t i = 0; i < j->bundle->n && !rc; i++) {
		const struct rf_emit_file *f = &j->bundle->files[i];

		rc = make_parents(j, f->path);
		if (!rc)
			rc = place(j, f->path, f->bytes, f->mode, old_bytes(j, f->path));
	}
	size_t files = j->written.files, changed = j->written.changed;
	if (!rc)
		rc = place(j, RF_MANIFEST_FILE, j->bundle->manifest, 0644, j->was.manifest_text);
	if (!rc && j->signature.n)
		rc = place(j, RF_MANIFEST_SIG, j->signature, 0644, j->was.signature);
	j->written.files = files; /* the two are not files of the bundle */
	j->written.changed = changed;
	return rc;
}

static void count_removed(struct job *j)
{
	size_t k = 0;

	for (size_t i = 0; j->was.arena && i < j->was.manifest.n; i++) {
		int c = 1;

		while (k < j->bundle->n &&
		       (c = rf_view_cmp(rf_view_str(j->bundle->files[k].path), j->was.manifest.v[i].path)) < 0)
			k++;
		j->written.removed += k == j->bundle->n || c != 0;
	}
}

/* --- the exchange */

static bool ours(const struct job *j, const char *path)
{
	return strcmp(path, RF_MANIFEST_FILE) == 0 || strcmp(path, RF_MANIFEST_SIG) == 0 ||
	       (j->was.arena && rf_manifest_find(&j->was.manifest, rf_view_str(path)));
}

/* Is a file of the old bundle below this folder? */
static bool ours_below(const struct job *j, const char *folder)
{
	struct rf_view f = rf_view_str(folder);

	for (size_t i = 0; j->was.arena && i < j->was.manifest.n; i++) {
		struct rf_view p = j->was.manifest.v[i].path;

		if (p.n > f.n && p.p[f.n] == '/' && rf_view_starts(p, f))
			return true;
	}
	return false;
}

/* After the exchange j->old is the folder that goes: what in it is somebody else's moves to the new one, the rest is
 * removed. path: "" or a folder below. */
static int empty_old(const struct job *j, const char *path)
{
	int fd = openat(j->old, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return failed(j, path, "read this folder");
	while (!rc && (e = readdir(d))) {
		char name[4096];
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((size_t)snprintf(name, sizeof name, "%s%s%s", path, path[0] ? "/" : "", e->d_name) >= sizeof name)
			errno = ENAMETOOLONG, rc = failed(j, path, "keep what is in it");
		else if (ours(j, name))
			rc = unlinkat(j->old, name, 0) ? failed(j, name, "remove this file") : 0;
		else if (fstatat(j->old, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
			 ours_below(j, name))
			rc = empty_old(j, name);
		else if (make_parents(j, name) || renameat2(j->old, name, j->new, name, RENAME_NOREPLACE))
			rc = failed(j, name, "carry this file over");
	}
	closedir(d);
	if (!rc && path[0] && unlinkat(j->old, path, AT_REMOVEDIR) && errno != ENOENT)
		rc = failed(j, path, "remove this folder");
	return rc;
}

static int exchange(struct job *j)
{
	if (fsync(j->new))
		return failed(j, j->beside, "write this folder");
	if (j->old < 0)
		return renameat2(AT_FDCWD, j->beside, AT_FDCWD, j->dir, RENAME_NOREPLACE) ?
		       failed(j, j->dir, "make this folder") : 0;
	if (renameat2(AT_FDCWD, j->beside, AT_FDCWD, j->dir, RENAME_EXCHANGE))
		return failed(j, j->dir, "put the new bundle in place of this folder");
	int rc = empty_old(j, "");
	if (!rc && rmdir(j->beside))
		rc = failed(j, j->beside, "remove the old bundle");
	return rc;
}

/* --- */

/* Nothing in it but what fill() made. */
static void discard(struct job *j)
{
	for (size_t i = 0; i < j->bundle->n; i++) {
		char path[RF_EMIT_PATH_MAX + 1];
		char *slash;

		snprintf(path, sizeof path, "%s", j->bundle->files[i].path);
		unlinkat(j->new, path, 0);
		while ((slash = strrchr(path, '/')) != NULL) {
			*slash = '\0';
			unlinkat(j->new, path, AT_REMOVEDIR);
		}
	}
	unlinkat(j->new, RF_MANIFEST_FILE, 0);
	unlinkat(j->new, RF_MANIFEST_SIG, 0);
	rmdir(j->beside);
}

static int make_beside(struct job *j)
{
	const char *slash = strrchr(j->dir, '/');
	int cut = slash ? (int)(slash - j->dir) + 1 : 0;
	struct stat st;

	if (asprintf(&j->beside, "%.*s.%s.new-XXXXXX", cut, j->dir, j->dir + cut) < 0) {
		j->beside = NULL;
		return rf_diag_set(j->diag, -ENOMEM, "out of memory");
	}
	if (!mkdtemp(j->beside))
		return failed(j, j->dir, "make a folder beside it");
	j->new = open(j->beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->new < 0)
		return failed(j, j->beside, "open this folder");
	mode_t mode = j->old >= 0 && fstat(j->old, &st) == 0 ? st.st_mode & 07777 : 0755;
	return fchmod(j->new, mode) ? failed(j, j->beside, "set the mode of this folder") : 0;
}

static int run(struct job *j)
{
	int rc = look_at_old(j);

	if (!rc)
		rc = make_beside(j);
	if (!rc && (rc = fill(j)) != 0)
		discard(j);
	if (!rc) {
		count_removed(j);
		rc = exchange(j);
	}
	return rc;
}

int rf_folder_write(const char *dir, const struct rf_bundle *bundle, struct rf_view signature,
		    struct rf_folder_written *ret_written, struct rf_diag *diag)
{
	char *plain = strdup(dir);
	size_t n = plain ? strlen(plain) : 0;

	if (!plain)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	while (n > 1 && plain[n - 1] == '/')
		plain[--n] = '\0';
	struct job j = { .dir = plain, .old = -1, .new = -1, .bundle = bundle, .signature = signature, .diag = diag };
	int rc = run(&j);
	if (!rc)
		*ret_written = j.written;
	rf_folder_fini(&j.was);
	if (j.old >= 0)
		close(j.old);
	if (j.new >= 0)
		close(j.new);
	free(j.beside);
	free(plain);
	return rc;
}

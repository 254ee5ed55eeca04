#include "emit/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIG_MAX = 65536 };

static int failed(struct rf_diag *diag, const char *path, const char *what)
{
	int rc = -errno;

	return rf_diag_at(diag, rc, path, 0, 0, "cannot %s: %s", what, rf_err_text(rc));
}

/* Open path below dir without following a link anywhere on the way. -errno. */
static int open_below(int dir, const char *path, int flags)
{
	char part[RF_EMIT_PATH_MAX + 1];
	int at = dir;

	for (;;) {
		size_t n = strcspn(path, "/");
		bool last = !path[n];

		if (n > RF_EMIT_PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(part, path, n);
		part[n] = '\0';
		int fd = openat(at, part, (last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
		int err = errno;
		if (at != dir)
			close(at);
		if (fd < 0)
			return -err;
		if (last)
			return fd;
		at = fd;
		path += n + 1;
	}
}

static int read_fd(int fd, size_t max, struct rf_arena *arena, struct rf_view *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return RF_E_CORRUPT;
	if ((uint64_t)st.st_size > max)
		return RF_E_LIMIT;
	size_t n = (size_t)st.st_size, got = 0;
	uint8_t *p = rf_arena_alloc(arena, n + 1);
	while (p && got <= n) { /* one byte more than it had shows one that grows */
		ssize_t k = read(fd, p + got, n + 1 - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	if (p && got > n)
		return RF_E_CORRUPT;
	if (p)
		*ret = rf_view_of(p, got);
	return p ? 0 : -ENOMEM;
}

static int read_below(int dir, const char *path, size_t max, struct rf_arena *arena, struct rf_view *ret)
{
	int fd = open_below(dir, path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	int rc = read_fd(fd, max, arena, ret);
	close(fd);
	return rc;
}

/* --- read */

static int read_files(int dir, bool whole, struct rf_folder *f, struct rf_diag *diag)
{
	struct rf_emit_file *files = rf_arena_array(f->arena, f->manifest.n + 1, sizeof *files);

	for (size_t i = 0; files && i < f->manifest.n; i++) {
		const struct rf_manifest_entry *x = &f->manifest.v[i];
		char *path = rf_arena_cstr(f->arena, x->path);

		if (!path)
			return rf_diag_set(diag, -ENOMEM, "out of memory");
		files[i] = (struct rf_emit_file){ .path = path, .mode = x->mode };
		int rc = read_below(dir, path, RF_EMIT_FILE_MAX, f->arena, &files[i].bytes);
		if (rc == -ENOMEM)
			return rf_diag_set(diag, rc, "out of memory, or the bundle is larger than any of ours");
		if (!rc && whole)
			rc = rf_manifest_check(x, files[i].bytes);
		if (rc && whole)
			return rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0,
					  "is not as MANIFEST has it (%s); `ringfort compile` writes it anew",
					  rf_err_text(rc));
	}
	f->files = files;
	return files ? 0 : rf_diag_set(diag, -ENOMEM, "out of memory");
}

static int read_all(int dir, const char *name, bool whole, struct rf_folder *f, struct rf_diag *diag)
{
	int rc = read_below(dir, RF_MANIFEST_FILE, RF_MANIFEST_MAX, f->arena, &f->manifest_text);

	if (rc == -ENOENT)
		return rf_diag_at(diag, RF_E_NOT_FOUND, name, 0, 0, "there is no MANIFEST in it: this is no bundle of "
				  "`ringfort compile`");
	if (rc)
		return rf_diag_at(diag, rc, name, 0, 0, "cannot read MANIFEST: %s", rf_err_text(rc));
	rc = read_below(dir, RF_MANIFEST_SIG, SIG_MAX, f->arena, &f->signature);
	if (rc && rc != -ENOENT)
		return rf_diag_at(diag, rc, name, 0, 0, "cannot read MANIFEST.sig: %s", rf_err_text(rc));
	rc = rf_manifest_parse(f->manifest_text, f->arena, &f->manifest, diag);
	return rc ? rc : read_files(dir, whole, f, diag);
}

int rf_folder_read(const char *dir, bool whole, struct rf_folder *ret_folder, struct rf_diag *diag)
{
	struct rf_folder f = { 0 };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return failed(diag, dir, "open this folder");
	f.arena = malloc(sizeof *f.arena);
	if (!f.arena) {
		close(fd);
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	}
	rf_arena_init(f.arena, (size_t)RF_EMIT_BUNDLE_MAX + 4 * (size_t)RF_MANIFEST_MAX);
	int rc = read_all(fd, dir, whole, &f, diag);
	close(fd);
	if (rc)
		rf_folder_fini(&f);
	else
		*ret_folder = f;
	return rc;
}

void rf_folder_fini(struct rf_folder *f)
{
	if (!f->arena)
		return;
	rf_arena_fini(f->arena);
	free(f->arena);
	*f = (struct rf_folder){ 0 };
}

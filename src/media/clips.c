/* The folder of sounds. */
#include "media/clip.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rf_clips {
	size_t n, bytes;
	struct named { char name[RF_CLIP_NAME_MAX + 1]; struct rf_clip *clip; } at[RF_CLIPS_MAX];
};

static int read_all(int fd, uint8_t *dst, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, dst + at, n - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : RF_E_MALFORMED;
		at += (size_t)got;
	}
	return 0;
}

/* Its bytes, to be freed. */
static int slurp(int folder, const char *name, struct rf_view *ret, const char **ret_why)
{
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = fd < 0 ? -errno : 0;
	uint8_t *bytes = NULL;

	if (rc == 0 && fstat(fd, &st) != 0)
		rc = -errno;
	if (rc == 0 && (!S_ISREG(st.st_mode) || st.st_size > RF_CLIP_BYTES_MAX)) {
		*ret_why = "a sound is a regular file of at most 8 MiB";
		rc = RF_E_LIMIT;
	}
	if (rc == 0 && !(bytes = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_all(fd, bytes, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (rc)
		free(bytes);
	else
		*ret = rf_view_of(bytes, (size_t)st.st_size);
	return rc;
}

static int add(struct rf_clips *c, int folder, const char *file, size_t n, struct rf_diag *d)
{
	struct rf_view bytes = { 0 };
	const char *why = NULL;
	int rc = c->n < RF_CLIPS_MAX ? slurp(folder, file, &bytes, &why) : RF_E_LIMIT;

	if (c->n == RF_CLIPS_MAX)
		why = "there may be 256 sounds";
	if (rc == 0 && (c->bytes += bytes.n) > RF_CLIPS_BYTES_MAX) {
		why = "all sounds together may have 64 MiB";
		rc = RF_E_LIMIT;
	}
	if (rc == 0)
		rc = rf_clip_parse(bytes, &c->at[c->n].clip, &why);
	free((void *)(uintptr_t)bytes.p);
	if (rc)
		return rf_diag_set(d, rc, "%s: %s", file, why ? why : rf_err_text(rc));
	memcpy(c->at[c->n].name, file, n);
	c->n++;
	return 0;
}

int rf_clips_read(const char *folder, struct rf_clips **ret_clips, struct rf_diag *d)
{
	struct rf_clips *c = calloc(1, sizeof *c);
	DIR *dir = c ? opendir(folder) : NULL;
	int rc = dir ? 0 : rf_diag_set(d, c ? -errno : -ENOMEM, "%s: the folder of sounds cannot be read", folder);

	for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
		size_t n = strlen(e->d_name);

		if (n > 4 && n - 4 <= RF_CLIP_NAME_MAX && e->d_name[0] != '.' && strcmp(e->d_name + n - 4, ".wav") == 0)
			rc = add(c, dirfd(dir), e->d_name, n - 4, d);
	}
	if (dir)
		closedir(dir);
	if (rc) {
		rf_clips_free(c);
		return rc;
	}
	*ret_clips = c;
	return 0;
}

void rf_clips_free(struct rf_clips *c)
{
	for (size_t i = 0; c && i < c->n; i++)
		rf_clip_drop(c->at[i].clip);
	free(c);
}

struct rf_clip *rf_clips_find(const struct rf_clips *c, struct rf_view name)
{
	if (name.n > 4 && rf_view_eq(rf_view_from(name, name.n - 4), RF_V(".wav")))
		name = rf_view_sub(name, 0, name.n - 4);
	for (size_t i = 0; c && i < c->n; i++)
		if (rf_view_eq(name, rf_view_str(c->at[i].name)))
			return c->at[i].clip;
	return NULL;
}

size_t rf_clips_count(const struct rf_clips *c)
{
	return c ? c->n : 0;
}

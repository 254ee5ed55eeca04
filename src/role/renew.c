#include "role/renew.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct rf_renew_mark look_at(const char *path)
{
	struct rf_renew_mark m;
	struct stat st;

	memset(&m, 0, sizeof m); /* compared as bytes */
	if (stat(path, &st) < 0)
		return m;
	m.ino = st.st_ino;
	m.size = st.st_size;
	m.s = st.st_mtim.tv_sec;
	m.ns = st.st_mtim.tv_nsec;
	return m;
}

static bool same(const struct rf_renew_mark *a, const struct rf_renew_mark *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

void rf_renew_add(struct rf_renew *r, const char *path)
{
	for (unsigned i = 0; i < r->n; i++)
		if (strcmp(r->file[i].path, path) == 0)
			return;
	if (r->n == RF_RENEW_FILES || strlen(path) >= RF_RENEW_PATH)
		return;
	struct rf_renew_file *f = &r->file[r->n++];

	snprintf(f->path, sizeof f->path, "%s", path);
	f->taken = f->seen = look_at(path);
}

bool rf_renew_look(struct rf_renew *r)
{
	bool changed = false, moving = false;

	for (unsigned i = 0; i < r->n; i++) {
		struct rf_renew_file *f = &r->file[i];
		struct rf_renew_mark now = look_at(f->path);

		changed |= !same(&now, &f->taken);
		moving |= !same(&now, &f->seen);
		f->seen = now;
	}
	if (!changed || moving)
		return false;
	for (unsigned i = 0; i < r->n; i++)
		r->file[i].taken = r->file[i].seen;
	return true;
}

bool rf_renew_take(struct rf_renew *r)
{
	bool changed = false;

	for (unsigned i = 0; i < r->n; i++) {
		struct rf_renew_mark now = look_at(r->file[i].path);

		changed |= !same(&now, &r->file[i].taken);
		r->file[i].taken = r->file[i].seen = now;
	}
	return changed;
}

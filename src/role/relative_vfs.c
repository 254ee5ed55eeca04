#include "role/relative_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct rf_relative_vfs {
	sqlite3_vfs vfs; /* a copy of the system's, but for one function */
};

static int path_as_it_is(sqlite3_vfs *vfs, const char *name, int cap, char *out)
{
	size_t n = strlen(name);

	(void)vfs;
	if (cap <= 0 || n >= (size_t)cap)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n + 1);
	return SQLITE_OK;
}

struct rf_relative_vfs *rf_relative_vfs_new(void)
{
	sqlite3_vfs *system = sqlite3_vfs_find(NULL);
	struct rf_relative_vfs *v = system ? calloc(1, sizeof *v) : NULL;

	if (!v)
		return NULL;
	v->vfs = *system;
	v->vfs.pNext = NULL;
	v->vfs.zName = "ringfort-relative";
	v->vfs.xFullPathname = path_as_it_is;
	if (sqlite3_vfs_register(&v->vfs, 1) != SQLITE_OK) {
		free(v);
		return NULL;
	}
	return v;
}

void rf_relative_vfs_free(struct rf_relative_vfs *v)
{
	if (!v)
		return;
	sqlite3_vfs_unregister(&v->vfs);
	free(v);
}

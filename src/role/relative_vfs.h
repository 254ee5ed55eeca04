/* SQLite turns every path into an absolute one, which fails for a process that may work in a directory but not walk
 * to it from the root: a controller that has dropped root, with its site below somebody's home. This makes SQLite use
 * paths as they are given, relative to the working directory, which then must not change. */
#ifndef RF_ROLE_RELATIVE_VFS_H
#define RF_ROLE_RELATIVE_VFS_H

struct rf_relative_vfs;

/* Becomes SQLite's default file system for the whole process. NULL without memory. */
struct rf_relative_vfs *rf_relative_vfs_new(void);
/* Every database is closed. NULL is fine. */
void rf_relative_vfs_free(struct rf_relative_vfs *v);

#endif

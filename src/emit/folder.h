/* A bundle on disk: read back whole, and written so that a reader sees the old one or the new one. */
#ifndef RF_EMIT_FOLDER_H
#define RF_EMIT_FOLDER_H

#include "emit/manifest.h"

/* A bundle as it lies in a folder. */
struct rf_folder {
	struct rf_manifest manifest;
	struct rf_view manifest_text;
	struct rf_view signature;          /* MANIFEST.sig, empty when there is none */
	const struct rf_emit_file *files;  /* by the manifest's entries; bytes.p NULL: missing or unreadable */
	struct rf_arena *arena;            /* owned */
};

/* Read DIR's MANIFEST, its signature, and the files that it lists; links are not followed inside DIR.
 * whole: every file must be there as MANIFEST says, otherwise RF_E_CORRUPT with its path (the signature is the caller's
 * matter, pki/bundle.h: verify it over manifest_text before believing any of this). Not whole: files changed by hand
 * are as they are.
 * RF_E_NOT_FOUND: no MANIFEST in it; -ENOENT: no such folder; RF_E_MALFORMED, RF_E_LIMIT, -errno. */
int rf_folder_read(const char *dir, bool whole, struct rf_folder *ret_folder, struct rf_diag *diag);
void rf_folder_fini(struct rf_folder *folder);

struct rf_folder_written {
	size_t files, changed, removed; /* all; new or with other bytes or mode; gone */
};

/* Make DIR hold this bundle: its files, MANIFEST and (unless empty) MANIFEST.sig. Built in a new folder beside DIR and
 * exchanged with it in one step. Files that have the same bytes and mode stay the same inode; what an old MANIFEST does
 * not list is somebody else's and is carried over. RF_E_EXISTS: DIR is there, not empty, and has no MANIFEST: nothing
 * was touched. -errno. */
int rf_folder_write(const char *dir, const struct rf_bundle *bundle, struct rf_view signature,
		    struct rf_folder_written *ret_written, struct rf_diag *diag);

#endif

/* MANIFEST: the list of a bundle's files. Text, one line an item, so that a person can read what was signed:
 *
 *	ringfort-bundle 1
 *	site office
 *	level medium
 *	digest 64 hexadecimal digits: the site's
 *	file SHA-256 MODE SIZE PATH           as many as there are files, by path in the order of bytes
 *
 * Whoever holds a verified MANIFEST (pki/bundle.h) and checks a file against it knows that the site's administrator
 * wrote that file. The parser is for bytes of strangers: nothing is believed before it is checked, and two readings of
 * one list do not exist (one spelling of each number, one order, no line that is passed over). */
#ifndef RF_EMIT_MANIFEST_H
#define RF_EMIT_MANIFEST_H

#include "emit/emit.h"

enum { RF_MANIFEST_MAX = 32 * 1024 * 1024 }; /* bytes */

#define RF_MANIFEST_FILE "MANIFEST"
#define RF_MANIFEST_SIG "MANIFEST.sig"

struct rf_manifest_entry {
	struct rf_view path;
	uint8_t sha256[32];
	unsigned mode;
	uint64_t size;
};

struct rf_manifest {
	struct rf_view site, level, digest; /* digest: 64 characters */
	const struct rf_manifest_entry *v;  /* in the arena */
	size_t n;
};

/* The text for these files, which are sorted. In the arena. -ENOMEM, RF_E_CRYPTO. */
int rf_manifest_write(struct rf_arena *arena, const struct rf_site *site, const struct rf_emit_file *files, size_t n,
		      struct rf_view *ret_text);
/* Views point into text. RF_E_MALFORMED with the line in diag, RF_E_LIMIT, -ENOMEM. */
int rf_manifest_parse(struct rf_view text, struct rf_arena *arena, struct rf_manifest *ret_m, struct rf_diag *diag);
/* The entry of a path, NULL when it is not listed. */
const struct rf_manifest_entry *rf_manifest_find(const struct rf_manifest *m, struct rf_view path);
/* Are these the bytes that the entry means? RF_E_CORRUPT, RF_E_CRYPTO. */
int rf_manifest_check(const struct rf_manifest_entry *entry, struct rf_view bytes);

#endif

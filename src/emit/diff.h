/* What changed between two texts, by lines, as `diff -u` shows it (the algorithm: E. W. Myers, "An O(ND) Difference
 * Algorithm and Its Variations", 1986). */
#ifndef RF_EMIT_DIFF_H
#define RF_EMIT_DIFF_H

#include "base/view.h"

#include <stdio.h>

enum {
	RF_DIFF_CONTEXT = 2,      /* lines around a change */
	RF_DIFF_EDITS_MAX = 2000, /* more differences than that in one file are shown as one block replaced */
};

struct rf_diff_count {
	size_t removed, added;    /* lines */
};

/* Print the hunks ("@@ -12,3 +12,4 @@" and lines behind ' ', '-', '+') to out (NULL: only count). -ENOMEM. */
int rf_diff(struct rf_view old, struct rf_view new, FILE *out, struct rf_diff_count *ret_count);

#endif

/* Bytes as the MANIFEST of a bundle: every entry that is understood stays within the bounds and in its order, and can be
 * found again. */
#include "emit/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_arena arena;
	struct rf_manifest m;

	rf_arena_init(&arena, 64 << 20);
	if (rf_manifest_parse(rf_view_of(data, n), &arena, &m, NULL) == 0) {
		if (m.digest.n != 64)
			abort();
		for (size_t i = 0; i < m.n; i++) {
			const struct rf_manifest_entry *x = &m.v[i];

			if (!x->path.n || x->path.n > RF_EMIT_PATH_MAX || x->path.p[0] == '/' || x->size > RF_EMIT_FILE_MAX ||
			    memmem(x->path.p, x->path.n, "..", 2) == x->path.p || rf_manifest_find(&m, x->path) != x)
				abort();
		}
	}
	rf_arena_fini(&arena);
	return 0;
}

/* Bytes as a published presence document: whatever is understood stays within its bounds, and is understood the same way
 * twice. */
#include "call/pidf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_presence a = { .note_n = 0 }, b = { .note_n = 0 };
	int rc = rf_pidf_parse(rf_view_of(data, n), 1, &a);

	if (rf_pidf_parse(rf_view_of(data, n), 2, &b) != rc)
		abort();
	if (rc == 0 && (a.open != b.open || a.activities != b.activities || a.note_n > sizeof a.note ||
			!rf_view_eq(rf_view_of(a.note, a.note_n), rf_view_of(b.note, b.note_n))))
		abort();
	return 0;
}

/* A file of the tz database, or a rule; then a date. */
#include "site/tz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_arena arena;
	const struct rf_tz *tz = NULL;
	struct rf_view all = rf_view_of(data, n);

	rf_arena_init(&arena, 1 << 20);
	if (rf_tz_of_file(&arena, all, &tz) && rf_tz_of_rule(&arena, all, &tz))
		tz = NULL;
	for (int64_t s = -1; tz && s < 1000000000000; s = s * 3 + 86399) {
		struct rf_local l = rf_tz_local(tz, s);

		if (l.min >= 1440 || l.weekday > 6)
			__builtin_trap();
	}
	rf_arena_fini(&arena);
	return 0;
}

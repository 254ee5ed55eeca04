/* Time comes from a clock that is passed in, so that tests drive it. Two kinds that do not mix: rf_mono counts from
 * some start and never jumps (timers); rf_wall is the date (records, certificates) and may jump. */
#ifndef RF_BASE_CLOCK_H
#define RF_BASE_CLOCK_H

#include <stdint.h>

struct rf_mono { uint64_t us; };  /* microseconds since an arbitrary start */
struct rf_wall { int64_t us; };   /* microseconds since 1970-01-01 UTC */

struct rf_clock {
	struct rf_mono (*mono)(void *ctx);
	struct rf_wall (*wall)(void *ctx);
	void *ctx;
};

/* The system's clocks. Threads: any. */
struct rf_clock rf_clock_system(void);

static inline struct rf_mono rf_mono_add_ms(struct rf_mono t, uint64_t ms)
{
	return (struct rf_mono){ t.us + ms * 1000 };
}

/* RFC 3339 in UTC with milliseconds, "2026-11-22T04:11:00.123Z": 24 characters and a NUL. */
#define RF_WALL_TEXT 25
void rf_wall_text(struct rf_wall t, char dst[static RF_WALL_TEXT]);

#endif

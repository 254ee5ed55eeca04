#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct rf_mono system_mono(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct rf_mono){ (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 };
}

static struct rf_wall system_wall(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct rf_wall){ (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 };
}

struct rf_clock rf_clock_system(void)
{
	return (struct rf_clock){ .mono = system_mono, .wall = system_wall };
}

void rf_wall_text(struct rf_wall t, char dst[static RF_WALL_TEXT])
{
	int64_t s = t.us / 1000000, ms = t.us % 1000000 / 1000;
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	time_t sec = (time_t)s;
	char date[64];
	if (!gmtime_r(&sec, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
		memcpy(dst, "0000-00-00T00:00:00.000Z", RF_WALL_TEXT);
		return;
	}
	snprintf(date, sizeof date, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
	memcpy(dst, date, RF_WALL_TEXT - 1);
	dst[RF_WALL_TEXT - 1] = '\0';
}

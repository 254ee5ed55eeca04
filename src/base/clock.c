#include "base/clock.h"

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

/* The Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the day that some years have
 * more is their last, and 400 of them are always 146097 days. */
static void date_of(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t since = days + 719468, era = (since >= 0 ? since : since - 146096) / 146097; /* since 0000-03-01 */
	uint32_t in_era = (uint32_t)(since - era * 146097);
	uint32_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * in_year + 2) / 153; /* 0: March */

	*ret_day = in_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = era * 400 + year + (*ret_month <= 2);
}

static void put_digits(char *dst, unsigned n, unsigned x)
{
	while (n--) {
		dst[n] = (char)('0' + x % 10);
		x /= 10;
	}
}

/* Each event and each call record carries several of these: printf and gmtime made a twelfth of what a call cost. */
void rf_wall_text(struct rf_wall t, char dst[static RF_WALL_TEXT])
{
	int64_t s = t.us / 1000000, ms = t.us % 1000000 / 1000, year;
	unsigned month, day;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	int64_t days = s / 86400;
	int64_t second = s % 86400;

	if (second < 0) {
		second += 86400;
		days--;
	}
	memcpy(dst, "0000-00-00T00:00:00.000Z", RF_WALL_TEXT);
	date_of(days, &year, &month, &day);
	if (year < 0 || year > 9999)
		return;
	put_digits(dst, 4, (unsigned)year);
	put_digits(dst + 5, 2, month);
	put_digits(dst + 8, 2, day);
	put_digits(dst + 11, 2, (unsigned)(second / 3600));
	put_digits(dst + 14, 2, (unsigned)(second / 60 % 60));
	put_digits(dst + 17, 2, (unsigned)(second % 60));
	put_digits(dst + 20, 3, (unsigned)ms);
}

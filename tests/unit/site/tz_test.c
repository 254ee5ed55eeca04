/* Time zones against glibc's, and what no zone is; windows of hours. */
#include "base/err.h"
#include "guard.h"
#include "site/site.h"
#include "site/tz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { ARENA = 1 << 20 };

static void compare(const struct rf_tz *tz, const char *name, int64_t from, int64_t to, int64_t step)
{
	for (int64_t s = from; s < to; s += step) {
		time_t t = (time_t)s;
		struct tm tm;
		struct rf_local l = rf_tz_local(tz, s);

		localtime_r(&t, &tm);
		if (l.min != tm.tm_hour * 60 + tm.tm_min || l.weekday != tm.tm_wday || l.offset_s != tm.tm_gmtoff)
			fail_msg("%s at %lld: %u:%u, not %d:%d", name, (long long)s, l.min / 60, l.min % 60, tm.tm_hour,
				 tm.tm_min);
		int64_t back = rf_tz_utc(tz, s + l.offset_s);

		if (back != s && rf_tz_local(tz, s - 90000).offset_s == rf_tz_local(tz, s + 90000).offset_s)
			fail_msg("%s: %lld comes back as %lld", name, (long long)s, (long long)back);
	}
}

static void as_glibc(const char *name, const struct rf_tz *tz)
{
	setenv("TZ", name, 1);
	tzset();
	compare(tz, name, 1767225600, 1767225600 + (int64_t)3 * 366 * 86400, 1801);      /* from 2026 on */
	compare(tz, name, 86400, 4102444800, 86400 * 5 + 3601);                         /* 1970 to 2100 */
	unsetenv("TZ");
	tzset();
}

static void rules(void **state)
{
	static const char *const good[] = {
		"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<-03>3", "AEST-10AEDT,M10.1.0,M4.1.0/3",
		"IST-5:30", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "EST5EDT,J60/0,J300/24", "EST5EDT,59,300",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-1GMT0,M10.5.0,M3.5.0/1",
	};
	static const char *const bad[] = {
		"", "C", "CET", "CET-", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-25", "CET-1x",
		"CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1:60",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct rf_arena a;
		const struct rf_tz *tz;
		struct rf_view edge = guard_copy(rf_view_str(good[i]));

		rf_arena_init(&a, ARENA);
		assert_int_equal(rf_tz_of_rule(&a, edge, &tz), 0);
		if (strncmp(good[i], "IST-1GMT", 8)) /* glibc reads negative summer time of a rule otherwise */
			as_glibc(good[i], tz);
		guard_free(edge);
		rf_arena_fini(&a);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rf_arena a;
		const struct rf_tz *tz;

		rf_arena_init(&a, ARENA);
		if (rf_tz_of_rule(&a, rf_view_str(bad[i]), &tz) != RF_E_MALFORMED)
			fail_msg("%s is a rule", bad[i]);
		rf_arena_fini(&a);
	}
}

static void files(void **state)
{
	static const char *const names[] = {
		"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca",
		"America/Sao_Paulo", "Europe/Dublin", "Pacific/Auckland", "UTC",
	};
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[128];
		struct rf_arena a;
		const struct rf_tz *tz;

		snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", names[i]);
		struct rf_view bytes = guard_file(path);

		if (!bytes.p)
			continue;
		seen++;
		rf_arena_init(&a, ARENA);
		assert_int_equal(rf_tz_of_file(&a, bytes, &tz), 0);
		as_glibc(names[i], tz);
		rf_arena_reset(&a);
		for (size_t n = 0; n < bytes.n; n++) {
			struct rf_view edge = guard_copy(rf_view_sub(bytes, 0, n));

			if (rf_tz_of_file(&a, edge, &tz) == 0)
				fail_msg("%s: %zu bytes of it are enough", names[i], n);
			guard_free(edge);
			rf_arena_reset(&a);
		}
		rf_arena_fini(&a);
		free((void *)(uintptr_t)bytes.p);
	}
	if (!seen)
		skip(); /* no tzdata here */
}

static bool holds(const char *hours, const char *when)
{
	char yaml[400];
	struct tm tm = { 0 };
	struct rf_site *site = NULL;

	snprintf(yaml, sizeof yaml, "site: a\ndomain: a.example\nlevel: medium\ntimezone: CET-1CEST,M3.5.0,M10.5.0/3\n"
		 "holidays: [2026-12-25]\nclasses: { c: { grants: local, hours: [%s] } }\n", hours);
	assert_int_equal(rf_site_parse(rf_view_str(yaml), (struct rf_view){ 0 }, "a", (struct rf_wall){ 0 }, NULL, &site), 0);
	assert_non_null(strptime(when, "%Y-%m-%d %H:%M", &tm));
	bool in = rf_site_in_hours(site, &site->tel.classes[0].hours,
				   (struct rf_wall){ (int64_t)timegm(&tm) * 1000000 });
	rf_site_put(site);
	return in;
}

static void hours(void **state)
{
	static const struct {
		const char *hours, *utc;
		bool in;
	} rows[] = {
		{ "mon-fri 08:00-18:00", "2026-11-23 06:59", false }, /* Monday, 07:59 in winter */
		{ "mon-fri 08:00-18:00", "2026-11-23 07:00", true },
		{ "mon-fri 08:00-18:00", "2026-11-23 16:59", true },
		{ "mon-fri 08:00-18:00", "2026-11-23 17:00", false },
		{ "mon-fri 08:00-18:00", "2026-07-20 06:00", true },  /* summer */
		{ "mon-fri 08:00-18:00", "2026-11-22 10:00", false }, /* Sunday */
		{ "fri 22:00-06:00", "2026-11-27 21:30", true },
		{ "fri 22:00-06:00", "2026-11-28 04:59", true },
		{ "fri 22:00-06:00", "2026-11-28 05:00", false },
		{ "fri 22:00-06:00", "2026-11-27 04:00", false },
		{ "mon-fri 08:00-18:00", "2026-12-25 10:00", false }, /* a Friday and holiday */
		{ "holiday 08:00-18:00", "2026-12-25 10:00", true },
		{ "08:00-18:00", "2026-12-25 10:00", true },
		{ "sat-mon", "2026-11-22 10:00", true },
		{ "sat-mon", "2026-11-24 10:00", false },
		{ "00:00-24:00", "2026-11-24 10:00", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (holds(rows[i].hours, rows[i].utc) != rows[i].in)
			fail_msg("%s at %s", rows[i].hours, rows[i].utc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules), cmocka_unit_test(files), cmocka_unit_test(hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sip/hdr.h"

#include "sip/chars.h"
#include "sip/scan.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Each name in three spellings and by its compact form; and no name with one letter changed, added or removed. */
static void test_every_name(void **state)
{
	uint8_t buf[64];

	(void)state;
	for (unsigned id = 1; id < RF_SIP_H_COUNT; id++) {
		const struct rf_sip_hdr_info *info = rf_sip_hdr_info((enum rf_sip_hid)id);
		size_t n = info->name.n;

		assert_true(n > 1 && n < sizeof buf - 1);
		assert_int_equal(rf_sip_hid_of(info->name), id);
		for (size_t i = 0; i < n; i++)
			buf[i] = (uint8_t)toupper(info->name.p[i]);
		assert_int_equal(rf_sip_hid_of(rf_view_of(buf, n)), id);
		for (size_t i = 0; i < n; i++)
			buf[i] = (uint8_t)tolower(info->name.p[i]);
		assert_int_equal(rf_sip_hid_of(rf_view_of(buf, n)), id);
		for (size_t i = 0; i < n; i++) {
			uint8_t c = buf[i];

			for (unsigned x = '!'; x < 0x7f; x++) {
				buf[i] = (uint8_t)x;
				if (!rf_sip_is(buf[i], RF_SIP_C_TOKEN) || tolower((int)x) == c)
					continue;
				assert_int_not_equal(rf_sip_hid_of(rf_view_of(buf, n)), id);
			}
			buf[i] = c;
		}
		buf[n] = 'x';
		assert_int_not_equal(rf_sip_hid_of(rf_view_of(buf, n + 1)), id);
		if (n > 2) /* "t" is To */
			assert_int_not_equal(rf_sip_hid_of(rf_view_of(buf, n - 1)), id);
		if (!info->compact)
			continue;
		assert_int_equal(rf_sip_hid_of(rf_view_of(&info->compact, 1)), id);
		buf[0] = (uint8_t)toupper(info->compact);
		assert_int_equal(rf_sip_hid_of(rf_view_of(buf, 1)), id);
	}
}

static void test_unknown(void **state)
{
	static const char *const names[] = { "", "q", "X", "!", "-", "~", "X-Custom", "Vias", "Contac", "Content_Type",
					     "Max.Forwards" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		enum rf_sip_hid id = rf_sip_hid_of(rf_view_str(names[i]));

		/* "x" is Session-Expires */
		assert_int_equal(id, names[i][0] == 'X' && !names[i][1] ? RF_SIP_H_SESSION_EXPIRES : RF_SIP_H_OTHER);
	}
	assert_int_equal(rf_sip_hdr_info(RF_SIP_H_COUNT)->name.n, 0);
}

/* The wide scan and its plain twin agree on every byte at every place. */
static void test_scan_twins(void **state)
{
	uint8_t buf[80];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < sizeof buf; at++) {
			memset(buf, 'a' + (int)(at % 26), sizeof buf);
			buf[(at * 7) % sizeof buf] = '\t';
			buf[(at * 5) % sizeof buf] = 0xff;
			buf[at] = (uint8_t)c;
			for (size_t n = at; n < sizeof buf; n += 13)
				assert_ptr_equal(rf_sip_scan(buf, buf + n), rf_sip_scan_plain(buf, buf + n));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_scan_twins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

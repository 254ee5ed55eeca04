/* Numbers in all the ways in which peers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "call/trunk_number.h"

#include <stdio.h>

#include <cmocka.h>

static const struct rf_site_plan berlin = {
	.country_code = { (const uint8_t *)"49", 2 }, .area_code = { (const uint8_t *)"30", 2 },
	.international = { (const uint8_t *)"00", 2 }, .national = { (const uint8_t *)"0", 1 },
};
/* North America: 011 abroad, 1 at home. */
static const struct rf_site_plan boston = {
	.country_code = { (const uint8_t *)"1", 1 }, .area_code = { (const uint8_t *)"617", 3 },
	.international = { (const uint8_t *)"011", 3 }, .national = { (const uint8_t *)"1", 1 },
};

static void outward(void **state)
{
	static const struct {
		const struct rf_site_plan *plan;
		int format;
		const char *number, *sent;
	} rows[] = {
		{ &berlin, RF_FORMAT_E164, "+4930123", "+4930123" },
		{ &berlin, RF_FORMAT_NATIONAL, "+4930123", "030123" },
		{ &berlin, RF_FORMAT_NATIONAL, "+431234", "00431234" },
		{ &berlin, RF_FORMAT_NATIONAL, "115", "115" },
		{ &berlin, RF_FORMAT_E164, "115", "115" },
		{ &boston, RF_FORMAT_NATIONAL, "+16175551234", "16175551234" },
		{ &boston, RF_FORMAT_NATIONAL, "+4930123", "0114930123" },
		{ NULL, RF_FORMAT_NATIONAL, "+4930123", "+4930123" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char buf[64];
		struct rf_writer w;

		rf_writer_init(&w, buf, sizeof buf - 1);
		rf_trunk_number_put(&w, rows[i].plan, rows[i].format, rf_view_str(rows[i].number));
		assert_int_equal(w.err, 0);
		buf[w.n] = 0;
		assert_string_equal(buf, rows[i].sent);
	}
}

static const struct rf_site_did dids[] = {
	{ .match = { (const uint8_t *)"+4930123410xx", 13 }, .to = { (const uint8_t *)"10xx", 4 } },
	{ .match = { (const uint8_t *)"+49301234200", 12 }, .to = { (const uint8_t *)"2000", 4 } },
	{ .match = { (const uint8_t *)"77xx", 4 }, .to = { (const uint8_t *)"17xx", 4 } },
};
static const struct rf_site_trunk trunk = { .numbers = dids, .number_count = sizeof dids / sizeof *dids };

static void inward(void **state)
{
	static const struct {
		const char *user, *ours;
	} rows[] = {
		{ "+493012341001", "1001" }, { "00493012341001", "1001" }, { "03012341001", "1001" },
		{ "493012341001", "1001" },  { "3012341001", "1001" },	  { "12341001", "1001" },
		{ "+49-30-1234-1001", "1001" }, { "+49(30)1234.1099", "1099" }, { "+49301234200", "2000" },
		{ "7712", "1712" },
		{ "+493012341101", "" }, { "1001", "" }, { "2000", "" }, { "+1001", "" }, { "", "" }, { "+", "" },
		{ "alice", "" }, { "+4930123410012", "" }, { "+49301234100", "" }, { "++493012341001", "" },
		{ "493012341001493012341001493012341001493012341001", "" }, { "1001;ext=1", "" }, { "10%30", "" },
	};
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view ours;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc = rf_trunk_number_ours(&trunk, &berlin, rf_view_str(rows[i].user), buf, sizeof buf, &ours);

		if (!*rows[i].ours)
			assert_int_equal(rc, RF_E_NOT_FOUND);
		else if (rc || !rf_view_eq(ours, rf_view_str(rows[i].ours)))
			fail_msg("%s: %d", rows[i].user, rc);
	}
}

static void and_back(void **state)
{
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view v;
	(void)state;

	assert_int_equal(rf_trunk_number_outside(&trunk, RF_V("1042"), buf, sizeof buf, &v), 0);
	assert_true(rf_view_eq(v, RF_V("+493012341042")));
	assert_int_equal(rf_trunk_number_outside(&trunk, RF_V("2000"), buf, sizeof buf, &v), 0);
	assert_true(rf_view_eq(v, RF_V("+49301234200")));
	assert_int_equal(rf_trunk_number_outside(&trunk, RF_V("1142"), buf, sizeof buf, &v), RF_E_NOT_FOUND);
	assert_int_equal(rf_trunk_number_outside(&trunk, RF_V(""), buf, sizeof buf, &v), RF_E_NOT_FOUND);
}

/* What says by itself that it is a number of the world. */
static void of_the_world(void **state)
{
	static const struct {
		const char *user, *world;
	} rows[] = {
		{ "+431234567", "+431234567" }, { "00431234567", "+431234567" }, { "0891234567", "+49891234567" },
		{ "+49 30", "" }, { "431234567", "" }, { "115", "" }, { "*72", "" }, { "+", "" }, { "+12*3", "" },
		{ "00", "" },
		{ "bob", "" },
	};
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view v;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc = rf_trunk_number_world(&berlin, rf_view_str(rows[i].user), buf, sizeof buf, &v);

		if (!*rows[i].world)
			assert_int_equal(rc, RF_E_NOT_FOUND);
		else if (rc || !rf_view_eq(v, rf_view_str(rows[i].world)))
			fail_msg("%s: %d", rows[i].user, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outward),
		cmocka_unit_test(inward),
		cmocka_unit_test(and_back),
		cmocka_unit_test(of_the_world),
	};

	return cmocka_run_group_tests_name("trunk_number", tests, NULL, NULL);
}

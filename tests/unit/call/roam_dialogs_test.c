/* Calls of phones outside by the names of both sides: only their own phone finds them, whole. */
#include "call/roam_dialogs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct rf_hash_key key = { 1, 2 };

static struct rf_roam_dialog dialog(const char *tag)
{
	return (struct rf_roam_dialog){
		.tag = rf_view_str(tag), .phone = RF_V("anna"), .call_id = RF_V("c1"), .their_tag = RF_V("t1"),
		.there = { .call_id = RF_V("inner"), .to_tag = RF_V("ctl-tag"), .from_tag = RF_V("border-tag") },
	};
}

static void found(void **state)
{
	static const struct {
		const char *what, *phone, *call_id, *to, *from;
		bool is;
	} rows[] = {
		{ "its own", "anna", "c1", "ours", "t1", true },
		{ "another phone's", "bert", "c1", "ours", "t1", false },
		{ "another call", "anna", "c2", "ours", "t1", false },
		{ "another tag", "anna", "c1", "theirs", "t1", false },
		{ "another tag of its own", "anna", "c1", "ours", "t2", false },
		{ "none", "anna", "c1", "", "t1", false },
	};
	struct rf_roam_dialogs *d = rf_roam_dialogs_new(&key);
	struct rf_roam_dialog x = dialog("ours");
	uint8_t buf[64];

	(void)state;
	assert_non_null(d);
	assert_int_equal(rf_roam_dialogs_put(d, &x), 0);
	assert_int_equal(rf_roam_dialogs_put(d, &x), 0);
	assert_int_equal(rf_roam_dialogs_count(d), 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_replaces named = { .call_id = rf_view_str(rows[i].call_id), .to_tag = rf_view_str(rows[i].to),
					     .from_tag = rf_view_str(rows[i].from), .early_only = true }, there;

		if (rf_roam_dialogs_find(d, rf_view_str(rows[i].phone), &named, buf, sizeof buf, &there) != rows[i].is)
			fail_msg("%s", rows[i].what);
		if (rows[i].is) {
			assert_true(rf_view_eq(there.call_id, RF_V("inner")) &&
				    rf_view_eq(there.to_tag, RF_V("ctl-tag")) &&
				    rf_view_eq(there.from_tag, RF_V("border-tag")) && there.early_only);
			for (size_t n = 0; n < 22; n++) /* no room for all of it */
				assert_false(rf_roam_dialogs_find(d, rf_view_str(rows[i].phone), &named, buf, n, &there));
		}
	}
	rf_roam_dialogs_forget(d, RF_V("nobody's"));
	rf_roam_dialogs_forget(d, RF_V("ours"));
	assert_int_equal(rf_roam_dialogs_count(d), 0);
	rf_roam_dialogs_free(d);
	rf_roam_dialogs_free(NULL);
}

static void full(void **state)
{
	struct rf_roam_dialogs *d = rf_roam_dialogs_new(&key);
	char tag[16];

	(void)state;
	for (unsigned i = 0; i < RF_ROAM_DIALOGS_MAX; i++) {
		snprintf(tag, sizeof tag, "t%u", i);
		struct rf_roam_dialog x = dialog(tag);

		assert_int_equal(rf_roam_dialogs_put(d, &x), 0);
	}
	struct rf_roam_dialog more = dialog("more");

	assert_true(rf_roam_dialogs_put(d, &more) < 0);
	assert_int_equal(rf_roam_dialogs_count(d), RF_ROAM_DIALOGS_MAX);
	rf_roam_dialogs_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where a phone is, as a document and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/pidf_lo.h"

#include <cmocka.h>

static const struct rf_site_location full = {
	.name = RF_V("lobby"), .country = RF_V("DE"), .state = RF_V("Berlin"), .county = RF_V("Mitte"),
	.city = RF_V("Berlin"), .street = RF_V("Example <Road> & Lane"), .house_number = RF_V("1"),
	.postal_code = RF_V("10115"), .building = RF_V("Main"), .floor = RF_V("2"), .room = RF_V("\"Lobby\""),
	.address = RF_V("back entrance"),
};
static const struct rf_site_location bare = { .name = RF_V("x"), .room = RF_V("Cellar") };

static struct rf_view document(const struct rf_site_location *l, bool confirmed, char *buf, size_t cap)
{
	struct rf_pidf_lo lo = {
		.number = RF_V("1001"), .domain = RF_V("voice.example.org"), .device = RF_V("urn:uuid:1"),
		.location = l, .confirmed = confirmed, .at = { 1790000000000000 },
	};
	struct rf_writer w;

	rf_writer_init(&w, buf, cap);
	rf_pidf_lo_put(&w, &lo);
	return w.err ? (struct rf_view){ NULL, 0 } : rf_view_of(buf, w.n);
}

static bool has(struct rf_view v, const char *text)
{
	struct rf_view t = rf_view_str(text);

	for (size_t i = 0; i + t.n <= v.n; i++)
		if (memcmp(v.p + i, t.p, t.n) == 0)
			return true;
	return false;
}

static void elements(void **state)
{
	static const char *const wants[] = {
		"entity=\"pres:1001@voice.example.org\"",
		"<ca:civicAddress><ca:country>DE</ca:country><ca:A1>Berlin</ca:A1><ca:A2>Mitte</ca:A2><ca:A3>Berlin</ca:A3>"
		"<ca:RD>Example &lt;Road&gt; &amp; Lane</ca:RD><ca:HNO>1</ca:HNO><ca:LOC>back entrance</ca:LOC>"
		"<ca:FLR>2</ca:FLR><ca:PC>10115</ca:PC><ca:BLD>Main</ca:BLD>",
		"<dm:deviceID>urn:uuid:1</dm:deviceID><dm:timestamp>2026-09-21T14:13:20Z</dm:timestamp></dm:device></presence>",
	};
	char buf[4096];

	(void)state;
	struct rf_view d = document(&full, true, buf, sizeof buf);

	for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
		if (!has(d, wants[i]))
			fail_msg("no %s in\n%.*s", wants[i], (int)d.n, buf);
	assert_false(has(d, "dm:note"));
	assert_false(has(d, "\"Lobby\""));
}

static void what_is_not_sure(void **state)
{
	char buf[4096];

	(void)state;
	assert_true(has(document(&full, false, buf, sizeof buf), "is not confirmed"));
	assert_true(has(document(NULL, true, buf, sizeof buf), "is not known"));
	assert_false(has(document(NULL, true, buf, sizeof buf), "civicAddress>"));
	assert_true(has(document(&bare, true, buf, sizeof buf),
			"<ca:civicAddress><ca:ROOM>Cellar</ca:ROOM></ca:civicAddress>"));
}

static void no_room(void **state)
{
	char buf[4096];
	struct rf_view whole = document(&full, false, buf, sizeof buf);

	(void)state;
	for (size_t n = 0; n < whole.n; n++)
		assert_int_equal(document(&full, false, buf, n).n, 0);
}

static void in_words(void **state)
{
	char buf[512];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_location_put_text(&w, &full);
	assert_true(rf_view_eq(rf_view_of(buf, w.n),
			       RF_V("Main, floor 2, \"Lobby\", back entrance, Example <Road> & Lane, 1, "
				    "10115, Berlin, DE")));
	rf_writer_init(&w, buf, sizeof buf);
	rf_location_put_text(&w, &bare);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("Cellar")));
	/* what does not fit is left out, and no error */
	rf_writer_init(&w, buf, 24);
	rf_location_put_text(&w, &full);
	assert_int_equal(w.err, 0);
	assert_true(rf_view_starts(rf_view_of(buf, w.n), RF_V("Main")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements), cmocka_unit_test(what_is_not_sure), cmocka_unit_test(no_room),
		cmocka_unit_test(in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

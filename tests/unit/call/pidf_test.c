/* What phones publish, and what they might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/pidf.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <cmocka.h>
#include <stdio.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" " \
	     "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" " \
	     "entity=\"sip:1002@voice.example.org\">"
#define TUPLE(basic) "<tuple id=\"t\"><status><basic>" basic "</basic></status></tuple>"
#define TAIL "</presence>"

static void documents(void **state)
{
	static const struct {
		const char *doc;
		int rc;
		bool open;
		unsigned activities;
		const char *note;
	} rows[] = {
		{ HEAD TUPLE("open") TAIL, 0, true, 0, "" },
		{ HEAD TUPLE(" open\n") TAIL, 0, true, 0, "" },
		{ HEAD TUPLE("closed") TAIL, 0, false, 0, "" },
		{ HEAD TUPLE("OPEN") TAIL, 0, false, 0, "" },
		{ HEAD TUPLE("opened-by-force") TAIL, 0, false, 0, "" },
		{ HEAD TUPLE("closed") TUPLE("open") TAIL, 0, true, 0, "" },
		{ HEAD "<tuple id=\"a\"><status/></tuple>" TAIL, 0, true, 0, "" },
		{ HEAD TAIL, 0, true, 0, "" },
		{ HEAD TUPLE("open") "<note xml:lang=\"en\">Back at 3 &amp; later</note><note>second</note>" TAIL, 0, true, 0,
		  "Back at 3 & later" },
		{ HEAD TUPLE("open") "<dm:person id=\"p\"><r:activities><r:away/><r:on-the-phone/></r:activities></dm:person>" TAIL,
		  0, true, RF_ACTIVITY_AWAY | RF_ACTIVITY_ON_THE_PHONE, "" },
		{ HEAD TUPLE("open") "<r:activities><r:meeting/><r:unheard-of/></r:activities>" TAIL, 0, true, RF_ACTIVITY_BUSY,
		  "" },
		/* the same names in another namespace say nothing */
		{ HEAD "<x:basic xmlns:x=\"urn:x\">closed</x:basic><x:away xmlns:x=\"urn:x\"/>" TAIL, 0, true, 0, "" },
		{ "<presence><tuple id=\"a\"/></presence>", RF_E_MALFORMED, false, 0, "" },
		{ "<html xmlns=\"urn:ietf:params:xml:ns:pidf\"/>", RF_E_MALFORMED, false, 0, "" },
		{ "", RF_E_MALFORMED, false, 0, "" },
		{ "not xml", RF_E_MALFORMED, false, 0, "" },
		{ HEAD TUPLE("open"), RF_E_MALFORMED, false, 0, "" },
		{ HEAD TAIL HEAD TAIL, RF_E_MALFORMED, false, 0, "" },
		{ "<!DOCTYPE p><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>", RF_E_MALFORMED, false, 0, "" },
		{ "<!DOCTYPE p [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]><presence "
		  "xmlns=\"urn:ietf:params:xml:ns:pidf\">&c;</presence>",
		  RF_E_MALFORMED, false, 0, "" },
		{ "<!DOCTYPE p SYSTEM \"file:///etc/passwd\"><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>",
		  RF_E_MALFORMED, false, 0, "" },
		{ HEAD "&undefined;" TAIL, RF_E_MALFORMED, false, 0, "" },
		{ HEAD "<note>\xff\xfe</note>" TAIL, RF_E_MALFORMED, false, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_presence p = { .note_n = 0 };

		if (rf_pidf_parse(rf_view_str(rows[i].doc), 7, &p) != rows[i].rc)
			fail_msg("row %zu: %s", i, rows[i].doc);
		if (rows[i].rc)
			continue;
		if (p.open != rows[i].open || p.activities != rows[i].activities ||
		    !rf_view_eq(rf_view_of(p.note, p.note_n), rf_view_str(rows[i].note)))
			fail_msg("row %zu: %s", i, rows[i].doc);
	}
}

static void bounds(void **state)
{
	static char doc[4 * RF_PIDF_MAX];
	struct rf_presence p;
	int n, depth, count;

	(void)state;
	for (depth = RF_PIDF_DEPTH - 1; depth <= RF_PIDF_DEPTH; depth++) {
		n = sprintf(doc, "%s", HEAD);
		for (int i = 0; i < depth; i++)
			n += sprintf(doc + n, "<a>");
		for (int i = 0; i < depth; i++)
			n += sprintf(doc + n, "</a>");
		n += sprintf(doc + n, "%s", TAIL);
		assert_int_equal(rf_pidf_parse(rf_view_of(doc, (size_t)n), 7, &p),
				 depth < RF_PIDF_DEPTH ? 0 : RF_E_LIMIT);
	}
	for (count = RF_PIDF_ELEMENTS - 1; count <= RF_PIDF_ELEMENTS; count++) {
		n = sprintf(doc, "%s", HEAD);
		for (int i = 0; i < count; i++)
			n += sprintf(doc + n, "<a/>");
		n += sprintf(doc + n, "%s", TAIL);
		assert_int_equal(rf_pidf_parse(rf_view_of(doc, (size_t)n), 7, &p),
				 count < RF_PIDF_ELEMENTS ? 0 : RF_E_LIMIT);
	}
	n = sprintf(doc, "%s%s", HEAD, TAIL);
	memset(doc + n, ' ', RF_PIDF_MAX);
	assert_int_equal(rf_pidf_parse(rf_view_of(doc, RF_PIDF_MAX), 7, &p), 0);
	assert_int_equal(rf_pidf_parse(rf_view_of(doc, RF_PIDF_MAX + 1), 7, &p), RF_E_LIMIT);
}

/* A long note is cut between characters. */
static void long_notes(void **state)
{
	char doc[2048];
	struct rf_presence p;

	(void)state;
	for (int before = 0; before < 4; before++) {
		int n = sprintf(doc, "%s<note>%.*s", HEAD, before, "abc");

		for (int i = 0; i < 100; i++)
			n += sprintf(doc + n, "\xe2\x82\xac");
		n += sprintf(doc + n, "</note>%s", TAIL);
		assert_int_equal(rf_pidf_parse(rf_view_of(doc, (size_t)n), 7, &p), 0);
		assert_in_range(p.note_n, RF_BOARD_NOTE - 3, RF_BOARD_NOTE);
		assert_int_equal((p.note_n - before) % 3, 0);
	}
}

static void without_memory(void **state)
{
	struct rf_presence p;

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_pidf_parse(rf_view_str(HEAD TUPLE("open") "<note>x</note>" TAIL), 7, &p);

		if (!fail_alloc_off())
			break;
		assert_true(rc == -ENOMEM || (rc == 0 && p.open)); /* expat can do without some */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents), cmocka_unit_test(bounds), cmocka_unit_test(long_notes),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

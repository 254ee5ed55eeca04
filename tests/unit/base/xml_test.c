/* What is written is what a reader gets back: nothing handed in can become structure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/xml.h"

#include <cmocka.h>

static void text(void **state)
{
	static const struct {
		struct rf_view in, out;
	} rows[] = {
		{ RF_V(""), RF_V("") },
		{ RF_V("plain 1001"), RF_V("plain 1001") },
		{ RF_V("</a><b x=\"y\" z='&'>"), RF_V("&lt;/a&gt;&lt;b x=&quot;y&quot; z=&#39;&amp;&#39;&gt;") },
		{ RF_V("]]>"), RF_V("]]&gt;") },
		{ RF_V("a\tb\r\nc"), RF_V("a&#9;b&#13;&#10;c") },
		{ RF_V("\x01\x00\x1f"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },
		{ RF_V("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x93\x9e"), RF_V("J\xc3\xbcrgen \xe2\x82\xac "
									    "\xf0\x9f\x93\x9e") },
		{ RF_V("\xc3"), RF_V("\xef\xbf\xbd") },                                  /* ends too early */
		{ RF_V("\xc0\xaf"), RF_V("\xef\xbf\xbd\xef\xbf\xbd") },                  /* overlong "/" */
		{ RF_V("\xe0\x80\xbc"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },  /* overlong "<" */
		{ RF_V("\xed\xa0\x80"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },  /* a surrogate */
		{ RF_V("\xef\xbf\xbe"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },  /* U+FFFE */
		{ RF_V("\xf4\x90\x80\x80"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },
		{ RF_V("\xc3<"), RF_V("\xef\xbf\xbd&lt;") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t buf[128];
		struct rf_writer w;

		rf_writer_init(&w, buf, sizeof buf);
		rf_xml_text(&w, rows[i].in);
		assert_int_equal(w.err, 0);
		assert_true(rf_view_eq(rf_view_of(buf, w.n), rows[i].out));
	}
}

static void attributes_and_elements(void **state)
{
	uint8_t buf[128];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_lit(&w, "<a");
	rf_xml_attr(&w, "b", RF_V("\"><c d=\""));
	rf_xml_attr_u64(&w, "n", 7);
	rf_put_byte(&w, '>');
	rf_xml_element(&w, "e", RF_V("x<y"));
	rf_put_lit(&w, "</a>");
	assert_true(rf_view_eq(rf_view_of(buf, w.n),
			       RF_V("<a b=\"&quot;&gt;&lt;c d=&quot;\" n=\"7\"><e>x&lt;y</e></a>")));
	for (size_t cap = 0; cap < w.n; cap++) {
		struct rf_writer small;
		uint8_t few[128];

		rf_writer_init(&small, few, cap);
		rf_xml_element(&small, "element", RF_V("a longer text & more of it, until it does not fit in here"));
		rf_xml_element(&small, "element", RF_V("a longer text & more of it, until it does not fit in here"));
		assert_int_equal(small.err, RF_E_SPACE);
		assert_true(small.n <= cap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(text), cmocka_unit_test(attributes_and_elements) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

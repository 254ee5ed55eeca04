#include "base/xml.h"

#include "base/clean.h"

/* The length of the character at the start of v, 0 when it is none that XML 1.0 has (2.2). v is not empty. */
static size_t character(struct rf_view v)
{
	size_t n = rf_view_utf8(v);
	uint32_t c = n ? rf_clean_character(v, n) : 0;

	if (n == 1 && c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c == 0xfffe || c == 0xffff ? 0 : n;
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'';
}

/* A tab or line end in an attribute would be read as a space, and CR LF in text as LF: written as references. */
static void escaped(struct rf_writer *w, uint8_t c)
{
	switch (c) {
	case '<':
		rf_put_lit(w, "&lt;");
		break;
	case '>':
		rf_put_lit(w, "&gt;");
		break;
	case '&':
		rf_put_lit(w, "&amp;");
		break;
	case '"':
		rf_put_lit(w, "&quot;");
		break;
	case '\'':
		rf_put_lit(w, "&#39;");
		break;
	default:
		rf_put_lit(w, "&#");
		rf_put_u64(w, c);
		rf_put_byte(w, ';');
		break;
	}
}

void rf_xml_text(struct rf_writer *w, struct rf_view v)
{
	while (v.n) {
		size_t n = 0;

		while (n < v.n && is_plain(v.p[n]))
			n++;
		rf_put(w, rf_view_sub(v, 0, n));
		v = rf_view_from(v, n);
		if (!v.n)
			break;
		n = character(v);
		if (n == 1)
			escaped(w, v.p[0]);
		else
			rf_put(w, n ? rf_view_sub(v, 0, n) : RF_V("\xef\xbf\xbd"));
		v = rf_view_from(v, n ? n : 1);
	}
}

static void open_attr(struct rf_writer *w, const char *name)
{
	rf_put_byte(w, ' ');
	rf_put(w, rf_view_str(name));
	rf_put_lit(w, "=\"");
}

void rf_xml_attr(struct rf_writer *w, const char *name, struct rf_view value)
{
	open_attr(w, name);
	rf_xml_text(w, value);
	rf_put_byte(w, '"');
}

void rf_xml_attr_u64(struct rf_writer *w, const char *name, uint64_t value)
{
	open_attr(w, name);
	rf_put_u64(w, value);
	rf_put_byte(w, '"');
}

void rf_xml_element(struct rf_writer *w, const char *name, struct rf_view text)
{
	rf_put_byte(w, '<');
	rf_put(w, rf_view_str(name));
	rf_put_byte(w, '>');
	rf_xml_text(w, text);
	rf_put_lit(w, "</");
	rf_put(w, rf_view_str(name));
	rf_put_byte(w, '>');
}

#include "base/xml.h"

/* The length of the well-formed UTF-8 character at the start of v that XML 1.0 has, 0 when there is none (RFC 3629 4,
 * XML 1.0 2.2). v is not empty. */
static size_t character(struct rf_view v)
{
	const uint8_t *p = v.p;
	uint32_t c;
	size_t n;

	if (p[0] < 0x80)
		return p[0] >= 0x20 || p[0] == '\t' || p[0] == '\n' || p[0] == '\r';
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > v.n)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000) ||
	    c == 0xfffe || c == 0xffff)
		return 0;
	return n;
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

/* What the bytes of a site file may be, before any parser sees them. */
#include "site/tree.h"

/* C1 controls and the line separators that YAML takes for line ends and editors do not. */
static bool is_hidden(struct rf_view v, size_t n)
{
	return (n == 2 && v.p[0] == 0xc2 && v.p[1] < 0xa0) ||
	       (n == 3 && v.p[0] == 0xe2 && v.p[1] == 0x80 && (v.p[2] == 0xa8 || v.p[2] == 0xa9));
}

static int refuse(struct rf_findings *findings, struct rf_place place, const char *mend, const char *text)
{
	rf_finding_add(findings, RF_SEV_ERROR, place, NULL, mend, "%s", text);
	return RF_E_INVALID;
}

int rf_tree_check_bytes(struct rf_view bytes, const char *file, bool tabs_indent, struct rf_findings *findings)
{
	struct rf_place at = { file, 1, 1 };
	bool leading = true;

	for (size_t i = 0, n; i < bytes.n; i += n, at.column++) {
		struct rf_view rest = { bytes.p + i, bytes.n - i };
		uint8_t c = rest.p[0];

		n = rf_view_utf8(rest);
		if (n == 0)
			return refuse(findings, at, "save the file as UTF-8", "a byte that is not UTF-8");
		if (c == '\n') {
			at.line++;
			at.column = 0;
			leading = true;
			continue;
		}
		if (c == '\t' && leading && tabs_indent)
			return refuse(findings, at, "indent with spaces", "a tab in front of a line");
		if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f || is_hidden(rest, n))
			return refuse(findings, at, "remove it", "a control character");
		if (c == '\r' && (rest.n < 2 || rest.p[1] != '\n'))
			return refuse(findings, at, "end lines with a newline", "a carriage return inside a line");
		leading = leading && (c == ' ' || c == '\t');
	}
	return 0;
}

/* The picture of a site's flows, drawn without help: zones as boxes by side, one line for each pair and
 * category, and below it the same as a table, who (rows) may open what to whom (columns). What a line or square
 * stands for is its title. */
#include "policy/picture.h"

enum { CELL = 46, SQUARE = 9, TABLE_X = 230, TABLE_HEAD = 140, TITLE = 40, FOOT = 40, TURN = 45 };

/* The site's own words may have any character. */
static void put_escaped(const char *s, FILE *out)
{
	for (; *s; s++)
		switch (*s) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*s, out);
		}
}

static void put_title(const struct rf_show *show, const struct rf_site_zone *a, const struct rf_site_zone *b,
		      int category, FILE *out)
{
	for (size_t i = 0; i < show->flows->n; i++) {
		const struct rf_flow *f = &show->flows->v[i];
		char ports[RF_SHOW_PORTS];

		if (f->from.zone != a || f->to.zone != b || (int)f->category != category || !rf_show_wants(show, f))
			continue;
		rf_show_ports(f, ports);
		put_escaped(rf_site_cstr(a->name), out);
		fputs(" -&gt; ", out);
		put_escaped(rf_site_cstr(b->name), out);
		fprintf(out, ": %s %s, %s: ", rf_category_name(f->category), ports, rf_flow_how_name(f->how));
		put_escaped(f->why, out);
		fputc('\n', out);
	}
}

static void put_head(const struct rf_show *show, int w, int h, FILE *out)
{
	const struct rf_site *s = show->flows->site;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"13\" fill=\"#212529\">\n<rect width=\"100%%\" height=\"100%%\" "
		"fill=\"#ffffff\"/>\n<defs>\n",
		w, h, w, h);
	for (int c = 0; c < RF_CATEGORIES; c++)
		for (int start = 0; start < 2; start++)
			fprintf(out,
				"<marker id=\"%c%d\" viewBox=\"0 0 10 10\" refX=\"%d\" refY=\"5\" markerWidth=\"8\" "
				"markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"%s\" "
				"fill=\"%s\"/>"
				"</marker>\n",
				start ? 's' : 'e', c, start ? 1 : 9,
				start ? "M10 0 L0 5 L10 10 z" : "M0 0 L10 5 L0 10 z",
				rf_category_colour((enum rf_category)c));
	fprintf(out,
		"</defs>\n<text x=\"34\" y=\"%d\" font-size=\"22\" font-weight=\"bold\">Who may open what to whom: ",
		TITLE);
	put_escaped(rf_site_cstr(s->name), out);
	fprintf(out,
		", level %s</text>\n<text x=\"34\" y=\"%d\" fill=\"#495057\">What has no arrow is dropped. Answers "
		"belong to "
		"what was opened. Point at a line or square to see its flows.</text>\n",
		rf_level_name(s->level), TITLE + 24);
	for (int c = 0; c < RF_CATEGORIES; c++) {
		int x = 34 + c * 170;

		fprintf(out,
			"<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2.5\" "
			"marker-end=\"url(#e%d)\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
			x, TITLE + 52, x + 34, TITLE + 52, rf_category_colour((enum rf_category)c), c, x + 42,
			TITLE + 56, rf_category_name((enum rf_category)c));
	}
}

static void put_frame(const struct rf_frame *f, const char *name, FILE *out)
{
	if (!f->w)
		return;
	fprintf(out,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#f8f9fa\" stroke=\"#ced4da\" "
		"stroke-dasharray=\"6 4\"/>\n<text x=\"%d\" y=\"%d\" font-size=\"15\" fill=\"#495057\">%s</text>\n",
		f->x, f->y, f->w, f->h, f->x + 14, f->y + 24, name);
}

static void put_box(const struct rf_box *b, FILE *out)
{
	const struct rf_site_zone *z = b->zone;
	int y = b->y + b->h / 2, x = b->x + b->w / 2;

	fprintf(out,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#ffffff\" stroke=\"#343a40\" "
		"stroke-width=\"1.5\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-weight=\"bold\" "
		"font-size=\"15\">",
		b->x, b->y, b->w, b->h, x, y - 8);
	put_escaped(rf_site_cstr(z->name), out);
	fprintf(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"12\" fill=\"#495057\">%s", x,
		y + 9, rf_zone_kind_name(z->kind));
	if (z->vlan)
		fprintf(out, ", VLAN %u", z->vlan);
	if (z->office) {
		fputs(", office ", out);
		put_escaped(rf_site_cstr(z->office->name), out);
	}
	fprintf(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"12\" fill=\"#495057\">", x,
		y + 25);
	put_escaped(rf_site_cstr(z->subnet_text), out);
	fputs("</text>\n", out);
}

/* The way of a line: one curve, or, past boxes in between, up, along above them, and down. */
static void put_way(const struct rf_picture *p, const struct rf_bundle *b, int lane, FILE *out)
{
	const struct rf_box *from = &p->boxes[b->a], *to = &p->boxes[b->b];
	int x1 = b->a_right ? from->x + from->w : from->x, x2 = b->b_right ? to->x + to->w : to->x;
	int y1 = b->ya + lane * RF_LANE, y2 = b->yb + lane * RF_LANE, bow = rf_picture_bow(p, b);

	if (b->over) {
		int y = b->channel + lane * RF_LANE;

		fprintf(out, "M%d %d C%d %d %d %d %d %d L%d %d C%d %d %d %d %d %d", x1, y1, x1 + TURN, y1,
			x1 + TURN / 3, y, x1 + 2 * TURN, y, x2 - 2 * TURN, y, x2 - TURN / 3, y, x2 - TURN, y2, x2, y2);
	} else {
		fprintf(out, "M%d %d C%d %d %d %d %d %d", x1, y1, x1 + (b->a_right ? bow : -bow), y1,
			x2 + (b->b_right ? bow : -bow), y2, x2, y2);
	}
}

static void put_line(const struct rf_show *show, const struct rf_picture *p, const struct rf_bundle *b, int category,
		     int lane, FILE *out)
{
	const struct rf_site_zone *from = p->boxes[b->a].zone, *to = p->boxes[b->b].zone;

	fputs("<path d=\"", out);
	put_way(p, b, lane, out);
	fprintf(out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\"",
		rf_category_colour((enum rf_category)category));
	if (b->there & 1u << category)
		fprintf(out, " marker-end=\"url(#e%d)\"", category);
	if (b->back & 1u << category)
		fprintf(out, " marker-start=\"url(#s%d)\"", category);
	fputs("><title>", out);
	put_title(show, from, to, category, out);
	put_title(show, to, from, category, out);
	fputs("</title></path>\n", out);
}

static void put_lines(const struct rf_show *show, const struct rf_picture *p, FILE *out)
{
	for (size_t i = 0; i < p->bundle_count; i++)
		for (int c = 0, lane = 0; c < RF_CATEGORIES; c++)
			if ((p->bundles[i].there | p->bundles[i].back) & 1u << c)
				put_line(show, p, &p->bundles[i], c, lane++, out);
}

/* --- the table below */

static unsigned opened(const struct rf_picture *p, size_t from, size_t to)
{
	if (from == to)
		return p->boxes[from].inside;
	for (size_t i = 0; i < p->bundle_count; i++) {
		if (p->bundles[i].a == from && p->bundles[i].b == to)
			return p->bundles[i].there;
		if (p->bundles[i].a == to && p->bundles[i].b == from)
			return p->bundles[i].back;
	}
	return 0;
}

static void put_cell(const struct rf_show *show, const struct rf_picture *p, size_t from, size_t to, int x, int y,
		     FILE *out)
{
	unsigned bits = opened(p, from, to);

	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"26\" fill=\"%s\" stroke=\"#dee2e6\"/>\n", x, y,
		CELL, from == to ? "#f1f3f5" : "#ffffff");
	for (int c = 0; c < RF_CATEGORIES; c++) {
		if (!(bits & 1u << c))
			continue;
		/* Each category has its place in the cell, so that a column reads at a glance. */
		fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"16\" fill=\"%s\"><title>",
			x + 1 + c * SQUARE, y + 5, SQUARE - 1, rf_category_colour((enum rf_category)c));
		put_title(show, p->boxes[from].zone, p->boxes[to].zone, c, out);
		fputs("</title></rect>\n", out);
	}
}

static void put_table(const struct rf_show *show, const struct rf_picture *p, int top, FILE *out)
{
	fprintf(out,
		"<text x=\"34\" y=\"%d\" font-size=\"15\" fill=\"#495057\">the same as a table: rows open, columns "
		"take</text>\n",
		top + 20);
	for (size_t i = 0; i < p->box_count; i++) {
		int x = TABLE_X + (int)i * CELL + CELL / 2 + 4, y = top + TABLE_HEAD - 8;

		fprintf(out, "<text x=\"%d\" y=\"%d\" transform=\"rotate(-60 %d %d)\">", x, y, x, y);
		put_escaped(rf_site_cstr(p->boxes[i].zone->name), out);
		fprintf(out, "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", TABLE_X - 8,
			top + TABLE_HEAD + (int)i * 26 + 18);
		put_escaped(rf_site_cstr(p->boxes[i].zone->name), out);
		fputs("</text>\n", out);
	}
	for (size_t i = 0; i < p->box_count; i++)
		for (size_t k = 0; k < p->box_count; k++)
			put_cell(show, p, i, k, TABLE_X + (int)k * CELL, top + TABLE_HEAD + (int)i * 26, out);
}

int rf_show_svg(const struct rf_show *show, FILE *out)
{
	struct rf_picture p;
	int rc = rf_picture_make(show, &p);

	if (rc == 0) {
		int top = p.h + FOOT, table_w = TABLE_X + (int)p.box_count * CELL + 100;

		put_head(show, p.w > table_w ? p.w : table_w, top + TABLE_HEAD + (int)p.box_count * 26 + FOOT, out);
		for (int i = 0; i < RF_SIDES; i++)
			put_frame(&p.frames[i], rf_side_name((enum rf_side)i), out);
		put_lines(show, &p, out);
		for (size_t i = 0; i < p.box_count; i++)
			put_box(&p.boxes[i], out);
		put_table(show, &p, top, out);
		fputs("</svg>\n", out);
	}
	rf_picture_fini(&p);
	return rc;
}

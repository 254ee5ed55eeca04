/* Flows in the language of graphviz: zones in clusters by side, one edge for each pair and category. */
#include "policy/picture.h"
#include "policy/show.h"

static void put_zones(const struct rf_show *show, const struct rf_picture *p, FILE *out)
{
	for (int side = 0; side < RF_SIDES; side++) {
		fprintf(out, "\tsubgraph \"cluster_%d\" {\n\t\tlabel=\"%s\";\n", side,
			rf_side_name((enum rf_side)side));
		for (size_t i = 0; i < show->flows->site->zone_count; i++) {
			const struct rf_site_zone *z = &show->flows->site->zones[i];

			if (p->shown[i] && rf_side_of(z->kind) == (enum rf_side)side)
				fprintf(out, "\t\t\"%s\" [label=\"%s\\n%s\"];\n", rf_site_cstr(z->name),
					rf_site_cstr(z->name), rf_site_cstr(z->subnet_text));
		}
		fprintf(out, "\t}\n");
	}
}

void rf_show_dot(const struct rf_show *show, FILE *out)
{
	const struct rf_flow *last = NULL;
	struct rf_picture p;

	fprintf(out, "digraph \"%s\" {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n",
		rf_site_cstr(show->flows->site->name));
	if (rf_picture_make(show, &p) == 0)
		put_zones(show, &p, out);
	for (size_t i = 0; i < show->flows->n; i++) {
		const struct rf_flow *f = &show->flows->v[i];

		if (!rf_show_wants(show, f))
			continue;
		if (!last || last->from.zone != f->from.zone || last->to.zone != f->to.zone ||
		    last->category != f->category)
			fprintf(out, "\t\"%s\" -> \"%s\" [color=\"%s\", tooltip=\"%s\"];\n",
				rf_site_cstr(f->from.zone->name), rf_site_cstr(f->to.zone->name),
				rf_category_colour(f->category), rf_category_name(f->category));
		last = f;
	}
	fprintf(out, "}\n");
	rf_picture_fini(&p);
}

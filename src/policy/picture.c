#include "policy/picture.h"

#include "base/err.h"

#include <stdlib.h>

enum {
	TOP = 130,
	MARGIN = 60,
	BOX_W = 190,
	BOX_H = 62,
	COLUMN_W = 370,
	GAP = 30,
	COLUMNS = 5,
	PAD = 12,
	FRAME = 26,
	HEAD = 30,
};

static const struct {
	enum rf_side side;
	int column;
} places[RF_ZONE_KINDS] = {
	[RF_ZONE_PHONE] = { RF_SIDE_TELEPHONY, 0 },    [RF_ZONE_GATEWAY] = { RF_SIDE_TELEPHONY, 0 },
	[RF_ZONE_SERVER] = { RF_SIDE_TELEPHONY, 1 },   [RF_ZONE_ADMIN] = { RF_SIDE_TELEPHONY, 1 },
	[RF_ZONE_SOFTPHONE] = { RF_SIDE_BETWEEN, 2 },  [RF_ZONE_CONVERGED] = { RF_SIDE_BETWEEN, 2 },
	[RF_ZONE_BORDER] = { RF_SIDE_PERIMETER, 3 },   [RF_ZONE_WAN] = { RF_SIDE_PERIMETER, 3 },
	[RF_ZONE_INTERNET] = { RF_SIDE_PERIMETER, 4 }, [RF_ZONE_PSTN] = { RF_SIDE_PERIMETER, 4 },
	[RF_ZONE_DATA] = { RF_SIDE_DATA, 3 },
};

enum rf_side rf_side_of(enum rf_zone_kind kind)
{
	return places[kind].side;
}

const char *rf_side_name(enum rf_side side)
{
	static const char *const names[RF_SIDES] = { "telephony", "between", "perimeter and outside", "data side" };

	return names[side];
}

const char *rf_category_colour(enum rf_category category)
{
	static const char *const colours[RF_CATEGORIES] = {
		[RF_CAT_SIGNALING] = "#1864ab", [RF_CAT_MEDIA] = "#2b8a3e", [RF_CAT_ADMIN] = "#d9480f",
		[RF_CAT_SERVICES] = "#862e9c",	[RF_CAT_DATA] = "#868e96",
	};

	return colours[category];
}

static int lines(unsigned bits)
{
	int n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* --- which boxes, which bundles */

static int find_shown(const struct rf_show *show, struct rf_picture *p)
{
	const struct rf_site *s = show->flows->site;

	p->shown = calloc(s->zone_count + 1, sizeof *p->shown);
	if (!p->shown)
		return -ENOMEM;
	for (size_t i = 0; i < show->flows->n; i++)
		if (rf_show_wants(show, &show->flows->v[i])) {
			p->shown[show->flows->v[i].from.zone - s->zones] = true;
			p->shown[show->flows->v[i].to.zone - s->zones] = true;
		}
	for (size_t i = 0; i < s->zone_count; i++) {
		/* The whole picture has every zone in it, also one that nobody may speak with. */
		p->shown[i] |= !show->from && !show->to && !show->at;
		p->box_count += p->shown[i];
	}
	return p->box_count > RF_SHOW_ZONES_MAX ? RF_E_LIMIT : 0;
}

/* Boxes in the order in which they stand: by column, those of an office below the others. */
static void place_boxes(const struct rf_show *show, struct rf_picture *p)
{
	const struct rf_site *s = show->flows->site;
	size_t n = 0;

	for (int data = 0; data < 2; data++)
		for (int column = 0; column < COLUMNS; column++)
			for (int office = 0; office < 2; office++)
				for (size_t i = 0; i < s->zone_count; i++) {
					const struct rf_site_zone *z = &s->zones[i];

					if (p->shown[i] && places[z->kind].column == column &&
					    (z->office != NULL) == office && (z->kind == RF_ZONE_DATA) == data)
						p->boxes[n++] =
							(struct rf_box){ .zone = z, .column = column, .w = BOX_W };
				}
}

static size_t box_of(const struct rf_picture *p, const struct rf_site_zone *z)
{
	size_t i = 0;

	while (i + 1 < p->box_count && p->boxes[i].zone != z)
		i++;
	return i;
}

static struct rf_bundle *bundle_of(struct rf_picture *p, size_t a, size_t b)
{
	for (size_t i = 0; i < p->bundle_count; i++)
		if (p->bundles[i].a == a && p->bundles[i].b == b)
			return &p->bundles[i];
	p->bundles[p->bundle_count] = (struct rf_bundle){ .a = a, .b = b };
	return &p->bundles[p->bundle_count++];
}

static void gather(const struct rf_show *show, struct rf_picture *p)
{
	for (size_t i = 0; i < show->flows->n; i++) {
		const struct rf_flow *f = &show->flows->v[i];

		if (!rf_show_wants(show, f))
			continue;
		size_t from = box_of(p, f->from.zone), to = box_of(p, f->to.zone);
		if (from == to)
			p->boxes[from].inside |= 1u << f->category;
		else if (from < to)
			bundle_of(p, from, to)->there |= 1u << f->category;
		else
			bundle_of(p, to, from)->back |= 1u << f->category;
	}
}

/* --- heights, places, lines */

static int size_of(const struct rf_bundle *b)
{
	return lines(b->there | b->back) * RF_LANE + RF_LANE;
}

static void choose_sides(struct rf_picture *p)
{
	for (size_t i = 0; i < p->bundle_count; i++) {
		struct rf_bundle *b = &p->bundles[i];
		int from = p->boxes[b->a].column, to = p->boxes[b->b].column;

		/* In one column both ends are on the side with more room for a bow. */
		b->a_right = from == to ? from != COLUMNS - 1 : from < to;
		b->b_right = from == to ? from != COLUMNS - 1 : from > to;
		p->boxes[b->a].need[b->a_right] += size_of(b);
		p->boxes[b->b].need[b->b_right] += size_of(b);
	}
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static void grow(struct rf_frame *f, const struct rf_box *b)
{
	int x2 = max(f->w ? f->x + f->w : 0, b->x + b->w + FRAME),
	    y2 = max(f->w ? f->y + f->h : 0, b->y + b->h + FRAME);

	f->x = f->w && f->x < b->x - FRAME ? f->x : b->x - FRAME;
	f->y = f->w && f->y < b->y - FRAME - HEAD ? f->y : b->y - FRAME - HEAD;
	f->w = x2 - f->x;
	f->h = y2 - f->y;
}

static void stack(struct rf_picture *p, bool data, int top)
{
	int y[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		y[i] = top;
	for (size_t i = 0; i < p->box_count; i++) {
		struct rf_box *b = &p->boxes[i];

		if ((b->zone->kind == RF_ZONE_DATA) != data)
			continue;
		b->h = max(BOX_H, max(b->need[0], b->need[1]) + 2 * PAD);
		b->x = MARGIN + b->column * COLUMN_W;
		b->y = y[b->column];
		y[b->column] += b->h + GAP;
		grow(&p->frames[rf_side_of(b->zone->kind)], b);
		p->h = max(p->h, b->y + b->h + FRAME);
	}
}

static int middle(const struct rf_box *b)
{
	return b->y + b->h / 2;
}

/* The next bundle on one side of a box, from above, by where it goes; already placed ones are marked in done. */
static struct rf_bundle *next_on(struct rf_picture *p, size_t box, bool right, bool *done)
{
	struct rf_bundle *best = NULL;
	int best_y = 0;

	for (size_t i = 0; i < p->bundle_count; i++) {
		struct rf_bundle *b = &p->bundles[i];
		bool is_a = b->a == box;

		if (done[i] || (!is_a && b->b != box) || (is_a ? b->a_right : b->b_right) != right)
			continue;
		int y = b->over ? b->channel - TOP - TOP : middle(&p->boxes[is_a ? b->b : b->a]);
		if (!best || y < best_y) {
			best = b;
			best_y = y;
		}
	}
	return best;
}

static void attach(struct rf_picture *p, size_t box, bool right, bool *done)
{
	const struct rf_box *at = &p->boxes[box];
	int y = at->y + (at->h - at->need[right]) / 2 + RF_LANE;
	struct rf_bundle *b;

	memset(done, 0, p->bundle_count);
	while ((b = next_on(p, box, right, done))) {
		*(b->a == box ? &b->ya : &b->yb) = y;
		y += size_of(b);
		done[b - p->bundles] = true;
	}
}

static void attach_all(struct rf_picture *p, bool *done)
{
	for (size_t i = 0; i < p->box_count; i++) {
		attach(p, i, false, done);
		attach(p, i, true, done);
	}
}

int rf_picture_bow(const struct rf_picture *p, const struct rf_bundle *b)
{
	const struct rf_box *from = &p->boxes[b->a], *to = &p->boxes[b->b];

	if (from->column == to->column) {
		int bow = 46 + abs(b->yb - b->ya) / 6;

		return bow > 150 ? 150 : bow;
	}
	return (from->column < to->column ? to->x - from->x - from->w : from->x - to->x - to->w) * 9 / 20;
}

/* --- lines that would run behind a box */

static bool inside(const struct rf_box *b, double x, double y)
{
	return x > b->x - 4 && x < b->x + b->w + 4 && y > b->y - 4 && y < b->y + b->h + 4;
}

static bool hits(const struct rf_picture *p, const struct rf_bundle *b)
{
	const struct rf_box *from = &p->boxes[b->a], *to = &p->boxes[b->b];
	double x1 = from->x + from->w, x4 = to->x, x2 = x1 + rf_picture_bow(p, b), x3 = x4 - rf_picture_bow(p, b);

	for (int step = 1; from->column < to->column && step < 40; step++) {
		double t = step / 40.0, u = 1 - t, lean = 3 * u * t * t + t * t * t;
		double x = u * u * u * x1 + 3 * u * u * t * x2 + 3 * u * t * t * x3 + t * t * t * x4;
		double y = b->ya + (b->yb - b->ya) * lean;

		for (size_t i = 0; i < p->box_count; i++)
			if (i != b->a && i != b->b && inside(&p->boxes[i], x, y))
				return true;
	}
	return false;
}

/* Returns the height of the lines above all boxes. */
static int lead_over(struct rf_picture *p)
{
	int h = 0;

	for (size_t i = 0; i < p->bundle_count; i++) {
		struct rf_bundle *b = &p->bundles[i];

		b->over = hits(p, b);
		if (!b->over)
			continue;
		b->channel = TOP + HEAD + PAD + h;
		h += size_of(b);
	}
	return h;
}

static void stack_all(struct rf_picture *p, int over)
{
	int top = TOP + HEAD + FRAME + over;

	memset(p->frames, 0, sizeof p->frames);
	p->h = 0;
	stack(p, false, top);
	for (int i = 0; i < RF_SIDES; i++) {
		p->frames[i].y -= p->frames[i].w ? over : 0;
		p->frames[i].h += over;
	}
	const struct rf_frame *above = &p->frames[RF_SIDE_PERIMETER];
	stack(p, true, above->w ? above->y + above->h + GAP + HEAD + FRAME : top);
}

static int lay_out(struct rf_picture *p)
{
	bool *done = calloc(p->bundle_count + 1, sizeof *done);

	if (!done)
		return -ENOMEM;
	choose_sides(p);
	stack_all(p, 0);
	attach_all(p, done);
	stack_all(p, lead_over(p));
	attach_all(p, done);
	for (int i = 0; i < RF_SIDES; i++)
		p->w = max(p->w, p->frames[i].x + p->frames[i].w);
	p->w = max(p->w + MARGIN, 900);
	free(done);
	return 0;
}

int rf_picture_make(const struct rf_show *show, struct rf_picture *ret_picture)
{
	struct rf_picture *p = ret_picture;

	*p = (struct rf_picture){ 0 };
	int rc = find_shown(show, p);
	if (rc)
		return rc;
	p->boxes = calloc(p->box_count + 1, sizeof *p->boxes);
	p->bundles = calloc(p->box_count * p->box_count + 1, sizeof *p->bundles);
	if (!p->boxes || !p->bundles)
		return -ENOMEM;
	place_boxes(show, p);
	gather(show, p);
	return lay_out(p);
}

void rf_picture_fini(struct rf_picture *p)
{
	free(p->shown);
	free(p->boxes);
	free(p->bundles);
	*p = (struct rf_picture){ 0 };
}

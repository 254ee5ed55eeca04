/* Where zones stand in a picture and how the lines between them run (private to this room). Telephony on the left, what
 * serves both sides in the middle, the perimeter and the outside on the right, the data side below them. */
#ifndef RF_POLICY_PICTURE_H
#define RF_POLICY_PICTURE_H

#include "policy/show.h"

enum rf_side { RF_SIDE_TELEPHONY, RF_SIDE_BETWEEN, RF_SIDE_PERIMETER, RF_SIDE_DATA, RF_SIDES };

struct rf_box {
	const struct rf_site_zone *zone;
	int column;
	int x, y, w, h;
	int need[2];           /* height that lines need on the left, on the right */
	unsigned inside;       /* categories that stay in the zone, as bits */
};

/* All lines between two boxes. */
struct rf_bundle {
	size_t a, b;
	unsigned there, back;  /* categories that a opens to b, b to a */
	bool a_right, b_right; /* on which side of the box they begin and end */
	int ya, yb;            /* where, of the first */
	bool over;             /* a straight way would run behind another box: it goes above all of them, */
	int channel;           /* here */
};

struct rf_frame {
	int x, y, w, h;        /* w 0: nothing stands in it */
};

struct rf_picture {
	bool *shown;           /* by index of the zone */
	struct rf_box *boxes;
	size_t box_count;
	struct rf_bundle *bundles;
	size_t bundle_count;
	struct rf_frame frames[RF_SIDES];
	int w, h;
};

enum { RF_LANE = 6 };          /* between two lines of a bundle */

/* How far the control points of a line's curve stand out of its boxes. */
int rf_picture_bow(const struct rf_picture *p, const struct rf_bundle *b);

/* 0, RF_E_LIMIT, -ENOMEM; fini is right after each of them. */
int rf_picture_make(const struct rf_show *show, struct rf_picture *ret_picture);
void rf_picture_fini(struct rf_picture *p);
enum rf_side rf_side_of(enum rf_zone_kind kind);
const char *rf_side_name(enum rf_side side);
const char *rf_category_colour(enum rf_category category);

#endif

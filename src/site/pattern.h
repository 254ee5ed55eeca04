/* Patterns of numbers, as dial plans, classes, routes and trunks use them:
 *
 *     0..9 # + and a leading *    themselves (+ only in front, * only in front)
 *     x            any digit
 *     [2-9] [135]  one of these digits
 *     ...*         at the end: any digits that follow, also none
 *
 * "+1900*", "1xxx", "0[1-9]*", "+49301234xx". What a number is rewritten to is a template: digits with an optional
 * leading +, an x for each digit that an x or [..] of the pattern matched, taken from the right, and a * at the end for
 * what the * matched. */
#ifndef RF_SITE_PATTERN_H
#define RF_SITE_PATTERN_H

#include "base/view.h"

bool rf_pattern_ok(struct rf_view pattern);
/* Is `to` a template for this pattern: no more x than it matches digits, a * only when it has one? */
bool rf_pattern_to_ok(struct rf_view pattern, struct rf_view to);
bool rf_pattern_match(struct rf_view pattern, struct rf_view number);
/* What `to` makes of a number that matches. RF_E_NOT_FOUND: it does not match; RF_E_LIMIT: buf is too small. */
int rf_pattern_apply(struct rf_view pattern, struct rf_view to, struct rf_view number, uint8_t *buf, size_t cap,
		     struct rf_view *ret_number);

#endif

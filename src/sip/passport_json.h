/* A strict reader of the JSON (RFC 8259) inside a token, private to passport.c. It allocates nothing and goes over the
 * bytes once; strings are unescaped where they lie, so the bytes must be the caller's own. The error is sticky.
 *
 * Why not the JSON library that reads our own files: a token is from a stranger and comes with every call of a trunk.
 * Here the nesting is bounded by RF_PJ_DEPTH, a name with an escape is refused (two spellings of one name are a way to
 * say two things), and there is no allocation that a stranger asks for. */
#ifndef RF_SIP_PASSPORT_JSON_H
#define RF_SIP_PASSPORT_JSON_H

#include "base/view.h"

enum { RF_PJ_DEPTH = 8 };

struct rf_pj {
	uint8_t *p, *end;
	int err;          /* 0 or RF_E_MALFORMED */
	unsigned depth;
};

/* Take "{" or "[". False: something else stands there (an error then). */
bool rf_pj_open(struct rf_pj *j, uint8_t bracket);
/* The next element of an array, or the next member of an object, whose name is taken with the colon; false at the end,
 * which is taken too, and on an error. *first is true before the first. */
bool rf_pj_element(struct rf_pj *j, bool *first);
bool rf_pj_member(struct rf_pj *j, bool *first, struct rf_view *ret_name);
/* Values. A string is given unescaped, without control characters or half surrogates. */
struct rf_view rf_pj_string(struct rf_pj *j);
int64_t rf_pj_integer(struct rf_pj *j); /* 0 .. 2^53, no sign, no fraction */
void rf_pj_skip(struct rf_pj *j);       /* any value */
/* Nothing but white space may be left. */
int rf_pj_end(struct rf_pj *j);

#endif

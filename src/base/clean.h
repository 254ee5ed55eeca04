/* Text of strangers on its way to people: to the display of a phone, a terminal, a console, the record.
 *
 * What a reader does not see or what is not text is a way to show one thing and mean another: control characters
 * steer terminals, marks of direction turn words around, marks without width hide in them, and characters of markup
 * make a page act. A name for people (rf_clean_name()) is rid of all of them; the record (rf_put_json()) keeps them,
 * written so that they do nothing. */
#ifndef RF_BASE_CLEAN_H
#define RF_BASE_CLEAN_H

#include "base/view.h"

/* The character at the front of v, whose rf_view_utf8() gave n > 0. */
uint32_t rf_clean_character(struct rf_view v, size_t n);
/* Does it steer, turn, hide or separate: a control character (C0, DEL, C1), a mark of direction or without width, a
 * filler, a tag, a variation selector, a line separator, no character at all? */
bool rf_clean_is_hidden(uint32_t c);

/* A name as people may see it: at most `most` characters, in buf.
 *   what is not UTF-8, private or no character  U+FFFD
 *   hidden characters                           left out; tabs, line ends and wide spaces are one space
 *   < > & " ' ` \                               their harmless likenesses, U+2039 U+203A + U+201D U+2019 U+2018 /
 *   marks on one letter                         two at most
 * Without space at its ends. cap of 4 bytes a character suffices; what does not fit is cut off between characters. */
struct rf_view rf_clean_name(struct rf_view v, size_t most, void *buf, size_t cap);

/* How a text reads at a glance, for comparing two of them: small letters and digits only, without marks, spaces and
 * punctuation; Greek, Cyrillic and wide letters and digits as the Latin ones that they look like, 0 as o, 1 and I as l.
 * Equal keys: nobody could tell the two on a phone's display. Empty when nothing is left. */
struct rf_view rf_clean_key(struct rf_view v, void *buf, size_t cap);
/* The digits in it, whatever script they are from, as ASCII. */
struct rf_view rf_clean_digits(struct rf_view v, void *buf, size_t cap);

#endif

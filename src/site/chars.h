/* Kinds of ASCII characters (private to this room). */
#ifndef RF_SITE_CHARS_H
#define RF_SITE_CHARS_H

#include "base/view.h"

static inline bool rf_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool rf_is_letter(uint8_t c)
{
	return rf_lower(c) >= 'a' && rf_lower(c) <= 'z';
}

static inline bool rf_is_word(uint8_t c)
{
	return rf_is_digit(c) || rf_is_letter(c);
}

#endif

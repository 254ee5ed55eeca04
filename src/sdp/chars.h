/* Character sets of RFC 8866 9, private to this room. */
#ifndef RF_SDP_CHARS_H
#define RF_SDP_CHARS_H

#include "base/view.h"

static inline bool rf_sdp_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool rf_sdp_is_alnum(uint8_t c)
{
	return rf_sdp_is_digit(c) || (uint8_t)(rf_lower(c) - 'a') < 26;
}

/* token-char: visible ASCII but " ( ) , / : ; < = > ? @ [ \ ] */
static inline bool rf_sdp_is_token(uint8_t c)
{
	return c > 0x20 && c < 0x7f &&
	       !(c == '"' || c == '(' || c == ')' || c == ',' || c == '/' || (c >= ':' && c <= '@') ||
		 (c >= '[' && c <= ']'));
}

static inline bool rf_sdp_is_base64(uint8_t c)
{
	return rf_sdp_is_alnum(c) || c == '+' || c == '/';
}

/* Not empty, and every byte passes. */
static inline bool rf_sdp_all(struct rf_view v, bool (*is)(uint8_t c))
{
	for (size_t i = 0; i < v.n; i++)
		if (!is(v.p[i]))
			return false;
	return v.n > 0;
}

#endif

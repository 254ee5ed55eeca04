/* Character classes of RFC 3261 25.1, for the files of sip/ only. */
#ifndef RF_SIP_CHARS_H
#define RF_SIP_CHARS_H

#include "base/view.h"

enum {
	RF_SIP_C_TOKEN = 1,   /* tokenchar */
	RF_SIP_C_USER = 2,    /* unreserved, user-unreserved; not "%" */
	RF_SIP_C_PARAM = 4,   /* paramchar of a URI; not "%" */
	RF_SIP_C_HNV = 8,     /* unreserved, hnv-unreserved; not "%" */
	RF_SIP_C_HOST = 16,   /* letters, digits, "-", "."; "_" too, because names in the field have it */
	RF_SIP_C_VALUE = 32,  /* an unquoted parameter value: token, host, and what else cannot be misread */
	RF_SIP_C_WORD = 64,   /* word of Call-ID */
	RF_SIP_C_LWS = 128,   /* SP, HTAB and, inside a value, the CR LF of a fold */
	RF_SIP_C_LABEL = 512, /* HOST without "." */
	RF_SIP_C_SPLIT = 256, /* what splitting at commas looks at: quotes, "<", "," */
};

extern const uint16_t rf_sip_chars[256];

static inline bool rf_sip_is(uint8_t c, unsigned classes)
{
	return rf_sip_chars[c] & classes;
}

/* Behind the characters of these classes. Four at a time while four are there: most of the parse is this loop. */
static inline const uint8_t *rf_sip_skip(const uint8_t *p, const uint8_t *end, unsigned classes)
{
	for (; end - p >= 4; p += 4) {
		if (!rf_sip_is(p[0], classes))
			return p;
		if (!rf_sip_is(p[1], classes))
			return p + 1;
		if (!rf_sip_is(p[2], classes))
			return p + 2;
		if (!rf_sip_is(p[3], classes))
			return p + 3;
	}
	while (p < end && rf_sip_is(*p, classes))
		p++;
	return p;
}

/* White space is rare where it may stand. */
static inline const uint8_t *rf_sip_skip_lws(const uint8_t *p, const uint8_t *end)
{
	while (p < end && rf_sip_is(*p, RF_SIP_C_LWS))
		p++;
	return p;
}

static inline bool rf_sip_is_digit(uint8_t c)
{
	return (unsigned)c - '0' < 10;
}

/* 0..15, or -1 */
static inline int rf_sip_hex(uint8_t c)
{
	if (rf_sip_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Characters of these classes and escapes (%HH). */
static inline const uint8_t *rf_sip_skip_escaped(const uint8_t *p, const uint8_t *end, unsigned classes)
{
	for (;;) {
		p = rf_sip_skip(p, end, classes);
		if (end - p < 3 || *p != '%' || rf_sip_hex(p[1]) < 0 || rf_sip_hex(p[2]) < 0)
			return p;
		p += 3;
	}
}

static inline uint64_t rf_sip_load(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	memcpy(&x, p, n);
	return x | 0x2020202020202020;
}

/* Tokens a and b of n bytes are the same without case. Setting bit 5 folds the letters and maps no two other token
 * characters onto each other ("_" becomes DEL, which no token has), so that whole words are compared: two that
 * overlap when n is not a power of two. */
static inline bool rf_sip_token_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	if (n >= 8) {
		for (size_t i = 0; i + 8 <= n; i += 8)
			if (rf_sip_load(a + i, 8) != rf_sip_load(b + i, 8))
				return false;
		return rf_sip_load(a + n - 8, 8) == rf_sip_load(b + n - 8, 8);
	}
	if (n >= 4)
		return rf_sip_load(a, 4) == rf_sip_load(b, 4) && rf_sip_load(a + n - 4, 4) == rf_sip_load(b + n - 4, 4);
	if (n >= 2)
		return rf_sip_load(a, 2) == rf_sip_load(b, 2) && rf_sip_load(a + n - 2, 2) == rf_sip_load(b + n - 2, 2);
	return n == 0 || (a[0] | 0x20) == (b[0] | 0x20);
}

/* v without LWS at its ends; the common case has none. */
static inline struct rf_view rf_sip_trim(struct rf_view v)
{
	if (v.n && v.p[0] == ' ') { /* one space behind the colon is how it is written */
		v.p++;
		v.n--;
	}
	while (v.n && rf_sip_is(v.p[0], RF_SIP_C_LWS)) {
		v.p++;
		v.n--;
	}
	while (v.n && rf_sip_is(v.p[v.n - 1], RF_SIP_C_LWS))
		v.n--;
	return v;
}

/* Digits at p up to max, into *ret_x; the place behind them, or NULL when there is none or it is over. */
static inline const uint8_t *rf_sip_digits(const uint8_t *p, const uint8_t *end, uint64_t max, uint64_t *ret_x)
{
	const uint8_t *from = p;
	uint64_t x = 0;

	for (; p < end && rf_sip_is_digit(*p); p++) {
		x = x * 10 + (*p - (unsigned)'0');
		if (x > max) /* max is far below 2^60: x cannot have wrapped */
			return NULL;
	}
	*ret_x = x;
	return p > from ? p : NULL;
}

/* What a character of base64url (RFC 4648 5) stands for; -1: it is none. */
int rf_sip_sextet(uint8_t c);

/* v (a token already) is the name lit. */
#define rf_sip_token_is(v, lit) \
	((v).n == sizeof(lit) - 1 && rf_sip_token_eq((v).p, (const uint8_t *)("" lit), sizeof(lit) - 1))

#endif

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
};

extern const uint8_t rf_sip_chars[256];

static inline bool rf_sip_is(uint8_t c, unsigned classes)
{
	return rf_sip_chars[c] & classes;
}

static inline const uint8_t *rf_sip_skip(const uint8_t *p, const uint8_t *end, unsigned classes)
{
	while (p < end && rf_sip_is(*p, classes))
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

/* Tokens a and b of n bytes are the same without case. Setting bit 5 folds the letters and maps no two other token
 * characters onto each other ("_" becomes DEL, which no token has), so eight bytes are compared at a time. */
static inline bool rf_sip_token_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	const uint64_t fold = 0x2020202020202020;
	uint64_t x = 0, y = 0;

	if (n < 8) {
		for (size_t i = 0; i < n; i++)
			if ((a[i] | 0x20) != (b[i] | 0x20))
				return false;
		return true;
	}
	for (size_t i = 0; i + 8 <= n; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if ((x | fold) != (y | fold))
			return false;
	}
	memcpy(&x, a + n - 8, 8);
	memcpy(&y, b + n - 8, 8);
	return (x | fold) == (y | fold);
}

/* v (a token already) is the name lit. */
#define rf_sip_token_is(v, lit) \
	((v).n == sizeof(lit) - 1 && rf_sip_token_eq((v).p, (const uint8_t *)("" lit), sizeof(lit) - 1))

#endif

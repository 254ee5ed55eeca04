#include "sip/chars.h"

enum {
	T = RF_SIP_C_TOKEN, U = RF_SIP_C_USER, P = RF_SIP_C_PARAM, H = RF_SIP_C_HNV,
	V = RF_SIP_C_VALUE, W = RF_SIP_C_WORD, L = RF_SIP_C_LWS, S = RF_SIP_C_SPLIT,
	N = RF_SIP_C_HOST | RF_SIP_C_LABEL,
};

/* "%" is a token character everywhere; inside URIs it begins an escape and is looked at apart. */
const uint16_t rf_sip_chars[256] = {
	['\t'] = L, ['\n'] = L, ['\r'] = L, [' '] = L,
	['0' ... '9'] = T | U | P | H | N | V | W,
	['A' ... 'Z'] = T | U | P | H | N | V | W,
	['a' ... 'z'] = T | U | P | H | N | V | W,
	['-'] = T | U | P | H | N | V | W,
	['.'] = T | U | P | H | RF_SIP_C_HOST | V | W,
	['_'] = T | U | P | H | N | V | W,
	['!'] = T | U | P | H | V | W,
	['~'] = T | U | P | H | V | W,
	['*'] = T | U | P | H | V | W,
	['\''] = T | U | P | H | V | W,
	['+'] = T | U | P | H | V | W,
	['`'] = T | V | W,
	['%'] = T | V | W,
	['('] = U | P | H | W,
	[')'] = U | P | H | W,
	['&'] = U | P | V,
	['='] = U | V,
	['$'] = U | P | H | V,
	[','] = U | S,
	[';'] = U,
	['?'] = U | H | V | W,
	['/'] = U | P | H | V | W,
	['['] = P | H | V | W,
	[']'] = P | H | V | W,
	[':'] = P | H | V | W,
	['<'] = W | S, ['>'] = W, ['\\'] = W, ['"'] = W | S, ['{'] = W, ['}'] = W,
};

int rf_sip_sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* What the files of sip/ share while they go over bytes, and nobody else: the one fast loop (find the next byte that
 * can end or spoil a line), and parsers that begin at a place and say where they ended, so that no byte is looked at
 * to find the end of a thing before it is looked at to read it. */
#ifndef RF_SIP_SCAN_H
#define RF_SIP_SCAN_H

#include "sip/uri.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first control character but HTAB: below 0x20, or 0x7f; end when there is none. Byte by byte. */
static inline const uint8_t *rf_sip_scan_plain(const uint8_t *p, const uint8_t *end)
{
	while (p < end && ((*p >= 0x20 && *p != 0x7f) || *p == '\t'))
		p++;
	return p;
}

/* The same, sixteen bytes at a time where the processor can. */
static inline const uint8_t *rf_sip_scan(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f), tab = _mm_set1_epi8('\t');

	while (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, low), x), _mm_cmpeq_epi8(x, del));
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), bad));

		if (mask)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	return rf_sip_scan_plain(p, end);
}

/* The first ":", or end when there is none among the next sixteen bytes: a hint, for the caller checks the name. */
static inline const uint8_t *rf_sip_scan_colon(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	if (end - p >= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(':')));

		return mask ? p + __builtin_ctz(mask) : end;
	}
#endif
	while (p < end && *p != ':')
		p++;
	return p;
}

/* A host at p, with brackets when IPv6. Behind it, or NULL when it is malformed; the outputs are then undefined. */
const uint8_t *rf_sip_host_scan(const uint8_t *p, const uint8_t *end, struct rf_view *ret_host,
				enum rf_sip_host_kind *ret_kind);
/* The URI that begins at p, as far as it can be one. *ret_end is behind it. On an error *ret_uri is undefined. */
int rf_sip_uri_scan(const uint8_t *p, const uint8_t *end, struct rf_sip_uri *ret_uri, const uint8_t **ret_end);

/* Equal with escapes undone, but an escaped reserved character is not the same as a plain one (RFC 3261 19.1.4). */
bool rf_sip_escaped_eq(struct rf_view a, struct rf_view b, bool fold_case);

#endif

/* The one fast loop of the parser: find the next byte that can end or spoil a line. For the files of sip/ only. */
#ifndef RF_SIP_SCAN_H
#define RF_SIP_SCAN_H

#include "base/view.h"

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
		__m128i bad = _mm_cmpeq_epi8(_mm_min_epu8(x, low), x);

		bad = _mm_andnot_si128(_mm_cmpeq_epi8(x, tab), _mm_or_si128(bad, _mm_cmpeq_epi8(x, del)));
		unsigned mask = (unsigned)_mm_movemask_epi8(bad);
		if (mask)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	return rf_sip_scan_plain(p, end);
}

#endif

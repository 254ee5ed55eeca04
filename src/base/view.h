/* A view: bytes that belong to someone else, with their length. Everything that comes from outside is handled
 * as views; none of these functions reads past n, none needs a NUL. A view never outlives its buffer: to keep
 * it, copy it with rf_view_dup() (base/arena.h). */
#ifndef RF_BASE_VIEW_H
#define RF_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rf_view {
	const uint8_t *p;
	size_t n;
};

/* A view of a string literal. */
#define RF_V(lit) ((struct rf_view){ (const uint8_t *)("" lit), sizeof(lit) - 1 })
/* For printf("%.*s"): only for bytes already known to be printable. */
#define RF_VFMT(v) (int)(v).n, (const char *)(v).p

static inline struct rf_view rf_view_of(const void *p, size_t n)
{
	return (struct rf_view){ (const uint8_t *)p, n };
}

/* A view of a NUL-terminated string of our own; NULL gives the empty view. Never for outside bytes. */
static inline struct rf_view rf_view_str(const char *s)
{
	return (struct rf_view){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

static inline bool rf_view_empty(struct rf_view v)
{
	return v.n == 0;
}

static inline bool rf_view_eq(struct rf_view a, struct rf_view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The part from offset at, at most n bytes; what lies outside the view is cut off. */
static inline struct rf_view rf_view_sub(struct rf_view v, size_t at, size_t n)
{
	if (at > v.n)
		at = v.n;
	if (n > v.n - at)
		n = v.n - at;
	return (struct rf_view){ v.p ? v.p + at : NULL, n };
}

static inline struct rf_view rf_view_from(struct rf_view v, size_t at)
{
	return rf_view_sub(v, at, v.n);
}

static inline uint8_t rf_lower(uint8_t c)
{
	return (unsigned)c - 'A' < 26u ? c | 0x20 : c;
}

/* Equal but for the case of ASCII letters. */
bool rf_view_eq_nocase(struct rf_view a, struct rf_view b);
bool rf_view_starts(struct rf_view v, struct rf_view prefix);
bool rf_view_starts_nocase(struct rf_view v, struct rf_view prefix);
bool rf_view_ends(struct rf_view v, struct rf_view suffix);
/* Order by bytes, then by length: <0, 0, >0. */
int rf_view_cmp(struct rf_view a, struct rf_view b);

/* Offset of the first byte c, or v.n. */
size_t rf_view_find(struct rf_view v, uint8_t c);

/* Without SP, HTAB, CR and LF at both ends (after unfolding these are LWS, RFC 3261 25.1). */
struct rf_view rf_view_trim(struct rf_view v);

/* Length of the UTF-8 sequence that v begins with (RFC 3629: no surrogates, no overlong forms), 0 when it is none. */
size_t rf_view_utf8(struct rf_view v);

/* Digits only, whole view, no sign; false (output untouched) when empty, not digits, or over max. */
bool rf_view_u64(struct rf_view v, uint64_t max, uint64_t *ret);
bool rf_view_u32(struct rf_view v, uint32_t *ret);

/* Copy as a NUL-terminated string into dst (cap bytes); false when it does not fit or holds a NUL. */
bool rf_view_cstr(struct rf_view v, char *dst, size_t cap);

#endif

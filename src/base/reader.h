/* Read bytes with a sticky error: a getter that would pass the end gives zero or the empty view and sets err.
 * Look once at the end; rf_reader_end() also refuses what is left over. */
#ifndef RF_BASE_READER_H
#define RF_BASE_READER_H

#include "base/err.h"
#include "base/view.h"

struct rf_reader {
	const uint8_t *p, *end;
	int err;
};

static inline struct rf_reader rf_reader_of(struct rf_view v)
{
	return (struct rf_reader){ v.p, v.n ? v.p + v.n : v.p, 0 };
}

static inline size_t rf_left(const struct rf_reader *r)
{
	return (size_t)(r->end - r->p);
}

/* The next byte without taking it, -1 at the end. */
static inline int rf_peek(const struct rf_reader *r)
{
	return r->p < r->end ? *r->p : -1;
}

static inline struct rf_view rf_take(struct rf_reader *r, size_t n)
{
	if (r->err || n > rf_left(r)) {
		r->err = RF_E_MALFORMED;
		return (struct rf_view){ r->p, 0 };
	}
	struct rf_view v = { r->p, n };
	if (n) /* NULL + 0 is undefined: the empty view may have no pointer */
		r->p += n;
	return v;
}

static inline uint8_t rf_take_u8(struct rf_reader *r)
{
	struct rf_view v = rf_take(r, 1);

	return v.n ? v.p[0] : 0;
}

static inline uint16_t rf_take_be16(struct rf_reader *r)
{
	struct rf_view v = rf_take(r, 2);

	return v.n ? (uint16_t)(v.p[0] << 8 | v.p[1]) : 0;
}

static inline uint32_t rf_take_be32(struct rf_reader *r)
{
	struct rf_view v = rf_take(r, 4);

	return v.n ? (uint32_t)v.p[0] << 24 | (uint32_t)v.p[1] << 16 | (uint32_t)v.p[2] << 8 | v.p[3] : 0;
}

/* Take c if it is next. */
static inline bool rf_take_if(struct rf_reader *r, uint8_t c)
{
	if (r->err || r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Everything before the first c, which is taken too but not returned; all that is left when there is no c. */
static inline struct rf_view rf_take_until(struct rf_reader *r, uint8_t c)
{
	size_t n = rf_view_find((struct rf_view){ r->p, rf_left(r) }, c);
	struct rf_view v = rf_take(r, n);

	rf_take_if(r, c);
	return v;
}

/* 0, the sticky error, or RF_E_MALFORMED when bytes are left over. */
static inline int rf_reader_end(const struct rf_reader *r)
{
	return r->err ? r->err : r->p == r->end ? 0 : RF_E_MALFORMED;
}

#endif

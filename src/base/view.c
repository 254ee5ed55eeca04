#include "base/view.h"

bool rf_view_eq_nocase(struct rf_view a, struct rf_view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && rf_lower(a.p[i]) != rf_lower(b.p[i]))
			return false;
	return true;
}

bool rf_view_starts(struct rf_view v, struct rf_view prefix)
{
	return v.n >= prefix.n && rf_view_eq(rf_view_sub(v, 0, prefix.n), prefix);
}

bool rf_view_starts_nocase(struct rf_view v, struct rf_view prefix)
{
	return v.n >= prefix.n && rf_view_eq_nocase(rf_view_sub(v, 0, prefix.n), prefix);
}

bool rf_view_ends(struct rf_view v, struct rf_view suffix)
{
	return v.n >= suffix.n && rf_view_eq(rf_view_from(v, v.n - suffix.n), suffix);
}

int rf_view_cmp(struct rf_view a, struct rf_view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

size_t rf_view_find(struct rf_view v, uint8_t c)
{
	const uint8_t *hit = v.n ? memchr(v.p, c, v.n) : NULL;

	return hit ? (size_t)(hit - v.p) : v.n;
}

static bool is_lws(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct rf_view rf_view_trim(struct rf_view v)
{
	while (v.n && is_lws(v.p[0])) {
		v.p++;
		v.n--;
	}
	while (v.n && is_lws(v.p[v.n - 1]))
		v.n--;
	return v;
}

size_t rf_view_utf8(struct rf_view v)
{
	if (v.n == 0)
		return 0;
	uint8_t c = v.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (n == 0 || n > v.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((v.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && v.p[1] < 0xa0) || (c == 0xed && v.p[1] > 0x9f) || (c == 0xf0 && v.p[1] < 0x90) ||
	    (c == 0xf4 && v.p[1] > 0x8f))
		return 0;
	return n;
}

bool rf_view_u64(struct rf_view v, uint64_t max, uint64_t *ret)
{
	uint64_t x = 0;

	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned d = v.p[i] - (unsigned)'0';

		if (d > 9 || __builtin_mul_overflow(x, 10, &x) || __builtin_add_overflow(x, d, &x) || x > max)
			return false;
	}
	*ret = x;
	return true;
}

bool rf_view_u32(struct rf_view v, uint32_t *ret)
{
	uint64_t x;

	if (!rf_view_u64(v, UINT32_MAX, &x))
		return false;
	*ret = (uint32_t)x;
	return true;
}

bool rf_view_cstr(struct rf_view v, char *dst, size_t cap)
{
	if (v.n >= cap || rf_view_find(v, 0) != v.n)
		return false;
	if (v.n)
		memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
	return true;
}

/* Values of matches: numbers, addresses, interfaces. */
#include "prove/ruleset.h"

#include <arpa/inet.h>

struct rf_rs_cell rf_rs_num(uint32_t lo, uint32_t hi)
{
	return (struct rf_rs_cell){ .kind = RF_RS_RANGE, .num = { lo, hi } };
}

static size_t bytes_of(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

struct rf_rs_cell rf_rs_prefix(uint8_t family, const uint8_t *address, unsigned bits)
{
	struct rf_rs_cell c = { .kind = RF_RS_RANGE, .family = family };

	for (size_t i = 0; i < bytes_of(family); i++) {
		unsigned left = bits > 8 * i ? bits - 8 * (unsigned)i : 0;
		uint8_t mask = (uint8_t)(left >= 8 ? 0xff : 0xff00 >> left);

		c.ip.lo[i] = address[i] & mask;
		c.ip.hi[i] = (uint8_t)(address[i] | (uint8_t)~mask);
	}
	return c;
}

struct rf_rs_cell rf_rs_span(uint8_t family, const uint8_t *lo, const uint8_t *hi)
{
	struct rf_rs_cell c = { .kind = RF_RS_RANGE, .family = family };

	memcpy(c.ip.lo, lo, bytes_of(family));
	memcpy(c.ip.hi, hi, bytes_of(family));
	return c;
}

struct rf_rs_cell rf_rs_masked(uint8_t family, const uint8_t *address, const uint8_t *mask)
{
	struct rf_rs_cell c = { .kind = RF_RS_MASK, .family = family };

	for (size_t i = 0; i < bytes_of(family); i++) {
		c.ip.lo[i] = address[i] & mask[i];
		c.ip.hi[i] = mask[i];
	}
	return c;
}

static bool one_address(struct rf_view text, uint8_t *ret_family, uint8_t ret_b[static 16])
{
	char s[INET6_ADDRSTRLEN];

	memset(ret_b, 0, 16);
	if (!rf_view_cstr(text, s, sizeof s))
		return false;
	*ret_family = rf_view_find(text, ':') < text.n ? 6 : 4;
	return inet_pton(*ret_family == 6 ? AF_INET6 : AF_INET, s, ret_b) == 1;
}

bool rf_rs_address(struct rf_view text, struct rf_rs_cell *ret_cell)
{
	size_t slash = rf_view_find(text, '/'), dash = rf_view_find(text, '-');
	size_t end = slash < dash ? slash : dash;
	uint8_t family, other, lo[16], hi[16];
	uint64_t bits;

	if (!one_address(rf_view_sub(text, 0, end), &family, lo))
		return false;
	if (end == text.n) {
		*ret_cell = rf_rs_span(family, lo, lo);
	} else if (slash < dash) {
		if (!rf_view_u64(rf_view_from(text, slash + 1), 8 * bytes_of(family), &bits))
			return false;
		*ret_cell = rf_rs_prefix(family, lo, (unsigned)bits);
	} else {
		if (!one_address(rf_view_from(text, dash + 1), &other, hi) || other != family || memcmp(lo, hi, 16) > 0)
			return false;
		*ret_cell = rf_rs_span(family, lo, hi);
	}
	return true;
}

struct rf_rs_cell rf_rs_interface(struct rf_ruleset *rs, struct rf_view name)
{
	bool star = name.n && name.p[name.n - 1] == '*';
	struct rf_rs_cell c = { .kind = star ? RF_RS_NAME_STAR : RF_RS_NAME };

	c.name = rf_arena_cstr(&rs->arena, rf_view_sub(name, 0, name.n - star));
	if (!c.name)
		rf_rs_fail(rs, -ENOMEM, 0, "no memory, or a NUL in the name of an interface");
	return c;
}

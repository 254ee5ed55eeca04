#include "call/display.h"

#include "base/clean.h"
#include "store/directory.h"

/* Fewer digits than FEW are a floor or a counter, not somebody's number; fewer than MANY may be an extension of ours
 * even where the caller's number ends like it. */
enum { FEW = 3, MANY = 7 };

/* Digits that could be dialled to reach another than who calls. */
static bool other_number(struct rf_view name, struct rf_view number)
{
	uint8_t in_name[RF_DISPLAY_BYTES], own[64];
	struct rf_view d = rf_clean_digits(name, in_name, sizeof in_name), o = rf_clean_digits(number, own, sizeof own);

	return d.n >= FEW && !(rf_view_ends(o, d) && (d.n >= MANY || d.n == o.n));
}

/* "@", in the forms that look like it, or a scheme that numbers are written with. */
static bool is_address(struct rf_view name)
{
	for (size_t i = 0; i < name.n; i++) {
		struct rf_view rest = rf_view_from(name, i);

		if (name.p[i] == '@' || rf_view_starts(rest, RF_V("\xef\xbc\xa0")) ||
		    rf_view_starts(rest, RF_V("\xef\xb9\xab")) || rf_view_starts_nocase(rest, RF_V("sip:")) ||
		    rf_view_starts_nocase(rest, RF_V("sips:")) || rf_view_starts_nocase(rest, RF_V("tel:")) ||
		    rf_view_starts(rest, RF_V("://")))
			return true;
	}
	return false;
}

static bool same_glance(struct rf_view a, struct rf_view b)
{
	uint8_t x[RF_DISPLAY_BYTES], y[256];
	struct rf_view key = rf_clean_key(a, x, sizeof x);

	return key.n && rf_view_eq(key, rf_clean_key(b, y, sizeof y));
}

struct rf_view rf_display_outside(const struct rf_directory *d, struct rf_view name, struct rf_view number,
				  uint8_t buf[static RF_DISPLAY_BYTES])
{
	static const struct rf_view none = { NULL, 0 };
	const struct rf_site *site = rf_directory_site(d);
	struct rf_view v = rf_clean_name(name, RF_DISPLAY_CHARACTERS, buf, RF_DISPLAY_BYTES);

	if (v.n == 0 || is_address(v) || other_number(v, number) || rf_directory_is_name(d, v) ||
	    same_glance(v, site->name) || same_glance(v, site->domain))
		return none;
	return v;
}

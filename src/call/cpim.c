#include "call/cpim.h"

static bool names(struct rf_view address, struct rf_view who, struct rf_view domain)
{
	size_t at = rf_view_find(address, '@');

	return who.n && at < address.n && rf_view_eq(rf_view_sub(address, 0, at), who) &&
	       rf_view_eq_nocase(rf_view_from(address, at + 1), domain);
}

/* `Formal-name <scheme:address>` (RFC 3862 3.1, 4.1); the brackets are always there. */
static bool address_of(struct rf_view value, struct rf_view *ret_address)
{
	size_t open = rf_view_find(value, '<');
	struct rf_view uri = rf_view_from(value, open + 1), scheme;
	size_t close = rf_view_find(uri, '>');

	if (open >= value.n || close >= uri.n || rf_view_trim(rf_view_from(uri, close + 1)).n)
		return false;
	uri = rf_view_sub(uri, 0, close);
	size_t colon = rf_view_find(uri, ':');

	scheme = rf_view_sub(uri, 0, colon);
	*ret_address = rf_view_from(uri, colon + 1);
	return rf_view_eq_nocase(scheme, RF_V("im")) || rf_view_eq_nocase(scheme, RF_V("sip")) ||
	       rf_view_eq_nocase(scheme, RF_V("sips")) || rf_view_eq_nocase(scheme, RF_V("pres"));
}

bool rf_cpim_from_is(struct rf_view body, struct rf_view number, struct rf_view user, struct rf_view domain)
{
	struct rf_view rest = body, address;

	while (rest.n) {
		size_t end = rf_view_find(rest, '\n');
		struct rf_view line = rf_view_sub(rest, 0, end);

		rest = rf_view_from(rest, end + 1);
		if (rf_view_trim(line).n == 0)
			return true; /* what follows is the content */
		size_t colon = rf_view_find(line, ':');

		if (colon >= line.n || line.p[0] == ' ' || line.p[0] == '\t')
			return false;
		/* names are case-sensitive there, but a reader may not care: neither do we */
		if (!rf_view_eq_nocase(rf_view_trim(rf_view_sub(line, 0, colon)), RF_V("From")))
			continue;
		if (!address_of(rf_view_from(line, colon + 1), &address) ||
		    (!names(address, number, domain) && !names(address, user, domain)))
			return false;
	}
	return false; /* no content */
}

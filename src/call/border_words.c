/* What a text that is not read here would tell the outside: addresses and names of the site,
 * wherever they stand in it. */
#include "call/border.h"

enum { IP6_MAX = 45 };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_of_ip6(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

static bool is_of_name(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* --- addresses */

/* Networks that are nobody's in the world (RFC 1918, 6598, 3927, 1122; RFC 4193, 4291). */
static bool is_private(const struct rf_site_ip *a)
{
	static const struct rf_site_ip nets[] = {
		{ .family = 4, .prefix = 8, .b = { 10 } }, { .family = 4, .prefix = 12, .b = { 172, 16 } },
		{ .family = 4, .prefix = 16, .b = { 192, 168 } }, { .family = 4, .prefix = 10, .b = { 100, 64 } },
		{ .family = 4, .prefix = 16, .b = { 169, 254 } }, { .family = 4, .prefix = 8, .b = { 127 } },
		{ .family = 6, .prefix = 7, .b = { 0xfc } }, { .family = 6, .prefix = 10, .b = { 0xfe, 0x80 } },
		{ .family = 6, .prefix = 128, .b = { [15] = 1 } },
	};

	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		if (nets[i].family == a->family && rf_site_ip_in(a, &nets[i]))
			return true;
	return false;
}

/* An IPv4 address written as one of IPv6: mapped or compatible (RFC 4291 2.5.5), or as translators
 * have it (RFC 6052 2.1). */
static bool take_wrapped(const struct rf_site_ip *a, struct rf_site_ip *ret)
{
	static const uint8_t heads[][12] = { { 0 }, { [10] = 0xff, [11] = 0xff }, { 0, 0x64, 0xff, 0x9b } };

	for (size_t i = 0; a->family == 6 && i < sizeof heads / sizeof *heads; i++)
		if (memcmp(a->b, heads[i], sizeof heads[i]) == 0) {
			*ret = (struct rf_site_ip){ .family = 4, .prefix = 32 };
			memcpy(ret->b, a->b + sizeof heads[i], 4);
			return true;
		}
	return false;
}

static bool is_inside(const struct rf_site *site, const struct rf_site_ip *a)
{
	struct rf_site_ip four;

	if (!is_private(a) && take_wrapped(a, &four))
		a = &four;
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct rf_site_zone *z = &site->zones[i];
		const struct rf_site_ip *net = a->family == 4 ? &z->subnet : &z->subnet6;

		if (z->kind != RF_ZONE_INTERNET && z->kind != RF_ZONE_WAN && z->kind != RF_ZONE_PSTN &&
		    net->family == a->family && rf_site_ip_in(a, net))
			return true;
	}
	return is_private(a);
}

/* A dotted quad at the start of v: how many bytes it takes, 0: none. */
static size_t take_ip4(struct rf_view v, struct rf_site_ip *ret)
{
	size_t at = 0;

	*ret = (struct rf_site_ip){ .family = 4, .prefix = 32 };
	for (unsigned part = 0; part < 4; part++) {
		unsigned n = 0, x = 0;

		if (part && (at == v.n || v.p[at++] != '.'))
			return 0;
		for (; at < v.n && is_digit(v.p[at]) && n < 4; n++)
			x = x * 10 + (v.p[at++] - '0');
		if (!n || n > 3 || x > 255)
			return 0;
		ret->b[part] = (uint8_t)x;
	}
	return at;
}

static bool names_ip4(const struct rf_site *site, struct rf_view v)
{
	struct rf_site_ip a;

	for (size_t at = 0; at < v.n; at++)
		if (is_digit(v.p[at]) && (!at || !is_digit(v.p[at - 1])) && take_ip4(rf_view_from(v, at), &a) &&
		    is_inside(site, &a))
			return true;
	return false;
}

/* One run of what addresses are written with: all of it, or the part behind one of its colons. */
static bool run_names_ip6(const struct rf_site *site, struct rf_view run)
{
	struct rf_site_ip a;

	for (size_t at = 0; at < run.n; at++) {
		struct rf_view v = rf_view_from(run, at);

		if (at && run.p[at - 1] != ':')
			continue;
		for (size_t n = v.n < IP6_MAX ? v.n : IP6_MAX; n > 2; n--)
			if ((n == v.n || v.p[n] == ':' || v.p[n] == '.') &&
			    rf_site_ip_parse(rf_view_sub(v, 0, n), false, &a) && a.family == 6 && is_inside(site, &a))
				return true;
	}
	return false;
}

static bool names_ip6(const struct rf_site *site, struct rf_view v)
{
	for (size_t at = 0, end; at < v.n; at = end + 1) {
		for (end = at; end < v.n && is_of_ip6(v.p[end]); end++)
			;
		struct rf_view run = rf_view_sub(v, at, end - at);

		if (run.n > 2 && rf_view_find(run, ':') < run.n && run_names_ip6(site, run))
			return true;
	}
	return false;
}

/* --- names */

static bool is_host(const struct rf_site *site, struct rf_view word)
{
	for (size_t i = 0; i < site->host_count; i++)
		if (rf_view_eq_nocase(word, site->hosts[i].name))
			return true;
	return false;
}

/* Is this what follows a host in its full name? */
static bool is_full(const struct rf_site *site, struct rf_view rest)
{
	size_t n = site->domain.n;

	return n && rest.n > n && rest.p[0] == '.' && rf_view_eq_nocase(rf_view_sub(rest, 1, n), site->domain);
}

/* name: by its name alone, which may be a word of the text by chance; with the domain behind it it is
 * that host in any case. */
static bool names_host(const struct rf_site *site, struct rf_view v, bool name)
{
	for (size_t at = 0, end; at < v.n; at = end + 1) {
		for (end = at; end < v.n && is_of_name(v.p[end]); end++)
			;
		if (end > at && is_host(site, rf_view_sub(v, at, end - at)) &&
		    (name || is_full(site, rf_view_from(v, end))))
			return true;
	}
	return false;
}

const char *rf_border_tells(const struct rf_site *site, struct rf_view text, bool names)
{
	if (names_ip4(site, text) || names_ip6(site, text))
		return "an address of the inside";
	return names_host(site, text, names) ? "a host of the site" : NULL;
}

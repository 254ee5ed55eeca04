/* The small texts of a site: names, numbers, addresses. */
#include "site/chars.h"
#include "site/site_int.h"

#include <arpa/inet.h>

bool rf_site_name_ok(struct rf_view name)
{
	if (name.n == 0 || name.n > RF_SITE_NAME_MAX || !rf_is_word(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!rf_is_word(name.p[i]) && name.p[i] != '-' && name.p[i] != '_' && name.p[i] != '.')
			return false;
	/* It names folders too: "..", as part of a name, never. */
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] == '.' && name.p[i - 1] == '.')
			return false;
	return true;
}

bool rf_site_number_ok(struct rf_view number)
{
	size_t i = number.n && number.p[0] == '+';

	if (number.n == i || number.n > RF_SITE_NUMBER_MAX)
		return false;
	for (; i < number.n; i++)
		if (!rf_is_digit(number.p[i]))
			return false;
	return true;
}

bool rf_site_says_something(struct rf_view text)
{
	size_t letters = 0;

	for (size_t i = 0; i < text.n; i++)
		letters += text.p[i] >= 0x80 || rf_is_word(text.p[i]);
	return letters >= 2;
}

static int hex_digit(uint8_t c)
{
	return rf_is_digit(c) ? c - '0' : rf_lower(c) >= 'a' && rf_lower(c) <= 'f' ? rf_lower(c) - 'a' + 10 : -1;
}

bool rf_site_mac_parse(struct rf_view text, uint8_t ret_mac[static 6])
{
	uint8_t mac[6];
	size_t step = text.n == 17 ? 3 : text.n == 12 ? 2 : 0;

	for (size_t i = 0; step && i < 6; i++) {
		int high = hex_digit(text.p[i * step]), low = hex_digit(text.p[i * step + 1]);

		if (high < 0 || low < 0 || (step == 3 && i < 5 && text.p[i * 3 + 2] != text.p[2]))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (!step || (step == 3 && text.p[2] != ':' && text.p[2] != '-'))
		return false;
	memcpy(ret_mac, mac, 6);
	return true;
}

static bool host_bits_zero(const struct rf_site_ip *ip)
{
	unsigned bits = ip->family == 4 ? 32 : 128;

	for (unsigned i = ip->prefix; i < bits; i++)
		if (ip->b[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

bool rf_site_ip_parse(struct rf_view text, bool want_prefix, struct rf_site_ip *ret_ip)
{
	struct rf_site_ip ip = { 0 };
	size_t slash = rf_view_find(text, '/');
	char s[INET6_ADDRSTRLEN];
	uint64_t prefix;

	if (!rf_view_cstr(rf_view_sub(text, 0, slash), s, sizeof s) || (slash < text.n) != want_prefix)
		return false;
	if (inet_pton(AF_INET, s, ip.b) == 1)
		ip.family = 4;
	else if (inet_pton(AF_INET6, s, ip.b) == 1)
		ip.family = 6;
	else
		return false;
	prefix = ip.family == 4 ? 32 : 128;
	if (want_prefix && !rf_view_u64(rf_view_from(text, slash + 1), prefix, &prefix))
		return false;
	ip.prefix = (uint8_t)prefix;
	if (!host_bits_zero(&ip))
		return false;
	*ret_ip = ip;
	return true;
}

bool rf_site_ip_in(const struct rf_site_ip *address, const struct rf_site_ip *subnet)
{
	if (!address->family || address->family != subnet->family || address->prefix < subnet->prefix)
		return false;
	unsigned whole = subnet->prefix / 8, rest = subnet->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return memcmp(address->b, subnet->b, whole) == 0 &&
	       (rest == 0 || ((address->b[whole] ^ subnet->b[whole]) & mask) == 0);
}

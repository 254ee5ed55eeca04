/* Hosts: names, IPv4 addresses, IPv6 references (RFC 3261 25.1, RFC 5954). */
#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/uri.h"

/* Four decimal numbers of one to three digits up to 255. */
static bool is_ip4(const uint8_t *p, size_t n, uint8_t ret_addr[static 4])
{
	const uint8_t *end = p + n;

	for (int i = 0; i < 4; i++) {
		unsigned x = 0, digits = 0;

		for (; p < end && rf_sip_is_digit(*p) && digits < 4; p++, digits++)
			x = x * 10 + (*p - (unsigned)'0');
		if (digits == 0 || digits > 3 || x > 255)
			return false;
		ret_addr[i] = (uint8_t)x;
		if (i < 3 && (p == end || *p++ != '.'))
			return false;
	}
	return p == end;
}

bool rf_sip_ip6(struct rf_view text, uint8_t ret_addr[static 16])
{
	const uint8_t *p = text.p, *end = p + text.n;
	uint8_t addr[16];
	size_t n = 0, gap = SIZE_MAX; /* where "::" stands in addr */

	if (text.n < 2)
		return false;
	if (p[0] == ':' && *++p != ':')
		return false;
	while (p < end) {
		if (*p == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			p++;
			/* RFC 5118 4.10: a bug in the grammar of RFC 3261 made "2001:db8:::192.0.2.1" */
			if (end - p > 7 && *p == ':' && rf_view_find(rf_view_of(p, (size_t)(end - p)), '.') <= 4)
				p++;
			continue;
		}
		if (n <= 12 && is_ip4(p, (size_t)(end - p), addr + n)) {
			n += 4;
			p = end;
			break;
		}
		unsigned x = 0, digits = 0;
		for (; p < end && digits < 5 && rf_sip_hex(*p) >= 0; p++, digits++)
			x = x << 4 | (unsigned)rf_sip_hex(*p);
		if (digits == 0 || digits > 4 || n == 16)
			return false;
		addr[n++] = (uint8_t)(x >> 8);
		addr[n++] = (uint8_t)x;
		if (p < end && (*p++ != ':' || p == end))
			return false;
	}
	if (gap == SIZE_MAX ? n != 16 : n > 14)
		return false;
	size_t head = gap == SIZE_MAX ? n : gap;
	memset(ret_addr, 0, 16);
	memcpy(ret_addr, addr, head);
	memcpy(ret_addr + 16 - (n - head), addr + head, n - head);
	return true;
}

/* A name: labels of letters, digits, "-" and "_", none empty, a "." at the end allowed. A last label of digits only
 * would be an address, and it is not one. */
static int name_kind(struct rf_view v, enum rf_sip_host_kind *ret_kind)
{
	uint8_t addr[4];
	const uint8_t *p = v.p, *end = p + v.n;
	bool digits = true, empty = true;

	for (; p < end; p++) {
		if (*p == '.') {
			if (empty)
				return RF_E_MALFORMED;
			empty = true;
			if (p + 1 < end)
				digits = true;
			continue;
		}
		if (!rf_sip_is(*p, RF_SIP_C_HOST))
			return RF_E_MALFORMED;
		empty = false;
		digits = digits && rf_sip_is_digit(*p);
	}
	if (!digits) {
		*ret_kind = RF_SIP_HOST_NAME;
		return 0;
	}
	if (!is_ip4(v.p, v.n, addr))
		return RF_E_MALFORMED;
	*ret_kind = RF_SIP_HOST_IP4;
	return 0;
}

int rf_sip_host_parse(struct rf_view text, struct rf_view *ret_host, enum rf_sip_host_kind *ret_kind)
{
	if (text.n == 0)
		return RF_E_MALFORMED;
	if (text.n > RF_SIP_HOST_MAX)
		return RF_E_LIMIT;
	if (text.p[0] == '[') {
		uint8_t addr[16];

		text = rf_view_sub(text, 1, text.n - 1);
		if (text.n == 0 || text.p[text.n - 1] != ']')
			return RF_E_MALFORMED;
		text.n--;
		if (!rf_sip_ip6(text, addr))
			return RF_E_MALFORMED;
		*ret_host = text;
		*ret_kind = RF_SIP_HOST_IP6;
		return 0;
	}
	int rc = name_kind(text, ret_kind);
	if (rc == 0)
		*ret_host = text;
	return rc;
}

bool rf_sip_host_eq(struct rf_view a, enum rf_sip_host_kind a_kind, struct rf_view b, enum rf_sip_host_kind b_kind)
{
	uint8_t x[16], y[16];

	if (a_kind != b_kind)
		return false;
	if (a_kind == RF_SIP_HOST_IP6)
		return rf_sip_ip6(a, x) && rf_sip_ip6(b, y) && memcmp(x, y, 16) == 0;
	return rf_view_eq_nocase(a, b);
}

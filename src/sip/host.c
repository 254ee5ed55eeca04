/* Hosts: names, IPv4 addresses, IPv6 references (RFC 3261 25.1, RFC 5954). A name is labels of letters, digits, "-"
 * and "_", none empty, a "." at the end allowed; one whose last label is digits only would be an address. */
#include "sip/chars.h"
#include "sip/limits.h"
#include "sip/scan.h"

/* Four decimal numbers of one to three digits up to 255. Behind them, or NULL. */
static const uint8_t *scan_ip4(const uint8_t *p, const uint8_t *end, uint8_t ret_addr[static 4])
{
	for (int i = 0; i < 4; i++) {
		unsigned x = 0;
		const uint8_t *from = p;

		for (; p < end && rf_sip_is_digit(*p) && p - from < 4; p++)
			x = x * 10 + (*p - (unsigned)'0');
		if (p == from || p - from > 3 || x > 255)
			return NULL;
		ret_addr[i] = (uint8_t)x;
		if (i < 3 && (p == end || *p++ != '.'))
			return NULL;
	}
	return p;
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
		if (n <= 12 && scan_ip4(p, end, addr + n) == end) {
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

/* An IPv6 reference; p stands on the "[". */
static const uint8_t *scan_ip6(const uint8_t *p, const uint8_t *end, struct rf_view *ret_host)
{
	const uint8_t *from = ++p;
	uint8_t addr[16];

	while (p < end && (rf_sip_hex(*p) >= 0 || *p == ':' || *p == '.') && p - from < 64)
		p++;
	if (p == end || *p != ']' || !rf_sip_ip6(rf_view_of(from, (size_t)(p - from)), addr))
		return NULL;
	*ret_host = rf_view_of(from, (size_t)(p - from));
	return p + 1;
}

static bool all_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && rf_sip_is_digit(*p))
		p++;
	return p == end;
}

const uint8_t *rf_sip_host_scan(const uint8_t *p, const uint8_t *end, struct rf_view *ret_host,
				enum rf_sip_host_kind *ret_kind)
{
	const uint8_t *from = p, *label, *last;
	uint8_t addr[4];

	if (p < end && *p == '[') {
		*ret_kind = RF_SIP_HOST_IP6;
		return scan_ip6(p, end, ret_host);
	}
	if (p < end && rf_sip_is_digit(*p)) {
		p = scan_ip4(p, end, addr);
		if (p && (p == end || !rf_sip_is(*p, RF_SIP_C_HOST))) {
			*ret_kind = RF_SIP_HOST_IP4;
			*ret_host = rf_view_of(from, (size_t)(p - from));
			return p;
		}
		p = from;
	}
	for (;;) {
		label = p;
		p = last = rf_sip_skip(p, end, RF_SIP_C_LABEL);
		if (p == label)
			return NULL;
		if (p == end || *p != '.')
			break;
		p++;
		if (p == end || !rf_sip_is(*p, RF_SIP_C_HOST))
			break; /* "example.org." */
	}
	if (p - from > RF_SIP_HOST_MAX || all_digits(label, last))
		return NULL;
	*ret_kind = RF_SIP_HOST_NAME;
	*ret_host = rf_view_of(from, (size_t)(p - from));
	return p;
}

int rf_sip_host_parse(struct rf_view text, struct rf_view *ret_host, enum rf_sip_host_kind *ret_kind)
{
	enum rf_sip_host_kind kind;
	struct rf_view host;
	const uint8_t *p = rf_sip_host_scan(text.p, text.p + text.n, &host, &kind);

	if (!p || p != text.p + text.n)
		return RF_E_MALFORMED;
	*ret_host = host;
	*ret_kind = kind;
	return 0;
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

#include "base/reader.h"
#include "sdp/chars.h"
#include "sdp/sdp_int.h"

#include <arpa/inet.h>

static bool is_host(uint8_t c)
{
	return rf_sdp_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

static int check_ip4(struct rf_sdp_conn *c, bool media)
{
	char text[INET_ADDRSTRLEN];
	uint8_t b[4];

	/* A name may stand where an address does (RFC 8866 9, FQDN); one made of digits and dots is
	 * meant as an address. */
	if (!rf_view_cstr(c->addr, text, sizeof text) || inet_pton(AF_INET, text, b) != 1) {
		c->name = true;
		for (size_t i = 0; i < c->addr.n; i++)
			if (!rf_sdp_is_digit(c->addr.p[i]) && c->addr.p[i] != '.')
				return rf_sdp_all(c->addr, is_host) ? 0 : RF_E_MALFORMED;
		return RF_E_MALFORMED;
	}
	c->zero = (b[0] | b[1] | b[2] | b[3]) == 0;
	return media && b[0] >= 224 ? RF_E_UNSUPPORTED : 0;
}

static int check_ip6(struct rf_sdp_conn *c, bool media)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t b[16], any = 0;

	c->name = rf_view_find(c->addr, ':') == c->addr.n;
	if (c->name)
		return rf_sdp_all(c->addr, is_host) ? 0 : RF_E_MALFORMED;
	if (!rf_view_cstr(c->addr, text, sizeof text) || inet_pton(AF_INET6, text, b) != 1)
		return RF_E_MALFORMED;
	for (size_t i = 0; i < sizeof b; i++)
		any |= b[i];
	c->zero = any == 0;
	return media && b[0] == 0xff ? RF_E_UNSUPPORTED : 0;
}

/* Some write the address of the origin as in a URI (sipp's own scenarios do); we write it on without. */
static struct rf_view without_brackets(struct rf_view v)
{
	bool both = v.n > 2 && v.p[0] == '[' && v.p[v.n - 1] == ']';

	return both ? rf_view_sub(v, 1, v.n - 2) : v;
}

int rf_sdp_address_parse(struct rf_view text, bool media, struct rf_sdp_conn *ret_conn)
{
	struct rf_reader r = rf_reader_of(text);
	struct rf_view net = rf_take_until(&r, ' '), type = rf_take_until(&r, ' ');
	struct rf_sdp_conn c = { .present = true, .addr = rf_take(&r, rf_left(&r)) };
	int rc;

	if (!rf_view_eq_nocase(net, RF_V("IN")) || rf_view_empty(c.addr))
		return RF_E_MALFORMED;
	/* "/ttl" and "/count" stand behind multicast addresses only (RFC 8866 5.7). */
	if (rf_view_find(c.addr, '/') != c.addr.n)
		return RF_E_UNSUPPORTED;
	if (rf_view_eq_nocase(type, RF_V("IP4"))) {
		rc = check_ip4(&c, media);
	} else if (rf_view_eq_nocase(type, RF_V("IP6"))) {
		c.ip6 = true;
		if (!media)
			c.addr = without_brackets(c.addr);
		rc = check_ip6(&c, media);
	} else {
		return RF_E_MALFORMED;
	}
	if (rc == 0)
		*ret_conn = c;
	return rc;
}

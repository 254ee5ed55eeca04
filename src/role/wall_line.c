#include "role/wall_line.h"

#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static int refuse(const char **ret_rule, int code, const char *rule)
{
	*ret_rule = rule;
	return code;
}

/* The part up to the next c, and what is behind it. */
static struct rf_view cut(struct rf_view *rest, uint8_t c)
{
	size_t n = rf_view_find(*rest, c);
	struct rf_view part = rf_view_sub(*rest, 0, n);

	*rest = rf_view_from(*rest, n < rest->n ? n + 1 : n);
	return part;
}

/* One address has one spelling only as far as we care: what it means is compared, never how it is written. */
static bool address(struct rf_view text, uint8_t *ret_family, uint8_t ret_ip[static 16])
{
	struct rf_addr a;

	if (!text.n || text.p[0] == '[' || rf_view_find(text, '%') < text.n || rf_addr_parse(text, 0, &a) || a.port)
		return false;
	*ret_family = a.family;
	memcpy(ret_ip, a.ip, 16);
	return true;
}

static bool port(struct rf_view text, uint16_t *ret)
{
	uint64_t x;

	if (text.n > 5 || !rf_view_u64(text, 65535, &x) || x == 0)
		return false;
	*ret = (uint16_t)x;
	return true;
}

static bool tuple(struct rf_view text, struct rf_tuple *t)
{
	struct rf_view protocol = cut(&text, '/'), src = cut(&text, '/'), sport = cut(&text, '/'),
		       dst = cut(&text, '/');
	uint8_t family;

	memset(t, 0, sizeof *t);
	bool any = rf_view_eq(sport, RF_V("any"));

	t->protocol = rf_view_eq(protocol, RF_V("udp")) ? IPPROTO_UDP : rf_view_eq(protocol, RF_V("tcp")) ? IPPROTO_TCP : 0;
	return t->protocol && address(src, &t->family, t->src) && (any || port(sport, &t->sport)) && address(dst, &family, t->dst) &&
	       family == t->family && port(text, &t->dport);
}

static bool address_alone(struct rf_view text, struct rf_tuple *t)
{
	memset(t, 0, sizeof *t);
	return address(text, &t->family, t->src);
}

enum takes { NOTHING, TUPLES, ADDRESSES };
static const struct {
	struct rf_view name;
	uint32_t seconds_max;        /* 0: no time is given */
	enum takes takes;
} verbs[] = {
	[RF_WALL_OPEN] = { { (const uint8_t *)"open", 4 }, RF_WALL_SECONDS_MAX, TUPLES },
	[RF_WALL_REFRESH] = { { (const uint8_t *)"refresh", 7 }, RF_WALL_SECONDS_MAX, TUPLES },
	[RF_WALL_CLOSE] = { { (const uint8_t *)"close", 5 }, 0, TUPLES },
	[RF_WALL_PING] = { { (const uint8_t *)"ping", 4 }, 0, NOTHING },
	[RF_WALL_BLOCK] = { { (const uint8_t *)"block", 5 }, RF_WALL_BLOCK_SECONDS_MAX, ADDRESSES },
	[RF_WALL_UNBLOCK] = { { (const uint8_t *)"unblock", 7 }, 0, ADDRESSES },
};

static int tuples(struct rf_view rest, struct rf_wall_request *r, const char **ret_rule)
{
	bool addresses = verbs[r->verb].takes == ADDRESSES;

	for (bool more = true; more;) {
		more = rf_view_find(rest, ' ') < rest.n;
		struct rf_view text = cut(&rest, ' ');

		if (r->n == RF_WALL_LINE_TUPLES)
			return refuse(ret_rule, RF_E_LIMIT, "too many tuples");
		if (!(addresses ? address_alone : tuple)(text, &r->tuples[r->n]))
			return refuse(ret_rule, RF_E_MALFORMED, addresses ? "what is blocked is an address" :
				      "a tuple is protocol/address/port/address/port");
		r->n++;
	}
	return 0;
}

int rf_wall_line_parse(struct rf_view line, struct rf_wall_request *r, const char **ret_rule)
{
	size_t verb = 0;
	uint64_t seconds = 0;

	r->id = 0;
	r->seconds = 0;
	r->n = 0;
	if (line.n >= RF_WALL_LINE_MAX)
		return refuse(ret_rule, RF_E_LIMIT, "the line is too long");
	struct rf_view rest = line, id = cut(&rest, ' ');
	if (id.n > 10 || !rf_view_u32(id, &r->id))
		return refuse(ret_rule, RF_E_MALFORMED, "a request begins with its number");
	bool more = rf_view_find(rest, ' ') < rest.n;
	struct rf_view word = cut(&rest, ' ');
	while (verb < sizeof verbs / sizeof *verbs && !rf_view_eq(word, verbs[verb].name))
		verb++;
	if (verb == sizeof verbs / sizeof *verbs)
		return refuse(ret_rule, RF_E_MALFORMED, "requests are open, refresh, close, block, unblock and ping");
	r->verb = (enum rf_wall_verb)verb;
	if (more != (verbs[verb].takes != NOTHING))
		return refuse(ret_rule, RF_E_MALFORMED, more ? "ping takes nothing" : "a tuple is missing");
	if (verbs[verb].seconds_max) {
		more = rf_view_find(rest, ' ') < rest.n;
		if (!rf_view_u64(cut(&rest, ' '), verbs[verb].seconds_max, &seconds) || !seconds)
			return refuse(ret_rule, RF_E_MALFORMED, "seconds are 1 to 3600, of block 1 to 86400");
		if (!more)
			return refuse(ret_rule, RF_E_MALFORMED, "a tuple is missing");
		r->seconds = (uint32_t)seconds;
	}
	return verbs[verb].takes != NOTHING ? tuples(rest, r, ret_rule) : 0;
}

const char *rf_tuple_text(const struct rf_tuple *t, char *dst, size_t cap)
{
	char src[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], port[8] = "any";
	int family = t->family == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, t->src, src, sizeof src);
	inet_ntop(family, t->dst, to, sizeof to);
	if (!rf_tuple_is_opening(t))
		snprintf(port, sizeof port, "%u", t->sport);
	snprintf(dst, cap, "protocol %u, %s port %s > %s port %u", t->protocol, src, port, to, t->dport);
	return dst;
}

/* Values that only networks need: names of ports, ports of protocols. */
#include "site/chars.h"
#include "site/schema.h"

static void *member(const struct rf_value *v)
{
	return v->dst + v->key->at;
}

static void put_text(const struct rf_value *v, bool ok, const char *mend)
{
	if (ok)
		*(struct rf_view *)member(v) = v->text;
	else
		rf_value_bad(v, mend);
}

/* As devices call their ports: Gi1/0/1, ge-0/0/0, irb.30, bond0. What is written behind it in a configuration must not
 * be able to begin something else there, so no spaces, quotes or braces. */
static bool is_port_name(struct rf_view v)
{
	if (!v.n || v.n > RF_SITE_PORT_NAME_MAX || !rf_is_word(v.p[0]))
		return false;
	for (size_t i = 1; i < v.n; i++)
		if (!rf_is_word(v.p[i]) && !strchr("/.-_:", v.p[i]))
			return false;
	return true;
}

/* "443" or "8000-8010"; zero is no port. */
static bool read_ports(struct rf_view v, struct rf_site_ports *ret_ports)
{
	size_t dash = rf_view_find(v, '-');
	uint64_t first, last;

	if (!rf_view_u64(rf_view_sub(v, 0, dash), 65535, &first) || !first)
		return false;
	last = first;
	if (dash < v.n && (!rf_view_u64(rf_view_from(v, dash + 1), 65535, &last) || last < first))
		return false;
	*ret_ports = (struct rf_site_ports){ (uint16_t)first, (uint16_t)last };
	return true;
}

static void put_ports(const struct rf_value *v)
{
	if (!read_ports(v->text, member(v)))
		rf_value_bad(v, "write a port like 443 or ports like 8000-8010, from 1 to 65535");
}

static void put_span(const struct rf_value *v)
{
	struct rf_site_ports ports;
	uint32_t *to = member(v);

	if (!read_ports(v->text, &ports) || ports.first < 1024 || ports.last - ports.first < 99) {
		rf_value_bad(v, "write at least 100 ports from 1024 to 65535, like 16384-32767");
		return;
	}
	to[0] = ports.first;
	to[1] = ports.last;
}

static void put_address(const struct rf_value *v)
{
	if (!rf_site_ip_parse(v->text, false, member(v)))
		rf_value_bad(v, "write an address like 192.0.2.53 or 2001:db8::53");
}

static bool is_end(struct rf_view v)
{
	struct rf_site_ip ip;

	return rf_site_name_ok(v) || rf_site_ip_parse(v, false, &ip) || rf_site_ip_parse(v, true, &ip);
}

bool rf_value_net(const struct rf_value *v)
{
	switch (v->key->type) {
	case RF_KEY_PORT:
		put_text(v, is_port_name(v->text),
			 "write the device's own name for it, like Gi1/0/1 or swp1, at most 31 characters");
		return true;
	case RF_KEY_PORTS:
		put_ports(v);
		return true;
	case RF_KEY_SPAN:
		put_span(v);
		return true;
	case RF_KEY_ADDRESSES:
		put_address(v);
		return true;
	case RF_KEY_ENDS:
		put_text(v, is_end(v->text), "name a host, or write an address or a network");
		return true;
	default:
		return false;
	}
}

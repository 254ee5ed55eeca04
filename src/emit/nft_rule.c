#include "emit/nft_int.h"

#include <netinet/in.h>

const char *rf_nft_prefix(const char *id)
{
	bool letter = (id[0] >= 'a' && id[0] <= 'z') || (id[0] >= 'A' && id[0] <= 'Z');

	return letter ? "" : "n-";
}

/* --- which family */

static bool any_of(const struct rf_site_ip *v, size_t n, uint8_t family)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].family == family)
			return true;
	return false;
}

/* Can a packet of this family fit the list? An address list that has none of the family fits
 * nothing, or, negated, all. */
static bool may_fit(const struct rf_site_ip *v, size_t n, bool negated, uint8_t family)
{
	return !n || negated || any_of(v, n, family);
}

static bool fits(const struct rf_rule *r, uint8_t family)
{
	return (!r->family || r->family == family) && may_fit(r->src, r->src_n, r->src_not, family) &&
	       may_fit(r->dst, r->dst_n, r->dst_not, family) && !(r->protocol == IPPROTO_ICMP && family == 6) &&
	       !(r->protocol == IPPROTO_ICMPV6 && family == 4);
}

/* Does the text differ between the families? */
static bool told_apart(const struct rf_rule *r)
{
	bool counted = r->new_per_second && !rf_nft_untracked(r);
	bool marked = r->dscp && r->action == RF_ACTION_ACCEPT && rf_nft_untracked(r);

	return r->src_n || r->dst_n || r->pinhole || counted || marked;
}

size_t rf_nft_families(const struct rf_rule *r, uint8_t ret_family[static 2])
{
	size_t n = 0;

	if (!r->family && !told_apart(r) && fits(r, 4) && fits(r, 6)) {
		ret_family[0] = 0;
		return 1;
	}
	if (fits(r, 4))
		ret_family[n++] = 4;
	if (fits(r, 6))
		ret_family[n++] = 6;
	return n;
}

/* --- interfaces */

size_t rf_nft_interfaces(const struct rf_nft *n, const struct rf_site_zone *zone, bool tunnel,
			 const char *ret[static RF_NFT_IFS_MAX], char buf[static RF_EMIT_IFNAME])
{
	const struct rf_site_router *router = n->point->router;
	uint32_t if_id;
	size_t k = 0;

	if (!router || !zone)
		return 0;
	if (tunnel) {
		ret[0] = rf_emit_tunnel(zone, buf, &if_id);
		return 1;
	}
	for (size_t i = 0; i < router->interface_count && k < RF_NFT_IFS_MAX; i++) {
		const struct rf_site_interface *f = &router->interfaces[i];

		if (f->zone != zone)
			continue;
		if (!rf_emit_ifname_ok(f->name))
			rf_emit_find(n->e, RF_SEV_ERROR, f->pos, NULL,
				     "name it as Linux does, in at most 15 letters, digits, - _ .",
				     "\"%.*s\" is no name of an interface on Linux", RF_VFMT(f->name));
		ret[k++] = rf_site_cstr(f->name);
	}
	if (!k)
		rf_emit_find(n->e, RF_SEV_ERROR, router->pos, NULL, "give it an interface in that zone",
			     "router \"%.*s\" has no interface in zone \"%.*s\"", RF_VFMT(router->name),
			     RF_VFMT(zone->name));
	return k;
}

static void put_interfaces(const struct rf_nft *n, const char *key, const struct rf_site_zone *zone, bool tunnel)
{
	const char *names[RF_NFT_IFS_MAX];
	char buf[RF_EMIT_IFNAME];
	size_t k = rf_nft_interfaces(n, zone, tunnel, names, buf);

	if (!k)
		return;
	rf_emit_line(n->o, k > 1 ? "%s { " : "%s ", key);
	for (size_t i = 0; i < k; i++)
		rf_emit_line(n->o, "%s\"%s\"", i ? ", " : "", names[i]);
	rf_emit_line(n->o, k > 1 ? " } " : " ");
}

/* --- addresses, protocols */

/* Inside an earlier one or a wider one: intervals of a set must not overlap. */
static bool is_covered(const struct rf_site_ip *v, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++) {
		bool same = i != at && v[i].family == v[at].family && v[i].prefix == v[at].prefix &&
			    memcmp(v[i].b, v[at].b, sizeof v[i].b) == 0;

		if (same ? i < at : i != at && v[i].family == v[at].family && v[i].prefix < v[at].prefix &&
				    rf_site_ip_in(&v[at], &v[i]))
			return true;
	}
	return false;
}

static void put_addresses(const struct rf_nft *n, const char *field, const struct rf_site_ip *v, size_t count,
			  bool negated, uint8_t family)
{
	size_t k = 0, shown = 0;
	char text[RF_EMIT_IP];

	for (size_t i = 0; i < count; i++)
		k += v[i].family == family && !is_covered(v, count, i);
	if (!k)
		return;
	rf_emit_line(n->o, "%s %s %s%s", family == 4 ? "ip" : "ip6", field, negated ? "!= " : "", k > 1 ? "{ " : "");
	for (size_t i = 0; i < count; i++)
		if (v[i].family == family && !is_covered(v, count, i))
			rf_emit_line(n->o, "%s%s", shown++ ? ", " : "", rf_emit_ip(&v[i], text));
	rf_emit_line(n->o, k > 1 ? " } " : " ");
}

static bool put_ports(const struct rf_nft *n, const char *protocol, const char *field, struct rf_site_ports p)
{
	if (!p.first && (p.last == UINT16_MAX || !p.last))
		return false;
	rf_emit_line(n->o, p.first == p.last ? "%s %s %u " : "%s %s %u-%u ", protocol, field, p.first, p.last);
	return true;
}

static void put_icmp(const struct rf_nft *n, const struct rf_rule *r)
{
	bool four = r->protocol == IPPROTO_ICMP;

	if (!r->icmp_n) {
		rf_emit_line(n->o, "meta l4proto %s ", four ? "icmp" : "ipv6-icmp");
		return;
	}
	rf_emit_line(n->o, "%s type %s", four ? "icmp" : "icmpv6", r->icmp_n > 1 ? "{ " : "");
	for (size_t i = 0; i < r->icmp_n; i++)
		rf_emit_line(n->o, "%s%u", i ? ", " : "", r->icmp_types[i]);
	rf_emit_line(n->o, r->icmp_n > 1 ? " } " : " ");
}

static void put_protocol(const struct rf_nft *n, const struct rf_rule *r)
{
	const char *name = r->protocol == IPPROTO_TCP ? "tcp" : "udp";

	if (r->protocol == IPPROTO_ICMP || r->protocol == IPPROTO_ICMPV6) {
		put_icmp(n, r);
	} else if (r->protocol == IPPROTO_TCP || r->protocol == IPPROTO_UDP) {
		bool sport = put_ports(n, name, "sport", r->sport);

		if (!put_ports(n, name, "dport", r->dport) && !sport)
			rf_emit_line(n->o, "meta l4proto %s ", name);
	} else if (r->protocol) {
		rf_emit_line(n->o, "meta l4proto %d ", r->protocol);
	}
}

/* --- states */

static void put_states(const struct rf_nft *n, unsigned states)
{
	static const char *const names[] = { "new", "established", "related", "invalid", "untracked" };
	bool more = false;

	if (!states)
		return;
	rf_emit_line(n->o, "ct state ");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (states >> i & 1) {
			rf_emit_line(n->o, "%s%s", more ? "," : "", names[i]);
			more = true;
		}
	rf_emit_line(n->o, " ");
}

/* --- the sets that the wall fills */

static void put_pinhole(const struct rf_nft *n, enum rf_pinhole pinhole, uint8_t family)
{
	const char *ip = family == 4 ? "ip" : "ip6", *openings = family == 4 ? RF_OPENING_SET4 : RF_OPENING_SET6;

	switch (pinhole) {
	case RF_PINHOLE_NONE:
		break;
	case RF_PINHOLE_EXACT:
		rf_emit_line(n->o, "meta l4proto . %s saddr . th sport . %s daddr . th dport @%s ", ip, ip,
			     family == 4 ? RF_PINHOLE_SET4 : RF_PINHOLE_SET6);
		break;
	case RF_PINHOLE_FROM_ANY:
		rf_emit_line(n->o, "meta l4proto . %s saddr . %s daddr . th dport @%s ", ip, ip, openings);
		break;
	case RF_PINHOLE_TO_ANY:
		rf_emit_line(n->o, "meta l4proto . %s daddr . %s saddr . th sport @%s ", ip, ip, openings);
		break;
	}
}

/* --- the match */

void rf_nft_match(const struct rf_nft *n, const struct rf_rule *r, uint8_t family, unsigned without)
{
	if (r->loopback)
		rf_emit_line(n->o, "%s \"lo\" ", r->chain == RF_CHAIN_OUTPUT ? "oifname" : "iifname");
	if (!(without & RF_NFT_NO_INTERFACES)) {
		put_interfaces(n, "iifname", r->in, r->in_tunnel);
		if (!(without & RF_NFT_NO_OUT))
			put_interfaces(n, "oifname", r->out, r->out_tunnel);
	}
	bool pinhole = r->pinhole && !(without & RF_NFT_NO_PINHOLE);

	if (family && !any_of(r->src, r->src_n, family) && !any_of(r->dst, r->dst_n, family) && !pinhole &&
	    r->protocol != IPPROTO_ICMP && r->protocol != IPPROTO_ICMPV6)
		rf_emit_line(n->o, "meta nfproto ipv%u ", family);
	put_addresses(n, "saddr", r->src, r->src_n, r->src_not, family);
	put_addresses(n, "daddr", r->dst, r->dst_n, r->dst_not, family);
	put_protocol(n, r);
	if (!(without & RF_NFT_NO_STATE))
		put_states(n, r->states);
	if (pinhole)
		put_pinhole(n, r->pinhole, family);
}

/* --- the rule */

static bool has_rate(const struct rf_rule *r)
{
	return r->new_per_second && r->action == RF_ACTION_ACCEPT && !rf_nft_untracked(r);
}

static bool has_cap(const struct rf_rule *r)
{
	return r->kbit && r->action == RF_ACTION_ACCEPT;
}

/* One rule in several chains, or for several pairs, has one bound. */
static bool before_has(const struct rf_nft *n, const struct rf_rule *r, uint8_t family)
{
	uint8_t families[2];

	for (const struct rf_rule *x = n->point->rules; x < r; x++) {
		if (!(family ? has_rate(x) : has_cap(x)) || strcmp(x->id, r->id) != 0)
			continue;
		if (!family)
			return true;
		for (size_t i = rf_nft_families(x, families); i-- > 0;)
			if (families[i] == family)
				return true;
	}
	return false;
}

void rf_nft_objects(const struct rf_nft *n, const struct rf_rule *r)
{
	uint8_t families[2];
	size_t k = rf_nft_families(r, families);

	if (has_cap(r) && !before_has(n, r, 0))
		/* A quarter of a second may come at once. */
		rf_emit_line(n->o, "\tlimit cap-%s {\n\t\trate over %llu bytes/second burst %llu bytes\n\t}\n", r->id,
			     (unsigned long long)r->kbit * 125, (unsigned long long)r->kbit * 125 / 4 + 16384);
	for (size_t i = 0; i < k && has_rate(r); i++)
		if (!before_has(n, r, families[i]))
			rf_emit_line(n->o,
				     "\tset rate%u-%s {\n\t\ttype %s\n\t\tsize 65536\n\t\tflags dynamic,timeout\n"
				     "\t\ttimeout 10s\n\t}\n",
				     families[i], r->id, families[i] == 4 ? "ipv4_addr" : "ipv6_addr");
}

static void put_bounds(const struct rf_nft *n, const struct rf_rule *r, uint8_t family, unsigned without)
{
	if (has_rate(r)) {
		rf_emit_line(n->o, "\t\t");
		rf_nft_match(n, r, family, without);
		if (r->states != RF_STATE_NEW)
			rf_emit_line(n->o, "ct state new ");
		rf_emit_line(n->o, "update @rate%u-%s { %s saddr limit rate over %u/second burst %u packets } "
			     "counter name over-rate drop comment \"%s\"\n", family, r->id, family == 4 ? "ip" : "ip6",
			     r->new_per_second, r->new_per_second * 2, r->id);
	}
	if (has_cap(r)) {
		rf_emit_line(n->o, "\t\t");
		rf_nft_match(n, r, family, without);
		rf_emit_line(n->o, "limit name cap-%s counter name over-cap drop comment \"%s\"\n", r->id, r->id);
	}
}

static void put_log(const struct rf_nft *n, const struct rf_rule *r, uint8_t family, unsigned without)
{
	rf_emit_line(n->o, "\t\t");
	rf_nft_match(n, r, family, without);
	rf_emit_line(n->o, "limit rate 5/second burst 10 packets log prefix \"%.120s\" group %d snaplen 128\n", r->id,
		     RF_EMIT_LOG_GROUP);
}

/* Tracked packets are marked later, all of a connection, by its mark; untracked ones here. */
static void put_mark(const struct rf_nft *n, const struct rf_rule *r, uint8_t family)
{
	if (!r->dscp || r->action != RF_ACTION_ACCEPT)
		return;
	if (rf_nft_untracked(r))
		rf_emit_line(n->o, "%s dscp set %u ", family == 4 ? "ip" : "ip6", r->dscp);
	else
		rf_emit_line(n->o, "ct mark set %u ", r->dscp);
}

void rf_nft_rule(const struct rf_nft *n, const struct rf_rule *r, unsigned without)
{
	uint8_t families[2];
	size_t k = rf_nft_families(r, families);

	for (size_t i = 0; i < k; i++) {
		put_bounds(n, r, families[i], without);
		if (r->log && r->action == RF_ACTION_DROP)
			put_log(n, r, families[i], without);
		rf_emit_line(n->o, "\t\t");
		rf_nft_match(n, r, families[i], without);
		put_mark(n, r, families[i]);
		rf_emit_line(n->o, "counter name " RF_NFT_NAME " %s comment \"%.120s\"\n", RF_NFT_NAMEV(r->id),
			     r->action == RF_ACTION_ACCEPT ? "accept" : "drop", r->mitigation ? r->mitigation : r->id);
	}
}

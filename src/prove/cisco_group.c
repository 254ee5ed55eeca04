/* Object groups: addresses of networks, services; groups within groups. */
#include "prove/cisco_int.h"

#include <netinet/in.h>
#include <stdio.h>

enum { ANY_PROTOCOL = 256, STEPS_MAX = 100000 };

struct rf_cisco_group *rf_cisco_group(struct rf_cisco *c, struct rf_view name, uint8_t family)
{
	struct rf_cisco_group *g;

	if (!name.n || name.n > RF_RS_TEXT_MAX) {
		rf_cisco_fail(c, RF_E_MALFORMED, "the name of a group is expected here");
		return NULL;
	}
	for (g = c->groups; g; g = g->next)
		if (g->family == family && rf_view_eq(g->name, name))
			return g;
	if (c->group_count++ == RF_CISCO_GROUPS_MAX) {
		rf_cisco_fail(c, RF_E_LIMIT, "more object groups than may be");
		return NULL;
	}
	g = rf_cisco_take(c, sizeof *g);
	if (!g)
		return NULL;
	*g = (struct rf_cisco_group){ .next = c->groups, .name = name, .family = family, .line = c->line };
	if (family) {
		g->addresses = rf_rs_set(c->rs, name, 1);
	} else {
		g->services = rf_rs_set(c->rs, name, 4);
		g->protocols = rf_rs_set(c->rs, (struct rf_view){ 0 }, 1);
		g->plain = rf_rs_set(c->rs, (struct rf_view){ 0 }, 1);
	}
	if (c->rs->err)
		return NULL;
	c->groups = g;
	return g;
}

void rf_cisco_group_head(struct rf_cisco *c)
{
	static const struct { const char *word; uint8_t family; } kinds[] = {
		{ "network", 4 }, { "v6-network", 6 }, { "service", 0 }, { "v6-service", 0 },
	};
	struct rf_view kind = rf_words_take(&c->w), name = rf_words_take(&c->w);

	c->group = NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (rf_word_is(kind, kinds[i].word) && c->w.at == c->w.n)
			c->group = rf_cisco_group(c, name, kinds[i].family);
	if (!c->group)
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "this kind of group is not understood");
	else
		c->group->defined = true;
}

static int add_cell(struct rf_cisco *c, struct rf_rs_set *set, struct rf_rs_cell cell)
{
	return rf_rs_row(c->rs, set, &cell);
}

static void network_line(struct rf_cisco *c)
{
	struct rf_cisco_group *g = c->group;
	struct rf_rs_cell lo, hi;

	if (!rf_words_skip(&c->w, "range")) {
		if (rf_cisco_address(c, g->family, true, &lo) == 0)
			add_cell(c, g->addresses, lo);
		return;
	}
	if (!rf_rs_address(rf_words_take(&c->w), &lo) || !rf_rs_address(rf_words_take(&c->w), &hi) ||
	    lo.family != g->family || hi.family != g->family || memcmp(lo.ip.lo, hi.ip.hi, 16) > 0)
		rf_cisco_fail(c, RF_E_MALFORMED, "a range of addresses has its lower one first");
	else
		add_cell(c, g->addresses, rf_rs_span(g->family, lo.ip.lo, hi.ip.hi));
}

static void add_service(struct rf_cisco *c, uint32_t proto, const struct rf_rs_set *src, const struct rf_rs_set *dst,
			struct rf_rs_cell type)
{
	struct rf_cisco_group *g = c->group;
	const struct rf_rs_cell any = { .kind = RF_RS_ANY };
	struct rf_rs_cell p = proto < ANY_PROTOCOL ? rf_rs_num(proto, proto) : any;

	for (size_t i = 0; i < (src ? src->n : 1); i++)
		for (size_t k = 0; k < (dst ? dst->n : 1); k++) {
			struct rf_rs_cell row[4] = { p, src ? src->cells[i] : any, dst ? dst->cells[k] : any, type };

			rf_rs_row(c->rs, g->services, row);
		}
	add_cell(c, g->protocols, p);
	if (!src && !dst && type.kind == RF_RS_ANY)
		add_cell(c, g->plain, p);
}

static void with_ports(struct rf_cisco *c, uint32_t proto, bool both)
{
	const struct rf_rs_cell any = { .kind = RF_RS_ANY };
	struct rf_rs_set *src = NULL, *dst;
	bool not_src = false, not_dst = false;

	if (rf_words_skip(&c->w, "source"))
		rf_cisco_ports(c, proto, true, &src, &not_src);
	if (rf_cisco_ports(c, proto, true, &dst, &not_dst))
		return;
	if (not_src || not_dst) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "\"neq\" in a group of services is not understood");
		return;
	}
	add_service(c, proto, src, dst, any);
	if (both)
		add_service(c, IPPROTO_UDP, src, dst, any);
}

static void service_line(struct rf_cisco *c)
{
	struct rf_rs_cell type = { .kind = RF_RS_ANY };
	bool both = rf_words_skip(&c->w, "tcp-udp");
	uint32_t proto = IPPROTO_TCP, n, code;

	if (!both && !rf_word_number(rf_cisco_protocols, rf_words_take(&c->w), 255, &proto, NULL)) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "its protocol is not understood");
		return;
	}
	if (both || proto == IPPROTO_TCP || proto == IPPROTO_UDP) {
		with_ports(c, proto, both);
		return;
	}
	if (proto == IPPROTO_ICMP && c->w.at < c->w.n) {
		if (!rf_word_number(rf_cisco_icmp, rf_words_take(&c->w), 255, &n, &code) || code) {
			rf_cisco_fail(c, RF_E_UNSUPPORTED, "its type of ICMP is not understood");
			return;
		}
		type = rf_rs_num(n, n);
	}
	add_service(c, proto, NULL, NULL, type);
}

void rf_cisco_group_line(struct rf_cisco *c)
{
	struct rf_cisco_group *g = c->group;

	if (rf_words_skip(&c->w, "description"))
		return;
	if (rf_words_skip(&c->w, "group-object")) {
		struct rf_cisco_child *child = rf_cisco_take(c, sizeof *child);

		if (!child)
			return;
		child->line = c->line;
		child->group = rf_cisco_group(c, rf_words_take(&c->w), g->family);
		child->next = g->children;
		g->children = child;
	} else if (g->family) {
		network_line(c);
	} else {
		service_line(c);
	}
	if (c->w.at < c->w.n)
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "a word of this group is not understood");
}

/* --- groups within groups */

static struct rf_rs_set *part(const struct rf_cisco_group *g, unsigned i)
{
	return g->family ? (i ? NULL : g->addresses) : i == 0 ? g->services : i == 1 ? g->protocols : g->plain;
}

static void gather(struct rf_cisco *c, struct rf_cisco_group *into, const struct rf_cisco_group *from, unsigned depth,
		   unsigned *steps)
{
	for (const struct rf_cisco_child *k = from->children; k && !c->rs->err; k = k->next) {
		if (depth == RF_WORDS_NEST_MAX || ++*steps > STEPS_MAX) {
			rf_rs_fail(c->rs, RF_E_LIMIT, k->line, "object groups stand in each other, or too deep");
			return;
		}
		for (unsigned i = 0; i < 3; i++) {
			const struct rf_rs_set *set = part(k->group, i);

			for (size_t r = 0; set && r < k->group->own[i]; r++) {
				struct rf_rs_cell row[4];

				/* The set may be the one that grows: a group within itself is found by its depth. */
				memcpy(row, set->cells + r * set->field_count, set->field_count * sizeof *row);
				rf_rs_row(c->rs, part(into, i), row);
			}
		}
		gather(c, into, k->group, depth + 1, steps);
	}
}

void rf_cisco_groups_end(struct rf_cisco *c)
{
	unsigned steps = 0;

	for (struct rf_cisco_group *g = c->groups; g; g = g->next)
		for (unsigned i = 0; i < 3; i++)
			g->own[i] = part(g, i) ? part(g, i)->n : 0;
	for (struct rf_cisco_group *g = c->groups; g && !c->rs->err; g = g->next) {
		char shown[RF_WORDS_SHOWN + 4];

		gather(c, g, g, 0, &steps);
		if (!g->defined || !part(g, 0)->n)
			rf_rs_fail(c->rs, RF_E_MALFORMED, g->line, "object group \"%s\" is %s",
				   rf_words_shown(g->name, shown), g->defined ? "empty" : "not there");
	}
}

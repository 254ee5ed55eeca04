/* nftables for routers and hosts that run Linux: one table, `inet ringfort`, replaced whole in one transaction.
 *
 *	counters, limits, sets   one counter for each rule's id; pinholes4, pinholes6, openings4 and openings6, filled by the
 *	                         wall role; for each rule with a rate a set of the sources seen in the last ten seconds
 *	untracked-in, -out       at priority raw, before connection tracking: media that pinholes or stateless flows let
 *	                         through is not tracked, so that a pinhole that goes ends what runs; of TCP only what is in
 *	                         those sets, because other connections may have the same ports
 *	input, forward, output   policy drop. Rules in their order; where rules in a row name the interfaces on both sides, a
 *	                         verdict map leads to the chain of that pair of zones, which returns when nothing fits
 *	marking                  DSCP of tracked packets, by the mark that the accepting rule gave the connection
 *
 * Statements beside matches and verdicts are: counter name, limit, limit name, update @set { .. limit .. }, log, notrack,
 * ct mark set, ip dscp set, ip6 dscp set. The prover reads all of them. */
#include "emit/nft_int.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const chain_names[RF_CHAINS] = {
	[RF_CHAIN_FORWARD] = "forward", [RF_CHAIN_INPUT] = "input", [RF_CHAIN_OUTPUT] = "output",
};

/* --- chains of pairs */

/* The sides of a rule that a verdict map can tell by: both for forward, the one for input and output. */
static bool is_paired(const struct rf_nft *n, const struct rf_rule *r)
{
	if (n->point->kind != RF_POINT_ROUTER || r->loopback)
		return false;
	return r->chain == RF_CHAIN_FORWARD ? r->in && r->out :
	       r->chain == RF_CHAIN_INPUT ? r->in != NULL :
	       r->out != NULL;
}

static bool same_pair(const struct rf_rule *a, const struct rf_rule *b)
{
	return a->in == b->in && a->out == b->out && a->in_tunnel == b->in_tunnel && a->out_tunnel == b->out_tunnel;
}

/* Rules of one chain, in order. */
struct list {
	const struct rf_rule **v;
	size_t n;
};

/* A run of paired rules that stand in a row: v[from..to). */
struct run {
	size_t from, to;
	unsigned number;       /* of the run in its chain */
};

static size_t run_end(const struct rf_nft *n, const struct list *l, size_t from)
{
	size_t to = from;

	while (to < l->n && is_paired(n, l->v[to]))
		to++;
	return to;
}

static bool seen_before(const struct list *l, const struct run *run, size_t at)
{
	for (size_t i = run->from; i < at; i++)
		if (same_pair(l->v[i], l->v[at]))
			return true;
	return false;
}

static void put_chain_name(const struct rf_nft *n, const struct rf_rule *r, const struct run *run)
{
	rf_emit_line(n->o, "%s", chain_names[r->chain]);
	if (r->in)
		rf_emit_line(n->o, "/%s%s", r->in_tunnel ? "tunnel-" : "", rf_site_cstr(r->in->name));
	if (r->out)
		rf_emit_line(n->o, "/%s%s", r->out_tunnel ? "tunnel-" : "", rf_site_cstr(r->out->name));
	if (run->number > 1)
		rf_emit_line(n->o, "/%u", run->number);
}

static void put_pair_chains(const struct rf_nft *n, const struct list *l, const struct run *run)
{
	for (size_t i = run->from; i < run->to; i++) {
		if (seen_before(l, run, i))
			continue;
		rf_emit_line(n->o, "\tchain ");
		put_chain_name(n, l->v[i], run);
		rf_emit_line(n->o, " {\n");
		for (size_t k = i; k < run->to; k++)
			if (same_pair(l->v[i], l->v[k]))
				rf_nft_rule(n, l->v[k], RF_NFT_NO_INTERFACES);
		rf_emit_line(n->o, "\t}\n");
	}
}

static void put_map_entry(const struct rf_nft *n, const struct rf_rule *r, const struct run *run, const char *in,
			  const char *out, bool *more)
{
	rf_emit_line(n->o, "%s\n\t\t\t", *more ? "," : "");
	if (in)
		rf_emit_line(n->o, "\"%s\"%s", in, out ? " . " : "");
	if (out)
		rf_emit_line(n->o, "\"%s\"", out);
	rf_emit_line(n->o, " : jump ");
	put_chain_name(n, r, run);
	*more = true;
}

static void put_map(const struct rf_nft *n, const struct list *l, const struct run *run)
{
	static const char *const keys[RF_CHAINS] = {
		[RF_CHAIN_FORWARD] = "iifname . oifname", [RF_CHAIN_INPUT] = "iifname", [RF_CHAIN_OUTPUT] = "oifname",
	};
	bool more = false;

	rf_emit_line(n->o, "\t\t%s vmap {", keys[l->v[run->from]->chain]);
	for (size_t i = run->from; i < run->to; i++) {
		const struct rf_rule *r = l->v[i];
		const char *in[RF_NFT_IFS_MAX] = { NULL }, *out[RF_NFT_IFS_MAX] = { NULL };
		char in_buf[RF_EMIT_IFNAME], out_buf[RF_EMIT_IFNAME];

		if (seen_before(l, run, i))
			continue;
		size_t in_n = rf_nft_interfaces(n, r->in, r->in_tunnel, in, in_buf);
		size_t out_n = rf_nft_interfaces(n, r->out, r->out_tunnel, out, out_buf);
		for (size_t a = 0; a < (r->in ? in_n : 1); a++)
			for (size_t b = 0; b < (r->out ? out_n : 1); b++)
				put_map_entry(n, r, run, in[a], out[b], &more);
	}
	rf_emit_line(n->o, "\n\t\t}\n");
}

/* --- the three chains */

static int collect(const struct rf_nft *n, enum rf_chain chain, struct list *ret)
{
	const struct rf_point *p = n->point;

	*ret = (struct list){ rf_arena_array(n->e->arena, p->rule_count + 1, sizeof *ret->v), 0 };
	if (!ret->v) {
		n->e->err = n->e->err ? n->e->err : -ENOMEM;
		return -ENOMEM;
	}
	for (size_t i = 0; i < p->rule_count; i++)
		if (p->rules[i].chain == chain)
			ret->v[ret->n++] = &p->rules[i];
	return 0;
}

/* For each run of paired rules: what(run). */
static void each_run(const struct rf_nft *n, const struct list *l,
		     void (*what)(const struct rf_nft *n, const struct list *l, const struct run *run))
{
	struct run run = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		size_t to = run_end(n, l, i);

		if (to == i)
			continue;
		run = (struct run){ i, to, run.number + 1 };
		what(n, l, &run);
		i = to;
	}
}

static void put_base_chain(const struct rf_nft *n, enum rf_chain chain, const struct list *l)
{
	struct run run = { 0 };

	rf_emit_line(n->o, "\tchain %s {\n\t\ttype filter hook %s priority filter; policy drop;\n", chain_names[chain],
		     chain_names[chain]);
	for (size_t i = 0; i < l->n;) {
		size_t to = run_end(n, l, i);

		if (to == i) {
			rf_nft_rule(n, l->v[i++], 0);
			continue;
		}
		run = (struct run){ i, to, run.number + 1 };
		put_map(n, l, &run);
		i = to;
	}
	rf_emit_line(n->o,
		     "\t\tlimit rate 5/second burst 10 packets log prefix \"no-rule-%s\" group %d snaplen 128\n"
		     "\t\tcounter name no-rule-%s drop\n\t}\n",
		     chain_names[chain], RF_EMIT_LOG_GROUP, chain_names[chain]);
}

/* --- what stands around them */

static int by_id(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One counter an id: a rule for both families, or a duty in several chains, is counted together. */
static void put_counters(const struct rf_nft *n)
{
	const struct rf_point *p = n->point;
	const char **ids = rf_arena_array(n->e->arena, p->rule_count + 1, sizeof *ids);

	if (!ids) {
		n->e->err = n->e->err ? n->e->err : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < p->rule_count; i++)
		ids[i] = p->rules[i].id;
	qsort(ids, p->rule_count, sizeof *ids, by_id);
	for (size_t i = 0; i < p->rule_count; i++)
		if (!i || strcmp(ids[i - 1], ids[i]) != 0)
			rf_emit_line(n->o, "\tcounter " RF_NFT_NAME " { }\n", RF_NFT_NAMEV(ids[i]));
	rf_emit_line(n->o, "\tcounter no-rule-forward { }\n\tcounter no-rule-input { }\n\tcounter no-rule-output { }\n"
			   "\tcounter over-rate { }\n\tcounter over-cap { }\n%s",
		     p->kind == RF_POINT_ROUTER ? "\tcounter blocked { }\n" : "");
}

static void put_sets(const struct rf_nft *n)
{
	static const char set[] =
		"\tset %s {\n\t\ttype inet_proto . %s . inet_service . %s . inet_service\n\t\tsize 65536\n"
		"\t\tflags timeout\n\t}\n";
	static const char opening[] =
		"\tset %s {\n\t\ttype inet_proto . %s . %s . inet_service\n\t\tsize 16384\n\t\tflags timeout\n\t}\n";

	rf_emit_line(n->o, set, RF_PINHOLE_SET4, "ipv4_addr", "ipv4_addr");
	rf_emit_line(n->o, set, RF_PINHOLE_SET6, "ipv6_addr", "ipv6_addr");
	if (n->point->kind == RF_POINT_ROUTER) {
		rf_emit_line(n->o, opening, RF_OPENING_SET4, "ipv4_addr", "ipv4_addr");
		rf_emit_line(n->o, opening, RF_OPENING_SET6, "ipv6_addr", "ipv6_addr");
	}
	if (n->point->kind == RF_POINT_ROUTER)
		rf_emit_line(n->o,
			     "\tset %s {\n\t\ttype ipv4_addr\n\t\tsize 16384\n\t\tflags timeout\n\t}\n\tset %s {\n\t\t"
			     "type ipv6_addr\n\t\tsize 16384\n\t\tflags timeout\n\t}\n",
			     RF_BLOCKED_SET4, RF_BLOCKED_SET6);
	for (size_t i = 0; i < n->point->rule_count; i++)
		rf_nft_objects(n, &n->point->rules[i]);
}

/* Who attacked a border is dropped before connections are tracked: the cheapest place there is. */
static void put_blocked(const struct rf_nft *n)
{
	if (n->point->kind != RF_POINT_ROUTER)
		return;
	rf_emit_line(n->o,
		     "\tchain blocked {\n\t\ttype filter hook prerouting priority raw - 10; policy accept;\n"
		     "\t\tip saddr @%s counter name blocked drop\n\t\tip6 saddr @%s counter name blocked drop\n\t}\n",
		     RF_BLOCKED_SET4, RF_BLOCKED_SET6);
}

/* outgoing: what the device sends itself meets the chain of the output hook, everything else that of prerouting. */
static void put_untracked(const struct rf_nft *n, bool outgoing)
{
	rf_emit_line(n->o, "\tchain untracked-%s {\n\t\ttype filter hook %s priority raw; policy accept;\n",
		     outgoing ? "out" : "in", outgoing ? "output" : "prerouting");
	for (size_t i = 0; i < n->point->rule_count; i++) {
		const struct rf_rule *r = &n->point->rules[i];
		uint8_t families[2];
		size_t k = rf_nft_families(r, families);

		if (!rf_nft_untracked(r) || r->action != RF_ACTION_ACCEPT ||
		    (r->chain == RF_CHAIN_OUTPUT) != outgoing ||
		    (r->pinhole > RF_PINHOLE_EXACT && !rf_nft_untracked_by_set(r))) /* said with the exact one */
			continue;
		for (size_t f = 0; f < k; f++) {
			rf_emit_line(n->o, "\t\t");
			rf_nft_match(n, r, families[f],
				     RF_NFT_NO_STATE | (rf_nft_untracked_by_set(r) ? 0 : RF_NFT_NO_PINHOLE) |
					     (outgoing ? RF_NFT_NO_INTERFACES : RF_NFT_NO_OUT));
			rf_emit_line(n->o, "notrack comment \"%.120s\"\n", r->id);
		}
	}
	rf_emit_line(n->o, "\t}\n");
}

/* Which rules give marks to packets of this hook: of forward those of the forward chain; of output the other two, since
 * what was let in is answered. */
static uint64_t marks_of(const struct rf_nft *n, bool forwarded)
{
	uint64_t used = 0;

	for (size_t i = 0; i < n->point->rule_count; i++) {
		const struct rf_rule *r = &n->point->rules[i];

		if (r->dscp && r->action == RF_ACTION_ACCEPT && !rf_nft_untracked(r) &&
		    (r->chain == RF_CHAIN_FORWARD) == forwarded)
			used |= 1ull << (r->dscp & 63);
	}
	return used;
}

static void put_marking(const struct rf_nft *n, const char *hook, uint64_t used)
{
	if (!used)
		return;
	rf_emit_line(n->o, "\tchain marking-%s {\n\t\ttype filter hook %s priority filter + 10; policy accept;\n", hook,
		     hook);
	for (unsigned d = 1; d < 64; d++)
		if (used >> d & 1)
			rf_emit_line(n->o, "\t\tct mark %u ip dscp set %u\n\t\tct mark %u ip6 dscp set %u\n", d, d, d, d);
	rf_emit_line(n->o, "\t}\n");
}

static void put_table(const struct rf_nft *n)
{
	static const enum rf_chain order[RF_CHAINS] = { RF_CHAIN_INPUT, RF_CHAIN_FORWARD, RF_CHAIN_OUTPUT };
	struct list lists[RF_CHAINS];

	for (unsigned i = 0; i < RF_CHAINS; i++)
		if (collect(n, order[i], &lists[i]))
			return;
	/* The first line makes the second one work where there is no table yet. */
	rf_emit_line(n->o, "\ntable inet ringfort\ndelete table inet ringfort\ntable inet ringfort {\n");
	put_counters(n);
	put_sets(n);
	put_blocked(n);
	put_untracked(n, false);
	put_untracked(n, true);
	for (unsigned i = 0; i < RF_CHAINS; i++) {
		each_run(n, &lists[i], put_pair_chains);
		put_base_chain(n, order[i], &lists[i]);
	}
	put_marking(n, "forward", marks_of(n, true));
	put_marking(n, "output", marks_of(n, false));
	rf_emit_line(n->o, "}\n");
}

void rf_emit_nftables(struct rf_emit *e)
{
	for (size_t i = 0; i < e->book->n && !e->err; i++) {
		const struct rf_point *p = &e->book->points[i];
		struct rf_nft n = { .e = e, .point = p };

		if (p->kind == RF_POINT_SWITCH || p->device != RF_DEVICE_LINUX ||
		    (p->kind == RF_POINT_HOST && rf_emit_is_router(e, p->host)))
			continue;
		if (rf_emit_begin(e, &n.o, 0644, "# ",
				  p->kind == RF_POINT_ROUTER ? "routers/%s/ringfort.nft" : "hosts/%s/ringfort.nft",
				  p->name))
			return;
		put_table(&n);
		rf_emit_end(n.o);
	}
}

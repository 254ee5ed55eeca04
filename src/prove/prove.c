#include "prove/prove_int.h"

#include <stdarg.h>
#include <stdio.h>

enum { PROOF_ARENA = 256 * 1024 * 1024 };

const char *rf_breach_name(enum rf_breach_kind kind)
{
	static const char *const names[RF_BREACH_KINDS] = {
		[RF_BREACH_LEAK] = "leak", [RF_BREACH_STOPPED] = "stopped", [RF_BREACH_ANSWER] = "answer-stopped",
		[RF_BREACH_TAKEN] = "taken",
	};

	return kind < RF_BREACH_KINDS ? names[kind] : "?";
}

/* --- what the proof assumed */

static __attribute__((format(printf, 2, 3))) void assume(struct rf_prover *p, const char *fmt, ...)
{
	struct rf_proof *proof = p->proof;
	char text[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (proof->assumed_count == p->assumed_room) {
		size_t room = p->assumed_room ? p->assumed_room * 2 : 16;
		const char **more = rf_arena_array(p->arena, room, sizeof *more);

		if (!more) {
			p->err = -ENOMEM;
			return;
		}
		if (proof->assumed_count)
			memcpy(more, proof->assumed, proof->assumed_count * sizeof *more);
		proof->assumed = more;
		p->assumed_room = room;
	}
	proof->assumed[proof->assumed_count++] = rf_prover_text(p, "%s", text);
}

struct uses {
	bool chance, pinholes, openings, reassembles;
};

static void look_at_rules(const struct rf_ruleset *rs, struct uses *u)
{
	for (const struct rf_rs_chain *c = rs->chains; c; c = c->next)
		for (const struct rf_rs_rule *r = c->rules; r; r = r->next)
			for (const struct rf_rs_match *m = r->matches; m; m = m->next) {
				u->chance |= m->kind == RF_RS_SOMETIMES;
				u->pinholes |= rf_match_hole(m) == RF_SPACE_PINHOLE;
				u->openings |= rf_match_hole(m) > RF_SPACE_PINHOLE;
			}
}

/* Of these more is known than that they change. */
static bool is_pinhole_set(const struct rf_rs_set *set)
{
	static const char *const names[] = { RF_PINHOLE_SET4, RF_PINHOLE_SET6, RF_OPENING_SET4, RF_OPENING_SET6 };
	const char *last = strrchr(set->name, ' ');

	last = last ? last + 1 : set->name;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(last, names[i]) == 0)
			return true;
	return false;
}

static void assume_sets(struct rf_prover *p, const struct rf_station *st)
{
	for (const struct rf_rs_set *set = st->rules->sets; set; set = set->next)
		if (set->name && set->changes && !is_pinhole_set(set))
			assume(p, "%s: the set \"%s\" changes while the device runs: it may hold anything, and what a "
				  "flow needs passes with the %zu entries that it had when it was read",
			       st->name, set->name, set->n);
}

static void assumptions(struct rf_prover *p)
{
	struct uses u = { 0 };

	for (size_t i = 0; i < p->station_count; i++) {
		const struct rf_station *st = &p->stations[i];

		if (!st->device && st->doubted)
			assume(p, "%s: its rules were not given: what it does instead of another router was not looked "
				  "at, and where it is alone on a way it is taken to pass everything", st->name);
		if (!st->device)
			continue;
		look_at_rules(st->rules, &u);
		assume_sets(p, st);
		if (!st->rules->tracks)
			assume(p, "%s keeps no state: what looks like an answer of a flow by its addresses and ports "
				  "(and of TCP has ACK or RST set) is taken for one, and passes whether or "
				  "not there is a connection", st->name);
		u.reassembles |= st->rules->reassembles;
	}
	if (u.reassembles)
		assume(p, "fragments are put together before rules see them, as connection tracking of Linux does");
	if (u.pinholes)
		assume(p, "the sets %s and %s hold only 5-tuples that a flow with pinholes permits", RF_PINHOLE_SET4,
			  RF_PINHOLE_SET6);
	if (u.openings)
		assume(p, "the sets %s and %s hold only openings to which a flow with pinholes permits some port, each "
			  "to an address in a border zone", RF_OPENING_SET4, RF_OPENING_SET6);
	if (u.chance)
		assume(p, "rates, quotas and the like: nothing forbidden passes whatever they say, and what flows need "
			  "passes as long as none is exceeded");
	assume(p, "a connection is established or related only where its first packet was "
		  "accepted; no helper opens more");
	assume(p, "loopback, link-local and multicast addresses are not forwarded; addresses of no zone lie outside");
}

/* --- the whole */

static void common_sets(struct rf_prover *p)
{
	struct rf_sets *s = p->s;

	p->no_source = rf_sets_hold(s, rf_martians(s, RF_RS_SRC));
	p->no_target = rf_sets_hold(s, rf_martians(s, RF_RS_DST));
	p->public_source = rf_sets_hold(s, rf_everybody(s, RF_RS_SRC));
	p->public_target = rf_sets_hold(s, rf_everybody(s, RF_RS_DST));
}

static void walk(struct rf_prover *p)
{
	size_t n = p->site->zone_count, of = n * n, done = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			if (i != k && !p->err && !rf_sets_err(p->s))
				rf_prove_pair(p, &p->site->zones[i], &p->site->zones[k]);
			if (p->ask->progress)
				p->ask->progress(p->ask->ctx, ++done, of);
		}
	for (size_t i = 0; i < p->station_count && !p->err && !rf_sets_err(p->s); i++)
		if (p->stations[i].device && p->stations[i].router)
			rf_prove_own(p, &p->stations[i]);
		else if (p->stations[i].device)
			rf_prove_host(p, &p->stations[i]);
	if (!p->err && !rf_sets_err(p->s))
		rf_find_idle(p);
}

static int open_sets(struct rf_prover *p, struct rf_diag *diag)
{
	unsigned most = p->ask->nodes_max ? p->ask->nodes_max : RF_SETS_NODES_MAX;
	int rc = rf_sets_open(rf_space_variables(), most, &p->s);

	if (rc)
		rf_diag_set(diag, rc, "sets of packets cannot be made: %s", rf_err_text(rc));
	return rc;
}

int rf_prove(const struct rf_prove_ask *ask, struct rf_proof *ret_proof, struct rf_diag *diag)
{
	struct rf_proof proof = { .proven = true, .flows = ask->flows->n };
	struct rf_prover p = { .ask = ask, .site = ask->flows->site, .proof = &proof, .arena = &proof.arena };
	int rc = open_sets(&p, diag);

	rf_arena_init(&proof.arena, PROOF_ARENA);
	if (rc)
		return rc;
	rc = rf_stations_make(&p, diag);
	if (rc == 0) {
		common_sets(&p);
		walk(&p);
		assumptions(&p);
		proof.nodes = rf_sets_nodes(p.s);
		rc = p.err ? p.err : rf_sets_err(p.s);
		if (rc)
			rf_diag_set(diag, rc, "the proof needs more than it may have (%s)", rf_err_text(rc));
	}
	rf_stations_fini(&p);
	rf_sets_close(p.s);
	if (rc) {
		rf_arena_fini(&proof.arena);
		return rc;
	}
	*ret_proof = proof;
	return 0;
}

void rf_proof_fini(struct rf_proof *p)
{
	rf_arena_fini(&p->arena);
}

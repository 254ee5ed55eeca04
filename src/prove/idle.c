/* Rules that nothing ever reaches: after all ways were walked, with everything that chance allows. */
#include "prove/prove_int.h"

/* Log, count or mark only: not reaching it changes nothing, but it is still said. */
static void add(struct rf_prover *p, const struct rf_station *st, const struct rf_device_rule *r, size_t *room)
{
	struct rf_proof *proof = p->proof;
	struct rf_trace t;

	if (proof->idle_count == *room) {
		size_t more = *room ? *room * 2 : 16;
		struct rf_idle *v = rf_arena_array(p->arena, more, sizeof *v);

		if (!v) {
			p->err = -ENOMEM;
			return;
		}
		if (proof->idle_count)
			memcpy(v, proof->idle, proof->idle_count * sizeof *v);
		proof->idle = v;
		*room = more;
	}
	struct rf_idle *x = &proof->idle[proof->idle_count++];
	*x = (struct rf_idle){
		.device = st->name, .rule = r->rule, .place = rf_rule_place(p, st->rules, r->rule), .by_place = ""
	};
	if (!r->sampled || rf_trace(st->device, &r->way, &r->sample, &t))
		return;
	x->by = t.drop.possible && t.drop.rule ? t.drop.rule : t.accept.rule;
	if (x->by == r->rule)
		x->by = NULL;
	if (x->by)
		x->by_place = rf_rule_place(p, st->rules, x->by);
}

/* The verdict map of nftables is one rule with many elements: it is idle when none of them is met. */
static bool part_of_map(const struct rf_device *d, const struct rf_rs_rule *r)
{
	for (const struct rf_rs_rule *o = r->handle ? r->chain->rules : NULL; o; o = o->next)
		if (o != r && o->handle == r->handle && rf_device_rule(d, o->id)->hit)
			return true;
	return false;
}

void rf_find_idle(struct rf_prover *p)
{
	size_t room = 0;

	for (size_t i = 0; i < p->station_count; i++) {
		const struct rf_station *st = &p->stations[i];

		for (uint32_t id = 0; st->device && id < st->rules->rule_count && !p->err; id++) {
			const struct rf_device_rule *r = rf_device_rule(st->device, id);

			if (r->rule && !r->hit && !r->rule->chain->elsewhere && !part_of_map(st->device, r->rule))
				add(p, st, r, &room);
		}
	}
}

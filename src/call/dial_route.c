/* By which trunks an outside call goes. */
#include "call/dial_int.h"
#include "site/pattern.h"

static bool listed(const struct rf_site_list *names, struct rf_view name)
{
	for (size_t i = 0; i < names->n; i++)
		if (rf_view_eq(names->v[i], name))
			return true;
	return false;
}

static bool matches(const struct rf_site_list *patterns, struct rf_view number)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (rf_pattern_match(patterns->v[i], number))
			return true;
	return patterns->n == 0;
}

static void add(struct rf_dial *d, const struct rf_site_trunk *t, bool by_cost)
{
	size_t at = d->trunks;

	for (size_t i = 0; i < d->trunks; i++)
		if (d->trunk[i] == t)
			return;
	if (d->trunks == RF_DIAL_TRUNKS_MAX)
		return;
	while (by_cost && at > 0 && d->trunk[at - 1]->cost > t->cost)
		at--;
	memmove(&d->trunk[at + 1], &d->trunk[at], (d->trunks - at) * sizeof d->trunk[0]);
	d->trunk[at] = t;
	d->trunks++;
}

static void add_open(struct dialling *k, const struct rf_site_trunk *t, bool by_cost)
{
	if (rf_site_in_hours(k->site, &t->hours, k->ask->now))
		add(k->d, t, by_cost);
	else
		rf_dial_say(k, "trunk %s is outside its hours", rf_site_cstr(t->name));
}

static bool fits(struct dialling *k, const struct rf_site_route *r, struct rf_view number)
{
	return (!r->classes || r->classes & 1u << k->d->call_class) && matches(&r->numbers, number) &&
	       (!r->locations.n || (k->location && listed(&r->locations, k->location->name)));
}

static void say_trunks(struct dialling *k)
{
	for (size_t i = 0; i < k->d->trunks; i++)
		rf_dial_say(k, "%s trunk %s (%s)", i ? "then by" : "by", rf_site_cstr(k->d->trunk[i]->name),
			    rf_site_cstr(k->d->trunk[i]->peer));
}

bool rf_dial_route(struct dialling *k, struct rf_view e164)
{
	const struct rf_site_telephony *tel = &k->site->tel;
	struct rf_view number = e164.n ? e164 : k->d->number;
	char place[RF_DIAL_PLACE];

	k->d->trunks = 0;
	for (size_t i = 0; i < tel->route_count && !k->d->trunks; i++) {
		const struct rf_site_route *r = &tel->routes[i];

		if (!fits(k, r, number))
			continue;
		if (!rf_site_in_hours(k->site, &r->hours, k->ask->now)) {
			rf_dial_say(k, "route %s%s is outside its hours", rf_site_cstr(r->name),
				    rf_dial_place(k, r->pos, place));
			continue;
		}
		rf_dial_say(k, "route %s%s", rf_site_cstr(r->name), rf_dial_place(k, r->pos, place));
		k->d->route = r;
		for (size_t j = 0; j < r->trunk_names.n; j++)
			add_open(k, r->trunks[j], r->order == RF_ORDER_COST);
	}
	for (size_t i = 0; i < k->site->trunk_count && !tel->route_count; i++)
		add_open(k, &k->site->trunks[i], true);
	say_trunks(k);
	return k->d->trunks > 0;
}

void rf_dial_route_emergency(struct dialling *k)
{
	const struct rf_site_emergency *e = &k->site->emergency;

	for (size_t i = 0; i < e->via.n; i++) {
		const struct rf_site_trunk *t = rf_site_trunk(k->site, e->via.v[i]);

		if (t)
			add(k->d, t, false);
	}
	for (size_t i = 0; i < k->site->trunk_count; i++)
		add(k->d, &k->site->trunks[i], false);
	say_trunks(k);
}

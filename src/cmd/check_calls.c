/* ringfort check: do calls that come by themselves, and those that nobody took, lead to somebody? Asked of the
 * directory, for numbers of users stand in no site file, and of the dial plan that a call would be asked of. */
#include "call/dial.h"
#include "cmd/check_int.h"
#include "site/pattern.h"

struct search {
	struct rf_view to;
	bool found;
};

static int see_user(void *ctx, const struct rf_store_user *u)
{
	struct search *s = ctx;

	s->found = s->found || rf_pattern_match(s->to, u->number);
	return 0;
}

/* Has the site a number that this template can become? What trunks bring in: numbers, groups, voicemail. */
static bool leads_somewhere(const struct rf_site *site, struct rf_store *store, struct rf_view to)
{
	struct search s = { to, rf_pattern_match(to, site->tel.voicemail.number) };

	for (size_t i = 0; i < site->phone_count && !s.found; i++)
		s.found = rf_pattern_match(to, site->phones[i].number);
	for (size_t i = 0; i < site->tel.group_count && !s.found; i++)
		s.found = rf_pattern_match(to, site->tel.groups[i].number);
	if (!s.found && rf_store_users(store, see_user, &s, NULL))
		return true; /* not known: told by who reads the store */
	return s.found;
}

static struct rf_place place_of(const struct rf_site *site, struct rf_site_pos pos)
{
	return (struct rf_place){ rf_site_cstr(site->file), pos.line, pos.column };
}

static void look_trunk(const struct rf_check_calls *k, const struct rf_site_trunk *t)
{
	for (size_t i = 0; i < t->number_count; i++) {
		const struct rf_site_did *n = &t->numbers[i];

		if (leads_somewhere(k->site, k->store, n->to))
			continue;
		rf_finding_add(k->findings, RF_SEV_WARNING, place_of(k->site, n->pos), NULL,
			       "add a phone, user or group with it, or name another number",
			       "trunk \"%.*s\": calls to %.*s lead to %.*s, which is no number of this site",
			       RF_VFMT(t->name), RF_VFMT(n->match), RF_VFMT(n->to));
	}
}

static bool forwards_to(enum rf_dial_kind kind)
{
	return kind == RF_DIAL_NUMBER || kind == RF_DIAL_GROUP || kind == RF_DIAL_OUTSIDE || kind == RF_DIAL_VOICEMAIL;
}

/* As a call of the group's number, which is how it is dialled then (call/plan_forward.h). */
static void look_group(const struct rf_check_calls *k, const struct rf_site_group *g, struct rf_dial *d)
{
	const struct rf_dial_ask ask = {
		.directory = k->directory, .who.number = g->number, .dialled = g->on_no_answer, .now = k->now,
	};
	const char *why;

	if (!g->on_no_answer.n)
		return;
	rf_dial(&ask, d);
	if (rf_view_eq(g->on_no_answer, g->number))
		why = "it is the group's own number";
	else if (forwards_to(d->kind))
		return;
	else
		why = d->kind == RF_DIAL_REFUSED ? d->why : "nobody is forwarded to that";
	rf_finding_add(k->findings, RF_SEV_WARNING, place_of(k->site, g->pos), NULL,
		       "name a number that may be called, a group, or voicemail",
		       "group \"%.*s\": on_no_answer %.*s leads nowhere: %s", RF_VFMT(g->name),
		       RF_VFMT(g->on_no_answer), why);
}

void rf_check_calls(const struct rf_check_calls *k)
{
	static const struct rf_dial none;
	struct rf_dial d = none;

	for (size_t i = 0; i < k->site->trunk_count; i++)
		look_trunk(k, &k->site->trunks[i]);
	for (size_t i = 0; i < k->site->tel.group_count; i++)
		look_group(k, &k->site->tel.groups[i], &d);
}

/* What becomes of a dialled number: the order of dial.h, step by step. A step either decides or leaves it to the next.
 *
 * Rules of refusals, as the record and `ringfort explain` name them:
 *
 *	404 not-a-number   letters, signs, nothing
 *	404 phone-context  a local number of somewhere else (RFC 3966 5.1.5)
 *	404 too-long
 *	404 no-such-number matches nothing of the site or its dial plan
 *	404 not-a-trunk-number  from outside: the trunk brings in no such number
 *	404 no-route       granted, and no trunk takes it
 *	403 class-denied, class-hours, class-ended, class-missing, number-denied  (dial_class.c) */
#include "call/dial_int.h"
#include "site/pattern.h"

#include <stdarg.h>
#include <stdio.h>

const char *rf_dial_kind_name(enum rf_dial_kind kind)
{
	static const char *const names[] = {
		[RF_DIAL_REFUSED] = "refused", [RF_DIAL_NUMBER] = "number", [RF_DIAL_GROUP] = "group",
		[RF_DIAL_OUTSIDE] = "outside", [RF_DIAL_EMERGENCY] = "emergency",
		[RF_DIAL_EMERGENCY_TEST] = "emergency-test", [RF_DIAL_FEATURE] = "feature", [RF_DIAL_PARKED] = "parked",
		[RF_DIAL_VOICEMAIL] = "voicemail",
	};

	return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

/* --- the trail */

void rf_dial_say(struct dialling *k, const char *fmt, ...)
{
	char line[300];
	va_list ap;

	if (!k->ask->trail)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line, fmt, ap);

	va_end(ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;

	if (k->trail.err || len + 1 > k->trail.cap - k->trail.n)
		return;
	rf_put(&k->trail, rf_view_of(line, len));
	rf_put_byte(&k->trail, '\n');
}

struct rf_view rf_dial_last_line(const struct rf_dial *d)
{
	size_t end = d->trail.n ? d->trail.n - 1 : 0, from = end;

	while (from > 0 && d->trail.p[from - 1] != '\n')
		from--;
	return rf_view_sub(d->trail, from, end - from);
}

const char *rf_dial_place(const struct dialling *k, struct rf_site_pos pos, char buf[static RF_DIAL_PLACE])
{
	const char *file = "site.yaml";

	if (pos.file)
		file = rf_site_cstr(k->site->phones_file);
	if (pos.line)
		snprintf(buf, RF_DIAL_PLACE, " (%s:%u)", file, pos.line);
	else
		buf[0] = '\0';
	return buf;
}

void rf_dial_refuse(struct dialling *k, unsigned code, const char *rule, struct rf_site_pos pos, const char *why)
{
	struct rf_dial *d = k->d;

	d->kind = RF_DIAL_REFUSED;
	d->code = code;
	d->rule = rule;
	d->why = why;
	d->pos = pos;
	d->trunks = 0;
}

static bool decide(struct dialling *k, enum rf_dial_kind kind, const char *rule, struct rf_site_pos pos,
		   const char *why)
{
	k->d->kind = kind;
	k->d->rule = rule;
	k->d->why = why;
	k->d->pos = pos;
	return true;
}

static const struct rf_site_pos nowhere;

static void keep(struct rf_dial *d, struct rf_view number)
{
	size_t n = number.n < sizeof d->store ? number.n : sizeof d->store;

	if (n && number.p != d->store)
		memmove(d->store, number.p, n);
	d->number = rf_view_of(d->store, n);
}

/* --- emergency */

static bool is_slot(const struct rf_site *site, struct rf_view number)
{
	const struct rf_site_parking *p = &site->tel.parking;
	uint64_t n;

	return p->last && number.n == p->digits && rf_view_u64(number, p->last, &n) && n >= p->first;
}

/* Something of the site has this number. */
static bool taken(const struct dialling *k, struct rf_view number)
{
	const struct rf_site *s = k->site;

	return rf_directory_number(k->ask->directory, number) || rf_site_group(s, number) || rf_site_speed(s, number) ||
	       is_slot(s, number) || rf_view_eq(s->tel.voicemail.number, number);
}

/* The emergency number in what was dialled; empty: it is none. */
static struct rf_view emergency_number(const struct dialling *k, const struct rf_site_plan *plan)
{
	struct rf_view number = k->number, behind = rf_view_from(number, plan->outside.n);
	struct rf_view local = rf_view_from(number, 1 + plan->country_code.n);

	if (rf_site_is_emergency(k->site, number))
		return number;
	if (plan->outside.n && rf_view_starts(number, plan->outside) && rf_site_is_emergency(k->site, behind) &&
	    !taken(k, number))
		return behind;
	if (plan->country_code.n && number.n && number.p[0] == '+' &&
	    rf_view_starts(rf_view_from(number, 1), plan->country_code) && rf_site_is_emergency(k->site, local))
		return local;
	return (struct rf_view){ NULL, 0 };
}

static bool emergency(struct dialling *k)
{
	struct rf_view number = emergency_number(k, k->d->plan);

	if (!number.n)
		return false;
	keep(k->d, number);
	k->d->call_class = RF_CLASS_EMERGENCY;
	rf_dial_say(k, "an emergency number: allowed to everybody, at any time");
	rf_dial_route_emergency(k);
	return decide(k, RF_DIAL_EMERGENCY, "emergency", k->site->emergency.pos, "an emergency number");
}

/* --- codes */

/* These are dialled with something behind them. */
static bool takes_number(enum rf_feature f)
{
	return f == RF_FEATURE_FORWARD_ALWAYS || f == RF_FEATURE_FORWARD_BUSY || f == RF_FEATURE_FORWARD_NO_ANSWER ||
	       f == RF_FEATURE_FORWARD_UNREACHABLE || f == RF_FEATURE_PICKUP || f == RF_FEATURE_PARK ||
	       f == RF_FEATURE_RETRIEVE || f == RF_FEATURE_HIDE_NUMBER || f == RF_FEATURE_SHOW_NUMBER;
}

/* The longest code that fits; -1: none. */
static int feature_of(const struct dialling *k)
{
	const struct rf_site_telephony *tel = &k->site->tel;
	int best = -1;

	for (int i = 0; i < RF_FEATURES; i++) {
		struct rf_view code = tel->codes[i];

		if (code.n && rf_view_starts(k->number, code) &&
		    (takes_number((enum rf_feature)i) || code.n == k->number.n) &&
		    (best < 0 || code.n > tel->codes[best].n))
			best = i;
	}
	return best;
}

static bool feature(struct dialling *k)
{
	const struct rf_site_telephony *tel = &k->site->tel;
	int best = feature_of(k);

	if (best < 0)
		return false;
	if (best == RF_FEATURE_VOICEMAIL && tel->voicemail.number.n) {
		rf_dial_say(k, "the code of voicemail: its number");
		k->number = tel->voicemail.number;
		return false;
	}
	k->d->feature = (enum rf_feature)best;
	k->d->call_class = RF_CLASS_INTERNAL;
	keep(k->d, rf_view_from(k->number, tel->codes[best].n));
	rf_dial_say(k, "the code of %s", rf_feature_name((enum rf_feature)best));
	return decide(k, RF_DIAL_FEATURE, "feature-code", tel->codes_pos, "a feature code");
}

static void speed_dial(struct dialling *k)
{
	const struct rf_site_speed *s = rf_site_speed(k->site, k->number);
	char place[RF_DIAL_PLACE];

	if (!s)
		return;
	rf_dial_say(k, "speed dial for %s%s", rf_site_cstr(s->to), rf_dial_place(k, s->pos, place));
	memcpy(k->text, s->to.p, s->to.n);
	k->number = rf_view_of(k->text, s->to.n);
}

/* --- our own */

static bool internal(struct dialling *k, enum rf_dial_kind kind, struct rf_view number, const char *rule,
		     struct rf_site_pos pos, const char *why)
{
	keep(k->d, number);
	k->d->call_class = RF_CLASS_INTERNAL;
	rf_dial_say(k, "%s", why);
	if (!k->ask->who.trunk && !rf_dial_may(k, RF_CLASS_INTERNAL, k->d->number, (struct rf_view){ NULL, 0 }))
		return true;
	return decide(k, kind, rule, pos, why);
}

/* Decided, when the number is one of the site. */
static bool own(struct dialling *k, struct rf_view number)
{
	const struct rf_site *s = k->site;
	const struct rf_dir_phone *const *phones;
	const struct rf_site_group *g = rf_site_group(s, number);

	if (rf_directory_number(k->ask->directory, number)) {
		struct rf_site_pos pos = nowhere;

		if (rf_directory_phones_of(k->ask->directory, number, &phones))
			pos = phones[0]->site->pos;
		return internal(k, RF_DIAL_NUMBER, number, "own-number", pos, "a number of this site");
	}
	if (g) {
		k->d->group = g;
		return internal(k, RF_DIAL_GROUP, number, "group", g->pos, "the number of a group");
	}
	if (rf_view_eq(s->tel.voicemail.number, number))
		return internal(k, RF_DIAL_VOICEMAIL, number, "voicemail", s->tel.voicemail.pos,
				"the number of voicemail");
	if (k->ask->who.trunk)
		return false;
	if (is_slot(s, number))
		return internal(k, RF_DIAL_PARKED, number, "parking", s->tel.parking.pos, "a parking slot");
	return false;
}

static bool by_trunk_number(struct dialling *k, const struct rf_site_trunk *t, struct rf_view e164)
{
	uint8_t buf[RF_DIAL_NUMBER_MAX];
	char place[RF_DIAL_PLACE];
	struct rf_view ours;

	for (size_t i = 0; i < t->number_count; i++) {
		if (rf_pattern_apply(t->numbers[i].match, t->numbers[i].to, e164, buf, sizeof buf, &ours))
			continue;
		rf_dial_say(k, "%.*s of trunk %s is our %.*s%s", RF_VFMT(e164), rf_site_cstr(t->name), RF_VFMT(ours),
			    rf_dial_place(k, t->numbers[i].pos, place));
		if (own(k, ours))
			return true;
	}
	return false;
}

/* --- outside */

static bool outside(struct dialling *k, struct rf_view number, struct rf_view e164, enum rf_call_class call_class)
{
	keep(k->d, number);
	k->d->e164 = e164.n > 0;
	k->d->call_class = call_class;
	if (!rf_dial_may(k, call_class, k->d->number, e164))
		return true;
	const char *rule = k->d->rule, *why = k->d->why;
	struct rf_site_pos pos = k->d->pos;

	if (!rf_dial_route(k, e164)) {
		rf_dial_refuse(k, 404, "no-route", nowhere, "no trunk takes calls to this number now");
		return true;
	}
	return decide(k, RF_DIAL_OUTSIDE, rule, pos, why);
}

static bool in_full(struct dialling *k, struct rf_view e164, const char *how)
{
	struct rf_site_pos pos;
	char place[RF_DIAL_PLACE];
	const char *by;

	rf_dial_say(k, "in full %.*s (%s)", RF_VFMT(e164), how);
	if (own(k, e164))
		return true;
	for (size_t i = 0; i < k->site->trunk_count; i++)
		if (by_trunk_number(k, &k->site->trunks[i], e164))
			return true;
	enum rf_call_class call_class = rf_dial_class(k->d->plan, e164, &pos, &by);

	rf_dial_say(k, "%s by %s%s", rf_class_name(call_class), by, rf_dial_place(k, pos, place));
	return outside(k, e164, e164, call_class);
}

/* A number that goes out as it is says what it costs by the rule that lets it; but what the plan would read as abroad
 * or as premium stays that. */
static enum rf_call_class not_cheaper(struct dialling *k, struct rf_view number, enum rf_call_class call_class)
{
	const struct rf_site_plan *plan = k->d->plan;
	uint8_t text[RF_DIAL_NUMBER_MAX], full[RF_DIAL_NUMBER_MAX];
	struct rf_view forms[2] = { number }, e164;
	struct rf_site_pos pos;
	struct rf_writer w;
	const char *how;

	rf_writer_init(&w, text, sizeof text);
	rf_put(&w, plan->outside);
	rf_put(&w, number);
	if (rf_writer_done(&w, &forms[1]))
		return RF_CLASS_PREMIUM;
	for (int i = 0; i < 2; i++) {
		if (!rf_dial_e164(plan, forms[i], full, &e164, &how))
			continue;
		enum rf_call_class c = rf_dial_class(plan, e164, &pos, &how);

		if (c == RF_CLASS_PREMIUM || (c == RF_CLASS_INTERNATIONAL && call_class != RF_CLASS_PREMIUM))
			call_class = c;
	}
	return call_class;
}

/* Decided by a rule for what is dialled, or *number is another one from here on. */
static bool dialled_rule(struct dialling *k, uint8_t buf[static RF_DIAL_NUMBER_MAX], struct rf_view *number)
{
	const struct rf_site_plan *plan = k->d->plan;
	char place[RF_DIAL_PLACE];

	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rf_site_rule *r = &plan->rules[i];
		struct rf_view to = *number;

		if (r->match.p[0] == '+' || !rf_pattern_match(r->match, *number))
			continue;
		if (r->to.n && rf_pattern_apply(r->match, r->to, *number, buf, RF_DIAL_NUMBER_MAX, &to))
			continue;
		rf_dial_say(k, "rule for %s of the dial plan: %.*s%s", rf_site_cstr(r->match), RF_VFMT(to),
			    rf_dial_place(k, r->pos, place));
		k->number = to;
		if (r->to.n && emergency(k))
			return true;
		if (own(k, to))
			return true;
		*number = to;
		if (r->to.n && to.p[0] == '+')
			return false;
		if (r->call_class == RF_CLASS_INTERNAL)
			return false;
		enum rf_call_class c = not_cheaper(k, to, (enum rf_call_class)r->call_class);

		rf_dial_say(k, "%s", rf_class_name(c));
		return outside(k, to, (struct rf_view){ NULL, 0 }, c);
	}
	return false;
}

/* --- the order */

static bool from_trunk(struct dialling *k)
{
	uint8_t buf[RF_DIAL_NUMBER_MAX];
	const char *how;
	struct rf_view e164;

	if (!k->ask->who.trunk)
		return false;
	rf_dial_say(k, "from trunk %s: only its numbers", rf_site_cstr(k->ask->who.trunk->name));
	if (rf_dial_e164(k->d->plan, k->number, buf, &e164, &how) && by_trunk_number(k, k->ask->who.trunk, e164))
		return true;
	if (by_trunk_number(k, k->ask->who.trunk, k->number))
		return true;
	rf_dial_refuse(k, 404, "not-a-trunk-number", k->ask->who.trunk->pos, "the trunk brings in no such number");
	return true;
}

static void order(struct dialling *k)
{
	uint8_t rewritten[RF_DIAL_NUMBER_MAX], full[RF_DIAL_NUMBER_MAX];
	struct rf_view number, e164;
	const char *how;

	if (from_trunk(k) || emergency(k))
		return;
	if (k->site->emergency.test.n && rf_view_eq(k->site->emergency.test, k->number)) {
		k->d->call_class = RF_CLASS_INTERNAL;
		rf_dial_route_emergency(k);
		decide(k, RF_DIAL_EMERGENCY_TEST, "emergency-test", k->site->emergency.pos,
		       "the test of emergency calls");
		return;
	}
	if (feature(k))
		return;
	speed_dial(k);
	if (emergency(k) || own(k, k->number))
		return;
	number = k->number;
	if (dialled_rule(k, rewritten, &number))
		return;
	if (rf_dial_e164(k->d->plan, number, full, &e164, &how) && in_full(k, e164, how))
		return;
	rf_dial_refuse(k, 404, "no-such-number", nowhere, "no number of this site, and none of its dial plan");
}

static const struct rf_site_location *location_of(const struct rf_directory *d, const struct rf_dial_who *who)
{
	const struct rf_dir_phone *const *phones, *p = who->phone.n ? rf_directory_phone(d, who->phone) : NULL;

	if (!p && rf_directory_phones_of(d, who->number, &phones))
		p = phones[0];
	return p ? p->site->location : NULL;
}

static void say_who(struct dialling *k)
{
	const struct rf_dial_who *w = &k->ask->who;
	char place[RF_DIAL_PLACE];

	if (w->trunk)
		return;
	rf_dial_say(k, "from %.*s%s%.*s%s%.*s%s%s", RF_VFMT(w->number), w->phone.n ? ", phone " : "", RF_VFMT(w->phone),
		    w->user.n ? ", user " : "", RF_VFMT(w->user), k->location ? ", at " : "",
		    k->location ? rf_site_cstr(k->location->name) : "");
	rf_dial_say(k, "dial plan %s%s", k->d->plan->name.n ? rf_site_cstr(k->d->plan->name) : "of every site",
		    rf_dial_place(k, k->d->plan->pos, place));
}

static bool clean(struct dialling *k)
{
	switch (rf_dial_clean(k->ask->dialled, k->site->domain, k->text, &k->number)) {
	case RF_DIAL_TEXT_OK:
		rf_dial_say(k, "dialled %.*s", RF_VFMT(k->number));
		return true;
	case RF_DIAL_TEXT_CONTEXT:
		rf_dial_refuse(k, 404, "phone-context", nowhere, "a local number of somewhere else");
		return false;
	case RF_DIAL_TEXT_LONG:
		rf_dial_refuse(k, 404, "too-long", nowhere, "longer than any number");
		return false;
	default:
		rf_dial_refuse(k, 404, "not-a-number", nowhere, "not a number");
		return false;
	}
}

/* The dial plan makes an emergency number of it. */
static bool ruled_emergency(const struct dialling *k, const struct rf_site_plan *plan)
{
	uint8_t buf[RF_DIAL_NUMBER_MAX];

	for (size_t i = 0; i < plan->rule_count; i++) {
		const struct rf_site_rule *r = &plan->rules[i];
		struct dialling by = *k;

		if (r->match.p[0] == '+' || !rf_pattern_match(r->match, k->number))
			continue;
		if (!r->to.n || rf_pattern_apply(r->match, r->to, k->number, buf, sizeof buf, &by.number))
			return false;
		return emergency_number(&by, plan).n > 0;
	}
	return false;
}

static bool planned_emergency(const struct dialling *cleaned, const struct rf_site_plan *plan)
{
	struct dialling k = *cleaned;

	if (emergency_number(&k, plan).n)
		return true;
	int code = feature_of(&k);

	if (code == RF_FEATURE_HIDE_NUMBER || code == RF_FEATURE_SHOW_NUMBER) /* *67112: a call to what is behind it */
		k.number = rf_view_from(k.number, k.site->tel.codes[code].n);
	else if (code >= 0)
		return false;
	const struct rf_site_speed *speed = rf_site_speed(k.site, k.number);

	if (speed)
		k.number = speed->to;
	return emergency_number(&k, plan).n > 0 || (!taken(&k, k.number) && ruled_emergency(&k, plan));
}

bool rf_dial_is_emergency(const struct rf_directory *directory, const struct rf_dial_who *who, struct rf_view dialled)
{
	const struct rf_dial_ask ask = { .directory = directory, .who = *who, .dialled = dialled };
	struct dialling k = { .ask = &ask, .site = rf_directory_site(directory) };

	if (who->trunk || rf_dial_clean(dialled, k.site->domain, k.text, &k.number) != RF_DIAL_TEXT_OK)
		return false;
	const struct rf_site_location *l = location_of(directory, who);

	return planned_emergency(&k, l ? l->plan : k.site->tel.plan);
}

bool rf_dial_may_be_emergency(const struct rf_directory *directory, struct rf_view dialled)
{
	const struct rf_dial_ask ask = { .directory = directory, .dialled = dialled };
	struct dialling k = { .ask = &ask, .site = rf_directory_site(directory) };

	if (rf_dial_clean(dialled, k.site->domain, k.text, &k.number) != RF_DIAL_TEXT_OK)
		return false;
	bool may = planned_emergency(&k, k.site->tel.plan);

	for (size_t i = 0; i < k.site->tel.plan_count && !may; i++)
		may = planned_emergency(&k, &k.site->tel.plans[i]);
	return may;
}

void rf_dial(const struct rf_dial_ask *ask, struct rf_dial *ret)
{
	struct dialling k = { .ask = ask, .site = rf_directory_site(ask->directory), .d = ret };
	char place[RF_DIAL_PLACE];

	/* not the stores: they are large */
	ret->kind = RF_DIAL_REFUSED;
	ret->call_class = RF_CLASSES;
	ret->code = 0;
	ret->number = ret->trail = (struct rf_view){ NULL, 0 };
	ret->e164 = false;
	ret->feature = RF_FEATURES;
	ret->group = NULL;
	ret->cos = NULL;
	ret->route = NULL;
	ret->trunks = 0;
	rf_writer_init(&k.trail, ret->trail_store, sizeof ret->trail_store);
	k.location = ret->location = location_of(ask->directory, &ask->who);
	ret->plan = k.location ? k.location->plan : k.site->tel.plan;
	say_who(&k);
	if (clean(&k))
		order(&k);
	if (ret->kind == RF_DIAL_REFUSED)
		rf_dial_say(&k, "refused, %u %s: %s%s", ret->code, ret->rule, ret->why,
			    rf_dial_place(&k, ret->pos, place));
	else
		rf_dial_say(&k, "%s %s: %s%s", rf_dial_kind_name(ret->kind), ret->rule, ret->why,
			    rf_dial_place(&k, ret->pos, place));
	rf_writer_done(&k.trail, &ret->trail);
}

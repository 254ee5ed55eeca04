/* Which class a number is in, and whether a caller may call numbers of that class. */
#include "call/dial_int.h"
#include "site/pattern.h"

/* --- the class of a number */

/* Areas of country code 1 that are countries of their own (North American Numbering Plan). */
static bool island(struct rf_view area)
{
	static const uint16_t areas[] = {
		242, 246, 264, 268, 284, 345, 441, 473, 649, 658, 664, 721, 758, 767, 784, 809, 829, 849, 868, 869, 876,
	};
	uint64_t code;

	if (area.n != 3 || !rf_view_u64(area, 999, &code))
		return false;
	for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
		if (areas[i] == code)
			return true;
	return false;
}

static enum rf_call_class by_distance(const struct rf_site_plan *plan, struct rf_view digits)
{
	struct rf_view rest = rf_view_from(digits, plan->country_code.n);

	if (!plan->country_code.n || !rf_view_starts(digits, plan->country_code))
		return RF_CLASS_INTERNATIONAL;
	if (plan->area_code.n && rf_view_starts(rest, plan->area_code))
		return RF_CLASS_LOCAL;
	if (rf_view_eq(plan->country_code, RF_V("1")) &&
	    (island(rf_view_sub(rest, 0, 3)) || island(rf_view_sub(plan->area_code, 0, 3))))
		return RF_CLASS_INTERNATIONAL;
	return RF_CLASS_NATIONAL;
}

/* The number without zeros behind its country code: what a carrier may make of "+44 0 900 ...". The same when there are
 * none. */
static struct rf_view without_zeros(struct rf_view e164, uint8_t buf[static RF_DIAL_NUMBER_MAX])
{
	struct rf_view digits = rf_view_from(e164, 1);
	size_t cc = rf_dial_country_digits(digits), at = cc;

	while (at < digits.n && digits.p[at] == '0')
		at++;
	if (at == cc || e164.n > RF_DIAL_NUMBER_MAX)
		return e164;
	memcpy(buf, e164.p, 1 + cc);
	memcpy(buf + 1 + cc, digits.p + at, digits.n - at);
	return rf_view_of(buf, 1 + cc + digits.n - at);
}

static const struct rf_site_rule *rule_of(const struct rf_site_plan *plan, struct rf_view e164)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].match.p[0] == '+' && rf_pattern_match(plan->rules[i].match, e164))
			return &plan->rules[i];
	return NULL;
}

enum rf_call_class rf_dial_class(const struct rf_site_plan *plan, struct rf_view e164, struct rf_site_pos *ret_pos,
				 const char **ret_how)
{
	uint8_t buf[RF_DIAL_NUMBER_MAX];
	struct rf_view bare = without_zeros(e164, buf);
	const struct rf_site_rule *rule = rule_of(plan, e164), *bare_rule = rule_of(plan, bare);
	enum rf_call_class known = rf_dial_known(e164), bare_known = rf_dial_known(bare);

	*ret_pos = (struct rf_site_pos){ 0 };
	*ret_how = "a rule of the dial plan";
	if (bare_rule && bare_rule->call_class == RF_CLASS_PREMIUM)
		rule = bare_rule;
	if (rule) {
		*ret_pos = rule->pos;
		return (enum rf_call_class)rule->call_class;
	}
	*ret_how = "the numbers known of the country";
	if (bare_known == RF_CLASS_PREMIUM)
		return bare_known;
	if (known != RF_CLASSES)
		return known;
	*ret_how = "country and area code";
	return by_distance(plan, rf_view_from(e164, 1));
}

/* --- classes of service */

enum { COS_MAX = 16, CHAIN_MAX = 8 };

struct choice {
	const struct rf_site_cos *cos;
	const char *by;          /* "the user" */
	bool missing;            /* the class that the user is in has gone from the site file */
};

struct choices {
	struct choice v[COS_MAX];
	size_t n;
};

static void choose(struct choices *c, const struct rf_site_cos *cos, const char *by)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].cos == cos)
			return;
	if (c->n < COS_MAX)
		c->v[c->n++] = (struct choice){ .cos = cos, .by = by };
	else
		c->v[COS_MAX - 1] = (struct choice){ .cos = &rf_cos_internal, .by = "too many phones" };
}

static bool by_user(struct choices *c, const struct rf_dir_user *u, struct rf_wall now)
{
	if (!u || !u->class_name.n || (u->class_until_s && now.us / 1000000 > u->class_until_s))
		return false;
	c->v[c->n++] = (struct choice){ u->cos ? u->cos : &rf_cos_internal, "the user", !u->cos };
	return true;
}

static void by_phone(struct choices *c, const struct rf_site *site, const struct rf_site_phone *p)
{
	if (p->cos)
		choose(c, p->cos, "the phone");
	else if (p->location && p->location->cos)
		choose(c, p->location->cos, "the location");
	else
		choose(c, site->tel.cos, "the site");
}

static const struct rf_dir_user *user_of(const struct rf_directory *d, const struct rf_dial_who *who)
{
	const struct rf_dir_user *const *users;

	if (who->user.n)
		return rf_directory_user(d, who->user);
	return !who->phone.n && rf_directory_users_of(d, who->number, &users) == 1 ? users[0] : NULL;
}

static void find_choices(struct choices *c, const struct rf_directory *d, const struct rf_dial_who *who,
			 struct rf_wall now)
{
	const struct rf_site *site = rf_directory_site(d);
	const struct rf_dir_phone *const *phones, *p = who->phone.n ? rf_directory_phone(d, who->phone) : NULL;

	c->n = 0;
	if (who->roams && site->roaming.cos) {
		choose(c, site->roaming.cos, "roaming");
		return;
	}
	if (by_user(c, user_of(d, who), now))
		return;
	if (p)
		by_phone(c, site, p->site);
	else
		for (size_t i = rf_directory_phones_of(d, who->number, &phones); i-- > 0;)
			by_phone(c, site, phones[i]->site);
	if (!c->n)
		choose(c, site->tel.cos, "the site");
}

static bool holds(const struct rf_site *site, const struct rf_site_cos *c, struct rf_wall now)
{
	return (!c->until_s || now.us / 1000000 <= c->until_s) && rf_site_in_hours(site, &c->hours, now);
}

static const struct rf_site_cos *effective(const struct rf_site *site, const struct rf_site_cos *c, struct rf_wall now)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		if (holds(site, c, now))
			return c;
		if (!c->otherwise)
			break;
		c = c->otherwise;
	}
	return &rf_cos_internal;
}

const struct rf_site_cos *rf_dial_cos(const struct rf_directory *d, const struct rf_dial_who *who, struct rf_wall now)
{
	struct choices c;

	find_choices(&c, d, who, now);
	return effective(rf_directory_site(d), c.v[0].cos, now);
}

/* --- may they? */

static bool any_match(const struct rf_site_list *patterns, const struct rf_view *form, size_t forms)
{
	for (size_t i = 0; i < patterns->n; i++)
		for (size_t j = 0; j < forms; j++)
			if (form[j].n && rf_pattern_match(patterns->v[i], form[j]))
				return true;
	return false;
}

static const char *cos_name(const struct rf_site_cos *c)
{
	return c == &rf_cos_standard ? "of every site" : c == &rf_cos_internal ? "for internal calls" :
	       rf_site_cstr(c->name);
}

static const char *refuse_class(const struct choice *c, const struct rf_site_cos *cos, struct rf_wall now,
				const char **ret_why)
{
	if (c->missing) {
		*ret_why = "the user's class of service is not in the site file any more";
		return "class-missing";
	}
	if (cos != c->cos && c->cos->until_s && now.us / 1000000 > c->cos->until_s) {
		*ret_why = "the class of service has ended";
		return "class-ended";
	}
	if (cos != c->cos) {
		*ret_why = "outside the hours of the class of service";
		return "class-hours";
	}
	*ret_why = "not granted to the caller's class of service";
	return "class-denied";
}

static bool one_may(struct dialling *k, const struct choice *c, enum rf_call_class call_class, struct rf_view number,
		    struct rf_view e164)
{
	const struct rf_site_cos *cos = effective(k->site, c->cos, k->ask->now);
	uint8_t buf[RF_DIAL_NUMBER_MAX];
	char place[RF_DIAL_PLACE];
	const struct rf_view form[] = { number, e164, e164.n ? without_zeros(e164, buf) : e164 };
	const char *why, *rule;

	k->d->cos = cos;
	rf_dial_say(k, "class of service %s by %s%s", cos_name(c->cos), c->by, rf_dial_place(k, c->cos->pos, place));
	if (cos != c->cos)
		rf_dial_say(k, "which does not hold now; in its place: %s%s", cos_name(cos),
			    rf_dial_place(k, cos->pos, place));
	if (any_match(&cos->deny, form, 3)) {
		rf_dial_refuse(k, 403, "number-denied", cos->pos,
			       "the number is denied to the caller's class of service");
		return false;
	}
	if (any_match(&cos->allow, form, 2)) {
		k->d->rule = "number-allowed";
		k->d->why = "the number is allowed to the caller's class of service";
		k->d->pos = cos->pos;
		return true;
	}
	if (cos->grants & 1u << call_class) {
		k->d->rule = "class-granted";
		k->d->why = "granted to the caller's class of service";
		k->d->pos = cos->pos;
		return true;
	}
	rule = refuse_class(c, cos, k->ask->now, &why);
	rf_dial_refuse(k, 403, rule, c->cos->pos.line ? c->cos->pos : cos->pos, why);
	return false;
}

bool rf_dial_may(struct dialling *k, enum rf_call_class call_class, struct rf_view number, struct rf_view e164)
{
	struct choices c;

	find_choices(&c, k->ask->directory, &k->ask->who, k->ask->now);
	for (size_t i = 0; i < c.n; i++)
		if (!one_may(k, &c.v[i], call_class, number, e164))
			return false;
	return true;
}

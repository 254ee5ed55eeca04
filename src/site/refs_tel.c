/* What the part of a site about calls names: plans, classes, links, trunks, numbers. */
#include "site/pattern.h"
#include "site/site_int.h"

#include <stdio.h>

#define ERROR RF_LOOK_ERROR
#define WARNING RF_LOOK_WARNING

static const struct rf_site_plan plan_built_in = { .international = { (const uint8_t *)"", 0 } };

const struct rf_site_cos rf_cos_standard = {
	.grants = 1u << RF_CLASS_INTERNAL | 1u << RF_CLASS_LOCAL | 1u << RF_CLASS_NATIONAL | 1u << RF_CLASS_SERVICE,
};
const struct rf_site_cos rf_cos_internal = { .grants = 1u << RF_CLASS_INTERNAL };

static const void *find(struct rf_look *k, const struct rf_index *x, struct rf_view name)
{
	return rf_index_find(x, &k->all->hash_key, name);
}

const struct rf_site_cos *rf_look_class(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
					struct rf_view name)
{
	const struct rf_site_cos *cos = name.n ? find(k, &k->all->classes, name) : NULL;

	if (name.n && !cos)
		ERROR(k, pos, "name one of `classes`", "%s \"%.*s\": there is no class \"%.*s\"", what, RF_VFMT(who),
		      RF_VFMT(name));
	return cos;
}

const struct rf_site_link *rf_look_link(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
					struct rf_view name)
{
	const struct rf_site_link *link = name.n ? find(k, &k->all->links, name) : NULL;

	if (name.n && !link)
		ERROR(k, pos, "name one of `links`", "%s \"%.*s\": there is no link \"%.*s\"", what, RF_VFMT(who),
		      RF_VFMT(name));
	return link;
}

/* --- dial plans */

static bool is_e164(struct rf_view v)
{
	return v.n && v.p[0] == '+';
}

static void look_rule(struct rf_look *k, const struct rf_site_rule *r)
{
	bool has_class = r->call_class != RF_CLASSES;

	if (r->to.n && !rf_pattern_to_ok(r->match, r->to))
		ERROR(k, r->pos, "each x needs one in match, and a * needs a * at its end",
		      "\"%.*s\" takes more digits than \"%.*s\" matches", RF_VFMT(r->to), RF_VFMT(r->match));
	if (is_e164(r->match) && r->to.n)
		ERROR(k, r->pos, "give it a class, or match what is dialled",
		      "a match that begins with + says a class, not another number");
	else if (!is_e164(r->match) && is_e164(r->to) && has_class)
		ERROR(k, r->pos, "remove the class, or write a rule with match: \"+...\" for it",
		      "the class of %.*s follows from the number in full", RF_VFMT(r->to));
	else if (!has_class && !is_e164(r->to))
		ERROR(k, r->pos, "add  class: service  (or another), or a `to` that begins with +",
		      "a rule for \"%.*s\" without a class", RF_VFMT(r->match));
}

/* Prefixes that are usual for the country; that of the North American plan are its own. */
static void fill_plan(struct rf_site_plan *p)
{
	bool nanp = rf_view_eq(p->country_code, RF_V("1"));

	if (!p->outside.p)
		p->outside = RF_V("");
	if (!p->international.p)
		p->international = nanp ? RF_V("011") : RF_V("00");
	if (!p->national.p)
		p->national = nanp ? RF_V("1") : RF_V("0");
	if (nanp && !p->national_digits)
		p->national_digits = 10;
	if (nanp && !p->local_digits)
		p->local_digits = 7;
}

static void look_dial_plans(struct rf_look *k)
{
	struct rf_site_telephony *tel = &k->all->pub.tel;
	struct rf_site_plan *v = rf_arena_array(&k->all->arena, tel->plan_count, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tel->plan_count; i++) {
		v[i] = tel->plans[i];
		fill_plan(&v[i]);
		rf_look_add(k, &k->all->plans, v[i].name, &v[i]);
		for (size_t j = 0; j < v[i].rule_count; j++)
			look_rule(k, &v[i].rules[j]);
		if (v[i].area_code.n && !v[i].country_code.n)
			ERROR(k, v[i].pos,
			      "add  country_code:", "dial plan \"%.*s\" has an area code and no country code",
			      RF_VFMT(v[i].name));
	}
	tel->plans = v;
	tel->plan = tel->plan_count == 1 && !tel->plan_name.n ? &v[0] : &plan_built_in;
	if (tel->plan_name.n)
		tel->plan = find(k, &k->all->plans, tel->plan_name);
	if (!tel->plan)
		ERROR(k, tel->plan_pos, "name one of `dial_plans`", "there is no dial plan \"%.*s\"",
		      RF_VFMT(tel->plan_name));
}

/* --- classes */

static void look_class_chain(struct rf_look *k, const struct rf_site_cos *c)
{
	const struct rf_site_cos *at = c->otherwise;

	for (size_t i = 0; at && i < 8; i++, at = at->otherwise)
		if (at == c)
			break;
	if (at)
		ERROR(k, c->pos, "end the chain of `otherwise`", "class \"%.*s\" leads back to itself, or too far",
		      RF_VFMT(c->name));
	if (c->otherwise && !c->hours.n && !c->until_s)
		WARNING(k, c->pos, "add hours or until, or remove it",
			"class \"%.*s\" has an `otherwise` and holds always", RF_VFMT(c->name));
}

static void look_classes(struct rf_look *k)
{
	struct rf_site_telephony *tel = &k->all->pub.tel;
	struct rf_site_cos *v = rf_arena_array(&k->all->arena, tel->class_count, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tel->class_count; i++) {
		v[i] = tel->classes[i];
		rf_look_add(k, &k->all->classes, v[i].name, &v[i]);
	}
	for (size_t i = 0; i < tel->class_count; i++)
		v[i].otherwise = rf_look_class(k, v[i].pos, "class", v[i].name, v[i].otherwise_name);
	for (size_t i = 0; i < tel->class_count; i++)
		look_class_chain(k, &v[i]);
	tel->classes = v;
	tel->cos = rf_look_class(k, tel->class_pos, "site", k->all->pub.name, tel->class_name);
	if (!tel->cos)
		tel->cos = &rf_cos_standard;
}

void rf_look_plans(struct rf_look *k)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;

	look_dial_plans(k);
	look_classes(k);
	for (size_t i = 0; i < tel->link_count; i++)
		rf_look_add(k, &k->all->links, tel->links[i].name, &tel->links[i]);
}

/* --- trunks and routes */

static int fill_certificate(struct rf_look *k, struct rf_site_trunk *t)
{
	struct rf_view *name;

	if (t->certificate.n)
		return 0;
	name = rf_arena_array(&k->all->arena, 1, sizeof *name);
	if (!name)
		return -ENOMEM;
	*name = t->peer;
	t->certificate = (struct rf_site_list){ name, 1 };
	return 0;
}

/* Keys are told inside TLS or not at all. */
static void look_media(struct rf_look *k, struct rf_site_trunk *t)
{
	const struct rf_site_trunk_defaults *d = &k->all->pub.trunk_defaults;

	if (t->transport != RF_TRANSPORT_TLS) {
		if (t->encryption && t->encryption != RF_TRUNK_MEDIA_PLAIN)
			ERROR(k, t->encryption_pos, "use transport: tls, or remove it",
			      "trunk \"%.*s\": over %s nobody can be told keys, its media is plain",
			      RF_VFMT(t->name), rf_transport_name(t->transport));
		t->encryption = RF_TRUNK_MEDIA_PLAIN;
	} else if (!t->encryption) {
		t->encryption = d->encryption ? d->encryption : RF_TRUNK_MEDIA_ENCRYPTED;
	}
}

static void look_trunk(struct rf_look *k, struct rf_site_trunk *t)
{
	const struct rf_site_trunk *other = rf_look_add(k, &k->all->trunks, t->name, t);

	if (other)
		rf_look_twice(k, t->pos, other->pos, "trunk", t->name);
	if (fill_certificate(k, t))
		k->rc = -ENOMEM;
	t->link = rf_look_link(k, t->pos, "trunk", t->name, t->link_name);
	look_media(k, t);
	rf_accept_merge(&t->accept, &k->all->pub.trunk_defaults.accept);
	for (size_t i = 0; i < t->number_count; i++)
		if (!rf_pattern_to_ok(t->numbers[i].match, t->numbers[i].to))
			ERROR(k, t->numbers[i].pos, "each x needs one in the number on the left",
			      "\"%.*s\" takes more digits than \"%.*s\" matches", RF_VFMT(t->numbers[i].to),
			      RF_VFMT(t->numbers[i].match));
	if (t->transport != RF_TRANSPORT_TLS && !t->addresses.n)
		WARNING(k, t->pos, "add  addresses: [192.0.2.7]",
			"trunk \"%.*s\" has no certificate over %s and no addresses: "
			"it can be called, and no call from it is taken",
			RF_VFMT(t->name), rf_transport_name(t->transport));
}

static void look_trunks(struct rf_look *k)
{
	struct rf_site *s = &k->all->pub;
	struct rf_site_trunk *v = rf_arena_array(&k->all->arena, s->trunk_count, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	rf_accept_merge(&s->trunk_defaults.accept, NULL);
	for (size_t i = 0; i < s->trunk_count; i++) {
		v[i] = s->trunks[i];
		look_trunk(k, &v[i]);
	}
	s->trunks = v;
}

static void look_route(struct rf_look *k, struct rf_site_route *r)
{
	const struct rf_site_trunk **v = rf_arena_array(&k->all->arena, r->trunk_names.n, sizeof *v);

	if (!v) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < r->trunk_names.n; i++) {
		v[i] = find(k, &k->all->trunks, r->trunk_names.v[i]);
		if (!v[i])
			ERROR(k, r->pos, "name one of `trunks`", "route \"%.*s\": there is no trunk \"%.*s\"",
			      RF_VFMT(r->name), RF_VFMT(r->trunk_names.v[i]));
	}
	for (size_t i = 0; i < r->locations.n; i++)
		if (!find(k, &k->all->locations, r->locations.v[i]))
			ERROR(k, r->pos, "name one of `locations`", "route \"%.*s\": there is no location \"%.*s\"",
			      RF_VFMT(r->name), RF_VFMT(r->locations.v[i]));
	if (!r->trunk_names.n)
		ERROR(k, r->pos, "name at least one of `trunks`", "route \"%.*s\" has no trunk", RF_VFMT(r->name));
	r->trunks = v;
}

static void look_routes(struct rf_look *k)
{
	struct rf_site_telephony *tel = &k->all->pub.tel;
	struct rf_site_route *v = rf_arena_array(&k->all->arena, tel->route_count, sizeof *v);
	struct rf_index names;

	if (!v || rf_index_init(&names, &k->all->arena, tel->route_count)) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tel->route_count; i++) {
		v[i] = tel->routes[i];
		const struct rf_site_route *other = rf_look_add(k, &names, v[i].name, &v[i]);

		if (other)
			rf_look_twice(k, v[i].pos, other->pos, "route", v[i].name);
		look_route(k, &v[i]);
	}
	rf_index_fini(&names);
	tel->routes = v;
}

/* --- numbers: one meaning each */

/* Something other than a phone wants this number. */
static void look_free(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view number)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;
	const struct rf_site_phone *p = find(k, &k->all->numbers, number);

	if (p)
		ERROR(k, pos, "choose another number", "%s %.*s is the number of phone \"%.*s\"", what, RF_VFMT(number),
		      RF_VFMT(p->name));
	if (rf_site_is_emergency(&k->all->pub, number))
		ERROR(k, pos, "choose another number", "%s %.*s is an emergency number", what, RF_VFMT(number));
	for (int i = 0; i < RF_FEATURES; i++)
		if (tel->codes[i].n && rf_view_eq(tel->codes[i], number))
			ERROR(k, pos, "choose another, or change it under feature_codes", "%s %.*s is the code of %s",
			      what, RF_VFMT(number), rf_feature_name((enum rf_feature)i));
}

/* A number that should be somebody's: those of users alone are not in the site file. */
static void look_owner(struct rf_look *k, struct rf_site_pos pos, const char *what, struct rf_view who,
		       struct rf_view number)
{
	if (!find(k, &k->all->numbers, number))
		WARNING(k, pos, "add a phone with it, or a user", "%s \"%.*s\": no phone has number %.*s", what,
			RF_VFMT(who), RF_VFMT(number));
}

static void look_members(struct rf_look *k, const struct rf_site_group *g)
{
	if (!g->members.n)
		ERROR(k, g->pos, "name the numbers that ring", "group \"%.*s\" has no members", RF_VFMT(g->name));
	for (size_t j = 0; j < g->members.n; j++) {
		if (rf_view_eq(g->members.v[j], g->number))
			ERROR(k, g->pos, "remove it", "group \"%.*s\" is a member of itself", RF_VFMT(g->name));
		else
			look_owner(k, g->pos, "group", g->name, g->members.v[j]);
	}
}

static void look_groups(struct rf_look *k)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;
	struct rf_index names;

	if (rf_index_init(&names, &k->all->arena, tel->group_count)) {
		k->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tel->group_count; i++) {
		const struct rf_site_group *g = &tel->groups[i], *other = rf_look_add(k, &names, g->name, g);

		if (other)
			rf_look_twice(k, g->pos, other->pos, "group", g->name);
		other = rf_look_add(k, &k->all->groups, g->number, g);
		if (other)
			rf_look_twice(k, g->pos, other->pos, "the number of group", g->number);
		look_free(k, g->pos, "group number", g->number);
		look_members(k, g);
	}
	rf_index_fini(&names);
}

static void look_speeds(struct rf_look *k)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;

	for (size_t i = 0; i < tel->speed_count; i++) {
		const struct rf_site_speed *s = &tel->speeds[i];

		rf_look_add(k, &k->all->speeds, s->number, s);
		look_free(k, s->pos, "speed dial", s->number);
		if (find(k, &k->all->groups, s->number))
			ERROR(k, s->pos, "choose another number", "speed dial %.*s is the number of a group",
			      RF_VFMT(s->number));
		if (!s->number.n)
			ERROR(k, s->pos, "give it a number", "a speed dial without a number");
	}
}

static void look_codes(struct rf_look *k)
{
	const struct rf_site_telephony *tel = &k->all->pub.tel;

	for (int i = 0; i < RF_FEATURES; i++)
		for (int j = 0; tel->codes[i].n && j < i; j++)
			if (rf_view_eq(tel->codes[i], tel->codes[j]))
				ERROR(k, tel->codes_pos, "choose another one", "feature_codes: %s and %s are both %.*s",
				      rf_feature_name((enum rf_feature)j), rf_feature_name((enum rf_feature)i),
				      RF_VFMT(tel->codes[i]));
	for (int i = 0; i < RF_FEATURES; i++)
		if (tel->codes[i].n && rf_site_is_emergency(&k->all->pub, tel->codes[i]))
			ERROR(k, tel->codes_pos, "choose another one", "feature_codes: %s is an emergency number",
			      rf_feature_name((enum rf_feature)i));
}

static void look_parking(struct rf_look *k)
{
	const struct rf_site_parking *p = &k->all->pub.tel.parking;
	char text[12];

	for (uint32_t n = p->first; p->last && n <= p->last; n++) {
		int len = snprintf(text, sizeof text, "%u", n);

		look_free(k, p->pos, "parking slot", rf_view_of(text, (size_t)len));
		if (find(k, &k->all->groups, rf_view_of(text, (size_t)len)))
			ERROR(k, p->pos, "choose other slots", "parking slot %u is the number of a group", n);
	}
}

void rf_look_calls(struct rf_look *k)
{
	const struct rf_site *s = &k->all->pub;
	const struct rf_site_telephony *tel = &s->tel;

	look_trunks(k);
	if (k->rc == 0)
		look_routes(k);
	if (k->rc == 0)
		look_groups(k);
	look_speeds(k);
	look_codes(k);
	look_parking(k);
	for (size_t i = 0; i < tel->number_count; i++) {
		rf_look_add(k, &k->all->numberings, tel->numbers[i].number, &tel->numbers[i]);
		if (!rf_site_number_ok(tel->numbers[i].number))
			ERROR(k, tel->numbers[i].pos, "write a number", "numbers: \"%.*s\" is not a number",
			      RF_VFMT(tel->numbers[i].number));
	}
	if (tel->voicemail.number.n)
		look_free(k, tel->voicemail.pos, "voicemail", tel->voicemail.number);
	if (s->emergency.test.n)
		look_free(k, s->emergency.pos, "emergency.test", s->emergency.test);
}

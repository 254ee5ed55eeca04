/* What a site says about calls that is legal and not wise, or half said. */
#include "site/site_int.h"

enum { SOON_S = 30 * 24 * 3600 };

struct rules {
	struct rf_site_all *all;
	struct rf_findings *f;
	struct rf_wall now;
};

#define FINDING(r, severity, pos, mend, ...) \
	rf_finding_add((r)->f, severity, rf_site_place((r)->all, pos), NULL, mend, __VA_ARGS__)

static void look_class(struct rules *r, const struct rf_site_cos *c)
{
	int64_t left_s = c->until_s - r->now.us / 1000000;

	if (c->until_s && left_s < 0)
		FINDING(r, RF_SEV_WARNING, c->pos, "give it another day, or remove it",
			"class \"%.*s\" ended on %.*s: who has it has what `otherwise` names, or internal calls only",
			RF_VFMT(c->name), RF_VFMT(c->until_text));
	else if (c->until_s && left_s < SOON_S)
		FINDING(r, RF_SEV_NOTE, c->pos, NULL, "class \"%.*s\" ends on %.*s", RF_VFMT(c->name),
			RF_VFMT(c->until_text));
	if (!c->grants && !c->allow.n)
		FINDING(r, RF_SEV_WARNING, c->pos, "add  grants: [internal]", "class \"%.*s\" grants nothing",
			RF_VFMT(c->name));
}

static bool uses_hours(const struct rf_site *s)
{
	for (size_t i = 0; i < s->tel.class_count; i++)
		if (s->tel.classes[i].hours.n)
			return true;
	for (size_t i = 0; i < s->tel.route_count; i++)
		if (s->tel.routes[i].hours.n)
			return true;
	for (size_t i = 0; i < s->trunk_count; i++)
		if (s->trunks[i].hours.n)
			return true;
	return false;
}

static void look_emergency(struct rules *r)
{
	const struct rf_site *s = &r->all->pub;

	if (s->trunk_count && !s->emergency.via.n)
		FINDING(r, RF_SEV_WARNING, s->emergency.pos, "add  emergency: { via: [TRUNK] }",
			"no trunk is named for emergency calls: they take every trunk in order");
}

static void look_stir(struct rules *r)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_stir *t = &s->tel.stir;
	unsigned used = 0;

	for (size_t i = 0; i < s->trunk_count; i++)
		used |= s->trunks[i].stir;
	if (used & RF_STIR_SIGN && (!t->certificate.n || !t->key.n || !t->url.n))
		FINDING(r, RF_SEV_ERROR, t->pos, "add  stir: { certificate: FILE, key: FILE, url: https://... }",
			"a trunk has stir: sign, and nothing to sign with");
	if (used & (RF_STIR_VERIFY | RF_STIR_REQUIRE) && !t->trust.n)
		FINDING(r, RF_SEV_ERROR, t->pos, "add  stir: { trust: FILE }", "a trunk has stir: verify or require, and nobody is trusted");
}

void rf_site_rules_tel(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings)
{
	struct rules r = { all, findings, now };
	const struct rf_site *s = &all->pub;

	for (size_t i = 0; i < s->tel.class_count; i++)
		look_class(&r, &s->tel.classes[i]);
	if (!s->tel.timezone.n && uses_hours(s))
		FINDING(&r, RF_SEV_WARNING, ((struct rf_site_pos){ 0 }), "add  timezone: Europe/Berlin",
			"hours are given and no timezone: they are in UTC");
	look_emergency(&r);
	look_stir(&r);
}

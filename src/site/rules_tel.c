/* What a site says about calls that is legal and not wise, or half said. */
#include "site/site_int.h"

enum { DAY_S = 24 * 3600, SOON_S = 30 * DAY_S };

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

/* Where hours are given first; line 0: nowhere. */
static struct rf_site_pos hours_at(const struct rf_site *s)
{
	for (size_t i = 0; i < s->tel.class_count; i++)
		if (s->tel.classes[i].hours.n)
			return s->tel.classes[i].pos;
	for (size_t i = 0; i < s->tel.route_count; i++)
		if (s->tel.routes[i].hours.n)
			return s->tel.routes[i].pos;
	for (size_t i = 0; i < s->trunk_count; i++)
		if (s->trunks[i].hours.n)
			return s->trunks[i].pos;
	return (struct rf_site_pos){ 0 };
}

static void look_link(struct rules *r, const struct rf_site_link *l)
{
	if (!l->calls && !l->kbit_per_second)
		FINDING(r, RF_SEV_WARNING, l->pos, "add  calls: 20  or  kbit_per_second: 2000",
			"link \"%.*s\" carries any number of calls", RF_VFMT(l->name));
	if (l->kbit_per_second && l->kbit_per_second < l->kbit_per_call)
		FINDING(r, RF_SEV_ERROR, l->pos, "give it more, or the call less: kbit_per_call",
			"link \"%.*s\" carries no call: %u kbit/s, and a call takes %u", RF_VFMT(l->name),
			l->kbit_per_second, l->kbit_per_call);
}

static void look_phone(struct rules *r, const struct rf_site_phone *p)
{
	/* The end of that day: today is still to come. */
	if (p->confirmed_s > r->now.us / 1000000 + DAY_S)
		FINDING(r, RF_SEV_WARNING, p->pos, "write the day on which somebody saw it there",
			"phone \"%.*s\" was seen at its location on a day to come", RF_VFMT(p->name));
}

static void look_emergency(struct rules *r)
{
	const struct rf_site *s = &r->all->pub;

	if (s->trunk_count && !s->emergency.via.n)
		FINDING(r, RF_SEV_WARNING, s->emergency.pos.line ? s->emergency.pos : s->trunks[0].pos,
			"add  emergency: { via: [TRUNK] }",
			"no trunk is named for emergency calls: they take every trunk in order");
}

static void look_stir(struct rules *r, const struct rf_site_trunk *trunk)
{
	const struct rf_site_stir *t = &r->all->pub.tel.stir;

	if (trunk->stir & RF_STIR_SIGN && (!t->certificate.n || !t->key.n || !t->url.n))
		FINDING(r, RF_SEV_ERROR, trunk->pos, "add  stir: { certificate: FILE, key: FILE, url: https://... }",
			"trunk \"%.*s\" has stir: sign, and there is nothing to sign with", RF_VFMT(trunk->name));
	if (trunk->stir & (RF_STIR_VERIFY | RF_STIR_REQUIRE) && !t->trust.n)
		FINDING(r, RF_SEV_ERROR, trunk->pos, "add  stir: { trust: FILE }",
			"trunk \"%.*s\" has stir: verify or require, and nobody is trusted", RF_VFMT(trunk->name));
}

static void look_login(struct rules *r, const struct rf_site_trunk *t)
{
	enum rf_level level = r->all->pub.level;

	if ((t->login.n != 0) != (t->password_file.n != 0))
		FINDING(r, RF_SEV_ERROR, t->pos, "name both  login: NAME  and  password_file: FILE", 
			"trunk \"%.*s\" has a %s and no %s", RF_VFMT(t->name), t->login.n ? "login" : "password_file",
			t->login.n ? "password_file" : "login");
	if (t->registers && !t->login.n && !t->caller_number.n)
		FINDING(r, RF_SEV_ERROR, t->pos, "add  login: NAME  or  caller_number: NUMBER",
			"trunk \"%.*s\" wants a registration, and has no name for it", RF_VFMT(t->name));
	if (t->login.n && t->transport != RF_TRANSPORT_TLS && level != RF_LEVEL_MINIMUM)
		FINDING(r, RF_SEV_ERROR, t->pos, "set transport: tls",
			"trunk \"%.*s\": level %s does not allow a login outside TLS",
			RF_VFMT(t->name), rf_level_name(level));
	if (!t->login_md5)
		return;
	if (level == RF_LEVEL_HIGHEST)
		FINDING(r, RF_SEV_ERROR, t->pos, "remove login_md5, or choose a lower level",
			"trunk \"%.*s\": level %s does not allow digest with MD5", RF_VFMT(t->name),
			rf_level_name(level));
	else
		FINDING(r, RF_SEV_WARNING, t->pos, "remove login_md5 when the trunk can do SHA-256 (RFC 8760)",
			"trunk \"%.*s\" may ask for digest with MD5", RF_VFMT(t->name));
}

void rf_site_rules_tel(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings)
{
	struct rules r = { all, findings, now };
	const struct rf_site *s = &all->pub;

	for (size_t i = 0; i < s->tel.class_count; i++)
		look_class(&r, &s->tel.classes[i]);
	for (size_t i = 0; i < s->tel.link_count; i++)
		look_link(&r, &s->tel.links[i]);
	for (size_t i = 0; i < s->phone_count; i++)
		look_phone(&r, &s->phones[i]);
	struct rf_site_pos hours = hours_at(s);
	if (!s->tel.timezone.n && hours.line)
		FINDING(&r, RF_SEV_WARNING, hours, "add  timezone: Europe/Berlin",
			"hours are given and no timezone: they are in UTC");
	look_emergency(&r);
	for (size_t i = 0; i < s->trunk_count; i++) {
		look_stir(&r, &s->trunks[i]);
		look_login(&r, &s->trunks[i]);
	}
}

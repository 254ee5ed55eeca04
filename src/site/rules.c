/* What the level demands, what the file asks for, what a written deviation permits: made into the policy that holds. */
#include "site/site_int.h"

enum { SOON_DAYS = 30, DAY_S = 24 * 3600 };

struct rules {
	struct rf_site_all *all;
	struct rf_findings *f;
	struct rf_wall now;
};

#define FINDING(r, severity, pos, mitigation, mend, ...) \
	rf_finding_add((r)->f, severity, rf_site_place((r)->all, pos), mitigation, mend, __VA_ARGS__)

static bool deviates(const struct rules *r, const char *mitigation)
{
	return rf_site_deviation(&r->all->pub, mitigation, r->now) != NULL;
}

/* Deviations themselves */

static void look_until(struct rules *r, const struct rf_site_deviation *d, const char *id)
{
	int64_t left_s = d->until_s - r->now.us / 1000000;

	if (left_s < 0)
		FINDING(r, RF_SEV_ERROR, d->until_pos, id,
			"meet the mitigation and remove the deviation, or have it approved anew",
			"the deviation ended on %.*s", RF_VFMT(d->until_text));
	else if (left_s < (int64_t)SOON_DAYS * DAY_S)
		FINDING(r, RF_SEV_WARNING, d->until_pos, id, "meet the mitigation, or have the deviation approved anew",
			"the deviation ends on %.*s", RF_VFMT(d->until_text));
	else if (left_s > (int64_t)3 * 366 * DAY_S)
		FINDING(r, RF_SEV_WARNING, d->until_pos, id, "a deviation is meant to end; choose an earlier day",
			"the deviation runs for more than three years");
}

/* Both from one mitigation, and for the site or for one trunk. */
static bool same_matter(const struct rf_site_deviation *a, const struct rf_site_deviation *b)
{
	bool same = !a->trunks.n && !b->trunks.n;

	for (size_t i = 0; i < b->trunks.n; i++)
		same |= rf_site_deviation_names(a, b->trunks.v[i]);
	return same && rf_view_eq(a->mitigation, b->mitigation);
}

static void look_deviation(struct rules *r, size_t i)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_deviation *d = &s->deviations[i];
	unsigned levels = 0;

	if (!rf_mitigation_known(d->mitigation, &levels)) {
		/* The search is long; past the cap nobody would see what it finds. */
		const char *near = r->f->n < RF_FINDINGS_MAX ? rf_mitigation_near(d->mitigation) : NULL;

		rf_finding_add(r->f, RF_SEV_ERROR, rf_site_place(r->all, d->mitigation_pos), NULL,
			       near ? near : "take the id from the finding that it answers",
			       near ? "there is no mitigation \"%.*s\"; did you mean this one?"
				    : "there is no mitigation \"%.*s\"", RF_VFMT(d->mitigation));
		return;
	}
	const char *id = rf_site_cstr(d->mitigation);
	for (size_t j = 0; j < i; j++)
		if (same_matter(&s->deviations[j], d))
			FINDING(r, RF_SEV_ERROR, d->mitigation_pos, NULL, "keep one of them",
				"a second deviation from %s", id);
	if (!rf_site_says_something(d->reason))
		FINDING(r, RF_SEV_ERROR, d->reason_pos, NULL, "say why the site cannot meet it",
			"the deviation from %s has no reason", id);
	if (!rf_site_says_something(d->approved_by))
		FINDING(r, RF_SEV_ERROR, d->approved_pos, NULL, "name who approved it",
			"the deviation from %s has no approver", id);
	look_until(r, d, rf_mitigation_id(d->mitigation));
}

/* Signalling */

static bool has_softphone_zone(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_SOFTPHONE)
			return true;
	return false;
}

/* Browsers are softphones. At highest DTLS-SRTP, their only media, is off, so that no deviation would help. */
static void look_softphones(struct rules *r, const struct rf_site_listen *l)
{
	const struct rf_site *s = &r->all->pub;
	const char *name = rf_transport_name(l->transport);

	if (s->level == RF_LEVEL_HIGHEST)
		FINDING(r, RF_SEV_ERROR, l->pos, RF_MIT_SOFTPHONES, "remove it, or choose a lower level",
			"level highest has no softphones, and %s is for phones in a browser", name);
	else if (!rf_level_policy(s->level)->softphones && !deviates(r, RF_MIT_SOFTPHONES))
		FINDING(r, RF_SEV_ERROR, l->pos, RF_MIT_SOFTPHONES,
			"remove it, or write a deviation from " RF_MIT_SOFTPHONES,
			"level %s has no softphones, and %s is for phones in a browser", rf_level_name(s->level), name);
	else if (!has_softphone_zone(s))
		FINDING(r, RF_SEV_ERROR, l->pos, RF_MIT_SOFTPHONES,
			"add a zone of kind softphone, or remove the listener",
			"%s is for phones in a browser, and the site has no zone of kind softphone", name);
}

static void look_listen(struct rules *r, const struct rf_site_listen *l)
{
	const struct rf_site *s = &r->all->pub;
	const char *name = rf_transport_name(l->transport);

	if (l->transport == RF_TRANSPORT_TLS)
		return;
	if (l->transport == RF_TRANSPORT_WS || l->transport == RF_TRANSPORT_WSS)
		look_softphones(r, l);
	if (l->transport == RF_TRANSPORT_WSS)
		return;
	if (s->level != RF_LEVEL_MINIMUM)
		FINDING(r, RF_SEV_ERROR, l->pos, RF_MIT_SIGNALING, "use transport: tls",
			"at level %s nothing listens on %s: its signaling is not encrypted", rf_level_name(s->level),
			name);
	else if (!deviates(r, RF_MIT_SIGNALING))
		FINDING(r, RF_SEV_ERROR, l->pos, RF_MIT_SIGNALING,
			"use transport: tls, or write a deviation from " RF_MIT_SIGNALING,
			"signaling on %s is not encrypted", name);
}

static void look_listens(struct rules *r)
{
	const struct rf_site *s = &r->all->pub;

	for (size_t i = 0; i < s->sip.listens; i++) {
		const struct rf_site_listen *a = &s->sip.listen[i];

		look_listen(r, a);
		for (size_t j = 0; j < i; j++) {
			const struct rf_site_listen *b = &s->sip.listen[j];

			if (a->port == b->port &&
			    (a->transport == RF_TRANSPORT_UDP) == (b->transport == RF_TRANSPORT_UDP) &&
			    (!a->address_text.n || !b->address_text.n || rf_view_eq(a->address_text, b->address_text)))
				FINDING(r, RF_SEV_ERROR, a->pos, NULL, "choose another port",
					"two listeners on port %u", a->port);
		}
	}
}

static void look_identity(struct rules *r, struct rf_policy *p)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_asked *a = &r->all->asked;

	if (a->client_certificate == RF_ASKED_YES)
		p->require_certificate = true;
	else if (a->client_certificate == RF_ASKED_NO && p->require_certificate)
		FINDING(r, RF_SEV_ERROR, a->client_certificate_pos, RF_MIT_MUTUAL,
			"remove client_certificate, or set level: minimum",
			"level %s requires client certificates", rf_level_name(s->level));
	if (a->require_user)
		p->require_user = true;
	else if (a->require_user_pos.line && p->require_user)
		FINDING(r, RF_SEV_ERROR, a->require_user_pos, RF_MIT_MUTUAL,
			"remove require_user, or choose a lower level", "level %s requires the user's password too",
			rf_level_name(s->level));
}

static void look_digests(struct rules *r, struct rf_policy *p)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_asked *a = &r->all->asked;

	if (!a->digests)
		return;
	if (!(a->digests & RF_SITE_DIGEST_MD5))
		p->digests = a->digests;
	else if (s->level != RF_LEVEL_MINIMUM)
		FINDING(r, RF_SEV_ERROR, a->digests_pos, RF_MIT_PASSWORD, "remove md5, or set level: minimum",
			"level %s does not allow digest with MD5", rf_level_name(s->level));
	else {
		p->digests = a->digests;
		FINDING(r, RF_SEV_WARNING, a->digests_pos, RF_MIT_PASSWORD,
			"remove md5 when no phone needs it any more", "digest with MD5 is allowed");
	}
}

/* Media */

static void look_media(struct rules *r, struct rf_policy *p)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_asked *a = &r->all->asked;

	if (a->media_encryption != RF_ASKED_NO)
		return;
	if (s->level != RF_LEVEL_MINIMUM)
		FINDING(r, RF_SEV_ERROR, a->media_pos, RF_MIT_MEDIA, "set encryption: required",
			"level %s does not allow unencrypted media", rf_level_name(s->level));
	else if (!deviates(r, RF_MIT_MEDIA))
		FINDING(r, RF_SEV_ERROR, a->media_pos, RF_MIT_MEDIA,
			"set encryption: required, or write a deviation from " RF_MIT_MEDIA,
			"media may go unencrypted");
	else
		p->media_encrypted = false;
}

static void look_profile(struct rules *r, struct rf_policy *p)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_asked *a = &r->all->asked;
	const struct rf_policy *cnsa = rf_level_policy(RF_LEVEL_HIGHEST);

	if (a->profile == 1 + RF_CRYPTO_CNSA) {
		p->profile = RF_CRYPTO_CNSA;
		p->suites &= cnsa->suites;
		p->dtls_srtp = cnsa->dtls_srtp;
	} else if (a->profile && p->profile == RF_CRYPTO_CNSA) {
		FINDING(r, RF_SEV_ERROR, a->profile_pos, NULL, "remove it, or choose a lower level",
			"level %s demands the profile cnsa", rf_level_name(s->level));
	}
}

static void look_suites(struct rules *r, struct rf_policy *p)
{
	const struct rf_site *s = &r->all->pub;
	const struct rf_site_asked *a = &r->all->asked;
	unsigned weak = a->suites & ~p->suites;

	for (unsigned i = 0; i < RF_SITE_SUITES; i++)
		if (weak & 1u << i)
			FINDING(r, RF_SEV_ERROR, a->suites_pos, RF_MIT_MEDIA, "remove it from suites",
				"level %s%s does not allow %s", rf_level_name(s->level),
				p->profile == RF_CRYPTO_CNSA ? " with profile cnsa" : "", rf_site_suite_name(i));
	if (a->suites)
		p->suites &= a->suites;
	if (a->dtls_srtp == RF_ASKED_NO)
		p->dtls_srtp = false;
	else if (a->dtls_srtp == RF_ASKED_YES && !p->dtls_srtp)
		FINDING(r, RF_SEV_ERROR, a->dtls_pos, RF_MIT_MEDIA, "remove dtls_srtp",
			"the profile cnsa does not allow DTLS-SRTP: no server sees which suite the phones choose");
}

/* Times that contradict each other. */
static void look_times(struct rules *r)
{
	const struct rf_site_sip *s = &r->all->pub.sip;
	const struct rf_site_asked *a = &r->all->asked;

	if (s->register_min_s > s->register_default_s || s->register_default_s > s->register_max_s)
		FINDING(r, RF_SEV_ERROR, a->register_pos, NULL, "choose them in this order",
			"sip.register: min %u, default %u, max %u are not in order", s->register_min_s,
			s->register_default_s, s->register_max_s);
	if (s->session_min_s > s->session_expires_s)
		FINDING(r, RF_SEV_ERROR, a->session_pos, NULL, "make min the smaller one",
			"sip.session_timer: min %u is over expires %u", s->session_min_s, s->session_expires_s);
}

void rf_site_rules(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings)
{
	struct rules r = { all, findings, now };
	struct rf_site *s = &all->pub;
	struct rf_policy p = *rf_level_policy(s->level);

	for (size_t i = 0; i < s->deviation_count; i++)
		look_deviation(&r, i);
	look_listens(&r);
	look_identity(&r, &p);
	look_digests(&r, &p);
	look_media(&r, &p);
	look_profile(&r, &p);
	look_suites(&r, &p);
	look_times(&r);
	if (s->level == RF_LEVEL_MINIMUM && deviates(&r, RF_MIT_SIGNALING))
		p.transports |= RF_TRANSPORT_TCP | RF_TRANSPORT_UDP;
	p.softphones = s->level != RF_LEVEL_HIGHEST && has_softphone_zone(s) &&
		       (p.softphones || deviates(&r, RF_MIT_SOFTPHONES));
	if (p.softphones)
		p.transports |= RF_TRANSPORT_WSS | (p.transports & RF_TRANSPORT_TCP ? RF_TRANSPORT_WS : 0u);
	s->policy = p;
}

/* Trunks and what is demanded of them: signaling and media that cross networks of others are encrypted, and a
 * border takes no more from a trunk than the site has decided for all of them. What is less needs a deviation
 * that names the trunk. */
#include "site/site_int.h"

#include <stdio.h>

struct rules {
	struct rf_site_all *all;
	struct rf_findings *f;
	struct rf_wall now;
	const struct rf_site_trunk *trunk;
};

#define FINDING(r, pos, mitigation, mend, ...) SAY(r, RF_SEV_ERROR, pos, mitigation, mend, __VA_ARGS__)
#define SAY(r, severity, pos, mitigation, mend, ...) \
	rf_finding_add((r)->f, severity, rf_site_place((r)->all, pos), mitigation, mend, __VA_ARGS__)

enum { MEND = 200 };

static const char *mend_of(char buf[static MEND], const struct rf_site_trunk *t, const char *instead,
			   const char *mitigation)
{
	snprintf(buf, MEND, "%s, or write a deviation from %s with  trunks: [%.*s]", instead, mitigation,
		 (int)(t->name.n > 60 ? 60 : t->name.n), (const char *)t->name.p);
	return buf;
}

static bool deviates(const struct rules *r, const char *mitigation)
{
	return rf_site_trunk_deviation(&r->all->pub, r->trunk, mitigation, r->now) != NULL;
}

/* Voice on the way to a trunk crosses networks of others. */
static void look_encryption(struct rules *r)
{
	const struct rf_site_trunk *t = r->trunk;
	const struct rf_site_pos *from_defaults = &r->all->pub.trunk_defaults.encryption_pos;
	char mend[MEND];

	if ((t->transport == RF_TRANSPORT_TLS && t->encryption == RF_TRUNK_MEDIA_ENCRYPTED) ||
	    deviates(r, RF_MIT_OUTSIDE))
		return;
	if (t->transport != RF_TRANSPORT_TLS)
		FINDING(r, t->pos, RF_MIT_OUTSIDE, mend_of(mend, t, "use transport: tls", RF_MIT_OUTSIDE),
			"trunk \"%.*s\" is not encrypted (%s)", RF_VFMT(t->name), rf_transport_name(t->transport));
	else
		FINDING(r, t->encryption_pos.line ? t->encryption_pos : *from_defaults, RF_MIT_OUTSIDE,
			mend_of(mend, t, "set encryption: required", RF_MIT_OUTSIDE),
			"media of trunk \"%.*s\" may go unencrypted", RF_VFMT(t->name));
}

static bool has_border(const struct rf_site *s)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].roles & RF_ROLE_BORDER)
			return true;
	return false;
}

/* What is made of the sound of its calls is a border's work, and its relay's. */
static void look_sound(struct rules *r)
{
	const struct rf_site_trunk *t = r->trunk;
	struct rf_site_pos pos = t->codecs_pos.line ? t->codecs_pos :
				 t->transcode_pos.line ? t->transcode_pos :
				 t->dtmf_pos;
	bool spoken = false;

	if (pos.line && !has_border(&r->all->pub))
		FINDING(r, pos, NULL, "give a host the role border, or leave it out",
			"codecs, transcode and dtmf of trunk \"%.*s\" have no effect: no host is a border",
			RF_VFMT(t->name));
	if (t->dtmf == RF_DTMF_INFO && r->all->pub.media.relays.n)
		FINDING(r, t->dtmf_pos, NULL, "leave media.relays out, and give a host the role relay",
			"keys for trunk \"%.*s\" are told by relays of the site alone: those of media.relays are asked "
			"by UDP, where nothing is told",
			RF_VFMT(t->name));
	for (size_t i = 0; i < t->codecs.n; i++)
		spoken |= rf_view_eq(t->codecs.v[i], RF_V("PCMA")) || rf_view_eq(t->codecs.v[i], RF_V("PCMU")) ||
			  rf_view_eq(t->codecs.v[i], RF_V("G722")) || rf_view_eq(t->codecs.v[i], RF_V("opus"));
	if (t->transcode && !spoken)
		FINDING(r, t->transcode_pos, NULL, "name them: codecs: [PCMA, PCMU]",
			"trunk \"%.*s\" names no codec that a relay can transcode to (PCMA, PCMU, G722, opus)",
			RF_VFMT(t->name));
}

static void too_wide(void *arg, struct rf_site_pos pos, const char *key)
{
	struct rules *r = arg;
	char mend[MEND];

	if (!deviates(r, RF_MIT_BORDER))
		FINDING(r, pos, RF_MIT_BORDER, mend_of(mend, r->trunk, "take less", RF_MIT_BORDER),
			"trunk \"%.*s\": accept.%s takes more than the site does of trunks", RF_VFMT(r->trunk->name),
			key);
}

/* Headers that are never carried, whatever deviates; and one twice. */
static void look_further(struct rules *r, const struct rf_site_accept *a)
{
	for (size_t i = 0; i < a->further_count; i++) {
		const struct rf_site_further *h = &a->further[i];
		const char *why = rf_accept_further_refusal(h->name);

		if (why)
			FINDING(r, h->name_pos, RF_MIT_BORDER, "remove it",
				"accept.further: \"%.*s\" does not cross a border: %s", RF_VFMT(h->name), why);
		for (size_t k = 0; k < i; k++)
			if (rf_view_eq_nocase(a->further[k].name, h->name))
				FINDING(r, h->name_pos, NULL, "remove one of them",
					"accept.further: \"%.*s\" is there twice", RF_VFMT(h->name));
	}
}

static void default_too_wide(void *arg, struct rf_site_pos pos, const char *key)
{
	struct rules *r = arg;

	FINDING(r, pos, RF_MIT_BORDER, "take less here, and more at the one trunk that needs it",
		"trunk_defaults: accept.%s takes more than a border does", key);
}

/* What a deviation of trunks is about is looked for at trunks, and nowhere else. */
static void look_deviation(struct rules *r, const struct rf_site_deviation *d)
{
	if (d->trunks_pos.line && !d->trunks.n)
		FINDING(r, d->trunks_pos, NULL, "name one of `trunks`, or remove it",
			"a deviation from %s names no trunk", rf_site_cstr(d->mitigation));
	if (!d->trunks.n && rf_view_eq(d->mitigation, RF_V(RF_MIT_OUTSIDE)))
		SAY(r, RF_SEV_WARNING, d->mitigation_pos, RF_MIT_OUTSIDE, "add  trunks: [NAME]  or remove it",
		    "a deviation from " RF_MIT_OUTSIDE " holds for the trunks that it names, and this one names none");
	if (!d->trunks.n)
		return;
	if (!rf_view_eq(d->mitigation, RF_V(RF_MIT_OUTSIDE)) && !rf_view_eq(d->mitigation, RF_V(RF_MIT_BORDER)))
		FINDING(r, d->trunks_pos, NULL, "remove it",
			"a deviation from %s is the site's: only those from " RF_MIT_OUTSIDE " and " RF_MIT_BORDER
			" are of trunks",
			rf_site_cstr(d->mitigation));
	for (size_t i = 0; i < d->trunks.n; i++)
		if (!rf_site_trunk(&r->all->pub, d->trunks.v[i]))
			FINDING(r, d->trunks_pos, NULL, "name one of `trunks`",
				"a deviation from %s: there is no trunk \"%.*s\"", rf_site_cstr(d->mitigation),
				RF_VFMT(d->trunks.v[i]));
}

void rf_site_rules_trunks(struct rf_site_all *all, struct rf_wall now, struct rf_findings *findings)
{
	struct rules r = { .all = all, .f = findings, .now = now };
	const struct rf_site *s = &all->pub;

	for (size_t i = 0; i < s->deviation_count; i++)
		look_deviation(&r, &s->deviations[i]);
	rf_accept_compare(&s->trunk_defaults.accept, NULL, default_too_wide, &r);
	for (size_t i = 0; i < s->trunk_count; i++) {
		r.trunk = &s->trunks[i];
		look_encryption(&r);
		look_sound(&r);
		rf_accept_compare(&r.trunk->accept, &s->trunk_defaults.accept, too_wide, &r);
		look_further(&r, &r.trunk->accept);
	}
}

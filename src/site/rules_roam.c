/* Phones that come from outside: what the level, the borders and the relays must be for that. */
#include "site/site_int.h"

#define FINDING(severity, mend, ...) \
	rf_finding_add(findings, severity, rf_site_place(all, all->pub.roaming.pos), NULL, mend, __VA_ARGS__)

/* Where no relay is in the call nobody could make other keys of a phone's. */
static void look_keys(struct rf_site_all *all, const struct rf_site_phone *p, struct rf_findings *findings)
{
	if (!p->dtmf)
		return;
	if (!p->roams)
		rf_finding_add(findings, RF_SEV_WARNING, rf_site_place(all, p->dtmf_pos), NULL,
			       "name it in  roaming: { phones: [...] }, or remove dtmf",
			       "dtmf of phone \"%.*s\" has no effect: the media of a phone inside "
			       "passes no relay of its own",
			       RF_VFMT(p->name));
	else if (p->dtmf == RF_DTMF_INFO && all->pub.media.relays.n)
		rf_finding_add(findings, RF_SEV_ERROR, rf_site_place(all, p->dtmf_pos), NULL,
			       "leave media.relays out, and give a host the role relay",
			       "keys for phone \"%.*s\" are told by relays of the site alone: those of media.relays "
			       "are asked by UDP, where nothing is told",
			       RF_VFMT(p->name));
}

void rf_site_rules_roam(struct rf_site_all *all, struct rf_findings *findings)
{
	const struct rf_site *s = &all->pub;

	for (size_t i = 0; i < s->phone_count; i++)
		look_keys(all, &s->phones[i], findings);
	if (!s->roaming.pos.line)
		return;
	if (!s->roaming.phones.n)
		FINDING(RF_SEV_WARNING, "name them:  roaming: { phones: [NAME] }",
			"roaming names no phones: nobody comes from outside");
	if (s->level == RF_LEVEL_HIGHEST)
		FINDING(RF_SEV_ERROR, "remove it: at this level phones are where the site's switches are",
			"level highest has no phones that come from outside");
	if (!rf_site_has_role(s, RF_ROLE_BORDER))
		FINDING(RF_SEV_ERROR, "give a host in a border zone the role border",
			"no border lets phones in from outside");
	if (s->roaming.browsers && s->roaming.phones.n && !rf_site_roaming_browsers(s))
		FINDING(RF_SEV_ERROR, "add an entry with  transport: wss  to sip.listen, or remove  browsers: true",
			"roaming.browsers: sip.listen has no wss, and so no port, path and origins for browsers");
}

/* What is written down by people: flows beyond the matrix with their reasons, and attestations. */
#include "site/check_int.h"

#include "site/site_int.h"

#include <stdlib.h>

enum { DAY_S = 24 * 3600, SOON_S = 30 * DAY_S, LONG_S = 3 * 366 * DAY_S };

#define PAPER(c, severity, pos, mitigation, mend, ...) \
	rf_finding_add((c)->f, severity, rf_site_place(rf_site_all((c)->s), pos), mitigation, mend, __VA_ARGS__)

/* --- allow */

static int by_ips(const struct rf_site_ip *a, size_t n, const struct rf_site_ip *b, size_t m)
{
	if (n != m)
		return n < m ? -1 : 1;
	return n ? memcmp(a, b, n * sizeof *a) : 0;
}

static int by_flow(const struct rf_site_allow *a, const struct rf_site_allow *b)
{
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->category != b->category)
		return a->category - b->category;
	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	if (a->port_count != b->port_count)
		return a->port_count < b->port_count ? -1 : 1;
	int order = memcmp(a->ports, b->ports, a->port_count * sizeof *a->ports);
	if (order == 0)
		order = by_ips(a->from_ips, a->from_ip_count, b->from_ips, b->from_ip_count);
	return order ? order : by_ips(a->to_ips, a->to_ip_count, b->to_ips, b->to_ip_count);
}

static int compare(const void *a, const void *b)
{
	const struct rf_site_allow *x = *(const struct rf_site_allow *const *)a;
	const struct rf_site_allow *y = *(const struct rf_site_allow *const *)b;
	int order = by_flow(x, y);

	return order ? order : x < y ? -1 : x > y;
}

static void look_allow(struct rf_check *c, const struct rf_site_allow *a)
{
	const char *near;

	if (!rf_site_says_something(a->reason))
		PAPER(c, RF_SEV_ERROR, a->reason_pos, "net-inter-vlan-filter", "say what it is needed for",
		      "allow from \"%.*s\" to \"%.*s\" has no reason", RF_VFMT(a->from_name), RF_VFMT(a->to_name));
	if (!a->deviation.n)
		return;
	if (!rf_mitigation_known(a->deviation, NULL)) {
		near = rf_mitigation_near(a->deviation);
		PAPER(c, RF_SEV_ERROR, a->deviation_pos, NULL, near ? near : "name one of `deviations`",
		      near ? "allow: there is no mitigation \"%.*s\"; did you mean this one?"
			   : "allow: there is no mitigation \"%.*s\"", RF_VFMT(a->deviation));
	} else if (!rf_site_deviation(c->s, rf_site_cstr(a->deviation), c->now)) {
		PAPER(c, RF_SEV_ERROR, a->deviation_pos, rf_mitigation_id(a->deviation),
		      "write it down under deviations, with a reason, an approver and an end",
		      "allow from \"%.*s\" to \"%.*s\": no deviation from %.*s holds", RF_VFMT(a->from_name),
		      RF_VFMT(a->to_name), RF_VFMT(a->deviation));
	}
}

int rf_check_allows(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	const struct rf_site_allow **v = calloc(s->allow_count + 1, sizeof *v);

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->allow_count; i++) {
		v[i] = &s->allows[i];
		look_allow(c, v[i]);
	}
	qsort(v, s->allow_count, sizeof *v, compare);
	for (size_t i = 1; i < s->allow_count; i++)
		if (by_flow(v[i - 1], v[i]) == 0)
			PAPER(c, RF_SEV_WARNING, v[i]->pos, "net-inter-vlan-filter", "remove it",
			      "allow from \"%.*s\" to \"%.*s\" is there twice, first in line %u",
			      RF_VFMT(v[i]->from_name), RF_VFMT(v[i]->to_name), v[i - 1]->pos.line);
	free(v);
	return 0;
}

/* --- attestations */

static void look_dates(struct rf_check *c, const struct rf_site_attestation *a)
{
	int64_t now_s = c->now.us / 1000000;

	if (a->until_s < a->on_s)
		PAPER(c, RF_SEV_ERROR, a->until_pos, rf_mitigation_id(a->mitigation),
		      "write the day of the confirmation as `on`, its end as `until`",
		      "the attestation of %.*s ends before it was made", RF_VFMT(a->mitigation));
	else if (a->on_s > now_s + DAY_S)
		PAPER(c, RF_SEV_ERROR, a->on_pos, rf_mitigation_id(a->mitigation),
		      "write the day on which somebody looked",
		      "the attestation of %.*s is from a day to come", RF_VFMT(a->mitigation));
	else if (a->until_s < now_s)
		PAPER(c, RF_SEV_ERROR, a->until_pos, rf_mitigation_id(a->mitigation),
		      "look again and write the new dates, or remove it",
		      "the attestation of %.*s ended on %.*s", RF_VFMT(a->mitigation), RF_VFMT(a->until_text));
	else if (a->until_s - now_s < SOON_S)
		PAPER(c, RF_SEV_WARNING, a->until_pos, rf_mitigation_id(a->mitigation),
		      "have it looked at again", "the attestation of %.*s ends on %.*s",
		      RF_VFMT(a->mitigation), RF_VFMT(a->until_text));
	else if (a->until_s - a->on_s > LONG_S)
		PAPER(c, RF_SEV_WARNING, a->until_pos, rf_mitigation_id(a->mitigation),
		      "choose an earlier day, and have it looked at again then",
		      "the attestation of %.*s runs for more than three years", RF_VFMT(a->mitigation));
}

static void look_attestation(struct rf_check *c, const struct rf_site_attestation *a)
{
	if (!rf_mitigation_known(a->mitigation, NULL)) {
		const char *near = rf_mitigation_near(a->mitigation);

		PAPER(c, RF_SEV_ERROR, a->mitigation_pos, NULL,
		      near ? near : "take the id from the report of the audit",
		      near ? "there is no mitigation \"%.*s\"; did you mean this one?" :
			     "there is no mitigation \"%.*s\"",
		      RF_VFMT(a->mitigation));
		return;
	}
	if (!rf_site_says_something(a->by))
		PAPER(c, RF_SEV_ERROR, a->pos, rf_mitigation_id(a->mitigation),
		      "name who confirms it", "nobody attests %.*s", RF_VFMT(a->mitigation));
	if (!rf_site_says_something(a->document) && !rf_site_says_something(a->text))
		PAPER(c, RF_SEV_ERROR, a->pos, rf_mitigation_id(a->mitigation), "add  document:  or  text:",
		      "the attestation of %.*s says neither where it is written nor what was seen",
		      RF_VFMT(a->mitigation));
	look_dates(c, a);
}

void rf_check_attestations(struct rf_check *c)
{
	for (size_t i = 0; i < c->s->attestation_count; i++) {
		const struct rf_site_attestation *a = &c->s->attestations[i], *b = c->s->attestations;

		look_attestation(c, a);
		while (b < a && !rf_view_eq(a->mitigation, b->mitigation))
			b++;
		if (b < a && rf_mitigation_known(a->mitigation, NULL))
			PAPER(c, RF_SEV_WARNING, a->mitigation_pos, rf_mitigation_id(a->mitigation), "keep one of them",
			      "a second attestation of %.*s", RF_VFMT(a->mitigation));
	}
}

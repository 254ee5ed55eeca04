/* What the site opens by itself: `allow`. A cell that has the category as optional is switched on by it; one that
 * has it as allowed may be widened to other ports; one that has it in neither is an error, unless a deviation
 * that holds is named. */
#include "policy/flow_int.h"

#include <netinet/in.h>
#include <stdio.h>

static void refuse(struct rf_make *m, const struct rf_site_allow *a, const struct rf_pair *p)
{
	const char *category = rf_category_name((enum rf_category)a->category), *level = rf_level_name(m->site->level);
	const struct rf_cell *cell =
		p->wan && !((p->cell->levels[m->site->level].allow | p->cell->levels[m->site->level].optional) &
			    ~(p->allow | p->optional) & 1u << a->category)
			? p->cell
		: p->wan ? p->wan
			 : p->cell;
	char mend[256];

	snprintf(mend, sizeof mend, "remove it, or name in `deviation` a deviation of this site that holds (%s)",
		 cell->mitigations[0] ? cell->mitigations[0] : "net-inter-vlan-filter");
	rf_finding_add(m->findings, RF_SEV_ERROR, rf_make_place(m, a->pos),
		       cell->mitigations[0] ? cell->mitigations[0] : "net-inter-vlan-filter", mend,
		       "zone %s may not open %s to zone %s: at level %s the matrix does not have it from %s to %s. %s",
		       rf_site_cstr(a->from->name), category, rf_site_cstr(a->to->name), level,
		       rf_zone_kind_name(cell->from), rf_zone_kind_name(cell->to), cell->reason);
	if (!m->findings)
		m->rc = RF_E_INVALID;
}

/* Catalogue ids outlive everything; the site's own text lives as long as the site. */
static const char *deviation_of(const struct rf_make *m, const struct rf_site_allow *a)
{
	const char *name = rf_site_cstr(a->deviation);

	return a->deviation.n && rf_site_deviation(m->site, name, m->now) ? name : NULL;
}

/* A port that belongs to another category is not this one's because the file says so. */
static bool disguised(struct rf_make *m, const struct rf_site_allow *a, const struct rf_pair *p)
{
	for (size_t i = 0; i < a->port_count; i++) {
		unsigned hidden =
			rf_service_categories(a->protocol, a->ports[i]) & ~(1u << a->category | p->allow | p->optional);
		int is = 0;

		if (!hidden)
			continue;
		while (!(hidden & 1u << is))
			is++;
		rf_finding_add(m->findings, RF_SEV_ERROR, rf_make_place(m, a->pos), "net-inter-vlan-filter",
			       "take the port out, or give the allow the category that it is",
			       "ports %u-%u called %s have %s in them, and that zone %s may not open to zone %s",
			       a->ports[i].first, a->ports[i].last, rf_category_name((enum rf_category)a->category),
			       rf_category_name((enum rf_category)is), rf_site_cstr(a->from->name),
			       rf_site_cstr(a->to->name));
		if (!m->findings)
			m->rc = RF_E_INVALID;
		return true;
	}
	return false;
}

/* dense-softphones: where no softphone zone is built at minimum, computers of the data side take its cells too. */
static bool has_softphones(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_SOFTPHONE)
			return true;
	return false;
}

static enum rf_zone_kind dense(const struct rf_make *m, enum rf_zone_kind kind)
{
	return kind == RF_ZONE_DATA && m->site->level == RF_LEVEL_MINIMUM && !has_softphones(m->site)
		       ? RF_ZONE_SOFTPHONE
		       : kind;
}

/* Hosts that are gateways on the server VLAN take the gateway's cells there. */
static enum rf_zone_kind part_kind(const struct rf_make *m, const struct rf_site_zone *z, const struct rf_site_ip *ips,
				   size_t n)
{
	size_t gateways = 0;

	for (size_t i = 0; i < n && z->kind == RF_ZONE_SERVER; i++)
		for (size_t k = 0; k < m->site->host_count; k++) {
			const struct rf_site_host *h = &m->site->hosts[k];
			const struct rf_site_ip *own = ips[i].family == 4 ? &h->address : &h->address6;

			gateways +=
				h->zone == z && rf_host_is_gateway(h) && memcmp(own->b, ips[i].b, sizeof own->b) == 0;
		}
	return n && gateways == n ? RF_ZONE_GATEWAY : z->kind;
}

/* The pair whose cell speaks of this allow. */
static void pair_of(const struct rf_make *m, const struct rf_site_allow *a, struct rf_pair *ret_pair)
{
	struct rf_party from = { a->from, part_kind(m, a->from, a->from_ips, a->from_ip_count), false };
	struct rf_party to = { a->to, part_kind(m, a->to, a->to_ips, a->to_ip_count), false };
	struct rf_pair other;

	rf_pair_make(m, from, to, ret_pair);
	if (rf_pair_opens(ret_pair, (enum rf_category)a->category, true))
		return;
	from.kind = dense(m, from.kind);
	to.kind = dense(m, to.kind);
	rf_pair_make(m, from, to, &other);
	if (rf_pair_opens(&other, (enum rf_category)a->category, true))
		*ret_pair = other;
}

static enum rf_flow_how how_of(const struct rf_site_allow *a, const struct rf_pair *p)
{
	if (p->local)
		return RF_FLOW_LOCAL;
	if (a->category != RF_CAT_MEDIA || a->protocol != IPPROTO_UDP)
		return RF_FLOW_STATEFUL;
	if (p->from.kind == RF_ZONE_BORDER || p->to.kind == RF_ZONE_BORDER)
		return RF_FLOW_PINHOLE;
	return p->inspection == RF_INSPECT_STATELESS ? RF_FLOW_STATELESS : RF_FLOW_STATEFUL;
}

/* Is there already a flow for all of it? */
static const struct rf_flow *covered(const struct rf_make *m, const struct rf_flow *f)
{
	for (const struct rf_flow *g = m->v; g < f; g++)
		if (g->from.zone == f->from.zone && g->to.zone == f->to.zone && g->protocol == f->protocol &&
		    !g->from.n && (!g->to.n || rf_end_holds(&g->to, &f->to)) && g->how == f->how &&
		    g->sport.first <= f->sport.first && g->sport.last >= f->sport.last &&
		    g->dport.first <= f->dport.first && g->dport.last >= f->dport.last)
			return g;
	return NULL;
}

static void open_ports(struct rf_make *m, const struct rf_site_allow *a, const struct rf_pair *p,
		       struct rf_site_ports ports, const char *mitigation, bool deviates)
{
	struct rf_service s = { .category = (enum rf_category)a->category,
				.protocol = a->protocol,
				.sport = { 0, 65535 },
				.dport = ports,
				.mitigation = mitigation };
	const char *category = rf_category_name(s.category), *word = a->protocol == IPPROTO_UDP ? "udp" : "tcp";
	struct rf_end from, to;

	if (!rf_end_of(m, a->from, a->from_ips, a->from_ip_count, &from) ||
	    !rf_end_of(m, a->to, a->to_ips, a->to_ip_count, &to))
		return;
	enum rf_flow_how how = how_of(a, p);
	if (how == RF_FLOW_STATELESS || how == RF_FLOW_PINHOLE)
		s.sport = p->from.kind == RF_ZONE_INTERNET ? (struct rf_site_ports){ 1024, 65535 } : ports;
	s.name = ports.first == ports.last
			 ? rf_make_text(m, "allow-%s-%s-%u", category, word, ports.first)
			 : rf_make_text(m, "allow-%s-%s-%u-%u", category, word, ports.first, ports.last);
	struct rf_flow *f =
		rf_flow_add(m, p, &s, &from, &to, a->reason.n ? rf_site_cstr(a->reason) : "Opened by the site.");
	if (!f)
		return;
	f->how = how;
	f->pos = a->pos;
	f->beside_matrix = deviates;
	const struct rf_flow *already = covered(m, f);
	if (already) {
		rf_finding_add(m->findings, RF_SEV_NOTE, rf_make_place(m, a->pos), NULL, "leave it out",
			       "%s is open without this allow: %s", s.name, already->why);
		m->n--;
	}
}

static void allow(struct rf_make *m, const struct rf_site_allow *a)
{
	const char *deviation = deviation_of(m, a);
	struct rf_pair p;

	pair_of(m, a, &p);
	bool opens = rf_pair_opens(&p, (enum rf_category)a->category, true);
	if (!opens && !deviation) {
		refuse(m, a, &p);
		return;
	}
	if (!deviation && disguised(m, a, &p))
		return;
	const char *mitigation = !opens			  ? deviation
				 : p.cell->mitigations[0] ? p.cell->mitigations[0]
							  : "net-inter-vlan-filter";
	for (size_t i = 0; i < a->port_count; i++)
		open_ports(m, a, &p, a->ports[i], mitigation, !opens);
}

void rf_allow_flows(struct rf_make *m)
{
	for (size_t i = 0; i < m->site->allow_count && !m->rc; i++) {
		const struct rf_site_allow *a = &m->site->allows[i];

		if (a->from && a->to)
			allow(m, a);
	}
}

#include "policy/flow_int.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 256 * 1024 * 1024, FLOWS_MAX = 200000, TEXT_MAX = 512 };

const char *rf_make_text(struct rf_make *m, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const char *kept = rf_arena_cstr(m->arena, rf_view_str(text));
	if (!kept)
		m->rc = -ENOMEM;
	return kept ? kept : "";
}

struct rf_place rf_make_place(const struct rf_make *m, struct rf_site_pos pos)
{
	return (struct rf_place){ rf_site_cstr(pos.file == 1 ? m->site->phones_file : m->site->file), pos.line,
				  pos.column };
}

static struct rf_flow *next(struct rf_make *m)
{
	if (m->rc)
		return NULL;
	if (m->n == FLOWS_MAX) {
		m->rc = RF_E_LIMIT;
		return NULL;
	}
	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : 256;
		struct rf_flow *v = realloc(m->v, room * sizeof *v);

		if (!v) {
			m->rc = -ENOMEM;
			return NULL;
		}
		m->v = v;
		m->room = room;
	}
	return &m->v[m->n++];
}

/* The line of the file that a flow comes from: whoever is called, else who calls. */
static struct rf_site_pos pos_of(const struct rf_end *from, const struct rf_end *to)
{
	return to->host_count ? to->hosts[0]->pos : from->host_count ? from->hosts[0]->pos : (struct rf_site_pos){ 0 };
}

struct rf_flow *rf_flow_add(struct rf_make *m, const struct rf_pair *pair, const struct rf_service *service,
			    const struct rf_end *from, const struct rf_end *to, const char *why)
{
	const char *id = rf_make_text(m, "%s-%s-%s", rf_site_cstr(from->zone->name), rf_site_cstr(to->zone->name),
				      service->name);
	struct rf_flow *f = next(m);

	if (!f)
		return NULL;
	*f = (struct rf_flow){
		.id = id,
		.from = *from,
		.to = *to,
		.category = service->category,
		.protocol = service->protocol,
		.icmp = service->icmp,
		.sport = service->sport,
		.dport = service->dport,
		.how = from->zone == to->zone ? RF_FLOW_LOCAL : RF_FLOW_STATEFUL,
		.inspection = pair->inspection,
		.dscp = rf_category_dscp(service->category),
		.why = why,
		.mitigation = service->mitigation,
		.pos = pos_of(from, to),
	};
	return f;
}

/* --- every pair of zones */

static bool part_has_gateways(const struct rf_make *m, const struct rf_site_zone *z)
{
	/* The variant gateway-on-server-vlan: at minimum, above it by deviation only. */
	if (z->kind != RF_ZONE_SERVER ||
	    (m->site->level != RF_LEVEL_MINIMUM && !rf_site_deviation(m->site, "net-server-gateway-vlans", m->now)))
		return false;
	for (size_t i = 0; i < m->site->host_count; i++)
		if (m->site->hosts[i].zone == z && rf_host_is_gateway(&m->site->hosts[i]))
			return true;
	return false;
}

static size_t parties_of(const struct rf_make *m, const struct rf_site_zone *z, struct rf_party ret_parties[static 2])
{
	size_t n = 0;

	/* What is on lines that are not IP, or only a line between offices, opens nothing (decisions/0044). */
	if (z->kind == RF_ZONE_PSTN || z->kind == RF_ZONE_WAN ||
	    (z->kind != RF_ZONE_INTERNET && !z->subnet.family && !z->subnet6.family))
		return 0;
	ret_parties[n++] = (struct rf_party){ z, z->kind, false };
	if (part_has_gateways(m, z))
		ret_parties[n++] = (struct rf_party){ z, RF_ZONE_GATEWAY, true };
	return n;
}

static void zones_flows(struct rf_make *m, const struct rf_site_zone *from, const struct rf_site_zone *to)
{
	struct rf_party a[2], b[2];
	size_t na = parties_of(m, from, a), nb = parties_of(m, to, b);

	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++) {
			struct rf_pair pair;

			rf_pair_make(m, a[i], b[k], &pair);
			if (pair.inspection == RF_INSPECT_DENY || pair.inspection == RF_INSPECT_CIRCUIT)
				continue;
			rf_calls_of_pair(m, &pair);
			rf_needs_of_pair(m, &pair);
		}
}

/* border-in-two-halves: a session controller that is the data side's proxy as well would join what the
 * matrix keeps apart. */
static void look_at_border(struct rf_make *m)
{
	for (size_t i = 0; i < m->site->host_count; i++) {
		const struct rf_site_host *h = &m->site->hosts[i];

		if (h->zone && h->zone->kind == RF_ZONE_BORDER && (h->roles & (RF_ROLE_BORDER | RF_ROLE_RELAY)) &&
		    (h->services & (RF_SERVICE_PROXY | RF_SERVICE_MIRROR | RF_SERVICE_WEB | RF_SERVICE_MAIL)))
			rf_finding_add(m->findings, RF_SEV_WARNING, rf_make_place(m, h->pos), "arch-per-two-firewalls",
				       "give the services of the data side a host of their own",
				       "host %s is both halves of the border: calls pass it, and the data side's "
				       "services stand on it",
				       rf_site_cstr(h->name));
	}
}

/* --- order and names */

static int compare_ports(struct rf_site_ports a, struct rf_site_ports b)
{
	return a.first != b.first ? a.first - b.first : a.last - b.last;
}

/* Zones lie in one array, so their order in it is that of the file. */
static int compare_zones(const struct rf_flow *f, const struct rf_site_zone *from, const struct rf_site_zone *to)
{
	if (f->from.zone != from)
		return f->from.zone < from ? -1 : 1;
	return f->to.zone == to ? 0 : f->to.zone < to ? -1 : 1;
}

size_t rf_flows_from_to(const struct rf_flow *v, size_t n, const struct rf_site_zone *from,
			const struct rf_site_zone *to)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_zones(&v[mid], from, to) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int compare(const void *pa, const void *pb)
{
	const struct rf_flow *a = pa, *b = pb;
	int zones = compare_zones(a, b->from.zone, b->to.zone);

	if (zones)
		return zones;
	if (a->category != b->category)
		return a->category < b->category ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	int order = compare_ports(a->dport, b->dport);
	return order ? order : strcmp(a->id, b->id);
}

static int compare_ids(const void *pa, const void *pb)
{
	const struct rf_flow *const *a = pa, *const *b = pb;
	int order = strcmp((*a)->id, (*b)->id);

	return order ? order : *a < *b ? -1 : *a > *b; /* in their order in the list */
}

/* Flows of one name get numbers, the first keeps the plain one. Names of zones may have hyphens, so that flows of other
 * pairs can have the same, too. */
static void name_apart(struct rf_make *m)
{
	struct rf_flow **v = rf_arena_array(m->arena, m->n + 1, sizeof *v);
	unsigned same = 1;

	if (!v) {
		m->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < m->n; i++)
		v[i] = &m->v[i];
	qsort(v, m->n, sizeof *v, compare_ids);
	for (size_t i = 1, first = 0; i < m->n; i++) {
		if (strcmp(v[i]->id, v[first]->id) != 0) {
			first = i;
			same = 1;
		} else {
			v[i]->id = rf_make_text(m, "%s-%u", v[first]->id, ++same);
		}
	}
}

static bool same_end(const struct rf_end *a, const struct rf_end *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

/* The same flow for two reasons (two routers that share their only address) is one. */
static void drop_doubles(struct rf_make *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct rf_flow *f = &m->v[i], *last = n ? &m->v[n - 1] : NULL;

		if (!last || compare(f, last) != 0 || compare_ports(f->sport, last->sport) != 0 ||
		    !same_end(&f->from, &last->from) || !same_end(&f->to, &last->to))
			m->v[n++] = *f;
	}
	m->n = n;
}

static int finish(struct rf_make *m, struct rf_flows *ret_flows)
{
	if (m->rc)
		return m->rc;
	if (m->n)
		qsort(m->v, m->n, sizeof *m->v, compare);
	drop_doubles(m);
	name_apart(m);
	struct rf_flow *v = rf_arena_array(m->arena, m->n + 1, sizeof *v);
	if (!v || m->rc)
		return -ENOMEM;
	if (m->n)
		memcpy(v, m->v, m->n * sizeof *v);
	*ret_flows = (struct rf_flows){ .v = v, .n = m->n, .site = m->site, .arena = m->arena };
	return 0;
}

static size_t errors(const struct rf_findings *f)
{
	return f ? f->count[RF_SEV_ERROR] : 0;
}

int rf_flows_make(const struct rf_site *site, struct rf_wall now, struct rf_findings *findings,
		  struct rf_flows *ret_flows)
{
	struct rf_make m = { .site = site, .now = now, .findings = findings, .arena = malloc(sizeof *m.arena) };
	size_t before = errors(findings);

	if (!m.arena)
		return -ENOMEM;
	rf_arena_init(m.arena, ARENA_MAX);
	for (size_t i = 0; i < site->zone_count; i++)
		for (size_t k = 0; k < site->zone_count; k++)
			zones_flows(&m, &site->zones[i], &site->zones[k]);
	look_at_border(&m);
	rf_infra_flows(&m);
	rf_allow_flows(&m);
	if (!m.rc && errors(findings) > before)
		m.rc = RF_E_INVALID;
	int rc = finish(&m, ret_flows);
	free(m.v);
	if (rc) {
		rf_arena_fini(m.arena);
		free(m.arena);
	}
	return rc;
}

void rf_flows_fini(struct rf_flows *flows)
{
	if (!flows->arena)
		return;
	rf_arena_fini(flows->arena);
	free(flows->arena);
	*flows = (struct rf_flows){ 0 };
}

bool rf_flow_opens_at(const struct rf_flow *f, const struct rf_end *end)
{
	const struct rf_end *other = end == &f->to ? &f->from : &f->to;

	return f->how == RF_FLOW_PINHOLE && end->zone->kind == RF_ZONE_BORDER &&
	       (f->protocol == IPPROTO_TCP || other->zone->kind == RF_ZONE_INTERNET);
}

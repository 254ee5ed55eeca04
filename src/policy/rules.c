#include "policy/rules_int.h"

#include "base/err.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 512 * 1024 * 1024, RULES_MAX = 500000, TEXT_MAX = 512 };

static const uint8_t echo4[] = { 8 }, echo6[] = { 128 };

struct rf_rule *rf_draft_add(struct rf_draft *d, const struct rf_rule *rule)
{
	if (d->rc)
		return NULL;
	if (d->n == d->room) {
		size_t room = d->room ? d->room * 2 : 256;
		struct rf_rule *v = room > RULES_MAX ? NULL : realloc(d->v, room * sizeof *v);

		if (!v) {
			d->rc = -ENOMEM;
			return NULL;
		}
		d->v = v;
		d->room = room;
	}
	d->v[d->n] = *rule;
	return &d->v[d->n++];
}

const char *rf_draft_text(struct rf_draft *d, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const char *kept = rf_arena_cstr(d->arena, rf_view_str(text));
	if (!kept)
		d->rc = -ENOMEM;
	return kept ? kept : "";
}

struct rf_ips rf_draft_ips(struct rf_draft *d, size_t n)
{
	struct rf_ips ips = { .v = rf_arena_array(d->arena, n + 1, sizeof *ips.v) };

	if (!ips.v)
		d->rc = -ENOMEM;
	return ips;
}

void rf_draft_end(struct rf_draft *d, const struct rf_end *end, const struct rf_site_ip **ret_v, size_t *ret_n)
{
	*ret_v = end->v;
	*ret_n = end->n;
	if (end->n)
		return;
	struct rf_ips ips = rf_draft_ips(d, 2);
	if (!ips.v)
		return;
	if (end->zone->subnet.family)
		ips.v[ips.n++] = end->zone->subnet;
	if (end->zone->subnet6.family)
		ips.v[ips.n++] = end->zone->subnet6;
	*ret_v = ips.v;
	*ret_n = ips.n;
}

/* --- a flow's rules */

static bool same_ends(const struct rf_end *a, const struct rf_end *b)
{
	return a->zone == b->zone && a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof *a->v) == 0);
}

static bool same_ports(struct rf_site_ports a, struct rf_site_ports b)
{
	return a.first == b.first && a.last == b.last;
}

bool rf_flow_mirrored(const struct rf_flows *flows, const struct rf_flow *f)
{
	size_t i = rf_flows_from_to(flows->v, flows->n, f->to.zone, f->from.zone);

	for (; i < flows->n && flows->v[i].from.zone == f->to.zone && flows->v[i].to.zone == f->from.zone; i++) {
		const struct rf_flow *g = &flows->v[i];

		if (g->how == f->how && g->protocol == f->protocol && same_ends(&g->from, &f->to) &&
		    same_ends(&g->to, &f->from) && same_ports(g->sport, f->dport) && same_ports(g->dport, f->sport))
			return true;
	}
	return false;
}

enum { V4 = 1, V6 = 2 };

static unsigned families(const struct rf_site_ip *v, size_t n)
{
	unsigned seen = n ? 0 : V4 | V6;

	for (size_t i = 0; i < n; i++)
		seen |= v[i].family == 4 ? V4 : V6;
	return seen;
}

static void add_icmp(struct rf_draft *d, struct rf_rule r, unsigned seen)
{
	if (seen & V4) {
		r.family = 4;
		r.icmp_types = echo4;
		r.icmp_n = sizeof echo4;
		rf_draft_add(d, &r);
	}
	if (seen & V6) {
		r.family = 6;
		r.protocol = IPPROTO_ICMPV6;
		r.icmp_types = echo6;
		r.icmp_n = sizeof echo6;
		rf_draft_add(d, &r);
	}
}

static bool is_outside(const struct rf_flow *f)
{
	return f->from.zone->kind == RF_ZONE_INTERNET || f->to.zone->kind == RF_ZONE_INTERNET;
}

/* What is there for a 5-tuple is there for an opening, too, at the end where relays stand. */
static void add_openings(struct rf_draft *d, const struct rf_flow *f, struct rf_rule r, bool backwards)
{
	const struct rf_end *src = backwards ? &f->to : &f->from, *dst = backwards ? &f->from : &f->to;

	if (rf_flow_opens_at(f, dst)) {
		r.pinhole = RF_PINHOLE_FROM_ANY;
		rf_draft_add(d, &r);
	}
	if (rf_flow_opens_at(f, src)) {
		r.pinhole = RF_PINHOLE_TO_ANY;
		rf_draft_add(d, &r);
	}
}

void rf_draft_flow(struct rf_draft *d, const struct rf_flow *f, const struct rf_rule *base, bool backwards, bool router)
{
	struct rf_rule r = *base;
	unsigned seen = families(r.src, r.src_not ? 0 : r.src_n) & families(r.dst, r.dst_not ? 0 : r.dst_n);

	if (!seen)
		return;
	r.id = backwards ? rf_draft_text(d, "%s-back", f->id) : f->id;
	r.flow = f;
	r.mitigation = f->mitigation;
	r.action = RF_ACTION_ACCEPT;
	r.family = seen == V4 ? 4 : seen == V6 ? 6 : 0;
	r.protocol = f->protocol;
	r.sport = backwards ? f->dport : f->sport;
	r.dport = backwards ? f->sport : f->dport;
	r.states = rf_flow_untracked_here(f, router) ? RF_STATE_UNTRACKED : RF_STATE_NEW;
	r.pinhole = router && f->how == RF_FLOW_PINHOLE ? RF_PINHOLE_EXACT : RF_PINHOLE_NONE;
	r.dscp = f->dscp;
	if (!backwards && r.chain != RF_CHAIN_OUTPUT)
		r.new_per_second = f->new_per_second;
	if (router && r.pinhole && is_outside(f))
		r.kbit = d->site->limits.external_calls * d->site->network.external_kbit_per_call;
	if (f->protocol == IPPROTO_ICMP)
		add_icmp(d, r, seen);
	else
		rf_draft_add(d, &r);
	if (r.pinhole)
		add_openings(d, f, r, backwards);
}

/* --- the book */

static int keep_rules(struct rf_draft *d, struct rf_point *point)
{
	struct rf_rule *v = d->rc ? NULL : rf_arena_array(d->arena, d->n + 1, sizeof *v);

	if (!v)
		return d->rc ? d->rc : -ENOMEM;
	if (d->n)
		memcpy(v, d->v, d->n * sizeof *v);
	point->rules = v;
	point->rule_count = d->n;
	d->n = 0;
	return 0;
}

static bool is_router(const struct rf_site *s, const struct rf_site_host *h)
{
	for (size_t i = 0; i < s->router_count; i++)
		if (rf_view_eq(s->routers[i].name, h->name))
			return true;
	return false;
}

static bool is_point(const struct rf_site *s, const struct rf_site_host *h)
{
	return h->zone && (h->address.family || h->address6.family) &&
	       (h->roles || (h->services & ~(unsigned)RF_SERVICE_WORKSTATION)) && !is_router(s, h);
}

static int fill(struct rf_draft *d, struct rf_point *points, size_t *ret_n)
{
	const struct rf_site *s = d->site;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < s->router_count && !rc; i++) {
		const struct rf_site_router *r = &s->routers[i];

		points[n] = (struct rf_point){ .kind = RF_POINT_ROUTER,
					       .name = rf_site_cstr(r->name),
					       .device = (enum rf_device_kind)r->kind,
					       .router = r };
		rf_rules_router(d, r);
		rc = keep_rules(d, &points[n++]);
	}
	for (size_t i = 0; i < s->host_count && !rc; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		if (!is_point(s, h))
			continue;
		points[n] = (struct rf_point){
			.kind = RF_POINT_HOST, .name = rf_site_cstr(h->name), .device = RF_DEVICE_LINUX, .host = h
		};
		rf_rules_host(d, h);
		rc = keep_rules(d, &points[n++]);
	}
	*ret_n = n;
	return rc;
}

int rf_rules_make(const struct rf_flows *flows, struct rf_rulebook *ret_book)
{
	struct rf_draft d = { .flows = flows, .site = flows->site, .arena = malloc(sizeof *d.arena) };
	size_t n = 0;

	if (!d.arena)
		return -ENOMEM;
	rf_arena_init(d.arena, ARENA_MAX);
	struct rf_point *points =
		rf_arena_array(d.arena, d.site->router_count + d.site->host_count + 1, sizeof *points);
	int rc = points ? rf_paths_make(d.site, d.arena, &d.paths) : -ENOMEM;
	if (!rc)
		rc = fill(&d, points, &n);
	free(d.v);
	if (rc) {
		rf_arena_fini(d.arena);
		free(d.arena);
		return rc;
	}
	*ret_book = (struct rf_rulebook){ .points = points, .n = n, .arena = d.arena };
	return 0;
}

void rf_rules_fini(struct rf_rulebook *book)
{
	if (!book->arena)
		return;
	rf_arena_fini(book->arena);
	free(book->arena);
	*book = (struct rf_rulebook){ 0 };
}

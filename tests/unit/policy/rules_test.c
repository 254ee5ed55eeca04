/* Rules against flows, by brute force: packets between every two zones are led past every router on their way and
 * judged by the rules there, and the answer must be what the flows say. The judge here shares nothing with what made
 * the rules but the way between zones. */
#include "fail_alloc.h"
#include "kit.h"
#include "policy/path.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct packet {
	struct rf_site_ip src, dst;
	int protocol;
	uint16_t sport, dport;
	enum rf_pinhole pinhole;
};

/* --- the judge */

static bool in_list(const struct rf_site_ip *ip, const struct rf_site_ip *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].family == ip->family && rf_site_ip_in(ip, &v[i]))
			return true;
	return false;
}

static bool fits_list(const struct rf_site_ip *ip, const struct rf_site_ip *v, size_t n, bool not)
{
	return (!n && !not) || in_list(ip, v, n) != not;
}

static bool in_ports(uint16_t port, struct rf_site_ports p)
{
	return port >= p.first && port <= p.last;
}

static bool has_ports(int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* All but state and pinhole. */
static bool same_packet(const struct rf_rule *r, enum rf_chain chain, const struct packet *p, const struct rf_hop *in,
			const struct rf_hop *out)
{
	if (r->chain != chain || r->loopback || (r->family && r->family != p->src.family) ||
	    (r->in && (!in || r->in != in->zone || r->in_tunnel != in->tunnel)) ||
	    (r->out && (!out || r->out != out->zone || r->out_tunnel != out->tunnel)) ||
	    !fits_list(&p->src, r->src, r->src_n, r->src_not) || !fits_list(&p->dst, r->dst, r->dst_n, r->dst_not))
		return false;
	int protocol = p->protocol == IPPROTO_ICMP && p->src.family == 6 ? IPPROTO_ICMPV6 : p->protocol;
	if (r->protocol && r->protocol != protocol)
		return false;
	if (r->icmp_n && r->icmp_types[0] != (p->src.family == 4 ? 8 : 128))
		return false; /* packets here are echo requests */
	return !r->protocol || !has_ports(protocol) || (in_ports(p->sport, r->sport) && in_ports(p->dport, r->dport));
}

static bool accepts(const struct rf_point *point, enum rf_chain chain, const struct packet *p, const struct rf_hop *in,
		    const struct rf_hop *out)
{
	bool untracked = false;

	for (size_t i = 0; i < point->rule_count && !untracked; i++) {
		const struct rf_rule *r = &point->rules[i];

		untracked = r->states == RF_STATE_UNTRACKED && same_packet(r, chain, p, in, out) &&
			    (r->protocol != IPPROTO_TCP || !r->pinhole || r->pinhole == p->pinhole);
	}
	for (size_t i = 0; i < point->rule_count; i++) {
		const struct rf_rule *r = &point->rules[i];

		if (same_packet(r, chain, p, in, out) &&
		    (!r->states || r->states & (untracked ? RF_STATE_UNTRACKED : RF_STATE_NEW)) &&
		    (!r->pinhole || p->pinhole == r->pinhole))
			return r->action == RF_ACTION_ACCEPT;
	}
	return false;
}

static const struct rf_point *point_of(const struct rf_rulebook *book, const struct rf_site_router *r)
{
	for (size_t i = 0; i < book->n; i++)
		if (book->points[i].router == r)
			return &book->points[i];
	return NULL;
}

/* --- what the flows say */

static bool end_has(const struct rf_end *e, const struct rf_site *s, const struct rf_site_ip *ip)
{
	if (e->n)
		return in_list(ip, e->v, e->n);
	if (e->zone->subnet.family || e->zone->subnet6.family) {
		const struct rf_site_ip *subnet = ip->family == 4 ? &e->zone->subnet : &e->zone->subnet6;

		return subnet->family && rf_site_ip_in(ip, subnet);
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_ip *subnet = ip->family == 4 ? &s->zones[i].subnet : &s->zones[i].subnet6;

		if (subnet->family && rf_site_ip_in(ip, subnet))
			return false;
	}
	return true;
}

static bool flow_says(const struct rf_flows *flows, const struct packet *p, const struct rf_site_zone *a,
		      const struct rf_site_zone *b)
{
	for (size_t i = 0; i < flows->n; i++) {
		const struct rf_flow *f = &flows->v[i];

		bool there = f->from.zone == a && f->to.zone == b && end_has(&f->from, flows->site, &p->src) &&
			     end_has(&f->to, flows->site, &p->dst) && in_ports(p->sport, f->sport) &&
			     in_ports(p->dport, f->dport);
		bool back = (f->how == RF_FLOW_STATELESS || f->how == RF_FLOW_PINHOLE) && f->from.zone == b &&
			    f->to.zone == a && end_has(&f->from, flows->site, &p->dst) &&
			    end_has(&f->to, flows->site, &p->src) && in_ports(p->sport, f->dport) &&
			    in_ports(p->dport, f->sport);
		/* An opening is ours at one end: where relays stand. Of UDP only for who is outside. */
		bool at_end = there == (p->pinhole == RF_PINHOLE_FROM_ANY);
		const struct rf_end *ours = at_end ? &f->to : &f->from, *theirs = at_end ? &f->from : &f->to;
		bool opens = p->pinhole <= RF_PINHOLE_EXACT || (ours->zone->kind == RF_ZONE_BORDER &&
			     (f->protocol == IPPROTO_TCP || theirs->zone->kind == RF_ZONE_INTERNET));

		if (f->protocol == p->protocol && (there || back) &&
		    (f->how != RF_FLOW_PINHOLE || (p->pinhole && opens)))
			return true;
	}
	return false;
}

/* --- packets */

struct sample {
	const struct rf_site *site;
	const struct rf_flows *flows;
	const struct rf_rulebook *book;
	struct rf_paths paths;
	struct rf_site_ip own[512]; /* addresses of routers: they take, and do not forward */
	size_t own_n, packets, accepted;
};

static struct rf_site_ip at(const struct rf_site_ip *subnet, uint8_t last)
{
	struct rf_site_ip ip = *subnet;

	ip.prefix = subnet->family == 4 ? 32 : 128;
	ip.b[subnet->family == 4 ? 3 : 15] = last;
	return ip;
}

static void add_ip(struct rf_site_ip *v, size_t *n, size_t room, const struct rf_site_ip *ip)
{
	if (ip->family && *n < room)
		v[(*n)++] = *ip;
}

/* Addresses of a zone: its hosts', two that nobody has; of the internet: a carrier's and another. */
static size_t addresses(const struct rf_site *s, const struct rf_site_zone *z, struct rf_site_ip *v, size_t room)
{
	static const struct rf_site_ip carrier = { 4, 32, { 203, 0, 113, 5 } }, other = { 4, 32, { 9, 9, 9, 9 } };
	size_t n = 0;

	if (z->kind == RF_ZONE_INTERNET) {
		add_ip(v, &n, room, &carrier);
		add_ip(v, &n, room, &other);
		return n;
	}
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].zone == z && s->hosts[i].roles != RF_ROLE_WALL) {
			add_ip(v, &n, room, &s->hosts[i].address);
			add_ip(v, &n, room, &s->hosts[i].address6);
		}
	for (int family = 4; family <= 6; family += 2) {
		const struct rf_site_ip *subnet = family == 4 ? &z->subnet : &z->subnet6;

		if (subnet->family) {
			struct rf_site_ip ip = at(subnet, 14);

			add_ip(v, &n, room, &ip);
		}
	}
	return n;
}

static bool is_own(const struct sample *s, const struct rf_site_ip *ip)
{
	return in_list(ip, s->own, s->own_n);
}

static void own_addresses(struct sample *s)
{
	for (size_t i = 0; i < s->site->router_count; i++)
		for (size_t k = 0; k < s->site->routers[i].interface_count; k++) {
			const struct rf_site_interface *f = &s->site->routers[i].interfaces[k];

			add_ip(s->own, &s->own_n, 512, &f->address);
			add_ip(s->own, &s->own_n, 512, &f->address6);
			add_ip(s->own, &s->own_n, 512, &f->zone->gateway);
			add_ip(s->own, &s->own_n, 512, &f->zone->gateway6);
		}
}

static void send_one(struct sample *s, const struct rf_site_zone *a, const struct rf_site_zone *b,
		     const struct packet *p)
{
	bool passes = true, way = false;

	for (size_t i = 0; i < s->site->router_count && passes; i++) {
		const struct rf_site_router *r = &s->site->routers[i];
		struct rf_hops in, out;

		if (!rf_path_passes(&s->paths, a, b, r))
			continue;
		way = true;
		rf_path_hops(&s->paths, a, b, r, &in);
		rf_path_hops(&s->paths, b, a, r, &out);
		assert_true(in.n && out.n);
		passes = accepts(point_of(s->book, r), RF_CHAIN_FORWARD, p, &in.v[0], &out.v[0]);
	}
	if (!way)
		return;
	bool expected = flow_says(s->flows, p, a, b);
	s->packets++;
	s->accepted += passes;
	if (passes != expected)
		fail_msg("%s to %s: protocol %d, %u.%u.%u.%u:%u to %u.%u.%u.%u:%u (IPv%d) %s", rf_site_cstr(a->name),
			 rf_site_cstr(b->name), p->protocol, p->src.b[0], p->src.b[1], p->src.b[2], p->src.b[3],
			 p->sport, p->dst.b[0], p->dst.b[1], p->dst.b[2], p->dst.b[3], p->dport, p->src.family,
			 passes ? "passes, and no flow says so" : "is dropped, and a flow says it passes");
}

static void each_port(struct sample *s, const struct rf_site_zone *a, const struct rf_site_zone *b, struct packet p)
{
	static const uint16_t ports[] = { 22, 25, 53, 67, 68, 80, 123, 161, 443, 465, 514, 636, 993, 1812, 1813, 2083, 2223, 3128,
					  3478, 4460, 5060, 5061, 5062, 5432, 6379, 6514, 8443, 16383, 16384, 20000,
					  32767, 32768 };
	static const uint16_t sources[] = { 67, 68, 20000, 40000 };
	static const int protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ESP };

	for (size_t k = 0; k < sizeof protocols / sizeof *protocols; k++)
		for (size_t i = 0; i < (has_ports(protocols[k]) ? sizeof ports / sizeof *ports : 1); i++)
			for (size_t j = 0; j < (has_ports(protocols[k]) ? sizeof sources / sizeof *sources : 1); j++) {
				p.protocol = protocols[k];
				p.sport = sources[j];
				p.dport = ports[i];
				/* Holes where media may be, and beside it. */
				bool holes = has_ports(p.protocol) && ((p.dport >= 16383 && p.dport <= 32768) ||
								       p.dport == 22 || p.dport == 5061);

				for (int h = RF_PINHOLE_NONE; h <= (holes ? RF_PINHOLE_TO_ANY : RF_PINHOLE_NONE); h++) {
					p.pinhole = (enum rf_pinhole)h;
					send_one(s, a, b, &p);
				}
			}
}

static void each_address(struct sample *s, const struct rf_site_zone *a, const struct rf_site_zone *b)
{
	struct rf_site_ip from[32], to[32];
	size_t n = addresses(s->site, a, from, 32), m = addresses(s->site, b, to, 32);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			if (from[i].family == to[k].family && !is_own(s, &from[i]) && !is_own(s, &to[k]))
				each_port(s, a, b, (struct packet){ .src = from[i], .dst = to[k] });
}

static void brute_force(const struct rf_site *site)
{
	struct rf_flows flows = kit_flows(site);
	struct rf_rulebook book;
	struct rf_arena arena;
	struct sample s = { .site = site, .flows = &flows, .book = &book };

	assert_int_equal(rf_rules_make(&flows, &book), 0);
	rf_arena_init(&arena, 1 << 24);
	assert_int_equal(rf_paths_make(site, &arena, &s.paths), 0);
	own_addresses(&s);
	for (size_t i = 0; i < site->zone_count; i++)
		for (size_t k = 0; k < site->zone_count; k++)
			if (i != k)
				each_address(&s, &site->zones[i], &site->zones[k]);
	assert_true(s.packets > 1000 && s.accepted > 100);
	rf_arena_fini(&arena);
	rf_rules_fini(&book);
	rf_flows_fini(&flows);
}

static void forwarding(void **state)
{
	(void)state;
	for (int l = 0; l < RF_LEVELS; l++) {
		struct rf_site *site = kit_full((enum rf_level)l, "", NULL);

		brute_force(site);
		rf_site_put(site);
	}
}

static const char *examples;

static void example_sites(void **state)
{
	static const char *const names[] = { "office", "highest" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char dir[1024];

		snprintf(dir, sizeof dir, "%s/%s", examples, names[i]);
		struct rf_site *site = kit_load(dir);
		brute_force(site);
		rf_site_put(site);
	}
}

/* Two routers with a line between them: what goes from one to the other passes both. */
static void a_way_through_two_routers(void **state)
{
	static const char yaml[] =
		"site: t\ndomain: example.org\nlevel: medium\nzones:\n"
		"  server: { vlan: 2, subnet: 10.2.0.0/24 }\n  phone: { vlan: 3, subnet: 10.3.0.0/24 }\n"
		"  lobby: { kind: phone, vlan: 4, subnet: 10.4.0.0/24 }\n  admin: { vlan: 5, subnet: 10.5.0.0/24 }\n"
		"  line: { kind: wan, vlan: 9, subnet: 10.9.0.0/29 }\n"
		"hosts:\n  - { name: ctl, zone: server, address: 10.2.0.11, roles: [controller, provision], services: [dns, ntp, dhcp] }\n"
		"  - { name: log, zone: admin, address: 10.5.0.11, services: [log, ntp] }\n"
		"  - { name: desk, zone: admin, address: 10.5.0.12, services: workstation }\n"
		"routers:\n  - { name: one, interfaces: [{ zone: server }, { zone: admin }, { zone: line, address: 10.9.0.1 }] }\n"
		"  - { name: two, interfaces: [{ zone: phone }, { zone: lobby }, { zone: line, address: 10.9.0.2 }] }\n";
	struct rf_findings f;

	(void)state;
	rf_findings_init(&f);
	struct rf_site *site = kit_site(yaml, &f);
	if (!site)
		rf_findings_print(&f, stderr);
	assert_non_null(site);
	brute_force(site);
	rf_site_put(site);
	rf_findings_fini(&f);
}

/* --- duties */

struct house {
	struct rf_site *site;
	struct rf_flows flows;
	struct rf_rulebook book;
};

static struct house open_house(enum rf_level level)
{
	struct house h = { .site = kit_full(level, "", NULL) };

	h.flows = kit_flows(h.site);
	assert_int_equal(rf_rules_make(&h.flows, &h.book), 0);
	return h;
}

static void close_house(struct house *h)
{
	rf_rules_fini(&h->book);
	rf_flows_fini(&h->flows);
	rf_site_put(h->site);
}

static const struct rf_point *point(const struct house *h, const char *name)
{
	for (size_t i = 0; i < h->book.n; i++)
		if (strcmp(h->book.points[i].name, name) == 0)
			return &h->book.points[i];
	fail_msg("no point %s", name);
	return NULL;
}

static const struct rf_site_zone *zone(const struct house *h, const char *name)
{
	for (size_t i = 0; i < h->site->zone_count; i++)
		if (strcmp(rf_site_cstr(h->site->zones[i].name), name) == 0)
			return &h->site->zones[i];
	return NULL;
}

#define IP4(a, b, c, d) ((struct rf_site_ip){ 4, 32, { a, b, c, d } })

static void sources_stay_in_their_zones(void **state)
{
	struct house h = open_house(RF_LEVEL_MEDIUM);
	const struct rf_hop phone = { zone(&h, "phone"), false }, server = { zone(&h, "server"), false },
			    outside = { zone(&h, "internet"), false }, border = { zone(&h, "border"), false },
			    tunnel = { zone(&h, "far-phone"), true };
	const struct rf_point *rt = point(&h, "rt-a");
	struct packet p = { .src = IP4(10, 30, 0, 14),
			    .dst = IP4(10, 20, 0, 11),
			    .protocol = IPPROTO_TCP,
			    .sport = 40000,
			    .dport = 5061 };

	(void)state;
	assert_true(accepts(rt, RF_CHAIN_FORWARD, &p, &phone, &server));
	p.src = IP4(10, 50, 0, 101); /* the administrator's, from the phones */
	p.dport = 22;
	assert_false(accepts(rt, RF_CHAIN_FORWARD, &p, &phone, &server));
	p.src = IP4(10, 130, 0, 14);
	p.dport = 5061;
	assert_true(accepts(rt, RF_CHAIN_FORWARD, &p, &tunnel, &server));
	assert_false(accepts(rt, RF_CHAIN_FORWARD, &p, &outside, &server));
	p = (struct packet){ .src = IP4(203, 0, 113, 5),
			     .dst = IP4(10, 60, 0, 11),
			     .protocol = IPPROTO_TCP,
			     .sport = 4000,
			     .dport = 5061 };
	assert_true(accepts(rt, RF_CHAIN_FORWARD, &p, &outside, &border));
	p.src = IP4(127, 0, 0, 1);
	assert_false(accepts(rt, RF_CHAIN_FORWARD, &p, &outside, &border));
	close_house(&h);
}

static void a_router_takes_only_its_own(void **state)
{
	struct house h = open_house(RF_LEVEL_MEDIUM);
	const struct rf_hop phone = { zone(&h, "phone"), false }, admin = { zone(&h, "admin"), false },
			    outside = { zone(&h, "internet"), false };
	const struct rf_point *rt = point(&h, "rt-a");
	struct packet ssh = { .src = IP4(10, 50, 0, 101),
			      .dst = IP4(10, 50, 0, 1),
			      .protocol = IPPROTO_TCP,
			      .sport = 40000,
			      .dport = 22 };
	struct packet ike = { .src = IP4(198, 51, 100, 2),
			      .dst = IP4(192, 0, 2, 2),
			      .protocol = IPPROTO_UDP,
			      .sport = 500,
			      .dport = 500 };
	struct packet discover = { .src = IP4(0, 0, 0, 0),
				   .dst = IP4(255, 255, 255, 255),
				   .protocol = IPPROTO_UDP,
				   .sport = 68,
				   .dport = 67 };

	(void)state;
	assert_true(accepts(rt, RF_CHAIN_INPUT, &ssh, &admin, NULL));
	ssh.src = IP4(10, 50, 0, 99); /* no workstation */
	assert_false(accepts(rt, RF_CHAIN_INPUT, &ssh, &admin, NULL));
	assert_true(accepts(rt, RF_CHAIN_INPUT, &ike, &outside, NULL));
	ike.src = IP4(198, 51, 100, 3);
	assert_false(accepts(rt, RF_CHAIN_INPUT, &ike, &outside, NULL));
	assert_true(accepts(rt, RF_CHAIN_INPUT, &discover, &phone, NULL));
	assert_false(accepts(rt, RF_CHAIN_INPUT, &discover, &outside, NULL));
	close_house(&h);
}

static void a_host_takes_only_its_flows(void **state)
{
	struct house h = open_house(RF_LEVEL_MEDIUM);
	const struct rf_point *ctl = point(&h, "ctl-a"), *edge = point(&h, "edge-a");
	struct packet p = { .src = IP4(10, 30, 0, 14),
			    .dst = IP4(10, 20, 0, 11),
			    .protocol = IPPROTO_TCP,
			    .sport = 40000,
			    .dport = 5061 };

	(void)state;
	assert_true(accepts(ctl, RF_CHAIN_INPUT, &p, NULL, NULL));
	p.dport = 22;
	assert_false(accepts(ctl, RF_CHAIN_INPUT, &p, NULL, NULL));
	p.src = IP4(10, 50, 0, 101);
	assert_true(accepts(ctl, RF_CHAIN_INPUT, &p, NULL, NULL));
	p.src = IP4(10, 20, 0, 11); /* its own address, from the wire */
	p.dport = 5061;
	assert_false(accepts(ctl, RF_CHAIN_INPUT, &p, NULL, NULL));
	p = (struct packet){ .src = IP4(10, 20, 0, 11),
			     .dst = IP4(10, 50, 0, 12),
			     .protocol = IPPROTO_TCP,
			     .sport = 40000,
			     .dport = 6514 };
	assert_true(accepts(ctl, RF_CHAIN_OUTPUT, &p, NULL, NULL));
	p.dst = IP4(9, 9, 9, 9);
	p.dport = 443;
	assert_false(accepts(ctl, RF_CHAIN_OUTPUT, &p, NULL, NULL));
	/* what is outside is in no zone, on a host too */
	p = (struct packet){ .src = IP4(203, 0, 113, 5),
			     .dst = IP4(10, 60, 0, 11),
			     .protocol = IPPROTO_UDP,
			     .sport = 4000,
			     .dport = 20000 };
	assert_true(accepts(edge, RF_CHAIN_INPUT, &p, NULL, NULL));
	p.src = IP4(10, 20, 0, 11);
	assert_false(accepts(edge, RF_CHAIN_INPUT, &p, NULL, NULL));
	close_house(&h);
}

/* What is tracked outlives its pinhole: media is kept out of tracking wherever it is judged. */
static void media_is_not_tracked(void **state)
{
	struct house h = open_house(RF_LEVEL_MEDIUM);
	size_t exact = 0, openings = 0;

	(void)state;
	for (size_t i = 0; i < h.book.n; i++)
		for (size_t k = 0; k < h.book.points[i].rule_count; k++) {
			const struct rf_rule *r = &h.book.points[i].rules[k];
			bool router = h.book.points[i].kind == RF_POINT_ROUTER;
			bool untracked = r->flow &&
					 (r->flow->how == RF_FLOW_STATELESS || r->flow->how == RF_FLOW_PINHOLE) &&
					 (router || r->protocol != IPPROTO_TCP);
			bool pinhole = r->flow && r->flow->how == RF_FLOW_PINHOLE && router;

			assert_int_equal(r->states == RF_STATE_UNTRACKED, untracked);
			assert_int_equal(r->pinhole != RF_PINHOLE_NONE, pinhole);
			exact += r->pinhole == RF_PINHOLE_EXACT;
			openings += r->pinhole > RF_PINHOLE_EXACT;
		}
	assert_true(exact > 0 && openings > 0);
	close_house(&h);
}

/* --- nothing is shadowed */

static bool list_covers(const struct rf_site_ip *a, size_t an, bool a_not, const struct rf_site_ip *b, size_t bn,
			bool b_not)
{
	if (!an && !a_not)
		return true;
	if (a_not || b_not || !bn)
		return false;
	for (size_t i = 0; i < bn; i++)
		if (!in_list(&b[i], a, an))
			return false;
	return true;
}

static bool ports_cover(const struct rf_rule *a, const struct rf_rule *b)
{
	return !a->protocol || !has_ports(a->protocol) ||
	       (a->sport.first <= b->sport.first && a->sport.last >= b->sport.last &&
		a->dport.first <= b->dport.first && a->dport.last >= b->dport.last);
}

static bool covers(const struct rf_rule *a, const struct rf_rule *b)
{
	return a->chain == b->chain && (!a->family || a->family == b->family) && a->loopback == b->loopback &&
	       (!a->in || (a->in == b->in && a->in_tunnel == b->in_tunnel)) &&
	       (!a->out || (a->out == b->out && a->out_tunnel == b->out_tunnel)) &&
	       list_covers(a->src, a->src_n, a->src_not, b->src, b->src_n, b->src_not) &&
	       list_covers(a->dst, a->dst_n, a->dst_not, b->dst, b->dst_n, b->dst_not) &&
	       (!a->protocol || a->protocol == b->protocol) && ports_cover(a, b) &&
	       (!a->states || (b->states && !(b->states & ~a->states))) && (!a->pinhole || b->pinhole == a->pinhole) &&
	       !a->icmp_n;
}

static void nothing_is_shadowed(void **state)
{
	(void)state;
	for (int l = 0; l < RF_LEVELS; l++) {
		struct house h = open_house((enum rf_level)l);

		for (size_t i = 0; i < h.book.n; i++)
			for (size_t k = 0; k < h.book.points[i].rule_count; k++)
				for (size_t j = 0; j < k; j++)
					if (covers(&h.book.points[i].rules[j], &h.book.points[i].rules[k]))
						fail_msg("%s: %s hides %s", h.book.points[i].name,
							 h.book.points[i].rules[j].id, h.book.points[i].rules[k].id);
		close_house(&h);
	}
}

static void memory(void **state)
{
	struct rf_site *site = kit_full(RF_LEVEL_MEDIUM, "", NULL);
	struct rf_flows flows = kit_flows(site);
	struct rf_rulebook book;

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_rules_make(&flows, &book);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
	rf_rules_fini(&book);
	rf_flows_fini(&flows);
	rf_site_put(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forwarding), cmocka_unit_test(example_sites),
		cmocka_unit_test(a_way_through_two_routers), cmocka_unit_test(media_is_not_tracked),
		cmocka_unit_test(sources_stay_in_their_zones),
		cmocka_unit_test(a_router_takes_only_its_own), cmocka_unit_test(a_host_takes_only_its_flows),
		cmocka_unit_test(nothing_is_shadowed), cmocka_unit_test(memory),
	};

	if (argc != 2)
		return 2;
	examples = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

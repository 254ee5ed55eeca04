/* Flows against the matrix: what is open is in the cells, what the cells allow is open, at each
 * level, for each pair. */
#include "fail_alloc.h"
#include "kit.h"
#include "policy/flow_int.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- the expectation, from the cells alone */

struct expect {
	unsigned allow, optional;
	const char *const *conditions;
};

static struct expect of_cell(enum rf_zone_kind from, enum rf_zone_kind to, enum rf_level level)
{
	const struct rf_cell *c = rf_matrix_cell(from, to);

	return (struct expect){ c->levels[level].allow, c->levels[level].optional, c->conditions };
}

static struct expect of_zones(const struct rf_site_zone *a, const struct rf_site_zone *b, enum rf_level level)
{
	struct expect e = of_cell(a->kind, b->kind, level);

	if (a->office == b->office)
		return e;
	struct expect wan = of_cell(a->office ? RF_ZONE_WAN : a->kind, b->office ? RF_ZONE_WAN : b->kind, level);
	unsigned any = (e.allow | e.optional) & (wan.allow | wan.optional);
	return (struct expect){ e.allow & wan.allow, any & ~(e.allow & wan.allow), e.conditions };
}

/* Services that open an optional cell by the words of the site (decisions/0044). */
static bool is_implied(const struct rf_flow *f)
{
	static const char *const services[] = { "-dns",	 "-dns-tcp", "-ntp", "-nts-ke",
						"-stun", "-mirror",  "-web", "-web-plain" };
	bool border = f->from.zone->kind == RF_ZONE_BORDER || f->to.zone->kind == RF_ZONE_BORDER ||
		      f->from.zone->kind == RF_ZONE_CONVERGED;

	for (size_t i = 0; border && i < sizeof services / sizeof *services; i++)
		if (rf_view_ends(rf_view_str(f->id), rf_view_str(services[i])))
			return true;
	return false;
}

static bool has_flow(const struct rf_flows *flows, const struct rf_site_zone *a, const struct rf_site_zone *b,
		     int category)
{
	for (size_t i = 0; i < flows->n; i++)
		if (flows->v[i].from.zone == a && flows->v[i].to.zone == b && (int)flows->v[i].category == category &&
		    !flows->v[i].beside_matrix)
			return true;
	return false;
}

/* Telephone lines carry no packets; the branch's data zone has no services of its own. */
static bool nobody_there(const struct rf_site_zone *a, const struct rf_site_zone *b, int category)
{
	if (a->kind == RF_ZONE_PSTN || b->kind == RF_ZONE_PSTN)
		return true;
	if (category == RF_CAT_SERVICES)
		return (b->office && b->kind == RF_ZONE_DATA) || (a->office && a->kind == RF_ZONE_DATA);
	return false;
}

static void what_is_open_is_in_the_cells(const struct rf_flows *flows, enum rf_level level)
{
	for (size_t i = 0; i < flows->n; i++) {
		const struct rf_flow *f = &flows->v[i];
		struct expect e = of_zones(f->from.zone, f->to.zone, level);

		if (f->beside_matrix || (e.allow & 1u << f->category))
			continue;
		if (!(e.optional & 1u << f->category) || !is_implied(f))
			fail_msg("%s at %s is not in the matrix", f->id, rf_level_name(level));
	}
}

static void what_is_in_the_cells_is_open(const struct rf_flows *flows, enum rf_level level)
{
	const struct rf_site *s = flows->site;

	for (size_t i = 0; i < s->zone_count; i++)
		for (size_t k = 0; k < s->zone_count; k++) {
			const struct rf_site_zone *a = &s->zones[i], *b = &s->zones[k];
			struct expect e = of_zones(a, b, level);

			for (int c = 0; c < RF_CATEGORIES; c++) {
				bool answers = e.conditions[c] && strncmp(e.conditions[c], "answers", 7) == 0;

				if ((e.allow & 1u << c) && !answers && !nobody_there(a, b, c) &&
				    !has_flow(flows, a, b, c))
					fail_msg("%s to %s: %s at %s has no flow", rf_site_cstr(a->name),
						 rf_site_cstr(b->name), rf_category_name((enum rf_category)c),
						 rf_level_name(level));
			}
		}
}

static void ids_are_unique(const struct rf_flows *flows)
{
	for (size_t i = 0; i < flows->n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(flows->v[i].id, flows->v[k].id);
}

static void every_flow_says_why(const struct rf_flows *flows)
{
	for (size_t i = 0; i < flows->n; i++) {
		const struct rf_flow *f = &flows->v[i];

		assert_true(f->why && strlen(f->why) > 10);
		assert_true(rf_mitigation_known(rf_view_str(f->mitigation), NULL));
		assert_int_equal(f->how == RF_FLOW_LOCAL, f->from.zone == f->to.zone);
		assert_true(f->dport.first <= f->dport.last && f->sport.first <= f->sport.last);
		assert_true(f->category != RF_CAT_MEDIA || f->dscp == (f->protocol == IPPROTO_TCP ? 18 : 46));
	}
}

static void matrix_at(enum rf_level level)
{
	struct rf_findings f;

	rf_findings_init(&f);
	struct rf_site *site = kit_full(level, "", &f);
	if (!site)
		rf_findings_print(&f, stderr);
	assert_non_null(site);
	struct rf_flows flows = kit_flows(site);
	what_is_open_is_in_the_cells(&flows, level);
	what_is_in_the_cells_is_open(&flows, level);
	ids_are_unique(&flows);
	every_flow_says_why(&flows);
	rf_flows_fini(&flows);
	rf_site_put(site);
	rf_findings_fini(&f);
}

static void matrix(void **state)
{
	(void)state;
	for (int l = 0; l < RF_LEVELS; l++)
		matrix_at((enum rf_level)l);
}

/* --- the table of services */

static void services(void **state)
{
	(void)state;
	for (size_t i = 0; rf_need_service(i); i++)
		assert_string_equal(rf_service(rf_need_service(i))->name, rf_need_service(i));
	assert_int_equal(rf_service_categories(IPPROTO_TCP, (struct rf_site_ports){ 5061, 5061 }),
			 1u << RF_CAT_SIGNALING);
	assert_int_equal(rf_service_categories(IPPROTO_TCP, (struct rf_site_ports){ 443, 443 }), 0); /* many things */
	assert_int_equal(rf_service_categories(IPPROTO_TCP, (struct rf_site_ports){ 9999, 9999 }), 0);
	assert_int_equal(rf_service_categories(IPPROTO_TCP, (struct rf_site_ports){ 20, 5060 }),
			 1u << RF_CAT_SIGNALING | 1u << RF_CAT_ADMIN | 1u << RF_CAT_SERVICES | 1u << RF_CAT_DATA);
}

/* --- single flows */

static void levels(void **state)
{
	static const struct {
		const char *id;
		bool at[RF_LEVELS];
	} rows[] = {
		{ "softphone-server-sip-tls", { true, false, false } },
		{ "phone-server-sip-tls", { true, true, true } },
		{ "phone-server-dhcp", { true, true, false } },
		{ "admin-server-ssh", { true, true, false } },
		{ "admin-gateway-ssh", { true, true, true } },
		{ "phone-converged-web", { true, true, false } },
		{ "internet-border-trunk-carrier", { true, true, true } },
		{ "phone-gateway-media", { true, true, true } },
		{ "server-border-mirror", { true, true, false } },
		{ "phone-internet-media", { false, false, false } },
		{ "far-phone-server-sip-tls", { true, true, true } },
		{ "far-phone-border-media", { false, false, false } },
		{ "phone-border-stun", { true, true, true } },
		{ "lobby-phone-media", { true, true, true } },
		{ "internet-internet-esp-far", { true, true, true } },
		{ "gateway-gateway-media", { false, false, false } },
	};

	(void)state;
	for (int l = 0; l < RF_LEVELS; l++) {
		struct rf_site *site = kit_full((enum rf_level)l, "", NULL);
		struct rf_flows flows = kit_flows(site);

		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if ((kit_flow(&flows, rows[i].id) != NULL) != rows[i].at[l])
				fail_msg("%s at %s: %s", rows[i].id, rf_level_name((enum rf_level)l),
					 rows[i].at[l] ? "missing" : "there");
		rf_flows_fini(&flows);
		rf_site_put(site);
	}
}

static void how(void **state)
{
	struct rf_site *site = kit_full(RF_LEVEL_MEDIUM, "", NULL);
	struct rf_flows flows = kit_flows(site);
	const struct rf_flow *f;

	(void)state;
	f = kit_flow(&flows, "phone-gateway-media");
	assert_int_equal(f->how, RF_FLOW_STATELESS);
	assert_int_equal(f->sport.first, 16384);
	f = kit_flow(&flows, "internet-border-media");
	assert_int_equal(f->how, RF_FLOW_PINHOLE);
	assert_int_equal(f->inspection, RF_INSPECT_SBC);
	f = kit_flow(&flows, "phone-border-media");
	assert_int_equal(f->how, RF_FLOW_PINHOLE);
	f = kit_flow(&flows, "phone-phone-media");
	assert_int_equal(f->how, RF_FLOW_LOCAL);
	f = kit_flow(&flows, "internet-border-trunk-carrier");
	assert_int_equal(f->from.n, 1); /* the carrier's addresses */
	assert_int_equal(f->from.v[0].prefix, 28);
	assert_int_equal(f->new_per_second, 50);
	f = kit_flow(&flows, "phone-server-sip-tls");
	assert_int_equal(f->dscp, 40);
	assert_int_equal(f->to.host_count, 2);
	assert_int_equal(f->to.n, 3);
	f = kit_flow(&flows, "far-phone-server-sip-tls");
	assert_int_equal(f->inspection, RF_INSPECT_VPN);
	rf_flows_fini(&flows);
	rf_site_put(site);
}

/* --- what the site opens by itself */

struct allow_row {
	const char *name;
	enum rf_level level;
	const char *more;
	const char *says;  /* in an error; NULL: none */
	const char *opens; /* id of a flow; NULL: none */
};

#define DEVIATION                                                                                                      \
	"deviations:\n  - { mitigation: net-ipt-data-none, reason: \"an old system needs it\", approved_by: \"A. "     \
	"Example\", until: 2027-06-30 }\n"

static const struct allow_row allow_rows[] = {
	{ "optional, at minimum", RF_LEVEL_MINIMUM,
	  "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: [8443], to_hosts: [ctl-a], "
	  "reason: x }\n",
	  NULL, "data-server-allow-data-tcp-8443" },
	{ "the same at medium", RF_LEVEL_MEDIUM,
	  "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: [8443], reason: x }\n",
	  "zone data may not open data to zone server", NULL },
	{ "by a deviation", RF_LEVEL_MEDIUM,
	  DEVIATION "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: [8443], "
		    "deviation: net-ipt-data-none, reason: x }\n",
	  NULL, "data-server-allow-data-tcp-8443" },
	{ "no cell", RF_LEVEL_MINIMUM,
	  "allow:\n  - { from: gateway, to: data, category: data, protocol: tcp, ports: [80], reason: x }\n",
	  "No feature needs it", NULL },
	{ "signaling called data", RF_LEVEL_MINIMUM,
	  "allow:\n  - { from: data, to: internet, category: data, protocol: tcp, ports: [5000-6000], reason: x }\n",
	  "called data have signaling in them", NULL },
	{ "media past the border", RF_LEVEL_MEDIUM,
	  "allow:\n  - { from: far-phone, to: border, category: media, protocol: udp, ports: [16384-32767], reason: x "
	  "}\n",
	  NULL, "far-phone-border-allow-media-udp-16384-32767" },
	{ "open already", RF_LEVEL_MEDIUM,
	  "allow:\n  - { from: phone, to: server, category: signaling, protocol: tcp, ports: [5061], to_hosts: "
	  "[ctl-a], reason: x }\n",
	  NULL, NULL },
};

static void allow_row(const struct allow_row *row)
{
	struct rf_findings f;
	struct rf_flows flows = { 0 };

	rf_findings_init(&f);
	struct rf_site *site = kit_full(row->level, row->more, &f);
	if (!site)
		rf_findings_print(&f, stderr);
	assert_non_null(site);
	int rc = rf_flows_make(site, kit_day, &f, &flows);
	bool said = !row->says;
	for (size_t i = 0; i < f.n && row->says; i++)
		said |= f.v[i].severity == RF_SEV_ERROR && strstr(f.v[i].text, row->says) && f.v[i].line > 0 &&
			f.v[i].mend[0];
	if (!said || (rc == RF_E_INVALID) != (row->says != NULL)) {
		rf_findings_print(&f, stderr);
		fail_msg("%s: %d", row->name, rc);
	}
	if (row->opens && !kit_flow(&flows, row->opens))
		fail_msg("%s: no %s", row->name, row->opens);
	for (size_t i = 0; !row->opens && i < flows.n; i++)
		assert_null(strstr(flows.v[i].id, "allow"));
	rf_flows_fini(&flows);
	rf_findings_fini(&f);
	rf_site_put(site);
}

static void allows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof allow_rows / sizeof *allow_rows; i++)
		allow_row(&allow_rows[i]);
}

static void refused_without_findings(void **state)
{
	struct rf_site *site = kit_full(RF_LEVEL_MEDIUM, allow_rows[1].more, NULL);
	struct rf_flows flows;

	(void)state;
	assert_int_equal(rf_flows_make(site, kit_day, NULL, &flows), RF_E_INVALID);
	rf_site_put(site);
}

/* --- the variants of the data */

static void variants(void **state)
{
	static const char yaml[] =
		"site: t\ndomain: example.org\nlevel: minimum\nzones:\n  server: { vlan: 2, subnet: 10.2.0.0/24 }\n"
		"  phone: { vlan: 3, subnet: 10.3.0.0/24 }\n  data: { vlan: 8, subnet: 10.8.0.0/24 }\n"
		"hosts:\n  - { name: ctl, zone: server, address: 10.2.0.2, roles: [controller, provision, console] }\n"
		"  - { name: gw, zone: server, address: 10.2.0.3, roles: gateway }\n"
		"  - { name: desk, zone: data, address: 10.8.0.9, services: workstation }\n"
		"allow:\n  - { from: data, to: server, category: signaling, protocol: tcp, ports: [5061], to_hosts: "
		"[ctl], reason: x }\n";
	struct rf_findings f;

	(void)state;
	rf_findings_init(&f);
	struct rf_site *site = kit_site(yaml, &f);
	if (!site)
		rf_findings_print(&f, stderr);
	assert_non_null(site);
	struct rf_flows flows = kit_flows(site);
	/* gateway-on-server-vlan: cells of gateways, by host address */
	const struct rf_flow *media = kit_flow(&flows, "phone-server-media");
	assert_non_null(media);
	assert_int_equal(media->to.n, 1);
	assert_string_equal(rf_site_cstr(media->to.hosts[0]->name), "gw");
	/* admin-in-data: listed workstations */
	const struct rf_flow *ssh = kit_flow(&flows, "data-server-ssh");
	assert_non_null(ssh);
	assert_int_equal(ssh->from.n, 1);
	/* dense-softphones: by allow */
	assert_non_null(kit_flow(&flows, "data-server-allow-signaling-tcp-5061"));
	rf_flows_fini(&flows);
	rf_site_put(site);
	rf_findings_fini(&f);
}

static void border_in_two_halves(void **state)
{
	static const char yaml[] =
		"site: t\ndomain: example.org\nlevel: medium\nzones:\n  border: { vlan: 6, subnet: 10.6.0.0/24 }\n"
		"hosts:\n  - { name: edge, zone: border, address: 10.6.0.2, roles: [border], services: [proxy] }\n";
	struct rf_findings f;
	struct rf_flows flows = { 0 };

	(void)state;
	rf_findings_init(&f);
	struct rf_site *site = kit_site(yaml, NULL);
	assert_non_null(site);
	assert_int_equal(rf_flows_make(site, kit_day, &f, &flows), 0);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.v[0].text, "both halves"));
	rf_flows_fini(&flows);
	rf_findings_fini(&f);
	rf_site_put(site);
}

/* --- order and memory */

static void small_changes_stay_small(void **state)
{
	struct rf_site *a = kit_full(RF_LEVEL_MEDIUM, "", NULL);
	struct rf_site *b =
		kit_full(RF_LEVEL_MEDIUM,
			 "locations:\n  x: { building: B, floor: 1, room: R, address: A }\n"
			 "phones:\n  - { name: p1, number: 1001, location: x, mac: \"00:00:5e:00:53:01\" }\n",
			 NULL);
	struct rf_flows fa = kit_flows(a), fb = kit_flows(b), again = kit_flows(a);

	(void)state;
	assert_int_equal(fa.n, fb.n);
	assert_int_equal(fa.n, again.n);
	for (size_t i = 0; i < fa.n; i++) {
		assert_string_equal(fa.v[i].id, fb.v[i].id);
		assert_string_equal(fa.v[i].id, again.v[i].id);
	}
	rf_flows_fini(&fa);
	rf_flows_fini(&fb);
	rf_flows_fini(&again);
	rf_site_put(a);
	rf_site_put(b);
}

/* A border and a relay with an outer address: trunks and their media reach that one, the site's hosts the other. */
static void outer_side(void **state)
{
	static const char yaml[] =
		"site: t\ndomain: voice.example.org\nlevel: medium\n"
		"zones:\n  server: { vlan: 20, subnet: 10.20.0.0/24 }\n  border: { vlan: 60, subnet: 10.60.0.0/24 }\n"
		"  outer: { kind: border, vlan: 61, subnet: 198.51.100.0/24 }\n  internet: {}\n"
		"hosts:\n  - { name: ctl, zone: server, address: 10.20.0.11, roles: controller }\n"
		"  - { name: edge, zone: border, address: 10.60.0.11, roles: [border, relay], outside: { address: 198.51.100.5 } }\n"
		"trunks:\n  - { name: carrier, peer: sip.carrier.example }\n";
	static const uint8_t inner[4] = { 10, 60, 0, 11 }, outer[4] = { 198, 51, 100, 5 };
	struct rf_findings findings;

	(void)state;
	rf_findings_init(&findings);
	struct rf_site *site = kit_site(yaml, &findings);
	if (!site)
		rf_findings_print(&findings, stderr);
	assert_non_null(site);
	struct rf_flows flows = kit_flows(site);
	const struct rf_flow *in = kit_flow(&flows, "internet-outer-trunk-carrier");
	const struct rf_flow *from = kit_flow(&flows, "outer-internet-trunk-carrier");
	const struct rf_flow *media = kit_flow(&flows, "internet-outer-media");
	const struct rf_flow *calls = kit_flow(&flows, "server-border-sip-tls");

	assert_true(in && from && media && calls);
	assert_null(kit_flow(&flows, "internet-border-trunk-carrier"));
	assert_null(kit_flow(&flows, "internet-border-media"));
	assert_memory_equal(in->to.v[0].b, outer, 4);
	assert_memory_equal(from->from.v[0].b, outer, 4);
	assert_memory_equal(media->to.v[0].b, outer, 4);
	assert_memory_equal(calls->to.v[0].b, inner, 4);
	assert_int_equal(in->to.n + from->from.n + media->to.n + calls->to.n, 4);
	rf_flows_fini(&flows);
	rf_site_put(site);
	rf_findings_fini(&findings);
}

static void memory(void **state)
{
	struct rf_site *site = kit_full(RF_LEVEL_MINIMUM, allow_rows[0].more, NULL);
	struct rf_flows flows = { 0 };

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_flows_make(site, kit_day, NULL, &flows);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
	rf_flows_fini(&flows);
	rf_site_put(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix),
		cmocka_unit_test(services),
		cmocka_unit_test(levels),
		cmocka_unit_test(how),
		cmocka_unit_test(allows),
		cmocka_unit_test(refused_without_findings),
		cmocka_unit_test(variants),
		cmocka_unit_test(border_in_two_halves),
		cmocka_unit_test(small_changes_stay_small),
		cmocka_unit_test(outer_side),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

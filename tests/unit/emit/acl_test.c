/* Access lists of routers, from a site through their text to the proof: what the writer wrote is what the flows permit,
 * and each planted mistake is found. The reader knows nothing of the writer (docs/decisions/0042). */
#include "emit/emit.h"
#include "policy/rules.h"
#include "prove/prove.h"

#include <stdio.h>
#include <stdlib.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define SITE(kind, prefix, out) \
	"site: s\ndomain: s.example\nlevel: minimum\n" \
	"zones:\n" \
	"  server: { vlan: 20, subnet: 10.20.0.0/24, subnet6: \"fd00:20::/64\" }\n" \
	"  phone:  { vlan: 30, subnet: 10.30.0.0/24, subnet6: \"fd00:30::/64\" }\n" \
	"  admin:  { vlan: 50, subnet: 10.50.0.0/24 }\n" \
	"  data:   { vlan: 80, subnet: 10.80.0.0/24, subnet6: \"fd00:80::/64\" }\n" \
	"  internet: { gateway: 192.0.2.1 }\n" \
	"hosts:\n" \
	"  - { name: ctl, zone: server, address: 10.20.0.11, address6: \"fd00:20::11\", roles: controller }\n" \
	"  - { name: log, zone: admin, address: 10.50.0.12, services: log }\n" \
	"  - { name: time, zone: admin, address: 10.50.0.13, services: ntp }\n" \
	"  - { name: desk, zone: admin, address: 10.50.0.101, services: workstation }\n" \
	"routers:\n" \
	"  - { name: r, kind: " kind ", interfaces: [ { zone: server, name: " prefix "20 }, { zone: phone, name: " prefix "30 }, " \
	"{ zone: admin, name: " prefix "50 }, { zone: data, name: " prefix "80 }, " \
	"{ zone: internet, name: " out ", address: 192.0.2.2, address6: \"2001:db8::2\" } ] }\n" \
	"locations:\n  here: { building: A, address: B }\n" \
	"phones:\n  - { name: p1, number: 1001, location: here, mac: \"00:00:5e:00:54:01\" }\n"

struct language {
	const char *yaml, *path;
	rf_emitter *emit;
	rf_rs_reader *read;
};

static const struct language languages[] = {
	{ SITE("ios-xe", "Vl", "Te1/0/1"), "routers/r/ios-xe.cfg", rf_emit_ios, rf_read_ios },
	{ SITE("eos", "Vl", "Et48"), "routers/r/eos.cfg", rf_emit_eos, rf_read_eos },
	{ SITE("junos", "irb.", "ge-0/0/0.0"), "routers/r/junos.set", rf_emit_junos, rf_read_junos },
};
enum { IOS, EOS, JUNOS };

struct world {
	struct rf_site *site;
	struct rf_flows flows;
	struct rf_rulebook book;
	char *text;
};

static void begin(const struct language *l, struct world *w)
{
	static const uint8_t seed[RF_EMIT_SEED] = { 1 };
	struct rf_bundle bundle;
	struct rf_findings f;

	rf_findings_init(&f);
	if (rf_site_parse(rf_view_str(l->yaml), (struct rf_view){ 0 }, "site.yaml", (struct rf_wall){ 0 }, &f,
			  &w->site)) {
		rf_findings_print(&f, stderr);
		fail();
	}
	assert_int_equal(rf_flows_make(w->site, (struct rf_wall){ 0 }, &f, &w->flows), 0);
	assert_int_equal(rf_rules_make(&w->flows, &w->book), 0);
	assert_int_equal(rf_bundle_make_by(&l->emit, 1, w->site, &w->flows, &w->book, (struct rf_view){ seed, sizeof seed }, NULL, &f,
					   &bundle), 0);
	w->text = NULL;
	for (size_t i = 0; i < bundle.n; i++)
		if (strcmp(bundle.files[i].path, l->path) == 0) {
			w->text = strndup((const char *)bundle.files[i].bytes.p, bundle.files[i].bytes.n);
			assert_non_null(w->text);
		}
	assert_non_null(w->text);
	rf_bundle_fini(&bundle);
	rf_findings_fini(&f);
}

static void end(struct world *w)
{
	free(w->text);
	rf_rules_fini(&w->book);
	rf_flows_fini(&w->flows);
	rf_site_put(w->site);
}

static bool proves(const struct language *l, const struct world *w, const char *text, struct rf_proof *ret_proof)
{
	struct rf_diag diag = { 0 };
	struct rf_ruleset rs;

	if (l->read(rf_view_str(text), l->path, &rs, &diag))
		fail_msg("%s", diag.text);
	struct rf_prove_rules rules = { "r", &rs };
	struct rf_prove_ask ask = { .flows = &w->flows, .rules = &rules, .n = 1, .nodes_max = 1 << 20 };
	if (rf_prove(&ask, ret_proof, &diag))
		fail_msg("%s", diag.text);
	rf_ruleset_fini(&rs);
	return ret_proof->proven;
}

static void written_is_proven(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct rf_proof proof;
		bool stateless = false;

		begin(&languages[i], &w);
		if (!proves(&languages[i], &w, w.text, &proof))
			fail_msg("%s: %s", languages[i].path, proof.breaches[0].text);
		for (size_t k = 0; k < proof.assumed_count; k++)
			stateless |= strstr(proof.assumed[k], "r keeps no state") != NULL;
		assert_true(stateless);
		rf_proof_fini(&proof);
		end(&w);
	}
}

/* --- planted: the first `was` becomes `is` */

static const struct { int language; const char *was, *is; } planted[] = {
	/* A wider wildcard, a wider range, a wrong port. */
	{ IOS, "permit tcp host 10.20.0.11 10.30.0.0 0.0.0.255 eq 5061",
	  "permit tcp host 10.20.0.11 10.30.0.0 0.0.1.255 range 5061 5062" },
	{ IOS, "permit tcp host 10.20.0.11 10.30.0.0 0.0.0.255", "permit tcp 10.20.0.0 0.0.0.15 10.30.0.0 0.0.0.255" },
	{ IOS, "permit udp host 10.20.0.11 host 10.50.0.13 eq 123",
	  "permit udp host 10.20.0.11 host 10.50.0.13 eq 124" },
	{ IOS, " established", "" },
	/* Order: all is denied first; all is permitted before the end. */
	{ IOS, "ip access-list extended rf-server\n", "ip access-list extended rf-server\n deny ip any any\n" },
	{ IOS, " deny ip any any log\n", " 5 permit ip any any\n deny ip any any log\n" },
	{ IOS, " deny ip any any log\n", " permit ip any any\n" },
	/* Bindings: the other way, none, another list; only one family. */
	{ IOS, "ip access-group rf-server in", "ip access-group rf-server out" },
	{ IOS, " ip access-group rf-phone in\n", "" },
	{ IOS, "ip access-group rf-phone in", "ip access-group rf-server in" },
	{ IOS, " ipv6 traffic-filter rf-phone-6 in\n", "" },
	{ IOS, "ip access-group rf-phone in", "ip access-group rf-fone in" },
	{ IOS, " remark neighbours", " permit icmp any any 135\n remark neighbours" },
	{ IOS, "permit tcp host 10.20.0.11 10.30.0.0",
	  "permit object-group G host 10.20.0.11 10.30.0.0 0.0.0.255\n permit tcp host 10.20.0.11 10.30.0.0" },
	{ IOS, "interface Vlan20", "interface Vlan21" },
	{ EOS, "permit tcp host 10.20.0.11 10.30.0.0/24", "permit tcp host 10.20.0.11 10.0.0.0/10" },
	{ EOS, "permit tcp host 10.20.0.11 10.30.0.0/24", "permit tcp 10.20.0.0/28 10.30.0.0/24" },
	{ EOS, " established", "" },
	{ EOS, "   ip access-group rf-server in\n", "" },
	{ EOS, "   ipv6 access-group rf-phone-6 in\n", "" },
	{ EOS, "ip access-group rf-server in", "ip access-group rf-server out" },
	{ EOS, "   deny ip any any log\n", "   permit ip any any\n" },
	{ JUNOS, " from tcp-established\n", " from source-port-except 1\n" },
	{ JUNOS, "term rest then discard", "term rest then count x" },
	{ JUNOS, "family inet filter input rf-server", "family inet filter output rf-server" },
	{ JUNOS, "set interfaces irb unit 30 family inet6 filter input rf-phone-6\n", "" },
	{ JUNOS, "from protocol tcp\n", "from protocol [ tcp udp ]\n" },
	{ JUNOS, "from destination-port 5061\n", "from destination-port [ 5060 5061 ]\n" },
	{ JUNOS, "from destination-port 5061\n", "from destination-port 5060\n" },
	{ JUNOS, "set firewall family inet filter rf-server term", "set firewall family inet filter rf-server term a then accept\nset firewall family inet filter rf-server term" },
};

static char *replaced(const char *text, const char *was, const char *is)
{
	size_t n = strlen(text), more = strlen(is), less = strlen(was);
	const char *found = strstr(text, was);
	char *out = malloc(n + more + 1);

	if (!found || !out) {
		free(out);
		fail_msg("\"%s\" is not in:\n%s", was, text);
		return NULL;
	}
	size_t at = (size_t)(found - text);
	memcpy(out, text, at);
	memcpy(out + at, is, more);
	memcpy(out + at + more, text + at + less, n - at - less + 1);
	return out;
}

static void planted_is_found(void **state)
{
	struct world w[3];
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		begin(&languages[i], &w[i]);
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		const struct language *l = &languages[planted[i].language];
		char *text = replaced(w[planted[i].language].text, planted[i].was, planted[i].is);
		struct rf_proof proof;

		if (strstr(text, "object-group G")) {
			char *more = replaced(text, "ip access-list extended rf-server", "object-group service G\n tcp eq 5061\n udp eq 5060\nip access-list extended rf-server");

			free(text);
			text = more;
		}
		if (proves(l, &w[planted[i].language], text, &proof)) {
			print_error("%s: not found: %s\n", l->path, planted[i].is);
			missed++;
		}
		rf_proof_fini(&proof);
		free(text);
	}
	for (size_t i = 0; i < 3; i++)
		end(&w[i]);
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(written_is_proven), cmocka_unit_test(planted_is_found) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What no daemon checks of the services' files: that they serve the zones of the flows alone, hand out nothing from a
 * pool, name the senders that the flows name, and keep secrets where only root reads. */
#include "emit/emit.h"

#include <stdio.h>
#include <stdlib.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static const char head[] =
	"site: s\ndomain: s.example\nlevel: %s\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24 }\n"
	"  phone:  { vlan: 30, subnet: 10.30.0.0/24, dhcp: %s }\n"
	"  gateway: { vlan: 40, subnet: 10.40.0.0/24 }\n"
	"  admin:  { vlan: 50, subnet: 10.50.0.0/24 }\n"
	"  data:   { vlan: 80, subnet: 10.80.0.0/24 }\n"
	"hosts:\n"
	"  - { name: ctl, zone: server, address: 10.20.0.11, roles: controller }\n"
	"  - { name: svc, zone: server, address: 10.20.0.21, services: [%sdns, ntp] }\n"
	"  - { name: log, zone: admin, address: 10.50.0.12, services: log }\n"
	"  - { name: auth, zone: admin, address: 10.50.0.14, services: radius }\n"
	"  - { name: desk, zone: admin, address: 10.50.0.101, services: workstation }\n"
	"  - { name: mail, zone: data, address: 10.80.0.12, services: [mail, dhcp, dns, ntp] }\n"
	"routers:\n"
	"  - { name: r, kind: linux, interfaces: [ { zone: server }, { zone: phone }, { zone: gateway }, { zone: admin }, { zone: data } ] }\n"
	"switches:\n"
	"  - { name: sw, kind: linux, zone: admin, address: 10.50.0.31, ports: [ { name: swp1-3, zone: phone }, { name: swp9, to: r } ] }\n"
	"  - { name: ios, kind: ios-xe, zone: admin, address: 10.50.0.32, ports: [ { name: Gi1/0/1, zone: phone } ] }\n"
	"locations:\n  here: { building: A, address: B }\n"
	"network: { dot1x: true, snmp: true }\n"
	"phones:\n"
	"  - { name: p1, number: 1001, location: here, mac: \"00:00:5e:00:54:01\", switch: sw, port: swp1 }\n"
	"  - { name: p2, number: 1002, location: here, mac: \"00:00:5e:00:54:02\", switch: sw, port: swp2 }\n";
static const char third[] =
	"  - { name: p3, number: 1003, location: here, mac: \"00:00:5e:00:54:03\", switch: sw, port: swp3 }\n";

static const uint8_t seed[RF_EMIT_SEED] = { 7 };

struct world {
	struct rf_site *site;
	struct rf_flows flows;
	struct rf_bundle bundle;
	char **texts; /* of the bundle's files, each with an end */
};

static void make(struct world *w, const char *level, const char *services, const char *more)
{
	static rf_emitter *const emitters[] = { rf_emit_kea, rf_emit_relay, rf_emit_unbound, rf_emit_chrony, rf_emit_dot1x,
						rf_emit_rsyslog, rf_emit_snmp, rf_emit_ipsec, rf_emit_keepalived };
	struct rf_findings f;
	char *yaml = NULL;

	*w = (struct world){ 0 };
	assert_true(asprintf(&yaml, head, level, strcmp(level, "highest") == 0 ? "false" : "true", services) > 0);
	assert_non_null(yaml = realloc(yaml, strlen(yaml) + strlen(more) + 1));
	strcat(yaml, more);
	rf_findings_init(&f);
	int rc = rf_site_parse(rf_view_str(yaml), (struct rf_view){ 0 }, "site.yaml", (struct rf_wall){ 0 }, &f,
			       &w->site);
	rc = rc ? rc : rf_flows_make(w->site, (struct rf_wall){ 0 }, &f, &w->flows);
	if (rc)
		rf_findings_print(&f, stderr);
	assert_int_equal(rc, 0);
	assert_int_equal(rf_bundle_make_by(emitters, sizeof emitters / sizeof *emitters, w->site, &w->flows, NULL,
					   (struct rf_view){ seed, sizeof seed }, NULL, &f, &w->bundle), 0);
	assert_non_null(w->texts = calloc(w->bundle.n + 1, sizeof *w->texts));
	for (size_t i = 0; i < w->bundle.n; i++)
		assert_non_null(w->texts[i] =
					strndup((const char *)w->bundle.files[i].bytes.p, w->bundle.files[i].bytes.n));
	rf_findings_fini(&f);
	free(yaml);
}

static void end(struct world *w)
{
	for (size_t i = 0; i < w->bundle.n; i++)
		free(w->texts[i]);
	free(w->texts);
	rf_bundle_fini(&w->bundle);
	rf_flows_fini(&w->flows);
	rf_site_put(w->site);
}

static const struct rf_emit_file *find(const struct world *w, const char *path)
{
	for (size_t i = 0; i < w->bundle.n; i++)
		if (strcmp(w->bundle.files[i].path, path) == 0)
			return &w->bundle.files[i];
	return NULL;
}

static const char *text(const struct world *w, const char *path)
{
	const struct rf_emit_file *f = find(w, path);

	if (!f)
		fail_msg("no file %s", path);
	return f ? w->texts[f - w->bundle.files] : "";
}

static bool has(const struct rf_emit_file *f, const char *word)
{
	return memmem(f->bytes.p, f->bytes.n, word, strlen(word)) != NULL;
}

static void clients(void **state)
{
	static const char *const files[] = { "services/svc/unbound.conf", "services/svc/chrony.conf" };
	const char *words[] = { "access-control: 10.%s.0.0/24 allow", "\nallow 10.%s.0.0/24\n" };
	struct world w;
	char line[64];

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	for (size_t i = 0; i < 2; i++) {
		static const struct { const char *net; bool served; } nets[] = {
			{ "20", true }, { "30", true }, { "50", false }, { "80", false },
		};

		for (size_t k = 0; k < sizeof nets / sizeof *nets; k++) {
			snprintf(line, sizeof line, "%.*s%s%s", (int)(strstr(words[i], "%s") - words[i]), words[i],
				 nets[k].net, strstr(words[i], "%s") + 2);
			if (!strstr(text(&w, files[i]), line) == nets[k].served)
				fail_msg("%s: \"%s\"", files[i], line);
		}
	}
	assert_non_null(strstr(text(&w, "services/svc/unbound.conf"), "access-control: 0.0.0.0/0 refuse\n"));
	assert_non_null(strstr(text(&w, "routers/r/dhcp-relay.conf"), "\ndhcp-relay=10.30.0.1,10.20.0.21\n"));
	assert_null(strstr(text(&w, "routers/r/dhcp-relay.conf"), "10.80."));
	end(&w);
}

static void no_pool(void **state)
{
	struct world w;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	const char *kea = text(&w, "services/svc/kea-dhcp4.conf");

	for (const char *at = kea; (at = strstr(at, "\"pool")); at++)
		assert_memory_equal(at, "\"pools\": []", 11);
	assert_non_null(strstr(kea, "\"hw-address\": \"00:00:5e:00:54:01\""));
	assert_null(strstr(kea, "10.80."));
	end(&w);
	make(&w, "highest", "", "");
	for (size_t i = 0; i < w.bundle.n; i++)
		assert_true(!strstr(w.bundle.files[i].path, "kea") && !strstr(w.bundle.files[i].path, "dhcp"));
	end(&w);
}

static void peers(void **state)
{
	struct world w;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	const char *log = text(&w, "services/log/rsyslog.conf");

	for (const char *const *name =
		     (const char *const[]){ "\"ctl.s.example\"", "\"svc.s.example\"", "\"auth.s.example\"",
					    "\"sw.s.example\"", "\"r.s.example\"", NULL };
	     *name; name++)
		if (!strstr(log, *name))
			fail_msg("%s may not log", *name);
	assert_null(strstr(log, "mail"));
	assert_null(strstr(log, "ossl"));
	assert_non_null(strstr(text(&w, "services/ctl/rsyslog.conf"), "streamDriverPermittedPeers=\"log.s.example\""));
	/* Switches of vendors come over TLS, where a certificate counts; only those of Linux have a secret. */
	assert_null(strstr(text(&w, "services/auth/freeradius/clients.conf"), "client ios"));
	assert_non_null(strstr(text(&w, "services/auth/freeradius/ringfort"), "client ios-tls"));
	end(&w);
}

static void data_keeps_its_own(void **state)
{
	struct world w;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	for (size_t i = 0; i < w.bundle.n; i++)
		assert_null(strstr(w.bundle.files[i].path, "services/mail/"));
	end(&w);
}

static void secrets(void **state)
{
	static const char *const labels[] = { "ntp 1", "ntp 2", "radius sw", "snmp auth sw", "snmp priv sw" };
	char secret[RF_EMIT_SECRET];
	struct world w;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		struct rf_emit e = { .seed = { seed, sizeof seed } };
		size_t n = 0;

		rf_emit_secret(&e, labels[i], secret);
		secret[32] = 0; /* as much as the shortest use of it */
		for (size_t k = 0; k < w.bundle.n; k++)
			if (has(&w.bundle.files[k], secret)) {
				assert_int_equal(w.bundle.files[k].mode, 0600);
				n++;
			}
		if (!n)
			fail_msg("nothing has the secret %s", labels[i]);
	}
	end(&w);
}

static size_t lines(const char *t)
{
	size_t n = 0;

	for (; (t = strchr(t, '\n')) != NULL; t++)
		n++;
	return n;
}

/* Every line of the smaller file is in the larger one, but for the digest. */
static void one_more_is_one_line(void **state)
{
	struct world w, v;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	make(&v, "medium", "dhcp, ", third);
	const char *before = text(&w, "services/svc/kea-dhcp4.conf"), *after = text(&v, "services/svc/kea-dhcp4.conf");

	assert_int_equal(lines(after), lines(before) + 1);
	for (const char *at = before; *at; at = strchr(at, '\n') + 1) {
		char line[256];

		snprintf(line, sizeof line, "%.*s\n", (int)strcspn(at, "\n"), at);
		assert_true(strstr(after, line) || strstr(line, "digest"));
	}
	end(&v);
	end(&w);
}

static void ports(void **state)
{
	struct world w;

	(void)state;
	make(&w, "medium", "dhcp, ", "");
	assert_non_null(strstr(text(&w, "switches/sw/port-access"), "\"swp1 00:00:5e:00:54:01\") vlan=30 ;;\n"));
	assert_null(strstr(text(&w, "switches/sw/port-access"), "swp3"));
	assert_null(find(&w, "switches/sw/hostapd/swp3.conf"));
	const struct rf_emit_file *f = find(&w, "switches/sw/port-access");
	assert_true(f && f->mode == 0755);
	assert_non_null(strstr(text(&w, "switches/sw/hostapd-unit.conf"), "locked on"));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients), cmocka_unit_test(no_pool), cmocka_unit_test(peers),
		cmocka_unit_test(data_keeps_its_own), cmocka_unit_test(secrets), cmocka_unit_test(one_more_is_one_line),
		cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which host of the site are we. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/host.h"

#include <stdio.h>

#define HEAD "site: t\ndomain: t.example\nlevel: medium\nzones:\n  server: { subnet: 203.0.113.0/24 }\n"

static struct rf_site *site_of(const char *hosts)
{
	char text[1024];
	struct rf_site *site = NULL;
	struct rf_wall now = { 1800000000000000 };
	struct rf_findings findings;

	snprintf(text, sizeof text, HEAD "%s", hosts);
	rf_findings_init(&findings);
	if (rf_site_parse(rf_view_str(text), RF_V(""), "test", now, &findings, &site)) {
		rf_findings_print(&findings, stderr);
		fail();
	}
	rf_findings_fini(&findings);
	return site;
}

static const char two[] = "hosts:\n"
			  "  - { name: one, zone: server, address: 203.0.113.1, roles: [controller] }\n"
			  "  - { name: two, zone: server, address: 203.0.113.2, roles: [controller, border] }\n";
static const char single[] = "hosts:\n"
			     "  - { name: edge, zone: server, address: 203.0.113.1, roles: [border] }\n"
			     "  - { name: ctl, zone: server, address: 203.0.113.2, roles: [controller] }\n";

static void named(void **state)
{
	const struct rf_site_host *h = NULL;
	struct rf_diag diag;
	struct rf_site *s = site_of(two);

	(void)state;
	assert_int_equal(rf_role_host(s, "two", RF_ROLE_CONTROLLER, &h, &diag), 0);
	assert_true(rf_view_eq(h->name, RF_V("two")));
	assert_int_equal(rf_role_host(s, "three", RF_ROLE_CONTROLLER, &h, &diag), RF_E_NOT_FOUND);
	assert_int_equal(rf_role_host(s, "one", RF_ROLE_BORDER, &h, &diag), RF_E_NOT_FOUND);
	assert_non_null(strstr(diag.text, "no role border"));
	/* Neither name nor address is this machine's, and there are two. */
	assert_int_equal(rf_role_host(s, NULL, RF_ROLE_CONTROLLER, &h, &diag), RF_E_NOT_FOUND);
	assert_non_null(strstr(diag.text, "--host"));
	rf_site_put(s);
}

static void the_only_one(void **state)
{
	const struct rf_site_host *h = NULL;
	struct rf_diag diag;
	struct rf_site *s = site_of(single);

	(void)state;
	assert_int_equal(rf_role_host(s, NULL, RF_ROLE_CONTROLLER, &h, &diag), 0);
	assert_true(rf_view_eq(h->name, RF_V("ctl")));
	rf_site_put(s);
}

static void names_of_roles(void **state)
{
	(void)state;
	assert_string_equal(rf_role_name(RF_ROLE_CONTROLLER), "controller");
	assert_string_equal(rf_role_name(RF_ROLE_WALL), "wall");
	assert_null(rf_role_name(0));
	assert_null(rf_role_name(RF_ROLE_WALL << 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named),
		cmocka_unit_test(the_only_one),
		cmocka_unit_test(names_of_roles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

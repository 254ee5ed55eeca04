/* What people see of the flows of the example sites: golden/NAME.txt. RF_GOLDEN_REWRITE=1 meson test "what flows show"
 * writes them anew: look at the difference before you keep it. */
#include "kit.h"
#include "policy/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *examples, *golden;

struct shown {
	char *text;
	size_t n;
};

static struct shown text_of(const struct rf_show *show, void (*write)(const struct rf_show *, FILE *))
{
	struct shown s = { 0 };
	FILE *f = open_memstream(&s.text, &s.n);

	assert_non_null(f);
	write(show, f);
	fclose(f);
	return s;
}

static void svg(const struct rf_show *show, FILE *out)
{
	assert_int_equal(rf_show_svg(show, out), 0);
}

static char *slurp(const char *path)
{
	static const size_t room = 1 << 20;
	char *text = calloc(1, room);
	FILE *f = fopen(path, "r");

	if (f) {
		text[fread(text, 1, room - 1, f)] = '\0';
		fclose(f);
	}
	return text;
}

/* Without the lines of the site file, which move without a flow changing. */
static void without_lines(char *text)
{
	static const char mark[] = "; line ";

	for (char *p = strstr(text, mark); p; p = strstr(p, mark)) {
		size_t n = sizeof mark - 1 + strspn(p + sizeof mark - 1, "0123456789");

		memmove(p, p + n, strlen(p + n) + 1);
	}
}

static void one_golden(const char *name)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", examples, name);
	struct rf_site *site = kit_load(path);
	struct rf_flows flows = kit_flows(site);
	struct shown now = text_of(&(struct rf_show){ .flows = &flows }, rf_show_text);

	without_lines(now.text);
	snprintf(path, sizeof path, "%s/%s.txt", golden, name);
	if (getenv("RF_GOLDEN_REWRITE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(now.text, f);
		fclose(f);
	}
	char *before = slurp(path);
	if (strcmp(before, now.text) != 0)
		fail_msg("flows of examples/%s differ from %s", name, path);
	free(before);
	free(now.text);
	rf_flows_fini(&flows);
	rf_site_put(site);
}

static void goldens(void **state)
{
	(void)state;
	one_golden("office");
	one_golden("highest");
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = strstr(text, part); p; p = strstr(p + 1, part))
		n++;
	return n;
}

static void pictures(void **state)
{
	(void)state;
	for (int l = 0; l < RF_LEVELS; l++) {
		struct rf_site *site = kit_full((enum rf_level)l, "", NULL);
		struct rf_flows flows = kit_flows(site);
		const struct rf_show show = { .flows = &flows };
		struct shown a = text_of(&show, svg), b = text_of(&show, svg), dot = text_of(&show, rf_show_dot);

		assert_string_equal(a.text, b.text);
		assert_int_equal(count(a.text, "rx=\"6\""), site->zone_count); /* a box each */
		assert_int_equal(count(a.text, "<path d=\"M"), count(a.text, "</title></path>") + 2 * RF_CATEGORIES);
		assert_non_null(strstr(a.text, "phone -&gt; server: signaling tcp 5061, stateful"));
		assert_non_null(strstr(dot.text, "\"phone\" -> \"server\" [color="));
		assert_int_equal(count(dot.text, "{"), count(dot.text, "}"));
		free(a.text);
		free(b.text);
		free(dot.text);
		rf_flows_fini(&flows);
		rf_site_put(site);
	}
}

static void words_are_escaped(void **state)
{
	struct rf_site *site =
		kit_full(RF_LEVEL_MINIMUM,
			 "allow:\n  - { from: data, to: server, category: data, protocol: tcp, ports: [8443], "
			 "reason: \"a <b> & \\\"c\\\"\" }\n",
			 NULL);
	struct rf_flows flows = kit_flows(site);
	struct shown s = text_of(&(struct rf_show){ .flows = &flows }, svg);

	(void)state;
	assert_non_null(strstr(s.text, "a &lt;b&gt; &amp; &quot;c&quot;"));
	assert_null(strstr(s.text, "<b>"));
	free(s.text);
	rf_flows_fini(&flows);
	rf_site_put(site);
}

static void filters(void **state)
{
	struct rf_site *site = kit_full(RF_LEVEL_MEDIUM, "", NULL);
	struct rf_flows flows = kit_flows(site);
	const struct rf_flow *f = kit_flow(&flows, "phone-server-sip-tls");
	struct rf_show show = { .flows = &flows, .from = f->from.zone, .to = f->to.zone };
	char end[RF_SHOW_END], ports[RF_SHOW_PORTS];

	(void)state;
	assert_true(rf_show_wants(&show, f));
	assert_false(rf_show_wants(&show, kit_flow(&flows, "server-phone-sip-tls")));
	show = (struct rf_show){ .flows = &flows, .at = rf_site_host(site, rf_view_str("gw-a")) };
	assert_true(rf_show_wants(&show, kit_flow(&flows, "phone-gateway-media")));
	assert_false(rf_show_wants(&show, f));
	rf_show_end(&f->to, end);
	assert_string_equal(end, "ctl-a, ctl-b");
	rf_show_end(&f->from, end);
	assert_string_equal(end, "all");
	rf_show_ports(f, ports);
	assert_string_equal(ports, "tcp 5061");
	rf_show_ports(kit_flow(&flows, "admin-server-echo"), ports);
	assert_string_equal(ports, "icmp echo");
	struct shown m = { 0 };
	FILE *out = open_memstream(&m.text, &m.n);
	rf_show_matrix(site, out);
	fclose(out);
	assert_non_null(strstr(m.text, "phone     -> server     stateful     signaling, admin, network-services"));
	assert_null(strstr(m.text, "softphone"));
	free(m.text);
	rf_flows_fini(&flows);
	rf_site_put(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goldens), cmocka_unit_test(pictures), cmocka_unit_test(words_are_escaped),
		cmocka_unit_test(filters),
	};

	if (argc != 3)
		return 2;
	examples = argv[1];
	golden = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

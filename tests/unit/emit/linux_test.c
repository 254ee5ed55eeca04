/* Routers and switches on Linux, from examples/office: the emitters under failing allocations, and what no file may
 * hold. What the files say is compared with tests/golden by the system tests, which also give them to a kernel. */
#include "emit/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fail_alloc.h"

static const struct rf_wall day = { 1795305600000000 }; /* 2026-11-22 */
static rf_emitter *const by[] = { rf_emit_nftables, rf_emit_tc, rf_emit_linux, rf_emit_bridge };
static const char *dir;

static struct rf_site *site;
static struct rf_flows flows;
static struct rf_rulebook book;

static int setup(void **state)
{
	(void)state;
	return rf_site_load(dir, day, NULL, &site) || rf_flows_make(site, day, NULL, &flows) ||
	       rf_rules_make(&flows, &book);
}

static int teardown(void **state)
{
	(void)state;
	rf_rules_fini(&book);
	rf_flows_fini(&flows);
	rf_site_put(site);
	return 0;
}

static int make(struct rf_bundle *ret)
{
	return rf_bundle_make_by(by, sizeof by / sizeof *by, site, &flows, &book, (struct rf_view){ 0 }, NULL, NULL,
				 ret);
}

static const struct rf_emit_file *find(const struct rf_bundle *b, const char *path)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->files[i].path, path) == 0)
			return &b->files[i];
	return NULL;
}

static void files(void **state)
{
	static const char *const expected[] = {
		"hosts/ctl-a/ringfort.nft", "hosts/ctl-a/sysctl.conf", "routers/rt-a/networkd/10-trunk.network",
		"routers/rt-a/networkd/20-vlan30.netdev", "routers/rt-a/networkd/30-eth0.network",
		"routers/rt-a/queues.sh", "routers/rt-a/ringfort.nft", "routers/rt-a/sysctl.conf",
		"switches/sw-room/networkd/40-swp1.network", "switches/sw-room/networkd/90-others.network",
		"switches/sw-room/ringfort.nft",
	};
	struct rf_bundle b;

	(void)state;
	assert_int_equal(make(&b), 0);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (!find(&b, expected[i]))
			fail_msg("%s is missing", expected[i]);
	/* A wall's host is its router; switches of other makers are others' business. */
	assert_null(find(&b, "hosts/rt-a/ringfort.nft"));
	assert_null(find(&b, "switches/sw-ground/ringfort.nft"));
	const struct rf_emit_file *queues = find(&b, "routers/rt-a/queues.sh");
	assert_true(queues && queues->mode == 0755);
	for (size_t i = 0; i < b.n; i++)
		assert_null(memmem(b.files[i].bytes.p, b.files[i].bytes.n, "(null)", 6));
	rf_bundle_fini(&b);
}

static void no_memory(void **state)
{
	unsigned n = 1;

	(void)state;
	for (;; n += n < 100 ? 1 : 17) {
		struct rf_bundle b;

		fail_alloc_at(n);
		int rc = make(&b);
		if (!fail_alloc_off()) {
			rf_bundle_fini(&b);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files), cmocka_unit_test(no_memory) };

	dir = argc > 1 ? argv[1] : "examples/office";
	return cmocka_run_group_tests(tests, setup, teardown);
}

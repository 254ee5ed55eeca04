/* Addresses of phones: each its own, none a device's, and nobody moves when others come and go. */
#include "policy/lease.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fail_alloc.h"

enum { PHONES = 1200 };

struct world {
	struct rf_site site;
	struct rf_site_zone zone;
	struct rf_site_host host;
	struct rf_site_phone phones[PHONES];
	char names[PHONES][16];
	struct rf_arena arena;
	const struct rf_lease *leases;
};

static struct rf_site_ip ip(const char *text, bool net)
{
	struct rf_site_ip v = { 0 };

	assert_true(rf_site_ip_parse(rf_view_str(text), net, &v));
	return v;
}

static struct world *make(const char *subnet, const char *subnet6, size_t phones)
{
	struct world *w = calloc(1, sizeof *w);

	rf_arena_init(&w->arena, 64 << 20);
	if (*subnet)
		w->zone.subnet = ip(subnet, true);
	if (*subnet6)
		w->zone.subnet6 = ip(subnet6, true);
	w->site = (struct rf_site){ .zones = &w->zone, .zone_count = 1, .hosts = &w->host, .host_count = 1, .phones = w->phones,
				    .phone_count = phones };
	for (size_t i = 0; i < phones; i++) {
		snprintf(w->names[i], sizeof w->names[i], "phone-%zu", i);
		w->phones[i] = (struct rf_site_phone){ .name = rf_view_str(w->names[i]), .zone = &w->zone };
	}
	return w;
}

static int run(struct world *w)
{
	return rf_leases_make(&w->site, &w->arena, &w->leases);
}

static void drop(struct world *w)
{
	rf_arena_fini(&w->arena);
	free(w);
}

static uint32_t number(const struct rf_lease *l)
{
	const uint8_t *b = l->address.b;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void each_its_own(void **state)
{
	struct world *w = make("10.30.0.0/20", "fd00:30::/64", PHONES);
	static bool seen[4096];

	(void)state;
	w->zone.gateway = ip("10.30.0.1", false);
	w->host.address = ip("10.30.9.9", false);
	seen[9 * 256 + 9] = true;
	assert_int_equal(run(w), 0);
	for (size_t i = 0; i < PHONES; i++) {
		const struct rf_lease *l = &w->leases[i];
		uint32_t n = number(l) - 0x0a1e0000;

		assert_true(n >= 512 && n < 4095 && !seen[n]);
		seen[n] = true;
		assert_int_equal(l->address.prefix, 32);
		assert_int_equal(l->address6.prefix, 128);
		assert_int_equal(l->address6.b[14] << 8 | l->address6.b[15], n);
		assert_ptr_equal(l->zone, &w->zone);
	}
	drop(w);
}

/* The address is written down here: a release that gave others would renumber every site. */
static void the_same_for_ever(void **state)
{
	struct world *w = make("10.30.0.0/20", "", 3);

	(void)state;
	assert_int_equal(run(w), 0);
	assert_int_equal(w->leases[0].address6.family, 0);
	assert_int_equal(number(&w->leases[0]), 0x0a1e0cb8);
	assert_int_equal(number(&w->leases[1]), 0x0a1e0334);
	assert_int_equal(number(&w->leases[2]), 0x0a1e05d9);
	drop(w);
}

static void nobody_moves(void **state)
{
	struct world *few = make("10.30.0.0/21", "", 900), *more = make("10.30.0.0/21", "", 1000);
	size_t moved = 0;

	(void)state;
	assert_int_equal(run(few), 0);
	assert_int_equal(run(more), 0);
	for (size_t i = 0; i < 900; i++)
		assert_int_equal(number(&few->leases[i]), number(&more->leases[i]));
	/* Without the first phone at most those that stepped aside for it move. */
	more->site.phones++;
	more->site.phone_count--;
	const struct rf_lease *before = more->leases;
	assert_int_equal(run(more), 0);
	for (size_t i = 1; i < 1000; i++)
		moved += number(&more->leases[i - 1]) != number(&before[i]);
	assert_true(moved <= 12);
	drop(few);
	drop(more);
}

static void full(void **state)
{
	struct world *w = make("10.30.0.0/27", "", 40);
	size_t given = 0;

	(void)state;
	w->zone.gateway = ip("10.30.0.1", false);
	assert_int_equal(run(w), 0);
	for (size_t i = 0; i < 40; i++)
		given += w->leases[i].address.family == 4;
	assert_int_equal(given, 29); /* 32 but for network, broadcast and gateway */
	drop(w);
}

static void odd_zones(void **state)
{
	static const struct { const char *four, *six; size_t given4, given6; } cases[] = {
		{ "", "", 0, 0 }, { "", "fd00::/64", 0, 3 }, { "", "fd00::/126", 0, 2 },
		{ "10.0.0.0/8", "fd00::/48", 3, 3 }, { "10.0.0.0/30", "fd00::/64", 2, 2 }, { "10.0.0.0/31", "", 0, 0 },
		{ "10.0.0.0/32", "", 0, 0 },
		{ "10.0.0.0/20", "fd00::/120", 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world *w = make(cases[i].four, cases[i].six, 3);
		size_t four = 0, six = 0;

		assert_int_equal(run(w), 0);
		for (size_t k = 0; k < 3; k++) {
			four += w->leases[k].address.family == 4;
			six += w->leases[k].address6.family == 6;
		}
		if (four != cases[i].given4 || six != cases[i].given6)
			fail_msg("%s %s: %zu %zu", cases[i].four, cases[i].six, four, six);
		drop(w);
	}
	struct world *w = make("10.0.0.0/24", "", 2);
	w->phones[1].zone = NULL;
	assert_int_equal(run(w), 0);
	assert_null(w->leases[1].zone);
	assert_int_equal(w->leases[1].address.family, 0);
	drop(w);
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct world *w = make("10.0.0.0/24", "", 3);

		fail_alloc_at(n);
		int rc = run(w);
		bool failed = fail_alloc_off();
		drop(w);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_its_own), cmocka_unit_test(the_same_for_ever), cmocka_unit_test(nobody_moves),
		cmocka_unit_test(full), cmocka_unit_test(odd_zones), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rules of every kind as nftables has them, compared with golden/NAME.nft; RF_GOLDEN_REWRITE=1 writes these anew (look
 * at the difference before you keep it). tests/system/test_nft.py gives the same files to nft and to a kernel. */
#include "emit/emit.h"

#include "guard.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fail_alloc.h"

static const char *golden;

static const struct rf_site_zone phone = { .name = RF_V("phone") }, server = { .name = RF_V("server") },
				 border = { .name = RF_V("border") }, internet = { .name = RF_V("internet") },
				 branch = { .name = RF_V("phone-branch") };

static const struct rf_site_interface feet[] = {
	{ .zone = &phone, .name = RF_V("vlan30") }, { .zone = &server, .name = RF_V("vlan20") },
	{ .zone = &border, .name = RF_V("vlan60") }, { .zone = &internet, .name = RF_V("eth0") },
	{ .zone = &internet, .name = RF_V("eth1") },
};

static const struct rf_site_router router = { .name = RF_V("rt"), .interfaces = feet, .interface_count = 5 };
static const struct rf_site_host host = { .name = RF_V("ctl") };
static const struct rf_site site = { .name = RF_V("office"), .level = RF_LEVEL_MEDIUM, .digest = { 0xab }, .routers = &router,
				     .router_count = 1, .hosts = &host, .host_count = 1 };
static const struct rf_flows flows = { .site = &site };

#define ALL_PORTS { 0, 65535 }
#define NET4(a, b, c, d, bits) { 4, bits, { a, b, c, d } }

static const struct rf_site_ip phones[] = { NET4(10, 30, 0, 0, 22), { 6, 64, { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0x30 } } };
static const struct rf_site_ip phones4[] = { NET4(10, 30, 0, 0, 22) };
static const struct rf_site_ip servers[] = {
	NET4(10, 20, 0, 11, 32), NET4(10, 20, 0, 12, 32), NET4(10, 20, 0, 11, 32), NET4(10, 20, 0, 12, 31),
	{ 6, 128, { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0x20, [15] = 0x11 } },
};
static const struct rf_site_ip relay[] = { NET4(10, 60, 0, 11, 32) };
static const uint8_t echo[] = { 8, 0 }, nd[] = { 135, 136 };

static const struct rf_rule forward[] = {
	{ .id = "known", .mitigation = "net-state", .chain = RF_CHAIN_FORWARD, .states = RF_STATE_ESTABLISHED | RF_STATE_RELATED },
	{ .id = "invalid", .chain = RF_CHAIN_FORWARD, .action = RF_ACTION_DROP, .states = RF_STATE_INVALID, .log = true },
	{ .id = "source-in-zone-phone", .mitigation = "net-spoof", .chain = RF_CHAIN_FORWARD, .action = RF_ACTION_DROP, .in = &phone,
	  .src = phones4, .src_n = 1, .src_not = true, .log = true },
	{ .id = "no-two-families", .chain = RF_CHAIN_FORWARD, .action = RF_ACTION_DROP, .src = phones4, .src_n = 1, .dst = &phones[1],
	  .dst_n = 1 },
	{ .id = "phone-server-signaling-1", .mitigation = "net-zone", .chain = RF_CHAIN_FORWARD, .in = &phone, .out = &server,
	  .src = phones, .src_n = 2, .dst = servers, .dst_n = 5, .protocol = IPPROTO_TCP, .sport = ALL_PORTS,
	  .dport = { 5061, 5061 }, .states = RF_STATE_NEW, .new_per_second = 20, .dscp = 40 },
	{ .id = "phone-internet-data-1", .chain = RF_CHAIN_FORWARD, .in = &phone, .out = &internet, .protocol = IPPROTO_UDP,
	  .sport = { 1024, 65535 }, .dport = ALL_PORTS, .states = RF_STATE_NEW },
	{ .id = "phone-server-services-1", .chain = RF_CHAIN_FORWARD, .in = &phone, .out = &server, .dst = servers, .dst_n = 5,
	  .protocol = IPPROTO_UDP, .sport = ALL_PORTS, .dport = { 53, 53 }, .states = RF_STATE_NEW },
	{ .id = "branch-server-1", .chain = RF_CHAIN_FORWARD, .in = &branch, .out = &server, .in_tunnel = true, .protocol = IPPROTO_TCP,
	  .sport = ALL_PORTS, .dport = ALL_PORTS, .states = RF_STATE_NEW },
	{ .id = "between", .chain = RF_CHAIN_FORWARD, .action = RF_ACTION_DROP, .family = 6, .protocol = IPPROTO_ICMPV6 },
	{ .id = "border-internet-media-1", .mitigation = "per-pinholes", .chain = RF_CHAIN_FORWARD, .in = &border, .out = &internet,
	  .src = relay, .src_n = 1, .protocol = IPPROTO_UDP, .sport = { 16384, 32767 }, .dport = { 1024, 65535 },
	  .states = RF_STATE_UNTRACKED, .pinhole = RF_PINHOLE_EXACT, .dscp = 46, .kbit = 3000 },
	{ .id = "border-internet-media-1", .mitigation = "per-pinholes", .chain = RF_CHAIN_FORWARD, .in = &border, .out = &internet,
	  .src = relay, .src_n = 1, .protocol = IPPROTO_UDP, .sport = { 16384, 32767 }, .dport = { 1024, 65535 },
	  .states = RF_STATE_UNTRACKED, .pinhole = RF_PINHOLE_TO_ANY, .dscp = 46, .kbit = 3000 },
	{ .id = "internet-border-media-tcp-1", .mitigation = "per-pinholes", .chain = RF_CHAIN_FORWARD, .in = &internet, .out = &border,
	  .dst = relay, .dst_n = 1, .protocol = IPPROTO_TCP, .sport = { 1024, 65535 }, .dport = { 16384, 32767 },
	  .states = RF_STATE_UNTRACKED, .pinhole = RF_PINHOLE_EXACT, .dscp = 18 },
	{ .id = "internet-border-media-tcp-1", .mitigation = "per-pinholes", .chain = RF_CHAIN_FORWARD, .in = &internet, .out = &border,
	  .dst = relay, .dst_n = 1, .protocol = IPPROTO_TCP, .sport = { 1024, 65535 }, .dport = { 16384, 32767 },
	  .states = RF_STATE_UNTRACKED, .pinhole = RF_PINHOLE_FROM_ANY, .dscp = 18 },
	{ .id = "border-internet-media-1", .mitigation = "per-pinholes", .chain = RF_CHAIN_FORWARD, .in = &internet, .out = &border,
	  .dst = relay, .dst_n = 1, .protocol = IPPROTO_UDP, .sport = { 1024, 65535 }, .dport = { 16384, 32767 },
	  .states = RF_STATE_UNTRACKED, .pinhole = RF_PINHOLE_EXACT, .dscp = 46 },
	{ .id = "ping", .chain = RF_CHAIN_FORWARD, .family = 4, .protocol = IPPROTO_ICMP, .icmp_types = echo, .icmp_n = 2 },
	{ .id = "own", .chain = RF_CHAIN_INPUT, .loopback = true },
	{ .id = "2-neighbours", .chain = RF_CHAIN_INPUT, .family = 6, .protocol = IPPROTO_ICMPV6, .icmp_types = nd, .icmp_n = 2 },
	{ .id = "phone-router-1", .chain = RF_CHAIN_INPUT, .in = &phone, .protocol = 112 },
	{ .id = "internet-router-1", .chain = RF_CHAIN_INPUT, .in = &internet, .protocol = IPPROTO_ESP },
	{ .id = "phone-server-signaling-1", .mitigation = "net-zone", .chain = RF_CHAIN_INPUT, .in = &phone, .src = phones4, .src_n = 1,
	  .protocol = IPPROTO_TCP, .sport = ALL_PORTS, .dport = { 5061, 5061 }, .states = RF_STATE_NEW,
	  .new_per_second = 20 },
	{ .id = "own", .chain = RF_CHAIN_OUTPUT, .loopback = true },
	{ .id = "router-phone-1", .chain = RF_CHAIN_OUTPUT, .out = &phone, .protocol = 112 },
};

/* A host has one foot: what a rule says of interfaces does not stand in its file. */
static const struct rf_rule inout[] = {
	{ .id = "own", .chain = RF_CHAIN_INPUT, .loopback = true },
	{ .id = "known", .chain = RF_CHAIN_INPUT, .states = RF_STATE_ESTABLISHED },
	{ .id = "phone-server-signaling-1", .mitigation = "net-zone", .chain = RF_CHAIN_INPUT, .in = &server, .src = phones, .src_n = 2,
	  .protocol = IPPROTO_TCP, .sport = ALL_PORTS, .dport = { 5061, 5061 }, .states = RF_STATE_NEW,
	  .new_per_second = 20 },
	{ .id = "server-relay-media-1", .chain = RF_CHAIN_OUTPUT, .out = &server, .dst = relay, .dst_n = 1, .protocol = IPPROTO_UDP,
	  .sport = { 16384, 32767 }, .dport = { 16384, 32767 }, .states = RF_STATE_UNTRACKED, .dscp = 46 },
};

static const struct rf_point points[] = {
	{ .kind = RF_POINT_ROUTER, .name = "rt", .router = &router, .rules = forward, .rule_count = sizeof forward / sizeof *forward },
	{ .kind = RF_POINT_HOST, .name = "ctl", .host = &host, .rules = inout, .rule_count = sizeof inout / sizeof *inout },
};

static const struct rf_rulebook book = { .points = points, .n = 2 };
static rf_emitter *const by[] = { rf_emit_nftables };

static void compare(const char *name, struct rf_view text)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s.nft", golden, name);
	if (getenv("RF_GOLDEN_REWRITE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fwrite(text.p, 1, text.n, f);
		fclose(f);
		return;
	}
	struct rf_view want = guard_file(path);
	if (!rf_view_eq(want, text))
		fail_msg("%s differs; now it is:\n%.*s", path, RF_VFMT(text));
	free((void *)(uintptr_t)want.p);
}

static void as_written(void **state)
{
	struct rf_bundle b;

	(void)state;
	assert_int_equal(rf_bundle_make_by(by, 1, &site, &flows, &book, (struct rf_view){ 0 }, NULL, NULL, &b), 0);
	assert_int_equal(b.n, 2);
	compare("host", b.files[0].bytes);
	compare("router", b.files[1].bytes);
	rf_bundle_fini(&b);
}

static void names(void **state)
{
	static const struct rf_site_interface wrong[] = {
		{ .zone = &phone, .name = RF_V("eth*") }, { .zone = &phone, .name = RF_V("GigabitEthernet1/0/1") },
		{ .zone = &phone, .name = RF_V("a\" accept") }, { .zone = &server, .name = RF_V("vlan20") },
	};
	static const struct rf_rule rule = { .id = "x", .chain = RF_CHAIN_FORWARD, .in = &phone };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct rf_site_router r = { .name = RF_V("rt"), .interfaces = &wrong[i], .interface_count = 1 };
		struct rf_point point = {
			.kind = RF_POINT_ROUTER, .name = "rt", .router = &r, .rules = &rule, .rule_count = 1
		};
		struct rf_rulebook one = { .points = &point, .n = 1 };
		struct rf_findings f;
		struct rf_bundle b;

		rf_findings_init(&f);
		assert_int_equal(rf_bundle_make_by(by, 1, &site, &flows, &one, (struct rf_view){ 0 }, NULL, &f, &b),
				 RF_E_INVALID);
		assert_true(f.count[RF_SEV_ERROR] > 0);
		rf_findings_fini(&f);
	}
}

static void no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_bundle b;

		fail_alloc_at(n);
		int rc = rf_bundle_make_by(by, 1, &site, &flows, &book, (struct rf_view){ 0 }, NULL, NULL, &b);
		if (!fail_alloc_off()) {
			rf_bundle_fini(&b);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_written), cmocka_unit_test(names),
					    cmocka_unit_test(no_memory) };

	golden = argc > 1 ? argv[1] : "golden";
	return cmocka_run_group_tests(tests, NULL, NULL);
}

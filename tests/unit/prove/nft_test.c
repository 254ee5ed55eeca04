/* The reader of nftables' JSON: what each form of rule fits, by a few packets, and what it refuses. */
#include "fail_alloc.h"
#include "prove/trace.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define TABLE "{\"table\":{\"family\":\"inet\",\"name\":\"t\"}},"
#define CHAIN "{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"f\",\"type\":\"filter\",\"hook\":\"forward\"," \
	      "\"prio\":0,\"policy\":\"drop\"}},"
#define SETS "{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"yes\"}}," \
	     "{\"set\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"iv\",\"type\":\"ipv4_addr\",\"flags\":[\"interval\"]," \
	     "\"elem\":[{\"range\":[\"10.0.0.1\",\"10.0.0.7\"]},\"10.9.9.9\",{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":28}}]}}," \
	     "{\"set\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"jail\",\"type\":\"ipv4_addr\",\"timeout\":600}}," \
	     "{\"set\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"cc\",\"type\":[\"ipv4_addr\",\"inet_service\"],\"elem\":[" \
	     "{\"concat\":[{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}},{\"range\":[5060,5061]}]},{\"elem\":{\"val\":" \
	     "{\"concat\":[\"10.1.1.1\",80]},\"comment\":\"x\"}}]}}," \
	     "{\"map\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"vm\",\"type\":[\"ifname\",\"ifname\"],\"map\":\"verdict\"," \
	     "\"elem\":[[{\"concat\":[\"vlan30\",\"vlan20\"]},{\"jump\":{\"target\":\"yes\"}}]," \
	     "[{\"concat\":[\"c\",\"d\"]},{\"drop\":null}]]}}," \
	     "{\"limit\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"l\",\"rate\":5,\"per\":\"second\",\"inv\":true}}," \
	     "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"yes\",\"handle\":4,\"expr\":[{\"accept\":null}]}},"
#define RULE(expr) "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"f\",\"handle\":12,\"comment\":\"why\",\"expr\":[" \
		   expr "]}}"
#define FILE_OF(more, expr) "{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}}," TABLE CHAIN SETS more RULE(expr) "]}"
#define MATCH(op, left, right) "{\"match\":{\"op\":\"" op "\",\"left\":" left ",\"right\":" right "}}"
#define PAY(p, f) "{\"payload\":{\"protocol\":\"" p "\",\"field\":\"" f "\"}}"
#define META(k) "{\"meta\":{\"key\":\"" k "\"}}"
#define CT(k) "{\"ct\":{\"key\":\"" k "\"}}"
#define ACC ",{\"accept\":null}"

/* The packets: bit n of what a case accepts is packet n. All come in on vlan30 and leave on vlan20. */
static struct rf_packet packets[] = {
	{ .family = 4, .src = { 10, 0, 0, 2 }, .dst = { 10, 1, 1, 1 }, .proto = 6, .sport = 40000, .dport = 5061,
	  .tcp_flags = 2, .state = RF_RS_NEW },
	{ .family = 4, .src = { 10, 1, 1, 1 }, .dst = { 10, 0, 0, 2 }, .proto = 6, .sport = 5061, .dport = 40000,
	  .tcp_flags = 18, .state = RF_RS_ESTABLISHED, .direction = 1 },
	{ .family = 4, .src = { 198, 51, 100, 15 }, .dst = { 10, 1, 1, 1 }, .proto = 17, .sport = 53, .dport = 53,
	  .state = RF_RS_NEW, .dscp = 46 },
	{ .family = 4, .src = { 10, 0, 0, 2 }, .dst = { 10, 1, 1, 1 }, .proto = 1, .icmp_type = 8, .state = RF_RS_RELATED },
	{ .family = 6, .src = { 0xfd, [15] = 1 }, .dst = { 0xfd, [15] = 2 }, .proto = 58, .icmp_type = 128,
	  .state = RF_RS_INVALID },
	{ .family = 6, .src = { 0xfd, [15] = 1 }, .dst = { 0xfd, [15] = 2 }, .proto = 6, .sport = 1, .dport = 80,
	  .tcp_flags = 16, .state = RF_RS_NEW },
};
enum { PACKETS = sizeof packets / sizeof *packets, ALL = (1 << PACKETS) - 1 };

static const struct { const char *name, *file; unsigned accepted; } good[] = {
	{ "everything", FILE_OF("", "{\"accept\":null}"), ALL },
	{ "nothing", FILE_OF("", "{\"counter\":{\"packets\":0,\"bytes\":0}}"), 0 },
	{ "port", FILE_OF("", MATCH("==", PAY("tcp", "dport"), "5061") ACC), 1 },
	{ "ports", FILE_OF("", MATCH("==", PAY("th", "dport"), "{\"set\":[53,{\"range\":[5060,5061]}]}") ACC), 5 },
	{ "not a port", FILE_OF("", MATCH("!=", PAY("tcp", "dport"), "5061") ACC), 0x22 },
	{ "order", FILE_OF("", MATCH(">=", PAY("tcp", "dport"), "5061") ACC), 3 },
	{ "less than nothing", FILE_OF("", MATCH("<", PAY("tcp", "dport"), "0") ACC), 0 },
	{ "source", FILE_OF("", MATCH("==", PAY("ip", "saddr"), "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}") ACC), 11 },
	{ "not a source", FILE_OF("", MATCH("!=", PAY("ip", "saddr"), "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}") ACC), 4 },
	{ "masked source", FILE_OF("", MATCH("==", "{\"&\":[" PAY("ip", "saddr") ",\"0.0.0.3\"]}", "\"0.0.0.1\"") ACC), 2 },
	{ "v6 range", FILE_OF("", MATCH("==", PAY("ip6", "saddr"), "{\"range\":[\"fd00::1\",\"fd00::5\"]}") ACC), 0x30 },
	{ "named set", FILE_OF("", MATCH("==", PAY("ip", "saddr"), "\"@iv\"") ACC), 13 },
	{ "not in a named set", FILE_OF("", MATCH("!=", PAY("ip", "saddr"), "\"@iv\"") ACC), 2 },
	{ "concatenation", FILE_OF("", MATCH("==", "{\"concat\":[" PAY("ip", "saddr") "," PAY("tcp", "dport") "]}", "\"@cc\"") ACC), 1 },
	{ "states", FILE_OF("", MATCH("in", CT("state"), "[\"established\",\"related\"]") ACC), 10 },
	{ "one state", FILE_OF("", MATCH("in", CT("state"), "\"new\"") ACC), 0x25 },
	{ "not a state", FILE_OF("", MATCH("!=", CT("state"), "\"new\"") ACC), 0x1a },
	{ "never two states", FILE_OF("", MATCH("==", CT("state"), "{\"|\":[\"established\",\"related\"]}") ACC), 0 },
	{ "not two states at once", FILE_OF("", MATCH("!=", CT("state"), "{\"|\":[\"established\",\"related\"]}") ACC), ALL },
	{ "set of states", FILE_OF("", MATCH("==", CT("state"), "{\"set\":[\"established\",\"related\"]}") ACC), 10 },
	{ "direction", FILE_OF("", MATCH("==", CT("direction"), "\"reply\"") ACC), 2 },
	{ "flags under a mask", FILE_OF("", MATCH("==", "{\"&\":[" PAY("tcp", "flags") ",[\"fin\",\"syn\",\"rst\",\"ack\"]]}", "\"syn\"") ACC), 1 },
	{ "not these flags", FILE_OF("", MATCH("!=", "{\"&\":[" PAY("tcp", "flags") ",[\"syn\",\"ack\"]]}", "\"syn\"") ACC), 0x22 },
	{ "one of the flags", FILE_OF("", MATCH("in", PAY("tcp", "flags"), "[\"syn\",\"rst\"]") ACC), 3 },
	{ "none of the flags", FILE_OF("", MATCH("!", PAY("tcp", "flags"), "[\"syn\",\"rst\"]") ACC), 0x20 },
	{ "exactly these flags", FILE_OF("", MATCH("==", PAY("tcp", "flags"), "{\"set\":[{\"|\":[\"syn\",\"ack\"]}]}") ACC), 2 },
	{ "interface", FILE_OF("", MATCH("==", META("iifname"), "\"vlan*\"") "," MATCH("!=", META("oifname"), "{\"set\":[\"a\",\"b\"]}") ACC), ALL },
	{ "other interface", FILE_OF("", MATCH("==", META("iif"), "\"lo\"") ACC), 0 },
	{ "loopback", FILE_OF("", MATCH("!=", META("iiftype"), "\"loopback\"") ACC), ALL },
	{ "verdict map", FILE_OF("", "{\"vmap\":{\"key\":{\"concat\":[" META("iifname") "," META("oifname") "]},\"data\":\"@vm\"}}"), ALL },
	{ "verdict map of its own", FILE_OF("", "{\"vmap\":{\"key\":" CT("state") ",\"data\":{\"set\":[[\"invalid\",{\"drop\":null}],"
	  "[\"new\",{\"accept\":null}]]}}}"), 0x25 },
	{ "protocol", FILE_OF("", MATCH("==", META("l4proto"), "{\"set\":[\"udp\",\"ipv6-icmp\"]}") ACC), 0x14 },
	{ "protocol of IPv4", FILE_OF("", MATCH("!=", PAY("ip", "protocol"), "\"tcp\"") ACC), 12 },
	{ "next header", FILE_OF("", MATCH("==", PAY("ip6", "nexthdr"), "\"tcp\"") ACC), 0x20 },
	{ "family", FILE_OF("", MATCH("==", META("nfproto"), "\"ipv6\"") ACC), 0x30 },
	{ "ICMP", FILE_OF("", MATCH("==", PAY("icmp", "type"), "\"echo-request\"") "," MATCH("==", PAY("icmp", "code"), "\"net-unreachable\"") ACC), 8 },
	{ "ICMPv6", FILE_OF("", MATCH("==", PAY("icmpv6", "type"), "{\"set\":[\"echo-request\",\"nd-neighbor-solicit\"]}") ACC), 0x10 },
	{ "DSCP", FILE_OF("", MATCH("==", PAY("ip", "dscp"), "\"ef\"") ACC), 4 },
	{ "way back missing", FILE_OF("", MATCH("==", "{\"fib\":{\"result\":\"oif\",\"flags\":[\"saddr\",\"iif\"]}}", "false") ACC), 0x36 },
	{ "way back there", FILE_OF("", MATCH("==", "{\"fib\":{\"result\":\"oif\",\"flags\":[\"saddr\",\"iif\"]}}", "true") ACC), 9 },
	{ "to a neighbour", FILE_OF("", MATCH("==", "{\"fib\":{\"result\":\"type\",\"flags\":[\"daddr\"]}}", "\"unicast\"") ACC), ALL },
	{ "not to itself", FILE_OF("", MATCH("!=", "{\"fib\":{\"result\":\"type\",\"flags\":[\"daddr\"]}}", "{\"set\":[\"local\",\"multicast\"]}") ACC), ALL },
	{ "within a rate", FILE_OF("", "{\"limit\":{\"rate\":5,\"per\":\"second\"}}" ACC), ALL },
	{ "over a rate", FILE_OF("", "{\"limit\":{\"rate\":5,\"per\":\"second\",\"inv\":true}}" ACC), 0 },
	{ "over a named rate", FILE_OF("", "{\"limit\":\"l\"}" ACC), 0 },
	{ "meter", FILE_OF("", "{\"meter\":{\"key\":" PAY("ip", "saddr") ",\"stmt\":{\"limit\":{\"rate\":1,\"inv\":true}},\"name\":\"m\"}}" ACC), 0 },
	{ "connections", FILE_OF("", "{\"ct count\":{\"val\":10,\"inv\":true}}" ACC), 0 },
	{ "quota", FILE_OF("", "{\"quota\":{\"val\":25,\"val_unit\":\"mbytes\"}}" ACC), ALL },
	{ "jail at rest", FILE_OF("", MATCH("!=", PAY("ip", "saddr"), "\"@jail\"") ACC), 15 },
	{ "mark of an earlier rule", FILE_OF(RULE(MATCH("==", PAY("tcp", "dport"), "5061") ",{\"mangle\":{\"key\":" META("mark") ",\"value\":7}}") ",",
	  MATCH("==", "{\"&\":[" META("mark") ",6]}", "6") ACC), 1 },
	{ "no mark", FILE_OF("", MATCH("==", META("mark"), "0") ACC), ALL },
	{ "no later piece", FILE_OF("", MATCH("!=", "{\"&\":[" PAY("ip", "frag-off") ",8191]}", "0") ACC), 0 },
	{ "reject", FILE_OF(RULE("{\"reject\":{\"type\":\"tcp reset\"}}") ",", "{\"accept\":null}"), 0 },
	{ "fields of two headers", FILE_OF("", MATCH("==", "{\"concat\":[" META("l4proto") "," PAY("th", "dport") "]}",
	  "{\"set\":[{\"concat\":[\"udp\",53]},{\"concat\":[\"tcp\",80]}]}") ACC), 0x24 },
	{ "an extension header", FILE_OF("", MATCH("==", "{\"exthdr\":{\"name\":\"rt\",\"field\":\"type\"}}", "0") ACC), 0 },
};

static int read_text(const char *text, struct rf_ruleset *rs, struct rf_diag *diag)
{
	return rf_read_nft_json(rf_view_str(text), "rules.json", rs, diag);
}

static unsigned accepted_by(const struct rf_ruleset *rs)
{
	static const struct rf_rs_cell back_cells[] = {
		{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 10, 0 }, { 10, 0, 255, 255 } } },
	};
	static const struct rf_region back = { back_cells, 1, false };
	struct rf_way way = { .kind = RF_WAY_FORWARD, .in = "vlan30", .out = "vlan20", .back = &back, .mode = RF_REST };
	struct rf_sets *s;
	struct rf_device *d;
	unsigned set = 0, alone = 0;

	rf_hull_whole(&way.src);
	rf_hull_whole(&way.dst);
	assert_int_equal(rf_sets_open(rf_space_variables(), 100000, &s), 0);
	assert_int_equal(rf_device_new(s, rs, &d), 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct rf_packet p = packets[i];
		struct rf_trace t;
		int x = rf_space_forget(s, rf_space_packet(s, &p), RF_RS_STATE);

		for (unsigned f = RF_RS_SPORT; f <= RF_RS_TCP_FLAGS; f++) /* also those that its
									   * protocol does not have */
			x = rf_sets_and(s, x, rf_space_num(s, f, rf_packet_num(&p, f), rf_packet_num(&p, f)));

		if (rf_device_pass(d, &way, x, rf_space_num(s, RF_RS_STATE, p.state, p.state), NULL))
			set |= 1u << i;
		assert_int_equal(rf_trace(d, &way, &p, &t), 0);
		if (t.accept.possible)
			alone |= 1u << i;
	}
	rf_device_free(d);
	rf_sets_close(s);
	assert_int_equal(set, alone);
	return set;
}

static void understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct rf_diag diag = { 0 };
		struct rf_ruleset rs;

		if (read_text(good[i].file, &rs, &diag))
			fail_msg("%s: %s", good[i].name, diag.text);
		unsigned accepted = accepted_by(&rs);
		if (accepted != good[i].accepted)
			fail_msg("%s: accepts %x, not %x", good[i].name, accepted, good[i].accepted);
		rf_ruleset_fini(&rs);
	}
}

static const struct { const char *file, *says; } bad[] = {
	{ "", "no JSON" }, { "{}", "no list of rules" }, { "{\"nftables\":[3]}", "no object" },
	{ FILE_OF("", "{\"queue\":{\"num\":5}}"), "queue" },
	{ FILE_OF("", "{\"snat\":{\"addr\":\"10.0.0.1\"}}"), "snat" },
	{ FILE_OF("", "{\"masquerade\":null}"), "rule with handle 12 of chain inet t f" },
	{ FILE_OF("", "{\"tproxy\":{\"port\":5}}"), "tproxy" },
	{ FILE_OF("", "{\"xt\":null}"), "xt" },
	{ FILE_OF("", "{\"ct helper\":\"sip\"}"), "ct helper" },
	{ FILE_OF("{\"ct helper\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"sip\"}},", "{\"accept\":null}"),
	  "ct helper \"sip\"" },
	{ FILE_OF("", MATCH("==", META("iifgroup"), "5") ACC), "iifgroup" },
	{ FILE_OF("", MATCH("==", "{\"socket\":{\"key\":\"transparent\"}}", "1") ACC), "socket" },
	{ FILE_OF("", MATCH("==", "{\"ct\":{\"key\":\"ip saddr\",\"dir\":\"original\"}}", "\"10.0.0.1\"") ACC),
	  "ip saddr" },
	{ FILE_OF("", MATCH("==", "{\"numgen\":{\"mode\":\"inc\",\"mod\":2}}", "0") ACC), "numgen" },
	{ FILE_OF("", MATCH("==", PAY("tcp", "dport"), "\"sip\"") ACC), "does not know this value: sip" },
	{ FILE_OF("", MATCH("==", PAY("ip", "saddr"), "\"10.0.0\"") ACC), "10.0.0" },
	{ FILE_OF("", MATCH("==", PAY("ip", "saddr"), "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":33}}") ACC),
	  "10.0.0.0/33" },
	{ FILE_OF("", MATCH("==", PAY("tcp", "dport"), "70000") ACC), "cannot be" },
	{ FILE_OF("", MATCH("==", META("nfproto"), "10") ACC), "value: 10" },
	{ FILE_OF("", MATCH("==", PAY("ip", "saddr"), "\"@nowhere\"") ACC), "@nowhere" },
	{ FILE_OF("", MATCH("==", CT("state"), "3") ACC), "value: 3" },
	{ FILE_OF("", MATCH("~", PAY("tcp", "dport"), "3") ACC), "operator" },
	{ FILE_OF("", "{\"jump\":{\"target\":\"nowhere\"}}"), "nowhere" },
	{ FILE_OF("", "{\"jump\":{\"target\":\"f\"}}"), "circle" },
	{ FILE_OF("", "{\"accept\":null},{\"drop\":null}"), "behind a verdict" },
	{ FILE_OF("", "{\"mangle\":{\"key\":" META("mark") ",\"value\":7}}," MATCH("==", PAY("tcp", "dport"), "5") ACC), "write two rules" },
	{ FILE_OF("", "{\"mangle\":{\"key\":" PAY("ip", "daddr") ",\"value\":\"10.0.0.1\"}}"), "ip daddr" },
	{ FILE_OF("{\"chain\":{\"family\":\"bridge\",\"table\":\"b\",\"name\":\"f\",\"type\":\"filter\",\"hook\":\"forward\",\"prio\":0}},",
	  "{\"accept\":null}"), "family bridge" },
	{ FILE_OF("{\"secmark\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"s\"}},", "{\"accept\":null}"), "secmark" },
	{ FILE_OF("", MATCH("==", "{\"fib\":{\"result\":\"oif\",\"flags\":[\"saddr\"]}}", "false") ACC), "fib" },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rf_diag diag = { 0 };
		struct rf_ruleset rs;

		if (read_text(bad[i].file, &rs, &diag) == 0)
			fail_msg("accepted, not \"%s\": %s", bad[i].says, bad[i].file);
		if (!strstr(diag.text, bad[i].says))
			fail_msg("\"%s\" does not say \"%s\"", diag.text, bad[i].says);
		assert_string_equal(diag.file, "rules.json");
	}
}

static void texts(void **state)
{
	struct rf_diag diag = { 0 };
	struct rf_ruleset rs;

	(void)state;
	assert_int_equal(read_text(FILE_OF("", MATCH("==", META("iifname"), "\"vlan30\"") "," MATCH("==", PAY("ip", "saddr"),
				   "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}") "," MATCH("==", PAY("tcp", "dport"),
				   "{\"set\":[22,{\"range\":[5060,5061]}]}") "," MATCH("in", CT("state"), "\"new\"")
				   ",{\"limit\":{\"rate\":5,\"per\":\"second\",\"inv\":true}},{\"counter\":null},{\"drop\":null}"), &rs, &diag), 0);
	const struct rf_rs_rule *r = rf_rs_chain(&rs, RF_V("inet t f"))->rules;
	assert_string_equal(r->text, "iifname vlan30 ip saddr 10.0.0.0/8 tcp dport { 22, 5060-5061 } ct state new "
				     "limit rate over 5/second counter drop");
	assert_string_equal(r->comment, "why");
	assert_int_equal(r->handle, 12);
	rf_ruleset_fini(&rs);
}

static void without_memory(void **state)
{
	const char *file = good[13].file;

	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_diag diag = { 0 };
		struct rf_ruleset rs;

		fail_alloc_at(n);
		int rc = read_text(file, &rs, &diag);
		bool failed = fail_alloc_off();
		if (rc == 0)
			rf_ruleset_fini(&rs);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

static void every_prefix(void **state)
{
	const char *file = good[29].file;

	(void)state;
	for (size_t n = 0; n < strlen(file); n++) {
		struct rf_ruleset rs;

		assert_int_not_equal(rf_read_nft_json(rf_view_of(file, n), "x", &rs, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood), cmocka_unit_test(refused), cmocka_unit_test(texts),
		cmocka_unit_test(without_memory), cmocka_unit_test(every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

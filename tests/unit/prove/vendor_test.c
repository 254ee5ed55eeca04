/* The readers of IOS, EOS and Junos: which of a few packets a configuration lets pass, and what is
 * refused, at which line. */
#include "fail_alloc.h"
#include "prove/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Bit n of what a case accepts is packet n. From the phones (Vlan30) to the servers (Vlan20). */
static const struct rf_packet packets[] = {
	{ .family = 4, .src = { 10, 30, 0, 2 }, .dst = { 10, 20, 0, 11 }, .proto = 6, .sport = 40000, .dport = 5061, .tcp_flags = 2 },
	{ .family = 4, .src = { 10, 30, 0, 2 }, .dst = { 10, 20, 0, 11 }, .proto = 6, .sport = 5061, .dport = 40000, .tcp_flags = 18 },
	{ .family = 4, .src = { 10, 30, 0, 3 }, .dst = { 10, 20, 0, 12 }, .proto = 17, .sport = 53, .dport = 123, .dscp = 46 },
	{ .family = 4, .src = { 10, 30, 0, 2 }, .dst = { 10, 20, 0, 11 }, .proto = 1, .icmp_type = 8 },
	{ .family = 4, .src = { 10, 30, 0, 2 }, .dst = { 10, 20, 0, 11 }, .proto = 6, .fragment = 1 },
	{ .family = 4, .src = { 192, 0, 2, 9 }, .dst = { 10, 20, 0, 11 }, .proto = 6, .sport = 1, .dport = 22, .tcp_flags = 2 },
	{ .family = 6, .src = { 0xfd, [15] = 2 }, .dst = { 0xfd, [15] = 9 }, .proto = 6, .sport = 1, .dport = 5061, .tcp_flags = 2 },
	{ .family = 6, .src = { 0xfd, [15] = 2 }, .dst = { 0xfd, [15] = 9 }, .proto = 58, .icmp_type = 135 },
};
enum { SYN = 1, REPLY = 2, NTP = 4, PING = 8, LATER = 16, ALIEN = 32, SIX = 64, ND = 128, V4 = 63, V6 = 192, ALL = 255 };

#define IF30(l) "interface Vlan30\n ip access-group A in\n" l "!\n"
#define IOS(entries) "hostname r\nip access-list extended A\n" entries "!\ninterface Vl30\n description x\n ip access-group A in\n!\nend\n"
#define IOS6(entries) "ipv6 access-list A6\n" entries "interface Vlan30\n ipv6 traffic-filter A6 in\n"
#define EOS(entries) "ip access-list A\n" entries "interface Vlan30\n   ip access-group A in\n"
#define SET(more) "set interfaces irb unit 30 family inet filter input f\n" more
#define T(n) "set firewall family inet filter f term " #n " "

static const struct { rf_rs_reader *read; const char *file; unsigned accepted; } good[] = {
	{ rf_read_ios, "hostname r\n", ALL },
	{ rf_read_ios, IOS(" permit ip any any\n"), ALL },
	{ rf_read_ios, IOS(" deny ip any any log\n"), V6 },
	{ rf_read_ios, IOS(" permit tcp 10.30.0.0 0.0.255.255 host 10.20.0.11 eq 5061\n"), V6 | SYN | LATER },
	{ rf_read_ios, IOS(" 10 permit tcp any any neq 22\n"), V6 | SYN | REPLY | LATER },
	{ rf_read_ios, IOS(" permit tcp any lt 2 any gt 20 log\n"), V6 | ALIEN | LATER },
	{ rf_read_ios, IOS(" permit tcp any any range ftp-data 5061\n"), V6 | SYN | ALIEN | LATER },
	{ rf_read_ios, IOS(" permit tcp any any eq 22 5061\n"), V6 | SYN | ALIEN | LATER },
	{ rf_read_ios, IOS(" permit tcp any any established\n"), V6 | REPLY | LATER },
	{ rf_read_ios, IOS(" permit tcp any any match-all +syn -ack\n"), V6 | SYN | ALIEN | LATER },
	{ rf_read_ios, IOS(" permit tcp any any match-any +fin +ack\n"), V6 | REPLY | LATER },
	{ rf_read_ios, IOS(" permit tcp any any ack\n"), V6 | REPLY | LATER },
	{ rf_read_ios, IOS(" permit tcp any any fragments\n"), V6 | LATER },
	{ rf_read_ios, IOS(" deny tcp any any eq 5061\n permit ip any any\n"), ALL & ~SYN },
	{ rf_read_ios, IOS(" deny tcp any any\n permit ip any any\n"), V6 | NTP | PING },
	{ rf_read_ios, IOS(" permit icmp any any echo\n"), V6 | PING },
	{ rf_read_ios, IOS(" permit icmp any any 8 0\n"), V6 | PING },
	{ rf_read_ios, IOS(" permit icmp any any port-unreachable\n"), V6 },
	{ rf_read_ios, IOS(" permit udp any any eq ntp dscp ef\n"), V6 | NTP },
	{ rf_read_ios, IOS(" permit ip any any precedence critical\n"), V6 | NTP },
	{ rf_read_ios, IOS(" permit 17 any any\n"), V6 | NTP },
	{ rf_read_ios, IOS(" remark deny ip any any\n permit ip 10.30.0.2 0.0.255.0 any\n"),
	  V6 | SYN | REPLY | PING | LATER },
	{ rf_read_ios, IOS(" permit ip 10.0.0.3 255.255.255.252 any\n"), V6 | NTP },
	/* Sequence numbers, not lines, are the order. */
	{ rf_read_ios, IOS(" 20 permit ip any any\n 10 deny tcp any any\n"), V6 | NTP | PING },
	{ rf_read_ios, "access-list 101 remark x\naccess-list 101 permit udp any any\n" "interface Vlan30\n ip access-group 101 in\n", V6 | NTP },
	{ rf_read_ios, "access-list 7 permit 10.30.0.2\naccess-list 7 permit 192.0.2.0 0.0.0.255\n" "interface Vlan30\n ip access-group 7 in\n",
	  V6 | SYN | REPLY | PING | LATER | ALIEN },
	{ rf_read_ios, "ip access-list standard A\n permit host 10.30.0.3 log\n deny any\n" IF30(""), V6 | NTP },
	{ rf_read_ios, IOS6(" sequence 10 permit tcp any any eq 5061\n"), V4 | SIX },
	{ rf_read_ios, IOS6(" permit tcp fd00::/8 host fd00::9 eq 5061\n permit icmp any any nd-ns\n"), V4 | SIX | ND },
	{ rf_read_ios, IOS6(" deny ipv6 any any\n"), V4 },
	/* Bound out of the other interface; bound nowhere; not there; empty. */
	{ rf_read_ios, "ip access-list extended A\n permit udp any any\ninterface GigabitEthernet 0/1\n"
		       "interface Vlan20\n ip access-group A out\n", V6 | NTP },
	{ rf_read_ios, "ip access-list extended A\n deny ip any any\n", ALL },
	{ rf_read_ios, "ip access-list extended A\n deny ip any any\ninterface Vlan30\n ip access-group A out\n", ALL },
	{ rf_read_ios, "interface Vlan30\n ip access-group A in\n", ALL },
	{ rf_read_ios, IOS(""), ALL },
	{ rf_read_ios, "banner motd ^C\nip nat inside\ninterface Vlan30\n ip access-group A in\n^C\n", ALL },
	{ rf_read_ios, "object-group network P\n description x\n host 10.30.0.3\n 192.0.2.0 255.255.255.0\n"
		       "object-group network Q\n group-object P\n"
		       "object-group service S\n tcp eq 22\n udp source 53 range 100 200\n icmp echo\n"
		       "ip access-list extended A\n"
		       " permit object-group S object-group Q any\n" IF30(""), V6 | NTP | ALIEN },
	{ rf_read_ios, "ip access-list extended A\n permit tcp object-group P any eq 22\n" IF30("") "object-group network P\n range 10.30.0.2 10.30.0.3\n"
		       " 192.0.2.9 255.255.255.255\n", V6 | ALIEN | LATER },
	{ rf_read_ios, IOS(" permit ip any any\n") "interface Vlan30\n ip verify unicast source reachable-via rx\n", ALL & ~ALIEN },
	{ rf_read_ios, "no ip access-list extended A\n" IOS(" permit udp any any\n"), V6 | NTP },
	{ rf_read_eos, EOS("   10 permit tcp 10.30.0.0/16 host 10.20.0.11 eq 5061\n"), V6 | SYN | LATER },
	{ rf_read_eos, EOS("   permit tcp 10.30.0.0 0.0.255.255 any established\n   deny ip any any log\n"), V6 | REPLY | LATER },
	{ rf_read_eos, EOS("   counters per-entry\n   permit ip 10.30.0.3/32 any dscp ef\n"), V6 | NTP },
	{ rf_read_eos, "ipv6 access-list A\n   permit icmpv6 any any neighbor-solicitation\ninterface Vlan30\n"
		       "   ipv6 access-group A in\n", V4 | ND },
	{ rf_read_eos, "banner motd\nip nat source\nEOF\nvlan 30\n   name x\n", ALL },

	{ rf_read_junos, "", ALL },
	{ rf_read_junos, "set system host-name r\ndelete snmp\nset vlans x vlan-id 3\n", ALL },
	{ rf_read_junos, SET(T(a) "then accept\n"), ALL },
	{ rf_read_junos, SET(T(a) "then count x\n"), ALL },
	{ rf_read_junos, SET(T(a) "from protocol udp\n" T(a) "then accept\n"), V6 | NTP },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "from destination-port [ ssh 5000-5100 ]\n" T(a) "then accept\n"), V6 | SYN | ALIEN | LATER },
	{ rf_read_junos, SET(T(a) "from protocol-except tcp\n" T(a) "then accept\n"), V6 | NTP | PING },
	{ rf_read_junos, SET(T(a) "from port 53\n" T(a) "from protocol udp\n" T(a) "then accept\n"), V6 | NTP },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "from tcp-established\n" T(a) "then accept\n"), V6 | REPLY | LATER },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "from tcp-flags \"(syn & !ack)\"\n" T(a) "then accept\n"), V6 | SYN | ALIEN | LATER },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "from is-fragment\n" T(a) "then accept\n"), V6 | LATER },
	{ rf_read_junos, SET(T(a) "from icmp-type echo-request\n" T(a) "from protocol icmp\n" T(a) "then accept\n"), V6 | PING },
	{ rf_read_junos, SET(T(a) "from source-address 10.0.0.0/8\n" T(a) "from source-address 10.30.0.3/32 except\n" T(a) "then accept\n"),
	  V6 | SYN | REPLY | PING | LATER },
	{ rf_read_junos, SET(T(a) "from source-address 10.30.0.0/24 except\n" T(a) "from source-address 10.30.0.3\n" T(a)
			     "from source-address 0.0.0.0/0\n" T(a) "then accept\n"), V6 | NTP | ALIEN },
	{ rf_read_junos, SET(T(a) "from address 192.0.2.0/24\n" T(a) "then accept\n"), V6 | ALIEN },
	{ rf_read_junos, "set policy-options prefix-list P 10.30.0.2/32\nset policy-options prefix-list P fd00::/8\n"
			 SET(T(a) "from source-prefix-list P\n" T(a) "then accept\n"), V6 | SYN | REPLY | PING | LATER },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "then next term\n" T(b) "from protocol udp\n" T(b) "then accept\n"), V6 | NTP },
	{ rf_read_junos, SET(T(a) "from protocol tcp\n" T(a) "then reject tcp-reset\n" T(b) "then policer p\n" T(b) "then accept\n"), V6 | NTP | PING },
	{ rf_read_junos, SET(T(a) "from dscp ef\n" T(a) "then accept\n"), V6 | NTP },
	{ rf_read_junos, "set interfaces irb unit 20 family inet filter output f\n" T(a) "from protocol udp\n" T(a) "then accept\n", V6 | NTP },
	{ rf_read_junos, "set interfaces irb unit 30 family inet filter output f\n" T(a) "then discard\n", ALL },
	{ rf_read_junos, T(a) "then discard\n", ALL },
	{ rf_read_junos, "set interfaces irb unit 30 family inet6 filter input g\n"
			 "set firewall family inet6 filter g term a from next-header icmp6\n"
			 "set firewall family inet6 filter g term a from icmp-type neighbor-solicit\n"
			 "set firewall family inet6 filter g term a then accept\n", V4 | ND },
	{ rf_read_junos, "set interfaces irb unit 30 family inet filter input-list [ f g ]\n" T(a) "from protocol udp\n" T(a) "then discard\n"
			 "set firewall filter g term a from protocol [ icmp udp ]\n"
			 "set firewall filter g term a then accept\n", V6 | PING },
	{ rf_read_junos, "## Last commit\nversion 22.4;\nsystem { host-name r; }\nfirewall {\n  family inet {\n"
			 "    filter f {\n      term a {\n"
			 "        from { source-address { 10.0.0.0/8; 10.30.0.3/32 except; } protocol [ tcp icmp ]; }\n"
			 "        then accept;\n      }\n"
			 "      inactive: term b { then accept; }\n      /* the end */\n"
			 "      term c { then { count x; discard; } }\n    }\n  }\n}\n"
			 "interfaces { irb { unit 30 { family inet { filter { input f; } "
			 "address 10.30.0.1/24; } } } }\n", V6 | SYN | REPLY | PING | LATER },
	{ rf_read_junos, "firewall { filter f { term a { then { accept; } } } }\n"
			 "interfaces { irb { unit 30 { family inet { inactive: filter { input g; } } } } }\n", ALL },
	{ rf_read_junos, SET(T(a) "then accept\n") "set interfaces irb unit 30 family inet rpf-check\n", ALL & ~ALIEN },
	{ rf_read_junos, "firewall { replace: filter f { term a { from protocol udp; then accept; } } }\n"
			 "interfaces { irb { unit 30 { family inet { filter { input f; } } } } }\n", V6 | NTP },
};

static unsigned accepted_by(const struct rf_ruleset *rs, bool junos)
{
	static const struct rf_rs_cell back_cells[] = {
		{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 10, 30, 0, 0 }, { 10, 30, 255, 255 } } },
		{ .kind = RF_RS_RANGE, .family = 6, .ip = { { 0xfd }, { 0xfd, 0xff } } },
	};
	static const struct rf_region back = { back_cells, 2, false };
	struct rf_way way = { .kind = RF_WAY_FORWARD, .back = &back, .mode = RF_REST };
	char in[32], out[32];
	struct rf_sets *s;
	struct rf_device *d;
	unsigned got = 0;

	assert_non_null(rs->spell);
	rs->spell(rf_view_str(junos ? "irb.30" : "Vl30"), in, sizeof in);
	rs->spell(rf_view_str(junos ? "irb.20" : "vlan20"), out, sizeof out);
	way.in = in;
	way.out = out;
	assert_int_equal(rf_sets_open(rf_space_variables(), 100000, &s), 0);
	assert_int_equal(rf_device_new(s, rs, &d), 0);
	rf_hull_whole(&way.src);
	rf_hull_whole(&way.dst);
	for (unsigned i = 0; i < sizeof packets / sizeof *packets; i++) {
		size_t mark = rf_sets_mark(s);
		int x = rf_space_forget(s, rf_space_packet(s, &packets[i]), RF_RS_STATE);
		bool set = rf_device_pass(d, &way, x, rf_space_num(s, RF_RS_STATE, 0, 0), NULL) != rf_sets_none();
		struct rf_trace t;

		assert_int_equal(rf_trace(d, &way, &packets[i], &t), 0);
		assert_int_equal(set, t.accept.possible);
		got |= (unsigned)set << i;
		rf_sets_release(s, mark, rf_sets_none());
	}
	assert_int_equal(rf_sets_err(s), 0);
	rf_device_free(d);
	rf_sets_close(s);
	return got;
}

static void reads(void **state)
{
	struct rf_diag diag;
	struct rf_ruleset rs;
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (good[i].read(rf_view_str(good[i].file), "r.cfg", &rs, &diag)) {
			print_error("%s\n%s\n", good[i].file, diag.text);
			wrong++;
			continue;
		}
		unsigned got = accepted_by(&rs, good[i].read == rf_read_junos);
		if (got != good[i].accepted)
			print_error("%s\naccepts %02x, not %02x\n", good[i].file, got, good[i].accepted);
		wrong += got != good[i].accepted;
		rf_ruleset_fini(&rs);
	}
	assert_int_equal(wrong, 0);
}

static const struct { rf_rs_reader *read; const char *file; int rc; unsigned line;
} refused[] = {
	{ rf_read_ios, "foo bar\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_ios, "!\nip nat inside source list 1 interface Gi1 overload\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "vrf definition x\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_ios, "zone security a\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_ios, "interface Vlan30\n ip policy route-map x\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "interface Vlan30\n vrf forwarding x\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "interface Vlan30\n zone-member security x\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "interface Vlan30\n no ip access-group A in\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "interface Tunnel0\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_ios, "hostname x\n interface Vlan30\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, "line vty 0 4\n interface Vlan30\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, IOS("") "no ip access-list extended A\n", RF_E_UNSUPPORTED, 9 },
	{ rf_read_ios, IOS(" permit udp any any established\n"), RF_E_UNSUPPORTED, 3 },
	{ rf_read_ios, IOS(" permit tcp any any time-range night\n"), RF_E_UNSUPPORTED, 3 },
	{ rf_read_ios, IOS(" permit tcp any any reflect x\n"), RF_E_UNSUPPORTED, 3 },
	{ rf_read_ios, IOS(" evaluate x\n"), RF_E_UNSUPPORTED, 3 },
	{ rf_read_ios, IOS(" permit tcp any\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, IOS(" permit tcp any any eq sipp\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, IOS(" permit tcp any any range 9 1\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, IOS(" permit tcp 10.0.0.0/8 any\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, IOS(" permit foo any any\n"), RF_E_UNSUPPORTED, 3 },
	{ rf_read_ios, IOS(" 10 permit ip any any\n 10 deny ip any any\n"), RF_E_MALFORMED, 4 },
	{ rf_read_ios, IOS(" permit ip object-group P any\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, "object-group network P\n group-object P\n", RF_E_LIMIT, 2 },
	{ rf_read_ios, IF30(" ip access-group B in\n"), RF_E_MALFORMED, 3 },
	{ rf_read_ios, "banner motd #x\n", RF_E_MALFORMED, 2 },
	{ rf_read_ios, "interface Vlan30\n ip verify unicast source reachable-via any\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_ios, " permit ip any any\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_eos, "interface Vlan30\n ip access-group A in\n", RF_E_MALFORMED, 2 },
	{ rf_read_eos, "vrf instance x\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_eos, EOS("   permit vlan 3 0xfff tcp any any\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_eos, EOS("   permit tcp any any ttl eq 3\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, "foo bar;\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set routing-instances x\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set security nat source rule-set x\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set groups x\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "deactivate firewall\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set system x y\ndelete firewall filter f\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, SET(T(a) "from ttl 3\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, SET(T(a) "then routing-instance x\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, SET(T(a) "from destination-port foo\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, SET(""), RF_E_MALFORMED, 1 },
	{ rf_read_junos, SET(T(a) "from source-address 10.0.0.0/8 except\n"), RF_E_MALFORMED, 2 },
	{ rf_read_junos, SET(T(a) "from source-address fd00::/8\n"), RF_E_MALFORMED, 2 },
	{ rf_read_junos, SET(T(a) "from tcp-flags \"(syn\"\n"), RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, SET(T(a) "from source-prefix-list P\n"), RF_E_MALFORMED, 2 },
	{ rf_read_junos, "set forwarding-options family inet filter input f\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set interfaces ge-0/0/1 unit 0 family ethernet-switching filter input f\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "set interfaces st0 unit 0 family inet\n", RF_E_UNSUPPORTED, 1 },
	{ rf_read_junos, "system { x\n", RF_E_MALFORMED, 2 },
	{ rf_read_junos, "firewall { filter f { term a { then accept; } }\n"
			 " replace: filter f { term b { then discard; } } }\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, "firewall { }}\n", RF_E_MALFORMED, 1 }, { rf_read_junos, "firewall {\n apply-groups x;\n}\n", RF_E_UNSUPPORTED, 2 },
	{ rf_read_junos, "firewall { filter f { } }", RF_E_MALFORMED, 1 }, { rf_read_junos, "/* x", RF_E_MALFORMED, 1 },
};

static void refuses(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct rf_diag diag = { 0 };
		struct rf_ruleset rs;
		int rc = refused[i].read(rf_view_str(refused[i].file), "r.cfg", &rs, &diag);

		if (rc != refused[i].rc || diag.line != refused[i].line) {
			print_error("%s\ngives %d, not %d: line %u: %s\n", refused[i].file, rc, refused[i].rc,
				    diag.line, diag.text);
			wrong++;
		}
		if (rc == 0)
			rf_ruleset_fini(&rs);
	}
	assert_int_equal(wrong, 0);
}

/* Every prefix is read or refused. */
static void prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		for (size_t n = 0; n < strlen(good[i].file); n++) {
			struct rf_ruleset rs;

			if (good[i].read(rf_view_of(good[i].file, n), "r.cfg", &rs, NULL) == 0)
				rf_ruleset_fini(&rs);
		}
}

static void without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		for (unsigned n = 1;; n++) {
			struct rf_ruleset rs;

			fail_alloc_at(n);
			int rc = good[i].read(rf_view_str(good[i].file), "r.cfg", &rs, NULL);
			bool failed = fail_alloc_off();
			if (rc == 0)
				rf_ruleset_fini(&rs);
			if (!failed)
				break;
			assert_int_equal(rc, -ENOMEM);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads), cmocka_unit_test(refuses), cmocka_unit_test(prefixes),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

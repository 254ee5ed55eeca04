/* Which message belongs to which transaction. */
#include "sip/msg.h"
#include "sip/trans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

struct key {
	uint8_t b[RF_TRANS_KEY_MAX];
	size_t n;
	int rc;
};

typedef int key_fn(const struct rf_sip_msg *m, struct rf_writer *w);

/* What varies in the messages of this test. */
struct parts {
	const char *method, *uri, *via, *from_tag, *to_tag, *call_id, *cseq;
};

static struct key key_of(key_fn *fn, const struct parts *p)
{
	static struct rf_sip_msg m;
	static struct key k;
	struct rf_writer w;
	char text[4096];
	int n = snprintf(text, sizeof text,
			 "%s %s SIP/2.0\r\nVia: %s\r\nVia: SIP/2.0/UDP below;branch=z9hG4bKother\r\n"
			 "From: <sip:a@x>%s%s\r\n"
			 "To: <sip:b@y>%s%s\r\nCall-ID: %s\r\nCSeq: %s %s\r\n\r\n",
			 p->method, p->uri, p->via, p->from_tag[0] ? ";tag=" : "", p->from_tag,
			 p->to_tag[0] ? ";tag=" : "",
			 p->to_tag, p->call_id, p->cseq, p->method);

	assert_int_equal(rf_sip_msg_parse(&m, rf_view_of(text, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
	rf_writer_init(&w, k.b, sizeof k.b);
	k.rc = fn(&m, &w);
	k.n = w.n;
	return k;
}

static bool same(struct key a, struct key b)
{
	assert_int_equal(a.rc, 0);
	assert_int_equal(b.rc, 0);
	return a.n == b.n && memcmp(a.b, b.b, a.n) == 0;
}

#define VIA "SIP/2.0/UDP client.example;branch=z9hG4bK74bf9"
#define OLD "SIP/2.0/UDP client.example;branch=1"

static const struct parts invite = { "INVITE", "sip:b@y", VIA, "f", "", "id", "1" };
static const struct parts old_invite = { "INVITE", "sip:b@y", OLD, "f", "", "id", "1" };

static void test_server_3261(void **state)
{
	struct key k = key_of(rf_trans_key_server, &invite);
	struct parts p = invite;

	(void)state;
	/* with the cookie only branch, sent-by and method count */
	p.uri = "sip:other@z", p.from_tag = "g", p.to_tag = "t", p.call_id = "id2", p.cseq = "2";
	assert_true(same(k, key_of(rf_trans_key_server, &p)));
	p.method = "ACK";
	assert_true(same(k, key_of(rf_trans_key_server, &p)));
	p.method = "CANCEL";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	assert_true(same(k, key_of(rf_trans_key_cancelled, &p)));
	p.method = "BYE";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = invite;
	p.via = "SIP/2.0/UDP CLIENT.Example ; branch=z9hG4bK74bf9;rport";
	assert_true(same(k, key_of(rf_trans_key_server, &p)));
	p.via = "SIP/2.0/UDP client.example:5061;branch=z9hG4bK74bf9";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p.via = "SIP/2.0/UDP client2.example;branch=z9hG4bK74bf9";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p.via = "SIP/2.0/UDP client.example;branch=z9hG4bK74bf90";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	/* pieces do not run into each other */
	struct parts a = invite, b = invite;
	a.via = "SIP/2.0/UDP bc;branch=z9hG4bKa", b.via = "SIP/2.0/UDP c;branch=z9hG4bKab";
	assert_false(same(key_of(rf_trans_key_server, &a), key_of(rf_trans_key_server, &b)));
}

static void test_server_2543(void **state)
{
	struct key k = key_of(rf_trans_key_server, &old_invite);
	struct parts p;

	(void)state;
	p = old_invite, p.method = "ACK", p.to_tag = "t";
	assert_true(same(k, key_of(rf_trans_key_server, &p)));
	p.method = "CANCEL", p.to_tag = "";
	assert_true(same(k, key_of(rf_trans_key_cancelled, &p)));
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.uri = "sip:b@z";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.from_tag = "";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.call_id = "id2";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.cseq = "2";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.via = "SIP/2.0/UDP client.example";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
	p = old_invite, p.method = "BYE", p.to_tag = "t";
	k = key_of(rf_trans_key_server, &p);
	p.to_tag = "u";
	assert_false(same(k, key_of(rf_trans_key_server, &p)));
}

static void test_merged(void **state)
{
	struct key k = key_of(rf_trans_key_merged, &invite);
	struct parts p = invite;

	(void)state;
	/* the same request by another way: another branch, another Request-URI */
	p.via = "SIP/2.0/UDP proxy2;branch=z9hG4bKzzz", p.uri = "sip:b@contact";
	assert_true(same(k, key_of(rf_trans_key_merged, &p)));
	p.cseq = "2";
	assert_false(same(k, key_of(rf_trans_key_merged, &p)));
	p = invite, p.method = "OPTIONS";
	assert_false(same(k, key_of(rf_trans_key_merged, &p)));
	p = invite, p.to_tag = "t";
	assert_int_equal(key_of(rf_trans_key_merged, &p).rc, RF_E_STATE);
}

static void test_client(void **state)
{
	static const char text[] = "SIP/2.0 200 OK\r\nVia: " VIA "\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@y>;tag=t\r\n"
				   "Call-ID: id\r\nCSeq: 1 INVITE\r\n\r\n";
	static struct rf_sip_msg m;
	uint8_t one[256], two[256];
	struct rf_writer a, b;

	(void)state;
	assert_int_equal(rf_sip_msg_parse(&m, rf_view_of(text, sizeof text - 1), RF_SIP_DATAGRAM, NULL), 0);
	rf_writer_init(&a, one, sizeof one);
	rf_writer_init(&b, two, sizeof two);
	assert_int_equal(rf_trans_key_client(&m, &a), 0);
	assert_int_equal(rf_trans_key_client_of(RF_V("z9hG4bK74bf9"), RF_V("INVITE"), &b), 0);
	assert_true(a.n == b.n && memcmp(one, two, a.n) == 0);
	rf_writer_init(&b, two, sizeof two);
	assert_int_equal(rf_trans_key_client_of(RF_V("z9hG4bK74bf9"), RF_V("CANCEL"), &b), 0);
	assert_false(a.n == b.n && memcmp(one, two, a.n) == 0);
	rf_writer_init(&b, two, 10);
	assert_int_equal(rf_trans_key_client(&m, &b), RF_E_SPACE);
	rf_writer_init(&b, two, sizeof two);
	assert_int_equal(rf_trans_key_server(&m, &b), RF_E_MALFORMED);
}

static void test_cookie(void **state)
{
	(void)state;
	assert_true(rf_trans_has_cookie(RF_V("z9hG4bKa")));
	assert_true(rf_trans_has_cookie(RF_V("Z9HG4BKa")));
	assert_false(rf_trans_has_cookie(RF_V("z9hG4bK")));
	assert_false(rf_trans_has_cookie(RF_V("z9hG4b")));
	assert_false(rf_trans_has_cookie(RF_V("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_3261),
		cmocka_unit_test(test_server_2543),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define DOMAIN "sip:voice.example.org"

static struct kit *minimum(void)
{
	struct kit *k = kit_new("minimum");

	kit_user(k, "ann.b", "1001", "right horse");
	kit_user(k, "bob.c", "1002", "other horse");
	return k;
}

static void done(struct kit *k)
{
	kit_census(k);
	kit_free(k);
}

/* Who registers whom, and what comes of it. */
struct row {
	const char *what, *level;
	int phone;                /* index in the kit */
	bool certificate;
	const char *user, *password;
	const char *to, *from;
	unsigned code;            /* the last */
};

static const struct row rows[] = {
	{ "own number", "minimum", 0, true, NULL, NULL, "1001", "1001", 200 },
	{ "own number", "medium", 0, true, NULL, NULL, "1001", "1001", 200 },
	{ "certificate alone is not enough at highest", "highest", 0, true, NULL, NULL, "1001", "1001", 401 },
	{ "phone and user", "highest", 0, true, "ann.b", "right horse", "1001", "1001", 200 },
	{ "phone and another's user", "highest", 0, true, "bob.c", "other horse", "1001", "1001", 403 },
	{ "user without phone", "highest", 0, false, "ann.b", "right horse", "1001", "1001", 403 },
	{ "someone else's number", "medium", 0, true, NULL, NULL, "1002", "1001", 403 },
	{ "someone else in From", "medium", 0, true, NULL, NULL, "1001", "1002", 403 },
	{ "someone else in both", "medium", 0, true, NULL, NULL, "1002", "1002", 403 },
	{ "someone else's number with their password", "highest", 0, true, "bob.c", "other horse", "1002", "1002", 403 },
	{ "stolen password without certificate", "medium", 0, false, "ann.b", "right horse", "1001", "1001", 403 },
	{ "another domain", "medium", 0, true, NULL, NULL, "sip:1001@elsewhere.example", "1001", 403 },
	{ "a certificate nobody issued", "medium", 4, true, NULL, NULL, "1005", "1005", 403 },
	{ "a certificate nobody issued", "minimum", 4, true, NULL, NULL, "1005", "1005", 403 },
	{ "no certificate at medium", "medium", 0, false, NULL, NULL, "1001", "1001", 403 },
	{ "password alone at minimum", "minimum", 0, false, "ann.b", "right horse", "1001", "1001", 200 },
	{ "nothing at minimum", "minimum", 0, false, NULL, NULL, "1001", "1001", 401 },
	{ "wrong password at minimum", "minimum", 0, false, "ann.b", "wrong horse", "1001", "1001", 401 },
	{ "unknown user at minimum", "minimum", 0, false, "nobody", "right horse", "1001", "1001", 401 },
	{ "right password, other number", "minimum", 0, false, "ann.b", "right horse", "1002", "1002", 403 },
	{ "right password, other From", "minimum", 0, false, "ann.b", "right horse", "1001", "1002", 403 },
};

static void check_row(struct kit *k, const struct row *r)
{
	struct phone *p = &k->phone[r->phone];
	uint64_t before = rf_call_core_counters(k->core)->identity_refused;

	p->certificate = r->certificate;
	phone_request(p, "REGISTER", DOMAIN, r->from, r->to, "Expires: 600\r\n", NULL);
	if (r->user && r->certificate + (strcmp(r->level, "minimum") == 0) > 0) {
		phone_expect_status(p, 401);
		phone_digest(p, r->user, r->password, "REGISTER", DOMAIN);
		phone_request(p, "REGISTER", DOMAIN, r->from, r->to, "Expires: 600\r\n", NULL);
	}
	phone_expect_status(p, r->code);
	if (r->code == 403)
		assert_int_equal(rf_call_core_counters(k->core)->identity_refused, before + 1);
}

static void matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct kit *k = kit_new(rows[i].level);

		kit_user(k, "ann.b", "1001", "right horse");
		kit_user(k, "bob.c", "1002", "other horse");
		print_message("  %s: %s\n", rows[i].level, rows[i].what);
		check_row(k, &rows[i]);
		done(k);
	}
}

/* The same rules for INVITE: From is the proven one, or the call is not made. */
static void invite_as_someone_else(void **state)
{
	struct kit *k = minimum();
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	(void)state;
	phone_register(b);
	phone_request(a, "INVITE", "1002", "1003", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 403);
	phone_ack(a, NULL);
	phone_request(a, "OPTIONS", DOMAIN, "1003", "1002", NULL, NULL);
	phone_expect_status(a, 403);
	a->certificate = false;
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 407);
	phone_ack(a, NULL);
	phone_digest(a, "ann.b", "right horse", "INVITE", "1002");
	phone_request(a, "INVITE", "1002", "1002", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 403);
	phone_ack(a, NULL);
	/* an own AOR by user name */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 407);
	phone_ack(a, NULL);
	phone_digest(a, "ann.b", "right horse", "INVITE", "1002");
	phone_request(a, "INVITE", "1002", "ann.b", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "P-Asserted-Identity: <sip:1001@"));
	phone_answer(b, 486, NULL, NULL);
	phone_expect_status(a, 486);
	phone_silent(b + 1);
	done(k);
}

static void locked(void **state)
{
	struct kit *k = minimum();
	struct phone *a = &k->phone[0];
	struct rf_diag d;

	(void)state;
	assert_int_equal(rf_store_phone_lock(k->store, RF_V("ann"), true, &d), 0);
	assert_int_equal(rf_store_user_lock(k->store, RF_V("bob.c"), true, &d), 0);
	kit_reload(k);
	phone_request(a, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(a, 403);
	a = &k->phone[1];
	a->certificate = false;
	phone_request(a, "REGISTER", DOMAIN, "1002", "1002", "Expires: 600\r\n", NULL);
	phone_expect_status(a, 401);
	phone_digest(a, "bob.c", "other horse", "REGISTER", DOMAIN);
	phone_request(a, "REGISTER", DOMAIN, "1002", "1002", "Expires: 600\r\n", NULL);
	phone_expect_status(a, 403);
	size_t n;

	assert_int_equal(rf_store_cert_revoke(k->store, false, RF_V("cid"), (struct rf_wall){ 1 }, &n, &d), 0);
	kit_reload(k);
	phone_request(&k->phone[2], "REGISTER", DOMAIN, "1003", "1003", "Expires: 600\r\n", NULL);
	phone_expect_status(&k->phone[2], 403);
	done(k);
}

static void brute_force(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];
	unsigned refused = 0;

	(void)state;
	p->certificate = false;
	for (int i = 0; i < 12; i++) {
		phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
		phone_expect_status(p, 401);
		phone_digest(p, "ann.b", "guess", "REGISTER", DOMAIN);
		phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
		kit_run(k);
		if (memcmp(p->inbox[p->out % KIT_INBOX].bytes, "SIP/2.0 403", 11) == 0) {
			phone_expect_status(p, 403);
			assert_true(phone_has(p, "Retry-After"));
			refused++;
		} else {
			phone_expect_status(p, 401);
		}
	}
	assert_int_equal(rf_call_core_counters(k->core)->passwords_wrong, 6);
	assert_int_equal(refused, 6);
	kit_wait(k, 1100); /* the wait of the sixth is over: the right one gets in */
	phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(p, 401);
	phone_digest(p, "ann.b", "right horse", "REGISTER", DOMAIN);
	phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(p, 200);
	done(k);
}

static void replayed_credentials(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];
	char kept[1024];

	(void)state;
	p->certificate = false;
	phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(p, 401);
	phone_digest(p, "ann.b", "right horse", "REGISTER", DOMAIN);
	memcpy(kept, p->authorization, sizeof kept);
	phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(p, 200);
	memcpy(p->authorization, kept, sizeof kept);
	phone_request(p, "REGISTER", DOMAIN, "1001", "1001", "Expires: 600\r\n", NULL);
	phone_expect_status(p, 401);
	assert_true(phone_has(p, "stale=true"));
	done(k);
}

static void reg(struct phone *p, const char *extra, unsigned code)
{
	phone_request(p, "REGISTER", DOMAIN, p->number, p->number, extra, NULL);
	phone_expect_status(p, code);
}

static void contacts(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];

	(void)state;
	reg(p, "Expires: 30\r\n", 423);
	assert_true(phone_has(p, "Min-Expires: 60"));
	reg(p, "Expires: 999999\r\n", 200);
	assert_true(phone_has(p, ";expires=7200"));
	reg(p, "Contact: <sip:x@10.0.0.1>;expires=100;q=0.5\r\n", 200);
	assert_true(phone_has(p, "<sip:x@10.0.0.1>;expires=100;q=0.500"));
	assert_true(phone_has(p, "<sip:1001@127.0.0.1"));
	reg(p, "Contact: <sip:x@10.0.0.1>;expires=0\r\n", 200);
	assert_false(phone_has(p, "10.0.0.1"));
	reg(p, "Contact: <mailto:x@y>\r\n", 400);
	reg(p, "Contact: *\r\nExpires: 0\r\n", 400); /* the kit's own Contact stands beside it */
	reg(p, "Supported: outbound\r\nPath: <sip:edge.example;lr>\r\n", 200);
	assert_true(phone_has(p, "Path: <sip:edge.example;lr>"));
	reg(p, "Expires: 0\r\n", 200);
	assert_false(phone_has(p, "Contact:"));
	done(k);
}

static void send_raw(struct phone *p, const char *contact, unsigned cseq, const char *call_id, unsigned code)
{
	char buf[2048];
	int n = snprintf(buf, sizeof buf,
			 "REGISTER sip:voice.example.org SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bK-raw-%u\r\n"
			 "From: <sip:%s@voice.example.org>;tag=r\r\nTo: <sip:%s@voice.example.org>\r\nCall-ID: %s\r\n"
			 "CSeq: %u REGISTER\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
			 p->port, ++p->branch, p->number, p->number, call_id, cseq, contact);

	phone_send(p, buf, (size_t)n);
	phone_expect_status(p, code);
}

static void order_and_star(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];

	(void)state;
	send_raw(p, "Contact: <sip:a@127.0.0.1>\r\n", 10, "one", 200);
	send_raw(p, "Contact: <sip:a@127.0.0.1>\r\n", 9, "one", 500);
	send_raw(p, "Contact: <sip:a@127.0.0.1>\r\n", 3, "two", 200);
	send_raw(p, "", 4, "two", 200);
	assert_true(phone_has(p, "sip:a@127.0.0.1"));
	send_raw(p, "Contact: *\r\n", 5, "two", 400);
	send_raw(p, "Contact: *\r\nExpires: 10\r\n", 6, "two", 400);
	send_raw(p, "Contact: *\r\nExpires: 0\r\n", 7, "two", 200);
	assert_false(phone_has(p, "Contact:"));
	done(k);
}

static void outbound(void **state)
{
	static const char ob[] = "Supported: outbound, path\r\nContact: <sip:a@127.0.0.1:1>;reg-id=1;"
				 "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\"\r\n";
	static const char moved[] = "Supported: outbound, path\r\nContact: <sip:b@127.0.0.1:2>;reg-id=1;"
				    "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\"\r\n";
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];

	(void)state;
	send_raw(p, ob, 1, "ob", 200);
	assert_true(phone_has(p, "Require: outbound"));
	assert_true(phone_has(p, "Flow-Timer: 120"));
	assert_true(phone_has(p, ";reg-id=1"));
	send_raw(p, moved, 2, "ob", 200); /* the same instance and reg-id: one binding */
	assert_false(phone_has(p, "sip:a@"));
	assert_true(phone_has(p, "sip:b@"));
	done(k);
}

/* Several flows of one phone are several bindings, and a call takes that which was heard last (RFC 5626 7). */
static void one_flow_of_a_phone(void **state)
{
	static const char *const how[] = {
		"Supported: outbound, path\r\nContact: "
		"<sip:one@127.0.0.1:1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n",
		"Supported: outbound, path\r\nContact: "
		"<sip:two@127.0.0.1:2>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"\r\n",
		"Supported: outbound, path\r\nContact: "
		"<sip:one@127.0.0.1:1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n",
	};
	static const char *const rings[] = { "INVITE sip:one@", "INVITE sip:two@", "INVITE sip:one@" };
	struct kit *k = minimum();
	struct phone *p = &k->phone[0], *a = &k->phone[1];

	(void)state;
	for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
		kit_wait(k, 1000);
		send_raw(p, how[i], (unsigned)i + 1, "ob", 200);
		phone_request(a, "INVITE", "1001", "1002", "1001", NULL, SDP_PLAIN);
		phone_expect(p, "INVITE");
		assert_true(phone_has(p, rings[i]));
		phone_answer(p, 486, NULL, NULL);
		phone_expect(p, "ACK");
		phone_expect_status(a, 486);
		phone_silent(p);
	}
	done(k);
}

static void oldest_gives_way(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];
	struct rf_location_counts counts;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		char contact[64];

		snprintf(contact, sizeof contact, "Contact: <sip:n%u@127.0.0.1>\r\n", i);
		send_raw(p, contact, i + 1, "many", 200);
		kit_wait(k, 1000);
	}
	assert_false(phone_has(p, "sip:n0@"));
	assert_false(phone_has(p, "sip:n1@"));
	assert_true(phone_has(p, "sip:n2@"));
	assert_true(phone_has(p, "sip:n9@"));
	rf_location_counts(k->location, &counts);
	assert_int_equal(counts.bindings, 8);
	kit_restart(k);
	rf_location_counts(k->location, &counts);
	assert_int_equal(counts.bindings, 8);
	done(k);
}

/* No room in the table: no 200, and nothing on the disk that would come back with a restart. */
static void no_room(void **state)
{
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];
	struct rf_location_counts counts;
	struct rf_binding other = { .contact = RF_V("sip:x@127.0.0.1"), .expires = { UINT64_MAX } };

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char aor[32];

		snprintf(aor, sizeof aor, "%u@elsewhere.example", i);
		assert_int_equal(rf_location_put(k->location, rf_view_str(aor), &other, rf_loop_now(k->loop)), 0);
	}
	reg(p, "", 503);
	kit_run(k);
	kit_restart(k);
	rf_location_counts(k->location, &counts);
	assert_int_equal(counts.bindings, 0);
	reg(&k->phone[0], "", 200);
	done(k);
}

static void restart_loses_none(void **state)
{
	struct kit *k = minimum();
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	(void)state;
	phone_register(a);
	phone_register(b);
	kit_restart(k);
	call_up(a, b, SDP_PLAIN, SDP_PLAIN); /* over UDP the address still works */
	call_down(a, b);
	done(k);
}

static void expiry(void **state)
{
	struct kit *k = minimum();
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_location_counts counts;

	(void)state;
	phone_register(b);
	kit_wait(k, 599000);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect_status(a, 486);
	kit_wait(k, 2000);
	phone_forget(a); /* the 486 again: this script has not acknowledged it */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 480);
	phone_ack(a, NULL);
	rf_call_core_expire(k->core);
	rf_location_counts(k->location, &counts);
	assert_int_equal(counts.bindings, 0);
	done(k);
}

static void other_methods(void **state)
{
	static const struct {
		const char *method;
		unsigned code;
	} methods[] = {
		{ "OPTIONS", 200 }, { "MESSAGE", 404 }, { "SUBSCRIBE", 489 }, { "PUBLISH", 489 }, { "REFER", 405 },
		{ "NOTIFY", 481 }, { "BYE", 481 }, { "INFO", 481 }, { "UPDATE", 481 }, { "FROBNICATE", 405 },
	};
	struct kit *k = minimum();
	struct phone *p = &k->phone[0];

	(void)state;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		phone_request(p, methods[i].method, DOMAIN, "1001", "1001", NULL, NULL);
		phone_expect_status(p, methods[i].code);
		if (methods[i].code == 405)
			assert_true(phone_has(p, "Allow: INVITE"));
	}
	phone_request(p, "INVITE", "1002", "1001", "1002", "Require: frobs\r\n", SDP_PLAIN);
	phone_expect_status(p, 420);
	assert_true(phone_has(p, "Unsupported: frobs"));
	done(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix), cmocka_unit_test(invite_as_someone_else), cmocka_unit_test(locked),
		cmocka_unit_test(brute_force), cmocka_unit_test(replayed_credentials), cmocka_unit_test(contacts),
		cmocka_unit_test(order_and_star), cmocka_unit_test(outbound), cmocka_unit_test(one_flow_of_a_phone),
		cmocka_unit_test(oldest_gives_way),
		cmocka_unit_test(no_room),
		cmocka_unit_test(restart_loses_none), cmocka_unit_test(expiry), cmocka_unit_test(other_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Phones outside: who is one at a border, which URIs name one, and what a controller believes of a border
 * and of nobody else. */
#include "kit.h"

#include "call/border.h"
#include "call/roam.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char roaming[] = "roaming: { phones: [ann, bob] }\n";

static struct rf_addr address(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_str(text), 0, &a), 0);
	return a;
}

/* format with urn in the place of its "%s", if it has one. */
static void replace(char *dst, size_t cap, const char *format, const char *urn)
{
	const char *at = strstr(format, "%s");

	if (at)
		snprintf(dst, cap, "%.*s%s%s", (int)(at - format), format, urn, at + 2);
	else
		snprintf(dst, cap, "%s", format);
}

static struct kit *at_border(void)
{
	struct kit *k = kit_new_with("minimum", roaming);

	k->core->border = true;
	k->core->from[RF_TOWARDS_SITE][0] = address("127.0.0.60");
	k->core->from[RF_TOWARDS_TRUNKS][0] = address("127.0.0.61");
	return k;
}

static void who_may_come(void **state)
{
	static const struct {
		const char *what, *local;
		uint8_t phone, kind, authority;
		bool present, is;
	} rows[] = {
		{ "a phone that roams", "127.0.0.61", 0, RF_FLOW_TLS, 0, true, true },
		{ "in a browser", "127.0.0.61", 1, RF_FLOW_WSS, 0, true, true },
		{ "one that does not", "127.0.0.61", 2, RF_FLOW_TLS, 0, true, false },
		{ "at the inner side", "127.0.0.60", 0, RF_FLOW_TLS, 0, true, false },
		{ "without TLS", "127.0.0.61", 0, RF_FLOW_TCP, 0, true, false },
		{ "without a certificate", "127.0.0.61", 0, RF_FLOW_TLS, 0, false, false },
	};
	struct kit *k = at_border();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_pki_id id = k->phone[rows[i].phone].id;
		struct rf_peer peer = { .flow = { .remote = address("192.0.2.7"),
						  .local = address(rows[i].local),
						  .kind = rows[i].kind,
						  .stream = 1 },
					.id = &id };

		id.present = rows[i].present;
		const struct rf_dir_phone *p = rf_roam_peer(k->core, &peer);

		if ((p != NULL) != rows[i].is || rf_border_admit(k->core, &peer) != rows[i].is)
			fail_msg("%s: %s", rows[i].what, p ? "let in" : "turned away");
		if (p)
			assert_true(rf_view_eq(p->name, rf_view_str(k->phone[rows[i].phone].name)));
	}
	k->core->border = false;
	kit_free(k);
}

static void names(void **state)
{
	struct kit *k = at_border();
	const struct rf_dir_phone *p = rf_directory_phone(k->core->directory, rf_view_str(k->phone[0].name));
	struct rf_sip_uri uri;
	uint8_t buf[256];
	struct rf_writer w;

	(void)state;
	assert_non_null(p);
	rf_writer_init(&w, buf, sizeof buf);
	rf_roam_put_uri(&w, p, RF_V("10.60.0.11"), 5061);
	assert_int_equal(rf_sip_uri_parse(rf_view_of(buf, w.n), &uri), 0);
	assert_ptr_equal(rf_roam_named(k->core, &uri), p);
	for (size_t n = 0; n < w.n; n++) /* every prefix is somebody else, or nobody */
		if (rf_sip_uri_parse(rf_view_of(buf, n), &uri) == 0)
			assert_null(rf_roam_named(k->core, &uri));
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:1001@10.60.0.11:5061;gr=urn:uuid:00000000-0000-8000-8000-000000000000"), &uri), 0);
	assert_null(rf_roam_named(k->core, &uri));
	k->core->border = false;
	kit_free(k);
}

/* A controller: a binding leads to a border when it names that one and its own phone, and no phone
 * can make such a one. */
static void where_bindings_lead(void **state)
{
	static const struct {
		const char *what, *format, *phone, *of;
		bool by_flow, leads;
	} rows[] = {
		{ "as a border registers it", "sip:1001@127.0.0.60:5061;transport=tls;gr=%s", "ann", "ann", false, true },
		{ "of a phone by its connection", "sip:1001@127.0.0.60:5061;transport=tls;gr=%s", "ann", "ann", true, false },
		{ "another port", "sip:1001@127.0.0.60:5071;transport=tls;gr=%s", "ann", "ann", false, false },
		{ "no port", "sip:1001@127.0.0.60;transport=tls;gr=%s", "ann", "ann", false, false },
		{ "another address", "sip:1001@127.0.0.9:5061;transport=tls;gr=%s", "ann", "ann", false, false },
		{ "a name", "sip:1001@edge:5061;transport=tls;gr=%s", "ann", "ann", false, false },
		{ "another phone's", "sip:1001@127.0.0.60:5061;transport=tls;gr=%s", "ann", "bob", false, false },
		{ "one that does not roam", "sip:1003@127.0.0.60:5061;transport=tls;gr=%s", "cid", "cid", false, false },
		{ "none", "sip:1001@127.0.0.60:5061;transport=tls", "ann", "ann", false, false },
		{ "no URI", "1001", "ann", "ann", false, false },
	};
	struct kit *k = kit_new_with("minimum", roaming);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rf_dir_phone *of = rf_directory_phone(k->core->directory, rf_view_str(rows[i].of));
		char contact[256];

		assert_non_null(of);
		replace(contact, sizeof contact, rows[i].format, of->urn);
		struct rf_binding b = { .contact = rf_view_str(contact),
					.phone = rf_view_str(rows[i].phone),
					.by_flow = rows[i].by_flow };
		const struct rf_site_host *h = rf_roam_border(k->core, &b);

		if ((h != NULL) != rows[i].leads)
			fail_msg("%s: %s", rows[i].what, h ? "leads to the border" : "leads nowhere");
	}
	kit_free(k);
}

static void what_a_border_claims(void **state)
{
	static const struct {
		const char *phone;
		enum rf_identity_rule rule;
	} rows[] = {
		{ "ann", RF_ID_OK }, { "bob", RF_ID_OK }, { "cid", RF_ID_PHONE_UNKNOWN }, { NULL, RF_ID_PHONE_UNKNOWN }
	};
	struct kit *k = kit_new_with("minimum", roaming);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rf_dir_phone *p =
			rows[i].phone ? rf_directory_phone(k->core->directory, rf_view_str(rows[i].phone)) : NULL;
		struct rf_sip_addr contact = { .star = false };
		struct rf_proof proof = { .phone = NULL };
		char text[256];

		replace(text, sizeof text, "sip:1@127.0.0.60:5061;transport=tls;gr=%s", p ? p->urn : "urn:uuid:nobody");
		assert_int_equal(rf_sip_uri_parse(rf_view_str(text), &contact.uri), 0);
		struct rf_verdict v = rf_roam_claim(k->core, &contact, &proof);

		assert_int_equal(v.rule, rows[i].rule);
		assert_ptr_equal(proof.phone, v.rule == RF_ID_OK ? p : NULL);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_come),
		cmocka_unit_test(names),
		cmocka_unit_test(where_bindings_lead),
		cmocka_unit_test(what_a_border_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A border's tables: who the other half is, what crosses by which rule, and what is said in other words on the way. */
#include "kit.h"

#include "call/border.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char trunk[] = "trunks:\n  - { name: carrier, peer: sip.carrier.example, certificate: [sip.carrier.example], ca: c.pem,\n"
			    "      numbers: { \"+4930123410xx\": \"10xx\" } }\n";

/* A peer's certificate: by the site's authority, for these names, without a device's URN, good for a day. */
static void certify(struct rf_pki_id *id, const char *domains)
{
	*id = (struct rf_pki_id){ .present = true, .serial_len = 1, .serial = { 7 }, .not_after_s = INT64_MAX };
	snprintf(id->domains, sizeof id->domains, "%s", domains);
}

static struct rf_addr address(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_str(text), 0, &a), 0);
	return a;
}

struct row {
	const char *what, *remote, *local, *domains, *urn;
	uint8_t authority, kind;
	bool is;
};

/* The kit's site has the controller "ctl" at 127.0.0.1. */
static void who_is_a_controller(void **state)
{
	static const struct row rows[] = {
		{ "the controller", "127.0.0.1", "127.0.0.60", "voice.example.org ctl.voice.example.org 127.0.0.1 ", "", 0, RF_FLOW_TLS, true },
		{ "from elsewhere", "127.0.0.9", "127.0.0.60", "voice.example.org 127.0.0.1 ", "", 0, RF_FLOW_TLS, false },
		{ "for another host", "127.0.0.1", "127.0.0.60", "voice.example.org 127.0.0.9 ", "", 0, RF_FLOW_TLS, false },
		{ "no address in it", "127.0.0.1", "127.0.0.60", "voice.example.org ", "", 0, RF_FLOW_TLS, false },
		{ "a phone", "127.0.0.1", "127.0.0.60", "127.0.0.1 ", "urn:uuid:00000000-0000-8000-8000-000000000000", 0, RF_FLOW_TLS, false },
		{ "of another authority", "127.0.0.1", "127.0.0.60", "127.0.0.1 ", "", 1, RF_FLOW_TLS, false },
		{ "at the outer side", "127.0.0.1", "127.0.0.61", "127.0.0.1 ", "", 0, RF_FLOW_TLS, false },
		{ "without TLS", "127.0.0.1", "127.0.0.60", "127.0.0.1 ", "", 0, RF_FLOW_TCP, false },
		{ "without a certificate", "127.0.0.1", "127.0.0.60", NULL, "", 0, RF_FLOW_TLS, false },
	};
	struct kit *k = kit_new_with("minimum", trunk);

	(void)state;
	k->core->border = true;
	k->core->from[RF_TOWARDS_SITE][0] = address("127.0.0.60");
	k->core->from[RF_TOWARDS_TRUNKS][0] = address("127.0.0.61");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		struct rf_pki_id id;
		struct rf_peer peer = { .flow = { .remote = address(r->remote), .local = address(r->local), .kind = r->kind, .stream = 1 },
					.id = r->domains ? &id : NULL };

		certify(&id, r->domains ? r->domains : "");
		id.authority[0] = r->authority;
		snprintf(id.urn, sizeof id.urn, "%s", r->urn);
		const struct rf_site_host *h = rf_border_peer(k->core, &peer);

		if ((h != NULL) != r->is || rf_border_admit(k->core, &peer) != r->is)
			fail_msg("%s: %s", r->what, h ? "believed" : "not believed");
	}
	/* a certificate that is over */
	struct rf_pki_id id;
	struct rf_peer peer = { .flow = { .remote = address("127.0.0.1"), .local = address("127.0.0.60"), .kind = RF_FLOW_TLS }, .id = &id };

	certify(&id, "127.0.0.1 ");
	assert_non_null(rf_border_peer(k->core, &peer));
	id.not_after_s = 1;
	assert_null(rf_border_peer(k->core, &peer));
	/* a controller listens to borders, and this site has none */
	certify(&id, "127.0.0.1 ");
	k->core->border = false;
	assert_false(rf_border_between(k->core));
	assert_null(rf_border_peer(k->core, &peer));
	assert_true(rf_border_admit(k->core, &peer));
	kit_free(k);
}

static void ports(void **state)
{
	(void)state;
	assert_int_equal(rf_border_port(&(struct rf_site_host){ .roles = RF_ROLE_BORDER | RF_ROLE_RELAY }), 5061);
	assert_int_equal(rf_border_port(&(struct rf_site_host){ .roles = RF_ROLE_BORDER | RF_ROLE_CONTROLLER }), 5071);
}

static void the_list(void **state)
{
	static const struct {
		const char *name;
		enum rf_list_rule rule;
	} rows[] = {
		{ "Via", RF_LIST_PASS }, { "f", RF_LIST_PASS }, { "P-Asserted-Identity", RF_LIST_PASS }, { "Identity", RF_LIST_PASS },
		{ "Info-Package", RF_LIST_PASS }, { "Alert-Info", RF_LIST_REMOTE_CONTROL }, { "Call-Info", RF_LIST_REMOTE_CONTROL },
		{ "priv-answer-mode", RF_LIST_REMOTE_CONTROL }, { "Replaces", RF_LIST_DIALOG }, { "Referred-By", RF_LIST_DIALOG },
		{ "b", RF_LIST_DIALOG }, { "Target-Dialog", RF_LIST_DIALOG }, { "Route", RF_LIST_ROUTE }, { "Path", RF_LIST_ROUTE },
		{ "Server", RF_LIST_NAME }, { "Warning", RF_LIST_NAME }, { "s", RF_LIST_NAME }, { "Remote-Party-ID", RF_LIST_IDENTITY },
		{ "Attestation-Info", RF_LIST_IDENTITY }, { "Authorization", RF_LIST_CREDENTIALS }, { "X-Anything", RF_LIST_HEADER },
		{ "", RF_LIST_HEADER }, { "Geolocation", RF_LIST_HEADER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view name = rf_view_str(rows[i].name);
		enum rf_list_rule rule = rf_list_header(rf_sip_hid_of(name), name);

		if (rule != rows[i].rule)
			fail_msg("%s: %s", rows[i].name, rf_list_rule_name(rule));
	}
	for (unsigned m = 0; m < 32; m++)
		assert_int_equal(rf_list_method(m), m == RF_SIP_INVITE || m == RF_SIP_ACK || m == RF_SIP_CANCEL || m == RF_SIP_BYE ||
							    m == RF_SIP_OPTIONS || m == RF_SIP_PRACK || m == RF_SIP_UPDATE || m == RF_SIP_INFO);
	for (unsigned r = 0; r < RF_LIST_RULES; r++)
		assert_true(rf_list_rule_name((enum rf_list_rule)r)[0] != 0);
}

static void looked_at(void **state)
{
	static const char text[] = "INVITE sip:+49@h SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nMax-Forwards: 1\r\nFrom: <sip:a@b>;tag=1\r\n"
				   "To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\nContact: <sip:x@y>\r\nCall-Info: <a:b>\r\nX-A: y\r\nX-B: z\r\n"
				   "P-Asserted-Identity: <sip:1@b>\r\nResource-Priority: dsn.flash\r\nContent-Type: text/x\r\n"
				   "Content-Length: 1\r\n\r\n1";
	struct kit *k = kit_new_with("minimum", trunk);
	const struct rf_site_trunk *t = rf_site_trunk(k->site, RF_V("carrier"));
	struct rf_sip_msg *m = malloc(sizeof *m);
	char bytes[1024];

	(void)state;
	assert_true(t && m);
	int n = snprintf(bytes, sizeof bytes, text, "INVITE");
	assert_int_equal(rf_sip_msg_parse(m, rf_view_of(bytes, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_border_look(k->core, m, t), 0);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_REMOTE_CONTROL), 2); /* and a priority that is not believed */
	assert_int_equal(rf_border_listed(k->core, RF_LIST_HEADER), 2);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_IDENTITY), 1); /* asserted by a trunk that is not trusted in it */
	assert_int_equal(rf_border_listed(k->core, RF_LIST_BODY), 1);
	struct rf_site_trunk trusted = *t;

	trusted.trusted = trusted.trust_precedence = true;
	assert_int_equal(rf_border_look(k->core, m, &trusted), 0);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_IDENTITY), 1);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_REMOTE_CONTROL), 3);
	m->method = RF_SIP_REFER;
	assert_int_equal(rf_border_look(k->core, m, t), 405);
	m->method = RF_SIP_INVITE;
	m->bytes.n = RF_BORDER_MESSAGE_MAX;
	assert_int_equal(rf_border_look(k->core, m, t), 0);
	m->bytes.n++;
	assert_int_equal(rf_border_look(k->core, m, t), 513);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_METHOD) + rf_border_listed(k->core, RF_LIST_SIZE), 2);
	free(m);
	kit_free(k);
}

static void reasons(void **state)
{
	static const char *const rows[][2] = {
		{ "Q.850;cause=16;text=\"who it was\"", "Q.850;cause=16" }, { "SIP ; text=\"x\" ; cause=487", "SIP;cause=487" },
		{ "preemption;cause=1", "preemption;cause=1" }, { "X-Inside;cause=1", "" }, { "SIP", "" }, { "SIP;cause=1x", "" },
		{ "SIP;cause=1234", "" }, { "SIP;cause=", "" }, { "", "" }, { ";;;", "" },
	};
	uint8_t buf[RF_LEG_REASON];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view r = rf_border_reason(rf_view_str(rows[i][0]), buf, sizeof buf);

		if (!rf_view_eq(r, rf_view_str(rows[i][1])))
			fail_msg("%s: %.*s", rows[i][0], RF_VFMT(r));
	}
	assert_int_equal(rf_border_reason(RF_V("SIP;cause=487"), buf, 5).n, 0);
}

/* What a border found out is what its controller believes; the words of a failure stay in the border's record. */
static void verstat(void **state)
{
	static const char *const rows[][3] = {
		{ "A", "A", "" }, { "B", "B", "" }, { "C", "C", "" }, { "valid", "valid", "" }, { "absent", "absent", "no" },
		{ "bad-signature", "failed", "no" }, { "stale", "failed", "no" },
	};
	struct rf_sip_msg *m = malloc(sizeof *m);
	char text[1024];
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_in in = { .msg = m };
		struct rf_writer w;

		rf_writer_init(&w, buf, sizeof buf);
		rf_border_put_verstat(&w, rows[i][0]);
		int n = snprintf(text, sizeof text, "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nMax-Forwards: 1\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:x@y>\r\n"
				 "P-Asserted-Identity: <sip:+43%.*s@x;user=phone>\r\n\r\n", (int)w.n, (char *)buf);
		assert_int_equal(rf_sip_msg_parse(m, rf_view_of(text, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
		rf_border_believe(&in);
		assert_string_equal(in.identity, rows[i][1]);
		assert_int_equal(in.unproven, rows[i][2][0] != 0);
	}
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_border_put_verstat(&w, NULL);
	assert_int_equal(w.n, 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_a_controller), cmocka_unit_test(ports), cmocka_unit_test(the_list),
		cmocka_unit_test(looked_at), cmocka_unit_test(reasons), cmocka_unit_test(verstat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

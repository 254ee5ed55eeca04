/* A border's tables: who the other half is, what crosses by which rule, and what is said in other words on the way. */
#include "kit.h"

#include "call/border.h"
#include "call/trunk.h"
#include "sip/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char trunk[] =
	"trunks:\n  - { name: carrier, peer: sip.carrier.example, certificate: [sip.carrier.example], ca: c.pem,\n"
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
		{ "the controller", "127.0.0.1", "127.0.0.60", "voice.example.org ctl.voice.example.org 127.0.0.1 ", "",
		  0, RF_FLOW_TLS, true },
		{ "from elsewhere", "127.0.0.9", "127.0.0.60", "voice.example.org 127.0.0.1 ", "", 0, RF_FLOW_TLS,
		  false },
		{ "for another host", "127.0.0.1", "127.0.0.60", "voice.example.org 127.0.0.9 ", "", 0, RF_FLOW_TLS,
		  false },
		{ "no address in it", "127.0.0.1", "127.0.0.60", "voice.example.org ", "", 0, RF_FLOW_TLS, false },
		{ "a phone", "127.0.0.1", "127.0.0.60", "127.0.0.1 ", "urn:uuid:00000000-0000-8000-8000-000000000000",
		  0, RF_FLOW_TLS, false },
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
		struct rf_peer peer = { .flow = { .remote = address(r->remote),
						  .local = address(r->local),
						  .kind = r->kind,
						  .stream = 1 },
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
	struct rf_peer peer = {
		.flow = { .remote = address("127.0.0.1"), .local = address("127.0.0.60"), .kind = RF_FLOW_TLS },
		.id = &id
	};

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
		{ "Via", RF_LIST_PASS }, { "f", RF_LIST_PASS }, { "P-Asserted-Identity", RF_LIST_PASS },
		{ "Identity", RF_LIST_PASS }, { "Info-Package", RF_LIST_PASS },
		{ "Alert-Info", RF_LIST_REMOTE_CONTROL }, { "Call-Info", RF_LIST_REMOTE_CONTROL },
		{ "priv-answer-mode", RF_LIST_REMOTE_CONTROL }, { "Replaces", RF_LIST_DIALOG },
		{ "Referred-By", RF_LIST_DIALOG }, { "b", RF_LIST_DIALOG }, { "Target-Dialog", RF_LIST_DIALOG },
		{ "Route", RF_LIST_ROUTE }, { "Path", RF_LIST_ROUTE }, { "Server", RF_LIST_NAME },
		{ "Warning", RF_LIST_NAME }, { "s", RF_LIST_NAME }, { "Remote-Party-ID", RF_LIST_IDENTITY },
		{ "Attestation-Info", RF_LIST_IDENTITY }, { "Authorization", RF_LIST_CREDENTIALS },
		{ "X-Anything", RF_LIST_HEADER }, { "", RF_LIST_HEADER },
		{ "Geolocation", RF_LIST_HEADER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view name = rf_view_str(rows[i].name);
		enum rf_list_rule rule = rf_list_header(rf_sip_hid_of(name), name);

		if (rule != rows[i].rule)
			fail_msg("%s: %s", rows[i].name, rf_list_rule_name(rule));
	}
	for (unsigned m = 0; m < 32; m++)
		assert_int_equal(rf_list_method(m), m == RF_SIP_INVITE || m == RF_SIP_ACK || m == RF_SIP_CANCEL ||
							    m == RF_SIP_BYE || m == RF_SIP_OPTIONS ||
							    m == RF_SIP_PRACK || m == RF_SIP_UPDATE ||
							    m == RF_SIP_INFO);
	for (unsigned r = 0; r < RF_LIST_RULES; r++)
		assert_true(rf_list_rule_name((enum rf_list_rule)r)[0] != 0);
}

static unsigned look(struct kit *k, const struct rf_site_trunk *t, const struct rf_sip_msg *m)
{
	const struct rf_sip_msg *left = m;

	if (!k->core->looked)
		k->core->looked = rf_looked_new();
	unsigned code = rf_border_look(k->core, t, &left);

	assert_ptr_equal(left, m); /* our own list takes nothing away: it is not read */
	return code;
}

static void looked_at(void **state)
{
	static const char text[] = "INVITE sip:+49@h SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\n"
				   "Max-Forwards: 1\r\nFrom: <sip:a@b>;tag=1\r\n"
				   "To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\nContact: <sip:x@y>\r\n"
				   "Call-Info: <a:b>\r\nX-A: y\r\nX-B: z\r\n"
				   "P-Asserted-Identity: <sip:1@b>\r\nResource-Priority: dsn.flash\r\n"
				   "Content-Type: text/x\r\n"
				   "Content-Length: 1\r\n\r\n1";
	struct kit *k = kit_new_with("minimum", trunk);
	const struct rf_site_trunk *t = rf_site_trunk(k->site, RF_V("carrier"));
	struct rf_sip_msg *m = malloc(sizeof *m);
	char bytes[1024];

	(void)state;
	assert_true(t && m);
	int n = snprintf(bytes, sizeof bytes, text, "INVITE");
	assert_int_equal(rf_sip_msg_parse(m, rf_view_of(bytes, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(look(k, t, m), 0);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_REMOTE_CONTROL), 2); /* and a priority that is not
										 * believed */
	assert_int_equal(rf_border_listed(k->core, RF_LIST_HEADER), 2);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_IDENTITY), 1); /* asserted by a trunk that
									   * is not trusted in it */
	assert_int_equal(rf_border_listed(k->core, RF_LIST_BODY), 1);
	struct rf_site_trunk trusted = *t;

	trusted.trusted = trusted.trust_precedence = true;
	assert_int_equal(look(k, &trusted, m), 0);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_IDENTITY), 1);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_REMOTE_CONTROL), 3);
	m->method = RF_SIP_REFER;
	assert_int_equal(look(k, t, m), 405);
	m->method = RF_SIP_INVITE;
	m->bytes.n = RF_ACCEPT_MESSAGE_BYTES;
	assert_int_equal(look(k, t, m), 0);
	m->bytes.n++;
	assert_int_equal(look(k, t, m), 513);
	assert_int_equal(rf_border_listed(k->core, RF_LIST_METHOD) + rf_border_listed(k->core, RF_LIST_SIZE), 2);
	free(m);
	kit_free(k);
}

/* Trunks with lists of their own: what comes, what is left of it, what is counted. */
#define ACCEPT(list) "trunks:\n  - { name: carrier, peer: sip.carrier.example, ca: c.pem, trusted: true, accept: { " list " } }\n"
#define CAME(uri, method, to, more, type, body) \
	method " " uri " SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1;x=1\r\nMax-Forwards: 1\r\nFrom: <sip:a@b>;tag=1\r\nTo: " to "\r\n" \
	"Call-ID: 1\r\nCSeq: 1 " method "\r\nContact: <sip:x@y;z=1>\r\n" more type "Content-Length: " body
#define LEFT CAME
#define ANSWERED \
	"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
#define BYTES(n) "Content-Type: application/" n "\r\n"

struct narrow_row {
	const char *accept, *came, *left; /* left NULL: as it came */
	unsigned code;
	enum rf_list_rule rule;
	unsigned times;
};

static void narrower(void **state)
{
	static const struct narrow_row rows[] = {
		/* headers */
		{ "headers: [Privacy]", CAME("sip:1@h", "INVITE", "<sip:c@d>", "Privacy: id\r\nDiversion: <sip:1@h>\r\n", "", "0\r\n\r\n"),
		  LEFT("sip:1@h", "INVITE", "<sip:c@d>", "Privacy: id\r\n", "", "0\r\n\r\n"), 0, RF_LIST_HEADER, 1 },
		{ "headers: none", CAME("sip:1@h", "INVITE", "<sip:c@d>", "x: 90\r\nMin-SE: 90\r\nSupported: timer\r\nInfo-Package: a\r\n", "", "0\r\n\r\n"),
		  LEFT("sip:1@h", "INVITE", "<sip:c@d>", "Supported: timer\r\n", "", "0\r\n\r\n"), 0, RF_LIST_HEADER, 3 },
		{ "headers: none", CAME("sip:1@h", "INVITE", "<sip:c@d>", "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n", "", "0\r\n\r\n"),
		  NULL, 0, RF_LIST_CREDENTIALS, 1 },
		/* parameters: in URIs, behind them, in user parts, not in quotes nor in a URI's headers */
		{ "parameters: [user]", CAME("sip:1;cpc=a@h;user=phone;q=\"", "INVITE", "<sip:c@d>", "", "", "0\r\n\r\n"), NULL, 400, RF_LIST_PASS, 0 },
		{ "parameters: [user]", CAME("sip:1;cpc=a@h;user=phone;transport=tls;x=1", "INVITE", "\"a;b\" <sip:c@d;isub=1;user=phone>;reason=no;tag=2", "", "", "0\r\n\r\n"),
		  LEFT("sip:1@h;user=phone;transport=tls", "INVITE", "\"a;b\" <sip:c@d;user=phone>;tag=2", "", "", "0\r\n\r\n"), 0, RF_LIST_PARAMETER, 4 },
		{ "parameters: none", CAME("sip:1@h", "INVITE", "<sip:c@d>", "Diversion: <sip:1@h?a=;b>;reason=no ;counter=1,<sip:2@h>;privacy=\"a;\\\"b\"\r\n", "", "0\r\n\r\n"),
		  LEFT("sip:1@h", "INVITE", "<sip:c@d>", "Diversion: <sip:1@h?a=;b>,<sip:2@h>\r\n", "", "0\r\n\r\n"), 0,
		  RF_LIST_PARAMETER, 3 },
		{ "message_bytes: 4096", CAME("sip:1@h;x=1", "INVITE", "<sip:c@d>", "", "", "0\r\n\r\n"), NULL, 0, RF_LIST_PARAMETER, 1 },
		/* bodies */
		{ "bodies: none", CAME("sip:1@h", "INFO", "<sip:c@d>;tag=2", "", BYTES("dtmf"), "1\r\n\r\n5"),
		  LEFT("sip:1@h", "INFO", "<sip:c@d>;tag=2", "", "", "0\r\n\r\n"), 0, RF_LIST_BODY, 1 },
		{ "bodies: none", CAME("sip:1@h", "INVITE", "<sip:c@d>", "", BYTES("sdp"), "3\r\n\r\nv=0"), NULL, 0, RF_LIST_BODY, 0 },
		{ "bodies: [application/dtmf]", CAME("sip:1@h", "INFO", "<sip:c@d>;tag=2", "", BYTES("dtmf"), "1\r\n\r\n5"), NULL, 0, RF_LIST_BODY, 0 },
		/* methods and sizes */
		{ "methods: [OPTIONS]", CAME("sip:1@h", "INFO", "<sip:c@d>;tag=2", "", "", "0\r\n\r\n"), NULL, 405,
		  RF_LIST_METHOD, 1 },
		{ "methods: none", CAME("sip:1@h", "OPTIONS", "<sip:c@d>", "", "", "0\r\n\r\n"), NULL, 405,
		  RF_LIST_METHOD, 1 },
		{ "methods: none", CAME("sip:1@h", "BYE", "<sip:c@d>;tag=2", "", "", "0\r\n\r\n"), NULL, 0,
		  RF_LIST_METHOD, 0 },
		{ "header_fields: 16",
		  CAME("sip:1@h", "INVITE", "<sip:c@d>",
		       "a: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\n", "", "0\r\n\r\n"),
		  NULL, 0, RF_LIST_SIZE, 0 },
		{ "header_fields: 16",
		  CAME("sip:1@h", "INVITE", "<sip:c@d>",
		       "a: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\n", "", "0\r\n\r\n"),
		  NULL, 513, RF_LIST_SIZE, 1 },
		/* who hangs up is not held for its size, and neither is an answer: both are read by the list */
		{ "header_fields: 16, headers: none",
		  CAME("sip:1@h", "BYE", "<sip:c@d>;tag=2",
		       "a: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\nReason: SIP\r\n", "",
		       "0\r\n\r\n"),
		  LEFT("sip:1@h", "BYE", "<sip:c@d>;tag=2", "", "", "0\r\n\r\n"), 0, RF_LIST_SIZE, 1 },
		{ "header_fields: 16, headers: none, bodies: none",
		  ANSWERED "a: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: 1\r\na: "
			   "1\r\na: 1\r\nReason: SIP\r\n" BYTES("dtmf") "Content-Length: 1\r\n\r\n5",
		  ANSWERED "Content-Length: 0\r\n\r\n", 0, RF_LIST_SIZE, 1 },
		/* all of it refused */
		{ "refuse: [body]", CAME("sip:1@h", "INVITE", "<sip:c@d>", "", BYTES("x"), "1\r\n\r\n1"), NULL, 415,
		  RF_LIST_BODY, 1 },
		{ "refuse: [parameter]", CAME("sip:1@h;y=1", "INVITE", "<sip:c@d>", "", "", "0\r\n\r\n"), NULL, 403,
		  RF_LIST_PARAMETER, 1 },
		{ "refuse: [remote-control]",
		  CAME("sip:1@h", "INVITE", "<sip:c@d>", "Alert-Info: <a:b>\r\n", "", "0\r\n\r\n"), NULL, 403,
		  RF_LIST_REMOTE_CONTROL, 1 },
		{ "refuse: [remote-control]", CAME("sip:1@h", "INVITE", "<sip:c@d>", "X-A: 1\r\n", "", "0\r\n\r\n"),
		  NULL, 0, RF_LIST_HEADER, 1 },
		{ "refuse: [header]", CAME("sip:1@h", "BYE", "<sip:c@d>;tag=2", "X-A: 1\r\n", "", "0\r\n\r\n"), NULL, 0,
		  RF_LIST_HEADER, 1 },
	};
	struct rf_sip_msg *m = malloc(sizeof *m);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct narrow_row *row = &rows[i];
		char yaml[512];

		snprintf(yaml, sizeof yaml, ACCEPT("%s"), row->accept);
		struct kit *k = kit_new_with("minimum", yaml);
		const struct rf_site_trunk *t = rf_site_trunk(k->site, RF_V("carrier"));
		const struct rf_sip_msg *left = m;

		k->core->looked = rf_looked_new();
		int rc = rf_sip_msg_parse(m, rf_view_str(row->came), RF_SIP_DATAGRAM, NULL);
		unsigned code = rc ? m->answer : rf_border_look(k->core, t, &left);

		if (code != row->code || rf_border_listed(k->core, row->rule) != row->times)
			fail_msg("%zu: %u, %s %u times", i, code, rf_list_rule_name(row->rule),
				 (unsigned)rf_border_listed(k->core, row->rule));
		assert_int_equal(rf_trunk_peer(k->core, t)->dropped[row->rule], row->times);
		if (!rc && !code && !rf_view_eq(left->bytes, rf_view_str(row->left ? row->left : row->came)))
			fail_msg("%zu: %.*s", i, RF_VFMT(left->bytes));
		kit_free(k);
	}
	free(m);
}

#define FURTHER \
	"trunks:\n  - { name: carrier, peer: sip.carrier.example, ca: c.pem, trusted: true, accept: { headers: none, " \
	"further: [ { name: P-Charge-Info, bytes: 24 }, { name: X-Billing } ] } }\n" \
	"deviations:\n  - { mitigation: pub-sbc, trunks: [carrier], reason: billing, approved_by: CISO, until: 2099-06-30 }\n"

/* A header that the trunk has of its own passes, as long and as plain as the site says, and telling
 * nothing of the inside. */
static void further(void **state)
{
	static const struct {
		const char *line;
		bool passes;
		enum rf_list_rule rule;
	} rows[] = {
		{ "P-Charge-Info: <sip:4711@isp.example>", true, RF_LIST_PASS },
		{ "p-charge-info: 123456789012345678901234", true, RF_LIST_PASS },
		{ "P-Charge-Info: 1234567890123456789012345", false, RF_LIST_SIZE },
		{ "X-Billing: code=7;rate=\"night, day\"", true, RF_LIST_PASS },
		{ "X-Billing: caf\xc3\xa9", false, RF_LIST_HEADER },
		{ "X-Billing: at 10.20.0.11", false, RF_LIST_NAME },
		{ "X-Billing: [fd00::5]:5060", false, RF_LIST_NAME },
		{ "X-Billing: from ctl.voice", false, RF_LIST_NAME },
		{ "X-Other: 1", false, RF_LIST_HEADER },
		{ "Alert-Info: <http://ring.example/>", false, RF_LIST_REMOTE_CONTROL },
	};
	struct kit *k = kit_new_with("medium", FURTHER);
	const struct rf_site_trunk *t = rf_site_trunk(k->site, RF_V("carrier"));
	struct rf_sip_msg *m = malloc(sizeof *m);

	(void)state;
	k->core->looked = rf_looked_new();
	assert_int_equal(t->accept.further_count, 2);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t before = rows[i].rule ? rf_border_listed(k->core, rows[i].rule) : 0;
		char came[1024];

		snprintf(came, sizeof came, CAME("sip:1@h", "INVITE", "<sip:c@d>", "%s\r\n", "", "0\r\n\r\n"),
			 rows[i].line);
		const struct rf_sip_msg *left = m;

		assert_int_equal(rf_sip_msg_parse(m, rf_view_str(came), RF_SIP_DATAGRAM, NULL), 0);
		assert_int_equal(rf_border_look(k->core, t, &left), 0);
		struct rf_view name =
			rf_view_sub(rf_view_str(rows[i].line), 0, rf_view_find(rf_view_str(rows[i].line), ':'));

		if ((rf_sip_msg_named(left, name, NULL) != NULL) != rows[i].passes)
			fail_msg("%s", rows[i].line);
		if (rows[i].rule)
			assert_int_equal(rf_border_listed(k->core, rows[i].rule), before + 1);
	}
	free(m);
	kit_free(k);
}

/* A controller's caller that offers later says in Accept that it could use no keys. */
static void wants_plain(void **state)
{
	static const struct {
		const char *line;
		bool is;
	} rows[] = {
		{ "Accept: application/sdp;proto=\"RTP/AVP\"", true },
		{ "Accept: text/plain, application/SDP; proto=\"rtp/avp\"", true },
		{ "Accept: application/sdp", false },
		{ "Accept: application/sdp;proto=\"RTP/SAVP\"", false },
		{ "Accept: text/plain;proto=\"RTP/AVP\"", false },
		{ "Accept: ", false },
		{ "Date: x", false },
	};
	struct rf_sip_msg *m = malloc(sizeof *m);
	char came[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(came, sizeof came, CAME("sip:1@h", "INVITE", "<sip:c@d>", "%s\r\n", "", "0\r\n\r\n"),
			 rows[i].line);
		assert_int_equal(rf_sip_msg_parse(m, rf_view_str(came), RF_SIP_DATAGRAM, NULL), 0);
		if (rf_border_wants_plain(m) != rows[i].is)
			fail_msg("%s", rows[i].line);
	}
	free(m);
}

static struct rf_view name_of(enum rf_sip_hid id)
{
	static uint8_t buf[64];
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_sip_put_hdr_name(&w, id);
	return rf_view_sub(rf_view_of(buf, w.n), 0, rf_view_find(rf_view_of(buf, w.n), ':'));
}

/* No header that anything here has a number for, or that the border's list has a word for, can be one of those. */
static void never_further(void **state)
{
	static const char *const never[] = {
		"Alert-Info", "X-Auto-Answer", "P-Auto-Answer", "X-Intercom", "P-Answer-State", "X-Remote-Control",
		"P-Asserted-Identity", "X-Via", "P-Visited-Network-ID", "P-Access-Network-Info",
		"P-Charging-Function-Addresses", "X-Real-IP", "X-Forwarded-For", "X-Route", "X-Authorization",
		"P-Called-Party-ID", "P-Served-User", "X-Ringfort-Do", "X", "x-", "", "Via", "X Y", "P-A:B",
		"X-Call-ID",
	};

	(void)state;
	for (unsigned id = 0; id < RF_SIP_H_COUNT; id++)
		if (id != RF_SIP_H_OTHER)
			assert_non_null(rf_accept_further_refusal(name_of((enum rf_sip_hid)id)));
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (!rf_accept_further_refusal(rf_view_str(never[i])))
			fail_msg("%s", never[i]);
	assert_null(rf_accept_further_refusal(RF_V("P-Charge-Info")));
	assert_null(rf_accept_further_refusal(RF_V("x-billing_code2")));
}

/* INFO crosses as what it means. */
static void informs(void **state)
{
	static const char picture[] =
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<media_control><vc_primitive><to_encoder>"
		"<picture_fast_update/></to_encoder></vc_primitive></media_control>\n";
	static const struct {
		const char *type, *package, *body, *said_type, *said, *said_package;
		unsigned code;
	} rows[] = {
		{ "application/dtmf-relay;at=10.20.0.11", "", "Signal=5\nDuration=160\nX: 10.20.0.11\n",
		  "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "", 0 },
		{ "Application/DTMF", "", "b\r\n", "application/dtmf", "B", "", 0 },
		{ "application/dtmf", "", "b\r\nctl.voice.example.org", "", "", "", 400 },
		{ "application/dtmf-relay", "", "", "", "", "", 400 },
		{ "audio/telephone-event", "", "\x05\x8a\x01\x40", "audio/telephone-event", "\x05\x8a\x01\x40", "", 0 },
		{ "audio/telephone-event", "", "10.20.0.11", "", "", "", 415 },
		{ "application/media_control+xml", "", "<a><picture_fast_update/>10.20.0.11</a>",
		  "application/media_control+xml", picture, "", 0 },
		{ "application/media_control+xml", "", "<a>picture_fast_update</a>", "", "", "", 415 },
		{ "application/isup", "", "x", "", "", "", 415 },
		{ "", "a-package ;at=10.20.0.11", "", "", "", "a-package", 0 },
		{ "", "10.20.0.11", "", "", "", "", 0 },
		{ "", "ctl.voice", "", "", "", "", 0 },
		{ "", "two words", "", "", "", "", 0 },
		{ "", "thirty-three-characters-long-name", "", "", "", "", 0 },
	};
	struct kit *k = kit_new_with("minimum", trunk);
	struct rf_sip_msg *m = malloc(sizeof *m);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char came[1024], wanted[128];
		uint8_t body[RF_BORDER_INFO_MAX], head[128];
		struct rf_writer w, h;
		struct rf_view type;

		snprintf(came, sizeof came,
			 CAME("sip:1@h", "INFO", "<sip:c@d>;tag=2", "%s%s\r\n%s%s\r\n", "", "%zu\r\n\r\n%s"),
			 rows[i].package[0] ? "Info-Package: " : "X: ", rows[i].package[0] ? rows[i].package : "1",
			 rows[i].type[0] ? "Content-Type: " : "Y: ", rows[i].type[0] ? rows[i].type : "1",
			 strlen(rows[i].body), rows[i].body);
		assert_int_equal(rf_sip_msg_parse(m, rf_view_str(came), RF_SIP_DATAGRAM, NULL), 0);
		rf_writer_init(&w, body, sizeof body);
		unsigned code = rf_border_info(m, &type, &w);

		if (code != rows[i].code || (!code && (!rf_view_eq(type, rf_view_str(rows[i].said_type)) ||
						       !rf_view_eq(rf_view_of(body, w.n), rf_view_str(rows[i].said)))))
			fail_msg("%zu: %u %.*s: %.*s", i, code, RF_VFMT(type), (int)w.n, (char *)body);
		rf_writer_init(&h, head, sizeof head);
		rf_border_put_package(k->site, m, &h);
		snprintf(wanted, sizeof wanted, "%s%s%s", rows[i].said_package[0] ? "Info-Package: " : "",
			 rows[i].said_package, rows[i].said_package[0] ? "\r\n" : "");
		if (!rf_view_eq(rf_view_of(head, h.n), rf_view_str(wanted)))
			fail_msg("%zu: %.*s", i, (int)h.n, (char *)head);
	}
	free(m);
	kit_free(k);
}

static void allowed(void **state)
{
	struct kit *k = kit_new_with("minimum", ACCEPT("methods: [INFO]"));
	struct rf_writer w;
	char buf[128];

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_border_put_allow(rf_site_trunk(k->site, RF_V("carrier")), &w);
	rf_border_put_allow(NULL, &w);
	assert_true(rf_view_eq(rf_view_of(buf, w.n),
			       RF_V("Allow: INVITE, ACK, CANCEL, BYE, PRACK, INFO\r\n"
				    "Allow: INVITE, ACK, CANCEL, BYE, PRACK, OPTIONS, UPDATE, INFO\r\n")));
	kit_free(k);
}

static void reasons(void **state)
{
	static const char *const rows[][2] = {
		{ "Q.850;cause=16;text=\"who it was\"", "Q.850;cause=16" },
		{ "SIP ; text=\"x\" ; cause=487", "SIP;cause=487" },
		{ "preemption;cause=1", "preemption;cause=1" }, { "X-Inside;cause=1", "" }, { "SIP", "" },
		{ "SIP;cause=1x", "" }, { "SIP;cause=1234", "" }, { "SIP;cause=", "" }, { "", "" }, { ";;;", "" },
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
		{ "A", "A", "" }, { "B", "B", "" }, { "C", "C", "" }, { "valid", "valid", "" },
		{ "absent", "absent", "no" }, { "bad-signature", "failed", "no" }, { "stale", "failed", "no" },
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
		int n = snprintf(text, sizeof text, "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\n"
				 "Max-Forwards: 1\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
				 "Contact: <sip:x@y>\r\n"
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
		cmocka_unit_test(looked_at),
		cmocka_unit_test(narrower),
		cmocka_unit_test(further),
		cmocka_unit_test(wants_plain),
		cmocka_unit_test(never_further),
		cmocka_unit_test(informs),
		cmocka_unit_test(allowed), cmocka_unit_test(reasons), cmocka_unit_test(verstat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

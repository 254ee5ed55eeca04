/* Subscriptions: who may, how long, what is told, how they end. Cid watches bob; they share a pickup group. Ann, in
 * none, calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include "call/board.h"
#include "call/sub_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DIALOG "Event: dialog\r\nAccept: application/dialog-info+xml\r\n"
#define MWI "Event: message-summary\r\n"
#define PRESENCE "Event: presence\r\n"

enum { ANN, BOB, CID };

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	kit_ledger(k);
	for (int i = 0; i < 3; i++)
		phone_register(&k->phone[i]);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	rf_call_core_expire(k->core);
	kit_wait(k, 40000); /* NOTIFYs that nobody answered */
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	struct rf_board_counts c;

	rf_board_counts(k->core->board, &c);
	assert_int_equal(c.subscriptions, 0);
	kit_census(k);
	kit_free(k);
	return 0;
}

static void subscribe(struct phone *p, const char *number, const char *extra)
{
	phone_request(p, "SUBSCRIBE", number, p->number, number, extra, NULL);
}

/* The 200 of a SUBSCRIBE makes the dialog that the phone is in. */
static void accepted(struct phone *p)
{
	struct rf_sip_addr a;

	phone_expect_status(p, 200);
	snprintf(p->remote, sizeof p->remote, "%.*s", RF_VFMT(p->msg.to.text));
	assert_int_equal(rf_sip_msg_addr(&p->msg, RF_SIP_H_CONTACT, &a), 0);
	snprintf(p->target, sizeof p->target, "%.*s", RF_VFMT(a.uri.text));
}

static void notified(struct phone *p, const char *state, const char *body)
{
	kit_wait(p->kit, 1);
	phone_expect(p, "NOTIFY");
	if (!phone_has(p, state))
		fail_msg("no \"%s\" in\n%s", state, p->bytes);
	if (body && !phone_has(p, body))
		fail_msg("no \"%s\" in\n%s", body, p->bytes);
	phone_answer(p, 200, NULL, NULL);
	phone_forget(p); /* repetitions */
}

static void watch(struct phone *p, const char *number, const char *extra, const char *body)
{
	subscribe(p, number, extra);
	accepted(p);
	kit_wait(p->kit, 200);
	notified(p, "Subscription-State: active", body);
}

static void unwatch(struct phone *p, const char *extra)
{
	char more[256];

	snprintf(more, sizeof more, "%sExpires: 0\r\n", extra);
	phone_in_dialog(p, "SUBSCRIBE", more, NULL);
	phone_expect_status(p, 200);
	kit_wait(p->kit, 1);
	notified(p, "terminated;reason=timeout", NULL);
}

static void what_is_refused(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *c = &k->phone[ANN];
	static const struct {
		int who;
		const char *number, *extra;
		unsigned code;
		const char *says;
	} rows[] = {
		{ CID, "1002", "", 489, "Allow-Events: dialog, message-summary, presence" },
		{ CID, "1002", "Event: conference\r\n", 489, "Allow-Events: dialog" },
		{ CID, "1002", "Event: dialog2\r\n", 489, "Allow-Events: dialog" },
		{ CID, "1002", DIALOG "Expires: 59\r\n", 423, "Min-Expires: 60" },
		{ CID, "1002", "Event: dialog\r\nAccept: application/pidf+xml\r\n", 406, NULL },
		{ CID, "1999", DIALOG, 404, NULL },
		{ CID, "sip:1002@elsewhere.example.com", DIALOG, 404, NULL },
		{ ANN, "1002", DIALOG, 403, NULL },
		{ ANN, "1002", PRESENCE, 403, NULL },
		{ CID, "1002", MWI, 403, NULL },
		{ CID, "1001", DIALOG, 403, NULL },
	};

	(void)c;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct phone *p = &k->phone[rows[i].who];

		subscribe(p, rows[i].number, rows[i].extra);
		phone_expect_status(p, rows[i].code);
		assert_true(!rows[i].says || phone_has(p, rows[i].says));
	}
	phone_request(w, "SUBSCRIBE", "1002", "sip:anonymous@anonymous.invalid", "1002", DIALOG, NULL);
	phone_expect_status(w, 403);
	phone_request(w, "SUBSCRIBE", "1002", "1001", "1002", DIALOG, NULL); /* From is another */
	phone_expect_status(w, 403);
	phone_request(w, "SUBSCRIBE", "1002", "1003", "1002",
		      DIALOG "Contact: <sip:a@127.0.0.1>, <sip:b@127.0.0.1>\r\n", NULL);
	phone_expect_status(w, 400);
	phone_request(w, "NOTIFY", "1002", "1003", "1002", DIALOG "Subscription-State: active\r\n", NULL);
	phone_expect_status(w, 481);
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	assert_false(rf_board_any(k->core->board));
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"rule\":\"watch-policy\""), 3);
	assert_int_equal(count_of(text, "\"rule\":\"own-mailbox-only\""), 1);
	assert_int_equal(count_of(text, "\"rule\":\"anonymous-watcher\""), 1);
	free(text);
}

/* An attribute of the only dialog in a body. */
static const char *attr(const char *body, const char *name, char *dst, size_t cap)
{
	char key[32];
	const char *p;

	snprintf(key, sizeof key, " %s=\"", name);
	p = strstr(strstr(body, "<dialog "), key);
	assert_non_null(p);
	p += strlen(key);
	snprintf(dst, cap, "%.*s", (int)strcspn(p, "\""), p);
	return dst;
}

static void a_call_is_seen(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];
	char call_id[300], local[300], remote[300];

	watch(w, "1002", DIALOG, "version=\"0\" state=\"full\" entity=\"sip:1002@voice.example.org\">\n</dialog-info>");
	phone_request(c, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	notified(w, "active", "<state>trying</state>");
	assert_true(phone_has(w, "version=\"1\" state=\"partial\""));
	assert_true(phone_has(w, "direction=\"recipient\""));
	assert_true(phone_has(w, "<identity>sip:1001@voice.example.org</identity>"));
	phone_answer(b, 180, NULL, NULL);
	kit_run(k);
	notified(w, "active", "<state>early</state>");
	attr(w->bytes, "call-id", call_id, sizeof call_id);
	attr(w->bytes, "local-tag", local, sizeof local);
	attr(w->bytes, "remote-tag", remote, sizeof remote);
	assert_string_equal(local, "bob"); /* as the phone made it */
	/* an INVITE with Replaces to us finds the leg: to-tag is ours */
	struct rf_leg *leg = TAILQ_FIRST(&TAILQ_FIRST(&k->core->calls)->pairs)->b;

	assert_true(rf_dialog_is(leg->dlg, rf_view_str(call_id), rf_view_str(remote), rf_view_str(local)));
	phone_expect_status(c, 180);
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(c, 200);
	phone_ack(c, NULL);
	phone_expect(b, "ACK");
	kit_run(k);
	notified(w, "active", "<state>confirmed</state>");
	call_down(c, b);
	kit_wait(k, 3000);
	notified(w, "active", "<state>terminated</state>");
	assert_true(phone_has(w, "version=\"4\" state=\"partial\""));
	phone_silent(w);
	unwatch(w, DIALOG);
	assert_false(rf_board_any(k->core->board));
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"watch.start\""), 1);
	assert_int_equal(count_of(text, "\"why\":\"unsubscribed\""), 1);
	free(text);
}

/* What the lamp shows is enough to take the call: Replaces made of it is sent to us. */
static void taken_from_the_lamp(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];
	char call_id[300], local[300], remote[300], replaces[1024];

	watch(w, "1002", DIALOG, "state=\"full\"");
	phone_request(c, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(c, 180);
	notified(w, "active", "<state>early</state>"); /* trying was over before it could be told */
	attr(w->bytes, "call-id", call_id, sizeof call_id);
	attr(w->bytes, "local-tag", local, sizeof local);
	attr(w->bytes, "remote-tag", remote, sizeof remote);
	snprintf(replaces, sizeof replaces, "Replaces: %s;to-tag=%s;from-tag=%s;early-only\r\n", call_id, remote,
		 local);
	phone_in_dialog(w, "SUBSCRIBE", DIALOG "Expires: 0\r\n", NULL);
	kit_wait(k, 1);
	phone_forget(w);
	phone_request(w, "INVITE", "1002", "1003", "1002", replaces, NULL);
	phone_expect_status(w, 200);
	phone_ack(w, SDP_PLAIN);
	phone_expect_status(c, 200);
	phone_ack(c, NULL);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	phone_forget(b);
	call_down(c, w);
}

/* The same dialog of bob, with somebody else at its other side. Another phone of bob's watches. */
static void a_transfer_is_seen(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *b = &k->phone[BOB], *c = &k->phone[CID], *w = &k->phone[3];
	char id[64], same[64];

	watch(w, "1002", DIALOG, "state=\"full\"");
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	notified(w, "active", "<state>confirmed</state>");
	assert_true(phone_has(w, "<remote><identity>sip:1001@voice.example.org</identity>"));
	attr(w->bytes, "id", id, sizeof id);
	phone_in_dialog(a, "REFER", "Refer-To: <sip:1003@voice.example.org>\r\nRefer-Sub: false\r\n", NULL);
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(c, "ACK");
	phone_forget(a);
	notified(w, "active", "<remote><identity>sip:1003@voice.example.org</identity>");
	assert_true(phone_has(w, "<state>confirmed</state>"));
	assert_string_equal(attr(w->bytes, "id", same, sizeof same), id);
	phone_in_dialog(c, "BYE", NULL, NULL);
	phone_expect_status(c, 200);
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	notified(w, "active", "<state>terminated</state>");
	unwatch(w, DIALOG);
}

/* Who called without a name has none after a transfer either. */
static void nameless_after_a_transfer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *b = &k->phone[BOB], *c = &k->phone[CID], *w = &k->phone[3];

	phone_request(a, "INVITE", "1002", "sip:anonymous@anonymous.invalid", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b, "ACK");
	watch(w, "1003", DIALOG, "state=\"full\"");
	phone_in_dialog(b, "REFER", "Refer-To: <sip:1003@voice.example.org>\r\nRefer-Sub: false\r\n", NULL);
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, SDP_PLAIN);
	phone_expect(a, "INVITE");
	phone_answer(a, 200, NULL, SDP_PLAIN);
	phone_expect(a, "ACK");
	phone_expect(c, "ACK");
	phone_forget(b);
	notified(w, "active", "<state>confirmed</state>");
	assert_false(phone_names(w, "1001"));
	kit_wait(k, 3000);
	phone_forget(w);
	phone_in_dialog(c, "BYE", NULL, NULL);
	phone_expect_status(c, 200);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	notified(w, "active", "<state>terminated</state>");
	assert_false(phone_names(w, "1001"));
	unwatch(w, DIALOG);
}

/* Calls that are there when somebody begins to look; the caller's side; and who is not named to anyone. */
static void a_call_that_is_there(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];

	phone_request(c, "INVITE", "1002", "sip:anonymous@anonymous.invalid", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(c, 200);
	phone_ack(c, NULL);
	phone_expect(b, "ACK");
	watch(w, "1002", DIALOG, "<state>confirmed</state>");
	assert_true(phone_has(w, "<identity>sip:anonymous@anonymous.invalid</identity>"));
	assert_false(phone_names(w, "1001"));
	call_down(c, b);
	kit_wait(k, 100);
	notified(w, "active", "<state>terminated</state>");
	assert_false(phone_names(w, "1001"));
	kit_wait(k, 10000);
	call_up(b, c, SDP_PLAIN, SDP_PLAIN);
	kit_wait(k, 3000);
	phone_expect(w, "NOTIFY");
	assert_true(phone_has(w, "direction=\"initiator\""));
	assert_true(phone_has(w, "<remote><identity>sip:1001@voice.example.org</identity>"));
	phone_answer(w, 200, NULL, NULL);
	kit_wait(k, 3000);
	phone_forget(w);
	call_down(b, c);
	phone_forget(w); /* not answered any more: it ends by itself */
}

static void asked_once(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];

	call_up(c, b, SDP_PLAIN, SDP_PLAIN);
	subscribe(w, "1002", DIALOG "Expires: 0\r\n");
	accepted(w);
	assert_true(phone_has(w, "Expires: 0"));
	kit_wait(k, 200);
	notified(w, "terminated;reason=timeout", "<state>confirmed</state>");
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	call_down(c, b);
	phone_silent(w);
}

static void time_and_refresh(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *c = &k->phone[ANN];

	subscribe(w, "1002", DIALOG "Expires: 100000\r\n");
	accepted(w);
	assert_true(phone_has(w, "Expires: 7200\r\n"));
	kit_wait(k, 200);
	notified(w, "active;expires=7199", "state=\"full\"");
	phone_in_dialog(w, "SUBSCRIBE", DIALOG "Expires: 120\r\n", NULL);
	phone_expect_status(w, 200);
	assert_true(phone_has(w, "Expires: 120"));
	kit_wait(k, 1);
	notified(w, "active;expires=1", "version=\"1\" state=\"full\"");
	phone_in_dialog(w, "SUBSCRIBE", "Event: presence\r\n", NULL);
	phone_expect_status(w, 489);
	phone_in_dialog(w, "SUBSCRIBE", DIALOG "Expires: 5\r\n", NULL);
	phone_expect_status(w, 423);
	phone_in_dialog(w, "INFO", NULL, NULL);
	phone_expect_status(w, 405);
	/* another phone knows all there is to know of the dialog */
	snprintf(c->call_id, sizeof c->call_id, "%s", w->call_id);
	snprintf(c->local, sizeof c->local, "%s", w->local);
	snprintf(c->remote, sizeof c->remote, "%s", w->remote);
	snprintf(c->target, sizeof c->target, "%s", w->target);
	c->cseq = w->cseq + 100;
	phone_in_dialog(c, "SUBSCRIBE", DIALOG "Expires: 0\r\n", NULL);
	phone_expect_status(c, 403);
	kit_wait(k, 119000);
	phone_silent(w);
	kit_wait(k, 2000);
	notified(w, "terminated;reason=timeout", "state=\"full\"");
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	phone_in_dialog(w, "SUBSCRIBE", DIALOG, NULL);
	phone_expect_status(w, 481);
}

static void what_its_answers_mean(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID];
	static const struct {
		unsigned code;
		const char *extra;
		bool ends;
	} rows[] = {
		{ 481, NULL, true }, { 404, NULL, true }, { 501, NULL, true }, { 603, NULL, true },
		{ 500, NULL, false }, { 503, "Retry-After: 3\r\n", false }, { 480, "Retry-After: 3\r\n", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		subscribe(w, "1002", DIALOG);
		accepted(w);
		kit_wait(k, 200);
		phone_expect(w, "NOTIFY");
		phone_answer(w, rows[i].code, rows[i].extra, NULL);
		kit_wait(k, 5200);
		assert_int_equal(rf_call_core_census(k->core).subscriptions, !rows[i].ends);
		if (rows[i].ends)
			continue;
		notified(w, "active", "state=\"full\"");
		unwatch(w, DIALOG);
	}
	/* three refusals in a row are the end */
	subscribe(w, "1002", DIALOG);
	accepted(w);
	kit_wait(k, 200);
	for (int i = 0; i < 3; i++) {
		phone_expect(w, "NOTIFY");
		phone_answer(w, 500, NULL, NULL);
		kit_wait(k, 5200);
	}
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	/* and silence is */
	subscribe(w, "1002", DIALOG);
	accepted(w);
	kit_wait(k, 40000);
	phone_forget(w);
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
}

/* However fast things change, a watcher hears a bounded number, and the last of them. */
static void not_too_often(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];
	unsigned told = 0;

	watch(w, "1002", DIALOG, "state=\"full\"");
	for (int i = 0; i < 10; i++) {
		call_up(c, b, SDP_PLAIN, SDP_PLAIN);
		call_down(c, b);
		kit_wait(k, 100);
		while (w->in != w->out) {
			notified(w, "active", NULL);
			told++;
		}
	}
	assert_in_range(told, 3, 5);
	kit_wait(k, 1500);
	notified(w, "active", NULL);
	assert_false(phone_has(w, "<state>confirmed"));
	kit_wait(k, 70000);
	phone_silent(w);
	unwatch(w, DIALOG);
}

static void mailboxes(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID];
	struct rf_control_query q = { .verb = RF_CONTROL_MAILBOX, .id = "1003 2 8" },
				bad = { .verb = RF_CONTROL_MAILBOX };
	char *json;
	size_t n;

	watch(w, "1003", MWI, "Messages-Waiting: no\r\nMessage-Account: sip:1003@voice.example.org\r\n"
			      "Voice-Message: 0/0 (0/0)\r\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
		free(json);
		kit_wait(k, 100);
	}
	notified(w, "active", "Messages-Waiting: yes\r\nMessage-Account: sip:1003@voice.example.org\r\n"
			      "Voice-Message: 2/8 (0/0)\r\n");
	phone_silent(w); /* said twice, told once */
	static const char *const wrong[] = { "1999 1 1", "1003", "1003 1", "1003 x 1", "1003 1 -1", "", "1003 1 1 1" };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(bad.id, sizeof bad.id, "%s", wrong[i]);
		assert_int_equal(rf_control_run(k->core, &bad, &json, &n), RF_E_NOT_FOUND);
	}
	/* the number of the voicemail host may say so too */
	k->site->tel.voicemail.number = RF_V("1002");
	phone_request(&k->phone[BOB], "PUBLISH", "1003", "1002", "1003",
		      MWI "Content-Type: application/simple-message-summary\r\n",
		      "Messages-Waiting: yes\r\nVoice-Message: 5/1 (1/0)\r\n");
	phone_expect_status(&k->phone[BOB], 200);
	assert_true(phone_has(&k->phone[BOB], "SIP-ETag: rf"));
	static const char *const no_summary[] = { "Voice-Message: x/1\r\n", "Voice-Message: 1\r\n",
						  "Fax-Message: 1/1\r\n" };

	for (size_t i = 0; i < sizeof no_summary / sizeof *no_summary; i++) {
		phone_request(&k->phone[BOB], "PUBLISH", "1003", "1002", "1003",
			      MWI "Content-Type: application/simple-message-summary\r\n", no_summary[i]);
		phone_expect_status(&k->phone[BOB], 400);
	}
	kit_wait(k, 1);
	notified(w, "active", "Voice-Message: 5/1");
	unwatch(w, MWI);
	/* nobody publishes a mailbox but the host that keeps them */
	phone_request(w, "PUBLISH", "1003", "1003", "1003", MWI "Content-Type: application/simple-message-summary\r\n",
		      "Messages-Waiting: yes\r\n");
	phone_expect_status(w, 403);
}

#define PIDF_DOC(basic, more) \
	"<?xml version='1.0'?><presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:x'><tuple id='a'><status><basic>" \
	basic "</basic></status></tuple>" more "</presence>"
#define PIDF_TYPE PRESENCE "Content-Type: application/pidf+xml\r\n"

static void etag_of(struct phone *p, char dst[static 128])
{
	struct rf_view v = rf_sip_msg_value(&p->msg, RF_SIP_H_SIP_ETAG);

	assert_true(v.n > 0);
	snprintf(dst, 128, "SIP-If-Match: %.*s\r\n", RF_VFMT(v));
}

static void publish(struct phone *p, const char *extra, const char *match, const char *body, unsigned code)
{
	char more[512];

	snprintf(more, sizeof more, "%s%s", extra, match);
	phone_request(p, "PUBLISH", p->number, p->number, p->number, more, body);
	phone_expect_status(p, code);
}

static void presence(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID], *b = &k->phone[BOB], *c = &k->phone[ANN];
	char first[128], second[128];

	watch(w, "1002", PRESENCE, "<basic>open</basic>");
	assert_false(phone_has(w, "activities"));
	publish(b, PIDF_TYPE, "", PIDF_DOC("open", "<note>Back &lt;soon&gt;&#x202e; or not</note>"), 200);
	etag_of(b, first);
	kit_wait(k, 100);
	notified(w, "active", "<note>Back \xe2\x80\xb9soon\xe2\x80\xba or not</note>"); /* harmless (base/clean.h) */
	publish(b, PRESENCE "Expires: 600\r\n", first, NULL, 200); /* a refresh says nothing new */
	etag_of(b, second);
	assert_string_not_equal(first, second);
	publish(b, PRESENCE, first, NULL, 412);
	publish(b, PIDF_TYPE, first, PIDF_DOC("open", ""), 412);
	kit_wait(k, 100);
	phone_silent(w);
	publish(b, PIDF_TYPE "Expires: 600\r\n", second,
		PIDF_DOC("closed", "<p:person xmlns:p='urn:ietf:params:xml:ns:pidf:data-model'><r:activities "
				   "xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><r:away/></r:activities></p:person>"),
		200);
	kit_wait(k, 100);
	notified(w, "active", "<basic>closed</basic>");
	assert_true(phone_has(w, "<rpid:away/>"));
	assert_int_equal(rf_call_core_census(k->core).publications, 1);
	kit_wait(k, 599000);
	rf_call_core_expire(k->core);
	phone_silent(w);
	kit_wait(k, 2000);
	rf_call_core_expire(k->core); /* the registration is over too */
	kit_wait(k, 100);
	notified(w, "active", "<basic>closed</basic>");
	assert_false(phone_has(w, "activities"));
	assert_int_equal(rf_call_core_census(k->core).publications, 0);
	phone_register(b);
	phone_register(c);
	kit_wait(k, 100);
	notified(w, "active", "<basic>open</basic>");
	call_up(c, b, SDP_PLAIN, SDP_PLAIN);
	kit_wait(k, 10000);
	notified(w, "active", "<rpid:on-the-phone/>");
	assert_false(phone_names(w, "1001"));
	call_down(c, b);
	kit_wait(k, 10000);
	notified(w, "active", "<basic>open</basic>");
	unwatch(w, PRESENCE);
}

static void what_is_not_published(void **state)
{
	struct kit *k = *state;
	struct phone *b = &k->phone[BOB];
	char long_doc[9000], match[128];

	publish(b, "Content-Type: application/pidf+xml\r\n", "", PIDF_DOC("open", ""), 489);
	publish(b, "Event: dialog\r\nContent-Type: application/pidf+xml\r\n", "", PIDF_DOC("open", ""), 489);
	assert_true(phone_has(b, "Allow-Events"));
	publish(b, PRESENCE "Content-Type: text/plain\r\n", "", "open", 415);
	assert_true(phone_has(b, "Accept: application/pidf+xml"));
	publish(b, PIDF_TYPE "Content-Encoding: gzip\r\n", "", PIDF_DOC("open", ""), 415);
	publish(b, PRESENCE, "", NULL, 400);
	publish(b, PIDF_TYPE, "", "<presence", 400);
	publish(b, PIDF_TYPE, "",
		"<!DOCTYPE presence [<!ENTITY x 'y'>]><presence xmlns='urn:ietf:params:xml:ns:pidf'/>", 400);
	publish(b, PIDF_TYPE "Expires: 10\r\n", "", PIDF_DOC("open", ""), 423);
	publish(b, PRESENCE, "SIP-If-Match: nothing\r\n", NULL, 412);
	phone_request(b, "PUBLISH", "1003", "1002", "1003", PIDF_TYPE, PIDF_DOC("open", ""));
	phone_expect_status(b, 403);
	phone_request(b, "PUBLISH", "1999", "1002", "1999", PIDF_TYPE, PIDF_DOC("open", ""));
	phone_expect_status(b, 404);
	memset(long_doc, ' ', sizeof long_doc);
	memcpy(long_doc, PIDF_DOC("open", ""), sizeof PIDF_DOC("open", "") - 1);
	long_doc[8000] = 0;
	assert_int_equal(rf_call_core_census(k->core).publications, 0);
	/* a number has four; the fifth takes the place of the oldest */
	for (int i = 0; i < 5; i++) {
		publish(b, PIDF_TYPE, "", PIDF_DOC("open", ""), 200);
		if (i == 0)
			etag_of(b, match);
		assert_int_equal(rf_call_core_census(k->core).publications, i < 4 ? i + 1 : 4);
	}
	publish(b, PRESENCE, match, NULL, 412);
	publish(b, PIDF_TYPE, "", PIDF_DOC("open", ""), 200);
	etag_of(b, match);
	publish(b, PRESENCE "Expires: 0\r\n", match, NULL, 200);
	assert_int_equal(rf_call_core_census(k->core).publications, 3);
	publish(b, PRESENCE "Expires: 0\r\n", match, NULL, 412);
	kit_wait(k, 7300000);
	rf_call_core_expire(k->core);
	assert_int_equal(rf_call_core_census(k->core).publications, 0);
}

static void drop_first(struct kit *k)
{
	rf_sub_drop(TAILQ_FIRST(&k->core->subs->list), NULL);
}

static void bounds(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID];
	struct rf_board_counts c;

	for (int i = 0; i < RF_SUBS_PER_NUMBER; i++) {
		subscribe(w, "1002", DIALOG "Expires: 60\r\n");
		phone_expect_status(w, 200);
		if (i % 40 == 39) { /* the clock stands, so that no NOTIFY comes: the rate of requests begins anew */
			rf_rates_free(k->core->rates);
			assert_int_equal(rf_rates_new(10, &k->core->hash_key, &k->core->rates), 0);
		}
	}
	subscribe(w, "1002", DIALOG "Expires: 60\r\n");
	phone_expect_status(w, 503);
	assert_true(phone_has(w, "Retry-After: 30"));
	rf_board_counts(k->core->board, &c);
	assert_int_equal(c.subscriptions, RF_SUBS_PER_NUMBER);
	for (size_t i = 0; i < RF_SUBS_PER_NUMBER; i++)
		drop_first(k);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"bound\":\"subscriptions_per_number\""), 1);
	free(text);
}

/* Another directory: the watcher is locked, and may not look any more. */
static void fallen(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID];
	struct rf_diag d;

	watch(w, "1002", DIALOG, "state=\"full\"");
	kit_reload(k);
	kit_wait(k, 100);
	phone_silent(w);
	assert_int_equal(rf_store_phone_lock(k->store, RF_V("cid"), true, &d), 0);
	kit_reload(k);
	kit_wait(k, 100);
	phone_expect(w, "NOTIFY");
	assert_true(phone_has(w, "terminated;reason=rejected"));
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
}

static void nothing(void *ctx)
{
	*(bool *)ctx = true;
}

static void shutting_down(void **state)
{
	struct kit *k = *state;
	struct phone *w = &k->phone[CID];
	bool done = false;

	watch(w, "1002", DIALOG, "state=\"full\"");
	rf_call_core_drain(k->core, nothing, &done);
	assert_true(done);
	kit_run(k);
	phone_expect(w, "NOTIFY");
	assert_true(phone_has(w, "terminated;reason=probation;retry-after=10"));
	assert_int_equal(rf_call_core_census(k->core).subscriptions, 0);
	subscribe(w, "1002", DIALOG);
	phone_expect_status(w, 503);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_refused), T(a_call_is_seen), T(taken_from_the_lamp), T(a_transfer_is_seen),
		T(nameless_after_a_transfer), T(a_call_that_is_there), T(asked_once), T(time_and_refresh),
		T(what_its_answers_mean),
		T(not_too_often), T(mailboxes), T(presence), T(what_is_not_published), T(bounds), T(fallen),
		T(shutting_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

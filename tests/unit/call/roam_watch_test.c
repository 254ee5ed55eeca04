/* A subscription of a phone outside: one request at a time in each of its dialogs, also where nobody waits for the
 * answer any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include "call/roam_watch_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char invited[] =
	"SUBSCRIBE sip:1002@voice.example.org SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK-w\r\n"
	"From: <sip:1001@voice.example.org>;tag=here\r\n"
	"To: <sip:1002@voice.example.org>\r\nCall-ID: w@test\r\nCSeq: 1 SUBSCRIBE\r\n"
	"Contact: <sip:1001@127.0.0.1:5061>\r\nEvent: dialog\r\n"
	"Content-Length: 0\r\n\r\n";

static const char taken[] =
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK-i\r\n"
	"From: <sip:1001@voice.example.org>;tag=ours\r\n"
	"To: <sip:1002@voice.example.org>;tag=theirs\r\nCall-ID: i@test\r\nCSeq: 1 SUBSCRIBE\r\n"
	"Contact: <sip:1002@127.0.0.1:5061>\r\nExpires: 600\r\n"
	"Content-Length: 0\r\n\r\n";

/* As if the controller had taken it. */
static struct rf_roam_watch *standing(struct kit *k)
{
	struct rf_call_core *core = k->core;
	struct rf_roam_watch *w = calloc(1, sizeof *w);
	static struct rf_sip_msg msg;
	struct rf_writer asked;
	const struct rf_dialog_setup inside = {
		.call_id = RF_V("i@test"), .local = RF_V("<sip:1001@voice.example.org>"), .local_tag = RF_V("ours"),
		.remote = RF_V("<sip:1002@voice.example.org>"), .target = RF_V("sip:1002@voice.example.org"), .cseq = 1,
	};

	assert_int_equal(rf_board_subscribe(core->board), 0);
	w->core = core;
	w->package = &rf_sub_dialog;
	w->up = true;
	snprintf(w->host, sizeof w->host, "ctl");
	rf_timer_init(&w->timer, NULL);
	w->party = rf_party_new(core->directory, RF_V("1001"), RF_V("ann"), RF_V(""));
	assert_int_equal(rf_sip_msg_parse(&msg, rf_view_str(invited), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_dialog_new_uas(&msg, RF_V("outer"), false, &w->out), 0);
	rf_dialog_answered(w->out, 200);
	assert_int_equal(rf_dialog_new_uac(&inside, &w->in), 0);
	rf_writer_init(&asked, core->out, sizeof core->out);
	assert_int_equal(rf_dialog_put_request(w->in, RF_V("SUBSCRIBE"), 70, &asked, NULL), 0);
	assert_int_equal(rf_sip_msg_parse(&msg, rf_view_str(taken), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_dialog_response(w->in, &msg), 0);
	rf_table_add(&core->roam_watches->by_out, &w->by_out, rf_hash(&core->hash_key, RF_V("outer")));
	rf_table_add(&core->roam_watches->by_in, &w->by_in, rf_hash(&core->hash_key, RF_V("ours")));
	rf_table_add(&core->roam_watches->by_phone, &w->by_phone, rf_hash(&core->hash_key, RF_V("ann")));
	TAILQ_INSERT_TAIL(&core->roam_watches->list, w, list);
	core->roam_watches->count++;
	return w;
}

/* The phone's refresh is over (its time, or room for others) while ours is still on its way: another one must wait. */
static void one_at_a_time(void **state)
{
	struct kit *k = kit_new_with("minimum", "roaming: { phones: [ann, bob] }\n");
	struct phone *a = &k->phone[0];

	(void)state;
	k->core->limits.subscriptions = 16;
	assert_int_equal(rf_roam_watches_new(k->core, &k->core->roam_watches), 0);
	struct rf_roam_watch *w = standing(k);
	struct rf_cli *under_way = (struct rf_cli *)(void *)k; /* nobody looks into it */

	w->asking = under_way;
	k->core->border = k->outer = true;
	snprintf(a->call_id, sizeof a->call_id, "w@test");
	snprintf(a->local, sizeof a->local, "<sip:1001@voice.example.org>;tag=here");
	snprintf(a->remote, sizeof a->remote, "<sip:1002@voice.example.org>;tag=outer");
	snprintf(a->target, sizeof a->target, "sip:1002@127.0.0.1:%u", k->port);
	a->cseq = 1;
	phone_in_dialog(a, "SUBSCRIBE", "Event: dialog\r\nExpires: 300\r\n", NULL);
	kit_run(k);
	phone_expect_status(a, 500);
	assert_true(phone_has(a, "Retry-After: 1"));
	assert_ptr_equal(w->asking, under_way);
	w->asking = NULL;
	rf_roam_watch_drop(w);
	k->core->border = k->outer = false;
	kit_free(k);
}

/* --- NOTIFY: ann's phone outside watches, and bob's socket is the controller's. */

enum { ANN, CTL, OTHER };

static struct rf_roam_watch *watched(struct kit **ret_k)
{
	struct kit *k = kit_new_with("minimum", "roaming: { phones: [ann, bob] }\n");
	struct phone *ctl = &k->phone[CTL];

	phone_register(&k->phone[ANN]); /* where she is found */
	k->core->limits.subscriptions = 16;
	assert_int_equal(rf_roam_watches_new(k->core, &k->core->roam_watches), 0);
	struct rf_roam_watch *w = standing(k);

	w->id_n = 1;
	w->id[0] = '7';
	k->core->border = k->outer = true;
	ctl->id = (struct rf_pki_id){ .present = true, .serial_len = 1, .serial = { 7 }, .not_after_s = INT64_MAX };
	snprintf(ctl->id.domains, sizeof ctl->id.domains, "127.0.0.1 ");
	ctl->certificate = true;
	snprintf(ctl->call_id, sizeof ctl->call_id, "i@test");
	snprintf(ctl->local, sizeof ctl->local, "<sip:1002@voice.example.org>;tag=theirs");
	snprintf(ctl->remote, sizeof ctl->remote, "<sip:1001@voice.example.org>;tag=ours");
	snprintf(ctl->target, sizeof ctl->target, "sip:1001@127.0.0.1:%u", k->port);
	*ret_k = k;
	return w;
}

static void over(struct kit *k)
{
	k->core->border = k->outer = false;
	while (!TAILQ_EMPTY(&k->core->roam_watches->list))
		rf_roam_watch_drop(TAILQ_FIRST(&k->core->roam_watches->list));
	kit_free(k);
}

#define INFO(text) "Content-Type: application/dialog-info+xml\r\n", text
#define ACTIVE "Event: dialog\r\nSubscription-State: active;expires=300\r\n"

static void notify(struct kit *k, const char *headers, const char *type, const char *body)
{
	char extra[1024];

	snprintf(extra, sizeof extra, "%s%s", headers, type);
	phone_in_dialog(&k->phone[CTL], "NOTIFY", extra, body);
	kit_run(k);
}

static size_t watches(struct kit *k)
{
	return rf_roam_watches_count(k->core->roam_watches);
}

/* What crosses is said anew; what the phone says to it goes back. */
static void told_anew(void **state)
{
	struct kit *k;
	struct rf_roam_watch *w = watched(&k);
	struct phone *ann = &k->phone[ANN], *ctl = &k->phone[CTL];

	(void)state;
	notify(k,
	       "Event: dialog;x=10.20.0.11\r\nSubscription-State: Active ;expires=300;reason=giveup;at=10.20.0.11\r\n"
	       "Warning: 399 ctl \"x\"\r\nCall-Info: <http://ctl/>\r\n",
	       INFO("<dialog-info/>"));
	phone_expect(ann, "NOTIFY");
	assert_true(phone_has(ann, "Event: dialog;id=7\r\n") &&
		    phone_has(ann, "Subscription-State: active;expires=300;reason=giveup\r\n"));
	assert_true(phone_has(ann, "<dialog-info/>") && phone_has(ann, "Call-ID: w@test") &&
		    phone_has(ann, "tag=outer"));
	assert_false(phone_has(ann, "10.20.0.11") || phone_has(ann, "ctl") || phone_has(ann, "i@test") ||
		     phone_has(ann, "theirs"));
	phone_silent(ctl); /* not before she has it */
	assert_non_null(w->telling);
	notify(k, ACTIVE, INFO("<dialog-info/>"));
	phone_expect_status(ctl, 503); /* one at a time */
	assert_true(phone_has(ctl, "Retry-After: 1"));
	phone_silent(ann);
	phone_answer(ann, 200, NULL, NULL);
	phone_expect_status(ctl, 200);
	assert_true(!w->telling && !w->told && watches(k) == 1);

	/* later, please: it stays */
	notify(k, ACTIVE, "", NULL);
	phone_expect(ann, "NOTIFY");
	phone_answer(ann, 503, NULL, NULL);
	phone_expect_status(ctl, 503);
	assert_true(phone_has(ctl, "Retry-After: 5") && watches(k) == 1);
	/* she has forgotten it: nobody has it any more */
	notify(k, ACTIVE, "", NULL);
	phone_expect(ann, "NOTIFY");
	phone_answer(ann, 481, NULL, NULL);
	phone_expect_status(ctl, 481);
	assert_int_equal(watches(k), 0);
	over(k);
}

/* Nobody waits for the answer to a NOTIFY any more, and ours is still on its way: another one must wait. */
static void one_told_at_a_time(void **state)
{
	struct kit *k;
	struct rf_roam_watch *w = watched(&k);
	struct phone *ann = &k->phone[ANN], *ctl = &k->phone[CTL];
	struct rf_cli *under_way;

	(void)state;
	notify(k, ACTIVE, "", NULL);
	phone_expect(ann, "NOTIFY");
	under_way = w->telling;
	assert_true(under_way && w->told);
	rf_srv_watch(w->told, NULL, NULL); /* its time was over, or others needed the room */
	rf_srv_reply_code(w->told, 500);
	w->told = NULL;
	phone_expect_status(ctl, 500);
	notify(k, ACTIVE, "", NULL);
	phone_expect_status(ctl, 503);
	assert_ptr_equal(w->telling, under_way);
	phone_silent(ann);
	phone_answer(ann, 200, NULL, NULL); /* and nobody hears it */
	phone_silent(ctl);
	assert_null(w->telling);
	notify(k, ACTIVE, "", NULL);
	phone_expect(ann, "NOTIFY");
	phone_answer(ann, 200, NULL, NULL);
	phone_expect_status(ctl, 200);
	over(k);
}

static void not_told(void **state)
{
	static const struct {
		const char *what, *headers, *type, *body;
		unsigned code;
		bool ends;           /* for the phone, too */
	} rows[] = {
		{ "an address", ACTIVE, INFO("<a>sip:1002@10.20.0.11</a>"), 415, true },
		{ "the same in another family", ACTIVE, INFO("<a>[::ffff:a14:b]</a>"), 415, true },
		{ "a host", ACTIVE, INFO("<a>CTL.voice.example.org</a>"), 415, true },
		{ "another type", ACTIVE, "Content-Type: text/plain\r\n", "x", 415, true },
		{ "no type", ACTIVE, "Content-Type: application/sdp\r\n", "v=0\r\n", 415, true },
		{ "another package", "Event: presence\r\nSubscription-State: active\r\n", "", NULL, 489, false },
		{ "an id that we did not give", "Event: dialog;id=7\r\nSubscription-State: active\r\n", "", NULL, 489, false },
		{ "no state", "Event: dialog\r\n", "", NULL, 489, false },
		{ "a state that there is not", "Event: dialog\r\nSubscription-State: asleep\r\n", "", NULL, 489, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct kit *k;

		watched(&k);
		notify(k, rows[i].headers, rows[i].type, rows[i].body);
		phone_expect_status(&k->phone[CTL], rows[i].code);
		if (watches(k) != !rows[i].ends)
			fail_msg("%s", rows[i].what);
		if (rows[i].ends) {
			phone_expect(&k->phone[ANN], "NOTIFY");
			assert_true(phone_has(&k->phone[ANN], "Subscription-State: terminated;reason=noresource\r\n"));
			assert_true(phone_has(&k->phone[ANN], "Content-Length: 0"));
			assert_int_equal(rf_border_listed(k->core, RF_LIST_BODY), 1);
		}
		phone_silent(&k->phone[ANN]);
		over(k);
	}
}

/* Its last word, and words of who is not its controller. */
static void ends_and_strangers(void **state)
{
	struct kit *k;
	struct rf_roam_watch *w = watched(&k);
	struct phone *ann = &k->phone[ANN], *ctl = &k->phone[CTL];

	(void)state;
	snprintf(w->host, sizeof w->host, "ctl-b");
	notify(k, ACTIVE, "", NULL);
	phone_expect_status(ctl, 403); /* a controller, and not the one that took it */
	snprintf(w->host, sizeof w->host, "ctl");
	ctl->certificate = false;
	notify(k, ACTIVE, "", NULL);
	phone_expect_status(ctl, 403);
	ctl->certificate = true;
	phone_in_dialog(ctl, "SUBSCRIBE", "Event: dialog\r\n", NULL);
	kit_run(k);
	phone_expect_status(ctl, 405);
	phone_silent(ann);
	assert_int_equal(watches(k), 1);
	/* the last one is not said again, so it waits for none before it */
	notify(k, ACTIVE, "", NULL);
	phone_expect(ann, "NOTIFY");
	notify(k, "Event: dialog\r\nSubscription-State: terminated;reason=timeout;expires=5;retry-after=9\r\n", "",
	       NULL);
	phone_expect_status(ctl, 200);
	phone_expect_status(ctl, 200);
	phone_expect(ann, "NOTIFY");
	assert_true(phone_has(ann, "Subscription-State: terminated;reason=timeout;retry-after=9\r\n"));
	assert_int_equal(watches(k), 0);
	over(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(told_anew),
		cmocka_unit_test(one_told_at_a_time),
		cmocka_unit_test(not_told),
		cmocka_unit_test(ends_and_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

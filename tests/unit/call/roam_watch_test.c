/* A subscription of a phone outside: one request at a time in each of its dialogs, also where nobody waits for the answer any more. */
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
	"SUBSCRIBE sip:1002@voice.example.org SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK-w\r\nFrom: <sip:1001@voice.example.org>;tag=here\r\n"
	"To: <sip:1002@voice.example.org>\r\nCall-ID: w@test\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:1001@127.0.0.1:5061>\r\nEvent: dialog\r\n"
	"Content-Length: 0\r\n\r\n";

/* As if the controller had taken it. */
static struct rf_roam_watch *standing(struct kit *k)
{
	struct rf_call_core *core = k->core;
	struct rf_roam_watch *w = calloc(1, sizeof *w);
	static struct rf_sip_msg msg;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The border's side, on a wheel that the test turns: repetitions, failover, health, what comes too late or from
 * elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "fail_alloc.h"
#include "media/ng_client.h"

/* Relays of the test: what was sent to each, and what they answer ("" nothing). */
struct world {
	struct rf_wheel wheel;
	struct rf_ng_client *client;
	unsigned sent[3], pings[3];
	uint8_t last[3][2048];
	size_t last_n[3];
	bool answers_pings[3];
	bool cut[3];
	char health[64];
	int done, err, relay;
	enum rf_ng_result result;
	char sdp[64];
	unsigned keys, key, key_ms;
};

static void on_send(void *arg, unsigned relay, struct rf_view bytes)
{
	struct world *w = arg;
	bool is_ping = memmem(bytes.p, bytes.n, "4:ping", 6) != NULL;

	if (is_ping)
		w->pings[relay]++;
	else
		w->sent[relay]++;
	if (w->cut[relay])
		rf_ng_client_cut(w->client, relay);
	if (is_ping && !w->answers_pings[relay])
		return;
	assert_true(bytes.n <= sizeof w->last[relay]);
	memcpy(w->last[relay], bytes.p, bytes.n);
	w->last_n[relay] = bytes.n;
}

static void on_health(void *arg, unsigned relay, bool well)
{
	struct world *w = arg;
	size_t n = strlen(w->health);

	snprintf(w->health + n, sizeof w->health - n, "%u%s ", relay, well ? "+" : "-");
}

static void on_done(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct world *w = arg;

	w->done++;
	w->err = err;
	w->relay = relay;
	assert_true(!reply == (err != 0));
	if (reply) {
		w->result = reply->result;
		snprintf(w->sdp, sizeof w->sdp, "%.*s", RF_VFMT(reply->sdp));
	}
}

static void on_event(void *arg, unsigned relay, const struct rf_ng_event *e)
{
	struct world *w = arg;

	assert_true(relay == 1 && rf_view_eq(e->call_id, RF_V("c1")) && rf_view_eq(e->tag, RF_V("site")));
	w->keys++;
	w->key = e->code;
	w->key_ms = e->ms;
}

static const struct rf_ng_client_ops ops = { .send = on_send, .health = on_health, .event = on_event };

static void begin(struct world *w, unsigned relays, uint32_t reliable)
{
	struct rf_ng_client_conf conf = { .wheel = &w->wheel,
					  .ops = &ops,
					  .arg = w,
					  .n_relays = relays,
					  .reliable = reliable,
					  .cookie_key = 0x1234,
					  .asks_max = 8 };

	*w = (struct world){ .done = 0 };
	rf_wheel_init(&w->wheel, (struct rf_mono){ 1000000 });
	assert_int_equal(rf_ng_client_new(&conf, &w->client), 0);
}

/* Answer what was last sent to the relay with body. */
static void answer(struct world *w, unsigned relay, unsigned as, const char *body)
{
	char text[512];
	size_t cookie = rf_view_find(rf_view_of(w->last[relay], w->last_n[relay]), ' ');
	int n = snprintf(text, sizeof text, "%.*s %s", (int)cookie, (const char *)w->last[relay], body);

	rf_ng_client_datagram(w->client, as, rf_view_of(text, (size_t)n));
}

static void pass(struct world *w, unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		rf_wheel_advance(&w->wheel, rf_mono_add_ms(w->wheel.now, 10), 0);
		for (unsigned r = 0; r < 3; r++)
			if (w->answers_pings[r] && w->last_n[r] && memmem(w->last[r], w->last_n[r], "4:ping", 6)) {
				answer(w, r, r, "d6:result4:ponge");
				w->last_n[r] = 0;
			}
	}
}

static int ask(struct world *w, int relay)
{
	struct rf_ng_request q = {
		.command = RF_NG_OFFER, .call_id = RF_V("c"), .from_tag = RF_V("a"), .sdp = RF_V("v=0\r\n")
	};

	return rf_ng_client_ask(w->client, &q, relay, on_done, w);
}

static const char *const ok = "d6:result2:ok3:sdp3:newe", *const full = "d7:message4:full6:result10:load limite";

static void one_relay(void **state)
{
	struct rf_ng_client_stats stats;
	struct world w;

	(void)state;
	begin(&w, 1, 0);
	w.answers_pings[0] = true;
	pass(&w, 20);
	assert_int_equal(w.pings[0], 1);
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	assert_int_equal(w.sent[0], 1);
	answer(&w, 0, 0, ok);
	assert_true(w.done == 1 && w.err == 0 && w.relay == 0 && w.result == RF_NG_OK && !strcmp(w.sdp, "new"));
	answer(&w, 0, 0, ok); /* once more: nobody waits */
	assert_int_equal(w.done, 1);
	/* Lost twice, then answered. */
	w.answers_pings[0] = false;
	assert_int_equal(ask(&w, 0), 0);
	pass(&w, 240);
	assert_int_equal(w.sent[0], 2);
	pass(&w, 20);
	assert_int_equal(w.sent[0], 3);
	pass(&w, 500);
	assert_int_equal(w.sent[0], 4);
	answer(&w, 0, 0, ok);
	assert_int_equal(w.done, 2);
	/* From another relay, with another cookie, without one: not ours. */
	assert_int_equal(ask(&w, 0), 0);
	answer(&w, 0, 1, ok);
	rf_ng_client_datagram(w.client, 0, RF_V("0000000000001234_99 d6:result2:oke"));
	rf_ng_client_datagram(w.client, 0, RF_V("0000000000009999_3 d6:result2:oke"));
	rf_ng_client_datagram(w.client, 0, RF_V("junk"));
	rf_ng_client_datagram(w.client, 0, RF_V(""));
	assert_int_equal(w.done, 2);
	/* What nobody can read is no answer to wait longer for. */
	answer(&w, 0, 0, "d6:result2:ok");
	assert_true(w.done == 3 && w.err == RF_E_MALFORMED);
	rf_ng_client_stats(w.client, &stats);
	assert_true(stats.asked == 3 && stats.answered == 2 && stats.stray == 6 && stats.malformed == 1 &&
		    stats.outstanding == 0);
	rf_ng_client_free(w.client);
	assert_int_equal(w.wheel.count, 0);
}

static void dead_and_well_again(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 0);
	w.answers_pings[0] = true;
	pass(&w, 20);
	w.answers_pings[0] = false;
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	pass(&w, 1990);
	assert_int_equal(w.done, 0);
	pass(&w, 30);
	assert_true(w.done == 1 && w.err == RF_E_TIMEOUT);
	assert_string_equal(w.health, "0- ");
	assert_false(rf_ng_client_well(w.client, 0));
	assert_int_equal(ask(&w, RF_NG_ANY), RF_E_BUSY);
	assert_int_equal(ask(&w, 0), RF_E_BUSY);
	w.answers_pings[0] = true;
	pass(&w, 5000);
	assert_string_equal(w.health, "0- 0+ ");
	assert_int_equal(ask(&w, 0), 0);
	answer(&w, 0, 0, ok);
	/* Two pings in a row without an answer: dead without any request. */
	w.answers_pings[0] = false;
	pass(&w, 12500);
	assert_string_equal(w.health, "0- 0+ 0- ");
	rf_ng_client_free(w.client);
}

static void failover(void **state)
{
	struct rf_ng_client_stats stats;
	struct world w;

	(void)state;
	begin(&w, 3, 0);
	w.answers_pings[0] = w.answers_pings[1] = w.answers_pings[2] = true;
	pass(&w, 20);
	/* The first says load limit, the second does not answer, the third does. */
	w.answers_pings[1] = false;
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	answer(&w, 0, 0, full);
	assert_true(w.done == 0 && w.sent[1] == 1);
	pass(&w, 2020);
	assert_true(w.done == 0 && w.sent[2] == 1);
	answer(&w, 1, 1, ok); /* too late */
	assert_int_equal(w.done, 0);
	answer(&w, 2, 2, ok);
	assert_true(w.done == 1 && w.relay == 2);
	assert_string_equal(w.health, "1- ");
	/* All are full: that is the answer. */
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	answer(&w, 0, 0, full);
	answer(&w, 2, 2, full);
	assert_true(w.done == 2 && w.err == 0 && w.result == RF_NG_LOAD_LIMIT && w.relay == 2);
	/* A call's own relay: no other is asked. */
	assert_int_equal(ask(&w, 2), 0);
	answer(&w, 2, 2, full);
	assert_true(w.done == 3 && w.result == RF_NG_LOAD_LIMIT);
	/* A relay dies by its pings while something waits: that goes elsewhere at once. */
	w.answers_pings[0] = false;
	pass(&w, 8900);
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	pass(&w, 1100);
	assert_true(w.done == 3 && strstr(w.health, "0-"));
	answer(&w, 2, 2, ok);
	assert_true(w.done == 4 && w.err == 0 && w.relay == 2);
	rf_ng_client_stats(w.client, &stats);
	assert_int_equal(stats.failed_over, 4);
	rf_ng_client_free(w.client);
}

/* On a stream nothing is lost on the way: one question without an answer may be the question's fault. */
static void reliable(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 1);
	w.answers_pings[0] = true;
	pass(&w, 20);
	assert_int_equal(ask(&w, 0), 0);
	assert_int_equal(ask(&w, 0), 0);
	pass(&w, 1990);
	assert_int_equal(w.sent[0], 2);
	pass(&w, 20);
	assert_true(w.done == 2 && w.err == RF_E_TIMEOUT);
	assert_true(rf_ng_client_well(w.client, 0)); /* both waited together: that counts once */
	assert_int_equal(ask(&w, 0), 0);
	pass(&w, 2010);
	assert_true(w.done == 3 && !rf_ng_client_well(w.client, 0));
	assert_string_equal(w.health, "0- ");
	pass(&w, 5000); /* a ping is answered */
	assert_true(rf_ng_client_well(w.client, 0));
	/* What is answered between two that are not: they are not in a row. */
	assert_int_equal(ask(&w, 0), 0);
	pass(&w, 2010);
	pass(&w, 5000);
	assert_int_equal(ask(&w, 0), 0);
	pass(&w, 2010);
	assert_true(w.done == 5 && rf_ng_client_well(w.client, 0));
	rf_ng_client_free(w.client);
}

/* A stream that ends, or is not there: nobody waits for its answers. */
static void cut(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 2, 1);
	w.answers_pings[0] = w.answers_pings[1] = true;
	pass(&w, 20);
	assert_int_equal(ask(&w, 0), 0);
	rf_ng_client_cut(w.client, 0);
	assert_int_equal(w.done, 0);
	pass(&w, 20);
	assert_true(w.done == 1 && w.err == RF_E_TIMEOUT && rf_ng_client_well(w.client, 0));
	w.answers_pings[0] = false;
	w.cut[0] = true;
	assert_int_equal(ask(&w, RF_NG_ANY), 0);
	pass(&w, 20);
	assert_true(w.done == 1 && w.sent[1] == 1);
	answer(&w, 1, 1, ok);
	assert_true(w.done == 2 && w.relay == 1);
	pass(&w, 11000);
	assert_false(rf_ng_client_well(w.client, 0));
	rf_ng_client_cut(w.client, 7); /* no such relay */
	rf_ng_client_free(w.client);
}

static int tell(struct world *w, int relay)
{
	struct rf_ng_request q = { .command = RF_NG_DELETE, .call_id = RF_V("c") };

	return rf_ng_client_tell(w->client, &q, relay);
}

static size_t owed(const struct world *w)
{
	struct rf_ng_client_stats stats;

	rf_ng_client_stats(w->client, &stats);
	return stats.owed;
}

/* The end of a call reaches its relay when that is well again: in order, few at a time, once each. */
static void what_is_owed(void **state)
{
	static const char *const gone = "d6:result2:oke";
	struct rf_ng_client_stats stats;
	struct world w;

	(void)state;
	begin(&w, 2, 1);
	w.answers_pings[0] = w.answers_pings[1] = true;
	pass(&w, 20);
	assert_int_equal(tell(&w, 0), 0);
	assert_true(w.sent[0] == 1 && owed(&w) == 0);
	answer(&w, 0, 0, gone);
	assert_int_equal(tell(&w, 2), RF_E_LIMIT);
	assert_int_equal(tell(&w, RF_NG_ANY), RF_E_LIMIT);
	/* One is lost with the relay, 20 more come while it is away. */
	w.answers_pings[0] = false;
	assert_int_equal(tell(&w, 0), 0);
	pass(&w, 13000);
	assert_true(!rf_ng_client_well(w.client, 0) && owed(&w) == 1 && w.sent[0] == 3); /* tried twice */
	for (int i = 0; i < 20; i++)
		assert_int_equal(tell(&w, 0), 0);
	assert_true(owed(&w) == 21 && w.sent[0] == 3 && w.sent[1] == 0);
	w.answers_pings[0] = true;
	for (int i = 0; i < 600 && !rf_ng_client_well(w.client, 0); i++)
		pass(&w, 10);
	assert_true(w.sent[0] > 3 && w.sent[0] <= 3 + 8); /* as many as may be outstanding here */
	for (int i = 0; i < 100 && owed(&w); i++) { /* the last one is answered, the others come again */
		answer(&w, 0, 0, gone);
		pass(&w, 2010);
	}
	assert_int_equal(owed(&w), 0);
	rf_ng_client_free(w.client);
	/* There is a bound, and an hour. */
	begin(&w, 1, 1);
	pass(&w, 13000);
	assert_false(rf_ng_client_well(w.client, 0));
	for (int i = 0; i < 5000; i++)
		assert_int_equal(tell(&w, 0), 0);
	rf_ng_client_stats(w.client, &stats);
	assert_true(stats.owed == 4096 && stats.forgotten == 5000 - 4096 && stats.told == 5000);
	pass(&w, 3600 * 1000);
	w.answers_pings[0] = true;
	pass(&w, 10000);
	rf_ng_client_stats(w.client, &stats);
	assert_true(rf_ng_client_well(w.client, 0) && stats.owed == 0 && stats.forgotten == 5000 && w.sent[0] == 0);
	w.answers_pings[0] = false;
	pass(&w, 20000);
	assert_int_equal(tell(&w, 0), 0); /* goes with the client */
	rf_ng_client_free(w.client);
	assert_int_equal(w.wheel.count, 0);
}

static void ends(void **state)
{
	struct rf_ng_request big = { .command = RF_NG_OFFER };
	static uint8_t sdp[RF_NG_BYTES_MAX];
	struct rf_ng_client *none;
	struct world w;

	(void)state;
	begin(&w, 1, 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ask(&w, 0), 0);
	assert_int_equal(ask(&w, 0), RF_E_LIMIT);
	rf_ng_client_forget(w.client, &w);
	assert_int_equal(w.done, 0);
	assert_int_equal(ask(&w, 0), 0);
	assert_int_equal(ask(&w, 1), RF_E_BUSY);
	big.sdp = rf_view_of(sdp, sizeof sdp);
	assert_int_equal(rf_ng_client_ask(w.client, &big, 0, on_done, &w), RF_E_SPACE);
	rf_ng_client_free(w.client);
	assert_true(w.done == 1 && w.err == RF_E_CLOSED);
	assert_int_equal(rf_ng_client_new(&(struct rf_ng_client_conf){ .n_relays = 0 }, &none), RF_E_INVALID);
	assert_int_equal(rf_ng_client_new(&(struct rf_ng_client_conf){ .n_relays = RF_NG_RELAYS_MAX + 1 }, &none),
			 RF_E_INVALID);
}

static void memory_fails(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct world w;
		int err;

		begin(&w, 1, 0);
		fail_alloc_at(n);
		err = ask(&w, 0);
		if (err == 0)
			answer(&w, 0, 0, ok);
		bool failed = fail_alloc_off();
		assert_true(err == -ENOMEM || w.done == !failed);
		rf_ng_client_free(w.client);
		assert_true(err == -ENOMEM || w.done == 1);
		assert_int_equal(w.wheel.count, 0);
		if (!failed)
			break;
	}
}

/* What a relay tells unasked: every prefix of it, and what is none. */
static void events(void **state)
{
	static const char *const bad[] = {
		"event_1 d7:call-id2:c14:codei16e8:durationi160e5:event4:DTMF3:tag4:sitee",
		"event_1 d7:call-id2:c14:code1:58:durationi160e5:event4:DTMF3:tag4:sitee",
		"event_1 d7:call-id2:c14:codei5e8:durationi65536e5:event4:DTMF3:tag4:sitee",
		"event_1 d7:call-id2:c14:codei5e8:durationi160e5:event4:Tone3:tag4:sitee",
		"event_1 d4:codei5e8:durationi160e5:event4:DTMF3:tag4:sitee",
		"event_1 d7:call-id2:c14:codei5e8:durationi160e5:event4:DTMFe",
	};
	struct rf_ng_event e = { RF_V("c1"), RF_V("site"), 11, 160 };
	struct rf_ng_client_stats stats;
	uint8_t text[128];
	struct rf_writer out;
	struct world w;

	(void)state;
	begin(&w, 2, 2);
	rf_writer_init(&out, text, sizeof text);
	rf_ng_event_put(&out, 7, &e);
	assert_int_equal(out.err, 0);
	for (size_t n = 0; n < out.n; n++)
		rf_ng_client_datagram(w.client, 1, rf_view_of(text, n));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		rf_ng_client_datagram(w.client, 1, rf_view_str(bad[i]));
	assert_int_equal(w.keys, 0);
	rf_ng_client_stats(w.client, &stats);
	assert_int_equal(stats.stray, out.n + sizeof bad / sizeof *bad);
	rf_ng_client_datagram(w.client, 1, rf_view_of(text, out.n));
	assert_true(w.keys == 1 && w.key == 11 && w.key_ms == 160);
	rf_ng_client_datagram(w.client, 0, rf_view_of(text, out.n)); /* by UDP anybody may say that */
	assert_int_equal(w.keys, 1);
	fail_alloc_at(1);
	rf_ng_client_datagram(w.client, 1, rf_view_of(text, out.n));
	fail_alloc_off();
	assert_in_range(w.keys, 1, 2);
	rf_ng_client_free(w.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_relay), cmocka_unit_test(dead_and_well_again), cmocka_unit_test(failover),
		cmocka_unit_test(reliable), cmocka_unit_test(cut), cmocka_unit_test(what_is_owed),
		cmocka_unit_test(ends), cmocka_unit_test(events), cmocka_unit_test(memory_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

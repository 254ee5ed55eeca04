/* A client and a server machine with a network between them that loses, doubles and reorders. Whatever it does: both
 * ends end, the client's user hears exactly one final outcome, and nothing comes out of a machine that has ended. */
#include "sip/trans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RUNS = 20000, MAIL_MAX = 512, USER_PATIENCE_MS = 100000 };

enum what { REQUEST, RESPONSE, ACK, ACK_2XX };

struct mail {
	struct rf_mono at;
	enum what what;
	unsigned code;
	bool to_server;
};

struct world {
	uint64_t seed, random;
	bool invite, reliable;
	unsigned lose, twice; /* of 1000 */
	struct rf_mono now;
	struct mail mail[MAIL_MAX];
	size_t mail_count;

	struct rf_trans client, server;
	bool server_there;
	unsigned requests_sent;

	/* the client's user */
	unsigned finals, accepted;   /* outcomes other than 2xx; 2xx heard, repeats included */
	unsigned final_code;
	bool cancelled;
	struct rf_mono patience;

	/* the server's user */
	struct rf_mono ring_at, answer_at;
	unsigned answer, answers_taken;
	bool answered, acked;
	struct rf_resend resend; /* of a 2xx to INVITE */
};

static uint64_t roll(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static bool chance(struct world *w, unsigned of_1000)
{
	return roll(w) % 1000 < of_1000;
}

static void post_one(struct world *w, bool to_server, enum what what, unsigned code)
{
	assert_true(w->mail_count < MAIL_MAX);
	uint64_t delay_ms = w->reliable ? 20 : 1 + roll(w) % (chance(w, 100) ? 2000 : 60);
	w->mail[w->mail_count++] = (struct mail){ rf_mono_add_ms(w->now, delay_ms), what, code, to_server };
}

static void post(struct world *w, bool to_server, enum what what, unsigned code)
{
	if (!w->reliable && chance(w, w->lose))
		return;
	post_one(w, to_server, what, code);
	if (!w->reliable && chance(w, w->twice))
		post_one(w, to_server, what, code);
}

/* --- doing what the machines say */

static void client_does(struct world *w, unsigned todo, unsigned code)
{
	if (todo & RF_TRANS_SEND_REQUEST) {
		post(w, true, REQUEST, 0);
		assert_true(++w->requests_sent <= 11); /* 17.1.1.2: 7; 17.1.2.2: 11 */
	}
	if (todo & RF_TRANS_SEND_ACK)
		post(w, true, ACK, 0);
	if (todo & (RF_TRANS_TIMEOUT | RF_TRANS_FAILED))
		w->finals++;
	if ((todo & RF_TRANS_TO_USER) && code >= 200) {
		if (w->invite && code < 300) {
			w->accepted++;
			post(w, true, ACK_2XX, 0);
		} else {
			w->finals++;
		}
		assert_true(w->final_code == 0 || w->final_code == code);
		w->final_code = code;
	}
	if (todo & RF_TRANS_TERMINATED)
		assert_int_equal(w->client.state, RF_TRANS_ENDED);
}

static void server_does(struct world *w, unsigned todo, unsigned code)
{
	assert_int_equal(todo & (RF_TRANS_SEND_REQUEST | RF_TRANS_SEND_ACK), 0);
	if (todo & RF_TRANS_SEND_100)
		post(w, false, RESPONSE, 100);
	if (todo & RF_TRANS_SEND_RESPONSE)
		post(w, false, RESPONSE, code ? code : w->server.code);
	if ((todo & RF_TRANS_TIMEOUT) && w->invite)
		assert_false(w->acked);
}

static void client_step(struct world *w, enum rf_trans_event event, unsigned code)
{
	bool over = w->client.state == RF_TRANS_ENDED;
	unsigned todo = rf_trans_step(&w->client, event, code, w->now);

	if (over)
		assert_int_equal(todo, 0);
	client_does(w, todo, code);
}

static void server_step(struct world *w, enum rf_trans_event event, unsigned code)
{
	bool over = w->server.state == RF_TRANS_ENDED;
	unsigned todo = rf_trans_step(&w->server, event, code, w->now);

	if (over)
		assert_int_equal(todo & ~(unsigned)RF_TRANS_REFUSED, 0);
	server_does(w, todo, code);
	if (event == RF_TRANS_REPLY && code >= 200 && (todo & RF_TRANS_SEND_RESPONSE))
		w->answers_taken++;
}

/* --- the server's user */

static void server_begins(struct world *w)
{
	static const unsigned answers[] = { 200, 202, 302, 404, 486, 500, 603 };

	w->server_there = true;
	rf_trans_start(&w->server, w->invite ? RF_TRANS_IST : RF_TRANS_NIST, w->reliable, &rf_sip_timers_default,
		       w->now);
	w->answer = answers[roll(w) % 7];
	w->answer_at = rf_mono_add_ms(w->now, chance(w, 500) ? roll(w) % 300 : roll(w) % 30000);
	w->ring_at = w->invite && chance(w, 700) ? rf_mono_add_ms(w->now, roll(w) % 1000) : rf_mono_never();
	if (!w->invite && chance(w, 50))
		w->answer_at = rf_mono_never(); /* a user that never answers */
	rf_resend_stop(&w->resend);
}

static void server_user(struct world *w)
{
	if (rf_mono_due(w->ring_at, w->now) && !w->answered) {
		w->ring_at = rf_mono_never();
		server_step(w, RF_TRANS_REPLY, 180);
	}
	if (rf_mono_due(w->answer_at, w->now)) {
		w->ring_at = w->answer_at = rf_mono_never();
		w->answered = true;
		server_step(w, RF_TRANS_REPLY, w->answer);
		if (w->invite && w->answer < 300)
			rf_resend_start_2xx(&w->resend, &rf_sip_timers_default, w->now);
		server_step(w, RF_TRANS_REPLY, 500); /* a confused user: the second final answer is refused */
		if (!w->invite || w->answer >= 300 || w->answers_taken == 0)
			assert_true(w->answers_taken <= 1);
	}
	if (rf_resend_step(&w->resend, w->now) == RF_RESEND_NOW)
		server_step(w, RF_TRANS_REPLY, w->answer);
}

/* --- the network */

static void deliver(struct world *w, const struct mail *m)
{
	if (!m->to_server) {
		client_step(w, RF_TRANS_RESPONSE, m->code);
		return;
	}
	if (m->what == REQUEST && !w->server_there)
		server_begins(w);
	else if (m->what == REQUEST)
		server_step(w, RF_TRANS_REQUEST, 0);
	else if (m->what == ACK && w->server_there)
		server_step(w, RF_TRANS_ACK, 0);
	else if (m->what == ACK_2XX)
		rf_resend_stop(&w->resend); /* goes to the user, not to the transaction */
	w->acked |= m->what == ACK;
}

static struct rf_mono next_time(const struct world *w)
{
	struct rf_mono at = rf_trans_next(&w->client);

	for (size_t i = 0; i < w->mail_count; i++)
		at = rf_mono_first(at, w->mail[i].at);
	if (w->client.state != RF_TRANS_ENDED && !w->cancelled)
		at = rf_mono_first(at, w->patience);
	if (!w->server_there)
		return at;
	at = rf_mono_first(at, rf_trans_next(&w->server));
	at = rf_mono_first(at, rf_mono_first(w->ring_at, w->answer_at));
	return rf_mono_first(at, rf_resend_next(&w->resend));
}

static void turn(struct world *w)
{
	for (size_t i = 0; i < w->mail_count;) {
		if (!rf_mono_due(w->mail[i].at, w->now)) {
			i++;
			continue;
		}
		struct mail m = w->mail[i];
		w->mail[i] = w->mail[--w->mail_count];
		deliver(w, &m);
	}
	if (rf_mono_due(rf_trans_next(&w->client), w->now))
		client_step(w, RF_TRANS_TIMER, 0);
	if (w->server_there && rf_mono_due(rf_trans_next(&w->server), w->now))
		server_step(w, RF_TRANS_TIMER, 0);
	if (w->server_there)
		server_user(w);
	if (!w->cancelled && rf_mono_due(w->patience, w->now)) {
		w->cancelled = true;
		client_step(w, RF_TRANS_CANCELLED, 0);
	}
}

/* What was seen over all runs, so that a world in which nothing happens does not pass. */
struct seen {
	unsigned timeouts_or_failures, accepted, repeated_2xx, refused, turns;
};

static void run(uint64_t seed, struct seen *seen)
{
	struct world w = { .seed = seed, .random = seed * 0x9e3779b97f4a7c15 + 1, .now = { 1000000 } };
	unsigned turns = 0;

	w.invite = roll(&w) & 1;
	w.reliable = chance(&w, 200);
	w.lose = (unsigned)(roll(&w) % 700);
	w.twice = (unsigned)(roll(&w) % 300);
	w.patience = rf_mono_add_ms(w.now, USER_PATIENCE_MS);
	unsigned todo = rf_trans_start(&w.client, w.invite ? RF_TRANS_ICT : RF_TRANS_NICT, w.reliable,
				       &rf_sip_timers_default, w.now);
	client_does(&w, todo, 0);
	for (;;) {
		struct rf_mono at = next_time(&w);

		if (at.us == rf_mono_never().us)
			break;
		assert_true(at.us >= w.now.us);
		w.now = at;
		turn(&w);
		if (++turns > 3000)
			fail_msg("seed %llu does not end", (unsigned long long)seed);
		if (chance(&w, 2))
			client_step(&w, RF_TRANS_BROKEN, 0);
	}
	if (w.client.state != RF_TRANS_ENDED || (w.server_there && w.server.state != RF_TRANS_ENDED))
		fail_msg("seed %llu: client %s, server %s", (unsigned long long)seed,
			 rf_trans_state_name(w.client.state), rf_trans_state_name(w.server.state));
	unsigned outcomes = w.finals + (w.accepted ? 1 : 0);
	if (outcomes != 1)
		fail_msg("seed %llu: %u outcomes", (unsigned long long)seed, outcomes);
	seen->turns += turns;
	seen->accepted += w.accepted > 0;
	seen->repeated_2xx += w.accepted > 1;
	seen->refused += w.finals && w.final_code;
	seen->timeouts_or_failures += w.finals && !w.final_code;
	if (w.now.us > 400u * 1000000)
		fail_msg("seed %llu: took %llu s", (unsigned long long)seed, (unsigned long long)(w.now.us / 1000000));
}

static void test_thousands_of_runs(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++)
		run(seed, &seen);
	assert_true(seen.turns > RUNS * 10);
	assert_true(seen.accepted > RUNS / 20);
	assert_true(seen.repeated_2xx > RUNS / 50);
	assert_true(seen.refused > RUNS / 5);
	assert_true(seen.timeouts_or_failures > RUNS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_thousands_of_runs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

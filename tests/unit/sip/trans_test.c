/* The four machines, arm by arm, under a clock that the test turns. */
#include "sip/trans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { UDP, TLS };

#define SEND RF_TRANS_SEND_REQUEST
#define ACK RF_TRANS_SEND_ACK
#define TRY RF_TRANS_SEND_100
#define ANS RF_TRANS_SEND_RESPONSE
#define USER RF_TRANS_TO_USER
#define LATE RF_TRANS_TIMEOUT
#define FAIL RF_TRANS_FAILED
#define TIMC RF_TRANS_TIMER_C
#define NO RF_TRANS_REFUSED
#define END RF_TRANS_TERMINATED

/* at_ms from the start; what happens; what must come of it; the state after it. */
struct step {
	unsigned at_ms;
	enum rf_trans_event event;
	unsigned code;
	unsigned todo;
	enum rf_trans_state state;
};

struct scene {
	const char *name;
	enum rf_trans_kind kind;
	bool reliable;
	uint32_t c_ms;
	struct step steps[20]; /* ends with a step at 0 ms after the first */
};

#define T RF_TRANS_TIMER, 0

static const struct scene scenes[] = {
	{ "ICT: timer A doubles, B ends it", RF_TRANS_ICT, UDP, 0, {
		{ 499, T, 0, RF_TRANS_CALLING },
		{ 500, T, SEND, RF_TRANS_CALLING },
		{ 1499, T, 0, RF_TRANS_CALLING },
		{ 1500, T, SEND, RF_TRANS_CALLING },
		{ 3500, T, SEND, RF_TRANS_CALLING },
		{ 7500, T, SEND, RF_TRANS_CALLING },
		{ 15500, T, SEND, RF_TRANS_CALLING },
		{ 31500, T, SEND, RF_TRANS_CALLING },
		{ 31999, T, 0, RF_TRANS_CALLING },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
		{ 32001, RF_TRANS_RESPONSE, 200, 0, RF_TRANS_ENDED },
		{ 32001, T, 0, RF_TRANS_ENDED },
	} },
	{ "ICT over TLS: no timer A", RF_TRANS_ICT, TLS, 0, {
		{ 500, T, 0, RF_TRANS_CALLING },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "ICT: provisional stops A and B", RF_TRANS_ICT, UDP, 0, {
		{ 100, RF_TRANS_RESPONSE, 100, USER, RF_TRANS_PROCEEDING },
		{ 32000, T, 0, RF_TRANS_PROCEEDING },
		{ 40000, RF_TRANS_RESPONSE, 180, USER, RF_TRANS_PROCEEDING },
		{ 500000, RF_TRANS_RESPONSE, 486, ACK | USER, RF_TRANS_COMPLETED },
		{ 500500, RF_TRANS_RESPONSE, 486, ACK, RF_TRANS_COMPLETED },
		{ 500600, RF_TRANS_RESPONSE, 180, 0, RF_TRANS_COMPLETED },
		{ 500600, RF_TRANS_RESPONSE, 200, 0, RF_TRANS_COMPLETED },
		{ 531999, T, 0, RF_TRANS_COMPLETED },
		{ 532000, T, END, RF_TRANS_ENDED },
	} },
	{ "ICT over TLS: timer D is zero", RF_TRANS_ICT, TLS, 0, {
		{ 100, RF_TRANS_RESPONSE, 404, ACK | USER | END, RF_TRANS_ENDED },
	} },
	{ "ICT: 2xx accepted, forks pass, timer M (RFC 6026)", RF_TRANS_ICT, TLS, 0, {
		{ 100, RF_TRANS_RESPONSE, 200, USER, RF_TRANS_ACCEPTED },
		{ 200, RF_TRANS_RESPONSE, 200, USER, RF_TRANS_ACCEPTED },
		{ 200, RF_TRANS_RESPONSE, 180, 0, RF_TRANS_ACCEPTED },
		{ 200, RF_TRANS_RESPONSE, 486, 0, RF_TRANS_ACCEPTED },
		{ 300, RF_TRANS_BROKEN, 0, 0, RF_TRANS_ACCEPTED },
		{ 32099, T, 0, RF_TRANS_ACCEPTED },
		{ 32100, T, END, RF_TRANS_ENDED },
	} },
	{ "ICT: CANCEL that nobody heeds", RF_TRANS_ICT, UDP, 0, {
		{ 50, RF_TRANS_CANCELLED, 0, 0, RF_TRANS_CALLING },
		{ 100, RF_TRANS_RESPONSE, 180, USER, RF_TRANS_PROCEEDING },
		{ 5000, RF_TRANS_CANCELLED, 0, 0, RF_TRANS_PROCEEDING },
		{ 36999, T, 0, RF_TRANS_PROCEEDING },
		{ 37000, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "ICT: CANCEL and 487", RF_TRANS_ICT, UDP, 0, {
		{ 100, RF_TRANS_RESPONSE, 180, USER, RF_TRANS_PROCEEDING },
		{ 5000, RF_TRANS_CANCELLED, 0, 0, RF_TRANS_PROCEEDING },
		{ 5100, RF_TRANS_RESPONSE, 487, ACK | USER, RF_TRANS_COMPLETED },
		{ 37100, T, END, RF_TRANS_ENDED },
	} },
	{ "ICT: timer C, restarted by 18x but not by 100", RF_TRANS_ICT, UDP, 180000, {
		{ 1000, RF_TRANS_RESPONSE, 100, USER, RF_TRANS_PROCEEDING },
		{ 2000, RF_TRANS_RESPONSE, 180, USER, RF_TRANS_PROCEEDING },
		{ 181999, T, 0, RF_TRANS_PROCEEDING },
		{ 182000, T, TIMC, RF_TRANS_PROCEEDING },
		{ 182001, T, 0, RF_TRANS_PROCEEDING },
		{ 182002, RF_TRANS_CANCELLED, 0, 0, RF_TRANS_PROCEEDING },
		{ 214002, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "ICT: transport breaks", RF_TRANS_ICT, UDP, 0, {
		{ 10, RF_TRANS_BROKEN, 0, FAIL | END, RF_TRANS_ENDED },
		{ 11, RF_TRANS_BROKEN, 0, 0, RF_TRANS_ENDED },
	} },
	{ "ICT: codes that are none, events of others", RF_TRANS_ICT, UDP, 0, {
		{ 10, RF_TRANS_RESPONSE, 99, 0, RF_TRANS_CALLING },
		{ 10, RF_TRANS_RESPONSE, 700, 0, RF_TRANS_CALLING },
		{ 10, RF_TRANS_REQUEST, 0, 0, RF_TRANS_CALLING },
		{ 10, RF_TRANS_ACK, 0, 0, RF_TRANS_CALLING },
		{ 10, RF_TRANS_REPLY, 200, 0, RF_TRANS_CALLING },
	} },
	{ "NICT: timer E doubles to T2, F ends it", RF_TRANS_NICT, UDP, 0, {
		{ 500, T, SEND, RF_TRANS_TRYING },
		{ 1500, T, SEND, RF_TRANS_TRYING },
		{ 3500, T, SEND, RF_TRANS_TRYING },
		{ 7500, T, SEND, RF_TRANS_TRYING },
		{ 11499, T, 0, RF_TRANS_TRYING },
		{ 11500, T, SEND, RF_TRANS_TRYING },
		{ 15500, T, SEND, RF_TRANS_TRYING },
		{ 19500, T, SEND, RF_TRANS_TRYING },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "NICT: in Proceeding E is T2, F still runs", RF_TRANS_NICT, UDP, 0, {
		{ 100, RF_TRANS_RESPONSE, 100, USER, RF_TRANS_PROCEEDING },
		{ 500, T, SEND, RF_TRANS_PROCEEDING },
		{ 1500, T, 0, RF_TRANS_PROCEEDING },
		{ 4500, T, SEND, RF_TRANS_PROCEEDING },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "NICT: final, then K absorbs", RF_TRANS_NICT, UDP, 0, {
		{ 100, RF_TRANS_RESPONSE, 200, USER, RF_TRANS_COMPLETED },
		{ 200, RF_TRANS_RESPONSE, 200, 0, RF_TRANS_COMPLETED },
		{ 300, RF_TRANS_BROKEN, 0, 0, RF_TRANS_COMPLETED },
		{ 600, T, 0, RF_TRANS_COMPLETED },
		{ 5100, T, END, RF_TRANS_ENDED },
	} },
	{ "NICT over TLS: K is zero", RF_TRANS_NICT, TLS, 0, {
		{ 500, T, 0, RF_TRANS_TRYING },
		{ 600, RF_TRANS_RESPONSE, 401, USER | END, RF_TRANS_ENDED },
	} },
	{ "NICT: transport breaks", RF_TRANS_NICT, TLS, 0, {
		{ 10, RF_TRANS_BROKEN, 0, FAIL | END, RF_TRANS_ENDED },
	} },
	{ "IST: slow user, 100 after 200 ms", RF_TRANS_IST, UDP, 0, {
		{ 100, RF_TRANS_REQUEST, 0, 0, RF_TRANS_PROCEEDING },
		{ 199, T, 0, RF_TRANS_PROCEEDING },
		{ 200, T, TRY, RF_TRANS_PROCEEDING },
		{ 500, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_PROCEEDING },
		{ 900, RF_TRANS_REPLY, 180, ANS, RF_TRANS_PROCEEDING },
		{ 1500, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_PROCEEDING },
		{ 60000, T, 0, RF_TRANS_PROCEEDING },
		{ 60000, RF_TRANS_ACK, 0, 0, RF_TRANS_PROCEEDING },
	} },
	{ "IST: 2xx accepted, L (RFC 6026)", RF_TRANS_IST, TLS, 0, {
		{ 50, RF_TRANS_REPLY, 200, ANS, RF_TRANS_ACCEPTED },
		{ 60, RF_TRANS_REQUEST, 0, 0, RF_TRANS_ACCEPTED },
		{ 550, RF_TRANS_REPLY, 200, ANS, RF_TRANS_ACCEPTED },
		{ 551, RF_TRANS_REPLY, 486, NO, RF_TRANS_ACCEPTED },
		{ 551, RF_TRANS_REPLY, 180, NO, RF_TRANS_ACCEPTED },
		{ 600, RF_TRANS_ACK, 0, USER, RF_TRANS_ACCEPTED },
		{ 700, RF_TRANS_BROKEN, 0, FAIL, RF_TRANS_ACCEPTED },
		{ 32049, T, 0, RF_TRANS_ACCEPTED },
		{ 32050, T, END, RF_TRANS_ENDED },
		{ 32051, RF_TRANS_REPLY, 200, NO, RF_TRANS_ENDED },
	} },
	{ "IST: refusal, G repeats up to T2, H gives up", RF_TRANS_IST, UDP, 0, {
		{ 0, RF_TRANS_REPLY, 486, ANS, RF_TRANS_COMPLETED },
		{ 1, RF_TRANS_REPLY, 200, NO, RF_TRANS_COMPLETED },
		{ 500, T, ANS, RF_TRANS_COMPLETED },
		{ 600, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_COMPLETED },
		{ 1500, T, ANS, RF_TRANS_COMPLETED },
		{ 3500, T, ANS, RF_TRANS_COMPLETED },
		{ 7500, T, ANS, RF_TRANS_COMPLETED },
		{ 11500, T, ANS, RF_TRANS_COMPLETED },
		{ 31999, T, ANS, RF_TRANS_COMPLETED },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "IST: ACK confirms, I absorbs", RF_TRANS_IST, UDP, 0, {
		{ 10, RF_TRANS_REPLY, 603, ANS, RF_TRANS_COMPLETED },
		{ 200, RF_TRANS_ACK, 0, 0, RF_TRANS_CONFIRMED },
		{ 300, RF_TRANS_ACK, 0, 0, RF_TRANS_CONFIRMED },
		{ 400, RF_TRANS_REQUEST, 0, 0, RF_TRANS_CONFIRMED },
		{ 600, T, 0, RF_TRANS_CONFIRMED },
		{ 600, RF_TRANS_REPLY, 200, NO, RF_TRANS_CONFIRMED },
		{ 5200, T, END, RF_TRANS_ENDED },
	} },
	{ "IST over TLS: no G, I is zero", RF_TRANS_IST, TLS, 0, {
		{ 10, RF_TRANS_REPLY, 403, ANS, RF_TRANS_COMPLETED },
		{ 510, T, 0, RF_TRANS_COMPLETED },
		{ 600, RF_TRANS_ACK, 0, END, RF_TRANS_ENDED },
	} },
	{ "IST: a broken transport does not forget the INVITE (RFC 6026)", RF_TRANS_IST, UDP, 0, {
		{ 10, RF_TRANS_BROKEN, 0, FAIL, RF_TRANS_PROCEEDING },
		{ 20, RF_TRANS_REPLY, 486, ANS, RF_TRANS_COMPLETED },
		{ 30, RF_TRANS_BROKEN, 0, FAIL, RF_TRANS_COMPLETED },
		{ 32020, T, LATE | END, RF_TRANS_ENDED },
	} },
	{ "NIST: absorbs until answered, J", RF_TRANS_NIST, UDP, 0, {
		{ 500, RF_TRANS_REQUEST, 0, 0, RF_TRANS_TRYING },
		{ 600, RF_TRANS_REPLY, 200, ANS, RF_TRANS_COMPLETED },
		{ 700, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_COMPLETED },
		{ 800, RF_TRANS_REPLY, 500, NO, RF_TRANS_COMPLETED },
		{ 32599, T, 0, RF_TRANS_COMPLETED },
		{ 32600, T, END, RF_TRANS_ENDED },
	} },
	{ "NIST over TLS: J is zero", RF_TRANS_NIST, TLS, 0, {
		{ 10, RF_TRANS_REPLY, 200, ANS | END, RF_TRANS_ENDED },
	} },
	{ "NIST: no provisional but 100, not early (RFC 4320)", RF_TRANS_NIST, UDP, 0, {
		{ 100, RF_TRANS_REPLY, 180, NO, RF_TRANS_TRYING },
		{ 100, RF_TRANS_REPLY, 100, NO, RF_TRANS_TRYING },
		{ 3499, RF_TRANS_REPLY, 100, NO, RF_TRANS_TRYING },
		{ 3500, RF_TRANS_REPLY, 100, ANS, RF_TRANS_PROCEEDING },
		{ 3500, T, 0, RF_TRANS_PROCEEDING },
		{ 3600, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_PROCEEDING },
		{ 3700, RF_TRANS_REPLY, 200, ANS, RF_TRANS_COMPLETED },
	} },
	{ "NIST: 100 by itself when E has slowed (RFC 4320)", RF_TRANS_NIST, TLS, 0, {
		{ 3499, T, 0, RF_TRANS_TRYING },
		{ 3500, T, TRY, RF_TRANS_PROCEEDING },
		{ 3501, RF_TRANS_REQUEST, 0, ANS, RF_TRANS_PROCEEDING },
		{ 9000, RF_TRANS_REPLY, 404, ANS | END, RF_TRANS_ENDED },
	} },
	{ "NIST over TLS: 100 at any time (RFC 4320)", RF_TRANS_NIST, TLS, 0, {
		{ 5, RF_TRANS_REPLY, 100, ANS, RF_TRANS_PROCEEDING },
	} },
	{ "NIST: no 408 (RFC 4320), and silence after it", RF_TRANS_NIST, UDP, 0, {
		{ 20000, RF_TRANS_REPLY, 408, NO, RF_TRANS_COMPLETED },
		{ 20100, RF_TRANS_REQUEST, 0, 0, RF_TRANS_COMPLETED },
		{ 52000, T, END, RF_TRANS_ENDED },
	} },
	{ "NIST: a user that never answers", RF_TRANS_NIST, UDP, 0, {
		{ 3500, T, TRY, RF_TRANS_PROCEEDING },
		{ 31999, T, 0, RF_TRANS_PROCEEDING },
		{ 32000, T, LATE | END, RF_TRANS_ENDED },
		{ 32001, RF_TRANS_REPLY, 200, NO, RF_TRANS_ENDED },
	} },
	{ "NIST: a broken transport", RF_TRANS_NIST, UDP, 0, {
		{ 10, RF_TRANS_REPLY, 200, ANS, RF_TRANS_COMPLETED },
		{ 11, RF_TRANS_BROKEN, 0, FAIL, RF_TRANS_COMPLETED },
		{ 32010, T, END, RF_TRANS_ENDED },
	} },
};

static const struct rf_mono start = { 7000000 };

static void play(const struct scene *s)
{
	struct rf_sip_timers times = rf_sip_timers_default;
	struct rf_trans t;

	times.c_ms = s->c_ms;
	unsigned first = rf_trans_start(&t, s->kind, s->reliable, &times, start);
	bool client = s->kind == RF_TRANS_ICT || s->kind == RF_TRANS_NICT;
	assert_int_equal(first, client ? SEND : 0);
	for (size_t i = 0; i == 0 || (i < 20 && s->steps[i].at_ms); i++) {
		const struct step *p = &s->steps[i];
		unsigned todo = rf_trans_step(&t, p->event, p->code, rf_mono_add_ms(start, p->at_ms));

		if (todo != p->todo || t.state != p->state)
			fail_msg("%s, step %zu at %u ms: did %#x (wanted %#x), is %s (wanted %s)", s->name, i, p->at_ms,
				 todo, p->todo, rf_trans_state_name(t.state), rf_trans_state_name(p->state));
		if (t.state == RF_TRANS_ENDED)
			assert_true(rf_trans_next(&t).us == rf_mono_never().us);
	}
}

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		play(&scenes[i]);
}

/* The deadline that the machine names is the one at which it does something, and it never names a past one twice. */
static void test_next_is_due(void **state)
{
	(void)state;
	for (int kind = RF_TRANS_ICT; kind <= RF_TRANS_NIST; kind++) {
		struct rf_trans t;
		unsigned fired = 0;
		struct rf_mono now = start;

		rf_trans_start(&t, (enum rf_trans_kind)kind, UDP, &rf_sip_timers_default, now);
		while (t.state != RF_TRANS_ENDED && rf_trans_next(&t).us != rf_mono_never().us) {
			struct rf_mono at = rf_trans_next(&t);

			assert_true(at.us > now.us);
			assert_int_equal(rf_trans_step(&t, RF_TRANS_TIMER, 0, (struct rf_mono){ at.us - 1 }), 0);
			assert_int_not_equal(rf_trans_step(&t, RF_TRANS_TIMER, 0, at), 0);
			now = at;
			assert_true(++fired < 100);
		}
		assert_true(kind == RF_TRANS_IST || t.state == RF_TRANS_ENDED);
	}
}

/* A clock that jumps far ahead costs one repeat, not a burst of them. */
static void test_clock_jump(void **state)
{
	struct rf_trans t;

	(void)state;
	rf_trans_start(&t, RF_TRANS_NICT, UDP, &rf_sip_timers_default, start);
	assert_int_equal(rf_trans_step(&t, RF_TRANS_TIMER, 0, rf_mono_add_ms(start, 30000)), SEND);
	assert_int_equal(rf_trans_step(&t, RF_TRANS_TIMER, 0, rf_mono_add_ms(start, 30000)), 0);
	assert_int_equal(rf_trans_step(&t, RF_TRANS_TIMER, 0, rf_mono_add_ms(start, 400000)), LATE | END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_next_is_due),
		cmocka_unit_test(test_clock_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

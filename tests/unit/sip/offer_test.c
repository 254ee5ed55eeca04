/* Who may offer when: the patterns of RFC 6337 table 1, the collisions, and both ends of random dialogs. */
#include "sip/offer.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum dir { END, SENT, GOT };

struct step {
	enum dir dir;
	enum rf_offer_msg msg;
	bool sdp;
	int rc;
	enum rf_offer_role role; /* got: what its description is; sent: what can_send() said before */
	unsigned code;		 /* got, refused */
};

#define INV RF_OFFER_INVITE
#define PRV RF_OFFER_1XX
#define REL RF_OFFER_1XX_REL
#define OK2 RF_OFFER_INVITE_2XX
#define BAD RF_OFFER_INVITE_FAIL
#define ACK RF_OFFER_ACK
#define PRA RF_OFFER_PRACK
#define PR2 RF_OFFER_PRACK_2XX
#define UPD RF_OFFER_UPDATE
#define UP2 RF_OFFER_UPDATE_2XX
#define UPF RF_OFFER_UPDATE_FAIL

#define O RF_OFFER_OFFER
#define A RF_OFFER_ANSWER
#define P RF_OFFER_PREVIEW
#define X RF_OFFER_EXTRA
#define N RF_OFFER_NO_SDP
#define EARLY RF_E_BUSY
#define LATER RF_E_STATE

static const struct scene {
	const char *name;
	struct step steps[14];
} scenes[] = {
	{ "offer in INVITE, answer in 2xx, as caller",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, PRV, 0, 0, N, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 } } },
	{ "the same as called",
	  { { GOT, INV, 1, 0, O, 0 },
	    { SENT, PRV, 0, 0, P, 0 },
	    { SENT, OK2, 1, 0, A, 0 },
	    { GOT, ACK, 0, 0, N, 0 } } },
	{ "early media: a preview, then the answer",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, PRV, 1, 0, P, 0 },
	    { GOT, PRV, 1, 0, P, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 } } },
	{ "offer in 2xx, answer in ACK, as caller",
	  { { SENT, INV, 0, 0, O, 0 }, { GOT, OK2, 1, 0, O, 0 }, { SENT, ACK, 1, 0, A, 0 } } },
	{ "the same as called", { { GOT, INV, 0, 0, N, 0 }, { SENT, OK2, 1, 0, O, 0 }, { GOT, ACK, 1, 0, A, 0 } } },
	{ "answer in a reliable provisional; the 2xx repeats it",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, REL, 1, 0, A, 0 },
	    { SENT, PRA, 0, 0, O, 0 },
	    { GOT, PR2, 0, 0, N, 0 },
	    { GOT, OK2, 1, 0, X, 0 },
	    { SENT, ACK, 0, 0, N, 0 } } },
	{ "as called: the 2xx must not repeat it",
	  { { GOT, INV, 1, 0, O, 0 },
	    { SENT, REL, 1, 0, A, 0 },
	    { GOT, PRA, 0, 0, N, 0 },
	    { SENT, PR2, 0, 0, N, 0 },
	    { SENT, OK2, 1, RF_E_MALFORMED, N, 0 },
	    { SENT, OK2, 0, 0, N, 0 },
	    { GOT, ACK, 0, 0, N, 0 } } },
	{ "offer in a reliable provisional, answer in PRACK",
	  { { SENT, INV, 0, 0, O, 0 },
	    { GOT, REL, 1, 0, O, 0 },
	    { SENT, PRA, 0, RF_E_MALFORMED, A, 0 },
	    { SENT, PRA, 1, 0, A, 0 },
	    { GOT, PR2, 0, 0, N, 0 },
	    { GOT, OK2, 0, 0, N, 0 },
	    { SENT, ACK, 0, 0, N, 0 } } },
	{ "the same as called; no 2xx before the PRACK",
	  { { GOT, INV, 0, 0, N, 0 },
	    { SENT, REL, 0, RF_E_MALFORMED, O, 0 },
	    { SENT, REL, 1, 0, O, 0 },
	    { SENT, OK2, 0, EARLY, N, 0 },
	    { GOT, PRA, 0, RF_E_MALFORMED, N, 400 },
	    { GOT, PRA, 1, 0, A, 0 },
	    { SENT, PR2, 0, 0, N, 0 },
	    { SENT, OK2, 0, 0, N, 0 } } },
	{ "second offer in PRACK",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, REL, 1, 0, A, 0 },
	    { SENT, PRA, 1, 0, O, 0 },
	    { GOT, PR2, 1, 0, A, 0 },
	    { GOT, OK2, 0, 0, N, 0 } } },
	{ "the same as called",
	  { { GOT, INV, 1, 0, O, 0 },
	    { SENT, REL, 1, 0, A, 0 },
	    { GOT, PRA, 1, 0, O, 0 },
	    { SENT, OK2, 0, EARLY, N, 0 },
	    { SENT, PR2, 1, 0, A, 0 },
	    { SENT, OK2, 0, 0, N, 0 } } },
	{ "PRACK with an offer while one is open",
	  { { GOT, INV, 1, 0, O, 0 },
	    { SENT, REL, 0, 0, A, 0 },
	    { GOT, PRA, 1, LATER, N, 500 },
	    { GOT, PRA, 0, 0, N, 0 } } },
	{ "UPDATE in an early dialog",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, REL, 1, 0, A, 0 },
	    { SENT, PRA, 0, 0, O, 0 },
	    { GOT, PR2, 0, 0, N, 0 },
	    { SENT, UPD, 1, 0, O, 0 },
	    { GOT, UP2, 1, 0, A, 0 },
	    { GOT, UPD, 1, 0, O, 0 },
	    { SENT, UP2, 1, 0, A, 0 },
	    { GOT, OK2, 0, 0, N, 0 } } },
	{ "UPDATE before the first answer",
	  { { SENT, INV, 1, 0, O, 0 },
	    { SENT, UPD, 1, RF_E_MALFORMED, N, 0 },
	    { GOT, UPD, 1, EARLY, N, 491 },
	    { GOT, UPD, 0, 0, N, 0 } } },
	{ "UPDATE that owes an answer",
	  { { GOT, INV, 1, 0, O, 0 }, { GOT, UPD, 1, LATER, N, 500 }, { SENT, UPD, 1, RF_E_MALFORMED, N, 0 } } },
	{ "two UPDATEs cross",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 },
	    { SENT, UPD, 1, 0, O, 0 },
	    { GOT, UPD, 1, EARLY, N, 491 },
	    { GOT, UPF, 0, 0, N, 0 },
	    { GOT, UPD, 1, 0, O, 0 },
	    { GOT, UPD, 0, LATER, N, 500 },
	    { SENT, UP2, 1, 0, A, 0 } } },
	{ "two re-INVITEs cross",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 },
	    { SENT, INV, 1, 0, O, 0 },
	    { GOT, INV, 1, EARLY, N, 491 },
	    { SENT, INV, 1, EARLY, N, 0 },
	    { GOT, BAD, 0, 0, N, 0 },
	    { GOT, INV, 1, 0, O, 0 },
	    { GOT, INV, 1, LATER, N, 500 },
	    { SENT, INV, 1, EARLY, N, 0 },
	    { SENT, OK2, 1, 0, A, 0 },
	    { SENT, INV, 1, EARLY, N, 0 },
	    { GOT, ACK, 0, 0, N, 0 },
	    { SENT, INV, 1, 0, O, 0 } } },
	{ "re-INVITE and UPDATE cross",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 },
	    { SENT, UPD, 1, 0, O, 0 },
	    { GOT, INV, 1, EARLY, N, 491 },
	    { SENT, INV, 0, EARLY, N, 0 },
	    { GOT, UP2, 1, 0, A, 0 },
	    { SENT, INV, 0, 0, O, 0 },
	    { GOT, UPD, 1, EARLY, N, 491 } } },
	{ "2xx without the answer",
	  { { SENT, INV, 1, 0, O, 0 }, { GOT, OK2, 0, RF_E_MALFORMED, N, 0 }, { SENT, ACK, 0, 0, N, 0 } } },
	{ "2xx without the offer",
	  { { SENT, INV, 0, 0, O, 0 }, { GOT, OK2, 0, RF_E_MALFORMED, N, 0 }, { SENT, ACK, 0, 0, N, 0 } } },
	{ "ACK without the answer",
	  { { GOT, INV, 0, 0, N, 0 }, { SENT, OK2, 1, 0, O, 0 }, { GOT, ACK, 0, RF_E_MALFORMED, N, 0 } } },
	{ "a refused INVITE leaves nothing open",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, BAD, 0, 0, N, 0 },
	    { SENT, INV, 1, 0, O, 0 },
	    { GOT, BAD, 0, 0, N, 0 },
	    { GOT, INV, 0, 0, N, 0 },
	    { SENT, BAD, 0, 0, N, 0 } } },
	{ "out of place",
	  { { GOT, OK2, 1, LATER, N, 0 },
	    { GOT, PRV, 0, LATER, N, 0 },
	    { GOT, ACK, 0, LATER, N, 0 },
	    { GOT, UP2, 0, LATER, N, 0 },
	    { SENT, OK2, 1, LATER, N, 0 },
	    { SENT, ACK, 0, LATER, N, 0 },
	    { SENT, UP2, 0, LATER, N, 0 } } },
	{ "a description that nobody asked for",
	  { { SENT, INV, 0, 0, O, 0 },
	    { GOT, PRV, 1, 0, X, 0 },
	    { GOT, OK2, 1, 0, O, 0 },
	    { SENT, ACK, 1, 0, A, 0 } } },
	{ "a refresh by UPDATE without description",
	  { { SENT, INV, 1, 0, O, 0 },
	    { GOT, OK2, 1, 0, A, 0 },
	    { SENT, ACK, 0, 0, N, 0 },
	    { SENT, UPD, 0, 0, O, 0 },
	    { SENT, UPD, 0, EARLY, N, 0 },
	    { GOT, UPD, 0, 0, N, 0 },
	    { SENT, UP2, 0, 0, N, 0 },
	    { GOT, UP2, 0, 0, N, 0 } } },
};

static void play(const struct scene *s)
{
	struct rf_offer o;

	rf_offer_init(&o);
	for (size_t i = 0; i < 14 && s->steps[i].dir != END; i++) {
		const struct step *p = &s->steps[i];
		enum rf_offer_role role = N;
		unsigned code = 0;
		int rc;

		if (p->dir == SENT) {
			int can = rf_offer_can_send(&o, p->msg, &role);

			rc = rf_offer_sent(&o, p->msg, p->sdp);
			if (can)
				assert_int_equal(can, rc);
		} else {
			rc = rf_offer_got(&o, p->msg, p->sdp, &role, &code);
		}
		if (rc != p->rc || role != p->role || code != p->code)
			fail_msg("%s, step %zu: %d role %d code %u", s->name, i, rc, (int)role, code);
	}
}

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		play(&scenes[i]);
}

/* Two ends joined by a wire without delay: what one may send, the other may always get, and they agree on it. */
static void test_two_ends_agree(void **state)
{
	struct rf_random rnd;
	struct rf_offer end[2];
	unsigned sent = 0, settled = 0;

	(void)state;
	rf_random_system(&rnd);
	for (unsigned round = 0; round < 2000; round++) {
		rf_offer_init(&end[0]);
		rf_offer_init(&end[1]);
		for (unsigned i = 0; i < 60; i++) {
			uint64_t x = rf_random_u64(&rnd);
			unsigned from = x & 1;
			enum rf_offer_msg msg = (enum rf_offer_msg)((x >> 1) % RF_OFFER_MSGS);
			bool sdp = x >> 9 & 1;
			enum rf_offer_role said = N, heard = N;
			unsigned code;

			if (rf_offer_can_send(&end[from], msg, &said) || rf_offer_sent(&end[from], msg, sdp))
				continue;
			assert_int_equal(rf_offer_got(&end[!from], msg, sdp, &heard, &code), 0);
			assert_int_equal(heard, sdp ? said : N);
			assert_int_equal(end[0].pending == RF_OFFER_SENT, end[1].pending == RF_OFFER_GOT);
			assert_int_equal(end[0].pending == RF_OFFER_GOT, end[1].pending == RF_OFFER_SENT);
			assert_int_equal(end[0].settled, end[1].settled);
			sent++;
		}
		settled += end[0].settled;
	}
	assert_true(sent > 2000 * 5);
	assert_true(settled > 200);
}

static void test_delays(void **state)
{
	struct rf_random rnd;

	(void)state;
	rf_random_system(&rnd);
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t ours = rf_offer_glare_ms(true, &rnd), theirs = rf_offer_glare_ms(false, &rnd);

		assert_true(ours >= 2100 && ours <= 4000 && ours % 10 == 0);
		assert_true(theirs <= 2000 && theirs % 10 == 0);
		assert_true(rf_offer_retry_after_s(&rnd) <= 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_two_ends_agree),
		cmocka_unit_test(test_delays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

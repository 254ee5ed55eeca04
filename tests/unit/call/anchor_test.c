/* What waits for a relay that does not answer: no description crosses past it, and nothing is kept of what
 * it made nothing of. */
#include "call/anchor.c"
#include "call/anchor_ask.c"

#include "kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { NOT_THERE = RF_NG_RELAYS_MAX };

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");
	struct rf_relay_at nobody = { .path = NULL };

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 9, &nobody.addr), 0);
	assert_int_equal(rf_call_core_set_relays(k->core, &nobody, 1), 0);
	for (int i = 0; i < 2; i++)
		phone_register(&k->phone[i]);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	return 0;
}

/* The one call that there is has an anchor from now on. */
static struct rf_anchor *anchored(struct kit *k)
{
	struct rf_call *call = TAILQ_FIRST(&k->core->calls);
	struct rf_in in = { .msg = NULL };

	assert_non_null(call);
	call->anchor = anchor_new(k->core, &in, NULL);
	assert_non_null(call->anchor);
	return call->anchor;
}

/* Its relay was asked and is silent, and as much waits behind that as may. */
static struct rf_anchor *full(struct kit *k, const struct rf_sip_msg *any)
{
	struct rf_anchor *a = anchored(k);

	while (a->held_n < RF_ANCHOR_HELD_MAX) {
		struct rf_held *h = rf_anchor_hold(a, RF_HELD_ACK, any, NULL);

		assert_non_null(h);
	}
	a->asking = true;
	a->refs++;
	return a;
}

/* The relay's time is over; what waited went with its call. */
static void end(struct rf_anchor *a)
{
	answered(a, RF_E_TIMEOUT, 0, NULL);
}

/* All that came to a phone, answered as a phone would: none of it has a description. */
static void hears_no_description(struct phone *p)
{
	kit_run(p->kit);
	for (; p->out < p->in; p->out++) {
		const struct inbox_item *item = &p->inbox[p->out % KIT_INBOX];

		assert_null(memmem(item->bytes, item->n, "m=audio", 7));
	}
}

static void answer_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", b->number, a->number, b->number, NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	struct rf_anchor *anchor = full(k, &b->msg);

	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	hears_no_description(a);
	end(anchor);
}

static void ack_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", b->number, a->number, b->number, NULL, NULL);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	struct rf_anchor *anchor = full(k, &a->msg);

	phone_ack(a, SDP_PLAIN);
	hears_no_description(b);
	assert_int_equal(anchor->held_n, RF_ANCHOR_HELD_MAX);
	phone_in_dialog(a, "BYE", NULL, NULL);
	hears_no_description(b);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
	end(anchor);
}

/* An answer inside a call, for which the relay cannot be asked: its relay of the call goes as after any answer. */
static void answer_without_a_relay(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "UPDATE", NULL, SDP_PLAIN);
	phone_expect(b, "UPDATE");
	anchored(k)->relay = NOT_THERE;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	hears_no_description(a);
	kit_wait(k, 6000);
	assert_int_equal(rf_call_core_census(k->core).relays, 0);
	phone_forget(b);
	phone_in_dialog(a, "BYE", NULL, NULL);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
}

static void answer_inside_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "UPDATE", NULL, SDP_PLAIN);
	phone_expect(b, "UPDATE");
	struct rf_anchor *anchor = full(k, &b->msg);

	phone_answer(b, 200, NULL, SDP_PLAIN);
	hears_no_description(a);
	kit_wait(k, 6000);
	assert_int_equal(rf_call_core_census(k->core).relays, 0);
	phone_forget(b);
	phone_in_dialog(a, "BYE", NULL, NULL);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
	end(anchor);
}

/* What a leg may say is its trunk's own, whatever the site lets its phones do. */
static void each_trunk_by_itself(void **state)
{
	static const char yaml[] = /* behind the kit's own deviation: media is optional for the site */
		"  - { mitigation: pub-encrypt-voip, trunks: [b, c, d], reason: test, approved_by: tester, until: 2099-01-01 }\n"
		"trunks:\n"
		"  - { name: a, peer: a.example, ca: c.pem }\n"
		"  - { name: b, peer: b.example, ca: c.pem, encryption: optional }\n"
		"  - { name: c, peer: c.example, ca: c.pem, encryption: none }\n"
		"  - { name: d, peer: 192.0.2.7, transport: udp, addresses: 192.0.2.7 }\n";
	static const struct {
		const char *trunk;
		bool keys, encrypted;
	} rows[] = { { "a", true, true }, { "b", true, false }, { "c", false, false }, { "d", false, false } };
	struct kit *k = kit_new_with("minimum", yaml);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_in in = { .msg = NULL };
		struct rf_anchor *a = anchor_new(k->core, &in, rf_site_trunk(k->site, rf_view_str(rows[i].trunk)));

		assert_non_null(a);
		assert_int_equal(a->side[RF_TOWARDS_TRUNKS].secure, rows[i].keys);
		assert_int_equal(a->side[RF_TOWARDS_TRUNKS].policy.encrypted_required, rows[i].encrypted);
		assert_true(a->side[RF_TOWARDS_SITE].secure && !a->side[RF_TOWARDS_SITE].policy.encrypted_required);
		rf_anchor_put(a);
	}
	kit_free(k);
}

static void put_lists(const struct rf_ng_request *q, char *dst, size_t cap)
{
	static const char *const names[RF_NG_CODEC_LISTS] = {
		[RF_NG_STRIP] = "strip", [RF_NG_EXCEPT] = "except", [RF_NG_CODEC_OFFER] = "offer",
		[RF_NG_TRANSCODE] = "transcode", [RF_NG_MASK] = "mask", [RF_NG_CONSUME] = "consume",
		[RF_NG_ACCEPT] = "accept", [RF_NG_SET] = "set",
	};

	dst[0] = 0;
	for (unsigned l = 0; l < RF_NG_CODEC_LISTS; l++)
		for (size_t i = 0; i < q->codecs[l].n; i++)
			snprintf(dst + strlen(dst), cap - strlen(dst), "%s-%.*s ", names[l],
				 RF_VFMT(q->codecs[l].v[i]));
}

#define MADE(formats) \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP " formats "\r\n" \
	"a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:97 speex/8000\r\n"

/* Each trunk's codecs, in words and in what may come of them. */
static void codecs_of_trunks(void **state)
{
	static const char yaml[] =
		"trunks:\n"
		"  - { name: a, peer: a.example, ca: c.pem }\n"
		"  - { name: b, peer: b.example, ca: c.pem }\n"
		"  - { name: c, peer: c.example, ca: c.pem }\n"
		"  - { name: d, peer: d.example, ca: c.pem }\n"
		"  - { name: e, peer: e.example, ca: c.pem }\n";
	/* The kit's site has no border, which a file with these words must have. */
	static const struct {
		struct rf_view codecs[2];
		size_t n;
		bool transcode;
		int dtmf;
	} words_of[] = {
		{ .n = 0 }, { { RF_V("G722"), RF_V("PCMA") }, 2, false, RF_DTMF_EVENTS },
		{ { RF_V("G729"), RF_V("PCMA") }, 2, true, RF_DTMF_AS_SAID }, { .dtmf = RF_DTMF_INBAND },
		{ { RF_V("PCMU") }, 1, false, RF_DTMF_INBAND },
	};
	static const struct {
		const char *trunk;
		enum rf_towards from;
		const char *words, *formats;
		bool fine;
	} rows[] = {
		{ "a", RF_TOWARDS_SITE, "", "97", true },
		{ "b", RF_TOWARDS_SITE, "strip-all offer-G722 offer-PCMA offer-CN offer-telephone-event ", "9 13 101",
		  true },
		{ "b", RF_TOWARDS_SITE, NULL, "9 0", false },
		{ "b", RF_TOWARDS_SITE, NULL, "101 13", false },
		{ "b", RF_TOWARDS_TRUNKS, "strip-full offer-G722 offer-PCMA offer-CN offer-telephone-event ", "96",
		  false },
		{ "b", RF_TOWARDS_TRUNKS, NULL, "8", true },
		{ "c", RF_TOWARDS_SITE, "offer-G729 offer-PCMA offer-CN offer-telephone-event transcode-PCMA mask-all ",
		  "18 8", true },
		{ "c", RF_TOWARDS_SITE, NULL, "8 96", false },
		{ "c", RF_TOWARDS_TRUNKS,
		  "strip-full offer-G729 offer-PCMA offer-CN offer-telephone-event transcode-PCMA "
		  "transcode-PCMU transcode-G722 transcode-opus ",
		  "18 8 0 9 96 101", true },
		{ "c", RF_TOWARDS_TRUNKS, NULL, "8 97", false },
		{ "d", RF_TOWARDS_SITE, "consume-telephone-event ", "97 101", true },
		{ "d", RF_TOWARDS_TRUNKS, "strip-telephone-event transcode-telephone-event ", "97 101", true },
		{ "e", RF_TOWARDS_SITE, "strip-all offer-PCMU offer-CN consume-telephone-event ", "0", true },
		{ "e", RF_TOWARDS_TRUNKS,
		  "strip-full strip-telephone-event offer-PCMU offer-CN transcode-telephone-event ", "0 101", true },
		{ "gone", RF_TOWARDS_SITE, "", "97", true }, /* the site file has it no more */
	};
	struct kit *k = kit_new_with("minimum", yaml);

	(void)state;
	for (size_t i = 0; i < sizeof words_of / sizeof *words_of; i++) {
		struct rf_site_trunk *t = (struct rf_site_trunk *)(uintptr_t)&k->site->trunks[i];

		t->codecs = (struct rf_site_list){ words_of[i].codecs, words_of[i].n };
		t->transcode = words_of[i].transcode;
		t->dtmf = words_of[i].dtmf;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum rf_towards to = rows[i].from == RF_TOWARDS_SITE ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
		struct rf_in in = { .msg = NULL };
		struct rf_anchor *a = anchor_new(k->core, &in, NULL);
		struct rf_ng_request q = { 0 };
		struct rf_codec_words w;
		char text[512], sdp[512];

		assert_non_null(a);
		snprintf(a->trunk, sizeof a->trunk, "%s", rows[i].trunk);
		rf_codec_put(a, rows[i].from, &w, &q);
		put_lists(&q, text, sizeof text);
		if (rows[i].words)
			assert_string_equal(text, rows[i].words);
		snprintf(sdp, sizeof sdp, MADE("%s"), rows[i].formats);
		if (rf_codec_judge(a, to, rf_view_str(sdp)) != rows[i].fine)
			fail_msg("row %zu: %s", i, rows[i].formats);
		/* nothing at all is left */
		bool strict = !rows[i].trunk[1] && words_of[rows[i].trunk[0] - 'a'].n;

		assert_false(rf_codec_emptied(a, to, rf_view_str(sdp)));
		assert_int_equal(rf_codec_emptied(a, to, rf_view_str(MADE(""))), strict);
		assert_int_equal(rf_codec_emptied(a, to, RF_V("v=0\r\nm=audio 4000 RTP/AVP")), strict);
		a->side[to].media.emergency = true;
		assert_true(rf_codec_judge(a, to, rf_view_str(sdp)));
		assert_false(rf_codec_emptied(a, to, rf_view_str(MADE(""))));
		rf_anchor_put(a);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trunk_by_itself),
		cmocka_unit_test(codecs_of_trunks),
		cmocka_unit_test_setup_teardown(answer_that_cannot_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(ack_that_cannot_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_without_a_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_inside_that_cannot_wait, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

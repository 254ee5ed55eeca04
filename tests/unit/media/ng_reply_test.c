/* Replies: as rtpengine writes them, read back; statistics there and back again; no room; a real one of rtpengine's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "fail_alloc.h"
#include "guard.h"
#include "media/ng_reply.h"

static struct rf_ng_notes notes = { .n = 5, .text = "a; \"b" };

static const struct rf_ng_request *asked(enum rf_ng_command c, bool json, bool warned)
{
	static struct rf_ng_request q;

	q = (struct rf_ng_request){ .command = c,
				    .encoding = json ? RF_NG_JSON : RF_NG_BENCODE,
				    .notes = warned ? &notes : NULL };
	return &q;
}

static void is(const struct rf_writer *w, const char *want)
{
	struct rf_view got;

	assert_int_equal(rf_writer_done(w, &got), 0);
	if (!rf_view_eq(got, rf_view_str(want)))
		fail_msg("%.*s\n instead of\n%s", RF_VFMT(got), want);
}

static void plain(void **state)
{
	const struct rf_view two[] = { RF_V("x"), RF_V("y") };
	uint8_t buf[4096];
	struct rf_writer w;

	(void)state;
#define BUILT(want, call) (rf_writer_init(&w, buf, sizeof buf), call, is(&w, want))
	BUILT("d6:result4:ponge", rf_ng_reply_ok(&w, asked(RF_NG_PING, false, false)));
	BUILT("{\"result\":\"pong\"}", rf_ng_reply_ok(&w, asked(RF_NG_PING, true, false)));
	BUILT("{\"result\":\"ok\",\"warning\":\"a; \\\"b\"}", rf_ng_reply_ok(&w, asked(RF_NG_BLOCK_DTMF, true, true)));
	BUILT("d6:result2:ok7:warning5:a; \"be", rf_ng_reply_ok(&w, asked(RF_NG_BLOCK_DTMF, false, true)));
	/* In an error nothing else may stand. */
	BUILT("d12:error-reason4:no 76:result5:errore",
	      rf_ng_reply_error(&w, asked(RF_NG_OFFER, false, true), "no %d", 7));
	BUILT("{\"error-kind\":\"relay\",\"error-reason\":\"full\",\"result\":\"error\"}",
	      rf_ng_reply_load(&w, asked(RF_NG_OFFER, true, false), "full"));
	BUILT("d10:error-kind11:description12:error-reason1:x6:result5:errore",
	      rf_ng_reply_fault(&w, asked(RF_NG_OFFER, false, false), RF_NG_FAULT_DESCRIPTION, "x"));
	struct rf_ng_request q = *asked(RF_NG_OFFER, true, false);
	q.supports = RF_NG_SUPPORTS_LOAD_LIMIT;
	BUILT("{\"message\":\"full\",\"result\":\"load limit\"}", rf_ng_reply_load(&w, &q, "full"));
	const struct rf_ng_answer answer = { .sdp = RF_V("v=0\r\n"), .to_tag = RF_V("t"), .from_tags = { two, 2 },
					     .duration = { 120, true } };
	BUILT("{\"duration\":120,\"from-tags\":[\"x\",\"y\"],\"result\":\"ok\",\"sdp\":\"v=0\\u000d\\u000a\",\"to-"
	      "tag\":\"t\"}",
	      rf_ng_reply_answer(&w, asked(RF_NG_OFFER, true, false), &answer));
	BUILT("d5:callsl1:x1:ye6:result2:oke", rf_ng_reply_list(&w, asked(RF_NG_LISTING, false, false), two, 2));
	BUILT("d5:callsle6:result2:oke", rf_ng_reply_list(&w, asked(RF_NG_LISTING, false, false), NULL, 0));
}

static const struct rf_ng_stats_stream streams[] = {
	{ .local = { { 10, 0, 0, 1 }, 0, 30018, 4, 0 }, .endpoint = { { 192, 0, 2, 1 }, 0, 57370, 4, 0 },
	  .advertised = { { 192, 0, 2, 2 }, 0, 57372, 4, 0 }, .last_packet = 1402064124, .ssrc = 4000000000u,
	  .flags = RF_NG_STREAM_RTP | RF_NG_STREAM_FILLED | RF_NG_STREAM_KERNELIZED, .count = { 343, 56950, 1 } },
	{ .local = { { 0x20, 1 }, 0, 30019, 6, 0 }, .flags = RF_NG_STREAM_RTCP },
};
static const struct rf_ng_stats_media medias[] = {
	{ .index = 1, .flags = RF_NG_MEDIA_INITIALIZED | RF_NG_MEDIA_SDES, .streams = streams, .n_streams = 2 },
	{ .index = 2 },
};

static void fill(struct rf_ng_stats_call *c, struct rf_ng_stats_media m[static 2],
		 struct rf_ng_stats_stream s[static 2], struct rf_ng_stats_tag t[static 3],
		 struct rf_ng_stats_ssrc r[static 3])
{
	const struct rf_ng_mos mos = { .mos = 43, .rtt_us = 20000, .jitter = 2, .loss = 1, .samples = 4 };
	const struct rf_ng_mos low = { .mos = 40, .rtt_us = 20000, .jitter = 3, .loss = 2, .at = 1402064120 };

	memcpy(s, streams, sizeof streams);
	s[0].suite = RF_V("AEAD_AES_256_GCM");
	memcpy(m, medias, sizeof medias);
	m[0].streams = s;
	m[0].type = RF_V("audio");
	m[0].protocol = RF_V("RTP/SAVP");
	m[0].codec = RF_V("PCMA/8000");
	memset(t, 0, 3 * sizeof *t);
	t[0] = (struct rf_ng_stats_tag){ .tag = RF_V("zz"),
					 .label = RF_V("caller"),
					 .via_branch = RF_V("b"),
					 .in_dialogue_with = RF_V("aa"),
					 .created = 1402064111,
					 .medias = m,
					 .n_medias = 2 };
	t[1] = (struct rf_ng_stats_tag){ .tag = RF_V("aa"), .created = 1402064112 };
	t[2].tag = RF_V("");
	r[0] = (struct rf_ng_stats_ssrc){ .ssrc = 9, .packets = 5, .bytes = 6, .lost = 7, .average = mos, .lowest = low,
					  .highest = low };
	r[1] = (struct rf_ng_stats_ssrc){ .ssrc = 4000000000u };
	r[2] = (struct rf_ng_stats_ssrc){ .ssrc = 10 };
	*c = (struct rf_ng_stats_call){ .created = 1402064111,
					.created_us = 999999,
					.last_signal = 1402064116,
					.ssrcs = r,
					.n_ssrcs = 3,
					.tags = t,
					.n_tags = 3,
					.rtp = { 705, 100287, 1 },
					.rtcp = { 22, 2244, 2 } };
}

static void keys_in_order(const struct rf_ng_value *v)
{
	for (const struct rf_ng_value *x = v->type == RF_NG_DICT || v->type == RF_NG_LIST ? v->first : NULL; x;
	     x = x->next) {
		if (v->type == RF_NG_DICT && x->next)
			assert_true(rf_view_cmp(x->key, x->next->key) < 0);
		keys_in_order(x);
	}
}

static void same_count(const struct rf_ng_count *a, const struct rf_ng_count *b)
{
	assert_memory_equal(a, b, sizeof *a);
}

static void same_call(const struct rf_ng_stats_call *c)
{
	/* in the order of the keys: "", "aa", "zz"; "10", "4000000000", "9" */
	assert_true(c->created == 1402064111 && c->created_us == 999999 && c->last_signal == 1402064116);
	same_count(&c->rtp, &(struct rf_ng_count){ 705, 100287, 1 });
	same_count(&c->rtcp, &(struct rf_ng_count){ 22, 2244, 2 });
	assert_int_equal(c->n_tags, 3);
	assert_int_equal(c->tags[0].tag.n, 0);
	assert_int_equal(c->tags[1].created, 1402064112);
	const struct rf_ng_stats_tag *t = &c->tags[2];
	assert_true(rf_view_eq(t->tag, RF_V("zz")) && rf_view_eq(t->label, RF_V("caller")) &&
		    rf_view_eq(t->via_branch, RF_V("b")) && rf_view_eq(t->in_dialogue_with, RF_V("aa")));
	assert_int_equal(t->n_medias, 2);
	const struct rf_ng_stats_media *m = &t->medias[0];
	assert_true(m->index == 1 && m->flags == medias[0].flags && rf_view_eq(m->type, RF_V("audio")) &&
		    rf_view_eq(m->protocol, RF_V("RTP/SAVP")) && rf_view_eq(m->codec, RF_V("PCMA/8000")));
	assert_int_equal(m->n_streams, 2);
	const struct rf_ng_stats_stream *s = m->streams;
	for (int i = 0; i < 2; i++) {
		assert_true(rf_addr_eq(&s[i].local, &streams[i].local) &&
			    rf_addr_eq(&s[i].endpoint, &streams[i].endpoint));
		assert_true(rf_addr_eq(&s[i].advertised, &streams[i].advertised) && s[i].ssrc == streams[i].ssrc);
		assert_true(s[i].flags == streams[i].flags && s[i].last_packet == streams[i].last_packet);
		same_count(&s[i].count, &streams[i].count);
	}
	assert_true(rf_view_eq(s[0].suite, RF_V("AEAD_AES_256_GCM")) && s[1].suite.n == 0);
	assert_int_equal(c->n_ssrcs, 3);
	assert_true(c->ssrcs[0].ssrc == 10 && c->ssrcs[1].ssrc == 4000000000u && c->ssrcs[2].ssrc == 9);
	const struct rf_ng_stats_ssrc *r = &c->ssrcs[2];
	assert_true(r->packets == 5 && r->bytes == 6 && r->lost == 7 && r->average.mos == 43 &&
		    r->average.samples == 4);
	assert_true(r->lowest.at == 1402064120 && r->lowest.loss == 2 && r->highest.mos == 40 &&
		    c->ssrcs[0].average.mos == 0);
}

static void calls(void **state)
{
	struct rf_ng_stats_media m[2];
	struct rf_ng_stats_stream s[2];
	struct rf_ng_stats_tag t[3];
	struct rf_ng_stats_ssrc r[3];
	struct rf_ng_stats_call call, back;
	uint8_t buf[8192];

	(void)state;
	fill(&call, m, s, t, r);
	for (int json = 0; json < 2; json++) {
		struct rf_ng_reply reply;
		struct rf_arena a;
		struct rf_writer w;
		struct rf_view out;

		rf_writer_init(&w, buf, sizeof buf);
		rf_put_lit(&w, "1_2 ");
		rf_ng_reply_call(&w, asked(RF_NG_QUERY, json, true), &call);
		assert_int_equal(rf_writer_done(&w, &out), 0);
		struct rf_view in = guard_copy(out);
		rf_arena_init(&a, RF_NG_ARENA_BYTES);
		assert_int_equal(rf_ng_reply_parse(in, &a, &reply, NULL), 0);
		assert_int_equal(reply.result, RF_NG_OK);
		assert_true(rf_view_eq(reply.warning, RF_V("a; \"b")) && rf_view_eq(reply.cookie, RF_V("1_2")));
		keys_in_order(reply.top);
		assert_int_equal(rf_ng_stats_parse(reply.top, &a, &back), 0);
		same_call(&back);
		for (size_t n = 0; n < in.n; n++)
			assert_int_not_equal(rf_ng_reply_parse(rf_view_sub(in, 0, n), &a, &reply, NULL), 0);
		rf_arena_fini(&a);
		for (unsigned n = 1;; n++) {
			rf_arena_init(&a, RF_NG_ARENA_BYTES);
			fail_alloc_at(n);
			int err = rf_ng_reply_parse(in, &a, &reply, NULL);
			if (err == 0)
				err = rf_ng_stats_parse(reply.top, &a, &back);
			bool failed = fail_alloc_off();
			rf_arena_fini(&a);
			assert_int_equal(err, failed ? -ENOMEM : 0);
			if (!failed)
				break;
		}
		guard_free(in);
	}
}

/* What does not fit becomes an error; where not even that fits, w->err says so. */
static void no_room(void **state)
{
	struct rf_ng_stats_media m[2];
	struct rf_ng_stats_stream s[2];
	struct rf_ng_stats_tag t[3];
	struct rf_ng_stats_ssrc r[3];
	struct rf_ng_stats_call call;
	struct rf_view ids[64];
	uint8_t buf[16384];

	(void)state;
	fill(&call, m, s, t, r);
	for (size_t i = 0; i < 64; i++)
		ids[i] = RF_V("0123456789012345678901234567890123456789");
	for (size_t cap = 0; cap < 4000; cap += 11)
		for (int what = 0; what < 4; what++) {
			struct rf_ng_reply reply;
			struct rf_writer w;
			struct rf_arena a;

			rf_writer_init(&w, buf, cap);
			rf_put_lit(&w, "1 ");
			const struct rf_ng_request *q = asked(RF_NG_QUERY, what & 1, true);
			if (what < 2)
				rf_ng_reply_call(&w, q, &call);
			else if (what == 2)
				rf_ng_reply_list(&w, q, ids, 64);
			else
				rf_ng_reply_statistics(&w, q, &(struct rf_ng_stats_relay){ .sessions = 3 });
			if (w.err)
				continue;
			rf_arena_init(&a, RF_NG_ARENA_BYTES);
			assert_int_equal(rf_ng_reply_parse(rf_view_of(buf, w.n), &a, &reply, NULL), 0);
			assert_true(reply.result == RF_NG_OK ||
				    memmem(reply.reason.p, reply.reason.n, "does not fit", 12));
			assert_true(cap > 40);
			keys_in_order(reply.top);
			rf_arena_fini(&a);
		}
}

static void statistics(void **state)
{
	struct rf_ng_stats_relay s = { .sessions = 2,
				       .uptime_s = 18,
				       .managed = 4,
				       .duration_us = 6000000,
				       .packets_user = 3,
				       .packets_kernel = 4,
				       .errors = 9 };
	struct rf_ng_reply reply;
	struct rf_writer w;
	struct rf_arena a;
	uint8_t buf[8192];

	(void)state;
	s.commands[RF_NG_OFFER] = 5;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_lit(&w, "1 ");
	rf_ng_reply_statistics(&w, asked(RF_NG_STATISTICS, false, false), &s);
	rf_arena_init(&a, RF_NG_ARENA_BYTES);
	assert_int_equal(rf_ng_reply_parse(rf_view_of(buf, w.n), &a, &reply, NULL), 0);
	keys_in_order(reply.top);
	const struct rf_ng_value *all = rf_ng_get_dict(reply.top, "statistics");
	assert_int_equal(rf_ng_get_int(rf_ng_get_dict(all, "currentstatistics"), "sessionstotal"), 2);
	const struct rf_ng_value *total = rf_ng_get_dict(all, "totalstatistics");
	assert_true(rf_view_eq(rf_ng_get_str(total, "uptime"), RF_V("18")));
	assert_true(rf_view_eq(rf_ng_get_str(total, "avgcallduration"), RF_V("1.500000")));
	assert_int_equal(rf_ng_get_int(total, "relayedpackets"), 7);
	const struct rf_ng_value *control = rf_ng_get_dict(all, "controlstatistics");
	assert_int_equal(rf_ng_get_int(control, "totaloffercount"), 5);
	assert_int_equal(rf_ng_get_int(control, "totalerrorcount"), 9);
	rf_arena_fini(&a);
}

static void reads(void **state)
{
	static const struct {
		const char *name, *bytes;
		int err;
		enum rf_ng_result result;
		const char *reason;
		enum rf_ng_fault fault;
	} cases[] = {
		{ "pong", "1_2 d6:result4:ponge", 0, RF_NG_PONG, "" },
		{ "error", "1 {\"result\": \"error\", \"error-reason\": \"Unknown call-id\"}", 0, RF_NG_ERROR,
		  "Unknown call-id" },
		{ "who is at fault", "1 {\"result\": \"error\", \"error-kind\": \"description\"}", 0, RF_NG_ERROR, "",
		  RF_NG_FAULT_DESCRIPTION },
		{ "the call", "1 {\"result\": \"error\", \"error-kind\": \"call\"}", 0, RF_NG_ERROR, "",
		  RF_NG_FAULT_CALL },
		{ "the request", "1 {\"result\": \"error\", \"error-kind\": \"request\"}", 0, RF_NG_ERROR, "",
		  RF_NG_FAULT_REQUEST },
		{ "the relay", "1 {\"result\": \"error\", \"error-kind\": \"relay\"}", 0, RF_NG_ERROR, "",
		  RF_NG_FAULT_RELAY },
		{ "somebody else", "1 {\"result\": \"error\", \"error-kind\": \"moon\"}", 0, RF_NG_ERROR, "",
		  RF_NG_FAULT_NONE },
		{ "no error", "1 {\"result\": \"ok\", \"error-kind\": \"relay\"}", 0, RF_NG_OK, "", RF_NG_FAULT_NONE },
		{ "load limit", "1 d7:message4:full6:result10:load limite", 0, RF_NG_LOAD_LIMIT, "full" },
		{ "no result", "1 de", RF_E_MALFORMED, 0, "" },
		{ "an unknown result", "1 d6:result5:maybee", RF_E_MALFORMED, 0, "" },
		{ "a list", "1 le", RF_E_MALFORMED, 0, "" },
		{ "no cookie", "d6:result4:ponge", RF_E_MALFORMED, 0, "" },
		{ "totals that are a list", "1 {\"result\":\"ok\",\"totals\":[]}", 0, RF_NG_OK, "" },
	};
	static const char *const wrong[] = {
		"1 {\"result\":\"ok\",\"totals\":[]}",
		"1 {\"result\":\"ok\",\"tags\":{\"a\":1}}",
		"1 {\"result\":\"ok\",\"created\":\"now\"}",
		"1 {\"result\":\"ok\",\"created\":-1}",
		"1 {\"result\":\"ok\",\"SSRC\":{\"x\":{}}}",
		"1 {\"result\":\"ok\",\"SSRC\":{\"4294967296\":{}}}",
		"1 {\"result\":\"ok\",\"tags\":{\"a\":{\"medias\":[{\"streams\":[{\"local port\":65536}]}]}}}",
		"1 "
		"{\"result\":\"ok\",\"tags\":{\"a\":{\"medias\":[{\"streams\":[{\"endpoint\":{\"address\":\"x\"}}]}]}}"
		"}",
	};
	struct rf_ng_stats_call call;
	struct rf_ng_reply r;
	struct rf_arena a;

	(void)state;
	rf_arena_init(&a, RF_NG_ARENA_BYTES);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_diag d = { 0 };

		if (rf_ng_reply_parse(rf_view_str(cases[i].bytes), &a, &r, &d) != cases[i].err)
			fail_msg("%s: %s", cases[i].name, d.text);
		if (cases[i].err == 0)
			assert_true(r.result == cases[i].result && rf_view_eq(r.reason, rf_view_str(cases[i].reason)) &&
				    r.fault == cases[i].fault);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(rf_ng_reply_parse(rf_view_str(wrong[i]), &a, &r, NULL), 0);
		assert_int_equal(rf_ng_stats_parse(r.top, &a, &call), RF_E_MALFORMED);
	}
	assert_int_equal(rf_ng_reply_parse(RF_V("1 {\"result\":\"ok\"}"), &a, &r, NULL), 0);
	assert_int_equal(rf_ng_stats_parse(r.top, &a, &call), 0);
	assert_int_equal(call.n_tags, 0);
	rf_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),      cmocka_unit_test(calls), cmocka_unit_test(no_room),
		cmocka_unit_test(statistics), cmocka_unit_test(reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

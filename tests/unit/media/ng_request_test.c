/* Requests: every word's row is read and written; what is refused, ignored, contradictory; every prefix; failed
 * allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "fail_alloc.h"
#include "guard.h"
#include "media/ng_words.h"

struct box {
	struct rf_arena arena;
	struct rf_ng_request q;
	struct rf_diag d;
};

static int parse(struct box *b, struct rf_view v)
{
	memset(&b->q, 0x55, sizeof b->q);
	b->d = (struct rf_diag){ 0 };
	int err = rf_ng_request_parse(v, &b->arena, &b->q, &b->d);

	if (err)
		assert_true(b->d.code == err && b->d.text[0]);
	return err;
}

static struct rf_view warning(const struct box *b)
{
	return b->q.notes ? rf_view_of(b->q.notes->text, b->q.notes->n) : RF_V("");
}

static bool has(struct rf_view v, const char *part)
{
	return part[0] ? memmem(v.p ? (const void *)v.p : "", v.n, part, strlen(part)) != NULL : v.n == 0;
}

/* As JSON, because that can be read: the members behind "command". Commands that need them get a call and a party. */
static const struct {
	const char *name, *members;
	int err;
	const char *says; /* in the warning, or in the error; "": no warning */
} table[] = {
	{ "nothing", "", 0, "" },
	{ "a known flag", "\"flags\":[\"trust address\"]", 0, "" },
	{ "with hyphens", "\"flags\":[\"trust-address\",\"no_rtcp-attribute\"]", 0, "" },
	{ "in capitals", "\"flags\":[\"TRUST-ADDRESS\"]", 0, "" },
	{ "an unknown flag", "\"flags\":[\"make coffee\"]", 0, "the flag \"make coffee\" is not known" },
	{ "an unknown flag with a quote", "\"flags\":[\"a\\\"b\"]", 0, "the flag \"a\\\"b\" is not known" },
	{ "an unknown key", "\"coffee\":\"black\"", 0, "the key \"coffee\" is not known" },
	{ "media handover", "\"flags\":[\"media-handover\"]", RF_E_UNSUPPORTED, "\"media handover\" is refused" },
	{ "media handover as key", "\"media handover\":\"yes\"", RF_E_UNSUPPORTED, "\"media handover\" is refused" },
	{ "media handover off", "\"media handover\":\"off\"", 0, "" },
	{ "a flag as key with another word", "\"symmetric\":\"maybe\"", RF_E_INVALID, "wants on or off" },
	{ "strict source", "\"flags\":[\"strict source\"]", 0, "" },
	{ "SDES without encryption", "\"SDES\":[\"unencrypted_srtp\"]", RF_E_UNSUPPORTED, "always" },
	{ "the same among the flags", "\"flags\":[\"SDES-unauthenticated_srtp\"]", RF_E_UNSUPPORTED, "always" },
	{ "and with an equals sign", "\"flags\":[\"SDES=unencrypted-srtcp\"]", RF_E_UNSUPPORTED, "always" },
	{ "SDES encrypted", "\"SDES\":[\"encrypted_srtp\"]", 0, "" },
	{ "SDES with an unknown word", "\"SDES\":[\"weak\"]", RF_E_INVALID, "\"SDES\" may not be \"weak\"" },
	{ "ICE unknown", "\"ICE\":\"maybe\"", RF_E_INVALID, "\"ICE\" may not be \"maybe\"" },
	{ "ICE twice", "\"ICE\":\"force\",\"flags\":[\"ICE=remove\"]", RF_E_INVALID, "\"ICE\" is given twice" },
	{ "ICE twice alike", "\"ICE\":\"force\",\"flags\":[\"ICE=force\"]", 0, "" },
	{ "ICE past the relay", "\"ICE\":\"force-relay\"", RF_E_UNSUPPORTED, "past the relay" },
	{ "ICE optional", "\"ICE\":\"optional\"", 0, "\"ICE=optional\" is not done" },
	{ "a word with a value without it", "\"flags\":[\"ICE\"]", RF_E_INVALID, "\"ICE\" wants a value" },
	{ "a fingerprint of SHA-1", "\"DTLS-fingerprint\":\"sha-1\"", RF_E_UNSUPPORTED, "SHA-1" },
	{ "record call", "\"record call\":\"on\"", RF_E_UNSUPPORTED, "\"record call\" is refused" },
	{ "record call as flag", "\"flags\":[\"record-call\"]", RF_E_UNSUPPORTED, "\"record call\" is refused" },
	{ "record call off", "\"record-call\":\"no\"", 0, "" },
	{ "delay buffer", "\"delay-buffer\":30", 0, "\"delay-buffer\" is not done" },
	{ "delay buffer off", "\"delay-buffer\":0", 0, "" },
	{ "a digit that opens", "\"trigger\":\"123\"", RF_E_UNSUPPORTED, "\"trigger\" is refused" },
	{ "a loop", "\"loop-protect\":1", 0, "\"loop protect\" is not done" },
	{ "OSRTP", "\"OSRTP\":[\"offer\"]", 0, "\"OSRTP=offer\" is not done" },
	{ "contradiction", "\"flags\":[\"symmetric\",\"asymmetric\"]", RF_E_INVALID,
	  "\"symmetric\" and \"asymmetric\" contradict each other" },
	{ "flags that are no list", "\"flags\":\"symmetric\"", RF_E_INVALID, "wants a list" },
	{ "flags that are no strings", "\"flags\":[1]", RF_E_INVALID, "wants strings" },
	{ "control characters", "\"flags\":[\"a\\nb\"]", RF_E_INVALID, "control characters" },
	{ "a label with a tab", "\"label\":\"a\\tb\"", RF_E_INVALID, "control characters" },
	{ "a number for a string", "\"label\":1", RF_E_INVALID, "wants a string" },
	{ "a string for a number", "\"TOS\":\"184\"", 0, "" },
	{ "no number", "\"TOS\":\"high\"", RF_E_INVALID, "wants an integer" },
	{ "a limit of 0", "\"limit\":0", RF_E_INVALID, "within" },
	{ "a number past 31 bits", "\"limit\":4294967297", RF_E_INVALID, "within" },
	{ "an address that is none", "\"media address\":\"here\"", RF_E_INVALID, "not an IP address" },
	{ "an address with a port", "\"media-address\":\"192.0.2.1:5060\"", RF_E_INVALID, "not an IP address" },
	{ "any address", "\"media-address\":\"0.0.0.0\"", RF_E_INVALID, "one host" },
	{ "an address of many", "\"media-address\":\"224.0.0.1\"", RF_E_INVALID, "one host" },
	{ "an interface where there are two", "\"interface\":\"outside\"", 0,
	  "\"interface\" is not read with \"query\"" },
	{ "an interface where there is one", "\"command\":\"subscribe request\",\"interface\":\"outside\"", 0, "" },
	{ "another family", "\"received-from\":[\"IP6\",\"192.0.2.1\"]", RF_E_INVALID, "its family" },
	{ "half a source", "\"received-from\":[\"IP4\"]", RF_E_INVALID, "wants a list" },
	{ "three directions", "\"direction\":[\"a\",\"b\",\"c\"]", RF_E_INVALID, "two strings" },
	{ "two calls", "\"call_id\":\"other\"", RF_E_INVALID, "\"call-id\" is given twice" },
	{ "a codec list of another name", "\"codec\":{\"coffee\":[\"x\"]}", 0, "\"codec\": \"coffee\" is not known" },
	{ "codecs that are no dictionary", "\"codec\":[]", RF_E_INVALID, "wants a dictionary" },
	{ "rtcp-mux with an unknown word", "\"rtcp-mux\":[\"perhaps\"]", 0, "\"rtcp-mux=perhaps\" is not known" },
	{ "a fax gateway", "\"T.38\":[\"decode\"]", RF_E_UNSUPPORTED, "T.38" },
	{ "a fax without ECM", "\"flags\":[\"T38-no-ECM\"]", 0, "\"T.38=no-ECM\" is not done" },
	{ "a path past the relay's sounds is text like any other", "\"file\":\"../x\"", 0, "" },
};

static void words(void **state)
{
	struct box b;

	(void)state;
	rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char text[1024];
		bool named = strncmp(table[i].members, "\"command\"", 9) == 0;
		int n = snprintf(text, sizeof text, "5_1 {%s\"call-id\":\"c\"%s%s}",
				 named ? "" : "\"command\":\"query\",", table[i].members[0] ? "," : "",
				 table[i].members);
		struct rf_view in = guard_copy(rf_view_of(text, (size_t)n));
		int err = parse(&b, in);

		if (err != table[i].err || !has(err ? rf_view_str(b.d.text) : warning(&b), table[i].says))
			fail_msg("%s: %d, %s, warning %.*s", table[i].name, err, b.d.text, RF_VFMT(warning(&b)));
		assert_true(rf_view_eq(b.q.cookie, RF_V("5_1")));
		assert_int_equal(b.q.encoding, RF_NG_JSON);
		rf_arena_reset(&b.arena);
		guard_free(in);
	}
	rf_arena_fini(&b.arena);
}

static void needs(void **state)
{
	static const char *const members[] = { "\"call-id\":\"c\"", "\"from-tag\":\"a\"", "\"to-tag\":\"b\"",
					       "\"sdp\":\"v=0\"", "\"code\":\"#\"" };
	struct box b;

	(void)state;
	rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
	for (unsigned c = 0; c < RF_NG_COMMANDS; c++)
		for (unsigned mask = 0; mask < 32; mask++) {
			char text[512];
			int n = snprintf(text, sizeof text, "c {\"command\":\"%s\"", rf_ng_commands[c].name);

			for (unsigned m = 0; m < 5; m++)
				if (mask & 1u << m)
					n += snprintf(text + n, sizeof text - (size_t)n, ",%s", members[m]);
			n += snprintf(text + n, sizeof text - (size_t)n, "}");
			int err = parse(&b, rf_view_of(text, (size_t)n));
			int want = rf_ng_commands[c].fate == RF_NG_REFUSED ? RF_E_UNSUPPORTED :
				   (mask & rf_ng_commands[c].needs) != rf_ng_commands[c].needs ? RF_E_INVALID : 0;
			if (err != want || b.q.command != (enum rf_ng_command)c)
				fail_msg("%s: %d", text, err);
			rf_arena_reset(&b.arena);
		}
	assert_int_equal(parse(&b, RF_V("c d7:command6:coffeee")), RF_E_UNSUPPORTED);
	assert_int_equal(parse(&b, RF_V("c d7:commandi1ee")), RF_E_INVALID);
	assert_int_equal(parse(&b, RF_V("c de")), RF_E_INVALID);
	assert_int_equal(parse(&b, RF_V("c le")), RF_E_MALFORMED);
	assert_int_equal(parse(&b, RF_V("c {\"command\":\"ping\",\"Command\":\"ping\"}")), RF_E_INVALID);
	rf_arena_fini(&b.arena);
}

static void cookies(void **state)
{
	char text[256];
	struct box b;

	(void)state;
	rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
	for (size_t n = 0; n <= RF_NG_COOKIE_MAX + 1; n++) {
		bool good = n > 0 && n <= RF_NG_COOKIE_MAX;

		memset(text, 'x', n);
		memcpy(text + n, " d7:command4:pinge", 19);
		assert_int_equal(parse(&b, rf_view_of(text, n + 18)), good ? 0 : RF_E_MALFORMED);
		assert_int_equal(b.q.cookie.n, good ? n : 0);
	}
	assert_int_equal(parse(&b, RF_V("x\x01 d7:command4:pinge")), RF_E_MALFORMED);
	assert_int_equal(b.q.cookie.n, 0);
	assert_int_equal(parse(&b, RF_V("nothing")), RF_E_MALFORMED);
	assert_int_equal(parse(&b, RF_V("")), RF_E_MALFORMED);
	/* Here an answer can be given. */
	assert_int_equal(parse(&b, RF_V("x garbage")), RF_E_MALFORMED);
	assert_int_equal(b.q.cookie.n, 1);
	assert_int_equal(parse(&b, RF_V("x {")), RF_E_MALFORMED);
	assert_int_equal(b.q.encoding, RF_NG_JSON);
	rf_arena_fini(&b.arena);
}

/* Everything that can be said, said. */
static void fill(struct rf_ng_request *q)
{
	static const struct rf_view one[] = { { (const uint8_t *)"opus/48000/2", 12 }, { (const uint8_t *)"PCMA", 4 } };

	memset(q, 0, sizeof *q);
	q->cookie = RF_V("77_3");
	q->command = RF_NG_OFFER;
	q->call_id = RF_V("abc@host");
	q->from_tag = RF_V("f");
	q->to_tag = RF_V("t");
	q->via_branch = RF_V("z9hG4bK1");
	q->label = RF_V("caller");
	q->set_label = RF_V("callee");
	q->from_tags = (struct rf_ng_list){ one, 2 };
	q->sdp = RF_V("v=0\r\n");
	assert_int_equal(rf_addr_parse(RF_V("192.0.2.7"), 0, &q->received_from), 0);
	assert_int_equal(rf_addr_parse(RF_V("2001:db8::7"), 0, &q->media_address), 0);
	assert_int_equal(rf_addr_parse(RF_V("192.0.2.8"), 0, &q->address), 0);
	q->direction[0] = RF_V("in");
	q->direction[1] = RF_V("out");
	q->interface = RF_V("in");
	q->ice = RF_NG_ICE_FORCE;
	q->ice_lite = RF_NG_LITE_BOTH;
	q->dtls = RF_NG_DTLS_OFF;
	q->dtls_reverse = RF_NG_DTLS_PASSIVE;
	q->dtls_fingerprint = RF_NG_SHA384;
	q->protocol = RF_NG_DTLS_SAVPF;
	q->family = RF_NG_IP6;
	q->learn = RF_NG_LEARN_OFF;
	q->drop = RF_NG_DROP_START;
	q->dtmf = RF_NG_DTMF_DROP;
	q->mux = RF_NG_MUX_OFFER | RF_NG_MUX_REQUIRE | RF_NG_MUX_DEMUX | RF_NG_MUX_ACCEPT | RF_NG_MUX_REJECT;
	q->replace = RF_NG_REPLACE_ORIGIN | RF_NG_REPLACE_CONNECTION | RF_NG_REPLACE_VERSION | RF_NG_REPLACE_USERNAME |
		     RF_NG_REPLACE_NAME | RF_NG_REPLACE_ZERO;
	q->sdes = RF_NG_SDES_OFF | RF_NG_SDES_PAD | RF_NG_SDES_LIFETIME;
	q->supports = RF_NG_SUPPORTS_LOAD_LIMIT;
	q->sdes_no = (struct rf_ng_list){ one, 1 };
	q->sdes_only = (struct rf_ng_list){ one, 2 };
	for (unsigned i = 0; i < RF_NG_CODEC_LISTS; i++)
		q->codecs[i] = (struct rf_ng_list){ one, 1 + i % 2 };
	q->tos = (struct rf_ng_int){ 184, true };
	q->ptime = (struct rf_ng_int){ 20, true };
	q->ptime_reverse = (struct rf_ng_int){ 30, true };
	q->delete_delay = (struct rf_ng_int){ 0, true };
	q->limit = (struct rf_ng_int){ 64, true };
	q->code = (struct rf_ng_int){ 11, true };
	q->duration = (struct rf_ng_int){ 250, true };
	q->pause = (struct rf_ng_int){ 100, true };
	q->volume = (struct rf_ng_int){ 8, true };
	q->repeat_times = (struct rf_ng_int){ 2, true };
	q->repeat_duration = (struct rf_ng_int){ 9000, true };
	q->file = RF_V("busy.wav");
	q->blob = rf_view_of("\0\1\2", 3);
	for (unsigned f = 0; f < RF_NG_FLAGS; f++)
		if (f != RF_NG_ASYMMETRIC && f != RF_NG_TRUST_ADDRESS && f != RF_NG_NO_PORT_LATCHING &&
		    f != RF_NG_FULL_RTCP_ATTRIBUTE)
			q->flags |= UINT64_C(1) << f;
}

static void same_list(struct rf_ng_list a, struct rf_ng_list b)
{
	assert_int_equal(a.n, b.n);
	for (size_t i = 0; i < a.n; i++)
		assert_true(rf_view_eq(a.v[i], b.v[i]));
}

static void same(const struct rf_ng_request *a, const struct rf_ng_request *b)
{
	const struct rf_view x[] = { a->cookie,       a->call_id,      a->from_tag,  a->to_tag,
				     a->via_branch,   a->label,        a->set_label, a->sdp,
				     a->direction[0], a->direction[1], a->interface, a->file };
	const struct rf_view y[] = { b->cookie,       b->call_id,      b->from_tag,  b->to_tag,
				     b->via_branch,   b->label,        b->set_label, b->sdp,
				     b->direction[0], b->direction[1], b->interface, b->file };

	for (size_t i = 0; i < sizeof x / sizeof *x; i++)
		assert_true(rf_view_eq(x[i], y[i]));
	assert_true(rf_addr_eq(&a->received_from, &b->received_from));
	assert_true(rf_addr_eq(&a->media_address, &b->media_address));
	assert_true(rf_addr_eq(&a->address, &b->address));
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->command, b->command);
	/* the enums and the bits, one behind the other */
	assert_memory_equal(&a->ice, &b->ice,
			    offsetof(struct rf_ng_request, supports) + 1 - offsetof(struct rf_ng_request, ice));
	same_list(a->from_tags, b->from_tags);
	same_list(a->sdes_no, b->sdes_no);
	same_list(a->sdes_only, b->sdes_only);
	for (unsigned i = 0; i < RF_NG_CODEC_LISTS; i++)
		same_list(a->codecs[i], b->codecs[i]);
	const struct rf_ng_int *p = &a->tos, *q = &b->tos;
	for (; p <= &a->repeat_duration; p++, q++)
		assert_true(p->v == q->v && p->set == q->set);
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

static void said_and_heard(void **state)
{
	struct rf_ng_request full;
	uint8_t buf[8192];

	(void)state;
	for (int json = 0; json < 2; json++)
		for (int most = 0; most < 2; most++) {
			struct rf_writer w;
			struct rf_view out;
			struct box b;

			rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
			fill(&full);
			full.encoding = json ? RF_NG_JSON : RF_NG_BENCODE;
			if (json) /* no bytes that JSON cannot say */
				full.blob = RF_V("x");
			if (!most)
				full = (struct rf_ng_request){ .cookie = full.cookie, .encoding = full.encoding };
			rf_writer_init(&w, buf, sizeof buf);
			rf_ng_request_put(&w, &full);
			assert_int_equal(rf_writer_done(&w, &out), 0);
			struct rf_view in = guard_copy(out);
			int err = parse(&b, in);
			if (err)
				fail_msg("%s: %.*s", b.d.text, RF_VFMT(in));
			same(&full, &b.q);
			assert_true(rf_view_eq(full.blob, b.q.blob));
			if (!json) {
				struct rf_ng_value *v;
				enum rf_ng_encoding enc;

				assert_int_equal(rf_ng_value_parse(rf_view_from(in, rf_view_find(in, ' ') + 1),
								   &b.arena, &v, &enc, NULL),
						 0);
				keys_in_order(v);
			}
			for (size_t n = 0; n < in.n; n++) {
				struct rf_view part = guard_copy(rf_view_sub(in, 0, n));

				assert_int_not_equal(parse(&b, part), 0);
				guard_free(part);
				rf_arena_reset(&b.arena);
			}
			/* No room: an error, nothing written past it. */
			for (size_t cap = 0; cap < out.n; cap += 7) {
				rf_writer_init(&w, buf + 1, cap);
				rf_ng_request_put(&w, &full);
				assert_int_equal(w.err, RF_E_SPACE);
			}
			guard_free(in);
			rf_arena_fini(&b.arena);
		}
}

static void memory_fails(void **state)
{
	struct rf_ng_request full;
	uint8_t buf[8192];
	struct rf_writer w;
	struct rf_view out;

	(void)state;
	fill(&full);
	full.encoding = RF_NG_JSON;
	full.blob = RF_V("x");
	rf_writer_init(&w, buf, sizeof buf);
	rf_ng_request_put(&w, &full);
	assert_int_equal(rf_writer_done(&w, &out), 0);
	for (unsigned n = 1;; n++) {
		struct box b;

		rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
		fail_alloc_at(n);
		int err = rf_ng_request_parse(out, &b.arena, &b.q, NULL);
		bool failed = fail_alloc_off();
		rf_arena_fini(&b.arena);
		assert_int_equal(err, failed ? -ENOMEM : 0);
		if (!failed)
			break;
	}
}

/* "key":[ n times item ] */
static int listed(struct box *b, const char *key, const char *item, unsigned n)
{
	static char text[70000];
	int at = snprintf(text, sizeof text, "c {\"command\":\"ping\",\"%s\":[", key);

	for (unsigned i = 0; i < n; i++)
		at += snprintf(text + at, sizeof text - (size_t)at, "%s\"%s\"", i ? "," : "", item);
	at += snprintf(text + at, sizeof text - (size_t)at, "]}");
	rf_arena_reset(&b->arena);
	return parse(b, rf_view_of(text, (size_t)at));
}

static int texted(struct box *b, const char *key, unsigned n)
{
	static char text[70000];
	int at = snprintf(text, sizeof text, "c {\"command\":\"ping\",\"%s\":\"", key);

	memset(text + at, 'x', n);
	at += (int)n;
	at += snprintf(text + at, sizeof text - (size_t)at, "\"}");
	rf_arena_reset(&b->arena);
	return parse(b, rf_view_of(text, (size_t)at));
}

static void bounds(void **state)
{
	static const struct { const char *key; unsigned most; } texts[] = {
		{ "call-id", RF_NG_CALL_ID_MAX }, { "from-tag", RF_NG_TAG_MAX }, { "to-tag", RF_NG_TAG_MAX },
		{ "label", RF_NG_TAG_MAX }, { "set-label", RF_NG_TAG_MAX }, { "via-branch", RF_NG_BRANCH_MAX },
		{ "interface", RF_NG_WORD_MAX }, { "file", RF_NG_WORD_MAX },
	};
	struct box b;

	(void)state;
	rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(texted(&b, texts[i].key, texts[i].most), 0);
		assert_int_equal(texted(&b, texts[i].key, texts[i].most + 1), RF_E_LIMIT);
	}
	assert_int_equal(texted(&b, "sdp", RF_NG_BYTES_MAX - 29), 0); /* the frame around it has as many */
	assert_int_equal(texted(&b, "sdp", RF_NG_BYTES_MAX), RF_E_LIMIT);
	assert_int_equal(b.q.cookie.n, 0);
	assert_int_equal(listed(&b, "SDES", "pad", RF_NG_LIST_MAX), 0);
	assert_int_equal(listed(&b, "SDES", "pad", RF_NG_LIST_MAX + 1), RF_E_LIMIT);
	assert_int_equal(listed(&b, "codec-strip", "x", RF_NG_LIST_MAX), 0);
	assert_int_equal(listed(&b, "codec-strip", "x", RF_NG_LIST_MAX + 1), RF_E_LIMIT);
	assert_int_equal(listed(&b, "flags", "codec-strip-x", RF_NG_LIST_MAX), 0);
	assert_int_equal(b.q.codecs[RF_NG_STRIP].n, RF_NG_LIST_MAX);
	assert_int_equal(listed(&b, "flags", "codec-strip-x", RF_NG_LIST_MAX + 1), RF_E_LIMIT);
	assert_int_equal(listed(&b, "flags", "reset", 2 * RF_NG_LIST_MAX), 0);
	assert_int_equal(listed(&b, "flags", "reset", 2 * RF_NG_LIST_MAX + 1), RF_E_LIMIT);
	/* The warning is cut at its bound, and says so. */
	assert_int_equal(listed(&b, "flags", "an unknown flag", 2 * RF_NG_LIST_MAX), 0);
	assert_true(b.q.notes->cut && b.q.notes->n <= RF_NG_WARNING_MAX);
	rf_arena_fini(&b.arena);
}

static void codes(void **state)
{
	static const struct { const char *value; int want;
	} cases[] = {
		{ "\"0\"", 0 },  { "\"9\"", 9 }, { "\"*\"", 10 },  { "\"#\"", 11 }, { "\"A\"", 12 },
		{ "\"d\"", 15 }, { "15", 15 },   { "\"11\"", 11 }, { "16", -1 },    { "-1", -1 },
		{ "\"E\"", -1 }, { "\"\"", -1 }, { "[]", -1 },
	};
	struct box b;

	(void)state;
	rf_arena_init(&b.arena, RF_NG_ARENA_BYTES);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int digit = 0; digit < 2; digit++) {
			char text[128];
			int n = snprintf(text, sizeof text, "c {\"command\":\"play DTMF\",\"call-id\":\"c\",\"%s\":%s}",
					 digit ? "digit" : "code", cases[i].value);
			int err = parse(&b, rf_view_of(text, (size_t)n));

			assert_int_equal(err, cases[i].want < 0 ? RF_E_INVALID : 0);
			if (err == 0)
				assert_int_equal(b.q.code.v, cases[i].want);
		}
	rf_arena_fini(&b.arena);
}

/* The tables hold together: keys in the order of bytes, no name twice, a reason wherever something is not done. */
static void tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < rf_ng_words_n; i++) {
		const struct rf_ng_word *w = &rf_ng_words[i];

		if (i)
			assert_true(strcmp(w[-1].name, w->name) < 0);
		assert_ptr_equal(rf_ng_word_find(rf_view_str(w->name)), w);
		assert_true(w->fate == RF_NG_DONE || w->reason);
		assert_null(strchr(w->name, '|'));
		for (const struct rf_ng_choice *c = w->choices; c && c->name; c++)
			assert_true(c->fate == RF_NG_DONE || c->reason);
	}
	for (unsigned f = 0; f < RF_NG_FLAGS; f++)
		assert_true(rf_ng_flag_name((enum rf_ng_flag)f)[0]);
	for (unsigned c = 0; c < RF_NG_COMMANDS; c++)
		assert_true(rf_ng_commands[c].name &&
			    (rf_ng_commands[c].fate == RF_NG_DONE || rf_ng_commands[c].reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),          cmocka_unit_test(needs),        cmocka_unit_test(cookies),
		cmocka_unit_test(said_and_heard), cmocka_unit_test(memory_fails), cmocka_unit_test(bounds),
		cmocka_unit_test(codes),          cmocka_unit_test(tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sound by request, over paths that are none: what is sent to whom, what is refused and why. */
#include "ear.h"
#include "media/clip.h"
#include "media/dsp.h"
#include "media/dtmf_audio.h"
#include "media/session.h"
#include "media/pcm.h"
#include "rtp/rtp.h"
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD(ip) "v=0\r\no=- 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define EVENTS HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
#define SOUND HEAD("203.0.113.7") "m=audio 3000 RTP/AVP 8 0\r\n"
#define SHARED HEAD("192.0.2.9") "m=audio 2000 RTP/SAVP 8\r\n" \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abcdefghijklmnopqrstuvwxyz0123456789+/AB\r\n"
#define A "'call-id':'c1','from-tag':'A'"
#define B A ",'to-tag':'B'"
#define FROM_B "'call-id':'c1','from-tag':'B'"

struct seen {
	struct kit k;
	unsigned keys, played;
	char tag[8];
	unsigned event;
};

static void on_dtmf(void *ctx, uint64_t to, struct rf_view call_id, struct rf_view tag, unsigned event, unsigned ms)
{
	struct seen *x = ctx;

	assert_true(to == 0 && rf_view_eq(call_id, RF_V("c1")) && tag.n < sizeof x->tag && ms >= 40);
	memcpy(x->tag, tag.p, tag.n);
	x->event = event;
	x->keys++;
}

static void on_played(void *ctx, struct rf_view call_id, struct rf_view tag)
{
	struct seen *x = ctx;

	assert_true(rf_view_eq(call_id, RF_V("c1")) && tag.n < sizeof x->tag);
	memcpy(x->tag, tag.p, tag.n);
	x->played++;
}

static int setup(void **state)
{
	struct seen *x = calloc(1, sizeof *x);

	kit_setup(&x->k);
	x->k.ops.dtmf = on_dtmf;
	x->k.ops.played = on_played;
	*state = x;
	return 0;
}

static int down(void **state)
{
	kit_down(&((struct seen *)*state)->k);
	free(*state);
	return 0;
}

static void run(struct kit *k, unsigned ms)
{
	for (; ms >= 20; ms -= 20)
		kit_wait(k, 20);
}

static void test_keys(void **state)
{
	struct kit *k = &((struct seen *)*state)->k;
	struct rf_path *p;

	refused(k, "play DTMF", A ",'code':5", NULL, "Unknown call-ID");
	ok(k, "offer", A, EVENTS);
	refused(k, "play DTMF", A ",'code':5", NULL, "no sound that has been answered");
	ok(k, "answer", B, SOUND);
	p = kit_path(k, 0);
	assert_null(p->filter[0]); /* nothing asked, nothing there */
	/* B presses: A takes events. */
	ok(k, "play DTMF", FROM_B ",'code':'#','duration':100,'volume':12,'pause':200", NULL);
	run(k, 400);
	assert_int_equal(p->sent[1], 0);
	assert_in_range(p->sent[0], 7, 8);
	assert_int_equal(p->last[0][1] & 0x7f, 101);
	assert_int_equal(p->last[0][12], 11);
	assert_int_equal(p->last[0][13], 0x80 | 12);
	assert_int_equal(p->last[0][14] << 8 | p->last[0][15], 800);
	/* A presses: B knows sound only. */
	ok(k, "play DTMF", A ",'code':3", NULL);
	run(k, 600);
	assert_in_range(p->sent[1], 12, 13);
	assert_int_equal(p->last[1][1] & 0x7f, 8);
	refused(k, "play DTMF", "'call-id':'c1','code':3", NULL, "no party is named");
	refused(k, "play DTMF", "'call-id':'c1','from-tag':'C','code':3", NULL, "no party of this session");
	ok(k, "play DTMF", "'call-id':'c1','flags':['all'],'code':3", NULL);
	for (unsigned i = 1; i < RF_DSP_KEYS_MAX; i++)
		ok(k, "play DTMF", A ",'code':3", NULL);
	refused(k, "play DTMF", A ",'code':3", NULL, "keys wait");
	ok(k, "delete", B, NULL); /* with keys under way */
	run(k, 100);
}

/* An answer that takes the line of this suite, whatever its number is. */
static const char *takes(const struct kit *k, const char *suite)
{
	static char text[512];
	const char *at = strstr(k->sdp, suite);

	assert_non_null(at);
	while (at[-1] != ':')
		at--;
	snprintf(text, sizeof text, HEAD("203.0.113.7") "m=audio 3000 RTP/SAVP 8\r\na=crypto:%d %s "
		 "inline:ABCDefghijklmnopqrstuvwxyz0123456789+/ab\r\n", atoi(at), suite);
	return text;
}

static void test_shared_keys(void **state)
{
	struct kit *k = &((struct seen *)*state)->k;

	ok(k, "offer", A, SHARED);
	ok(k, "answer", B, takes(k, "AES_CM_128_HMAC_SHA1_80"));
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_PASSED);
	refused(k, "play DTMF", A ",'code':3", NULL, "share their keys");
	ok(k, "delete", B, NULL);
	ok(k, "offer", A ",'flags':['inject DTMF']", SHARED);
	ok(k, "answer", B, takes(k, "AES_CM_128_HMAC_SHA1_80"));
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_SDES);
	ok(k, "play DTMF", A ",'code':3", NULL);
	ok(k, "delete", B, NULL);
}

/* This party says a key in its sound; the number of packets that went on. */
static void say_key(struct kit *k, struct rf_path *p, unsigned end, unsigned key)
{
	static uint16_t seq;
	struct rf_pcm_out *out;

	assert_int_equal(rf_pcm_out_new(RF_PCM_PCMA, 8000, &out), 0);
	for (unsigned i = 0; i < 15; i++, seq++) {
		struct rf_rtp_head head = { .ssrc = 9, .seq = seq, .timestamp = seq * 160u, .type = 8 };
		int16_t samples[160] = { 0 };
		uint8_t packet[2048];
		size_t n;

		if (i < 8)
			rf_tones_make(key, 8, 8000, i * 160, samples, 160);
		rf_rtp_head_put(&head, packet);
		assert_int_equal(rf_pcm_out_put(out, samples, 160, packet + 12, 1000, &n), 0);
		n += 12;
		assert_non_null(p->filter[end]);
		p->filter[end]->take(p->filter[end], packet, &n, sizeof packet);
		kit_wait(k, 20);
	}
	rf_pcm_out_free(out);
}

static void test_detect(void **state)
{
	struct seen *x = *state;
	struct kit *k = &x->k;
	struct rf_path *p;

	ok(k, "offer", A, EVENTS);
	ok(k, "answer", B ",'flags':['detect DTMF']", SOUND);
	p = kit_path(k, 0);
	assert_null(p->filter[0]);
	say_key(k, p, 1, 9);
	assert_int_equal(x->keys, 1);
	assert_int_equal(x->event, 9);
	assert_string_equal(x->tag, "B");
	run(k, 400);
	assert_true(p->sent[0] > 3); /* B knows no events, A does */
	assert_int_equal(p->last[0][1] & 0x7f, 101);
	assert_int_equal(p->last[0][12], 9);
	/* Events of A are told to nobody: it was not asked for. */
	p->ops->dtmf(p->arg, p, 0, 4, 100);
	assert_int_equal(x->keys, 1);
	p->ops->dtmf(p->arg, p, 1, 4, 100);
	assert_int_equal(x->keys, 2);
	/* Asked for later; of nobody but whom the request names. */
	ok(k, "unblock DTMF", "'call-id':'c1','flags':['detect DTMF','all']", NULL);
	p->ops->dtmf(p->arg, p, 0, 4, 100);
	assert_int_equal(x->keys, 2);
	ok(k, "block DTMF", A ",'flags':['detect DTMF']", NULL);
	p->ops->dtmf(p->arg, p, 0, 4, 100);
	assert_int_equal(x->keys, 3);
	/* As fast as packets come: some ahead, the others are told to nobody; then 20 a second again. */
	for (unsigned i = 0; i < 200; i++)
		p->ops->dtmf(p->arg, p, 0, 4, 100);
	assert_int_equal(x->keys, 2 + RF_SESSION_KEYS_AHEAD);
	assert_int_equal(rf_relay_census(k->relay).untold, 201 - RF_SESSION_KEYS_AHEAD);
	run(k, 100);
	p->ops->dtmf(p->arg, p, 0, 4, 100);
	assert_int_equal(x->keys, 3 + RF_SESSION_KEYS_AHEAD);
	ok(k, "delete", B, NULL);
}

static void test_block(void **state)
{
	struct kit *k = &((struct seen *)*state)->k;
	struct rf_path *p;

	ok(k, "offer", A, EVENTS);
	ok(k, "answer", B, SOUND);
	p = kit_path(k, 0);
	ok(k, "block DTMF", FROM_B, NULL);
	assert_null(p->filter[0]);
	assert_non_null(p->filter[1]);
	assert_int_equal(p->holds[1], RF_HOLD_DTMF);
	say_key(k, p, 1, 9);
	assert_int_equal(p->sent[0], 0);
	ok(k, "unblock DTMF", FROM_B, NULL);
	assert_int_equal(p->holds[1], 0);
	for (unsigned n = 1; n < 3; n++) { /* it fails closed */
		k->fail_at = n;
		ok(k, "block DTMF", A, NULL);
		if (k->failed)
			assert_int_equal(p->holds[0], RF_HOLD_DTMF | RF_HOLD_SILENCE);
		k->fail_at = 0;
		ok(k, "unblock DTMF", A, NULL);
	}
	ok(k, "delete", B, NULL);
}

static void put_clips(struct kit *k, struct rf_clips **ret_clips)
{
	char folder[] = "/tmp/rf-sound-XXXXXX", file[64];
	uint8_t wav[44 + 16000] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0";
	struct rf_diag d;

	memcpy(wav + 4, (uint32_t[]){ 16036 }, 4);
	memcpy(wav + 24, (uint32_t[]){ 8000, 16000 }, 8);
	memcpy(wav + 32, (uint16_t[]){ 2, 16 }, 4);
	memcpy(wav + 36, "data", 4);
	memcpy(wav + 40, (uint32_t[]){ 16000 }, 4);
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof file, "%s/hello.wav", folder);
	FILE *f = fopen(file, "w");
	assert_int_equal(fwrite(wav, 1, sizeof wav, f), sizeof wav);
	fclose(f);
	assert_int_equal(rf_clips_read(folder, ret_clips, &d), 0);
	unlink(file);
	rmdir(folder);
	k->conf.clips = *ret_clips;
	kit_again(k);
}

static void test_play(void **state)
{
	struct seen *x = *state;
	struct kit *k = &x->k;
	struct rf_clips *clips;
	struct rf_path *p;

	put_clips(k, &clips);
	ok(k, "offer", A, EVENTS);
	ok(k, "answer", B, SOUND);
	p = kit_path(k, 0);
	refused(k, "play media", A, NULL, "file or blob");
	refused(k, "play media", A ",'file':'other'", NULL, "none of that name");
	refused(k, "play media", A ",'file':'../hello'", NULL, "none of that name");
	refused(k, "play media", A ",'file':'/tmp/hello.wav'", NULL, "none of that name");
	refused(k, "play media", A ",'blob':'RIFF'", NULL, "blob: not a whole WAV");
	refused(k, "play media", "'call-id':'c1','file':'hello'", NULL, "no party is named");
	/* A hears it, B does not. */
	ok(k, "play media", A ",'file':'hello','repeat-times':2", NULL);
	assert_true(memmem(k->out, 200, "\"duration\":1000", 15) != NULL);
	run(k, 1960);
	assert_int_equal(x->played, 0);
	run(k, 200);
	assert_int_equal(x->played, 1);
	assert_string_equal(x->tag, "A");
	assert_int_equal(p->sent[0], 100);
	assert_int_equal(p->sent[1], 0);
	assert_int_equal(p->last[0][1] & 0x7f, 8);
	ok(k, "stop media", A, NULL);
	assert_true(k->reply.warning.n > 0);
	ok(k, "play media",
	   "'call-id':'c1','flags':['all'],'file':'hello.wav','repeat-duration':5000,'repeat-times':50", NULL);
	run(k, 200);
	ok(k, "stop media", A, NULL);
	assert_true(k->reply.warning.n == 0);
	assert_int_equal(x->played, 2);
	unsigned sent = p->sent[0];
	run(k, 200);
	assert_int_equal(p->sent[0], sent);
	assert_true(p->sent[1] >= 20);
	/* What is offered anew goes on meanwhile. */
	ok(k, "offer", A, EVENTS);
	ok(k, "answer", B, SOUND);
	sent = p->sent[1];
	run(k, 200);
	assert_true(p->sent[1] > sent);
	for (unsigned n = 1;; n++) {
		k->fail_at = n;
		bool done = kit_ask(k, "play media", A ",'file':'hello'", NULL) == RF_NG_OK;

		k->fail_at = 0;
		if (!k->failed)
			break;
		assert_false(done);
	}
	ok(k, "delete", B, NULL); /* while it plays */
	rf_clips_free(clips);
	assert_int_equal(rf_loop_wheel(k->loop)->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys, setup, down),
		cmocka_unit_test_setup_teardown(test_shared_keys, setup, down),
		cmocka_unit_test_setup_teardown(test_detect, setup, down),
		cmocka_unit_test_setup_teardown(test_block, setup, down),
		cmocka_unit_test_setup_teardown(test_play, setup, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

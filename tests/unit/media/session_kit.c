#include "session_kit.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the relay around them */

static struct rf_mono mono(void *ctx)
{
	return (struct rf_mono){ ((struct kit *)ctx)->now_us };
}

static struct rf_wall wall(void *ctx)
{
	return (struct rf_wall){ 1795354379000000 + (int64_t)((struct kit *)ctx)->now_us };
}

/* Every draw is another one, and the same in every run. */
static void fill(struct rf_random *r, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r->left = r->left * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)p)[i] = (uint8_t)(r->left >> 56);
	}
}

static void pinholes(void *ctx, uint64_t key, const struct rf_path_tuple *tuples, size_t n)
{
	struct kit *k = ctx;

	assert_true(key && tuples);
	k->pinhole_calls++;
	k->tuples = n;
}

static void ended(void *ctx, struct rf_view call_id, const char *why)
{
	struct kit *k = ctx;

	k->n_ended++;
	snprintf(k->ended, sizeof k->ended, "%.*s %s", RF_VFMT(call_id), why);
}

static void recording(void *ctx, const struct rf_recording *r)
{
	static const char *const states[] = { "asked", "begun", "ended", "refused" };
	struct kit *k = ctx;
	size_t n = strlen(k->recordings);

	assert_true(rf_view_eq(r->call_id, RF_V("c1")));
	n += (size_t)snprintf(k->recordings + n, sizeof k->recordings - n, "%s %.*s", states[r->state],
			      RF_VFMT(r->tag));
	for (size_t i = 0; i < r->n_tags; i++)
		n += (size_t)snprintf(k->recordings + n, sizeof k->recordings - n, " %.*s", RF_VFMT(r->tags[i]));
	if (r->why)
		n += (size_t)snprintf(k->recordings + n, sizeof k->recordings - n, ": %s", r->why);
	snprintf(k->recordings + n, sizeof k->recordings - n, "\n");
}

void kit_setup(struct kit *k)
{
	struct rf_loop_conf lc = { .clock = { mono, wall, k } };

	memset(k, 0, sizeof *k);
	k->now_us = 1000000;
	k->random = (struct rf_random){ .fill = fill, .left = 7 };
	k->worker.next_port = 20000;
	rf_arena_init(&k->arena, 1 << 20);
	assert_int_equal(rf_loop_new(&lc, &k->loop), 0);
	k->ops = (struct rf_relay_ops){ .pinholes = pinholes, .ended = ended, .recording = recording };
	k->conf = (struct rf_relay_conf){ .worker = &k->worker, .loop = k->loop, .random = &k->random, .hash_key = { 1, 2 },
		.policy = { .plain_allowed = true, .dtls = true,
			.suites = 1u << RF_SRTP_AEAD_AES_256_GCM | 1u << RF_SRTP_AEAD_AES_128_GCM |
				  1u << RF_SRTP_AES_256_CM_HMAC_SHA1_80 | 1u << RF_SRTP_AES_CM_128_HMAC_SHA1_80 },
		.fingerprint = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00",
		.ops = &k->ops, .ctx = k };
	assert_int_equal(rf_relay_new(&k->conf, &k->relay), 0);
}

void kit_again(struct kit *k)
{
	rf_relay_free(k->relay);
	assert_int_equal(rf_relay_new(&k->conf, &k->relay), 0);
}

void kit_down(struct kit *k)
{
	rf_relay_free(k->relay);
	assert_int_equal(k->worker.n_used, 0);
	assert_int_equal(k->tuples, 0);
	rf_loop_free(k->loop);
	rf_arena_fini(&k->arena);
}

void kit_wait(struct kit *k, uint64_t ms)
{
	for (; ms; ms -= ms < 1000 ? ms : 1000) {
		k->now_us += 1000 * (ms < 1000 ? ms : 1000);
		assert_int_equal(rf_loop_turn(k->loop, 0), 0);
	}
}

enum rf_ng_result kit_ask(struct kit *k, const char *command, const char *members, const char *sdp)
{
	struct rf_ng_request req;
	struct rf_diag d = { 0 };
	struct rf_writer w;
	char text[2048];
	size_t n;
	int rc;

	rf_arena_reset(&k->arena);
	rf_writer_init(&w, k->in, sizeof k->in);
	n = (size_t)snprintf(text, sizeof text, "c {'command':'%s'%s%s", command, members[0] ? "," : "", members);
	assert_true(n < sizeof text);
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] == '\'' ? '"' : text[i];
	rf_put(&w, rf_view_of(text, n));
	if (sdp) {
		rf_put_lit(&w, ",\"sdp\":\"");
		rf_put_json(&w, rf_view_str(sdp));
		rf_put_lit(&w, "\"");
	}
	rf_put_lit(&w, "}");
	assert_int_equal(w.err, 0);
	rc = rf_ng_request_parse(rf_view_of(k->in, w.n), &k->arena, &req, &d);
	if (rc)
		fail_msg("request: %s", d.text);
	req.by = k->by;
	memcpy(k->out, "c ", 2);
	rf_writer_init(&w, k->out + 2, sizeof k->out - 2);
	if (k->fail_at)
		fail_alloc_at(k->fail_at);
	rf_relay_do(k->relay, &req, &w);
	k->failed = k->fail_at && fail_alloc_off();
	assert_int_equal(w.err, 0);
	rc = rf_ng_reply_parse(rf_view_of(k->out, w.n + 2), &k->arena, &k->reply, &d);
	if (rc)
		fail_msg("reply: %s", d.text);
	assert_true(k->reply.sdp.n < sizeof k->sdp);
	if (k->reply.sdp.n)
		memcpy(k->sdp, k->reply.sdp.p, k->reply.sdp.n);
	k->sdp[k->reply.sdp.n] = 0;
	return k->reply.result;
}

struct rf_path *kit_path(struct kit *k, size_t n)
{
	for (size_t i = 0; i < KIT_PATHS; i++)
		if (k->worker.paths[i].used && n-- == 0)
			return &k->worker.paths[i];
	fail_msg("there is no such path");
	return NULL;
}

bool kit_has(const struct kit *k, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = k->sdp; (at = strstr(at, line)); at++)
		if ((at == k->sdp || at[-1] == '\n') && at[n] == '\r')
			return true;
	return false;
}

const char *kit_line(const struct kit *k, const char *begin)
{
	static char text[1024];

	for (const char *at = k->sdp; (at = strstr(at, begin)); at++)
		if (at == k->sdp || at[-1] == '\n') {
			at += strlen(begin);
			snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "\r"), at);
			return text;
		}
	return "";
}

int kit_begin(void **state)
{
	struct kit *k = malloc(sizeof *k);

	kit_setup(k);
	*state = k;
	return 0;
}

int kit_end(void **state)
{
	kit_down(*state);
	free(*state);
	return 0;
}

void ok(struct kit *k, const char *command, const char *members, const char *sdp)
{
	if (kit_ask(k, command, members, sdp) != RF_NG_OK)
		fail_msg("%s: %.*s", command, RF_VFMT(k->reply.reason));
}

void refused(struct kit *k, const char *command, const char *members, const char *sdp, const char *why)
{
	assert_int_equal(kit_ask(k, command, members, sdp), RF_NG_ERROR);
	if (!memmem(k->reply.reason.p, k->reply.reason.n, why, strlen(why)))
		fail_msg("\"%.*s\" does not say \"%s\"", RF_VFMT(k->reply.reason), why);
}

/* Sequences of offers, answers and deletes with any bytes for descriptions. An input is records with 0x1e between them:
 * a letter for the command (o a d q b; s t u: a recorder asked for, answered, ended), one that chooses what goes with it, one for the tags and branch, the description.
 * What goes out must be readable, the same offer twice must give the same, and at the end nothing may be left. */
#include "../unit/media/fake_path.h"
#include "media/ng_reply.h"
#include "media/relay.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { RECORDS_MAX = 12 };

static struct rf_mono mono(void *ctx)
{
	(void)ctx;
	return (struct rf_mono){ 1000000 };
}

static struct rf_wall wall(void *ctx)
{
	(void)ctx;
	return (struct rf_wall){ 1795354379000000 };
}

static void fill(struct rf_random *r, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)(r->left = r->left * 6364136223846793005u + 1442695040888963407u) >> 3;
}

static void choose(struct rf_ng_request *q, uint8_t with, uint8_t tags)
{
	static const struct rf_view names[] = { { (const uint8_t *)"A", 1 }, { (const uint8_t *)"B", 1 }, { (const uint8_t *)"C", 1 },
		{ NULL, 0 } };
	static const struct rf_view strip[] = { { (const uint8_t *)"all", 3 } }, keep[] = { { (const uint8_t *)"PCMU", 4 } };

	q->call_id = RF_V("c");
	q->from_tag = names[tags & 1];
	q->to_tag = names[tags & 2 ? 1 + (tags >> 2 & 1) - (tags & 1) : 3];
	q->via_branch = tags & 8 ? RF_V("x") : RF_V("");
	q->direction[1] = with & 1 ? RF_V("out") : RF_V("");
	q->protocol = (enum rf_ng_protocol)(with >> 1 & 7);
	if (q->protocol > RF_NG_PROTOCOL_ACCEPT)
		q->protocol = RF_NG_PROTOCOL_UNSET;
	q->ice = (enum rf_ng_ice)((with >> 4 & 3) + (tags >> 4 & 1));
	q->mux = with & 64 ? (uint8_t)(1 << (tags >> 5 & 3)) : 0;
	q->flags = with & 128 ? 1ull << RF_NG_SINGLE_CODEC | 1ull << RF_NG_GENERATE_MID | 1ull << RF_NG_RESET : 0;
	if (with & 128) {
		q->codecs[RF_NG_STRIP] = (struct rf_ng_list){ strip, 1 };
		q->codecs[RF_NG_CODEC_OFFER] = (struct rf_ng_list){ keep, 1 };
	}
	q->ptime = (struct rf_ng_int){ 10 * (1 + (tags >> 5)), tags & 128 };
	q->ptime_reverse = (struct rf_ng_int){ 30, with & 4 && tags & 64 };
}

static bool is_recorder(enum rf_ng_command c)
{
	return c == RF_NG_SUBSCRIBE_REQUEST || c == RF_NG_SUBSCRIBE_ANSWER || c == RF_NG_UNSUBSCRIBE;
}

/* Recorders have tags of their own; now and then one of a party's. */
static void choose_recorder(struct rf_ng_request *q, uint8_t tags)
{
	static const struct rf_view names[] = { { (const uint8_t *)"R", 1 }, { (const uint8_t *)"S", 1 }, { (const uint8_t *)"B", 1 },
		{ NULL, 0 } };

	static const struct rf_view codec[] = { { (const uint8_t *)"opus", 4 }, { (const uint8_t *)"telephone-event", 15 } };

	q->to_tag = names[tags >> 1 & 3];
	if (tags & 32)
		q->codecs[RF_NG_TRANSCODE] = (struct rf_ng_list){ codec, 2 };
	q->flags |= (tags & 8 ? 1ull << RF_NG_ALL : 0) | (tags & 16 ? 1ull << RF_NG_ALLOW_TRANSCODING : 0);
}

/* The description of a reply, copied; empty: none. */
static struct rf_view run(struct rf_relay *r, const struct rf_ng_request *q, uint8_t *out, size_t cap, uint8_t *sdp)
{
	struct rf_ng_reply reply;
	struct rf_arena a;
	struct rf_writer w;
	struct rf_sdp *parsed;
	struct rf_view v = { 0 };

	memcpy(out, "c ", 2);
	rf_writer_init(&w, out + 2, cap - 2);
	rf_relay_do(r, q, &w);
	rf_arena_init(&a, 4 << 20);
	if (w.err || rf_ng_reply_parse(rf_view_of(out, w.n + 2), &a, &reply, NULL))
		abort();
	if (reply.sdp.n) {
		if (rf_sdp_parse(&a, reply.sdp, NULL, &parsed, NULL))
			abort(); /* what goes out must be a description */
		memcpy(sdp, reply.sdp.p, reply.sdp.n);
		v = rf_view_of(sdp, reply.sdp.n);
	}
	rf_arena_fini(&a);
	return v;
}

static void record(struct rf_relay *r, struct rf_view v)
{
	static uint8_t out[RF_NG_BYTES_MAX], one[RF_NG_BYTES_MAX], two[RF_NG_BYTES_MAX];
	static const struct { char letter; enum rf_ng_command command; } commands[] = {
		{ 'o', RF_NG_OFFER }, { 'a', RF_NG_ANSWER }, { 'd', RF_NG_DELETE }, { 'q', RF_NG_QUERY }, { 'b', RF_NG_BLOCK_MEDIA },
		{ 's', RF_NG_SUBSCRIBE_REQUEST }, { 't', RF_NG_SUBSCRIBE_ANSWER }, { 'u', RF_NG_UNSUBSCRIBE },
	};
	struct rf_ng_request q = { .encoding = RF_NG_BENCODE };
	struct rf_view first;

	for (size_t i = 0; v.n >= 3 && i < sizeof commands / sizeof commands[0]; i++) {
		if (v.p[0] != commands[i].letter)
			continue;
		q.command = commands[i].command;
		choose(&q, v.p[1], v.p[2]);
		if (is_recorder(q.command))
			choose_recorder(&q, v.p[2]);
		q.sdp = rf_view_from(v, 3);
		first = run(r, &q, out, sizeof out, one);
		if (q.command == RF_NG_OFFER && first.n && !rf_view_eq(first, run(r, &q, out, sizeof out, two)))
			abort();
	}
}

/* One for all inputs: the kernel takes longer to end what a loop has (epoll, eventfds) than an input does. Nothing of one input is left in
 * it for the next, as every session and timer ends with its relay. */
static struct rf_loop *loop_of_all(void)
{
	static struct rf_loop *loop;
	struct rf_loop_conf conf = { .clock = { mono, wall, NULL } };

	if (!loop && rf_loop_new(&conf, &loop))
		abort();
	return loop;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rf_media_worker all;
	struct rf_media_worker *worker = &all;
	struct rf_random random = { .fill = fill };
	struct rf_relay_conf conf = { .worker = worker, .loop = loop_of_all(), .random = &random, .policy = { .plain_allowed = n % 3, .dtls = true, .suites = 0x1fe },
		.fingerprint = "sha-256 11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00" };
	struct rf_view left = { data, n };
	struct rf_relay *r;

	if (rf_relay_new(&conf, &r))
		abort();
	worker->next_port = 20000;
	for (unsigned i = 0; i < RECORDS_MAX && left.n; i++) {
		size_t end = rf_view_find(left, 0x1e);

		record(r, rf_view_sub(left, 0, end));
		left = rf_view_from(left, end + 1);
	}
	rf_relay_free(r);
	if (worker->n_used)
		abort();
	return 0;
}

/* Whole calls through the relay as it is: requests in, packets from parties with sockets, through real paths. */
#include "media/ng_reply.h"
#include "media/relay.h"
#include "path_kit.h"
#include "rtp/dtls.h"
#include "rtp/srtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define CRYPTO_A "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define CRYPTO_B "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n"

struct call {
	struct kit kit;
	struct rf_relay *relay;
	struct rf_dtls_ctx *dtls;
	struct party a, b;
	struct rf_addr to_a, to_b;   /* our ports: towards a, towards b */
	char sdp[4096];              /* that went out last */
	size_t tuples;
	char ended[64];
};

static void pinholes(void *ctx, uint64_t key, const struct rf_path_tuple *tuples, size_t n)
{
	(void)key;
	(void)tuples;
	((struct call *)ctx)->tuples = n;
}

static void ended(void *ctx, struct rf_view call_id, const char *why)
{
	struct call *c = ctx;

	snprintf(c->ended, sizeof c->ended, "%.*s %s", RF_VFMT(call_id), why);
}

static void begin(struct call *c)
{
	static const struct rf_relay_ops ops = { pinholes, ended };

	memset(c, 0, sizeof *c);
	assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1795300000000000 }, 30, &c->dtls), 0);
	kit_begin_with(&c->kit, 500, c->dtls, NULL);
	struct rf_relay_conf conf = { .worker = c->kit.w, .loop = c->kit.loop, .random = &c->kit.random, .ops = &ops, .ctx = c,
		.fingerprint = rf_dtls_ctx_print(c->dtls),
		.policy = { .plain_allowed = true, .dtls = true, .suites = 1u << RF_SRTP_AEAD_AES_256_GCM | 1u << RF_SRTP_AES_CM_128_HMAC_SHA1_80 } };

	assert_int_equal(rf_relay_new(&conf, &c->relay), 0);
	party_open(&c->a, "127.0.0.1");
	party_open(&c->b, "127.0.0.1");
}

static void end(struct call *c)
{
	struct rf_relay_census left = rf_relay_census(c->relay);

	assert_int_equal(left.sessions + left.parties + left.media, 0);
	assert_int_equal(c->tuples, 0);
	rf_relay_free(c->relay);
	party_close(&c->a);
	party_close(&c->b);
	kit_end(&c->kit);
	rf_dtls_ctx_free(c->dtls);
}

static enum rf_ng_result ask(struct call *c, struct rf_ng_request *q)
{
	static uint8_t out[65536];
	struct rf_ng_reply reply;
	struct rf_arena a;
	struct rf_writer w;

	if (!q->call_id.n)
		q->call_id = RF_V("call");
	memcpy(out, "c ", 2);
	rf_writer_init(&w, out + 2, sizeof out - 2);
	rf_relay_do(c->relay, q, &w);
	rf_arena_init(&a, 1 << 20);
	assert_int_equal(rf_ng_reply_parse(rf_view_of(out, w.n + 2), &a, &reply, NULL), 0);
	snprintf(c->sdp, sizeof c->sdp, "%.*s", RF_VFMT(reply.sdp));
	rf_arena_fini(&a);
	return reply.result;
}

/* What a party at this address says. */
static void describe(char text[512], const struct party *p, const char *proto, const char *more)
{
	snprintf(text, 512,
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %u %s 0 101\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\n%s",
		 p->at[0].port, proto, more);
}

/* Our port in the description that went out. */
static struct rf_addr ours(const struct call *c)
{
	struct rf_sdp *sdp;
	struct rf_arena a;
	struct rf_addr at;

	rf_arena_init(&a, 1 << 20);
	assert_int_equal(rf_sdp_parse(&a, rf_view_str(c->sdp), NULL, &sdp, NULL), 0);
	assert_int_equal(rf_addr_parse(sdp->conn.addr, sdp->media[0].port, &at), 0);
	rf_arena_fini(&a);
	return at;
}

static void offer(struct call *c, enum rf_ng_protocol protocol, const char *proto, const char *more)
{
	struct rf_ng_request q = { .command = RF_NG_OFFER, .from_tag = RF_V("A"), .protocol = protocol };
	char text[512];

	describe(text, &c->a, proto, more);
	q.sdp = rf_view_str(text);
	assert_int_equal(ask(c, &q), RF_NG_OK);
	c->to_b = ours(c);
}

static void answer(struct call *c, const char *proto, const char *more)
{
	struct rf_ng_request q = { .command = RF_NG_ANSWER, .from_tag = RF_V("A"), .to_tag = RF_V("B") };
	char text[512];

	describe(text, &c->b, proto, more);
	q.sdp = rf_view_str(text);
	assert_int_equal(ask(c, &q), RF_NG_OK);
	c->to_a = ours(c);
}

static void command(struct call *c, enum rf_ng_command what)
{
	struct rf_ng_request q = { .command = what, .from_tag = what == RF_NG_DELETE ? RF_V("A") : RF_V("") };

	assert_int_equal(ask(c, &q), RF_NG_OK);
}

static int gets(struct call *c, struct party *from, const struct rf_addr *to, struct party *at, uint16_t seq)
{
	uint8_t sent[256], got[2048];
	size_t n = kit_rtp(sent, 0x1000u + (from == &c->b), seq, 0, 160);

	party_send(&c->kit, from, 0, to, sent, n);
	ssize_t m = party_recv(at, 0, got, sizeof got, NULL);
	if (m < 0)
		return 0;
	assert_int_equal(m, n);
	assert_memory_equal(sent, got, n);
	return 1;
}

static int both_ways(struct call *c, uint16_t seq)
{
	return gets(c, &c->a, &c->to_a, &c->b, seq) + gets(c, &c->b, &c->to_b, &c->a, seq);
}

static void a_plain_call(void **state)
{
	struct call c;

	(void)state;
	begin(&c);
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/AVP", "");
	assert_int_equal(gets(&c, &c.b, &c.to_b, &c.a, 1), 0); /* nothing before the answer */
	answer(&c, "RTP/AVP", "");
	assert_int_equal(both_ways(&c, 10), 2);
	assert_int_equal(c.tuples, 8);
	/* another one speaks to the port */
	assert_int_equal(gets(&c, &c.b, &c.to_a, &c.b, 11), 0);
	command(&c, RF_NG_BLOCK_MEDIA);
	assert_int_equal(both_ways(&c, 12), 0);
	command(&c, RF_NG_UNBLOCK_MEDIA);
	assert_int_equal(both_ways(&c, 13), 2);
	/* hold: refused first, then agreed to */
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/AVP", "a=sendonly\r\n");
	assert_int_equal(both_ways(&c, 14), 2);
	answer(&c, "RTP/AVP", "a=recvonly\r\n");
	assert_int_equal(both_ways(&c, 15), 1);
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/AVP", "");
	answer(&c, "RTP/AVP", "");
	assert_int_equal(both_ways(&c, 16), 2);
	command(&c, RF_NG_QUERY);
	command(&c, RF_NG_DELETE);
	assert_int_equal(both_ways(&c, 17), 0);
	end(&c);
}

static void it_moves_as_signaled(void **state)
{
	struct call c;
	struct party before;

	(void)state;
	begin(&c);
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/AVP", "");
	answer(&c, "RTP/AVP", "");
	assert_int_equal(both_ways(&c, 1), 2);
	before = c.a;
	party_open(&c.a, "127.0.0.1");
	assert_int_equal(both_ways(&c, 2), 0); /* not said yet: the other side still reaches the old place */
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/AVP", "");
	answer(&c, "RTP/AVP", "");
	assert_int_equal(both_ways(&c, 3), 2);
	assert_int_equal(gets(&c, &before, &c.to_a, &c.b, 4), 0);
	party_close(&before);
	/* silence ends it */
	kit_wait_ms(&c.kit, 61000);
	kit_wait_ms(&c.kit, 61000);
	assert_string_equal(c.ended, "call silence");
	end(&c);
}

static struct rf_srtp_master master(const char *text)
{
	return (struct rf_srtp_master){ .suite = RF_SRTP_AES_CM_128_HMAC_SHA1_80, .key = rf_view_of(text, 30) };
}

/* The key of a=crypto in the description that went out. */
static void key_out(const struct call *c, uint8_t key[30])
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strstr(c->sdp, "AES_CM_128_HMAC_SHA1_80 inline:");
	uint32_t bits = 0;

	assert_non_null(at);
	at = strchr(at, ':') + 1;
	for (size_t i = 0; i < 40; i++) {
		bits = bits << 6 | (uint32_t)(strchr(set, at[i]) - set);
		if (i % 4 == 3)
			for (size_t k = 0; k < 3; k++)
				key[i / 4 * 3 + k] = (uint8_t)(bits >> (16 - 8 * k));
	}
}

static void keys_end_here(void **state)
{
	struct rf_srtp_master from_a = master("YS___semctl () {\t220;}\n}\nunles"), to_a;
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;
	uint8_t packet[256], got[2048], key[30];
	size_t n;
	ssize_t m;
	struct call c;

	(void)state;
	begin(&c);
	offer(&c, RF_NG_RTP_AVP, "RTP/SAVP", CRYPTO_A);
	answer(&c, "RTP/AVP", "");
	key_out(&c, key);
	to_a = master((const char *)key);
	assert_int_equal(rf_srtp_out_new(&from_a, &out), 0);
	assert_int_equal(rf_srtp_in_new(&to_a, 1, &in), 0);
	/* a's speech comes out plain at b */
	n = kit_rtp(packet, 7, 1, 0, 160);
	assert_int_equal(rf_srtp_out_rtp(out, packet, n, sizeof packet, &n), 0);
	party_send(&c.kit, &c.a, 0, &c.to_a, packet, n);
	m = party_recv(&c.b, 0, got, sizeof got, NULL);
	assert_int_equal(m, 172);
	n = kit_rtp(packet, 7, 1, 0, 160);
	assert_memory_equal(got, packet, n);
	/* what is not authentic goes nowhere */
	party_send(&c.kit, &c.a, 0, &c.to_a, packet, n);
	assert_int_equal(party_recv(&c.b, 0, got, sizeof got, NULL), -1);
	/* and b's comes out at a under the key that a was told */
	n = kit_rtp(packet, 8, 1, 0, 160);
	party_send(&c.kit, &c.b, 0, &c.to_b, packet, n);
	m = party_recv(&c.a, 0, got, sizeof got, NULL);
	assert_int_equal(m, 182);
	assert_int_equal(rf_srtp_in_rtp(in, got, (size_t)m, &n), 0);
	assert_memory_equal(got, packet, n);
	rf_srtp_out_free(out);
	rf_srtp_in_free(in);
	command(&c, RF_NG_DELETE);
	end(&c);
}

static void keys_are_passed_on(void **state)
{
	struct rf_srtp_master from_a = master("YS___semctl () {\t220;}\n}\nunles");
	struct rf_srtp_out *out;
	uint8_t packet[256], got[2048];
	size_t n;
	struct call c;

	(void)state;
	begin(&c);
	offer(&c, RF_NG_PROTOCOL_UNSET, "RTP/SAVP", CRYPTO_A);
	assert_non_null(strstr(c.sdp, CRYPTO_A));
	answer(&c, "RTP/SAVP", CRYPTO_B);
	assert_non_null(strstr(c.sdp, CRYPTO_B));
	assert_int_equal(rf_srtp_out_new(&from_a, &out), 0);
	n = kit_rtp(packet, 7, 1, 0, 160);
	party_send(&c.kit, &c.a, 0, &c.to_a, packet, n);
	assert_int_equal(party_recv(&c.b, 0, got, sizeof got, NULL), -1); /* not authentic: not even passed on */
	assert_int_equal(rf_srtp_out_rtp(out, packet, n, sizeof packet, &n), 0);
	party_send(&c.kit, &c.a, 0, &c.to_a, packet, n);
	assert_int_equal(party_recv(&c.b, 0, got, sizeof got, NULL), n);
	assert_memory_equal(got, packet, n);
	rf_srtp_out_free(out);
	command(&c, RF_NG_DELETE);
	end(&c);
}

/* Two calls in a row through the same relay: what the first one says to its callee is the offer of the second one.
 * Between them is a leg as the words for the first one say; outside everything is plain. */
static void chain(const struct rf_ng_request *with)
{
	struct call c;
	char text[512], middle[4096];
	struct rf_ng_request one = *with, two = { .from_tag = RF_V("X"),
						  .protocol = RF_NG_RTP_AVP,
						  .ice = RF_NG_ICE_REMOVE,
						  .mux = RF_NG_MUX_DEMUX,
						  .call_id = RF_V("second") };

	begin(&c);
	one.command = two.command = RF_NG_OFFER;
	one.from_tag = RF_V("A");
	describe(text, &c.a, "RTP/AVP", "");
	one.sdp = rf_view_str(text);
	assert_int_equal(ask(&c, &one), RF_NG_OK);
	memcpy(middle, c.sdp, sizeof middle);
	two.sdp = rf_view_str(middle);
	assert_int_equal(ask(&c, &two), RF_NG_OK);
	c.to_b = ours(&c);
	one.command = two.command = RF_NG_ANSWER;
	one.to_tag = two.to_tag = RF_V("B");
	one.protocol = two.protocol = RF_NG_PROTOCOL_UNSET;
	two.ice = RF_NG_ICE_UNSET;
	describe(text, &c.b, "RTP/AVP", "");
	two.sdp = rf_view_str(text);
	assert_int_equal(ask(&c, &two), RF_NG_OK);
	memcpy(middle, c.sdp, sizeof middle);
	one.sdp = rf_view_str(middle);
	assert_int_equal(ask(&c, &one), RF_NG_OK);
	c.to_a = ours(&c);
	for (unsigned i = 0; i < 200; i++)
		kit_wait_ms(&c.kit, 1); /* a handshake between our own two ports */
	for (uint16_t seq = 1; seq < 4; seq++) {
		uint8_t sent[256], got[2048];
		size_t n = kit_rtp(sent, 9, seq, 0, 160);

		party_send(&c.kit, &c.a, 0, &c.to_a, sent, n);
		kit_turn(&c.kit);
		kit_turn(&c.kit);
		assert_int_equal(party_recv(&c.b, 0, got, sizeof got, NULL), n);
		assert_memory_equal(got, sent, n);
		party_send(&c.kit, &c.b, 0, &c.to_b, sent, n);
		kit_turn(&c.kit);
		kit_turn(&c.kit);
		assert_int_equal(party_recv(&c.a, 0, got, sizeof got, NULL), n);
	}
	one.command = two.command = RF_NG_DELETE;
	assert_int_equal(ask(&c, &one), RF_NG_OK);
	assert_int_equal(ask(&c, &two), RF_NG_OK);
	end(&c);
}

static void legs_in_a_chain(void **state)
{
	static const struct rf_ng_request legs[] = {
		{ .protocol = RF_NG_RTP_AVP },
		{ .protocol = RF_NG_RTP_AVP, .mux = RF_NG_MUX_REQUIRE },
		{ .protocol = RF_NG_RTP_SAVP },
		{ .protocol = RF_NG_RTP_SAVPF, .mux = RF_NG_MUX_OFFER, .sdes = RF_NG_SDES_PAD | RF_NG_SDES_LIFETIME },
		{ .protocol = RF_NG_DTLS_SAVP },
		{ .protocol = RF_NG_DTLS_SAVPF, .mux = RF_NG_MUX_REQUIRE, .dtls = RF_NG_DTLS_PASSIVE },
		{ .protocol = RF_NG_RTP_SAVP, .sdes = RF_NG_SDES_OFF },
		{ .protocol = RF_NG_DTLS_SAVPF, .mux = RF_NG_MUX_OFFER, .ice = RF_NG_ICE_FORCE }, /* both are lite */
	};

	(void)state;
	for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++)
		chain(&legs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_call),
		cmocka_unit_test(it_moves_as_signaled),
		cmocka_unit_test(keys_end_here),
		cmocka_unit_test(keys_are_passed_on),
		cmocka_unit_test(legs_in_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "rtp/dtls.h"

#include "rtp/dtls_int.h"
#include "dtls_kit.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* --- */

static void test_handshake(void **state)
{
	struct rf_mono at;
	struct net net;

	(void)state;
	open_net(&net);
	assert_int_equal(rf_dtls_take_keys(net.d[1], &(struct rf_dtls_keys){ 0 }), RF_E_STATE);
	assert_false(rf_dtls_due(net.d[0], &at) || rf_dtls_due(net.d[1], &at));
	assert_int_equal(rf_dtls_connect(net.d[0], now), RF_E_STATE);
	assert_int_equal(rf_dtls_connect(net.d[1], now), 0);
	assert_int_equal(rf_dtls_connect(net.d[1], now), RF_E_STATE);
	assert_true(rf_dtls_due(net.d[1], &at) && at.us - now.us <= RF_DTLS_RESEND_MS * 1000);
	run(&net);
	assert_true(settled(&net));
	assert_int_equal(net.sent, 4); /* no cookie: the path was proven */
	assert_false(rf_dtls_due(net.d[0], &at) || rf_dtls_due(net.d[1], &at));
	assert_true(!net.d[0]->ssl && !net.d[1]->ssl); /* OpenSSL's object is gone, and ours */
	assert_true(!net.d[0]->h13 && !net.d[1]->h13);
	assert_true(rf_dtls_version(net.d[0]) == (modern ? 13 : 12) && rf_dtls_version(net.d[1]) == (modern ? 13 : 12));
	check_keys(&net, RF_SRTP_AEAD_AES_256_GCM);
	/* The one says that it ends, the other is told. */
	rf_dtls_close(net.d[0]);
	assert_int_equal(net.count, 1);
	deliver(&net, 0);
	assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_CLOSED);
	assert_int_equal(rf_dtls_state(net.d[1]), RF_DTLS_CLOSED);
	assert_int_equal(rf_dtls_alert(net.d[1]), 1 << 8);
	assert_int_equal(net.count, 1); /* and says the same */
	deliver(&net, 0);
	rf_dtls_close(net.d[0]);
	assert_int_equal(net.count, 0);
	close_net(&net);
}

/* The other way round, and changed on the way: a close_notify that is not authentic closes nothing. */
static void test_closed_by_client(void **state)
{
	struct net net;

	(void)state;
	open_net(&net);
	rf_dtls_connect(net.d[1], now);
	run(&net);
	assert_true(settled(&net));
	rf_dtls_close(net.d[1]);
	assert_int_equal(net.count, 1);
	struct packet p = net.queue[0];
	for (size_t bit = 0; bit < p.n * 8; bit++) {
		struct packet bent = p;

		bent.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rf_dtls_receive(net.d[0], rf_view_of(bent.bytes, bent.n), &there, true, now);
		assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_READY);
	}
	for (size_t n = 0; n < p.n; n++) {
		rf_dtls_receive(net.d[0], rf_view_of(p.bytes, n), &there, true, now);
		assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_READY);
	}
	deliver(&net, 0);
	assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_CLOSED);
	close_net(&net);
}

/* A datagram full of what only looks like an alert: not all of it is opened. */
static void test_full_of_forged(void **state)
{
	(void)state;
	for (unsigned forged = RF_DTLS_FORGED_MAX - 1; forged <= RF_DTLS_FORGED_MAX; forged++) {
		uint8_t datagram[RF_DTLS_MTU];
		size_t n = 0;
		struct net net;

		open_net(&net);
		rf_dtls_connect(net.d[1], now);
		run(&net);
		rf_dtls_close(net.d[1]);
		assert_int_equal(net.count, 1);
		const struct packet *p = &net.queue[0];

		for (unsigned i = 0; i <= forged; i++, n += p->n) {
			memcpy(datagram + n, p->bytes, p->n);
			datagram[n + p->n - 1] ^= i < forged;
		}
		rf_dtls_receive(net.d[0], rf_view_of(datagram, n), &there, true, now);
		assert_int_equal(rf_dtls_state(net.d[0]), forged < RF_DTLS_FORGED_MAX ? RF_DTLS_CLOSED : RF_DTLS_READY);
		close_net(&net);
	}
}

/* Whoever has not shown that he gets what is sent there gets nothing bigger than he sent, and leaves nothing here. */
static void test_cookie(void **state)
{
	struct rf_mono at;
	struct packet hello;
	struct net net;

	(void)state;
	open_net(&net);
	net.proven = false;
	rf_dtls_connect(net.d[1], now);
	hello = net.queue[0];
	deliver(&net, 0);
	assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_NEW);
	assert_true(!net.d[0]->ssl && !net.d[0]->h13);
	assert_false(rf_dtls_due(net.d[0], &at));
	assert_int_equal(net.count, 1);
	assert_true(net.queue[0].n <= hello.n && net.queue[0].n < (modern ? 160 : 64));
	/* Many strangers change nothing. */
	net.count = 0;
	for (unsigned i = 0; i < 50; i++) {
		net.sent_bytes[0] = 0;
		rf_dtls_receive(net.d[0], rf_view_of(hello.bytes, hello.n), &here, false, now);
		assert_true(net.sent_bytes[0] <= hello.n);
		net.count = 0;
	}
	rf_dtls_receive(net.d[0], rf_view_of(hello.bytes, hello.n), &there, false, now);
	deliver(&net, 0);
	assert_int_equal(net.count, 1);
	/* The cookie of one address is none from another; nor is one that was changed. */
	hello = net.queue[0];
	rf_dtls_receive(net.d[0], rf_view_of(hello.bytes, hello.n), &here, false, now);
	assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_NEW);
	net.count = 0;
	for (size_t i = 13; i < hello.n; i++) {
		struct packet bent = hello;

		/* Lengths and offset of a fragment: from a proven source one is collected, for either version. */
		if (i - 14 < 3 || i - 19 < 6)
			continue;
		bent.bytes[i] ^= 0x40;
		rf_dtls_receive(net.d[0], rf_view_of(bent.bytes, bent.n), &here, true, now);
		assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_NEW);
		net.count = 0;
	}
	/* Its own: it goes on, and ICE may have proven the path meanwhile. */
	rf_dtls_receive(net.d[0], rf_view_of(hello.bytes, hello.n), &there, true, now);
	assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_HANDSHAKE);
	run(&net);
	assert_true(settled(&net));
	check_keys(&net, RF_SRTP_AEAD_AES_256_GCM);
	close_net(&net);
}

/* Lost, twice, and in any order: the keys come all the same. */
static void test_bad_net(void **state)
{
	unsigned ready = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct net net;

		open_net(&net);
		net.dice = seed * 2654435761u;
		net.lost = one_in_three;
		net.proven = seed % 2;
		rf_dtls_connect(net.d[1], now);
		for (unsigned turn = 0; turn < 600 && !settled(&net); turn++) {
			if (!net.count) {
				if (!pass_time(&net))
					break;
				continue;
			}
			net.dice = net.dice * 1664525 + 1013904223;
			size_t at = (net.dice >> 16) % net.count;

			if (net.dice >> 28 == 0 && net.count < 32)
				net.queue[net.count++] = net.queue[at];
			deliver(&net, at);
		}
		if (settled(&net)) {
			check_keys(&net, RF_SRTP_AEAD_AES_256_GCM);
			ready++;
		} else {
			assert_int_equal(rf_dtls_why(net.d[0]) | rf_dtls_why(net.d[1]), RF_DTLS_WHY_TIMEOUT);
		}
		close_net(&net);
	}
	assert_true(ready >= 57); /* what is lost for 20 seconds is lost */
}

/* The server is done and its last flight is lost: it has no OpenSSL object any more, and answers. */
static void test_last_flight(void **state)
{
	struct net net;

	(void)state;
	open_net(&net);
	rf_dtls_connect(net.d[1], now);
	while (rf_dtls_state(net.d[0]) != RF_DTLS_READY)
		deliver(&net, 0);
	for (unsigned lost = 0; lost < 4; lost++) {
		net.count = 0;
		assert_true(pass_time(&net));
		assert_true(net.count >= 1); /* the client's again */
		while (net.count && net.queue[0].to == 0)
			deliver(&net, 0);
		assert_true(net.count >= 1);
		/* Of 1.3 the client's flight is the last, and the server's answer says that it is here. */
		assert_int_equal(rf_dtls_state(net.d[1]), modern ? RF_DTLS_READY : RF_DTLS_HANDSHAKE);
		assert_true(!modern || net.d[1]->h13);
	}
	struct packet again = net.queue[0];
	run(&net);
	assert_true(settled(&net));
	check_keys(&net, RF_SRTP_AEAD_AES_256_GCM);
	/* Not without end, and not as often as anybody likes. */
	uint8_t fake[22] = { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 9, 1 };
	unsigned before = net.sent;

	if (modern)
		memcpy(fake, (const uint8_t[]){ 0x2e, 0, 0, 0, 17 }, 5);
	for (unsigned i = 0; i < 100; i++) {
		now.us += 10000;
		rf_dtls_receive(net.d[0], rf_view_of(fake, sizeof fake), &there, true, now);
		net.count = 0;
	}
	assert_true(net.sent - before <= RF_DTLS_FINAL_MAX);
	assert_true(again.n < 128);
	/* The client has no last flight. */
	assert_int_equal(rf_dtls_receive(net.d[1], rf_view_of(fake, sizeof fake), &here, true, now), RF_E_STATE);
	close_net(&net);
}

static void test_nobody_there(void **state)
{
	struct net net;
	uint64_t from = now.us;

	(void)state;
	open_net(&net);
	net.lost = lose_all;
	rf_dtls_connect(net.d[1], now);
	run(&net);
	assert_int_equal(rf_dtls_state(net.d[1]), RF_DTLS_FAILED);
	assert_int_equal(rf_dtls_why(net.d[1]), RF_DTLS_WHY_TIMEOUT);
	assert_int_equal(now.us - from, RF_DTLS_HANDSHAKE_MS * 1000);
	assert_in_range(net.sent, 6, 10);
	assert_int_equal(rf_dtls_receive(net.d[1], RF_V("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\1\2"), &here, true, now),
			 RF_E_STATE);
	close_net(&net);
}

/* The wrong certificate, before and after the handshake; the strongest hash decides. */
static void test_fingerprints(void **state)
{
	struct rf_dtls_print right, wrong, strong = { .n = 64, .bytes = { 1 } };
	struct net net;

	(void)state;
	open_net(&net);
	assert_int_equal(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(net.ctx[1])), &right), 0);
	wrong = right;
	wrong.bytes[31] ^= 1;
	for (unsigned at = 0; at < 2; at++) { /* at the server's, at the client's */
		rf_dtls_free(net.d[0]);
		rf_dtls_free(net.d[1]);
		net.d[0] = make(&net, 0, RF_DTLS_PASSIVE, all_suites, 4);
		net.d[1] = make(&net, 1, RF_DTLS_ACTIVE, all_suites, 4);
		expect_peer(&net, !at);
		assert_int_equal(rf_dtls_set_peer(net.d[at], &wrong, 1), 0);
		rf_dtls_connect(net.d[1], now);
		run(&net);
		assert_int_equal(rf_dtls_why(net.d[at]), RF_DTLS_WHY_FINGERPRINT);
		assert_int_equal(rf_dtls_state(net.d[at]), RF_DTLS_FAILED);
		/* The client of 1.3 had nothing more to wait for. */
		assert_int_equal(rf_dtls_state(net.d[!at]), modern && at == 0 ? RF_DTLS_CLOSED : RF_DTLS_FAILED);
		assert_int_equal(rf_dtls_alert(net.d[!at]), 2 << 8 | 42);
		assert_int_equal(rf_dtls_take_keys(net.d[at], &(struct rf_dtls_keys){ 0 }), RF_E_STATE);
	}
	/* Handshake first, description later: no keys until then. */
	for (unsigned row = 0; row < 4; row++) {
		struct rf_dtls_print sets[4][2] = {
			{ wrong, right }, { wrong, wrong }, { right, strong }, { right, right }
		};

		rf_dtls_free(net.d[0]);
		rf_dtls_free(net.d[1]);
		net.d[0] = make(&net, 0, RF_DTLS_ACTPASS, all_suites, 4);
		net.d[1] = make(&net, 1, RF_DTLS_ACTPASS, all_suites, 4);
		expect_peer(&net, 1);
		rf_dtls_connect(net.d[1], now);
		run(&net);
		assert_int_equal(rf_dtls_state(net.d[0]), RF_DTLS_UNPROVEN);
		assert_int_equal(rf_dtls_take_keys(net.d[0], &(struct rf_dtls_keys){ 0 }), RF_E_STATE);
		assert_int_equal(rf_dtls_set_peer(net.d[0], sets[row], 2), 0);
		assert_int_equal(rf_dtls_state(net.d[0]), row == 1 || row == 2 ? RF_DTLS_FAILED : RF_DTLS_READY);
		assert_int_equal(net.count, row == 1 || row == 2 ? 1 : 0); /* the other side is told */
		run(&net);
		assert_int_equal(rf_dtls_state(net.d[1]), row == 1 || row == 2 ? RF_DTLS_CLOSED : RF_DTLS_READY);
		assert_int_equal(rf_dtls_set_peer(net.d[0], sets[row], 2), RF_E_STATE);
	}
	close_net(&net);
}

/* Which suite comes of what both want; the server's order counts. */
static void test_suites(void **state)
{
	static const struct {
		enum rf_srtp_suite server[2], client[2], want;
	} rows[] = {
		{ { RF_SRTP_AEAD_AES_128_GCM }, { RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AEAD_AES_128_GCM }, RF_SRTP_AEAD_AES_128_GCM },
		{ { RF_SRTP_AES_CM_128_HMAC_SHA1_80, RF_SRTP_AEAD_AES_256_GCM },
		  { RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_AES_CM_128_HMAC_SHA1_80 }, RF_SRTP_AES_CM_128_HMAC_SHA1_80 },
		{ { RF_SRTP_AES_CM_128_HMAC_SHA1_32 }, { RF_SRTP_AES_CM_128_HMAC_SHA1_32 }, RF_SRTP_AES_CM_128_HMAC_SHA1_32 },
		{ { RF_SRTP_AEAD_AES_256_GCM }, { RF_SRTP_AES_CM_128_HMAC_SHA1_80 }, RF_SRTP_NONE },
	};
	struct net net;

	(void)state;
	open_net(&net);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rf_dtls_free(net.d[0]);
		rf_dtls_free(net.d[1]);
		net.d[0] = make(&net, 0, RF_DTLS_PASSIVE, rows[i].server, rows[i].server[1] ? 2 : 1);
		net.d[1] = make(&net, 1, RF_DTLS_ACTIVE, rows[i].client, rows[i].client[1] ? 2 : 1);
		expect_peer(&net, 0);
		expect_peer(&net, 1);
		rf_dtls_connect(net.d[1], now);
		run(&net);
		if (rows[i].want) {
			check_keys(&net, rows[i].want);
			continue;
		}
		assert_int_equal(rf_dtls_why(net.d[0]), RF_DTLS_WHY_PROFILE);
		assert_int_equal(rf_dtls_state(net.d[1]), RF_DTLS_FAILED);
	}
	struct rf_dtls_params params = { RF_DTLS_ACTIVE,
					 (const enum rf_srtp_suite[]){ RF_SRTP_AES_256_CM_HMAC_SHA1_80 }, 1, NULL,
					 NULL };
	struct rf_random r;
	struct rf_dtls *none;
	rf_random_system(&r);
	assert_int_equal(rf_dtls_new(net.ctx[0], &params, &r, &none), RF_E_INVALID);
	params.suite_count = 0;
	assert_int_equal(rf_dtls_new(net.ctx[0], &params, &r, &none), RF_E_INVALID);
	close_net(&net);
}

/* --- a peer of OpenSSL's own, with whatever it can do wrong */

struct peer {
	const char *what;
	bool peer_is_server, no_cert, rsa;
	int min, max;
	const char *ciphers, *profiles, *groups, *sigalgs;
	enum rf_dtls_why why;
};

static SSL *make_peer(const struct peer *row, SSL_CTX **ret_ctx)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
	EVP_PKEY *key = row->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	X509_set_pubkey(cert, key);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_sign(cert, key, EVP_sha256());
	if (!row->no_cert) {
		SSL_CTX_use_certificate(ctx, cert);
		SSL_CTX_use_PrivateKey(ctx, key);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	if (row->peer_is_server)
		SSL_CTX_set_verify(ctx, row->no_cert ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(ctx, row->min);
	SSL_CTX_set_max_proto_version(ctx, row->max);
	if (row->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, row->ciphers), 1);
	if (row->groups)
		assert_int_equal(SSL_CTX_set1_groups_list(ctx, (void *)(uintptr_t)row->groups), 1);
	if (row->sigalgs)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, (void *)(uintptr_t)row->sigalgs), 1);
	ssl = SSL_new(ctx);
	if (row->profiles)
		assert_int_equal(SSL_set_tlsext_use_srtp(ssl, row->profiles), 0);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(ssl, 1200);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
	BIO_set_mem_eof_return(SSL_get_wbio(ssl), -1);
	if (row->peer_is_server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	*ret_ctx = ctx;
	return ssl;
}

static bool accept_all(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return true;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	return accept_all(ok, store);
}

static void to_peer(void *arg, struct rf_view v)
{
	BIO_write(SSL_get_rbio(arg), v.p, (int)v.n);
}

static void talk(struct rf_dtls *d, SSL *ssl)
{
	for (unsigned turn = 0; turn < 40; turn++) {
		uint8_t bytes[8192];
		int n;

		SSL_do_handshake(ssl);
		ERR_clear_error();
		n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes);
		if (n > 0)
			rf_dtls_receive(d, rf_view_of(bytes, (size_t)n), &there, true, now);
	}
	struct rf_mono at;
	while (rf_dtls_due(d, &at)) {
		now = at;
		rf_dtls_tick(d, now);
	}
}

static void test_peers(void **state)
{
	static const char gcm[] = "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
	static const struct peer rows[] = {
		{ "as it should", false, .profiles = gcm },
		{ "as it should, a server", true, .profiles = gcm },
		{ "RSA", true, .rsa = true, .profiles = gcm },
		{ "RSA client", false, .rsa = true, .profiles = gcm },
		{ "1.0", false, .max = DTLS1_VERSION, .profiles = gcm, .why = RF_DTLS_WHY_VERSION },
		{ "1.0 server", true, .max = DTLS1_VERSION, .profiles = gcm, .why = RF_DTLS_WHY_ALERT },
		{ "CBC only", false, .ciphers = "ECDHE-ECDSA-AES128-SHA256", .profiles = gcm,
		  .why = RF_DTLS_WHY_CIPHER },
		{ "ChaCha only", false, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305", .profiles = gcm,
		  .why = RF_DTLS_WHY_CIPHER },
		{ "no ECDHE", false, .ciphers = "DHE-RSA-AES128-GCM-SHA256", .profiles = gcm,
		  .why = RF_DTLS_WHY_CIPHER },
		{ "no cipher, a server", true, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305", .profiles = gcm,
		  .why = RF_DTLS_WHY_ALERT },
		{ "P-521 only", false, .groups = "P-521", .profiles = gcm, .why = RF_DTLS_WHY_CIPHER },
		{ "SHA-1 only", false, .sigalgs = "ECDSA+SHA1", .profiles = gcm, .why = RF_DTLS_WHY_CIPHER },
		{ "no certificate", false, .no_cert = true, .profiles = gcm, .why = RF_DTLS_WHY_NO_CERTIFICATE },
		{ "no use_srtp", false, .why = RF_DTLS_WHY_PROFILE },
		{ "no use_srtp, a server", true, .why = RF_DTLS_WHY_PROFILE },
		{ "another profile", false, .profiles = "SRTP_AES128_CM_SHA1_32", .why = RF_DTLS_WHY_PROFILE },
		{ "another profile, a server", true, .profiles = "SRTP_AES128_CM_SHA1_32", .why = RF_DTLS_WHY_PROFILE },
	};
	struct rf_dtls_ctx *ctx;

	(void)state;
	assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1700000000000000 }, 30, &ctx), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		SSL_CTX *peer_ctx;
		SSL *ssl = make_peer(&rows[i], &peer_ctx);
		struct rf_dtls_params params = { rows[i].peer_is_server ? RF_DTLS_ACTIVE : RF_DTLS_PASSIVE, all_suites,
						 3, to_peer, ssl };
		struct rf_random r;
		struct rf_dtls *d;

		rf_random_system(&r);
		SSL_set_verify(ssl, rows[i].no_cert ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, accept_any);
		assert_int_equal(rf_dtls_new(ctx, &params, &r, &d), 0);
		if (rows[i].peer_is_server)
			rf_dtls_connect(d, now);
		talk(d, ssl);
		if (rf_dtls_why(d) != rows[i].why ||
		    rf_dtls_state(d) != (rows[i].why ? RF_DTLS_FAILED : RF_DTLS_UNPROVEN))
			fail_msg("%s: %s, state %d", rows[i].what, rf_dtls_why_name(rf_dtls_why(d)), rf_dtls_state(d));
		rf_dtls_free(d);
		SSL_free(ssl);
		SSL_CTX_free(peer_ctx);
	}
	rf_dtls_ctx_free(ctx);
}

/* Every bit of every datagram of a handshake, changed: nothing breaks, and it never ends with other keys or without the
 * right certificate. */
static void test_bits(void **state)
{
	struct net net;

	(void)state;
	open_net(&net);
	for (unsigned flight = 0; flight < 4; flight++) {
		for (size_t at = 0; at < 1200; at += 7) {
			bool was = false;

			rf_dtls_free(net.d[0]);
			rf_dtls_free(net.d[1]);
			net.d[0] = make(&net, 0, RF_DTLS_PASSIVE, all_suites, 4);
			net.d[1] = make(&net, 1, RF_DTLS_ACTIVE, all_suites, 4);
			expect_peer(&net, 0);
			expect_peer(&net, 1);
			net.count = 0;
			rf_dtls_connect(net.d[1], now);
			for (unsigned i = 0; net.count; i++) {
				if (i == flight && at < net.queue[0].n) {
					net.queue[0].bytes[at] ^= (uint8_t)(1u << at % 8);
					was = true;
				}
				deliver(&net, 0);
			}
			if (!was)
				break;
			if (settled(&net)) /* a bit that means nothing: of the record's number, of the first random */
				check_keys(&net, net.d[0]->keys.suite);
		}
	}
	close_net(&net);
}

/* An alert that anybody may have sent does not end a handshake that goes on. */
static void test_forged_alert(void **state)
{
	static const uint8_t alert[15] = { 21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
	uint64_t from = now.us;
	struct net net;

	(void)state;
	open_net(&net);
	rf_dtls_connect(net.d[1], now);
	rf_dtls_receive(net.d[1], rf_view_of(alert, sizeof alert), &here, true, now);
	assert_int_equal(rf_dtls_state(net.d[1]), RF_DTLS_HANDSHAKE);
	deliver(&net, 0);
	rf_dtls_receive(net.d[0], rf_view_of(alert, sizeof alert), &there, true, now);
	run(&net);
	assert_true(settled(&net));
	/* It may have been the peer's: nothing follows, it is over soon. */
	rf_dtls_free(net.d[1]);
	net.d[1] = make(&net, 1, RF_DTLS_ACTIVE, all_suites, 4);
	net.lost = lose_all;
	rf_dtls_connect(net.d[1], now);
	rf_dtls_receive(net.d[1], rf_view_of(alert, sizeof alert), &here, true, now);
	run(&net);
	assert_int_equal(rf_dtls_why(net.d[1]), RF_DTLS_WHY_ALERT);
	assert_int_equal(rf_dtls_alert(net.d[1]), 2 << 8 | 40);
	assert_true(now.us - from < 5000000);
	close_net(&net);
}

static void test_too_much(void **state)
{
	static uint8_t junk[1200] = { 22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, (1200 - 13) >> 8, (1200 - 13) & 255 };
	struct net net;
	int rc = 0;

	(void)state;
	open_net(&net);
	net.lost = lose_all;
	rf_dtls_connect(net.d[1], now);
	for (unsigned i = 0; i < 100 && !rc; i++) {
		junk[10] = (uint8_t)i;
		junk[13] = 99; /* no message of any kind */
		rc = rf_dtls_receive(net.d[1], rf_view_of(junk, sizeof junk), &here, true, now);
	}
	assert_true(rc == RF_E_LIMIT || rc == RF_E_STATE);
	close_net(&net);
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", 0 },
		{ "SHA-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", 0 },
		{ "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:fg", RF_E_MALFORMED },
		{ "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee", RF_E_MALFORMED },
		{ "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:", RF_E_MALFORMED },
		{ "sha-256 00-11-22-33-44-55-66-77-88-99-AA-BB-CC-DD-EE-FF-00-11-22-33-44-55-66-77-88-99-aa-bb-cc-dd-ee-ff", RF_E_MALFORMED },
		{ "sha-384 00:11:22", RF_E_MALFORMED }, { "sha-256", RF_E_MALFORMED }, { "", RF_E_MALFORMED },
		{ " ", RF_E_MALFORMED },
		{ "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", RF_E_UNSUPPORTED },
		{ "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", RF_E_UNSUPPORTED },
	};
	struct rf_dtls_ctx *ctx;
	struct rf_dtls_print p;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rf_dtls_print_parse(rf_view_str(rows[i].text), &p) != rows[i].rc)
			fail_msg("%s", rows[i].text);
	assert_int_equal(rf_dtls_ctx_new((struct rf_wall){ 1700000000000000 }, 30, &ctx), 0);
	assert_int_equal(strlen(rf_dtls_ctx_print(ctx)), RF_DTLS_PRINT_TEXT - 1);
	assert_int_equal(rf_dtls_print_parse(rf_view_str(rf_dtls_ctx_print(ctx)), &p), 0);
	assert_int_equal(p.n, 32);
	rf_dtls_ctx_free(ctx);
	rf_dtls_ctx_free(NULL);
	rf_dtls_free(NULL);
	assert_int_equal(rf_dtls_setup_answer(RF_DTLS_ACTIVE, RF_DTLS_ACTIVE), RF_DTLS_PASSIVE);
	assert_int_equal(rf_dtls_setup_answer(RF_DTLS_PASSIVE, RF_DTLS_PASSIVE), RF_DTLS_ACTIVE);
	assert_int_equal(rf_dtls_setup_answer(RF_DTLS_ACTPASS, RF_DTLS_PASSIVE), RF_DTLS_PASSIVE);
	assert_int_equal(rf_dtls_setup_answer(RF_DTLS_ACTPASS, RF_DTLS_ACTPASS), RF_DTLS_ACTIVE);
	for (unsigned i = 0; i < RF_DTLS_WHYS; i++)
		assert_true(strlen(rf_dtls_why_name((enum rf_dtls_why)i)) > 2);
}

/* --- failed allocations, OpenSSL's among them */

static unsigned countdown; /* 0: none fails */

static bool fails(void)
{
	return countdown && --countdown == 0;
}

static void *my_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(n);
}

static void *my_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void my_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* With whatever fails once the handshake ends, ready or not, and what is ready has the right keys. */
static void test_memory(void **state)
{
	struct net net;
	bool reached = true;

	(void)state;
	open_net(&net);
	for (unsigned n = 1; reached; n += 1 + n / 16) {
		rf_dtls_free(net.d[0]);
		rf_dtls_free(net.d[1]);
		net.d[0] = make(&net, 0, RF_DTLS_PASSIVE, all_suites, 4);
		net.d[1] = make(&net, 1, RF_DTLS_ACTIVE, all_suites, 4);
		expect_peer(&net, 0);
		expect_peer(&net, 1);
		net.count = 0;
		net.proven = n % 2;
		countdown = n;
		rf_dtls_connect(net.d[1], now);
		run(&net);
		reached = countdown == 0;
		countdown = 0;
		if (settled(&net))
			check_keys(&net, RF_SRTP_AEAD_AES_256_GCM);
	}
	assert_true(settled(&net));
	close_net(&net);
}

static int speak_12(void **state)
{
	(void)state;
	modern = false;
	return 0;
}

static int speak_13(void **state)
{
	(void)state;
	modern = true;
	return 0;
}

/* What both versions have to hold. */
#define BOTH(name) \
	{ #name " of 1.2", test_##name, speak_12, NULL, NULL }, { #name " of 1.3", test_##name, speak_13, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_peers),
		BOTH(handshake),
		BOTH(closed_by_client),
		BOTH(full_of_forged),
		BOTH(cookie),
		BOTH(bad_net),
		BOTH(last_flight),
		BOTH(nobody_there),
		BOTH(fingerprints),
		BOTH(suites),
		BOTH(bits),
		BOTH(forged_alert),
		BOTH(too_much),
		BOTH(memory),
	};

	if (CRYPTO_set_mem_functions(my_malloc, my_realloc, my_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

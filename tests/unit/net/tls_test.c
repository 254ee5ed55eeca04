#include "kit.h"

#include "base/err.h"
#include "pki/id.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#define PHONE_SAN "URI:sip:1001@example.org,URI:urn:uuid:0f5a3d1e-8a52-4cbe-9a3d-0123456789ab"

struct seen {
	int accepted, opened, closed;
	bool had_peer, resumed;
	struct rf_pki_id peer;
	struct rf_stream_end end;
	struct rf_stream *stream;
	char cipher[64], version[16], text[128];
	uint8_t in[70000];
	size_t in_n;
	bool echo;
};

struct world {
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_listener *listener;
	struct rf_tls *tls;
	struct kit_cert ca, server, phone;
	struct seen seen;
	uint32_t handshake_ms;       /* 0: as it comes, for a loaded machine may stand still for
				      * longer than a test waits */
};

static void on_accept(struct rf_stream *s, void *listener_arg)
{
	struct seen *seen = listener_arg;

	seen->accepted++;
	seen->stream = s;
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	struct seen *seen = rf_stream_arg(s);

	seen->opened++;
	seen->stream = s;
	seen->had_peer = peer != NULL;
	if (peer)
		seen->peer = *peer;
	seen->resumed = rf_stream_tls_resumed(s);
	snprintf(seen->cipher, sizeof seen->cipher, "%s", rf_stream_tls_cipher(s));
	snprintf(seen->version, sizeof seen->version, "%s", rf_stream_tls_version(s));
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct seen *seen = rf_stream_arg(s);

	if (bytes.n > sizeof seen->in - seen->in_n)
		return bytes.n;
	memcpy(seen->in + seen->in_n, bytes.p, bytes.n);
	seen->in_n += bytes.n;
	if (seen->echo)
		rf_stream_send(s, bytes);
	return bytes.n;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct seen *seen = rf_stream_arg(s);

	seen->closed++;
	seen->end = *end;
	snprintf(seen->text, sizeof seen->text, "%s", end->text);
	if (seen->stream == s)
		seen->stream = NULL;
}

static const struct rf_stream_ops ops = { on_accept, on_open, on_data, on_closed };

static bool is_closed(void *arg)
{
	return ((struct seen *)arg)->closed > 0;
}

static bool is_open(void *arg)
{
	return ((struct seen *)arg)->opened > 0;
}

static bool has_input(void *arg)
{
	return ((struct seen *)arg)->in_n > 0;
}

static void listen_with(struct world *w, struct rf_tls_conf conf)
{
	struct rf_listener_conf l = { .ops = &ops, .arg = &w->seen, .handshake_ms = w->handshake_ms };

	rf_listener_free(w->listener);
	rf_tls_put(w->tls);
	w->tls = kit_tls(&w->server, &w->ca, conf);
	l.tls = w->tls;
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local), 0);
	assert_int_equal(rf_listener_new(w->net, &l, &w->listener), 0);
	memset(&w->seen, 0, sizeof w->seen);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
	assert_int_equal(rf_net_new(w->loop, NULL, &w->net), 0);
	w->ca = kit_make((struct kit_want){ .cn = "site CA" });
	w->server = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "ctl", .eku = "serverAuth",
						.san = "DNS:ctl.example.org,IP:127.0.0.1" });
	w->phone = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "1001", .san = PHONE_SAN, .eku = "clientAuth",
					       .serial = 77 });
	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rf_listener_free(w->listener);
	rf_net_free(w->net);
	rf_loop_free(w->loop);
	rf_tls_put(w->tls);
	kit_free(&w->ca);
	kit_free(&w->server);
	kit_free(&w->phone);
	free(w);
	return 0;
}

/* A client over ctx; *ret_fd is to be closed by the caller. */
static SSL *client(struct world *w, SSL_CTX *ctx, int *ret_fd)
{
	SSL *ssl = SSL_new(ctx);

	*ret_fd = kit_connect(rf_listener_local(w->listener));
	SSL_set_fd(ssl, *ret_fd);
	SSL_set_connect_state(ssl);
	return ssl;
}

static void goodbye(SSL *ssl, int fd)
{
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
}

/* ---- what works */

static void mutual(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char *const names[] = { "TLSv1.2", "TLSv1.3" };
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		SSL_CTX *ctx = kit_client_ctx(&w->phone);
		char back[16] = "";
		int fd;

		memset(&w->seen, 0, sizeof w->seen);
		w->seen.echo = true;
		SSL_CTX_set_min_proto_version(ctx, versions[i]);
		SSL_CTX_set_max_proto_version(ctx, versions[i]);
		SSL *ssl = client(w, ctx, &fd);
		assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
		assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
		assert_true(w->seen.had_peer);
		assert_string_equal(w->seen.peer.uri, "sip:1001@example.org");
		assert_string_equal(w->seen.peer.urn, "urn:uuid:0f5a3d1e-8a52-4cbe-9a3d-0123456789ab");
		assert_int_equal(w->seen.peer.serial[0], 77);
		assert_string_equal(w->seen.version, names[i]);
		assert_non_null(strstr(w->seen.cipher, "GCM"));
		assert_int_equal(SSL_write(ssl, "hello", 5), 5);
		assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
		kit_turn(w->loop, NULL, NULL, 5);
		int got = SSL_read(ssl, back, sizeof back);
		if (got <= 0)
			got = SSL_read(ssl, back, sizeof back);
		assert_int_equal(got, 5);
		assert_memory_equal(back, "hello", 5);
		SSL_shutdown(ssl);
		assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
		assert_int_equal(w->seen.end.why, RF_WHY_PEER);
		goodbye(ssl, fd);
		SSL_CTX_free(ctx);
	}
	assert_int_equal(rf_net_stats(w->net)->tls_handshakes, 2);
	assert_int_equal(rf_net_stats(w->net)->handshaking, 0);
}

/* Many records in one read, and one record that comes byte by byte. */
static void records_in_parts(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);
	int fd;
	SSL *ssl = client(w, ctx, &fd);
	char big[9000];

	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	memset(big, 'x', sizeof big);
	for (int i = 0; i < 7; i++)
		assert_int_equal(SSL_write(ssl, big, sizeof big), sizeof big);
	assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
	kit_turn(w->loop, NULL, NULL, 20);
	assert_int_equal(w->seen.in_n, 7 * sizeof big);

	BIO *mem = BIO_new(BIO_s_mem());
	char *bytes;
	w->seen.in_n = 0;
	SSL_set0_wbio(ssl, mem);
	assert_int_equal(SSL_write(ssl, "drop by drop", 12), 12);
	long n = BIO_get_mem_data(mem, &bytes);
	for (long i = 0; i < n; i++) {
		assert_int_equal(w->seen.in_n, 0);
		assert_int_equal(send(fd, bytes + i, 1, 0), 1);
		rf_loop_turn(w->loop, 10);
	}
	assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
	assert_memory_equal(w->seen.in, "drop by drop", 12);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* Open once and keep the ticket. */
static void take_ticket(struct world *w, SSL_CTX *ctx, int version)
{
	int fd;
	char c;

	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	kept = NULL;
	SSL *ssl = client(w, ctx, &fd);
	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	assert_false(w->seen.resumed);
	kit_turn(w->loop, NULL, NULL, 10);
	SSL_read(ssl, &c, 1); /* the ticket comes behind the handshake in TLS 1.3 */
	assert_non_null(kept);
	SSL_shutdown(ssl); /* or OpenSSL takes the session for broken */
	goodbye(ssl, fd);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
}

static void resumption_keeps_identity(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		SSL_CTX *ctx = kit_client_ctx(&w->phone), *bare = kit_client_ctx(NULL);
		int fd;

		memset(&w->seen, 0, sizeof w->seen);
		take_ticket(w, ctx, versions[i]);
		memset(&w->seen, 0, sizeof w->seen);
		SSL_CTX_set_max_proto_version(bare, versions[i]);
		SSL *ssl = client(w, bare, &fd); /* the ticket alone, as the phone's certificate is not sent again */
		SSL_set_session(ssl, kept);
		assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
		assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
		assert_true(w->seen.resumed);
		assert_true(w->seen.had_peer);
		assert_string_equal(w->seen.peer.uri, "sip:1001@example.org");
		goodbye(ssl, fd);
		SSL_SESSION_free(kept);
		kept = NULL;
		SSL_CTX_free(ctx);
		SSL_CTX_free(bare);
		kit_turn(w->loop, NULL, NULL, 10);
	}
	assert_int_equal(rf_net_stats(w->net)->tls_resumed, 2);
}

/* A peer of another authority comes with the name of it, also by ticket; the site's own have none. */
static void authority_of_a_peer(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct world *w = *state;
	struct kit_cert other = kit_make((struct kit_want){ .cn = "carrier CA" });
	struct kit_cert edge = kit_make((struct kit_want){ .issuer = &other, .cn = "edge", .eku = "clientAuth",
							   .san = "DNS:sip.carrier.example" });
	struct rf_view pem = kit_pem(&other);
	char path[] = "/tmp/rf-tls-peer-XXXXXX";
	const char *files[] = { path };
	uint8_t root[32], none[32] = { 0 };
	unsigned n = sizeof root;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, pem.p, pem.n), pem.n);
	close(fd);
	free((void *)(uintptr_t)pem.p);
	assert_int_equal(X509_digest(other.cert, EVP_sha256(), root, &n), 1);
	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED, .peer_ca_files = files,
					     .peer_ca_count = 1 });
	for (int i = 0; i < 4; i++) {
		SSL_CTX *ctx = kit_client_ctx(i < 2 ? &edge : &w->phone), *bare = kit_client_ctx(NULL);

		memset(&w->seen, 0, sizeof w->seen);
		take_ticket(w, ctx, versions[i % 2]);
		assert_memory_equal(w->seen.peer.authority, i < 2 ? root : none, 32);
		assert_int_equal(rf_pki_id_names(&w->seen.peer, RF_V("SIP.carrier.example")), i < 2);
		memset(&w->seen, 0, sizeof w->seen);
		SSL_CTX_set_max_proto_version(bare, versions[i % 2]);
		SSL *ssl = client(w, bare, &fd);
		SSL_set_session(ssl, kept);
		assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
		assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
		assert_true(w->seen.resumed);
		assert_memory_equal(w->seen.peer.authority, i < 2 ? root : none, 32);
		goodbye(ssl, fd);
		SSL_SESSION_free(kept);
		kept = NULL;
		SSL_CTX_free(ctx);
		SSL_CTX_free(bare);
		kit_turn(w->loop, NULL, NULL, 10);
	}
	kit_free(&other);
	kit_free(&edge);
	unlink(path);
}

/* A reload makes a new context: an old ticket opens nothing there. */
static void ticket_ends_with_the_context(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone), *bare = kit_client_ctx(NULL);
	int fd;

	take_ticket(w, ctx, TLS1_3_VERSION);
	struct rf_tls *fresh = kit_tls(&w->server, &w->ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	rf_listener_set_tls(w->listener, fresh);
	rf_tls_put(fresh);
	memset(&w->seen, 0, sizeof w->seen);
	SSL *ssl = client(w, bare, &fd);
	SSL_set_session(ssl, kept);
	kit_handshake(w->loop, ssl);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.fail, RF_TLS_FAIL_NONE_SENT);
	goodbye(ssl, fd);
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(ctx);
	SSL_CTX_free(bare);
}

static int refuse_77(void *arg, const struct rf_pki_id *peer)
{
	*(int *)arg += 1;
	return peer->serial[0] == 77 ? RF_E_DENIED : 0;
}

static void the_site_refuses(void **state)
{
	struct world *w = *state;
	int asked = 0, fd;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);

	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED, .check = refuse_77,
					     .check_arg = &asked });
	SSL *ssl = client(w, ctx, &fd);
	kit_handshake(w->loop, ssl);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(asked, 1);
	assert_int_equal(w->seen.opened, 0);
	assert_int_equal(w->seen.end.fail, RF_TLS_FAIL_REFUSED);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

static void optional_certificate(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(NULL);
	int fd;

	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_OPTIONAL });
	SSL *ssl = client(w, ctx, &fd);
	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	assert_false(w->seen.had_peer);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

/* ---- what is refused, and the reason that the record gets */

static void refused(struct world *w, SSL_CTX *ctx, enum rf_tls_fail fail)
{
	int fd;
	char c;
	SSL *ssl = client(w, ctx, &fd);

	memset(&w->seen, 0, sizeof w->seen);
	kit_handshake(w->loop, ssl);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.opened, 0);
	assert_int_equal(w->seen.end.why, RF_WHY_HANDSHAKE);
	assert_string_equal(rf_tls_fail_name(w->seen.end.fail), rf_tls_fail_name(fail));
	assert_true(w->seen.text[0]);
	/* The peer is told by an alert. */
	int rc = SSL_read(ssl, &c, 1);
	assert_true(rc <= 0);
	assert_int_equal(SSL_get_error(ssl, rc), SSL_ERROR_SSL);
	goodbye(ssl, fd);
}

static void bad_certificates(void **state)
{
	struct world *w = *state;
	struct kit_cert other_ca = kit_make((struct kit_want){ .cn = "site CA" });
	struct { struct kit_cert cert; enum rf_tls_fail fail; } cases[] = {
		{ kit_make((struct kit_want){ .issuer = &w->ca, .cn = "old", .san = PHONE_SAN, .from_s = -7200,
					      .until_s = -3600 }), RF_TLS_FAIL_EXPIRED },
		{ kit_make((struct kit_want){ .issuer = &w->ca, .cn = "new", .san = PHONE_SAN, .from_s = 3600,
					      .until_s = 7200 }), RF_TLS_FAIL_NOT_YET },
		{ kit_make((struct kit_want){ .issuer = &other_ca, .cn = "stranger", .san = PHONE_SAN }),
		  RF_TLS_FAIL_UNKNOWN_CA },
		{ kit_make((struct kit_want){ .cn = "self", .san = PHONE_SAN }), RF_TLS_FAIL_UNKNOWN_CA },
		{ kit_make((struct kit_want){ .issuer = &w->ca, .cn = "server", .san = PHONE_SAN,
					      .eku = "serverAuth" }), RF_TLS_FAIL_PURPOSE },
		/* Two users in one certificate: nobody could say whose it is. */
		{ kit_make((struct kit_want){ .issuer = &w->ca, .cn = "two",
					      .san = "URI:sip:1001@example.org,URI:sip:1002@example.org" }),
		  RF_TLS_FAIL_CERT },
	};

	for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++) {
		SSL_CTX *ctx = kit_client_ctx(&cases[i].cert);

		refused(w, ctx, cases[i].fail);
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
		refused(w, ctx, cases[i].fail);
		SSL_CTX_free(ctx);
	}
	SSL_CTX *ctx = kit_client_ctx(&cases[5].cert);
	int fd;
	SSL *ssl = client(w, ctx, &fd);
	memset(&w->seen, 0, sizeof w->seen);
	kit_handshake(w->loop, ssl);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.opened, 0);
	assert_int_equal(w->seen.end.fail, RF_TLS_FAIL_CERT);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
	ctx = kit_client_ctx(NULL);
	refused(w, ctx, RF_TLS_FAIL_NONE_SENT);
	SSL_CTX_free(ctx);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		kit_free(&cases[i].cert);
	kit_free(&other_ca);
}

static void revoked(void **state)
{
	struct world *w = *state;
	char path[] = "/tmp/rf_crl_XXXXXX";
	int tmp = mkstemp(path), fd;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);
	struct kit_cert good = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "1002",
							   .san = "URI:sip:1002@example.org", .serial = 78 });

	assert_true(tmp >= 0);
	kit_crl(&w->ca, 77, path);
	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED, .crl_file = path });
	refused(w, ctx, RF_TLS_FAIL_REVOKED);
	SSL_CTX_free(ctx);
	ctx = kit_client_ctx(&good);
	SSL *ssl = client(w, ctx, &fd);
	memset(&w->seen, 0, sizeof w->seen);
	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
	kit_free(&good);
	close(tmp);
	unlink(path);
}

static void old_versions_and_ciphers(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	refused(w, ctx, RF_TLS_FAIL_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"); /* CBC */
	refused(w, ctx, RF_TLS_FAIL_CIPHER);
	SSL_CTX_free(ctx);

	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED, .profile = &rf_tls_cnsa });
	ctx = kit_client_ctx(&w->phone);
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	refused(w, ctx, RF_TLS_FAIL_CIPHER);
	SSL_CTX_free(ctx);
	ctx = kit_client_ctx(&w->phone);
	int fd;
	SSL *ssl = client(w, ctx, &fd);
	memset(&w->seen, 0, sizeof w->seen);
	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	assert_string_equal(w->seen.cipher, "TLS_AES_256_GCM_SHA384");
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

static void renegotiation_is_refused(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);
	int fd;

	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	SSL *ssl = client(w, ctx, &fd);
	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_int_equal(SSL_renegotiate(ssl), 1);
	assert_int_not_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	kit_turn(w->loop, NULL, NULL, 20);
	assert_int_equal(rf_net_stats(w->net)->tls_handshakes, 1);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

/* ---- bytes that are not TLS */

static void garbage(void **state)
{
	static const uint8_t zeros[10240];
	static const struct { const char *name; const void *p; size_t n; } cases[] = {
		{ "zeros", zeros, sizeof zeros },
		{ "http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
		{ "sip", "REGISTER sip:example.org SIP/2.0\r\n\r\n", 36 },
		{ "record that is too long", "\x16\x03\x01\xff\xff\x01\xff\xff\xff", 9 },
		{ "alert at once", "\x15\x03\x01\x00\x02\x02\x28", 7 },
		{ "data at once", "\x17\x03\x03\x00\x05hello", 10 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = kit_connect(rf_listener_local(w->listener));

		memset(&w->seen, 0, sizeof w->seen);
		assert_int_equal(send(fd, cases[i].p, cases[i].n, 0), cases[i].n);
		if (!kit_turn(w->loop, is_closed, &w->seen, 1000))
			fail_msg("%s", cases[i].name);
		assert_int_equal(w->seen.closed, 1);
		assert_int_equal(w->seen.end.why, RF_WHY_HANDSHAKE);
		assert_int_equal(w->seen.opened, 0);
		close(fd);
	}
}

/* A client that begins and never ends its handshake costs its time and no more. */
static void endless_handshake(void **state)
{
	struct world *w = *state;

	w->handshake_ms = 200;
	listen_with(w, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	int fd = kit_connect(rf_listener_local(w->listener));

	assert_int_equal(send(fd, "\x16\x03\x01", 3, 0), 3);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_HANDSHAKE_TIME);
	close(fd);

	fd = kit_connect(rf_listener_local(w->listener));
	memset(&w->seen, 0, sizeof w->seen);
	while (!w->seen.accepted)
		rf_loop_turn(w->loop, 2);
	close(fd);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_PEER);
	assert_int_equal(rf_net_stats(w->net)->handshaking, 0);
}

/* Bytes changed on the way after the handshake. */
static void tampered(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);
	int fd;
	SSL *ssl = client(w, ctx, &fd);

	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	BIO *mem = BIO_new(BIO_s_mem());
	char *bytes;
	SSL_set0_wbio(ssl, mem);
	assert_int_equal(SSL_write(ssl, "hello", 5), 5);
	long n = BIO_get_mem_data(mem, &bytes);
	bytes[n - 1] ^= 1;
	assert_int_equal(send(fd, bytes, (size_t)n, 0), n);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_TLS);
	assert_int_equal(w->seen.in_n, 0);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

/* New keys in a running connection (RFC 8446 4.6.3), which needs what the handshake left behind. */
static void key_update(void **state)
{
	struct world *w = *state;
	SSL_CTX *ctx = kit_client_ctx(&w->phone);
	int fd;
	SSL *ssl = client(w, ctx, &fd);
	char back[32];

	assert_int_equal(kit_handshake(w->loop, ssl), SSL_ERROR_NONE);
	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	w->seen.echo = true;
	for (int i = 0; i < 5; i++) {
		w->seen.in_n = 0;
		assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_write(ssl, "again", 5), 5);
		assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
		int got = 0;
		for (int j = 0; j < 20 && got <= 0; j++) {
			rf_loop_turn(w->loop, 2);
			got = SSL_read(ssl, back, sizeof back);
		}
		assert_int_equal(got, 5);
	}
	assert_int_equal(w->seen.closed, 0);
	goodbye(ssl, fd);
	SSL_CTX_free(ctx);
}

/* ---- the client's side */

static void as_client(void **state)
{
	static const struct { const char *name; bool unchecked; enum rf_tls_fail fail; } cases[] = {
		{ "ctl.example.org", false, RF_TLS_OK },
		{ "CTL.Example.ORG.", false, RF_TLS_OK },
		{ "127.0.0.1", false, RF_TLS_OK },
		{ "example.org", false, RF_TLS_FAIL_NAME },
		{ "127.0.0.2", false, RF_TLS_FAIL_NAME },
		{ "example.org", true, RF_TLS_OK },
	};
	struct world *w = *state;
	struct rf_tls *tls = kit_tls(&w->phone, &w->ca, (struct rf_tls_conf){ 0 });

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct seen seen = { 0 };
		struct rf_stream_conf conf = { .remote = *rf_listener_local(w->listener), .tls = tls,
					       .name = rf_view_str(cases[i].name), .name_unchecked = cases[i].unchecked,
					       .ops = &ops, .arg = &seen };
		struct rf_stream *s;

		memset(&w->seen, 0, sizeof w->seen);
		assert_int_equal(rf_stream_connect(w->net, &conf, &s), 0);
		assert_int_equal(rf_stream_send(s, RF_V("early")), 0); /* leaves when it is open */
		if (cases[i].fail) {
			assert_true(kit_turn(w->loop, is_closed, &seen, 1000));
			assert_int_equal(seen.end.fail, cases[i].fail);
			assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
			assert_int_equal(w->seen.end.fail, RF_TLS_FAIL_ALERT);
			assert_int_equal(w->seen.in_n, 0);
			continue;
		}
		assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
		assert_memory_equal(w->seen.in, "early", 5);
		assert_string_equal(w->seen.peer.uri, "sip:1001@example.org");
		rf_stream_close(s);
		assert_int_equal(seen.closed, 0);
		assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
		assert_int_equal(seen.closed, 1);
		assert_int_equal(seen.end.why, RF_WHY_LOCAL);
		assert_int_equal(w->seen.end.why, RF_WHY_PEER);
	}
	rf_tls_put(tls);
}

static void client_refuses_strange_server(void **state)
{
	struct world *w = *state;
	struct kit_cert other = kit_make((struct kit_want){ .cn = "other CA" });
	struct rf_tls *tls = kit_tls(NULL, &other, (struct rf_tls_conf){ 0 });
	struct seen seen = { 0 };
	struct rf_stream_conf conf = { .remote = *rf_listener_local(w->listener), .tls = tls,
				       .name = RF_V("ctl.example.org"), .ops = &ops, .arg = &seen };
	struct rf_stream *s;

	assert_int_equal(rf_stream_connect(w->net, &conf, &s), 0);
	assert_true(kit_turn(w->loop, is_closed, &seen, 1000));
	assert_int_equal(seen.end.fail, RF_TLS_FAIL_UNKNOWN_CA);
	conf.name.n = 0;
	assert_int_equal(rf_stream_connect(w->net, &conf, &s), RF_E_INVALID);
	rf_tls_put(tls);
	kit_free(&other);
}

static void names(void **state)
{
	static const struct { const char *san, *domain; bool match; } cases[] = {
		{ "DNS:example.org", "example.org", true },
		{ "DNS:example.org", "EXAMPLE.org", true },
		{ "DNS:*.example.org", "sip.example.org", false },
		{ "DNS:sip.example.org", "example.org", false },
		{ "URI:sip:example.org", "example.org", true },
		{ "URI:sip:example.org:5061", "example.org", true },
		{ "URI:sip:example.org,DNS:other.org", "other.org", false },
		{ "URI:sip:1001@example.org", "example.org", false },
		{ "URI:sip:1001@example.org,DNS:example.org", "example.org", true },
		{ "URI:sips:example.org", "example.org", false },
		{ "URI:http://example.org", "example.org", false },
		{ "IP:192.0.2.1", "192.0.2.1", true },
		{ "IP:2001:db8::1", "2001:db8::1", true },
		{ "IP:192.0.2.1", "192.0.2.2", false },
		{ "DNS:example.org", "", false },
		{ NULL, "cn.example.org", false },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kit_cert c = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "cn.example.org",
								.san = cases[i].san });
		bool match = rf_tls_cert_names(c.cert, rf_view_str(cases[i].domain));

		if (match != cases[i].match)
			fail_msg("%s against %s", cases[i].domain, cases[i].san);
		kit_free(&c);
	}
}

static void contexts_that_cannot_be(void **state)
{
	struct world *w = *state;
	struct kit_cert expired = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "old", .from_s = -7200,
							      .until_s = -3600 });
	const struct { struct rf_tls_conf conf; const char *says; } cases[] = {
		{ { .cert = w->server.cert, .key = w->phone.key }, "private key" },
		{ { .cert = w->server.cert }, "private key" },
		{ { .cert = expired.cert, .key = expired.key }, "expired" },
		{ { .chain_file = "/nonexistent.pem", .key = w->server.key }, "/nonexistent.pem" },
		{ { .cert = w->server.cert, .key = w->server.key, .ca_file = "/nonexistent.pem" }, "CA file" },
		{ { .cert = w->server.cert, .key = w->server.key, .ca_pem = RF_V("nothing") }, "no PEM" },
		{ { .cert = w->server.cert, .key = w->server.key, .client = RF_TLS_CLIENT_REQUIRED }, "no CA is" },
		{ { .cert = w->server.cert, .key = w->server.key, .crl_file = "/nonexistent.pem" }, "revocation" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_diag d = { 0 };
		struct rf_tls *tls;

		assert_int_equal(rf_tls_new(&cases[i].conf, &tls, &d), RF_E_INVALID);
		if (!strstr(d.text, cases[i].says))
			fail_msg("wanted \"%s\" in: %s", cases[i].says, d.text);
	}
	kit_free(&expired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mutual, setup, teardown),
		cmocka_unit_test_setup_teardown(records_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(resumption_keeps_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(ticket_ends_with_the_context, setup, teardown),
		cmocka_unit_test_setup_teardown(the_site_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(optional_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_certificates, setup, teardown),
		cmocka_unit_test_setup_teardown(revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(old_versions_and_ciphers, setup, teardown),
		cmocka_unit_test_setup_teardown(renegotiation_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(endless_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(tampered, setup, teardown),
		cmocka_unit_test_setup_teardown(key_update, setup, teardown),
		cmocka_unit_test_setup_teardown(authority_of_a_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(as_client, setup, teardown),
		cmocka_unit_test_setup_teardown(client_refuses_strange_server, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(contexts_that_cannot_be, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* TLS between the socket and a stream. OpenSSL reads from the loop's wire buffer, which one recv() has filled, and
 * writes to the socket through a BIO of ours: so a message costs one system call each way, and what OpenSSL keeps of an
 * idle connection has no buffers in it. */
#include "net/stream_int.h"

#include "base/err.h"
#include "pki/id.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- the BIO; its data is the stream */

static int bio_read(BIO *bio, char *to, int n)
{
	struct rf_stream *s = BIO_get_data(bio);
	size_t left = s->net->wire_owner == s ? s->net->wire_n - s->net->wire_at : 0;

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	if (!left) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (left > (size_t)n)
		left = (size_t)n;
	memcpy(to, s->net->wire + s->net->wire_at, left);
	s->net->wire_at += left;
	return (int)left;
}

static int bio_write(BIO *bio, const char *from, int n)
{
	struct rf_stream *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n <= 0)
		return 0;
	ssize_t sent = send(s->fd, from, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0)
		return (int)sent;
	if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_write(bio);
	else
		s->end_err = -errno;
	return -1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *new_bio(struct rf_stream *s)
{
	struct rf_net *net = s->net;

	if (!net->bio_method) {
		net->bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringfort stream");
		if (!net->bio_method)
			return NULL;
		BIO_meth_set_read(net->bio_method, bio_read);
		BIO_meth_set_write(net->bio_method, bio_write);
		BIO_meth_set_ctrl(net->bio_method, bio_ctrl);
	}
	BIO *bio = BIO_new(net->bio_method);
	if (!bio)
		return NULL;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	return bio;
}

int rf_stream_tls_start(struct rf_stream *s)
{
	BIO *bio = new_bio(s);
	struct rf_view first = rf_view_sub(s->name, 0, rf_view_find(s->name, ' '));
	char host[256];
	struct rf_addr ip;

	ERR_clear_error();
	s->ssl = bio ? rf_tls_ssl_new(s->tls, s->accepted, s->name_unchecked ? NULL : &s->name) : NULL;
	if (!s->ssl) {
		BIO_free(bio);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_bio(s->ssl, bio, bio);
	/* RFC 6066 3: a literal address is not a server name. */
	bool named = !s->accepted && first.n && rf_addr_parse(first, 0, &ip) != 0;
	if (named && rf_view_cstr(first, host, sizeof host) && SSL_set_tlsext_host_name(s->ssl, host) != 1) {
		ERR_clear_error();
		return -ENOMEM;
	}
	return 0;
}

/* ---- the handshake */

static void handshake_failed(struct rf_stream *s, int result)
{
	const char *text = NULL;

	s->tls_dead = true;
	if (SSL_get_error(s->ssl, result) == SSL_ERROR_SYSCALL && s->end_err) {
		ERR_clear_error();
		rf_stream_end(s, RF_WHY_RESET, s->end_err, NULL);
		return;
	}
	s->fail = rf_tls_why(s->ssl, &text);
	rf_stream_end(s, RF_WHY_HANDSHAKE, 0, text);
}

static void refuse(struct rf_stream *s, enum rf_tls_fail fail)
{
	s->fail = fail;
	rf_stream_end(s, RF_WHY_HANDSHAKE, 0, rf_tls_fail_text(fail));
}

/* Who the peer is: RF_TLS_OK with id->present telling whether it said so. A resumed session has the certificate of the
 * full handshake, which may have expired since. */
static enum rf_tls_fail identify(struct rf_stream *s, struct rf_pki_id *id)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);

	id->present = false;
	if (!cert)
		return RF_TLS_OK;
	if (SSL_get_verify_result(s->ssl) != X509_V_OK || rf_pki_id_from_x509(cert, id) != 0)
		return RF_TLS_FAIL_CERT;
	int64_t now_s = rf_loop_wall(s->net->loop).us / 1000000;
	if (s->resumed && now_s > id->not_after_s)
		return RF_TLS_FAIL_EXPIRED;
	rf_tls_authority(s->tls, s->ssl, id->authority);
	id->present = true;
	if (s->tls->check && s->tls->check(s->tls->check_arg, id) != 0)
		return RF_TLS_FAIL_REFUSED;
	return RF_TLS_OK;
}

static void forget_all(STACK_OF(X509) *certs)
{
	while (certs && sk_X509_num(certs) > 0)
		X509_free(sk_X509_pop(certs));
}

/* The session keeps the peer's certificate and all that it sent along, with their decoded public keys: up to a third of
 * an idle connection's memory, though after the handshake nothing uses them: no renegotiation, and the ticket has left.
 * The chains are emptied; the certificate, which OpenSSL lets nobody take away, is read again from one that says
 * nothing. It is this connection's own object, so that touches nobody else. A reading that fails drops a reference:
 * then the session still has its own. */
static void forget_peer(struct rf_stream *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	const uint8_t *p = s->tls->blank;

	if (!cert || !s->accepted)
		return;
	forget_all(SSL_get_peer_cert_chain(s->ssl));
	forget_all(SSL_get0_verified_chain(s->ssl));
	X509 *again = cert;
	X509_up_ref(cert);
	if (d2i_X509(&again, &p, s->tls->blank_n))
		X509_free(cert);
	ERR_clear_error();
}

static void handshake_done(struct rf_stream *s)
{
	struct rf_pki_id id = { .present = false };

	s->net->stats.tls_handshakes++;
	s->resumed = SSL_session_reused(s->ssl);
	s->net->stats.tls_resumed += s->resumed;
	s->version = SSL_get_version(s->ssl);
	s->cipher = SSL_get_cipher_name(s->ssl);
	enum rf_tls_fail fail = identify(s, &id);
	forget_peer(s);
	if (fail)
		refuse(s, fail);
	else
		rf_stream_opened(s, id.present ? &id : NULL);
}

void rf_stream_tls_handshake(struct rf_stream *s)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(s->ssl);

	if (rc == 1) {
		rf_stream_want_write(s, false);
		handshake_done(s);
		return;
	}
	int err = SSL_get_error(s->ssl, rc);
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		rf_stream_want_write(s, err == SSL_ERROR_WANT_WRITE);
	else
		handshake_failed(s, rc);
}

/* ---- bytes */

static void broken(struct rf_stream *s, int err)
{
	const char *text = NULL;

	s->tls_dead = true;
	if (err == SSL_ERROR_SYSCALL && s->end_err) {
		ERR_clear_error();
		rf_stream_end(s, RF_WHY_RESET, s->end_err, NULL);
		return;
	}
	rf_tls_why(s->ssl, &text);
	rf_stream_end(s, RF_WHY_TLS, 0, text);
}

void rf_stream_tls_input(struct rf_stream *s)
{
	struct rf_net *net = s->net;
	size_t n = 0, cap = net->plain_cap;
	int err = SSL_ERROR_NONE;

	if (s->state == RF_STREAM_HANDSHAKE)
		rf_stream_tls_handshake(s);
	if (s->state != RF_STREAM_OPEN)
		return;
	if (s->carry_n)
		memcpy(net->plain, s->carry, s->carry_n);
	ERR_clear_error();
	/* Plaintext is shorter than its wire form, so the buffer has room for all of it until the wire is empty. */
	while (s->carry_n + n < cap) {
		int got = SSL_read(s->ssl, net->plain + s->carry_n + n, (int)(cap - s->carry_n - n));

		if (got <= 0) {
			err = SSL_get_error(s->ssl, got);
			break;
		}
		n += (size_t)got;
	}
	if (n)
		rf_stream_give(s, n);
	if (s->state != RF_STREAM_OPEN)
		return;
	if (err == SSL_ERROR_ZERO_RETURN)
		rf_stream_end(s, RF_WHY_PEER, 0, NULL);
	else if (err == SSL_ERROR_SSL || err == SSL_ERROR_SYSCALL)
		broken(s, err);
	else if (err == SSL_ERROR_WANT_READ && s->out_n > s->out_at)
		rf_stream_mark_dirty(s); /* a write may have waited for these bytes */
}

void rf_stream_tls_go_on(struct rf_stream *s)
{
	rf_stream_tls_handshake(s);
	if (s->state == RF_STREAM_OPEN)
		rf_stream_tls_input(s);
}

ssize_t rf_stream_tls_write(struct rf_stream *s, const void *p, size_t n)
{
	if (s->tls_dead)
		return -EPIPE;
	ERR_clear_error();
	int rc = SSL_write(s->ssl, p, (int)n);
	if (rc > 0)
		return rc;
	int err = SSL_get_error(s->ssl, rc);
	if (err == SSL_ERROR_WANT_WRITE || err == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	s->tls_dead = true;
	ERR_clear_error();
	return s->end_err ? s->end_err : -EPROTO;
}

void rf_stream_tls_bye(struct rf_stream *s)
{
	if (!s->ssl || s->tls_dead || !SSL_is_init_finished(s->ssl))
		return;
	s->tls_dead = true;
	SSL_shutdown(s->ssl);
	ERR_clear_error();
}

void rf_stream_tls_free(struct rf_stream *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	rf_tls_put(s->tls);
	s->tls = NULL;
	free((void *)(uintptr_t)s->name.p);
	s->name = (struct rf_view){ NULL, 0 };
}

/* HTTP as small as it can be: GET with HTTP/1.0, one request a connection, read to its end. */
#include "role/fetcher_http.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/reader.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct fetch {
	struct rf_clock clock;
	uint64_t until_us;
	int fd;
	SSL *ssl;
	char host[256], port[8];
	struct rf_view path;
};

/* ---- the response */

static struct rf_view line(struct rf_reader *r)
{
	struct rf_view v = rf_take_until(r, '\n');

	return v.n && v.p[v.n - 1] == '\r' ? rf_view_sub(v, 0, v.n - 1) : v;
}

int rf_fetch_body(struct rf_view response, bool ended, size_t most, struct rf_view *ret_body)
{
	struct rf_reader r = rf_reader_of(response);
	struct rf_view status = line(&r), v;
	uint64_t length = 0;
	bool has_length = false;

	if (!rf_view_starts(status, RF_V("HTTP/1.")) || status.n < 12 || status.p[8] != ' ')
		return RF_E_MALFORMED;
	if (!rf_view_eq(rf_view_sub(status, 9, 3), RF_V("200")))
		return RF_E_NOT_FOUND;
	while (rf_left(&r) && (v = line(&r)).n) {
		struct rf_reader field = rf_reader_of(v);
		struct rf_view name = rf_take_until(&field, ':'),
			       value = rf_view_trim(rf_take(&field, rf_left(&field)));

		if (rf_view_eq_nocase(name, RF_V("Transfer-Encoding")) ||
		    rf_view_eq_nocase(name, RF_V("Content-Encoding")))
			return RF_E_UNSUPPORTED;
		if (!rf_view_eq_nocase(name, RF_V("Content-Length")))
			continue;
		if (has_length || !rf_view_u64(value, UINT32_MAX, &length))
			return RF_E_MALFORMED;
		has_length = true;
	}
	/* The head ends with an empty line, not with the bytes. */
	if (r.p == response.p || r.p[-1] != '\n' || (size_t)(r.p - response.p) > RF_HTTP_HEAD_MAX)
		return RF_E_MALFORMED;
	*ret_body = rf_view_of(r.p, rf_left(&r));
	if (ret_body->n > most)
		return RF_E_LIMIT;
	if (ret_body->n == 0 || (has_length ? length != ret_body->n : !ended))
		return RF_E_MALFORMED;
	return 0;
}

/* ---- the connection */

static int left_ms(const struct fetch *f)
{
	uint64_t now = f->clock.mono(f->clock.ctx).us;

	return now >= f->until_us ? 0 : (int)((f->until_us - now) / 1000) + 1;
}

static int wait_for(const struct fetch *f, short events)
{
	struct pollfd p = { .fd = f->fd, .events = events };
	int ms = left_ms(f);

	return ms > 0 && poll(&p, 1, ms) == 1 ? 0 : RF_E_TIMEOUT;
}

static int connect_one(struct fetch *f, const struct addrinfo *a)
{
	int err = 0;
	socklen_t n = sizeof err;

	f->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd < 0)
		return -errno;
	if (connect(f->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	int rc = errno == EINPROGRESS ? wait_for(f, POLLOUT) : -errno;

	if (!rc && (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0 || err))
		rc = -(err ? err : EIO);
	if (rc) {
		close(f->fd);
		f->fd = -1;
	}
	return rc;
}

static int connect_any(struct fetch *f)
{
	const struct addrinfo want = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int rc = RF_E_NOT_FOUND;

	if (getaddrinfo(f->host, f->port, &want, &list))
		return rc;
	for (const struct addrinfo *a = list; a && rc && left_ms(f); a = a->ai_next)
		rc = connect_one(f, a);
	freeaddrinfo(list);
	return rc;
}

/* After an operation of OpenSSL that gave n: 0 to try it again. */
static int again(struct fetch *f, int n)
{
	switch (SSL_get_error(f->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(f, POLLIN);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(f, POLLOUT);
	case SSL_ERROR_ZERO_RETURN:
		return RF_E_CLOSED;
	default:
		return RF_E_CRYPTO;
	}
}

/* The certificate must be the host's: of its name, or of its address when the URL has one. */
static bool expect_host(struct fetch *f)
{
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(f->ssl), f->host) == 1 ||
	       (SSL_set_tlsext_host_name(f->ssl, f->host) == 1 && SSL_set1_host(f->ssl, f->host) == 1);
}

static int handshake(struct fetch *f, SSL_CTX *ctx)
{
	int n, rc = 0;

	f->ssl = SSL_new(ctx);
	if (!f->ssl || SSL_set_fd(f->ssl, f->fd) != 1 || !expect_host(f))
		return RF_E_CRYPTO;
	while ((n = SSL_connect(f->ssl)) != 1 && !(rc = again(f, n)))
		;
	return rc;
}

static int ask(struct fetch *f)
{
	char request[1024];
	int n, rc = 0;
	int len = snprintf(request, sizeof request, "GET %.*s HTTP/1.0\r\nHost: %s\r\nUser-Agent: ringfort\r\n"
			   "Accept: application/pem-certificate-chain, application/x-pem-file, "
			   "application/pkix-cert, */*;q=0.1\r\n"
			   "Accept-Encoding: identity\r\nConnection: close\r\n\r\n", RF_VFMT(f->path), f->host);

	if (len < 0 || (size_t)len >= sizeof request)
		return RF_E_LIMIT;
	while ((n = SSL_write(f->ssl, request, len)) <= 0 && !(rc = again(f, n)))
		;
	return rc;
}

/* To the end; *ret_ended: it was said by TLS, so nothing was cut off on the way. */
static int read_all(struct fetch *f, uint8_t *buf, size_t cap, size_t *ret_n, bool *ret_ended)
{
	size_t have = 0;

	for (;;) {
		if (have == cap)
			return RF_E_LIMIT;
		int n = SSL_read(f->ssl, buf + have, (int)(cap - have)), rc = n > 0 ? 0 : again(f, n);

		if (n > 0)
			have += (size_t)n;
		else if (rc == RF_E_CLOSED || rc == RF_E_CRYPTO)
			return *ret_n = have, *ret_ended = rc == RF_E_CLOSED, 0;
		else if (rc)
			return rc;
	}
}

/* Host, port and path of a URL that was checked. */
static int split(struct fetch *f, struct rf_view url)
{
	struct rf_view rest = rf_view_from(url, 8);
	size_t slash = rf_view_find(rest, '/');
	struct rf_view where = rf_view_sub(rest, 0, slash), host = where;
	bool port = where.n > 5 && rf_view_ends(where, RF_V(":8443"));

	if (port || rf_view_ends(where, RF_V(":443")))
		host = rf_view_sub(where, 0, where.n - (port ? 5 : 4));
	if (host.n > 1 && host.p[0] == '[')
		host = rf_view_sub(host, 1, host.n - 2);
	memcpy(f->port, port ? "8443" : "443", port ? 5 : 4);
	f->path = rf_view_from(rest, slash);
	return rf_view_cstr(host, f->host, sizeof f->host) ? 0 : RF_E_LIMIT;
}

int rf_fetch_https(struct ssl_ctx_st *ctx, struct rf_view url, unsigned deadline_ms, uint8_t *body, size_t cap,
		   size_t *ret_n)
{
	struct fetch f = { .clock = rf_clock_system(), .fd = -1 };
	size_t room = cap + RF_HTTP_HEAD_MAX, n = 0;
	uint8_t *buf = malloc(room);
	struct rf_view v;
	bool ended = false;
	int rc = buf ? split(&f, url) : -ENOMEM;

	if (!rc) {
		f.until_us = f.clock.mono(f.clock.ctx).us + deadline_ms * 1000ull;
		rc = connect_any(&f);
	}
	if (!rc)
		rc = handshake(&f, ctx);
	if (!rc)
		rc = ask(&f);
	if (!rc)
		rc = read_all(&f, buf, room, &n, &ended);
	if (!rc)
		rc = rf_fetch_body(rf_view_of(buf, n), ended, cap, &v);
	if (!rc) {
		memcpy(body, v.p, v.n);
		*ret_n = v.n;
	}
	SSL_free(f.ssl);
	ERR_clear_error();
	if (f.fd >= 0)
		close(f.fd);
	free(buf);
	return rc;
}

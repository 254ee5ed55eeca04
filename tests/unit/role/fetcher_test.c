/* The fetcher as a real process (this program executes itself), and a web server of a few lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "call/stir_wire.h"
#include "role/fetcher.h"
#include "role/fetcher_http.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "127.0.0.77"
#define URL(path) "https://" HOST ":8443/" path

/* ---- the response alone */

static void bodies(void **state)
{
	static const struct {
		const char *in, *body;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc" },
		{ "HTTP/1.0 200 OK\r\n\r\nabc", "abc" },
		{ "HTTP/1.0 200 OK\nX: y\n\nabc", "abc" },
		{ "HTTP/1.1 404 Not Found\r\n\r\nabc", NULL },
		{ "HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", NULL },
		{ "HTTP/1.1 200 OK\r\n\r\n", NULL },
		{ "HTTP/1.1 200 OK\r\nX: y", NULL },
		{ "HTTP/1.1 200", NULL }, { "HTTP/2 200 OK\r\n\r\nabc", NULL }, { "abc", NULL }, { "", NULL },
		{ "HTTP/1.1 200 OK\r\n\r\nabcdefghijk", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view body = { NULL, 0 };
		int rc = rf_fetch_body(rf_view_str(rows[i].in), true, 10, &body);

		if (rows[i].body ? rc || !rf_view_eq(body, rf_view_str(rows[i].body)) : rc == 0)
			fail_msg("\"%s\": %d", rows[i].in, rc);
		if (!strstr(rows[i].in, "Length")) /* cut off, for all that is known */
			assert_int_not_equal(rf_fetch_body(rf_view_str(rows[i].in), false, 10, &body), 0);
	}
}

/* ---- the process */

struct web {
	char ca[64];
	SSL_CTX *ctx;
	int fd;
	unsigned served;
	char host[96];
};

static EVP_PKEY *make_certificate(X509 **ret_cert)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509V3_CTX ctx;
	static const struct {
		int nid;
		const char *value;
	} more[] = { { NID_basic_constraints, "CA:TRUE" }, { NID_subject_alt_name, "DNS:localhost,IP:" HOST } };

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"web", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, more[i].nid, more[i].value);

		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_int_not_equal(X509_sign(x, key, EVP_sha256()), 0);
	*ret_cert = x;
	return key;
}

static void put(SSL *s, const char *text, size_t n)
{
	while (n) {
		int w = SSL_write(s, text, n > 4096 ? 4096 : (int)n);

		if (w <= 0)
			return;
		text += w;
		n -= (size_t)w;
	}
}

/* What is asked for says what is given. */
static void serve_one(struct web *w, SSL *s)
{
	char request[2048] = "";
	static char much[40000];
	bool cut = false;

	if (SSL_accept(s) != 1 || SSL_read(s, request, sizeof request - 1) <= 0)
		return;
	const char *host = strstr(request, "Host: ");

	if (host)
		sscanf(host, "Host: %95[^\r]", w->host);
	w->served++;
	if (strstr(request, "GET /good ")) {
		put(s, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ncert", 42);
	} else if (strstr(request, "GET /much ")) {
		memset(much, 'x', sizeof much);
		put(s, "HTTP/1.1 200 OK\r\n\r\n", 19);
		put(s, much, sizeof much);
	} else if (strstr(request, "GET /cut ")) {
		put(s, "HTTP/1.1 200 OK\r\n\r\ncert", 23);
		cut = true;
	} else {
		put(s, "HTTP/1.1 302 Found\r\nLocation: " URL("good") "\r\n\r\n", 61);
	}
	if (!cut)
		SSL_shutdown(s);
}

static void *web_main(void *arg)
{
	struct web *w = arg;
	int fd;

	while ((fd = accept(w->fd, NULL, NULL)) >= 0) {
		SSL *s = SSL_new(w->ctx);

		SSL_set_fd(s, fd);
		serve_one(w, s);
		SSL_free(s);
		close(fd);
	}
	return NULL;
}

static pthread_t web_up(struct web *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8443) };
	pthread_t t;
	X509 *cert;
	EVP_PKEY *key = make_certificate(&cert);
	int on = 1;

	snprintf(w->ca, sizeof w->ca, "/tmp/rf-fetch-%d.pem", (int)getpid());
	FILE *f = fopen(w->ca, "w");
	PEM_write_X509(f, cert);
	fclose(f);
	chmod(w->ca, 0644);
	w->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(w->ctx, cert);
	SSL_CTX_use_PrivateKey(w->ctx, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(w->fd, 8), 0);
	assert_int_equal(pthread_create(&t, NULL, web_main, w), 0);
	return t;
}

/* The status of an answer, and its body's length; -1: none came in time. */
static int fetch(struct rf_fetcher *f, const char *url, size_t *ret_n)
{
	uint8_t q[RF_FETCH_HEAD + 600] = { RF_FETCH_QUESTION, 0, 0, 0, 1, 2, 3, 4 };
	static uint8_t a[RF_FETCH_HEAD + RF_FETCH_BODY_MAX + 1];
	struct pollfd p = { .fd = rf_fetcher_fd(f, 0), .events = POLLIN };

	memcpy(q + RF_FETCH_HEAD, url, strlen(url));
	assert_true(send(p.fd, q, RF_FETCH_HEAD + strlen(url), 0) > 0);
	if (poll(&p, 1, 8000) != 1)
		return -1;
	ssize_t n = recv(p.fd, a, sizeof a, 0);

	assert_true(n >= RF_FETCH_HEAD && a[0] == RF_FETCH_ANSWER);
	assert_memory_equal(a + 4, q + 4, 4);
	*ret_n = (size_t)n - RF_FETCH_HEAD;
	return a[1];
}

static void fetching(void **state)
{
	struct web w = { .fd = -1 };
	struct rf_view hosts[] = { RF_V("localhost"), RF_V(HOST) };
	struct rf_diag diag = { 0 };
	struct rf_fetcher *f = NULL;
	struct rf_fetcher_options opt = { .exe = "/proc/self/exe", .channels = 2, .hosts = hosts, .host_count = 2 };
	size_t n;

	(void)state;
	opt.ca_file = w.ca;
	snprintf(w.ca, sizeof w.ca, "/tmp/rf-fetch-%d.pem", (int)getpid());
	assert_int_equal(rf_fetcher_new(&opt, &f, &diag), RF_E_INVALID); /* no such file */
	assert_non_null(strstr(diag.text, "ca-certificates"));
	pthread_t t = web_up(&w);
	if (rf_fetcher_new(&opt, &f, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(fetch(f, URL("good"), &n), 0);
	assert_int_equal(n, 4);
	assert_string_equal(w.host, HOST);
	assert_int_equal(fetch(f, "https://LOCALHOST:8443/good", &n), 0); /* by name, which the sandbox lets it
									   * resolve */
	assert_int_equal(fetch(f, URL("much"), &n), 1);
	assert_int_equal(n, 0);
	assert_int_equal(fetch(f, URL("cut"), &n), 1);
	assert_int_equal(fetch(f, URL("moved"), &n), 1);
	unsigned served = w.served;

	assert_int_equal(served, 5);
	assert_int_equal(fetch(f, "https://127.0.0.78:8443/good", &n), 1);   /* not allowed */
	assert_int_equal(fetch(f, "http://" HOST ":8443/good", &n), 1);      /* not https */
	assert_int_equal(fetch(f, "https://x@" HOST ":8443/good", &n), 1);
	assert_int_equal(fetch(f, "https://" HOST "/good", &n), 1);          /* nobody listens there */
	assert_int_equal(w.served, served);
	shutdown(w.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(w.fd);
	rf_fetcher_free(f);
	SSL_CTX_free(w.ctx);
	unlink(w.ca);
}

/* A server that nobody certified is not believed. */
static void another_authority(void **state)
{
	struct web w = { .fd = -1 };
	struct rf_view host = RF_V(HOST);
	struct rf_diag diag = { 0 };
	struct rf_fetcher *f = NULL;
	struct rf_fetcher_options opt = { .exe = "/proc/self/exe", .channels = 1, .hosts = &host, .host_count = 1 };
	char other[80];
	X509 *cert;
	EVP_PKEY *key = make_certificate(&cert);
	size_t n;

	(void)state;
	snprintf(other, sizeof other, "/tmp/rf-fetch-other-%d.pem", (int)getpid());
	FILE *out = fopen(other, "w");
	PEM_write_X509(out, cert);
	fclose(out);
	X509_free(cert);
	EVP_PKEY_free(key);
	opt.ca_file = other;
	assert_int_equal(rf_fetcher_new(&opt, &f, &diag), 0);
	pthread_t t = web_up(&w);
	assert_int_equal(fetch(f, URL("good"), &n), 1);
	assert_int_equal(w.served, 0);
	shutdown(w.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	close(w.fd);
	rf_fetcher_free(f);
	SSL_CTX_free(w.ctx);
	unlink(w.ca);
	unlink(other);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], RF_FETCHER_ROLE) == 0)
		return rf_fetcher_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies), cmocka_unit_test(fetching), cmocka_unit_test(another_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

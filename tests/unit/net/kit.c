#include "kit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);

	assert_non_null(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

struct kit_cert kit_make(struct kit_want want)
{
	struct kit_cert c = { X509_new(), EVP_EC_gen("P-384") };
	const struct kit_cert *issuer = want.issuer ? want.issuer : &c;
	X509_NAME *name = X509_get_subject_name(c.cert);

	assert_non_null(c.key);
	X509_set_version(c.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.cert), want.serial ? want.serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(c.cert), want.from_s || want.until_s ? want.from_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(c.cert), want.from_s || want.until_s ? want.until_s : 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)want.cn, -1, -1, 0);
	X509_set_issuer_name(c.cert, X509_get_subject_name(issuer->cert));
	X509_set_pubkey(c.cert, c.key);
	add_ext(c.cert, issuer->cert, NID_basic_constraints, want.issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (!want.issuer)
		add_ext(c.cert, issuer->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_ext(c.cert, issuer->cert, NID_subject_key_identifier, "hash");
	if (want.san)
		add_ext(c.cert, issuer->cert, NID_subject_alt_name, want.san);
	if (want.eku)
		add_ext(c.cert, issuer->cert, NID_ext_key_usage, want.eku);
	assert_true(X509_sign(c.cert, issuer->key, EVP_sha384()) > 0);
	return c;
}

void kit_free(struct kit_cert *c)
{
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	*c = (struct kit_cert){ 0 };
}

struct rf_view kit_pem(const struct kit_cert *c)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;

	PEM_write_bio_X509(bio, c->cert);
	size_t n = (size_t)BIO_get_mem_data(bio, &p);
	uint8_t *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, p, n);
	BIO_free(bio);
	return rf_view_of(copy, n);
}

void kit_crl(const struct kit_cert *ca, long serial, const char *path)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *next = X509_gmtime_adj(NULL, 3600);
	BIO *bio = BIO_new_file(path, "w");

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(revoked, number);
	X509_REVOKED_set_revocationDate(revoked, now);
	X509_CRL_add0_revoked(crl, revoked);
	assert_true(X509_CRL_sign(crl, ca->key, EVP_sha384()) > 0);
	assert_non_null(bio);
	PEM_write_bio_X509_CRL(bio, crl);
	BIO_free(bio);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

struct rf_tls *kit_tls(const struct kit_cert *cert, const struct kit_cert *ca, struct rf_tls_conf conf)
{
	struct rf_view pem = ca ? kit_pem(ca) : (struct rf_view){ NULL, 0 };
	struct rf_tls *tls;
	struct rf_diag d;

	conf.cert = cert ? cert->cert : NULL;
	conf.key = cert ? cert->key : NULL;
	conf.ca_pem = pem;
	if (rf_tls_new(&conf, &tls, &d) != 0)
		fail_msg("%s", d.text);
	free((void *)(uintptr_t)pem.p);
	return tls;
}

SSL_CTX *kit_client_ctx(const struct kit_cert *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	assert_non_null(ctx);
	if (cert) {
		assert_int_equal(SSL_CTX_use_certificate(ctx, cert->cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, cert->key), 1);
	}
	return ctx;
}

int kit_connect(const struct rf_addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)rf_addr_to_sockaddr(addr, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, len), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

bool kit_turn(struct rf_loop *loop, bool (*done)(void *arg), void *arg, int ms)
{
	struct rf_clock clock = rf_clock_system();
	uint64_t end = clock.mono(NULL).us + (uint64_t)ms * 1000;

	while (!done || !done(arg)) {
		if (clock.mono(NULL).us > end)
			return !done;
		rf_loop_turn(loop, 2);
	}
	return true;
}

int kit_handshake(struct rf_loop *loop, SSL *ssl)
{
	for (int i = 0; i < 1000; i++) {
		int rc = SSL_do_handshake(ssl);

		if (rc == 1)
			return SSL_ERROR_NONE;
		int err = SSL_get_error(ssl, rc);
		if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE)
			return err;
		rf_loop_turn(loop, 2);
	}
	return SSL_ERROR_WANT_READ;
}

/* Certificates of telephone numbers: whom they are believed for, and everything that makes them not believed. */
#include "pki/stir.h"

#include "stir_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <time.h>
#include <unistd.h>

static struct rf_wall now_plus(long s)
{
	return (struct rf_wall){ ((int64_t)time(NULL) + s) * 1000000 };
}

struct world {
	struct stir_ca root, other;
	struct rf_stir_trust *trust;
	char path[64];
};

static void write_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static int set_up(void **state)
{
	static struct world w;
	struct rf_diag diag = { 0 };
	char pem[4096];

	w.root = stir_ca_new("authority");
	w.other = stir_ca_new("somebody");
	snprintf(w.path, sizeof w.path, "/tmp/rf-stir-%d.pem", (int)getpid());
	write_file(w.path, pem, stir_pem(w.root.cert, pem, sizeof pem));
	assert_int_equal(rf_stir_trust_load(w.path, &w.trust, &diag), 0);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	unlink(w->path);
	rf_stir_trust_put(w->trust);
	stir_ca_free(&w->root);
	stir_ca_free(&w->other);
	return 0;
}

#define ONE "[list]\n0=EXP:2,IA5:12155551212\n"

static int make(struct world *w, const struct stir_ca *ca, const struct stir_leaf *leaf, struct rf_stir_cert **c)
{
	struct rf_diag diag = { 0 };
	char pem[8192];
	EVP_PKEY *key;
	size_t n = stir_leaf_new(ca, leaf, pem, sizeof pem, &key);
	int rc = rf_stir_cert_new(rf_view_of(pem, n), w->trust, now_plus(0), c, &diag);

	EVP_PKEY_free(key);
	if (rc)
		assert_true(diag.text[0]);
	return rc;
}

static void test_refused(void **state)
{
	struct world *w = *state;
	const struct {
		const char *what;
		struct stir_leaf leaf;
		int rc;
	} rows[] = {
		{ "good", { .tn = "SEQUENCE:list", .sections = ONE }, 0 },
		{ "no TNAuthList", { .tn = NULL }, RF_E_UNSUPPORTED },
		{ "an empty list", { .tn = "SEQUENCE:list", .sections = "[list]\n" }, RF_E_MALFORMED },
		{ "not a list", { .tn = "UTF8:x" }, RF_E_MALFORMED },
		{ "an unknown kind", { .tn = "SEQUENCE:list", .sections = "[list]\n0=EXP:3,IA5:1\n" }, RF_E_MALFORMED },
		{ "a number with letters", { .tn = "SEQUENCE:list", .sections = "[list]\n0=EXP:2,IA5:12a\n" }, RF_E_MALFORMED },
		{ "a number of 16", { .tn = "SEQUENCE:list", .sections = "[list]\n0=EXP:2,IA5:1234567890123456\n" },
		  RF_E_MALFORMED },
		{ "a range of one", { .tn = "SEQUENCE:list", .sections = "[list]\n0=EXP:1,SEQUENCE:r\n[r]\n0=IA5:1\n1=INT:1\n" },
		  RF_E_MALFORMED },
		{ "a range below zero", { .tn = "SEQUENCE:list",
		  .sections = "[list]\n0=EXP:1,SEQUENCE:r\n[r]\n0=IA5:1\n1=INT:-5\n" }, RF_E_MALFORMED },
		{ "P-384", { .tn = "SEQUENCE:list", .sections = ONE, .curve = "P-384" }, RF_E_UNSUPPORTED },
		{ "a CA", { .tn = "SEQUENCE:list", .sections = ONE, .is_ca = 1 }, RF_E_UNSUPPORTED },
		{ "another use", { .tn = "SEQUENCE:list", .sections = ONE, .usage = "keyAgreement" }, RF_E_UNSUPPORTED },
		{ "no use", { .tn = "SEQUENCE:list", .sections = ONE, .usage = "" }, RF_E_UNSUPPORTED },
		{ "over", { .tn = "SEQUENCE:list", .sections = ONE, .from_s = -7200, .until_s = -3600 }, RF_E_STALE },
		{ "not yet", { .tn = "SEQUENCE:list", .sections = ONE, .from_s = 3600, .until_s = 7200 }, RF_E_STALE },
		{ "constraints",
		  { .tn = "SEQUENCE:list", .sections = ONE, .more = "1.3.6.1.5.5.7.1.27=ASN1:NULL\n" },
		  RF_E_UNSUPPORTED },
		{ "enhanced constraints",
		  { .tn = "SEQUENCE:list", .sections = ONE, .more = "1.3.6.1.5.5.7.1.33=ASN1:NULL\n" },
		  RF_E_UNSUPPORTED },
		{ "an unknown critical extension",
		  { .tn = "SEQUENCE:list", .sections = ONE, .more = "1.2.3.4.5=critical,ASN1:NULL\n" },
		  RF_E_DENIED },
	};
	struct rf_stir_cert *c;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		c = NULL;
		int rc = make(w, &w->root, &rows[i].leaf, &c);

		if (rc != rows[i].rc)
			fail_msg("%s: %d", rows[i].what, rc);
		rf_stir_cert_free(c);
	}
	assert_int_equal(make(w, &w->other, &rows[0].leaf, &c), RF_E_DENIED); /* nobody we trust */
}

static void test_covers(void **state)
{
	struct world *w = *state;
	struct stir_leaf leaf = { .tn = "SEQUENCE:list",
		.sections = "[list]\n0=EXP:0,IA5:700A\n1=EXP:1,SEQUENCE:r\n2=EXP:2,IA5:12155551212\n"
			    "[r]\n0=IA5:12155559990\n1=INT:11\n" };
	const struct rf_view codes[] = { RF_V("123"), RF_V("700a") }, any[] = { RF_V("any") };
	struct rf_stir_cert *c;

	assert_int_equal(make(w, &w->root, &leaf, &c), 0);
	assert_true(rf_stir_cert_covers(c, RF_V("12155551212"), NULL, 0));
	assert_true(rf_stir_cert_covers(c, RF_V("12155559990"), NULL, 0));
	assert_true(rf_stir_cert_covers(c, RF_V("12155560000"), NULL, 0));
	assert_false(rf_stir_cert_covers(c, RF_V("12155560001"), NULL, 0));
	assert_false(rf_stir_cert_covers(c, RF_V("12155559989"), NULL, 0));
	assert_false(rf_stir_cert_covers(c, RF_V("2155551212"), NULL, 0));
	assert_false(rf_stir_cert_covers(c, RF_V(""), NULL, 0));
	assert_false(rf_stir_cert_covers(c, RF_V("49301234"), codes, 1));
	assert_true(rf_stir_cert_covers(c, RF_V("49301234"), codes, 2));
	assert_true(rf_stir_cert_covers(c, RF_V("49301234"), any, 1));
	assert_true(rf_stir_cert_current(c, now_plus(0)));
	assert_false(rf_stir_cert_current(c, now_plus(3700)));
	assert_false(rf_stir_cert_current(c, now_plus(-90)));
	rf_stir_cert_free(c);
}

static void test_chain(void **state)
{
	struct world *w = *state;
	struct stir_ca middle = stir_ca_under(&w->root, "middle");
	struct stir_leaf leaf = { .tn = "SEQUENCE:list", .sections = ONE };
	struct rf_diag diag = { 0 };
	struct rf_stir_cert *c;
	char pem[40000];
	EVP_PKEY *key;
	size_t n = stir_leaf_new(&middle, &leaf, pem, sizeof pem, &key), one = n;

	EVP_PKEY_free(key);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), w->trust, now_plus(0), &c, &diag), RF_E_DENIED);
	n += stir_pem(middle.cert, pem + n, sizeof pem - n);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), w->trust, now_plus(0), &c, &diag), 0);
	rf_stir_cert_free(c);
	for (int i = 0; i < RF_STIR_CHAIN_MAX; i++)
		n += stir_pem(middle.cert, pem + n, sizeof pem - n);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), w->trust, now_plus(0), &c, &diag), RF_E_LIMIT);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, RF_STIR_CERT_BYTES + 1), w->trust, now_plus(0), &c, &diag),
			 RF_E_LIMIT);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, one / 2), w->trust, now_plus(0), &c, &diag), RF_E_MALFORMED);
	assert_int_equal(rf_stir_cert_new(RF_V("<html>"), w->trust, now_plus(0), &c, &diag), RF_E_MALFORMED);
	assert_int_equal(rf_stir_cert_new(RF_V("0"), w->trust, now_plus(0), &c, &diag), RF_E_MALFORMED);
	stir_ca_free(&middle);
}

static void test_der(void **state)
{
	struct world *w = *state;
	struct stir_leaf leaf = { .tn = "SEQUENCE:list", .sections = ONE };
	struct rf_diag diag = { 0 };
	struct rf_stir_cert *c;
	char pem[8192];
	uint8_t der[4096], *p = der;
	EVP_PKEY *key;
	size_t n = stir_leaf_new(&w->root, &leaf, pem, sizeof pem, &key);
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	int der_n = i2d_X509(x, &p);

	assert_int_equal(rf_stir_cert_new(rf_view_of(der, (size_t)der_n), w->trust, now_plus(0), &c, &diag), 0);
	rf_stir_cert_free(c);
	for (int i = 1; i < der_n; i += 7)
		assert_int_not_equal(rf_stir_cert_new(rf_view_of(der, (size_t)i), w->trust, now_plus(0), &c, &diag), 0);
	X509_free(x);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

static void test_signature(void **state)
{
	struct world *w = *state;
	struct stir_leaf leaf = { .tn = "SEQUENCE:list", .sections = ONE };
	struct rf_diag diag = { 0 };
	struct rf_stir_cert *c;
	char pem[8192];
	uint8_t der[80], sig[RF_STIR_SIG];
	EVP_PKEY *key;
	size_t n = stir_leaf_new(&w->root, &leaf, pem, sizeof pem, &key);

	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), w->trust, now_plus(0), &c, &diag), 0);
	for (int round = 0; round < 20; round++) { /* r and s of all lengths */
		n = stir_sign_der(key, "a.b", 3, der, sizeof der);
		assert_int_equal(rf_stir_sig_from_der(rf_view_of(der, n), sig), 0);
		assert_int_equal(rf_stir_cert_verify(c, RF_V("a.b"), sig), 0);
		assert_int_equal(rf_stir_cert_verify(c, RF_V("a.c"), sig), RF_E_AUTH);
		sig[round] ^= 1;
		assert_int_equal(rf_stir_cert_verify(c, RF_V("a.b"), sig), RF_E_AUTH);
	}
	memset(sig, 0, sizeof sig);
	assert_int_equal(rf_stir_cert_verify(c, RF_V("a.b"), sig), RF_E_AUTH);
	memset(sig, 255, sizeof sig);
	assert_int_equal(rf_stir_cert_verify(c, RF_V("a.b"), sig), RF_E_AUTH);
	assert_int_equal(rf_stir_sig_from_der(rf_view_of(der, n - 1), sig), RF_E_CRYPTO);
	assert_int_equal(rf_stir_sig_from_der(RF_V(""), sig), RF_E_CRYPTO);
	rf_stir_cert_free(c);
	EVP_PKEY_free(key);
}

/* A CRL in the trust file holds for its issuer's certificates; others are not touched by it. */
static void test_revoked(void **state)
{
	struct world *w = *state;
	struct stir_leaf leaf = { .tn = "SEQUENCE:list", .sections = ONE };
	struct rf_diag diag = { 0 };
	struct rf_stir_trust *trust;
	struct rf_stir_cert *c;
	char pem[8192], file[16384], path[80];
	EVP_PKEY *key, *key2;
	size_t n = stir_leaf_new(&w->root, &leaf, pem, sizeof pem, &key), file_n;
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *one = X509_REVOKED_new();
	ASN1_TIME *at = ASN1_TIME_adj(NULL, time(NULL), 0, -60), *next = ASN1_TIME_adj(NULL, time(NULL), 1, 0);

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(w->root.cert));
	X509_CRL_set1_lastUpdate(crl, at);
	X509_CRL_set1_nextUpdate(crl, next);
	X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(x));
	X509_REVOKED_set_revocationDate(one, at);
	X509_CRL_add0_revoked(crl, one);
	assert_int_not_equal(X509_CRL_sign(crl, w->root.key, EVP_sha256()), 0);
	BIO *out = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(out, w->root.cert);
	PEM_write_bio_X509(out, w->other.cert);
	PEM_write_bio_X509_CRL(out, crl);
	file_n = (size_t)BIO_read(out, file, sizeof file);
	snprintf(path, sizeof path, "%s.crl", w->path);
	write_file(path, file, file_n);
	assert_int_equal(rf_stir_trust_load(path, &trust, &diag), 0);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), trust, now_plus(0), &c, &diag), RF_E_DENIED);
	n = stir_leaf_new(&w->other, &leaf, pem, sizeof pem, &key2);
	assert_int_equal(rf_stir_cert_new(rf_view_of(pem, n), trust, now_plus(0), &c, &diag), 0);
	rf_stir_cert_free(c);
	rf_stir_trust_put(trust);
	unlink(path);
	BIO_free(out);
	BIO_free(bio);
	X509_free(x);
	X509_CRL_free(crl);
	ASN1_TIME_free(at);
	ASN1_TIME_free(next);
	EVP_PKEY_free(key);
	EVP_PKEY_free(key2);
}

static void test_trust_file(void **state)
{
	struct world *w = *state;
	struct rf_stir_trust *trust;
	struct rf_diag diag = { 0 };
	char path[80];

	assert_int_equal(rf_stir_trust_load("/nonexistent/x", &trust, &diag), -ENOENT);
	snprintf(path, sizeof path, "%s.empty", w->path);
	write_file(path, "nothing", 7);
	assert_int_equal(rf_stir_trust_load(path, &trust, &diag), RF_E_CORRUPT);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_covers), cmocka_unit_test(test_chain),
		cmocka_unit_test(test_der), cmocka_unit_test(test_signature), cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_trust_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

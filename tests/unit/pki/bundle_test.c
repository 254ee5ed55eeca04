/* Who may sign a bundle, and what the signature holds. */
#include "pki/bundle.h"

#include "pki/ca_int.h"

#include <openssl/pem.h> /* before cms.h, which declares its PEM functions only then */
#include <openssl/cms.h>

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rf_wall now = { 1795305600000000 };
static const char manifest[] = "ringfort-bundle 1\nsite a\nlevel medium\n";

struct sites {
	char a[32], b[32], ca_a[64];
	struct rf_ca *ca, *other;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static struct rf_ca *make(char *dir)
{
	struct rf_diag diag = { 0 };
	struct rf_ca *ca = NULL;

	if (!mkdtemp(dir) || rf_ca_create(dir, "a", now, &diag) || rf_ca_open(dir, &ca, &diag))
		fail_msg("%s: %s", diag.file, diag.text);
	return ca;
}

static int setup(void **state)
{
	struct sites *s = calloc(1, sizeof *s);

	snprintf(s->a, sizeof s->a, "/tmp/rf-sig-XXXXXX");
	snprintf(s->b, sizeof s->b, "/tmp/rf-sig-XXXXXX");
	s->ca = make(s->a);
	s->other = make(s->b);
	snprintf(s->ca_a, sizeof s->ca_a, "%s/%s", s->a, RF_PKI_CA_CERT);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sites *s = *state;

	rf_ca_close(s->ca);
	rf_ca_close(s->other);
	nftw(s->a, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	nftw(s->b, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

static int verify(const struct sites *s, const char *text, const char *sig, struct rf_wall *ret)
{
	struct rf_diag diag = { 0 };

	return rf_pki_bundle_verify(s->ca_a, rf_view_str(text), rf_view_str(sig), ret, &diag);
}

static void ours(void **state)
{
	struct sites *s = *state;
	struct rf_diag diag = { 0 };
	struct rf_wall when;
	char *sig;

	assert_int_equal(rf_pki_bundle_sign(s->ca, rf_view_str(manifest), now, &sig, &diag), 0);
	assert_int_equal(verify(s, manifest, sig, &when), 0);
	assert_int_equal(when.us, now.us);
	assert_int_equal(verify(s, "ringfort-bundle 1\nsite b\nlevel medium\n", sig, &when), RF_E_AUTH);
	assert_int_equal(verify(s, "", sig, &when), RF_E_AUTH);
	assert_int_equal(verify(s, manifest, "", &when), RF_E_MALFORMED);
	for (size_t n = 0; n + 40 < strlen(sig); n += 7) {
		char *part = strndup(sig, n);

		assert_int_equal(verify(s, manifest, part, &when), RF_E_MALFORMED);
		free(part);
	}
	free(sig);
}

static void of_another_site(void **state)
{
	struct sites *s = *state;
	struct rf_diag diag = { 0 };
	struct rf_wall when;
	char *sig;

	assert_int_equal(rf_pki_bundle_sign(s->other, rf_view_str(manifest), now, &sig, &diag), 0);
	assert_int_equal(verify(s, manifest, sig, &when), RF_E_AUTH);
	free(sig);
}

/* A phone holds a certificate of the same CA and its key: that must not make it an administrator. */
static char *sign_as_phone(struct sites *s, bool host)
{
	struct rf_ca_request req = { .host = host, .name = "p", .uri = "sip:1001@example.org" };
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;
	char path[128], *p;

	assert_int_equal(rf_ca_issue(s->ca, &req, now, &id, &diag), 0);
	snprintf(path, sizeof path, "%s/%s/p/cert.pem", s->a, host ? RF_PKI_HOSTS : RF_PKI_PHONES);
	FILE *f = fopen(path, "r");
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	snprintf(path, sizeof path, "%s/%s/p/key.pem", s->a, host ? RF_PKI_HOSTS : RF_PKI_PHONES);
	f = fopen(path, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	BIO *in = BIO_new_mem_buf(manifest, -1), *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = CMS_sign(cert, key, NULL, in, CMS_DETACHED | CMS_BINARY);
	assert_non_null(cms);
	assert_int_equal(PEM_write_bio_CMS(out, cms), 1);
	long n = BIO_get_mem_data(out, &p);
	char *text = strndup(p, (size_t)n);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return text;
}

static void of_a_phone(void **state)
{
	struct sites *s = *state;
	struct rf_wall when;

	for (int host = 0; host < 2; host++) {
		char *sig = sign_as_phone(s, host);

		assert_int_equal(verify(s, manifest, sig, &when), RF_E_AUTH);
		free(sig);
	}
}

static void bounds(void **state)
{
	struct sites *s = *state;
	struct rf_diag diag = { 0 };
	struct rf_wall when;
	char *big = calloc(1, RF_PKI_SIG_MAX + 2);

	memset(big, 'x', RF_PKI_SIG_MAX + 1);
	assert_int_equal(verify(s, manifest, big, &when), RF_E_LIMIT);
	free(big);
	assert_int_equal(rf_pki_bundle_verify("/nonexistent", rf_view_str(manifest), rf_view_str("x"), &when, &diag),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours), cmocka_unit_test(of_another_site), cmocka_unit_test(of_a_phone),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

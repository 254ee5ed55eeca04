/* The CA, what it issues, and what id.h reads back. */
#include "pki/ca.h"
#include "pki/pem_file.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rf_wall now = { 1795305600000000 };

static int setup(void **state)
{
	char *dir = strdup("/tmp/rf-pki-XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void path_of(char *dst, size_t cap, const char *dir, const char *rel)
{
	snprintf(dst, cap, "%s/%s", dir, rel);
}

static struct rf_ca *make(const char *dir)
{
	struct rf_diag diag = { 0 };
	struct rf_ca *ca = NULL;

	if (rf_ca_create(dir, "a", now, &diag) || rf_ca_open(dir, &ca, &diag))
		fail_msg("%s: %s", diag.file, diag.text);
	return ca;
}

static void authority(void **state)
{
	struct rf_diag diag = { 0 };
	struct rf_ca *ca = make(*state);
	struct stat st;
	char path[128];

	path_of(path, sizeof path, *state, RF_PKI_CA_KEY);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rf_ca_create(*state, "a", now, &diag), RF_E_EXISTS);
	rf_ca_close(ca);
	/* Another key than the certificate's. */
	EVP_PKEY *key = EVP_EC_gen("P-384");
	assert_int_equal(rf_pki_write_key(path, key, RF_PKI_NOW, &diag), 0);
	EVP_PKEY_free(key);
	assert_int_equal(rf_ca_open(*state, &ca, &diag), RF_E_CORRUPT);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(rf_ca_open(*state, &ca, &diag), RF_E_CORRUPT);
	unlink(path);
	assert_int_equal(rf_ca_open(*state, &ca, &diag), -ENOENT);
}

static void phone(void **state)
{
	const struct rf_ca_request req = {
		.name = "lobby", .uri = "sip:1001@a.example", .urn = "urn:uuid:3670a386-bba7-84c8-883a-7d1aecc4d947",
	};
	struct rf_ca *ca = make(*state);
	char ca_path[128], cert[128], key[128];
	struct rf_pki_id id, again, other;
	struct rf_diag diag = { 0 };

	assert_int_equal(rf_ca_issue(ca, &req, now, &id, &diag), 0);
	assert_string_equal(id.uri, req.uri);
	assert_string_equal(id.urn, req.urn);
	assert_int_equal(id.serial_len, 16);
	assert_int_equal(id.not_after_s, now.us / 1000000 + RF_PKI_CERT_DAYS * 86400L);
	path_of(cert, sizeof cert, *state, RF_PKI_PHONES "/lobby/cert.pem");
	path_of(key, sizeof key, *state, RF_PKI_PHONES "/lobby/key.pem");
	path_of(ca_path, sizeof ca_path, *state, RF_PKI_CA_CERT);
	assert_int_equal(rf_pki_read_id(cert, &again, &diag), 0);
	assert_memory_equal(id.sha256, again.sha256, 32);
	assert_int_equal(rf_pki_check_pair(ca_path, cert, key, &diag), 0);
	assert_int_equal(rf_ca_issue(ca, &req, now, &other, &diag), 0);
	assert_memory_not_equal(id.serial, other.serial, 16);
	path_of(key, sizeof key, *state, RF_PKI_CA_KEY);
	assert_int_equal(rf_pki_check_pair(ca_path, cert, key, &diag), RF_E_INVALID);
	/* Past the CA's end nothing is issued; before it, nothing outlives the CA. */
	assert_int_equal(rf_ca_issue(ca, &req, (struct rf_wall){ now.us + 4000LL * 86400 * 1000000 }, &id, &diag),
			 RF_E_STALE);
	assert_int_equal(rf_ca_issue(ca, &req, (struct rf_wall){ now.us + 3600LL * 86400 * 1000000 }, &id, &diag), 0);
	assert_int_equal(id.not_after_s, now.us / 1000000 + RF_PKI_CA_DAYS * 86400L);
	rf_ca_close(ca);
}

/* What a border shows to strangers: the same key, other names. */
static void outside(void **state)
{
	const struct rf_ca_request in = {
		.host = true, .name = "edge", .uri = "sip:a.example", .dns = { "a.example", "edge.a.example" },
		.ip = { "10.6.0.1" },
	};
	const struct rf_ca_request out = {
		.host = true, .name = "edge", .uri = "sip:a.example", .dns = { "a.example" }, .ip = { "192.0.2.9" },
	};
	struct rf_ca *ca = make(*state);
	char ca_path[128], cert[128], key[128];
	struct rf_pki_id id, first, again;
	struct rf_diag diag = { 0 };

	assert_int_equal(rf_ca_issue_outside(ca, &out, now, &id, &diag), -ENOENT);
	assert_int_equal(rf_ca_issue(ca, &in, now, &first, &diag), 0);
	assert_int_equal(rf_ca_issue_outside(ca, &out, now, &id, &diag), 0);
	path_of(cert, sizeof cert, *state, RF_PKI_HOSTS "/edge/outside.pem");
	path_of(key, sizeof key, *state, RF_PKI_HOSTS "/edge/key.pem");
	path_of(ca_path, sizeof ca_path, *state, RF_PKI_CA_CERT);
	assert_int_equal(rf_pki_check_pair(ca_path, cert, key, &diag), 0);
	assert_int_equal(rf_pki_read_id(cert, &again, &diag), 0);
	assert_true(rf_pki_id_names(&again, RF_V("a.example")) && rf_pki_id_names(&again, RF_V("192.0.2.9")));
	assert_false(rf_pki_id_names(&again, RF_V("10.6.0.1")) || rf_pki_id_names(&again, RF_V("edge.a.example")));
	assert_memory_not_equal(id.serial, first.serial, 16);
	rf_ca_close(ca);
}

static X509_CRL *read_crl(const char *dir)
{
	char path[128];

	path_of(path, sizeof path, dir, RF_PKI_CRL);
	FILE *f = fopen(path, "r");
	X509_CRL *crl = f ? PEM_read_X509_CRL(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	return crl;
}

static void revocation(void **state)
{
	struct rf_ca *ca = make(*state);
	const struct rf_ca_revoked v[] = { { RF_V("\x55\x01"), now }, { RF_V("\x42"), now } };
	struct rf_diag diag = { 0 };
	X509_CRL *crl = read_crl(*state);

	assert_non_null(crl);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), -1);
	X509_CRL_free(crl);
	assert_int_equal(rf_ca_write_crl(ca, v, 2, now, &diag), 0);
	crl = read_crl(*state);
	assert_non_null(crl);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 2);
	X509_CRL_free(crl);
	rf_ca_close(ca);
}

/* A certificate with these names, as anybody could make one. */
static int names(const char *const *uris, size_t n, struct rf_pki_id *ret_id)
{
	X509 *x = X509_new();
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();

	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		ASN1_STRING_set(s, uris[i], (int)strlen(uris[i]));
		GENERAL_NAME_set0_value(name, GEN_URI, s);
		sk_GENERAL_NAME_push(list, name);
	}
	ASN1_INTEGER_set(X509_get_serialNumber(x), 5);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_set_pubkey(x, key);
	X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
	X509_sign(x, key, EVP_sha256());
	int rc = rf_pki_id_from_x509(x, ret_id);
	GENERAL_NAMES_free(list);
	EVP_PKEY_free(key);
	X509_free(x);
	return rc;
}

static void strange_names(void **state)
{
	static const char urn[] = "URN:UUID:3670A386-bba7-84c8-883a-7d1aecc4d947";
	char long_uri[300] = "sip:";
	struct rf_pki_id id;

	(void)state;
	memset(long_uri + 4, 'a', sizeof long_uri - 5);
	assert_int_equal(names((const char *[]){ "sip:a@b", urn, "http://x" }, 3, &id), 0);
	assert_string_equal(id.urn, "urn:uuid:3670a386-bba7-84c8-883a-7d1aecc4d947");
	assert_int_equal(id.serial_len, 1);
	assert_int_equal(names((const char *[]){ "sip:a@b", "sip:a@b" }, 2, &id), 0);
	assert_int_equal(names((const char *[]){ "sip:a@b", "sip:c@b" }, 2, &id), RF_E_INVALID);
	assert_int_equal(names((const char *[]){ "sip:a b" }, 1, &id), RF_E_MALFORMED);
	assert_int_equal(names((const char *[]){ "sip:a\x01" }, 1, &id), RF_E_MALFORMED);
	assert_int_equal(names((const char *[]){ "urn:uuid:short" }, 1, &id), RF_E_MALFORMED);
	assert_int_equal(names((const char *[]){ long_uri }, 1, &id), RF_E_LIMIT);
	assert_int_equal(names(NULL, 0, &id), 0);
	assert_string_equal(id.uri, "");
}

/* RFC 5922 7.1: whom a certificate may speak for. */
static void domains(void **state)
{
	const struct rf_ca_request host = {
		.host = true, .name = "edge", .dns = { "edge.example.org", "Sip.example.org" },
		.ip = { "192.0.2.7", "2001:db8::7" },
	};
	struct rf_ca *ca = make(*state);
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;
	char many[40][64];
	const char *uris[40];

	assert_int_equal(rf_ca_issue(ca, &host, now, &id, &diag), 0);
	assert_true(rf_pki_id_names(&id, RF_V("EDGE.example.org")));
	assert_true(rf_pki_id_names(&id, RF_V("sip.example.org")));
	assert_true(rf_pki_id_names(&id, RF_V("192.0.2.7")));
	assert_true(rf_pki_id_names(&id, RF_V("2001:db8::7")));
	assert_false(rf_pki_id_names(&id, RF_V("example.org")));
	assert_false(rf_pki_id_names(&id, RF_V("")));
	assert_int_equal(rf_pki_id_used(&id), offsetof(struct rf_pki_id, domains) + strlen(id.domains) + 1);
	rf_ca_close(ca);
	assert_int_equal(names((const char *[]){ "sip:a.example;x=y", "sip:B.example:5061", "sips:c.example" }, 2, &id), 0);
	assert_string_equal(id.domains, "a.example b.example ");
	assert_int_equal(names((const char *[]){ "sip:1001@a.example" }, 1, &id), 0);
	assert_string_equal(id.domains, "");
	assert_int_equal(rf_pki_id_used(&id), offsetof(struct rf_pki_id, uri) + sizeof "sip:1001@a.example");
	for (int i = 0; i < 40; i++) {
		snprintf(many[i], sizeof many[i], "sip:a-long-name-of-a-host-%d.example", i);
		uris[i] = many[i];
	}
	assert_int_equal(names(uris, 40, &id), 0);
	assert_true(strlen(id.domains) <= RF_PKI_DOMAINS_MAX);
	assert_true(rf_pki_id_names(&id, RF_V("a-long-name-of-a-host-0.example")));
	assert_false(rf_pki_id_names(&id, RF_V("a-long-name-of-a-host-39.example")));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(authority), TEST(phone), TEST(outside), TEST(revocation), cmocka_unit_test(strange_names),
		TEST(domains),
	};

	return cmocka_run_group_tests_name("ca", tests, NULL, NULL);
}

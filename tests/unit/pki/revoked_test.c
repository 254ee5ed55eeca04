/* The list of revoked certificates: whose it is, what it says, and every way in which it is none. */
#include "pki/ca.h"
#include "pki/revoked.h"

#include "fail_alloc.h"

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

struct site {
	char dir[64], crl[128], ca_pem[128];
	struct rf_ca *ca;
};

static void set_up(struct site *s)
{
	struct rf_diag diag = { 0 };

	snprintf(s->dir, sizeof s->dir, "/tmp/rf-revoked-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->crl, sizeof s->crl, "%s/" RF_PKI_CRL, s->dir);
	snprintf(s->ca_pem, sizeof s->ca_pem, "%s/" RF_PKI_CA_CERT, s->dir);
	assert_int_equal(rf_ca_create(s->dir, "a", now, &diag), 0);
	assert_int_equal(rf_ca_open(s->dir, &s->ca, &diag), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void tear_down(struct site *s)
{
	rf_ca_close(s->ca);
	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void says_who(void **state)
{
	static uint8_t many[300][2];
	struct rf_ca_revoked v[302] = { { RF_V("\x55\x01"), now }, { RF_V("\x42"), now } };
	struct rf_diag diag = { 0 };
	struct rf_revoked *r;
	struct site s;

	(void)state;
	set_up(&s);
	assert_int_equal(rf_revoked_load(s.crl, s.ca_pem, &r, &diag), 0);
	assert_int_equal(rf_revoked_count(r), 0);
	assert_false(rf_revoked_has(r, RF_V("\x42")));
	assert_int_equal(rf_revoked_until_s(r), now.us / 1000000 + RF_PKI_CRL_DAYS * 86400);
	char old[RF_REVOKED_TEXT];
	assert_string_equal(rf_revoked_old(rf_revoked_until_s(r), now.us / 1000000, old), "");
	assert_string_equal(rf_revoked_old(0, INT64_MAX, old), "");
	assert_string_equal(rf_revoked_old(1795046400, 1795046400, old), "");
	assert_non_null(strstr(rf_revoked_old(1795046400, 1795046401, old), "by 2026-11-19, 0 days ago"));
	assert_non_null(strstr(rf_revoked_old(1795046400, 1795046400 + 12 * 86400, old), ", 12 days ago"));
	assert_non_null(strstr(rf_revoked_old(1, INT64_MAX, old), "copy it here"));
	rf_revoked_free(r);
	for (size_t i = 0; i < 300; i++) {
		many[i][0] = (uint8_t)(1 + i % 100);
		many[i][1] = (uint8_t)(i / 100);
		v[2 + i] = (struct rf_ca_revoked){ rf_view_of(many[i], 2), now };
	}
	assert_int_equal(rf_ca_write_crl(s.ca, v, 302, now, &diag), 0);
	assert_int_equal(rf_revoked_load(s.crl, s.ca_pem, &r, &diag), 0);
	assert_int_equal(rf_revoked_count(r), 302);
	for (size_t i = 0; i < 302; i++) {
		assert_true(rf_revoked_has(r, v[i].serial));
		assert_true(rf_revoked_has(r, rf_revoked_serial(r, i)));
	}
	assert_false(rf_revoked_has(r, RF_V("\x55")));
	assert_false(rf_revoked_has(r, RF_V("\x55\x01\x01")));
	assert_false(rf_revoked_has(r, RF_V("")));
	assert_false(rf_revoked_has(r, RF_V("123456789012345678901")));
	rf_revoked_free(r);
	rf_revoked_free(NULL);
	tear_down(&s);
}

static void put_file(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void refused(struct site *s, int code, const char *word)
{
	struct rf_revoked *r = NULL;
	struct rf_diag diag = { 0 };

	assert_int_equal(rf_revoked_load(s->crl, s->ca_pem, &r, &diag), code);
	assert_null(r);
	assert_non_null(strstr(diag.text, word));
	assert_string_equal(diag.file, s->crl);
}

static void is_none(void **state)
{
	const struct rf_ca_revoked one = { RF_V("\x42"), now };
	struct rf_diag diag = { 0 };
	struct rf_revoked *r;
	struct site s, other;
	char text[4096];

	(void)state;
	set_up(&s);
	set_up(&other);
	assert_int_equal(rf_ca_write_crl(s.ca, &one, 1, now, &diag), 0);
	FILE *f = fopen(s.crl, "r");
	size_t n = fread(text, 1, sizeof text, f);
	fclose(f);
	/* cut off anywhere; the end of the last line is no loss */
	for (size_t i = 0; i + 1 < n; i++) {
		put_file(s.crl, text, i);
		refused(&s, RF_E_CORRUPT, "is no list");
	}
	/* another site's authority, with the same name even */
	put_file(other.crl, text, n);
	refused(&other, RF_E_CORRUPT, "was not signed by");
	/* two lists in one file, of which one is not ours */
	assert_int_equal(rf_ca_write_crl(other.ca, NULL, 0, now, &diag), 0);
	f = fopen(other.crl, "a");
	fwrite(text, 1, n, f);
	fclose(f);
	refused(&other, RF_E_CORRUPT, "was not signed by");
	/* and two of ours */
	put_file(s.crl, text, n);
	f = fopen(s.crl, "a");
	fwrite(text, 1, n, f);
	fclose(f);
	assert_int_equal(rf_revoked_load(s.crl, s.ca_pem, &r, &diag), 0);
	assert_int_equal(rf_revoked_count(r), 2);
	rf_revoked_free(r);
	unlink(s.ca_pem);
	refused(&s, RF_E_CORRUPT, "was not signed by");
	unlink(s.crl);
	refused(&s, -ENOENT, "nobody is believed");
	tear_down(&s);
	tear_down(&other);
}

static void memory_fails(void **state)
{
	const struct rf_ca_revoked one = { RF_V("\x42"), now };
	struct rf_diag diag = { 0 };
	struct rf_revoked *r;
	struct site s;

	(void)state;
	set_up(&s);
	assert_int_equal(rf_ca_write_crl(s.ca, &one, 1, now, &diag), 0);
	for (unsigned i = 1;; i++) {
		r = NULL;
		fail_alloc_at(i);
		int rc = rf_revoked_load(s.crl, s.ca_pem, &r, &diag);
		if (!fail_alloc_off())
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(r);
	}
	rf_revoked_free(r);
	tear_down(&s);
}

static void why_not(void **state)
{
	const struct rf_ca_revoked one = { RF_V("\x42"), now };
	struct rf_pki_id id = { .present = true, .serial_len = 1, .serial = { 0x43 }, .not_after_s = 100 };
	struct rf_diag diag = { 0 };
	struct rf_revoked *r;
	struct site s;

	(void)state;
	set_up(&s);
	assert_int_equal(rf_ca_write_crl(s.ca, &one, 1, now, &diag), 0);
	assert_int_equal(rf_revoked_load(s.crl, s.ca_pem, &r, &diag), 0);
	assert_string_equal(rf_revoked_why_not(r, &id, 100), "");
	assert_string_equal(rf_revoked_why_not(r, &id, 101), "its certificate has expired");
	id.serial[0] = 0x42;
	assert_string_equal(rf_revoked_why_not(r, &id, 100), "its certificate is revoked");
	id.serial[0] = 0x43;
	id.authority[31] = 1;
	assert_string_equal(rf_revoked_why_not(r, &id, 100), "its certificate is not of the site's authority");
	id.authority[31] = 0;
	id.present = false;
	assert_string_not_equal(rf_revoked_why_not(r, &id, 100), "");
	rf_revoked_free(r);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_who),
		cmocka_unit_test(is_none),
		cmocka_unit_test(memory_fails),
		cmocka_unit_test(why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "pki/revoked.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct serial {
	uint8_t n, bytes[RF_PKI_SERIAL_MAX];
};

struct rf_revoked {
	struct serial *v;            /* in order */
	size_t n, room;
	int64_t until_s;
};

static int order(const void *a, const void *b)
{
	const struct serial *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n ? -1 : 1) : memcmp(x->bytes, y->bytes, x->n);
}

static int add(struct rf_revoked *r, const ASN1_INTEGER *number)
{
	int n = ASN1_STRING_length(number);

	if (n < 1 || n > RF_PKI_SERIAL_MAX)
		return 0; /* no certificate that we take has such a number */
	if (r->n == RF_REVOKED_MAX)
		return RF_E_LIMIT;
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		struct serial *v = reallocarray(r->v, room, sizeof *v);

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->room = room;
	}
	struct serial *s = &r->v[r->n++];
	*s = (struct serial){ .n = (uint8_t)n };
	memcpy(s->bytes, ASN1_STRING_get0_data(number), (size_t)n);
	return 0;
}

static void note_end(struct rf_revoked *r, const ASN1_TIME *next)
{
	struct tm tm;

	if (!next || ASN1_TIME_to_tm(next, &tm) != 1)
		return;
	int64_t s = timegm(&tm);

	if (!r->until_s || s < r->until_s)
		r->until_s = s;
}

static int add_list(struct rf_revoked *r, X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	int rc = 0;

	note_end(r, X509_CRL_get0_nextUpdate(crl));
	for (int i = 0; i < sk_X509_REVOKED_num(all) && !rc; i++)
		rc = add(r, X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i)));
	return rc;
}

/* Did one of the authorities in that file sign it? */
static bool is_signed(X509_CRL *crl, const char *ca)
{
	BIO *bio = BIO_new_file(ca, "r");
	bool good = false;
	X509 *cert;

	while (!good && bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		good = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(cert)) == 0 &&
		       X509_CRL_verify(crl, X509_get0_pubkey(cert)) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	return good;
}

static int read_lists(struct rf_revoked *r, FILE *f, const char *path, const char *ca, struct rf_diag *diag)
{
	unsigned lists = 0;
	X509_CRL *crl;
	int rc = 0;

	for (; !rc && (crl = PEM_read_X509_CRL(f, NULL, NULL, NULL)); lists++) {
		rc = is_signed(crl, ca) ? add_list(r, crl) : RF_E_CORRUPT;
		if (rc == RF_E_CORRUPT)
			rf_diag_at(diag, rc, path, 0, 0,
				   "was not signed by the authority in %s; copy both again from the host that has its "
				   "key",
				   ca);
		else if (rc)
			rf_diag_at(diag, rc, path, 0, 0,
				   rc == RF_E_LIMIT ? "revokes more than %d certificates" : "%d: out of memory",
				   RF_REVOKED_MAX);
		X509_CRL_free(crl);
	}
	ERR_clear_error(); /* the reading ends with "no start line" */
	if (!rc && !lists)
		rc = rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0,
				"is no list of revoked certificates; `ringfort host revoke` and any "
				"`ringfort phone` command that revokes one write it anew");
	return rc;
}

int rf_revoked_load(const char *path, const char *ca, struct rf_revoked **ret, struct rf_diag *diag)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return rf_diag_at(diag, -errno, path, 0, 0,
				  "%s: without the list of revoked certificates nobody is believed; copy it from "
				  "the host that has the authority's key",
				  rf_err_text(-errno));
	struct rf_revoked *r = calloc(1, sizeof *r);
	int rc = r ? read_lists(r, f, path, ca, diag) : rf_diag_set(diag, -ENOMEM, "out of memory");

	fclose(f);
	if (rc) {
		rf_revoked_free(r);
		return rc;
	}
	if (r->n)
		qsort(r->v, r->n, sizeof r->v[0], order);
	*ret = r;
	return 0;
}

void rf_revoked_free(struct rf_revoked *r)
{
	if (!r)
		return;
	free(r->v);
	free(r);
}

bool rf_revoked_has(const struct rf_revoked *r, struct rf_view serial)
{
	struct serial key = { .n = (uint8_t)serial.n };

	if (!serial.n || serial.n > RF_PKI_SERIAL_MAX || !r->n)
		return false;
	memcpy(key.bytes, serial.p, serial.n);
	return bsearch(&key, r->v, r->n, sizeof r->v[0], order) != NULL;
}

size_t rf_revoked_count(const struct rf_revoked *r)
{
	return r->n;
}

struct rf_view rf_revoked_serial(const struct rf_revoked *r, size_t i)
{
	return rf_view_of(r->v[i].bytes, r->v[i].n);
}

int64_t rf_revoked_until_s(const struct rf_revoked *r)
{
	return r->until_s;
}

const char *rf_revoked_old(int64_t until_s, int64_t now_s, char dst[static RF_REVOKED_TEXT])
{
	time_t until = (time_t)until_s;
	char day[16] = "";
	struct tm tm;

	dst[0] = '\0';
	if (!until_s || now_s <= until_s)
		return dst;
	if (gmtime_r(&until, &tm))
		strftime(day, sizeof day, "%Y-%m-%d", &tm);
	snprintf(dst, RF_REVOKED_TEXT, "the list of revoked certificates (pki/crl.pem) was to be written anew by %s, "
		 "%lld days ago: it still counts, but who was revoked since is believed here; `ringfort host issue` on "
		 "the host with the authority's key writes it, copy it here",
		 day, (long long)((now_s - until_s) / 86400));
	return dst;
}

const char *rf_revoked_why_not(const struct rf_revoked *r, const struct rf_pki_id *id, int64_t now_s)
{
	static const uint8_t own_ca[sizeof id->authority];

	if (!id->present || memcmp(id->authority, own_ca, sizeof own_ca) != 0)
		return "its certificate is not of the site's authority";
	if (now_s > id->not_after_s)
		return "its certificate has expired";
	return rf_revoked_has(r, rf_pki_id_serial(id)) ? "its certificate is revoked" : "";
}

#include "pki/stir_int.h"

#include "pki/pem_file.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rf_stir_trust {
	atomic_uint references;
	X509_STORE *store;
	bool crls;
};

struct rf_stir_cert {
	EVP_PKEY *key;
	int64_t from_s, until_s; /* dates that hold for the whole chain */
	struct rf_stir_auth auth;
};

/* ---- trust */

/* A certificate whose issuer gave no CRL into the file is not checked for revocation; one that has is. */
static int verified(int ok, X509_STORE_CTX *ctx)
{
	return ok || X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL;
}

static int take_pem(struct rf_stir_trust *t, BIO *bio)
{
	STACK_OF(X509_INFO) *all = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	int certs = 0;

	for (int i = 0; all && i < sk_X509_INFO_num(all); i++) {
		X509_INFO *one = sk_X509_INFO_value(all, i);

		if (one->x509 && X509_STORE_add_cert(t->store, one->x509) == 1)
			certs++;
		if (one->crl && X509_STORE_add_crl(t->store, one->crl) == 1)
			t->crls = true;
	}
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	return certs;
}

int rf_stir_trust_load(const char *path, struct rf_stir_trust **ret_trust, struct rf_diag *diag)
{
	struct rf_stir_trust *t = calloc(1, sizeof *t);
	FILE *f = fopen(path, "re");
	int rc = f ? 0 : rf_diag_set(diag, -errno, "%s: %s", path, strerror(errno));
	char *bytes = rc ? NULL : malloc(RF_STIR_TRUST_BYTES);
	size_t n = bytes ? fread(bytes, 1, RF_STIR_TRUST_BYTES, f) : 0;
	BIO *bio = n && n < RF_STIR_TRUST_BYTES ? BIO_new_mem_buf(bytes, (int)n) : NULL;

	if (t) {
		atomic_init(&t->references, 1);
		t->store = X509_STORE_new();
	}
	if (!rc && (!t || !t->store || !bytes))
		rc = rf_diag_set(diag, -ENOMEM, "%s: out of memory", path);
	if (!rc && (!bio || take_pem(t, bio) == 0))
		rc = rf_diag_set(diag, RF_E_CORRUPT,
				 "%s holds no certificate of an authority in PEM (or is over %d bytes)", path,
				 RF_STIR_TRUST_BYTES);
	if (!rc && t->crls)
		X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK);
	BIO_free(bio);
	free(bytes);
	if (f)
		fclose(f);
	ERR_clear_error();
	if (rc) {
		rf_stir_trust_put(t);
		return rc;
	}
	X509_STORE_set_verify_cb(t->store, verified);
	*ret_trust = t;
	return 0;
}

struct rf_stir_trust *rf_stir_trust_get(struct rf_stir_trust *t)
{
	if (t)
		atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
	return t;
}

void rf_stir_trust_put(struct rf_stir_trust *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) != 1)
		return;
	X509_STORE_free(t->store);
	free(t);
}

/* ---- certificates */

static int read_chain(struct rf_view bytes, STACK_OF(X509) *chain)
{
	const uint8_t *p = bytes.p, *end = p + bytes.n;

	if (bytes.n == 0 || bytes.n > RF_STIR_CERT_BYTES)
		return RF_E_LIMIT;
	if (bytes.p[0] == 0x30) {
		X509 *one = d2i_X509(NULL, &p, (long)bytes.n);

		if (!one || p != end || !sk_X509_push(chain, one)) {
			X509_free(one);
			return RF_E_MALFORMED;
		}
		return 0;
	}
	BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.n);
	X509 *one;

	while (bio && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(chain) == RF_STIR_CHAIN_MAX || !sk_X509_push(chain, one)) {
			X509_free(one);
			BIO_free(bio);
			return RF_E_LIMIT;
		}
	}
	BIO_free(bio);
	return sk_X509_num(chain) ? 0 : RF_E_MALFORMED;
}

/* The leaf alone: a key on P-256 that may sign and is no CA's. */
static int look_at_leaf(X509 *leaf, struct rf_stir_cert *c)
{
	char group[64] = "";

	c->key = X509_get_pubkey(leaf);
	if (!c->key || !EVP_PKEY_is_a(c->key, "EC") ||
	    EVP_PKEY_get_group_name(c->key, group, sizeof group, NULL) != 1 ||
	    OBJ_txt2nid(group) != NID_X9_62_prime256v1)
		return RF_E_UNSUPPORTED;
	uint32_t flags = X509_get_extension_flags(leaf);

	if (flags & (EXFLAG_CA | EXFLAG_INVALID) || !(flags & EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		return RF_E_UNSUPPORTED;
	return rf_stir_auth_read(leaf, &c->auth);
}

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : -1;
}

/* The time in which every certificate of the verified chain holds. */
static void narrow(struct rf_stir_cert *c, STACK_OF(X509) *chain)
{
	c->from_s = 0;
	c->until_s = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t from = seconds(X509_get0_notBefore(sk_X509_value(chain, i)));
		int64_t until = seconds(X509_get0_notAfter(sk_X509_value(chain, i)));

		c->from_s = from > c->from_s ? from : c->from_s;
		c->until_s = until < c->until_s ? until : c->until_s;
	}
}

static int verify_chain(struct rf_stir_cert *c, STACK_OF(X509) *chain, struct rf_stir_trust *trust, struct rf_wall now,
			struct rf_diag *diag)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (!ctx || X509_STORE_CTX_init(ctx, trust->store, sk_X509_value(chain, 0), chain) != 1) {
		X509_STORE_CTX_free(ctx);
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	}
	X509_STORE_CTX_set_time(ctx, 0, now.us / 1000000);
	X509_STORE_CTX_set_depth(ctx, RF_STIR_CHAIN_MAX);
	bool good = X509_verify_cert(ctx) == 1;
	int why = X509_STORE_CTX_get_error(ctx);

	if (good)
		narrow(c, X509_STORE_CTX_get0_chain(ctx));
	X509_STORE_CTX_free(ctx);
	if (good)
		return 0;
	return rf_diag_set(diag,
			   why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID ? RF_E_STALE :
			   RF_E_DENIED,
			   "%s", X509_verify_cert_error_string(why));
}

int rf_stir_cert_new(struct rf_view bytes, struct rf_stir_trust *trust, struct rf_wall now,
		     struct rf_stir_cert **ret_cert, struct rf_diag *diag)
{
	struct rf_stir_cert *c = calloc(1, sizeof *c);
	STACK_OF(X509) *chain = sk_X509_new_null();
	int rc = c && chain ? read_chain(bytes, chain) : -ENOMEM;

	if (rc)
		rf_diag_set(diag, rc, "no certificate, or a chain that is too long");
	else if ((rc = look_at_leaf(sk_X509_value(chain, 0), c)))
		rf_diag_set(diag, rc, "not a certificate that may speak for telephone numbers (key on P-256, "
			    "digitalSignature, TNAuthList without constraints)");
	else
		rc = verify_chain(c, chain, trust, now, diag);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	if (rc) {
		rf_stir_cert_free(c);
		return rc;
	}
	*ret_cert = c;
	return 0;
}

void rf_stir_cert_free(struct rf_stir_cert *c)
{
	if (!c)
		return;
	EVP_PKEY_free(c->key);
	free(c);
}

bool rf_stir_cert_current(const struct rf_stir_cert *c, struct rf_wall now)
{
	return now.us / 1000000 >= c->from_s && now.us / 1000000 <= c->until_s;
}

static bool in_range(const struct rf_stir_entry *e, struct rf_view tn)
{
	struct rf_view start = rf_view_str(e->text);
	uint64_t first, x;

	/* Same length, as RFC 8226 counts numbers up from the first; one with "#" or "*" has no next. */
	return start.n == tn.n && rf_view_u64(start, UINT64_MAX, &first) && rf_view_u64(tn, UINT64_MAX, &x) &&
	       x >= first && x - first < e->count;
}

bool rf_stir_cert_covers(const struct rf_stir_cert *c, struct rf_view tn, const struct rf_view *providers, size_t n)
{
	for (unsigned i = 0; i < c->auth.n; i++) {
		const struct rf_stir_entry *e = &c->auth.entry[i];

		if (e->kind == RF_STIR_ONE && rf_view_eq(rf_view_str(e->text), tn))
			return true;
		if (e->kind == RF_STIR_RANGE && in_range(e, tn))
			return true;
		for (size_t k = 0; e->kind == RF_STIR_SPC && k < n; k++)
			if (rf_view_eq(providers[k], RF_V("any")) ||
			    rf_view_eq_nocase(providers[k], rf_view_str(e->text)))
				return true;
	}
	return false;
}

/* ---- signatures */

int rf_stir_cert_verify(const struct rf_stir_cert *c, struct rf_view input, const uint8_t sig[static RF_STIR_SIG])
{
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, 32, NULL), *s = BN_bin2bn(sig + 32, 32, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80], *p = der;
	int n = 0;

	if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		n = i2d_ECDSA_SIG(both, NULL) <= (int)sizeof der ? i2d_ECDSA_SIG(both, &p) : 0;
	}
	bool good = n > 0 && ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, c->key) == 1 &&
		    EVP_DigestVerify(ctx, der, (size_t)n, input.p, input.n) == 1;

	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(both);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 : RF_E_AUTH;
}

int rf_stir_digest(struct rf_view input, uint8_t ret_digest[static RF_STIR_DIGEST])
{
	unsigned n = RF_STIR_DIGEST;

	return EVP_Digest(input.p, input.n, ret_digest, &n, EVP_sha256(), NULL) == 1 ? 0 : RF_E_CRYPTO;
}

int rf_stir_sig_from_der(struct rf_view der, uint8_t ret_sig[static RF_STIR_SIG])
{
	const uint8_t *p = der.p;
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	const BIGNUM *r, *s;
	int rc = RF_E_CRYPTO;

	if (both && p == der.p + der.n) {
		ECDSA_SIG_get0(both, &r, &s);
		if (BN_bn2binpad(r, ret_sig, 32) == 32 && BN_bn2binpad(s, ret_sig + 32, 32) == 32)
			rc = 0;
	}
	ECDSA_SIG_free(both);
	ERR_clear_error();
	return rc;
}

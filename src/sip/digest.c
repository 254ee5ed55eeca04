/* The arithmetic: hashes over pieces joined by colons, and the comparison. The wire form is digest_hdr.c. */
#include "sip/digest.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct rf_digest_ctx {
	struct {
		EVP_MD *md; /* NULL: the provider has none */
		EVP_MD_CTX *run;
	} algs[RF_DIGEST_ALGS];
};

static const struct {
	const char *openssl;
	struct rf_view name, sess_name;
	size_t bytes;
} table[RF_DIGEST_ALGS] = {
	[RF_DIGEST_SHA256] = { "SHA256", { (const uint8_t *)"SHA-256", 7 }, { (const uint8_t *)"SHA-256-sess", 12 }, 32 },
	[RF_DIGEST_SHA512_256] = { "SHA512-256", { (const uint8_t *)"SHA-512-256", 11 },
				   { (const uint8_t *)"SHA-512-256-sess", 16 }, 32 },
	[RF_DIGEST_MD5] = { "MD5", { (const uint8_t *)"MD5", 3 }, { (const uint8_t *)"MD5-sess", 8 }, 16 },
};

struct rf_view rf_digest_alg_name(enum rf_digest_alg alg)
{
	return table[alg].name;
}

size_t rf_digest_alg_bytes(enum rf_digest_alg alg)
{
	return table[alg].bytes;
}

int rf_digest_alg_parse(struct rf_view name, enum rf_digest_alg *ret_alg, bool *ret_sess)
{
	for (unsigned i = 0; i < RF_DIGEST_ALGS; i++) {
		bool sess = rf_view_eq_nocase(name, table[i].sess_name);

		if (!sess && !rf_view_eq_nocase(name, table[i].name))
			continue;
		*ret_alg = (enum rf_digest_alg)i;
		*ret_sess = sess;
		return 0;
	}
	return RF_E_UNSUPPORTED;
}

int rf_digest_ctx_new(struct rf_digest_ctx **ret_ctx)
{
	struct rf_digest_ctx *ctx = calloc(1, sizeof *ctx);

	if (!ctx)
		return -ENOMEM;
	for (unsigned i = 0; i < RF_DIGEST_ALGS; i++) {
		ctx->algs[i].md = EVP_MD_fetch(NULL, table[i].openssl, NULL);
		ctx->algs[i].run = EVP_MD_CTX_new();
		if (!ctx->algs[i].run || (!ctx->algs[i].md && i != RF_DIGEST_MD5)) {
			rf_digest_ctx_free(ctx);
			return RF_E_CRYPTO;
		}
	}
	*ret_ctx = ctx;
	return 0;
}

void rf_digest_ctx_free(struct rf_digest_ctx *ctx)
{
	if (!ctx)
		return;
	for (unsigned i = 0; i < RF_DIGEST_ALGS; i++) {
		EVP_MD_CTX_free(ctx->algs[i].run);
		EVP_MD_free(ctx->algs[i].md);
	}
	free(ctx);
}

struct hash {
	uint8_t b[EVP_MAX_MD_SIZE];
};

/* The hash in hex, as most of the formulas want it. */
struct hex {
	char c[2 * RF_DIGEST_HASH_MAX];
	size_t n;
};

static struct hex hex_of(enum rf_digest_alg alg, const uint8_t *b)
{
	static const char digits[] = "0123456789abcdef";
	struct hex h = { .n = 2 * table[alg].bytes };

	for (size_t i = 0; i < table[alg].bytes; i++) {
		h.c[2 * i] = digits[b[i] >> 4];
		h.c[2 * i + 1] = digits[b[i] & 15];
	}
	return h;
}

static struct rf_view view_of_hex(const struct hex *h)
{
	return rf_view_of(h->c, h->n);
}

/* H(parts joined by colons). */
static int hash(struct rf_digest_ctx *ctx, enum rf_digest_alg alg, const struct rf_view *parts, size_t count,
		struct hash *ret)
{
	EVP_MD_CTX *run = ctx->algs[alg].run;

	if (!ctx->algs[alg].md || !EVP_DigestInit_ex2(run, ctx->algs[alg].md, NULL))
		return RF_E_CRYPTO;
	for (size_t i = 0; i < count; i++)
		if ((i && !EVP_DigestUpdate(run, ":", 1)) ||
		    (parts[i].n && !EVP_DigestUpdate(run, parts[i].p, parts[i].n)))
			return RF_E_CRYPTO;
	return EVP_DigestFinal_ex(run, ret->b, NULL) ? 0 : RF_E_CRYPTO;
}

int rf_digest_ha1(struct rf_digest_ctx *ctx, enum rf_digest_alg alg, struct rf_view user, struct rf_view realm,
		  struct rf_view password, struct rf_digest_ha1 *ret_ha1)
{
	const struct rf_view parts[] = { user, realm, password };
	struct hash h = { { 0 } };
	int rc = hash(ctx, alg, parts, 3, &h);

	if (rc == 0) {
		*ret_ha1 = (struct rf_digest_ha1){ { 0 } };
		memcpy(ret_ha1->b, h.b, table[alg].bytes);
	}
	rf_secret_wipe(&h, sizeof h);
	return rc;
}

int rf_digest_userhash(struct rf_digest_ctx *ctx, enum rf_digest_alg alg, struct rf_view user, struct rf_view realm,
		       char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	const struct rf_view parts[] = { user, realm };
	struct hash h;
	int rc = hash(ctx, alg, parts, 2, &h);

	if (rc)
		return rc;
	struct hex hex = hex_of(alg, h.b);
	memcpy(ret_hex, hex.c, hex.n);
	return 0;
}

/* A1 in hex: what is stored, or for -sess a hash of it with both nonces (RFC 7616 3.4.2). */
static int a1_hex(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		  struct hex *ret)
{
	*ret = hex_of(cred->alg, ha1->b);
	if (!cred->sess)
		return 0;
	const struct rf_view parts[] = { view_of_hex(ret), cred->nonce, cred->cnonce };
	struct hash h;
	int rc = hash(ctx, cred->alg, parts, 3, &h);

	if (rc == 0)
		*ret = hex_of(cred->alg, h.b);
	rf_secret_wipe(&h, sizeof h);
	return rc;
}

/* A2 in hex: method and uri, with auth-int the body as well (3.4.3). */
static int a2_hex(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, struct rf_view method,
		  struct rf_view body, struct hex *ret)
{
	struct hash h;
	struct hex body_hex;
	struct rf_view parts[3] = { method, cred->uri };
	size_t count = 2;

	if (cred->qop == RF_DIGEST_QOP_AUTH_INT) {
		int rc = hash(ctx, cred->alg, &body, 1, &h);

		if (rc)
			return rc;
		body_hex = hex_of(cred->alg, h.b);
		parts[count++] = view_of_hex(&body_hex);
	}
	int rc = hash(ctx, cred->alg, parts, count, &h);
	if (rc == 0)
		*ret = hex_of(cred->alg, h.b);
	return rc;
}

static int respond(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		   struct rf_view method, struct rf_view body, struct hash *ret)
{
	struct hex a1, a2;
	int rc = a1_hex(ctx, cred, ha1, &a1);

	if (rc == 0)
		rc = a2_hex(ctx, cred, method, body, &a2);
	if (rc == 0 && cred->qop == RF_DIGEST_QOP_NONE) {
		const struct rf_view parts[] = { view_of_hex(&a1), cred->nonce, view_of_hex(&a2) };

		rc = hash(ctx, cred->alg, parts, 3, ret);
	} else if (rc == 0) {
		struct rf_view qop = cred->qop == RF_DIGEST_QOP_AUTH ? RF_V("auth") : RF_V("auth-int");
		const struct rf_view parts[] = { view_of_hex(&a1), cred->nonce, cred->nc_text,
						 cred->cnonce,     qop,         view_of_hex(&a2) };

		rc = hash(ctx, cred->alg, parts, 6, ret);
	}
	rf_secret_wipe(&a1, sizeof a1);
	return rc;
}

int rf_digest_response(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		       struct rf_view method, struct rf_view body, char ret_hex[static 2 * RF_DIGEST_HASH_MAX])
{
	struct hash h;
	int rc = respond(ctx, cred, ha1, method, body, &h);

	if (rc)
		return rc;
	struct hex hex = hex_of(cred->alg, h.b);
	memcpy(ret_hex, hex.c, hex.n);
	return 0;
}

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : rf_lower(c) >= 'a' && rf_lower(c) <= 'f' ? rf_lower(c) - 'a' + 10 : -1;
}

static bool unhex(struct rf_view text, uint8_t *dst, size_t bytes)
{
	if (text.n != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int hi = nibble(text.p[2 * i]), lo = nibble(text.p[2 * i + 1]);

		if ((hi | lo) < 0)
			return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

int rf_digest_verify(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		     struct rf_view method, struct rf_view body)
{
	size_t bytes = table[cred->alg].bytes;
	uint8_t given[RF_DIGEST_HASH_MAX];
	struct hash right;
	int rc = respond(ctx, cred, ha1, method, body, &right);

	if (rc)
		return rc;
	bool same = unhex(cred->response, given, bytes) &&
		    rf_secret_eq(rf_view_of(given, bytes), rf_view_of(right.b, bytes));
	rf_secret_wipe(&right, sizeof right);
	return same ? 0 : RF_E_AUTH;
}

/* The client's side: pick a challenge, keep what it said, count the requests that answer it. */
#include "sip/digest.h"

#include "base/secret.h"

/* Something we can answer within what is allowed. Without qop a -sess hash would need a cnonce that has no place. */
static bool acceptable(const struct rf_digest_challenge *c, unsigned allowed)
{
	return (allowed & RF_DIGEST_BIT(c->alg)) && !(c->sess && !c->qops);
}

/* RFC 8760 2.4: the topmost that we support; but MD5 above a better one is not followed. */
static const struct rf_digest_challenge *best(const struct rf_digest_challenge *list, size_t count, unsigned allowed)
{
	const struct rf_digest_challenge *md5 = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!acceptable(&list[i], allowed))
			continue;
		if (list[i].alg != RF_DIGEST_MD5)
			return &list[i];
		if (!md5)
			md5 = &list[i];
	}
	return md5;
}

static struct rf_view keep(struct rf_digest_login *login, size_t *used, struct rf_view v)
{
	uint8_t *to = login->store + *used;

	if (v.n)
		memcpy(to, v.p, v.n);
	*used += v.n;
	return rf_view_of(to, v.n);
}

static void new_cnonce(struct rf_digest_login *login, struct rf_random *random)
{
	uint8_t raw[RF_DIGEST_CNONCE / 2];
	struct rf_writer w;

	rf_random_fill(random, raw, sizeof raw);
	rf_writer_init(&w, login->cnonce, sizeof login->cnonce);
	rf_put_hex(&w, raw, sizeof raw);
}

int rf_digest_login_begin(struct rf_digest_login *login, const struct rf_digest_challenge *challenges, size_t count,
			  unsigned allowed, struct rf_random *random)
{
	const struct rf_digest_challenge *c = best(challenges, count, allowed);

	if (!c)
		return RF_E_UNSUPPORTED;
	if (c->realm.n + c->nonce.n + c->opaque.n > RF_DIGEST_STORE)
		return RF_E_LIMIT;
	if (login->begun && login->used && !c->stale && rf_view_eq(c->realm, login->realm))
		return RF_E_AUTH;
	/* The challenge may be made of this login's own views: read all of it before the first write. */
	struct rf_digest_login next = {
		.alg = c->alg,
		.sess = c->sess,
		.begun = true,
		.qop = c->qops & RF_DIGEST_QOP_AUTH ? RF_DIGEST_QOP_AUTH : (enum rf_digest_qop)c->qops,
	};
	size_t used = 0;
	struct rf_view realm = keep(&next, &used, c->realm), nonce = keep(&next, &used, c->nonce),
		       opaque = keep(&next, &used, c->opaque);
	new_cnonce(&next, random);
	*login = next;
	login->realm = rf_view_of(login->store, realm.n);
	login->nonce = rf_view_of(login->store + realm.n, nonce.n);
	login->opaque = rf_view_of(login->store + realm.n + nonce.n, opaque.n);
	return 0;
}

void rf_digest_login_accepted(struct rf_digest_login *login)
{
	login->used = false;
}

int rf_digest_login_put(struct rf_digest_login *login, struct rf_view user, rf_digest_answer_fn *answer, void *arg,
			struct rf_view method, struct rf_view uri, struct rf_view body, struct rf_writer *w)
{
	if (!login->begun || login->nc == UINT32_MAX)
		return RF_E_STATE;
	uint32_t nc = login->nc + 1;
	uint8_t nc_be[4] = { (uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8), (uint8_t)nc };
	char nc_text[8], hex[2 * RF_DIGEST_HASH_MAX];
	struct rf_writer nc_writer;
	struct rf_digest_cred cred = {
		.username = user,
		.realm = login->realm,
		.nonce = login->nonce,
		.opaque = login->opaque,
		.uri = uri,
		.alg = login->alg,
		.sess = login->sess,
		.qop = login->qop,
		.response = rf_view_of(hex, 2 * rf_digest_alg_bytes(login->alg)),
	};

	if (login->qop != RF_DIGEST_QOP_NONE) {
		rf_writer_init(&nc_writer, nc_text, sizeof nc_text);
		rf_put_hex(&nc_writer, nc_be, sizeof nc_be);
		cred.nc_text = rf_view_of(nc_text, sizeof nc_text);
		cred.cnonce = rf_view_of(login->cnonce, sizeof login->cnonce);
	}
	int rc = answer(arg, &cred, method, body, hex);
	if (rc == 0)
		rc = rf_digest_put_cred(w, &cred);
	rf_secret_wipe(hex, sizeof hex);
	if (rc == 0) {
		login->nc = nc;
		login->used = true;
	}
	return rc;
}

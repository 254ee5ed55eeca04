#include "ledger/ledger_int.h"

int rf_sha_init(struct rf_sha *s)
{
	*s = (struct rf_sha){ .md = EVP_MD_fetch(NULL, "SHA256", NULL), .ctx = EVP_MD_CTX_new() };
	if (s->md && s->ctx)
		return 0;
	rf_sha_fini(s);
	return -ENOMEM;
}

void rf_sha_fini(struct rf_sha *s)
{
	EVP_MD_CTX_free(s->ctx);
	EVP_MD_free(s->md);
	*s = (struct rf_sha){ 0 };
}

int rf_sha_text(struct rf_sha *s, struct rf_view v, char ret_text[static RF_HASH_TEXT])
{
	uint8_t hash[RF_HASH_BYTES];
	struct rf_writer w;
	unsigned n = 0;

	if (EVP_DigestInit_ex2(s->ctx, s->md, NULL) != 1 || EVP_DigestUpdate(s->ctx, v.p, v.n) != 1 ||
	    EVP_DigestFinal_ex(s->ctx, hash, &n) != 1 || n != sizeof hash)
		return RF_E_CRYPTO;
	rf_writer_init(&w, ret_text, RF_HASH_TEXT);
	rf_put_hex(&w, hash, sizeof hash);
	rf_put_byte(&w, '\0');
	return 0;
}

void rf_chain_init(struct rf_chain *c)
{
	*c = (struct rf_chain){ .second = INT64_MIN };
	memcpy(c->hash, RF_HASH_ZERO, sizeof c->hash);
}

/* Only the milliseconds differ between most lines. */
static struct rf_view time_text(struct rf_chain *c, struct rf_wall t)
{
	int64_t second = t.us / 1000000;
	unsigned ms;

	if (t.us < 0 || second != c->second) {
		rf_wall_text(t, c->date);
		c->second = t.us < 0 ? INT64_MIN : second;
	} else {
		ms = (unsigned)(t.us % 1000000 / 1000);
		c->date[20] = (char)('0' + ms / 100);
		c->date[21] = (char)('0' + ms / 10 % 10);
		c->date[22] = (char)('0' + ms % 10);
	}
	return rf_view_of(c->date, RF_WALL_TEXT - 1);
}

int rf_chain_put(struct rf_chain *c, struct rf_sha *sha, struct rf_writer *w, struct rf_wall time, struct rf_view kind,
	struct rf_view body)
{
	size_t start = w->n;
	char hash[RF_HASH_TEXT];
	int rc;

	rf_put_lit(w, "{\"seq\":");
	rf_put_u64(w, c->seq + 1);
	rf_put_lit(w, ",\"time\":\"");
	rf_put(w, time_text(c, time));
	rf_put_lit(w, "\",\"kind\":\"");
	rf_put(w, kind);
	rf_put_byte(w, '"');
	rf_put(w, body);
	rf_put_lit(w, ",\"prev\":\"");
	rf_put(w, rf_view_of(c->hash, RF_HASH_TEXT - 1));
	rf_put_byte(w, '"');
	rc = w->err ? w->err : rf_sha_text(sha, rf_view_of(w->buf + start, w->n - start), hash);
	if (rc == 0) {
		rf_put_lit(w, ",\"hash\":\"");
		rf_put(w, rf_view_of(hash, RF_HASH_TEXT - 1));
		rf_put_lit(w, "\"}\n");
		rc = w->err;
	}
	if (rc) {
		w->n = start;
		w->err = 0;
		return rc;
	}
	c->seq++;
	memcpy(c->hash, hash, sizeof c->hash);
	return 0;
}

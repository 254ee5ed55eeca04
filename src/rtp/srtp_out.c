/* What we send: the index of a packet, used once, and where its tag and MKI go. */
#include "rtp/srtp_int.h"

#include "rtp/rtp.h"

#include <stdlib.h>

enum { ENCRYPTED = 0x80 /* the E flag */ };

static const uint32_t srtcp_index_max = 0x7fffffff; /* RFC 3711 3.4 */

int rf_srtp_out_new(const struct rf_srtp_master *master, struct rf_srtp_out **ret_out)
{
	struct rf_srtp_out *out = calloc(1, sizeof *out);

	if (!out)
		return -ENOMEM;
	int rc = rf_srtp_key_new(master, true, &out->key);

	if (rc) {
		free(out);
		return rc;
	}
	out->key->generation = 1;
	rf_srtp_known_init(&out->known);
	rf_srtp_known_add(&out->known, out->key);
	rf_srtp_streams_init(&out->streams);
	*ret_out = out;
	return 0;
}

void rf_srtp_out_fetch(const struct rf_srtp_out *out, unsigned step)
{
	for (size_t at = 0; step == 0 && at < sizeof *out; at += 64)
		__builtin_prefetch((const char *)out + at);
	if (step > 0)
		rf_srtp_key_fetch(out->key, step - 1);
}

void rf_srtp_out_free(struct rf_srtp_out *out)
{
	if (!out)
		return;
	rf_srtp_key_free(out->key);
	rf_srtp_known_fini(&out->known);
	rf_srtp_streams_fini(&out->streams);
	free(out);
}

bool rf_srtp_out_has(const struct rf_srtp_out *out, const struct rf_srtp_master *master)
{
	return rf_srtp_key_is(out->key, master);
}

int rf_srtp_out_rekey(struct rf_srtp_out *out, const struct rf_srtp_master *master)
{
	struct rf_srtp_key *key;
	int rc = rf_srtp_known_reserve(&out->known, 1);

	if (!rc)
		rc = rf_srtp_key_new(master, true, &key);
	if (rc)
		return rc;
	key->generation = out->key->generation + 1;
	rf_srtp_known_add(&out->known, key);
	rf_srtp_key_free(out->key);
	out->key = key;
	return 0;
}

/* --- a packet */

/* An SSRC that was not sent under this key may be forgotten for another one, if the key is fresh. Under a key that came
 * back none is sent that may have been forgotten in between. */
static int find_stream(struct rf_srtp_out *out, uint32_t ssrc, struct rf_srtp_stream **ret_stream)
{
	uint32_t oldest = out->key->again ? 0 : out->key->generation;

	*ret_stream = rf_srtp_streams_find(&out->streams, ssrc);
	if (out->key->again && rf_srtp_streams_doubt(&out->streams, *ret_stream))
		return RF_E_LIMIT;
	return *ret_stream ? 0 : rf_srtp_streams_add(&out->streams, ssrc, oldest, ret_stream);
}

/* From here on the index is used up, even when sealing fails. */
static void use(struct rf_srtp_out *out, struct rf_srtp_track *t, const struct rf_srtp_text *text)
{
	rf_srtp_track_take(t, text->index);
	t->generation = out->key->generation;
	out->key->left[text->kind]--;
}

static int seal(struct rf_srtp_key *k, const struct rf_srtp_text *t, size_t *ret_n)
{
	size_t tag_n = k->p->tag_n[t->kind], word_n = t->kind == RF_SRTP_RTCP ? RF_SRTCP_WORD_BYTES : 0;
	uint8_t *end = t->buf + t->n, *tag = k->p->aead ? end : end + word_n + k->mki_n;
	uint8_t *word = k->p->aead ? end + tag_n : end, *mki = word + word_n;

	if (word_n)
		memcpy(word, t->word, word_n);
	if (k->mki_n)
		memcpy(mki, k->mki, k->mki_n);
	int rc = rf_srtp_seal(k, t, tag);

	if (!rc)
		*ret_n = t->n + tag_n + word_n + k->mki_n;
	return rc;
}

int rf_srtp_out_rtp(struct rf_srtp_out *out, uint8_t *buf, size_t n, size_t cap, size_t *ret_n)
{
	struct rf_srtp_key *k = out->key;
	struct rf_srtp_text text = { .kind = RF_SRTP_RTP, .buf = buf, .n = n };
	struct rf_srtp_stream *s;
	struct rf_rtp_head head;
	int rc = rf_rtp_head_parse(rf_view_of(buf, n), &head);

	if (!rc && cap - n < (size_t)k->p->tag_n[RF_SRTP_RTP] + k->mki_n)
		rc = RF_E_SPACE;
	if (!rc && k->left[RF_SRTP_RTP] == 0)
		rc = RF_E_LIMIT;
	if (!rc)
		rc = find_stream(out, head.ssrc, &s);
	if (!rc)
		rc = rf_srtp_track_index(&s->track[RF_SRTP_RTP], head.seq, &text.index);
	if (!rc)
		rc = rf_srtp_track_check(&s->track[RF_SRTP_RTP], text.index);
	if (rc)
		return rc == RF_E_EXISTS || rc == RF_E_STALE ? RF_E_STATE : rc;
	use(out, &s->track[RF_SRTP_RTP], &text);
	text.ssrc = head.ssrc;
	text.head = head.size;
	return seal(k, &text, ret_n);
}

static int next_index(struct rf_srtp_track *t, struct rf_srtp_text *text)
{
	uint64_t index = t->generation ? t->top + 1 : 0;

	if (index > srtcp_index_max)
		return RF_E_LIMIT;
	text->index = index;
	for (size_t i = 0; i < RF_SRTCP_WORD_BYTES; i++)
		text->word[i] = (uint8_t)(index >> (24 - 8 * i));
	text->word[0] |= ENCRYPTED;
	return 0;
}

int rf_srtp_out_rtcp(struct rf_srtp_out *out, uint8_t *buf, size_t n, size_t cap, size_t *ret_n)
{
	struct rf_srtp_key *k = out->key;
	struct rf_srtp_text text = { .kind = RF_SRTP_RTCP, .buf = buf, .head = RF_SRTCP_HEAD_BYTES, .n = n };
	struct rf_srtp_stream *s;

	if (n > RF_RTP_BYTES_MAX)
		return RF_E_LIMIT;
	if (n < RF_SRTCP_HEAD_BYTES)
		return RF_E_MALFORMED;
	if (buf[0] >> 6 != 2)
		return RF_E_UNSUPPORTED;
	if (cap - n < (size_t)k->p->tag_n[RF_SRTP_RTCP] + k->mki_n + RF_SRTCP_WORD_BYTES)
		return RF_E_SPACE;
	if (k->left[RF_SRTP_RTCP] == 0)
		return RF_E_LIMIT;
	text.ssrc = (uint32_t)buf[4] << 24 | (uint32_t)buf[5] << 16 | (uint32_t)buf[6] << 8 | buf[7];
	int rc = find_stream(out, text.ssrc, &s);

	if (!rc)
		rc = next_index(&s->track[RF_SRTP_RTCP], &text);
	if (rc)
		return rc;
	use(out, &s->track[RF_SRTP_RTCP], &text);
	return seal(k, &text, ret_n);
}

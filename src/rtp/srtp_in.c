/* What a peer sends: which key, which index, is it authentic; and only then is anything kept. */
#include "rtp/srtp_int.h"

#include "rtp/rtp.h"

#include <stdlib.h>

enum { GUESSES = 2, ENCRYPTED = 0x80 /* the E flag */ };

/* --- keys */

static void free_keys(struct rf_srtp_in *in, uint8_t from)
{
	for (uint8_t i = from; i < in->keys; i++)
		rf_srtp_key_free(in->key[i]);
	in->keys = from;
	in->last = in->last < from ? in->last : 0;
}

static bool is_among(struct rf_srtp_key *const *keys, size_t count, const struct rf_srtp_master *master)
{
	for (size_t i = 0; i < count; i++)
		if (rf_srtp_key_is(keys[i], master))
			return true;
	return false;
}

bool rf_srtp_in_has(const struct rf_srtp_in *in, const struct rf_srtp_master *masters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_among(in->key, in->current, &masters[i]))
			return false;
	return true;
}

static int make_keys(const struct rf_srtp_master *masters, size_t count, uint32_t generation,
		     struct rf_srtp_key *ret_keys[static RF_SRTP_KEYS_MAX])
{
	int rc = count == 0 || count > RF_SRTP_KEYS_MAX ? RF_E_INVALID : 0;
	size_t n = 0;

	for (; !rc && n < count; n++) {
		rc = masters[n].mki.n != masters[0].mki.n || is_among(ret_keys, n, &masters[n]) ?
			     RF_E_INVALID : rf_srtp_key_new(&masters[n], false, &ret_keys[n]);
		if (rc)
			break;
		ret_keys[n]->generation = generation;
	}
	while (rc && n > 0)
		rf_srtp_key_free(ret_keys[--n]);
	return rc;
}

int rf_srtp_in_new(const struct rf_srtp_master *masters, size_t count, struct rf_srtp_in **ret_in)
{
	struct rf_srtp_in *in = calloc(1, sizeof *in);

	if (!in)
		return -ENOMEM;
	int rc = make_keys(masters, count, 1, in->key);

	if (rc) {
		free(in);
		return rc;
	}
	in->current = in->keys = (uint8_t)count;
	in->generation = 1;
	rf_srtp_known_init(&in->known);
	for (size_t i = 0; i < count; i++)
		rf_srtp_known_add(&in->known, in->key[i]);
	rf_srtp_streams_init(&in->streams);
	*ret_in = in;
	return 0;
}

void rf_srtp_in_fetch(const struct rf_srtp_in *in, unsigned step)
{
	for (size_t at = 0; step == 0 && at < sizeof *in; at += 64)
		__builtin_prefetch((const char *)in + at);
	if (step > 0)
		rf_srtp_key_fetch(in->key[in->last], step - 1);
}

void rf_srtp_in_free(struct rf_srtp_in *in)
{
	if (!in)
		return;
	free_keys(in, 0);
	rf_srtp_known_fini(&in->known);
	rf_srtp_streams_fini(&in->streams);
	free(in);
}

/* One that is there already is the same key still: under a new generation what it has sent could be sent again.
 * The others are noted, and whether they were here before. */
static void keep_same(struct rf_srtp_in *in, struct rf_srtp_key **fresh, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rf_srtp_master m = rf_srtp_key_master(fresh[i]);
		uint8_t j = 0;

		while (j < in->keys && !(in->key[j] && rf_srtp_key_is(in->key[j], &m)))
			j++;
		if (j == in->keys) {
			rf_srtp_known_add(&in->known, fresh[i]);
			continue;
		}
		rf_srtp_key_free(fresh[i]);
		fresh[i] = in->key[j];
		in->key[j] = NULL;
	}
}

int rf_srtp_in_rekey(struct rf_srtp_in *in, const struct rf_srtp_master *masters, size_t count)
{
	struct rf_srtp_key *next[2 * RF_SRTP_KEYS_MAX], *last = in->key[in->last];
	int rc = rf_srtp_known_reserve(&in->known, count);

	if (!rc)
		rc = make_keys(masters, count, in->generation + 1, next);
	if (rc)
		return rc;
	uint8_t current = in->current, before = in->keys;

	keep_same(in, next, count);
	in->current = in->keys = (uint8_t)count;
	for (uint8_t j = 0; j < before; j++)
		if (in->key[j] && j < current)
			next[in->keys++] = in->key[j];
		else
			rf_srtp_key_free(in->key[j]);
	memcpy(in->key, next, in->keys * sizeof *next);
	in->last = 0;
	for (uint8_t i = 0; i < count; i++)
		in->last = in->key[i] == last ? i : in->last;
	in->generation++;
	return 0;
}

void rf_srtp_in_drop_old(struct rf_srtp_in *in)
{
	free_keys(in, in->current);
}

enum rf_srtp_suite rf_srtp_in_suite(const struct rf_srtp_in *in)
{
	return in->key[in->last]->suite;
}

/* An SSRC that was last heard under an older key needs no window any more: nothing of it can come again. */
static uint32_t oldest(const struct rf_srtp_in *in)
{
	uint32_t least = in->generation;

	for (uint8_t i = 0; i < in->keys; i++)
		least = in->key[i]->again ? 0 : in->key[i]->generation < least ? in->key[i]->generation : least;
	return least;
}

/* A key under which the peer may have begun its counters anew. */
static bool may_begin_anew(const struct rf_srtp_key *k, const struct rf_srtp_track *t)
{
	return t->generation && k->generation > t->generation && !k->again;
}

/* A key of which something may have been taken that the window does not hold any more: older than the one under which
 * the counters began anew; or one that came back, when they did so or the SSRC may have been forgotten in between. */
static bool is_over(const struct rf_srtp_in *in, const struct rf_srtp_key *k, const struct rf_srtp_stream *s,
		    const struct rf_srtp_track *t)
{
	return k->generation < t->floor || (k->again && (t->floor || rf_srtp_streams_doubt(&in->streams, s)));
}

/* --- a packet under one key */

struct packet {
	enum rf_srtp_kind kind;
	uint8_t *buf;
	size_t n, head;
	uint32_t ssrc;
	uint16_t seq;                /* of RTP */
	uint8_t *room;               /* it is to stay as it is: an AEAD is opened there, the others not at
				      * all; NULL: it is opened */
};

/* Where things stand: the tag behind the text and before the MKI in an AEAD, behind the MKI otherwise; the word of
 * SRTCP behind what is encrypted (RFC 3711 3.1, 3.4; RFC 7714 8.2, 9.2). */
static int lay_out(const struct rf_srtp_key *k, const struct packet *p, struct rf_srtp_text *ret_text,
		   const uint8_t **ret_tag)
{
	size_t tag_n = k->p->tag_n[p->kind], word_n = p->kind == RF_SRTP_RTCP ? RF_SRTCP_WORD_BYTES : 0;
	size_t trailer = tag_n + word_n + k->mki_n;

	if (p->n - p->head < trailer)
		return RF_E_MALFORMED;
	size_t n = p->n - trailer;
	const uint8_t *word = p->buf + n + (k->p->aead ? tag_n : 0);
	const uint8_t *mki = p->buf + p->n - k->mki_n - (k->p->aead ? 0 : tag_n);

	if (k->mki_n && memcmp(mki, k->mki, k->mki_n) != 0)
		return RF_E_NOT_FOUND;
	*ret_text = (struct rf_srtp_text){ .kind = p->kind, .ssrc = p->ssrc, .buf = p->buf, .head = p->head, .n = n };
	if (word_n && !(word[0] & ENCRYPTED))
		return RF_E_DENIED;
	if (word_n)
		memcpy(ret_text->word, word, word_n);
	*ret_tag = k->p->aead ? p->buf + n : p->buf + p->n - tag_n;
	return 0;
}

/* What the packet's index may be: a number for each guess that the window lets through. A guess with `anew` is one
 * where the peer has begun its counter anew with this key. */
struct guess {
	uint64_t index;
	bool anew;
};

static int guess_rtp(const struct rf_srtp_track *t, const struct rf_srtp_key *k, uint16_t seq,
		     struct guess ret[static GUESSES], unsigned *ret_count)
{
	unsigned n = 0;
	uint64_t index;
	int rc = rf_srtp_track_index(t, seq, &index);

	if (!rc)
		rc = rf_srtp_track_check(t, index);
	if (!rc)
		ret[n++] = (struct guess){ index, false };
	if (!t->generation && seq < 0x8000) /* all before the wrap were lost */
		ret[n++] = (struct guess){ UINT64_C(1) << 16 | seq, false };
	else if (may_begin_anew(k, t) && (rc || index != seq))
		ret[n++] = (struct guess){ seq, true };
	*ret_count = n;
	return n ? 0 : rc;
}

static int guess_rtcp(const struct rf_srtp_track *t, const struct rf_srtp_key *k, const uint8_t *word,
		      struct guess ret[static GUESSES], unsigned *ret_count)
{
	uint32_t index = (uint32_t)(word[0] & 0x7f) << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
	int rc = rf_srtp_track_check(t, index);
	bool anew = rc && may_begin_anew(k, t);

	ret[0] = (struct guess){ index, anew };
	*ret_count = !rc || anew;
	return anew ? 0 : rc;
}

/* The text of an AEAD is copied for each guess: one that did not fit may have left something else. */
static int open_or_check(struct rf_srtp_key *k, const struct packet *p, struct rf_srtp_text *text, const uint8_t *tag)
{
	if (p->room && !k->p->aead)
		return rf_srtp_check(k, text, tag);
	if (p->room) {
		memcpy(p->room, p->buf, text->n);
		text->buf = p->room;
	}
	return rf_srtp_open(k, text, tag);
}

static int learn(struct rf_srtp_in *in, struct rf_srtp_key *k, struct rf_srtp_stream *s,
		 const struct rf_srtp_text *text, bool anew)
{
	int rc = s ? 0 : rf_srtp_streams_add(&in->streams, text->ssrc, oldest(in), &s);

	if (rc)
		return rc;
	struct rf_srtp_track *t = &s->track[text->kind];

	if (anew)
		*t = (struct rf_srtp_track){ .floor = k->generation };
	rf_srtp_track_take(t, text->index);
	if (t->generation < k->generation)
		t->generation = k->generation;
	k->left[text->kind]--;
	return 0;
}

static int try_key(struct rf_srtp_in *in, struct rf_srtp_key *k, const struct packet *p, size_t *ret_n)
{
	static const struct rf_srtp_track none = { .generation = 0 };
	struct rf_srtp_stream *s = rf_srtp_streams_find(&in->streams, p->ssrc);
	const struct rf_srtp_track *t = s ? &s->track[p->kind] : &none;
	struct guess guesses[GUESSES];
	struct rf_srtp_text text;
	const uint8_t *tag;
	unsigned count = 0;
	int rc = lay_out(k, p, &text, &tag);

	if (!rc && k->left[p->kind] == 0)
		rc = RF_E_LIMIT;
	if (!rc && is_over(in, k, s, t))
		rc = RF_E_STALE;
	if (!rc)
		rc = p->kind == RF_SRTP_RTP ? guess_rtp(t, k, p->seq, guesses, &count) :
					      guess_rtcp(t, k, text.word, guesses, &count);
	for (unsigned i = 0; i < count; i++) {
		text.index = guesses[i].index;
		rc = open_or_check(k, p, &text, tag);
		if (!rc)
			rc = learn(in, k, s, &text, guesses[i].anew);
		if (rc != RF_E_AUTH)
			break;
	}
	if (!rc)
		*ret_n = text.n;
	return rc;
}

/* --- under which key */

/* Of several answers, the one of the key that came furthest with it. */
static bool says_more(int rc, int before)
{
	static const int ranks[] = {
		RF_E_MALFORMED, RF_E_NOT_FOUND, RF_E_DENIED, RF_E_STALE, RF_E_EXISTS, RF_E_LIMIT, RF_E_AUTH,
	};
	int rank[2] = { 0, 0 };

	for (int i = 0; i < (int)(sizeof ranks / sizeof *ranks); i++) {
		rank[0] = ranks[i] == rc ? i : rank[0];
		rank[1] = ranks[i] == before ? i : rank[1];
	}
	return rank[0] > rank[1];
}

static bool is_final(int rc)
{
	return rc == 0 || rc == RF_E_CRYPTO || rc == -ENOMEM;
}

static int try_keys(struct rf_srtp_in *in, const struct packet *p, size_t *ret_n)
{
	uint8_t first = in->last;

	if (in->streams.count == RF_SRTP_SSRCS_MAX && rf_srtp_streams_full(&in->streams, p->ssrc, oldest(in)))
		return RF_E_LIMIT;
	int rc = try_key(in, in->key[first], p, ret_n);

	for (uint8_t i = 0; !is_final(rc) && i < in->keys; i++) {
		int other = i == first ? RF_E_MALFORMED : try_key(in, in->key[i], p, ret_n);

		if (is_final(other))
			in->last = other == 0 ? i : in->last;
		if (is_final(other) || says_more(other, rc))
			rc = other;
	}
	return rc;
}

static int take_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, uint8_t *room, size_t *ret_n)
{
	struct rf_rtp_head head;
	int rc = rf_rtp_head_parse(rf_view_of(buf, n), &head);

	if (rc)
		return rc;
	struct packet p = { RF_SRTP_RTP, buf, n, head.size, head.ssrc, head.seq, room };

	return try_keys(in, &p, ret_n);
}

int rf_srtp_in_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n)
{
	return take_rtp(in, buf, n, NULL, ret_n);
}

int rf_srtp_in_check_rtp(struct rf_srtp_in *in, uint8_t *buf, size_t n, uint8_t *room, size_t *ret_n)
{
	return take_rtp(in, buf, n, room, ret_n);
}

static int parse_rtcp(const uint8_t *buf, size_t n, struct packet *ret_packet)
{
	if (n > RF_RTP_BYTES_MAX)
		return RF_E_LIMIT;
	if (n < RF_SRTCP_HEAD_BYTES)
		return RF_E_MALFORMED;
	if (buf[0] >> 6 != 2)
		return RF_E_UNSUPPORTED;
	ret_packet->n = n;
	ret_packet->ssrc = (uint32_t)buf[4] << 24 | (uint32_t)buf[5] << 16 | (uint32_t)buf[6] << 8 | buf[7];
	return 0;
}

int rf_srtp_in_rtcp(struct rf_srtp_in *in, uint8_t *buf, size_t n, size_t *ret_n)
{
	struct packet p = { .kind = RF_SRTP_RTCP, .buf = buf, .head = RF_SRTCP_HEAD_BYTES };
	int rc = parse_rtcp(buf, n, &p);

	if (rc)
		return rc;
	return try_keys(in, &p, ret_n);
}

#include "media/sdes.h"
#include "base/secret.h"

#include <stdlib.h>

struct rf_sdes_rules rf_sdes_rules(unsigned policy, const struct rf_ng_request *req)
{
	struct rf_sdes_rules r = { .suites = policy, .pass = true, .lifetime = req->sdes & RF_NG_SDES_LIFETIME };
	unsigned only = 0;

	for (size_t i = 0; i < req->sdes_no.n; i++)
		r.suites &= ~(1u << rf_sdp_suite_of(req->sdes_no.v[i]));
	for (size_t i = 0; i < req->sdes_only.n; i++)
		only |= 1u << rf_sdp_suite_of(req->sdes_only.v[i]);
	if (req->sdes_only.n)
		r.suites &= only;
	r.suites &= ~(1u << RF_SRTP_NONE);
	return r;
}

static const struct rf_sdes_line *own_line(const struct rf_sdes *s, unsigned suite)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!s->lines[i].theirs && s->lines[i].key.suite == suite)
			return &s->lines[i];
	return NULL;
}

static size_t bytes_of(size_t lines)
{
	return sizeof(struct rf_sdes) + lines * sizeof(struct rf_sdes_line);
}

static struct rf_sdes *new_lines(const struct rf_sdes_rules *rules, unsigned room)
{
	struct rf_sdes *s = calloc(1, bytes_of(room));

	if (s) {
		s->lifetime = rules->lifetime;
		s->room = (uint8_t)room;
	}
	return s;
}

static struct rf_sdes_line *add(struct rf_sdes *s)
{
	struct rf_sdes_line *l = &s->lines[s->n++];

	l->key.tag = s->n;
	return l;
}

static void add_own(struct rf_sdes *s, unsigned suite, const struct rf_sdes *last, struct rf_random *random)
{
	const struct rf_sdes_line *old = own_line(last, suite);
	struct rf_sdes_line *l = add(s);

	l->key.suite = (uint8_t)suite;
	if (old)
		memcpy(l->key.key, old->key.key, sizeof l->key.key);
	else
		rf_random_fill(random, l->key.key, rf_srtp_key_bytes((enum rf_srtp_suite)suite));
}

struct rf_sdes *rf_sdes_offer(const struct rf_sdes_rules *rules, const struct rf_said *from, const struct rf_sdes *last,
			      struct rf_random *random)
{
	struct rf_sdes *s = new_lines(rules, (unsigned)__builtin_popcount(rules->suites)); /* one line each */
	unsigned have = 0;

	if (!s)
		return NULL;
	for (size_t i = 0; from && rules->pass && i < from->n_keys; i++) {
		const struct rf_said_key *k = &from->keys[i];

		if (!(rules->suites & 1u << k->suite) || have & 1u << k->suite)
			continue;
		have |= 1u << k->suite;
		struct rf_sdes_line *l = add(s);

		l->their_tag = k->tag;
		l->theirs = true;
		uint32_t tag = l->key.tag;
		l->key = *k;
		l->key.tag = tag;
	}
	for (unsigned suite = 1; suite < RF_SRTP_SUITES; suite++)
		if (rules->suites & ~have & 1u << suite)
			add_own(s, suite, last, random);
	return s;
}

const struct rf_sdes_line *rf_sdes_taken(const struct rf_sdes *offered, const struct rf_said *answer)
{
	for (size_t i = 0; offered && answer->n_keys == 1 && i < offered->n; i++)
		if (offered->lines[i].key.tag == answer->keys[0].tag)
			return offered->lines[i].key.suite == answer->keys[0].suite ? &offered->lines[i] : NULL;
	return NULL;
}

const struct rf_said_key *rf_sdes_key(const struct rf_said *said, uint32_t tag)
{
	for (size_t i = 0; i < said->n_keys; i++)
		if (said->keys[i].tag == tag)
			return &said->keys[i];
	return NULL;
}

/* Which of the offered: what was in force stays, else the strongest. */
static const struct rf_said_key *choose(const struct rf_sdes_rules *rules, const struct rf_said *offer,
					const struct rf_sdes *last)
{
	const struct rf_said_key *best = NULL;

	for (size_t i = 0; i < offer->n_keys; i++) {
		const struct rf_said_key *k = &offer->keys[i];

		if (!(rules->suites & 1u << k->suite))
			continue;
		if (own_line(last, k->suite) && last->n == 1)
			return k;
		if (!best)
			best = k;
	}
	return best;
}

int rf_sdes_answer(const struct rf_sdes_rules *rules, const struct rf_said *offer, const struct rf_sdes *last,
		   const struct rf_said_key *key, uint32_t tag, struct rf_random *random, struct rf_sdes **ret_sdes)
{
	const struct rf_said_key *k = key ? rf_sdes_key(offer, tag) : choose(rules, offer, last);
	struct rf_sdes *s;

	if (!k)
		return RF_E_NOT_FOUND;
	s = new_lines(rules, 1);
	if (!s)
		return -ENOMEM;
	if (key) {
		struct rf_sdes_line *l = add(s);

		l->key = *key;
		l->theirs = true;
	} else {
		add_own(s, k->suite, last, random);
	}
	s->lines[0].key.tag = k->tag;
	s->lines[0].their_tag = k->tag;
	*ret_sdes = s;
	return 0;
}

/* Padded, as RFC 2045 6.8 has it, to which RFC 4568 9.1 points: who reads four letters at a time loses the
 * end of a key without. */
static void put_base64(struct rf_writer *w, const uint8_t *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t x =
			(uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0u);

		for (size_t k = 0; k <= have; k++)
			rf_put_byte(w, (uint8_t)set[x >> (18 - 6 * k) & 63]);
		for (size_t k = have; k < 3; k++)
			rf_put_byte(w, '=');
	}
}

void rf_sdes_put(struct rf_writer *w, const struct rf_sdes *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct rf_said_key *k = &s->lines[i].key;

		rf_put_lit(w, "a=crypto:");
		rf_put_u64(w, k->tag);
		rf_put_byte(w, ' ');
		rf_put(w, rf_view_str(rf_sdp_suite_text((enum rf_sdp_suite)k->suite)));
		rf_put_lit(w, " inline:");
		put_base64(w, k->key, rf_srtp_key_bytes((enum rf_srtp_suite)k->suite));
		if (s->lifetime)
			rf_put_lit(w, "|2^31");
		if (k->mki_n) {
			rf_put_byte(w, '|');
			rf_put_u64(w, k->mki);
			rf_put_byte(w, ':');
			rf_put_u64(w, k->mki_n);
		}
		rf_put_lit(w, "\r\n");
	}
}

void rf_sdes_path_key(const struct rf_said_key *from, struct rf_path_key *ret_key)
{
	ret_key->suite = (enum rf_srtp_suite)from->suite;
	memcpy(ret_key->key, from->key, sizeof ret_key->key);
	ret_key->mki_n = from->mki_n;
	for (size_t i = 0; i < from->mki_n && i < sizeof ret_key->mki; i++)
		ret_key->mki[i] = (uint8_t)(from->mki >> 8 * (from->mki_n - 1u - i));
}

void rf_sdes_free(struct rf_sdes *s)
{
	if (!s)
		return;
	rf_secret_wipe(s, bytes_of(s->room));
	free(s);
}

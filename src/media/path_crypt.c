#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>

enum { OLD_KEYS_MS = 10000 }; /* packets under the keys before are late by then */

static struct rf_srtp_master master_of(const struct rf_path_key *k)
{
	return (struct rf_srtp_master){ .suite = k->suite, .key = rf_view_of(k->key, rf_srtp_key_bytes(k->suite)),
					.mki = rf_view_of(k->mki, k->mki_n) };
}

static int set_in(struct rf_crypt *c, const struct rf_path_key *keys, unsigned n)
{
	struct rf_srtp_master m[RF_PATH_KEYS_MAX];

	for (unsigned i = 0; i < n; i++)
		m[i] = master_of(&keys[i]);
	/* Every one was said before: an offerer's keys, of which one was taken. The others stay valid: it said them. */
	if (c->in && rf_srtp_in_has(c->in, m, n))
		return 0;
	int rc = c->in ? rf_srtp_in_rekey(c->in, m, n) : rf_srtp_in_new(m, n, &c->in);

	if (rc)
		return rc;
	c->old_until_us = 0;
	c->changed = true;
	return 0;
}

static int set_out(struct rf_crypt *c, const struct rf_path_key *key)
{
	struct rf_srtp_master m = master_of(key);

	if (c->out && rf_srtp_out_has(c->out, &m))
		return 0;
	return c->out ? rf_srtp_out_rekey(c->out, &m) : rf_srtp_out_new(&m, &c->out);
}

static bool has_crypt(struct rf_crypt **c)
{
	if (!*c)
		*c = calloc(1, sizeof **c);
	return *c;
}

int rf_crypt_set(struct rf_crypt **crypt, const struct rf_path_end_conf *conf, uint64_t now_us)
{
	bool keyed = conf->keying == RF_KEYING_SDES || conf->keying == RF_KEYING_PASSED;
	bool in = keyed && conf->n_keys_in > 0,
	     out = conf->keying == RF_KEYING_SDES && conf->key_out.suite != RF_SRTP_NONE;

	if (!in && !out)
		return 0;
	if (!has_crypt(crypt))
		return -ENOMEM;
	struct rf_crypt *c = *crypt;
	int rc = in ? set_in(c, conf->keys_in, conf->n_keys_in) : 0;

	if (!rc && out)
		rc = set_out(c, &conf->key_out);
	/* Only now do the old ones end: after an error they must go on. */
	if (!rc && c->changed) {
		c->old_until_us = now_us + OLD_KEYS_MS * 1000u;
		c->changed = false;
	}
	return rc;
}

int rf_crypt_take(struct rf_crypt **crypt, const struct rf_dtls_keys *keys)
{
	struct rf_srtp_master in = { .suite = keys->suite, .key = rf_view_of(keys->in, keys->n) };
	struct rf_srtp_master out = { .suite = keys->suite, .key = rf_view_of(keys->out, keys->n) };

	if (!has_crypt(crypt))
		return -ENOMEM;
	/* Another handshake: both sides begin their counters anew, under keys that never were. */
	rf_crypt_wipe(*crypt);
	int rc = rf_srtp_in_new(&in, 1, &(*crypt)->in);

	return rc ? rc : rf_srtp_out_new(&out, &(*crypt)->out);
}

void rf_crypt_wipe(struct rf_crypt *c)
{
	rf_srtp_in_free(c->in);
	rf_srtp_out_free(c->out);
	*c = (struct rf_crypt){ 0 };
}

void rf_crypt_free(struct rf_crypt *c)
{
	if (!c)
		return;
	rf_crypt_wipe(c);
	free(c);
}

enum rf_path_drop rf_crypt_why(int rc)
{
	switch (rc) {
	case RF_E_EXISTS:
	case RF_E_STALE:
		return RF_DROP_REPLAY;
	case RF_E_LIMIT:
		return RF_DROP_SSRC;
	case RF_E_MALFORMED:
	case RF_E_UNSUPPORTED:
		return RF_DROP_MALFORMED;
	default:
		return RF_DROP_AUTH;
	}
}

static void let_old_go(struct rf_crypt *c, uint64_t now_us)
{
	if (!c->old_until_us || now_us < c->old_until_us)
		return;
	rf_srtp_in_drop_old(c->in);
	c->old_until_us = 0;
}

int rf_crypt_open(struct rf_crypt *c, bool rtcp, uint8_t *buf, size_t *n, uint64_t now_us)
{
	let_old_go(c, now_us);
	return rtcp ? rf_srtp_in_rtcp(c->in, buf, *n, n) : rf_srtp_in_rtp(c->in, buf, *n, n);
}

int rf_crypt_check(struct rf_crypt *c, uint8_t *buf, size_t n, uint8_t *room, size_t *ret_n, uint64_t now_us)
{
	let_old_go(c, now_us);
	return rf_srtp_in_check_rtp(c->in, buf, n, room, ret_n);
}

#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/rand.h>

enum { COOKIE_FIXED = 2 };

/* What a cookie carries, so that nothing has to be kept: which suite and group were named, and the first ClientHello's
 * hash, which the transcript begins with (RFC 8446 4.4.1). */
static bool make_cookie(struct rf_dtls *d, unsigned suite, int group, struct rf_view hash, uint8_t *cookie,
			size_t *ret_n)
{
	uint8_t *p = cookie;

	*p++ = (uint8_t)suite;
	*p++ = (uint8_t)group;
	memcpy(p, hash.p, hash.n);
	p += hash.n;
	*ret_n = (size_t)(p - cookie) + RF_DTLS_COOKIE_BYTES;
	return rf_dtls_cookie_make(d, rf_view_of(cookie, (size_t)(p - cookie)), p);
}

static void put_retry(unsigned suite, int group, struct rf_view cookie, struct rf_writer *w)
{
	rf_dtls13_server_hello_put(NULL, suite, group, (struct rf_view){ NULL, 0 }, cookie, w);
}

/* Is the cookie ours, for this source? Then the transcript is as it was. */
static bool take_cookie(struct rf_dtls *d, struct rf_view cookie, unsigned *ret_suite, int *ret_group)
{
	struct rf_dtls13 *h = d->h13;
	uint8_t expected[RF_DTLS13_COOKIE_MAX], body[256];
	size_t n;
	struct rf_writer w;

	if (cookie.n < COOKIE_FIXED || cookie.p[0] >= RF_DTLS13_SUITES)
		return false;
	*ret_suite = cookie.p[0];
	*ret_group = cookie.p[1] < RF_DTLS13_GROUPS ? cookie.p[1] : -1;
	struct rf_view hash = rf_view_sub(cookie, COOKIE_FIXED, *ret_suite == 0 ? 48 : 32);

	if (!make_cookie(d, *ret_suite, *ret_group, hash, expected, &n) ||
	    !rf_secret_eq(cookie, rf_view_of(expected, n)))
		return false;
	rf_writer_init(&w, body, sizeof body);
	put_retry(*ret_suite, *ret_group, cookie, &w);
	return w.err == 0 && rf_dtls13_keys_begin(&h->keys, rf_dtls13_suites[*ret_suite]) == 0 &&
	       rf_dtls13_keys_add(&h->keys, RF_DTLS13_MESSAGE_HASH, hash) == 0 &&
	       rf_dtls13_keys_add(&h->keys, RF_DTLS13_SERVER_HELLO, rf_view_of(body, w.n)) == 0;
}

static int first_of(unsigned mask)
{
	return mask ? __builtin_ctz(mask) : -1;
}

static unsigned shares_of(const struct rf_dtls13_offer *o)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < RF_DTLS13_GROUPS; i++)
		mask |= o->shares[i].n ? 1u << i : 0;
	return mask & o->groups;
}

/* With a cookie, and for a share where there is none of ours; nothing is kept. */
static void ask_again(struct rf_dtls *d, const struct rf_dtls13_offer *o, struct rf_view hello)
{
	struct rf_dtls13 *h = d->h13;
	int suite = first_of(o->suites), group = shares_of(o) ? -1 : first_of(o->groups);
	uint8_t hash[RF_DTLS13_HASH_MAX], cookie[RF_DTLS13_COOKIE_MAX];
	size_t cookie_n;
	struct rf_writer w;

	rf_writer_init(&w, h->plain, sizeof h->plain);
	if (suite >= 0 && o->groups && rf_dtls13_keys_begin(&h->keys, rf_dtls13_suites[suite]) == 0 &&
	    rf_dtls13_keys_add(&h->keys, RF_DTLS13_CLIENT_HELLO, hello) == 0 &&
	    rf_dtls13_keys_hash(&h->keys, hash) == 0 &&
	    make_cookie(d, (unsigned)suite, group, rf_view_of(hash, h->keys.n), cookie, &cookie_n)) {
		rf_dtls13_message_begin(h, RF_DTLS13_SERVER_HELLO, &w);
		put_retry((unsigned)suite, group, rf_view_of(cookie, cookie_n), &w);
		rf_dtls13_message_end(&w, 0);
		h->plain_n = w.n;
		rf_dtls13_flight_send(d);
	}
	rf_dtls_back_to_new(d);
}

static struct rf_dtls13_verdict judge_offer(struct rf_dtls *d, const struct rf_dtls13_offer *o)
{
	if (!o->plain_compression)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	if (!o->has_groups || !o->has_shares || !o->has_signatures)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_MISSING_EXTENSION);
	if (!o->suites || !o->groups || !o->signs)
		return rf_dtls13_verdict(RF_DTLS_WHY_CIPHER, SSL_AD_HANDSHAKE_FAILURE);
	d->h13->srtp = rf_dtls13_choose(d, o->profiles);
	return d->h13->srtp != RF_SRTP_NONE ? RF_DTLS13_FINE :
	       rf_dtls13_verdict(RF_DTLS_WHY_PROFILE, SSL_AD_HANDSHAKE_FAILURE);
}

/* ServerHello, and the keys that both have from then on. */
static struct rf_dtls13_verdict say_hello(struct rf_dtls *d, unsigned suite, unsigned group, struct rf_view share)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_keys *k = &h->keys;
	uint8_t own[RF_DTLS13_SHARE_MAX], shared[48];
	size_t own_n, shared_n;
	struct rf_writer w;

	h->share = rf_dtls13_share_make(group);
	if (!rf_dtls13_share_show(h->share, group, own, &own_n) || RAND_bytes(h->random, sizeof h->random) != 1)
		return rf_dtls13_ours(RF_E_CRYPTO);
	if (rf_dtls13_share_meet(h->share, group, share, shared, &shared_n))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	rf_writer_init(&w, h->plain, sizeof h->plain);
	rf_dtls13_message_begin(h, RF_DTLS13_SERVER_HELLO, &w);
	rf_dtls13_server_hello_put(h->random, suite, (int)group, rf_view_of(own, own_n), (struct rf_view){ NULL, 0 },
				   &w);
	struct rf_view body = rf_dtls13_message_end(&w, 0);

	h->plain_n = w.n;
	int rc = w.err ? w.err : rf_dtls13_keys_add(k, RF_DTLS13_SERVER_HELLO, body);

	rc = rc ? rc : rf_dtls13_keys_handshake(k, rf_view_of(shared, shared_n));
	rc = rc ? rc : rf_dtls13_seal_make(k->md, k->key_n, k->client, &h->in);
	rc = rc ? rc : rf_dtls13_seal_make(k->md, k->key_n, k->server, &h->out);
	rf_secret_wipe(shared, sizeof shared);
	return rf_dtls13_ours(rc);
}

static struct rf_dtls13_verdict answer(struct rf_dtls *d, const struct rf_dtls13_offer *o, struct rf_view hello,
				       unsigned suite, unsigned group)
{
	struct rf_dtls13 *h = d->h13;
	int rc = h->keys.transcript ? 0 : rf_dtls13_keys_begin(&h->keys, rf_dtls13_suites[suite]);

	rc = rc ? rc : rf_dtls13_keys_add(&h->keys, RF_DTLS13_CLIENT_HELLO, hello);
	if (rc)
		return rf_dtls13_ours(rc);
	struct rf_dtls13_verdict v = say_hello(d, suite, group, o->shares[group]);

	if (v.why)
		return v;
	rc = rf_dtls13_put_flight(d);
	rc = rc ? rc : rf_dtls13_traffic(d);
	h->stage = RF_DTLS13_AWAIT_CLIENT_CERTIFICATE;
	rf_dtls13_arm(d);
	return rf_dtls13_ours(rc ? rc : rf_dtls13_flight_send(d));
}

/* Nothing is kept, and nothing bigger goes out than came in, until the source is proven: by ICE or by a cookie. */
struct rf_dtls13_verdict rf_dtls13_take_client_hello(struct rf_dtls *d, struct rf_view body)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_offer o;
	unsigned suite = 0, shares;
	int group = -1;
	bool cookie;

	if (rf_dtls13_client_hello_read(body, &o) || !o.knows_13 || !o.empty_cookie) {
		rf_dtls_turn_to_12(d, h->next_in, body);
		return RF_DTLS13_FINE;
	}
	cookie = o.has_cookie && take_cookie(d, o.cookie, &suite, &group);
	if (o.has_cookie != cookie || h->next_in != cookie) {
		rf_dtls_back_to_new(d);
		return RF_DTLS13_FINE;
	}
	d->listening &= !cookie;
	shares = shares_of(&o);
	if (d->listening) {
		ask_again(d, &o, body);
		return RF_DTLS13_FINE;
	}
	struct rf_dtls13_verdict v = judge_offer(d, &o);

	if (v.why)
		return v;
	if (!cookie && !shares) {
		ask_again(d, &o, body);
		return RF_DTLS13_FINE;
	}
	suite = cookie ? suite : (unsigned)first_of(o.suites);
	h->next_out = cookie;
	shares &= group >= 0 ? 1u << group : shares;
	if (!shares || !(o.suites & 1u << suite))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	return answer(d, &o, body, suite, (unsigned)first_of(shares));
}

/* The client is who its description says, and has these keys. */
struct rf_dtls13_verdict rf_dtls13_take_client_finished(struct rf_dtls *d, struct rf_view body)
{
	struct rf_dtls13_verdict v = rf_dtls13_take_finished(d, body);

	return v.why ? v : rf_dtls13_ours(rf_dtls13_done(d));
}

#include "rtp/dtls13_int.h"

#include "base/secret.h"

enum { HEAD = 12 };

int rf_dtls13_put_client_hello(struct rf_dtls *d, struct rf_view cookie)
{
	struct rf_dtls13 *h = d->h13;
	uint8_t share[RF_DTLS13_SHARE_MAX];
	size_t share_n = 0;
	struct rf_writer w;

	if (!h->share) /* else another group was not asked for: the same again (RFC 8446 4.1.2) */
		h->share = rf_dtls13_share_make(h->group);
	if (!rf_dtls13_share_show(h->share, h->group, share, &share_n))
		return RF_E_CRYPTO;
	rf_writer_init(&w, h->plain, sizeof h->plain);
	rf_dtls13_message_begin(h, RF_DTLS13_CLIENT_HELLO, &w);
	rf_dtls13_client_hello_put(d, h->random, h->group, rf_view_of(share, share_n), cookie, &w);
	rf_dtls13_message_end(&w, 0);
	h->plain_n = w.n;
	return w.err;
}

static struct rf_view own_hello(const struct rf_dtls13 *h)
{
	return rf_view_of(h->plain + HEAD, h->plain_n - HEAD);
}

/* The first ClientHello is in the transcript by its hash alone. */
static int fold_hello(struct rf_dtls13 *h, unsigned suite, struct rf_view retry)
{
	uint8_t hash[RF_DTLS13_HASH_MAX];
	struct rf_dtls13_keys first;
	int rc = rf_dtls13_keys_begin(&first, rf_dtls13_suites[suite]);

	rc = rc ? rc : rf_dtls13_keys_add(&first, RF_DTLS13_CLIENT_HELLO, own_hello(h));
	rc = rc ? rc : rf_dtls13_keys_hash(&first, hash);
	rc = rc ? rc : rf_dtls13_keys_begin(&h->keys, rf_dtls13_suites[suite]);
	rc = rc ? rc : rf_dtls13_keys_add(&h->keys, RF_DTLS13_MESSAGE_HASH, rf_view_of(hash, first.n));
	rc = rc ? rc : rf_dtls13_keys_add(&h->keys, RF_DTLS13_SERVER_HELLO, retry);
	rf_dtls13_keys_end(&first);
	return rc;
}

static struct rf_dtls13_verdict take_retry(struct rf_dtls *d, const struct rf_dtls13_answer *a, struct rf_view body)
{
	struct rf_dtls13 *h = d->h13;
	int rc;

	if (h->retried)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_UNEXPECTED_MESSAGE);
	/* Something has to change, or it would go on without end. */
	if (a->group == (int)h->group || (a->group < 0 && !a->cookie.n))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	h->retried = true;
	h->suite = a->suite;
	rc = fold_hello(h, (unsigned)a->suite, body);
	if (a->group >= 0) {
		h->group = (unsigned)a->group;
		EVP_PKEY_free(h->share);
		h->share = NULL;
	}
	rc = rc ? rc : rf_dtls13_put_client_hello(d, a->cookie);
	rf_dtls13_arm(d);
	return rf_dtls13_ours(rc ? rc : rf_dtls13_flight_send(d));
}

static struct rf_dtls13_verdict meet_server(struct rf_dtls *d, const struct rf_dtls13_answer *a, struct rf_view body)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_keys *k = &h->keys;
	int rc = k->transcript ? 0 : rf_dtls13_keys_begin(k, rf_dtls13_suites[a->suite]);
	uint8_t shared[48];
	size_t n;

	if (rf_dtls13_share_meet(h->share, h->group, a->share, shared, &n))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	rc = rc ? rc : rf_dtls13_keys_add(k, RF_DTLS13_CLIENT_HELLO, own_hello(h));
	rc = rc ? rc : rf_dtls13_keys_add(k, RF_DTLS13_SERVER_HELLO, body);
	rc = rc ? rc : rf_dtls13_keys_handshake(k, rf_view_of(shared, n));
	rc = rc ? rc : rf_dtls13_seal_make(k->md, k->key_n, k->server, &h->in);
	rc = rc ? rc : rf_dtls13_seal_make(k->md, k->key_n, k->client, &h->out);
	rf_secret_wipe(shared, sizeof shared);
	return rf_dtls13_ours(rc);
}

struct rf_dtls13_verdict rf_dtls13_take_server_hello(struct rf_dtls *d, struct rf_view body)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_answer a;

	if (rf_dtls13_server_hello_read(body, &a))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	if (!a.is_13)
		return rf_dtls13_verdict(RF_DTLS_WHY_VERSION, SSL_AD_PROTOCOL_VERSION);
	if (a.suite < 0 || (h->suite >= 0 && a.suite != h->suite))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	if (a.retry)
		return take_retry(d, &a, body);
	if (a.group != (int)h->group)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER);
	h->stage = RF_DTLS13_AWAIT_EXTENSIONS;
	return meet_server(d, &a, body);
}

struct rf_dtls13_verdict rf_dtls13_take_extensions(struct rf_dtls *d, struct rf_view body)
{
	return rf_dtls13_extensions_read(d, body, &d->h13->srtp);
}

struct rf_dtls13_verdict rf_dtls13_take_request(struct rf_dtls *d, struct rf_view body)
{
	(void)d;
	return rf_dtls13_request_read(body);
}

/* The server has proven itself: our own flight, and with it the keys. They are used before it is acknowledged, as they
 * may be; until then the flight goes again. */
struct rf_dtls13_verdict rf_dtls13_take_server_finished(struct rf_dtls *d, struct rf_view body)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_verdict v = rf_dtls13_take_finished(d, body);

	if (v.why)
		return v;
	int rc = rf_dtls13_traffic(d);

	rc = rc ? rc : rf_dtls13_put_flight(d);
	h->plain_n = 0;
	rc = rc ? rc : rf_dtls13_flight_send(d);
	h->stage = RF_DTLS13_AWAIT_ACK;
	rf_dtls13_arm(d);
	return rf_dtls13_ours(rc ? rc : rf_dtls13_done(d));
}

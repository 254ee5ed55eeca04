#include "rtp/dtls13_int.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

const uint16_t rf_dtls13_suites[RF_DTLS13_SUITES] = { 0x1302, 0x1301 }; /* AES-256-GCM-SHA384, AES-128-GCM-SHA256 */
const uint16_t rf_dtls13_groups[RF_DTLS13_GROUPS] = { 29, 23, 24 };     /* X25519, P-256, P-384 */

static const struct {
	const char *name; /* of the curve; NULL: X25519 */
	size_t share_n, shared_n;
} groups[RF_DTLS13_GROUPS] = { { NULL, 32, 32 }, { "P-256", 65, 32 }, { "P-384", 97, 48 } };

/* SHA-256 of "HelloRetryRequest" (RFC 8446 4.1.3). */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

enum { ECDSA_P256_SHA256 = 0x0403, EXTENSIONS_MAX = 64 };

static int index_of(const uint16_t *list, int count, uint16_t x)
{
	while (count-- && list[count] != x)
		;
	return count;
}

static struct rf_view take_short(struct rf_reader *r) /* behind a byte of length */
{
	return rf_take(r, rf_take_u8(r));
}

static struct rf_view take_long(struct rf_reader *r) /* behind two */
{
	return rf_take(r, rf_take_be16(r));
}

bool rf_dtls13_extension_next(struct rf_reader *r, uint16_t *ret_type, struct rf_view *ret_data)
{
	if (r->err || !rf_left(r))
		return false;
	*ret_type = rf_take_be16(r);
	*ret_data = take_long(r);
	return !r->err;
}

/* Which of ours are in a list of numbers, two bytes each. */
static int take_mask(struct rf_view list, const uint16_t *ours, int count, unsigned *ret_mask)
{
	struct rf_reader r = rf_reader_of(list);

	if (list.n % 2 || !list.n)
		return RF_E_MALFORMED;
	while (rf_left(&r)) {
		int i = index_of(ours, count, rf_take_be16(&r));

		*ret_mask |= i >= 0 ? 1u << i : 0;
	}
	return 0;
}

/* --- a ClientHello */

static int read_shares(struct rf_reader *r, struct rf_dtls13_offer *o)
{
	struct rf_reader list = rf_reader_of(take_long(r));

	while (!list.err && rf_left(&list)) {
		int i = index_of(rf_dtls13_groups, RF_DTLS13_GROUPS, rf_take_be16(&list));
		struct rf_view share = take_long(&list);

		if (i >= 0 && (o->shares[i].n || !share.n))
			return RF_E_MALFORMED;
		if (i >= 0)
			o->shares[i] = share;
	}
	o->has_shares = true;
	return list.err;
}

static int read_offered(struct rf_dtls13_offer *o, uint16_t type, struct rf_view data)
{
	static const uint16_t version = RF_DTLS13_VERSION, signature = ECDSA_P256_SHA256;
	struct rf_reader r = rf_reader_of(data);
	unsigned mask = 0;
	int rc = 0;

	switch (type) {
	case RF_DTLS13_X_VERSIONS:
		rc = take_mask(take_short(&r), &version, 1, &mask);
		o->knows_13 = mask;
		break;
	case RF_DTLS13_X_GROUPS:
		rc = take_mask(take_long(&r), rf_dtls13_groups, RF_DTLS13_GROUPS, &o->groups);
		o->has_groups = true;
		break;
	case RF_DTLS13_X_SIGNATURES:
		rc = take_mask(take_long(&r), &signature, 1, &mask);
		o->has_signatures = true;
		o->signs = mask;
		break;
	case RF_DTLS13_X_SRTP:
		o->profiles = take_long(&r);
		take_short(&r); /* an MKI: we name none, so there is none (RFC 5764 4.1.3) */
		o->has_srtp = true;
		rc = o->profiles.n % 2 ? RF_E_MALFORMED : 0;
		break;
	case RF_DTLS13_X_COOKIE:
		o->cookie = take_long(&r);
		o->has_cookie = true;
		break;
	case RF_DTLS13_X_SHARE:
		rc = read_shares(&r, o);
		break;
	default:
		return 0;
	}
	return rc ? rc : rf_reader_end(&r);
}

int rf_dtls13_client_hello_read(struct rf_view body, struct rf_dtls13_offer *ret_offer)
{
	struct rf_dtls13_offer o = { .knows_13 = false };
	struct rf_reader r = rf_reader_of(body);
	uint16_t seen[EXTENSIONS_MAX], type;
	struct rf_view suites, compression, data;
	int rc, count = 0;

	if (rf_take_be16(&r) != RF_DTLS13_LEGACY)
		return RF_E_MALFORMED;
	rf_take(&r, 32);
	if (take_short(&r).n > 32) /* an old session: nothing of it is taken or echoed */
		return RF_E_MALFORMED;
	o.empty_cookie = !take_short(&r).n;
	suites = take_long(&r);
	compression = take_short(&r);
	o.plain_compression = compression.n == 1 && !compression.p[0];
	rc = take_mask(suites, rf_dtls13_suites, RF_DTLS13_SUITES, &o.suites);
	struct rf_reader list = rf_reader_of(take_long(&r));

	while (!rc && rf_dtls13_extension_next(&list, &type, &data)) {
		if (count == EXTENSIONS_MAX || index_of(seen, count, type) >= 0)
			return RF_E_MALFORMED;
		seen[count++] = type;
		rc = read_offered(&o, type, data);
	}
	if (rc || list.err || rf_reader_end(&r))
		return RF_E_MALFORMED;
	*ret_offer = o;
	return 0;
}

/* --- writing: an extension is begun and ended, its length filled in */

static size_t begin(struct rf_writer *w, uint16_t type)
{
	rf_dtls13_put_be(w, type, 2);
	rf_dtls13_put_be(w, 0, 2);
	return w->n;
}

static void end(struct rf_writer *w, size_t from)
{
	if (w->err)
		return;
	w->buf[from - 2] = (uint8_t)((w->n - from) >> 8);
	w->buf[from - 1] = (uint8_t)(w->n - from);
}

static void put_numbers(struct rf_writer *w, uint16_t type, const uint16_t *list, size_t count)
{
	size_t from = begin(w, type);

	rf_dtls13_put_be(w, count * 2, 2);
	for (size_t i = 0; i < count; i++)
		rf_dtls13_put_be(w, list[i], 2);
	end(w, from);
}

static void put_cookie(struct rf_writer *w, struct rf_view cookie)
{
	size_t from = begin(w, RF_DTLS13_X_COOKIE);

	rf_dtls13_put_be(w, cookie.n, 2);
	rf_put(w, cookie);
	end(w, from);
}

static void put_profiles(struct rf_writer *w, const enum rf_srtp_suite *suites, size_t count)
{
	size_t from = begin(w, RF_DTLS13_X_SRTP);

	rf_dtls13_put_be(w, count * 2, 2);
	for (size_t i = 0; i < count; i++)
		rf_dtls13_put_be(w, rf_dtls_profile_of(suites[i]), 2);
	rf_put_byte(w, 0);
	end(w, from);
}

void rf_dtls13_client_hello_put(const struct rf_dtls *d, const uint8_t random[static 32], unsigned group,
				struct rf_view share, struct rf_view cookie, struct rf_writer *w)
{
	size_t list, from;

	rf_dtls13_put_be(w, RF_DTLS13_LEGACY, 2);
	rf_put(w, rf_view_of(random, 32));
	rf_put(w, RF_V("\0\0")); /* no session, no cookie of 1.2 */
	rf_dtls13_put_be(w, 2 * RF_DTLS13_SUITES, 2);
	for (size_t i = 0; i < RF_DTLS13_SUITES; i++)
		rf_dtls13_put_be(w, rf_dtls13_suites[i], 2);
	rf_put(w, RF_V("\1\0"));
	rf_dtls13_put_be(w, 0, 2);
	list = w->n;
	from = begin(w, RF_DTLS13_X_VERSIONS);
	rf_put_byte(w, 2);
	rf_dtls13_put_be(w, RF_DTLS13_VERSION, 2);
	end(w, from);
	put_numbers(w, RF_DTLS13_X_GROUPS, rf_dtls13_groups, RF_DTLS13_GROUPS);
	rf_dtls13_signatures_put(w);
	put_profiles(w, d->suites, d->suite_count);
	from = begin(w, RF_DTLS13_X_SHARE);
	rf_dtls13_put_be(w, share.n + 4, 2);
	rf_dtls13_put_be(w, rf_dtls13_groups[group], 2);
	rf_dtls13_put_be(w, share.n, 2);
	rf_put(w, share);
	end(w, from);
	if (cookie.n)
		put_cookie(w, cookie);
	end(w, list);
}

/* --- a ServerHello */

static int read_answered(struct rf_dtls13_answer *a, uint16_t type, struct rf_view data)
{
	struct rf_reader r = rf_reader_of(data);

	switch (type) {
	case RF_DTLS13_X_VERSIONS:
		a->is_13 = rf_take_be16(&r) == RF_DTLS13_VERSION;
		break;
	case RF_DTLS13_X_SHARE:
		a->group = index_of(rf_dtls13_groups, RF_DTLS13_GROUPS, rf_take_be16(&r));
		if (!a->retry)
			a->share = take_long(&r);
		else if (a->group < 0) /* not one that was offered */
			return RF_E_MALFORMED;
		break;
	case RF_DTLS13_X_COOKIE:
		a->cookie = take_long(&r);
		if (!a->retry || !a->cookie.n)
			return RF_E_MALFORMED;
		break;
	default:
		return 0;
	}
	return rf_reader_end(&r);
}

int rf_dtls13_server_hello_read(struct rf_view body, struct rf_dtls13_answer *ret_answer)
{
	struct rf_dtls13_answer a = { .group = -1 };
	struct rf_reader r = rf_reader_of(body);
	uint16_t type, seen = 0, unknown = 0;
	bool echoes, compresses;
	struct rf_view data;
	int rc = 0;

	if (rf_take_be16(&r) != RF_DTLS13_LEGACY)
		return RF_E_MALFORMED;
	a.retry = rf_view_eq(rf_take(&r, 32), rf_view_of(retry_random, 32));
	echoes = take_short(&r).n;
	a.suite = index_of(rf_dtls13_suites, RF_DTLS13_SUITES, rf_take_be16(&r));
	compresses = rf_take_u8(&r);
	struct rf_reader list = rf_reader_of(rf_left(&r) ? take_long(&r) : (struct rf_view){ NULL, 0 });

	while (!rc && rf_dtls13_extension_next(&list, &type, &data)) {
		uint16_t bit = type == RF_DTLS13_X_VERSIONS ? 1 : type == RF_DTLS13_X_SHARE ? 2 : type == RF_DTLS13_X_COOKIE ? 4 : 0;

		if (seen & bit)
			return RF_E_MALFORMED;
		seen |= bit;
		unknown |= !bit;
		rc = read_answered(&a, type, data);
	}
	/* A server of 1.2 may answer with what 1.2 has: that it does so is all that counts then. */
	if (rc || list.err || rf_reader_end(&r) || (a.is_13 && (echoes || compresses || unknown)))
		return RF_E_MALFORMED;
	*ret_answer = a;
	return 0;
}

void rf_dtls13_server_hello_put(const uint8_t *random, unsigned suite, int group, struct rf_view share,
				struct rf_view cookie, struct rf_writer *w)
{
	size_t list, from;

	rf_dtls13_put_be(w, RF_DTLS13_LEGACY, 2);
	rf_put(w, rf_view_of(random ? random : retry_random, 32));
	rf_put_byte(w, 0); /* a session is not echoed (RFC 9147 5.3) */
	rf_dtls13_put_be(w, rf_dtls13_suites[suite], 2);
	rf_put_byte(w, 0);
	rf_dtls13_put_be(w, 0, 2);
	list = w->n;
	from = begin(w, RF_DTLS13_X_VERSIONS);
	rf_dtls13_put_be(w, RF_DTLS13_VERSION, 2);
	end(w, from);
	if (group >= 0) {
		from = begin(w, RF_DTLS13_X_SHARE);
		rf_dtls13_put_be(w, rf_dtls13_groups[group], 2);
		if (random) {
			rf_dtls13_put_be(w, share.n, 2);
			rf_put(w, share);
		}
		end(w, from);
	}
	if (cookie.n)
		put_cookie(w, cookie);
	end(w, list);
}

/* --- SRTP */

enum rf_srtp_suite rf_dtls13_choose(const struct rf_dtls *d, struct rf_view profiles)
{
	for (size_t i = 0; i < d->suite_count; i++)
		for (size_t k = 0; k + 2 <= profiles.n; k += 2)
			if (rf_dtls_profile_of(d->suites[i]) == (profiles.p[k] << 8 | profiles.p[k + 1]))
				return d->suites[i];
	return RF_SRTP_NONE;
}

void rf_dtls13_extensions_put(enum rf_srtp_suite suite, struct rf_writer *w)
{
	size_t list;

	rf_dtls13_put_be(w, 0, 2);
	list = w->n;
	put_profiles(w, &suite, 1);
	end(w, list);
}

struct rf_dtls13_verdict rf_dtls13_extensions_read(const struct rf_dtls *d, struct rf_view body,
						   enum rf_srtp_suite *ret_suite)
{
	struct rf_reader r = rf_reader_of(body), list = rf_reader_of(take_long(&r));
	enum rf_srtp_suite suite = RF_SRTP_NONE;
	bool seen = false;
	struct rf_view data;
	uint16_t type;

	while (rf_dtls13_extension_next(&list, &type, &data)) {
		struct rf_reader x = rf_reader_of(data);

		if (type == RF_DTLS13_X_GROUPS) /* what it would have liked (RFC 8446 4.2.7): no matter */
			continue;
		if (type != RF_DTLS13_X_SRTP)
			return (struct rf_dtls13_verdict){ RF_DTLS_WHY_PROTOCOL, SSL_AD_UNSUPPORTED_EXTENSION };
		struct rf_view profiles = take_long(&x), mki = take_short(&x);

		if (seen || rf_reader_end(&x) || profiles.n != 2 || mki.n)
			return (struct rf_dtls13_verdict){ RF_DTLS_WHY_PROTOCOL, SSL_AD_ILLEGAL_PARAMETER };
		seen = true;
		suite = rf_dtls13_choose(d, profiles);
	}
	if (list.err || rf_reader_end(&r))
		return (struct rf_dtls13_verdict){ RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR };
	if (suite == RF_SRTP_NONE)
		return (struct rf_dtls13_verdict){ RF_DTLS_WHY_PROFILE, SSL_AD_HANDSHAKE_FAILURE };
	*ret_suite = suite;
	return RF_DTLS13_FINE;
}

/* --- shares */

EVP_PKEY *rf_dtls13_share_make(unsigned group)
{
	return groups[group].name ? EVP_EC_gen(groups[group].name) : EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
}

bool rf_dtls13_share_show(EVP_PKEY *own, unsigned group, uint8_t share[static RF_DTLS13_SHARE_MAX], size_t *ret_n)
{
	unsigned char *point = NULL;
	size_t n = own ? EVP_PKEY_get1_encoded_public_key(own, &point) : 0;
	bool ok = n == groups[group].share_n;

	if (ok) {
		memcpy(share, point, n);
		*ret_n = n;
	}
	OPENSSL_free(point);
	return ok;
}

/* Whether it is a point of the curve OpenSSL says, and whether X25519 came to nothing but zeros. OpenSSL would take
 * more forms of a point than TLS has (RFC 8446 4.2.8.2). */
int rf_dtls13_share_meet(EVP_PKEY *own, unsigned group, struct rf_view theirs, uint8_t shared[static 48], size_t *ret_n)
{
	EVP_PKEY *peer = EVP_PKEY_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t n = 48;
	bool ok = theirs.n == groups[group].share_n && (!groups[group].name || theirs.p[0] == 4) && peer && ctx &&
		  EVP_PKEY_copy_parameters(peer, own) == 1 &&
		  EVP_PKEY_set1_encoded_public_key(peer, theirs.p, theirs.n) == 1 && EVP_PKEY_derive_init(ctx) == 1 &&
		  EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, shared, &n) == 1 &&
		  n == groups[group].shared_n;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	*ret_n = ok ? n : 0;
	return ok ? 0 : RF_E_MALFORMED;
}

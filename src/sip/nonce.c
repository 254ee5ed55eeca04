#include "sip/nonce.h"

#include "base/err.h"
#include "base/secret.h"
#include "base/table.h"
#include "sip/chars.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

enum {
	WORKER = 1, TIME = 6, SALT = 10, MAC = 16,
	HEAD = WORKER + TIME + SALT,
	RAW = HEAD + MAC, /* 33, a multiple of 3: base64 without a rest, so each nonce has one spelling */
	WINDOW = 64,
};

_Static_assert(RAW % 3 == 0 && RAW / 3 * 4 == RF_NONCE_TEXT, "one spelling per nonce");

/* One nonce that was used, and the counts that were spent on it. */
struct entry {
	struct rf_node node;
	uint64_t issued_ms;
	uint64_t window; /* bit i: count highest - i was spent */
	uint32_t highest;
	uint8_t salt[SALT];
};

struct rf_nonce {
	EVP_MAC *mac;
	EVP_MAC_CTX *keyed; /* keeps its key between messages */
	struct rf_table table;
	struct entry *ring; /* in order of first use, oldest at head */
	uint32_t head, cap;
	uint8_t worker;
	uint64_t lifetime_ms;
	uint64_t floor_ms; /* nonces issued up to here without an entry are forgotten ones */
	bool has_floor;
	struct rf_nonce_stats stats;
};

struct raw {
	uint8_t b[RAW];
};

/* --- base64url, fixed length */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const struct raw *raw, char *text)
{
	for (size_t i = 0, o = 0; i < RAW; i += 3, o += 4) {
		uint32_t x = (uint32_t)raw->b[i] << 16 | (uint32_t)raw->b[i + 1] << 8 | raw->b[i + 2];

		text[o] = letters[x >> 18];
		text[o + 1] = letters[x >> 12 & 63];
		text[o + 2] = letters[x >> 6 & 63];
		text[o + 3] = letters[x & 63];
	}
}

static bool decode(struct rf_view text, struct raw *raw)
{
	if (text.n != RF_NONCE_TEXT)
		return false;
	for (size_t i = 0, o = 0; i < RF_NONCE_TEXT; i += 4, o += 3) {
		int a = rf_sip_sextet(text.p[i]), b = rf_sip_sextet(text.p[i + 1]), c = rf_sip_sextet(text.p[i + 2]),
		    d = rf_sip_sextet(text.p[i + 3]);

		if ((a | b | c | d) < 0)
			return false;
		uint32_t x = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)d;
		raw->b[o] = (uint8_t)(x >> 16);
		raw->b[o + 1] = (uint8_t)(x >> 8);
		raw->b[o + 2] = (uint8_t)x;
	}
	return true;
}

/* --- fields */

static uint64_t now_ms(struct rf_mono now)
{
	return now.us / 1000;
}

static uint64_t issued_ms(const struct raw *raw)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < TIME; i++)
		ms = ms << 8 | raw->b[WORKER + i];
	return ms;
}

static void put_issued_ms(struct raw *raw, uint64_t ms)
{
	for (size_t i = TIME; i-- > 0; ms >>= 8)
		raw->b[WORKER + i] = (uint8_t)ms;
}

static const uint8_t *salt_of(const struct raw *raw)
{
	return raw->b + WORKER + TIME;
}

static int mac_of(struct rf_nonce *n, const struct raw *raw, struct rf_view realm, struct rf_view bound_to,
		  uint8_t ret_mac[static MAC])
{
	uint8_t full[EVP_MAX_MD_SIZE];
	size_t got = 0;
	uint64_t realm_bytes = realm.n; /* so that realm and bound_to cannot lend each other bytes */

	if (!EVP_MAC_init(n->keyed, NULL, 0, NULL) || !EVP_MAC_update(n->keyed, raw->b, HEAD) ||
	    !EVP_MAC_update(n->keyed, (const uint8_t *)&realm_bytes, sizeof realm_bytes) ||
	    (realm.n && !EVP_MAC_update(n->keyed, realm.p, realm.n)) ||
	    (bound_to.n && !EVP_MAC_update(n->keyed, bound_to.p, bound_to.n)) ||
	    !EVP_MAC_final(n->keyed, full, &got, sizeof full) || got < MAC)
		return RF_E_CRYPTO;
	memcpy(ret_mac, full, MAC);
	return 0;
}

/* --- the table of what was spent */

static struct entry *find(const struct rf_nonce *n, const struct raw *raw, uint64_t *ret_hash)
{
	uint64_t hash; /* the salt is our own randomness and under the MAC: nobody aims it */

	memcpy(&hash, salt_of(raw), sizeof hash);
	*ret_hash = hash;
	for (struct rf_node *node = rf_table_first(&n->table, hash); node; node = rf_table_next(node)) {
		struct entry *e = rf_container(node, struct entry, node);

		if (e->issued_ms == issued_ms(raw) && memcmp(e->salt, salt_of(raw), SALT) == 0)
			return e;
	}
	return NULL;
}

static bool expired(const struct rf_nonce *n, uint64_t issued, struct rf_mono now)
{
	return now_ms(now) > issued && now_ms(now) - issued > n->lifetime_ms;
}

static bool forgotten(const struct rf_nonce *n, uint64_t issued)
{
	return n->has_floor && issued <= n->floor_ms;
}

static void drop_oldest(struct rf_nonce *n, struct rf_mono now)
{
	struct entry *e = &n->ring[n->head];

	if (!expired(n, e->issued_ms, now)) {
		if (!n->has_floor || e->issued_ms > n->floor_ms)
			n->floor_ms = e->issued_ms;
		n->has_floor = true;
		n->stats.forgotten++;
	}
	rf_table_del(&n->table, &e->node);
	n->head = n->head + 1 == n->cap ? 0 : n->head + 1;
	n->stats.entries--;
}

static int remember(struct rf_nonce *n, const struct raw *raw, uint64_t hash, uint32_t nc, struct rf_mono now)
{
	if (forgotten(n, issued_ms(raw)))
		return RF_E_STALE;
	while (n->stats.entries && expired(n, n->ring[n->head].issued_ms, now))
		drop_oldest(n, now);
	if (n->stats.entries == n->cap)
		drop_oldest(n, now);
	if (forgotten(n, issued_ms(raw))) /* the one just dropped may be younger than this one */
		return RF_E_STALE;
	struct entry *e = &n->ring[((uint64_t)n->head + n->stats.entries) % n->cap];
	*e = (struct entry){ .issued_ms = issued_ms(raw), .window = 1, .highest = nc };
	memcpy(e->salt, salt_of(raw), SALT);
	int rc = rf_table_add(&n->table, &e->node, hash);
	if (rc == 0)
		n->stats.entries++;
	return rc;
}

static bool spend(struct entry *e, uint32_t nc)
{
	if (nc > e->highest) {
		uint32_t by = nc - e->highest;

		e->window = by < WINDOW ? e->window << by | 1 : 1;
		e->highest = nc;
		return true;
	}
	uint32_t back = e->highest - nc;
	if (back >= WINDOW || (e->window >> back & 1))
		return false;
	e->window |= UINT64_C(1) << back;
	return true;
}

/* --- public */

static int take_key(struct rf_nonce *n, const uint8_t key[static RF_NONCE_KEY])
{
	char sha256[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
				OSSL_PARAM_construct_end() };

	n->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	n->keyed = n->mac ? EVP_MAC_CTX_new(n->mac) : NULL;
	return n->keyed && EVP_MAC_init(n->keyed, key, RF_NONCE_KEY, params) ? 0 : RF_E_CRYPTO;
}

/* The slots are taken now rather than at the first login. */
static int take_slots(struct rf_nonce *n)
{
	struct rf_node first;

	rf_table_init(&n->table, n->cap);
	int rc = rf_table_add(&n->table, &first, 0);
	if (rc == 0)
		rf_table_del(&n->table, &first);
	return rc;
}

int rf_nonce_new(const struct rf_nonce_config *config, struct rf_nonce **ret_n)
{
	if (config->cap == 0)
		return RF_E_INVALID;
	struct rf_nonce *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->worker = config->worker;
	n->lifetime_ms = config->lifetime_ms;
	n->cap = config->cap;
	n->ring = calloc(n->cap, sizeof *n->ring);
	int rc = n->ring ? take_slots(n) : -ENOMEM;
	if (rc == 0)
		rc = take_key(n, config->key);
	if (rc) {
		rf_nonce_free(n);
		return rc;
	}
	*ret_n = n;
	return 0;
}

void rf_nonce_free(struct rf_nonce *n)
{
	if (!n)
		return;
	EVP_MAC_CTX_free(n->keyed); /* wipes the key */
	EVP_MAC_free(n->mac);
	rf_table_fini(&n->table);
	free(n->ring);
	free(n);
}

int rf_nonce_issue(struct rf_nonce *n, struct rf_view realm, struct rf_view bound_to, struct rf_random *random,
		   struct rf_mono now, char ret_text[static RF_NONCE_TEXT])
{
	struct raw raw;

	raw.b[0] = n->worker;
	put_issued_ms(&raw, now_ms(now));
	rf_random_fill(random, raw.b + WORKER + TIME, SALT);
	int rc = mac_of(n, &raw, realm, bound_to, raw.b + HEAD);
	if (rc)
		return rc;
	encode(&raw, ret_text);
	n->stats.issued++;
	return 0;
}

int rf_nonce_check(struct rf_nonce *n, struct rf_view text, struct rf_view realm, struct rf_view bound_to,
		   struct rf_mono now)
{
	struct raw raw;
	uint8_t mac[MAC];
	uint64_t hash;

	if (!decode(text, &raw)) {
		n->stats.forged++;
		return RF_E_AUTH;
	}
	int rc = mac_of(n, &raw, realm, bound_to, mac);
	if (rc)
		return rc;
	if (!rf_secret_eq(rf_view_of(mac, MAC), rf_view_of(raw.b + HEAD, MAC))) {
		n->stats.forged++;
		return RF_E_AUTH;
	}
	if (raw.b[0] != n->worker) {
		n->stats.elsewhere++;
		return RF_E_STALE;
	}
	if (expired(n, issued_ms(&raw), now) || (forgotten(n, issued_ms(&raw)) && !find(n, &raw, &hash))) {
		n->stats.expired++;
		return RF_E_STALE;
	}
	return 0;
}

int rf_nonce_spend(struct rf_nonce *n, struct rf_view text, uint32_t nc, struct rf_mono now)
{
	struct raw raw;
	uint64_t hash;

	if (!decode(text, &raw) || nc == 0)
		return RF_E_STALE;
	struct entry *e = find(n, &raw, &hash);
	if (e ? spend(e, nc) : remember(n, &raw, hash, nc, now) == 0)
		return 0;
	n->stats.replayed++;
	return RF_E_STALE;
}

struct rf_nonce_stats rf_nonce_stats(const struct rf_nonce *n)
{
	return n->stats;
}

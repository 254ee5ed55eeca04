/* Digest authentication: RFC 7616 as SIP uses it (RFC 3261 22, RFC 8760), both ends. The wire form, the arithmetic and
 * the rules; who the user is and what their password's hash is belong to the directory, nonces to sip/nonce.h.
 *
 * Server, on a request with an Authorization header:
 *	rf_digest_cred_parse()  -> views into the header
 *	rf_digest_cred_check()  -> is it for our realm, an algorithm we allow, for this Request-URI
 *	rf_nonce_check()        -> is the nonce ours and live
 *	rf_digest_verify()      -> is the response right for the HA1 that the directory has
 *	rf_nonce_spend()        -> is the count new
 * and without a header, or on RF_E_AUTH / RF_E_STALE: rf_digest_put_challenges() into a 401 or 407.
 *
 * Client, on 401 or 407: rf_digest_login_begin(), then rf_digest_login_put() for this and each later request.
 *
 * Cost: the digests are fetched once per struct rf_digest_ctx; a verification is two hashes of a few blocks. */
#ifndef RF_SIP_DIGEST_H
#define RF_SIP_DIGEST_H

#include "base/random.h"
#include "base/view.h"
#include "base/writer.h"

enum rf_digest_alg {
	RF_DIGEST_SHA256,
	RF_DIGEST_SHA512_256,
	RF_DIGEST_MD5,
	RF_DIGEST_ALGS, /* how many */
};

enum {
	RF_DIGEST_HASH_MAX = 32,    /* bytes of the longest hash */
	RF_DIGEST_STORE = 512,      /* bytes a client keeps of a challenge: realm, nonce, opaque */
	RF_DIGEST_CNONCE = 24,      /* characters */
	RF_DIGEST_PARAMS = 32,      /* most parameters in one header */
};

/* Bits for sets of algorithms. */
#define RF_DIGEST_BIT(alg) (1u << (alg))
#define RF_DIGEST_ALL ((1u << RF_DIGEST_ALGS) - 1)
/* What RFC 8760 leaves without MD5. */
#define RF_DIGEST_SHA_ONLY (RF_DIGEST_BIT(RF_DIGEST_SHA256) | RF_DIGEST_BIT(RF_DIGEST_SHA512_256))

enum rf_digest_qop {
	RF_DIGEST_QOP_NONE,     /* RFC 2069: no count, no cnonce */
	RF_DIGEST_QOP_AUTH = 1,
	RF_DIGEST_QOP_AUTH_INT = 2,
};

/* H(username:realm:password), the form in which a password is stored. Secret: wipe copies (base/secret.h). */
struct rf_digest_ha1 {
	uint8_t b[RF_DIGEST_HASH_MAX];
};

/* "MD5", "SHA-256", "SHA-512-256". */
struct rf_view rf_digest_alg_name(enum rf_digest_alg alg);
/* Length of its hash in bytes: 16 or 32. */
size_t rf_digest_alg_bytes(enum rf_digest_alg alg);
/* The algorithm of a name, any case; with "-sess" *ret_sess is true. RF_E_UNSUPPORTED. */
int rf_digest_alg_parse(struct rf_view name, enum rf_digest_alg *ret_alg, bool *ret_sess);

/* --- Hash contexts: one object per thread */

struct rf_digest_ctx;

/* Fetches all algorithms from OpenSSL. -ENOMEM, RF_E_CRYPTO. MD5 missing from the provider (FIPS) is no error here:
 * its use then is RF_E_CRYPTO. */
int rf_digest_ctx_new(struct rf_digest_ctx **ret_ctx);
void rf_digest_ctx_free(struct rf_digest_ctx *ctx);

/* RF_E_CRYPTO. */
int rf_digest_ha1(struct rf_digest_ctx *ctx, enum rf_digest_alg alg, struct rf_view user, struct rf_view realm,
		  struct rf_view password, struct rf_digest_ha1 *ret_ha1);
/* H(username:realm) in hex, as userhash=true sends it (RFC 7616 3.4.4); 2 * rf_digest_alg_bytes() characters. */
int rf_digest_userhash(struct rf_digest_ctx *ctx, enum rf_digest_alg alg, struct rf_view user, struct rf_view realm,
		       char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);

/* --- Credentials: Authorization, Proxy-Authorization */

/* Views into the header value. Quoted strings are without their quotes, backslashes left in: the hashes are over
 * these bytes (RFC 7616 "unq"). */
struct rf_digest_cred {
	struct rf_view username;  /* as sent; for username* the ext-value; for userhash the hash in hex */
	bool username_ext;        /* it came as username*: read it with rf_digest_cred_user() */
	bool userhash;
	struct rf_view realm, nonce, uri, response, cnonce, opaque;
	struct rf_view nc_text;   /* 8 hex digits */
	uint32_t nc;
	enum rf_digest_alg alg;   /* MD5 when no algorithm was given */
	bool sess;
	enum rf_digest_qop qop;
};

/* value: the header's value. RF_E_UNSUPPORTED: another scheme than Digest, or an algorithm or qop we do not know (look
 * at the next header). RF_E_MALFORMED: broken grammar, a parameter twice (also username with username*), a missing one
 * (username, realm, nonce, uri, response; with qop also cnonce and nc; qop for -sess), response or nc of the wrong
 * length or not hex, username* with userhash, nc 0. RF_E_LIMIT: more than RF_DIGEST_PARAMS. */
int rf_digest_cred_parse(struct rf_view value, struct rf_digest_cred *ret_cred);
/* Realm only, of a header that may be for someone else: false when there is none. */
bool rf_digest_realm_of(struct rf_view value, struct rf_view *ret_realm);
/* The user name in UTF-8, unescaped, without pct-encoding. Not for userhash (RF_E_STATE). RF_E_MALFORMED, RF_E_SPACE,
 * RF_E_UNSUPPORTED: username* in another charset than UTF-8. */
int rf_digest_cred_user(const struct rf_digest_cred *cred, struct rf_writer *w);

struct rf_digest_policy {
	struct rf_view realm;    /* without quotes or backslashes, as a domain name is */
	enum rf_digest_alg algs[RF_DIGEST_ALGS]; /* in the order of the challenges; only these are accepted */
	unsigned alg_count;
	bool auth_int;   /* offer and accept qop=auth-int beside auth */
	bool userhash;   /* announce that userhash is understood */
};

/* algs: RF_DIGEST_BIT()s. They are offered in the order SHA-256, SHA-512-256, MD5. */
void rf_digest_policy_init(struct rf_digest_policy *p, struct rf_view realm, unsigned algs);

/* The rules that need no secret.
 * RF_E_NOT_FOUND: another realm: not for us, look at the next header. RF_E_UNSUPPORTED: an algorithm or qop that the
 * policy does not allow, a userhash that was not announced; also credentials without qop, since a replay of those
 * could not be told: challenge.
 * RF_E_MALFORMED: uri does not stand for the Request-URI: 400 (RFC 7616 3.4.6). It does when the bytes are the same,
 * or when both are SIP URIs and equal by RFC 3261 19.1.4. */
int rf_digest_cred_check(const struct rf_digest_cred *cred, const struct rf_digest_policy *policy,
			 struct rf_view request_uri);

/* Is the response right? ha1 is of cred's algorithm; body is used with auth-int only. Time does not depend on where
 * it differs. 0, RF_E_AUTH, RF_E_CRYPTO. */
int rf_digest_verify(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		     struct rf_view method, struct rf_view body);

/* The value that goes into response=: lower case hex, 2 * rf_digest_alg_bytes() characters. Of cred are read nonce,
 * uri, cnonce, nc_text, alg, sess and qop. */
int rf_digest_response(struct rf_digest_ctx *ctx, const struct rf_digest_cred *cred, const struct rf_digest_ha1 *ha1,
		       struct rf_view method, struct rf_view body, char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);

/* Write a credentials value ("Digest username=..."); what is empty is left out. Quoted views must be what parse gives:
 * RF_E_MALFORMED when one holds a bare quote, a control character or a trailing backslash. RF_E_SPACE is w's. */
int rf_digest_put_cred(struct rf_writer *w, const struct rf_digest_cred *cred);

/* --- Challenges: WWW-Authenticate, Proxy-Authenticate */

struct rf_digest_challenge {
	struct rf_view realm, nonce, opaque, domain;
	enum rf_digest_alg alg;
	bool sess;
	bool stale;
	bool userhash;
	unsigned qops;     /* bits 1 (auth) and 2 (auth-int); 0 when there was no qop */
};

/* Errors as for credentials; required are realm and nonce; unknown qop values and parameters are passed over, but a
 * qop with nothing we know is RF_E_UNSUPPORTED. */
int rf_digest_challenge_parse(struct rf_view value, struct rf_digest_challenge *ret_ch);
/* Write a challenge value ("Digest realm=..."). Errors as rf_digest_put_cred(). */
int rf_digest_put_challenge(struct rf_writer *w, const struct rf_digest_challenge *ch);
/* Write one header line per algorithm of the policy, in its order, all with this nonce: header is
 * "WWW-Authenticate" or "Proxy-Authenticate". RF_E_MALFORMED: a realm that cannot stand in quotes as it is. */
int rf_digest_put_challenges(struct rf_writer *w, struct rf_view header, const struct rf_digest_policy *policy,
			     struct rf_view nonce, bool stale);

/* --- The client's side: one object per realm of a peer, kept as long as its nonce is used */

struct rf_digest_login {
	enum rf_digest_alg alg;
	bool sess, used, begun;
	enum rf_digest_qop qop;
	uint32_t nc;                    /* last count sent */
	struct rf_view realm, nonce, opaque; /* into store */
	char cnonce[RF_DIGEST_CNONCE];
	uint8_t store[RF_DIGEST_STORE];
};

/* Take up the challenges of one 401 or 407 (all with the realm we have a password for, in message order). Best is a
 * SHA-2 algorithm before MD5, and among those the first in the message (RFC 8760 2.4); allowed: bits of RF_DIGEST_BIT.
 * On success the next rf_digest_login_put() answers it. login is all zero the first time and moved by nobody after.
 * RF_E_AUTH: the last credentials were refused and nothing is stale: the password is wrong, give up.
 * RF_E_UNSUPPORTED: nothing acceptable. RF_E_LIMIT: realm, nonce and opaque exceed RF_DIGEST_STORE. */
int rf_digest_login_begin(struct rf_digest_login *login, const struct rf_digest_challenge *challenges, size_t count,
			  unsigned allowed, struct rf_random *random);
/* The server took the credentials (any answer but 401/407): a later challenge is a new one, not a refusal. */
void rf_digest_login_accepted(struct rf_digest_login *login);
/* Who knows the password and fills in response=, as rf_digest_response() does; it may be in another process. */
typedef int rf_digest_answer_fn(void *arg, const struct rf_digest_cred *cred, struct rf_view method,
				struct rf_view body, char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);
/* Write a credentials value for a request and count it. user as the server knows it. uri: the Request-URI as it goes
 * out. auth is preferred over auth-int. RF_E_STATE before begin; RF_E_SPACE; RF_E_MALFORMED: uri cannot stand in
 * quotes; what answer returns. */
int rf_digest_login_put(struct rf_digest_login *login, struct rf_view user, rf_digest_answer_fn *answer, void *arg,
			struct rf_view method, struct rf_view uri, struct rf_view body, struct rf_writer *w);

#endif

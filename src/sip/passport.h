/* PASSporT (RFC 8225), the signed token in an Identity header: JSON in base64url, "header.payload.signature".
 *
 * Reading takes a stranger's bytes: the form is bounded (RF_PASSPORT_*), JSON is read by a strict reader of its own
 * (passport_json.h) that allocates nothing and gives views into the decoded bytes in the struct. What is not known is
 * passed over when it is well formed. Every name may stand once in an object: of two readings one would be the
 * attacker's. Nothing here proves anything; the signature is checked by pki/stir.h over the bytes named `input`.
 *
 * Extensions (ppt): none, "shaken" (RFC 8588) and "div" (RFC 8946). */
#ifndef RF_SIP_PASSPORT_H
#define RF_SIP_PASSPORT_H

#include "base/writer.h"

enum {
	RF_PASSPORT_MAX = 4096,      /* the whole token */
	RF_PASSPORT_HEAD_MAX = 768,  /* its header, decoded */
	RF_PASSPORT_BODY_MAX = 2304, /* its payload, decoded */
	RF_PASSPORT_DEST_MAX = 10,   /* called identities in one token */
	RF_PASSPORT_X5U_MAX = 512,
	RF_PASSPORT_SIG = 64,        /* ES256: r and s */
};

enum rf_passport_kind { RF_PASSPORT_NONE, RF_PASSPORT_TN, RF_PASSPORT_URI };

struct rf_passport_who {
	enum rf_passport_kind kind;
	struct rf_view text;     /* a number in digits, or a URI */
};

struct rf_passport {
	struct rf_view input;    /* what was signed: "header.payload" as it came */
	uint8_t signature[RF_PASSPORT_SIG];
	struct rf_view ppt;      /* "" none */
	struct rf_view x5u;
	int64_t iat_s;
	struct rf_passport_who orig, dest[RF_PASSPORT_DEST_MAX], div;
	unsigned dest_n;
	char attest;             /* shaken: 'A', 'B', 'C' */
	struct rf_view origid;   /* shaken */
	uint8_t head[RF_PASSPORT_HEAD_MAX], body[RF_PASSPORT_BODY_MAX]; /* decoded; the views point here */
};

/* A token in full form. RF_E_LIMIT; RF_E_MALFORMED: not base64url, not JSON, a name twice, a claim missing or not of
 * its type (attest and origid where ppt is shaken, div where it is div); RF_E_UNSUPPORTED: typ is not passport, alg is
 * not ES256, a ppt that we do not know. token must outlive *ret_p. */
int rf_passport_parse(struct rf_view token, struct rf_passport *ret_p);

/* A token in compact form (RFC 8225 7: "..signature"): its two first parts are built from what the message says. The
 * built input is written to buf; *ret_p is as if it had been sent in full. */
struct rf_passport_claims {
	struct rf_view x5u;
	struct rf_view ppt;                /* "" none, "shaken", "div" */
	int64_t iat_s;
	struct rf_passport_who orig, dest;
	char attest;                       /* shaken */
	struct rf_view origid;             /* shaken */
	struct rf_passport_who div;        /* div */
};
int rf_passport_compact(struct rf_view token, const struct rf_passport_claims *claims, void *buf, size_t cap,
			struct rf_passport *ret_p);
static inline bool rf_passport_is_compact(struct rf_view token)
{
	return token.n > 2 && token.p[0] == '.' && token.p[1] == '.';
}

/* What is to be signed: "base64url(header).base64url(payload)" in the canonical form of RFC 8225 9 (names in order, no
 * white space). RF_E_INVALID: a claim that cannot be written. Then "." and the signature are put behind it. */
int rf_passport_put_input(struct rf_writer *w, const struct rf_passport_claims *claims);
void rf_passport_put_signature(struct rf_writer *w, const uint8_t sig[static RF_PASSPORT_SIG]);

/* Digits of a number without a leading "+" and without visual separators (RFC 8224 8.3). RF_E_INVALID: anything else
 * in it, or not 1 to 15 digits ("#" and "*" are digits of such numbers too). */
int rf_passport_number(struct rf_view number, char ret_digits[static 16]);

#endif

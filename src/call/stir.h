/* Caller identity that crosses organisations: signing calls that leave and verifying calls that come (RFC 8224, 8225,
 * 8588), for whoever speaks with trunks.
 *
 *	sip/identity_hdr.h, sip/passport.h   the header and the token: bytes in, values out
 *	pki/stir.h                           certificates, their authority over numbers, signatures
 *	call/stir.c                          this: the order of the checks, freshness, replay, waiting for a certificate
 *
 * Verifying may have to wait for a certificate that the fetcher brings; it waits RF_STIR_WAIT_MS at most, and what has
 * not come by then is an identity that was not proven. All functions are for the core's own thread. */
#ifndef RF_CALL_STIR_H
#define RF_CALL_STIR_H

#include "base/writer.h"
#include "sip/msg.h"

struct rf_call_core;
struct rf_stir_check;

enum {
	RF_STIR_WAIT_MS = 2000,    /* for a certificate */
	RF_STIR_FRESH_S = 60,      /* RFC 8224 6.2.3: age, and how far ahead another clock may be */
	RF_STIR_CHECKS_MAX = 1024, /* that wait, per core */
	RF_STIR_NUMBER_MAX = 15,   /* digits of a telephone number (E.164; RFC 8224 8.3) */
	RF_STIR_ORIGID = 37,       /* a UUID and a NUL */
	RF_STIR_HEADERS = 8,       /* Identity fields of one request that are looked at */
};

/* What refused an identity; names for events, codes by RFC 8224 6.2.2. */
enum rf_stir_why {
	RF_STIR_OK,
	RF_STIR_ABSENT,      /* 428: no Identity field */
	RF_STIR_OFF,         /* 428: this site has no trust to verify with */
	RF_STIR_MALFORMED,   /* 438: the field or the token is no such thing */
	RF_STIR_TYPE,        /* 438: none of a kind that we can verify (ppt, alg) */
	RF_STIR_STALE,       /* 403 Stale Date */
	RF_STIR_REPLAY,      /* 403 Stale Date: the same token in another call */
	RF_STIR_ORIG,        /* 438: signed for another caller */
	RF_STIR_DEST,        /* 438: signed for another called number */
	RF_STIR_INFO,        /* 436: info is not an https URI on a host that the site allows, or is
			      * not the token's x5u */
	RF_STIR_FETCH,       /* 436: the certificate could not be had in time */
	RF_STIR_CERTIFICATE, /* 437: not trusted, over, not for signing */
	RF_STIR_AUTHORITY,   /* 437: does not cover the caller's number */
	RF_STIR_SIGNATURE,   /* 438 */
	RF_STIR_BUSY,        /* 436: too many wait already */
	RF_STIR_WHYS,
};

/* "stale", ... : for events and CDRs. */
const char *rf_stir_why_name(enum rf_stir_why why);
/* The answer of RFC 8224 6.2.2 with its phrase; 0 for RF_STIR_OK. */
unsigned rf_stir_why_code(enum rf_stir_why why, struct rf_view *ret_reason);

struct rf_stir_verdict {
	enum rf_stir_why why;   /* RF_STIR_OK: proven */
	bool present;           /* there was an Identity field */
	char attest;            /* 'A', 'B', 'C' of a shaken token; 0: the token says none */
	char orig[RF_STIR_NUMBER_MAX + 1];      /* the caller's number as signed, digits; "" when not a number */
	char origid[RF_STIR_ORIGID];            /* of a shaken token, "" none */
};

/* "A", "B", "C", "valid" (no attestation said), "absent", or the name of what refused it: the CDR's identity. */
const char *rf_stir_verdict_word(const struct rf_stir_verdict *v);

/* Who calls whom, as the caller of these functions has normalised it: E.164 digits, a leading "+" is passed over. */
struct rf_stir_claim {
	struct rf_view orig;    /* of From or P-Asserted-Identity */
	struct rf_view dest;    /* of To */
};

/* Verify the Identity of a request from a peer that is no phone of ours. done comes exactly once with the verdict,
 * perhaps within this call (then *ret_check is NULL and stays so); the message is not needed any more when this
 * returns. Records identity.verified or identity.invalid. */
void rf_stir_verify(struct rf_call_core *core, const struct rf_sip_msg *msg, const struct rf_stir_claim *claim,
		    void (*done)(void *arg, const struct rf_stir_verdict *v), void *arg,
		    struct rf_stir_check **ret_check);
/* Nobody wants to know any more: done will not come. NULL is fine. */
void rf_stir_drop(struct rf_stir_check *check);

/* Write an "Identity: ..." line for a call that leaves: a shaken token in full form, signed by the keeper's process
 * within this call (some 0.1 ms). attest: 'A', 'B' or 'C'. origid gets the token's name of where the call came from,
 * for the record.
 * RF_E_UNSUPPORTED: this site does not sign, or a number is not 1 to 15 digits; RF_E_SPACE; what the keeper said. */
int rf_stir_sign(struct rf_call_core *core, const struct rf_stir_claim *claim, char attest, struct rf_writer *w,
		 char ret_origid[static RF_STIR_ORIGID]);
/* Can this core sign? */
bool rf_stir_signs(const struct rf_call_core *core);

/* ---- for the role */

struct rf_stir_setup;
/* From now on this is what the site has (stir_setup.h); the core takes a reference. NULL: nothing is signed or
 * verified, which is how a core begins. Verifications that wait are judged by the new one. */
void rf_call_core_set_stir(struct rf_call_core *core, struct rf_stir_setup *setup);
/* Once, before the loop runs: the core's channel to the fetcher (stir_wire.h), which outlives the core. -errno. */
int rf_call_core_set_fetcher(struct rf_call_core *core, int fd);

#endif

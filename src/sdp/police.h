/* The media policy: what of an offer or an answer may pass. The site's level decides (struct rf_sdp_policy comes from
 * the caller); this room only carries it out.
 *
 * Per m-line, when it is live:
 *   RTP/AVP, RTP/AVPF               plain media: refused when encrypted_required.
 *   RTP/SAVP, RTP/SAVPF             a=crypto lines: those with a suite not allowed, with parameters that weaken, or
 *                                   malformed are removed, the rest put in the order of the policy. Without any left,
 *                                   a strong a=fingerprint counts (DTLS-SRTP under the older profile name); without
 *                                   that the line is refused.
 *   UDP/TLS/RTP/SAVP(F)             needs policy.dtls and a fingerprint of SHA-256 or better; a=crypto is removed.
 *   udptl, MSRP, BFCP, others       refused when encrypted_required, unless over TLS or DTLS with such a fingerprint.
 * Always removed: k=, a=key-mgmt (keys we cannot judge); when encrypted_required also the capability negotiation of
 * RFC 5939, through which a partner could fall back to plain media; where the policy has a list, attributes that are
 * not on it. Keys travel only inside TLS: a=crypto on a leg whose signaling is not TLS is refused, at every level.
 *
 * One bad line among good ones: it is switched off (port 0) and the rest passes; the verdict is RF_SDP_RULE_OK with
 * the line's flag RF_SDP_LINE_REFUSED. When no acceptable line is left, the whole is refused. An offer or answer that
 * came with every line already off passes (RFC 3264 5.1 allows it). In an answer a line switched off by us is still on
 * for the one who answered: the caller should then re-offer to it or end the call (summary.lines[i].flags tells). */
#ifndef RF_SDP_POLICE_H
#define RF_SDP_POLICE_H

#include "sdp/summary.h"

struct rf_sdp_attr;

struct rf_sdp_policy {
	bool encrypted_required;
	bool dtls;                             /* DTLS-SRTP accepted */
	bool video;                            /* video accepted */
	bool addresses;                        /* a line that is on has an address: nobody here asks DNS for media */
	/* Attributes that this room does not read pass when this says so, and who made the session is not
	 * told; NULL: all pass. */
	bool (*crosses)(const struct rf_sdp_attr *a);
	uint8_t n_suites;
	uint8_t suites[RF_SDP_SUITE_COUNT];    /* enum rf_sdp_suite, the preferred first */
};

/* Policies of the three levels as design.md has them, for callers without a site file at hand (tests, bench).
 * medium: encryption required; AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_256_CM_80, AES_CM_128_80. minimum: the same
 * (plain media only by deviation: the caller clears encrypted_required). highest: the AEAD suites, AES_256_CM_80. */
extern const struct rf_sdp_policy rf_sdp_policy_minimum, rf_sdp_policy_medium, rf_sdp_policy_highest;

enum rf_sdp_rule {
	RF_SDP_RULE_OK,
	RF_SDP_RULE_MALFORMED,     /* 400 */
	RF_SDP_RULE_LIMIT,         /* 400 */
	RF_SDP_RULE_MULTICAST,     /* 488 from here on */
	RF_SDP_RULE_PLAIN_MEDIA,
	RF_SDP_RULE_NO_SUITE,      /* encrypted profile, no acceptable a=crypto */
	RF_SDP_RULE_KEYS_IN_CLEAR,
	RF_SDP_RULE_NO_FINGERPRINT,
	RF_SDP_RULE_DTLS,          /* DTLS-SRTP not accepted here */
	RF_SDP_RULE_VIDEO,         /* video not accepted here */
	RF_SDP_RULE_OTHER_PLAIN,   /* T.38, MSRP, BFCP, ... without TLS or DTLS */
	RF_SDP_RULE_ADDRESS,       /* a host name where policy wants an address */
	RF_SDP_RULE_RELAY,         /* not ours: the media relay can make nothing of it */
	RF_SDP_RULE_NO_MEDIA,      /* no m-line at all in an offer or an answer */
	RF_SDP_RULE_ANSWER_LINES,  /* number, kind or profile of m-lines differs from the offer */
	RF_SDP_RULE_ANSWER_CRYPTO, /* not exactly one of the crypto lines offered */
	RF_SDP_RULE_REOFFER_LINES, /* a new offer with fewer m-lines or another kind (RFC 3264 8) */
	RF_SDP_RULE_PHONE,         /* not ours: the called phone refused the offer */
	RF_SDP_RULE_PHONE_DTLS,    /* the same, and all of it was DTLS-SRTP */
	RF_SDP_RULE_PHONE_SDES,    /* the same, and all of it was SDES */
	RF_SDP_RULE_CODEC,         /* no codec that may cross */
	RF_SDP_RULE_TOO_LONG,      /* the rebuilt body does not fit: 500 */
	RF_SDP_RULE_MEMORY,        /* 500 */
	RF_SDP_RULE_COUNT,
};

/* A short name for counters and the ledger ("plain-media"), the SIP status to refuse with, a text for people that says
 * what is wrong and how to mend it. Static storage. */
const char *rf_sdp_rule_name(enum rf_sdp_rule rule);
unsigned rf_sdp_rule_status(enum rf_sdp_rule rule);
const char *rf_sdp_rule_text(enum rf_sdp_rule rule);
/* The value of a Warning header (RFC 3261 20.43): 302 host "text". host: our own name, printable. */
void rf_sdp_warning_build(struct rf_writer *w, enum rf_sdp_rule rule, struct rf_view host);

struct rf_sdp_job {
	const struct rf_sdp_policy *policy;
	const struct rf_sdp_limits *limits;    /* NULL: the default */
	bool from_secure;                      /* it came over TLS */
	bool to_secure;                        /* it will go out over TLS; keys are never sent otherwise */
	const struct rf_sdp_summary *offer;    /* what this answers, NULL when it is an offer */
	const struct rf_sdp_summary *last;     /* for an offer: the last of either kind in this
					        * session, NULL at first */
	const struct rf_sdp_origin *origin;    /* replaces o=, NULL keeps it */
};

struct rf_sdp_result {
	enum rf_sdp_rule rule;                 /* RF_SDP_RULE_OK: pass; otherwise the first reason */
	uint8_t line;                          /* the m-line that gave it, from 0; 255 when it is not about one */
	struct rf_sdp_summary summary;         /* complete on OK; of what was read otherwise */
	struct rf_sdp_origin origin;           /* as received; views into the body */
};

/* Police a parsed description: marks attributes dropped, switches lines off. Returns the rule, also in ret->rule. */
enum rf_sdp_rule rf_sdp_police(struct rf_sdp *sdp, const struct rf_sdp_job *job, struct rf_sdp_result *ret);
/* The whole way: parse body, police, build onto w. Temporary memory is taken from a, which the caller resets. On a rule
 * other than OK nothing usable is on w. diag (may be NULL) gets line and reason of a malformed body. */
enum rf_sdp_rule rf_sdp_pass(struct rf_arena *a, struct rf_view body, const struct rf_sdp_job *job, struct rf_writer *w,
	struct rf_sdp_result *ret, struct rf_diag *diag);

#endif

/* Who sent this request, and may they be who it says?
 *
 * Proof comes from three places. A trunk is told by its certificate or address (trunk.h), and is never anybody else.
 * Of our own, there are two: the client certificate of the connection names a phone (device URN and sip URI against
 * the directory; revoked, expired, locked and unknown ones prove nothing), and digest names a user. Which of them is
 * needed is the site's policy: medium asks for the certificate, highest for both, minimum for digest where there is no
 * certificate. A phone outside shows its certificate to a border, and answers the same challenge through it (roam.h). A
 * phone owns its number, a user the number assigned to them; nobody is anybody else, whatever password they know.
 *
 * Everything here decides; what is refused is counted, and told to the ledger by rf_identity_report(). */
#ifndef RF_CALL_IDENTITY_H
#define RF_CALL_IDENTITY_H

#include "pki/id.h"
#include "sip/digest.h"
#include "sip/msg.h"
#include "store/directory.h"
#include "ua/flow.h"

struct rf_call_core;

/* Who it is. Borrowed from the directory that the core holds. */
struct rf_proof {
	const struct rf_dir_phone *phone; /* by certificate */
	const struct rf_dir_user *user;   /* by digest */
	const struct rf_site_trunk *trunk; /* by certificate or address; then there is neither phone nor user */
	const struct rf_site_host *host;  /* of the other half of the site (border.h): likewise. In a controller it
					   * speaks for the trunk, or for the phone that comes from outside (roam.h) */
};

/* Fixed names of refusals: text in identity.c; ledger and counters show them. */
enum rf_identity_rule {
	RF_ID_OK,
	RF_ID_CHALLENGE,          /* no credentials, or of a nonce that is over: ask (again) */
	RF_ID_PASSWORD,           /* wrong: ask again */
	RF_ID_WAIT,               /* too many wrong ones: not even looked at */
	RF_ID_CREDENTIALS,        /* malformed: 400 */
	RF_ID_NO_CERTIFICATE,
	RF_ID_PHONE_UNKNOWN,
	RF_ID_CERTIFICATE_OVER,   /* revoked or out of its dates */
	RF_ID_PHONE_LOCKED,       /* or its number has changed since the certificate was made */
	RF_ID_USER_LOCKED,
	RF_ID_USER_NUMBER,        /* proven user, but not of this phone's number */
	RF_ID_TO_OTHER,           /* REGISTER for someone else's number */
	RF_ID_FROM_OTHER,         /* From is someone else */
	RF_ID_TRUNK_REGISTER,     /* a trunk has nothing to register */
	RF_ID_TRUNK_GROUP,        /* a border names no trunk of the site */
	RF_ID_STRANGER,           /* a border hears controllers and trunks */
	RF_ID_DIALOG_OTHER,       /* in a dialog, but not the party of that leg */
	RF_ID_RULES,
};

struct rf_verdict {
	enum rf_identity_rule rule;
	unsigned code;            /* 0: go on; 401, 407, 400, 403 */
	bool stale;               /* with a challenge */
	uint32_t retry_after_s;   /* 0: none */
};

const char *rf_identity_rule_name(enum rf_identity_rule rule);
/* The reason phrase of the refusal: says what, without telling secrets. */
struct rf_view rf_identity_rule_text(enum rf_identity_rule rule);

/* Prove the sender of a request by the site's policy. *ret_proof is filled as far as it went, also on refusal. */
struct rf_verdict rf_identity_prove(struct rf_call_core *core, const struct rf_sip_msg *req,
				    const struct rf_peer *from, struct rf_proof *ret_proof);
/* Only the trunk and the certificate, for requests that are never challenged and for legs that are on the same flow. */
struct rf_verdict rf_identity_prove_phone(struct rf_call_core *core, const struct rf_peer *from,
					  struct rf_proof *ret_proof);

/* Is this phone (by name, "" none), this user ("" none), still what it was: there, not locked, owner of the number? */
bool rf_identity_stands(const struct rf_call_core *core, struct rf_view phone_name, struct rf_view user_name,
			struct rf_view number);

/* Somebody of this site, and not a trunk or a host that speaks for one. */
static inline bool rf_proof_is_ours(const struct rf_proof *proof)
{
	return proof->phone || proof->user || (!proof->trunk && !proof->host);
}
/* The number that a proven sender owns; empty when nothing is proven. */
struct rf_view rf_proof_number(const struct rf_proof *proof);
/* sip:anonymous@anonymous.invalid (RFC 3323 4.1.1.3). */
bool rf_identity_is_anonymous(const struct rf_sip_uri *uri);
enum rf_privacy { RF_PRIVACY_UNSAID, RF_PRIVACY_NONE, RF_PRIVACY_HIDE };
/* What Privacy says of who sent this: id (RFC 3325 9.3), user, header (RFC 3323 4.2) hide them; none forbids it. */
enum rf_privacy rf_identity_privacy(const struct rf_sip_msg *msg);
/* REGISTER: To and From must be the sender's number. */
struct rf_verdict rf_identity_may_register(const struct rf_call_core *core, const struct rf_proof *proof,
					   const struct rf_sip_msg *req);
/* Other requests outside a dialog: From must be the sender, or anonymous. */
struct rf_verdict rf_identity_may_send(const struct rf_call_core *core, const struct rf_proof *proof,
				       const struct rf_sip_msg *req);

/* Is the host of a URI this site: its domain, one of its hosts' addresses, or an address that it listens on? */
bool rf_identity_our_host(const struct rf_call_core *core, const struct rf_sip_uri *uri);
/* The number of a URI at this site, escapes undone, into buf; false when it is elsewhere or no such form. */
bool rf_identity_number_of(const struct rf_call_core *core, const struct rf_sip_uri *uri, uint8_t *buf, size_t cap,
			   struct rf_view *ret_number);

/* Write the challenges of a 401 or 407 (as header lines), for this sender as far as it is proven. RF_E_CRYPTO. */
int rf_identity_put_challenge(struct rf_call_core *core, struct rf_writer *w, const struct rf_peer *from,
			      const struct rf_proof *proof, unsigned code, bool stale);

/* Count a refusal and write the ledger event. Plain challenges are counted only. */
void rf_identity_report(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
			const struct rf_proof *proof, const struct rf_verdict *verdict);

#endif

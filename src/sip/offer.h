/* Offer and answer (RFC 3264) over the messages of a dialog: who may put a session description where (RFC 3261 13.2.1,
 * 3262 5, 3311 5, 6337 table 1), and what to answer when two offers or two re-INVITEs meet. It looks at kinds of
 * messages and at whether they carry a description, never at the description.
 *
 * One struct rf_offer per dialog (an early dialog that forks begins with a copy). The caller tells it of each message
 * of the table below that goes out or comes in, in the order of the wire, each once: what a transaction repeats is not
 * told again. A plain value. */
#ifndef RF_SIP_OFFER_H
#define RF_SIP_OFFER_H

#include "base/random.h"
#include "base/view.h"

enum rf_offer_msg {
	RF_OFFER_INVITE,       /* first or later */
	RF_OFFER_1XX,          /* 101-199 to INVITE, not reliable: a description in it only announces the answer */
	RF_OFFER_1XX_REL,      /* 101-199 to INVITE, reliable */
	RF_OFFER_INVITE_2XX,
	RF_OFFER_INVITE_FAIL,  /* 300-699 to INVITE, or its timeout */
	RF_OFFER_ACK,          /* to a 2xx */
	RF_OFFER_PRACK,
	RF_OFFER_PRACK_2XX,
	RF_OFFER_PRACK_FAIL,
	RF_OFFER_UPDATE,
	RF_OFFER_UPDATE_2XX,
	RF_OFFER_UPDATE_FAIL,
	RF_OFFER_MSGS,
};

/* What a description in a message is. */
enum rf_offer_role {
	RF_OFFER_NO_SDP,   /* there is none, and none is needed */
	RF_OFFER_OFFER,
	RF_OFFER_ANSWER,
	RF_OFFER_PREVIEW,  /* the answer that the reliable message will repeat: use it as such, it settles nothing */
	RF_OFFER_EXTRA,    /* the answer came already: ignore it (RFC 3261 13.2.1) */
};

/* Whose open offer waits for an answer. */
enum rf_offer_pending {
	RF_OFFER_IDLE,
	RF_OFFER_SENT,     /* ours */
	RF_OFFER_GOT,      /* theirs: we owe the answer */
};

/* Arrays are by who sent the request: [0] we, [1] they. */
struct rf_offer {
	uint8_t pending;   /* enum rf_offer_pending */
	uint8_t carrier;   /* enum rf_offer_msg that brought the open offer */
	bool settled;      /* at least one exchange is complete */
	bool needs_offer;  /* the INVITE under way had none: its first reliable answer must bring it */
	bool invite[2];    /* an INVITE without final answer */
	bool ack[2];       /* an INVITE with 2xx, without ACK */
	bool update[2];    /* an UPDATE without final answer */
};

void rf_offer_init(struct rf_offer *o);

/* A message came. On 0 it is taken and *ret_role says what its description is. For a request (INVITE, UPDATE, PRACK)
 * that may not come now nothing is taken and *ret_code is the answer:
 * RF_E_BUSY 491: ours is under way (14.1, RFC 3311 5.2). RF_E_STATE 500 with Retry-After of 0..10 s: an earlier one of
 * theirs is not answered yet (14.2); also PRACK with an offer while one is open.
 * RF_E_MALFORMED 400: a PRACK without the answer that it owes.
 * For other messages *ret_code is 0: RF_E_STATE: it has no place here, ignore it. RF_E_MALFORMED: it is taken, but the
 * description that was due is missing (2xx or ACK): end the session. */
int rf_offer_got(struct rf_offer *o, enum rf_offer_msg msg, bool has_sdp, enum rf_offer_role *ret_role,
		 unsigned *ret_code);
/* What may our next message of this kind carry? RF_OFFER_OFFER: an offer; it must, where needs_offer and the message is
 * a 2xx or a reliable provisional. RF_OFFER_ANSWER: the answer; it must, except in a reliable provisional.
 * RF_OFFER_PREVIEW: perhaps the answer that is coming. RF_OFFER_NO_SDP: nothing.
 * RF_E_BUSY: it must not be sent now (an offer is open, an INVITE is under way): wait. RF_E_STATE: never here. */
int rf_offer_can_send(const struct rf_offer *o, enum rf_offer_msg msg, enum rf_offer_role *ret_role);
/* It goes out. Errors as can_send; also RF_E_MALFORMED: a description is missing, or must not be there. */
int rf_offer_sent(struct rf_offer *o, enum rf_offer_msg msg, bool has_sdp);

/* After a 491 to ours, wait this long before trying again (14.1): 2.1-4 s when the Call-ID is ours, else 0-2 s, in
 * steps of 10 ms. */
uint32_t rf_offer_glare_ms(bool call_id_is_ours, struct rf_random *random);
/* Retry-After for the 500 above: 0..10. */
uint32_t rf_offer_retry_after_s(struct rf_random *random);

#endif

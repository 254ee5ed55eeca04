/* Server transactions: a request that was received, until it is answered for good (RFC 3261 17.2, RFC 6026).
 *
 * ua makes one for every request but ACK and CANCEL and hands it to rf_ua_user.request. The user answers it, at once
 * or later, with rf_srv_reply(); ua echoes what a response repeats (Via with received and rport, From, To, Call-ID,
 * CSeq, Record-Route where it belongs), sends it back where the request came from, and repeats it when asked to. A 100
 * goes out by itself when an INVITE was not answered within 200 ms.
 *
 * Life: from rf_ua_user.request until RF_SRV_GONE, which comes exactly once; the pointer is dead afterwards. Who set
 * no event function must not keep the pointer past the call in which it sends the final response.
 * No function here calls back; events come from timers, from messages and at the end of the turn. Threads: the
 * worker's own. */
#ifndef RF_UA_SRV_H
#define RF_UA_SRV_H

#include "base/err.h"
#include "base/view.h"
#include "sip/method.h"
#include "ua/flow.h"

struct rf_srv;
struct rf_ua;

enum rf_srv_event {
	RF_SRV_CANCELLED, /* INVITE without final response: a CANCEL came from the same peer, and was answered with 200.
	                   * The user sends 487 (RFC 3261 9.2) */
	RF_SRV_NO_ACK,    /* no ACK came in 64*T1: to a 2xx: the user sends BYE (13.3.1.4); to 3xx-6xx: nothing to do */
	RF_SRV_NO_PRACK,  /* no PRACK for a reliable provisional in 64*T1: the user answers 5xx (RFC 3262 3) */
	RF_SRV_FAILED,    /* a response could not be sent: connection gone. The transaction stays
			   * until its timers end */
	RF_SRV_LATE,      /* not INVITE: no final response was given in 64*T1, it is too late for one (RFC 4320) */
	RF_SRV_GONE,      /* the last event */
};

typedef void rf_srv_event_fn(void *arg, struct rf_srv *srv, enum rf_srv_event event);

/* Who gets the events. fn NULL: nobody (again). */
void rf_srv_watch(struct rf_srv *srv, rf_srv_event_fn *fn, void *arg);

struct rf_srv_reply {
	unsigned code;                /* 100..699 */
	struct rf_view reason;        /* empty: the registered phrase */
	struct rf_view to_tag;        /* of the dialog. Empty: the request's own, else one that ua makes and uses for
				       * all responses of this transaction. None is added to a 100 */
	struct rf_view headers;       /* whole header lines, each with its CR LF: Contact, Allow, ... Not: what is
				       * echoed, Content-Type, Content-Length, Server */
	struct rf_view content_type;  /* empty: no body */
	struct rf_view body;
	bool reliable;                /* 101..199 with RSeq and Require: 100rel in headers: repeat it until
	                               * rf_srv_pracked() (RFC 3262) */
};

/* Answer. 0: sent, or on its way. RF_E_STATE: not allowed any more or not for this method (a second final, 1xx after a
 * final, 408 or 1xx other than 100 to non-INVITE): nothing was sent. RF_E_LIMIT: over 65,507 bytes; RF_E_MALFORMED:
 * code, or a header or tag that could not be written; -ENOMEM. When it fails in another way than RF_E_STATE the
 * transaction still waits for its answer.
 * A 2xx to INVITE is repeated by ua until its ACK comes (13.3.1.4). */
int rf_srv_reply(struct rf_srv *srv, const struct rf_srv_reply *reply);
/* Refuse (300..699) and keep nothing: for challenges, so that strangers cost no memory. The transaction is over with
 * this call; when the request is repeated the user gets it anew, and his answer has the same To tag (RFC 3261 8.2.7).
 * An ACK to it ends in ua. Only for answers that may as well be given twice. In a dialog, after another answer or with
 * a to_tag it is the same as rf_srv_reply(). */
int rf_srv_reply_stateless(struct rf_srv *srv, const struct rf_srv_reply *reply);
/* The same with a code and nothing else. */
int rf_srv_reply_code(struct rf_srv *srv, unsigned code);
/* code with the header lines given. */
int rf_srv_reply_with(struct rf_srv *srv, unsigned code, struct rf_view headers);

/* Reliable provisionals under way at once, one for each To tag (RFC 3262: each early dialog numbers its own). One more
 * is refused with RF_E_LIMIT; another one of the same dialog takes the place of the one before. */
enum { RF_SRV_RELIABLE_MAX = 32 };
/* Stop repeating the reliable provisional with this To tag: its PRACK came, or its dialog is over. */
void rf_srv_pracked(struct rf_srv *srv, struct rf_view to_tag);

/* Was a final response given (or is it too late for one)? */
bool rf_srv_answered(const struct rf_srv *srv);
/* The flow that the request came by. Good as long as srv. */
const struct rf_flow *rf_srv_flow(const struct rf_srv *srv);
/* The To tag of our responses when the user gives none: what a UAS dialog made by this request should use. */
struct rf_view rf_srv_to_tag(struct rf_srv *srv);

#endif

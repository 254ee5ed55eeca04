/* A dialog as one end sees it (RFC 3261 12): identity, the two sequence numbers, where requests go. It makes the head
 * of each request inside it and judges each one that comes. Both ends, forking included: one object per remote tag.
 *
 * Calling:    rf_dialog_new_uac() before the INVITE; rf_dialog_put_request() writes the INVITE itself;
 *             rf_dialog_response() for each answer. An answer with another tag than the dialog has is RF_E_NOT_FOUND:
 *             rf_dialog_fork() makes the dialog of that other branch.
 * Called:     rf_dialog_new_uas() with the INVITE and the tag that we answer with; rf_dialog_answered() with each
 *             code that we send.
 *
 * A dialog copies what it keeps: two or three allocations, together about 500 bytes for ordinary addresses, never more
 * than RF_DIALOG_MAX_BYTES. Nothing here calls back, logs or reads a clock. Threads: one owner at a time. */
#ifndef RF_SIP_DIALOG_H
#define RF_SIP_DIALOG_H

#include "base/view.h"
#include "base/writer.h"

struct rf_sip_msg;
struct rf_dialog;

enum {
	RF_DIALOG_MAX_BYTES = 16384, /* all strings of one dialog */
	RF_DIALOG_MAX_ROUTES = 20,   /* entries in a route set */
};

enum rf_dialog_state {
	RF_DIALOG_TRYING,    /* no remote tag yet (caller), nothing but 100 sent (called) */
	RF_DIALOG_EARLY,
	RF_DIALOG_CONFIRMED,
	RF_DIALOG_ENDED,
};

/* What the caller decides for a dialog that it starts. */
struct rf_dialog_setup {
	struct rf_view call_id;
	struct rf_view local;      /* From: name-addr or addr-spec; its parameters are dropped */
	struct rf_view local_tag;
	struct rf_view remote;     /* To, likewise */
	struct rf_view target;     /* Request-URI */
	struct rf_view route;      /* preloaded route set: the value of a Route header, may be empty */
	uint32_t cseq;             /* of the first request, 1..2^31-1 */
	bool secure;               /* the target is sips: every target after must be, too */
};

/* -ENOMEM, RF_E_LIMIT, RF_E_MALFORMED (route, or a cseq of 0 or too big). The caller owns *ret_dlg. */
int rf_dialog_new_uac(const struct rf_dialog_setup *setup, struct rf_dialog **ret_dlg);
/* One Contact with a sip or sips URI, sips where the dialog would be secure: what rf_dialog_new_uas() asks of a request
 * that begins a dialog (RFC 3261 8.1.1.8, 12.1.1). */
bool rf_dialog_has_contact(const struct rf_sip_msg *req, bool over_tls);

/* From a request that makes dialogs (INVITE, SUBSCRIBE, REFER) and came without To tag (12.1.1). The Record-Route
 * becomes the route set in its order, the Contact the target. A From without tag is taken for an RFC 2543 peer.
 * over_tls: it came over TLS; with a sips Request-URI the dialog is secure. RF_E_MALFORMED: no Contact, or more than
 * one, or (secure) a Contact that is not sips: answer 400. RF_E_LIMIT, -ENOMEM. */
int rf_dialog_new_uas(const struct rf_sip_msg *req, struct rf_view local_tag, bool over_tls,
		      struct rf_dialog **ret_dlg);
/* A further dialog of the same INVITE, from a response with another To tag. base: any dialog made from it. */
int rf_dialog_fork(const struct rf_dialog *base, const struct rf_sip_msg *resp, struct rf_dialog **ret_dlg);
void rf_dialog_free(struct rf_dialog *dlg);

/* A response to a request of ours in this dialog (12.1.2, 13.2.2.4, 12.2.1.2).
 * 101-199 with tag: early, with the route set and target of the response. 2xx to the request that made it: confirmed,
 * route set taken anew from this response. Later 2xx, and reliable provisionals, to INVITE or UPDATE: the target is
 * refreshed. 300-699 to the first request: as new again, TRYING, so that it can be tried once more (401, 407, 422) with
 * the next CSeq; rf_dialog_end() or rf_dialog_free() if not. 481 or 408 to a later one: ended.
 * RF_E_NOT_FOUND: the Call-ID, the From tag or the To tag is another's (see fork). RF_E_MALFORMED: a 2xx to INVITE
 * without a usable Contact: the dialog is confirmed all the same and keeps the target it had, so that it can be ended.
 * RF_E_LIMIT, -ENOMEM: state as before. */
int rf_dialog_response(struct rf_dialog *dlg, const struct rf_sip_msg *resp);
/* We, called, sent this status to the first request. */
void rf_dialog_answered(struct rf_dialog *dlg, unsigned code);
/* BYE sent or received, or given up. The identity stays readable; put_request still works (for the BYE itself). */
void rf_dialog_end(struct rf_dialog *dlg);

/* A request inside the dialog came (not ACK, not CANCEL). 0: its CSeq is taken. Otherwise nothing changed and
 * *ret_code is the answer to send: RF_E_NOT_FOUND 481 (not this dialog, or ended), RF_E_STATE 500 (CSeq not above the
 * last, 12.2.2), RF_E_MALFORMED 400. The target is not changed: see rf_dialog_refresh(). */
int rf_dialog_request(struct rf_dialog *dlg, const struct rf_sip_msg *req, unsigned *ret_code);
/* Take the Contact of a target refresh request (INVITE, UPDATE, SUBSCRIBE, NOTIFY, REFER) as the new target: call it
 * when answering 2xx or with a reliable provisional; a refused refresh changes nothing (RFC 6141). Other methods, and a
 * request without Contact, change nothing. RF_E_MALFORMED: several Contacts, or not sips in a secure dialog: 400.
 * RF_E_LIMIT, -ENOMEM: the target is as before. */
int rf_dialog_refresh(struct rf_dialog *dlg, const struct rf_sip_msg *req);
/* Is msg, which came, of this dialog: Call-ID and both tags? In a response to us From is our side. */
bool rf_dialog_matches(const struct rf_dialog *dlg, const struct rf_sip_msg *msg);
/* The same with the tags given apart (Replaces, Join, Target-Dialog): local and remote as we see them. */
bool rf_dialog_is(const struct rf_dialog *dlg, struct rf_view call_id, struct rf_view local_tag,
		  struct rf_view remote_tag);

/* Write the head of the next request: request line, Route, From, To, Call-ID, CSeq, Max-Forwards. No Via, no Contact,
 * no body, no empty line. Loose and strict routers as in 12.2.1.1. Takes the next local CSeq and gives it in *ret_cseq
 * (may be NULL); the first request of a caller's dialog takes the number of its setup. RF_E_SPACE, RF_E_MALFORMED
 * (method): nothing was taken. RF_E_LIMIT: the sequence numbers are used up: end the dialog. */
int rf_dialog_put_request(struct rf_dialog *dlg, struct rf_view method, unsigned max_forwards, struct rf_writer *w,
			  uint32_t *ret_cseq);
/* The head of the ACK to a 2xx: CSeq of the INVITE that it is for (13.2.2.4). */
int rf_dialog_put_ack(const struct rf_dialog *dlg, uint32_t invite_cseq, unsigned max_forwards, struct rf_writer *w);
/* Where the next request goes (12.2.1.1, RFC 3263): the first route's URI, or the target; the view lives until the
 * dialog changes. */
struct rf_view rf_dialog_next_hop(const struct rf_dialog *dlg);

/* What it knows; views live until the dialog changes. */
enum rf_dialog_state rf_dialog_state(const struct rf_dialog *dlg);
bool rf_dialog_is_caller(const struct rf_dialog *dlg);
bool rf_dialog_is_secure(const struct rf_dialog *dlg);
struct rf_view rf_dialog_call_id(const struct rf_dialog *dlg);
struct rf_view rf_dialog_local_tag(const struct rf_dialog *dlg);
struct rf_view rf_dialog_remote_tag(const struct rf_dialog *dlg); /* empty: none yet, or an RFC 2543 peer */
struct rf_view rf_dialog_target(const struct rf_dialog *dlg);
struct rf_view rf_dialog_routes(const struct rf_dialog *dlg);     /* as a Route value, may be empty */
uint32_t rf_dialog_local_cseq(const struct rf_dialog *dlg);       /* last used */
uint32_t rf_dialog_remote_cseq(const struct rf_dialog *dlg);      /* last taken, 0 none */
size_t rf_dialog_bytes(const struct rf_dialog *dlg);              /* memory it takes */
const char *rf_dialog_state_name(enum rf_dialog_state state);

#endif

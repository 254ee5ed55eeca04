/* Media of a border's calls runs through a relay (relays.h): no session description crosses a border that a relay has not
 * made. Whatever message brings one is held, and with it what the same call says behind it, until the relay has answered;
 * then the message goes on as if its sender had sent the relay's description.
 *
 *	message with a description -> judged by what its leg may say -> NG offer or answer -> what the relay made, judged by
 *	what the other leg may hear -> the message again, with that -> the call's machines, as without a border
 *
 * The two legs are judged each for itself, for the relay may change everything between them: profile, keys, addresses, ICE.
 * A trunk has its own word on encryption (struct rf_site_trunk); over UDP and TCP it can be told no keys, and its media is plain.
 *
 * Without a relay that is well there are no new calls (503); calls that run go on. A call stays with the relay that took its
 * first offer. Threads: the worker's own. RFC 3264, 5853 3.2, 7092. */
#ifndef RF_CALL_ANCHOR_H
#define RF_CALL_ANCHOR_H

#include "call/call_int.h"
#include "media/ng_event.h"

struct rf_anchor;

enum { RF_ANCHOR_HELD_MAX = 16 /* messages of one call that wait */ };

/* An INVITE outside a dialog that may go on, as rf_setup_invite(). */
void rf_anchor_invite(struct rf_call_core *core, struct rf_in *in);
/* The call that began with such an INVITE has an anchor of its own from now on. */
void rf_anchor_adopt(struct rf_call *call, struct rf_anchor *anchor);

/* Does this wait? Then it comes again: the request to rf_core_in_dialog(), the ACK to rf_mid_ack(), the answer to fn.
 * False: it may go on now. Of a call without an anchor nothing waits. */
bool rf_anchor_holds_request(struct rf_leg *leg, const struct rf_in *in);
bool rf_anchor_holds_ack(struct rf_leg *leg, const struct rf_sip_msg *msg);
/* offered: our request brought a description, so this brings the answer. True: it may have come to fn already, and what
 * arg points to be gone. */
bool rf_anchor_holds_response(struct rf_leg *leg, bool offered, rf_cli_fn *fn, void *arg, struct rf_cli *cli,
			      const struct rf_cli_event *e);
/* Was this INFO a key that the relay is to press, because the other side takes keys otherwise? Then it is answered. */
bool rf_anchor_presses(struct rf_leg *leg, const struct rf_in *in);
/* The relay has heard a key of the site's side, which the trunk is told by INFO. */
void rf_anchor_heard(struct rf_call_core *core, unsigned relay, const struct rf_ng_event *e);
/* There is a new stream to this relay: keys are told on the one by which it was asked, so it is asked again. */
void rf_anchor_hear_again(struct rf_call_core *core, unsigned relay);
/* Nobody waits for answers with this arg any more; nothing of this leg is there any more. */
void rf_anchor_forget(struct rf_call *call, const void *arg);
void rf_anchor_forget_leg(struct rf_leg *leg);
/* The call is over: its relay hears it too. */
void rf_anchor_end(struct rf_call *call);

/* anchor_web.c: an offer to a controller, as body of the INVITE on this leg, with the one for browsers beside it when
 * there is one. In the core's scratch memory; header lines onto w. Else *ret_type and *ret_body stay. */
void rf_anchor_put_choice(struct rf_leg *leg, struct rf_writer *w, struct rf_view sdp, struct rf_view *ret_type,
			  struct rf_view *ret_body);

/* anchor_media.c: the relay lets go of the call of this name there; how its media was goes on record for the session,
 * when that is not empty. */
void rf_anchor_farewell(struct rf_call_core *core, const struct rf_id *name, const struct rf_id *session, int relay);

#endif

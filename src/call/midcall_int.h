/* A request inside a dialog on its way across, for midcall*.c. */
#ifndef RF_CALL_MIDCALL_INT_H
#define RF_CALL_MIDCALL_INT_H

#include "call/call_int.h"

static inline bool rf_mid_has_offers(unsigned method)
{
	return method == RF_SIP_INVITE || method == RF_SIP_UPDATE || method == RF_SIP_PRACK;
}

static inline enum rf_offer_msg rf_mid_kind_of(unsigned method, bool ok)
{
	if (method == RF_SIP_INVITE)
		return ok ? RF_OFFER_INVITE_2XX : RF_OFFER_INVITE_FAIL;
	if (method == RF_SIP_PRACK)
		return ok ? RF_OFFER_PRACK_2XX : RF_OFFER_PRACK_FAIL;
	return ok ? RF_OFFER_UPDATE_2XX : RF_OFFER_UPDATE_FAIL;
}

/* --- midcall_answer.c */

/* Who asked gets this code, and the session goes on as it was. */
void rf_mid_refuse(struct rf_relay *relay, unsigned code);
/* A refused offer changes nothing (RFC 3261 14.1): the next refresh offers what stood before. */
void rf_mid_put_back(struct rf_relay *relay);
/* Both have agreed: is the call on hold now, or not any more? */
void rf_mid_note_hold(struct rf_pair *pair);
/* A relay is over, and freed, when nobody waits for anything of it. */
void rf_mid_relay_check(struct rf_relay *relay);
/* Of our request on the other leg; of the one that we are to answer. arg: the relay. */
rf_cli_fn rf_mid_relay_event;
rf_srv_event_fn rf_mid_relay_srv_event;

#endif

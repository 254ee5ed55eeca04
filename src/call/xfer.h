/* Transfer by REFER (RFC 3515, 3892, 4488, 5589): a phone in an answered call asks that the one it talks to talks to
 * somebody else.
 *
 *	blind      Refer-To names whom: called in the name of who transfers, with their rights and at their cost
 *	attended   Refer-To carries a Replaces that names another call of theirs (RFC 3891): who is at its other end
 *
 * The one who is transferred does nothing and hears nothing until the target has answered: a REFER is never passed on.
 * Then both are brought together (join.h) and the legs of who transferred end. A transfer that fails leaves the call
 * as it was. Who transfers may hang up at once: the one transferred is kept until it is decided.
 *
 * Refused at once (403, event call.transfer_refused with the rule): what they may not dial, a call that is not theirs,
 * a call that came by RF_XFER_CHAIN transfers, the other end's own number. 491: another transfer of this call runs.
 * Everything else is told by NOTIFY. */
#ifndef RF_CALL_XFER_H
#define RF_CALL_XFER_H

#include "call/call_int.h"

enum { RF_XFER_CHAIN = 8 };

void rf_xfer_refer(struct rf_leg *leg, struct rf_in *in);
/* A leg of the call is gone. True: it was the one that transfers, and the call waits for the outcome. */
bool rf_xfer_holds(struct rf_call *call, struct rf_leg *gone);
/* The call ends: its transfer is given up. */
void rf_xfer_lost(struct rf_call *call);
/* Is it this leg that transfers, and has not answered a NOTIFY of the outcome yet? Its BYE waits for that:
 * over UDP, or behind a NOTIFY that is still on its way, the BYE could be there first, and what comes of a
 * REFER belongs before it. */
bool rf_xfer_tells(const struct rf_leg *leg);
/* The call is freed. */
void rf_xfer_free(struct rf_call *call);

#endif

/* Trunks: the SIP peers that a site file names, through which calls come from outside and go there.
 *
 *	trunk.c         who is a trunk, what it may ask for, calls from it
 *	trunk_caller.c  who calls: as a trunk says it, as a phone is shown it, and as a trunk is told
 *	trunk_channel.c places for calls
 *	trunk_plan.c    calls to trunks: a source of a plan, one trunk after the other, and what is different about its legs
 *	trunk_login.h   passwords, where a trunk asks for them; trunk_register.c tells it where we are
 *	trunk_stir.c    callers proven by signatures, and ours signed
 *	trunk_watch.c   OPTIONS to each trunk, and what comes of them (health.h)
 *	trunk_table.h   what all workers know together: channels, rates, state
 *	trunk_number.h  forms of numbers
 *
 * Who sends a request is a trunk when the certificate of its connection names it (RFC 5922) under the authority that
 * the trunk has, or, without TLS, which needs a written deviation, when it comes from one of the trunk's addresses. A
 * trunk is nobody of ours: it registers nothing, owns no number, has no rights but to reach the numbers that the site
 * file gives it, and what it says about a caller is never an identity of this site.
 *
 * Where the site has borders, all of this happens in them, and a controller reaches a trunk by way of one (border.h): the
 * same leg, with another way and another spelling of the number.
 *
 * RFC 3261, 3263, 3323, 3325, 3966, 4904, 5922, 5923. Threads: the worker's own. */
#ifndef RF_CALL_TRUNK_H
#define RF_CALL_TRUNK_H

#include "call/core_int.h"
#include "call/plan.h"
#include "call/trunk_table.h"

struct rf_call;
struct rf_dialled;
struct rf_leg;
struct rf_pair;
struct rf_party;
struct rf_routed;

enum {
	RF_TRUNK_TRY_MS = 6000,      /* without any answer from one address of a trunk: the next one */
	RF_TRUNK_WAYS_MAX = 8,       /* borders that lead to a trunk */
	RF_TRUNK_SHOWN_MAX = 64,     /* characters of a caller's number or name that are shown */
};

/* --- trunk.c */

/* The trunk that this request or answer comes from, NULL: none. */
const struct rf_site_trunk *rf_trunk_of(struct rf_call_core *core, const struct rf_peer *from);
/* The entry that all workers share; NULL: no memory. */
struct rf_trunk_peer *rf_trunk_peer(struct rf_call_core *core, const struct rf_site_trunk *trunk);
/* The ways to trunks from here: by each border, or directly, which is one way with host NULL. How many. */
size_t rf_trunk_ways(const struct rf_call_core *core, const struct rf_site_host *v[static RF_TRUNK_WAYS_MAX]);
/* Does this leg lead to a trunk, not by way of a border, whose media must be encrypted? */
bool rf_trunk_encrypts(const struct rf_leg *leg);
/* A request outside a dialog, proven to come from in->proof.trunk: may it be looked at? False: answered here, because a
 * trunk may not ask for that, or not so often. */
bool rf_trunk_admits(struct rf_call_core *core, struct rf_in *in);
/* Does this INVITE of a trunk call back somebody who called for help a moment ago? */
bool rf_trunk_calls_back(struct rf_call_core *core, const struct rf_in *in);
/* The number that it calls, as rf_dial_text(); where it calls the contact that we registered, To says which. */
int rf_trunk_called(const struct rf_in *in, uint8_t *buf, size_t cap, struct rf_view *ret_dialled);
/* Where a call from a trunk goes: as rf_route_find(). */
void rf_trunk_route(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to);

/* The way to a trunk: its peer, to be resolved (RFC 3263), and who that must prove to be. It points into itself. */
struct rf_trunk_way_to {
	struct rf_target target;
	struct rf_sip_uri uri;
	uint8_t text[320], names[256];
};
/* RF_E_NOT_FOUND: its authorities are not known to this process; RF_E_SPACE: too many names. */
int rf_trunk_aim(const struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_way_to *ret_way);
/* The same of a leg's trunk. False: the leg is no trunk's, or the trunk is gone from the site file. */
bool rf_trunk_target(const struct rf_leg *leg, struct rf_trunk_way_to *ret_way);
/* A flow that is not there yet, as far as it is known: what stands in our Contact. Untouched when the leg is no
 * trunk's. */
void rf_trunk_flow(const struct rf_leg *leg, struct rf_flow *flow);
/* The same of a trunk. */
void rf_trunk_flow_of(const struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_flow *ret_flow);
/* "sip:+49...@peer:port;transport=tls;user=phone"; number as the trunk wants it. RF_E_SPACE. */
int rf_trunk_put_uri(const struct rf_site_trunk *t, struct rf_view number, struct rf_writer *w);

/* --- trunk_caller.c */

/* The party of a call from a trunk, by From or, from a trusted one, by P-Asserted-Identity. Its number is a number of
 * the world in E.164 form or empty, never one of ours; what else it may be is in `shown`. NULL: no memory. */
struct rf_party *rf_trunk_caller(struct rf_call_core *core, const struct rf_in *in);
/* The identity of a request from a trunk that counts: of a trusted peer the one that it asserts (RFC 3325), else From.
 * True: asserted. */
bool rf_trunk_asserted(const struct rf_in *in, struct rf_sip_addr *ret_addr);
/* How a phone of ours sees a caller from outside: From, and P-Asserted-Identity when the number is one. */
int rf_trunk_put_from(const struct rf_call *call, struct rf_writer *w);
void rf_trunk_put_asserted(const struct rf_call *call, struct rf_writer *w);
/* How a trunk sees our caller. RF_E_SPACE. */
int rf_trunk_put_from_us(struct rf_leg *leg, struct rf_writer *w);
void rf_trunk_put_headers(struct rf_leg *leg, struct rf_writer *w);
/* Who has answered its call: the number that it dialled. */
void rf_trunk_put_callee(const struct rf_pair *pair, struct rf_writer *w);

/* --- trunk_channel.c */

/* A channel of this trunk for the call, which the party holds. False: *ret_bound is full. */
bool rf_trunk_take_channel(struct rf_call *call, struct rf_party *party, const struct rf_site_trunk *t,
			   enum rf_trunk_way way, const char **ret_bound);
/* Back before the last reference goes: no call is there any more. Nothing when there is none. */
void rf_trunk_give_channel(struct rf_party *party);
/* One for the caller, who is behind a trunk. 0, or the code to refuse with; recorded. */
unsigned rf_trunk_take_in(struct rf_call *call);
void rf_trunk_record_bound(struct rf_call *call, const struct rf_party *party, const char *bound);

/* --- trunk_stir.c */

/* An INVITE from a trunk that is to be proven. False: it may go on, with what came of it in in->identity. True: it was
 * refused, or waits for a certificate and goes on by itself. */
bool rf_trunk_proves(struct rf_call_core *core, struct rf_in *in);
/* Those that wait are let go: at the end of the core. */
void rf_trunk_stir_stop(struct rf_call_core *core);
/* Identity and Date of a call to this trunk, when it wants them; number: as which the caller is shown to it. */
void rf_trunk_put_identity(struct rf_leg *leg, const struct rf_site_trunk *t, struct rf_view number,
			   struct rf_writer *w);

/* --- trunk_plan.c */

/* A call to the outside. */
struct rf_trunk_order {
	const struct rf_site_trunk *const *trunks; /* in the order in which they are tried */
	size_t n;
	struct rf_view number;       /* E.164 with a plus, or a number of that network as it is */
	struct rf_view caller;       /* shown instead of the caller's own number, in E.164 form; "": by
				      * the trunk's numbers */
	bool emergency;              /* trunks that are down are tried too, after the others */
	unsigned cause;              /* as for rf_plan_hop() */
	const struct rf_dialled *by; /* by whose right (outside.h); NULL: nobody is asked, an emergency call */
};

/* Push the trunks onto the plan. Not 0: it was refused there. */
int rf_plan_trunks(struct rf_plan *plan, const struct rf_trunk_order *order);
/* The same for a decision (plan_dial.h). */
int rf_trunk_dialled(struct rf_plan *plan, const struct rf_dialled *to);

/* --- trunk_register.c */

/* About once a second on worker 0: REGISTER where a trunk wants it and it is time (RFC 3261 10.2). */
void rf_trunk_register(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p);
void rf_trunk_register_stop(struct rf_trunk_peer *p);

/* --- trunk_watch.c */

/* About once a second on worker 0: ask trunks that are due, take up what calls found. */
void rf_trunk_watch(struct rf_call_core *core);
/* No question is out any more: at the end of the core. */
void rf_trunk_watch_stop(struct rf_call_core *core);
/* A call found nobody at a trunk, or somebody after all. why: static text. */
void rf_trunk_hurt(struct rf_call_core *core, struct rf_trunk_peer *p, const char *why);

#endif

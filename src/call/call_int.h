/* The parts of a call, for the machines of this room. */
#ifndef RF_CALL_CALL_INT_H
#define RF_CALL_CALL_INT_H

#include "call/admission.h"
#include "call/call.h"
#include "call/codes.h"
#include "call/core_int.h"
#include "call/usage.h"
#include "call/lines.h"
#include "call/precedence.h"
#include "call/origin.h"
#include "call/plan.h"
#include "sip/build.h"
#include "sip/dialog.h"
#include "sip/mpart.h"
#include "sip/offer.h"
#include "sip/rel.h"
#include "sip/stimer.h"
#include "ua/cli.h"
#include "ua/srv.h"

struct rf_join;
struct rf_leg_tone;
struct rf_pair;
struct rf_parked;
struct rf_roam_refer;
struct rf_routed;
struct rf_xfer;

/* Who is at a leg, as proven. Counted, of one worker; nothing in it changes, and its texts lie behind it in its memory.
 * Somebody outside has a trunk and no phone or user; number is then one of the world, or empty. */
struct rf_party {
	struct rf_view number, display, phone, user, location;
	struct rf_view trunk;       /* "": somebody of this site */
	struct rf_view host;        /* of the other half of the site, which speaks for it (border.h); "": nobody does */
	struct rf_view shown;       /* outside: what its trunk says it is, when that is no number */
	struct rf_trunk_channel *channel; /* outside: given back with the last reference; NULL: none */
	uint32_t refs;
};

/* The connection that somebody was last heard on, as its transport proved it. The texts are static. */
struct rf_link {
	const char *tls, *cipher;  /* NULL without TLS */
	uint8_t serial_n;
	uint8_t serial[RF_PKI_SERIAL_MAX]; /* of the certificate that the peer showed */
};

/* Somebody whom we reach by a name of the site file, over whatever connection there is: a trunk, the
 * other half of the site. */
static inline bool rf_party_is_far(const struct rf_party *p)
{
	return p->trunk.n || p->host.n;
}

/* A phone of ours that comes from outside: reached by the name of a border, with the rights of its own. */
static inline bool rf_party_roams(const struct rf_party *p)
{
	return p->host.n && p->phone.n;
}

enum rf_leg_bye { RF_BYE_NONE, RF_BYE_WANTED /* when its ACK is in, or a NOTIFY answered */, RF_BYE_SENT, RF_BYE_DONE };

/* One dialog with one phone. An object of its own, so that it can go on in another pair than the one it began in;
 * its pair owns it. */
struct rf_leg {
	struct rf_node by_tag;      /* in core->legs while dlg is there */
	struct rf_node by_flow;     /* in core->flows likewise, while flow is a connection */
	struct rf_pair *pair;
	struct rf_party *party;     /* a reference */
	struct rf_party *by;        /* who forwarded the call here, a reference; NULL: nobody */
	struct rf_line *line;       /* its number counts as busy; NULL: not (any more) */
	struct rf_dialog *dlg;
	struct rf_offer offer;
	struct rf_stimer stimer;
	struct rf_flow flow;
	struct rf_link link;
	struct rf_cli *own;         /* a refresh or BYE of ours, NULL */
	struct rf_cli *prack;       /* our last PRACK, NULL: it stands in the way of nothing (RFC 3311 5.1) */
	uint8_t *sdp;               /* the last description that we sent here */
	uint32_t sdp_n;
	uint32_t invite_cseq;       /* of our last INVITE here: what an ACK names */
	uint8_t *news;              /* a description of this phone that the other has not heard, NULL: none */
	uint32_t news_n;
	struct rf_mono news_at;     /* when it is told, 0: none, or on its way */
	const struct rf_aim_ops *aim; /* what is different about it (plan.h); NULL: a phone */
	void *aim_arg;
	struct rf_mono gone_at;     /* its connection closed; 0: it is there */
	struct rf_mono again_at;    /* a refresh that met 491 is tried again; 0: none */
	uint8_t *contact;           /* of the binding that was called, for the record and `call show`; NULL */
	uint32_t contact_n;
	uint8_t *login;             /* a trunk's: the line of credentials of our last INVITE, NULL: none */
	uint32_t login_n;
	struct rf_admission *admission; /* what it holds of links, NULL: nothing */
	struct rf_wall ring, answer, end; /* for the record */
	struct rf_wall joined;      /* came to this call from another one then; 0: it was there from the start */
	struct rf_leg_tone *tone;   /* what it hears before its BYE (tone.h), NULL */
	const char *left;           /* how it leaves for another call, static; NULL: it does not */
	struct rf_id related;       /* the session that it came from or leaves for, when has_related */
	struct rf_srv *srv;         /* its INVITE, when that took over a place in a call; NULL */
	uint16_t code;              /* called by us: its final code, 0 none */
	bool full;                  /* a bound kept us from calling it */
	uint16_t index;             /* 0: it called; n: the n-th that was called */
	uint8_t bye;                /* enum rf_leg_bye */
	uint8_t news_rounds;
	bool unnamed;               /* it called without a name, wherever it is moved: watchers of
				     * others are not told */
	uint8_t shown;              /* what the board was told last: enum rf_line_state */
	bool flow_entered;
	bool bye_again;             /* its BYE was asked for credentials, once */
	bool secure;                /* flow of kind NONE: it is resolved anew for each request, over TLS only */
	bool aim_told;              /* aim->answered() was called */
	bool has_related;
	bool recorded;              /* its record is written, or there is none to write */
	bool ack_due;               /* we sent a 2xx to INVITE and have no ACK */
	bool ack_owed;              /* we got a 2xx to INVITE and have not sent ACK: its offer waits for an answer */
	bool allows_update, allows_info, wants_rel, wants_timer;
	uint8_t privacy;            /* enum rf_privacy: what it said, whatever is set for its number */
};

enum rf_pair_state {
	RF_PAIR_TRYING, RF_PAIR_EARLY, RF_PAIR_HELD /* 2xx here, the caller's PRACK is not */, RF_PAIR_UP, RF_PAIR_OVER,
};

/* A request inside a dialog on its way across: from one leg, answered when the other has answered. */
struct rf_relay {
	TAILQ_ENTRY(rf_relay) list;
	struct rf_pair *pair;
	struct rf_leg *from, *to;
	struct rf_srv *srv;         /* to be answered; NULL: was */
	struct rf_cli *cli;         /* ours on the other side, NULL: none any more */
	uint8_t method;             /* enum rf_sip_method, as it came */
	uint8_t sent;               /* as it went: UPDATE may become INVITE */
	bool has_sdp;
	bool ours;                  /* nobody asked: from has news (news.c) */
	bool answered;              /* the other leg has */
	bool wait_ack;              /* offerless re-INVITE: the answer comes with the ACK */
	bool held;                  /* the other leg's answer waits for a media relay (anchor.h) */
	struct rf_stimer_answer timer;
	uint8_t *message;           /* the request, when it brings a new Contact: taken with the 2xx */
	uint32_t message_n;
	uint8_t *before;            /* what `to` had been sent before this offer: it stands again when
				     * the offer is refused */
	uint32_t before_n;
};
TAILQ_HEAD(rf_relay_list, rf_relay);

/* Leg a and leg b. Before the answer one per binding that was called, afterwards one. */
struct rf_pair {
	TAILQ_ENTRY(rf_pair) list;
	struct rf_call *call;
	struct rf_leg *a, *b;
	struct rf_media media;
	struct rf_relay_list relays;
	struct rf_cli *invite;      /* ours to b */
	struct rf_rel_uas rel_a;
	struct rf_rel_uac rel_b;
	uint16_t step;              /* of the plan that it is part of */
	uint16_t held_code;         /* a provisional that waits for a PRACK */
	uint8_t state;              /* enum rf_pair_state */
	bool cancelled;
	bool held;                  /* the last offer was a hold */
	bool retried;               /* after 422 */
	bool asked;                 /* after 401 or 407 */
	bool offer_in_2xx;
	bool prack_owed;            /* b's reliable offer waits for the caller's PRACK */
	uint32_t prack_rseq;
	struct rf_behind *behind;     /* early dialogs of others behind b's contact (behind.c) */
	uint8_t behind_n;
};
TAILQ_HEAD(rf_pair_list, rf_pair);

enum rf_ended_by { RF_ENDED_NOBODY, RF_ENDED_CALLER, RF_ENDED_CALLEE, RF_ENDED_OPERATOR, RF_ENDED_SYSTEM };

struct rf_call {
	struct rf_usage_key use_key; /* whose call it counts as, when used */
	bool used;
	uint8_t use_bound;          /* enum rf_usage_bound that refused it */
	TAILQ_ENTRY(rf_call) list;
	struct rf_node by_id;
	struct rf_node by_number;   /* in core->by_number under the caller's number, when number_entered */
	struct rf_call_core *core;
	struct rf_id id;
	struct rf_pair_list pairs;
	struct rf_pair *up;         /* the answered one */
	const struct rf_origin *origin; /* who waits for the outcome; NULL only while it is made */
	void *origin_arg;
	struct rf_srv *srv;         /* the caller's INVITE, until its transaction ends; NULL without one */
	struct rf_plan *plan;       /* whom to call next; until it is answered or refused */
	struct rf_step_result got;  /* what came of the step in hand */
	uint8_t *kept;              /* for its further steps, with keys in it: the caller's INVITE, or
				     * the offer of an order */
	uint32_t kept_n;
	uint8_t *extra;             /* header lines of an order, NULL */
	uint32_t extra_n;
	uint8_t *challenge;         /* in a border: header lines of a controller's 407 to a phone outside, NULL */
	uint32_t challenge_n;
	struct rf_party *caller;    /* a reference; NULL only while it is made */
	struct rf_party *shown;     /* who the called phone is told calls; a reference, NULL: the caller */
	struct rf_join *join;       /* one of its legs is being brought together with another one (join.h) */
	struct rf_parked *parked;   /* one of its legs is (park.h), the other place is empty */
	struct rf_xfer *xfer;       /* a transfer that one of its phones asked for (xfer.h) */
	struct rf_roam_refer *refer; /* in a border: one on its way to the controller (roam.h) */
	uint8_t moves;              /* transfers that it came by */
	struct rf_flow caller_flow; /* kind NONE: nobody's */
	struct rf_link caller_link;
	uint8_t dialled[64];
	uint8_t dialled_n;
	uint8_t state;              /* enum rf_call_state */
	uint8_t ended_by;
	uint8_t best_rank;
	uint16_t next_index;
	uint16_t step;              /* number of the step in hand */
	uint16_t best_code;
	uint8_t media_rule;         /* enum rf_sdp_rule behind a 488 */
	uint16_t code;              /* the final code told to the caller */
	bool emergency;             /* nothing stands in its way (emergency.h) */
	bool without_location;      /* its next INVITE goes without */
	bool starting, anonymous, had_offer, requires_rel, recorded, number_entered;
	uint8_t hops_first, hops;   /* Max-Forwards for the INVITEs that the caller's causes: of the
				     * first step, and now */
	uint16_t relays;
	uint16_t pair_n;
	const char *identity;       /* of a caller outside: as in rf_in */
	const char *why;            /* the outcome in words, static */
	struct rf_anchor *anchor;   /* of its media, in a border (anchor.h); NULL: none */
	struct rf_precedence precedence;
	struct rf_wall start;
	struct rf_mono since, answered_at, ring_until /* of the step */, setup_until, end_until;
	struct rf_timer timer;
	struct rf_stimer_answer timer_answer; /* to the caller's INVITE */
};

enum { RF_RELAYS_PER_CALL = 16, RF_PAIRS_KEPT = 8, RF_END_WAIT_MS = 40000, RF_MAX_FORWARDS = 70 };

/* Is it on the caller's side? */
static inline bool rf_leg_is_a(const struct rf_leg *leg)
{
	return leg->pair->a == leg;
}

static inline struct rf_leg *rf_leg_other(struct rf_leg *leg)
{
	return rf_leg_is_a(leg) ? leg->pair->b : leg->pair->a;
}

static inline struct rf_call_core *rf_leg_core(const struct rf_leg *leg)
{
	return leg->pair->call->core;
}

/* --- leg.c */

/* Media keys may stand in a description (RFC 4568): wiped, then freed. *sdp is NULL afterwards. */
void rf_sdp_drop(uint8_t **sdp, uint32_t *n);

/* A leg of this pair without dialog. Takes a reference on party. NULL: no memory. */
struct rf_leg *rf_leg_new(struct rf_pair *pair, struct rf_party *party);
/* Out of the tables, with everything it holds. NULL is fine. */
void rf_leg_free(struct rf_leg *leg);
/* It does not keep its number busy any more. */
void rf_leg_idle(struct rf_leg *leg);
/* The same, and the links that it crosses have room again. For a leg that nobody speaks on any more but that has to
 * wait for a last message. */
void rf_leg_give_back(struct rf_leg *leg);
/* Enter the leg under our tag of its dialog. */
int rf_leg_open(struct rf_leg *leg, struct rf_dialog *dlg);
bool rf_leg_secure(const struct rf_leg *leg);
bool rf_leg_confirmed(const struct rf_leg *leg);
/* The leg that a request inside a dialog is for; NULL. */
struct rf_leg *rf_leg_find(struct rf_call_core *core, const struct rf_sip_msg *msg);
enum { RF_LEG_REASON = 64 };
/* A Reason value as this leg may hear it: past a border without its text, in buf. */
struct rf_view rf_leg_reason(const struct rf_leg *leg, struct rf_view reason, uint8_t buf[static RF_LEG_REASON]);
/* What a request or 2xx of the phone says about itself: Allow, Supported. */
void rf_leg_learn(struct rf_leg *leg, const struct rf_sip_msg *msg);
/* Keep what we send; an empty view keeps what is there. -ENOMEM: then nothing is kept, for what was there is not what
 * the phone has any more. */
int rf_leg_keep_sdp(struct rf_leg *leg, struct rf_view sdp);
/* A request from the phone, proven: where it came from is where the phone lives now. */
void rf_leg_seen(struct rf_leg *leg, const struct rf_peer *from);
/* An answer from the phone: what its connection is. */
void rf_leg_heard(struct rf_leg *leg, const struct rf_peer *from);
void rf_link_init(struct rf_link *link, const struct rf_peer *from);
/* The certificate's serial in hex into buf. */
struct rf_view rf_link_serial(const struct rf_link *link, char buf[static 2 * RF_PKI_SERIAL_MAX]);
/* The way to a phone of this party that is registered and can be reached now, into *ret_flow. */
bool rf_party_flow(struct rf_call_core *core, const struct rf_party *party, struct rf_flow *ret_flow);
/* Its connection is gone: has the phone registered over another one? Then that is used. */
bool rf_leg_find_again(struct rf_leg *leg);

/* Begin a request in the leg's dialog in core->out; write more headers onto *w; then send. */
int rf_leg_begin(struct rf_leg *leg, enum rf_sip_method method, struct rf_writer *w);
int rf_leg_send(struct rf_leg *leg, struct rf_writer *w, struct rf_view type, struct rf_view body, rf_cli_fn *fn,
		void *arg, struct rf_cli **ret_cli);
/* An INVITE or UPDATE that was begun did not leave: nobody will answer it. */
void rf_leg_unsent(struct rf_leg *leg, enum rf_sip_method method);
/* A final answer of a trunk (trunk_login.h). True: it wants credentials, which the next request will have. */
bool rf_leg_login_asked(struct rf_leg *leg, const struct rf_sip_msg *answer);
/* ACK the last 2xx, which cli got; sdp may be empty. */
void rf_leg_ack(struct rf_leg *leg, struct rf_cli *cli, struct rf_view sdp);
/* Send BYE now, or when it may be sent. reason: a Reason value or empty. */
void rf_leg_bye(struct rf_leg *leg, struct rf_view reason);
/* Session-Expires and Min-SE lines of a request of ours; of an answer of ours. */
void rf_leg_put_timer(struct rf_leg *leg, struct rf_writer *w);
void rf_put_timer_answer(struct rf_writer *w, const struct rf_stimer_answer *a);
/* Contact, Allow, Supported of an answer on this leg. */
void rf_leg_put_self(struct rf_leg *leg, struct rf_writer *w);
struct rf_stimer_policy rf_leg_timer_policy(const struct rf_leg *leg);
struct rf_stimer_request rf_timer_request(const struct rf_sip_msg *msg);
void rf_leg_timer_2xx(struct rf_leg *leg, const struct rf_sip_msg *msg);

/* --- party.c */

/* With one reference; NULL: no memory. */
struct rf_party *rf_party_new(const struct rf_directory *dir, struct rf_view number, struct rf_view phone,
			      struct rf_view user);
/* A phone of ours outside, for which this border speaks (roam.h). */
struct rf_party *rf_party_new_roaming(const struct rf_dir_phone *phone, struct rf_view host);
/* Who of ours this proof is of, whichever way they come. */
struct rf_party *rf_party_of(const struct rf_call_core *core, const struct rf_proof *proof);
/* Somebody behind this trunk, this host, or both. */
struct rf_far {
	struct rf_view trunk, host, number, shown, display;
};
struct rf_party *rf_party_new_far(const struct rf_far *far);
/* A number of ours under another name: for who is said to call. */
struct rf_party *rf_party_new_named(struct rf_view number, struct rf_view display);
struct rf_party *rf_party_get(struct rf_party *p);
void rf_party_put(struct rf_party *p); /* NULL is fine */
bool rf_party_is(const struct rf_party *p, const struct rf_proof *proof);

/* --- call.c */

/* RF_E_LIMIT: as many calls as the process may have; some are kept for emergency calls. */
int rf_call_new(struct rf_call_core *core, bool emergency, struct rf_call **ret_call);
/* The date now, counted from the call's start: durations stay true when the clock jumps. */
struct rf_wall rf_call_wall(const struct rf_call *call);
/* Write the records and free at the end of the turn. */
void rf_call_finish(struct rf_call *call);
/* Set the timer to the earliest deadline of all machines; free when nothing is left to wait for. */
void rf_call_settle(struct rf_call *call);
void rf_call_sweep(struct rf_defer *defer);
struct rf_call *rf_call_by_id(struct rf_call_core *core, struct rf_view id);
/* Its leg a is the caller's, its leg b that of callee; takes references. NULL: no memory. */
struct rf_pair *rf_pair_new(struct rf_call *call, struct rf_party *callee);
void rf_pair_free(struct rf_pair *pair);
struct rf_relay *rf_mid_relay_new(struct rf_leg *from, struct rf_srv *srv, enum rf_sip_method method);
void rf_mid_relay_free(struct rf_relay *relay);
/* Answer an INVITE, UPDATE, ... on a leg. */
void rf_answer(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason, struct rf_view tag,
	       struct rf_view headers, struct rf_view sdp);
void rf_answer_media(struct rf_call_core *core, struct rf_srv *srv, enum rf_sdp_rule rule, struct rf_view tag);
/* A P-Asserted-Identity line for a party of this site. */
void rf_put_asserted(const struct rf_call *call, const struct rf_party *p, struct rf_writer *w);
/* With a 415: what we do take. */
#define RF_CALL_ACCEPT "Accept: application/sdp\r\nAccept-Encoding: identity\r\n"
/* The description in a message: 0 and maybe empty; 415, 400: what to answer. */
unsigned rf_sdp_of(const struct rf_sip_msg *msg, struct rf_view *ret_sdp);

/* --- outside.c */

void rf_outside_init(struct rf_call_core *core);
/* One more call of its caller, who has bounds: RF_E_LIMIT (call->use_bound). */
int rf_call_use(struct rf_call *call);
void rf_call_unuse(struct rf_call *call);

/* --- setup.c */

void rf_setup_invite(struct rf_call_core *core, struct rf_in *in);
/* What precedence the proven sender asks for and was granted: 0, or what to refuse it with (rf_precedence_of()). */
unsigned rf_setup_precedence(const struct rf_in *in, struct rf_precedence *ret_p, const char **ret_rule);
/* The same along a plan that is made already; it is taken. */
void rf_setup_invite_to(struct rf_call_core *core, struct rf_in *in, struct rf_routed *to);
/* Is its session timer too brief? Then it was refused. */
bool rf_setup_timer_refused(struct rf_call_core *core, struct rf_in *in, struct rf_stimer_answer *ret_answer);
/* What the call began with, once more: the caller's INVITE (else *ret_msg is NULL) and its description, or the one that
 * an order brought. RF_E_STATE: it is not there any more. */
int rf_setup_offer(struct rf_call *call, const struct rf_sip_msg **ret_msg, struct rf_view *ret_sdp);
/* The ring time of the step is over. */
void rf_setup_timeout(struct rf_call *call);
/* No further step; whoever rings is cancelled; the origin is refused with code. The caller gives up (CANCEL, BYE, its
 * connection closed), or somebody else decides so. Nothing when the call is answered. */
void rf_setup_abandon(struct rf_call *call, const char *why, unsigned code, struct rf_view reason);
/* The 2xx of a pair may be passed on now. */
void rf_setup_answer(struct rf_pair *pair);
/* Nobody answers there any more: code is what the phone said, or what we say for it. */
void rf_setup_pair_failed(struct rf_pair *pair, unsigned code);
/* We do not want its answer (any more). */
void rf_setup_kill_pair(struct rf_pair *pair, unsigned code, enum rf_sdp_rule rule);
/* A 3xx: where to is for the plan to judge, as a forward of the phone's number. Comes before rf_setup_pair_failed(). */
void rf_setup_moved(struct rf_pair *pair, const struct rf_sip_msg *msg);

/* --- caller.c */

void rf_caller_event(void *arg, struct rf_srv *srv, enum rf_srv_event event);
/* P-Asserted-Identity of who rings or answers. */
void rf_setup_put_callee(struct rf_pair *pair, struct rf_writer *w);

/* --- invite.c */

/* Leg a of a pair: a dialog of its own with the caller. msg: its INVITE; NULL: nobody waits with one. */
int rf_invite_open_a(struct rf_pair *pair, const struct rf_sip_msg *msg, bool has_sdp);
/* Our INVITE to one aim, as a pair of its own; a failure is one of the pair. msg: the caller's INVITE, NULL: there is
 * none. sdp: the offer, may be empty. */
void rf_invite_aim(struct rf_call *call, const struct rf_aim *aim, const struct rf_sip_msg *msg, struct rf_view sdp);
/* Not wanted any more: CANCEL, or BYE when it has answered. reason: a Reason value or empty. */
void rf_invite_cancel(struct rf_pair *pair, struct rf_view reason);
/* The final answer to our INVITE, told to the leg's aim once. */
void rf_invite_final(struct rf_leg *leg, unsigned code);

/* --- early.c */

void rf_early_response(struct rf_pair *pair, const struct rf_sip_msg *msg);
/* behind.c: others behind the contact that was called. */
enum { RF_BEHIND_MAX = 8 };
/* A provisional with another tag than b's dialog has; rseq 0: not a reliable one. False: it says nothing new. */
bool rf_behind_heard(struct rf_pair *pair, const struct rf_sip_msg *msg, uint32_t rseq);
/* A 2xx of such: its dialog is b's from now on, and *ret_sdp (malloc'd, NULL: none) the answer that it gave in a
 * reliable provisional. False: it is no dialog, and all is as before. */
bool rf_behind_take(struct rf_pair *pair, const struct rf_sip_msg *msg, uint8_t **ret_sdp, uint32_t *ret_sdp_n);
void rf_behind_free(struct rf_pair *pair);
/* A provisional answer to the caller's INVITE in the dialog of this pair, reliable where that is wanted. */
void rf_early_tell(struct rf_pair *pair, unsigned code, struct rf_view sdp);
void rf_early_prack(struct rf_leg *leg, struct rf_in *in);
/* What waited for an exchange on leg a, or for its PRACK, may go on. */
void rf_early_go_on(struct rf_pair *pair);

/* --- midcall.c */

void rf_mid_request(struct rf_leg *leg, struct rf_in *in);
void rf_mid_ack(struct rf_leg *leg, const struct rf_sip_msg *msg);

/* From has a new description: offer it to the other leg. RF_E_BUSY, -ENOMEM: not now. Else never. */
int rf_mid_tell(struct rf_leg *from, struct rf_view sdp);
/* A PRACK with an offer goes across as UPDATE; false: it cannot, nothing was done. */
bool rf_mid_prack(struct rf_leg *leg, struct rf_in *in, struct rf_view sdp);
/* Is a request with an offer on its way across? */
bool rf_mid_open(const struct rf_pair *pair);

/* --- news.c */

/* Remember this description of the leg's phone, and tell the other as soon as it can be told. */
void rf_news_keep(struct rf_leg *leg, struct rf_view sdp);
void rf_news_drop(struct rf_leg *leg);
/* Its answer to a refresh of ours. Not 0: it breaks the media policy (or 500), end the call. */
unsigned rf_news_refreshed(struct rf_leg *leg, struct rf_view sdp);
/* The other leg answered the leg's news with sdp, which is out when it has passed the policy. */
void rf_news_answered(struct rf_leg *leg, struct rf_view sdp, struct rf_view out);
/* It refused. True: it will be told again. */
bool rf_news_refused(struct rf_leg *leg, unsigned code);
void rf_news_step(struct rf_leg *leg, struct rf_mono now);

/* --- refresh.c */

void rf_refresh_send(struct rf_leg *leg);
void rf_refresh_step(struct rf_leg *leg, struct rf_mono now);
struct rf_mono rf_refresh_next(const struct rf_leg *leg);

/* --- teardown.c */

/* End an answered call: BYE to each leg but `but` (NULL: both). */
void rf_end(struct rf_call *call, struct rf_leg *but, enum rf_ended_by by, unsigned code, const char *why,
	    struct rf_view reason);
/* An answered call gave way to another: both phones hear the tone first, where they can (tone.h), and what the call
 * held of links and trunks is there for others at once. reason: static. */
void rf_end_preempted(struct rf_call *call, struct rf_view reason);
/* Whoever waits for the other side of this pair hears that there is none any more (487). */
void rf_end_relays(struct rf_pair *pair);
/* The phones may not agree any more on what they send. code: 488, or 500 for want of memory. */
void rf_end_media(struct rf_call *call, unsigned code);
void rf_end_bye(struct rf_leg *leg, struct rf_in *in);
void rf_end_flow_step(struct rf_leg *leg, struct rf_mono now);

/* --- record.c */

void rf_record_call(struct rf_call *call, enum rf_event_kind kind);
/* A bound kept this call from one of its aims. */
void rf_record_bound(struct rf_call *call, const char *bound);
/* rule: static, NULL: none; that of core->dial: its explanation is written with it. */
void rf_record_call_refused(struct rf_call_core *core, const struct rf_in *in, unsigned code, const char *why,
			    const char *rule);
void rf_record_media(struct rf_call *call, enum rf_sdp_rule rule, const struct rf_leg *from);
/* The call left a number for another: with its chain. */
void rf_record_forwarded(struct rf_call *call);
void rf_record_cdrs(struct rf_call *call);
/* The record of one leg that leaves before the call ends: a fork that lost. */
void rf_record_leg(struct rf_leg *leg);

#endif

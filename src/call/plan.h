/* How a call finds someone who answers.
 *
 * A call is made in steps. A step is a set of aims that ring together for a time; when nobody of it takes the call the
 * plan is asked for the next one, with what came of the last. setup.c knows steps and nothing else. Where they come
 * from (the phones of a number, its forwards, a hunt group, the trunks of a route, the routes of an emergency call) is
 * the business of sources:
 *
 *	plan            the stack of sources of one call, and the chain of numbers that it came by
 *	  source        one way to find someone: asked on top of the stack for a step; may push another above itself
 *	    step        aims that ring together
 *	      aim       one target of an INVITE of ours
 *
 *	plan.c          the stack, the chain, bounds and loops
 *	plan_number.c   a number of ours: its phones, its forwards
 *	plan_forward.c  where a forward may lead: judged as the call of who forwards
 *	plan_group.c    a hunt group
 *	history.c       the chain as History-Info and Diversion
 *	(others)        each a file of its own: a struct that begins with struct rf_source, and its two functions
 *
 * A plan lives from the routing of the call until the call is answered or over. It may be asked first without a call
 * (plan->call is NULL): who refuses at once costs no call.
 *
 * A source that finds nobody says why by rf_plan_refuse(); of all that phones answered and sources refused the best by
 * rank (codes.h) is what the caller is told.
 *
 * Bounds: RF_PLAN_HOPS numbers in the chain (then 482), RF_PLAN_STEPS steps, RF_PLAN_DEPTH sources, RF_PLAN_SETUP_MS in
 * all, forks_per_call aims a step. Memory of a step is an arena that the next step clears.
 * Threads: the worker's own. */
#ifndef RF_CALL_PLAN_H
#define RF_CALL_PLAN_H

#include "base/arena.h"
#include "base/writer.h"
#include "call/codes.h"
#include "call/core_int.h"
#include "call/settings.h"

struct rf_aim_ops;
struct rf_call;
struct rf_carried;
struct rf_leg;
struct rf_party;
struct rf_plan;
struct rf_sip_msg;
struct rf_site_link;
struct rf_source;

enum {
	RF_PLAN_HOPS = 10,             /* numbers of a chain of forwards, the dialled one too */
	RF_PLAN_STEPS = 64,
	RF_PLAN_DEPTH = 16,
	RF_PLAN_AIMS = 16,             /* of one step */
	RF_PLAN_TURNS = 256,           /* questions to sources */
	RF_PLAN_SETUP_MS = 600000,     /* from the INVITE until somebody answers */
	RF_PLAN_MOVED = 4,             /* contacts of a 3xx that are tried */
};

/* --- aims and steps */

/* One target that is called. Views lie in the plan's arena or live longer. */
struct rf_aim {
	struct rf_party *party;        /* who that is; the step holds it by a reference of the plan (rf_plan_party()) */
	struct rf_view target;         /* Request-URI of our INVITE */
	struct rf_view route;          /* value of its Route, may be empty */
	struct rf_view to;             /* To as a name-addr; empty: <sip:NUMBER@domain> of the party */
	struct rf_flow flow;           /* the way to it; kind NONE: resolved (RFC 3263) from route, else from target,
				        * for every request of the dialog anew */
	bool secure;                   /* with flow NONE: TLS hops only, so that keys may stand in the description */
	/* with ops: the WAN link that it lies behind, NULL: none. A phone's is its location's */
	const struct rf_site_link *link;
	const struct rf_aim_ops *ops;  /* NULL: a phone of ours */
	void *arg;                     /* theirs */
};

/* What is different about a leg that is not a phone of ours. The leg remembers ops and arg (leg->aim, leg->aim_arg) for
 * its life; a function may be NULL. */
struct rf_aim_ops {
	/* Before anything is made for the leg: take what it needs (a channel). 0, or the code with which this aim fails
	 * (503: full; the source decides in its next step what that means). After 0 gone() follows once. */
	unsigned (*take)(struct rf_leg *leg);
	/* The value of From without tag, in place of number and name of the caller. -RF_E. */
	int (*put_from)(struct rf_leg *leg, struct rf_writer *w);
	/* Header lines of the INVITE, in place of P-Asserted-Identity and Privacy of a call to a phone. */
	void (*put_headers)(struct rf_leg *leg, struct rf_writer *w);
	/* What its refusal means to the caller; NULL: as a phone's, rf_code_of_phone(). */
	struct rf_code (*code)(const struct rf_leg *leg, unsigned code);
	/* Every answer to our INVITE, as it comes, before anything is done about it. */
	void (*heard)(struct rf_leg *leg, const struct rf_sip_msg *msg);
	/* A final answer to our INVITE, 408 when none came, 503 when it could not be sent. Once. */
	void (*answered)(struct rf_leg *leg, unsigned code);
	/* It has come to another call (move.h). */
	void (*moved)(struct rf_leg *leg);
	/* The leg is freed: give back what take() took. Must not touch the call. */
	void (*gone)(struct rf_leg *leg);
};

struct rf_step {
	const struct rf_aim *aim;      /* in the plan's arena: good until the plan is asked again */
	size_t n;                      /* at least 1 */
	uint32_t ring_ms;              /* 0: the site's ring_timeout */
};

/* What came of a step. */
struct rf_step_result {
	uint16_t code;                 /* the best refusal as a caller is told it (codes.h), 0: none */
	uint16_t raw;                  /* that one as it came; 408: no answer came, 503: it could not be sent */
	uint8_t rank;                  /* of code */
	bool rang;                     /* somebody's phone rang */
	bool timeout;                  /* its ring time was over */
	bool stops;                    /* 6xx: the person wants no call, anywhere */
	bool moved;                    /* 3xx: plan->moved says where to */
};

/* --- sources */

enum rf_source_does {
	RF_SOURCE_STEP,    /* *ret_step is the next step */
	RF_SOURCE_PUSHED,  /* another source stands above now: ask that one */
	RF_SOURCE_DONE,    /* nothing more here: it is freed, the one below is asked with what came last */
};

struct rf_source_ops {
	/* The next thing to do. last: what came of the step, or of the source above, that this one gave last; NULL when
	 * it is asked for the first time. Must not push and answer anything but PUSHED. Memory of a step: plan->arena,
	 * which is empty. */
	enum rf_source_does (*next)(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				    struct rf_step *ret_step);
	void (*free)(struct rf_source *s);
};

/* First member of every source's own struct. */
struct rf_source {
	const struct rf_source_ops *ops;
	struct rf_source *below;
	uint8_t hops;                  /* of the chain below it */
	bool asked;
};

/* --- the plan */

/* A number on the way from the one that was dialled to the one that rings. */
struct rf_plan_hop {
	uint8_t number[64];
	uint8_t number_n;
	bool hidden;                   /* its owner does not want to be named (History-Info: Privacy) */
	uint16_t cause;                /* why the call left the number before for this one: 302 always, 486 busy, 408 no
	                                * answer, 503 unreachable, 480 deflected, 0: it is the first (RFC 4458 2) */
};

/* A number that a 3xx wants the call to go to. */
struct rf_plan_moved {
	uint8_t number[RF_SETTINGS_TARGET_MAX];
	uint8_t n;
	uint16_t q_milli;
};

struct rf_plan {
	struct rf_call_core *core;
	struct rf_call *call;          /* NULL as long as there is none */
	struct rf_party *caller;       /* a reference: in whose name, and by whose rights but for forwards */
	struct rf_source *top;
	struct rf_arena arena;         /* of the step in hand */
	struct rf_party *party[RF_PLAN_AIMS]; /* references of the step in hand */
	uint8_t parties, depth, steps;
	bool anonymous;                /* the caller does not want to be named */
	bool urgent;                   /* emergency call or the call back after one: nothing that somebody set stands in
	                                * its way (do not disturb, forwards, busy, anonymous) */
	bool emergency;                /* the call is one (emergency.h) */
	uint8_t hops_before;           /* diversions before the call came to us */
	uint8_t hop_n;
	uint16_t turns;
	uint16_t forwards, forwards_told; /* hops with a cause that were made; those that the
					   * caller has heard of (181) */
	struct rf_plan_hop hop[RF_PLAN_HOPS];
	struct rf_plan_moved moved[RF_PLAN_MOVED]; /* of the last 3xx, best q first */
	uint8_t moved_n;
	struct rf_step_result last;    /* of the step or source that ended last */
	uint16_t code;                 /* the best that sources refused with, 0 none */
	uint8_t rank;
	const char *why;               /* of it: static, for the record */
	const char *rule;              /* the rule behind it, "" */
	struct rf_carried *carried;    /* in a border: what else the controller's INVITE brought
				        * (border.h); NULL: nothing */
};

/* An empty plan of this caller; takes a reference on it. -ENOMEM. */
int rf_plan_new(struct rf_call_core *core, struct rf_party *caller, struct rf_plan **ret_plan);
void rf_plan_free(struct rf_plan *plan); /* NULL is fine */

/* Put a source on top; the plan owns it from now on, also when this fails: RF_E_LIMIT (refused with 482 then).
 * with_hop: the last hop of the chain (rf_plan_hop()) was made for it, and leaves with it. */
int rf_plan_push(struct rf_plan *plan, struct rf_source *s, bool with_hop);
/* The next step. False: there is none, plan->code says with what the sources refused (0: they had nothing to add).
 * last: NULL the first time. */
bool rf_plan_next(struct rf_plan *plan, const struct rf_step_result *last, struct rf_step *ret_step);
/* The aims of the step in hand are in pairs now: its memory may go. */
void rf_plan_step_done(struct rf_plan *plan);

/* --- for sources */

/* Nobody here: what the caller is told when nothing better comes. Static texts; rule may be NULL. */
void rf_plan_refuse(struct rf_plan *plan, unsigned code, const char *why, const char *rule);
/* The call goes on to this number for this cause. RF_E_LIMIT: the chain is too long or comes back to a number that it
 * was at; then 482 is refused with. cause 0: the first one. */
int rf_plan_hop(struct rf_plan *plan, struct rf_view number, unsigned cause, bool hidden);
bool rf_plan_was_at(const struct rf_plan *plan, struct rf_view number);
/* The number that the call is at; empty at first. */
struct rf_view rf_plan_at(const struct rf_plan *plan);
/* Keep the reference for the step in hand. NULL in gives NULL. RF_PLAN_AIMS of them. */
struct rf_party *rf_plan_party(struct rf_plan *plan, struct rf_party *p);
/* What was written, in the arena of the step in hand; empty: it did not fit, or no memory. */
struct rf_view rf_plan_keep(struct rf_plan *plan, const struct rf_writer *w);
/* Aims for the reachable phones of a number of ours that stand (not locked), best q first, onto aim[*n..max).
 * *ret_known: bindings that there are, reachable or not. -ENOMEM. */
int rf_plan_phones(struct rf_plan *plan, struct rf_view number, struct rf_aim *aim, size_t max, size_t *n,
		   size_t *ret_known);

/* Sources. Each pushes itself; when it cannot (memory, a loop) it has refused and says so: not 0. cause: of the hop to
 * that number; 0: it was dialled. */
int rf_plan_number(struct rf_plan *plan, struct rf_view number, unsigned cause);
int rf_plan_group(struct rf_plan *plan, const struct rf_site_group *group, unsigned cause);

/* Where a call for the number `by` is sent on to by its owner: pushes the source of `to`. Judged as if `by` called
 * there: not 0: they may not, or there is nothing; refused then. */
int rf_plan_forward(struct rf_plan *plan, struct rf_view by, struct rf_view to, unsigned cause);

/* --- for setup.c */

/* Keep where a 3xx wants the call to go. False: nowhere that we could call. */
bool rf_plan_take_moved(struct rf_plan *plan, const struct rf_sip_msg *msg);
/* Read how often this call was diverted before it came to us: it counts for the bound of the chain. */
void rf_plan_read_history(struct rf_plan *plan, const struct rf_sip_msg *msg);
/* History-Info and Diversion lines for an INVITE to target; none for a call that was not diverted. */
void rf_plan_put_history(const struct rf_plan *plan, struct rf_view target, struct rf_writer *w);
/* "1001>1002(302)" into w: for the record. */
void rf_plan_put_chain(const struct rf_plan *plan, struct rf_writer *w);

#endif

/* The insides of subscriptions, for sub*.c. */
#ifndef RF_CALL_SUB_INT_H
#define RF_CALL_SUB_INT_H

#include "call/board.h"
#include "call/call_int.h"
#include "call/lamps.h"
#include "call/sub.h"

struct rf_sub;

/* One event package. */
struct rf_sub_package {
	struct rf_view name, type;
	uint32_t interval_ms;        /* one NOTIFY in that time, and `burst` at once */
	uint32_t burst;
	bool others;                 /* numbers other than the own may be asked for (sub_policy.c) */
	/* The body onto w. full: show all; otherwise what is new since sub->seen. False: there is nothing to tell. */
	bool (*body)(struct rf_sub *sub, const struct rf_board_line *line, bool full, struct rf_writer *w);
};

extern const struct rf_sub_package rf_sub_dialog, rf_sub_mwi, rf_sub_presence;

enum rf_sub_state {
	RF_SUB_ACTIVE,
	RF_SUB_LAST,    /* the last NOTIFY is due */
	RF_SUB_OVER,    /* out of every table; freed by who sees it */
};

struct rf_sub {
	TAILQ_ENTRY(rf_sub) list;
	struct rf_node by_tag, by_number, by_flow;
	struct rf_call_core *core;
	const struct rf_sub_package *package;
	struct rf_dialog *dlg;
	struct rf_party *party;      /* who watches: a reference */
	struct rf_flow flow;
	struct rf_cli *cli;          /* our NOTIFY that is not answered; NULL */
	struct rf_timer timer;
	struct rf_mono expires;
	struct rf_mono due;          /* a NOTIFY is wanted, not before then; 0: none */
	struct rf_mono full_at;      /* when its bucket of NOTIFYs is full again */
	struct rf_mono look_at;
	struct rf_mono gone_at;      /* its connection closed; 0: it is there */
	uint64_t told;               /* hash of the last body, for packages that are always whole; 0: none */
	uint32_t seen;               /* version of the line that was told last */
	uint32_t body_version;       /* of the next body */
	const char *reason;          /* LAST: of Subscription-State; static */
	const char *why;             /* for the record; static */
	uint8_t state;               /* enum rf_sub_state */
	uint8_t failures;            /* NOTIFYs refused for a while, one after the other */
	bool full;                   /* the next body shows all */
	bool flow_entered, number_entered, counted;
	bool may_pick_up;            /* is shown what Replaces needs */
	uint8_t id_n;                /* of the Event header */
	uint8_t number_n;
	uint8_t number[64];          /* who is watched */
	uint8_t id[64];
};

TAILQ_HEAD(rf_sub_list, rf_sub);

enum { RF_SUB_BODY = 24576 };

struct rf_subs {
	struct rf_table by_tag, by_number, by_flow, by_party; /* by_party: counts, struct rf_sub_party */
	struct rf_sub_list list;
	size_t count;
	uint8_t body[RF_SUB_BODY];
};

static inline struct rf_view rf_sub_number(const struct rf_sub *sub)
{
	return rf_view_of(sub->number, sub->number_n);
}

/* --- sub.c */

/* Made and in every table, its dialog is sub's. RF_E_LIMIT (*ret_bound says which), RF_E_MALFORMED, -ENOMEM. */
struct rf_sub_new {
	const struct rf_sub_package *package;
	struct rf_view number, event_id;
	uint32_t expires_s;          /* 0: asked once */
	bool may_pick_up;
};
int rf_sub_new(struct rf_call_core *core, struct rf_in *in, const struct rf_sub_new *conf, const char **ret_bound,
	       struct rf_sub **ret_sub);
/* Out of every table and freed, without a word to the watcher. why: for the record, NULL: none. */
void rf_sub_drop(struct rf_sub *sub, const char *why);
/* A last NOTIFY with this reason, then dropped. */
void rf_sub_end(struct rf_sub *sub, const char *reason, const char *why);
/* A NOTIFY is wanted as soon as the bucket allows; full: at once, and with everything. */
void rf_sub_want(struct rf_sub *sub, bool full);
/* Set the timer to the earliest of what it waits for. */
void rf_sub_settle(struct rf_sub *sub);
void rf_sub_move(struct rf_sub *sub, const struct rf_flow *flow);

/* --- sub_notify.c */

/* The Event header: a package of ours, and its id. False: 489. */
struct rf_sub_event {
	const struct rf_sub_package *package;
	struct rf_view id;
};
bool rf_sub_event_of(const struct rf_sip_msg *msg, struct rf_sub_event *ret);

/* Send what is due. True: sub is gone. */
bool rf_sub_notify(struct rf_sub *sub, struct rf_mono now);

/* --- sub_policy.c */

/* May this proven sender watch that number? NULL: yes; else the rule that says no. */
const char *rf_sub_refusal(const struct rf_call_core *core, struct rf_view watcher, struct rf_view number,
			   const struct rf_sub_package *package);
bool rf_sub_may_pick_up(const struct rf_call_core *core, struct rf_view watcher, struct rf_view number);
/* Is it the number of the host that keeps the mailboxes? */
bool rf_sub_is_voicemail(const struct rf_call_core *core, struct rf_view number);

/* --- pieces */

/* sip:number@domain as XML text */
void rf_sub_put_uri(const struct rf_call_core *core, struct rf_view number, struct rf_writer *w);

#endif

/* The insides of a core, for the files of this room and its tests. */
#ifndef RF_CALL_CORE_INT_H
#define RF_CALL_CORE_INT_H

#include "base/arena.h"
#include "base/table.h"
#include "call/core.h"
#include "call/dial.h"
#include "call/identity.h"
#include "call/location.h"
#include "call/media.h"
#include "call/overload.h"
#include "call/rates.h"
#include "call/resource.h"
#include "call/suspects.h"
#include "call/trunk_login.h"
#include "ledger/event.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "sip/digest.h"
#include "sip/nonce.h"
#include "store/bindings.h"
#include "store/directory.h"
#include "ua/ua.h"

#include <sys/queue.h>

struct rf_anchor;
struct rf_announcing;
struct rf_board;
struct rf_call;
struct rf_party;
struct rf_call_shared;
struct rf_slots;
struct rf_callbacks;
struct rf_leg;
struct rf_lines;
struct rf_messages;
struct rf_party;
struct rf_outside;
struct rf_registration;
struct rf_relays;
struct rf_roam_dialogs;
struct rf_roam_watches;
struct rf_usage;
struct rf_settings_table;
struct rf_stir;
struct rf_stir_replay;
struct rf_sub_package;
struct rf_trunk_login;
struct rf_subs;

enum {
	RF_CORE_MESSAGE = 65536, /* a message that we build */
	RF_CORE_HEADERS = 8192,  /* headers of an answer */
	RF_CORE_SCRATCH = 512 * 1024,
	RF_LISTED_MAX = 16,
};

/* Events that a stranger or a broken phone can cause at will share one bucket so that a flood
 * of them does not fill the disk: when it will be full again, and how many of each kind it kept out of the ledger since
 * the last one written. */
struct rf_event_bucket {
	struct rf_mono full_at;
	uint64_t more[RF_EVENT_KIND_COUNT];
};

TAILQ_HEAD(rf_call_list, rf_call);
TAILQ_HEAD(rf_registration_list, rf_registration);
TAILQ_HEAD(rf_roaming_list, rf_roaming);
TAILQ_HEAD(rf_feature_list, rf_feature_job);
TAILQ_HEAD(rf_outside_list, rf_outside);
SLIST_HEAD(rf_trunk_login_list, rf_trunk_login);

struct rf_call_core {
	unsigned worker;
	struct rf_loop *loop;
	struct rf_ua *ua;
	struct rf_directory *directory;
	struct rf_ledger *ledger;
	struct rf_location *location;
	struct rf_bindings *bindings;
	struct rf_settings_table *settings; /* NULL: nobody has set anything */
	struct rf_random *random;
	const struct rf_log *log;
	bool border;               /* the core of a border, else of a controller */
	struct rf_addr from[RF_TOWARDS][2];
	struct rf_tls *trunk_tls;
	struct rf_relays *relays;  /* of a border; NULL: none, and no calls */
	struct rf_looked *looked;  /* of a border: what is left of a message (border_look.c) */
	uint64_t listed[RF_LISTED_MAX]; /* what the positive list dropped, by rule (border.h) */
	struct rf_call_limits limits;

	struct rf_dial dial;       /* the last decision about a dialled number */
	struct rf_digest_ctx *digest;
	struct rf_digest_policy digest_policy;
	struct rf_nonce *nonce;
	struct rf_suspects *suspects;
	struct rf_rates *rates;    /* requests by number */
	struct rf_event_bucket events;
	struct rf_overload overload;
	int (*hook)(void *ctx, struct rf_view text); /* NULL: the site names no program */
	void *hook_ctx;
	bool overloaded;           /* on record as such */
	struct rf_sdp_policy media_policy;

	struct rf_hash_key hash_key;
	struct rf_table legs;      /* by our tag */
	struct rf_table flows;     /* legs by the connection that they are on */
	struct rf_table anchors;   /* of calls, by their name at the relay (anchor_int.h) */
	struct rf_table by_id;     /* calls by session id */
	struct rf_table by_number; /* calls by the caller's number: their number is bounded */
	struct rf_board *board;    /* of all cores of the process: what watched numbers do */
	struct rf_subs *subs;
	struct rf_messages *messages;
	struct rf_timer survey;    /* of all calls, for the board */
	struct rf_mono survey_at;  /* not before then */
	struct rf_trunks *trunks;  /* with all cores of the process */
	const struct rf_trunk_ca *trunk_cas;
	size_t trunk_ca_n;
	struct rf_trunk_login_list trunk_logins;
	bool logins_new;           /* and registrations that failed for an old password are tried now */
	rf_trunk_password_fn *password; /* NULL: there is none for any trunk */
	void *password_ctx;
	struct rf_call_shared *shared; /* with all cores of the process: their calls are counted together */
	struct rf_call_core **peers; /* all cores of the process, this one among them */
	size_t peer_count;
	struct rf_call_list calls;
	struct rf_outside_list outsides, outsides_todo; /* calls to the outside (outside.h) */
	struct rf_timer outside_timer;
	struct rf_registration_list registrations;
	struct rf_roaming_list roamings; /* of phones outside, on their way through a border (roam.h) */
	size_t roamings_n;
	struct rf_roam_watches *roam_watches; /* of a border; NULL: a controller */
	struct rf_feature_list features; /* changes of settings that wait for the disk */
	struct rf_registration_list spare; /* memory of some that ended, for the next ones */
	size_t spare_n;
	struct rf_call_census census;
	struct rf_call_counters counters;
	struct rf_defer sweep;     /* frees calls that ended in this turn */
	struct rf_call_list ended;
	struct rf_stir *stir;      /* identities that cross organisations */
	struct rf_announcing *announcing; /* the way to the announcer, NULL: there is none */

	uint32_t expire_turns;
	int64_t clocks_apart_us;   /* the date less the monotonic clock, as last seen: when it moves,
				    * somebody set the date */
	bool clocks_known;
	bool draining;
	void (*drained)(void *ctx);
	void *drained_ctx;

	struct rf_sip_msg *again;         /* a kept request parsed once more */
	struct rf_arena scratch;          /* reset by whoever used it, before returning */
	uint8_t out[RF_CORE_MESSAGE];     /* the message being built */
	uint8_t head[RF_CORE_HEADERS];    /* the headers of an answer being built */
	/* Descriptions have keys: what was written since the last call ended is wiped when the
	 * next one does (call.c). */
	uint8_t sdp_out[RF_MEDIA_MAX];    /* the last description that media.c passed */
	uint8_t sdp_join[RF_MEDIA_MAX];   /* the last one that join_sdp.c made of it */
	size_t sdp_out_n, sdp_join_n;     /* so much of them has been written */
};

/* A request as it came: where from, and who that proves. */
struct rf_in {
	const struct rf_sip_msg *msg;
	struct rf_srv *srv;        /* NULL for ACK */
	const struct rf_peer *from;
	struct rf_proof proof;
	const char *identity;      /* of a caller outside: what became of its signature, static; NULL: not looked at */
	bool unproven;             /* it was looked at, and nothing proves it */
	struct rf_anchor *anchor;  /* in a border: of its media (anchor.h); NULL: none */
	struct rf_party *as;       /* who it is for, when that is not who proved it (inside.h); else NULL */
};

static inline const struct rf_site *rf_core_site(const struct rf_call_core *core)
{
	return rf_directory_site(core->directory);
}

static inline struct rf_mono rf_core_now(const struct rf_call_core *core)
{
	return rf_loop_now(core->loop);
}

static inline struct rf_wall rf_core_wall(struct rf_call_core *core)
{
	return rf_loop_wall(core->loop);
}

/* --- shared.c: any thread */

/* NULL: no memory */
struct rf_call_shared *rf_call_shared_new(struct rf_random *random, const struct rf_hash_key *key);
struct rf_call_shared *rf_call_shared_get(struct rf_call_shared *s);
void rf_call_shared_put(struct rf_call_shared *s); /* NULL is fine */
/* Count one more call; RF_E_LIMIT when there are `most` already. */
int rf_call_shared_take(struct rf_call_shared *s, size_t most);
struct rf_slots *rf_call_shared_slots(struct rf_call_shared *s);
void rf_call_shared_give(struct rf_call_shared *s);
/* What callers use up: theirs all together. */
struct rf_usage *rf_call_shared_usage(struct rf_call_shared *s);
/* The tokens that were seen. */
struct rf_stir_replay *rf_call_shared_replay(struct rf_call_shared *s);
/* What its calls hold of trunks and links; lives as long as s. */
struct rf_resources *rf_call_shared_resources(struct rf_call_shared *s);
/* Who called for help a moment ago. */
struct rf_callbacks *rf_call_shared_callbacks(struct rf_call_shared *s);
/* In a border: the calls of phones outside, as controllers call them. */
struct rf_roam_dialogs *rf_call_shared_roaming(struct rf_call_shared *s);
/* Which numbers are in calls. */
struct rf_lines *rf_call_shared_lines(struct rf_call_shared *s);
/* Another number each time. */
uint32_t rf_call_shared_turn(struct rf_call_shared *s);

/* --- load.c */

/* May this request, whose sender is proven, have our time now? False: it was refused with 503 and Retry-After. */
bool rf_load_admits(struct rf_call_core *core, struct rf_in *in);
/* The same before it is proven who sent it: an honest 503 is cheaper than a challenge and the answer to it. It speaks
 * only of what it is worth at most; what may be a call for help, come from a trunk or claim precedence is always let
 * through, to be proven. */
bool rf_load_may_admit(struct rf_call_core *core, struct rf_in *in);

/* --- answers without a call */

void rf_core_reply(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason);
void rf_core_reply_headers(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason,
			   struct rf_view headers);
/* A request in the dialog of this leg, proven to come from its party. */
void rf_core_in_dialog(struct rf_leg *leg, struct rf_in *in);
/* An INVITE outside a dialog, from somebody who may send one. */
void rf_core_invite(struct rf_call_core *core, struct rf_in *in);
/* Refuse by a verdict: challenge, or code with its text; recorded. */
void rf_core_refuse(struct rf_call_core *core, struct rf_in *in, const struct rf_verdict *v);
/* 405 with Allow. */
void rf_core_refuse_method(struct rf_call_core *core, struct rf_in *in);
/* Allow, Supported, Accept lines. */
/* trunk: who reads it; NULL: somebody else. */
void rf_core_put_abilities(const struct rf_call_core *core, const struct rf_site_trunk *trunk, struct rf_writer *w);
/* "<sip:host:port;transport=x>" of ours on a flow, as a Contact line. */
void rf_core_put_contact(struct rf_call_core *core, const struct rf_flow *flow, struct rf_writer *w);
void rf_core_put_retry_after(struct rf_writer *w, uint32_t seconds);

/* --- core.c: for requests in dialogs that are no calls */

/* Who sent this must be that party: the phone by its certificate, whatever connection it now comes by; without
 * certificates the connection or address that it is on, or digest again. */
struct rf_verdict rf_core_prove_party(struct rf_call_core *core, const struct rf_party *party,
				      const struct rf_flow *flow, struct rf_in *in);
/* The site's bound on what one number may ask for. False: refused here. */
bool rf_core_within_rate(struct rf_call_core *core, struct rf_in *in, struct rf_view number);

/* --- core_flow.c: what the endpoint tells (struct rf_ua_user) */

void rf_core_flow_closed(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end);
void rf_core_message_refused(void *ctx, const struct rf_ua_refusal *r);
void rf_core_tls_refused(void *ctx, const struct rf_flow *flow, const struct rf_stream_end *end);

/* --- lamps.c */

void rf_lamps_survey_fire(struct rf_timer *t);

/* --- teardown.c */

/* The directory is new: calls of whoever may no longer be in one end. */
void rf_end_fallen(struct rf_call_core *core);

/* --- registrar.c */

void rf_registrar_request(struct rf_call_core *core, struct rf_in *in);
void rf_registrar_drop(struct rf_call_core *core); /* those that wait: at the end of the core */

/* --- record.c: events */

/* Who is not allowed to call what they dialled: the decision is core->dial, with its trail. */
void rf_record_dial_refused(struct rf_call_core *core, const struct rf_dial_who *who, struct rf_view text);

void rf_record_identity(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
			const struct rf_proof *proof, const struct rf_verdict *v);
void rf_record_post(struct rf_call_core *core, const struct rf_event *e);
/* Begin an event of a kind that others can cause at will. False: there were too many lately, this one is only counted;
 * the next one that is written says how many it stands for. */
bool rf_record_begin(struct rf_call_core *core, enum rf_event_kind kind, struct rf_event *e);
/* A subscription began or ended; why NULL: began. */
void rf_record_watch(struct rf_call_core *core, enum rf_event_kind kind, const struct rf_party *watcher,
		     struct rf_view package, struct rf_view number, const char *why);
void rf_record_watch_refused(struct rf_call_core *core, const struct rf_in *in, unsigned code, const char *rule,
			     struct rf_view number);
/* A text message (RFC 3428): who, how much, what came of it. Never what it says. */
struct rf_text {
	struct rf_view from, to, phone, user, type;
	size_t bytes;
	unsigned code;
	const char *why;
};
void rf_record_text(struct rf_call_core *core, enum rf_event_kind kind, const struct rf_text *t);
/* A bound of the site was reached: which one, and whose work was refused. */
void rf_record_limit(struct rf_call_core *core, const char *bound, const struct rf_in *in);

/* core->sdp_out or core->sdp_join was written to. */
static inline void rf_core_wrote(size_t *mark, const struct rf_writer *w)
{
	if (w->n > *mark)
		*mark = w->n;
}

#endif

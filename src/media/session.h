/* Sessions of the relay, private to relay.c and the files beside it:
 *
 *	session (Call-ID) -> parties (SIP tags)
 *	                  -> pairs: two parties between whom offers and answers go, each with its m-lines
 *	                     -> line: a path (path.h), what each party said (said.h) and what is said to it
 *
 * One party may be in several pairs: a call that a proxy sent to several phones at a time has a pair for each branch,
 * with ports of its own. Where one offer has several answers (different To tags in one branch) the pair's second side
 * is whoever answered last: all of them send to the ports of that one offer, so only one can be heard.
 *
 * Of an offer nothing comes into force but what lets the answerer begin (ICE, DTLS); its values wait in line->offered
 * until the answer, for it may be refused, and then the session goes on as it was. */
#ifndef RF_MEDIA_SESSION_H
#define RF_MEDIA_SESSION_H

#include "base/arena.h"
#include "base/table.h"
#include "loop/timer.h"
#include "media/ng_stats.h"
#include "media/relay.h"
#include "media/said.h"
#include "media/sdes.h"
#include "rtp/ice.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_SESSION_PAIRS_MAX = 8,
	RF_SESSION_PARTIES_MAX = 16,
	RF_SESSION_LINES_MAX = 32,       /* m-lines of all pairs together */
	RF_SESSION_TUPLES_MAX = 1024,    /* 5-tuples of all of them, for pinholes */
	RF_SESSION_DELETE_S_MAX = 300,   /* delete delay */
	RF_SESSION_HELD_MS = 3600000,    /* nothing flows because both sides said so, or no line is on: ends after an
					  * hour without RTCP */
	RF_SESSION_ARENA_BYTES = 1 << 20,
	RF_SESSION_KEY_US = 50000, RF_SESSION_KEYS_AHEAD = 32, /* keys of a party that are told: 20 a
							        * second, so many ahead */
};

struct rf_ours {                         /* what is said to a party in one m-line */
	uint8_t proto;                   /* enum rf_sdp_proto */
	uint8_t keying;                  /* enum rf_path_keying */
	bool ice, mux;                   /* offered to it, or agreed to what it offered */
	bool active;                     /* DTLS: we begin */
	struct rf_ice_cred ice_cred;     /* ufrag "": none yet */
	struct rf_sdes *sdes;            /* NULL: none */
};

enum rf_mux_answer { RF_MUX_FOLLOW, RF_MUX_ACCEPT, RF_MUX_REJECT };

/* A port of ours that m-lines share, or may come to share (BUNDLE): a path with one end, on which their ends ride. */
struct rf_carrier {
	struct rf_path *path;
	unsigned lines;                  /* that ride on it; the last one takes it along */
};

struct rf_line {
	struct rf_carrier *carrier[2], *next_carrier[2]; /* of path and of next, by side; NULL: ports of their own */
	bool bundle_asked;               /* the answerer was offered it in a group */
	bool bundled[2];                 /* it stands in the group of that side */
	struct rf_path *path;            /* NULL: off */
	struct rf_path *next;            /* of an offer of another kind (audio becomes fax), until its answer */
	uint8_t kind, next_kind;         /* enum rf_path_kind */
	bool open;
	bool no_ice, dtls_passive;       /* what the offer's request wants of its answer: `reject ICE`,
					  * `DTLS-reverse=passive` */
	uint8_t mux_answer;              /* the same */
	uint16_t ptime_answer;           /* the same; 0: as it comes */
	uint8_t ptime[2];                /* ms of packets towards a side, as the offer's request said; 0: as they come,
					  * or, where they are made here, as that side says */
	uint8_t ptime_offered[2];        /* with the answer */
	bool coded;                      /* something is transcoded, or may have to be by an offer
					  * that waits: counted */
	uint64_t picture_us[2];          /* when this side was last asked for a whole picture for
					  * a recorder; 0: never */
	bool mux_only;                   /* `rtcp-mux=require`: the answerer has no other choice */
	struct rf_said *said[2];         /* in force; NULL: nothing yet */
	struct rf_said *offered;         /* waits for its answer; of pair->offerer */
	struct rf_ours ours[2];
};

struct rf_party {
	struct rf_party *next;
	struct rf_view tag, label;       /* tag empty: not known yet. In one block with the party, label in its own */
	uint8_t *label_p;
	struct rf_pair *once;            /* where another answerer took its place; NULL: nowhere */
	int64_t created_s;
	unsigned holds;                  /* RF_HOLD_x */
	bool detect;                     /* its keys are listened for (`detect DTMF`) */
	uint64_t told;                   /* on this stream they are told to who asked for it; 0: none */
	uint64_t keys_us;                /* those that were told are worth the time until then */
};

struct rf_pair {
	struct rf_pair *next;
	struct rf_session *session;
	struct rf_party *side[2];        /* side 0 offered first */
	struct rf_view branch;           /* of the first offer; empty: none */
	bool placed;                     /* interface[] is chosen: by the first offer, for good */
	uint8_t interface[2];
	uint8_t offerer;                 /* of the last offer */
	struct rf_mono asked;            /* the last offer */
	bool offered, answered;          /* an offer waits for its answer; there was an answer once */
	bool by_offers;                  /* that came as an offer: its controller knows no answers */
	uint64_t answer_hash;            /* of such an answer */
	struct rf_pair_said { uint64_t id, version, hash; } spoken[2]; /* our o= line to each, the hash
								        * of what was said last */
	size_t n_lines;
	struct rf_line *lines;
};

struct rf_session {
	struct rf_node node;             /* in relay->table, by call_id */
	struct rf_session *prev, *next;  /* oldest first */
	struct rf_relay *relay;
	struct rf_view call_id;          /* behind the session */
	uint64_t key;                    /* of its pinholes */
	uint64_t by[2];                  /* whose requests changed it (rf_ng_request.by): the first one, and the last of
					  * the others; 0: nobody's */
	struct rf_wall created, last_signal;
	struct rf_mono signaled;         /* last_signal by the clock that nobody sets */
	struct rf_timer timer;           /* unanswered, no media at all, or delete delay */
	struct rf_timer quiet;           /* a path fell silent: to be looked at */
	struct rf_party *parties;
	struct rf_pair *pairs;
	struct rf_recorder *recorders;   /* recorder.h */
	unsigned holds;                  /* of everybody */
	uint8_t dscp;
	bool deleting, busy, flows_changed, has_pinholes;
};

struct rf_relay {
	struct rf_relay_conf conf;
	struct rf_table table;
	struct rf_session *first, *last;
	struct rf_arena arena;           /* of one command */
	uint8_t *text;                   /* RF_NG_BYTES_MAX: a description in the making */
	struct rf_path_tuple *tuples;    /* RF_SESSION_TUPLES_MAX: pinholes in the making */
	struct {
		uint64_t managed, rejected, silent, unanswered, regular, forced, zero_way, one_way, duration_us,
			dropped, untold;
	} count;
	size_t parties, media;
	size_t coded;                    /* m-lines that are transcoded, or may have to be */
};

/* One command on its way. */
struct rf_turn {
	struct rf_relay *relay;
	struct rf_ng_request *req;
	struct rf_arena *arena;
	char why[192];                   /* the error-reason */
	bool full;                       /* it is a limit that was met */
};
/* Note why and return rc. */
int rf_turn_fail(struct rf_turn *t, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* rf_path_set() has failed: the same, and whether it was a limit. */
int rf_turn_fail_port(struct rf_turn *t, int rc);

/* ---- session.c: what there is, and its end */

struct rf_session *rf_session_find(const struct rf_relay *r, struct rf_view call_id);
int rf_session_new(struct rf_turn *t, struct rf_session **ret_session);
void rf_session_free(struct rf_session *s);
/* The end of a session that nobody asked for. */
void rf_session_end(struct rf_session *s, const char *why);
/* Tell the wall which flows there are, if they changed. */
void rf_session_pinholes(struct rf_session *s);
/* The timer that fits the state. */
void rf_session_arm(struct rf_session *s);
struct rf_party *rf_session_party(const struct rf_session *s, struct rf_view tag); /* NULL: none with this tag */
/* RF_E_LIMIT, -ENOMEM. */
int rf_session_party_new(struct rf_turn *t, struct rf_session *s, struct rf_view tag, struct rf_party **ret_party);
/* Parties that are in no pair and never were go. */
void rf_session_tidy(struct rf_session *s);
int rf_party_label(struct rf_party *p, struct rf_view label);
int rf_duo_new(struct rf_turn *t, struct rf_session *s, struct rf_party *a, struct rf_party *b,
	       struct rf_pair **ret_pair);
/* With the parties that are in no pair any more. */
void rf_duo_free(struct rf_pair *p);
void rf_line_off(struct rf_relay *r, struct rf_line *l);
void rf_line_drop_next(struct rf_relay *r, struct rf_line *l);
/* The pair with whose media a party is shown: the one that was answered, else the first; NULL: none (any more). */
struct rf_pair *rf_session_pair_of(const struct rf_session *s, const struct rf_party *party);
/* Recorders get what is to be copied now; those for whom nothing is left, or who never answered, leave. */
void rf_session_copies(struct rf_session *s);
/* The first that leaves when it does not answer; never: UINT64_MAX. */
struct rf_mono rf_session_copies_until(const struct rf_session *s);
/* This pair is about to end. */
void rf_session_copies_forget(struct rf_session *s, const struct rf_pair *pair);
/* The session ends: all of them do. */
void rf_session_copies_end(struct rf_session *s);
size_t rf_session_copies_flows(const struct rf_session *s, struct rf_path_tuple *ret, size_t most);
/* The recorder at this path of one end asks for a whole picture. */
void rf_session_picture(struct rf_session *s, const struct rf_path *sink);
/* It is among those that are transcoded, or is no more. */
void rf_line_set_coded(struct rf_relay *r, struct rf_line *l, bool coded);
/* Holds of session and parties onto the paths. */
void rf_session_hold(struct rf_session *s);
extern const struct rf_path_ops rf_session_path_ops;

/* ---- dialog.c: which pair is meant (tags and branches), made where an offer begins one */

int rf_dialog_offer(struct rf_turn *t, struct rf_session *s, struct rf_pair **ret_pair, unsigned *ret_side);
/* ret_side: the answerer's. RF_E_NOT_FOUND: no offer that this could answer. */
int rf_dialog_answer(struct rf_turn *t, struct rf_session *s, struct rf_pair **ret_pair, unsigned *ret_side);
/* Is this offer an answer? Some controllers send every description as an offer (OpenSIPS' rtpengine_manage() does with
 * replies). One from who was asked to who asked and never had an answer can be nothing else (RFC 3264 4); the same
 * description of the same answerer again (183, then 200) is that answer again, and in such a pair every offer against
 * one that waits is its answer. */
bool rf_dialog_is_answer(const struct rf_turn *t, const struct rf_session *s);
/* The pairs that a delete means end; false: none. */
bool rf_dialog_delete(struct rf_turn *t, struct rf_session *s);

/* ---- offer.c, answer.c: a description comes in on side `from`, the other side's goes out onto w */

int rf_pair_offer(struct rf_turn *t, struct rf_pair *p, unsigned from, const struct rf_sdp *sdp, struct rf_writer *w);
int rf_pair_answer(struct rf_turn *t, struct rf_pair *p, unsigned from, const struct rf_sdp *sdp, struct rf_writer *w);

/* ---- end.c: from what was said to what packets need */

/* One end of a line as it stands; wiped by the caller. */
void rf_line_conf(const struct rf_pair *p, const struct rf_line *l, unsigned side, struct rf_path_end_conf *ret_conf);
/* How the m-line of this description is keyed by its sender: SDES needs one key that the rules allow, DTLS a
 * certificate of ours and a fingerprint. RF_E_DENIED: plain where the policy forbids it, nothing usable: t->why. */
int rf_line_keying(struct rf_turn *t, const struct rf_said *said, const struct rf_sdes_rules *rules, bool dtls_off,
		   enum rf_path_keying *ret_keying);
/* The profile that a request names; OTHER: none. */
unsigned rf_turn_proto(const struct rf_ng_request *req);
/* How a leg that we offer is keyed, by its profile. RF_E_DENIED: not by this policy, or not by this request: t->why. */
int rf_leg_keying(struct rf_turn *t, unsigned proto, const struct rf_sdes_rules *rules,
		  enum rf_path_keying *ret_keying);
/* The policy has it, and there is a certificate. */
bool rf_relay_has_dtls(const struct rf_relay *r);
/* Why nothing goes where this party says that it is: to programs of this very host, though its port of ours is not
 * there, or from the outside to hosts of the inside. NULL: it may. ICE shows where a party is by itself. */
const char *rf_said_astray(const struct rf_pair *p, unsigned side, const struct rf_said *said);
struct rf_said_source rf_turn_source(const struct rf_ng_request *req);
void rf_ours_fini(struct rf_ours *o);
void rf_ours_ice(struct rf_relay *r, struct rf_ours *o); /* new credentials */

/* ---- bundle.c: m-lines that share a port */

int rf_carrier_new(struct rf_turn *t, struct rf_session *s, unsigned interface, struct rf_carrier **ret_carrier);
void rf_carrier_free(struct rf_relay *r, struct rf_carrier *c); /* one that has no lines; NULL is fine */
void rf_carrier_leave(struct rf_relay *r, struct rf_carrier **c); /* becomes NULL */
/* The path's end at this side rides on c from now on; *at is the line's. */
int rf_carrier_enter(struct rf_relay *r, struct rf_carrier **at, struct rf_carrier *c, struct rf_path *p,
		     unsigned side);
bool rf_carrier_is_first(const struct rf_pair *p, size_t at, unsigned side);
/* Which m-lines stand in the description's group: said[i]->group_at. */
void rf_bundle_read(const struct rf_sdp *sdp, struct rf_said *const *said, size_t n);
/* Of an offer: which of them can be bundled here; those without a port of their own (bundle-only)
 * get that of the group. */
void rf_bundle_offer(struct rf_said *const *said, size_t n, bool dtls);
/* The one whose transport is the group's (RFC 9143 7.2.1, 7.3.1); NULL: there is none. */
struct rf_said *rf_bundle_tagged(struct rf_said *const *said, size_t n);
void rf_bundle_transport(struct rf_said *s, const struct rf_said *from);
void rf_bundle_ours(struct rf_ours *o, const struct rf_ours *from);

/* ---- describe.c: the description for a party */

/* How long an offer waits for its answer. */
uint32_t rf_relay_unanswered_ms(const struct rf_relay *r);

struct rf_out_line {                     /* one m-line of it */
	const struct rf_sdp_media *in;   /* whose attributes cross */
	const struct rf_said *said;      /* codecs, direction */
	struct rf_view mid;
	struct rf_addr rtp, rtcp;        /* ours; rtp family 0: switched off */
	const struct rf_ours *ours;
	uint8_t kind;                    /* enum rf_path_kind */
	uint8_t setup;                   /* enum rf_sdp_setup; DTLS */
	bool mux;
	bool trickle;                    /* its party waits for candidates: there are no more */
	struct rf_view path_id;
	uint32_t ptime;                  /* 0: as it came */
	uint8_t bundle;                  /* its place in the group: 1 is that whose transport is
					  * for all; 0: not in it */
	bool shares;                     /* its transport is said elsewhere */
};
struct rf_out {
	const struct rf_sdp *in;
	struct rf_addr address;          /* ours, where no line has any */
	struct rf_pair_said *spoken;
	const struct rf_out_line *lines;
	size_t n;
};
void rf_describe(struct rf_turn *t, const struct rf_out *out, struct rf_writer *w);

/* ---- sound.c */

int rf_session_dtmf(struct rf_turn *t, struct rf_session *s);
int rf_session_play(struct rf_turn *t, struct rf_session *s, uint32_t *ret_ms);
int rf_session_stop(struct rf_turn *t, struct rf_session *s);
/* What side `from` of a line sends, as it is held and listened for now. Returns the holds for its path. */
unsigned rf_line_sound(const struct rf_pair *p, const struct rf_line *l, unsigned from, unsigned holds);
/* Packets of this codec can be cut and joined to so many ms. */
bool rf_line_cuts(const struct rf_codec *c, uint8_t ms);
/* `detect DTMF`: whoever asks is told of this party's keys from now on, on the stream by which it asks. */
void rf_party_detect(const struct rf_turn *t, struct rf_party *party);
/* A key of the party at this end, for whoever asked. */
void rf_session_heard(struct rf_session *s, const struct rf_path *path, unsigned end, unsigned event, unsigned ms);

/* ---- hold.c, report.c */

/* Does the request name this party: by tag, label or address? */
bool rf_party_is_meant(const struct rf_turn *t, const struct rf_session *s, const struct rf_party *party);
int rf_session_block(struct rf_turn *t, struct rf_session *s);
int rf_session_report(struct rf_turn *t, const struct rf_session *s, struct rf_ng_stats_call *ret_call);

#endif

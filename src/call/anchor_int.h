/* An anchor's parts, private to call/anchor*.c.
 *
 *	anchor.c        its life, and who comes to wait: the public face
 *	anchor_held.c   a message that waits, and how it goes on: with another description, without one, refused
 *	anchor_ask.c    what is judged and what the relay is asked, one message after the other
 *	anchor_way.c    how each leg is keyed, in the relay's words
 *	anchor_codec.c  which codecs may cross, in the relay's words
 *	anchor_key.c    keys by INFO
 *	anchor_web.c    a second offer, for browsers, to a site that has them
 *	anchor_media.c  the end: how the media was
 */
#ifndef RF_CALL_ANCHOR_INT_H
#define RF_CALL_ANCHOR_INT_H

#include "call/anchor.h"
#include "media/ng.h"

enum rf_held_kind { RF_HELD_INVITE, RF_HELD_REQUEST, RF_HELD_ACK, RF_HELD_RESPONSE };

/* A message that waits, with all that it came with. */
struct rf_held {
	TAILQ_ENTRY(rf_held) list;
	struct rf_anchor *anchor;
	enum rf_held_kind kind;
	bool has_sdp, offer;
	struct rf_leg *leg;          /* NULL: INVITE */
	struct rf_srv *srv;          /* INVITE, REQUEST; NULL: its transaction is gone */
	rf_cli_fn *fn;               /* RESPONSE */
	void *arg;
	struct rf_cli *cli;
	struct rf_peer from;
	struct rf_pki_id id;
	bool trunk, phone;           /* INVITE: who sent it is a trunk, a phone outside (roam.h), else a host */
	char name[RF_SITE_NAME_MAX + 1];
	const char *identity;
	bool unproven;
	struct rf_sip_msg msg;       /* of bytes */
	size_t n;
	uint8_t bytes[];
};
TAILQ_HEAD(rf_held_list, rf_held);

/* How a leg is keyed. Zeroed: by SDES, or as nobody knows yet. */
struct rf_way {
	bool dtls;                   /* DTLS-SRTP and nothing else, with ICE where it said so: a browser */
	bool feedback;               /* and the profile with feedback (RFC 5124) */
	bool plain;                  /* without keys, as it said itself */
};

/* What one leg may say and hear. */
struct rf_side {
	struct rf_media media;
	struct rf_way way;
	bool roams, nat;             /* a phone outside; it may be behind a NAT */
	struct rf_sdp_policy policy;
	bool secure;                 /* over TLS: keys may be said */
};

/* The offer in its second form; zeroed: there is none. */
struct rf_web {
	uint8_t *offer, *first;      /* the relay's for browsers; for phones, while that one is asked for */
	size_t offer_n, first_n;
	struct rf_media media;       /* of the form that was not chosen */
	bool asking, chosen;
};

struct rf_anchor {
	struct rf_call_core *core;
	uint32_t refs;
	struct rf_node by_id;        /* in core->anchors under id, while call is there */
	struct rf_call *call;        /* whose it is; NULL: nobody's yet, or no more */
	struct rf_id id;             /* the call's name at the relay */
	struct rf_id session;        /* the call's own, for the record; empty: none was made of it */
	int relay;                   /* that has it; RF_NG_ANY: none yet */
	struct rf_side side[RF_TOWARDS];
	struct rf_web web;
	enum rf_towards caller;      /* which of them called */
	char trunk[RF_SITE_NAME_MAX + 1]; /* whose call it is; "": not known */
	char phone[RF_SITE_NAME_MAX + 1]; /* or which phone's outside */
	uint64_t keys_us;            /* the keys that were pressed by INFO are worth the time until then */
	struct rf_held_list held;    /* the first one is with the relay, when asking */
	unsigned held_n;
	bool asking;                 /* the relay has a question of ours; the anchor stays until it has answered */
	bool abandoned;              /* and who it was for has gone */
	bool delivering;
};

/* --- anchor.c */

/* References: the call's, the INVITE's that waits for its call, and one while the relay is asked. */
void rf_anchor_put(struct rf_anchor *a);

/* --- anchor_held.c */

bool rf_anchor_has_sdp(const struct rf_sip_msg *msg);
/* A copy that waits behind the others. NULL: no place, no memory. */
struct rf_held *rf_anchor_hold(struct rf_anchor *a, enum rf_held_kind kind, const struct rf_sip_msg *msg,
			       const struct rf_peer *from);
void rf_held_free(struct rf_held *h);
/* It goes on with these bytes; NULL: as it came. Out of the list first, so that nobody frees it meanwhile; its call
 * may be gone behind it, the anchor is not. */
void rf_held_go_on(struct rf_held *h, const struct rf_writer *w);
/* The relay has nothing for it: a request is refused, with the rule when there is one; others go on without
 * description. */
void rf_held_failed(struct rf_held *h, unsigned code, enum rf_sdp_rule rule);
/* The message but its length, and sdp (in its body) as `made`. */
void rf_anchor_put_message(struct rf_writer *w, const struct rf_sip_msg *msg, struct rf_view sdp, struct rf_view made);
/* The description leaves the message where none can be had: its machines then say what is missing. */
void rf_anchor_put_without(struct rf_writer *w, const struct rf_sip_msg *msg);

/* --- anchor_way.c */

/* A description that the leg itself made says how it is keyed. */
void rf_way_learn(struct rf_way *way, const struct rf_sdp_summary *said);
/* DTLS, ICE and the profile of an offer or answer that goes from one side to the other, onto req (its command is
 * set). */
void rf_way_put(const struct rf_side *from, const struct rf_side *to, struct rf_ng_request *req);

/* Of a phone outside: where its media comes from is not what it says, but where it speaks SIP from; behind a NAT
 * whatever port its first authentic packet has. flow: that of its message. */
void rf_way_put_source(const struct rf_side *from, const struct rf_flow *flow, struct rf_ng_request *req);

/* --- anchor_codec.c */

enum { RF_CODEC_WORDS_MAX = 24 };
struct rf_codec_words { struct rf_view v[RF_NG_CODEC_LISTS][RF_CODEC_WORDS_MAX]; }; /* what the lists of a request point
										     * to */
/* What the site's trunk wants of the codecs of an offer from this side, onto req. */
void rf_codec_put(const struct rf_anchor *a, enum rf_towards from, struct rf_codec_words *words,
		  struct rf_ng_request *req);
/* Whose call it is; NULL: nobody's, or the site file has it no more. */
const struct rf_site_trunk *rf_anchor_trunk(const struct rf_anchor *a);
/* An offer of a relay that has left a line nothing at all: rtpengine writes an m-line without
 * formats, which is none. */
bool rf_codec_emptied(const struct rf_anchor *a, enum rf_towards to, struct rf_view sdp);
/* How keys are pressed at the outer side, by the trunk or the phone outside: enum rf_trunk_dtmf. */
int rf_anchor_dtmf(const struct rf_anchor *a);
/* For struct rf_sdp_policy: what a leg says to the relay. Ours has this list itself; another one
 * passes on what it gets. */
bool rf_codec_crosses(const struct rf_sdp_attr *a);
/* May this offer of the relay's go to this side? */
bool rf_codec_judge(const struct rf_anchor *a, enum rf_towards to, struct rf_view sdp);

/* --- anchor_key.c */

/* After an answer: the keys of the site's side, where they go by INFO. */
void rf_anchor_block_keys(struct rf_anchor *a);

/* --- anchor_web.c */

/* Is this offer one for phones and browsers? */
bool rf_anchor_wants_web(const struct rf_anchor *a, const struct rf_held *h);
/* Copies. -ENOMEM. */
int rf_web_keep_first(struct rf_web *web, struct rf_view sdp);
int rf_web_keep_offer(struct rf_web *web, struct rf_view sdp);
void rf_web_first_done(struct rf_web *web);
void rf_web_fini(struct rf_web *web);
/* The other form of the offer is the one that the site's side is judged by. */
void rf_web_swap(struct rf_anchor *a);
/* That to which this answer is one. */
void rf_web_choose(struct rf_anchor *a, struct rf_view answer);

/* --- anchor_ask.c */

/* The party's name at the relay. */
struct rf_view rf_anchor_tag(const struct rf_anchor *a, enum rf_towards s);

/* The next of those that wait, until the relay is asked. */
void rf_anchor_ask_on(struct rf_anchor *a);

#endif

/* Replies of the NG protocol: building them (the relay) and reading them (the border).
 *
 * Each rf_ng_reply_x() puts the whole dictionary, without the cookie in front, in the encoding of the request, with the
 * request's warnings. What does not fit into w is replaced by an error reply that says so; w->err is only set where not
 * even that fits. Threads: any. */
#ifndef RF_MEDIA_NG_REPLY_H
#define RF_MEDIA_NG_REPLY_H

#include "media/ng.h"
#include "media/ng_stats.h"

/* {"result": "ok"}; for ping {"result": "pong"} */
void rf_ng_reply_ok(struct rf_writer *w, const struct rf_ng_request *req);
/* {"result": "error", "error-reason": reason} */
void rf_ng_reply_error(struct rf_writer *w, const struct rf_ng_request *req, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of a request that was understood and not done: {"error-kind": ..., ...} tells who is at fault, which clients
 * of rtpengine pass over. */
enum rf_ng_fault {
	RF_NG_FAULT_NONE,        /* not said, or not one that we know: rtpengine */
	RF_NG_FAULT_DESCRIPTION, /* "description": no relay of this policy makes anything of it */
	RF_NG_FAULT_CALL,        /* "call": of a call, party or offer that is not there */
	RF_NG_FAULT_REQUEST,     /* "request": this is not done, or not so */
	RF_NG_FAULT_RELAY,       /* "relay": it cannot now; another may, or this one later */
	RF_NG_FAULTS,
};
void rf_ng_reply_fault(struct rf_writer *w, const struct rf_ng_request *req, enum rf_ng_fault fault, const char *why);
/* Full: {"result": "load limit", "message": why} where the request supports that, else an error. */
void rf_ng_reply_load(struct rf_writer *w, const struct rf_ng_request *req, const char *why);

/* subscribe request: an m-line of the offer to a recorder, and what it is a copy of. */
struct rf_ng_label {
	struct rf_view label;            /* a=label; in the order of their bytes */
	struct rf_view tag;              /* the party's; those of one stand together */
	uint32_t index;                  /* its m-line, from 1 */
	struct rf_view type, mode;       /* "audio", "sendrecv" */
};

/* What goes with "ok" beside statistics; empty: not said. */
struct rf_ng_answer {
	struct rf_view sdp;
	struct rf_view to_tag;           /* subscribe request: the subscription's */
	struct rf_ng_list from_tags;     /* subscribe request: who is listened to */
	const struct rf_ng_label *labels;
	size_t n_labels;
	struct rf_ng_int duration;       /* play media, ms */
};
void rf_ng_reply_answer(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_ng_answer *answer);

/* query, delete */
void rf_ng_reply_call(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_ng_stats_call *call);
/* list: as many as fit, and a warning where there were more. */
void rf_ng_reply_list(struct rf_writer *w, const struct rf_ng_request *req, const struct rf_view *call_ids, size_t n);
void rf_ng_reply_statistics(struct rf_writer *w, const struct rf_ng_request *req,
			    const struct rf_ng_stats_relay *stats);

/* ---- reading */

enum rf_ng_result { RF_NG_OK, RF_NG_PONG, RF_NG_ERROR, RF_NG_LOAD_LIMIT };

struct rf_ng_reply {
	struct rf_view cookie;
	enum rf_ng_encoding encoding;
	enum rf_ng_result result;
	enum rf_ng_fault fault;          /* of an error */
	struct rf_view reason;           /* error-reason, or message of a load limit */
	struct rf_view warning, sdp, to_tag;
	const struct rf_ng_value *top;   /* everything: rf_ng_stats_parse() and others */
};

/* RF_E_MALFORMED (no cookie, no dictionary, no result or one that is not known), RF_E_LIMIT, -ENOMEM. */
int rf_ng_reply_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_reply *ret_reply, struct rf_diag *d);

#endif

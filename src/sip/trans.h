/* The four transaction machines: RFC 3261 17 with the corrections of RFC 6026 (Accepted, timers L and M) and RFC 4320
 * (non-INVITE: no 408, no early 100). A machine is a value without pointers to messages: it takes an event and the
 * time, and answers with a set of things to do; whoever owns the sockets and the bytes does them, in the order of the
 * bits below, and arms one timer for rf_trans_next().
 *
 *	unsigned todo = rf_trans_step(&t, RF_TRANS_RESPONSE, 200, now);
 *	if (todo & RF_TRANS_SEND_ACK) ...
 *	if (todo & RF_TRANS_TERMINATED) forget it; else arm rf_trans_next(&t)
 *
 * Not in the machine: the ACK to a 2xx and the repetition of a 2xx (the user's: timers.h, rf_resend_start_2xx).
 * Threads: none of its own; one owner at a time. Nothing here allocates. */
#ifndef RF_SIP_TRANS_H
#define RF_SIP_TRANS_H

#include "base/view.h"
#include "base/writer.h"
#include "sip/timers.h"

struct rf_sip_msg;

enum rf_trans_kind {
	RF_TRANS_ICT,  /* INVITE client */
	RF_TRANS_NICT, /* non-INVITE client */
	RF_TRANS_IST,  /* INVITE server */
	RF_TRANS_NIST, /* non-INVITE server */
};

enum rf_trans_state {
	RF_TRANS_CALLING,    /* ICT before any answer */
	RF_TRANS_TRYING,     /* NICT before any answer; NIST before the user's first */
	RF_TRANS_PROCEEDING, /* provisional answer seen or sent; IST from its start */
	RF_TRANS_ACCEPTED,   /* INVITE only: 2xx seen or sent (RFC 6026) */
	RF_TRANS_COMPLETED,  /* final answer seen or sent; INVITE: 300-699 */
	RF_TRANS_CONFIRMED,  /* IST: ACK came */
	RF_TRANS_ENDED,      /* every event is ignored */
};

enum rf_trans_event {
	RF_TRANS_RESPONSE,  /* client: a response came; code is its status */
	RF_TRANS_REQUEST,   /* server: the request came again */
	RF_TRANS_ACK,       /* IST: an ACK that matches came */
	RF_TRANS_REPLY,     /* server: the user answers; code is the status */
	RF_TRANS_TIMER,     /* the deadline of rf_trans_next() has come; early calls do nothing */
	RF_TRANS_BROKEN,    /* the transport failed for good (after RFC 3263 fail-over) */
	RF_TRANS_CANCELLED, /* ICT: a CANCEL was sent; no final answer within 64*T1 ends it (RFC 3261 9.1) */
};

/* What to do, least bit first. */
enum rf_trans_todo {
	RF_TRANS_SEND_REQUEST = 1 << 0,  /* client: send the request, the first time or again */
	RF_TRANS_SEND_ACK = 1 << 1,      /* ICT: send the ACK to this 300-699 (17.1.1.3), same branch and destination */
	RF_TRANS_SEND_100 = 1 << 2,      /* server: make and send a 100; from then on it is the last response */
	RF_TRANS_SEND_RESPONSE = 1 << 3, /* server: on RF_TRANS_REPLY the new one, otherwise the last one again */
	RF_TRANS_TO_USER = 1 << 4,       /* hand this message to the user: client: a response; IST: an ACK to 2xx */
	RF_TRANS_TIMEOUT = 1 << 5,       /* client: no final answer, as if 408; IST: no ACK came; NIST: the user never
	                                  * answered and now it is too late */
	RF_TRANS_FAILED = 1 << 6,        /* tell the user that the transport failed; client: as if 503. A client's user
	                                  * hears one outcome: a final response, a timeout or this, never two */
	RF_TRANS_TIMER_C = 1 << 7,       /* ICT: timer C: the user cancels, or gives up as with 408 (16.8) */
	RF_TRANS_REFUSED = 1 << 8,       /* the user's answer is not allowed now (a second final, 408 or 1xx other than
	                                  * 100 to non-INVITE): do not send it. 408: the transaction goes on absorbing
	                                  * repeats in silence (RFC 4320 4.2) */
	RF_TRANS_TERMINATED = 1 << 9,    /* after all the others: forget the transaction */
};

/* Read freely, change only through the functions. */
struct rf_trans {
	uint8_t kind, state;
	bool reliable;   /* TCP, TLS, WSS */
	bool silent;     /* NIST: completed without an answer that could be repeated */
	uint16_t code;   /* last status seen or sent, 0 none */
	uint32_t interval_ms;            /* timers A, E, G: the next interval */
	const struct rf_sip_timers *times;
	struct rf_mono again_at;         /* timers A, E, G; server before the first answer: when a 100 is due */
	struct rf_mono end_at;           /* timers B, D, F, H, I, J, K, L, M */
	struct rf_mono c_at;             /* timer C */
};

/* Begin. Client: answers RF_TRANS_SEND_REQUEST. Server: the request has just come and the caller hands it to its
 * user; answers 0. times must outlive the machine. */
unsigned rf_trans_start(struct rf_trans *t, enum rf_trans_kind kind, bool reliable, const struct rf_sip_timers *times,
			struct rf_mono now);
/* code: see the event, otherwise 0. Returns enum rf_trans_todo bits. An event that the kind does not know does
 * nothing. Status codes outside 100..699 are ignored. */
unsigned rf_trans_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now);
/* The earliest deadline, never when there is none. */
struct rf_mono rf_trans_next(const struct rf_trans *t);
/* Fixed names, for logs and tests. */
const char *rf_trans_state_name(unsigned state);

/* --- Which transaction does a message belong to? (transkey.c)
 *
 * A key is a byte string for a table: two messages of one transaction, and only those, make the same key. The writer
 * should hold RF_TRANS_KEY_MAX bytes; RF_E_SPACE past its end. A message without what the key needs (a top Via, a
 * CSeq, a Call-ID, From and To) is RF_E_MALFORMED. Keys made of different kinds never collide. */
enum { RF_TRANS_KEY_MAX = 4096 };

/* The server transaction of a request (17.2.3). With the magic cookie: branch, sent-by (host without case), method.
 * Without (RFC 2543): Request-URI, From tag, Call-ID, CSeq number, top Via, and for all but INVITE the To tag and
 * method. An ACK makes the key of its INVITE; an RFC 2543 user must then see that the ACK's To tag is the one that it
 * answered with. A CANCEL makes its own key. */
int rf_trans_key_server(const struct rf_sip_msg *req, struct rf_writer *w);
/* The INVITE server transaction that a CANCEL is for (9.2). */
int rf_trans_key_cancelled(const struct rf_sip_msg *cancel, struct rf_writer *w);
/* The client transaction of a response (17.1.3): branch of the top Via and method of CSeq. */
int rf_trans_key_client(const struct rf_sip_msg *resp, struct rf_writer *w);
/* The same key for a request that we are about to send. */
int rf_trans_key_client_of(struct rf_view branch, struct rf_view method, struct rf_writer *w);
/* A request without To tag that came before under another transaction key is a merged one: 482 (8.2.2.2). From tag,
 * Call-ID, CSeq number and method. RF_E_STATE when the request has a To tag: then there is nothing to look for. */
int rf_trans_key_merged(const struct rf_sip_msg *req, struct rf_writer *w);
/* Does this branch start with the magic cookie z9hG4bK (any case, as RFC 3261 7.3.1 has it) and have more behind? */
bool rf_trans_has_cookie(struct rf_view branch);

#endif

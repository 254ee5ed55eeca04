/* Call detail records: one per leg, the legs of a call joined by the session id. In the ledger events of
 * kind "cdr". */
#ifndef RF_LEDGER_CDR_H
#define RF_LEDGER_CDR_H

#include "ledger/ledger.h"
#include "ledger/reader.h"

/* All views may be empty: the field is then absent. */
struct rf_cdr {
	struct rf_view session;    /* the same in all legs of a call */
	struct rf_view leg;        /* "a", "b", "b2", ... */
	struct rf_view direction;  /* "in": the phone called us; "out": we called the phone */
	struct rf_view call_id;
	struct rf_view from, to;   /* AORs as proven and as dialled */
	struct rf_view number;     /* the number that this leg's phone owns */
	struct rf_view device;     /* the phone's name in the site */
	struct rf_view user;       /* who authenticated besides, if anybody */
	struct rf_view location;
	struct rf_view address;    /* the peer's address and port */
	struct rf_view transport;  /* "tls", "tcp", "udp" */
	struct rf_view tls;        /* "TLSv1.3" */
	struct rf_view cipher;     /* "TLS_AES_256_GCM_SHA384" */
	struct rf_view certificate;/* serial of the peer's certificate */
	struct rf_view audio, video; /* SRTP suite, "DTLS-SRTP", or "none" */
	struct rf_wall start, ring, answer, end; /* zero: it did not happen */
	struct rf_view outcome;    /* "answered", "busy", "no-answer", "cancelled", "declined", "refused", "failed",
	                            * "transferred", "picked-up", "parked", "retrieved" */
	struct rf_view related;    /* the session that the leg came from, or (outcome "transferred") went on in */
	uint32_t code;             /* the final SIP status of the leg, 0 when there was none */
	struct rf_view reason;     /* words, when there are any */
	struct rf_view identity;   /* of a caller outside: "A", "B", "C", "valid", or why it is not proven */
	struct rf_view forwarded_by; /* the number whose forward brought the call to this leg */
	struct rf_view ended_by;   /* "caller", "callee", "operator", "system" */
};

int rf_cdr_post(struct rf_ledger *l, struct rf_wall now, const struct rf_cdr *cdr);

/* A record read back; views live in arena a. RF_E_CORRUPT when the line is no cdr or a field is not what it
 * should be. */
int rf_cdr_parse(struct rf_arena *a, const struct rf_ledger_line *line, struct rf_cdr *ret_cdr);

struct rf_cdr_filter {
	const char *since, *until; /* as rf_ledger_when() makes them; NULL: no bound. Compared with the leg's start */
	struct rf_view number;     /* the leg's number, or the user part of from or to; empty: any */
	struct rf_view session;    /* empty: any */
	uint64_t limit;            /* only the last so many (at most RF_CDR_LAST_MAX), 0: all */
};
enum { RF_CDR_LAST_MAX = 100000 };

/* Calls visit for every record that passes, oldest first; line is the whole JSON. visit returning other than 0 stops.
 * Damaged lines are stepped over and counted in *ret_damaged (may be NULL). */
int rf_cdr_query(const char *dir, const struct rf_cdr_filter *filter,
	int (*visit)(void *arg, const struct rf_cdr *cdr, const struct rf_ledger_line *line), void *arg,
	uint64_t *ret_damaged, struct rf_diag *diag);

#endif

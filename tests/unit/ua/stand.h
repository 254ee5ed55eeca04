/* A ua on a fake clock, with a wire instead of sockets: what it sends is kept, what it should receive is handed in. */
#ifndef RF_TEST_UA_STAND_H
#define RF_TEST_UA_STAND_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ua/ua_int.h"

enum { STAND_SENT = 64, STAND_BYTES = 70000 };

struct sent {
	struct rf_flow flow;
	size_t n;
	char text[4096]; /* cut; n is the true length */
};

struct stand {
	struct rf_mono now;
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_ua *ua;
	struct rf_ua_wire wire;
	struct sent sent[STAND_SENT]; /* the newest STAND_SENT of sent_n */
	size_t sent_n;
	int send_fails;               /* what the wire answers to a send */
	int dial_fails;
	size_t dials;

	/* the user */
	struct rf_srv *srv;           /* the last */
	size_t requests, acks, acked_2xx, refusals, cancelled, no_ack, no_prack, failed, late, gone;
	bool ack_is_strange;  /* what the user says of ACKs */
	char last_request[4096];      /* the message of the last request() */
	struct rf_flow last_flow;
	struct rf_ua_refusal refusal;
	unsigned answer;              /* answer every request with this at once, 0: not */
	bool urgent;                  /* what the user says of requests at the bound */

	/* client transactions */
	struct rf_cli *cli;
	size_t responses, timeouts, cli_failed, cli_gone;
	unsigned status[32];
	char to_tag[32][64];
	int err;
};

/* bounds may be NULL. */
void stand_init(struct stand *s, const struct rf_ua_bounds *bounds, uint8_t worker, unsigned workers);
void stand_fini(struct stand *s);
/* Pass time in steps of at most 50 ms, each a turn of the loop. */
void stand_pass(struct stand *s, unsigned ms);
/* A turn without time. */
void stand_turn(struct stand *s);

struct rf_flow stand_udp(const char *remote);
struct rf_flow stand_stream(const char *remote, uint8_t kind, uint64_t id);
void stand_receive(struct stand *s, const struct rf_flow *flow, const char *text);
void stand_receive_bytes(struct stand *s, const struct rf_flow *flow, struct rf_view bytes);
/* The i-th newest thing sent, 0 is the last. */
const struct sent *stand_last(struct stand *s, size_t back);
/* 0 when it is no response. */
unsigned stand_status(const struct sent *sent);
/* What stands behind name in a header line, up to the line's end or ';' when to_semicolon. In a static buffer of s. */
const char *stand_hdr(const struct sent *sent, const char *name, char buf[static 512]);

/* "METHOD" as from a phone at 192.0.2.7, CSeq and branch as given; to_tag may be NULL. In buf. */
const char *stand_request(char *buf, size_t cap, const char *method, const char *branch, unsigned cseq,
			  const char *to_tag);
/* A response to what the ua sent: its Via, From, To (with to_tag when not NULL), Call-ID, CSeq. In buf. */
const char *stand_response(char *buf, size_t cap, const struct sent *request, unsigned code, const char *to_tag);
/* Send a request of ours to target. */
int stand_call(struct stand *s, const char *method, const struct rf_target *target, uint32_t timeout_ms);
uint64_t stand_count(struct stand *s, enum rf_ua_count what);

#define stand_expect_sent(s, count) assert_int_equal((s)->sent_n, (count))

#endif

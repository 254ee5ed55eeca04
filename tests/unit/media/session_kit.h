/* For tests of sessions: a relay over paths that are none (they keep what they are told), a clock that the test turns,
 * and requests in JSON. */
#ifndef RF_TEST_SESSION_KIT_H
#define RF_TEST_SESSION_KIT_H

#include "fake_path.h"
#include "media/ng_reply.h"
#include "media/relay.h"

struct kit {
	struct rf_media_worker worker;
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_relay *relay;
	struct rf_relay_conf conf;
	struct rf_relay_ops ops;
	uint64_t now_us;
	struct rf_arena arena;
	uint8_t in[65536], out[65536];
	struct rf_ng_reply reply;        /* of the last kit_ask() */
	char sdp[65536];                 /* its description, with a NUL */
	unsigned pinhole_calls, n_ended;
	size_t tuples;
	char ended[64];
	char recordings[1024];           /* what was told of them, a line each: "state tag parties why" */
	uint64_t by;                     /* under whose certificate the next commands come (rf_ng_request.by) */
	unsigned fail_at;                /* 0, or the allocation of the next commands that fails */
	bool failed;                     /* it was reached */
};

/* By default: plain allowed, DTLS, four suites; interfaces "in" (10.0.0.1, 2001:db8:1::1) and "out" (198.51.100.1,
 * 2001:db8:2::1). */
void kit_setup(struct kit *k);
void kit_down(struct kit *k);
/* The same for cmocka: *state is a kit. */
int kit_begin(void **state);
int kit_end(void **state);
/* Make the relay anew with k->conf. */
void kit_again(struct kit *k);
void kit_wait(struct kit *k, uint64_t ms);
/* One request: members of the dictionary after "command" in JSON, 'a' for "; the description apart
 * (NULL: none). The result. */
enum rf_ng_result kit_ask(struct kit *k, const char *command, const char *members, const char *sdp);
/* kit_ask(), and it is done; and it is an error, whose reason has these words in it. */
void ok(struct kit *k, const char *command, const char *members, const char *sdp);
void refused(struct kit *k, const char *command, const char *members, const char *sdp, const char *why);
/* The path that was made as the n-th of those in use. */
struct rf_path *kit_path(struct kit *k, size_t n);
/* Does the last description have this line? */
bool kit_has(const struct kit *k, const char *line);
/* The value of the first line that begins so, in a buffer of the kit's: "" where there is none. */
const char *kit_line(const struct kit *k, const char *begin);

#endif

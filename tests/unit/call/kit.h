/* A whole core on a real ua over loopback UDP, under a clock that the test turns, and phones that are a few lines of
 * script. A phone's certificate is given to the core as if its connection had proven it; `streams` makes its flow
 * look like a connection that can close. */
#ifndef RF_TEST_CALL_KIT_H
#define RF_TEST_CALL_KIT_H

#include "call/call_int.h"
#include "call/control.h"
#include "call/location.h"
#include "call/settings.h"
#include "store/store.h"

enum { KIT_PHONES = 5, KIT_INBOX = 32, KIT_MESSAGE = 8192 };

struct inbox_item {
	size_t n;
	char bytes[KIT_MESSAGE];
};

struct phone {
	struct kit *kit;
	const char *name, *number;
	int fd;
	uint16_t port;
	struct rf_pki_id id;
	bool certificate;        /* shows its certificate */
	bool broken;             /* its INVITE-side names are somebody else's */
	struct inbox_item *inbox;
	size_t in, out;
	struct rf_sip_msg msg;   /* what the last expect took, and its bytes */
	char bytes[KIT_MESSAGE];
	char call_id[128], local[512], remote[512], target[256]; /* the dialog it is in */
	unsigned cseq, branch;
	char authorization[1024]; /* a header line for the next request */
};

struct kit {
	uint64_t now_us;
	int64_t date_moved_us;   /* somebody set the date */
	struct rf_ledger *ledger; /* after kit_ledger() */
	struct rf_loop *loop;
	struct rf_ua *ua;
	struct rf_call_core *core;
	struct rf_location *location;
	struct rf_bindings *bindings;
	struct rf_store *store;
	struct rf_site *site;
	struct rf_directory *directory;
	struct rf_random random;
	struct phone phone[KIT_PHONES];
	uint16_t port;
	char dir[64];
	bool outer;              /* what comes is as if it had come over TLS, at a border's outer side */
	const char *level;
	const char *more;        /* of the site file */
	struct rf_settings_table *settings;
};

#define SDP_PLAIN "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define SDP_HOLD SDP_PLAIN "a=sendonly\r\n"
#define SDP_VIDEO SDP_PLAIN "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

/* level: "minimum", "medium", "highest". With plain media where the level allows it. */
struct kit *kit_new(const char *level);
/* The same with more keys in the site file. */
struct kit *kit_new_with(const char *level, const char *more);
/* Set something for a number, as its owner would; it is on disk afterwards. */
void kit_set(struct kit *k, const char *number, const struct rf_settings_change *change);
void kit_forward(struct kit *k, const char *number, enum rf_forward kind, const char *to);
void kit_free(struct kit *k);
/* Another process of the same site: all but the disk is new. */
void kit_restart(struct kit *k);
/* Turn the loop until nothing comes any more. */
void kit_run(struct kit *k);
/* Move the clock in steps, running in between. */
void kit_wait(struct kit *k, uint64_t ms);
/* Add or replace a user, and look again at the directory. */
void kit_user(struct kit *k, const char *name, const char *number, const char *password);
void kit_reload(struct kit *k);
/* Write a ledger from now on; what it has so far as one text, to be freed, and no more is written. */
void kit_ledger(struct kit *k);
char *kit_record(struct kit *k);
/* How often this stands in a record. */
size_t count_of(const char *text, const char *what);
/* All objects gone after the longest timer. */
void kit_census(struct kit *k);
/* The connection of a phone closes, as the core sees it. */
void kit_lose(struct phone *p);

/* Send bytes as they are. */
void phone_send(struct phone *p, const char *bytes, size_t n);
/* A request outside a dialog. from, to: numbers or whole URIs. extra: more header lines. */
void phone_request(struct phone *p, const char *method, const char *uri, const char *from, const char *to,
		   const char *extra, const char *body);
/* A request in the phone's dialog. */
void phone_in_dialog(struct phone *p, const char *method, const char *extra, const char *body);
void phone_ack(struct phone *p, const char *body);
void phone_cancel(struct phone *p);
/* Answer the request that was expected last; a tag is added to To. */
void phone_answer(struct phone *p, unsigned code, const char *extra, const char *body);
/* The next message must be this request / this status to that method; others before it fail the test. */
void phone_expect(struct phone *p, const char *method);
void phone_expect_status(struct phone *p, unsigned code);
/* Nothing came. */
void phone_silent(struct phone *p);
/* Throw away what came. */
void phone_forget(struct phone *p);
/* Digest for the challenge in p->msg into p->authorization. */
void phone_digest(struct phone *p, const char *user, const char *password, const char *method, const char *uri);
bool phone_has(struct phone *p, const char *text);
/* The same for a number that stands by itself, not among the random digits of a tag. */
bool phone_names(struct phone *p, const char *number);

/* Register and take the 200. */
void phone_register(struct phone *p);
/* a calls b up to the ACK; leaves both with their dialogs. */
void call_up(struct phone *a, struct phone *b, const char *offer, const char *answer);
/* a hangs up, both sides take it. */
void call_down(struct phone *a, struct phone *b);

#endif

/* The insides of a core, for the files of this room and its tests. */
#ifndef RF_CALL_CORE_INT_H
#define RF_CALL_CORE_INT_H

#include "base/arena.h"
#include "base/table.h"
#include "call/core.h"
#include "call/identity.h"
#include "call/location.h"
#include "call/media.h"
#include "call/suspects.h"
#include "ledger/event.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "sip/digest.h"
#include "sip/nonce.h"
#include "store/bindings.h"
#include "store/directory.h"
#include "ua/ua.h"

#include <sys/queue.h>

struct rf_call;
struct rf_registration;

enum {
	RF_CORE_MESSAGE = 65536, /* a message that we build */
	RF_CORE_HEADERS = 8192,  /* headers of an answer */
	RF_CORE_SCRATCH = 512 * 1024,
};

TAILQ_HEAD(rf_call_list, rf_call);
TAILQ_HEAD(rf_registration_list, rf_registration);

struct rf_call_core {
	unsigned worker;
	struct rf_loop *loop;
	struct rf_ua *ua;
	struct rf_directory *directory;
	struct rf_ledger *ledger;
	struct rf_location *location;
	struct rf_bindings *bindings;
	struct rf_random *random;
	const struct rf_log *log;
	struct rf_call_limits limits;

	struct rf_digest_ctx *digest;
	struct rf_digest_policy digest_policy;
	struct rf_nonce *nonce;
	struct rf_suspects *suspects;
	struct rf_sdp_policy media_policy;

	struct rf_hash_key hash_key;
	struct rf_table legs;      /* by our tag */
	struct rf_table flows;     /* legs by the connection that they are on */
	struct rf_table by_id;     /* calls by session id */
	struct rf_table by_number; /* calls by the caller's number: their number is bounded */
	struct rf_call_core **peers; /* all cores of the process, this one among them */
	size_t peer_count;
	struct rf_call_list calls;
	struct rf_registration_list registrations;
	struct rf_call_census census;
	struct rf_call_counters counters;
	struct rf_defer sweep;     /* frees calls that ended in this turn */
	struct rf_call_list ended;

	uint32_t expire_turns;
	bool draining;
	void (*drained)(void *ctx);
	void *drained_ctx;

	struct rf_sip_msg *again;         /* a kept request parsed once more */
	struct rf_arena scratch;          /* reset by whoever used it, before returning */
	uint8_t out[RF_CORE_MESSAGE];     /* the message being built */
	uint8_t head[RF_CORE_HEADERS];    /* the headers of an answer being built */
	uint8_t sdp_out[RF_MEDIA_MAX];    /* the last description that media.c passed */
};

/* A request as it came: where from, and who that proves. */
struct rf_in {
	const struct rf_sip_msg *msg;
	struct rf_srv *srv;        /* NULL for ACK */
	const struct rf_peer *from;
	struct rf_proof proof;
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

/* --- answers without a call */

void rf_core_reply(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason);
void rf_core_reply_headers(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason,
			   struct rf_view headers);
/* Refuse by a verdict: challenge, or code with its text; recorded. */
void rf_core_refuse(struct rf_call_core *core, struct rf_in *in, const struct rf_verdict *v);
/* Allow, Supported, Accept lines. */
void rf_core_put_abilities(struct rf_writer *w);
/* "<sip:host:port;transport=x>" of ours on a flow, as a Contact line. */
void rf_core_put_contact(struct rf_call_core *core, const struct rf_flow *flow, struct rf_writer *w);
void rf_core_put_retry_after(struct rf_writer *w, uint32_t seconds);

/* --- registrar.c */

void rf_registrar_request(struct rf_call_core *core, struct rf_in *in);
void rf_registrar_drop(struct rf_call_core *core); /* those that wait: at the end of the core */

/* --- record.c: events */

void rf_record_identity(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
			const struct rf_proof *proof, const struct rf_verdict *v);
void rf_record_post(struct rf_call_core *core, const struct rf_event *e);

#endif

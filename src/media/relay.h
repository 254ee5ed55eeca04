/* The relay of one worker: sessions by Call-ID, and the commands of the NG protocol (ng.h) on them. A
 * command is done when the function returns. Whoever has several workers sends all commands of one Call-ID
 * to one of them (a keyed hash).
 *
 * Natural way of an offer: ng.h (values) -> relay.c (which session) -> session.h (which parties, which m-lines) -> sdp/
 * parse -> per m-line a path (path.h) and its two ends -> the description built anew for the other side -> ng reply. */
#ifndef RF_MEDIA_RELAY_H
#define RF_MEDIA_RELAY_H

#include "base/hash.h"
#include "base/writer.h"
#include "media/path.h"
#include "media/worker.h"

enum { RF_RELAY_CODED = 100 }; /* docs/security.md */

struct rf_clips;
struct rf_ng_request;
struct rf_relay;

/* What became of a recording (`subscribe request`). */
enum rf_recording_state { RF_RECORDING_ASKED, RF_RECORDING_BEGUN, RF_RECORDING_ENDED, RF_RECORDING_REFUSED };
struct rf_recording {
	enum rf_recording_state state;
	struct rf_view call_id, tag; /* tag: the recorder's; empty: it has none yet */
	const struct rf_view *tags;  /* whose words are copied */
	size_t n_tags;
	struct rf_addr asker;        /* who asked; family 0: a local socket */
	struct rf_addr to;           /* where copies go, of the first m-line; family 0: not known */
	const char *why;             /* ENDED, REFUSED; else NULL */
};

/* What the relay's owner does for it. */
struct rf_relay_ops {
	/* The pinholes that this session needs now: everything of it that stood before and is not among these is to be
	 * closed. n 0: the session is over. key: names the session as long as it lives. May be NULL. */
	void (*pinholes)(void *ctx, uint64_t key, const struct rf_path_tuple *tuples, size_t n);
	/* A session ended by itself (silence) or by rf_relay_end_by(), or its media failed
	 * (fingerprint): for the record. */
	void (*ended)(void *ctx, struct rf_view call_id, const char *why);
	/* A key that this party pressed, as an event or in its sound, where a request asked for it (`detect DTMF`); to:
	 * the stream on which it did (rf_ng_request.stream), 0: none. The border makes an INFO of it. A sound that was
	 * played to this party is over. Neither may end a session. May be NULL. */
	void (*dtmf)(void *ctx, uint64_t to, struct rf_view call_id, struct rf_view tag, unsigned event, unsigned ms);
	void (*played)(void *ctx, struct rf_view call_id, struct rf_view tag);
	/* Somebody records, or wanted to: for the record. May be NULL. */
	void (*recording)(void *ctx, const struct rf_recording *recording);
	/* Is this address in a network of the inside? A description that names one to an outer interface is refused.
	 * May be NULL: none is. */
	bool (*inside)(void *ctx, const struct rf_addr *at);
};

/* What a leg may be: the site's policy for those who ask for nothing special. Requests may only be stricter. */
struct rf_relay_policy {
	bool plain_allowed;          /* a leg without encryption (by request, where the policy lets it) */
	bool dtls;
	unsigned suites;             /* bits 1u << enum rf_srtp_suite */
	uint32_t silence_ms;         /* 0: 60000: a session without media ends */
	uint32_t unanswered_ms;      /* 0: 180000: an offer without answer ends */
	size_t sessions_max;         /* 0: 10000 */
	size_t coded_max;            /* m-lines that are transcoded at a time; 0: RF_RELAY_CODED */
};

struct rf_relay_conf {
	struct rf_media_worker *worker;
	struct rf_loop *loop;
	struct rf_random *random;
	const struct rf_log *log;
	struct rf_hash_key hash_key;
	struct rf_relay_policy policy;
	const char *fingerprint;     /* for a=fingerprint: of the certificate of the worker's DTLS
				      * (rf_dtls_ctx_print()); NULL: DTLS is refused. As long as the relay lives */
	const struct rf_clips *clips; /* that may be played by name; shared by all workers, as long as the
				       * relay lives. NULL: none */
	const struct rf_relay_ops *ops;
	void *ctx;
};

int rf_relay_new(const struct rf_relay_conf *conf, struct rf_relay **ret_relay);
/* Ends every session. */
void rf_relay_free(struct rf_relay *r);

/* Do it; the whole reply without its cookie is put onto w, in the encoding of the request. Never
 * fails but for w's room. */
void rf_relay_do(struct rf_relay *r, const struct rf_ng_request *req, struct rf_writer *w);

/* Whoever asked under one of these certificates (rf_ng_request.by, in order) is not believed any more: the sessions
 * that they made or changed end, which ops->ended hears with why. How many. */
size_t rf_relay_end_by(struct rf_relay *r, const uint64_t *by, size_t n, const char *why);

struct rf_relay_census {
	size_t sessions, parties, media, coded;
	uint64_t left_out;           /* attributes of descriptions that did not cross, since the start */
	uint64_t untold;             /* keys past their rate, which were told to nobody, since the start */
};
struct rf_relay_census rf_relay_census(const struct rf_relay *r);

/* ---- of all workers together: whoever has several answers `list` and `statistics` itself (RF_NG_LISTING,
 * RF_NG_STATISTICS never come to rf_relay_do()), and shows people what runs */

struct rf_ng_stats_relay;
/* Adds what this relay has and has had to the sums in stats; commands, errors, uptime and rates are
 * not its own to count. */
void rf_relay_count(const struct rf_relay *r, struct rf_ng_stats_relay *stats);

/* One session. Views are good for the visit. */
struct rf_relay_view {
	struct rf_view call_id;
	int64_t created_s;           /* seconds since 1970 */
	bool answered;
	size_t parties, media;       /* media: paths, of recorders too */
	size_t recorders;            /* that get copies, or have been offered some */
};
/* Each session, the newest last; false from visit ends it. */
void rf_relay_each(const struct rf_relay *r, bool (*visit)(void *arg, const struct rf_relay_view *session), void *arg);

/* Each path of a session: the number of its m-line (from 1) and the tags of the parties at its ends (empty: nobody
 * yet), what else is to be said of it is asked of path.h. Behind those the paths of recorders: end 0 is the recorder's,
 * and there is no other; tag[1] is the party whose words go there. RF_E_NOT_FOUND: no such session here. */
int rf_relay_show(const struct rf_relay *r, struct rf_view call_id,
		  void (*visit)(void *arg, unsigned index, const struct rf_view tag[RF_PATH_ENDS], bool recorder,
				const struct rf_path *p), void *arg);

#endif

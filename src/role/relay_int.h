/* The relay's parts, private to role/relay*.c. One context, made by rf_anchor_run(), passed down.
 *
 *	relay.c         the visible block: open, give up, run, stop
 *	relay_plan.c    what the site says, as values
 *	relay_open.c    what must be opened while we may
 *	relay_tls.c     who is let in by TLS, and for how long
 *	relay_worker.c  the worker threads and the mail to and from them
 *	relay_gate.c    where requests come in
 *	relay_ask.c     requests of the NG protocol: to the worker that has the call, or to all
 *	relay_stun.c    STUN for whoever asks
 *	relay_tell.c    what goes on record; pinholes on their way to main
 *	relay_admin.c   answers on the control socket
 *
 * Threads: main owns everything here but what a worker's loop owns (its media and relay); a field that
 * both touch says so. */
#ifndef RF_ROLE_RELAY_INT_H
#define RF_ROLE_RELAY_INT_H

#include "base/random.h"
#include "base/table.h"
#include "ledger/ledger.h"
#include "loop/mail.h"
#include "media/clip.h"
#include "media/fast.h"
#include "media/ng_reply.h"
#include "media/ng_server.h"
#include "media/xsk.h"
#include "net/guard.h"
#include "net/net.h"
#include "pki/revoked.h"
#include "role/admin.h"
#include "role/keeper.h"
#include "role/papers.h"
#include "role/pinhole.h"
#include "role/relay.h"
#include "role/sandbox.h"
#include "role/startup.h"
#include "rtp/dtls.h"
#include "site/site.h"

#include <jansson.h>
#include <pthread.h>

enum {
	ANCHOR_OWED = 4096,
	ANCHOR_LEAVE_US = 300000000, /* so long a border's connection may last past its age while it
				      * always has a request open */
};

struct anchor;

struct anchor_worker {
	struct anchor *anchor;
	unsigned index;
	struct rf_loop *loop;
	struct rf_random random;
	struct rf_media_worker *media;
	struct rf_relay *relay;
	struct rf_media_interface interfaces[RF_MEDIA_INTERFACES_MAX];
	uint8_t *reply;              /* RF_NG_BYTES_MAX */
	bool draining;               /* nothing new */
	/* Pinholes whose end main could not be told yet. */
	struct rf_timer owe;
	size_t owed;
	uint64_t owed_key[ANCHOR_OWED];
	pthread_t thread;
	bool started;
};

/* Where requests come in. A worker hears those of this host and of listed addresses and does its own calls' at once;
 * TLS, whose handshakes wait for the keeper, is main's. */
enum { ANCHOR_GATE_MAIN, ANCHOR_GATE_WORKER, ANCHOR_GATES };
enum { ANCHOR_GATE_SHIFT = 56 };  /* of the numbers of streams: which gate's */
struct anchor_gate {
	struct anchor *anchor;
	struct anchor_worker *worker; /* NULL: main's */
	struct rf_net *net;           /* of its loop */
	struct rf_guard *guard;
	struct rf_ng_server *server;
};

struct anchor_listen { struct rf_addr at; int fd; enum { ANCHOR_UDP, ANCHOR_TCP, ANCHOR_TLS, ANCHOR_STUN } kind; };

/* What all workers have, added up: relay_worker.c gathers it. */
struct anchor_sums {
	struct rf_relay_census census;
	struct rf_media_census media;
	struct rf_media_totals totals;
	bool polls;                  /* workers fetch media from the driver */
	struct rf_ng_stats_relay ng;
	struct rf_ng_server_stats server; /* of the gates of workers; anchor_gates_add() adds main's */
};

struct anchor {
	const struct rf_anchor_options *opt;
	const struct rf_log *log;
	struct rf_clock clock;
	struct rf_mono started_at;
	struct rf_random random;
	struct rf_hash_key hash_key;
	struct rf_anchor_plan plan;

	/* what is open */
	struct rf_site *site, *first_site; /* NULL: it runs alone. The second keeps host alive */
	const struct rf_site_host *host;
	int lock_fd, admin_fd, notify_fd, ready_fd, signal_fd, unix_fd;
	struct anchor_listen listen[4 * RF_ANCHOR_NG_MAX];
	unsigned listens;
	struct rf_ledger *ledger;    /* NULL: alone */
	struct rf_keeper *keeper;
	struct rf_tls *tls_server, *tls_client;
	struct rf_revoked *revoked;  /* NULL: alone */
	bool part_due;               /* it is another one, and sessions of who is in it have yet to end */
	struct rf_papers papers;
	struct rf_dtls_ctx *dtls;
	struct rf_clips *clips;      /* sounds by name; NULL: none */
	struct rf_fast *fast;        /* NULL: everything in user space */
	struct rf_xsk *xsk;          /* NULL: everything that is in user space by sockets */
	char fast_why[520], xsk_why[520]; /* why, though it was asked for */
	unsigned workers;
	size_t keep_max;             /* sockets of each worker that may wait for another call */
	size_t files;                /* descriptors below this number are for media, too */

	/* what was given up */
	struct rf_sandbox_user user;
	bool become, filtered;
	int landlock_abi;
	char user_name[RF_STARTUP_NAME];
	uid_t owner;

	/* what runs */
	struct rf_loop *loop;        /* main's */
	struct anchor_gate gate[ANCHOR_GATES];
	struct rf_udp *stun[RF_ANCHOR_NG_MAX];
	unsigned stuns;
	struct rf_guard *stun_guard;
	uint64_t stun_answered, stun_refused, stun_limited;
	struct rf_pinholes *pinholes; /* NULL: no wall stands around us */
	struct rf_watch *signals;
	struct rf_admin *admin;
	struct rf_timer interval;    /* what was refused goes on record; are we empty? */
	unsigned seconds;            /* of it */
	uint64_t record_at_us, drain_until_us;
	struct rf_media_totals told; /* as of the last record */
	uint64_t told_refused;
	uint64_t pin_failures, pin_told_us;
	struct anchor_worker *worker; /* workers of them */
	bool stopping, ended;

	/* rates, once a second */
	struct anchor_sums last;
	uint64_t packet_rate, byte_rate, error_rate;
	bool gathering;
};

/* relay_open.c: each takes what the one before left. */
int anchor_load(struct anchor *a, struct rf_diag *diag);
int anchor_open_ledger(struct anchor *a, struct rf_diag *diag);
int anchor_bind(struct anchor *a, struct rf_diag *diag);
int anchor_hand_over(struct anchor *a, struct rf_diag *diag);
/* The kernel's way, where it is asked for. What it lacks is said in log and status; media goes
 * through the process then. */
void anchor_open_fast(struct anchor *a);
void anchor_open_xsk(struct anchor *a); /* the same of packets past the sockets */
/* Before the process gives up its rights: no request opens a file. */
int anchor_read_sounds(struct anchor *a, struct rf_diag *diag);
/* The site again, whole or not at all. *ret_restart: what of it takes a restart, "": nothing. */
int anchor_reload(struct anchor *a, const char *by, const char **ret_restart, struct rf_diag *diag);

/* relay_tls.c */
int anchor_start_keeper(struct anchor *a, struct rf_diag *diag);
int anchor_make_tls(struct anchor *a, struct rf_diag *diag);
/* Our certificate and the list of revoked ones, as they are on the disk; or what was before stays. */
int anchor_take_papers(struct anchor *a, struct rf_diag *diag);
/* Borders that are connected: are they still ones that we believe? */
void anchor_review(struct anchor *a);
/* Once a second: has somebody written a file of those anew? now: he says so. */
void anchor_renew(struct anchor *a, bool now);

/* relay_stun.c */
int anchor_open_stun(struct anchor *a);
void anchor_close_stun(struct anchor *a);
json_t *anchor_stun_json(const struct anchor *a);

/* relay_worker.c */
int anchor_make_workers(struct anchor *a, struct rf_diag *diag);
int anchor_start_workers(struct anchor *a, struct rf_diag *diag);
void anchor_join_workers(struct anchor *a);
void anchor_free_workers(struct anchor *a);
/* Go through all workers, one after the other: at() on each one's thread, then done() on main's. A visit is embedded in
 * what it gathers. RF_E_LIMIT: no way to the workers; nothing comes then. done with err: the loops end. */
struct anchor_visit {
	struct rf_mail mail;
	struct anchor *anchor;
	unsigned next;
	void (*at)(struct anchor_visit *v, struct anchor_worker *w);
	void (*done)(struct anchor_visit *v, int err);
};
int anchor_visit(struct anchor *a, struct anchor_visit *v);
void anchor_add(struct anchor_sums *sums, const struct anchor_worker *w);
struct anchor_worker *anchor_worker_of(struct anchor *a, struct rf_view call_id);

/* relay_gate.c */
int anchor_open_gates(struct anchor *a); /* main's loop and the workers are there */
/* Nothing is heard any more. Then what is still asked is answered to nobody, and the rest may go. */
void anchor_shut_gates(struct anchor *a);
void anchor_free_gate(struct anchor_gate *g);
/* Main's, beside what the workers' were when they were visited. */
struct rf_ng_server_stats anchor_gates_add(const struct anchor *a, const struct anchor_sums *sums);
void anchor_gate_count(const struct anchor_gate *g, struct rf_ng_server_stats *sum);

/* relay_ask.c: arg of these is a gate */
extern const struct rf_ng_server_ops anchor_ng_ops;

/* relay_tell.c */
extern const struct rf_relay_ops anchor_relay_ops;
extern const struct rf_relay_ops anchor_relay_ops_unwalled; /* no wall is there to be asked */
extern const struct rf_pinholes_ops anchor_pinholes_ops;
void anchor_event(struct anchor *a, struct rf_event *e, enum rf_event_kind kind); /* begun, with the host's name */
void anchor_post(struct anchor *a, const struct rf_event *e);
void anchor_owe_fire(struct rf_timer *t);
void anchor_record_refusals(struct anchor *a, const struct anchor_sums *sums);

/* relay_admin.c */
extern const struct rf_admin_verb anchor_verbs[];

/* relay.c */
void anchor_stop(struct anchor *a, const char *by, unsigned wait_s);
const char *anchor_why(const struct rf_diag *diag, char *dst, size_t cap);

#endif

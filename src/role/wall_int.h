/* The wall's front: its parts, private to role/wall*.c. One thread, one loop; one context, passed down.
 *
 *	wall.c        the visible block: open, give up, run, stop
 *	wall_open.c   what must be opened while we may
 *	wall_tls.c    our certificate, and the list of revoked ones
 *	wall_peer.c   connections of borders and relays, their lines
 *	wall_pin.c    pinholes: whose, until when; batches to the hand
 *	wall_block.c  addresses that are dropped, until when
 *	wall_hand.c   what the hand says: bundles, drops
 *	wall_admin.c  answers on the control socket
 *	wall_line.c   the parser of lines; wall_right.c: which tuples a host may open */
#ifndef RF_ROLE_WALL_INT_H
#define RF_ROLE_WALL_INT_H

#include "base/hash.h"
#include "base/random.h"
#include "base/table.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "net/net.h"
#include "net/stream.h"
#include "net/tls.h"
#include "pki/revoked.h"
#include "policy/flow.h"
#include "role/admin.h"
#include "role/hand.h"
#include "role/keeper.h"
#include "role/papers.h"
#include "role/sandbox.h"
#include "role/startup.h"
#include "role/wall.h"
#include "role/wall_line.h"

#include <jansson.h>
#include <sys/queue.h>

struct rf_front;

/* A host of the site that asks for pinholes, by its name: it outlives connections and reloads. */
struct rf_wall_host {
	struct rf_front *wall;
	char name[64];               /* "": the slot is free */
	unsigned streams;
	size_t pins, openings;       /* openings are among the pins */
	struct rf_timer grace;       /* runs while it has pinholes and no connection */
	uint64_t refused_second;     /* when a refusal of it was last recorded */
};

struct rf_wall_pin {
	struct rf_node node;
	struct rf_wall_host *host;
	struct rf_timer end;
	struct rf_tuple tuple;
};

/* A request that waits for the kernel; its connection may end before. */
struct rf_wall_wait;

struct rf_wall_peer {
	struct rf_front *wall;
	struct rf_stream *stream;
	struct rf_wall_host *host;   /* NULL until it is known */
	struct rf_wall_wait *waits;
	unsigned waiting;
	struct rf_pki_id *id;        /* who it is, by its certificate; NULL until it is known */
	uint64_t open_us;
	LIST_ENTRY(rf_wall_peer) link;
};

/* What is to be done in the kernel, in order. */
struct rf_wall_job {
	struct rf_hand_element element;
	struct rf_wall_wait *wait;   /* NULL: nobody waits */
	uint32_t index;              /* of its request's tuples */
};

enum { RF_WALL_JOBS = 262144, RF_WALL_ASKED = 16, RF_WALL_SAMPLES = 64, RF_WALL_LISTENS = 16 };
enum {
	RF_WALL_LOOK_MS = 1000,
	RF_WALL_REVIEW = 10,         /* looks: certificates end, and connections grow old */
	RF_WALL_LEAVE_US = 300000000, /* so long a connection may last past its age while it
				       * always has a request open */
};

struct rf_wall_jobs {
	struct rf_wall_job *v;       /* a ring of RF_WALL_JOBS */
	size_t first, n;
	size_t flying;               /* of the first ones: with the hand */
	uint32_t id;                 /* of that order */
};

struct rf_wall_counts {
	uint64_t opened, refreshed, closed, expired, refused, failed, blocked;
};

struct rf_wall_sample {
	char id[RF_HAND_ID];
	char packet[128];            /* "udp 10.1.2.3:5060 > 10.2.3.4:5060" */
};

struct rf_front {
	const struct rf_wall_options *opt;
	const struct rf_log *log;
	struct rf_clock clock;
	struct rf_mono started_at;
	struct rf_random random;
	struct rf_hash_key hash_key;

	/* what is open */
	struct rf_site *site, *first_site; /* the second keeps host and router alive */
	const struct rf_site_host *host;
	const struct rf_site_router *router;
	struct rf_flows flows;
	int lock_fd, admin_fd, notify_fd, ready_fd, signal_fd, listen_fd[RF_WALL_LISTENS];
	unsigned listens;
	struct rf_ledger *ledger;
	struct rf_keeper *keeper;
	struct rf_tls *tls;
	struct rf_revoked *revoked;
	struct rf_papers papers;
	struct rf_hand *hand;

	/* what was given up */
	struct rf_sandbox_user user;
	bool become, filtered;
	int landlock_abi;
	char user_name[RF_STARTUP_NAME];
	uid_t owner;

	/* what runs */
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_listener *listener[RF_WALL_LISTENS];
	struct rf_watch *signals, *hand_ready;
	struct rf_hook flush;        /* jobs leave at the end of a turn */
	struct rf_admin *admin;
	struct rf_timer interval;    /* drops and counts go on record */
	struct rf_timer look;        /* at files, and at who is connected */
	unsigned looks;
	LIST_HEAD(, rf_wall_peer) peers;
	bool stopping, hand_died;

	struct rf_table pins, blocks;
	size_t openings;             /* among the pins */
	struct rf_wall_host hosts[RF_WALL_HOSTS];
	struct rf_wall_jobs jobs;
	struct rf_wall_counts counts, counts_told;

	struct rf_hand_state state;
	struct rf_hand_message *in;  /* the message that is being read */
	struct rf_admin_request *asked[RF_WALL_ASKED]; /* by the order's id: who waits for the hand */
	char asked_by[RF_WALL_ASKED][32];
	uint32_t next_order;
	struct rf_hand_counter *told; /* counters as of the last event; RF_HAND_COUNTERS_MAX */
	size_t told_n;
	struct rf_wall_sample samples[RF_WALL_SAMPLES];
	size_t sample_n;
};

/* wall_open.c: each takes what the one before left. */
int rf_wall_load(struct rf_front *w, struct rf_diag *diag);
int rf_wall_open_ledger(struct rf_front *w, struct rf_diag *diag);
int rf_wall_bind(struct rf_front *w, struct rf_diag *diag);
int rf_wall_hand_over(struct rf_front *w, struct rf_diag *diag);
/* The site file again, whole or not at all: flows, hosts. */
int rf_wall_reload(struct rf_front *w, const char *by, struct rf_diag *diag);

/* wall_tls.c */
int rf_wall_start_keeper(struct rf_front *w, struct rf_diag *diag);
/* Our certificate and the list of revoked ones, as they are on the disk; or what was before stays. */
int rf_wall_take_papers(struct rf_front *w, struct rf_diag *diag);
void rf_wall_look_fire(struct rf_timer *t);

/* wall_peer.c */
/* Who is connected: are they still those whom we believe? Whoever is not ends, with all pinholes of its host. */
void rf_wall_review(struct rf_front *w);
extern const struct rf_stream_ops rf_wall_stream_ops;
/* All is done, or failed at the i-th tuple (UINT32_MAX: at none). Ends the wait. */
void rf_wall_answer(struct rf_wall_wait *wait, uint32_t failed);
/* Which of the site's hosts is this, if it may ask for pinholes? */
const struct rf_site_host *rf_wall_host_of(const struct rf_front *w, struct rf_view name);

/* wall_pin.c */
int rf_wall_pins_init(struct rf_front *w);
void rf_wall_pins_fini(struct rf_front *w);
/* Check and do a request. wait: told when the kernel has done it. 0; RF_E_DENIED, RF_E_NOT_FOUND with *ret_index,
 * RF_E_LIMIT, RF_E_BUSY: nothing was done. RF_E_DENIED with the rule that did it. */
int rf_wall_pin_request(struct rf_front *w, struct rf_wall_host *host, const struct rf_wall_request *r,
			struct rf_wall_wait *wait, uint32_t *ret_index, const char **ret_rule);
/* Something for the hand; there is room for it. */
void rf_wall_push(struct rf_front *w, const struct rf_hand_element *e, struct rf_wall_wait *wait, uint32_t index);
void rf_wall_pins_flush(struct rf_hook *hook);
void rf_wall_pins_done(struct rf_front *w, const struct rf_hand_message *m);
void rf_wall_host_lost(struct rf_wall_host *host);  /* its last connection went */
void rf_wall_host_back(struct rf_wall_host *host);
void rf_wall_host_out(struct rf_wall_host *host);   /* it is not believed any more: its pinholes are closed now */

/* wall_block.c: as rf_wall_pin_request() */
int rf_wall_block_request(struct rf_front *w, struct rf_wall_host *host, const struct rf_wall_request *r,
			  struct rf_wall_wait *wait, uint32_t *ret_index);
void rf_wall_block_undo(struct rf_front *w, const struct rf_hand_element *e); /* the kernel did not take it */
void rf_wall_blocks_fini(struct rf_front *w);
json_t *rf_wall_blocks_json(struct rf_front *w);

/* wall_hand.c */
void rf_wall_hear(void *arg, unsigned events);      /* the hand's descriptor is ready */
void rf_wall_told_state(struct rf_front *w);         /* at the start: what was taken back, what is loaded */
void rf_wall_interval_fire(struct rf_timer *t);
/* An order of a command: who waits for its answer. RF_E_BUSY. */
int rf_wall_order(struct rf_front *w, enum rf_hand_what what, const struct rf_hand_order *order,
		  struct rf_admin_request *r, const char *by);

/* wall_admin.c */
extern const struct rf_admin_verb rf_wall_verbs[];
json_t *rf_wall_status(struct rf_front *w);
void rf_wall_answer_json(struct rf_admin_request *r, json_t *j);

/* wall.c */
void rf_wall_stop(struct rf_front *w, const char *by);
void rf_wall_event(struct rf_front *w, struct rf_event *e, enum rf_event_kind kind); /* begun, with the router's name */
const char *rf_wall_why(const struct rf_diag *diag, char *dst, size_t cap);

#endif

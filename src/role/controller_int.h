/* The call server's parts, as a controller or as a border; private to role/controller*.c. One context, made by
 * rf_controller_run(), passed down.
 *
 *	controller.c         the visible block: open, give up, run, stop
 *	controller_open.c    what must be opened while we may
 *	controller_border.c  what is otherwise when it is a border
 *	controller_tls.c     its TLS contexts, at the start and again
 *	controller_trunks.c  the authorities of trunks, and what is known of them
 *	controller_worker.c  the worker threads and the mail to them
 *	controller_reload.c  the next site and directory, whole or not at all
 *	controller_admin.c   answers on the control socket
 *	controller_number.c  the same about what people set for their numbers
 *	controller_tone.c    who plays tones to phones
 *	controller_stir.c    what the site has for caller identity
 *
 * Threads: main owns everything here but what a worker's loop owns (its ua and core); a field that both touch says so.
 * */
#ifndef RF_ROLE_CONTROLLER_INT_H
#define RF_ROLE_CONTROLLER_INT_H

#include "base/hash.h"
#include "base/random.h"
#include "base/table.h"
#include "call/core.h"
#include "call/location.h"
#include "call/relays.h"
#include "call/settings.h"
#include "call/stir.h"
#include "call/stir_setup.h"
#include "ledger/ledger.h"
#include "loop/loop.h"
#include "loop/mail.h"
#include "net/dns.h"
#include "net/penalty.h"
#include "net/tls.h"
#include "net/udp.h"
#include "role/admin.h"
#include "role/announcer.h"
#include "role/controller.h"
#include "role/fetcher.h"
#include "role/host.h"
#include "role/keeper.h"
#include "role/load_meter.h"
#include "role/notifier.h"
#include "role/papers.h"
#include "role/relative_vfs.h"
#include "role/sandbox.h"
#include "site/site.h"
#include "store/bindings.h"
#include "store/directory.h"
#include "store/store.h"
#include "ua/ua.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum { RF_CONTROLLER_WORKERS_MAX = RF_KEEPER_CHANNELS_MAX, RF_CONTROLLER_TRUNK_CAS = 32 };

struct rf_controller;
struct rf_pinholes;

/* Contexts of one reading of the certificates. */
struct rf_controller_tls {
	atomic_uint refs;
	struct rf_tls *server, *client; /* NULL: the site speaks no TLS */
	struct rf_tls *browser;      /* of wss listeners; NULL without any */
	struct rf_tls *outer, *trunk; /* of a border: its listeners and connections towards trunks */
	size_t ca_n;
	struct rf_trunk_ca ca[RF_CONTROLLER_TRUNK_CAS];
};

struct rf_worker {
	struct rf_controller *controller;
	unsigned index;
	struct rf_loop *loop;
	struct rf_dns *dns;
	struct rf_ua *ua;
	struct rf_call_core *core;
	struct rf_controller_tls *tls; /* what its core was given last */
	struct rf_random random;
	struct rf_timer second;      /* worker 0: expiry of bindings */
	struct rf_timer sample;      /* load */
	struct rf_load_meter meter;
	uint32_t udp_dropped;        /* datagrams, by the kernel, as of the last sample */
	struct rf_mail drained;      /* to main, once: no call is left */
	struct rf_mail drain;        /* from main, once */
	pthread_t thread;
	bool started;
};

/* One address to listen on, with a socket for each worker. */
struct rf_listen {
	const struct rf_site_listen *asked; /* of first_site, or static */
	struct rf_addr local;
	const struct rf_site_ip *advertised; /* what peers are told instead, of first_site; NULL: local */
	bool outer;                        /* a border's, towards trunks */
	int fd[RF_CONTROLLER_WORKERS_MAX]; /* -1: none, or adopted */
};

struct rf_controller {
	const struct rf_controller_options *opt;
	const struct rf_log *log;
	struct rf_clock clock;
	struct rf_mono started_at;
	struct rf_hash_key hash_key;
	uint8_t nonce_key[RF_CALL_NONCE_KEY];

	/* what is open */
	struct rf_site *site;
	const struct rf_site_host *host; /* in the site that it was started with, which first_site keeps alive */
	struct rf_site *first_site;
	int lock_fd, admin_fd, notify_fd, ready_fd, signal_fd;
	struct rf_ledger *ledger;
	struct rf_keeper *keeper;
	struct rf_fetcher *fetcher;  /* NULL: the site fetches no certificates */
	struct rf_papers papers;
	struct rf_announcer *announcer; /* NULL: nobody plays tones */
	struct rf_notifier *notifier; /* NULL: the site names no program */
	struct rf_controller_tls *tls; /* the newest; workers may have the one before */
	const struct rf_site_trunk *logins[RF_KEEPER_LOGINS_MAX]; /* whose passwords the keeper has, by its numbers */
	unsigned login_n;
	const char *trunk_files[RF_CONTROLLER_TRUNK_CAS]; /* authorities of trunks: strings of first_site */
	size_t trunk_file_n;
	struct rf_trunks *trunks;
	struct rf_penalties *penalties; /* a border's, NULL else */
	struct rf_pinholes *walls;   /* that drop what it blocks; NULL: there are none */
	struct rf_net *wall_net;
	pthread_mutex_t penalty_lock; /* over penalty_site, which workers read */
	struct rf_site *penalty_site;
	struct rf_listen listen[RF_UA_LISTENERS_MAX];
	size_t listens;
	unsigned workers;
	int statm_fd;                /* for the load meters; -1: none */
	uint64_t memory_bytes;       /* what there is for this process; 0: not known */

	/* what was given up */
	struct rf_sandbox_user user;
	bool become;                 /* root becomes that user */
	bool filtered;
	int landlock_abi;            /* 0: none */
	char user_name[64];
	uid_t owner;                 /* of the site directory */

	/* what runs */
	struct rf_relative_vfs *vfs;
	struct rf_store *store;
	struct rf_directory *directory;
	struct rf_bindings *bindings;
	struct rf_location *location;
	struct rf_settings_table *settings;
	struct rf_stir_setup *stir;  /* NULL: the site has nothing for caller identity */
	char stir_refused[600];      /* why calls are not signed as its files say; "": they are, or none are to be */
	char logins_refused[600];    /* the same of passwords of trunks */
	bool logins_new;             /* workers have to be told that there are others */
	struct rf_renew secrets;     /* files of caller identity and of passwords */
	struct timespec stir_store_at; /* its store of certificates was last changed */
	struct timespec crl_at;      /* the list of revoked certificates was last changed: a border's */
	int64_t crl_until_s;         /* and when the next was promised; 0: not */
	struct rf_loop *loop;        /* main's */
	struct rf_watch *signals;
	struct rf_watch *hook_ends;
	struct rf_admin *admin;
	struct rf_timer poll;        /* the database, health */
	struct rf_timer give_up;     /* of waiting for calls to end */
	struct rf_worker worker[RF_CONTROLLER_WORKERS_MAX];
	unsigned draining;           /* workers that have calls yet */
	bool stopping, keeper_missed;

	/* the last reload */
	struct rf_wall reload_at;
	char reload_result[600];
	struct stat site_stat;       /* of site.yaml when it was last read */
};

/* controller_open.c: each takes what the one before left in k. */
int rf_controller_load(struct rf_controller *k, struct rf_diag *diag);
int rf_controller_open_ledger(struct rf_controller *k, struct rf_diag *diag);
int rf_controller_start_keeper(struct rf_controller *k, struct rf_diag *diag);
int rf_controller_bind(struct rf_controller *k, struct rf_diag *diag);
/* state/ and ledger/ to the service user, and the site file readable by its group. */
int rf_controller_hand_over(struct rf_controller *k, struct rf_diag *diag);

/* controller_border.c */
static inline bool rf_controller_is_border(const struct rf_controller *k)
{
	return k->opt->border;
}
static inline const char *rf_controller_role(const struct rf_controller *k)
{
	return k->opt->border ? "border" : "controller";
}
/* Does this process speak with trunks? A controller does where the site has no border. */
bool rf_controller_has_trunks(const struct rf_controller *k, const struct rf_site *site);
bool rf_controller_two_sides(const struct rf_controller *k);
int rf_controller_outer_chain(const struct rf_controller *k, char dst[static RF_RENEW_PATH], struct rf_diag *diag);
/* As rf_controller_bind(), of a border. */
int rf_controller_border_bind(struct rf_controller *k, struct rf_diag *diag);
/* Another socket for every worker. */
int rf_controller_listen(struct rf_controller *k, const struct rf_site_listen *asked, const struct rf_site_ip *ip,
			 uint16_t port, struct rf_listen **ret_listen, struct rf_diag *diag);
/* Who this site knows: from the database, of a border from the list of revoked certificates alone. */
int rf_controller_directory(struct rf_controller *k, struct rf_site *site, struct rf_directory **ret_dir,
			    struct rf_diag *diag);
/* On record, when its time is over and each day after. */
void rf_controller_tell_old_list(struct rf_controller *k);
/* Has the list of revoked certificates changed? */
bool rf_controller_crl_changed(struct rf_controller *k);
/* What the positive list of a border dropped, by rule, over all workers; zeros left out. */
json_t *rf_controller_dropped_json(const struct rf_controller *k);
/* The media relays of a border, to a worker's core. */
/* The relays of a border by this site, in the order in which they are asked: the one of this host, those of other hosts
 * of the site, those of `media.relays`. How many. */
size_t rf_controller_relays(const struct rf_controller *k, const struct rf_site *site,
			    struct rf_relay_at at[static RF_NG_RELAYS_MAX]);
int rf_controller_give_relays(struct rf_controller *k, struct rf_worker *w);
/* What the cores are told of both sides. */
void rf_controller_sides(const struct rf_controller *k, struct rf_call_config *conf);

/* controller_tls.c */
bool rf_controller_wants_tls(const struct rf_controller *k);
/* Certificates and authorities as they are on the disk, into k->tls; or what was before stays. */
int rf_controller_take_papers(struct rf_controller *k, struct rf_diag *diag);
void rf_controller_watch_papers(struct rf_controller *k); /* the files that only a call server has */
void rf_controller_tls_put(struct rf_controller_tls *tls);
struct rf_tls *rf_controller_listen_tls(const struct rf_controller_tls *tls, const struct rf_listen *l);
void rf_controller_give_tls(struct rf_worker *w, struct rf_controller_tls *tls); /* to its core; on its thread, or
										  * before it runs */
int rf_controller_publish_tls(struct rf_controller *k); /* k->tls, to all who make connections; as
							 * rf_controller_publish() */

/* controller_trunks.c */
int rf_controller_open_trunks(struct rf_controller *k, struct rf_diag *diag);
void rf_controller_close_trunks(struct rf_controller *k);
/* Can this site run without a restart, as far as its trunks' authorities go? */
/* For the keeper: logins has room for RF_KEEPER_LOGINS_MAX. RF_E_LIMIT. */
int rf_controller_trunk_logins(struct rf_controller *k, struct rf_keeper_login *logins, unsigned *ret_n,
			       struct rf_diag *diag);
/* rf_trunk_password_fn: asks the keeper. Any thread. */
int rf_controller_password(void *ctx, struct rf_view trunk, const struct rf_digest_cred *cred, struct rf_view method,
			   char ret_hex[static 2 * RF_DIGEST_HASH_MAX]);
/* The keeper reads the passwords again; the workers are told with the next rf_controller_publish(). False:
 * k->logins_refused says what is wrong. */
bool rf_controller_take_logins(struct rf_controller *k);
/* Does the keeper have every login of next? */
bool rf_controller_logins_fit(const struct rf_controller *k, const struct rf_site *next);
bool rf_controller_trunks_fit(const struct rf_controller *k, const struct rf_site *next);
json_t *rf_controller_trunks_json(const struct rf_controller *k);

/* controller_penalty.c: a border's; nothing in a controller */
int rf_controller_open_penalties(struct rf_controller *k, struct rf_diag *diag);
void rf_controller_penalty_site(struct rf_controller *k, struct rf_site *site); /* who is spared from now on */
int rf_controller_open_walls(struct rf_controller *k, struct rf_diag *diag); /* on main's loop */
void rf_controller_wall_tls(struct rf_controller *k); /* k->tls, for walls */
void rf_controller_close_walls(struct rf_controller *k); /* no worker runs, main's loop turns no more */
void rf_controller_close_penalties(struct rf_controller *k); /* no worker runs any more */
json_t *rf_controller_penalties_json(struct rf_controller *k);
int rf_controller_forgive(struct rf_controller *k, struct rf_view address); /* RF_E_MALFORMED, RF_E_NOT_FOUND */

/* controller_hook.c */
int rf_controller_start_hook(struct rf_controller *k, struct rf_diag *diag); /* before the first thread */
int rf_controller_watch_hook(struct rf_controller *k);                         /* on the main loop */
int rf_controller_tell_hook(void *ctx, struct rf_view text);                   /* any thread; ctx: the controller */

/* controller_tone.c */
int rf_controller_start_announcer(struct rf_controller *k, struct rf_diag *diag); /* before the first thread */
int rf_controller_give_announcer(struct rf_controller *k, struct rf_worker *w);   /* its channel to a worker's core */

/* controller_worker.c */
int rf_controller_make_workers(struct rf_controller *k, struct rf_diag *diag);
int rf_controller_start_workers(struct rf_controller *k, struct rf_diag *diag);
void rf_controller_join_workers(struct rf_controller *k);
void rf_controller_free_workers(struct rf_controller *k);
/* The present directory, with its site, to every worker. -ENOMEM: to none or some; the caller tries again later. */
int rf_controller_publish(struct rf_controller *k);
/* Every worker ends its calls; rf_controller_drained() comes on main when all have. */
void rf_controller_drain(struct rf_controller *k);
void rf_controller_drained(struct rf_controller *k);

/* controller_stir.c */
/* Before the first thread, where the site names hosts to fetch from. */
int rf_controller_start_fetcher(struct rf_controller *k, struct rf_diag *diag);
/* *ret_setup NULL: the site neither signs nor verifies. The keeper reads its key again; what is wrong with that is in
 * k->stir_refused, and a key that cannot be read any more is no error but one that signs nothing. */
int rf_controller_load_stir(struct rf_controller *k, const struct rf_site *site, struct rf_stir_setup **ret_setup,
			    struct rf_diag *diag);
/* The same for the present site, into k->stir; workers are told by rf_controller_publish(). An error:
 * what was before stays. */
int rf_controller_take_stir(struct rf_controller *k, struct rf_diag *diag);
void rf_controller_watch_stir(struct rf_controller *k); /* its files and those of passwords, into k->secrets */
/* Did a command change the store of certificates? Then take it up. */
void rf_controller_poll_stir(struct rf_controller *k);

/* controller_reload.c */
int rf_controller_reload(struct rf_controller *k, const char *by, struct rf_diag *diag);
/* Were certificates or authorities written anew? Then take them up. */
void rf_controller_poll_papers(struct rf_controller *k);
/* The same of the key of caller identity, its certificate, and passwords. */
void rf_controller_poll_secrets(struct rf_controller *k);
/* Did a command change the database? Then take it up. */
void rf_controller_poll_store(struct rf_controller *k);
void rf_controller_remember_site_file(struct rf_controller *k);

/* controller_admin.c */
extern const struct rf_admin_verb rf_controller_verbs[], rf_controller_border_verbs[];
/* controller_number.c: verbs of that table */
void rf_controller_do_number(void *ctx, struct rf_admin_request *r);
void rf_controller_do_numbers(void *ctx, struct rf_admin_request *r);
void rf_controller_do_number_set(void *ctx, struct rf_admin_request *r);

/* controller.c */
void rf_controller_stop(struct rf_controller *k, const char *by);
/* "file:line:column: text" of a diag. Returns dst. */
const char *rf_controller_why(const struct rf_diag *diag, char *dst, size_t cap);
void rf_controller_event_id(struct rf_controller *k, struct rf_event *e);

#endif

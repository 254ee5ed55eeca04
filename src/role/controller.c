#include "role/controller_int.h"
#include "role/lock.h"
#include "role/startup.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 1000
#define DRAIN_MS 5000

const char *rf_controller_why(const struct rf_diag *d, char *dst, size_t cap)
{
	if (d->file[0] && d->line)
		snprintf(dst, cap, "%s:%u:%u: %s", d->file, d->line, d->column, d->text);
	else
		snprintf(dst, cap, "%s%s%s", d->file, d->file[0] ? ": " : "",
			 d->text[0] ? d->text : rf_err_text(d->code));
	return dst;
}

int rf_controller_probe(const char *dir, const char *role, int *ret_pid)
{
	char state[4096];

	if ((size_t)snprintf(state, sizeof state, "%s/state", dir) >= sizeof state)
		return -ENAMETOOLONG;
	return rf_lock_probe(state, role, ret_pid);
}

/* Which configuration an event speaks of. */
void rf_controller_event_id(struct rf_controller *k, struct rf_event *e)
{
	char digest[65];
	struct rf_writer w;

	rf_writer_init(&w, digest, sizeof digest);
	rf_put_hex(&w, k->site->digest, sizeof k->site->digest);
	rf_event_str(e, "config", rf_view_of(digest, w.n));
	rf_event_str(e, "site", k->site->name);
	rf_event_cstr(e, "level", rf_level_name(k->site->level));
}

/* ---- stopping and signals, on main's loop */

void rf_controller_drained(struct rf_controller *k)
{
	if (k->draining && --k->draining == 0)
		rf_loop_stop(k->loop);
}

static void give_up_fire(struct rf_timer *t)
{
	struct rf_controller *k = rf_container(t, struct rf_controller, give_up);

	rf_log(k->log, RF_LOG_WARN, "%u workers still have calls after %d ms: stopping without them", k->draining,
	       DRAIN_MS);
	rf_loop_stop(k->loop);
}

void rf_controller_stop(struct rf_controller *k, const char *by)
{
	struct rf_event e;

	if (k->stopping)
		return;
	k->stopping = true;
	rf_log(k->log, RF_LOG_INFO, "stopping, asked by %s", by);
	rf_event_init(&e, RF_EVENT_STOP, k->clock.wall(k->clock.ctx));
	rf_event_cstr(&e, "by", by);
	rf_ledger_post(k->ledger, &e);
	rf_timer_start(rf_loop_wheel(k->loop), &k->give_up, DRAIN_MS);
	rf_controller_drain(k);
}

static void on_signal(void *arg, unsigned events)
{
	struct rf_controller *k = arg;
	struct signalfd_siginfo s;
	struct rf_diag diag = { 0 };

	(void)events;
	while (read(k->signal_fd, &s, sizeof s) == (ssize_t)sizeof s) {
		if (s.ssi_signo == SIGHUP)
			rf_controller_reload(k, "SIGHUP", &diag);
		else
			rf_controller_stop(k, s.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
	}
}

/* Once a second: what commands changed in the database, and whether the keeper lives. */
static void poll_fire(struct rf_timer *t)
{
	struct rf_controller *k = rf_container(t, struct rf_controller, poll);
	struct rf_keeper_state keeper;
	struct rf_event e;

	rf_timer_start(rf_loop_wheel(k->loop), &k->poll, POLL_MS);
	if (k->stopping)
		return;
	rf_controller_poll_papers(k);
	rf_controller_poll_secrets(k);
	rf_controller_poll_store(k);
	rf_controller_tell_old_list(k);
	if (k->keeper) {
		rf_keeper_tidy(k->keeper);
		rf_keeper_state(k->keeper, &keeper);
	}
	if (!k->keeper || keeper.alive || k->keeper_missed)
		return;
	k->keeper_missed = true;
	rf_log(k->log, RF_LOG_ERROR, "the key keeper has ended: no new TLS connection can be made until a restart");
	rf_event_init(&e, RF_EVENT_FAULT, k->clock.wall(k->clock.ctx));
	rf_event_cstr(&e, "what", "keeper");
	rf_event_cstr(&e, "why", "the key keeper has ended");
	rf_ledger_post(k->ledger, &e);
}

/* ---- telling who started us */

static void tell_ready(struct rf_controller *k)
{
	json_t *listen = json_array();
	char text[RF_ADDR_TEXT];

	for (size_t i = 0; i < k->listens; i++) {
		const struct rf_addr *a = rf_ua_local(k->worker[0].ua, i);

		json_array_append_new(listen, json_pack("{s:s,s:s}", "transport",
							rf_transport_name(k->listen[i].asked->transport), "address",
							rf_addr_text(a, text)));
		rf_log(k->log, RF_LOG_INFO, "listening on %s %s", rf_transport_name(k->listen[i].asked->transport),
		       text);
	}
	rf_startup_tell(k->log, &k->ready_fd,
			json_pack("{s:b,s:s,s:i,s:o}", "ok", 1, "role", rf_controller_role(k), "pid", (int)getpid(),
				  "listen", listen));
	if (k->notify_fd >= 0 && write(k->notify_fd, "READY=1", 7) < 0)
		rf_log(k->log, RF_LOG_WARN, "the service manager could not be told that we are ready");
	rf_log(k->log, RF_LOG_INFO, "ready: %s of site %s, %u workers", rf_controller_role(k),
	       rf_site_cstr(k->site->name), k->workers);
}

/* ---- start */

static void raise_limits(const struct rf_controller *k)
{
	struct rlimit lim;
	rlim_t want = k->site->limits.connections + 1024;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	struct rlimit more = { want, want > lim.rlim_max ? want : lim.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	lim.rlim_cur = lim.rlim_max; /* may not be raised: at least all of what there is */
	setrlimit(RLIMIT_NOFILE, &lim);
	if (lim.rlim_cur < want)
		rf_log(k->log, RF_LOG_WARN, "the site allows %u connections, this process may open %llu files",
		       k->site->limits.connections, (unsigned long long)lim.rlim_cur);
}

/* Everything that the running controller may reach in the file system. */
static int open_landlock(struct rf_controller *k, struct rf_sandbox_landlock *ret_ll, struct rf_diag *diag)
{
	bool border = rf_controller_is_border(k);
	const struct rf_sandbox_path paths[] = {
		{ border ? "ledger/border" : "state", RF_SANDBOX_WRITE, true },
		{ border ? "ledger/border" : "ledger", RF_SANDBOX_WRITE, true },
		{ ".", RF_SANDBOX_READ, true },                        /* the site file again, for a reload */
		{ rf_site_cstr(k->site->phones_file), RF_SANDBOX_READ, false }, /* may lie elsewhere */
		{ "/usr/share/zoneinfo", RF_SANDBOX_READ, false },     /* likewise: its time zone */
		{ "/etc/resolv.conf", RF_SANDBOX_READ, false },        /* c-ares */
		{ "/run/systemd/resolve", RF_SANDBOX_READ, false },    /* where resolv.conf may point */
		{ "/etc/hosts", RF_SANDBOX_READ, false },
		{ "/etc/nsswitch.conf", RF_SANDBOX_READ, false },
		{ "/etc/host.conf", RF_SANDBOX_READ, false },
		{ "/sys/devices/system/cpu", RF_SANDBOX_READ, false }, /* userspace-rcu */
	};
	int rc = rf_sandbox_landlock_open(paths, sizeof paths / sizeof paths[0], ret_ll, diag);

	k->landlock_abi = ret_ll->abi;
	if (rc != RF_E_UNSUPPORTED)
		return rc;
	if (k->site->level == RF_LEVEL_HIGHEST)
		return rf_diag_set(diag, rc,
				   "this kernel has no Landlock, and level highest does not go without: enable "
				   "CONFIG_SECURITY_LANDLOCK and lsm=landlock, or choose another level");
	rf_log(k->log, RF_LOG_WARN, "this kernel has no Landlock: files are protected by the user %s alone",
	       k->user_name);
	return 0;
}

/* Landlock opens the site's folder for a reload, and pki/ lies in it: as another user than the owner we are kept out by
 * the modes of the keys; as the owner by nothing. */
static int look_at_keys(struct rf_controller *k, struct rf_diag *diag)
{
	if (access("pki/ca.key", R_OK) < 0)
		return 0;
	if (k->site->level == RF_LEVEL_HIGHEST)
		return rf_diag_set(diag, RF_E_DENIED, "user %s, who this process runs as, may read pki/ca.key: level "
				   "highest does not go without. Start it as root, so that it becomes %s",
				   k->user_name, rf_site_cstr(k->site->run_as));
	rf_log(k->log, RF_LOG_WARN,
	       "user %s, who this process runs as, may read the keys in pki/: start it as root, so that it becomes %s",
	       k->user_name, rf_site_cstr(k->site->run_as));
	return 0;
}

static int give_up(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_sandbox_landlock ll = { .fd = -1 };
	int rc = open_landlock(k, &ll, diag);

	tzset(); /* reads /etc/localtime while it may */
	if (!rc)
		rc = rf_sandbox_drop_user(k->become ? &k->user : NULL, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	if (!rc)
		rc = look_at_keys(k, diag);
	if (!rc)
		rc = rf_sandbox_syscalls(RF_SANDBOX_CONTROLLER, &k->filtered, diag);
	if (ll.fd >= 0)
		close(ll.fd);
	if (!rc)
		rf_log(k->log, RF_LOG_INFO, "confined: user %s, Landlock ABI %d, system call filter %s", k->user_name,
		       k->landlock_abi, k->filtered ? "on" : "off (built with a sanitizer)");
	return rc;
}

/* A border knows no phones but those that come from outside, and those only while they are there (call/roam.h). */
static int open_border(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_location_limits limits = { .aors = k->site->limits.registrations,
					     .bindings_per_aor = k->site->sip.bindings_per_number };
	int rc = rf_controller_directory(k, k->site, &k->directory, diag);

	if (!rc)
		rc = rf_controller_load_stir(k, k->site, &k->stir, diag);
	if (!rc && (rc = rf_location_new(&limits, &k->hash_key, &k->location)))
		rf_diag_set(diag, rc, "the location table: %s", rf_err_text(rc));
	if (!rc)
		rf_location_enter(k->location);
	return rc;
}

/* From here on we are confined, and may have threads. */
static int open_stores(struct rf_controller *k, struct rf_diag *diag)
{
	/* A millisecond more on a REGISTER lets a busy worker's changes share one commit and one wake-up. */
	struct rf_bindings_options bindings = { .path = "state/bindings.log", .old_path = "state/bindings.db",
						.gather_us = 1000 };
	struct rf_location_limits limits = { .aors = k->site->limits.registrations,
					     .bindings_per_aor = k->site->sip.bindings_per_number };
	size_t loaded = 0;

	if (rf_controller_is_border(k))
		return open_border(k, diag);
	k->vfs = rf_relative_vfs_new();
	if (!k->vfs)
		return rf_diag_set(diag, -ENOMEM, "SQLite: out of memory");
	int rc = rf_store_open("state/directory.db", true, &k->store, diag);
	if (!rc)
		rc = rf_controller_directory(k, k->site, &k->directory, diag);
	if (!rc)
		rc = rf_controller_load_stir(k, k->site, &k->stir, diag);
	if (!rc)
		rc = rf_bindings_start(&bindings, &k->bindings, diag);
	if (!rc && (rc = rf_location_new(&limits, &k->hash_key, &k->location)))
		rf_diag_set(diag, rc, "the location table: %s", rf_err_text(rc));
	if (rc)
		return rc;
	rf_location_enter(k->location);
	rc = rf_settings_start("state/settings.db", &k->hash_key, &k->settings, diag);
	if (rc)
		return rc;
	rc = rf_call_load_bindings(k->location, k->bindings, &k->clock, &loaded);
	if (rc)
		return rf_diag_set(diag, rc, "state/bindings.log: %s", rf_err_text(rc));
	struct rf_bindings_counts counts;

	rf_bindings_counts(k->bindings, &counts);
	if (counts.cut_bytes)
		rf_log(k->log, RF_LOG_WARN, "state/bindings.log ended in %llu bytes that are no whole change: cut off; "
		       "phones that registered last may have to again", (unsigned long long)counts.cut_bytes);
	if (loaded)
		rf_log(k->log, RF_LOG_INFO, "%zu registrations are still good from before", loaded);
	return 0;
}

static int open_main_loop(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_loop_conf conf = { .log = k->log, .name = "main", .slow_ms = 1000 };
	const uid_t uids[] = { k->owner, k->become ? k->user.uid : geteuid() };
	struct rf_admin_options admin = {
		.log = k->log, .listen_fd = k->admin_fd, .uids = uids, .uid_count = 2, .ctx = k,
		.verbs = rf_controller_is_border(k) ? rf_controller_border_verbs : rf_controller_verbs,
	};
	int rc = rf_loop_new(&conf, &k->loop);

	if (!rc)
		rc = rf_watch_new(k->loop, k->signal_fd, on_signal, k, &k->signals);
	if (!rc)
		rc = rf_watch_set(k->signals, RF_WATCH_READ);
	if (!rc)
		rc = rf_controller_watch_hook(k);
	admin.loop = k->loop;
	if (!rc)
		rc = rf_admin_new(&admin, &k->admin);
	if (rc)
		return rf_diag_set(diag, rc, "the main loop: %s", rf_err_text(rc));
	rf_timer_init(&k->give_up, give_up_fire);
	rf_timer_init(&k->poll, poll_fire);
	rf_timer_start(rf_loop_wheel(k->loop), &k->poll, POLL_MS);
	return 0;
}

static void record_start(struct rf_controller *k)
{
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_START, k->clock.wall(k->clock.ctx));
	rf_event_cstr(&e, "role", rf_controller_role(k));
	rf_event_cstr(&e, "version", RF_VERSION);
	if (k->host)
		rf_event_str(&e, "host", k->host->name);
	rf_controller_event_id(k, &e);
	rf_event_cstr(&e, "user", k->user_name);
	rf_event_u64(&e, "landlock", (uint64_t)k->landlock_abi);
	rf_event_bool(&e, "syscalls_filtered", k->filtered);
	rf_ledger_post(k->ledger, &e);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static const char *admin_path(const struct rf_controller *k)
{
	return rf_controller_is_border(k) ? "state/" RF_ADMIN_BORDER_SOCKET : "state/" RF_ADMIN_SOCKET;
}

/* In reverse order of opening; whatever is not there is passed over. */
static void close_all(struct rf_controller *k)
{
	rf_controller_join_workers(k);
	if (k->bindings) /* its thread posts mail to the workers' loops: before they are freed */
		rf_bindings_stop(k->bindings);
	k->bindings = NULL;
	rf_settings_stop(k->settings); /* likewise */
	k->settings = NULL;
	rf_admin_free(k->admin);
	rf_controller_free_workers(k);
	rf_watch_free(k->signals);
	rf_watch_free(k->hook_ends);
	rf_controller_close_walls(k);
	if (k->loop) {
		rf_timer_stop(rf_loop_wheel(k->loop), &k->poll);
		rf_timer_stop(rf_loop_wheel(k->loop), &k->give_up);
		rf_loop_free(k->loop);
	}
	if (k->location) {
		rf_location_leave(k->location);
		rf_location_free(k->location);
	}
	rf_directory_put(k->directory);
	rf_stir_setup_put(k->stir);
	if (k->store)
		rf_store_close(k->store);
	rf_relative_vfs_free(k->vfs);
	for (size_t i = 0; i < k->listens; i++)
		for (unsigned w = 0; w < RF_CONTROLLER_WORKERS_MAX; w++)
			close_fd(&k->listen[i].fd[w]);
	rf_controller_tls_put(k->tls);
	rf_controller_close_trunks(k);
	rf_controller_close_penalties(k);
	rf_keeper_free(k->keeper);
	rf_fetcher_free(k->fetcher);
	rf_notifier_free(k->notifier);
	rf_announcer_free(k->announcer);
	rf_ledger_free(k->ledger);
	if (k->admin_fd >= 0)
		unlink(admin_path(k));
	close_fd(&k->admin_fd);
	close_fd(&k->signal_fd);
	close_fd(&k->statm_fd);
	close_fd(&k->notify_fd);
	rf_site_put(k->site);
	rf_site_put(k->first_site);
	close_fd(&k->lock_fd);
	close_fd(&k->ready_fd); /* last: who started us hears the end of this, and may start the next at once */
}

/* The block of this role: open what is needed, give up what is not, then read from the network. */
static int start(struct rf_controller *k, struct rf_diag *diag)
{
	int rc;

	/* Open, as whoever started us. */
	if ((rc = rf_controller_load(k, diag)) ||
	    (rc = rf_lock_take("state", rf_controller_role(k), &k->lock_fd, diag)) ||
	    (rc = rf_controller_open_ledger(k, diag)) ||
	    (rc = rf_controller_start_keeper(k, diag)) ||
	    (rc = rf_controller_open_trunks(k, diag)) ||
	    (rc = rf_controller_open_penalties(k, diag)) ||
	    (rc = rf_controller_start_fetcher(k, diag)) ||
	    (rc = rf_controller_start_hook(k, diag)) ||
	    (rf_controller_watch_papers(k), rf_controller_watch_stir(k), rc = rf_controller_take_papers(k, diag)) ||
	    (rc = rf_controller_bind(k, diag)) ||
	    (rc = rf_controller_start_announcer(k, diag)) ||
	    (rc = rf_admin_listen("state", admin_path(k) + sizeof "state/" - 1, k->become ? k->user.uid : (uid_t)-1,
				  &k->admin_fd, diag)) ||
	    (rc = rf_startup_signals(&k->signal_fd, diag)) ||
	    (rc = rf_controller_hand_over(k, diag)))
		return rc;
	raise_limits(k);
	k->statm_fd = rf_load_open();
	k->memory_bytes = rf_load_memory();
	k->notify_fd = rf_startup_notify();
	if (!rf_sandbox_one_thread())
		return rf_diag_set(diag, RF_E_STATE, "a thread was started too early: it would not be confined");

	/* Give up. */
	if ((rc = give_up(k, diag)))
		return rc;

	/* Threads, and the network. */
	if ((rc = open_stores(k, diag)) ||
	    (rc = open_main_loop(k, diag)) ||
	    (rc = rf_controller_open_walls(k, diag)) ||
	    (rc = rf_controller_make_workers(k, diag)))
		return rc;
	record_start(k);
	rc = rf_ledger_start(k->ledger);
	if (rc)
		return rf_diag_set(diag, rc, "the ledger's thread: %s", rf_err_text(rc));
	return rf_controller_start_workers(k, diag);
}

int rf_controller_run(const struct rf_controller_options *opt, struct rf_diag *diag)
{
	struct rf_diag own = { 0 };
	char why[900];
	struct rf_controller *k = calloc(1, sizeof *k);

	if (!diag)
		diag = &own;
	if (!k)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	prctl(PR_SET_NAME, "ringfort", 0, 0, 0); /* started as /proc/self/exe, its name would be "exe" */
	k->opt = opt;
	k->log = opt->log;
	k->clock = rf_clock_system();
	k->started_at = k->clock.mono(k->clock.ctx);
	k->lock_fd = k->admin_fd = k->notify_fd = k->signal_fd = k->statm_fd = -1;
	k->ready_fd = opt->ready_fd;
	int rc = start(k, diag);
	if (rc) {
		rf_log(k->log, RF_LOG_ERROR, "%s", rf_controller_why(diag, why, sizeof why));
		rf_startup_tell(k->log, &k->ready_fd, json_pack("{s:b,s:s}", "ok", 0, "error", why));
	} else {
		tell_ready(k);
		rc = rf_loop_run(k->loop);
		if (rc)
			rf_diag_set(diag, rc, "the main loop: %s", rf_err_text(rc));
		rf_log(k->log, RF_LOG_INFO, "stopped");
	}
	close_all(k);
	free(k);
	return rc;
}

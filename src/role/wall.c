#include "role/wall_int.h"

#include "role/lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

const char *rf_wall_why(const struct rf_diag *d, char *dst, size_t cap)
{
	if (d->file[0] && d->line)
		snprintf(dst, cap, "%s:%u:%u: %s", d->file, d->line, d->column, d->text);
	else
		snprintf(dst, cap, "%s%s%s", d->file, d->file[0] ? ": " : "",
			 d->text[0] ? d->text : rf_err_text(d->code));
	return dst;
}

void rf_wall_event(struct rf_front *w, struct rf_event *e, enum rf_event_kind kind)
{
	rf_event_init(e, kind, w->clock.wall(w->clock.ctx));
	rf_event_str(e, "router", w->router->name);
}

/* --- stopping and signals */

void rf_wall_stop(struct rf_front *w, const char *by)
{
	struct rf_event e;

	if (w->stopping)
		return;
	w->stopping = true;
	rf_log(w->log, RF_LOG_INFO, "stopping, asked by %s", by);
	rf_wall_event(w, &e, RF_EVENT_STOP);
	rf_event_cstr(&e, "by", by);
	rf_ledger_post(w->ledger, &e);
	rf_loop_stop(w->loop);
}

static void on_signal(void *arg, unsigned events)
{
	struct rf_front *w = arg;
	struct signalfd_siginfo s;
	struct rf_diag diag = { 0 };
	char why[700];

	(void)events;
	while (read(w->signal_fd, &s, sizeof s) == (ssize_t)sizeof s) {
		if (s.ssi_signo != SIGHUP)
			rf_wall_stop(w, s.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
		else if (rf_wall_reload(w, "SIGHUP", &diag))
			rf_log(w->log, RF_LOG_ERROR, "not reloaded: %s", rf_wall_why(&diag, why, sizeof why));
	}
}

/* --- telling who started us */

static void tell_ready(struct rf_front *w)
{
	json_t *listen = json_array();
	char text[RF_ADDR_TEXT];

	for (unsigned i = 0; i < w->listens; i++)
		json_array_append_new(listen, json_pack("{s:s,s:s}", "transport", "tls", "address",
							rf_addr_text(rf_listener_local(w->listener[i]), text)));
	rf_startup_tell(w->log, &w->ready_fd,
			json_pack("{s:b,s:s,s:i,s:o}", "ok", 1, "role", "wall", "pid", (int)getpid(), "listen",
				  listen));
	if (w->notify_fd >= 0 && write(w->notify_fd, "READY=1", 7) < 0)
		rf_log(w->log, RF_LOG_WARN, "the service manager could not be told that we are ready");
	rf_log(w->log, RF_LOG_INFO, "ready: router %s of site %s", rf_site_cstr(w->router->name),
	       rf_site_cstr(w->site->name));
}

/* --- giving up */

static int give_up(struct rf_front *w, struct rf_diag *diag)
{
	const struct rf_sandbox_path paths[] = {
		{ "state", RF_SANDBOX_WRITE, true },
		{ "ledger", RF_SANDBOX_WRITE, true },
		{ ".", RF_SANDBOX_READ, true }, /* the site file again, for a reload */
		{ rf_site_cstr(w->site->phones_file), RF_SANDBOX_READ, false },
		{ "/usr/share/zoneinfo", RF_SANDBOX_READ, false },
	};
	struct rf_sandbox_landlock ll = { .fd = -1 };
	int rc = rf_sandbox_landlock_open(paths, sizeof paths / sizeof paths[0], &ll, diag);

	w->landlock_abi = ll.abi;
	if (rc == RF_E_UNSUPPORTED && w->site->level != RF_LEVEL_HIGHEST) {
		rf_log(w->log, RF_LOG_WARN, "this kernel has no Landlock: files are protected by the user %s alone",
		       w->user_name);
		rc = 0;
	}
	tzset(); /* reads /etc/localtime while it may */
	if (!rc)
		rc = rf_sandbox_drop_user(w->become ? &w->user : NULL, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	if (!rc)
		rc = rf_sandbox_syscalls(RF_SANDBOX_CONTROLLER, &w->filtered, diag);
	if (ll.fd >= 0)
		close(ll.fd);
	return rc;
}

/* --- what runs */

static int open_loop(struct rf_front *w)
{
	struct rf_loop_conf conf = { .log = w->log, .name = "wall", .slow_ms = 500 };
	struct rf_net_conf net = { .streams = RF_WALL_STREAMS, .streams_per_source = RF_WALL_STREAMS_OF_HOST * 2,
				   .handshakes = 16, .hash_key = w->hash_key };
	int rc = rf_loop_new(&conf, &w->loop);

	if (!rc)
		rc = rf_net_new(w->loop, &net, &w->net);
	if (!rc)
		rc = rf_watch_new(w->loop, w->signal_fd, on_signal, w, &w->signals);
	if (!rc)
		rc = rf_watch_set(w->signals, RF_WATCH_READ);
	if (!rc)
		rc = rf_watch_new(w->loop, rf_hand_fd(w->hand), rf_wall_hear, w, &w->hand_ready);
	if (!rc)
		rc = rf_watch_set(w->hand_ready, RF_WATCH_READ);
	if (!rc)
		rc = rf_wall_pins_init(w);
	return rc;
}

static int open_service(struct rf_front *w)
{
	const uid_t uids[] = { w->owner, w->become ? w->user.uid : geteuid() };
	struct rf_admin_options admin = {
		.loop = w->loop, .log = w->log, .listen_fd = w->admin_fd, .uids = uids, .uid_count = 2,
		.verbs = rf_wall_verbs,
		.ctx = w,
	};
	struct rf_listener_conf listener = {
		.tls = w->tls, .idle_ms = RF_WALL_IDLE_MS, .ops = &rf_wall_stream_ops, .arg = w
	};
	int rc = rf_admin_new(&admin, &w->admin);

	for (unsigned i = 0; i < w->listens && !rc; i++) {
		rc = rf_listener_new_fd(w->net, &listener, w->listen_fd[i], &w->listener[i]);
		if (!rc)
			w->listen_fd[i] = -1;
	}
	rf_loop_hook_add(w->loop, &w->flush, rf_wall_pins_flush);
	rf_timer_init(&w->interval, rf_wall_interval_fire);
	rf_timer_start(rf_loop_wheel(w->loop), &w->interval,
		       (w->opt->drops_s ? w->opt->drops_s : RF_WALL_DROPS_S) * 1000);
	rf_timer_init(&w->look, rf_wall_look_fire);
	rf_timer_start(rf_loop_wheel(w->loop), &w->look, RF_WALL_LOOK_MS);
	return rc;
}

static void record_start(struct rf_front *w)
{
	struct rf_event e;

	rf_wall_event(w, &e, RF_EVENT_START);
	rf_event_cstr(&e, "role", "wall");
	rf_event_cstr(&e, "version", RF_VERSION);
	rf_event_str(&e, "host", w->host->name);
	rf_event_cstr(&e, "user", w->user_name);
	rf_event_u64(&e, "landlock", (uint64_t)w->landlock_abi);
	rf_event_bool(&e, "syscalls_filtered", w->filtered);
	rf_ledger_post(w->ledger, &e);
}

/* The block of this role: open what is needed, give up what is not, then read from the network. */
static int start(struct rf_front *w, struct rf_diag *diag)
{
	struct rf_hand_options hand = { .exe = "/proc/self/exe" };
	int rc;

	if ((rc = rf_wall_load(w, diag)) || (rc = rf_lock_take("state", "wall", &w->lock_fd, diag)) ||
	    (rc = rf_wall_open_ledger(w, diag)) || (rc = rf_wall_start_keeper(w, diag)) ||
	    (rc = rf_wall_take_papers(w, diag)) || (rc = rf_wall_bind(w, diag)) ||
	    (rc = rf_admin_listen("state", RF_ADMIN_WALL_SOCKET, w->become ? w->user.uid : (uid_t)-1, &w->admin_fd,
				  diag)) ||
	    (rc = rf_startup_signals(&w->signal_fd, diag)) || (rc = rf_wall_hand_over(w, diag)))
		return rc;
	hand.site = rf_site_cstr(w->site->name);
	hand.router = rf_site_cstr(w->router->name);
	if ((rc = rf_hand_new(&hand, &w->hand, &w->state, diag)))
		return rc;
	w->notify_fd = rf_startup_notify();
	if (!rf_sandbox_one_thread())
		return rf_diag_set(diag, RF_E_STATE, "a thread was started too early: it would not be confined");
	if ((rc = give_up(w, diag)))
		return rc;

	/* Threads, and the network. */
	if ((rc = open_loop(w)) || (rc = open_service(w)))
		return rf_diag_set(diag, rc, "the wall's loop: %s", rf_err_text(rc));
	record_start(w);
	rf_wall_told_state(w);
	rc = rf_ledger_start(w->ledger);
	return rc ? rf_diag_set(diag, rc, "the ledger's thread: %s", rf_err_text(rc)) : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In reverse order of opening; whatever is not there is passed over. */
static void close_all(struct rf_front *w)
{
	rf_admin_free(w->admin);
	for (unsigned i = 0; i < RF_WALL_LISTENS; i++)
		rf_listener_free(w->listener[i]);
	rf_net_free(w->net); /* ends its connections */
	if (w->loop) {
		rf_loop_hook_del(&w->flush);
		rf_timer_stop(rf_loop_wheel(w->loop), &w->interval);
		rf_timer_stop(rf_loop_wheel(w->loop), &w->look);
		rf_wall_pins_fini(w);
	}
	rf_watch_free(w->signals);
	rf_watch_free(w->hand_ready);
	rf_loop_free(w->loop);
	rf_tls_put(w->tls);
	rf_revoked_free(w->revoked);
	rf_keeper_free(w->keeper);
	rf_hand_free(w->hand); /* takes back what was not confirmed */
	rf_ledger_free(w->ledger);
	if (w->admin_fd >= 0)
		unlink("state/" RF_ADMIN_WALL_SOCKET);
	close_fd(&w->admin_fd);
	close_fd(&w->signal_fd);
	close_fd(&w->notify_fd);
	for (unsigned i = 0; i < RF_WALL_LISTENS; i++)
		close_fd(&w->listen_fd[i]);
	rf_flows_fini(&w->flows);
	rf_site_put(w->site);
	rf_site_put(w->first_site);
	close_fd(&w->lock_fd);
	close_fd(&w->ready_fd);
	free(w->in);
	free(w->told);
}

int rf_wall_run(const struct rf_wall_options *opt, struct rf_diag *diag)
{
	struct rf_front *w = calloc(1, sizeof *w);
	char why[900];

	if (!w)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	prctl(PR_SET_NAME, "ringfort-wall", 0, 0, 0);
	w->opt = opt;
	w->log = opt->log;
	w->clock = rf_clock_system();
	w->started_at = w->clock.mono(w->clock.ctx);
	w->lock_fd = w->admin_fd = w->notify_fd = w->signal_fd = -1;
	for (unsigned i = 0; i < RF_WALL_LISTENS; i++)
		w->listen_fd[i] = -1;
	w->ready_fd = opt->ready_fd;
	w->in = malloc(sizeof *w->in);
	w->told = calloc(RF_HAND_COUNTERS_MAX, sizeof *w->told);
	int rc = w->in && w->told ? start(w, diag) : rf_diag_set(diag, -ENOMEM, "out of memory");
	if (rc) {
		rf_log(w->log, RF_LOG_ERROR, "%s", rf_wall_why(diag, why, sizeof why));
		rf_startup_tell(w->log, &w->ready_fd, json_pack("{s:b,s:s}", "ok", 0, "error", why));
	} else {
		tell_ready(w);
		rc = rf_loop_run(w->loop);
		if (!rc && w->hand_died)
			rc = rf_diag_set(diag, RF_E_CLOSED,
					 "the wall's hand has died; what is loaded is what was confirmed last");
		rf_log(w->log, RF_LOG_INFO, "stopped");
	}
	close_all(w);
	free(w);
	return rc;
}

#include "role/relay_int.h"

#include "role/lock.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	INTERVAL_MS = 1000,
	REVIEW_S = 10,               /* certificates end, and connections grow old */
	CLOSE_MS = 1000,             /* for walls to close what was open */
	FILES_BESIDE = 1024,         /* descriptors that are no media */
	FILES_KEPT = 64,             /* of them: those that media never takes; an eighth where there are few */
	KEPT = 8192,                 /* of each worker: they serve some 200 calls a second */
	MAILS = 1 << 20,             /* to main: at most a few for each session */
};

const char *anchor_why(const struct rf_diag *d, char *dst, size_t cap)
{
	if (d->file[0] && d->line)
		snprintf(dst, cap, "%s:%u:%u: %s", d->file, d->line, d->column, d->text);
	else
		snprintf(dst, cap, "%s%s%s", d->file, d->file[0] ? ": " : "",
			 d->text[0] ? d->text : rf_err_text(d->code));
	return dst;
}

/* --- the end: nothing new, then the calls that are left, then the walls are told, then the loop */

static void end_now(void *arg)
{
	struct anchor *a = arg;

	rf_loop_stop(a->loop);
}

static void end(struct anchor *a)
{
	if (a->ended)
		return;
	a->ended = true;
	if (a->pinholes)
		rf_pinholes_close_all(a->pinholes, CLOSE_MS, end_now, a);
	else
		end_now(a);
}

static void drain_at(struct anchor_visit *v, struct anchor_worker *w)
{
	(void)v;
	w->draining = true;
}

static void drain_done(struct anchor_visit *v, int err)
{
	(void)err; /* the time is bounded without it */
	free(v);
}

void anchor_stop(struct anchor *a, const char *by, unsigned wait_s)
{
	struct anchor_visit *v;
	struct rf_event e;

	if (a->stopping) { /* asked twice: at once */
		end(a);
		return;
	}
	a->stopping = true;
	a->drain_until_us = rf_loop_now(a->loop).us + wait_s * 1000000ull;
	rf_log(a->log, RF_LOG_INFO, "stopping, asked by %s: sessions that run have %u s to end", by, wait_s);
	anchor_event(a, &e, RF_EVENT_STOP);
	rf_event_cstr(&e, "role", "relay");
	rf_event_cstr(&e, "by", by);
	anchor_post(a, &e);
	v = calloc(1, sizeof *v);
	if (v) {
		v->at = drain_at;
		v->done = drain_done;
		if (anchor_visit(a, v))
			free(v);
	}
	rf_timer_start(rf_loop_wheel(a->loop), &a->interval, 0);
}

static void on_signal(void *arg, unsigned events)
{
	struct anchor *a = arg;
	struct signalfd_siginfo s;
	struct rf_diag diag = { 0 };
	const char *restart = "";
	char why[700];

	(void)events;
	while (read(a->signal_fd, &s, sizeof s) == (ssize_t)sizeof s) {
		if (s.ssi_signo != SIGHUP)
			anchor_stop(a, s.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM", RF_ANCHOR_DRAIN_S);
		else if (anchor_reload(a, "SIGHUP", &restart, &diag))
			rf_log(a->log, RF_LOG_ERROR, "not reloaded: %s", anchor_why(&diag, why, sizeof why));
		else if (*restart)
			rf_log(a->log, RF_LOG_WARN, "this takes a restart: %s", restart);
	}
}

/* --- once a second: rates, the record, are we empty */

struct look {
	struct anchor_visit visit;
	struct anchor_sums sums;
};

static void look_at(struct anchor_visit *v, struct anchor_worker *w)
{
	anchor_add(&rf_container(v, struct look, visit)->sums, w);
}

static uint64_t dropped(const struct anchor_sums *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < RF_DROPS; i++)
		n += s->totals.dropped[i];
	return n;
}

static void look_done(struct anchor_visit *v, int err)
{
	struct look *x = rf_container(v, struct look, visit);
	struct anchor *a = v->anchor;
	uint64_t now = err ? 0 : rf_loop_now(a->loop).us;

	a->gathering = false;
	if (!err) {
		a->packet_rate = x->sums.totals.packets - a->last.totals.packets;
		a->byte_rate = x->sums.totals.bytes - a->last.totals.bytes;
		a->error_rate = dropped(&x->sums) - dropped(&a->last);
		a->last = x->sums;
	}
	if (!err && now >= a->record_at_us) {
		a->record_at_us = now + (a->opt->record_s ? a->opt->record_s : RF_ANCHOR_RECORD_S) * 1000000ull;
		anchor_record_refusals(a, &x->sums);
	}
	if (!err && a->stopping && !x->sums.census.sessions)
		end(a);
	free(x);
}

static void interval_fire(struct rf_timer *t)
{
	struct anchor *a = rf_container(t, struct anchor, interval);
	struct look *x;

	rf_timer_start(rf_loop_wheel(a->loop), t, INTERVAL_MS);
	anchor_renew(a, false);
	if (++a->seconds % REVIEW_S == 0)
		anchor_review(a);
	if (a->stopping && rf_loop_now(a->loop).us >= a->drain_until_us)
		end(a);
	if (a->gathering || !(x = calloc(1, sizeof *x)))
		return;
	x->visit.at = look_at;
	x->visit.done = look_done;
	a->gathering = true;
	if (anchor_visit(a, &x->visit)) {
		a->gathering = false;
		free(x);
	}
}

/* --- start */

/* A descriptor for each port is enough for all of them, those that wait for another call included (path_keep.c). Where
 * so many are not to be had, half of what there is may wait: it is closed when a call needs a descriptor. */
static void raise_limits(struct anchor *a)
{
	struct rlimit lim;
	rlim_t want = FILES_BESIDE;

	for (unsigned i = 0; i < a->plan.n_interfaces; i++)
		want += (rlim_t)(a->plan.interfaces[i].port_last - a->plan.interfaces[i].port_first) + 1;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	struct rlimit more = { want, want > lim.rlim_max ? want : lim.rlim_max };
	a->keep_max = KEPT;
	if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
		a->files = want - FILES_KEPT;
		return;
	}
	lim.rlim_cur = lim.rlim_max; /* may not be raised: at least all of what there is */
	setrlimit(RLIMIT_NOFILE, &lim);
	a->files = lim.rlim_cur - (lim.rlim_cur / 8 < FILES_KEPT ? lim.rlim_cur / 8 : FILES_KEPT);
	if (lim.rlim_cur >= want)
		return;
	if (a->keep_max > lim.rlim_cur / 2 / a->workers)
		a->keep_max = lim.rlim_cur / 2 / a->workers;
	rf_log(a->log, RF_LOG_WARN, "there are %llu ports for media, this process may open %llu files",
	       (unsigned long long)want - FILES_BESIDE, (unsigned long long)lim.rlim_cur);
}

static int give_up(struct anchor *a, struct rf_diag *diag)
{
	const struct rf_sandbox_path paths[] = {
		{ "state", RF_SANDBOX_WRITE, true },
		{ "ledger/relay", RF_SANDBOX_WRITE, true },
		{ ".", RF_SANDBOX_READ, true }, /* the site file again, for a reload */
		{ a->site ? rf_site_cstr(a->site->phones_file) : "", RF_SANDBOX_READ, false },
		{ "/usr/share/zoneinfo", RF_SANDBOX_READ, false },
	};
	struct rf_sandbox_landlock ll = { .fd = -1 };
	size_t n = a->site ? sizeof paths / sizeof paths[0] : a->opt->dir ? 1 : 0;
	int rc = rf_sandbox_landlock_open(paths, n, &ll, diag);

	a->landlock_abi = ll.abi;
	if (rc == RF_E_UNSUPPORTED && (!a->site || a->site->level != RF_LEVEL_HIGHEST)) {
		rf_log(a->log, RF_LOG_WARN, "this kernel has no Landlock: files are protected by the user %s alone",
		       a->user_name);
		rc = 0;
	}
	/* Media that comes by TCP is listened for on ports of its own. */
	for (unsigned i = 0; i < a->plan.n_interfaces && !rc && ll.abi; i++)
		if (i == 0 || a->plan.interfaces[i].port_first != a->plan.interfaces[0].port_first)
			rc = rf_sandbox_landlock_ports(&ll, a->plan.interfaces[i].port_first,
						       a->plan.interfaces[i].port_last, diag);
	tzset(); /* reads /etc/localtime while it may */
	if (!rc)
		rc = rf_sandbox_drop_user(a->become ? &a->user : NULL, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	if (!rc)
		rc = rf_sandbox_syscalls(a->fast ? RF_SANDBOX_RELAY_FAST : RF_SANDBOX_RELAY, &a->filtered, diag);
	if (ll.fd >= 0)
		close(ll.fd);
	return rc;
}

static int open_loop(struct anchor *a)
{
	struct rf_loop_conf conf = { .log = a->log, .name = "relay", .slow_ms = 500, .mail_cap = MAILS };
	int rc = rf_loop_new(&conf, &a->loop);

	if (!rc)
		rc = rf_watch_new(a->loop, a->signal_fd, on_signal, a, &a->signals);
	return rc ? rc : rf_watch_set(a->signals, RF_WATCH_READ);
}

static struct rf_addr own_addr(const struct rf_site_ip *ip)
{
	struct rf_addr a = { .family = ip->family };

	memcpy(a.ip, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
	return a;
}

static int open_pinholes(struct anchor *a)
{
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];
	int n = a->site ? rf_pinholes_walls_of(a->site, a->host, walls) : 0;

	if (n <= 0)
		return n;
	struct rf_pinholes_conf conf = {
		.net = a->gate[ANCHOR_GATE_MAIN].net, .log = a->log, .tls = a->tls_client,
		.local = { own_addr(&a->host->address), own_addr(&a->host->address6) }, .walls = walls,
		.n = (unsigned)n, .hash_key = a->hash_key, .ops = &anchor_pinholes_ops, .arg = a,
	};
	return rf_pinholes_new(&conf, &a->pinholes);
}

static int open_service(struct anchor *a)
{
	const uid_t uids[] = { a->owner, a->become ? a->user.uid : geteuid() };
	struct rf_admin_options admin = {
		.loop = a->loop, .log = a->log, .listen_fd = a->admin_fd, .uids = uids, .uid_count = 2,
		.verbs = anchor_verbs,
		.ctx = a,
	};
	int rc = a->admin_fd >= 0 ? rf_admin_new(&admin, &a->admin) : 0;

	if (!rc)
		rc = anchor_open_gates(a);
	if (!rc)
		rc = anchor_open_stun(a);
	if (!rc)
		rc = open_pinholes(a);
	rf_timer_init(&a->interval, interval_fire);
	rf_timer_start(rf_loop_wheel(a->loop), &a->interval, INTERVAL_MS);
	a->record_at_us =
		rf_loop_now(a->loop).us + (a->opt->record_s ? a->opt->record_s : RF_ANCHOR_RECORD_S) * 1000000ull;
	return rc;
}

static void record_start(struct anchor *a)
{
	struct rf_event e;

	anchor_event(a, &e, RF_EVENT_START);
	rf_event_cstr(&e, "role", "relay");
	rf_event_cstr(&e, "version", RF_VERSION);
	rf_event_cstr(&e, "user", a->user_name);
	rf_event_u64(&e, "landlock", (uint64_t)a->landlock_abi);
	rf_event_bool(&e, "syscalls_filtered", a->filtered);
	rf_event_u64(&e, "workers", a->workers);
	anchor_post(a, &e);
}

static int open_control(struct anchor *a, struct rf_diag *diag)
{
	if (!a->opt->dir)
		return 0;
	int rc = rf_lock_take("state", "relay", &a->lock_fd, diag);

	return rc ? rc :
		    rf_admin_listen("state", RF_ADMIN_RELAY_SOCKET, a->become ? a->user.uid : (uid_t)-1, &a->admin_fd,
				    diag);
}

/* The block of this role: open what is needed, give up what is not, then read from the network. */
static int start(struct anchor *a, struct rf_diag *diag)
{
	int rc;

	if ((rc = anchor_load(a, diag)) ||
	    (rc = open_control(a, diag)) ||
	    (rc = anchor_open_ledger(a, diag)) ||
	    (rc = anchor_start_keeper(a, diag)) ||
	    (rc = anchor_make_tls(a, diag)) ||
	    (rc = anchor_bind(a, diag)) ||
	    (rc = rf_startup_signals(&a->signal_fd, diag)) ||
	    (rc = anchor_hand_over(a, diag)))
		return rc;
	if ((rc = anchor_read_sounds(a, diag)))
		return rc;
	anchor_open_fast(a);
	anchor_open_xsk(a);
	a->notify_fd = rf_startup_notify();
	raise_limits(a);
	if (!rf_sandbox_one_thread())
		return rf_diag_set(diag, RF_E_STATE, "a thread was started too early: it would not be confined");
	if ((rc = give_up(a, diag)))
		return rc;

	/* Threads, and the network. */
	if ((rc = open_loop(a)) || (rc = anchor_make_workers(a, diag)) || (rc = open_service(a)))
		return diag->code ? rc : rf_diag_set(diag, rc, "the relay's loop: %s", rf_err_text(rc));
	record_start(a);
	if (a->ledger && (rc = rf_ledger_start(a->ledger)))
		return rf_diag_set(diag, rc, "the ledger's thread: %s", rf_err_text(rc));
	return anchor_start_workers(a, diag);
}

static void tell_ready(struct anchor *a)
{
	json_t *listen = json_array();
	char text[RF_ADDR_TEXT];

	for (unsigned i = 0; i < a->listens; i++)
		json_array_append_new(listen, json_pack("{s:s,s:s}", "transport", a->listen[i].kind == ANCHOR_UDP ? "udp" :
							a->listen[i].kind == ANCHOR_TCP ? "tcp" :
							a->listen[i].kind == ANCHOR_STUN ? "stun" : "tls", "address",
							rf_addr_text(&a->listen[i].at, text)));
	rf_startup_tell(a->log, &a->ready_fd,
			json_pack("{s:b,s:s,s:i,s:o}", "ok", 1, "role", "relay", "pid", (int)getpid(), "listen", listen));
	if (a->notify_fd >= 0 && write(a->notify_fd, "READY=1", 7) < 0)
		rf_log(a->log, RF_LOG_WARN, "the service manager could not be told that we are ready");
	rf_log(a->log, RF_LOG_INFO, "ready: relay%s%s, %u workers, user %s, %s", a->site ? " of site " : "",
	       a->site ? rf_site_cstr(a->site->name) : "", a->workers, a->user_name,
	       a->fast ? "the kernel passes media on where it can" : a->xsk ? "media in user space, past the sockets" : "media in user space");
}

/* --- end */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In reverse order of opening; whatever is not there is passed over. */
static void close_all(struct anchor *a)
{
	anchor_join_workers(a);
	rf_admin_free(a->admin);
	anchor_shut_gates(a);
	anchor_free_workers(a); /* and what was asked of them */
	rf_pinholes_free(a->pinholes);
	anchor_close_stun(a);
	anchor_free_gate(&a->gate[ANCHOR_GATE_MAIN]);
	if (a->loop)
		rf_timer_stop(rf_loop_wheel(a->loop), &a->interval);
	rf_watch_free(a->signals);
	rf_loop_free(a->loop);
	rf_tls_put(a->tls_server);
	rf_tls_put(a->tls_client);
	rf_revoked_free(a->revoked);
	rf_dtls_ctx_free(a->dtls);
	rf_fast_close(a->fast);
	rf_xsk_close(a->xsk);
	rf_clips_free(a->clips);
	rf_keeper_free(a->keeper);
	rf_ledger_free(a->ledger);
	if (a->admin_fd >= 0)
		unlink("state/" RF_ADMIN_RELAY_SOCKET);
	if (a->lock_fd >= 0 && a->site)
		unlink("state/" RF_ANCHOR_NG_SOCKET);
	close_fd(&a->admin_fd);
	close_fd(&a->unix_fd);
	close_fd(&a->signal_fd);
	close_fd(&a->notify_fd);
	for (unsigned i = 0; i < a->listens; i++)
		close_fd(&a->listen[i].fd);
	rf_site_put(a->site);
	rf_site_put(a->first_site);
	close_fd(&a->lock_fd);
	close_fd(&a->ready_fd);
}

int rf_anchor_run(const struct rf_anchor_options *opt, struct rf_diag *diag)
{
	struct anchor *a = calloc(1, sizeof *a);
	char why[900];

	if (!a)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	prctl(PR_SET_NAME, "ringfort-relay", 0, 0, 0);
	a->opt = opt;
	a->log = opt->log;
	a->clock = rf_clock_system();
	a->started_at = a->clock.mono(a->clock.ctx);
	a->lock_fd = a->admin_fd = a->notify_fd = a->signal_fd = a->unix_fd = -1;
	a->ready_fd = opt->ready_fd;
	int rc = start(a, diag);
	if (rc) {
		rf_log(a->log, RF_LOG_ERROR, "%s", anchor_why(diag, why, sizeof why));
		rf_startup_tell(a->log, &a->ready_fd, json_pack("{s:b,s:s}", "ok", 0, "error", why));
	} else {
		tell_ready(a);
		rc = rf_loop_run(a->loop);
		rf_log(a->log, RF_LOG_INFO, "stopped");
	}
	close_all(a);
	free(a);
	return rc;
}

#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	BATCHES_PER_TURN = 4, /* then timers and commands have their turn */
	HOT_BYTES = 384,
	FETCH_STEPS = 2 + RF_SRTP_FETCH_STEPS,
	FEW = 16,             /* after so many sockets it is worth another look */
	PATHS_MAX = 20000,
};

static void fetch(const void *p, size_t n)
{
	for (size_t at = 0; p && at < n; at += 64)
		__builtin_prefetch((const char *)p + at);
}

/* What lies behind an end: how its stream was, whose keys a packet of it is opened and sealed with. */
static void fetch_behind(const struct rf_end *e, const struct rf_end *other, unsigned step)
{
	const struct rf_crypt *c = e->keying == RF_KEYING_PLAIN ? NULL : rf_end_crypt_in(e, false);
	const struct rf_srtp_out *out = other->keying == RF_KEYING_PLAIN ? NULL : rf_end_crypt_out(other, false);

	if (step == 0)
		fetch(e->ssrcs, sizeof *e->ssrcs);
	if (c)
		rf_srtp_in_fetch(c->in, step);
	if (out)
		rf_srtp_out_fetch(out, step);
}

/* With thousands of streams nothing of the next one is in any cache. It comes while those before it are under
 * way, and what can only be found by reading comes later: the ends, the crypts that they point to, and three
 * steps into their keys. */
static void fetch_next(const struct rf_media_worker *w)
{
	for (int step = 0; step < FETCH_STEPS; step++) {
		int at = w->ready_at + FETCH_STEPS - 1 - step;

		if (at >= w->n_ready || !w->ready[at].data.ptr)
			continue;
		const struct rf_sock *s = w->ready[at].data.ptr;

		if (step == 0) {
			fetch(s, HOT_BYTES);
			continue;
		}
		const struct rf_end *e = &s->path->end[s->end], *other = rf_end_other(s->path, e);

		if (step > 1) {
			fetch_behind(e, other, (unsigned)step - 2);
			continue;
		}
		fetch(other, HOT_BYTES);
		fetch(e->keying == RF_KEYING_DTLS ? e->agreed[0] : e->sdes, 1);
		fetch(other->keying == RF_KEYING_DTLS ? other->agreed[0] : other->sdes, 1);
	}
}

/* From descriptors to sockets. What came to one that waits for another call is dropped at once. */
static void find_socks(struct rf_media_worker *w)
{
	for (int i = 0; i < w->n_ready; i++) {
		int fd = w->ready[i].data.fd;
		struct rf_sock *s = w->sock_of[fd];

		if (!s)
			rf_kept_ready(w, fd);
		w->ready[i].data.ptr = s;
	}
}

/* A path that is freed while it is under way takes its sockets out of it. */
unsigned rf_worker_batch(struct rf_media_worker *w, bool ask)
{
	static const struct timespec moment = { 0, 1000 }; /* not nothing: only who waits asks the driver, as
							    * long as the set says */
	int n = ask ? epoll_pwait2(w->epoll, w->ready, RF_PATH_BATCH, &moment, NULL) :
		      epoll_wait(w->epoll, w->ready, RF_PATH_BATCH, 0);

	w->n_ready = n > 0 ? n : 0;
	find_socks(w);
	for (w->ready_at = 0; w->ready_at < w->n_ready;) {
		struct epoll_event *ready = &w->ready[w->ready_at++];
		struct rf_sock *s = ready->data.ptr;

		fetch_next(w);
		if (s && s->path->kind == RF_PATH_STREAM)
			rf_tcp_ready(s, ready->events);
		else if (s)
			rf_sock_ready(s);
	}
	w->ready_at = w->n_ready = 0;
	if (n > 0)
		rf_worker_poll_on(w, (unsigned)n);
	return n > 0 ? (unsigned)n : 0;
}

static void on_ready(void *arg, unsigned events)
{
	(void)events;
	for (int i = 0; i < BATCHES_PER_TURN && rf_worker_batch(arg, false) >= FEW; i++)
		;
}

static int make_places(struct rf_media_worker *w, const struct rf_media_conf *conf)
{
	for (; w->n_places < conf->n_interfaces; w->n_places++) {
		struct rf_media_place *place = &w->place[w->n_places];

		place->conf = conf->interfaces[w->n_places];
		if (!place->conf.local.family)
			return RF_E_INVALID;
		if (!place->conf.advertised.family)
			place->conf.advertised = place->conf.local;
		int rc = rf_ports_new(place->conf.port_first, place->conf.port_last, conf->random, &place->ports);
		if (rc)
			return rc;
	}
	return 0;
}

static int start(struct rf_media_worker *w, const struct rf_media_conf *conf)
{
	int rc = make_places(w, conf);

	if (rc)
		return rc;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	rc = rf_watch_new(w->loop, w->epoll, on_ready, w, &w->watch);
	if (!rc)
		rc = rf_watch_set(w->watch, RF_WATCH_READ);
	if (!rc)
		rc = rf_worker_start_poll(w);
	if (!rc && conf->stock)
		rf_kept_fill(w);
	return rc ? rc : rf_worker_start_xsk(w);
}

int rf_media_worker_new(const struct rf_media_conf *conf, struct rf_media_worker **ret_worker)
{
	if (!conf->n_interfaces || conf->n_interfaces > RF_MEDIA_INTERFACES_MAX)
		return RF_E_INVALID;
	struct rf_media_worker *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	w->conf = *conf;
	w->conf.interfaces = NULL; /* the caller's; ours are in place[] */
	if (!w->conf.paths_max)
		w->conf.paths_max = PATHS_MAX;
	w->loop = conf->loop;
	w->secret = (struct rf_hash_key){ rf_random_u64(conf->random), rf_random_u64(conf->random) };
	w->epoll = -1;
	rf_timer_init(&w->keep, rf_kept_tick);
	int rc = start(w, conf);
	if (rc) {
		rf_media_worker_free(w);
		return rc;
	}
	*ret_worker = w;
	return 0;
}

void rf_media_worker_free(struct rf_media_worker *w)
{
	if (!w)
		return;
	while (w->paths)
		rf_path_free(w->paths);
	rf_kept_drop_all(w);
	rf_timer_stop(rf_loop_wheel(w->loop), &w->keep);
	rf_worker_stop_xsk(w);
	rf_worker_stop_poll(w);
	rf_watch_free(w->watch);
	if (w->epoll >= 0)
		close(w->epoll);
	for (unsigned i = 0; i < RF_MEDIA_INTERFACES_MAX; i++)
		rf_ports_free(w->place[i].ports);
	free(w->sock_of);
	free(w);
}

const struct rf_media_interface *rf_media_interface_at(const struct rf_media_worker *w, unsigned index)
{
	return index < w->n_places ? &w->place[index].conf : NULL;
}

int rf_media_interface_find(const struct rf_media_worker *w, struct rf_view name, unsigned family)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		const struct rf_media_interface *at = &w->place[i].conf;

		if ((rf_view_empty(name) || rf_view_eq(name, rf_view_str(at->name))) &&
		    (!family || at->local.family == family))
			return (int)i;
	}
	return -1;
}

struct rf_media_census rf_media_census(const struct rf_media_worker *w)
{
	struct rf_media_census c = { .paths = w->n_paths,
				     .sockets = w->n_socks,
				     .kept = w->n_kept,
				     .in_kernel = w->n_fast,
				     .in_xdp = w->n_xsk };

	for (unsigned i = 0; i < w->n_places; i++) {
		size_t all = ((size_t)w->place[i].conf.port_last - w->place[i].conf.port_first + 1) / 2;

		c.ports_free += 2 * rf_ports_left(w->place[i].ports);
		c.ports += 2 * (all - rf_ports_left(w->place[i].ports));
		c.dry |= rf_ports_left(w->place[i].ports) ? 0 : (size_t)1 << i;
	}
	return c;
}

bool rf_media_polls(const struct rf_media_worker *w)
{
	return w->poll;
}

void rf_media_totals(const struct rf_media_worker *w, struct rf_media_totals *ret)
{
	for (struct rf_path *p = w->paths; p; p = p->next)
		rf_path_fast_count(p);
	*ret = w->totals;
}

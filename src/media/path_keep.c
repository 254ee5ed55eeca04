/* Sockets between two calls. A socket that is made, bound, watched and closed again costs the kernel some nine microseconds, and a
 * call needs four; so that of a port that is given back stays open, bound and watched, and the next call that draws the port has
 * it. The kernel names it by its descriptor, in a call and between two, so it hears nothing of the change.
 *
 * Nothing of one call reaches another by that. A port rests as long with its socket as without one. What comes to it meanwhile is
 * taken out and dropped as it comes, and counted; and before another call has the socket, it must be empty. The options that a call
 * may set are its DSCP alone, which goes with it. Once no port was asked for for two seconds all of them are closed, so a relay
 * without calls holds no socket. */
#include "media/path_int.h"

#include "base/table.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
	TICK_MS = 1000, SOON_MS = 100,
	QUIET_US = 2000000,
	CLOSED_AT_ONCE = 512,        /* pairs: one to two milliseconds */
	ROOM = 32,                   /* pairs that make room at a time */
	DRAINED = 64,                /* whoever sends more meanwhile floods the port: it gets a new socket */
};

void rf_kept_ready(struct rf_media_worker *w, int fd)
{
	if (recv(fd, w->buf, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		w->totals.dropped[RF_DROP_UNANSWERED]++;
}

static bool is_empty(struct rf_media_worker *w, int fd)
{
	for (unsigned i = 0; i < DRAINED; i++) {
		if (recv(fd, w->buf, 1, MSG_DONTWAIT | MSG_TRUNC) < 0)
			return errno == EAGAIN;
		w->totals.dropped[RF_DROP_UNANSWERED]++;
	}
	return false;
}

int rf_sock_keep(struct rf_media_worker *w, struct rf_sock *s)
{
	int fd = s->fd;

	if (fd < 0)
		return -1;
	if (w->n_kept >= w->conf.keep_max) {
		rf_sock_close(w, s);
		return -1;
	}
	w->n_kept++;
	rf_sock_forget(w, s);
	if (!rf_timer_active(&w->keep))
		rf_timer_start(rf_loop_wheel(w->loop), &w->keep, TICK_MS);
	return fd;
}

bool rf_sock_wake(struct rf_media_worker *w, struct rf_sock *s, int fd, uint8_t dscp)
{
	if (fd < 0)
		return false;
	w->n_kept--;
	if (!is_empty(w, fd) || rf_sock_adopt(w, s, fd) != 0) {
		close(fd);
		return false;
	}
	s->dscp = dscp;
	return true;
}

void rf_kept_drop(struct rf_media_worker *w, const struct rf_port_kept *kept)
{
	for (unsigned i = 0; i < 2; i++)
		if (kept->fd[i] >= 0) {
			w->n_kept--;
			close(kept->fd[i]);
		}
}

static void let_go(void *arg, const struct rf_port_kept *kept)
{
	rf_kept_drop(arg, kept);
}

static bool let_go_of(struct rf_media_worker *w, bool all, size_t most)
{
	bool done = true;

	for (unsigned i = 0; i < w->n_places; i++)
		done = rf_ports_let_go(w->place[i].ports, rf_loop_now(w->loop), all, most, let_go, w) && done;
	return done;
}

void rf_kept_make_room(struct rf_media_worker *w)
{
	let_go_of(w, true, ROOM);
}

void rf_kept_drop_all(struct rf_media_worker *w)
{
	if (w->n_kept)
		let_go_of(w, true, SIZE_MAX);
}

void rf_kept_tick(struct rf_timer *t)
{
	struct rf_media_worker *w = rf_container(t, struct rf_media_worker, keep);
	bool done = let_go_of(w, rf_loop_now(w->loop).us - w->taken_us >= QUIET_US, CLOSED_AT_ONCE);

	if (w->n_kept)
		rf_timer_start(rf_loop_wheel(w->loop), t, done ? TICK_MS : SOON_MS);
}

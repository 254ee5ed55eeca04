/* Sockets between two calls. A socket that is made, bound, watched and closed again costs the kernel some nine
 * microseconds, and a call needs four; so that of a port that is given back stays open, bound and watched, and the next
 * call that draws the port has it. The kernel names it by its descriptor, in a call and between two, so it hears
 * nothing of the change.
 *
 * Nothing of one call reaches another by that. A port rests as long with its socket as without one. What comes to it
 * meanwhile is taken out and dropped as it comes, and counted; and before another call has the socket, it must be
 * empty. The options that a call may set are its DSCP alone, which goes with it. Once no port was asked for for two
 * seconds they are closed but for the stock.
 *
 * The stock is for a relay that nobody has called for a while: its first calls find sockets that were made
 * when it started, and were made again, a few at a time, while there was nothing to do. It is drawn at
 * random from all ports. */
#include "media/path_int.h"

#include "base/table.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
	TICK_MS = 1000, SOON_MS = 100,
	QUIET_US = 2000000,
	CLOSED_AT_ONCE = 512,        /* pairs: one to two milliseconds */
	ROOM = 32,                   /* pairs that make room at a time */
	OPENED_AT_ONCE = 64,         /* pairs of the stock: a millisecond */
	STOCK_SHARE = 4,             /* of an interface's ports at most one in so many is in stock:
				      * they stay hard to guess */
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

static bool let_go_of(struct rf_media_worker *w, unsigned place, bool all, size_t least, size_t most)
{
	return rf_ports_let_go(w->place[place].ports, rf_loop_now(w->loop), all, least, most, let_go, w);
}

void rf_kept_make_room(struct rf_media_worker *w)
{
	for (unsigned i = 0; i < w->n_places; i++)
		let_go_of(w, i, true, 0, ROOM);
}

void rf_kept_drop_all(struct rf_media_worker *w)
{
	for (unsigned i = 0; w->n_kept && i < w->n_places; i++)
		let_go_of(w, i, true, 0, SIZE_MAX);
}

/* ---- the stock */

static size_t stock_of(const struct rf_media_worker *w, unsigned place)
{
	size_t all = w->conf.stock / w->n_places, share = rf_ports_count(w->place[place].ports) / STOCK_SHARE;

	return all < share ? all : share;
}

/* Both sockets of a pair. -errno; -EADDRINUSE: others on this host have it. */
static int open_pair(struct rf_media_worker *w, const struct rf_addr *ip, uint16_t even, struct rf_port_kept *ret)
{
	for (unsigned i = 0; i < 2; i++) {
		int rc = rf_sock_open_fd(w, SOCK_DGRAM, ip, (uint16_t)(even + i), true, &ret->fd[i]);

		if (rc) {
			if (i)
				close(ret->fd[0]);
			return rc;
		}
	}
	ret->dscp[0] = ret->dscp[1] = 0;
	return 0;
}

/* False: there is more to do. Where it cannot be done it is not: calls open what they need themselves. */
static bool fill_place(struct rf_media_worker *w, unsigned place, size_t most)
{
	struct rf_ports *ports = w->place[place].ports;
	struct rf_mono now = rf_loop_now(w->loop);
	size_t stock = stock_of(w, place);
	struct rf_port_kept kept;
	uint16_t even;

	for (; rf_ports_kept(ports) < stock && w->n_kept + 2 <= w->conf.keep_max; most--) {
		if (!most)
			return false;
		if (rf_ports_take_bare(ports, now, &even) != 0)
			break;
		int rc = open_pair(w, &w->place[place].conf.local, even, &kept);

		if (rc) {
			rf_ports_give(ports, now, even, NULL);
			if (rc != -EADDRINUSE)
				break;
			continue;
		}
		w->n_kept += 2;
		rf_ports_stock(ports, now, even, &kept);
	}
	return true;
}

void rf_kept_fill(struct rf_media_worker *w)
{
	for (unsigned i = 0; i < w->n_places; i++)
		fill_place(w, i, SIZE_MAX);
	if (w->n_kept)
		rf_timer_start(rf_loop_wheel(w->loop), &w->keep, TICK_MS);
}

void rf_kept_tick(struct rf_timer *t)
{
	struct rf_media_worker *w = rf_container(t, struct rf_media_worker, keep);
	bool quiet = rf_loop_now(w->loop).us - w->taken_us >= QUIET_US, done = true;

	for (unsigned i = 0; i < w->n_places; i++) {
		done = let_go_of(w, i, quiet, stock_of(w, i), CLOSED_AT_ONCE) && done;
		if (quiet)
			done = fill_place(w, i, OPENED_AT_ONCE) && done;
	}
	if (w->n_kept || w->conf.stock)
		rf_timer_start(rf_loop_wheel(w->loop), t, done ? TICK_MS : SOON_MS);
}

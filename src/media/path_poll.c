/* A worker under load fetches datagrams instead of being told of them.
 *
 * Who is told pays for it each time: an interrupt, the driver's thread, its own waking. When many come the next ones
 * are there already, so the worker waits on its set for a moment with Linux's busy polling of epoll sets (6.9), which
 * asks the driver on this thread. That begins when it is worth it and ends when nothing came for a moment; a worker
 * with little to do sleeps as ever. Until then the interface must keep its interrupts back, which its administrator
 * says (docs/relay.md). What comes takes the way of every datagram, through the host's firewall and its sockets. */
#include "media/path_int.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <sys/ioctl.h>

enum {
	QUIET_US = 200,              /* then it sleeps */
	AT_ONCE = 32,                /* that the driver hands over: passed on in less than the interface's timer
				      * (docs/relay.md) */
	WINDOW_US = 10000,
	FROM = 150,                  /* datagrams of a window, 15,000 a second */
};

/* As <linux/eventpoll.h> of Linux 6.9 has it. */
struct busy {
	uint32_t quiet_us;
	uint16_t at_once;
	uint8_t prefer, zero;
};
#define SET_BUSY _IOW(0x8A, 0x01, struct busy)

static void fetch(struct rf_defer *d)
{
	struct rf_worker_poll *p = rf_container(d, struct rf_worker_poll, again);

	if (p->w)
		rf_worker_batch(p->w, true); /* which goes on with this, while it is worth it */
	else
		free(p);
}

int rf_worker_start_poll(struct rf_media_worker *w)
{
	struct busy busy = { .quiet_us = QUIET_US, .at_once = AT_ONCE, .prefer = 1 };

	if (!w->conf.poll || ioctl(w->epoll, SET_BUSY, &busy) != 0)
		return 0; /* an older kernel: rf_media_polls() says that it does not */
	w->poll = calloc(1, sizeof *w->poll);
	if (!w->poll)
		return -ENOMEM;
	w->poll->w = w;
	rf_defer_init(&w->poll->again, fetch);
	return 0;
}

void rf_worker_poll_on(struct rf_media_worker *w, unsigned n)
{
	struct rf_worker_poll *p = w->poll;

	if (!p)
		return;
	uint64_t now_us = rf_loop_now(w->loop).us, span_us = now_us - p->since_us;

	p->n += n;
	if (span_us >= WINDOW_US) {
		p->busy = (uint64_t)p->n * WINDOW_US >= FROM * span_us;
		p->since_us = now_us;
		p->n = 0;
	}
	if (p->busy || p->n >= FROM)
		rf_loop_defer(w->loop, &p->again);
}

void rf_worker_stop_poll(struct rf_media_worker *w)
{
	if (!w->poll)
		return;
	w->poll->w = NULL;
	if (!w->poll->again.queued)
		free(w->poll);
	w->poll = NULL;
}

#include "base/err.h"
#include "loop/loop_int.h"

#include <stdlib.h>

struct rf_watch {
	uv_poll_t poll;
	struct rf_loop *loop;
	void (*ready)(void *arg, unsigned events);
	void *arg;
	int fd;
	uint8_t events; /* what is watched */
	bool freed;
};

_Static_assert((int)RF_WATCH_READ == (int)UV_READABLE && (int)RF_WATCH_WRITE == (int)UV_WRITABLE,
	       "events are passed on as they are");

static void polled(uv_poll_t *poll, int status, int events)
{
	struct rf_watch *w = poll->data;
	struct rf_loop *loop = w->loop;
	unsigned got = status < 0 ? w->events : (unsigned)events & w->events;
	int fd = w->fd;

	if (w->freed)
		return;
	rf_loop_wake(loop);
	if (status < 0) {
		/* libuv has stopped watching; the owner finds the error by reading or writing and may go on. */
		unsigned again = w->events;

		w->events = 0;
		rf_watch_set(w, again);
	}
	if (got)
		w->ready(w->arg, got);
	rf_loop_took(loop, "the callback of descriptor", fd); /* w may be gone, not its memory before the turn ends */
}

int rf_watch_new(struct rf_loop *loop, int fd, void (*ready)(void *arg, unsigned events), void *arg,
		 struct rf_watch **ret_watch)
{
	struct rf_watch *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	*w = (struct rf_watch){ .loop = loop, .ready = ready, .arg = arg, .fd = fd };
	int rc = uv_poll_init(&loop->uv, &w->poll, fd);
	if (rc) {
		free(w);
		return rc;
	}
	w->poll.data = w;
	*ret_watch = w;
	return 0;
}

int rf_watch_set(struct rf_watch *w, unsigned events)
{
	if (events == w->events)
		return 0;
	int rc = events ? uv_poll_start(&w->poll, (int)events, polled) : uv_poll_stop(&w->poll);

	if (!rc)
		w->events = (uint8_t)events;
	return rc;
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

void rf_watch_free(struct rf_watch *w)
{
	if (!w || w->freed)
		return;
	w->freed = true;
	uv_close((uv_handle_t *)&w->poll, closed);
}

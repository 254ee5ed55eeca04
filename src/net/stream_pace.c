/* Handshakes in their turn. A step of one (the peer's first bytes, then its certificate) costs a worker a millisecond
 * where a message costs a hundredth of that. When a thousand phones come back at once, the steps stand in a queue and a
 * few are done at the end of each turn of the loop, so that the messages of those who are in never wait behind more
 * than these. Handshakes that have begun come before new ones: what was spent on them is not lost to their time running
 * out. A stream in the queue is not read: its bytes stay in the kernel, and OpenSSL's part of it is made when its first
 * step comes. So those that wait cost little and are many: whoever stayed in the kernel's queue would soon be turned
 * away there, and come again after seconds in which nothing is done. Who has given up meanwhile is not begun with. */
#include "net/stream_int.h"

#include <poll.h>

enum { STEPS_PER_TURN = 4, GONE_PER_TURN = 64 };

static struct rf_steps *queue_of(const struct rf_stream *s)
{
	return &s->net->steps[s->ssl ? 0 : 1];
}

static struct rf_stream *next_step(const struct rf_net *net)
{
	if (!TAILQ_EMPTY(&net->steps[0]))
		return TAILQ_FIRST(&net->steps[0]);
	return net->stats.begun < net->conf.handshakes ? TAILQ_FIRST(&net->steps[1]) : NULL;
}

void rf_stream_queue_step(struct rf_stream *s)
{
	if (s->queued)
		return;
	s->queued = true;
	TAILQ_INSERT_TAIL(queue_of(s), s, step);
	rf_watch_set(s->watch, 0);
}

void rf_stream_unqueue_step(struct rf_stream *s)
{
	if (!s->queued)
		return;
	s->queued = false;
	TAILQ_REMOVE(queue_of(s), s, step); /* its SSL comes and goes outside the queue */
}

/* Has the peer closed? */
static bool gone(const struct rf_stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1;
}

static void step(struct rf_stream *s)
{
	rf_stream_unqueue_step(s);
	rf_watch_set(s->watch, RF_WATCH_READ);
	if (!s->ssl) {
		int rc = rf_stream_tls_start(s);

		if (rc) {
			rf_stream_end(s, RF_WHY_MEMORY, rc, NULL);
			return;
		}
		s->begun = true;
		s->net->stats.begun++;
		/* From here on it is the peer that is waited for. */
		rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, s->handshake_ms);
	}
	rf_stream_readable(s);
}

void rf_stream_steps(struct rf_net *net)
{
	unsigned steps = 0, gave_up = 0;
	struct rf_stream *s;

	while (steps < STEPS_PER_TURN && gave_up < GONE_PER_TURN && (s = next_step(net))) {
		if (!s->ssl && gone(s)) {
			gave_up++;
			rf_stream_end(s, RF_WHY_PEER, 0, "the peer gave up before its turn");
		} else {
			steps++;
			step(s);
		}
	}
	s = next_step(net);
	if (s)
		rf_watch_set(s->watch, RF_WATCH_READ); /* the next turn comes at once */
}

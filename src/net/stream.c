#include "net/stream_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_MS = 2000 };

static const struct {
	const char *name, *text;
} whys[RF_WHY_COUNT] = {
	[RF_WHY_LOCAL] = { "local", "closed by this side" },
	[RF_WHY_PEER] = { "peer", "closed by the peer" },
	[RF_WHY_RESET] = { "reset", "broken by the peer or the network" },
	[RF_WHY_CONNECT] = { "connect", "no connection could be made" },
	[RF_WHY_CONNECT_TIME] = { "connect-timeout", "no connection was made in time" },
	[RF_WHY_HANDSHAKE] = { "handshake", "the TLS handshake failed" },
	[RF_WHY_HANDSHAKE_TIME] = { "handshake-timeout", "the TLS handshake was not finished in time" },
	[RF_WHY_IDLE] = { "idle", "nothing came from the peer for too long" },
	[RF_WHY_OUTPUT_FULL] = { "output-full", "the peer does not read what is sent" },
	[RF_WHY_INPUT_FULL] = { "input-full", "the peer sent a message that does not end within the bound" },
	[RF_WHY_TLS] = { "tls", "the TLS connection broke" },
	[RF_WHY_MEMORY] = { "memory", "no memory" },
};

_Static_assert((int)RF_WHY_COUNT <= 16 && (int)RF_TLS_FAIL_COUNT <= 16, "rf_net_stats counts by these");

const char *rf_stream_why_name(enum rf_stream_why why)
{
	return (unsigned)why < RF_WHY_COUNT ? whys[why].name : "unknown";
}

static void count_handshake(struct rf_stream *s, bool on)
{
	if (s->handshaking == on)
		return;
	s->handshaking = on;
	s->net->stats.handshaking += on ? 1 : (uint64_t)-1;
	s->net->stats.begun -= s->begun;
	s->begun = false;
}

/* ---- the end */

static void die(struct rf_stream *s)
{
	if (s->state == RF_STREAM_DEAD)
		return;
	s->state = RF_STREAM_DEAD;
	rf_timer_stop(rf_loop_wheel(s->net->loop), &s->timer);
	rf_stream_unmark_dirty(s);
	rf_stream_unqueue_step(s);
	rf_watch_free(s->watch);
	s->watch = NULL;
	close(s->fd);
	rf_stream_tls_free(s);
	rf_stream_out_free(s);
	rf_stream_carry_free(s);
	rf_net_source_put(s->net, s->source);
	s->source = NULL;
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->net->stats.streams--;
	rf_loop_defer(s->net->loop, &s->defer);
}

/* Nobody waits for this stream any more. What is queued leaves; then the peer is told, and its last bytes are read
 * and thrown away: closing over unread bytes would make the kernel send a reset that destroys what was sent before. */
static void linger(struct rf_stream *s)
{
	s->state = RF_STREAM_LINGER;
	rf_stream_carry_free(s);
	rf_stream_flush(s);
	if (s->state != RF_STREAM_LINGER)
		return;
	if (s->out_n > s->out_at) {
		rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, LINGER_MS);
		return;
	}
	rf_stream_tls_bye(s);
	if (s->peer_done || shutdown(s->fd, SHUT_WR) != 0) {
		die(s);
		return;
	}
	rf_watch_set(s->watch, RF_WATCH_READ);
	rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, LINGER_MS);
}

static void tell_closed(struct rf_stream *s)
{
	struct rf_stream_end end = { .why = s->why, .err = s->end_err, .fail = s->fail, .text = s->end_text };

	if (!end.text)
		end.text = whys[s->why].text;
	s->net->stats.closed++;
	s->net->stats.closed_by[s->why]++;
	if (s->why == RF_WHY_HANDSHAKE)
		s->net->stats.tls_failed[s->fail]++;
	s->ops->on_closed(s, &end);
}

static void at_end_of_turn(struct rf_defer *defer)
{
	struct rf_stream *s = rf_container(defer, struct rf_stream, defer);

	if (s->state == RF_STREAM_DEAD) {
		free(s);
		return;
	}
	if (s->state != RF_STREAM_ENDING)
		return;
	tell_closed(s);
	if (s->hurry)
		die(s);
	else
		linger(s);
}

void rf_stream_end(struct rf_stream *s, enum rf_stream_why why, int err, const char *text)
{
	if (s->state == RF_STREAM_LINGER) {
		die(s);
		return;
	}
	if (s->state >= RF_STREAM_ENDING)
		return;
	if (s->state != RF_STREAM_OPEN || why == RF_WHY_RESET || why == RF_WHY_OUTPUT_FULL || why == RF_WHY_MEMORY)
		s->hurry = why != RF_WHY_HANDSHAKE;
	if (s->state != RF_STREAM_OPEN)
		rf_stream_out_free(s); /* nothing may reach a peer that was not accepted */
	count_handshake(s, false);
	s->state = RF_STREAM_ENDING;
	s->why = (uint8_t)why;
	s->end_err = err;
	s->end_text = text;
	s->peer_done = s->peer_done || why == RF_WHY_PEER;
	rf_timer_stop(rf_loop_wheel(s->net->loop), &s->timer);
	rf_stream_unqueue_step(s);
	rf_watch_set(s->watch, 0);
	rf_loop_defer(s->net->loop, &s->defer);
}

void rf_stream_close(struct rf_stream *s)
{
	rf_stream_end(s, RF_WHY_LOCAL, 0, NULL);
}

void rf_stream_abort(struct rf_stream *s)
{
	if (s->state < RF_STREAM_LINGER)
		s->hurry = true;
	rf_stream_end(s, RF_WHY_LOCAL, 0, NULL);
}

void rf_stream_end_all(struct rf_net *net)
{
	while (net->streams) {
		struct rf_stream *s = net->streams;

		rf_stream_abort(s);
		if (s->state == RF_STREAM_ENDING)
			tell_closed(s);
		die(s); /* its memory goes with the loop's deferred calls, which do not need the net any more */
	}
}

/* ---- the clock */

static void idle_again(struct rf_stream *s)
{
	uint64_t idle_us = (uint64_t)s->idle_ms * 1000, now = rf_loop_now(s->net->loop).us;

	if (now >= s->last_in_us + idle_us)
		rf_stream_end(s, RF_WHY_IDLE, 0, NULL);
	else
		rf_timer_start_at(rf_loop_wheel(s->net->loop), &s->timer, (struct rf_mono){ s->last_in_us + idle_us });
}

static void timed_out(struct rf_timer *t)
{
	struct rf_stream *s = rf_container(t, struct rf_stream, timer);

	switch ((enum rf_stream_state)s->state) {
	case RF_STREAM_CONNECTING:
		rf_stream_end(s, RF_WHY_CONNECT_TIME, -ETIMEDOUT, NULL);
		break;
	case RF_STREAM_HANDSHAKE:
		if (s->queued) /* it is us that it waits for */
			rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, s->handshake_ms);
		else
			rf_stream_end(s, RF_WHY_HANDSHAKE_TIME, 0, NULL);
		break;
	case RF_STREAM_OPEN:
		idle_again(s);
		break;
	case RF_STREAM_LINGER:
		die(s);
		break;
	case RF_STREAM_ENDING:
	case RF_STREAM_DEAD:
		break;
	}
}

void rf_stream_set_idle(struct rf_stream *s, uint32_t idle_ms)
{
	s->idle_ms = idle_ms;
	if (s->state != RF_STREAM_OPEN)
		return;
	if (idle_ms)
		idle_again(s);
	else
		rf_timer_stop(rf_loop_wheel(s->net->loop), &s->timer);
}

/* ---- the beginning */

static void connected(struct rf_stream *s)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err) {
		rf_stream_end(s, RF_WHY_CONNECT, -err, NULL);
		return;
	}
	rf_socket_local(s->fd, &s->local);
	s->net->stats.connected++;
	rf_stream_want_write(s, false);
	rf_stream_tcp_up(s);
}

static void ready(void *arg, unsigned events)
{
	struct rf_stream *s = arg;

	if (s->state == RF_STREAM_CONNECTING) {
		connected(s);
		return;
	}
	if (events & RF_WATCH_WRITE) {
		if (s->state == RF_STREAM_HANDSHAKE && s->ssl)
			rf_stream_tls_go_on(s);
		else if (s->state == RF_STREAM_OPEN)
			rf_stream_flush(s);
		else if (s->state == RF_STREAM_LINGER)
			linger(s);
	}
	if (!(events & RF_WATCH_READ) || s->state == RF_STREAM_ENDING || s->state == RF_STREAM_DEAD)
		return;
	if (s->state == RF_STREAM_HANDSHAKE && s->accepted)
		rf_stream_queue_step(s);
	else
		rf_stream_readable(s);
}

int rf_stream_new(struct rf_net *net, int fd, struct rf_stream **ret_stream)
{
	struct rf_stream *s = calloc(1, sizeof *s);
	int rc = s ? rf_watch_new(net->loop, fd, ready, s, &s->watch) : -ENOMEM;

	if (rc) {
		free(s);
		close(fd);
		return rc;
	}
	s->net = net;
	s->fd = fd;
	s->id = ++net->next_id;
	rf_timer_init(&s->timer, timed_out);
	rf_defer_init(&s->defer, at_end_of_turn);
	s->next = net->streams;
	s->link = &net->streams;
	if (s->next)
		s->next->link = &s->next;
	net->streams = s;
	net->stats.streams++;
	*ret_stream = s;
	return 0;
}

void rf_stream_drop(struct rf_stream *s)
{
	die(s);
}

void rf_stream_opened(struct rf_stream *s, const struct rf_pki_id *peer)
{
	s->state = RF_STREAM_OPEN;
	count_handshake(s, false);
	s->last_in_us = rf_loop_now(s->net->loop).us;
	rf_timer_stop(rf_loop_wheel(s->net->loop), &s->timer);
	if (s->idle_ms)
		idle_again(s);
	rf_watch_set(s->watch, RF_WATCH_READ);
	if (s->out_n > s->out_at)
		rf_stream_mark_dirty(s);
	if (s->ops->on_open)
		s->ops->on_open(s, peer);
}

void rf_stream_tcp_up(struct rf_stream *s)
{
	if (!s->tls) {
		rf_stream_opened(s, NULL);
		return;
	}
	s->state = RF_STREAM_HANDSHAKE;
	rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, s->handshake_ms);
	rf_watch_set(s->watch, RF_WATCH_READ);
	if (s->accepted) { /* the peer speaks first; what it says is taken up in its turn */
		count_handshake(s, true);
		return;
	}
	int rc = rf_stream_tls_start(s);
	if (rc)
		rf_stream_end(s, RF_WHY_MEMORY, rc, NULL);
	else
		rf_stream_tls_handshake(s);
}

/* ---- questions */

void rf_stream_set_arg(struct rf_stream *s, void *arg)
{
	s->arg = arg;
}

void *rf_stream_arg(const struct rf_stream *s)
{
	return s->arg;
}

void rf_stream_set_ops(struct rf_stream *s, const struct rf_stream_ops *ops)
{
	s->ops = ops;
}

uint64_t rf_stream_id(const struct rf_stream *s)
{
	return s->id;
}

bool rf_stream_is_open(const struct rf_stream *s)
{
	return s->state == RF_STREAM_OPEN;
}

bool rf_stream_accepted(const struct rf_stream *s)
{
	return s->accepted;
}

size_t rf_stream_unsent(const struct rf_stream *s)
{
	return s->out_n - s->out_at;
}

const struct rf_addr *rf_stream_remote(const struct rf_stream *s)
{
	return &s->remote;
}

const struct rf_addr *rf_stream_local(const struct rf_stream *s)
{
	return &s->local;
}

const char *rf_stream_tls_version(const struct rf_stream *s)
{
	return s->version;
}

const char *rf_stream_tls_cipher(const struct rf_stream *s)
{
	return s->cipher;
}

bool rf_stream_tls_resumed(const struct rf_stream *s)
{
	return s->resumed;
}

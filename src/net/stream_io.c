#include "net/stream_int.h"

#include "base/err.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	READS_PER_TURN = 4,          /* of 64 KiB each, then the others have their turn */
	TLS_RECORD_BYTES = 16384,
	LINGER_BYTES = 1 << 20,      /* a peer that goes on sending after the end is left alone */
};

/* ---- in */

void rf_stream_carry_free(struct rf_stream *s)
{
	rf_secret_wipe(s->carry, s->carry_n);
	if (s->carry_cap == RF_NET_CHUNK_BYTES)
		rf_net_chunk_put(s->net, s->carry);
	else
		free(s->carry);
	s->carry = NULL;
	s->carry_n = s->carry_cap = 0;
}

/* Keep the unconsumed rest until more comes. */
static void keep(struct rf_stream *s, struct rf_view rest)
{
	if (rest.n > s->net->conf.carry_bytes) {
		rf_stream_end(s, RF_WHY_INPUT_FULL, 0, NULL);
		return;
	}
	if (rest.n > s->carry_cap) {
		size_t cap = rest.n <= RF_NET_CHUNK_BYTES ? RF_NET_CHUNK_BYTES : rest.n * 2;

		rf_stream_carry_free(s);
		s->carry = cap == RF_NET_CHUNK_BYTES ? rf_net_chunk_get(s->net) : malloc(cap);
		if (!s->carry) {
			rf_stream_end(s, RF_WHY_MEMORY, -ENOMEM, NULL);
			return;
		}
		s->carry_cap = (uint32_t)cap;
	}
	memcpy(s->carry, rest.p, rest.n);
	if (s->carry_n > rest.n)
		rf_secret_wipe(s->carry + rest.n, s->carry_n - rest.n);
	s->carry_n = (uint32_t)rest.n;
}

void rf_stream_give(struct rf_stream *s, size_t n)
{
	struct rf_net *net = s->net;
	struct rf_view all = { net->plain, s->carry_n + n };

	net->stats.stream_in_bytes += n;
	s->last_in_us = rf_loop_now(net->loop).us;
	size_t used = s->ops->on_data(s, all);
	if (s->state == RF_STREAM_OPEN && used >= all.n) {
		if (s->carry)
			rf_stream_carry_free(s);
	} else if (s->state == RF_STREAM_OPEN && (used || n)) {
		keep(s, rf_view_from(all, used));
	}
	rf_secret_wipe(net->plain, all.n); /* keys of media, passwords: the buffer is everybody's */
}

/* The end of the input, in order or not. */
static void input_ended(struct rf_stream *s, int err)
{
	s->peer_done = true;
	if (s->state == RF_STREAM_HANDSHAKE && !err)
		rf_stream_end(s, RF_WHY_PEER, 0, "the peer closed in the TLS handshake");
	else
		rf_stream_end(s, err ? RF_WHY_RESET : RF_WHY_PEER, err, NULL);
}

/* One read; what comes is handled. False when there is no more for now. */
static bool read_once(struct rf_stream *s)
{
	struct rf_net *net = s->net;
	uint8_t *to = net->wire;

	if (s->state == RF_STREAM_OPEN && !s->ssl) {
		if (s->carry_n)
			memcpy(net->plain, s->carry, s->carry_n);
		to = net->plain + s->carry_n;
	}
	ssize_t n = recv(s->fd, to, RF_NET_WIRE_BYTES, 0);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			input_ended(s, n ? -errno : 0);
		return false;
	}
	if (s->state == RF_STREAM_LINGER) {
		s->lingered += (uint32_t)n;
		if (s->lingered > LINGER_BYTES)
			rf_stream_end(s, RF_WHY_LOCAL, 0, NULL);
	} else if (s->ssl) {
		net->wire_owner = s;
		net->wire_at = 0;
		net->wire_n = (size_t)n;
		rf_stream_tls_input(s);
		net->wire_owner = NULL;
	} else {
		rf_stream_give(s, (size_t)n);
	}
	return n == RF_NET_WIRE_BYTES;
}

void rf_stream_readable(struct rf_stream *s)
{
	for (int i = 0; i < READS_PER_TURN; i++)
		if (!read_once(s) || (s->state != RF_STREAM_OPEN && s->state != RF_STREAM_HANDSHAKE))
			return;
}

/* ---- out */

void rf_stream_out_free(struct rf_stream *s)
{
	rf_secret_wipe(s->out, s->out_n);
	if (s->out_cap == RF_NET_CHUNK_BYTES)
		rf_net_chunk_put(s->net, s->out);
	else
		free(s->out);
	s->out = NULL;
	s->out_at = s->out_n = s->out_cap = 0;
}

/* Room for n more bytes behind out_n. */
static bool make_room(struct rf_stream *s, size_t n)
{
	size_t unsent = s->out_n - s->out_at;

	if (n <= s->out_cap - s->out_n)
		return true;
	size_t cap = s->out_cap ? s->out_cap : RF_NET_CHUNK_BYTES;
	while (cap < unsent + n)
		cap *= 2;
	if (cap == s->out_cap) {
		memmove(s->out, s->out + s->out_at, unsent);
		rf_secret_wipe(s->out + unsent, s->out_at);
	} else {
		uint8_t *out = cap == RF_NET_CHUNK_BYTES ? rf_net_chunk_get(s->net) : malloc(cap);

		if (!out)
			return false;
		if (unsent)
			memcpy(out, s->out + s->out_at, unsent);
		if (s->out)
			rf_stream_out_free(s);
		s->out = out;
		s->out_cap = (uint32_t)cap;
	}
	s->out_at = 0;
	s->out_n = (uint32_t)unsent;
	return true;
}

void rf_stream_mark_dirty(struct rf_stream *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->next_dirty = NULL;
	*s->net->dirty_end = s;
	s->net->dirty_end = &s->next_dirty;
}

void rf_stream_unmark_dirty(struct rf_stream *s)
{
	struct rf_stream **link = &s->net->dirty;

	if (!s->dirty)
		return;
	while (*link != s)
		link = &(*link)->next_dirty;
	*link = s->next_dirty;
	if (!*link)
		s->net->dirty_end = link;
	s->dirty = false;
}

void rf_stream_flush_dirty(struct rf_net *net)
{
	struct rf_stream *s;

	while ((s = net->dirty)) {
		net->dirty = s->next_dirty;
		if (!net->dirty)
			net->dirty_end = &net->dirty;
		s->dirty = false;
		if (s->state == RF_STREAM_OPEN)
			rf_stream_flush(s);
	}
}

int rf_stream_send(struct rf_stream *s, struct rf_view bytes)
{
	if (s->state >= RF_STREAM_ENDING)
		return RF_E_CLOSED;
	if (bytes.n > s->net->conf.output_bytes - rf_stream_unsent(s)) {
		rf_stream_end(s, RF_WHY_OUTPUT_FULL, 0, NULL);
		return RF_E_LIMIT;
	}
	if (!bytes.n)
		return 0;
	if (!make_room(s, bytes.n)) {
		rf_stream_end(s, RF_WHY_MEMORY, -ENOMEM, NULL);
		return -ENOMEM;
	}
	memcpy(s->out + s->out_n, bytes.p, bytes.n);
	s->out_n += (uint32_t)bytes.n;
	if (s->state == RF_STREAM_OPEN)
		rf_stream_mark_dirty(s);
	return 0;
}

void rf_stream_want_write(struct rf_stream *s, bool want)
{
	/* One that lingers over unsent bytes does not look at the peer's end, which would stay readable. */
	unsigned read = s->state == RF_STREAM_CONNECTING || s->state == RF_STREAM_LINGER ? 0 : RF_WATCH_READ;

	rf_watch_set(s->watch, want ? read | RF_WATCH_WRITE : read);
}

static ssize_t put(struct rf_stream *s, const uint8_t *p, size_t n)
{
	if (s->ssl)
		return rf_stream_tls_write(s, p, n < TLS_RECORD_BYTES ? n : TLS_RECORD_BYTES);
	ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent < 0 ? -errno : sent;
}

void rf_stream_flush(struct rf_stream *s)
{
	while (s->out_at < s->out_n) {
		ssize_t n = put(s, s->out + s->out_at, s->out_n - s->out_at);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) {
			rf_stream_want_write(s, true);
			return;
		}
		if (n < 0) {
			rf_stream_end(s, RF_WHY_RESET, (int)n, NULL);
			return;
		}
		s->out_at += (uint32_t)n;
		s->net->stats.stream_out_bytes += (uint64_t)n;
	}
	if (s->out)
		rf_stream_out_free(s);
	if (s->state == RF_STREAM_OPEN)
		rf_stream_want_write(s, false);
}

#include "call/relays_int.h"
#include "base/secret.h"

#include "call/anchor.h"
#include "call/core_int.h"
#include "media/limits.h"
#include "media/ng_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void drop(struct rf_relay_link *relay)
{
	if (relay->at.path)
		rf_relay_link_cut(relay);
	rf_watch_free(relay->watch);
	if (relay->fd >= 0)
		close(relay->fd);
	relay->watch = NULL;
	relay->fd = -1;
	relay->in_n = 0;
	relay->dropped++;
	relay->frame = (struct rf_ng_frame){ 0 };
}

static int watch(struct rf_relay_link *relay, void (*ready)(void *arg, unsigned events))
{
	int rc = rf_watch_new(relay->of->core->loop, relay->fd, ready, relay, &relay->watch);

	return rc ? rc : rf_watch_set(relay->watch, RF_WATCH_READ);
}

void rf_relay_link_cut(const struct rf_relay_link *relay)
{
	if (relay->of->client)
		rf_ng_client_cut(relay->of->client, (unsigned)(relay - relay->of->relay));
}

void rf_relay_link_opened(const struct rf_relay_link *relay)
{
	struct rf_relays *r = relay->of;

	r->opened |= UINT32_C(1) << (relay - r->relay);
	rf_timer_start(rf_loop_wheel(r->core->loop), &r->anew, 0);
}

static void tell_opened(struct rf_timer *t)
{
	struct rf_relays *r = rf_container(t, struct rf_relays, anew);
	uint32_t opened = r->opened;

	r->opened = 0;
	for (unsigned i = 0; i < r->n; i++)
		if (opened >> i & 1)
			rf_anchor_hear_again(r->core, i);
}

/* --- the relay on this machine */

/* False: the stream cannot be read on. */
static bool take_messages(struct rf_relay_link *relay)
{
	uint32_t dropped = relay->dropped;
	size_t used = 0, n;
	int rc;

	while ((rc = rf_ng_frame_next(&relay->frame, rf_view_of(relay->in + used, relay->in_n - used), &n)) == 0) {
		rf_ng_client_datagram(relay->of->client, (unsigned)(relay - relay->of->relay),
				      rf_ng_frame_trim(rf_view_of(relay->in + used, n)));
		if (relay->dropped != dropped) /* whoever was answered asked again, and nobody was there any more */
			return true;
		used += n;
	}
	memmove(relay->in, relay->in + used, relay->in_n - used);
	relay->in_n -= used;
	rf_secret_wipe(relay->in + relay->in_n, used); /* keys of media */
	return rc == RF_E_MORE && relay->in_n < IN_MAX;
}

static void stream_readable(void *arg, unsigned events)
{
	struct rf_relay_link *relay = arg;
	ssize_t n = recv(relay->fd, relay->in + relay->in_n, IN_MAX - relay->in_n, MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		relay->in_n += (size_t)n;
	if (n <= 0 || !take_messages(relay))
		drop(relay); /* what was asked is not answered; the next that is sent connects again */
}

static int connect_unix(struct rf_relay_link *relay)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!relay->in)
		relay->in = malloc(IN_MAX);
	if (!relay->in || (size_t)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", relay->at.path) >= sizeof sa.sun_path)
		return -ENOMEM;
	relay->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->fd < 0 || connect(relay->fd, (struct sockaddr *)&sa, sizeof sa) < 0)
		return -errno;
	rf_relay_link_opened(relay);
	return watch(relay, stream_readable);
}

/* All of it, or the connection ends: a relay that does not read is none. */
static void send_stream(struct rf_relay_link *relay, struct rf_view bytes)
{
	if (relay->fd < 0 && connect_unix(relay)) {
		drop(relay);
		return;
	}
	if (send(relay->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)bytes.n)
		drop(relay);
}

/* --- any of them */

/* What does not leave is as lost: over UDP it is sent again. */
static void send_to(void *arg, unsigned i, struct rf_view bytes)
{
	struct rf_relays *r = arg;

	if (r->relay[i].at.tls)
		rf_relay_link_send_tls(&r->relay[i], bytes);
	else if (r->relay[i].at.path)
		send_stream(&r->relay[i], bytes);
	else if (send(r->relay[i].fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void health(void *arg, unsigned relay, bool well)
{
	struct rf_relays *r = arg;
	char text[RF_ADDR_TEXT];

	rf_log(r->core->log, well ? RF_LOG_INFO : RF_LOG_ERROR, "the media relay at %s %s",
	       r->relay[relay].at.path ? r->relay[relay].at.path : rf_addr_text(&r->relay[relay].at.addr, text),
	       well ? "answers" : "does not answer");
}

static void told(void *arg, unsigned relay, const struct rf_ng_event *e)
{
	struct rf_relays *r = arg;

	rf_anchor_heard(r->core, relay, e);
}

static const struct rf_ng_client_ops ops = { .send = send_to, .health = health, .event = told };

static void readable(void *arg, unsigned events)
{
	enum { BATCH = 64 };
	struct rf_relay_link *relay = arg;
	struct rf_relays *r = relay->of;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(relay->fd, r->buf, sizeof r->buf, MSG_DONTWAIT);

		if (n < 0 && errno == ECONNREFUSED) /* nobody listens there: its pings will tell */
			continue;
		if (n < 0)
			return;
		rf_ng_client_datagram(r->client, (unsigned)(relay - r->relay), rf_view_of(r->buf, (size_t)n));
	}
}

static int open_udp(struct rf_relay_link *relay)
{
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)rf_addr_to_sockaddr(&relay->at.addr, &sa);

	relay->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->fd < 0 || connect(relay->fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return watch(relay, readable);
}

int rf_relays_new(struct rf_call_core *core, const struct rf_relay_at *at, size_t n, struct rf_relays **ret_relays)
{
	uint32_t streams = 0;

	struct rf_relays *r = n && n <= RF_NG_RELAYS_MAX ? calloc(1, sizeof *r) : NULL;
	int rc = 0;

	if (!r)
		return n && n <= RF_NG_RELAYS_MAX ? -ENOMEM : RF_E_LIMIT;
	r->core = core;
	rf_timer_init(&r->anew, tell_opened);
	for (size_t i = 0; i < n && !rc; i++) {
		struct rf_relay_link *relay = &r->relay[r->n++];

		*relay = (struct rf_relay_link){ .of = r, .at = at[i], .fd = -1 };
		streams |= (uint32_t)(at[i].path || at[i].tls) << i;
		if (at[i].tls)
			rc = rf_relay_link_open_tls(relay);
		else if (!at[i].path) /* streams are opened when there is something to say */
			rc = open_udp(relay);
	}
	struct rf_ng_client_conf conf = {
		.wheel = rf_loop_wheel(core->loop), .ops = &ops, .arg = r, .n_relays = (unsigned)n, .reliable = streams,
		.cookie_key = rf_random_u64(core->random),
		.hash_key = { rf_random_u64(core->random), rf_random_u64(core->random) },
	};
	if (!rc)
		rc = rf_ng_client_new(&conf, &r->client);
	if (rc)
		rf_relays_free(r);
	else
		*ret_relays = r;
	return rc;
}

void rf_relays_free(struct rf_relays *r)
{
	if (!r)
		return;
	rf_ng_client_free(r->client);
	r->client = NULL;
	rf_timer_stop(rf_loop_wheel(r->core->loop), &r->anew);
	for (unsigned i = 0; i < r->n; i++) {
		drop(&r->relay[i]);
		rf_relay_link_close_tls(&r->relay[i]);
		free(r->relay[i].in);
	}
	rf_net_free(r->net);
	free(r);
}

void rf_relays_set_tls(struct rf_relays *r, struct rf_tls *tls)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->relay[i].at.tls) {
			struct rf_tls *old = r->relay[i].at.tls;

			r->relay[i].at.tls = rf_tls_get(tls);
			rf_tls_put(old);
		}
}

bool rf_relays_well(const struct rf_relays *r)
{
	for (unsigned i = 0; r && i < r->n; i++)
		if (rf_ng_client_well(r->client, i))
			return true;
	return false;
}

struct rf_ng_client *rf_relays_client(struct rf_relays *r)
{
	return r->client;
}

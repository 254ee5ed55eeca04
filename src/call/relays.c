#include "call/relays.h"

#include "call/core_int.h"
#include "media/limits.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct relay {
	struct rf_relays *of;
	struct rf_watch *watch;
	struct rf_addr addr;
	int fd;
};

struct rf_relays {
	struct rf_call_core *core;
	struct rf_ng_client *client;
	unsigned n;
	struct relay relay[RF_NG_RELAYS_MAX];
	uint8_t buf[65536];
};

/* What does not leave is as lost: it is sent again. */
static void send_to(void *arg, unsigned relay, struct rf_view bytes)
{
	struct rf_relays *r = arg;

	if (send(r->relay[relay].fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void health(void *arg, unsigned relay, bool well)
{
	struct rf_relays *r = arg;
	char text[RF_ADDR_TEXT];

	rf_log(r->core->log, well ? RF_LOG_INFO : RF_LOG_ERROR, "the media relay at %s %s",
	       rf_addr_text(&r->relay[relay].addr, text), well ? "answers" : "does not answer");
}

static const struct rf_ng_client_ops ops = { .send = send_to, .health = health };

static void readable(void *arg, unsigned events)
{
	enum { BATCH = 64 };
	struct relay *relay = arg;
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

static int open_one(struct rf_relays *r, const struct rf_addr *addr)
{
	struct relay *relay = &r->relay[r->n++];
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)rf_addr_to_sockaddr(addr, &sa);

	*relay = (struct relay){ .of = r, .addr = *addr };
	relay->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (relay->fd < 0 || connect(relay->fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	int rc = rf_watch_new(r->core->loop, relay->fd, readable, relay, &relay->watch);

	return rc ? rc : rf_watch_set(relay->watch, RF_WATCH_READ);
}

int rf_relays_new(struct rf_call_core *core, const struct rf_addr *addrs, size_t n, struct rf_relays **ret_relays)
{
	struct rf_relays *r = n && n <= RF_NG_RELAYS_MAX ? calloc(1, sizeof *r) : NULL;
	int rc = 0;

	if (!r)
		return n && n <= RF_NG_RELAYS_MAX ? -ENOMEM : RF_E_LIMIT;
	r->core = core;
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_one(r, &addrs[i]);
	struct rf_ng_client_conf conf = {
		.wheel = rf_loop_wheel(core->loop), .ops = &ops, .arg = r, .n_relays = (unsigned)n,
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
	for (unsigned i = 0; i < r->n; i++) {
		rf_watch_free(r->relay[i].watch);
		if (r->relay[i].fd >= 0)
			close(r->relay[i].fd);
	}
	free(r);
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

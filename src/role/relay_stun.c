/* STUN for whoever asks (RFC 8489): where a relay's host has the service, or --stun says so. Binding requests alone,
 * nothing kept, a few a second for each source and a bound for all, so that nobody uses us as a mirror. */
#include "role/relay_int.h"

#include "net/udp.h"
#include "rtp/stun_server.h"

static struct rf_stun_addr stun_addr(const struct rf_addr *a)
{
	struct rf_stun_addr s = { .port = a->port, .family = a->family };

	memcpy(s.ip, a->ip, sizeof s.ip);
	return s;
}

static void on_datagram(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			const struct rf_addr *to)
{
	struct anchor *a = arg;
	struct rf_stun_addr asks = stun_addr(from);
	uint8_t buf[RF_STUN_SERVER_REPLY_MAX];
	struct rf_view reply;

	if (rf_guard_take(a->stun_guard, RF_GUARD_MESSAGE, from, rf_loop_now(a->loop))) {
		a->stun_limited++;
		return;
	}
	if (rf_stun_server_answer(bytes, &asks, buf, &reply)) {
		a->stun_refused++;
		return;
	}
	a->stun_answered++;
	(void)rf_udp_send(udp, reply, from, to); /* what does not go out is asked again */
}

static const struct rf_udp_ops ops = { .on_datagram = on_datagram };

int anchor_open_stun(struct anchor *a)
{
	struct rf_guard_conf guard = { .hash_key = a->hash_key };
	struct rf_udp_conf conf = { .ops = &ops, .arg = a };
	int rc = 0;

	if (!a->plan.n_stun)
		return 0;
	guard.source[RF_GUARD_MESSAGE] =
		(struct rf_guard_rate){ .per_s = RF_ANCHOR_STUN_RATE, .burst = 4 * RF_ANCHOR_STUN_RATE };
	guard.crowd[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ .per_s = 20 * RF_ANCHOR_STUN_RATE };
	guard.total[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ .per_s = RF_ANCHOR_STUN_TOTAL };
	rc = rf_guard_new(&guard, &a->stun_guard);
	for (unsigned i = 0; i < a->listens && !rc; i++) {
		struct anchor_listen *l = &a->listen[i];

		if (l->kind != ANCHOR_STUN)
			continue;
		rc = rf_udp_new_fd(a->gate[ANCHOR_GATE_MAIN].net, &conf, l->fd, &a->stun[a->stuns]);
		if (!rc) {
			a->stuns++;
			l->fd = -1;
		}
	}
	return rc;
}

void anchor_close_stun(struct anchor *a)
{
	while (a->stuns)
		rf_udp_free(a->stun[--a->stuns]);
	rf_guard_free(a->stun_guard);
	a->stun_guard = NULL;
}

json_t *anchor_stun_json(const struct anchor *a)
{
	return json_pack("{s:I,s:I,s:I}", "answered", (json_int_t)a->stun_answered, "refused",
			 (json_int_t)a->stun_refused, "limited", (json_int_t)a->stun_limited);
}

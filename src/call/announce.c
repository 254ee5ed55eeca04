#include "call/announce.h"

#include "base/secret.h"
#include "call/core_int.h"

#include <stdlib.h>
#include <sys/socket.h>

struct rf_announced {
	TAILQ_ENTRY(rf_announced) list;
	struct rf_announcing *of;
	uint32_t id;
	rf_announced_fn *fn;
	void *arg;
};

/* A worker's channel. */
struct rf_announcing {
	struct rf_call_core *core;
	struct rf_watch *watch;
	int fd;
	uint32_t next_id;
	TAILQ_HEAD(, rf_announced) playing;
	size_t locals;
	struct rf_addr local[RF_ANNOUNCE_SOCKETS];
};

static void forget(struct rf_announced *a)
{
	TAILQ_REMOVE(&a->of->playing, a, list);
	free(a);
}

static void take_report(struct rf_announcing *x, const struct rf_announce_report *r)
{
	struct rf_announced *a;

	TAILQ_FOREACH(a, &x->playing, list)
		if (a->id == r->id) {
			rf_announced_fn *fn = a->fn;
			void *arg = a->arg;

			forget(a);
			fn(arg, (enum rf_announce_why)r->why, r->packets);
			return;
		}
}

/* Nobody will report any more, and nothing is ordered. */
static void gone(struct rf_announcing *x)
{
	struct rf_announced *a;

	rf_watch_set(x->watch, 0);
	x->locals = 0;
	rf_log(x->core->log, RF_LOG_ERROR, "the announcer has ended: no tones are played until a restart");
	while ((a = TAILQ_FIRST(&x->playing)))
		take_report(x, &(struct rf_announce_report){ .id = a->id, .why = RF_ANNOUNCE_BAD });
}

static void on_report(void *arg, unsigned events)
{
	struct rf_announcing *x = arg;
	uint8_t bytes[RF_ANNOUNCE_REPORT_BYTES + 1];
	struct rf_announce_report r;

	(void)events;
	for (;;) {
		ssize_t n = recv(x->fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			gone(x);
			return;
		}
		if (rf_announce_parse_report(rf_view_of(bytes, (size_t)n), &r) == 0)
			take_report(x, &r);
	}
}

int rf_call_core_set_announcer(struct rf_call_core *core, int fd, const struct rf_addr *local, size_t n)
{
	struct rf_announcing *x = n <= RF_ANNOUNCE_SOCKETS ? calloc(1, sizeof *x) : NULL;

	if (!x)
		return n > RF_ANNOUNCE_SOCKETS ? RF_E_LIMIT : -ENOMEM;
	*x = (struct rf_announcing){ .core = core, .fd = fd, .locals = n };
	TAILQ_INIT(&x->playing);
	memcpy(x->local, local, n * sizeof *local);
	int rc = rf_watch_new(core->loop, fd, on_report, x, &x->watch);

	if (!rc)
		rc = rf_watch_set(x->watch, RF_WATCH_READ);
	if (rc) {
		rf_watch_free(x->watch);
		free(x);
		return rc;
	}
	core->announcing = x;
	return 0;
}

void rf_announce_close(struct rf_call_core *core)
{
	struct rf_announcing *x = core->announcing;

	if (!x)
		return;
	while (!TAILQ_EMPTY(&x->playing))
		forget(TAILQ_FIRST(&x->playing));
	rf_watch_free(x->watch);
	free(x);
	core->announcing = NULL;
}

int rf_announce_socket(const struct rf_call_core *core, const struct rf_addr *local, uint16_t *ret_port)
{
	const struct rf_announcing *x = core->announcing;
	int any = -1;

	for (size_t i = 0; x && i < x->locals; i++) {
		const struct rf_addr *a = &x->local[i];

		*ret_port = a->port;
		if (rf_addr_same_ip(a, local))
			return (int)i;
		if (rf_addr_is_any(a) && (a->family == local->family || a->family == 6))
			any = (int)i;
	}
	if (any >= 0)
		*ret_port = x->local[any].port;
	return any;
}

int rf_announce_play(struct rf_call_core *core, struct rf_announce_order *o, rf_announced_fn *fn, void *arg,
		     struct rf_announced **ret_a)
{
	struct rf_announcing *x = core->announcing;
	uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES];
	struct rf_announced *a;

	if (!x || !x->locals)
		return RF_E_CLOSED;
	a = malloc(sizeof *a);
	if (!a)
		return -ENOMEM;
	o->what = RF_ANNOUNCE_PLAY;
	o->id = x->next_id++;
	rf_announce_put_order(o, bytes);
	ssize_t n = send(x->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	int failed = n < 0 ? errno : 0;

	rf_secret_wipe(bytes, sizeof bytes);
	if (n < 0) {
		free(a);
		return failed == EAGAIN || failed == ENOBUFS ? RF_E_BUSY : RF_E_CLOSED;
	}
	*a = (struct rf_announced){ .of = x, .id = o->id, .fn = fn, .arg = arg };
	TAILQ_INSERT_TAIL(&x->playing, a, list);
	*ret_a = a;
	return 0;
}

void rf_announce_stop(struct rf_announced *a)
{
	uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES];

	if (!a)
		return;
	rf_announce_put_order(&(struct rf_announce_order){ .what = RF_ANNOUNCE_STOP, .id = a->id }, bytes);
	/* Not taken: it ends by itself. */
	(void)send(a->of->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	forget(a);
}

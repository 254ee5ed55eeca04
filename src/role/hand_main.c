/* The hand's own side: what it gives up, its guard, and the orders that it takes. */
#include "role/hand_int.h"
#include "role/hand_store.h"

#include "emit/emit.h"
#include "pki/ca.h"
#include "role/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct hand {
	int fd;                      /* to the front */
	struct rf_clock clock;
	struct rf_hand_want want;
	struct rf_hand_store store;
	struct rf_hand_net net;
	struct mnl_socket *log;      /* NULL: another program listens to the group */
	struct rf_hand_drops drops;
	struct rf_mono deadline;     /* while store.candidate */
	struct rf_hand_bundle loaded; /* its texts are not kept */
	int64_t loaded_us;
	bool gone;                   /* the front does not read, or has ended */
	uint64_t second;             /* of the packets below */
	unsigned packets;
	struct rf_hand_message out;
};

/* --- loading */

static int64_t wall_us(const struct hand *h)
{
	return h->clock.wall(h->clock.ctx).us;
}

/* Load rules with what the pinhole sets hold now in the same transaction: calls go on. */
static int load_rules(struct hand *h, struct rf_view rules, struct rf_diag *diag)
{
	char *saved = NULL;
	size_t n = 0;
	int rc = h->net.nl ? rf_hand_net_saved(&h->net, rules, &saved, &n) : 0;

	if (rc)
		return rf_diag_set(diag, rc, "reading the pinholes: %s", rf_err_text(rc));
	rc = rf_hand_nft_load(rules, rf_view_of(saved, n), diag);
	free(saved);
	return rc;
}

static void remember(struct hand *h, const struct rf_hand_bundle *b)
{
	h->loaded = *b;
	h->loaded.manifest = h->loaded.sig = h->loaded.rules = (struct rf_view){ 0 };
	h->loaded_us = wall_us(h);
	rf_hand_drops_of(b->rules, &h->drops);
}

/* The confirmed bundle; without one, what was there before any: no table of ours. */
static int load_confirmed(struct hand *h, struct rf_diag *diag)
{
	struct rf_hand_bundle b = { 0 };
	struct rf_arena arena;
	char name[24];

	if (!h->store.confirmed) {
		h->drops.n = 0;
		h->loaded = b;
		h->loaded_us = 0;
		return rf_hand_nft_load(RF_V("table inet " RF_HAND_TABLE "\ndelete table inet " RF_HAND_TABLE "\n"),
					RF_V(""), diag);
	}
	snprintf(name, sizeof name, "%llu", (unsigned long long)h->store.confirmed);
	rf_arena_init(&arena, RF_HAND_BUNDLE_MAX);
	int rc = rf_hand_bundle_read(h->store.dir, name, &h->want, &arena, &b, diag);
	if (!rc)
		rc = load_rules(h, b.rules, diag);
	if (!rc)
		remember(h, &b);
	rf_arena_fini(&arena);
	return rc;
}

static int take_back(struct hand *h, const char *why, struct rf_diag *diag)
{
	int rc = load_confirmed(h, diag);

	if (rc)
		return rc;
	h->store.reverted = h->store.candidate;
	h->store.reverted_us = wall_us(h);
	snprintf(h->store.reverted_why, sizeof h->store.reverted_why, "%s", why);
	h->store.candidate = 0;
	h->store.deadline_us = 0;
	return rf_hand_store_write(&h->store, diag);
}

static int too_old(const struct hand *h, const struct rf_hand_bundle *b, struct rf_diag *diag)
{
	char here[RF_WALL_TEXT], there[RF_WALL_TEXT];

	if (!h->loaded_us || b->signed_at.us >= h->loaded.signed_at.us)
		return 0;
	rf_wall_text(b->signed_at, there);
	rf_wall_text(h->loaded.signed_at, here);
	return rf_diag_set(diag, RF_E_STALE,
			   "this bundle was signed at %s, before the one that is loaded (%s): --older takes it "
			   "all the same",
			   there, here);
}

static int load_candidate(struct hand *h, const struct rf_hand_bundle *b, uint32_t confirm_s, struct rf_diag *diag)
{
	uint64_t last = h->store.confirmed > h->store.reverted ? h->store.confirmed : h->store.reverted;
	struct rf_diag other;
	int rc = rf_hand_bundle_write(h->store.dir, last + 1, b, diag);

	if (rc)
		return rc;
	h->store.candidate = last + 1;
	h->store.deadline_us = wall_us(h) + (int64_t)confirm_s * 1000000;
	h->store.reverted = 0;
	h->store.reverted_us = 0;
	h->store.reverted_why[0] = '\0';
	rc = rf_hand_store_write(&h->store, diag);
	if (!rc)
		rc = load_rules(h, b->rules, diag);
	if (!rc) {
		remember(h, b);
		h->deadline = rf_mono_add_ms(h->clock.mono(h->clock.ctx), (uint64_t)confirm_s * 1000);
		return 0;
	}
	h->store.candidate = 0;
	h->store.deadline_us = 0;
	rf_hand_store_write(&h->store, &other);
	return rc;
}

static void clear_incoming(const struct hand *h)
{
	static const char *const files[] = { "incoming.manifest", "incoming.sig", "incoming.nft" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlinkat(h->store.dir, files[i], 0);
}

static int apply(struct hand *h, const struct rf_hand_order *order, struct rf_diag *diag)
{
	struct rf_hand_bundle b;
	struct rf_arena arena;

	if (order->confirm_s < 1 || order->confirm_s > RF_HAND_CONFIRM_MAX_S)
		return rf_diag_set(diag, RF_E_INVALID, "a bundle is confirmed within 1 to %d seconds",
				   RF_HAND_CONFIRM_MAX_S);
	if (h->store.candidate)
		return rf_diag_set(diag, RF_E_BUSY,
				   "another bundle waits to be confirmed: `ringfort confirm`, or wait until it is "
				   "taken back");
	rf_arena_init(&arena, RF_HAND_BUNDLE_MAX);
	int rc = rf_hand_bundle_read(h->store.dir, "incoming", &h->want, &arena, &b, diag);
	if (!rc && !order->older)
		rc = too_old(h, &b, diag);
	if (!rc)
		rc = load_candidate(h, &b, order->confirm_s, diag);
	rf_arena_fini(&arena);
	clear_incoming(h);
	return rc;
}

static int confirm(struct hand *h, struct rf_diag *diag)
{
	if (!h->store.candidate)
		return rf_diag_set(diag, RF_E_STATE, "no bundle waits to be confirmed");
	struct rf_hand_store next = h->store;
	next.confirmed = next.candidate;
	next.candidate = 0;
	next.deadline_us = 0;
	int rc = rf_hand_store_write(&next, diag);
	if (!rc)
		h->store = next;
	return rc;
}

/* --- answers */

static void send_out(struct hand *h, const struct rf_hand_head *head, size_t body)
{
	h->out.head = *head;
	/* The front reads all the time. One that does not must not keep a bundle from being taken
	 * back: it counts as gone. */
	if (send(h->fd, &h->out, sizeof h->out.head + body, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		h->gone = true;
}

static void send_state(struct hand *h, uint32_t what, uint32_t id, int err, const struct rf_diag *diag)
{
	struct rf_hand_head head = { .what = what, .id = id, .err = err, .n = 1 };
	struct rf_hand_state *s = &h->out.u.state;

	memset(s, 0, sizeof *s);
	s->confirmed = h->store.confirmed;
	s->candidate = h->store.candidate;
	s->loaded_us = h->loaded_us;
	s->signed_us = h->loaded.signed_at.us;
	s->deadline_us = h->store.deadline_us;
	s->reverted = h->store.reverted;
	s->reverted_us = h->store.reverted_us;
	memcpy(s->reverted_why, h->store.reverted_why, sizeof s->reverted_why);
	memcpy(s->bundle, h->loaded.bundle, sizeof s->bundle);
	memcpy(s->site, h->loaded.site, sizeof s->site);
	if (err)
		snprintf(s->why, sizeof s->why, "%.399s", diag->text);
	send_out(h, &head, sizeof *s);
	if (id == 0 && !err && h->store.reverted) { /* told */
		struct rf_diag other;

		h->store.reverted = 0;
		h->store.reverted_us = 0;
		h->store.reverted_why[0] = '\0';
		rf_hand_store_write(&h->store, &other);
	}
}

static void send_counters(struct hand *h, uint32_t id)
{
	struct rf_hand_head head = { .what = RF_HAND_COUNTERS, .id = id };
	size_t n = 0;

	head.err = rf_hand_counters(&h->net, &h->drops, h->out.u.counters, &n);
	head.n = (uint32_t)n;
	send_out(h, &head, n * sizeof h->out.u.counters[0]);
}

static void send_drop(const struct rf_hand_drop *d, void *arg)
{
	struct hand *h = arg;
	struct rf_hand_head head = { .what = RF_HAND_DROP, .n = 1 };
	uint64_t second = h->clock.mono(h->clock.ctx).us / 1000000;

	if (second != h->second)
		h->packets = 0;
	h->second = second;
	if (h->packets++ >= RF_HAND_DROPS_PER_SECOND)
		return;
	struct {
		struct rf_hand_head head;
		struct rf_hand_drop drop;
	} m = { head, *d };
	(void)send(h->fd, &m, sizeof m.head + sizeof m.drop, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- orders: the front is taken for taken over */

static bool good_element(const struct rf_hand_element *e)
{
	return e->op <= RF_HAND_CLOSE && e->set < RF_HAND_SETS && (e->tuple.family == 4 || e->tuple.family == 6) &&
	       e->timeout_ms <= 86400000;
}

static void do_elements(struct hand *h, const struct rf_hand_head *head, const uint8_t *body)
{
	struct rf_hand_head answer = { .what = RF_HAND_ELEMENTS, .id = head->id };
	struct rf_hand_element v[RF_HAND_ELEMENTS_MAX];
	bool ok = true;

	memcpy(v, body, head->n * sizeof *v);
	for (size_t i = 0; i < head->n; i++)
		ok &= good_element(&v[i]);
	if (ok)
		answer.n = (uint32_t)rf_hand_net_elements(&h->net, v, head->n, h->out.u.failed);
	else
		answer.err = RF_E_MALFORMED;
	send_out(h, &answer, sizeof h->out.u.failed);
}

static void do_apply(struct hand *h, const struct rf_hand_head *head, const uint8_t *body)
{
	struct rf_hand_order order;
	struct rf_diag diag = { 0 };

	memcpy(&order, body, sizeof order);
	int rc = apply(h, &order, &diag);
	send_state(h, RF_HAND_APPLY, head->id, rc, &diag);
}

static void do_confirm(struct hand *h, const struct rf_hand_head *head, const uint8_t *body)
{
	struct rf_diag diag = { 0 };

	(void)body;
	int rc = confirm(h, &diag);
	send_state(h, RF_HAND_CONFIRM, head->id, rc, &diag);
}

static void do_state(struct hand *h, const struct rf_hand_head *head, const uint8_t *body)
{
	(void)body;
	send_state(h, RF_HAND_STATE, head->id ? head->id : 1, 0, NULL);
}

static void do_counters(struct hand *h, const struct rf_hand_head *head, const uint8_t *body)
{
	(void)body;
	send_counters(h, head->id);
}

static const struct {
	size_t each;             /* bytes of one item */
	uint32_t min, max;       /* items */
	void (*run)(struct hand *h, const struct rf_hand_head *head, const uint8_t *body);
} orders[] = {
	[RF_HAND_ELEMENTS] = { sizeof(struct rf_hand_element), 1, RF_HAND_ELEMENTS_MAX, do_elements },
	[RF_HAND_APPLY] = { sizeof(struct rf_hand_order), 1, 1, do_apply },
	[RF_HAND_CONFIRM] = { 0, 0, 0, do_confirm },
	[RF_HAND_STATE] = { 0, 0, 0, do_state },
	[RF_HAND_COUNTERS] = { 0, 0, 0, do_counters },
};

/* False: the front has closed its end, or sent what no front of ours sends. */
static bool take_order(struct hand *h)
{
	uint8_t buf[sizeof(struct rf_hand_head) + RF_HAND_ELEMENTS_MAX * sizeof(struct rf_hand_element) + 1];
	struct rf_hand_head head;
	ssize_t got = recv(h->fd, buf, sizeof buf, 0);

	if (got < 0 && errno == EINTR)
		return true;
	if (got < (ssize_t)sizeof head)
		return false;
	memcpy(&head, buf, sizeof head);
	if (head.what >= sizeof orders / sizeof *orders || !orders[head.what].run || head.n < orders[head.what].min ||
	    head.n > orders[head.what].max || (size_t)got != sizeof head + head.n * orders[head.what].each)
		return false;
	orders[head.what].run(h, &head, buf + sizeof head);
	return true;
}

/* --- serving */

static void over_time(struct hand *h)
{
	struct rf_diag diag = { 0 };
	int rc = take_back(h, "nobody confirmed it in time", &diag);

	if (rc) /* told and tried again: what is loaded stays, it was proven when it was signed */
		h->deadline = rf_mono_add_ms(h->clock.mono(h->clock.ctx), 10000);
	send_state(h, RF_HAND_STATE, 0, rc, &diag);
}

static int until_deadline(const struct hand *h)
{
	uint64_t now = h->clock.mono(h->clock.ctx).us;

	if (!h->store.candidate)
		return -1;
	return now >= h->deadline.us ? 0 : (int)((h->deadline.us - now) / 1000) + 1;
}

static void serve(struct hand *h)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = h->fd, .events = POLLIN },
			{ .fd = h->log ? rf_hand_log_fd(h->log) : -1, .events = POLLIN },
		};
		int wait = until_deadline(h);

		if (wait && poll(p, 2, wait) < 0 && errno != EINTR)
			return;
		if (h->gone || (p[0].revents && !take_order(h)))
			return;
		if (p[1].revents)
			rf_hand_log_read(h->log, send_drop, h);
		if (h->store.candidate && until_deadline(h) == 0)
			over_time(h);
	}
}

static int start(struct hand *h, struct rf_diag *diag)
{
	int rc = rf_hand_net_open(&h->net, diag);

	if (!rc)
		rc = rf_hand_store_open(h->store.dir, &h->store, diag);
	if (!rc && h->store.candidate)
		rc = take_back(h, "the wall ended before it was confirmed", diag);
	else if (!rc && h->store.confirmed)
		rc = load_confirmed(h, diag);
	if (!rc && rf_hand_log_open(RF_EMIT_LOG_GROUP, &h->log))
		fprintf(stderr, "ringfort hand: another program listens to nflog group %d: drops are "
				"counted without a sample\n",
			RF_EMIT_LOG_GROUP);
	return rc;
}

static int work(struct hand *h)
{
	struct rf_diag diag = { 0 };
	int rc = start(h, &diag);

	send_state(h, RF_HAND_STATE, 0, rc, &diag);
	if (rc)
		return 0; /* it has been told; nothing for the guard to mend */
	serve(h);
	if (h->store.candidate && take_back(h, "the wall ended before it was confirmed", &diag)) {
		fprintf(stderr, "ringfort hand: the rules before could not be loaded again: %s\n", diag.text);
		return 1;
	}
	return 0;
}

/* --- the guard */

static int guard(struct hand *h, pid_t pid)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	prctl(PR_SET_NAME, "ringfort-guard", 0, 0, 0);
	close(h->fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fprintf(stderr, "ringfort hand: it ended without a word\n");
	if (rf_hand_store_open(h->store.dir, &h->store, &diag) == 0 && h->store.candidate) {
		(void)rf_hand_net_open(&h->net, &diag); /* without it the pinholes are not kept */
		if (take_back(h, "the wall's hand was killed", &diag))
			fprintf(stderr, "ringfort hand: the rules before could not be loaded again: %s\n", diag.text);
	}
	return 1;
}

/* --- what it gives up */

static int open_folder(int *ret_dir, struct rf_diag *diag)
{
	struct stat st;

	if (mkdir(RF_HAND_DIR, 0700) < 0 && errno != EEXIST)
		return rf_diag_set(diag, -errno, RF_HAND_DIR "/: %s", rf_err_text(-errno));
	*ret_dir = open(RF_HAND_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_dir < 0 || fstat(*ret_dir, &st) < 0)
		return rf_diag_set(diag, -errno, RF_HAND_DIR "/: %s", rf_err_text(-errno));
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return rf_diag_set(diag, RF_E_DENIED,
				   RF_HAND_DIR "/ must belong to who starts the wall, and to nobody else: chown and "
					       "chmod 700");
	return 0;
}

static int confine(struct rf_diag *diag)
{
	static const struct rf_sandbox_path paths[] = {
		{ RF_HAND_DIR, RF_SANDBOX_WRITE, true },
		{ RF_PKI_CA_CERT, RF_SANDBOX_READ, true },
		{ "/usr", RF_SANDBOX_RUN, true }, /* nft and its libraries */
		{ "/lib", RF_SANDBOX_RUN, false },
		{ "/lib64", RF_SANDBOX_RUN, false },
		{ "/sbin", RF_SANDBOX_RUN, false },
		{ "/etc/ld.so.cache", RF_SANDBOX_READ, false },
		{ "/etc/protocols", RF_SANDBOX_READ, false },
	};
	struct rf_sandbox_landlock ll = { .fd = -1 };
	int rc = rf_sandbox_landlock_open(paths, sizeof paths / sizeof *paths, &ll, diag);

	if (rc && rc != RF_E_UNSUPPORTED)
		return rc;
	rc = rf_sandbox_keep(CAP_NET_ADMIN, diag);
	if (!rc)
		rc = rf_sandbox_no_new_privileges(diag);
	if (!rc && ll.abi)
		rc = rf_sandbox_landlock_apply(&ll, diag);
	if (ll.fd >= 0)
		close(ll.fd);
	return rc;
}

static int set_up(struct hand *h, struct rf_diag *diag)
{
	sigset_t set;

	prctl(PR_SET_NAME, "ringfort-hand", 0, 0, 0);
	h->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (h->fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0)
		return rf_diag_set(diag, -errno, "the socket: %s", rf_err_text(-errno));
	close(null);
	/* Whoever stops the wall stops the front; this one has something to put in order then. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int rc = open_folder(&h->store.dir, diag);
	return rc ? rc : confine(diag);
}

int rf_hand_main(int argc, char **argv)
{
	struct hand *h = calloc(1, sizeof *h);
	struct rf_diag diag = { 0 };

	if (argc != 4 || !h) {
		fprintf(stderr, "ringfort hand: this is started by the wall, not by hand\n");
		free(h);
		return 2;
	}
	h->clock = rf_clock_system();
	h->want = (struct rf_hand_want){ .ca_file = RF_PKI_CA_CERT, .site = argv[2], .router = argv[3] };
	int rc = set_up(h, &diag);
	if (rc) {
		send_state(h, RF_HAND_STATE, 0, rc, &diag);
		free(h);
		return 3;
	}
	pid_t pid = fork();
	if (pid < 0)
		rc = 3;
	else
		rc = pid ? guard(h, pid) : work(h);
	rf_hand_log_close(h->log);
	rf_hand_net_close(&h->net);
	close(h->store.dir);
	free(h);
	return rc;
}

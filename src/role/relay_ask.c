#include "role/relay_int.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

/* --- requests about one call: its worker does them, and answers */

struct errand {
	struct rf_mail mail;
	struct anchor_worker *worker;
	struct rf_ng_ask *ask;
};

static void answer(struct rf_ng_ask *ask, const struct rf_writer *w)
{
	if (w->err)
		rf_ng_ask_drop(ask); /* not even an error fits: nothing that we build is so long */
	else
		rf_ng_ask_answer(ask, rf_view_of(w->buf, w->n));
}

static void nobody(void *arg, unsigned index, const struct rf_view tag[RF_PATH_ENDS], bool recorder,
		   const struct rf_path *p)
{
	(void)arg;
	(void)index;
	(void)tag;
	(void)recorder;
	(void)p;
}

/* At its end a relay goes on with the calls that it has, and takes no other. */
static bool turned_away(struct anchor_worker *w, const struct rf_ng_request *req)
{
	return w->draining && (req->command == RF_NG_OFFER || req->command == RF_NG_PUBLISH) &&
	       rf_relay_show(w->relay, req->call_id, nobody, NULL) != 0;
}

/* On its worker's thread. */
static void do_it(struct anchor_worker *worker, struct rf_ng_ask *ask)
{
	struct rf_ng_request *req = rf_ng_ask_request(ask);
	struct rf_writer w;

	rf_writer_init(&w, worker->reply, RF_NG_BYTES_MAX);
	if (turned_away(worker, req))
		rf_ng_reply_load(&w, req, "this relay is being stopped");
	else
		rf_relay_do(worker->relay, req, &w);
	answer(ask, &w);
	rf_secret_wipe(w.buf, w.n); /* SDES: keys */
}

static void run_errand(struct rf_mail *mail, int status)
{
	struct errand *x = rf_container(mail, struct errand, mail);

	if (status)
		rf_ng_ask_drop(x->ask);
	else
		do_it(x->worker, x->ask);
	free(x);
}

static void answer_here(struct rf_ng_ask *ask, const char *load)
{
	uint8_t bytes[RF_NG_WARNING_MAX + 1024];
	struct rf_writer w;

	rf_writer_init(&w, bytes, sizeof bytes);
	if (load)
		rf_ng_reply_load(&w, rf_ng_ask_request(ask), load);
	else
		rf_ng_reply_ok(&w, rf_ng_ask_request(ask));
	answer(ask, &w);
}

/* A call of whoever hears it is done at once: a mail to another thread and one back are eight microseconds. */
static void send_errand(const struct anchor_gate *g, struct rf_ng_ask *ask)
{
	struct anchor_worker *worker = anchor_worker_of(g->anchor, rf_ng_ask_request(ask)->call_id);

	if (worker == g->worker) {
		do_it(worker, ask);
		return;
	}
	struct errand *x = malloc(sizeof *x);

	if (x)
		*x = (struct errand){ .mail.deliver = run_errand, .worker = worker, .ask = ask };
	if (x && rf_mail_post(x->worker->loop, &x->mail) == 0)
		return;
	free(x);
	answer_here(ask, "too much to do");
}

/* --- requests about all */

struct survey {
	struct anchor_visit visit;
	struct rf_ng_ask *ask;
	struct anchor_sums sums;
	size_t limit, n, cap, bytes, bytes_cap;
	struct rf_view *ids;         /* offsets into text while it grows */
	uint8_t *text;
	bool full;
};

static bool grow(void **v, size_t *cap, size_t need, size_t size)
{
	size_t more = *cap ? *cap : 256;

	while (more < need)
		more *= 2;
	void *p = more == *cap ? *v : realloc(*v, more * size);
	if (!p)
		return false;
	*v = p;
	*cap = more;
	return true;
}

static bool list_one(void *arg, const struct rf_relay_view *s)
{
	struct survey *x = arg;

	if (x->n == x->limit)
		return false;
	if (!grow((void **)&x->ids, &x->cap, x->n + 1, sizeof *x->ids) ||
	    !grow((void **)&x->text, &x->bytes_cap, x->bytes + s->call_id.n + 1, 1)) {
		x->full = true;
		return false;
	}
	memcpy(x->text + x->bytes, s->call_id.p, s->call_id.n);
	x->ids[x->n++] = (struct rf_view){ (const uint8_t *)x->bytes, s->call_id.n };
	x->bytes += s->call_id.n;
	return true;
}

static void survey_at(struct anchor_visit *v, struct anchor_worker *w)
{
	struct survey *x = rf_container(v, struct survey, visit);

	if (rf_ng_ask_request(x->ask)->command == RF_NG_LISTING) {
		rf_relay_each(w->relay, list_one, x);
		return;
	}
	anchor_add(&x->sums, w);
	rf_relay_count(w->relay, &x->sums.ng); /* looks at every path: not what is done each second */
}

static void put_statistics(struct anchor *a, struct survey *x, struct rf_writer *w)
{
	struct rf_ng_stats_relay *s = &x->sums.ng;
	struct rf_ng_server_stats server = anchor_gates_add(a, &x->sums);

	for (unsigned i = 0; i < RF_NG_COMMANDS && i < sizeof s->commands / sizeof s->commands[0]; i++)
		s->commands[i] = server.commands[i];
	s->errors = server.malformed + server.refused + server.full;
	s->uptime_s = (a->clock.mono(a->clock.ctx).us - a->started_at.us) / 1000000;
	s->packet_rate = a->packet_rate;
	s->byte_rate = a->byte_rate;
	s->error_rate = a->error_rate;
	rf_ng_reply_statistics(w, rf_ng_ask_request(x->ask), s);
}

static void survey_done(struct anchor_visit *v, int err)
{
	struct survey *x = rf_container(v, struct survey, visit);
	struct rf_ng_request *req = rf_ng_ask_request(x->ask);
	struct anchor *a = v->anchor;
	uint8_t *bytes = err ? NULL : malloc(RF_NG_BYTES_MAX);
	struct rf_writer w;

	if (!bytes || !a->gate[ANCHOR_GATE_MAIN].server) { /* or all ends */
		rf_ng_ask_drop(x->ask);
	} else {
		rf_writer_init(&w, bytes, RF_NG_BYTES_MAX);
		for (size_t i = 0; i < x->n; i++)
			x->ids[i].p = x->text + (uintptr_t)x->ids[i].p;
		if (x->full)
			rf_ng_reply_error(&w, req, "out of memory");
		else if (req->command == RF_NG_LISTING)
			rf_ng_reply_list(&w, req, x->ids, x->n);
		else
			put_statistics(a, x, &w);
		answer(x->ask, &w);
	}
	free(bytes);
	free(x->ids);
	free(x->text);
	free(x);
}

static void send_survey(struct anchor *a, struct rf_ng_ask *ask)
{
	const struct rf_ng_request *req = rf_ng_ask_request(ask);
	struct survey *x = calloc(1, sizeof *x);

	if (x) {
		x->visit.at = survey_at;
		x->visit.done = survey_done;
		x->ask = ask;
		x->limit = req->limit.set && req->limit.v < RF_ANCHOR_SHOWN_MAX ? (size_t)req->limit.v :
										  RF_ANCHOR_SHOWN_MAX;
	}
	if (x && anchor_visit(a, &x->visit) == 0)
		return;
	free(x);
	answer_here(ask, "too much to do");
}

/* --- from the server */

static void on_request(void *arg, struct rf_ng_ask *ask)
{
	const struct anchor_gate *g = arg;

	switch (rf_ng_ask_request(ask)->command) {
	case RF_NG_PING:
		answer_here(ask, NULL);
		return;
	case RF_NG_LISTING:
	case RF_NG_STATISTICS:
		send_survey(g->anchor, ask);
		return;
	default:
		send_errand(g, ask);
	}
}

static void on_refused(void *arg, const struct rf_addr *from, const char *why)
{
	struct anchor *a = ((struct anchor_gate *)arg)->anchor;
	char text[RF_ADDR_TEXT];
	struct rf_event e;

	anchor_event(a, &e, RF_EVENT_RELAY_REFUSED);
	rf_event_cstr(&e, "peer", from->family ? rf_addr_text(from, text) : "a local socket");
	rf_event_cstr(&e, "why", why);
	anchor_post(a, &e);
}

const struct rf_ng_server_ops anchor_ng_ops = { .on_request = on_request, .on_refused = on_refused };

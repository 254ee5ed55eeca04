#include "role/pinhole.h"

#include "base/table.h"
#include "net/stream.h"

#include <stdlib.h>


enum { TICK_MS = 100, AGAIN_MIN_MS = 200, AGAIN_MAX_MS = 5000, ANSWER_MAX = 512 };

struct wall {
	struct rf_pinholes *owner;
	unsigned index;
	struct rf_pinholes_wall conf;
	struct rf_stream *stream;    /* NULL: none */
	struct rf_timer again;       /* runs while there is none */
	uint32_t again_ms;
	unsigned attempt;
	bool hello, told_down;
	bool renewing;               /* the wall ended it in order: most likely it wants to see our certificate again */
};

struct rf_pinholes {
	struct rf_net *net;
	struct rf_loop *loop;
	const struct rf_log *log;
	struct rf_tls *tls;
	struct rf_addr local[2];
	const struct rf_pinholes_ops *ops;
	void *arg;
	struct rf_pinbook *book;
	struct rf_timer tick;
	struct rf_hook flush;
	void (*done)(void *arg);     /* of rf_pinholes_close_all() */
	void *done_arg;
	uint64_t done_us;            /* at the latest then */
	bool ending;
	unsigned n;
	struct wall wall[RF_PIN_WALLS_MAX];
};

/* --- speaking */

static void speak(struct wall *w)
{
	struct rf_pinholes *p = w->owner;
	char line[RF_WALL_LINE_MAX];
	size_t n;

	while (w->stream && w->hello && (n = rf_pinbook_line(p->book, w->index, rf_loop_now(p->loop), line)))
		if (rf_stream_send(w->stream, rf_view_of(line, n)))
			return; /* it is closed by its own bound, and all is told again */
}

static void flush(struct rf_hook *hook)
{
	struct rf_pinholes *p = rf_container(hook, struct rf_pinholes, flush);

	for (unsigned i = 0; i < p->n; i++)
		speak(&p->wall[i]);
}

/* --- connections */

static void down(struct wall *w, const char *why, bool in_order)
{
	struct rf_pinholes *p = w->owner;
	bool was_up = w->hello || w->renewing;

	w->stream = NULL;
	w->hello = false;
	rf_pinbook_down(p->book, w->index, rf_loop_now(p->loop));
	if (p->ending)
		return;
	w->renewing = in_order && !w->renewing;
	if (w->renewing) {
		rf_timer_start(rf_loop_wheel(p->loop), &w->again, 0);
		return;
	}
	if ((was_up || !w->told_down) && p->ops->wall)
		p->ops->wall(p->arg, w->conf.name, false, why);
	w->told_down = true;
	rf_timer_start(rf_loop_wheel(p->loop), &w->again, w->again_ms);
	w->again_ms = 2 * w->again_ms < AGAIN_MAX_MS ? 2 * w->again_ms : AGAIN_MAX_MS;
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	(void)s;
	(void)peer; /* its name was checked: conf.proves */
}

/* The wall speaks: its greeting, then answers. False: the connection ends. */
static bool heard(struct wall *w, struct rf_view line)
{
	struct rf_pinholes *p = w->owner;

	if (w->hello)
		return rf_pinbook_answer(p->book, w->index, line, rf_loop_now(p->loop)) == 0;
	if (!rf_view_eq(line, rf_view_sub(RF_V(RF_WALL_HELLO), 0, sizeof RF_WALL_HELLO - 2)))
		return false;
	bool renewed = w->renewing;

	w->hello = true;
	w->told_down = w->renewing = false;
	w->again_ms = AGAIN_MIN_MS;
	rf_pinbook_up(p->book, w->index, rf_loop_now(p->loop));
	if (p->ops->wall && !renewed)
		p->ops->wall(p->arg, w->conf.name, true, "");
	return true;
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct wall *w = rf_stream_arg(s);
	size_t used = 0;

	while (used < bytes.n) {
		struct rf_view rest = rf_view_from(bytes, used);
		size_t n = rf_view_find(rest, '\n');

		if (n == rest.n && n < ANSWER_MAX)
			return used;
		if (n == rest.n || !heard(w, rf_view_sub(rest, 0, n))) {
			rf_log(w->owner->log, RF_LOG_WARN, "wall %s said what it may not say", w->conf.name);
			rf_stream_abort(s);
			return bytes.n;
		}
		used += n + 1;
	}
	return used;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct wall *w = rf_stream_arg(s);

	down(w, end->text, w->hello && end->why == RF_WHY_PEER);
}

static const struct rf_stream_ops stream_ops = { .on_open = on_open, .on_data = on_data, .on_closed = on_closed };

static void dial(struct wall *w)
{
	struct rf_pinholes *p = w->owner;
	unsigned both = (w->conf.at[0].family != 0) + (w->conf.at[1].family != 0);
	const struct rf_addr *at = &w->conf.at[both == 2 ? w->attempt++ % 2 : w->conf.at[0].family ? 0 : 1];
	struct rf_stream_conf conf = {
		.remote = *at, .local = p->local[at->family == 6], .tls = p->tls, .name = rf_view_str(w->conf.proves),
		.ops = &stream_ops, .arg = w,
	};
	int rc = rf_stream_connect(p->net, &conf, &w->stream);

	if (rc)
		down(w, rf_err_text(rc), false);
}

static void again_fire(struct rf_timer *t)
{
	dial(rf_container(t, struct wall, again));
}

/* --- time */

static void end_done(struct rf_pinholes *p)
{
	void (*done)(void *arg) = p->done;
	struct rf_pinbook_stats s;
	bool all = true;

	rf_pinbook_stats(p->book, &s);
	for (unsigned i = 0; i < p->n && s.held; i++) {
		struct rf_pinbook_wall w;

		rf_pinbook_wall_stats(p->book, i, &w);
		all &= !w.up || w.open + w.waiting == 0;
	}
	if (!all && rf_loop_now(p->loop).us < p->done_us)
		return;
	p->done = NULL;
	done(p->done_arg);
}

static void tick_fire(struct rf_timer *t)
{
	struct rf_pinholes *p = rf_container(t, struct rf_pinholes, tick);

	rf_timer_start(rf_loop_wheel(p->loop), t, TICK_MS);
	for (unsigned i = 0; i < p->n; i++) {
		bool lost = rf_pinbook_lost(p->book, i, rf_loop_now(p->loop));

		if (lost && p->wall[i].stream)
			rf_stream_abort(p->wall[i].stream);
	}
	if (p->done)
		end_done(p);
}

/* --- life */

static void on_refused(void *arg, unsigned wall, const char *why, const struct rf_tuple *tuple)
{
	struct rf_pinholes *p = arg;

	if (p->ops->refused)
		p->ops->refused(p->arg, p->wall[wall].conf.name, why, tuple);
}

int rf_pinholes_new(const struct rf_pinholes_conf *conf, struct rf_pinholes **ret)
{
	struct rf_pinholes *p = calloc(1, sizeof *p);
	struct rf_pinbook_conf book = { .walls = conf->n, .hash_key = conf->hash_key, .refused = on_refused, .arg = p };
	int rc = p ? rf_pinbook_new(&book, &p->book) : -ENOMEM;

	if (rc) {
		free(p);
		return rc;
	}
	p->net = conf->net;
	p->loop = rf_net_loop(conf->net);
	p->log = conf->log;
	p->tls = rf_tls_get(conf->tls);
	p->local[0] = conf->local[0];
	p->local[1] = conf->local[1];
	p->ops = conf->ops;
	p->arg = conf->arg;
	p->n = conf->n;
	rf_timer_init(&p->tick, tick_fire);
	rf_timer_start(rf_loop_wheel(p->loop), &p->tick, TICK_MS);
	rf_loop_hook_add(p->loop, &p->flush, flush);
	for (unsigned i = 0; i < p->n; i++) {
		p->wall[i] = (struct wall){ .owner = p, .index = i, .conf = conf->walls[i], .again_ms = AGAIN_MIN_MS };
		rf_timer_init(&p->wall[i].again, again_fire);
		rf_timer_start(rf_loop_wheel(p->loop), &p->wall[i].again, 0);
	}
	*ret = p;
	return 0;
}

/* Ends come in the turn, when p is gone. */
static void on_closed_late(struct rf_stream *s, const struct rf_stream_end *end)
{
	(void)s;
	(void)end;
}

static size_t on_data_late(struct rf_stream *s, struct rf_view bytes)
{
	(void)s;
	return bytes.n;
}

static const struct rf_stream_ops late_ops = { .on_open = on_open,
					       .on_data = on_data_late,
					       .on_closed = on_closed_late };

void rf_pinholes_free(struct rf_pinholes *p)
{
	if (!p)
		return;
	p->ending = true;
	rf_timer_stop(rf_loop_wheel(p->loop), &p->tick);
	rf_loop_hook_del(&p->flush);
	for (unsigned i = 0; i < p->n; i++) {
		rf_timer_stop(rf_loop_wheel(p->loop), &p->wall[i].again);
		if (p->wall[i].stream) {
			rf_stream_set_ops(p->wall[i].stream, &late_ops);
			rf_stream_abort(p->wall[i].stream);
		}
	}
	rf_pinbook_free(p->book);
	rf_tls_put(p->tls);
	free(p);
}

void rf_pinholes_set_tls(struct rf_pinholes *p, struct rf_tls *tls)
{
	struct rf_tls *old = p->tls;

	p->tls = rf_tls_get(tls);
	rf_tls_put(old);
}

int rf_pinholes_want(struct rf_pinholes *p, uint64_t session, const struct rf_tuple *tuples, size_t n)
{
	rf_pinbook_now(p->book, rf_loop_now(p->loop));
	return rf_pinbook_want(p->book, session, tuples, n);
}

void rf_pinholes_close_all(struct rf_pinholes *p, uint32_t ms, void (*done)(void *arg), void *arg)
{
	rf_pinbook_drop_all(p->book);
	p->done = done;
	p->done_arg = arg;
	p->done_us = rf_loop_now(p->loop).us + ms * 1000ull;
}

int rf_pinholes_block(struct rf_pinholes *p, const struct rf_tuple *address, uint32_t seconds)
{
	return rf_pinbook_block(p->book, address, seconds, rf_loop_now(p->loop));
}

void rf_pinholes_stats(const struct rf_pinholes *p, struct rf_pinbook_stats *ret)
{
	rf_pinbook_stats(p->book, ret);
}

unsigned rf_pinholes_walls(const struct rf_pinholes *p)
{
	return p->n;
}

const char *rf_pinholes_wall_name(const struct rf_pinholes *p, unsigned wall)
{
	return p->wall[wall].conf.name;
}

void rf_pinholes_wall_stats(const struct rf_pinholes *p, unsigned wall, struct rf_pinbook_wall *ret)
{
	rf_pinbook_wall_stats(p->book, wall, ret);
}

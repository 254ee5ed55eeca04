#include "role/pinbook_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* --- lists */

void pin_lists_init(struct pin_wall *w)
{
	for (unsigned i = 0; i < LISTS; i++)
		w->lists[i] = (struct pin_line){ .last = &w->lists[i].first };
}

void pin_unlist(struct rf_pinbook *b, struct pin_at *a)
{
	if (!a->link)
		return;
	struct pin_line *l = &b->wall[a->wall].lists[a->list];

	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	else
		l->last = a->link;
	l->n--;
	a->next = NULL;
	a->link = NULL;
	a->list = LIST_NONE;
}

static void enlist(struct rf_pinbook *b, struct pin_at *a, enum pin_list list)
{
	struct pin_line *l = &b->wall[a->wall].lists[list];

	if (a->list == list)
		return;
	pin_unlist(b, a);
	a->list = (uint8_t)list;
	a->link = l->last;
	*l->last = a;
	l->last = &a->next;
	l->n++;
}

static void wait_in(struct rf_pinbook *b, struct pin_at *a, enum pin_list list, uint64_t ms)
{
	a->due_us = b->now_us + ms * 1000;
	enlist(b, a, list);
}

void pin_set_state(struct rf_pinbook *b, struct pin_at *a, enum pin_state state)
{
	size_t *open = &b->wall[a->wall].open;

	*open += (state == PIN_OPEN) - (a->state == PIN_OPEN);
	a->state = (uint8_t)state;
}

/* An opening for UDP ends by itself. */
static bool is_brief(const struct pin_at *a)
{
	const struct rf_tuple *t = &pin_of(a)->tuple;

	return rf_tuple_is_opening(t) && t->protocol == IPPROTO_UDP;
}

void pin_sort(struct rf_pinbook *b, struct pin_at *a)
{
	bool wanted = pin_of(a)->wanted;

	if (a->flying)
		return; /* its answer sorts it */
	if (!b->wall[a->wall].stats.up) {
		pin_unlist(b, a);
		if (b->wall[a->wall].swept)
			pin_set_state(b, a, PIN_NONE);
	} else if (!wanted && a->state == PIN_NONE) {
		pin_unlist(b, a);
	} else if (!wanted || a->state != PIN_OPEN) {
		if (a->list != LIST_SOON && a->list != LIST_LATER)
			enlist(b, a, wanted ? LIST_OPEN : LIST_CLOSE);
	} else if (is_brief(a)) {
		pin_unlist(b, a);
	} else if (a->list != LIST_REFRESH) {
		wait_in(b, a, LIST_REFRESH, b->conf.lease_s * 500ull);
	}
}

/* --- the next line */

static void wake(struct rf_pinbook *b, struct pin_wall *w, enum pin_list list)
{
	for (struct pin_at *a; (a = w->lists[list].first) && a->due_us <= b->now_us;) {
		pin_unlist(b, a);
		pin_sort(b, a);
	}
}

static size_t put_tuple(const struct rf_tuple *t, char *dst, size_t cap)
{
	char src[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int family = t->family == 4 ? AF_INET : AF_INET6;

	inet_ntop(family, t->src, src, sizeof src);
	inet_ntop(family, t->dst, to, sizeof to);
	const char *protocol = t->protocol == IPPROTO_TCP ? "tcp" : "udp";

	if (rf_tuple_is_opening(t))
		return (size_t)snprintf(dst, cap, " %s/%s/any/%s/%u", protocol, src, to, t->dport);
	return (size_t)snprintf(dst, cap, " %s/%s/%u/%s/%u", protocol, src, t->sport, to, t->dport);
}

static struct pin_flight *free_flight(struct pin_wall *w)
{
	for (size_t i = 0; i < RF_PIN_FLYING; i++)
		if (!w->flights[i].used)
			return &w->flights[i];
	return NULL;
}

/* Which list is served now; LIST_NONE: none. */
static enum pin_list next_list(const struct rf_pinbook *b, const struct pin_wall *w)
{
	if (w->lists[LIST_CLOSE].n)
		return LIST_CLOSE;
	if (w->lists[LIST_OPEN].n)
		return LIST_OPEN;
	const struct pin_at *a = w->lists[LIST_REFRESH].first;
	return a && a->due_us <= b->now_us ? LIST_REFRESH : LIST_NONE;
}

static void load(struct rf_pinbook *b, struct pin_wall *w, struct pin_flight *f, enum pin_list list)
{
	struct pin_line *l = &w->lists[list];

	while (l->first && f->n < RF_WALL_LINE_TUPLES &&
	       !(f->n && (l->first->alone || is_brief(l->first) != is_brief(f->v[0]))) &&
	       (list != LIST_REFRESH || l->first->due_us <= b->now_us)) {
		struct pin_at *a = l->first;
		bool alone = a->alone;

		pin_unlist(b, a);
		a->flying = true;
		a->alone = false;
		f->v[f->n++] = a;
		if (alone)
			break;
	}
	w->away += f->n;
}

size_t rf_pinbook_line(struct rf_pinbook *b, unsigned wall, struct rf_mono now, char dst[static RF_WALL_LINE_MAX])
{
	static const enum rf_wall_verb verbs[LISTS + 1] = {
		[LIST_CLOSE] = RF_WALL_CLOSE, [LIST_OPEN] = RF_WALL_OPEN, [LIST_REFRESH] = RF_WALL_REFRESH,
		[LIST_NONE] = RF_WALL_PING,
	};
	static const char *const words[] = { "open", "refresh", "close", "ping" };
	struct pin_wall *w = &b->wall[wall];
	struct pin_flight *f;

	b->now_us = now.us;
	if (!w->stats.up || !(f = free_flight(w)))
		return 0;
	*f = (struct pin_flight){ .id = w->next_id + 1, .sent_us = now.us };
	size_t said = pin_block_line(b, wall, f->id, &f->verb, dst, RF_WALL_LINE_MAX - 1);
	if (said) {
		f->used = true;
		w->next_id++;
		w->flying++;
		w->said_us = now.us;
		dst[said++] = '\n';
		return said;
	}
	wake(b, w, LIST_SOON);
	wake(b, w, LIST_LATER);
	enum pin_list list = next_list(b, w);
	if (list == LIST_NONE && now.us < w->said_us + RF_PIN_PING_MS * 1000ull)
		return 0;
	*f = (struct pin_flight){ .used = true, .id = ++w->next_id, .verb = verbs[list], .sent_us = now.us };
	w->flying++;
	w->said_us = now.us;
	if (list != LIST_NONE)
		load(b, w, f, list);
	size_t n = (size_t)snprintf(dst, RF_WALL_LINE_MAX, "%u %s", f->id, words[f->verb]);
	if (f->verb == RF_WALL_OPEN || f->verb == RF_WALL_REFRESH)
		n += (size_t)snprintf(dst + n, RF_WALL_LINE_MAX - n, " %u",
				      f->n && is_brief(f->v[0]) && b->conf.lease_s > RF_PIN_OPENING_S ?
					      RF_PIN_OPENING_S :
					      b->conf.lease_s);
	for (size_t i = 0; i < f->n; i++)
		n += put_tuple(&pin_of(f->v[i])->tuple, dst + n, RF_WALL_LINE_MAX - n);
	dst[n++] = '\n';
	return n;
}

/* --- what it said */

static void opened(struct rf_pinbook *b, struct pin_wall *w, struct pin *p)
{
	uint64_t us = p->wanted_us ? b->now_us - p->wanted_us : 0;

	w->stats.opened++;
	if (!p->wanted_us)
		return;
	p->wanted_us = 0;
	w->stats.open_us += us;
	if (us > w->stats.open_us_max)
		w->stats.open_us_max = us;
}

static void done(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	pin_set_state(b, a, f->verb == RF_WALL_CLOSE ? PIN_NONE : PIN_OPEN);
	if (f->verb == RF_WALL_OPEN)
		opened(b, w, pin_of(a));
	else
		(*(f->verb == RF_WALL_CLOSE ? &w->stats.closed : &w->stats.refreshed))++;
}

static void refused(struct rf_pinbook *b, struct pin_at *a, const char *why)
{
	if (b->conf.refused)
		b->conf.refused(b->conf.arg, a->wall, why, &pin_of(a)->tuple);
}

/* The wall has it not. */
static void unknown(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	w->stats.unknown += f->verb != RF_WALL_CLOSE;
	pin_set_state(b, a, PIN_NONE);
}

static void denied(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	if (f->verb == RF_WALL_CLOSE) {
		unknown(b, w, f, a);
		return;
	}
	w->stats.denied++;
	refused(b, a, "denied");
	/* A refresh: it stands for the rest of its lease. */
	pin_set_state(b, a, f->verb == RF_WALL_OPEN ? PIN_NONE : PIN_UNSURE);
	a->alone = true;
	wait_in(b, a, LIST_LATER, RF_PIN_LATER_MS);
}

static void kernel(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	(void)f;
	w->stats.kernel++;
	refused(b, a, "kernel");
	pin_set_state(b, a, PIN_UNSURE);
	a->alone = true;
	wait_in(b, a, LIST_LATER, RF_PIN_LATER_MS);
}

/* What was to be refreshed is opened then, which is the same for the wall. */
static void again(struct rf_pinbook *b, const struct pin_flight *f, struct pin_at *a, enum pin_list list, uint64_t ms)
{
	if (f->verb == RF_WALL_REFRESH)
		pin_set_state(b, a, PIN_UNSURE);
	wait_in(b, a, list, ms);
}

static void limit(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	w->stats.limit++;
	if (a == f->v[0])
		refused(b, a, "limit");
	again(b, f, a, LIST_LATER, RF_PIN_LATER_MS);
}

static void busy(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a)
{
	w->stats.busy += a == f->v[0];
	again(b, f, a, LIST_SOON, RF_PIN_SOON_MS);
}

/* A request fails as a whole. Those beside the one that failed go again, each alone; with "kernel"
 * nobody knows of them. */
static const struct verdict {
	struct rf_view word;
	void (*do_one)(struct rf_pinbook *b, struct pin_wall *w, const struct pin_flight *f, struct pin_at *a);
	bool at_one, unsure;
} verdicts[] = {
	{ { (const uint8_t *)"denied", 6 }, denied, true, false },
	{ { (const uint8_t *)"unknown", 7 }, unknown, true, false },
	{ { (const uint8_t *)"kernel", 6 }, kernel, true, true },
	{ { (const uint8_t *)"limit", 5 }, limit, false, false },
	{ { (const uint8_t *)"busy", 4 }, busy, false, false },
};

static void land(struct pin_wall *w, struct pin_flight *f)
{
	f->used = false;
	w->flying--;
	w->away -= f->n;
	for (size_t i = 0; i < f->n; i++)
		f->v[i]->flying = false;
}

static void settle(struct rf_pinbook *b, struct pin_wall *w, struct pin_flight *f, const struct verdict *verdict,
		   uint64_t index)
{
	land(w, f);
	for (size_t i = 0; i < f->n; i++) {
		struct pin_at *a = f->v[i];

		if (!verdict)
			done(b, w, f, a);
		else if (!verdict->at_one || index == i)
			verdict->do_one(b, w, f, a);
		else {
			a->alone = true;
			if (verdict->unsure || f->verb == RF_WALL_REFRESH)
				pin_set_state(b, a, PIN_UNSURE);
		}
	}
	for (size_t i = 0; i < f->n; i++) {
		pin_sort(b, f->v[i]);
		pin_release(b, pin_of(f->v[i]));
	}
}

static struct rf_view word_of(struct rf_view *rest)
{
	size_t n = rf_view_find(*rest, ' ');
	struct rf_view word = rf_view_sub(*rest, 0, n);

	*rest = rf_view_from(*rest, n < rest->n ? n + 1 : n);
	return word;
}

static struct pin_flight *flight_of(struct pin_wall *w, uint32_t id)
{
	for (size_t i = 0; i < RF_PIN_FLYING; i++)
		if (w->flights[i].used && w->flights[i].id == id)
			return &w->flights[i];
	return NULL;
}

int rf_pinbook_answer(struct rf_pinbook *b, unsigned wall, struct rf_view line, struct rf_mono now)
{
	struct pin_wall *w = &b->wall[wall];
	struct rf_view rest = line;
	uint64_t index = 0;
	uint32_t id;

	b->now_us = now.us;
	struct pin_flight *f = rf_view_u32(word_of(&rest), &id) ? flight_of(w, id) : NULL;
	struct rf_view word = word_of(&rest);
	if (!f)
		return RF_E_MALFORMED;
	if (f->verb == RF_WALL_BLOCK || f->verb == RF_WALL_UNBLOCK) {
		bool ok = rf_view_eq(word, RF_V("ok"));

		(*(ok ? &w->stats.blocked : &w->stats.block_refused))++;
		if (!ok && rf_view_eq(rest, RF_V("busy")))
			pin_block_forget(b, wall); /* all of them once more: it is seldom, and costs nothing */
		land(w, f);
		return 0;
	}
	if (rf_view_eq(word, RF_V("ok")) && !rest.n) {
		settle(b, w, f, NULL, 0);
		return 0;
	}
	if (!rf_view_eq(word, RF_V("no")))
		return RF_E_MALFORMED;
	word = word_of(&rest);
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		const struct verdict *v = &verdicts[i];

		if (!rf_view_eq(word, v->word))
			continue;
		if (!f->n || (v->at_one && (!rf_view_u64(rest, RF_WALL_LINE_TUPLES - 1, &index) || index >= f->n)))
			return RF_E_MALFORMED;
		settle(b, w, f, v, index);
		return 0;
	}
	return RF_E_MALFORMED;
}

/* --- connections */

struct sweep { struct rf_pinbook *b; unsigned wall; };

/* A connection has ended: what stood or was asked for may stand. */
static void doubt(struct rf_node *n, void *arg)
{
	struct sweep *x = arg;
	struct pin *p = rf_container(n, struct pin, node);
	struct pin_at *a = &p->at[x->wall];

	if (a->state == PIN_OPEN || a->flying)
		pin_set_state(x->b, a, PIN_UNSURE);
	a->flying = a->alone = false;
	pin_sort(x->b, a);
	pin_release(x->b, p);
}

static void sort_one(struct rf_node *n, void *arg)
{
	struct sweep *x = arg;
	struct pin *p = rf_container(n, struct pin, node);

	pin_sort(x->b, &p->at[x->wall]);
	pin_release(x->b, p);
}

static void forget(struct rf_pinbook *b, unsigned wall)
{
	b->wall[wall].swept = true;
	rf_table_each(&b->pins, sort_one, &(struct sweep){ b, wall });
}

static bool is_long_away(const struct rf_pinbook *b, const struct pin_wall *w)
{
	return b->now_us >= w->down_us + b->conf.lease_s * 1000000ull + RF_HAND_GRACE_MS * 1000ull;
}

void rf_pinbook_up(struct rf_pinbook *b, unsigned wall, struct rf_mono now)
{
	struct pin_wall *w = &b->wall[wall];

	b->now_us = now.us;
	if (w->stats.up)
		return;
	if (!w->swept && is_long_away(b, w))
		forget(b, wall);
	w->stats.up = true;
	w->swept = false;
	w->said_us = now.us;
	rf_table_each(&b->pins, sort_one, &(struct sweep){ b, wall });
}

void rf_pinbook_down(struct rf_pinbook *b, unsigned wall, struct rf_mono now)
{
	struct pin_wall *w = &b->wall[wall];

	b->now_us = now.us;
	if (!w->stats.up)
		return;
	w->stats.up = false;
	w->down_us = now.us;
	w->flying = w->away = 0;
	pin_block_forget(b, wall);
	for (size_t i = 0; i < RF_PIN_FLYING; i++)
		w->flights[i].used = false;
	rf_table_each(&b->pins, doubt, &(struct sweep){ b, wall });
}

bool rf_pinbook_lost(struct rf_pinbook *b, unsigned wall, struct rf_mono now)
{
	struct pin_wall *w = &b->wall[wall];

	b->now_us = now.us;
	if (!w->stats.up && !w->swept && is_long_away(b, w))
		forget(b, wall);
	for (size_t i = 0; w->stats.up && i < RF_PIN_FLYING; i++)
		if (w->flights[i].used && now.us >= w->flights[i].sent_us + RF_PIN_ANSWER_MS * 1000ull)
			return true;
	return false;
}

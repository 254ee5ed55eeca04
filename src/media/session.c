#include "media/recorder.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int rf_turn_fail(struct rf_turn *t, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, ap);
	va_end(ap);
	return rc;
}

int rf_turn_fail_port(struct rf_turn *t, int rc)
{
	t->full = rc == RF_E_LIMIT;
	return rf_turn_fail(t, rc, "a port cannot be set up: %s",
			    t->full ? "descriptors or ports are exhausted" : rf_err_text(rc));
}

struct rf_session *rf_session_find(const struct rf_relay *r, struct rf_view call_id)
{
	for (struct rf_node *n = rf_table_first(&r->table, rf_hash(&r->conf.hash_key, call_id)); n;
	     n = rf_table_next(n)) {
		struct rf_session *s = rf_container(n, struct rf_session, node);

		if (rf_view_eq(s->call_id, call_id))
			return s;
	}
	return NULL;
}

/* ---- timers */

void rf_session_end(struct rf_session *s, const char *why)
{
	const struct rf_relay_conf *c = &s->relay->conf;

	if (c->ops && c->ops->ended)
		c->ops->ended(c->ctx, s->call_id, why);
	rf_session_free(s);
}

uint32_t rf_relay_unanswered_ms(const struct rf_relay *r)
{
	return r->conf.policy.unanswered_ms ? r->conf.policy.unanswered_ms : 180000;
}

static struct rf_mono unanswered_until(const struct rf_pair *p)
{
	return rf_mono_add_ms(p->asked, rf_relay_unanswered_ms(p->session->relay));
}

/* Nothing can fall silent where nothing is open: every line was switched off, or its new path never answered. */
static bool is_open(const struct rf_session *s)
{
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++)
			if (p->lines[i].path && p->lines[i].open)
				return true;
	return false;
}

static struct rf_mono idle_until(const struct rf_session *s)
{
	return rf_mono_add_ms(s->signaled, RF_SESSION_HELD_MS);
}

/* Branches that nobody answered leave when the call is up elsewhere; a call that nobody answered ends, and one that is
 * up without any media of which nobody speaks for as long as a held one may be silent. */
static void timer_fired(struct rf_timer *timer)
{
	struct rf_session *s = rf_container(timer, struct rf_session, timer);

	if (s->deleting) {
		s->relay->count.regular++;
		rf_session_free(s);
		return;
	}
	for (struct rf_pair *p = s->pairs, *next; p; p = next) {
		next = p->next;
		if (!p->answered && unanswered_until(p).us <= rf_loop_now(s->relay->conf.loop).us)
			rf_duo_free(p);
	}
	if (!s->pairs) {
		s->relay->count.unanswered++;
		rf_session_end(s, "unanswered");
		return;
	}
	if (!is_open(s) && idle_until(s).us <= rf_loop_now(s->relay->conf.loop).us) {
		s->relay->count.silent++;
		rf_session_end(s, "silence");
		return;
	}
	rf_session_copies(s);
	rf_session_arm(s);
	rf_session_pinholes(s);
}

void rf_session_arm(struct rf_session *s)
{
	struct rf_mono first = { UINT64_MAX }, copies = rf_session_copies_until(s);

	if (s->deleting)
		return; /* a branch less: all goes in its time */
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		if (!p->answered && unanswered_until(p).us < first.us)
			first = unanswered_until(p);
	if (first.us == UINT64_MAX && !is_open(s))
		first = idle_until(s);
	if (copies.us < first.us)
		first = copies;
	if (first.us == UINT64_MAX)
		rf_timer_stop(rf_loop_wheel(s->relay->conf.loop), &s->timer);
	else
		rf_timer_start_at(rf_loop_wheel(s->relay->conf.loop), &s->timer, first);
}

static uint64_t last_heard(const struct rf_path *p)
{
	uint64_t last = 0;

	for (unsigned end = 0; end < RF_PATH_ENDS; end++) {
		struct rf_path_end_stats st;

		rf_path_stats(p, end, &st);
		last = st.last_us > last ? st.last_us : last;
	}
	return last;
}

/* ICE's checks come to a carrier. */
static uint64_t line_heard(const struct rf_line *l)
{
	uint64_t last = l->path ? last_heard(l->path) : 0;

	for (unsigned side = 0; side < 2; side++) {
		uint64_t at = l->carrier[side] ? last_heard(l->carrier[side]->path) : 0;

		last = at > last ? at : last;
	}
	return last;
}

/* A path fell silent. Another one of the same session may still be heard: a call whose video is switched off lives. */
static void quiet_fired(struct rf_timer *timer)
{
	struct rf_session *s = rf_container(timer, struct rf_session, quiet);
	uint32_t ms = s->relay->conf.policy.silence_ms ? s->relay->conf.policy.silence_ms : 60000;
	uint64_t now = rf_loop_now(s->relay->conf.loop).us;

	if (s->signaled.us + 1000ull * ms > now)
		return; /* something new was agreed: its paths begin to count */
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++)
			if (line_heard(&p->lines[i]) + 1000ull * ms > now) {
				rf_timer_start(rf_loop_wheel(s->relay->conf.loop), &s->quiet, ms);
				return;
			}
	s->relay->count.silent++;
	rf_session_end(s, "silence");
}

/* ---- what paths tell */

static void on_flows(void *arg, struct rf_path *p)
{
	struct rf_session *s = arg;

	(void)p;
	s->flows_changed = true;
	if (!s->busy)
		rf_session_pinholes(s);
}

static void on_dtls(void *arg, struct rf_path *p, unsigned end, const char *why)
{
	struct rf_session *s = arg;
	const struct rf_relay_conf *c = &s->relay->conf;

	(void)p;
	(void)end;
	if (why && c->ops && c->ops->ended)
		c->ops->ended(c->ctx, s->call_id, why);
}

static void on_silent(void *arg, struct rf_path *p)
{
	struct rf_session *s = arg;

	(void)p;
	if (!rf_timer_active(&s->quiet))
		rf_timer_start(rf_loop_wheel(s->relay->conf.loop), &s->quiet, 0);
}

static void on_dtmf(void *arg, struct rf_path *p, unsigned end, unsigned code, unsigned ms)
{
	/* Digits are card numbers and passwords: they are not kept, and told to nobody who did not ask. */
	rf_session_heard(arg, p, end, code, ms);
}

static void on_picture(void *arg, struct rf_path *p)
{
	rf_session_picture(arg, p);
}

const struct rf_path_ops rf_session_path_ops = { on_flows, on_dtls, on_silent, on_dtmf, on_picture };

static size_t line_flows(const struct rf_pair *p, size_t at, struct rf_path_tuple *ret, size_t most)
{
	const struct rf_line *l = &p->lines[at];
	size_t n = 0;

	if (l->path && most >= RF_PATH_TUPLES_MAX)
		n = rf_path_flows(l->path, ret);
	for (unsigned side = 0; side < 2; side++)
		if (l->carrier[side] && rf_carrier_is_first(p, at, side) && most >= n + RF_PATH_TUPLES_MAX)
			n += rf_path_flows(l->carrier[side]->path, ret + n);
	return n;
}

void rf_session_pinholes(struct rf_session *s)
{
	const struct rf_relay_conf *c = &s->relay->conf;
	struct rf_path_tuple *all = s->relay->tuples;
	size_t n = 0;

	s->flows_changed = false;
	if (!c->ops || !c->ops->pinholes)
		return;
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++)
			n += line_flows(p, i, all + n, RF_SESSION_TUPLES_MAX - n);
	n += rf_session_copies_flows(s, all + n, RF_SESSION_TUPLES_MAX - n);
	if (n == 0 && !s->has_pinholes)
		return;
	s->has_pinholes = n > 0;
	c->ops->pinholes(c->ctx, s->key, all, n);
}

/* ---- lines */

void rf_ours_fini(struct rf_ours *o)
{
	rf_sdes_free(o->sdes);
	rf_secret_wipe(o, sizeof *o);
}

static void count_way(struct rf_relay *r, const struct rf_path *p)
{
	unsigned heard = 0;

	for (unsigned end = 0; end < RF_PATH_ENDS; end++) {
		struct rf_path_end_stats st;

		rf_path_stats(p, end, &st);
		heard += st.packets > 0;
	}
	r->count.zero_way += heard == 0;
	r->count.one_way += heard == 1;
}

void rf_line_drop_next(struct rf_relay *r, struct rf_line *l)
{
	if (!l->next)
		return;
	rf_path_free(l->next);
	l->next = NULL;
	r->media--;
	for (unsigned side = 0; side < 2; side++)
		rf_carrier_leave(r, &l->next_carrier[side]);
}

void rf_line_set_coded(struct rf_relay *r, struct rf_line *l, bool coded)
{
	r->coded += coded;
	r->coded -= l->coded;
	l->coded = coded;
}

void rf_line_off(struct rf_relay *r, struct rf_line *l)
{
	rf_line_set_coded(r, l, false);
	rf_line_drop_next(r, l);
	if (l->path) {
		if (l->open)
			count_way(r, l->path);
		rf_path_free(l->path);
		r->media--;
	}
	for (unsigned side = 0; side < 2; side++) {
		rf_carrier_leave(r, &l->carrier[side]);
		rf_said_free(l->said[side]);
		rf_ours_fini(&l->ours[side]); /* keys of ours never serve a second path: its packets would
					       * begin anew under them */
	}
	rf_said_free(l->offered);
	memset(l, 0, sizeof *l);
}

void rf_session_hold(struct rf_session *s)
{
	for (struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++)
			for (unsigned side = 0; p->lines[i].path && side < 2; side++)
				rf_path_hold(p->lines[i].path, side,
					     rf_line_sound(p, &p->lines[i], side, s->holds | p->side[side]->holds));
}

/* ---- parties and pairs */

struct rf_party *rf_session_party(const struct rf_session *s, struct rf_view tag)
{
	for (struct rf_party *p = s->parties; p; p = p->next)
		if (p->tag.n && rf_view_eq(p->tag, tag))
			return p;
	return NULL;
}

int rf_session_party_new(struct rf_turn *t, struct rf_session *s, struct rf_view tag, struct rf_party **ret_party)
{
	struct rf_party **at = &s->parties, *p;
	unsigned n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	if (n >= RF_SESSION_PARTIES_MAX)
		return rf_turn_fail(t, RF_E_LIMIT, "a session has at most %d parties", RF_SESSION_PARTIES_MAX);
	p = calloc(1, sizeof *p + tag.n);
	if (!p)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	if (tag.n)
		memcpy(p + 1, tag.p, tag.n);
	p->tag = rf_view_of(p + 1, tag.n);
	p->created_s = rf_loop_wall(t->relay->conf.loop).us / 1000000;
	*at = p;
	t->relay->parties++;
	*ret_party = p;
	return 0;
}

int rf_party_label(struct rf_party *p, struct rf_view label)
{
	uint8_t *copy;

	if (rf_view_empty(label) || rf_view_eq(p->label, label))
		return 0;
	copy = malloc(label.n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, label.p, label.n);
	free(p->label_p);
	p->label_p = copy;
	p->label = rf_view_of(copy, label.n);
	return 0;
}

static void party_free(struct rf_session *s, struct rf_party *party)
{
	free(party->label_p);
	free(party);
	s->relay->parties--;
}

struct rf_pair *rf_session_pair_of(const struct rf_session *s, const struct rf_party *party)
{
	struct rf_pair *found = NULL;

	for (struct rf_pair *p = s->pairs; p; p = p->next)
		if ((p->side[0] == party || p->side[1] == party) && (!found || (p->answered && !found->answered)))
			found = p;
	return found;
}

static bool party_used(const struct rf_session *s, const struct rf_party *party)
{
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		if (p->side[0] == party || p->side[1] == party || party->once == p)
			return true;
	return false;
}

void rf_session_tidy(struct rf_session *s)
{
	for (struct rf_party **at = &s->parties; *at;) {
		struct rf_party *party = *at;

		if (party_used(s, party)) {
			at = &party->next;
			continue;
		}
		*at = party->next;
		party_free(s, party);
	}
}

int rf_duo_new(struct rf_turn *t, struct rf_session *s, struct rf_party *a, struct rf_party *b,
	       struct rf_pair **ret_pair)
{
	struct rf_view branch = t->req->via_branch;
	struct rf_pair **at = &s->pairs, *p;
	unsigned n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	if (n >= RF_SESSION_PAIRS_MAX)
		return rf_turn_fail(t, RF_E_LIMIT, "a session has at most %d branches", RF_SESSION_PAIRS_MAX);
	p = calloc(1, sizeof *p + branch.n);
	if (!p)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	if (branch.n)
		memcpy(p + 1, branch.p, branch.n);
	p->branch = rf_view_of(p + 1, branch.n);
	p->session = s;
	p->side[0] = a;
	p->side[1] = b;
	for (unsigned side = 0; side < 2; side++) {
		p->spoken[side].id = rf_random_u64(t->relay->conf.random) >> 2;
		p->spoken[side].version = 0;
	}
	*at = p;
	*ret_pair = p;
	return 0;
}

void rf_duo_free(struct rf_pair *pair)
{
	struct rf_session *s = pair->session;

	rf_session_copies_forget(s, pair);
	for (size_t i = 0; i < pair->n_lines; i++)
		rf_line_off(s->relay, &pair->lines[i]);
	free(pair->lines);
	for (struct rf_pair **at = &s->pairs; *at; at = &(*at)->next)
		if (*at == pair) {
			*at = pair->next;
			break;
		}
	rf_session_tidy(s);
	free(pair);
	s->flows_changed = true;
}

/* ---- sessions */

int rf_session_new(struct rf_turn *t, struct rf_session **ret_session)
{
	struct rf_relay *r = t->relay;
	struct rf_view id = t->req->call_id;
	struct rf_session *s;
	int rc;

	s = calloc(1, sizeof *s + id.n);
	if (!s)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	memcpy(s + 1, id.p, id.n);
	s->call_id = rf_view_of(s + 1, id.n);
	s->relay = r;
	rc = rf_table_add(&r->table, &s->node, rf_hash(&r->conf.hash_key, id));
	if (rc) {
		free(s);
		t->full = rc == RF_E_LIMIT;
		return rf_turn_fail(t, rc,
				    rc == RF_E_LIMIT ? "as many sessions as this relay may have are up" : "no memory");
	}
	s->key = rf_random_u64(r->conf.random);
	s->created = rf_loop_wall(r->conf.loop);
	s->signaled = rf_loop_now(r->conf.loop);
	rf_timer_init(&s->timer, timer_fired);
	rf_timer_init(&s->quiet, quiet_fired);
	s->prev = r->last;
	*(r->last ? &r->last->next : &r->first) = s;
	r->last = s;
	r->count.managed++;
	*ret_session = s;
	return 0;
}

void rf_session_free(struct rf_session *s)
{
	struct rf_relay *r = s->relay;
	int64_t up = rf_loop_wall(r->conf.loop).us - s->created.us;

	s->busy = true;
	rf_timer_stop(rf_loop_wheel(r->conf.loop), &s->timer);
	rf_timer_stop(rf_loop_wheel(r->conf.loop), &s->quiet);
	rf_session_copies_end(s);
	while (s->pairs)
		rf_duo_free(s->pairs);
	rf_session_tidy(s);
	rf_session_pinholes(s);
	r->count.duration_us += up > 0 ? (uint64_t)up : 0;
	rf_table_del(&r->table, &s->node);
	*(s->prev ? &s->prev->next : &r->first) = s->next;
	*(s->next ? &s->next->prev : &r->last) = s->prev;
	free(s);
}

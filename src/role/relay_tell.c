#include "role/relay_int.h"

#include "base/secret.h"
#include "media/ng_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWE_MS = 200 };

/* --- record */

void anchor_event(struct anchor *a, struct rf_event *e, enum rf_event_kind kind)
{
	rf_event_init(e, kind, a->clock.wall(a->clock.ctx));
	if (a->host)
		rf_event_str(e, "host", a->host->name);
}

void anchor_post(struct anchor *a, const struct rf_event *e)
{
	if (a->ledger)
		rf_ledger_post(a->ledger, e);
}

/* A worker's thread: a session ended by itself, or its media failed. */
static void on_ended(void *ctx, struct rf_view call_id, const char *why)
{
	struct anchor_worker *w = ctx;
	struct rf_event e;

	anchor_event(w->anchor, &e, RF_EVENT_RELAY_ENDED);
	rf_event_str(&e, "call_id", call_id);
	rf_event_cstr(&e, "why", why);
	anchor_post(w->anchor, &e);
}

/* A worker's thread. Who has a call's words copied is a matter of security: it stands in the record
 * from the question on. */
static void on_recording(void *ctx, const struct rf_recording *r)
{
	static const char *const states[] = { [RF_RECORDING_ASKED] = "asked", [RF_RECORDING_BEGUN] = "begun",
		[RF_RECORDING_ENDED] = "ended", [RF_RECORDING_REFUSED] = "refused" };
	struct anchor *a = ((struct anchor_worker *)ctx)->anchor;
	char text[RF_ADDR_TEXT], tags[512];
	struct rf_writer w;
	struct rf_event e;

	rf_writer_init(&w, tags, sizeof tags);
	for (size_t i = 0; i < r->n_tags && w.n + 1 + r->tags[i].n < sizeof tags; i++) {
		rf_put(&w, i ? RF_V(" ") : RF_V(""));
		rf_put(&w, r->tags[i]);
	}
	anchor_event(a, &e, r->state == RF_RECORDING_REFUSED ? RF_EVENT_RELAY_NO_RECORDING : RF_EVENT_RELAY_RECORDING);
	rf_event_str(&e, "call_id", r->call_id);
	if (r->state != RF_RECORDING_REFUSED)
		rf_event_cstr(&e, "state", states[r->state]);
	rf_event_cstr(&e, "by", r->asker.family ? rf_addr_text(&r->asker, text) : "a local socket");
	rf_event_str(&e, "recorder", r->tag);
	rf_event_str(&e, "parties", rf_view_of(tags, w.n));
	if (r->to.family)
		rf_event_cstr(&e, "to", rf_addr_text(&r->to, text));
	if (r->why)
		rf_event_cstr(&e, "why", r->why);
	anchor_post(a, &e);
	if (!a->ledger)
		rf_log(a->log, RF_LOG_INFO, "recording of %.*s %s%s%s", RF_VFMT(r->call_id), states[r->state],
		       r->why ? ": " : "", r->why ? r->why : "");
}

/* What was refused since the last time, one event for each rule. */
void anchor_record_refusals(struct anchor *a, const struct anchor_sums *sums)
{
	const struct rf_media_totals *now = &sums->totals;
	struct rf_ng_server_stats s = anchor_gates_add(a, sums);
	struct rf_event e;

	if (!a->gate[ANCHOR_GATE_MAIN].server)
		return; /* all ends */
	for (unsigned i = 0; i < RF_DROPS; i++) {
		uint64_t n = now->dropped[i] - a->told.dropped[i];

		if (!n)
			continue;
		anchor_event(a, &e, RF_EVENT_RELAY_DROPS);
		rf_event_cstr(&e, "rule", rf_path_drop_name((enum rf_path_drop)i));
		rf_event_u64(&e, "packets", n);
		anchor_post(a, &e);
	}
	a->told = *now;
	uint64_t refused = s.strangers + s.rate + s.malformed + s.refused + s.full;
	if (refused != a->told_refused) {
		anchor_event(a, &e, RF_EVENT_RELAY_DROPS);
		rf_event_cstr(&e, "rule", "requests");
		rf_event_u64(&e, "packets", refused - a->told_refused);
		anchor_post(a, &e);
	}
	a->told_refused = refused;
}

/* --- pinholes: a worker says what a session needs, main asks the walls */

struct wish {
	struct rf_mail mail;
	struct anchor *anchor;
	uint64_t session;
	size_t n;
	struct rf_tuple tuples[];
};

static void take_wish(struct rf_mail *mail, int status)
{
	struct wish *x = rf_container(mail, struct wish, mail);
	struct anchor *a = x->anchor;

	if (status == 0 && a->pinholes) {
		int rc = rf_pinholes_want(a->pinholes, x->session, x->tuples, x->n);

		a->pin_failures += rc != 0;
	}
	free(x);
}

/* Port 0 is nobody's; asked for, it would be any port. */
static bool can_be_asked(const struct rf_path_tuple *t)
{
	return t->from.family && t->from.family == t->to.family && t->to.port && (t->any_port || t->from.port);
}

static struct rf_tuple tuple_of(const struct rf_path_tuple *t)
{
	struct rf_tuple r;

	memset(&r, 0, sizeof r);
	r.family = t->from.family;
	r.protocol = t->protocol;
	r.sport = t->any_port ? 0 : t->from.port;
	r.dport = t->to.port;
	memcpy(r.src, t->from.ip, sizeof r.src);
	memcpy(r.dst, t->to.ip, sizeof r.dst);
	return r;
}

static bool send_wish(struct anchor_worker *w, uint64_t session, const struct rf_path_tuple *tuples, size_t n)
{
	struct wish *x = calloc(1, sizeof *x + n * sizeof x->tuples[0]);

	if (!x)
		return false;
	x->mail.deliver = take_wish;
	x->anchor = w->anchor;
	x->session = session;
	for (size_t i = 0; i < n; i++)
		if (can_be_asked(&tuples[i]))
			x->tuples[x->n++] = tuple_of(&tuples[i]);
	if (rf_mail_post(w->anchor->loop, &x->mail) == 0)
		return true;
	free(x);
	return false;
}

/* Each worker has keys of its own. */
static uint64_t session_of(const struct anchor_worker *w, uint64_t key)
{
	return key * RF_ANCHOR_WORKERS_MAX + w->index;
}

/* What is said of a session now takes the place of an end that is owed. */
static void owe_no_more(struct anchor_worker *w, uint64_t session)
{
	for (size_t i = 0; i < w->owed; i++)
		if (w->owed_key[i] == session) {
			w->owed_key[i] = w->owed_key[--w->owed];
			return;
		}
}

void anchor_owe_fire(struct rf_timer *t)
{
	struct anchor_worker *w = rf_container(t, struct anchor_worker, owe);

	while (w->owed && send_wish(w, w->owed_key[w->owed - 1], NULL, 0))
		w->owed--;
	if (w->owed)
		rf_timer_start(rf_loop_wheel(w->loop), &w->owe, OWE_MS);
}

/* On the worker's thread. What main cannot be told now is closed as soon as it can: no pinhole outlives its call
 * because memory was short. */
static void on_pinholes(void *ctx, uint64_t key, const struct rf_path_tuple *tuples, size_t n)
{
	struct anchor_worker *w = ctx;
	uint64_t session = session_of(w, key);

	if (!w->anchor->pinholes)
		return;
	owe_no_more(w, session);
	if (send_wish(w, session, tuples, n))
		return;
	if (w->owed == ANCHOR_OWED) {
		rf_log(w->anchor->log, RF_LOG_ERROR,
		       "the end of a pinhole could not be told to its wall: its lease ends it after a stop");
		return;
	}
	w->owed_key[w->owed++] = session;
	rf_timer_start(rf_loop_wheel(w->loop), &w->owe, OWE_MS);
}

/* --- keys that a party pressed, for who asked to hear of them */

struct news {
	struct rf_mail mail;
	struct anchor_gate *gate;
	uint64_t stream;
	size_t n;
	uint8_t bytes[RF_NG_CALL_ID_MAX + RF_NG_TAG_MAX + 128];
};

static void news_free(struct news *x)
{
	rf_secret_wipe(x->bytes, x->n); /* a PIN, perhaps */
	free(x);
}

/* On the thread of its gate. */
static void take_news(struct rf_mail *mail, int status)
{
	struct news *x = rf_container(mail, struct news, mail);

	if (status == 0 && x->gate->server)
		rf_ng_server_tell(x->gate->server, x->stream, rf_view_of(x->bytes, x->n));
	news_free(x);
}

/* On the worker's thread. */
static void on_dtmf(void *ctx, uint64_t to, struct rf_view call_id, struct rf_view tag, unsigned event, unsigned ms)
{
	struct anchor_worker *w = ctx;
	struct rf_ng_event e = { call_id, tag, (uint8_t)event, (uint16_t)(ms < UINT16_MAX ? ms : UINT16_MAX) };
	struct news *x = to && to >> ANCHOR_GATE_SHIFT < ANCHOR_GATES ? calloc(1, sizeof *x) : NULL;
	struct rf_writer out;

	if (!x)
		return;
	x->mail.deliver = take_news;
	x->gate = &w->anchor->gate[to >> ANCHOR_GATE_SHIFT];
	x->stream = to;
	rf_writer_init(&out, x->bytes, sizeof x->bytes);
	rf_ng_event_put(&out, to & UINT32_MAX, &e);
	x->n = out.n;
	if (out.err || rf_mail_post(x->gate->worker ? x->gate->worker->loop : w->anchor->loop, &x->mail))
		news_free(x);
}

/* On the worker's thread: the first site stands as long as the relay does. */
static bool on_inside(void *ctx, const struct rf_addr *at)
{
	const struct anchor_worker *w = ctx;

	return w->anchor->first_site && rf_anchor_inside(w->anchor->first_site, at);
}

const struct rf_relay_ops anchor_relay_ops = {
	.pinholes = on_pinholes, .ended = on_ended, .recording = on_recording, .dtmf = on_dtmf, .inside = on_inside,
};
const struct rf_relay_ops anchor_relay_ops_unwalled = {
	.ended = on_ended, .recording = on_recording, .dtmf = on_dtmf, .inside = on_inside,
};

/* --- what walls say */

static void on_wall(void *arg, const char *name, bool up, const char *why)
{
	struct anchor *a = arg;
	struct rf_event e;

	rf_log(a->log, up ? RF_LOG_INFO : RF_LOG_WARN,
	       up ? "wall %s opens pinholes for us" : "wall %s cannot be asked: %s", name, why);
	anchor_event(a, &e, RF_EVENT_RELAY_WALL);
	rf_event_cstr(&e, "wall", name);
	rf_event_bool(&e, "up", up);
	rf_event_cstr(&e, "why", why);
	anchor_post(a, &e);
}

/* Once a second at most: a thousand of them are one. */
static void on_tuple_refused(void *arg, const char *name, const char *why, const struct rf_tuple *t)
{
	struct anchor *a = arg;
	uint64_t now = rf_loop_now(a->loop).us;
	char text[160];
	struct rf_event e;

	a->pin_failures++;
	if (a->pin_told_us && now < a->pin_told_us + 1000000)
		return;
	a->pin_told_us = now;
	anchor_event(a, &e, RF_EVENT_RELAY_PINHOLE);
	rf_event_cstr(&e, "wall", name);
	rf_event_cstr(&e, "why", why);
	rf_event_cstr(&e, "tuple", rf_tuple_text(t, text, sizeof text));
	rf_event_u64(&e, "failures", a->pin_failures);
	anchor_post(a, &e);
}

const struct rf_pinholes_ops anchor_pinholes_ops = { .wall = on_wall, .refused = on_tuple_refused };

#include "media/recorder.h"
#include "base/secret.h"
#include "rtp/rtcp_ask.h"

#include <stdlib.h>

enum {
	DATAGRAM = 2048,             /* no packet that a tap hears is longer (path.h) */
	MEDIA_END = 0,               /* of a path with one end */
};

/* ---- a packet */

static bool takes(const struct rf_copy *c, const uint8_t *packet, size_t n)
{
	uint8_t type = n > 1 ? packet[1] & 0x7f : 0;

	return c->types[type >> 6] >> (type & 63) & 1;
}

static void send_rtp(struct rf_copy *c, uint8_t *buf, size_t n, size_t cap)
{
	struct rf_path_filter *f = rf_path_filter_at(c->sink, RF_RECORDER_SOURCE);

	if (f && f->take(f, buf, &n, DATAGRAM) != RF_FILTER_ON)
		return;
	if (rf_path_send(c->sink, MEDIA_END, buf, n, cap) != 0 || c->begun)
		return;
	c->begun = true;
	rf_copy_wants_picture(c);
}

static void send_rtcp(struct rf_copy *c, uint8_t *buf, size_t n, size_t cap)
{
	struct rf_path_filter *f = rf_path_filter_at(c->sink, RF_RECORDER_SOURCE);
	struct rf_rtcp_clock clock;

	if (f && f->clock && f->clock(f, &clock))
		rf_rtcp_set_clock(buf, n, &clock);
	rf_path_send_rtcp(c->sink, MEDIA_END, buf, n, cap);
}

static void heard(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n)
{
	struct rf_copy *c = rf_container(t, struct rf_copy, tap);
	uint8_t buf[DATAGRAM + RF_SRTP_GROW_RTCP];

	if (n > DATAGRAM || (!rtcp && !takes(c, packet, n))) {
		c->left_out++;
		return;
	}
	memcpy(buf, packet, n);
	/* A recorder that is not there yet (ICE, a handshake) gets what comes later. */
	if (rtcp)
		send_rtcp(c, buf, n, sizeof buf);
	else
		send_rtp(c, buf, n, sizeof buf);
}

static void gone(struct rf_path_tap *t)
{
	rf_container(t, struct rf_copy, tap)->at = NULL;
}

/* ---- life */

void rf_recorder_tell(const struct rf_recorder *r, enum rf_recording_state state, const char *why)
{
	const struct rf_relay_conf *c = &r->session->relay->conf;
	struct rf_recording x = { .state = state, .call_id = r->session->call_id, .tag = r->party.tag, .tags = r->tags,
		.n_tags = r->n_tags, .asker = r->asker, .why = why };

	if (!c->ops || !c->ops->recording)
		return;
	for (size_t i = 0; i < r->n_copies && !x.to.family; i++)
		if (r->copies[i].sink && r->pair.lines[i].said[0])
			x.to = r->pair.lines[i].said[0]->remote;
	c->ops->recording(c->ctx, &x);
}

static struct rf_view put_text(uint8_t **at, struct rf_view v)
{
	struct rf_view copy = rf_view_of(*at, v.n);

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return copy;
}

int rf_recorder_new(struct rf_turn *t, struct rf_session *s, struct rf_view tag, const struct rf_view *tags,
		    size_t n_tags, size_t n_copies, struct rf_recorder **ret_recorder)
{
	size_t bytes = tag.n;
	struct rf_recorder *r;
	uint8_t *at;

	for (size_t i = 0; i < n_tags; i++)
		bytes += tags[i].n;
	r = calloc(1, sizeof *r + bytes);
	if (!r)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	r->session = s;
	r->tags = calloc(n_tags, sizeof *r->tags);
	r->copies = calloc(n_copies, sizeof *r->copies);
	r->pair.lines = calloc(n_copies, sizeof *r->pair.lines);
	if (!r->tags || !r->copies || !r->pair.lines) {
		rf_recorder_free(r);
		return rf_turn_fail(t, -ENOMEM, "no memory");
	}
	at = r->text;
	r->party.tag = put_text(&at, tag);
	for (; r->n_tags < n_tags; r->n_tags++)
		r->tags[r->n_tags] = put_text(&at, tags[r->n_tags]);
	r->party.created_s = rf_loop_wall(t->relay->conf.loop).us / 1000000;
	r->asker = t->req->asker;
	r->n_copies = r->pair.n_lines = n_copies;
	r->pair.session = s;
	r->pair.side[0] = r->pair.side[1] = &r->party;
	r->pair.asked = rf_loop_now(t->relay->conf.loop);
	r->pair.spoken[0].id = rf_random_u64(t->relay->conf.random) >> 2;
	for (size_t i = 0; i < n_copies; i++) {
		r->copies[i] = (struct rf_copy){ .tap = { .heard = heard, .gone = gone }, .recorder = r };
		rf_timer_init(&r->copies[i].picture, rf_copy_picture_due);
	}
	*ret_recorder = r;
	return 0;
}

static void detach(struct rf_copy *c)
{
	if (c->at)
		rf_path_drop_tap(c->at, c->side, &c->tap);
	c->at = NULL;
}

void rf_recorder_free(struct rf_recorder *r)
{
	for (size_t i = 0; i < r->n_copies; i++) {
		detach(&r->copies[i]);
		rf_timer_stop(rf_loop_wheel(r->session->relay->conf.loop), &r->copies[i].picture);
		rf_line_off(r->session->relay, &r->pair.lines[i]);
	}
	free(r->party.label_p);
	free(r->tags);
	free(r->copies);
	free(r->pair.lines);
	free(r);
}

struct rf_recorder *rf_recorder_find(const struct rf_session *s, struct rf_view tag)
{
	struct rf_recorder *r = s->recorders;

	while (r && !rf_view_eq(r->party.tag, tag))
		r = r->next;
	return r;
}

void rf_recorder_add(struct rf_recorder *r)
{
	struct rf_recorder **at = &r->session->recorders, *before = rf_recorder_find(r->session, r->party.tag);

	if (before)
		rf_recorder_stop(before, "asked for anew");
	while (*at)
		at = &(*at)->next;
	*at = r;
	rf_recorder_tell(r, RF_RECORDING_ASKED, NULL);
}

void rf_recorder_stop(struct rf_recorder *r, const char *why)
{
	struct rf_session *s = r->session;
	struct rf_recorder **at = &s->recorders;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	rf_recorder_tell(r, RF_RECORDING_ENDED, why);
	rf_recorder_free(r);
	s->flows_changed = true;
}

/* ---- what a copy is of, as it is now */

static const struct rf_line *line_of(const struct rf_copy *c)
{
	if (!c->pair || !rf_view_eq(c->pair->side[c->side]->tag, c->tag))
		return NULL;
	return c->line < c->pair->n_lines ? &c->pair->lines[c->line] : NULL;
}

/* The path to listen at, NULL: nothing is said there now that the recorder would understand. */
static struct rf_path *path_of(const struct rf_copy *c, const struct rf_line *l)
{
	const struct rf_line *to = &c->recorder->pair.lines[c - c->recorder->copies];

	if (!c->sink || !l->path || !l->open || l->kind != RF_PATH_RTP || !l->said[c->side])
		return NULL;
	return l->said[c->side]->kind == to->offered->kind && to->said[0]->dir & RF_SDP_RECVONLY ? l->path : NULL;
}

/* Why it cannot go on; NULL: it does. */
static const char *follow(struct rf_recorder *r)
{
	bool any = false;

	for (size_t i = 0; i < r->n_copies; i++) {
		struct rf_copy *c = &r->copies[i];
		const struct rf_line *l = line_of(c);
		struct rf_path *want = l && r->pair.answered ? path_of(c, l) : NULL;

		if (want && l->ours[c->side].keying == RF_KEYING_PASSED)
			return "the parties share their keys now";
		any |= c->pair && rf_view_eq(c->pair->side[c->side]->tag, c->tag);
		if (c->at == want)
			continue;
		detach(c);
		if (want)
			rf_path_add_tap(want, c->side, &c->tap);
		c->at = want;
		c->begun = false;
	}
	return any ? NULL : "the parties have left";
}

static struct rf_mono until(const struct rf_recorder *r)
{
	return rf_mono_add_ms(r->pair.asked, rf_relay_unanswered_ms(r->session->relay));
}

void rf_session_copies(struct rf_session *s)
{
	uint64_t now_us = rf_loop_now(s->relay->conf.loop).us;

	for (struct rf_recorder *r = s->recorders, *next; r; r = next) {
		const char *why = follow(r);

		next = r->next;
		if (!why && !r->pair.answered && until(r).us <= now_us)
			why = "unanswered";
		if (why)
			rf_recorder_stop(r, why);
	}
}

struct rf_mono rf_session_copies_until(const struct rf_session *s)
{
	struct rf_mono first = { UINT64_MAX };

	for (const struct rf_recorder *r = s->recorders; r; r = r->next)
		if (!r->pair.answered && until(r).us < first.us)
			first = until(r);
	return first;
}

void rf_session_copies_forget(struct rf_session *s, const struct rf_pair *pair)
{
	for (struct rf_recorder *r = s->recorders; r; r = r->next)
		for (size_t i = 0; i < r->n_copies; i++)
			if (r->copies[i].pair == pair) {
				detach(&r->copies[i]);
				r->copies[i].pair = NULL;
			}
}

void rf_session_copies_end(struct rf_session *s)
{
	while (s->recorders)
		rf_recorder_stop(s->recorders, "the call has ended");
}

size_t rf_session_copies_flows(const struct rf_session *s, struct rf_path_tuple *ret, size_t most)
{
	size_t n = 0;

	for (const struct rf_recorder *r = s->recorders; r; r = r->next)
		for (size_t i = 0; i < r->n_copies; i++)
			if (r->copies[i].sink && n + RF_PATH_TUPLES_MAX <= most)
				n += rf_path_flows(r->copies[i].sink, ret + n);
	return n;
}

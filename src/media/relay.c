#include "media/recorder.h"
#include "base/secret.h"
#include "media/ng_reply.h"

#include <stdlib.h>

/* ---- offer and answer */

static int parse(struct rf_turn *t, struct rf_sdp **ret_sdp)
{
	struct rf_diag d = { 0 };
	int rc;

	if (rf_view_empty(t->req->sdp))
		return rf_turn_fail(t, RF_E_INVALID, "No SDP body in message");
	rc = rf_sdp_parse(t->arena, t->req->sdp, NULL, ret_sdp, &d);
	return rc ? rf_turn_fail(t, rc, "%.180s", d.text[0] ? d.text : rf_err_text(rc)) : 0;
}

static void note_wishes(struct rf_turn *t, struct rf_session *s, struct rf_pair *p, unsigned side)
{
	const struct rf_ng_request *q = t->req;

	if (q->tos.set)
		s->dscp = (uint8_t)(q->tos.v >> 2 & 63);
	if (q->drop != RF_NG_DROP_UNSET)
		s->holds = q->drop == RF_NG_DROP_START ? s->holds | RF_HOLD_MEDIA : s->holds & ~(unsigned)RF_HOLD_MEDIA;
	rf_party_detect(t, p->side[side]);
	if (rf_party_label(p->side[side], q->label) || rf_party_label(p->side[!side], q->set_label))
		rf_ng_warn(t->req, "no memory for the label");
}

static void reply_sdp(struct rf_turn *t, struct rf_writer *w, const struct rf_writer *sdp)
{
	struct rf_ng_answer a = { .sdp = rf_view_of(sdp->buf, sdp->n) };

	rf_ng_reply_answer(w, t->req, &a);
	rf_secret_wipe(sdp->buf, sdp->n); /* SDES: keys */
}

/* A session or pair that nothing came of leaves no trace. */
static void clean_up(struct rf_session *s)
{
	for (struct rf_pair *p = s->pairs, *next; p; p = next) {
		next = p->next;
		if (!p->offered && !p->answered)
			rf_duo_free(p);
	}
	rf_session_tidy(s);
	if (!s->pairs) {
		rf_session_free(s);
		return;
	}
	rf_session_arm(s);
	rf_session_pinholes(s);
}

/* The tags of an answer name the offerer first. */
static void make_answer(struct rf_turn *t)
{
	struct rf_view answerer = t->req->from_tag;

	t->req->from_tag = t->req->to_tag;
	t->req->to_tag = answerer;
	rf_ng_warn(t->req, "this offer is taken as the answer to the one that waits");
}

static int describe(struct rf_turn *t, struct rf_session *s, bool offer, const struct rf_sdp *sdp,
		    struct rf_writer *out)
{
	bool turned = offer && rf_dialog_is_answer(t, s);
	struct rf_pair *p;
	unsigned side;
	int rc;

	if (turned)
		make_answer(t);
	offer = offer && !turned;
	rc = offer ? rf_dialog_offer(t, s, &p, &side) : rf_dialog_answer(t, s, &p, &side);
	if (rc)
		return rc;
	note_wishes(t, s, p, side);
	rc = offer ? rf_pair_offer(t, p, side, sdp, out) : rf_pair_answer(t, p, side, sdp, out);
	if (rc == 0 && turned) {
		p->by_offers = true;
		p->answer_hash = rf_hash(&t->relay->conf.hash_key, t->req->sdp);
	}
	rf_session_hold(s);
	return rc ? rc : out->err;
}

static int do_media(struct rf_turn *t, struct rf_writer *w, bool offer)
{
	struct rf_relay *r = t->relay;
	struct rf_session *s = rf_session_find(r, t->req->call_id);
	struct rf_sdp *sdp;
	struct rf_writer out;
	int rc = parse(t, &sdp);

	if (rc == 0 && !s)
		rc = offer ? rf_session_new(t, &s) : rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-id");
	if (rc)
		return rc;
	s->busy = true;
	s->last_signal = rf_loop_wall(r->conf.loop);
	s->signaled = rf_loop_now(r->conf.loop);
	rf_writer_init(&out, r->text, RF_NG_BYTES_MAX);
	rc = describe(t, s, offer, sdp, &out);
	rf_session_copies(s);
	if (rc)
		rf_secret_wipe(out.buf, out.n);
	if (rc == RF_E_SPACE)
		rf_turn_fail(t, rc, "the description that would go out is too long");
	s->busy = false;
	if (rc) {
		r->count.rejected += !s->pairs || !s->pairs->answered;
		clean_up(s);
		return rc;
	}
	s->deleting = false; /* what is refused puts off no end */
	rf_session_arm(s);
	rf_session_pinholes(s);
	reply_sdp(t, w, &out);
	return 0;
}

static int do_offer(struct rf_turn *t, struct rf_writer *w)
{
	return do_media(t, w, true);
}

static int do_answer(struct rf_turn *t, struct rf_writer *w)
{
	return do_media(t, w, false);
}

/* ---- recorders (recorder.h) */

static struct rf_session *known_session(struct rf_turn *t)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);

	if (!s)
		rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-ID");
	return s;
}

/* Who wanted to record and may not is on record, too. */
static int recorded(struct rf_turn *t, struct rf_session *s, int rc)
{
	const struct rf_relay_conf *c = &t->relay->conf;
	struct rf_recording x = { .state = RF_RECORDING_REFUSED, .call_id = s->call_id, .tag = t->req->to_tag,
		.asker = t->req->asker, .why = t->why };

	s->busy = false;
	rf_session_arm(s);
	rf_session_pinholes(s);
	if (rc && c->ops && c->ops->recording)
		c->ops->recording(c->ctx, &x);
	return rc;
}

static int do_subscribe(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = known_session(t);
	const struct rf_ng_label *labels;
	struct rf_recorder *r;
	struct rf_writer sdp;
	int rc;

	if (!s)
		return RF_E_NOT_FOUND;
	rf_writer_init(&sdp, t->relay->text, RF_NG_BYTES_MAX);
	s->busy = true;
	rc = recorded(t, s, rf_recorder_ask(t, s, &sdp, &r));
	if (rc)
		return rc;
	labels = rf_recorder_labels(t, r);
	rf_ng_reply_answer(w, t->req, &(struct rf_ng_answer){ .sdp = rf_view_of(sdp.buf, sdp.n), .to_tag = r->party.tag,
			   .from_tags = { r->tags, r->n_tags }, .labels = labels,
			   .n_labels = labels ? r->n_copies : 0 });
	rf_secret_wipe(sdp.buf, sdp.n);
	return 0;
}

static int do_subscribe_answer(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = known_session(t);
	struct rf_sdp *sdp;
	int rc;

	if (!s)
		return RF_E_NOT_FOUND;
	s->busy = true;
	rc = parse(t, &sdp);
	if (rc == 0)
		rc = rf_recorder_answer(t, s, sdp);
	rf_session_copies(s);
	rc = recorded(t, s, rc);
	if (rc == 0)
		rf_ng_reply_ok(w, t->req);
	return rc;
}

static int do_unsubscribe(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = known_session(t);
	int rc = s ? rf_recorder_end(t, s) : RF_E_NOT_FOUND;

	if (rc)
		return rc;
	rf_session_arm(s);
	rf_session_pinholes(s);
	rf_ng_reply_ok(w, t->req);
	return 0;
}

/* ---- the others */

static int do_ping(struct rf_turn *t, struct rf_writer *w)
{
	rf_ng_reply_ok(w, t->req);
	return 0;
}

static int do_query(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	struct rf_ng_stats_call call;

	if (!s)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-id");
	if (rf_session_report(t, s, &call))
		return rf_turn_fail(t, -ENOMEM, "no memory");
	rf_ng_reply_call(w, t->req, &call);
	return 0;
}

static int no_such(struct rf_turn *t, struct rf_writer *w)
{
	static const char why[] = "Call-ID not found or tags didn't match";

	if (rf_ng_has(t->req, RF_NG_FATAL))
		return rf_turn_fail(t, RF_E_NOT_FOUND, "%s", why);
	rf_ng_warn(t->req, "%s", why);
	rf_ng_reply_ok(w, t->req);
	return 0;
}

/* Later: the whole session stays until then, unless it is offered or answered again. */
static void delete_later(struct rf_session *s, int32_t seconds)
{
	uint64_t ms = 1000 * (uint64_t)(seconds < RF_SESSION_DELETE_S_MAX ? seconds : RF_SESSION_DELETE_S_MAX);

	s->deleting = true;
	rf_timer_start(rf_loop_wheel(s->relay->conf.loop), &s->timer, ms);
}

static int do_delete(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	const struct rf_ng_request *q = t->req;
	struct rf_ng_stats_call call;

	if (!s)
		return no_such(t, w);
	if (rf_session_report(t, s, &call))
		return rf_turn_fail(t, -ENOMEM, "no memory");
	if (q->delete_delay.set && q->delete_delay.v > 0) {
		if (q->from_tag.n && !rf_session_party(s, q->from_tag))
			return no_such(t, w);
		rf_ng_reply_call(w, t->req, &call);
		delete_later(s, q->delete_delay.v);
		return 0;
	}
	/* The reply is put before what it points to goes. */
	size_t before = w->n;

	rf_ng_reply_call(w, t->req, &call);
	s->busy = true;
	if (!rf_dialog_delete(t, s)) {
		s->busy = false;
		w->n = before;
		w->err = 0;
		return no_such(t, w);
	}
	s->busy = false;
	if (s->pairs)
		rf_session_copies(s);
	if (!s->pairs) {
		t->relay->count.regular++;
		rf_session_free(s);
		return 0;
	}
	rf_session_arm(s);
	rf_session_pinholes(s);
	return 0;
}

static int do_block(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	int rc = s ? rf_session_block(t, s) : rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-ID");

	if (rc == 0)
		rf_ng_reply_ok(w, t->req);
	return rc;
}

static int do_dtmf(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	int rc = s ? rf_session_dtmf(t, s) : rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-ID");

	if (rc == 0)
		rf_ng_reply_ok(w, t->req);
	return rc;
}

static int do_play(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	uint32_t ms = 0;
	int rc = s ? rf_session_play(t, s, &ms) : rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-ID");

	if (rc == 0)
		rf_ng_reply_answer(w, t->req, &(struct rf_ng_answer){ .duration = { (int32_t)ms, true } });
	return rc;
}

static int do_stop(struct rf_turn *t, struct rf_writer *w)
{
	struct rf_session *s = rf_session_find(t->relay, t->req->call_id);
	int rc = s ? rf_session_stop(t, s) : rf_turn_fail(t, RF_E_NOT_FOUND, "Unknown call-ID");

	if (rc == 0)
		rf_ng_reply_ok(w, t->req);
	return rc;
}

static int do_nothing(struct rf_turn *t, struct rf_writer *w)
{
	(void)w;
	return rf_turn_fail(t, RF_E_UNSUPPORTED, "\"%s\" is not done by this relay",
			    rf_ng_command_name(t->req->command));
}

/* One row a command; each puts its reply, or returns an error with t->why. */
static int (*const commands[RF_NG_COMMANDS])(struct rf_turn *t, struct rf_writer *w) = {
	[RF_NG_PING] = do_ping,
	[RF_NG_OFFER] = do_offer,
	[RF_NG_ANSWER] = do_answer,
	[RF_NG_DELETE] = do_delete,
	[RF_NG_QUERY] = do_query,
	[RF_NG_LISTING] = do_nothing,      /* of the process: rf_relay_each() */
	[RF_NG_STATISTICS] = do_nothing,   /* of the process: rf_relay_count() */
	[RF_NG_BLOCK_DTMF] = do_block,
	[RF_NG_UNBLOCK_DTMF] = do_block,
	[RF_NG_BLOCK_MEDIA] = do_block,
	[RF_NG_UNBLOCK_MEDIA] = do_block,
	[RF_NG_SILENCE_MEDIA] = do_block,
	[RF_NG_UNSILENCE_MEDIA] = do_block,
	[RF_NG_PLAY_MEDIA] = do_play,
	[RF_NG_STOP_MEDIA] = do_stop,
	[RF_NG_PLAY_DTMF] = do_dtmf,
	[RF_NG_START_FORWARDING] = do_nothing,
	[RF_NG_STOP_FORWARDING] = do_nothing,
	[RF_NG_START_RECORDING] = do_nothing,
	[RF_NG_STOP_RECORDING] = do_nothing,
	[RF_NG_PAUSE_RECORDING] = do_nothing,
	[RF_NG_SUBSCRIBE_REQUEST] = do_subscribe,
	[RF_NG_SUBSCRIBE_ANSWER] = do_subscribe_answer,
	[RF_NG_UNSUBSCRIBE] = do_unsubscribe,
	[RF_NG_PUBLISH] = do_nothing,
};

/* What an error is about. Of what brings a description, whatever is no matter of the call or of ours is in it. */
static enum rf_ng_fault fault_of(const struct rf_ng_request *q, int rc)
{
	bool describes =
		q->command == RF_NG_OFFER || q->command == RF_NG_ANSWER || q->command == RF_NG_SUBSCRIBE_ANSWER;

	switch (rc) {
	case RF_E_NOT_FOUND:
	case RF_E_STATE:
	case RF_E_EXISTS:
		return RF_NG_FAULT_CALL;
	case RF_E_MALFORMED:
	case RF_E_INVALID:
	case RF_E_DENIED:
	case RF_E_UNSUPPORTED:
	case RF_E_LIMIT:
		return describes ? RF_NG_FAULT_DESCRIPTION : RF_NG_FAULT_REQUEST;
	default:
		return RF_NG_FAULT_RELAY;
	}
}

/* Whoever had a hand in a session: offers and answers, recordings, media held back, sounds and keys that are put in. */
static void note_by(const struct rf_relay *r, const struct rf_ng_request *q)
{
	struct rf_session *s = q->by && q->command != RF_NG_QUERY ? rf_session_find(r, q->call_id) : NULL;

	if (s && s->by[0] != q->by)
		s->by[s->by[0] != 0] = q->by;
}

static int by_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_one_of(uint64_t by, const uint64_t *of, size_t n)
{
	return by && n && bsearch(&by, of, n, sizeof by, by_order);
}

size_t rf_relay_end_by(struct rf_relay *r, const uint64_t *by, size_t n, const char *why)
{
	size_t ended = 0;

	for (struct rf_session *s = r->first, *next; s; s = next) {
		next = s->next;
		if (!is_one_of(s->by[0], by, n) && !is_one_of(s->by[1], by, n))
			continue;
		rf_session_end(s, why);
		ended++;
	}
	r->count.forced += ended;
	return ended;
}

void rf_relay_do(struct rf_relay *r, const struct rf_ng_request *req, struct rf_writer *w)
{
	struct rf_ng_request q = *req; /* warnings are added */
	struct rf_turn t = { .relay = r, .req = &q, .arena = &r->arena };
	int rc = commands[q.command](&t, w);

	if (rc == 0)
		note_by(r, &q);
	if (rc && t.full)
		rf_ng_reply_load(w, &q, t.why);
	else if (rc)
		rf_ng_reply_fault(w, &q, fault_of(&q, rc), t.why);
	rf_arena_wipe(&r->arena); /* keys of descriptions */
}

/* ---- the relay */

int rf_relay_new(const struct rf_relay_conf *conf, struct rf_relay **ret_relay)
{
	struct rf_relay *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	r->text = malloc(RF_NG_BYTES_MAX);
	r->tuples = malloc(RF_SESSION_TUPLES_MAX * sizeof *r->tuples);
	if (!r->text || !r->tuples) {
		free(r->text);
		free(r->tuples);
		free(r);
		return -ENOMEM;
	}
	r->conf = *conf;
	rf_table_init(&r->table, conf->policy.sessions_max ? conf->policy.sessions_max : 10000);
	rf_arena_init(&r->arena, RF_SESSION_ARENA_BYTES);
	*ret_relay = r;
	return 0;
}

void rf_relay_free(struct rf_relay *r)
{
	if (!r)
		return;
	while (r->first)
		rf_session_free(r->first);
	rf_table_fini(&r->table);
	rf_arena_fini(&r->arena);
	free(r->text);
	free(r->tuples);
	free(r);
}

struct rf_relay_census rf_relay_census(const struct rf_relay *r)
{
	return (struct rf_relay_census){ r->table.count, r->parties, r->media, r->coded, r->count.dropped, r->count.untold };
}

void rf_relay_count(const struct rf_relay *r, struct rf_ng_stats_relay *stats)
{
	struct rf_media_totals total;
	uint64_t errors = 0;

	rf_media_totals(r->conf.worker, &total);
	for (size_t i = 0; i < RF_DROPS; i++)
		errors += total.dropped[i];
	stats->sessions += r->table.count;
	stats->transcoded += r->coded;
	stats->managed += r->count.managed;
	stats->rejected += r->count.rejected;
	stats->timed_out += r->count.silent + r->count.unanswered;
	stats->silent += r->count.silent;
	stats->offer_timeouts += r->count.unanswered;
	stats->regular += r->count.regular;
	stats->forced += r->count.forced;
	stats->packets_user += total.packets;
	stats->bytes_user += total.bytes;
	stats->errors_user += errors;
	stats->packets_kernel += total.kernel_packets;
	stats->bytes_kernel += total.kernel_bytes;
	stats->zero_way += r->count.zero_way;
	stats->one_way += r->count.one_way;
	stats->duration_us += r->count.duration_us;
	for (const struct rf_session *s = r->first; s; s = s->next)
		for (const struct rf_pair *p = s->pairs; p; p = p->next)
			for (size_t i = 0; i < p->n_lines; i++) {
				struct rf_path_end_stats st;

				if (!p->lines[i].path)
					continue;
				rf_path_stats(p->lines[i].path, 0, &st);
				*(st.in_kernel ? &stats->media_kernel : &stats->media_user) += 1;
			}
}

static struct rf_relay_view view_of(const struct rf_session *s)
{
	struct rf_relay_view v = { .call_id = s->call_id, .created_s = s->created.us / 1000000 };

	for (const struct rf_party *p = s->parties; p; p = p->next)
		v.parties++;
	for (const struct rf_pair *p = s->pairs; p; p = p->next) {
		v.answered |= p->answered;
		for (size_t i = 0; i < p->n_lines; i++)
			v.media += p->lines[i].path != NULL;
	}
	for (const struct rf_recorder *r = s->recorders; r; r = r->next, v.recorders++)
		for (size_t i = 0; i < r->n_copies; i++)
			v.media += r->copies[i].sink != NULL;
	return v;
}

void rf_relay_each(const struct rf_relay *r, bool (*visit)(void *arg, const struct rf_relay_view *session), void *arg)
{
	for (const struct rf_session *s = r->first; s; s = s->next) {
		struct rf_relay_view v = view_of(s);

		if (!visit(arg, &v))
			return;
	}
}

int rf_relay_show(const struct rf_relay *r, struct rf_view call_id,
		  void (*visit)(void *arg, unsigned index, const struct rf_view tag[RF_PATH_ENDS], bool recorder,
				const struct rf_path *p), void *arg)
{
	const struct rf_session *s = rf_session_find(r, call_id);

	if (!s)
		return RF_E_NOT_FOUND;
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++) {
			const struct rf_view tags[RF_PATH_ENDS] = { p->side[0]->tag, p->side[1]->tag };

			if (p->lines[i].path)
				visit(arg, (unsigned)i + 1, tags, false, p->lines[i].path);
		}
	for (const struct rf_recorder *x = s->recorders; x; x = x->next)
		for (size_t i = 0; i < x->n_copies; i++) {
			const struct rf_view tags[RF_PATH_ENDS] = { x->party.tag, x->copies[i].tag };

			if (x->copies[i].sink)
				visit(arg, (unsigned)i + 1, tags, true, x->copies[i].sink);
		}
	return 0;
}

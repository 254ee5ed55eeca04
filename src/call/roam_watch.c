/* A subscription of a phone outside: two dialogs, one with the phone, which we answer, and one with the controller,
 * where we ask. SUBSCRIBE goes in by the one and out by the other, NOTIFY back. Of each is said anew: the package, for
 * how long, in which state; a body goes on when it is of the package's type and names nothing of the inside. What the
 * phone may watch is the controller's to say. */
#include "call/roam_watch_int.h"

#include <stdlib.h>

/* The first SUBSCRIBE, on its way. */
struct subscribe {
	struct rf_roaming ask;
	struct rf_roam_watch *watch;         /* NULL: it lives by itself now */
	uint32_t expires_s;
	bool has_expires, anonymous;
	uint8_t number_n;
	uint8_t number[64];
};

int rf_roam_watches_new(struct rf_call_core *core, struct rf_roam_watches **ret_watches)
{
	struct rf_roam_watches *all = calloc(1, sizeof *all);

	if (!all)
		return -ENOMEM;
	TAILQ_INIT(&all->list);
	rf_table_init(&all->by_out, core->limits.subscriptions);
	rf_table_init(&all->by_in, core->limits.subscriptions);
	rf_table_init(&all->by_phone, core->limits.subscriptions);
	*ret_watches = all;
	return 0;
}

size_t rf_roam_watches_count(const struct rf_roam_watches *all)
{
	return all ? all->count : 0;
}

static uint64_t hash_of(const struct rf_roam_watch *w, struct rf_view v)
{
	return rf_hash(&w->core->hash_key, v);
}

static void leave_site(struct rf_roam_watch *w)
{
	if (w->in)
		rf_table_del(&w->core->roam_watches->by_in, &w->by_in);
	rf_dialog_free(w->in);
	w->in = NULL;
}

void rf_roam_watch_drop(struct rf_roam_watch *w)
{
	struct rf_roam_watches *all = w->core->roam_watches;

	rf_timer_stop(rf_loop_wheel(w->core->loop), &w->timer);
	leave_site(w);
	if (w->out)
		rf_table_del(&all->by_out, &w->by_out);
	rf_dialog_free(w->out);
	if (w->party)
		rf_table_del(&all->by_phone, &w->by_phone);
	rf_party_put(w->party);
	if (w->asked)
		rf_srv_watch(w->asked, NULL, NULL);
	if (w->told)
		rf_srv_watch(w->told, NULL, NULL);
	rf_cli_drop(w->asking);
	rf_cli_drop(w->telling);
	TAILQ_REMOVE(&all->list, w, list);
	all->count--;
	rf_board_unsubscribe(w->core->board);
	free(w);
}

void rf_roam_watches_free(struct rf_roam_watches *all)
{
	if (!all)
		return;
	while (!TAILQ_EMPTY(&all->list))
		rf_roam_watch_drop(TAILQ_FIRST(&all->list));
	rf_table_fini(&all->by_out);
	rf_table_fini(&all->by_in);
	rf_table_fini(&all->by_phone);
	free(all);
}

static void on_timer(struct rf_timer *t)
{
	rf_roam_watch_drop(rf_container(t, struct rf_roam_watch, timer));
}

void rf_roam_watch_live(struct rf_roam_watch *w, uint32_t seconds)
{
	rf_timer_start_at(rf_loop_wheel(w->core->loop), &w->timer,
			  rf_mono_add_ms(rf_core_now(w->core), (uint64_t)seconds * 1000 + RF_ROAM_WATCH_GRACE_MS));
}

/* --- what is written */

void rf_roam_watch_put_event(const struct rf_roam_watch *w, bool with_id, struct rf_writer *out)
{
	rf_sip_put_hdr_name(out, RF_SIP_H_EVENT);
	rf_put(out, w->package->name);
	if (with_id && w->id_n)
		rf_sip_put_param(out, RF_V("id"), rf_view_of(w->id, w->id_n));
	rf_sip_put_crlf(out);
}

void rf_roam_watch_put_ask(const struct rf_roam_watch *w, const struct rf_site_host *host, uint32_t expires_s,
			   struct rf_writer *out)
{
	const struct rf_dir_phone *phone = rf_directory_phone(w->core->directory, w->party->phone);

	rf_put_lit(out, "Contact: <");
	rf_roam_put_self(w->core, phone, host, out);
	rf_put_lit(out, ">\r\n");
	rf_roam_watch_put_event(w, false, out);
	rf_sip_put_hdr(out, RF_SIP_H_ACCEPT, w->package->type);
	rf_sip_put_hdr_u64(out, RF_SIP_H_EXPIRES, expires_s);
}

/* Header lines of the 200 to a SUBSCRIBE, in core->head. */
struct rf_view rf_roam_watch_granted(struct rf_roam_watch *w, uint32_t expires_s)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer out;

	rf_writer_init(&out, w->core->head, sizeof w->core->head);
	rf_sip_put_hdr_u64(&out, RF_SIP_H_EXPIRES, expires_s);
	rf_core_put_contact(w->core, &w->flow, &out);
	rf_put(&out, rf_sub_allow_events);
	rf_writer_done(&out, &headers);
	return headers;
}

uint32_t rf_roam_watch_least(uint32_t asked, const struct rf_sip_msg *answer)
{
	return answer->has_expires && answer->expires_s < asked ? answer->expires_s : asked;
}

/* What a controller's refusal is to the phone, as struct rf_roaming_ops has it. */
unsigned rf_roam_watch_told_as(const struct rf_sip_msg *msg, struct rf_writer *w)
{
	static const uint16_t as_is[] = { 400, 403, 404, 406, 423, 480, 481, 489, 603 };
	uint32_t min_s;

	if (msg->status == 423 && rf_sip_msg_number(msg, RF_SIP_H_MIN_EXPIRES, &min_s) == 0)
		rf_sip_put_hdr_u64(w, RF_SIP_H_MIN_EXPIRES, min_s);
	if (msg->status == 489)
		rf_put(w, rf_sub_allow_events);
	for (size_t i = 0; i < sizeof as_is / sizeof *as_is; i++)
		if (msg->status == as_is[i])
			return msg->status;
	return 0;
}

/* --- the first SUBSCRIBE */

static struct subscribe *of(struct rf_roaming *r)
{
	return rf_container(r, struct subscribe, ask);
}

/* The dialog with this controller, before it has answered: its first NOTIFY may be quicker than its 200. */
static int open_site(struct rf_roam_watch *w, struct rf_view target, struct rf_view from, struct rf_view to)
{
	struct rf_call_core *core = w->core;
	struct rf_id tag, call_id;

	leave_site(w);
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	struct rf_dialog_setup setup = {
		.call_id = rf_id_view(&call_id), .local = from, .local_tag = rf_id_view(&tag), .remote = to,
		.target = target, .cseq = 1,
	};
	struct rf_dialog *dlg;
	int rc = rf_dialog_new_uac(&setup, &dlg);

	if (rc)
		return rc;
	rc = rf_table_add(&core->roam_watches->by_in, &w->by_in, hash_of(w, rf_id_view(&tag)));
	if (rc)
		rf_dialog_free(dlg);
	else
		w->in = dlg;
	return rc;
}

static int put(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_site_host *host,
	       struct rf_writer *w)
{
	struct subscribe *s = of(r);
	uint8_t from[512], to[512];
	struct rf_writer wf, wt;

	rf_writer_init(&wf, from, sizeof from);
	rf_put_byte(&wf, '<');
	if (s->anonymous)
		rf_put_lit(&wf, "sip:anonymous@anonymous.invalid");
	else
		rf_roam_put_number(r->core, phone->number, &wf);
	rf_put_byte(&wf, '>');
	rf_writer_init(&wt, to, sizeof to);
	rf_put_byte(&wt, '<');
	rf_roam_put_number(r->core, rf_view_of(s->number, s->number_n), &wt);
	rf_put_byte(&wt, '>');
	if (wf.err || wt.err)
		return RF_E_SPACE;
	struct rf_view there = rf_view_of(to, wt.n);
	int rc = open_site(s->watch, rf_view_sub(there, 1, there.n - 2), rf_view_of(from, wf.n), there);

	if (!rc)
		rc = rf_dialog_put_request(s->watch->in, RF_V("SUBSCRIBE"), RF_MAX_FORWARDS, w, NULL);
	if (rc)
		return rc;
	rf_view_cstr(host->name, s->watch->host, sizeof s->watch->host);
	rf_roam_watch_put_ask(s->watch, host, s->expires_s, w);
	rf_put(w, rf_view_of(r->login, r->login_n));
	rf_sip_put_end(w);
	return w->err;
}

static void taken(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_sip_msg *msg)
{
	struct subscribe *s = of(r);
	struct rf_roam_watch *w = s->watch;
	uint32_t seconds = rf_roam_watch_least(s->expires_s, msg);

	(void)phone;
	if (rf_dialog_response(w->in, msg)) {
		rf_roaming_reply(r, 503, RF_V(""));
		return;
	}
	w->up = true;
	s->watch = NULL;
	rf_roam_watch_live(w, seconds);
	rf_dialog_answered(w->out, 200);
	r->core->counters.watches++;
	rf_roaming_reply_in(r, 200, rf_dialog_local_tag(w->out), rf_roam_watch_granted(w, seconds));
}

static unsigned refused(struct rf_roaming *r, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	(void)r;
	return rf_roam_watch_told_as(msg, w);
}

static void ended(struct rf_roaming *r, unsigned code)
{
	if (code >= 300 && code != 407)
		r->core->counters.watches_refused++;
}

static void fini(struct rf_roaming *r)
{
	if (of(r)->watch)
		rf_roam_watch_drop(of(r)->watch);
}

static const struct rf_roaming_ops ops = {
	.put = put, .taken = taken, .refused = refused, .ended = ended, .fini = fini
};

/* --- made */

static size_t held_by(struct rf_roam_watch *w, struct rf_view phone)
{
	struct rf_node *n = rf_table_first(&w->core->roam_watches->by_phone, hash_of(w, phone));
	size_t count = 0;

	for (; n; n = rf_table_next(n))
		count += rf_view_eq(rf_container(n, struct rf_roam_watch, by_phone)->party->phone, phone);
	return count;
}

static int enter(struct rf_roam_watch *w, struct rf_in *in)
{
	struct rf_call_core *core = w->core;
	const struct rf_dir_phone *phone = in->proof.phone;
	struct rf_id tag;

	if (held_by(w, phone->name) >= RF_ROAM_WATCHES)
		return RF_E_LIMIT;
	struct rf_party *party = rf_party_new(core->directory, phone->number, phone->name, RF_V(""));
	int rc = party ? rf_table_add(&core->roam_watches->by_phone, &w->by_phone, hash_of(w, phone->name)) : -ENOMEM;

	if (rc) {
		rf_party_put(party);
		return rc;
	}
	w->party = party;
	rf_ua_make_id(core->ua, &tag);
	struct rf_dialog *dlg;

	rc = rf_dialog_new_uas(in->msg, rf_id_view(&tag), rf_flow_is_secure(in->from->flow.kind), &dlg);
	if (rc)
		return rc;
	rc = rf_table_add(&core->roam_watches->by_out, &w->by_out, hash_of(w, rf_id_view(&tag)));
	if (rc)
		rf_dialog_free(dlg);
	else
		w->out = dlg;
	return rc;
}

static int watch_new(struct rf_call_core *core, struct rf_in *in, const struct rf_sub_package *package,
		     struct rf_view id, struct rf_roam_watch **ret_watch)
{
	int rc = rf_board_subscribe(core->board);
	struct rf_roam_watch *w = rc ? NULL : calloc(1, sizeof *w);

	if (!w) {
		if (!rc)
			rf_board_unsubscribe(core->board);
		return rc ? rc : -ENOMEM;
	}
	w->core = core;
	w->package = package;
	w->flow = in->from->flow;
	w->id_n = (uint8_t)id.n;
	if (id.n)
		memcpy(w->id, id.p, id.n);
	rf_timer_init(&w->timer, on_timer);
	TAILQ_INSERT_TAIL(&core->roam_watches->list, w, list);
	core->roam_watches->count++;
	rc = enter(w, in);
	if (rc)
		rf_roam_watch_drop(w);
	else
		*ret_watch = w;
	return rc;
}

void rf_roam_watch_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 489)
		rf_put(&w, rf_sub_allow_events);
	if (code == 503)
		rf_core_put_retry_after(&w, 30);
	if (code == 500)
		rf_core_put_retry_after(&w, 1);
	rf_writer_done(&w, &headers);
	core->counters.watches_refused++;
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

uint32_t rf_roam_watch_asked(const struct rf_sip_msg *msg)
{
	uint32_t s = msg->has_expires ? msg->expires_s : RF_SUB_DEFAULT_S;

	return s < RF_SUB_MAX_S ? s : RF_SUB_MAX_S;
}

void rf_roam_watch(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_sub_event event;
	struct rf_view number;
	uint8_t buf[64];
	struct subscribe *s;
	unsigned code = core->draining ? 503 : !rf_sub_event_of(in->msg, &event) ? 489 : 0;

	if (!code && rf_sip_msg_hdr(in->msg, RF_SIP_H_ACCEPT) && !rf_sip_msg_accepts(in->msg, event.package->type))
		code = 406;
	if (!code && !rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &number))
		code = 404;
	s = code ? NULL : calloc(1, sizeof *s);
	int rc = s ? watch_new(core, in, event.package, event.id, &s->watch) : -ENOMEM;

	if (code || rc) {
		if (!code && rc == RF_E_LIMIT)
			rf_record_limit(core, "subscriptions", in);
		free(s);
		rf_roam_watch_refuse(core, in, code ? code : rc == RF_E_MALFORMED ? 400 : 503);
		return;
	}
	s->expires_s = rf_roam_watch_asked(in->msg);
	s->anonymous = rf_identity_is_anonymous(&in->msg->from.uri);
	s->number_n = (uint8_t)number.n;
	memcpy(s->number, number.p, number.n);
	if (rf_roaming_begin(&s->ask, &ops, core, in))
		rf_roam_watch_refuse(core, in, 503);
	else
		rf_roaming_go(&s->ask);
}

/* --- what happens elsewhere */

void rf_roam_watches_fallen(struct rf_call_core *core)
{
	struct rf_roam_watch *w, *next;

	for (w = core->roam_watches ? TAILQ_FIRST(&core->roam_watches->list) : NULL; w; w = next) {
		const struct rf_dir_phone *p = rf_directory_phone(core->directory, w->party->phone);

		next = TAILQ_NEXT(w, list);
		if (w->up && (!p || !p->site || !p->site->roams || p->locked))
			rf_roam_watch_end(w, "rejected");
	}
}

void rf_roam_watches_drain(struct rf_call_core *core)
{
	struct rf_roam_watch *w, *next;

	for (w = core->roam_watches ? TAILQ_FIRST(&core->roam_watches->list) : NULL; w; w = next) {
		next = TAILQ_NEXT(w, list);
		if (w->up)
			rf_roam_watch_end(w, "probation");
	}
}

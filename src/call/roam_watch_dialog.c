/* A subscription of a phone outside, inside its two dialogs: the phone's refresh goes to the controller, the
 * controller's NOTIFY to the phone, one of each at a time, and each answer back. */
#include "call/roam_watch_int.h"

#include "call/trunk.h"

static int send(struct rf_roam_watch *w, struct rf_writer *out, const struct rf_target *target, rf_cli_fn *fn,
		struct rf_cli **ret_cli)
{
	struct rf_cli_new conf = { .target = *target, .fn = fn, .arg = w };
	int rc = rf_writer_done(out, &conf.request);

	return rc ? rc : rf_cli_new(w->core->ua, &conf, ret_cli);
}

/* A refresh: what the controller says of it. */
static void refreshed(struct rf_roam_watch *w, const struct rf_sip_msg *msg)
{
	struct rf_call_core *core = w->core;
	struct rf_view headers = { NULL, 0 };
	unsigned code = 481; /* nobody answered: it is not there any more */
	struct rf_writer out;

	rf_writer_init(&out, core->head, sizeof core->head);
	if (msg && msg->status < 300) {
		rf_dialog_response(w->in, msg);
		code = 200;
		headers = rf_roam_watch_granted(w, rf_roam_watch_least(RF_SUB_MAX_S, msg));
		rf_roam_watch_live(w, rf_roam_watch_least(RF_SUB_MAX_S, msg));
	} else if (msg) {
		code = rf_roam_watch_told_as(msg, &out);
		rf_writer_done(&out, &headers);
	}
	if (w->asked) {
		rf_srv_watch(w->asked, NULL, NULL);
		rf_core_reply_headers(core, w->asked, code ? code : 503, RF_V(""),
				      code ? headers : RF_V("Retry-After: 30\r\n"));
	}
	w->asked = NULL;
	if (code == 481)
		rf_roam_watch_drop(w);
}

static void on_refreshed(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_roam_watch *w = arg;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	w->asking = NULL;
	refreshed(w, e->kind == RF_CLI_RESPONSE ? e->msg : NULL);
}

static void asked_gone(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_roam_watch *w = arg;

	if (event == RF_SRV_GONE && w->asked == srv)
		w->asked = NULL;
	if (event == RF_SRV_GONE && w->told == srv)
		w->told = NULL;
}

static bool is_event(const struct rf_roam_watch *w, const struct rf_sip_msg *msg, struct rf_view id)
{
	struct rf_sub_event event;

	return rf_sub_event_of(msg, &event) && event.package == w->package && rf_view_eq(event.id, id);
}

static int pass_refresh(struct rf_roam_watch *w, const struct rf_site_host *host, uint32_t expires_s)
{
	struct rf_trunk_way_to way;
	struct rf_writer out;
	int rc = rf_border_aim(w->core, host, &way);

	rf_writer_init(&out, w->core->out, sizeof w->core->out);
	if (!rc)
		rc = rf_dialog_put_request(w->in, RF_V("SUBSCRIBE"), RF_MAX_FORWARDS, &out, NULL);
	if (rc)
		return rc;
	rf_roam_watch_put_ask(w, host, expires_s, &out);
	rf_sip_put_end(&out);
	return send(w, &out, &way.target, on_refreshed, &w->asking);
}

static void from_phone(struct rf_roam_watch *w, struct rf_in *in)
{
	struct rf_call_core *core = w->core;
	struct rf_verdict v = rf_core_prove_party(core, w->party, &w->flow, in);
	const struct rf_site_host *host = rf_site_host(rf_core_site(core), rf_view_str(w->host));
	unsigned code = 0;

	if (v.code) {
		rf_core_refuse(core, in, &v);
		return;
	}
	if (!rf_core_within_rate(core, in, w->party->number))
		return;
	code = in->msg->method != RF_SIP_SUBSCRIBE ? 405 : rf_border_look_phone(core, in->msg);
	if (code) {
		if (code == 405)
			rf_core_refuse_method(core, in);
		else
			rf_core_reply(core, in->srv, code, RF_V(""));
		return;
	}
	if (rf_dialog_request(w->out, in->msg, &code)) {
		rf_core_reply(core, in->srv, code, RF_V(""));
		return;
	}
	code = !w->up || w->asked || w->asking ? 500 : !is_event(w, in->msg, rf_view_of(w->id, w->id_n)) ? 489 : !host ? 481 : 0;
	/* where it is, is its connection; its Contact is only what it is called there */
	if (!code && rf_dialog_refresh(w->out, in->msg) == RF_E_MALFORMED)
		code = 400;
	if (!code && pass_refresh(w, host, rf_roam_watch_asked(in->msg)))
		code = 503;
	if (code) {
		rf_roam_watch_refuse(core, in, code);
		if (code == 481) /* its controller is no host of the site any more */
			rf_roam_watch_drop(w);
		return;
	}
	w->flow = in->from->flow;
	w->asked = in->srv;
	rf_srv_watch(in->srv, asked_gone, w);
}

/* --- NOTIFY */

struct state {
	const char *word, *reason;
	uint32_t expires_s, retry_s;
	bool has_expires, has_retry, over;
};

static const char *one_of(struct rf_view v, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq_nocase(v, rf_view_str(words[i])))
			return words[i];
	return NULL;
}

/* RFC 6665 8.4. False: it is none. */
static bool read_state(const struct rf_sip_msg *msg, struct state *ret)
{
	static const char *const words[] = { "active", "pending", "terminated" };
	static const char *const reasons[] = { "deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant" };
	struct rf_view v = rf_sip_msg_value(msg, RF_SIP_H_SUBSCRIPTION_STATE), rest = rf_view_from(v, rf_view_find(v, ';'));
	struct rf_sip_param p;

	*ret = (struct state){ .word = one_of(rf_view_trim(rf_view_sub(v, 0, rf_view_find(v, ';'))), words, 3) };
	ret->over = ret->word == words[2];
	if (rf_sip_params_find(rest, RF_V("reason"), &p) && p.has_value)
		ret->reason = one_of(p.value, reasons, sizeof reasons / sizeof *reasons);
	ret->has_expires =
		rf_sip_params_find(rest, RF_V("expires"), &p) && p.has_value && rf_view_u32(p.value, &ret->expires_s);
	ret->has_retry =
		rf_sip_params_find(rest, RF_V("retry-after"), &p) && p.has_value && rf_view_u32(p.value, &ret->retry_s);
	return ret->word != NULL;
}

static void put_state(const struct state *s, struct rf_writer *w)
{
	rf_sip_put_hdr_name(w, RF_SIP_H_SUBSCRIPTION_STATE);
	rf_put(w, rf_view_str(s->word));
	if (s->has_expires && !s->over)
		rf_sip_put_param_u64(w, RF_V("expires"), s->expires_s);
	if (s->reason)
		rf_sip_put_param(w, RF_V("reason"), rf_view_str(s->reason));
	if (s->has_retry && s->over)
		rf_sip_put_param_u64(w, RF_V("retry-after"), s->retry_s);
	rf_sip_put_crlf(w);
}

/* What the phone said is what the controller hears: it is there, it has forgotten, or later. */
static void heard(struct rf_roam_watch *w, unsigned code, bool later)
{
	if (w->told) {
		rf_srv_watch(w->told, NULL, NULL);
		if (later)
			rf_core_reply_headers(w->core, w->told, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		else
			rf_core_reply(w->core, w->told, code < 300 ? 200 : 481, RF_V(""));
	}
	w->told = NULL;
	if (code >= 300 && !later)
		rf_roam_watch_drop(w);
}

static void on_told(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_roam_watch *w = arg;
	unsigned code = e->kind == RF_CLI_RESPONSE ? e->msg->status : 408;

	if (code < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	w->telling = NULL;
	heard(w, code, e->kind == RF_CLI_FAILED || (code >= 500 && code < 600 && code != 501));
}

/* body: its type is the package's. fn NULL: nobody waits for the answer. */
static int tell(struct rf_roam_watch *w, const struct state *s, struct rf_view body, rf_cli_fn *fn)
{
	struct rf_call_core *core = w->core;
	struct rf_target target = { .flow = w->flow };
	struct rf_cli *cli;
	struct rf_writer out;

	rf_party_flow(core, w->party, &target.flow); /* as it registered last */
	rf_writer_init(&out, core->out, sizeof core->out);
	int rc = rf_dialog_put_request(w->out, RF_V("NOTIFY"), RF_MAX_FORWARDS, &out, NULL);

	if (rc)
		return rc;
	rf_core_put_contact(core, &target.flow, &out);
	rf_roam_watch_put_event(w, true, &out);
	put_state(s, &out);
	rf_sip_put_body(&out, body.n ? w->package->type : body, body);
	return send(w, &out, &target, fn, fn ? &w->telling : &cli);
}

void rf_roam_watch_end(struct rf_roam_watch *w, const char *reason)
{
	struct state over = { .word = "terminated", .reason = reason, .over = true };

	tell(w, &over, RF_V(""), NULL);
	rf_roam_watch_drop(w);
}

static void notified(struct rf_roam_watch *w, struct rf_in *in)
{
	struct rf_call_core *core = w->core;
	struct rf_view body = in->msg->body;
	struct state s;

	if (!is_event(w, in->msg, RF_V("")) || !read_state(in->msg, &s)) {
		rf_core_reply(core, in->srv, 489, RF_V(""));
		return;
	}
	if (body.n &&
	    (!rf_sip_msg_is_type(in->msg, w->package->type) || rf_border_tells(rf_core_site(core), body, false))) {
		rf_border_count(core, RF_LIST_BODY);
		rf_core_reply(core, in->srv, 415, RF_V(""));
		rf_roam_watch_end(w, "noresource");
		return;
	}
	if (tell(w, &s, body, s.over ? NULL : on_told)) {
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		return;
	}
	if (s.over) {
		heard(w, 200, false); /* one before it that still waits */
		rf_core_reply(core, in->srv, 200, RF_V(""));
		rf_roam_watch_drop(w);
		return;
	}
	w->told = in->srv;
	rf_srv_watch(in->srv, asked_gone, w);
}

/* One at a time, and none before the phone knows that it watches; but for the last one, which nobody says again. */
static bool must_wait(const struct rf_roam_watch *w, const struct rf_sip_msg *msg)
{
	struct state s;

	return !w->up || ((w->told || w->telling) && !(read_state(msg, &s) && s.over));
}

static void from_site(struct rf_roam_watch *w, struct rf_in *in)
{
	struct rf_call_core *core = w->core;
	const struct rf_party controller = { .host = rf_view_str(w->host) };
	struct rf_verdict v = rf_core_prove_party(core, &controller, &w->flow, in);
	unsigned code = 0;

	if (v.code)
		rf_core_refuse(core, in, &v);
	else if (in->msg->method != RF_SIP_NOTIFY)
		rf_core_refuse_method(core, in);
	else if (must_wait(w, in->msg))
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 1\r\n"));
	else if (rf_dialog_request(w->in, in->msg, &code))
		rf_core_reply(core, in->srv, code, RF_V(""));
	else
		notified(w, in);
}

static struct rf_roam_watch *find(struct rf_call_core *core, const struct rf_sip_msg *msg, bool in)
{
	struct rf_roam_watches *all = core->roam_watches;
	struct rf_node *n = rf_table_first(in ? &all->by_in : &all->by_out, rf_hash(&core->hash_key, msg->to.tag));

	for (; n; n = rf_table_next(n)) {
		struct rf_roam_watch *w = in ? rf_container(n, struct rf_roam_watch, by_in) :
					       rf_container(n, struct rf_roam_watch, by_out);
		const struct rf_dialog *dlg = in ? w->in : w->out;

		/* a NOTIFY may come before the answer that says what the other's tag is */
		if (rf_dialog_matches(dlg, msg) || (in && !w->up && rf_view_eq(rf_dialog_call_id(dlg), msg->call_id)))
			return w;
	}
	return NULL;
}

bool rf_roam_watch_in_dialog(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_roam_watch *w = core->roam_watches ? find(core, in->msg, false) : NULL;

	if (w) {
		from_phone(w, in);
		return true;
	}
	w = core->roam_watches ? find(core, in->msg, true) : NULL;
	if (w)
		from_site(w, in);
	return w != NULL;
}


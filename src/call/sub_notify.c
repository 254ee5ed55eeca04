/* NOTIFY (RFC 6665 4.2.2, 4.4): at most one on its way for each subscription, so that none overtakes another and the
 * last state wins; as many as the package's bucket allows; and what its answer means. */
#include "call/border.h"
#include "call/sub_int.h"
#include "call/trunk.h"

enum { AGAIN_S = 5, AGAIN_MAX_S = 60, FAILURES = 3, PROBATION_S = 10 };

static void put_state(const struct rf_sub *sub, struct rf_mono now, struct rf_writer *w)
{
	rf_sip_put_hdr_name(w, RF_SIP_H_SUBSCRIPTION_STATE);
	if (sub->state == RF_SUB_ACTIVE) {
		rf_put_lit(w, "active");
		rf_sip_put_param_u64(w, RF_V("expires"),
				     sub->expires.us > now.us ? (sub->expires.us - now.us) / 1000000 : 0);
	} else {
		rf_put_lit(w, "terminated");
		rf_sip_put_param(w, RF_V("reason"), rf_view_str(sub->reason));
		if (strcmp(sub->reason, "probation") == 0)
			rf_sip_put_param_u64(w, RF_V("retry-after"), PROBATION_S);
	}
	rf_sip_put_crlf(w);
}

static void put_event(const struct rf_sub *sub, struct rf_writer *w)
{
	rf_sip_put_hdr_name(w, RF_SIP_H_EVENT);
	rf_put(w, sub->package->name);
	if (sub->id_n)
		rf_sip_put_param(w, RF_V("id"), rf_view_of(sub->id, sub->id_n));
	rf_sip_put_crlf(w);
}

static void failed(struct rf_sub *sub, uint32_t again_s)
{
	struct rf_mono now = rf_core_now(sub->core);

	if (sub->state != RF_SUB_ACTIVE || ++sub->failures >= FAILURES) {
		rf_sub_drop(sub, "NOTIFY failed");
		return;
	}
	sub->full = true;
	sub->due = rf_mono_add_ms(now, 1000ull * (again_s < AGAIN_MAX_S ? again_s : AGAIN_MAX_S));
	rf_sub_settle(sub);
}

/* RFC 6665 4.2.2: a refusal that says for how long is a delay; so is a server in trouble. Any other ends it. */
static void refused(struct rf_sub *sub, const struct rf_sip_msg *msg)
{
	uint32_t after_s = 0, duration_s;
	bool says = rf_sip_msg_retry_after(msg, &after_s, &duration_s) == 0;

	if (says || (msg->status >= 500 && msg->status < 600 && msg->status != 501))
		failed(sub, after_s ? after_s : AGAIN_S);
	else
		rf_sub_drop(sub, msg->status == 481 ? "watcher has forgotten it" : "NOTIFY refused");
}

static void notify_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_sub *sub = arg;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	sub->cli = NULL;
	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 300) {
		sub->failures = 0;
		rf_sub_settle(sub);
	} else if (e->kind == RF_CLI_RESPONSE) {
		refused(sub, e->msg);
	} else if (rf_party_is_far(sub->party)) {
		failed(sub, AGAIN_S); /* the border, which may be there again */
	} else if (e->kind == RF_CLI_FAILED && e->err == RF_E_CLOSED) {
		/* the phone may be about to come back; what it missed is told then */
		if (!sub->gone_at.us)
			sub->gone_at = rf_core_now(sub->core);
		rf_sub_want(sub, true);
	} else {
		rf_sub_drop(sub, "no answer to NOTIFY");
	}
}

/* The way to the watcher, and the flow that our Contact is of. A phone outside is reached by its border. */
static int aim(struct rf_sub *sub, struct rf_trunk_way_to *way, struct rf_target *ret_target, struct rf_flow *ret_flow)
{
	const struct rf_site_host *host = rf_site_host(rf_core_site(sub->core), sub->party->host);

	*ret_flow = sub->flow;
	*ret_target = (struct rf_target){ .flow = sub->flow };
	if (!rf_party_is_far(sub->party))
		return 0;
	int rc = host ? rf_border_aim(sub->core, host, way) : RF_E_NOT_FOUND;

	if (rc)
		return rc;
	rf_border_flow(sub->core, host, ret_flow);
	*ret_target = way->target;
	return 0;
}

static int send(struct rf_sub *sub, struct rf_mono now, struct rf_view body)
{
	struct rf_call_core *core = sub->core;
	bool last = sub->state != RF_SUB_ACTIVE;
	struct rf_trunk_way_to way;
	struct rf_cli_new conf = { .fn = NULL };
	struct rf_flow flow;
	struct rf_cli *cli;
	struct rf_writer w;

	rf_writer_init(&w, core->out, sizeof core->out);
	int rc = aim(sub, &way, &conf.target, &flow);

	if (!rc)
		rc = rf_dialog_put_request(sub->dlg, RF_V("NOTIFY"), RF_MAX_FORWARDS, &w, NULL);
	if (rc)
		return rc;
	rf_core_put_contact(core, &flow, &w);
	put_event(sub, &w);
	put_state(sub, now, &w);
	rf_put(&w, rf_sub_allow_events);
	rf_sip_put_body(&w, body.n ? sub->package->type : body, body);
	rc = rf_writer_done(&w, &conf.request);
	if (rc)
		return rc;
	conf.fn = last ? NULL : notify_event;
	conf.arg = sub;
	rc = rf_cli_new(core->ua, &conf, &cli);
	if (rc == 0 && !last)
		sub->cli = cli;
	return rc;
}

/* The body of this NOTIFY, in core->subs->body. False: there is nothing to tell, or no memory (*ret_rc). */
static bool make_body(struct rf_sub *sub, struct rf_view *ret_body, int *ret_rc)
{
	struct rf_call_core *core = sub->core;
	struct rf_board_line line;
	struct rf_writer w;
	bool any = false;

	rf_writer_init(&w, core->subs->body, sizeof core->subs->body);
	*ret_body = (struct rf_view){ NULL, 0 };
	*ret_rc = rf_board_read(core->board, rf_sub_number(sub), &core->scratch, &line);
	if (!*ret_rc) {
		any = sub->package->body(sub, &line, sub->full, &w) || sub->full;
		sub->seen = line.version;
	}
	rf_arena_wipe(&core->scratch);
	if (!w.err)
		rf_writer_done(&w, ret_body);
	return any;
}

bool rf_sub_notify(struct rf_sub *sub, struct rf_mono now)
{
	uint64_t interval_us = (uint64_t)sub->package->interval_ms * 1000, most = interval_us * sub->package->burst;
	bool last = sub->state != RF_SUB_ACTIVE;
	struct rf_view body;
	int rc;

	sub->due = (struct rf_mono){ 0 };
	if (!make_body(sub, &body, &rc) && rc == 0)
		return false;
	if (!rc)
		rc = send(sub, now, body);
	if (last) {
		rf_sub_drop(sub, sub->why);
		return true;
	}
	if (rc) {
		sub->full = true;
		failed(sub, 1);
		return true; /* dropped, or its timer is set */
	}
	sub->full = false;
	sub->full_at.us = (sub->full_at.us > now.us ? sub->full_at.us : now.us) + interval_us;
	if (sub->full_at.us > now.us + most)
		sub->full_at.us = now.us + most;
	return false;
}

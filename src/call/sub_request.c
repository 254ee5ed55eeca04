/* SUBSCRIBE (RFC 6665 4.2.1): who asks is proven by now; may they watch that number, and for how long? */
#include "call/park.h"
#include "call/sub_int.h"

const struct rf_view rf_sub_allow_events = {
	(const uint8_t *)"Allow-Events: dialog, message-summary, presence\r\n", 49,
};

/* A line that nobody watched is surveyed first, so that an answer to one who asks only once is not empty. */
enum { FIRST_MS = 80 };

bool rf_sub_event_of(const struct rf_sip_msg *msg, struct rf_sub_event *ret)
{
	static const struct rf_sub_package *const packages[] = { &rf_sub_dialog, &rf_sub_mwi, &rf_sub_presence };
	struct rf_view v = rf_sip_msg_value(msg, RF_SIP_H_EVENT), name;
	struct rf_sip_param id;

	name = rf_view_trim(rf_view_sub(v, 0, rf_view_find(v, ';')));
	*ret = (struct rf_sub_event){ .package = NULL };
	if (rf_sip_params_find(rf_view_from(v, rf_view_find(v, ';')), RF_V("id"), &id) && id.has_value && id.token)
		ret->id = id.value;
	for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
		if (rf_view_eq(packages[i]->name, name))
			ret->package = packages[i];
	return ret->package && ret->id.n <= 64;
}

static void refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *rule, struct rf_view number)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 423)
		rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_EXPIRES, RF_SUB_MIN_S);
	if (code == 503)
		rf_core_put_retry_after(&w, 30);
	if (code == 489)
		rf_put(&w, rf_sub_allow_events);
	rf_writer_done(&w, &headers);
	core->counters.watches_refused++;
	if (rule)
		rf_record_watch_refused(core, in, code, rule, number);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

/* 0 and the seconds (0: only once, or an end), or 423. */
static unsigned time_of(const struct rf_sip_msg *msg, uint32_t *ret_s)
{
	uint32_t s = msg->has_expires ? msg->expires_s : RF_SUB_DEFAULT_S;

	if (s && s < RF_SUB_MIN_S)
		return 423;
	*ret_s = s > RF_SUB_MAX_S ? RF_SUB_MAX_S : s;
	return 0;
}

static void accept(struct rf_sub *sub, struct rf_in *in, uint32_t expires_s)
{
	struct rf_call_core *core = sub->core;
	struct rf_srv_reply reply = { .code = 200, .to_tag = rf_dialog_local_tag(sub->dlg) };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_sip_put_hdr_u64(&w, RF_SIP_H_EXPIRES, expires_s);
	rf_core_put_contact(core, &in->from->flow, &w);
	rf_put(&w, rf_sub_allow_events);
	rf_writer_done(&w, &reply.headers);
	rf_srv_reply(in->srv, &reply);
}

static void begin(struct rf_call_core *core, struct rf_in *in, const struct rf_sub_new *conf)
{
	const char *bound;
	struct rf_sub *sub;
	int rc = rf_sub_new(core, in, conf, &bound, &sub);

	if (rc) {
		if (bound)
			rf_record_limit(core, bound, in);
		refuse(core, in, rc == RF_E_MALFORMED ? 400 : rc == -ENOMEM ? 500 : 503, bound, conf->number);
		return;
	}
	core->counters.watches++;
	if (conf->expires_s)
		rf_record_watch(core, RF_EVENT_WATCH_START, sub->party, conf->package->name, conf->number, NULL);
	accept(sub, in, conf->expires_s);
	sub->due = rf_mono_add_ms(rf_core_now(core), FIRST_MS);
	if (conf->expires_s == 0) { /* asked once (4.4.3) */
		sub->state = RF_SUB_LAST;
		sub->reason = "timeout";
	}
	rf_sub_settle(sub);
}

void rf_sub_request(struct rf_call_core *core, struct rf_in *in)
{
	uint8_t buf[64];
	struct rf_sub_new conf = { .package = NULL };
	struct rf_sub_event event;
	struct rf_view own = rf_proof_number(&in->proof);
	unsigned code;

	if (core->draining) {
		refuse(core, in, 503, NULL, own);
		return;
	}
	if (!rf_sub_event_of(in->msg, &event)) {
		refuse(core, in, 489, NULL, own);
		return;
	}
	if (rf_sip_msg_hdr(in->msg, RF_SIP_H_ACCEPT) && !rf_sip_msg_accepts(in->msg, event.package->type)) {
		refuse(core, in, 406, NULL, own);
		return;
	}
	code = time_of(in->msg, &conf.expires_s);
	if (!code && (!rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &conf.number) ||
		      (!rf_directory_number(core->directory, conf.number) && !rf_park_is_slot(core, conf.number))))
		code = 404;
	if (code) {
		refuse(core, in, code, NULL, own);
		return;
	}
	const char *rule = rf_identity_is_anonymous(&in->msg->from.uri) ? "anonymous-watcher" :
			   rf_sub_refusal(core, own, conf.number, event.package);

	if (rule) {
		refuse(core, in, 403, rule, conf.number);
		return;
	}
	conf.package = event.package;
	conf.event_id = event.id;
	/* what Replaces needs names dialogs inside: nothing for a phone outside */
	conf.may_pick_up = !in->proof.host && rf_sub_may_pick_up(core, own, conf.number);
	begin(core, in, &conf);
}

/* --- inside its dialog: a refresh, or its end */

static struct rf_sub *find(struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	struct rf_node *n = rf_table_first(&core->subs->by_tag, rf_hash(&core->hash_key, msg->to.tag));

	for (; n; n = rf_table_next(n)) {
		struct rf_sub *sub = rf_container(n, struct rf_sub, by_tag);

		if (rf_dialog_matches(sub->dlg, msg))
			return sub;
	}
	return NULL;
}

static void refresh(struct rf_sub *sub, struct rf_in *in)
{
	struct rf_call_core *core = sub->core;
	struct rf_sub_event event;
	uint32_t expires_s;
	unsigned code = rf_sub_event_of(in->msg, &event) && event.package == sub->package &&
			rf_view_eq(event.id, rf_view_of(sub->id, sub->id_n)) ? time_of(in->msg, &expires_s) : 489;

	if (!code && sub->state != RF_SUB_ACTIVE)
		code = 481;
	if (!code && rf_dialog_refresh(sub->dlg, in->msg) == RF_E_MALFORMED)
		code = 400;
	if (code) {
		refuse(core, in, code, NULL, rf_sub_number(sub));
		return;
	}
	rf_sub_move(sub, &in->from->flow);
	accept(sub, in, expires_s);
	if (expires_s == 0) {
		rf_sub_end(sub, "timeout", "unsubscribed");
		return;
	}
	sub->expires = rf_mono_add_ms(rf_core_now(core), (uint64_t)expires_s * 1000);
	rf_sub_want(sub, true); /* 4.2.1.2: a refresh is answered by a NOTIFY with everything */
}

bool rf_sub_in_dialog(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_sub *sub = find(core, in->msg);
	unsigned code = 0;

	if (!sub)
		return false;
	struct rf_verdict v = rf_core_prove_party(core, sub->party, &sub->flow, in);

	if (v.code) {
		rf_core_refuse(core, in, &v);
		return true;
	}
	if (!rf_core_within_rate(core, in, sub->party->number))
		return true;
	if (in->msg->method != RF_SIP_SUBSCRIBE)
		rf_core_refuse_method(core, in);
	else if (rf_dialog_request(sub->dlg, in->msg, &code))
		rf_core_reply(core, in->srv, code, RF_V(""));
	else
		refresh(sub, in);
	return true;
}

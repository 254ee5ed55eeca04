/* PUBLISH (RFC 3903): phones say how their number is (presence), the host of the mailboxes how many messages wait
 * (message-summary). A number publishes its own presence only; mailboxes are published by the number that the site file
 * names as voicemail. */
#include "call/pidf.h"
#include "call/sub_int.h"

static void refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *rule, struct rf_view accept)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 423)
		rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_EXPIRES, RF_SUB_MIN_S);
	if (code == 489)
		rf_put_lit(&w, "Allow-Events: message-summary, presence\r\n");
	if (code == 415)
		rf_sip_put_hdr(&w, RF_SIP_H_ACCEPT, accept);
	if (code == 503)
		rf_core_put_retry_after(&w, 30);
	rf_writer_done(&w, &headers);
	core->counters.publications_refused++;
	if (rule)
		rf_record_watch_refused(core, in, code, rule, rf_proof_number(&in->proof));
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

static void accept(struct rf_call_core *core, struct rf_in *in, const struct rf_id *etag, uint32_t expires_s)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_sip_put_hdr(&w, RF_SIP_H_SIP_ETAG, rf_id_view(etag));
	rf_sip_put_hdr_u64(&w, RF_SIP_H_EXPIRES, expires_s);
	rf_writer_done(&w, &headers);
	core->counters.publications++;
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

static unsigned code_of(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case RF_E_NOT_FOUND:
		return 412;
	case RF_E_LIMIT:
		return 503;
	case -ENOMEM:
		return 500;
	default:
		return 400;
	}
}

static bool plain(const struct rf_sip_msg *msg)
{
	struct rf_view encoding = rf_sip_msg_value(msg, RF_SIP_H_CONTENT_ENCODING);

	return encoding.n == 0 || rf_view_eq_nocase(encoding, RF_V("identity"));
}

static void presence(struct rf_call_core *core, struct rf_in *in, struct rf_view number, uint32_t expires_s)
{
	struct rf_view etag = rf_sip_msg_value(in->msg, RF_SIP_H_SIP_IF_MATCH);
	struct rf_mono expires = { 0 };
	struct rf_presence p;
	rf_workers tell = 0;
	struct rf_id next;
	bool body = in->msg->body.n > 0;
	unsigned code = 0;

	if (!rf_view_eq(number, rf_proof_number(&in->proof))) {
		refuse(core, in, 403, "publish-other", number);
		return;
	}
	if (body && (!rf_sip_msg_is_type(in->msg, rf_sub_presence.type) || !plain(in->msg)))
		code = 415;
	else if (body && in->msg->body.n > RF_PIDF_MAX)
		code = 413;
	else if (!body && etag.n == 0)
		code = 400; /* a first publication says something (RFC 3903 6, step 5) */
	else if (body)
		code = code_of(rf_pidf_parse(in->msg->body, core->hash_key.k0, &p));
	if (code) {
		refuse(core, in, code, NULL, rf_sub_presence.type);
		return;
	}
	rf_ua_make_id(core->ua, &next);
	if (expires_s)
		expires = rf_mono_add_ms(rf_core_now(core), (uint64_t)expires_s * 1000);
	code = code_of(rf_board_publish(core->board, number, etag, &next, body ? &p : NULL, expires, &tell));
	if (code) {
		if (code == 503)
			rf_record_limit(core, "publications", in);
		refuse(core, in, code, NULL, number);
		return;
	}
	accept(core, in, &next, expires_s);
	rf_lamps_tell(core, number, tell);
}

/* "Messages-Waiting: yes" and "Voice-Message: 2/8 (0/0)" (RFC 3842 5.2); what else there may be is passed over. */
static bool parse_summary(struct rf_view body, uint32_t *ret_fresh, uint32_t *ret_old)
{
	bool waiting = false, counted = false;

	for (struct rf_view line, rest = body; rest.n;) {
		size_t end = rf_view_find(rest, '\n');

		line = rf_view_trim(rf_view_sub(rest, 0, end));
		rest = rf_view_from(rest, end + 1);
		size_t colon = rf_view_find(line, ':');
		struct rf_view name = rf_view_trim(rf_view_sub(line, 0, colon)),
			       v = rf_view_trim(rf_view_from(line, colon + 1));

		if (rf_view_eq_nocase(name, RF_V("Messages-Waiting"))) {
			waiting = true;
			*ret_fresh = rf_view_eq_nocase(v, RF_V("yes"));
			*ret_old = 0;
		}
		if (!rf_view_eq_nocase(name, RF_V("Voice-Message")))
			continue;
		v = rf_view_sub(v, 0, rf_view_find(v, ' '));
		size_t slash = rf_view_find(v, '/');

		counted = rf_view_u32(rf_view_sub(v, 0, slash), ret_fresh) &&
			  rf_view_u32(rf_view_from(v, slash + 1), ret_old);
		if (!counted)
			return false;
	}
	return waiting || counted;
}

static void summary(struct rf_call_core *core, struct rf_in *in, struct rf_view number, uint32_t expires_s)
{
	uint32_t fresh = 0, old = 0;
	rf_workers tell = 0;
	struct rf_id next;
	unsigned code = 0;

	if (!rf_sub_is_voicemail(core, rf_proof_number(&in->proof))) {
		refuse(core, in, 403, "publish-mailbox", number);
		return;
	}
	if (in->msg->body.n && (!rf_sip_msg_is_type(in->msg, rf_sub_mwi.type) || !plain(in->msg)))
		code = 415;
	else if (in->msg->body.n > RF_PIDF_MAX)
		code = 413;
	else if (in->msg->body.n && !parse_summary(in->msg->body, &fresh, &old))
		code = 400;
	else if (in->msg->body.n || expires_s == 0)
		code = code_of(rf_board_mwi(core->board, number, fresh, old, &tell));
	if (code) {
		refuse(core, in, code, NULL, rf_sub_mwi.type);
		return;
	}
	rf_ua_make_id(core->ua, &next);
	accept(core, in, &next, expires_s);
	rf_lamps_tell(core, number, tell);
}

void rf_publish_request(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view event = rf_sip_msg_value(in->msg, RF_SIP_H_EVENT), number, none = { NULL, 0 };
	uint32_t expires_s = in->msg->has_expires ? in->msg->expires_s : RF_SUB_DEFAULT_S;
	uint8_t buf[64];
	bool is_presence, is_summary;

	event = rf_view_trim(rf_view_sub(event, 0, rf_view_find(event, ';')));
	is_presence = rf_view_eq(event, rf_sub_presence.name);
	is_summary = rf_view_eq(event, rf_sub_mwi.name);
	if (expires_s > RF_SUB_MAX_S)
		expires_s = RF_SUB_MAX_S;
	if (core->draining)
		refuse(core, in, 503, NULL, none);
	else if (!is_presence && !is_summary)
		refuse(core, in, 489, NULL, none);
	else if (!rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &number) ||
		 !rf_directory_number(core->directory, number))
		refuse(core, in, 404, NULL, none);
	else if (expires_s && expires_s < RF_SUB_MIN_S)
		refuse(core, in, 423, NULL, none);
	else if (is_presence)
		presence(core, in, number, expires_s);
	else
		summary(core, in, number, expires_s);
}

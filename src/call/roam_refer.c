/* A transfer that a phone outside asks for: its REFER goes on to the controller in the call's other dialog, said
 * anew, with the Replaces of another call of its own in the words of that side; what the controller tells of the
 * outcome goes back. Who may be transferred, and where to, is the controller's to say (xfer.h). The border
 * itself transfers nobody. */
#include "call/roam_int.h"

#include "call/roam_dialogs.h"
#include "call/sub_int.h"
#include "sip/refer.h"

#include <stdlib.h>

struct rf_roam_refer {
	struct rf_leg *by;           /* the phone's */
	struct rf_srv *srv;          /* its REFER until it is answered, NULL */
	struct rf_cli *cli;          /* ours, NULL */
	uint32_t here, there;        /* CSeq of both: the id of the event (RFC 3515 2.4.6) */
	bool quiet;                  /* no NOTIFY, please (RFC 4488) */
};

bool rf_roam_crosses(const struct rf_leg *leg)
{
	const struct rf_party *p = leg->party, *other = rf_leg_is_a(leg) ? leg->pair->b->party : leg->pair->a->party;

	return rf_leg_core(leg)->border && ((p->phone.n && other->host.n) || (p->host.n && other->phone.n));
}

void rf_roam_refer_free(struct rf_call *call)
{
	struct rf_roam_refer *r = call->refer;

	if (!r)
		return;
	call->refer = NULL;
	rf_cli_drop(r->cli);
	if (r->srv) {
		rf_srv_watch(r->srv, NULL, NULL);
		rf_core_reply(call->core, r->srv, 481, RF_V(""));
	}
	free(r);
}

/* --- the calls that a phone may name */

void rf_roam_note(struct rf_pair *pair)
{
	struct rf_leg *phone = pair->a->party->phone.n ? pair->a : pair->b, *there = rf_leg_other(phone);

	if (!rf_roam_crosses(phone) || !phone->dlg || !there->dlg || !rf_dialog_remote_tag(there->dlg).n ||
	    !rf_dialog_remote_tag(phone->dlg).n)
		return;
	rf_roam_dialogs_put(rf_call_shared_roaming(rf_leg_core(phone)->shared), &(struct rf_roam_dialog){
		.tag = rf_dialog_local_tag(phone->dlg), .phone = phone->party->phone,
		.call_id = rf_dialog_call_id(phone->dlg), .their_tag = rf_dialog_remote_tag(phone->dlg),
		.there = { .call_id = rf_dialog_call_id(there->dlg), .to_tag = rf_dialog_remote_tag(there->dlg),
			   .from_tag = rf_dialog_local_tag(there->dlg) },
	});
}

void rf_roam_forget(struct rf_leg *leg)
{
	if (rf_leg_core(leg)->border && leg->dlg && leg->party->phone.n)
		rf_roam_dialogs_forget(rf_call_shared_roaming(rf_leg_core(leg)->shared), rf_dialog_local_tag(leg->dlg));
}

/* --- the REFER */

/* A header value in a URI: what the grammar of URIs gives a meaning is escaped (RFC 3261 19.1.1, hvalue). */
static void put_escaped(struct rf_view v, struct rf_writer *w)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
			     c == '.';

		if (!plain)
			rf_put_byte(w, '%');
		if (plain)
			rf_put_byte(w, c);
		else
			rf_put_hex(w, &c, 1);
	}
}

/* Refer-To. Not 0: the code to refuse with. */
static unsigned put_target(struct rf_leg *by, const struct rf_refer *refer, struct rf_writer *w)
{
	struct rf_call_core *core = rf_leg_core(by);
	uint8_t number_text[RF_DIAL_TEXT_MAX], names[RF_REFER_REPLACES_MAX], text[RF_REFER_REPLACES_MAX];
	struct rf_replaces there;
	struct rf_view number;
	struct rf_writer value;

	if (!rf_identity_our_host(core, &refer->to))
		return 403;
	if (!rf_identity_number_of(core, &refer->to, number_text, sizeof number_text, &number)) {
		if (!refer->has_replaces)
			return 404;
		number = by->party->number; /* a call is named, and not by its number */
	}
	rf_sip_put_hdr_name(w, RF_SIP_H_REFER_TO);
	rf_put_byte(w, '<');
	rf_roam_put_number(core, number, w);
	if (refer->has_replaces) {
		if (!rf_roam_dialogs_find(rf_call_shared_roaming(core->shared), by->party->phone, &refer->replaces,
					  names, sizeof names, &there))
			return 403;
		rf_writer_init(&value, text, sizeof text);
		if (rf_replaces_put(&value, &there) || value.err)
			return 400;
		rf_put_lit(w, "?Replaces=");
		put_escaped(rf_view_of(text, value.n), w);
	}
	rf_put_lit(w, ">\r\n");
	return 0;
}

static void reply(struct rf_roam_refer *r, unsigned code, struct rf_view headers)
{
	struct rf_call *call = r->by->pair->call;

	if (r->srv) {
		rf_srv_watch(r->srv, NULL, NULL);
		rf_core_reply_headers(call->core, r->srv, code, RF_V(""), headers);
	}
	r->srv = NULL;
	if (code >= 300 || r->quiet)
		rf_roam_refer_free(call);
}

static void taken(struct rf_roam_refer *r)
{
	struct rf_call_core *core = rf_leg_core(r->by);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(r->by, &w);
	if (r->quiet)
		rf_put_lit(&w, "Refer-Sub: false\r\n");
	rf_writer_done(&w, &headers);
	reply(r, 202, headers);
}

static void refused(struct rf_roam_refer *r, unsigned status)
{
	static const uint16_t as_is[] = { 400, 403, 404, 416, 480, 484, 486, 488, 491, 500, 503, 603 };
	size_t i = 0;

	while (i < sizeof as_is / sizeof *as_is && as_is[i] != status)
		i++;
	reply(r, i < sizeof as_is / sizeof *as_is ? status : 480,
	      status == 491 || status == 500 || status == 503 ? RF_V("Retry-After: 1\r\n") : RF_V(""));
}

static void on_answer(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_roam_refer *r = arg;
	struct rf_call *call = r->by->pair->call;
	unsigned status = e->kind == RF_CLI_RESPONSE ? e->msg->status : e->kind == RF_CLI_TIMEOUT ? 480 : 503;

	if (status < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	r->cli = NULL;
	if (status < 300)
		taken(r);
	else
		refused(r, status);
	rf_call_settle(call);
}

static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_roam_refer *r = arg;

	(void)srv;
	if (event == RF_SRV_GONE)
		r->srv = NULL;
}

static int send(struct rf_roam_refer *r, struct rf_writer *w, const struct rf_refer *refer, unsigned *ret_code)
{
	struct rf_leg *to = rf_leg_other(r->by);
	int rc = rf_leg_begin(to, RF_SIP_REFER, w);

	*ret_code = rc ? 500 : put_target(r->by, refer, w);
	if (*ret_code)
		return RF_E_DENIED;
	r->there = rf_dialog_local_cseq(to->dlg);
	rf_leg_put_self(to, w);
	if (r->quiet)
		rf_put_lit(w, "Refer-Sub: false\r\n");
	rc = rf_leg_send(to, w, RF_V(""), RF_V(""), on_answer, r, &r->cli);
	*ret_code = rc ? 503 : 0;
	return rc;
}

void rf_roam_refer(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_call *call = leg->pair->call;
	struct rf_leg *other = rf_leg_other(leg);
	struct rf_refer refer;
	struct rf_writer w;

	if (!rf_roam_crosses(leg) || !leg->party->phone.n) {
		rf_core_refuse_method(core, in);
		return;
	}
	unsigned code = rf_refer_parse(in->msg, &refer);

	if (!code && (leg->pair->state != RF_PAIR_UP || !rf_leg_confirmed(other) || call->refer))
		code = 491;
	struct rf_roam_refer *r = code ? NULL : calloc(1, sizeof *r);

	if (r) {
		*r = (struct rf_roam_refer){ .by = leg, .here = in->msg->cseq, .quiet = refer.quiet };
		call->refer = r;
		if (send(r, &w, &refer, &code) == 0) {
			rf_dialog_refresh(leg->dlg, in->msg);
			r->srv = in->srv;
			rf_srv_watch(in->srv, srv_event, r);
			return;
		}
		rf_roam_refer_free(call);
	}
	core->counters.transfers_refused++;
	rf_core_reply_headers(core, in->srv, code ? code : 500, RF_V(""),
			      code == 491 ? RF_V("Retry-After: 1\r\n") : RF_V(""));
}

/* --- what came of it */

/* The status line of a message/sipfrag: its code; 0: there is none. */
static unsigned code_of(struct rf_view body)
{
	struct rf_view line = rf_view_trim(rf_view_sub(body, 0, rf_view_find(body, '\r')));
	uint32_t code;

	if (!rf_view_starts(line, RF_V("SIP/2.0 ")) || !rf_view_u32(rf_view_sub(rf_view_from(line, 8), 0, 3), &code))
		return 0;
	return code >= 100 && code < 700 ? code : 0;
}

/* Is this NOTIFY about the REFER that we sent? */
static bool is_of(const struct rf_roam_refer *r, const struct rf_sip_msg *msg)
{
	struct rf_view v = rf_sip_msg_value(msg, RF_SIP_H_EVENT);
	struct rf_sip_param id;
	uint32_t n;

	if (!rf_view_eq(rf_view_trim(rf_view_sub(v, 0, rf_view_find(v, ';'))), RF_V("refer")))
		return false;
	if (!rf_sip_params_find(rf_view_from(v, rf_view_find(v, ';')), RF_V("id"), &id) || !id.has_value)
		return true;
	return rf_view_u32(id.value, &n) && n == r->there;
}

static void tell(struct rf_roam_refer *r, unsigned code, bool over)
{
	uint8_t frag[RF_REFER_FRAG_MAX];
	struct rf_writer w, body;
	struct rf_cli *cli;

	if (rf_leg_begin(r->by, RF_SIP_NOTIFY, &w))
		return;
	rf_writer_init(&body, frag, sizeof frag);
	rf_refer_put_frag(&body, code);
	rf_core_put_contact(rf_leg_core(r->by), &r->by->flow, &w);
	rf_put_lit(&w, "Event: refer;id=");
	rf_put_u64(&w, r->here);
	rf_put(&w, over ? RF_V("\r\nSubscription-State: terminated;reason=noresource\r\n") :
			  RF_V("\r\nSubscription-State: active;expires=600\r\n"));
	rf_leg_send(r->by, &w, RF_V("message/sipfrag;version=2.0"), rf_view_of(frag, body.n), NULL, NULL, &cli);
}

void rf_roam_refer_told(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_roam_refer *r = leg->pair->call->refer;
	struct rf_view state = rf_sip_msg_value(in->msg, RF_SIP_H_SUBSCRIPTION_STATE);
	unsigned code = code_of(in->msg->body);

	if (!r || r->by == leg || !is_of(r, in->msg)) {
		rf_core_reply(core, in->srv, 481, RF_V(""));
		return;
	}
	if (!code || !rf_sip_msg_is_type(in->msg, RF_V("message/sipfrag"))) {
		rf_core_reply(core, in->srv, 400, RF_V(""));
		return;
	}
	bool over = code >= 200 || rf_view_eq_nocase(rf_view_trim(rf_view_sub(state, 0, rf_view_find(state, ';'))),
						     RF_V("terminated"));

	if (r->srv) /* quicker than the answer to the REFER, by another connection: that it was taken is said first */
		taken(r);
	rf_core_reply(core, in->srv, 200, RF_V(""));
	if (leg->pair->call->refer != r)
		return;
	tell(r, code, over);
	if (over)
		rf_roam_refer_free(leg->pair->call);
}

#include "call/anchor_int.h"

#include "base/secret.h"
#include "call/border.h"
#include "call/relays.h"

#include <stdlib.h>

static enum rf_towards side_of(const struct rf_held *h)
{
	if (h->kind == RF_HELD_INVITE)
		return h->trunk || h->phone ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
	return h->leg->party->host.n ? RF_TOWARDS_SITE : RF_TOWARDS_TRUNKS;
}

static enum rf_towards other_side(enum rf_towards s)
{
	return s == RF_TOWARDS_SITE ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
}

static enum rf_sdp_rule judge(struct rf_anchor *a, enum rf_towards s, bool offer, bool from_relay, struct rf_view sdp,
			      struct rf_view *ret_out)
{
	struct rf_side *side = &a->side[s];
	struct rf_call_core *core = a->core;
	struct rf_sdp_policy own = core->media_policy;
	bool from_secure = from_relay || side->secure, to_secure = !from_relay || side->secure;

	core->media_policy = side->policy;
	core->media_policy.crosses = from_relay ? NULL : rf_codec_crosses;
	enum rf_sdp_rule rule = offer ? rf_media_offer(core, &side->media, from_secure, to_secure, sdp, ret_out) :
					rf_media_answer(core, &side->media, from_secure, to_secure, sdp, ret_out);

	core->media_policy = own;
	if (rule == RF_SDP_RULE_OK && !from_relay)
		rf_way_learn(&side->way, offer ? side->media.offer : side->media.last);
	return rule;
}

/* The parties' names at the relay. The form of an offer that is for browsers has a branch, and so its
 * answer another name. */
struct rf_view rf_anchor_tag(const struct rf_anchor *a, enum rf_towards s)
{
	return s == RF_TOWARDS_TRUNKS ? RF_V("trunk") : a->web.chosen ? RF_V("web") : RF_V("site");
}

/* What the relay is to make of it for the other side. */
static void make_request(const struct rf_anchor *a, const struct rf_held *h, struct rf_view sdp,
			 struct rf_codec_words *words, struct rf_ng_request *req)
{
	enum rf_towards from = side_of(h), to = other_side(from);
	static const struct rf_view interfaces[RF_TOWARDS] = { { (const uint8_t *)"inside", 6 },
							       { (const uint8_t *)"outside", 7 } };
	enum rf_towards offerer = h->offer ? from : to;
	int dtmf = rf_anchor_dtmf(a);

	*req = (struct rf_ng_request){
		.command = h->offer ? RF_NG_OFFER : RF_NG_ANSWER, .call_id = rf_id_view(&a->id), .sdp = sdp,
		.from_tag = rf_anchor_tag(a, offerer), .to_tag = h->offer ? RF_V("") : rf_anchor_tag(a, from),
		.replace = RF_NG_REPLACE_ORIGIN | RF_NG_REPLACE_CONNECTION,
		.flags = 1u << RF_NG_TRUST_ADDRESS,
		.sdes = RF_NG_SDES_PAD, /* RFC 4568 6.1: keys end in "=" where base64 does, and phones count on it */
	};
	if (a->web.chosen)
		req->via_branch = RF_V("web");
	if (dtmf != RF_DTMF_AS_SAID) /* then the relay has a say in the media */
		req->flags |= UINT64_C(1) << RF_NG_INJECT_DTMF;
	if (dtmf == RF_DTMF_INFO && from == RF_TOWARDS_SITE)
		req->flags |= UINT64_C(1) << RF_NG_DETECT_DTMF;
	rf_way_put(&a->side[from], &a->side[to], req);
	if (a->side[from].roams)
		rf_way_put_source(&a->side[from], h->from.flow.kind ? &h->from.flow : &h->leg->flow, req);
	if (!h->offer)
		return;
	if (a->side[from].media.last)
		req->to_tag = rf_anchor_tag(a, to);
	rf_codec_put(a, from, words, req);
	req->direction[0] = interfaces[from];
	req->direction[1] = interfaces[to];
}

static int put_question(struct rf_anchor *a, const struct rf_held *h, struct rf_view sdp);

/* The description of the first that waits, once more, for browsers. False: it could not be asked for. */
static bool ask_web(struct rf_anchor *a, struct rf_held *h)
{
	struct rf_side *site = &a->side[RF_TOWARDS_SITE];
	struct rf_view sdp, out;

	if (rf_sdp_of(&h->msg, &sdp) || judge(a, RF_TOWARDS_TRUNKS, true, false, sdp, &out) != RF_SDP_RULE_OK)
		return false;
	rf_web_swap(a);
	site->way = (struct rf_way){ .dtls = true, .feedback = true };
	a->web.asking = put_question(a, h, out) == 0;
	site->way = (struct rf_way){ .dtls = false };
	if (!a->web.asking)
		rf_web_swap(a);
	return a->web.asking;
}

/* It goes on with what the relay made of it. */
static void go_on(struct rf_held *h, struct rf_view made)
{
	struct rf_view sdp = { NULL, 0 };
	size_t room = h->n + made.n + 64;
	uint8_t *buf = malloc(room);
	struct rf_writer w;

	rf_sdp_of(&h->msg, &sdp);
	rf_writer_init(&w, buf, buf ? room : 0);
	rf_anchor_put_message(&w, &h->msg, sdp, made);
	rf_held_go_on(h, &w);
	if (buf)
		rf_secret_wipe(buf, room);
	free(buf);
}

/* The form for browsers, or none: the call goes on in any case. */
static void web_answered(struct rf_anchor *a, struct rf_held *h, const struct rf_ng_reply *reply)
{
	struct rf_view out;

	if (h && reply && reply->result == RF_NG_OK && reply->sdp.n &&
	    judge(a, RF_TOWARDS_SITE, true, true, reply->sdp, &out) == RF_SDP_RULE_OK)
		rf_web_keep_offer(&a->web, out);
	a->web.asking = false;
	rf_web_swap(a);
	if (h)
		go_on(h, rf_view_of(a->web.first, a->web.first_n));
	rf_web_first_done(&a->web);
}

static void take_answer(struct rf_anchor *a, struct rf_held *h, int err, const struct rf_ng_reply *reply)
{
	struct rf_view out = { NULL, 0 };
	bool ok = !err && reply->result == RF_NG_OK;

	if (!ok || !reply->sdp.n) {
		bool bad = !err && reply->result == RF_NG_ERROR && reply->fault == RF_NG_FAULT_DESCRIPTION;

		rf_log(a->core->log, RF_LOG_WARN, "a media relay made nothing of %s of call %s: %.*s",
		       bad ? "the description, which is wrong," : "a description",
		       a->session.text[0] ? a->session.text : a->id.text,
		       RF_VFMT(reply ? reply->reason : rf_view_str(rf_err_text(err))));
		rf_held_failed(h, 503, bad ? RF_SDP_RULE_RELAY : ok ? RF_SDP_RULE_NO_MEDIA : RF_SDP_RULE_OK);
		return;
	}
	enum rf_towards to = other_side(side_of(h));
	enum rf_sdp_rule rule = judge(a, to, h->offer, true, reply->sdp, &out);

	if (!h->offer)
		rf_anchor_block_keys(a);
	if (rule == RF_SDP_RULE_MALFORMED && h->offer && rf_codec_emptied(a, to, reply->sdp))
		rf_held_failed(h, 488, RF_SDP_RULE_CODEC);
	else if (rule != RF_SDP_RULE_OK)
		rf_held_failed(h, 503, rule);
	else if (h->offer && !rf_codec_judge(a, to, reply->sdp))
		rf_held_failed(h, 488, RF_SDP_RULE_CODEC);
	else if (!rf_anchor_wants_web(a, h) || rf_web_keep_first(&a->web, out))
		go_on(h, out);
	else if (!ask_web(a, h)) {
		go_on(h, rf_view_of(a->web.first, a->web.first_n));
		rf_web_first_done(&a->web);
	}
}

static void answered(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct rf_anchor *a = arg;
	struct rf_held *h = a->abandoned ? NULL : TAILQ_FIRST(&a->held);

	a->asking = a->abandoned = false;
	if (!err && reply->result == RF_NG_OK)
		a->relay = relay;
	if (a->web.asking)
		web_answered(a, h, err ? NULL : reply);
	else if (h)
		take_answer(a, h, err, reply);
	rf_anchor_ask_on(a);
	rf_anchor_put(a);
}

static int put_question(struct rf_anchor *a, const struct rf_held *h, struct rf_view sdp)
{
	struct rf_codec_words words;
	struct rf_ng_request req;

	make_request(a, h, sdp, &words, &req);
	int rc = rf_ng_client_ask(rf_relays_client(a->core->relays), &req, a->relay, answered, a);

	if (rc)
		return rc;
	a->asking = true;
	a->refs++;
	return 0;
}

static void ask(struct rf_anchor *a, struct rf_held *h)
{
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_sdp_rule rule;

	if (rf_sdp_of(&h->msg, &sdp) || !sdp.n) {
		rf_held_failed(h, 400, RF_SDP_RULE_OK);
		return;
	}
	if (!h->offer && side_of(h) == RF_TOWARDS_SITE)
		rf_web_choose(a, sdp);
	rule = judge(a, side_of(h), h->offer, false, sdp, &out);
	if (rule != RF_SDP_RULE_OK)
		rf_held_failed(h, 488, rule);
	else if (put_question(a, h, out))
		rf_held_failed(h, 503, RF_SDP_RULE_OK);
}

void rf_anchor_ask_on(struct rf_anchor *a)
{
	a->refs++;
	while (!a->asking && !TAILQ_EMPTY(&a->held)) {
		struct rf_held *h = TAILQ_FIRST(&a->held);

		if (h->has_sdp)
			ask(a, h);
		else
			rf_held_go_on(h, NULL);
	}
	rf_anchor_put(a);
}

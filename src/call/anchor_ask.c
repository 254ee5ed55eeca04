#include "call/anchor_int.h"

#include "call/border.h"
#include "call/relays.h"

#include <stdlib.h>

static enum rf_towards side_of(const struct rf_held *h)
{
	if (h->kind == RF_HELD_INVITE)
		return h->trunk ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
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
	enum rf_sdp_rule rule = offer ? rf_media_offer(core, &side->media, from_secure, to_secure, sdp, ret_out) :
					rf_media_answer(core, &side->media, from_secure, to_secure, sdp, ret_out);

	core->media_policy = own;
	if (rule == RF_SDP_RULE_OK && !from_relay)
		rf_way_learn(&side->way, offer ? side->media.offer : side->media.last);
	return rule;
}

static struct rf_view tag_of(enum rf_towards s)
{
	return s == RF_TOWARDS_SITE ? RF_V("site") : RF_V("trunk");
}

/* What the relay is to make of it for the other side. */
static void make_request(const struct rf_anchor *a, const struct rf_held *h, struct rf_view sdp, struct rf_ng_request *req)
{
	enum rf_towards from = side_of(h), to = other_side(from);
	static const struct rf_view interfaces[RF_TOWARDS] = { { (const uint8_t *)"inside", 6 }, { (const uint8_t *)"outside", 7 } };
	enum rf_towards offerer = h->offer ? from : to;

	*req = (struct rf_ng_request){
		.command = h->offer ? RF_NG_OFFER : RF_NG_ANSWER, .call_id = rf_id_view(&a->id), .sdp = sdp,
		.from_tag = tag_of(offerer), .to_tag = h->offer ? RF_V("") : tag_of(from),
		.replace = RF_NG_REPLACE_ORIGIN | RF_NG_REPLACE_CONNECTION,
		.flags = 1u << RF_NG_TRUST_ADDRESS,
		.sdes = RF_NG_SDES_PAD, /* RFC 4568 6.1: keys end in "=" where base64 does, and phones count on it */
	};
	rf_way_put(&a->side[from], &a->side[to], req);
	if (!h->offer)
		return;
	if (a->side[from].media.last)
		req->to_tag = tag_of(to);
	req->direction[0] = interfaces[from];
	req->direction[1] = interfaces[to];
}

static void answered(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct rf_anchor *a = arg;
	struct rf_held *h = TAILQ_FIRST(&a->held);
	struct rf_call_core *core = a->core;
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_sdp_rule rule = RF_SDP_RULE_NO_MEDIA;

	a->asking = false;
	if (a->abandoned)
		h = NULL;
	a->abandoned = false;
	if (!err && reply->result == RF_NG_OK)
		a->relay = relay;
	if (!err && reply->result == RF_NG_OK && reply->sdp.n && h) {
		rule = judge(a, other_side(side_of(h)), h->offer, true, reply->sdp, &out);
	} else if (h) {
		rf_log(core->log, RF_LOG_WARN, "a media relay made nothing of a description: %.*s",
		       RF_VFMT(reply ? reply->reason : rf_view_str(rf_err_text(err))));
	}
	if (h && rule == RF_SDP_RULE_OK && rf_sdp_of(&h->msg, &sdp) == 0) {
		size_t room = h->n + out.n + 64;
		uint8_t *buf = malloc(room);
		struct rf_writer w;

		rf_writer_init(&w, buf, buf ? room : 0);
		rf_anchor_put_message(&w, &h->msg, sdp, out);
		rf_held_go_on(h, &w);
		free(buf);
	} else if (h) {
		rf_held_failed(h, 503, out.n || (!err && reply->result == RF_NG_OK) ? rule : RF_SDP_RULE_OK);
	}
	rf_anchor_ask_on(a);
	rf_anchor_put(a);
}

static void ask(struct rf_anchor *a, struct rf_held *h)
{
	struct rf_ng_request req;
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_sdp_rule rule;

	if (rf_sdp_of(&h->msg, &sdp) || !sdp.n) {
		rf_held_failed(h, 400, RF_SDP_RULE_OK);
		return;
	}
	rule = judge(a, side_of(h), h->offer, false, sdp, &out);
	if (rule != RF_SDP_RULE_OK) {
		rf_held_failed(h, 488, rule);
		return;
	}
	make_request(a, h, out, &req);
	if (rf_ng_client_ask(rf_relays_client(a->core->relays), &req, a->relay, answered, a)) {
		rf_held_failed(h, 503, RF_SDP_RULE_OK);
		return;
	}
	a->asking = true;
	a->refs++;
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

#include "call/anchor.h"

#include "base/secret.h"
#include "call/border.h"
#include "call/relays.h"

#include <stdlib.h>

enum kind { INVITE, REQUEST, ACK, RESPONSE };

/* A message that waits, with all that it came with. */
struct held {
	TAILQ_ENTRY(held) list;
	struct rf_anchor *anchor;
	enum kind kind;
	bool has_sdp, offer;
	struct rf_leg *leg;          /* NULL: INVITE */
	struct rf_srv *srv;          /* INVITE, REQUEST; NULL: its transaction is gone */
	rf_cli_fn *fn;               /* RESPONSE */
	void *arg;
	struct rf_cli *cli;
	struct rf_peer from;
	struct rf_pki_id id;
	bool trunk;                  /* INVITE: who sent it is a trunk, else a host */
	char name[RF_SITE_NAME_MAX + 1];
	const char *identity;
	bool unproven;
	struct rf_sip_msg msg;       /* of bytes */
	size_t n;
	uint8_t bytes[];
};
TAILQ_HEAD(held_list, held);

/* What one leg may say and hear. */
struct side {
	struct rf_media media;
	struct rf_sdp_policy policy;
	bool secure;                 /* over TLS: keys may be said */
};

struct rf_anchor {
	struct rf_call_core *core;
	uint32_t refs;
	struct rf_id id;             /* the call's name at the relay */
	struct rf_id session;        /* the call's own, for the record; empty: none was made of it */
	int relay;                   /* that has it; RF_NG_ANY: none yet */
	struct side side[RF_TOWARDS];
	enum rf_towards caller;      /* which of them called */
	struct held_list held;       /* the first one is with the relay, when asking */
	unsigned held_n;
	bool asking;                 /* the relay has a question of ours; the anchor stays until it has answered */
	bool abandoned;              /* and who it was for has gone */
	bool delivering;
};

static bool has_sdp(const struct rf_sip_msg *msg)
{
	struct rf_view sdp;

	return rf_sdp_of(msg, &sdp) == 0 && sdp.n > 0;
}

/* --- life */

static struct rf_anchor *anchor_new(struct rf_call_core *core, const struct rf_in *in, const struct rf_site_trunk *t)
{
	struct rf_anchor *a = calloc(1, sizeof *a);
	bool keys = !t || t->transport == RF_TRANSPORT_TLS;

	if (!a)
		return NULL;
	a->core = core;
	a->refs = 1;
	a->relay = RF_NG_ANY;
	a->caller = in->proof.trunk ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
	TAILQ_INIT(&a->held);
	rf_ua_make_id(core->ua, &a->id);
	a->side[RF_TOWARDS_SITE].media.emergency = a->side[RF_TOWARDS_TRUNKS].media.emergency = rf_border_is_emergency(core, in);
	a->side[RF_TOWARDS_SITE].policy = a->side[RF_TOWARDS_TRUNKS].policy = core->media_policy;
	a->side[RF_TOWARDS_SITE].secure = true;
	a->side[RF_TOWARDS_TRUNKS].secure = keys;
	if (!keys)
		a->side[RF_TOWARDS_TRUNKS].policy.encrypted_required = false;
	return a;
}

static void held_free(struct held *h)
{
	TAILQ_REMOVE(&h->anchor->held, h, list);
	h->anchor->held_n--;
	if (h->srv)
		rf_srv_watch(h->srv, NULL, NULL);
	rf_secret_wipe(h->bytes, h->n); /* keys */
	free(h);
}

static void tell_relay(struct rf_anchor *a)
{
	if (a->relay != RF_NG_ANY && a->core->relays)
		rf_anchor_farewell(a->core, &a->id, &a->session, a->relay);
}

/* References: the call's, the INVITE's that waits for its call, and one while the relay is asked. Not inlined: gcc takes one
 * reference for the last one where two are dropped in a row. */
static __attribute__((noinline)) void anchor_put(struct rf_anchor *a)
{
	if (--a->refs)
		return;
	tell_relay(a);
	rf_media_fini(&a->side[0].media);
	rf_media_fini(&a->side[1].media);
	free(a);
}

void rf_anchor_adopt(struct rf_call *call, struct rf_anchor *anchor)
{
	call->anchor = anchor;
	anchor->session = call->id;
	anchor->refs++;
}

/* --- the message with another description */

/* Everything but its length, and sdp (in its body) as `made`. */
static void put_message(struct rf_writer *w, const struct rf_sip_msg *msg, struct rf_view sdp, struct rf_view made)
{
	struct rf_view line = rf_view_sub(msg->bytes, 0, rf_view_find(msg->bytes, '\n') + 1);
	size_t before = (size_t)(sdp.p - msg->body.p);
	struct rf_view tail = rf_view_from(msg->body, before + sdp.n);

	rf_put(w, line);
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];

		if (h->id == RF_SIP_H_CONTENT_LENGTH)
			continue;
		rf_put(w, h->name);
		rf_put_lit(w, ": ");
		rf_put(w, h->value);
		rf_put_lit(w, "\r\n");
	}
	rf_sip_put_hdr_u64(w, RF_SIP_H_CONTENT_LENGTH, before + made.n + tail.n);
	rf_put_lit(w, "\r\n");
	rf_put(w, rf_view_sub(msg->body, 0, before));
	rf_put(w, made);
	rf_put(w, tail);
}

/* The description leaves the message where none can be had: its machines then say what is missing. */
static void put_without(struct rf_writer *w, const struct rf_sip_msg *msg)
{
	rf_put(w, rf_view_sub(msg->bytes, 0, rf_view_find(msg->bytes, '\n') + 1));
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];

		if (h->id == RF_SIP_H_CONTENT_LENGTH || h->id == RF_SIP_H_CONTENT_TYPE)
			continue;
		rf_put(w, h->name);
		rf_put_lit(w, ": ");
		rf_put(w, h->value);
		rf_put_lit(w, "\r\n");
	}
	rf_put_lit(w, "Content-Length: 0\r\n\r\n");
}

/* --- on */

static void refuse(struct held *h, unsigned code, enum rf_sdp_rule rule)
{
	struct rf_anchor *a = h->anchor;
	struct rf_call_core *core = a->core;
	struct rf_srv *srv = h->srv;
	bool invite = h->kind == INVITE;

	held_free(h);
	if (invite)
		anchor_put(a);
	if (srv && rule != RF_SDP_RULE_OK)
		rf_answer_media(core, srv, rule, RF_V(""));
	else if (srv)
		rf_core_reply_headers(core, srv, code, RF_V(""), RF_V("Retry-After: 5\r\n"));
}

static void deliver_invite(struct held *h, const struct rf_sip_msg *msg)
{
	struct rf_anchor *a = h->anchor;
	struct rf_call_core *core = a->core;
	struct rf_view name = rf_view_str(h->name);
	struct rf_in in = { .msg = msg, .srv = h->srv, .from = &h->from, .identity = h->identity, .unproven = h->unproven,
			    .anchor = a };

	rf_srv_watch(h->srv, NULL, NULL);
	h->srv = NULL;
	/* the site may be another by now */
	if (h->trunk)
		in.proof.trunk = rf_site_trunk(rf_core_site(core), name);
	else
		in.proof.host = rf_site_host(rf_core_site(core), name);
	if (!in.proof.trunk && !in.proof.host)
		rf_core_reply(core, in.srv, 403, RF_V(""));
	else
		rf_setup_invite(core, &in);
}

static void deliver(struct held *h, const struct rf_sip_msg *msg)
{
	struct rf_in in = { .msg = msg, .srv = h->srv, .from = &h->from };
	struct rf_cli_event e = { .kind = RF_CLI_RESPONSE, .msg = msg, .from = &h->from };
	struct rf_call *call = h->leg ? h->leg->pair->call : NULL;

	switch (h->kind) {
	case INVITE:
		deliver_invite(h, msg);
		break;
	case REQUEST:
		rf_srv_watch(h->srv, NULL, NULL);
		h->srv = NULL;
		rf_core_in_dialog(h->leg, &in);
		break;
	case ACK:
		rf_mid_ack(h->leg, msg);
		rf_call_settle(call);
		break;
	case RESPONSE:
		h->fn(h->arg, h->cli, &e);
		break;
	}
}

/* It goes on with these bytes; NULL: as it came. Out of the list first, so that nobody frees it meanwhile; its call may be gone
 * behind it, the anchor is not. */
static void go_on(struct held *h, const struct rf_writer *w)
{
	struct rf_anchor *a = h->anchor;
	struct rf_sip_msg *again = w ? malloc(sizeof *again) : NULL;
	uint8_t *bytes = w && !w->err ? malloc(w->n) : NULL;
	bool ok = !w;

	if (bytes && again) {
		memcpy(bytes, w->buf, w->n);
		ok = rf_sip_msg_parse(again, rf_view_of(bytes, w->n), RF_SIP_DATAGRAM, &rf_sip_limits_default) == 0;
	}
	if (!ok && h->kind != RESPONSE && h->kind != ACK) {
		refuse(h, 500, RF_SDP_RULE_OK);
	} else {
		TAILQ_REMOVE(&a->held, h, list);
		a->held_n--;
		a->delivering = true;
		if (ok)
			deliver(h, w ? again : &h->msg);
		a->delivering = false;
		if (h->srv)
			rf_srv_watch(h->srv, NULL, NULL);
		if (h->kind == INVITE)
			anchor_put(a);
		rf_secret_wipe(h->bytes, h->n);
		free(h);
	}
	if (bytes)
		rf_secret_wipe(bytes, w->n);
	free(bytes);
	free(again);
}

static void without(struct held *h)
{
	struct rf_call_core *core = h->anchor->core;
	uint8_t *buf = rf_arena_alloc(&core->scratch, h->n + 64);
	struct rf_writer w;

	rf_writer_init(&w, buf, buf ? h->n + 64 : 0);
	put_without(&w, &h->msg);
	go_on(h, &w);
	rf_arena_reset(&core->scratch);
}

/* The relay has nothing for it. */
static void failed(struct held *h, unsigned code, enum rf_sdp_rule rule)
{
	if (h->kind == INVITE || h->kind == REQUEST)
		refuse(h, code, rule);
	else
		without(h);
}

/* --- asking */

static enum rf_towards side_of(const struct held *h)
{
	if (h->kind == INVITE)
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
	struct side *side = &a->side[s];
	struct rf_call_core *core = a->core;
	struct rf_sdp_policy own = core->media_policy;
	bool from_secure = from_relay || side->secure, to_secure = !from_relay || side->secure;

	core->media_policy = side->policy;
	enum rf_sdp_rule rule = offer ? rf_media_offer(core, &side->media, from_secure, to_secure, sdp, ret_out) :
					rf_media_answer(core, &side->media, from_secure, to_secure, sdp, ret_out);

	core->media_policy = own;
	return rule;
}

static struct rf_view tag_of(enum rf_towards s)
{
	return s == RF_TOWARDS_SITE ? RF_V("site") : RF_V("trunk");
}

/* What the relay is to make of it for the other side. */
static void make_request(const struct rf_anchor *a, const struct held *h, struct rf_view sdp, struct rf_ng_request *req)
{
	enum rf_towards from = side_of(h), to = other_side(from);
	static const struct rf_view interfaces[RF_TOWARDS] = { { (const uint8_t *)"inside", 6 }, { (const uint8_t *)"outside", 7 } };
	enum rf_towards offerer = h->offer ? from : to;

	*req = (struct rf_ng_request){
		.command = h->offer ? RF_NG_OFFER : RF_NG_ANSWER, .call_id = rf_id_view(&a->id), .sdp = sdp,
		.from_tag = tag_of(offerer), .to_tag = h->offer ? RF_V("") : tag_of(from),
		.replace = RF_NG_REPLACE_ORIGIN | RF_NG_REPLACE_CONNECTION, .ice = RF_NG_ICE_REMOVE, .dtls = RF_NG_DTLS_OFF,
		.flags = 1u << RF_NG_TRUST_ADDRESS,
		.sdes = RF_NG_SDES_PAD, /* RFC 4568 6.1: keys end in "=" where base64 does, and phones count on it */
	};
	if (!h->offer)
		return;
	if (a->side[from].media.last)
		req->to_tag = tag_of(to);
	req->direction[0] = interfaces[from];
	req->direction[1] = interfaces[to];
	if (!a->side[to].secure)
		req->protocol = RF_NG_RTP_AVP;
	else if (a->side[to].policy.encrypted_required || !a->side[from].secure)
		req->protocol = RF_NG_RTP_SAVP;
}

static void run(struct rf_anchor *a);

static void answered(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct rf_anchor *a = arg;
	struct held *h = TAILQ_FIRST(&a->held);
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
		put_message(&w, &h->msg, sdp, out);
		go_on(h, &w);
		free(buf);
	} else if (h) {
		failed(h, 503, out.n || (!err && reply->result == RF_NG_OK) ? rule : RF_SDP_RULE_OK);
	}
	run(a);
	anchor_put(a);
}

static void ask(struct rf_anchor *a, struct held *h)
{
	struct rf_ng_request req;
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_sdp_rule rule;

	if (rf_sdp_of(&h->msg, &sdp) || !sdp.n) {
		failed(h, 400, RF_SDP_RULE_OK);
		return;
	}
	rule = judge(a, side_of(h), h->offer, false, sdp, &out);
	if (rule != RF_SDP_RULE_OK) {
		failed(h, 488, rule);
		return;
	}
	make_request(a, h, out, &req);
	if (rf_ng_client_ask(rf_relays_client(a->core->relays), &req, a->relay, answered, a)) {
		failed(h, 503, RF_SDP_RULE_OK);
		return;
	}
	a->asking = true;
	a->refs++;
}

/* The next of those that wait. */
static void run(struct rf_anchor *a)
{
	a->refs++;
	while (!a->asking && !TAILQ_EMPTY(&a->held)) {
		struct held *h = TAILQ_FIRST(&a->held);

		if (h->has_sdp)
			ask(a, h);
		else
			go_on(h, NULL);
	}
	anchor_put(a);
}

/* --- holding */

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct held *h = arg;
	struct rf_anchor *a = h->anchor;

	if (event != RF_SRV_CANCELLED && event != RF_SRV_GONE && event != RF_SRV_FAILED)
		return;
	h->srv = NULL;
	rf_srv_watch(srv, NULL, NULL);
	if (event == RF_SRV_CANCELLED)
		rf_core_reply(a->core, srv, 487, RF_V(""));
	bool first = TAILQ_FIRST(&a->held) == h, invite = h->kind == INVITE;

	held_free(h);
	a->abandoned = a->abandoned || (first && a->asking);
	if (invite)
		anchor_put(a); /* nobody else has it */
	else
		run(a);
}

static struct held *hold(struct rf_anchor *a, enum kind kind, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct held *h = a->held_n < RF_ANCHOR_HELD_MAX ? malloc(sizeof *h + msg->bytes.n) : NULL;

	if (!h)
		return NULL;
	memset(h, 0, sizeof *h);
	h->anchor = a;
	h->kind = kind;
	if (from) {
		h->from = *from;
		h->from.label = (struct rf_view){ NULL, 0 };
		if (from->id) {
			h->id = *from->id;
			h->from.id = &h->id;
		}
	}
	h->n = msg->bytes.n;
	memcpy(h->bytes, msg->bytes.p, h->n);
	if (rf_sip_msg_parse(&h->msg, rf_view_of(h->bytes, h->n), RF_SIP_DATAGRAM, &rf_sip_limits_default)) {
		free(h);
		return NULL;
	}
	h->has_sdp = has_sdp(msg);
	TAILQ_INSERT_TAIL(&a->held, h, list);
	a->held_n++;
	return h;
}

void rf_anchor_invite(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_site_trunk *t = in->proof.trunk ? in->proof.trunk : rf_border_trunk_of(core, in->msg);
	struct rf_anchor *a = rf_relays_well(core->relays) ? anchor_new(core, in, t) : NULL;
	struct held *h;

	if (!a) {
		core->counters.calls_refused++;
		rf_record_call_refused(core, in, 503, "no media relay", "relay");
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		return;
	}
	if (!has_sdp(in->msg)) {
		in->anchor = a;
		rf_setup_invite(core, in);
		anchor_put(a);
		return;
	}
	h = hold(a, INVITE, in->msg, in->from);
	if (!h) {
		anchor_put(a);
		rf_core_reply(core, in->srv, 503, RF_V(""));
		return;
	}
	h->offer = true;
	h->srv = in->srv;
	h->trunk = in->proof.trunk != NULL;
	rf_view_cstr(h->trunk ? in->proof.trunk->name : in->proof.host->name, h->name, sizeof h->name);
	h->identity = in->identity;
	h->unproven = in->unproven;
	rf_srv_watch(h->srv, on_srv, h);
	run(a);
}

/* Must it wait: for what it brings, or behind others? */
static bool waits(const struct rf_anchor *a, const struct rf_sip_msg *msg)
{
	return a && !a->delivering && (has_sdp(msg) || !TAILQ_EMPTY(&a->held));
}

bool rf_anchor_holds_request(struct rf_leg *leg, const struct rf_in *in)
{
	struct rf_anchor *a = leg->pair->call->anchor;

	/* who hangs up waits for nothing */
	if (in->msg->method == RF_SIP_BYE || !waits(a, in->msg))
		return false;
	struct held *h = hold(a, REQUEST, in->msg, in->from);

	if (!h) {
		rf_core_reply_headers(rf_leg_core(leg), in->srv, 500, RF_V(""), RF_V("Retry-After: 1\r\n"));
		return true;
	}
	h->leg = leg;
	h->srv = in->srv;
	h->offer = !(in->msg->method == RF_SIP_PRACK && leg->pair->prack_owed);
	rf_srv_watch(h->srv, on_srv, h);
	run(a);
	return true;
}

bool rf_anchor_holds_ack(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_anchor *a = leg->pair->call->anchor;
	struct held *h = waits(a, msg) ? hold(a, ACK, msg, NULL) : NULL;

	/* with a description, and no place to wait in: as if it were lost, and our 2xx goes out again */
	if (!h)
		return waits(a, msg) && has_sdp(msg);
	h->leg = leg;
	run(a);
	return true;
}

/* An answer with no place to wait in goes on at once, without its description. */
static void go_bare(struct rf_anchor *a, rf_cli_fn *fn, void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	size_t room = e->msg->bytes.n + 64;
	struct rf_sip_msg *again = malloc(sizeof *again);
	uint8_t *bytes = malloc(room);
	struct rf_cli_event bare = *e;
	struct rf_writer w;

	rf_writer_init(&w, bytes, bytes ? room : 0);
	put_without(&w, e->msg);
	if (again && !w.err &&
	    rf_sip_msg_parse(again, rf_view_of(bytes, w.n), RF_SIP_DATAGRAM, &rf_sip_limits_default) == 0) {
		bare.msg = again;
		a->refs++;
		a->delivering = true;
		fn(arg, cli, &bare);
		a->delivering = false;
		anchor_put(a);
	}
	free(bytes);
	free(again);
}

bool rf_anchor_holds_response(struct rf_leg *leg, bool offered, rf_cli_fn *fn, void *arg, struct rf_cli *cli,
			      const struct rf_cli_event *e)
{
	struct rf_anchor *a = leg->pair->call->anchor;

	if (e->msg->status <= 100 || !waits(a, e->msg))
		return false;
	struct held *h = hold(a, RESPONSE, e->msg, e->from);

	if (!h) {
		go_bare(a, fn, arg, cli, e);
		return true;
	}
	/* a refusal has no description that anybody would take */
	h->has_sdp = h->has_sdp && e->msg->status < 300;
	h->leg = leg;
	h->offer = !offered;
	h->fn = fn;
	h->arg = arg;
	h->cli = cli;
	run(a);
	return true;
}

static void drop(struct rf_anchor *a, struct held *h)
{
	bool first = TAILQ_FIRST(&a->held) == h;
	struct rf_srv *srv = h->srv;

	held_free(h);
	if (srv)
		rf_core_reply(a->core, srv, 481, RF_V(""));
	a->abandoned = a->abandoned || (first && a->asking);
}

static void drop_all(struct rf_anchor *a, const struct rf_leg *leg, const void *arg)
{
	for (struct held *h = TAILQ_FIRST(&a->held), *next; h; h = next) {
		next = TAILQ_NEXT(h, list);
		if ((!leg && !arg) || (leg && h->leg == leg) || (arg && h->kind == RESPONSE && h->arg == arg))
			drop(a, h);
	}
}

void rf_anchor_forget(struct rf_call *call, const void *arg)
{
	if (call->anchor)
		drop_all(call->anchor, NULL, arg);
}

void rf_anchor_forget_leg(struct rf_leg *leg)
{
	struct rf_anchor *a = leg->pair->call->anchor;

	if (a)
		drop_all(a, leg, NULL);
}

void rf_anchor_end(struct rf_call *call)
{
	struct rf_anchor *a = call->anchor;

	if (!a)
		return;
	drop_all(a, NULL, NULL);
	call->anchor = NULL;
	anchor_put(a);
}

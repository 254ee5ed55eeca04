#include "call/anchor_int.h"

#include "base/secret.h"
#include "call/border.h"
#include "call/relays.h"
#include "call/roam.h"

#include <stdlib.h>

/* --- life */

/* The outer side is a phone: never in the clear, and by what it registered with. */
static void put_roaming(struct rf_call_core *core, const struct rf_in *in, struct rf_anchor *a, struct rf_side *side)
{
	const struct rf_dir_phone *called = in->msg ? rf_roam_called(core, in) : NULL;
	struct rf_flow flow;

	if (!called && !in->proof.phone)
		return;
	rf_view_cstr(called ? called->name : in->proof.phone->name, a->phone, sizeof a->phone);
	side->roams = true;
	side->nat = rf_core_site(core)->roaming.nat;
	side->policy.encrypted_required = true;
	if (called && rf_roam_flow(core, called, &flow) && rf_flow_is_ws(flow.kind))
		side->way = (struct rf_way){ .dtls = true, .feedback = true };
}

static struct rf_anchor *anchor_new(struct rf_call_core *core, const struct rf_in *in, const struct rf_site_trunk *t)
{
	struct rf_anchor *a = calloc(1, sizeof *a);
	struct rf_side *out;

	if (!a)
		return NULL;
	a->core = core;
	a->refs = 1;
	a->relay = RF_NG_ANY;
	a->caller = in->proof.trunk || in->proof.phone ? RF_TOWARDS_TRUNKS : RF_TOWARDS_SITE;
	TAILQ_INIT(&a->held);
	if (t)
		rf_view_cstr(t->name, a->trunk, sizeof a->trunk);
	rf_ua_make_id(core->ua, &a->id);
	a->side[RF_TOWARDS_SITE].media.emergency = a->side[RF_TOWARDS_TRUNKS].media.emergency =
		rf_border_is_emergency(core, in);
	a->side[RF_TOWARDS_SITE].policy = a->side[RF_TOWARDS_TRUNKS].policy = core->media_policy;
	a->web.media.emergency = a->side[RF_TOWARDS_SITE].media.emergency;
	a->side[RF_TOWARDS_SITE].secure = true;
	out = &a->side[RF_TOWARDS_TRUNKS];
	out->secure = !t || t->encryption != RF_TRUNK_MEDIA_PLAIN;
	out->policy.addresses = a->side[RF_TOWARDS_SITE].policy.addresses = true;
	out->policy.encrypted_required = !t || t->encryption == RF_TRUNK_MEDIA_ENCRYPTED;
	put_roaming(core, in, a, out);
	return a;
}

static void tell_relay(struct rf_anchor *a)
{
	if (a->relay != RF_NG_ANY && a->core->relays)
		rf_anchor_farewell(a->core, &a->id, &a->session, a->relay);
}

void rf_anchor_put(struct rf_anchor *a)
{
	if (--a->refs)
		return;
	tell_relay(a);
	rf_media_fini(&a->side[0].media);
	rf_media_fini(&a->side[1].media);
	rf_web_fini(&a->web);
	free(a);
}

void rf_anchor_adopt(struct rf_call *call, struct rf_anchor *anchor)
{
	struct rf_call_core *core = call->core;

	call->anchor = anchor;
	anchor->session = call->id;
	anchor->refs++;
	/* who is not found there hears no keys by INFO; there are no more of them than calls */
	if (rf_table_add(&core->anchors, &anchor->by_id, rf_hash(&core->hash_key, rf_id_view(&anchor->id))) == 0)
		anchor->call = call;
}

/* --- holding */

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_held *h = arg;
	struct rf_anchor *a = h->anchor;

	if (event != RF_SRV_CANCELLED && event != RF_SRV_GONE && event != RF_SRV_FAILED)
		return;
	h->srv = NULL;
	rf_srv_watch(srv, NULL, NULL);
	if (event == RF_SRV_CANCELLED)
		rf_core_reply(a->core, srv, 487, RF_V(""));
	bool first = TAILQ_FIRST(&a->held) == h, invite = h->kind == RF_HELD_INVITE;

	rf_held_free(h);
	a->abandoned = a->abandoned || (first && a->asking);
	if (invite)
		rf_anchor_put(a); /* nobody else has it */
	else
		rf_anchor_ask_on(a);
}

void rf_anchor_invite(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_site_trunk *t = in->proof.trunk ? in->proof.trunk : rf_border_trunk_of(core, in->msg);
	struct rf_anchor *a = rf_relays_well(core->relays) ? anchor_new(core, in, t) : NULL;
	struct rf_held *h;

	if (!a) {
		core->counters.calls_refused++;
		rf_record_call_refused(core, in, 503, "no media relay", "relay");
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		return;
	}
	if (!rf_anchor_has_sdp(in->msg)) {
		/* who offers later has not said how it is keyed; protocol() asks the site's policy besides */
		a->side[RF_TOWARDS_SITE].way.plain = in->proof.host && rf_border_wants_plain(in->msg);
		in->anchor = a;
		rf_setup_invite(core, in);
		rf_anchor_put(a);
		return;
	}
	h = rf_anchor_hold(a, RF_HELD_INVITE, in->msg, in->from);
	if (!h) {
		rf_anchor_put(a);
		rf_core_reply(core, in->srv, 503, RF_V(""));
		return;
	}
	h->offer = true;
	h->srv = in->srv;
	h->trunk = in->proof.trunk != NULL;
	h->phone = in->proof.phone != NULL;
	rf_view_cstr(h->trunk ? in->proof.trunk->name :
		     h->phone ? in->proof.phone->name :
				in->proof.host->name,
		     h->name, sizeof h->name);
	h->identity = in->identity;
	h->unproven = in->unproven;
	rf_srv_watch(h->srv, on_srv, h);
	rf_anchor_ask_on(a);
}

/* Must it wait: for what it brings, or behind others? */
static bool waits(const struct rf_anchor *a, const struct rf_sip_msg *msg)
{
	return a && !a->delivering && (rf_anchor_has_sdp(msg) || !TAILQ_EMPTY(&a->held));
}

bool rf_anchor_holds_request(struct rf_leg *leg, const struct rf_in *in)
{
	struct rf_anchor *a = leg->pair->call->anchor;

	/* who hangs up waits for nothing */
	if (in->msg->method == RF_SIP_BYE || !waits(a, in->msg))
		return false;
	struct rf_held *h = rf_anchor_hold(a, RF_HELD_REQUEST, in->msg, in->from);

	if (!h) {
		rf_core_reply_headers(rf_leg_core(leg), in->srv, 500, RF_V(""), RF_V("Retry-After: 1\r\n"));
		return true;
	}
	h->leg = leg;
	h->srv = in->srv;
	h->offer = !(in->msg->method == RF_SIP_PRACK && leg->pair->prack_owed);
	rf_srv_watch(h->srv, on_srv, h);
	rf_anchor_ask_on(a);
	return true;
}

bool rf_anchor_holds_ack(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_anchor *a = leg->pair->call->anchor;
	struct rf_held *h = waits(a, msg) ? rf_anchor_hold(a, RF_HELD_ACK, msg, NULL) : NULL;

	/* with a description, and no place to wait in: as if it were lost, and our 2xx goes out again */
	if (!h)
		return waits(a, msg) && rf_anchor_has_sdp(msg);
	h->leg = leg;
	rf_anchor_ask_on(a);
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
	rf_anchor_put_without(&w, e->msg);
	if (again && !w.err &&
	    rf_sip_msg_parse(again, rf_view_of(bytes, w.n), RF_SIP_DATAGRAM, &rf_sip_limits_default) == 0) {
		bare.msg = again;
		a->refs++;
		a->delivering = true;
		fn(arg, cli, &bare);
		a->delivering = false;
		rf_anchor_put(a);
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
	struct rf_held *h = rf_anchor_hold(a, RF_HELD_RESPONSE, e->msg, e->from);

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
	rf_anchor_ask_on(a);
	return true;
}

static void drop(struct rf_anchor *a, struct rf_held *h)
{
	bool first = TAILQ_FIRST(&a->held) == h;
	struct rf_srv *srv = h->srv;

	rf_held_free(h);
	if (srv)
		rf_core_reply(a->core, srv, 481, RF_V(""));
	a->abandoned = a->abandoned || (first && a->asking);
}

static void drop_all(struct rf_anchor *a, const struct rf_leg *leg, const void *arg)
{
	for (struct rf_held *h = TAILQ_FIRST(&a->held), *next; h; h = next) {
		next = TAILQ_NEXT(h, list);
		if ((!leg && !arg) || (leg && h->leg == leg) || (arg && h->kind == RF_HELD_RESPONSE && h->arg == arg))
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
	if (a->call)
		rf_table_del(&call->core->anchors, &a->by_id);
	a->call = NULL;
	call->anchor = NULL;
	rf_anchor_put(a);
}

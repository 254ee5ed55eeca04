/* Caller identity at trunks: calls from one that has `stir: verify` or `require` are proven before they go on; calls to
 * one that has `stir: sign` are signed (call/stir.h). */
#include "call/trunk.h"
#include "base/secret.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/stir_int.h"
#include "call/trunk_number.h"

#include <stdlib.h>

/* An INVITE whose certificate is on its way. */
struct rf_trunk_wait {
	TAILQ_ENTRY(rf_trunk_wait) list;
	struct rf_call_core *core;
	struct rf_stir_check *check; /* NULL: the verdict is there */
	struct rf_stir_verdict verdict;
	struct rf_srv *srv;        /* NULL: its transaction is gone */
	struct rf_view trunk;      /* its name, behind bytes */
	struct rf_peer from;       /* points to id */
	struct rf_pki_id id;
	struct rf_sip_msg msg;     /* of bytes, read once more */
	size_t n;
	uint8_t bytes[];
};

/* --- calls that come */

/* The bytes behind a claim. */
struct claimed {
	uint8_t raw[2][256], world[2][RF_TRUNK_NUMBER_MAX];
	struct rf_trunk_forms forms;
};

/* In E.164 form where it says that it is one, else as it was written. */
static struct rf_view number_in(const struct rf_call_core *core, const struct rf_sip_uri *uri, uint8_t raw[static 256],
				uint8_t world[static RF_TRUNK_NUMBER_MAX])
{
	struct rf_view user = { NULL, 0 }, number;
	int rc = uri->scheme == RF_SIP_SCHEME_TEL ? rf_sip_uri_aor(uri, raw, 256, &user) :
						    rf_sip_uri_unescape(uri->user, raw, 256, &user);

	if (rc)
		return rf_view_of(raw, 0);
	user = rf_view_sub(user, 0, rf_view_find(user, ';'));
	return rf_trunk_number_world(rf_core_site(core)->tel.plan, user, world, RF_TRUNK_NUMBER_MAX, &number) ?
	       user : number;
}

/* The verdict goes with the request; what the trunk asks for is done. True: refused here. */
static bool refused(struct rf_call_core *core, struct rf_in *in, const struct rf_stir_verdict *v)
{
	struct rf_view phrase;
	unsigned code = rf_stir_why_code(v->why, &phrase);

	in->identity = rf_stir_verdict_word(v);
	in->unproven = code != 0;
	if (!code || !(in->proof.trunk->stir & RF_STIR_REQUIRE))
		return false;
	core->counters.calls_refused++;
	rf_record_call_refused(core, in, code, "the caller is not proven", in->identity);
	rf_core_reply(core, in->srv, code, phrase);
	return true;
}

static void free_wait(struct rf_trunk_wait *w)
{
	TAILQ_REMOVE(&w->core->stir->invites, w, list);
	if (w->srv)
		rf_srv_watch(w->srv, NULL, NULL);
	rf_stir_drop(w->check);
	rf_secret_free(w, sizeof *w + w->n);
}

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_trunk_wait *w = arg;

	if (event == RF_SRV_CANCELLED)
		rf_core_reply(w->core, srv, 487, RF_V(""));
	if (event == RF_SRV_GONE)
		w->srv = NULL;
	if (event == RF_SRV_CANCELLED || event == RF_SRV_GONE || event == RF_SRV_FAILED)
		free_wait(w);
}

/* The certificate came, or did not. The site may be another by now, and the trunk gone. */
static void go_on(void *arg, const struct rf_stir_verdict *v)
{
	struct rf_trunk_wait *w = arg;
	struct rf_call_core *core = w->core;
	struct rf_in in = { .msg = &w->msg, .srv = w->srv, .from = &w->from };

	w->check = NULL;
	rf_srv_watch(w->srv, NULL, NULL);
	w->srv = NULL;
	in.proof.trunk = rf_site_trunk(rf_core_site(core), w->trunk);
	if (!in.proof.trunk)
		rf_core_reply(core, in.srv, 403, RF_V(""));
	else if (!refused(core, &in, v))
		rf_core_invite(core, &in);
	free_wait(w);
}

static struct rf_trunk_wait *keep(struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_view bytes = in->msg->bytes, name = in->proof.trunk->name;
	struct rf_trunk_wait *w = malloc(sizeof *w + bytes.n + name.n);

	if (!w)
		return NULL;
	w->core = core;
	w->check = NULL;
	w->srv = in->srv;
	w->from = *in->from;
	w->from.label = (struct rf_view){ NULL, 0 };
	if (in->from->id) {
		w->id = *in->from->id;
		w->from.id = &w->id;
	}
	w->n = bytes.n;
	memcpy(w->bytes, bytes.p, bytes.n);
	memcpy(w->bytes + bytes.n, name.p, name.n);
	w->trunk = rf_view_of(w->bytes + bytes.n, name.n);
	if (rf_sip_msg_parse(&w->msg, rf_view_of(w->bytes, w->n), RF_SIP_DATAGRAM, &rf_sip_limits_default)) {
		free(w);
		return NULL;
	}
	return w;
}

static void done(void *arg, const struct rf_stir_verdict *v)
{
	struct rf_trunk_wait *w = arg;

	if (w->check)
		go_on(w, v);
	else
		w->verdict = *v; /* at once: rf_trunk_proves() goes on itself */
}

static struct rf_stir_claim claim_of(struct rf_call_core *core, const struct rf_in *in, struct claimed *c)
{
	const struct rf_site_trunk *t = in->proof.trunk;
	struct rf_stir_claim claim;
	struct rf_sip_addr caller;
	struct rf_view form;

	rf_trunk_asserted(in, &caller);
	claim.orig = number_in(core, &caller.uri, c->raw[0], c->world[0]);
	claim.dest = number_in(core, &in->msg->to.uri, c->raw[1], c->world[1]);
	/* A number of the trunk may be written in a form of its network. */
	if (rf_trunk_number_match(t, rf_core_site(core)->tel.plan, claim.dest, &c->forms, &form) == 0)
		claim.dest = form;
	return claim;
}

bool rf_trunk_proves(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_site_trunk *t = in->proof.trunk;
	struct claimed c;

	if (t && in->proof.host) {
		rf_border_believe(in);
		return false;
	}
	if (!t || !(t->stir & (RF_STIR_VERIFY | RF_STIR_REQUIRE)))
		return false;
	struct rf_stir_claim claim = claim_of(core, in, &c);
	struct rf_trunk_wait *w = keep(core, in);
	struct rf_stir_check *check = NULL;

	if (!w) {
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
		return true;
	}
	rf_stir_verify(core, in->msg, &claim, done, w, &check);
	if (check) {
		w->check = check;
		TAILQ_INSERT_TAIL(&core->stir->invites, w, list);
		rf_srv_watch(in->srv, on_srv, w);
		return true;
	}
	bool over = refused(core, in, &w->verdict);

	free(w);
	return over;
}

void rf_trunk_stir_stop(struct rf_call_core *core)
{
	while (core->stir && !TAILQ_EMPTY(&core->stir->invites))
		free_wait(TAILQ_FIRST(&core->stir->invites));
}

/* --- calls that go */

static void record(struct rf_leg *leg, const struct rf_stir_claim *claim, char attest, const char *origid)
{
	struct rf_call *call = leg->pair->call;
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_IDENTITY_SIGNED, rf_core_wall(call->core));
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "from", claim->orig);
	rf_event_str(&e, "to", claim->dest);
	rf_event_str(&e, "attest", rf_view_of(&attest, 1));
	rf_event_cstr(&e, "origid", origid);
	rf_event_str(&e, "trunk", leg->party->trunk);
	rf_record_post(call->core, &e);
}

void rf_trunk_put_identity(struct rf_leg *leg, const struct rf_site_trunk *t, struct rf_view number,
			   struct rf_writer *w)
{
	struct rf_call *call = leg->pair->call;
	const struct rf_stir_claim claim = { .orig = number, .dest = leg->party->number };
	/* Who came by a trunk is somebody else's customer: we only say that the call passed here. */
	char attest = (char)(call->caller->trunk.n ? 'C' : 'A' + rf_core_site(call->core)->tel.stir.attest);
	char origid[RF_STIR_ORIGID];

	if (call->plan && call->plan->carried && call->plan->carried->attest)
		attest = call->plan->carried->attest;
	if (t->stir & RF_STIR_SIGN && leg->party->host.n) /* the border signs */
		rf_border_put_attest(w, attest);
	else if (t->stir & RF_STIR_SIGN && rf_stir_sign(call->core, &claim, attest, w, origid) == 0)
		record(leg, &claim, attest, origid);
}

#include "call/route.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/emergency.h"
#include "call/plan_dial.h"
#include "call/trunk.h"

static void refuse(struct rf_routed *r, unsigned code, const char *why)
{
	r->code = code;
	r->why = why;
}

/* How many calls this number has made that still are. */
static size_t calls_of(struct rf_call_core *core, struct rf_view number)
{
	size_t count = 0;

	for (struct rf_node *n = rf_table_first(&core->by_number, rf_hash(&core->hash_key, number)); n;
	     n = rf_table_next(n))
		count++;
	return count;
}

static void dialled(struct rf_routed *r, struct rf_view text)
{
	r->dialled_n = text.n < sizeof r->dialled ? text.n : sizeof r->dialled;
	memmove(r->dialled, text.p, r->dialled_n);
}

/* How many emergency calls this phone is in, or this user without one. */
static size_t emergencies_of(struct rf_call_core *core, const struct rf_party *caller)
{
	struct rf_node *n = rf_table_first(&core->by_number, rf_hash(&core->hash_key, caller->number));
	size_t count = 0;

	for (; n; n = rf_table_next(n)) {
		const struct rf_call *call = rf_container(n, struct rf_call, by_number);

		count += call->emergency && rf_view_eq(call->caller->number, caller->number) &&
			 rf_view_eq(call->caller->phone, caller->phone);
	}
	return count;
}

/* What holds beside the decision: for calls that somebody may be refused. One phone must not take the places that are
 * kept for all who call for help. */
static bool within_bounds(struct rf_call_core *core, const struct rf_party *caller, struct rf_routed *r)
{
	const struct rf_dial *d = &core->dial;

	if (d->kind == RF_DIAL_EMERGENCY && emergencies_of(core, caller) >= RF_EMERGENCY_PER_PHONE) {
		refuse(r, 503, "too many emergency calls of this phone at once");
		r->rule = "emergency-calls-of-phone";
	} else if (d->kind == RF_DIAL_EMERGENCY)
		return true;
	else if (d->kind == RF_DIAL_NUMBER && rf_view_eq(d->number, caller->number))
		refuse(r, 486, "called itself");
	else if (calls_of(core, caller->number) >= rf_core_site(core)->limits.calls_per_number)
		refuse(r, 503, "too many calls of this number");
	return !r->code;
}

/* *67 and *82 with a number behind them say how this one call is to be shown. */
static bool says_how(struct rf_call_core *core, struct rf_routed *r)
{
	const struct rf_dial *d = &core->dial;

	if (d->kind != RF_DIAL_FEATURE || r->hide || d->number.n == 0 ||
	    (d->feature != RF_FEATURE_HIDE_NUMBER && d->feature != RF_FEATURE_SHOW_NUMBER))
		return false;
	r->hide = d->feature == RF_FEATURE_HIDE_NUMBER ? 1 : -1;
	return true;
}

static int dial(struct rf_call_core *core, struct rf_plan *plan, const struct rf_dial_who *who, struct rf_view text,
		struct rf_routed *r)
{
	int rc = rf_plan_dial(plan, who, text, 0);

	if (!says_how(core, r))
		return rc;
	uint8_t rest[RF_DIAL_NUMBER_MAX];
	size_t n = core->dial.number.n;

	memcpy(rest, core->dial.number.p, n);
	plan->code = plan->rank = 0;
	return rf_plan_dial(plan, who, rf_view_of(rest, n), 0);
}

static void decide(struct rf_call_core *core, struct rf_party *caller, struct rf_view text, struct rf_routed *r)
{
	const struct rf_dial_who who = { .number = caller->number, .phone = caller->phone, .user = caller->user,
					 .roams = rf_party_roams(caller) };
	const struct rf_dial *d = &core->dial;
	struct rf_plan *plan;

	dialled(r, text);
	if (rf_plan_new(core, caller, &plan)) {
		refuse(r, 503, "memory");
		return;
	}
	int rc = dial(core, plan, &who, text, r);

	if (rc == RF_E_DENIED) {
		refuse(r, d->code, d->why);
		r->rule = d->rule;
	} else if (rc) {
		refuse(r, plan->code, plan->why);
		r->rule = plan->rule;
		r->feature = d->kind == RF_DIAL_FEATURE ? d->feature : RF_FEATURES;
		r->arg = d->number;
	} else {
		dialled(r, d->number);
		plan->urgent = plan->urgent || d->kind == RF_DIAL_EMERGENCY;
		within_bounds(core, caller, r);
	}
	if (r->code)
		rf_plan_free(plan);
	else
		r->plan = plan;
}

static void begin(struct rf_routed *r)
{
	r->plan = NULL;
	r->code = 0;
	r->why = NULL;
	r->rule = NULL;
	r->feature = RF_FEATURES;
	r->hide = 0;
	r->dialled_n = 0;
}

void rf_route_uri(struct rf_call_core *core, struct rf_party *caller, const struct rf_sip_uri *uri,
		  struct rf_routed *ret_to)
{
	struct rf_routed *r = ret_to;
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_view text;

	begin(r);
	if (!rf_identity_our_host(core, uri))
		refuse(r, 403, "not a number of this site");
	else if (rf_dial_text(uri, buf, sizeof buf, &text))
		refuse(r, 404, "no number");
	else
		decide(core, caller, text, r);
}

void rf_route_number(struct rf_call_core *core, struct rf_party *caller, struct rf_view number,
		     struct rf_routed *ret_to)
{
	begin(ret_to);
	decide(core, caller, number, ret_to);
}

/* Per call by what the phone says (RFC 3323, RFC 3325), else as its owner has set it. */
static bool hides(struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_settings set;

	enum rf_privacy privacy = rf_identity_privacy(in->msg);

	if (rf_identity_is_anonymous(&in->msg->from.uri) || privacy == RF_PRIVACY_HIDE)
		return true;
	if (privacy == RF_PRIVACY_NONE)
		return false;
	rf_settings_get(core->settings, rf_proof_number(&in->proof), &set);
	return set.hide_number;
}

void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to)
{
	struct rf_party *caller = in->proof.trunk || core->border ? NULL : rf_party_of(core, &in->proof);

	begin(ret_to);
	if (core->border)
		rf_border_route(core, in, ret_to);
	else if (in->proof.trunk)
		rf_trunk_route(core, in, ret_to);
	else if (!caller)
		refuse(ret_to, 503, "memory");
	else
		rf_route_uri(core, caller, &in->msg->uri, ret_to);
	if (ret_to->plan) {
		bool hidden = ret_to->hide ? ret_to->hide > 0 : hides(core, in);

		ret_to->plan->anonymous = hidden && !ret_to->plan->emergency; /* who helps has to know where to call
									       * back */
		rf_plan_read_history(ret_to->plan, in->msg);
	}
	rf_party_put(caller);
}

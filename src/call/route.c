#include "call/route.h"

#include "call/call_int.h"

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

static struct rf_party *party_of(const struct rf_call_core *core, const struct rf_proof *proof)
{
	struct rf_view none = { NULL, 0 };

	return rf_party_new(core->directory, rf_proof_number(proof), proof->phone ? proof->phone->name : none,
			    proof->user ? proof->user->name : none);
}

static void make_plan(struct rf_call_core *core, struct rf_party *caller, struct rf_view number, struct rf_routed *r)
{
	const struct rf_site_group *group = rf_site_group(rf_core_site(core), number);

	if (!caller || rf_plan_new(core, caller, &r->plan))
		refuse(r, 503, "memory");
	else if (group ? rf_plan_group(r->plan, group, 0) : rf_plan_number(r->plan, number, 0))
		refuse(r, r->plan->code, r->plan->why);
}

static void decide(struct rf_call_core *core, struct rf_party *caller, struct rf_view number, struct rf_routed *r)
{
	r->dialled_n = number.n;
	memmove(r->dialled, number.p, number.n);
	if (!rf_directory_number(core->directory, number) && !rf_site_group(rf_core_site(core), number))
		refuse(r, 404, "unknown number");
	else if (rf_view_eq(number, caller->number))
		refuse(r, 486, "called itself");
	else if (calls_of(core, caller->number) >= rf_core_site(core)->limits.calls_per_number)
		refuse(r, 503, "too many calls of this number");
	else
		make_plan(core, caller, number, r);
}

static void begin(struct rf_routed *r)
{
	r->plan = NULL;
	r->code = 0;
	r->why = NULL;
	r->dialled_n = 0;
}

void rf_route_uri(struct rf_call_core *core, struct rf_party *caller, const struct rf_sip_uri *uri,
		  struct rf_routed *ret_to)
{
	struct rf_routed *r = ret_to;
	struct rf_view number;

	begin(r);
	if (!rf_identity_our_host(core, uri))
		refuse(r, 403, "not a number of this site");
	else if (!rf_identity_number_of(core, uri, r->dialled, sizeof r->dialled, &number))
		refuse(r, 404, "no number");
	else
		decide(core, caller, number, r);
}

void rf_route_number(struct rf_call_core *core, struct rf_party *caller, struct rf_view number,
		     struct rf_routed *ret_to)
{
	begin(ret_to);
	if (number.n > sizeof ret_to->dialled)
		refuse(ret_to, 404, "no number");
	else
		decide(core, caller, number, ret_to);
}

/* Per call by what the phone says (RFC 3323, RFC 3325), else as its owner has set it. */
static bool hides(struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_settings set;

	if (rf_identity_is_anonymous(&in->msg->from.uri) || rf_sip_msg_has_token(in->msg, RF_SIP_H_PRIVACY, RF_V("id")) ||
	    rf_sip_msg_has_token(in->msg, RF_SIP_H_PRIVACY, RF_V("user")))
		return true;
	if (rf_sip_msg_has_token(in->msg, RF_SIP_H_PRIVACY, RF_V("none")))
		return false;
	rf_settings_get(core->settings, rf_proof_number(&in->proof), &set);
	return set.hide_number;
}

void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to)
{
	struct rf_party *caller = party_of(core, &in->proof);

	begin(ret_to);
	if (!caller)
		refuse(ret_to, 503, "memory");
	else
		rf_route_uri(core, caller, &in->msg->uri, ret_to);
	if (ret_to->plan) {
		ret_to->plan->anonymous = hides(core, in);
		rf_plan_read_history(ret_to->plan, in->msg);
	}
	rf_party_put(caller);
}

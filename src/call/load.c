/* What a request is worth when there is too much to do (overload.h), and what is said about it. */
#include "call/border.h"
#include "call/call_int.h"
#include "call/emergency.h"
#include "call/trunk.h"

/* Both ends of an overload are on record, but not each time that the measure trembles at its bound. */
enum { BEGINS_PERCENT = 10 };
/* A lot is good for 2^24 us, some 17 seconds. */
enum { LOT_SHIFT = 24 };

/* Where would it go? Groups, codes and parking slots are the house's as much as its numbers. */
static enum rf_load_class of_number(struct rf_call_core *core, const struct rf_in *in)
{
	const struct rf_dial_who who = {
		.number = rf_proof_number(&in->proof),
		.phone = in->proof.phone ? in->proof.phone->name : RF_V(""),
		.user = in->proof.user ? in->proof.user->name : RF_V(""),
	};
	struct rf_dial_ask ask = { .directory = core->directory, .who = who, .now = rf_core_wall(core) };
	uint8_t buf[RF_DIAL_TEXT_MAX];

	if (!rf_identity_our_host(core, &in->msg->uri) || rf_dial_text(&in->msg->uri, buf, sizeof buf, &ask.dialled))
		return RF_LOAD_EXTERNAL;
	rf_dial(&ask, &core->dial);
	return core->dial.kind == RF_DIAL_OUTSIDE || core->dial.kind == RF_DIAL_REFUSED ? RF_LOAD_EXTERNAL :
											  RF_LOAD_INTERNAL;
}

static enum rf_load_class class_of(struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_precedence precedence;
	const char *rule;

	if (in->msg->method == RF_SIP_REGISTER)
		return RF_LOAD_REGISTER;
	if (in->msg->method != RF_SIP_INVITE)
		return RF_LOAD_OTHER;
	if (rf_setup_precedence(in, &precedence, &rule) == 0 && precedence.rank > RF_RANK_ROUTINE)
		return RF_LOAD_PRECEDENCE;
	if (core->border)
		return rf_border_is_emergency(core, in) ? RF_LOAD_EMERGENCY : RF_LOAD_EXTERNAL;
	if (in->proof.trunk)
		return rf_trunk_calls_back(core, in) ? RF_LOAD_EMERGENCY : RF_LOAD_EXTERNAL;
	return of_number(core, in);
}

/* The lot of a request is its call's: said again it has the same one, and is not let in while its refusal is on the
 * way; with the answer to our challenge it has the same one, and nobody is asked for what is then refused. Who comes
 * again later draws anew. */
static uint32_t lot_of(struct rf_call_core *core, const struct rf_in *in)
{
	uint64_t lot = rf_hash(&core->hash_key, in->msg->call_id);

	lot ^= (rf_core_now(core).us >> LOT_SHIFT) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(lot >> 32);
}

static bool is_quiet(const struct rf_call_core *core, const struct rf_in *in)
{
	return rf_overload_pressure(&core->overload, in->from->flow.kind == RF_FLOW_UDP) < RF_OVERLOAD_QUIET;
}

static bool admits(struct rf_call_core *core, struct rf_in *in, enum rf_load_class class)
{
	uint8_t line[64];
	struct rf_writer w;

	if (rf_overload_admit(&core->overload, class, in->from->flow.kind == RF_FLOW_UDP, lot_of(core, in)))
		return true;
	rf_record_limit(core, "load", in);
	rf_writer_init(&w, line, sizeof line);
	rf_core_put_retry_after(&w, rf_overload_retry_s(class, (uint32_t)rf_random_u64(core->random)));
	/* Nothing of it is kept: a surge of refusals would fill the table of transactions, which knows no classes. */
	rf_srv_reply_stateless(in->srv, &(struct rf_srv_reply){ .code = 503, .headers = rf_view_of(line, w.n) });
	return false;
}

/* What it is worth at most, whoever sent it; false: that is not known before it is proven who did. */
static bool class_of_anybody(struct rf_call_core *core, const struct rf_in *in, enum rf_load_class *ret_class)
{
	if (in->msg->method != RF_SIP_INVITE) {
		*ret_class = class_of(core, in);
		return true;
	}
	*ret_class = RF_LOAD_INTERNAL;
	return !rf_sip_msg_hdr(in->msg, RF_SIP_H_RESOURCE_PRIORITY) && !rf_emergency_may_be(core, in->msg) &&
	       !rf_trunk_of(core, in->from) && !(rf_border_between(core) && rf_border_peer(core, in->from));
}

bool rf_load_may_admit(struct rf_call_core *core, struct rf_in *in)
{
	enum rf_load_class class;

	return is_quiet(core, in) || !class_of_anybody(core, in, &class) || admits(core, in, class);
}

bool rf_load_admits(struct rf_call_core *core, struct rf_in *in)
{
	return is_quiet(core, in) || admits(core, in, class_of(core, in));
}

static void tell(struct rf_call_core *core, bool begins)
{
	struct rf_event e;

	rf_event_init(&e, begins ? RF_EVENT_OVERLOAD : RF_EVENT_OVERLOAD_OVER, rf_core_wall(core));
	rf_event_u64(&e, "worker", core->worker);
	rf_event_u64(&e, "cpu_permille", core->overload.cpu);
	rf_event_u64(&e, "lag_permille", core->overload.lag);
	rf_event_u64(&e, "queue_permille", core->overload.queue);
	rf_event_u64(&e, "memory_permille", core->overload.memory);
	rf_event_u64(&e, "udp_permille", core->overload.udp);
	rf_record_post(core, &e);
}

void rf_call_core_load(struct rf_call_core *core, const struct rf_load_sample *sample)
{
	rf_overload_sample(&core->overload, sample);
	unsigned loss = rf_overload_loss(&core->overload, RF_LOAD_EXTERNAL, true);
	bool begins = !core->overloaded && loss >= BEGINS_PERCENT;

	rf_ua_set_load(core->ua, rf_overload_loss(&core->overload, RF_LOAD_EXTERNAL, false));
	if (begins || (core->overloaded && loss == 0)) {
		core->overloaded = begins;
		tell(core, begins);
	}
}

void rf_call_core_set_overload(struct rf_call_core *core, const struct rf_overload_conf *conf)
{
	rf_overload_set(&core->overload, conf);
}

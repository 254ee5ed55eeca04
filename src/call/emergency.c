/* The way of an emergency call: its plan, its INVITE, the way back. */
#include "call/emergency.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/callbacks.h"
#include "call/pidf_lo.h"
#include "call/trunk.h"

#include <stdlib.h>

enum { BODY_MAX = 16384 }; /* the description, and a document of at most eleven texts of the site file */

bool rf_emergency_is(const struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_dial_who who = { .number = rf_proof_number(&in->proof) };
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_view text;

	if (in->proof.host && !in->proof.phone)
		return rf_border_is_emergency(core, in);
	if (in->msg->method != RF_SIP_INVITE || in->proof.trunk || !rf_identity_our_host(core, &in->msg->uri) ||
	    rf_dial_text(&in->msg->uri, buf, sizeof buf, &text))
		return false;
	if (in->proof.phone)
		who.phone = in->proof.phone->name;
	return rf_dial_is_emergency(core->directory, &who, text);
}

bool rf_emergency_may_be(const struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_view text;

	return msg->method == RF_SIP_INVITE && rf_identity_our_host(core, &msg->uri) &&
	       !rf_dial_text(&msg->uri, buf, sizeof buf, &text) && rf_dial_may_be_emergency(core->directory, text);
}

bool rf_emergency_confirmed(const struct rf_site_phone *phone)
{
	const struct rf_site_location *l = phone ? phone->location : NULL;

	return l && phone->confirmed_text.n && (l->address.n || (l->street.n && l->city.n));
}

/* --- the plan */

enum stage { LOCATED, PLAIN, DESKS };

struct source {
	struct rf_source source;
	struct rf_directory *directory;  /* whose trunks these are */
	enum stage stage;
	size_t desk;
	struct rf_view number, elin;     /* behind the struct; in the directory */
	size_t trunks;
	const struct rf_site_trunk *trunk[RF_DIAL_TRUNKS_MAX];
};

static enum rf_source_does push_trunks(struct rf_plan *plan, struct source *self)
{
	struct rf_trunk_order order = {
		.trunks = self->trunk, .n = self->trunks, .number = self->number, .caller = self->elin,
		.emergency = true,
	};

	return self->trunks && rf_plan_trunks(plan, &order) == 0 ? RF_SOURCE_PUSHED : RF_SOURCE_DONE;
}

static enum rf_source_does push_desk(struct rf_plan *plan, struct source *self)
{
	const struct rf_site_list *desks = &rf_directory_site(self->directory)->emergency.notify;

	while (self->desk < desks->n)
		if (rf_plan_number(plan, desks->v[self->desk++], 0) == 0)
			return RF_SOURCE_PUSHED;
	return RF_SOURCE_DONE;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct source *self = rf_container(s, struct source, source);

	(void)ret_step;
	(void)last;
	while (self->stage < DESKS) {
		bool located = self->stage++ == LOCATED;

		if (plan->call)
			plan->call->without_location = !located;
		if (push_trunks(plan, self) == RF_SOURCE_PUSHED)
			return RF_SOURCE_PUSHED;
	}
	return push_desk(plan, self);
}

static void free_source(struct rf_source *s)
{
	struct source *self = rf_container(s, struct source, source);

	rf_directory_put(self->directory);
	free(self);
}

static const struct rf_source_ops ops = { .next = next, .free = free_source };

static struct rf_view elin_of(const struct rf_dial *d, const struct rf_party *caller)
{
	return d->location && !rf_party_roams(caller) ? d->location->elin : RF_V("");
}

int rf_plan_emergency(struct rf_plan *plan, const struct rf_dialled *to)
{
	const struct rf_dial *d = to->d;
	struct source *self = malloc(sizeof *self + d->number.n);

	if (to->cause || !self) {
		rf_plan_refuse(plan, self ? 403 : 503, self ? "nobody is forwarded to an emergency number" : "memory",
			       self ? "emergency-forward" : NULL);
		free(self);
		return self ? RF_E_DENIED : -ENOMEM;
	}
	uint8_t *number = (uint8_t *)(self + 1);

	memcpy(number, d->number.p, d->number.n);
	*self = (struct source){
		.source.ops = &ops, .directory = rf_directory_get(plan->core->directory),
		.number = rf_view_of(number, d->number.n), .elin = elin_of(d, plan->caller), .trunks = d->trunks,
	};
	memcpy(self->trunk, d->trunk, d->trunks * sizeof *d->trunk);
	plan->urgent = plan->emergency = true;
	return rf_plan_push(plan, &self->source, false);
}

/* --- its INVITE */

static void put_part(struct rf_writer *w, struct rf_view boundary, const char *lines, struct rf_view body)
{
	rf_put_lit(w, "--");
	rf_put(w, boundary);
	rf_put_lit(w, "\r\n");
	rf_put(w, rf_view_str(lines));
	rf_put(w, body);
}

static const struct rf_site_phone *phone_of(const struct rf_call_core *core, const struct rf_party *p)
{
	return p->phone.n ? rf_site_phone(rf_core_site(core), p->phone) : NULL;
}

static void put_location(struct rf_call *call, struct rf_writer *w)
{
	struct rf_call_core *core = call->core;
	const struct rf_site_phone *phone = phone_of(core, call->caller);
	bool roams = rf_party_roams(call->caller); /* nobody knows where it is */
	char urn[RF_SITE_URN] = "";

	if (core->border) { /* as the controller has written it */
		rf_put(w, rf_view_of(call->plan->carried->location, call->plan->carried->location_n));
		return;
	}

	if (phone)
		rf_site_urn(rf_core_site(core), phone->name, urn);
	rf_pidf_lo_put(w, &(struct rf_pidf_lo){
		.number = call->caller->number, .domain = rf_core_site(core)->domain, .device = rf_view_str(urn),
		.location = phone && !roams ? phone->location : NULL,
		.confirmed = !roams && rf_emergency_confirmed(phone),
		.at = rf_core_wall(core),
	});
}

/* multipart/mixed: the description, and the document that Geolocation points to (RFC 6442 4.1). */
static void put_body(struct rf_call *call, struct rf_view sdp, struct rf_writer *w)
{
	struct rf_view boundary = rf_id_view(&call->id);

	if (sdp.n)
		put_part(w, boundary, "Content-Type: application/sdp\r\n\r\n", sdp);
	put_part(w, boundary, "Content-Type: application/pidf+xml\r\nContent-ID: <", RF_V(""));
	rf_put(w, boundary);
	rf_put_byte(w, '@');
	rf_put(w, rf_core_site(call->core)->domain);
	rf_put_lit(w, ">\r\n\r\n");
	put_location(call, w);
	rf_put_lit(w, "--");
	rf_put(w, boundary);
	rf_put_lit(w, "--\r\n");
}

static bool carries_location(const struct rf_call *call)
{
	return call->plan && call->plan->carried && call->plan->carried->location_n > 0;
}

bool rf_emergency_put(struct rf_leg *leg, struct rf_writer *w, struct rf_view sdp, struct rf_view *ret_type,
		      struct rf_view *ret_body)
{
	struct rf_call *call = leg->pair->call;
	uint8_t *buf, *type;
	struct rf_writer b, t;

	rf_put_lit(w, "Priority: emergency\r\n");
	if (call->without_location || (call->core->border && !carries_location(call)))
		return false;
	buf = rf_arena_alloc(&call->core->scratch, BODY_MAX + sdp.n);
	type = rf_arena_alloc(&call->core->scratch, 128);
	if (!buf || !type)
		return false;
	rf_writer_init(&b, buf, BODY_MAX + sdp.n);
	rf_writer_init(&t, type, 128);
	put_body(call, sdp, &b);
	rf_put_lit(&t, "multipart/mixed;boundary=");
	rf_put(&t, rf_id_view(&call->id));
	if (rf_writer_done(&b, ret_body) || rf_writer_done(&t, ret_type))
		return false;
	rf_put_lit(w, "Geolocation: <cid:");
	rf_put(w, rf_id_view(&call->id));
	rf_put_byte(w, '@');
	rf_put(w, rf_core_site(call->core)->domain);
	rf_put_lit(w, ">\r\nGeolocation-Routing: yes\r\nMIME-Version: 1.0\r\n");
	return true;
}

/* --- the way back */

bool rf_emergency_called_for(struct rf_call_core *core, struct rf_view elin)
{
	uint8_t buf[RF_CALLBACK_NUMBER_MAX];
	struct rf_view number;

	return rf_callbacks_find(rf_call_shared_callbacks(core->shared), elin, rf_core_now(core), buf, &number);
}

bool rf_emergency_callback(struct rf_plan *plan, const struct rf_site_trunk *trunk, struct rf_view elin)
{
	struct rf_call_core *core = plan->core;
	uint8_t buf[RF_CALLBACK_NUMBER_MAX];
	struct rf_view number;
	struct rf_event e;

	if (!rf_callbacks_find(rf_call_shared_callbacks(core->shared), elin, rf_core_now(core), buf, &number))
		return false;
	plan->urgent = true;
	if (rf_plan_number(plan, number, 0)) {
		plan->urgent = false;
		return false;
	}
	rf_event_init(&e, RF_EVENT_EMERGENCY_CALLBACK, rf_core_wall(core));
	rf_event_str(&e, "elin", elin);
	rf_event_str(&e, "to", number);
	rf_event_str(&e, "trunk", trunk->name);
	rf_record_post(core, &e);
	return true;
}

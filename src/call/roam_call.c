/* A call to a phone outside: the one step of a plan, over the connection that the phone registered on. */
#include "call/roam.h"

#include "base/clean.h"
#include "call/border.h"
#include "call/call_int.h"

#include <stdlib.h>

static void refuse(struct rf_routed *r, unsigned code, const char *why, const char *rule)
{
	r->code = code;
	r->why = why;
	r->rule = rule;
}

struct rf_party *rf_roam_caller(const struct rf_in *in)
{
	enum { NAME_MAX_BYTES = 64, USER_MAX = 128 };
	struct rf_sip_values it = rf_sip_values_of(in->msg, RF_SIP_H_P_ASSERTED_IDENTITY);
	uint8_t user[USER_MAX], words[256], name[NAME_MAX_BYTES];
	struct rf_far far = { .host = in->proof.host->name };
	struct rf_sip_addr a = in->msg->from;
	struct rf_view v;

	if (rf_sip_values_next(&it, &v) > 0 && rf_sip_addr_parse(v, &a))
		a = in->msg->from;
	if (rf_sip_addr_display(&a, words, sizeof words, &v) == 0)
		far.display = rf_clean_name(v, NAME_MAX_BYTES, name, sizeof name);
	v = rf_view_sub(a.uri.user, 0, rf_view_find(a.uri.user, ';'));
	if (!rf_identity_is_anonymous(&a.uri) && rf_sip_uri_unescape(v, user, sizeof user, &v) == 0)
		far.shown = v;
	return rf_party_new_far(&far);
}

static int put_from(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_call *call = leg->pair->call;
	const struct rf_party *p = call->caller;
	uint8_t buf[512];
	struct rf_writer uri;

	if (call->anonymous || !p->shown.n) {
		rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return w->err;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, p->shown, rf_core_site(call->core)->domain, 0);
	if (uri.err)
		return uri.err;
	rf_sip_put_name_addr(w, p->display, rf_view_of(buf, uri.n));
	return w->err;
}

static void put_headers(struct rf_leg *leg, struct rf_writer *w)
{
	if (leg->pair->call->anonymous)
		rf_put_lit(w, "Privacy: id\r\n");
}

static const struct rf_aim_ops aim_ops = { .put_from = put_from, .put_headers = put_headers };

struct one {
	struct rf_source source;
	bool done;
	char phone[RF_SITE_NAME_MAX + 1];
	struct rf_view number;       /* behind the struct */
};

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct one *self = rf_container(s, struct one, source);
	struct rf_aim *aim = self->done ? NULL : rf_arena_array(&plan->arena, RF_PLAN_AIMS, sizeof *aim);
	size_t n = 0, known = 0;

	(void)last;
	if (self->done)
		return RF_SOURCE_DONE;
	self->done = true;
	if (!aim || rf_plan_phones(plan, self->number, aim, RF_PLAN_AIMS, &n, &known)) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return RF_SOURCE_DONE;
	}
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq(aim[i].party->phone, rf_view_str(self->phone))) {
			aim[0] = aim[i];
			aim[0].ops = &aim_ops;
			aim[0].secure = true;
			*ret_step = (struct rf_step){ .aim = aim, .n = 1 };
			return RF_SOURCE_STEP;
		}
	rf_plan_refuse(plan, 480, known ? "waiting for the phone to reconnect" : "not registered", NULL);
	return RF_SOURCE_DONE;
}

static void source_free(struct rf_source *s)
{
	free(rf_container(s, struct one, source));
}

static const struct rf_source_ops source_ops = { next, source_free };

static int push(struct rf_plan *plan, const struct rf_dir_phone *phone)
{
	struct one *self = calloc(1, sizeof *self + phone->number.n);

	if (!self)
		return -ENOMEM;
	self->source.ops = &source_ops;
	rf_view_cstr(phone->name, self->phone, sizeof self->phone);
	memcpy(self + 1, phone->number.p, phone->number.n);
	self->number = rf_view_of((const uint8_t *)(self + 1), phone->number.n);
	return rf_plan_push(plan, &self->source, false);
}

void rf_roam_to_phone(struct rf_call_core *core, const struct rf_in *in, const struct rf_dir_phone *phone,
		      struct rf_routed *r)
{
	struct rf_party *caller = rf_roam_caller(in);

	r->dialled_n = phone->number.n < sizeof r->dialled ? phone->number.n : sizeof r->dialled;
	memcpy(r->dialled, phone->number.p, r->dialled_n);
	if (!caller || rf_plan_new(core, caller, &r->plan) || push(r->plan, phone)) {
		refuse(r, 503, "memory", NULL);
		rf_plan_free(r->plan);
		r->plan = NULL;
	}
	rf_party_put(caller);
}

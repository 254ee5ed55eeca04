#include "call/trunk.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/display.h"
#include "call/trunk_number.h"

/* --- who calls, as a trunk says it */

bool rf_trunk_asserted(const struct rf_in *in, struct rf_sip_addr *ret_addr)
{
	struct rf_sip_values it = rf_sip_values_of(in->msg, RF_SIP_H_P_ASSERTED_IDENTITY);
	struct rf_view v;

	while (in->proof.trunk->trusted && rf_sip_values_next(&it, &v) > 0)
		if (rf_sip_addr_parse(v, ret_addr) == 0 &&
		    (rf_sip_uri_is_sip(&ret_addr->uri) || ret_addr->uri.scheme == RF_SIP_SCHEME_TEL))
			return true;
	*ret_addr = in->msg->from;
	return false;
}

/* The user part or number, without parameters. Empty: there is none that could be shown. */
static struct rf_view user_of(const struct rf_sip_uri *uri, uint8_t *buf, size_t cap)
{
	struct rf_view v = { NULL, 0 };
	int rc = uri->scheme == RF_SIP_SCHEME_TEL ? rf_sip_uri_aor(uri, buf, cap, &v) :
						    rf_sip_uri_unescape(uri->user, buf, cap, &v);

	if (rc)
		return rf_view_of(buf, 0);
	v = rf_view_sub(v, 0, rf_view_find(v, ';'));
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!((c >= '0' && c <= '9') || (rf_lower(c) >= 'a' && rf_lower(c) <= 'z') || c == '+' || c == '-' ||
		      c == '.' || c == '_' || c == '*' || c == '#'))
			return rf_view_of(buf, 0);
	}
	return v.n <= RF_TRUNK_SHOWN_MAX ? v : rf_view_of(buf, 0);
}

/* A number of the world by which one of our trunks reaches a number of ours. */
static bool reaches_us(struct rf_call_core *core, struct rf_view number)
{
	const struct rf_site *site = rf_core_site(core);
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view ours;

	if (rf_directory_number(core->directory, number))
		return true;
	for (size_t i = 0; i < site->trunk_count; i++)
		if (rf_trunk_number_ours(&site->trunks[i], site->tel.plan, number, buf, sizeof buf, &ours) == 0 &&
		    rf_directory_number(core->directory, ours))
			return true;
	return false;
}

/* "110", as it is or with the codes of our country: people are told that helpers call. */
static bool is_emergency(const struct rf_site *site, struct rf_view user, struct rf_view number)
{
	const struct rf_site_plan *plan = site->tel.plan;

	return rf_site_is_emergency(site, user) ||
	       (number.n && plan && rf_view_starts(rf_view_from(number, 1), plan->country_code) &&
		rf_site_is_emergency(site, rf_view_from(number, 1 + plan->country_code.n)));
}

/* What a phone would show as somebody of ours, in whatever spelling, or as those who help. */
static bool looks_like_us(struct rf_call_core *core, struct rf_view user, struct rf_view number)
{
	const struct rf_site *site = rf_core_site(core);

	return is_emergency(site, user, number) || rf_directory_user(core->directory, user) ||
	       rf_site_group(site, user) || reaches_us(core, user) || (number.n && reaches_us(core, number));
}

struct rf_party *rf_trunk_caller(struct rf_call_core *core, const struct rf_in *in)
{
	const struct rf_site_plan *plan = rf_core_site(core)->tel.plan;
	uint8_t user_buf[256], number_buf[RF_TRUNK_NUMBER_MAX], raw[512], shown[RF_DISPLAY_BYTES];
	struct rf_view number = { NULL, 0 }, name = { NULL, 0 }, user;
	struct rf_sip_addr a;
	bool by_assertion = rf_trunk_asserted(in, &a);

	user = user_of(&a.uri, user_buf, sizeof user_buf);
	bool claims = a.uri.scheme != RF_SIP_SCHEME_TEL && rf_identity_our_host(core, &a.uri);

	if (!claims && rf_trunk_number_world(plan, user, number_buf, sizeof number_buf, &number))
		number = (struct rf_view){ NULL, 0 };
	if (claims || looks_like_us(core, user, number)) {
		claims = true;
		number = user = (struct rf_view){ NULL, 0 };
	}
	if (!claims && in->proof.trunk->trusted && !in->unproven &&
	    rf_sip_addr_display(by_assertion && a.display.n ? &a : &in->msg->from, raw, sizeof raw, &name) == 0)
		name = rf_display_outside(core->directory, name, number, shown);
	else
		name = (struct rf_view){ NULL, 0 };
	return rf_party_new_far(&(struct rf_far){
		.trunk = in->proof.trunk->name, .host = in->proof.host ? in->proof.host->name : RF_V(""),
		.number = number, .shown = user, .display = name,
	});
}

/* --- as a phone is shown it */

static struct rf_view host_of(const struct rf_call *call, struct rf_view trunk)
{
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(call->core), trunk);

	return t ? t->peer : RF_V("anonymous.invalid");
}

static void put_anonymous(struct rf_writer *w)
{
	rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
}

/* A number of the world may be called back by us; anything else is of where it came from. */
int rf_trunk_put_from(const struct rf_call *call, struct rf_writer *w)
{
	const struct rf_party *p = call->caller;
	uint8_t buf[512];
	struct rf_writer uri;

	if (call->anonymous || (!p->number.n && !p->shown.n)) {
		put_anonymous(w);
		return w->err;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	if (p->number.n)
		rf_sip_uri_put_new(&uri, false, p->number, rf_core_site(call->core)->domain, 0);
	else
		rf_sip_uri_put_new(&uri, false, p->shown, host_of(call, p->trunk), 0);
	if (uri.err)
		return uri.err;
	rf_sip_put_name_addr(w, p->display, rf_view_of(buf, uri.n));
	return w->err;
}

void rf_trunk_put_asserted(const struct rf_call *call, struct rf_writer *w)
{
	if (call->caller->number.n)
		rf_put_asserted(call, call->caller, w);
}

/* --- as a trunk is told */

/* The number in E.164 form under which the caller is known outside; empty: none. */
static struct rf_view outside_number(const struct rf_leg *leg, const struct rf_site_trunk *t, uint8_t *buf, size_t cap)
{
	const struct rf_site *site = rf_core_site(rf_leg_core(leg));
	const struct rf_call *call = leg->pair->call;
	const struct rf_party *caller = call->shown ? call->shown : call->caller;
	const struct rf_site_numbering *n = caller->trunk.n ? NULL : rf_site_numbering(site, caller->number);
	struct rf_view number;

	if (leg->party->shown.n)
		return leg->party->shown; /* ordered so */
	if (call->caller->host.n && !call->caller->trunk.n && !rf_party_roams(call->caller))
		return call->caller->number; /* as a controller wants it to be shown */
	if (caller->trunk.n && caller->number.n)
		return caller->number;
	if (n && n->caller_number.n)
		return n->caller_number;
	if (!caller->trunk.n && rf_trunk_number_outside(t, caller->number, buf, cap, &number) == 0)
		return number;
	return t->caller_number;
}

/* How a number is written to this party: a border wants E.164 and knows what its trunk wants. enum rf_number_format. */
static int format_for(const struct rf_party *party, const struct rf_site_trunk *t)
{
	return party->host.n ? RF_FORMAT_E164 : t->format;
}

static int put_our_uri(const struct rf_leg *leg, const struct rf_site_trunk *t, struct rf_view number,
		       struct rf_writer *w)
{
	const struct rf_site *site = rf_core_site(rf_leg_core(leg));
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_writer form;

	rf_writer_init(&form, buf, sizeof buf);
	rf_trunk_number_put(&form, site->tel.plan, format_for(leg->party, t), number);
	if (form.err)
		return form.err;
	rf_sip_uri_put_new(w, false, rf_view_of(buf, form.n), site->domain, 0);
	rf_sip_put_param(w, RF_V("user"), RF_V("phone"));
	return w->err;
}

int rf_trunk_put_from_us(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(rf_leg_core(leg)), leg->party->trunk);
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view number = t ? outside_number(leg, t, buf, sizeof buf) : RF_V("");

	if (leg->pair->call->anonymous || !number.n) {
		put_anonymous(w);
		return w->err;
	}
	rf_put_byte(w, '<');
	put_our_uri(leg, t, number, w);
	rf_put_byte(w, '>');
	return w->err;
}

/* The number of ours that sent the call out again (RFC 5806), when it is known outside; the way inside is not told. */
static void put_diversion(const struct rf_leg *leg, const struct rf_site_trunk *t, struct rf_writer *w)
{
	const struct rf_plan *plan = leg->pair->call->plan;
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view number;

	if (!plan || plan->hop_n < 2)
		return;
	const struct rf_plan_hop *by = &plan->hop[plan->hop_n - 2], *to = &plan->hop[plan->hop_n - 1];

	if (by->hidden || rf_trunk_number_outside(t, rf_view_of(by->number, by->number_n), buf, sizeof buf, &number))
		return;
	rf_put_lit(w, "Diversion: <");
	put_our_uri(leg, t, number, w);
	rf_put_lit(w, ">;reason=");
	rf_put(w, to->cause == 486 ? RF_V("user-busy") : to->cause == 408 ? RF_V("no-answer") :
		  to->cause == 503 ? RF_V("unavailable") : RF_V("unconditional"));
	rf_sip_put_crlf(w);
}

/* The same as a controller has told it to the border. */
static void put_carried(const struct rf_leg *leg, const struct rf_site_trunk *t, struct rf_writer *w)
{
	const struct rf_carried *c = leg->pair->call->plan ? leg->pair->call->plan->carried : NULL;

	if (!c || !c->reason)
		return;
	rf_put_lit(w, "Diversion: <");
	if (c->diverted_by_n)
		put_our_uri(leg, t, rf_view_of(c->diverted_by, c->diverted_by_n), w);
	else
		rf_put_lit(w, "sip:unknown@anonymous.invalid");
	rf_put_lit(w, ">;reason=");
	rf_put(w, rf_view_str(c->reason));
	rf_sip_put_crlf(w);
}

/* RFC 3325 7: who asked for privacy is named to those alone who will keep it. */
void rf_trunk_put_headers(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(rf_leg_core(leg)), leg->party->trunk);
	bool anonymous = leg->pair->call->anonymous, border = leg->party->host.n > 0;
	const struct rf_call_core *core = rf_leg_core(leg);
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_view number = t ? outside_number(leg, t, buf, sizeof buf) : RF_V("");

	if (anonymous)
		rf_put_lit(w, "Privacy: id\r\n");
	if (number.n && (!anonymous || t->trusted || border)) {
		rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
		rf_put_byte(w, '<');
		put_our_uri(leg, t, number, w);
		rf_put_lit(w, ">\r\n");
		rf_trunk_put_identity(leg, t, number, w);
	}
	if (t && t->trusted && core->border)
		put_carried(leg, t, w);
	else if (t && t->trusted)
		put_diversion(leg, t, w);
	if (!core->border)
		rf_put_lit(w, "User-Agent: ringfort\r\n");
}

void rf_trunk_put_callee(const struct rf_pair *pair, struct rf_writer *w)
{
	const struct rf_call *call = pair->call;

	rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
	rf_put_byte(w, '<');
	rf_sip_uri_put_new(w, false, rf_view_of(call->dialled, call->dialled_n), rf_core_site(call->core)->domain, 0);
	rf_put_lit(w, ">\r\n");
}

/* The chain of numbers that a call came by, in the two forms that there are: History-Info (RFC 7044), with the cause in
 * the URI (RFC 4458) and the Reason of who was left, and Diversion (RFC 5806), newest first, for phones that know only
 * that. Who hides their number is not named in it. And 3xx answers, read. */
#include "call/call_int.h"

/* --- reading */

static unsigned values(const struct rf_sip_msg *msg, enum rf_sip_hid id)
{
	struct rf_sip_values it = rf_sip_values_of(msg, id);
	struct rf_view v;
	unsigned n = 0;

	while (rf_sip_values_next(&it, &v) > 0)
		n++;
	return n;
}

/* Each Diversion may stand for several. */
static unsigned diversions(const struct rf_sip_msg *msg)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_DIVERSION);
	struct rf_sip_param counter;
	struct rf_sip_addr addr;
	struct rf_view v;
	unsigned n = 0;
	uint32_t times;

	while (n < RF_PLAN_HOPS && rf_sip_values_next(&it, &v) > 0) {
		bool many = rf_sip_addr_parse(v, &addr) == 0 && rf_sip_addr_param(&addr, RF_V("counter"), &counter) &&
			    rf_view_u32(counter.value, &times) && times > 0;

		n += !many ? 1 : times < RF_PLAN_HOPS ? times : RF_PLAN_HOPS;
	}
	return n;
}

/* The first entry of a history is not a diversion. What a phone writes there can only shorten its own call. */
void rf_plan_read_history(struct rf_plan *plan, const struct rf_sip_msg *msg)
{
	unsigned history = values(msg, RF_SIP_H_HISTORY_INFO), diverted = diversions(msg);

	history -= history > 0;
	if (diverted < history)
		diverted = history;
	plan->hops_before = (uint8_t)(diverted < RF_PLAN_HOPS ? diverted : RF_PLAN_HOPS);
}

static void insert(struct rf_plan *plan, struct rf_view number, unsigned q)
{
	size_t i = plan->moved_n < RF_PLAN_MOVED ? plan->moved_n++ : RF_PLAN_MOVED - 1;

	for (; i > 0 && plan->moved[i - 1].q_milli < q; i--)
		plan->moved[i] = plan->moved[i - 1];
	plan->moved[i] = (struct rf_plan_moved){ .n = (uint8_t)number.n, .q_milli = (uint16_t)q };
	memcpy(plan->moved[i].number, number.p, number.n);
}

bool rf_plan_take_moved(struct rf_plan *plan, const struct rf_sip_msg *msg)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_CONTACT);
	struct rf_view v, number;
	uint8_t buf[256];

	plan->moved_n = 0;
	for (unsigned n = 0; n < 16 && rf_sip_values_next(&it, &v) > 0; n++) {
		struct rf_sip_addr addr;

		if (rf_sip_addr_parse(v, &addr) || addr.uri.text.n > sizeof buf ||
		    (addr.uri.scheme != RF_SIP_SCHEME_TEL && !rf_sip_uri_is_sip(&addr.uri)) ||
		    !rf_identity_number_of(plan->core, &addr.uri, buf, sizeof buf, &number) ||
		    !rf_settings_target_ok(number))
			continue;
		unsigned q = rf_sip_addr_q(&addr);

		if (plan->moved_n < RF_PLAN_MOVED || q > plan->moved[RF_PLAN_MOVED - 1].q_milli)
			insert(plan, number, q);
	}
	return plan->moved_n > 0;
}

/* --- writing */

static void put_uri(const struct rf_plan *plan, const struct rf_plan_hop *hop, struct rf_writer *w)
{
	if (hop->hidden)
		rf_put_lit(w, "sip:anonymous@anonymous.invalid");
	else
		rf_sip_uri_put_new(w, false, rf_view_of(hop->number, hop->number_n), rf_core_site(plan->core)->domain, 0);
}

/* "1", "1.1", "1.1.1": each was caused by the one before. */
static void put_index(unsigned depth, struct rf_writer *w)
{
	rf_put_lit(w, ";index=1");
	for (unsigned i = 0; i < depth; i++)
		rf_put_lit(w, ".1");
}

static bool was_answered(unsigned cause)
{
	return cause == 486 || cause == 408 || cause == 503;
}

static void put_entry(const struct rf_plan *plan, unsigned i, struct rf_writer *w)
{
	const struct rf_plan_hop *hop = &plan->hop[i];
	unsigned left = i + 1 < plan->hop_n ? plan->hop[i + 1].cause : 0;

	rf_put(w, i ? RF_V(", <") : RF_V("<"));
	put_uri(plan, hop, w);
	if (hop->cause) {
		rf_put_lit(w, ";cause=");
		rf_put_u64(w, hop->cause);
	}
	if (was_answered(left)) {
		rf_put_lit(w, "?Reason=SIP%3Bcause%3D");
		rf_put_u64(w, left);
	}
	rf_put_byte(w, '>');
	put_index(i, w);
	if (i)
		rf_put_lit(w, ";mp=1");
	for (unsigned k = 1; i && k < i; k++)
		rf_put_lit(w, ".1");
}

/* A member of a group rings under its own number, which is no hop. */
static bool is_member(const struct rf_plan *plan, struct rf_view target)
{
	return !rf_view_eq(rf_plan_at(plan), target);
}

static void put_member(const struct rf_plan *plan, struct rf_view target, struct rf_writer *w)
{
	rf_put_lit(w, ", <");
	rf_sip_uri_put_new(w, false, target, rf_core_site(plan->core)->domain, 0);
	rf_put_byte(w, '>');
	put_index(plan->hop_n, w);
	rf_put_lit(w, ";mp=1");
	for (unsigned k = 1; k < plan->hop_n; k++)
		rf_put_lit(w, ".1");
}

static const char *reason_of(unsigned cause)
{
	switch (cause) {
	case 302:
		return "unconditional";
	case 486:
		return "user-busy";
	case 408:
		return "no-answer";
	case 503:
		return "unavailable";
	case 480:
	case 487:
		return "deflection";
	default:
		return "unknown";
	}
}

static void put_diversions(const struct rf_plan *plan, struct rf_writer *w)
{
	for (unsigned i = plan->hop_n - 1; i > 0; i--) {
		const struct rf_plan_hop *from = &plan->hop[i - 1];

		rf_sip_put_hdr_name(w, RF_SIP_H_DIVERSION);
		rf_put_byte(w, '<');
		put_uri(plan, from, w);
		rf_put_lit(w, ">;reason=");
		rf_put(w, rf_view_str(reason_of(plan->hop[i].cause)));
		rf_put(w, from->hidden ? RF_V(";counter=1;privacy=full\r\n") : RF_V(";counter=1;privacy=off\r\n"));
	}
}

void rf_plan_put_history(const struct rf_plan *plan, struct rf_view target, struct rf_writer *w)
{
	bool member = plan->hop_n > 0 && is_member(plan, target);

	if (plan->hop_n + member < 2)
		return;
	rf_sip_put_hdr_name(w, RF_SIP_H_HISTORY_INFO);
	for (unsigned i = 0; i < plan->hop_n; i++)
		put_entry(plan, i, w);
	if (member)
		put_member(plan, target, w);
	rf_sip_put_crlf(w);
	put_diversions(plan, w);
}

void rf_plan_put_chain(const struct rf_plan *plan, struct rf_writer *w)
{
	for (unsigned i = 0; i < plan->hop_n; i++) {
		const struct rf_plan_hop *hop = &plan->hop[i];

		if (i)
			rf_put_byte(w, '>');
		rf_put(w, rf_view_of(hop->number, hop->number_n));
		if (hop->cause) {
			rf_put_byte(w, '(');
			rf_put_u64(w, hop->cause);
			rf_put_byte(w, ')');
		}
	}
}

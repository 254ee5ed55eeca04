#include "call/border.h"

#include "call/call_int.h"
#include "call/trunk_number.h"
#include "sip/tgrp.h"

#include <stdlib.h>

enum { LOCATION_MAX = 15000 };

/* RFC 5806 4: the reasons that there are. */
static const char *const reasons[] = {
	"unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb",
	"deflection", "follow-me", "out-of-service", "away",
};

static const char *reason_of(const struct rf_sip_addr *a)
{
	struct rf_sip_param p;

	for (size_t i = 0; rf_sip_addr_param(a, RF_V("reason"), &p) && i < sizeof reasons / sizeof *reasons; i++)
		if (rf_view_eq_nocase(p.value, rf_view_str(reasons[i])))
			return reasons[i];
	return reasons[0];
}

/* The newest diversion: the number, when it is one of the world, and the reason. */
static void read_diversion(struct rf_call_core *core, const struct rf_sip_msg *msg, struct rf_carried *c)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_DIVERSION);
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_tgrp group;
	struct rf_sip_addr a;
	struct rf_view v, user, number;

	if (rf_sip_values_next(&it, &v) <= 0 || rf_sip_addr_parse(v, &a))
		return;
	c->reason = reason_of(&a);
	if (rf_tgrp_parse(&a.uri, &group) || rf_sip_uri_unescape(group.user, buf, sizeof buf, &user) ||
	    rf_trunk_number_world(rf_core_site(core)->tel.plan, user, c->diverted_by, sizeof c->diverted_by, &number))
		return;
	memmove(c->diverted_by, number.p, number.n);
	c->diverted_by_n = (uint8_t)number.n;
}

static char attest_of(const struct rf_sip_msg *msg)
{
	const struct rf_sip_hdr *h = rf_sip_msg_named(msg, RF_V("Attestation-Info"), NULL);
	struct rf_view v = h ? rf_view_trim(h->value) : RF_V("");

	return v.n == 1 && v.p[0] >= 'A' && v.p[0] <= 'C' ? (char)v.p[0] : 0;
}

int rf_border_carry(struct rf_call_core *core, const struct rf_in *in, struct rf_carried **ret_carried)
{
	struct rf_view location = { NULL, 0 };

	if (rf_border_is_emergency(core, in) &&
	    rf_sip_msg_find_body(in->msg, RF_V("application/pidf+xml"), &location))
		location = (struct rf_view){ NULL, 0 };
	if (location.n > LOCATION_MAX)
		location.n = 0;
	struct rf_carried *c = calloc(1, sizeof *c + location.n);

	if (!c)
		return -ENOMEM;
	c->attest = attest_of(in->msg);
	read_diversion(core, in->msg, c);
	if (location.n)
		memcpy(c->location, location.p, location.n);
	c->location_n = location.n;
	*ret_carried = c;
	return 0;
}

void rf_border_put_attest(struct rf_writer *w, char attest)
{
	rf_put_lit(w, "Attestation-Info: ");
	rf_put_byte(w, (uint8_t)attest);
	rf_sip_put_crlf(w);
}

struct rf_view rf_border_reason(struct rf_view reason, uint8_t *buf, size_t cap)
{
	struct rf_view cause = { NULL, 0 }, rest = reason;
	struct rf_writer w;
	size_t end = rf_view_find(rest, ';');
	struct rf_view protocol = rf_view_trim(rf_view_sub(rest, 0, end));

	while (end < rest.n && !cause.n) {
		rest = rf_view_from(rest, end + 1);
		end = rf_view_find(rest, ';');
		struct rf_view part = rf_view_trim(rf_view_sub(rest, 0, end));

		if (part.n > 6 && rf_view_eq_nocase(rf_view_sub(part, 0, 6), RF_V("cause=")))
			cause = rf_view_from(part, 6);
	}
	for (size_t i = 0; i < cause.n; i++)
		if (cause.p[i] < '0' || cause.p[i] > '9' || i == 3)
			return RF_V("");
	bool known = rf_view_eq_nocase(protocol, RF_V("SIP")) || rf_view_eq_nocase(protocol, RF_V("Q.850")) ||
		     rf_view_eq_nocase(protocol, RF_V("preemption"));

	if (!known || !cause.n)
		return RF_V("");
	rf_writer_init(&w, buf, cap);
	rf_put(&w, protocol);
	rf_put_lit(&w, ";cause=");
	rf_put(&w, cause);
	return w.err ? RF_V("") : rf_view_of(buf, w.n);
}

/* Accept takes parameters of a media type (RFC 3261 25.1, accept-range): which descriptions the caller can use. */
void rf_border_put_plain(const struct rf_pair *pair, struct rf_writer *w)
{
	const struct rf_call_core *core = pair->call->core;

	if (!core->border && pair->b->party->host.n && !rf_leg_secure(pair->a) &&
	    !core->media_policy.encrypted_required)
		rf_put_lit(w, "Accept: application/sdp;proto=\"RTP/AVP\"\r\n");
}

bool rf_border_wants_plain(const struct rf_sip_msg *msg)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_ACCEPT);
	struct rf_sip_param p;
	struct rf_view v;

	while (rf_sip_values_next(&it, &v) > 0)
		if (rf_sip_is_media_type(v, RF_V("application/sdp")) &&
		    rf_sip_params_find(rf_view_from(v, rf_view_find(v, ';')), RF_V("proto"), &p) &&
		    rf_view_eq_nocase(p.value, RF_V("RTP/AVP")))
			return true;
	return false;
}

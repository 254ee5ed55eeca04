/* Messages from trunks, held against the border's list and against what a trunk has of its own. Where that is narrower
 * the message is written anew without the rest and read again, so that nobody behind sees what was not taken. */
#include "call/border.h"
#include "base/secret.h"

#include "call/call_int.h"
#include "call/roam.h"
#include "call/trunk.h"
#include "site/accept.h"

#include <stdlib.h>

_Static_assert((int)RF_LIST_RULES <= (int)RF_LISTED_MAX && (int)RF_LIST_RULES <= (int)RF_TRUNK_RULES_MAX,
	       "a counter for each rule");

enum { GROWS = 1024 }; /* what is written anew has a blank behind each colon, and a length */

struct rf_looked {
	struct rf_sip_msg msg;
	size_t n;                    /* so much of bytes has been written */
	uint8_t bytes[65536 + GROWS];
};

/* One look at one message. */
struct look {
	struct rf_call_core *core;
	const struct rf_site_trunk *trunk; /* NULL, as accept: a phone outside */
	const struct rf_site_accept *accept;
	struct rf_trunk_peer *peer;  /* NULL: not yet needed */
	enum rf_list_rule by;        /* the first rule met by which the trunk's requests are refused */
};

struct rf_looked *rf_looked_new(void)
{
	struct rf_looked *l = malloc(sizeof *l);

	if (l)
		l->n = 0;
	return l;
}

void rf_looked_wipe(struct rf_looked *l)
{
	rf_secret_wipe(l->bytes, l->n);
	l->n = 0;
}

void rf_looked_free(struct rf_looked *l)
{
	free(l);
}

uint64_t rf_border_listed(const struct rf_call_core *core, enum rf_list_rule rule)
{
	return __atomic_load_n(&core->listed[rule], __ATOMIC_RELAXED);
}

static bool refuses(const struct look *k, enum rf_list_rule rule)
{
	const char *name;

	for (unsigned i = 0; k->accept && k->accept->refuse && (name = rf_accept_rule_name(i)); i++)
		if (k->accept->refuse & 1u << i && strcmp(name, rf_list_rule_name(rule)) == 0)
			return true;
	return false;
}

void rf_border_count(struct rf_call_core *core, enum rf_list_rule rule)
{
	__atomic_store_n(&core->listed[rule], core->listed[rule] + 1, __ATOMIC_RELAXED); /* others read it */
}

static void count(struct look *k, enum rf_list_rule rule)
{
	struct rf_call_core *core = k->core;

	rf_border_count(core, rule);
	if (!k->peer && k->trunk)
		k->peer = rf_trunk_peer(core, k->trunk);
	if (k->peer)
		atomic_fetch_add_explicit(&k->peer->dropped[rule], 1, memory_order_relaxed);
	if (k->by == RF_LIST_PASS && refuses(k, rule))
		k->by = rule;
}

/* --- methods, bodies, headers */

static const struct {
	enum rf_sip_method method;
	enum rf_accept_method bit;
} optional[] = {
	{ RF_SIP_OPTIONS, RF_ACCEPT_OPTIONS }, { RF_SIP_UPDATE, RF_ACCEPT_UPDATE }, { RF_SIP_INFO, RF_ACCEPT_INFO },
};

static bool is_method(const struct rf_site_accept *a, enum rf_sip_method method)
{
	for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
		if (optional[i].method == method)
			return a->methods & 1u << optional[i].bit;
	return rf_list_method(method);
}

void rf_border_put_allow(const struct rf_site_trunk *trunk, struct rf_writer *w)
{
	rf_put_lit(w, "Allow: INVITE, ACK, CANCEL, BYE, PRACK");
	for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
		if (trunk && !(trunk->accept.methods & 1u << optional[i].bit))
			continue;
		rf_put_lit(w, ", ");
		rf_put(w, rf_sip_method_name(optional[i].method));
	}
	rf_put_lit(w, "\r\n");
}

/* Types that are looked into; what else there is in a message is not read. */
static bool is_body(const struct rf_site_accept *a, const struct rf_sip_msg *msg)
{
	const char *name;

	if (!msg->body.n || rf_sip_msg_is_type(msg, RF_V("application/sdp")) ||
	    rf_sip_msg_is_type(msg, RF_V("multipart/mixed")))
		return true;
	for (unsigned i = 0; (name = rf_accept_body_name(i)); i++)
		if (rf_sip_msg_is_type(msg, rf_view_str(name)))
			return a->bodies & 1u << i;
	return false;
}

/* Is it one that a list can have or not, and this one has not? */
static bool is_left_out(const struct rf_site_accept *a, const struct rf_sip_hdr *h)
{
	const char *name;

	for (unsigned i = 0; a->headers != (1u << RF_ACCEPT_HEADERS) - 1 && (name = rf_accept_header_name(i)); i++)
		if (!(a->headers & 1u << i) && (h->id != RF_SIP_H_OTHER ? h->id == rf_sip_hid_of(rf_view_str(name)) :
								      rf_view_eq_nocase(h->name, rf_view_str(name))))
			return true;
	return false;
}

/* Who is asserted to call is believed of a trunk that the site trusts in it, and what is urgent of one
 * that it trusts in that. */
static enum rf_list_rule rule_of(const struct look *k, const struct rf_sip_hdr *h)
{
	const struct rf_site_further *further = rf_border_further(k->trunk, h->id, h->name);
	enum rf_list_rule rule = further ? rf_border_further_rule(rf_core_site(k->core), further, h->value) :
					   rf_list_header(h->id, h->name);

	if (further)
		return rule;
	if (h->id == RF_SIP_H_P_ASSERTED_IDENTITY && !k->trunk->trusted)
		return RF_LIST_IDENTITY;
	if (h->id == RF_SIP_H_RESOURCE_PRIORITY && !k->trunk->trust_precedence)
		return RF_LIST_REMOTE_CONTROL;
	return rule == RF_LIST_PASS && is_left_out(k->accept, h) ? RF_LIST_HEADER : rule;
}

/* --- parameters: of who calls whom and why, in URIs and behind them */

static bool has_parameters(unsigned id)
{
	return id == RF_SIP_H_FROM || id == RF_SIP_H_TO || id == RF_SIP_H_P_ASSERTED_IDENTITY ||
	       id == RF_SIP_H_DIVERSION || id == RF_SIP_H_HISTORY_INFO || id == RF_SIP_H_REASON;
}

static bool is_parameter(const struct rf_site_accept *a, struct rf_view name)
{
	static const struct rf_view needed[] = {
		{ (const uint8_t *)"tag", 3 }, { (const uint8_t *)"transport", 9 }, { (const uint8_t *)"lr", 2 },
		{ (const uint8_t *)"maddr", 5 }, { (const uint8_t *)"ttl", 3 }, { (const uint8_t *)"method", 6 },
	};
	const char *known;

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (rf_view_eq_nocase(name, needed[i]))
			return true;
	for (unsigned i = 0; (known = rf_accept_parameter_name(i)); i++)
		if (rf_view_eq_nocase(name, rf_view_str(known)))
			return a->parameters & 1u << i;
	return false;
}

/* The end of what begins at: a quoted string, or one byte. */
static size_t past(struct rf_view v, size_t at)
{
	if (v.p[at++] != '"')
		return at;
	while (at < v.n && v.p[at] != '"')
		at += v.p[at] == '\\' && at + 1 < v.n ? 2 : 1;
	return at < v.n ? at + 1 : at;
}

static bool ends_parameter(uint8_t c)
{
	return c == ';' || c == ',' || c == '>' || c == '?' || c == '@';
}

/* v without the parameters that are not taken, each of them counted. What stands in quotes and in a URI's headers is no
 * parameter. */
static void put_parameters(struct look *k, struct rf_view v, struct rf_writer *w)
{
	for (size_t at = 0, end; at < v.n; at = end) {
		bool asked = v.p[at] == '?';

		if (v.p[at] != ';') {
			for (end = past(v, at); asked && end < v.n && v.p[end] != '>'; end++)
				;
			rf_put(w, rf_view_sub(v, at, end - at));
			continue;
		}
		for (end = at + 1; end < v.n && !ends_parameter(v.p[end]); end = past(v, end))
			;
		struct rf_view p = rf_view_sub(v, at, end - at), name = rf_view_from(p, 1);

		if (is_parameter(k->accept, rf_view_trim(rf_view_sub(name, 0, rf_view_find(name, '=')))))
			rf_put(w, p);
		else
			count(k, RF_LIST_PARAMETER);
	}
}

/* --- the message */

/* Its first line. */
static void put_line(struct look *k, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	struct rf_view line = rf_view_sub(msg->bytes, 0, rf_view_find(msg->bytes, '\n') + 1);
	size_t uri = rf_view_find(line, ' ') + 1, end = line.n - 1;

	if (!msg->is_request || uri > end) {
		rf_put(w, line);
		return;
	}
	while (end > uri && line.p[end] != ' ')
		end--;
	rf_put(w, rf_view_sub(line, 0, uri));
	put_parameters(k, rf_view_sub(line, uri, end - uri), w);
	rf_put(w, rf_view_from(line, end));
}

static bool is_of_body(unsigned id)
{
	return id == RF_SIP_H_CONTENT_TYPE || id == RF_SIP_H_CONTENT_DISPOSITION || id == RF_SIP_H_CONTENT_ENCODING ||
	       id == RF_SIP_H_CONTENT_LANGUAGE;
}

/* All of the message that is taken; what is not is counted. Credentials end at us: a login needs them. */
static void put_taken(struct look *k, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	bool body = is_body(k->accept, msg);

	if (!body)
		count(k, RF_LIST_BODY);
	put_line(k, msg, w);
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];
		enum rf_list_rule rule = rule_of(k, h);

		if (rule != RF_LIST_PASS)
			count(k, rule);
		if ((rule != RF_LIST_PASS && rule != RF_LIST_CREDENTIALS) || h->id == RF_SIP_H_CONTENT_LENGTH ||
		    (!body && is_of_body(h->id)))
			continue;
		rf_put(w, h->name);
		rf_put_lit(w, ": ");
		if (has_parameters(h->id))
			put_parameters(k, h->value, w);
		else
			rf_put(w, h->value);
		rf_put_lit(w, "\r\n");
	}
	rf_sip_put_hdr_u64(w, RF_SIP_H_CONTENT_LENGTH, body ? msg->body.n : 0);
	rf_put_lit(w, "\r\n");
	if (body)
		rf_put(w, msg->body);
}

static bool is_narrower(const struct rf_site_accept *a)
{
	return a->headers != (1u << RF_ACCEPT_HEADERS) - 1 || a->parameters != (1u << RF_ACCEPT_PARAMETERS) - 1 ||
	       a->bodies != (1u << RF_ACCEPT_BODIES) - 1;
}

/* What has to go on whatever stands in it: who hangs up is not held. */
static bool may_be_refused(const struct rf_sip_msg *msg)
{
	return msg->is_request && msg->method != RF_SIP_ACK && msg->method != RF_SIP_BYE &&
	       msg->method != RF_SIP_CANCEL;
}

/* Before anything of it is read. */
static unsigned look_whole(struct look *k, const struct rf_sip_msg *msg)
{
	if (msg->is_request && !is_method(k->accept, msg->method)) {
		count(k, RF_LIST_METHOD);
		return 405;
	}
	if (msg->bytes.n <= k->accept->message_bytes && msg->hdr_count <= k->accept->header_fields)
		return 0;
	count(k, RF_LIST_SIZE);
	return 513;
}

unsigned rf_border_look(struct rf_call_core *core, const struct rf_site_trunk *trunk, const struct rf_sip_msg **msg)
{
	struct look k = { .core = core, .trunk = trunk, .accept = &trunk->accept };
	struct rf_looked *left = core->looked;
	struct rf_sip_limits limits = rf_sip_limits_default;
	struct rf_writer w;
	unsigned code = look_whole(&k, *msg);

	if (code == 405 || (code && may_be_refused(*msg)))
		return code;
	bool narrower = is_narrower(k.accept);

	limits.message_bytes += GROWS;
	limits.head_bytes += GROWS;
	limits.line_bytes += GROWS;

	rf_writer_init(&w, left->bytes, narrower ? sizeof left->bytes : 0);
	put_taken(&k, *msg, &w);
	if (w.n > left->n)
		left->n = w.n;
	if (k.by != RF_LIST_PASS && may_be_refused(*msg))
		return k.by == RF_LIST_BODY ? 415 : 403;
	if (!narrower)
		return 0;
	/* What is left was part of a message that was understood; were it not one itself, nothing of it is taken. */
	if (w.err || rf_sip_msg_parse(&left->msg, rf_view_of(left->bytes, w.n), RF_SIP_DATAGRAM, &limits))
		return 400;
	*msg = &left->msg;
	return 0;
}

const struct rf_sip_msg *rf_border_heard(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_call_core *core = rf_leg_core(leg);
	const struct rf_site_trunk *t =
		core->border && !leg->party->host.n ? rf_site_trunk(rf_core_site(core), leg->party->trunk) : NULL;

	if (t)
		rf_border_look(core, t, &msg);
	return msg;
}

unsigned rf_border_look_phone(struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	struct look k = { .core = core };

	if (!rf_list_method(msg->method) && !rf_roam_method(core, msg->method)) {
		count(&k, RF_LIST_METHOD);
		return 405;
	}
	if (msg->bytes.n > RF_ROAM_MESSAGE_MAX) {
		count(&k, RF_LIST_SIZE);
		return 513;
	}
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];
		enum rf_list_rule rule =
			h->id == RF_SIP_H_P_ASSERTED_IDENTITY ? RF_LIST_IDENTITY : rf_list_header(h->id, h->name);

		if (rule != RF_LIST_PASS && !rf_roam_reads(msg->method, h->id, h->name))
			count(&k, rule);
	}
	return 0;
}

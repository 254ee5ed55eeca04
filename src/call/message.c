#include "call/message.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/cpim.h"
#include "call/roam.h"
#include "call/trunk.h"

#include <stdlib.h>

/* One on its way to one phone. */
struct branch {
	struct message *message;
	struct rf_cli *cli;         /* NULL: answered, or could not be sent */
	struct rf_party *party;     /* whose phone: a reference */
};

struct message {
	TAILQ_ENTRY(message) list;
	struct rf_call_core *core;
	struct rf_srv *srv;         /* the sender's, NULL: answered, or our own */
	struct rf_party *from;      /* NULL: our own */
	rf_message_done_fn *done;
	void *ctx;
	struct rf_view type;        /* static */
	size_t bytes;
	unsigned best_code, best_rank, open;
	bool anonymous, starting;
	uint8_t to_n;
	uint8_t to[64];
	size_t n;
	struct branch branch[];
};
TAILQ_HEAD(message_list, message);

struct rf_messages {
	struct message_list list;
	struct rf_rates *rates;
	size_t count, most;
};

/* What may be in one. */
static const struct rf_view types[] = {
	{ (const uint8_t *)"text/plain", 10 }, { (const uint8_t *)"message/cpim", 12 },
	{ (const uint8_t *)"application/im-iscomposing+xml", 30 }, { (const uint8_t *)"message/imdn+xml", 16 },
};

enum { TYPES = sizeof types / sizeof *types, TEXT_PLAIN = 0, CPIM = 1 };

#define ACCEPT "Accept: text/plain, message/cpim, application/im-iscomposing+xml, message/imdn+xml\r\n"

int rf_messages_new(struct rf_call_core *core, struct rf_messages **ret_m)
{
	struct rf_messages *m = calloc(1, sizeof *m);

	if (!m)
		return -ENOMEM;
	TAILQ_INIT(&m->list);
	m->most = core->limits.messages;
	int rc = rf_rates_new(m->most, &core->hash_key, &m->rates);

	if (rc) {
		free(m);
		return rc;
	}
	*ret_m = m;
	return 0;
}

static void message_free(struct message *m)
{
	struct rf_messages *all = m->core->messages;

	if (m->srv)
		rf_srv_watch(m->srv, NULL, NULL);
	for (size_t i = 0; i < m->n; i++) {
		rf_cli_drop(m->branch[i].cli);
		rf_party_put(m->branch[i].party);
	}
	rf_party_put(m->from);
	TAILQ_REMOVE(&all->list, m, list);
	all->count--;
	free(m);
}

void rf_messages_free(struct rf_messages *m)
{
	if (!m)
		return;
	while (!TAILQ_EMPTY(&m->list))
		message_free(TAILQ_FIRST(&m->list));
	rf_rates_free(m->rates);
	free(m);
}

size_t rf_messages_count(const struct rf_messages *m)
{
	return m->count;
}

/* --- answers */

static void record(struct message *m, enum rf_event_kind kind, unsigned code, const struct rf_party *by)
{
	struct rf_text t = {
		.to = rf_view_of(m->to, m->to_n), .type = m->type, .bytes = m->bytes, .code = code,
	};

	if (m->from) {
		t.from = m->from->number.n ? m->from->number : m->from->shown;
		t.user = m->from->user;
	}
	if (by)
		t.phone = by->phone;
	if (kind == RF_EVENT_TEXT_REFUSED)
		t.why = rf_code_outcome(code);
	rf_record_text(m->core, kind, &t);
}

/* The outcome is known: whoever waits is told, the others may answer into the void. */
static void finish(struct message *m, unsigned code, const struct rf_party *by)
{
	struct rf_call_core *core = m->core;

	if (code < 300)
		core->counters.messages++;
	else
		core->counters.messages_refused++;
	record(m, code < 300 ? RF_EVENT_TEXT_DELIVERED : RF_EVENT_TEXT_REFUSED, code, by);
	if (m->srv && !rf_srv_answered(m->srv))
		rf_core_reply(core, m->srv, code, RF_V(""));
	if (m->done)
		m->done(m->ctx, code);
	message_free(m);
}

/* A phone's answer, or what stands for it. True: the message is over. */
static bool answered(struct message *m, struct branch *b, unsigned code)
{
	struct rf_code tell = rf_code_of_phone(code);

	if (code == 413 || code == 415) /* of an INVITE these mean other things */
		tell.code = code;
	if (code < 300) {
		finish(m, code, b->party);
		return true;
	}
	if (tell.rank > m->best_rank || !m->best_code) {
		m->best_rank = tell.rank;
		m->best_code = tell.code;
	}
	if (--m->open && tell.rank != RF_CODE_STOPS)
		return false;
	if (m->starting)
		return false;
	finish(m, m->best_code, NULL);
	return true;
}

static void branch_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct branch *b = arg;
	unsigned code = e->kind == RF_CLI_RESPONSE ? e->msg->status : 408;

	if (code < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	b->cli = NULL;
	answered(b->message, b, code);
}

static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct message *m = arg;

	(void)srv;
	if (event == RF_SRV_GONE)
		m->srv = NULL;
}

/* --- what goes out */

void rf_message_put_type(const struct rf_sip_msg *msg, struct rf_view type, struct rf_writer *w)
{
	struct rf_view v = msg->content_type;
	struct rf_sip_param charset;

	rf_put(w, type);
	if (rf_sip_params_find(rf_view_from(v, rf_view_find(v, ';')), RF_V("charset"), &charset) && charset.has_value &&
	    rf_sip_is_token(charset.value))
		rf_sip_put_param(w, RF_V("charset"), charset.value);
}

static struct rf_view number_of(const struct rf_party *p)
{
	return p->number.n ? p->number : p->shown;
}

static void put_self(const struct message *m, struct rf_writer *w)
{
	struct rf_view domain = rf_core_site(m->core)->domain, none = { NULL, 0 };
	uint8_t buf[512];
	struct rf_writer uri;

	if (m->anonymous) {
		rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, m->from ? number_of(m->from) : none, domain, 0);
	if (uri.err)
		w->err = w->err ? w->err : uri.err;
	else
		rf_sip_put_name_addr(w, m->from ? m->from->display : none, rf_view_of(buf, uri.n));
}

/* Request line to CSeq, in core->out: a dialog that lives only for that. */
static int put_head(struct message *m, const struct rf_binding *to, struct rf_writer *w)
{
	struct rf_call_core *core = m->core;
	uint8_t from[512], callee[512];
	struct rf_writer wf, wt;
	struct rf_dialog *dlg;
	struct rf_id tag, call_id;

	rf_writer_init(&wf, from, sizeof from);
	rf_writer_init(&wt, callee, sizeof callee);
	put_self(m, &wf);
	rf_put_byte(&wt, '<');
	rf_sip_uri_put_new(&wt, false, rf_view_of(m->to, m->to_n), rf_core_site(core)->domain, 0);
	rf_put_byte(&wt, '>');
	if (wf.err || wt.err)
		return RF_E_SPACE;
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	struct rf_dialog_setup setup = {
		.call_id = rf_id_view(&call_id), .local = rf_view_of(from, wf.n), .local_tag = rf_id_view(&tag),
		.remote = rf_view_of(callee, wt.n), .target = to->contact, .route = to->path, .cseq = 1,
	};
	int rc = rf_dialog_new_uac(&setup, &dlg);

	if (rc)
		return rc;
	rc = rf_dialog_put_request(dlg, RF_V("MESSAGE"), RF_MAX_FORWARDS, w, NULL);
	rf_dialog_free(dlg);
	return rc;
}

static void put_identity(const struct message *m, struct rf_writer *w)
{
	if (m->anonymous) {
		rf_put_lit(w, "Privacy: id\r\n");
	} else if (m->from && !m->core->border) { /* outside, From says it */
		rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
		put_self(m, w);
		rf_sip_put_crlf(w);
	}
}

static int send(struct message *m, struct branch *b, const struct rf_binding *to, struct rf_view type,
		struct rf_view body)
{
	struct rf_cli_new conf = {
		.target = { .flow = to->flow }, .timeout_ms = RF_MESSAGE_WAIT_MS, .fn = branch_event, .arg = b,
	};
	const struct rf_site_host *border = rf_roam_border(m->core, to);
	struct rf_trunk_way_to way;
	struct rf_writer w;

	rf_writer_init(&w, m->core->out, sizeof m->core->out);
	int rc = put_head(m, to, &w);

	if (!rc && border) {
		rc = rf_border_aim(m->core, border, &way);
		conf.target = way.target;
	}
	if (rc)
		return rc;
	put_identity(m, &w);
	rf_sip_put_body(&w, type, body);
	rc = rf_writer_done(&w, &conf.request);
	return rc ? rc : rf_cli_new(m->core->ua, &conf, &b->cli);
}

/* --- beginning */

static int message_new(struct rf_call_core *core, struct rf_view to, size_t branches, struct message **ret_m)
{
	struct rf_messages *all = core->messages;

	if (all->count >= all->most || to.n > sizeof (*ret_m)->to)
		return RF_E_LIMIT;
	struct message *m = calloc(1, sizeof *m + branches * sizeof *m->branch);

	if (!m)
		return -ENOMEM;
	m->core = core;
	m->to_n = (uint8_t)to.n;
	memcpy(m->to, to.p, to.n);
	m->n = branches;
	for (size_t i = 0; i < branches; i++)
		m->branch[i].message = m;
	TAILQ_INSERT_TAIL(&all->list, m, list);
	all->count++;
	*ret_m = m;
	return 0;
}

/* The phones of a number that can be reached now, in core->scratch. A sender's own phone is left out, by its flow or,
 * where a border speaks for it, by its name. */
struct reach {
	struct rf_view number;
	const struct rf_flow *but;   /* NULL: nobody's */
	struct rf_view but_phone, only_phone; /* "": any */
};

static bool is_reached(struct rf_call_core *core, const struct reach *r, const struct rf_binding *b)
{
	return !b->waiting && rf_identity_stands(core, b->phone, b->user, r->number) &&
	       (!b->by_flow || rf_ua_flow_alive(core->ua, &b->flow)) && !(r->but && rf_flow_eq(r->but, &b->flow)) &&
	       !(r->but_phone.n && rf_view_eq(r->but_phone, b->phone)) &&
	       (!r->only_phone.n || rf_view_eq(r->only_phone, b->phone));
}

static size_t reach(struct rf_call_core *core, const struct reach *r, struct rf_binding **ret_b)
{
	struct rf_binding *b;
	uint8_t buf[320];
	struct rf_writer w;
	size_t n = 0, kept = 0;

	rf_writer_init(&w, buf, sizeof buf);
	rf_put(&w, r->number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(core)->domain);
	if (w.err || rf_location_get(core->location, rf_view_of(buf, w.n), rf_core_now(core), &core->scratch, &b, &n))
		return 0;
	for (size_t i = 0; i < n && kept < core->limits.forks_per_call; i++)
		if (is_reached(core, r, &b[i]))
			b[kept++] = b[i];
	*ret_b = b;
	return kept;
}

/* To all of them. Without memory for one of them it is as if it had not answered. */
static void fork_to(struct message *m, const struct rf_binding *to, struct rf_view type, struct rf_view body)
{
	m->starting = true;
	m->open = (unsigned)m->n;
	for (size_t i = 0; i < m->n; i++) {
		struct branch *b = &m->branch[i];

		b->party = rf_party_new(m->core->directory, rf_view_of(m->to, m->to_n), to[i].phone, to[i].user);
		if (!b->party || send(m, b, &to[i], type, body))
			answered(m, b, 500);
	}
	m->starting = false;
	if (m->open == 0)
		finish(m, m->best_code, NULL);
}

void rf_message_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why, struct rf_view to)
{
	struct rf_text t = {
		.from = rf_proof_number(&in->proof), .to = to, .bytes = in->msg->body.n, .code = code, .why = why,
	};

	core->counters.messages_refused++;
	rf_record_text(core, RF_EVENT_TEXT_REFUSED, &t);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 415 ? RF_V(ACCEPT) :
			      code == 503 ? RF_V("Retry-After: 1\r\n") : RF_V(""));
}

unsigned rf_message_content(const struct rf_sip_msg *msg, struct rf_view *ret_type, const char **ret_why)
{
	struct rf_view encoding = rf_sip_msg_value(msg, RF_SIP_H_CONTENT_ENCODING);
	size_t i = 0;

	*ret_why = "content type";
	while (i < TYPES && !rf_sip_msg_is_type(msg, types[i]))
		i++;
	if (i == TYPES || (encoding.n && !rf_view_eq_nocase(encoding, RF_V("identity"))))
		return 415;
	*ret_type = types[i];
	*ret_why = "too long";
	return msg->body.n > RF_MESSAGE_MAX ? 413 : 0;
}

/* The same, and who a wrapper says it is from is who it is from. user: of the sender, or empty. */
static unsigned content(struct rf_call_core *core, const struct rf_sip_msg *msg, struct rf_view number,
			struct rf_view user, struct rf_view *ret_type, const char **ret_why)
{
	unsigned code = rf_message_content(msg, ret_type, ret_why);

	if (code)
		return code;
	*ret_why = "cpim-from-other";
	return rf_sip_msg_is_type(msg, types[CPIM]) && !rf_cpim_from_is(msg->body, number, user, rf_core_site(core)->domain) ? 403 : 0;
}

static bool within_rate(struct rf_call_core *core, struct rf_in *in, struct rf_view number)
{
	if (rf_rates_take(core->messages->rates, number, RF_MESSAGES_PER_SECOND, rf_core_now(core)) == 0)
		return true;
	rf_record_limit(core, "messages_per_second", in);
	rf_message_refuse(core, in, 503, "too many messages", number);
	return false;
}

static struct rf_party *sender(struct rf_call_core *core, const struct rf_in *in)
{
	return core->border && in->proof.host ? rf_roam_caller(in) : rf_party_of(core, &in->proof);
}

static void begin(struct rf_call_core *core, struct rf_in *in, const struct reach *r, struct rf_view type)
{
	struct rf_binding *to;
	struct message *m;
	uint8_t buf[128];
	struct rf_writer w;
	struct rf_view number = r->number;
	size_t n = reach(core, r, &to);

	if (n == 0) {
		rf_message_refuse(core, in, 480, "not registered", number);
		return;
	}
	int rc = message_new(core, number, n, &m);

	if (rc) {
		if (rc == RF_E_LIMIT)
			rf_record_limit(core, "messages", in);
		rf_message_refuse(core, in, rc == RF_E_LIMIT ? 503 : 500, "no room", number);
		return;
	}
	m->type = type;
	m->bytes = in->msg->body.n;
	m->anonymous = rf_identity_is_anonymous(&in->msg->from.uri) ||
		       rf_identity_privacy(in->msg) == RF_PRIVACY_HIDE;
	m->from = sender(core, in);
	if (!m->from) {
		message_free(m);
		rf_message_refuse(core, in, 500, "memory", number);
		return;
	}
	m->srv = in->srv;
	rf_srv_watch(in->srv, srv_event, m);
	rf_writer_init(&w, buf, sizeof buf);
	rf_message_put_type(in->msg, type, &w);
	fork_to(m, to, w.err ? type : rf_view_of(buf, w.n), in->msg->body);
}

void rf_message_request(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view number = { NULL, 0 }, type, user = { NULL, 0 }, own = rf_proof_number(&in->proof);
	uint8_t buf[64];
	const char *why;

	if (in->proof.user)
		user = in->proof.user->name;
	if (!within_rate(core, in, own))
		return;
	unsigned code = content(core, in->msg, own, user, &type, &why);

	if (core->draining)
		rf_message_refuse(core, in, 503, "shutting down", number);
	else if (!rf_identity_our_host(core, &in->msg->uri))
		rf_message_refuse(core, in, 403, "not a number of this site", number);
	else if (!rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &number) ||
		 !rf_directory_number(core->directory, number))
		rf_message_refuse(core, in, 404, "unknown number", number);
	else if (code)
		rf_message_refuse(core, in, code, why, number);
	else
		/* by a border's connection many come: there it is the phone that is not told what it said itself */
		begin(core, in,
		      &(struct reach){ .number = number,
				       .but = in->proof.host ? NULL : &in->from->flow,
				       .but_phone = in->proof.host ? in->proof.phone->name : RF_V("") },
		      type);
	rf_arena_wipe(&core->scratch);
}

void rf_message_to_phone(struct rf_call_core *core, struct rf_in *in, const struct rf_dir_phone *phone)
{
	struct rf_party *from = rf_roam_caller(in);
	struct rf_view type;
	const char *why;
	/* by who writes, as inside: one of them does not take the phone's messages away from the others */
	bool within = within_rate(core, in, from && from->shown.n ? from->shown : phone->number);

	rf_party_put(from);
	if (!within)
		return;
	unsigned code = rf_message_content(in->msg, &type, &why);

	if (core->draining || code)
		rf_message_refuse(core, in, core->draining ? 503 : code, core->draining ? "shutting down" : why,
				  phone->number);
	else
		begin(core, in, &(struct reach){ .number = phone->number, .only_phone = phone->name }, type);
	rf_arena_wipe(&core->scratch);
}

/* --- in a call */

void rf_message_in_dialog(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_leg *other = rf_leg_other(leg);
	struct rf_view type;
	struct message *m;
	uint8_t buf[128];
	struct rf_writer w, wt;
	const char *why;

	if (leg->pair->state != RF_PAIR_UP || !rf_leg_confirmed(other)) {
		rf_core_reply(core, in->srv, 481, RF_V(""));
		return;
	}
	if (!within_rate(core, in, leg->party->number.n ? leg->party->number : other->party->number))
		return;
	/* who it says it is from the controller has looked at, or will */
	unsigned code = core->border ? rf_message_content(in->msg, &type, &why) :
				       content(core, in->msg, leg->party->number, leg->party->user, &type, &why);

	if (code) {
		rf_message_refuse(core, in, code, why, other->party->number);
		return;
	}
	int rc = message_new(core, other->party->number, 1, &m);

	if (rc) {
		rf_message_refuse(core, in, rc == RF_E_LIMIT ? 503 : 500, "no room", other->party->number);
		return;
	}
	m->type = type;
	m->bytes = in->msg->body.n;
	m->from = rf_party_get(leg->party);
	m->branch[0].party = rf_party_get(other->party);
	m->srv = in->srv;
	m->open = 1;
	rf_srv_watch(in->srv, srv_event, m);
	rf_writer_init(&wt, buf, sizeof buf);
	rf_message_put_type(in->msg, type, &wt);
	rc = rf_leg_begin(other, RF_SIP_MESSAGE, &w);
	if (!rc)
		rc = rf_leg_send(other, &w, wt.err ? type : rf_view_of(buf, wt.n), in->msg->body, branch_event,
				 &m->branch[0], &m->branch[0].cli);
	if (rc)
		answered(m, &m->branch[0], 500);
}

/* --- our own */

int rf_message_tell(struct rf_call_core *core, struct rf_view number, struct rf_view text, rf_message_done_fn *done,
		    void *ctx)
{
	struct rf_binding *to;
	struct message *m;
	size_t n = reach(core, &(struct reach){ .number = number }, &to);
	int rc = n ? message_new(core, number, n, &m) : RF_E_NOT_FOUND;

	if (rc) {
		rf_arena_wipe(&core->scratch);
		return rc;
	}
	m->type = types[TEXT_PLAIN];
	m->bytes = text.n;
	m->done = done;
	m->ctx = ctx;
	fork_to(m, to, RF_V("text/plain;charset=UTF-8"), text);
	rf_arena_wipe(&core->scratch);
	return 0;
}

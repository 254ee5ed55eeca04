/* MESSAGE (RFC 3428) and PUBLISH (RFC 3903) of a phone outside, on their way to the controllers: of the request is said
 * anew to whom, of what kind and for how long; its body goes on when it is of a type and size that somebody reads
 * inside. Whom it comes from is asserted with the phone's URI at the border, for these have no Contact. */
#include "call/roam_int.h"

#include "call/message.h"
#include "call/pidf.h"
#include "call/sub_int.h"
#include "base/secret.h"

#include <stdlib.h>

enum { ETAG_MAX = 64, TYPE_MAX = 96 };

struct text {
	struct rf_roaming ask;
	const struct rf_sub_package *package; /* of a PUBLISH; NULL: a MESSAGE */
	uint32_t expires_s;
	bool has_expires, anonymous;
	uint8_t number_n, etag_n, type_n;
	uint8_t number[64], etag[ETAG_MAX], type[TYPE_MAX];
	size_t body_n;
	uint8_t body[];
};

static struct text *of(struct rf_roaming *r)
{
	return rf_container(r, struct text, ask);
}

static void wipe(struct rf_roaming *r)
{
	rf_secret_wipe(of(r)->body, of(r)->body_n);
}

/* --- what a controller is asked */

static void put_publish(const struct text *t, struct rf_writer *w)
{
	rf_sip_put_hdr(w, RF_SIP_H_EVENT, t->package->name);
	if (t->has_expires)
		rf_sip_put_hdr_u64(w, RF_SIP_H_EXPIRES, t->expires_s);
	if (t->etag_n)
		rf_sip_put_hdr(w, RF_SIP_H_SIP_IF_MATCH, rf_view_of(t->etag, t->etag_n));
}

static int put(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_site_host *host,
	       struct rf_writer *w)
{
	struct text *t = of(r);
	struct rf_roam_head head = { .method = t->package ? RF_V("PUBLISH") : RF_V("MESSAGE"),
				     .to = rf_view_of(t->number, t->number_n), .anonymous = t->anonymous };
	uint8_t uri[512];
	struct rf_writer target;

	rf_writer_init(&target, uri, sizeof uri);
	rf_roam_put_number(r->core, head.to, &target);
	if (target.err)
		return target.err;
	head.target = rf_view_of(uri, target.n);
	rf_roam_put_head(r->core, phone, &head, w);
	rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
	rf_put_byte(w, '<');
	rf_roam_put_self(r->core, phone, host, w);
	rf_put_lit(w, ">\r\n");
	if (t->anonymous)
		rf_put_lit(w, "Privacy: id\r\n");
	rf_put(w, rf_view_of(r->login, r->login_n));
	if (t->package)
		put_publish(t, w);
	rf_sip_put_body(w, rf_view_of(t->type, t->body_n ? t->type_n : 0), rf_view_of(t->body, t->body_n));
	return w->err;
}

/* --- what a controller says */

static void taken(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_sip_msg *msg)
{
	struct rf_view etag = rf_sip_msg_value(msg, RF_SIP_H_SIP_ETAG), headers = { NULL, 0 };
	struct rf_writer w;

	(void)phone;
	rf_writer_init(&w, r->core->head, sizeof r->core->head);
	if (of(r)->package && etag.n <= ETAG_MAX && rf_sip_is_token(etag))
		rf_sip_put_hdr(&w, RF_SIP_H_SIP_ETAG, etag);
	if (of(r)->package && msg->has_expires)
		rf_sip_put_hdr_u64(&w, RF_SIP_H_EXPIRES, msg->expires_s);
	rf_writer_done(&w, &headers);
	rf_roaming_reply(r, msg->status == 202 ? 202 : 200, headers);
}

static unsigned refused(struct rf_roaming *r, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	static const uint16_t as_is[] = { 400, 403, 404, 408, 412, 413, 415, 423, 480, 486, 488, 489, 600, 603 };
	uint32_t least;
	size_t i = 0;

	while (i < sizeof as_is / sizeof *as_is && as_is[i] != msg->status)
		i++;
	if (i == sizeof as_is / sizeof *as_is)
		return of(r)->package ? 0 : 480;
	if (msg->status == 423 && rf_sip_msg_number(msg, RF_SIP_H_MIN_EXPIRES, &least) == 0)
		rf_sip_put_hdr_u64(w, RF_SIP_H_MIN_EXPIRES, least);
	return msg->status;
}

static void ended(struct rf_roaming *r, unsigned code)
{
	struct rf_call_counters *c = &r->core->counters;

	if (code == 401 || code == 407)
		return;
	if (of(r)->package && code < 300)
		c->publications++;
	else if (of(r)->package)
		c->publications_refused++;
	else if (code < 300)
		c->messages++;
	else
		c->messages_refused++;
}

static const struct rf_roaming_ops publish_ops = {
	.put = put, .taken = taken, .refused = refused, .ended = ended, .fini = wipe
};
/* The phone that it is for may take its time, and nobody gets it twice. */
static const struct rf_roaming_ops message_ops = {
	.put = put, .taken = taken, .refused = refused, .ended = ended, .fini = wipe,
	.wait_ms = RF_MESSAGE_WAIT_MS + 5000,
};

/* --- what the phone asks */

static void refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, struct rf_view headers)
{
	core->counters.publications_refused += in->msg->method == RF_SIP_PUBLISH;
	core->counters.messages_refused += in->msg->method == RF_SIP_MESSAGE;
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

static void begin(struct rf_call_core *core, struct rf_in *in, const struct text *asked, struct rf_view type)
{
	struct text *t = calloc(1, sizeof *t + in->msg->body.n);
	struct rf_writer w;

	if (!t) {
		refuse(core, in, 503, RF_V("Retry-After: 30\r\n"));
		return;
	}
	*t = *asked;
	t->body_n = in->msg->body.n;
	if (t->body_n)
		memcpy(t->body, in->msg->body.p, t->body_n);
	rf_writer_init(&w, t->type, sizeof t->type);
	rf_message_put_type(in->msg, type, &w);
	t->type_n = (uint8_t)w.n;
	if (rf_roaming_begin(&t->ask, asked->package ? &publish_ops : &message_ops, core, in))
		refuse(core, in, 503, RF_V("Retry-After: 30\r\n"));
	else
		rf_roaming_go(&t->ask);
}

static bool is_plain(const struct rf_sip_msg *msg)
{
	struct rf_view encoding = rf_sip_msg_value(msg, RF_SIP_H_CONTENT_ENCODING);

	return !encoding.n || rf_view_eq_nocase(encoding, RF_V("identity"));
}

static const struct rf_sub_package *package_of(const struct rf_sip_msg *msg)
{
	struct rf_view v = rf_sip_msg_value(msg, RF_SIP_H_EVENT);
	struct rf_view name = rf_view_trim(rf_view_sub(v, 0, rf_view_find(v, ';')));

	return rf_view_eq(name, rf_sub_presence.name) ? &rf_sub_presence :
	       rf_view_eq(name, rf_sub_mwi.name) ? &rf_sub_mwi :
	       NULL;
}

static void publish(struct rf_call_core *core, struct rf_in *in, struct text *t)
{
	struct rf_view etag = rf_sip_msg_value(in->msg, RF_SIP_H_SIP_IF_MATCH), none = { NULL, 0 };
	bool body = in->msg->body.n > 0;

	t->package = package_of(in->msg);
	t->expires_s = in->msg->expires_s;
	t->has_expires = in->msg->has_expires;
	if (!t->package) {
		refuse(core, in, 489, RF_V("Allow-Events: message-summary, presence\r\n"));
		return;
	}
	if (body && (!is_plain(in->msg) || !rf_sip_msg_is_type(in->msg, t->package->type))) {
		struct rf_writer w;
		struct rf_view headers = none;

		rf_writer_init(&w, core->head, sizeof core->head);
		rf_sip_put_hdr(&w, RF_SIP_H_ACCEPT, t->package->type);
		rf_writer_done(&w, &headers);
		refuse(core, in, 415, headers);
		return;
	}
	if (in->msg->body.n > RF_PIDF_MAX || etag.n > ETAG_MAX || (etag.n && !rf_sip_is_token(etag))) {
		refuse(core, in, in->msg->body.n > RF_PIDF_MAX ? 413 : 412, none);
		return;
	}
	t->etag_n = (uint8_t)etag.n;
	if (etag.n)
		memcpy(t->etag, etag.p, etag.n);
	begin(core, in, t, t->package->type);
}

void rf_roam_text(struct rf_call_core *core, struct rf_in *in)
{
	struct text t = { .anonymous = rf_identity_is_anonymous(&in->msg->from.uri) ||
				       rf_identity_privacy(in->msg) == RF_PRIVACY_HIDE };
	struct rf_view number = { NULL, 0 }, type;
	uint8_t buf[64];
	const char *why;
	unsigned code;

	if (core->draining) {
		refuse(core, in, 503, RF_V("Retry-After: 5\r\n"));
		return;
	}
	if (!rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &number)) {
		refuse(core, in, 404, RF_V(""));
		return;
	}
	memcpy(t.number, number.p, number.n);
	t.number_n = (uint8_t)number.n;
	if (in->msg->method == RF_SIP_PUBLISH) {
		publish(core, in, &t);
		return;
	}
	code = rf_message_content(in->msg, &type, &why);
	if (code)
		rf_message_refuse(core, in, code, why, number);
	else
		begin(core, in, &t, type);
}

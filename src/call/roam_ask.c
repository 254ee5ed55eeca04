/* A request of a phone outside on its way to the controllers: one after the other until one answers. What the phone is
 * told is written here or by the request's own table, from a list of codes and headers; nothing is passed on. */
#include "call/roam_int.h"

#include "base/secret.h"
#include "call/trunk.h"

#include <stdlib.h>

enum { LOGIN_MAX = 2048 };

static void finish(struct rf_roaming *r)
{
	if (r->ops->fini)
		r->ops->fini(r);
	TAILQ_REMOVE(&r->core->roamings, r, list);
	r->core->roamings_n--;
	if (r->srv)
		rf_srv_watch(r->srv, NULL, NULL);
	rf_cli_drop(r->cli);
	rf_secret_free(r->login, r->login_n);
	free(r);
}

void rf_roaming_reply_in(struct rf_roaming *r, unsigned code, struct rf_view tag, struct rf_view headers)
{
	if (code == 503 && !headers.n)
		headers = RF_V("Retry-After: 30\r\n");
	if (r->ops->ended)
		r->ops->ended(r, code);
	if (r->srv)
		rf_srv_reply(r->srv, &(struct rf_srv_reply){ .code = code, .to_tag = tag, .headers = headers });
	finish(r);
}

void rf_roaming_reply(struct rf_roaming *r, unsigned code, struct rf_view headers)
{
	rf_roaming_reply_in(r, code, RF_V(""), headers);
}

/* --- what a controller says */

static bool ask(struct rf_roaming *r);

static void refused(struct rf_roaming *r, const struct rf_sip_msg *msg)
{
	struct rf_call_core *core = r->core;
	struct rf_view headers = { NULL, 0 };
	unsigned code = 0;
	struct rf_writer w;

	if (msg->status >= 500 && msg->status < 600 && ask(r))
		return;
	rf_writer_init(&w, core->head, sizeof core->head);
	if (msg->status == 401 || msg->status == 407)
		code = rf_roam_put_challenges(core, msg, &w) ? msg->status : 403;
	else if (msg->status < 500 || msg->status >= 600)
		code = r->ops->refused(r, msg, &w);
	rf_writer_done(&w, &headers);
	rf_roaming_reply(r, code ? code : 503, headers);
	rf_secret_wipe(core->head, w.n); /* a challenge is between that phone and its controller */
}

static void on_answer(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_roaming *r = arg;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	r->cli = NULL;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	const struct rf_dir_phone *phone = rf_directory_phone(r->core->directory, rf_view_str(r->phone));

	if (!phone || !phone->site || !phone->site->roams)
		rf_roaming_reply(r, 403, RF_V("")); /* the site is another by now */
	else if (e->kind == RF_CLI_RESPONSE && e->msg->status < 300)
		r->ops->taken(r, phone, e->msg);
	else if (e->kind == RF_CLI_RESPONSE)
		refused(r, e->msg);
	else if (e->kind == RF_CLI_TIMEOUT && r->ops->wait_ms)
		rf_roaming_reply(r, 408, RF_V(""));
	else if (e->kind == RF_CLI_GONE || !ask(r))
		rf_roaming_reply(r, 503, RF_V(""));
}

/* --- what it is asked */

void rf_roam_put_number(const struct rf_call_core *core, struct rf_view number, struct rf_writer *w)
{
	rf_sip_uri_put_new(w, false, number, rf_core_site(core)->domain, 0);
}

void rf_roam_put_self(struct rf_call_core *core, const struct rf_dir_phone *phone, const struct rf_site_host *host,
		      struct rf_writer *w)
{
	struct rf_flow flow;
	char buf[256];
	uint16_t port;

	rf_border_flow(core, host, &flow);
	struct rf_view own = rf_ua_sent_by(core->ua, &flow, buf, &port);

	rf_roam_put_uri(w, phone, own, port);
}

int rf_roam_put_head(struct rf_call_core *core, const struct rf_dir_phone *phone, const struct rf_roam_head *head,
		     struct rf_writer *w)
{
	struct rf_id call_id, tag;

	rf_ua_make_id(core->ua, &call_id);
	rf_ua_make_id(core->ua, &tag);
	rf_sip_put_request(w, head->method, head->target);
	rf_put_lit(w, "From: <");
	if (head->anonymous)
		rf_put_lit(w, "sip:anonymous@anonymous.invalid");
	else
		rf_roam_put_number(core, phone->number, w);
	rf_put_lit(w, ">;tag=");
	rf_put(w, rf_id_view(&tag));
	rf_put_lit(w, "\r\nTo: <");
	rf_roam_put_number(core, head->to, w);
	rf_put_lit(w, ">\r\nCall-ID: ");
	rf_put(w, rf_id_view(&call_id));
	rf_put_lit(w, "\r\n");
	rf_sip_put_cseq(w, 1, head->method);
	rf_put_lit(w, "Max-Forwards: 70\r\n");
	return w->err;
}

static int send(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_site_host *host)
{
	struct rf_call_core *core = r->core;
	struct rf_trunk_way_to way;
	struct rf_writer w;
	int rc = rf_border_aim(core, host, &way);

	rf_writer_init(&w, core->out, sizeof core->out);
	if (!rc && (rc = r->ops->put(r, phone, host, &w)))
		rf_secret_wipe(core->out, w.n);
	if (rc)
		return rc;
	struct rf_cli_new conf = {
		.target = way.target, .timeout_ms = r->ops->wait_ms ? r->ops->wait_ms : RF_TRUNK_TRY_MS,
		.fn = on_answer, .arg = r,
	};

	rc = rf_writer_done(&w, &conf.request);
	if (!rc)
		rc = rf_cli_new(core->ua, &conf, &r->cli);
	rf_secret_wipe(core->out, w.n); /* credentials, text: the buffer is everybody's */
	return rc;
}

/* The next controller. False: there is none that it could be sent to. */
static bool ask(struct rf_roaming *r)
{
	const struct rf_site_host *hosts[RF_BORDER_HOSTS_MAX];
	const struct rf_dir_phone *phone = rf_directory_phone(r->core->directory, rf_view_str(r->phone));
	size_t n = rf_border_others(r->core, hosts);

	while (phone && r->tried < n)
		if (send(r, phone, hosts[r->tried++]) == 0)
			return true;
	return false;
}

void rf_roaming_go(struct rf_roaming *r)
{
	if (!ask(r))
		rf_roaming_reply(r, 503, RF_V(""));
}

/* --- its life */

static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_roaming *r = arg;

	(void)srv;
	if (event == RF_SRV_GONE)
		r->srv = NULL;
}

static int keep_login(struct rf_roaming *r, const struct rf_sip_msg *req)
{
	uint8_t buf[LOGIN_MAX];
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_roam_put_credentials(r->core, req, &w);
	r->login = w.n ? malloc(w.n) : NULL;
	if (r->login) {
		memcpy(r->login, buf, w.n);
		r->login_n = w.n;
	}
	int rc = w.n && !r->login ? -ENOMEM : 0;

	rf_secret_wipe(buf, sizeof buf); /* also what did not fit and was taken back */
	return rc;
}

int rf_roaming_begin(struct rf_roaming *r, const struct rf_roaming_ops *ops, struct rf_call_core *core,
		     struct rf_in *in)
{
	bool room = core->roamings_n < RF_ROAM_PENDING_MAX;

	r->core = core;
	r->ops = ops;
	TAILQ_INSERT_TAIL(&core->roamings, r, list);
	core->roamings_n++;
	int rc = room ? keep_login(r, in->msg) : RF_E_LIMIT;

	if (rc) {
		finish(r);
		return rc;
	}
	r->srv = in->srv;
	r->flow = in->from->flow;
	rf_view_cstr(in->proof.phone->name, r->phone, sizeof r->phone);
	rf_srv_watch(r->srv, srv_event, r);
	return 0;
}

void rf_roam_drop(struct rf_call_core *core)
{
	struct rf_roaming *r;

	while ((r = TAILQ_FIRST(&core->roamings)))
		finish(r);
}

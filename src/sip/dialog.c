/* Identity, sequence numbers and state. What a dialog is named by stands in its own block and never changes; where its
 * requests go is dialog_path.c, how they are written dialog_req.c. */
#include "sip/dialog_int.h"

#include "sip/build.h"

#include <stdlib.h>

/* --- making */

struct names {
	struct rf_view call_id, local_tag;
	struct rf_view local, remote;  /* name-addr or addr-spec; parameters are dropped */
	struct rf_view target, route;  /* caller only */
};

static struct rf_view put_text(struct rf_writer *w, struct rf_view v)
{
	size_t at = w->n;

	rf_sip_put_value(w, v);
	return w->err ? (struct rf_view){ 0 } : rf_view_of(w->buf + at, w->n - at);
}

/* "Name" <uri>, or <uri>: without parameters, so that a tag can follow. */
static struct rf_view put_addr(struct rf_writer *w, struct rf_view v)
{
	struct rf_sip_addr addr;
	size_t at = w->n;

	if (rf_sip_addr_parse(v, &addr)) {
		w->err = w->err ? w->err : RF_E_MALFORMED;
		return (struct rf_view){ 0 };
	}
	if (addr.bracketed) {
		const uint8_t *end = addr.params.n ? addr.params.p : addr.text.p + addr.text.n;

		rf_sip_put_value(w, rf_view_trim(rf_view_of(addr.text.p, (size_t)(end - addr.text.p))));
	} else {
		rf_put_byte(w, '<');
		rf_sip_put_value(w, addr.uri.text);
		rf_put_byte(w, '>');
	}
	return w->err ? (struct rf_view){ 0 } : rf_view_of(w->buf + at, w->n - at);
}

static int dialog_new(const struct names *names, struct rf_dialog **ret_dlg)
{
	size_t n = names->call_id.n + names->local_tag.n + names->local.n + names->remote.n + names->target.n +
		   names->route.n + 4; /* angle brackets */

	if (n > RF_DIALOG_MAX_BYTES)
		return RF_E_LIMIT;
	struct rf_dialog *d = calloc(1, sizeof *d + n);
	if (!d)
		return -ENOMEM;
	struct rf_writer w;
	rf_writer_init(&w, d->text, n);
	d->bytes = sizeof *d + n;
	d->call_id = put_text(&w, names->call_id);
	d->local_tag = put_text(&w, names->local_tag);
	d->local = put_addr(&w, names->local);
	d->remote = put_addr(&w, names->remote);
	d->setup_target = put_text(&w, names->target);
	d->setup_route = put_text(&w, names->route);
	if (w.err) {
		free(d);
		return w.err == RF_E_SPACE ? RF_E_LIMIT : w.err;
	}
	*ret_dlg = d;
	return 0;
}

static int set_path(struct rf_dialog *d, const struct rf_dialog_path_parts *parts)
{
	struct rf_dialog_path *path;
	int rc = rf_dialog_path_new(parts, &path);

	if (rc)
		return rc;
	free(d->path);
	d->path = path;
	return 0;
}

/* The caller's view before anyone answered. */
static int set_first_path(struct rf_dialog *d)
{
	struct rf_view routes[RF_DIALOG_MAX_ROUTES];
	struct rf_dialog_path_parts parts = { .target = d->setup_target, .routes = routes };
	int rc = rf_dialog_routes_in(d->setup_route, routes, &parts.route_count);

	return rc ? rc : set_path(d, &parts);
}

/* The same routes and tag, another target. */
static int set_target(struct rf_dialog *d, struct rf_view target)
{
	struct rf_view routes[RF_DIALOG_MAX_ROUTES];
	struct rf_dialog_path_parts parts = { .remote_tag = d->path->remote_tag, .target = target, .routes = routes };

	if (rf_view_eq(target, d->path->target))
		return 0;
	int rc = rf_dialog_routes_in(d->path->routes, routes, &parts.route_count);
	return rc ? rc : set_path(d, &parts);
}

int rf_dialog_new_uac(const struct rf_dialog_setup *setup, struct rf_dialog **ret_dlg)
{
	const struct names names = { setup->call_id, setup->local_tag, setup->local,
				     setup->remote,  setup->target,    setup->route };
	struct rf_sip_uri target;
	struct rf_dialog *d;

	if (setup->cseq == 0 || setup->cseq > RF_DIALOG_CSEQ_MAX || rf_view_empty(setup->call_id) ||
	    !rf_sip_is_token(setup->local_tag) || rf_sip_uri_parse(setup->target, &target) ||
	    (setup->secure && target.scheme != RF_SIP_SCHEME_SIPS))
		return RF_E_MALFORMED;
	int rc = dialog_new(&names, &d);
	if (rc)
		return rc;
	d->state = RF_DIALOG_TRYING;
	d->is_caller = true;
	d->secure = setup->secure;
	d->local_cseq = setup->cseq - 1;
	rc = set_first_path(d);
	if (rc) {
		rf_dialog_free(d);
		return rc;
	}
	*ret_dlg = d;
	return 0;
}

static bool is_secure(const struct rf_sip_msg *req, bool over_tls)
{
	return over_tls && req->uri.scheme == RF_SIP_SCHEME_SIPS; /* 12.1.1 */
}

bool rf_dialog_has_contact(const struct rf_sip_msg *req, bool over_tls)
{
	struct rf_view uri;

	return rf_dialog_contact_of(req, is_secure(req, over_tls), &uri) == 0;
}

int rf_dialog_new_uas(const struct rf_sip_msg *req, struct rf_view local_tag, bool over_tls,
		      struct rf_dialog **ret_dlg)
{
	const struct names names = { .call_id = req->call_id, .local_tag = local_tag, .local = req->to.text,
				     .remote = req->from.text };
	struct rf_view routes[RF_DIALOG_MAX_ROUTES];
	struct rf_dialog_path_parts parts = { .remote_tag = req->from.tag, .routes = routes };
	bool secure = is_secure(req, over_tls);
	struct rf_dialog *d;

	if (!req->is_request || !rf_sip_is_token(local_tag))
		return RF_E_MALFORMED;
	int rc = rf_dialog_contact_of(req, secure, &parts.target);
	if (rc)
		return rc == RF_E_NOT_FOUND ? RF_E_MALFORMED : rc;
	rc = rf_dialog_routes_of(req, false, routes, &parts.route_count);
	if (rc)
		return rc;
	rc = dialog_new(&names, &d);
	if (rc)
		return rc;
	d->state = RF_DIALOG_TRYING;
	d->secure = secure;
	d->remote_cseq = req->cseq;
	rc = set_path(d, &parts);
	if (rc) {
		rf_dialog_free(d);
		return rc;
	}
	*ret_dlg = d;
	return 0;
}

void rf_dialog_free(struct rf_dialog *dlg)
{
	if (!dlg)
		return;
	free(dlg->path);
	free(dlg);
}

/* --- responses to what we sent */

/* Tag, routes and target from a response to the first request (12.1.2). Without a usable Contact the target stays and
 * *ret_contact says why. */
static int learn(struct rf_dialog *d, const struct rf_sip_msg *resp, int *ret_contact)
{
	struct rf_view routes[RF_DIALOG_MAX_ROUTES];
	struct rf_dialog_path_parts parts = { .remote_tag = resp->to.tag, .target = d->path->target, .routes = routes };
	int rc = rf_dialog_routes_of(resp, true, routes, &parts.route_count);

	if (rc)
		return rc;
	*ret_contact = rf_dialog_contact_of(resp, d->secure, &parts.target);
	return set_path(d, &parts);
}

static bool is_refresh(enum rf_sip_method method)
{
	return method == RF_SIP_INVITE || method == RF_SIP_UPDATE || method == RF_SIP_SUBSCRIBE ||
	       method == RF_SIP_NOTIFY || method == RF_SIP_REFER;
}

static bool is_reliable(const struct rf_sip_msg *resp)
{
	return rf_sip_msg_hdr(resp, RF_SIP_H_RSEQ) && rf_sip_msg_has_token(resp, RF_SIP_H_REQUIRE, RF_V("100rel"));
}

/* A Contact that is there and good becomes the target. */
static int refresh_from(struct rf_dialog *d, const struct rf_sip_msg *msg)
{
	struct rf_view target;
	int rc = rf_dialog_contact_of(msg, d->secure, &target);

	if (rc == RF_E_NOT_FOUND)
		return 0;
	return rc ? rc : set_target(d, target);
}

static int first_response(struct rf_dialog *d, const struct rf_sip_msg *resp)
{
	int contact = 0;
	int rc = 0;

	if (resp->status >= 300) { /* 12.3: early dialogs end with it; the request may be tried again */
		rc = set_first_path(d);
		if (rc == 0)
			d->state = RF_DIALOG_TRYING;
		return rc;
	}
	if (resp->status < 200 && rf_view_empty(resp->to.tag))
		return 0;
	if (d->state == RF_DIALOG_TRYING || resp->status >= 200) /* 13.2.2.4: routes anew from the 2xx */
		rc = learn(d, resp, &contact);
	else
		contact = refresh_from(d, resp);
	if (rc)
		return rc;
	d->state = resp->status < 200 ? RF_DIALOG_EARLY : RF_DIALOG_CONFIRMED;
	return resp->status >= 200 && contact ? RF_E_MALFORMED : 0;
}

static int later_response(struct rf_dialog *d, const struct rf_sip_msg *resp)
{
	if (resp->status == 481 || resp->status == 408) { /* 12.2.1.2 */
		d->state = RF_DIALOG_ENDED;
		return 0;
	}
	bool accepted = resp->status >= 200 ? resp->status < 300 : is_reliable(resp);
	return accepted && is_refresh(resp->cseq_method) ? refresh_from(d, resp) : 0;
}

static bool from_us(const struct rf_dialog *d, const struct rf_sip_msg *resp)
{
	return !resp->is_request && rf_view_eq(resp->call_id, d->call_id) && rf_view_eq(resp->from.tag, d->local_tag);
}

int rf_dialog_response(struct rf_dialog *dlg, const struct rf_sip_msg *resp)
{
	if (!from_us(dlg, resp))
		return RF_E_NOT_FOUND;
	if (dlg->state == RF_DIALOG_ENDED || resp->status == 100)
		return 0;
	bool first = dlg->is_caller && dlg->state < RF_DIALOG_CONFIRMED && resp->cseq == dlg->first_cseq;
	if (first && dlg->state == RF_DIALOG_TRYING)
		return first_response(dlg, resp);
	if (first && resp->status >= 300) /* ends all early dialogs, whoever sent it */
		return first_response(dlg, resp);
	if (!rf_view_eq(resp->to.tag, dlg->path->remote_tag))
		return first && rf_view_empty(resp->to.tag) ? 0 : RF_E_NOT_FOUND;
	if (dlg->is_caller && dlg->state == RF_DIALOG_CONFIRMED && resp->cseq == dlg->first_cseq)
		return 0; /* the 2xx again */
	return first ? first_response(dlg, resp) : later_response(dlg, resp);
}

int rf_dialog_fork(const struct rf_dialog *base, const struct rf_sip_msg *resp, struct rf_dialog **ret_dlg)
{
	const struct names names = { base->call_id, base->local_tag,    base->local,
				     base->remote,  base->setup_target, base->setup_route };
	struct rf_dialog *d;

	if (!base->is_caller || !from_us(base, resp) || resp->cseq != base->first_cseq)
		return RF_E_NOT_FOUND;
	if (resp->status <= 100 || resp->status >= 300 || rf_view_empty(resp->to.tag))
		return RF_E_STATE;
	int rc = dialog_new(&names, &d);
	if (rc)
		return rc;
	d->state = RF_DIALOG_TRYING;
	d->is_caller = true;
	d->secure = base->secure;
	d->first_cseq = d->local_cseq = base->first_cseq;
	rc = set_first_path(d);
	if (rc == 0)
		rc = rf_dialog_response(d, resp);
	if (rc && !(rc == RF_E_MALFORMED && d->state == RF_DIALOG_CONFIRMED)) {
		rf_dialog_free(d);
		return rc;
	}
	*ret_dlg = d; /* a 2xx without Contact still makes a dialog, so that it can be ended */
	return 0;
}

/* --- the called side, and requests that come */

void rf_dialog_answered(struct rf_dialog *dlg, unsigned code)
{
	if (dlg->state >= RF_DIALOG_CONFIRMED || code <= 100)
		return;
	dlg->state = code < 200 ? RF_DIALOG_EARLY : code < 300 ? RF_DIALOG_CONFIRMED : RF_DIALOG_ENDED;
}

void rf_dialog_end(struct rf_dialog *dlg)
{
	dlg->state = RF_DIALOG_ENDED;
}

int rf_dialog_request(struct rf_dialog *dlg, const struct rf_sip_msg *req, unsigned *ret_code)
{
	if (!req->is_request || dlg->state == RF_DIALOG_ENDED || !rf_dialog_matches(dlg, req)) {
		*ret_code = 481;
		return RF_E_NOT_FOUND;
	}
	if (req->cseq <= dlg->remote_cseq && dlg->remote_cseq) { /* 12.2.2 */
		*ret_code = 500;
		return RF_E_STATE;
	}
	dlg->remote_cseq = req->cseq;
	return 0;
}

int rf_dialog_refresh(struct rf_dialog *dlg, const struct rf_sip_msg *req)
{
	return req->is_request && is_refresh(req->method) ? refresh_from(dlg, req) : 0;
}

bool rf_dialog_is(const struct rf_dialog *dlg, struct rf_view call_id, struct rf_view local_tag,
		  struct rf_view remote_tag)
{
	return rf_view_eq(dlg->call_id, call_id) && rf_view_eq(dlg->local_tag, local_tag) &&
	       rf_view_eq(dlg->path->remote_tag, remote_tag);
}

bool rf_dialog_matches(const struct rf_dialog *dlg, const struct rf_sip_msg *msg)
{
	return msg->is_request ? rf_dialog_is(dlg, msg->call_id, msg->to.tag, msg->from.tag) :
				 rf_dialog_is(dlg, msg->call_id, msg->from.tag, msg->to.tag);
}

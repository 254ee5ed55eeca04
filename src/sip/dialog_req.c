/* The head of each request that we send in a dialog; and what a dialog tells about itself. Whatever is written here was
 * checked when it was stored. */
#include "sip/dialog_int.h"

static void put_line(struct rf_writer *w, struct rf_view name, struct rf_view value)
{
	rf_put(w, name);
	rf_put(w, value);
	rf_put_lit(w, "\r\n");
}

static void put_party(struct rf_writer *w, struct rf_view name, struct rf_view addr, struct rf_view tag)
{
	rf_put(w, name);
	rf_put(w, addr);
	if (tag.n) {
		rf_put_lit(w, ";tag=");
		rf_put(w, tag);
	}
	rf_put_lit(w, "\r\n");
}

/* A strict router wants itself in the Request-URI and the target as the last route (12.2.1.1). */
static void put_strict_routes(struct rf_writer *w, const struct rf_dialog_path *path)
{
	rf_put_lit(w, "Route: ");
	if (path->later.n) {
		rf_put(w, path->later);
		rf_put_lit(w, ", ");
	}
	rf_put_byte(w, '<');
	rf_put(w, path->target);
	rf_put_lit(w, ">\r\n");
}

static int put_head(const struct rf_dialog *d, struct rf_view method, uint32_t cseq, unsigned max_forwards,
		    struct rf_writer *w)
{
	const struct rf_dialog_path *path = d->path;
	bool strict = path->first_ruri.n != 0;

	if (!rf_sip_is_token(method))
		return RF_E_MALFORMED;
	rf_put(w, method);
	rf_put_byte(w, ' ');
	rf_put(w, strict ? path->first_ruri : path->target);
	rf_put_lit(w, " SIP/2.0\r\n");
	if (strict)
		put_strict_routes(w, path);
	else if (path->routes.n)
		put_line(w, RF_V("Route: "), path->routes);
	put_party(w, RF_V("From: "), d->local, d->local_tag);
	put_party(w, RF_V("To: "), d->remote, path->remote_tag);
	put_line(w, RF_V("Call-ID: "), d->call_id);
	rf_put_lit(w, "CSeq: ");
	rf_put_u64(w, cseq);
	rf_put_byte(w, ' ');
	rf_put(w, method);
	rf_put_lit(w, "\r\nMax-Forwards: ");
	rf_put_u64(w, max_forwards);
	rf_put_lit(w, "\r\n");
	return w->err;
}

int rf_dialog_put_request(struct rf_dialog *dlg, struct rf_view method, unsigned max_forwards, struct rf_writer *w,
			  uint32_t *ret_cseq)
{
	uint32_t cseq = dlg->local_cseq + 1;

	if (cseq > RF_DIALOG_CSEQ_MAX)
		return RF_E_LIMIT;
	int rc = put_head(dlg, method, cseq, max_forwards, w);
	if (rc)
		return rc;
	dlg->local_cseq = cseq;
	if (dlg->is_caller && dlg->state == RF_DIALOG_TRYING)
		dlg->first_cseq = cseq;
	if (ret_cseq)
		*ret_cseq = cseq;
	return 0;
}

int rf_dialog_put_ack(const struct rf_dialog *dlg, uint32_t invite_cseq, unsigned max_forwards, struct rf_writer *w)
{
	return put_head(dlg, RF_V("ACK"), invite_cseq, max_forwards, w);
}

struct rf_view rf_dialog_next_hop(const struct rf_dialog *dlg)
{
	return dlg->path->first.n ? dlg->path->first : dlg->path->target;
}

/* --- reading */

enum rf_dialog_state rf_dialog_state(const struct rf_dialog *dlg)
{
	return (enum rf_dialog_state)dlg->state;
}

bool rf_dialog_is_caller(const struct rf_dialog *dlg)
{
	return dlg->is_caller;
}

bool rf_dialog_is_secure(const struct rf_dialog *dlg)
{
	return dlg->secure;
}

struct rf_view rf_dialog_call_id(const struct rf_dialog *dlg)
{
	return dlg->call_id;
}

struct rf_view rf_dialog_local_tag(const struct rf_dialog *dlg)
{
	return dlg->local_tag;
}

struct rf_view rf_dialog_remote_tag(const struct rf_dialog *dlg)
{
	return dlg->path->remote_tag;
}

struct rf_view rf_dialog_target(const struct rf_dialog *dlg)
{
	return dlg->path->target;
}

struct rf_view rf_dialog_routes(const struct rf_dialog *dlg)
{
	return dlg->path->routes;
}

uint32_t rf_dialog_local_cseq(const struct rf_dialog *dlg)
{
	return dlg->local_cseq;
}

uint32_t rf_dialog_remote_cseq(const struct rf_dialog *dlg)
{
	return dlg->remote_cseq;
}

size_t rf_dialog_bytes(const struct rf_dialog *dlg)
{
	return dlg->bytes + dlg->path->bytes;
}

const char *rf_dialog_state_name(enum rf_dialog_state state)
{
	static const char *const names[] = { "trying", "early", "confirmed", "ended" };

	return (unsigned)state < 4 ? names[state] : "?";
}

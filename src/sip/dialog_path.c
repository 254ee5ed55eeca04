/* Route set and remote target: read from messages, kept as one block of text. */
#include "sip/dialog_int.h"

#include "sip/build.h"

#include <stdlib.h>

static bool is_sip(struct rf_view text, struct rf_sip_uri *ret_uri)
{
	return rf_sip_uri_parse(text, ret_uri) == 0 && rf_sip_uri_is_sip(ret_uri);
}

static int collect(struct rf_sip_values it, bool reversed, struct rf_view *routes, size_t *ret_count)
{
	struct rf_sip_addr addr;
	struct rf_view v;
	size_t n = 0;
	int rc;

	while ((rc = rf_sip_values_next(&it, &v)) > 0) {
		if (n == RF_DIALOG_MAX_ROUTES)
			return RF_E_LIMIT;
		rc = rf_sip_addr_parse(v, &addr);
		if (rc)
			return rc;
		if (!addr.bracketed || !rf_sip_uri_is_sip(&addr.uri))
			return RF_E_MALFORMED;
		routes[n++] = v;
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; reversed && i < n / 2; i++) {
		v = routes[i];
		routes[i] = routes[n - 1 - i];
		routes[n - 1 - i] = v;
	}
	*ret_count = n;
	return 0;
}

int rf_dialog_routes_of(const struct rf_sip_msg *msg, bool reversed, struct rf_view routes[static RF_DIALOG_MAX_ROUTES],
			size_t *ret_count)
{
	return collect(rf_sip_values_of(msg, RF_SIP_H_RECORD_ROUTE), reversed, routes, ret_count);
}

int rf_dialog_routes_in(struct rf_view list, struct rf_view routes[static RF_DIALOG_MAX_ROUTES], size_t *ret_count)
{
	return collect(rf_sip_values_in(list), false, routes, ret_count);
}

int rf_dialog_contact_of(const struct rf_sip_msg *msg, bool secure, struct rf_view *ret_uri)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_CONTACT);
	struct rf_sip_addr addr;
	struct rf_view one, more;
	int rc = rf_sip_values_next(&it, &one);

	if (rc <= 0)
		return rc ? rc : RF_E_NOT_FOUND;
	if (rf_sip_values_next(&it, &more) != 0 || rf_sip_addr_parse(one, &addr) || !rf_sip_uri_is_sip(&addr.uri) ||
	    (secure && addr.uri.scheme != RF_SIP_SCHEME_SIPS))
		return RF_E_MALFORMED;
	*ret_uri = addr.uri.text;
	return 0;
}

static struct rf_view since(const struct rf_writer *w, size_t at)
{
	return w->err ? (struct rf_view){ 0 } : rf_view_of(w->buf + at, w->n - at);
}

static struct rf_view put_text(struct rf_writer *w, struct rf_view v)
{
	size_t at = w->n;

	rf_sip_put_value(w, v);
	return since(w, at);
}

/* As a Request-URI: without headers and the method parameter (RFC 3261 19.1.1, table 1). */
static struct rf_view put_ruri(struct rf_writer *w, const struct rf_sip_uri *uri)
{
	struct rf_view rest = uri->params, name, value;
	size_t at = w->n;
	struct rf_sip_uri plain = *uri;

	plain.params = plain.headers = (struct rf_view){ 0 };
	rf_sip_uri_put(w, &plain);
	while (rf_sip_uri_next(&rest, ';', &name, &value)) {
		if (rf_view_eq_nocase(name, RF_V("method")))
			continue;
		rf_put_byte(w, ';');
		rf_put(w, name);
		if (value.n) {
			rf_put_byte(w, '=');
			rf_put(w, value);
		}
	}
	return since(w, at);
}

/* Routes as one value; the first one taken apart. */
static int put_routes(struct rf_writer *w, const struct rf_dialog_path_parts *parts, struct rf_dialog_path *path)
{
	size_t at = w->n, later_at = 0;
	struct rf_sip_addr first;

	for (size_t i = 0; i < parts->route_count; i++) {
		if (i)
			rf_put_lit(w, ", ");
		if (i == 1)
			later_at = w->n;
		struct rf_view one = put_text(w, parts->routes[i]);
		if (i == 0 && !w->err) {
			int rc = rf_sip_addr_parse(one, &first);

			if (rc)
				return rc;
			path->first = first.uri.text;
		}
	}
	path->routes = since(w, at);
	if (w->err || parts->route_count == 0 || rf_sip_uri_lr(&first.uri))
		return w->err;
	if (later_at)
		path->later = since(w, later_at);
	path->first_ruri = put_ruri(w, &first.uri);
	return w->err;
}

int rf_dialog_path_new(const struct rf_dialog_path_parts *parts, struct rf_dialog_path **ret_path)
{
	struct rf_sip_uri target;
	size_t n = parts->remote_tag.n + parts->target.n;

	if (!is_sip(parts->target, &target))
		return RF_E_MALFORMED;
	for (size_t i = 0; i < parts->route_count; i++)
		n += parts->routes[i].n + 2;
	if (parts->route_count)
		n += parts->routes[0].n; /* the strict router's Request-URI */
	if (n > RF_DIALOG_MAX_BYTES)
		return RF_E_LIMIT;
	struct rf_dialog_path *path = calloc(1, sizeof *path + n);
	if (!path)
		return -ENOMEM;
	struct rf_writer w;
	rf_writer_init(&w, path->text, n);
	path->bytes = sizeof *path + n;
	path->remote_tag = put_text(&w, parts->remote_tag);
	path->target = put_ruri(&w, &target);
	int rc = put_routes(&w, parts, path);
	if (rc) {
		free(path);
		return rc == RF_E_SPACE ? RF_E_LIMIT : rc;
	}
	*ret_path = path;
	return 0;
}

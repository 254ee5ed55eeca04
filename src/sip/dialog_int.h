/* The inside of a dialog, for dialog*.c and their tests. */
#ifndef RF_SIP_DIALOG_INT_H
#define RF_SIP_DIALOG_INT_H

#include "sip/dialog.h"
#include "sip/msg.h"

enum { RF_DIALOG_CSEQ_MAX = 0x7fffffff }; /* RFC 3261 8.1.1.5: below 2^31 */

/* Where requests go. Changes as a whole: a new block is built, then the old one freed. */
struct rf_dialog_path {
	size_t bytes;
	struct rf_view remote_tag;
	struct rf_view target;      /* a Request-URI: no headers, no method parameter */
	struct rf_view routes;      /* a Route value, empty when there is none */
	struct rf_view first;       /* URI of the first route */
	struct rf_view first_ruri;  /* strict router: the same as a Request-URI; empty for a loose one */
	struct rf_view later;       /* strict router: the routes after the first */
	uint8_t text[];
};

struct rf_dialog {
	uint8_t state;
	bool is_caller, secure;
	uint32_t first_cseq;        /* caller: of the request that makes the dialog */
	uint32_t local_cseq, remote_cseq;
	size_t bytes;
	struct rf_view call_id, local_tag, local, remote;
	struct rf_view setup_target, setup_route; /* caller: to begin anew after 401 and the like */
	struct rf_dialog_path *path;
	uint8_t text[];
};

/* What a new path is made of. Views may point into the old one. */
struct rf_dialog_path_parts {
	struct rf_view remote_tag;
	struct rf_view target;
	const struct rf_view *routes; /* Route values, one each, in order of use */
	size_t route_count;
};

/* RF_E_MALFORMED (a route or the target is not a SIP URI), RF_E_LIMIT, -ENOMEM. */
int rf_dialog_path_new(const struct rf_dialog_path_parts *parts, struct rf_dialog_path **ret_path);
/* The Record-Route of msg as parts, reversed for the caller. RF_E_MALFORMED, RF_E_LIMIT. */
int rf_dialog_routes_of(const struct rf_sip_msg *msg, bool reversed, struct rf_view routes[static RF_DIALOG_MAX_ROUTES],
			size_t *ret_count);
/* A Route value taken apart. Errors likewise. */
int rf_dialog_routes_in(struct rf_view list, struct rf_view routes[static RF_DIALOG_MAX_ROUTES], size_t *ret_count);
/* The one Contact of msg. RF_E_NOT_FOUND: none. RF_E_MALFORMED: several, "*", not a SIP URI, or not sips though it
 * must be. */
int rf_dialog_contact_of(const struct rf_sip_msg *msg, bool secure, struct rf_view *ret_uri);

#endif

/* The control socket of a role, DIR/state/control.sock for the controller, border.sock and wall.sock for the others:
 * how commands ask a running role and give it orders.
 *
 * A question is one line of JSON, the answer another:
 *
 *	{"do":"status"}
 *	{"do":"calls"}   {"do":"call","id":ID}   {"do":"hangup","id":ID}
 *	{"do":"bindings"}   {"do":"bindings","aor":AOR}
 *	{"do":"reload"}   {"do":"stop"}
 *	{"do":"refresh"}: users, phones or certificates have changed; answered when every worker knows
 *
 *	{"ok":true, ...}   {"ok":false,"error":"what was wrong"}
 *
 * Who may ask: root, the user that the controller runs as, and the owner of the site directory where the modes of
 * state/ let them come near (SO_PEERCRED); the socket's mode is 0600 besides. Bounds: RF_ADMIN_CLIENTS connections,
 * RF_ADMIN_LINE_MAX bytes a question, one question at a time and connection, RF_ADMIN_IDLE_MS without a question ends a
 * connection. */
#ifndef RF_ROLE_ADMIN_H
#define RF_ROLE_ADMIN_H

#include "base/err.h"
#include "base/log.h"
#include "base/view.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
	RF_ADMIN_CLIENTS = 16,
	RF_ADMIN_LINE_MAX = 4096,
	RF_ADMIN_ANSWER_MAX = 8 * 1024 * 1024,
	RF_ADMIN_IDLE_MS = 30000,
};
/* In DIR/state. */
#define RF_ADMIN_SOCKET "control.sock"
#define RF_ADMIN_BORDER_SOCKET "border.sock"
#define RF_ADMIN_WALL_SOCKET "wall.sock"
#define RF_ADMIN_RELAY_SOCKET "relay.sock"

struct json_t;
struct rf_loop;

/* ---- the role's side: all on the thread of the main loop ---- */

struct rf_admin;
struct rf_admin_request;

/* One verb. The handler answers with rf_admin_answer() or rf_admin_refuse(), once, now or later. */
struct rf_admin_verb {
	const char *name;
	void (*handle)(void *ctx, struct rf_admin_request *request);
};

struct rf_admin_options {
	struct rf_loop *loop;
	const struct rf_log *log;
	int listen_fd;                     /* from rf_admin_listen() */
	const uid_t *uids;                 /* who may ask, beside root */
	size_t uid_count;
	const struct rf_admin_verb *verbs; /* ended by a row without a name; static */
	void *ctx;
};

/* Bind the socket of that name in the directory `state`, replacing what a process that died left there; owner: whom it
 * will belong to ((uid_t)-1: nobody else). The caller holds the site's lock, so nobody else listens there. */
int rf_admin_listen(const char *state, const char *name, uid_t owner, int *ret_fd, struct rf_diag *diag);
int rf_admin_new(const struct rf_admin_options *opt, struct rf_admin **ret_admin);
/* Closes every connection; requests that are not answered yet may still be answered, to nobody. */
void rf_admin_free(struct rf_admin *admin);

/* A text of the question, "" when it has none of that name. Lives until the answer. */
const char *rf_admin_text(const struct rf_admin_request *r, const char *name);
uid_t rf_admin_uid(const struct rf_admin_request *r);
/* members: the inside of a JSON object without braces, may be empty: {"ok":true,MEMBERS}. */
void rf_admin_answer(struct rf_admin_request *r, struct rf_view members);
void rf_admin_refuse(struct rf_admin_request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rf_admin_stats(const struct rf_admin *admin, uint64_t *ret_requests, uint64_t *ret_refused);

/* ---- the commands' side ---- */

/* Ask the controller of the site in dir. question is taken over. 0 and its answer (with "ok" true; release it with
 * json_decref()); RF_E_NOT_FOUND: none runs; RF_E_DENIED: it may not be asked by us; RF_E_INVALID: it said no, with its
 * reason in diag; RF_E_TIMEOUT after wait_ms. */
int rf_admin_ask(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		 struct rf_diag *diag);
/* The same of the site's border on this machine. */
int rf_admin_ask_border(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
			struct rf_diag *diag);
/* The same of the site's wall on this machine. */
int rf_admin_ask_wall(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		      struct rf_diag *diag);
/* And of its relay. */
int rf_admin_ask_relay(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		       struct rf_diag *diag);

#endif

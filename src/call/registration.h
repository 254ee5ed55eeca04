/* A REGISTER between its arrival and the disk's word. Owned by the core's list until its mail comes; when the core goes
 * first, by the mail. Private to registrar.c and its helpers. */
#ifndef RF_CALL_REGISTRATION_H
#define RF_CALL_REGISTRATION_H

#include "call/core_int.h"
#include "loop/mail.h"

enum { RF_REGISTRATION_CONTACTS = 16, RF_REGISTRATION_EVICT = 16, RF_REGISTRATION_KEY = 600 };

struct rf_registration_change {
	struct rf_binding b;
	const struct rf_binding *old; /* in r->old: what it replaces */
	bool remove;
};

struct rf_registration {
	struct rf_mail mail;
	TAILQ_ENTRY(rf_registration) list;
	struct rf_call_core *core; /* NULL: gone */
	struct rf_loop *loop;
	struct rf_srv *srv;
	struct rf_arena arena;     /* all views below */
	struct rf_view aor;
	struct rf_binding *old;
	size_t old_n;
	size_t n, evicted_n;       /* in the arrays below */
	int rc;                    /* the store's result */
	bool star, outbound, used_outbound;
	bool stranded;             /* atomic: done, but its mail found no room */
	/* not cleared when the memory is used again: */
	struct rf_registration_change changes[RF_REGISTRATION_CONTACTS];
	const struct rf_binding *evicted[RF_REGISTRATION_EVICT];
};

/* The change for the store; lives in r's arena. */
struct rf_registration_ops {
	struct rf_bindings_op *op;
	size_t n;
};

/* bindings_form.c: our bindings in the store's form. -ENOMEM, RF_E_LIMIT. */
int rf_registration_ops(struct rf_registration *r, struct rf_registration_ops *ret_ops);
/* A binding as the store has it: key and flow in memory of arena. */
int rf_binding_store(struct rf_arena *arena, const struct rf_binding *b, struct rf_mono now, struct rf_wall wall,
		     struct rf_stored_binding **ret_s);

/* record.c */
void rf_record_registration(struct rf_call_core *core, enum rf_event_kind kind, struct rf_view aor,
			    const struct rf_binding *b, const char *why);
void rf_record_registration_refused(struct rf_call_core *core, const struct rf_in *in, struct rf_view aor,
				    unsigned code);

#endif

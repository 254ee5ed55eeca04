/* The calls of phones outside that a border holds, by our tag towards the phone: what each is called between border and
 * controller, so that a Replaces of the phone, which names one, can be said anew there. Such a call may be another
 * worker's than the one that reads the Replaces. Process-wide; any thread; the lock is held for one look. */
#ifndef RF_CALL_ROAM_DIALOGS_H
#define RF_CALL_ROAM_DIALOGS_H

#include "base/hash.h"
#include "sip/replaces.h"

struct rf_roam_dialogs;

enum { RF_ROAM_DIALOGS_MAX = 65536 }; /* past it a call cannot be named by another one's transfer */

struct rf_roam_dialog {
	struct rf_view tag;          /* ours, towards the phone */
	struct rf_view phone;        /* its name */
	struct rf_view call_id, their_tag; /* as it has them */
	struct rf_replaces there;    /* as the controller is to read it */
};

struct rf_roam_dialogs *rf_roam_dialogs_new(const struct rf_hash_key *key); /* NULL: no memory */
void rf_roam_dialogs_free(struct rf_roam_dialogs *d); /* NULL is fine */

/* In the place of what was known under this tag. RF_E_LIMIT, -ENOMEM: then nothing is. */
int rf_roam_dialogs_put(struct rf_roam_dialogs *d, const struct rf_roam_dialog *x);
void rf_roam_dialogs_forget(struct rf_roam_dialogs *d, struct rf_view tag);
/* What this phone names, as the controller is to read it; its texts in buf. False: it has no such call. */
bool rf_roam_dialogs_find(struct rf_roam_dialogs *d, struct rf_view phone, const struct rf_replaces *named,
			  uint8_t *buf, size_t cap, struct rf_replaces *ret_there);
size_t rf_roam_dialogs_count(struct rf_roam_dialogs *d);

#endif

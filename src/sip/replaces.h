/* Replaces (RFC 3891): read and write the header, and the rule that says whether a dialog of ours may be taken over.
 * Who may take it over (authorisation) is the call's question, not this one. */
#ifndef RF_SIP_REPLACES_H
#define RF_SIP_REPLACES_H

#include "base/view.h"
#include "base/writer.h"

struct rf_dialog;

struct rf_replaces {
	struct rf_view call_id;
	struct rf_view to_tag;    /* our side of the dialog, as its receiver sees it */
	struct rf_view from_tag;  /* the other side */
	bool early_only;
};

/* RF_E_MALFORMED: no Call-ID, a tag missing or twice, early-only twice or with a value. */
int rf_replaces_parse(struct rf_view value, struct rf_replaces *ret_r);
/* RF_E_MALFORMED: a part that cannot stand in the header. */
int rf_replaces_put(struct rf_writer *w, const struct rf_replaces *r);
/* Is dlg the one that is meant? A tag "0" also means none (RFC 2543 peers). */
bool rf_replaces_matches(const struct rf_replaces *r, const struct rf_dialog *dlg);
/* May the dialog that matches be replaced (RFC 3891 3)? dlg NULL: none matches. 0: yes. Otherwise the status to answer:
 * 481 none, or early and not begun by us; 486 early-only but confirmed; 603 ended. */
unsigned rf_replaces_verdict(const struct rf_replaces *r, const struct rf_dialog *dlg);

#endif

/* What an administrator's command did, told to the ledger: who did what to whom. */
#ifndef RF_CMD_RECORD_H
#define RF_CMD_RECORD_H

#include "cmd/cmd.h"
#include "ledger/event.h"
#include "pki/id.h"

/* One event of DIR/ledger. What is not there is left out: phone, user and host names, the number, a URL, the
 * certificate whose serial is named, how many were meant. `by` is the account that typed the command. */
struct rf_cmd_record {
	enum rf_event_kind kind;
	struct rf_view phone, user, host, number, url;
	const char *set;      /* what was set for the number; NULL */
	const struct rf_pki_id *certificate;
	size_t count;
};

/* The same for n of them: fill makes the i-th. */
void rf_cmd_record_all(const struct rf_cmd_ctx *c, size_t n, void (*fill)(void *ctx, size_t i, struct rf_cmd_record *r),
		       void *ctx);
/* The act itself has happened: when it cannot be recorded the user is told so on c->err, and the command's exit status
 * stays what it was. */
void rf_cmd_record(const struct rf_cmd_ctx *c, const struct rf_cmd_record *r);

#endif

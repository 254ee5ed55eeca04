/* MESSAGE (RFC 3428): text from a proven sender to the phones of a number, all at once; the first that takes it wins.
 * From and P-Asserted-Identity say who was proven. In a call it goes to the other phone of the call. What it says is
 * passed as it is, within a bound and of listed types, and never kept or recorded. */
#ifndef RF_CALL_MESSAGE_H
#define RF_CALL_MESSAGE_H

#include "call/core_int.h"

struct rf_leg;
struct rf_messages;

enum {
	RF_MESSAGE_MAX = 1300,        /* bytes of content (RFC 3428 8: what fits into a datagram); past it 413 */
	RF_MESSAGES_PER_SECOND = 10,  /* of one number, per worker */
	RF_MESSAGE_WAIT_MS = 15000,   /* for a phone's answer */
};

/* Those on their way in one worker. -ENOMEM. */
int rf_messages_new(struct rf_call_core *core, struct rf_messages **ret_m);
void rf_messages_free(struct rf_messages *m); /* NULL is fine */
size_t rf_messages_count(const struct rf_messages *m);

/* MESSAGE outside a dialog, from a proven sender. */
void rf_message_request(struct rf_call_core *core, struct rf_in *in);
/* A border: MESSAGE from a controller to this phone outside (roam.h). */
void rf_message_to_phone(struct rf_call_core *core, struct rf_in *in, const struct rf_dir_phone *phone);
/* What may be in one, for who carries it: 0 and its type, or 413, 415 and why. */
unsigned rf_message_content(const struct rf_sip_msg *msg, struct rf_view *ret_type, const char **ret_why);
/* The type, and what its charset is when it says so; other parameters stay behind. */
void rf_message_put_type(const struct rf_sip_msg *msg, struct rf_view type, struct rf_writer *w);
/* Refused: counted, recorded. */
void rf_message_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why, struct rf_view to);
/* MESSAGE in a call, from the party of the leg. */
void rf_message_in_dialog(struct rf_leg *leg, struct rf_in *in);

/* One of the system's own, in plain text, to all phones of a number: From is the domain. Recorded as any other; done
 * (may be NULL) comes once, later or within this call, with the final code. RF_E_NOT_FOUND: no phone can be reached;
 * RF_E_LIMIT, -ENOMEM: done does not come. */
typedef void rf_message_done_fn(void *ctx, unsigned code);
int rf_message_tell(struct rf_call_core *core, struct rf_view number, struct rf_view text, rf_message_done_fn *done,
		    void *ctx);

#endif

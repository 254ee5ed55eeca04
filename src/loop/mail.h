/* Mail: the only way from one thread into another's loop. The sender allocates a letter with struct rf_mail inside,
 * posts it, and has let go of it; the receiving loop calls deliver on its own thread, which owns and frees the letter.
 * Mails of one sender arrive in the order in which they were posted. Posting never blocks and takes no lock. */
#ifndef RF_LOOP_MAIL_H
#define RF_LOOP_MAIL_H

#include "base/err.h"
#include "loop/loop.h"

struct rf_mail {
	void *link; /* the queue's */
	/* status 0; RF_E_CLOSED when the loop ends before the mail was read: only release it then. */
	void (*deliver)(struct rf_mail *mail, int status);
};

/* Any thread, the loop's own included (delivered in a later turn then). RF_E_LIMIT when the mailbox is at its cap:
 * the caller keeps the mail. The mailbox must exist: stop the threads that post before rf_loop_free(). */
int rf_mail_post(struct rf_loop *loop, struct rf_mail *mail);
/* From within deliver: on to another loop, past its cap. A letter that was let in once always arrives, so that who
 * waits for it is answered on its own thread; there are never more of them than were let in. */
void rf_mail_forward(struct rf_loop *loop, struct rf_mail *mail);

#endif

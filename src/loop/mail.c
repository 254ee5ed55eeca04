#include "loop/mail.h"

#include "loop/loop_int.h"

enum { MAILS_PER_TURN = 512 };

_Static_assert(sizeof(struct cds_wfcq_node) == sizeof(((struct rf_mail *)0)->link), "rf_mail.link is the queue's node");

static struct cds_wfcq_node *node_of(struct rf_mail *mail)
{
	return (struct cds_wfcq_node *)(void *)&mail->link;
}

static struct rf_mail *mail_of(struct cds_wfcq_node *node)
{
	return (struct rf_mail *)(void *)((char *)(void *)node - offsetof(struct rf_mail, link));
}

void rf_mailbox_init(struct rf_loop *loop, uint32_t cap)
{
	__cds_wfcq_init(&loop->mail_head, &loop->mail_tail);
	loop->mail_cap = cap;
}

static void put(struct rf_loop *loop, struct rf_mail *mail)
{
	cds_wfcq_node_init(node_of(mail));
	cds_wfcq_enqueue(&loop->mail_head, &loop->mail_tail, node_of(mail));
	rf_loop_rouse(loop); /* after the enqueue: the reader that this wakes finds the mail */
}

int rf_mail_post(struct rf_loop *loop, struct rf_mail *mail)
{
	if (atomic_fetch_add_explicit(&loop->mail_count, 1, memory_order_relaxed) >= loop->mail_cap) {
		atomic_fetch_sub_explicit(&loop->mail_count, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&loop->mail_refused, 1, memory_order_relaxed);
		return RF_E_LIMIT;
	}
	put(loop, mail);
	return 0;
}

void rf_mail_forward(struct rf_loop *loop, struct rf_mail *mail)
{
	atomic_fetch_add_explicit(&loop->mail_count, 1, memory_order_relaxed);
	put(loop, mail);
}

static struct rf_mail *take(struct rf_loop *loop)
{
	struct cds_wfcq_node *node = __cds_wfcq_dequeue_nonblocking(&loop->mail_head, &loop->mail_tail);

	/* WOULDBLOCK: a sender is between the two steps of its enqueue, and wakes us when it is through. */
	if (!node || node == CDS_WFCQ_WOULDBLOCK)
		return NULL;
	atomic_fetch_sub_explicit(&loop->mail_count, 1, memory_order_relaxed);
	return mail_of(node);
}

bool rf_mailbox_read(struct rf_loop *loop)
{
	struct rf_mail *mail;
	unsigned n = 0;

	while (n < MAILS_PER_TURN && (mail = take(loop))) {
		n++;
		loop->stats.mails++;
		mail->deliver(mail, 0);
		rf_loop_took(loop, "mail", (int)n);
	}
	return n == MAILS_PER_TURN;
}

void rf_mailbox_close(struct rf_loop *loop)
{
	struct rf_mail *mail;

	while ((mail = take(loop)))
		mail->deliver(mail, RF_E_CLOSED);
}

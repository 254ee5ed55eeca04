/* Letters between the uas of one process: received messages to their owner, bytes for a connection to its owner, and
 * word back when that connection is gone. A letter carries copies of everything; what waits for one worker is bounded
 * in bytes, and what goes over the bound is dropped and counted as the network would. Who has read a letter writes its
 * next one on it, since mail goes both ways. */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

enum letter_kind { LETTER_MESSAGE, LETTER_SEND, LETTER_BOUNCE, LETTER_CLOSE };

struct letter {
	struct rf_mail mail;
	struct rf_ua *to;
	struct rf_flow flow;
	const char *tls_version, *tls_cipher;
	size_t size, id_n, bytes_n;
	int err;
	uint8_t kind, from, carrier;
	bool has_branch;
	struct rf_branch branch;
	uint8_t data[]; /* the peer's identity, then the bytes */
};

enum { LETTER_BYTES = 2048, LETTERS_KEPT = 256 };

void rf_mail_init(struct rf_ua *ua)
{
	rf_spare_init(&ua->letters, LETTER_BYTES, LETTERS_KEPT);
}

void rf_mail_fini(struct rf_ua *ua)
{
	rf_spare_fini(&ua->letters);
}

static struct rf_view bytes_of(const struct letter *l)
{
	return rf_view_of(l->data + l->id_n, l->bytes_n);
}

/* ---- arriving ---- */

static void deliver_message(struct rf_ua *ua, struct letter *l)
{
	struct rf_peer from = { .flow = l->flow, .tls_version = l->tls_version, .tls_cipher = l->tls_cipher };
	struct rf_pki_id id;

	if (l->id_n) {
		memcpy(&id, l->data, sizeof id);
		from.id = &id;
	}
	rf_ua_receive_mail(ua, &from, bytes_of(l), (enum rf_sip_carrier)l->carrier);
}

static void deliver_send(struct rf_ua *ua, struct letter *l)
{
	struct rf_conn *c = rf_conn_find(ua, l->flow.stream);
	int rc = c ? rf_conn_send(c, bytes_of(l)) : RF_E_CLOSED;

	if (rc)
		rf_ua_count(ua, RF_UA_SEND_FAILED);
	if (!l->has_branch)
		return;
	if (!rc)
		rc = rf_conn_wait(c, l->from, rf_branch_view(&l->branch));
	if (rc)
		rf_mail_bounce(ua, l->from, rf_branch_view(&l->branch), rc);
}

static void deliver(struct rf_mail *mail, int status)
{
	struct letter *l = rf_container(mail, struct letter, mail);
	struct rf_ua *ua = l->to;

	if (status) { /* the loop ends, and ua may be gone */
		rf_secret_free(l, l->size);
		return;
	}
	__atomic_sub_fetch(&ua->mail_waiting, l->size, __ATOMIC_RELAXED);
	rf_ua_count(ua, RF_UA_MAIL_IN);
	switch (l->kind) {
	case LETTER_MESSAGE:
		deliver_message(ua, l);
		break;
	case LETTER_SEND:
		deliver_send(ua, l);
		break;
	case LETTER_BOUNCE:
		rf_cli_bounced(ua, rf_branch_view(&l->branch), l->err);
		break;
	default:
		rf_ua_flow_close(ua, &l->flow);
		break;
	}
	rf_secret_wipe(l->data + l->id_n, l->bytes_n);
	rf_spare_give(&ua->letters, l, l->size);
}

/* ---- leaving ---- */

static struct letter *compose(struct rf_ua *ua, enum letter_kind kind, const struct rf_pki_id *id,
			      struct rf_view bytes, struct rf_view branch)
{
	size_t id_n = id ? sizeof *id : 0;
	struct letter *l = rf_spare_take(&ua->letters, sizeof *l + id_n + bytes.n);

	if (!l)
		return NULL;
	*l = (struct letter){ .kind = (uint8_t)kind, .from = ua->worker, .id_n = id_n, .bytes_n = bytes.n };
	if (id)
		memcpy(l->data, id, id_n);
	if (bytes.n)
		memcpy(l->data + id_n, bytes.p, bytes.n);
	l->size = sizeof *l + id_n + bytes.n;
	l->mail.deliver = deliver;
	if (branch.n == RF_BRANCH_LEN) {
		l->has_branch = true;
		memcpy(l->branch.text, branch.p, branch.n);
	}
	return l;
}

static int post(struct rf_ua *ua, unsigned worker, struct letter *l)
{
	struct rf_ua *to = worker < ua->workers ? ua->peers[worker] : NULL;

	if (!l) {
		rf_ua_count(ua, RF_UA_NO_MEMORY);
		return -ENOMEM;
	}
	if (!to) {
		rf_spare_give(&ua->letters, l, l->size);
		return RF_E_CLOSED;
	}
	l->to = to;
	size_t size = l->size; /* after the post the letter is not ours any more */
	size_t waiting = __atomic_add_fetch(&to->mail_waiting, size, __ATOMIC_RELAXED);
	int rc = waiting > ua->bounds.mail_bytes ? RF_E_LIMIT : rf_mail_post(to->loop, &l->mail);
	if (rc) {
		__atomic_sub_fetch(&to->mail_waiting, size, __ATOMIC_RELAXED);
		rf_ua_count(ua, RF_UA_REFUSED_MAIL);
		rf_spare_give(&ua->letters, l, size);
		return rc;
	}
	rf_ua_count(ua, RF_UA_MAIL_OUT);
	return 0;
}

int rf_mail_message(struct rf_ua *ua, unsigned worker, const struct rf_peer *from, struct rf_view bytes,
		    enum rf_sip_carrier carrier)
{
	struct letter *l = compose(ua, LETTER_MESSAGE, from->id, bytes, RF_V(""));

	if (l) {
		l->flow = from->flow;
		l->tls_version = from->tls_version;
		l->tls_cipher = from->tls_cipher;
		l->carrier = (uint8_t)carrier;
	}
	return post(ua, worker, l);
}

int rf_mail_inside(struct rf_ua *ua, unsigned worker, struct rf_view bytes)
{
	struct rf_peer us = { .flow = rf_ua_inside(ua, ua->worker) };

	return rf_mail_message(ua, worker, &us, bytes, RF_SIP_DATAGRAM);
}

int rf_mail_send(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view bytes, struct rf_view branch)
{
	struct letter *l = compose(ua, LETTER_SEND, NULL, bytes, branch);

	if (l)
		l->flow = *flow;
	return post(ua, flow->worker, l);
}

void rf_mail_bounce(struct rf_ua *ua, unsigned worker, struct rf_view branch, int err)
{
	struct letter *l = compose(ua, LETTER_BOUNCE, NULL, RF_V(""), branch);

	if (l)
		l->err = err;
	post(ua, worker, l); /* when it is lost, the request's own timer ends it */
}

void rf_mail_close(struct rf_ua *ua, const struct rf_flow *flow)
{
	struct letter *l = compose(ua, LETTER_CLOSE, NULL, RF_V(""), RF_V(""));

	if (l)
		l->flow = *flow;
	post(ua, flow->worker, l);
}

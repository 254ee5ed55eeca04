#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/err.h>
#include <openssl/rand.h>

enum { HEAD = 12, ACK = 26 };

void rf_dtls13_drop(struct rf_dtls *d)
{
	rf_dtls13_free(d->h13);
	d->h13 = NULL;
}

bool rf_dtls13_is_sealed(struct rf_view datagram)
{
	struct rf_dtls13_sealed s;

	return rf_dtls13_sealed_next(&datagram, &s);
}

/* --- flights out */

void rf_dtls13_arm(struct rf_dtls *d)
{
	d->h13->wait_ms = RF_DTLS_RESEND_MS;
	d->resend = rf_mono_add_ms(d->now, RF_DTLS_RESEND_MS);
}

void rf_dtls13_resend(struct rf_dtls *d)
{
	struct rf_dtls13 *h = d->h13;

	rf_dtls13_flight_send(d); /* if not now, then next time: the handshake has its end */
	h->wait_ms = h->wait_ms < RF_DTLS_RESEND_MAX_MS / 2 ? h->wait_ms * 2 : RF_DTLS_RESEND_MAX_MS;
	d->resend = rf_mono_add_ms(d->now, h->wait_ms);
}

/* Said under the newest keys that the peer can have. */
static void give_up(struct rf_dtls *d, struct rf_dtls13_verdict v)
{
	struct rf_dtls13 *h = d->h13;
	uint8_t alert[2] = { 2, v.alert }, buf[64];
	struct rf_view content = rf_view_of(alert, 2);
	struct rf_writer w;
	int rc = 0;

	rf_writer_init(&w, buf, sizeof buf);
	if (d->out13.key_n)
		rc = rf_dtls13_seal_put(&d->out13, 3, RF_DTLS_ALERT_RECORD, content, &w);
	else if (h->out.key_n)
		rc = rf_dtls13_seal_put(&h->out, 2, RF_DTLS_ALERT_RECORD, content, &w);
	else
		rf_dtls13_plain_put(h->plain_number++, RF_DTLS_ALERT_RECORD, content, &w);
	if (!rc && !w.err)
		rf_dtls_out(d, rf_view_of(buf, w.n));
	rf_dtls_fail(d, v.why);
}

/* --- done */

static void seal_closing(struct rf_dtls *d)
{
	static const uint8_t close[2] = { 1, SSL3_AD_CLOSE_NOTIFY };
	struct rf_writer w;

	rf_writer_init(&w, d->closing, sizeof d->closing);
	if (rf_dtls13_seal_put(&d->out13, 3, RF_DTLS_ALERT_RECORD, rf_view_of(close, 2), &w) == 0)
		d->closing_n = w.n;
}

static int send_ack(struct rf_dtls *d, unsigned epoch, const uint64_t *numbers, size_t count,
		    void (*out)(struct rf_dtls *d, struct rf_view datagram))
{
	uint8_t body[2 + 16 * RF_DTLS13_ACKS_MAX], buf[sizeof body + 32];
	struct rf_writer content, w;
	int rc;

	rf_writer_init(&content, body, sizeof body);
	rf_dtls13_ack_put(epoch, numbers, count, &content);
	rf_writer_init(&w, buf, sizeof buf);
	rc = content.err ? content.err :
	     rf_dtls13_seal_put(&d->out13, 3, ACK, rf_view_of(body, content.n), &w);
	if (!rc)
		out(d, rf_view_of(buf, w.n));
	return rc;
}

static int export(struct rf_dtls *d)
{
	uint8_t material[RF_DTLS_MATERIAL_BYTES];
	int rc = rf_dtls13_keys_export(&d->h13->keys, "EXTRACTOR-dtls_srtp", material,
				       2 * rf_srtp_key_bytes(d->h13->srtp));

	if (!rc)
		rf_dtls_split_keys(d, d->h13->srtp, material);
	rf_secret_wipe(material, sizeof material);
	return rc;
}

static int seals_of_epoch_3(struct rf_dtls *d)
{
	struct rf_dtls13_keys *k = &d->h13->keys;
	int rc = rf_dtls13_seal_make(k->md, k->key_n, d->server ? k->client_3 : k->server_3, &d->in13);

	return rc ? rc : rf_dtls13_seal_make(k->md, k->key_n, d->server ? k->server_3 : k->client_3, &d->out13);
}

/* What both have once the server is done: secrets of epoch 3 and of the exporter. */
int rf_dtls13_traffic(struct rf_dtls *d)
{
	int rc = rf_dtls13_keys_traffic(&d->h13->keys);

	return rc ? rc : seals_of_epoch_3(d);
}

/* The keys are out. The server's acknowledgement is kept for when it is lost. */
int rf_dtls13_done(struct rf_dtls *d)
{
	int rc = export(d);

	d->final_n = 0;
	if (d->server && !rc)
		rc = send_ack(d, 2, d->h13->acks, d->h13->ack_count, rf_dtls_out_kept);
	if (rc)
		return rc;
	seal_closing(d);
	rf_dtls_settled(d);
	return 0;
}

/* --- messages */

struct rf_dtls13_verdict rf_dtls13_take_finished(struct rf_dtls *d, struct rf_view body)
{
	struct rf_dtls13_keys *k = &d->h13->keys;
	uint8_t mac[RF_DTLS13_HASH_MAX];

	if (rf_dtls13_keys_finished(k, d->server ? k->client : k->server, mac))
		return rf_dtls13_ours(RF_E_CRYPTO);
	if (!rf_secret_eq(body, rf_view_of(mac, k->n)))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECRYPT_ERROR);
	return rf_dtls13_ours(rf_dtls13_keys_add(k, RF_DTLS13_FINISHED, body));
}

static struct rf_dtls13_verdict take_certificate(struct rf_dtls *d, struct rf_view body)
{
	return rf_dtls13_certificate_read(d, body, &d->h13->peer);
}

static struct rf_dtls13_verdict take_verify(struct rf_dtls *d, struct rf_view body)
{
	return rf_dtls13_verify_read(&d->h13->keys, d->h13->peer, !d->server, body);
}

/* What each stage waits for. counted: in the transcript when it was taken; the others count themselves. */
static const struct {
	uint8_t type, epoch;
	bool counted;
	struct rf_dtls13_verdict (*take)(struct rf_dtls *d, struct rf_view body);
} stages[] = {
	[RF_DTLS13_AWAIT_CLIENT_HELLO] = { RF_DTLS13_CLIENT_HELLO, 0, false, rf_dtls13_take_client_hello },
	[RF_DTLS13_AWAIT_CLIENT_CERTIFICATE] = { RF_DTLS13_CERTIFICATE, 2, true, take_certificate },
	[RF_DTLS13_AWAIT_CLIENT_VERIFY] = { RF_DTLS13_CERTIFICATE_VERIFY, 2, true, take_verify },
	[RF_DTLS13_AWAIT_CLIENT_FINISHED] = { RF_DTLS13_FINISHED, 2, false, rf_dtls13_take_client_finished },
	[RF_DTLS13_AWAIT_SERVER_HELLO] = { RF_DTLS13_SERVER_HELLO, 0, false, rf_dtls13_take_server_hello },
	[RF_DTLS13_AWAIT_EXTENSIONS] = { RF_DTLS13_EXTENSIONS, 2, true, rf_dtls13_take_extensions },
	[RF_DTLS13_AWAIT_REQUEST] = { RF_DTLS13_CERTIFICATE_REQUEST, 2, true, rf_dtls13_take_request },
	[RF_DTLS13_AWAIT_SERVER_CERTIFICATE] = { RF_DTLS13_CERTIFICATE, 2, true, take_certificate },
	[RF_DTLS13_AWAIT_SERVER_VERIFY] = { RF_DTLS13_CERTIFICATE_VERIFY, 2, true, take_verify },
	[RF_DTLS13_AWAIT_SERVER_FINISHED] = { RF_DTLS13_FINISHED, 2, false, rf_dtls13_take_server_finished },
	[RF_DTLS13_AWAIT_ACK] = { 0, 3, false, NULL },
};

static bool under_way(const struct rf_dtls *d)
{
	return d->h13 && d->state == RF_DTLS_HANDSHAKE;
}

/* A whole message. The handler may end the handshake: then h13 is gone, and with it the message. */
static void take_message(struct rf_dtls *d, const struct rf_dtls13_message *m)
{
	struct rf_dtls13 *h = d->h13;
	unsigned stage = h->stage;
	struct rf_dtls13_verdict v = RF_DTLS13_FINE;
	struct rf_view body = rf_view_of(m->bytes, m->n);

	if (m->type != stages[stage].type)
		v = m->type == RF_DTLS13_VERIFY_REQUEST && stage == RF_DTLS13_AWAIT_SERVER_HELLO ?
		    rf_dtls13_verdict(RF_DTLS_WHY_VERSION, SSL_AD_PROTOCOL_VERSION) :
		    rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_UNEXPECTED_MESSAGE);
	else
		v = stages[stage].take(d, body);
	if (!v.why && stages[stage].counted) {
		v = rf_dtls13_ours(rf_dtls13_keys_add(&h->keys, m->type, body));
		h->stage++;
	}
	if (v.why)
		give_up(d, v);
	if (d->h13 != h)
		return;
	rf_dtls13_message_drop(h);
	h->next_in++;
	h->moved = true;
}

static void take_messages(struct rf_dtls *d, struct rf_view content, unsigned epoch)
{
	struct rf_reader r = rf_reader_of(content);

	while (!r.err && rf_left(&r) && under_way(d) && stages[d->h13->stage].epoch == epoch) {
		const struct rf_dtls13_message *m = rf_dtls13_fragment(d->h13, &r);

		if (m)
			take_message(d, m);
	}
}

static void take_alert(struct rf_dtls *d, struct rf_view content)
{
	if (content.n != 2)
		return;
	d->alert = content.p[0] << 8 | content.p[1];
	rf_dtls_fail(d, RF_DTLS_WHY_ALERT);
}

static void take_sealed(struct rf_dtls *d, const struct rf_dtls13_sealed *s)
{
	struct rf_dtls13 *h = d->h13;
	uint8_t plain[RF_DTLS13_RECORD_MAX];
	struct rf_dtls13_opened o;

	/* Before the hello that keys come of, and of the epoch behind this one. */
	if (!h->in.key_n || s->epoch != 2) {
		h->early = true;
		return;
	}
	if (s->body.n > sizeof plain || rf_dtls13_open(&h->in, s, plain, &o))
		return;
	if (o.type == RF_DTLS_HANDSHAKE_RECORD) {
		rf_dtls13_note_ack(h, o.number);
		take_messages(d, o.content, 2);
	} else if (o.type == RF_DTLS_ALERT_RECORD) {
		take_alert(d, o.content);
	}
	rf_secret_wipe(plain, sizeof plain);
}

static void take_datagram(struct rf_dtls *d, struct rf_view datagram)
{
	struct rf_dtls13_sealed s;
	struct rf_dtls_record r;

	d->h13->early = false;
	while (under_way(d) && datagram.n) {
		if (rf_dtls13_sealed_next(&datagram, &s))
			take_sealed(d, &s);
		else if (!rf_dtls_record_next(&datagram, &r))
			break;
		else if (r.type == RF_DTLS_HANDSHAKE_RECORD && r.epoch == 0)
			take_messages(d, r.body, 0);
	}
}

/* What came too early, as often as something went on. */
static void take_held(struct rf_dtls *d)
{
	struct rf_dtls13 *h = d->h13;
	struct rf_dtls13_held held[RF_DTLS13_HELD_MAX];
	size_t count;

	while (under_way(d) && h->moved && h->held_count) {
		h->moved = false;
		count = h->held_count;
		memcpy(held, h->held, sizeof held);
		h->held_count = h->held_bytes = 0;
		for (size_t i = 0; i < count; i++) {
			struct rf_view v = rf_view_of(held[i].bytes, held[i].n);

			if (under_way(d)) {
				take_datagram(d, v);
				if (under_way(d) && h->early)
					rf_dtls13_hold(h, v);
			}
			free(held[i].bytes);
		}
	}
}

void rf_dtls13_receive(struct rf_dtls *d, struct rf_view datagram)
{
	d->h13->moved = false;
	take_datagram(d, datagram);
	if (under_way(d) && d->h13->early)
		rf_dtls13_hold(d->h13, datagram);
	if (under_way(d))
		take_held(d);
	ERR_clear_error();
}

/* --- the beginning */

int rf_dtls13_wants(const struct rf_dtls_record *r)
{
	struct rf_reader x = rf_reader_of(rf_view_from(r->body, 1));
	struct rf_view whole = rf_take(&x, 3);
	struct rf_dtls13_offer o;

	rf_take(&x, 2 + 3);
	struct rf_view part = rf_take(&x, 3);

	if (x.err || !rf_view_eq(whole, part))
		return x.err ? 0 : -1;
	size_t n = (size_t)part.p[0] << 16 | (size_t)part.p[1] << 8 | part.p[2];

	return rf_dtls13_client_hello_read(rf_view_sub(r->body, HEAD, n), &o) == 0 && o.knows_13 &&
	       o.empty_cookie; /* a cookie of 1.2 is an answer to OpenSSL's question */
}

void rf_dtls13_accept(struct rf_dtls *d, const struct rf_dtls_record *first, struct rf_view datagram)
{
	struct rf_dtls13 *h = d->h13 = rf_dtls13_new();

	if (!h) {
		rf_dtls_fail(d, RF_DTLS_WHY_LOCAL);
		return;
	}
	h->stage = RF_DTLS13_AWAIT_CLIENT_HELLO;
	h->next_in = (uint16_t)(first->body.p[4] << 8 | first->body.p[5]);
	/* Its number is ours: so they go up on both sides, without a state (as RFC 6347 4.2.1 has it). */
	for (unsigned i = 5; i < 11; i++)
		h->plain_number = h->plain_number << 8 | first->bytes.p[i];
	rf_dtls13_receive(d, datagram);
	/* No whole message from one who has shown nothing, or no part of one from any: it began nothing. */
	if (under_way(d) && h->stage == RF_DTLS13_AWAIT_CLIENT_HELLO && (d->listening || !h->message.bytes))
		rf_dtls_back_to_new(d);
}

void rf_dtls13_connect(struct rf_dtls *d)
{
	struct rf_dtls13 *h = d->h13 = rf_dtls13_new();

	if (!h || RAND_bytes(h->random, sizeof h->random) != 1 ||
	    rf_dtls13_put_client_hello(d, (struct rf_view){ NULL, 0 })) {
		rf_dtls_fail(d, RF_DTLS_WHY_LOCAL);
		return;
	}
	h->stage = RF_DTLS13_AWAIT_SERVER_HELLO;
	rf_dtls13_arm(d);
	rf_dtls13_flight_send(d);
}

/* --- behind the end */

/* Alerts but one end it, whatever level they claim (RFC 8446 6). */
static int take_last(struct rf_dtls *d, const struct rf_dtls13_opened *o, unsigned epoch)
{
	bool acked = false;

	switch (o->type) {
	case RF_DTLS_ALERT_RECORD:
		if (o->content.n != 2)
			return RF_E_STATE;
		d->alert = o->content.p[0] << 8 | o->content.p[1];
		if (o->content.p[1] != SSL_AD_USER_CANCELLED)
			rf_dtls_close(d);
		return 0;
	case ACK:
		if (!d->h13 || rf_dtls13_ack_names(o->content, 2, d->h13->out.next, &acked) || !acked)
			return RF_E_STATE;
		rf_dtls13_drop(d);
		d->timing = false;
		return 0;
	case RF_DTLS_HANDSHAKE_RECORD:
		/* A ticket, or new keys for data that there is none of: acknowledged, so that it ends, and not done. */
		return epoch == 3 && rf_dtls_may_repeat(d) ? send_ack(d, 3, &o->number, 1, rf_dtls_out) : RF_E_STATE;
	default:
		return RF_E_STATE;
	}
}

int rf_dtls13_after(struct rf_dtls *d, struct rf_view datagram)
{
	uint8_t plain[RF_DTLS13_RECORD_MAX];
	struct rf_dtls13_sealed s;
	unsigned forged = 0;
	bool again = false;
	int rc = RF_E_STATE;

	while (d->state != RF_DTLS_CLOSED && forged < RF_DTLS_FORGED_MAX && rf_dtls13_sealed_next(&datagram, &s)) {
		struct rf_dtls13_seal *seal = s.epoch == 3 ? &d->in13 : s.epoch == 2 && d->h13 ? &d->h13->in : NULL;
		struct rf_dtls13_opened o;

		again |= s.epoch == 2 && d->server;
		if (!seal || s.body.n > sizeof plain)
			continue;
		if (rf_dtls13_open(seal, &s, plain, &o) == 0)
			rc = take_last(d, &o, s.epoch);
		else
			forged++;
	}
	ERR_clear_error();
	return again && d->state != RF_DTLS_CLOSED ? RF_E_BUSY : rc;
}

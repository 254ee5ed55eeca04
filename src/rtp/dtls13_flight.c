#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { MESSAGE_HEAD = 12 };

struct rf_dtls13 *rf_dtls13_new(void)
{
	struct rf_dtls13 *h = calloc(1, sizeof *h);

	if (h)
		h->suite = -1;
	return h;
}

void rf_dtls13_message_drop(struct rf_dtls13 *h)
{
	free(h->message.bytes);
	h->message = (struct rf_dtls13_message){ .bytes = NULL };
}

void rf_dtls13_free(struct rf_dtls13 *h)
{
	if (!h)
		return;
	rf_dtls13_message_drop(h);
	for (size_t i = 0; i < h->held_count; i++)
		free(h->held[i].bytes);
	rf_dtls13_keys_end(&h->keys);
	EVP_PKEY_free(h->share);
	EVP_PKEY_free(h->peer);
	rf_secret_wipe(h, sizeof *h);
	free(h);
}

/* --- out */

void rf_dtls13_message_begin(struct rf_dtls13 *h, uint8_t type, struct rf_writer *w)
{
	rf_put_byte(w, type);
	rf_dtls13_put_be(w, 0, 3);
	rf_dtls13_put_be(w, h->next_out++, 2);
	rf_dtls13_put_be(w, 0, 6);
}

struct rf_view rf_dtls13_message_end(struct rf_writer *w, size_t from)
{
	size_t n = w->n - from - MESSAGE_HEAD;
	uint8_t *head = w->buf + from;

	if (w->err)
		return (struct rf_view){ NULL, 0 };
	head[1] = head[9] = (uint8_t)(n >> 16);
	head[2] = head[10] = (uint8_t)(n >> 8);
	head[3] = head[11] = (uint8_t)n;
	return rf_view_of(head + MESSAGE_HEAD, n);
}

/* A message of the sealed flight: written, and counted in the transcript. */
enum part { EXTENSIONS, REQUEST, CERTIFICATE, VERIFY, FINISHED };

static int put_finished(struct rf_dtls *d, struct rf_writer *w)
{
	struct rf_dtls13_keys *k = &d->h13->keys;
	uint8_t mac[RF_DTLS13_HASH_MAX];
	int rc = rf_dtls13_keys_finished(k, d->server ? k->server : k->client, mac);

	rf_put(w, rf_view_of(mac, k->n));
	return rc;
}

static int put_part(struct rf_dtls *d, enum part part, struct rf_writer *w)
{
	static const uint8_t types[] = { RF_DTLS13_EXTENSIONS, RF_DTLS13_CERTIFICATE_REQUEST, RF_DTLS13_CERTIFICATE,
					 RF_DTLS13_CERTIFICATE_VERIFY, RF_DTLS13_FINISHED };
	struct rf_dtls13 *h = d->h13;
	size_t from = w->n;
	int rc = 0;

	rf_dtls13_message_begin(h, types[part], w);
	if (part == EXTENSIONS)
		rf_dtls13_extensions_put(h->srtp, w);
	else if (part == REQUEST)
		rf_dtls13_request_put(w);
	else if (part == CERTIFICATE)
		rc = rf_dtls13_certificate_put(d, w);
	else if (part == VERIFY)
		rc = rf_dtls13_verify_put(d, &h->keys, d->server, w);
	else
		rc = put_finished(d, w);
	struct rf_view body = rf_dtls13_message_end(w, from);

	rc = rc ? rc : w->err;
	return rc ? rc : rf_dtls13_keys_add(&h->keys, types[part], body);
}

int rf_dtls13_put_flight(struct rf_dtls *d)
{
	struct rf_writer w;
	int rc = 0;

	rf_writer_init(&w, d->h13->inner, sizeof d->h13->inner);
	for (enum part part = d->server ? EXTENSIONS : CERTIFICATE; part <= FINISHED && !rc; part++)
		rc = put_part(d, part, &w);
	d->h13->inner_n = w.n;
	return rc;
}

/* Hellos in the clear and what is sealed, in one datagram when they fit. Nothing of ours is so long that it
 * would have to be cut. */
int rf_dtls13_flight_send(struct rf_dtls *d)
{
	struct rf_dtls13 *h = d->h13;
	uint8_t buf[RF_DTLS_MTU];
	struct rf_writer w;
	int rc = 0;

	rf_writer_init(&w, buf, sizeof buf);
	if (h->plain_n)
		rf_dtls13_plain_put(h->plain_number++, RF_DTLS_HANDSHAKE_RECORD, rf_view_of(h->plain, h->plain_n), &w);
	if (h->plain_n && h->inner_n && w.n + h->inner_n + 64 > sizeof buf && !w.err) {
		rf_dtls_out(d, rf_view_of(buf, w.n));
		w.n = 0;
	}
	if (h->inner_n)
		rc = rf_dtls13_seal_put(&h->out, 2, RF_DTLS_HANDSHAKE_RECORD, rf_view_of(h->inner, h->inner_n), &w);
	if (!rc && !w.err)
		rf_dtls_out(d, rf_view_of(buf, w.n));
	return rc ? rc : w.err;
}

/* --- in: fragments */

/* Bytes that are there already stay: a second copy changes nothing. */
static void fill(struct rf_dtls13_message *m, uint32_t at, struct rf_view part)
{
	uint8_t *map = m->bytes + m->n;

	for (uint32_t i = 0; i < part.n; i++) {
		uint8_t bit = (uint8_t)(1u << (at + i) % 8), *byte = &map[(at + i) / 8];

		if (*byte & bit)
			continue;
		*byte |= bit;
		m->bytes[at + i] = part.p[i];
		m->have++;
	}
}

static uint32_t take_24(struct rf_reader *r)
{
	uint32_t high = rf_take_u8(r);

	return high << 16 | rf_take_be16(r);
}

const struct rf_dtls13_message *rf_dtls13_fragment(struct rf_dtls13 *h, struct rf_reader *r)
{
	struct rf_dtls13_message *m = &h->message;
	uint8_t type = rf_take_u8(r);
	uint32_t n = take_24(r);
	uint16_t number = rf_take_be16(r);
	uint32_t at = take_24(r);
	struct rf_view part = rf_take(r, take_24(r));

	if (r->err || n > RF_DTLS13_MESSAGE_MAX || at > n || part.n > n - at || (n && !part.n)) {
		r->err = RF_E_MALFORMED; /* what follows has no place to begin */
		return NULL;
	}
	if (number != h->next_in) {
		h->early |= (uint16_t)(number - h->next_in) <= RF_DTLS13_AHEAD_MAX;
		return NULL;
	}
	if (!m->bytes) {
		*m = (struct rf_dtls13_message){ type, n, 0, calloc(1, n + (n + 7) / 8 + 1) };
		if (!m->bytes)
			return NULL; /* it comes again */
	}
	if (m->type != type || m->n != n)
		return NULL;
	fill(m, at, part);
	return m->have == m->n ? m : NULL;
}

/* What cannot be used yet, sealed as it is: once something went on it is looked at again. */
void rf_dtls13_hold(struct rf_dtls13 *h, struct rf_view datagram)
{
	uint8_t *copy;

	if (h->held_count == RF_DTLS13_HELD_MAX || datagram.n > RF_DTLS13_HELD_BYTES - h->held_bytes)
		return;
	copy = malloc(datagram.n);
	if (!copy)
		return;
	memcpy(copy, datagram.p, datagram.n);
	h->held[h->held_count++] = (struct rf_dtls13_held){ datagram.n, copy };
	h->held_bytes += datagram.n;
}

void rf_dtls13_note_ack(struct rf_dtls13 *h, uint64_t number)
{
	for (size_t i = 0; i < h->ack_count; i++)
		if (h->acks[i] == number)
			return;
	if (h->ack_count < RF_DTLS13_ACKS_MAX)
		h->acks[h->ack_count++] = number;
}

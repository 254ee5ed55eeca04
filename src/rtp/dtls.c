#include "rtp/dtls_int.h"

#include "base/secret.h"

#include <stdlib.h>

enum {
	ALERT_WAIT_MS = 3000,  /* after an alert that anybody could have sent */
	FINAL_GAP_MS = 50,     /* between two times that our last flight goes again */
	HANDSHAKE_HEAD = 12,
};

/* --- life */

int rf_dtls_new(struct rf_dtls_ctx *ctx, const struct rf_dtls_params *params, struct rf_random *r,
		struct rf_dtls **ret_dtls)
{
	struct rf_dtls *d;

	if (!params->suite_count || params->suite_count > RF_DTLS_SUITES_MAX)
		return RF_E_INVALID;
	for (size_t i = 0; i < params->suite_count; i++)
		if (!rf_dtls_profile_of(params->suites[i]))
			return RF_E_INVALID;
	d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->setup = params->setup;
	memcpy(d->suites, params->suites, params->suite_count * sizeof *d->suites);
	d->suite_count = params->suite_count;
	d->client_13 = params->client_13;
	d->send = params->send;
	d->arg = params->arg;
	d->alert = -1;
	rf_random_fill(r, d->cookie_key, sizeof d->cookie_key);
	SSL_CTX_up_ref(ctx->ssl_ctx);
	d->ssl_ctx = ctx->ssl_ctx;
	*ret_dtls = d;
	return 0;
}

void rf_dtls_drop_handshake(struct rf_dtls *d)
{
	rf_dtls13_drop(d);
	SSL_free(d->ssl);
	BIO_meth_free(d->method);
	d->ssl = NULL;
	d->method = NULL;
	d->timing = false;
	d->listening = false;
}

void rf_dtls_free(struct rf_dtls *d)
{
	if (!d)
		return;
	rf_dtls_drop_handshake(d);
	SSL_CTX_free(d->ssl_ctx);
	rf_secret_wipe(d, sizeof *d);
	free(d);
}

static void forget_keys(struct rf_dtls *d)
{
	rf_secret_wipe(&d->keys, sizeof d->keys);
	d->has_keys = false;
}

static void forget_all(struct rf_dtls *d)
{
	rf_dtls_drop_handshake(d);
	forget_keys(d);
	rf_secret_wipe(&d->opener, sizeof d->opener);
	rf_secret_wipe(&d->in13, sizeof d->in13);
	rf_secret_wipe(&d->out13, sizeof d->out13);
	d->closing_n = d->final_n = 0;
}

void rf_dtls_fail(struct rf_dtls *d, enum rf_dtls_why why)
{
	forget_all(d);
	d->state = RF_DTLS_FAILED;
	d->why = why;
}

static void begin(struct rf_dtls *d, bool server)
{
	d->state = RF_DTLS_HANDSHAKE;
	d->server = server;
	d->timing = true;
	d->deadline = rf_mono_add_ms(d->now, RF_DTLS_HANDSHAKE_MS);
	d->resend = d->deadline;
}

/* Of 1.3 the client has the last flight, and goes on until it is acknowledged. */
void rf_dtls_settled(struct rf_dtls *d)
{
	d->is_13 = d->h13 != NULL;
	if (d->server)
		rf_dtls_drop_handshake(d);
	/* The server's flight is the last: only a client can miss it. */
	if (!d->server || d->final_n > sizeof d->final)
		d->final_n = 0;
	d->state = d->print_count ? RF_DTLS_READY : RF_DTLS_UNPROVEN;
}

/* --- what comes in */

static void enter(struct rf_dtls *d, struct rf_mono now, size_t in_bytes)
{
	d->now = now;
	d->out_count = 0;
	d->in_bytes = in_bytes;
	d->out_bytes = 0;
	if (d->state == RF_DTLS_NEW || d->state == RF_DTLS_HANDSHAKE)
		d->final_n = 0;
}

static bool is_client_hello(const struct rf_dtls_record *r)
{
	return r->type == RF_DTLS_HANDSHAKE_RECORD && r->epoch == 0 && r->body.n >= HANDSHAKE_HEAD && r->body.p[0] == 1;
}

/* It carries a cookie: the number of the message is no longer 0. */
static bool is_second_hello(const struct rf_dtls_record *r)
{
	return r->body.p[4] || r->body.p[5];
}

/* In the clear anybody could have sent it: the handshake has some time left to show that it was not the peer. */
static void note_alert(struct rf_dtls *d, const struct rf_dtls_record *r)
{
	struct rf_mono wait = rf_mono_add_ms(d->now, ALERT_WAIT_MS);

	if (r->type != RF_DTLS_ALERT_RECORD || r->epoch != 0 || r->body.n != 2)
		return;
	d->alert = r->body.p[0] << 8 | r->body.p[1];
	if (r->body.p[0] == 2 && wait.us < d->deadline.us)
		d->deadline = wait;
}

static int in_handshake(struct rf_dtls *d, struct rf_view datagram)
{
	struct rf_view rest = datagram;
	struct rf_dtls_record r;

	while (rf_dtls_record_next(&rest, &r))
		note_alert(d, &r);
	if (datagram.n > RF_DTLS_BYTES_MAX - d->taken)
		return RF_E_LIMIT;
	d->taken += (uint32_t)datagram.n;
	if (d->h13) {
		rf_dtls13_receive(d, datagram);
		return 0;
	}
	d->in = datagram;
	rf_dtls12_go_on(d);
	d->in = (struct rf_view){ NULL, 0 };
	return 0;
}

bool rf_dtls_may_repeat(struct rf_dtls *d)
{
	if (d->final_sent == RF_DTLS_FINAL_MAX || (d->final_sent && d->now.us - d->final_at.us < FINAL_GAP_MS * 1000))
		return false;
	d->final_sent++;
	d->final_at = d->now;
	return true;
}

/* The client has lost our last flight and sends his again. The same records as before are what he lacks. */
static int send_final(struct rf_dtls *d)
{
	if (!d->final_n || !rf_dtls_may_repeat(d))
		return RF_E_STATE;
	for (size_t at = 0; at + 2 < d->final_n;) {
		size_t n = (size_t)d->final[at] << 8 | d->final[at + 1];

		rf_dtls_out(d, rf_view_of(d->final + at + 2, n));
		at += 2 + n;
	}
	return 0;
}

static int after_handshake(struct rf_dtls *d, struct rf_view datagram)
{
	struct rf_dtls_record r;
	unsigned forged = 0;
	bool again = false;

	if (d->is_13) {
		int rc = rf_dtls13_after(d, datagram);

		return rc == RF_E_BUSY ? send_final(d) : rc;
	}
	while (forged < RF_DTLS_FORGED_MAX && rf_dtls_record_next(&datagram, &r)) {
		int alert = rf_dtls_open_alert(&d->opener, &r);

		again |= r.type == RF_DTLS_HANDSHAKE_RECORD;
		forged += alert < 0 && r.type == RF_DTLS_ALERT_RECORD;
		if (alert < 0)
			continue;
		d->alert = alert;
		if (alert >> 8 == 2 || (alert & 255) == SSL3_AD_CLOSE_NOTIFY)
			rf_dtls_close(d);
		return 0;
	}
	return again ? send_final(d) : RF_E_STATE;
}

void rf_dtls_back_to_new(struct rf_dtls *d)
{
	rf_dtls_drop_handshake(d);
	d->state = RF_DTLS_NEW;
	d->taken = 0;
	d->alert = -1;
}

static int first_hello_12(struct rf_dtls *d, struct rf_view datagram)
{
	if (rf_dtls12_begin(d))
		return 0;
	int rc = in_handshake(d, datagram);

	if (d->listening)
		rf_dtls_back_to_new(d);
	return rc;
}

/* Before its sender has shown a cookie a message leaves nothing here but the answer. Which of the two it is for says
 * the message itself; in fragments it is put together first, where the source is proven. */
static int first_hello(struct rf_dtls *d, struct rf_view datagram, const struct rf_dtls_record *first, bool proven)
{
	if (d->setup == RF_DTLS_ACTIVE || !is_client_hello(first))
		return RF_E_STATE;
	int wants_13 = rf_dtls13_wants(first);

	begin(d, true);
	if (wants_13 > 0 || (wants_13 < 0 && proven)) {
		d->listening = !proven;
		d->taken = (uint32_t)(datagram.n < RF_DTLS_BYTES_MAX ? datagram.n : RF_DTLS_BYTES_MAX);
		rf_dtls13_accept(d, first, datagram);
		return 0;
	}
	d->listening = !proven || is_second_hello(first);
	return first_hello_12(d, datagram);
}

/* As OpenSSL would have had it from the wire: what it counts is the message, not its fragments. */
void rf_dtls_turn_to_12(struct rf_dtls *d, uint16_t number, struct rf_view body)
{
	uint8_t head[25] = { RF_DTLS_HANDSHAKE_RECORD, 254, 253 };
	size_t n = body.n + HANDSHAKE_HEAD;
	uint8_t *copy = malloc(sizeof head + body.n);

	head[11] = (uint8_t)(n >> 8);
	head[12] = (uint8_t)n;
	head[13] = 1; /* a ClientHello, whole */
	head[15] = head[23] = (uint8_t)(body.n >> 8);
	head[16] = head[24] = (uint8_t)body.n;
	head[17] = (uint8_t)(number >> 8);
	head[18] = (uint8_t)number;
	if (copy) {
		memcpy(copy, head, sizeof head);
		memcpy(copy + sizeof head, body.p, body.n);
	}
	rf_dtls13_drop(d);
	d->listening |= number > 0; /* it carries a cookie */
	if (!copy)
		rf_dtls_fail(d, RF_DTLS_WHY_LOCAL);
	else
		first_hello_12(d, rf_view_of(copy, sizeof head + body.n));
	free(copy);
}

int rf_dtls_receive(struct rf_dtls *d, struct rf_view datagram, const struct rf_stun_addr *from, bool proven,
		    struct rf_mono now)
{
	struct rf_view rest = datagram;
	struct rf_dtls_record first = { .type = 0 };

	if (!rf_dtls_record_next(&rest, &first) && !rf_dtls13_is_sealed(datagram))
		return RF_E_MALFORMED;
	enter(d, now, datagram.n);
	d->from = *from;
	switch (d->state) {
	case RF_DTLS_NEW:
		return first_hello(d, datagram, &first, proven);
	case RF_DTLS_HANDSHAKE:
		return in_handshake(d, datagram);
	case RF_DTLS_UNPROVEN:
	case RF_DTLS_READY:
		return after_handshake(d, datagram);
	default:
		return RF_E_STATE;
	}
}

/* --- what the caller wants */

int rf_dtls_connect(struct rf_dtls *d, struct rf_mono now)
{
	if (d->setup == RF_DTLS_PASSIVE || d->state != RF_DTLS_NEW)
		return RF_E_STATE;
	enter(d, now, 0);
	begin(d, false);
	if (d->client_13)
		rf_dtls13_connect(d);
	else if (rf_dtls12_begin(d) == 0)
		rf_dtls12_go_on(d);
	return 0;
}

static void say_closing(struct rf_dtls *d)
{
	d->out_count = 0;
	if (d->closing_n)
		rf_dtls_out(d, rf_view_of(d->closing, d->closing_n));
}

/* The handshake was done, or nearly, before it was known with whom it should have been. */
static void refuse(struct rf_dtls *d)
{
	say_closing(d);
	rf_dtls_fail(d, RF_DTLS_WHY_FINGERPRINT);
}

int rf_dtls_set_peer(struct rf_dtls *d, const struct rf_dtls_print *prints, size_t count)
{
	if (!count || count > RF_DTLS_PRINTS_MAX)
		return RF_E_INVALID;
	for (size_t i = 0; i < count; i++)
		if (prints[i].n != 32 && prints[i].n != 48 && prints[i].n != 64)
			return RF_E_INVALID;
	if (d->state > RF_DTLS_UNPROVEN)
		return RF_E_STATE;
	memcpy(d->prints, prints, count * sizeof *prints);
	d->print_count = count;
	if (d->shown && !rf_dtls_print_fits(d->prints, count, d->digests))
		refuse(d);
	else if (d->state == RF_DTLS_UNPROVEN)
		d->state = RF_DTLS_READY;
	return 0;
}

bool rf_dtls_due(const struct rf_dtls *d, struct rf_mono *ret_at)
{
	if (d->timing)
		*ret_at = d->resend.us < d->deadline.us ? d->resend : d->deadline;
	return d->timing;
}

void rf_dtls_tick(struct rf_dtls *d, struct rf_mono now)
{
	if (!d->timing)
		return;
	enter(d, now, 0);
	if (now.us >= d->deadline.us && d->state != RF_DTLS_HANDSHAKE) {
		rf_dtls_drop_handshake(d); /* nobody acknowledges: the keys are out, and media show
					    * whether they are right */
		return;
	}
	if (now.us >= d->deadline.us) {
		rf_dtls_fail(d, d->alert >= 0 ? RF_DTLS_WHY_ALERT : d->taken >= RF_DTLS_BYTES_MAX ? RF_DTLS_WHY_LIMIT :
		     RF_DTLS_WHY_TIMEOUT);
		return;
	}
	if (now.us < d->resend.us)
		return;
	if (d->h13)
		rf_dtls13_resend(d);
	else
		rf_dtls12_resend(d);
}

void rf_dtls_close(struct rf_dtls *d)
{
	if (d->state == RF_DTLS_FAILED || d->state == RF_DTLS_CLOSED)
		return;
	say_closing(d);
	forget_all(d);
	d->state = RF_DTLS_CLOSED;
}

enum rf_dtls_state rf_dtls_state(const struct rf_dtls *d)
{
	return d->state;
}

unsigned rf_dtls_version(const struct rf_dtls *d)
{
	return d->state < RF_DTLS_UNPROVEN || d->state == RF_DTLS_FAILED ? 0 : d->is_13 ? 13 : 12;
}

enum rf_dtls_why rf_dtls_why(const struct rf_dtls *d)
{
	return d->state == RF_DTLS_FAILED ? d->why : RF_DTLS_WHY_NONE;
}

int rf_dtls_alert(const struct rf_dtls *d)
{
	return d->alert;
}

int rf_dtls_take_keys(struct rf_dtls *d, struct rf_dtls_keys *ret_keys)
{
	if (d->state != RF_DTLS_READY || !d->has_keys)
		return RF_E_STATE;
	*ret_keys = d->keys;
	forget_keys(d);
	return 0;
}

/* A handshake of 1.2: OpenSSL does it, in an object that is there no longer than the handshake. */
#include "rtp/dtls_int.h"

#include "base/secret.h"

#include <openssl/err.h>
#include <stdio.h>
#include <sys/time.h>

enum {
	TICK_LEAST_MS = 10, /* OpenSSL rounds its timers */
};

static const struct {
	int reason; /* of OpenSSL's error */
	enum rf_dtls_why why;
} reasons[] = {
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, RF_DTLS_WHY_NO_CERTIFICATE },
	{ SSL_R_UNSUPPORTED_PROTOCOL, RF_DTLS_WHY_VERSION },
	{ SSL_R_WRONG_SSL_VERSION, RF_DTLS_WHY_VERSION },
	{ SSL_R_WRONG_VERSION_NUMBER, RF_DTLS_WHY_VERSION },
	{ SSL_R_VERSION_TOO_LOW, RF_DTLS_WHY_VERSION },
	{ SSL_R_NO_SHARED_CIPHER, RF_DTLS_WHY_CIPHER },
	{ SSL_R_NO_SHARED_GROUPS, RF_DTLS_WHY_CIPHER },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, RF_DTLS_WHY_CIPHER },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, RF_DTLS_WHY_CIPHER },
	{ SSL_R_WRONG_CIPHER_RETURNED, RF_DTLS_WHY_CIPHER },
	{ SSL_R_WRONG_CURVE, RF_DTLS_WHY_CIPHER },
	{ SSL_R_WRONG_SIGNATURE_TYPE, RF_DTLS_WHY_CIPHER },
	{ ERR_R_MALLOC_FAILURE, RF_DTLS_WHY_LOCAL },
	{ ERR_R_INTERNAL_ERROR, RF_DTLS_WHY_LOCAL },
};

/* Seconds pass before a phone with a lossy link has keys, if the first wait is one (RFC 6347 4.2.4.1 leaves it to those
 * who carry media). */
static unsigned wait_us(SSL *ssl, unsigned before_us)
{
	(void)ssl;
	if (!before_us)
		return RF_DTLS_RESEND_MS * 1000;
	return before_us < RF_DTLS_RESEND_MAX_MS * 500 ? before_us * 2 : RF_DTLS_RESEND_MAX_MS * 1000;
}

static bool offer_profiles(struct rf_dtls *d)
{
	char names[RF_DTLS_SUITES_MAX * 24];
	size_t n = 0;

	for (size_t i = 0; i < d->suite_count; i++)
		n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ":" : "",
				      rf_dtls_profile_name(d->suites[i]));
	return SSL_set_tlsext_use_srtp(d->ssl, names) == 0; /* 0 is success here */
}

static bool make_ssl(struct rf_dtls *d)
{
	BIO *bio;

	d->method = rf_dtls_bio_method();
	bio = d->method ? BIO_new(d->method) : NULL;
	d->ssl = bio ? SSL_new(d->ssl_ctx) : NULL;
	if (!d->ssl) {
		BIO_free(bio);
		return false;
	}
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	SSL_set_bio(d->ssl, bio, bio);
	DTLS_set_timer_cb(d->ssl, wait_us);
	return SSL_set_app_data(d->ssl, d) == 1 && SSL_set_mtu(d->ssl, RF_DTLS_MTU) && offer_profiles(d);
}

int rf_dtls12_begin(struct rf_dtls *d)
{
	if (!make_ssl(d)) {
		rf_dtls_fail(d, RF_DTLS_WHY_LOCAL);
		return -ENOMEM;
	}
	if (d->server)
		SSL_set_accept_state(d->ssl);
	else
		SSL_set_connect_state(d->ssl);
	return 0;
}

static enum rf_dtls_why why_of_error(struct rf_dtls *d)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	if (d->why)
		return d->why;
	if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
		d->alert = 2 << 8 | (reason - SSL_AD_REASON_OFFSET);
		return RF_DTLS_WHY_ALERT;
	}
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].reason == reason)
			return reasons[i].why;
	return RF_DTLS_WHY_PROTOCOL;
}

/* --- it is done */

static int export_keys(struct rf_dtls *d, enum rf_srtp_suite suite)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	uint8_t material[RF_DTLS_MATERIAL_BYTES];
	bool ok = SSL_export_keying_material(d->ssl, material, 2 * rf_srtp_key_bytes(suite), label, sizeof label - 1,
					     NULL, 0, 0) == 1;

	if (ok)
		rf_dtls_split_keys(d, suite, material);
	rf_secret_wipe(material, sizeof material);
	return ok ? 0 : RF_E_CRYPTO;
}

static enum rf_srtp_suite selected_suite(struct rf_dtls *d)
{
	const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(d->ssl);

	return p ? rf_dtls_suite_of((uint16_t)p->id) : RF_SRTP_NONE;
}

/* Our close_notify is sealed now, for later: then there is no OpenSSL object any more. */
static void seal_closing(struct rf_dtls *d)
{
	d->keeping = true;
	SSL_shutdown(d->ssl);
	d->keeping = false;
}

static void settle(struct rf_dtls *d)
{
	enum rf_srtp_suite suite = selected_suite(d);

	if (suite == RF_SRTP_NONE) {
		SSL_shutdown(d->ssl);
		rf_dtls_fail(d, RF_DTLS_WHY_PROFILE);
		return;
	}
	if (export_keys(d, suite) || rf_dtls_opener_make(d->ssl, d->server, &d->opener)) {
		rf_dtls_fail(d, RF_DTLS_WHY_LOCAL);
		return;
	}
	seal_closing(d);
	rf_dtls_drop_handshake(d);
	rf_dtls_settled(d);
}

/* --- it goes on */

/* How long OpenSSL waits, in the caller's time. */
static void note_timer(struct rf_dtls *d)
{
	struct timeval left;
	uint64_t us = RF_DTLS_HANDSHAKE_MS * 1000;

	if (d->ssl && DTLSv1_get_timeout(d->ssl, &left) == 1)
		us = (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
	if (us < TICK_LEAST_MS * 1000)
		us = TICK_LEAST_MS * 1000;
	d->resend = (struct rf_mono){ d->now.us + us };
}

static void handle(struct rf_dtls *d, int rc)
{
	int error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, rc);

	if (rc == 1)
		settle(d);
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		rf_dtls_fail(d, why_of_error(d));
	else
		note_timer(d);
	ERR_clear_error();
}

/* Until the client shows a cookie nothing of it is kept; then the message that has it begins the handshake. */
static bool listen_on(struct rf_dtls *d)
{
	BIO_ADDR *nobody = BIO_ADDR_new();
	int rc = nobody ? DTLSv1_listen(d->ssl, nobody) : 0;

	BIO_ADDR_free(nobody);
	ERR_clear_error();
	if (rc == 1)
		d->listening = false;
	return rc == 1;
}

void rf_dtls12_go_on(struct rf_dtls *d)
{
	ERR_clear_error();
	if (!d->listening || listen_on(d))
		handle(d, SSL_do_handshake(d->ssl));
}

void rf_dtls12_resend(struct rf_dtls *d)
{
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0)
		rf_dtls_fail(d, why_of_error(d));
	else
		note_timer(d);
	ERR_clear_error();
}

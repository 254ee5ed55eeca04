#include "rtp/dtls_int.h"

/* A datagram, or a record of one: OpenSSL gets them one at a time, so that what must not reach it is left out. */
static bool wanted(const struct rf_dtls *d, const struct rf_dtls_record *r)
{
	switch (r->type) {
	case RF_DTLS_CHANGE:
		return r->epoch == 0 && !d->listening;
	case RF_DTLS_ALERT_RECORD:
		return r->epoch == 1;
	case RF_DTLS_HANDSHAKE_RECORD:
		return r->epoch == 0 || (r->epoch == 1 && !d->listening);
	default:
		return false; /* application data: there is none in DTLS-SRTP */
	}
}

static int bio_read(BIO *bio, char *buf, int cap)
{
	struct rf_dtls *d = BIO_get_data(bio);
	struct rf_dtls_record r;

	BIO_clear_retry_flags(bio);
	while (rf_dtls_record_next(&d->in, &r)) {
		if (!wanted(d, &r) || cap < 0 || r.bytes.n > (size_t)cap)
			continue;
		memcpy(buf, r.bytes.p, r.bytes.n);
		return (int)r.bytes.n;
	}
	d->in.n = 0;
	BIO_set_retry_read(bio);
	return -1;
}

/* For a peer that lost it. A datagram that does not fit is none of the last flight. */
static void remember(struct rf_dtls *d, struct rf_view v)
{
	if (d->final_n > sizeof d->final || v.n > sizeof d->final || 2 + v.n > sizeof d->final - d->final_n) {
		d->final_n = sizeof d->final + 1;
		return;
	}
	d->final[d->final_n] = (uint8_t)(v.n >> 8);
	d->final[d->final_n + 1] = (uint8_t)v.n;
	memcpy(d->final + d->final_n + 2, v.p, v.n);
	d->final_n += 2 + v.n;
}

void rf_dtls_out(struct rf_dtls *d, struct rf_view v)
{
	/* One who has not shown that he gets what is sent there gets no more than came. */
	if (d->listening && v.n > d->in_bytes - d->out_bytes)
		return;
	if (d->out_count == RF_DTLS_OUT_MAX || v.n > RF_DTLS_MTU)
		return;
	d->out_count++;
	d->out_bytes += v.n;
	d->send(d->arg, v);
}

void rf_dtls_out_kept(struct rf_dtls *d, struct rf_view v)
{
	remember(d, v);
	rf_dtls_out(d, v);
}

static int bio_write(BIO *bio, const char *buf, int n)
{
	struct rf_dtls *d = BIO_get_data(bio);
	struct rf_view v = rf_view_of(buf, n > 0 ? (size_t)n : 0);

	BIO_clear_retry_flags(bio);
	if (!d->keeping) {
		rf_dtls_out_kept(d, v);
	} else if (v.n <= sizeof d->closing) {
		memcpy(d->closing, v.p, v.n);
		d->closing_n = v.n;
	}
	return n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
	case BIO_CTRL_DGRAM_GET_MTU:
		return RF_DTLS_MTU;
	default:
		return 0;
	}
}

BIO_METHOD *rf_dtls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ringfort datagrams");

	if (m && BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_write(m, bio_write) == 1 &&
	    BIO_meth_set_ctrl(m, bio_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* The bytes of what ua sends by itself beside a request of its user: the CANCEL of an INVITE (RFC 3261 9.1) and the
 * ACK to a 300-699 (17.1.1.3). Both repeat fields of the INVITE, which is read again for that: calls that are answered
 * never need it. */
#include "ua/ua_int.h"

#include <stdlib.h>

static void copy(struct rf_writer *w, const struct rf_sip_msg *m, enum rf_sip_hid id)
{
	for (const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id); h; h = rf_sip_msg_hdr_next(m, h))
		rf_sip_put_hdr_copy(w, h);
}

/* Request-URI, the same single Via, Route, From, Call-ID as in the INVITE; To from where the caller says. */
static int build(struct rf_cli *cli, struct rf_view method, const struct rf_sip_msg *to_of, struct rf_view headers,
		 uint8_t **ret_p, size_t *ret_n)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_sip_msg *own = &ua->own;
	struct rf_writer w;
	struct rf_view bytes;
	int rc = rf_sip_msg_parse(own, rf_view_of(cli->wire, cli->wire_n), RF_SIP_DATAGRAM, ua->limits);

	if (rc)
		return rc;
	rf_writer_init(&w, ua->out, sizeof ua->out);
	rf_sip_put_request(&w, method, own->uri.text);
	rf_put(&w, rf_view_of(cli->wire + cli->line_n, cli->via_n));
	copy(&w, own, RF_SIP_H_ROUTE);
	rf_sip_put_hdr_u64(&w, RF_SIP_H_MAX_FORWARDS, 70);
	copy(&w, own, RF_SIP_H_FROM);
	copy(&w, to_of ? to_of : own, RF_SIP_H_TO);
	copy(&w, own, RF_SIP_H_CALL_ID);
	rf_sip_put_cseq(&w, own->cseq, method);
	rf_put(&w, headers);
	rf_sip_put_end(&w);
	rc = rf_writer_done(&w, &bytes);
	if (rc)
		return rc;
	*ret_p = malloc(bytes.n);
	if (!*ret_p)
		return -ENOMEM;
	memcpy(*ret_p, bytes.p, bytes.n);
	*ret_n = bytes.n;
	return 0;
}

int rf_cli_build_cancel(struct rf_cli *cli, struct rf_view headers, uint8_t **ret_p, size_t *ret_n)
{
	return build(cli, RF_V("CANCEL"), NULL, headers, ret_p, ret_n);
}

int rf_cli_build_ack(struct rf_cli *cli, const struct rf_sip_msg *resp, uint8_t **ret_p, size_t *ret_n)
{
	return build(cli, RF_V("ACK"), resp, RF_V(""), ret_p, ret_n);
}

/* Relays on other hosts of the site. The connection is made when there is something to say, which the first ping
 * is; both sides show certificates of the site's authority, ours that of a border, and the relay's must name the
 * address that we call. */
#include "call/relays_int.h"
#include "pki/id.h"

#include <arpa/inet.h>

enum { REVOKED = UINT16_MAX }; /* of rf_relay_link.told: until it shows another certificate */

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	struct rf_relay_link *relay = rf_stream_arg(s);

	/* Its address was compared: rf_stream_conf.name. */
	if (!peer || rf_directory_revoked(relay->of->core->directory, rf_pki_id_serial(peer))) {
		if (relay->told != REVOKED)
			rf_log(relay->of->core->log, RF_LOG_ERROR,
			       "the media relay at %s shows a certificate that is revoked: it is not asked",
			       relay->proves);
		relay->told = REVOKED;
		rf_stream_abort(s);
		return;
	}
	relay->told = 0;
	rf_relay_link_opened(relay);
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct rf_relay_link *relay = rf_stream_arg(s);
	struct rf_relays *r = relay->of;
	size_t used = 0, n;
	int rc;

	while ((rc = rf_ng_frame_next(&relay->frame, rf_view_from(bytes, used), &n)) == 0) {
		rf_ng_client_datagram(r->client, (unsigned)(relay - r->relay),
				      rf_ng_frame_trim(rf_view_sub(bytes, used, n)));
		used += n;
	}
	if (rc == RF_E_MORE)
		return used;
	rf_log(r->core->log, RF_LOG_WARN, "the media relay at %s sends what is no reply", relay->proves);
	rf_stream_abort(s);
	return bytes.n;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct rf_relay_link *relay = rf_stream_arg(s);

	relay->stream = NULL;
	relay->frame = (struct rf_ng_frame){ 0 };
	uint16_t why = (uint16_t)(1 + 256 * end->why + end->fail);

	if (relay->told == REVOKED)
		why = REVOKED;
	if (relay->told != why)
		rf_log(relay->of->core->log, RF_LOG_WARN, "the connection to the media relay at %s: %s", relay->proves,
		       end->text);
	relay->told = why;
	rf_relay_link_cut(relay);
}

static const struct rf_stream_ops ops = { .on_open = on_open, .on_data = on_data, .on_closed = on_closed };

static void connect_tls(struct rf_relay_link *relay)
{
	struct rf_stream_conf conf = {
		.remote = relay->at.addr, .local = relay->at.local, .tls = relay->at.tls,
		.name = rf_view_str(relay->proves), .connect_ms = 2000, .ops = &ops, .arg = relay,
	};

	if (rf_stream_connect(relay->of->net, &conf, &relay->stream))
		relay->stream = NULL;
}

void rf_relay_link_send_tls(struct rf_relay_link *relay, struct rf_view bytes)
{
	if (!relay->stream)
		connect_tls(relay);
	if (!relay->stream)
		rf_relay_link_cut(relay);
	else if (rf_stream_send(relay->stream, bytes)) /* a relay that does not read is none */
		rf_stream_abort(relay->stream);
}

int rf_relay_link_open_tls(struct rf_relay_link *relay)
{
	struct rf_relays *r = relay->of;
	struct rf_random *random = r->core->random;
	struct rf_net_conf conf = { .streams = 2 * RF_NG_RELAYS_MAX,
				    .output_bytes = 16 * RF_NG_BYTES_MAX,
				    .carry_bytes = IN_MAX,
				    .hash_key = { rf_random_u64(random), rf_random_u64(random) } };
	int family = relay->at.addr.family == 6 ? AF_INET6 : AF_INET;
	int rc = r->net ? 0 : rf_net_new(r->core->loop, &conf, &r->net);

	relay->at.tls = rf_tls_get(relay->at.tls);
	return rc ? rc : inet_ntop(family, relay->at.addr.ip, relay->proves, sizeof relay->proves) ? 0 : RF_E_INVALID;
}

/* Ends come in a later turn, when the relay is gone. */
static size_t on_data_late(struct rf_stream *s, struct rf_view bytes)
{
	(void)s;
	return bytes.n;
}

static void on_open_late(struct rf_stream *s, const struct rf_pki_id *peer)
{
	(void)s;
	(void)peer;
}

static void on_closed_late(struct rf_stream *s, const struct rf_stream_end *end)
{
	(void)s;
	(void)end;
}

static const struct rf_stream_ops late_ops = { .on_open = on_open_late,
					       .on_data = on_data_late,
					       .on_closed = on_closed_late };

void rf_relay_link_close_tls(struct rf_relay_link *relay)
{
	if (relay->stream) {
		rf_stream_set_ops(relay->stream, &late_ops);
		rf_stream_abort(relay->stream);
	}
	relay->stream = NULL;
	rf_tls_put(relay->at.tls);
	relay->at.tls = NULL;
}

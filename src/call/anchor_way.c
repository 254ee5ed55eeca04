/* How each leg is keyed, as words for the relay. A leg speaks by SDES, as phones do and as everybody is spoken to
 * first, or by DTLS-SRTP with ICE, as browsers do, which know nothing else (RFC 8827 6.5); the relay stands between
 * any two. */
#include "call/anchor_int.h"

void rf_way_learn(struct rf_way *way, const struct rf_sdp_summary *said)
{
	for (size_t i = 0; i < said->n_lines; i++) {
		const struct rf_sdp_line *l = &said->lines[i];

		if (!(l->flags & RF_SDP_LINE_LIVE) || !rf_sdp_proto_is_rtp((enum rf_sdp_proto)l->proto))
			continue;
		/* Who offers both is answered by keys: they need no handshake. */
		way->dtls = (l->flags & (RF_SDP_LINE_DTLS | RF_SDP_LINE_SDES)) == RF_SDP_LINE_DTLS;
		way->plain = !(l->flags & (RF_SDP_LINE_DTLS | RF_SDP_LINE_SDES));
		way->feedback = l->proto == RF_SDP_UDP_TLS_RTP_SAVPF || l->proto == RF_SDP_RTP_SAVPF;
		return;
	}
}

static enum rf_ng_protocol protocol(const struct rf_side *from, const struct rf_side *to)
{
	if (!to->secure)
		return RF_NG_RTP_AVP;
	if (to->way.dtls)
		return to->way.feedback ? RF_NG_DTLS_SAVPF : RF_NG_DTLS_SAVP;
	if (to->way.plain && !to->policy.encrypted_required) /* a phone that knows no keys would refuse a new
							      * offer that has some */
		return RF_NG_RTP_AVP;
	if (to->policy.encrypted_required || !from->secure || (from->way.dtls && !to->media.last))
		return RF_NG_RTP_SAVP;
	return RF_NG_PROTOCOL_UNSET; /* as before, else as the other side */
}

void rf_way_put(const struct rf_side *from, const struct rf_side *to, struct rf_ng_request *req)
{
	/* Browsers begin the handshake, behind whatever NAT they are. Off: nobody is offered two ways of keying. */
	req->dtls = from->way.dtls || to->way.dtls ? RF_NG_DTLS_PASSIVE : RF_NG_DTLS_OFF;
	req->ice = to->way.dtls ? RF_NG_ICE_FORCE : RF_NG_ICE_REMOVE;
	if (req->command != RF_NG_OFFER)
		return;
	req->protocol = protocol(from, to);
	if (to->way.dtls) /* browsers have one port for both (RFC 8834 4.5) */
		req->mux = to->way.feedback ? RF_NG_MUX_REQUIRE : RF_NG_MUX_OFFER;
}

void rf_way_put_source(const struct rf_side *from, const struct rf_flow *flow, struct rf_ng_request *req)
{
	struct rf_addr at = flow->remote;

	at.port = 0;
	if (from->way.dtls && !from->nat) /* ICE proves each address */
		return;
	if (from->nat) { /* a browser's, too: through a wall its checks may come from a port that no candidate names */
		req->flags = (req->flags & ~(1ull << RF_NG_TRUST_ADDRESS)) | 1ull << RF_NG_SIP_SOURCE_ADDRESS;
		req->received_from = at;
	} else {
		req->media_address = at;
	}
}

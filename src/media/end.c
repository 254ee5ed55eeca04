/* From what was said to what packets need: the conf of one end of a path (path.h), and how a leg is keyed. */
#include "media/session.h"
#include "media/pcm.h"

enum {
	/* That have a protection profile (RFC 5764 4.1.2, 7714 14.2). */
	DTLS_SUITES = 1 << RF_SRTP_AEAD_AES_256_GCM | 1 << RF_SRTP_AEAD_AES_128_GCM |
		      1 << RF_SRTP_AES_CM_128_HMAC_SHA1_80 | 1 << RF_SRTP_AES_CM_128_HMAC_SHA1_32,
};

bool rf_relay_has_dtls(const struct rf_relay *r)
{
	return r->conf.policy.dtls && r->conf.fingerprint && r->conf.policy.suites & DTLS_SUITES;
}

void rf_ours_ice(struct rf_relay *r, struct rf_ours *o)
{
	rf_ice_cred_make(r->conf.random, &o->ice_cred);
}

/* Where this party's packets come from (path.h). */
static enum rf_path_source source_of(const struct rf_said *said, const struct rf_ours *ours)
{
	if (ours->ice && said->ice && !said->ice_lite)
		return RF_SOURCE_ICE;
	return said->learn ? RF_SOURCE_FIRST : RF_SOURCE_SIGNALED;
}

static void copy_text(char *dst, size_t cap, struct rf_view v)
{
	if (!rf_view_cstr(v, dst, cap))
		dst[0] = 0;
}

/* What it may send is what was said to it: the other side's codecs as far as they went on, and what the relay makes of
 * those if it took that. */
static void set_types(struct rf_path_end_conf *c, const struct rf_said *other, const struct rf_said *said)
{
	for (size_t i = 0; other && i < other->n_codecs; i++) {
		const struct rf_codec *codec = &other->codecs[i];

		if (!codec->off && !(codec->made && said && !rf_codec_own(said->codecs, said->n_codecs, codec)))
			c->types[c->n_types++] = (struct rf_path_type){ codec->type, codec->flags, codec->clock,
				(uint8_t)rf_pcm_codec_of(codec->name, codec->clock) };
	}
}

/* It answered, with one key for one of our lines; or it offered, and our one line says which of its keys we took. */
static void set_sdes(struct rf_path_end_conf *c, const struct rf_said *said, const struct rf_ours *ours)
{
	const struct rf_sdes *s = ours->sdes;
	const struct rf_said_key *in = NULL;

	if (!s || s->n == 0)
		return;
	if (said && said->n_keys == 1) {
		const struct rf_sdes_line *taken = rf_sdes_taken(s, said);

		in = taken ? &said->keys[0] : NULL;
		if (taken && !taken->theirs)
			rf_sdes_path_key(&taken->key, &c->key_out);
	} else if (said && s->n == 1) {
		in = rf_sdes_key(said, s->lines[0].their_tag);
		if (!s->lines[0].theirs)
			rf_sdes_path_key(&s->lines[0].key, &c->key_out);
	}
	if (in) {
		c->n_keys_in = 1;
		rf_sdes_path_key(in, &c->keys_in[0]);
	}
}

void rf_line_conf(const struct rf_pair *p, const struct rf_line *l, unsigned side, struct rf_path_end_conf *ret_conf)
{
	const struct rf_said *said = l->said[side];
	const struct rf_ours *ours = &l->ours[side];
	const struct rf_media_interface *in;
	struct rf_path_end_conf *c = ret_conf;

	memset(c, 0, sizeof *c);
	c->dir = RF_SDP_SENDRECV;
	c->keying = (enum rf_path_keying)ours->keying;
	c->dtls_suites = p->session->relay->conf.policy.suites & DTLS_SUITES;
	c->dscp = p->session->dscp;
	c->sync = p->spoken[side].id;
	set_types(c, l->said[!side] ? l->said[!side] : l->offered, said);
	if (ours->ice && (!said || said->ice)) {
		memcpy(c->ufrag, ours->ice_cred.ufrag, sizeof ours->ice_cred.ufrag);
		memcpy(c->pwd, ours->ice_cred.pwd, sizeof ours->ice_cred.pwd);
	}
	c->source = ours->ice ? RF_SOURCE_ICE : RF_SOURCE_SIGNALED;
	c->rtcp_mux = l->mux_only;
	if (!said)
		return;
	if (said->mid.n <= sizeof c->mid) {
		memcpy(c->mid, said->mid.p, said->mid.n);
		c->mid_n = (uint8_t)said->mid.n;
		c->mid_ext = said->mid_ext;
	}
	/* With ICE the address of the description is a default, and may be one that our port cannot reach. */
	in = rf_media_interface_at(p->session->relay->conf.worker, p->interface[side]);
	if (!said->remote.family || said->remote.family == in->local.family) {
		c->remote = said->remote;
		c->remote_rtcp = said->remote_rtcp;
	}
	c->rtcp_mux = ours->mux && (said->mux || l->mux_only);
	c->source = source_of(said, ours);
	c->nat = said->learn;
	c->nat_waits = said->waits;
	c->dir = (enum rf_sdp_dir)said->dir;
	c->dtls_active = ours->active;
	if (ours->keying == RF_KEYING_SDES || ours->keying == RF_KEYING_PASSED)
		set_sdes(c, said, ours);
	if (ours->keying == RF_KEYING_DTLS)
		for (; c->n_prints < said->n_prints; c->n_prints++)
			c->prints[c->n_prints] = said->prints[c->n_prints];
	for (; c->ufrag[0] && c->n_candidates < said->n_candidates; c->n_candidates++)
		c->candidates[c->n_candidates] = said->candidates[c->n_candidates];
	if (c->ufrag[0] && !said->ice_lite) {
		copy_text(c->ufrag_peer, sizeof c->ufrag_peer, said->ufrag);
		copy_text(c->pwd_peer, sizeof c->pwd_peer, said->pwd);
	}
}

const char *rf_said_astray(const struct rf_pair *p, unsigned side, const struct rf_said *said)
{
	const struct rf_relay_conf *conf = &p->session->relay->conf;
	const struct rf_media_interface *in = rf_media_interface_at(conf->worker, p->interface[side]);
	const struct rf_addr *at[] = { &said->remote, &said->remote_rtcp };

	for (unsigned i = 0; i < 2 && !said->ice; i++) {
		if (rf_addr_is_loopback(at[i]) && !rf_addr_is_loopback(&in->local))
			return "one that each host has for itself (127.0.0.0/8, ::1)";
		if (in->outer && at[i]->family && conf->ops && conf->ops->inside &&
		    conf->ops->inside(conf->ctx, at[i]))
			return "of a network of the inside, and no trunk's (`peer`, `addresses`)";
	}
	return NULL;
}

struct rf_said_source rf_turn_source(const struct rf_ng_request *req)
{
	struct rf_said_source s = { 0 };

	if (rf_ng_has(req, RF_NG_SIP_SOURCE_ADDRESS) && !rf_ng_has(req, RF_NG_TRUST_ADDRESS))
		s.instead = req->received_from;
	if (req->media_address.family)
		s.instead = req->media_address;
	/* Behind a NAT: said so in one of rtpengine's ways. What it does by default, learning from whoever sends first,
	 * is not done without. */
	s.learn = rf_ng_has(req, RF_NG_SIP_SOURCE_ADDRESS) || rf_ng_has(req, RF_NG_SYMMETRIC) ||
		  rf_ng_has(req, RF_NG_NAT_WAIT) || rf_ng_has(req, RF_NG_PIERCE_NAT) || req->learn == RF_NG_LEARN_FIRST;
	if (rf_ng_has(req, RF_NG_ASYMMETRIC) || req->learn == RF_NG_LEARN_OFF)
		s.learn = false;
	s.waits = s.learn && rf_ng_has(req, RF_NG_NAT_WAIT);
	return s;
}

unsigned rf_turn_proto(const struct rf_ng_request *req)
{
	static const uint8_t protos[] = {
		[RF_NG_PROTOCOL_UNSET] = RF_SDP_PROTO_OTHER, [RF_NG_RTP_AVP] = RF_SDP_RTP_AVP,
		[RF_NG_RTP_AVPF] = RF_SDP_RTP_AVPF, [RF_NG_RTP_SAVP] = RF_SDP_RTP_SAVP,
		[RF_NG_RTP_SAVPF] = RF_SDP_RTP_SAVPF, [RF_NG_DTLS_SAVP] = RF_SDP_UDP_TLS_RTP_SAVP,
		[RF_NG_DTLS_SAVPF] = RF_SDP_UDP_TLS_RTP_SAVPF,
		[RF_NG_PROTOCOL_ACCEPT] = RF_SDP_PROTO_OTHER,
	};

	return protos[req->protocol];
}

int rf_leg_keying(struct rf_turn *t, unsigned proto, const struct rf_sdes_rules *rules, enum rf_path_keying *ret_keying)
{
	const struct rf_relay_policy *policy = &t->relay->conf.policy;
	bool dtls = rf_relay_has_dtls(t->relay) && t->req->dtls != RF_NG_DTLS_OFF;

	if (proto == RF_SDP_RTP_AVP || proto == RF_SDP_RTP_AVPF) {
		*ret_keying = RF_KEYING_PLAIN;
		return policy->plain_allowed ? 0 : rf_turn_fail(t, RF_E_DENIED,
			"transport protocol %s would send media without encryption, which the site's policy forbids",
			rf_sdp_proto_text((enum rf_sdp_proto)proto));
	}
	if (proto == RF_SDP_UDP_TLS_RTP_SAVP || proto == RF_SDP_UDP_TLS_RTP_SAVPF || t->req->sdes & RF_NG_SDES_OFF) {
		*ret_keying = RF_KEYING_DTLS;
		return dtls ? 0 : rf_turn_fail(t, RF_E_DENIED, "DTLS-SRTP is asked for and is switched off %s",
					       t->req->dtls == RF_NG_DTLS_OFF ? "by the same request" : "here");
	}
	*ret_keying = RF_KEYING_SDES;
	return rules->suites ? 0 : rf_turn_fail(t, RF_E_DENIED, "policy and request together leave no suite for SDES");
}

static bool is_encrypted(unsigned proto)
{
	return proto >= RF_SDP_RTP_SAVP && proto <= RF_SDP_UDP_TLS_RTP_SAVPF;
}

static bool any_suite(const struct rf_said *said, const struct rf_sdes_rules *rules)
{
	for (size_t i = 0; i < said->n_keys; i++)
		if (rules->suites & 1u << said->keys[i].suite)
			return true;
	return false;
}

int rf_line_keying(struct rf_turn *t, const struct rf_said *said, const struct rf_sdes_rules *rules, bool dtls_off,
		   enum rf_path_keying *ret_keying)
{
	const struct rf_relay_policy *policy = &t->relay->conf.policy;
	bool dtls = rf_relay_has_dtls(t->relay) && !dtls_off;
	bool tls = said->proto == RF_SDP_UDP_TLS_RTP_SAVP || said->proto == RF_SDP_UDP_TLS_RTP_SAVPF;

	if (!is_encrypted(said->proto)) {
		*ret_keying = RF_KEYING_PLAIN;
		return policy->plain_allowed ? 0 : rf_turn_fail(t, RF_E_DENIED,
			"the description has media without encryption (%s), which the site's policy forbids; use "
			"RTP/SAVP or UDP/TLS/RTP/SAVP", rf_sdp_proto_text((enum rf_sdp_proto)said->proto));
	}
	if (dtls && said->n_prints) {
		*ret_keying = RF_KEYING_DTLS;
		return 0;
	}
	if (!tls && any_suite(said, rules)) {
		*ret_keying = RF_KEYING_SDES;
		return 0;
	}
	if (said->n_prints)
		return rf_turn_fail(t, RF_E_DENIED, "DTLS-SRTP is offered and is switched off %s",
				    dtls_off ? "by the request" : "here");
	if (said->weak_print)
		return rf_turn_fail(t, RF_E_DENIED,
				    "the fingerprint is of a hash that is too weak; sha-256 or better is needed");
	if (tls)
		return rf_turn_fail(t, RF_E_DENIED, "DTLS-SRTP without a=fingerprint");
	return rf_turn_fail(t, RF_E_DENIED, said->n_keys ? "no a=crypto with a suite that policy and request allow" :
			    "an encrypted profile without a usable a=crypto or a=fingerprint");
}

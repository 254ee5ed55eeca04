/* The description for a party: written anew from values. Nothing of the other side's text goes on but codecs
 * and what the positive list (attribute.h) lets through; addresses, ports, keys, names and numbers of the
 * origin are the relay's own. */
#include "media/session.h"
#include "base/secret.h"
#include "media/attribute.h"

static void put_addr(struct rf_writer *w, const struct rf_addr *a)
{
	rf_put(w, a->family == 6 ? RF_V("IN IP6 ") : RF_V("IN IP4 "));
	rf_addr_put_host(w, a, false);
	rf_put_lit(w, "\r\n");
}

static void put_flag(struct rf_writer *w, const char *line)
{
	rf_put(w, rf_view_str(line));
	rf_put_lit(w, "\r\n");
}

static void put_number(struct rf_writer *w, const char *before, uint64_t x)
{
	rf_put(w, rf_view_str(before));
	rf_put_u64(w, x);
	rf_put_lit(w, "\r\n");
}

static void put_bws(struct rf_writer *w, const struct rf_sdp_bw *bws, size_t n)
{
	static const char *const known[] = { "AS", "TIAS", "CT", "RS", "RR" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
			if (!rf_view_eq(bws[i].type, rf_view_str(known[k])))
				continue;
			rf_put_lit(w, "b=");
			rf_put(w, bws[i].type);
			put_number(w, ":", bws[i].value);
		}
}

static unsigned attr_kind(const struct rf_said *said)
{
	switch (said->proto) {
	case RF_SDP_UDPTL: case RF_SDP_UDPTL_DTLS: return RF_ATTR_FAX;
	case RF_SDP_MSRP: case RF_SDP_MSRP_TLS: return RF_ATTR_MSRP;
	case RF_SDP_BFCP: case RF_SDP_BFCP_TLS: return RF_ATTR_BFCP;
	default: return RF_ATTR_RTP;
	}
}

static bool with_feedback(unsigned proto)
{
	return proto == RF_SDP_RTP_AVPF || proto == RF_SDP_RTP_SAVPF || proto == RF_SDP_UDP_TLS_RTP_SAVPF;
}

static bool codec_on(const struct rf_said *said, int type)
{
	for (size_t i = 0; i < said->n_codecs; i++)
		if (said->codecs[i].type == type && !said->codecs[i].made)
			return !said->codecs[i].off;
	return false;
}

static bool wanted(const struct rf_turn *t, const struct rf_out_line *l, const struct rf_attr_rule *r,
		   struct rf_view value)
{
	int type = r->notes & RF_ATTR_FORMAT ? rf_attr_format(value) : -1;

	if (type >= 0 && !codec_on(l->said, type))
		return false;
	if (r->notes & RF_ATTR_FEEDBACK && with_feedback(l->said->proto) && !with_feedback(l->ours->proto))
		return false;
	if (r->notes & RF_ATTR_EXTENSION && rf_ng_has(t->req, RF_NG_STRIP_EXTMAP))
		return false;
	return !(r->notes & RF_ATTR_PTIME && l->ptime);
}

/* Read and answered by us, so that its absence is no loss to count. */
static bool consumed(const struct rf_sdp_attr *a)
{
	static const char *const names[] = { "rtcp", "rtcp-mux", "rtcp-mux-only", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite",
		"candidate", "end-of-candidates", "remote-candidates", "path" };

	if (a->id != RF_SDP_A_OTHER)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (rf_view_eq_nocase(a->name, rf_view_str(names[i])))
			return true;
	return false;
}

static void put_attrs(struct rf_turn *t, struct rf_writer *w, const struct rf_out_line *l)
{
	unsigned kind = attr_kind(l->said);

	for (size_t i = 0; i < l->in->n_attrs; i++) {
		const struct rf_sdp_attr *a = &l->in->attrs[i];
		const struct rf_attr_rule *r = rf_attr_rule(a, kind);

		if (r && wanted(t, l, r, a->value))
			rf_attr_put(w, r, a->value);
		else if (!r && !consumed(a))
			t->relay->count.dropped++;
	}
	if (l->ptime)
		put_number(w, "a=ptime:", l->ptime);
}

/* Codecs that the one whose description this is did not list. */
static void put_made(struct rf_writer *w, const struct rf_said *said)
{
	for (size_t i = 0; i < said->n_codecs; i++) {
		const struct rf_codec *c = &said->codecs[i];

		if (!c->made || c->off)
			continue;
		rf_put_lit(w, "a=rtpmap:");
		rf_put_u64(w, c->type);
		rf_put_byte(w, ' ');
		rf_put(w, c->name);
		rf_put_byte(w, '/');
		rf_put_u64(w, c->clock);
		if (c->channels > 1) {
			rf_put_byte(w, '/');
			rf_put_u64(w, c->channels);
		}
		rf_put_lit(w, "\r\n");
		if (!rf_attr_plain(c->fmtp))
			continue;
		rf_put_lit(w, "a=fmtp:");
		rf_put_u64(w, c->type);
		rf_put_byte(w, ' ');
		rf_put(w, c->fmtp);
		rf_put_lit(w, "\r\n");
	}
}

static void put_word(struct rf_writer *w, struct rf_view v, const char *also, const char *instead)
{
	for (size_t i = 0; i < v.n; i++)
		if (!rf_attr_word(rf_view_sub(v, i, 1)) && !strchr(also, v.p[i]))
			v.n = 0;
	rf_put(w, v.n ? v : rf_view_str(instead));
}

static void put_m_line(struct rf_writer *w, const struct rf_out_line *l)
{
	bool live = l->rtp.family, rtp = live && rf_sdp_proto_is_rtp((enum rf_sdp_proto)l->said->proto);

	rf_put_lit(w, "m=");
	put_word(w, l->in->media, "", "unknown");
	rf_put_byte(w, ' ');
	rf_put_u64(w, live ? l->rtp.port : 0);
	rf_put_byte(w, ' ');
	if (live && rtp)
		rf_put(w, rf_view_str(rf_sdp_proto_text((enum rf_sdp_proto)l->ours->proto)));
	else
		put_word(w, l->in->proto_text, "/", "unknown");
	for (size_t i = 0; rtp && i < l->said->n_codecs; i++) {
		if (l->said->codecs[i].off)
			continue;
		rf_put_byte(w, ' ');
		rf_put_u64(w, l->said->codecs[i].type);
	}
	for (size_t i = 0; !rtp && i < (live ? l->in->n_formats : 1); i++) {
		rf_put_byte(w, ' ');
		put_word(w, i < l->in->n_formats ? l->in->formats[i] : RF_V("0"), "*", "0");
	}
	rf_put_lit(w, "\r\n");
}

static void put_candidate(struct rf_writer *w, unsigned component, const struct rf_addr *a)
{
	char text[RF_ADDR_TEXT];
	struct rf_writer host;

	rf_writer_init(&host, text, sizeof text);
	rf_addr_put_host(&host, a, false);
	rf_put_lit(w, "a=candidate:");
	rf_ice_put_candidate(w, 1, component, 65535, rf_view_of(text, host.n), a->port);
	rf_put_lit(w, "\r\n");
}

static void put_ice(struct rf_writer *w, const struct rf_out_line *l, bool only_mux)
{
	rf_put_lit(w, "a=ice-ufrag:");
	put_flag(w, l->ours->ice_cred.ufrag);
	rf_put_lit(w, "a=ice-pwd:");
	put_flag(w, l->ours->ice_cred.pwd);
	put_candidate(w, 1, &l->rtp);
	if (!only_mux)
		put_candidate(w, 2, &l->rtcp);
	if (l->trickle)
		put_flag(w, "a=end-of-candidates");
}

static void put_rtcp(const struct rf_turn *t, struct rf_writer *w, const struct rf_out_line *l)
{
	if (rf_ng_has(t->req, RF_NG_NO_RTCP_ATTRIBUTE))
		return;
	rf_put_lit(w, "a=rtcp:");
	rf_put_u64(w, l->rtcp.port);
	if (!rf_ng_has(t->req, RF_NG_FULL_RTCP_ATTRIBUTE)) {
		rf_put_lit(w, "\r\n");
		return;
	}
	rf_put_byte(w, ' ');
	put_addr(w, &l->rtcp);
}

static void put_rtp_ends(const struct rf_turn *t, struct rf_writer *w, const struct rf_out_line *l)
{
	static const char *const setups[] = { "", "active", "passive", "actpass", "holdconn" };
	bool same = l->rtcp.port == l->rtp.port;

	if (!l->shares)
		put_rtcp(t, w, l);
	if (l->mux)
		put_flag(w, "a=rtcp-mux");
	if (l->shares)
		return;
	if (l->ours->sdes)
		rf_sdes_put(w, l->ours->sdes);
	if (l->ours->keying == RF_KEYING_DTLS) {
		rf_put_lit(w, "a=setup:");
		put_flag(w, setups[l->setup]);
		rf_put_lit(w, "a=fingerprint:");
		put_flag(w, t->relay->conf.fingerprint);
	}
	if (l->ours->ice)
		put_ice(w, l, same);
}

static void put_msrp(struct rf_writer *w, const struct rf_out_line *l)
{
	if (l->path_id.n == 0)
		return;
	rf_put(w, l->said->proto == RF_SDP_MSRP_TLS ? RF_V("a=path:msrps://") : RF_V("a=path:msrp://"));
	rf_addr_put_host(w, &l->rtp, true);
	rf_put_byte(w, ':');
	rf_put_u64(w, l->rtp.port);
	rf_put_byte(w, '/');
	rf_put(w, l->path_id);
	rf_put_lit(w, ";tcp\r\n");
}

static void put_line(struct rf_turn *t, struct rf_writer *w, const struct rf_out_line *l, const struct rf_addr *session)
{
	put_m_line(w, l);
	if (l->rtp.family && !rf_addr_same_ip(&l->rtp, session)) {
		rf_put_lit(w, "c=");
		put_addr(w, &l->rtp);
	}
	if (l->mid.n) {
		rf_put_lit(w, "a=mid:");
		rf_put(w, l->mid);
		rf_put_lit(w, "\r\n");
	}
	if (!l->rtp.family)
		return;
	put_bws(w, l->in->bws, l->in->n_bws);
	put_attrs(t, w, l);
	put_made(w, l->said);
	if (l->kind == RF_PATH_RTP || l->said->dir != RF_SDP_SENDRECV) {
		rf_put_lit(w, "a=");
		put_flag(w, rf_sdp_dir_text((enum rf_sdp_dir)l->said->dir));
	}
	if (l->kind == RF_PATH_RTP)
		put_rtp_ends(t, w, l);
	else
		put_msrp(w, l);
}

/* Our own o= line: its version counts when what follows changed (RFC 3264 8). */
static uint64_t version_of(const struct rf_turn *t, struct rf_pair_said *spoken, struct rf_view rest)
{
	uint64_t hash = rf_hash(&t->relay->conf.hash_key, rest);

	if (spoken->version == 0 || spoken->hash != hash)
		spoken->version++;
	spoken->hash = hash;
	return spoken->version;
}

static void put_group(struct rf_writer *w, const struct rf_out *out)
{
	const struct rf_out_line *next;
	unsigned last = 0;

	do {
		next = NULL;
		for (size_t i = 0; i < out->n; i++)
			if (out->lines[i].bundle > last && (!next || out->lines[i].bundle < next->bundle))
				next = &out->lines[i];
		if (!next)
			break;
		rf_put(w, last ? RF_V(" ") : RF_V("a=group:BUNDLE "));
		rf_put(w, next->mid);
		last = next->bundle;
	} while (next);
	if (last)
		rf_put_lit(w, "\r\n");
}

static void put_rest(struct rf_turn *t, const struct rf_out *out, const struct rf_addr *session, struct rf_writer *w)
{
	bool ice = false;

	for (size_t i = 0; i < out->n; i++)
		ice |= out->lines[i].rtp.family && out->lines[i].ours->ice;
	rf_put_lit(w, "s=-\r\nc=");
	put_addr(w, session);
	put_bws(w, out->in->bws, out->in->n_bws);
	rf_put_lit(w, "t=0 0\r\n");
	if (ice)
		put_flag(w, "a=ice-lite");
	put_group(w, out);
	for (size_t i = 0; i < out->n; i++)
		put_line(t, w, &out->lines[i], session);
}

void rf_describe(struct rf_turn *t, const struct rf_out *out, struct rf_writer *w)
{
	struct rf_addr session = out->address;
	struct rf_writer rest;
	enum { HEAD = 160 };

	for (size_t i = out->n; i-- > 0;)
		if (out->lines[i].rtp.family)
			session = out->lines[i].rtp;
	/* The rest is written behind where the head will be, which needs to know whether it changed. */
	rf_writer_init(&rest, w->buf + HEAD, w->cap > HEAD ? w->cap - HEAD : 0);
	put_rest(t, out, &session, &rest);
	if (rest.err) {
		rf_secret_wipe(rest.buf, rest.n);
		w->err = rest.err;
		return;
	}
	rf_put_lit(w, "v=0\r\no=- ");
	rf_put_u64(w, out->spoken->id);
	rf_put_byte(w, ' ');
	rf_put_u64(w, version_of(t, out->spoken, rf_view_of(rest.buf, rest.n)));
	rf_put_byte(w, ' ');
	put_addr(w, &session);
	memmove(w->buf + w->n, rest.buf, rest.n);
	w->n += rest.n;
	if (w->n < HEAD + rest.n)
		rf_secret_wipe(w->buf + w->n, HEAD + rest.n - w->n); /* keys that stood there before */
}

/* What a session has been and is, in the shape of ng_stats.h: for query and delete. Everything in the turn's arena. */
#include "media/dsp.h"
#include "media/recorder.h"

struct report {
	struct rf_turn *t;
	const struct rf_session *s;
	struct rf_ng_stats_call *call;
	bool brief;
	int64_t now_s;
	uint64_t now_us;
	struct rf_ng_stats_ssrc *ssrcs;
	size_t n_ssrcs, max_ssrcs;
};

static void add(struct rf_ng_count *sum, const struct rf_ng_count *c)
{
	sum->packets += c->packets;
	sum->bytes += c->bytes;
	sum->errors += c->errors;
}

static void add_ssrcs(struct report *r, const struct rf_path_end_stats *st)
{
	for (size_t i = 0; i < st->n_streams && r->n_ssrcs < r->max_ssrcs; i++) {
		const struct rf_path_stream *x = &st->streams[i];
		uint64_t all = x->packets + x->lost;

		r->ssrcs[r->n_ssrcs++] = (struct rf_ng_stats_ssrc){
			.ssrc = x->ssrc, .packets = x->packets, .bytes = x->bytes, .lost = x->lost,
			.average = { .mos = x->mos_100 / 10, .rtt_us = x->rtt_us, .jitter = x->jitter_us / 1000,
				.loss = all ? (uint32_t)(100 * (uint64_t)x->lost / all) : 0, .samples = 1,
				.at = r->now_s },
		};
	}
}

/* The answer to a delete goes to who sets up calls, by UDP as a rule, and of a call without media it should be one
 * packet. So it does not say twice where a party is, and nothing of a port for RTCP to which none came. */
static void leave_out(struct rf_ng_stats_media *m, struct rf_ng_stats_stream *s)
{
	for (size_t i = 0; i < m->n_streams; i++)
		if (rf_addr_eq(&s[i].advertised, &s[i].endpoint))
			s[i].advertised.family = 0;
	if (m->n_streams == 2 && !s[1].count.packets)
		m->n_streams = 1;
}

static void fill_streams(struct report *r, const struct rf_line *l, unsigned side, struct rf_ng_stats_media *m,
	struct rf_ng_stats_stream *s)
{
	const struct rf_said *said = l->said[side];
	struct rf_path_end_stats st;
	uint64_t errors = 0;

	rf_path_stats(l->path, side, &st);
	rf_path_local(l->path, side, &s[0].local, &s[1].local);
	for (size_t i = 0; i < RF_DROPS; i++)
		errors += st.drops[i];
	s[0].count = (struct rf_ng_count){ st.packets, st.bytes, errors };
	s[1].count = (struct rf_ng_count){ st.rtcp_packets, st.rtcp_bytes, 0 };
	add(&r->call->rtp, &s[0].count);
	add(&r->call->rtcp, &s[1].count);
	s[0].endpoint = st.remote;
	s[0].ssrc = st.n_streams ? st.streams[st.n_streams - 1].ssrc : 0;
	s[0].last_packet = st.last_us ? r->now_s - (int64_t)((r->now_us - st.last_us) / 1000000) : 0;
	s[0].flags = RF_NG_STREAM_RTP | (st.in_kernel ? RF_NG_STREAM_KERNELIZED : 0) |
		     (st.remote.family ? RF_NG_STREAM_CONFIRMED : 0) | (said ? RF_NG_STREAM_FILLED : 0);
	s[1].flags = RF_NG_STREAM_RTCP | (said ? RF_NG_STREAM_FILLED : 0);
	if (said) {
		s[0].advertised = said->remote;
		s[1].advertised = said->remote_rtcp;
		if (!s[0].endpoint.family && !said->ice)
			s[0].endpoint = said->remote;
		s[1].endpoint = said->remote_rtcp;
	}
	if (st.suite != RF_SRTP_NONE)
		s[0].suite = s[1].suite = rf_view_str(rf_sdp_suite_text((enum rf_sdp_suite)st.suite));
	m->streams = s;
	m->n_streams = l->kind == RF_PATH_RTP && s[0].local.port != s[1].local.port ? 2 : 1;
	if (r->brief)
		leave_out(m, s);
	if (st.dtls)
		m->dtls = st.dtls == 13 ? RF_V("1.3") : RF_V("1.2");
	m->flags |= st.keying == RF_KEYING_PASSED ? RF_NG_MEDIA_PASSTHROUGH : 0;
	add_ssrcs(r, &st);
}

/* What was really said, where it was said in another codec to the other party. */
static void fill_coded(const struct rf_line *l, unsigned side, struct rf_ng_stats_media *m)
{
	const struct rf_dsp *d = l->path ? rf_dsp_of(l->path, side) : NULL;
	struct rf_dsp_stats st = d ? rf_dsp_stats(d) : (struct rf_dsp_stats){ 0 };

	if (!st.coded)
		return;
	m->codec = rf_view_str(rf_pcm_text(st.from));
	m->coded = rf_view_str(rf_pcm_text(st.to));
}

static struct rf_view codec_text(struct rf_turn *t, const struct rf_said *said)
{
	for (size_t i = 0; i < said->n_codecs; i++) {
		const struct rf_codec *c = &said->codecs[i];
		struct rf_writer w;
		void *p;

		if (c->off || c->flags & (RF_TYPE_DTMF | RF_TYPE_COMFORT))
			continue;
		p = rf_arena_alloc(t->arena, 48);
		if (!p)
			break;
		rf_writer_init(&w, p, 48);
		rf_put(&w, c->name);
		rf_put_byte(&w, '/');
		rf_put_u64(&w, c->clock);
		return rf_view_of(p, w.n);
	}
	return (struct rf_view){ 0 };
}

static int fill_media(struct report *r, const struct rf_line *l, unsigned side, unsigned index,
		      struct rf_ng_stats_media *m)
{
	const struct rf_said *said = l->said[side], *any = said ? said : l->said[!side] ? l->said[!side] : l->offered;
	const struct rf_ours *ours = &l->ours[side];
	unsigned proto = said ? said->proto : ours->proto;
	struct rf_ng_stats_stream *s;

	m->index = index;
	if (any)
		m->type = rf_view_str(rf_sdp_kind_text((enum rf_sdp_kind)any->kind));
	m->protocol = rf_view_str(rf_sdp_proto_text((enum rf_sdp_proto)proto));
	if (said)
		m->codec = codec_text(r->t, said);
	fill_coded(l, side, m);
	if (!l->path)
		return 0;
	m->flags = (l->open ? RF_NG_MEDIA_INITIALIZED : 0) | (ours->mux ? RF_NG_MEDIA_MUX : 0) |
		   (ours->keying == RF_KEYING_DTLS ? RF_NG_MEDIA_DTLS : 0) | (ours->sdes ? RF_NG_MEDIA_SDES : 0) |
		   (ours->ice ? RF_NG_MEDIA_ICE : 0);
	if (said)
		m->flags |= (said->dir & RF_SDP_SENDONLY ? RF_NG_MEDIA_SEND : 0) |
			    (said->dir & RF_SDP_RECVONLY ? RF_NG_MEDIA_RECV : 0);
	s = rf_arena_array(r->t->arena, 2, sizeof *s);
	if (!s)
		return -ENOMEM;
	fill_streams(r, l, side, m, s);
	return 0;
}

static int fill_tag(struct report *r, const struct rf_party *party, struct rf_ng_stats_tag *tag)
{
	const struct rf_pair *p = rf_session_pair_of(r->s, party);
	struct rf_ng_stats_media *medias;
	unsigned side;

	*tag = (struct rf_ng_stats_tag){ .tag = party->tag, .label = party->label, .created = party->created_s };
	if (!p)
		return 0;
	side = p->side[1] == party;
	tag->via_branch = p->branch;
	tag->in_dialogue_with = p->side[!side]->tag;
	medias = rf_arena_array(r->t->arena, p->n_lines, sizeof *medias);
	if (!medias && p->n_lines)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_lines; i++) {
		int rc = fill_media(r, &p->lines[i], side, (unsigned)i + 1, &medias[i]);

		if (rc)
			return rc;
	}
	tag->medias = medias;
	tag->n_medias = p->n_lines;
	return 0;
}

/* A recorder stands among the parties, with the tags of those whose media it gets. */
static int fill_recorder(struct report *r, const struct rf_recorder *x, struct rf_ng_stats_tag *tag)
{
	struct rf_ng_stats_media *medias = rf_arena_array(r->t->arena, x->n_copies, sizeof *medias);

	*tag = (struct rf_ng_stats_tag){ .tag = x->party.tag, .label = x->party.label, .created = x->party.created_s,
		.subscriptions = x->tags, .n_subscriptions = x->n_tags, .medias = medias, .n_medias = x->n_copies };
	if (!medias)
		return -ENOMEM;
	for (size_t i = 0; i < x->n_copies; i++) {
		int rc = fill_media(r, &x->pair.lines[i], 0, (unsigned)i + 1, &medias[i]);

		if (rc)
			return rc;
	}
	return 0;
}

int rf_session_report(struct rf_turn *t, const struct rf_session *s, struct rf_ng_stats_call *ret_call)
{
	struct rf_loop *loop = t->relay->conf.loop;
	struct report r = { .t = t, .s = s, .call = ret_call, .brief = t->req->command == RF_NG_DELETE,
		.now_s = rf_loop_wall(loop).us / 1000000, .now_us = rf_loop_now(loop).us };
	struct rf_ng_stats_tag *tags;
	size_t n = 0;

	*ret_call = (struct rf_ng_stats_call){ .created = s->created.us / 1000000,
		.created_us = (uint32_t)(s->created.us % 1000000), .last_signal = s->last_signal.us / 1000000 };
	for (const struct rf_party *p = s->parties; p; p = p->next)
		n++;
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		r.max_ssrcs += 2 * RF_PATH_SSRCS_MAX * p->n_lines;
	for (const struct rf_recorder *x = s->recorders; x; x = x->next)
		n++;
	tags = rf_arena_array(t->arena, n, sizeof *tags);
	r.ssrcs = rf_arena_array(t->arena, r.max_ssrcs, sizeof *r.ssrcs);
	if (!tags || !r.ssrcs)
		return -ENOMEM;
	n = 0;
	for (const struct rf_party *p = s->parties; p; p = p->next) {
		int rc = fill_tag(&r, p, &tags[n++]);

		if (rc)
			return rc;
	}
	for (const struct rf_recorder *x = s->recorders; x; x = x->next) {
		int rc = fill_recorder(&r, x, &tags[n++]);

		if (rc)
			return rc;
	}
	ret_call->tags = tags;
	ret_call->n_tags = n;
	ret_call->ssrcs = r.ssrcs;
	ret_call->n_ssrcs = r.n_ssrcs;
	return 0;
}

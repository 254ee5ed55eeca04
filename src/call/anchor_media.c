/* How the media of a call was, as the relay tells when it lets go of it: one event for each stream that came in. */
#include "call/anchor.h"

#include "call/relays.h"
#include "media/ng_stats.h"

#include <stdlib.h>

/* A call that the relay is told to end. */
struct farewell {
	struct rf_call_core *core;
	struct rf_id name, session;
	int relay;
};

static const struct rf_ng_stats_ssrc *ssrc_of(const struct rf_ng_stats_call *call, uint32_t ssrc)
{
	for (size_t i = 0; ssrc && i < call->n_ssrcs; i++)
		if (call->ssrcs[i].ssrc == ssrc)
			return &call->ssrcs[i];
	return NULL;
}

static void record(const struct farewell *f, const struct rf_ng_stats_call *call, const struct rf_ng_stats_tag *tag,
		   const struct rf_ng_stats_media *m, const struct rf_ng_stats_stream *s)
{
	const struct rf_ng_stats_ssrc *q = ssrc_of(call, s->ssrc);
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_CALL_MEDIA, rf_core_wall(f->core));
	rf_event_str(&e, "session", rf_id_view(&f->session));
	rf_event_str(&e, "side", tag->tag);
	rf_event_u64(&e, "media", m->index);
	rf_event_str(&e, "type", m->type);
	rf_event_str(&e, "codec", m->codec);
	rf_event_str(&e, "transcoded_to", m->coded);
	rf_event_str(&e, "suite", s->suite);
	rf_event_u64(&e, "packets", s->count.packets);
	rf_event_u64(&e, "bytes", s->count.bytes);
	rf_event_u64(&e, "refused", s->count.errors);
	rf_event_bool(&e, "kernel", s->flags & RF_NG_STREAM_KERNELIZED);
	if (q) {
		rf_event_u64(&e, "lost", q->lost);
		rf_event_u64(&e, "jitter_ms", q->average.jitter);
		rf_event_u64(&e, "rtt_ms", q->average.rtt_us / 1000);
	}
	if (q && q->average.mos)
		rf_event_u64(&e, "mos_10", q->average.mos);
	rf_record_post(f->core, &e);
}

static void record_tag(const struct farewell *f, const struct rf_ng_stats_call *call, const struct rf_ng_stats_tag *tag)
{
	for (size_t m = 0; m < tag->n_medias; m++) {
		const struct rf_ng_stats_media *media = &tag->medias[m];

		for (size_t s = 0; s < media->n_streams; s++)
			if (media->streams[s].flags & RF_NG_STREAM_RTP && media->streams[s].count.packets)
				record(f, call, tag, media, &media->streams[s]);
	}
}

static void let_go(struct rf_call_core *core, const struct rf_id *name, int relay)
{
	struct rf_ng_request req = { .command = RF_NG_DELETE, .call_id = rf_id_view(name),
				     .delete_delay = { .v = 0, .set = true } };

	rf_ng_client_tell(rf_relays_client(core->relays), &req, relay);
}

static void queried(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct farewell *f = arg;
	struct rf_ng_stats_call call;

	(void)relay;
	if (!err && reply->result == RF_NG_OK) {
		int rc = rf_ng_stats_parse(reply->top, &f->core->scratch, &call);

		for (size_t t = 0; rc == 0 && t < call.n_tags; t++)
			record_tag(f, &call, &call.tags[t]);
		rf_arena_wipe(&f->core->scratch);
	}
	if (err != RF_E_CLOSED) /* the core ends: so does the relay's session, by itself */
		let_go(f->core, &f->name, f->relay);
	free(f);
}

/* rtpengine tells nothing with a deletion, so it is asked before. */
void rf_anchor_farewell(struct rf_call_core *core, const struct rf_id *name, const struct rf_id *session, int relay)
{
	struct rf_ng_request req = { .command = RF_NG_QUERY, .call_id = rf_id_view(name) };
	struct farewell *f = session->text[0] ? malloc(sizeof *f) : NULL;

	if (f)
		*f = (struct farewell){ core, *name, *session, relay };
	if (!f || rf_ng_client_ask(rf_relays_client(core->relays), &req, relay, queried, f)) {
		free(f);
		let_go(core, name, relay);
	}
}

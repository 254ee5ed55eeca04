/* Who joins a video in the middle understands nothing until its next whole picture. So the party is asked for one when
 * the first packet has reached a recorder, and when the recorder asks (PLI, FIR) itself: in our own words, at most once
 * a second of each line, whatever recorders want. What a recorder says besides reaches nobody. */
#include "media/recorder.h"

#include "rtp/rtcp_ask.h"

enum { ROOM = 512, NAME_CHARS = 16 };

static struct rf_line *line_of(const struct rf_copy *c)
{
	return c->at && c->pair && c->line < c->pair->n_lines ? &c->pair->lines[c->line] : NULL;
}

/* Repairs and protection are streams of their own, which have no pictures. */
static bool has_pictures(const struct rf_line *l, unsigned side, uint8_t type)
{
	static const struct rf_view others[] = { { (const uint8_t *)"rtx", 3 }, { (const uint8_t *)"ulpfec", 6 },
						 { (const uint8_t *)"flexfec-03", 10 } };
	const struct rf_said *told = l->said[!side];

	for (size_t i = 0; told && i < told->n_codecs; i++)
		for (size_t k = 0; told->codecs[i].type == type && k < sizeof others / sizeof others[0]; k++)
			if (rf_view_eq_nocase(told->codecs[i].name, others[k]))
				return false;
	return true;
}

static void ask(struct rf_copy *c, const struct rf_line *l)
{
	struct rf_relay *r = c->recorder->session->relay;
	uint32_t ssrcs[RF_PATH_SSRCS_MAX];
	struct rf_path_end_stats st;
	uint8_t buf[ROOM], name[NAME_CHARS];
	struct rf_writer w, text;
	size_t n = 0;

	rf_path_stats(c->at, c->side, &st);
	for (size_t i = 0; i < st.n_streams; i++)
		if (has_pictures(l, c->side, st.streams[i].type))
			ssrcs[n++] = st.streams[i].ssrc;
	if (!n)
		return;
	if (!c->ssrc)
		c->ssrc = (uint32_t)rf_random_u64(r->conf.random) | 1;
	rf_writer_init(&text, name, sizeof name);
	rf_put_hex64(&text, rf_hash(&r->conf.hash_key, rf_view_of(&c->ssrc, sizeof c->ssrc)));
	rf_writer_init(&w, buf, ROOM - RF_SRTP_GROW_RTCP);
	rf_rtcp_put_picture(&w, &(struct rf_rtcp_picture){ .sender = c->ssrc, .cname = rf_view_of(name, text.n), .ssrcs = ssrcs, .n = n,
		.fir = !l->said[c->side]->pli, .fir_seq = c->fir_seq++ });
	if (!w.err)
		rf_path_send_rtcp(c->at, c->side, buf, w.n, sizeof buf);
}

/* When the line may be asked again. */
static struct rf_mono next_of(const struct rf_line *l, unsigned side, struct rf_mono now)
{
	uint64_t next = l->picture_us[side] + RF_RECORDER_PICTURE_MS * UINT64_C(1000);

	return l->picture_us[side] && next > now.us ? (struct rf_mono){ next } : now;
}

void rf_copy_picture_due(struct rf_timer *timer)
{
	struct rf_copy *c = rf_container(timer, struct rf_copy, picture);
	struct rf_loop *loop = c->recorder->session->relay->conf.loop;
	struct rf_mono now = rf_loop_now(loop), next;
	struct rf_line *l = line_of(c);

	if (!l || !l->said[c->side])
		return;
	next = next_of(l, c->side, now);
	if (next.us > now.us) { /* another recorder's wish was first */
		rf_timer_start_at(rf_loop_wheel(loop), timer, next);
		return;
	}
	l->picture_us[c->side] = now.us;
	ask(c, l);
}

void rf_copy_wants_picture(struct rf_copy *c)
{
	struct rf_loop *loop = c->recorder->session->relay->conf.loop;
	struct rf_line *l = line_of(c);
	const struct rf_said *said = l ? l->said[c->side] : NULL;

	if (!said || said->kind != RF_SDP_VIDEO || !(said->pli || said->fir) || rf_timer_active(&c->picture))
		return;
	/* In a later turn in any case: this one is a packet's. */
	rf_timer_start_at(rf_loop_wheel(loop), &c->picture, next_of(l, c->side, rf_loop_now(loop)));
}

void rf_session_picture(struct rf_session *s, const struct rf_path *sink)
{
	for (struct rf_recorder *r = s->recorders; r; r = r->next)
		for (size_t i = 0; i < r->n_copies; i++)
			if (r->copies[i].sink == sink)
				rf_copy_wants_picture(&r->copies[i]);
}

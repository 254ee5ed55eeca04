/* Sound by request: keys pressed, sounds played, and what is listened for in each direction of a session (dsp.h). */
#include "media/session.h"
#include "media/dsp.h"

static struct rf_party *party_of(const struct rf_session *s, const struct rf_path *path, unsigned end)
{
	for (const struct rf_pair *p = s->pairs; p; p = p->next)
		for (size_t i = 0; i < p->n_lines; i++)
			if (p->lines[i].path == path)
				return p->side[end];
	return NULL;
}

void rf_party_detect(const struct rf_turn *t, struct rf_party *party)
{
	if (!rf_ng_has(t->req, RF_NG_DETECT_DTMF))
		return;
	party->detect = true;
	party->told = t->req->stream;
}

/* No more than a hand presses, and some ahead: whoever sends events as fast as packets keeps nobody's stream busy. */
static bool in_time(struct rf_party *party, struct rf_mono now)
{
	if (party->keys_us < now.us)
		party->keys_us = now.us;
	if (party->keys_us + RF_SESSION_KEY_US > now.us + RF_SESSION_KEYS_AHEAD * RF_SESSION_KEY_US)
		return false;
	party->keys_us += RF_SESSION_KEY_US;
	return true;
}

void rf_session_heard(struct rf_session *s, const struct rf_path *path, unsigned end, unsigned event, unsigned ms)
{
	const struct rf_relay_conf *c = &s->relay->conf;
	struct rf_party *party = party_of(s, path, end);

	if (!party || !party->detect || !c->ops || !c->ops->dtmf)
		return;
	if (in_time(party, rf_loop_now(c->loop)))
		c->ops->dtmf(c->ctx, party->told, s->call_id, party->tag, event, ms);
	else
		s->relay->count.untold++;
}

static void on_dtmf(void *arg, struct rf_path *path, unsigned end, unsigned event, unsigned ms)
{
	rf_session_heard(arg, path, end, event, ms);
}

static void on_played(void *arg, struct rf_path *path, unsigned end)
{
	struct rf_session *s = arg;
	const struct rf_relay_conf *c = &s->relay->conf;
	const struct rf_party *party = party_of(s, path, !end);

	if (party && c->ops && c->ops->played)
		c->ops->played(c->ctx, s->call_id, party->tag);
}

static const struct rf_dsp_ops sound_ops = { on_dtmf, on_played };

/* ---- what a direction is to do */

static bool has_events(const struct rf_said *said)
{
	for (size_t i = 0; i < said->n_codecs; i++)
		if (said->codecs[i].flags & RF_TYPE_DTMF && !said->codecs[i].off && !said->codecs[i].made)
			return true;
	return false;
}

/* Does this party get packets of its codec? It listed it itself, and the other party was told of it. */
static bool is_taken(const struct rf_line *l, unsigned taker, const struct rf_codec *c)
{
	const struct rf_said *other = l->said[!taker];

	if (!l->coded)
		return !c->off && !c->made;
	for (size_t i = 0; !c->made && !c->gone && i < other->n_codecs; i++)
		if (!other->codecs[i].off && other->codecs[i].clock == c->clock &&
		    rf_view_eq_nocase(other->codecs[i].name, c->name))
			return true;
	return false;
}

/* The bits a second of the taker's encoder: what the request said of it, on either side; not more
 * than the taker wants. */
static uint32_t bits_for(const struct rf_codec *c, const struct rf_said *sender)
{
	const struct rf_codec *made = rf_codec_made(sender->codecs, sender->n_codecs, c);
	uint32_t bits = c->bits_s ? c->bits_s : made ? made->bits_s : 0, most = rf_codec_bits_most(c);

	return most && (!bits || most < bits) && most < RF_PCM_BITS_MAX ? most : bits;
}

static void set_takes(const struct rf_line *l, unsigned taker, struct rf_dsp_conf *ret)
{
	const struct rf_said *said = l->said[taker];

	for (size_t i = 0; i < said->n_codecs && ret->n < RF_PATH_TYPES_MAX; i++) {
		const struct rf_codec *c = &said->codecs[i];
		uint8_t codec = (uint8_t)rf_pcm_codec_of(c->name, c->clock);

		if (!is_taken(l, taker, c))
			continue;
		if (codec && !ret->bits_s)
			ret->bits_s = bits_for(c, l->said[!taker]);
		ret->types[ret->n++] = (struct rf_dsp_type){ .type = c->type, .clock = c->clock, .codec = codec,
			.dtmf = c->flags & RF_TYPE_DTMF };
	}
}

static bool takes_events(const struct rf_dsp_conf *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->types[i].dtmf)
			return true;
	return false;
}

bool rf_line_cuts(const struct rf_codec *c, uint8_t ms)
{
	const struct rf_dsp_unit *u = rf_dsp_unit_of(c->name, c->clock, c->channels);

	return u && ms && ms % u->ms == 0;
}

static enum rf_dsp_way way_of(const struct rf_codec *c, const struct rf_dsp_conf *takes)
{
	uint32_t clock = 0;

	for (unsigned i = 0; i < takes->n && !clock; i++)
		clock = takes->types[i].codec ? takes->types[i].clock : 0;
	if (!c->made)
		return c->flags & RF_TYPE_COMFORT && clock != c->clock ? RF_DSP_LEAVE : RF_DSP_PASS;
	return !(c->flags & RF_TYPE_DTMF) ? RF_DSP_CODE : takes_events(takes) ? RF_DSP_CLOCK : RF_DSP_KEYS;
}

/* What the sender may send is what it was told that the taker takes. */
static void set_sends(const struct rf_line *l, unsigned sender, struct rf_dsp_conf *ret)
{
	const struct rf_said *told = l->said[!sender], *said = l->said[sender];

	for (size_t i = 0; i < told->n_codecs && ret->n_in < RF_PATH_TYPES_MAX; i++) {
		const struct rf_codec *c = &told->codecs[i];

		if (c->off || (c->made && !rf_codec_own(said->codecs, said->n_codecs, c)))
			continue;
		struct rf_dsp_in *in = &ret->in[ret->n_in++];

		*in = (struct rf_dsp_in){ .type = c->type, .clock = c->clock, .dtmf = c->flags & RF_TYPE_DTMF,
			.codec = (uint8_t)rf_pcm_codec_of(c->name, c->clock),
			.way = (uint8_t)(l->coded ? way_of(c, ret) : RF_DSP_PASS) };
		if (in->way == RF_DSP_PASS && rf_line_cuts(c, ret->cut_ms)) {
			in->way = RF_DSP_CUT;
			in->unit = rf_dsp_unit_of(c->name, c->clock, c->channels);
		}
	}
}

static void conf_of(const struct rf_pair *p, const struct rf_line *l, unsigned from, struct rf_dsp_conf *ret)
{
	const struct rf_said *sender = l->said[from], *taker = l->said[!from];
	const struct rf_party *party = p->side[from];

	*ret = (struct rf_dsp_conf){ .listen = party->detect,
				     .block = (p->session->holds | party->holds) & RF_HOLD_DTMF,
				     .ptime = l->ptime[!from] ? l->ptime[!from] : taker->ptime,
				     .cut_ms = l->ptime[!from] };
	set_takes(l, !from, ret);
	set_sends(l, from, ret);
	ret->to_events = (party->detect || l->coded) && !has_events(sender) &&
			 (l->coded ? takes_events(ret) : has_events(taker));
}

/* Sound that the relay can hear and speak to. */
static bool is_sound(const struct rf_line *l)
{
	return l->path && l->open && l->kind == RF_PATH_RTP && l->said[0] && l->said[1] &&
	       l->said[0]->kind == RF_SDP_AUDIO && l->ours[0].keying != RF_KEYING_PASSED;
}

static int make(const struct rf_pair *p, const struct rf_line *l, unsigned from, struct rf_dsp **ret_dsp)
{
	const struct rf_relay_conf *c = &p->session->relay->conf;
	struct rf_dsp_conf conf;
	int rc = rf_dsp_get(l->path, from, c->loop, c->random, &sound_ops, p->session, ret_dsp);

	if (rc)
		return rc;
	conf_of(p, l, from, &conf);
	return rf_dsp_set(*ret_dsp, &conf);
}

/* Is anything that this side sends to have another size? Without memory for it packets go on as they come. */
static bool cuts(const struct rf_line *l, unsigned from)
{
	for (size_t i = 0; l->ptime[!from] && i < l->said[!from]->n_codecs; i++)
		if (!l->said[!from]->codecs[i].off && rf_line_cuts(&l->said[!from]->codecs[i], l->ptime[!from]))
			return true;
	return false;
}

/* What is to be blocked or transcoded is, also without memory: then there is silence, or nothing. */
unsigned rf_line_sound(const struct rf_pair *p, const struct rf_line *l, unsigned from, unsigned holds)
{
	struct rf_dsp *d;

	if (!is_sound(l) || (!rf_dsp_of(l->path, from) && !p->side[from]->detect && !l->coded && !cuts(l, from) &&
			     !(holds & RF_HOLD_DTMF)))
		return holds;
	if (make(p, l, from, &d) == 0)
		return holds;
	return holds | (l->coded ? RF_HOLD_MEDIA : holds & RF_HOLD_DTMF ? RF_HOLD_SILENCE : 0);
}

/* ---- requests */

/* One direction of a line that a request means. */
typedef int visit_fn(struct rf_turn *t, struct rf_dsp *d, void *arg);

static int visit_line(struct rf_turn *t, const struct rf_pair *p, const struct rf_line *l, unsigned from,
		      visit_fn *visit, void *arg)
{
	struct rf_dsp *d;
	int rc = make(p, l, from, &d);

	return rc ? rf_turn_fail(t, rc, "no memory") : visit(t, d, arg);
}

static bool is_passed(const struct rf_line *l)
{
	return l->path && l->open && l->ours[0].keying == RF_KEYING_PASSED;
}

/* Each line of sound of the parties that are meant: what they send (or else what they hear). */
static int each(struct rf_turn *t, struct rf_session *s, bool sends, visit_fn *visit, void *arg)
{
	const struct rf_ng_request *q = t->req;
	bool all = rf_ng_has(q, RF_NG_ALL), meant = false, passed = false;
	size_t done = 0;
	int rc = 0;

	if (!all && !q->from_tag.n && !q->label.n && !q->address.family)
		return rf_turn_fail(t, RF_E_INVALID, "no party is named: from-tag, label, address, or the flag all");
	for (struct rf_pair *p = s->pairs; p && rc == 0; p = p->next)
		for (unsigned side = 0; side < 2; side++) {
			if (!all && !rf_party_is_meant(t, s, p->side[side]))
				continue;
			meant = true;
			for (size_t i = 0; i < p->n_lines && rc == 0; i++) {
				passed |= is_passed(&p->lines[i]);
				if (!is_sound(&p->lines[i]))
					continue;
				rc = visit_line(t, p, &p->lines[i], sends ? side : !side, visit, arg);
				done++;
			}
		}
	if (rc || done)
		return rc;
	if (!meant)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "no party of this session has that tag, label or address");
	return rf_turn_fail(t, RF_E_STATE,
			    passed ? "the parties share their keys, and the relay speaks to none of them: offer "
				     "the call with the flag \"inject DTMF\"" :
				     "there is no sound that has been answered");
}

static int press(struct rf_turn *t, struct rf_dsp *d, void *arg)
{
	int rc = rf_dsp_press(d, arg);

	if (rc == RF_E_LIMIT)
		return rf_turn_fail(t, rc, "%d keys wait to be sent", RF_DSP_KEYS_MAX);
	return rc ?
	       rf_turn_fail(t, rc, "the other party understands neither events nor a codec that the relay speaks") : 0;
}

int rf_session_dtmf(struct rf_turn *t, struct rf_session *s)
{
	const struct rf_ng_request *q = t->req;
	struct rf_dsp_key key = { .event = (uint8_t)q->code.v,
				  .volume = q->volume.set ? (uint8_t)q->volume.v : RF_DSP_VOLUME,
				  .ms = q->duration.set ? (uint16_t)q->duration.v : RF_DSP_KEY_MS,
				  .pause_ms = q->pause.set ? (uint16_t)q->pause.v : RF_DSP_PAUSE_MS };

	return each(t, s, true, press, &key);
}

static int play(struct rf_turn *t, struct rf_dsp *d, void *arg)
{
	const struct rf_ng_request *q = t->req;
	int rc = rf_dsp_play(d, arg, q->repeat_times.set ? (uint32_t)q->repeat_times.v : 0,
			     q->repeat_duration.set ? (uint32_t)q->repeat_duration.v : 0);

	if (rc)
		rf_turn_fail(t, rc,
			     rc == -ENOMEM ? "no memory" : "the party understands no codec that the relay speaks");
	return rc;
}

static int find_clip(struct rf_turn *t, struct rf_clip **ret_clip)
{
	const struct rf_ng_request *q = t->req;
	const char *why = "";
	struct rf_clip *c;

	if (!q->file.n == !q->blob.n)
		return rf_turn_fail(t, RF_E_INVALID, "what is to be played? file or blob, one of them");
	if (q->blob.n) {
		int rc = rf_clip_parse(q->blob, ret_clip, &why);

		return rc ? rf_turn_fail(t, rc, "blob: %s", why) : 0;
	}
	c = rf_clips_find(t->relay->conf.clips, q->file);
	if (!c)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "the relay's folder of sounds has none of that name");
	*ret_clip = rf_clip_hold(c);
	return 0;
}

int rf_session_play(struct rf_turn *t, struct rf_session *s, uint32_t *ret_ms)
{
	struct rf_clip *c;
	int rc = find_clip(t, &c);

	if (rc)
		return rc;
	rc = each(t, s, false, play, c);
	*ret_ms = rf_clip_ms(c);
	rf_clip_drop(c);
	return rc;
}

static int stop(struct rf_turn *t, struct rf_dsp *d, void *arg)
{
	(void)t;
	*(unsigned *)arg += rf_dsp_stop(d);
	return 0;
}

int rf_session_stop(struct rf_turn *t, struct rf_session *s)
{
	unsigned stopped = 0;
	int rc = each(t, s, false, stop, &stopped);

	if (rc == 0 && !stopped)
		rf_ng_warn(t->req, "nothing was playing");
	return rc;
}

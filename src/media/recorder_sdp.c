/* Recorders and descriptions: an offer that only sends, with an m-line for each line of the parties that are to be
 * recorded, and what the recorder answers. */
#include "media/recorder.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- whose lines */

struct wanted {
	struct rf_pair *pair;
	struct rf_party *party;
	uint8_t side, line;
};

struct choice {
	struct wanted lines[RF_RECORDER_LINES_MAX];
	struct rf_view tags[RF_SESSION_PARTIES_MAX];
	size_t n, n_tags;
	bool full, passed;           /* passed: a line was left out, because it is not opened here */
};

/* Among the first n of from-tags? */
static bool is_named(const struct rf_ng_request *q, struct rf_view tag, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rf_view_eq(q->from_tags.v[i], tag))
			return true;
	return false;
}

/* Apart from those in from-tags. */
static bool is_meant(const struct rf_turn *t, const struct rf_session *s, const struct rf_party *party)
{
	const struct rf_ng_request *q = t->req;

	if (is_named(q, party->tag, q->from_tags.n))
		return false;
	if (rf_ng_has(q, RF_NG_ALL))
		return party->tag.n > 0;
	return !q->from_tags.n && rf_party_is_meant(t, s, party);
}

/* Sound and pictures that both have agreed to. */
static bool is_media(const struct rf_line *l)
{
	return l->path && l->open && l->kind == RF_PATH_RTP && l->said[0] && l->said[1] &&
	       (l->said[0]->kind == RF_SDP_AUDIO || l->said[0]->kind == RF_SDP_VIDEO);
}

static void choose_party(struct rf_session *s, struct rf_party *party, struct choice *c)
{
	struct rf_pair *p = rf_session_pair_of(s, party);
	size_t before = c->n;

	for (size_t i = 0; p && i < p->n_lines; i++) {
		if (!is_media(&p->lines[i]))
			continue;
		c->passed |= p->lines[i].ours[0].keying == RF_KEYING_PASSED;
		c->full |= c->n == RF_RECORDER_LINES_MAX;
		if (!c->full)
			c->lines[c->n++] = (struct wanted){ p, party, p->side[1] == party, (uint8_t)i };
	}
	if (c->n > before)
		c->tags[c->n_tags++] = party->tag;
}

static int choose(struct rf_turn *t, struct rf_session *s, struct choice *c)
{
	const struct rf_ng_request *q = t->req;
	size_t meant = 0;

	if (!rf_ng_has(q, RF_NG_ALL) && !q->from_tags.n && !q->from_tag.n && !q->label.n && !q->address.family)
		return rf_turn_fail(t, RF_E_INVALID,
				    "no party is named: from-tag, from-tags, label, address, or the flag all");
	/* In the order of from-tags: who asks takes the m-lines to come so, as they do from rtpengine. */
	for (size_t i = 0; i < q->from_tags.n; i++) {
		struct rf_party *p = rf_session_party(s, q->from_tags.v[i]);

		if (!p)
			return rf_turn_fail(t, RF_E_NOT_FOUND, "no party of this session has the tag \"%.*s\"",
					    RF_VFMT(q->from_tags.v[i]));
		meant++;
		if (!is_named(q, p->tag, i))
			choose_party(s, p, c);
	}
	for (struct rf_party *p = s->parties; p; p = p->next)
		if (is_meant(t, s, p)) {
			meant++;
			choose_party(s, p, c);
		}
	if (!meant)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "no party of this session has that tag, label or address");
	if (c->passed)
		return rf_turn_fail(t, RF_E_DENIED,
				    "the parties share their keys, and this relay opens nothing that it was to pass "
				    "on unopened: offer the call with the flag SIPREC, then it can be recorded");
	if (c->full)
		return rf_turn_fail(t, RF_E_LIMIT, "a recorder has at most %d m-lines", RF_RECORDER_LINES_MAX);
	return c->n ? 0 : rf_turn_fail(t, RF_E_STATE, "there is no sound and no video in RTP that has been answered");
}

/* ---- the offer */

/* What the party may send (end.c: its payload types), by the words in which the other one said it; first what it has
 * named itself, too. */
static int source_codecs(struct rf_turn *t, const struct wanted *x, const struct rf_line *l, struct rf_said *ret)
{
	const struct rf_said *own = l->said[x->side], *taken = l->said[!x->side];
	size_t both = 0;

	ret->codecs = rf_arena_array(t->arena, RF_SAID_CODECS_MAX, sizeof ret->codecs[0]);
	if (!ret->codecs)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	for (size_t i = 0; i < taken->n_codecs; i++)
		both += !taken->codecs[i].off && rf_codec_own(own->codecs, own->n_codecs, &taken->codecs[i]) != NULL;
	for (size_t i = 0; i < taken->n_codecs; i++)
		if (!taken->codecs[i].off && (!both || rf_codec_own(own->codecs, own->n_codecs, &taken->codecs[i])))
			ret->codecs[ret->n_codecs++] = taken->codecs[i];
	struct rf_codec_list list = { ret->codecs, ret->n_codecs, RF_SAID_CODECS_MAX, NULL, NULL, 0 };

	for (size_t i = 0; i < list.n; i++)
		list.c[i].made = false; /* for a recorder all of them are the party's own */
	rf_codec_choose(list.c, list.n, t->req);
	ret->coded = rf_codec_offer(&list, t->req, own->kind == RF_SDP_AUDIO);
	ret->n_codecs = (uint8_t)list.n;
	return 0;
}

/* As many as are transcoded already, and one more. */
static int reserve(struct rf_turn *t, struct rf_line *line)
{
	struct rf_relay *r = t->relay;

	if (line->coded)
		return 0;
	if (r->coded >= (r->conf.policy.coded_max ? r->conf.policy.coded_max : RF_RELAY_CODED)) {
		t->full = true;
		return rf_turn_fail(t, RF_E_LIMIT, "so much is transcoded already (%zu m-lines) that no more can be",
				    r->coded);
	}
	rf_line_set_coded(r, line, true);
	return 0;
}

static bool offers_mux(const struct rf_ng_request *q, const struct rf_said *own)
{
	return q->mux & (RF_NG_MUX_OFFER | RF_NG_MUX_REQUIRE) ||
	       (own->mux && !(q->mux & (RF_NG_MUX_DEMUX | RF_NG_MUX_REJECT)));
}

/* What is said to the recorder in one line: into line->offered and line->ours[0]. */
static int plan_line(struct rf_turn *t, const struct wanted *x, struct rf_line *line)
{
	const struct rf_line *l = &x->pair->lines[x->line];
	const struct rf_said *own = l->said[x->side];
	struct rf_sdes_rules rules = rf_sdes_rules(t->relay->conf.policy.suites, t->req);
	struct rf_ours *ours = &line->ours[0];
	struct rf_said src = { .kind = own->kind, .dir = RF_SDP_SENDONLY, .live = true };
	enum rf_path_keying keying;
	unsigned proto = rf_turn_proto(t->req);
	int rc;

	rules.pass = false;
	src.proto = proto ? (uint8_t)proto : own->proto;
	rc = source_codecs(t, x, l, &src);
	if (rc == 0)
		rc = rf_leg_keying(t, src.proto, &rules, &keying);
	if (rc == 0 && src.coded)
		rc = reserve(t, line);
	if (rc)
		return rc;
	*ours = (struct rf_ours){ .proto = src.proto, .keying = (uint8_t)keying, .mux = offers_mux(t->req, own),
		.ice = t->req->ice == RF_NG_ICE_FORCE || t->req->ice == RF_NG_ICE_OPTIONAL };
	line->kind = RF_PATH_RTP;
	line->mux_only = t->req->mux & RF_NG_MUX_REQUIRE;
	if (ours->ice)
		rf_ours_ice(t->relay, ours);
	line->offered = rf_said_keep(&src);
	if (keying == RF_KEYING_SDES)
		ours->sdes = rf_sdes_offer(&rules, NULL, NULL, t->relay->conf.random);
	return line->offered && (ours->sdes || keying != RF_KEYING_SDES) ? 0 : rf_turn_fail(t, -ENOMEM, "no memory");
}

/* A port towards the recorder, so far set up that it may begin (ICE, a handshake). */
static int take_port(struct rf_turn *t, struct rf_recorder *r, size_t i)
{
	struct rf_line *l = &r->pair.lines[i];
	const char *what = "memory";
	struct rf_path_end_conf conf;
	int rc = rf_path_new(t->relay->conf.worker, RF_PATH_RTP, (unsigned[]){ r->pair.interface[0], RF_PATH_NOBODY },
			     &rf_session_path_ops, r->session, &l->path, &what);

	t->full = rc == RF_E_LIMIT;
	if (rc)
		return rf_turn_fail(t, rc, "%s", rc == RF_E_LIMIT ? what : "no memory");
	t->relay->media++;
	rf_line_conf(&r->pair, l, 0, &conf);
	conf.dir = RF_SDP_RECVONLY;
	rc = rf_path_set(l->path, 0, &conf);
	rf_secret_wipe(&conf, sizeof conf);
	r->copies[i].sink = l->path;
	return rc ? rf_turn_fail_port(t, rc) : 0;
}

static int place(struct rf_turn *t, struct rf_recorder *r, const struct wanted *first)
{
	const struct rf_ng_request *q = t->req;
	struct rf_view name = q->interface.n ? q->interface : q->direction[1];
	unsigned family = q->family == RF_NG_IP4 ? 4 : q->family == RF_NG_IP6 ? 6 :
			  first->pair->lines[first->line].said[first->side]->family;
	int at = rf_media_interface_find(t->relay->conf.worker, name, family);

	if (at < 0)
		return rf_turn_fail(t, RF_E_NOT_FOUND, "no interface \"%.*s\" with an IPv%u address", RF_VFMT(name),
				    family);
	r->pair.placed = true;
	r->pair.interface[0] = (uint8_t)at;
	return 0;
}

static struct rf_sdp_attr attr(struct rf_turn *t, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static struct rf_sdp_attr attr(struct rf_turn *t, const char *name, const char *fmt, ...)
{
	struct rf_sdp_attr a = { .name = rf_view_str(name) };
	char text[RF_NG_WARNING_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	void *copy = n > 0 && (size_t)n < sizeof text ? rf_arena_alloc(t->arena, (size_t)n) : NULL;

	if (copy) {
		memcpy(copy, text, (size_t)n);
		a.value = rf_view_of(copy, (size_t)n);
	}
	return a;
}

/* May the party be asked for a whole picture? */
static bool asks_pictures(const struct rf_copy *c)
{
	const struct rf_said *said = c->pair ? c->pair->lines[c->line].said[c->side] : NULL;

	return said && (said->pli || said->fir);
}

/* The m-line that rf_describe() is to write, as if a party had said it: rtpmap and fmtp of each codec, and a label that
 * tells the lines apart (RFC 4574; SIPREC's metadata names them by it, RFC 7866 7.1.1). */
static int describe_line(struct rf_turn *t, const struct rf_recorder *r, size_t i, struct rf_sdp_media *m,
			 struct rf_out_line *o)
{
	const struct rf_line *l = &r->pair.lines[i];
	const struct rf_said *said = l->offered;

	m->media = rf_view_str(rf_sdp_kind_text((enum rf_sdp_kind)said->kind));
	m->proto_text = rf_view_str(rf_sdp_proto_text((enum rf_sdp_proto)said->proto));
	const struct rf_copy *copy = &r->copies[i];

	m->attrs = rf_arena_array(t->arena, 2 * said->n_codecs + 3u, sizeof m->attrs[0]);
	if (!m->attrs)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	m->attrs[m->n_attrs++] = attr(t, "label", "%zu", RF_RECORDER_LABEL + i);
	for (size_t k = 0; k < said->n_codecs; k++) {
		const struct rf_codec *c = &said->codecs[k];

		if (c->made) /* described where all that are made are */
			continue;
		m->attrs[m->n_attrs++] = c->channels > 1 ?
			attr(t, "rtpmap", "%u %.*s/%u/%u", c->type, RF_VFMT(c->name), c->clock, c->channels) :
			attr(t, "rtpmap", "%u %.*s/%u", c->type, RF_VFMT(c->name), c->clock);
		if (c->fmtp.n)
			m->attrs[m->n_attrs++] = attr(t, "fmtp", "%u %.*s", c->type, RF_VFMT(c->fmtp));
	}
	if (said->kind == RF_SDP_VIDEO && asks_pictures(copy)) {
		m->attrs[m->n_attrs++] = attr(t, "rtcp-fb", "* nack pli");
		m->attrs[m->n_attrs++] = attr(t, "rtcp-fb", "* ccm fir");
	}
	*o = (struct rf_out_line){ .in = m, .said = said, .ours = &l->ours[0], .kind = RF_PATH_RTP, .setup = RF_SDP_SETUP_ACTPASS,
		.mux = l->ours[0].mux };
	rf_path_local(l->path, 0, &o->rtp, &o->rtcp);
	if (l->mux_only)
		o->rtcp = o->rtp;
	return 0;
}

struct rf_ng_label *rf_recorder_labels(struct rf_turn *t, const struct rf_recorder *r)
{
	struct rf_ng_label *labels = rf_arena_array(t->arena, r->n_copies, sizeof *labels);

	for (size_t i = 0; labels && i < r->n_copies; i++) {
		const struct rf_copy *c = &r->copies[i];
		const struct rf_said *own = c->pair->lines[c->line].said[c->side];

		labels[i] = (struct rf_ng_label){ .label = attr(t, "", "%zu", RF_RECORDER_LABEL + i).value,
						  .tag = c->tag,
						  .index = c->line + 1u,
						  .type = rf_view_str(rf_sdp_kind_text((enum rf_sdp_kind)own->kind)),
						  .mode = rf_view_str(rf_sdp_dir_text((enum rf_sdp_dir)own->dir)) };
	}
	return labels;
}

static int describe(struct rf_turn *t, struct rf_recorder *r, struct rf_writer *w)
{
	const struct rf_media_interface *in = rf_media_interface_at(t->relay->conf.worker, r->pair.interface[0]);
	struct rf_out_line *lines = rf_arena_array(t->arena, r->n_copies, sizeof *lines);
	struct rf_sdp_media *media = rf_arena_array(t->arena, r->n_copies, sizeof *media);
	struct rf_sdp sdp = { 0 };

	if (!lines || !media)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	for (size_t i = 0; i < r->n_copies; i++) {
		int rc = describe_line(t, r, i, &media[i], &lines[i]);

		if (rc)
			return rc;
	}
	rf_describe(t, &(struct rf_out){ &sdp, in->advertised.family ? in->advertised : in->local, &r->pair.spoken[0], lines,
			r->n_copies }, w);
	return w->err ? rf_turn_fail(t, w->err, "the description that would go out is too long") : 0;
}

static int fill(struct rf_turn *t, struct rf_recorder *r, const struct choice *c, struct rf_writer *sdp)
{
	int rc = place(t, r, &c->lines[0]);

	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		const struct wanted *x = &c->lines[i];
		struct rf_copy *copy = &r->copies[i];

		copy->pair = x->pair;
		copy->side = x->side;
		copy->line = x->line;
		for (size_t k = 0; k < r->n_tags; k++)
			if (rf_view_eq(r->tags[k], x->party->tag))
				copy->tag = r->tags[k];
		rc = plan_line(t, x, &r->pair.lines[i]);
		if (rc == 0)
			rc = take_port(t, r, i);
	}
	if (rc == 0 && rf_party_label(&r->party, t->req->set_label))
		rc = rf_turn_fail(t, -ENOMEM, "no memory");
	return rc ? rc : describe(t, r, sdp);
}

static struct rf_view new_tag(struct rf_turn *t, char text[static 17])
{
	snprintf(text, 17, "%016llx", (unsigned long long)rf_random_u64(t->relay->conf.random));
	return rf_view_of(text, 16);
}

int rf_recorder_ask(struct rf_turn *t, struct rf_session *s, struct rf_writer *sdp, struct rf_recorder **ret_recorder)
{
	struct rf_view tag = t->req->to_tag;
	struct choice c = { .n = 0 };
	struct rf_recorder *r;
	unsigned others = 0;
	char text[17];
	int rc = choose(t, s, &c);

	for (r = s->recorders; r; r = r->next)
		others += !rf_view_eq(r->party.tag, tag);
	if (rc == 0 && others >= RF_RECORDERS_MAX)
		rc = rf_turn_fail(t, RF_E_LIMIT, "a session has at most %d recorders", RF_RECORDERS_MAX);
	if (rc == 0 && tag.n && rf_session_party(s, tag))
		rc = rf_turn_fail(t, RF_E_INVALID, "to-tag is that of a party of the call");
	if (rc == 0)
		rc = rf_recorder_new(t, s, tag.n ? tag : new_tag(t, text), c.tags, c.n_tags, c.n, &r);
	if (rc)
		return rc;
	rc = fill(t, r, &c, sdp);
	if (rc) {
		rf_recorder_free(r);
		return rc;
	}
	rf_recorder_add(r);
	*ret_recorder = r;
	return 0;
}

/* ---- the answer */

struct answer {
	struct rf_said said, *kept;
	struct answer_types types;
	bool off, active, reserved;
};

/* What the party may say and the recorder left out: made of something else, where that can be and was asked for. */
static int leave_out(struct rf_turn *t, size_t i, const struct rf_said *offered, const struct rf_codec *c,
		     const struct answer *a)
{
	bool may = rf_ng_has(t->req, RF_NG_ALLOW_TRANSCODING);

	if (rf_recorder_can(&a->types, c) && (may || offered->coded))
		return 0;
	if (!may)
		return rf_turn_fail(t, RF_E_DENIED,
				    "m-line %zu: the answer leaves out %.*s, in which the party may speak (the "
				    "flag \"allow transcoding\" takes that)",
				    i + 1, RF_VFMT(c->name));
	rf_ng_warn(t->req, "m-line %zu: what is said in %.*s is not copied", i + 1, RF_VFMT(c->name));
	return 0;
}

/* What the recorder takes of what was offered; a type that means something else to it is none of those. */
static int read_types(struct rf_turn *t, size_t i, struct rf_line *l, struct answer *a)
{
	const struct rf_said *offered = l->offered;
	int rc = 0;

	rf_recorder_types(offered, &a->said, &a->types);
	if (!a->types.any)
		rc = rf_turn_fail(t, RF_E_INVALID, "m-line %zu: the answer takes no codec that was offered", i + 1);
	for (size_t k = 0; rc == 0 && k < offered->n_codecs; k++) {
		const struct rf_codec *c = &offered->codecs[k];

		if (!c->off && !c->made && !(c->flags & (RF_TYPE_DTMF | RF_TYPE_COMFORT)) &&
		    !(a->types.bits[c->type >> 6] >> (c->type & 63) & 1))
			rc = leave_out(t, i, offered, c, a);
	}
	if (rc || !rf_recorder_needs(offered, &a->types))
		return rc;
	a->reserved = !l->coded;
	return reserve(t, l);
}

/* Nothing here may take protection away. */
static int check_keys(struct rf_turn *t, size_t i, const struct rf_line *l, const struct rf_said *said)
{
	unsigned keying = l->ours[0].keying;

	if (keying == RF_KEYING_DTLS && !said->n_prints)
		return rf_turn_fail(t, RF_E_DENIED, "m-line %zu: DTLS-SRTP was offered and is answered without a "
				    "fingerprint of sha-256 or better", i + 1);
	if (keying == RF_KEYING_SDES && !rf_sdes_taken(l->ours[0].sdes, said))
		return rf_turn_fail(t, RF_E_DENIED, "m-line %zu: the answer takes none of the a=crypto lines that were "
				    "offered, or more than one", i + 1);
	return 0;
}

static int check_remote(struct rf_turn *t, size_t i, const struct rf_pair *p, const struct rf_line *l,
			const struct rf_said *said)
{
	struct rf_addr rtp, rtcp;

	rf_path_local(l->path, 0, &rtp, &rtcp);
	if (rf_addr_eq(&said->remote, &rtp))
		return rf_turn_fail(t, RF_E_INVALID, "m-line %zu: its address is that of this relay's own port for it",
				    i + 1);
	const char *astray = rf_said_astray(p, 0, said);

	if (astray)
		return rf_turn_fail(t, RF_E_INVALID, "m-line %zu: its address is %s", i + 1, astray);
	if (said->remote.family == 0 || said->ice || said->remote.family == rtp.family)
		return 0;
	return rf_turn_fail(t, RF_E_INVALID, "m-line %zu: an IPv%u address, while the port for it is IPv%u", i + 1,
			    said->remote.family, rtp.family);
}

/* The role of DTLS stays while the association does: same certificate, same ICE credentials. */
static bool begins(const struct rf_line *l, const struct rf_said *now)
{
	const struct rf_said *last = l->said[0];

	if (last && last->n_prints && now->n_prints == last->n_prints && rf_view_eq(now->ufrag, last->ufrag) &&
	    memcmp(now->prints, last->prints, now->n_prints * sizeof now->prints[0]) == 0)
		return l->ours[0].active;
	return now->setup == RF_SDP_SETUP_PASSIVE;
}

static int read_line(struct rf_turn *t, const struct rf_sdp *sdp, size_t i, struct rf_pair *p, struct answer *a)
{
	struct rf_said_source source = rf_turn_source(t->req);
	struct rf_line *l = &p->lines[i];
	const char *why = "no memory";
	int rc = rf_said_read(t->arena, sdp, i, &source, &a->said, &why);

	if (rc)
		return rf_turn_fail(t, rc, "m-line %zu: %s", i + 1, why);
	a->off = !a->said.live || !l->path;
	if (a->off)
		return 0;
	if (a->said.kind != l->offered->kind)
		return rf_turn_fail(t, RF_E_INVALID, "m-line %zu: answered with another kind of media than was offered",
				    i + 1);
	rc = check_keys(t, i, l, &a->said);
	if (rc == 0)
		rc = check_remote(t, i, p, l, &a->said);
	if (rc == 0)
		rc = read_types(t, i, l, a);
	if (rc)
		return rc;
	a->active = begins(l, &a->said);
	a->kept = rf_said_keep(&a->said);
	return a->kept ? 0 : rf_turn_fail(t, -ENOMEM, "no memory");
}

static int commit_line(struct rf_turn *t, struct rf_recorder *r, size_t i, struct answer *a)
{
	struct rf_line *l = &r->pair.lines[i];
	struct rf_path_end_conf conf;
	int rc;

	if (a->off) {
		if (r->copies[i].at)
			rf_path_drop_tap(r->copies[i].at, r->copies[i].side, &r->copies[i].tap);
		r->copies[i].at = NULL;
		r->copies[i].sink = NULL;
		rf_line_off(t->relay, l);
		return 0;
	}
	rf_said_free(l->said[0]);
	l->said[0] = a->kept;
	a->kept = NULL;
	l->ours[0].active = a->active;
	rc = rf_recorder_code(t, &r->copies[i], l->offered, l->said[0], &a->types);
	if (rc)
		return rc;
	rf_line_set_coded(t->relay, l, rf_recorder_needs(l->offered, &a->types));
	if (l->offered->kind == RF_SDP_VIDEO && !asks_pictures(&r->copies[i]))
		rf_ng_warn(t->req, "m-line %zu: the party takes no requests for a picture (rtcp-fb): copies are of use "
				   "from its next whole one",
			   i + 1);
	rf_line_conf(&r->pair, l, 0, &conf);
	conf.dir = RF_SDP_RECVONLY; /* what it sends is not wanted, whatever it says */
	rc = rf_path_set(l->path, 0, &conf);
	rf_secret_wipe(&conf, sizeof conf);
	if (rc)
		return rf_turn_fail_port(t, rc);
	rf_path_open(l->path);
	return 0;
}

static struct rf_recorder *named(struct rf_turn *t, struct rf_session *s)
{
	struct rf_recorder *r = rf_recorder_find(s, t->req->to_tag);

	if (!r)
		rf_turn_fail(t, RF_E_NOT_FOUND, "this session has no recorder with to-tag \"%.*s\"",
			     RF_VFMT(t->req->to_tag));
	return r;
}

int rf_recorder_answer(struct rf_turn *t, struct rf_session *s, const struct rf_sdp *sdp)
{
	struct rf_recorder *r = named(t, s);
	struct answer *answers = rf_arena_array(t->arena, sdp->n_media + 1u, sizeof *answers);
	bool live = false, first;
	int rc = 0;

	if (!r)
		return RF_E_NOT_FOUND;
	if (!answers)
		return rf_turn_fail(t, -ENOMEM, "no memory");
	if (sdp->n_media != r->n_copies)
		return rf_turn_fail(t, RF_E_INVALID, "the answer has %u m-lines, the offer %zu", sdp->n_media,
				    r->n_copies);
	for (size_t i = 0; rc == 0 && i < r->n_copies; i++) {
		rc = read_line(t, sdp, i, &r->pair, &answers[i]);
		live |= rc == 0 && !answers[i].off;
	}
	if (rc == 0 && !live)
		rc = rf_turn_fail(t, RF_E_INVALID,
				  "the answer takes none of the m-lines: unsubscribe, if none is wanted");
	for (size_t i = 0; rc == 0 && i < r->n_copies; i++)
		rc = commit_line(t, r, i, &answers[i]);
	for (size_t i = 0; i < r->n_copies; i++) {
		rf_said_free(answers[i].kept);
		if (rc && answers[i].reserved)
			rf_line_set_coded(t->relay, &r->pair.lines[i], false);
	}
	if (rc)
		return rc;
	first = !r->pair.answered;
	r->pair.answered = true;
	if (first)
		rf_recorder_tell(r, RF_RECORDING_BEGUN, NULL);
	return 0;
}

int rf_recorder_end(struct rf_turn *t, struct rf_session *s)
{
	struct rf_recorder *r = named(t, s);

	if (!r)
		return RF_E_NOT_FOUND;
	rf_recorder_stop(r, "unsubscribed");
	return 0;
}

/* Each live m-line is judged by the row of its protocol; the judge drops what may not pass and says which rule forbids
 * the line, if one does. What is left after all lines is the verdict. */
#include "sdp/police.h"

struct judge {
	struct rf_sdp *sdp;
	const struct rf_sdp_job *job;
	struct rf_sdp_summary *sum;
};

static void drop(struct judge *j, struct rf_sdp_attr *a)
{
	if (!a->drop) {
		a->drop = true;
		j->sum->removed++;
	}
}

static void drop_all(struct judge *j, struct rf_sdp_attr *attrs, size_t n, enum rf_sdp_aid id)
{
	for (size_t i = 0; i < n; i++)
		if (attrs[i].id == id)
			drop(j, &attrs[i]);
}

/* Position of a suite in the policy's order, n_suites when it is not allowed. */
static unsigned rank_of(const struct rf_sdp_policy *policy, enum rf_sdp_suite suite)
{
	unsigned i = 0;

	while (i < policy->n_suites && i < RF_SDP_SUITE_COUNT && policy->suites[i] != suite)
		i++;
	return i < RF_SDP_SUITE_COUNT ? i : policy->n_suites;
}

struct kept {
	struct rf_sdp_attr *slot; /* where the attribute stands in the section */
	struct rf_sdp_attr attr;
	enum rf_sdp_suite suite;
	uint32_t tag;
	unsigned rank;
};

/* The acceptable crypto lines of a section in the peer's order; every other one is dropped. */
static size_t collect_crypto(struct judge *j, struct rf_sdp_media *m, struct kept kept[static RF_SDP_CRYPTO_MAX])
{
	struct rf_sdp_crypto c;
	size_t n = 0;

	for (size_t i = 0; i < m->n_attrs; i++) {
		struct rf_sdp_attr *a = &m->attrs[i];
		bool twice = false;

		if (a->id != RF_SDP_A_CRYPTO || a->drop)
			continue;
		if (n == RF_SDP_CRYPTO_MAX || rf_sdp_crypto_parse(a->value, &c)) {
			drop(j, a);
			continue;
		}
		unsigned rank = rank_of(j->job->policy, c.suite);
		for (size_t o = 0; o < n; o++)
			twice |= kept[o].tag == c.tag;
		if (twice || rank == j->job->policy->n_suites)
			drop(j, a);
		else
			kept[n++] = (struct kept){ a, *a, c.suite, c.tag, rank };
	}
	return n;
}

/* Put the kept lines into their slots again, the policy's preferred suite first, otherwise in the peer's order. */
static void order_crypto(struct kept *kept, size_t n, struct rf_sdp_line *line)
{
	struct rf_sdp_attr *slots[RF_SDP_CRYPTO_MAX];

	for (size_t i = 0; i < n; i++)
		slots[i] = kept[i].slot;
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && kept[k].rank < kept[k - 1].rank; k--) {
			struct kept t = kept[k];

			kept[k] = kept[k - 1];
			kept[k - 1] = t;
		}
	for (size_t i = 0; i < n; i++) {
		*slots[i] = kept[i].attr;
		line->suites[i] = (uint8_t)kept[i].suite;
		line->tags[i] = kept[i].tag;
	}
	line->n_crypto = (uint8_t)n;
}

/* What the line says on whose transport m is, when that was found good with these keys. */
static const struct rf_sdp_line *carrier_with(const struct judge *j, const struct rf_sdp_media *m, unsigned keys)
{
	const struct rf_sdp_media *c = rf_sdp_carrier(j->sdp, m);
	const struct rf_sdp_line *line = c ? &j->sum->lines[c - j->sdp->media] : NULL;

	return line && (line->flags & keys) && (line->flags & RF_SDP_LINE_LIVE) ? line : NULL;
}

/* Drop weak fingerprints; true when a strong one is in force for m. A section's own replace the session's
 * (RFC 8122 5); a bundled one without has that of the line that it shares the transport of. */
static bool strong_fingerprint(struct judge *j, struct rf_sdp_media *m)
{
	bool own = false, strong = false;

	for (size_t i = 0; i < m->n_attrs; i++) {
		if (m->attrs[i].id != RF_SDP_A_FINGERPRINT)
			continue;
		own = true;
		if (rf_sdp_fingerprint_strong(m->attrs[i].value))
			strong = true;
		else
			drop(j, &m->attrs[i]);
	}
	for (size_t i = 0; !own && i < j->sdp->n_attrs; i++)
		strong |= j->sdp->attrs[i].id == RF_SDP_A_FINGERPRINT && !j->sdp->attrs[i].drop;
	return strong || (!own && carrier_with(j, m, RF_SDP_LINE_DTLS));
}

static void note_setup(struct judge *j, const struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	const struct rf_sdp_attr *a = rf_sdp_attr_find(m->attrs, m->n_attrs, RF_SDP_A_SETUP);
	const struct rf_sdp_line *carrier = a ? NULL : carrier_with(j, m, RF_SDP_LINE_DTLS);

	if (!a)
		a = rf_sdp_attr_find(j->sdp->attrs, j->sdp->n_attrs, RF_SDP_A_SETUP);
	if (carrier)
		line->setup = carrier->setup;
	else if (a)
		line->setup = (uint8_t)rf_sdp_setup_of(a->value);
}

static enum rf_sdp_rule judge_dtls(struct judge *j, size_t index, struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	const struct rf_sdp_summary *offer = j->job->offer;

	drop_all(j, m->attrs, m->n_attrs, RF_SDP_A_CRYPTO);
	if (!strong_fingerprint(j, m))
		return RF_SDP_RULE_NO_FINGERPRINT;
	if (rf_sdp_proto_is_rtp(m->proto) && !j->job->policy->dtls)
		return RF_SDP_RULE_DTLS;
	if (offer && !(offer->lines[index].flags & RF_SDP_LINE_DTLS))
		return RF_SDP_RULE_ANSWER_LINES;
	/* A fingerprint that anybody on the way may replace proves nothing (RFC 5763 5). */
	if (j->job->policy->encrypted_required && !(j->job->from_secure && j->job->to_secure))
		return RF_SDP_RULE_KEYS_IN_CLEAR;
	line->flags |= RF_SDP_LINE_DTLS;
	note_setup(j, m, line);
	return RF_SDP_RULE_OK;
}

/* In an answer: one line, with tag and suite of one that was offered. */
static bool answers_crypto(const struct rf_sdp_line *offered, const struct rf_sdp_line *line)
{
	if (line->n_crypto != 1)
		return false;
	for (size_t i = 0; i < offered->n_crypto; i++)
		if (offered->tags[i] == line->tags[0] && offered->suites[i] == line->suites[0])
			return true;
	return false;
}

/* Takes the crypto lines of a section through the policy. RF_SDP_RULE_NO_SUITE when none is left. */
static enum rf_sdp_rule judge_crypto(struct judge *j, size_t index, struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	const struct rf_sdp_summary *offer = j->job->offer;
	struct kept kept[RF_SDP_CRYPTO_MAX];
	size_t n;

	if (!rf_sdp_attr_find(m->attrs, m->n_attrs, RF_SDP_A_CRYPTO) && carrier_with(j, m, RF_SDP_LINE_SDES)) {
		line->flags |= RF_SDP_LINE_SDES;
		return RF_SDP_RULE_OK;
	}
	if (!(j->job->from_secure && j->job->to_secure) &&
	    rf_sdp_attr_find(m->attrs, m->n_attrs, RF_SDP_A_CRYPTO))
		return RF_SDP_RULE_KEYS_IN_CLEAR;
	n = collect_crypto(j, m, kept);
	if (n == 0)
		return RF_SDP_RULE_NO_SUITE;
	order_crypto(kept, n, line);
	if (offer && !answers_crypto(&offer->lines[index], line))
		return RF_SDP_RULE_ANSWER_CRYPTO;
	line->flags |= RF_SDP_LINE_SDES;
	return RF_SDP_RULE_OK;
}

static enum rf_sdp_rule judge_savp(struct judge *j, size_t index, struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	enum rf_sdp_rule rule = judge_crypto(j, index, m, line);

	/* Both ways of keying may be offered side by side under RTP/SAVP(F); what is weak of the
	 * second goes all the same. */
	if (rule == RF_SDP_RULE_OK && strong_fingerprint(j, m) && j->job->policy->dtls && !j->job->offer) {
		line->flags |= RF_SDP_LINE_DTLS;
		note_setup(j, m, line);
	}
	if (rule == RF_SDP_RULE_NO_SUITE && strong_fingerprint(j, m))
		rule = judge_dtls(j, index, m, line);
	return rule;
}

static enum rf_sdp_rule judge_avp(struct judge *j, size_t index, struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	enum rf_sdp_rule rule;

	if (j->job->policy->encrypted_required)
		return RF_SDP_RULE_PLAIN_MEDIA;
	if (!rf_sdp_attr_find(m->attrs, m->n_attrs, RF_SDP_A_CRYPTO))
		return RF_SDP_RULE_OK;
	/* Where plain media is allowed, keys offered beside it (best effort) are taken out rather than a reason to
	 * refuse, but for keys that strangers have read already. */
	if (j->job->from_secure && !j->job->to_secure) {
		drop_all(j, m->attrs, m->n_attrs, RF_SDP_A_CRYPTO);
		return RF_SDP_RULE_OK;
	}
	rule = judge_crypto(j, index, m, line);
	if (rule == RF_SDP_RULE_KEYS_IN_CLEAR)
		return rule;
	if (rule != RF_SDP_RULE_OK)
		drop_all(j, m->attrs, m->n_attrs, RF_SDP_A_CRYPTO);
	return RF_SDP_RULE_OK;
}

static enum rf_sdp_rule judge_other(struct judge *j, struct rf_sdp_media *m)
{
	drop_all(j, m->attrs, m->n_attrs, RF_SDP_A_CRYPTO);
	return j->job->policy->encrypted_required ? RF_SDP_RULE_OTHER_PLAIN : RF_SDP_RULE_OK;
}

/* How a protocol may be answered: the same one, or its twin with or without feedback (RFC 4585, 5124 ask for the same;
 * some phones fall back to the plain profile name, which changes no protection). */
static bool same_protection(enum rf_sdp_proto a, enum rf_sdp_proto b)
{
	static const uint8_t group[] = {
		[RF_SDP_RTP_AVP] = 1, [RF_SDP_RTP_AVPF] = 1, [RF_SDP_RTP_SAVP] = 2, [RF_SDP_RTP_SAVPF] = 2,
		[RF_SDP_UDP_TLS_RTP_SAVP] = 3, [RF_SDP_UDP_TLS_RTP_SAVPF] = 3,
	};

	return a == b || (rf_sdp_proto_is_rtp(a) && rf_sdp_proto_is_rtp(b) && group[a] == group[b]);
}

static enum rf_sdp_rule judge_line(struct judge *j, size_t index, struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	const struct rf_sdp_summary *offer = j->job->offer;

	if (offer && (!same_protection((enum rf_sdp_proto)offer->lines[index].proto, m->proto) ||
		      !(offer->lines[index].flags & RF_SDP_LINE_LIVE)))
		return RF_SDP_RULE_ANSWER_LINES;
	if (m->kind == RF_SDP_VIDEO && !j->job->policy->video)
		return RF_SDP_RULE_VIDEO;
	if (j->job->policy->addresses && rf_sdp_media_conn(j->sdp, m)->name)
		return RF_SDP_RULE_ADDRESS;
	switch (m->proto) {
	case RF_SDP_RTP_AVP: case RF_SDP_RTP_AVPF:
		return judge_avp(j, index, m, line);
	case RF_SDP_RTP_SAVP: case RF_SDP_RTP_SAVPF:
		return judge_savp(j, index, m, line);
	case RF_SDP_UDP_TLS_RTP_SAVP: case RF_SDP_UDP_TLS_RTP_SAVPF: case RF_SDP_UDPTL_DTLS: case RF_SDP_MSRP_TLS:
	case RF_SDP_BFCP_TLS: case RF_SDP_SCTP_DTLS:
		return judge_dtls(j, index, m, line);
	default:
		return judge_other(j, m);
	}
}

/* What goes whatever the lines say. */
static void clean_section(struct judge *j, struct rf_sdp_attr *attrs, size_t n)
{
	for (size_t i = 0; j->job->policy->crosses && i < n; i++)
		if (attrs[i].id == RF_SDP_A_OTHER && !j->job->policy->crosses(&attrs[i]))
			drop(j, &attrs[i]);
	drop_all(j, attrs, n, RF_SDP_A_KEY_MGMT);
	if (j->job->policy->encrypted_required)
		drop_all(j, attrs, n, RF_SDP_A_CAPABILITY);
}

static void clean_session(struct judge *j)
{
	struct rf_sdp *sdp = j->sdp;

	clean_section(j, sdp->attrs, sdp->n_attrs);
	drop_all(j, sdp->attrs, sdp->n_attrs, RF_SDP_A_CRYPTO); /* media level only, RFC 4568 5 */
	for (size_t i = 0; i < sdp->n_attrs; i++)
		if (sdp->attrs[i].id == RF_SDP_A_FINGERPRINT && !rf_sdp_fingerprint_strong(sdp->attrs[i].value))
			drop(j, &sdp->attrs[i]);
	j->sum->removed += sdp->has_key;
}

static void note_line(const struct rf_sdp *sdp, const struct rf_sdp_media *m, struct rf_sdp_line *line)
{
	*line = (struct rf_sdp_line){ .kind = (uint8_t)m->kind, .proto = (uint8_t)m->proto, .dir = (uint8_t)m->dir };
	if (rf_sdp_media_conn(sdp, m)->zero)
		line->flags |= RF_SDP_LINE_ZERO;
}

/* The frame that RFC 3264 gives: an answer has the offer's lines, a new offer at least the session's. */
static enum rf_sdp_rule check_frame(const struct rf_sdp *sdp, const struct rf_sdp_job *job, uint8_t *ret_line)
{
	const struct rf_sdp_summary *before = job->offer ? job->offer : job->last;
	enum rf_sdp_rule rule = job->offer ? RF_SDP_RULE_ANSWER_LINES : RF_SDP_RULE_REOFFER_LINES;

	if (sdp->n_media == 0)
		return RF_SDP_RULE_NO_MEDIA;
	if (!before)
		return RF_SDP_RULE_OK;
	if (sdp->n_media < before->n_lines || (job->offer && sdp->n_media != before->n_lines))
		return rule;
	for (size_t i = 0; i < before->n_lines; i++) {
		/* A line that is off may be used anew for another kind (RFC 3264 8.2). */
		bool was_live = before->lines[i].flags & (RF_SDP_LINE_LIVE | RF_SDP_LINE_REFUSED);

		if ((job->offer || was_live) && before->lines[i].kind != (uint8_t)sdp->media[i].kind) {
			*ret_line = (uint8_t)i;
			return rule;
		}
	}
	return RF_SDP_RULE_OK;
}

/* Whether the line stays on; what forbids it, if anything, into ret as the first reason. */
static bool police_line(struct judge *j, size_t i, struct rf_sdp_result *ret, enum rf_sdp_rule *first)
{
	struct rf_sdp_media *m = &j->sdp->media[i];
	struct rf_sdp_line *line = &j->sum->lines[i];
	enum rf_sdp_rule rule;

	clean_section(j, m->attrs, m->n_attrs);
	rule = judge_line(j, i, m, line);
	if (rule == RF_SDP_RULE_OK) {
		line->flags |= RF_SDP_LINE_LIVE;
		return true;
	}
	line->flags |= RF_SDP_LINE_REFUSED;
	line->n_crypto = 0;
	rf_sdp_media_off(m);
	if (*first == RF_SDP_RULE_OK) {
		*first = rule;
		ret->line = (uint8_t)i;
	}
	return false;
}

enum rf_sdp_rule rf_sdp_police(struct rf_sdp *sdp, const struct rf_sdp_job *job, struct rf_sdp_result *ret)
{
	struct judge j = { sdp, job, &ret->summary };
	enum rf_sdp_rule first = RF_SDP_RULE_OK;
	bool rides[RF_SDP_MEDIA_MAX] = { false };
	size_t live = 0;

	*ret = (struct rf_sdp_result){ .line = 255, .origin = sdp->origin };
	ret->summary.answer = job->offer != NULL;
	ret->rule = check_frame(sdp, job, &ret->line);
	if (ret->rule)
		return ret->rule;
	clean_session(&j);
	for (size_t i = 0; i < sdp->n_media; i++) {
		note_line(sdp, &sdp->media[i], &ret->summary.lines[ret->summary.n_lines++]);
		rides[i] = rf_sdp_carrier(sdp, &sdp->media[i]) != NULL;
	}
	/* What is on another's transport is judged after it. */
	for (unsigned riding = 0; riding < 2; riding++)
		for (size_t i = 0; i < sdp->n_media; i++)
			if (!rf_sdp_media_live(&sdp->media[i]))
				rf_sdp_media_off(&sdp->media[i]);
			else if (rides[i] == riding)
				live += police_line(&j, i, ret, &first);
	if (live == 0)
		ret->rule = first;
	return ret->rule;
}

/* Words of one phone for people stay on its side: what the other shows is what we tell it. */
static void drop_words(struct rf_sdp *sdp)
{
	static const struct rf_view none = { NULL, 0 };

	sdp->name = sdp->info = none;
	for (size_t i = 0; i < sdp->n_media; i++)
		sdp->media[i].info = none;
}

enum rf_sdp_rule rf_sdp_pass(struct rf_arena *a, struct rf_view body, const struct rf_sdp_job *job, struct rf_writer *w,
	struct rf_sdp_result *ret, struct rf_diag *diag)
{
	struct rf_sdp *sdp;
	int rc = rf_sdp_parse(a, body, job->limits, &sdp, diag);

	if (rc) {
		*ret = (struct rf_sdp_result){ .line = 255 };
		ret->rule = rc == RF_E_LIMIT ? RF_SDP_RULE_LIMIT : rc == RF_E_UNSUPPORTED ? RF_SDP_RULE_MULTICAST :
			    rc == -ENOMEM ? RF_SDP_RULE_MEMORY : RF_SDP_RULE_MALFORMED;
		return ret->rule;
	}
	if (rf_sdp_police(sdp, job, ret))
		return ret->rule;
	drop_words(sdp);
	if (job->policy->crosses)
		sdp->origin.user = RF_V("-");
	rf_sdp_build(w, sdp, job->origin);
	if (w->err)
		ret->rule = RF_SDP_RULE_TOO_LONG;
	return ret->rule;
}

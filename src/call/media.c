#include "call/media.h"
#include "base/secret.h"

#include "call/core_int.h"

#include <stdlib.h>

void rf_media_policy(const struct rf_policy *site, struct rf_sdp_policy *ret_policy)
{
	*ret_policy = (struct rf_sdp_policy){
		.encrypted_required = site->media_encrypted, .dtls = site->dtls_srtp, .video = true,
	};
	for (unsigned s = 0; s < RF_SITE_SUITES; s++) {
		enum rf_sdp_suite suite = rf_sdp_suite_of(rf_view_str(rf_site_suite_name(s)));

		if (site->suites & 1u << s && suite != RF_SDP_SUITE_NONE)
			ret_policy->suites[ret_policy->n_suites++] = (uint8_t)suite;
	}
}

static void drop(struct rf_sdp_summary *s)
{
	rf_secret_free(s, s ? rf_sdp_summary_bytes(s) : 0);
}

void rf_media_fini(struct rf_media *m)
{
	drop(m->offer);
	drop(m->last);
	*m = (struct rf_media){ .offer = NULL };
}

static int keep(struct rf_sdp_summary **slot, const struct rf_sdp_summary *s)
{
	size_t n = rf_sdp_summary_bytes(s);
	struct rf_sdp_summary *copy = malloc(n);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, s, n);
	drop(*slot);
	*slot = copy;
	return 0;
}

/* What the level asks of media is no reason to leave a call for help unanswered: the strongest first, and then any. */
static struct rf_sdp_policy emergency_policy(const struct rf_call_core *core)
{
	struct rf_sdp_policy p = core->media_policy;

	p.encrypted_required = false;
	p.dtls = true;
	for (unsigned s = 0; s < RF_SITE_SUITES; s++) {
		enum rf_sdp_suite suite = rf_sdp_suite_of(rf_view_str(rf_site_suite_name(s)));

		if (suite != RF_SDP_SUITE_NONE && !memchr(p.suites, suite, p.n_suites))
			p.suites[p.n_suites++] = (uint8_t)suite;
	}
	return p;
}

static enum rf_sdp_rule pass(struct rf_call_core *core, const struct rf_media *m, struct rf_sdp_job *job,
			     struct rf_view in, struct rf_sdp_result *result, struct rf_view *ret_out)
{
	struct rf_sdp_policy policy = m->emergency || m->anchored ? emergency_policy(core) : core->media_policy;
	struct rf_writer w;

	if (m->encrypted && !m->emergency)
		policy.encrypted_required = true;
	job->policy = &policy;
	if (m->anchored) {
		job->from_secure = job->to_secure = true;
		job->offer = job->last = NULL;
	}
	rf_writer_init(&w, core->sdp_out, sizeof core->sdp_out);
	enum rf_sdp_rule rule = rf_sdp_pass(&core->scratch, in, job, &w, result, NULL);

	rf_arena_wipe(&core->scratch);
	rf_core_wrote(&core->sdp_out_n, &w);
	if (rule == RF_SDP_RULE_OK && rf_writer_done(&w, ret_out))
		rule = RF_SDP_RULE_TOO_LONG;
	if (rule != RF_SDP_RULE_OK)
		core->counters.media_refused++;
	return rule;
}

enum rf_sdp_rule rf_media_offer(struct rf_call_core *core, struct rf_media *m, bool from_secure, bool to_secure,
				struct rf_view in, struct rf_view *ret_out)
{
	struct rf_sdp_job job = { .from_secure = from_secure, .to_secure = to_secure, .last = m->last };
	struct rf_sdp_result result;
	enum rf_sdp_rule rule = pass(core, m, &job, in, &result, ret_out);

	if (rule == RF_SDP_RULE_OK && keep(&m->offer, &result.summary))
		rule = RF_SDP_RULE_MEMORY;
	return rule;
}

/* A line of the answer that policy switches off is still on at the one who answered. The call ends rather than leave
 * one side sending media that the other will not take. */
static bool line_refused(const struct rf_sdp_summary *s)
{
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].flags & RF_SDP_LINE_REFUSED)
			return true;
	return false;
}

enum rf_sdp_rule rf_media_answer(struct rf_call_core *core, struct rf_media *m, bool from_secure, bool to_secure,
				 struct rf_view in, struct rf_view *ret_out)
{
	struct rf_sdp_job job = { .from_secure = from_secure, .to_secure = to_secure, .offer = m->offer };
	struct rf_sdp_result result;

	if (!m->offer)
		return RF_SDP_RULE_ANSWER_LINES;
	enum rf_sdp_rule rule = pass(core, m, &job, in, &result, ret_out);

	if (rule == RF_SDP_RULE_OK && line_refused(&result.summary))
		rule = RF_SDP_RULE_ANSWER_CRYPTO;
	if (rule == RF_SDP_RULE_OK && keep(&m->last, &result.summary))
		rule = RF_SDP_RULE_MEMORY;
	return rule;
}

void rf_media_settled(struct rf_media *m)
{
	drop(m->offer);
	m->offer = NULL;
}

void rf_media_failed(struct rf_media *m)
{
	drop(m->offer);
	m->offer = NULL;
}

const char *rf_media_suite(const struct rf_media *m)
{
	const char *audio = m->last ? rf_sdp_summary_suite(m->last, RF_SDP_AUDIO) : "";

	return *audio || !m->last ? audio : rf_sdp_summary_suite(m->last, RF_SDP_VIDEO);
}

enum rf_sdp_rule rf_media_refused(const struct rf_media *m)
{
	unsigned keyed = 0;

	for (size_t i = 0; m->offer && i < m->offer->n_lines; i++)
		if (m->offer->lines[i].flags & RF_SDP_LINE_LIVE)
			keyed |= m->offer->lines[i].flags & (RF_SDP_LINE_DTLS | RF_SDP_LINE_SDES);
	return keyed == RF_SDP_LINE_DTLS ? RF_SDP_RULE_PHONE_DTLS :
	       keyed == RF_SDP_LINE_SDES ? RF_SDP_RULE_PHONE_SDES : RF_SDP_RULE_PHONE;
}

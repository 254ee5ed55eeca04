/* Any bytes as a session description: parsed, policed, built, and what was built must be read again as the same. */
#include "sdp/police.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ARENA = 512 * 1024, OUT = 256 * 1024 };

static struct rf_view pass(struct rf_arena *a, struct rf_view body, const struct rf_sdp_job *job, uint8_t *out,
	struct rf_sdp_result *ret)
{
	struct rf_diag diag;
	struct rf_writer w;

	rf_arena_init(a, ARENA);
	rf_writer_init(&w, out, OUT);
	rf_sdp_pass(a, body, job, &w, ret, &diag);
	rf_arena_fini(a);
	return rf_view_of(out, ret->rule ? 0 : w.n);
}

static void check(struct rf_view body, const struct rf_sdp_policy *policy, uint8_t *one, uint8_t *two)
{
	struct rf_sdp_job job = { .policy = policy, .from_secure = true, .to_secure = true };
	struct rf_sdp_result first, again;
	struct rf_writer w;
	struct rf_arena a;
	uint8_t text[4096];
	struct rf_view built = pass(&a, body, &job, one, &first), twice;

	if (first.rule)
		return;
	twice = pass(&a, built, &job, two, &again);
	if (again.rule || !rf_view_eq(built, twice))
		abort(); /* what we send on must read for others as it does for us */
	if (policy->encrypted_required)
		for (size_t i = 0; i < first.summary.n_lines; i++)
			if ((first.summary.lines[i].flags & RF_SDP_LINE_LIVE) &&
			    !(first.summary.lines[i].flags & (RF_SDP_LINE_DTLS | RF_SDP_LINE_SDES)))
				abort();
	rf_writer_init(&w, text, sizeof text);
	rf_sdp_summary_text(&w, &first.summary);
	job.offer = &first.summary;
	pass(&a, body, &job, two, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t one[OUT], two[OUT]; /* not from malloc: a sanitizer would spend more time on them than on us */
	struct rf_sdp_policy open = rf_sdp_policy_medium;

	open.encrypted_required = false;
	check(rf_view_of(data, n), n % 4 ? &rf_sdp_policy_medium : &open, one, two);
	return 0;
}

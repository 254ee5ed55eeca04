#include "sdp/summary.h"

bool rf_sdp_summary_secure(const struct rf_sdp_summary *s)
{
	size_t live = 0;

	for (size_t i = 0; i < s->n_lines; i++) {
		if (!(s->lines[i].flags & RF_SDP_LINE_LIVE))
			continue;
		if (!(s->lines[i].flags & (RF_SDP_LINE_DTLS | RF_SDP_LINE_SDES)))
			return false;
		live++;
	}
	return live > 0;
}

static bool has_sound(const struct rf_sdp_line *l)
{
	return (l->flags & RF_SDP_LINE_LIVE) && (l->kind == RF_SDP_AUDIO || l->kind == RF_SDP_VIDEO);
}

bool rf_sdp_summary_held(const struct rf_sdp_summary *s)
{
	size_t live = 0;

	for (size_t i = 0; i < s->n_lines; i++) {
		const struct rf_sdp_line *l = &s->lines[i];

		if (!has_sound(l))
			continue;
		if (!(l->flags & RF_SDP_LINE_ZERO) && (l->dir & RF_SDP_RECVONLY))
			return false;
		live++;
	}
	return live > 0;
}

static const char *line_suite(const struct rf_sdp_line *l)
{
	if (l->n_crypto)
		return rf_sdp_suite_text((enum rf_sdp_suite)l->suites[0]);
	if (l->flags & RF_SDP_LINE_DTLS)
		return rf_sdp_proto_is_rtp((enum rf_sdp_proto)l->proto) ? "DTLS-SRTP" : "TLS";
	return "none";
}

const char *rf_sdp_summary_suite(const struct rf_sdp_summary *s, enum rf_sdp_kind kind)
{
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].kind == kind && (s->lines[i].flags & RF_SDP_LINE_LIVE))
			return line_suite(&s->lines[i]);
	return "";
}

void rf_sdp_summary_text(struct rf_writer *w, const struct rf_sdp_summary *s)
{
	for (size_t i = 0; i < s->n_lines; i++) {
		const struct rf_sdp_line *l = &s->lines[i];

		if (i)
			rf_put_lit(w, ", ");
		rf_put(w, rf_view_str(rf_sdp_kind_text((enum rf_sdp_kind)l->kind)));
		if (!(l->flags & RF_SDP_LINE_LIVE)) {
			rf_put(w, l->flags & RF_SDP_LINE_REFUSED ? RF_V(" refused") : RF_V(" off"));
			continue;
		}
		rf_put_byte(w, ' ');
		rf_put(w, rf_view_str(rf_sdp_proto_text((enum rf_sdp_proto)l->proto)));
		rf_put_byte(w, ' ');
		rf_put(w, rf_view_str(line_suite(l)));
		rf_put_byte(w, ' ');
		rf_put(w, rf_view_str(rf_sdp_dir_text((enum rf_sdp_dir)l->dir)));
	}
}

#include "media/path_int.h"

#include "base/err.h"
#include "rtp/rtcp.h"

#include <stdlib.h>

/* Several m-lines on one transport (RFC 9143): an end that is carried has no port, keys, ICE or handshake, but those of
 * the one end of another path, which carries it. What arrives there is authenticated there, and only then it is looked
 * at for which of them it is. */

int rf_path_ride(struct rf_path *p, unsigned end, struct rf_path *on)
{
	struct rf_end *e = &p->end[end];

	if (!e->carried || p->kind != RF_PATH_RTP || (on && (!on->end[1].nobody || on->kind != RF_PATH_RTP)))
		return RF_E_INVALID;
	if (e->bearer == (on ? &on->end[0] : NULL))
		return 0;
	rf_path_fast_leave(p);
	rf_end_alight(e);
	if (!on)
		return 0;
	e->bearer = &on->end[0];
	struct rf_end **at = &e->bearer->riders; /* in the order in which they came */

	while (*at)
		at = &(*at)->next_rider;
	*at = e;
	return 0;
}

/* What reports said: the last so many, of SSRCs from which no RTP may have come yet. */
enum { NAMES = 16 };
struct rf_rider_names {
	unsigned at;
	struct { uint32_t ssrc; struct rf_end *of; } name[NAMES];
};

void rf_end_alight(struct rf_end *e)
{
	struct rf_rider_names *names = e->bearer ? e->bearer->names : NULL;

	for (unsigned i = 0; names && i < NAMES; i++)
		if (names->name[i].of == e)
			names->name[i].of = NULL;
	free(e->names); /* nobody rides on who rides, nor on who ends */
	e->names = NULL;

	struct rf_end **at = e->bearer ? &e->bearer->riders : NULL;

	while (at && *at != e)
		at = &(*at)->next_rider;
	if (at)
		*at = e->next_rider;
	e->bearer = e->next_rider = NULL;
}

/* ---- RTP (RFC 9143 9.2): by its MID, else whose SSRC it is, else by a payload type that only one of them may send */

static struct rf_path_ssrc *ssrc_of(struct rf_end *e, uint32_t ssrc)
{
	struct rf_path_ssrc *s = e->ssrcs;

	while (s && s->ssrc != ssrc)
		s = s->next;
	return s;
}

static struct rf_end *by_mid(struct rf_end *base, struct rf_view packet, const struct rf_rtp_head *head)
{
	for (struct rf_end *e = base->riders; e; e = e->next_rider) {
		struct rf_view mid = e->mid_ext ? rf_rtp_extension(packet, head, e->mid_ext) : rf_view_of(NULL, 0);

		if (mid.n && mid.n == e->mid_n && memcmp(mid.p, e->mid, mid.n) == 0)
			return e;
	}
	return NULL;
}

static struct rf_end *by_name(const struct rf_end *base, uint32_t ssrc)
{
	for (unsigned i = 0; base->names && i < NAMES; i++)
		if (base->names->name[i].of && base->names->name[i].ssrc == ssrc)
			return base->names->name[i].of;
	return NULL;
}

static struct rf_end *by_ssrc(struct rf_end *base, uint32_t ssrc)
{
	struct rf_end *e = base->riders;

	while (e && !ssrc_of(e, ssrc))
		e = e->next_rider;
	return e ? e : by_name(base, ssrc);
}

static struct rf_end *by_type(struct rf_end *base, uint8_t type)
{
	struct rf_end *found = NULL;

	for (struct rf_end *e = base->riders; e; e = e->next_rider) {
		if (!rf_check_type(e, type))
			continue;
		if (found)
			return NULL;
		found = e;
	}
	return found;
}

/* It said of itself that it belongs to another m-line than before. */
static void leave_others(struct rf_end *base, const struct rf_end *to, uint32_t ssrc)
{
	for (struct rf_end *e = base->riders; e; e = e->next_rider)
		if (e != to)
			rf_check_forget_one(e, ssrc);
}

static void learn_name(struct rf_end *base, uint32_t ssrc, struct rf_end *of)
{
	struct rf_rider_names *n = base->names;

	if (!n && !(n = base->names = calloc(1, sizeof *n)))
		return; /* then RTP says it, or the next report */
	for (unsigned i = 0; i < NAMES; i++)
		if (n->name[i].of && n->name[i].ssrc == ssrc) {
			n->name[i].of = of;
			return;
		}
	n->name[n->at].ssrc = ssrc;
	n->name[n->at].of = of;
	n->at = (n->at + 1) % NAMES;
}

bool rf_bundle_take(struct rf_arrival *a, const struct rf_rtp_head *head)
{
	struct rf_end *base = a->e, *e = by_mid(base, rf_view_of(a->text, a->text_n), head);

	if (e) {
		struct rf_end *named = by_name(base, head->ssrc);

		leave_others(base, e, head->ssrc);
		if (named && named != e) /* what was said last holds */
			learn_name(base, head->ssrc, e);
	} else {
		e = by_ssrc(base, head->ssrc);
	}
	if (!e)
		e = by_type(base, head->type);
	if (!e) {
		rf_arrival_drop(a, RF_DROP_SSRC);
		return false;
	}
	struct rf_path *p = e->sock[0].path;

	if (!p->open || !e->set || !rf_check_type(e, head->type)) {
		rf_end_drop(p, e, p->open && e->set ? RF_DROP_TYPE : RF_DROP_UNANSWERED);
		return false;
	}
	rf_arrival_fix(a);
	a->p = p;
	a->e = e;
	return true;
}

/* ---- RTCP: which line an SSRC is of */

static struct rf_end *with_mid(struct rf_end *base, struct rf_view mid)
{
	struct rf_end *e = base->riders;

	while (e && (e->mid_n != mid.n || memcmp(e->mid, mid.p, mid.n) != 0))
		e = e->next_rider;
	return e;
}

void rf_bundle_learn(struct rf_end *base, struct rf_view compound)
{
	struct rf_reader r = rf_reader_of(compound);
	struct rf_rtcp_packet packet;

	while (rf_rtcp_next(&r, &packet) == 0) {
		struct rf_reader body = rf_reader_of(packet.body);
		struct rf_rtcp_source source;

		for (unsigned i = 0;
		     packet.type == RF_RTCP_SDES && i < packet.count && rf_rtcp_source_next(&body, &source) == 0; i++) {
			struct rf_end *e = source.mid.n ? with_mid(base, source.mid) : NULL;

			if (!e || by_ssrc(base, source.ssrc) == e)
				continue;
			leave_others(base, e, source.ssrc);
			learn_name(base, source.ssrc, e);
		}
	}
}

/* ---- and each packet of a compound to those whose streams it is about */

static bool says(struct rf_end *e, uint32_t ssrc)
{
	return ssrc_of(e, ssrc) || by_name(e->bearer, ssrc) == e;
}

static bool is_of(struct rf_end *e, uint32_t sender, uint32_t about)
{
	return says(e, sender) || ssrc_of(rf_end_other(e->sock[0].path, e), about);
}

static bool report_is_of(struct rf_end *e, const struct rf_rtcp_packet *packet)
{
	struct rf_rtcp_report report;

	if (rf_rtcp_report_parse(packet, &report) != 0)
		return false;
	if (says(e, report.ssrc))
		return true;
	for (unsigned i = 0; i < report.count; i++)
		if (is_of(e, report.ssrc, rf_rtcp_block_at(&report, i).ssrc))
			return true;
	return false;
}

static uint32_t be32_at(struct rf_view v, size_t at)
{
	struct rf_reader r = rf_reader_of(rf_view_from(v, at));

	return rf_take_be32(&r);
}

static bool feedback_is_of(struct rf_end *e, const struct rf_rtcp_packet *packet)
{
	enum { REMB_SSRC = 8 };      /* behind its name, the number of those, and the rate */
	struct rf_rtcp_feedback f;

	if (rf_rtcp_feedback_parse(packet, &f) != 0)
		return false;
	if (f.media)
		return is_of(e, f.media, f.media);
	/* Where nobody is named in front it stands in the control information: FIR (RFC 5104 4.3.1), or
	 * REMB behind its name. */
	return is_of(e, 0, be32_at(f.control, 0)) || is_of(e, 0, be32_at(f.control, REMB_SSRC));
}

static bool packet_is_of(struct rf_end *e, const struct rf_rtcp_packet *packet)
{
	switch (packet->type) {
	case RF_RTCP_SR: case RF_RTCP_RR:
		return report_is_of(e, packet);
	case RF_RTCP_RTPFB: case RF_RTCP_PSFB:
		return feedback_is_of(e, packet);
	default:                     /* SDES, BYE: about their first source */
		return says(e, be32_at(packet->body, 0));
	}
}

size_t rf_bundle_pick(struct rf_end *e, struct rf_view compound, uint8_t *buf)
{
	struct rf_reader r = rf_reader_of(compound);
	const uint8_t *from = compound.p;
	struct rf_rtcp_packet packet;
	size_t n = 0;

	while (rf_rtcp_next(&r, &packet) == 0) {
		size_t size = compound.n - rf_left(&r) - (size_t)(from - compound.p);

		bool is_its = packet_is_of(e, &packet), nobody = !is_its && e == e->bearer->riders;

		/* What is about nobody's stream goes with the first: a report before any stream keeps ways open. */
		for (struct rf_end *x = e->next_rider; x && nobody; x = x->next_rider)
			nobody = !packet_is_of(x, &packet);
		if (is_its || nobody) {
			memcpy(buf + n, from, size);
			n += size;
		}
		from += size;
	}
	return n;
}

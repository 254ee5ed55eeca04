#include "media/path_int.h"

#include "base/err.h"
#include "rtp/rtcp_ask.h"

enum { CNAME_CHARS = 16, SDES_CNAME = 1 };

/* ---- what reports tell of the streams */

static struct rf_path_ssrc *find(struct rf_end *e, uint32_t ssrc)
{
	struct rf_path_ssrc *s = e->ssrcs;

	while (s && s->ssrc != ssrc)
		s = s->next;
	return s;
}

/* A sender's report is on its way to the other party, whose own report will name it; that gives the round trip between
 * us and that party. */
static void learn_report(struct rf_arrival *a, const struct rf_rtcp_packet *packet)
{
	struct rf_mono now = rf_loop_now(a->p->w->loop);
	struct rf_end *other = rf_end_other(a->p, a->e);
	struct rf_rtcp_report report;
	struct rf_path_ssrc *s;

	if (rf_rtcp_report_parse(packet, &report) != 0)
		return;
	s = report.sender ? find(a->e, report.ssrc) : NULL;
	if (s)
		rf_quality_sent_report(&s->quality, report.ntp, now);
	for (unsigned i = 0; i < report.count; i++) {
		struct rf_rtcp_block block = rf_rtcp_block_at(&report, i);

		s = find(other, block.ssrc);
		if (s)
			rf_quality_heard_report(&s->quality, block.lsr, block.dlsr, now);
	}
}

static struct rf_view cname_in(struct rf_view body)
{
	struct rf_reader r = rf_reader_of(body);

	rf_take(&r, 4);
	while (!r.err && rf_peek(&r) > 0) {
		uint8_t type = rf_take_u8(&r);
		struct rf_view text = rf_take(&r, rf_take_u8(&r));

		if (type == SDES_CNAME)
			return text;
	}
	return rf_view_of(NULL, 0);
}

static struct rf_view learn(struct rf_arrival *a)
{
	struct rf_reader r = rf_reader_of(rf_view_of(a->text, a->text_n));
	struct rf_view cname = { NULL, 0 };
	struct rf_rtcp_packet packet;

	while (rf_rtcp_next(&r, &packet) == 0) {
		if (packet.type == RF_RTCP_SR || packet.type == RF_RTCP_RR)
			learn_report(a, &packet);
		else if (packet.type == RF_RTCP_SDES && rf_view_empty(cname))
			cname = cname_in(packet.body);
	}
	return cname;
}

/* ---- said anew */

/* One name for what was one name, on all paths of a party: audio and video stay in step. It says
 * nothing of the old one. */
static void make_cname(const struct rf_arrival *a, struct rf_view was, uint8_t ret[static CNAME_CHARS])
{
	struct { uint64_t sync, was, end; } key = { a->e->sync, rf_hash(&a->p->w->secret, was), 0 };

	if (!key.sync) {
		key.sync = (uint64_t)(uintptr_t)a->p;
		key.end = 1 + (uint64_t)(a->e - a->p->end);
	}
	uint64_t h = rf_hash(&a->p->w->secret, rf_view_of(&key, sizeof key));

	for (unsigned i = 0; i < CNAME_CHARS; i++, h >>= 4)
		ret[i] = (uint8_t)"0123456789abcdef"[h & 15];
}

bool rf_end_seal_rtcp(struct rf_end *to, uint8_t *buf, size_t *n, size_t cap)
{
	const struct rf_end *base = rf_end_base(to);
	struct rf_srtp_out *keys = base->keying == RF_KEYING_PLAIN ? NULL : rf_end_crypt_out(base, true);

	return base->keying == RF_KEYING_PLAIN || (keys && rf_srtp_out_rtcp(keys, buf, *n, cap, n) == 0);
}

static void find_clock(const struct rf_end *e, struct rf_rtcp_clock *ret)
{
	if (!e->filter || !e->filter->clock || !e->filter->clock(e->filter, ret))
		ret->from_hz = 0;
}

/* Copies of what is transcoded have the sender's own clock. */
static void copy_anew(struct rf_arrival *a, const struct rf_rtcp_rewrite *how, const uint8_t *out, size_t n)
{
	uint8_t own[RF_RTP_BYTES_MAX];
	struct rf_rtcp_rewrite same = *how;
	struct rf_rtcp_left_out left_out;

	if (a->e->taps && how->sent.from_hz) {
		same.sent.from_hz = 0;
		if (rf_rtcp_rewrite(rf_view_of(a->text, a->text_n), true, &same, own, sizeof own, &n, &left_out) != 0)
			return;
		out = own;
	}
	rf_arrival_copy(a, true, out, n);
}

static void send_anew(struct rf_arrival *a, struct rf_view was)
{
	struct rf_end *to = rf_end_other(a->p, a->e);
	uint8_t *out = a->p->w->scratch, cname[CNAME_CHARS];
	struct rf_rtcp_rewrite how = { .cname = { cname, sizeof cname } };
	struct rf_rtcp_left_out left_out;
	size_t n;

	find_clock(a->e, &how.sent);
	find_clock(to, &how.heard);
	make_cname(a, was, cname);
	int rc = rf_rtcp_rewrite(rf_view_of(a->text, a->text_n), true, &how, out, RF_RTP_BYTES_MAX, &n, &left_out);
	if (rc == RF_E_NOT_FOUND)
		return; /* nothing in it crosses */
	if (rc) {
		rf_arrival_drop(a, RF_DROP_MALFORMED);
		return;
	}
	copy_anew(a, &how, out, n);
	if (!rf_end_seal_rtcp(to, out, &n, RF_PATH_ROOM)) {
		rf_arrival_drop(a, RF_DROP_NO_KEYS);
		return;
	}
	a->buf = out;
	a->n = n;
	rf_arrival_pass(a, true);
}

/* Each of those who share this port gets what is about its streams. */
static void take_for_riders(const struct rf_arrival *a)
{
	uint8_t buf[RF_PATH_DATAGRAM_MAX];

	rf_bundle_learn(a->e, rf_view_of(a->text, a->text_n));
	for (struct rf_end *e = a->e->riders; e; e = e->next_rider) {
		struct rf_arrival part = { .p = e->sock[0].path, .e = e, .proven = a->proven, .buf = buf, .text = buf };

		part.n = part.text_n = rf_bundle_pick(e, rf_view_of(a->text, a->text_n), buf);
		if (!part.n || !part.p->open)
			continue;
		e->rtcp_packets++;
		e->rtcp_bytes += part.n;
		e->last_us = rf_loop_now(part.p->w->loop).us;
		send_anew(&part, learn(&part));
	}
}

void rf_path_take_rtcp(struct rf_arrival *a)
{
	struct rf_end *e = a->e, *other = rf_end_other(a->p, e);
	size_t n = a->n;

	if (!rf_arrival_from_party(a) || !rf_arrival_open(a, true))
		return;
	if (a->text && rf_rtcp_check(rf_view_of(a->text, a->text_n), true) != 0) {
		rf_arrival_drop(a, RF_DROP_MALFORMED);
		return;
	}
	if (!rf_check_rate(&e->rtcp_rate, n, rf_loop_now(a->p->w->loop).us)) {
		rf_arrival_drop(a, RF_DROP_RATE);
		return;
	}
	if (e->near &&
	    rf_near_came_round(a->p, e->near, a->text, a->text ? a->text : a->buf, a->text ? a->text_n : a->n)) {
		rf_arrival_drop(a, RF_DROP_REPLAY);
		return;
	}
	rf_arrival_fix(a);
	e->rtcp_packets++;
	e->rtcp_bytes += n;
	e->last_us = rf_loop_now(a->p->w->loop).us;
	a->p->w->totals.packets++;
	a->p->w->totals.bytes += n;
	if (e->riders && a->text) {
		take_for_riders(a);
		return;
	}
	struct rf_view cname = a->text ? learn(a) : rf_view_of(NULL, 0);

	if (other->nobody) {
		if (a->text && a->p->ops->picture && rf_rtcp_asks_picture(rf_view_of(a->text, a->text_n)))
			a->p->ops->picture(a->p->arg, a->p);
		return;
	}
	if (e->keying != RF_KEYING_PASSED)
		send_anew(a, cname);
	else if (other->keying == RF_KEYING_PASSED)
		rf_arrival_pass(a, true);
	else
		rf_arrival_drop(a, RF_DROP_NO_KEYS);
}

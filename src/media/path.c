#include "media/path_int.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>

static const char *const drop_names[RF_DROPS] = {
	[RF_DROP_UNANSWERED] = "unanswered", [RF_DROP_SOURCE] = "source", [RF_DROP_WINDOW] = "window",
	[RF_DROP_AUTH] = "auth", [RF_DROP_REPLAY] = "replay", [RF_DROP_MALFORMED] = "malformed",
	[RF_DROP_SSRC] = "ssrc", [RF_DROP_TYPE] = "type", [RF_DROP_RATE] = "rate", [RF_DROP_SEQUENCE] = "sequence",
	[RF_DROP_DIRECTION] = "direction", [RF_DROP_NO_KEYS] = "no-keys", [RF_DROP_NO_REMOTE] = "no-remote",
	[RF_DROP_HELD] = "held", [RF_DROP_STUN] = "stun", [RF_DROP_DTLS] = "dtls", [RF_DROP_SEND] = "send",
};

const char *rf_path_drop_name(enum rf_path_drop d)
{
	return drop_names[d];
}

static void check_silence(struct rf_timer *t);

static struct rf_path *make(struct rf_media_worker *w, enum rf_path_kind kind, const unsigned interface[RF_PATH_ENDS],
			    const struct rf_path_ops *ops, void *arg)
{
	struct rf_path *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	*p = (struct rf_path){ .w = w, .kind = kind, .ops = ops, .arg = arg };
	rf_timer_init(&p->silence, check_silence);
	rf_path_flows_init(p);
	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		p->end[i].nobody = interface[i] == RF_PATH_NOBODY;
		p->end[i].carried = interface[i] == RF_PATH_CARRIED;
		p->end[i].interface = p->end[i].nobody || p->end[i].carried ? 0 : (uint8_t)interface[i];
		p->end[i].odd = -1;
		for (unsigned k = 0; k < 2; k++)
			p->end[i].sock[k] =
				(struct rf_sock){ .path = p, .fd = -1, .end = (uint8_t)i, .rtcp = (uint8_t)k };
	}
	return p;
}

static void unmake(struct rf_path *p)
{
	rf_path_fast_leave(p);
	while (p->end[0].riders)
		rf_end_alight(p->end[0].riders);
	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		rf_end_alight(&p->end[i]);
		if (p->end[i].filter && p->end[i].filter->gone)
			p->end[i].filter->gone(p->end[i].filter);
		while (p->end[i].taps) {
			struct rf_path_tap *t = p->end[i].taps;

			p->end[i].taps = t->next;
			if (t->gone)
				t->gone(t);
		}
		rf_end_end_dtls(&p->end[i]);
		rf_end_end_ice(&p->end[i]);
		rf_crypt_free(p->end[i].sdes);
		rf_check_forget(&p->end[i]);
		rf_tcp_free(&p->end[i]);
		free(p->end[i].near);
		rf_path_xsk_end(p, &p->end[i]);
		rf_end_give_ports(p, i);
	}
	rf_timer_stop(rf_loop_wheel(p->w->loop), &p->silence);
	rf_timer_stop(rf_loop_wheel(p->w->loop), &p->openings);
	free(p);
}

int rf_path_new(struct rf_media_worker *w, enum rf_path_kind kind, const unsigned interface[RF_PATH_ENDS],
		const struct rf_path_ops *ops, void *arg, struct rf_path **ret_path, const char **ret_what)
{
	*ret_what = "paths are exhausted";
	if (w->n_paths >= w->conf.paths_max)
		return RF_E_LIMIT;
	for (unsigned i = 0; i < RF_PATH_ENDS; i++)
		if (interface[i] >= w->n_places && (interface[i] != RF_PATH_CARRIED || kind != RF_PATH_RTP) &&
		    (interface[i] != RF_PATH_NOBODY || i == 0))
			return RF_E_INVALID;
	struct rf_path *p = make(w, kind, interface, ops, arg);

	if (!p)
		return -ENOMEM;
	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		if (p->end[i].nobody || p->end[i].carried)
			continue;
		int rc = kind == RF_PATH_STREAM ? rf_tcp_new(&p->end[i]) : 0;

		if (!rc)
			rc = rf_end_take_ports(p, i, ret_what);

		if (rc) {
			unmake(p);
			return rc;
		}
	}
	p->next = w->paths;
	p->link = &w->paths;
	if (p->next)
		p->next->link = &p->next;
	w->paths = p;
	w->n_paths++;
	*ret_path = p;
	return 0;
}

void rf_path_free(struct rf_path *p)
{
	if (!p)
		return;
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->w->n_paths--;
	unmake(p);
}

void rf_path_local(const struct rf_path *p, unsigned end, struct rf_addr *ret_rtp, struct rf_addr *ret_rtcp)
{
	const struct rf_end *e = p->end[end].bearer ? p->end[end].bearer : &p->end[end];

	*ret_rtp = p->w->place[e->interface].conf.advertised;
	ret_rtp->port = e->port;
	*ret_rtcp = *ret_rtp;
	if (p->kind == RF_PATH_RTP && !e->mux)
		ret_rtcp->port++;
}

int rf_path_move(struct rf_path *p, unsigned end, unsigned interface, const char **ret_what)
{
	if (interface >= p->w->n_places)
		return RF_E_INVALID;
	if (p->open)
		return RF_E_STATE;
	return interface == p->end[end].interface ? 0 : rf_end_move(p, end, interface, ret_what);
}

void rf_path_open(struct rf_path *p)
{
	if (p->open)
		return;
	p->open = true;
	p->quiet_us = rf_loop_now(p->w->loop).us;
	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		rf_source_begin_window(p, &p->end[i]);
		rf_end_begin_dtls(p, &p->end[i]);
		if (p->kind == RF_PATH_STREAM)
			rf_tcp_begin(p, &p->end[i]);
	}
	rf_path_set_silence(p, p->silence_ms);
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
}

/* ---- silence */

static uint64_t last_heard(const struct rf_path *p)
{
	uint64_t last = p->quiet_us;

	for (unsigned i = 0; i < RF_PATH_ENDS; i++)
		if (p->end[i].last_us > last)
			last = p->end[i].last_us;
	return last;
}

static void check_silence(struct rf_timer *t)
{
	struct rf_path *p = rf_container(t, struct rf_path, silence);

	rf_path_fast_count(p);
	struct rf_mono now = rf_loop_now(p->w->loop),
		       due = rf_mono_add_ms((struct rf_mono){ last_heard(p) }, p->silence_ms);

	if (due.us > now.us) {
		rf_timer_start_at(rf_loop_wheel(p->w->loop), t, due);
		return;
	}
	p->quiet_us = now.us; /* told again after as long once more */
	rf_timer_start(rf_loop_wheel(p->w->loop), t, p->silence_ms);
	if (p->ops->silent)
		p->ops->silent(p->arg, p);
}

void rf_path_set_silence(struct rf_path *p, uint32_t ms)
{
	p->silence_ms = ms;
	if (ms && p->open)
		rf_timer_start(rf_loop_wheel(p->w->loop), &p->silence, ms);
	else
		rf_timer_stop(rf_loop_wheel(p->w->loop), &p->silence);
}

/* ---- what of a party's media goes on, and what comes from elsewhere */

void rf_path_hold(struct rf_path *p, unsigned end, unsigned holds)
{
	rf_path_fast_leave(p);
	p->end[end].holds = (uint8_t)holds;
	if (p->kind == RF_PATH_STREAM)
		rf_tcp_update(p);
}

void rf_path_set_filter(struct rf_path *p, unsigned end, struct rf_path_filter *f)
{
	rf_path_fast_leave(p);
	p->end[end].filter = f;
}

struct rf_path_filter *rf_path_filter_at(const struct rf_path *p, unsigned end)
{
	return p->end[end].filter;
}

void rf_path_add_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t)
{
	rf_path_fast_leave(p);
	t->next = p->end[end].taps;
	p->end[end].taps = t;
}

void rf_path_drop_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t)
{
	for (struct rf_path_tap **at = &p->end[end].taps; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			return;
		}
}

int rf_path_send(struct rf_path *p, unsigned end, uint8_t *packet, size_t n, size_t cap)
{
	if (!p->open || p->kind != RF_PATH_RTP || !rf_source_for_media(rf_end_base(&p->end[end]), 0))
		return RF_E_STATE;
	return rf_end_send_rtp(p, &p->end[end], packet, n, cap) == RF_DROPS ? 0 : RF_E_STATE;
}

int rf_path_send_rtcp(struct rf_path *p, unsigned end, uint8_t *compound, size_t n, size_t cap)
{
	if (!p->open || p->kind != RF_PATH_RTP || !rf_end_seal_rtcp(&p->end[end], compound, &n, cap))
		return RF_E_STATE;
	return rf_end_pass(p, &p->end[end], true, compound, n) == RF_DROPS ? 0 : RF_E_STATE;
}

/* ---- what is known */

static void put_stream(const struct rf_path_ssrc *s, struct rf_path_stream *ret)
{
	struct rf_quality_sum sum = rf_quality_sum(&s->quality, rf_quality_codec_of((struct rf_view){ 0 }));

	*ret = (struct rf_path_stream){ .ssrc = s->ssrc, .type = s->type, .packets = s->packets, .bytes = s->bytes,
		.lost = sum.lost, .jitter_us = sum.jitter_us, .rtt_us = sum.rtt_us, .mos_100 = sum.mos_100 };
}

void rf_path_stats(const struct rf_path *p, unsigned end, struct rf_path_end_stats *ret)
{
	const struct rf_end *e = &p->end[end], *base = e->bearer ? e->bearer : e;

	rf_path_fast_count(e->sock[0].path); /* the same path */
	*ret = (struct rf_path_end_stats){ .remote = rf_peer_addr(&base->source[0]), .packets = e->packets, .bytes = e->bytes,
		.rtcp_packets = e->rtcp_packets, .rtcp_bytes = e->rtcp_bytes, .sent = e->sent,
		.sent_bytes = e->sent_bytes, .rtcp_sent = e->rtcp_sent, .rtcp_sent_bytes = e->rtcp_sent_bytes,
		.keying = base->keying,
		.in_xdp = rf_path_xsk_at(base), .last_us = e->last_us };
	memcpy(ret->drops, e->drops, sizeof ret->drops);
	const struct rf_crypt *c = base->keying == RF_KEYING_PLAIN ? NULL : rf_end_crypt_in(base, false);

	ret->suite = c && base->keying != RF_KEYING_PASSED ? rf_srtp_in_suite(c->in) : RF_SRTP_NONE;
	if (base->shake[0] && base->agreed[0] && base->agreed[0]->in)
		ret->dtls = rf_dtls_version(base->shake[0]->dtls);
	for (const struct rf_path_ssrc *s = e->ssrcs; s; s = s->next) {
		put_stream(s, &ret->streams[ret->n_streams++]);
		ret->in_kernel = ret->in_kernel || s->fast;
	}
}

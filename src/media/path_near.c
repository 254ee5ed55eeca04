#include "media/path_int.h"

#include "rtp/rtcp.h"

#include <stdlib.h>

/* An end whose party is a port of this relay: a call that passes through it twice, or two calls that were made to name
 * each other. RTP that comes round is stopped by its number and SSRC, which a relay does not change; reports and what
 * passes as it is have nothing of the kind, so here what was here a moment ago is not taken again. A party's own
 * repetitions come later than that. */
enum { ECHOES = 64, ECHO_MS = 100 };

struct rf_near {
	unsigned at;
	struct { uint64_t mark, until_us; } heard[ECHOES];
};

static bool is_own(const struct rf_media_worker *w, const struct rf_addr *a)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		const struct rf_media_interface *m = &w->place[i].conf;

		if (rf_addr_same_ip(a, &m->local) || (m->advertised.family && rf_addr_same_ip(a, &m->advertised)))
			return true;
	}
	return false;
}

bool rf_near_wanted(const struct rf_path *p, const struct rf_path_end_conf *c)
{
	return p->kind != RF_PATH_STREAM && ((c->remote.family && is_own(p->w, &c->remote)) ||
					     (c->remote_rtcp.family && is_own(p->w, &c->remote_rtcp)));
}

int rf_near_new(struct rf_near **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : -ENOMEM;
}

/* Of a compound what is the same when it was said anew: not the name, which is another each time. */
static uint64_t mark_of(const struct rf_path *p, bool rtcp, const uint8_t *bytes, size_t len)
{
	struct rf_reader r = rf_reader_of(rf_view_of(bytes, len));
	struct rf_rtcp_packet packet;
	uint64_t mark = 0;

	if (!rtcp)
		return rf_hash(&p->w->secret, rf_view_of(bytes, len));
	while (rf_rtcp_next(&r, &packet) == 0)
		if (packet.type != RF_RTCP_SDES)
			mark = mark * UINT64_C(0x9e3779b97f4a7c15) + packet.type + rf_hash(&p->w->secret, packet.body);
	return mark;
}

bool rf_near_came_round(const struct rf_path *p, struct rf_near *n, bool rtcp, const uint8_t *bytes, size_t len)
{
	uint64_t now = rf_loop_now(p->w->loop).us, mark = mark_of(p, rtcp, bytes, len);

	for (unsigned i = 0; i < ECHOES; i++)
		if (n->heard[i].mark == mark && now < n->heard[i].until_us)
			return true;
	n->heard[n->at].mark = mark;
	n->heard[n->at].until_us = now + ECHO_MS * 1000;
	n->at = (n->at + 1) % ECHOES;
	return false;
}

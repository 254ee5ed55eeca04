#include "media/path_int.h"

#include "base/err.h"

enum {
	VIDEO_PACKETS_S = 500, VIDEO_BYTES_S = 2500000,
	AUDIO_PACKETS_S = 150, AUDIO_BYTES_S = 40000,
};

static bool family_fits(const struct rf_path *p, const struct rf_end *e, const struct rf_addr *a)
{
	return !a->family || (a->family == p->w->place[e->interface].conf.local.family && !rf_addr_is_multicast(a));
}

static bool conf_ok(const struct rf_path *p, const struct rf_end *e, const struct rf_path_end_conf *c)
{
	if (!family_fits(p, e, &c->remote) || !family_fits(p, e, &c->remote_rtcp) || c->dscp > 63 ||
	    c->n_types > RF_PATH_TYPES_MAX || c->n_keys_in > RF_PATH_KEYS_MAX || c->n_prints > RF_PATH_PRINTS_MAX)
		return false;
	for (unsigned i = 0; i < c->n_types; i++)
		if (c->types[i].type > 127)
			return false;
	return true;
}

static void set_types(struct rf_end *e, const struct rf_path_end_conf *c)
{
	memcpy(e->types, c->types, c->n_types * sizeof *c->types);
	e->n_types = c->n_types;
	memset(e->types_ok, c->n_types ? 0 : 0xff, sizeof e->types_ok);
	for (unsigned i = 0; i < c->n_types; i++)
		e->types_ok[c->types[i].type >> 6] |= UINT64_C(1) << (c->types[i].type & 63);
}

static bool only_audio(const struct rf_path_end_conf *c)
{
	for (unsigned i = 0; i < c->n_types; i++)
		if (c->types[i].flags & RF_TYPE_VIDEO)
			return false;
	return c->n_types > 0;
}

static void set_rate(struct rf_end *e, const struct rf_path_end_conf *c)
{
	bool audio = only_audio(c);

	e->rate.packets_s = c->packets_s ? c->packets_s : audio ? AUDIO_PACKETS_S : VIDEO_PACKETS_S;
	e->rate.bytes_s = c->bytes_s ? c->bytes_s : audio ? AUDIO_BYTES_S : VIDEO_BYTES_S;
}

/* True: it is signaled to be elsewhere than before. */
static bool set_remote(struct rf_end *e, const struct rf_path_end_conf *c)
{
	struct rf_addr rtp = c->remote, rtcp = c->remote_rtcp;

	if (rf_addr_is_any(&rtp))
		rtp = (struct rf_addr){ 0 };
	if (!rtcp.family && rtp.family) {
		rtcp = rtp;
		rtcp.port++;
	}
	bool moved = !e->set || e->how != c->source || !rf_addr_eq(&rtp, &e->remote) || !rf_addr_eq(&rtcp, &e->remote_rtcp);

	e->how = c->source;
	e->remote = rtp;
	e->remote_rtcp = rtcp;
	e->window_ms = c->window_ms;
	e->any_ip = !rtp.family;
	rf_peer_of(&rtp, &e->signaled[0]);
	rf_peer_of(&rtcp, &e->signaled[1]);
	return moved;
}

int rf_path_set(struct rf_path *p, unsigned end, const struct rf_path_end_conf *c)
{
	struct rf_end *e = &p->end[end];

	if (!conf_ok(p, e, c))
		return RF_E_INVALID;
	int rc = rf_end_want_rtcp(p, end, p->kind == RF_PATH_RTP && !c->rtcp_mux);

	if (rc)
		return rc;
	bool moved = set_remote(e, c);

	e->mux = c->rtcp_mux;
	e->keying = c->keying;
	e->dir = c->dir;
	set_types(e, c);
	set_rate(e, c);
	e->dscp = c->dscp;
	rf_end_set_dscp(e);
	e->set = true;
	if (moved)
		rf_source_reset(p, e);
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
	return 0;
}

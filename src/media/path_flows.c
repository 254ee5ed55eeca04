/* The pinholes that a path needs. Most are exact: from where packets come, or may come by what was signaled. Where
 * the port cannot be known there is an opening, from one address to one port of ours: for a connection that a
 * party begins, until it stands; and where NAT is declared, until the first packet that was let in says where
 * from, or the window ends. */
#include "media/path_int.h"

#include "base/table.h"

static void add(struct rf_addr from, struct rf_addr to, const struct rf_path *p, struct rf_path_tuple *ret, size_t *n)
{
	ret[(*n)++] = (struct rf_path_tuple){ .from = from, .to = to,
					      .protocol = p->kind == RF_PATH_STREAM ? IPPROTO_TCP : IPPROTO_UDP };
}

static void add_both_ways(struct rf_addr remote, struct rf_addr local, const struct rf_path *p,
			  struct rf_path_tuple *ret, size_t *n)
{
	add(remote, local, p, ret, n);
	add(local, remote, p, ret, n);
}

/* Does its party connect to us, and has not yet? */
static bool awaits_connection(const struct rf_path *p, const struct rf_end *e)
{
	return p->kind == RF_PATH_STREAM && p->open && e->tcp->listens && !e->dtls_active && !e->source[0].n;
}

/* May its first packet come from a port that a NAT chose? */
static bool awaits_packet(const struct rf_path *p, const struct rf_end *e, unsigned rtcp)
{
	bool unknown = e->how == RF_SOURCE_ICE ? e->ice[rtcp] && rf_ice_waits(e->ice[rtcp]) :
						 e->how == RF_SOURCE_FIRST && !e->source[rtcp].n;

	return p->kind != RF_PATH_STREAM && p->open && e->nat && unknown && e->sock[rtcp].fd >= 0 &&
	       (!rtcp || p->kind == RF_PATH_RTP) && rf_loop_now(p->w->loop).us < e->window_us;
}

static void add_opening(const struct rf_path *p, const struct rf_end *e, unsigned rtcp, struct rf_addr local,
			struct rf_path_tuple *ret, size_t *n)
{
	/* What is signaled, which is where it speaks SIP from when that is said; never from anywhere. */
	const struct rf_peer *at = e->source[0].n ? &e->source[0] : &e->signaled[0];
	struct rf_addr remote = rf_peer_addr(at);

	if (!at->n || (!awaits_connection(p, e) && !awaits_packet(p, e, rtcp)))
		return;
	remote.port = 0;
	add(remote, local, p, ret, n);
	ret[*n - 1].any_port = true;
}

static void add_flows(const struct rf_path *p, const struct rf_end *e, unsigned rtcp, struct rf_path_tuple *ret,
		      size_t *n)
{
	const struct rf_peer *at = rf_source_to(e, rtcp);
	struct rf_addr local = p->w->place[e->interface].conf.local, remote = { 0 };

	if (e->sock[rtcp].fd < 0 || (rtcp && p->kind != RF_PATH_RTP))
		return;
	local.port = (uint16_t)(e->port + rtcp);
	/* The port that is signaled for a party that connects means nothing (RFC 4145 4.1). */
	if (at && (p->kind != RF_PATH_STREAM || e->dtls_active || e->source[0].n)) {
		remote = rf_peer_addr(at);
		add_both_ways(remote, local, p, ret, n);
	}
	add_opening(p, e, rtcp, local, ret, n);
	if (e->how != RF_SOURCE_ICE || !e->ice[rtcp] || !rf_ice_waits(e->ice[rtcp]))
		return;
	for (unsigned i = 0; i < e->n_candidates; i++)
		if (e->candidates[i].rtcp == rtcp && !rf_addr_eq(&e->candidates[i].at, &remote))
			add_both_ways(e->candidates[i].at, local, p, ret, n);
}

size_t rf_path_flows(const struct rf_path *p, struct rf_path_tuple ret[static RF_PATH_TUPLES_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < RF_PATH_ENDS; i++)
		for (unsigned rtcp = 0; rtcp < 2; rtcp++)
			add_flows(p, &p->end[i], rtcp, ret, &n);
	return n;
}

/* --- their end */

/* Each end's window ends by itself; what waits for it is over then. */
static void openings_fire(struct rf_timer *t)
{
	struct rf_path *p = rf_container(t, struct rf_path, openings);

	rf_path_watch_window(p);
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
}

void rf_path_flows_init(struct rf_path *p)
{
	rf_timer_init(&p->openings, openings_fire);
}

void rf_path_watch_window(struct rf_path *p)
{
	uint64_t now = rf_loop_now(p->w->loop).us, next = 0;

	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		const struct rf_end *e = &p->end[i];

		if (e->nat && e->window_us > now && (!next || e->window_us < next))
			next = e->window_us;
	}
	if (next)
		rf_timer_start_at(rf_loop_wheel(p->w->loop), &p->openings, (struct rf_mono){ next });
	else
		rf_timer_stop(rf_loop_wheel(p->w->loop), &p->openings);
}

#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>

enum {
	VIDEO_PACKETS_S = 500, VIDEO_BYTES_S = 2500000,
	AUDIO_PACKETS_S = 150, AUDIO_BYTES_S = 40000,
	RTCP_PACKETS_S = 200, RTCP_BYTES_S = 100000, /* feedback about video comes often */
};

static bool family_fits(const struct rf_path *p, const struct rf_end *e, const struct rf_addr *a)
{
	return !a->family || (a->family == p->w->place[e->interface].conf.local.family && !rf_addr_is_multicast(a));
}

static bool key_ok(const struct rf_path_key *k)
{
	return rf_srtp_key_bytes(k->suite) && k->mki_n <= RF_PATH_MKI_MAX;
}

static bool conf_ok(const struct rf_path *p, const struct rf_end *e, const struct rf_path_end_conf *c)
{
	if (!family_fits(p, e, &c->remote) || !family_fits(p, e, &c->remote_rtcp) || c->dscp > 63 ||
	    c->n_types > RF_PATH_TYPES_MAX ||
	    c->mid_n > RF_PATH_MID_MAX || c->n_keys_in > RF_PATH_KEYS_MAX || c->n_prints > RF_PATH_PRINTS_MAX)
		return false;
	for (unsigned i = 0; i < c->n_types; i++)
		if (c->types[i].type > 127)
			return false;
	for (unsigned i = 0; i < c->n_keys_in; i++)
		if (!key_ok(&c->keys_in[i]))
			return false;
	return c->keying != RF_KEYING_SDES || c->key_out.suite == RF_SRTP_NONE || key_ok(&c->key_out);
}

static void set_types(struct rf_end *e, const struct rf_path_end_conf *c)
{
	memcpy(e->types, c->types, c->n_types * sizeof *c->types);
	e->n_types = c->n_types;
	memset(e->types_ok, c->n_types ? 0 : 0xff, sizeof e->types_ok);
	memset(e->types_dtmf, 0, sizeof e->types_dtmf);
	for (unsigned i = 0; i < c->n_types; i++) {
		uint64_t bit = UINT64_C(1) << (c->types[i].type & 63);
		unsigned at = c->types[i].type >> 6;

		/* Of a type that is said twice the first one counts, as in rf_check_type_of(). */
		if (c->types[i].flags & RF_TYPE_DTMF && !(e->types_ok[at] & bit))
			e->types_dtmf[at] |= bit;
		e->types_ok[at] |= bit;
	}
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
	e->rtcp_rate.packets_s = RTCP_PACKETS_S;
	e->rtcp_rate.bytes_s = RTCP_BYTES_S;
}

/* Where it is signaled to be; RTCP one above RTP when nothing else is said. */
static void remotes(const struct rf_path_end_conf *c, struct rf_addr ret[static 2])
{
	ret[0] = c->remote;
	ret[1] = c->remote_rtcp;
	if (rf_addr_is_any(&ret[0]))
		ret[0] = (struct rf_addr){ 0 };
	if (!ret[1].family && ret[0].family) {
		ret[1] = ret[0];
		ret[1].port++;
	}
}

/* It names itself anew, and does not show the certificate of before: another phone that answered the same offer. */
static bool is_another(const struct rf_end *e, const struct rf_path_end_conf *c)
{
	const struct rf_ice *ice = e->ice[0];
	struct rf_view name = rf_view_of(c->ufrag_peer, strnlen(c->ufrag_peer, sizeof c->ufrag_peer));
	bool certificate = c->keying == RF_KEYING_DTLS && e->n_prints && e->n_prints == c->n_prints &&
			   memcmp(e->prints, c->prints, c->n_prints * sizeof *c->prints) == 0;

	return ice && ice->theirs_n && name.n && !certificate &&
	       !rf_view_eq(name, rf_view_of(ice->theirs, ice->theirs_n));
}

static bool is_elsewhere(const struct rf_end *e, const struct rf_path_end_conf *c)
{
	struct rf_addr at[2];

	/* Where it is says ICE alone: the address of a description is a default, which may be said after
	 * the checks, or anew. */
	if (e->set && e->how == RF_SOURCE_ICE && c->source == RF_SOURCE_ICE)
		return is_another(e, c);
	remotes(c, at);
	return !e->set || e->how != c->source || !rf_addr_eq(&at[0], &e->remote[0]) ||
	       !rf_addr_eq(&at[1], &e->remote[1]);
}

static void set_remote(struct rf_end *e, const struct rf_path_end_conf *c)
{
	remotes(c, e->remote);
	e->how = c->source;
	e->window_ms = c->window_ms;
	e->any_ip = !e->remote[0].family;
	e->nat = c->nat || c->source == RF_SOURCE_FIRST;
	e->nat_waits = c->nat_waits && c->source == RF_SOURCE_FIRST;
	rf_peer_of(&e->remote[0], &e->signaled[0]);
	rf_peer_of(&e->remote[1], &e->signaled[1]);
}

static void commit(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *c,
		   struct rf_shake *fresh[static 2])
{
	bool moved = is_elsewhere(e, c);

	rf_path_fast_leave(p);
	rf_end_set_ice(p, e, c);
	rf_end_set_dtls(e, c, fresh);
	set_remote(e, c);
	e->mux = c->rtcp_mux;
	e->keying = c->keying;
	e->keys_in = c->n_keys_in > 0;
	e->keys_out = c->keying == RF_KEYING_SDES && c->key_out.suite != RF_SRTP_NONE;
	e->dir = c->dir;
	e->sync = c->sync;
	e->mid_ext = c->mid_ext;
	e->mid_n = c->mid_n;
	memcpy(e->mid, c->mid, sizeof e->mid);
	set_types(e, c);
	set_rate(e, c);
	e->dscp = c->dscp;
	if (c->rtcp_mux)
		rf_end_want_rtcp(p, (unsigned)(e - p->end), false);
	rf_end_set_dscp(e);
	e->set = true;
	if (moved && p->kind == RF_PATH_STREAM)
		rf_tcp_reset(p, e);
	if (moved)
		rf_source_reset(p, e);
	if (!rf_near_wanted(p, c)) {
		free(e->near);
		e->near = NULL;
	}
	rf_end_show_prints(e, c);
	rf_end_begin_dtls(p, e);
	if (p->kind == RF_PATH_STREAM)
		rf_tcp_begin(p, e);
}

/* What of a conf is the m-line's, where its transport is another end's. */
static struct rf_path_end_conf without_transport(const struct rf_path_end_conf *c)
{
	struct rf_path_end_conf own = { .rtcp_mux = true, .dir = c->dir, .n_types = c->n_types, .packets_s = c->packets_s,
		.bytes_s = c->bytes_s, .sync = c->sync, .mid_ext = c->mid_ext, .mid_n = c->mid_n };

	memcpy(own.types, c->types, sizeof own.types);
	memcpy(own.mid, c->mid, sizeof own.mid);
	return own;
}

int rf_path_set(struct rf_path *p, unsigned end, const struct rf_path_end_conf *c)
{
	struct rf_end *e = &p->end[end];
	struct rf_shake *fresh[2] = { NULL, NULL };
	bool had_ice = e->ice[0], had_rtcp = e->sock[1].fd >= 0;
	struct rf_path_end_conf own;

	if (e->carried) {
		own = without_transport(c);
		c = &own;
	}
	if (!conf_ok(p, e, c))
		return RF_E_INVALID;
	int rc = p->kind == RF_PATH_RTP && !c->rtcp_mux ? rf_end_want_rtcp(p, end, true) : 0;

	if (!rc)
		rc = rf_end_ready_ice(p, e, c);
	if (!rc)
		rc = rf_end_ready_dtls(p, e, c, is_elsewhere(e, c), fresh);
	if (!rc && !e->near && rf_near_wanted(p, c))
		rc = rf_near_new(&e->near);
	if (!rc)
		rc = rf_crypt_set(&e->sdes, c, rf_loop_now(p->w->loop).us);
	if (rc) {
		rf_end_drop_dtls(fresh);
		if (!had_ice)
			rf_end_end_ice(e);
		if (!had_rtcp)
			rf_end_want_rtcp(p, end, false);
		return rc;
	}
	commit(p, e, c, fresh);
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
	return 0;
}
